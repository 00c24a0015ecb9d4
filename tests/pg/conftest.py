"""Fixtures for the extension instant_fdw: a server with it for each PostgreSQL that it was built for.

    extension    the built files, and a private tree of that server's files in which they are installed
    server       a running server of that tree
    database     a database of that server for the tests of one file, in which the extension is created
    connection   a session in it, autocommit; what it leaves in the schema public is dropped
"""
from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from extension_build import MAJORS, Connection, Database, ExtensionBuild, build_folder, pg_config
from scratch_servers import PostgresServer, Scratch, server_tree


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def extension(scratch: Scratch, request: pytest.FixtureRequest) -> ExtensionBuild:
    files = build_folder() / "fdw" / f"pg{request.param}"
    config = pg_config(request.param)
    assert (files / "instant_fdw.so").exists(), f"{files} is not built; `make build` builds it"
    return ExtensionBuild(request.param, files, config, server_tree(scratch, files, config))


@pytest.fixture(scope="session")
def server(scratch: Scratch, extension: ExtensionBuild) -> Iterator[PostgresServer]:
    # Without JIT: loading LLVM is 70 MB and compiling is 300 ms, and both would be measured as ours.
    made = PostgresServer(scratch, {"max_worker_processes": "16", "jit": "off"}, extension.bin)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def database(server: PostgresServer) -> Iterator[Database]:
    name = f"arrow_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name}")
    server.sql("CREATE EXTENSION instant_fdw", name)
    yield Database(server, name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    # The user is called like the schema of the extension, which "$user" would find first.
    with database.connect(prepare_threshold=None, options="-c search_path=public") as made:
        yield made
    database.server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;", database.name)
