"""Tables of Oracle's MySQL in PostgreSQL: what tests/pg/test_mysql_tables.py asks of MariaDB's."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from extension_build import Connection, Database
from harness import mysql_rows as mysql
from harness.project import need_oracle
from harness.random_queries import WideQueries
from scratch_servers import OracleServer, Scratch
from test_mysql_tables import BEYOND, SETUPS, tables_of, test_the_rows_are_all_there  # noqa: F401
from twin_queries import LARGE, QUERIES, SEED, TABLES, ask, no_difference, program_of


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    return program_of(scratch, "oracle")


@pytest.fixture(scope="session")
def oracle(scratch: Scratch) -> Iterator[OracleServer]:
    need_oracle()
    with OracleServer(scratch, {"sort-buffer-size": "32M", "tmp-table-size": "256M", "max-heap-table-size": "256M", "max-allowed-packet": "64M"}) as made:
        made.sql("CREATE DATABASE differential CHARACTER SET utf8mb4")
        for name, seed, count in TABLES:
            made.sql(mysql.create(name, mysql.ORACLE), "differential")
            made.sql("SET NAMES utf8mb4, SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES', time_zone = '+00:00';\n"
                     + "\n".join(mysql.insert(name, mysql.table_rows(seed, count), mysql.ORACLE)) + f"ANALYZE TABLE {name}", "differential")
        yield made


@pytest.fixture(scope="module")
def tables(database: Database, oracle: OracleServer, program: Path) -> Iterator[Connection]:
    """As those of MariaDB."""
    with tables_of(oracle, database, program, mysql.ORACLE) as made:
        yield made


@pytest.mark.parametrize("word", ["c", "default"])
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    queries = WideQueries(SEED + 500 + list(SETUPS).index(word) + 1000 * (tables.info.server_version // 10000), mysql.queryable(mysql.COLUMNS))
    queries.ids = LARGE
    no_difference(tables, queries, word, count=QUERIES // 3)


@pytest.mark.parametrize("word", ["c", "default"])
def test_conditions_at_the_edges(tables: Connection, word: str) -> None:
    with_null = ["t IN ('17:32:30.5', '15:11:00', NULL)", "(t IN ('15:11:00', NULL)) IS NULL", "i4 NOT IN (1, NULL)", "s IN ('a', 'b', NULL)"]
    for condition in (*BEYOND, *with_null):
        sql = f"SELECT id FROM {{}}_{word}.t WHERE {condition} ORDER BY id"
        assert ask(tables, sql.format("foreign"), True) == ask(tables, sql.format("local"), True), condition
