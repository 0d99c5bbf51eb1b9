"""What the panel asks of the browser, in a real JupyterLab: its size, how long it keeps the page busy, long sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatnb.markdown.html import blocks as to_blocks
from chatnb.scripts import module

from ..browser.driver import Lab, find_chromium, opened_lab, running_browser
from ..browser.panel.harness import opened_panel
from ..browser.panel.states import answering, blocks
from ..browser.server import LabServer
from ..hostile import answers
from .cells import QUESTION
from .rows import Row
from .speaking import LAST_WORD, speaking

RATE = 500
MESSAGES = 2_000
KILOBYTE = 1_000
FRAME_MS = 16.7

HTML = f"""
import time, ipywidgets, ollama
from chatnb.markdown.html import to_html
text, due_at, shown = "", 0, ipywidgets.HTML()
display(shown)
for chunk in ollama.Client().chat("tinychat", [{{"role": "user", "content": {QUESTION!r}}}], stream=True):
    text += chunk.message.content
    if time.monotonic() >= due_at or chunk.done:
        shown.value = to_html(text)
        due_at = time.monotonic() + 0.04
"""
"""As many updates a second as the panel gets, each with the whole text."""

# What is due every 4 ms comes later by whatever keeps the page busy meanwhile, from the first words of an element to a word
# and half a second behind it. The page looks for them by itself, seldom: what is asked from outside would keep it busy, too.
_BUSY = """([selector, word]) => new Promise(done => {
  const says = word => [...document.querySelectorAll(selector)].at(-1)?.textContent.includes(word);
  const lates = [];
  let last = 0, end = Infinity, seen = 0;
  const look = () => {
    const now = performance.now();
    lates.push(Math.max(now - last - 4, 0));
    last = now;
    if (end === Infinity && now - seen > 250) {
      seen = now;
      if (says(word)) end = now + 500;
    }
    if (now > end) done(lates); else setTimeout(look, 4);
  };
  const wait = () => {
    last = performance.now();
    setTimeout(says('Why it happens') ? look : wait, 4);
  };
  wait();
})"""

# Up through the conversation, as somebody who holds the wheel: the times between frames.
_SCROLL = """(seconds) => new Promise(done => {
  const log = document.querySelector('.chatnb-log');
  const gaps = [];
  const begun = performance.now();
  let last = begun;
  const step = (now) => {
    gaps.push(now - last);
    last = now;
    log.scrollTop -= 40;
    if (now - begun > seconds * 1000) done(gaps.slice(1)); else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""

# From the command to the frame that shows the last message.
_OPENED = """(word) => new Promise(done => {
  const begun = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const look = () => document.querySelector('.chatnb-entries').textContent.includes(word)
    ? requestAnimationFrame(() => done((performance.now() - begun) / 1000))
    : requestAnimationFrame(look);
  look();
})"""


_SHOWN = """(change) => new Promise(done => {
  const begun = performance.now();
  kernel.change(change);
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
})"""


def rows(quick: bool) -> Iterator[Row]:
    """Yield the size of the module, how long the page is busy at a stretch, and how a long session opens and scrolls."""
    yield Row("size of the panel's module", len(module().encode()) / KILOBYTE, "kB", 60, "none: a size")

    tokens = 1_500 if quick else 4_000
    about = f"{tokens:,} tokens at {RATE} tokens/s"
    with _lab(tokens) as lab:
        ours, theirs = _busy_panel(lab), _busy_html(lab)
        name = f"page busy, 99th percentile, {about}"
        yield Row(name, _percentile(ours, 99), "ms", 50, "none")
        yield Row("the same, an ipywidgets.HTML set at each update", _percentile(theirs, 99), "ms", None, "none")
        yield Row("the panel: page busy at a stretch, longest", max(ours), "ms", None, "none")
        yield Row("the same, an ipywidgets.HTML set at each update", max(theirs), "ms", None, "none")

        opened_s, gaps = _long_session(lab, 2 if quick else 5)
        yield Row(f"a session of {MESSAGES:,} messages opens", opened_s, "s", 1, "none")
        yield Row("the same, scrolled: from frame to frame, median", _percentile(gaps, 50), "ms", FRAME_MS, "none")
        yield Row("the same, 99th percentile", _percentile(gaps, 99), "ms", None, "none")
        texts = dict(answers("https://canary.test"))
        for name in ("a line of a megabyte", "lists in lists"):
            yield Row(
                f"an answer that is {name}: to its frame", _shown_ms(lab, texts[f"size: {name}"]), "ms", None, "none"
            )


@contextmanager
def _lab(tokens: int) -> Iterator[Lab]:
    program = find_chromium()
    if program is None:
        raise RuntimeError("No Chromium was found: install the package chromium, or set CHROMIUM to its path.")
    with (
        speaking(tokens, RATE) as server,
        TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home,
        LabServer(Path(home), {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as jupyter,
        running_browser(program) as browser,
        opened_lab(browser, jupyter) as lab,
    ):
        said = [{"role": ("user", "assistant")[n % 2], "content": f"Sentence {n} of many."} for n in range(MESSAGES)]
        lines = [json.dumps({"messages": messages}) for messages in (said[2:4], said)]
        (jupyter.root / "long.jsonl").write_text("\n".join(lines))
        cells = ["%load_ext chatnb\n%chat new", "%chat panel", HTML, "%chat import long.jsonl"]
        lab.open_cells([*cells, "%%capture\n%chat open Sentence 0 of many."])
        lab.run(0)
        lab.run(1)
        yield lab


def _busy_panel(lab: Lab) -> list[float]:
    """Return how long the page was busy before each look at it, in milliseconds, while the panel is answered."""
    question = lab.page.get_by_role("textbox", name="Your question")
    question.fill(QUESTION)
    question.press("Enter")
    return _times(lab.js(_BUSY, [".chatnb-assistant", LAST_WORD]))


def _busy_html(lab: Lab) -> list[float]:
    """Return the same while a cell sets the value of a widget."""
    lab.start(2)
    return _times(lab.js(_BUSY, [".widget-html-content", LAST_WORD]))


def _long_session(lab: Lab, seconds: float) -> tuple[float, list[float]]:
    """Return the seconds until the last message is seen, and the milliseconds between frames of a scrolling reader."""
    lab.run(3)
    lab.js("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 4; }")
    opened_s = float(lab.js(_OPENED, f"Sentence {MESSAGES - 1} of"))
    return opened_s, _times(lab.js(_SCROLL, seconds))


def _shown_ms(lab: Lab, text: str) -> float:
    """Return the milliseconds from a message that brings a whole answer to the second frame behind it."""
    browser = lab.page.context.browser
    assert browser is not None
    with opened_panel(browser) as panel:
        answering(panel)
        return float(panel.page.evaluate(_SHOWN, blocks(*to_blocks(text))))


def _times(measured: list[Any]) -> list[float]:
    return [float(time) for time in measured]


def _percentile(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) * percent // 100, len(times) - 1)]
