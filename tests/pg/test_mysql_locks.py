"""SELECT … FOR UPDATE and its like on tables of MariaDB: what is locked, for whom, until when, and which rows come."""
from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlite_files
from extension_build import Connection, Database
from harness.project import need_oracle
from scratch_servers import OracleServer, Scratch
from sql_sources import MariaDB, side_by_side, wait_until
from test_transactions import fail


@pytest.fixture(scope="module")
def source(scratch: Scratch) -> Iterator[MariaDB]:
    made = MariaDB(scratch)
    made.sql("CREATE TABLE jobs (id int PRIMARY KEY, state varchar(20), n int); CREATE TABLE owners (id int PRIMARY KEY, job int)")
    made.sql("CREATE TABLE plain (id int PRIMARY KEY) ENGINE=MyISAM; INSERT INTO plain VALUES (1); CREATE VIEW seen AS SELECT * FROM jobs WHERE id < 5")
    made.server.sql(f"CREATE USER looker@'%' IDENTIFIED BY '{made.server.password}'; GRANT SELECT ON d.* TO looker@'%'")
    yield made
    made.server.stop()


def prepare(source: MariaDB, session: Connection) -> None:
    source.add_to(session, "s")
    for table, columns in (("jobs", "id int OPTIONS (key 'true'), state text COLLATE \"C\", n int"), ("owners", "id int OPTIONS (key 'true'), job int"),
                           ("plain", "id int"), ("seen", "id int, state text COLLATE \"C\", n int")):
        session.execute(f"CREATE FOREIGN TABLE s.{table} ({columns}) SERVER s OPTIONS ({source.table_options(table)})")


@pytest.fixture
def connect(database: Database, scratch: Scratch) -> Iterator[Callable[[], Connection]]:
    with contextlib.ExitStack() as stack:
        def connect_one() -> Connection:
            connection = stack.enter_context(sqlite_files.connect(database, sqlite_files.program(scratch)))
            connection.execute("SET search_path = s, public")
            return connection

        yield connect_one


@pytest.fixture
def session(source: MariaDB, connect: Callable[[], Connection]) -> Iterator[Connection]:
    source.sql("DELETE FROM jobs; INSERT INTO jobs SELECT seq, 'new', 0 FROM seq_1_to_9; DELETE FROM owners; INSERT INTO owners SELECT seq, seq FROM seq_1_to_9")
    made = connect()
    prepare(source, made)
    yield made
    made.execute("ROLLBACK; DROP SERVER s CASCADE; DROP SCHEMA s CASCADE")


@pytest.fixture
def other(session: Connection, connect: Callable[[], Connection]) -> Connection:
    return connect()


def free(source: MariaDB, table: str = "jobs", mode: str = "FOR UPDATE") -> list[int]:
    """Rows that nobody has locked against it."""
    return [int(number) for number in source.sql(f"SELECT id FROM {table} ORDER BY id {mode} SKIP LOCKED").split()]


def without(*locked: int) -> list[int]:
    return [number for number in range(1, 10) if number not in locked]


def lock_waits(source: MariaDB, count: int, seconds: float = 10) -> bool:
    """So many sessions wait for locks. InnoDB counts anew only if nobody has looked for a tenth of a second."""
    def is_so() -> bool:
        time.sleep(0.15)
        return source.sql("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").strip() == str(count)

    return wait_until(is_so, seconds)


def test_rows_are_locked_there(source: MariaDB, session: Connection) -> None:
    for mode in ("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"):
        with session.transaction():
            assert session.execute(f"SELECT state FROM jobs WHERE id = 3 {mode}").fetchall() == [("new",)]
            assert free(source) == without(3)
            assert free(source, mode="LOCK IN SHARE MODE") == (without(3) if "UPDATE" in mode else without())
            session.execute("SELECT id + 1, upper(state) FROM jobs WHERE id IN (5, 6) ORDER BY state, id DESC FOR UPDATE")
            session.execute("SELECT count(*) FROM jobs")
            assert free(source) == without(3, 5, 6)
            session.execute("UPDATE jobs SET state = 'done' WHERE id = 3")
        assert free(source) == without()
        assert source.sql("SELECT state FROM jobs WHERE id = 3").strip() == "done"
        source.sql("UPDATE jobs SET state = 'new'")
    session.execute("SELECT * FROM jobs FOR UPDATE")
    assert free(source) == without()


def test_a_savepoint_gives_none_back(source: MariaDB, session: Connection) -> None:
    with session.transaction():
        session.execute("SELECT FROM jobs WHERE id = 3 FOR UPDATE")
        with pytest.raises(psycopg.errors.DivisionByZero), session.transaction():
            session.execute("SELECT FROM jobs WHERE id = 5 FOR UPDATE")
            session.execute("SELECT 1 / 0")
        assert free(source) == without(3, 5)
    assert free(source) == without()


