"""Joins of tables of a SQLite file with the hub's own: by reading everything, by nested loops, by keys."""
from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extension_build import Connection, Database
from harness.differential import compare, copies
from harness.random_queries import COLUMNS, Queries, rows
from scratch_servers import Scratch

QUERIES = 150

# What a file of SQLite holds of each type, as the adapter reads it.
STORED = {"smallint": "INTEGER", "integer": "INTEGER", "bigint": "INTEGER", "boolean": "INTEGER",
          "double precision": "REAL"}
T_ROWS = list(rows(1, 300, COLUMNS))
U_ROWS = list(rows(2, 200, COLUMNS))


def stored(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


@pytest.fixture(scope="module")
def file(scratch: Scratch) -> Iterator[Path]:
    folder = scratch.path / "sqlite"
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / "differential.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as file:
        for table, table_rows in (("t", T_ROWS), ("u", U_ROWS)):
            names = ", ".join(f"{column.name} {STORED.get(column.type, 'TEXT')}" for column in COLUMNS)
            file.execute(f"CREATE TABLE {table} ({names})")
            file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS))})",
                             [tuple(stored(value) for value in row) for row in table_rows])
    file.close()
    os.chmod(path, 0o644)
    yield path


@pytest.fixture(scope="module")
def tables(database: Database, file: Path) -> Iterator[Connection]:
    with database.connect(prepare_threshold=None, options="-c search_path=public") as connection:
        connection.execute(f"CREATE SERVER file FOREIGN DATA WRAPPER instant_sqlite OPTIONS (path '{file}')")
        names = ", ".join(f"{column.name} {column.type}{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)
        for table in ("t", "u"):
            connection.execute(f"CREATE FOREIGN TABLE foreign_{table} ({names}) SERVER file OPTIONS (\"table\" '{table}')")
            connection.execute(f"ANALYZE foreign_{table}")
        copies(connection, COLUMNS, T_ROWS, U_ROWS)
        yield connection


@pytest.mark.parametrize("settings", [{}, {"enable_hashjoin": "off", "enable_mergejoin": "off"},
                                      {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_nestloop": "off"}],
                         ids=["any", "loops", "keys"])
@pytest.mark.parametrize(("t", "u"), [("foreign", "local"), ("local", "foreign")])
def test_differential_across(tables: Connection, settings: dict[str, str], t: str, u: str) -> None:
    queries = Queries(100, COLUMNS)
    queries.makers = [queries.join_query, queries.keys_query]
    with tables.transaction():
        for name, value in settings.items():
            tables.execute(f"SET LOCAL {name} = {value}")
        compare(tables, queries, QUERIES, t, u)
        if len(settings) == 3:
            plan = tables.execute("EXPLAIN SELECT l.id, f.s FROM local_t l LEFT JOIN foreign_u f ON f.i4 = l.i4").fetchall()
            assert "Keys Join" in plan[0][0]


def test_a_condition_of_no_table_is_not_lost(tables: Connection) -> None:
    """It is asked once, above the scan of the table below the outer join."""
    query = ("SELECT l.id, f.id FROM local_t l LEFT JOIN (SELECT * FROM foreign_u WHERE current_setting('my.flag') = 'on') f "
             "ON f.id = l.id WHERE l.id IN (1, 2)")
    with tables.transaction(force_rollback=True):
        for name in ("enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
            tables.execute(f"SET LOCAL {name} = off")
        tables.execute("SET LOCAL my.flag = 'off'")
        assert tables.execute(query).fetchall() == [(1, None), (2, None)]
        tables.execute("SET LOCAL my.flag = 'on'")
        assert tables.execute(query).fetchall() == [(1, 1), (2, 2)]


def test_explain_of_a_request_that_was_stopped(tables: Connection) -> None:
    with tables.transaction(force_rollback=True):
        for name in ("enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
            tables.execute(f"SET LOCAL {name} = off")
        row = tables.execute("EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM local_t l LEFT JOIN foreign_u f ON f.id = l.id "
                             "LIMIT 1").fetchone()
    assert row is not None
    join = row[0][0]["Plan"]["Plans"][0]
    assert join["Remote requests"] == 1


@pytest.mark.parametrize("condition", ["{f}.tableoid IS NOT NULL", "{f}::text LIKE '%1%'", "{f} IS NOT NULL",
                                       "{f}.id + (random() * 0)::int = l.id"])
@pytest.mark.parametrize("join", ["l LEFT JOIN {f} ON {f}.id = l.id AND", "l JOIN {f} ON {f}.id = l.id AND",
                                  "l LEFT JOIN {f} ON {f}.id = l.id + (random() * 0)::int AND",
                                  "l WHERE NOT EXISTS (SELECT FROM {f} WHERE {f}.id = l.id AND"])
def test_joins_that_need_whole_rows_or_chance(tables: Connection, join: str, condition: str) -> None:
    query = f"SELECT l.id FROM local_t {join} {condition}{')' if 'EXISTS' in join else ''} ORDER BY 1"
    with tables.transaction(force_rollback=True):
        expected = tables.execute(query.format(f="local_u")).fetchall()
        for name in ("enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
            tables.execute(f"SET LOCAL {name} = off")
        assert tables.execute(query.format(f="foreign_u")).fetchall() == expected
        plan = tables.execute("EXPLAIN " + query.format(f="foreign_u")).fetchall()
        assert "random" not in join or not any("Keys Join" in line for line, in plan)


@pytest.mark.parametrize(("condition", "is_by_keys"), [
    ("f.i8 = l.i4", True), ("l.i4 = f.i8", True), ("f.i8 = l.i2", True), ("f.i8 = l.i4 / 2", True), ("f.i4 = l.i8", False)])
@pytest.mark.parametrize("kind", ["JOIN", "LEFT JOIN"])
def test_keys_of_a_narrower_integer(tables: Connection, kind: str, condition: str, is_by_keys: bool) -> None:
    query = "SELECT l.id, f.id FROM local_t l {} {} f ON {} ORDER BY 1, 2"
    with tables.transaction(force_rollback=True):
        for name in ("enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
            tables.execute(f"SET LOCAL {name} = off")
        foreign = query.format(kind, "foreign_u", condition)
        plan = "\n".join(row[0] for row in tables.execute("EXPLAIN " + foreign))
        assert ("Keys Join" in plan) == is_by_keys
        assert tables.execute(foreign).fetchall() == tables.execute(query.format(kind, "local_u", condition)).fetchall()
