"""An @ is a mention where it may name something, and each tells what it may name, the longest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.context.mentions import mentions
from chatnb.markdown.fences import Fence, pieces
from tests.markdown.test_safe import TEXTS

PIECES = st.sampled_from(
    [
        *"@`的é .,()x\\\x00\u2028\ud800\n",
        "@df",
        "@file:a.py",
        '@"a b"',
        '@file:"a b"',
        "@cells:-3:",
        "``",
        "```",
        "~~~",
        "\n\n",
        "\r\n",
        "> ",
        "1. ",
        "def f(x):",
        "class A:",
    ]
)
QUESTIONS = st.lists(PIECES, max_size=25).map("".join) | st.text() | TEXTS


def meant(text: str) -> list[tuple[str, ...]]:
    return [mention.references for mention in mentions(text)]


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("@df", ("df",)),
        ("the mean of @df.price is", ("df.price", "df")),
        ("@df.price.", ("df.price.", "df.price", "df")),
        ("@df.price,", ("df.price,", "df.price", "df")),
        ("@error.", ("error.", "error")),
        ("(@df)", ("df)", "df")),
        ("**@file:src/*.py**.", ("file:src/*.py",)),
        ("@df's", ("df's", "df")),
        ("@df.mean() is", ("df.mean()", "df.mean(", "df.mean", "df")),
        ("@df['a'].b", ("df['a'].b", "df['a']", "df['a'", "df['a", "df[", "df")),
        ("@var:error.x", ("var:error.x", "var:error")),
        ("@df-2", ("df-2", "df")),
        ("@cells:-3:", ("cells:-3:", "cells:-3")),
        ("@cells:-3:?", ("cells:-3:?", "cells:-3:", "cells:-3")),
        ("@cells:1-3", ("cells:1-3",)),
        ("@file:src/load.py", ("file:src/load.py",)),
        ("@file:src/**/*.py", ("file:src/**/*.py",)),
        ("@src/load.py", ("src/load.py",)),
        ("@./docs/a.md", ("./docs/a.md",)),
        ("@~/a.md", ("~/a.md",)),
        ("@error.log", ("error.log",)),
        ("@dir:docs/old", ("dir:docs/old",)),
        ('@"file:my notes.md" x', ("file:my notes.md",)),
        ('@file:"my notes.md".', ("file:my notes.md",)),
        ("@https://example.org/a).", ("https://example.org/a",)),
        ("@größe", ("größe",)),
        ("@error—why", ("error—why", "error")),
        ("“@df”", ("df”", "df")),
    ],
)
def test_a_mention_tells_what_it_may_name(text: str, references: tuple[str, ...]) -> None:
    assert meant(text) == [references]


def test_what_goes_on_as_a_path_never_names_its_folder() -> None:
    assert meant("@docs/b.md, @dir:docs/old and @file:src/nope.py") == [
        ("docs/b.md,", "docs/b.md"),
        ("dir:docs/old",),
        ("file:src/nope.py",),
    ]


def test_a_name_may_end_beside_each_letter_of_a_script_without_capitals() -> None:
    assert meant("请看@df的均值") == [("df的均值", "df的均", "df的", "df")]
    assert meant("数据@数据。然后") == [("数据。然后", "数据。然", "数据。", "数据", "数")]


@pytest.mark.parametrize(
    "text",
    [
        "me@example.org",
        "Größe@example.org",
        "a@",
        "@",
        "@@df",
        "@...",
        "\\@df",
        "https://example.org/@ada",
        "git@github.com:a/b",
        "@ df",
        '@"',
        "`@df`",
        "``a ` @df``",
        "`a\n@df`",
        "```\n@df\n```",
        "~~~py\n@df",
        "> ```\n> @df\n> ```",
        "1. a\n   ```\n   @df\n   ```",
        "@property\ndef f(self): ...",
        "@app.route('/')  # why\n@cache\nasync def f(): ...",
        "@pytest.mark.parametrize(\n    'x',\n    [(1, 2), f(3)],\n)\ndef test(x): ...",
        "class A:\n    @property\n    def f(self): ...",
        "@dataclass(frozen=True)\r\nclass A:\r\n    x: int",
        "@total\nclass A[T]: ...",
    ],
)
def test_addresses_code_and_decorators_are_no_mentions(text: str) -> None:
    assert meant(text) == []


@pytest.mark.parametrize(
    "text", ["@df\nclass of 2020", "@df\n\ndef f(x): ...", "@df\ndefine it", "Look:\n@df\nPlease.", "@df"]
)
def test_a_name_in_a_line_of_its_own_is_no_decorator_of_prose(text: str) -> None:
    assert meant(text) == [("df",)]


@pytest.mark.parametrize("text", ["a ` b @df", "`a` @df `b`", "`a\n\n@df `", "``a` @df", "```x``` @df"])
def test_backticks_that_hold_no_code_hide_no_mention(text: str) -> None:
    assert meant(text) == [("df",)]


def test_mentions_come_in_their_order_with_their_places() -> None:
    text = "Why `x`? See @df.\n```\n@no\n```\nand @error!"

    assert [(text[mention.start :][: len(mention.text)], mention.text) for mention in mentions(text)] == [
        ("@df", "@df"),
        ("@error", "@error"),
    ]


@given(QUESTIONS)
def test_mentions_are_slices_of_the_text_that_never_overlap(text: str) -> None:
    end = 0
    for mention in mentions(text):
        assert mention.start >= end
        end = mention.start + len(mention.text)
        assert text[mention.start : end] == mention.text
        assert mention.text.startswith("@")
        assert mention.references
        assert list(mention.references) == sorted(set(mention.references), key=len, reverse=True)


@given(QUESTIONS)
def test_no_mention_stands_in_fenced_code(text: str) -> None:
    place = 0
    fenced: set[int] = set()
    for piece in pieces(text):
        size = len("\n".join(piece.lines)) + 1
        if isinstance(piece, Fence):
            fenced.update(range(place, place + size))
        place += size

    assert fenced.isdisjoint(mention.start for mention in mentions(text))


@given(QUESTIONS)
def test_a_mention_behind_any_text_in_a_paragraph_of_its_own_is_found(text: str) -> None:
    closed = text.replace("`", "").replace("~~~", "")

    assert mentions(f"{closed}\n\n@df")[-1].references == ("df",)
