"""Sources of SQL (MariaDB, PostgreSQL) that fail in every way: killed, silent, cut, full, altered under a query."""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_build import Connection, Database, ExtensionBuild, build_folder
from harness.hub import is_alive
from scratch_servers import PostgresServer, Scratch
from sql_sources import (
    BIG_ROWS,
    SOURCES,
    Proxy,
    SqlSource,
    everything_about,
    peak_bytes,
    proxy_to,
    side_by_side,
    source_processes,
    wait_until,
)

BACKENDS = 200
SOON_SECONDS = 0.25


@pytest.fixture(scope="module")
def hub(scratch: Scratch, extension: ExtensionBuild) -> Iterator[Database]:
    program = Path(shutil.copy(build_folder() / "instant-source", scratch.path / f"instant-source-of-faults-{extension.major}"))
    server = PostgresServer(scratch, {
        "max_connections": str(BACKENDS + 40), "jit": "off", "shared_preload_libraries": "instant_fdw",
        "instant.source_program": str(program), "log_statement": "all", "log_min_messages": "debug1"}, extension.bin)
    server.sql("CREATE DATABASE faults")
    server.sql("CREATE EXTENSION instant_fdw", "faults")
    yield Database(server, "faults")
    server.stop()


@pytest.fixture(scope="module", params=sorted(SOURCES))
def source(scratch: Scratch, extension: ExtensionBuild, request: pytest.FixtureRequest) -> Iterator[SqlSource]:
    made = SOURCES[request.param](scratch)
    yield made
    made.server.stop()


@pytest.fixture
def session(hub: Database, source: SqlSource) -> Iterator[Connection]:
    """With the source as server and schema `s`."""
    with hub.connect(prepare_threshold=None) as made:
        source.add_to(made, "s")
        yield made
    with hub.connect() as clean:
        clean.execute("DROP SCHEMA IF EXISTS s CASCADE; DROP SERVER IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS p CASCADE; "
                      "DROP SERVER IF EXISTS p CASCADE")


