"""The cells that are compared: a question to chatnb, and the loop that somebody would write by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..kernel.kernels import Kernel, Pending, running_kernel
from ..kernel.run import Run

ANSWER = Path(__file__).with_name("answer.md")
"""Real Markdown: prose, lists, code, a table, formulas."""

QUESTION = "What does this error mean: KeyError: 'price'?"

OURS = f"%%chat\n{QUESTION}"

LOOP = f"""
for chunk in client.chat(model, [{{"role": "user", "content": {QUESTION!r}}}], stream=True):
    print(chunk.message.content, end="")
"""

LOOP_FLUSHED = LOOP.replace('end=""', 'end="", flush=True')

REDRAW = f"""
from IPython.display import Markdown, display
text, shown = "", display(Markdown(""), display_id=True)
for chunk in client.chat(model, [{{"role": "user", "content": {QUESTION!r}}}], stream=True):
    text += chunk.message.content
    shown.update(Markdown(text))
"""

# One client for all questions, which are asked at once, but as if by a person: more than five seconds after an answer
# httpx gives up the connection that it keeps.
_PREPARE = """
%load_ext chatnb
import httpx, ollama
client, model = ollama.Client("{url}", limits=httpx.Limits(keepalive_expiry=0)), "{model}"
"""


@contextmanager
def kernel_for(url: str, model: str = "tinychat") -> Iterator[Kernel]:
    """Start a kernel in which both cells run, and have run once: what is imported and connected is so."""
    with (
        TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home,
        running_kernel(Path(home), {"OLLAMA_HOST": url, "CHATNB_MODEL": model}) as kernel,
    ):
        ran(kernel, _PREPARE.format(url=url, model=model))
        ran(kernel, OURS)
        ran(kernel, LOOP)
        yield kernel


def ran(kernel: Kernel, code: str) -> Run:
    """Run a cell to its end; raises RuntimeError if it failed."""
    return succeeded(kernel.start(code))


def succeeded(pending: Pending) -> Run:
    """Wait for a cell's end; raises RuntimeError if it failed."""
    run = pending.wait(timeout_s=300)
    if run.status != "ok":
        raise RuntimeError(f"A measured cell failed: {run.error}")
    return run


def begin_anew(kernel: Kernel) -> None:
    """Begin a new session, so that no question carries the answers before it."""
    ran(kernel, "%chat new")


@dataclass(frozen=True, slots=True)
class Timed:
    """What one cell took."""

    run: Run
    cpu_s: float


def timed(kernel: Kernel, code: str) -> Timed:
    """Run a cell and take the kernel's processor time, all threads and what follows the cell's end included."""
    before_s = _cpu_s(kernel)
    run = ran(kernel, code)
    return Timed(run, _cpu_s(kernel) - before_s)


def _cpu_s(kernel: Kernel) -> float:
    # To the nanosecond; what the system tells other processes has steps of ten milliseconds.
    seconds: float = kernel.value("__import__('time').process_time()")
    return seconds


def shown_text(run: Run) -> Sequence[tuple[float, str]]:
    """Return when each message with text came, and that text."""
    shown = []
    for message in run.messages:
        content = message.content
        if message.type == "stream":
            shown.append((message.at, str(content["text"])))
        elif message.type in {"display_data", "update_display_data"}:
            shown.append((message.at, str(content["data"].get("text/markdown", ""))))
    return shown
