"""INSERT, UPDATE, DELETE and TRUNCATE of tables of a SQLite file."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlite_files
from extension_build import Connection, Database
from scratch_servers import Scratch
from sqlite_files import File, explained

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, made TEXT DEFAULT 'by sqlite');
INSERT INTO t (id, n, s) VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three'), (4, NULL, NULL);
CREATE TABLE u (a TEXT, b INTEGER, v INTEGER, PRIMARY KEY (a, b));
INSERT INTO u VALUES ('x', 1, 1), ('x', 2, 2), ('X', 1, 3);
"""


@pytest.fixture(scope="module")
def session(database: Database, scratch: Scratch) -> Iterator[Connection]:
    with sqlite_files.connect(database, sqlite_files.program(scratch)) as made:
        yield made


@pytest.fixture
def file(session: Connection, scratch: Scratch) -> Iterator[File]:
    made = sqlite_files.make_file(scratch, session, SCRIPT)
    yield made
    sqlite_files.drop(session, made)


def fail(session: Connection, sql: str, *arguments: Any) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(sql, arguments or None)
    return caught.value


# ---- which tables

def test_a_server_is_read_only_unless_it_says_otherwise(session: Connection, file: File) -> None:
    session.execute(f"ALTER SERVER {file.server} OPTIONS (DROP read_only)")
    for statement in ("INSERT INTO t (id) VALUES (9)", "UPDATE t SET n = 1", "DELETE FROM t"):
        refused = fail(session, statement)
        assert "does not allow" in str(refused) and "read_only 'false'" in str(refused) and refused.sqlstate == "55000"
    assert "cannot truncate" in str(fail(session, "TRUNCATE t"))
    assert session.execute("SELECT count(*) FROM t").fetchone() == (4,)
    session.execute(f"ALTER SERVER {file.server} OPTIONS (ADD read_only 'false')")
    assert session.execute("DELETE FROM t WHERE id = 4").rowcount == 1
    session.execute("ALTER FOREIGN TABLE t OPTIONS (ADD updatable 'false')")
    refused = fail(session, "DELETE FROM t")
    assert "does not allow deletes" in str(refused) and "updatable" in str(refused)


def test_without_a_key_only_whole_statements(session: Connection, file: File) -> None:
    session.execute("ALTER FOREIGN TABLE t ALTER id OPTIONS (DROP key)")
    assert session.execute("UPDATE t SET n = 1 WHERE id = 2").rowcount == 1
    error = fail(session, "UPDATE t SET n = random() WHERE id = 2")
    assert error.sqlstate == "0A000" and "key" in str(error.diag.message_hint)
    assert file.rows("SELECT n FROM t WHERE id = 2") == [(1,)]


# ---- INSERT

def test_a_value_that_the_source_has_no_memory_for(session: Connection, file: File) -> None:
    session.execute(f"ALTER SERVER {file.server} OPTIONS (ADD source_memory '32MB')")
    error = fail(session, "INSERT INTO t (id, s) VALUES (9, repeat('x', 100000000))")
    assert error.sqlstate == "53200" and "out of memory" in str(error)
    assert session.execute("SELECT count(*) FROM t").fetchone() == (4,)


def test_insert(session: Connection, file: File) -> None:
    assert session.execute("INSERT INTO t (id, s) VALUES (7, 'é'), (8, NULL)").rowcount == 2
    assert file.rows("SELECT * FROM t WHERE id > 6") == [(7, None, "é", "by sqlite"), (8, None, None, "by sqlite")]
    session.execute("INSERT INTO t (id, n) SELECT i, i FROM generate_series(100, 1233) i")
    assert file.rows("SELECT count(*), sum(n) FROM t WHERE id >= 100") == [(1134, sum(range(100, 1234)))]
    with session.cursor() as cursor, cursor.copy("COPY t (id, s, made) FROM STDIN") as copy:
        for number in range(2000, 2250):
            copy.write_row((number, "x", None))
    assert file.rows("SELECT count(*), count(made) FROM t WHERE id >= 2000") == [(250, 0)]


