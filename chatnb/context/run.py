"""One run of a cell while it is recorded: what it shows, in the order in which it shows it."""

from __future__ import annotations

import base64
import json
import re
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from sys import getsizeof
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from .cell import PICTURES, Cell, Output, clipped, readable

KEPT_CHARS = 100_000
"""The most that is kept of one text: what was printed in one go, a result, a traceback."""

PICTURE_CHARS = 8_000_000
"""A picture that is longer in base64 is not kept."""

_STREAMS = {"out_stream": "stdout", "err_stream": "stderr"}
_OVERHEAD_BYTES = 600  # of an output, beside its texts
_MANY = 10_000  # pieces that were printed and not yet joined
_CELL_ID = re.compile(r"[\w-]{1,64}")  # what an .ipynb may hold; other front ends send other things


@dataclass(eq=False, slots=True, weakref_slot=True)
class Shown:
    """An output that was recorded, as an .ipynb would hold it."""

    output: Output

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        texts = self.output.get("data") or {"text": self.output.get("text") or self.output.get("traceback", [""])[0]}
        return _OVERHEAD_BYTES + sum(map(getsizeof, texts.values()))

    def update(self, data: Mapping[str, Any]) -> None:
        """Show another bundle in its place."""
        self.output = {**self.output, "data": _kept(data)}


class Run:
    """A run of a cell.

    Parameters
    ----------
    shell
        Whose history has what is printed and returned.
    number
        The execution count.
    source
        As it was typed.
    cell_id
        What the notebook calls the cell; empty where that is not known.
    """

    def __init__(self, shell: InteractiveShell, number: int, source: str, cell_id: str = "") -> None:
        self.number, self.source, self.id = number, source, cell_id
        self._shell = shell
        self._is_kernel = hasattr(shell.display_pub, "register_hook")
        self._outputs: list[Shown] = []
        self._forgotten = 0
        self._clears_at_next = False
        self._entry, self._piece = 0, 0
        self._printed: deque[tuple[str, str]] = deque()
        self._untee: list[Callable[[], object]] = []

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        return getsizeof(self.source) + sum(shown.size_bytes for shown in self._outputs)

    def begin(self) -> None:
        """Pass over what the history has already: IPython puts what a nested cell prints under the next number."""
        for _ in self._news():
            pass
        if self._is_kernel and "_tee" not in getattr(sys.stdout.write, "__qualname__", ""):
            self._tee("stdout")  # IPython does so itself, but not for cells with `await`, nor before its release 9.1
            self._tee("stderr")

    def read(self) -> None:
        """Take over what was printed and returned since it was last read."""
        for name, pieces in groupby(self._news(), itemgetter(0)):
            if name in {"execute_result", "display_data"}:
                for _, data in pieces:
                    self._add({"output_type": name, "data": _kept(data)})
            else:
                self._print(name, "".join(text for _, text in pieces))

    def display(self, data: Mapping[str, Any]) -> Shown:
        """Add a display, and return it for its updates."""
        self.read()
        return self._add({"output_type": "display_data", "data": _kept(data)})

    def clear(self, *, waits: bool) -> None:
        """Clear what was shown so far, at once or when the next output comes."""
        self.read()
        self._clears_at_next = waits
        if not waits:
            self._outputs.clear()

    def fail(self, error: BaseException | None) -> None:
        """Add the error that ended it; None where only the history knows it."""
        known = getattr(self._shell.history_manager, "exceptions", {}).get(self.number)
        if known is None and error is not None:  # IPython 9.0, or an interrupt that came between
            lines = getattr(self._shell, "_last_traceback", None) or traceback.format_exception_only(error)
            known = {"ename": type(error).__name__, "evalue": lines[-1], "traceback": lines}
        if known is not None:
            text = clipped("\n".join(map(str, known["traceback"])), KEPT_CHARS)
            names = {key: clipped(str(known[key]), KEPT_CHARS) for key in ("ename", "evalue")}
            self._add({"output_type": "error", **names, "traceback": [text]})

    def close(self) -> None:
        """Leave the streams alone."""
        while self._untee:
            self._untee.pop()()

    def forget(self, size_bytes: int) -> None:
        """Drop the oldest outputs, until so many bytes are free."""
        while size_bytes > 0 and self._outputs:
            size_bytes -= self._outputs.pop(0).size_bytes
            self._forgotten += 1

    def cell(self, *, is_whole: bool = True) -> Cell:
        """Return what was recorded so far."""
        outputs = [shown.output for shown in self._outputs]
        if self._forgotten:
            outputs.insert(0, _stream("stdout", f"[... {self._forgotten:,} earlier outputs left out ...]\n"))
        return Cell(
            self.source, number=self.number, id=self.id, outputs=tuple(outputs), has_run=True, is_whole=is_whole
        )

    def _news(self) -> Iterator[tuple[str, Any]]:
        """Yield what came since the last time: a stream's name and text, or the kind of an output and its bundle."""
        while self._printed:
            yield self._printed.popleft()
        history: Any = self._shell.history_manager
        if not hasattr(history, "outputs"):  # IPython 9.0
            if self._entry == 0 and (text := history.output_hist_reprs.get(self.number)):
                self._entry = 1
                yield "execute_result", {"text/plain": text}
            return
        entries = history.outputs.get(self.number, ())
        while self._entry < len(entries):
            entry = entries[self._entry]
            if name := _STREAMS.get(entry.output_type):
                pieces = entry.bundle["stream"][self._piece :]
                self._piece += len(pieces)
                if pieces:
                    yield name, "".join(pieces)
                if self._entry == len(entries) - 1:
                    return  # more of it may come
            elif entry.output_type == "execute_result" or not self._is_kernel:  # a kernel's displays come from its hook
                yield entry.output_type, entry.bundle
            self._entry, self._piece = self._entry + 1, 0

    def _print(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs and not self._clears_at_next else None
        if last is not None and last.output.get("name") == name:
            last.output = _stream(name, last.output["text"] + text)
        else:
            self._add(_stream(name, text))

    def _add(self, output: Output) -> Shown:
        if self._clears_at_next:
            self._outputs.clear()
            self._clears_at_next = False
        self._outputs.append(Shown(output))
        return self._outputs[-1]

    def _tee(self, name: str) -> None:
        stream = getattr(sys, name)
        write, printed, is_open = stream.write, self._printed, True

        def teed(text: str) -> object:
            if is_open:
                printed.append((name, text))
                if len(printed) > _MANY:
                    self.read()
            return write(text)

        def untee() -> None:
            nonlocal is_open
            is_open = False  # whoever holds `teed` goes on writing through it
            stream.write = write

        stream.write = teed
        self._untee.append(untee)


def id_of(value: object) -> str:
    """Return a cell's id as an .ipynb holds it; empty if the value is none."""
    return value if isinstance(value, str) and _CELL_ID.fullmatch(value) else ""


def _stream(name: str, text: str) -> Output:
    return {"output_type": "stream", "name": name, "text": clipped(text, KEPT_CHARS)}


def _kept(data: Mapping[str, Any]) -> dict[str, str]:
    kept = {}
    for mime, value in readable(data).items():
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()  # noqa: PLW2901 - in a terminal nobody has encoded it yet
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        kept[mime] = clipped(text, KEPT_CHARS) if mime not in PICTURES else text if len(text) < PICTURE_CHARS else ""
    return kept
