"""read_json finds what a plain reading in memory would find, and gives up nowhere without saying so."""

import io
import json
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.tools import json_events
from chatnb.tools.files import files_tools
from chatnb.tools.json_filter import as_step, parse
from chatnb.tools.json_reader import read

CHATS = {
    "version": 1,
    "conversations": [
        {"id": 0, "messages": [{"content": "Hello"}, {"content": "Hi"}]},
        {"id": 1, "messages": [{"content": "Bye", "odd key": None}]},
    ],
}


def found(data: bytes | str | Any, filter_text: str = "", name: str = "a.json", **options: Any) -> str:
    if not isinstance(data, bytes):
        data = (data if isinstance(data, str) else json.dumps(data)).encode()
    return read(io.BytesIO(data), name, filter_text, **options)


def test_each_value_that_fits_is_given_with_the_filter_that_finds_it_alone() -> None:
    text = found(CHATS, "conversations[*].messages[*].content")

    assert text.splitlines() == [
        'conversations[0].messages[0].content: "Hello"',
        'conversations[0].messages[1].content: "Hi"',
        'conversations[1].messages[0].content: "Bye"',
    ]


@pytest.mark.parametrize(
    ("filter_text", "line"),
    [
        ("version", "version: 1"),
        ("conversations[1].id", "conversations[1].id: 1"),
        ("conversations[1:].id", "conversations[1].id: 1"),
        ("conversations[:1].id", "conversations[0].id: 0"),
        ('conversations[1]["messages"][0]["odd key"]', 'conversations[1].messages[0]["odd key"]: null'),
        ("conversations[1].messages[0]['odd key']", 'conversations[1].messages[0]["odd key"]: null'),
        ("conversations[1].messages[0].odd key", 'conversations[1].messages[0]["odd key"]: null'),
        ("$.version", "version: 1"),
        (".version", "version: 1"),
        (".conversations[].id", "conversations[0].id: 0\nconversations[1].id: 1"),
        (
            "conversations[0].*",
            'conversations[0].id: 0\nconversations[0].messages: [{"content": "Hello"}, {"content": "Hi"}]',
        ),
        ("conversations[0].messages[1]", 'conversations[0].messages[1]: {"content": "Hi"}'),
        ("nothing", "Nothing fits. Without a filter the structure is shown."),
        ("version.id", "Nothing fits. Without a filter the structure is shown."),
        ("conversations.id", "Nothing fits. Without a filter the structure is shown."),
        ("[0]", "Nothing fits. Without a filter the structure is shown."),
    ],
)
def test_a_filter_names_a_part(filter_text: str, line: str) -> None:
    assert found(CHATS, filter_text) == line


def test_the_whole_is_a_part() -> None:
    assert found([1, {"a": [], "b": {}}], "$") == '$: [1, {"a": [], "b": {}}]'


@pytest.mark.parametrize(
    "filter_text", ["a..b", "a[", "a[x]", "a[-1]", "a[1:2:3]", "a]", '["a"b', "a[*]b", "..", "a.", "[*]" * 101]
)
def test_what_is_no_filter_is_told_with_what_would_be_one(filter_text: str) -> None:
    with pytest.raises(ValueError, match=r"is not understood from .* Write such as a\.b"):
        found(CHATS, filter_text)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "item", "a.b", "odd key", "", "é"]), inner, max_size=4)
    ),
    max_leaves=30,
)
STEPS = st.lists(
    st.sampled_from(["a", "b", "item", "a.b", "odd key", "", "é"])
    | st.tuples(st.integers(0, 3), st.integers(0, 5)).map(lambda pair: range(*pair))
    | st.integers(0, 3).map(lambda at: range(at, at + 1))
    | st.none(),
    max_size=4,
)


