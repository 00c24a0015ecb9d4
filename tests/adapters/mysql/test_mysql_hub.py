"""Whole queries: a hub with tables of MariaDB, what ends them, and what mysql_fdw is known to do wrong."""
from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from adapters.mysql.conftest import TlsServer
from harness.hub import Hub, Session, failure, is_alive, literals, memory_kb, sources, wait_until


@pytest.fixture(scope="module")
def rows(maria: TlsServer, database: str) -> str:
    maria.sql("CREATE TABLE big (id bigint PRIMARY KEY, g int, pad varchar(300)); INSERT INTO big SELECT seq, seq % 7, REPEAT('x', 200) FROM seq_1_to_300000; "
              "CREATE TABLE words (id int PRIMARY KEY, w varchar(20) COLLATE utf8mb4_general_ci, d date); CREATE INDEX w ON words (w); "
              "SET sql_mode = ''; INSERT INTO words VALUES (1, 'abc', '2024-01-01'), (2, 'ABC', '0000-00-00'), (3, 'abc ', NULL), (4, 'äbc', '2024-02-00'), (5, NULL, '2023-12-31'); "
              "CREATE TABLE nums (id int PRIMARY KEY, n int, u bigint unsigned); INSERT INTO nums VALUES (1, 7, 18446744073709551615), (2, 6, 1), (3, -7, 0), (4, NULL, NULL)", database)
    return database


@pytest.fixture
def fleet(site: Hub, sql: Session, maria: TlsServer, rows: str) -> Iterator[str]:
    name = f"fleet_{next(site.numbers)}"
    where = literals({"host": maria.host, "port": maria.port, "database": rows})
    sql.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_mysql OPTIONS ({where})")
    sql.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({literals({'user': maria.username, 'password': maria.password})})")
    sql.execute(f"CREATE SCHEMA {name}; IMPORT FOREIGN SCHEMA {rows} FROM SERVER {name} INTO {name}; SET search_path = {name}, public")
    yield name
    sql.execute(f"DROP SERVER {name} CASCADE; DROP SCHEMA {name} CASCADE")


def running(maria: TlsServer, mark: str) -> int:
    return int(maria.sql(f"SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%{mark}%'"))


def ended(is_so: Callable[[], bool]) -> float:
    before = time.monotonic()
    assert wait_until(is_so)
    return time.monotonic() - before


@pytest.fixture(scope="module", autouse=True)
def endless(maria: TlsServer, rows: str) -> Iterator[None]:
    maria.sql("CREATE VIEW endless AS SELECT a.id, SLEEP(0.01) + 0.5 AS n FROM big a", rows)
    yield
    # A query that a test has left would keep the database.
    for number in maria.sql("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%endless%'").split():
        maria.sql(f"KILL {number}")


@pytest.mark.quiet
def test_a_cancel_in_the_hub_ends_the_query_in_the_server(site: Hub, sql: Session, fleet: str, maria: TlsServer) -> None:
    sql.execute(f"SET statement_timeout = '400ms'; SET search_path = {fleet}")
    before = time.monotonic()
    assert failure(sql, "SELECT max(n) FROM endless").sqlstate == "57014"
    assert time.monotonic() - before < 0.4 + 0.5
    assert ended(lambda: running(maria, "endless") == 0) < 1.5
    sql.execute("SET statement_timeout = 0")
    caught: list[psycopg.Error] = []

    def ask() -> None:
        caught.append(failure(sql, "SELECT max(n) FROM endless"))

    thread = threading.Thread(target=ask)
    thread.start()
    ended(lambda: running(maria, "endless") == 1)
    before = time.monotonic()
    sql.cancel_safe()
    took = ended(lambda: running(maria, "endless") == 0)
    thread.join()
    assert caught[0].sqlstate == "57014" and took < 1.5 and time.monotonic() - before < 2
    assert sql.execute("SELECT count(*) FROM words").fetchone() == (5,)


