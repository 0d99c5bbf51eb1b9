"""What a front end sees: the state that a snapshot and the deltas after it lead to, as the wire defines it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

Json = dict[str, Any]


class Seen:
    """Applies messages of the wire.

    Attributes
    ----------
    state
        None until there was a snapshot.
    rev
        Of the last message that counted.
    has_gap
        Whether a delta is missing; nothing counts then until a snapshot comes.
    """

    def __init__(self) -> None:
        self.state: Json | None = None
        self.rev = -1
        self.has_gap = False

    def take(self, message: Json) -> None:
        """Take in a snapshot or a delta."""
        if message["kind"] == "snapshot":
            self.state, self.rev, self.has_gap = copied(message["state"]), message["rev"], False
        elif self.state is not None and not self.has_gap and message["rev"] > self.rev:
            self.has_gap = message["rev"] != self.rev + 1
            if not self.has_gap:
                self.rev = message["rev"]
                for change in copied(message["changes"]):
                    apply(self.state, change)


def apply(state: Json, change: Json) -> None:
    """Let a state become what a change says."""
    live = state["live"]
    if "turn" in change and change["is"] != "finished" and (live is None or live["turn"] != change["turn"]):
        return
    match change["is"]:
        case "began":
            state["live"] = change["live"]
        case "event":
            join(live["events"], change["event"])
        case "live":
            live.update({name: value for name, value in change.items() if name not in ("is", "turn")})
        case "blocks":
            draw(live["parts"], change)
        case "part":
            live["parts"][change["part"] : change["part"] + 1] = [change["value"]]
        case "thought":
            live["parts"][change["part"]]["duration_s"] = change["duration_s"]
        case "cut":
            del live["parts"][change["parts"] :]
        case "finished":
            for entry in change["entries"]:
                if "parts" in entry:
                    entry["parts"] = [live["parts"][p["same"]] if "same" in p else p for p in entry["parts"]]
            state["entries"] = sorted([*state["entries"], *change["entries"]], key=lambda entry: entry["id"])
            if live is not None and live["turn"] == change["turn"]:
                state["live"] = None
        case "waiting":
            state["waiting"] = change["entries"]
        case "approvals":
            state["approvals"] = change["proposals"]
        case "session":
            state["session"], state["model"] = change["session"], change["model"]
        case "entry":
            state["entries"] = [change["entry"] if e["id"] == change["entry"]["id"] else e for e in state["entries"]]
        case "notice":
            state["notices"].append(change["text"])


def join(events: list[Json], event: Json) -> None:
    """Let words that follow words of their kind go on in the same event."""
    if events and event["type"] == events[-1]["type"] and event["type"] in ("TextDelta", "ThinkingDelta"):
        events[-1]["text"] += event["text"]
    else:
        events.append(event)


def draw(parts: list[Json], change: Json) -> None:
    """Let the blocks of a part become what a change says; lengths are JavaScript's."""
    if change["part"] == len(parts):
        parts.append({"type": change["type"], "blocks": []})
        if change["type"] == "thinking":
            parts[-1]["duration_s"] = None
    blocks = parts[change["part"]]["blocks"]
    first = change["from"]
    kept = blocks[first].encode("utf-16-le", "surrogatepass")[: 2 * change["keep"]] if change["keep"] else b""
    rest, *others = change["html"] or [None]
    blocks[first:] = [kept.decode("utf-16-le", "surrogatepass") + rest, *others] if rest is not None else []


def text_of(entry: Json) -> str:
    """Return what an entry says, as one reads it; in the plain form, as it was written."""
    if "session_id" in entry:
        return "".join(part["text"] for part in entry["parts"] if part["type"] == "Text").strip()
    if entry["role"] == "user":
        return str(entry["text"])
    blocks = [block for part in entry["parts"] if part["type"] == "text" for block in part["blocks"]]
    return unescape(re.sub("<[^>]*>", "", "\n".join(blocks))).strip()


def copied(value: Any) -> Any:
    """Return JSON that is nobody else's."""
    match value:
        case dict():
            return {key: copied(item) for key, item in value.items()}
        case list():
            return [copied(item) for item in value]
    return value
