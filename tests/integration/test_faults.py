"""What happens when something dies, fills up or does not answer: a clear error in time, and then it goes on.

Each test has servers, a hub and a configuration of its own. After each one, nothing of this process's that
was opened is still open: neither a file descriptor here, nor a session in the hub or the source.
"""
from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.project import ROOT, cli_path
from scratch_servers import PostgresServer, Scratch, working_in

CONFIG = """
sources:
  victim:
    extension: postgres_fdw
    server:
      name: victim
      options: {{host: {host}, port: {port}, dbname: postgres, connect_timeout: 3}}
    user_mapping:
      options: {{user: instant, password: {password}}}
    tables:
      - name: big
        columns: [{{name: id, type: bigint}}, {{name: filler, type: text}}]
        options: {{schema_name: public, table_name: big}}
"""
BIG_ROWS = 2_000_000
SOON = 20.0  # seconds within which an error must have come


@pytest.fixture(scope="module")
def place() -> Iterator[Scratch]:
    with Scratch() as made:
        yield made


@pytest.fixture(scope="module")
def victim(place: Scratch) -> PostgresServer:
    server = PostgresServer(place)
    server.sql(f"CREATE TABLE big AS SELECT i AS id, repeat('x', 100) AS filler FROM generate_series(1, {BIG_ROWS}) i;"
               "ANALYZE big")
    return server


class Site:
    """A home for an embedded hub, a configuration, and what looks into both from outside."""

    def __init__(self, home: Path, config: Path, server: PostgresServer) -> None:
        self.home, self.config, self.server = home, config, server

    def write(self, **values: Any) -> None:
        self.config.write_text(CONFIG.format(**{
            "host": self.server.host, "port": self.server.port, "password": self.server.password, **values}))

    def connector(self) -> Any:
        from instant_connector import SyncInstantDataConnector

        return SyncInstantDataConnector(config_path=str(self.config))

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([cli_path(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)

    def hub_pid(self) -> int:
        (found,) = self.home.rglob("postmaster.pid")
        return int(found.read_text().splitlines()[0])

    def hub_url(self) -> str:
        done = self.cli("hub", "status", "--uri")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def hub_sessions(self) -> int:
        """Sessions of other clients than this question in the hub."""
        return sessions(self.hub_url())

    def source_sessions(self) -> int:
        return sessions(self.server.url())


def sessions(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                 "AND pid <> pg_backend_pid()").fetchone()
        assert row is not None
        return int(row[0])


def eventually(question: Callable[[], bool], seconds: float = SOON) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            if question():
                return True
        time.sleep(0.1)
    return False


@pytest.fixture
def site(place: Scratch, victim: PostgresServer, monkeypatch: pytest.MonkeyPatch,
         tmp_path: Path) -> Iterator[Site]:
    home = place.path / f"home-{time.monotonic_ns()}"
    monkeypatch.setenv("INSTANT_HOME", str(home))
    made = Site(home, tmp_path / "sources.yaml", victim)
    made.write()
    yield made
    assert made.cli("hub", "stop").returncode == 0
    assert eventually(lambda: made.source_sessions() == 0), "a session in the source is left over"
    if not home.is_mount():
        shutil.rmtree(home)


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    before = descriptors()
    yield
    assert eventually(lambda: len(descriptors()) <= len(before), 5), descriptors()


def descriptors() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))
    return sorted(name for name in found if name.startswith(("socket:", "/")))


def assert_usable(connector: Any) -> None:
    """The same connector answers, and from the source."""
    answer = connector.execute_query("SELECT count(*) AS n FROM big WHERE id <= 10", return_dataframe=False)
    assert answer == [{"n": 10}]


def load_until_it_breaks(connector: Any, breaks: Callable[[], None]) -> Exception:
    """Read a big table batch by batch; do the damage after the first; the error that ends the stream."""
    from instant_connector import Error

    rows = 0
    with pytest.raises(Error) as caught:
        for number, batch in enumerate(connector.table("big").batches(batch_rows=1000)):
            rows += len(batch)
            if number == 0:
                breaks()
                broken = time.monotonic()
    assert time.monotonic() - broken < SOON
    assert 0 < rows < BIG_ROWS, "never a short answer that looks like a whole one"
    return caught.value


def test_the_source_is_killed_during_a_load(site: Site) -> None:
    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        error = load_until_it_breaks(connector, lambda: site.server.stop(signal.SIGQUIT))
        assert str(error)
        site.server.start()
        assert_usable(connector)


def test_one_session_of_the_source_is_killed_during_a_load(site: Site) -> None:
    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        error = load_until_it_breaks(connector, lambda: kill_backends(site.server))
        assert site.server.password not in str(error)
        assert eventually(lambda: site.source_sessions() >= 0)  # the source recovers
        assert_usable(connector)


def kill_backends(server: PostgresServer) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                         "AND pid <> pg_backend_pid()").fetchall():
            os.kill(pid, signal.SIGKILL)


def test_the_hub_is_killed_during_a_load(site: Site) -> None:
    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        killed = site.hub_pid()
        load_until_it_breaks(connector, lambda: os.kill(killed, signal.SIGKILL))
        assert_usable(connector)  # the connector has started it again
        assert site.hub_pid() != killed


def test_the_hub_is_killed_between_two_queries(site: Site) -> None:
    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        assert_usable(connector)
        killed = site.hub_pid()
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: not working_in(site.home)), "the hub's processes outlive it"
        assert_usable(connector)  # on a new connection, to a hub started again
        assert site.hub_pid() != killed


CLIENT = """
import sys, time
from instant_connector import SyncInstantDataConnector
with SyncInstantDataConnector(config_path=sys.argv[1]) as connector:
    connector.setup_fdw_infrastructure()
    for batch in connector.table("big").batches(batch_rows=1000):
        print("loading", flush=True)
        time.sleep(600)
"""


