"""Writes to tables of MariaDB and PostgreSQL, beside a local table of the same rows: no statement may tell them apart."""
from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_build import Connection, Database, ExtensionBuild, build_folder
from scratch_servers import Scratch
from sql_sources import SOURCES, SqlSource

COLUMNS = "id integer, g integer, n bigint, d numeric(12,3), f double precision, s text COLLATE \"C\", v varchar(20) COLLATE \"C\", b boolean, t timestamp(6), y date"
THERE = {
    "mysql": {"id": "int PRIMARY KEY", "g": "int", "n": "bigint", "d": "decimal(12,3)", "f": "double", "s": "longtext collate utf8mb4_general_ci",
              "v": "varchar(20) character set latin1", "b": "tinyint(1)", "t": "datetime(6)", "y": "date"},
    "postgres": {"id": "int PRIMARY KEY", "g": "int", "n": "bigint", "d": "numeric(12,3)", "f": "float8", "s": "text", "v": "varchar(20)",
                 "b": "boolean", "t": "timestamp", "y": "date"},
}
ROWS = 300

# T is the table. What is the same on both sides, or fails on both.
STATEMENTS = [
    "INSERT INTO T (id, g, s) VALUES (1001, 1, 'x'), (1002, NULL, 'it''s \\ back'), (1003, 3, '')",
    "INSERT INTO T SELECT id + 2000, g, n, d, f, s, v, b, t, y FROM T WHERE id <= 40",
    "INSERT INTO T (id) VALUES (1)",
    "INSERT INTO T (id, g) VALUES (5000, 1), (2, 2) ON CONFLICT DO NOTHING",
    "INSERT INTO T (id, g) VALUES (5001, 1) RETURNING id, g, s",
    "UPDATE T SET g = 7",
    "UPDATE T SET g = g + 1 WHERE id < 50",
    "UPDATE T SET g = n WHERE id = 10",
    "UPDATE T SET n = g, g = 5 WHERE id BETWEEN 10 AND 20",
    "UPDATE T SET g = id, n = g WHERE id BETWEEN 10 AND 20",
    "UPDATE T SET s = v, v = 'moved' WHERE id % 3 = 0",
    "UPDATE T SET g = n, n = g WHERE id < 40",
    "UPDATE T SET s = left(v, 20), v = left(s, 20) WHERE id < 40",
    "UPDATE T SET n = id, g = n, id = id + 5000 WHERE id < 9",
    "UPDATE T SET g = 2147483647 WHERE id = 3; UPDATE T SET g = g + 1 WHERE id = 3",
    "UPDATE T SET n = n / 2, d = d * 2 WHERE n IS NOT NULL AND id < 100",
    "UPDATE T SET d = 0.1234 WHERE id = 5",
    "UPDATE T SET s = s || '!' WHERE s LIKE 'a%'",
    "UPDATE T SET s = upper(s) WHERE id < 30",
    "UPDATE T SET v = 'twenty characters bu' || 't more' WHERE id = 1",
    "UPDATE T SET s = NULL, b = NOT b, y = '2024-02-29', t = '2024-02-29 12:34:56.789' WHERE id IN (1, 5, 9, 999)",
    "UPDATE T SET f = f * 2, d = d + 1 WHERE f > 0",
    "UPDATE T SET s = 'äöü€', v = 'Größe' WHERE id = 4",
    "UPDATE T SET g = 1 WHERE s = 'ABC'",
    "UPDATE T SET g = 2 WHERE v = 'abc'",
    "UPDATE T SET g = CASE WHEN b THEN 1 ELSE 0 END",
    "UPDATE T SET id = id + 10000 WHERE id > 290",
    "UPDATE T SET id = 1 WHERE id = 2",
    "UPDATE T SET g = x.c FROM (SELECT id AS i, id * 2 AS c FROM here) x WHERE T.id = x.i",
    "UPDATE T SET g = g + 1, n = n + 1 WHERE id < 5 RETURNING id, g, n, s",
    "UPDATE T SET s = s WHERE id < 0",
    "DELETE FROM T WHERE id > 280",
    "DELETE FROM T WHERE s = 'ABC' OR v = 'Abc'",
    "DELETE FROM T WHERE g IS NULL AND id < 50",
    "DELETE FROM T WHERE id IN (SELECT id FROM here)",
    "DELETE FROM T USING here WHERE T.id = here.id + 5 RETURNING T.id, T.s, T.d",
    "DELETE FROM T WHERE id < 20 RETURNING id, s, t",
    "DELETE FROM T WHERE y < '2010-01-01' AND t IS NOT NULL",
    "DELETE FROM T",
    "WITH gone AS (DELETE FROM T WHERE id < 9 RETURNING id, g) UPDATE T SET g = gone.g FROM gone WHERE T.id = gone.id + 20",
    "BEGIN; UPDATE T SET g = 1 WHERE id < 9; SAVEPOINT a; DELETE FROM T WHERE id < 5; ROLLBACK TO a; UPDATE T SET n = 1 WHERE id = 2; COMMIT",
    "BEGIN; DELETE FROM T; ROLLBACK",
    "BEGIN; INSERT INTO T (id) VALUES (7001); UPDATE T SET g = (SELECT count(*) FROM T) WHERE id = 7001; COMMIT",
]


