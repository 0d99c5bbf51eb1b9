"""A real shell with a recorder, to type cells into."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from chatnb.context.recorder import Recorder

Result = TypeVar("Result")


class Typed:
    """Cells that are typed, as a notebook sends them."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        self.shell, self.recorder = shell, recorder

    def run(self, *sources: str, cell_id: str | None = None) -> None:
        """Run cells."""
        for source in sources:
            self.shell.run_cell(source, store_history=True, cell_id=cell_id)

    def asking(self, ask: Callable[[], Result], cell_id: str | None = None) -> Result:
        """Return what `ask` returns while a cell runs that calls it; raises what it raises."""
        self.shell.user_ns["ask"] = ask
        result: Any = self.shell.run_cell("answer = ask()", store_history=True, cell_id=cell_id)
        result.raise_error()
        answer: Result = self.shell.user_ns["answer"]
        return answer


@contextmanager
def typed(**limits: int) -> Iterator[Typed]:
    """Start a shell that records within the limits given, and that leaves nothing behind."""
    shell: Any = InteractiveShell(config=Config(HistoryManager={"enabled": False}))  # type: ignore[no-untyped-call]
    recorder = Recorder(shell, **limits)
    recorder.install()
    yield Typed(shell, recorder)
    recorder.uninstall()
    # Else each lives until the process ends, and then collects the garbage of all: minutes, for hundreds of them.
    atexit.unregister(shell.atexit_operations)
