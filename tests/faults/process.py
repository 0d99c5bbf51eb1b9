"""A `FaultServer` in a process of its own, so that its CPU time is not counted with the client's.

    with served(text=Path("answer.md"), rate=500) as server: ...

or by hand: `python -m tests.faults.process --rate 500 --text answer.md`.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.script import TEXT, Answer, tokens_of
from tests.faults.server import FaultServer

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """The address of such a server, and what it saw."""

    def __init__(self, url: str) -> None:
        self.url = url

    def exchanges(self) -> list[dict[str, Any]]:
        """Return every request so far, oldest first; the keys are the attributes of `Exchange`."""
        with urllib.request.urlopen(f"{self.url}/exchanges", timeout=10) as answer:  # noqa: S310  its own http address
            seen: list[dict[str, Any]] = json.load(answer)["exchanges"]
        return seen


@contextmanager
def served(
    *,
    text: Path | None = None,
    tokens: int | None = None,
    rate: float | None = None,
    token_after_s: float | None = None,
) -> Iterator[ServerProcess]:
    """Run a server that says the text of a file, over and over up to `tokens`, at `rate` tokens a second.

    None is the server's own text, once, at full speed, at once.
    """
    options = {"--text": text, "--tokens": tokens, "--rate": rate, "--token-after": token_after_s}
    arguments = [str(part) for name, value in options.items() if value is not None for part in (name, value)]
    command = [sys.executable, "-m", "tests.faults.process", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("The server's process ended before it gave its address.")
            yield ServerProcess(url)
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one text until standard input ends, and print the address first."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.process", description=main.__doc__)
    parser.add_argument("--rate", type=float, help="tokens a second (default: as fast as the client reads)")
    parser.add_argument("--text", type=Path, help="a file with the text that is said")
    parser.add_argument("--tokens", type=int, help="say the text again and again up to this many tokens")
    parser.add_argument("--token-after", type=float, default=0, help="seconds before the first token")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    tokens = tokens_of(options.text.read_text(encoding="utf-8") if options.text else TEXT)
    if options.tokens is not None:
        tokens = (tokens * (options.tokens // len(tokens) + 1))[: options.tokens]
    answer = Answer(token_after_s=options.token_after)
    with FaultServer([answer], text=tokens, rate=options.rate, port=options.port) as server:
        print(server.url, flush=True)  # noqa: T201  whoever started this reads the address
        sys.stdin.read()


if __name__ == "__main__":
    main()
