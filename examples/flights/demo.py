#!/usr/bin/env python3
"""One question for two databases and an API: what `make demo` shows, and what a program of yours could look like.

run.py starts the databases that sources.yaml names, and then this.
"""
from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from instant_connector import SyncInstantDataConnector

SOURCES = Path(__file__).with_name("sources.yaml")

QUESTION = """
SELECT a.name AS airline, d.timezone AS flew_to, count(*) AS flights,
       round(avg(f.dep_delay), 1) AS mean_delay, max(f.dep_delay) AS worst
FROM flights f                                   -- PostgreSQL
JOIN planes p ON p.tailnum = f.tailnum           -- MariaDB
JOIN airlines a ON a.carrier = f.carrier         -- MariaDB
JOIN airports d ON d.faa = f.dest                -- a REST API
WHERE f.month = 7 AND f.origin = 'JFK' AND p.seats >= 150
GROUP BY a.name, d.timezone
ORDER BY mean_delay DESC
LIMIT 8
"""


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def timed(what: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    answer = work()
    print(f"({what}: {1000 * (time.perf_counter() - started):,.0f} ms)")
    return answer


def main() -> None:
    pd.set_option("display.width", 80, "display.max_columns", 20)

    with SyncInstantDataConnector(config_path=str(SOURCES)) as connector:
        heading("1. A hub of your own, set up from sources.yaml")
        timed("make the hub, connect to the sources, import tables", connector.setup_fdw_infrastructure)

        heading("2. The tables of all three servers")
        for name, table in connector.list_available_tables().items():
            rows = table["estimated_rows"]
            about = f"about {rows:,} rows" if rows is not None else ""
            print(f"   {name:9} {len(table['columns']):3} columns  {table['source']:11} {table['wrapper']:14} {about}")

        heading("3. A lazy load: only these rows and columns travel")
        frame = timed("filtered load", lambda: connector.lazy_load_table(
            "flights",
            filters={"month": 7, "dest": ["SFO", "LAX"], "dep_delay": {"gt": 240}},
            columns=["month", "day", "carrier", "flight", "origin", "dest", "dep_delay"],
            order_by="-dep_delay", limit=5))
        print(frame.to_string(index=False))

        heading("4. A join across PostgreSQL, MariaDB and a REST API")
        print(QUESTION.strip())
        print()
        result = connector.query(QUESTION)
        frame = timed("join and aggregate", result.to_pandas)
        print(frame.to_string(index=False))

        heading("5. What each server was asked")
        for piece in connector.query(QUESTION).explain().remote:
            print(f"   {piece['server']}:")
            print(textwrap.fill(piece["remote_sql"], 76, initial_indent=" " * 6, subsequent_indent=" " * 6))

        heading("6. All 336,776 flights, into a DataFrame")
        frame = timed("load", lambda: connector.lazy_load_table("flights"))
        print(f"{len(frame):,} rows × {len(frame.columns)} columns, {frame.memory_usage().sum() / 1e6:.0f} MB")

    heading("Where to go next")
    print("   examples/flights/run.py bash      the same servers, to play with")
    print("   docs/guide/quickstart.md          the same, step by step")
    print("   make test                         every test, against real servers")


if __name__ == "__main__":
    main()
