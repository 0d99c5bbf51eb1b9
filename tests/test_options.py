"""The grammar of options."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from chatnb.errors import SettingsError
from chatnb.grammar import HelpAsked, Parser, flags_of, parse_line, parse_question
from chatnb.options import Options
from chatnb.settings import Settings


def test_no_options_leave_the_settings_as_they_are() -> None:
    settings = Settings(model="a", options={"seed": 1}, think=True, keep_alive="5m", history=7)

    assert parse_question("").over(settings) == settings


def test_every_option_goes_over_its_setting() -> None:
    line = (
        """-m "one, two" --system "Be brief." -o temperature=0.5 -o 'stop=["END"]' --no-think --keep-alive 10m """
        "--timeout 5 --no-history --no-save"
    )

    settings = parse_question(line).over(Settings(options={"seed": 1, "temperature": 1}))

    assert settings.models == ("one", "two")
    assert settings.system == "Be brief."
    assert settings.options == {"seed": 1, "temperature": 0.5, "stop": ["END"]}
    assert settings.think is False
    assert settings.keep_alive == "10m"
    assert settings.timeout_s == 5
    assert settings.history == 0
    assert settings.save is False


def test_what_becomes_of_the_answer_stands_in_the_options() -> None:
    options = parse_question("-s work --schema Person --into person --code --think")

    assert options == Options(session="work", schema="Person", into="person", code=True, think=True)


def test_a_text_among_the_options_is_an_error_that_says_where_they_are_listed() -> None:
    with pytest.raises(SettingsError, match=r"Unrecognized arguments: why\. `%%chat -h` shows what can stand there\."):
        parse_question("-m tiny why")


@pytest.mark.parametrize("line", ["-o temperature", "-o =1", "--timeout soon", "--timeout 0", "--timeout nan"])
def test_a_value_that_cannot_be_is_an_error(line: str) -> None:
    with pytest.raises(SettingsError, match=r"KEY=VALUE|seconds above 0"):
        parse_question(line)


def test_an_option_is_not_guessed_from_its_beginning() -> None:
    with pytest.raises(SettingsError, match="--tem"):
        parse_question("--tem 1")


def test_help_is_asked_for_rather_than_printed() -> None:
    with pytest.raises(HelpAsked, match="--keep-alive TIME"):
        parse_question("-h")


@pytest.mark.parametrize(
    "text",
    [
        "what's {this} -- and 'that?",
        "why is --think slow in $HOME?",
        'she said "no\\n" and left  two spaces',
        "f'{x!r:>{width}}'",
    ],
)
def test_the_text_of_a_line_is_taken_as_it_is(text: str) -> None:
    options, asked = parse_line(f"-m tiny --think -o seed=1 {text}")

    assert asked == text
    assert options == Options(model="tiny", think=True, option=(("seed", 1),))


def test_two_dashes_end_the_options_of_a_line() -> None:
    options, asked = parse_line("-m tiny -- -1 or 1?")

    assert (options.model, asked) == ("tiny", "-1 or 1?")


def test_a_quote_that_stays_open_among_the_options_is_an_error() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        parse_question("-m 'tiny")


def test_a_question_keeps_what_it_needs_to_be_asked_again() -> None:
    line = (
        """-m one -t files -t add --system "Be brief." -o seed=1 -o 'stop=["END"]' --no-think --keep-alive 10m --ext md """
        "--timeout 5 --no-history --no-save --schema Person --trial -c df -c cells:-3:"
    )

    kept = json.loads(json.dumps(parse_question(line).chosen))

    assert Options.of(kept) == parse_question(line)
    assert parse_question(flags_of(kept)) == parse_question(line)
    assert parse_question("-s Plans --dry-run --into ada --code").chosen == {}


def test_what_a_question_kept_is_typed_in_a_line_whatever_it_says() -> None:
    chosen = {"model": "-x", "system": "Be\nbrief.", "option": {"-k": True, "stop": ["a\n", "$b"]}, "keep_alive": "-1"}

    typed = flags_of(chosen)

    assert "\n" not in typed
    assert parse_question(typed) == Options.of({**chosen, "system": ""})


@pytest.mark.parametrize("prog", ["%chat export", "chatnb export"])
def test_words_may_stand_on_both_sides_of_flags(prog: str) -> None:
    parser = Parser(prog=prog)
    parser.add_argument("file")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--format")

    parsed, rest = parser.parse_mixed(["-", "--format", "md", "Work", "--unheard"])

    assert (parsed.file, parsed.format, parsed.names, rest) == ("-", "md", ["Work"], ["--unheard"])
    assert parser.parse_mixed(["--format", "md", "--", "-", "--work"])[0].names == ["--work"]
    with pytest.raises(HelpAsked, match=f"^usage: {prog} "):
        parser.parse_mixed(["-h"])


def test_at_the_prompt_of_a_console_nothing_is_offered_that_needs_a_notebook() -> None:
    with pytest.raises(HelpAsked) as asked:
        parse_line("-h", "/ask", knows_variables=False)

    assert not [
        name for name in ("--schema", "--into", "--over", "--code", "--trial", "--key") if name in str(asked.value)
    ]
    assert "--instead" in str(asked.value)


@pytest.mark.parametrize("told", [None, 7, "x", [1], {"a": 1}])
def test_what_is_no_option_in_a_question_of_others_is_left_out(told: object) -> None:
    names = [field.name for field in fields(Options)]

    options = Options.of(dict.fromkeys([*names, "unheard_of"], told))

    assert options.session == ""
    assert options.over(Settings()).retry == Settings().retry
    assert Options.of(json.loads(json.dumps(options.chosen))) == options
