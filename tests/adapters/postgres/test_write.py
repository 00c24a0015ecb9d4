"""What the adapter postgres writes: rows in batches, statements for many rows, and transactions."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from harness import relation as rel
from harness.source_client import COMMIT, ROLLBACK, Scan, SourceError, SourceSession, transaction_bytes

from .conftest import Make, count

INSERT, UPDATE, DELETE, UPDATE_WHERE, DELETE_WHERE, TRUNCATE = range(6)
ERROR, NOTHING, OVERWRITE = range(3)
Cells = list[tuple[Any, ...]]


@pytest.fixture
def stock(db: psycopg.Connection) -> str:
    db.execute("DROP TABLE IF EXISTS stock, notes; DROP TYPE IF EXISTS color; CREATE TYPE color AS ENUM ('red', 'blue'); "
               "CREATE TABLE stock (id int8 PRIMARY KEY, name text, price numeric(9, 2) DEFAULT 9.5, c color, made timestamptz); "
               "INSERT INTO stock SELECT i, 'n' || i, i, 'red', '2024-01-01' FROM generate_series(1, 10) i; CREATE TABLE notes (t text)")
    return "stock"


def table(*columns: str, name: str = "stock") -> rel.Relation:
    types = {"id": rel.INT8, "name": rel.TEXT, "price": (1700, (9 << 16 | 2) + 4), "c": rel.TEXT, "made": rel.TIMESTAMPTZ, "t": rel.TEXT}
    return rel.scan(name, [rel.Column(column, types[column], rel.C if types[column] == rel.TEXT else 0, False, {"key": "true"} if column == "id" else {})
                           for column in columns], {"schema": "public"})


def write(session: SourceSession, kind: int, wanted: rel.Relation, rows: Sequence[Sequence[str | None]] = (), number: int = 1,
          level: int = 1, **settings: Any) -> Scan:
    return session.modify(kind, wanted, rows, transaction=transaction_bytes(number, level), **settings)


def changed(scan: Scan) -> int:
    assert scan.stats is not None
    return scan.stats["rows"]


def refused(session: SourceSession, *arguments: Any, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        write(session, *arguments, **settings)
    return caught.value


def rows(db: psycopg.Connection, sql: str = "SELECT id, name FROM stock ORDER BY id") -> Cells:
    return db.execute(sql).fetchall()


AWKWARD = ["", "a'b", "a\\b", "\\N", "tab\there", "line\nbreak\r", "\b\f\v", "'; DROP TABLE stock; --", "$1", "ß🙂", None, "E'x'"]


@pytest.mark.parametrize("times", [1, 20], ids=["statement", "copy"])
def test_insert(make: Make, db: psycopg.Connection, stock: str, times: int) -> None:
    session = make()
    given = [[str(1000 + i), text, "1.25", "blue", "2024-05-05 10:00:00+02"] for i, text in enumerate(AWKWARD * times)]
    assert changed(write(session, INSERT, table("id", "name", "price", "c", "made"), given)) == len(given)
    assert len(rows(db)) == 10
    session.finish(COMMIT, 1)
    assert rows(db, "SELECT name FROM stock WHERE id >= 1000 ORDER BY id") == [(text,) for text in AWKWARD * times]
    assert rows(db, "SELECT DISTINCT price::text, c::text, made = '2024-05-05 08:00+00' FROM stock WHERE id >= 1000") == [("1.25", "blue", True)]


def test_what_comes_back(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    back = table("id", "price", "name")
    assert write(session, INSERT, table("id", "name"), [["101", "x"], ["102", None]], returning=back).written == [
        ("101", "9.50", "x"), ("102", "9.50", None)]
    assert write(session, UPDATE, table("id", "name"), [["2", "two"], ["77", "none"], ["1", "one"]], key_count=1, returning=back).written == [
        ("2", "2.00", "two"), ("1", "1.00", "one")]
    done = write(session, DELETE, table("id"), [["3"], ["77"], ["4"]], key_count=1, returning=back)
    assert done.written == [("3", "3.00", "n3"), ("4", "4.00", "n4")] and changed(done) == 2
    session.finish(COMMIT, 1)
    assert rows(db)[:4] == [(1, "one"), (2, "two"), (5, "n5"), (6, "n6")]


def test_conflicts(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    given = [["1", "one"], ["200", "new"]]
    error = refused(session, INSERT, table("id", "name"), given)
    assert error.sqlstate == "23505" and "new" not in error.everything()
    session.finish(ROLLBACK, 1)
    done = write(session, INSERT, table("id", "name"), given, 2, conflict=NOTHING, returning=table("id"))
    assert done.written == [("200",)] and changed(done) == 1
    done = write(session, INSERT, table("id", "name"), [["1", "one"], ["201", "x"]], 2, conflict=OVERWRITE, returning=table("id", "name"))
    assert done.written == [("1", "one"), ("201", "x")]
    session.finish(COMMIT, 2)
    assert rows(db)[0] == (1, "one") and len(rows(db)) == 12


def test_delete_by_key(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    assert changed(write(session, DELETE, table("id"), [[str(i)] for i in range(5, 500)], key_count=1)) == 6
    two = rel.scan("stock", [rel.column("id", rel.INT8, key="true"), rel.column("name", rel.TEXT, key="true")], {"schema": "public"})
    assert changed(write(session, DELETE, two, [["1", "n1"], ["2", "other"]], key_count=2)) == 1
    session.finish(COMMIT, 1)
    assert rows(db) == [(2, "n2"), (3, "n3"), (4, "n4")]


def test_one_statement_for_many_rows(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    source = table("id", "name", "price", "c")
    some = rel.filter_(source, rel.compare("<=", rel.col(source, 0), rel.const(rel.INT8, "3")))
    new = rel.project(some, rel.const(rel.TEXT, "it's"), rel.call(rel.ARITHMETIC, rel.col(source, 2), rel.const(source.columns[2].type, "2"), op=2, type_=source.columns[2].type, collation=0),
                      rel.const(rel.TEXT, "blue"))
    done = write(session, UPDATE_WHERE, table("name", "price", "c"), where=new, returning=table("id", "price", "c"))
    assert sorted(done.written) == [("1", "2.00", "blue"), ("2", "4.00", "blue"), ("3", "6.00", "blue")]
    gone = rel.filter_(source, rel.compare("=", rel.col(source, 3), rel.const(rel.TEXT, "blue")))
    assert changed(write(session, DELETE_WHERE, source, where=gone)) == 3
    session.finish(COMMIT, 1)
    assert rows(db)[0] == (4, "n4")
    assert changed(write(session, DELETE_WHERE, source, number=2, where=source)) == 7
    session.finish(ROLLBACK, 2)
    assert len(rows(db)) == 7


def test_truncate(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    write(session, TRUNCATE, table(), also=[table(name="notes")])
    session.finish(COMMIT, 1)
    assert rows(db) == []


def test_a_scan_after_a_write_sees_it(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    everything = {"transaction": transaction_bytes(1)}
    assert session.open(count(table("id")), **everything).rows() == [(10,)]
    write(session, INSERT, table("id"), [["50"]])
    assert session.open(count(table("id")), **everything).rows() == [(11,)]
    assert len(rows(db)) == 10
    session.finish(ROLLBACK, 1)
    assert session.open(count(table("id")), transaction=transaction_bytes(2)).rows() == [(10,)]


def test_the_writer_has_the_snapshot_of_the_scans(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    assert session.open(count(table("id")), transaction=transaction_bytes(1)).rows() == [(10,)]
    db.execute("UPDATE stock SET name = 'other' WHERE id = 1")
    assert refused(session, UPDATE, table("id", "name"), [["1", "mine"]], key_count=1).sqlstate == "40001"
    session.finish(ROLLBACK, 1)
    assert rows(db)[0] == (1, "other")


def test_savepoints(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    write(session, INSERT, table("id"), [["50"]])
    write(session, INSERT, table("id"), [["51"]], level=2)
    assert refused(session, INSERT, table("id"), [["50"]], level=3).sqlstate == "23505"
    session.finish(ROLLBACK, 1, 3)
    assert session.open(count(table("id")), transaction=transaction_bytes(1, 2)).rows() == [(12,)]
    write(session, INSERT, table("id"), [["52"]], level=3)
    session.finish(COMMIT, 1, 3)
    session.finish(ROLLBACK, 1, 2)
    write(session, INSERT, table("id"), [["53"]], level=2)
    session.finish(COMMIT, 1, 2)
    session.finish(COMMIT, 1)
    assert [row[0] for row in rows(db)][10:] == [50, 53]


def test_a_transaction_that_failed_cannot_be_committed(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    write(session, INSERT, table("id"), [["50"]])
    refused(session, INSERT, table("id"), [["50"]])
    with pytest.raises(SourceError):
        session.finish(COMMIT, 1)
    assert len(rows(db)) == 10


def test_a_constraint_that_is_checked_at_the_end(make: Make, db: psycopg.Connection, stock: str) -> None:
    db.execute("DROP TABLE IF EXISTS later; CREATE TABLE later (id int8 UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    session = make()
    write(session, INSERT, table("id", name="later"), [["1"], ["1"]])
    with pytest.raises(SourceError) as caught:
        session.finish(COMMIT, 1)
    assert caught.value.sqlstate == "23505"


def test_a_server_that_dies_in_a_write_leaves_nothing(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    write(session, INSERT, table("id"), [["50"]])
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instant: probe'")
    assert refused(session, INSERT, table("id"), [["51"]]).sqlstate in ("57P01", "08006")
    session.finish(ROLLBACK, 1)
    assert len(rows(db)) == 10
    write(session, INSERT, table("id"), [["60"]], 2)
    session.finish(COMMIT, 2)
    assert len(rows(db)) == 11


def test_copy_is_only_for_ordinary_tables(make: Make, db: psycopg.Connection, stock: str) -> None:
    db.execute("DROP TABLE IF EXISTS own, ruled CASCADE; CREATE TABLE own (id int8 GENERATED ALWAYS AS IDENTITY); CREATE TABLE ruled (id int8); "
               "CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING; CREATE VIEW seen AS SELECT id FROM ruled")
    session = make()
    many = [[str(i)] for i in range(500)]
    assert refused(session, INSERT, table("id", name="own"), many).sqlstate == "428C9"
    session.finish(ROLLBACK, 1)
    for name in ("ruled", "seen"):
        write(session, INSERT, table("id", name=name), many, 2)
    session.finish(COMMIT, 2)
    assert rows(db, "SELECT count(*) FROM ruled") == [(0,)]


def test_many_rows(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    many = [[str(i), f"name {i}" * 20] for i in range(1000, 21000)]
    write(session, INSERT, table("id", "name"), many)
    assert changed(write(session, UPDATE, table("id", "name"), [[key, "x" * 500] for key, _ in many[:9000]], key_count=1)) == 9000
    session.finish(COMMIT, 1)
    assert rows(db, "SELECT count(*), count(*) FILTER (WHERE name LIKE 'xx%') FROM stock") == [(20010, 9000)]


def test_read_only_transactions(make: Make, db: psycopg.Connection, stock: str) -> None:
    session = make()
    with pytest.raises(SourceError) as caught:
        session.modify(INSERT, table("id"), [["50"]], transaction=transaction_bytes(1, is_read_only=True))
    assert caught.value.sqlstate == "25006"
    session.finish(ROLLBACK, 1)
