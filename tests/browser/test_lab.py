"""The first minute: `chatnb lab` opens JupyterLab on a notebook that answers."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.driver import Lab, opened_lab
from tests.browser.server import LabServer
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.browser

NOTEBOOK = "01_first_chat.ipynb"
FIRST = Path(__file__).parents[2] / "notebooks" / NOTEBOOK


def lab_server(home: Path, ollama_host: str) -> LabServer:
    temporary = home / "temporary"
    temporary.mkdir()
    return LabServer(home, env={"OLLAMA_HOST": ollama_host, "TMPDIR": str(temporary)}, program=("chatnb", "lab"))


def run_all(lab: Lab) -> list[str]:
    """Run every cell of the first notebook and return what each code cell shows."""
    lab.open(NOTEBOOK)
    texts = []
    for index, cell in enumerate(json.loads(FIRST.read_text())["cells"]):
        if cell["cell_type"] == "code":
            lab.run(index)
            assert "error" not in {output["output_type"] for output in lab.outputs(index)}
            texts.append(lab.output_text(index))
    return texts


def test_without_ollama_it_says_so_and_a_script_answers(tmp_path: Path, browser: Browser) -> None:
    with lab_server(tmp_path, "127.0.0.1:1") as server, opened_lab(browser, server) as lab:
        texts = run_all(lab)
        lab.screenshot("first_minute_without_ollama")
        token = {"Authorization": f"token {server.token}"}
        extended = list((tmp_path / "temporary").glob("tmp*"))
        listed = httpx.get(f"{server.url}/chatnb/sessions", headers=token, trust_env=False, timeout=30).json()

        assert "Ollama was not found" in server.log
        assert texts[1].startswith("A KeyError means that you asked a dictionary")  # no earlier conversation goes on
        assert lab.js("() => 'chatnb' in window._JUPYTERLAB")  # the labextension
        # The server knows what the kernel keeps: with a token there is one user.
        assert "What does KeyError mean?" in [each["title"] for each in listed["sessions"]]
        assert extended

    # Ended by a signal it ends JupyterLab, which ends its kernels, and leaves nothing behind.
    assert "Shutting down 1 kernel" in server.log
    assert not [folder for folder in extended if folder.exists()]


@pytest.mark.ollama
def test_with_ollama_its_model_answers(tmp_path: Path, browser: Browser, ollama_server: OllamaServer) -> None:
    with lab_server(tmp_path, ollama_server.url) as server, opened_lab(browser, server) as lab:
        texts = run_all(lab)
        lab.scroll_to(0)
        lab.screenshot("first_minute_with_ollama")

        assert "Ollama is there, with 3 models" in server.log
        assert "tokens/s" in texts[1]


@pytest.mark.ollama
def test_after_a_restart_of_the_kernel_the_notebook_goes_on(
    tmp_path: Path, browser: Browser, ollama_server: OllamaServer
) -> None:
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}
    with LabServer(tmp_path, env=env) as server, opened_lab(browser, server) as lab:
        lab.open_cells(["%load_ext chatnb", "%%chat\nMy name is Ada.", "%%chat\nWhat is my name?"])
        lab.run(0)
        lab.run(1)

        lab.restart()
        lab.run(0)
        lab.run(2)

        assert "Your name is Ada." in lab.output_text(2)
