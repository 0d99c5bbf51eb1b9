"""Take out of a session what is not for others: secrets, the user's folders, and names that are given."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ..detection import require_rules, secrets_in, secrets_of
from ..errors import SettingsError
from ..messages import Context, Image, Json, Session
from ..wire import session_from_json, to_json

# What ties things together, and what is no text.
_KEPT = frozenset(
    {
        "id",
        "session_id",
        "turn_id",
        "call_id",
        "after",
        "until",
        "tip",
        "forked",
        "hidden",
        "type",
        "role",
        "created_at",
        "updated_at",
        "outcome",
        "origin",
        "mime",
        "data",
    }
)
# What has names of others in it.
_FREE = frozenset({"arguments", "options"})
_HOMES = r"(?:/home|/Users|[A-Za-z]:(?:\\\\|\\|/)Users)(?:\\\\|\\|/)[^\s/\\:\"'<>|]+"


@dataclass(slots=True)
class Taken:
    """What was taken out, by kind: how many different things, and in how many places."""

    places: Counter[str] = field(default_factory=Counter)
    things: dict[str, set[str]] = field(default_factory=dict)
    pictures: int = 0

    def note(self, kind: str, thing: str) -> None:
        """Count one."""
        self.places[kind] += 1
        self.things.setdefault(kind, set()).add(thing)

    def sentence(self) -> str:
        """Say what was taken out, without saying it."""
        told = [f"{kind}: {len(self.things[kind])} in {number} places" for kind, number in sorted(self.places.items())]
        text = f"Taken out: {', '.join(told)}." if told else "Nothing was found to take out."
        return f"{text} Pictures were not looked into: {self.pictures}." if self.pictures else text


class Redaction:
    """Takes the same things out of several sessions; each has one placeholder throughout.

    A secret that was found once is taken out wherever it stands. Only its exact characters are: what is encoded, cut or
    spelled out is not recognised, nor is anything in pictures.

    Parameters
    ----------
    patterns
        Regular expressions of names, whatever their case.
    environment
        Values of variables whose names say that they are secrets are taken out.
    home
        The user's folder; what looks like anybody's goes, too.

    Raises
    ------
    SettingsError
        If detect-secrets is not installed, or a pattern is none.
    """

    def __init__(
        self, patterns: Sequence[str] = (), environment: Mapping[str, str] | None = None, home: Path | None = None
    ) -> None:
        try:
            require_rules()
        except SettingsError as error:
            raise SettingsError(
                "What finds keys and passwords is not installed. Install it: pip install 'chatnb[secrets]'"
            ) from error
        self.taken = Taken()
        self._patterns = [_compiled(pattern) for pattern in patterns]
        self._environment = os.environ if environment is None else environment
        own = str(home or Path.home())
        homes = [rf"{re.escape(own)}(?![\w.-])"] if len(own) > 1 else []
        self._folders = re.compile("|".join([*homes, _HOMES]))
        self._placeholders: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, count[int]] = {}

    def redacted(self, sessions: Sequence[Session]) -> list[Session]:
        """Return the sessions without what is to be taken out."""
        written = [to_json(session) for session in sessions]
        secrets = secrets_of(self._environment)

        def search(text: str) -> str:
            secrets.update(secrets_in(text))
            return text

        for session in written:
            _mapped(session, search)
        longest_first = sorted(secrets, key=len, reverse=True)
        known = re.compile("|".join(map(re.escape, longest_first))) if secrets else None

        def redact(text: str) -> str:
            if known:
                text = known.sub(lambda found: self._placeholder("SECRET", secrets[found[0]], found[0]), text)
            text = self._folders.sub(self._folder, text)
            for pattern in self._patterns:
                text = pattern.sub(self._name, text)
            return text

        self.taken.pictures += sum(
            isinstance(part, Image) for each in sessions for message in each.messages for part in message.parts
        )
        return [session_from_json(_mapped(session, redact)) for session in written]

    def _placeholder(self, word: str, kind: str, thing: str) -> str:
        self.taken.note(kind, thing)
        key = (word, thing)
        if key not in self._placeholders:
            number = next(self._numbers.setdefault(word, count(1)))
            self._placeholders[key] = f"[{word}_{number}]"
        return self._placeholders[key]

    def _folder(self, found: re.Match[str]) -> str:
        self.taken.note("home folder", found[0])
        return "~"

    def _name(self, found: re.Match[str]) -> str:
        return self._placeholder("NAME", "name", found[0].casefold()) if found[0] else ""


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise SettingsError(f"--redact {pattern!r} is no regular expression: {error}.") from error


def _mapped(value: Json, change: Callable[[str], str], name: str = "") -> Json:
    """Return JSON of a session with each text in it changed."""
    match value:
        case str():
            return value if name in _KEPT else change(value)
        case list() if name not in _KEPT:
            return [_mapped(item, change, name) for item in value]
        case dict() if name in _FREE:
            return {change(key): _mapped(item, change, name) for key, item in value.items()}
        case dict():
            # A digest of what was there would tell whoever guesses it that the guess is right.
            mapped = {key: _mapped(item, change, key) for key, item in value.items() if key != "digest"}
            if "sha256" in mapped:
                mapped["sha256"] = Context.of("", mapped["text"]).sha256
            return mapped
    return value
