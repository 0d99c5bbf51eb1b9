"""What the tests themselves promise: nothing is skipped in CI, and no program outlives them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import processes

ROOT = Path(__file__).parents[1]
SKIPPING = """
import pytest

def test_skipped():
    pytest.skip("no Ollama here")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    assert False
"""


def pytest_in(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with this project's rule about skipping, and nothing else of it."""
    hooks = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport\n"
    (folder / "conftest.py").write_text(hooks)
    quiet = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**quiet, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("env", "outcome"), [({}, "1 skipped, 1 xfailed"), ({"CI": "true"}, "1 failed, 1 xfailed")])
def test_a_skipped_test_fails_in_ci_only(tmp_path: Path, env: dict[str, str], outcome: str) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPING)

    result = pytest_in(tmp_path, **env)

    assert outcome in result.stdout
    assert result.returncode == bool(env)


def test_a_file_that_skips_itself_fails_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\npytest.skip('not here', allow_module_level=True)")

    result = pytest_in(tmp_path, CI="true")

    assert "in CI nothing may be" in result.stdout
    assert result.returncode != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a program with the one that started it")
def test_a_server_does_not_outlive_a_test_run_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests import processes\n"
        "server = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'], env=dict(os.environ),"
        " log=Path('server.log'))\n"
        "print(server.pid, flush=True); os._exit(1)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=False
    )

    pid = int(result.stdout)
    end_at = time.monotonic() + 10
    while processes.is_running(pid):
        assert time.monotonic() < end_at, "The server still runs."
        time.sleep(0.05)
