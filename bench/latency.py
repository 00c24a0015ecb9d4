#!/usr/bin/env python3
"""How long a small query takes, connection kept: one row of five columns by its key, and a first batch.

Every tool runs in this process, in blocks whose order is shuffled in each round. Printed are p50 and p99 of all
calls of a round, medians over the rounds, in microseconds, and the ratio of p50 to asyncpg's within the round.
"instant" is what users get with the extension on the hub, "instant-copy" without it.
"""
from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import asyncpg  # noqa: E402
import pandas  # noqa: E402
import psycopg  # noqa: E402
from bench_server import server_with_extension  # noqa: E402
from instant_connector import SyncInstantDataConnector  # noqa: E402
from scratch_servers import Scratch  # noqa: E402

ROWS = 100_000
TABLE = f"""
CREATE TABLE small AS
SELECT n AS id, 'name ' || n AS name, n * 1.5::float8 AS amount, date '2020-01-01' + n % 365 AS day, n % 2 = 0 AS flag
FROM generate_series(1, {ROWS}) AS n;
ALTER TABLE small ADD PRIMARY KEY (id);
ANALYZE small
"""
SQL = "SELECT * FROM small WHERE id = $1"


def timed(call: Callable[[int], Any], count: int, keys: random.Random) -> list[float]:
    times = []
    for _ in range(count):
        key = keys.randrange(1, ROWS)
        started = time.perf_counter()
        call(key)
        times.append((time.perf_counter() - started) * 1e6)
    return times


def tools(url: str, loop: asyncio.AbstractEventLoop) -> dict[str, Callable[[int, random.Random], list[float]]]:
    """Each takes (count, keys) and returns the microseconds of each call."""
    connector = SyncInstantDataConnector(postgres_config=url)
    pg = psycopg.connect(url, autocommit=True, prepare_threshold=1)
    asynchronous = loop.run_until_complete(asyncpg.connect(url))
    statement = loop.run_until_complete(asynchronous.prepare(SQL))

    def instant(form: str, transfer: str) -> Callable[[int, random.Random], list[float]]:
        def call(key: int) -> Any:
            return getattr(connector.query(SQL, [key], transfer=transfer), form)()

        return lambda count, keys: timed(call, count, keys)

    def psycopg_rows(key: int) -> Any:
        return pg.execute("SELECT * FROM small WHERE id = %s", (key,), prepare=True, binary=True).fetchall()

    def psycopg_frame(key: int) -> Any:
        cursor = pg.execute("SELECT * FROM small WHERE id = %s", (key,), prepare=True, binary=True)
        return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])

    def asyncpg_tool(as_frame: bool) -> Callable[[int, random.Random], list[float]]:
        async def many(count: int, keys: random.Random) -> list[float]:
            times = []
            for _ in range(count):
                key = keys.randrange(1, ROWS)
                started = time.perf_counter()
                records = await statement.fetch(key)
                if as_frame:
                    pandas.DataFrame.from_records(records, columns=list(records[0].keys()))
                times.append((time.perf_counter() - started) * 1e6)
            return times

        return lambda count, keys: loop.run_until_complete(many(count, keys))

    return {
        "asyncpg rows": asyncpg_tool(False), "psycopg rows": lambda n, k: timed(psycopg_rows, n, k),
        "instant rows": instant("rows", "auto"), "instant-copy rows": instant("rows", "copy"),
        "instant Arrow": instant("to_arrow", "auto"), "instant-copy Arrow": instant("to_arrow", "copy"),
        "asyncpg DataFrame": asyncpg_tool(True), "psycopg DataFrame": lambda n, k: timed(psycopg_frame, n, k),
        "instant DataFrame": instant("to_pandas", "auto"), "instant-copy DataFrame": instant("to_pandas", "copy"),
    }


def first_batches(url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from the call to the first batch of a big result."""
    times: dict[str, list[float]] = {}
    sql = "SELECT *, md5(id::text) FROM small"
    with SyncInstantDataConnector(postgres_config=url) as connector:
        for _ in range(rounds):
            for name, rows in (("of 1,000 rows", 1000), ("as they come", None)):
                started = time.perf_counter()
                batches: Any = connector.query(sql).batches(batch_rows=rows)
                next(iter(batches))
                times.setdefault(name, []).append((time.perf_counter() - started) * 1e3)
                batches.close()
    return times


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    shuffle = random.Random(arguments.seed)
    loop = asyncio.new_event_loop()
    with Scratch() as scratch:
        server = server_with_extension(scratch)
        server.sql(TABLE)
        url = f"postgresql://{server.username}@/postgres?host={server.directory}&port={server.port}"
        all_tools = tools(url, loop)
        for call in all_tools.values():
            call(50, shuffle)
        rounds: list[dict[str, list[float]]] = []
        for _ in range(arguments.rounds):
            order = shuffle.sample(list(all_tools), len(all_tools))
            rounds.append({name: all_tools[name](arguments.calls, shuffle) for name in order})
        batches = first_batches(url, arguments.rounds)

    print(f"one row of five columns by its key, unix socket, connection kept; {arguments.rounds} rounds of "
          f"{arguments.calls} calls, medians\n")
    print("| what | p50 µs | p99 µs | p50 ÷ asyncpg rows [min..max] |")
    print("|---|---|---|---|")
    for name in all_tools:
        p50 = [percentile(done[name], 0.5) for done in rounds]
        p99 = [percentile(done[name], 0.99) for done in rounds]
        ratios = [a / percentile(done["asyncpg rows"], 0.5) for a, done in zip(p50, rounds, strict=True)]
        print(f"| {name} | {statistics.median(p50):.0f} | {statistics.median(p99):.0f} "
              f"| {statistics.median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}] |")
    for name, times in batches.items():
        print(f"\nfirst batch {name}: median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
