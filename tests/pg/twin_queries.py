"""One query over foreign tables and over local ones of the same rows, errors included."""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from extension_build import Connection, build_folder
from scratch_servers import Scratch

QUERIES = int(os.environ.get("INSTANT_RANDOM_QUERIES", "600"))


def program_of(scratch: Scratch, name: str) -> Path:
    """instant-source where the server's user can start it."""
    built = os.environ.get("HUB_SOURCE", build_folder() / "instant-source")
    return Path(shutil.copy(built, scratch.path / f"instant-source-of-{name}"))


def has_collation(connection: Connection, collation: str) -> bool:
    return connection.execute("SELECT FROM pg_collation WHERE quote_ident(collname) = %s OR collname = %s",
                              [collation, collation.strip('"')]).fetchone() is not None


@dataclass
class Answer:
    """Rows or an SQLSTATE; two errors are the same whatever they say."""

    rows: list[Any] | None
    error: str | None
    message: str = field(default="", compare=False)


def ask(connection: Connection, sql: str, is_ordered: bool, form: Callable[[tuple[Any, ...]], Any] = tuple) -> Answer:
    """form: what of a row is compared."""
    try:
        found = connection.execute(sql).fetchall()
    except psycopg.Error as error:
        assert error.sqlstate is not None, f"{sql}: {error}"
        return Answer(None, error.sqlstate, str(error))
    return Answer([form(row) for row in (found if is_ordered else sorted(found, key=repr))], None)


def plan_of(connection: Connection, sql: str, options: str = "COSTS OFF") -> str:
    return "\n".join(line for (line,) in connection.execute(f"EXPLAIN ({options}) {sql}"))