def test_what_the_file_makes_up_comes_back(session: Connection, file: File) -> None:
    assert session.execute("INSERT INTO t (s) VALUES ('new') RETURNING id, made, n").fetchall() == [(5, "by sqlite", None)]
    rows = session.execute("INSERT INTO t (n) SELECT i FROM generate_series(1, 3) i RETURNING *").fetchall()
    assert rows == [(6, 1, None, "by sqlite"), (7, 2, None, "by sqlite"), (8, 3, None, "by sqlite")]
    assert session.execute("INSERT INTO t (n) VALUES (1) RETURNING tableoid::regclass::text, 1").fetchall() == [("t", 1)]


def test_conflicts(session: Connection, file: File) -> None:
    error = fail(session, "INSERT INTO t (id, n) VALUES (5, 5), (1, 11)")
    assert error.sqlstate == "23505" and "UNIQUE constraint failed: t.id" in str(error)
    assert file.rows("SELECT count(*) FROM t") == [(4,)]
    assert session.execute("INSERT INTO t (id, n) VALUES (5, 5), (1, 11) ON CONFLICT DO NOTHING").rowcount == 1
    assert session.execute("INSERT INTO t (id, n) VALUES (6, 6), (1, 11) ON CONFLICT DO NOTHING RETURNING id, n"
                           ).fetchall() == [(6, 6)]
    assert file.rows("SELECT id, n FROM t WHERE id IN (1, 5, 6)") == [(1, 10), (5, 5), (6, 6)]
    session.execute("ALTER FOREIGN TABLE t OPTIONS (ADD on_conflict 'update')")
    assert session.execute("INSERT INTO t (id, n) VALUES (7, 7), (1, 12)").rowcount == 2
    assert session.execute("INSERT INTO t (id, n) VALUES (1, 13) RETURNING n, s").fetchall() == [(13, "one")]
    session.execute("ALTER FOREIGN TABLE t OPTIONS (SET on_conflict 'nothing')")
    assert session.execute("INSERT INTO t (id, n) VALUES (8, 8), (1, 14)").rowcount == 1
    assert file.rows("SELECT n FROM t WHERE id = 1") == [(13,)]


# ---- UPDATE and DELETE as one statement

def test_direct(session: Connection, file: File) -> None:
    plan = explained(session, "UPDATE t SET n = n + 1, s = 'x' WHERE id > 1")
    assert "Foreign Update on public.t" in plan and "instant" not in plan
    assert "Remote write: UPDATE \"t\" AS t1 SET \"n\" = (t1.\"n\" + 1), \"s\" = 'x' WHERE (t1.\"id\" > 1)" in plan
    assert session.execute("UPDATE t SET n = n + 1, s = 'x' WHERE id > 1").rowcount == 3
    assert file.rows("SELECT id, n, s FROM t ORDER BY id") == [(1, 10, "one"), (2, 21, "x"), (3, 31, "x"), (4, None, "x")]
    assert "Remote write: DELETE FROM \"t\" AS t1 WHERE" in explained(session, "DELETE FROM t WHERE n = 21")
    assert session.execute("DELETE FROM t WHERE n = %s", (21,)).rowcount == 1
    assert session.execute("UPDATE t SET s = made WHERE id = 1 RETURNING *").fetchall() == [
        (1, 10, "by sqlite", "by sqlite")]
    assert session.execute("DELETE FROM t RETURNING id, s || '!'").fetchall() == [
        (1, "by sqlite!"), (3, "x!"), (4, "x!")]
    assert file.rows("SELECT count(*) FROM t") == [(0,)]