def counted(connection: Connection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


# ---- the server is killed

def test_killed_in_a_scan(session: Connection, source: SqlSource) -> None:
    try:
        with session.transaction(), pytest.raises(psycopg.Error) as failed, session.cursor("c") as cursor:
            cursor.execute("SELECT * FROM s.big")
            seen = len(cursor.fetchmany(100))
            source.kill()
            while rows := cursor.fetchmany(5000):
                seen += len(rows)
            raise AssertionError(f"{seen} rows and no error")
        assert failed.value.sqlstate is not None
        assert failed.value.sqlstate[:2] in ("08", "57"), failed.value
    finally:
        source.start()
    assert counted(session, "SELECT count(*) FROM s.small") == 10


def test_killed_in_a_write(session: Connection, source: SqlSource) -> None:
    killer = threading.Timer(0.3, source.kill)
    try:
        killer.start()
        with pytest.raises(psycopg.Error):
            session.execute("INSERT INTO s.target SELECT i, repeat('y', 100) FROM generate_series(1, 3000000) i")
    finally:
        killer.join()
        source.start()
    assert counted(session, "SELECT count(*) FROM s.target") == 0
    assert session.execute("INSERT INTO s.target VALUES (1, 'a')").rowcount == 1
    assert session.execute("DELETE FROM s.target").rowcount == 1


def test_killed_between_two_writes_of_a_transaction(session: Connection, source: SqlSource) -> None:
    try:
        with pytest.raises(psycopg.Error), session.transaction():
            session.execute("INSERT INTO s.target VALUES (1, 'a')")
            source.kill()
            source.start()
            with contextlib.suppress(psycopg.Error), session.transaction():  # a savepoint does not save it
                session.execute("INSERT INTO s.target VALUES (2, 'b')")
    finally:
        if not source.server.is_running():
            source.start()
    assert counted(session, "SELECT count(*) FROM s.target") == 0


def test_killed_before_the_commit(session: Connection, source: SqlSource) -> None:
    session.execute("CREATE TABLE IF NOT EXISTS mine (i int)")
    try:
        with pytest.raises(psycopg.Error), session.transaction():
            session.execute("INSERT INTO mine VALUES (1)")
            session.execute("INSERT INTO s.target VALUES (1, 'a')")
            source.kill()
    finally:
        source.start()
    assert counted(session, "SELECT count(*) FROM s.target") == 0
    assert counted(session, "SELECT count(*) FROM mine") == 0
    session.execute("DROP TABLE mine")


def test_killed_between_two_queries(session: Connection, source: SqlSource) -> None:
    for _ in range(2):
        assert counted(session, "SELECT count(*) FROM s.small") == 10
        source.kill()
        source.start()
    assert counted(session, "SELECT count(*) FROM s.small") == 10
    source.kill()
    source.start()
    assert session.execute("INSERT INTO s.target VALUES (1, 'a')").rowcount == 1
    assert session.execute("DELETE FROM s.target").rowcount == 1


def test_killed_while_it_is_away(session: Connection, source: SqlSource) -> None:
    source.kill()
    try:
        with pytest.raises(psycopg.Error) as failed:
            session.execute("SELECT * FROM s.small")
        assert failed.value.sqlstate == "08006" or str(failed.value.sqlstate).startswith("08")
        assert source.server.password not in str(failed.value)
    finally:
        source.start()
    assert counted(session, "SELECT count(*) FROM s.small") == 10


# ---- the transfer ends, or goes silent

def through(session: Connection, source: SqlSource, proxy: Proxy, **options: str) -> None:
    """The same source as server and schema `p`, through the proxy."""
    source.add_to(session, "p", host="127.0.0.1", port=str(proxy.port), **options)


def bytes_of_a_scan(session: Connection, proxy: Proxy, sql: str) -> int:
    """What comes over a new connection for a query."""
    session.execute("ALTER SERVER p OPTIONS (ADD fetch_rows '1000')")  # a new process
    session.execute(sql)
    return max(proxy.passed)


@pytest.mark.parametrize("ends", ["close", "reset"])
def test_a_cut_stream_is_an_error_and_never_less_rows(session: Connection, source: SqlSource, ends: str) -> None:
    with proxy_to(source) as proxy:
        through(session, source, proxy)
        sql = "SELECT * FROM p.big WHERE id <= 2000 OR id IS NULL"
        whole = bytes_of_a_scan(session, proxy, sql)
        proxy.ends = ends
        for part in (0, 1, 5, 60, 90, 150, 300, whole // 3, whole // 2, whole - 3000, whole - 300, whole - 20, whole - 1):
            proxy.limit = part
            session.execute(f"ALTER SERVER p OPTIONS (SET fetch_rows '{1000 + part % 7}')")
            try:
                rows = session.execute(sql).fetchall()
            except psycopg.Error as failed:
                assert str(failed.sqlstate)[:2] in ("08", "HV"), failed
            else:  # all of them, and only what ends the transaction was cut
                assert len(rows) == 2000 and part > whole - 100, f"{len(rows)} rows after {part} of {whole} bytes"
        proxy.limit = None
        assert len(session.execute(sql).fetchall()) == 2000


def stop_query(hub: Database, how: str, backend: int) -> None:
    with hub.connect() as other:
        other.execute(f"SELECT {how}(%s)", [backend])


def timed_stop(hub: Database, sql: str, how: str, setup: str = "", is_there: Any = None) -> float:
    """How long the query goes on after it was told to stop."""
    with hub.connect() as victim:
        backend = counted(victim, "SELECT pg_backend_pid()")
        if setup:
            victim.execute(setup)
        told: list[float] = []

        def tell() -> None:
            if is_there is None:
                with hub.connect() as observer:
                    wait_until(lambda: counted(observer, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {backend} AND state = 'active' "
                                                         "AND wait_event_type = 'Extension'") == 1)
                time.sleep(0.2)
            else:
                wait_until(is_there)
            told.append(time.monotonic())
            stop_query(hub, how, backend)
            told[0] = time.monotonic() if how == "nothing" else told[0]

        thread = threading.Thread(target=tell)
        if how == "timeout":
            victim.execute("SET statement_timeout = '400ms'")
            told.append(time.monotonic() + 0.4)
        else:
            thread.start()
        with pytest.raises(psycopg.Error):
            victim.execute(sql)
        ended = time.monotonic()
        if how != "timeout":
            thread.join()
        return ended - told[0]


def quickest(hub: Database, sql: str, how: str, is_there: Any = None) -> float:
    """Of three: the machine may be busy with other things."""
    seconds = 9.0
    for _ in range(3):
        seconds = min(seconds, timed_stop(hub, sql, how, is_there=is_there))
        if seconds < SOON_SECONDS:
            break
    return seconds


HOWS = ["pg_cancel_backend", "pg_terminate_backend", "timeout"]


@pytest.mark.parametrize("how", HOWS)
def test_a_silent_server_can_be_left_at_once(session: Connection, hub: Database, source: SqlSource, how: str) -> None:
    with proxy_to(source) as proxy:
        through(session, source, proxy)
        whole = bytes_of_a_scan(session, proxy, "SELECT * FROM p.big WHERE id < 100000")
        # From the first byte to the middle of the rows: connecting, TLS, the login, the session's settings, rows.
        for part in (0, 1, 50, 110, 200, 400, whole // 2):
            proxy.limit = part
            seconds = quickest(hub, "SELECT * FROM p.big WHERE id < 100000", how)
            assert seconds < SOON_SECONDS, f"{seconds:.3f} s after {part} bytes"


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_a_silent_server_does_not_keep_the_hub_from_its_end(hub: Database, source: SqlSource, scratch: Scratch,
                                                            extension: ExtensionBuild, limit: int) -> None:
    program = scratch.path / f"instant-source-of-faults-{extension.major}"
    with PostgresServer(scratch, {"instant.source_program": str(program)}, extension.bin) as other, proxy_to(source) as proxy:
        other.sql("CREATE EXTENSION instant_fdw")
        session = psycopg.connect(other.url("postgres"), autocommit=True)
        proxy.limit = limit
        through(session, source, proxy)
        thread = threading.Thread(target=_quiet, args=(session,))
        thread.start()
        assert wait_until(lambda: len(proxy.passed) > 0 and proxy.passed[0] == limit)
        backend = session.info.backend_pid
        processes = source_processes(backend)
        started = time.monotonic()
        other.stop()  # fast shutdown
        seconds = time.monotonic() - started
        thread.join()
    assert seconds < 2, seconds
    assert len(processes) == 1
    # What waits for the server itself has two seconds.
    assert wait_until(lambda: not is_alive(processes[0]), 3)


def test_what_a_killed_backend_asked_for_ends_there(hub: Database, source: SqlSource, scratch: Scratch, extension: ExtensionBuild) -> None:
    program = scratch.path / f"instant-source-of-faults-{extension.major}"
    with PostgresServer(scratch, {"instant.source_program": str(program)}, extension.bin) as other:
        other.sql("CREATE EXTENSION instant_fdw")
        with psycopg.connect(other.url("postgres"), autocommit=True) as session:
            source.add_to(session, "p")
            thread = threading.Thread(target=_quiet, args=(session, "SELECT * FROM p.slow"))
            thread.start()
            assert wait_until(lambda: source.running("slow") == 1)
            processes = source_processes(session.info.backend_pid)
            os.kill(session.info.backend_pid, signal.SIGKILL)
            thread.join()
        assert wait_until(lambda: source.running("slow") == 0, 3)
        assert len(processes) == 1
        assert wait_until(lambda: not is_alive(processes[0]), 3)


def _quiet(session: Connection, sql: str = "SELECT * FROM p.big") -> None:
    with contextlib.suppress(psycopg.Error):
        session.execute(sql)


@pytest.mark.parametrize("how", HOWS)
def test_what_is_cancelled_here_ends_there(session: Connection, hub: Database, source: SqlSource, how: str) -> None:
    marker = "slow"
    seconds = quickest(hub, "SELECT * FROM s.slow", how, lambda: source.running(marker) > 0)
    ended = time.monotonic()
    assert seconds < SOON_SECONDS, seconds
    assert wait_until(lambda: source.running(marker) == 0, 5)
    assert time.monotonic() - ended < 1.5


@pytest.mark.parametrize("statement", ["SELECT * FROM p.small", "UPDATE p.target SET a = 'x' WHERE id = 1"])
def test_an_idle_connection_that_dies_and_has_no_successor(session: Connection, source: SqlSource, statement: str) -> None:
    with proxy_to(source) as proxy:
        through(session, source, proxy)
        session.execute(statement)
        backend = session.info.backend_pid
        processes = source_processes(backend)
        proxy.is_gone = True
        with pytest.raises(psycopg.Error) as failed:
            session.execute(statement)
        assert str(failed.value.sqlstate)[:2] == "08", failed.value
        proxy.is_gone = False
        session.execute(statement)
        assert source_processes(backend) == processes


def test_a_slow_server_hears_of_a_session_that_has_ended(session: Connection, hub: Database, source: SqlSource) -> None:
    with proxy_to(source) as proxy:
        through(session, source, proxy)
        for seconds in (0.0, 0.4):
            def is_there(seconds: float = seconds) -> bool:
                if source.running("slow") == 0:
                    return False
                proxy.delay, proxy.keeps_open = seconds, True
                return True

            proxy.delay = 0
            assert timed_stop(hub, "SELECT * FROM p.slow", "pg_terminate_backend", is_there=is_there) < 2
            assert wait_until(lambda: source.running("slow") == 0, 3), seconds


def test_a_silent_server_ends_by_a_timeout_of_its_own(session: Connection, source: SqlSource) -> None:
    with proxy_to(source) as proxy:
        proxy.limit = 0
        through(session, source, proxy, connect_timeout="1s" if source.wrapper == "instant_mysql" else "1")
        started = time.monotonic()
        with pytest.raises(psycopg.Error) as failed:
            session.execute("SELECT * FROM p.small")
        assert time.monotonic() - started < 4
        assert str(failed.value.sqlstate)[:2] in ("08", "57"), failed.value


# ---- limits

def at_once(hub: Database, count: int, sql: str, expected: Any) -> list[str]:
    """So many backends ask at the same moment; what failed."""
    failures: list[str] = []
    barrier = threading.Barrier(count)
    connections = [hub.connect() for _ in range(count)]

    def ask(connection: Connection) -> None:
        barrier.wait()
        try:
            got = counted(connection, sql)
            if got != expected:
                failures.append(f"{got} instead of {expected}")
        except psycopg.Error as problem:
            failures.append(str(problem))

    side_by_side(ask, connections)
    for connection in connections:
        connection.close()
    return failures


def test_each_session_needs_more_than_there_are(session: Connection, hub: Database, source: SqlSource) -> None:
    """Whatever is open, one connection is enough: what streams is read to its end, and kept."""
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '4', ADD connection_wait '30s')")
    failures: list[str] = []

    def read(connection: Connection) -> None:
        try:
            for _ in range(2):
                with connection.transaction():
                    for name in "abcde":
                        connection.execute(f"DECLARE {name} CURSOR FOR SELECT id FROM s.big")
                        assert len(connection.execute(f"FETCH 10 FROM {name}").fetchall()) == 10
                    if source.wrapper == "instant_mysql":
                        connection.execute("UPDATE s.target SET a = 'x' WHERE id < 0")
                    rest = [row[0] for row in connection.execute("FETCH ALL FROM a").fetchall()]
                    if len(rest) != BIG_ROWS - 10 or len(set(rest)) != len(rest):
                        failures.append(f"{len(rest)} rows")
                    for name in "bcde":
                        moved = connection.execute(f"MOVE FORWARD ALL FROM {name}").rowcount
                        if moved != BIG_ROWS - 10:
                            failures.append(f"{moved} rows")
        except psycopg.Error as problem:
            failures.append(str(problem))

    connections = [hub.connect() for _ in range(8)]
    side_by_side(read, connections)
    for connection in connections:
        connection.close()
    assert failures == []


def test_many_backends_within_a_limit_of_ours(session: Connection, hub: Database, source: SqlSource) -> None:
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '20')")
    most, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            most[0] = max(most[0], source.sessions())

    watcher = threading.Thread(target=watch)
    watcher.start()
    failures = at_once(hub, BACKENDS, "SELECT count(name) FROM s.small", 10)
    is_over.set()
    watcher.join()
    assert failures == []
    assert 1 <= most[0] <= 20


def test_many_backends_within_a_limit_of_the_server(scratch: Scratch, hub: Database, source: SqlSource) -> None:
    limited = type(source)(scratch, **{"max_connections" if source.wrapper == "instant_postgres" else "max-connections": "20"})
    try:
        with hub.connect() as session:
            user = "plain" if source.wrapper == "instant_postgres" else ""
            limited.add_to(session, "p", user=user)
            # 200 programs of one busy machine: the server may be long in answering each.
            session.execute("ALTER SERVER p OPTIONS (ADD connect_timeout '60s', ADD connection_wait '90s')")
            failures = at_once(hub, BACKENDS, "SELECT count(name) FROM p.small", 10)
            session.execute("DROP SCHEMA p CASCADE; DROP SERVER p CASCADE")
        assert failures == []
    finally:
        limited.server.stop()


def test_two_scans_a_query_within_a_limit(session: Connection, hub: Database, source: SqlSource) -> None:
    """Each query has one connection and needs another: nobody waits for ever."""
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '4')")
    session.execute("CREATE TABLE IF NOT EXISTS here AS SELECT i AS id FROM generate_series(1, 10) i")
    sql = ("SELECT count(*) FROM (SELECT id FROM s.small ORDER BY name OFFSET 0) a FULL JOIN here USING (id) "
           "FULL JOIN (SELECT id FROM s.big WHERE id <= 10 OFFSET 0) b USING (id)")
    failures = at_once(hub, 40, sql, 10)
    session.execute("DROP TABLE here")
    assert failures == []


