"""What is named is read once, from the source that knows it; what is not there is told with what comes near."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnb.context.base import Reading, Reference
from chatnb.context.cells import CellsSource
from chatnb.context.files import FilesSource
from chatnb.context.gather import Gatherer
from chatnb.context.variables import VariablesSource
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context, Image
from tests.context.shells import typed


class Notes:
    """A source of a kind of its own, which counts its readings."""

    kinds: Sequence[str] = ("image", "session", "")

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.readings: list[str] = []

    def read(self, reference: Reference) -> Reading:
        self.readings.append(str(reference))
        text = self.texts.get(reference.target)
        if text is None:
            raise ContextNotFound(f"There is no note {reference.target!r}.")
        if text == "secret":
            raise ContextRefused(f"The note {reference.target} is secret.")
        if reference.kind == "image":
            return Reading((Image(text.encode(), "image/png"),))
        return Reading((Context.of(f"note {reference.target}", text),), (f"Read {reference.target}.",))

    def names(self) -> Iterator[str]:
        yield from self.texts
        yield from (f"session:{name}" for name in self.texts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "load.py").write_text("def load(): ...")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("About A.")
    (tmp_path / "a,b.md").write_text("A and B.")
    (tmp_path / "my notes.md").write_text("Mine.")
    (tmp_path / ".env").write_text("TOKEN=1")
    return tmp_path


@pytest.fixture
def gatherer(folder: Path) -> Iterator[Gatherer]:
    namespace = {"df": pd.DataFrame({"price": [1.0, -2.0]}), "dfs": [1, 2], "error": 5, "数据": np.arange(3)}
    with typed() as notebook:
        notebook.run("x = 1", "x + 1", "print(x)")
        yield Gatherer(
            [
                CellsSource(notebook.recorder, lambda: None),
                VariablesSource(namespace),
                FilesSource(folder, lambda _: False),
            ]
        )


def labels(reading: Reading) -> list[str]:
    return [part.label for part in reading.parts if isinstance(part, Context)]


def test_explicit_references_come_before_mentions_each_in_their_order(gatherer: Gatherer) -> None:
    reading = gatherer.gather(["cells:1-2", "./docs,df"], "Does @src/load.py do what @数据的均值 needs?")

    assert labels(reading) == [
        "cell 1",
        "cell 2",
        "file docs/a.md",
        "variable df",
        "file src/load.py",
        "variable 数据",
    ]


def test_what_is_named_twice_is_there_once(gatherer: Gatherer) -> None:
    reading = gatherer.gather(["cells:2-3", "cell:3", "df"], "@cell:2, @var:df, @df: why is @df.price negative?")

    assert labels(reading) == ["cell 2", "cell 3", "variable df", "variable df.price"]


def test_one_reference_is_read_once() -> None:
    notes = Notes(a="A")

    reading = Gatherer([notes]).gather(["a", "a,session:a", "a"], "@a and @a or @session:a")

    assert notes.readings == ["a", "session:a"]
    assert (labels(reading), reading.notes) == (["note a"], ("Read a.",))


def test_what_is_pinned_is_read_first_and_once_and_told_where_it_is_not_there() -> None:
    notes = Notes(plan="Ship.", key="secret")

    reading = Gatherer([notes]).gather(["session:plan"], "See @plan.", pins=["session:plan", "session:key", "old plan"])

    assert labels(reading) == ["note plan"]
    assert notes.readings.count("session:plan") == 1
    _, refused, missing = reading.notes
    assert refused.startswith("session:key is pinned, but cannot be read: The note key is secret.")
    assert missing.startswith("old plan is pinned, but cannot be read: Nothing is called 'old plan'. Near: plan.")
    assert missing.endswith("(`%chat unpin 'old plan'` ends this.)")


def test_different_things_without_a_reference_of_their_own_all_stay() -> None:
    notes = Notes(a="A", b="B")

    reading = Gatherer([notes]).gather(["image:a,image:b", "image:a"])

    assert reading.parts == (Image(b"A", "image/png"), Image(b"B", "image/png"))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("@df.price.", "variable df.price"),
        ("the mean of (@df) is", "variable df"),
        ("**@df**", "variable df"),
        ("@df.nope()", "variable df"),
        ("@df's mean", "variable df"),
        ("看@数据。", "variable 数据"),
        ("See @src/load.py.", "file src/load.py"),
        ('See @file:"my notes.md".', "file my notes.md"),
        ("@cell:3: why?", "cell 3"),
        ("@cells:-1:?", "cell 3"),
        ("@var:error", "variable error"),
    ],
)
def test_a_mention_names_the_longest_thing_that_there_is(gatherer: Gatherer, text: str, label: str) -> None:
    assert labels(gatherer.gather([], text)) == [label]


@pytest.mark.parametrize(
    "text",
    ["me@example.org", "@todo", "@docs/nope.md", "@df/x", "`@df`", "@df\ndef f(): ...", "@cel:3", "@" + "长" * 300],
)
def test_a_mention_that_names_nothing_is_text(gatherer: Gatherer, text: str) -> None:
    assert gatherer.gather([], text) == Reading()


def test_a_mention_with_a_kind_that_names_nothing_leaves_a_note(gatherer: Gatherer) -> None:
    reading = gatherer.gather([], "See @file:src/laod.py。And @cell:99!")

    missing_file, missing_cell = reading.notes
    assert missing_file.startswith("@file:src/laod.py names nothing, so nothing was sent for it. ")
    assert missing_file.endswith("Near: file:src/load.py.")
    assert missing_cell.startswith("@cell:99 names nothing, so nothing was sent for it. There is no cell '99'.")
    assert reading.parts == ()


def test_what_may_not_be_read_is_refused_explicit_or_mentioned(gatherer: Gatherer) -> None:
    with pytest.raises(ContextRefused):
        gatherer.gather(["df", "file:.env"])
    with pytest.raises(ContextRefused):
        gatherer.gather([], "What is in @.env?")


def test_a_refusal_is_not_passed_over_for_another_source() -> None:
    first, second = Notes(a="secret"), Notes(a="A")

    with pytest.raises(ContextRefused, match="secret"):
        Gatherer([first, second]).read("a")
    assert second.readings == []


def test_a_bare_name_belongs_to_the_first_source_that_knows_it() -> None:
    reading = Gatherer([Notes(a="first"), Notes(a="second", b="third")]).gather(["a", "b"])

    assert [part.text for part in reading.parts if isinstance(part, Context)] == ["first", "third"]


def test_a_kind_wins_over_a_variable_of_that_name(gatherer: Gatherer) -> None:
    with pytest.raises(ContextNotFound, match="error"):
        gatherer.read("error")

    assert labels(gatherer.read("var:error")) == ["variable error"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("dff", "Nothing is called 'dff'. Near: df, dfs."),
        ("df.pirce", "Nothing is called 'df.pirce'. Near: df.price."),
        ("zzz", "Nothing is called 'zzz'. Run the cell that defines it, or name a file as file:PATH."),
        ("laod.py", "Nothing is called 'laod.py'. Near: file:src/load.py."),
        ("var:DFS", "There is no variable 'DFS'. Near: dfs, df."),
        ("cel:3", "Nothing is called 'cel:3', and 'cel' is no kind of reference. Did you mean cell:3?"),
        ("File:a.md", "Nothing is called 'File:a.md', and 'File' is no kind of reference. Did you mean file:a.md?"),
        (
            "file:",
            "file: lacks what it names. A file, or several by a pattern: `file:src/load.py`, `file:src/**/*.py`.",
        ),
        ("url:x", "Nothing here can read url:x."),
    ],
)
def test_what_is_not_there_is_told_with_what_comes_near(gatherer: Gatherer, reference: str, message: str) -> None:
    with pytest.raises(ContextNotFound) as raised:
        gatherer.gather([reference])

    assert str(raised.value) == message


@pytest.mark.parametrize("reference", ["", " , ", "zzz:3"])
def test_who_gives_no_kind_that_there_is_hears_of_them_all(gatherer: Gatherer, reference: str) -> None:
    with pytest.raises(ContextNotFound, match="cells, cell, out, error, notebook"):
        gatherer.gather([reference])


def test_a_number_has_no_near_names(gatherer: Gatherer) -> None:
    with pytest.raises(ContextNotFound) as raised:
        gatherer.read("cell:33")

    assert "Near" not in str(raised.value)


def test_a_name_may_hold_commas_where_its_pieces_name_nothing(gatherer: Gatherer) -> None:
    for reference in ("file:a,b.md", './docs,"file:a,b.md"', 'file:"a,b.md"'):
        assert labels(gatherer.gather([reference]))[-1] == "file a,b.md"
    assert labels(gatherer.read("file:a,b.md")) == ["file a,b.md"]


def test_a_list_in_which_one_thing_is_missing_says_which(gatherer: Gatherer) -> None:
    with pytest.raises(ContextNotFound, match=r"^Nothing is called 'dff'\."):
        gatherer.gather(["df,dff,./docs"])


def test_each_part_is_read_again_by_its_reference(gatherer: Gatherer) -> None:
    reading = gatherer.gather(["cells:all", "df", "dir:docs", "file:a,b.md"])

    for part in reading.parts:
        assert isinstance(part, Context)
        assert gatherer.read(part.ref).parts == (part,)


def test_names_are_completed_with_kinds_behind_them(gatherer: Gatherer) -> None:
    assert set(gatherer.names("df")) == {"df", "dfs", "df.price"}
    assert set(gatherer.names("var:d")) == {"var:df", "var:dfs", "var:df.price"}
    assert gatherer.names("file:src/") == ("file:src/load.py",)
    assert "file:" in gatherer.names("fi")
    assert "cells" in gatherer.names("cel")
    assert gatherer.names("url") == ()
    assert len(gatherer.names("", limit=3)) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*"@\x00\\/:.~[]'\ud800 的", "@df", "@cell:", "@./", "@~", "a" * 300])).map("".join))
def test_no_question_is_refused_for_a_mention_of_what_is_not_there(gatherer: Gatherer, text: str) -> None:
    reading = gatherer.gather([], text)

    assert set(labels(reading)) <= {"variable df"}
