"""What the tests of instant-source share: a small SQLite file, and sessions over it."""
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.source_client import SourceSession


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "data.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)")
        db.executemany("INSERT INTO words VALUES (?, ?)", [(1, "one"), (2, "two"), (3, None)])
    db.close()
    return path


@pytest.fixture
def session(database: Path) -> Iterator[SourceSession]:
    with SourceSession("sqlite", server_options={"path": str(database)}) as made:
        yield made


@pytest.fixture
def start(database: Path) -> Callable[..., SourceSession]:
    """Start a session of its own kind; the test ends it."""
    def start_one(**settings: object) -> SourceSession:
        settings.setdefault("server_options", {"path": str(database)})
        return SourceSession("sqlite", **settings)  # type: ignore[arg-type]
    return start_one