def test_direct_with_parameters(session: Connection, file: File) -> None:
    session.execute("PREPARE change (int, text) AS UPDATE t SET s = $2, n = $1 * 2 WHERE id = $1")
    for number in range(1, 4):
        assert session.execute(f"EXECUTE change ({number}, 'p{number}')").rowcount == 1
    assert file.rows("SELECT n, s FROM t WHERE id < 4 ORDER BY id") == [(2, "p1"), (4, "p2"), (6, "p3")]
    session.execute("DEALLOCATE change")


def test_direct_is_exact(session: Connection, file: File) -> None:
    session.execute("ALTER FOREIGN TABLE t ALTER n TYPE integer")
    file.script("UPDATE t SET n = 2147483647 WHERE id = 1; UPDATE t SET n = 1 WHERE id > 1")
    error = fail(session, "UPDATE t SET n = n + 1")
    assert error.sqlstate == "22003" and "integer out of range" in str(error)
    assert fail(session, "UPDATE t SET n = (n + 2147483647) - 2147483647 WHERE id = 1").sqlstate == "22003"
    assert file.rows("SELECT sum(n) FROM t") == [(2147483650,)]
    assert session.execute("UPDATE t SET n = -n WHERE id = 1").rowcount == 1
    for value in ("n / 2", "n % 2", "upper(s)::int", "abs(n)"):
        assert "Foreign Update" not in explained(session, f"UPDATE t SET n = {value}"), value
    file.script("UPDATE t SET s = 5 WHERE id = 2")  # TEXT by affinity
    file.script("UPDATE t SET n = 'five' WHERE id = 3")
    error = fail(session, "UPDATE t SET n = n + 1 WHERE id = 3")
    assert error.sqlstate == "42804" and 'column "n"' in str(error)


def test_what_is_not_direct(session: Connection, file: File) -> None:
    for statement in ("UPDATE t SET n = random()", "UPDATE t SET s = upper(s)", "UPDATE t SET n = 1 WHERE random() > 2",
                      "UPDATE t SET n = u.v FROM u WHERE u.b = t.id", "DELETE FROM t WHERE lower(s) = 'one'",
                      "DELETE FROM t USING u WHERE u.b = t.id"):
        plan = explained(session, statement)
        assert "Foreign Update" not in plan and "Foreign Delete" not in plan, statement
        assert "Remote write: " in plan and " WHERE \"id\" IS ?" in plan, plan


# ---- by key

def test_update_by_key(session: Connection, file: File) -> None:
    assert session.execute("UPDATE t SET s = upper(s) WHERE id < 4").rowcount == 3
    assert file.rows("SELECT s FROM t ORDER BY id") == [("ONE",), ("TWO",), ("THREE",), (None,)]
    assert session.execute("UPDATE t SET s = lower(s) WHERE id = 1 RETURNING s, made").fetchall() == [("one", "by sqlite")]
    assert session.execute("UPDATE t SET id = id + 100, s = upper(s)").rowcount == 4
    assert file.rows("SELECT id FROM t ORDER BY id") == [(101,), (102,), (103,), (104,)]
    assert session.execute("UPDATE u SET v = v + 10 FROM t WHERE b = t.id - 100 AND a COLLATE \"C\" = 'x'").rowcount == 2
    assert sorted(file.rows("SELECT a, b, v FROM u")) == [("X", 1, 3), ("x", 1, 11), ("x", 2, 12)]


def test_delete_by_key(session: Connection, file: File) -> None:
    assert session.execute("DELETE FROM u WHERE upper(a) = 'X' AND v > 1").rowcount == 2
    assert file.rows("SELECT a, b FROM u") == [("x", 1)]
    assert session.execute("DELETE FROM t WHERE lower(s) = 'two' RETURNING id, n, s").fetchall() == [(2, 20, "two")]


