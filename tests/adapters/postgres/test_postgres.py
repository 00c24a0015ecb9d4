"""The adapter postgres in its process: values, transactions, cancels and connections, on a real server."""
from __future__ import annotations

import random
import re
import select
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from harness import relation as rel
from harness import typezoo
from harness.source_client import COMMIT, ROLLBACK, Scan, SourceError, SourceSession, transaction_bytes
from scratch_servers import PostgresServer, Scratch

from .conftest import Make, count, is_sanitized, numbers, table, wide


def failure(session: SourceSession, relation: rel.Relation, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        session.open(relation, **settings).table()
    return caught.value


def in_transaction(number: int, **settings: Any) -> dict[str, Any]:
    return {"transaction": transaction_bytes(number, **settings)}


def wait_for(what: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# ---- values

NUMERIC_15_2 = (1700, (15 << 16 | 2) + 4)
# Columns of typezoo: the hub's type; TEXT kinds are compared with what the output function says.
ZOO: dict[str, rel.Type] = {
    "c_bool": rel.BOOL, "c_int2": rel.INT2, "c_int4": rel.INT4, "c_int8": rel.INT8, "c_float4": rel.FLOAT4,
    "c_float8": rel.FLOAT8, "c_numeric": rel.NUMERIC, "c_decimal": NUMERIC_15_2, "c_text": rel.TEXT,
    "c_varchar": (1043, 14), "c_char": (1042, 9), "c_name": (19, -1), "c_bytea": rel.BYTEA, "c_date": rel.DATE,
    "c_time": rel.TIME, "c_timetz": (1266, -1), "c_timestamp": rel.TIMESTAMP, "c_timestamptz": rel.TIMESTAMPTZ,
    "c_interval": (1186, -1), "c_uuid": rel.UUID, "c_json": rel.JSON, "c_jsonb": rel.JSONB, "c_int4s": (1007, -1),
    "c_texts": (1009, -1), "c_int4range": (3904, -1), "c_inet": (869, -1), "c_cidr": (650, -1), "c_macaddr": (829, -1),
    "c_bit": (1560, 5), "c_varbit": (1562, -1), "c_money": (790, -1), "c_xml": (142, -1), "c_oid": (26, -1),
    'Größe "n" a b': rel.INT4, "select": rel.TEXT,
}


def as_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), str(value))
    return str(value)


def same(column: str, got: Any, wanted: str | None) -> bool:
    text = as_text(got)
    if text is None or wanted is None:
        return text is wanted is None
    if column in ("c_float4", "c_float8"):
        form = "<f" if column == "c_float4" else "<d"
        return struct.pack(form, float(text)) == struct.pack(form, float(wanted))
    if column == "c_timestamptz":
        return text.replace("+00:00", "+00").rstrip() == wanted or text[:19] == wanted[:19]
    if column == "c_time":
        return text.rstrip("0").rstrip(".:") == wanted.rstrip("0").rstrip(".:")
    if column == "c_timestamp":
        return text == wanted
    return text == wanted


def test_every_type(make: Make, db: psycopg.Connection) -> None:
    assert set(ZOO) == set(typezoo.COLUMNS)
    db.execute("SET timezone = 'UTC'")
    fields = ", ".join(f"CASE WHEN {typezoo.quoted(name)} IS NOT NULL THEN format('%s', {typezoo.quoted(name)}) END" for name in ZOO)
    wanted = psycopg.RawCursor(db).execute(f"SELECT {fields} FROM typezoo.everything ORDER BY id").fetchall()
    types = ZOO | ({} if typezoo.COLUMNS["c_xml"][0] == "xml" else {"c_xml": rel.TEXT})
    source = rel.scan("everything", [rel.column("id", rel.INT4)] + [rel.column(n, t) for n, t in types.items()],
                      {"schema": "typezoo"})
    rows = make().open(rel.sort(source, (rel.col(source, 0), False, False))).rows()
    assert len(rows) == len(wanted) == typezoo.ROWS
    for got, texts in zip(rows, wanted, strict=True):
        for name, value, text in zip(ZOO, got[1:], texts, strict=True):
            assert same(name, value, text), (name, value, text)


