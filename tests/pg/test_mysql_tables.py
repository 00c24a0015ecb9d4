"""Tables of MariaDB in PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
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
from harness import mysql_rows as mysql
from harness.random_queries import WideQueries, rows
from scratch_servers import MariaDBServer, Scratch

QUERIES = int(os.environ.get("INSTANT_RANDOM_QUERIES", "600"))
ROWS = int(os.environ.get("INSTANT_RANDOM_ROWS", "400"))
SETUPS = {"c": '"C"', "icu": '"und-x-icu"', "default": '"default"'}


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    """Where the server's user can start it."""
    return Path(shutil.copy(build_folder() / "instant-source", scratch.path / "instant-source-of-mysql"))


@pytest.fixture(scope="session")
def maria(scratch: Scratch) -> Iterator[MariaDBServer]:
    made = MariaDBServer(scratch)
    script = ["CREATE DATABASE differential CHARACTER SET utf8mb4; USE differential;",
              "SET NAMES utf8mb4, SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', time_zone = '+00:00';"]
    for name, seed, count in (("t", 1, ROWS), ("u", 2, 60)):
        script += [mysql.create(name) + ";", *mysql.insert(name, rows(seed, count, mysql.COLUMNS)), f"ANALYZE TABLE {name};"]
    made.sql("\n".join(script))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def tables(database: Database, maria: MariaDBServer, program: Path) -> Iterator[Connection]:
    """Schemas foreign_c, foreign_locale … and local ones of the same rows, with tables t and u."""
    with database.connect() as made:
        made.execute(f"SET instant.source_program = '{program}'")
        made.execute("SET timezone = 'UTC'")
        made.execute(f"CREATE SERVER maria FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{maria.host}', "
                     f"port '{maria.port}', database 'differential')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER maria OPTIONS (user '{maria.username}', "
                     f"password '{maria.password}')")
        for word, collation in SETUPS.items():
            exists = made.execute("SELECT FROM pg_collation WHERE quote_ident(collname) = %s OR collname = %s",
                                  [collation, collation.strip('"')]).fetchone()
            if exists is not None:
                make_tables(made, word, collation)
        yield made
        made.execute("DROP SERVER maria CASCADE")


def make_tables(made: Connection, word: str, collation: str) -> None:
    """In foreign_c the columns say what they are in MariaDB, as IMPORT FOREIGN SCHEMA has it; elsewhere they do not."""
    made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
    for name in ("t", "u"):
        foreign, local = [], []
        for column in mysql.COLUMNS:
            options = f" OPTIONS (remote_type $${mysql.REMOTE[column.name]}$$"
            if column.name in mysql.KEYS:
                options += f", collation '{mysql.KEYS[column.name]}'"
            declared = (f'"{column.name}" {column.type}', f" COLLATE {collation}" if column.kind == "text" else "",
                        " NOT NULL" if column.not_null else "")
            local.append("".join(declared))
            foreign.append(declared[0] + (options + ")" if word == "c" else "") + "".join(declared[1:]))
        made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({', '.join(foreign)}) SERVER maria OPTIONS (\"table\" '{name}')")
        made.execute(f"CREATE TABLE local_{word}.{name} ({', '.join(local)})")
        made.execute(f"INSERT INTO local_{word}.{name} SELECT * FROM foreign_{word}.{name}")
        made.execute(f"ANALYZE local_{word}.{name}")


@dataclass
class Answer:
    rows: list[tuple[Any, ...]] | None
    error: str | None
    message: str = ""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Answer)
        return (repr(self.rows), self.error) == (repr(other.rows), other.error)


def ask(connection: Connection, sql: str, is_ordered: bool) -> Answer:
    try:
        found = connection.execute(sql).fetchall()
    except psycopg.Error as error:
        assert error.sqlstate is not None, f"{sql}: {error}"
        return Answer(None, error.sqlstate, str(error))
    return Answer(found if is_ordered else sorted(found, key=repr), None)


def test_the_rows_are_all_there(tables: Connection) -> None:
    assert tables.execute("SELECT count(*), count(DISTINCT id) FROM local_c.t").fetchone() == (ROWS, ROWS)


@pytest.mark.parametrize("word", SETUPS)
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    if tables.execute("SELECT to_regnamespace(%s)", [f"foreign_{word}"]).fetchone() == (None,):
        pytest.skip("this server has no such collation")
    what: Counter[str] = Counter()
    seed = int(os.environ.get("INSTANT_RANDOM_SEED", "20261130"))
    for query in WideQueries(seed + list(SETUPS).index(word), mysql.queryable(mysql.COLUMNS)).take(QUERIES):
        foreign = query.sql.format(t=f"foreign_{word}.t", u=f"foreign_{word}.u")
        local = query.sql.format(t=f"local_{word}.t", u=f"local_{word}.u")
        got, wanted = ask(tables, foreign, query.is_ordered), ask(tables, local, query.is_ordered)
        assert got == wanted, foreign
        what["error" if wanted.error else "rows" if wanted.rows else "none"] += 1
    assert what["rows"] > QUERIES / 2, what