def test_many_by_key(session: Connection, file: File) -> None:
    file.script("INSERT INTO t (id, n) WITH RECURSIVE i(v) AS (SELECT 1000 UNION ALL SELECT v + 1 FROM i WHERE v < 5999) "
                "SELECT v, 0 FROM i")
    assert session.execute("UPDATE t SET n = (n + length(repeat('x', id::int)))::int WHERE id >= 1000").rowcount == 5000
    assert file.rows("SELECT sum(n = id), count(*) FROM t WHERE id >= 1000") == [(5000, 5000)]
    assert session.execute("DELETE FROM t WHERE id >= 1000 AND md5(id::text) < '8'").rowcount > 2000


def test_what_was_gathered_is_seen_by_whoever_reads(session: Connection, file: File) -> None:
    session.execute("CREATE FUNCTION total() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT sum(n)::bigint FROM t'")
    assert session.execute("UPDATE t SET n = total() WHERE id < 4").rowcount == 3
    assert file.rows("SELECT n FROM t WHERE id < 4 ORDER BY id") == [(60,), (110,), (200,)]
    session.execute("DROP FUNCTION total")


def test_gathered_rows_belong_to_their_own_level(session: Connection, file: File) -> None:
    """A function that rolls back what it did must not roll back rows of the statement that called it."""
    session.execute("""CREATE FUNCTION undone(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE seen bigint;
        BEGIN
            BEGIN
                SELECT count(*) INTO seen FROM t WHERE n >= 1000;
                INSERT INTO t (id, n) VALUES (i + 500, seen);
                RAISE EXCEPTION 'enough';
            EXCEPTION WHEN raise_exception THEN
                RETURN 1000 + seen;
            END;
        END $$""")
    assert session.execute("UPDATE t SET n = undone(id) WHERE id < 4").rowcount == 3
    assert file.rows("SELECT id, n FROM t ORDER BY id") == [(1, 1000), (2, 1001), (3, 1002), (4, None)]
    session.execute("DROP FUNCTION undone")


def test_a_failure_of_gathered_rows_ends_their_statement(session: Connection, file: File) -> None:
    file.script("CREATE TRIGGER refuse BEFORE UPDATE ON t WHEN new.n = 7 BEGIN SELECT RAISE(ABORT, 'not seven'); END")
    error = fail(session, "UPDATE t SET n = length(repeat('x', 7)) WHERE upper(s) = 'ONE'")
    assert error.sqlstate == "P0001" and "not seven" in str(error)
    session.execute("""CREATE FUNCTION careless() RETURNS int LANGUAGE plpgsql AS $$
        BEGIN PERFORM count(*) FROM t; RETURN 7; EXCEPTION WHEN OTHERS THEN RETURN 8; END $$""")
    error = fail(session, "UPDATE t SET n = careless() WHERE id < 4")
    assert "could not be written before" in str(error) or "not seven" in str(error)
    assert file.rows("SELECT n FROM t ORDER BY id") == [(10,), (20,), (30,), (None,)]
    session.execute("DROP FUNCTION careless")


def test_triggers_and_checks_see_rows(session: Connection, file: File) -> None:
    session.execute("CREATE TABLE log (word text)")
    session.execute("""CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO log VALUES (TG_OP || ' ' || coalesce(NEW.id, OLD.id) || ' ' || coalesce(NEW.made, OLD.made)); RETURN NULL; END $$""")
    session.execute("CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note()")
    session.execute("INSERT INTO t (s) VALUES ('a')")
    session.execute("UPDATE t SET n = 1 WHERE id = 1")
    session.execute("DELETE FROM t WHERE id = 2")
    assert session.execute("SELECT word FROM log").fetchall() == [
        ("INSERT 5 by sqlite",), ("UPDATE 1 by sqlite",), ("DELETE 2 by sqlite",)]
    session.execute("DROP TRIGGER note ON t; DROP FUNCTION note; DROP TABLE log")
    session.execute("CREATE VIEW small AS SELECT * FROM t WHERE n < 100 WITH CHECK OPTION")
    assert fail(session, "UPDATE small SET n = 200 WHERE id = 1").sqlstate == "44000"
    assert fail(session, "INSERT INTO small (id, n) VALUES (50, 200)").sqlstate == "44000"
    assert file.rows("SELECT count(*) FROM t WHERE n >= 100") == [(0,)]
    session.execute("DROP VIEW small")


