"""Source processes that die, lie, say nothing or too much: one error for one query, and nothing for anybody else.

The program is tests/harness/bad_source.c, which does what the request (or the name of the foreign table) says.
"""
from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_build import Connection, ExtensionBuild, build_folder
from harness.hub import is_alive
from psycopg import sql
from scratch_servers import PostgresServer, Scratch

STAGES = ("open", "schema", "batch", "half")
# A stop has this long, whatever the source does.
LIMIT_SECONDS = 0.250


def query(connection: Connection, request: str, server: str = "bad") -> tuple[Any, ...]:
    row = connection.execute("SELECT count(*), min(a), max(a) FROM instant.query(%s, %s) AS t(a bigint, b text)",
                             (server, request)).fetchone()
    assert row is not None
    return row


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def backend(connection: Connection) -> int:
    return connection.info.backend_pid


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def prepare(server: PostgresServer, extension: ExtensionBuild) -> Path:
    program = extension.bin.parent / "bad_source"
    if not program.exists():
        shutil.copy2(build_folder() / "bad_source", program)
    server.sql("CREATE EXTENSION instant_fdw; CREATE SERVER bad FOREIGN DATA WRAPPER instant_rest "
               "OPTIONS (base_url 'http://localhost:1/')")
    return program


def connect(server: PostgresServer, program: Path, **options: Any) -> Connection:
    settings = f"-c instant.source_program={program} -c statement_timeout=20s"
    return psycopg.connect(server.url(), autocommit=True, options=settings, **options)


@pytest.fixture(scope="module")
def own_server(scratch: Scratch, extension: ExtensionBuild) -> Iterator[tuple[PostgresServer, Path]]:
    server = PostgresServer(scratch, {"jit": "off", "shared_preload_libraries": "instant_fdw"}, extension.bin)
    yield server, prepare(server, extension)
    server.stop()


@pytest.fixture
def session(own_server: tuple[PostgresServer, Path]) -> Iterator[Connection]:
    with connect(*own_server) as made:
        yield made


def make_table(connection: Connection, name: str, server: str = "bad", more: str = "") -> sql.Composed:
    table = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE FOREIGN TABLE IF NOT EXISTS {} (a bigint, b text) SERVER {} "
                               "OPTIONS (endpoint '/x')").format(table, sql.Identifier(server)) + sql.SQL(more))
    return sql.SQL("{}").format(table)


# ---- deaths ----

def fail(connection: Connection, request: str, server: str = "bad") -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        query(connection, request, server)
    return caught.value


DEADLY = [number for number in range(1, 32)
          if number not in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT,
                            signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH)]


def test_every_deadly_signal(session: Connection) -> None:
    for number in DEADLY:
        error = fail(session, f"signal:{number}@batch")
        assert error.sqlstate == "HV000"
        assert f'the source process of server "bad" ended (signal {number}: ' in str(error)
        assert query(session, "rows:10") == (10, 0, 9)


@pytest.mark.parametrize("stage", STAGES)
def test_exits(session: Connection, stage: str) -> None:
    for code in (0, 1, 3, 255):
        error = fail(session, f"exit:{code}@{stage}")
        assert error.sqlstate == "HV000" and f"(exit code {code})" in str(error)
    assert "ended" in str(fail(session, f"eof@{stage}"))
    assert "(signal 6: Aborted)" in str(fail(session, f"memory@{stage}"))
    assert query(session, "rows:1000") == (1000, 0, 999)


@pytest.mark.parametrize("act", ["garbage", "unknown", "long", "twice"])
def test_garbage(session: Connection, act: str) -> None:
    before = backend(session)
    for stage in ("open", "schema", "batch"):
        if act == "twice" and stage != "open":
            continue  # the first END was one
        error = fail(session, f"{act}@{stage}")
        assert error.sqlstate == "HV000" and 'the source process of server "bad" sent ' in str(error)
        assert query(session, "rows:10") == (10, 0, 9)
    assert "was not due" in str(fail(session, "overrun@never"))
    error = fail(session, "wrong")
    assert error.sqlstate == "HV004" and 'column "a" came as the Arrow type' in str(error)
    assert backend(session) == before


@pytest.mark.parametrize("act", ["signal:9", "exit:3", "garbage", "eof", "unknown", "long", "error:28P01"])
def test_instead_of_a_greeting(session: Connection, act: str) -> None:
    name = f"hello:{act}"
    session.execute(sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url 'http://x.invalid/')"
                            ).format(sql.Identifier(name)))
    error = fail(session, "rows:10", name)
    assert error.sqlstate == ("28P01" if act.startswith("error") else "HV000")
    assert name in str(error)
    session.execute(sql.SQL("DROP SERVER {}").format(sql.Identifier(name)))


