"""The comparison of foreign tables with local ones sees one wrong value, and tests as much as it is told to."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from extension_build import Connection
from harness.differential import columns_sql
from harness.random_queries import COLUMNS, WideQueries, rows
from twin_queries import no_difference

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture
def twins(connection: Connection) -> Iterator[Connection]:
    for word in ("foreign_x", "local_x"):
        connection.execute(f"CREATE SCHEMA {word}")
        for name, seed, count in (("t", 1, 400), ("u", 2, 60)):
            connection.execute(f"CREATE TABLE {word}.{name} ({columns_sql(COLUMNS)})")
            with connection.cursor() as cursor, cursor.copy(f"COPY {word}.{name} FROM STDIN") as copy:
                for row in rows(seed, count, COLUMNS):
                    copy.write_row(row)
    yield connection
    connection.execute("DROP SCHEMA foreign_x, local_x CASCADE")


def test_the_same_is_the_same(twins: Connection) -> None:
    no_difference(twins, WideQueries(1, COLUMNS), "x")


@pytest.mark.parametrize("change", ["SET s = s || ' ' WHERE id = 7", "SET n = NULL WHERE id = (SELECT min(id) FROM foreign_x.t WHERE n IS NOT NULL)",
                                    "SET i4 = i4 + 1 WHERE id = (SELECT min(id) FROM foreign_x.t WHERE i4 BETWEEN -50 AND 50)"])
def test_one_other_value_is_a_difference(twins: Connection, change: str) -> None:
    assert twins.execute(f"UPDATE foreign_x.t {change}").rowcount == 1
    with pytest.raises(AssertionError, match=r"differences, seed 1:(.|\n)*too many: .*, missing: "):
        no_difference(twins, WideQueries(1, COLUMNS), "x")


def test_the_environment_says_how_much() -> None:
    given = {"INSTANT_RANDOM_QUERIES": "7", "INSTANT_RANDOM_ROWS": "5000", "INSTANT_RANDOM_SEED": "3"}
    folders = os.pathsep.join(str(folder) for folder in (TESTS, TESTS / "pg"))
    said = subprocess.run([sys.executable, "-c", "import conftest, twin_queries as t; print(t.QUERIES, t.TABLES[0][2], t.LARGE, t.SEED)"],
                          env={**os.environ, **given, "PYTHONPATH": folders}, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["7", "5000", "5000", "3"]
