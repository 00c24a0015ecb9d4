"""Tables of two APIs beside local tables of the same rows: no query may tell them apart.

The exact API compares and orders as PostgreSQL does, and is trusted (param_exact, sort_exact); the loose one ignores case
and some of its parameters, and is not.
"""
from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from harness.api_http import Answer, Api, Request
from harness.random_queries import COLUMNS, Column, Queries, rows
from scratch_servers import PostgresServer

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

QUERIES = int(os.environ.get("INSTANT_RANDOM_QUERIES", "1500"))
TABLES = (("t", 1, 400), ("u", 2, 60))
READ: dict[str, Callable[[str], Any]] = {
    "int": int, "numeric": decimal.Decimal, "float": float, "text": str, "bool": lambda text: text == "true",
    "date": dt.date.fromisoformat, "timestamp": dt.datetime.fromisoformat, "uuid": uuid.UUID}
ENDS: dict[str, Callable[[Any, Any], bool]] = {
    "_gt": lambda a, b: a > b, "_ge": lambda a, b: a >= b, "_lt": lambda a, b: a < b, "_le": lambda a, b: a <= b}


def as_json(value: Any) -> str:
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dt.date):  # a datetime is one, too
        return f'"{value.isoformat()}"'
    return f'"{value}"' if isinstance(value, uuid.UUID) else json.dumps(value)


def fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


class TableApi:
    """Collections t and u; pages by number for t, by offset for u."""

    def __init__(self, api: Api, *, is_exact: bool) -> None:
        self.is_exact = is_exact
        self.prefix = "/exact" if is_exact else "/loose"
        self.narrowed = 0
        for name, seed, count in TABLES:
            made = [dict(zip([column.name for column in COLUMNS], row, strict=True)) for row in rows(seed, count, COLUMNS)]
            api.special[f"{self.prefix}/{name}"] = lambda request, made=made: self.answer(request, made)  # type: ignore[misc]

    def conditions(self, column: Column, request: Request) -> Iterator[Callable[[Any], bool]]:
        """What the request says of a column's values; NULL passes nothing."""
        read, same = READ[column.kind], (lambda one: one) if self.is_exact else fold
        wanted, prefix = request.one(column.name), request.one(f"{column.name}_like")
        if wanted is not None:
            value = same(read(wanted))
            yield lambda one: same(one) == value
        if f"{column.name}_in" in request.query and self.is_exact:  # the loose one does not know it
            values = {read(one) for one in request.query[f"{column.name}_in"]}
            yield lambda one: one in values
        if prefix is not None:
            yield lambda one: same(one).startswith(same(prefix))
        for end, compare in ENDS.items():
            if column.name + end in request.query:
                bound = read(request.query[column.name + end][0])
                yield lambda one, compare=compare, bound=bound: compare(one, bound)  # type: ignore[misc]

    def answer(self, request: Request, found: list[Row]) -> Answer:
        self.narrowed += len(request.query) > 2
        for column in COLUMNS:
            for passes in self.conditions(column, request):
                found = [row for row in found if row[column.name] is not None and passes(row[column.name])]
        for key in reversed((request.one("sort") or "").split(",") if request.one("sort") else []):
            name = key.lstrip("-")
            found = sorted(found, key=lambda row: (row[name] is None, 0 if row[name] is None else row[name]),
                           reverse=key[0] == "-")
        limit = int(request.one("limit", "37") or 37)
        begin = int(request.one("offset", "0") or 0) + (int(request.one("page", "1") or 1) - 1) * limit
        items = ",".join("{" + ",".join(f'"{name}": {as_json(value)}' for name, value in row.items()) + "}"
                         for row in found[begin:begin + limit])
        return Answer(raw=f'{{"total": {len(found)}, "rows": [{items}]}}'.encode())


