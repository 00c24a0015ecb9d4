"""DB-API 2.0 over ADBC: PEP 249's promises, the libraries that read through it, and its honesty."""
from __future__ import annotations

import datetime as dt
import gc
import os
import secrets
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_manager as adbc
import adbc_driver_manager.dbapi as adbc_dbapi
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from instant_connector import _native, dbapi

pytest_plugins = ["connectors"]

SLOW = "SELECT pg_sleep(30)"
LATE_ERROR = "SELECT i, 1 / (150000 - i) AS x FROM (SELECT generate_series(1, 200000) AS i) AS s"


@pytest.fixture(scope="module")
def connection(hub_arguments: dict[str, Any]) -> Iterator[dbapi.Connection]:
    with dbapi.connect(**hub_arguments) as made:
        yield made


@pytest.fixture
def cursor(connection: dbapi.Connection) -> Iterator[Any]:
    with connection.cursor() as made:
        yield made


@pytest.fixture
def table(connection: dbapi.Connection) -> Iterator[str]:
    """The name of a table of its own: id, a unique text, a declared numeric."""
    name = f"dbapi_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY, word text UNIQUE, amount numeric(10, 2))")
        yield name
        cursor.execute(f"DROP TABLE IF EXISTS {name} CASCADE")


# ---- PEP 249 ----


def test_the_module_has_what_pep_249_asks_for() -> None:
    assert (dbapi.apilevel, dbapi.threadsafety, dbapi.paramstyle) == ("2.0", 1, "pyformat")
    assert set(dbapi.__all__) <= set(dir(dbapi))
    assert issubclass(dbapi.Error, Exception) and issubclass(dbapi.Warning, Exception)
    assert issubclass(dbapi.InterfaceError, dbapi.Error) and issubclass(dbapi.DatabaseError, dbapi.Error)
    for name in ("DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError",
                 "NotSupportedError"):
        assert issubclass(getattr(dbapi, name), dbapi.DatabaseError)
        assert getattr(dbapi.Connection, name) is getattr(dbapi, name)
    assert dbapi.Date(2013, 1, 31) == dt.date(2013, 1, 31) and dbapi.Binary(b"x") == b"x"
    assert dbapi.Timestamp(2013, 1, 31, 12) == dt.datetime(2013, 1, 31, 12)
    assert isinstance(dbapi.DateFromTicks(0), dt.date) and isinstance(dbapi.TimestampFromTicks(0), dt.datetime)


def test_fetching(cursor: Any) -> None:
    cursor.execute("SELECT i FROM generate_series(1, 10) AS i")
    assert cursor.arraysize == 1 and cursor.rowcount == -1
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany() == [(2,)]
    assert cursor.fetchmany(3) == [(3,), (4,), (5,)]
    assert next(cursor) == (6,)
    assert cursor.fetchall() == [(7,), (8,), (9,), (10,)]
    assert cursor.fetchone() is None and cursor.fetchall() == [] and cursor.fetchmany(2) == []
    assert list(cursor.execute("SELECT 1 UNION ALL SELECT 2")) == [(1,), (2,)]


def test_description(cursor: Any) -> None:
    assert cursor.description is None
    cursor.execute("SELECT 1 AS i, 1.5::float8 AS f, 't' AS t, '\\x00'::bytea AS b, date '2013-01-31' AS d, now() AS n,"
                   " 1.5::numeric(5, 1) AS m")
    names = [column[0] for column in cursor.description]
    assert names == ["i", "f", "t", "b", "d", "n", "m"]
    assert all(len(column) == 7 for column in cursor.description)
    types = {column[0]: column[1] for column in cursor.description}
    assert types["i"] == dbapi.NUMBER and types["f"] == dbapi.NUMBER and types["t"] == dbapi.STRING
    assert types["b"] == dbapi.BINARY and types["d"] == dbapi.DATETIME and types["n"] == dbapi.DATETIME
    assert types["m"] == pa.decimal128(5, 1)


