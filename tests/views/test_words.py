"""What views say besides the answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.events import Finished, TokensCounted, ToolFinished, ToolStarted, Truncated, Waiting
from chatnb.messages import ToolCall, ToolResult, Usage
from chatnb.printing import printable
from chatnb.reply import Reply
from chatnb.views.words import call_line, footer, result_line, shortened, status_line, thought, warning
from tests.views.logs import ASKED, DONE, LOGS, said


def test_a_footer_tells_what_is_known() -> None:
    bare = Reply([replace(ASKED, num_ctx=None), *said("Hi"), TokensCounted(Usage()), Finished("done")])

    assert footer(bare) == "qwen3:8b"
    assert footer(Reply([ASKED, *said("Hi")])) == ""


def test_a_footer_counts_one_token() -> None:
    reply = Reply([ASKED, *said("Hi"), TokensCounted(Usage(prompt_tokens=9, reply_tokens=1, reply_s=0.001)), DONE])

    assert footer(reply) == "qwen3:8b · 1 token · 1000 tokens/s · 7.4 s · 10 of 4k"


def test_a_footer_counts_the_window_of_the_last_round_alone() -> None:
    call = ToolCall("1", "add", {})
    rounds = [
        ASKED,
        ToolStarted(call),
        TokensCounted(Usage(prompt_tokens=1_024, reply_tokens=512)),
        ToolFinished(ToolResult("1", "add", "3")),
        *said("Three."),
        TokensCounted(Usage(prompt_tokens=2_000, reply_tokens=48)),
        DONE,
    ]

    assert footer(Reply(rounds)).endswith("560 tokens · 7.4 s · 2k of 4k")


def test_a_footer_names_who_answered() -> None:
    assert footer(Reply(LOGS["a fallback in the answer"])).startswith("llama3 · ")


def test_a_prompt_that_the_server_did_not_read_whole_is_told_with_what_to_do() -> None:
    told = [ASKED, *said("Hi"), TokensCounted(Usage(prompt_tokens=4_000)), Truncated(5_100, 4_000)]

    assert warning(Reply(told)) == ""
    assert "it read 4,000 tokens and dropped the rest, at least 1,100" in warning(Reply([*told, DONE]))
    assert "%chat again --fit" in warning(Reply([*told, DONE]))
    assert warning(Reply([ASKED, *said("Hi"), TokensCounted(Usage(prompt_tokens=4_000)), DONE])) == ""


def test_what_one_round_did_not_read_is_told_after_the_next_ones() -> None:
    cut = TokensCounted(Usage(prompt_tokens=4_000)), Truncated(5_100, 4_000)
    called, result = ToolStarted(ToolCall("1", "add", {})), ToolFinished(ToolResult("1", "add", "3"))

    reply = Reply([ASKED, called, *cut, result, *said("Three."), TokensCounted(Usage(prompt_tokens=4_050)), DONE])

    assert "at least 1,100" in warning(reply)


def test_a_wait_without_a_reason_is_for_the_model() -> None:
    assert status_line(Waiting("", 2.4)) == "waiting for the model, 2 s"


def test_one_word_is_one_word() -> None:
    assert thought("Hm.") == "Thoughts (1 word)"


def test_a_long_call_is_shortened() -> None:
    line = call_line(ToolCall("1", "write", {"text": "word " * 1_000}))

    assert len(line) == 120
    assert line.endswith("…")


def test_a_failed_call_says_so() -> None:
    assert result_line(ToolResult("1", "f", "no such file", is_error=True), has_figures=False) == "failed: no such file"
    assert result_line(ToolResult("1", "f", ""), has_figures=False) == "nothing"


@pytest.mark.parametrize("limit", [10, 80])
def test_what_is_shortened_is_one_line_within_the_limit(limit: int) -> None:
    line = shortened("a\nbc \t d" * 100, limit)

    assert len(line) <= limit
    assert "\n" not in line


@given(st.text(st.sampled_from("ab\x1b[]0;m\x07\\\n\r\x9b\x9d P")), st.integers(0, 40))
def test_what_is_printed_of_a_beginning_begins_what_is_printed_of_the_whole(text: str, length: int) -> None:
    assert printable(text).startswith(printable(text[:length]))


@given(st.text())
def test_nothing_printable_is_a_command_to_a_terminal(text: str) -> None:
    assert not set(printable(text)) & (set(map(chr, range(32))) - {"\n", "\t"} | {"\x7f", "\x9b"})
