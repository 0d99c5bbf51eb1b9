"""Find out whether a server read the whole prompt; Ollama drops what does not fit and answers as if nothing had happened.

What Ollama says (0.9.3 with a window of 512, 1,024 or 4,096 tokens; `prompt_eval_count`):

=========================================  ==========================================================================
the prompt                                 the count
=========================================  ==========================================================================
fits                                       its tokens, exactly, with those of the template
fits, and was read before (cached)         the same: what is cached is counted, it only takes no time
its beginning was read before              the same
is too long, with history                  smaller than the window: whole messages are dropped, the oldest first, until the
                                           rest fits; system messages stay
the system message does not fit            that of the question alone: without a history the system message is dropped
beside the question
the question alone is too long             the window: the first 4 tokens are kept, then the end
longer than the model's own context,       the model's own context: all of the beginning is cut but 4 tokens
which is smaller than `num_ctx`
carries tools, or is to be thought about   with what the template makes of that
carries a picture, but the model is blind  6 tokens more, for "[img-0]"
has the form of the answer (`format`)      the same as without
=========================================  ==========================================================================

So a count that equals the window, or a smaller round number, is proof. Any other count may be that of what is left after
whole messages were dropped. Then the same is asked again without the oldest message, for one token: if the count is the
same, the server had not read that message. This costs next to nothing where it is so, since the server has that very
prompt in its cache. Where it is not so the server would have to read most of the prompt again; so nothing is asked unless
the estimate makes it likely, and a server that takes longer than `PROBE_S` is let go.

What stays unseen: a prompt that was dropped in part by so little that the estimate cannot tell; servers that do not keep
a prompt in their cache and read slowly; a first message that the model's template leaves out anyway would be taken for
dropped. Servers that do not count what was cached (Ollama before 0.4 and some of 0.30, https://github.com/ollama/ollama/pull/16428)
give counts that prove nothing, and nothing is claimed. What a long answer pushes out of the window while it is written
is another matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from .errors import ModelError
from .events import FellBack, Retrying, TokensCounted
from .messages import Message
from .models.base import Model, Request
from .tokens import Calibration

PROBE_S = 10.0
"""Seconds that the proof may take."""

_ROUND = 1_024  # models are made for multiples of it
_SLACK_TOKENS = 64  # what templates may add or leave out
_SPREAD = 3.0  # how many times its usual error an estimate may be wrong
_LEAST_SPREAD, _GREATEST_SPREAD = 0.1, 0.5
_UNKNOWN = 3.0  # by how much more a model may count than estimated, before its first count
_GENEROUS = 2.0  # a single message may be estimated as badly as that


async def unread(model: Model, request: Request, read_tokens: int | None, calibration: Calibration) -> int | None:
    """Return about how many tokens of a prompt the server dropped, or None if it read all, as far as can be told.

    Never raises ModelError. At most one more request is made, with the same window, so that nothing is loaded anew.

    Parameters
    ----------
    request
        What was answered, with its tools.
    read_tokens
        What the server counted.
    calibration
        What was known of the model's tokens before this count.
    """
    window = request.options.get("num_ctx")
    if not read_tokens or not isinstance(window, int):
        return None
    sizes = _Sizes(request, calibration)
    if sizes.are_cut(read_tokens, window):
        return sizes.dropped(read_tokens, window)
    shorter = _without_oldest(request.messages)
    if shorter is None or not sizes.are_suspicious(read_tokens, window):
        return None
    options = {**request.options, "num_predict": 1}
    count = await _count(model, replace(request, messages=shorter, options=options))
    return sizes.dropped(read_tokens, window) if count == read_tokens else None


class _Sizes:
    """How large a prompt is by estimate, all of it and message by message."""

    def __init__(self, request: Request, calibration: Calibration) -> None:
        self._total = calibration.count_request(request.messages, request.tools)
        # In the order in which a server drops them.
        self._droppable = [calibration.count(message) for message in _droppable(request.messages)]
        error = 1.0 if calibration.error is None else calibration.error
        self._spread = min(max(_SPREAD * error, _LEAST_SPREAD), _GREATEST_SPREAD)
        self._highest = 1 + self._spread if calibration.error is not None else _UNKNOWN

    def are_cut(self, count: int, window: int) -> bool:
        """Whether only a cut explains the count.

        A prompt that happens to fill its window to the last token leaves no room for the answer: its beginning goes as
        soon as that begins.
        """
        return count >= window or (count % _ROUND == 0 and self._is_low(count))

    def are_suspicious(self, count: int, window: int) -> bool:
        """Whether messages may have been dropped: that explains a low count, or one more would not have fitted."""
        # Without a short system prompt alone no prompt is much shorter: then it is the estimate that is wrong.
        is_explained = _GENEROUS * sum(self._droppable) >= self._total - count
        return (self._is_low(count) and is_explained) or self._likely_drop(count, window) is not None

    def dropped(self, count: int, window: int) -> int:
        """Return about how many tokens were dropped."""
        return max(self._likely_drop(count, window) or 0, self._total - count, 1)

    def _is_low(self, count: int) -> bool:
        return count < self._total * (1 - self._spread) - _SLACK_TOKENS

    def _likely_drop(self, count: int, window: int) -> int | None:
        """Return the tokens of the fewest messages that, dropped, explain the count; None if none do.

        If it is the count of what was left, it tells how the model counts. Then the last of the dropped messages would
        not have fitted, and the model counts not too differently from what is known of it.
        """
        dropped = 0
        for size in self._droppable:
            dropped += size
            ratio = count / max(self._total - dropped, 1)
            if ratio > self._highest:
                return None
            if count + _GENEROUS * ratio * size > window:
                return round(ratio * dropped)
        return None


def _droppable(messages: Sequence[Message]) -> list[Message]:
    """Return what a server drops, first to last: all but the last message; the system message only if nothing else is there."""
    *earlier, _ = messages
    return [message for message in earlier if message.role != "system"] or earlier


def _without_oldest(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    droppable = _droppable(messages)
    return tuple(message for message in messages if message is not droppable[0]) if droppable else None


async def _count(model: Model, request: Request) -> int | None:
    """Return the server's count for a request, or None if it does not say, or not soon."""
    try:
        async with asyncio.timeout(PROBE_S), aclosing(model.stream(request)) as events:
            async for event in events:
                match event:
                    case TokensCounted(usage):
                        return usage.prompt_tokens
                    case Retrying() | FellBack():  # one request is enough, and another model proves nothing
                        return None
    except (ModelError, TimeoutError):
        pass
    return None
