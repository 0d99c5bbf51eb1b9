"""A model server whose every token is the moment at which it was sent: `python -m tests.benchmarks.clock RATE TOKENS`.

So whoever reads a token knows how long it was on its way; Linux has one monotonic clock for all processes.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"


async def main() -> None:
    """Serve until standard input ends, and print the port first."""
    rate, tokens = float(sys.argv[1]), int(sys.argv[2])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        if b"/api/chat" in head:
            began_at = time.monotonic() + random.random() / rate  # noqa: S311 - nobody's secret; answers are not in step
            for number in range(tokens):
                await asyncio.sleep(max(0.0, began_at + number / rate - time.monotonic()))
                writer.write(_line(message={"role": "assistant", "content": f"{time.monotonic_ns()} "}, done=False))
            writer.write(_line(message={"role": "assistant", "content": ""}, done=True, eval_count=tokens))
        else:
            writer.write(_line(models=[{"name": "clock"}], version="1", capabilities=["completion"], model_info={}))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


def _line(**fields: object) -> bytes:
    return json.dumps({"model": "clock", "created_at": "2026-01-01T00:00:00Z", **fields}).encode() + b"\n"


if __name__ == "__main__":
    asyncio.run(main())
