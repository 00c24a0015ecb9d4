"""instant.arrow in a running server: what it returns, what it holds meanwhile, and how it ends."""
from __future__ import annotations

import datetime
import decimal
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from extension_build import Connection, Database, parts, table

BIG = "SELECT i, i * 2.5::float8 AS f, i::text || '-text' AS t FROM generate_series(1, 5000000) i"


def status_of(connection: Connection, name: str) -> int:
    """A number of /proc/PID/status of the backend, such as VmHWM in kB."""
    text = Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


def memory_of(connection: Connection) -> int:
    """Bytes in all memory contexts of the session."""
    row = connection.execute("SELECT sum(total_bytes) FROM pg_backend_memory_contexts").fetchone()
    assert row is not None
    return int(row[0])


def one(connection: Connection, sql: str, arguments: Any = None) -> Any:
    row = connection.execute(sql, arguments).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def after(seconds: float, action: Any) -> Iterator[None]:
    timer = threading.Timer(seconds, action)
    timer.start()
    try:
        yield
    finally:
        timer.join()


# ---- what it returns ----

def test_values(connection: Connection) -> None:
    read = table(connection, """SELECT instant.arrow($$
        SELECT i, i::text AS t, i % 2 = 0 AS even, i * 1.5::float8 AS f, i::numeric(10, 2) AS n,
               date '2024-01-01' + i AS d, NULL::int AS nothing, ARRAY[i, NULL] AS a
          FROM generate_series(1, 3) i$$)""")
    assert read.to_pylist()[1] == {
        "i": 2, "t": "2", "even": True, "f": 3.0, "n": decimal.Decimal("2.00"),
        "d": datetime.date(2024, 1, 3), "nothing": None, "a": [2, None]}
    assert read.schema.field("n").metadata == {b"postgresql:type": b"numeric(10,2)"}
    assert read.schema.field("t").type == pa.large_utf8()


def test_parameters(connection: Connection) -> None:
    read = table(connection, "SELECT instant.arrow('SELECT $1::int AS a, $2::date AS b, $3 || $4::text AS c, $5 AS d', "
                             "'42', '2024-02-29', 'x', NULL, 7::bigint)")
    assert read.to_pylist() == [{"a": 42, "b": datetime.date(2024, 2, 29), "c": None, "d": 7}]


def test_parameters_of_the_protocol(connection: Connection) -> None:
    read = table(connection, "SELECT instant.arrow(%s, %s::text, %s::text)",
                 ("SELECT $1::timestamptz AS t, $2::jsonb AS j", "2024-01-01 12:00+02", '{"a": 1}'))
    assert read.to_pylist() == [{"t": datetime.datetime(2024, 1, 1, 10, tzinfo=datetime.UTC), "j": '{"a": 1}'}]


@pytest.mark.parametrize("options, check", [
    ('{"numeric": "float64"}', lambda schema: schema.field("n").type == pa.float64()),
    ('{"numeric": "string"}', lambda schema: schema.field("n").type == pa.large_utf8()),
    ('{"text": "utf8"}', lambda schema: schema.field("t").type == pa.utf8()),
    ('{"dictionary": "auto"}', lambda schema: pa.types.is_dictionary(schema.field("t").type)),
    ('{"compression": "lz4"}', lambda schema: True),
    ('{"compression": "zstd", "dictionary": "auto", "batch_rows": 100}', lambda schema: True),
])
def test_options(connection: Connection, options: str, check: Any) -> None:
    query = "SELECT i::numeric(12, 3) AS n, 'text' || i % 5 AS t FROM generate_series(1, 5000) i"
    plain = table(connection, "SELECT instant.arrow(%s)", (query,))
    read = table(connection, "SELECT instant.arrow_with(%s, %s)", (options, query))
    assert check(read.schema)
    assert read.column("t").cast(pa.large_utf8()).to_pylist() == plain.column("t").to_pylist()
    assert [float(n) for n in read.column("n").to_pylist()] == [float(n) for n in plain.column("n").to_pylist()]


def test_batches_double(connection: Connection) -> None:
    rows = parts(connection, """SELECT instant.arrow_with('{"first_batch_rows": 1000, "batch_rows": 8000}',
                                'SELECT generate_series(1, 30000) AS i')""")
    stream = pa.ipc.open_stream(pa.BufferReader(b"".join(rows)))
    assert [batch.num_rows for batch in stream] == [1000, 2000, 4000, 8000, 8000, 7000]


