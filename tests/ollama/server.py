"""A real Ollama server for a test session, with the tiny models."""

import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests import processes
from tests.ollama.finding import Address, Program
from tests.ollama.modelfile import create_models
from tests.ports import free_port


class OllamaServer:
    """A server of our own on a free port of the loopback address, or one that ran before and is left running.

    Parameters
    ----------
    found
        The program, or the address of the running one.
    state
        A folder for everything that our own writes: its models, key and log.
    """

    def __init__(self, found: Address | Program, state: Path) -> None:
        self._found, self._state = found, state
        self._process: subprocess.Popen[bytes] | None = None
        self.url = found.url if isinstance(found, Address) else f"http://127.0.0.1:{free_port()}"

    @property
    def is_ours(self) -> bool:
        """Whether it can be stopped and looked into."""
        return isinstance(self._found, Program)

    @property
    def pid(self) -> int:
        """The process id of our own server."""
        return self._running().pid

    @property
    def log(self) -> str:
        """What our own server wrote so far."""
        return (self._state / "serve.log").read_text(errors="replace")

    def start(self) -> None:
        """Start it, on the same port as before, and wait until it answers."""
        if isinstance(self._found, Program) and self._process is None:
            env = processes.environment(
                HOME=str(self._state),
                OLLAMA_HOST=self.url.removeprefix("http://"),
                OLLAMA_MODELS=str(self._state / "models"),
                OLLAMA_NOHISTORY="1",
                OLLAMA_NUM_PARALLEL="2",
            )
            self._process = processes.start([self._found.path, "serve"], env=env, log=self._state / "serve.log")
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it in good order, with its runners."""
        process, self._process = self._running(), None
        processes.stop(process)

    def kill(self) -> None:
        """Kill it and its runners, as a crash or the system's lack of memory does."""
        process, self._process = self._running(), None
        processes.kill(process)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End our own, if it still runs."""
        if self._process is not None:
            self.stop()

    def loaded(self) -> list[str]:
        """Return the names of the models in memory."""
        return [model["name"] for model in self._get("/api/ps")["models"]]

    def is_busy(self, window_s: float = 0.2) -> bool:
        """Whether our own server is generating: its runners use more than a quarter of a processor for `window_s`."""
        before_s, began_at = self._runners_cpu_s(), time.monotonic()
        time.sleep(window_s)
        return self._runners_cpu_s() - before_s > 0.25 * (time.monotonic() - began_at)

    def wait_until_idle(self, timeout_s: float = 10) -> None:
        """Wait until it no longer generates.

        Raises
        ------
        AssertionError
            If it still does after `timeout_s`.
        """
        end_at = time.monotonic() + timeout_s
        while self.is_busy():
            if time.monotonic() > end_at:
                raise AssertionError(f"Ollama was still generating after {timeout_s} s.")

    def _runners_cpu_s(self) -> float:
        total_s = 0.0
        for runner in psutil.Process(self.pid).children(recursive=True):
            try:
                times = runner.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total_s += times.user + times.system
        return total_s

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            pytest.skip("needs an Ollama program that it may stop and look into; CHATNB_TEST_OLLAMA names an address")
        return self._process

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(self.url + path, timeout=10, trust_env=False).raise_for_status().json()
        return answer

    def _wait_until_it_answers(self, timeout_s: float = 30) -> None:
        end_at = time.monotonic() + timeout_s
        while True:
            try:
                self._get("/api/version")
            except httpx.TransportError:
                if self._process is not None and self._process.poll() is not None:
                    raise RuntimeError(f"Ollama ended at once:\n{self.log[-2000:]}") from None
                if time.monotonic() > end_at:
                    raise RuntimeError(f"Ollama at {self.url} did not answer within {timeout_s} s.") from None
                time.sleep(0.05)
            else:
                return

    def create_models(self) -> None:
        """Give it the tiny models."""
        create_models(self.url)