def test_rowcount(cursor: Any, table: str) -> None:
    cursor.execute(f"INSERT INTO {table} SELECT i, 'w' || i, i FROM generate_series(1, 7) AS i")
    assert cursor.rowcount == 7 and cursor.description == []
    cursor.execute(f"UPDATE {table} SET amount = 0 WHERE id > 4")
    assert cursor.rowcount == 3
    cursor.execute(f"DELETE FROM {table}")
    assert cursor.rowcount == 7
    cursor.execute(f"INSERT INTO {table} VALUES (1, 'a', 1) RETURNING id, amount")
    assert cursor.fetchall() == [(1, Decimal("1.00"))]


def test_executemany(cursor: Any, table: str) -> None:
    rows = [(i, f"w{i}", Decimal(i) / 4 if i % 3 else None) for i in range(100)]
    cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", rows)
    assert cursor.rowcount == 100
    assert cursor.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() == rows
    cursor.executemany(f"UPDATE {table} SET word = :word WHERE id = :id",
                       [{"id": 1, "word": "one"}, {"id": 2, "word": "two"}])
    assert cursor.rowcount == 2
    cursor.executemany(f"DELETE FROM {table} WHERE id = :id", pa.table({"id": list(range(10))}))
    assert cursor.rowcount == 10
    cursor.executemany(f"DELETE FROM {table}", [])
    assert cursor.execute(f"SELECT count(*) FROM {table}").fetchone() == (90,)


def test_a_failing_row_of_executemany_keeps_those_before_it(cursor: Any, table: str) -> None:
    with pytest.raises(dbapi.IntegrityError):
        cursor.executemany(f"INSERT INTO {table} (id) VALUES (%s)", [(1,), (2,), (1,), (3,)])
    assert cursor.execute(f"SELECT id FROM {table} ORDER BY id").fetchall() == [(1,), (2,)]


def test_a_result_for_every_row_of_parameters(cursor: Any) -> None:
    cursor.execute("SELECT $1 * 10 AS x FROM generate_series(1, 2)", pa.table({"x": [1, 2, 3]}))
    assert cursor.fetchall() == [(10,), (10,), (20,), (20,), (30,), (30,)]
    cursor.execute("SELECT $1 AS x", pa.table({"x": [1, 2**40]}))
    with pytest.raises(dbapi.DataError, match="row of parameters"):
        cursor.fetchall()
    cursor.execute("SELECT $1 AS x", pa.table({"x": pa.array([], pa.int64())}))
    assert cursor.fetchall() == []


def test_what_is_closed_says_so(hub_arguments: dict[str, Any]) -> None:
    connection = dbapi.connect(**hub_arguments)
    cursor = connection.cursor()
    with pytest.raises(dbapi.ProgrammingError, match="before execute"):
        cursor.fetchone()
    cursor.close()
    cursor.close()
    with pytest.raises(dbapi.Error):
        cursor.execute("SELECT 1")
    left_open = connection.cursor()
    connection.close()
    connection.close()
    with pytest.raises(dbapi.Error):
        left_open.execute("SELECT 1")
    for call in (connection.cursor, connection.commit, connection.rollback, connection.adbc_clone):
        with pytest.raises(dbapi.ProgrammingError, match="the connection is closed"):
            call()