def test_truncate(session: Connection, file: File) -> None:
    session.execute("TRUNCATE t, u")
    assert file.rows("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)") == [(0, 0)]
    for words in ("CASCADE", "RESTART IDENTITY"):
        assert fail(session, f"TRUNCATE t {words}").sqlstate == "0A000"


# ---- what the file says

def test_constraints_of_the_file(session: Connection, scratch: Scratch) -> None:
    file = sqlite_files.make_file(scratch, session, """
        CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (id INTEGER PRIMARY KEY, of INTEGER NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED,
                            n INTEGER CHECK (n > 0), g INTEGER AS (n * 2));
        INSERT INTO parent VALUES (1); INSERT INTO child (id, of, n) VALUES (1, 1, 1);""")
    assert fail(session, "INSERT INTO child (id, of, n) VALUES (2, 1, 0)").sqlstate == "23514"
    session.execute("ALTER FOREIGN TABLE child ALTER of DROP NOT NULL")
    assert fail(session, "INSERT INTO child (id, of, n) VALUES (2, NULL, 1)").sqlstate == "23502"
    assert fail(session, "INSERT INTO child (id, of, n) VALUES (2, 9, 1)").sqlstate == "23503"  # at the commit
    assert session.execute("INSERT INTO child (id, of, n) VALUES (3, 1, 7) RETURNING g").fetchall() == [(14,)]
    with session.transaction():
        session.execute("INSERT INTO child (id, of, n) VALUES (2, 9, 1)")
        session.execute("INSERT INTO parent VALUES (9)")
    assert file.rows("SELECT count(*) FROM child") == [(3,)]
    sqlite_files.drop(session, file)


def test_a_file_that_must_not_be_written(session: Connection, scratch: Scratch) -> None:
    file = sqlite_files.make_file(scratch, session, SCRIPT)
    file.path.chmod(0o444)
    file.path.parent.chmod(0o555)
    error = fail(session, "INSERT INTO t (id) VALUES (9)")
    assert error.sqlstate == "42501" and "must be able to write" in str(error.diag.message_hint)
    sqlite_files.drop(session, file)


# ---- values

VALUES = [("smallint", "INTEGER", [-32768, 32767, None]), ("bigint", "INTEGER", [2 ** 63 - 1, -2 ** 63, None]),
          ("boolean", "BOOLEAN", [True, False, None]), ("double precision", "REAL", [0.1, 1e300, -2.0, float("inf")]),
          ("real", "REAL", ["0.1", "3e38"]), ("numeric", "TEXT", ["1.10", "12345678901234567890.123456789", "NaN"]),
          ("numeric", "NUMERIC", ["1.25", "7", "123456789012345", "0.000001"]), ("numeric(12,2)", "NUMERIC", ["1.10", "-9.99"]),
          ("text", "TEXT", ["", "é\n'\"\\", "123", None]), ("varchar(5)", "VARCHAR(5)", ["abcde"]),
          ("bytea", "BLOB", [b"", b"\0\xff", None]), ("bytea", "TEXT", [b"x"]), ("date", "DATE", ["0001-01-01", "9999-12-31"]),
          ("timestamp", "TIMESTAMP", ["2024-02-29 23:59:59.123456"]), ("timestamptz", "TIMESTAMP", ["2024-02-29 23:59:59.1+02"]),
          ("time", "TIME", ["23:59:59.5"]), ("uuid", "TEXT", ["550e8400-e29b-41d4-a716-446655440000"]),
          ("uuid", "BLOB", ["550e8400-e29b-41d4-a716-446655440000"]), ("jsonb", "JSON", ['{"a": [1, null]}']),
          ("interval", "TEXT", ["1 day 02:03:04", "-1 mons +2 days"]), ("int[]", "TEXT", ["{1,NULL,3}"])]


