"""A hub for tests of whole queries: PostgreSQL with instant_fdw preloaded, its processes, and a bystander.

    name = site.rest(session, "http://127.0.0.1:8000")
    table = site.table(session, name, "id int OPTIONS (param 'id'), name text", endpoint="/items", rows="/items")
    session.execute(f"SELECT * FROM {table}")

Fixtures (tests/adapters/conftest.py takes them in): site, a hub of the newest PostgreSQL that the extension was built
for (or of each, with the mark EACH); sql, a superuser's session in it; undisturbed, which fails a test after which
another session has had an error, the hub had to start again, or a sanitizer said something. $HUB_SOURCE names another
instant-source than the extension's own, such as build/sanitize/instant-source.
"""
from __future__ import annotations

import itertools
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from scratch_servers import PostgresServer, Scratch, server_tree

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pg"))

from extension_build import MAJORS, build_folder, pg_config  # noqa: E402

Session = psycopg.Connection[Any]
EACH = pytest.mark.parametrize("site", MAJORS, indirect=True, ids=lambda major: f"pg{major}")
PROGRAM = "instant-source"


class HubServer(PostgresServer):
    """With variables of the environment that references of user mappings name."""

    def __init__(self, scratch: Scratch, major: int, variables: dict[str, str] | None = None,
                 settings: dict[str, str] | None = None) -> None:
        self.variables = variables or {}
        files = build_folder() / "fdw" / f"pg{major}"
        assert (files / "instant_fdw.so").exists(), f"{files} is not built; `make build` builds it"
        # Each line of the log has the time in ms, by which errors are found again.
        given = {"shared_preload_libraries": "instant_fdw", "max_connections": "150", "jit": "off",
                 "log_line_prefix": "%m [%p] ", **(settings or {})}
        if "HUB_SOURCE" in os.environ:
            given["instant.source_program"] = os.environ["HUB_SOURCE"]
        super().__init__(scratch, given, server_tree(scratch, files, pg_config(major)))

    def _command(self) -> list[str]:
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        return ["/usr/bin/env", *variables, *super()._command()]

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")


@dataclass
class Hub:
    server: HubServer
    database: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def connect(self, user: str | None = None, **options: Any) -> Session:
        # The user is called like the schema of the extension, which "$user" would find first.
        return psycopg.connect(self.server.url(self.database, user), **{
            "autocommit": True, "prepare_threshold": None, "options": "-c search_path=public", **options})

    def rest(self, session: Session, url: str, **options: Any) -> str:
        """A new server of the adapter rest; its name."""
        name = f"api_{next(self.numbers)}"
        given = {"base_url": url, "allow_private": "true", "retry_delay": "1ms", **options}
        session.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_rest OPTIONS ({literals(given)})")
        return name

    def table(self, session: Session, server: str, columns: str = "id int, name text", **options: Any) -> str:
        """A new foreign table; its name."""
        name = f"table_{next(self.numbers)}"
        session.execute(f"CREATE FOREIGN TABLE {name} ({columns}) SERVER {server} OPTIONS ({literals(options)})")
        return name


def literals(options: dict[str, Any]) -> str:
    """Options as SQL writes them; those that are None are left out."""
    def literal(value: Any) -> str:
        text = str(value).replace("'", "''")
        return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"
    return ", ".join(f"{name} {literal(value)}" for name, value in options.items() if value is not None)


def server_of(session: Session, table: str) -> str:
    row = session.execute("SELECT srvname FROM pg_foreign_server s JOIN pg_foreign_table t ON s.oid = ftserver "
                          "WHERE ftrelid = %s::regclass", (table,)).fetchone()
    assert row is not None
    return str(row[0])


# ---- errors ----


def failure(session: Session, sql: str, arguments: Any = None) -> psycopg.Error:
    """The one error that a query is; the session is of use after it."""
    with pytest.raises(psycopg.Error) as caught:
        rows = session.execute(sql, arguments).fetchall()
        raise AssertionError(f"no error, but {len(rows)} rows: {rows[:5]}")
    assert session.execute("SELECT 1").fetchone() == (1,)
    return caught.value


def everything(error: psycopg.Error) -> str:
    """All that the user is told."""
    diag = error.diag
    parts = (diag.message_primary, diag.message_detail, diag.message_hint, diag.context, diag.internal_query)
    return "\n".join(part for part in parts if part)


# ---- processes ----


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def sources(session: Session) -> list[int]:
    """The source processes of a session that are not closed."""
    return children(session.info.backend_pid)


def is_alive(pid: int) -> bool:
    """A process whose first thread has ended holds its files until the others have, too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0] not in ("Z", "X") or int(fields[17]) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def command_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def memory_kb(pid: int) -> int:
    """Memory that is the process's own."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def descriptor_count(pid: int) -> int:
    """-1: not for us to see, as that of a process with a sandbox is for others than root."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return -1


def wait_until(is_so: Callable[[], Any], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.002)
    return bool(is_so())


def all_gone(pids: list[int], seconds: float = 1.0) -> bool:
    return wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds)


# ---- a bystander ----


class Bystander:
    """Another session, at work all the time."""

    def __init__(self, site: Hub) -> None:
        self.session = site.connect()
        self.rounds = 0
        self.error: BaseException | None = None
        self.started = self.start_time()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def start_time(self) -> Any:
        row = self.session.execute("SELECT pg_postmaster_start_time(), count(*) FROM pg_class").fetchone()
        assert row is not None and row[1] > 100
        return row[0]

    def _work(self) -> None:
        try:
            while not self.is_over.wait(0.01):
                assert self.start_time() == self.started
                self.rounds += 1
        except BaseException as error:  # whatever it is, it is what was promised not to be
            self.error = error

    def check(self) -> None:
        """It went on, and still does."""
        seen = self.rounds
        wait_until(lambda: self.rounds > seen + 1 or self.error is not None)
        assert self.error is None, f"another session was disturbed: {self.error!r}"
        assert self.rounds > seen + 1, "another session stands still"

    def close(self) -> None:
        self.is_over.set()
        self.thread.join(10)
        self.session.close()


# ---- fixtures ----


def make_site(server: HubServer) -> Hub:
    name = f"hub_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name}")
    server.sql("CREATE EXTENSION instant_fdw", name)
    return Hub(server, name)


@pytest.fixture(scope="session", params=MAJORS[-1:], ids=lambda major: f"pg{major}")
def site(scratch: Scratch, request: pytest.FixtureRequest) -> Iterator[Hub]:
    server = HubServer(scratch, request.param)
    yield make_site(server)
    server.stop()


@pytest.fixture(scope="session")
def bystander(site: Hub) -> Iterator[Bystander]:
    made = Bystander(site)
    yield made
    made.close()


@pytest.fixture
def undisturbed(site: Hub, bystander: Bystander) -> Iterator[Bystander]:
    size = site.server.log_file.stat().st_size
    yield bystander
    bystander.check()
    with open(site.server.log_file, "rb") as log:
        log.seek(size)
        wrong = re.search(rb".*(Sanitizer|runtime error: |PANIC|TRAP: |server process .* was terminated).*", log.read())
    assert wrong is None, wrong[0]


@pytest.fixture
def sql(site: Hub) -> Iterator[Session]:
    with site.connect() as made:
        yield made
