"""Run a real Jupyter Server with JupyterLab that knows nothing of the user's settings."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from tests import processes
from tests.ports import free_port

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
"""No request goes out, nothing pops up, and a notebook is saved only when a test says so."""


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """Write a notebook with these code cells; one that begins with `#md ` is a Markdown cell."""
    written: list[dict[str, Any]] = [
        {"id": f"cell-{number}", "metadata": {}, "cell_type": "markdown", "source": source.removeprefix("#md ")}
        if source.startswith("#md ")
        else {
            "id": f"cell-{number}",
            "metadata": {},
            "cell_type": "code",
            "source": source,
            "execution_count": None,
            "outputs": [],
        }
        for number, source in enumerate(cells)
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": written, "metadata": {"kernelspec": kernelspec}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    return path


class LabServer:
    """A server on a free port of the loopback address, with a token of its own.

    Parameters
    ----------
    home
        A folder for its settings, its log, and chatnb's data (`home / "chatnb"`).
    env
        Added to its environment, which its kernels inherit.
    settings
        JupyterLab's settings by plugin, over those that keep it quiet.
    program
        The module that starts it and its first words: JupyterLab's own, Notebook's, or `chatnb lab`.

    Attributes
    ----------
    pages
        Below which address it shows notebooks.
    """

    def __init__(
        self,
        home: Path,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        program: Sequence[str] = ("jupyterlab",),
    ) -> None:
        self.root = home / "notebooks"
        self._home, self._env, self._program = home, env or {}, program
        self.pages = "notebooks" if program[0] == "notebook" else "lab/tree"
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.token = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{free_port()}"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self._home / "server.log").read_text(errors="replace")

    def connection_file(self) -> Path:
        """Return the connection file of the newest kernel."""
        return self._home / "runtime" / f"kernel-{self._newest_kernel()}.json"

    def kernel_process(self) -> psutil.Process:
        """Return the process of the newest kernel."""
        kernel = self._newest_kernel()
        assert self._process is not None
        for process in psutil.Process(self._process.pid).children(recursive=True):
            if kernel in " ".join(process.cmdline()):
                return process
        raise LookupError(f"No process of the kernel {kernel} was found.")

    def end_kernels(self, but: str = "") -> None:
        """End every kernel, so that the next notebook begins with a fresh one; not that of the notebook `but`."""
        for session in self._get("/api/sessions"):
            if session["path"] != but:
                self._request("DELETE", f"/api/sessions/{session['id']}")

    def _newest_kernel(self) -> str:
        return str(self._get("/api/kernels")[-1]["id"])

    def __enter__(self) -> Self:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "CHATNB_HOME": "home",  # a folder called chatnb could hide the package
        }
        self.root.mkdir(parents=True, exist_ok=True)
        for plugin, values in self._settings.items():
            file = self._home / "settings" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        places = {name: str(self._home / folder) for name, folder in folders.items()}
        command = [
            sys.executable, "-m", *self._program, "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.url.rpartition(':')[2]}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            # the application's own API is steadier than its page
            "--expose-app-in-browser",
            "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        env = processes.environment(**places, **self._env)
        self._process = processes.start(command, env=env, log=self._home / "server.log", cwd=self.root)
        try:
            self._wait_until_it_answers()
        except BaseException:
            processes.kill(self._process)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            processes.stop(self._process)

    def _wait_until_it_answers(self, timeout_s: float = 60) -> None:
        end_at = time.monotonic() + timeout_s
        while True:
            try:
                self._get("/api/status")
            except httpx.HTTPError:
                has_ended = self._process is not None and self._process.poll() is not None
                if has_ended or time.monotonic() > end_at:
                    raise RuntimeError(f"JupyterLab did not start:\n{self.log[-3000:]}") from None
                time.sleep(0.1)
            else:
                return

    def _get(self, path: str) -> Any:
        return self._request("GET", path).json()

    def _request(self, method: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"token {self.token}"}
        answer = httpx.request(method, self.url + path, headers=headers, timeout=30, trust_env=False)
        return answer.raise_for_status()
