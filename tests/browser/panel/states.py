"""The states that a panel can be in, each made by what a kernel and a reader do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import expect

from tests.browser.panel.harness import PanelPage, fixture

TURN = {"turn": "t2"}


def blocks(*html: str, start: int = 0, keep: int = 0, part: int = 0, kind: str = "text") -> dict[str, Any]:
    """Return the change that a block of the turn in flight is written, or goes on."""
    return {"is": "blocks", **TURN, "part": part, "type": kind, "from": start, "keep": keep, "html": list(html)}


def show(panel: PanelPage, **state: Any) -> None:
    """Show a conversation of one question and one answer."""
    panel.show({**fixture("state"), **state}, fixture("answers"))


def empty(panel: PanelPage) -> None:
    """Show a session that nothing was said in, and questions to begin with."""
    session = {**fixture("state")["session"], "title": "", "pins": []}
    show(panel, entries=[], session=session)
    expect(panel.find(".chatnb-starters button")).to_have_count(3)


def answering(panel: PanelPage, *changes: dict[str, Any]) -> None:
    """Show a turn under way, before its first word."""
    show(panel)
    panel.change({"is": "began", "live": fixture("live")}, *changes)


def streaming(panel: PanelPage) -> None:
    """Show an answer that is being written, after a thought and a tool."""
    tool = {"type": "tool", "call": "c1", "name": "python", "arguments": {"code": "df.price.median()"}, "result": None}
    answering(
        panel,
        blocks("<p>Hm, the median is in the middle.</p>", kind="thinking"),
        {"is": "thought", **TURN, "part": 0, "duration_s": 1.2},
        {"is": "part", **TURN, "part": 1, "value": tool},
        blocks("<p>The median is robust.</p>", "<p>It does not mov</p>", part=2),
    )


def loading(panel: PanelPage) -> None:
    """Show a wait for the model, and a question that waits for it."""
    status = "loading qwen3:8b into memory (9 GB), 12 s"
    waiting = {"id": "q3", "turn": "t3", "role": "user", "text": "And the mode?"}
    answering(panel, {"is": "live", **TURN, "status": status}, {"is": "waiting", "entries": [waiting]})


def approving(panel: PanelPage) -> None:
    """Show a tool that asks to be run."""
    streaming(panel)
    panel.change({"is": "approvals", "proposals": [fixture("proposal")]})


def failed(panel: PanelPage) -> None:
    """Show an answer that failed, one that is hidden, and a notice."""
    error = "Ollama at http://localhost:11434 did not answer (3 attempts, 4.2 s). Start it with `ollama serve`."
    question, answer = fixture("state")["entries"]
    broken = {"id": "q2", "turn": "t2", "role": "assistant", "model": "qwen3:8b", "mark": "broke off", "error": error}
    warning = "The server did not read the whole prompt: 4,095 of 5,100 tokens."
    hidden = [{**question, "is_hidden": True}, {**answer, "is_hidden": True, "warning": warning}]
    show(panel, entries=[*hidden, {**broken, "parts": []}], notices=["A damaged session was set aside."])


def gone(panel: PanelPage) -> None:
    """Show a panel whose kernel has gone."""
    show(panel)
    panel.page.evaluate("() => { kernel.isGone = true; }")
    panel.question.fill("Are you there?")
    panel.question.press("Enter")
    expect(panel.page.get_by_role("status")).to_contain_text("Run the cell again")


def unfolded(panel: PanelPage) -> None:
    """Show all that is folded."""
    show(panel)
    for summary in panel.find("summary").all():
        summary.click()


def sheet(name: str) -> Callable[[PanelPage], None]:
    """Return what opens a sheet by the button of this name."""

    def opened(panel: PanelPage) -> None:
        show(panel)
        panel.button(name).click()
        expect(panel.find(".chatnb-sheet")).not_to_contain_text("Asking the kernel")

    return opened


def completing(panel: PanelPage) -> None:
    """Show what an @ can name, with a preview."""
    show(panel)
    panel.question.click()
    panel.page.keyboard.type("Why is @d")
    expect(panel.find(".chatnb-peek")).to_contain_text("2,016 rows")


def attached(panel: PanelPage) -> None:
    """Show what a question carries along, and how full the window gets."""
    completing(panel)
    panel.page.keyboard.press("Enter")
    panel.button("The last error").click()
    panel.question.press_sequentially("low?")
    expect(panel.find(".chatnb-meter")).to_contain_text("3.1k of 8.2k")


def editing(panel: PanelPage) -> None:
    """Show a question that is written anew, below an answer that stands beside others."""
    entries = [{**entry, "branches": {"at": 1, "of": 2}} for entry in fixture("state")["entries"]]
    show(panel, entries=entries)
    panel.find("article").first.hover()
    panel.button("Edit and ask anew").click()


def deleting(panel: PanelPage) -> None:
    """Show what was found in sessions, and the question before one is deleted."""
    sheet("Session: Prices that are negative")(panel)
    panel.page.get_by_role("searchbox").fill("plan")
    expect(panel.find(".chatnb-sheet mark")).to_be_visible()
    panel.button("Delete A plan for the import").click()


STATES: Mapping[str, Callable[[PanelPage], None]] = {
    "empty": empty,
    "done": show,
    "unfolded": unfolded,
    "loading": loading,
    "streaming": streaming,
    "approving": approving,
    "failed": failed,
    "gone": gone,
    "sessions": sheet("Session: Prices that are negative"),
    "models": sheet("Model: qwen3:8b"),
    "tools": sheet("Tools"),
    "settings": sheet("Settings"),
    "export": sheet("Export"),
    "completing": completing,
    "attached": attached,
    "editing": editing,
    "deleting": deleting,
}
