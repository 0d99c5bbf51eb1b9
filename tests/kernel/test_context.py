"""What a question carries along, through a real kernel: what the server is sent, and what the commands show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultServer]:
    with FaultServer({"tiny": [Answer(text="It is 42.")]}) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, shared_server: FaultServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": shared_server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
    with running_kernel(tmp_path_factory.mktemp("context"), env) as kernel:
        yield kernel


@pytest.fixture
def server(shared_server: FaultServer) -> FaultServer:
    shared_server.exchanges.clear()
    return shared_server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def kernel(shared: Kernel, tmp_path: Path, folder: Path) -> Iterator[Kernel]:
    """Give a kernel as if it had just begun: the one of all these tests, since starting one takes a second."""
    shared.run(f"%reset -f\n%cd -q {folder}\nget_ipython().execution_count = 1")
    home = f"%config ChatConfig.home = '{tmp_path / 'home'}'"
    assert shared.run(f"%load_ext chatnb\n{home}").status == "ok"
    yield shared
    shared.run("%unload_ext chatnb")


def sent(server: FaultServer, n: int = -1) -> str:
    """Return the last question as the model was sent it."""
    text: str = server.chats[n].messages[-1]["content"]
    return text


def shown(kernel: Kernel, code: str) -> str:
    run = kernel.run(code)
    assert run.status == "ok", run.error
    text: str = run.outputs[-1]["data"]["text/plain"]
    return text


def test_a_variable_is_carried_along(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("prices = {'apple': 3, 'pear': 4}")

    kernel.run("%%chat -c prices\nWhich is cheapest?")

    assert sent(server).startswith("Context: variable prices")
    assert "apple" in sent(server)
    assert sent(server).endswith("Which is cheapest?")


def test_a_mention_carries_along_what_it_names_and_stays_as_it_was_typed(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("prices = {'apple': 3}")

    kernel.run("%ask What is in @prices, and who is ada@example.com?")

    assert sent(server).startswith("Context: variable prices")
    assert sent(server).endswith("What is in @prices, and who is ada@example.com?")


def test_a_reference_that_names_nothing_fails_with_near_names(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("prices = {}")

    run = kernel.run("%%chat -c pricse\nWhy?")

    assert run.status == "error"
    assert "prices" in str(run.error)
    assert server.chats == []


def test_cells_their_outputs_and_the_last_error_are_carried_along(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("print('loaded 3 rows')\n6 * 7")
    kernel.run("rate = 0\n1 / rate")

    kernel.run("%%chat -c cells:-2:\nWhat happened? See @error.")

    assert "loaded 3 rows" in sent(server)
    assert "42" in sent(server)
    assert sent(server).count("ZeroDivisionError") >= 2
    assert "rate" in sent(server)


def test_a_file_and_a_folder_are_carried_along(kernel: Kernel, server: FaultServer, folder: Path) -> None:
    (folder / "load.py").write_text("def load(): ...\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("# Alpha\n")
    (folder / "docs" / "b.txt").write_text("Beta\n")

    kernel.run("%%chat -c ./docs --ext md\nWhat does @file:load.py do?")

    assert "def load()" in sent(server)
    assert "# Alpha" in sent(server)
    assert "Beta" not in sent(server)


def test_the_first_line_names_things_with_spaces_commas_and_quotes(
    kernel: Kernel, server: FaultServer, folder: Path
) -> None:
    (folder / "a, b.md").write_text("Alpha and beta")
    (folder / "my notes.md").write_text("My own notes")
    kernel.run("rate = 5\nprices = {'red apple': 3}")
    forms = {
        """-c 'file:"a, b.md",rate'""": ["Alpha and beta", "variable rate"],
        '-c file:"a, b.md" -c rate': ["Alpha and beta", "variable rate"],
        "-c 'file:my notes.md' --context=rate": ["My own notes", "variable rate"],
        """-c "prices['red apple'],rate" """: ["variable prices['red apple']", "variable rate"],
    }

    for form, told in forms.items():
        text = shown(kernel, f"%%chat --dry-run {form}\nWhy?")
        line = shown(kernel, f"%ask --dry-run {form} Why?")

        assert [part for part in told if part not in text] == []
        assert line == text


def test_a_secret_file_is_read_only_after_a_yes(kernel: Kernel, server: FaultServer, folder: Path) -> None:
    (folder / ".env").write_text("COLOUR=teal\n")

    refused = kernel.run("%%chat -c file:.env\nWhich colour?", answers=["n"])
    allowed = kernel.run("%%chat -c file:.env\nWhich colour?", answers=["y"])

    assert refused.status == "error"
    assert allowed.status == "ok", allowed.error
    assert "teal" in sent(server)
    assert len(server.chats) == 1


def test_a_yes_holds_for_a_kernel_also_for_what_is_pinned(kernel: Kernel, server: FaultServer, folder: Path) -> None:
    (folder / ".env").write_text("COLOUR=teal\n")

    kernel.run("%chat pin file:.env", answers=["y"])
    kernel.run("%ask Which colour?")
    stale = shown(kernel, "%chat stale")

    assert "teal" in sent(server)
    assert stale == "Every answer of this session is up to date."


@pytest.mark.parametrize("stream", ["auto", "always"])
def test_a_secret_file_is_refused_with_a_sentence_where_nobody_is_there(
    kernel: Kernel, server: FaultServer, folder: Path, stream: str
) -> None:
    (folder / ".env").write_text("COLOUR=teal\n")
    kernel.run(f"%config ChatConfig.stream = {stream!r}", headless=True)

    run = kernel.run("%%chat -c file:.env\nWhich colour?", headless=True)

    assert run.error is not None
    assert run.error.name == "ContextRefused"
    assert "nobody agreed" in run.error.value
    assert server.chats == []


def test_earlier_sessions_are_carried_along(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat -s Fruit\nWhat about apples?")

    kernel.run("%%chat -c past\nWhat did we say?")
    kernel.run("%%chat -c db\nWhat did we say?")

    assert "What about apples?" in sent(server, 1)
    assert "What about apples?" in sent(server, 2)


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("prices = {'apple': 3}")

    text = shown(kernel, "%%chat --dry-run -c prices --system 'Be brief.'\nWhich?")

    assert server.chats == []
    assert "Be brief." in text
    assert "Context: variable prices" in text
    assert "variable prices" in text.splitlines()[3]
    assert kernel.value("len(get_ipython().find_line_magic('chat')('sessions'))") == 0


def test_a_dry_run_shows_tools_and_the_form_of_the_answer(kernel: Kernel) -> None:
    kernel.run("form = {'type': 'object', 'properties': {'mean': {'type': 'number'}}}")
    kernel.run("import chatnb\n@chatnb.tool\ndef double(x: int) -> int:\n    'Double a number.'\n    return 2 * x")

    text = shown(kernel, "%%chat --dry-run --schema form\nWhat is the mean?")

    assert re.search(r"tools: double +\d+ +kept", text)
    assert '"mean": {"type": "number"}' in text


def test_why_after_a_failed_question_shows_what_it_was_to_read(tmp_path: Path) -> None:
    with FaultServer({"tiny": [Status(500, error="out of luck")]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
        with running_kernel(tmp_path, env) as kernel:
            kernel.run("%load_ext chatnb\nrate = 5")
            nothing = kernel.run("%chat why")
            failed = kernel.run("%%chat -c rate\nWhich?")

            text = shown(kernel, "%chat why")

            assert nothing.error is not None
            assert "Nothing was asked" in nothing.error.value
            assert failed.status == "error"
            assert "variable rate" in text


def test_a_question_that_is_longer_than_the_largest_window_is_sent_whole_and_told(
    kernel: Kernel, server: FaultServer
) -> None:
    kernel.run("rate = 5\n%config ChatConfig.max_context = 4096")

    run = kernel.run(f"%%chat -c rate\n{'word ' * 8_000}")

    assert sent(server) == "word " * 8_000
    assert "more than the window of 4,096" in unescape(str(run.outputs))
    assert "variable rate is left out" in unescape(str(run.outputs))


def test_why_shows_what_the_last_answer_had_read(kernel: Kernel) -> None:
    kernel.run("prices = {'apple': 3}\n%ask First.")
    kernel.run("%%chat -c prices\nWhich?")

    text = shown(kernel, "%chat why")

    assert "variable prices" in text
    assert "First." in text
    assert "tokens were sent to tiny" in text


def test_ablation_shows_which_item_mattered(tmp_path: Path) -> None:
    texts = ["It is 42.", "It is 42.", "I cannot tell.", "It is 42."]
    with FaultServer({"tiny": [Answer(text=text) for text in texts]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
        with running_kernel(tmp_path, env) as kernel:
            kernel.run("%load_ext chatnb\na, b = 40, 2")
            kernel.run("%%chat -c a -c b\nWhat is the sum?")

            text = shown(kernel, "%chat why --ablate")

            assert [line.split("  ")[0] for line in text.splitlines()[1:]] == ["(nothing)", "variable a", "variable b"]
            assert "0% the same" in text
            assert "variable a" not in server.chats[2].messages[-1]["content"]


def test_a_pinned_thing_goes_with_every_question_as_it_is_then(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5")

    kernel.run("%chat pin rate")
    kernel.run("%ask One?")
    kernel.run("rate = 7")
    kernel.run("%ask Two?")
    kernel.run("%chat unpin rate")
    kernel.run("%ask Three?")

    assert "5" in sent(server, 0)
    assert "7" in sent(server, 1)
    assert "rate" not in sent(server, 2)


def test_another_session_brings_its_own_pins_and_hidden_messages_and_is_asked_again(
    kernel: Kernel, server: FaultServer
) -> None:
    kernel.run("rate, price = 5, 7\n%chat new Here\n%chat pin price\n%ask Here?")
    kernel.run("%chat new There\n%chat pin rate\n%ask One?\n%ask Two?\n%chat hide 1\n%chat open Here")

    kernel.run("%%chat -s There\nThree?")
    kernel.run("%chat again")
    kernel.run("%ask Four?")
    kernel.run("%chat again")

    there, repeated, here, last = (chat.messages for chat in server.chats[3:])
    assert [message["content"].split("\n")[-1] for message in there if message["role"] == "user"] == ["Two?", "Three?"]
    assert "variable rate" in there[-1]["content"]
    assert "price" not in str(there)
    assert repeated == there
    assert [message["content"].split("\n")[-1] for message in here if message["role"] == "user"] == ["Here?", "Four?"]
    assert "variable price" in here[-1]["content"]
    assert last == here


def test_what_was_pinned_and_is_gone_is_told_and_asked_without(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5\n%chat pin rate\ndel rate")

    run = kernel.run("%ask One?")
    stale = shown(kernel, "%chat stale")

    assert run.status == "ok", run.error
    assert "%chat unpin rate" in unescape(str(run.outputs))
    assert sent(server) == "One?"
    assert stale == "Every answer of this session is up to date."


def test_a_pin_outlives_the_kernel(tmp_path: Path, folder: Path, server: FaultServer) -> None:
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
    with running_kernel(tmp_path, env, folder) as kernel:
        kernel.run("%load_ext chatnb")
        kernel.run("rate = 5\n%chat pin rate\n%ask One?")

    with running_kernel(tmp_path, env, folder) as kernel:
        kernel.run("%load_ext chatnb")
        told = kernel.run("%ask Two?")
        kernel.run("rate = 9\n%ask Three?")

    assert sent(server, 1) == "Two?"
    assert "rate is pinned, but cannot be read" in str(told.outputs)
    assert "9" in sent(server, 2)


def test_a_hidden_message_is_not_read_until_it_is_shown_again(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%ask One?\n%ask Two?")

    kernel.run("%chat hide 2")
    kernel.run("%ask Three?")
    kernel.run("%chat unhide 2")
    kernel.run("%ask Four?")

    assert [m["content"] for m in server.chats[2].messages if m["role"] == "user"] == ["Two?", "Three?"]
    assert [m["content"] for m in server.chats[3].messages if m["role"] == "user"] == [
        "One?",
        "Two?",
        "Three?",
        "Four?",
    ]


def test_stale_answers_are_listed_and_asked_again(kernel: Kernel, server: FaultServer, folder: Path) -> None:
    (folder / "data.txt").write_text("old")
    kernel.run("rate = 5\n%ask Is @rate high?")
    kernel.run("%ask What is in @file:data.txt?")
    fresh = shown(kernel, "%chat stale")

    kernel.run("rate = 99")
    (folder / "data.txt").write_text("new")
    stale = shown(kernel, "%chat stale")
    refreshed = kernel.run("%chat refresh 3")
    rest = shown(kernel, "%chat stale")
    kernel.run("%chat refresh")
    none = shown(kernel, "%chat stale")

    assert fresh == none == "Every answer of this session is up to date."
    assert "variable rate" in stale
    assert "file data.txt" in stale
    assert "file data.txt" not in rest
    assert refreshed.stdout == "3: What is in @file:data.txt?\n"
    assert "new" in sent(server, 2)
    assert "99" in sent(server, 3)


def test_a_refresh_that_is_stopped_leaves_the_answer_stale(tmp_path: Path) -> None:
    with FaultServer({"tiny": [Answer(text="It is 5."), Answer(text="word " * 2_000, rate=50)]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
        with running_kernel(tmp_path, env) as kernel:
            kernel.run("%load_ext chatnb\nrate = 5")
            kernel.run("%ask Is @rate high?")
            kernel.run("rate = 9")
            pending = kernel.start("%chat refresh")
            pending.wait_for_text("word")

            kernel.interrupt()
            run = pending.wait()

            assert run.error is not None
            assert run.error.name == "ChatInterrupted"
            assert "variable rate" in shown(kernel, "%chat stale")


def test_what_is_gone_cannot_be_asked_again(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("rate = 5\n%ask Is @rate high?\ndel rate")

    run = kernel.run("%chat refresh")

    assert run.error is not None
    assert "variable rate cannot be read now, so question 1 cannot be asked again" in run.error.value
    assert len(server.chats) == 1


def test_a_cell_that_ran_again_with_another_output_makes_its_answers_stale(kernel: Kernel) -> None:
    kernel.run("step = 1", cell_id="defines")
    kernel.run("print('step', step)", cell_id="prints")
    kernel.run("%%chat -c cell:3\nWhat does it print?")
    before = shown(kernel, "%chat stale")

    kernel.run("step = 2", cell_id="defines")
    same = shown(kernel, "%chat stale")
    kernel.run("print('step', step)", cell_id="prints")
    after = shown(kernel, "%chat stale")

    assert before == same == "Every answer of this session is up to date."
    assert "cell" in after


def test_rules_beside_the_notebook_go_into_the_system_prompt(kernel: Kernel, server: FaultServer, folder: Path) -> None:
    (folder / "AGENTS.md").write_text("Use polars.")
    kernel.run("%%chat --system 'Be brief.'\nWhy?")
    (folder / ".chatnb.md").write_text("Use pandas.")
    kernel.run("%ask Why?")
    status = shown(kernel, "%chat status")
    kernel.run("%config ChatConfig.rules = False\n%ask Why?")

    systems = [chat.messages[0] for chat in server.chats]
    assert systems[0] == {"role": "system", "content": "Be brief.\n\nUse polars."}
    assert systems[1] == {"role": "system", "content": "Use pandas."}
    assert systems[2]["role"] == "user"
    assert ".chatnb.md" in status


def test_a_summary_that_was_written_by_hand_stands_for_what_was_said(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%ask One?\n%ask Two?")

    kernel.run("%%chat --summary\nWe spoke of one and two.")
    kernel.run("%ask Three?")

    texts = [message["content"] for message in server.chats[-1].messages]
    assert "We spoke of one and two." in texts[0]
    assert texts[-1] == "Three?"
    assert "One?" not in texts
    assert len(server.chats) == 3


def test_a_summary_goes_to_the_session_that_is_named_and_is_listed(kernel: Kernel) -> None:
    kernel.run("%chat new Here\n%ask Hello?\n%chat new There\n%ask One?\n%chat open Here")

    kernel.run("%%chat --summary -s There\nWe spoke of one.")
    here = shown(kernel, "%chat hide")
    kernel.run("%chat open There")
    there = shown(kernel, "%chat hide 3")

    assert "summary" not in here
    assert [line.split()[-1] for line in there.splitlines() if "We spoke of one." in line] == ["hidden"]
    assert there.count("hidden") == 1


def test_what_was_not_said_cannot_be_summarised(kernel: Kernel, server: FaultServer) -> None:
    runs = [kernel.run("%%chat --summary\nShort."), kernel.run("%chat compact")]

    assert [run.error and "Nothing was said" in run.error.value for run in runs] == [True, True]
    assert server.chats == []


def test_compacting_twice_asks_the_model_once(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%ask One?\n%chat compact")

    again = shown(kernel, "%chat compact")

    assert "It is 42." in again
    assert len(server.chats) == 2


def test_compact_lets_the_model_summarise_and_edit_makes_a_cell_of_it(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%ask One?\n%ask Two?")

    text = shown(kernel, "%chat compact")
    run = kernel.run("%chat compact --edit")
    kernel.run("%ask Three?")

    assert "It is 42." in text
    assert "User: One?" in server.chats[2].messages[-1]["content"]
    assert run.reply["payload"][0]["text"] == "%%chat --summary\nIt is 42."
    assert len(server.chats[-1].messages) == 2


def test_a_window_that_does_not_fit_into_memory_is_made_smaller(tmp_path: Path) -> None:
    short = Status(500, error="model requires more system memory (9.1 GiB) than is available (3.2 GiB)")
    with FaultServer({"tiny": [short, Answer(text="It is 42.")]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
        with running_kernel(tmp_path, env) as kernel:
            kernel.run("%load_ext chatnb")

            run = kernel.run("%ask Why?")
            kernel.run("%ask And then?")

            assert run.status == "ok", run.error
            assert [chat.body["options"]["num_ctx"] for chat in server.chats] == [4096, 2048, 2048]


@pytest.mark.parametrize("command", ["pin", "unpin", "hide", "unhide", "stale", "refresh", "compact", "why"])
def test_a_command_explains_itself(kernel: Kernel, command: str) -> None:
    run = kernel.run(f"%chat {command} -h")

    assert run.status == "ok", run.error
    assert f"usage: %chat {command} [-h]" in run.stdout


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%%chat -c pric", "prices"),
        ("%%chat -c past,pric", "prices"),
        ("%%chat\nWhat is in @pric", "prices"),
        ("%ask What is in @pric", "prices"),
        ("%%chat\nRead @file:no", "file:notes.md"),
        ("%chat pin pri", "prices"),
    ],
)
def test_a_tab_completes_what_can_be_named(kernel: Kernel, folder: Path, code: str, expected: str) -> None:
    (folder / "notes.md").write_text("# Notes")
    kernel.run("prices = {}")

    assert any(expected.endswith(match) for match in kernel.complete(code))


def test_an_at_outside_a_question_completes_as_ever(kernel: Kernel, folder: Path) -> None:
    (folder / "notes.md").write_text("# Notes")

    assert "file:notes.md" not in kernel.complete("x = 1\n@file:no")


def test_secrets_are_replaced_before_they_are_sent_and_put_back_in_what_is_shown(tmp_path: Path) -> None:
    secret = "tok-" + "9f8e7d6c5b4a3f2e1d0c"
    with FaultServer({"tiny": [Answer(text="Your token is <SECRET_1>.")]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "LAB_TOKEN": secret, "CHATNB_SECRETS": "always"}
        with running_kernel(tmp_path, env) as kernel:
            kernel.run("%load_ext chatnb")
            kernel.run(f"header = 'Bearer {secret}'")
            planned = shown(kernel, "%%chat --dry-run -c header\nWhat is my token?")

            run = kernel.run("%%chat -c header\nWhat is my token?")

            assert secret not in str([chat.body for chat in server.chats])
            assert "Bearer <SECRET_1>" in sent(server)
            assert secret in str(run.outputs[0]["data"]["text/markdown"])
            assert "Placeholders are sent in place of value of LAB_TOKEN" in unescape(str(run.outputs))
            assert "Bearer <SECRET_1>" in planned
            assert secret not in planned


def test_figures_go_along_only_to_models_that_see(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("from matplotlib.figure import Figure\nfig = Figure()\n_ = fig.subplots().plot([1, 2])")

    run = kernel.run("%%chat -c image:fig\nWhat does it show?")

    assert "cannot see" in str(run.outputs)
    assert "images" not in server.chats[-1].messages[-1]
