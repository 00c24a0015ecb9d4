"""A REST API in PostgreSQL, beside local tables of the same rows: no query may tell them apart.

The API is json-server: `id` is filtered by its parameters, the rest by the hub; pages of 100 rows.
"""
from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from extension_build import Connection, Database
from harness.differential import compare, copies
from harness.json_server import JsonServer
from harness.random_queries import COLUMNS, Queries, Row, rows
from scratch_servers import Scratch

QUERIES = 150
T_ROWS = list(rows(1, 250, COLUMNS))
U_ROWS = list(rows(2, 120, COLUMNS))
# JavaScript's numbers are doubles: what has more digits is a text in JSON, as careful APIs have it.
TEXTS = {"bigint", "numeric(12,3)"}


def sent(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if kind in TEXTS or isinstance(value, decimal.Decimal | uuid.UUID | dt.date):
        return str(value)
    return value


def objects(table: list[Row]) -> list[dict[str, Any]]:
    return [{column.name: sent(value, column.type) for column, value in zip(COLUMNS, row, strict=True)} for row in table]


@pytest.fixture(scope="module")
def api(scratch: Scratch) -> Iterator[JsonServer]:
    server = JsonServer(scratch, {"t": objects(T_ROWS), "u": objects(U_ROWS)})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tables(database: Database, api: JsonServer) -> Iterator[Connection]:
    parameters = "(param 'id', param_in 'id', in_style 'repeat', in_batch '50', param_ge 'id_gte', param_le 'id_lte')"
    names = ", ".join(f"{column.name} {column.type}" + (f" OPTIONS {parameters} NOT NULL" if column.name == "id" else "")
                      for column in COLUMNS)
    with database.connect(prepare_threshold=None, options="-c search_path=public") as connection:
        connection.execute(
            f"CREATE SERVER api FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url '{api.url}', allow_private 'true',"
            " page_style 'page', page_param '_page', limit_param '_limit', total_header 'X-Total-Count')")
        for table in ("t", "u"):
            connection.execute(f"CREATE FOREIGN TABLE foreign_{table} ({names}) SERVER api OPTIONS (endpoint '/{table}')")
        copies(connection, COLUMNS, T_ROWS, U_ROWS)
        yield connection


def test_differential(tables: Connection) -> None:
    compare(tables, Queries(7, COLUMNS), QUERIES)


@pytest.mark.parametrize(("t", "u"), [("foreign", "local"), ("local", "foreign")])
def test_differential_across(tables: Connection, t: str, u: str) -> None:
    queries = Queries(8, COLUMNS)
    queries.makers = [queries.join_query, queries.keys_query]
    compare(tables, queries, QUERIES // 2, t, u)


def test_join_by_keys_counts_requests(tables: Connection, api: JsonServer) -> None:
    tables.execute("CREATE TABLE wanted AS SELECT n AS id FROM generate_series(1, 100) AS n; ANALYZE wanted")
    sql = "SELECT count(*) FROM wanted JOIN foreign_t USING (id)"
    plan = "\n".join(row[0] for row in tables.execute(f"EXPLAIN {sql}"))
    assert "Keys Join" in plan
    before = api.request_count()
    assert tables.execute(sql).fetchone() == (100,)
    assert api.request_count() - before == 2  # keys go by 50


def test_keys_of_a_subselect_count_requests(tables: Connection, api: JsonServer) -> None:
    """The same key twice is asked for once."""
    tables.execute("CREATE TABLE listed AS SELECT n % 80 AS id FROM generate_series(1, 200) AS n; ANALYZE listed")
    sql = "SELECT count(*), sum(id) FROM foreign_t WHERE id IN (SELECT id FROM listed)"
    assert "Keys Join" in "\n".join(row[0] for row in tables.execute(f"EXPLAIN {sql}"))
    before = api.request_count()
    assert tables.execute(sql).fetchone() == (80, sum(range(80)))
    assert api.request_count() - before == 2
