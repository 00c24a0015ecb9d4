"""Passwords by caching_sha2_password, which users of MySQL 8 and later have."""
from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from adapters.mysql.test_mysql_connect import CIPHER, ONE, failure
from harness.hostile_http import Certificates
from harness.hub import Hub, Session, literals
from harness.hub import failure as refused
from harness.sha2_door import Sha2Door

PASSWORD = 'pä"ss word, longer than the twenty bytes of a nonce'


@pytest.fixture
def door(maria: TlsServer, certificates: Certificates, tmp_path: Path) -> Iterator[Sha2Door]:
    certificate = certificates.make("door", "DNS:localhost,IP:127.0.0.1")
    with Sha2Door((maria.host, maria.port), maria.username, maria.password, tmp_path, certificate) as made:
        made.passwords["eight"] = PASSWORD
        yield made


@pytest.fixture
def plain(maria: TlsServer, tmp_path: Path) -> Iterator[Sha2Door]:
    """Without TLS."""
    with Sha2Door((maria.host, maria.port), maria.username, maria.password, tmp_path) as made:
        made.passwords["eight"] = PASSWORD
        yield made


def test_over_tls(door: Sha2Door, connect: Connect, certificates: Certificates) -> None:
    authority = str(certificates.authority)
    ways = []
    for options in ({}, {"ssl_mode": "require"}, {"ssl_mode": "verify-ca", "ssl_ca": authority},
                    {"ssl_mode": "verify-full", "ssl_ca": authority}):
        for way in ("tls", "fast"):
            session = connect(port=str(door.port), user="eight", password=PASSWORD, **options)
            assert session.open(ONE).rows() == [(1,)], options
            ways.append(way)
        assert door.ways == ways
        door.known.clear()
        error = failure(connect(port=str(door.port), user="eight", password="wrong", **options))
        assert error.sqlstate == "28P01" and "wrong" not in error.everything()
    assert not any(PASSWORD.encode() in packet for packet in door.heard)


@pytest.mark.parametrize("mode", ["prefer", "disable"])
def test_without_tls_it_is_refused(plain: Sha2Door, connect: Connect, mode: str) -> None:
    """The user hears what to do; the server hears who it is, and nothing of the password."""
    error = failure(connect(port=str(plain.port), user="eight", password=PASSWORD, ssl_mode=mode))
    assert error.sqlstate == "08006"
    assert "the server asks for the password by caching_sha2_password, which needs TLS" in error.message
    assert "ssl_mode" in error.hint and "get_server_public_key" in error.hint
    assert len(plain.heard) == 1 and plain.heard[0][32:].startswith(b"eight\0\0") and plain.ways == []
    assert "TLS is required" in failure(connect(port=str(plain.port), user="eight", password=PASSWORD, ssl_mode="require")).message


def test_without_tls_by_the_key_of_the_server(plain: Sha2Door, connect: Connect) -> None:
    asked = {"port": str(plain.port), "user": "eight", "get_server_public_key": "true"}
    assert connect(**asked, password=PASSWORD).open(ONE).rows() == [(1,)]
    assert plain.ways == ["asked", "key"] and not any(PASSWORD.encode() in packet for packet in plain.heard)
    assert connect(**asked, password=PASSWORD).open(CIPHER).rows()[0][1] == ""
    assert plain.ways[2:] == ["fast"]
    plain.known.clear()
    assert failure(connect(**asked, password="wrong")).sqlstate == "28P01"


def library_version() -> tuple[int, ...]:
    library = ctypes.CDLL("libmariadb.so.3")
    library.mysql_get_client_info.restype = ctypes.c_char_p
    return tuple(map(int, library.mysql_get_client_info().decode().split(".")))


def test_by_a_key_that_is_known(plain: Sha2Door, connect: Connect, tmp_path: Path) -> None:
    given = {"port": str(plain.port), "user": "eight", "password": PASSWORD}
    if not (3, 3, 20) <= library_version() < (3, 4):  # it would ask whoever answers for a key
        error = failure(connect(**given, server_public_key=str(plain.public_key)))
        assert error.sqlstate == "08006" and "3.3.20 reads it" in error.message and plain.ways == []
        return
    assert connect(**given, server_public_key=str(plain.public_key)).open(ONE).rows() == [(1,)]
    assert plain.ways == ["key"]
    plain.known.clear()
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.touch()
    other.write_text("no key")
    for path in ("/nowhere", str(empty), str(tmp_path), str(other)):
        error = failure(connect(**given, server_public_key=path))
        assert error.sqlstate == "08006" and (path == str(other) or "server_public_key cannot be read" in error.message)
        assert plain.ways == ["key"], path  # it was not asked for its key instead


def test_a_plugin_that_is_not_there(door: Sha2Door, connect: Connect, tmp_path: Path) -> None:
    error = failure(connect(port=str(door.port), user="eight", password=PASSWORD, plugin_dir=str(tmp_path)))
    assert error.sqlstate == "08006" and "caching_sha2_password" in error.message
    assert "libmariadb3" in error.hint and "plugin_dir" in error.hint
    assert connect(port=str(door.port), user="eight", password=PASSWORD).open(ONE).rows() == [(1,)] and door.ways == ["tls"]


def test_in_a_hub(door: Sha2Door, plain: Sha2Door, site: Hub, sql: Session) -> None:
    for at in (door, plain):
        name = f"eight_{next(site.numbers)}"
        sql.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_mysql OPTIONS ({literals({'host': '127.0.0.1', 'port': at.port})})")
        sql.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({literals({'user': 'eight', 'password': PASSWORD})})")
        sql.execute(f"CREATE FOREIGN TABLE {name} (\"ID\" bigint) SERVER {name} OPTIONS (database 'information_schema', \"table\" 'COLLATIONS')")
        if at is door:
            assert sql.execute(f"SELECT count(*) > 10 FROM {name}").fetchone() == (True,)
        else:
            error = refused(sql, f"SELECT count(*) FROM {name}")
            assert "caching_sha2_password, which needs TLS" in str(error) and "get_server_public_key" in str(error.diag.message_hint)
        sql.execute(f"DROP SERVER {name} CASCADE")
    assert door.ways == ["tls"]
