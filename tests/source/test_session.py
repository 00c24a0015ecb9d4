"""A session of the hub with instant-source, frame by frame: src/relation/message.h."""
from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import relation as rel
from harness.source_client import (
    CLOSE,
    CLOSED,
    COMMIT,
    ERROR,
    HELLO,
    MODIFY,
    OPEN,
    READY,
    ROLLBACK,
    ROOT,
    Frame,
    Gone,
    SourceError,
    SourceSession,
    frame,
    hello,
    open_payload,
    program,
)
from requests_of_hub import WORDS, endless, numbers, silent

Start = Callable[..., SourceSession]

# What is promised of a cancel, whatever the source does.
CLOSE_SECONDS = 0.25
IS_SANITIZED = "sanitize" in program().parts


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def wait_until_gone(pid: int, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and status_of(pid)["State"][0] != "Z":
        assert time.monotonic() < until, f"process {pid} is still there"
        time.sleep(0.01)


def test_a_scan_from_open_to_closed(session: SourceSession) -> None:
    scan = session.open(WORDS)
    assert scan.rows() == [(1, "one"), (2, "two"), (3, None)]
    assert scan.stats is not None and scan.stats["rows"] == 3 and scan.stats["requests"] == 1
    assert session.open(rel.scan("words", [])).table().num_columns == 0


def test_batches_come_as_credit_allows(session: SourceSession) -> None:
    scan = session.open(numbers(100), batch_rows=10, credit=2)
    scan.wait(batches=2)
    with pytest.raises(TimeoutError):
        session.receive(0.2)
    scan.credit(1)
    scan.wait(batches=3)
    with pytest.raises(TimeoutError):
        session.receive(0.2)
    assert scan.table().column(0).to_pylist() == list(range(1, 101))


def test_credit_beyond_all_numbers_is_just_much(session: SourceSession) -> None:
    scan = session.open(numbers(50), batch_rows=1, credit=0xFFFFFFFF)
    for _ in range(3):
        scan.credit(0xFFFFFFFF)
    scan.wait()
    assert len(scan.batches) == 50
    scan.close()


def test_first_batches_are_small(session: SourceSession) -> None:
    scan = session.open(numbers(1000), batch_rows=400, first_batch_rows=50, credit=100)
    table = scan.table()
    assert [chunk.num_rows for chunk in table.to_batches()] == [50, 100, 200, 400, 250]


def test_a_batch_longer_than_a_frame_goes_on_in_others(session: SourceSession) -> None:
    relation = rel.native("SELECT hex(zeroblob(27000000)) || 'end'", [rel.column("x", rel.TEXT)])
    text = session.open(relation).table().column(0)[0].as_py()
    assert text == "0" * 54_000_000 + "end"


@pytest.mark.quiet
@pytest.mark.parametrize("relation", [endless(), silent()])
def test_close_stops_a_scan_at_once(session: SourceSession, relation: rel.Relation) -> None:
    scan = session.open(relation, credit=1)
    time.sleep(0.2)
    start = time.monotonic()
    scan.close()
    assert time.monotonic() - start < CLOSE_SECONDS
    assert scan.stats is not None and scan.stats["requests"] == 1
    assert session.open(WORDS).table().num_rows == 3


@pytest.mark.quiet
def test_close_stops_a_scan_that_waits_for_a_lock(session: SourceSession, database: Path) -> None:
    with sqlite3.connect(database, isolation_level=None) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        scan = session.open(WORDS)
        with pytest.raises(TimeoutError):
            session.receive(0.2)
        start = time.monotonic()
        scan.close()
        assert time.monotonic() - start < CLOSE_SECONDS
        writer.execute("ROLLBACK")
    writer.close()


def test_close_after_the_end_and_of_nothing(session: SourceSession) -> None:
    scan = session.open(WORDS)
    scan.wait()
    scan.close()
    session.send(CLOSE, 4711)
    assert session.read_frame() == Frame(CLOSED, 0, 4711, b"")


def test_a_number_may_be_used_again_once_closed(session: SourceSession) -> None:
    for _ in range(5):
        session.last = 6
        assert session.open(WORDS).table().num_rows == 3


def test_a_scan_has_a_time_limit(session: SourceSession) -> None:
    start = time.monotonic()
    with pytest.raises(SourceError) as caught:
        session.open(silent(), timeout_ms=200).table()
    assert caught.value.sqlstate == "57014"
    assert 0.15 < time.monotonic() - start < 2


def test_many_scans_at_once(session: SourceSession) -> None:
    scans = [(session.open(numbers(1000 + i), batch_rows=100, credit=1), 1000 + i) for i in range(100)]
    stuck = session.open(endless(), batch_rows=10, credit=1)
    for scan, count in random.Random(5).sample(scans, 100):
        assert scan.table().num_rows == count
    stuck.close()


def test_too_many_scans_at_once_is_an_error_of_one(session: SourceSession) -> None:
    scans = [session.open(endless(), batch_rows=1, credit=1) for _ in range(128)]
    one_more = session.open(WORDS)
    one_more.wait()
    assert one_more.error is not None and one_more.error.sqlstate == "54000"
    one_more.close()
    for scan in scans:
        scan.close()
    assert session.open(WORDS).table().num_rows == 3


def test_errors_name_the_server_and_the_request(session: SourceSession) -> None:
    with pytest.raises(SourceError) as caught:
        session.open(rel.scan("nowhere", [rel.column("x", rel.INT4)])).table()
    error = caught.value
    assert error.sqlstate == "42P01"
    assert error.source == "probe"
    assert "no such table: nowhere" in error.message
    assert error.remote_sql == 'SELECT t1."x" FROM "nowhere" AS t1'


@pytest.mark.parametrize("kind", [COMMIT, ROLLBACK])
def test_the_end_of_a_transaction_that_nobody_began(session: SourceSession, start: Start, kind: int) -> None:
    for level in (1, 2):
        assert session.finish(kind, 77, level).written == []
    other = start(greet=False)
    other.greet("rest", server_options={"base_url": "http://127.0.0.1:1/"})
    with pytest.raises(SourceError, match="no transactions") as caught:
        other.finish(kind, 1)
    assert caught.value.sqlstate == "0A000"


def test_an_adapter_that_cannot_write_says_so(session: SourceSession) -> None:
    with pytest.raises(SourceError) as caught:
        session.modify(0, WORDS, [["4", "four"]])
    assert caught.value.sqlstate == "0A000"


def test_parameters_get_their_values(session: SourceSession) -> None:
    relation = rel.filter_(WORDS, rel.compare("=", rel.col(WORDS, 1), rel.param(rel.TEXT, 0)))
    assert session.open(relation, values=rel.values((rel.TEXT, "two"))).rows() == [(2, "two")]
    assert session.open(relation, values=rel.values((rel.TEXT, None))).rows() == []
    listed = rel.filter_(WORDS, rel.in_(rel.col(WORDS, 0), rel.param(rel.INT4, 0, is_list=True)))
    assert session.open(listed, values=rel.values((rel.INT4, ["3", "1", None]))).rows() == [(1, "one"), (3, None)]
    assert session.open(listed, values=rel.values((rel.INT4, []))).rows() == []
    with pytest.raises(SourceError):
        session.open(relation).table()


# ---- how a session begins

def test_hello_must_make_sense(start: Start, database: Path) -> None:
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"version": 3}, "0A000", "version 3"),
        ({"server_options": {}}, "", "path"),
        ({"server_options": {"path": str(database), "paht": "x"}}, "HV00D", "paht"),
        ({"may_use_local": False}, "42501", "path"),
        ({"server_options": {"path": "data.db"}}, "22023", "absolute"),
        ({"server_options": {"path": ":memory:"}}, "22023", "absolute"),
    ]
    for settings, sqlstate, words in cases:
        session = start(greet=False)
        with pytest.raises(SourceError) as caught:
            session.greet("sqlite", **{"server_options": {"path": str(database)}, **settings})
        assert words in caught.value.message, caught.value
        assert caught.value.sqlstate == (sqlstate or caught.value.sqlstate)
        with pytest.raises(Gone):
            session.read_frame()
        assert session.end()[0] == 1


