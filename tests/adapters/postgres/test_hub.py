"""The adapter postgres behind a hub: values as they are there, one snapshot, writes in the hub's transactions."""
from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from harness import typezoo
from harness.hub import EACH, Hub, Session, failure, literals, memory_kb, sources, wait_until
from scratch_servers import PostgresServer

pytestmark = [EACH, pytest.mark.usefixtures("undisturbed")]
NUMBERS = itertools.count()


@pytest.fixture
def shop(site: Hub, server: PostgresServer, sql: Session, db: psycopg.Connection) -> Iterator[str]:
    """A server of the hub; the name is also a schema of both, with the tables that are there imported by fetch()."""
    name = f"shop_{next(NUMBERS)}"
    db.execute(f"CREATE SCHEMA {name}; SET search_path = {name}, public")
    options = {"host": server.host, "port": str(server.port), "dbname": "postgres"}
    user = {'"user"': server.username, "password": server.password}
    sql.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_postgres OPTIONS ({literals(options)}); "
                f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({literals(user)}); "
                f"CREATE SCHEMA {name}; SET search_path = {name}, public; SET timezone = 'UTC'")
    yield name
    sql.execute(f"DROP SERVER {name} CASCADE; DROP SCHEMA {name} CASCADE")
    db.execute(f"DROP SCHEMA {name} CASCADE")


def fetch(sql: Session, shop: str, schema: str | None = None, **options: str) -> None:
    given = f" OPTIONS ({literals(options)})" if options else ""
    sql.execute(f"IMPORT FOREIGN SCHEMA {schema or shop} FROM SERVER {shop} INTO {shop}{given}")


