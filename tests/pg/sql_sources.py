"""Real servers of SQL as sources of a hub, and a proxy before them that goes silent or ends where a test says.

Both kinds have the same tables: `big` (id, a text of 100 characters), `small` (id, name) with ten rows, and a view
`slow`, whose one row takes a minute.
"""
from __future__ import annotations

import contextlib
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
from extension_build import Connection
from harness.hub import wait_until
from scratch_servers import MariaDBServer, PostgresServer, Scratch

BIG_ROWS = 200_000


class SqlSource:
    """A server that a test may kill; `wrapper`: of the hub."""

    wrapper = ""
    server: MariaDBServer | PostgresServer

    def options(self) -> dict[str, str]:
        raise NotImplementedError

    def sql(self, text: str) -> str:
        raise NotImplementedError

    def running(self, part: str) -> int:
        """How many sessions run a statement with this text in it."""
        raise NotImplementedError

    def sessions(self) -> int:
        """Connections of the hub's."""
        raise NotImplementedError

    def kill(self) -> None:
        """With all its processes: PostgreSQL's see a little later that their postmaster is gone."""
        self.server.stop(signal.SIGKILL)
        assert wait_until(lambda: not processes_in(self.server.data))

    def start(self) -> None:
        self.server.start()

    def table_options(self, table: str) -> str:
        raise NotImplementedError

    def add_to(self, hub: Connection, name: str, *, user: str = "", **options: str) -> None:
        """A server of this name in the hub, and a schema of that name with the tables."""
        given = {**self.options(), **options}
        words = ", ".join(f"{key} '{value}'" for key, value in given.items())
        hub.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER {self.wrapper} OPTIONS ({words})")
        hub.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} "
                    f"OPTIONS (user '{user or self.server.username}', password '{self.server.password}')")
        hub.execute(f"CREATE SCHEMA {name}")
        for table, columns in (("big", "id integer OPTIONS (key 'true'), a text COLLATE \"C\""),
                               ("small", "id integer OPTIONS (key 'true'), name text COLLATE \"C\""),
                               ("slow", "x integer"), ("target", "id integer OPTIONS (key 'true'), a text COLLATE \"C\"")):
            hub.execute(f"CREATE FOREIGN TABLE {name}.{table} ({columns}) SERVER {name} OPTIONS ({self.table_options(table)})")


class MariaDB(SqlSource):
    wrapper = "instant_mysql"

    def __init__(self, scratch: Scratch, **settings: str) -> None:
        self.server = MariaDBServer(scratch, {"max-allowed-packet": "4M", "max-connections": "300", **settings})
        self.server.sql("CREATE DATABASE d")
        self.sql(f"CREATE TABLE big (id int PRIMARY KEY, a varchar(100)); INSERT INTO big SELECT seq, repeat('x', 100) "
                 f"FROM seq_1_to_{BIG_ROWS}; CREATE TABLE small (id int PRIMARY KEY, name varchar(20)); "
                 "INSERT INTO small SELECT seq, concat('n', seq) FROM seq_1_to_10; CREATE VIEW slow AS SELECT sleep(60) AS x; "
                 "CREATE TABLE target (id int PRIMARY KEY, a varchar(100))")

    def options(self) -> dict[str, str]:
        return {"host": self.server.host, "port": str(self.server.port), "database": "d"}

    def sql(self, text: str) -> str:
        return self.server.sql(text, "d")

    def running(self, part: str) -> int:
        return int(self.sql("SELECT count(*) FROM information_schema.processlist WHERE command <> 'Sleep' "
                            f"AND id <> connection_id() AND info LIKE '%{part}%'"))

    def sessions(self) -> int:
        return int(self.sql(f"SELECT count(*) FROM information_schema.processlist WHERE user = '{self.server.username}'"))

    def table_options(self, table: str) -> str:
        return f"\"table\" '{table}'"


