"""Tables of another PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_build import Connection, Database, build_folder
from harness.postgres_queries import COLUMNS, PostgresQueries
from harness.random_queries import rows
from scratch_servers import PostgresServer, Scratch

QUERIES = int(os.environ.get("INSTANT_RANDOM_QUERIES", "600"))
SEED = int(os.environ.get("INSTANT_RANDOM_SEED", "20261130"))
TABLES = (("t", 1, 400), ("u", 2, 60))
LOCALE = "und-x-icu"
# What the hub compares by, and what the source's columns have: not the same, but for the last.
KINDS = {"c": ("C", "loose"), "locale": (LOCALE, "C"), "plain": ("default", "default")}


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    """Where the server's user can start it."""
    return Path(shutil.copy(build_folder() / "instant-source", scratch.path / "instant-source-of-postgres"))


def columns_sql(collation: str) -> str:
    return ", ".join(f"{column.name} {column.type}{f' COLLATE {collation}' if column.kind in ('text', 'bpchar') else ''}"
                     f"{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)


def make_table(connection: Connection, name: str, collation: str, seed: int, count: int) -> None:
    connection.execute(f"CREATE TABLE {name} ({columns_sql(collation)})")
    with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for row in rows(seed, count, COLUMNS):
            copy.write_row(row)
    connection.execute(f"ANALYZE {name}")


@pytest.fixture(scope="module")
def source(scratch: Scratch) -> Iterator[PostgresServer]:
    with PostgresServer(scratch) as server:
        with psycopg.connect(server.url(), autocommit=True) as made:
            made.execute("CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
            for word, (_, collation) in KINDS.items():
                made.execute(f"CREATE SCHEMA foreign_{word}")
                for name, seed, count in TABLES:
                    make_table(made, f"foreign_{word}.{name}", f'"{collation}"', seed, count)
                    made.execute(f"CREATE INDEX ON foreign_{word}.{name} (i4); CREATE INDEX ON foreign_{word}.{name} (s)")
        yield server


@pytest.fixture(scope="module")
def tables(database: Database, source: PostgresServer, program: Path) -> Iterator[Connection]:
    """Schemas foreign_c … and local_c …, with tables t and u."""
    with database.connect(prepare_threshold=None) as made:
        made.execute(f"SET instant.source_program = '{program}'")
        made.execute(f"CREATE SERVER other FOREIGN DATA WRAPPER instant_postgres OPTIONS (host '{source.host}', port '{source.port}',"
                     " dbname 'postgres')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user '{source.username}', password '{source.password}')")
        for word, (collation, _) in KINDS.items():
            if made.execute("SELECT FROM pg_collation WHERE collname = %s AND collencoding IN (-1, 6)", [collation]).fetchone() is None:
                collation = "default"
            made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
            for name, seed, count in TABLES:
                columns = columns_sql(f'"{collation}"')
                made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({columns}) SERVER other")
                make_table(made, f"local_{word}.{name}", f'"{collation}"', seed, count)
        yield made
        made.execute("DROP SERVER other CASCADE")


@dataclass
class Answer:
    rows: list[tuple[Any, ...]] | None
    error: str | None
    message: str = ""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Answer)
        return (self.rows, self.error) == (other.rows, other.error)


def ask(connection: Connection, sql: str, is_ordered: bool) -> Answer:
    try:
        found = connection.execute(sql).fetchall()
    except psycopg.Error as error:
        assert error.sqlstate is not None, f"{sql}: {error}"
        return Answer(None, error.sqlstate, str(error))
    return Answer(found if is_ordered else sorted(found, key=repr), None)


def plan_of(connection: Connection, sql: str) -> str:
    return "\n".join(line for (line,) in connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))


@pytest.mark.parametrize("word", KINDS)
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    what: Counter[str] = Counter()
    wrong: list[str] = []
    for query in PostgresQueries(SEED + sum(map(ord, word)), COLUMNS).take(QUERIES):
        foreign = query.sql.replace("{t}", f"foreign_{word}.t").replace("{u}", f"foreign_{word}.u")
        local = foreign.replace(f"foreign_{word}.", f"local_{word}.")
        got, wanted = ask(tables, foreign, query.is_ordered), ask(tables, local, query.is_ordered)
        if got != wanted:
            wrong.append(f"{foreign}\n  got {str(got)[:300]}\n  not {str(wanted)[:300]}")
            if len(wrong) == 20:
                break
        what["error" if wanted.error else "rows" if wanted.rows else "none"] += 1
    assert not wrong, f"{len(wrong)} of {sum(what.values())}:\n" + "\n".join(wrong)
    assert what["rows"] > QUERIES / 2, what
