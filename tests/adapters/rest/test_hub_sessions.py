"""Many sessions, and many scans of one: they do not wait for each other, share their limits, and leave nothing."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from harness.hostile_http import Answer, HostileServer
from harness.hub import Hub, Session, all_gone, descriptor_count, memory_kb, server_of, sources, wait_until

pytestmark = pytest.mark.usefixtures("undisturbed")

ROWS = b'{"items": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]}'
TWO = [(1, "x"), (2, "y")]


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as made:
        made.on("/fine", lambda answer: answer.reply(200, ROWS))
        made.on("/bad", lambda answer: answer.reply(400, b"no"))
        made.on("/wrong", lambda answer: answer.reply(200, b'{"items": [{"id": "x"}]}'))
        yield made


@pytest.fixture
def crowd(site: Hub) -> Iterator[list[Session]]:
    made = [site.connect() for _ in range(50)]
    yield made
    for session in made:
        session.close()


def at_once(crowd: list[Session], query: str) -> list[list[tuple[int, str]]]:
    with ThreadPoolExecutor(len(crowd)) as pool:
        return list(pool.map(lambda session: session.execute(query).fetchall(), crowd))


def test_fifty_sessions_do_not_wait_for_each_other(site: Hub, sql: Session, server: HostileServer, crowd: list[Session]) -> None:
    """No answer is given before all of them have asked: one that waited for another would wait for ever."""
    barrier = threading.Barrier(len(crowd))

    def handler(answer: Answer) -> bool:
        barrier.wait(30)
        return answer.reply(200, ROWS)

    server.on("/all-or-none", handler)
    table = site.table(sql, site.rest(sql, server.url, max_retries="0"), endpoint="/all-or-none", rows="/items")
    for _ in range(3):
        assert at_once(crowd, f"SELECT * FROM {table}") == [TWO] * len(crowd)


def test_fifty_sessions_take_about_the_time_of_one(site: Hub, sql: Session, server: HostileServer, crowd: list[Session]) -> None:
    def handler(answer: Answer) -> bool:
        server.closed.wait(1)
        return answer.reply(200, ROWS)

    server.on("/slow", handler)
    table = site.table(sql, site.rest(sql, server.url), endpoint="/slow", rows="/items")
    began = time.monotonic()
    assert at_once(crowd, f"SELECT * FROM {table}") == [TWO] * len(crowd)
    assert time.monotonic() - began < 5  # one after the other, it is 50


class Gauge:
    """How many requests there are at once."""

    def __init__(self, hold: float) -> None:
        self.hold, self.lock, self.now, self.most, self.times = hold, threading.Lock(), 0, 0, []  # type: ignore[var-annotated]

    def __call__(self, answer: Answer) -> bool:
        with self.lock:
            self.times.append(answer.request.received)
            self.now += 1
            self.most = max(self.most, self.now)
        answer.server.closed.wait(self.hold)
        with self.lock:
            self.now -= 1
        return answer.reply(200, ROWS)


def test_max_concurrent_holds_for_all_sessions(site: Hub, sql: Session, server: HostileServer, crowd: list[Session]) -> None:
    gauge = Gauge(0.05)
    server.on("/gauge", gauge)
    table = site.table(sql, site.rest(sql, server.url, max_concurrent="3"), endpoint="/gauge", rows="/items")
    assert at_once(crowd[:20], f"SELECT * FROM {table}") == [TWO] * 20
    assert gauge.most == 3
    # Whoever fails or is cut leaves its place.
    bad = site.table(sql, server_of(sql, table), endpoint="/bad", rows="/items")
    for session in crowd[:8]:
        with pytest.raises(psycopg.Error):
            session.execute(f"SELECT * FROM {bad}")
    for session in crowd[8:16]:
        session.execute(f"BEGIN; DECLARE open CURSOR FOR SELECT * FROM {table}; FETCH 1 FROM open")
        session.close()
    assert at_once(crowd[16:24], f"SELECT * FROM {table}") == [TWO] * 8
    assert gauge.most == 3


@pytest.mark.quiet
def test_rate_limit_holds_for_all_sessions(site: Hub, sql: Session, server: HostileServer, crowd: list[Session]) -> None:
    gauge = Gauge(0)
    server.on("/gauge", gauge)
    table = site.table(sql, site.rest(sql, server.url, rate_limit="40", rate_burst="5"), endpoint="/gauge", rows="/items")
    for _ in range(5):
        assert at_once(crowd[:10], f"SELECT * FROM {table}") == [TWO] * 10
    times = sorted(gauge.times)
    assert len(times) == 50
    # Of any stretch: no more than the burst and what the rate gives (by a clock that sees them a little later).
    for first in range(len(times)):
        for last in range(first + 1, len(times)):
            assert last - first + 1 <= 5 + 40 * (times[last] - times[first] + 0.05) + 1
    assert times[-1] - times[0] >= (50 - 5) / 40 - 0.1


# ---- nothing is left ----


def test_ten_thousand_scans_leave_nothing(site: Hub, server: HostileServer) -> None:
    """Whole ones, ones that are left early, ones that fail at the server or by a value, and subtransactions."""
    with site.connect() as sql:
        name = site.rest(sql, server.url)
        fine, bad, wrong = (site.table(sql, name, endpoint=path, rows="/items") for path in ("/fine", "/bad", "/wrong"))
        sql.execute(f"""
            CREATE FUNCTION {fine}_rounds(count int) RETURNS int LANGUAGE plpgsql AS $$
            DECLARE
                failures int := 0;
            BEGIN
                FOR i IN 1..count LOOP
                    BEGIN
                        IF i % 10 = 3 THEN PERFORM FROM {bad};
                        ELSIF i % 10 = 6 THEN PERFORM FROM {wrong} WHERE id > 0;
                        END IF;
                    EXCEPTION WHEN OTHERS THEN failures := failures + 1;
                    END;
                    IF i % 10 = 5 THEN PERFORM id FROM {fine} LIMIT 1;
                    ELSIF i % 10 NOT IN (3, 6) THEN PERFORM id, name FROM {fine} WHERE name <> '';
                    END IF;
                END LOOP;
                RETURN failures;
            END $$""")
        backend = sql.info.backend_pid

        def rounds(scans: int) -> None:
            # Transactions of 50 scans, whose plans are made anew now and then.
            for number in range(scans // 50):
                assert sql.execute(f"SELECT {fine}_rounds(50)").fetchone() == (10,)
                if number % 10 == 0:
                    sql.execute("DISCARD PLANS")

        def state() -> tuple[list[int], int, int, int, int]:
            (source,) = sources(sql)
            return [source], descriptor_count(backend), descriptor_count(source), memory_kb(backend), memory_kb(source)

        rounds(2000)
        process, files, source_files, kilobytes, source_kilobytes = state()
        rounds(8000)
        assert server.counts == {"/fine": 8000, "/bad": 1000, "/wrong": 1000}
        now = state()
        assert now[0] == process and now[1] <= files and now[2] <= source_files + 1
        assert now[3] - kilobytes < 1024 and now[4] - source_kilobytes < 1024
        assert sql.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        threads = len(os.listdir(f"/proc/{backend}/task"))
        assert threads == 1
    assert all_gone(process)


def test_a_session_that_ends_takes_all_its_processes_along(site: Hub, sql: Session, server: HostileServer) -> None:
    names = [site.rest(sql, server.url) for _ in range(5)]
    tables = [site.table(sql, name, endpoint="/fine", rows="/items") for name in names]
    with site.connect() as other:
        for table in tables:
            other.execute(f"SELECT * FROM {table}")
        processes = sources(other)
        assert len(processes) == 5
        titles = [Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode() for pid in processes]
        assert sorted(titles) == sorted(f"instant-source: {name}" for name in names)
    assert all_gone(processes)


def test_changed_options_end_the_process(site: Hub, sql: Session, server: HostileServer) -> None:
    name = site.rest(sql, server.url)
    table = site.table(sql, name, endpoint="/fine", rows="/items")
    seen = set()
    for number in range(10):
        sql.execute(f"ALTER SERVER {name} OPTIONS ({'SET' if number else 'ADD'} user_agent 'number {number}')")
        assert sql.execute(f"SELECT * FROM {table}").fetchall() == TWO
        assert wait_until(lambda: len(sources(sql)) == 1)  # the one before may still be ending
        (pid,) = sources(sql)
        seen.add(pid)
        assert server.requests[-1].headers["user-agent"] == f"number {number}"
    assert len(seen) == 10


def test_two_scans_of_one_process_do_not_wait_for_each_other(site: Hub, sql: Session, server: HostileServer) -> None:
    """Parts of an append, which are asked at the same time: each answer waits for the other request."""
    barrier = threading.Barrier(2)

    def handler(answer: Answer) -> bool:
        barrier.wait(10)
        return answer.reply(200, ROWS)

    server.on("/left", handler)
    server.on("/right", handler)
    name = site.rest(sql, server.url, max_retries="0")
    left, right = (site.table(sql, name, endpoint=path, rows="/items") for path in ("/left", "/right"))
    found = sql.execute(f"SELECT * FROM {left} UNION ALL SELECT * FROM {right}").fetchall()
    assert sorted(found) == sorted(TWO * 2)
    assert len(sources(sql)) == 1
