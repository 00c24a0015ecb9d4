"""Transactions of MariaDB and PostgreSQL follow the hub's: random ones beside a local table, two sessions, deaths."""
from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
import sqlite_files
from extension_build import Connection, Database
from scratch_servers import Scratch
from sql_sources import SOURCES, SqlSource
from test_transactions import children, fail, kill, random_transaction


@pytest.fixture(scope="module", params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, scratch: Scratch) -> Iterator[SqlSource]:
    made: SqlSource = SOURCES[request.param](scratch)
    made.sql("CREATE TABLE t (id int PRIMARY KEY, n int)")
    yield made
    made.server.stop()


@pytest.fixture
def session(source: SqlSource, database: Database, scratch: Scratch) -> Iterator[Connection]:
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as made:
        source.sql("DELETE FROM t")
        source.sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
        source.add_to(made, "s")
        made.execute(f"CREATE FOREIGN TABLE t (id int OPTIONS (key 'true'), n int) SERVER s OPTIONS ({source.table_options('t')})")
        made.execute("CREATE TABLE local (id int PRIMARY KEY, n int); INSERT INTO local SELECT * FROM t")
        yield made
        made.execute("ROLLBACK; DROP SERVER s CASCADE; DROP SCHEMA s CASCADE; DROP TABLE local")


def there(source: SqlSource, what: str = "count(*)") -> list[str]:
    return source.sql(f"SELECT {what} FROM t").split()


def test_random_transactions(source: SqlSource, session: Connection) -> None:
    for seed in range(100, 125):
        random_transaction(session, seed)
        rows = session.execute("SELECT id, n FROM local ORDER BY id").fetchall()
        assert session.execute("SELECT id, n FROM t ORDER BY id").fetchall() == rows, seed
        number, total = len(rows), sum(row[1] for row in rows)
        assert there(source) == [str(number)] and there(source, "coalesce(sum(n), 0)") == [str(total)], seed


def test_two_sessions(source: SqlSource, session: Connection, database: Database, scratch: Scratch) -> None:
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as other:
        session.execute("BEGIN")
        session.execute("UPDATE t SET n = 7 WHERE id = 1")
        session.execute("INSERT INTO t VALUES (4, 4)")
        assert session.execute("SELECT sum(n) FROM t").fetchone() == (16,)
        assert other.execute("SELECT sum(n) FROM t").fetchone() == (6,)
        other.execute("UPDATE t SET n = 8 WHERE id = 2")
        session.execute("COMMIT")
        assert other.execute("SELECT sum(n) FROM t").fetchone() == (22,)
        # One snapshot for the whole transaction of the hub.
        session.execute("BEGIN")
        assert session.execute("SELECT count(*) FROM t").fetchone() == (4,)
        other.execute("DELETE FROM t WHERE id = 4")
        assert session.execute("SELECT count(*) FROM t").fetchone() == (4,)
        session.execute("COMMIT")
        assert session.execute("SELECT count(*) FROM t").fetchone() == (3,)


def test_kill_between_write_and_commit(source: SqlSource, session: Connection) -> None:
    for statement in ("UPDATE t SET n = 9", "UPDATE t SET n = length(repeat('x', 9))", "INSERT INTO t VALUES (9, 9)", "DELETE FROM t"):
        session.execute("BEGIN")
        session.execute(statement)
        kill(session)
        assert fail(session, "COMMIT").sqlstate == "08006"
        assert there(source, "sum(n)") == ["6"]
    session.execute("UPDATE t SET n = 9")
    assert there(source, "sum(n)") == ["27"]


def test_an_exception_for_each_row(source: SqlSource, session: Connection) -> None:
    session.execute("""DO $$ BEGIN FOR i IN 1..30 LOOP
        BEGIN
            INSERT INTO t VALUES (i, i);
        EXCEPTION WHEN unique_violation THEN
            UPDATE t SET n = n + 100 WHERE id = i;
        END;
    END LOOP; END $$""")
    assert there(source) == ["30"] and there(source, "sum(n)") == [str(sum(range(1, 31)) + 300)]