def plainly(value: Any, steps: list[Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Return what fits, the simplest way."""
    if not steps:
        yield path.removeprefix(".") or "$", value
    elif isinstance(value, dict) and not isinstance(steps[0], range):
        for key in value:
            if steps[0] in (None, key):
                yield from plainly(value[key], steps[1:], path + as_step(key))
    elif isinstance(value, list) and not isinstance(steps[0], str):
        for at, item in enumerate(value):
            if steps[0] is None or at in steps[0]:
                yield from plainly(item, steps[1:], f"{path}[{at}]")


def as_text(steps: list[Any]) -> str:
    written = {None: "[*]"}
    return "$" + "".join(
        f"[{step.start}:{step.stop}]" if isinstance(step, range) else written.get(step) or as_step(step)
        for step in steps
    )


@given(JSON, STEPS)
def test_a_filter_finds_what_a_plain_reading_finds(value: Any, steps: list[Any]) -> None:
    lines = found(json.dumps(value, indent=1), as_text(steps), room=100_000, most=1_000).split("\n")

    expected = [f"{path}: {json.dumps(each, ensure_ascii=False)}" for path, each in plainly(value, steps)]
    assert lines == (expected or ["Nothing fits. Without a filter the structure is shown."])


@given(st.lists(JSON, min_size=1), STEPS, st.sampled_from(["a.jsonl", "a.json"]))
def test_json_lines_are_a_list(values: list[Any], steps: list[Any], name: str) -> None:
    values = [*values, *values]  # a single line is no JSON Lines, unless the name says so
    lines = found("\n".join(map(json.dumps, values)), as_text(steps), name, room=100_000, most=1_000).split("\n")

    wanted = [None, *steps] if not steps or isinstance(steps[0], str) else steps
    expected = [f"{path}: {json.dumps(each, ensure_ascii=False)}" for path, each in plainly(values, wanted)]
    assert lines == (expected or ["Nothing fits. Without a filter the structure is shown."])


@given(STEPS)
def test_a_filter_that_is_written_is_read_as_what_it_was(steps: list[Any]) -> None:
    assert list(parse(as_text(steps))) == steps


def test_values_one_after_the_other_in_one_line_are_a_list_as_well() -> None:
    assert found('{"a": 1} {"a": 2}', "[*].a") == "[0].a: 1\n[1].a: 2"


def test_many_entries_are_read_page_by_page() -> None:
    numbers = list(range(100))

    first = found(numbers, "[*]", most=2)
    second = found(numbers, "[*]", most=2, first=3)
    last = found(numbers, "[*]", most=2, first=99)
    beyond = found(numbers, "[*]", most=2, first=101)

    assert first == "[0]: 0\n[1]: 1\n[there are more: read_json with first_entry=3]"
    assert second == "[2]: 2\n[3]: 3\n[there are more: read_json with first_entry=5]"
    assert last == "[98]: 98\n[99]: 99"
    assert beyond == "100 values fit, so there is no entry 101."


def test_a_page_ends_where_there_is_no_more_room() -> None:
    text = found(["x" * 100] * 100, "[*]", room=1_000)

    assert len(text) < 1_200
    assert text.endswith("[there are more: read_json with first_entry=11]")


def test_a_large_value_is_cut_and_says_so() -> None:
    numbers = found({"a": list(range(10_000))}, "a", room=100)
    text = found({"a": "x" * 10_000}, "a", room=100)

    assert numbers.startswith("a: [0, 1, 2")
    assert numbers.endswith("[... and more; name what is within it]")
    assert text == 'a: "' + "x" * 100 + '" [... of 10,000 characters]'


def test_without_a_filter_the_structure_is_shown_with_filters_that_find_each_part() -> None:
    text = found(CHATS)

    assert text.splitlines() == [
        f"a.json: {len(json.dumps(CHATS))} bytes of JSON: object of 2 keys",
        "version: number, such as 1",
        "conversations: list of 2 items",
        "conversations[*]: object of 2 keys",
        "conversations[*].id: number, such as 0",
        "conversations[*].messages: list of 1 to 2 items",
        "conversations[*].messages[*]: object of 1 to 2 keys",
        'conversations[*].messages[*].content: text, such as "Hello"',
        'conversations[*].messages[*]["odd key"]: null (in 1 of 3)',
    ]
    for line in text.splitlines()[1:]:
        assert not found(CHATS, line.partition(": ")[0]).startswith("Nothing")


def test_the_structure_of_json_lines_counts_all_of_them() -> None:
    text = found("\n".join('{"a": 1}' for _ in range(5_000)), name="a.jsonl")

    assert text.splitlines() == [
        "a.jsonl: 44,999 bytes of JSON Lines, 5,000 lines",
        "[*]: object of 1 key",
        "[*].a: number, such as 1",
    ]


def test_objects_whose_keys_are_data_are_told_by_some_of_them() -> None:
    text = found({f"id {number}": {"name": "x"} for number in range(10_000)})

    assert text.splitlines()[0].endswith("JSON: object of 10,000 keys")
    assert text.splitlines()[-1] == "$: ... and other keys; [*] stands for any of them"
    assert len(text) < 1_000


def test_the_structure_of_a_file_whose_keys_are_all_different_is_bounded() -> None:
    value = {f"{a}": {f"{b}": {f"{c}": c for c in range(40)} for b in range(40)} for a in range(40)}

    text = found(value)

    assert len(text) < 7_200
    assert text.endswith("[... and more places]")


def test_what_stands_before_the_damage_is_read_and_the_place_is_told() -> None:
    text = found(b'{"a": 1,\n "b": 2,\n "c": oops}', "$.*")

    assert text.splitlines()[:2] == ["a: 1", "b: 2"]
    assert text.splitlines()[2].startswith("[a.json was read up to there. It is no JSON from byte 24 on, in line 3: ")


def test_damage_far_inside_is_found_at_its_line() -> None:
    lines = ['{"a": "some text"}'] * 100_000
    lines[70_000] = '{"a": some text}'

    text = found("\n".join(lines), "a", "a.jsonl", first=69_999)

    assert text.startswith('[69998].a: "some text"\n[69999].a: "some text"\n[a.jsonl was read up to there.')
    assert "in line 70,001" in text


def test_a_file_that_ends_too_early_is_read_as_far_as_it_goes() -> None:
    text = found(json.dumps(CHATS)[:-60], "conversations[*].messages[*].content")
    structure = found(json.dumps(CHATS)[:-60])

    assert 'conversations[0].messages[1].content: "Hi"' in text
    assert "it ends too early" in text
    assert "conversations[*].messages: list of" in structure
    assert "it ends too early" in structure


@pytest.mark.parametrize("data", [b"", b"  \n", b"hello world", b"a: 1", b"\x89PNG\r\n\x1a\n\0\0"])
@pytest.mark.parametrize("filter_text", ["", "a"])
def test_what_is_no_json_at_all_is_told(data: bytes, filter_text: str) -> None:
    with pytest.raises(ValueError, match="It is no JSON from byte"):
        found(data, filter_text)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_python_writes_and_json_has_not_is_named(word: str) -> None:
    text = found(f'{{"a": 1, "b": {word}}}', "$.*")

    assert text.startswith("a: 1\n[a.json was read up to there.")
    assert "NaN and Infinity are none in JSON" in text


def test_numbers_are_what_they_are_in_the_file() -> None:
    numbers = "[12345678901234567890123, 0.1000, 1E+400, -1E-400, 0.30000000000000000000000001]"

    assert found(numbers, "$") == f"$: {numbers}"


def test_a_number_of_too_many_digits_is_told() -> None:
    integer = found("[1, " + "9" * 4_301 + "]", "[*]")
    exponent = found("[1, 1e" + "9" * 30 + "]", "[*]")

    assert integer == (
        "[0]: 1\n[a.json was read up to there. More than 4,300 digits in a row, from about byte 4 on, are not read.]"
    )
    assert "[0]: 1\n[a.json was read up to there." in exponent
    assert "a number is larger than any that is read" in exponent


@given(st.integers(0, 200_000), st.integers(4_290, 4_310), st.sampled_from(["", "-"]))
def test_so_many_digits_that_the_parser_would_crash_are_never_given_to_it(before: int, digits: int, sign: str) -> None:
    text = found("[1, " + " " * before + sign + "9" * digits + ", 1]", "[*]", room=100_000)

    assert text.endswith("[2]: 1") == (digits <= 4_300)
    assert text.startswith("[0]: 1\n")


def test_a_lower_limit_of_digits_holds_as_well() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        text = found("[1, " + "9" * 641 + "]", "[*]")
    finally:
        sys.set_int_max_str_digits(limit)

    assert "More than 640 digits in a row" in text


def test_both_values_of_a_key_that_is_there_twice_are_shown() -> None:
    assert found('[{"a": 1, "a": 2}]', "[*]") == '[0]: {"a": 1, "a": 2}'
    assert found('[{"a": 1, "a": 2}]', "[*].a") == "[0].a: 1\n[0].a: 2"


@pytest.mark.parametrize("filter_text", ["", "$", "[*]", "[*]" * 50])
def test_100_000_brackets_are_no_burden(filter_text: str) -> None:
    whole = found("[" * 100_000 + "]" * 100_000, filter_text)
    open_ones = found("[" * 100_000, filter_text)

    assert len(whole) < 8_000
    assert "it ends too early" in open_ones


@pytest.mark.parametrize("end", ["\\ud800", "\\udc00x"])
def test_half_a_character_does_no_harm(end: str) -> None:
    text = found(f'["a", "b{end}"]', "[*]")

    assert text.encode().startswith(b'[0]: "a"\n[')


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(encoding: str) -> None:
    assert found('{"a": "größer"}'.encode(encoding), "a") == 'a: "größer"'


class Endless(io.RawIOBase):
    """A file of one value that never ends."""

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        super().__init__()
        self._beginning = beginning
        self._piece = piece
        self._at = 0
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        begun = self._beginning[self._at : self._at + size]
        self._at += len(begun)
        data = begun or self._piece * (size // len(self._piece))
        self.given += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset
        return 10**12 if whence == os.SEEK_END else offset

    def readable(self) -> bool:
        return True


@pytest.mark.parametrize("piece", [b"x", b'\\"', b"\\\\", b"1,", b" ", "ä".encode()])
def test_a_text_without_end_does_not_fill_the_memory(piece: bytes) -> None:
    file = Endless(b'{"a": 1, "b": "', piece)

    tracemalloc.start()
    text = read(file, "a.json", "$.*")  # type: ignore[arg-type]  # all that is asked of it
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert text.startswith("a: 1\n[a.json was read up to there. The text from about byte ")
    assert file.given < 40_000_000
    assert peak_bytes < 10_000_000  # of the parser's own, which is not counted here, 16 MB at most


def test_numbers_without_a_quote_among_them_are_no_text() -> None:
    data = b"[" + b"1.5," * 5_000_000 + b"2]"

    text = found(data, "[5000000]")

    assert text == "[5000000]: 2"


def test_there_is_a_limit_in_time() -> None:
    text = read(Endless(b"[0", b", 1"), "a.json", "[0:]", first=10**12, limit_s=0.2)  # type: ignore[arg-type]

    assert "There was no time to read further than byte" in text


def test_the_tool_reads_a_file_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [1, 2]}')
    tool = next(tool for tool in files_tools(tmp_path) if tool.spec.name == "read_json")

    text = tool.function(**tool.check({"path": "a.json", "filter": "a[1]"}))

    assert text == "a[1]: 2"


def test_the_quick_way_and_the_careful_way_see_the_same() -> None:
    data = json.dumps(CHATS).encode()

    quickly = json_events.with_events(io.BytesIO(data), 10, list)
    watched = json_events._Watched(io.BytesIO(data), 10**12, is_wary=False)
    carefully = [event for events in json_events._chunks(watched) for event in list(events)]

    assert quickly == carefully
