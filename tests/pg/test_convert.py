"""What a source sends becomes the values that PostgreSQL's own input makes of the same texts, or a clean error.

The source process of these tests sends whatever the test says. Expected values are the server's own: casts of literals.
"""
from __future__ import annotations

import math
import secrets
import struct
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from extension_build import Connection, Database
from replayed_source import ReplayedSource, messages_of
from scratch_servers import Scratch

DAY_US = 86_400_000_000
EPOCH_US = 10_957 * DAY_US  # 2000 counted from 1970


def ints(values: list[int | None], arrow_type: pa.DataType) -> pa.Array:
    """Values that Python's types do not reach."""
    storage = pa.int32() if arrow_type.bit_width == 32 else pa.int64()
    return pa.array(values, storage).view(arrow_type)


def decimals(values: list[int], precision: int, scale: int) -> pa.Array:
    """Also such as do not fit the precision."""
    data = b"".join(value.to_bytes(16, "little", signed=True) for value in values)
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(values), [None, pa.py_buffer(data)])


def texts(*values: str | bytes | None) -> pa.Array:
    """large_utf8 of any bytes."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    return pa.array(raw, pa.large_binary()).view(pa.large_utf8())


@pytest.fixture
def folder(scratch: Scratch) -> Path:
    made = scratch.path / f"replayed-{secrets.token_hex(4)}"
    made.mkdir()
    made.chmod(0o755)
    return made


@pytest.fixture
def source(connection: Connection, folder: Path) -> ReplayedSource:
    return ReplayedSource(connection, folder)


def table_of(source: ReplayedSource, type_name: str, *arrays: pa.Array) -> str:
    """A table with one column, "a", and a batch for each array."""
    batches = [pa.RecordBatch.from_arrays([array], ["a"]) for array in arrays]
    schema, parts = messages_of(batches)
    return source.table({"a": type_name}, schema, parts)


def read(source: ReplayedSource, type_name: str, *arrays: pa.Array) -> list[str | None]:
    """The column as text."""
    name = table_of(source, type_name, *arrays)
    return [row[0] for row in source.connection.execute(f"SELECT a::text FROM {name}")]


def expected(connection: Connection, type_name: str, literals: list[str | None]) -> list[str | None]:
    values = []
    for literal in literals:
        row = connection.execute(f"SELECT (%s::{type_name})::text", (literal,)).fetchone()
        assert row is not None
        values.append(row[0])
    return values


FLOATS = [0.0, -0.0, 1.5, -2.25, math.inf, -math.inf, math.nan]
FLOAT_TEXTS = ["0", "-0", "1.5", "-2.25", "Infinity", "-Infinity", "NaN"]
LONG = "ä€😀 " * 30_000
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
NUMBERS = ["0", "-0", "1.50", "-1.50", "+7", "007", "0.000", "-0.00", "10000", "0.0001", "99999999.9999",
           "123456789012345678", "-123456789012345678", "12345678901234567.8", "1234567890123456789.5",
           "1e10", "1.5e-7", ".5", "5.", " 3 ", "NaN", "Infinity", "-Infinity", "9" * 300, "0." + "0" * 100 + "1"]

# Type, what comes, and the texts that mean the same. A NULL is added to each.
VALUES: list[tuple[str, pa.Array, list[str]]] = [
    ("boolean", pa.array([True, False, True]), ["t", "f", "t"]),
    ("smallint", pa.array([-32768, 0, 32767], pa.int16()), ["-32768", "0", "32767"]),
    ("integer", pa.array([-2**31, 5, 2**31 - 1], pa.int32()), [str(-2**31), "5", str(2**31 - 1)]),
    ("bigint", pa.array([-2**63, 5, 2**63 - 1], pa.int64()), [str(-2**63), "5", str(2**63 - 1)]),
    ("oid", pa.array([0, 2**32 - 1], pa.uint32()), ["0", str(2**32 - 1)]),
    ("real", pa.array([*FLOATS, 3.4028234663852886e38], pa.float32()), [*FLOAT_TEXTS, "3.4028235e38"]),
    ("double precision", pa.array([*FLOATS, 5e-324], pa.float64()), [*FLOAT_TEXTS, "5e-324"]),
    ("numeric(15,2)", pa.array([Decimal("0.00"), Decimal("-12345.67"), Decimal("9999999999999.99")], pa.decimal128(15, 2)),
     ["0", "-12345.67", "9999999999999.99"]),
    ("numeric(5,5)", pa.array([Decimal("0.00001"), Decimal("-0.99999")], pa.decimal128(5, 5)), ["0.00001", "-0.99999"]),
    ("numeric(7,2)", decimals([-2**127, 1], 7, 2), ["NaN", "0.01"]),
    ("numeric(38,0)", decimals([10**38 - 1, -10**38 + 1, 2**63 - 1, 2**63, -2**63, -2**63 - 1], 38, 0),
     [str(value) for value in (10**38 - 1, -10**38 + 1, 2**63 - 1, 2**63, -2**63, -2**63 - 1)]),
    ("numeric(38,38)", decimals([10**38 - 1, -1, 2**64], 38, 38),
     ["0." + "9" * 38, "-0." + "0" * 37 + "1", f"0.{2**64:038}"]),
    ("numeric(38,19)", decimals([10**38 - 1, -10**19, 10**18], 38, 19),
     ["9" * 19 + "." + "9" * 19, "-1", "0.1"]),
    ("numeric", texts(*NUMBERS), NUMBERS),
    ("numeric(50,3)", texts("1.23456", "1.2345", "-0.0005", "7", "NaN"), ["1.23456", "1.2345", "-0.0005", "7", "NaN"]),
    ("numeric(3,-2)", texts("12345", "-49"), ["12345", "-49"]),
    ("date", ints([-2_440_588, -1, 0, 10_957, 2_145_042_905], pa.date32()),
     ["4714-11-24 BC", "1969-12-31", "1970-01-01", "2000-01-01", "5874897-12-31"]),
    ("date", ints([-2**31 + 10_957, -2**31 + 10_956], pa.date32()), ["-infinity", "infinity"]),
    ("time", ints([0, 1, DAY_US - 1, DAY_US], pa.time64("us")), ["00:00", "00:00:00.000001", "23:59:59.999999", "24:00:00"]),
    ("time(2)", ints([123_456, 129_999, DAY_US - 1], pa.time64("us")),
     ["00:00:00.123456", "00:00:00.129999", "23:59:59.999999"]),
    ("timestamp", ints([0, -1, 946_684_800_000_000, -210_866_803_200_000_000, 2**63 - 1], pa.timestamp("us")),
     ["1970-01-01", "1969-12-31 23:59:59.999999", "2000-01-01", "4714-11-24 00:00:00 BC", "294247-01-10 04:00:54.775807"]),
    ("timestamp(3)", ints([-2**63 + EPOCH_US, -2**63 + EPOCH_US - 1, -2**63], pa.timestamp("us")),
     ["-infinity", "infinity", "294247-01-10 04:00:54.775808"]),
    ("timestamptz", ints([-2**63 + EPOCH_US, -2**63 + EPOCH_US - 1, -2**63 + 945_979_145_224_191], pa.timestamp("us", "UTC")),
     ["-infinity", "infinity", "294276-12-31 23:59:59.999999+00"]),
    ("timestamp(3)", ints([123_456, 123_500, -123_500], pa.timestamp("us")),
     ["1970-01-01 00:00:00.123456", "1970-01-01 00:00:00.1235", "1969-12-31 23:59:59.8765"]),
    ("timestamptz", ints([0, -1, 1_700_000_000_123_456], pa.timestamp("us", "UTC")),
     ["1970-01-01 00:00+00", "1969-12-31 23:59:59.999999+00", "2023-11-14 22:13:20.123456+00"]),
    ("timestamptz(0)", ints([1_700_000_000_523_456], pa.timestamp("us", "UTC")), ["2023-11-14 22:13:20.523456+00"]),
    ("uuid", texts(UUID, UUID.upper(), "{" + UUID + "}", UUID.replace("-", "")), [UUID] * 4),
    ("text", texts("", "a", "ä€😀", LONG, "'\"\\"), ["", "a", "ä€😀", LONG, "'\"\\"]),
    ("varchar", texts("", "ä"), ["", "ä"]),
    ("varchar(3)", texts("", "abc", "äöü", "ab ", "abc   "), ["", "abc", "äöü", "ab ", "abc"]),
    ("char(4)", texts("", "ab", "äöüß", "ab        "), ["", "ab", "äöüß", "ab"]),
    ("bpchar", texts("ab  "), ["ab  "]),
    ('"char"', texts("x", ""), ["x", ""]),
    ("name", texts("some name"), ["some name"]),
    ("bytea", pa.array([b"", b"\x00\xff'", bytes(range(256)) * 100], pa.large_binary()),
     ["", "\\x00ff27", "\\x" + (bytes(range(256)) * 100).hex()]),
    ("json", texts('{"b": [1, 2.50, "ä"], "a": null}', "3"), ['{"b": [1, 2.50, "ä"], "a": null}', "3"]),
    ("jsonb", texts('{"b": [1, 2.50, "ä"], "a": null}', "3"), ['{"b": [1, 2.50, "ä"], "a": null}', "3"]),
    ("interval", texts("1 year 2 days 03:04:05.678", "-00:00:01"), ["1 year 2 days 03:04:05.678", "-00:00:01"]),
    ("interval(1)", texts("00:00:01.26"), ["00:00:01.26"]),
    ("time with time zone", texts("12:00:00+02"), ["12:00:00+02"]),
    ("inet", texts("10.0.0.1/8", "::1"), ["10.0.0.1/8", "::1"]),
    ("integer[]", texts("{1,NULL,3}", "{{1,2},{3,4}}", "{}"), ["{1,NULL,3}", "{{1,2},{3,4}}", "{}"]),
    ("text[]", texts('{"a b",NULL,"NULL",ä}'), ['{"a b",NULL,"NULL",ä}']),
    ("varchar(2)[]", texts("{ab,c}"), ["{ab,c}"]),
    ("timestamptz[]", texts('{"2024-01-01 00:00:00+00"}'), ['{"2024-01-01 00:00:00+00"}']),
    ("int4range", texts("[1,5]", "empty"), ["[1,5]", "empty"]),
    ("bit(3)", texts("101"), ["101"]),
    ("mood", texts("glad", "sad"), ["glad", "sad"]),
    ("pair", texts("(1,x)"), ["(1,x)"]),
    ("positive", pa.array([1, 2**31 - 1], pa.int32()), ["1", str(2**31 - 1)]),
    ("price", pa.array([Decimal("12.50")], pa.decimal128(5, 2)), ["12.50"]),
    ("short_word", texts("ab", "äö"), ["ab", "äö"]),
    ("few", texts("{1,2}"), ["{1,2}"]),
]
DEFINITIONS = """
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN positive AS int CONSTRAINT is_positive CHECK (value > 0);
    CREATE DOMAIN price AS numeric(5,2) CHECK (value >= 0);
    CREATE DOMAIN base_word AS varchar(2);
    CREATE DOMAIN short_word AS base_word CHECK (value <> 'xx');
    CREATE DOMAIN few AS int[] CHECK (cardinality(value) < 3);
    CREATE DOMAIN needed AS text NOT NULL;
    CREATE FUNCTION refuse(text) RETURNS boolean LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'refused %', $1; END$$;
    CREATE DOMAIN refusing AS text CHECK (refuse(value));
