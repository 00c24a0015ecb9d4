"""Tables loaded in partitions: exactly the rows of one query, of one moment, or an error.

Everything runs in a database with the extension instant_fdw and in one without it. The whole load is what
partitions are compared with; NULLs, NaN, infinities and odd names stand where ranges are cut. A writer that
keeps a sum constant shows whether all connections see one snapshot.
"""
from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from harness import typezoo
from instant_connector import Error, InstantDataConnector, OperationalError, SyncInstantDataConnector, _native
from scratch_servers import PostgresServer, Scratch, Server, server_tree

# The folder that the tested package was built in has the extension too.
EXTENSION = Path(_native.__file__).resolve().parent.parent.parent / "fdw" / "pg15"

TABLES = """
CREATE EXTENSION postgres_fdw;
CREATE TABLE big AS SELECT i AS id, i % 1000 AS k, md5(i::text) AS t, (i * 0.01)::numeric(12,2) AS amount,
    timestamptz '2020-01-01 UTC' + i * interval '1 minute' AS at, date '2000-01-01' + i % 9000 AS day
    FROM generate_series(1, 20000) i;
CREATE TABLE nothing (LIKE big);
CREATE TABLE one AS SELECT * FROM big LIMIT 1;
CREATE TABLE page AS SELECT * FROM big LIMIT 20;
CREATE UNLOGGED TABLE unlogged AS SELECT * FROM big LIMIT 5000;
CREATE TABLE nulls (id integer, f float8, g float4, n numeric, d date, ts timestamp, tz timestamptz, small smallint);
INSERT INTO nulls SELECT i, i * 0.1, i * 0.1, i * 0.1, date '2020-01-01' + i, timestamp '2020-01-01' + i * interval '7 s',
    timestamptz '2020-01-01 UTC' + i * interval '7 s', i % 30000 FROM generate_series(1, 3000) i;
INSERT INTO nulls SELECT -i FROM generate_series(1, 50) i;
INSERT INTO nulls SELECT 1e6 + i, v::float8, v::float4, v::numeric FROM generate_series(1, 20) i,
    (VALUES ('NaN'), ('Infinity'), ('-Infinity')) AS s(v);
INSERT INTO nulls (id, d, ts, tz) SELECT 2e6 + i, v::date, v::timestamp, v::timestamptz FROM generate_series(1, 20) i,
    (VALUES ('infinity'), ('-infinity'), ('0001-01-01')) AS s(v);
CREATE TABLE extreme AS SELECT v AS id FROM (VALUES ('-9223372036854775808'::int8), (9223372036854775807), (0)) AS s(v);
CREATE TABLE only_nan AS SELECT 'NaN'::float8 AS id FROM generate_series(1, 10);
CREATE TABLE same AS SELECT 7 AS id FROM generate_series(1, 5000);
CREATE TABLE parted (id integer, t text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (2000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2000) TO (30000);
CREATE TABLE parted_3 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i, md5(i::text) FROM generate_series(1, 40000) i;
INSERT INTO parted VALUES (NULL, 'null');
CREATE TABLE parent (id integer, t text);
CREATE TABLE child (more integer) INHERITS (parent);
CREATE TABLE grandchild () INHERITS (child);
INSERT INTO parent SELECT i, 'parent' FROM generate_series(1, 3000) i;
INSERT INTO child SELECT i, 'child', 1 FROM generate_series(1, 50) i;
INSERT INTO grandchild SELECT i, 'grandchild', 2 FROM generate_series(1, 20000) i;
CREATE MATERIALIZED VIEW materialized AS SELECT * FROM big WHERE k < 100;
CREATE VIEW seen AS SELECT id, k, t FROM big;
CREATE TABLE generated (id integer, dropped text, twice integer GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO generated SELECT i, 'x' FROM generate_series(1, 9000) i;
ALTER TABLE generated DROP COLUMN dropped;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE "Odd ""Table""%s" ("Größe ""n"" %d" integer, "select" positive, "Id" bigint);
INSERT INTO "Odd ""Table""%s" SELECT i % 10, i, -i FROM generate_series(1, 3000) i;
CREATE TABLE holes AS SELECT i AS id, repeat('x', 500) AS t FROM generate_series(1, 20000) i;
DELETE FROM holes WHERE id % 3 = 0 OR id BETWEEN 4000 AND 9000 OR id > 18000;
VACUUM holes;
"""


