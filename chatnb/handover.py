"""What becomes of an answer besides being shown: the value of a variable, and the next cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .bridge import NewCell
from .errors import SettingsError
from .markdown.safe import CodeBlock, code_blocks, safe_markdown


def named(namespace: dict[str, Any], name: str, option: str) -> Any:
    """Return what has a name in the user's namespace; raises SettingsError.

    Parameters
    ----------
    option
        What names it, such as "--schema".
    """
    try:
        return namespace[name]
    except KeyError:
        raise SettingsError(
            f"{option} {name}: nothing in this notebook has that name. Run the cell that defines it."
        ) from None


def next_cells(answer: str, shell: Any, put: Callable[[Sequence[NewCell]], bool]) -> None:
    """Make the code of an answer the next cell, or several; raises SettingsError if there is none.

    Parameters
    ----------
    put
        Puts cells below the one that runs, where a page can; returns whether it did.
    """
    blocks = code_blocks(answer)
    if not blocks:
        raise SettingsError(
            "The answer holds no block of code, so there is no next cell. Ask for code, or leave --code out."
        )
    cells = [_cell_of(block) for block in blocks]
    # What front ends do by themselves is one cell of code, once this one has ended.
    is_more = len(cells) > 1 or cells[0][0] != "code"
    if not (is_more and put(cells)):
        shell.set_next_input("\n\n".join(block.code for block in blocks))


def _cell_of(block: CodeBlock) -> NewCell:
    """Return what a block of an answer becomes; Markdown is drawn as soon as it is there, so it has to be harmless."""
    if block.language.casefold() in ("markdown", "md"):
        return "markdown", safe_markdown(block.code)
    return "code", block.code
