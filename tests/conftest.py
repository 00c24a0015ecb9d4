"""Fixtures for every test: real servers, an embedded hub of the run's own, and the command `instant`.

    postgres_source   PostgreSQL with the database "flights": flights, weather, and the schema typezoo
    mariadb_source    MariaDB with the database "fleet": airlines, planes
    airports_api      an HTTP server with the airports as JSON
    hub_server        one more PostgreSQL, with the wrappers installed, to be an external hub
    instant_home      the embedded hub's directory, in $INSTANT_HOME from then on
    flights_sources   .path of a configuration with both sources, .env with the variables it asks for
    database_sources  the same without the REST API
    hub_arguments     what a connector is given to find the hub that the run uses
    connector         a synchronous connector, set up with flights_sources
    cli               cli("tables", "--format", "json") runs the command; a CompletedProcess

With --db-url=postgresql://… the hub is that server: the tests work in a database of their own there,
which is dropped at the end. $INSTANT_CLI names another `instant` than build/instant.
"""
from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent
for folder in ("tools", "tests", "examples/flights"):
    sys.path.insert(0, str(ROOT / folder))

from harness import typezoo  # noqa: E402
from harness.project import Cli, Sources, cli_path  # noqa: E402
from run import fill, flights_environment, start_api  # noqa: E402
from scratch_servers import FileServer, MariaDBServer, PostgresServer, Scratch  # noqa: E402

# Nothing of the developer's own environment decides how a test ends, but for what says how much is tested.
for name in [name for name in os.environ if name.startswith(("PG", "INSTANT_", "FLIGHTS_"))]:
    if name != "INSTANT_CLI" and not name.startswith("INSTANT_RANDOM_"):
        del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db-url", metavar="URL", default=None,
                     help="an external hub, postgresql://user:password@host:port/database "
                          "(default: an embedded hub, made for this run)")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    with Scratch() as made:
        yield made


@pytest.fixture(scope="session")
def _sources(scratch: Scratch) -> tuple[PostgresServer, MariaDBServer]:
    postgres, mariadb = PostgresServer(scratch), MariaDBServer(scratch)
    fill(postgres, mariadb)
    typezoo.make(postgres.url("flights"))
    return postgres, mariadb


@pytest.fixture(scope="session")
def postgres_source(_sources: tuple[PostgresServer, MariaDBServer]) -> PostgresServer:
    return _sources[0]


@pytest.fixture(scope="session")
def mariadb_source(_sources: tuple[PostgresServer, MariaDBServer]) -> MariaDBServer:
    return _sources[1]


def without_api(path: Path, scratch: Scratch) -> Path:
    """The demo's configuration up to the source that needs the extension instant_fdw."""
    shorter = scratch.path / "databases.yaml"
    shorter.write_text(path.read_text().split("\n  reference:")[0] + "\n")
    return shorter


@pytest.fixture(scope="session")
def airports_api(scratch: Scratch) -> FileServer:
    return start_api(scratch)


@pytest.fixture(scope="session")
def hub_server(scratch: Scratch) -> PostgresServer:
    return PostgresServer(scratch)


@pytest.fixture(scope="session")
def instant_home(scratch: Scratch) -> Iterator[Path]:
    home = scratch.path / "home"
    os.environ["INSTANT_HOME"] = str(home)
    yield home
    subprocess.run([cli_path(), "hub", "stop"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    del os.environ["INSTANT_HOME"]


@pytest.fixture(scope="session")
def flights_sources(postgres_source: PostgresServer, mariadb_source: MariaDBServer, airports_api: FileServer,
                    scratch: Scratch, request: pytest.FixtureRequest) -> Iterator[Sources]:
    env = flights_environment(postgres_source, mariadb_source, airports_api)
    os.environ.update(env)
    path = ROOT / "examples" / "flights" / "sources.yaml"
    # A hub of somebody else's may be without our extension.
    yield Sources(path if request.config.getoption("--db-url") is None else without_api(path, scratch), env)
    for variable in env:
        del os.environ[variable]


@pytest.fixture(scope="session")
def database_sources(flights_sources: Sources, scratch: Scratch) -> Sources:
    """The demo's two databases alone: what a hub without the extension instant_fdw can have."""
    return Sources(without_api(flights_sources.path, scratch), flights_sources.env)


@pytest.fixture(scope="session")
def _db_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a database of our own on the server that --db-url names."""
    url = request.config.getoption("--db-url")
    if url is None:
        yield None
        return
    database = f"instant_test_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{database}"')
        yield urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
        admin.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def hub_arguments(_db_url: str | None, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Keyword arguments of InstantDataConnector that name the hub of this run."""
    if _db_url is not None:
        return {"postgres_config": _db_url}
    request.getfixturevalue("instant_home")
    return {}


@pytest.fixture(scope="module")
def connector(flights_sources: Sources, hub_arguments: dict[str, Any]) -> Iterator[Any]:
    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector(config_path=str(flights_sources.path), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure() is True
        yield made


@pytest.fixture(scope="session")
def cli(instant_home: Path, flights_sources: Sources, _db_url: str | None) -> Cli:
    """Run the command with the run's hub and sources; env adds variables, None as a value removes one."""
    hub = [] if _db_url is None else ["--hub", _db_url]

    def run(*arguments: str, env: dict[str, str | None] | None = None, timeout: float = 60.0,
            **options: Any) -> subprocess.CompletedProcess[str]:
        environment: dict[str, str | None] = {
            **os.environ, **flights_sources.env, "INSTANT_HOME": str(instant_home),
            "INSTANT_CONFIG": str(flights_sources.path), **(env or {})}
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [cli_path(), *hub, *arguments], timeout=timeout, text=True, capture_output=True,
            env={name: value for name, value in environment.items() if value is not None}, **options)

    return run
