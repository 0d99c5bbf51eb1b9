"""Ask one question about each row of a table: `chatnb.over`.

answers = chatnb.over(reviews, "Is this review kind? {text}", schema=Kind)
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..attendance import is_live, is_of_kernel
from ..chat import Chat
from ..config import ChatConfig
from ..errors import SettingsError
from ..settings import Settings
from .bar import Bar, CellBar, PlainBar, TerminalBar
from .each_row import EachRow


def over(
    frame: Any,
    prompt: str,
    *,
    schema: Any = None,
    model: str = "",
    answers: str | os.PathLike[str] | None = None,
    key: str = "",
    retry_failed: bool = False,
    prefix: str = "",
    price: tuple[float, float] | None = None,
    settings: Settings | None = None,
    chat: Chat | None = None,
) -> Any:
    """Ask `prompt` about each row of a table, and return the table with the answers as further columns.

    Rows run side by side, as many as `ChatConfig.parallel` allows at each server (4 by default). A model may be on
    several hosts: `qwen3:8b@gpu1,gpu2`. A row that fails has nothing in the columns of the answer, and says why in the
    column `error`.

    Parameters
    ----------
    frame
        A DataFrame of pandas, polars or anything that narwhals knows, or a table of pyarrow. Of a Dask DataFrame the
        partitions are asked on the workers of its cluster; `pip install 'chatnb[dask]'`.
    prompt
        `{column}` stands for what the row has there; `{{` and `}}` are braces.
    schema
        A pydantic model, dataclass, type or JSON schema that each answer has to fit: its properties become typed
        columns. Without it there is a column `answer`.
    answers
        The file that keeps the answers. By default one in the data folder, the same for the same question.
    key
        A column whose values tell rows apart; by default the prompt does.
    retry_failed
        Whether rows that failed earlier are asked again.
    prefix
        Stands before the names of the new columns.
    price
        Of a million tokens, read and written, in any currency: what it will cost is told then.
    settings
        Everything else that shapes an answer; by default what `%%chat` would ask with, in a notebook where that is
        loaded, else what files and the environment say.
    chat
        Whose connections are used; by default the notebook's, or its own where there is none or `settings` are given.

    Raises
    ------
    ChatError
        If a column or the prompt is wrong, the first rows all fail alike, or the file cannot be written.
    """
    if chat is None and settings is None and (desk := _desk_here()):
        chat, settings = desk.chat, desk.settings()
    settings = settings or (chat.settings if chat else ChatConfig.instance().settings())
    settings = replace(settings, model=model or settings.model)
    path = None if answers is None else Path(answers).expanduser()
    ask = EachRow(prompt, settings, schema, path, key, retry_failed, prefix, price)
    if chat is not None:
        return ask_rows(frame, ask, chat, _bar())
    with closing(Chat(settings=settings)) as own:
        return ask_rows(frame, ask, own, _bar())


def ask_rows(frame: Any, each: EachRow, chat: Chat, bar: Bar) -> Any:
    """Return a table with the answers as further columns, and show meanwhile how far it is.

    Raises
    ------
    ChatInterrupted
        At an interrupt; what was answered is kept.
    ChatError
        As `over` does.
    """
    try:
        if type(frame).__module__.partition(".")[0] == "dask":
            try:
                # Lazy: an extra, and its import takes a second.
                from .partitions import run_on_workers  # noqa: PLC0415
            except ImportError as error:
                raise SettingsError(
                    f"To ask about a Dask DataFrame, chatnb needs {error.name}: pip install 'chatnb[dask]'"
                ) from error
            return run_on_workers(frame, each, chat, bar.show)
        return each.run(frame, chat, bar.show)
    finally:
        bar.close()


def bar_in(shell: Any, *, is_live: bool) -> Bar:
    """Return what shows how far it is: in a shell of a kernel's its cell does, else a terminal, else a log."""
    if is_of_kernel(shell):
        return CellBar(shell, is_live=is_live)
    return TerminalBar(sys.stderr) if sys.stderr.isatty() else PlainBar(sys.stderr)


def _bar() -> Bar:
    """Return what shows how far it is, wherever this runs."""
    shell = _shell()
    return bar_in(shell, is_live=is_live(shell, ChatConfig.instance().stream))


def _desk_here() -> Any:
    """Return what the magics of this notebook work with, if they are loaded."""
    magics = getattr(_shell(), "magics_manager", None)
    loaded = magics and magics.registry.get("ChatMagics")
    return loaded and loaded.desk


def _shell() -> Any:
    """Return IPython's shell, if this runs in one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