def test_one_connection_is_enough(session: Connection, hub: Database, source: SqlSource) -> None:
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '1')")
    session.execute("CREATE TABLE IF NOT EXISTS here AS SELECT i AS id FROM generate_series(1, 10) i")
    session.execute("INSERT INTO s.target SELECT id, 'x' FROM here")
    session.execute("UPDATE s.target SET a = here.id || left(big.a, 9) FROM here, s.big WHERE target.id = here.id AND big.id = here.id + 1")
    assert counted(session, "SELECT count(*) FROM s.target WHERE a LIKE '%xxx'") == 10
    sql = ("SELECT count(*) FROM (SELECT id FROM s.small ORDER BY name OFFSET 0) a FULL JOIN here USING (id) "
           "FULL JOIN (SELECT id FROM s.big WHERE id <= 10 OFFSET 0) b USING (id)")
    failures = at_once(hub, 20, sql, 10)
    session.execute("DELETE FROM s.target; DROP TABLE here")
    assert failures == []


def test_scans_leave_a_connection_for_a_write(session: Connection, source: SqlSource) -> None:
    """Both scans have more rows than are on their way to the hub, which waits for the write."""
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '2', ADD connection_wait '2s')")
    session.execute("INSERT INTO s.target SELECT id + n, a FROM (SELECT 0 AS n, id, a FROM s.big WHERE id <= 60000 "
                    "UNION ALL SELECT 500000, id, a FROM s.big WHERE id <= 60000) x WHERE a <> ''")
    assert counted(session, "SELECT count(*) FROM s.target") == 120000
    session.execute("DELETE FROM s.target")