def test_an_unknown_adapter_is_named(start: Start) -> None:
    session = start(greet=False)
    with pytest.raises(SourceError, match='no adapter "oracle"'):
        session.greet("oracle")
    session.end()


@pytest.mark.parametrize("first", [
    frame(OPEN, 1, open_payload(WORDS)), frame(HELLO, 1, hello("sqlite")), frame(READY), frame(HELLO, 0, b""),
    frame(HELLO, 0, hello("sqlite")[:-1]), frame(HELLO, 0, hello("sqlite") + b"x"), b"GET / HTTP/1.1\r\n\r\n",
    frame(0), frame(HELLO, 0, b"", 1)],
    ids=["open", "hello of a scan", "ready", "empty", "short", "long", "http", "zeros", "more"])
def test_nothing_else_comes_first(start: Start, first: bytes) -> None:
    session = start(greet=False)
    session.sock.sendall(first)
    got = session.read_frame()
    assert (got.kind, got.scan) == (ERROR, 0)
    assert session.end()[0] == 1


def test_garbage_ends_the_session_and_nothing_worse(start: Start) -> None:
    chance = random.Random(20261130)
    for _ in range(40):
        session = start()
        good = open_payload(WORDS)
        kind = chance.choice([OPEN, OPEN, OPEN, MODIFY, 5, 99])
        payload = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        session.send(kind, chance.randrange(3), bytes(payload))
        session.sock.shutdown(socket.SHUT_WR)
        code, said = session.end()
        assert code in (0, 1), said
        assert "Sanitizer" not in said, said


