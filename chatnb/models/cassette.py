"""What models were asked and answered, to be answered again without them.

A request is found by what it says, not by when it was asked: its model, messages, tools, form and options. Left out is
what differs from run to run and changes no answer: ids, times, the window, and how long the model stays in memory.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError, SettingsError, named
from ..events import Event, ModelEvent, TextDelta, ThinkingDelta
from ..messages import Context, Image, Json, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult
from ..wire import event_from_json, to_json
from .base import ModelInfo, Request

VERSION = 1

PIECE_S = 0.25
"""What is written within this time is kept as one piece."""

_KEY = 16  # characters of a hash
_IGNORED = frozenset({"num_ctx"})
_CLOSE = 3  # lines around a difference


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, so many seconds after the request."""

    after_s: float
    event: ModelEvent | ModelError


class Cassette:
    """Requests with their answers, and the models that gave them.

    Lives on one event loop.

    Parameters
    ----------
    changed
        Called whenever something was added.
    name
        What the user knows it by: its file.

    Attributes
    ----------
    models
        What is known of each, in the order in which they were first asked.
    """

    def __init__(self, changed: Callable[[], object] = lambda: None, name: str = "") -> None:
        self.name = name
        self.models: dict[str, ModelInfo] = {}
        self._asked: dict[str, Mapping[str, Json]] = {}
        self._answers: dict[str, list[tuple[Moment, ...]]] = {}
        self._given: dict[str, int] = {}  # how often each was asked since this cassette was made or read
        self._changed = changed

    def put(self, model: str, request: Request, moments: Sequence[Moment]) -> None:
        """Keep an answer; asked for the first time it replaces what was kept before, asked again it comes after."""
        asked = described(model, request)
        key = _key(asked)
        self._asked[key] = asked
        before = self._answers.get(key, []) if self._given.get(key) else []
        self._answers[key] = [*before, _joined(moments)]
        self._given[key] = len(self._answers[key])
        self.models.setdefault(model, ModelInfo(model))
        self._changed()

    def know(self, info: ModelInfo, name: str) -> None:
        """Keep what is known of a model."""
        if self.models.get(name) != info:
            self.models[name] = info
            self._changed()

    def adopt(self, other: Cassette) -> None:
        """Take over what another one holds and this one does not."""
        self.models = other.models | self.models
        self._asked = dict(other._asked) | self._asked
        self._answers = other._answers | self._answers

    def take(self, model: str, request: Request) -> tuple[Moment, ...]:
        """Return the answer to a request; asked again, the next one, and at last always the last one.

        Raises
        ------
        ModelError
            If there is none; says how the request differs from the nearest one that there is.
        """
        asked = described(model, request)
        key = _key(asked)
        if key not in self._answers:
            raise ModelError(
                f"The recording {self.name} holds no answer to this question, and nobody else may be asked "
                f"(ChatConfig.replay is strict).\n{self._difference(asked)}\n"
                "Record it anew with the model: %chat record FILE, in a kernel without CHATNB_REPLAY."
            )
        number = self._given[key] = self._given.get(key, 0) + 1
        answers = self._answers[key]
        return answers[min(number, len(answers)) - 1]

    def to_text(self) -> str:
        """Return it as JSON, a line for each line of a text, so that versions can be compared."""
        models = {name: _plain(info) for name, info in self.models.items()}
        answers = {
            key: {"request": self._asked[key], "answers": [list(map(_moment_to_json, each)) for each in found]}
            for key, found in self._answers.items()
        }
        return (
            json.dumps({"version": VERSION, "models": models, "answers": answers}, indent=1, ensure_ascii=False) + "\n"
        )

    @classmethod
    def of_text(cls, text: str, changed: Callable[[], object] = lambda: None, name: str = "") -> Cassette:
        """Return what `to_text` made a text of.

        Raises
        ------
        SettingsError
            If the text is no recording, or one of a newer chatnb.
        """
        cassette = cls(changed, name)
        try:
            data = json.loads(text)
            if data["version"] > VERSION:
                raise SettingsError(f"The recording {name} was made by a newer chatnb. Upgrade: pip install -U chatnb")
            for model, info in data["models"].items():
                cassette.models[model] = ModelInfo(**{**info, "capabilities": tuple(info.get("capabilities", ()))})
            for key, kept in data["answers"].items():
                cassette._asked[key] = kept["request"]
                cassette._answers[key] = [tuple(map(_moment_from_json, each)) for each in kept["answers"]]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"{name or 'This'} is no recording of chatnb ({error!r}).") from error
        return cassette

    def _difference(self, asked: Mapping[str, Json]) -> str:
        new = _lines(asked)
        if not self._asked:
            return "It is empty, or there is no such file."
        nearest = max(
            map(_lines, self._asked.values()),
            key=lambda old: difflib.SequenceMatcher(None, old, new, autojunk=False).ratio(),
        )
        return "\n".join(difflib.unified_diff(nearest, new, "recorded", "asked now", n=_CLOSE, lineterm=""))