@pytest.mark.parametrize(("type_", "declared", "values"), VALUES, ids=lambda word: str(word)[:24])
def test_values_come_back_as_they_were_written(session: Connection, scratch: Scratch, type_: str, declared: str,
                                               values: list[Any]) -> None:
    file = sqlite_files.make_file(scratch, session, f"CREATE TABLE kept (id INTEGER PRIMARY KEY, x {declared})")
    session.execute(f"ALTER FOREIGN TABLE kept ALTER x TYPE {type_}")
    session.execute("SET timezone = 'Europe/Berlin'")
    for number, value in enumerate(values):
        back = session.execute(f"INSERT INTO kept (id, x) VALUES ({number}, %s::{type_}) RETURNING x::text, (%s::{type_})::text",
                               (value, value)).fetchone()
        assert back is not None and back[0] == back[1]
        session.execute(f"INSERT INTO kept (id, x) VALUES ({number + 100}, NULL)")
        plan = explained(session, f"UPDATE kept SET x = NULL::{type_} WHERE id = 1")
        assert "Foreign Update" in plan
        session.execute(f"UPDATE kept SET x = %s::{type_} WHERE id = {number + 100}", (value,))
        found = session.execute(f"SELECT x::text, x IS NOT DISTINCT FROM %s::{type_} OR x::text = (%s::{type_})::text "
                                f"FROM kept WHERE id IN ({number}, {number + 100})", (value, value)).fetchall()
        assert found == [(back[1], True)] * 2, (value, found)
    session.execute("RESET timezone")
    sqlite_files.drop(session, file)


REFUSED = [("bigint", "TEXT", "1"), ("boolean", "TEXT", "t"), ("double precision", "TEXT", "1"), ("bigint", "REAL", "1"),
           ("double precision", "REAL", "NaN"), ("text", "NUMERIC", "1e3"), ("text", "INTEGER", " 12 "),
           ("numeric", "NUMERIC", "1.2345678901234567"), ("numeric", "REAL", "9007199254740993"),
           ("date", "DATE", "infinity"), ("date", "DATE", "0044-03-15 BC"), ("timestamp", "TIMESTAMP", "-infinity"),
           ("timestamp", "TIMESTAMP", "10000-01-01 00:00:00"), ("double precision", "NUMERIC", "1e17"), ("jsonb", "NUMERIC", "12")]


@pytest.mark.parametrize(("type_", "declared", "value"), REFUSED, ids=lambda word: str(word)[:24])
def test_or_they_are_refused(session: Connection, scratch: Scratch, type_: str, declared: str, value: str) -> None:
    file = sqlite_files.make_file(scratch, session, f"CREATE TABLE kept (id INTEGER PRIMARY KEY, x {declared});"
                                  "INSERT INTO kept VALUES (1, NULL)")
    session.execute(f"ALTER FOREIGN TABLE kept ALTER x TYPE {type_}")
    for statement in (f"INSERT INTO kept VALUES (2, '{value}'::{type_})", f"UPDATE kept SET x = '{value}'::{type_}",
                      f"UPDATE kept SET x = CASE WHEN random() > 2 THEN NULL ELSE '{value}'::{type_} END"):
        error = fail(session, statement)
        assert 'column "x"' in str(error) and error.sqlstate in ("22003", "42804", "22007", "22P02"), error
    assert file.rows("SELECT * FROM kept") == [(1, None)]
    sqlite_files.drop(session, file)