def rows(session: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return session.execute(query).fetchall()


# ---- values

def test_every_type_is_what_it_is_there(sql: Session, db: psycopg.Connection, shop: str) -> None:
    fetch(sql, shop, "typezoo")
    has_xml = rows(sql, "SELECT count(*) FROM pg_config WHERE setting LIKE '%--with-libxml%'") == [(1,)]
    columns = ", ".join(f"{typezoo.quoted(name)}::text" for name in typezoo.COLUMNS if has_xml or name != "c_xml")
    db.execute("SET timezone = 'UTC'")
    there = psycopg.RawCursor(db).execute(f"SELECT id, {columns} FROM typezoo.everything ORDER BY id").fetchall()
    assert psycopg.RawCursor(sql).execute(f"SELECT id, {columns} FROM everything ORDER BY id").fetchall() == there
    # By rows of the executor, which nothing of the casts is pushed from.
    local = psycopg.RawCursor(sql).execute(f"SELECT id, {columns} FROM (SELECT * FROM everything OFFSET 0) e ORDER BY id")
    assert local.fetchall() == there
    kinds = rows(sql, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'everything'::regclass AND attnum > 1")
    assert [kind for _, kind in kinds] == [kind for _, kind in rows(
        db, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'typezoo.everything'::regclass AND attnum > 1")]


def test_values_that_arrow_cannot_say(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE odd (d date, s timestamp, z timestamptz, t time, n numeric(5,2), f numeric, e float8, ds date[], r tstzrange); "
               "INSERT INTO odd VALUES ('infinity', 'infinity', '-infinity', '24:00', 'NaN', 'Infinity', 'NaN', '{infinity,NULL}', '[today,infinity]'), "
               "('-infinity', '294276-12-31', '4713-01-01 BC', '00:00', 1.25, '-Infinity', '-Infinity', '{-infinity}', 'empty'), "
               "('5874897-12-31', '-infinity', 'infinity', '23:59:59.999999', NULL, 'NaN', 'Infinity', '{}', '(,)')")
    fetch(sql, shop)
    texts = ", ".join(f"{name}::text" for name in "d s z t n f e ds r".split())
    db.execute("SET timezone = 'UTC'")
    assert rows(sql, f"SELECT {texts} FROM (SELECT * FROM odd OFFSET 0) o") == rows(db, f"SELECT {texts} FROM odd")


def test_import_of_what_only_the_source_can_compute(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute(f"CREATE FUNCTION own(i int4) RETURNS int4 IMMUTABLE LANGUAGE sql AS 'SELECT i * 3'; "
               f"CREATE TABLE odd (n int4, own int4 GENERATED ALWAYS AS ({shop}.own(n)) STORED, twice int4 GENERATED ALWAYS AS (n * 2) STORED)")
    fetch(sql, shop)
    sql.execute("INSERT INTO odd (n) VALUES (5)")
    assert rows(sql, "SELECT n, own, twice FROM odd") == [(5, 15, 10)]


def test_an_import_leaves_no_transaction_there(sql: Session, db: psycopg.Connection, shop: str) -> None:
    """The session may rest for hours after it: an open transaction would hold the tables and keep dead rows alive."""
    db.execute("CREATE TABLE held (id int4)")
    fetch(sql, shop)
    with pytest.raises(psycopg.Error):
        fetch(sql, shop, "no_such_schema")
    states = rows(db, f"SELECT state FROM pg_stat_activity WHERE application_name = 'instant: {shop}'")
    assert states == [("idle",)]


def test_import_with_defaults(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE made (id int8 PRIMARY KEY, at date DEFAULT '2024-01-01'::date, "
               "m mood, n int4 NOT NULL DEFAULT 7 + 1, twice int4 GENERATED ALWAYS AS (n * 2) STORED, t text COLLATE \"C\" DEFAULT 'it''s')")
    fetch(sql, shop, import_default="true", comments="true")
    assert rows(sql, "SELECT column_name, data_type, column_default, is_nullable, generation_expression, collation_name FROM information_schema.columns "
                f"WHERE table_schema = '{shop}' ORDER BY ordinal_position") == [
        ("id", "bigint", None, "NO", None, None), ("at", "date", "'2024-01-01'::date", "YES", None, None), ("m", "text", None, "YES", None, None),
        ("n", "integer", "(7 + 1)", "NO", None, None), ("twice", "integer", None, "YES", "(n * 2)", None), ("t", "text", "'it''s'::text", "YES", None, "C")]
    sql.execute("INSERT INTO made (id, m) VALUES (1, 'ok')")
    assert rows(db, "SELECT * FROM made") == rows(db, "SELECT 1::int8, date '2024-01-01', 'ok'::mood, 8, 16, 'it''s'")
    assert rows(sql, "SELECT * FROM made WHERE m = 'ok'") == rows(db, "SELECT 1::int8, date '2024-01-01', 'ok', 8, 16, 'it''s'")
    assert failure(sql, "INSERT INTO made (id, m) VALUES (2, 'none') RETURNING id").sqlstate == "22P02"


# ---- reading

def test_all_scans_of_a_statement_see_one_snapshot(sql: Session, db: psycopg.Connection, server: PostgresServer, shop: str) -> None:
    """Two tables whose sum another session keeps at 0; join and Append read them on several connections."""
    db.execute("CREATE TABLE a (id int4, n int8); CREATE TABLE b (id int4, n int8); "
               "INSERT INTO a SELECT i, 0 FROM generate_series(1, 20000) i; INSERT INTO b SELECT * FROM a")
    fetch(sql, shop)
    over = threading.Event()

    def move() -> None:
        with psycopg.connect(server.url(), autocommit=True) as other:
            while not over.is_set():
                other.execute(f"WITH x AS (UPDATE {shop}.a SET n = n + 1 WHERE id % 500 = 0) UPDATE {shop}.b SET n = n - 1 WHERE id % 500 = 0")

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(30):
            assert rows(sql, "SELECT sum(n) FROM (SELECT n FROM a UNION ALL SELECT n FROM (SELECT n FROM b OFFSET 0) b) x") == [(0,)]
        sql.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        first = rows(sql, "SELECT sum(n) FROM a")
        wait_until(lambda: rows(db, "SELECT sum(n) FROM a") != first)
        assert rows(sql, "SELECT sum(n) FROM b") == [(-first[0][0],)]
        assert rows(sql, "SELECT sum(n) FROM a") == first
        sql.execute("COMMIT")
    finally:
        over.set()
        mover.join()


def test_a_cursor_that_is_closed_early_leaves_the_transaction(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE many AS SELECT i AS id, repeat('x', 100) AS t FROM generate_series(1, 300000) i")
    fetch(sql, shop)
    sql.execute("BEGIN; DECLARE c CURSOR FOR SELECT * FROM many")
    assert len(rows(sql, "FETCH 5 FROM c")) == 5
    sql.execute("CLOSE c")
    db.execute("DELETE FROM many")
    assert rows(sql, "SELECT count(*) FROM many") == [(300000,)]
    sql.execute("COMMIT")
    assert rows(sql, "SELECT count(*) FROM many") == [(0,)]


def test_parallel_reads(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute(f"CREATE VIEW {shop}.w AS SELECT 1")
    sql.execute(f"CREATE FOREIGN TABLE wide (id int8, n int4, filler text) SERVER {shop} OPTIONS (schema 'public', parallel '3')")
    plan = "\n".join(row[0] for row in rows(sql, "EXPLAIN (VERBOSE, COSTS OFF) SELECT id, n FROM wide"))
    assert "3 at once" in plan
    assert "at once" not in "\n".join(row[0] for row in rows(sql, "EXPLAIN (VERBOSE, COSTS OFF) SELECT sum(n) FROM wide"))
    got = rows(sql, "SELECT count(*), count(DISTINCT id), sum(id) FROM (SELECT * FROM wide OFFSET 0) w")
    assert got == rows(db, "SELECT count(*), count(DISTINCT id), sum(id) FROM public.wide")


@pytest.mark.quiet
def test_cancel_ends_the_remote_query(site: Hub, sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute(f"CREATE VIEW {shop}.slow AS SELECT i, pg_sleep(0.05)::text AS s FROM generate_series(1, 10000) i")
    fetch(sql, shop)
    for statement in ("SELECT * FROM slow", "SELECT count(*) FROM slow"):
        sql.execute("SET statement_timeout = '400ms'")
        since = time.monotonic()
        assert failure(sql, statement).sqlstate == "57014"
        assert time.monotonic() - since < 0.4 + 0.25
        sql.execute("RESET statement_timeout")
        assert wait_until(lambda: not rows(db, f"SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND application_name = 'instant: {shop}'"), 0.25)
    assert rows(sql, "SELECT count(*) FROM (SELECT * FROM slow LIMIT 2) s") == [(2,)]


@pytest.mark.skipif("sanitize" in os.environ.get("HUB_SOURCE", ""), reason="a sanitizer keeps what was freed")
def test_memory_stays_flat(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE VIEW many AS SELECT i, repeat('x', 200) AS t FROM generate_series(1, 1500000) i")
    fetch(sql, shop)
    sql.execute("BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT * FROM many; MOVE 200000 FROM c")
    pids = [sql.info.backend_pid, *sources(sql)]
    before = [memory_kb(pid) for pid in pids]
    sql.execute("MOVE 1000000 FROM c")
    grown = [memory_kb(pid) - kb for pid, kb in zip(pids, before, strict=True)]
    sql.execute("COMMIT")
    assert all(kb < 32 * 1024 for kb in grown), grown


def test_who_is_asked_for_a_password(site: Hub, sql: Session, shop: str, server: PostgresServer) -> None:
    """Whoever may use a server may not use what the hub's machine is trusted with."""
    role = f"guest_{shop}"
    sql.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON FOREIGN SERVER {shop} TO {role}; GRANT ALL ON SCHEMA {shop} TO {role}; "
                f"ALTER SERVER {shop} OPTIONS (SET host '{server.directory}'); CREATE FOREIGN TABLE n (id int8) SERVER {shop} OPTIONS (schema 'public', \"table\" 'numbers'); GRANT SELECT ON n TO {role}")
    try:
        with site.connect(role, password="x", options=f"-c search_path={shop}") as guest:
            guest.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {shop} OPTIONS (\"user\" '{server.username}')")
            assert failure(guest, "SELECT id FROM n").sqlstate == "2F003"
            assert failure(guest, f"ALTER USER MAPPING FOR CURRENT_USER SERVER {shop} OPTIONS (ADD password_required 'false')").sqlstate == "42501"
            guest.execute(f"ALTER USER MAPPING FOR CURRENT_USER SERVER {shop} OPTIONS (ADD password 'anything')")
            assert failure(guest, "SELECT id FROM n").sqlstate == "2F003"
        sql.execute(f"ALTER USER MAPPING FOR {role} SERVER {shop} OPTIONS (ADD password_required 'false', DROP password)")
        with site.connect(role, password="x", options=f"-c search_path={shop}") as guest:
            assert len(rows(guest, "SELECT id FROM n LIMIT 3")) == 3
    finally:
        sql.execute(f"DROP USER MAPPING IF EXISTS FOR {role} SERVER {shop}; DROP OWNED BY {role}; DROP ROLE {role}")


# ---- writing

def test_writes_follow_the_hubs_transaction(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE t (id int8 PRIMARY KEY, s text, n int4 DEFAULT 5)")
    fetch(sql, shop)
    sql.execute("INSERT INTO t (id, s) SELECT i, 's' || i FROM generate_series(1, 3000) i")
    assert rows(db, "SELECT count(*), sum(length(s)) > 3000 FROM t") == [(3000, True)]
    sql.execute("BEGIN; UPDATE t SET n = 1 WHERE id <= 10; SAVEPOINT a; DELETE FROM t WHERE id > 10")
    assert rows(sql, "SELECT count(*) FROM t") == [(10,)]
    sql.execute("ROLLBACK TO a; UPDATE t SET s = s || '!' WHERE id = 1; RELEASE a")
    assert rows(sql, "SELECT s, n FROM t WHERE id = 1") == [("s1!", 1)]
    assert rows(db, "SELECT s FROM t WHERE id = 1") == [("s1",)]
    sql.execute("COMMIT")
    assert rows(db, "SELECT s, n, (SELECT count(*) FROM t) FROM t WHERE id = 1") == [("s1!", 1, 3000)]
    sql.execute("BEGIN; DELETE FROM t; ROLLBACK")
    assert rows(db, "SELECT count(*) FROM t") == [(3000,)]
    # An error in a block that catches it takes back what the block wrote, and no more.
    sql.execute("DO $$ BEGIN INSERT INTO t (id) VALUES (9001); BEGIN INSERT INTO t (id) VALUES (9002), (1); EXCEPTION WHEN unique_violation THEN NULL; END; "
                "INSERT INTO t (id) VALUES (9003); END $$")
    assert rows(db, "SELECT id FROM t WHERE id > 9000 ORDER BY id") == [(9001,), (9003,)]


def test_statements_that_the_source_does_as_a_whole(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE t (id int8 PRIMARY KEY, s varchar(5), n numeric(6,2)); INSERT INTO t SELECT i, 's', i FROM generate_series(1, 100) i")
    fetch(sql, shop)
    plan = "\n".join(row[0] for row in rows(sql, "EXPLAIN (VERBOSE, COSTS OFF) UPDATE t SET n = n * 2, s = 'x' WHERE id < 5"))
    assert "Foreign Update" in plan and 'UPDATE "' in plan
    assert sorted(rows(sql, "UPDATE t SET n = n * 2 + 0.005, s = 'x' WHERE id < 4 RETURNING id, n::text")) == [(1, "2.01"), (2, "4.01"), (3, "6.01")]
    assert failure(sql, "UPDATE t SET s = 'too long' WHERE id = 1 RETURNING 1").sqlstate == "22001"
    assert failure(sql, "UPDATE t SET s = s || 'longer' WHERE id = 1 RETURNING 1").sqlstate == "22001"
    assert rows(sql, "DELETE FROM t WHERE s = 'x' AND n > 3 RETURNING id") in ([(2,), (3,)], [(3,), (2,)])
    sql.execute("TRUNCATE t")
    assert rows(db, "SELECT count(*) FROM t") == [(0,)]


def test_conflicts_and_what_comes_back(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE t (id int8 PRIMARY KEY, s text DEFAULT 'new'); INSERT INTO t VALUES (1, 'old'); "
               "CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.s := NEW.s || '!'; RETURN NEW; END $$; "
               "CREATE TRIGGER mark BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION mark()")
    fetch(sql, shop)
    assert rows(sql, "INSERT INTO t VALUES (1, 'a'), (2, 'b') ON CONFLICT DO NOTHING RETURNING id, s") == [(2, "b!")]
    assert failure(sql, "INSERT INTO t VALUES (1, 'a') RETURNING 1").sqlstate == "23505"
    sql.execute("ALTER FOREIGN TABLE t OPTIONS (ADD on_conflict 'update'); INSERT INTO t VALUES (1, 'c')")
    assert rows(db, "SELECT s FROM t ORDER BY id") == [("c!",), ("b!",)]


def test_rows_by_key_through_joins(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE t (id int8 PRIMARY KEY, s text); INSERT INTO t SELECT i, 's' FROM generate_series(1, 50) i")
    fetch(sql, shop)
    sql.execute("CREATE TEMP TABLE new AS SELECT i AS id, 'n' || i AS s FROM generate_series(1, 20) i")
    sql.execute("UPDATE t SET s = new.s FROM new WHERE new.id = t.id")
    assert rows(db, "SELECT count(*) FROM t WHERE s = 'n' || id") == [(20,)]
    sql.execute("DELETE FROM t USING new WHERE new.id = t.id AND new.id > 5")
    assert rows(db, "SELECT count(*) FROM t") == [(35,)]
    sql.execute("DROP TABLE new")


def test_rows_that_only_their_place_names(sql: Session, db: psycopg.Connection, shop: str) -> None:
    db.execute("CREATE TABLE t (a int4, s text); INSERT INTO t SELECT i % 10, 's' || i FROM generate_series(1, 500) i")
    fetch(sql, shop)
    assert rows(sql, "SELECT ctid, s FROM t ORDER BY ctid LIMIT 2 OFFSET 300") == rows(db, "SELECT ctid, s FROM t ORDER BY ctid LIMIT 2 OFFSET 300")
    assert rows(sql, "SELECT s FROM t WHERE ctid = '(0,5)'") == [("s5",)]
    sql.execute("CREATE TEMP TABLE new AS SELECT 's' || i AS s FROM generate_series(1, 300) i")
    sql.execute("UPDATE t SET s = t.s || '!' FROM new WHERE new.s = t.s")
    assert rows(db, "SELECT count(*), count(DISTINCT s) FROM t WHERE s LIKE '%!'") == [(300, 300)]
    sql.execute("DELETE FROM t USING new WHERE new.s || '!' = t.s AND t.a = 3")
    assert rows(db, "SELECT count(*), count(*) FILTER (WHERE a = 3) FROM t") == [(470, 20)]
    assert len(rows(sql, "UPDATE t SET a = -1 WHERE random() < 2 AND a = 7 RETURNING a, s")) == 50
    assert rows(db, "SELECT count(*) FROM t WHERE a = -1") == [(50,)]
    db.execute("CREATE TABLE p (a int4, s text) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); "
               "INSERT INTO p VALUES (1, 's1'), (2, 's2')")
    sql.execute(f"IMPORT FOREIGN SCHEMA {shop} LIMIT TO (p) FROM SERVER {shop} INTO {shop}")
    assert failure(sql, "UPDATE p SET s = 'x' FROM new WHERE new.s = p.s RETURNING 1").sqlstate == "0A000"
    sql.execute("UPDATE p SET s = 'x' WHERE a = 2")
    assert rows(db, "SELECT s FROM p ORDER BY a") == [("s1",), ("x",)]
    sql.execute("DROP TABLE new")