def test_who_waits_too_long_is_told(session: Connection, hub: Database, source: SqlSource) -> None:
    session.execute("ALTER SERVER s OPTIONS (ADD max_connections '1', ADD connection_wait '300ms')")
    with hub.connect() as holder, holder.transaction(), holder.cursor("c") as cursor:
        cursor.execute("SELECT * FROM s.big")
        cursor.fetchmany(10)
        with pytest.raises(psycopg.Error) as failed:
            session.execute("SELECT * FROM s.small")
    assert failed.value.sqlstate == "53300"
    assert "max_connections" in str(failed.value)
    assert counted(session, "SELECT count(*) FROM s.small") == 10


def test_a_large_scan_takes_little_memory(session: Connection, source: SqlSource) -> None:
    backend = session.info.backend_pid
    counted(session, "SELECT count(a) FROM s.small, LATERAL (SELECT name AS a) x")
    (process,) = source_processes(backend)
    before = peak_bytes(process), peak_bytes(backend)
    with session.transaction(), session.cursor("c") as cursor:
        cursor.execute("SELECT * FROM s.big")
        seen = 0
        while rows := cursor.fetchmany(20000):
            seen += len(rows)
    assert seen == BIG_ROWS
    after = peak_bytes(process), peak_bytes(backend)
    # 20 MB of values, of which a few batches are on their way.
    assert after[0] - before[0] < 24 << 20, after[0] - before[0]
    assert after[1] - before[1] < 24 << 20, after[1] - before[1]