def test_keys_of_every_kind(session: Connection, scratch: Scratch) -> None:
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    file = sqlite_files.make_file(scratch, session, f"""
        CREATE TABLE by_text (k TEXT COLLATE NOCASE PRIMARY KEY, s TEXT) WITHOUT ROWID;
        CREATE TABLE by_date (k DATE PRIMARY KEY, s TEXT); CREATE TABLE by_blob (k BLOB PRIMARY KEY, s TEXT);
        CREATE TABLE by_uuid (k UUID PRIMARY KEY, s TEXT);
        INSERT INTO by_text VALUES ('Ab', 'x'); INSERT INTO by_date VALUES ('2024-01-05', 'x');
        INSERT INTO by_blob VALUES (x'00ff', 'x'), (NULL, 'x');
        INSERT INTO by_uuid VALUES ('{uuid.upper()}', 'x'), (x'{"11" * 16}', 'x');""")
    for name, count in (("by_text", 1), ("by_date", 1), ("by_blob", 2), ("by_uuid", 2)):
        assert session.execute(f"UPDATE {name} SET s = upper(s)").rowcount == count
        assert file.rows(f"SELECT DISTINCT s FROM {name}") == [("X",)], name
        assert session.execute(f"DELETE FROM {name} WHERE lower(s) = 'x' RETURNING s").rowcount == count
        assert file.rows(f"SELECT count(*) FROM {name}") == [(0,)]
    sqlite_files.drop(session, file)


def test_what_a_transaction_reads_after_it_wrote(session: Connection, file: File) -> None:
    """Rows that are read of a transaction that has written wait in a file, and are all there."""
    with session.transaction():
        session.execute("INSERT INTO t (id, s) SELECT i, repeat('x', 1000) FROM generate_series(10, 20009) i")
        row = session.execute("SELECT count(*), sum(length(s)), max(id) FROM (SELECT * FROM t OFFSET 0) x "
                              "WHERE md5(s) <> ''").fetchone()
    assert row == (20003, 20_000_000 + 11, 20009)


# ---- plans around a write

def test_values_of_sub_selects(session: Connection, file: File) -> None:
    session.execute("CREATE TEMP TABLE mine AS SELECT 42 AS x")
    statement = "UPDATE t SET n = (SELECT max(x) FROM mine) WHERE id <= (SELECT count(*) FROM mine)"
    assert "Foreign Update" in explained(session, statement)
    assert session.execute(statement).rowcount == 1
    assert session.execute("UPDATE t SET n = (SELECT sum(n) FROM t) WHERE id = 4").rowcount == 1  # itself
    assert file.rows("SELECT n FROM t ORDER BY id") == [(42,), (20,), (30,), (92,)]
    rows = session.execute("WITH gone AS (DELETE FROM t WHERE id > 2 RETURNING *) SELECT count(*), sum(n) FROM gone").fetchall()
    assert rows == [(2, 122)]
    assert session.execute("WITH gone AS (DELETE FROM t WHERE id = 1 RETURNING id, n, s) INSERT INTO t (id, n, s) "
                           "SELECT id + 10, n, s FROM gone RETURNING id").fetchall() == [(11,)]
    assert file.rows("SELECT id FROM t ORDER BY id") == [(2,), (11,)]
    session.execute("DROP TABLE mine")


def test_views_and_partitions(session: Connection, file: File) -> None:
    session.execute("CREATE VIEW v AS SELECT id, n AS number FROM t WHERE id < 3")
    assert session.execute("UPDATE v SET number = 5").rowcount == 2
    assert session.execute("INSERT INTO v VALUES (7, 7) RETURNING *").fetchall() == [(7, 7)]
    session.execute("DROP VIEW v")
    session.execute("CREATE TABLE whole (id bigint, n bigint, s text COLLATE \"C\", made text COLLATE \"C\") PARTITION BY RANGE (id)")
    session.execute("CREATE TABLE low PARTITION OF whole FOR VALUES FROM (MINVALUE) TO (0)")
    session.execute("ALTER TABLE whole ATTACH PARTITION t FOR VALUES FROM (0) TO (MAXVALUE)")
    assert session.execute("INSERT INTO whole (id, n) VALUES (-1, 1), (50, 50), (-2, 2), (51, 51)").rowcount == 4
    assert session.execute("UPDATE whole SET n = 0 WHERE id IN (-1, 50)").rowcount == 2
    assert session.execute("UPDATE whole SET n = length(repeat('x', 3)) WHERE id IN (-2, 51)").rowcount == 2
    assert session.execute("SELECT id, n FROM whole WHERE id > 40 OR id < 0 ORDER BY id").fetchall() == [
        (-2, 3), (-1, 0), (50, 0), (51, 3)]
    assert session.execute("DELETE FROM whole WHERE n = 0 RETURNING id").rowcount == 2
    session.execute("ALTER TABLE whole DETACH PARTITION t; DROP TABLE whole")
    assert file.rows("SELECT id FROM t WHERE id > 40") == [(51,)]


