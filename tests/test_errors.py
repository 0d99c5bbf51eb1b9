"""Errors form the tree that is drawn, travel as text, and show a sentence instead of a traceback."""

import re

import pytest

from chatnb import errors
from chatnb.errors import AnswerInvalid, ChatError, ChatInterrupted, ModelBusy, ModelError, named


def family(cls: type[BaseException]) -> list[type[BaseException]]:
    return [cls, *(below for child in cls.__subclasses__() for below in family(child))]


OURS = [cls for cls in family(ChatError) if cls.__module__ == errors.__name__]


def test_the_tree_that_is_drawn_is_the_tree_that_there_is() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for indent, name in re.findall(r"^( *)\* (\w+)", errors.__doc__ or "", flags=re.MULTILINE):
        del above[len(indent) // 4 :]
        drawn[name] = above[-1] if above else ""
        above.append(name)

    real = {cls.__name__: cls.__bases__[0].__name__ for cls in OURS}

    assert drawn.pop("ChatInterrupted") == drawn.pop("ToolsGoOn") == ""
    assert drawn == real | {"ChatError": ""}


@pytest.mark.parametrize("cls", OURS)
def test_an_error_that_travels_as_two_texts_is_the_same_error(cls: type[ChatError]) -> None:
    error = named(cls.__name__, "What happened.")

    assert type(error) is cls
    assert str(error) == "What happened."


@pytest.mark.parametrize("kind", ["", "ValueError", "object", "ChatInterrupted"])
def test_a_kind_that_is_not_ours_becomes_the_general_error(kind: str) -> None:
    error = named(kind, "What happened.")

    assert type(error) is ChatError


def test_errors_are_caught_by_the_names_that_python_has_for_them() -> None:
    expected = {
        "SettingsError": ValueError,
        "AnswerInvalid": ValueError,
        "SessionNotFound": LookupError,
        "ModelNotFound": LookupError,
    }

    found = {name: issubclass(getattr(errors, name), kind) for name, kind in expected.items()}

    assert all(found.values())


def test_only_what_may_pass_is_asked_again() -> None:
    retryable = {cls.__name__ for cls in OURS if issubclass(cls, ModelError) and cls.is_retryable}

    assert retryable == {"ModelUnreachable", "ModelBusy", "ModelBroken", "ModelStalled"}


def test_a_busy_server_may_say_when_to_come_back() -> None:
    error = ModelBusy("Later.", retry_after_s=3.0)

    assert error.retry_after_s == 3.0


def test_an_answer_that_does_not_fit_comes_along() -> None:
    error = AnswerInvalid("No JSON.", "Sure! Here is")

    assert error.text == "Sure! Here is"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ModelError("Gone.\nStart it."), ["ModelError: Gone.\nStart it."]),
        (ChatInterrupted("Stopped."), ["Stopped."]),
    ],
)
def test_ipython_is_given_the_sentence_instead_of_a_traceback(
    error: ModelError | ChatInterrupted, shown: list[str]
) -> None:
    lines = error._render_traceback_()

    assert lines == shown


def test_an_interrupted_answer_stops_what_a_keyboard_interrupt_stops() -> None:
    is_kind = issubclass(ChatInterrupted, KeyboardInterrupt)

    assert is_kind
