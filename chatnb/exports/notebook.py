"""Sessions as a notebook that a person would have written: questions as `%%chat` cells, answers below them.

What is written is nbformat 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html), as JupyterLab saves
it; nbformat itself would take seconds to import. The outputs have the metadata that those of a kernel have (imprint.py),
headings that of the session, and cells of what belongs to no turn that message: so `imports/notebook.py` finds all again.

The notebook runs from top to bottom wherever there is a model. So a question's line has the model and its options, the
system prompt, `--no-history`, and of tools those that are always there, but no `-c df`: what was carried along is shown
above, for the variable, cell or file may not be there. Nor has it the window's size, which is chosen for each prompt.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..grammar import flags_of
from ..imprint import page_imprint, turn_imprint
from ..markdown.fences import Fence, pieces, unified
from ..markdown.safe import code_blocks, safe_markdown
from ..messages import Context, Image, Json, Message, Part, Session, Text
from ..options import Options
from ..printing import printable
from ..views.notebook import bundle
from ..views.pages import Layout, folded
from ..wire import VERSION, to_json
from .base import Style, about, speaker, title
from .markdown import PICTURES, literal
from .replies import Turn, pieces_of, reply_of

Cell = dict[str, Json]

_PYTHON = frozenset({"python", "py", "python3", "ipython", "ipython3"})
# What can stand on a line without being read as anything else, and is surely a model's name.
_NAME = re.compile(r"\w[\w.:/@-]*", re.ASCII)
_KEY = re.compile(r"\w+", re.ASCII)
_CHOSEN = frozenset({"num_ctx"})  # anew for each prompt
_TOLD = frozenset({"system", "think", "history"})
_TOOLS = frozenset({"files", "write", "notebook", "python"})  # sets that need no setting, server or function


def as_notebook(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: B008 - frozen
    """Yield the sessions as one .ipynb."""
    divided = [(session, list(pieces_of(session))) for session in sessions]
    writer = _Writer(style, _usual_model(piece for _, found in divided for piece in found))
    cells: list[Cell] = []
    for session, found in divided:
        cells.append(_heading(session))
        if len(cells) == 1:  # where people write it: behind the first heading
            cells.append(_code(writer.setup))
        if len(divided) > 1:
            cells.append(_code(f"%chat new {shlex.quote(printable(title(session)))}"))
        for piece in found:
            cells += writer.turn(piece, session.system) if isinstance(piece, Turn) else [_loose(piece)]
    notebook = {
        "cells": [dict(sorted({**cell, "id": f"chat-{number:05d}"}.items())) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    # Jupyter cannot save half of a character. It sorts all keys; here a tool's arguments keep their order.
    yield json.dumps(notebook, ensure_ascii=False, indent=1).encode(errors="replace").decode() + "\n"


class _Writer:
    """Writes turns as cells.

    Parameters
    ----------
    model
        Who answers in most of them.
    """

    def __init__(self, style: Style, model: str) -> None:
        self._style, self._model = style, model
        self._on_pages, self._on_one_page = Layout(has_figures=False), Layout(None, has_figures=False)

    @property
    def setup(self) -> str:
        """The source of the first cell of code."""
        model = f"\n%config ChatConfig.model = {self._model!r}" if self._model else ""
        return f"%load_ext chatnb{model}"

    def turn(self, turn: Turn, system: str) -> Iterator[Cell]:
        """Yield the cells of a turn: what the question carried along, the question, the answer, its code.

        Parameters
        ----------
        system
            The session's own prompt, for questions without one.
        """
        yield from _carried(turn.question)
        question = _code(f"{self._line(turn, system)}\n{turn.question.text}")
        if not self._style.as_markdown:
            question["outputs"] = list(self._outputs(turn))
            yield question
            if self._style.run_ready:
                blocks = [block for message in turn.replies for block in code_blocks(message.text)]
                yield from (_code(block.code) for block in blocks if block.language.lower() in _PYTHON)
            return
        # Whoever edits the answer's cells leaves the conversation what it was: the question's holds all of it.
        question["metadata"] = {"chatnb": turn_imprint(turn.messages, [""])}
        yield question
        yield from self._answer(turn)

    def _line(self, turn: Turn, system: str) -> str:
        """Return the first line of a question's cell."""
        words = ["%%chat"]
        if turn.model != self._model and _NAME.fullmatch(turn.model):
            words += ["-m", turn.model]
        options = next((message.options for message in turn.replies if message.options), {})
        for name, value in options.items():
            if _KEY.fullmatch(name) and name not in _CHOSEN:
                words += ["-o", f"{name}={json.dumps(value)}"]
        kept = Options.of(turn.question.chosen).chosen
        told = {name: value for name, value in ({"system": system} | kept).items() if value != "" and name in _TOLD}
        tools = [name for name in kept.get("tools", ()) if name in _TOOLS]
        return f"{shlex.join(words)} {flags_of(told | {'tools': tools})}".rstrip()

    def _outputs(self, turn: Turn) -> Iterator[Cell]:
        pages = self._on_pages.pages(reply_of(turn.question, turn.replies), is_over=True)
        shown = [page.markdown for page in pages]
        for number, page in enumerate(pages):
            is_last = number == len(pages) - 1
            kept = turn_imprint(turn.messages, shown) if is_last else page_imprint(turn.question.turn_id, number)
            yield _display(dict(bundle(page)), {"chatnb": kept})
        for picture in _pictures(turn.replies):
            yield _display({picture.mime: base64.b64encode(picture.data).decode(), "text/plain": "a picture"}, {})
        for message in turn.replies:
            if message.error:
                yield {"output_type": "stream", "name": "stderr", "text": printable(message.error) + "\n"}

    def _answer(self, turn: Turn) -> Iterator[Cell]:
        """Yield the answer as cells of Markdown, with its Python code as cells of code if that is wanted."""
        said: list[Message] = []
        for message in turn.replies:
            parts: list[Part] = []
            for part in message.parts:
                texts = _split(part.text) if self._style.run_ready and isinstance(part, Text) else [part]
                for piece in texts:
                    if not isinstance(piece, Fence):
                        parts.append(piece)
                        continue
                    yield from self._prose(turn, [*said, replace(message, parts=tuple(parts), outcome="done")])
                    yield _code("\n".join(piece.code))
                    said, parts = [], []
            said.append(replace(message, parts=tuple(parts)))
        yield from self._prose(turn, said)

    def _prose(self, turn: Turn, said: Sequence[Message]) -> Iterator[Cell]:
        (page,) = self._on_one_page.pages(reply_of(turn.question, said), is_over=True)
        pictures = [picture for picture in _pictures(said) if picture.mime in PICTURES]
        if page.markdown.strip() or pictures:
            yield _markdown(page.markdown, pictures=pictures)


