"""The clients of README, word for word, with a real Ollama."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.browser.driver import find_chromium, running_browser
from tests.ollama.server import OllamaServer
from tests.server.people import TOKENS
from tests.server.serving import ROOT, JupyterServer, jupyter_server

pytestmark = pytest.mark.ollama

TOKEN = next(iter(TOKENS))


def written(language: str) -> str:
    """Return the block of that language in README's section about other programs."""
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## From other programs")[2].partition("\n## ")[0]
    )
    (block,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def server(ollama_server: OllamaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    environment = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}
    with jupyter_server(tmp_path_factory.mktemp("server"), **environment) as server:
        yield server


def test_the_client_in_python_prints_the_answer(server: JupyterServer, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(written("python"))

    ran = [
        subprocess.run(
            [sys.executable, "ask.py", server.url, question],
            cwd=tmp_path,
            env=processes.environment(JUPYTER_TOKEN=TOKEN),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for question in ("What is the capital of France?", " ")
    ]

    assert "Paris" in ran[0].stdout
    assert ran[0].returncode == 0, ran[0].stderr
    assert "There is no question" in ran[1].stderr
    assert ran[1].returncode == 1


@pytest.mark.browser
def test_the_client_in_a_browsers_console_logs_the_answer(server: JupyterServer) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("No Chromium was found: install the package chromium, or set CHROMIUM to its path.")
    with running_browser(program) as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/lab?token={TOKEN}", wait_until="domcontentloaded")
        with page.expect_console_message(lambda message: "Paris" in message.text, timeout=60_000):
            page.evaluate(f"(() => {{{written('js')}}})()")
