"""Rows of a Dask DataFrame, asked about on the workers of a real cluster."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import dask.dataframe as dd
import pandas as pd  # type: ignore[import-untyped]
import pytest
from distributed import Client, LocalCluster

import chatnb
from chatnb.errors import SettingsError
from chatnb.settings import Settings
from tests.echoing import EchoServer
from tests.faults.script import Answer

ROWS, PARTITIONS = 150, 5


def test_a_worker_that_is_killed_half_way_loses_no_row_and_none_is_asked_again(tmp_path: Path) -> None:
    whole = dd.from_pandas(pd.DataFrame({"n": range(ROWS + 30)}), npartitions=PARTITIONS + 1)
    frame = whole[whole["n"] < ROWS]  # the last partition is empty
    with (
        EchoServer([Answer(rate=100)]) as server,
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        settings = Settings(model="tinychat", host=server.url, home=str(tmp_path), rules=False)
        victim = next(iter(client.run(os.getpid).values()))

        def kill_half_way() -> None:
            while len(server.chats) < ROWS // 3:
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill_half_way)
        killer.start()
        answers = chatnb.over(frame, "Say the number {n}", settings=settings)
        killer.join()
        table = answers.compute()
        workers = set(client.run(os.getpid).values())
        asked = Counter(server.asked)

    assert victim not in workers
    assert list(table["answer"]) == [f"Say the number {n}" for n in range(ROWS)]
    assert table["error"].isna().all()
    assert set(asked) == {f"Say the number {n}" for n in range(ROWS)}
    assert sum(asked.values()) - ROWS <= 4  # those that were on their way to the one that was killed


def test_what_is_wrong_with_the_prompt_is_told_before_any_worker_is_asked(tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": range(3)}), npartitions=2)

    with pytest.raises(SettingsError, match="no column of the table"):
        chatnb.over(frame, "Say {m}", settings=Settings(model="tinychat", home=str(tmp_path)))
