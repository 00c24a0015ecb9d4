#!/usr/bin/env python3
"""Tables of PostgreSQL and MariaDB through the hub, beside the other wrappers and beside reading them directly.

    sql.py postgres     TPC-H's lineitem, 3 M rows of 16 columns, into a DataFrame: the adapter postgres, postgres_fdw,
                        and our own library straight from the source (by COPY, and by the extension there)
    sql.py mysql        the same of MariaDB: the adapter mysql, mysql_fdw, and connectorx and pymysql + pandas directly
    sql.py join         300 keys of a table of the hub joined with lineitem of MariaDB: one statement, and two steps

A round runs every tool once, in an order shuffled by the seed, each load in a fresh process; ratios are within a round.
CPU is user + system time of the client, the hub's backend and the source process (instant-source); the source server's
own is not counted. Each bar of the comparison is printed with "holds" or "MISSED".
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import psycopg  # noqa: E402
from bench_server import processor, server_with_extension  # noqa: E402
from loads import LINEITEM, LOADS, lineitem_csv, make  # noqa: E402
from scratch_servers import MariaDBServer, PostgresServer, Scratch  # noqa: E402

Figures = dict[str, Any]
Rounds = list[dict[str, Figures]]

COLUMNS = LINEITEM[LINEITEM.index("("):].strip()
SELECT = "SELECT * FROM {}lineitem"

POSTGRES = """
CREATE SERVER ours FOREIGN DATA WRAPPER instant_postgres OPTIONS (host '{host}', port '{port}', dbname 'postgres');
CREATE USER MAPPING FOR PUBLIC SERVER ours OPTIONS (user '{user}', password '{password}');
CREATE SCHEMA ours; CREATE SCHEMA theirs;
CREATE FOREIGN TABLE ours.lineitem {columns} SERVER ours OPTIONS (schema 'public', table 'lineitem');
CREATE EXTENSION postgres_fdw;
CREATE SERVER theirs FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '{host}', port '{port}', dbname 'postgres', fetch_size '10000');
CREATE USER MAPPING FOR PUBLIC SERVER theirs OPTIONS (user '{user}', password '{password}');
CREATE FOREIGN TABLE theirs.lineitem {columns} SERVER theirs OPTIONS (schema_name 'public', table_name 'lineitem');
"""

MYSQL = """
CREATE SERVER ours FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{host}', port '{port}', database 'bench');
CREATE USER MAPPING FOR PUBLIC SERVER ours OPTIONS (user '{user}', password '{password}');
CREATE SCHEMA ours; CREATE SCHEMA theirs;
CREATE FOREIGN TABLE ours.lineitem {columns} SERVER ours OPTIONS (table 'lineitem');
"""

MYSQL_FDW = """
CREATE EXTENSION mysql_fdw;
CREATE SERVER theirs FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '{host}', port '{port}', fetch_size '10000');
CREATE USER MAPPING FOR PUBLIC SERVER theirs OPTIONS (username '{user}', password '{password}');
CREATE FOREIGN TABLE theirs.lineitem {columns} SERVER theirs OPTIONS (dbname 'bench', table_name 'lineitem');
"""

JOIN = """
SELECT count(*) AS n, sum(l.l_quantity) AS quantity, sum(l.l_extendedprice) AS price
  FROM wanted w JOIN ours.lineitem l ON l.l_orderkey = w.o_orderkey
"""


# ---- servers ----

def hub_of(scratch: Scratch) -> PostgresServer:
    return server_with_extension(scratch)


def url_of(server: PostgresServer) -> str:
    return f"postgresql://{server.username}@/postgres?host={server.directory}&port={server.port}"


def source_of(server: PostgresServer | MariaDBServer) -> dict[str, str]:
    return {"host": server.host, "port": str(server.port), "user": server.username, "password": server.password,
            "columns": COLUMNS}


def mariadb_of(scratch: Scratch, rows: int, data: Path) -> MariaDBServer:
    server = MariaDBServer(scratch, {"innodb-buffer-pool-size": "1G", "innodb-log-file-size": "512M"})
    columns = COLUMNS.replace("numeric", "decimal")
    server.sql("CREATE DATABASE bench")
    server.sql(f"CREATE TABLE lineitem {columns}", "bench")
    server.sql("SET unique_checks = 0; SET foreign_key_checks = 0; "
               f"LOAD DATA LOCAL INFILE '{_readable(lineitem_csv(data, rows), server)}' INTO TABLE lineitem "
               "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES;"
               "CREATE INDEX orders ON lineitem (l_orderkey); ANALYZE TABLE lineitem", "bench")
    return server


def _readable(path: Path, server: MariaDBServer) -> Path:
    """The client runs as the server's user, who may not walk to the data."""
    linked = server.directory / path.name
    try:
        os.link(path, linked)
    except OSError:
        linked.write_bytes(path.read_bytes())
    linked.chmod(0o644)
    return linked


# ---- rounds ----