def test_rows_that_others_have_locked(session: Connection, other: Connection) -> None:
    with other.transaction():
        other.execute("SELECT FROM jobs WHERE id IN (1, 2) FOR UPDATE")
        sql = "SELECT id FROM jobs WHERE id < 5 ORDER BY id FOR UPDATE SKIP LOCKED"
        assert session.execute(sql).fetchall() == [(3,), (4,)]
        assert session.execute("SELECT id FROM jobs WHERE id < 5 ORDER BY id LIMIT 1 FOR SHARE SKIP LOCKED").fetchall() == [(3,)]
        plan = "\n".join(str(row[0]) for row in session.execute("EXPLAIN (VERBOSE, COSTS OFF) " + sql).fetchall())
        assert "FOR UPDATE SKIP LOCKED" in plan
        for mode in ("FOR UPDATE", "FOR SHARE", "FOR KEY SHARE"):
            started = time.monotonic()
            assert fail(session, f"SELECT FROM jobs WHERE id = 1 {mode} NOWAIT").sqlstate == "55P03"
            assert time.monotonic() - started < 1
        assert session.execute("SELECT id FROM jobs WHERE id = 3 FOR UPDATE NOWAIT").fetchall() == [(3,)]
        assert session.execute("SELECT id FROM jobs WHERE id = 1").fetchall() == [(1,)]


@pytest.mark.quiet
@pytest.mark.parametrize("how", ["timeout", "pg_cancel_backend", "pg_terminate_backend"])
def test_a_wait_for_a_lock_ends_at_once(source: MariaDB, session: Connection, other: Connection, connect: Callable[[], Connection], how: str) -> None:
    victim = connect()
    with other.transaction():
        other.execute("SELECT FROM jobs WHERE id = 1 FOR UPDATE")
        told: list[float] = []
        if how == "timeout":
            victim.execute("SET statement_timeout = '400ms'")

        def tell() -> None:
            lock_waits(source, 1)
            told.append(time.monotonic())
            if how != "timeout":
                session.execute(f"SELECT {how}(%s)", [victim.info.backend_pid])

        thread = threading.Thread(target=tell)
        thread.start()
        started = time.monotonic()
        with pytest.raises(psycopg.Error) as caught:
            victim.execute("SELECT FROM jobs WHERE id = 1 FOR UPDATE")
        ended = time.monotonic()
        thread.join()
        assert caught.value.sqlstate == ("57P01" if how == "pg_terminate_backend" else "57014")
        assert ended - (started + 0.4 if how == "timeout" else told[0]) < 0.25
        assert lock_waits(source, 0, 3)
        if how != "pg_terminate_backend":
            assert victim.execute("SELECT id FROM jobs WHERE id = 2 FOR UPDATE").fetchall() == [(2,)]


def test_a_wait_that_the_server_ends(session: Connection, other: Connection) -> None:
    session.execute("ALTER SERVER s OPTIONS (ADD init_command 'SET innodb_lock_wait_timeout = 1')")
    with other.transaction():
        other.execute("SELECT FROM jobs WHERE id = 1 FOR UPDATE")
        assert fail(session, "SELECT FROM jobs WHERE id = 1 FOR UPDATE").sqlstate == "55P03"
        assert session.execute("SELECT id FROM jobs WHERE id = 2 FOR UPDATE").fetchall() == [(2,)]


def test_a_deadlock_is_one(source: MariaDB, session: Connection, other: Connection) -> None:
    lock = "SELECT FROM jobs WHERE id = {} FOR UPDATE"
    outcomes: list[str] = []

    def run(connection: Connection, number: int) -> None:
        try:
            connection.execute(lock.format(number))
            connection.execute("COMMIT")
            outcomes.append("done")
        except psycopg.Error as error:
            connection.execute("ROLLBACK")
            outcomes.append(str(error.sqlstate))

    session.execute("BEGIN; " + lock.format(1))
    other.execute("BEGIN; " + lock.format(2))
    thread = threading.Thread(target=run, args=(other, 1))
    thread.start()
    run(session, 2)
    thread.join()
    assert sorted(outcomes) == ["40P01", "done"]
    assert free(source) == without()


# ---- which rows come


