"""What every test may ask for, and the rule that nothing is skipped in CI."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest
from _pytest._io import TerminalWriter
from hypothesis import HealthCheck, settings

from tests.kernel.kernels import Kernel, running_kernel
from tests.llamacpp.server import LlamaServer
from tests.ollama.finding import NoOllamaError, find
from tests.ollama.server import OllamaServer

# No law is timed: a busy machine is no broken law.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
Reporting: TypeAlias = Generator[None, Report, Report]


@pytest.hookimpl(trylast=True)  # once there is a terminal to write to
def pytest_configure(config: pytest.Config) -> None:
    """Let interrupts through, which what a shell runs in the background ignores, and tell failures in CI at once."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ToldAtOnce(config.get_terminal_writer()))


class ToldAtOnce:
    """Writes each failure when it is known: a run that is ended from outside never comes to its summary."""

    def __init__(self, terminal: TerminalWriter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a failure."""
        if report.failed:
            self._terminal.line(f"\n--- {report.nodeid} failed ({report.when})\n{report.longreprtext}\n")


@pytest.fixture(scope="session")
def ollama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """Run a real Ollama with `tinychat`, `tinythink` and `tinyplain`; whoever stops it uses `stoppable_ollama`."""
    try:
        found = find()
    except NoOllamaError as error:
        pytest.skip(str(error))
    server = OllamaServer(found, tmp_path_factory.mktemp("ollama"))
    try:
        server.start()
        server.create_models()
        yield server
    finally:
        server.close()


@pytest.fixture
def stoppable_ollama(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """Give the same server to a test that may stop it; it runs again afterwards."""
    if not ollama_server.is_ours:
        pytest.skip("needs an Ollama program that it may stop; CHATNB_TEST_OLLAMA names an address")
    yield ollama_server
    ollama_server.start()


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Run llama.cpp's own server with `tinychat`; whoever kills it starts it again."""
    server = LlamaServer(tmp_path_factory.mktemp("llamacpp"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """Run a fresh kernel; for one with an environment of its own use `running_kernel`."""
    with running_kernel(tmp_path) as kernel:
        yield kernel


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Reporting[pytest.TestReport]:
    """Turn a skipped test into a failed one in CI, where everything that a test needs is there."""
    report = yield
    return _never_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Reporting[pytest.CollectReport]:
    """Do the same for a file that skips itself."""
    report = yield
    return _never_skipped(report)


def _never_skipped(report: Report) -> Report:
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, but in CI nothing may be: {report.longrepr}"
    return report