def test_a_killed_client_leaves_no_session(site: Site) -> None:
    with subprocess.Popen([sys.executable, "-c", CLIENT, str(site.config)],
                          stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "loading\n"
        assert site.hub_sessions() >= 1
        client.kill()
    assert eventually(lambda: site.hub_sessions() == 0), "the hub still works for a client that is gone"
    assert eventually(lambda: site.source_sessions() == 0)
    with site.connector() as connector:
        assert_usable(connector)


def test_a_wrong_password(site: Site) -> None:
    from instant_connector import DatabaseError

    site.write(password="not-the-password")
    with site.connector() as connector:
        connector.query("SELECT 1").rows()  # makes the hub, which is not what is measured
        started = time.monotonic()
        with pytest.raises(DatabaseError) as caught:
            connector.setup_fdw_infrastructure()
        assert time.monotonic() - started < SOON
        assert "victim" in str(caught.value) and "password" in str(caught.value)
        assert "not-the-password" not in str(caught.value)
    site.write()
    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        assert_usable(connector)


@pytest.mark.parametrize(("host", "port", "word"), [
    ("no-such-host.invalid", 5432, "no-such-host.invalid"),
    ("127.0.0.1", 1, "refused"),
])
def test_a_source_that_is_not_there(site: Site, host: str, port: int, word: str) -> None:
    from instant_connector import DatabaseError

    site.write(host=host, port=port)
    with site.connector() as connector:
        connector.query("SELECT 1").rows()  # makes the hub, which is not what is measured
        started = time.monotonic()
        with pytest.raises(DatabaseError) as caught:
            connector.setup_fdw_infrastructure()
        assert time.monotonic() - started < SOON
        assert "victim" in str(caught.value) and word in str(caught.value)
        # The hub itself is well.
        assert connector.execute_query("SELECT 1 AS one", return_dataframe=False) == [{"one": 1}]


def test_a_value_over_the_limit(site: Site) -> None:
    from instant_connector import DatabaseError

    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        with pytest.raises(DatabaseError) as caught:
            connector.execute_query("SELECT repeat('x', 1 << 30) AS v")
        assert caught.value.sqlstate in ("54000", "53200", "XX000")
        assert_usable(connector)


def test_sigint_ends_the_command(site: Site) -> None:
    done = site.cli("--config", str(site.config), "setup")
    assert done.returncode == 0, done.stderr
    with subprocess.Popen(
            [cli_path(), "--config", str(site.config), "query", "SELECT pg_sleep(120), 'slow' AS slow"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        assert eventually(lambda: running(site, "pg_sleep") == 1)
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=SOON)
    assert command.returncode == 130
    assert eventually(lambda: running(site, "pg_sleep") == 0), "the query still runs in the hub"


def running(site: Site, word: str) -> int:
    with psycopg.connect(site.hub_url(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s "
                                 "AND pid <> pg_backend_pid()", [f"%{word}%"]).fetchone()
        assert row is not None
        return int(row[0])


def test_a_query_over_its_time(site: Site) -> None:
    from instant_connector import Error

    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        started = time.monotonic()
        with pytest.raises(Error) as caught:
            connector.query("SELECT pg_sleep(120)", timeout=1.0).to_arrow()
        assert time.monotonic() - started < SOON
        assert "time" in str(caught.value)
        assert eventually(lambda: running(site, "pg_sleep") == 0)
        assert_usable(connector)


def may_mount() -> bool:
    """Only root may, and not in every container."""
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


if may_mount():
    def test_the_hubs_disk_is_full(site: Site) -> None:
        from instant_connector import DatabaseError

        site.home.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(site.home)], check=True)
        try:
            with site.connector() as connector:
                connector.setup_fdw_infrastructure()
                with pytest.raises(DatabaseError) as caught:
                    # Sorted on disk: more than there is.
                    connector.execute_query(
                        "SELECT * FROM (SELECT i, repeat(md5(i::text), 5) AS m FROM generate_series(1, 4000000) i) "
                        "AS s ORDER BY m DESC LIMIT 5 OFFSET 3999990")
                assert caught.value.sqlstate == "53100"
                assert_usable(connector)
                assert eventually(lambda: not temporary_files(site.home)), "temporary files are left over"
            assert site.cli("hub", "stop").returncode == 0
        finally:
            subprocess.run(["umount", "--lazy", str(site.home)], check=True)


def temporary_files(home: Path) -> list[Path]:
    return [path for path in home.rglob("pgsql_tmp*") if path.is_file()]


def test_two_hundred_failures_leak_nothing(site: Site) -> None:
    from instant_connector import Error

    with site.connector() as connector:
        connector.setup_fdw_infrastructure()
        assert_usable(connector)
        before = len(descriptors())
        for number in range(200):
            with pytest.raises(Error):
                connector.execute_query(("SELECT 1 / 0", "SELECT nothing", "SELEC", "SELECT 'x'::int")[number % 4])
        assert len(descriptors()) <= before + 1
        assert site.hub_sessions() <= 10
        assert_usable(connector)


def test_the_demo_leaves_nothing_behind() -> None:
    """Even where the demo itself is killed: its servers and its directory are gone soon after."""
    with subprocess.Popen(
            [sys.executable, str(ROOT / "examples/flights/run.py"), sys.executable, "-c",
             "import json, os, time; print(json.dumps([os.environ['INSTANT_HOME'], os.getpid()]), flush=True);"
             "time.sleep(600)"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        home, child = next(json.loads(line) for line in run.stdout if line.startswith("["))
        run.kill()
    os.kill(child, signal.SIGKILL)
    assert eventually(lambda: not Path(home).parent.exists(), 15)