def _usual_model(found: Iterable[Turn | Message]) -> str:
    names = Counter(piece.model for piece in found if isinstance(piece, Turn) and _NAME.fullmatch(piece.model))
    return names.most_common(1)[0][0] if names else ""


def _heading(session: Session) -> Cell:
    source = safe_markdown(f"# {literal(title(session))}\n\n{literal(about(session))}")
    return _markdown(source, {"version": VERSION, "session": to_json(replace(session, messages=()))})


def _carried(question: Message) -> Iterator[Cell]:
    """Yield a cell that shows what a question carried along, if it did."""
    blocks = [
        folded(f"{part.label} (-c {part.ref})" if part.ref else part.label, part.text)
        for part in question.parts
        if isinstance(part, Context)
    ]
    pictures = list(_pictures([question]))
    if blocks or pictures:
        yield _markdown("\n".join(["The next question carries along:\n", *blocks]), pictures=pictures)


def _loose(message: Message) -> Cell:
    """Return the cell of a message that belongs to no turn."""
    (page,) = Layout(None, has_figures=False).pages(reply_of(message, [replace(message, usage=None)]), is_over=True)
    source = f"*{literal(speaker(message))}:*\n\n{page.markdown}"
    return _markdown(source, {"version": VERSION, "message": to_json(message)}, list(_pictures([message])))


def _pictures(messages: Iterable[Message]) -> Iterator[Image]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, Image) and part.mime in PICTURES:
                yield part


def _split(text: str) -> Iterator[Text | Fence]:
    """Yield a text in pieces: what is Python in a fence of its own, and what stands between."""
    lines: list[str] = []
    for piece in pieces(unified(text)):
        is_cell = isinstance(piece, Fence) and piece.language.lower() in _PYTHON and not (piece.quote or piece.marker)
        if isinstance(piece, Fence) and is_cell:
            yield Text("\n".join(lines))
            yield piece
            lines = []
        else:
            lines += piece.lines
    yield Text("\n".join(lines))


def _display(data: dict[str, Json], metadata: dict[str, Json]) -> Cell:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _code(source: str) -> Cell:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def _markdown(source: str, kept: Json = None, pictures: Sequence[Image] = ()) -> Cell:
    cell: Cell = {"cell_type": "markdown", "metadata": {"chatnb": kept} if kept else {}, "source": source}
    if pictures:
        names = [f"picture-{number}" for number in range(1, len(pictures) + 1)]
        cell["attachments"] = {
            name: {picture.mime: base64.b64encode(picture.data).decode()}
            for name, picture in zip(names, pictures, strict=True)
        }
        cell["source"] += "\n\n" + "\n".join(f"![](attachment:{name})" for name in names)
    return cell