def test_a_process_that_could_not_be_greeted(session: Connection) -> None:
    """The next query is not the one that tells a process without its greeting."""
    query(session, "rows:1")
    row = session.execute("SHOW data_directory").fetchone()
    assert row is not None
    folder = Path(row[0]) / "instant_fdw"
    folder.rename(folder.with_suffix(".away"))
    folder.touch()
    try:
        session.execute("CREATE SERVER other FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url 'http://localhost:1/')")
        for _ in range(2):
            assert "could not create directory" in str(fail(session, "rows:1", "other"))
    finally:
        folder.unlink()
        folder.with_suffix(".away").rename(folder)
    assert query(session, "rows:1", "other") == (1, 0, 0)
    session.execute("DROP SERVER other")


def test_death_while_closing(session: Connection) -> None:
    """The answer is whole before it; the next query does not find a corpse."""
    for act in ("signal:9", "exit:3", "garbage", "memory", "silence", "spin"):
        assert query(session, f"{act}@close") == (1000, 0, 999)
        assert query(session, "rows:10") == (10, 0, 9)


def test_errors_of_the_source(session: Connection) -> None:
    table = make_table(session, "error:42501@batch")
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        session.execute(sql.SQL("SELECT * FROM {}").format(table))
    diagnosis = caught.value.diag
    assert diagnosis.message_primary == "the source says no"
    assert diagnosis.message_hint == "Ask again."
    assert diagnosis.context is not None
    assert 'foreign table "error:42501@batch" on server "bad"' in diagnosis.context


DEATHS = """
DO $$
DECLARE acts text[] := ARRAY['signal:9@open', 'signal:11@batch', 'exit:1@schema', 'garbage@batch', 'memory@half',
                             'signal:6@half', 'eof@open', 'unknown@schema', 'exit:0@half', 'long@open'];
        failed int := 0;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        BEGIN
            PERFORM * FROM instant.query('bad', acts[i % 10 + 1]) AS t(a bigint, b text);
        EXCEPTION WHEN fdw_error THEN failed := failed + 1;
        END;
    END LOOP;
    IF failed <> 1000 THEN RAISE EXCEPTION '% deaths', failed; END IF;
END $$"""


def test_thousand_deaths(own_server: tuple[PostgresServer, Path], session: Connection) -> None:
    with connect(*own_server) as bystander:
        bystander.execute("CREATE TEMP TABLE mine AS SELECT 42 AS x")
        started = bystander.execute("SELECT pg_postmaster_start_time()").fetchone()
        assert query(bystander, "rows:10") == (10, 0, 9)
        sources = children(backend(bystander))
        session.execute("SET statement_timeout = '120s'")
        session.execute(DEATHS)
        assert query(session, "rows:10") == (10, 0, 9)
        assert bystander.execute("SELECT pg_postmaster_start_time()").fetchone() == started
        assert bystander.execute("SELECT x FROM mine").fetchone() == (42,)
        assert children(backend(bystander)) == sources
    assert len(children(backend(session))) == 1


def test_frames_in_pieces(session: Connection) -> None:
    assert query(session, "drip") == (1000, 0, 999)
    assert query(session, "rows:10") == (10, 0, 9)


def test_messages_of_many_frames(own_server: tuple[PostgresServer, Path], session: Connection) -> None:
    """A value of 60 MB: from the real program, since a batch of it goes on in further frames."""
    file = own_server[1].parent / "empty.sqlite"
    sqlite3.connect(file).close()
    file.chmod(0o644)
    session.execute("SET instant.source_program = ''")
    session.execute(sql.SQL("CREATE SERVER big FOREIGN DATA WRAPPER instant_sqlite OPTIONS (path {})").format(
        sql.Literal(str(file))))
    row = session.execute("SELECT length(a), md5(a) = md5(repeat('00', 30000000)), b FROM instant.query('big', "
                          "'SELECT hex(zeroblob(30000000)), 7') AS t(a text, b bigint)").fetchone()
    assert row == (60000000, True, 7)
    session.execute("DROP SERVER big")


# ---- stops ----

ACTS = [f"{act}@{stage}" for act in ("silence", "spin", "quiet") for stage in STAGES]


@pytest.mark.quiet
def test_statement_timeout(session: Connection) -> None:
    for request in [*ACTS, "rows:1000000:50"]:
        session.execute("SET statement_timeout = '100ms'")
        begin = time.monotonic()
        assert fail(session, request).sqlstate == "57014"
        assert time.monotonic() - begin < 0.1 + LIMIT_SECONDS, request
        session.execute("SET statement_timeout = '20s'")
        assert query(session, "rows:10") == (10, 0, 9)