def random_statements(seed: int, count: int) -> list[str]:
    dice = random.Random(seed)
    values = {"g": ["g + 1", "5", "NULL", "g * 2", "id", "-g", "g % 7", "g / 3"], "n": ["n - 1", "g", "9223372036854775807", "n / 3", "abs(n)"],
              "d": ["1.5", "d + 1", "d * 3", "-d", "NULL"], "s": ["'abc'", "s || 'x'", "v", "lower(s)", "NULL", "'ABC '"],
              "v": ["'abc'", "'Straße'", "left(s, 3)", "NULL"], "b": ["true", "NOT b", "g > 3", "NULL"], "f": ["f + 0.5", "1e10", "f / 3"]}
    conditions = ["id < 30", "id % 7 = 2", "g > 5", "s = 'abc'", "s > 'b'", "v IN ('abc', 'Abc')", "b", "NOT b", "b IS NULL", "n / 2 = 3", "d > 0",
                  "s LIKE 'A%'", "length(s) = 3", "y >= '2015-01-01'", "g IS NULL", "(g < 3 OR n > 100)", "d = n"]
    made = []
    for _ in range(count):
        where = " AND ".join(dice.sample(conditions, dice.randint(1, 2)))
        if dice.random() < 0.25:
            made.append(f"DELETE FROM T WHERE {where}")
        else:
            sets = ", ".join(f"{name} = {dice.choice(values[name])}" for name in dice.sample(sorted(values), dice.randint(1, 3)))
            made.append(f"UPDATE T SET {sets} WHERE {where}")
    return made


def rows() -> list[tuple[Any, ...]]:
    dice = random.Random(7)
    texts = ["abc", "ABC", "Abc", "abc ", "", "a", "b", "zebra", "Äpfel", None, "it's", "50%"]
    return [(i, dice.choice([None, *range(10)]), dice.choice([None, dice.randint(-200, 200)]), dice.choice([None, dice.randint(-9999, 9999) / 8]),
             dice.choice([None, dice.randint(-50, 50) / 4]), dice.choice(texts), dice.choice(texts), dice.choice([None, True, False]),
             dice.choice([None, f"20{dice.randint(10, 30)}-0{dice.randint(1, 9)}-11 10:20:30.{dice.randint(0, 999999):06}"]),
             dice.choice([None, f"20{dice.randint(10, 30)}-1{dice.randint(0, 2)}-09"])) for i in range(1, ROWS + 1)]


