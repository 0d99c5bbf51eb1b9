"""Bytes that are text, in any encoding, and bytes that are none."""

import codecs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatnb.context.texts import decode

PROSE = {
    "cp1252": "Où est passé le café de l'été dernier ? Voilà qui était déjà prévu.\n",
    "latin-1": "El niño comió piñas en la montaña; ¿qué pasó después?\n",
    "cp1250": "Zażółć gęślą jaźń, proszę bardzo; świerszcz.\n",
    "cp1250 ": "Příliš žluťoučký kůň úpěl ďábelské ódy.\n",
    "cp1252 ": "Temperature: 25°C ± 3µm “quoted” \u2013 dash … €5\n",
    "cp1251": "Съешь же ещё этих мягких французских булок, да выпей чаю.\n",
    "koi8_r": "Съешь же ещё этих мягких французских булок, да выпей чаю.\n",
    "cp1253": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.\n",
    "shift_jis": "これは日本語の文章です。東京は今日も晴れています。\n",
    "gb18030": "我能吞下玻璃而不傷身體。這是一個測試。\n",
    "euc_kr": "안녕하세요 저는 학생입니다. 오늘 날씨가 좋네요.\n",
}

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffd") | st.sampled_from("\n\t"), min_size=1
)


@given(texts)
def test_utf_8_comes_back(text: str) -> None:
    assume(not text.startswith("\ufeff"))

    assert decode(text.encode()) == (text, "")


@given(texts, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]))
def test_what_begins_with_a_byte_order_mark_comes_back(text: str, encoding: str) -> None:
    data = ("\ufeff" + text).encode(encoding)

    assert decode(data) == (text, "")


@given(st.binary(), st.binary())
def test_any_bytes_are_text_or_binary(head: bytes, tail: bytes) -> None:
    found = "".join(decode(head, tail) or ())

    assert set("\0\r").isdisjoint(found)
    assert found.encode().decode() == found


@given(texts, st.integers(1, 400))
def test_a_cut_leaves_out_no_more_than_the_cut_characters(text: str, at: int) -> None:
    text = (text * 400)[:400]
    data = text.encode()
    assume(not text.startswith("\ufeff"))

    head, tail = decode(data[:at], data[at:]) or ("", "")

    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(text) - len(head) - len(tail) <= 1


@given(st.integers(1, 50))
def test_a_cut_text_of_utf_16_goes_on_at_a_whole_character(at: int) -> None:
    data = ("\ufeff" + "a\U0001f600b" * 50).encode("utf-16-le")

    head, tail = decode(data[: 4 * at + 2], data[4 * at :]) or ("", "")

    assert set(head + tail) <= set("a\U0001f600b")
    assert tail.endswith("a\U0001f600b")


@pytest.mark.parametrize(("encoding", "text"), PROSE.items())
@pytest.mark.parametrize("times", [1, 500])
def test_prose_in_an_older_encoding_comes_back(encoding: str, text: str, times: int) -> None:
    assert decode((text * times).encode(encoding)) == (text * times, "")


def test_code_with_one_letter_of_an_older_encoding_comes_back() -> None:
    code = "x = 1  # größer\n" + "print(x)\n" * 10_000

    assert decode(code.encode("cp1252")) == (code, "")


def test_a_long_text_with_a_broken_byte_stays_utf_8() -> None:
    text = "Grüße aus Köln, schöne Bäume und Flüsse; übrigens hörbar.\n" * 100

    assert decode(text.encode() + b"\xff\n") == (text + "\ufffd\n", "")


def test_every_line_end_is_a_newline() -> None:
    assert decode(b"a\r\nb\rc\n") == ("a\nb\nc\n", "")


def test_colours_are_text() -> None:
    assert decode(b"\x1b[31mred\x1b[0m\n") == ("\x1b[31mred\x1b[0m\n", "")


@pytest.mark.parametrize(
    "data",
    [
        b"text\0text",
        b"\x01\x02\x03\x04",
        codecs.BOM_UTF16_BE + b"\0a\0\0",
        bytes(range(1, 256)) * 4,
        bytes((byte * 167 + byte // 7) % 255 + 1 for byte in range(5_000)),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    ],
)
def test_what_is_no_text_is_binary(data: bytes) -> None:
    assert decode(data) is None


def test_a_text_that_ends_in_binary_is_binary() -> None:
    assert decode(b"#!/bin/sh\n" * 10, bytes(range(200))) is None
