"""Rows of a Dask DataFrame, asked about on the workers of a real cluster."""

import gc
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd  # type: ignore[import-untyped]
import pytest
from distributed import Client, LocalCluster

import chatnb
from chatnb import Chat
from chatnb.errors import ChatInterrupted, ModelNotFound, SettingsError
from chatnb.rows.each_row import EachRow
from chatnb.rows.many import Progress
from chatnb.rows.partitions import run_on_workers
from chatnb.settings import RetryPolicy, Settings
from tests.echoing import EchoServer
from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer

# A cluster that is closed leaves connections and coroutines of its own behind.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ROWS, PARTITIONS = 150, 5

# How long the places of a worker that was killed stay taken.
QUICK = {
    "distributed.scheduler.locks.lease-timeout": "1s",
    "distributed.scheduler.locks.lease-validation-interval": "200ms",
}


def settings_of(server: FaultServer, home: Path, **more: Any) -> Settings:
    policy = RetryPolicy(attempts=1)
    return Settings(model="tinychat", host=server.url, home=str(home), rules=False, retry=policy, **more)


@pytest.mark.timeout(300)  # three starts of a worker, which imports Dask
def test_a_worker_that_is_killed_half_way_loses_no_row_and_none_is_asked_again(tmp_path: Path) -> None:
    whole = dd.from_pandas(pd.DataFrame({"n": range(ROWS + 30)}), npartitions=PARTITIONS + 1)
    frame = whole[whole["n"] < ROWS]  # the last partition is empty
    with (
        EchoServer([Answer(rate=100)]) as server,
        dask.config.set(QUICK),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        settings = settings_of(server, tmp_path)
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


@pytest.fixture
def cluster() -> Iterator[Client]:
    """Run two workers with two threads each in this process."""
    with (
        dask.config.set({**QUICK, "distributed.scheduler.locks.lease-timeout": "10s"}),  # a busy machine loses none
        LocalCluster(n_workers=2, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client
    gc.collect()  # here, where it is ignored


def wait_until_idle(client: Client) -> None:
    """Wait for tasks that were given up: they run to their end all the same, and are not to find their server gone."""
    cluster: Any = client.cluster
    while any(worker.active_threads for worker in cluster.workers.values()):
        time.sleep(0.01)


@pytest.mark.usefixtures("cluster")
def test_all_workers_together_keep_to_the_limit_of_a_server_and_are_one_bar(tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": range(40)}), npartitions=8)
    far: list[Progress] = []
    with EchoServer([Answer(rate=200)]) as server:
        each = EachRow("Say the number {n}", settings_of(server, tmp_path, parallel=3), price=(1, 2))
        with closing(Chat(settings=each.settings)) as chat:
            run_on_workers(frame, each, chat, far.append)
        spans = [(asked.asked_at, asked.last_token_at or 0) for asked in server.chats]

    assert max(sum(began <= at < ended for began, ended in spans) for at, _ in spans) <= 3
    assert [each.asked for each in far] == sorted(each.asked for each in far)
    assert far[0].asked == 0
    assert (far[-1].total, far[-1].asked, far[-1].left, far[-1].reply_tokens) == (40, 40, 0, 160)
    assert far[-1].price == (1, 2)


def test_an_interrupt_ends_the_asking_of_all_workers(cluster: Client, tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": range(5_000)}), npartitions=4)

    def stop(far: Progress) -> None:
        if far.asked:
            raise KeyboardInterrupt

    with EchoServer() as server:
        each = EachRow("Say {n}", settings_of(server, tmp_path))
        with closing(Chat(settings=each.settings)) as chat, pytest.raises(ChatInterrupted, match="is kept"):
            run_on_workers(frame, each, chat, stop)
        wait_until_idle(cluster)
        asks = len(server.chats)

    assert 0 < asks < 5_000


def test_where_the_first_rows_of_a_partition_fail_alike_the_call_fails(cluster: Client, tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": range(400)}), npartitions=4)
    with FaultServer([Status(404)]) as server:
        with pytest.raises(ModelNotFound, match="The first 5 rows failed"):
            chatnb.over(frame, "Say {n}", settings=settings_of(server, tmp_path))
        wait_until_idle(cluster)
        assert len(server.chats) < 400


def test_without_a_cluster_this_process_asks(tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": [3, 1, 2]}, index=[7, 7, 5]), npartitions=2, sort=False)
    with EchoServer() as server:
        answers = chatnb.over(frame, "Say {n}", settings=settings_of(server, tmp_path))

    assert isinstance(answers, dd.DataFrame)
    assert list(answers.compute()["answer"]) == ["Say 3", "Say 1", "Say 2"]
    assert list(answers.compute().index) == [7, 7, 5]


def test_without_the_extra_it_is_told_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "chatnb.rows.partitions")
    frame = dd.from_pandas(pd.DataFrame({"n": range(3)}), npartitions=2)

    with pytest.raises(SettingsError, match=r"pip install 'chatnb\[dask\]'"):
        chatnb.over(frame, "Say {n}", settings=Settings(model="tinychat", home=str(tmp_path)))


def test_what_is_wrong_with_the_prompt_is_told_before_any_worker_is_asked(tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"n": range(3)}), npartitions=2)

    with pytest.raises(SettingsError, match="no column of the table"):
        chatnb.over(frame, "Say {m}", settings=Settings(model="tinychat", home=str(tmp_path)))
