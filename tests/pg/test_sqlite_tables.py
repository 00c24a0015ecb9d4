"""Tables of a SQLite file in PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
from __future__ import annotations

import datetime as dt
import decimal
import json
import random
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extension_build import Connection, Database, ExtensionBuild
from harness.random_queries import COLUMNS as COMMON
from harness.random_queries import Column, Row, WideQueries, _text, _timestamp, rows
from scratch_servers import Scratch
from twin_queries import LARGE, ROWS, SEED, TABLES, ask, has_collation, no_difference, plan_of, program_of

COLUMNS = [
    *COMMON,
    Column("f4", "real", lambda rng: rng.choice([0.0, 0.5, -1.25, 1e10, rng.randint(-1000, 1000) / 8]), "float"),
    Column("n2", "numeric", lambda rng: rng.choice(["0", "7", "-2.5", "0.125", "1234567.875", str(rng.randint(-50, 50))]), "numeric"),
    Column("rt", "text", _text, "text"),
    Column("bn", "varchar(40)", _text, "text"),
    Column("cb", "text", _text, "text"),
    Column("by", "bytea", lambda rng: rng.choice([b"", b"a", b"a\x00", b"\x00\xff\\'", rng.randbytes(3)]), "bytes"),
    Column("j", "jsonb", lambda rng: json.dumps(rng.choice([1, "a", None, [1, 2], {"a": 1}])), "json"),
    Column("tz", "timestamptz", lambda rng: _timestamp(rng).replace(tzinfo=dt.timezone(dt.timedelta(hours=rng.choice([0, 0, 2, -11])))), "timestamp"),
    Column("ts0", "timestamp(0)", lambda rng: _timestamp(rng).replace(microsecond=0), "timestamp"),
    Column("t", "time", lambda rng: dt.time(rng.randint(0, 23), rng.randint(0, 59), rng.choice([0, 30]), rng.choice([0, 0, 500000])), "time"),
    Column("iv", "interval", lambda rng: rng.choice(["1 day", "-3 days", "02:00:00", "1 mon", "00:00:00.5"]), "interval"),
    Column("ip", "inet", lambda rng: rng.choice(["10.0.0.1", "10.0.0.0/8", "::1", f"192.168.0.{rng.randint(0, 20)}"]), "inet"),
    Column("ub", "uuid", lambda rng: uuid.UUID(int=rng.getrandbits(128) if rng.random() < 0.5 else rng.randint(0, 5)), "uuid"),
    Column("bt", "bit(8)", lambda rng: f"{rng.choice([0, 1, 255, rng.randint(0, 255)]):08b}", "bits"),
]
DECLARED = {
    "id": "INTEGER PRIMARY KEY", "i2": "INTEGER", "i4": "INTEGER", "i8": "INTEGER", "n": "", "f8": "REAL", "b": "BOOLEAN",
    "s": "TEXT COLLATE NOCASE", "v": "VARCHAR(40)", "d": "DATE", "ts": "TIMESTAMP", "u": "TEXT", "f4": "REAL", "n2": "NUMERIC",
    "rt": "TEXT COLLATE RTRIM", "bn": "VARCHAR(40) COLLATE BINARY", "cb": "CLOB", "by": "BLOB", "j": "JSON TEXT", "tz": "TEXT", "ts0": "TEXT",
    "t": "TIME TEXT", "iv": "TEXT", "ip": "TEXT", "ub": "BLOB", "bt": "TEXT"}
# What no column of the hub's type can hold: NULL where the table has on_error 'null'.
UNFIT = {"d": "0000-00-00", "ts": "0000-00-00 00:00:00", "i4": "many", "i2": 40000, "b": 7, "f8": "x", "s": b"\xff\xfe", "u": "none", "by": "text",
         "v": "v" * 41}
UNFIT_ROWS = min(ROWS, 4000)  # each value is looked at before it is compared, so that no index serves
SETUPS = ("c", "locale", "unfit")


def count_of(word: str, count: int) -> int:
    return min(count, UNFIT_ROWS) if word == "unfit" else count


def stored(value: Any, column: Column) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if column.name == "ub" and value is not None:
        return value.bytes
    return str(value) if isinstance(value, decimal.Decimal | uuid.UUID | dt.date | dt.time) else value


def unfit_rows(seed: int, count: int) -> Iterator[tuple[Row, Row]]:
    """Rows as the file has them, and as the hub has."""
    rng = random.Random(seed)
    for row in rows(seed, count, COLUMNS):
        bad = {column.name for column in COLUMNS if column.name in UNFIT and rng.random() < 0.04}
        pairs = list(zip(COLUMNS, row, strict=True))
        yield (tuple(UNFIT[column.name] if column.name in bad else stored(value, column) for column, value in pairs),
               tuple(None if column.name in bad else value for column, value in pairs))


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    return program_of(scratch, "sqlite")


@pytest.fixture(scope="module")
def file(scratch: Scratch, extension: ExtensionBuild) -> Path:
    path = scratch.path / f"differential-{extension.major}.db"
    columns = ", ".join(f"{column.name} {DECLARED[column.name]}" for column in COLUMNS)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = OFF")
        for name, seed, count in TABLES:
            fit = ([stored(value, column) for column, value in zip(COLUMNS, row, strict=True)] for row in rows(seed, count, COLUMNS))
            for table, made in ((name, fit), (f"unfit_{name}", (there for there, _ in unfit_rows(seed, count_of("unfit", count))))):
                db.execute(f"CREATE TABLE {table} ({columns})")
                db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS))})", made)
                for indexed in ("i4", "s", "v", "d", "rt"):
                    db.execute(f"CREATE INDEX {table}_{indexed} ON {table} ({indexed})")
        db.execute("ANALYZE")
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
        made.execute("SET timezone = 'UTC'")
        for word, collation in (("c", '"C"'), ("locale", '"en_US"'), ("locale", '"und-x-icu"'), ("locale", '"default"'), ("unfit", '"C"')):
            if not has_collation(made, collation) or made.execute("SELECT to_regnamespace(%s)", [f"foreign_{word}"]).fetchone() != (None,):
                continue
            make_tables(made, word, collation)
        yield made
        made.execute("DROP SERVER file CASCADE")


def make_tables(made: Connection, word: str, collation: str) -> None:
    """foreign_unfit has values that its types cannot hold: NULL here."""
    made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
    for name, seed, count in TABLES:
        columns = ", ".join(f"{column.name} {column.type}{f' COLLATE {collation}' if column.kind == 'text' else ''}"
                            f"{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)
        options = f"\"table\" 'unfit_{name}', on_error 'null'" if word == "unfit" else f"\"table\" '{name}'"
        made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({columns}) SERVER file OPTIONS ({options})")
        made.execute(f"CREATE TABLE local_{word}.{name} ({columns})")
        with made.cursor() as cursor, cursor.copy(f"COPY local_{word}.{name} FROM STDIN") as copy:
            for row in ((here for _, here in unfit_rows(seed, count_of(word, count))) if word == "unfit" else rows(seed, count, COLUMNS)):
                copy.write_row(row)
        made.execute(f"CREATE INDEX ON local_{word}.{name} (id); CREATE INDEX ON local_{word}.{name} (i4); ANALYZE local_{word}.{name}")
        made.execute(f"ANALYZE foreign_{word}.{name}")


@pytest.mark.parametrize("word", SETUPS)
def test_the_rows_are_all_there(tables: Connection, word: str) -> None:
    for name, _, count in TABLES:
        got, wanted = (ask(tables, f"SELECT * FROM {where}_{word}.{name} ORDER BY id", True) for where in ("foreign", "local"))
        assert got == wanted and len(got.rows or []) == count_of(word, count)


@pytest.mark.parametrize("word", SETUPS)
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    major = tables.info.server_version // 10000
    queries = WideQueries(SEED + SETUPS.index(word) + 1000 * major, COLUMNS)
    queries.ids = LARGE if word != "unfit" else LARGE and UNFIT_ROWS
    no_difference(tables, queries, word)


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


@pytest.mark.parametrize("condition", ["{} IS NULL", "{} IS NOT NULL", "({} IS NULL) = (id > 100)", "CASE WHEN {} IS NULL THEN id > 50 END"])
def test_what_does_not_fit_is_null_in_conditions_too(tables: Connection, condition: str) -> None:
    for column in COLUMNS:
        sql = f"SELECT id FROM {{}}_unfit.t WHERE {condition.format(column.name)} ORDER BY id"
        assert ask(tables, sql.format("foreign"), True) == ask(tables, sql.format("local"), True), column


def test_import_foreign_schema(tables: Connection) -> None:
    tables.execute("CREATE SCHEMA imported; IMPORT FOREIGN SCHEMA main FROM SERVER file INTO imported")
    assert tables.execute("SELECT count(*) FROM imported.t").fetchone() == (ROWS,)
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