def test_row_security_of_views_stays_closed(session: Connection, file: File) -> None:
    """A condition that is not leakproof must not see hidden rows, so the write is not one statement."""
    session.execute("CREATE VIEW fenced WITH (security_barrier) AS SELECT * FROM t WHERE upper(s) <> 'TWO'")
    session.execute("""CREATE FUNCTION tell(bigint) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$
        BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$""")
    seen: list[str] = []
    session.add_notice_handler(lambda diag: seen.append(str(diag.message_primary)))
    assert session.execute("UPDATE fenced SET n = 1 WHERE tell(n) AND n / 10 > 0").rowcount == 2
    assert "seen 20" not in seen and "seen 10" in seen
    session.execute("DROP VIEW fenced; DROP FUNCTION tell")


SETTINGS = {"datestyle": "German", "timezone": "Asia/Kathmandu", "extra_float_digits": "-3", "bytea_output": "escape",
            "intervalstyle": "sql_standard"}


@pytest.mark.parametrize("odd", [[], *[[name] for name in SETTINGS], list(SETTINGS)], ids=str)
def test_the_sessions_settings_change_no_value(session: Connection, scratch: Scratch, odd: list[str]) -> None:
    file = sqlite_files.make_file(scratch, session, "CREATE TABLE k (id INTEGER PRIMARY KEY, d DATE, ts TIMESTAMP, tz TIMESTAMP, "
                                  "f REAL, r REAL, b BLOB, i TEXT, ds TEXT, tm TIME)")
    for name, type_ in (("tz", "timestamptz"), ("r", "real"), ("i", "interval"), ("ds", "date[]")):
        session.execute(f"ALTER FOREIGN TABLE k ALTER {name} TYPE {type_}")
    row = ("date '2024-02-03', timestamp '2024-02-03 04:05:06', timestamptz '2024-02-03 04:05:06+00', 0.1::float8 + 0.2, "
           "0.1::real, '\\x005c'::bytea, interval '-1 mon 2 days -03:00', ARRAY[date '2024-02-03'], time '01:02:03'")
    for name in odd:
        session.execute(f"SET {name} = '{SETTINGS[name]}'")
    session.execute(f"INSERT INTO k SELECT 1, {row}")
    session.execute("INSERT INTO k (id) VALUES (2)")
    names = "d, ts, tz, f, r, b, i, ds, tm"
    session.execute(f"UPDATE k SET ({names}) = ROW({row}) WHERE id = 2")
    session.execute(f"INSERT INTO k (id, {names}) SELECT 3, {names} FROM k WHERE d = date '2024-02-03' AND tz <= timestamptz "
                    "'2024-02-03 04:05:06+00' AND f = 0.1::float8 + 0.2 AND b = '\\x005c'::bytea AND id = 1")
    for name in odd:
        session.execute(f"RESET {name}")
    wanted = ("2024-02-03", "2024-02-03 04:05:06", "2024-02-03 04:05:06+00", 0.1 + 0.2, 0.1, b"\0\\", "-1 mons +2 days -03:00:00",
              "{2024-02-03}", "01:02:03")
    assert file.rows(f"SELECT {names} FROM k ORDER BY id") == [wanted] * 3
    sqlite_files.drop(session, file)
