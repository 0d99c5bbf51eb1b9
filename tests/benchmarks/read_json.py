"""What it costs to read a part of a large JSON file, in time and in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .rows import Row

BARE = "for prefix, event, value in ijson.parse(file): pass"
ITEMS = 'for item in ijson.items(file, "conversations.item.messages.item.content"): pass'

_RUN = """
import sys, time
from pathlib import Path
PATH, CODE = sys.argv[1:]

def peak_kibibytes():
    # Not ru_maxrss: that of a new process begins with what its parent has.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

before = peak_kibibytes()
import ijson
from chatnb.tools.json_reader import read
with open(PATH, "rb") as file:
    began_at = time.process_time()
    exec(CODE)
    taken_s = time.process_time() - began_at
print(taken_s, peak_kibibytes() - before)
"""
_OURS = {
    "read_json of {} MB, its structure": 'assert "list of" in read(file, "a.json", limit_s=1e6)',
    "read_json of {} MB, a filter that nothing fits": (
        'read(file, "a.json", "conversations[*].messages[*].nothing", limit_s=1e6)'
    ),
    "read_json of {} MB, all texts passed over": (
        'assert "values fit" in read(file, "a.json", "conversations[*].messages[*].content", first=10**12, limit_s=1e6)'
    ),
}
_MEMORY_MB = 50.0
_WORDS = ("the", "model", "answers", "what", "it", "was", "asked", "and", "says", "nothing", "else")


def rows(quick: bool) -> Iterator[Row]:
    """Yield time and memory over ijson's own loop, for the structure and for filters that read to the end."""
    size_mb = 100 if quick else 1_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.json"
        _make(path, size_mb * 1_000_000)
        codes = (BARE, ITEMS, *_OURS.values())
        runs = [{code: _measured(path, code) for code in codes} for _ in range(3)]
    seconds = {code: min(run[code][0] for run in runs) for code in codes}
    for title, code in _OURS.items():
        name = title.format(f"{size_mb:,}")
        peak_mb = max(run[code][1] for run in runs)
        yield Row(f"{name}: time", seconds[code] / seconds[BARE], "x", 1.2, f"ijson's own loop: {BARE}")
        yield Row(f"{name}: time", seconds[code] / seconds[ITEMS], "x", None, f"ijson's loop over the texts: {ITEMS}")
        yield Row(f"{name}: memory", peak_mb, "MB", _MEMORY_MB, "the bare interpreter")


def _measured(path: Path, code: str) -> tuple[float, float]:
    """Return the seconds of CPU time that code takes in a new process, and by how much its memory grew at most."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(path), code], capture_output=True, text=True, timeout=900, check=True
    )
    seconds, kibibytes = done.stdout.split()
    return float(seconds), float(kibibytes) * 1024 / 1e6


def _make(path: Path, size_bytes: int) -> None:
    """Write conversations; each hundred of them is the same, since making the file is not what is measured."""
    hundred = ", ".join(json.dumps(_conversation(number)) for number in range(100))
    with path.open("w") as file:
        file.write('{"version": 1, "conversations": [' + hundred)
        for _ in range(size_bytes // len(hundred)):
            file.write(", " + hundred)
        file.write("]}")


def _conversation(number: int) -> dict[str, object]:
    def text(at: int) -> str:
        return " ".join(_WORDS[(number * at + word) % len(_WORDS)] for word in range(5 + (number * 7 + at * 31) % 115))

    return {
        "id": f"c{number}",
        "created": 1.7e9 + number / 8,
        "tags": ["a", "b"],
        "messages": [
            {
                "id": at,
                "role": "user" if at % 2 else "assistant",
                "content": text(at),
                "tokens": at * 17,
                "score": at / 7,
            }
            for at in range(1 + number % 8)
        ],
    }
