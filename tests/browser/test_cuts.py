"""Something breaks in mid-answer of a conversation in the panel: afterwards the conversation is whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.driver import PANEL, Lab
from tests.browser.test_panel import ask, loading, open_panel, shown
from tests.faults.script import Answer, tokens_of
from tests.faults.server import FaultServer

pytestmark = pytest.mark.browser

WORDS = " ".join(f"word{number}" for number in range(80))
# What the browser tells JupyterLab of a connection that broke. `close()` would first wait, up to a minute, for the server to
# agree.
CUT = f"() => {{ {PANEL}.sessionContext.session.kernel._ws.onclose({{ code: 1006 }}); }}"
STATUS = f"() => {PANEL}.sessionContext.session.kernel.connectionStatus"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    script = [Answer(text=tokens_of(WORDS), rate=20), Answer(text="There is no plum.")]
    with FaultServer({"tiny": script}) as server:
        yield server


def test_an_answer_that_ended_while_the_network_was_away_is_whole(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url)
    ask(panel, "Say all the words.")
    expect(panel.locator(".chatnb-live")).to_contain_text("word3 ", timeout=20_000)

    lab.page.context.set_offline(True)
    lab.js(CUT)
    server.chats[-1].wait_until_ended()
    assert lab.js(STATUS) == "connecting"
    lab.page.context.set_offline(False)

    expect(panel.locator(".chatnb-footer")).to_be_visible(timeout=60_000)
    expect(panel.locator(".chatnb-assistant .chatnb-text")).to_have_text(WORDS)


def test_a_conversation_goes_on_after_the_kernel_was_killed_in_mid_answer(lab: Lab, server: FaultServer) -> None:
    again = loading(server.url).replace("%chat new", "")
    panel = open_panel(lab, server.url, again, "import chatnb.saving\nchatnb.saving.CHECKPOINT_S = 0.05")
    lab.run(3)
    ask(panel, "Say all the words.")
    expect(panel.locator(".chatnb-live")).to_contain_text("word40 ", timeout=20_000)

    lab.server.kernel_process().kill()
    server.chats[-1].wait_until_client_left()
    lab.page.get_by_role("dialog").get_by_role("button").last.click(timeout=30_000)
    lab.wait_idle()
    lab.run(2)
    lab.run(1)

    panel = shown(lab)
    expect(panel.locator(".chatnb-user")).to_contain_text("Say all the words.", timeout=20_000)
    expect(panel.locator(".chatnb-assistant .chatnb-text")).to_contain_text("word0 word1 word2 word3 ")
    expect(panel.locator(".chatnb-outcome")).to_contain_text("stopped")
    ask(panel, "Is there a plum?")
    expect(panel.locator(".chatnb-assistant").last).to_contain_text("There is no plum.", timeout=20_000)
    assert [message["content"] for message in server.chats[-1].messages if message["role"] == "user"] == [
        "Say all the words.",
        "Is there a plum?",
    ]
