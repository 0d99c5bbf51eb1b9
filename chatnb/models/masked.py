"""Keep secrets from a model that is on somebody else's machine."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import ModelError
from ..events import Continued, ModelEvent, TextDelta, ThinkingDelta, Waiting
from ..masking import Mask
from ..messages import Context, Image, Json, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult, ToolSpec
from ..settings import Settings
from .address import is_own
from .base import Model, Request
from .catalog import Catalog
from .ollama_forms import names_cloud
from .wrapper import Wrapper


class MaskedModel(Wrapper):
    """Lets `model` read placeholders in place of secrets, and puts the secrets back in what it says and thinks.

    To be put around all else (retries, fallbacks): what is continued or asked anew then holds placeholders, too.

    The arguments of the tools that it calls keep their placeholders. Else a remote model could have a secret sent
    anywhere by a tool that reaches the network. Pictures are sent as they are.
    """

    def __init__(self, model: Model, mask: Mask) -> None:
        super().__init__(model)
        self._mask = mask

    async def hidden(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        """Return a request as the model reads it, and what was hidden in it, in words without the values."""
        await self._mask.learn(_texts(request))
        hidden = _mapped(request, self._mask)
        return hidden, self._mask.found_in("\n".join(_texts(hidden)))

    async def hidden_calls(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Return calls that the model printed as it did, so that they have no other secrets than calls that it makes."""
        await self._mask.learn(text for call in calls for text in _json_texts(dict(call.arguments)))
        return tuple(replace(call, arguments=_json(dict(call.arguments), self._mask)) for call in calls)

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer with the secrets in their places.

        What may be the beginning of a placeholder, a few characters, is held back until that is clear.
        """
        asked, _ = await self.hidden(request)
        said = _Revealed(self._mask, TextDelta, in_json=request.schema is not None)
        thought = _Revealed(self._mask, ThinkingDelta)
        async with aclosing(self._model.stream(asked)) as events:
            try:
                async for event in events:
                    if not isinstance(event, ThinkingDelta | Waiting | Continued):
                        for rest in thought.end():
                            yield rest
                    match event:
                        case TextDelta(text):
                            for delta in said.add(text):
                                yield delta
                        case ThinkingDelta(text):
                            for delta in thought.add(text):
                                yield delta
                        case Waiting() | Continued():  # the text goes on after them, perhaps within a placeholder
                            yield event
                        case _:
                            for rest in said.end():
                                yield rest
                            yield event
            except ModelError:
                for rest in (*thought.end(), *said.end()):
                    yield rest
                raise


async def is_masked(names: Sequence[str], settings: Settings, catalog: Catalog) -> bool:
    """Return whether secrets are to be hidden from the models that a question may be asked of.

    One remote model among them is enough. Where a server does not tell about a model, its address and the model's
    name decide: whoever does not answer that question passes nothing on to Ollama's cloud either.
    """
    if settings.secrets != "remote":
        return settings.secrets == "always"
    for name in catalog.apart(names, settings):  # one remote host is enough, too
        provider, short = catalog.find(name, settings)
        if not is_own(provider.address) or names_cloud(short):
            return True
        info = await catalog.info(name, settings)
        if info is not None and info.is_remote:
            return True
    return False


class _Revealed:
    """Text that comes in pieces, with the secrets in their places."""

    def __init__(self, mask: Mask, form: Callable[[str], ModelEvent], *, in_json: bool = False) -> None:
        self._mask, self._form, self._in_json = mask, form, in_json
        self._held = ""

    def add(self, text: str) -> Iterator[ModelEvent]:
        """Take in more text, and yield what is certain by now."""
        text = self._held + text
        start = text.rfind("<")
        cut = start if start >= 0 and self._mask.may_go_on(text[start:]) else len(text)
        self._held = text[cut:]
        if cut:
            yield self._form(self._mask.reveal(text[:cut], in_json=self._in_json))

    def end(self) -> Iterator[ModelEvent]:
        """Yield what was held back, now that nothing follows it."""
        held, self._held = self._held, ""
        if held:
            yield self._form(held)


def _texts(request: Request) -> Iterator[str]:
    """Yield everything that a model reads of a request."""
    for message in request.messages:
        for part in message.parts:
            match part:
                case Text(text) | Thinking(text) | Summary(text) | ToolResult(_, _, text):
                    yield text
                case Context(label, text):
                    yield label
                    yield text
                case ToolCall(_, _, arguments):
                    yield from _json_texts(arguments)
    for tool in request.tools:
        yield tool.description
        yield from _json_texts(tool.parameters)
    if request.schema is not None:
        yield from _json_texts(request.schema)


def _json_texts(value: Json) -> Iterator[str]:
    # As a whole, since a name says what its value is, and each text by itself, without escapes.
    yield json.dumps(value, ensure_ascii=False, default=str)
    yield from _leaves(value)


def _leaves(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield str(key)
                yield from _leaves(item)
        case list() | tuple():
            for item in value:
                yield from _leaves(item)


def _mapped(request: Request, mask: Mask) -> Request:
    return replace(
        request,
        messages=tuple(_message(message, mask) for message in request.messages),
        tools=tuple(
            ToolSpec(tool.name, mask.replace(tool.description), _json(tool.parameters, mask)) for tool in request.tools
        ),
        schema=None if request.schema is None else _json(request.schema, mask),
    )


def _message(message: Message, mask: Mask) -> Message:
    return replace(message, parts=tuple(_part(part, mask) for part in message.parts))


def _part(part: Part, mask: Mask) -> Part:
    match part:
        case Text(text) | Thinking(text) | Summary(text):
            return replace(part, text=mask.replace(text))
        case Context(label, text):
            return replace(part, label=mask.replace(label), text=mask.replace(text))
        # What a tool was given holds placeholders that the model wrote, and what it gave back may repeat them.
        case ToolCall(_, _, arguments):
            return replace(part, arguments=_json(arguments, mask))
        case ToolResult(_, _, text):
            return replace(part, text=mask.replace(text, keep_placeholders=True))
        case Image():
            return part


def _json(value: Json, mask: Mask) -> Json:
    match value:
        case str():
            return mask.replace(value, keep_placeholders=True)
        case dict():
            return {_json(key, mask): _json(item, mask) for key, item in value.items()}
        case list() | tuple():
            return [_json(item, mask) for item in value]
        case _:
            return value
