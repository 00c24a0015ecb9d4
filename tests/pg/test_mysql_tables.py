"""Tables of MariaDB in PostgreSQL, beside local tables of the same rows: no query may tell them apart."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from extension_build import Connection, Database
from harness import mysql_rows as mysql
from harness.random_queries import WideQueries
from scratch_servers import MariaDBServer, OracleServer, Scratch
from twin_queries import LARGE, SEED, TABLES, ask, has_collation, no_difference, plan_of, program_of

SETUPS = {"c": '"C"', "icu": '"und-x-icu"', "default": '"default"'}


@pytest.fixture(scope="module")
def program(scratch: Scratch) -> Path:
    return program_of(scratch, "mysql")


@pytest.fixture(scope="session")
def maria(scratch: Scratch) -> Iterator[MariaDBServer]:
    # Room to sort and join large tables; nothing is taken before it is needed.
    made = MariaDBServer(scratch, {"innodb-buffer-pool-size": "1G", "sort-buffer-size": "32M", "join-buffer-size": "16M",
                                   "tmp-table-size": "256M", "max-heap-table-size": "256M", "max-allowed-packet": "64M"})
    made.sql("CREATE DATABASE differential CHARACTER SET utf8mb4")
    for name, seed, count in TABLES:
        made.sql(mysql.create(name), "differential")
        inserts = mysql.insert(name, mysql.table_rows(seed, count))
        while some := "\n".join(islice(inserts, 40)):
            made.sql("SET NAMES utf8mb4, SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES', time_zone = '+00:00', unique_checks = 0;\n" + some,
                     "differential")
        made.sql(f"ANALYZE TABLE {name}", "differential")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def tables(database: Database, maria: MariaDBServer, program: Path) -> Iterator[Connection]:
    with tables_of(maria, database, program, mysql.DECLARED) as made:
        yield made


@contextlib.contextmanager
def tables_of(server: MariaDBServer | OracleServer, database: Database, program: Path, there: dict[str, str]) -> Iterator[Connection]:
    """Schemas foreign_c, foreign_icu … and local ones of the same rows, with tables t and u."""
    with database.connect() as made:
        made.execute(f"SET instant.source_program = '{program}'")
        made.execute("SET timezone = 'UTC'")
        made.execute(f"CREATE SERVER far FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{server.host}', "
                     f"port '{server.port}', database 'differential')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user '{server.username}', "
                     f"password '{server.password}')")
        for word, collation in SETUPS.items():
            if has_collation(made, collation):
                make_tables(made, word, collation, there)
        yield made
        made.execute("DROP SERVER far CASCADE")


def make_tables(made: Connection, word: str, collation: str, there: dict[str, str]) -> None:
    """In foreign_c the columns say what they are in the server, as IMPORT FOREIGN SCHEMA has it; elsewhere they do not."""
    made.execute(f"CREATE SCHEMA foreign_{word}; CREATE SCHEMA local_{word}")
    for name, seed, count in TABLES:
        foreign, local = [], []
        for column in mysql.COLUMNS:
            options = ["zero_date 'text'"] if column.name == "dt" else []
            if word == "c":
                options += mysql.options(there[column.name])
            declared = (f'"{column.name}" {column.type}', f" COLLATE {collation}" if column.kind == "text" else "",
                        " NOT NULL" if column.not_null else "")
            local.append("".join(declared))
            foreign.append(declared[0] + (f" OPTIONS ({', '.join(options)})" if options else "") + "".join(declared[1:]))
        made.execute(f"CREATE FOREIGN TABLE foreign_{word}.{name} ({', '.join(foreign)}) SERVER far OPTIONS (\"table\" '{name}')")
        made.execute(f"CREATE TABLE local_{word}.{name} ({', '.join(local)})")
        if word == "c":
            with made.cursor() as cursor, cursor.copy(f"COPY local_c.{name} FROM STDIN") as copy:
                for row in mysql.table_rows(seed, count):
                    copy.write_row(mysql.read(row))
            made.execute(f"ANALYZE foreign_c.{name}")
        else:
            made.execute(f"INSERT INTO local_{word}.{name} SELECT * FROM local_c.{name}")
        made.execute(f"CREATE INDEX ON local_{word}.{name} (id); CREATE INDEX ON local_{word}.{name} (i4); ANALYZE local_{word}.{name}")


@pytest.mark.parametrize("word", SETUPS)
def test_the_rows_are_all_there(tables: Connection, word: str) -> None:
    if tables.execute("SELECT to_regnamespace(%s)", [f"foreign_{word}"]).fetchone() == (None,):
        pytest.skip("this server has no such collation")
    for name, _, count in TABLES:
        got, wanted = (ask(tables, f"SELECT * FROM {where}_{word}.{name} ORDER BY id", True) for where in ("foreign", "local"))
        assert got == wanted and len(got.rows or []) == count


@pytest.mark.parametrize("word", SETUPS)
def test_no_query_can_tell_them_apart(tables: Connection, word: str) -> None:
    if tables.execute("SELECT to_regnamespace(%s)", [f"foreign_{word}"]).fetchone() == (None,):
        pytest.skip("this server has no such collation")
    major = tables.info.server_version // 10000
    queries = WideQueries(SEED + list(SETUPS).index(word) + 1000 * major, mysql.queryable(mysql.COLUMNS))
    queries.ids = LARGE
    no_difference(tables, queries, word)


BEYOND = [
    *(f"{column} {operator} {value}"
      for column, values in {
          "d": ["'infinity'", "'-infinity'", "'10000-01-01'", "'0044-03-15 BC'", "'9999-12-31'", "'0001-01-01'"],
          "ts": ["'infinity'", "'-infinity'", "'12000-01-01'", "'0044-03-15 12:00 BC'"],
          "f8": ["'NaN'", "'Infinity'", "'-Infinity'", "1e-300", "0.1", "1e308"], "f4": ["'NaN'", "'Infinity'", "0.1::real", "0.1", "1e10"],
          "n": ["'NaN'", "1e100", "-1e100", "0.1000000000000000000000000000000000000001", "12345678901234567890.5"],
          "u8": ["'NaN'", "18446744073709551615", "18446744073709551616", "-1", "0.5"],
          "i8": ["9223372036854775807", "-9223372036854775808"], "i2": ["32767", "100000", "-100000", "2.5"],
      }.items() for value in values for operator in ("=", "<>", "<", ">=", "IS DISTINCT FROM")),
    "d IN ('infinity', '2020-01-01')", "d NOT IN ('infinity')", "f8 IN ('NaN', 0.5)", "n IN ('NaN', 1.5)", "ts NOT IN ('infinity', NULL)",
    "(d = 'infinity') IS NULL", "NOT (n < 'NaN')", "(f8 > 'NaN') IS NOT TRUE", "b = true", "b <> (i2 > 0)", "b > false", "bt IS TRUE",
    "t < '10:00'", "t = '24:00'", "t > '00:00:00.25'", "by > '\\x61'", "by = ''", "y = 70", "y < 2000", "y + 1 = 2001", "u4 - 5000000000 < 0",
    "u4 - 1001 > -1001", "coalesce(u4, 0) * -1 < -5", "greatest(u4, 0) - 500 < 0", "-u4 < -900", "-y < -2000", "coalesce(y, 0) - 3000 < 0",
    "CASE WHEN b THEN u4 ELSE i8 END = 5", "nullif(u4, 5) - 10 < 0", "u8 - 20 < 0", "-u8 < -5", "abs(u4) = 7", "i2 * i2 > 10", "i4 % 3 = -1", "i4 / 7 = -2", "-i2 > 3", "abs(i4) > 5", "i2 / i2 = 1 AND i2 <> 0",
    "v || s = 'aa'", "l || c = 'éé'", "l = s", "c = v", "e < s", "concat(l, 'x') = 'ax'", "coalesce(l, s) = 'abc'", "nullif(l, s) IS NULL",
    "CASE WHEN b THEN l ELSE s END = 'a'", "greatest(i2, i4) > 5", "least(d, '2020-01-01') < '2020-01-01'", "s LIKE '%\\%'", "s LIKE 'a|%'",
    "s LIKE E'a\\\\\\\\%'", "s LIKE NULL", "l LIKE 'É%'", "l LIKE '日%'", "l = '日本'", "l IN ('é', '日本')", "v LIKE '_'", "v LIKE '🙂'",
    "lower(s) = 'abc'", "upper(l) = 'É'", "s ILIKE 'AB_'", "s ILIKE 'K%'", "s ILIKE '%\\_%'", "length(l) = 1", "octet_length(l) = 2",
    "strpos(s, '') = 1", "strpos(s, 'é') = 1", "left(v, 0) = ''", "right(v, 1) = ' '", "substring(v, 2, 0) = ''", "replace(s, '', 'x') = s",
    "starts_with(s, '')", "md5(s) = md5('é')", "trim(s) = ''", "s = ''", "s <> ' '", "s > E'\\t'", "s BETWEEN 'A' AND 'Z'", "n + n > 10", "n * n = 4",
    "n % 2 = 1", "round(n, 1) = 0.5", "round(n) = 1", "floor(n) = -1", "ceil(n) = 0", "n2 * 2 > 1", "n2 = 0.5", "u8 + 1 > 5", "u8 * u8 > 100",
    "n::numeric(14,1) = 1.5", "i2::numeric / 2 > 1", "i4::text = '5'", "i4::bigint * 3000000000 > 1", "f8 + f8 = 1", "f8 - 0.5 = 0", "f8 * 2 = 1",
    "d::timestamp > '2020-01-01'", "ts::date = '2023-06-01'", "ts < '2023-06-01'::date", "tz > '2023-06-01 00:00+02'", "tz::date > '2023-06-01'",
    "g = '\\x010100000000000000000000000000000000000000'", "g > '\\x010100000000000000000000009a9999999999b93f'", "g IS NULL",
    "g IN (SELECT g FROM local_c.u)", "iv > '1 day'", "iv = '24:00'", "b8 = '11111111'", "ip4 = '10.0.1.1'", "ip6 < '::2'", "dt = '0000-00-00'",
    "extract(dow FROM d) = 0", "extract(week FROM d) = 1", "extract(second FROM ts) > 59.5", "extract(epoch FROM ts) > 1", "extract(hour FROM tz) = 1",
    "date_trunc('week', ts) = '2023-05-29'", "date_trunc('quarter', ts) = '2023-04-01'", "date_trunc('month', tz) = '2023-05-01'"]


@pytest.mark.parametrize("word", ["c", "default"])
def test_conditions_at_the_edges(tables: Connection, word: str) -> None:
    for condition in BEYOND:
        sql = f"SELECT id FROM {{}}_{word}.t WHERE {condition} ORDER BY id"
        assert ask(tables, sql.format("foreign"), True) == ask(tables, sql.format("local"), True), condition


@pytest.mark.parametrize("sql", [
    "SELECT id FROM foreign_c.t WHERE i4 / 7 = 2 AND s LIKE 'a%' AND d > '2020-01-01' AND v IN ('a', 'b') AND ts IS NULL AND NOT b",
    "SELECT l, count(*), sum(i8), avg(n), max(d) FROM foreign_icu.t WHERE b GROUP BY l HAVING count(*) > 1",
    "SELECT id FROM foreign_c.t WHERE f8 > 1 AND n * 2 > 3 ORDER BY v DESC NULLS LAST, id LIMIT 5 OFFSET 2",
    "SELECT x.id, y.s, z.d FROM foreign_c.t x JOIN foreign_c.u y ON x.i4 = y.i4 LEFT JOIN foreign_c.u z ON z.l = x.l WHERE y.i2 > 0",
    "SELECT count(*) FROM foreign_icu.t x WHERE NOT EXISTS (SELECT FROM foreign_icu.u y WHERE x.s = y.s AND y.tz > now() - interval '1 day')",
    "SELECT DISTINCT s, e FROM foreign_default.t", "SELECT count(DISTINCT s), bool_and(b) FILTER (WHERE i2 > 0) FROM foreign_default.t",
    "SELECT extract(year FROM ts), sum(CASE WHEN b THEN n ELSE 0 END) FROM foreign_c.t GROUP BY 1 ORDER BY 1"])
def test_what_mysql_can_do_it_does(tables: Connection, sql: str) -> None:
    if "icu" in sql and tables.execute("SELECT to_regnamespace('foreign_icu')").fetchone() == (None,):
        pytest.skip("this server has no such collation")
    plan = plan_of(tables, sql)
    assert plan.startswith("Foreign Scan") and "->" not in plan and "Filter:" not in plan, plan


@pytest.mark.parametrize("sql", [
    "SELECT id FROM foreign_c.t WHERE n / 3 = 5", "SELECT id FROM foreign_c.t WHERE lower(s) = 'a'", "SELECT id FROM foreign_icu.t WHERE s < 'm'",
    "SELECT id FROM foreign_c.t WHERE s ILIKE 'a%'", "SELECT id FROM foreign_default.t WHERE u = '00000000-0000-0000-0000-000000000001'",
    "SELECT id FROM foreign_c.t WHERE j = '1'", "SELECT id FROM foreign_c.t WHERE sqrt(f8) > 2"])
def test_what_means_something_else_in_mysql_is_checked_here(tables: Connection, sql: str) -> None:
    if "icu" in sql and tables.execute("SELECT to_regnamespace('foreign_icu')").fetchone() == (None,):
        pytest.skip("this server has no such collation")
    plan = plan_of(tables, sql)
    assert "Filter:" in plan, plan
