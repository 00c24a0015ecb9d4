"""instant.arrow, type by type: what it sends is what the server itself prints for the same values.

Each type has values with its extremes among them, in a table (short headers, TOAST) and sorted (copies of
tuples). The expectations come from the server, by casts and functions of SQL, never from another reader.
"""
from __future__ import annotations

import json
import math
import random
import secrets
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from extension_build import Connection, Database
from scratch_servers import PostgresServer


def arrow(connection: Connection, query: str, *parameters: Any, **options: Any) -> pa.Table:
    """The result of the query through instant.arrow_with."""
    with connection.cursor(binary=True) as cursor:
        places = "".join(", %s" for _ in parameters)
        cursor.execute(f"SELECT instant.arrow_with(%s::jsonb, %s{places})",
                       (json.dumps(options), query, *parameters))
        messages = b"".join(bytes(row[0]) for row in cursor)
    table = pa.ipc.open_stream(messages).read_all()
    table.validate(full=True)
    return table


def column(connection: Connection, query: str, **options: Any) -> pa.ChunkedArray:
    return arrow(connection, query, **options).column(0)


def texts(connection: Connection, query: str) -> list[str | None]:
    """What the server prints for the first column."""
    with connection.cursor(binary=False) as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor]


@pytest.fixture(scope="module")
def types_database(server: PostgresServer) -> Iterator[Database]:
    """One database for all tests of this file: each has a schema of its own in it."""
    name = f"types_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name}")
    server.sql("CREATE EXTENSION instant_fdw; CREATE EXTENSION hstore SCHEMA public; "
               "CREATE EXTENSION citext SCHEMA public", name)
    yield Database(server, name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(types_database: Database) -> Iterator[Connection]:
    """A session in a schema of its own, which is gone afterwards."""
    name = f"types_{secrets.token_hex(4)}"
    with types_database.connect() as made:
        made.execute(f"CREATE SCHEMA {name}")
        made.execute(f"SET search_path = {name}, public")
        yield made
        made.execute("SET client_min_messages = warning")
        made.execute(f"DROP SCHEMA {name} CASCADE")


# ---- from an Arrow value to a text that can be compared ----

def as_text(values: pa.ChunkedArray) -> list[str | None]:
    return values.to_pylist()


def as_integers(values: pa.ChunkedArray) -> list[str | None]:
    """Numbers, and times as the number that Arrow stores."""
    if not pa.types.is_integer(values.type):
        values = values.cast(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
    return [None if value is None else str(value) for value in values.to_pylist()]


def as_bool(values: pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else str(value).lower() for value in values.to_pylist()]


def as_float(values: pa.ChunkedArray) -> list[str | None]:
    """repr of the double; the query gives the server's shortest text, which Python reads back."""
    return [None if value is None else repr(value) for value in values.to_pylist()]


def as_hex(values: pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else value.hex() for value in values.to_pylist()]


def as_interval(values: pa.ChunkedArray) -> list[str | None]:
    """interval_send's bytes, in hexadecimal."""
    return [None if value is None else
            struct.pack(">qii", value.nanoseconds // 1000, value.days, value.months).hex()
            for value in values.to_pylist()]


SCALARS: dict[str, tuple[list[str], str, Callable[[pa.ChunkedArray], list[str | None]], pa.DataType]] = {
    # type: values, what the server says of column v, what Arrow says, the column's type
    "boolean": (["true", "false"], "v::text", as_bool, pa.bool_()),
    "smallint": (["-32768", "-1", "0", "32767"], "v::text", as_integers, pa.int16()),
    "integer": (["-2147483648", "-1", "0", "2147483647"], "v::text", as_integers, pa.int32()),
    "bigint": (["-9223372036854775808", "-1", "9007199254740993", "9223372036854775807"],
               "v::text", as_integers, pa.int64()),
    "oid": (["0", "4294967295"], "v::text", as_integers, pa.uint32()),
    "xid": (["3", "4294967295"], "v::text", as_integers, pa.uint32()),
    "cid": (["0", "4294967295"], "v::text", as_integers, pa.uint32()),
    "xid8": (["0", "18446744073709551615"], "v::text", as_integers, pa.uint64()),
    "text": (["", "a", "Größe", "日本語", "🙂" * 50, "x" * 126, "x" * 127, "tab\tnew\nline", "\\N", "NULL"],
             "v", as_text, pa.large_string()),
    "varchar(200)": (["", "abc", "x" * 127, "x" * 200], "v", as_text, pa.large_string()),
    "char(5)": (["", "ab", "äöü", "abcde"], "rpad(v::text, 5)", as_text, pa.large_string()),
    "name": (["", "n", "x" * 63, "Größe"], "v::text", as_text, pa.large_string()),
    '"char"': (["", "a", "~", "\\351"], "v::text", as_text, pa.large_string()),
    "citext": (["", "aBc", "Größe"], "v::text", as_text, pa.large_string()),
    "json": (["null", '{"a":  [1, 2.50], "a": 2}', '"x"'], "v::text", as_text, pa.large_string()),
    "jsonb": (["null", '{"a": [1, 2.50, {"b": "ü"}]}', "[]", "1e100", '"' + "x" * 10000 + '"'],
              "v::text", as_text, pa.large_string()),
    "jsonpath": (["$.a[*]"], "v::text", as_text, pa.large_string()),
    "xml": (["<a/>", "<?xml version='1.1'?><a>x</a>",
             "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><a>ü</a>"],
            "v", as_text, pa.large_string()),
    "bytea": (["\\x", "\\x00", "\\xff00ff", "\\x" + "ab" * 500], "encode(v, 'hex')", as_hex, pa.large_binary()),
    "date": (["4713-01-01 BC", "1970-01-01", "2000-01-01", "5874897-12-31", "2024-02-29"],
             "(v - date '1970-01-01')::text", as_integers, pa.date32()),
    "time": (["00:00", "23:59:59.999999", "12:30:00.5"],
             "(extract(epoch FROM v) * 1000000)::bigint::text", as_integers, pa.time64("us")),
    "timestamp": (["4713-01-01 00:00 BC", "1969-12-31 23:59:59.999999", "2000-01-01", "294246-12-31 23:59:59.999999",
                   "2013-01-01 00:00:00.000001"],
                  "(extract(epoch FROM v) * 1000000)::bigint::text", as_integers, pa.timestamp("us")),
    "timestamptz": (["4713-01-01 00:00+00 BC", "1969-12-31 23:59:59.5-07", "294246-12-31 23:59:59.999999+00"],
                    "(extract(epoch FROM v) * 1000000)::bigint::text", as_integers, pa.timestamp("us", tz="UTC")),
    "interval": (["0", "1 day", "-178000000 years", "178000000 years", "-3 days 04:05:06.7", "2562047:47:16.854775",
                  "-2562047:47:16.854775", "-2147483648 days", "2147483647 days"],
                 "encode(interval_send(v), 'hex')", as_interval, pa.month_day_nano_interval()),
    "uuid": (["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
              "ffffffff-ffff-ffff-ffff-ffffffffffff"], "v::text", as_text, pa.large_string()),
    "real": (["-1.5", "0", "-0", "0.1", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity"],
             "v::float8::text", as_float, pa.float32()),
    "double precision": (["-1.5", "0", "-0", "0.1", "1.7976931348623157e308", "5e-324", "NaN", "Infinity",
                          "-Infinity", "0.30000000000000004"], "v::text", as_float, pa.float64()),
    "money": (["0", "12.34", "-5.00", "92233720368547758.07", "-92233720368547758.08"],
              "v::numeric::text", as_text, pa.large_string()),
    "inet": (["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"], "inet_out(v)::text", as_text, pa.large_string()),
    "cidr": (["10.0.0.0/8", "192.168.0.1/32", "::/0"], "cidr_out(v)::text", as_text, pa.large_string()),
    "macaddr": (["08:00:2b:01:02:03"], "v::text", as_text, pa.large_string()),
    "macaddr8": (["08:00:2b:01:02:03:04:05"], "v::text", as_text, pa.large_string()),
    "bit(5)": (["00000", "10110"], "v::text", as_text, pa.large_string()),
    "varbit": (["", "1", "10110" * 40], "v::text", as_text, pa.large_string()),
    "timetz": (["00:00+00", "23:59:59.999999-15:59", "24:00:00+15:59"], "v::text", as_text, pa.large_string()),
    "tsvector": (["", "'a':1 'b':2A"], "v::text", as_text, pa.large_string()),
    "tsquery": (["'a' & 'b'"], "v::text", as_text, pa.large_string()),
    "point": (["(1,2)"], "v::text", as_text, pa.large_string()),
    "line": (["{1,2,3}"], "v::text", as_text, pa.large_string()),
    "lseg": (["[(1,2),(3,4)]"], "v::text", as_text, pa.large_string()),
    "box": (["(3,4),(1,2)"], "v::text", as_text, pa.large_string()),
    "path": (["((1,2),(3,4))"], "v::text", as_text, pa.large_string()),
    "polygon": (["((1,2),(3,4),(5,6))"], "v::text", as_text, pa.large_string()),
    "circle": (["<(1,2),3>"], "v::text", as_text, pa.large_string()),
    "int4range": (["empty", "[1,5)", "(,3)"], "v::text", as_text, pa.large_string()),
    "numrange": (["[1.10,5.5]"], "v::text", as_text, pa.large_string()),
    "tstzrange": (["[2020-01-01 00:00+00,infinity)"], "v::text", as_text, pa.large_string()),
    "int8multirange": (["{}", "{[1,3),[5,7)}"], "v::text", as_text, pa.large_string()),
    "pg_lsn": (["0/0", "FFFFFFFF/FFFFFFFF"], "v::text", as_text, pa.large_string()),
    "pg_snapshot": (["10:20:10,14,15"], "v::text", as_text, pa.large_string()),
    "txid_snapshot": (["10:20:10,14,15"], "v::text", as_text, pa.large_string()),
    "tid": (["(0,1)", "(4294967295,65535)"], "v::text", as_text, pa.large_string()),
    "regclass": (["pg_class", "-"], "v::text", as_text, pa.large_string()),
    "regtype": (["integer", "-"], "v::text", as_text, pa.large_string()),
    "regproc": (["now"], "v::text", as_text, pa.large_string()),
    "regprocedure": (["now()"], "v::text", as_text, pa.large_string()),
    "regoper": (["||/"], "v::text", as_text, pa.large_string()),
    "regoperator": (["+(integer,integer)"], "v::text", as_text, pa.large_string()),
    "regrole": (["-"], "v::text", as_text, pa.large_string()),
    "regnamespace": (["pg_catalog"], "v::text", as_text, pa.large_string()),
    "regconfig": (["simple"], "v::text", as_text, pa.large_string()),
    "regdictionary": (["simple"], "v::text", as_text, pa.large_string()),
    "regcollation": (['"C"'], "v::text", as_text, pa.large_string()),
    "aclitem": (["=r/instant"], "v::text", as_text, pa.large_string()),
    "refcursor": (["", "c"], "v::text", as_text, pa.large_string()),
    "int2vector": (["", "1 2 -3"], "v::text", as_text, pa.large_string()),
    "oidvector": (["", "1 2 4294967295"], "v::text", as_text, pa.large_string()),
    "mood": (["sad", "ok", "Größe"], "v::text", as_text, pa.dictionary(pa.int32(), pa.string(), ordered=True)),
    "pair": (["(1,x)", "(,)", '(2,"a,""b")'], "v::text", as_text, pa.large_string()),
    "positive": (["1", "2147483647"], "v::text", as_integers, pa.int32()),
}

# Values without an Arrow counterpart: NULL and a count, or an error.
UNREPRESENTABLE = {
    "date": ["infinity", "-infinity"],
    "time": ["24:00:00"],
    "timestamp": ["infinity", "-infinity", "294276-12-31 23:59:59.999999"],
    "timestamptz": ["infinity", "-infinity", "294276-12-31 23:59:59.999999+00"],
    "interval": ["2562047788:00:54.775807", "-2562047788:00:54.775807", "2562047:47:16.854776",
                 "infinity", "-infinity"],
    "numeric(10,2)": ["NaN"],
}


def make_types(connection: Connection) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'Größe')")
    connection.execute("CREATE TYPE pair AS (a integer, b text)")
    connection.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")


def server_knows(connection: Connection, kind: str, value: str) -> bool:
    try:
        connection.execute(f"SELECT %s::{kind}", (value,))
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidDatetimeFormat):
        return False  # xml in a server without libxml, infinite intervals before PostgreSQL 17
    return True


def fill(connection: Connection, kind: str, values: list[str]) -> None:
    connection.execute(f"CREATE TABLE t (n integer, v {kind})")
    with connection.cursor().copy("COPY t FROM STDIN") as copy:
        for n, value in enumerate([None, *values, None, *values[:3]]):
            copy.write_row([n, value])


def expectation(connection: Connection, query: str, render: Callable[..., Any]) -> list[str | None]:
    """What the server says; doubles as Python writes them."""
    said = texts(connection, query)
    return [None if text is None else repr(float(text)) for text in said] if render is as_float else said


@pytest.mark.parametrize("kind", SCALARS)
def test_scalar(connection: Connection, kind: str) -> None:
    values, said, render, kind_of_column = SCALARS[kind]
    make_types(connection)
    values = [value for value in values if server_knows(connection, kind, value)]
    fill(connection, kind, values)
    for rows in ("t ORDER BY n", "t", "(SELECT * FROM t OFFSET 0) s"):
        expected = expectation(connection, f"SELECT {said} FROM {rows}", render)
        got = column(connection, f"SELECT v FROM {rows}")
        assert got.type == kind_of_column
        assert render(got) == expected
    table = arrow(connection, "SELECT v FROM t ORDER BY n", batch_rows=2)
    assert table.column("v").num_chunks == (len(expected) + 1) // 2
    assert render(table.column("v")) == expectation(connection, f"SELECT {said} FROM t ORDER BY n", render)
    name = texts(connection, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
                             "WHERE attrelid = 't'::regclass AND attname = 'v'")[0]
    assert table.field("v").metadata[b"postgresql:type"].decode() == ("integer" if kind == "positive" else name)


@pytest.mark.parametrize("kind", [kind for kind in SCALARS if kind not in ("int2vector", "oidvector", "positive")])
def test_array(connection: Connection, kind: str) -> None:
    values, said, render, kind_of_column = SCALARS[kind]
    make_types(connection)
    values = [value for value in values if server_knows(connection, kind, value)]
    fill(connection, kind, values)
    connection.execute(f"CREATE TABLE a (n integer, flat {kind}[], deep {kind}[][])")
    connection.execute(
        "INSERT INTO a SELECT 1, (SELECT array_agg(v ORDER BY n) FROM t),"
        " (SELECT array_agg(pair ORDER BY i) FROM (SELECT i, array_agg(v ORDER BY n) pair"
        "  FROM generate_series(0, 1) i, t GROUP BY i) s)"
        " UNION ALL SELECT 2, NULL, NULL UNION ALL SELECT 3, '{}', '{}' UNION ALL SELECT 4, '{NULL}', '{{NULL}}'"
        " ORDER BY 1")
    expected = expectation(connection, f"SELECT {said} FROM (SELECT flat[i] AS v FROM a, generate_subscripts(flat, 1) i"
                                       " WHERE a.n = 1 ORDER BY i) s", render)
    for query in ("SELECT flat, deep FROM a", "SELECT flat, deep FROM a ORDER BY n"):
        table = arrow(connection, query)
        flat, deep = table.column("flat").combine_chunks(), table.column("deep").combine_chunks()
        assert flat.type == pa.large_list(pa.field("item", kind_of_column))
        assert deep.type == pa.large_list(pa.field("item", flat.type))
        assert flat.is_null().to_pylist() == deep.is_null().to_pylist() == [False, True, False, False]
        assert flat.value_lengths().to_pylist() == [len(expected), None, 0, 1]
        assert deep.value_lengths().to_pylist() == [2, None, 0, 1]
        assert render(pa.chunked_array([flat.flatten()])) == [*expected, None]
        assert render(pa.chunked_array([deep.flatten().flatten()])) == [*expected, *expected, None]


@pytest.mark.parametrize("kind", UNREPRESENTABLE)
def test_unrepresentable(connection: Connection, kind: str) -> None:
    fill(connection, kind, [value for value in UNREPRESENTABLE[kind] if server_knows(connection, kind, value)])
    count = int(texts(connection, "SELECT count(v)::text FROM t")[0] or 0)
    before = unrepresentable_count(connection)
    assert column(connection, "SELECT v FROM t").null_count == count + 2
    assert unrepresentable_count(connection) == before + count
    connection.execute(f"CREATE TABLE a (v {kind}[])")
    connection.execute("INSERT INTO a SELECT array[v, NULL, v] FROM t WHERE v IS NOT NULL")
    for query, row in (("SELECT v FROM t", 2), ("SELECT v FROM a", 1)):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"row {row} that Arrow cannot represent"):
            arrow(connection, query, unrepresentable="error")
    got = column(connection, "SELECT v FROM a")
    assert got.to_pylist() == [[None, None, None]] * count


def unrepresentable_count(connection: Connection) -> int:
    with connection.cursor(binary=False) as cursor:
        cursor.execute("SELECT unrepresentable FROM instant.stats WHERE scope = 'session'")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


# ---- numeric ----

def random_numeric(choose: random.Random) -> str:
    whole = choose.choice([0, 0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 19, 20, 38, 60, 300])
    scale = choose.choice([0, 0, 1, 2, 2, 3, 4, 5, 8, 10, 20, 40, 400])
    kind = choose.random()
    digit = (lambda: choose.choice("09")) if kind < 0.2 else (lambda: choose.choice("0123456789"))
    text = "".join(digit() for _ in range(whole)) or "0"
    if scale > 0:
        text += "." + "".join("0" if kind > 0.8 and i < scale * 0.9 else digit() for i in range(scale))
    return choose.choice(["", "-"]) + text


NUMERICS = ["0", "-0.00", "1", "-1", "10000", "99999999", "0.0001", "0.00001", "1.10", "NaN", "Infinity", "-Infinity",
            "9007199254740993", "18446744073709551616", "1e131071", "-9.9e131070", "1e-16383", "1e308", "1.8e308",
            "-1e309", "4.9e-324", "2.4703282292062327e-324", "1e-400", "2.2250738585072011e-308"]


def test_numeric(connection: Connection) -> None:
    choose = random.Random(20240917)
    fill(connection, "numeric", NUMERICS + [random_numeric(choose) for _ in range(3000)])
    for value, rows in (("v", "t"), ("v", "t ORDER BY n"), ("+v", "t")):
        query = f"SELECT {value} FROM {rows}"
        said = texts(connection, f"SELECT v::text FROM {rows}")
        assert column(connection, query).to_pylist() == said
        assert column(connection, query, numeric="string").to_pylist() == said
        got = column(connection, query, numeric="float64")
        assert got.type == pa.float64()
        for number, text in zip(got.to_pylist(), said, strict=True):
            assert_float(number, text)


def assert_float(number: float | None, text: str | None) -> None:
    """The nearest double; NULL for what is finite and yet beyond all doubles."""
    expected = None if text is None else float(text)
    if expected is not None and math.isinf(expected) and text not in ("Infinity", "-Infinity"):
        expected = None
    assert repr(number) == repr(expected) or (number == expected == 0.0)


@pytest.mark.parametrize("scale", [0, 1, 2, 4, 5, 10, 19, 37, 38])
def test_decimal(connection: Connection, scale: int) -> None:
    choose = random.Random(scale)
    whole = 38 - scale
    values = []
    for _ in range(400):
        digits = "".join(choose.choice("0123456789") for _ in range(choose.randint(1, 38)))[-38:].rjust(scale + 1, "0")
        text = digits[:len(digits) - scale][-whole:] if whole > 0 else "0"
        values.append(choose.choice(["", "-"]) + text + ("." + digits[-scale:] if scale > 0 else ""))
    values += ["9" * whole + "." + "9" * scale if whole > 0 else "0." + "9" * scale, "0"]
    fill(connection, f"numeric(38,{scale})", values)
    got = column(connection, "SELECT v FROM t")
    assert got.type == pa.decimal128(38, scale)
    assert [None if value is None else f"{value:f}" for value in got.to_pylist()] == [
        None if text is None else f"{Decimal(text):f}" for text in texts(connection, "SELECT v::text FROM t")]
    assert column(connection, "SELECT v FROM t", numeric="string").to_pylist() == texts(
        connection, "SELECT v::text FROM t")


def test_numeric_declarations(connection: Connection) -> None:
    """Negative scales, scales above the precision, more than 38 digits: text, as the server prints it."""
    for declared in ("numeric(5,-2)", "numeric(2,5)", "numeric(39,2)", "numeric(1000,500)"):
        got = column(connection, f"SELECT (n * 0.0001)::{declared} FROM generate_series(0, 9) n")
        assert got.type == pa.large_string()
        assert got.to_pylist() == texts(connection, f"SELECT (n * 0.0001)::{declared}::text FROM generate_series(0, 9) n")


def test_money_as_number(connection: Connection) -> None:
    assert column(connection, "SELECT '12.34'::money", numeric="float64").to_pylist() == [12.34]
    assert column(connection, "SELECT array['12.34'::money, NULL]").to_pylist() == [["12.34", None]]


# ---- enums ----

def test_enum_order_and_new_labels(connection: Connection) -> None:
    connection.execute("CREATE TYPE level AS ENUM ('low', 'high')")
    assert labels(column(connection, "SELECT 'high'::level")) == ["low", "high"]
    connection.execute("ALTER TYPE level ADD VALUE 'middle' BEFORE 'high'")
    got = column(connection, "SELECT unnest(enum_range(NULL::level))")
    assert labels(got) == ["low", "middle", "high"]
    assert got.to_pylist() == ["low", "middle", "high"]
    connection.execute("ALTER TYPE level RENAME VALUE 'middle' TO 'medium'")
    assert column(connection, "SELECT unnest(enum_range(NULL::level))").to_pylist() == ["low", "medium", "high"]


def test_enum_label_added_while_the_query_runs(connection: Connection, types_database: Database) -> None:
    connection.execute("CREATE TYPE level AS ENUM ('low', 'high')")
    schema = texts(connection, "SELECT current_schema()")[0]
    messages: list[bytes] = []
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        cursor.execute("DECLARE c BINARY CURSOR FOR SELECT instant.arrow_with('{\"batch_rows\": 1}', $$"
                       "SELECT label::level FROM (VALUES ('high'), ('low'), ('newest'), ('high')) s(label)$$)")
        messages += [row[0] for row in cursor.execute("FETCH 3 FROM c")]
        with types_database.connect() as other:
            other.execute(f"ALTER TYPE {schema}.level ADD VALUE 'newest' BEFORE 'low'")
        messages += [row[0] for row in cursor.execute("FETCH ALL FROM c")]
    with pa.ipc.open_stream(b"".join(map(bytes, messages))) as reader:
        batches = list(reader)
    assert [batch.column(0).to_pylist() for batch in batches] == [["high"], ["low"], ["newest"], ["high"]]
    assert labels(pa.chunked_array([batches[-1].column(0)])) == ["low", "high", "newest"]


def test_big_enum(connection: Connection) -> None:
    names = [f"label {n}" for n in range(1000)]
    connection.execute("CREATE TYPE big AS ENUM (" + ", ".join(f"'{name}'" for name in names) + ")")
    got = column(connection, "SELECT b FROM unnest(enum_range(NULL::big)) b, generate_series(1, 3) ORDER BY random()")
    assert labels(got) == names
    assert sorted(got.to_pylist()) == sorted(names * 3)


def labels(values: pa.ChunkedArray) -> list[str]:
    return values.chunk(values.num_chunks - 1).dictionary.to_pylist()


# ---- arrays, domains ----

def test_dimensions(connection: Connection) -> None:
    connection.execute("CREATE TABLE a (n integer, d1 integer[], d3 text[][][], d6 smallint[][][][][][])")
    connection.execute("INSERT INTO a VALUES (1, '[5:7]={1,NULL,3}', '{{{a,NULL},{c,d}},{{e,f},{NULL,\"\"}}}',"
                       " '{{{{{{1,2}}}}}}'), (2, '{}', '{}', NULL)")
    table = arrow(connection, "SELECT d1, d3, d6 FROM a")
    assert table.to_pydict() == {
        "d1": [[1, None, 3], []],
        "d3": [[[["a", None], ["c", "d"]], [["e", "f"], [None, ""]]], []],
        "d6": [[[[[[[1, 2]]]]]], None]}
    assert arrow(connection, "SELECT d3 FROM (SELECT * FROM a) s").to_pydict()["d3"] == table.to_pydict()["d3"]


def test_wrong_dimensions(connection: Connection) -> None:
    for query, message in (
            ("SELECT array[[1, 2], [3, 4]] AS c",
             'column "c" of type integer[] holds an array of 2 dimensions in row 1 where 1 are expected'),
            ("SELECT c FROM (VALUES (array[1]), ('{{2}}'::integer[])) s(c)", "2 dimensions in row 2")):
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            arrow(connection, query)
        assert message in str(caught.value)
        assert caught.value.diag.message_hint == "cast the column to text in the query"


def test_decimal_that_does_not_fit(connection: Connection) -> None:
    """What a table declares and what it holds can differ, as here after a change of the catalogue."""
    connection.execute("CREATE TABLE n (v numeric(5,2), vs numeric(5,2)[])")
    connection.execute("INSERT INTO n VALUES (1.5, '{1.5}')")
    connection.execute("UPDATE pg_catalog.pg_attribute SET atttypmod = (1 << 16 | 1) + 4"
                       " WHERE attrelid = 'n'::regclass AND attnum > 0")
    for name in ("v", "vs"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"row 1 that does not fit decimal128\(1, 1\)"):
            arrow(connection, f"SELECT {name} FROM n")


def test_domains(connection: Connection) -> None:
    connection.execute("CREATE DOMAIN amount AS numeric(12,3)")
    connection.execute("CREATE DOMAIN price AS amount CHECK (value >= 0)")
    connection.execute("CREATE DOMAIN matrix AS integer[][]")
    connection.execute("CREATE DOMAIN word AS text")
    connection.execute("CREATE TABLE d (p price, ps price[], m matrix, ms matrix[], w word, ws word[])")
    connection.execute("INSERT INTO d VALUES (1.5, '{1.5,NULL,2}', '{{1,2},{3,NULL}}',"
                       ' \'{"{{1,2}}","{{3,4}}"}\', \'x\', \'{a,NULL}\')')
    table = arrow(connection, "SELECT * FROM d")
    assert table.schema.field("p").type == pa.decimal128(12, 3)
    assert table.schema.field("ps").type == pa.large_list(pa.decimal128(12, 3))
    assert table.schema.field("ms").type == pa.large_list(pa.large_string())
    assert table.to_pylist() == [{
        "p": Decimal("1.500"), "ps": [Decimal("1.500"), None, Decimal("2.000")], "m": [[1, 2], [3, None]],
        "ms": ["{{1,2}}", "{{3,4}}"], "w": "x", "ws": ["a", None]}]
    # A description of a statement names the type below a domain, and so do we.
    names = [field.metadata[b"postgresql:type"].decode().rpartition(".")[2] for field in table.schema]
    assert names == ["numeric(12,3)", "price[]", "integer[]", "matrix[]", "text", "word[]"]


def test_hstore(connection: Connection) -> None:
    connection.execute("CREATE TABLE h (n integer, v hstore)")
    connection.execute("INSERT INTO h VALUES (1, 'a=>1, \"ü b\"=>NULL, \"\"=>\"\"'), (2, NULL), (3, ''),"
                       " (4, (SELECT hstore(array_agg('k' || i), array_agg(repeat('x', i))) FROM generate_series(1, 500) i))")
    got = column(connection, "SELECT v FROM h ORDER BY n")
    assert got.type == pa.map_(pa.large_string(), pa.large_string())
    said = [None if text is None else json.loads(text)
            for text in texts(connection, "SELECT hstore_to_json(v)::text FROM h ORDER BY n")]
    assert [None if value is None else dict(value) for value in got.to_pylist()] == said
    flat = column(connection, "SELECT array_agg(v ORDER BY n) FROM h").to_pylist()[0]
    assert [None if value is None else dict(value) for value in flat] == said


# ---- long, many, none ----

def test_long_values(connection: Connection) -> None:
    """Compressed, moved out of line, and both; 100 MB; each compared inside the server's own hash."""
    connection.execute("CREATE TABLE long (n integer, plain text, out_of_line text, bytes bytea, texts text[], j jsonb)")
    connection.execute("ALTER TABLE long ALTER out_of_line SET STORAGE EXTERNAL")
    connection.execute(
        "INSERT INTO long SELECT n, repeat('abc', n), (SELECT string_agg(md5(i::text), '') FROM generate_series(1, n / 16) i),"
        " convert_to(repeat('ü', n), 'UTF8'), array[repeat('x', n), NULL, repeat('y', n)], to_jsonb(array[repeat('z', n)])"
        " FROM unnest(array[1, 1000, 100000, 3000000]) n")
    table = arrow(connection, "SELECT * FROM long ORDER BY n")
    for row, said in zip(table.to_pylist(), texts(
            connection, "SELECT row_to_json(s)::text FROM (SELECT plain, out_of_line, encode(bytes, 'hex') AS bytes,"
                        " texts, j::text AS j FROM long ORDER BY n) s"), strict=True):
        assert said is not None
        row["bytes"] = row["bytes"].hex()
        del row["n"]
        assert row == json.loads(said)


def test_hundred_megabytes(connection: Connection) -> None:
    table = arrow(connection, "SELECT CASE WHEN n = 3 THEN repeat('abcdefghij', 10000000) ELSE n::text END AS v"
                              " FROM generate_series(1, 5) n")
    lengths = [chunk.nbytes for chunk in table.column("v").chunks]
    assert len(lengths) > 1
    assert table.column("v").to_pylist() == ["1", "2", "abcdefghij" * 10000000, "4", "5"]
    got = column(connection, "SELECT convert_to(repeat('\\000', 20000000), 'UTF8')")
    assert len(got[0].as_py()) == 20000000 * len("\\000")


def test_batches_are_full_by_bytes(connection: Connection) -> None:
    """Fixed columns, texts, lists and maps all count."""
    for item in ("n", "repeat('x', 100)", "array_fill(n, array[25])", "array_fill('x'::text, array[10])",
                 "hstore(array_fill('x'::text, array[10]), array_fill('x'::text, array[10]))", "n::numeric", "n::money"):
        query = f"SELECT {item} AS v FROM generate_series(1, 60000) n"
        table = arrow(connection, query, batch_bytes=65536)
        sizes = [batch.nbytes for batch in table.to_batches()]
        assert len(sizes) > 2, item
        assert max(sizes) < 4 * 65536, item


def test_zero_columns_and_rows(connection: Connection) -> None:
    with connection.cursor(binary=True) as cursor:
        cursor.execute("SELECT instant.arrow('SELECT FROM generate_series(1, 3)')")
        with pa.ipc.open_stream(b"".join(bytes(row[0]) for row in cursor)) as reader:
            assert len(reader.schema) == 0
            assert sum(batch.num_rows for batch in reader) == 3
    make_types(connection)
    every = ", ".join(f"NULL::{kind} AS c{n}" for n, kind in enumerate(SCALARS))
    table = arrow(connection, f"SELECT {every} WHERE false")
    assert table.num_rows == 0
    assert [field.type for field in table.schema] == [SCALARS[kind][3] for kind in SCALARS]
    table = arrow(connection, f"SELECT {every}")
    assert table.num_rows == 1
    assert all(value is None for value in table.to_pylist()[0].values())


def test_1600_columns(connection: Connection) -> None:
    connection.execute("CREATE TABLE wide (" + ", ".join(f"c{n} smallint" for n in range(1600)) + ")")
    connection.execute("INSERT INTO wide VALUES (" + ", ".join(str(n) for n in range(1600)) + ")")
    assert list(arrow(connection, "SELECT * FROM wide").to_pylist()[0].values()) == list(range(1600))
    got = arrow(connection, "SELECT " + ", ".join(f"'{n}'::text AS t{n}" for n in range(1664)))
    assert list(got.to_pylist()[0].values()) == [str(n) for n in range(1664)]


def test_pseudo_types(connection: Connection) -> None:
    table = arrow(connection, "SELECT pg_catalog.pg_sleep(0) AS v, 'x' AS u, 'y'::cstring AS c, row(1, NULL, 'a b') AS r,"
                              " (SELECT stavalues1 FROM pg_catalog.pg_statistic WHERE stavalues1 IS NOT NULL LIMIT 1) AS a")
    row = table.to_pylist()[0]
    assert (row["v"], row["u"], row["c"], row["r"]) == ("", "x", "y", '(1,,"a b")')
    assert row["a"] is None or row["a"].startswith("{")


def test_random_rows(connection: Connection) -> None:
    """Every type at once, NULLs among them, in batches of other sizes than the table's rows."""
    choose = random.Random(7)
    make_types(connection)
    kinds = {kind: [value for value in SCALARS[kind][0] if server_knows(connection, kind, value)]
             for kind in SCALARS}
    kinds = {kind: values for kind, values in kinds.items() if values}
    connection.execute("CREATE TABLE r (n serial, " + ", ".join(f"c{n} {kind}" for n, kind in enumerate(kinds)) + ")")
    with connection.cursor().copy(
            "COPY r (" + ", ".join(f"c{n}" for n in range(len(kinds))) + ") FROM STDIN") as copy:
        for _ in range(2000):
            copy.write_row([None if choose.random() < 0.2 else choose.choice(values) for values in kinds.values()])
    table = arrow(connection, "SELECT * FROM r ORDER BY n", batch_rows=333)
    for n, kind in enumerate(kinds):
        _, said, render, _ = SCALARS[kind]
        expected = expectation(connection, f"SELECT {said} FROM (SELECT n, c{n} AS v FROM r) s ORDER BY n", render)
        assert render(table.column(f"c{n}")) == expected, kind


# ---- encodings ----

@pytest.mark.parametrize("client", ["UTF8", "LATIN1"])
def test_database_of_another_encoding(server: PostgresServer, client: str) -> None:
    """Arrow's text is UTF-8, whatever the database and the client speak."""
    name = f"types_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    server.sql("CREATE EXTENSION instant_fdw; CREATE EXTENSION hstore SCHEMA public", name)
    with Database(server, name).connect(client_encoding=client) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('Größe', 'süß')")
        connection.execute('CREATE DOMAIN "ärmlich" AS integer')
        table = arrow(connection, """SELECT 'é'::text AS "ö", 'é'::char(3) AS c, 'é'::name AS n, '{"é": "ü"}'::jsonb AS j,
                                            'süß'::mood AS m, array['süß'::mood] AS ms, 'é=>ü'::hstore AS h,
                                            array['é', 'x'] AS a, row('é') AS r, '<é/>'::json AS js, 7::"ärmlich" AS d, array[8::"ärmlich"] AS ds,
                                            'é'::bytea AS b""".replace("'<é/>'", """'"é"'"""))
        assert table.to_pylist() == [{
            "ö": "é", "c": "é  ", "n": "é", "j": '{"é": "ü"}', "m": "süß", "ms": ["süß"], "h": [("é", "ü")],
            "a": ["é", "x"], "r": "(é)", "js": '"é"', "d": 7, "ds": [8], "b": b"\xe9"}]
        assert table.schema.field("ds").metadata[b"postgresql:type"].decode() == '"ärmlich"[]'
    server.sql(f"DROP DATABASE {name}")


def test_client_of_another_encoding(types_database: Database) -> None:
    with types_database.connect(client_encoding="LATIN1") as connection:
        assert arrow(connection, "SELECT chr(8364) AS v, public.hstore('k', chr(8364)) AS h").to_pylist() == [
            {"v": "€", "h": [("k", "€")]}]
