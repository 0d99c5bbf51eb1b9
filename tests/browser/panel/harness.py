"""A panel in a page of its own, and a kernel that says what a test lets it say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route

from chatnb.scripts import FOLDER, module
from tests.browser.driver import SCREENSHOTS

HERE = Path(__file__).parent
THEMES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "themes" / "@jupyterlab"
ADDRESS = "https://panel.test/"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class PanelPage:
    """One panel; the page asks nobody for anything but its own files.

    Attributes
    ----------
    requests
        The addresses that it asked for, beyond its own files.
    errors
        What it wrote to its console as an error.
    """

    def __init__(self, page: Page, theme: str) -> None:
        self.page, self.theme = page, theme
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.route("**/*", self._serve)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def _serve(self, route: Route) -> None:
        address = route.request.url
        name = address.removeprefix(ADDRESS)
        file = THEMES / f"theme-{self.theme}-extension" / "index.css" if name == "theme.css" else FOLDER / name
        if not file.is_file():
            file = HERE / name
        if name == "panel.js":  # what a widget is given
            route.fulfill(body=module(), content_type="text/javascript")
        elif address.startswith(ADDRESS) and file.is_file():
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif name == "theme.css":
            route.fulfill(body="", content_type="text/css")
        else:
            self.requests.append(address)
            route.abort()

    def show(self, state: dict[str, Any] | None, answers: dict[str, Any] | None = None, setup: str = "") -> None:
        """Open the page and show a state; `setup` is JavaScript that makes a notebook's context, if any."""
        self.page.goto(f"{ADDRESS}page.html")
        self.page.wait_for_function("() => window.show")
        self.page.evaluate(
            "([state, answers]) => { kernel.state = state; kernel.answers = answers; }", [state, answers or {}]
        )
        self.page.evaluate(f"() => window.show({setup})")
        if state is not None:
            self.page.wait_for_selector(".chatnb-composer:visible, .chatnb-entry")

    def change(self, *changes: dict[str, Any]) -> None:
        """Let the kernel send changes, and wait until they are drawn."""
        self.page.evaluate("changes => kernel.change(...changes)", list(changes))
        self.drawn()

    def drawn(self) -> None:
        """Wait until what has come is drawn."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def sent(self, command: str) -> list[dict[str, Any]]:
        """Return the commands of this name that the panel sent."""
        sent: list[dict[str, Any]] = self.page.evaluate("name => kernel.sent.filter(one => one.do === name)", command)
        return sent

    def wait_sent(self, command: str, count: int = 1) -> dict[str, Any]:
        """Wait until so many commands of this name were sent, and return the last of them."""
        self.page.wait_for_function(
            "([name, count]) => kernel.sent.filter(one => one.do === name).length >= count", arg=[command, count]
        )
        return self.sent(command)[-1]

    def find(self, selector: str) -> Locator:
        """Return what the panel has under this selector."""
        return self.page.locator(f".chatnb-panel {selector}")

    def button(self, name: str) -> Locator:
        """Return the button that is called so."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def question(self) -> Locator:
        """Where the question is written."""
        return self.page.get_by_role("textbox", name="Your question")

    def screenshot(self, name: str) -> Path:
        """Take a picture of the page."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"panel-{name}.png"
        self.page.screenshot(path=path)
        return path


@contextmanager
def opened_panel(
    browser: Browser, theme: str = "light", width: int = 760, height: int = 720, **options: Any
) -> Iterator[PanelPage]:
    """Open a window for one panel in a theme of JupyterLab's (`light`, `dark`, `dark-high-contrast`), or in none."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["clipboard-read", "clipboard-write"], **options
    )
    try:
        panel = PanelPage(context.new_page(), theme)
        yield panel
    finally:
        context.close()
    assert panel.errors == []


def fixture(name: str) -> Any:
    """Return what was recorded under this name in fixtures.json."""
    return json.loads((HERE / "fixtures.json").read_text(encoding="utf-8"))[name]