def column_options(column: Column, is_exact: bool) -> str:
    options = {"param": column.name, "param_in": f"{column.name}_in", "in_style": "repeat", "in_batch": "3",
               "param_exact": str(is_exact).lower()}
    if column.kind != "bool":
        options |= {f"param{end}": column.name + end for end in ENDS}
    if column.kind == "text":
        options["param_like"] = f"{column.name}_like"
    return "OPTIONS (" + ", ".join(f"{name} '{value}'" for name, value in options.items()) + ")"


def collation(column: Column) -> str:
    return ' COLLATE "C"' if column.kind == "text" else ""


def table_options(name: str, prefix: str, is_exact: bool) -> str:
    options = {"endpoint": f"{prefix}/{name}", "rows": "/rows", "limit_param": "limit", "page_size": "37",
               "row_count": "400" if name == "t" else "60", "page_style": "page" if name == "t" else "offset"}
    if is_exact:
        options |= {"sort_param": "sort", "sort_exact": "true", "sort_nulls": "large", "total": "/total"}
    return "OPTIONS (" + ", ".join(f"{key} '{value}'" for key, value in options.items()) + ")"


@pytest.fixture(scope="module")
def twins(hub: PostgresServer) -> Iterator[tuple[Connection, dict[str, TableApi]]]:
    """Schemas exact and loose with foreign tables t and u, schema local with local ones."""
    database = f"rest_{secrets.token_hex(4)}"
    hub.sql(f"CREATE DATABASE {database}")
    with Api() as api, psycopg.connect(hub.url(database), autocommit=True, prepare_threshold=None) as made:
        made.execute(f"CREATE EXTENSION instant_fdw; CREATE SERVER api FOREIGN DATA WRAPPER instant_rest "
                     f"OPTIONS (base_url '{api.url}', allow_private 'true'); "
                     "CREATE USER MAPPING FOR CURRENT_USER SERVER api; CREATE SCHEMA local")
        apis = {"exact": TableApi(api, is_exact=True), "loose": TableApi(api, is_exact=False)}
        for schema, here in apis.items():
            is_exact = here.is_exact
            made.execute(f"CREATE SCHEMA {schema}")
            for name, _, _ in TABLES:
                columns = ", ".join(f"{c.name} {c.type} {column_options(c, is_exact)}"
                                    f"{collation(c)}{' NOT NULL' if c.not_null else ''}"
                                    for c in COLUMNS)
                made.execute(f"CREATE FOREIGN TABLE {schema}.{name} ({columns}) SERVER api "
                             + table_options(name, here.prefix, is_exact))
        for name, seed, count in TABLES:
            columns = ", ".join(f"{c.name} {c.type}{collation(c)}" for c in COLUMNS)
            made.execute(f"CREATE TABLE local.{name} ({columns})")
            with made.cursor() as cursor:
                cursor.executemany(f"INSERT INTO local.{name} VALUES ({', '.join(['%s'] * len(COLUMNS))})",
                                   list(rows(seed, count, COLUMNS)))
        yield made, apis


def ask(connection: Connection, sql: str, is_ordered: bool) -> tuple[list[tuple[Any, ...]] | None, str | None]:
    try:
        found = connection.execute(sql).fetchall()
    except psycopg.Error as error:
        assert error.sqlstate is not None, f"{sql}: {error}"
        return None, error.sqlstate
    return found if is_ordered else sorted(found, key=repr), None


@pytest.mark.parametrize("schema", ["exact", "loose"])
def test_no_query_can_tell_them_apart(twins: tuple[Connection, dict[str, TableApi]], schema: str) -> None:
    session, apis = twins
    what: Counter[str] = Counter()
    for query in Queries(20261130 if schema == "exact" else 20261201, COLUMNS).take(QUERIES):
        foreign = query.sql.format(t=f"{schema}.t", u=f"{schema}.u")
        wanted = ask(session, query.sql.format(t="local.t", u="local.u"), query.is_ordered)
        assert ask(session, foreign, query.is_ordered) == wanted, foreign
        what["error" if wanted[1] else "rows" if wanted[0] else "none"] += 1
    assert what["rows"] > QUERIES / 2, what
    assert apis[schema].narrowed > QUERIES / 4  # predicates were sent
