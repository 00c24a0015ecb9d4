"""Both ways a result travels, transfer="copy" and transfer="arrow": equal rows, and no way to lose some.

The server has the extension instant_fdw in a tree of its own. Every query is run both ways, into one table
and as a stream of batches; types, metadata, values and counts must be the same. Then what can go wrong on
the way: a killed backend, a cut connection, a cancel, a time limit. An error each time, never fewer rows.
"""
from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from harness import typezoo
from instant_connector import Error, InstantDataConnector, OperationalError, SyncInstantDataConnector, _native
from scratch_servers import PostgresServer, Scratch, server_tree

NUMERICS = ("float64", "decimal", "string")
# The folder that the tested package was built in has the extension too.
EXTENSION = Path(_native.__file__).resolve().parent.parent.parent / "fdw" / "pg15"


@pytest.fixture(scope="module")
def server(scratch: Scratch) -> Iterator[PostgresServer]:
    made = PostgresServer(scratch, None, server_tree(scratch, EXTENSION))
    made.sql("CREATE EXTENSION instant_fdw; CREATE EXTENSION hstore; CREATE EXTENSION citext;"
             "CREATE DATABASE plain;"
             "CREATE TYPE mood AS ENUM ('sad', 'ok, fine', 'happy');"
             "CREATE TYPE pair AS (a integer, b text);"
             "CREATE DOMAIN price AS numeric(6,2); CREATE DOMAIN prices AS numeric(5,1)[]")
    typezoo.make(made.url())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(server: PostgresServer) -> Iterator[SyncInstantDataConnector]:
    with SyncInstantDataConnector(postgres_config=server.url(), pool_size=4) as made:
        yield made


def shape(schema: pa.Schema) -> list[Any]:
    return [(field.name, str(field.type), field.nullable, field.metadata) for field in schema]


def read(hub: SyncInstantDataConnector, sql: str, params: Any = None, *, batch_rows: int | None = None,
         numeric: str = "decimal", **options: Any) -> tuple[list[Any], list[Any], int]:
    """Types, values and how many were not representable; as one table, or as a stream of batches."""
    lazy = hub.query(sql, params, **options)
    if batch_rows is None:
        table = lazy.to_arrow(numeric=numeric)
    else:
        batches = list(lazy.batches(batch_rows=batch_rows, numeric=numeric))
        assert all(0 < batch.num_rows <= batch_rows for batch in batches)
        if not batches:
            return [], [], lazy.stats["unrepresentable"]
        table = pa.Table.from_batches(batches)
    table.validate(full=True)
    # A NaN is not equal to itself, and 0 is to -0; their texts tell.
    values = [repr(column.to_pylist()) if str(column.type).rstrip(">").endswith(("float", "double"))
              else column.combine_chunks() for column in table.columns]
    return shape(table.schema), values or [table.num_rows], lazy.stats["unrepresentable"]


def check(hub: SyncInstantDataConnector, sql: str, params: Any = None, numerics: tuple[str, ...] = NUMERICS,
          **options: Any) -> None:
    for numeric in numerics:
        for batch_rows in (None, 7):
            ways = [read(hub, sql, params, batch_rows=batch_rows, numeric=numeric, transfer=transfer, **options)
                    for transfer in ("copy", "arrow", "auto")]
            for way in ways[1:]:
                assert way[0] == ways[0][0], sql
                for column, (one, other) in enumerate(zip(ways[0][1], way[1], strict=True)):
                    assert one == other, f"{sql}: column {column} of {numeric}"
                assert way[2] == ways[0][2], sql


# ---- equal rows ----

def test_every_type_of_the_zoo(hub: SyncInstantDataConnector) -> None:
    check(hub, "SELECT * FROM typezoo.everything ORDER BY id")


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
@pytest.mark.parametrize("sql", ["SELECT * FROM typezoo.everything ORDER BY id",
                                 "SELECT i, repeat('x', i % 50) FROM generate_series(1, 9000) i"])
def test_compressed(hub: SyncInstantDataConnector, sql: str, compression: str) -> None:
    plain = read(hub, sql, transfer="copy")
    assert read(hub, sql, transfer="arrow", compression=compression) == plain


