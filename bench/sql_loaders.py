"""One way to read a table of a SQL source into a DataFrame, and the process that times one of them.

    sql_loaders.py TOOL JSON      prints one line of JSON: the figures of one load

JSON: {"url", "sql", "hub"}: where to connect, what to ask, and the process of the hub's postmaster, or 0. CPU of the
hub is that of all its sessions and of what they started, while they are still there.
"""
from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """All that a process has started, and so on."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def work_of(pid: int) -> tuple[str, float, int]:
    """Name, CPU seconds so far and most resident bytes."""
    try:
        name, fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "", 0.0, 0
    peak = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return name.split("(", 1)[1], (int(fields.split()[11]) + int(fields.split()[12])) / TICKS, peak


def hub_work(hub: int) -> dict[int, tuple[str, float, int]]:
    return {pid: work_of(pid) for pid in children(hub)} if hub else {}


def instant(transfer: str) -> Callable[[str, str, Callable[[], None]], Any]:
    def load(url: str, sql: str, done: Callable[[], None]) -> Any:
        from instant_connector import SyncInstantDataConnector

        with SyncInstantDataConnector(postgres_config=url) as connector:
            frame = connector.query(sql, transfer=transfer).to_pandas()
            done()
        return frame

    return load


def connectorx(url: str, sql: str, done: Callable[[], None]) -> Any:
    import connectorx as library

    frame = library.read_sql(url, sql, return_type="pandas")
    done()
    return frame


def pymysql(url: str, sql: str, done: Callable[[], None]) -> Any:
    import pandas
    import pymysql as library

    parts = urlsplit(url)
    with library.connect(host=parts.hostname, port=parts.port, user=parts.username, password=parts.password or "",
                         database=parts.path[1:]) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        frame = pandas.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
        done()
    return frame


LOADERS: dict[str, tuple[Callable[[str, str, Callable[[], None]], Any], tuple[str, ...]]] = {
    "instant": (instant("arrow"), ("pandas", "pyarrow", "instant_connector")),
    "instant-copy": (instant("copy"), ("pandas", "pyarrow", "instant_connector")),
    "connectorx": (connectorx, ("pandas", "connectorx")),
    "pymysql": (pymysql, ("pandas", "pymysql")),
}


def main(tool: str, text: str) -> None:
    load, modules = LOADERS[tool]
    what = json.loads(text)
    for module in modules:
        importlib.import_module(module)
    before, after = hub_work(what["hub"]), {}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    wall = 0.0

    def done() -> None:
        nonlocal wall
        wall = time.perf_counter() - started
        after.update(hub_work(what["hub"]))

    frame = load(what["url"], what["sql"], done)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = {"source process": 0.0, "backend": 0.0}
    peak = {"source process": 0, "backend": 0}
    for pid, (name, seconds, most) in after.items():
        kind = "source process" if name.startswith("instant-source") else "backend"
        cpu[kind] += seconds - before.get(pid, ("", 0.0, 0))[1]
        if pid not in before:
            peak[kind] = max(peak[kind], most)
    print(json.dumps({
        "wall": wall, "client": used.ru_utime + used.ru_stime - usage.ru_utime - usage.ru_stime,
        "backend": cpu["backend"], "source": cpu["source process"], "backend_peak": peak["backend"],
        "source_peak": peak["source process"], "rows": len(frame),
        "checks": [int(frame["l_orderkey"].sum()), round(float(frame["l_quantity"].astype(float).sum()), 2)]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
