"""What every exporter promises, for any session and for those that want to do harm."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import commonmark  # type: ignore[import-untyped]  # it has no types of its own, and none are published
import nbformat
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from chatnb.exports.base import Style
from chatnb.exports.catalog import FORMATS
from chatnb.exports.data import COLUMNS
from chatnb.exports.notebook import as_notebook
from chatnb.grammar import parse_question
from chatnb.messages import Session, Text
from chatnb.options import Options
from tests.exports import examples

HOSTILE = examples.hostile_texts()
STYLES = [Style(), Style(as_markdown=True, run_ready=True)]
# What a page has besides: parts of ours, formulas, and the button in place of a picture of the web, which does nothing.
PAGE = frozenset(
    {"article", "header", "b", "button", "label", "div", "s"}
    | {
        "math",
        "mrow",
        "mi",
        "mo",
        "mn",
        "msup",
        "msub",
        "mtext",
        "mspace",
        "mfrac",
        "mstyle",
        "semantics",
        "annotation",
    }
)
LAW = settings(
    deadline=None,
    max_examples=30,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# What our own pages have, and a renderer makes of Markdown; nothing of it runs or fetches.
HARMLESS = (  # noqa: SIM905 - a list of them fills a page
    "html head body p h1 h2 h3 h4 h5 h6 em strong code pre ul ol li blockquote hr br a table thead tbody tr th td small "
    "details summary span del img input sup sub section"
).split()


def exported(name: str, sessions: Sequence[Session], style: Style = STYLES[0]) -> str:
    """Return an export, which any file can hold."""
    text = "".join(FORMATS[name].write(sessions, style))
    assert text.encode().decode() == text
    return text


def markdown_of(notebook: dict[str, object]) -> Iterator[str]:
    """Yield all that a notebook shows as Markdown."""
    for cell in nbformat.from_dict(notebook).cells:
        if cell.cell_type == "markdown":
            yield cell.source
        for output in cell.get("outputs", ()):
            yield output.get("data", {}).get("text/markdown", "")


def harm_in(html: str) -> list[str]:
    """Return what could run or fetch something in HTML, as a browser reads it."""
    found = []
    for node in LexborHTMLParser(html).css("*"):
        attributes = {name: value or "" for name, value in node.attributes.items()}
        if node.tag not in HARMLESS and not (node.tag or "").startswith("-"):
            found.append(f"<{node.tag}>")
        if any(name.startswith(("on", "srcdoc", "formaction", "data-commandlinker")) for name in attributes):
            found.append(str(attributes))
        if "src" in attributes and not re.match(
            r"data:image/(png|jpeg|gif|webp);base64,|attachment:picture-\d+$", attributes["src"]
        ):
            found.append(attributes["src"])
        if "href" in attributes and not re.match(r"https?://|mailto:|#", attributes["href"], re.IGNORECASE):
            found.append(attributes["href"])
        if "url(" in attributes.get("style", ""):
            found.append(attributes["style"])
    return found


@pytest.mark.parametrize("name", FORMATS)
@given(st.lists(examples.sessions(), max_size=2))
@LAW
def test_it_never_fails(name: str, sessions: list[Session]) -> None:
    exported(name, sessions)


@pytest.mark.parametrize("style", STYLES, ids=str)
@given(st.lists(examples.sessions(), max_size=2))
@LAW
def test_a_notebook_is_valid(style: Style, sessions: list[Session]) -> None:
    notebook = json.loads(exported("ipynb", sessions, style))

    nbformat.validate(notebook)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_nothing_that_was_said_is_alive_in_a_notebook(text: str, style: Style) -> None:
    notebook = json.loads(exported("ipynb", [examples.hostile_session(text)], style))

    nbformat.validate(notebook)
    shown = "\n\n".join(markdown_of(notebook))
    assert harm_in(commonmark.commonmark(shown)) == []
    types = {
        kind for cell in notebook["cells"] for output in cell.get("outputs", ()) for kind in output.get("data", {})
    }
    assert types <= {"text/markdown", "text/plain"}


@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_nothing_that_was_said_is_alive_in_markdown(text: str) -> None:
    markdown = exported("md", [examples.hostile_session(text)] * 2)

    assert harm_in(commonmark.commonmark(markdown)) == []


@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_nothing_that_was_said_is_alive_in_a_page(text: str) -> None:
    page = exported("html", [examples.hostile_session(text)] * 2)

    tree = LexborHTMLParser(page)
    own = tree.css("head > meta, head > title, head > style")
    assert [node.tag for node in tree.css("head > *")] == [node.tag for node in own]
    assert [node.tag for node in tree.css("style")] == ["style"]
    body = tree.body
    assert body is not None
    assert [harm for harm in harm_in(body.html or "") if harm.strip("<>") not in PAGE] == []
    assert len(tree.css("article")) == 2 * len(examples.hostile_session(text).messages)


def test_a_page_highlights_code_and_draws_mathematics_and_pictures() -> None:
    tree = LexborHTMLParser(exported("html", [examples.everything()]))

    assert tree.css_first("pre.chatnb-code span") is not None
    assert tree.css_first("math msup") is not None
    assert (tree.css("img")[0].attributes["src"] or "").startswith("data:image/png;base64,")
    assert tree.css("head > title")[0].text() == "Names of people"


@pytest.mark.parametrize("name", ["csv", "txt"])
@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_nothing_that_was_said_gives_orders_to_a_terminal_or_a_spreadsheet(text: str, name: str) -> None:
    written = exported(name, [examples.hostile_session(text), examples.hostile_session(f"=HYPERLINK({text!r})")])

    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", written)
    if name == "csv":
        rows = list(csv.reader(io.StringIO(written)))
        assert all(len(row) == len(COLUMNS) for row in rows)
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.lists(examples.sessions(), max_size=2))
@LAW
def test_data_is_data(sessions: list[Session]) -> None:
    json.loads(exported("json", sessions))
    assert all(set(json.loads(line)) == {"messages"} for line in exported("jsonl", sessions).split("\n")[:-1])
    rows = list(csv.reader(io.StringIO(exported("csv", sessions), newline="")))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == 1 + sum(len(session.messages) for session in sessions)


def test_a_question_in_a_notebook_has_the_options_that_it_was_asked_with() -> None:
    options = parse_question(
        "-m tiny -o seed=1 -t files -t mine -c df --no-think --no-history --system \"Be 'brief'.\""
    )
    asked, answer = examples.turn(1, "Why?", examples.said(Text("So."), model="tiny", options={"seed": 1}))
    plain, more = examples.turn(2, "And?", examples.said(Text("So."), model="tiny"))
    session = examples.session(replace(asked, chosen=options.chosen), answer, plain, more, system="Be kind.")

    cells = json.loads("".join(as_notebook([session])))["cells"]

    first, second = [cell["source"].partition("\n")[0] for cell in cells if cell["source"].startswith("%%chat")]
    again = parse_question(first.removeprefix("%%chat"))
    assert again == Options(option=(("seed", 1),), tools=("files",), think=False, history=False, system="Be 'brief'.")
    assert second == "%%chat --system 'Be kind.'"
