"""What views say besides the answer: in plain words, the same on every surface.

Everything here is text of ours with names and reasons of others in it: not safe to publish, not safe to print. Each view
makes it so in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..events import Asked, FellBack, Retrying, Waiting
from ..messages import ToolCall, ToolResult
from ..reply import Reply

_OUTCOMES = {
    "cancelled": "stopped",
    "failed": "broke off",
    "length": "cut at the limit of tokens",
    "tool_limit": "ended at the limit of rounds of tools",
}
_ORIGINS = {"cache": "an earlier answer, told again", "recording": "played from a recording"}
_LISTED = 5  # calls that are offered


def status_line(status: Waiting | Retrying) -> str:
    """Say why nothing comes at the moment.

    Examples
    --------
    >>> status_line(Waiting("loading qwen3:8b into memory (9 GB)", 12.3))
    'loading qwen3:8b into memory (9 GB), 12 s'
    >>> status_line(Retrying("qwen3:8b", 2, 3, 0.5, "the server is busy"))
    'asked again in 0.5 s (attempt 2 of 3): the server is busy'
    """
    match status:
        case Waiting(reason, waited_s):
            return f"{reason or 'waiting for the model'}, {waited_s:.0f} s"
        case Retrying(_, attempt, attempts, delay_s, reason):
            return f"asked again in {delay_s:.1f} s (attempt {attempt} of {attempts}): {_sentence(reason)}"


def opening_notes(reply: Reply) -> Iterator[str]:
    """Yield what has to be known before reading: what the model did not read, and who answers instead of whom."""
    if reply.asked is not None:
        yield from asked_notes(reply.asked)
    for change in reply.fallbacks:
        if not change.keeps_text:
            yield fallback_note(change)


def closing_notes(reply: Reply) -> Iterator[str]:
    """Yield what has to be known of the answer that was just read: who went on with it, what it only prints, what goes on."""
    for change in reply.fallbacks:
        if change.keeps_text:
            yield fallback_note(change)
    if reply.offered:
        yield offer(reply.offered)
    if note := going_on(reply):
        yield note


def offer(calls: Sequence[ToolCall]) -> str:
    """Say that an answer only prints calls of tools, and how they are made.

    Examples
    --------
    >>> offer([ToolCall("1", "now", {})])
    'The answer only prints a call of a tool: now(). `%chat call` makes it.'
    """
    if len(calls) == 1:
        return f"The answer only prints a call of a tool: {call_line(calls[0])}. `%chat call` makes it."
    listed = [f"{number} {call_line(call)}" for number, call in enumerate(calls[:_LISTED], 1)]
    more = f", and {len(calls) - _LISTED} more" if len(calls) > _LISTED else ""
    return (
        f"The answer only prints calls of tools: {', '.join(listed)}{more}. `%chat call` makes all of them, "
        "`%chat call 1` the first."
    )


def going_on(reply: Reply) -> str:
    """Say which tools of a stopped answer could not be stopped; empty where there are none."""
    end = reply.finished
    return end.error if end is not None and end.outcome == "cancelled" else ""


def warning(reply: Reply) -> str:
    """Say that the server did not read the whole prompt, if that is so; empty otherwise, and while the answer comes.

    To be shown so that nobody misses it: the answer looks as if nothing had happened.
    """
    usage = reply.usage
    if reply.finished is None or usage.unread_tokens is None:
        return ""
    read = f"it read {usage.prompt_tokens:,} tokens and" if usage.prompt_tokens else "it"
    return (
        f"The server did not read the whole prompt: {read} dropped the rest, at least {usage.unread_tokens:,}, from its "
        "beginning. `%chat again --fit` asks again with a window that holds all of it."
    )


def asked_notes(asked: Asked) -> Iterator[str]:
    """Yield what the model is not told of, or not as it is: what does not fit, or could not be read."""
    yield from asked.notes
    window = f" of {asked.num_ctx:,} tokens" if asked.num_ctx else ""
    if asked.left_out == 1:
        yield f"The session's oldest message is left out: it does not fit into the window{window}."
    elif asked.left_out:
        yield f"The session's {asked.left_out:,} oldest messages are left out: they do not fit into the window{window}."


def fallback_note(change: FellBack) -> str:
    """Say who answers instead of whom, and why."""
    if change.keeps_text:
        return f"{change.model} broke off ({_sentence(change.reason)}); {change.to} went on."
    return f"{change.model} could not answer ({_sentence(change.reason)}); {change.to} answers instead."


def mark(reply: Reply) -> str:
    """Say how the answer ended, where it did not simply end; empty otherwise, and while it still comes.

    What is no figure: it is shown even where nobody watches.
    """
    if reply.finished is None or _has_failed_at_once(reply):
        return ""
    if reply.finished.outcome == "done" and not reply.text.strip():
        return "an empty answer"
    return _OUTCOMES.get(reply.finished.outcome, "")


def origin(reply: Reply) -> str:
    """Say where an answer comes from if no model was asked for it; empty otherwise.

    For views that stay: in a cell the question's own note says it, and one that plays a recording is to show what a model would.
    """
    return _ORIGINS.get(reply.origin, "")  # a later version may know more


def footer(reply: Reply) -> str:
    """Return the line of figures: model, tokens, tokens/s, seconds, use of the window; empty until the answer is over."""
    if reply.finished is None or _has_failed_at_once(reply):
        return ""
    usage = reply.usage
    figures = [answered_by(reply.model, reply.host)]
    if usage.reply_tokens is not None:
        figures.append(f"{usage.reply_tokens:,} {'token' if usage.reply_tokens == 1 else 'tokens'}")
    if usage.tokens_per_s is not None:
        figures.append(f"{usage.tokens_per_s:.{0 if usage.tokens_per_s >= 100 else 1}f} tokens/s")  # noqa: PLR2004
    if reply.finished.duration_s is not None:
        figures.append(f"{reply.finished.duration_s:.1f} s")
    if reply.window_tokens is not None and reply.asked is not None and reply.asked.num_ctx:
        figures.append(f"{in_k(reply.window_tokens)} of {in_k(reply.asked.num_ctx)}")
    return " · ".join(filter(None, figures))


def answered_by(model: str, host: str) -> str:
    """Return who answered: of a model on several hosts, on which.

    Examples
    --------
    >>> answered_by("qwen3:8b", ""), answered_by("qwen3:8b@gpu1,gpu2", "gpu2")
    ('qwen3:8b', 'qwen3:8b@gpu2')
    """
    return f"{model.partition('@')[0]}@{host}" if host else model


def in_k(tokens: int) -> str:
    """Return a number of tokens as windows are spoken of: in units of 1,024.

    Examples
    --------
    >>> in_k(312), in_k(3_150), in_k(8_192), in_k(131_072)
    ('312', '3.1k', '8k', '128k')
    """
    if tokens < 1_000:  # noqa: PLR2004 - fewer are told as they are
        return str(tokens)
    value = tokens / 1024
    return f"{value:.1f}".removesuffix(".0") + "k" if value < 10 else f"{value:.0f}k"  # noqa: PLR2004 - two digits say enough


def thought(thinking: str) -> str:
    """Say that the model thought and how much: words, since seconds change from run to run.

    Examples
    --------
    >>> thought("Let me see.")
    'Thoughts (3 words)'
    """
    count = len(thinking.split())
    return f"Thoughts ({count:,} {'word' if count == 1 else 'words'})"


def call_line(call: ToolCall) -> str:
    """Return how a call of a tool is written.

    Examples
    --------
    >>> call_line(ToolCall("1", "search", {"words": "mean", "limit": 3}))
    'search(words="mean", limit=3)'
    """
    arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
    return shortened(f"{call.name}({', '.join(arguments)})", 120)


def result_line(result: ToolResult, *, has_figures: bool) -> str:
    """Return what became of a call of a tool: the beginning of its result, and how long it took."""
    said = shortened(result.text, 80) or "nothing"
    said = f"failed: {said}" if result.is_error else said
    return f"{said} · {result.duration_s:.1f} s" if has_figures and result.duration_s is not None else said


def shortened(text: str, limit: int) -> str:
    r"""Return the text in one line of at most `limit` characters.

    Examples
    --------
    >>> shortened("one\n two  three", 9)
    'one two …'
    """
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else f"{line[: limit - 1]}…"


def _has_failed_at_once(reply: Reply) -> bool:
    """Tell whether there is nothing but an error, which says it all."""
    return reply.finished is not None and reply.finished.outcome == "failed" and not reply.parts


def _sentence(reason: str) -> str:
    return " ".join(reason.split()).rstrip(".")
