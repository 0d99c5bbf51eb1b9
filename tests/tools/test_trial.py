"""Code is tried out in a real fork: what it would do is told, and nothing of it happens."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import psutil
import pytest

from chatnb.tools.trial import Change, Trial, try_run
from tests.context.shells import Typed, typed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a\n1\n")
    before = set(psutil.Process().children())
    with typed() as terminal:
        yield terminal
    # A fork that is left would hold what the process holds; what others have started may end meanwhile.
    assert set(psutil.Process().children()) <= before


def trial(terminal: Typed, code: str, time_limit_s: float = 100) -> Trial:
    return try_run(code, terminal.shell, Path.cwd(), time_limit_s)


def test_it_is_told_what_would_become_of_the_variables_and_nothing_does(terminal: Typed) -> None:
    names = terminal.shell.user_ns
    names.update(n=3, rows=[1], big=np.zeros(3), df=pd.DataFrame({"a": [1, 2]}))

    tried = trial(terminal, "x = n + 1\nn = 7\nrows.append(2)\ndel big\ndf.loc[0, 'a'] = 9\nprint('hi')")

    assert set(tried.variables) == {
        Change("x", "", "int: 4"),
        Change("n", "int: 3", "int: 7"),
        Change("rows", "list of 1 element: int", "list of 2 elements: int"),
        Change("big", "numpy.ndarray, shape (3,), float64", ""),
        Change("df", *["pandas.DataFrame, 2 rows x 1 column"] * 2),
    }
    assert (tried.text, tried.is_error, tried.refused, tried.written) == ("hi", False, (), ())
    assert (names["n"], names["rows"], len(names["big"]), list(names["df"]["a"])) == (3, [1], 3, [1, 2])
    assert "x" not in names


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("open('b.csv', 'w')", "write b.csv"),
        ("open('a.csv', 'r+')", "write a.csv"),
        ("import os; os.open('b.csv', os.O_CREAT | os.O_WRONLY)", "write b.csv"),
        ("from pathlib import Path; Path('a.csv').unlink()", "remove a.csv"),
        ("import os; os.rename('a.csv', 'b.csv')", "rename a.csv"),
        ("import os; os.truncate('a.csv', 0)", "cut a.csv"),
        ("import os; os.mkdir('d')", "make the folder d"),
        ("import shutil; shutil.copy('a.csv', 'b.csv')", "write b.csv"),
        ("import sqlite3; sqlite3.connect('b.db')", "open the database b.db"),
        ("import subprocess; subprocess.run(['touch', 'b'])", "run touch b"),
        ("import os; os.system('touch b')", "run touch b"),
        ("!touch b", "run touch b"),
        ("%%bash\ntouch b", "run bash"),
        ("import os; os.fork()", "fork the process"),
        # its number is another one in each process that collects
        pytest.param(
            "import os, signal; os.kill(os.getppid(), signal.SIGTERM)", f"signal the process {os.getpid()}", id="signal"
        ),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "look up 127.0.0.1"),
        ("import socket; socket.socket().connect(('127.0.0.1', 9))", "connect to 127.0.0.1:9"),
        ("try:\n    open('b.csv', 'w')\nexcept OSError:\n    pass", "write b.csv"),
    ],
)
def test_what_would_leave_traces_is_refused_and_told(terminal: Typed, code: str, refused: str) -> None:
    tried = trial(terminal, code)

    assert refused in tried.refused
    assert f"it would {refused}" in str(tried)
    assert [path.name for path in Path.cwd().iterdir()] == ["a.csv"]
    assert Path("a.csv").read_text() == "a\n1\n"
    assert tried.written == ()


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
@pytest.mark.parametrize(
    "code",
    [
        "import ctypes; assert ctypes.CDLL(None).creat(b'b.csv', 0o644) == -1",
        "import ctypes; assert ctypes.CDLL(None).unlink(b'a.csv') == -1",
        "import pandas as pd; pd.DataFrame({'a': [1]}).to_parquet('a.csv')",
        "import polars as pl; pl.DataFrame({'a': [1]}).write_parquet('a.csv')",
        "import pyarrow as pa; pa.OSFile('a.csv', 'wb')",
    ],
)
def test_libraries_in_c_cannot_write_either(terminal: Typed, code: str) -> None:
    # Where polars was used before, its threads are not in the fork, and it waits for them: the limit ends that.
    tried = trial(terminal, code, time_limit_s=20)

    assert [path.name for path in Path.cwd().iterdir()] == ["a.csv"]
    assert Path("a.csv").read_text() == "a\n1\n"
    assert tried.written == ()
    assert tried.is_error == ("ctypes" not in code)


@pytest.mark.parametrize("code", ["f.write('x'); f.flush()", "f.read()", "import os; os.write(f.fileno(), b'x')"])
def test_what_the_user_has_open_is_not_touched(terminal: Typed, code: str) -> None:
    with Path("a.csv").open("r+", encoding="utf-8") as file:
        terminal.shell.user_ns["f"] = file

        tried = trial(terminal, code)

        assert tried.is_error
        assert file.read() == "a\n1\n"


def test_a_connection_of_the_users_is_not_touched(terminal: Typed) -> None:
    ours, theirs = socket.socketpair()
    terminal.shell.user_ns["s"] = ours

    tried = trial(terminal, "s.send(b'hello')")

    assert tried.is_error
    theirs.settimeout(0)
    with ours, theirs, pytest.raises(BlockingIOError):
        theirs.recv(1)


def test_reading_and_importing_work(terminal: Typed) -> None:
    tried = trial(terminal, "import pandas as pd\nimport colorsys\nlen(pd.read_csv('a.csv'))")

    assert (tried.text, tried.is_error, tried.refused) == ("1", False, ())


def test_an_error_is_told_in_short(terminal: Typed) -> None:
    tried = trial(terminal, "x = 1\n1 / 0")

    assert tried.is_error
    assert tried.text == "ZeroDivisionError: division by zero"
    assert tried.variables == (Change("x", "", "int: 1"),)


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import threading; threading.Lock().acquire(), threading.Event().wait()",
    ],
)
def test_what_does_not_end_is_ended(terminal: Typed, code: str) -> None:
    tried = trial(terminal, code, time_limit_s=0.5)

    assert tried.is_error
    assert tried.text == "It had not ended after 0.5 s."


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os._exit(3)", "with the code 3"),
        ("import os, signal; signal.raise_signal(signal.SIGTERM)", "by the signal SIGTERM"),
        ("import ctypes; ctypes.string_at(0)", "by the signal SIG"),
        ("import os; os.closerange(3, 1000)", "ended"),
    ],
)
def test_code_that_ends_its_process_is_told(terminal: Typed, code: str, why: str) -> None:
    tried = trial(terminal, code)

    assert tried.is_error
    assert why in tried.text


def test_memory_is_limited(terminal: Typed) -> None:
    tried = try_run("z = bytearray(400_000_000)", terminal.shell, Path.cwd(), memory_limit_bytes=200_000_000)

    assert tried.is_error
    assert "MemoryError" in tried.text


def test_an_interrupt_ends_it(terminal: Typed) -> None:
    meanwhile = once_it_has_begun(lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        trial(terminal, "open('begun').close()\nwhile True: pass")

    meanwhile.join()


def test_a_file_that_another_process_writes_meanwhile_is_told(terminal: Typed, tmp_path: Path) -> None:
    os.mkfifo("written")

    def write() -> None:
        (tmp_path / "log").touch()
        (tmp_path / "written").open("w").close()

    meanwhile = once_it_has_begun(write)

    tried = trial(terminal, "open('begun').close(); open('written').close()")

    meanwhile.join()
    assert tried.written == ("log",)


def test_what_cannot_be_compared_is_told(terminal: Typed) -> None:
    class Model:
        pass

    terminal.shell.user_ns["model"] = Model()

    tried = trial(terminal, "model.fit = 1")

    assert "model" in str(tried)


def once_it_has_begun(do: Callable[[], object]) -> threading.Thread:
    """Return a thread that does something once the code of a trial has opened the pipe `begun`; it runs.

    Whoever opens a named pipe waits for whoever opens its other end.
    """
    pipe = Path("begun").absolute()
    os.mkfifo(pipe)

    def wait() -> None:
        with pipe.open("w"):
            pass
        do()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread
