"""Whatever is written is one reference, and says the same when it is written out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.context.base import Reference
from chatnb.context.references import KINDS, parse, split

PIECES = st.sampled_from(
    [*KINDS, "db", "df", ":", "::", " ", "/", "\\", "C", "http://", "HTTPS://x", "\n", ",", '"', "é"]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=12)


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("cells:-3:", "cells", "-3:"),
        ("cell: 5 ", "cell", "5"),
        ("file:my notes.md", "file", "my notes.md"),
        ("file:a.py:10-20", "file", "a.py:10-20"),
        ("file:C:\\a.py", "file", "C:\\a.py"),
        ("var:error", "var", "error"),
        ("url:https://example.org/a:b", "url", "https://example.org/a:b"),
        ("https://example.org", "url", "https://example.org"),
        ("HTTP://EXAMPLE.ORG", "url", "HTTP://EXAMPLE.ORG"),
        ("error", "error", ""),
        ("error:", "error", ""),
        ("notebook", "notebook", ""),
        ("cells", "cells", "all"),
        ("past", "past", ""),
        ("db", "past", ""),
        ("db:x", "past", "x"),
    ],
)
def test_a_kind_and_what_it_names(text: str, kind: str, target: str) -> None:
    assert parse(text) == Reference(kind, target)


@pytest.mark.parametrize(
    "text",
    [
        "df",
        "df.price",
        "./error",
        "src/load.py",
        "C:\\x",
        "C:/x",
        "cel:3",
        "Error",
        "FILE:x",
        "var",
        "file:",
        "a:b:c",
        "",
    ],
)
def test_everything_else_is_a_bare_name(text: str) -> None:
    assert parse(f" {text} ") == Reference("", text)


@given(TEXTS)
def test_a_reference_says_the_same_when_it_is_written_out_again(text: str) -> None:
    reference = parse(text)

    assert parse(str(reference)) == reference
    assert str(parse(str(reference))) == str(reference)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_parsed_and_has_a_sentence(kind: str) -> None:
    assert parse(f"{kind}:x") == Reference(kind, "x")
    assert KINDS[kind].endswith(".")
    assert f"`{kind}" in KINDS[kind]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("df", ("df",)),
        ("past,./docs,./notes", ("past", "./docs", "./notes")),
        (" past , ./docs ,", ("past", "./docs")),
        ('"a,b.md",df', ("a,b.md", "df")),
        ('file:"a, b.md" ,df', ("file:a, b.md", "df")),
        ("file:'a,b.md'", ("file:a,b.md",)),
        ('"file:a,b.md"', ("file:a,b.md",)),
        ("it's,Ada's", ("it's", "Ada's")),
        ('file:"never,closed', ('file:"never', "closed")),
        ("df['a'],df['b']", ("df['a']", "df['b']")),
        ("df,url:https://example.org/1,2", ("df", "url:https://example.org/1,2")),
        ("https://example.org/1,2", ("https://example.org/1,2",)),
        ('url:"https://example.org/1,2",df', ("url:https://example.org/1,2", "df")),
        ("cells:1,3,5-7,df,9", ("cells:1", "cells:3", "cells:5-7", "df", "9")),
        ("out:5,6", ("out:5", "out:6")),
        ("file:5,6", ("file:5", "6")),
        ("", ()),
        (" , ,", ()),
    ],
)
def test_commas_separate_but_in_quotes_and_addresses(text: str, pieces: tuple[str, ...]) -> None:
    assert split(text) == pieces


@given(st.lists(st.text("abc:/.é_* ", min_size=1).map(str.strip).filter(bool), max_size=5))
def test_names_without_commas_come_apart_as_they_were(names: list[str]) -> None:
    assert split(",".join(names)) == tuple(names)


@given(TEXTS)
def test_no_list_is_refused_and_no_piece_is_empty(text: str) -> None:
    assert all(piece.strip() for piece in split(text))
