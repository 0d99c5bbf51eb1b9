"""Going back, asking anew, forking, putting sessions aside: through a real kernel, and what the model then reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"tiny": [Answer(text="Yes.")]}) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
    with running_kernel(tmp_path_factory.mktemp("life"), env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


@pytest.fixture
def kernel(shared: Kernel) -> Kernel:
    shared.run("%chat new\n%ask One?\n%ask Two?\n%ask Three?")
    return shared


def asked(server: FaultServer) -> list[str]:
    """Return the questions that the model read last."""
    return [message["content"] for message in server.chats[-1].messages if message["role"] == "user"]


def shown(kernel: Kernel, code: str) -> str:
    run = kernel.run(code)
    assert run.status == "ok", run.error
    text: str = run.outputs[-1]["data"]["text/plain"]
    return text


def test_again_leaves_the_earlier_answer_on_a_branch_of_its_own(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%chat again")
    again = asked(server)
    kernel.run("%ask Four?")

    assert again == ["One?", "Two?", "Three?"]
    assert asked(server) == ["One?", "Two?", "Three?", "Four?"]
    assert [line.split()[-1] for line in shown(kernel, "%chat branches").splitlines()[-2:]] == ["Three?", "Four?"]


def test_again_and_refresh_ask_with_the_options_that_the_question_had(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5\n%ask -o seed=7 --system Briefly. --no-history -t files --into said Is @rate high?")
    first = server.chats[-1].body
    kernel.run("said = 'nothing'\n%chat again")
    again = server.chats[-1].body
    said = kernel.value("said")
    kernel.run("rate = 6\n%chat refresh")
    fresh = server.chats[-1].body

    assert (again["options"], again["tools"], again["messages"]) == (
        first["options"],
        first["tools"],
        first["messages"],
    )
    assert again["options"]["seed"] == 7
    assert said == "Yes."
    assert (fresh["options"], fresh["tools"]) == (first["options"], first["tools"])
    assert fresh["messages"][0] == {"role": "system", "content": again["messages"][0]["content"]}
    assert "6" in fresh["messages"][-1]["content"]


def test_a_refreshed_answer_takes_the_place_of_the_stale_one(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5\n%ask Is @rate high?\n%ask Then why?")
    kernel.run("rate = 6")

    told = kernel.run("%chat refresh").text
    refreshed = asked(server)
    kernel.run("%chat branch 1\n%chat refresh --below")
    below = asked(server)

    assert "1. They stay on branch 1" in told
    assert refreshed[:3] == ["One?", "Two?", "Three?"]
    assert len(refreshed) == 4
    assert below[:3] == refreshed[:3]
    assert [question.splitlines()[-1] for question in below[3:]] == ["Is @rate high?", "Then why?"]


def test_an_edited_question_is_asked_from_where_it_stood(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5\n%ask -o seed=7 -c rate --system 'Be {brief}.' Four?")
    plain, own = kernel.run("%chat edit 3").next_input, kernel.run("%chat edit 7").next_input
    assert plain is not None
    assert own is not None
    kernel.run(own.replace("Four?", "Four and a half?"))
    again = server.chats[-1].body
    kernel.run(plain.replace("Two?", "Two and a half?"))

    assert own == "%%chat --instead 7 --context rate --option seed=7 --system 'Be {brief}.'\nFour?"
    assert again["options"]["seed"] == 7
    assert again["messages"][0]["content"].startswith("Be {brief}.")
    assert "rate" in again["messages"][-1]["content"]
    assert plain == "%%chat --instead 3\nTwo?"
    assert asked(server) == ["One?", "Two and a half?"]


def test_what_was_gone_back_by_is_not_read_and_can_be_gone_on_in(kernel: Kernel, server: FaultServer) -> None:
    told = kernel.run("%chat undo 2")
    kernel.run("%ask Instead?")
    back = asked(server)
    kernel.run("%chat branch 1")
    kernel.run("%ask Four?")

    assert told.text == "The next question is asked in place of: Two?"
    assert back == ["One?", "Instead?"]
    assert asked(server) == ["One?", "Two?", "Three?", "Four?"]


def test_a_fork_begins_with_what_was_said_and_leaves_the_original_alone(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%chat fork 2 Elsewhere")
    kernel.run("%ask Other?")

    assert asked(server) == ["One?", "Other?"]
    assert "Elsewhere" in shown(kernel, "%chat sessions")


def test_a_session_is_renamed_tagged_archived_and_restored(kernel: Kernel) -> None:
    kernel.run("%chat rename Thesis notes\n%chat tag thesis")
    tagged = shown(kernel, "%chat sessions --tag thesis")
    kernel.run("%chat archive Thesis notes")
    listed, archived = shown(kernel, "%chat sessions"), shown(kernel, "%chat sessions --archived")
    kernel.run("%chat restore Thesis notes")

    assert "Thesis notes" in tagged
    assert "Thesis notes" not in listed
    assert "Thesis notes" in archived
    assert "Thesis notes" in shown(kernel, "%chat sessions")
    kernel.run("%chat untag thesis")


def test_what_another_kernel_changed_in_a_session_stays(kernel: Kernel) -> None:
    kernel.run("x = y = z = 1\n%chat rename Shared\n%chat tag one\n%chat pin x")
    kernel.run(
        "import chatnb\nother = chatnb.Chat(session='Shared')\n"
        "other.sessions.update(tags=('one', 'two'), pins=('x', 'y'))\nother.close()"
    )

    tags, pins = shown(kernel, "%chat tag three"), shown(kernel, "%chat pin z")

    assert tags.split()[-3:] == ["one", "two", "three"]
    assert pins.split()[-3:] == ["x", "y", "z"]
    kernel.run("%chat rename Done")


def test_a_session_is_deleted_after_a_yes_into_the_trash_and_from_there_for_good(kernel: Kernel) -> None:
    kernel.run("%chat rename Secret plans")

    refused = kernel.run("%chat delete", headless=True)
    kernel.run("%chat delete", answers=["y"])
    trash = shown(kernel, "%chat sessions --trash")
    kernel.run("%chat delete --forever --yes Secret plans")

    assert refused.error is not None
    assert "--yes where nobody is there" in refused.error.value
    assert "Secret plans" in trash
    assert "Secret plans" not in shown(kernel, "%chat sessions")
    assert kernel.run("%chat restore Secret plans").status == "error"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("branch 9", "There is no branch 9"),
        ("edit 2", "Message 2 is no question"),
        ("fork 99", "There is no message 99"),
        ("undo 7", "There are 3 questions"),
        ("untag nothing", "nothing is no tag"),
        ("rename", "What is it to be called"),
        ("restore nothing", "No chat session is called"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(kernel: Kernel, command: str, why: str) -> None:
    run = kernel.run(f"%chat {command}")

    assert run.error is not None
    assert why in run.error.value


def test_run_all_costs_nothing_the_second_time_where_earlier_answers_will_do(
    kernel: Kernel, server: FaultServer
) -> None:
    cells = ["rate = 5", "%%chat --cache -c rate\nIs it high?", "%%chat --cache\nWhy?"]
    for code in cells:
        kernel.run(code)
    asked_before = len(server.chats)

    again = [kernel.run(code) for code in cells]
    kernel.run("rate = 6")
    kernel.run(cells[1])

    assert "Yes." in again[2].text
    assert "--cache" in again[2].text
    assert len(server.chats) == asked_before + 1