def test_reads_leave_nothing_open(source: SqlSource, session: Connection) -> None:
    session.execute("SELECT * FROM t")
    session.execute("SELECT 1")
    if source.wrapper == "instant_postgres":
        states = source.sql("SELECT DISTINCT state FROM pg_stat_activity WHERE datname = 'd' AND pid <> pg_backend_pid()").split()
        assert states in ([], ["idle"])
    else:
        assert source.sql("SELECT count(*) FROM information_schema.innodb_trx").split() == ["0"]
    source.sql("DROP TABLE IF EXISTS gone; CREATE TABLE gone (i int)")


def test_a_rollback_gives_locks_back_at_once(source: SqlSource, session: Connection) -> None:
    for _ in range(5):
        session.execute("BEGIN")
        session.execute("UPDATE t SET n = n + 1")
        before = children(session)
        session.execute("ROLLBACK")
        source.sql("UPDATE t SET n = n")
        assert children(session) == before  # it was asked, not killed


def test_cursors_go_on_beside_writes(source: SqlSource, session: Connection) -> None:
    session.execute("INSERT INTO t SELECT i, i FROM generate_series(100, 20099) i")
    session.execute("BEGIN")
    session.execute("DECLARE before CURSOR FOR SELECT id FROM t ORDER BY id")
    session.execute("FETCH 10 FROM before")
    session.execute("DELETE FROM t WHERE id > 1000")
    session.execute("DECLARE after CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id")
    assert len(session.execute("FETCH ALL FROM before").fetchall()) == 20003 - 10
    session.execute("SAVEPOINT a")
    session.execute("DELETE FROM t")
    assert session.execute("SELECT count(*) FROM t").fetchone() == (0,)
    session.execute("ROLLBACK TO a")
    session.execute("COMMIT")
    assert len(session.execute("FETCH ALL FROM after").fetchall()) == 904
    session.execute("CLOSE after")


def test_a_constraint_that_is_deferred(source: SqlSource, session: Connection) -> None:
    if source.wrapper != "instant_postgres":
        pytest.skip("MariaDB checks at once")
    source.sql("CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    session.execute(f"CREATE FOREIGN TABLE late (id int) SERVER s OPTIONS ({source.table_options('late')})")
    session.execute("BEGIN")
    session.execute("INSERT INTO late VALUES (1), (1)")
    session.execute("INSERT INTO local VALUES (99, 0)")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        session.execute("COMMIT")
    assert 'commit on server "s"' in str(caught.value.diag.context)
    assert session.execute("SELECT count(*) FROM local WHERE id = 99").fetchone() == (0,)
    session.execute("INSERT INTO late VALUES (1)")
    assert source.sql("SELECT count(*) FROM late").split() == ["1"]


def test_a_deadlock_is_one(source: SqlSource, session: Connection, database: Database, scratch: Scratch) -> None:
    """Whoever is chosen may try again."""
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as other:
        session.execute("BEGIN")
        other.execute("BEGIN")
        session.execute("UPDATE t SET n = 0 WHERE id = 1")
        other.execute("UPDATE t SET n = 0 WHERE id = 2")
        outcomes: list[str] = []

        def run(connection: Connection, number: int) -> None:
            try:
                connection.execute(f"UPDATE t SET n = 0 WHERE id = {number}")
                connection.execute("COMMIT")
                outcomes.append("done")
            except psycopg.Error as error:
                connection.execute("ROLLBACK")
                outcomes.append(str(error.sqlstate))

        thread = threading.Thread(target=run, args=(other, 1))
        thread.start()
        run(session, 2)
        thread.join()
        assert sorted(outcomes) == ["40P01", "done"]
        session.execute("UPDATE t SET n = 5")
        assert there(source, "sum(n)") == ["15"]
