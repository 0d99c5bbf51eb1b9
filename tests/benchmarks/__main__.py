"""Measure, and print one table: `python -m tests.benchmarks [--quick] [--only WORD]`.

Each figure is held against a reference of the same run, taken by turns with it, so that a busy machine meets both.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence

from .rows import Row

MODULES = (
    "loading",
    "starting",
    "first_text",
    "cpu",
    "lag",
    "interrupt",
    "interrupted_tools",
    "tool_calls",
    "stores",
    "searching",
    "estimate",
    "read_json",
    "iopub",
    "panel",
    "panel_page",
    "recording",
    "browser",
    "summaries",
    "exporting",
    "rendering",
    "openai_stream",
    "over",
    "websocket",
)

_LINE = "{:<62} {:>12} {:>12}  {:<5}  {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table as it comes; return 0 unless something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and smaller sizes")
    parser.add_argument("--only", metavar="WORD", default="", help=f"modules with WORD in their name: {MODULES}")
    options = parser.parse_args(arguments)
    chosen = [name for name in MODULES if options.only in name]
    if not chosen:
        parser.error(f"no module has {options.only!r} in its name")
    print(_LINE.format("what", "measured", "at most", "holds", "over, in the same run"))
    crashes = [error for name in chosen for error in _printed(name, options.quick)]
    print(f"\n{os.cpu_count()} processors; load {', '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    return bool(crashes)


def _printed(name: str, quick: bool) -> Iterator[Exception]:
    """Print a module's rows, and yield the error that ended it, if one did."""
    began_at = time.monotonic()
    try:
        rows: Callable[[bool], Iterator[Row]] = importlib.import_module(f".{name}", __package__).rows
        for row in rows(quick):
            print(as_line(row), flush=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other modules are measured
        print(_LINE.format(name, "-", "-", "ERROR", f"{type(error).__name__}: {error}"), flush=True)
        traceback.print_exc()
        yield error
    print(f"{name}: {time.monotonic() - began_at:.0f} s", file=sys.stderr, flush=True)


def as_line(row: Row) -> str:
    """Return a row as it is printed."""
    bound = "" if row.bound is None else _figure(row.bound, row.unit)
    holds = "" if row.bound is None else "yes" if row.is_met else "NO"
    return _LINE.format(row.name, _figure(row.value, row.unit), bound, holds, row.reference)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main())
