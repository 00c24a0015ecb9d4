"""Thousands of random filters, two ways: through the connector, and as plain SQL on the source itself.

The table holds a column of every type (harness/typezoo.py) and NULLs in each. Both ways must find the same
rows in the same order. The cases come from seeds; a failure names its seed, its filter and its SQL.
"""
from __future__ import annotations

import datetime as dt
import decimal
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.typezoo import COLUMNS, ROWS, quoted
from psycopg.sql import Literal
from scratch_servers import PostgresServer

BLOCKS = 60
CASES_PER_BLOCK = 50

CONFIG = """
sources:
  zoo:
    extension: postgres_fdw
    server:
      name: zoo
      options: {host: ${FLIGHTS_PG_HOST}, port: "${FLIGHTS_PG_PORT}", dbname: flights}
    user_mapping:
      options: {user: "${FLIGHTS_PG_USER}", password: "${FLIGHTS_PG_PASSWORD}"}
    schema: zoo
    tables:
      - name: everything
        options: {schema_name: typezoo, table_name: everything}
"""

COMPARE = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
NO_EQUALITY = {"json", "xml"}
NO_ORDER = NO_EQUALITY
NO_TEXT = {"boolean", "smallint", "integer", "bigint", "oid", "real", "double precision", "numeric", "numeric(15,2)"}
TEXTS = {"text", "varchar(10)", "name"}
WILD = ["%", "_", "a%", "%b", "%'%", "50\\%", "\\_%", "%ö%", "_", "%a%", "日%", "", "%\\\\%", "A", "%e"]


def python_value(kind: str, text: str, choose: random.Random) -> Any:
    """What a Python programmer writes for this value; where text will do too, half of the time its text."""
    if choose.random() < 0.5 and kind not in NO_TEXT:
        return text
    if kind in ("smallint", "integer", "bigint", "oid"):
        return int(text)
    if kind in ("real", "double precision"):
        return float(text)
    if kind.startswith("numeric"):
        return decimal.Decimal(text)
    if kind == "boolean":
        return text == "true"
    if kind == "uuid":
        return uuid.UUID(text)
    if kind == "bytea":
        return bytes.fromhex(text.removeprefix("\\x"))
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind == "timestamp":
        return dt.datetime.fromisoformat(text)
    if kind == "timestamptz":
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.timezone(dt.timedelta(hours=choose.choice([-5, 0, 9]))))
    if kind == "time":
        return dt.time.fromisoformat(text)
    return text


@dataclass
class Case:
    filters: dict[str, Any]
    where: str