class Postgres(SqlSource):
    wrapper = "instant_postgres"

    def __init__(self, scratch: Scratch, **settings: str) -> None:
        # What it has committed is there after it was killed.
        self.server = PostgresServer(scratch, {"max_connections": "300", "synchronous_commit": "on", **settings})
        self.server.sql("CREATE DATABASE d")
        self.sql(f"CREATE TABLE big AS SELECT i AS id, repeat('x', 100) AS a FROM generate_series(1, {BIG_ROWS}) i; "
                 "ALTER TABLE big ADD PRIMARY KEY (id); CREATE TABLE small (id int PRIMARY KEY, name text); "
                 "INSERT INTO small SELECT i, 'n' || i FROM generate_series(1, 10) i; "
                 "CREATE VIEW slow AS SELECT 1 AS x FROM pg_sleep(60); CREATE TABLE target (id int PRIMARY KEY, a text)")
        # Its superuser may go on where others may not connect any more.
        self.sql(f"CREATE ROLE plain LOGIN PASSWORD '{self.server.password}'; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")

    def options(self) -> dict[str, str]:
        return {"host": self.server.host, "port": str(self.server.port), "dbname": "d"}

    def sql(self, text: str) -> str:
        return self.server.sql(text, "d")

    def running(self, part: str) -> int:
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
                            f"AND query LIKE '%{part}%'"))

    def sessions(self) -> int:
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'd' AND client_addr IS NOT NULL"))

    def table_options(self, table: str) -> str:
        return f"schema_name 'public', table_name '{table}'"


SOURCES: dict[str, type[SqlSource]] = {"mysql": MariaDB, "postgres": Postgres}


class Proxy:
    """TCP to a server. Of what the server says, `limit` bytes of each connection come through; then it `ends`: "silent",
    "close" or "reset". A connection takes `delay` seconds, and with keeps_open the server does not hear of its end. Once it
    is_gone, new connections are closed, and old ones when they are used."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.limit: int | None = None
        self.ends = "silent"
        self.delay, self.keeps_open, self.is_gone = 0.0, False, False
        self.passed: list[int] = []
        self.is_stopped = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=300)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self.is_stopped:
            with contextlib.suppress(OSError):
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        time.sleep(self.delay)
        if self.is_gone:
            client.close()
            return
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as server:
            self.passed.append(0)
            mine, limit, ends = len(self.passed) - 1, self.limit, self.ends
            while not self.is_stopped:
                for ready in select.select([client, server], [], [], 0.5)[0]:
                    got = ready.recv(65536)
                    if not got:
                        while self.keeps_open and ready is client and not self.is_stopped:
                            time.sleep(0.1)
                        return
                    if self.is_gone:
                        self._end(client, "reset")
                        return
                    if ready is client:
                        server.sendall(got)
                        continue
                    room = len(got) if limit is None else max(0, limit - self.passed[mine])
                    client.sendall(got[:room])
                    self.passed[mine] += min(room, len(got))
                    if room < len(got) or (limit is not None and self.passed[mine] >= limit):
                        self._end(client, ends)
                        return

    def _end(self, client: socket.socket, ends: str) -> None:
        if ends == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if ends != "silent":
            return
        while not self.is_stopped:
            if select.select([client], [], [], 0.2)[0] and not client.recv(65536):
                return

    def stop(self) -> None:
        self.is_stopped = True
        self.listener.close()


@contextlib.contextmanager
def proxy_to(source: SqlSource) -> Iterator[Proxy]:
    made = Proxy(source.server.host, source.server.port)
    yield made
    made.stop()


def side_by_side(work: Callable[[Connection], None], connections: Sequence[Connection]) -> None:
    """Each connection with a thread of its own, until all are through."""
    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def processes_in(folder: Path) -> list[str]:
    """Those whose working directory it is."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(entry.name)
    return found


def source_processes(backend: int) -> list[int]:
    """The instant-source processes of a backend."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError, ValueError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == backend:
                found.append(int(entry.name))
    return found


def peak_bytes(pid: int) -> int:
    """Of resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def everything_about(pid: int) -> bytes:
    """What ps and its like show of a process."""
    shown = b""
    for name in ("cmdline", "environ", "comm"):
        with contextlib.suppress(OSError):
            shown += Path(f"/proc/{pid}/{name}").read_bytes()
    return shown


def is_gone(connection: Connection) -> bool:
    with contextlib.suppress(psycopg.Error, OSError):
        connection.execute("SELECT 1")
        return False
    return True


__all__ = ["BIG_ROWS", "SOURCES", "MariaDB", "Postgres", "Proxy", "SqlSource", "everything_about", "is_gone",
           "peak_bytes", "proxy_to", "source_processes", "wait_until"]
