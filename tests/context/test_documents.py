"""PDF and Office documents as text."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import openpyxl  # type: ignore[import-untyped]
import pptx
import pytest
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from chatnb.context import documents
from chatnb.errors import ContextRefused

# A page under a user's password, by the standard security handler (ISO 32000-1, 7.6.3); the hashes fit no password.
LOCKED_PDF = b"""%%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>> endobj
4 0 obj <</Filter/Standard/V 1/R 2/Length 40/P -4/O<%s>/U<%s>>> endobj
trailer <</Root 1 0 R/Encrypt 4 0 R/Size 5/ID[<00><00>]>>
%%%%EOF
""" % (b"11" * 32, b"22" * 32)


def pdf(path: Path, *pages: str) -> Path:
    with PdfPages(path) as book:
        for text in pages:
            figure = Figure()
            figure.text(0.1, 0.5, text)
            book.savefig(figure)
    return path


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("Teas", 2)
    document.add_paragraph("All that we sell.")
    document.add_paragraph("Assam", style="List Bullet")
    table = document.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "name"
    table.cell(0, 2).text = "price"
    table.cell(1, 0).text = "Oolong"
    document.save(str(path))
    return path


def slides(path: Path) -> Path:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Results"
    inner = slide.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9)
    inner.text_frame.text = "in a group"
    table = slide.shapes.add_table(1, 2, 0, 0, 9, 9).table
    table.cell(0, 0).text, table.cell(0, 1).text = "mean", "-3"
    slide.notes_slide.notes_text_frame.text = "say it slowly"
    presentation.save(str(path))
    return path


def sheets(path: Path, rows: int = 3) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("prices")
    sheet.append(["name", None, "price"])
    for number in range(rows):
        sheet.append([f"tea {number}", None, number / 2])
    book.save(path)
    return path


def text_of(path: Path) -> str:
    return documents.text_of(path.read_bytes(), path.suffix.lower(), path.name)


def test_a_pdf_is_read_page_by_page(tmp_path: Path) -> None:
    path = pdf(tmp_path / "two.pdf", "The first page.", "The second page.")

    text = text_of(path)

    assert text == "[page 1 of 2]\n\nThe first page.\n\n[page 2 of 2]\n\nThe second page."


def test_a_word_document_keeps_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    path = word(tmp_path / "teas.DOCX")

    text = text_of(path)

    assert text.splitlines() == [
        *("## Teas", "", "", "All that we sell.", "- Assam"),
        *("", "name | price", "Oolong"),
    ]


def test_slides_give_text_groups_tables_and_notes(tmp_path: Path) -> None:
    path = slides(tmp_path / "talk.pptx")

    text = text_of(path)

    assert text == "[slide 1 of 1]\n\nResults\nin a group\nmean | -3\nNotes: say it slowly"


def test_sheets_give_their_values_and_not_their_empty_rows(tmp_path: Path) -> None:
    path = sheets(tmp_path / "prices.xlsx")

    text = text_of(path)

    assert text == "[sheet prices]\n\nname |  | price\ntea 0 |  | 0\ntea 1 |  | 0.5\ntea 2 |  | 1"


def changed(path: Path, member: str, old: bytes, new: bytes) -> Path:
    """Return a copy of an Office document in which something is written otherwise."""
    copy = path.with_stem(f"{path.stem} changed")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for each in source.namelist():
            data = source.read(each)
            assert each != member or old in data
            target.writestr(each, data.replace(old, new) if each == member else data)
    return copy


SHEET = "xl/worksheets/sheet1.xml"


def test_a_sheet_is_as_long_as_its_rows_whatever_it_says(tmp_path: Path) -> None:
    path = sheets(tmp_path / "prices.xlsx")
    small = changed(path, SHEET, b"<sheetData>", b'<dimension ref="A1"/><sheetData>')

    text = text_of(small)

    assert text == text_of(path)


def test_a_row_with_a_huge_number_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = changed(sheets(tmp_path / "prices.xlsx"), SHEET, b'<row r="4">', b'<row r="4000000000">')
    monkeypatch.setattr(documents, "LONGEST_S", 0.1)

    text = text_of(path)

    assert text.endswith("[cut here, after 0.1 s of reading]")


def test_what_is_too_long_is_cut_with_a_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheets(tmp_path / "prices.xlsx", rows=2_000)
    monkeypatch.setattr(documents, "LONGEST_CHARACTERS", 1_000)

    text = text_of(path)

    assert text.endswith("\n\n[cut here, after 1,000 characters]")
    assert len(text) < 1_050


def test_what_takes_too_long_is_cut_with_a_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pdf(tmp_path / "two.pdf", "The first page.", "The second page.")
    monkeypatch.setattr(documents, "LONGEST_S", 0)

    text = text_of(path)

    assert text == "[page 1 of 2]\n\nThe first page.\n\n[cut here, after 0 s of reading]"


@pytest.mark.parametrize("name", ["half.pdf", "half.docx", "half.pptx", "half.xlsx"])
def test_a_part_of_a_document_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    {".pdf": lambda path: pdf(path, "text"), ".docx": word, ".pptx": slides, ".xlsx": sheets}[path.suffix](path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    with pytest.raises(ContextRefused, match=f"{name} .*damaged"):
        text_of(path)


@pytest.mark.parametrize("suffix", sorted(documents.SUFFIXES))
@pytest.mark.parametrize("data", [b"", b"plain text", bytes(range(256)) * 99])
def test_what_is_no_document_is_refused(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)

    with pytest.raises(ContextRefused, match=f"x{suffix}"):
        text_of(path)


def test_a_document_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    path = sheets(tmp_path / "prices.xlsx").rename(tmp_path / "prices.docx")

    with pytest.raises(ContextRefused, match="not a Word file"):
        text_of(path)


def test_a_password_is_named_as_the_reason(tmp_path: Path) -> None:
    office = tmp_path / "locked.xlsx"
    office.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    locked = tmp_path / "locked.pdf"
    locked.write_bytes(LOCKED_PDF)

    for path in (office, locked):
        with pytest.raises(ContextRefused, match=rf"{path.name} .*protected by a password"):
            text_of(path)


def test_a_pdf_without_text_says_that_it_may_be_scanned(tmp_path: Path) -> None:
    path = pdf(tmp_path / "scan.pdf", "")

    with pytest.raises(ContextRefused, match="scanned"):
        text_of(path)


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = word(tmp_path / "bomb.docx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/media/x.bmp", "w") as file:
        for _ in range(101):
            file.write(bytes(1_000_000))

    with pytest.raises(ContextRefused, match="100 MB"):
        text_of(path)

    assert path.stat().st_size < 1_000_000


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    declared = f'?><!DOCTYPE d [<!ENTITY e0 "ha">{entities}]>'.encode()
    path = changed(word(tmp_path / "a.docx"), "word/document.xml", b"?>", declared)
    path = changed(path, "word/document.xml", b"Assam", b"&e9;")

    try:
        text_read = text_of(path)
    except ContextRefused:
        text_read = ""

    assert len(text_read) < 10_000


def test_a_missing_library_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pdf(tmp_path / "one.pdf", "text")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)

    with pytest.raises(ContextRefused, match=r"pip install 'chatnb\[documents\]'"):
        text_of(path)


def test_importing_the_readers_of_special_files_imports_nothing_heavy() -> None:
    names = ("documents", "pictures", "tables", "web")
    heavy = (
        "docx",
        "httpx",
        "matplotlib",
        "numpy",
        "openpyxl",
        "PIL",
        "polars",
        "pptx",
        "pyarrow",
        "pypdfium2",
        "trafilatura",
    )
    script = (
        "import sys\n"
        f"from chatnb.context import {', '.join(names)}\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout == "[]\n"
