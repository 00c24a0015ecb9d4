"""instant.arrow over one foreign table: batches are passed on as they came, and are what tuples would have been.

The source process of most tests sends whatever the test says; what is expected is instant.arrow's own answer about a
local copy of the same rows. Near the end of a request is the layout that was asked for: columns, 32-bit offsets, doubles.
"""
from __future__ import annotations

import math
import secrets
import sqlite3
import struct

import psycopg
import pyarrow as pa
import pytest
from extension_build import Connection, parts, table
from replayed_source import BATCH, END, SCHEMA, ReplayedSource, messages_of
from scratch_servers import Scratch
from test_convert import DEFINITIONS, EPOCH_US, ERRORS, VALUES, decimals, ints, table_of, texts

DAY_US = 86_400_000_000
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.fixture
def source(connection: Connection, scratch: Scratch) -> ReplayedSource:
    folder = scratch.path / f"relayed-{secrets.token_hex(4)}"
    folder.mkdir()
    folder.chmod(0o755)
    return ReplayedSource(connection, folder)


def layout(*columns: int, is_small: bool = False, is_float: bool = False) -> bytes:
    return struct.pack(f"<I{len(columns)}I??", len(columns), *columns, is_small, is_float)


def asked(source: ReplayedSource) -> bytes:
    """The request up to its layout: behind it is the pair of slots for batches."""
    return source.request()[:-1]


def passed(source: ReplayedSource, name: str, options: str = "{}", columns: str = "*") -> pa.Table:
    return table(source.connection, f"SELECT instant.arrow_with('{options}', 'SELECT {columns} FROM {name}')")


def by_tuples(source: ReplayedSource, name: str, options: str = "{}", columns: str = "*") -> pa.Table:
    source.connection.execute(f"DROP TABLE IF EXISTS copied; CREATE TABLE copied AS SELECT * FROM {name}")
    return table(source.connection, f"SELECT instant.arrow_with('{options}', 'SELECT {columns} FROM copied')")