VALUES = {
    "numeric": ["0", "-0.0001", "1e-300", "1e300", "NaN", "Infinity", "-Infinity", "0.1", "123456789012345678901234567890.5",
                "9999999999999999999999999999999999999999", "1.10", "1e10"],
    "numeric(38,0)": ["0", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "NaN"],
    "numeric(38,38)": ["0", "0.99999999999999999999999999999999999999", "-0.1"],
    "numeric(3,-2)": ["0", "12300", "-99900"],
    "numeric(2,5)": ["0.00012", "-0.00099"],
    "numeric(1000,500)": ["1", "-1e400", "NaN"],
    "price": ["0", "9999.99", "-0.01", "NaN"],
    "money": ["-92233720368547758.08", "92233720368547758.07", "0.01"],
    "float4": ["NaN", "Infinity", "-Infinity", "1e-45", "3.4028235e38", "-0"],
    "float8": ["NaN", "Infinity", "-Infinity", "5e-324", "1.7976931348623157e308", "-0", "0.1"],
    "date": ["-infinity", "infinity", "4713-01-01 BC", "5874897-12-31", "1970-01-01", "0001-01-01"],
    "timestamp": ["-infinity", "infinity", "4713-01-01 BC", "294276-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"],
    "timestamptz": ["-infinity", "infinity", "4713-01-02 BC", "294276-12-30 23:59:59.999999+00", "2000-01-01 00:00+14"],
    "time": ["24:00:00", "23:59:59.999999", "00:00"],
    "timetz": ["24:00:00+14", "00:00-15:59", "12:30:00.5+02"],
    "interval": ["178000000 years", "-178000000 years", "2147483647 days", "-9223372036854775807 microseconds",
                 "1 mon -1 day 00:00:00.000001", "106751991 days 4 hours"],
    "text": ["", "é", "🙂", "a\tb\nc\\d", "x" * 5000, "'", '"', "NULL", "\u0001"],
    "bytea": ["", "\\x00ff", "\\x" + "ab" * 3000],
    "\"char\"": ["", "a", "\\377"],
    "char(3)": ["", "a", "abc"],
    "citext": ["", "Aa"],
    "hstore": ["", "a=>1", "a=>NULL, b=>\"c d\""],
    "mood": ["sad", "ok, fine", "happy"],
    "pair": ["(1,x)", "(,)", "(2,\"a b\")"],
    "int4range": ["empty", "[1,2)", "(,)"],
    "nummultirange": ["{}", "{[1,2),(3,)}"],
    "jsonb": ["{}", "[1, null]", "\"x\"", "1e3"],
    "inet": ["10.0.0.1", "10.0.0.0/8", "::1/64"], "cidr": ["10.0.0.0/8", "::/0"],
    "bit(3)": ["000", "101"], "varbit": ["", "1"], "point": ["(1,2)", "(NaN,Infinity)"], "box": ["(1,1),(0,0)"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], "pg_lsn": ["0/0", "FFFFFFFF/FFFFFFFF"],
    "xid": ["4294967295"], "xid8": ["18446744073709551615"], "tid": ["(0,1)"], "regclass": ["pg_class"],
    "tsvector": ["", "'a':1 'b'"], "tsquery": ["'a' & 'b'"], "jsonpath": ["$.\"a\""],
    "int2vector": ["", "1 2"], "oidvector": ["", "1 2"], "name": ["", "n"], "prices": ["{}", "{1.5,NULL}"],
    "int8": ["-9223372036854775808", "9223372036854775807"], "oid": ["4294967295"], "bool": ["t", "f"],
}
ARRAYS = ["int4", "int8", "float8", "numeric(10,2)", "text", "date", "timestamptz", "uuid", "mood", "bytea", "inet",
          "bool", "interval", "money", "int4range", "price", "pair", "jsonb"]


