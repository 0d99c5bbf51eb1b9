"""Which tools a question may call: the built-in sets, the user's own functions, and what was chosen of them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .context.gather import Gatherer
from .errors import SettingsError
from .tools.cell import Page, cell_tools
from .tools.files import files_tools
from .tools.long_results import READER
from .tools.notebook import notebook_tools
from .tools.python import python_tools
from .tools.search.catalog import provider_of
from .tools.shell import shell_tools
from .tools.tool import Tool
from .tools.trial import try_run
from .tools.undo import Undo
from .tools.web import web_tools
from .tools.write import write_tools

SETS: Mapping[str, str] = {
    "files": "read, list and search files of the notebook's folder, JSON of any size among them",
    "write": "write and change files of the notebook's folder",
    "notebook": "read cells and variables, propose a cell, change one",
    "python": "run code in the kernel",
    "web": "search the web and read pages of it (ChatConfig.search)",
    "shell": "run commands (ChatConfig.shell)",
}
"""The built-in sets, and what they do."""

BUILT_IN = frozenset(
    [
        "read_file",
        "list_files",
        "search_files",
        "read_json",
        "write_file",
        "edit_file",
        "list_variables",
        "read_variable",
        "read_cells",
        "propose_cell",
        "edit_cell",
        "run_python",
        "web_search",
        "read_page",
        "run_command",
        READER,
    ]
)
"""The names of the built-in tools, whether they are here or not."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the tools of a kernel need of it.

    Attributes
    ----------
    shell
        IPython's.
    gatherer
        Reads cells and variables.
    undo
        Remembers what the last run of code replaced.
    page
        Shows the notebook; None where there is none.
    is_tried
        Whether code is run in a fork first, and shown what it does there, before it is allowed.
    """

    shell: Any
    gatherer: Gatherer
    undo: Undo
    page: Page | None = None
    is_tried: bool = False


class Toolkit:
    """All tools that can be chosen here.

    Parameters
    ----------
    folder
        Whose files they may touch: the notebook's.
    own
        The user's functions that are tools.
    kernel
        None where there is none: then some sets are not there.
    search
        Who searches the web, in the form of `provider_of`; empty: nobody does.
    has_shell
        Whether commands may be run at all.
    """

    def __init__(
        self,
        folder: Path,
        own: Iterable[Tool] = (),
        kernel: Kernel | None = None,
        *,
        search: str = "",
        has_shell: bool = False,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._own = {tool.spec.name: tool for tool in own}
        self._makers: dict[str, Callable[[], Sequence[Tool]]] = {
            "files": lambda: files_tools(folder),
            "write": lambda: write_tools(folder),
        }
        if kernel is not None:
            shell = kernel.shell
            namespace: MutableMapping[str, Any] = shell.user_ns
            self._makers["notebook"] = lambda: (
                *notebook_tools(kernel.gatherer, namespace, shell.set_next_input),
                *(cell_tools(kernel.page) if kernel.page else ()),
            )
            self._makers["python"] = lambda: _python(kernel, folder)
        if search:
            self._makers["web"] = lambda: web_tools(provider_of(search, environment))
        if has_shell:
            self._makers["shell"] = lambda: shell_tools(folder)

    @property
    def reserved(self) -> frozenset[str]:
        """What no tool of others can be called."""
        return BUILT_IN | self._own.keys()

    def has(self, name: str) -> bool:
        """Tell whether a name is that of a tool or a set of ours, even if that is not turned on."""
        return name in self.reserved or name in SETS

    def add(self, sets: Mapping[str, Sequence[Tool]]) -> None:
        """Add others' tools, by the names of their sets; they do not take the place of ours."""
        for name, tools in sets.items():
            self._makers.setdefault(name, partial(tuple, tools))

    def names(self) -> list[str]:
        """Return the names of the sets that are here, and of all tools."""
        tools = self.all()
        return [*filter(None, tools), *(tool.spec.name for each in tools.values() for tool in each)]

    def all(self) -> dict[str, Sequence[Tool]]:
        """Return every tool that is here, by its set; the user's own ones under ""."""
        return {"": tuple(self._own.values()), **{name: make() for name, make in self._makers.items()}}

    def chosen(self, names: Sequence[str], is_lost: Callable[[str], bool] = lambda _: False) -> tuple[Tool, ...]:
        """Return the tools that are named, each by its own name or with its set; without names the user's own ones.

        Parameters
        ----------
        is_lost
            Tells of a name that nothing here has whether that has been told elsewhere.

        Raises
        ------
        SettingsError
            If there is no tool and no set of such a name here; says which there are.
        """
        if not names:
            return tuple(self._own.values())
        found: dict[str, Tool] = {}
        for name in names:
            for tool in self._named(name, is_lost):
                found[tool.spec.name] = tool
        return tuple(found.values())

    def _named(self, name: str, is_lost: Callable[[str], bool]) -> Sequence[Tool]:
        if name in self._own:
            return (self._own[name],)
        if name in self._makers:
            return self._makers[name]()
        known = {tool.spec.name: tool for make in self._makers.values() for tool in make()}
        if name in known:
            return (known[name],)
        if name in SETS:
            raise SettingsError(f"The tools {name!r} are not here: {_HOW[name]}")
        if is_lost(name):
            return ()
        near = difflib.get_close_matches(name, self.names(), n=3)
        hint = f" Near: {', '.join(near)}." if near else ""
        raise SettingsError(f"No tool is called {name!r}.{hint} `%chat tools` lists them all.")


_HOW = {
    "notebook": "they need a kernel.",
    "python": "they need a kernel.",
    "web": 'say who is to be asked, %config ChatConfig.search = "ddgs", "searxng:https://..." or "ollama".',
    "shell": "turn them on with %config ChatConfig.shell = True.",
}


def _python(kernel: Kernel, folder: Path) -> Sequence[Tool]:
    tools = python_tools(kernel.shell, kernel.undo)
    if not kernel.is_tried:
        return tools

    def tried(tool: Tool) -> Tool:
        def preview(arguments: Mapping[str, Any]) -> str:
            shown = tool.preview(arguments) if tool.preview else ""
            return f"{shown}\n\nTried out in a fork:\n{try_run(str(arguments['code']), kernel.shell, folder)}"

        return replace(tool, preview=preview)

    return [tried(tool) for tool in tools]
