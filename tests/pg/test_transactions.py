"""Transactions of sources follow the hub's: what goes to the source, what stays of it, and what nobody may lose.

The first half talks to tests/harness/bad_source.c, which says what it was told; the second writes a SQLite file.
"""
from __future__ import annotations

import os
import random
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
import sqlite_files
from extension_build import Connection, Database, build_folder
from harness.hub import is_alive
from psycopg import sql
from scratch_servers import Scratch
from sqlite_files import File

# A stop has this long, whatever the source does.
LIMIT_SECONDS = 0.250


@pytest.fixture(scope="module")
def bad(scratch: Scratch) -> Path:
    copy = scratch.path / "bad_source"
    if not copy.exists():
        shutil.copy(build_folder() / "bad_source", copy)
    return copy


@pytest.fixture
def session(database: Database, bad: Path) -> Iterator[Connection]:
    """Foreign tables of bad_source are "NAME ACT": both servers have a table of each name."""
    with sqlite_files.connect(database, bad) as made:
        yield made


def serve(session: Connection, server: str, *tables: str) -> None:
    """A server of that name, and tables in a schema of that name."""
    name = sql.Identifier(server)
    session.execute(sql.SQL("DROP SERVER IF EXISTS {} CASCADE; DROP SCHEMA IF EXISTS {} CASCADE; CREATE SCHEMA {}"
                            ).format(name, name, name))
    session.execute(sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER instant_sqlite OPTIONS (path '/nowhere.db', "
                            "read_only 'false')").format(name))
    for table in ("log", "rows:5", *tables):
        session.execute(sql.SQL("CREATE FOREIGN TABLE {}.{} (id bigint OPTIONS (key 'true'), n bigint) SERVER {}").format(
            name, sql.Identifier(table), name))


