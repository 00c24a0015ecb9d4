"""TPC-H with its tables in MariaDB, asked through a hub: which queries MariaDB answers whole, and how long they take.

    .venv/bin/python bench/tpch.py [--scale 0.1] [--only 1,6] [--explain]

The rows that come are compared with those of PostgreSQL's own tables of the same rows; a difference ends the program
with 1. Builds are those of `make build`.
"""
from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests"), str(ROOT / "tests" / "pg")]

import psycopg  # noqa: E402
from extension_build import build_folder, pg_config  # noqa: E402
from harness import tpch  # noqa: E402
from scratch_servers import MariaDBServer, PostgresServer, Scratch, server_tree  # noqa: E402

Connection = psycopg.Connection[Any]


def hub_of(scratch: Scratch, maria: MariaDBServer, major: int) -> Connection:
    """Schemas far and local, as tests/harness/tpch.py makes them."""
    tree = server_tree(scratch, build_folder() / "fdw" / f"pg{major}", pg_config(major))
    postgres = PostgresServer(scratch, {"jit": "off", "work_mem": "64MB"}, tree)
    program = shutil.copy(build_folder() / "instant-source", scratch.path / "instant-source")
    postgres.sql("CREATE DATABASE tpch")
    postgres.sql("CREATE EXTENSION instant_fdw", "tpch")
    hub = psycopg.connect(postgres.url("tpch"), autocommit=True)
    hub.execute(f"SET instant.source_program = '{program}'")
    hub.execute("CREATE SERVER maria FOREIGN DATA WRAPPER instant_mysql "
                f"OPTIONS (host '{maria.host}', port '{maria.port}')")
    hub.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER maria "
                f"OPTIONS (user '{maria.username}', password '{maria.password}')")
    tpch.make_schemas(hub, "maria", "tpch")
    return hub


def timed(hub: Connection, sql: str) -> tuple[float, list[tuple[Any, ...]]]:
    began = time.perf_counter()
    found = hub.execute(sql).fetchall()
    return time.perf_counter() - began, found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=float, default=0.1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--explain", action="store_true")
    arguments.add_argument("--major", type=int, default=15)
    given = arguments.parse_args()
    wanted = [int(word) for word in given.only.split(",") if word] or list(tpch.QUERIES)
    wrong = whole = 0
    with Scratch() as scratch:
        folder = scratch.path / "tpch"
        folder.mkdir()
        tpch.generate(folder, given.scale)
        maria = MariaDBServer(scratch, {"innodb-buffer-pool-size": "512M"})
        maria.sql(tpch.load_mysql("tpch", folder))
        hub = hub_of(scratch, maria, given.major)
        hub.execute("SET statement_timeout = '300s'")
        print(f"{'query':>5}  {'requests':>8}  {'whole':5}  {'hub s':>7}  {'local s':>7}  rows")
        for number in wanted:
            hub.execute("SET search_path = far")
            plan = tpch.explain(hub, number)
            if given.explain:
                print("\n".join(plan))
            try:
                seconds, found = timed(hub, tpch.QUERIES[number])
            except psycopg.Error as error:
                print(f"{number:>5}  {error}")
                wrong += 1
                continue
            hub.execute("SET search_path = local")
            local, right = timed(hub, tpch.QUERIES[number])
            is_right = repr(found) == repr(right)
            wrong += not is_right
            whole += tpch.is_whole(plan)
            print(f"{number:>5}  {tpch.requests(plan):>8}  {'yes' if tpch.is_whole(plan) else '':5}  {seconds:7.2f}  "
                  f"{local:7.2f}  {len(found)}{'' if is_right else '  WRONG'}", flush=True)
        print(f"{len(wanted) - wrong} of {len(wanted)} right, {whole} whole")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