def test_locked_rows_are_the_newest(source: MariaDB, session: Connection) -> None:
    with session.transaction():
        assert session.execute("SELECT sum(n) FROM jobs").fetchall() == [(0,)]
        source.sql("UPDATE jobs SET n = 7 WHERE id = 1")
        assert session.execute("SELECT n FROM jobs WHERE id = 1 FOR UPDATE").fetchall() == [(7,)]
        assert session.execute("SELECT n FROM jobs WHERE id = 1").fetchall() == [(0,)]  # of the snapshot
        session.execute("UPDATE jobs SET n = n + 1 WHERE id = 1")
        assert session.execute("SELECT n FROM jobs WHERE id = 1").fetchall() == [(8,)]


def test_a_snapshot_is_not_older_than_the_first_lock(source: MariaDB, session: Connection, other: Connection) -> None:
    other.execute("BEGIN; UPDATE jobs SET n = 7 WHERE id = 1")
    seen: list[object] = []

    def lock_and_look() -> None:
        with session.transaction():
            seen.extend(session.execute("SELECT n FROM jobs WHERE id = 1 FOR UPDATE").fetchall())
            seen.extend(session.execute("SELECT n FROM jobs WHERE id = 1").fetchall())

    thread = threading.Thread(target=lock_and_look)
    thread.start()
    assert lock_waits(source, 1)
    other.execute("COMMIT")
    thread.join()
    assert seen == [(7,), (7,)]


@pytest.mark.parametrize("update", ["UPDATE jobs SET n = {} WHERE id = 1", "UPDATE jobs SET n = {} + length(repeat('x', 0)) WHERE id = 1"])
def test_no_count_is_lost(source: MariaDB, session: Connection, connect: Callable[[], Connection], update: str) -> None:
    rounds = 20

    def count(connection: Connection) -> None:
        for _ in range(rounds):
            with connection.transaction():
                row = connection.execute("SELECT n FROM jobs WHERE id = 1 FOR UPDATE").fetchone()
                assert row is not None
                connection.execute(update.format(row[0] + 1))

    side_by_side(count, [connect() for _ in range(4)])
    assert source.sql("SELECT n FROM jobs WHERE id = 1").strip() == str(rounds * 4)


def test_a_queue(source: MariaDB, session: Connection, connect: Callable[[], Connection]) -> None:
    """Each job is taken once."""
    source.sql("INSERT INTO jobs SELECT seq, 'new', 0 FROM seq_10_to_60")
    taken: list[int] = []

    def work(connection: Connection) -> None:
        while True:
            with connection.transaction():
                row = connection.execute("SELECT id FROM jobs WHERE state = 'new' ORDER BY id FOR UPDATE SKIP LOCKED").fetchone()
                if row is None:
                    break
                connection.execute("UPDATE jobs SET state = 'done' WHERE id = %s", [row[0]])
            taken.append(row[0])

    side_by_side(work, [connect() for _ in range(3)])
    assert sorted(taken) == list(range(1, 61))


def test_joins_lock_what_they_name(source: MariaDB, session: Connection) -> None:
    sql = "SELECT jobs.id, owners.id FROM jobs JOIN owners ON owners.job = jobs.id WHERE jobs.id IN (1, 2) AND owners.id IN (1, 2, 3) ORDER BY 1 FOR UPDATE"
    with session.transaction():
        assert session.execute(sql + " OF owners").fetchall() == [(1, 1), (2, 2)]
        assert free(source) == without() and free(source, "owners") == without(1, 2, 3)
    with session.transaction():
        assert session.execute(sql).fetchall() == [(1, 1), (2, 2)]
        assert free(source) == without(1, 2) and free(source, "owners") == without(1, 2, 3)
    with session.transaction():
        session.execute("SELECT * FROM (SELECT id FROM jobs WHERE id = 4 OFFSET 0) j FOR UPDATE")
        session.execute("SELECT id FROM jobs WHERE id = 5 AND EXISTS (SELECT FROM owners WHERE owners.id = 7) FOR UPDATE OF jobs")
        assert free(source) == without(4, 5) and free(source, "owners") == without()
    with session.transaction():
        session.execute("DECLARE c CURSOR FOR SELECT id FROM jobs WHERE id > 6 FOR UPDATE")
        session.execute("FETCH 1 FROM c; UPDATE jobs SET n = 5 WHERE id = 1; FETCH ALL FROM c")
        assert free(source) == without(1, 7, 8, 9)


# ---- where it cannot be


def test_what_locks_no_rows(source: MariaDB, session: Connection) -> None:
    error = fail(session, "SELECT * FROM plain FOR UPDATE")
    assert error.sqlstate == "0A000" and "MyISAM" in str(error)
    assert session.execute("SELECT * FROM plain").fetchall() == [(1,)]
    with session.transaction():
        assert len(session.execute("SELECT * FROM seen WHERE id > 2 FOR UPDATE").fetchall()) == 2
        assert not {3, 4} & set(free(source))
    assert fail(session, "BEGIN READ ONLY; SELECT * FROM jobs FOR UPDATE").sqlstate == "25006"
    session.execute("ROLLBACK")


