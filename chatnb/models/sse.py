"""Server-sent events, as models' answers come over OpenAI's protocol.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

Read more leniently than there: what stands at the end without its empty line counts, since servers forget it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing


async def events(lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    r"""Yield the data of each event; comments, which keep connections alive, and other fields are passed over.

    A field called "error" is taken for data: llama.cpp told errors in mid-stream so for a while.
    https://github.com/ggml-org/llama.cpp/pull/16104

    Parameters
    ----------
    lines
        Without their "\n"; closed at the end.
    """
    data: list[bytes] = []
    async with aclosing(lines):
        async for line in lines:
            field, _, value = line.removesuffix(b"\r").partition(b":")
            if field in (b"data", b"error"):
                data.append(value.removeprefix(b" "))
            elif not field and not value and data:
                yield b"\n".join(data)
                data.clear()
    if data:
        yield b"\n".join(data)
