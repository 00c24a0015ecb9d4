"""Cancel, statement_timeout, terminate and a fast shutdown while a server is silent: within 250 ms, wherever that is.

The limit is the one that is promised. It is measured by the clock of the hub: from the signal to when the session is
no longer at work.
"""
from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.hostile_http import Answer, HostileServer
from harness.hub import EACH, Hub, HubServer, Session, all_gone, make_site, sources, wait_until
from scratch_servers import Scratch

pytestmark = [EACH, pytest.mark.usefixtures("undisturbed")]

LIMIT_MS = 250
ROUNDS = 3
PATIENT = {"connect_timeout": "60s", "header_timeout": "60s", "idle_timeout": "60s"}
STEPS = ("connect", "tls", "headers", "half a head", "body", "between pages", "retry", "no end")

STOPPER = """
CREATE FUNCTION stop_ms(victim int, how text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
BEGIN
    began := clock_timestamp();
    IF NOT (CASE how WHEN 'cancel' THEN pg_cancel_backend(victim) ELSE pg_terminate_backend(victim) END) THEN
        RAISE 'no signal was sent';
    END IF;
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = victim AND state = 'active');
        IF clock_timestamp() > began + interval '10 s' THEN RAISE 'it does not stop'; END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - began) * 1000;
END $$
"""


class DeafPort:
    """A port on which connections are neither taken nor refused: its queue is full, so nobody is answered."""

    def __init__(self) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = int(self.listener.getsockname()[1])
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", self.port), timeout=0.3)

    def is_tried(self) -> bool:
        """Somebody waits for an answer, beside the fillers that have none."""
        return self._waiting() > self.before

    def _waiting(self) -> int:
        with open("/proc/net/tcp") as file:
            # A peer of this port, in the state SYN_SENT.
            return sum(1 for line in file if line.split()[2] == f"0100007F:{self.port:04X}" and line.split()[3] == "02")

    def arm(self) -> None:
        self.before = self._waiting()

    def close(self) -> None:
        for one in (*self.fillers, self.listener):
            one.close()