class Running:
    """A query in a thread: what it ended with, and when."""

    def __init__(self, connection: Connection, request: str) -> None:
        self.error: BaseException | None = None
        self.end = 0.0
        self._thread = threading.Thread(target=self._run, args=(connection, request))
        self._thread.start()

    def _run(self, connection: Connection, request: str) -> None:
        try:
            query(connection, request)
        except psycopg.Error as error:
            self.error = error
        self.end = time.monotonic()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def is_waiting(observer: Connection, pid: int) -> bool:
    row = observer.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s AND state = 'active'",
                           (pid,)).fetchone()
    return row == ("Extension",)


@pytest.mark.quiet
@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
def test_cancel_and_terminate(own_server: tuple[PostgresServer, Path], session: Connection, function: str) -> None:
    for request in ("silence@open", "silence@half", "spin@batch", "quiet@schema"):
        with connect(*own_server) as victim:
            pid = backend(victim)
            running = Running(victim, request)
            wait_for(lambda: is_waiting(session, pid))  # noqa: B023
            begin = time.monotonic()
            session.execute(f"SELECT {function}(%s)", (pid,))
            running.join()
            assert running.end - begin < LIMIT_SECONDS, request
            assert getattr(running.error, "sqlstate", None) == ("57014" if "cancel" in function else "57P01")
            if "cancel" in function:
                assert query(victim, "rows:10") == (10, 0, 9)
                sources = children(pid)
            else:
                sources = []
        wait_for(lambda: not any(map(is_alive, sources)), 2)  # noqa: B023


@pytest.mark.quiet
def test_fast_shutdown(scratch: Scratch, extension: ExtensionBuild) -> None:
    server = PostgresServer(scratch, {"jit": "off"}, extension.bin)
    program = prepare(server, extension)
    with connect(server, program) as observer, connect(server, program) as first, connect(server, program) as second:
        pids = [backend(first), backend(second)]
        running = [Running(first, "silence@batch"), Running(second, "spin@open")]
        for pid in pids:
            wait_for(lambda: is_waiting(observer, pid))  # noqa: B023
        sources = [source for pid in pids for source in children(pid)]
        assert len(sources) == 2
        begin = time.monotonic()
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        for one in running:
            one.join()
            assert one.end - begin < LIMIT_SECONDS
            assert getattr(one.error, "sqlstate", None) == "57P01"
        wait_for(lambda: not any(map(is_alive, sources)), 2)
    server.stop()


@pytest.mark.parametrize("is_own", [True, False], ids=["instant-source", "bad_source"])
def test_killed_backend(scratch: Scratch, extension: ExtensionBuild, is_own: bool) -> None:
    """Nothing outlives a backend that had no time to clean up."""
    server = PostgresServer(scratch, {"jit": "off"}, extension.bin)
    program = prepare(server, extension)
    with connect(server, program) as victim:
        if is_own:
            victim.execute("SET instant.source_program = ''")
            with pytest.raises(psycopg.Error):
                query(victim, "/x")
        else:
            query(victim, "rows:10")
        sources = children(backend(victim))
        assert len(sources) == 1
        name = Path(f"/proc/{sources[0]}/comm").read_text().strip()
        assert name == ("instant-source" if is_own else "bad_source")
        os.kill(backend(victim), signal.SIGKILL)
        wait_for(lambda: not is_alive(sources[0]), 1)
    server.stop()


# ---- what is kept, and what is not ----

def memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


LOOP = """
DO $$
DECLARE requests text[] := ARRAY['rows:10', 'rows:300', 'rows:0', 'error:HV000@batch', 'exit:1@schema'];
BEGIN
    FOR i IN 1 .. {count} LOOP
        BEGIN
            PERFORM * FROM instant.query('bad', requests[CASE WHEN i % 50 = 0 THEN 5 ELSE i % 4 + 1 END])
                AS t(a bigint, b text) LIMIT 5;
        EXCEPTION WHEN fdw_error THEN NULL;
        END;
    END LOOP;
END $$"""


def test_nothing_grows(session: Connection) -> None:
    pid = backend(session)
    session.execute("SET statement_timeout = '120s'")
    session.execute(LOOP.format(count=500))
    descriptors, memory = len(os.listdir(f"/proc/{pid}/fd")), memory_kb(pid)
    session.execute(LOOP.format(count=10000))
    assert len(os.listdir(f"/proc/{pid}/fd")) <= descriptors
    assert memory_kb(pid) - memory < 4 * 1024
    query(session, "rows:10")
    assert len(children(pid)) == 1
    source = children(pid)[0]
    query(session, "rows:10")
    assert children(pid) == [source]
    assert os.listdir(f"/proc/{pid}/task") == [str(pid)]


