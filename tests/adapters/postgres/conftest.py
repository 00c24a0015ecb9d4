"""A PostgreSQL to read from, with tables of its own for these tests; of version $SOURCE_MAJOR, if that is given."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from harness import relation as rel
from harness import typezoo
from harness.hub import pg_config
from harness.source_client import SourceSession, program
from scratch_servers import PostgresServer, Scratch

Make = Callable[..., SourceSession]

TABLES = """
CREATE TABLE numbers (id int8 PRIMARY KEY, n int4, t text);
INSERT INTO numbers SELECT i, i % 100, 'text ' || i FROM generate_series(1, 20000) i;
CREATE TABLE wide (id int8 PRIMARY KEY, n int4 NOT NULL, filler text) WITH (fillfactor = 90);
INSERT INTO wide SELECT i, i, repeat('x', 600) FROM generate_series(1, 120000) i;
VACUUM ANALYZE numbers, wide
"""


@pytest.fixture(scope="session")
def server(scratch: Scratch) -> PostgresServer:
    major = os.environ.get("SOURCE_MAJOR")
    made = PostgresServer(scratch, bin_directory=pg_config(int(major)).parent if major else None)
    if made.sql("SELECT count(*) FROM pg_config WHERE setting LIKE '%--with-libxml%'") == "0":
        typezoo.COLUMNS["c_xml"] = ("text", typezoo.COLUMNS["c_xml"][1])
    typezoo.make(made.url())
    with psycopg.connect(made.url(), autocommit=True) as connection:
        for statement in TABLES.split(";"):
            connection.execute(statement)
    return made


@pytest.fixture
def db(server: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def make(server: PostgresServer) -> Iterator[Make]:
    """make(**server options) starts a session; user={…} is the user mapping."""
    sessions: list[SourceSession] = []

    def make_one(user: dict[str, str] | None = None, name: str = "probe", may_use_local: bool = True,
                 to: PostgresServer | None = None, **options: str) -> SourceSession:
        there = to or server
        session = SourceSession(
            "postgres", name=name, may_use_local=may_use_local,
            server_options={"host": there.host, "port": str(there.port), "dbname": "postgres", **options},
            user_options={"user": there.username, "password": there.password} if user is None else user)
        sessions.append(session)
        return session

    yield make_one
    for session in sessions:
        with session:
            pass


def table(name: str, *columns: tuple[str, rel.Type], **options: str) -> rel.Relation:
    return rel.scan(name, [rel.column(column, type_) for column, type_ in columns], {"schema": "public", **options})


def numbers(**options: str) -> rel.Relation:
    return table("numbers", ("id", rel.INT8), ("n", rel.INT4), ("t", rel.TEXT), **options)


def wide(**options: str) -> rel.Relation:
    return table("wide", ("id", rel.INT8), ("n", rel.INT4), **options)


def count(source: rel.Relation) -> rel.Relation:
    return rel.aggregate(source, [], [rel.Aggregate("count(*)", rel.INT8)])


def is_sanitized() -> bool:
    return "sanitize" in str(program())
