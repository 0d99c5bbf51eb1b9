"""Drive a real JupyterLab in a real browser, through the application's own API.

lab.open_cells(["1 + 1"])
lab.run(0)
lab.outputs(0)
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.frames import START, STOP, Frames
from tests.browser.server import LabServer, write_notebook

SCREENSHOTS = Path(__file__).parent / "screenshots"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # nothing of the browser's own goes out
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
)
PANEL = "window.jupyterapp.shell.currentWidget"


def find_chromium() -> str | None:
    """Return the path that `CHROMIUM` names, else that of a Chromium on the PATH."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def running_browser(program: str) -> Iterator[Browser]:
    """Run a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_lab(browser: Browser, server: LabServer, width: int = 1280, height: int = 900) -> Iterator["Lab"]:
    """Give a window of the browser to a server; nothing is open in it yet."""
    context = browser.new_context(viewport={"width": width, "height": height})
    try:
        yield Lab(context.new_page(), server)
    finally:
        context.close()


class Lab:
    """One browser window with one notebook; cells are counted from 0.

    Attributes
    ----------
    console
        What the page wrote to its console, and its errors.
    requests
        The addresses that the page asked for.
    """

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page, self.server = page, server
        self.console: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def open_cells(self, cells: Sequence[str], name: str = "notebook.ipynb") -> Path:
        """Write a notebook with these cells, open it, and return its path."""
        path = write_notebook(self.server.root / name, cells)
        self.open(name)
        return path

    def open(self, name: str, timeout_s: float = 60) -> None:
        """Open a notebook of the server's folder, or load it again, and wait for its kernel."""
        self.page.goto(f"{self.server.url}/{self.server.pages}/{name}?reset&token={self.server.token}")
        milliseconds = timeout_s * 1000
        self.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored", timeout=milliseconds)
        self.page.wait_for_selector(".jp-Notebook", timeout=milliseconds)
        is_ready = f"() => {PANEL} && {PANEL}.context && {PANEL}.context.isReady"
        self.page.wait_for_function(is_ready, timeout=milliseconds)
        self.wait_idle(timeout_s)

    def run(self, index: int, timeout_s: float = 60) -> None:
        """Run a cell to its end."""
        self.start(index)
        self.page.wait_for_function("() => window.__chatnbRan === true", timeout=timeout_s * 1000)
        self.wait_idle(timeout_s)

    def start(self, index: int) -> None:
        """Start a cell, as Ctrl+Enter does."""
        self.js(
            f"""(index) => {{
              const notebook = {PANEL}.content;
              notebook.activeCellIndex = index;
              notebook.deselectAll();
              window.__chatnbRan = false;
              const done = () => {{ window.__chatnbRan = true; }};
              window.jupyterapp.commands.execute('notebook:run-cell').then(done, done);
            }}""",
            index,
        )

    def wait_idle(self, timeout_s: float = 60) -> None:
        """Wait until the kernel is connected and idle."""
        self.page.wait_for_function(
            f"""() => {{
              const kernel = {PANEL}.sessionContext?.session?.kernel;
              return kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
            }}""",
            timeout=timeout_s * 1000,
        )

    def wait_for_text(self, index: int, text: str, timeout_s: float = 30) -> None:
        """Wait until a cell's output shows `text`."""
        shows = f"([index, text]) => {PANEL}.content.widgets[index].outputArea.node.textContent.includes(text)"
        self.page.wait_for_function(shows, arg=[index, text], timeout=timeout_s * 1000)

    def interrupt(self) -> None:
        """Press the stop button."""
        self.js("() => { window.jupyterapp.commands.execute('notebook:interrupt-kernel'); }")

    def restart(self) -> None:
        """Restart the kernel."""
        self.js(f"async () => {{ await {PANEL}.sessionContext.session.kernel.restart(); }}")
        self.wait_idle()

    def sources(self) -> list[str]:
        """Return the source of each cell."""
        sources: list[str] = self.js(f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getSource())")
        return sources

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return a cell's outputs, as the notebook holds them."""
        outputs: list[dict[str, Any]] = self.js(f"(i) => {PANEL}.content.widgets[i].model.outputs.toJSON()", index)
        return outputs

    def output_text(self, index: int) -> str:
        """Return what a reader sees of a cell's outputs."""
        return str(self.js(f"(i) => {PANEL}.content.widgets[i].outputArea.node.innerText", index))

    def output_html(self, index: int) -> str:
        """Return the elements of a cell's outputs."""
        return str(self.js(f"(i) => {PANEL}.content.widgets[i].outputArea.node.innerHTML", index))

    def scroll_to(self, top_px: int) -> None:
        """Scroll the notebook."""
        self.js(
            f"""(top) => {{
              const node = {PANEL}.content.node;
              (node.querySelector('.jp-WindowedPanel-outer') || node).scrollTop = top;
            }}""",
            top_px,
        )

    def save(self, name: str = "notebook.ipynb") -> dict[str, Any]:
        """Save the notebook and return what is in the file."""
        self.js(f"async () => {{ await {PANEL}.context.save(); }}")
        saved: dict[str, Any] = json.loads((self.server.root / name).read_text())
        return saved

    def screenshot(self, name: str) -> Path:
        """Take a picture of the window."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def watch_frames(self, index: int) -> None:
        """Look at a cell's output in every frame from now on."""
        self.js(START, index)

    def frames(self) -> Frames:
        """Stop looking, and return what each frame showed."""
        return Frames.read(self.js(STOP))

    def js(self, code: str, argument: Any = None) -> Any:
        """Call a JavaScript function in the page."""
        return self.page.evaluate(code, argument)