@pytest.mark.parametrize("seed", range(6))
def test_random_rows(hub: SyncInstantDataConnector, server: PostgresServer, seed: int) -> None:
    choose = random.Random(seed)
    kinds = list(VALUES)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS random_rows")
        columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(kinds))
        connection.execute(f"CREATE TABLE random_rows (n serial, {columns})")
        with connection.cursor().copy(
                f"COPY random_rows ({', '.join(f'c{i}' for i in range(len(kinds)))}) FROM STDIN") as copy:
            null_share = choose.choice([0.0, 0.1, 0.9])
            for _ in range(choose.choice([1, 8, 300])):
                copy.write_row([None if choose.random() < null_share else choose.choice(VALUES[kind])
                                for kind in kinds])
    check(hub, "SELECT * FROM random_rows ORDER BY n")


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays(hub: SyncInstantDataConnector, server: PostgresServer, kind: str) -> None:
    choose = random.Random(kind)
    values = VALUES.get(kind) or VALUES["numeric(38,0)"]
    simple = {"int4": ["1", "-5"], "numeric(10,2)": ["1.50", "NaN"], "interval": ["1 day"], "date": ["2013-01-01"]}
    values = simple.get(kind, values)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS arrays")
        connection.execute(f"CREATE TABLE arrays (n serial, flat {kind}[], deep {kind}[][])")
        for _ in range(40):
            flat = [None if choose.random() < 0.2 else choose.choice(values) for _ in range(choose.randint(0, 5))]
            width = choose.randint(1, 3)
            deep = [[choose.choice([None, *values]) for _ in range(width)] for _ in range(choose.randint(1, 3))]
            connection.execute(f"INSERT INTO arrays (flat, deep) VALUES (%s::text[]::{kind}[], %s::text[]::{kind}[])",
                               [choose.choice([flat, None]), choose.choice([deep, None])])
    check(hub, "SELECT * FROM arrays ORDER BY n")


@pytest.mark.parametrize("sql", [
    "SELECT 1 AS a, 2 AS a, 3 AS \"A b\"",
    "SELECT",
    "SELECT FROM generate_series(1, 20)",
    "SELECT 1 AS x, 'y'::text AS z WHERE false",
    "VALUES (1, 'a'), (2, NULL)",
    "TABLE typezoo.everything",
    "WITH q AS (SELECT i FROM generate_series(1, 50) i) SELECT sum(i), count(*) FROM q -- a comment",
    "(SELECT 1) UNION ALL (SELECT 2);",
    "SELECT " + ", ".join(f"{i} AS c{i}" if i % 2 else f"NULL::int4range AS c{i}" for i in range(1600)),
    "SELECT id FROM typezoo.everything ORDER BY id FOR UPDATE",
    "SELECT pg_typeof(1.5), NULL, 'unknown', now() IS NULL, row(1, 'x')",
    "SELECT repeat('x', 3000000) || i FROM generate_series(1, 20) i",
])
def test_statements(hub: SyncInstantDataConnector, sql: str) -> None:
    check(hub, sql, numerics=("decimal",))


@pytest.mark.parametrize(("sql", "params"), [
    ("SELECT * FROM typezoo.everything WHERE id = $1", [7]),
    ("SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d", [1.5, "text", None, b"\x00\xff"]),
    ("SELECT id FROM typezoo.everything WHERE c_date = $1 AND c_uuid IS NOT NULL ORDER BY id", ["2013-01-01"]),
    ("SELECT id FROM typezoo.everything WHERE id = ANY ($1) ORDER BY id", [[1, 2, 3]]),
    ("SELECT i FROM generate_series(1, $1) i LIMIT $2", [5000, 4000]),
])
def test_parameters(hub: SyncInstantDataConnector, sql: str, params: list[Any]) -> None:
    check(hub, sql, params, numerics=("decimal",))


def test_what_the_extension_refuses_still_runs(hub: SyncInstantDataConnector, server: PostgresServer) -> None:
    server.sql("CREATE TABLE written (a integer)")
    for turn in range(1, 4):
        assert hub.query("INSERT INTO written VALUES (1) RETURNING a", transfer="arrow").to_arrow().num_rows == 1
        assert hub.query("WITH q AS (INSERT INTO written VALUES (2) RETURNING a) SELECT a FROM q",
                         transfer="arrow").to_arrow().to_pydict() == {"a": [2]}
        assert server.sql("SELECT count(*) FROM written") == str(2 * turn)
    hub.query("SELECT 5 AS a INTO made_by_select", transfer="arrow").to_arrow()
    assert server.sql("SELECT a FROM made_by_select") == "5"
    assert hub.query("EXPLAIN SELECT 1", transfer="arrow").to_arrow().num_rows == 1


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FROM nowhere", "SELECT 1; SELECT 2", "SELECT nothing(1)",
                                 "SELECT $1", "", "SELECT 1/0", "SELECT 'x'::int",
                                 "SELECT 1 / (i - 5000) FROM generate_series(1, 20000) i"])