@pytest.fixture(scope="module")
def server(scratch: Scratch) -> Iterator[PostgresServer]:
    made = PostgresServer(scratch, {"search_path": "public"}, server_tree(scratch, EXTENSION))
    for database in ("arrow", "plain"):
        made.sql(f"CREATE DATABASE {database}")
        for statement in TABLES.split(";\n"):
            made.sql(statement, database)
        typezoo.make(made.url(database))
        made.sql(f"""
            CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname '{database}', host '127.0.0.1',
                port '{made.port}');
            CREATE USER MAPPING FOR PUBLIC SERVER itself OPTIONS (user 'instant', password '{made.password}');
            CREATE FOREIGN TABLE far (id integer, k integer, t text, amount numeric(12,2), at timestamptz, day date)
                SERVER itself OPTIONS (table_name 'big');
            CREATE FOREIGN TABLE far_nulls (id integer, f float8, g float4, n numeric, d date, ts timestamp,
                tz timestamptz, small smallint) SERVER itself OPTIONS (table_name 'nulls');
            CREATE TABLE mixed (LIKE big);
            CREATE FOREIGN TABLE mixed_far () INHERITS (mixed) SERVER itself OPTIONS (table_name 'big')""", database)
    made.sql("CREATE EXTENSION instant_fdw", "arrow")
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["arrow", "plain"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def hub(server: PostgresServer, database: str) -> Iterator[SyncInstantDataConnector]:
    with SyncInstantDataConnector(postgres_config=server.url(database), pool_size=4) as made:
        yield made
        assert not in_transaction(server, database)


def in_transaction(server: PostgresServer, database: str) -> str:
    return server.sql("SELECT state, query FROM pg_stat_activity WHERE xact_start IS NOT NULL"
                      f" AND pid <> pg_backend_pid() AND datname = '{database}' AND backend_type = 'client backend'"
                      " AND application_name NOT LIKE 'postgres_fdw%'")


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.chunked_array([pa.array(map(repr, column.to_pylist()), pa.large_string())])


def counted(table: pa.Table) -> collections.Counter[str]:
    """The rows with their numbers, as texts, since a NaN is not equal to itself."""
    columns = [texts(column) for column in table.columns]
    return collections.Counter(pc.binary_join_element_wise(
        *columns, pa.scalar("|", pa.large_string()), null_handling="replace", null_replacement="NULL").to_pylist())


def check(hub: Any, table: str, partitions: int, on: str | None = None, **request: Any) -> None:
    whole = hub.table(table, **request).to_arrow()
    lazy = hub.table(table, partitions=partitions, partition_on=on, **request)
    parts = lazy.to_arrow()
    parts.validate(full=True)
    assert parts.schema.equals(whole.schema, check_metadata=True)
    assert counted(parts) == counted(whole)
    assert lazy.stats["rows"] == whole.num_rows
    batches = list(hub.table(table, partitions=partitions, partition_on=on, **request).batches(batch_rows=1000))
    assert all(0 < batch.num_rows <= 1000 for batch in batches)
    if batches:
        assert counted(pa.Table.from_batches(batches)) == counted(whole)


# ---- every row once ----

@pytest.mark.parametrize("partitions", [2, 5, 64])
@pytest.mark.parametrize("table", ["big", "nothing", "one", "page", "unlogged", "nulls", "parted", "parent", "child",
                                   "materialized", "generated", 'Odd "Table"%s', "holes", "typezoo.everything"])
def test_by_pages(hub: Any, table: str, partitions: int) -> None:
    check(hub, table, partitions)


@pytest.mark.parametrize("partitions", [2, 7])
@pytest.mark.parametrize(("table", "on"), [
    ("big", "id"), ("big", "k"), ("big", "amount"), ("big", "at"), ("big", "day"), ("nothing", "id"), ("one", "id"),
    ("nulls", "id"), ("nulls", "f"), ("nulls", "g"), ("nulls", "n"), ("nulls", "d"), ("nulls", "ts"), ("nulls", "tz"),
    ("nulls", "small"), ("extreme", "id"), ("only_nan", "id"), ("same", "id"), ("parted", "id"), ("parent", "id"),
    ("materialized", "id"), ("seen", "id"), ("generated", "twice"), ('Odd "Table"%s', 'Größe "n" %d'),
    ('Odd "Table"%s', "select"), ('Odd "Table"%s', "Id"), ("far", "id"), ("far", "day"), ("far", "at"),
    ("far_nulls", "f"), ("far_nulls", "n"), ("far_nulls", "d"), ("far_nulls", "tz"), ("mixed", "id"),
    ("typezoo.everything", "c_int8"), ("typezoo.everything", "c_float8"), ("typezoo.everything", "c_numeric"),
    ("typezoo.everything", "c_decimal"), ("typezoo.everything", "c_date"), ("typezoo.everything", 'Größe "n" a b')])
def test_by_a_column(hub: Any, table: str, on: str, partitions: int) -> None:
    check(hub, table, partitions, on)


def test_with_filters_and_columns(hub: Any) -> None:
    for on in (None, "id", "at"):
        check(hub, "big", 3, on, filters={"k": [1, 2, None, 999]}, columns=["t", "id"])
        check(hub, "big", 3, on, filters={"id": {"gt": 1000}, "t": {"like": "a%"}}, columns=["amount"])
        check(hub, "big", 3, on, filters={"id": -1})


def test_types_as_of_the_whole(hub: Any) -> None:
    for transfer in ("auto", "copy"):
        for numeric in ("float64", "decimal", "string"):
            for compression in ("none", "lz4"):
                check(hub, "typezoo.everything", 4, transfer=transfer, numeric=numeric, compression=compression)
    whole, parts = (hub.table("typezoo.everything", columns=["id", "c_text", "c_decimal", "c_timestamptz"], **more)
                    .to_pandas().sort_values("id", ignore_index=True) for more in ({}, {"partitions": 3}))
    assert whole.dtypes.equals(parts.dtypes) and whole.equals(parts)
    check(hub, "big", 3, dictionary="off")
    coded = hub.table("big", partitions=3, dictionary="auto", columns=["id", "k", "t"]).to_arrow()
    assert counted(coded) == counted(hub.table("big", columns=["id", "k", "t"]).to_arrow())


def test_ranges_are_even_despite_infinities(hub: Any) -> None:
    """A NaN or an infinity does not pull all rows into one range."""
    for on in ("f", "n"):
        batches = list(hub.table("nulls", partitions=4, partition_on=on, partition_order=True,
                                 columns=["id"]).batches())
        assert len(batches) >= 4


def test_order(hub: Any) -> None:
    for on in (None, "id"):
        for _ in range(3):
            lazy = hub.table("big", partitions=4, partition_on=on, partition_order=True)
            ids = [number for batch in lazy.batches(batch_rows=500) for number in batch.column("id").to_pylist()]
            assert ids == list(range(1, 20001))
    assert hub.table("big", partitions=4, partition_order=True).to_arrow().column("id").to_pylist() == ids


def test_refused(hub: Any) -> None:
    for table, more, message in (
            ("seen", {}, "view"), ("far", {}, "foreign"), ("mixed", {}, "foreign"),
            ("big", {"limit": 5}, "limit"), ("big", {"order_by": ["id"]}, "order_by"),
            ("big", {"partition_on": "t"}, "no ranges"), ("big", {"partition_on": "nosuch"}, "nosuch"),
            ("far_nulls", {"partition_on": "g"}, "no ranges"), ("typezoo.everything", {"partition_on": "c_money"}, "ranges")):
        with pytest.raises(Error, match=message):
            hub.table(table, partitions=2, **more).to_arrow()
    with pytest.raises(Error, match="not a query"):
        hub.query("SELECT 1", partitions=2).to_arrow()


def test_temporary_table(hub: Any) -> None:
    hub.query("CREATE TEMP TABLE fleeting AS SELECT 1 AS a").to_arrow()
    with pytest.raises(Error, match="does not exist"):
        hub.table("fleeting", partitions=2).to_arrow()


# ---- one moment ----

def writer(server: PostgresServer, database: str, stop: threading.Event, moves: list[int]) -> None:
    """Rows move between pages and ranges, come and go; the sum stays."""
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        step = 0
        while not stop.is_set():
            step += 1
            with connection.transaction():
                connection.execute("UPDATE account SET amount = amount + 1, id = 20001 - id"
                                   " WHERE id BETWEEN %s AND %s", (step % 200, step % 200 + 40))
                connection.execute("UPDATE account SET amount = amount - 1, id = 20001 - id"
                                   " WHERE id BETWEEN %s AND %s AND id <= 10000", (step % 200 + 5000, step % 200 + 5010))
                connection.execute("INSERT INTO account SELECT 0, 500000 - sum(amount) FROM account")
                if step % 5 == 0:
                    connection.execute("DELETE FROM account WHERE id = 0")
                    connection.execute("INSERT INTO account SELECT 0, 500000 - sum(amount) FROM account")
            if step % 10 == 0:
                connection.execute("VACUUM account")
        moves.append(step)


@pytest.mark.parametrize("on", [None, "id"])
def test_one_snapshot(server: PostgresServer, hub: Any, database: str, on: str | None) -> None:
    server.sql("DROP TABLE IF EXISTS account; CREATE TABLE account (id integer, amount bigint, filler text);"
               "INSERT INTO account SELECT i, 50, repeat('x', 100) FROM generate_series(1, 10000) i;"
               "CREATE INDEX ON account (id)", database)
    stop = threading.Event()
    moves: list[Any] = []
    thread = threading.Thread(target=writer, args=(server, database, stop, moves))
    thread.start()
    try:
        wrong = 0
        for turn in range(60):
            lazy = hub.table("account", partitions=4, partition_on=on, columns=["amount"])
            if turn % 2:
                total = sum(sum(batch.column(0).to_pylist()) for batch in lazy.batches(batch_rows=200))
            else:
                total = sum(lazy.to_arrow().column(0).to_pylist())
            wrong += total != 500000
    finally:
        stop.set()
        thread.join()
    assert wrong == 0 and moves[0] > 20


def test_changes_of_the_table(server: PostgresServer, hub: Any, database: str) -> None:
    """Who wants to lock the table waits for the load, or the load for him; never each for the other."""
    server.sql("DROP TABLE IF EXISTS locked; CREATE TABLE locked AS SELECT i AS id, repeat('x', 100) AS t"
               " FROM generate_series(1, 20000) i; CREATE INDEX locked_id ON locked (id)", database)
    stop = threading.Event()

    def change() -> None:
        with psycopg.connect(server.url(database), autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("ALTER TABLE locked ADD COLUMN more integer DEFAULT random() * 5")
                connection.execute("ALTER TABLE locked DROP COLUMN more")
                connection.execute("VACUUM FULL locked")
                connection.execute("REINDEX INDEX locked_id")
                with connection.transaction():
                    connection.execute("TRUNCATE locked")
                    connection.execute("INSERT INTO locked SELECT i, repeat('y', 100) FROM generate_series(1, 20000) i")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for turn in range(40):
            started = time.monotonic()
            table = hub.table("locked", partitions=4, partition_on="id" if turn % 2 else None,
                              columns=["id", "t"]).to_arrow()
            assert sorted(table.column("id").to_pylist()) == list(range(1, 20001))
            assert len(set(table.column("t").to_pylist())) == 1
            assert time.monotonic() - started < 10
    finally:
        stop.set()
        thread.join()


# ---- what goes wrong ----

@pytest.fixture(scope="module")
def slow(server: PostgresServer, database: str) -> str:
    """A view whose rows take their time, 60 seconds in all."""
    server.sql("CREATE FUNCTION slowly(integer) RETURNS integer LANGUAGE plpgsql STABLE AS"
               " 'BEGIN PERFORM pg_sleep(0.02); RETURN $1; END';"
               "CREATE VIEW slow AS SELECT id, slowly(id) AS s FROM (SELECT id FROM big WHERE id <= 3000 OFFSET 0) b", database)
    return "slow"


def workers(server: PostgresServer, database: str) -> list[str]:
    return server.sql(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND state = 'active'"
                      " AND query NOT LIKE '%pg_stat_activity%' AND wait_event = 'PgSleep' ORDER BY pid").split()


@pytest.mark.parametrize("is_stream", [False, True])
def test_killed_worker(server: PostgresServer, hub: Any, database: str, slow: str, is_stream: bool
                       ) -> None:
    for victim in (0, -1):
        def kill(victim: int = victim) -> None:
            wait_for(lambda: len(workers(server, database)) >= 3)
            server.sql(f"SELECT pg_terminate_backend({workers(server, database)[victim]})")

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(OperationalError):
            lazy = hub.table(slow, partitions=3, partition_on="id")
            if is_stream:
                for _ in lazy.batches(batch_rows=1):
                    pass
            else:
                lazy.to_arrow()
        killer.join()
        wait_for(lambda: not in_transaction(server, database))


def test_cancel(server: PostgresServer, database: str, slow: str) -> None:
    async def run(batch_rows: int | None) -> float:
        async with InstantDataConnector(postgres_config=server.url(database), pool_size=4) as hub:
            async def read() -> None:
                lazy = hub.table(slow, partitions=3, partition_on="id")
                if batch_rows is None:
                    await lazy.to_arrow()
                else:
                    async for _ in lazy.batches(batch_rows=batch_rows):
                        pass

            task = asyncio.create_task(read())
            await asyncio.to_thread(wait_for, lambda: len(workers(server, database)) >= 3)
            started = time.monotonic()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            took = time.monotonic() - started
            assert (await hub.table("big", partitions=4).to_arrow()).num_rows == 20000
            return took

    for batch_rows in (None, 10000, 1):
        assert asyncio.run(run(batch_rows)) < 0.25 + 0.5  # the second half is for a busy machine
        assert not workers(server, database)


def test_many_at_once(server: PostgresServer, database: str) -> None:
    async def run() -> None:
        async with InstantDataConnector(postgres_config=server.url(database), pool_size=5) as hub:
            loads = [hub.table("big", partitions=3, partition_on=on, partition_order=bool(on)).to_arrow()
                     for on in (None, "id") * 6]
            for table in await asyncio.gather(*loads):
                assert sorted(table.column("id").to_pylist()) == list(range(1, 20001))

    asyncio.run(run())
    wait_for(lambda: not in_transaction(server, database))


def test_time_limit(server: PostgresServer, hub: Any, database: str, slow: str) -> None:
    for more in ({}, {"partition_order": True}):
        started = time.monotonic()
        with pytest.raises(Error, match="within 400 ms"):
            hub.table(slow, partitions=3, partition_on="id", timeout=0.4, **more).to_arrow()
        assert time.monotonic() - started < 2
    with SyncInstantDataConnector(postgres_config=server.url(database), query_timeout=0.5) as limited, \
            pytest.raises(Error, match="within 500 ms"):
        limited.table(slow, partitions=3, partition_on="id").to_arrow()
    wait_for(lambda: not in_transaction(server, database))


def test_early_end(server: PostgresServer, hub: Any, database: str, slow: str) -> None:
    for turn in range(20):
        with contextlib.closing(hub.table("big", partitions=4, partition_order=turn % 2 == 0)
                                .batches(batch_rows=200)) as batches:
            for _ in range(turn % 4):
                next(batches)
    with contextlib.closing(hub.table(slow, partitions=3, partition_on="id").batches(batch_rows=1)) as batches:
        next(batches)
    assert not workers(server, database) and not in_transaction(server, database)


def test_connections_are_back_at_the_end_of_the_rows(server: PostgresServer, hub: Any, database: str
                                                     ) -> None:
    batches = hub.table("big", partitions=4).batches()
    assert sum(batch.num_rows for batch in batches) == 20000
    assert not in_transaction(server, database)
    batches.close()


def test_closed_connector(server: PostgresServer, database: str, slow: str) -> None:
    for table, on in (("big", None), (slow, "id")):
        hub: Any = SyncInstantDataConnector(postgres_config=server.url(database), pool_size=3)
        batches = hub.table(table, partitions=3, partition_on=on).batches(batch_rows=1)
        next(batches)
        hub.close()
        with pytest.raises(Error, match="closed"):
            for _ in batches:
                pass
        batches.close()
        wait_for(lambda: not in_transaction(server, database))


def test_small_pool(server: PostgresServer, database: str) -> None:
    with SyncInstantDataConnector(postgres_config=server.url(database), pool_size=1) as opened:
        hub: Any = opened
        started = time.monotonic()
        for _ in range(3):
            assert hub.table("big", partitions=4).to_arrow().num_rows == 20000
        assert time.monotonic() - started < 2.5  # nobody waits for a connection that cannot come
    with SyncInstantDataConnector(postgres_config=server.url(database), pool_size=2) as hub, \
            contextlib.closing(hub.query("SELECT i FROM generate_series(1, 10000000) i").batches(batch_rows=10)) as held:
        next(held)
        assert hub.table("big", partitions=2).to_arrow().num_rows == 20000


def test_server_without_more_connections(server: PostgresServer, database: str) -> None:
    server.sql(f"CREATE ROLE few_{database} LOGIN PASSWORD 'few' CONNECTION LIMIT 2;"
               f"GRANT pg_read_all_data TO few_{database}", database)
    with SyncInstantDataConnector(postgres_config=server.url(database, f"few_{database}", "few"), pool_size=5) as hub:
        assert hub.table("big", partitions=5).to_arrow().num_rows == 20000


def test_memory_is_bounded(server: PostgresServer, hub: Any, database: str) -> None:
    """Nobody reads: the workers stop at 64 MB, in order too."""
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    server.sql("CREATE TABLE wide AS SELECT i AS id, repeat(md5(i::text), 30) AS t FROM generate_series(1, 300000) i",
               database)
    for more in ({}, {"partition_order": True}, {"partition_on": "id", "partition_order": True}, {"compression": "lz4"}):
        before = resident()
        with contextlib.closing(hub.table("wide", partitions=3, **more).batches()) as batches:
            rows = next(batches).num_rows
            time.sleep(1.0)
            assert resident() - before < 160 * 1024 * 1024
            assert rows + sum(batch.num_rows for batch in batches) == 300000


class Standby(PostgresServer):
    """A hot standby of another server."""

    def __init__(self, scratch: Scratch, primary: PostgresServer) -> None:
        Server.__init__(self, scratch)
        self.bin, self.password = primary.bin, primary.password
        self.settings = {**primary.settings, "unix_socket_directories": str(self.directory)}
        self._run(str(self.bin / "pg_basebackup"), "--pgdata", str(self.data), "--host", str(primary.directory),
                  "--port", str(primary.port), "--username", self.username, "--write-recovery-conf", "--checkpoint=fast")
        self.start()


def test_hot_standby(scratch: Scratch, server: PostgresServer) -> None:
    """A standby shares snapshots too."""
    standby: Any
    with Standby(scratch, server) as standby:
        assert standby.sql("SELECT pg_is_in_recovery()") == "t"
        for name in ("arrow", "plain"):
            with SyncInstantDataConnector(postgres_config=standby.url(name), pool_size=3) as hub:
                for on in (None, "id"):
                    check(hub, "nulls", 3, on)
                    assert sorted(hub.table("big", partitions=3, partition_on=on).to_arrow().column("id").to_pylist()
                                  ) == list(range(1, 20001))


def test_embedded_hub(connector: Any) -> None:
    connector.query("CREATE TABLE public.own AS SELECT i AS id FROM generate_series(1, 50000) i").to_arrow()
    try:
        assert sorted(connector.table("own", partitions=3).to_arrow().column("id").to_pylist()) == list(range(1, 50001))
    finally:
        connector.query("DROP TABLE public.own").to_arrow()
    for partitions in (2, 5):
        whole, parts = (connector.table("flights", columns=["year", "month", "day", "dep_time", "tailnum"], **more).to_arrow()
                        for more in ({}, {"partitions": partitions, "partition_on": "dep_time"}))
        assert counted(parts) == counted(whole)
