"""Many coroutines and threads on one connector; giving up; an event loop that is never held up."""
from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import instant_connector as ic
import pandas  # noqa: F401 - imported before loops are timed
import pyarrow  # noqa: F401
import pytest
from instant_connector import InstantDataConnector, SyncInstantDataConnector

pytest_plugins = ["connectors"]


def running(connector: SyncInstantDataConnector, word: str) -> int:
    """How many sessions of the hub are busy with a query that has this word."""
    answer = connector.execute_query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
        "AND query LIKE %s", [f"%{word}%"], return_dataframe=False)
    return int(answer[0]["n"])


def sessions(connector: SyncInstantDataConnector, name: str) -> int:
    answer = connector.execute_query("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = %s", [name],
                                     return_dataframe=False)
    return int(answer[0]["n"])


async def eventually(condition: Any, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await asyncio.to_thread(condition):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_many_coroutines_at_once(aplain: InstantDataConnector) -> None:
    async def one(number: int) -> int:
        if number % 3 == 0:
            with pytest.raises(ic.DataError):
                await aplain.execute_query("SELECT 1 / 0")
        frame = await aplain.execute_query("SELECT %s::int AS n, pg_sleep(0.01)", [number])
        return int(frame.n[0])

    assert await asyncio.gather(*(one(number) for number in range(100))) == list(range(100))


def test_many_threads_at_once(plain: SyncInstantDataConnector) -> None:
    with ThreadPoolExecutor(16) as threads:
        work = [threads.submit(plain.query("SELECT %s::int AS n", [n]).rows) for n in range(300)]
        assert [done.result() for done in work] == [[{"n": n}] for n in range(300)]


@pytest.mark.parametrize("form", ["to_pandas", "to_arrow", "rows"])
async def test_a_canceled_task_stops_the_query(aplain: InstantDataConnector, plain: SyncInstantDataConnector,
                                               form: str) -> None:
    task = asyncio.create_task(getattr(aplain.query("SELECT pg_sleep(120), 'cancel_me'"), form)())
    assert await eventually(lambda: running(plain, "cancel_me") == 1)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 3
    assert await eventually(lambda: running(plain, "cancel_me") == 0)
    assert await aplain.execute_query("SELECT 1 AS one", return_dataframe=False) == [{"one": 1}]


async def test_a_task_canceled_while_rows_stream(aplain: InstantDataConnector, plain: SyncInstantDataConnector) -> None:
    async def load() -> None:
        await aplain.query("SELECT generate_series(1, 2000000000) AS stream_me").to_pandas()

    task = asyncio.create_task(load())
    assert await eventually(lambda: running(plain, "stream_me") == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await eventually(lambda: running(plain, "stream_me") == 0)


async def test_a_time_limit_of_asyncio(aplain: InstantDataConnector, plain: SyncInstantDataConnector) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await aplain.execute_query("SELECT pg_sleep(120), 'limit_me'")
    assert await eventually(lambda: running(plain, "limit_me") == 0)


async def test_canceling_what_waits_for_a_thread(hub_arguments: dict[str, Any]) -> None:
    async with InstantDataConnector(pool_size=2, **hub_arguments) as made:
        tasks = [asyncio.create_task(made.execute_query("SELECT pg_sleep(30)")) for _ in range(8)]
        await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers)
        assert await made.execute_query("SELECT 1 AS one", return_dataframe=False) == [{"one": 1}]


async def test_close_ends_what_is_under_way(hub_arguments: dict[str, Any], plain: SyncInstantDataConnector) -> None:
    made = InstantDataConnector(**hub_arguments)
    task = asyncio.create_task(made.execute_query("SELECT pg_sleep(120), 'close_me'"))
    assert await eventually(lambda: running(plain, "close_me") == 1)
    started = time.monotonic()
    await made.close()
    with pytest.raises(ic.Error):
        await task
    assert time.monotonic() - started < 5
    assert await eventually(lambda: running(plain, "close_me") == 0)


class Pulse:
    """How long the event loop was held up at most, while the block ran."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest_s = max(self.longest_s, time.perf_counter() - before - 0.001)

    async def __aenter__(self) -> Pulse:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0.01)
        self.longest_s = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()


BIG = ("SELECT i, i::int8 AS i8, i::float8 AS f, md5(i::text) AS t, date '2013-01-01' + i % 1000 AS d, "
       "timestamptz '2013-01-01' AS tz, nullif(i % 3, 0) AS n FROM generate_series(1, 400000) i")


@pytest.mark.quiet
@pytest.mark.parametrize("form", ["to_pandas", "to_arrow", "rows"])
async def test_the_event_loop_goes_on(aplain: InstantDataConnector, form: str) -> None:
    await getattr(aplain.query("SELECT 1 AS n, 'x' AS t, now() AS tz, current_date AS d"), form)()
    best = 1.0
    for _ in range(3):  # other programs hold the machine up too: the best of three is ours
        async with Pulse() as pulse:
            loaded = await getattr(aplain.query(BIG), form)()
        best = min(best, pulse.longest_s)
        if best < 0.05:
            break
    assert len(loaded) == 400000
    assert best < 0.05


async def test_batches_and_rows_of_an_asynchronous_result(aplain: InstantDataConnector) -> None:
    sizes = [batch.num_rows async for batch in aplain.query("SELECT generate_series(1, 2500) i").batches(1000)]
    assert sizes == [1000, 1000, 500]
    total = 0
    async for row in aplain.query("SELECT generate_series(1, 2500) AS i"):
        total += row["i"]
    assert total == 2500 * 2501 // 2
    rows = aplain.query("SELECT generate_series(1, 100000000) AS i").__aiter__()
    assert await rows.__anext__() == {"i": 1}
    await rows.aclose()


async def test_an_asynchronous_result(aplain: InstantDataConnector) -> None:
    lazy = aplain.query("SELECT 1 AS one")
    assert await lazy.sql() == "SELECT 1 AS one"
    assert (await lazy.to_polars()).to_dicts() == [{"one": 1}]
    assert "Result" in (await lazy.explain()).text
    assert "<table>" in lazy._repr_html_()
    assert lazy.stats["rows"] == 1


def test_connections_are_reused_and_let_go(hub_arguments: dict[str, Any], plain: SyncInstantDataConnector) -> None:
    name = "test_connections"
    with SyncInstantDataConnector(application_name=name, pool_size=3, **hub_arguments) as made:
        for number in range(30):
            lazy = made.query("SELECT generate_series(1, 100000) AS i")
            if number % 3 == 0:
                next(iter(lazy))
            elif number % 3 == 1:
                lazy.__arrow_c_stream__()
            else:
                with pytest.raises(ic.Error):
                    made.query("SELECT 1 / 0").rows()
        assert 1 <= sessions(plain, name) <= 3
    deadline = time.monotonic() + 5
    while sessions(plain, name) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sessions(plain, name) == 0


def test_a_full_pool_says_so(hub_arguments: dict[str, Any]) -> None:
    with SyncInstantDataConnector(pool_size=1, pool_timeout=0.3, **hub_arguments) as made:
        held = iter(made.query("SELECT generate_series(1, 100000000) AS i"))
        next(held)
        with pytest.raises(ic.OperationalError, match="connection"):
            made.query("SELECT 1").rows()
        held.close()
        assert made.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_memory_does_not_grow(plain: SyncInstantDataConnector) -> None:
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    lazy = plain.query("SELECT i, i::text AS t, now() AS ts FROM generate_series(1, 20000) i")

    def load() -> None:
        lazy.to_pandas()
        lazy.rows()
        lazy.to_arrow()

    for _ in range(10):
        load()
    before = resident()
    for _ in range(40):
        load()
    assert resident() - before < 20_000_000


SLEEPER = """
import sys
from instant_connector import SyncInstantDataConnector
with SyncInstantDataConnector() as connector:
    connector.query("SELECT 1").rows()
    print("ready", flush=True)
    try:
        connector.query("SELECT pg_sleep(120), 'interrupt_me'").rows()
    except KeyboardInterrupt:
        print(connector.query("SELECT 'usable' AS state").rows()[0]["state"], flush=True)
"""


def test_an_interrupt_cancels_the_query(instant_home: Any, hub_arguments: dict[str, Any]) -> None:
    with SyncInstantDataConnector(home=instant_home) as hub, \
            subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 10
        while running(hub, "interrupt_me") == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        started = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "usable\n"
        assert time.monotonic() - started < 5
        assert running(hub, "interrupt_me") == 0
    assert child.returncode == 0


def test_log_lines_come_from_any_thread(hub_arguments: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "instant_connector"), SyncInstantDataConnector(**hub_arguments) as made:
        threads = [threading.Thread(target=made.query("SELECT 1").rows) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "connection" in caplog.text