def test_what_the_child_gets(session: Connection, own_server: tuple[PostgresServer, Path]) -> None:
    session.execute("CREATE USER MAPPING IF NOT EXISTS FOR CURRENT_USER SERVER bad OPTIONS (auth_token 'env:HOME')")
    query(session, "rows:10")
    child = Path(f"/proc/{children(backend(session))[0]}")
    names = {entry.split(b"=")[0] for entry in (child / "environ").read_bytes().split(b"\0") if entry}
    assert names <= {b"LANG", b"PATH", b"TMPDIR", b"SSL_CERT_FILE", b"SSL_CERT_DIR", b"CURL_CA_BUNDLE", b"TZDIR", b"HOME"}
    assert sorted(os.listdir(child / "fd")) == ["0", "1", "2", "3", "5"]  # 5: the memory for batches
    status = dict(line.split(":\t", 1) for line in (child / "status").read_text().splitlines() if ":\t" in line)
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigIgn"], 16) & 0x7FFFFFFF == 0  # libc ignores two of its own
    session.execute("DROP USER MAPPING FOR CURRENT_USER SERVER bad")


def test_rate_limit_is_shared(own_server: tuple[PostgresServer, Path], session: Connection) -> None:
    """One file for all processes of a server; it is what they map, so a limit needs no preloading."""
    session.execute("CREATE SERVER limited FOREIGN DATA WRAPPER instant_rest "
                    "OPTIONS (base_url 'http://localhost:1/', rate_limit '5')")
    files = set()
    with connect(*own_server) as other:
        for one in (session, other):
            query(one, "rows:10", "limited")
            child = Path(f"/proc/{children(backend(one))[0]}")
            assert sorted(os.listdir(child / "fd")) == ["0", "1", "2", "3", "4", "5"]
            files.add(os.readlink(child / "fd" / "4"))
            status = os.stat(child / "fd" / "4")
            assert status.st_size == 64 and status.st_mode & 0o777 == 0o600
    assert len(files) == 1 and "/instant_fdw/shared." in files.pop()
    session.execute("DROP SERVER limited")


def test_changed_options_start_anew(session: Connection) -> None:
    pid = backend(session)

    def sources(change: str) -> set[int]:
        session.execute(change)
        query(session, "rows:10")
        return set(children(pid))

    first = sources("SELECT 1")
    assert sources("SELECT 1") == first
    second = sources("ALTER SERVER bad OPTIONS (SET base_url 'http://localhost:2/')")
    assert len(second) == 1 and not second & first
    # Who has no mapping may still need the other one.
    third = sources("CREATE USER MAPPING FOR CURRENT_USER SERVER bad OPTIONS (auth_token 'env:A')") - second
    assert len(third) == 1
    fourth = sources("ALTER USER MAPPING FOR CURRENT_USER SERVER bad OPTIONS (SET auth_token 'env:B')") - second
    assert len(fourth) == 1 and fourth != third
    assert sources("DROP USER MAPPING FOR CURRENT_USER SERVER bad") == second
    last = sources("SET instant.credential_directory = '/nowhere'")
    assert len(last) == 1 and last != second


# ---- plans and transactions ----

def test_limit_and_cursor(session: Connection) -> None:
    table = make_table(session, "rows:100000")
    # Left to the hub: a condition that no source knows is below it.
    limited = sql.SQL("SELECT * FROM {} WHERE b ~ 'row' LIMIT 7").format(table)
    assert len(session.execute(limited).fetchall()) == 7
    with session.transaction():
        session.execute(sql.SQL("DECLARE c CURSOR FOR SELECT a FROM {}").format(table))
        assert session.execute("FETCH 3 FROM c").fetchall() == [(0,), (1,), (2,)]
        # A rollback to a savepoint does not move a cursor that is older than it.
        with pytest.raises(psycopg.errors.DivisionByZero), session.transaction():
            assert session.execute("FETCH 2 FROM c").fetchall() == [(3,), (4,)]
            assert query(session, "rows:10") == (10, 0, 9)
            session.execute("SELECT 1 / 0")
        assert session.execute("FETCH 2 FROM c").fetchall() == [(5,), (6,)]
        session.execute("CLOSE c")
    assert query(session, "rows:10") == (10, 0, 9)


