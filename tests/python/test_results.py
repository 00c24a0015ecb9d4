"""Lazy results: every form of the same rows, and what is known about a run."""
from __future__ import annotations

import datetime as dt
import gc
import sys
from decimal import Decimal
from typing import Any

import duckdb
import instant_connector as ic
import numpy as np
import pandas as pd
import polars as pl
import psycopg
import pyarrow as pa
import pytest
from harness import typezoo
from instant_connector import Interval, SyncInstantDataConnector
from instant_connector._native import Buffer

pytest_plugins = ["connectors"]

TYPES = """
SELECT 1::int2 AS i2, 2::int4 AS i4, 9007199254740993::int8 AS i8, 4294967295::oid AS oid,
       1.5::real AS f4, 0.1::float8 AS f8, 1.50::numeric(10,2) AS nd, 1.23456789012345678901::numeric AS n,
       true AS b, 'x'::text AS t, '\\x00ff'::bytea AS by, date '2013-01-31' AS d, time '12:30' AS ti,
       timestamp '2013-01-31 12:30:00.000001' AS ts, timestamptz '2013-01-31 12:30+02' AS tz,
       interval '1 mon 2 days 3.5 s' AS iv, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u,
       '{"a": 1}'::jsonb AS j, array[1, NULL, 9007199254740993] AS l
"""


def with_null(sql: str) -> str:
    """The row of sql and one of NULLs."""
    return f"SELECT t.* FROM ({sql}) t UNION ALL SELECT t.* FROM (VALUES (1)) one LEFT JOIN ({sql}) t ON false"