def test_errors_are_the_same(hub: SyncInstantDataConnector, sql: str) -> None:
    said = []
    for transfer in ("copy", "arrow"):
        with pytest.raises(Error) as caught:
            hub.query(sql, transfer=transfer).to_arrow()
        said.append((type(caught.value), caught.value.sqlstate, str(caught.value)))
    assert said[0] == said[1]


def test_unrepresentable_as_an_error(hub: SyncInstantDataConnector) -> None:
    for transfer in ("copy", "arrow"):
        with pytest.raises(Error):
            hub.query("SELECT 'infinity'::date", transfer=transfer, unrepresentable="error").to_arrow()


def test_dictionary(hub: SyncInstantDataConnector) -> None:
    sql = "SELECT i, 'level ' || i % 5 AS level, 'row ' || i AS other FROM generate_series(1, 30000) i"
    plain = hub.query(sql, transfer="copy").to_arrow()
    coded = hub.query(sql, dictionary="auto").to_arrow()
    assert pa.types.is_dictionary(coded.schema.field("level").type)
    assert not pa.types.is_dictionary(coded.schema.field("other").type)
    assert coded.to_pydict() == plain.to_pydict()
    batches = list(hub.query(sql, dictionary="auto").batches(batch_rows=1000))
    assert sum((batch.column(1).to_pylist() for batch in batches), []) == plain.column(1).to_pylist()


def test_first_batch_is_small(hub: SyncInstantDataConnector) -> None:
    batches = list(hub.query("SELECT i FROM generate_series(1, 200000) i", transfer="arrow").batches())
    assert batches[0].num_rows == 1024
    assert max(batch.num_rows for batch in batches) <= 65536
    assert sum(batch.num_rows for batch in batches) == 200000


@pytest.mark.parametrize("transfer", ["copy", "arrow", "auto"])
def test_types_that_change_between_runs(server: PostgresServer, transfer: str) -> None:
    """What the server does not count as another type: labels and the depth of arrays."""
    server.sql("CREATE TYPE level AS ENUM ('a', 'c'); CREATE TABLE changing (v level, w level[], d int[]);"
               "INSERT INTO changing VALUES ('a', '{a}', '{1}')")
    queries = ["SELECT v, w FROM changing ORDER BY v", "SELECT v, w FROM changing ORDER BY v LIMIT 9"]

    with SyncInstantDataConnector(postgres_config=server.url(), pool_size=1) as hub:
        try:
            for ddl, labels in (("SELECT", ["a"]), ("ALTER TYPE level ADD VALUE 'b' BEFORE 'c'", ["a", "b"]),
                                ("ALTER TYPE level RENAME VALUE 'a' TO 'z'", ["z", "b"])):
                server.sql(ddl)
                if labels[-1] == "b" and labels[0] == "a":
                    server.sql("INSERT INTO changing VALUES ('b', '{b,NULL}', '{1}')")
                for sql in queries * 3:
                    table = hub.query(sql, transfer=transfer).to_arrow()
                    assert table.column(0).to_pylist() == labels
                    assert table.column(1).to_pylist() == [labels[:1], ["b", None]][:len(labels)]
            sql = "SELECT d FROM changing LIMIT 1"
            for _ in range(3):
                assert hub.query(sql, transfer=transfer).to_arrow().column(0).to_pylist() == [[1]]
            server.sql("ALTER TABLE changing ALTER d TYPE int[][]; UPDATE changing SET d = '{{1},{2}}'")
            # A description from before may cost one run, never more and never other values.
            with contextlib.suppress(Error):
                hub.query(sql, transfer=transfer).to_arrow()
            for _ in range(3):
                assert hub.query(sql, transfer=transfer).to_arrow().column(0).to_pylist() == [[[1], [2]]]
        finally:
            server.sql("DROP TABLE changing; DROP TYPE level")


