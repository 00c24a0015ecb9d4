"""Whom the adapter mysql talks to, and who gets to know the password."""
from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness import relation as rel
from harness.hostile_http import Certificates
from harness.source_client import SourceError, SourceSession

ONE = rel.native("SELECT 1", [rel.column("a", rel.INT4)])
CIPHER = rel.native("SHOW STATUS LIKE 'Ssl_cipher'", [rel.column("a", rel.TEXT, rel.C), rel.column("b", rel.TEXT, rel.C)])


def failure(session: SourceSession) -> SourceError:
    with pytest.raises(SourceError) as caught:
        session.open(ONE).table()
    return caught.value


def is_encrypted(session: SourceSession) -> bool:
    return session.open(CIPHER).rows()[0][1] != ""


@pytest.fixture
def tls(maria: TlsServer) -> Iterator[TlsServer]:
    yield maria
    maria.use("good")


def test_tls_by_mode(tls: TlsServer, connect: Connect, certificates: Certificates) -> None:
    authority = str(certificates.authority)
    assert not is_encrypted(connect(ssl_mode="disable"))
    for options in ({}, {"ssl_mode": "prefer"}, {"ssl_mode": "require"}, {"ssl_ca": authority},
                    {"ssl_mode": "verify-ca", "ssl_ca": authority}, {"ssl_mode": "verify-full", "ssl_ca": authority},
                    {"ssl_mode": "verify-full", "ssl_ca": authority, "host": "localhost"}):
        assert is_encrypted(connect(**options)), options


