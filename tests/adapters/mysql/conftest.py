"""A MariaDB for the tests of the adapter mysql: one for all of them, with a database for each file of tests.

    maria     the server; maria.sql(text, database) runs SQL as root
    database  the name of an empty database, dropped after the file's last test
    session   a SourceSession to it, for all tests of the file
    connect   connect(**server_options) is a SourceSession to that database, ended after the test
    oracle    MySQL of Oracle; a file whose fixture maria is this one asks that server
"""
from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.hostile_http import Certificates
from harness.project import need_oracle
from harness.source_client import SourceSession
from scratch_servers import MariaDBServer, OracleServer, Scratch

Connect = Callable[..., SourceSession]


class TlsServer(MariaDBServer):
    """With a certificate that tests may change; good: for 127.0.0.1 and localhost."""

    def __init__(self, scratch: Scratch, certificates: Certificates) -> None:
        self.certificates = certificates
        self.folder = Path(scratch.path) / f"tls-{secrets.token_hex(4)}"
        self.folder.mkdir(mode=0o755)
        self.made = {"good": certificates.make("good", "DNS:localhost,IP:127.0.0.1")}
        self._place("good")
        shutil.copyfile(certificates.authority, self.folder / "ca.pem")
        super().__init__(scratch, {
            "ssl-ca": str(self.folder / "ca.pem"),
            "ssl-cert": str(self.folder / "cert.pem"), "ssl-key": str(self.folder / "key.pem"),
            "max-allowed-packet": "64M", "max-connections": "120", "plugin-load-add": "auth_ed25519"})

    def use(self, name: str, subject: str = "", days: int = 30, authority: Certificates | None = None) -> None:
        """The certificate of this name from now on; subject: it is made now."""
        if name not in self.made:
            self.made[name] = (authority or self.certificates).make(name, subject, days)
        self._place(name)
        self.sql("FLUSH SSL")

    def _place(self, name: str) -> None:
        for source, target in zip(self.made[name], ("cert.pem", "key.pem"), strict=True):
            shutil.copyfile(source, self.folder / target)
            (self.folder / target).chmod(0o644)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def maria(scratch: Scratch, certificates: Certificates) -> Iterator[TlsServer]:
    made = TlsServer(scratch, certificates)
    yield made
    made.stop()


class Oracle(OracleServer):
    """Skips the tests that need more than MySQL 5.6 has."""

    def sql(self, text: str, database: str = "mysql") -> str:
        if wants := re.search(r"\b(json|uuid|inet[46]|GENERATED ALWAYS|stored)\b", text):
            pytest.skip(f"MySQL 5.6 has no {wants[1]}")
        return super().sql(text, database)


@pytest.fixture(scope="session")
def oracle(scratch: Scratch) -> Iterator[Oracle]:
    need_oracle()
    with Oracle(scratch, {"max-allowed-packet": "64M"}) as made:
        yield made


@pytest.fixture(scope="module")
def database(maria: TlsServer) -> Iterator[str]:
    name = f"test_{secrets.token_hex(4)}"
    maria.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    # A query that a test has failed to end would keep the tables for as long as it runs.
    left = maria.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{name}' AND command <> 'Sleep'")
    for connection in left.split():
        maria.sql(f"KILL {connection}")
    maria.sql(f"DROP DATABASE {name}")


def new_session(maria: TlsServer, database: str, options: dict[str, str | None], user: str | None = None,
                password: str | None = None) -> SourceSession:
    """Options that are None, and an empty user or password, are left out."""
    given = {"host": maria.host, "port": str(maria.port), "database": database, **options}
    login = {"user": maria.username if user is None else user,
             "password": maria.password if password is None else password}
    return SourceSession("mysql", server_options={name: value for name, value in given.items() if value is not None},
                         user_options={name: value for name, value in login.items() if value})


@pytest.fixture(scope="module")
def session(maria: TlsServer, database: str) -> Iterator[SourceSession]:
    with new_session(maria, database, {}) as made:
        yield made


@pytest.fixture
def connect(maria: TlsServer, database: str) -> Iterator[Connect]:
    sessions: list[SourceSession] = []

    def connect_one(user: str | None = None, password: str | None = None, **options: str | None) -> SourceSession:
        sessions.append(new_session(maria, database, options, user, password))
        return sessions[-1]

    yield connect_one
    for session in sessions:
        with session:
            pass