def test_a_batch_a_row(connection: Connection) -> None:
    """Each row after the schema is whole: its dictionaries and its batch."""
    rows = parts(connection, """SELECT instant.arrow_with('{"batch_rows": 500, "dictionary": "auto"}',
                                'SELECT ''t'' || i / 100 AS t FROM generate_series(0, 1999) i')""")
    for count in range(1, len(rows) - 1):
        stream = pa.ipc.open_stream(pa.BufferReader(b"".join(rows[:count + 1])))
        for _ in range(count):
            assert stream.read_next_batch().num_rows == 500


def test_large_values(connection: Connection) -> None:
    read = table(connection, "SELECT instant.arrow('SELECT i, repeat(''x'', i * 10000000) AS t FROM generate_series(1, 5) i')")
    assert [len(text) for text in read.column("t").to_pylist()] == [10000000 * i for i in range(1, 6)]
    assert read.column("t").num_chunks == 4  # 10 + 20, then each alone: 16 MiB are a batch


@pytest.mark.slow
def test_more_than_a_bytea_holds(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="at most 1 GB") as raised:
        connection.execute("SELECT length(instant.arrow('SELECT repeat(''x'', 600000000), repeat(''y'', 600000000)'))")
    assert "batch_bytes" in (raised.value.diag.message_hint or "")
    assert one(connection, "SELECT 1") == 1


def test_wide_and_narrow(connection: Connection) -> None:
    columns = ", ".join(f"{i} AS c{i}" for i in range(1600))
    assert table(connection, "SELECT instant.arrow(%s)", (f"SELECT {columns}",)).num_columns == 1600
    nothing = parts(connection, "SELECT instant.arrow('SELECT FROM generate_series(1, 100000)')")
    assert sum(batch.num_rows for batch in pa.ipc.open_stream(b"".join(nothing))) == 100000