def load(tool: str, url: str, sql: str, hub: int = 0) -> Figures:
    done = subprocess.run([sys.executable, str(HERE / "sql_loaders.py"), tool,
                           json.dumps({"url": url, "sql": sql, "hub": hub})],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        raise SystemExit(f"{tool} failed:\n{done.stderr}")
    figures: Figures = json.loads(done.stdout)
    figures["cpu"] = figures["client"] + figures["backend"] + figures["source"]
    return figures


def check_same(made: dict[str, Figures]) -> None:
    """All answers are one, but for the last digits of sums of floats."""
    first, *others = (list(map(float, [figures["rows"], *figures["checks"]])) for figures in made.values())
    for other in others:
        if any(abs(a - b) > 1e-9 * abs(a) for a, b in zip(first, other, strict=True)):
            raise SystemExit(f"the tools do not agree about the answer: {made}")


def run_rounds(tools: dict[str, Callable[[], Figures]], rounds: int, seed: int) -> Rounds:
    shuffle = random.Random(seed)
    done: Rounds = []
    for number in range(rounds):
        made = {tool: tools[tool]() for tool in shuffle.sample(sorted(tools), len(tools))}
        done.append(made)
        check_same(made)
        print(f"round {number + 1} of {rounds}: " + ", ".join(
            f"{tool} {figures['wall']:.3f} s" + (f" ({figures['cpu']:.2f} s CPU)" if "cpu" in figures else "")
            for tool, figures in made.items()),
            file=sys.stderr, flush=True)
    return done


def median(rounds: Rounds, tool: str, key: str) -> float:
    return statistics.median(float(done[tool][key]) for done in rounds)


def ratio(rounds: Rounds, tool: str, to: str, key: str) -> list[float]:
    return [float(done[tool][key]) / float(done[to][key]) for done in rounds]


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}]"


def print_loads(rounds: Rounds, ours: str) -> None:
    print("| tool | wall s | ours ÷ it, wall | CPU s (client + backend + source process) | ours ÷ it, CPU "
          "| backend peak MB |\n|---|---|---|---|---|---|")
    for tool in sorted(rounds[0], key=lambda tool: median(rounds, tool, "wall")):
        cpu = " + ".join(f"{median(rounds, tool, part):.2f}" for part in ("client", "backend", "source"))
        peak = median(rounds, tool, "backend_peak") / 1e6
        print(f"| {tool} | {median(rounds, tool, 'wall'):.2f} | {spread(ratio(rounds, ours, tool, 'wall'))} "
              f"| {median(rounds, tool, 'cpu'):.2f} = {cpu} | {spread(ratio(rounds, ours, tool, 'cpu'))} "
              f"| {f'{peak:.0f}' if peak else '-'} |")
    print()


def bar(words: str, ratios: list[float], most: float) -> bool:
    holds = statistics.median(ratios) <= most
    print(f"* {words}: {spread(ratios)}, at most {most:g}: {'holds' if holds else 'MISSED'}")
    return holds


# ---- what is compared ----

def compare_postgres(scratch: Scratch, arguments: argparse.Namespace) -> Rounds:
    hub, source = hub_of(scratch), server_with_extension(scratch)
    make(LOADS["lineitem"], arguments.rows, source, arguments.data)
    hub.sql(POSTGRES.format(**source_of(source)))
    assert hub.process is not None and source.process is not None
    pid, source_pid = hub.process.pid, source.process.pid

    def direct(tool: str) -> Figures:
        """The session there is the source's, not the hub's."""
        figures = load(tool, source.url(), SELECT.format(""), source_pid)
        return {**figures, "backend": 0.0, "backend_peak": 0, "cpu": figures["client"], "both": figures["cpu"]}

    tools: dict[str, Callable[[], Figures]] = {
        "instant, hub": lambda: load("instant", url_of(hub), SELECT.format("ours."), pid),
        "postgres_fdw, hub": lambda: load("instant", url_of(hub), SELECT.format("theirs."), pid),
        "instant, direct by COPY": lambda: direct("instant-copy"),
        "instant, direct by Arrow": lambda: direct("instant"),
    }
    rounds = run_rounds(tools, arguments.rounds, arguments.seed)
    print(f"\nlineitem of PostgreSQL: {arguments.rows:,} rows, medians of {arguments.rounds} rounds; {machine()}\n")
    print_loads(rounds, "instant, hub")
    beside = [done["instant, hub"]["cpu"] / done["instant, direct by COPY"]["both"] for done in rounds]
    bar("CPU of client, backend and source process, to that of client and session straight from the source by COPY",
        beside, 1.3)
    bar("the same to that of the client alone", ratio(rounds, "instant, hub", "instant, direct by COPY", "cpu"), 1.3)
    bar("the same to postgres_fdw", ratio(rounds, "instant, hub", "postgres_fdw, hub", "cpu"), 0.35)
    return rounds