def test_a_cursor_outlives_one_that_was_closed_long_ago(session: Connection) -> None:
    """The source cannot say that it stopped before the rest of its rows is taken off the socket."""
    table, wide = make_table(session, "rows:3000"), sql.Identifier("rows:90000")
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(f"c{i}")) for i in range(500))
    session.execute(sql.SQL("CREATE FOREIGN TABLE wide ({}) SERVER bad OPTIONS (endpoint '/x')").format(columns))
    session.execute(sql.SQL("ALTER FOREIGN TABLE wide RENAME TO {}").format(wide))
    with session.transaction():
        session.execute(sql.SQL("DECLARE c CURSOR FOR SELECT a FROM {}").format(table))
        assert session.execute("FETCH 1 FROM c").fetchall() == [(0,)]
        session.execute(sql.SQL("DECLARE d CURSOR FOR SELECT * FROM {}").format(wide))
        assert len(session.execute("FETCH 1 FROM d").fetchall()) == 1
        session.execute("CLOSE d")
        time.sleep(0.3)
        assert query(session, "rows:10") == (10, 0, 9)
        assert len(session.execute("FETCH ALL FROM c").fetchall()) == 2999
    session.execute(sql.SQL("DROP FOREIGN TABLE {}").format(wide))


def test_cursor_first_read_below_a_savepoint(session: Connection) -> None:
    table = make_table(session, "rows:5000")
    with session.transaction():
        session.execute(sql.SQL("DECLARE c CURSOR FOR SELECT a FROM {}").format(table))
        session.execute("SAVEPOINT s")
        assert session.execute("FETCH 1 FROM c").fetchall() == [(0,)]
        session.execute("ROLLBACK TO s")
        assert len(session.execute("FETCH ALL FROM c").fetchall()) == 4999


def test_holdable_cursor(session: Connection) -> None:
    table = make_table(session, "rows:3000")
    with session.transaction():
        session.execute(sql.SQL("DECLARE h CURSOR WITH HOLD FOR SELECT a FROM {}").format(table))
    assert len(session.execute("FETCH ALL FROM h").fetchall()) == 3000
    session.execute("CLOSE h")


def test_several_scans_of_one_query(session: Connection) -> None:
    table, other = make_table(session, "rows:3000"), make_table(session, "rows:500")
    row = session.execute(sql.SQL("SELECT count(*), sum(x.a + y.a) FROM {} x JOIN {} y ON x.a = y.a + 7"
                                  ).format(table, table)).fetchone()
    assert row == (2993, sum(2 * i + 7 for i in range(2993)))
    session.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off")
    row = session.execute(sql.SQL("SELECT count(*) FROM (VALUES (1), (2), (3)) v(n), {} x WHERE x.a < v.n").format(other)
                          ).fetchone()
    assert row == (6,)
    row = session.execute(sql.SQL("SELECT (SELECT count(*) FROM {} y WHERE y.a <= x.a) FROM {} x ORDER BY 1 DESC LIMIT 1"
                                  ).format(other, other)).fetchone()
    assert row == (500,)


def test_append_reads_all_at_once(session: Connection) -> None:
    """Of one process and of several; some have rows at once, others later."""
    session.execute("CREATE SERVER bad2 FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url 'http://localhost:1/')")
    session.execute("CREATE TABLE parent (a bigint, b text) PARTITION BY LIST (b)")
    parts = [("rows:700:5", "bad"), ("rows:900", "bad"), ("rows:1000:3", "bad2"), ("rows:0:20", "bad2"), ("rows:1", "bad")]
    for number, (name, server) in enumerate(parts):
        table = make_table(session, name, server)
        session.execute(sql.SQL("ALTER TABLE parent ATTACH PARTITION {} FOR VALUES IN ({})").format(
            table, sql.Literal(str(number))))
    plan = "\n".join(row[0] for row in session.execute("EXPLAIN SELECT a FROM parent"))
    assert plan.count("Async Foreign Scan") == len(parts)
    for _ in range(5):
        assert session.execute("SELECT count(*), sum(a) FROM (SELECT a FROM parent) x").fetchone() == (
            2601, sum(sum(range(n)) for n in (700, 900, 1000)))
    assert len(session.execute("SELECT a FROM parent LIMIT 3").fetchall()) == 3
    assert session.execute("SELECT count(*) FROM (SELECT a FROM parent WHERE a % 100 = 99) x").fetchone() == (26,)
    table = make_table(session, "exit:1@batch", "bad2")
    session.execute(sql.SQL("ALTER TABLE parent ATTACH PARTITION {} FOR VALUES IN ('9')").format(table))
    with pytest.raises(psycopg.Error, match="exit code 1"):
        session.execute("SELECT a FROM parent").fetchall()
    session.execute("DROP TABLE parent; DROP SERVER bad2 CASCADE")


