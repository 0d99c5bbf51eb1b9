"""Read a notebook's file as cells.

As plain JSON: nbformat imports jsonschema, which takes seconds, and cells are read where it is not installed.
The format: https://nbformat.readthedocs.io/en/latest/format_description.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ContextNotFound, ContextRefused
from .cell import Cell, Output

LARGEST_BYTES = 100_000_000
"""A file that is larger is not read: it would be in memory several times over."""


def read_notebook(path: Path) -> tuple[Cell, ...]:
    """Return the cells of an .ipynb file, in their order.

    Raises
    ------
    ContextNotFound
        If there is no such file.
    ContextRefused
        If it is too large, damaged, or no notebook of the format's version 3 or 4.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise ContextNotFound(f"There is no notebook {path.name} in {path.parent}.") from None
    except OSError as error:
        raise ContextRefused(f"The notebook {path.name} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST_BYTES:
        raise ContextRefused(
            f"The notebook {path.name} is larger than {LARGEST_BYTES:,} bytes. Clear some of its outputs and save it."
        )
    try:
        return cells_of(json.loads(data))
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise ContextRefused(f"The notebook {path.name} cannot be read: {reason}. Save it again, or name another file.")


def cells_of(notebook: Any) -> tuple[Cell, ...]:
    r"""Return the cells of a notebook that was read as JSON.

    What a cell lacks or has in a form that the format does not know is left out.

    Raises
    ------
    ValueError
        If it is no notebook of the format's version 3 or 4; says why.

    Examples
    --------
    >>> cells_of({"nbformat": 4, "cells": [{"cell_type": "markdown", "id": "a1", "source": ["# Title\n", "text"]}]})
    (Cell(source='# Title\ntext', kind='markdown', number=None, id='a1', outputs=(), has_run=False, is_whole=True),)
    """
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise ValueError("it is JSON, but no notebook")
    version = notebook["nbformat"]
    if version == 4:  # noqa: PLR2004 - the format's major version
        cells = notebook.get("cells")
    elif version == 3:  # noqa: PLR2004
        cells = [cell for sheet in _mappings(notebook.get("worksheets")) for cell in _mappings(sheet.get("cells"))]
    else:
        raise ValueError(f"its format has the version {version!r}, and only 3 and 4 are known")
    return tuple(_cell(cell) for cell in _mappings(cells))


def _cell(cell: Mapping[str, Any]) -> Cell:
    number = cell.get("execution_count", cell.get("prompt_number"))
    kind = cell.get("cell_type")
    return Cell(
        source=_text(cell.get("source", cell.get("input"))),
        kind=kind if kind in ("code", "raw") else "markdown",  # version 3 has headings, too
        number=number if isinstance(number, int) else None,
        id=_text(cell.get("id")),
        outputs=tuple(filter(None, map(_output, _mappings(cell.get("outputs"))))),
    )


def _output(output: Mapping[str, Any]) -> Output | None:
    match output.get("output_type"):
        case "stream":
            name = _text(output.get("name", output.get("stream")))
            return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
        case "error" | "pyerr":
            lines = output.get("traceback")
            names = {key: _text(output.get(key)) for key in ("ename", "evalue")}
            return {"output_type": "error", **names, "traceback": lines if isinstance(lines, list) else []}
        case "display_data" | "execute_result" | "pyout" as kind:
            data = output.get("data")
            bundle = data if isinstance(data, dict) else _bundle(output)
            texts = {mime: value if "json" in mime else _text(value) for mime, value in bundle.items()}
            return {"output_type": "execute_result" if kind == "pyout" else kind, "data": texts}
    return None


def _bundle(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the MIME bundle of an output of version 3, which has a key of its own for each kind."""
    names = {"text": "text/plain", "html": "text/html", "latex": "text/latex", "png": "image/png", "jpeg": "image/jpeg"}
    return {mime: output[name] for name, mime in names.items() if name in output}


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Return a text that may be kept as a list of its lines; empty if it is none."""
    return "".join(map(str, value)) if isinstance(value, list) else value if isinstance(value, str) else ""
