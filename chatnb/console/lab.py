"""`chatnb lab`: JupyterLab on a copy of the first notebook, with a model that answers."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..chat import Chat
from ..errors import ChatError, SettingsError
from ..labextension import install
from ..models.base import ModelInfo
from ..settings import Settings
from . import flags
from .hints import in_shell
from .opening import configured

FIRST_NOTEBOOK = "01_first_chat.ipynb"
BUILT_IN_MODEL = "scripted:demo"


def run(parsed: argparse.Namespace) -> int:
    """Open JupyterLab and return its exit code."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError("JupyterLab is not installed here. `pip install 'chatnb[lab]'` brings it.")
    environment = dict(os.environ)
    settings = configured(parsed).settings()
    models, trouble = _models(settings)
    if models:
        chosen = settings.model or f"{models[0].name} (the first)"
        print(f"Ollama is there, with {len(models)} models; {chosen} will answer.")
    else:
        print(
            f"{in_shell(trouble, flags.COMMANDS)}\nUntil then chatnb's built-in script answers, so that you can look around."
        )
        environment["CHATNB_MODEL"] = BUILT_IN_MODEL
    notebook = Path(FIRST_NOTEBOOK)
    if not notebook.exists():
        notebook.write_text(_without_outputs(_first_notebook()), encoding="utf-8")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends this ends JupyterLab, too, as Ctrl-C does
    with tempfile.TemporaryDirectory() as labextensions:
        install(Path(labextensions))
        # An install in place, as of a checkout, brings neither of them to where Jupyter looks.
        extended = (
            f"--LabApp.extra_labextensions_path={labextensions}",
            "--ServerApp.jpserver_extensions=chatnb.server=True",
        )
        command = [sys.executable, "-m", "jupyter", "lab", str(notebook), *extended, *parsed.rest]
        with subprocess.Popen(command, env=environment) as jupyter:  # noqa: S603 - the user's own JupyterLab
            try:
                return jupyter.wait()
            except KeyboardInterrupt:  # Ctrl-C is how a JupyterLab is ended
                jupyter.terminate()  # it ends its kernels, and is waited for
                return 0


def _models(settings: Settings) -> tuple[Sequence[ModelInfo], str]:
    """Return the models that Ollama has, or none and why."""
    chat = Chat(settings=replace(settings, model=""))
    try:
        models = chat.portal.call(chat.catalog.provider(settings).models())
    except ChatError as error:
        return (), f"Ollama was not found. {error}"
    finally:
        chat.close()
    return (
        models,
        "" if models else "Ollama is there but has no models. `ollama pull llama3.2` gets a small one (2 GB).",
    )


def _without_outputs(path: Path) -> str:
    """Return a notebook as if none of its cells had run: its outputs hold a conversation, which would go on."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _first_notebook() -> Path:
    """Return where the first notebook lies: beside the package in a checkout, else where the wheel put it."""
    beside = Path(__file__).parents[2] / "notebooks" / FIRST_NOTEBOOK
    installed = Path(sysconfig.get_path("data")) / "share" / "chatnb" / "notebooks" / FIRST_NOTEBOOK
    return beside if beside.exists() else installed