def described(model: str, request: Request) -> dict[str, Json]:
    """Return what a request says, as JSON in which each line of a text is an element."""
    options = {name: value for name, value in request.options.items() if name not in _IGNORED}
    told: dict[str, Json] = {"model": model, "messages": [_said(message) for message in request.messages]}
    if request.tools:
        told["tools"] = [_tool(tool.name, tool.description, tool.parameters) for tool in request.tools]
    told |= {name: value for name, value in (("options", options), ("think", request.think)) if value not in ({}, None)}
    if request.schema is not None:
        told["schema"] = dict(request.schema)
    # As it comes back from a file: a tuple is a list there.
    plain: dict[str, Json] = json.loads(json.dumps(told))
    return plain


def _tool(name: str, description: str, parameters: Mapping[str, Json]) -> dict[str, Json]:
    return {"name": name, "description": description.splitlines(), "parameters": dict(parameters)}


def _said(message: Message) -> dict[str, Json]:
    return {"role": message.role, "parts": [part for each in message.parts for part in _part(each)]}


def _part(part: Part) -> Iterator[Json]:
    match part:
        case Text(text) | Summary(text):
            yield {"text": text.split("\n")}
        case Context(label, text):
            yield {"context": label, "text": text.split("\n")}
        case Image(data, mime):
            yield {"image": mime, "sha256": hashlib.sha256(data).hexdigest()}
        case ToolCall(_, name, arguments):
            yield {"calls": name, "arguments": dict(arguments)}
        case ToolResult(name=name, text=text):
            yield {"result": name, "text": text.split("\n")}
        case Thinking():
            pass  # it is not sent


def _key(asked: Mapping[str, Json]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:_KEY]


def _lines(asked: Mapping[str, Json]) -> list[str]:
    return json.dumps(asked, indent=1, ensure_ascii=False, sort_keys=True).splitlines()


def _joined(moments: Iterable[Moment]) -> tuple[Moment, ...]:
    """Return the moments with deltas that come soon after each other as one."""
    joined: list[Moment] = []
    for moment in moments:
        last = joined[-1] if joined else None
        match (last and last.event, moment.event):
            case (TextDelta(before), TextDelta(text)) if last and moment.after_s - last.after_s < PIECE_S:
                joined[-1] = Moment(last.after_s, TextDelta(before + text))
            case (ThinkingDelta(before), ThinkingDelta(text)) if last and moment.after_s - last.after_s < PIECE_S:
                joined[-1] = Moment(last.after_s, ThinkingDelta(before + text))
            case _:
                joined.append(Moment(round(moment.after_s, 3), moment.event))
    return tuple(joined)


def _moment_to_json(moment: Moment) -> dict[str, Json]:
    if isinstance(moment.event, ModelError):
        return {"after_s": moment.after_s, "error": type(moment.event).__name__, "text": str(moment.event)}
    return {"after_s": moment.after_s, **to_json(moment.event)}


def _moment_from_json(data: Mapping[str, Json]) -> Moment:
    if "error" in data:
        error = named(data["error"], data["text"])
        return Moment(data["after_s"], error if isinstance(error, ModelError) else ModelError(data["text"]))
    event: Event = event_from_json(data)
    return Moment(data["after_s"], event)  # type: ignore[arg-type]  # only what a model yields was written


def _plain(info: ModelInfo) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in ModelInfo.__slots__
        if (value := getattr(info, name)) not in (None, "", (), False)
    }