# ---- tables that are altered

def test_a_table_that_is_altered_between_plan_and_scan(session: Connection, source: SqlSource) -> None:
    source.sql("CREATE TABLE altered (id int PRIMARY KEY, a varchar(20), n int)")
    source.sql("INSERT INTO altered VALUES (1, 'x', 5), (2, 'y', 6)")
    session.execute(f"CREATE FOREIGN TABLE s.altered (id integer OPTIONS (key 'true'), a text COLLATE \"C\", n integer) "
                    f"SERVER s OPTIONS ({source.table_options('altered')})")
    session.execute("SET plan_cache_mode = force_generic_plan")
    session.execute("PREPARE whole AS SELECT id, a, n FROM s.altered ORDER BY id")
    session.execute("PREPARE part AS SELECT id FROM s.altered WHERE n > $1 ORDER BY id")
    mysql = source.wrapper == "instant_mysql"

    def both() -> tuple[list[Any], list[Any]]:
        return session.execute("EXECUTE whole").fetchall(), session.execute("EXECUTE part (5)").fetchall()

    try:
        assert both() == ([(1, "x", 5), (2, "y", 6)], [(2,)])
        source.sql(f"ALTER TABLE altered {'MODIFY n' if mysql else 'ALTER n TYPE'} bigint")
        assert both() == ([(1, "x", 5), (2, "y", 6)], [(2,)])
        source.sql(f"ALTER TABLE altered {'MODIFY n' if mysql else 'ALTER n TYPE'} varchar(20)")
        try:  # a right answer, or a clear error
            assert both() == ([(1, "x", 5), (2, "y", 6)], [(2,)])
        except psycopg.Error as failed:
            assert "n" in str(failed)
        source.sql("UPDATE altered SET n = 'many' WHERE id = 1")
        for statement in ("EXECUTE whole", "EXECUTE part (5)"):
            with pytest.raises(psycopg.Error) as bad:
                session.execute(statement)
            assert str(bad.value.sqlstate)[:2] in ("22", "42", "HV"), bad.value
        source.sql("UPDATE altered SET n = '100' WHERE id = 1")
        source.sql("ALTER TABLE altered DROP COLUMN n")
        with pytest.raises(psycopg.Error) as gone:
            session.execute("EXECUTE whole")
        assert gone.value.sqlstate == "42703", gone.value
        source.sql("ALTER TABLE altered RENAME TO renamed")
        with pytest.raises(psycopg.Error) as gone:
            session.execute("EXECUTE whole")
        assert gone.value.sqlstate == "42P01", gone.value
    finally:
        source.sql("DROP TABLE IF EXISTS altered")
        source.sql("DROP TABLE IF EXISTS renamed")
    assert counted(session, "SELECT count(*) FROM s.small") == 10