def test_every_statement_is_committed(connection: dbapi.Connection, hub_arguments: dict[str, Any], table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (id) VALUES (1)")
    connection.commit()
    with pytest.raises(dbapi.NotSupportedError, match="committed when it ends"):
        connection.rollback()
    with dbapi.connect(**hub_arguments) as other, other.cursor() as cursor:
        assert cursor.execute(f"SELECT id FROM {table}").fetchall() == [(1,)]


@pytest.mark.parametrize(("sql", "kind", "sqlstate"), [
    ("SELEC 1", dbapi.ProgrammingError, "42601"),
    ("SELECT * FROM nowhere", dbapi.ProgrammingError, "42P01"),
    ("SELECT nothing FROM pg_class", dbapi.ProgrammingError, "42703"),
    ("CREATE TABLE pg_catalog.pg_class (i int)", dbapi.DatabaseError, "42P07"),
    ("SELECT 1 / 0", dbapi.DataError, "22012"),
    ("SELECT '12x'::int", dbapi.DataError, "22P02"),
    ("INSERT INTO pg_type SELECT * FROM pg_type LIMIT 1", dbapi.IntegrityError, "23505"),
    ("DO $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END$$", dbapi.OperationalError, "40001"),
    ("DO $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END$$", dbapi.InternalError, "XX000"),
    ("DO $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END$$", dbapi.NotSupportedError, "0A000"),
])
def test_errors_by_sqlstate(cursor: Any, sql: str, kind: type[Exception], sqlstate: str) -> None:
    with pytest.raises(kind) as caught:
        cursor.execute(sql)
        cursor.fetchall()
    assert caught.value.sqlstate == sqlstate
    details = dict(caught.value.details)
    assert details[b"instant.sqlstate"] == sqlstate.encode()
    assert details[b"instant.message"].decode() in str(caught.value)
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


# ---- parameters ----

MOMENT = dt.datetime(2013, 1, 31, 12, 30, 5, 678)


@pytest.mark.parametrize(("value", "kind", "back"), [
    (1, "integer", 1),
    (-(2**31), "integer", -(2**31)),
    (2**62, "bigint", 2**62),
    (0.1, "double precision", 0.1),
    (1e300, "double precision", 1e300),
    (float("-inf"), "double precision", float("-inf")),
    (True, "boolean", True),
    ("héllo 'x' \\", "text", "héllo 'x' \\"),
    ("", "text", ""),
    (b"\x00\xff", "bytea", b"\x00\xff"),
    (b"", "bytea", b""),
    (None, "integer", None),
    (dt.date(2020, 2, 29), "date", dt.date(2020, 2, 29)),
    (dt.date(1, 1, 1), "date", dt.date(1, 1, 1)),
    (dt.time(23, 59, 59, 999999), "time", dt.time(23, 59, 59, 999999)),
    (MOMENT, "timestamp", MOMENT),
    (dt.datetime(1969, 12, 31, 23, 59, 59, 1), "timestamp", dt.datetime(1969, 12, 31, 23, 59, 59, 1)),
    (MOMENT.replace(tzinfo=dt.timezone.utc), "timestamptz", MOMENT.replace(tzinfo=dt.timezone.utc)),
    (dt.timedelta(days=-1, microseconds=1), "interval", pa.MonthDayNano((0, 0, -86399999999000))),
    (Decimal("-0.00123"), "numeric(10, 5)", Decimal("-0.00123")),
    (Decimal("12345678901234567890.12"), "numeric(30, 2)", Decimal("12345678901234567890.12")),
    (uuid.UUID(int=2**100 + 7), "uuid", str(uuid.UUID(int=2**100 + 7))),
    ([1, None, 3], "integer[]", [1, None, 3]),
    (['a"b\\', "NULL", None, ""], "text[]", ['a"b\\', "NULL", None, ""]),
    ([b"a\x00"], "bytea[]", [b"a\x00"]),
    ([MOMENT], "timestamp[]", [MOMENT]),
    ([], "integer[]", []),
], ids=str)
def test_parameters(cursor: Any, value: Any, kind: str, back: Any) -> None:
    for placeholder in ("$1", "%s"):
        assert cursor.execute(f"SELECT {placeholder}::{kind} AS v", (value,)).fetchone() == (back,)


def test_parameters_of_arrow(cursor: Any) -> None:
    """Types that Python's values do not become by themselves."""
    arrays = [
        (pa.array([255], pa.uint8()), "int", 255),
        (pa.array([2**64 - 1], pa.uint64()), "text", str(2**64 - 1)),
        (pa.array([0.1], pa.float32()), "float4", pytest.approx(0.1)),
        (pa.array([1.5], pa.float16()), "float8", 1.5),
        (pa.array(["x" * 30], pa.string_view()), "text", "x" * 30),
        (pa.array(["x"], pa.large_string()), "text", "x"),
        (pa.array([b"x" * 13], pa.binary_view()), "bytea", b"x" * 13),
        (pa.array([b"abc"], pa.binary(3)), "bytea", b"abc"),
        (pa.array([-1], pa.date32()), "text", "1969-12-31"),
        (pa.array([-800000], pa.date32()), "text", "0222-09-04 BC"),
        (pa.array([86400000], pa.date64()), "text", "1970-01-02"),
        (pa.array([-1], pa.timestamp("s")), "text", "1969-12-31 23:59:59"),
        (pa.array([1000], pa.timestamp("ns", "Europe/Berlin")), "timestamptz",
         dt.datetime(1970, 1, 1, 0, 0, 0, 1, dt.timezone.utc)),
        (pa.array([(1, -2, 3000)], pa.month_day_nano_interval()), "interval", pa.MonthDayNano((1, -2, 3000))),
        (pa.array(["b"]).dictionary_encode(), "text", "b"),
        (pa.array([Decimal("-1.5")], pa.decimal256(60, 20)), "text", "-1.50000000000000000000"),
        (pa.array([Decimal("0")], pa.decimal128(5, 2)), "text", "0.00"),
        (pa.array([[[1, 2], [3, 4]]]), "text", "{{1,2},{3,4}}"),
        (pa.array([None]), "int", None),
    ]
    for array, kind, back in arrays:
        cursor.execute(f"SELECT $1::{kind} AS v", pa.record_batch([array], names=["v"]))
        assert cursor.fetchone() == (back,), array.type


def test_parameters_of_a_slice(cursor: Any) -> None:
    batch = pa.record_batch({"a": [1, None, 3], "b": ["x", "y", None]}).slice(1)
    cursor.execute("SELECT $1::int AS a, $2::text AS b", batch)
    assert cursor.fetchall() == [(None, "y"), (3, None)]


def test_named_parameters(cursor: Any) -> None:
    assert cursor.execute("SELECT :a::int + %(b)s, :a::int", {"a": 1, "b": 2}).fetchone() == (3, 1)
    assert cursor.execute("SELECT %s::int", (5,)).fetchone() == (5,)
    with pytest.raises(dbapi.ProgrammingError, match='no parameter "b" is given'):
        cursor.execute("SELECT :b::int", {"a": 1})


def test_parameters_that_cannot_be_sent(cursor: Any) -> None:
    with pytest.raises(dbapi.NotSupportedError, match="cannot be sent"):
        cursor.execute("SELECT $1::text", pa.record_batch({"x": [{"a": 1}]}))
    with pytest.raises(dbapi.DataError, match="nanoseconds"):
        cursor.execute("SELECT $1::timestamp", pa.record_batch([pa.array([1], pa.timestamp("ns"))], names=["x"]))
    with pytest.raises(dbapi.DataError, match="NUL"):
        cursor.execute("SELECT $1::text", ("a\0b",))
    with pytest.raises(dbapi.ProgrammingError, match="1 placeholder, and 2 parameters"):
        cursor.execute("SELECT %s", (1, 2))
    assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_options_of_queries(hub_arguments: dict[str, Any]) -> None:
    with dbapi.connect(**hub_arguments, numeric="string", batch_rows=10) as connection:
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT 1.50::numeric(5, 2)").fetchone() == ("1.50",)
            batches = list(cursor.execute("SELECT generate_series(1, 25)").fetch_record_batch())
            assert max(batch.num_rows for batch in batches) <= 10
        with connection.cursor(adbc_stmt_kwargs={"instant.numeric": "float64"}) as cursor:
            assert cursor.execute("SELECT 1.50").fetchone() == (1.5,)
        with connection.cursor(adbc_stmt_kwargs={"instant.timeout_ms": "50"}) as cursor:
            with pytest.raises(dbapi.OperationalError, match="50 ms"):
                cursor.execute(SLOW).fetchall()
        with pytest.raises(dbapi.Error, match="instnat"):
            connection.cursor(adbc_stmt_kwargs={"instnat.numeric": "x"})
    with dbapi.connect(**hub_arguments, numeric="roman") as connection, connection.cursor() as cursor:
        with pytest.raises(dbapi.Error, match="float64, decimal, string"):
            cursor.execute("SELECT 1")


# ---- Arrow, and the libraries above it ----


def test_arrow(cursor: Any) -> None:
    sql = "SELECT i AS id, 'w' || i AS word FROM generate_series(1, 100000) AS i"
    table = cursor.execute(sql).fetch_arrow_table()
    assert table.num_rows == 100000 and table.schema.names == ["id", "word"]
    assert table.schema.field("word").metadata == {b"postgresql:type": b"text"}
    reader = cursor.execute(sql).fetch_record_batch()
    assert sum(batch.num_rows for batch in reader) == 100000
    frame = cursor.execute(sql).fetch_df()
    assert len(frame) == 100000 and frame["word"].iloc[-1] == "w100000"
    assert cursor.execute(sql).fetch_polars().height == 100000
    assert cursor.adbc_execute_schema(sql + "; ").names == ["id", "word"]
    assert cursor.adbc_prepare("SELECT $1::int") is None


def test_pandas(connection: dbapi.Connection, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", [(1, "a", Decimal("1.5")), (2, None, None)])
    frame = pd.read_sql(f"SELECT * FROM {table} ORDER BY id", connection)
    assert list(frame.columns) == ["id", "word", "amount"] and frame["id"].tolist() == [1, 2]
    assert frame["amount"].iloc[0] == Decimal("1.50")
    frame = pd.read_sql(f"SELECT * FROM {table} WHERE id = 2", connection, dtype_backend="pyarrow")
    assert frame["id"].tolist() == [2] and frame["word"].isna().all()
    indexed = pd.read_sql_query(f"SELECT id, word FROM {table} ORDER BY id", connection, index_col="id")
    assert indexed.index.tolist() == [1, 2]


def test_polars(connection: dbapi.Connection, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", [(1, "a", Decimal("1.5")), (2, None, None)])
    frame = pl.read_database(f"SELECT id, word FROM {table} ORDER BY id", connection)
    assert frame.rows() == [(1, "a"), (2, None)]
    pieces = pl.read_database("SELECT generate_series(1, 100) AS i", connection, iter_batches=True, batch_size=10)
    assert sum(piece.height for piece in pieces) == 100
    frame = pl.read_database("SELECT %s::int AS i", connection, execute_options={"parameters": [7]})
    assert frame.rows() == [(7,)]


def test_duckdb(cursor: Any) -> None:
    reader = cursor.execute("SELECT i AS id, i * 2 AS twice FROM generate_series(1, 50000) AS i").fetch_record_batch()
    with duckdb.connect() as duck:
        duck.register("numbers", reader)
        assert duck.execute("SELECT count(*), sum(twice) FROM numbers").fetchall() == [(50000, 2500050000)]
        words = cursor.execute("SELECT 'a' AS word UNION ALL SELECT NULL").fetch_arrow_table()
        duck.register("words", words)
        assert duck.execute("SELECT word FROM words ORDER BY word").fetchall() == [("a",), (None,)]


# ---- what ADBC has beside DB-API ----


def test_the_catalogue(connection: dbapi.Connection, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIEW {table}_view AS SELECT id FROM {table}")
        cursor.execute(f"CREATE TABLE {table}_child (parent integer NOT NULL REFERENCES {table} (id), n integer"
                       " DEFAULT 5, g integer GENERATED ALWAYS AS (n * 2) STORED, CHECK (n > 0))")
        cursor.execute(f"COMMENT ON COLUMN {table}_child.n IS 'how many'")
    try:
        (catalog,) = connection.adbc_get_objects(table_name_filter=f"{table}%").read_all().to_pylist()
        assert catalog["catalog_name"] == connection.adbc_current_catalog
        schemas = {schema["db_schema_name"]: schema["db_schema_tables"] for schema in catalog["catalog_db_schemas"]}
        tables = {entry["table_name"]: entry for entry in schemas["public"]}
        assert {name: entry["table_type"] for name, entry in tables.items()} == {
            table: "table", f"{table}_child": "table", f"{table}_view": "view"}
        child = tables[f"{table}_child"]
        assert [(column["column_name"], column["ordinal_position"], column["xdbc_type_name"], column["xdbc_nullable"],
                 column["xdbc_column_def"], column["remarks"], column["xdbc_is_generatedcolumn"])
                for column in child["table_columns"]] == [
            ("parent", 1, "integer", 0, None, None, False), ("n", 2, "integer", 1, "5", "how many", False),
            ("g", 3, "integer", 1, "(n * 2)", None, True)]
        kinds = {entry["constraint_type"]: entry for entry in child["table_constraints"]}
        assert kinds["CHECK"]["constraint_column_names"] == ["n"]
        assert kinds["FOREIGN KEY"]["constraint_column_names"] == ["parent"]
        assert kinds["FOREIGN KEY"]["constraint_column_usage"] == [
            {"fk_catalog": catalog["catalog_name"], "fk_db_schema": "public", "fk_table": table,
             "fk_column_name": "id"}]
        assert tables[table]["table_constraints"][0]["constraint_type"] == "PRIMARY KEY"
        (catalog,) = connection.adbc_get_objects(
            depth="tables", table_name_filter=f"{table}%", table_types_filter=["view"]).read_all().to_pylist()
        (entry,) = [entry for schema in catalog["catalog_db_schemas"] for entry in schema["db_schema_tables"]]
        assert entry == {"table_name": f"{table}_view", "table_type": "view", "table_columns": None,
                         "table_constraints": None}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}_child")


def test_the_catalogue_by_depth(connection: dbapi.Connection) -> None:
    name = connection.adbc_current_catalog
    assert connection.adbc_get_objects(depth="catalogs").read_all().to_pylist() == [
        {"catalog_name": name, "catalog_db_schemas": None}]
    (catalog,) = connection.adbc_get_objects(depth="db_schemas", db_schema_filter="pub%").read_all().to_pylist()
    assert catalog["catalog_db_schemas"] == [{"db_schema_name": "public", "db_schema_tables": None}]
    assert connection.adbc_get_objects(catalog_filter="no such").read_all().num_rows == 0
    connection.adbc_get_objects().read_all().validate(full=True)


def test_table_schema(connection: dbapi.Connection, table: str) -> None:
    for schema in (None, "public"):
        found = connection.adbc_get_table_schema(table, db_schema_filter=schema)
        assert found.names == ["id", "word", "amount"] and found.field("amount").type == pa.decimal128(10, 2)
    for arguments in ({}, {"db_schema_filter": "public"}, {"db_schema_filter": 'x"; DROP'}):
        with pytest.raises(dbapi.ProgrammingError):
            connection.adbc_get_table_schema("nowhere", **arguments)
    with pytest.raises(dbapi.ProgrammingError, match="not the hub's database"):
        connection.adbc_get_table_schema(table, catalog_filter="elsewhere")


def test_info(connection: dbapi.Connection) -> None:
    info = connection.adbc_get_info()
    assert info["driver_name"] == "Instant Data Connector" and info["vendor_name"] == "PostgreSQL"
    assert info["driver_version"] == _native.version() and info["driver_adbc_version"] == 1001000
    assert info["vendor_version"][:2].isdigit()
    assert "foreign_table" in connection.adbc_get_table_types()
    assert connection.adbc_current_db_schema == "public"


def test_what_is_not_supported_says_so(connection: dbapi.Connection, cursor: Any) -> None:
    with pytest.raises(dbapi.NotSupportedError, match="INSERT"):
        cursor.adbc_ingest("anything", pa.table({"a": [1]}))
    with pytest.raises(dbapi.NotSupportedError, match="one piece"):
        cursor.adbc_execute_partitions("SELECT 1")
    with pytest.raises(dbapi.NotSupportedError, match="Substrait"):
        cursor.execute(b"plan")
    with pytest.raises(dbapi.NotSupportedError, match="pool of connections"):
        connection.adbc_connection.set_autocommit(False)
    with pytest.raises(dbapi.NotSupportedError, match="adbc.connection.db_schema"):
        connection.adbc_current_db_schema = "public"
    with pytest.raises(dbapi.ProgrammingError, match="no transaction"):
        connection.adbc_connection.commit()
    with pytest.raises(dbapi.ProgrammingError, match="no query runs"):
        cursor.adbc_cancel()


def low_level_options(hub_arguments: dict[str, Any]) -> dict[str, str]:
    options = {"driver": _native.__file__, "entrypoint": "InstantDriverInit"}
    if "postgres_config" in hub_arguments:
        options["uri"] = hub_arguments["postgres_config"]
    return options


def test_the_driver_manager_by_hand(hub_arguments: dict[str, Any]) -> None:
    with adbc.AdbcDatabase(**low_level_options(hub_arguments)) as database:
        with adbc.AdbcConnection(database) as connection, adbc.AdbcStatement(connection) as statement:
            statement.set_sql_query("SELECT $1 + 1 AS x")
            statement.prepare()
            statement.bind(pa.record_batch({"x": [41]}))
            stream, affected = statement.execute_query()
            assert affected == -1
            reader = pa.RecordBatchReader._import_from_c(stream.address)
            assert reader.read_all().to_pylist() == [{"x": 42}]
            statement.set_options(**{"instant.batch_rows": 5})
            assert statement.get_option("instant.batch_rows") == "5"
            assert connection.get_option("adbc.connection.autocommit") == "true"
            with pytest.raises(dbapi.ProgrammingError, match="not set"):
                statement.get_option("instant.nothing")
            with pytest.raises(dbapi.ProgrammingError, match="not set"):
                database.get_option("uri")


def test_manager_without_this_package(hub_arguments: dict[str, Any]) -> None:
    """adbc_driver_manager.dbapi.connect finds the driver too, and warns where PEP 249 is not met."""
    options = low_level_options(hub_arguments)
    with pytest.warns(adbc_dbapi.Warning, match="autocommit"):
        with adbc_dbapi.connect(options.pop("driver"), entrypoint=options.pop("entrypoint"), db_kwargs=options) as made:
            assert made.execute("SELECT 1").fetchall() == [(1,)]


# ---- threads, cancel, errors on the way, memory, secrets ----


def test_two_connections_at_once(hub_arguments: dict[str, Any]) -> None:
    sums: dict[int, int] = {}

    def work(number: int) -> None:
        with dbapi.connect(**hub_arguments) as connection, connection.cursor() as cursor:
            for _ in range(10):
                rows = cursor.execute("SELECT i FROM generate_series(1, %s) AS i", (1000 * number,)).fetchall()
                sums[number] = sums.get(number, 0) + len(rows)

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == {1: 10000, 2: 20000, 3: 30000}


def test_threads_share_a_clone(connection: dbapi.Connection) -> None:
    with connection.adbc_clone() as other, other.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.quiet
@pytest.mark.parametrize("who", ["cursor", "connection"])
def test_cancel_from_another_thread(connection: dbapi.Connection, cursor: Any, who: str) -> None:
    canceled: list[float] = []

    def cancel() -> None:
        time.sleep(0.3)
        canceled.append(time.monotonic())
        (cursor if who == "cursor" else connection).adbc_cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(dbapi.OperationalError, match="CANCELLED") as caught:
        cursor.execute(SLOW).fetchall()
    took = time.monotonic() - canceled[0]
    thread.join()
    assert took < 0.25
    assert caught.value.sqlstate == "57014"
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_cancel_while_rows_come(connection: dbapi.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT generate_series(1, 100000000) AS i")
        assert cursor.fetchone() == (1,)
        cursor.adbc_cancel()
        with pytest.raises(dbapi.OperationalError, match="CANCELLED"):
            while cursor.fetchmany(100000):
                pass


def test_an_error_among_the_rows(connection: dbapi.Connection) -> None:
    with connection.cursor(adbc_stmt_kwargs={"instant.batch_rows": "1000"}) as cursor:
        cursor.execute(LATE_ERROR)
        rows = 0
        with pytest.raises(dbapi.DataError) as caught:
            while cursor.fetchone() is not None:
                rows += 1
        assert 0 < rows < 150000
        assert caught.value.sqlstate == "22012" and (b"instant.sqlstate", b"22012") in caught.value.details


def test_a_reader_outlives_its_cursor_and_connection(hub_arguments: dict[str, Any]) -> None:
    """What was read stays good; what was not is an error, never a crash."""
    connection = dbapi.connect(**hub_arguments)
    cursor = connection.cursor()
    reader = cursor.execute("SELECT i FROM generate_series(1, 1000000) AS i").fetch_record_batch()
    first = reader.read_next_batch()
    cursor.close()
    connection.close()
    with pytest.raises(Exception):  # noqa: B017 - the manager's or pyarrow's, which of them is theirs
        while True:
            reader.read_next_batch()
    assert first.column(0)[0].as_py() == 1


def test_rows_of_parameters_end_with_their_connection(hub_arguments: dict[str, Any]) -> None:
    """The run of the next row would need what the connection had: an error, never a crash."""
    for _ in range(5):
        connection = dbapi.connect(**hub_arguments)
        cursor = connection.cursor()
        rows = pa.table({"x": list(range(100))})
        reader = cursor.execute("SELECT $1 + 1 AS x", rows).fetch_record_batch()
        assert reader.read_next_batch().column(0)[0].as_py() == 1
        cursor.close()
        connection.close()
        with pytest.raises(Exception, match="released|closed"):
            while True:
                reader.read_next_batch()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_queries_leave_nothing(connection: dbapi.Connection) -> None:
    def run(count: int) -> None:
        for i in range(count):
            with connection.cursor() as cursor:
                cursor.execute("SELECT i, 'word' || i FROM generate_series(1, 200) AS i WHERE i <> %s", (i,))
                assert len(cursor.fetch_arrow_table()) >= 199
                with pytest.raises(dbapi.DataError):
                    cursor.execute("SELECT 1 / 0").fetchall()
        gc.collect()

    run(100)
    before = resident()
    run(1000)
    assert resident() - before < 8 * 2**20


def test_no_password_in_any_error(hub_arguments: dict[str, Any]) -> None:
    secret = "swordfish-" + secrets.token_hex(4)
    wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((f"postgresql://someone:{secret}@127.0.0.1:1/nowhere",), {}),
        ((f"postgresql://someone:{secret}@127.0.0.1:port/nowhere",), {}),
        ((), {"postgres_config": {"host": "127.0.0.1", "port": 1, "user": "someone", "password": secret}}),
        ((), {"config": f"hub: {{password: {secret}, prot: 1}}"}),
    ]
    for arguments, options in wrong:
        with pytest.raises(dbapi.Error) as caught:
            dbapi.connect(*arguments, **options, connect_timeout=2)
        assert secret not in repr(caught.value) + str(caught.value) + repr(caught.value.details)
    driver = {"driver": _native.__file__, "entrypoint": "InstantDriverInit"}
    with pytest.raises(dbapi.Error) as caught:
        adbc.AdbcDatabase(**driver, uri=f"mysql://someone:{secret}@somewhere/db")
    assert secret not in str(caught.value)
    with adbc.AdbcDatabase(**driver, uri=f"postgresql://someone:{secret}@127.0.0.1:1/x", password=secret) as database:
        for key in ("uri", "password", "instant.hub_url", "instant.hub.password"):
            with pytest.raises(dbapi.Error) as caught:
                database.get_option(key)
            assert secret not in str(caught.value)
        with pytest.raises(dbapi.OperationalError) as caught:
            adbc.AdbcConnection(database)
        assert secret not in str(caught.value) + repr(caught.value.details)


def test_arguments_that_cannot_be(hub_arguments: dict[str, Any]) -> None:
    with pytest.raises(dbapi.InterfaceError, match="one hub"):
        dbapi.connect("postgresql://a/b", postgres_config="postgresql://a/b")
    with pytest.raises(dbapi.InterfaceError, match="not both"):
        dbapi.connect("sources.yaml", config={})
    with pytest.raises(dbapi.Error, match="pool_size"):
        dbapi.connect(**hub_arguments, pool_size=0)
    with pytest.raises(dbapi.Error, match="nowhere.yaml"):
        dbapi.connect("nowhere.yaml")


def test_the_sources_of_a_configuration(connector: Any, flights_sources: Any, hub_arguments: dict[str, Any]) -> None:
    """Foreign tables, set up by a connector, through a cursor."""
    with dbapi.connect(flights_sources.path, **hub_arguments) as connection, connection.cursor() as cursor:
        count = cursor.execute("SELECT count(*) FROM airlines").fetchone()
        assert count == (16,)
        joined = cursor.execute("SELECT a.name, count(*) FROM flights f JOIN airlines a USING (carrier)"
                                " WHERE f.month = %s GROUP BY 1 ORDER BY 2 DESC LIMIT 1", (1,)).fetchone()
        assert joined[1] > 0


def test_without_the_driver_manager() -> None:
    """The extra that brings it is named."""
    code = ("import sys; sys.modules['adbc_driver_manager'] = None\n"
            "try:\n    import instant_connector.dbapi\n"
            "except ImportError as error:\n    print(error)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "pip install 'instant-connector[dbapi]'" in done.stdout, done.stderr
