"""Tables of a SQLite file in PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
from __future__ import annotations

import datetime as dt
import decimal
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extension_build import Connection, Database, ExtensionBuild
from harness.random_queries import COLUMNS, WideQueries, rows
from scratch_servers import Scratch
from twin_queries import QUERIES, ask, has_collation, plan_of, program_of

DECLARED = {"smallint": "INTEGER", "integer": "INTEGER", "bigint": "INTEGER", "numeric(12,3)": "", "boolean": "BOOLEAN",
            "double precision": "REAL", "text": "TEXT COLLATE NOCASE", "varchar(40)": "VARCHAR(40)", "date": "DATE",
            "timestamp": "TIMESTAMP", "uuid": "TEXT"}


def stored(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, decimal.Decimal | uuid.UUID | dt.date) else value


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    return program_of(scratch, "sqlite")


@pytest.fixture(scope="module")
def file(scratch: Scratch, extension: ExtensionBuild) -> Path:
    path = scratch.path / f"differential-{extension.major}.db"
    with sqlite3.connect(path) as db:
        for name, seed, count in (("t", 1, 400), ("u", 2, 60)):
            columns = ", ".join(f"{column.name} {DECLARED[column.type]}" for column in COLUMNS)
            db.execute(f"CREATE TABLE {name} ({columns})")
            db.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(COLUMNS))})",
                           [[stored(value) for value in row] for row in rows(seed, count, COLUMNS)])
            db.execute(f"CREATE INDEX {name}_i4 ON {name} (i4)")
            db.execute(f"CREATE INDEX {name}_s ON {name} (s)")
    db.close()
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def tables(database: Database, file: Path, program: Path) -> Iterator[Connection]:
    """Schemas foreign_c, foreign_locale and local ones of the same names, with tables t and u."""
    with database.connect() as made:
        made.execute(f"SET instant.source_program = '{program}'")
        made.execute(f"CREATE SERVER file FOREIGN DATA WRAPPER instant_sqlite OPTIONS (path '{file}')")
        made.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER file")
        for word, collation in (("c", '"C"'), ("locale", '"en_US"'), ("locale", '"und-x-icu"'), ("locale", '"default"')):
            if not has_collation(made, collation) or made.execute("SELECT to_regnamespace(%s)", [f"foreign_{word}"]).fetchone() != (None,):
                continue
            make_tables(made, word, collation)
        yield made
        made.execute("DROP SERVER file CASCADE")


def make_tables(made: Connection, word: str, collation: str) -> None:
    made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
    for name, seed, count in (("t", 1, 400), ("u", 2, 60)):
        columns = ", ".join(f"{column.name} {column.type}{f' COLLATE {collation}' if column.kind == 'text' else ''}"
                            f"{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)
        made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({columns}) SERVER file OPTIONS (\"table\" '{name}')")
        made.execute(f"CREATE TABLE local_{word}.{name} ({columns})")
        with made.cursor() as cursor:
            cursor.executemany(f"INSERT INTO local_{word}.{name} VALUES ({', '.join(['%s'] * len(COLUMNS))})",
                               list(rows(seed, count, COLUMNS)))
        made.execute(f"ANALYZE local_{word}.{name}")


@pytest.mark.parametrize("word", ["c", "locale"])
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    what: Counter[str] = Counter()
    for query in WideQueries(20261130 if word == "c" else 20261201, COLUMNS).take(QUERIES):
        foreign = query.sql.format(t=f"foreign_{word}.t", u=f"foreign_{word}.u")
        local = query.sql.format(t=f"local_{word}.t", u=f"local_{word}.u")
        got, wanted = ask(tables, foreign, query.is_ordered), ask(tables, local, query.is_ordered)
        assert got == wanted, foreign
        what["error" if wanted.error else "rows" if wanted.rows else "none"] += 1
    assert what["rows"] > QUERIES / 2, what


@pytest.mark.parametrize("sql", [
    "SELECT id FROM foreign_c.t WHERE i4 = 5 AND s LIKE 'a%' AND d > '2020-01-01' AND v IN ('a', 'b') AND ts IS NULL",
    "SELECT s, count(*), sum(i4), max(d) FROM foreign_locale.t WHERE b GROUP BY s HAVING count(*) > 1",
    "SELECT id FROM foreign_c.t WHERE f8 > 1 ORDER BY s DESC, id LIMIT 5 OFFSET 2",
    "SELECT x.id, y.s FROM foreign_c.t x JOIN foreign_c.u y ON x.i4 = y.i4 WHERE y.i2 > 0",
    "SELECT x.id FROM foreign_c.t x LEFT JOIN foreign_c.u y ON x.s = y.s WHERE y.id IS NULL",
    "SELECT DISTINCT b FROM foreign_c.t", "SELECT count(*) FROM foreign_c.t"])
def test_what_sqlite_can_do_it_does(tables: Connection, sql: str) -> None:
    plan = plan_of(tables, sql)
    assert plan.startswith("Foreign Scan") and "->" not in plan and "Filter:" not in plan, plan


@pytest.mark.parametrize("sql", [
    "SELECT id FROM foreign_c.t WHERE n = 5", "SELECT id FROM foreign_c.t WHERE lower(s) = 'a'",
    "SELECT id FROM foreign_c.t WHERE i4 + 1 = 5", "SELECT id FROM foreign_locale.t WHERE s < 'm'",
    "SELECT id FROM foreign_c.t WHERE ts > '2023-06-01'", "SELECT id FROM foreign_c.t WHERE s ILIKE 'a%'"])
def test_what_means_something_else_in_sqlite_is_checked_here(tables: Connection, sql: str) -> None:
    plan = plan_of(tables, sql)
    assert "Filter:" in plan, plan


def test_import_foreign_schema(tables: Connection) -> None:
    tables.execute("CREATE SCHEMA imported; IMPORT FOREIGN SCHEMA main FROM SERVER file INTO imported")
    assert tables.execute("SELECT count(*) FROM imported.t").fetchone() == (400,)
    found = tables.execute("SELECT id, s, d FROM imported.t WHERE id = 3").fetchall()
    assert found == tables.execute("SELECT id, s, d FROM local_c.t WHERE id = 3").fetchall()


def test_without_push_down_only_columns_are_asked_for(tables: Connection) -> None:
    sql = "SELECT s, count(*) FROM foreign_c.t WHERE i4 > 3 GROUP BY s ORDER BY s LIMIT 5"
    wanted = tables.execute(sql).fetchall()
    tables.execute("ALTER SERVER file OPTIONS (ADD push_down 'false')")
    try:
        plan = plan_of(tables, sql, "VERBOSE")
        assert "WHERE" not in plan, plan
        assert "GROUP BY" not in plan and "push_down is false" in plan, plan
        assert tables.execute(sql).fetchall() == wanted
    finally:
        tables.execute("ALTER SERVER file OPTIONS (DROP push_down)")
