"""Tables of another PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_build import Connection, Database
from harness.postgres_queries import COLUMNS, PostgresQueries
from harness.random_queries import rows
from scratch_servers import PostgresServer, Scratch
from twin_queries import LARGE, SEED, TABLES, ask, no_difference, plan_of, program_of

LOCALE = "und-x-icu"
# What the hub compares by, and what the source's columns have. Of "same" the server says that it is the same; "types" has
# other types at the source, so that each value goes the way over its text.
KINDS = {"c": ("C", "loose"), "locale": (LOCALE, "C"), "plain": ("default", "default"), "same": ("default", "default"),
         "types": ("C", "default")}
OTHER_TYPES = {"id": "bigint", "i2": "text", "i4": "numeric", "i8": "numeric", "n": "numeric", "f8": "text", "b": "text", "s": "varchar",
               "v": "text", "d": "text", "ts": "timestamp(6)", "u": "text", "tz": "text", "iv": "text", "tm": "varchar", "c": "text",
               "j": "json", "a": "bigint[]", "ta": "varchar[]", "r": "text", "ip": "text", "by": "text", "f4": "numeric"}


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    return program_of(scratch, "postgres")


def columns_sql(collation: str, types: dict[str, str]) -> str:
    return ", ".join(f"{column.name} {types.get(column.name, column.type)}"
                     f"{f' COLLATE {collation}' if column.kind in ('text', 'bpchar') else ''}"
                     f"{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)


def make_table(connection: Connection, name: str, columns: str, seed: int, count: int) -> None:
    connection.execute(f"CREATE TABLE {name} ({columns})")
    with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for row in rows(seed, count, COLUMNS):
            copy.write_row(row)
    connection.execute(f"ANALYZE {name}")


@pytest.fixture(scope="module")
def source(scratch: Scratch) -> Iterator[PostgresServer]:
    server = PostgresServer(scratch)
    with psycopg.connect(server.url(), autocommit=True) as made:
        made.execute("CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        for word, (_, collation) in KINDS.items():
            made.execute(f"CREATE SCHEMA foreign_{word}")
            for name, seed, count in TABLES:
                columns = columns_sql(f'"{collation}"', OTHER_TYPES if word == "types" else {})
                make_table(made, f"foreign_{word}.{name}", columns, seed, count)
                made.execute("".join(f"CREATE INDEX ON foreign_{word}.{name} ({column});" for column in ("id", "i4", "s")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tables(database: Database, source: PostgresServer, program: Path) -> Iterator[Connection]:
    """Schemas foreign_c … and local_c …, with tables t and u."""
    with database.connect(prepare_threshold=None) as made:
        made.execute(f"SET instant.source_program = '{program}'")
        for server, more in (("other", ""), ("other_same", ", same_collation 'true'")):
            made.execute(f"CREATE SERVER {server} FOREIGN DATA WRAPPER instant_postgres OPTIONS (host '{source.host}',"
                         f" port '{source.port}', dbname 'postgres'{more})")
            made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS (user '{source.username}',"
                         f" password '{source.password}')")
        for word, (collation, _) in KINDS.items():
            if made.execute("SELECT FROM pg_collation WHERE collname = %s AND collencoding IN (-1, 6)", [collation]).fetchone() is None:
                collation = "default"
            made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
            for name, seed, count in TABLES:
                columns = columns_sql(f'"{collation}"', {})
                made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({columns}) SERVER {'other_same' if word == 'same' else 'other'}")
                make_table(made, f"local_{word}.{name}", columns, seed, count)
                made.execute(f"CREATE INDEX ON local_{word}.{name} (id)")
        yield made
        made.execute("DROP SERVER other, other_same CASCADE")


@pytest.mark.parametrize("word", KINDS)
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    queries = PostgresQueries(SEED + sum(map(ord, word)) + 1000 * (tables.info.server_version // 10000), COLUMNS)
    queries.ids = LARGE
    no_difference(tables, queries, word, lambda sql, t, u: sql.replace("{t}", t).replace("{u}", u))


@pytest.mark.parametrize("column", ["j", "a", "r", "iv", "c", "s", "i4"])
@pytest.mark.parametrize("word", ["c", "types"])
def test_keys_of_every_type(tables: Connection, word: str, column: str) -> None:
    """Joins with a table of the hub, by keys where the source can be asked for them."""
    with tables.transaction(force_rollback=True):
        for name in ("enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
            tables.execute(f"SET LOCAL {name} = off")
        sql = f"SELECT x.id, y.id FROM local_{word}.u x JOIN {{}}_{word}.u y ON x.{column} = y.{column} ORDER BY 1, 2"
        assert ask(tables, sql.format("foreign"), True) == ask(tables, sql.format("local"), True)
        assert column not in ("s", "i4") or "Keys Join" in plan_of(tables, sql.format("foreign"))


WHOLE = [
    "SELECT j -> 'a', a[1], s || v FROM foreign_c.t WHERE j @> '{\"a\": 1}' AND a && ARRAY[1] AND s ~ '^a' AND r @> 5 AND 3 = ANY (a)",
    "SELECT id FROM foreign_locale.t WHERE s = 'a' AND v LIKE 'a%' AND ts + iv > '2023-01-01' AND tz > now() AND n::text LIKE '1%'",
    "SELECT b, string_agg(s, ',' ORDER BY id), array_agg(DISTINCT i2 ORDER BY i2), stddev(n), mode() WITHIN GROUP (ORDER BY i4),"
    " count(*) FILTER (WHERE j ? 'a') FROM foreign_locale.t GROUP BY b HAVING max(id) > 3",
    "SELECT id, row_number() OVER (PARTITION BY b ORDER BY i4, id), sum(n) OVER (ORDER BY id ROWS 3 PRECEDING) FROM foreign_locale.t",
    "SELECT * FROM (SELECT id, rank() OVER (PARTITION BY b ORDER BY id) AS n FROM foreign_c.t) AS q WHERE n <= 3",
    "SELECT b, sum(count(*)) OVER (ORDER BY b) FROM foreign_c.t GROUP BY b",
    "SELECT x.id, z.s FROM foreign_c.t x JOIN foreign_c.u y ON x.s = y.s LEFT JOIN foreign_c.u z ON z.d = y.d WHERE NOT EXISTS"
    " (SELECT FROM foreign_c.u w WHERE w.id = x.i4)",
    "SELECT x.id FROM foreign_locale.t x FULL JOIN foreign_locale.u y ON x.s = y.s",
    "SELECT DISTINCT s, a FROM foreign_locale.t",
    "SELECT s FROM foreign_c.t ORDER BY s DESC NULLS LAST, jsonb_array_length(CASE jsonb_typeof(j) WHEN 'array' THEN j END) LIMIT 5 OFFSET 2",
    "SELECT lower(s), max(v) FROM foreign_same.t WHERE s ILIKE 'a%' AND v < 'm' GROUP BY 1 ORDER BY 1",
]


@pytest.mark.parametrize("sql", WHOLE)
def test_what_postgresql_can_do_it_does(tables: Connection, sql: str) -> None:
    plan = plan_of(tables, sql, "VERBOSE, COSTS OFF")
    assert plan.count("Scan") == 1 + plan.startswith("Subquery Scan") and "Foreign Scan" in plan and "Filter:" not in plan, plan


@pytest.mark.parametrize("sql", [
    "SELECT id FROM foreign_plain.t WHERE s < 'm'", "SELECT id FROM foreign_c.t WHERE lower(s) = 'a'",
    "SELECT id FROM foreign_plain.t WHERE s ILIKE 'a%'", "SELECT id FROM foreign_plain.t WHERE s ~ '\\w'",
    "SELECT id FROM foreign_c.t WHERE to_char(ts, 'YYYY') = '2023'", "SELECT id FROM foreign_c.t WHERE random() < 2"])
def test_what_may_differ_is_checked_here(tables: Connection, sql: str) -> None:
    assert "Filter:" in plan_of(tables, sql, "VERBOSE, COSTS OFF")


def test_functions_of_ones_own_stay_here(tables: Connection) -> None:
    tables.execute("CREATE FUNCTION pg_temp.twice(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2 * n; END'")
    assert "Filter:" in plan_of(tables, "SELECT id FROM foreign_c.t WHERE pg_temp.twice(id) = 4", "VERBOSE, COSTS OFF")
    assert tables.execute("SELECT id FROM foreign_c.t WHERE pg_temp.twice(id) = 4").fetchall() == [(2,)]


@pytest.fixture
def jobs(tables: Connection, source: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A session at the source of the foreign table jobs."""
    with psycopg.connect(source.url(), autocommit=True) as there:
        there.execute("CREATE TABLE public.jobs (id int PRIMARY KEY, state text); INSERT INTO public.jobs SELECT i, 'new' FROM generate_series(1, 9) i")
        tables.execute("CREATE FOREIGN TABLE public.jobs (id int OPTIONS (key 'true'), state text) SERVER other OPTIONS (schema_name 'public')")
        yield there
        tables.execute("DROP FOREIGN TABLE public.jobs")
        there.execute("DROP TABLE public.jobs")


