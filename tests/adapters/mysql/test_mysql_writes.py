"""INSERT, UPDATE and DELETE in MariaDB: every value exact or an error, many rows in a statement, rows that come back,
and what becomes of transactions."""
from __future__ import annotations

import secrets
from collections.abc import Sequence

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness import relation as rel
from harness.source_client import COMMIT, ROLLBACK, SourceError, SourceSession, transaction_bytes

BIT, INTERVAL, BPCHAR, INET = (1560, -1), (1186, -1), (1042, 9), (869, -1)
INSERT, UPDATE, DELETE = range(3)
ERROR, NOTHING, REPLACE = range(3)
Row = Sequence[str | None]


class Writer:
    """A session that writes to one table, each write in a transaction that is committed."""

    def __init__(self, session: SourceSession, maria: TlsServer, database: str, name: str) -> None:
        self.session, self.maria, self.database, self.name = session, maria, database, name
        self.transaction = 0

    def write(self, kind: int, columns: Sequence[rel.Column], rows: Sequence[Row], *, key_count: int = 0,
              conflict: int = ERROR, returning: Sequence[rel.Column] | None = None,
              is_committed: bool = True, level: int = 1) -> tuple[int, list[tuple[str | None, ...]]]:
        if is_committed:
            self.transaction += 1
        table = rel.scan(self.name, list(columns))
        try:
            done = self.session.modify(
                kind, table, rows, key_count=key_count, conflict=conflict,
                returning=None if returning is None else rel.scan(self.name, list(returning)),
                transaction=transaction_bytes(self.transaction, level))
        except SourceError:
            if is_committed:
                self.session.finish(ROLLBACK, self.transaction)
            raise
        if is_committed:
            self.session.finish(COMMIT, self.transaction)
        assert done.stats is not None
        return done.stats["rows"], done.written

    def begin(self) -> None:
        self.transaction += 1

    def sql(self, text: str) -> str:
        return self.maria.sql(text.replace("TABLE_", f"`{self.name}`"), self.database)

    def count(self) -> int:
        return int(self.sql("SELECT count(*) FROM TABLE_"))


@pytest.fixture
def make(connect: Connect, maria: TlsServer, database: str):  # type: ignore[no-untyped-def]
    def make_one(definition: str, **options: str) -> Writer:
        name = f"t{secrets.token_hex(4)}"
        maria.sql(f"CREATE TABLE {name} ({definition})", database)
        return Writer(connect(**options), maria, database, name)

    return make_one


ID = rel.column("id", rel.INT4, key="true")
A, B = rel.column("a", rel.TEXT), rel.column("b", rel.INT4)


def numeric(precision: int, scale: int) -> rel.Type:
    return (1700, (precision << 16 | scale) + 4)


# ---- values