def test_rows(plain: SyncInstantDataConnector) -> None:
    first, second = plain.query(with_null(TYPES)).rows()
    assert first == {
        "i2": 1, "i4": 2, "i8": 9007199254740993, "oid": 4294967295, "f4": 1.5, "f8": 0.1, "nd": Decimal("1.50"),
        "n": Decimal("1.23456789012345678901"), "b": True, "t": "x", "by": b"\x00\xff", "d": dt.date(2013, 1, 31),
        "ti": dt.time(12, 30), "ts": dt.datetime(2013, 1, 31, 12, 30, 0, 1),
        "tz": dt.datetime(2013, 1, 31, 10, 30, tzinfo=dt.timezone.utc), "iv": Interval(1, 2, 3_500_000),
        "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "j": '{"a": 1}', "l": [1, None, 9007199254740993]}
    assert str(first["nd"]) == "1.50"
    assert set(second.values()) == {None}


def test_pandas_types(plain: SyncInstantDataConnector) -> None:
    frame = plain.query(TYPES).to_pandas()
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds == {
        "i2": "int16", "i4": "int32", "i8": "int64", "oid": "uint32", "f4": "float32", "f8": "float64",
        "nd": "float64", "n": "float64", "b": "bool", "t": "str", "by": "object", "d": "datetime64[s]", "ti": "object",
        "ts": "datetime64[us]", "tz": "datetime64[us, UTC]", "iv": "object", "u": "str", "j": "str", "l": "object"}
    row = frame.iloc[0]
    assert row["i8"] == 9007199254740993
    assert row["d"] == pd.Timestamp("2013-01-31") and row["tz"] == pd.Timestamp("2013-01-31 10:30", tz="UTC")
    assert row["iv"] == Interval(1, 2, 3_500_000) and row["l"] == [1, None, 9007199254740993]
    assert row["ti"] == dt.time(12, 30) and row["by"] == b"\x00\xff"


def test_pandas_nulls_cost_no_precision(plain: SyncInstantDataConnector) -> None:
    frame = plain.query(with_null(TYPES)).to_pandas()
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert (kinds["i2"], kinds["i4"], kinds["i8"], kinds["oid"]) == ("Int16", "Int32", "Int64", "UInt32")
    assert kinds["b"] == "boolean" and kinds["f8"] == "float64" and kinds["t"] == "str"
    assert frame.i8[0] == 9007199254740993
    assert frame.isna().iloc[1].all() and not frame.isna().iloc[0].any()


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_pandas_backends(plain: SyncInstantDataConnector, backend: str) -> None:
    frame = plain.query(with_null(TYPES)).to_pandas(dtype_backend=backend)
    assert frame.i8[0] == 9007199254740993 and frame.isna().iloc[1].all()
    if backend == "pyarrow":
        assert all(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)
    else:
        assert str(frame.f8.dtype) == "Float64" and str(frame.t.dtype) == "string"
    with pytest.raises(ic.InterfaceError, match="dtype_backend"):
        plain.query("SELECT 1").to_pandas(dtype_backend="nunpy")


def test_numerics_as_the_user_wants_them(plain: SyncInstantDataConnector) -> None:
    sql = "SELECT 1.50::numeric(10,2) AS nd, 1.23456789012345678901::numeric AS n"
    lazy = plain.query(sql)
    assert lazy.to_pandas().nd.dtype == "float64"
    assert lazy.to_pandas(numeric="decimal").nd[0] == Decimal("1.50")
    assert lazy.to_pandas(numeric="string").n[0] == "1.23456789012345678901"
    assert lazy.to_arrow().schema.types == [pa.decimal128(10, 2), pa.large_string()]
    assert lazy.to_arrow(numeric="float64").schema.types == [pa.float64()] * 2
    assert plain.query(sql, numeric="string").rows() == [{"nd": "1.50", "n": "1.23456789012345678901"}]
    assert plain.query(sql, numeric="float64").to_arrow().schema.types == [pa.float64()] * 2
    with pytest.raises(ic.InterfaceError, match="numeric"):
        lazy.to_arrow(numeric="float")


def test_what_no_calendar_holds(plain: SyncInstantDataConnector) -> None:
    sql = "SELECT date '0044-03-15 BC' AS d, timestamp '12013-01-01 10:00' AS ts, timestamptz '0001-01-01 00:00 BC+0' AS tz"
    (row,) = plain.query(sql).rows()
    assert row == {"d": "0044-03-15 BC", "ts": "12013-01-01 10:00:00", "tz": "0001-01-01 00:00:00+00 BC"}
    frame = plain.query(sql).to_pandas()
    assert frame.d[0].year == -43 and frame.ts[0].year == 12013
    infinite = plain.query("SELECT date 'infinity' AS d, time '24:00' AS t")
    assert infinite.rows() == [{"d": None, "t": None}]
    assert infinite.stats["unrepresentable"] == 2
    with pytest.raises(ic.DataError):
        plain.query("SELECT date 'infinity'", unrepresentable="error").rows()


def test_enums_are_ordered_categories(plain: SyncInstantDataConnector) -> None:
    plain.execute_query("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
    try:
        lazy = plain.query("SELECT unnest(ARRAY['happy', NULL, 'sad']::mood[]) AS m")
        frame = lazy.to_pandas()
        assert list(frame.m.cat.categories) == ["sad", "ok", "happy"] and frame.m.cat.ordered
        assert frame.m.tolist()[::2] == ["happy", "sad"] and frame.m.isna()[1]
        assert [row["m"] for row in lazy.rows()] == ["happy", None, "sad"]
        assert frame.m.max() == "happy"
    finally:
        plain.execute_query("DROP TYPE mood")


def test_empty_results_keep_their_types(plain: SyncInstantDataConnector) -> None:
    empty = plain.query(f"SELECT * FROM ({TYPES}) t WHERE false")
    full = plain.query(TYPES)
    assert empty.to_pandas().dtypes.equals(full.to_pandas().dtypes)
    assert empty.to_arrow().schema.equals(full.to_arrow().schema)
    assert empty.rows() == [] and list(empty) == []
    assert empty.to_pandas(dtype_backend="pyarrow").empty


def test_columns_may_have_any_name(plain: SyncInstantDataConnector) -> None:
    frame = plain.query('SELECT 1 AS "Größe", 2 AS "a""b", 3 AS "a b", 4 AS x, 5 AS x').to_pandas()
    assert list(frame.columns) == ["Größe", 'a"b', "a b", "x", "x"]
    assert frame.iloc[0].tolist() == [1, 2, 3, 4, 5]


def test_frames_are_writable(plain: SyncInstantDataConnector) -> None:
    frame = plain.query("SELECT i, i::float8 AS f, i::text AS t, now() AS tz, date '2013-01-01' AS d, i > 2 AS b "
                        "FROM generate_series(1, 5) i").to_pandas()
    frame.loc[0, "i"] = 50
    frame.loc[frame.i > 3, "f"] = -1.0
    frame.loc[1, "t"] = "changed"
    frame.loc[2, "tz"] = pd.Timestamp("2013-01-01", tz="UTC")
    frame.loc[2, "d"] = pd.Timestamp("2014-01-01")
    frame.loc[2, "b"] = False
    assert frame.i.tolist() == [50, 2, 3, 4, 5] and frame.f.tolist() == [-1.0, 2.0, 3.0, -1.0, -1.0]
    assert frame.t[1] == "changed" and frame.tz[2].year == 2013 and frame.d[2].year == 2014 and not frame.b[2]


def test_two_frames_share_nothing(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT i FROM generate_series(1, 1000) i")
    first, second = lazy.to_pandas(), lazy.to_pandas()
    first.loc[:, "i"] = 0
    assert second.i.sum() == 500500


def test_a_column_outlives_its_frame(plain: SyncInstantDataConnector) -> None:
    frame = plain.query("SELECT i, i::text AS t FROM generate_series(1, 1000) i").to_pandas()
    column = frame["i"].to_numpy()
    del frame
    gc.collect()
    assert column.sum() == 500500


def test_a_buffer_holds_its_owner() -> None:
    owner = np.arange(4)
    count = sys.getrefcount(owner)
    view = memoryview(Buffer(owner, owner.ctypes.data, owner.nbytes))
    assert not view.readonly and sys.getrefcount(owner) == count + 1
    view.release()
    assert sys.getrefcount(owner) == count
    for wrong in ((owner, 0, 8), (owner, owner.ctypes.data, -1)):
        with pytest.raises(ValueError):
            Buffer(*wrong)


# ---- others take the stream ----

NUMBERS = "SELECT i::int8 AS i, i::text AS t, (i % 7)::float8 AS f FROM generate_series(1, 200000) i"


def test_consumers_of_the_arrow_stream(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query(NUMBERS)
    total = 200000 * 200001 // 2
    assert pa.table(lazy)["i"].to_numpy().sum() == total
    assert pa.RecordBatchReader.from_stream(lazy).read_all().num_rows == 200000
    assert pl.DataFrame(lazy)["i"].sum() == total
    assert lazy.to_polars()["i"].sum() == total
    assert pd.DataFrame.from_arrow(lazy)["i"].sum() == total
    assert duckdb.sql("SELECT sum(i) FROM lazy").fetchall() == [(total,)]
    assert lazy.stats["rows"] == 200000


def test_polars_takes_every_type(plain: SyncInstantDataConnector) -> None:
    row = plain.query(TYPES.replace("interval '1 mon 2 days 3.5 s' AS iv,", "")).to_polars().row(0, named=True)
    assert row["i8"] == 9007199254740993 and row["nd"] == Decimal("1.50") and row["l"] == [1, None, 9007199254740993]
    assert row["tz"] == dt.datetime(2013, 1, 31, 10, 30, tzinfo=dt.timezone.utc)


def test_a_stream_that_breaks(plain: SyncInstantDataConnector) -> None:
    """The connector's own error, not the library's, wherever the package does the reading."""
    lazy = plain.query("SELECT 1 / (150000 - i) AS n FROM generate_series(1, 200000) i")
    for read in (lazy.to_arrow, lazy.to_polars, lazy.to_pandas, lazy.rows, lambda: list(lazy),
                 lambda: list(lazy.batches(batch_rows=1000))):
        with pytest.raises(ic.DataError) as caught:
            read()
        assert caught.value.sqlstate == "22012"
    with pytest.raises(Exception, match="division by zero"):
        pa.table(lazy)
    assert plain.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_a_stream_that_nobody_reads(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT generate_series(1, 100000000) AS i")
    for _ in range(30):  # more than the pool has connections
        lazy.__arrow_c_stream__()
    half_read = [next(iter(lazy)) for _ in range(30)]
    assert half_read[0] == {"i": 1}


def test_batches(plain: SyncInstantDataConnector) -> None:
    batches = plain.query(NUMBERS).batches(batch_rows=50000)
    first = next(batches)
    assert isinstance(first, pa.RecordBatch) and first.num_rows == 50000
    assert [batch.num_rows for batch in batches] == [50000] * 3


def test_iteration_streams(plain: SyncInstantDataConnector) -> None:
    rows = iter(plain.query("SELECT generate_series(1, 50000000) AS i"))
    assert [next(rows)["i"] for _ in range(3)] == [1, 2, 3]
    rows.close()
    assert sum(row["i"] for row in plain.query("SELECT i FROM generate_series(1, 3000) i")) == 4501500


def test_stats_and_sql(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT i FROM generate_series(1, 10) i")
    assert lazy.stats == {}
    lazy.to_pandas()
    assert lazy.stats["rows"] == 10 and lazy.stats["total_us"] > 0
    assert lazy.sql == "SELECT i FROM generate_series(1, 10) i"
    assert "generate_series" in repr(lazy)


def test_the_preview(plain: SyncInstantDataConnector) -> None:
    shown = plain.query("SELECT i, '<b>' AS t, NULL AS n FROM generate_series(1, 100) i; ")._repr_html_()
    assert shown.count("<tr>") == 21 and "&lt;b&gt;" in shown and "<b>" not in shown
    plain.execute_query("CREATE TABLE previewed (i int)")
    for sql in ("INSERT INTO previewed VALUES (1) RETURNING i", "DELETE FROM previewed",
                "WITH x AS (INSERT INTO previewed VALUES (1) RETURNING i) SELECT * FROM x"):
        plain.query(sql)._repr_html_()
    assert plain.execute_query("SELECT * FROM previewed").empty
    plain.execute_query("DROP TABLE previewed")
    assert "no_such" in plain.query("SELECT no_such")._repr_html_()


def test_a_time_limit(plain: SyncInstantDataConnector) -> None:
    with pytest.raises(ic.QueryTimeoutError):
        plain.query("SELECT pg_sleep(60)", timeout=0.3).rows()
    with pytest.raises(ic.InterfaceError, match="timeout"):
        plain.query("SELECT 1", timeout=-1)


def test_what_is_pushed_down(connector: SyncInstantDataConnector) -> None:
    lazy = connector.table("flights", {"carrier": "UA"}, columns=["flight"])
    plan = lazy.explain()
    (piece,) = plan.remote
    assert "UA" in piece["remote_sql"] and piece["server"]
    assert "Foreign Scan" in str(plan)
    assert "actual" in lazy.explain(analyze=True).text
    assert lazy.sql.startswith("SELECT")
    assert "<table>" in connector.table("airlines")._repr_html_()


# ---- every type of the source ----

@pytest.fixture(scope="module")
def zoo(postgres_source: Any, hub_arguments: dict[str, Any]) -> Any:
    config = {"sources": {"zoo": {
        "extension": "postgres_fdw",
        "server": {"name": "zoo_server", "options": {"host": postgres_source.host, "port": postgres_source.port,
                                                     "dbname": "flights"}},
        "user_mapping": {"options": {"user": postgres_source.username, "password": postgres_source.password}},
        "tables": [{"name": "zoo_everything", "options": {"schema_name": "typezoo", "table_name": "everything"}}]}}}
    with SyncInstantDataConnector(config=config, **hub_arguments) as made:
        made.setup_fdw_infrastructure()
        yield made


def test_every_type_agrees_with_the_source(zoo: SyncInstantDataConnector, postgres_source: Any) -> None:
    """Cell by cell: the value, sent back to the source, equals the source's own."""
    rows = {row["id"]: row for row in zoo.table("zoo_everything").rows()}
    assert len(rows) == typezoo.ROWS
    with psycopg.connect(postgres_source.url("flights")) as source:
        for name, (kind, _) in typezoo.COLUMNS.items():
            quoted = typezoo.quoted(name)
            texts = dict(source.execute(f"SELECT id, {quoted}::text FROM typezoo.everything").fetchall())
            values = list({repr(row[name]): (row[name], texts[key]) for key, row in rows.items()}.values())
            for value, text in values:
                if value is None:
                    assert text is None, name
                    continue
                answer = zoo.query(f"SELECT ($1::{kind})::text AS t", [value]).rows()
                assert answer == [{"t": text}], name


def test_every_type_in_every_form(zoo: SyncInstantDataConnector) -> None:
    lazy = zoo.table("zoo_everything", order_by="id")
    rows = lazy.rows()
    frame = lazy.to_pandas(numeric="decimal")
    table = lazy.to_arrow()
    assert len(frame) == table.num_rows == len(rows) == typezoo.ROWS
    nulls = {name: sum(row[name] is None for row in rows) for name in rows[0]}
    for name in rows[0]:
        assert table.column(name).null_count == nulls[name], name
        if name not in ("c_float4", "c_float8"):  # NaN is a missing value to pandas
            assert int(frame[name].isna().sum()) == nulls[name], name
    wide = lazy.to_pandas(dtype_backend="pyarrow")
    for name in ("c_int8", "c_text", "c_bool", "c_date"):
        assert [None if value is pd.NA else value for value in wide[name]] == [row[name] for row in rows], name


@pytest.fixture
def types_of_our_own(plain: SyncInstantDataConnector) -> Any:
    plain.execute_query("CREATE SCHEMA IF NOT EXISTS ours")
    plain.execute_query("CREATE EXTENSION IF NOT EXISTS hstore")
    plain.execute_query("CREATE EXTENSION IF NOT EXISTS citext")
    plain.execute_query("CREATE TYPE ours.mood AS ENUM ('sad', 'ok')")
    plain.execute_query("CREATE TYPE ours.pair AS (a int, b text)")
    plain.execute_query("CREATE DOMAIN ours.numbers AS int[]")
    yield
    plain.execute_query("DROP SCHEMA ours CASCADE")


@pytest.mark.parametrize(("expression", "value"), [
    ("'a=>1, b=>NULL'::hstore", {"a": "1", "b": None}),
    ("'Ab'::citext", "Ab"),
    ("ARRAY['sad', 'ok', NULL]::ours.mood[]", ["sad", "ok", None]),
    ("ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid]", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("ARRAY[1.50, 'NaN']::numeric(5,2)[]", [Decimal("1.50"), None]),
    ("ARRAY[1.5, 'NaN']::numeric[]", [Decimal("1.5"), Decimal("NaN")]),
    ("ARRAY[date '2020-01-01', 'infinity']", [dt.date(2020, 1, 1), None]),
    ("ARRAY['1.2.3.4'::inet, '::1/64']", ["1.2.3.4", "::1/64"]),
    ("ARRAY[ROW(1, 'x')::ours.pair]", ["(1,x)"]),
    ("'{1,2}'::ours.numbers", [1, 2]),
    ("ROW(1, 'a,b')", '(1,"a,b")'),
    ("'{}'::text[]", []),
])
def test_types_of_extensions_and_users(plain: SyncInstantDataConnector, types_of_our_own: None,
                                       expression: str, value: Any) -> None:
    (row,) = plain.query(f"SELECT {expression} AS v").rows()
    assert repr(row["v"]) == repr(value)
    assert len(plain.query(f"SELECT {expression} AS v").to_pandas()) == 1


def test_as_many_columns_as_a_query_may_have(plain: SyncInstantDataConnector) -> None:
    columns = ", ".join(f"{n} AS c{n}" if n % 2 else f"'10.0.0.{n % 256}'::inet AS c{n}" for n in range(1600))
    (row,) = plain.query(f"SELECT {columns}").rows()
    assert len(row) == 1600
    assert (row["c1599"], row["c1598"]) == (1599, f"10.0.0.{1598 % 256}")


def test_a_syntax_error_says_where(plain: SyncInstantDataConnector) -> None:
    with pytest.raises(ic.ProgrammingError, match='syntax error at or near "frm"') as error:
        plain.query("SELECT 1 AS a frm pg_class").rows()
    assert error.value.hint == "look at character 15 of the statement"