def is_locked(there: psycopg.Connection[Any], number: int) -> bool:
    return there.execute("SELECT id FROM public.jobs WHERE id = %s FOR UPDATE SKIP LOCKED", [number]).fetchone() is None


def test_rows_are_locked_there(tables: Connection, jobs: psycopg.Connection[Any]) -> None:
    with tables.transaction():
        assert tables.execute("SELECT state FROM public.jobs WHERE id = 3 FOR UPDATE").fetchall() == [("new",)]
        assert is_locked(jobs, 3) and not is_locked(jobs, 4)
        tables.execute("UPDATE public.jobs SET state = 'done' WHERE id = 3")
        with pytest.raises(psycopg.errors.DivisionByZero), tables.transaction():
            tables.execute("SELECT FROM public.jobs WHERE id = 5 FOR NO KEY UPDATE")
            assert is_locked(jobs, 5)
            tables.execute("SELECT 1 / 0")
        assert not is_locked(jobs, 5) and is_locked(jobs, 3)
    assert not is_locked(jobs, 3)
    assert jobs.execute("SELECT state FROM public.jobs WHERE id = 3").fetchone() == ("done",)


def test_rows_that_others_have_locked(tables: Connection, jobs: psycopg.Connection[Any]) -> None:
    with jobs.transaction():
        jobs.execute("SELECT FROM public.jobs WHERE id <= 2 FOR UPDATE")
        sql = "SELECT id FROM public.jobs WHERE state = 'new' AND id < 5 ORDER BY id FOR UPDATE SKIP LOCKED"
        assert tables.execute(sql).fetchall() == [(3,), (4,)]
        assert "FOR UPDATE SKIP LOCKED" in plan_of(tables, sql, "VERBOSE, COSTS OFF")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            tables.execute("SELECT FROM public.jobs WHERE id = 1 FOR SHARE NOWAIT")


def test_the_first_query_of_a_session(tables: Connection, database: Database, program: Path) -> None:
    """The library is loaded while it is planned."""
    with database.connect(prepare_threshold=None) as made:
        made.execute(f"SET instant.source_program = '{program}'")
        plans = [plan_of(made, "SELECT id, rank() OVER (ORDER BY i4) FROM foreign_c.t", "VERBOSE, COSTS OFF") for _ in range(2)]
        assert all("Foreign Scan" in plan for plan in plans) and "OVER" in plans[1], plans