# Type there, type here, value as the hub sends it, what `SELECT` of the column as a text says.
EXACT: list[tuple[str, rel.Type, str, str]] = [
    ("tinyint", rel.INT2, "-128", "-128"), ("tinyint unsigned", rel.INT2, "255", "255"), ("tinyint(1)", rel.BOOL, "t", "1"),
    ("tinyint(1)", rel.BOOL, "f", "0"), ("bit(1)", rel.BOOL, "t", "\\x1"), ("int", rel.INT8, "-2147483648", "-2147483648"),
    ("int", numeric(12, 2), "42.00", "42"), ("bigint unsigned", rel.NUMERIC, "18446744073709551615", "18446744073709551615"),
    ("bigint", rel.INT8, "-9223372036854775808", "-9223372036854775808"), ("bigint", rel.FLOAT8, "1e+15", "1000000000000000"),
    ("decimal(10,2)", rel.NUMERIC, "12345678.90", "12345678.90"), ("decimal(10,2)", rel.NUMERIC, "0.100000", "0.10"),
    ("decimal(65,30)", rel.NUMERIC, "-" + "9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30),
    ("decimal(10,3)", rel.FLOAT8, "0.125", "0.125"), ("decimal(12,0)", rel.INT8, "5", "5"), ("decimal(10,2)", rel.FLOAT8, "0.1", "0.10"),
    ("float", rel.FLOAT4, "0.1", "0.1"), ("float", rel.FLOAT8, "0.5", "0.5"), ("float", rel.FLOAT8, "16777216", "16777200"),
    ("double", rel.FLOAT8, "0.30000000000000004", "0.30000000000000004"), ("double", rel.FLOAT8, "1.7976931348623157e+308", "1.7976931348623157e308"),
    ("double", rel.FLOAT8, "5e-324", "5e-324"), ("double", rel.NUMERIC, "123456789.25", "123456789.25"),
    ("bit(5)", (1560, 5), "10110", "\\x16"), ("bit(16)", rel.INT4, "65535", "\\xFFFF"), ("bit(12)", rel.BYTEA, "\\x0f0f", "\\xF0F"),
    ("year", rel.INT2, "1970", "1970"), ("year", rel.INT2, "0", "0000"), ("date", rel.DATE, "0001-01-01", "0001-01-01"),
    ("date", rel.DATE, "9999-12-31", "9999-12-31"), ("date", rel.TIMESTAMP, "2024-01-31 00:00:00", "2024-01-31"),
    ("date", rel.TEXT, "0000-00-00", "0000-00-00"), ("datetime", rel.TIMESTAMP, "2024-01-31 23:59:59", "2024-01-31 23:59:59"),
    ("datetime(6)", rel.TIMESTAMP, "2024-01-31 23:59:59.000001", "2024-01-31 23:59:59.000001"),
    ("datetime(3)", rel.TIMESTAMP, "2024-01-31 23:59:59.120000", "2024-01-31 23:59:59.120"),
    ("datetime", rel.TIMESTAMPTZ, "2024-07-01 10:00:00+00", "2024-07-01 10:00:00"),
    ("timestamp", rel.TIMESTAMPTZ, "2024-03-31 02:30:00+00", "2024-03-31 02:30:00"), ("datetime", rel.DATE, "2024-01-31", "2024-01-31 00:00:00"),
    ("time", rel.TIME, "23:59:59", "23:59:59"), ("time(6)", rel.TIME, "00:00:00.000001", "00:00:00.000001"), ("time", rel.TIME, "24:00:00", "24:00:00"),
    ("time", INTERVAL, "-1 days +02:03:04", "-21:56:56"), ("time(2)", INTERVAL, "30 days 01:00:00.25", "721:00:00.25"),
    ("char(5)", rel.TEXT, "ab", "ab"), ("char(5)", BPCHAR, "ab   ", "ab"), ("varchar(5)", rel.TEXT, "ab  ", "ab  "), ("varchar(5)", rel.TEXT, "", ""),
    ("varchar(20)", rel.TEXT, "it's \\ \"back\"", "it's \\ \"back\""), ("varchar(20)", rel.TEXT, "日本語🙂%_;--", "日本語🙂%_;--"),
    ("varchar(20) character set latin1", rel.TEXT, "Größe €", "Größe €"), ("varchar(9)", rel.INT4, "42", "42"), ("text", rel.JSONB, '{"a": [1, "\\n"]}', '{"a": [1, "\\n"]}'),
    ("json", rel.JSONB, '{"a": 1}', '{"a": 1}'), ("binary(2)", rel.BYTEA, "\\x00ff", "\\x00FF"), ("varbinary(9)", rel.BYTEA, "\\x", "\\x"),
    ("blob", rel.BYTEA, "\\x5c27005c", "\\x5C27005C"), ("enum('a','B','it''s','2')", rel.TEXT, "it's", "it's"), ("enum('a','B','it''s','2')", rel.TEXT, "2", "2"),
    ("set('a','b','c')", rel.TEXT, "a,c", "a,c"), ("set('a','b','c')", rel.TEXT, "", ""), ("uuid", rel.UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("inet6", INET, "::1", "::1"), ("inet4", INET, "10.0.0.1", "10.0.0.1"),
]


@pytest.mark.parametrize(("there", "here", "value", "kept"), EXACT)
def test_a_value_is_kept_as_it_is(make, there: str, here: rel.Type, value: str, kept: str) -> None:  # type: ignore[no-untyped-def]
    writer = make(f"id int primary key, x {there}")
    assert writer.write(INSERT, [ID, rel.column("x", here)], [("1", value), ("2", None)]) == (2, [])
    shown = f"concat('\\\\x', hex(x)) = '\\{kept}'" if kept.startswith("\\x") else f"hex(convert(x using utf8mb4)) = '{kept.encode().hex()}'"
    assert writer.sql(f"SELECT {shown} FROM TABLE_ WHERE id = 1") == "1"
    assert writer.sql("SELECT x IS NULL FROM TABLE_ WHERE id = 2") == "1"
    assert writer.write(UPDATE, [ID, rel.column("x", here)], [("1", None)], key_count=1) == (1, [])
    assert writer.write(UPDATE, [ID, rel.column("x", here)], [("1", value), ("2", value), ("3", value)], key_count=1) == (2, [])
    assert writer.sql(f"SELECT DISTINCT {shown} FROM TABLE_") == "1"
    # By the value as a key, and what comes back.
    back = [ID, rel.column("x", here)]
    rows, written = writer.write(DELETE, [rel.column("x", here, key="true"), ID], [(value, "2")], key_count=2, returning=back)
    assert rows == 1
    assert [row[0] for row in written] == ["2"]
    if here not in (INTERVAL, rel.JSONB, rel.FLOAT8, rel.FLOAT4) and value != "0000-00-00" and there not in ("char(5)", "datetime", "year") and here[0] != 1700:
        assert written[0][1] is not None
        assert written[0][1].rstrip("0") == value.rstrip("0") or here in (rel.TIMESTAMP, rel.DATE, rel.TIME)


REFUSED: list[tuple[str, rel.Type, str, str]] = [
    ("tinyint", rel.INT2, "128", "22003"), ("int unsigned", rel.INT4, "-1", "22003"), ("int", rel.NUMERIC, "1.5", "22003"),
    ("int", rel.FLOAT8, "0.5", "22003"), ("int", rel.FLOAT8, "NaN", "22003"), ("int", rel.TEXT, "1", "42804"), ("decimal(10,2)", rel.NUMERIC, "0.001", "22003"),
    ("decimal(10,2)", rel.NUMERIC, "123456789.00", "22003"), ("decimal(10,2)", rel.NUMERIC, "NaN", "22003"), ("decimal(10,2)", rel.FLOAT8, "0.125", "22003"),
    ("float", rel.FLOAT8, "0.1", "22003"), ("float", rel.FLOAT8, "16777217", "22003"), ("double", rel.FLOAT8, "Infinity", "22003"),
    ("double", rel.NUMERIC, "0.12345678901234567890", "22003"), ("bit(5)", (1560, 4), "1010", "22026"), ("bit(5)", rel.INT4, "32", "22001"),
    ("year", rel.INT2, "70", "22003"), ("year", rel.INT2, "2156", "22003"), ("date", rel.DATE, "infinity", "22008"), ("date", rel.DATE, "0044-03-15 BC", "22008"),
    ("date", rel.DATE, "10000-01-01", "22008"), ("date", rel.TIMESTAMP, "2024-01-31 00:00:01", "22008"),
    ("datetime", rel.TIMESTAMP, "2024-01-31 23:59:59.5", "22008"), ("datetime(3)", rel.TIMESTAMP, "2024-01-31 23:59:59.1234", "22008"),
    ("timestamp", rel.TIMESTAMPTZ, "2040-01-31 23:59:59+00", "22007"), ("timestamp", rel.TIMESTAMPTZ, "1969-01-31 23:59:59+00", "22007"),
    ("time", rel.TIME, "23:59:59.5", "22008"), ("time", INTERVAL, "1 mon", "22008"), ("time", INTERVAL, "40 days", "22007"),
    ("char(5)", rel.TEXT, "ab ", "22001"), ("char(5)", rel.TEXT, "abcdef", "22001"), ("varchar(5)", rel.TEXT, "abcdef", "22001"), ("varchar(5)", rel.TEXT, "abc   ", "22000"),
    ("varchar(9) character set latin1", rel.TEXT, "日本", "22P02"), ("varchar(9) character set utf8mb3", rel.TEXT, "🙂", "22P02"), ("json", rel.TEXT, "{", "23514"),
    ("binary(4)", rel.BYTEA, "\\x00ff", "22026"), ("varbinary(2)", rel.BYTEA, "\\x000000", "22001"), ("enum('a','b')", rel.TEXT, "A", "22P02"),
    ("enum('a','b')", rel.TEXT, "1", "22P02"), ("enum('a','b')", rel.TEXT, "", "22P02"), ("set('a','b')", rel.TEXT, "b,a", "22P02"), ("set('a','b')", rel.TEXT, "a,a", "22P02"),
    ("set('a','b')", rel.TEXT, "c", "22P02"), ("uuid", rel.TEXT, "none", "22007"),
]


@pytest.mark.parametrize(("there", "here", "value", "sqlstate"), REFUSED)
def test_a_value_that_would_be_another_is_refused(make, there: str, here: rel.Type, value: str, sqlstate: str) -> None:  # type: ignore[no-untyped-def]
    writer = make(f"id int primary key, x {there}")
    with pytest.raises(SourceError) as failed:
        writer.write(INSERT, [ID, rel.column("x", here)], [("1", None), ("2", value)])
    assert failed.value.sqlstate == sqlstate, failed.value
    assert writer.count() == 0
    assert writer.write(INSERT, [ID], [("1",)]) == (1, [])
    with pytest.raises(SourceError):
        writer.write(UPDATE, [ID, rel.column("x", here)], [("1", value)], key_count=1)
    assert writer.sql("SELECT count(x) FROM TABLE_") == "0"


def test_null_is_refused_where_the_server_would_make_something_of_it(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key auto_increment, t timestamp not null, n int not null")
    moment, number = rel.column("t", rel.TIMESTAMPTZ), rel.column("n", rel.INT4)
    for row in ((None, "1"), ("2024-01-01 00:00:00+00", None)):
        with pytest.raises(SourceError) as failed:
            writer.write(INSERT, [moment, number], [("2024-01-01 00:00:00+00", "1"), row])
        assert failed.value.sqlstate == "23502"
    assert writer.count() == 0
    # The next number, as the server says; but 0 is 0.
    written = writer.write(INSERT, [ID, moment, number], [(None, "2024-01-01 00:00:00+00", "1"), ("0", "2024-01-01 00:00:00+00", "2")], returning=[ID])
    assert written[1][1] == ("0",)


# ---- many rows

def test_many_rows_go_in_few_statements(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key, a text, b int")
    rows = [(str(i), f"'{i}" * (i % 50), str(i * 7)) for i in range(5000)]
    before = int(writer.sql("SHOW GLOBAL STATUS LIKE 'Com_insert'").split()[1])
    assert writer.write(INSERT, [ID, A, B], rows) == (5000, [])
    assert int(writer.sql("SHOW GLOBAL STATUS LIKE 'Com_insert'").split()[1]) - before <= 3
    assert writer.sql("SELECT count(*), sum(b), sum(length(a)) FROM TABLE_") == f"5000\t{sum(i * 7 for i in range(5000))}\t{sum(len(row[1]) for row in rows)}"
    assert writer.write(UPDATE, [ID, B, A], [(str(i), str(-i), None if i % 2 else f"\\{i}") for i in range(1000)], key_count=1) == (1000, [])
    assert writer.sql("SELECT sum(b), count(a) FROM TABLE_ WHERE id < 1000") == f"{-sum(range(1000))}\t500"
    assert writer.sql("SELECT a FROM TABLE_ WHERE id = 998") == "\\\\998"
    before = int(writer.sql("SHOW GLOBAL STATUS LIKE 'Com_delete'").split()[1])
    assert writer.write(DELETE, [ID], [(str(i),) for i in range(1000, 6000)], key_count=1) == (4000, [])
    assert int(writer.sql("SHOW GLOBAL STATUS LIKE 'Com_delete'").split()[1]) - before <= 6
    assert writer.count() == 1000


def test_the_longest_packet_is_kept_to(make, maria: TlsServer) -> None:  # type: ignore[no-untyped-def]
    packet = int(maria.sql("SELECT @@max_allowed_packet"))
    maria.sql("SET GLOBAL max_allowed_packet = 1048576")
    try:
        writer = make("id int primary key, a longtext")
        rows = [(str(i), chr(97 + i % 26) * 300_000) for i in range(12)]
        assert writer.write(INSERT, [ID, A], rows) == (12, [])
        assert writer.write(UPDATE, [ID, A], [(key, text.upper()) for key, text in rows], key_count=1) == (12, [])
        assert writer.sql("SELECT sum(length(a)) FROM TABLE_") == str(12 * 300_000)
        with pytest.raises(SourceError) as failed:
            writer.write(INSERT, [ID, A], [("99", "x" * 1_048_576)])
        assert failed.value.sqlstate == "54000"
        assert "max_allowed_packet" in failed.value.message
        assert writer.write(INSERT, [ID, A], [("99", "x")]) == (1, [])  # the connection is as good as before
        assert writer.count() == 13
    finally:
        maria.sql(f"SET GLOBAL max_allowed_packet = {packet}")


def test_keys_of_several_columns(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("k1 int, k2 varchar(9) collate utf8mb4_general_ci, a text, primary key (k1, k2)")
    keys = [rel.column("k1", rel.INT4, key="true"), rel.column("k2", rel.TEXT, key="true")]
    assert writer.write(INSERT, [*keys, A], [(str(i), name, "x") for i in range(3) for name in ("a", "b")])[0] == 6
    assert writer.write(UPDATE, [*keys, A], [("1", "a", "one"), ("2", "B", "two"), ("2", "c", "none")], key_count=2)[0] == 2
    assert writer.sql("SELECT k1, k2, a FROM TABLE_ WHERE a <> 'x' ORDER BY 1") == "1\ta\tone\n2\tb\ttwo"
    assert writer.write(DELETE, keys, [("0", "a"), ("0", "b"), ("9", "a")], key_count=2)[0] == 2
    # A key that changes: one that would meet another on the way.
    assert writer.write(UPDATE, [*keys, rel.column("k1", rel.INT4), rel.column("k2", rel.TEXT)], [("2", "b", "7", "z"), ("2", "a", "2", "b")], key_count=2)[0] == 2
    assert writer.sql("SELECT k1, k2 FROM TABLE_ ORDER BY 1, 2") == "1\ta\n1\tb\n2\tb\n7\tz"


def test_a_key_that_names_many_rows_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int, a text")
    writer.write(INSERT, [ID, A], [("1", "x"), ("1", "y"), ("2", "z")])
    for kind, columns, row in ((UPDATE, [ID, A], ("1", "w")), (DELETE, [ID], ("1",))):
        with pytest.raises(SourceError) as failed:
            writer.write(kind, columns, [row], key_count=1)
        assert failed.value.sqlstate == "21000"
    assert writer.sql("SELECT count(*) FROM TABLE_ WHERE a IN ('x', 'y')") == "2"


def test_a_key_that_nobody_declared_is_the_first_column(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int, a text")
    plain = rel.column("id", rel.INT4)
    writer.write(INSERT, [plain, A], [("1", "x"), ("1", "y"), ("2", "z"), ("3", "w")])
    assert writer.write(UPDATE, [plain, A], [("2", "two"), ("3", "three"), ("4", "four")], key_count=1) == (2, [])
    with pytest.raises(SourceError) as failed:  # both rows were read, and each has another value
        writer.write(UPDATE, [plain, A], [("1", "X"), ("1", "Y")], key_count=1)
    assert failed.value.sqlstate == "21000"
    with pytest.raises(SourceError) as failed:
        writer.write(DELETE, [plain], [("2",), ("1",)], key_count=1)
    assert failed.value.sqlstate == "21000"
    with pytest.raises(SourceError) as failed:  # the same where somebody was wrong
        writer.write(UPDATE, [ID, A], [("2", "2"), ("1", "X"), ("1", "Y")], key_count=1)
    assert failed.value.sqlstate == "21000"
    assert writer.sql("SELECT a FROM TABLE_ ORDER BY a") == "three\ntwo\nx\ny"


def test_names_are_quoted(make, maria: TlsServer, database: str) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key")
    maria.sql("CREATE TABLE `a``b;c` (`x``y` int primary key, `select` text)", database)
    writer.name = "a`b;c"
    columns = [rel.column("k", rel.INT4, key="true", column="x`y"), rel.column("select", rel.TEXT)]
    assert writer.write(INSERT, columns, [("1", "a")], returning=columns) == (1, [("1", "a")])
    assert writer.write(UPDATE, columns, [("1", "b")], key_count=1, returning=columns) == (1, [("1", "b")])
    with pytest.raises(SourceError) as failed:
        writer.write(INSERT, [rel.column("no", rel.INT4)], [("1",)])
    assert failed.value.sqlstate == "42703"


# ---- conflicts

def test_conflicts(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key, a varchar(9) unique, b int")
    writer.write(INSERT, [ID, A, B], [("1", "x", "1")])
    with pytest.raises(SourceError) as failed:
        writer.write(INSERT, [ID, A, B], [("2", "y", "2"), ("1", "z", "3")])
    assert failed.value.sqlstate == "23505"
    assert "z" not in failed.value.remote_sql
    assert writer.count() == 1
    assert writer.write(INSERT, [ID, A, B], [("1", "z", "3")], conflict=NOTHING) == (0, [])
    assert writer.write(INSERT, [ID, A, B], [("2", "y", "2"), ("1", "z", "3"), ("3", "x", "3")], conflict=NOTHING) == (1, [])
    assert writer.sql("SELECT * FROM TABLE_ ORDER BY id") == "1\tx\t1\n2\ty\t2"
    with pytest.raises(SourceError) as failed:  # all other errors are errors
        writer.write(INSERT, [ID, A, B], [("1", "x", "1"), ("4", "much too long", "4")], conflict=NOTHING)
    assert failed.value.sqlstate == "22001"
    assert writer.write(INSERT, [ID, A, B], [("1", "x", "10"), ("2", "w", "2"), ("5", "v", "5")], conflict=REPLACE) == (3, [])
    assert writer.sql("SELECT * FROM TABLE_ ORDER BY id") == "1\tx\t10\n2\tw\t2\n5\tv\t5"
    back = writer.write(INSERT, [ID, A, B], [("1", "n", "0"), ("6", "u", "6")], conflict=NOTHING, returning=[A, ID])
    assert back == (1, [("u", "6")])
    back = writer.write(INSERT, [ID, A, B], [("1", "n", "0"), ("7", "t", "7")], conflict=REPLACE, returning=[A, ID])
    assert back == (2, [("n", "1"), ("t", "7")])


# ---- rows that come back

def test_what_the_server_makes_up_comes_back(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key auto_increment, a text default 'def', b int, c int as (b * 2) stored, d datetime default current_timestamp")
    everything = [ID, A, B, rel.column("c", rel.INT4), rel.column("d", rel.TIMESTAMP)]
    rows, written = writer.write(INSERT, [B], [(str(i),) for i in range(100)], returning=everything)
    assert rows == 100
    assert [row[:4] for row in written] == [(str(i + 1), "def", str(i), str(i * 2)) for i in range(100)]
    assert all(row[4] is not None for row in written)
    rows, written = writer.write(UPDATE, [ID, B], [("1", "50"), ("777", "1"), ("2", "1")], key_count=1, returning=everything)
    assert (rows, [row[:4] for row in written]) == (2, [("1", "def", "50", "100"), ("2", "def", "1", "2")])
    rows, written = writer.write(UPDATE, [ID, rel.column("id", rel.INT4)], [("1", "1000")], key_count=1, returning=[ID, B])
    assert (rows, written) == (1, [("1000", "50")])
    rows, written = writer.write(DELETE, [ID], [("1000",), ("3",), ("777",)], key_count=1, returning=[B, ID])
    assert (rows, written) == (2, [("50", "1000"), ("2", "3")])


# ---- transactions

def test_transactions_and_savepoints(make) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key, a text, b int")
    writer.begin()
    writer.write(INSERT, [ID], [("1",)], is_committed=False)
    writer.write(INSERT, [ID], [("2",)], is_committed=False, level=2)
    with pytest.raises(SourceError):
        writer.write(INSERT, [ID], [("3",), ("1",)], is_committed=False, level=3)
    writer.session.finish(ROLLBACK, writer.transaction, 3)
    writer.write(INSERT, [ID], [("4",)], is_committed=False, level=3)
    assert writer.count() == 0  # to others
    mine = rel.scan(writer.name, [ID])
    seen = writer.session.open(mine, transaction=transaction_bytes(writer.transaction, 3)).rows()
    assert sorted(seen) == [(1,), (2,), (4,)]
    writer.session.finish(COMMIT, writer.transaction, 3)
    writer.session.finish(ROLLBACK, writer.transaction, 2)
    writer.write(INSERT, [ID], [("5",)], is_committed=False)
    writer.session.finish(COMMIT, writer.transaction)
    assert writer.sql("SELECT id FROM TABLE_ ORDER BY id") == "1\n5"
    writer.begin()
    writer.write(DELETE, [ID], [("1",), ("5",)], key_count=1, is_committed=False)
    writer.session.finish(ROLLBACK, writer.transaction)
    assert writer.count() == 2


def test_a_table_is_not_altered_between_its_writes(make, maria: TlsServer) -> None:  # type: ignore[no-untyped-def]
    writer = make("id int primary key, a varchar(9), b int")
    writer.write(INSERT, [ID, A], [("1", "abcdefghi")])
    writer.sql("ALTER TABLE TABLE_ MODIFY b bigint, MODIFY a char(20)")  # between transactions
    with pytest.raises(SourceError) as failed:
        writer.write(INSERT, [ID, A], [("2", "blank ")])
    assert failed.value.sqlstate == "22001"
    writer.begin()
    writer.write(INSERT, [ID, A], [("3", "x")], is_committed=False)
    with pytest.raises(Exception, match="(?i)lock wait timeout"):
        writer.sql("SET SESSION lock_wait_timeout = 1; ALTER TABLE TABLE_ MODIFY a varchar(1)")
    writer.session.finish(COMMIT, writer.transaction)
    writer.sql("ALTER TABLE TABLE_ DROP COLUMN b")
    with pytest.raises(SourceError) as failed:
        writer.write(INSERT, [ID, B], [("4", "1")])
    assert failed.value.sqlstate == "42703"
