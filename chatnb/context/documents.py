"""The text of PDF and Office documents.

Each format is read by the library that is at home in it, piece by piece, so that reading ends where enough is read:
markitdown, which reads all four, converts a document whole (20 s for 100 pages of PDF where PDFium needs 0.2 s), and
brings a neural network for telling formats apart.
"""

from __future__ import annotations

import io
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Final

from ..errors import ContextRefused

SUFFIXES: Final = frozenset({".pdf", ".docx", ".pptx", ".xlsx"})

LARGEST_BYTES: Final = 100_000_000
"""Of the file, and of what it unpacks to; sheets do not count, they are read row by row."""

LONGEST_CHARACTERS: Final = 500_000
"""Of the text; about a book of 250 pages."""

LONGEST_S: Final = 20.0
"""What takes longer is cut where it is by then."""

# PDFium says of itself that it may not be called by two threads at a time.
_PDFIUM = threading.Lock()
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def text_of(data: bytes, suffix: str, name: str) -> str:
    """Return the text of a document, with a heading for each page, slide or sheet.

    What does not fit `LONGEST_CHARACTERS` or `LONGEST_S` is left out at the end, with a mark in square brackets.
    Pictures, text boxes, footnotes and comments are not read.

    Parameters
    ----------
    data
        The whole file.
    suffix
        Which format it has, one of `SUFFIXES`.
    name
        What errors call it.

    Raises
    ------
    ContextRefused
        If it is no such document, is damaged, too large, protected by a password or without text, or if the library
        that reads it is not installed.
    """
    _check(data, suffix, name)
    try:
        with closing(_READERS[suffix](io.BytesIO(data))) as pieces, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of each ornament that it does not know
            text = _joined(pieces)
    except ImportError as error:
        raise ContextRefused(
            f"To read {name}, chatnb needs {error.name}: pip install 'chatnb[documents]', then ask again."
        ) from error
    except Exception as error:  # a damaged file brings out any of them
        reason = "it is protected by a password" if "password" in str(error).lower() else f"it is damaged ({error})"
        raise ContextRefused(f"{name} cannot be read: {reason}. Save it again without, or copy its text.") from error
    if not text.strip():
        raise ContextRefused(f"{name} holds no text; it may be made of scanned pictures, which need OCR first.")
    return text


def _check(data: bytes, suffix: str, name: str) -> None:
    size = len(data)
    if suffix != ".pdf":
        if data.startswith(_OLD_OFFICE):
            raise ContextRefused(
                f"{name} is protected by a password, or is in the format of Office before 2007. "
                "Save it without a password as a current document."
            )
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                # The sizes may lie, but zipfile unpacks no more than they say.
                size += sum(m.file_size for m in archive.infolist() if not m.filename.startswith("xl/worksheets/"))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ContextRefused(f"{name} is damaged, or is no {suffix} file at all ({error}).") from error
    if size > LARGEST_BYTES:
        raise _too_large(name)


def _too_large(name: str) -> ContextRefused:
    return ContextRefused(
        f"{name} is larger than the {LARGEST_BYTES // 1_000_000} MB (unpacked) that are read of a document. "
        "Save the part that matters as a file of its own."
    )


def _joined(pieces: Iterable[str]) -> str:
    held: list[str] = []
    free, ends_at = LONGEST_CHARACTERS, time.monotonic() + LONGEST_S
    for piece in pieces:
        held.append(piece[:free])
        free -= len(piece)
        if free < 0 or time.monotonic() > ends_at:
            limit = f"{LONGEST_CHARACTERS:,} characters" if free < 0 else f"{LONGEST_S:g} s of reading"
            held.append(f"\n\n[cut here, after {limit}]")
            break
    return "".join(held).strip()


def _pdf(file: io.BytesIO) -> Iterator[str]:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # noqa: PLC0415 - optional

    with _PDFIUM, PdfDocument(file) as document:
        for number in range(len(document)):
            page = document[number]
            text = page.get_textpage().get_text_bounded().replace("\r\n", "\n").strip()
            page.close()
            if text:
                yield f"\n\n[page {number + 1} of {len(document)}]\n\n{text}"


def _docx(file: io.BytesIO) -> Iterator[str]:
    from docx import Document  # noqa: PLC0415 - optional
    from docx.text.paragraph import Paragraph  # noqa: PLC0415 - likewise

    for block in Document(file).iter_inner_content():
        if not isinstance(block, Paragraph):
            yield "\n"
            for row in block.rows:
                yield _row(cell.text for cell in dict.fromkeys(row.cells))  # a merged cell comes once for each column
            continue
        style, level = ((block.style and block.style.name) or "").rsplit(" ", 1)[0], _level(block)
        if not block.text.strip():
            continue
        if level:
            yield f"\n\n{'#' * level} {block.text}\n"
        elif style.startswith("List"):
            yield f"\n- {block.text}"
        else:
            yield f"\n\n{block.text}"


def _level(paragraph: Any) -> int:
    """Return which heading a paragraph is, 0 if it is none; styles have their English names in the file."""
    name = (paragraph.style and paragraph.style.name) or ""
    if name == "Title":
        return 1
    number = name.removeprefix("Heading ")
    return int(number) if number != name and number.isdecimal() else 0


def _pptx(file: io.BytesIO) -> Iterator[str]:
    from pptx import Presentation  # noqa: PLC0415 - optional

    slides = Presentation(file).slides
    for number, slide in enumerate(slides, start=1):
        yield f"\n\n[slide {number} of {len(slides)}]\n"
        yield from _shapes(slide.shapes)
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            yield f"\nNotes: {notes.text}"


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shapes(shape.shapes)
        elif shape.has_text_frame and shape.text_frame.text.strip():
            yield f"\n{shape.text_frame.text}"
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield _row(cell.text for cell in row.cells)


def _xlsx(file: io.BytesIO) -> Iterator[str]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]  # noqa: PLC0415 - optional

    with closing(load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book:
        for sheet in book.worksheets:
            yield f"\n\n[sheet {sheet.title}]\n"
            sheet.reset_dimensions()  # a file may say that its thousand rows are one
            for values in sheet.iter_rows(values_only=True):
                is_empty = all(value is None for value in values)
                # Also of nothing a piece: a file may hold a row with the number one billion, and what is cut is a piece.
                yield "" if is_empty else _row("" if value is None else str(value) for value in values)


def _row(cells: Iterable[str]) -> str:
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return "\n" + " | ".join(texts)


_READERS: dict[str, Callable[[io.BytesIO], Any]] = {".pdf": _pdf, ".docx": _docx, ".pptx": _pptx, ".xlsx": _xlsx}