@contextlib.contextmanager
def busy_machine() -> Iterator[None]:
    """More to do than there are processors, for as long as the block takes."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def end_in_mid_query(site: Hub, sql: Session, fleet: str, maria: TlsServer, end: str) -> float:
    """How long the query goes on in the server."""
    session = site.connect()
    session.execute(f"SET search_path = {fleet}")
    thread = threading.Thread(target=pytest.raises, args=(psycopg.Error, session.execute, "SELECT max(n) FROM endless"))
    thread.start()
    ended(lambda: running(maria, "endless") == 1)
    source = sources(session)[0]
    if end == "gone":
        session.cancel_safe()
        session.close()
    else:
        sql.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
    thread.join()
    took = ended(lambda: running(maria, "endless") == 0)
    ended(lambda: not is_alive(source))
    return took


@pytest.mark.parametrize("options", [{}, {"ssl_mode": "disable"}], ids=["tls", "plain"])
def test_a_session_that_ends_ends_its_query_in_the_server(site: Hub, sql: Session, fleet: str, maria: TlsServer, options: dict[str, str]) -> None:
    if options:
        sql.execute(f"ALTER SERVER {fleet} OPTIONS ({literals(options)})")
    for end in ("terminated", "gone"):
        assert end_in_mid_query(site, sql, fleet, maria, end) < 2, end


@pytest.mark.quiet
def test_a_session_that_ends_on_a_busy_machine(site: Hub, sql: Session, fleet: str, maria: TlsServer) -> None:
    """The source process outlives its session by a moment; the backend does not wait for it."""
    with busy_machine():
        took = [end_in_mid_query(site, sql, fleet, maria, "terminated") for _ in range(5)]
    assert max(took) < 4, took


def test_a_limit_that_the_hub_keeps_ends_the_rest(sql: Session, fleet: str, maria: TlsServer) -> None:
    before = time.monotonic()
    with sql.transaction():
        sql.execute("DECLARE c CURSOR FOR SELECT * FROM big")
        assert len(sql.execute("FETCH 10 FROM c").fetchall()) == 10
        first = time.monotonic() - before
        sql.execute("CLOSE c")
    assert first < 2
    assert ended(lambda: running(maria, "FROM .*big") == 0) < 1
    assert int(maria.sql("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Created_tmp_disk_tables'")) >= 0


def test_memory_of_backend_and_source_is_flat(sql: Session, fleet: str) -> None:
    sql.execute("SELECT count(pad || g) FROM big WHERE id < 10000").fetchall()
    backend = sql.info.backend_pid
    before = memory_kb(backend), memory_kb(sources(sql)[0])
    assert sql.execute("SELECT sum(length(pad || random())) > 0 FROM big").fetchone() == (True,)
    after = memory_kb(backend), memory_kb(sources(sql)[0])
    assert after[0] - before[0] < 20_000 and after[1] - before[1] < 40_000


def test_what_mysql_fdw_gets_wrong(sql: Session, fleet: str) -> None:
    assert sql.execute("SELECT id FROM words WHERE w = 'abc'").fetchall() == [(1,)]
    assert sql.execute("SELECT id FROM words WHERE w <> 'abc' ORDER BY id").fetchall() == [(2,), (3,), (4,)]
    assert sql.execute("SELECT id, d::text FROM words ORDER BY id").fetchall() == [(1, "2024-01-01"), (2, None), (3, None), (4, None), (5, "2023-12-31")]
    assert sql.execute("SELECT count(d), min(d)::text FROM words").fetchone() == (2, "2023-12-31")
    assert sql.execute("SELECT id FROM words WHERE d IS NULL ORDER BY id").fetchall() == [(2,), (3,), (4,)]
    assert sql.execute("SELECT u::text FROM nums ORDER BY id").fetchall() == [("18446744073709551615",), ("1",), ("0",), (None,)]
    assert sql.execute("SELECT id FROM nums WHERE n / 2 = 3 ORDER BY id").fetchall() == [(1,), (2,)]
    assert sql.execute("SELECT id FROM words WHERE w || 'd' = 'abcd'").fetchall() == [(1,)]
    assert sql.execute("SELECT length(w) FROM words WHERE id = 4").fetchone() == (3,)
    assert sql.execute("SELECT count(*) FROM words WHERE d < now() - interval '1 day'").fetchone() == (2,)


def test_a_table_that_is_altered_between_plan_and_scan(sql: Session, fleet: str, maria: TlsServer, rows: str) -> None:
    maria.sql("CREATE TABLE moving (id int PRIMARY KEY, w varchar(20) COLLATE utf8mb4_bin); INSERT INTO moving VALUES (1, 'a'), (2, 'A'), (3, 'b')", rows)
    sql.execute(f"IMPORT FOREIGN SCHEMA {rows} LIMIT TO (moving) FROM SERVER {fleet} INTO {fleet}; SET plan_cache_mode = force_generic_plan")
    sql.execute("PREPARE q(text) AS SELECT id FROM moving WHERE w = $1 ORDER BY id")
    assert sql.execute("EXECUTE q('a')").fetchall() == [(1,)]
    maria.sql("ALTER TABLE moving MODIFY w varchar(20) COLLATE utf8mb4_general_ci", rows)
    assert sql.execute("EXECUTE q('a')").fetchall() == [(1,)]
    maria.sql("ALTER TABLE moving MODIFY w varbinary(20)", rows)
    assert sql.execute("EXECUTE q('a')").fetchall() == [(1,)]
    maria.sql("UPDATE moving SET w = id; ALTER TABLE moving MODIFY w int", rows)
    assert sql.execute("EXECUTE q('1')").fetchall() == [(1,)]
    maria.sql("ALTER TABLE moving DROP w", rows)
    assert failure(sql, "EXECUTE q('a')").sqlstate == "42703"
    maria.sql("DROP TABLE moving", rows)
    assert failure(sql, "EXECUTE q('a')").sqlstate == "42P01"
    sql.execute("RESET plan_cache_mode; DEALLOCATE q")


def test_a_table_that_is_altered_in_a_transaction(sql: Session, fleet: str, maria: TlsServer, rows: str) -> None:
    maria.sql("CREATE TABLE held (id int PRIMARY KEY, w varchar(20) COLLATE utf8mb4_bin); INSERT INTO held VALUES (1, 'a'), (2, 'A')", rows)
    sql.execute(f"IMPORT FOREIGN SCHEMA {rows} LIMIT TO (held) FROM SERVER {fleet} INTO {fleet}")
    with sql.transaction():
        sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert sql.execute("SELECT count(*) FROM words").fetchone() == (5,)
        maria.sql("ALTER TABLE held MODIFY w varchar(20) COLLATE utf8mb4_general_ci, ALGORITHM=COPY", rows)
        try:
            with sql.transaction():
                assert sql.execute("SELECT id FROM held WHERE w = 'a'").fetchall() == [(1,)]
        except psycopg.Error as error:
            assert "Table definition has changed" in str(error)
    maria.sql("DROP TABLE held", rows)


def test_joined_tables_have_each_their_own_options(sql: Session, fleet: str) -> None:
    sql.execute(f"ALTER FOREIGN TABLE {fleet}.words OPTIONS (zero_date 'error')")
    joined = "SELECT n.id, w.d FROM nums n JOIN words w ON w.id = n.id"
    error = failure(sql, joined)
    assert error.sqlstate == "22008" and 'column "d" of table "words"' in str(error)
    sql.execute(f"ALTER FOREIGN TABLE {fleet}.words OPTIONS (on_error 'null')")
    assert len(sql.execute(joined).fetchall()) == 4
