"""Ask about the rows of a Dask DataFrame on the workers of its cluster."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ..chat import Chat
from .each_row import EachRow
from .table import Table


def run_on_workers(frame: Any, each: EachRow) -> Any:
    """Return the Dask DataFrame with the answers as further columns; its partitions are asked now, side by side.

    Each worker asks the servers that it reaches, as many rows at once for each partition as the settings allow. All add
    to one file, so that has to be where every worker sees it under the same path. What a worker had answered before it
    died is read from there by the one that takes over its partition.

    Raises
    ------
    ChatError
        As for a table in memory; the first one of any partition.
    """
    each = replace(each, answers=each.path and each.path.absolute(), is_shared=True)
    meta = each.appended(Table(frame._meta))  # noqa: SLF001 - Dask's own name for a table without rows
    asked = frame.map_partitions(partial(_asked, each=each), meta=meta).persist()
    len(asked)  # waits for all, and raises what went wrong in any
    return asked


def _asked(partition: Any, each: EachRow) -> Any:
    if not len(partition):
        return each.appended(Table(partition))
    chat = Chat(settings=each.settings)
    try:
        return each.run(partition, chat)
    finally:
        chat.close()
