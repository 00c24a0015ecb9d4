"""A SQLite file that the hub writes, and the tables of it: for tests of writes and of transactions."""
from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extension_build import Connection, Database, build_folder
from scratch_servers import Scratch

NUMBERS = itertools.count()


@dataclass
class File:
    path: Path
    server: str = ""
    tables: list[str] = field(default_factory=list)

    def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """As another program sees it."""
        db = sqlite3.connect(self.path, timeout=5)
        try:
            return db.execute(sql, arguments).fetchall()
        finally:
            db.close()

    def script(self, sql: str) -> None:
        db = sqlite3.connect(self.path, timeout=5)
        try:
            db.executescript(sql)
            db.commit()
        finally:
            db.close()


def program(scratch: Scratch) -> Path:
    """Where the server's user can start it."""
    copy = scratch.path / "instant-source-that-writes"
    if not copy.exists():
        shutil.copy(os.environ.get("HUB_SOURCE", str(build_folder() / "instant-source")), copy)
    return copy


@contextmanager
def connect(database: Database, source: Path) -> Iterator[Connection]:
    with database.connect(prepare_threshold=None, options="-c search_path=public -c statement_timeout=60s "
                          f"-c instant.source_program={source}") as made:
        yield made


def make_file(scratch: Scratch, session: Connection, script: str, *, wal: bool = False, **options: str) -> File:
    """A file with a server that may write it; its tables are imported."""
    number = next(NUMBERS)
    folder = scratch.path / f"sqlite-{number}"
    folder.mkdir()
    folder.chmod(0o777)
    file = File(folder / "data.db", f"file_{number}")
    file.script(("PRAGMA journal_mode = WAL;" if wal else "") + script)
    for part in folder.iterdir():
        part.chmod(0o666)
    given = {"path": str(file.path), "read_only": "false", "busy_timeout": "500ms", **options}
    words = ", ".join(f"{name} '{value}'" for name, value in given.items())
    session.execute(f"CREATE SERVER {file.server} FOREIGN DATA WRAPPER instant_sqlite OPTIONS ({words})")
    session.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {file.server}")
    session.execute(f"IMPORT FOREIGN SCHEMA main FROM SERVER {file.server} INTO public")
    return file


def drop(session: Connection, file: File) -> None:
    session.execute(f"DROP SERVER {file.server} CASCADE")


def explained(session: Connection, sql: str) -> str:
    return "\n".join(row[0] for row in session.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))