def shown(column: pa.ChunkedArray) -> str:
    """NaN is equal to itself here, and dates beyond Python's are numbers."""
    array = column.combine_chunks()
    if pa.types.is_temporal(array.type) and not pa.types.is_interval(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    return str(array.to_pylist())


def same(left: pa.Table, right: pa.Table) -> bool:
    return left.schema.equals(right.schema, check_metadata=True) and [shown(column) for column in left.columns] == [
        shown(column) for column in right.columns]


# Types whose batches are never passed on: they need their input function, or are domains.
BY_ROWS = {'"char"', "name", "json", "jsonb", "interval", "interval(1)", "time with time zone", "inet", "integer[]",
           "text[]", "varchar(2)[]", "timestamptz[]", "int4range", "bit(3)", "mood", "pair", "positive", "price",
           "short_word", "few", "numeric(50,3)", "numeric(3,-2)"}


# One of the arrays is of two dimensions, which instant.arrow refuses.
KNOWN = [value for value in VALUES if value[0] != "integer[]"]


@pytest.mark.parametrize(("type_name", "array", "literals"), KNOWN, ids=[value[0] for value in KNOWN])
def test_values_are_those_of_tuples(
        source: ReplayedSource, type_name: str, array: pa.Array, literals: list[str]) -> None:
    source.connection.execute(DEFINITIONS)
    with_null = pa.concat_arrays([array, pa.nulls(1, array.type)])
    name = table_of(source, type_name, with_null, array[:1], with_null)
    found = passed(source, name)
    assert asked(source).endswith(layout() if type_name in BY_ROWS else layout(0))
    assert same(found, by_tuples(source, name))
    assert len(found) == 2 * len(literals) + 3


@pytest.mark.parametrize(("type_name", "array", "sqlstate", "words"), ERRORS,
                         ids=[f"{i}-{error[0]}" for i, error in enumerate(ERRORS)])
def test_what_is_wrong_is_an_error(
        source: ReplayedSource, type_name: str, array: pa.Array, sqlstate: str, words: str) -> None:
    source.connection.execute(DEFINITIONS)
    if type_name == "refusing":
        array = array.slice(2)
    name = table_of(source, type_name, array)
    with pytest.raises(psycopg.Error) as caught:
        passed(source, name)
    assert caught.value.sqlstate == sqlstate
    assert f'column "a" in row {len(array)} of batch 1' in (caught.value.diag.message_primary or "")
    assert words in (caught.value.diag.message_primary or "")
    assert "secret" not in str(caught.value)
    assert source.connection.execute("SELECT 1").fetchone() == (1,)


UNREPRESENTABLE = [
    ("date", ints([-2**31 + 10_957, 5, -2**31 + 10_956], pa.date32()), 2),
    ("time", ints([DAY_US, 0], pa.time64("us")), 1),
    ("timestamp", ints([-2**63 + EPOCH_US, -2**63 + EPOCH_US - 1, -2**63, 0], pa.timestamp("us")), 3),
    ("timestamptz", ints([0, -2**63 + 945_979_145_224_191], pa.timestamp("us", "UTC")), 1),
    ("numeric(7,2)", decimals([-2**127, 1], 7, 2), 1),
]


@pytest.mark.parametrize(("type_name", "array", "count"), UNREPRESENTABLE)
def test_what_arrow_has_not_is_null_and_counted(
        source: ReplayedSource, type_name: str, array: pa.Array, count: int) -> None:
    plain = pa.array([None] * 3, array.type)
    name = table_of(source, type_name, plain, array, plain, array)
    found = passed(source, name)
    assert found.column(0).null_count == 6 + 2 * count
    assert same(found, by_tuples(source, name))
    messages = [bytes(message) for message in parts(source.connection, f"SELECT instant.arrow('SELECT * FROM {name}')")]
    assert b"instant:unrepresentable" not in messages[1]
    assert any(b"instant:unrepresentable" in message for message in messages)
    with pytest.raises(psycopg.Error, match="cannot represent"):
        passed(source, name, '{"unrepresentable": "error"}')


@pytest.mark.parametrize("values", [
    [0, 1, -1, 12345, -12345, 10**15 - 1, 2**53, 2**53 + 1, -2**53 - 1, 2**63 - 1, 2**63, -2**63, 2**64 - 1, 2**64,
     10**38 - 1, -10**38 + 1, 3 * 10**30 + 7]])
@pytest.mark.parametrize("scale", [0, 2, 19, 22, 23, 27, 28, 38])
def test_decimals_as_doubles_are_the_nearest(scratch: Scratch, connection: Connection, values: list[int], scale: int) -> None:
    """Made by instant-source: by way of numeric's own text, as the hub would."""
    numbers = [f"{value}e-{scale}" for value in values]
    path = scratch.path / f"decimals-{secrets.token_hex(4)}.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE d (a TEXT)")
        file.executemany("INSERT INTO d VALUES (?)", [(text,) for text in [*numbers, None]])
    file.close()
    path.chmod(0o644)
    connection.execute("DROP SERVER IF EXISTS files CASCADE; CREATE SERVER files FOREIGN DATA WRAPPER instant_sqlite "
                       f"OPTIONS (path '{path}'); CREATE FOREIGN TABLE d (a numeric(38,{scale})) SERVER files")
    connection.execute("CREATE TABLE e AS SELECT * FROM d")
    found, expected = (table(connection, f"SELECT instant.arrow_with('{{\"numeric\": \"float64\"}}', 'SELECT a FROM {name}')")
                       for name in "de")
    assert found.equals(expected)
    assert found.column(0).to_pylist() == [*map(float, numbers), None]


def test_doubles_of_decimals_beyond_their_type_are_an_error(source: ReplayedSource) -> None:
    for type_name, good, bad in [("numeric(5,2)", [999.99, -999.99, math.nan], 1000.0),
                                 ("numeric(20,2)", [1e18, -1e18], 1.1e18), ("numeric(5,2)", [0.0], math.inf)]:
        name = table_of(source, type_name, pa.array(good))
        assert str(passed(source, name, '{"numeric": "float64"}').column(0).to_pylist()) == str(good)
        assert asked(source).endswith(layout(0, is_float=True))
        name = table_of(source, type_name, pa.array([*good, bad]))
        with pytest.raises(psycopg.Error) as caught:
            passed(source, name, '{"numeric": "float64"}')
        assert caught.value.sqlstate == "22003"


def test_small_offsets(source: ReplayedSource) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["ä", None, "bc"]), pa.array([b"\xff", b"", None])], ["t", "b"])
    name = source.table({"t": "text", "b": "bytea"}, *messages_of([batch]))
    found = passed(source, name, '{"text": "utf8"}')
    assert asked(source).endswith(layout(0, 1, is_small=True))
    assert found.schema.types == [pa.utf8(), pa.binary()] and found.to_batches()[0].equals(
        pa.RecordBatch.from_arrays(batch.columns, schema=found.schema))
    bad = pa.RecordBatch.from_arrays([pa.array([b"a", b"\xe4"], pa.binary()).view(pa.utf8()), pa.array([b"", b""])],
                                     ["t", "b"])
    with pytest.raises(psycopg.Error, match='"t" in row 2 of batch 1'):
        passed(source, source.table({"t": "text", "b": "bytea"}, *messages_of([bad])), '{"text": "utf8"}')


