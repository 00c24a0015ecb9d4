"""How scans of the adapter mysql end: by the hub, by the clock, by the server; and what they leave behind."""
from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness import relation as rel
from harness.source_client import COMMIT, ROLLBACK, SourceError, SourceSession, program, transaction_bytes
from scratch_servers import MariaDBServer, Scratch

NUMBER = rel.native("SELECT CONNECTION_ID()", [rel.column("a", rel.INT8)])


def numbers(count: int, *, width: int = 0) -> rel.Relation:
    columns = [rel.column("n", rel.INT8), rel.column("pad", rel.TEXT, rel.C)]
    return rel.native(f"SELECT seq, REPEAT('x', {width}) FROM seq_1_to_{count}", columns)


def connection(session: SourceSession) -> int:
    return int(str(session.open(NUMBER).rows()[0][0]))


def running(maria: MariaDBServer, mark: str) -> int:
    return int(maria.sql("SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() "
                         f"AND info LIKE '%{mark}%'"))


def until(is_so: Callable[[], bool], seconds: float = 5) -> float:
    """How long it took."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < seconds
        time.sleep(0.01)
    return time.monotonic() - start


def memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


@pytest.mark.quiet
@pytest.mark.parametrize("options", [{}, {"ssl_mode": "disable"}], ids=["tls", "plain"])
def test_a_query_that_is_cancelled_ends_in_the_server(maria: TlsServer, connect: Connect, options: dict[str, str]) -> None:
    session = connect(**options)
    requests = {"sleeps": "SELECT SLEEP(77)", "computes": "SELECT count(*) FROM seq_1_to_1000000000 a77 WHERE seq * 77 % 3 = 5",
                "prepares": "SELECT GET_LOCK('held77', 77)"}
    maria.sql("DO 0")
    for name, request in requests.items():
        scan = session.open(rel.native(request, [rel.column("a", rel.INT8)]))
        if name == "prepares":
            scan.wait()
            scan.close()
            continue
        until(lambda: running(maria, "77") == 1)
        before = time.monotonic()
        scan.close()
        assert time.monotonic() - before < 0.1, name
        assert until(lambda: running(maria, "77") == 0) < 1.5, name
    assert session.open(rel.native("SELECT 1", [rel.column("a", rel.INT4)])).rows() == [(1,)]


def test_a_query_that_takes_too_long(maria: TlsServer, connect: Connect) -> None:
    session = connect()
    with pytest.raises(SourceError) as caught:
        session.open(rel.native("SELECT SLEEP(78)", [rel.column("a", rel.INT8)]), timeout_ms=300).table()
    assert caught.value.sqlstate == "57014"
    until(lambda: running(maria, "78") == 0)
    with pytest.raises(SourceError) as caught:
        connect(read_timeout="300ms").open(rel.native("SELECT SLEEP(79)", [rel.column("a", rel.INT8)])).table()
    assert caught.value.sqlstate == "57014"
    until(lambda: running(maria, "79") == 0)


@pytest.mark.quiet
def test_a_long_answer_that_nobody_wants_any_more(maria: TlsServer, connect: Connect) -> None:
    session = connect()
    scan = session.open(numbers(50_000_000, width=81), batch_rows=1000, credit=1)
    scan.wait(batches=1)
    assert running(maria, ", 81") == 1
    before = time.monotonic()
    scan.close()
    assert time.monotonic() - before < 0.1
    until(lambda: running(maria, ", 81") == 0)


@pytest.mark.quiet
def test_long_values_that_nobody_wants_any_more(connect: Connect) -> None:
    session = connect(ssl_mode="disable", source_memory="1GB")
    scan = session.open(numbers(5000, width=1_000_000), batch_rows=2, credit=1)
    scan.wait(batches=1)
    before = time.monotonic()
    scan.close()
    assert time.monotonic() - before < 0.1


@pytest.mark.quiet  # the rest of it is waited for for a tenth of a second
def test_a_short_answer_that_nobody_wants_any_more(connect: Connect) -> None:
    session = connect()
    first = connection(session)
    scan = session.open(numbers(2000), batch_rows=10, credit=1)
    scan.wait(batches=1)
    scan.close()
    assert connection(session) == first


def test_connections_serve_one_scan_after_another_and_many_at_once(connect: Connect) -> None:
    session = connect()
    assert len({connection(session) for _ in range(5)}) == 1
    scans = [session.open(numbers(30_000, width=10), batch_rows=1000, credit=1) for _ in range(5)]
    for scan in scans:
        scan.wait(batches=1)
    assert [scan.table().num_rows for scan in scans] == [30_000] * 5
    assert session.open(rel.native("SELEC", [rel.column("a", rel.INT4)])).number > 0


def test_a_connection_that_died_while_it_was_idle(maria: TlsServer, connect: Connect) -> None:
    session = connect()
    for _ in range(3):
        number = connection(session)
        maria.sql(f"KILL {number}")
        until(lambda: maria.sql(f"SELECT count(*) FROM information_schema.processlist WHERE id = {number}") == "0")  # noqa: B023
        assert connection(session) != number


@pytest.mark.quiet
def test_rows_that_are_there_do_not_wait_for_those_that_are_not(connect: Connect) -> None:
    session = connect(ssl_mode="disable")
    slow = rel.native("SELECT CONCAT(SLEEP(IF(seq < 3, 0, 1.5)), REPEAT('x', 40000)) FROM seq_1_to_3", [rel.column("a", rel.TEXT, rel.C)])
    scan = session.open(slow)
    before = time.monotonic()
    scan.wait(batches=1)
    assert time.monotonic() - before < 1.2
    assert scan.table().num_rows == 3


@pytest.mark.skipif(program().parent.name == "sanitize", reason="sanitizers keep what was freed")
def test_memory_is_bounded_by_a_batch(connect: Connect) -> None:
    session = connect()
    assert session.open(numbers(20_000, width=1000)).table().num_rows == 20_000
    base = memory_kb(session.process.pid)
    scan = session.open(numbers(600_000, width=1000), credit=2)
    most = 0
    while not scan.is_over():
        scan.wait(batches=len(scan.batches) + 1)
        most = max(most, memory_kb(session.process.pid))
        scan.batches.clear()
        if not scan.is_over():
            scan.credit(1)
    assert scan.stats is not None and scan.stats["rows"] == 600_000
    assert most - base < 40_000


def test_an_error_after_the_first_rows(connect: Connect) -> None:
    """Never fewer rows and no error."""
    session = connect()
    first = connection(session)
    for _ in range(3):
        scan = session.open(rel.native("SELECT EXP(IF(seq < 30000, 1, 1000)) FROM seq_1_to_40000", [rel.column("a", rel.FLOAT8)]), batch_rows=1000)
        scan.wait(batches=1)
        with pytest.raises(SourceError) as caught:
            scan.table()
        assert caught.value.sqlstate == "22003"
    assert connection(session) == first


# ---- transactions


def test_all_scans_of_a_transaction_see_one_moment(maria: TlsServer, database: str, connect: Connect) -> None:
    maria.sql("CREATE TABLE seen (a int) ENGINE=InnoDB; INSERT INTO seen VALUES (1)", database)
    session = connect()
    seen = rel.scan("seen", [rel.column("a", rel.INT4)])
    for number, (kind, options) in enumerate([(COMMIT, {}), (ROLLBACK, {"is_read_only": True}), (COMMIT, {"is_serializable": True, "is_read_only": True})], 1):
        maria.sql("DELETE FROM seen WHERE a > 1", database)
        transaction = transaction_bytes(number, **options)
        assert session.open(seen, transaction=transaction).rows() == [(1,)]
        if "is_serializable" not in options:  # which locks what it reads
            maria.sql("INSERT INTO seen VALUES (2)", database)
        assert session.open(seen, transaction=transaction).rows() == [(1,)]
        session.finish(kind, number)
        assert session.open(seen, transaction=transaction_bytes(number + 100)).rows() == [(1,)] + ([(2,)] if "is_serializable" not in options else [])
        session.finish(ROLLBACK, number + 100)
    assert maria.sql("SELECT count(*) FROM information_schema.innodb_trx") == "0"


# ---- the server


@pytest.fixture
def own(scratch: Scratch) -> Iterator[MariaDBServer]:
    made = MariaDBServer(scratch)
    yield made
    made.stop()


def test_a_server_that_dies_in_a_scan(own: MariaDBServer) -> None:
    options = {"host": own.host, "port": str(own.port), "database": "mysql"}
    session = SourceSession("mysql", server_options=options, user_options={"user": own.username, "password": own.password})
    with session:
        scan = session.open(numbers(50_000_000, width=10), batch_rows=1000, credit=1)
        scan.wait(batches=1)
        own.stop(signal.SIGKILL)
        scan.credit(1000)
        with pytest.raises(SourceError) as caught:
            scan.table()
        assert caught.value.sqlstate == "08006"
        with pytest.raises(SourceError) as caught:
            session.open(NUMBER).table()
        assert caught.value.sqlstate == "08006"
        port = own.port
        own.start()
        assert own.port == port
        assert session.open(numbers(3)).table().num_rows == 3
