"""Values of every type of MariaDB in columns of the hub, and what becomes of those that no such column can hold."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness import relation as rel
from harness.source_client import SourceError, SourceSession

BIT, VARBIT, INET, INTERVAL, BPCHAR, OID = (1560, -1), (1562, -1), (869, -1), (1186, -1), (1042, -1), (26, -1)
OTHER = (0, -1)


def numeric(precision: int, scale: int) -> rel.Type:
    return (1700, (precision << 16 | scale) + 4)


def table(name: str, type_: rel.Type, options: dict[str, str] | None = None, **column_options: str) -> rel.Relation:
    collation = rel.C if type_[0] in (25, 1042, 1043) else None
    return rel.scan(name, [rel.column("x", type_, collation, **column_options)], options)


def moment(text: str, *, zone: bool = False) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone.utc if zone else None)


# Declared type, hub type, value as SQL, what is read.
GOOD: list[tuple[str, rel.Type, str, Any]] = [
    ("tinyint", rel.INT2, "-128", -128), ("tinyint", rel.INT2, "127", 127), ("tinyint unsigned", rel.INT2, "255", 255),
    ("tinyint(1)", rel.BOOL, "1", True), ("tinyint(1)", rel.BOOL, "0", False), ("tinyint(1)", rel.INT2, "-7", -7),
    ("smallint", rel.INT2, "-32768", -32768), ("smallint unsigned", rel.INT4, "65535", 65535),
    ("mediumint", rel.INT4, "-8388608", -8388608), ("mediumint unsigned", rel.INT4, "16777215", 16777215),
    ("int", rel.INT4, "-2147483648", -2**31), ("int unsigned", rel.INT8, "4294967295", 2**32 - 1),
    ("int(8) zerofill", rel.INT8, "42", 42), ("int", rel.INT8, "-5", -5), ("int", rel.INT2, "-5", -5),
    ("bigint", rel.INT8, "-9223372036854775808", -2**63), ("bigint", rel.INT8, "9223372036854775807", 2**63 - 1),
    ("bigint unsigned", numeric(20, 0), "18446744073709551615", Decimal(2**64 - 1)),
    ("bigint unsigned", rel.INT8, "9223372036854775807", 2**63 - 1),
    ("bigint unsigned", rel.NUMERIC, "18446744073709551615", "18446744073709551615"),
    ("bigint unsigned", rel.TEXT, "18446744073709551615", "18446744073709551615"),
    ("bigint", numeric(22, 2), "-12345678901234567", Decimal("-12345678901234567.00")),
    ("bigint", rel.FLOAT8, "9007199254740993", 9007199254740992.0), ("int unsigned", OID, "4294967295", 2**32 - 1),
    ("float", rel.FLOAT4, "0.1", 0.10000000149011612), ("float", rel.FLOAT4, "16777217", 16777216.0),
    ("float", rel.FLOAT4, "3.4028234e38", 3.4028234663852886e38), ("float", rel.FLOAT4, "1.17549435e-38", 1.1754943508222875e-38),
    ("float", rel.FLOAT8, "0.1", 0.10000000149011612), ("float", rel.TEXT, "0.1", "0.1"),
    ("float", rel.TEXT, "1234567.9", "1234567.9"), ("double", rel.FLOAT8, "0.1", 0.1),
    ("double", rel.FLOAT8, "0.30000000000000004", 0.30000000000000004), ("double", rel.FLOAT8, "1.7976931348623157e308", 1.7976931348623157e308),
    ("double", rel.FLOAT8, "2.2250738585072014e-308", 2.2250738585072014e-308), ("double", rel.NUMERIC, "0.1", "0.1"),
    ("double", rel.TEXT, "1e22", "1e+22"), ("double", rel.FLOAT4, "0.1", 0.10000000149011612),
    ("decimal(15,2)", numeric(15, 2), "-1234567890123.45", Decimal("-1234567890123.45")),
    ("decimal(65,30)", numeric(65, 30), f"{'9' * 35}.{'9' * 30}", f"{'9' * 35}.{'9' * 30}"),
    ("decimal(38,0)", numeric(38, 0), "9" * 38, Decimal("9" * 38)), ("decimal(10,0)", rel.INT8, "-42", -42),
    ("decimal(5,3)", rel.FLOAT8, "0.125", 0.125), ("decimal(5,3)", numeric(5, 1), "0.150", Decimal("0.2")),
    ("decimal(5,3)", rel.TEXT, "0.150", "0.150"),
    ("bit(1)", rel.BOOL, "b'1'", True), ("bit(1)", BIT, "b'0'", "0"), ("bit(5)", (1560, 5), "b'10110'", "10110"),
    ("bit(64)", VARBIT, "b'1'", "0" * 63 + "1"), ("bit(16)", rel.INT4, "b'1111111111111111'", 65535),
    ("bit(12)", rel.BYTEA, "b'111100001111'", b"\x0f\x0f"),
    ("year", rel.INT2, "2024", 2024), ("year", rel.INT2, "0", 0), ("year", rel.TEXT, "1999", "1999"),
    ("date", rel.DATE, "'2024-02-29'", dt.date(2024, 2, 29)), ("date", rel.DATE, "'1000-01-01'", dt.date(1000, 1, 1)),
    ("date", rel.DATE, "'9999-12-31'", dt.date(9999, 12, 31)), ("date", rel.DATE, "'0001-01-01'", dt.date(1, 1, 1)),
    ("date", rel.TIMESTAMP, "'2024-02-29'", moment("2024-02-29")), ("date", rel.TEXT, "'2024-02-29'", "2024-02-29"),
    ("time", rel.TIME, "'23:59:59'", dt.time(23, 59, 59)), ("time(6)", rel.TIME, "'00:00:00.000001'", dt.time(0, 0, 0, 1)),
    ("time", rel.TIME, "'-00:00:00'", dt.time(0)), ("time(6)", INTERVAL, "'-838:59:58.999999'", "-838:59:58.999999"),
    ("time", INTERVAL, "'25:00:00'", "25:00:00"), ("time(2)", rel.TEXT, "'-01:02:03.45'", "-01:02:03.45"),
    ("time(6)", (1083, 3), "'12:00:00.123456'", dt.time(12, 0, 0, 123000)),
    ("datetime", rel.TIMESTAMP, "'2024-02-29 23:59:59'", moment("2024-02-29 23:59:59")),
    ("datetime(6)", rel.TIMESTAMP, "'1000-01-01 00:00:00.000001'", moment("1000-01-01 00:00:00.000001")),
    ("datetime(6)", rel.TIMESTAMP, "'9999-12-31 23:59:59.999999'", moment("9999-12-31 23:59:59.999999")),
    ("datetime(6)", (1114, 3), "'2024-01-01 00:00:00.123456'", moment("2024-01-01 00:00:00.123")),
    ("datetime(3)", (1114, 3), "'2024-01-01 00:00:00.123'", moment("2024-01-01 00:00:00.123")),
    ("datetime(3)", rel.TEXT, "'2024-01-01 00:00:00.120'", "2024-01-01 00:00:00.120"),
    ("datetime", rel.DATE, "'2024-01-01 23:59:59'", dt.date(2024, 1, 1)), ("datetime", rel.TIME, "'2024-01-01 23:59:59'", dt.time(23, 59, 59)),
    ("datetime", rel.TIMESTAMPTZ, "'2024-01-01 10:00:00'", moment("2024-01-01 10:00", zone=True)),
    ("timestamp", rel.TIMESTAMPTZ, "'2024-07-01 10:00:00'", moment("2024-07-01 10:00", zone=True)),
    ("timestamp(6)", rel.TIMESTAMPTZ, "'1970-01-01 00:00:01.5'", moment("1970-01-01 00:00:01.5", zone=True)),
    ("timestamp", rel.TIMESTAMP, "'2024-07-01 10:00:00'", moment("2024-07-01 10:00")),
    ("char(5)", rel.TEXT, "'ab  '", "ab"), ("char(5)", (1043, 9), "'abcde'", "abcde"), ("char(3)", rel.TEXT, "'äöü'", "äöü"),
    ("varchar(9)", rel.TEXT, "'ab  '", "ab  "), ("varchar(9)", (1043, 13), "'日本語🙂'", "日本語🙂"), ("varchar(9)", rel.TEXT, "''", ""),
    ("varchar(9)", rel.INT4, "' 42 '", 42), ("varchar(9)", rel.BOOL, "'yes'", True), ("varchar(99)", rel.UUID, "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'",
                                                                                      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("varchar(20)", rel.DATE, "'2024-02-29'", dt.date(2024, 2, 29)), ("varchar(20)", rel.NUMERIC, "'1e3'", "1000"),
    ("text character set latin1", rel.TEXT, "'Größe €'", "Größe €"), ("text character set utf8mb3", rel.TEXT, "'日本'", "日本"),
    ("text character set cp1251", rel.TEXT, "'Привет'", "Привет"), ("text character set sjis", rel.TEXT, "'日本語'", "日本語"),
    ("text character set ucs2", rel.TEXT, "'日本'", "日本"), ("text character set utf16", rel.TEXT, "'🙂'", "🙂"),
    ("text character set big5", rel.TEXT, "'中文'", "中文"), ("text character set koi8r", rel.TEXT, "'Привет'", "Привет"),
    ("text character set ascii", rel.TEXT, "'abc'", "abc"), ("tinytext", rel.TEXT, "'x'", "x"), ("longtext", rel.TEXT, "REPEAT('ab', 100000)", "ab" * 100000),
    ("binary(4)", rel.BYTEA, "x'00ff'", b"\0\xff\0\0"), ("varbinary(9)", rel.BYTEA, "x''", b""), ("blob", rel.BYTEA, "x'005c27ff'", b"\0\\'\xff"),
    ("varbinary(9)", rel.TEXT, "'äb'", "äb"), ("binary(16)", rel.UUID, "x'a0eebc999c0b4ef8bb6d6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("enum('a','b c','')", rel.TEXT, "'b c'", "b c"), ("enum('a','')", OTHER, "'a'", "a"), ("set('a','b','c')", rel.TEXT, "'c,a'", "a,c"), ("set('a')", rel.TEXT, "''", ""),
    ("json", rel.JSONB, "'{\"a\": [1, 2.50]}'", '{"a": [1, 2.50]}'), ("json", rel.TEXT, "'[1]'", "[1]"), ("longtext", rel.JSON, "'\"ü\"'", '"ü"'),
    ("uuid", rel.UUID, "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ("uuid", rel.TEXT, "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("inet4", INET, "'10.1.2.3'", "10.1.2.3"), ("inet6", INET, "'2001:db8::ff'", "2001:db8::ff"), ("inet6", INET, "'::ffff:1.2.3.4'", "::ffff:1.2.3.4"),
    ("point", rel.BYTEA, "POINT(1, 2)", bytes.fromhex("0101000000000000000000f03f0000000000000040")),
    ("geometry", OTHER, "ST_GeomFromText('POINT(1 2)', 4326)", "0101000020E6100000000000000000F03F0000000000000040"),
    ("geometry", OTHER, "POINT(1, 2)", "0101000000000000000000F03F0000000000000040"),
]

# Declared type, hub type, value, SQLSTATE.
BAD: list[tuple[str, rel.Type, str, str]] = [
    ("tinyint(1)", rel.BOOL, "2", "22P02"), ("tinyint(1)", rel.BOOL, "-1", "22P02"), ("int", rel.INT2, "32768", "22003"),
    ("int unsigned", rel.INT4, "2147483648", "22003"), ("bigint unsigned", rel.INT8, "9223372036854775808", "22003"),
    ("int", OID, "-1", "22003"), ("int", rel.DATE, "5", "22P02"), ("decimal(5,2)", rel.INT4, "1.50", "22P02"),
    ("decimal(9,2)", numeric(5, 2), "1234567.00", "22003"), ("double", rel.INT4, "1.5", "22P02"), ("double", rel.FLOAT4, "1e39", "22003"),
    ("time", rel.TIME, "'-00:00:01'", "22008"), ("time", rel.TIME, "'24:00:01'", "22008"), ("time", rel.DATE, "'10:00'", "22P02"),
    ("varchar(9)", rel.INT4, "'many'", "22P02"), ("varchar(9)", rel.TEXT, "'a\\0b'", "22021"), ("varchar(9)", (1043, 7), "'abcd'", "22001"),
    ("blob", rel.TEXT, "x'ff'", "22021"), ("blob", rel.UUID, "x'ff'", "22P02"), ("text", rel.JSONB, "'{'", "22P02"),
    ("varchar(20)", rel.DATE, "'2024-02-30'", "22008"), ("bit(4)", rel.BOOL, "b'10'", "22P02"), ("date", rel.INT4, "'2024-01-01'", "22P02"),
]


@pytest.fixture
def make(maria: TlsServer, database: str) -> Any:
    """make(declared, *values as SQL) makes a table with a column x of these; its name."""
    made: list[str] = []

    def make_one(declared: str, *values: str) -> str:
        made.append(f"t{len(made)}")
        rows = ", ".join(f"({value})" for value in values)
        maria.sql(f"SET NAMES utf8mb4; SET sql_mode = ''; DROP TABLE IF EXISTS t{len(made) - 1}; CREATE TABLE t{len(made) - 1} (x {declared} NULL); "
                  f"INSERT INTO t{len(made) - 1} VALUES {rows}", database)
        return made[-1]

    return make_one


@pytest.mark.parametrize(("declared", "type_", "value", "read"), GOOD, ids=lambda value: repr(value)[:30])
def test_values_that_fit(make: Any, session: SourceSession, declared: str, type_: rel.Type, value: str, read: Any) -> None:
    name = make(declared, value, "NULL", value)
    assert session.open(table(name, type_)).rows() == [(read,), (None,), (read,)]


@pytest.mark.parametrize(("declared", "type_", "value", "sqlstate"), BAD, ids=lambda value: repr(value)[:30])
def test_values_that_do_not_fit(make: Any, session: SourceSession, declared: str, type_: rel.Type, value: str, sqlstate: str) -> None:
    name = make(declared, value, "NULL")
    with pytest.raises(SourceError) as caught:
        session.open(table(name, type_)).table()
    assert caught.value.sqlstate == sqlstate
    assert f'column "x" of table "{name}"' in caught.value.message
    # The connection is of use after it, and a table may say that such values are NULL.
    scan = session.open(table(name, type_, {"on_error": "null"}))
    assert scan.rows() == [(None,), (None,)]
    assert scan.stats is not None and scan.stats["nulled"] == 1


ZERO = [("date", "'0000-00-00'", rel.DATE), ("date", "'2024-00-01'", rel.DATE), ("date", "'2024-01-00'", rel.DATE),
        ("datetime", "'0000-00-00 00:00:00'", rel.TIMESTAMP), ("datetime(3)", "'2024-00-00 10:00:00.5'", rel.TIMESTAMP),
        ("timestamp", "0", rel.TIMESTAMPTZ), ("date", "'0000-01-01'", rel.DATE)]


@pytest.mark.parametrize(("declared", "value", "type_"), ZERO, ids=lambda value: repr(value)[:30])
def test_dates_that_are_none(make: Any, maria: TlsServer, database: str, connect: Connect, declared: str, value: str,
                             type_: rel.Type) -> None:
    name = make(declared, value)
    stored = maria.sql(f"SELECT x FROM {name}", database)
    assert connect().open(table(name, type_)).rows() == [(None,)]
    for session, options in ((connect(zero_date="error"), {}), (connect(), {"zero_date": "error"})):
        with pytest.raises(SourceError) as caught:
            session.open(table(name, type_, options)).table()
        assert caught.value.sqlstate == "22008"
    assert connect(zero_date="error").open(table(name, type_, zero_date="null")).rows() == [(None,)]
    assert connect(zero_date="text").open(table(name, rel.TEXT)).rows() == [(stored,)]


def test_columns_in_another_order_and_none_at_all(maria: TlsServer, database: str, connect: Connect) -> None:
    maria.sql("CREATE TABLE wide (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int GENERATED ALWAYS AS (a + 2) STORED, "
              "d int INVISIBLE DEFAULT 9, `e``\"e` text); INSERT INTO wide (a, `e``\"e`) VALUES (1, 'x'), (NULL, NULL)", database)
    session = connect()
    columns = [rel.column("d", rel.INT4), rel.column("c", rel.INT4), rel.column("quoted", rel.TEXT, rel.C, column="e`\"e"),
               rel.column("b", rel.INT4), rel.column("a", rel.INT4)]
    assert session.open(rel.scan("wide", columns)).rows() == [(9, 3, "x", 2, 1), (9, None, None, None, None)]
    assert session.open(rel.scan("other", [], {"table": "wide"})).table().num_rows == 2


def test_many_columns_with_all_nulls_among_them(maria: TlsServer, database: str, connect: Connect) -> None:
    names = [f"c{i}" for i in range(300)]
    maria.sql(f"CREATE TABLE many ({', '.join(f'{name} int' for name in names)}); INSERT INTO many (c0) VALUES (NULL); "
              f"INSERT INTO many VALUES ({', '.join(str(i) if i % 3 else 'NULL' for i in range(300))})", database)
    relation = rel.scan("many", [rel.column(name, rel.INT4) for name in names])
    assert connect().open(relation).rows() == [(None,) * 300, tuple(i if i % 3 else None for i in range(300))]


@pytest.mark.parametrize("options", [{}, {"ssl_mode": "disable"}, {"ssl_mode": "disable", "compression": "true"}], ids=["tls", "plain", "compressed"])
def test_values_of_sixteen_megabytes(make: Any, connect: Connect, options: dict[str, str]) -> None:
    """A packet of the protocol ends at 16 MiB less one byte, and a message of ours too."""
    sizes = [2**24 - 20, 2**24 - 1, 2**24, 2**24 + 7, 5]
    name = make("longblob", *[f"REPEAT('x', {size})" for size in sizes])
    read = connect(source_memory="2GB", **options).open(table(name, rel.BYTEA)).table().column(0)
    assert [len(value.as_py()) for value in read] == sizes
    assert all(value.as_py().strip(b"x") == b"" for value in read)


def test_native_requests(maria: TlsServer, database: str, connect: Connect) -> None:
    session = connect()
    two = [rel.column("a", rel.INT4), rel.column("b", rel.TEXT, rel.C)]
    assert session.open(rel.native("SELECT 1, 'é' UNION SELECT NULL, '2'", two)).rows() == [(1, "é"), (None, "2")]
    for request, state in (("SELECT 1", "22023"), ("SELECT nothing", "42703"), ("SELECT 1; SELECT 2", "42601"), ("DO 1", "22023"),
                           ("SELECT * FROM nowhere", "42P01"), ("SELEC", "42601")):
        with pytest.raises(SourceError) as caught:
            session.open(rel.native(request, two)).table()
        assert caught.value.sqlstate == state, request
    maria.sql("DELIMITER //\nCREATE PROCEDURE both_of() BEGIN SELECT 1, 'a'; SELECT 2, 'b'; END//\n", database)
    for _ in range(3):
        assert session.open(rel.native("CALL both_of()", two)).rows() == [(1, "a")]
        assert session.open(rel.native("SELECT 3, 'x'", two)).rows() == [(3, "x")]