"""


@pytest.fixture
def types(connection: Connection) -> None:
    connection.execute(DEFINITIONS)


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize(("type_name", "array", "literals"), VALUES, ids=[value[0] for value in VALUES])
def test_values_are_what_the_servers_input_makes(
        source: ReplayedSource, type_name: str, array: pa.Array, literals: list[str]) -> None:
    with_null = pa.concat_arrays([array, pa.nulls(1, array.type)])
    assert read(source, type_name, with_null) == expected(source.connection, type_name, [*literals, None])


@pytest.mark.usefixtures("types")
def test_time_zone_and_settings_of_the_session_change_nothing_but_the_output(source: ReplayedSource) -> None:
    source.connection.execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET intervalstyle = 'iso_8601'")
    moment = ints([1_700_000_000_000_000], pa.timestamp("us", "UTC"))
    name = table_of(source, "timestamptz", moment)
    row = source.connection.execute(f"SELECT a = '2023-11-14 22:13:20+00', a::text FROM {name}").fetchone()
    assert row == (True, "15.11.2023 07:13:20 JST")


def test_many_columns_batches_and_nulls(source: ReplayedSource) -> None:
    columns = {"i": "int", "t": "text", "n": "numeric(9,2)", "b": "boolean", "d": "date", "f": "float8"}
    batches = []
    for start in range(0, 3000, 1000):
        numbers = [None if i % 7 == 3 else i for i in range(start, start + 1000)]
        batches.append(pa.RecordBatch.from_arrays([
            pa.array(numbers, pa.int32()),
            pa.array([None if i is None else f"text {i}" for i in numbers], pa.large_utf8()),
            pa.array([None if i is None else Decimal(i) / 4 for i in numbers], pa.decimal128(9, 2)),
            pa.array([None if i is None else i % 2 == 0 for i in numbers], pa.bool_()),
            ints(numbers, pa.date32()),
            pa.array([None if i is None else i / 8 for i in numbers], pa.float64())], list(columns)))
    name = source.table(columns, *messages_of(batches))
    found = source.connection.execute(
        f"SELECT i, t, n, b, d - '1970-01-01'::date, f FROM {name}").fetchall()
    assert found == [(None,) * 6 if i % 7 == 3 else (i, f"text {i}", Decimal(i) / 4, i % 2 == 0, i, i / 8)
                     for i in range(3000)]


# Type, what comes, SQLSTATE, words of the message; the bad value is in the third row. Texts that must not be shown
# have the word "secret" in them.
ERRORS: list[tuple[str, pa.Array, str, str]] = [
    ("date", ints([0, 0, 2**31 - 1], pa.date32()), "22008", "out of range"),
    ("date", ints([0, 0, 2_145_042_906], pa.date32()), "22008", "out of range"),
    ("date", ints([0, 0, -2_440_589], pa.date32()), "22008", "out of range"),
    ("date", ints([0, 0, -2**31], pa.date32()), "22008", "out of range"),
    ("time", ints([0, 0, DAY_US + 1], pa.time64("us")), "22008", "out of range"),
    ("time", ints([0, 0, -1], pa.time64("us")), "22008", "out of range"),
    ("timestamp", ints([0, 0, -210_866_803_200_000_001], pa.timestamp("us")), "22008", "out of range"),
    ("timestamp", ints([0, 0, -2**63 + EPOCH_US - 2], pa.timestamp("us")), "22008", "out of range"),
    ("timestamptz", ints([0, 0, -2**63 + EPOCH_US + 1], pa.timestamp("us", "UTC")), "22008", "out of range"),
    ("numeric(5,2)", decimals([0, 0, 100_000], 5, 2), "22003", "out of range"),
    ("numeric(5,2)", decimals([0, 0, -2**127 + 2], 5, 2), "22003", "out of range"),
    ("numeric(5,2)", decimals([0, 0, -2**127 + 1], 5, 2), "22003", "out of range"),
    ("numeric(5,2)", decimals([0, 0, 2**127 - 1], 5, 2), "22003", "out of range"),
    ("numeric(5,2)", decimals([0, 0, 10**30], 5, 2), "22003", "out of range"),
    ("numeric(39,1)", texts("0", "0", "1" * 39), "22003", "out of range"),
    ("numeric", texts("0", "0", "1secret"), "22P02", "none of type"),
    ("numeric", texts("0", "0", ""), "22P02", "none of type"),
    ("numeric", texts("0", "0", "1..2"), "22P02", "none of type"),
    ("numeric", texts("0", "0", "-"), "22P02", "none of type"),
    ("uuid", texts(UUID, UUID, UUID[:-1] + "g"), "22P02", "none of type"),
    ("uuid", texts(UUID, UUID, UUID.replace("-", "_")), "22P02", "none of type"),
    ("uuid", texts(UUID, UUID, b"\xff" * 36), "22021", "UTF-8"),
    ("varchar(6)", texts("", "", "secrets"), "22001", "too long"),
    ("varchar(2)", texts("", "", "äöü"), "22001", "too long"),
    ("char(6)", texts("", "", "secrets"), "22001", "too long"),
    ("varchar(6)[]", texts("{}", "{}", "{secrets}"), "22001", "too long"),
    ("text", texts("", "", b"secret\xc3"), "22021", "UTF-8"),
    ("text", texts("", "", b"\xed\xa0\x80"), "22021", "UTF-8"),
    ("text", texts("", "", b"\xc0\x80"), "22021", "UTF-8"),
    ("text", texts("", "", b"secret\x00"), "22021", "zero byte"),
    ("text", texts("", "", "a" * 40 + "\x00"), "22021", "zero byte"),
    ("json", texts("1", "1", b"\"\xff\""), "22021", "UTF-8"),
    ("json", texts("1", "1", '{"secret'), "22P02", "none of type"),
    ("jsonb", texts("1", "1", '{"a": secret}'), "22P02", "none of type"),
    ("jsonb", texts("1", "1", '"secret\\u0000"'), "22P05", "encoding"),
    ("interval", texts("0", "0", "secret"), "22007", "none of type"),
    ("integer[]", texts("{}", "{}", "{secret}"), "22P02", "none of type"),
    ("inet", texts("::1", "::1", "secret"), "22P02", "none of type"),
    ("regclass", texts("pg_class", "pg_class", "secret"), "42P01", "none of type"),
    ("mood", texts("sad", "sad", "secret"), "22P02", "none of type"),
    ("pair", texts("(1,2)", "(1,2)", "(secret,2)"), "22P02", "none of type"),
    ("price", decimals([0, 0, 100_000], 5, 2), "22003", "out of range"),
    ("short_word", texts("a", "a", "secret"), "22001", "too long"),
    ("refusing", texts(None, None, "secret"), "P0001", "none of type"),
]


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize(("type_name", "array", "sqlstate", "words"), ERRORS,
                         ids=[f"{i}-{error[0]}" for i, error in enumerate(ERRORS)])
def test_errors_name_column_and_row_but_not_the_value(
        source: ReplayedSource, type_name: str, array: pa.Array, sqlstate: str, words: str) -> None:
    if type_name == "refusing":  # NULL is refused by it too
        array = array.slice(2)
    with pytest.raises(psycopg.Error) as caught:
        read(source, type_name, array)
    diagnostic = caught.value.diag
    everything = " ".join(filter(None, (diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint,
                                        diagnostic.context, diagnostic.internal_query)))
    assert caught.value.sqlstate == sqlstate, everything
    assert f'column "a" in row {len(array)} of batch 1' in (diagnostic.message_primary or "")
    assert words in (diagnostic.message_primary or "")
    assert "secret" not in everything
    assert source.connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize(("type_name", "array", "sqlstate", "words"), [
    ("positive", pa.array([1, 2, 0], pa.int32()), "23514", 'violates check constraint "is_positive"'),
    ("short_word", texts("a", "a", "xx"), "23514", "violates check constraint"),
    ("few", texts("{}", "{}", "{1,2,3}"), "23514", "violates check constraint"),
    ("needed", texts("", "", None), "23502", "does not allow null values"),
])
def test_domains_say_what_was_violated(
        source: ReplayedSource, type_name: str, array: pa.Array, sqlstate: str, words: str) -> None:
    with pytest.raises(psycopg.Error, match=words) as caught:
        read(source, type_name, array)
    assert caught.value.sqlstate == sqlstate
    assert 'column "a" in row 3 of batch 1' in (caught.value.diag.context or "")


def test_errors_of_later_batches_name_the_batch(source: ReplayedSource) -> None:
    with pytest.raises(psycopg.Error, match='row 2 of batch 3: '):
        read(source, "text", texts("a", "b"), texts("c"), texts("d", b"\xff"))


def test_an_error_leaves_a_savepoint_and_the_next_scan_usable(source: ReplayedSource) -> None:
    with source.connection.transaction():
        with pytest.raises(psycopg.Error), source.connection.transaction():
            read(source, "jsonb", texts("1", "{"))
        assert read(source, "jsonb", texts("1", "{}")) == ["1", "{}"]


@pytest.mark.parametrize(("type_name", "array", "shown"), [
    ("text", pa.array(["a"], pa.utf8()), '"u", where "U"'),
    ("text", pa.array([b"a"], pa.large_binary()), '"Z", where "U"'),
    ("text", pa.array(["a"]).dictionary_encode(), '"dictionary", where "U"'),
    ("integer", pa.array([1], pa.int64()), '"l", where "i"'),
    ("integer", pa.array([1], pa.uint32()), '"I", where "i"'),
    ("bigint", pa.array([1], pa.int8()), '"c", where "l"'),
    ("real", pa.array([1.0], pa.float64()), '"g", where "f"'),
    ("numeric(5,2)", pa.array([Decimal(1)], pa.decimal128(5, 1)), '"d:5,1", where "d:5,2"'),
    ("numeric(5,2)", pa.array([Decimal(1)], pa.decimal256(5, 2)), '"d:5,2,256", where "d:5,2"'),
    ("numeric", pa.array([Decimal(1)], pa.decimal128(5, 2)), '"d:5,2", where "U"'),
    ("timestamp", pa.array([1], pa.timestamp("ns")), '"tsn:", where "tsu:"'),
    ("timestamp", pa.array([1], pa.timestamp("us", "UTC")), '"tsu:UTC", where "tsu:"'),
    ("timestamptz", pa.array([1], pa.timestamp("us")), '"tsu:", where "tsu:UTC"'),
    ("timestamptz", pa.array([1], pa.timestamp("us", "\x1b[31m" + "ä" * 100)), '"tsu:?[31m?'),
    ("date", pa.array([1], pa.date64()), '"tdm", where "tdD"'),
    ("bytea", pa.array([b"a"], pa.binary(1)), '"w:1", where "Z"'),
    ("integer[]", pa.array([[1]], pa.large_list(pa.int32())), '"+L", where "U"'),
    ("integer", pa.array([{"a": 1}]), '"+s", where "i"'),
    ("boolean", pa.nulls(1), '"n", where "b"'),
])
def test_other_types_than_promised_are_refused(source: ReplayedSource, type_name: str, array: pa.Array, shown: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        read(source, type_name, array)
    assert caught.value.sqlstate == "HV004"
    message = caught.value.diag.message_primary or ""
    assert message.startswith('column "a" came as the Arrow type ') and shown in message and message.isascii()


@pytest.mark.parametrize("count", [0, 2, 1000])
def test_another_number_of_columns_is_refused(source: ReplayedSource, count: int) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1], pa.int32())] * count, [f"c{i}" for i in range(count)])
    name = source.table({"a": "int"}, *messages_of([batch]))
    with pytest.raises(psycopg.Error, match=f"{count} columns, where 1 were asked for"):
        source.connection.execute(f"SELECT a FROM {name}")


def test_a_schema_may_not_be_big(source: ReplayedSource) -> None:
    field = pa.field("a", pa.int32(), metadata={"k": "v" * 2_000_000})
    batch = pa.RecordBatch.from_arrays([pa.array([1], pa.int32())], schema=pa.schema([field]))
    name = source.table({"a": "int"}, *messages_of([batch]))
    with pytest.raises(psycopg.Error, match="a schema of 2000... bytes"):
        source.connection.execute(f"SELECT a FROM {name}")
    wide = {f"column_{i:03}_{'x' * 50}": "int" for i in range(1500)}
    arrays = [pa.array([i], pa.int32()) for i in range(1500)]
    name = source.table(wide, *messages_of([pa.RecordBatch.from_arrays(arrays, list(wide))]))
    assert source.connection.execute(f"SELECT * FROM {name}").fetchone() == tuple(range(1500))


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_nothing_is_decompressed_in_the_backend(source: ReplayedSource, compression: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([7] * 10_000, pa.int32())], ["a"])
    name = source.table({"a": "int"}, *messages_of([batch], pa.ipc.IpcWriteOptions(compression=compression)))
    with pytest.raises(psycopg.Error, match="compressed"):
        source.connection.execute(f"SELECT a FROM {name}")


def damaged_forms(message: bytes) -> Iterator[bytes]:
    """Bits flipped, words made huge, ends cut off."""
    for i in range(0, len(message), 3):
        yield message[:i] + bytes([message[i] ^ (1 << i % 8)]) + message[i + 1:]
    for i in range(0, len(message) - 8, 16):
        yield message[:i] + struct.pack("<q", 2**62 + 1) + message[i + 8:]
        yield message[:i] + struct.pack("<i", -1) + message[i + 4:]
    for i in range(0, len(message), 41):
        yield message[:i]


def test_damaged_messages_are_rows_or_a_clean_error(source: ReplayedSource) -> None:
    columns = {"i": "int", "t": "text", "n": "numeric(9,2)", "j": "jsonb", "b": "bool"}
    batch = pa.RecordBatch.from_arrays([
        pa.array([1, None, 3], pa.int32()), texts("one", None, "three"), decimals([1, 2, 3], 9, 2),
        texts("1", "{}", None), pa.array([True, None, False])], list(columns))
    schema, (body,) = messages_of([batch])
    pid = source.connection.info.backend_pid
    states = set()
    damaged = [(form, [body]) for form in damaged_forms(schema)] + [(schema, [form]) for form in damaged_forms(body)]
    for form, bodies in damaged:
        name = source.table(columns, form, bodies)
        try:
            assert len(source.connection.execute(f"SELECT * FROM {name}").fetchall()) <= 3
        except psycopg.Error as error:
            states.add(error.sqlstate)
    assert source.connection.info.backend_pid == pid
    assert source.connection.execute("SELECT 1").fetchone() == (1,)
    assert states and states <= {"HV000", "HV004", "HV008", "0A000", "22003", "22021", "22P02"}


@pytest.fixture
def encoded(database: Database, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A session in a database of the encoding that the test names."""
    name = f"encoded_{secrets.token_hex(4)}"
    database.server.sql(f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' TEMPLATE template0")
    database.server.sql("CREATE EXTENSION instant_fdw", name)
    other = Database(database.server, name)
    with other.connect(client_encoding="utf8", prepare_threshold=None) as made:
        yield made
    database.server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoded", ["LATIN1"], indirect=True)
def test_a_database_of_another_encoding(encoded: Connection, folder: Path) -> None:
    source = ReplayedSource(encoded, folder)
    for type_name in ("text", "varchar(4)", "char(4)"):
        assert read(source, type_name, texts("", "äöüß")) == ["", "äöüß"]
        with pytest.raises(psycopg.Error) as caught:
            read(source, type_name, texts("a", "€"))
        assert caught.value.sqlstate == "22P05"
        assert 'column "a" in row 2 of batch 1' in (caught.value.diag.message_primary or "")
    assert read(source, "jsonb", texts('{"ä": 1}')) == ['{"ä": 1}']
    with pytest.raises(psycopg.Error) as caught:
        read(source, "text", texts("a", b"\xe4"))
    assert caught.value.sqlstate == "22021"


@pytest.mark.parametrize("encoded", ["SQL_ASCII"], indirect=True)
def test_a_database_without_an_encoding(encoded: Connection, folder: Path) -> None:
    """It keeps UTF-8 as it is, and takes nothing else from a source."""
    source = ReplayedSource(encoded, folder)
    name = table_of(source, "text", texts("", "äöüß€"))
    row = encoded.execute(f"SELECT a::bytea, length(a) FROM {name} WHERE a <> ''").fetchone()
    assert row == ("äöüß€".encode(), 11)
    with pytest.raises(psycopg.Error) as caught:
        read(source, "text", texts("a", b"\xe4"))
    assert caught.value.sqlstate == "22021"


def test_rows_do_not_pile_up(source: ReplayedSource) -> None:
    """The values of a row are gone with it: 200 MB of texts in one session leave it as it was."""

    def session_bytes() -> Any:
        row = source.connection.execute("SELECT sum(total_bytes) FROM pg_backend_memory_contexts").fetchone()
        assert row is not None
        return row[0]

    batch = pa.RecordBatch.from_arrays([texts(*["x" * 10_000] * 1000)], ["a"])
    name = source.table({"a": "text"}, *messages_of([batch] * 20))
    source.connection.execute(f"SELECT count(a || '') FROM {name}")
    before = session_bytes()
    assert source.connection.execute(f"SELECT sum(length(a || '')) FROM {name}").fetchone() == (200_000_000,)
    assert session_bytes() < before + 1_000_000


def test_any_as_a_value(source: ReplayedSource) -> None:
    """What a row holds may be kept by whoever reads it."""
    name = table_of(source, "text", texts("one", "two", "three"))
    row: Any = source.connection.execute(f"SELECT array_agg(a ORDER BY a DESC) FROM {name}").fetchone()
    assert row == (["two", "three", "one"],)


@pytest.mark.parametrize(("type_name", "literal", "sent"), [
    ("timestamptz", "2024-01-02 03:04:05+09", "2024-01-01 18:04:05+00"),
    ("timestamp", "2024-01-02 03:04:05.5", "2024-01-02 03:04:05.5"),
    ("date", "2024-01-02", "2024-01-02"),
    ("double precision", "0.1234567890123456", "0.1234567890123456"),
    ("numeric", "1.50", "1.50"),
    ("bigint", "9223372036854775807", "9223372036854775807"),
    ("text", "äöü", "äöü"),
    ("uuid", UUID, UUID),
])
def test_values_for_the_source_obey_no_setting_of_the_session(
        source: ReplayedSource, type_name: str, literal: str, sent: str) -> None:
    arrow_types = {"timestamptz": pa.timestamp("us", "UTC"), "timestamp": pa.timestamp("us"), "date": pa.date32(),
                   "double precision": pa.float64(), "bigint": pa.int64()}
    name = table_of(source, type_name, pa.nulls(1, arrow_types.get(type_name, pa.large_utf8())))
    source.connection.execute(f"ALTER FOREIGN TABLE {name} ALTER a OPTIONS (ADD param 'a')")
    source.connection.execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = -3; "
                              "SET plan_cache_mode = force_generic_plan")
    source.connection.execute(f"PREPARE p({type_name}) AS SELECT * FROM {name} WHERE a = $1")
    source.connection.execute(f"EXECUTE p('{literal}')")
    assert sent.encode() in source.request()
    source.connection.execute(f"EXECUTE p('{literal}')")
    assert sent.encode() in source.request()
    assert source.connection.execute("SHOW datestyle").fetchone() == ("German, DMY",)
    source.connection.execute("DEALLOCATE p")