def test_append_notices_an_end_while_it_waits(session: Connection) -> None:
    """The end of one scan lies behind rows of another of the same process, and both come while the query is busy."""
    session.execute("CREATE SERVER bad2 FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url 'http://localhost:1/')")
    session.execute("CREATE TABLE parent (a bigint, b text) PARTITION BY LIST (b)")
    for number, (name, server) in enumerate([("rows:100:300", "bad"), ("rows:100:600", "bad2"), ("rows:0", "bad2")]):
        session.execute(sql.SQL("ALTER TABLE parent ATTACH PARTITION {} FOR VALUES IN ({})").format(
            make_table(session, name, server), sql.Literal(str(number))))
    session.execute("SET statement_timeout = '5s'")
    assert session.execute("SELECT count(*), count(w) FROM (SELECT CASE WHEN a = 99 THEN pg_sleep(0.5)::text END AS w "
                           "FROM parent OFFSET 0) x").fetchone() == (200, 2)
    session.execute("SET statement_timeout = '20s'; DROP TABLE parent; DROP SERVER bad2 CASCADE")


def test_prepared_and_plpgsql(session: Connection) -> None:
    table = make_table(session, "rows:3000")
    session.execute(sql.SQL("PREPARE p(bigint) AS SELECT count(*) FROM {} WHERE a < $1").format(table))
    for number in range(1, 9):
        assert session.execute(sql.SQL("EXECUTE p({})").format(sql.Literal(number * 10))).fetchone() == (number * 10,)
    session.execute(sql.SQL("""
        DO $$ DECLARE r record; n int := 0; BEGIN
            FOR i IN 1 .. 20 LOOP
                BEGIN
                    FOR r IN SELECT a FROM {} LOOP n := n + 1; IF n % 7 = 0 THEN RAISE division_by_zero; END IF; END LOOP;
                EXCEPTION WHEN division_by_zero THEN NULL; END;
            END LOOP;
            IF n <> 140 THEN RAISE EXCEPTION 'read %', n; END IF;
        END $$""").format(table))


# ---- rights and limits ----

def test_rights(session: Connection, own_server: tuple[PostgresServer, Path]) -> None:
    session.execute("DROP ROLE IF EXISTS poor; CREATE ROLE poor")
    try:
        session.execute("SET ROLE poor")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="function query"):
            query(session, "rows:10")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"instant\.source_program"):
            session.execute("SET instant.source_program = '/bin/sh'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SHOW instant.source_program")
        assert session.execute("SELECT * FROM instant.scans").fetchall() == []
        session.execute("RESET ROLE; GRANT EXECUTE ON FUNCTION instant.query TO poor; SET ROLE poor")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="foreign server bad"):
            query(session, "rows:10")
        session.execute("RESET ROLE; GRANT USAGE ON FOREIGN SERVER bad TO poor; SET ROLE poor")
        assert query(session, "rows:10") == (10, 0, 9)
        assert session.execute("SELECT server FROM instant.scans").fetchall() == [("bad",)]
    finally:
        session.execute("RESET ROLE; DROP OWNED BY poor; DROP ROLE poor")


@pytest.mark.parametrize("program", ["instant-source", "/nowhere/at/all", "/etc/passwd", "/tmp"])
def test_programs_that_are_none(session: Connection, program: str) -> None:
    session.execute(sql.SQL("SET instant.source_program = {}").format(sql.Literal(program)))
    assert "is not the absolute path of a program" in str(fail(session, "rows:10"))


def test_counters(session: Connection) -> None:
    names = "scans, rows, bytes, requests, errors, wait_ms"
    row = session.execute(f"SELECT {names} FROM instant.scans WHERE server = 'bad'").fetchone()
    before = row or (0,) * 6
    query(session, "rows:250")
    fail(session, "exit:1@batch")
    fail(session, "error:HV000@open")
    after = session.execute(f"SELECT {names} FROM instant.scans WHERE server = 'bad'").fetchone()
    assert after is not None
    # END says 3 requests and 1000 bytes, as does an ERROR; who dies says nothing.
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 350, 2000, 6, 2, pytest.approx(3)]


def test_max_concurrent(own_server: tuple[PostgresServer, Path], session: Connection) -> None:
    session.execute("CREATE SERVER narrow FOREIGN DATA WRAPPER instant_rest "
                    "OPTIONS (base_url 'http://localhost:1/', max_concurrent '2')")
    table = make_table(session, "rows:90000", "narrow")
    with connect(*own_server) as one, connect(*own_server) as two, connect(*own_server) as three:
        for holder in (one, two):
            holder.execute("BEGIN")
            holder.execute(sql.SQL("DECLARE c CURSOR FOR SELECT * FROM {}").format(table))
            holder.execute("FETCH 1 FROM c")
        # Whoever has a place has it for all scans.
        assert query(two, "rows:10", "narrow") == (10, 0, 9)
        three.execute("SET statement_timeout = '200ms'")
        assert fail(three, "rows:10", "narrow").sqlstate == "57014"
        three.execute("SET statement_timeout = '20s'")
        waiting = threading.Thread(target=query, args=(three, "rows:10", "narrow"))
        waiting.start()
        wait_for(lambda: is_waiting(session, backend(three)))
        one.execute("ROLLBACK")
        waiting.join(10)
        assert not waiting.is_alive()
        # A session that ends without a word leaves too.
        two.close()
        assert query(three, "rows:10", "narrow") == (10, 0, 9)
    session.execute("DROP SERVER narrow CASCADE")