def log(session: Connection, server: str = "quiet") -> str:
    """What the source was told since it was asked last; l: this question."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(f'INSERT INTO "{server}".log VALUES (1)')
    return str(caught.value.diag.message_primary).partition(" ")[2].removeprefix("c1").strip()


def fail(session: Connection, statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(statement)
    return caught.value


def children(session: Connection) -> list[int]:
    pid = session.info.backend_pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def kill(session: Connection) -> None:
    for pid in children(session):
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: not is_alive(pid))


READ, WRITE = 'SELECT count(*) FROM quiet."rows:5"', 'INSERT INTO quiet."rows:5" VALUES (1, 2)'


# ---- what the source is told

def told(session: Connection, *statements: str) -> str:
    """Of these statements, whose errors are caught; numbers of transactions aside."""
    log(session)
    for statement in statements:
        try:
            session.execute(statement)
        except psycopg.Error:
            pass
    if session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        session.execute("ROLLBACK")
    words = log(session).split()
    return " ".join(word.partition(":")[0] for word in words if not word.startswith("l")).removeprefix("r1").strip()


CASES = [
    ([READ], "o1 c1"), ([WRITE], "m1 c1"), ([READ, READ], "o1 c1 o1 c1"), (["BEGIN", READ, READ, "COMMIT"], "o1 o1 c1"),
    (["BEGIN", READ, WRITE, "COMMIT"], "o1 m1 c1"), (["BEGIN", WRITE, "ROLLBACK"], "m1 r1"), (["BEGIN", READ, "ROLLBACK"], "o1 r1"),
    (["BEGIN", WRITE, "SELECT 1/0", "COMMIT"], "m1 r1"), (["BEGIN", "COMMIT"], ""), (["SELECT 1"], ""),
    (["BEGIN", "SAVEPOINT a", WRITE, "ROLLBACK TO a", WRITE, "RELEASE a", "COMMIT"], "m2 r2 m2 c2 c1"),
    (["BEGIN", "SAVEPOINT a", READ, "ROLLBACK TO a", READ, "RELEASE a", "COMMIT"], "o2 o2 c1"),
    (["BEGIN", WRITE, "SAVEPOINT a", READ, "RELEASE a", "COMMIT"], "m1 o2 c2 c1"),
    (["BEGIN", WRITE, "SAVEPOINT a", "SELECT 1/0", "ROLLBACK TO a", "COMMIT"], "m1 c1"),
    (["BEGIN", "SAVEPOINT a", "SAVEPOINT b", WRITE, "ROLLBACK TO a", "COMMIT"], "m3 r3 r2 c1"),
    (["BEGIN", "SAVEPOINT a", WRITE, "SAVEPOINT b", WRITE, "RELEASE a", WRITE, "COMMIT"], "m2 m3 c3 c2 m1 c1"),
    (["BEGIN", "SAVEPOINT a", WRITE, "ROLLBACK"], "m2 r2 r1"),
    (["BEGIN", WRITE, "COMMIT AND CHAIN", WRITE, "COMMIT"], "m1 c1 m1 c1"),
    ([f"DO $$ BEGIN {WRITE}; BEGIN {WRITE}; PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN {WRITE}; END; END $$"],
     "m1 m2 r2 m1 c1"),
    ([f"DO $$ DECLARE n bigint; BEGIN BEGIN {READ} INTO n; PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN {READ} INTO n; END; END $$"],
     "o2 o1 c1"),
    ([f"DO $$ BEGIN FOR i IN 1..2 LOOP {WRITE}; COMMIT; END LOOP; {WRITE}; ROLLBACK; END $$"], "m1 c1 m1 c1 m1 r1"),
    (['UPDATE quiet."rows:5" SET n = 1 WHERE id = 2'], "m1 c1"),  # one statement
    (['UPDATE quiet."rows:5" SET n = length(repeat(\'x\', id::int))'], "o1 m1 c1"),  # by key, together
    (['UPDATE quiet."rows:5" SET n = (SELECT count(*) FROM quiet."rows:5" x WHERE x.id < "rows:5".id)'], None),
]


@pytest.mark.parametrize(("statements", "wanted"), CASES, ids=lambda case: str(case)[:60])
def test_what_the_source_is_told(session: Connection, statements: list[str], wanted: str | None) -> None:
    serve(session, "quiet")
    got = told(session, *statements)
    if wanted is not None:
        assert got == wanted


def test_each_transaction_has_a_number_of_its_own(session: Connection) -> None:
    serve(session, "quiet")
    log(session)
    for statement in ("BEGIN", READ, "SAVEPOINT a", WRITE, "COMMIT", READ):
        session.execute(statement)
    words = log(session).split()
    # The question before was rolled back; then two transactions, which are another each.
    assert [word.partition(":")[0] for word in words] == ["r1", "o1", "m2", "c2", "c1", "o1", "c1"]
    assert [i for i, word in enumerate(words) if ":" in word] == [1, 5]


def test_a_change_of_the_server_waits_for_the_end(session: Connection) -> None:
    serve(session, "quiet")
    with session.transaction():
        session.execute(WRITE)
        before = children(session)
        session.execute("ALTER SERVER quiet OPTIONS (ADD fetch_rows '77')")
        session.execute(WRITE)
        session.execute(READ)
        assert children(session) == before
    session.execute(READ)
    assert children(session) != before


# ---- ends that go wrong

def test_a_commit_that_fails_is_the_hubs(session: Connection) -> None:
    serve(session, "commit:error:23503")
    session.execute("CREATE TABLE IF NOT EXISTS mine (i int)")
    session.execute("BEGIN")
    session.execute('INSERT INTO "commit:error:23503"."rows:5" VALUES (1)')
    session.execute("INSERT INTO mine VALUES (1)")
    error = fail(session, "COMMIT")
    assert error.sqlstate == "23503" and 'commit on server "commit:error:23503"' in str(error.diag.context)
    assert session.execute("SELECT count(*) FROM mine").fetchone() == (0,)
    assert len(session.execute('SELECT id FROM "commit:error:23503"."rows:5"').fetchall()) == 5
    session.execute('SELECT count(*) FROM "commit:error:23503"."rows:5"')  # the end of one that read may fail


@pytest.mark.parametrize("act", ["exit:3", "signal:9", "garbage", "eof", "unknown"])
def test_a_source_that_dies_in_the_commit(session: Connection, act: str) -> None:
    serve(session, f"commit:{act}")
    error = fail(session, f'INSERT INTO "commit:{act}"."rows:5" VALUES (1)')
    assert error.sqlstate == "08007" and "is not known" in str(error)
    assert session.execute("SELECT 1").fetchone() == (1,)
    assert len(session.execute(f'SELECT id FROM "commit:{act}"."rows:5"').fetchall()) == 5
    assert len(session.execute(f'SELECT id FROM "commit:{act}"."rows:5"').fetchall()) == 5


@pytest.mark.quiet
@pytest.mark.parametrize("act", ["silence", "spin", "quiet"])
def test_cancel_in_the_middle_of_a_commit(session: Connection, database: Database, act: str) -> None:
    serve(session, f"commit:{act}")
    notices: list[str] = []
    session.add_notice_handler(lambda diag: notices.append(str(diag.message_primary)))
    stopped: list[float] = []

    def stop() -> None:
        time.sleep(0.3)
        stopped.append(time.monotonic())
        database.server.sql(f"SELECT pg_cancel_backend({session.info.backend_pid})", database.name)

    thread = threading.Thread(target=stop)
    thread.start()
    error = fail(session, f'INSERT INTO "commit:{act}"."rows:5" VALUES (1)')
    end = time.monotonic()
    thread.join()
    assert error.sqlstate == "57014" and end - stopped[0] < LIMIT_SECONDS
    assert notices == [f'whether server "commit:{act}" has committed is not known']
    assert session.execute("SELECT 1").fetchone() == (1,)
    wait_for(lambda: children(session) == [])


@pytest.mark.quiet
@pytest.mark.parametrize("act", ["silence", "spin", "quiet", "exit:3", "error:XX000", "garbage"])
def test_a_rollback_is_bounded_and_never_an_error(session: Connection, act: str) -> None:
    serve(session, f"rollback:{act}")
    session.execute("BEGIN")
    session.execute(f'INSERT INTO "rollback:{act}"."rows:5" VALUES (1)')
    pids = children(session)
    begin = time.monotonic()
    session.execute("ROLLBACK")
    assert time.monotonic() - begin < LIMIT_SECONDS
    if act != "error:XX000":
        wait_for(lambda: not any(map(is_alive, pids)))
    assert len(session.execute(f'SELECT id FROM "rollback:{act}"."rows:5"').fetchall()) == 5


@pytest.mark.quiet
def test_a_slow_rollback_of_a_savepoint_is_waited_for_at_the_next_use(session: Connection) -> None:
    serve(session, "rollback:later:300")
    session.execute("BEGIN")
    session.execute('INSERT INTO "rollback:later:300"."rows:5" VALUES (1)')
    session.execute("SAVEPOINT a")
    session.execute('INSERT INTO "rollback:later:300"."rows:5" VALUES (1)')
    begin = time.monotonic()
    session.execute("ROLLBACK TO a")
    assert time.monotonic() - begin < LIMIT_SECONDS
    session.execute('INSERT INTO "rollback:later:300"."rows:5" VALUES (1)')
    assert time.monotonic() - begin > 0.25
    session.execute("COMMIT")


@pytest.mark.quiet
def test_nobody_waits_for_the_end_of_a_transaction_that_read(session: Connection) -> None:
    serve(session, "commit:later:400")
    begin = time.monotonic()
    session.execute('SELECT * FROM "commit:later:400"."rows:5"')
    assert time.monotonic() - begin < 0.35
    session.execute("SELECT 1")
    session.execute('SELECT * FROM "commit:later:400"."rows:5"')  # but the next use does
    assert 0.35 < time.monotonic() - begin < 0.8
    assert len(children(session)) == 1


def test_long_rows_come_in_several_messages(session: Connection) -> None:
    serve(session, "quiet")
    session.execute("CREATE FOREIGN TABLE quiet.wide (id bigint OPTIONS (key 'true'), a text) SERVER quiet")
    assert told(session, "INSERT INTO quiet.wide SELECT i, repeat('x', 600000) FROM generate_series(1, 5) i") == "m1 m1 m1 c1"
    assert told(session, "INSERT INTO quiet.wide SELECT i, repeat('x', 600) FROM generate_series(1, 5) i") == "m1 c1"
    done = session.execute("INSERT INTO quiet.wide SELECT i, repeat('x', 600000) FROM generate_series(1, 5) i")
    assert done.statusmessage == "INSERT 0 5"


def test_a_process_that_dies_after_it_wrote(session: Connection) -> None:
    serve(session, "quiet")
    session.execute("BEGIN")
    session.execute(WRITE)
    kill(session)
    error = fail(session, "COMMIT")
    assert error.sqlstate == "08006" and "is lost" in str(error) and "signal 9" in str(error.diag.message_detail)
    session.execute(WRITE)
    session.execute("BEGIN")
    session.execute(WRITE)
    kill(session)
    assert fail(session, READ).sqlstate == "08006"
    session.execute("ROLLBACK")
    session.execute(READ)


def test_a_process_that_dies_in_a_savepoint(session: Connection) -> None:
    serve(session, "quiet")
    session.execute("BEGIN")
    session.execute(READ)
    session.execute("SAVEPOINT a")
    session.execute(WRITE)
    kill(session)
    assert fail(session, WRITE).sqlstate == "08006"
    session.execute("ROLLBACK TO a")
    session.execute(WRITE)
    session.execute("COMMIT")
    session.execute("BEGIN")
    session.execute(WRITE)
    session.execute("SAVEPOINT a")
    session.execute(WRITE)
    kill(session)
    session.execute("ROLLBACK TO a")  # what was written before it is lost too
    assert fail(session, "COMMIT").sqlstate == "08006"


def test_a_process_that_dies_after_it_read(session: Connection) -> None:
    serve(session, "quiet")
    with session.transaction():
        session.execute(READ)
        kill(session)
        session.execute(READ)
        kill(session)
        session.execute("SAVEPOINT a")
    with session.transaction():
        session.execute(READ)
        kill(session)
    session.execute(READ)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_that_dies(session: Connection, level: str) -> None:
    serve(session, "quiet")
    session.execute(f"BEGIN ISOLATION LEVEL {level}")
    session.execute(READ)
    kill(session)
    error = fail(session, READ)
    assert error.sqlstate == "08006" and "snapshot" in str(error) and "signal 9" in str(error.diag.message_detail)
    session.execute("ROLLBACK")
    session.execute(READ)
    with session.transaction():
        session.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        session.execute(READ)
        kill(session)


def test_two_servers_of_which_one_cannot(session: Connection) -> None:
    serve(session, "quiet")
    serve(session, "commit:error:23503")
    session.execute("BEGIN")
    session.execute(WRITE)
    session.execute('INSERT INTO "commit:error:23503"."rows:5" VALUES (1)')
    error = fail(session, "COMMIT")
    assert error.sqlstate == "23503" and 'server "quiet" has committed already' in str(error.diag.context)
    log(session)
    session.execute("BEGIN")
    session.execute('INSERT INTO "commit:error:23503"."rows:5" VALUES (1)')
    session.execute(WRITE)  # later: it is rolled back
    error = fail(session, "COMMIT")
    assert "already" not in str(error.diag.context)
    assert [word.partition(":")[0] for word in log(session).split()] == ["r1", "m1", "r1"]


def test_prepare_transaction_is_refused(session: Connection) -> None:
    serve(session, "quiet")
    session.execute("BEGIN")
    session.execute(READ)
    error = fail(session, "PREPARE TRANSACTION 'p'")
    assert error.sqlstate == "0A000" and 'used server "quiet"' in str(error)
    session.execute(READ)


def test_the_end_of_a_session_ends_its_processes(session: Connection, database: Database, bad: Path) -> None:
    serve(session, "rollback:silence")
    with sqlite_files.connect(database, bad) as other:
        other.execute("BEGIN")
        other.execute('INSERT INTO "rollback:silence"."rows:5" VALUES (1)')
        pids = children(other)
        database.server.sql(f"SELECT pg_terminate_backend({other.info.backend_pid})", database.name)
        wait_for(lambda: not any(map(is_alive, pids)), 2)
        with pytest.raises(psycopg.Error):
            other.execute("SELECT 1")


# ---- a file

@pytest.fixture(scope="module")
def writer(database: Database, scratch: Scratch) -> Iterator[Connection]:
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as made:
        yield made


@pytest.fixture(params=["rollback journal", "wal"])
def file(writer: Connection, scratch: Scratch, request: pytest.FixtureRequest) -> Iterator[File]:
    made = sqlite_files.make_file(scratch, writer, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                  "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)", wal=request.param == "wal")
    yield made
    if writer.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        writer.execute("ROLLBACK")
    sqlite_files.drop(writer, made)


def test_others_see_it_after_the_commit(writer: Connection, file: File) -> None:
    writer.execute("BEGIN")
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (3,)
    writer.execute("INSERT INTO t VALUES (4, 4)")
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (4,)
    assert file.rows("SELECT count(*) FROM t") == [(3,)]
    writer.execute("COMMIT")
    assert file.rows("SELECT count(*) FROM t") == [(4,)]
    writer.execute("BEGIN")
    writer.execute("DELETE FROM t")
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (0,)
    writer.execute("ROLLBACK")
    assert file.rows("SELECT count(*) FROM t") == [(4,)]


def random_transaction(session: Connection, seed: int) -> None:
    """To the tables t and local the same happens."""
    chance = random.Random(seed)
    open_levels: list[str] = []
    session.execute("BEGIN")
    for _ in range(chance.randrange(4, 25)):
        what = chance.choice(["insert", "update", "by key", "delete", "bad", "savepoint", "savepoint", "to", "release", "read", "block"])
        number = chance.randrange(30)
        if what == "savepoint":
            open_levels.append(f"s{len(open_levels)}")
            session.execute(f"SAVEPOINT {open_levels[-1]}")
        elif what in ("to", "release"):
            if open_levels:
                at = chance.randrange(len(open_levels))
                session.execute(f"{'ROLLBACK TO' if what == 'to' else 'RELEASE'} {open_levels[at]}")
                del open_levels[at + (what == "to"):]
        elif what == "read":
            both = [session.execute(f"SELECT id, n FROM {table} ORDER BY id").fetchall() for table in ("t", "local")]
            assert both[0] == both[1], seed
        elif what == "bad":
            session.execute("SAVEPOINT bad")
            fail(session, f"WITH x AS (INSERT INTO local VALUES ({number + 100}, 0)) "
                 f"INSERT INTO t SELECT {number + 100} + i, 1 / (1 - i) FROM generate_series(0, 1) i")
            fail(session, "SELECT 1")
            session.execute("ROLLBACK TO bad; RELEASE bad")
        else:
            run_both(session, what, number)
    session.execute(chance.choice(["COMMIT", "COMMIT", "ROLLBACK"]))


def test_random_transactions(writer: Connection, file: File) -> None:
    """Against a local table."""
    writer.execute("DROP TABLE IF EXISTS local; CREATE TABLE local AS SELECT * FROM t; ALTER TABLE local ADD PRIMARY KEY (id)")
    for seed in range(12):
        random_transaction(writer, seed)
        here = writer.execute("SELECT id, n FROM local ORDER BY id").fetchall()
        assert file.rows("SELECT id, n FROM t ORDER BY id") == here, seed


def run_both(session: Connection, what: str, number: int) -> None:
    for table in ("t", "local"):
        conflict = "ON CONFLICT DO NOTHING"
        statements = {
            "insert": f"INSERT INTO {table} VALUES ({number}, {number}), ({number + 40}, 0) {conflict}",
            "update": f"UPDATE {table} SET n = n + 1 WHERE id % 3 = {number % 3} OR id < {number}",
            "by key": f"UPDATE {table} SET n = length(repeat('x', {number})) WHERE id >= {number}",
            "delete": f"DELETE FROM {table} WHERE id = {number}",
            "block": f"""DO $$ BEGIN
                INSERT INTO {table} VALUES ({number + 80}, 1) {conflict};
                BEGIN
                    UPDATE {table} SET n = 1000 WHERE id > {number};
                    PERFORM 1 / ({number} % 2);
                EXCEPTION WHEN division_by_zero THEN
                    DELETE FROM {table} WHERE id = {number + 1};
                END; END $$""",
        }
        session.execute(statements[what])


def test_reads_leave_nothing_open(writer: Connection, file: File) -> None:
    writer.execute("SELECT * FROM t")
    other = sqlite3.connect(file.path, timeout=0, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("INSERT INTO t VALUES (9, 9)")
    other.execute("COMMIT")
    writer.execute("BEGIN")
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (4,)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("ROLLBACK")
    other.close()
    writer.execute("COMMIT")


def test_another_program_writes(writer: Connection, file: File) -> None:
    other = sqlite3.connect(file.path, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    error = fail(writer, "INSERT INTO t VALUES (8, 8)")
    assert error.sqlstate == "55P03" and 0.4 < time.monotonic() - begin < 2
    other.execute("ROLLBACK")
    writer.execute("INSERT INTO t VALUES (8, 8)")
    writer.execute("BEGIN")
    assert writer.execute("SELECT n FROM t WHERE id = 1").fetchone() == (1,)
    other.execute("UPDATE t SET n = 50 WHERE id = 1")
    by_key = "UPDATE t SET n = length(repeat('x', n::int)) + 1 WHERE id = 1 AND pg_sleep({}) IS NOT NULL"
    writer.execute(by_key.format(0))  # reads anew
    writer.execute("COMMIT")
    assert file.rows("SELECT n FROM t WHERE id = 1") == [(51,)]
    thread = threading.Timer(0.2, lambda: file.script("UPDATE t SET n = 60 WHERE id = 1"))
    thread.start()
    error = fail(writer, by_key.format(0.5))
    assert error.sqlstate == "40001" and "another program has changed" in str(error)
    thread.join()
    assert file.rows("SELECT n FROM t WHERE id = 1") == [(60,)]
    other.close()


def test_two_sessions(writer: Connection, file: File, database: Database, scratch: Scratch) -> None:
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as other:
        writer.execute("BEGIN")
        writer.execute("UPDATE t SET n = 7 WHERE id = 1")
        assert other.execute("SELECT n FROM t WHERE id = 1").fetchone() == (1,)
        assert fail(other, "UPDATE t SET n = 8 WHERE id = 1").sqlstate == "55P03"
        writer.execute("COMMIT")
        other.execute("UPDATE t SET n = n + 1 WHERE id = 1")
        assert writer.execute("SELECT n FROM t WHERE id = 1").fetchone() == (8,)


def test_cursors(writer: Connection, file: File) -> None:
    file.script("INSERT INTO t WITH RECURSIVE i(v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM i WHERE v < 50099) SELECT v, v FROM i")
    writer.execute("BEGIN")
    writer.execute("DECLARE before CURSOR FOR SELECT id FROM t ORDER BY id")
    assert len(writer.execute("FETCH 100 FROM before").fetchall()) == 100
    writer.execute("DELETE FROM t WHERE id > 1000")
    writer.execute("DECLARE after CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id")
    assert len(writer.execute("FETCH 10 FROM after").fetchall()) == 10
    assert len(writer.execute("FETCH ALL FROM before").fetchall()) == 50003 - 100  # as it was
    writer.execute("SAVEPOINT a")
    writer.execute("INSERT INTO t VALUES (60000, 0)")
    writer.execute("DECLARE inner_one CURSOR FOR SELECT id FROM t")
    writer.execute("FETCH 1 FROM inner_one")
    writer.execute("ROLLBACK TO a")
    assert len(writer.execute("FETCH 10 FROM after").fetchall()) == 10
    writer.execute("COMMIT")
    assert len(writer.execute("FETCH ALL FROM after").fetchall()) == 904 - 20
    writer.execute("CLOSE after")
    assert file.rows("SELECT count(*), max(id) FROM t") == [(904, 1000)]


def test_a_cursor_that_began_to_read_in_what_is_rolled_back(writer: Connection, file: File) -> None:
    """It saw what is undone: it does not go on, with the rows of its first batch neither."""
    file.script("INSERT INTO t WITH RECURSIVE i(v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM i WHERE v < 20099) SELECT v, v FROM i")
    writer.execute("BEGIN")
    writer.execute("UPDATE t SET n = 0 WHERE id = 1")
    writer.execute("DECLARE c CURSOR FOR SELECT id, n FROM t ORDER BY id")
    writer.execute("SAVEPOINT a")
    writer.execute("UPDATE t SET n = 9 WHERE id = 2")
    assert writer.execute("FETCH 2 FROM c").fetchall() == [(1, 0), (2, 9)]
    writer.execute("ROLLBACK TO a")
    assert fail(writer, "FETCH 1 FROM c").sqlstate == "24000"
    writer.execute("ROLLBACK TO a")
    writer.execute("CLOSE c")
    assert writer.execute("SELECT n FROM t WHERE id = 2").fetchone() == (2,)
    writer.execute("COMMIT")


@pytest.mark.quiet
def test_cancel_of_a_write(writer: Connection, file: File) -> None:
    writer.execute("SET statement_timeout = '300ms'")
    begin = time.monotonic()
    error = fail(writer, "INSERT INTO t SELECT i, i FROM generate_series(1000, 100000000) i")
    assert error.sqlstate == "57014" and time.monotonic() - begin < 0.3 + LIMIT_SECONDS
    file.script("CREATE TABLE big AS WITH RECURSIVE i(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM i WHERE v < 3000) SELECT v FROM i")
    file.script("CREATE TRIGGER slow BEFORE UPDATE ON t BEGIN SELECT count(*) FROM big a, big b, big c WHERE a.v + b.v + c.v = -1; END")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t VALUES (50, 50)")
    writer.execute("SAVEPOINT a")
    begin = time.monotonic()
    assert fail(writer, "UPDATE t SET n = 0").sqlstate == "57014"
    assert time.monotonic() - begin < 0.3 + LIMIT_SECONDS
    writer.execute("ROLLBACK TO a")
    # SQLite has rolled back everything: then nothing may be committed.
    assert fail(writer, "COMMIT").sqlstate == "08006"
    writer.execute("RESET statement_timeout")
    assert file.rows("SELECT count(*), max(id) FROM t") == [(3, 3)]


def test_kill_between_write_and_commit(writer: Connection, file: File) -> None:
    for by_key in (False, True):
        writer.execute("BEGIN")
        writer.execute("UPDATE t SET n = " + ("length(repeat('x', 9))" if by_key else "9"))
        kill(writer)
        assert fail(writer, "COMMIT").sqlstate == "08006"
        assert file.rows("SELECT sum(n) FROM t") == [(6,)]
    writer.execute("UPDATE t SET n = 9")
    assert file.rows("SELECT sum(n) FROM t") == [(27,)]


def test_two_files(writer: Connection, file: File, scratch: Scratch) -> None:
    other = sqlite_files.make_file(scratch, writer, "CREATE TABLE o (id INTEGER PRIMARY KEY)")
    with writer.transaction():
        writer.execute("INSERT INTO t VALUES (10, 1)")
        writer.execute("INSERT INTO o SELECT id FROM t")
    assert other.rows("SELECT count(*) FROM o") == file.rows("SELECT count(*) FROM t") == [(4,)]
    writer.execute("BEGIN")
    writer.execute("DELETE FROM t")
    writer.execute("DELETE FROM o")
    writer.execute("ROLLBACK")
    assert other.rows("SELECT count(*) FROM o") == file.rows("SELECT count(*) FROM t") == [(4,)]
    sqlite_files.drop(writer, other)


def test_the_isolation_of_a_serializable_transaction(writer: Connection, file: File) -> None:
    writer.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
    writer.execute("SELECT * FROM t")
    file.script("INSERT INTO t VALUES (70, 0)")
    writer.execute("SELECT * FROM t")
    assert "another program has changed" in str(fail(writer, "INSERT INTO t VALUES (71, 0)"))
    writer.execute("ROLLBACK")


def test_nothing_is_left_behind(writer: Connection, file: File) -> None:
    """Memory of the session and of its source process, after as many transactions of each kind."""
    def some() -> None:
        for number in range(30):
            writer.execute("SELECT * FROM t")
            writer.execute(f"INSERT INTO t VALUES ({1000 + number}, 1)")
            writer.execute("BEGIN; SAVEPOINT a; INSERT INTO t VALUES (9999, 1); ROLLBACK TO a; DELETE FROM t WHERE id > 999")
            writer.execute("ROLLBACK" if number % 2 else "COMMIT")
            fail(writer, "UPDATE t SET n = length(repeat('x', n::int)) / 0 WHERE id = 1")

    def size() -> tuple[int, int]:
        row = writer.execute("SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name LIKE 'instant%'").fetchone()
        (pid,) = children(writer)
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        assert row is not None
        return int(row[0]), pages * 4096

    kill(writer)
    writer.execute("SELECT * FROM t")
    some()
    session_before, source_before = size()
    for _ in range(3):
        some()
    session_after, source_after = size()
    assert session_after <= session_before + 1024
    assert source_after < source_before + (3 << 20)


def test_deaths_at_any_moment(writer: Connection, file: File) -> None:
    """What the hub has committed the source has too, and nothing else; but where nobody can know."""
    writer.execute("DROP TABLE IF EXISTS local; CREATE TABLE local (id bigint, n bigint)")
    chance = random.Random(20261130)
    is_over = threading.Event()
    outcomes: list[str] = []

    def kill_now_and_then() -> None:
        while not is_over.wait(chance.uniform(0.001, 0.03)):
            if outcomes[-2:] != ["done"] * 2:
                continue
            for pid in children(writer):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    thread = threading.Thread(target=kill_now_and_then)
    thread.start()
    try:
        for number in range(100, 260):
            try:
                writer.execute("BEGIN")
                writer.execute(f"INSERT INTO local VALUES ({number}, 0)")
                writer.execute(f"INSERT INTO t VALUES ({number}, 0)")
                if number % 3 == 0:
                    writer.execute("SAVEPOINT a")
                    writer.execute(f"UPDATE t SET n = n + 1 WHERE id = {number}")
                    writer.execute("ROLLBACK TO a" if number % 2 else "RELEASE a")
                writer.execute("COMMIT")
                outcomes.append("done")
            except psycopg.Error as error:
                writer.execute("ROLLBACK")
                outcomes.append(str(error.sqlstate))
    finally:
        is_over.set()
        thread.join()
    here = {row[0] for row in writer.execute("SELECT id FROM local")}
    there = {row[0] for row in file.rows("SELECT id FROM t WHERE id >= 100")}
    unknown = {100 + i for i, outcome in enumerate(outcomes) if outcome == "08007"}
    assert here - unknown == there - unknown and here <= there | unknown
    assert outcomes.count("done") > 10 and len(outcomes) - outcomes.count("done") > 3, outcomes
    assert set(outcomes) <= {"done", "08006", "08007", "HV000", "55P03"}, sorted(set(outcomes))
