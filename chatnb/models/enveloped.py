"""Let a model call tools that has no form of its own for that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from ..events import FellBack, ModelEvent, Retrying, TextDelta, TokensCounted
from .base import Model, Request
from .envelope import holds_tools, spelled_out
from .opening import Opening
from .wrapper import Wrapper


class EnvelopedModel(Wrapper):
    """Tells `model` of the tools in words, and reads its calls from the JSON that it is made to answer with.

    To be put below retries and around deadlines: what it shows of an answer is plain text, from which the model can go
    on, and calls that are being written for long are no silence.

    An answer that was begun (a request that ends with an assistant's message) is text and stays text: the model goes on
    from it without an envelope, and calls no more tools. Without tools in the request it is the model itself, but that
    reads as text what was called before.

    Parameters
    ----------
    calls_tools
        Says whether the model calls tools by itself after all, in which case nothing is changed. It is asked when there
        are tools; never raises. By default the model does not.
    """

    def __init__(self, model: Model, calls_tools: Callable[[], Awaitable[bool]] | None = None) -> None:
        super().__init__(model)
        self._calls_tools = calls_tools

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer as it comes, and the calls as soon as all of them are there.

        Calls are given on as the model writes them, whether or not there are such tools and the arguments fit. What is
        no envelope is text.
        """
        is_able = self._calls_tools is not None and holds_tools(request) and await self._calls_tools()
        asked = request if is_able else spelled_out(request)
        stream = self._model.stream(asked)
        if asked.schema is not request.schema:  # the form of an envelope
            stream = _opened(stream, keeps_json=request.schema is not None)
        async with aclosing(stream) as events:
            async for event in events:
                yield event


async def _opened(stream: AsyncGenerator[ModelEvent], *, keeps_json: bool) -> AsyncGenerator[ModelEvent]:
    """Yield what the envelope that streams holds."""
    opening = Opening(keeps_json=keeps_json)
    async with aclosing(stream):
        async for event in stream:
            match event:
                case TextDelta(text):
                    for each in opening.add(text):
                        yield each
                    continue
                case TokensCounted():
                    for each in opening.end():
                        yield each
                case Retrying() | FellBack():  # what was said is dropped: JSON is never continued
                    opening = Opening(keeps_json=keeps_json)
            yield event