# ---- which way ----

def test_without_the_extension(server: PostgresServer) -> None:
    with SyncInstantDataConnector(postgres_config=server.url("plain")) as plain:
        assert plain.query("SELECT 1 AS a").to_arrow().num_rows == 1
        with pytest.raises(Error, match="no extension") as caught:
            plain.query("SELECT 1 AS a", transfer="arrow").to_arrow()
        assert "CREATE EXTENSION" in str(caught.value.hint)
        server.sql("CREATE EXTENSION instant_fdw", "plain")
    with SyncInstantDataConnector(postgres_config=server.url("plain")) as plain:
        plain.query("SELECT 1 AS a", transfer="arrow").to_arrow()
        server.sql("UPDATE pg_extension SET extversion = '9.9' WHERE extname = 'instant_fdw'", "plain")
    with SyncInstantDataConnector(postgres_config=server.url("plain")) as plain:
        assert plain.query("SELECT 1 AS a").to_arrow().num_rows == 1
        with pytest.raises(Error, match="version"):
            plain.query("SELECT 1 AS a", transfer="arrow").to_arrow()
        server.sql("UPDATE pg_extension SET extversion = '0.3.0' WHERE extname = 'instant_fdw';"
                   "REVOKE USAGE ON SCHEMA instant FROM PUBLIC; CREATE ROLE nobody LOGIN PASSWORD 'n'", "plain")
    with SyncInstantDataConnector(postgres_config=server.url("plain", "nobody", "n")) as plain:
        assert plain.query("SELECT 1 AS a").to_arrow().num_rows == 1
        with pytest.raises(Error, match="may not execute"):
            plain.query("SELECT 1 AS a", transfer="arrow").to_arrow()


def test_extension_that_goes_away(server: PostgresServer) -> None:
    server.sql("CREATE DATABASE going")
    server.sql("CREATE EXTENSION instant_fdw", "going")
    with SyncInstantDataConnector(postgres_config=server.url("going"), pool_size=1) as hub:
        for turn in range(6):
            if turn == 2:
                server.sql("DROP EXTENSION instant_fdw", "going")
            if turn == 4:
                server.sql("CREATE EXTENSION instant_fdw", "going")
            for rows in (3, 5000):
                sql = f"SELECT i FROM generate_series(1, {rows}) i"
                assert hub.query(sql).to_arrow().num_rows == rows


# ---- what goes wrong ----

# In the target list: a function in FROM is run to its end first.
LONG = "SELECT generate_series(1, 100000000) AS i, md5(random()::text) AS t"