# ---- packets

def test_max_allowed_packet(session: Connection, source: SqlSource) -> None:
    if source.wrapper != "instant_mysql":
        pytest.skip("PostgreSQL has no such limit")
    source.sql("CREATE TABLE wide (id int PRIMARY KEY, a longtext)")
    session.execute("CREATE FOREIGN TABLE s.wide (id integer OPTIONS (key 'true'), a text COLLATE \"C\") SERVER s OPTIONS (\"table\" 'wide')")
    try:
        session.execute("INSERT INTO s.wide SELECT i, repeat('z', 1000000) FROM generate_series(1, 12) i")
        with pytest.raises(psycopg.Error) as failed:
            session.execute("INSERT INTO s.wide VALUES (99, repeat('z', 5000000))")
        assert failed.value.sqlstate == "54000"
        assert counted(session, "SELECT count(*) FROM s.wide") == 12
        # And the other way: a row of more than the server's packets comes, or is an error.
        source.sql("SET GLOBAL max_allowed_packet = 1024 * 1024 * 64")
        source.sql("UPDATE wide SET a = repeat('w', 20000000) WHERE id = 1")
        source.sql("SET GLOBAL max_allowed_packet = 1024 * 1024 * 4")
        session.execute("ALTER SERVER s OPTIONS (ADD fetch_rows '10')")
        assert len(session.execute("SELECT a FROM s.wide WHERE id = 2").fetchall()) == 1
        try:
            assert len(counted(session, "SELECT a FROM s.wide WHERE id = 1")) == 20000000
        except psycopg.Error as bad:
            assert "packet" in str(bad)
    finally:
        source.sql("DROP TABLE wide")


