#!/usr/bin/env python3
"""Start the demo's two databases and its HTTP server, fill them, and run a program that uses them.

    run.py                 runs demo.py
    run.py bash            a shell in which sources.yaml works, to try things out
    run.py COMMAND ARG…    anything else

Everything lives in a scratch directory, the connector's hub included; nothing is left behind.
"""
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from load import airports_json, load_mariadb, load_postgres  # noqa: E402
from scratch_servers import FileServer, MariaDBServer, PostgresServer, Scratch  # noqa: E402


def flights_environment(postgres: PostgresServer, mariadb: MariaDBServer, api: FileServer) -> dict[str, str]:
    """The variables that sources.yaml asks for."""
    return {
        "FLIGHTS_PG_HOST": postgres.host, "FLIGHTS_PG_PORT": str(postgres.port),
        "FLIGHTS_PG_DATABASE": "flights",
        "FLIGHTS_PG_USER": postgres.username, "FLIGHTS_PG_PASSWORD": postgres.password,
        "FLIGHTS_MYSQL_HOST": mariadb.host, "FLIGHTS_MYSQL_PORT": str(mariadb.port),
        "FLIGHTS_MYSQL_DATABASE": "fleet",
        "FLIGHTS_MYSQL_USER": mariadb.username, "FLIGHTS_MYSQL_PASSWORD": mariadb.password,
        "FLIGHTS_API": api.url,
    }


def start_api(scratch: Scratch) -> FileServer:
    """What is known about airports, over HTTP."""
    return FileServer(scratch, {"airports": airports_json()})


def fill(postgres: PostgresServer, mariadb: MariaDBServer) -> None:
    """Load the data into the databases that the variables name."""
    postgres.sql("CREATE DATABASE flights")
    load_postgres(postgres.url("flights"))
    load_mariadb(mariadb.host, mariadb.port, mariadb.username, mariadb.password, "fleet")


def main(command: list[str]) -> int:
    started = time.monotonic()
    with Scratch() as scratch:
        print("Starting PostgreSQL, MariaDB and an HTTP server with a year of flight data ...", flush=True)
        postgres, mariadb, api = PostgresServer(scratch), MariaDBServer(scratch), start_api(scratch)
        fill(postgres, mariadb)
        print(f"All are up and filled after {time.monotonic() - started:.1f} s.", flush=True)
        environment = {
            **os.environ, **flights_environment(postgres, mariadb, api),
            "INSTANT_HOME": str(scratch.path / "home"),
            "PATH": f"{ROOT / 'build'}:{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        }
        try:
            return subprocess.run(command or [sys.executable, str(HERE / "demo.py")], env=environment).returncode
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