# ---- imports and writes ----

def test_import(session: Connection) -> None:
    session.execute('CREATE SCHEMA imported; IMPORT FOREIGN SCHEMA "rows" FROM SERVER bad INTO imported OPTIONS (document \'/x\')')
    columns = session.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation::text "
        "FROM pg_attribute WHERE attrelid = 'imported.\"T''a\"\"b\"'::regclass AND attnum > 0 ORDER BY attnum").fetchall()
    assert columns == [('we"ird', "bigint", True, "-"), ("select", "text", False, '"C"'), ("n", "numeric(15,2)", False, "-")]
    options = session.execute("SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'imported.\"T''a\"\"b\"'::regclass")
    assert options.fetchone() == (["endpoint=/it's%20here"],)
    for schema in ("type:int); DROP TABLE x; --", "type:int OPTIONS (a 'b')", "type:nothing", "type:", "type:setof int",
                   'type:text COLLATE "C" NOT NULL', "type:int DEFAULT 1", "garbage", "exit:2", "error:HV000"):
        with pytest.raises(psycopg.Error) as caught:
            session.execute(sql.SQL("IMPORT FOREIGN SCHEMA {} LIMIT TO (\"T'a\"\"b\") FROM SERVER bad INTO public "
                                    "OPTIONS (document '/x')").format(
                sql.Identifier(schema)))
        assert caught.value.sqlstate in ("42601", "42704", "HV000"), (schema, caught.value)
    session.execute("DROP SCHEMA imported CASCADE")
    assert query(session, "rows:10") == (10, 0, 9)


WRITABLE = """CREATE FOREIGN TABLE {} (id bigint OPTIONS (key 'true'), a text DEFAULT 'd', n numeric(9,2), t timestamptz)
              SERVER bad OPTIONS (endpoint '/x', row_endpoint '/x/{{id}}', insert_method 'POST', update_method 'PATCH',
              delete_method 'DELETE')"""


@pytest.fixture(scope="module")
def writable(own_server: tuple[PostgresServer, Path]) -> None:
    with connect(*own_server) as made:
        for name in ("echo", "rows:5", "nobody", "exit:1", "error:23505", "silence"):
            made.execute(sql.SQL(WRITABLE).format(sql.Identifier(name)))


