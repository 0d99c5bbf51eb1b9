"""Programs that tests start: none of them outlives the test run."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without proxies and settings of Ollama, chatnb and Jupyter, then changed."""
    foreign = ("OLLAMA_", "CHATNB_", "JUPYTER", "JPY_", "IPYTHON", "PYTEST_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in PROXIES and not name.startswith(foreign) and name != "COLUMNS"
    }
    return {**kept, **changes}


def start(
    command: Sequence[str | Path], *, env: Mapping[str, str], log: Path, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that writes to `log`, in a process group of its own; on Linux it ends with the thread that starts it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  one call, no locks
        )


def stop(process: subprocess.Popen[bytes], timeout_s: float = 10) -> None:
    """Ask a server to end; after `timeout_s`, and for what it left behind, kill its group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout_s)
    kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a server and all that it started, as a crash would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def is_running(pid: int) -> bool:
    """Whether a process still runs; one that has ended stays in the list until somebody asks how."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _end_with_parent() -> None:
    # A test run that is killed tears nothing down: prctl(PR_SET_PDEATHSIG, SIGTERM) does it.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