# ---- secrets

def test_the_password_is_nowhere(session: Connection, hub: Database, source: SqlSource) -> None:
    password = source.server.password
    said = ""
    session.execute("CREATE FOREIGN TABLE s.nowhere (id integer) SERVER s")
    for sql in ("SELECT * FROM s.small", "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM s.small WHERE id = 3",
                "SELECT * FROM s.nowhere", "INSERT INTO s.small VALUES (1, 'again')",
                "EXPLAIN (VERBOSE) UPDATE s.small SET name = 'x'"):
        try:
            said += str(session.execute(sql).fetchall()) if not sql.startswith("INSERT") else str(session.execute(sql))
        except psycopg.Error as failed:
            said += str(failed) + repr(failed.diag.message_detail) + repr(failed.diag.message_hint) + repr(failed.diag.context)
    backend = session.info.backend_pid
    for pid in [backend, *source_processes(backend)]:
        said += everything_about(pid).decode(errors="replace")
    said += str(session.execute("SELECT * FROM pg_stat_activity").fetchall())
    wrong = "wrong-" + password[::-1]
    session.execute(f"ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET password '{wrong}')")
    with pytest.raises(psycopg.Error) as refused:
        session.execute("SELECT * FROM s.small")
    said += str(refused.value)
    assert refused.value.sqlstate in ("28P01", "28000"), refused.value
    log = hub.server.log_file.read_text(errors="replace")
    # Statements are logged as they were typed; nothing else of the log may have it.
    lines = [line for line in log.splitlines() if "USER MAPPING" not in line]
    for secret in (password, wrong):
        assert secret not in said
        assert not [line for line in lines if secret in line]
    assert password not in source.server.log_file.read_text(errors="replace").replace("PASSWORD '" + password, "")
