"""Writes and transactions of the adapter sqlite in its process, without a hub."""
from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import relation as rel
from harness.source_client import COMMIT, ROLLBACK, Scan, SourceError, SourceSession, transaction_bytes

INSERT, UPDATE, DELETE, UPDATE_WHERE, DELETE_WHERE, TRUNCATE = range(6)
ERROR, NOTHING, CHANGE = range(3)
ID, N, S = rel.column("id", rel.INT8, key="true"), rel.column("n", rel.INT8), rel.column("s", rel.TEXT)
ALL = rel.scan("t", [ID, N, S])
KEY = rel.scan("t", [ID])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "data.db"
    with sqlite3.connect(made) as db:
        db.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT UNIQUE);"
                         "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two')")
    db.close()
    return made


@pytest.fixture
def session(path: Path) -> Iterator[SourceSession]:
    with SourceSession("sqlite", server_options={"path": str(path), "read_only": "false", "busy_timeout": "300ms"}) as made:
        yield made


def rows(path: Path) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT * FROM t ORDER BY id").fetchall()
    finally:
        db.close()


def count(scan: Scan) -> int:
    assert scan.stats is not None
    return scan.stats["rows"]


def of(number: int, level: int = 1) -> bytes:
    return transaction_bytes(number, level)


def fail(session: SourceSession, kind: int, table: rel.Relation, given: Any = (), **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        session.modify(kind, table, given, **settings)
    return caught.value


def test_without_a_transaction_each_request_is_one(session: SourceSession, path: Path) -> None:
    assert count(session.modify(INSERT, ALL, [["3", "30", "three"], ["4", None, None]])) == 2
    error = fail(session, INSERT, ALL, [["5", "0", None], ["1", "0", None]])
    assert error.sqlstate == "23505" and "INSERT INTO" in error.remote_sql
    assert count(session.modify(UPDATE, rel.scan("t", [ID, N]), [["1", "11"], ["9", "0"]], key_count=1)) == 1
    assert count(session.modify(DELETE, KEY, [["2"], ["3"], ["77"]], key_count=1)) == 2
    assert rows(path) == [(1, 11, "one"), (4, None, None)]


def test_a_server_that_is_only_read(path: Path) -> None:
    with SourceSession("sqlite", server_options={"path": str(path)}) as session:
        error = fail(session, INSERT, ALL, [["3", None, None]])
        assert error.sqlstate == "0A000" and "read_only" in error.hint
    assert len(rows(path)) == 2


def test_conflicts(session: SourceSession, path: Path) -> None:
    given = [["1", "11", "x"], ["3", "30", "two"], ["4", "40", "four"]]
    assert count(session.modify(INSERT, ALL, given, conflict=NOTHING)) == 1
    assert rows(path) == [(1, 10, "one"), (2, 20, "two"), (4, 40, "four")]
    got = session.modify(INSERT, ALL, [["1", "11", "x"], ["5", "50", "two"]], conflict=CHANGE, returning=ALL)
    assert got.written == [("1", "11", "x"), ("2", "50", "two")]
    assert rows(path) == [(1, 11, "x"), (2, 50, "two"), (4, 40, "four")]


def test_whole_statements(session: SourceSession, path: Path) -> None:
    chosen = rel.filter_(ALL, rel.compare(">", rel.col(ALL, 1), rel.param(rel.INT8, 0)))
    double = rel.project(chosen, rel.call(rel.ARITHMETIC, rel.col(ALL, 1), rel.const(rel.INT8, "2"), op=2, type_=rel.INT8),
                         rel.const(rel.TEXT, "new"))
    target = rel.scan("t", [N, S])
    fifteen = rel.values((rel.INT8, "15"))
    got = session.modify(UPDATE_WHERE, target, where=double, values=fifteen, returning=ALL)
    assert got.written == [("2", "40", "new")] and count(got) == 1
    assert count(session.modify(DELETE_WHERE, ALL, where=chosen, values=fifteen)) == 1
    assert rows(path) == [(1, 10, "one")]
    assert count(session.modify(DELETE_WHERE, KEY, where=KEY)) == 1
    assert rows(path) == []


def test_sums_fail_where_the_hubs_do(session: SourceSession, path: Path) -> None:
    small = rel.scan("t", [rel.column("n", rel.INT2)])
    for op, value in ((0, "32767"), (1, "-32768"), (2, "32767")):
        new = rel.project(small, rel.call(rel.ARITHMETIC, rel.col(small, 0), rel.const(rel.INT2, value), op=op, type_=rel.INT2))
        assert fail(session, UPDATE_WHERE, small, where=new).sqlstate == "22003"
    assert rows(path) == [(1, 10, "one"), (2, 20, "two")]


def test_transactions(session: SourceSession, path: Path) -> None:
    session.modify(INSERT, ALL, [["3", None, None]], transaction=of(5))
    assert len(rows(path)) == 2
    assert len(session.open(ALL, transaction=of(5)).rows()) == 3  # what was written is seen there
    assert len(session.open(ALL).rows()) == len(session.open(ALL, transaction=of(6)).rows()) == 2
    session.finish(COMMIT, 5)
    session.finish(COMMIT, 6)
    assert len(rows(path)) == 3
    session.modify(DELETE_WHERE, KEY, where=KEY, transaction=of(7))
    session.finish(ROLLBACK, 7)
    assert len(rows(path)) == 3
    with pytest.raises(SourceError):
        session.modify(INSERT, ALL, [["1", None, None]], transaction=of(8))
    session.modify(INSERT, ALL, [["4", None, None]], transaction=of(8))  # the statement alone was undone
    session.finish(COMMIT, 8)
    assert len(rows(path)) == 4


def test_savepoints(session: SourceSession, path: Path) -> None:
    for number, level in ((10, 1), (11, 2), (12, 4)):
        session.modify(INSERT, ALL, [[str(number), None, None]], transaction=of(1, level))
    session.finish(ROLLBACK, 1, 5)
    session.finish(ROLLBACK, 1, 4)
    session.finish(ROLLBACK, 1, 3)
    session.modify(INSERT, ALL, [["13", None, None]], transaction=of(1, 3))
    session.finish(COMMIT, 1, 3)
    assert [row[0] for row in session.open(ALL, transaction=of(1, 2)).rows()] == [1, 2, 10, 11, 13]
    session.finish(ROLLBACK, 1, 2)
    session.modify(INSERT, ALL, [["14", None, None]], transaction=of(1, 2))
    session.finish(COMMIT, 1)
    assert [row[0] for row in rows(path)] == [1, 2, 10, 14]


def test_rows_wait_while_the_transaction_writes_on(session: SourceSession, path: Path) -> None:
    """A scan behind a write is read whole, beyond memory into a file; its connection is free for the next write."""
    session.modify(INSERT, ALL, [[str(i), None, f"{i} " * 200] for i in range(10, 6010)], transaction=of(1))
    scan = session.open(ALL, transaction=of(1), credit=1, batch_rows=100)
    scan.wait(batches=1)
    session.modify(DELETE_WHERE, KEY, where=KEY, transaction=of(1))
    assert scan.table().num_rows == 6002
    assert session.open(ALL, transaction=of(1)).rows() == []
    session.finish(ROLLBACK, 1)
    assert len(rows(path)) == 2


def test_others_wait_for_the_end(session: SourceSession, path: Path) -> None:
    session.modify(INSERT, ALL, [["3", None, None]], transaction=of(1))
    begin = time.monotonic()
    error = fail(session, INSERT, ALL, [["4", None, None]], transaction=of(2))
    assert error.sqlstate == "55P03" and 0.2 < time.monotonic() - begin < 2
    session.finish(COMMIT, 1)
    session.modify(INSERT, ALL, [["4", None, None]], transaction=of(2))
    session.finish(COMMIT, 2)
    assert len(rows(path)) == 4


def test_a_file_that_is_replaced(session: SourceSession, path: Path, tmp_path: Path) -> None:
    """The connection of the transaction before is not used for another file."""
    session.modify(INSERT, ALL, [["3", None, None]], transaction=of(1))
    session.finish(COMMIT, 1)
    shutil.copy(path, tmp_path / "copy.db")
    (tmp_path / "copy.db").rename(path)
    session.modify(INSERT, ALL, [["4", None, None]], transaction=of(2))
    session.finish(COMMIT, 2)
    assert [row[0] for row in rows(path)] == [1, 2, 3, 4]


def test_a_request_of_the_user_cannot_write(session: SourceSession, path: Path) -> None:
    session.modify(INSERT, ALL, [["3", None, None]], transaction=of(1))
    for request in ("DELETE FROM t RETURNING id", "COMMIT", "PRAGMA user_version = 7", "ATTACH 'x.db' AS x", "VACUUM",
                    "SAVEPOINT x", "SELECT instant_store(1, 0)"):
        scan = session.open(rel.native(request, [rel.column("id", rel.INT8)]), transaction=of(1))
        scan.wait()
        if scan.error is None:
            assert scan.table().column(0).to_pylist() == [None]  # no such number: no value
            continue
        scan.close()
    session.finish(ROLLBACK, 1)
    assert len(rows(path)) == 2


def test_close_stops_a_write(session: SourceSession, path: Path) -> None:
    scan = session.request(6, b"".join([rel.u8(INSERT), ALL.write(), rel.u32(0),
                                        rel.texts([cell for i in range(100, 60100) for cell in (str(i), None, f"{i}")]),
                                        rel.u8(0), rel.u8(0), rel.values(), rel.u8(0), rel.u32(0), rel.u8(0), rel.u8(0),
                                        transaction_bytes(1)]))
    scan.close()
    session.finish(ROLLBACK, 1)
    assert len(rows(path)) == 2


def test_import_marks_the_key(session: SourceSession) -> None:
    ((name, _options, columns),) = list(session.tables())
    assert name == "t"
    assert [column.options for column in columns] == [{"key": "true"}, {}, {}]