@pytest.fixture(scope="module", params=sorted(SOURCES))
def tables(scratch: Scratch, extension: ExtensionBuild, database: Database, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A local table `local`, and `away` at the source, with a function to fill both anew: `there` is known with its types,
    `bare` without."""
    program = Path(shutil.copy(build_folder() / "instant-source", scratch.path / f"instant-source-of-writes-{extension.major}-{request.param}"))
    source: SqlSource = SOURCES[request.param](scratch)
    source.sql("CREATE TABLE w (" + ", ".join(f"{name} {kind}" for name, kind in THERE[request.param].items()) + ")")
    with database.connect(prepare_threshold=None) as made:
        made.execute(f"SET instant.source_program = '{program}'")
        source.add_to(made, "s")
        for name in ("typed", "bare"):
            columns = []
            for column in COLUMNS.split(", "):
                word = column.split()[0]
                options = (["key 'true'"] if word == "id" else [])
                if name == "typed" and request.param == "mysql":
                    kind = THERE["mysql"][word].split(" collate")[0].split(" char")[0].removesuffix(" PRIMARY KEY")
                    options.append(f"remote_type '{kind}'")
                collation = " COLLATE \"C\"" if "COLLATE" in column else ""
                base = column.replace(collation, "")
                columns.append(f"{base}{' OPTIONS (' + ', '.join(options) + ')' if options else ''}{collation}")
            made.execute(f"CREATE FOREIGN TABLE s.{name} ({', '.join(columns)}) SERVER s OPTIONS ({source.table_options('w')})")
        made.execute(f"CREATE TABLE local ({COLUMNS}, PRIMARY KEY (id))")
        made.execute("CREATE TABLE here AS SELECT i AS id FROM generate_series(11, 15) i")
        made.execute(f"CREATE TABLE original ({COLUMNS})")
        with made.cursor() as cursor:
            cursor.executemany(f"INSERT INTO original VALUES ({', '.join(['%s'] * 10)})", rows())
        yield made
        made.execute("DROP SERVER s CASCADE; DROP SCHEMA s; DROP TABLE local, here, original")
    source.server.stop()


def outcome(connection: Connection, sql: str) -> tuple[str, list[Any]]:
    """What the statements say, and what comes back; of a failure only the kind."""
    done: tuple[str, list[Any]] = "", []
    try:
        for statement in sql.split("; "):
            cursor = connection.execute(statement)
            back = sorted(cursor.fetchall(), key=repr) if cursor.description else []
            done = f"{cursor.statusmessage}", back
    except psycopg.Error as failed:
        done = f"error {str(failed.sqlstate)[:2]}", []
        connection.execute("ROLLBACK")
    return done


def fill(connection: Connection, table: str) -> None:
    connection.execute(f"DELETE FROM {table}")
    connection.execute(f"INSERT INTO {table} SELECT * FROM original")


def check(connection: Connection, name: str, statements: list[str]) -> int:
    """How many were one statement of the source."""
    direct = 0
    for sql in statements:
        got = []
        for table in ("local", f"s.{name}"):
            fill(connection, table)
            said = outcome(connection, sql.replace("T.", f"{table.split('.')[-1]}.").replace("UPDATE T ", f"UPDATE {table} ")
                           .replace("INTO T ", f"INTO {table} ").replace("FROM T", f"FROM {table}"))
            kept = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            got.append((said, kept))
        assert got[0][0] == got[1][0], f"{sql}: {got[0][0]} here, {got[1][0]} there"
        assert got[0][1] == got[1][1], f"{sql}: other rows: {sorted(set(got[0][1]) ^ set(got[1][1]), key=repr)[:4]}"
        if sql.startswith(("UPDATE", "DELETE")) and ";" not in sql and not got[0][0][0].startswith("error"):
            plan = connection.execute("EXPLAIN (VERBOSE, COSTS off) " + sql.replace("T.", f"{name}.").replace("UPDATE T ", f"UPDATE s.{name} ")
                                      .replace("FROM T", f"FROM s.{name}")).fetchall()
            direct += any("Foreign Update" in line or "Foreign Delete" in line for (line,) in plan)
    return direct


@pytest.mark.parametrize("name", ["typed", "bare"])
def test_writes_are_those_of_a_local_table(tables: Connection, name: str) -> None:
    direct = check(tables, name, STATEMENTS)
    assert direct >= 8, direct


@pytest.mark.parametrize("name", ["typed", "bare"])
def test_random_writes_are_those_of_a_local_table(tables: Connection, name: str) -> None:
    direct = check(tables, name, random_statements(1, 60))
    assert direct >= 15, direct


def test_explain_shows_the_statement(tables: Connection) -> None:
    def explained(sql: str) -> str:
        plan = "\n".join(line for (line,) in tables.execute(f"EXPLAIN (VERBOSE, COSTS off) {sql}").fetchall())
        return next(line.split(": ", 1)[1] for line in plan.splitlines() if "Remote write" in line)

    mysql = tables.execute("SELECT fdwname FROM pg_foreign_server JOIN pg_foreign_data_wrapper w ON srvfdw = w.oid WHERE srvname = 's'").fetchone() == ("instant_mysql",)
    shown = [explained(sql) for sql in ("INSERT INTO s.typed (id, g) VALUES (1, 2)", "DELETE FROM s.typed WHERE g = 3",
                                        "UPDATE s.typed SET g = g + 1, n = 5 WHERE id < 7", "DELETE FROM s.typed USING here WHERE typed.id = here.id")]
    assert shown[0].startswith("INSERT INTO ") and "VALUES" in shown[0]
    assert "DELETE" in shown[1] and "3" in shown[1] and "SET" in shown[2] and "7" in shown[2]
    if mysql:
        assert shown[1].startswith("DELETE t1 FROM `w` AS t1 WHERE ") and shown[2].startswith("UPDATE `w` AS t1 SET t1.`g` = ")
        assert shown[3] == "DELETE FROM `w` WHERE `id` = ?"