class Mute:
    """Takes connections and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = int(self.listener.getsockname()[1])
        self.taken: list[socket.socket] = []
        self.greeted = 0
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
                self.taken.append(connection)
                self.greeted += len(connection.recv(1))  # the client has begun
            except OSError:
                return

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (*self.taken, self.listener):
            one.close()


def half(answer: Answer, first: bytes) -> None:
    answer.send(first)
    answer.server.silent.set()  # type: ignore[attr-defined]
    answer.stall(60)


def silent_page(answer: Answer) -> bool | None:
    if answer.request.query["page"] == ["1"]:
        return answer.reply(200, b'{"items": [{"id": 1, "name": "x"}]}')
    return half(answer, b"")


def silent_after_503(answer: Answer) -> bool | None:
    answer.reply(503, b"", {"Retry-After": "50"})
    answer.server.silent.set()  # type: ignore[attr-defined]
    return True


def many_rows(answer: Answer) -> None:
    answer.head(200, {"Connection": "close"})
    answer.send(b'{"items": [{"id": 0}')
    answer.server.silent.set()  # type: ignore[attr-defined]
    for _ in range(100_000):
        answer.send(b', {"id": 1, "name": "x"}' * 1000)


@dataclass
class Silence:
    """Servers that are silent at a step; place(step) is the base URL of one and the options of a table there."""
    http: HostileServer
    deaf: DeafPort
    mute: Mute

    def place(self, step: str) -> tuple[str, dict[str, Any]]:
        url = {"connect": f"http://127.0.0.1:{self.deaf.port}", "tls": f"https://127.0.0.1:{self.mute.port}"}.get(step, self.http.url)
        pages = {"page_style": "page"} if step == "between pages" else {}
        return url, {"endpoint": "/" + step.replace(" ", "-"), "rows": "/items", **pages}

    def watch(self, step: str) -> Callable[[], bool]:
        """To be asked whether somebody who came after this is met with silence."""
        if step == "connect":
            self.deaf.arm()
            return self.deaf.is_tried
        if step == "tls":
            before = self.mute.greeted
            return lambda: self.mute.greeted > before
        silent = self.http.silent = threading.Event()  # type: ignore[attr-defined]
        return silent.is_set


@pytest.fixture(scope="module")
def silence() -> Iterator[Silence]:
    with HostileServer() as http:
        http.silent = threading.Event()  # type: ignore[attr-defined]
        http.on("/headers", lambda answer: half(answer, b""))
        http.on("/half-a-head", lambda answer: half(answer, b"HTTP/1.1 200 OK\r\nContent-Ty"))
        http.on("/body", lambda answer: half(answer, b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"items": [{"id": 1'))
        http.on("/body/1", http.handlers["/body"])
        http.on("/between-pages", silent_page)
        http.on("/retry", silent_after_503)
        http.on("/no-end", many_rows)
        http.on("/fine", lambda answer: answer.reply(200, b'{"items": [{"id": 1, "name": "x"}]}'))
        made = Silence(http, DeafPort(), Mute())
        yield made
        made.deaf.close()
        made.mute.close()


Tables = dict[str, str]


def make_tables(site: Hub, sql: Session, silence: Silence) -> Tables:
    tables = {}
    for step in STEPS:
        url, options = silence.place(step)
        server = site.rest(sql, url, **PATIENT)
        tables[step] = site.table(sql, server, **options)
        # Of the same server, so that the process of the stopped scan is the one that is asked next. (Where the API
        # asked for a pause, it holds for that one too.)
        if url == silence.http.url and step != "retry":
            tables[f"{step}: fine"] = site.table(sql, server, endpoint="/fine", rows="/items")
    return tables


@pytest.fixture(scope="module")
def tables(site: Hub, silence: Silence) -> Tables:
    with site.connect() as sql:
        sql.execute(STOPPER.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
        return make_tables(site, sql, silence)


class Victim:
    """A session with a query that is met with silence, in a thread."""

    def __init__(self, site: Hub, silence: Silence, step: str, sql: str, before: str = "") -> None:
        self.session = site.connect()
        self.pid = self.session.info.backend_pid
        if before:
            self.session.execute(before)
        self.error: psycopg.Error | None = None
        self.ended = 0.0
        is_silent = silence.watch(step)
        self.thread = threading.Thread(target=self._work, args=(sql,), daemon=True)
        self.thread.start()
        assert wait_until(lambda: is_silent() or not self.thread.is_alive()) and self.thread.is_alive(), self.error
        self.sources = sources(self.session)
        assert len(self.sources) == 1

    def _work(self, sql: str) -> None:
        try:
            self.session.execute(sql)
        except psycopg.Error as error:
            self.error = error
        self.ended = time.monotonic()

    def end(self) -> psycopg.Error:
        self.thread.join(20)
        assert self.error is not None
        return self.error


def query(tables: Tables, step: str) -> str:
    return f"SELECT count(*) FROM {tables[step]}"


def check_goes_on(victim: Victim, tables: Tables, step: str) -> None:
    fine = tables.get(f"{step}: fine")
    if fine is not None:
        assert victim.session.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
    assert victim.session.execute("SELECT 1").fetchone() == (1,)
    assert len(sources(victim.session)) <= 1


@pytest.mark.quiet
@pytest.mark.parametrize("step", STEPS)
def test_cancel(site: Hub, sql: Session, silence: Silence, tables: Tables, step: str) -> None:
    for _ in range(ROUNDS):
        victim = Victim(site, silence, step, query(tables, step))
        row = sql.execute("SELECT stop_ms(%s, 'cancel')", (victim.pid,)).fetchone()
        assert row is not None and row[0] <= LIMIT_MS
        assert victim.end().sqlstate == "57014"
        check_goes_on(victim, tables, step)
        victim.session.close()
        assert all_gone(victim.sources)


@pytest.mark.quiet
@pytest.mark.parametrize("step", STEPS)
def test_terminate(site: Hub, sql: Session, silence: Silence, tables: Tables, step: str) -> None:
    for _ in range(ROUNDS):
        victim = Victim(site, silence, step, query(tables, step))
        row = sql.execute("SELECT stop_ms(%s, 'terminate')", (victim.pid,)).fetchone()
        assert row is not None and row[0] <= LIMIT_MS
        assert victim.end().sqlstate == "57P01"
        assert all_gone(victim.sources, 0.2)


@pytest.mark.quiet
@pytest.mark.parametrize("step", STEPS)
def test_statement_timeout(site: Hub, sql: Session, silence: Silence, tables: Tables, step: str) -> None:
    for _ in range(ROUNDS):
        victim = Victim(site, silence, step, query(tables, step), "SET statement_timeout = '300ms'")
        assert victim.end().sqlstate == "57014"
        row = sql.execute("SELECT extract(epoch FROM state_change - query_start) * 1000 FROM pg_stat_activity "
                          "WHERE pid = %s", (victim.pid,)).fetchone()
        assert row is not None and 300 <= row[0] <= 300 + LIMIT_MS
        check_goes_on(victim, tables, step)
        victim.session.close()


# Each waits in a place of its own; {0} is silent at its body, {1} is not.
STATEMENTS = {
    "append": "SELECT * FROM {0} UNION ALL SELECT * FROM {0}",
    "append with one that ends": "SELECT * FROM {1} UNION ALL SELECT * FROM {0}",
    "join by keys": "SELECT * FROM generate_series(1, 50) g JOIN {0} ON id = g",
    "insert": "INSERT INTO {0} VALUES (1, 'x')",
    "insert of many": "INSERT INTO {0} SELECT g, 'x' FROM generate_series(1, 1000) g",
    "update": "UPDATE {1} SET name = 'y'",
    "delete": "DELETE FROM {1}",
    "copy": "COPY (SELECT * FROM {0}) TO '/dev/null'",
    "analyze": "ANALYZE {0}",
    "import": "IMPORT FOREIGN SCHEMA x FROM SERVER {2} INTO public OPTIONS (document '/body')",
    "in its own language": "SELECT * FROM instant.query('{2}', 'GET /body') AS t(id int)",
    "function": "SELECT instant.arrow('SELECT * FROM {0}')",
}


@pytest.mark.quiet
@pytest.mark.parametrize("what", STATEMENTS)
def test_other_statements_are_cancelled(site: Hub, sql: Session, silence: Silence, tables: Tables, what: str) -> None:
    name = site.rest(sql, silence.http.url, **PATIENT)
    writes = {"insert_method": "POST", "update_method": "PATCH", "delete_method": "DELETE", "row_endpoint": "/body/{id}",
              "insert_endpoint": "/body", "insert_batch": "10"}
    columns = "id int OPTIONS (key 'true', param 'id', param_in 'id'), name text"
    silent, fine = (site.table(sql, name, columns, endpoint=endpoint, rows="/items", **writes) for endpoint in ("/body", "/fine"))
    statement = STATEMENTS[what].format(silent, fine, name)
    for how in ("cancel", "cancel", "terminate"):
        victim = Victim(site, silence, "body", statement)
        row = sql.execute("SELECT stop_ms(%s, %s)", (victim.pid, how)).fetchone()
        assert row is not None and row[0] <= LIMIT_MS
        assert victim.end().sqlstate == ("57014" if how == "cancel" else "57P01")
        if how == "cancel":
            assert victim.session.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
            victim.session.close()
        assert all_gone(victim.sources)


def test_a_savepoint_that_is_cancelled(site: Hub, sql: Session, silence: Silence, tables: Tables) -> None:
    """An error in a subtransaction, while another scan of the same process is open outside of it."""
    with site.connect(autocommit=False) as session:
        fine = tables["body: fine"]
        session.execute(f"DECLARE open CURSOR FOR SELECT * FROM {fine}")
        for _ in range(3):
            session.execute("SAVEPOINT before")
            session.execute("SET LOCAL statement_timeout = '150ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                session.execute(query(tables, "body"))
            session.execute("ROLLBACK TO before")
        assert session.execute(f"SELECT * FROM {fine}").fetchall() == [(1, "x")]
        session.rollback()


@pytest.mark.quiet
def test_a_wait_for_a_place_is_cancelled(site: Hub, sql: Session, silence: Silence, tables: Tables) -> None:
    """max_concurrent: who waits for another session waits for nothing that cannot be stopped."""
    server = site.rest(sql, silence.http.url, max_concurrent="1", **PATIENT)
    table = site.table(sql, server, endpoint="/body", rows="/items")
    first = Victim(site, silence, "body", f"SELECT * FROM {table}")
    asked = silence.http.counts["/body"]
    for _ in range(ROUNDS):
        with site.connect(options="-c statement_timeout=200ms -c search_path=public") as waiting:
            with pytest.raises(psycopg.errors.QueryCanceled):
                waiting.execute(f"SELECT * FROM {table}")
            row = sql.execute("SELECT extract(epoch FROM state_change - query_start) * 1000 FROM pg_stat_activity "
                              "WHERE pid = %s", (waiting.info.backend_pid,)).fetchone()
            assert row is not None and 200 <= row[0] <= 200 + LIMIT_MS
    assert silence.http.counts["/body"] == asked
    sql.execute("SELECT pg_cancel_backend(%s)", (first.pid,))
    assert first.end().sqlstate == "57014"
    first.session.close()


# ---- the end of the hub itself ----


@pytest.fixture
def own_site(scratch: Scratch, site: Hub, silence: Silence) -> Iterator[Hub]:
    """One that may be stopped, of the same PostgreSQL."""
    server = HubServer(scratch, int(site.server.sql("SHOW server_version").split(".")[0]))
    yield make_site(server)
    server.stop()


@pytest.mark.quiet
def test_a_fast_shutdown_with_silence_everywhere(own_site: Hub, silence: Silence) -> None:
    """pg_ctl stop -m fast, with a session at each step."""
    with own_site.connect() as sql:
        tables = make_tables(own_site, sql, silence)
    for _ in range(2):
        victims = [Victim(own_site, silence, step, query(tables, step)) for step in STEPS]
        began = time.monotonic()
        subprocess.run([str(own_site.server.bin / "pg_ctl"), "stop", "-m", "fast", "--no-wait", "-D", str(own_site.server.data)],
                       check=True, capture_output=True, cwd="/", **own_site.server._as_user)
        for victim in victims:
            assert victim.end().sqlstate in ("57P01", None), victim.error
            assert (victim.ended - began) * 1000 <= LIMIT_MS + 50  # pg_ctl itself takes some of it
        assert own_site.server.process is not None and own_site.server.process.wait(10) == 0
        assert all_gone([pid for victim in victims for pid in victim.sources], 0.2)
        own_site.server.start()


@pytest.mark.quiet
def test_kill_of_a_backend_ends_its_process(own_site: Hub, silence: Silence) -> None:
    with own_site.connect() as sql:
        tables = make_tables(own_site, sql, silence)
        sql.execute("CHECKPOINT")  # commits of these servers wait for no disk
    for step in STEPS:
        victim = Victim(own_site, silence, step, query(tables, step))
        subprocess.run(["kill", "-9", str(victim.pid)], check=True)
        assert all_gone(victim.sources)
        victim.end()
        # PostgreSQL itself starts again after that, whoever was killed: as soon as it has seen it.
        assert wait_until(partial(is_reaped, victim.pid), 20)
        assert wait_until(partial(is_up, own_site), 30)


def is_reaped(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def is_up(site: Hub) -> bool:
    try:
        with site.connect() as sql:
            return sql.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
