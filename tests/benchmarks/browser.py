"""How an answer of 4,000 tokens at 500 tokens/s gets to the screen of a real JupyterLab."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..browser.driver import PANEL, Lab, find_chromium, opened_lab, running_browser
from ..browser.frames import Frames
from ..browser.server import LabServer
from ..faults.server import FaultServer
from .cells import OURS, QUESTION
from .rows import Row
from .speaking import LAST_WORD, speaking

TOKENS, RATE = 4_000, 500

REDRAW = f"""
import time
from IPython.display import Markdown, display
text, due_at, shown = "", 0, display(Markdown(""), display_id=True)
for chunk in client.chat("tinychat", [{{"role": "user", "content": {QUESTION!r}}}], stream=True):
    text += chunk.message.content
    if time.monotonic() >= due_at or chunk.done:
        shown.update(Markdown(text))
        due_at = time.monotonic() + 0.1
"""

# When a frame first shows the last word, by the browser's clock.
_LOOK_OUT = f"""([index, word]) => {{
  const node = {PANEL}.content.widgets[index].outputArea.node;
  window.__chatnbSeen = new Promise(resolve => {{
    const look = () => node.textContent.includes(word)
      ? resolve((performance.timeOrigin + performance.now()) / 1000)
      : requestAnimationFrame(look);
    look();
  }});
}}"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one answer looked like.

    Attributes
    ----------
    behind_s
        From the model's last word to the frame that shows it.
    """

    behind_s: float
    frames: Frames
    outputs: int


def rows(quick: bool) -> Iterator[Row]:
    """Yield how late the last word is, and how much the page moves for a reader inside the answer."""
    program = find_chromium()
    if program is None:
        raise RuntimeError("No Chromium was found: install the package chromium, or set CHROMIUM to its path.")
    about = f"{TOKENS:,} tokens at {RATE} tokens/s in JupyterLab"
    with (
        speaking(TOKENS, RATE) as server,
        TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home,
        LabServer(Path(home), {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as jupyter,
        running_browser(program) as browser,
        opened_lab(browser, jupyter) as lab,
    ):
        cells = ["%load_ext chatnb\nimport ollama\nclient = ollama.Client()", OURS, REDRAW]
        lab.open_cells([*cells, "#md " + "Text below the answer. " * 500])
        lab.run(0)
        seen = _shown(lab, server, 1)
        yield Row(f"last word on the screen, {about}", seen.behind_s, "s", 1.5, "the model's last word")
        yield Row("the same: times that the output became lower", len(seen.frames.height_drops), "", 0, "none")
        yield Row("the same: jumps for a reader inside the answer", len(seen.frames.scroll_jumps), "", 0, "none")
        yield Row("the same: outputs in the saved notebook", seen.outputs, "", 1, "none")
        if not quick:
            behind_s = _shown(lab, server, 2).behind_s
            yield Row("the same, the whole text redrawn ten times a second", behind_s, "s", None, "the same")


def _shown(lab: Lab, server: FaultServer, index: int) -> _Seen:
    """Run a cell; a reader looks at the answer from its first screen on."""
    lab.start(index)
    lab.js(_LOOK_OUT, [index, LAST_WORD])
    lab.wait_for_text(index, "Why it happens")
    # Once there is more than a screen, a jump can be seen.
    tall = f"(i) => {PANEL}.content.widgets[i].outputArea.node.getBoundingClientRect().height > 1500"
    lab.page.wait_for_function(tall, arg=index)
    lab.js(f"(i) => {PANEL}.content.scrollToItem(i, 'start')", index)
    lab.page.wait_for_timeout(200)
    lab.js(f"() => {{ {PANEL}.content.node.querySelector('.jp-WindowedPanel-outer').scrollTop += 300; }}")
    lab.page.wait_for_timeout(200)
    lab.watch_frames(index)
    lab.page.wait_for_function("() => window.__chatnbRan === true", timeout=300_000)
    seen_at = lab.js("() => window.__chatnbSeen")
    lab.page.wait_for_timeout(1_000)
    said_at = server.exchanges[-1].last_token_at
    if said_at is None:
        raise RuntimeError("The model said nothing.")
    behind_s = seen_at - (said_at + time.time() - time.monotonic())
    return _Seen(behind_s, lab.frames(), len(lab.save()["cells"][index]["outputs"]))