def compare_mysql(scratch: Scratch, arguments: argparse.Namespace) -> Rounds:
    hub, source = hub_of(scratch), mariadb_of(scratch, arguments.rows, arguments.data)
    hub.sql(MYSQL.format(**source_of(source)) + MYSQL_FDW.format(**source_of(source)))
    assert hub.process is not None
    pid = hub.process.pid
    direct = f"mysql://{source.username}:{source.password}@{source.host}:{source.port}/bench"
    tools: dict[str, Callable[[], Figures]] = {
        "instant, hub": lambda: load("instant", url_of(hub), SELECT.format("ours."), pid),
        "mysql_fdw, hub": lambda: load("instant", url_of(hub), SELECT.format("theirs."), pid),
        "connectorx, direct": lambda: load("connectorx", direct, SELECT.format("")),
        "pymysql + pandas, direct": lambda: load("pymysql", direct, SELECT.format("")),
    }
    if arguments.without_pymysql:
        del tools["pymysql + pandas, direct"]
    rounds = run_rounds(tools, arguments.rounds, arguments.seed)
    print(f"\nlineitem of MariaDB: {arguments.rows:,} rows, medians of {arguments.rounds} rounds; {machine()}\n")
    print_loads(rounds, "instant, hub")
    bar("wall time to mysql_fdw", ratio(rounds, "instant, hub", "mysql_fdw, hub", "wall"), 0.5)
    faster = [done["instant, hub"]["wall"] / min(done[tool]["wall"] for tool in tools if tool.endswith("direct"))
              for done in rounds]
    bar("wall time to the faster of connectorx and pymysql + pandas, directly", faster, 1.0)
    growth = [done["instant, hub"]["backend_peak"] / 100e6 for done in rounds]
    bar("peak memory of the backend, all of it, in units of 100 MB", growth, 1.0)
    return rounds


def compare_join(scratch: Scratch, arguments: argparse.Namespace) -> Rounds:
    import pymysql

    hub, source = hub_of(scratch), mariadb_of(scratch, arguments.rows, arguments.data)
    hub.sql(MYSQL.format(**source_of(source)))
    step = max(arguments.rows // 1400, 1)
    keys = source.sql(f"SELECT DISTINCT l_orderkey FROM lineitem WHERE l_orderkey % {step} = 3 LIMIT 300",
                      "bench").split()
    hub.sql("CREATE TABLE orders AS SELECT n::bigint AS o_orderkey, n % 7 AS o_class "
            f"FROM generate_series(1, {arguments.rows}) n; "
            f"CREATE TABLE wanted AS SELECT * FROM orders WHERE o_orderkey = ANY('{{{','.join(keys)}}}'::bigint[]); "
            "ANALYZE orders; ANALYZE wanted; ANALYZE ours.lineitem")
    with psycopg.connect(url_of(hub), autocommit=True) as session, pymysql.connect(
            host=source.host, port=source.port, user=source.username, password=source.password,
            database="bench") as other, other.cursor() as cursor:
        def one_statement() -> Figures:
            started = time.perf_counter()
            row = session.execute(JOIN).fetchone()
            assert row is not None
            return {"wall": time.perf_counter() - started, "rows": row[0], "checks": [str(row[1]), str(row[2])]}

        def two_steps() -> Figures:
            started = time.perf_counter()
            found = [str(row[0]) for row in session.execute("SELECT o_orderkey FROM wanted")]
            cursor.execute("SELECT l_quantity, l_extendedprice FROM lineitem "
                           f"WHERE l_orderkey IN ({','.join(found)})")
            rows = cursor.fetchall()
            sums = [str(sum(row[i] for row in rows)) for i in (0, 1)]
            return {"wall": time.perf_counter() - started, "rows": len(rows), "checks": sums}

        one_statement()  # the session's source process starts
        two_steps()
        rounds = run_rounds({"one statement": one_statement, "two steps": two_steps}, arguments.rounds, arguments.seed)
        plan = "\n".join(row[0] for row in session.execute("EXPLAIN (ANALYZE, VERBOSE) " + JOIN))
    print(f"\n{len(keys)} keys of the hub and {arguments.rows:,} rows of MariaDB: {rounds[0]['one statement']['rows']} "
          f"rows joined, medians of {arguments.rounds} rounds; {machine()}\n\n{plan}\n")
    for tool in rounds[0]:
        print(f"* {tool}: {median(rounds, tool, 'wall') * 1000:.1f} ms")
    bar("wall time of one statement to that of two steps", ratio(rounds, "one statement", "two steps", "wall"), 3.0)
    return rounds


def machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} × {processor()}"


COMPARISONS = {"postgres": compare_postgres, "mysql": compare_mysql, "join": compare_join}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=[*COMPARISONS, "all"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=LOADS["lineitem"].rows)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the generated rows are kept")
    parser.add_argument("--without-pymysql", action="store_true", help="leave out the slowest tool of mysql")
    parser.add_argument("--json", type=Path, help="write every single figure to this file")
    arguments = parser.parse_args()
    figures = {}
    for name in COMPARISONS if arguments.comparison == "all" else [arguments.comparison]:
        with Scratch() as scratch:
            figures[name] = COMPARISONS[name](scratch, arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": arguments.rows, "seed": arguments.seed, **figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