# ---- what the process is

def test_ps_shows_the_server_and_no_option(start: Start) -> None:
    session = start(name="warehouse", environment={"SECRET_OF_THE_HUB": "hunter2"})
    pid = session.process.pid
    command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
    assert command == b"instant-source: warehouse"
    assert Path(f"/proc/{pid}/comm").read_text() == "instant-source\n"
    try:
        assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        pass  # not ours to read: better still
    session.end()


def test_the_process_is_in_its_sandbox(session: SourceSession) -> None:
    pid = session.process.pid
    status = status_of(pid)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"


def test_the_process_dies_with_its_socket(start: Start) -> None:
    for relation in (WORDS, endless(), silent()):
        session = start()
        session.open(relation, credit=1000)
        time.sleep(0.1)
        start_time = time.monotonic()
        code, said = session.end()
        assert time.monotonic() - start_time < 1
        assert code == 0, said


PARENT = """
import os, signal, socket, sys
sys.path[:0] = [{tests!r}]
from harness.source_client import SourceSession
session = SourceSession("sqlite", server_options={{"path": {path!r}}})
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [str(session.process.pid).encode()], [session.sock.fileno()])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_process_dies_with_its_parent(database: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(tests=str(ROOT / "tests"), path=str(database)), str(theirs.fileno())],
            pass_fds=[theirs.fileno()])
        said, descriptors, _, _ = socket.recv_fds(ours, 100, 1)
        assert parent.wait(30) == -signal.SIGKILL
        # We hold the hub's end of the socket: only the parent is gone.
        wait_until_gone(int(said), 1)
        os.close(descriptors[0])


def test_a_killed_process_is_the_end_of_one_session_only(start: Start) -> None:
    victim, bystander = start(), start()
    victim.open(endless(), credit=5)
    victim.process.kill()
    with pytest.raises(Gone):
        while True:
            victim.receive()
    assert bystander.open(WORDS).table().num_rows == 3
    assert victim.end()[0] == -signal.SIGKILL
    assert bystander.end()[0] == 0


def test_signals_for_the_backends_group_do_not_matter(session: SourceSession) -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        session.process.send_signal(number)
    assert session.open(WORDS).table().num_rows == 3


def test_too_much_memory_is_an_error_of_one_scan(start: Start) -> None:
    # Not the sanitizers' build, which takes terabytes of address space.
    session = start(memory_bytes=64 << 20, command=ROOT / "build" / "instant-source")
    for _ in range(3):
        big = rel.native("SELECT hex(zeroblob(100000000))", [rel.column("x", rel.TEXT)])
        with pytest.raises(SourceError) as caught:
            session.open(big).table()
        assert caught.value.sqlstate == "53200"
        assert session.open(WORDS).table().num_rows == 3
    assert session.end()[0] == 0


def test_thousands_of_scans_leave_nothing_behind(session: SourceSession) -> None:
    pid = session.process.pid

    def scan_often(count: int) -> int:
        for i in range(count):
            scan = session.open(endless() if i % 3 == 0 else WORDS, credit=1)
            if i % 2 == 0:
                scan.wait(batches=1)
            scan.close()
        return int(status_of(pid)["VmRSS"].split()[0])

    rss_kb = scan_often(200)
    # The process is closed to the eyes of others than root, but everybody may see the size of its table of files.
    slots = status_of(pid)["FDSize"]
    rss_after_kb = scan_often(600)
    assert status_of(pid)["FDSize"] == slots
    until = time.monotonic() + 5
    while int(status_of(pid)["Threads"]) > 1:  # CLOSED is the last but one thing that a thread does
        assert time.monotonic() < until
    if not IS_SANITIZED:  # which keeps freed memory for a while
        assert rss_after_kb - rss_kb < 4096


def test_big_sorts_write_where_tmpdir_says(start: Callable[..., SourceSession]) -> None:
    query = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 60000) "
             "SELECT x FROM c ORDER BY hex(randomblob(200)), x")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        session = start(environment={"TMPDIR": scratch})
        found = session.open(rel.native(query, [rel.column("x", rel.INT8)])).rows()
    assert sorted(found) == [(i,) for i in range(1, 60001)]