class Maker:
    """Random filters, as the connector takes them and as SQL of the source."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def literal(self, kind: str, text: str) -> str:
        # A real column is compared with 0.1 as PostgreSQL compares it with the constant: in double precision.
        return f"{Literal(text).as_string(None)}::{'double precision' if kind == 'real' else kind}"

    def value(self, kind: str, texts: list[str]) -> tuple[Any, str]:
        text = self.choose.choice(texts)
        return python_value(kind, text, self.choose), self.literal(kind, text)

    def operators(self, kind: str) -> list[str]:
        found = ["is_null", "is_not_null", "None"]
        if kind not in NO_EQUALITY:
            found += ["eq", "ne", "scalar", "in", "not_in", "list"] * 2
        if kind not in NO_ORDER:
            found += ["gt", "ge", "lt", "le", "between"] * 2
        if kind in TEXTS:
            found += ["like", "ilike"] * 3
        return found

    def condition(self, name: str) -> tuple[Any, str]:
        """The filter of one column, and the same as SQL."""
        kind, texts = COLUMNS[name]
        column = quoted(name)
        op = self.choose.choice(self.operators(kind))
        if op == "None":
            return None, f"{column} IS NULL"
        if op in ("is_null", "is_not_null"):
            return {op: True}, f"{column} IS {'NOT ' if op == 'is_not_null' else ''}NULL"
        if op in ("like", "ilike"):
            pattern = self.choose.choice(WILD)
            return {op: pattern}, f"{column} {op.upper()} {Literal(pattern).as_string(None)}"
        if op == "between":
            (low, low_sql), (high, high_sql) = self.value(kind, texts), self.value(kind, texts)
            return {op: [low, high]}, f"{column} BETWEEN {low_sql} AND {high_sql}"
        if op in ("in", "not_in", "list"):
            pairs = [self.value(kind, texts) for _ in range(self.choose.randint(0, 4))]
            values = [value for value, _ in pairs]
            items = ", ".join(sql for _, sql in pairs)
            if not pairs:
                sql = "true" if op == "not_in" else "false"
            else:
                sql = f"{column} {'NOT IN' if op == 'not_in' else 'IN'} ({items})"
            return (values if op == "list" else {op: values}), sql
        value, sql = self.value(kind, texts)
        if op == "scalar":
            return value, f"{column} = {sql}"
        return {op: value}, f"{column} {COMPARE[op]} {sql}"

    def case(self) -> Case:
        names = self.choose.sample(list(COLUMNS), self.choose.choice([1, 1, 1, 2, 3]))
        filters: dict[str, Any] = {}
        parts = []
        for name in names:
            filters[name], sql = self.condition(name)
            parts.append(f"({sql})")
        return Case(filters, " AND ".join(parts))


@pytest.fixture(scope="module")
def zoo(flights_sources: Any, hub_arguments: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from instant_connector import SyncInstantDataConnector

    path: Path = tmp_path_factory.mktemp("zoo") / "zoo.yaml"
    path.write_text(CONFIG)
    with SyncInstantDataConnector(config_path=str(path), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        yield made


@pytest.fixture(scope="module")
def source(postgres_source: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_source.url("flights"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_same_rows_as_the_source(zoo: Any, source: psycopg.Connection[Any], block: int) -> None:
    maker = Maker(block)
    found = 0
    for number in range(CASES_PER_BLOCK):
        case = maker.case()
        wanted = [row[0] for row in source.execute(
            f"SELECT id FROM typezoo.everything WHERE {case.where} ORDER BY id")]
        got = zoo.table("everything", filters=case.filters, columns=["id"], order_by="id").to_arrow()
        assert got.column("id").to_pylist() == wanted, \
            f"block {block}, case {number}: {case.filters!r} is not WHERE {case.where}"
        found += len(wanted)
    assert found > ROWS  # the filters of a block are no empty talk


@pytest.mark.parametrize("name", [name for name, (kind, _) in COLUMNS.items() if kind not in NO_ORDER])
def test_the_same_order_as_the_source(zoo: Any, source: psycopg.Connection[Any], name: str) -> None:
    choose = random.Random(name)
    for direction in ("", "-"):
        limit, offset = choose.randint(1, ROWS), choose.randint(0, ROWS // 2)
        wanted = [row[0] for row in source.execute(
            f"SELECT id FROM typezoo.everything ORDER BY {quoted(name)} {'DESC' if direction else ''}, id "
            f"LIMIT {limit} OFFSET {offset}")]
        got = zoo.table("everything", columns=["id"], order_by=[direction + name, "id"],
                        limit=limit, offset=offset).to_arrow()
        assert got.column("id").to_pylist() == wanted


@pytest.mark.parametrize("name", COLUMNS)
def test_the_same_values_as_the_source(zoo: Any, source: psycopg.Connection[Any], name: str) -> None:
    """What the hub received of a value prints as the source prints it; and its NULLs are the Arrow column's."""
    column = quoted(name)
    wanted = source.execute(
        f"SELECT {column}::text FROM typezoo.everything ORDER BY id").fetchall()
    result = zoo.query(f"SELECT {column} AS v, {column}::text AS t FROM zoo.everything ORDER BY id").to_arrow()
    assert [(text,) for text in result.column("t").to_pylist()] == wanted
    nulls = [value is None for value in result.column("v").to_pylist()]
    assert nulls == [text is None for (text,) in wanted]


EXACT = {
    "boolean", "smallint", "integer", "bigint", "double precision", "text", "varchar(10)", "name", "bytea",
    "date", "time", "timestamp", "timestamptz", "numeric(15,2)", "integer[]", "text[]"}


@pytest.mark.parametrize("name", [name for name, (kind, _) in COLUMNS.items() if kind in EXACT])
def test_the_same_values_as_another_driver(zoo: Any, source: psycopg.Connection[Any], name: str) -> None:
    """Arrow's values as Python sees them are those of psycopg, for the types that have one form in Python."""
    wanted = [row[0] for row in source.execute(
        f"SELECT {quoted(name)} FROM typezoo.everything ORDER BY id")]
    got = zoo.table("everything", columns=[name], order_by="id").to_arrow(numeric="decimal").column(0).to_pylist()
    assert repr_all(got) == repr_all(wanted)


def repr_all(values: list[Any]) -> list[str]:
    """NaN equals itself as text; moments are compared in UTC."""
    return [repr(value.astimezone(dt.UTC).replace(tzinfo=None)
                 if isinstance(value, dt.datetime) and value.tzinfo is not None else value) for value in values]
