"""Every option of `%%chat`, through a real kernel: what the server is sent and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel
from tests.kernel.run import Run

pytestmark = pytest.mark.kernel

CODE = "First this:\n\n```python\nx = 21\n```\n\nThen this:\n\n```python\nprint(x * 2)\n```\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("options")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultServer]:
    with FaultServer({"tiny": [Answer(text="It is 42.")], "other": [Answer(text="From the other.")]}) as server:
        yield server


@pytest.fixture(scope="module")
def shared(home: Path, shared_server: FaultServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": shared_server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
    with running_kernel(home, env) as kernel:
        yield kernel


@pytest.fixture
def server(shared_server: FaultServer) -> FaultServer:
    shared_server.exchanges.clear()
    return shared_server


@pytest.fixture
def kernel(shared: Kernel) -> Iterator[Kernel]:
    """Give a kernel in which nothing was asked: the one of all these tests, since starting one takes a second."""
    assert shared.run("%load_ext chatnb\n%chat new").status == "ok"
    yield shared
    shared.run("%unload_ext chatnb")


def asked(server: FaultServer, n: int = -1) -> dict[str, Any]:
    return server.chats[n].body


def answer(run: Run) -> str:
    assert run.status == "ok", run.error
    (output,) = run.outputs
    text: str = output["data"]["text/markdown"]
    return text


def test_a_question_is_sent_exactly_as_it_was_typed(kernel: Kernel, server: FaultServer) -> None:
    question = "What is {x!r:>{width}} in $HOME,\n  and  {undefined}?  \\n %s"

    run = kernel.run(f"%%chat\n{question}")

    assert "It is 42." in answer(run)
    assert asked(server)["messages"] == [{"role": "user", "content": question}]


def test_m_names_the_model(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat -m other\nWho?")

    assert "From the other." in answer(run)
    assert asked(server)["model"] == "other"


def test_m_with_a_list_falls_back_and_says_so(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat --model missing,other\nWho?")

    assert "From the other." in answer(run)
    assert "missing" in answer(run)
    assert [chat.body["model"] for chat in server.chats] == ["missing", "other"]


def test_s_asks_in_a_session_of_that_name_and_leaves_the_current_one(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat\nHere.")
    kernel.run("%%chat -s Aside\nThere.")
    kernel.run("%%chat --session Aside\nThere again.")
    kernel.run("%%chat\nBack.")

    questions = [[m["content"] for m in chat.messages if m["role"] == "user"] for chat in server.chats]
    assert questions == [["Here."], ["There."], ["There.", "There again."], ["Here.", "Back."]]


def test_s_asks_the_model_that_was_chosen_for_that_session(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%chat use -s Aside -m other\n%ask There.\n%chat new Here")

    kernel.run("%ask Here.")
    kernel.run("%ask -s Aside There again.")

    assert [chat.body["model"] for chat in server.chats] == ["other", "tiny", "other"]


def test_system_comes_first(kernel: Kernel, server: FaultServer) -> None:
    kernel.run('%%chat --system "Be brief."\nWhy?')

    assert asked(server)["messages"][0] == {"role": "system", "content": "Be brief."}


def test_o_is_sent_as_an_option(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat -o temperature=0 --option seed=7 -o num_ctx=8192 -o 'stop=[\"END\"]'\nWhy?")

    assert asked(server)["options"] == {"temperature": 0, "seed": 7, "num_ctx": 8192, "stop": ["END"]}


def test_a_window_is_always_chosen(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat\nWhy?")

    assert asked(server)["options"]["num_ctx"] == 4096


@pytest.mark.parametrize(("option", "sent"), [("--think", True), ("--no-think", False)])
def test_think_is_sent(kernel: Kernel, server: FaultServer, option: str, sent: bool) -> None:
    kernel.run(f"%%chat {option}\nWhy?")

    assert asked(server)["think"] is sent


def test_without_think_the_model_decides(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat\nWhy?")

    assert asked(server).get("think") is None


def test_keep_alive_is_sent(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat --keep-alive 10m\nWhy?")

    assert asked(server)["keep_alive"] == "10m"


def test_into_puts_the_answer_into_a_variable(kernel: Kernel) -> None:
    kernel.run("%%chat --into reply\nWhy?")

    assert kernel.value("reply") == "It is 42."


def test_schema_and_into_give_a_validated_object(tmp_path: Path) -> None:
    with (
        FaultServer([Answer(text='{"name": "Ada", "age": 36}')]) as server,
        running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("%load_ext chatnb\nimport pydantic\nclass Person(pydantic.BaseModel):\n    name: str\n    age: int")

        run = kernel.run("%%chat --schema Person --into person\nDescribe Ada as JSON.")

        assert run.status == "ok", run.error
        assert asked(server)["format"]["properties"].keys() == {"name", "age"}
        assert kernel.value("[type(person).__name__, person.name, person.age]") == ["Person", "Ada", 36]


def test_an_answer_that_does_not_fit_the_schema_fails_the_cell_and_stays_on_the_screen(
    kernel: Kernel, server: FaultServer
) -> None:
    kernel.run("number = {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}")

    run = kernel.run("%%chat --schema number --into n\nGive me n.")

    assert run.error is not None
    assert run.error.name == "AnswerInvalid"
    assert len(run.error.traceback) == 1
    assert "It is 42." in run.outputs[0]["data"]["text/markdown"]
    assert kernel.value("'n' in dir()") is False


def test_a_schema_that_nothing_is_named_after_is_told(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat --schema Nobody\nWhy?")

    assert run.error is not None
    assert "--schema Nobody" in run.error.value
    assert not server.chats


def test_code_becomes_the_next_cell(tmp_path: Path) -> None:
    with (
        FaultServer([Answer(text=CODE)]) as server,
        running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("%load_ext chatnb")

        run = kernel.run("%%chat --code\nWrite two code blocks.")

        assert run.next_input == "x = 21\n\nprint(x * 2)"


def test_code_without_a_block_fails_the_cell_and_says_what_to_do(kernel: Kernel) -> None:
    run = kernel.run("%%chat --code\nWhy?")

    assert run.error is not None
    assert "no block of code" in run.error.value
    assert run.next_input is None


def test_no_save_leaves_nothing_on_disk_but_is_remembered(kernel: Kernel, server: FaultServer, home: Path) -> None:
    kernel.run("%%chat -s Kept\nBefore.")

    first = kernel.run("%%chat --no-save\nMy secret is blue.")
    kernel.run("%%chat --no-save\nWhat is it?")

    on_disk = "".join(path.read_text(errors="replace") for path in (home / "home").rglob("*") if path.is_file())
    assert "secret" not in on_disk
    assert "Before." in on_disk
    assert [output["metadata"] for output in first.outputs] == [{}]
    assert [m["content"] for m in asked(server)["messages"] if m["role"] == "user"] == [
        "My secret is blue.",
        "What is it?",
    ]


def test_no_history_asks_without_what_was_said(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat\nFirst.")
    kernel.run("%%chat --no-history\nSecond.")
    kernel.run("%%chat\nThird.")

    assert [m["content"] for m in asked(server, 1)["messages"]] == ["Second."]
    assert [m["content"] for m in asked(server, 2)["messages"] if m["role"] == "user"] == [
        "First.",
        "Second.",
        "Third.",
    ]


def test_timeout_is_how_long_the_first_token_may_take(tmp_path: Path) -> None:
    env = {"CHATNB_MODEL": "tinychat", "CHATNB_RETRY_ATTEMPTS": "1"}
    with (
        FaultServer([Answer(token_after_s=60)]) as server,
        running_kernel(tmp_path, env | {"OLLAMA_HOST": server.url}) as kernel,
    ):
        kernel.run("%load_ext chatnb")

        run = kernel.run("%%chat --timeout 0.2\nWhy?")

        assert run.error is not None
        assert run.error.name == "ModelStalled"
        assert "0.2 s" in run.error.value


def test_help_shows_every_option(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat -h\n")

    assert run.status == "ok"
    for option in [
        "--model",
        "--session",
        "--system",
        "--option",
        "--think",
        "--no-think",
        "--keep-alive",
        "--schema",
        "--into",
        "--code",
        "--no-save",
        "--no-history",
        "--timeout",
    ]:
        assert option in run.stdout
    assert not server.chats


def test_a_wrong_option_fails_the_cell_with_one_sentence(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat --temperature 1\nWhy?")

    assert run.error is not None
    assert run.error.name == "SettingsError"
    assert len(run.error.traceback) == 1
    assert "--temperature" in run.error.value
    assert not server.chats


def test_an_empty_question_is_not_sent(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat\n\n")

    assert run.error is not None
    assert "There is no question" in run.error.value
    assert not server.chats


def test_ask_takes_a_question_of_one_line_as_it_is(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%ask -m other what's {this} -- and 'that?")

    assert "From the other." in answer(run)
    assert asked(server)["messages"][-1]["content"] == "what's {this} -- and 'that?"


def test_a_failed_question_fails_its_cell_without_a_traceback(tmp_path: Path) -> None:
    env = {"CHATNB_MODEL": "tinychat", "CHATNB_RETRY_ATTEMPTS": "1"}
    with (
        FaultServer([Status(500, "out of luck")]) as server,
        running_kernel(tmp_path, env | {"OLLAMA_HOST": server.url}) as kernel,
    ):
        kernel.run("%load_ext chatnb")

        run = kernel.run("%%chat\nWhy?")

        assert run.error is not None
        assert len(run.error.traceback) == 1
        assert "out of luck" in run.error.value