def told(connection: Connection, statement: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    return str(caught.value.diag.message_primary)


def test_writes(session: Connection, writable: None) -> None:
    assert told(session, "INSERT INTO echo VALUES (1, 'x', 1.5, '2024-01-01 00:00+02'), (2, NULL, NULL, NULL)") == (
        "0/0: 1,x,1.50,2023-12-31 22:00:00+00 2,NULL,NULL,NULL")
    assert told(session, "INSERT INTO echo (id) SELECT generate_series(1, 3)") == "0/0: 1,d 2,d 3,d"
    assert told(session, "INSERT INTO echo (id) SELECT generate_series(1, 1000)").count(" ") == 100
    assert session.execute("INSERT INTO \"rows:5\" (id, a) SELECT i, 'é' FROM generate_series(1, 1234) i").rowcount == 1234
    assert session.execute("INSERT INTO \"rows:5\" (id) VALUES (7) RETURNING *").fetchall() == [(7, "d", None, None)]
    assert told(session, "INSERT INTO \"error:23505\" (id) VALUES (7)") == "the source says no"
    assert "(exit code 1)" in told(session, "INSERT INTO \"exit:1\" (id) VALUES (7)")
    with session.cursor() as cursor, cursor.copy("COPY \"rows:5\" (id, a) FROM STDIN") as copy:
        for number in range(250):
            copy.write_row((number, "x"))


@pytest.mark.quiet
def test_statement_timeout_of_a_write(session: Connection, writable: None) -> None:
    session.execute("SET statement_timeout = '100ms'")
    begin = time.monotonic()
    assert told(session, "INSERT INTO silence (id) VALUES (7)") == "canceling statement due to statement timeout"
    assert time.monotonic() - begin < 0.1 + LIMIT_SECONDS


def test_updates_and_deletes(session: Connection, writable: None) -> None:
    for statement in ("UPDATE \"rows:5\" SET a = 'new' WHERE id > 2", "DELETE FROM \"rows:5\" WHERE id > 2"):
        assert session.execute(statement).rowcount == 2
    assert session.execute("UPDATE \"rows:5\" SET n = id + 0.5 WHERE id = 3 RETURNING id, n").fetchall()[0][0] == 3
    assert session.execute("DELETE FROM \"rows:5\" WHERE id = 4 RETURNING id").fetchall() == [(4,)]
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        session.execute("INSERT INTO \"rows:5\" (id) VALUES (1) ON CONFLICT DO NOTHING")
    session.execute("ALTER FOREIGN TABLE \"rows:5\" OPTIONS (ADD updatable 'false')")
    assert "does not allow" in told(session, "DELETE FROM \"rows:5\"")
    session.execute("ALTER FOREIGN TABLE \"rows:5\" OPTIONS (DROP updatable)")


def test_triggers_may_set_any_column(session: Connection, writable: None) -> None:
    session.execute("CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 42; RETURN NEW; END $$")
    session.execute("CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON echo FOR EACH ROW EXECUTE FUNCTION stamp()")
    assert told(session, "INSERT INTO echo (id) VALUES (1)") == "0/0: 1,d,42.00,NULL"
    session.execute("DROP FUNCTION stamp CASCADE")
    assert told(session, "INSERT INTO echo (id) VALUES (1)") == "0/0: 1,d"


def test_partitions_that_are_written(session: Connection, writable: None) -> None:
    """Rows that the hub moves to a foreign partition are inserted there; what cannot be meant is refused."""
    session.execute("CREATE TABLE parent (LIKE \"rows:5\") PARTITION BY LIST (id)")
    session.execute("CREATE TABLE local PARTITION OF parent FOR VALUES IN (77, 78)")
    session.execute("ALTER TABLE parent ATTACH PARTITION \"rows:5\" DEFAULT")
    assert session.execute("INSERT INTO parent (id) VALUES (3), (77)").rowcount == 2
    assert "ON CONFLICT" in told(session, "INSERT INTO parent (id) VALUES (3) ON CONFLICT DO NOTHING")
    assert "which the same UPDATE changes" in told(session, "UPDATE parent SET id = id - 72 WHERE id IN (3, 77)")
    assert session.execute("UPDATE parent SET id = 4 WHERE id = 77").rowcount == 1  # the partition is only moved to
    session.execute("ALTER TABLE parent DETACH PARTITION \"rows:5\"")
    session.execute("DROP TABLE parent")


def test_analyze(session: Connection) -> None:
    for name in ("rows:40000", "exit:3@batch"):
        make_table(session, name)
    session.execute('ANALYZE "rows:40000"')
    row = session.execute("SELECT reltuples FROM pg_class WHERE relname = 'rows:40000'").fetchone()
    assert row == (40000,)
    session.execute("ALTER FOREIGN TABLE \"rows:40000\" OPTIONS (ADD analyze_rows '3000')")
    session.execute('ANALYZE "rows:40000"')
    row = session.execute("SELECT most_common_vals IS NULL, n_distinct FROM pg_stats WHERE tablename = 'rows:40000' "
                          "AND attname = 'a'").fetchone()
    assert row == (True, -1)
    with pytest.raises(psycopg.Error, match="exit code 3"):
        session.execute('ANALYZE "exit:3@batch"')


def test_explain(session: Connection) -> None:
    table = make_table(session, "rows:2500")
    text = sql.SQL("EXPLAIN ({}) SELECT a FROM {} WHERE a % 2 = 0")
    source = children(backend(session))
    plan = "\n".join(row[0] for row in session.execute(text.format(sql.SQL("VERBOSE, COSTS OFF"), table)))
    assert "Remote request: " in plan and "Relation: " in plan and "Note: ((a % " in plan
    assert children(backend(session)) == source  # it asks nobody
    row = session.execute(text.format(sql.SQL("ANALYZE, FORMAT JSON"), table)).fetchone()
    assert row is not None
    node = row[0][0]["Plan"]
    # What bad_source says of itself, at the end and when it is stopped early.
    assert (node["Remote requests"], node["Bytes received"], node["Rows received"]) == (3, 1000, 2500)
    limited = sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) SELECT a FROM {} WHERE b ~ 'row' LIMIT 10").format(table)
    row = session.execute(limited).fetchone()
    assert row is not None
    node = row[0][0]["Plan"]["Plans"][0]
    assert (node["Remote requests"], node["Bytes received"], node["Rows received"]) == (3, 1000, 10)