def test_columns_are_asked_for_in_the_order_of_the_query(source: ReplayedSource) -> None:
    answer = pa.RecordBatch.from_arrays([pa.array([1.5, None]), pa.array([7, 8], pa.int32()), pa.array([1.5, None])],
                                        ["c", "a", "again"])
    name = source.table({"a": "int", "b": "text", "c": "float8"}, *messages_of([answer]))
    found = passed(source, name, columns="c, a, c AS again")
    assert asked(source).endswith(layout(1, 0, 1))
    assert found.to_pydict() == answer.to_pydict()


@pytest.mark.parametrize(("columns", "options"), [
    ("a + 1 AS a", "{}"), ("a, 5 AS b", "{}"), ("b", '{"dictionary": "auto"}'), ("c", '{"numeric": "string"}'),
    ("t", "{}"), ("a, tableoid", "{}"), ("count(*)", "{}"), ("t.t", "{}")])
def test_anything_else_is_read_by_rows(source: ReplayedSource, columns: str, options: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([], pa.int32()), texts(), decimals([], 7, 2)], ["a", "b", "c"])
    name = source.table({"a": "int", "b": "text", "c": "numeric(7,2)"}, *messages_of([batch]))
    try:
        passed(source, f"{name} t", options, columns)
    except psycopg.Error as error:  # the answer has columns that were not asked for
        assert error.sqlstate in ("HV008", "42703")
        if error.sqlstate == "42703":
            return
    assert asked(source).endswith(layout())


def test_a_message_with_more_in_it_is_read_by_rows(source: ReplayedSource) -> None:
    """Nothing that a reader might take for something else gets through."""
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2, None], pa.int64())], ["a"])
    schema, (body,) = messages_of([batch])
    for more in (b"\xff\xff\xff\xff\x00\x00\x00\x00", body, schema):
        name = source.table({"a": "bigint"}, schema, [body + more])
        try:
            found = passed(source, name)
        except psycopg.Error as error:
            assert error.sqlstate == "HV000"
        else:
            assert found.to_pydict() == batch.to_pydict()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch, custom_metadata={"instant:unrepresentable": "77"})
    marked = sink.getvalue().to_pybytes()[len(schema):-8]
    name = source.table({"a": "bigint"}, schema, [marked])
    assert passed(source, name).to_pydict() == batch.to_pydict()
    assert all(b"unrepresentable" not in bytes(message)
               for message in parts(source.connection, f"SELECT instant.arrow('SELECT a FROM {name}')"))


def test_batches_that_cannot_be_passed_on_keep_their_place(source: ReplayedSource) -> None:
    arrays = [texts("aa", "bb"), texts("c ", "d"), texts("ee"), texts("f", None), texts("gg")]
    name = table_of(source, "char(2)", *arrays)
    found = passed(source, name)
    assert found.column(0).to_pylist() == ["aa", "bb", "c ", "d ", "ee", "f ", None, "gg"]
    row = source.connection.execute(f"SELECT count(*) FROM instant.arrow('SELECT * FROM {name}')").fetchone()
    assert row == (7,)  # schema, five batches, end


def test_rows_are_counted(source: ReplayedSource) -> None:
    before = source.connection.execute("SELECT rows, batches FROM instant.stats").fetchone()
    name = table_of(source, "int", pa.array([1, 2, 3], pa.int32()), pa.array([4], pa.int32()))
    passed(source, name)
    after = source.connection.execute("SELECT rows, batches FROM instant.stats").fetchone()
    scanned = source.connection.execute("SELECT rows FROM instant.scans WHERE server = 'replayed'").fetchone()
    assert before is not None and after is not None
    assert (after[0] - before[0], after[1] - before[1]) == (4, 2)
    assert scanned == (4,)