def test_copy(connection: Connection) -> None:
    """What any client of COPY sees: a signature, then rows of one field."""
    with connection.cursor().copy(
            "COPY (SELECT instant.arrow('SELECT generate_series(1, 100000) AS i')) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["bytea"])
        read = pa.ipc.open_stream(pa.BufferReader(b"".join(row[0] for row in copy.rows()))).read_all()
    assert read.column("i").to_pylist() == list(range(1, 100001))


def test_prepared_by_the_client(connection: Connection) -> None:
    for value in range(10):
        rows = connection.execute("SELECT instant.arrow('SELECT $1::int AS v', %s::text)", (str(value),),
                                  prepare=True, binary=True).fetchall()
        read = pa.ipc.open_stream(b"".join(row[0] for row in rows)).read_all()
        assert read.to_pylist() == [{"v": value}]


# ---- what it holds ----

def test_streams_in_bounded_memory(connection: Connection) -> None:
    """5 M rows, 200 MB of Arrow: the backend grows by some batches, not by the result."""
    connection.execute("SELECT instant.arrow('SELECT 1')").fetchall()
    before = status_of(connection, "VmHWM")
    cursor = connection.cursor(binary=True)
    count = size = 0
    for row in cursor.stream("SELECT instant.arrow(%s)", (BIG,)):
        count += 1
        size += len(row[0])
    assert count > 60
    assert size > 150_000_000
    assert status_of(connection, "VmHWM") - before < 30_000


def test_memory_is_given_back(connection: Connection) -> None:
    """2,000 calls, many of which fail or are left early, in one session."""
    connection.execute("CREATE TABLE words AS SELECT i, repeat('word', i % 1000) AS w FROM generate_series(1, 1000) i")
    calls = [
        "SELECT count(*) FROM instant.arrow('SELECT * FROM words WHERE i > $1', 500)",
        "SELECT instant.arrow('SELECT 1 / (i - 900) FROM words')",
        "SELECT count(*) FROM (SELECT instant.arrow_with('{\"batch_rows\": 10}', 'SELECT * FROM words') LIMIT 3) s",
        "SELECT instant.arrow('SELECT no_column FROM words')",
        "SELECT count(*) FROM instant.arrow_with('{\"compression\": \"zstd\", \"dictionary\": \"auto\"}', "
        "'TABLE words')",
        "SELECT instant.arrow('SELECT $1::int', 'no number')",
        "SELECT count(*) FROM instant.arrow('SELECT 1, timestamptz ''now'', ARRAY[1.5], w FROM words')",
        "SELECT instant.arrow_with('{\"unrepresentable\": \"error\"}', 'SELECT date ''infinity'', w FROM words')",
        "DO $$ BEGIN PERFORM instant.arrow('SELECT 1 / (i - 700) FROM words'); "
        "EXCEPTION WHEN division_by_zero THEN NULL; END $$",
    ]

    def run(rounds: int) -> None:
        for _ in range(rounds):
            for call in calls:
                try:
                    connection.execute(call)
                except psycopg.Error as error:
                    assert error.sqlstate in ("22012", "42703", "22P02", "22023", "22008", "0A000"), error

    run(5)
    before, before_peak = memory_of(connection), status_of(connection, "VmHWM")
    run(2000 // len(calls))
    assert memory_of(connection) - before < 64_000
    assert status_of(connection, "VmHWM") - before_peak < 4_000


def test_plans_of_many_texts_are_bounded(connection: Connection) -> None:
    for i in range(100):
        connection.execute(f"SELECT instant.arrow('SELECT {i} FROM pg_class')").fetchall()
    before = memory_of(connection)
    for i in range(100, 700):
        connection.execute(f"SELECT instant.arrow('SELECT {i} FROM pg_class')").fetchall()
    assert memory_of(connection) - before < 200_000


def test_one_thread(connection: Connection) -> None:
    table(connection, "SELECT instant.arrow_with('{\"compression\": \"zstd\"}', 'SELECT generate_series(1, 200000)')")
    assert len(list(Path(f"/proc/{connection.info.backend_pid}/task").iterdir())) == 1


# ---- how it ends ----

@pytest.mark.quiet
@pytest.mark.parametrize("query", [
    "SELECT count(*) FROM generate_series(1, 100000000) i, generate_series(1, 1000) j",
    "SELECT i FROM generate_series(1, 1000) i, generate_series(1, 1000000) j",
    "SELECT pg_sleep(100)",
])
def test_cancel(connection: Connection, query: str) -> None:
    canceled = 0.0

    def cancel() -> None:
        nonlocal canceled
        canceled = time.monotonic()
        connection.cancel()

    with after(0.4, cancel), pytest.raises(psycopg.errors.QueryCanceled):
        for _ in connection.cursor(binary=True).stream("SELECT instant.arrow(%s)", (query,)):
            pass
    assert time.monotonic() - canceled < 0.25
    assert table(connection, "SELECT instant.arrow('SELECT 1 AS i')").to_pylist() == [{"i": 1}]


@pytest.mark.quiet
def test_statement_timeout(connection: Connection) -> None:
    connection.execute("SET statement_timeout = '300ms'")
    begin = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT count(*) FROM instant.arrow('SELECT i FROM generate_series(1, 1000000000) i')")
    assert time.monotonic() - begin < 0.3 + 0.25
    connection.execute("RESET statement_timeout")
    assert table(connection, "SELECT instant.arrow('SELECT 1 AS i')").num_rows == 1


def test_client_that_goes_away(database: Database, connection: Connection) -> None:
    other = database.connect()
    pid = other.info.backend_pid
    stream = other.cursor(binary=True).stream("SELECT instant.arrow(%s)", (BIG,))
    next(iter(stream))
    other.pgconn.finish()
    deadline = time.monotonic() + 10
    while one(connection, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)) > 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_savepoint(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("CREATE TABLE t (i int)")
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("INSERT INTO t VALUES (1)")
            connection.execute("SELECT instant.arrow('SELECT 1 / (100000 - i) FROM generate_series(1, 200000) i')")
        assert table(connection, "SELECT instant.arrow('TABLE t')").num_rows == 0


# ---- parallel plans ----

def make_parallel(connection: Connection) -> None:
    connection.execute("CREATE TABLE big AS SELECT i, i % 100 AS k FROM generate_series(1, 300000) i")
    connection.execute("ALTER TABLE big SET (parallel_workers = 2)")
    for name in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
        connection.execute(f"SET {name} = 0")
    # pg_backend_pid itself is for the leader only.
    connection.execute("""CREATE FUNCTION worker_pid(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE STABLE
                          AS 'BEGIN RETURN pg_backend_pid(); END'""")


PARALLEL = "SELECT worker_pid(i) AS pid, i FROM big"


def test_parallel_plan_is_used(connection: Connection) -> None:
    make_parallel(connection)
    read = table(connection, f"SELECT instant.arrow('{PARALLEL}')")
    assert sorted(read.column("i").to_pylist()) == list(range(1, 300001))
    assert len(set(read.column("pid").to_pylist())) > 1
    with connection.cursor().copy(f"COPY (SELECT instant.arrow('{PARALLEL}')) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["bytea"])
        read = pa.ipc.open_stream(pa.BufferReader(b"".join(row[0] for row in copy.rows()))).read_all()
    assert len(set(read.column("pid").to_pylist())) > 1


@pytest.mark.parametrize("sql", [
    "SELECT instant.arrow('{query}') LIMIT 1000",
    "SELECT a FROM (SELECT instant.arrow('{query}') AS a, nextval('s') OFFSET 0) s",
    "SELECT instant.arrow('{query}'), write()",
    "SELECT * FROM instant.arrow('{query}')",
    "INSERT INTO kept SELECT instant.arrow('{query}') RETURNING a",
    "SELECT * FROM wrapped()",
])
def test_no_parallel_plan_where_others_may_write(connection: Connection, sql: str) -> None:
    """Parallel mode forbids writing, so the query has the statement for itself or no workers."""
    make_parallel(connection)
    connection.execute("CREATE SEQUENCE s")
    connection.execute("CREATE TABLE kept (a bytea)")
    connection.execute("CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO kept VALUES (NULL); SELECT 1'")
    connection.execute(f"CREATE FUNCTION wrapped() RETURNS SETOF bytea LANGUAGE sql AS $$SELECT instant.arrow('{PARALLEL}')$$")
    rows = connection.execute(sql.format(query=PARALLEL), binary=True).fetchall()
    read = pa.ipc.open_stream(pa.BufferReader(b"".join(row[0] for row in rows if row[0] is not None))).read_all()
    assert set(read.column("pid").to_pylist()) == {connection.info.backend_pid}
    assert read.num_rows == 300000


def test_parallel_plan_ends_early(connection: Connection) -> None:
    """After a cancel, an error in a worker, or an end, the session writes as before."""
    make_parallel(connection)
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("SELECT instant.arrow('SELECT 1 / (i - 299999) FROM big')")
    with after(0.3, connection.cancel), pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT instant.arrow('SELECT count(*) FROM big a JOIN big b ON a.i <> b.i')")
    with connection.transaction():
        table(connection, f"SELECT instant.arrow('{PARALLEL}')")
        connection.execute("INSERT INTO big VALUES (0, 0)")
    assert one(connection, "SELECT count(*) FROM big") == 300001
    assert one(connection, "SELECT count(*) FROM pg_stat_activity WHERE leader_pid = pg_backend_pid()") == 0


# ---- plans of another user, of other settings ----

@pytest.mark.parametrize("query", ["SELECT i FROM hidden.numbers", "SELECT hidden_answer() AS i"])
def test_a_kept_plan_gives_nobody_rights(connection: Connection, query: str) -> None:
    """Rights to schemas are checked when a query is analysed, to functions of constants when it is planned."""
    connection.execute("CREATE ROLE outsider; CREATE SCHEMA hidden; CREATE TABLE hidden.numbers AS SELECT 42 AS i;"
                       "GRANT SELECT ON hidden.numbers TO outsider; GRANT USAGE ON SCHEMA public TO outsider;"
                       "CREATE FUNCTION hidden_answer() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 42';"
                       "REVOKE EXECUTE ON FUNCTION hidden_answer() FROM PUBLIC;")
    try:
        for _ in range(2):
            assert table(connection, "SELECT instant.arrow(%s)", [query]).to_pylist() == [{"i": 42}]
            connection.execute("SET ROLE outsider")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT instant.arrow(%s)", [query])
            connection.execute("RESET ROLE")
    finally:
        connection.execute("DROP SCHEMA hidden CASCADE; DROP FUNCTION hidden_answer();"
                           "DROP OWNED BY outsider; DROP ROLE outsider;")


@pytest.mark.parametrize(("setting", "values", "query"), [
    ("bytea_output", {"escape": "A\\377", "hex": "\\x41ff"}, "SELECT '\\x41ff'::bytea::text AS t"),
    ("extra_float_digits", {"-10": "0.33333", "3": "0.3333333333333333"}, "SELECT (1::float8 / 3)::text AS t"),
])
def test_a_kept_plan_follows_settings(connection: Connection, setting: str, values: dict[str, str], query: str) -> None:
    for value, text in values.items():
        connection.execute(f"SET {setting} = '{value}'")
        assert table(connection, "SELECT instant.arrow(%s)", [query]).to_pylist() == [{"t": text}]


def test_a_row_of_too_much_stored_in_little(connection: Connection) -> None:
    """It fails before all its values are in memory."""
    connection.execute("CREATE TABLE packed AS SELECT repeat('x', 100000000) AS t")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="row of more than 1 GB"):
        connection.execute(f"SELECT instant.arrow('SELECT {', '.join(['t'] * 15)} FROM packed')")


# ---- statistics ----

def test_statistics(connection: Connection) -> None:
    table(connection, "SELECT instant.arrow('SELECT date ''infinity'' FROM generate_series(1, 10)')")
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT instant.arrow('SELECT 1 / 0')")
    row = connection.execute("SELECT scope, queries, completed, rows, batches, bytes > 0, unrepresentable "
                             "FROM instant.stats").fetchall()
    assert row == [("session", 2, 1, 10, 1, True, 10)]