def backends(server: PostgresServer) -> list[str]:
    return server.sql("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                      " AND (query LIKE '%generate_series(1, 100000000)%' OR query LIKE '%instant.arrow_with(%')").split()


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("transfer", ["copy", "arrow"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_killed_backend(server: PostgresServer, transfer: str, is_stream: bool) -> None:
    def kill() -> None:
        wait_for(lambda: backends(server))
        time.sleep(0.2)
        server.sql(f"SELECT pg_terminate_backend({backends(server)[0]})")

    with SyncInstantDataConnector(postgres_config=server.url(), pool_size=1) as hub:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(OperationalError):
            lazy = hub.query(LONG, transfer=transfer, timeout=20)
            if is_stream:
                for _ in lazy.batches():
                    pass
            else:
                lazy.to_arrow()
        killer.join()
        assert hub.query("SELECT 1 AS a", transfer=transfer).to_arrow().num_rows == 1


@pytest.mark.parametrize("transfer", ["copy", "arrow"])
def test_cancel(server: PostgresServer, transfer: str) -> None:
    async def run() -> float:
        async with InstantDataConnector(postgres_config=server.url(), pool_size=1) as hub:
            task = asyncio.create_task(hub.query(LONG, transfer=transfer, timeout=20).to_arrow())
            await asyncio.to_thread(wait_for, lambda: backends(server))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            took = time.monotonic() - started
            assert (await hub.query("SELECT 1 AS a", transfer=transfer).to_arrow()).num_rows == 1
            return took

    assert asyncio.run(run()) < 0.25 + 0.5  # the second half is for a busy machine
    wait_for(lambda: not backends(server))


# Nothing comes for a long time, the schema neither: the wait is one for the query to open.
SLOW = "SELECT i, pg_sleep(30) FROM generate_series(1, 100000000) i"


@pytest.mark.parametrize("options", [{"transfer": "copy"}, {"transfer": "arrow"}, {"dictionary": "auto"}],
                         ids=["copy", "arrow", "dictionary"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_cancel_before_the_first_row(server: PostgresServer, options: Any, is_stream: bool) -> None:
    async def read_stream(hub: InstantDataConnector) -> None:
        async for _ in hub.query(SLOW, **options).batches():
            pass

    async def run() -> float:
        async with InstantDataConnector(postgres_config=server.url(), pool_size=1) as hub:
            task: asyncio.Future[Any] = asyncio.ensure_future(
                read_stream(hub) if is_stream else hub.query(SLOW, **options).to_arrow())
            await asyncio.to_thread(wait_for, lambda: backends(server))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            took = time.monotonic() - started
            assert (await hub.query("SELECT 1 AS a", **options).to_arrow()).num_rows == 1
            return took

    assert asyncio.run(run()) < 0.25 + 0.5  # the second half is for a busy machine
    wait_for(lambda: not backends(server))


@pytest.mark.parametrize("transfer", ["copy", "arrow"])
def test_interrupt_before_the_first_row(server: PostgresServer, transfer: str) -> None:
    interrupted = []

    def interrupt() -> None:
        wait_for(lambda: backends(server))
        time.sleep(0.1)
        interrupted.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with SyncInstantDataConnector(postgres_config=server.url(), pool_size=1) as hub:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            hub.query(SLOW, transfer=transfer).to_arrow()
        assert time.monotonic() - interrupted[0] < 0.25 + 0.5
        thread.join()
        wait_for(lambda: not backends(server))
        assert hub.query("SELECT 1 AS a", transfer=transfer).to_arrow().num_rows == 1


@pytest.mark.parametrize("transfer", ["copy", "arrow"])
@pytest.mark.parametrize("sql", [LONG, "SELECT pg_sleep(10) FROM generate_series(1, 100000000)"])
def test_time_limit(hub: SyncInstantDataConnector, server: PostgresServer, transfer: str, sql: str) -> None:
    started = time.monotonic()
    with pytest.raises(Error, match="300 ms"):
        hub.query(sql, transfer=transfer, timeout=0.3).to_arrow()
    assert time.monotonic() - started < 2
    wait_for(lambda: not backends(server))
    assert hub.query("SELECT 1 AS a", transfer=transfer).to_arrow().num_rows == 1


class CutAfter:
    """A TCP proxy that ends every connection, in the middle, after so many bytes from the server."""

    def __init__(self, port: int) -> None:
        self.limit: int | None = None
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(upstream, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_counted: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_counted and self.limit is not None:
                    data = data[:max(0, self.limit - passed)]
                    passed += len(data)
                target.sendall(data)
                if is_counted and self.limit is not None and passed >= self.limit:
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("transfer", ["copy", "arrow"])
def test_cut_connection(server: PostgresServer, transfer: str) -> None:
    """Wherever the connection ends, what was read is an error or all of it."""
    choose = random.Random(4)
    proxy = CutAfter(server.port)
    sql = "SELECT i, md5(i::text) AS t FROM generate_series(1, 30000) i"
    whole = 0
    try:
        for turn in range(40):
            # The last bytes of all are the end of the stream, the command's end, and that the server is idle.
            proxy.limit = choose.randint(600, 2_000_000) if turn else None
            url = server.url().replace(f":{server.port}/", f":{proxy.port}/")
            with SyncInstantDataConnector(postgres_config=url, pool_size=1, connect_timeout=5) as hub:
                try:
                    lazy = hub.query(sql, transfer=transfer)
                    rows = (sum(batch.num_rows for batch in lazy.batches()) if turn % 2
                            else lazy.to_arrow().num_rows)
                except Error:
                    continue
                assert rows == 30000
                whole += 1
    finally:
        proxy.close()
    assert 1 <= whole < 40


@pytest.mark.parametrize("transfer", ["copy", "arrow", "auto"])
def test_nothing_leaks(server: PostgresServer, transfer: str) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def turn(source: SyncInstantDataConnector, number: int) -> None:
        source.query("SELECT i, i::text AS t FROM generate_series(1, 2000) i", transfer=transfer).to_arrow()
        if number % 4 == 0:
            batches: Any = source.query(LONG, transfer=transfer).batches(batch_rows=500)
            with contextlib.closing(batches):
                next(batches)
        if number % 4 == 1:
            with contextlib.suppress(Error):
                source.query("SELECT 1 / (i - 1500) FROM generate_series(1, 2000) i", transfer=transfer).to_arrow()

    with SyncInstantDataConnector(postgres_config=server.url(), pool_size=2) as hub:
        for number in range(200):
            turn(hub, number)
        gc.collect()
        files, memory = len(os.listdir("/proc/self/fd")), resident()
        for number in range(1000):
            turn(hub, number)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= files
        assert resident() - memory < 16 * 1024 * 1024


# ---- once ----

STATES = ["0A000", "22023", "26000", "3F000", "42601", "42883", "42P01", "54023", "P0001"]


@pytest.mark.parametrize("options", [{"transfer": "copy"}, {"transfer": "arrow"}, {"transfer": "auto"},
                                     {"dictionary": "auto"}], ids=["copy", "arrow", "auto", "dictionary"])
def test_no_statement_runs_twice(server: PostgresServer, options: Any) -> None:
    """Whatever a function of the user raises before its first row, its statement is not tried another way."""
    server.sql("CREATE SEQUENCE IF NOT EXISTS runs; CREATE TABLE IF NOT EXISTS run_rows (a int, r int4range);"
               "CREATE OR REPLACE FUNCTION note(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
               " PERFORM nextval('runs'); INSERT INTO run_rows VALUES (1);"
               " IF state <> '' THEN RAISE EXCEPTION 'raised' USING ERRCODE = state; END IF; RETURN 1; END $$;"
               "CREATE OR REPLACE FUNCTION note_range(state text) RETURNS int4range LANGUAGE sql AS"
               " 'SELECT int4range(note(state), 5)'")
    statements = ["SELECT note({})", "SELECT note({}), '[1,2)'::int4range", "SELECT note_range({})",
                  "WITH q AS (SELECT note({}) AS a) SELECT a, 'x' FROM q LIMIT 5",
                  "WITH q AS (INSERT INTO run_rows VALUES (note({})) RETURNING a) SELECT a, '[1,2)'::int4range FROM q",
                  "INSERT INTO run_rows VALUES (note({})) RETURNING a, r", "SELECT note({}) FOR UPDATE",
                  "VALUES (note({}), '[1,2)'::int4range)", "SELECT note({}) INTO TEMP made_once"]

    def number(sql: str) -> int:
        row = observer.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    def runs() -> int:
        return number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM runs")

    with (SyncInstantDataConnector(postgres_config=server.url(), pool_size=1) as hub,
          psycopg.connect(server.url(), autocommit=True) as observer):
        for statement in statements:
            for state in STATES:
                for sql, params in ((statement.format(f"'{state}'"), None),
                                    (statement.format("$1"), [state])):
                    if params and "INTO TEMP" in sql:
                        continue
                    for _ in range(3):
                        before = runs()
                        with pytest.raises(Error) as caught:
                            hub.query(sql, params, **options).to_arrow()
                        assert caught.value.sqlstate == state, sql
                        assert runs() == before + 1, f"{sql} {params} {state}"
            for _ in range(5):
                sql = statement.format("''")
                before, rows = runs(), number("SELECT count(*) FROM run_rows")
                hub.query(sql, **options).to_arrow()
                assert runs() == before + 1, sql
                assert number("SELECT count(*) FROM run_rows") == rows + 1 + ("INSERT" in sql)
        # Errors of the server's own functions have no function of the user around them.
        for sql in ("SELECT nextval('runs'), generate_series(1, 2, 0)",
                    "SELECT nextval('runs'), '[1,2)'::int4range, generate_series(1, 2, 0)"):
            before = runs()
            with pytest.raises(Error):
                hub.query(sql, **options).to_arrow()
            assert runs() <= before + 1, sql