def test_a_damaged_batch_is_a_clean_error_or_read(source: ReplayedSource) -> None:
    columns = {"i": "int", "t": "text", "n": "numeric(9,2)", "b": "bool", "u": "uuid", "d": "date"}
    batch = pa.RecordBatch.from_arrays([
        pa.array([1, None, 3], pa.int32()), texts("one", None, "three"), decimals([1, 2, 3], 9, 2),
        pa.array([True, None, False]), texts(UUID, UUID, None), ints([1, 2, 3], pa.date32())], list(columns))
    schema, (body,) = messages_of([batch])
    states = set()
    for i in range(0, len(body), 5):
        form = body[:i] + bytes([body[i] ^ (1 << i % 8)]) + body[i + 1:]
        name = source.table(columns, schema, [form])
        try:
            passed(source, name).validate(full=True)
        except psycopg.Error as error:
            states.add(error.sqlstate)
    assert states <= {"HV000", "HV004", "HV008", "0A000", "22003", "22021", "22P02", "22008"}


def test_a_view_with_a_condition_is_filtered(source: ReplayedSource) -> None:
    name = table_of(source, "int", pa.array([1, 2, 3], pa.int32()))
    source.connection.execute(f"CREATE VIEW odd AS SELECT a FROM {name} WHERE a % 2 = 1")
    assert passed(source, "odd").to_pydict() == {"a": [1, 3]}
    assert asked(source).endswith(layout())


SHARED = 2 << 8


@pytest.mark.parametrize("length", [0, 1, 100, 5 * 1024 * 1024, 5 * 1024 * 1024 + 1, 2**32 - 1])
@pytest.mark.parametrize("kind", [BATCH | SHARED, BATCH | SHARED | 1 << 8, SCHEMA | SHARED, END | SHARED])
def test_shared_memory_with_nothing_in_it(source: ReplayedSource, kind: int, length: int) -> None:
    """The process says that a batch lies there: what does is zeros, or beyond the end."""
    schema, (body,) = messages_of([pa.RecordBatch.from_arrays([pa.array([1], pa.int64())], ["a"])])
    name = source.frames({"a": "bigint"}, [(SCHEMA, schema), (BATCH, body), (kind, struct.pack("<I", length)),
                                           (BATCH, body), (END, bytes(7 * 8))])
    pid = source.connection.info.backend_pid
    try:
        rows = source.connection.execute(f"SELECT * FROM {name}").fetchall()
    except psycopg.Error as error:
        assert error.sqlstate == "HV000"
    else:
        assert kind == BATCH | SHARED and length == 0 and rows == []
    again = table_of(source, "bigint", pa.array([5], pa.int64()))
    assert passed(source, again).to_pydict() == {"a": [5]}
    assert source.connection.info.backend_pid == pid


def test_batches_of_several_scans_share_the_memory(scratch: Scratch, connection: Connection) -> None:
    """More scans at once than there are pairs of slots, and batches that are too big for a slot."""
    path = scratch.path / f"many-{secrets.token_hex(4)}.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        file.executemany("INSERT INTO t VALUES (?, ?)", ((i, str(i) * 20) for i in range(40_000)))
        file.execute("CREATE TABLE big AS SELECT printf('%.*c', 3000000, 'x') AS b FROM t LIMIT 6")
    file.close()
    path.chmod(0o644)
    connection.execute("DROP SERVER IF EXISTS files CASCADE; CREATE SERVER files FOREIGN DATA WRAPPER instant_sqlite "
                       f"OPTIONS (path '{path}'); CREATE FOREIGN TABLE t (a bigint, b text) SERVER files;"
                       "CREATE FOREIGN TABLE big (b text) SERVER files OPTIONS (table 'big')")
    connection.execute("SET enable_hashjoin = off; SET enable_nestloop = off")
    row = connection.execute("SELECT count(*), count(DISTINCT one.b) FROM t one JOIN t two ON one.a + 0 = two.a + 0 "
                             "JOIN t three ON two.a + 1 = three.a + 1 JOIN t four ON four.a + 2 = three.a + 2").fetchone()
    assert row == (40_000, 40_000)
    found = table(connection, "SELECT instant.arrow_with('{\"batch_bytes\": 7000000}', 'SELECT b FROM big')")
    assert [len(value) for value in found.column(0).to_pylist()] == [3_000_000] * 6
    with connection.transaction():  # cursors that take turns
        for name in ("one", "two", "three"):
            connection.execute(f"DECLARE {name} CURSOR FOR SELECT a, b FROM t")
        for _ in range(40):
            rows = [connection.execute(f"FETCH 1000 FROM {name}").fetchall() for name in ("one", "two", "three")]
            assert rows[0] == rows[1] == rows[2] and all(b == str(a) * 20 for a, b in rows[0])