def test_certificates_that_are_not_the_servers(tls: TlsServer, connect: Connect, certificates: Certificates,
                                              tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = {"ssl_ca": str(certificates.authority)}
    stranger = Certificates(tmp_path_factory.mktemp("stranger"))
    # What it is, and which modes go along with it.
    cases: list[tuple[str, dict[str, Any], list[str]]] = [
        ("othername", {"subject": "DNS:db.example.com"}, ["prefer", "require", "verify-ca"]),
        ("expired", {"subject": "DNS:localhost,IP:127.0.0.1", "days": -1}, ["prefer", "require"]),
        ("stranger", {"subject": "DNS:localhost,IP:127.0.0.1", "authority": stranger}, ["prefer", "require"]),
    ]
    for name, certificate, welcome in cases:
        tls.use(name, **certificate)
        for mode in ("prefer", "require", "verify-ca", "verify-full"):
            session = connect(ssl_mode=mode, **(authority if mode.startswith("verify") else {}))
            if mode in welcome:
                assert is_encrypted(session), (name, mode)
            else:
                error = failure(session)
                assert error.sqlstate == "08006" and "certificate" in error.message.lower(), (name, mode, error.message)
        # Without a file it is the system's authorities, which do not know ours.
        for mode in ("verify-ca", "verify-full"):
            assert failure(connect(ssl_mode=mode)).sqlstate == "08006"
    tls.use("good")
    for mode in ("verify-ca", "verify-full"):
        assert "certificate" in failure(connect(ssl_mode=mode)).message.lower()


def test_a_certificate_of_our_own(tls: TlsServer, connect: Connect, certificates: Certificates) -> None:
    tls.sql("CREATE OR REPLACE USER proven@'%' IDENTIFIED BY 'x' REQUIRE X509; GRANT ALL ON *.* TO proven@'%'")
    certificate, key = certificates.make("client", "DNS:client")
    proven = {"user": "proven", "password": "x", "ssl_mode": "verify-full", "ssl_ca": str(certificates.authority)}
    assert is_encrypted(connect(**proven, ssl_cert=str(certificate), ssl_key=str(key)))
    assert failure(connect(**proven)).sqlstate == "28P01"
    assert failure(connect(**proven, ssl_cert=str(certificate), ssl_key="/nowhere")).sqlstate == "08006"


class Eavesdropper:
    """Between the client and the server; says that the server has no TLS. sent: what each client said."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.sent: list[bytearray] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        server = socket.create_connection(self.target)
        greeting = bytearray(server.recv(65536))
        flags = greeting.index(0, 5) + 1 + 4 + 9  # after the version, the connection's number and the scramble
        greeting[flags + 1] &= ~0x08  # CLIENT_SSL
        client.sendall(greeting)
        self.sent.append(bytearray())
        threading.Thread(target=self._copy, args=(server, client, bytearray()), daemon=True).start()
        self._copy(client, server, self.sent[-1])

    def _copy(self, source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        try:
            while data := source.recv(65536):
                kept += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_nothing_of_a_password_without_the_tls_that_was_asked_for(maria: TlsServer, connect: Connect, certificates: Certificates) -> None:
    between = Eavesdropper((maria.host, maria.port))
    for mode in ("require", "verify-ca", "verify-full"):
        options = {"ssl_ca": str(certificates.authority)} if mode.startswith("verify") else {}
        error = failure(connect(ssl_mode=mode, host="127.0.0.1", port=str(between.port), **options))
        assert error.sqlstate == "08006" and ("TLS" in error.message or "SSL" in error.message), error.message
    assert len(between.sent) == 3
    time.sleep(0.2)
    for sent in between.sent:
        # At most one packet: flags, the user's name, an answer of no bytes.
        assert len(sent) in (0, int.from_bytes(sent[:3], "little") + 4)
        assert not sent or sent[4 + 32:].startswith(maria.username.encode() + b"\0\0")
    # Where plain is welcome the same way leads to the server.
    assert connect(ssl_mode="prefer", port=str(between.port)).open(ONE).rows() == [(1,)]
    between.listener.close()


def test_authentication_methods(maria: TlsServer, connect: Connect) -> None:
    maria.sql("CREATE OR REPLACE USER native@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('pä''\"ss');"
              "CREATE OR REPLACE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('edpass');"
              "CREATE OR REPLACE USER nobody@'%'; CREATE OR REPLACE USER tls@'%' IDENTIFIED BY 'x' REQUIRE SSL;"
              "GRANT ALL ON *.* TO native@'%', ed@'%', nobody@'%', tls@'%'")
    for user, password in (("ed", "edpass"), ("nobody", ""), ("tls", "x")):
        assert connect(user=user, password=password).open(ONE).rows() == [(1,)], user
    error = failure(connect(user="ed", password="wrong"))
    assert error.sqlstate == "28P01" and "wrong" not in error.everything()
    assert failure(connect(user="tls", password="x", ssl_mode="disable")).sqlstate == "28P01"
    assert failure(connect(user="who", password="")).sqlstate == "28P01"


def test_a_socket_and_an_option_file(maria: TlsServer, connect: Connect, tmp_path: Path) -> None:
    session = connect(host=None, port=None, socket=str(maria.socket), user="root", password="")
    assert session.open(ONE).rows() == [(1,)]
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\nuser = {maria.username}\n[mine]\npassword = {maria.password}\n")
    given = {"host": maria.host, "port": str(maria.port), "option_file": str(file), "option_group": "mine"}
    with SourceSession("mysql", server_options=given) as with_file:
        assert with_file.open(ONE).rows() == [(1,)]
    with pytest.raises(SourceError) as caught:
        SourceSession("mysql", server_options=given, may_use_local=False)
    assert caught.value.sqlstate == "42501"


def test_the_next_host_is_asked(maria: TlsServer, connect: Connect) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    dead = closed.getsockname()[1]
    closed.close()
    alive = f"{maria.host}:{maria.port}"
    assert connect(host=None, port=None, hosts=f"127.0.0.1:{dead},{alive}").open(ONE).rows() == [(1,)]
    assert connect(host="127.0.0.2,127.0.0.1").open(ONE).rows() == [(1,)]
    silent = socket.create_server(("127.0.0.1", 0))
    before = time.monotonic()
    session = connect(host=None, port=None, hosts=f"127.0.0.1:{silent.getsockname()[1]},{alive}", connect_timeout="1500ms")
    assert session.open(ONE).rows() == [(1,)]
    assert 1.4 < time.monotonic() - before < 8
    error = failure(connect(host=None, port=None, hosts=f"127.0.0.1:{dead},127.0.0.1:{dead}"))
    assert error.sqlstate == "08006" and str(dead) in error.message
    # A wrong password is wrong everywhere.
    before = time.monotonic()
    error = failure(connect(host=None, port=None, hosts=f"{alive},127.0.0.1:{silent.getsockname()[1]}", password="wrong", connect_timeout="5s"))
    assert error.sqlstate == "28P01" and time.monotonic() - before < 3
    silent.close()


@pytest.mark.quiet
def test_a_server_that_says_nothing(connect: Connect) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    for options in ({}, {"ssl_mode": "require"}):
        session = connect(port=str(silent.getsockname()[1]), connect_timeout="30s", **options)
        scan = session.open(ONE)
        time.sleep(0.2)
        before = time.monotonic()
        scan.close()
        assert time.monotonic() - before < 0.1
    before = time.monotonic()
    error = failure(connect(port=str(silent.getsockname()[1]), connect_timeout="300ms"))
    assert error.sqlstate == "08001" and "no answer within 300 ms" in error.message and time.monotonic() - before < 3
    scan = connect(port=str(silent.getsockname()[1])).open(ONE, timeout_ms=300)
    with pytest.raises(SourceError) as caught:
        scan.table()
    assert caught.value.sqlstate == "57014"
    silent.close()


def test_what_holds_on_a_connection(maria: TlsServer, connect: Connect) -> None:
    maria.sql("SET GLOBAL time_zone = '+05:30'; SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,PAD_CHAR_TO_FULL_LENGTH'; "
              "SET GLOBAL sql_select_limit = 1; SET GLOBAL tx_isolation = 'READ-UNCOMMITTED'; SET GLOBAL autocommit = 0")
    try:
        asked = rel.native("SELECT @@time_zone, @@sql_mode, @@sql_select_limit, @@tx_isolation, @@autocommit, @@character_set_results, "
                           "@@collation_connection, @@init_connect",
                           [rel.column(f"c{i}", rel.TEXT, rel.C) for i in range(8)])
        session = connect(init_command="SET @x = 5, SESSION time_zone = '+01:00'", compression="true", sql_mode="ANSI_QUOTES, NO_ZERO_DATE,")
        row = session.open(asked).rows()[0]
        assert row[0] == "+00:00" and int(str(row[2])) > 2**60
        assert set(str(row[1]).split(",")) >= {"NO_BACKSLASH_ESCAPES", "NO_UNSIGNED_SUBTRACTION", "STRICT_ALL_TABLES", "NO_ZERO_DATE"}
        assert not set(str(row[1]).split(",")) & {"ANSI_QUOTES", "PIPES_AS_CONCAT", "ONLY_FULL_GROUP_BY", "PAD_CHAR_TO_FULL_LENGTH"}
        assert row[3:7] == ("REPEATABLE-READ", "1", "utf8mb4", "utf8mb4_nopad_bin")
        assert session.open(rel.native("SELECT @x", [rel.column("a", rel.INT4)])).rows() == [(5,)]
        error = failure(connect(init_command="SELEC"))
        assert error.sqlstate == "42601" and "init_command" in error.message
    finally:
        maria.sql("SET GLOBAL time_zone = '+00:00'; SET GLOBAL sql_mode = DEFAULT; SET GLOBAL sql_select_limit = DEFAULT; "
                  "SET GLOBAL tx_isolation = DEFAULT; SET GLOBAL autocommit = 1")


def test_no_file_is_sent_to_a_server_that_asks(maria: TlsServer, database: str, connect: Connect, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1\n")
    maria.sql("CREATE TABLE taken (a int)", database)
    session = connect(init_command=f"LOAD DATA LOCAL INFILE '{secret}' INTO TABLE taken")
    assert failure(session).sqlstate != "00000"
    assert maria.sql("SELECT count(*) FROM taken", database) == "0"


def test_options_that_make_no_sense(connect: Connect) -> None:
    for options in ({"hosts": "a:b", "host": None}, {"host": ","}, {"host": "[::1"}, {"ssl_mode": "yes"}, {"port": "0"}):
        with pytest.raises(SourceError):
            connect(**options)
