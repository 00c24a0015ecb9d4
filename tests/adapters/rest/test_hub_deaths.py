"""A thousand deaths of the source process, each in the middle of a scan: one error each, and nothing else."""
from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from harness.hostile_http import Answer, HostileServer
from harness.hub import (
    Bystander,
    Hub,
    Session,
    all_gone,
    command_name,
    descriptor_count,
    everything,
    memory_kb,
    sources,
)

pytestmark = pytest.mark.usefixtures("undisturbed")

DEATHS = 1000
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGTERM)
ROWS = b'{"items": [{"id": 1, "name": "x"}'


class Killer:
    """A server that kills the client's process at some moment of its answer."""

    def __init__(self, server: HostileServer) -> None:
        self.server = server
        self.kill: Callable[[], None] = lambda: None
        server.on("/before", self.before)
        server.on("/head", self.head)
        server.on("/rows", self.rows)
        server.on("/page", self.page)
        server.on("/fine", lambda answer: answer.reply(200, ROWS + b"]}"))

    def before(self, answer: Answer) -> None:
        self.kill()

    def head(self, answer: Answer) -> None:
        answer.head(200, {"Content-Length": "1000"})
        self.kill()

    def rows(self, answer: Answer) -> None:
        answer.head(200, {"Connection": "close"})
        answer.send(ROWS + b', {"id": 2, "name": "y"}' * 3000)
        self.kill()

    def page(self, answer: Answer) -> bool | None:
        if answer.request.query["page"] == ["1"]:
            return answer.reply(200, ROWS + b"]}")
        self.kill()
        return None


@pytest.fixture
def killer() -> Iterator[Killer]:
    with HostileServer() as server:
        yield Killer(server)


def test_a_thousand_deaths_in_scans(site: Hub, sql: Session, killer: Killer, bystander: Bystander) -> None:
    server = site.rest(sql, killer.server.url, max_retries="0")
    tables = [site.table(sql, server, endpoint=path, rows="/items", **({"page_style": "page"} if path == "/page" else {}))
              for path in ("/before", "/head", "/rows", "/page")]
    fine = site.table(sql, server, endpoint="/fine", rows="/items")
    backend = sql.info.backend_pid
    killed: list[int] = []
    number = 0
    rounds = bystander.rounds

    def kill() -> None:
        (pid,) = sources(sql)
        assert command_name(pid) == "instant-source"
        killed.append(pid)
        os.kill(pid, SIGNALS[number % len(SIGNALS)])
        all_gone([pid])  # before the connection is closed, which it would take for an error of the server

    killer.kill = kill
    began, before = time.monotonic(), (0, 0)
    while number < DEATHS and time.monotonic() < began + 300:
        table = tables[number // len(SIGNALS) % len(tables)]
        with pytest.raises(psycopg.Error) as caught:
            sql.execute(f"SELECT * FROM {table}")
        said = everything(caught.value)
        assert caught.value.sqlstate == "HV000", said
        assert f'server "{server}"' in said and f'"{table}"' in said
        assert f"signal {SIGNALS[number % len(SIGNALS)].value}" in said, said
        number += 1
        assert len(killed) == number and sources(sql) == []
        if number % 50 == 0:
            assert sql.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
            (pid,) = sources(sql)
            os.kill(pid, signal.SIGKILL)  # between queries, which is no error
            assert all_gone([pid])
            if number == 200:
                before = (descriptor_count(backend), memory_kb(backend))
    assert number == DEATHS, f"only {number} in five minutes"
    assert len(set(killed)) > DEATHS // 2
    assert descriptor_count(backend) <= before[0] + 1
    assert memory_kb(backend) <= before[1] + 2048
    assert sql.info.backend_pid == backend
    assert bystander.rounds > rounds + 10
    assert not re.search(r"PANIC|server process .* was terminated|all server processes terminated", site.server.log())


def test_a_process_that_died_between_queries_is_no_error(site: Hub, sql: Session, killer: Killer) -> None:
    server = site.rest(sql, killer.server.url)
    fine = site.table(sql, server, endpoint="/fine", rows="/items")
    seen = set()
    for number in range(50):
        assert sql.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
        (pid,) = sources(sql)
        seen.add(pid)
        os.kill(pid, SIGNALS[number % len(SIGNALS)])
        assert all_gone([pid])
    assert len(seen) == 50


@pytest.mark.quiet
def test_a_process_that_stands_still_is_killed_after_a_cancel(site: Hub, sql: Session, killer: Killer) -> None:
    """It reads nothing any more, not even that it is to stop."""
    server = site.rest(sql, killer.server.url)
    table = site.table(sql, server, endpoint="/before", rows="/items")
    fine = site.table(sql, server, endpoint="/fine", rows="/items")

    def stop() -> None:
        os.kill(sources(sql)[0], signal.SIGSTOP)
        time.sleep(1)

    killer.kill = stop
    sql.execute("SET statement_timeout = '200ms'")
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            sql.execute(f"SELECT * FROM {table}")
        assert time.monotonic() - began < 0.2 + 0.25 + 0.05
        assert sql.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