def test_who_may_only_read_may_lock(source: MariaDB, session: Connection) -> None:
    """MariaDB says so; MySQL 8 asks for the right to write."""
    session.execute("ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET user 'looker')")
    with session.transaction():
        session.execute("SELECT * FROM jobs WHERE id = 1 FOR UPDATE")
        assert free(source) == without(1)


# ---- writes


def test_rows_are_written_as_they_are_now(source: MariaDB, session: Connection, other: Connection) -> None:
    """The hub computes the new value, of a row that has changed since the transaction's snapshot."""
    for how in ("n + 1", "n + length(repeat('x', 1))"):
        source.sql("UPDATE jobs SET n = 0, state = 'new'")
        with session.transaction():
            session.execute("SELECT * FROM jobs")
            source.sql("UPDATE jobs SET n = 7 WHERE id = 1; UPDATE jobs SET state = 'done' WHERE id = 2")
            session.execute(f"UPDATE jobs SET n = {how} WHERE id < 4 AND state = 'new' || repeat('', 2)")
        assert source.sql("SELECT id, n FROM jobs WHERE id < 4").split() == ["1", "8", "2", "0", "3", "1"], how
    with session.transaction():
        session.execute("SELECT * FROM jobs")
        source.sql("UPDATE jobs SET n = 9 WHERE id = 1")
        session.execute("DELETE FROM jobs WHERE id < 4 AND length(repeat('x', n)) < 3")
    assert source.sql("SELECT id, n FROM jobs WHERE id < 4").split() == ["1", "9"]


def test_no_update_is_lost(source: MariaDB, session: Connection, connect: Callable[[], Connection]) -> None:
    rounds = 20

    def count(connection: Connection) -> None:
        for _ in range(rounds):
            connection.execute("UPDATE jobs SET n = n + length(repeat('x', 1)) WHERE id = 1")

    side_by_side(count, [connect() for _ in range(4)])
    assert source.sql("SELECT n FROM jobs WHERE id = 1").strip() == str(rounds * 4)


def test_tables_without_locks_are_written(source: MariaDB, session: Connection) -> None:
    session.execute("CREATE FOREIGN TABLE s.p (id int OPTIONS (key 'true')) SERVER s OPTIONS (\"table\" 'plain')")
    session.execute("UPDATE p SET id = id + length(repeat('x', 1))")
    assert session.execute("SELECT * FROM p").fetchall() == [(2,)]
    session.execute("UPDATE p SET id = id - length(repeat('x', 1))")


# ---- Oracle's server


def test_oracles_server(scratch: Scratch, connect: Callable[[], Connection]) -> None:
    """Of 5.6: what it has not got is an error."""
    need_oracle()
    with OracleServer(scratch, {}) as oracle, connect() as session, connect() as other:
        oracle.sql("CREATE DATABASE d; CREATE TABLE d.jobs (id int PRIMARY KEY, n int) ENGINE=InnoDB; INSERT INTO d.jobs VALUES (1, 0), (2, 0); "
                   "CREATE TABLE d.plain (id int) ENGINE=MyISAM")
        session.execute(f"CREATE SERVER s FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{oracle.host}', port '{oracle.port}', database 'd')")
        session.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (user '{oracle.username}', password '{oracle.password}')")
        session.execute("CREATE SCHEMA s; CREATE FOREIGN TABLE s.jobs (id int OPTIONS (key 'true'), n int) SERVER s; CREATE FOREIGN TABLE s.plain (id int) SERVER s")
        for mode in ("FOR UPDATE", "FOR SHARE"):
            with session.transaction():
                assert session.execute(f"SELECT n FROM jobs WHERE id = 1 {mode}").fetchall() == [(0,)]
                other.execute("SET statement_timeout = '500ms'")
                assert fail(other, "SELECT n FROM jobs WHERE id = 1 FOR UPDATE").sqlstate == "57014"
                assert other.execute("SELECT n FROM jobs WHERE id = 2 FOR UPDATE").fetchall() == [(0,)]
        for waits, word in (("NOWAIT", "NOWAIT"), ("SKIP LOCKED", "SKIP LOCKED")):
            error = fail(session, f"SELECT n FROM jobs FOR UPDATE {waits}")
            assert error.sqlstate == "0A000" and word in str(error)
        assert fail(session, "SELECT * FROM plain FOR SHARE").sqlstate == "0A000"
        session.execute("DROP SERVER s CASCADE; DROP SCHEMA s CASCADE")