def test_values_that_arrow_cannot_say(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS odd; CREATE TABLE odd (d date, s timestamp, z timestamptz, t time, n numeric(5,2), "
               "f numeric); INSERT INTO odd VALUES "
               "('infinity', 'infinity', '-infinity', '24:00', 'NaN', 'Infinity'), "
               "('-infinity', '294276-12-31', '4713-01-01 BC', '00:00', 1.25, '-Infinity')")
    source = table("odd", ("d", rel.DATE), ("s", rel.TIMESTAMP), ("z", rel.TIMESTAMPTZ), ("t", rel.TIME),
                   ("n", (1700, (5 << 16 | 2) + 4)), ("f", rel.NUMERIC))
    got = make().open(source).table()
    days = got["d"].combine_chunks().view(pa.int32()).to_pylist()
    moments = got["s"].combine_chunks().view(pa.int64()).to_pylist()
    assert days == [2**31 - 1 + 10957 - 2**32, -2**31 + 10957]
    assert moments[0] == 2**63 - 1 + 10957 * 86400 * 10**6 - 2**64
    assert got["t"].combine_chunks().view(pa.int64()).to_pylist() == [86400 * 10**6, 0]
    assert got["f"].to_pylist() == ["Infinity", "-Infinity"]


def test_a_column_of_another_type_there(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS other_types; CREATE TABLE other_types (a int8, b text, c int4, d timestamp, e char(5)); "
               "INSERT INTO other_types VALUES (5, '7', 9, '2024-01-02 10:00', 'x')")
    source = table("other_types", ("a", rel.INT4), ("b", rel.INT4), ("c", rel.TEXT), ("d", rel.DATE), ("e", rel.TEXT))
    session = make()
    row = session.open(source).rows()[0]
    assert (row[0], row[1], row[2], str(row[3])) == (5, 7, "9", "2024-01-02")
    for condition in (rel.compare("=", rel.col(source, 1), rel.const(rel.INT4, "7")),
                      rel.compare("=", rel.col(source, 2), rel.const(rel.TEXT, "9"))):
        assert session.open(count(rel.filter_(source, condition))).rows() == [(1,)]
    db.execute("UPDATE other_types SET a = 5000000000")
    assert failure(session, source).sqlstate == "22003"


def test_a_table_that_is_altered_between_scans(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS altered; CREATE TABLE altered (a int4, b text); INSERT INTO altered VALUES (1, 'one')")
    source = table("altered", ("a", rel.INT4), ("b", rel.TEXT))
    wanted = rel.filter_(source, rel.compare("=", rel.col(source, 0), rel.const(rel.INT4, "1")))
    session = make()
    assert session.open(wanted).rows() == [(1, "one")]
    db.execute("ALTER TABLE altered ALTER a TYPE int8, ALTER b TYPE varchar(10)")
    assert session.open(wanted).rows() == [(1, "one")]
    db.execute("ALTER TABLE altered ALTER a TYPE text")
    try:
        assert session.open(wanted).rows() == [(1, "one")]
    except SourceError as error:
        assert error.sqlstate == "42883"
    assert session.open(wanted).rows() == [(1, "one")]
    db.execute("ALTER TABLE altered DROP COLUMN b")
    assert failure(session, wanted).sqlstate == "42703"


def test_native_request(make: Make) -> None:
    request = rel.native("SELECT 1, 'x'::text UNION ALL SELECT 2, NULL ORDER BY 1", [rel.column("a", rel.INT4), rel.column("b", rel.TEXT)])
    assert make().open(request).rows() == [(1, "x"), (2, None)]


def test_no_columns_and_no_rows(make: Make) -> None:
    session = make()
    assert session.open(table("numbers")).table().num_rows == 20000
    nothing = rel.filter_(numbers(), rel.compare("=", rel.col(numbers(), 0), rel.const(rel.INT8, "-1")))
    assert session.open(nothing).rows() == []


def test_a_long_value(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS long; CREATE TABLE long (t text); INSERT INTO long SELECT repeat('ä', 4000000) || i FROM generate_series(1, 3) i")
    rows = make().open(table("long", ("t", rel.TEXT))).rows()
    assert [len(str(text)) for (text,) in rows] == [4000001] * 3
    assert str(rows[2][0])[-1] == "3"


# ---- transactions

def test_scans_of_a_transaction_see_one_snapshot(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS moving; CREATE TABLE moving (id int8); INSERT INTO moving SELECT generate_series(1, 50000)")
    source = table("moving", ("id", rel.INT8))
    session = make()
    first = session.open(source, batch_rows=100, credit=1, **in_transaction(7))
    first.wait(batches=1)
    db.execute("DELETE FROM moving WHERE id > 100; INSERT INTO moving VALUES (-1)")
    # The first is still being read, so this is another session there.
    second = session.open(count(source), **in_transaction(7))
    assert second.rows() == [(50000,)]
    assert session.open(count(source), **in_transaction(8)).rows() == [(101,)]
    assert first.table().num_rows == 50000
    assert session.open(count(source), **in_transaction(7)).rows() == [(50000,)]
    session.finish(COMMIT, 7)
    session.finish(ROLLBACK, 8)
    assert session.open(count(source), **in_transaction(9)).rows() == [(101,)]


def test_scans_that_begin_at_once_see_one_snapshot(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS pairs; CREATE TABLE pairs (id int8, n int8); INSERT INTO pairs SELECT i, 0 FROM generate_series(1, 1000) i")
    source = table("pairs", ("id", rel.INT8), ("n", rel.INT8))
    total = rel.aggregate(source, [], [rel.Aggregate("max", rel.INT8, rel.col(source, 1))])
    session = make()
    with psycopg.connect(db.info.dsn, password=db.info.password, autocommit=True) as other:
        for number in range(1, 30):
            scans = [session.open(total, **in_transaction(number)) for _ in range(4)]
            other.execute("UPDATE pairs SET n = n + 1")
            assert len({tuple(scan.rows()) for scan in scans}) == 1
            session.finish(COMMIT, number)


def test_a_scan_that_is_closed_early_keeps_the_snapshot(make: Make, db: psycopg.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS early; CREATE TABLE early (id int8); INSERT INTO early SELECT generate_series(1, 300000)")
    source = table("early", ("id", rel.INT8))
    session = make()
    first = session.open(source, batch_rows=10, credit=1, **in_transaction(3))
    first.wait(batches=1)
    first.close()
    db.execute("DELETE FROM early WHERE id > 5")
    assert session.open(count(source), **in_transaction(3)).rows() == [(300000,)]
    # And one that fails.
    broken = rel.native("SELECT 1 / (id - 5)::int4 FROM public.early", [rel.column("a", rel.INT4)])
    assert failure(session, broken, **in_transaction(3)).sqlstate == "22012"
    assert session.open(count(source), **in_transaction(3)).rows() == [(300000,)]
    session.finish(COMMIT, 3)
    assert len(sessions_there(db)) <= 2


def sessions_there(db: psycopg.Connection, state: str = "%", name: str = "instant: probe") -> list[tuple[str, str]]:
    return db.execute("SELECT state, query FROM pg_stat_activity WHERE application_name = %s AND state LIKE %s", (name, state)).fetchall()


def test_settings_of_a_session(make: Make, db: psycopg.Connection) -> None:
    request = rel.native("SELECT name || '=' || setting FROM pg_settings WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', "
                         "'extra_float_digits', 'bytea_output', 'search_path', 'client_encoding', 'application_name', "
                         "'transaction_isolation', 'transaction_read_only') ORDER BY lower(name)", [rel.column("s", rel.TEXT)])
    session = make(options="-c datestyle=german -c timezone=Asia/Tokyo -c intervalstyle=iso_8601")
    for settings in ({}, in_transaction(5)):
        assert [row[0] for row in session.open(request, **settings).rows()] == [
            "application_name=instant: probe", "bytea_output=hex", "client_encoding=UTF8", "DateStyle=ISO, DMY", "extra_float_digits=3",
            "IntervalStyle=postgres", "search_path=pg_catalog", "TimeZone=UTC", "transaction_isolation=repeatable read",
            "transaction_read_only=off"]
    assert session.open(request, **in_transaction(6, is_serializable=True, is_read_only=True)).rows()[-2:] == [
        ("transaction_isolation=serializable",), ("transaction_read_only=on",)]


# ---- ends

@pytest.mark.quiet
def test_cancel_ends_the_remote_query(make: Make, db: psycopg.Connection) -> None:
    request = rel.native("SELECT pg_sleep(60)::text", [rel.column("s", rel.TEXT)])
    session = make()
    for number in (0, 4, 4, 4, 0):
        scan = session.open(request, **in_transaction(number))
        wait_for(lambda: any("pg_sleep" in query for _, query in sessions_there(db, "active")))
        since = time.monotonic()
        scan.close()
        assert time.monotonic() - since < 0.1
        wait_for(lambda: not sessions_there(db, "active"), 0.25)
        # The process lives, and so does the connection.
        assert session.open(rel.native("SELECT 1", [rel.column("a", rel.INT4)]), **in_transaction(number)).rows() == [(1,)]
    assert len(sessions_there(db)) <= 2


def test_a_source_process_that_is_killed_leaves_no_query(make: Make, db: psycopg.Connection, server: PostgresServer) -> None:
    request = rel.native("SELECT pg_sleep(60)::text", [rel.column("s", rel.TEXT)])
    session = SourceSession("postgres", server_options={"host": server.host, "port": str(server.port), "dbname": "postgres"},
                            user_options={"user": server.username, "password": server.password}, name="killed")
    session.open(request, **in_transaction(2))
    wait_for(lambda: sessions_there(db, "active", "instant: killed"))
    session.process.kill()
    session.process.wait()
    wait_for(lambda: not sessions_there(db, "active", "instant: killed"), 0.6)
    session.sock.close()


def test_a_server_that_dies_in_a_scan_is_an_error(make: Make, db: psycopg.Connection) -> None:
    session = make()
    scan = session.open(wide(), batch_rows=100, credit=1, **in_transaction(2))
    scan.wait(batches=1)
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instant: probe'")
    with pytest.raises(SourceError) as caught:
        scan.table()
    assert caught.value.sqlstate in ("57P01", "08006")
    # The transaction and its snapshot are gone with it.
    assert failure(session, count(wide()), **in_transaction(2)).sqlstate[:2] == "08"
    session.finish(ROLLBACK, 2)
    assert session.open(count(wide()), **in_transaction(3)).rows() == [(120000,)]


def test_an_idle_connection_that_died_is_replaced(make: Make, db: psycopg.Connection) -> None:
    session = make()
    for number in range(1, 6):
        assert session.open(count(numbers()), **in_transaction(number)).rows() == [(20000,)]
        session.finish(COMMIT, number)
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instant: probe'")
        wait_for(lambda: not sessions_there(db))


def test_connections_are_reused(make: Make, db: psycopg.Connection) -> None:
    request = rel.native("SELECT pg_backend_pid()", [rel.column("pid", rel.INT4)])
    session = make()
    pids = set()
    for number in range(1, 10):
        pids.add(session.open(request, **in_transaction(number)).rows()[0][0])
        session.finish(COMMIT, number)
    assert len(pids) == 1


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer keeps what was freed")
def test_memory_stays_flat(make: Make) -> None:
    session = make()
    status = Path(f"/proc/{session.process.pid}/status")

    def peak() -> int:
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0])

    request = rel.native("SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", [rel.column("i", rel.INT4), rel.column("t", rel.TEXT)])
    first = _count_rows(session.open(_of(request, 100000)))
    before = peak()
    assert first == 100000 and _count_rows(session.open(_of(request, 1000000))) == 1000000
    assert peak() - before < 24 * 1024


def _of(request: rel.Relation, number: int) -> rel.Relation:
    return rel.native(f"SELECT i, repeat('x', 200) FROM generate_series(1, {number}) i", request.columns)


def _count_rows(scan: Scan) -> int:
    rows = 0
    while not scan.is_over():
        scan.credit(1)
        scan.wait(batches=1)
        if scan.schema and scan.batches:
            rows += pa.ipc.open_stream(scan.schema + b"".join(scan.batches) + b"\xff\xff\xff\xff\0\0\0\0").read_all().num_rows
            scan.batches.clear()
    assert scan.error is None
    scan.close()
    return rows


# ---- several connections for one scan

def test_parallel_reads_equal_serial_ones(make: Make, db: psycopg.Connection) -> None:
    session = make()
    serial = session.open(wide(), **in_transaction(1))
    assert sorted(serial.rows()) == [(i, i) for i in range(1, 120001)]
    session.finish(COMMIT, 1)
    with psycopg.connect(db.info.dsn, password=db.info.password, autocommit=True) as other:
        for number in range(2, 5):
            scan = session.open(wide(parallel="3"), batch_rows=1000, credit=1, **in_transaction(number))
            scan.wait(batches=1)
            assert len(sessions_there(db)) >= 3
            other.execute("UPDATE wide SET n = n + 1 WHERE id % 3 = 0")
            rows = sorted(scan.rows())
            assert [row[0] for row in rows] == list(range(1, 120001))
            assert {int(str(row[1])) - int(str(row[0])) for row in rows} == ({0} if number == 2 else {0, number - 2})
            session.finish(COMMIT, number)
    db.execute("UPDATE wide SET n = id WHERE n <> id")
    db.execute("VACUUM wide")


def test_parallel_reads_need_no_other_columns(make: Make, db: psycopg.Connection, server: PostgresServer) -> None:
    db.execute("DROP ROLE IF EXISTS half; CREATE ROLE half LOGIN PASSWORD 'x'; GRANT SELECT (id) ON wide TO half")
    session = make(user={"user": "half", "password": "x"}, parallel="2")
    assert session.open(table("wide", ("id", rel.INT8))).table().num_rows == 120000
    assert session.open(table("wide")).table().num_rows == 120000
    assert failure(session, wide()).sqlstate == "42501"
    db.execute("REVOKE ALL ON wide FROM half; DROP ROLE half")


def test_parallel_is_only_for_big_plain_scans(make: Make, db: psycopg.Connection) -> None:
    session = make(parallel="4")
    assert session.open(count(wide())).rows() == [(120000,)]
    assert len(session.open(rel.limit(wide(), 5)).rows()) == 5
    assert session.open(numbers()).table().num_rows == 20000
    half = rel.filter_(wide(), rel.compare(">", rel.col(wide(), 0), rel.const(rel.INT8, "60000")))
    assert session.open(half).table().num_rows == 60000


def test_scans_that_are_closed_at_any_moment(make: Make) -> None:
    """Whatever a scan was doing, its connections are of use for the next one, or are not used again."""
    choose = random.Random(20261130)
    session = make(parallel="3")
    some = count(rel.filter_(wide(), rel.compare("<=", rel.col(wide(), 0), rel.const(rel.INT8, "1000"))))
    answers = {"right": 0, "lost": 0}
    for number in range(1, 60):
        for _ in range(4):
            scans = [session.open(choose.choice((wide(), wide(), some)), batch_rows=choose.choice((100, 8192)), credit=choose.choice((1, 4)),
                                  **in_transaction(number)) for _ in range(choose.choice((1, 2)))]
            deadline = time.monotonic() + choose.random() * 0.02
            while time.monotonic() < deadline:
                if select.select([session.sock], [], [], 0.001)[0]:
                    session.receive()
            for scan in scans:
                scan.close()
            try:
                assert session.open(some, **in_transaction(number)).rows() == [(1000,)]
                answers["right"] += 1
            except SourceError as error:
                # On a busy machine the source does not always answer within the tenth of a second that there is.
                assert error.sqlstate == "08006", error
                answers["lost"] += 1
                break
        session.finish(choose.choice((COMMIT, ROLLBACK)), number)
    assert answers["right"] > 100, answers


# ---- connecting

def test_who_needs_a_password(make: Make, server: PostgresServer) -> None:
    request = rel.native("SELECT 1", [rel.column("a", rel.INT4)])
    assert failure(make(user={"user": server.username}), request).sqlstate == "2F003"
    # Over the socket the source trusts this machine: nobody's password was asked for.
    socket = {"host": str(server.directory)}
    error = failure(make(user={"user": server.username, "password": "any"}, **socket), request)
    assert error.sqlstate == "2F003" and "did not ask" in error.message
    assert make(user={"user": server.username, "password_required": "false"}, **socket).open(request).rows() == [(1,)]
    with pytest.raises(SourceError) as caught:
        make(user={"user": server.username, "password_required": "false"}, may_use_local=False, **socket)
    assert caught.value.sqlstate == "42501"


def test_wrong_passwords_databases_and_hosts(make: Make, server: PostgresServer) -> None:
    request = rel.native("SELECT 1", [rel.column("a", rel.INT4)])
    error = failure(make(user={"user": server.username, "password": "secret-canary"}), request)
    assert error.sqlstate == "28P01" and "secret-canary" not in error.everything()
    assert failure(make(dbname="nowhere"), request).sqlstate == "3D000"
    assert failure(make(port="1"), request).sqlstate == "08001"
    since = time.monotonic()
    assert failure(make(host="192.0.2.1", connect_timeout="1"), request).sqlstate == "08001"
    assert time.monotonic() - since < 3


def test_the_hubs_environment_is_not_the_sources(server: PostgresServer) -> None:
    request = rel.native("SELECT current_setting('application_name')", [rel.column("a", rel.TEXT)])
    with SourceSession("postgres", environment={"PGAPPNAME": "stray", "PGPASSWORD": server.password, "PGSSLMODE": "require"},
                       server_options={"host": server.host, "port": str(server.port), "dbname": "postgres"},
                       user_options={"user": server.username, "password": server.password}) as session:
        assert session.open(request).rows() == [("instant: probe",)]


def test_hosts_are_tried_in_order(make: Make, server: PostgresServer) -> None:
    request = rel.native("SELECT 1", [rel.column("a", rel.INT4)])
    two = {"host": f"{server.host},{server.host}", "port": f"1,{server.port}"}
    assert make(**two).open(request).rows() == [(1,)]
    assert make(**two, target_session_attrs="read-write").open(request).rows() == [(1,)]
    assert make(**two, target_session_attrs="prefer-standby").open(request).rows() == [(1,)]
    assert failure(make(**two, target_session_attrs="standby"), request).sqlstate == "08001"
    # A host that says nothing takes its own time only.
    since = time.monotonic()
    silent = make(host=f"192.0.2.1,{server.host}", port=f"5432,{server.port}", connect_timeout="1")
    assert silent.open(request).rows() == [(1,)]
    assert time.monotonic() - since < 3


def test_a_standby(make: Make, server: PostgresServer, scratch: Scratch, db: psycopg.Connection) -> None:
    """Its snapshots are shared too, and it takes no writes; of two hosts the wanted one is found."""
    standby = PostgresServer(scratch, bin_directory=server.bin)
    standby.stop()
    shutil.rmtree(standby.data)
    standby._run(str(server.bin / "pg_basebackup"), "-h", str(server.directory), "-p", str(server.port), "-U", server.username,
                 "-D", str(standby.data), "-R", "-X", "stream", "--checkpoint=fast")
    standby.start()
    to_standby = {"host": f"{server.host},{server.host}", "port": f"{server.port},{standby.port}"}
    for attrs, is_standby in (("standby", True), ("primary", False), ("prefer-standby", True), ("read-only", True)):
        session = make(**to_standby, target_session_attrs=attrs)
        assert session.open(rel.native("SELECT pg_is_in_recovery()", [rel.column("is", rel.BOOL)])).rows() == [(is_standby,)]
    db.execute("DROP TABLE IF EXISTS moving; CREATE TABLE moving (id int8); INSERT INTO moving SELECT generate_series(1, 50000)")
    source = table("moving", ("id", rel.INT8))
    session = make(**to_standby, target_session_attrs="standby")
    wait_for(lambda: standby.sql("SELECT to_regclass('moving') IS NOT NULL") == "t" and standby.sql("SELECT count(*) FROM moving") == "50000")
    first = session.open(source, batch_rows=100, credit=1, **in_transaction(7))
    first.wait(batches=1)
    db.execute("DELETE FROM moving")
    wait_for(lambda: standby.sql("SELECT count(*) FROM moving") == "0")
    assert session.open(count(source), **in_transaction(7)).rows() == [(50000,)]
    assert first.table().num_rows == 50000
    with pytest.raises(SourceError) as caught:
        session.modify(0, source, [["1"]], transaction=transaction_bytes(8))
    assert caught.value.sqlstate == "25006"
    standby.stop()


@pytest.fixture(scope="module")
def certificates(scratch: Scratch) -> Path:
    """ca.pem, and server.pem for localhost with its key, signed by it; other.pem is another authority's."""
    folder = scratch.path / "certificates"
    folder.mkdir()

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "server.pem", "-extfile", "names")
    for file in folder.iterdir():
        file.chmod(0o644)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def tls_server(scratch: Scratch, certificates: Path) -> PostgresServer:
    made = PostgresServer(scratch)
    made.stop()
    for name in ("server.pem", "server.key"):
        made._write(made.directory / name, (certificates / name).read_text())
    made.settings |= {"ssl": "on", "ssl_cert_file": str(made.directory / "server.pem"), "ssl_key_file": str(made.directory / "server.key")}
    made.start()
    made.sql("CREATE TABLE numbers AS SELECT i::int8 AS id, i AS n, 'text ' || i AS t FROM generate_series(1, 200000) i")
    return made


def test_tls(make: Make, tls_server: PostgresServer, certificates: Path, server: PostgresServer) -> None:
    request = rel.native("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", [rel.column("ssl", rel.BOOL)])
    full = {"sslmode": "verify-full", "sslrootcert": str(certificates / "ca.pem"), "host": "localhost", "hostaddr": "127.0.0.1"}
    session = make(to=tls_server, **full)
    assert session.open(request).rows() == [(True,)]
    assert make(to=tls_server, sslmode="disable").open(request).rows() == [(False,)]
    # Through libpq: rows, errors, an early end, a transaction.
    got = session.open(numbers(), **in_transaction(1)).table()
    assert got.num_rows == 200000 and got["id"].to_pylist()[-1] == 200000
    assert failure(session, rel.native("SELECT 1 / (i - 9) FROM generate_series(1, 10) i", [rel.column("a", rel.INT4)]), **in_transaction(1)).sqlstate == "22012"
    early = session.open(numbers(), batch_rows=10, credit=1, **in_transaction(1))
    early.wait(batches=1)
    early.close()
    assert session.open(count(numbers()), **in_transaction(1)).rows() == [(200000,)]
    session.finish(COMMIT, 1)
    # What must not connect.
    for options in ({**full, "sslrootcert": str(certificates / "other.pem")}, {**full, "host": "127.0.0.1"}):
        assert failure(make(to=tls_server, **options), request).sqlstate == "08001"
    assert failure(make(sslmode="require"), request).sqlstate == "08001"
    with pytest.raises(SourceError):
        make(to=tls_server, may_use_local=False, **full)


# ---- IMPORT FOREIGN SCHEMA

IMPORTED = """
DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'ok'); CREATE DOMAIN shop.amount AS numeric(9, 2); CREATE DOMAIN shop.price AS shop.amount CHECK (VALUE > 0);
CREATE TYPE shop.pair AS (a int4, b text);
CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(20) COLLATE "C" NOT NULL, m shop.mood, p shop.price,
  pairs shop.pair, moods shop.mood[], ints int4[], at timestamptz(3) DEFAULT now(), twice numeric GENERATED ALWAYS AS (p * 2) STORED, "we ird" jsonb);
COMMENT ON TABLE shop.orders IS 'what was ordered'; COMMENT ON COLUMN shop.orders.name IS 'who';
CREATE TABLE shop.lines (a int4 NOT NULL, b int4 NOT NULL, c int4, UNIQUE (a, b), UNIQUE (c));
CREATE VIEW shop.open AS SELECT id, name FROM shop.orders;
CREATE TABLE shop.parts (id int4, at date) PARTITION BY RANGE (at);
CREATE TABLE shop.parts_2024 PARTITION OF shop.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.nothing ()
"""


def test_import(make: Make, db: psycopg.Connection) -> None:
    db.execute(IMPORTED)
    session = make()
    found = {name: (options, {column.name: column for column in columns}) for name, options, columns in session.tables("shop")}
    assert list(found) == ["lines", "nothing", "open", "orders", "parts"]
    options, orders = found["orders"]
    assert options == {"schema": "shop", "table": "orders"}
    assert {name: column.type for name, column in orders.items()} == {
        "id": "bigint", "name": 'character varying(20) COLLATE "C"', "m": "text", "p": "numeric(9,2)", "pairs": "text", "moods": "text",
        "ints": "integer[]", "at": "timestamp(3) with time zone", "twice": "numeric", "we ird": "jsonb"}
    assert orders["id"].options == {"key": "true"} and orders["id"].is_not_null and orders["name"].is_not_null
    assert orders["m"].options == {"remote_type": "shop.mood"} and orders["p"].options == {"remote_type": "shop.price"}
    assert orders["name"].comment == "who" and orders["name"].options == {}
    assert orders["twice"].is_generated and orders["twice"].default is not None and orders["at"].default is None
    assert [column.options for column in found["lines"][1].values()] == [{"key": "true"}, {"key": "true"}, {}]
    assert found["nothing"][1] == {}
    assert [name for name, _, _ in session.tables("shop", only=["parts_2024", "open", "none"])] == ["open", "parts_2024"]
    assert [name for name, _, _ in session.tables("shop", but=["parts", "orders"])] == ["lines", "nothing", "open"]
    plain = {name: {column.name: column for column in columns} for name, _, columns in session.tables("shop", options={
        "import_collate": "false", "import_default": "true", "import_generated": "false", "import_not_null": "false", "import_unknown_as_text": "false"})}
    assert plain["orders"]["name"].type == "character varying(20)" and not plain["orders"]["name"].is_not_null
    assert plain["orders"]["at"].default == "now()" and not plain["orders"]["twice"].is_generated
    assert plain["orders"]["m"].type == "shop.mood" and plain["orders"]["moods"].type == "shop.mood[]"
    with pytest.raises(SourceError) as caught:
        list(session.tables("nowhere"))
    assert caught.value.sqlstate == "HV00Q"


def test_columns_of_types_that_the_hub_has_as_text(make: Make, db: psycopg.Connection) -> None:
    db.execute(IMPORTED)
    db.execute("INSERT INTO shop.orders (name, m, p, pairs, moods) VALUES ('x', 'ok', 1.5, (1, 'a b'), '{sad,ok}')")
    orders = rel.scan("orders", [rel.column("m", rel.TEXT), rel.column("p", (1700, (9 << 16 | 2) + 4)), rel.column("pairs", rel.TEXT), rel.column("moods", rel.TEXT)], {"schema": "shop"})
    session = make()
    assert [tuple(map(str, row)) for row in session.open(orders).rows()] == [("ok", "1.50", '(1,"a b")', "{sad,ok}")]
    wanted = rel.filter_(orders, rel.compare("=", rel.col(orders, 0), rel.const(rel.TEXT, "ok")), rel.compare("<>", rel.col(orders, 2), rel.const(rel.TEXT, "x")))
    assert session.open(count(wanted)).rows() == [(1,)]
    unknown = rel.filter_(orders, rel.compare("=", rel.col(orders, 0), rel.const(rel.TEXT, "no mood")))
    assert session.open(count(unknown)).rows() == [(0,)]
