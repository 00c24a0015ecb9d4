"""Columns that are declared otherwise than in the server, numbers of every size, and texts of every length."""
from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import pytest
from adapters.mysql.conftest import TlsServer
from harness.hub import Hub, Session, failure


@pytest.fixture(scope="module")
def tables(site: Hub, maria: TlsServer, database: str) -> Iterator[Session]:
    rng = random.Random(5)
    numbers = []
    for group in range(600):
        size = rng.randint(-10, 14)
        for _ in range(rng.choice([1, 2, 3, 7, 30])):
            digits = Decimal(rng.randint(-10**6, 10**6)) * Decimal(10) ** (size - 6)
            numbers.append(f"({group}, {digits:.10f}, {rng.randint(-10**9, 10**9)}, {rng.choice(['0', '1', 'NULL'])})")
    maria.sql(
        "CREATE TABLE numbers (g int, n decimal(25,10), i int, b tinyint(1));"
        + "".join(f"INSERT INTO numbers VALUES {', '.join(numbers[at:at + 500])};" for at in range(0, len(numbers), 500))
        + """CREATE TABLE mixed (id int PRIMARY KEY, i int, d double, v varchar(20), day date, n decimal(10,3), c char(5), l longtext, z int(6) zerofill);
             INSERT INTO mixed VALUES (1, 5, 1.5, '5', '2020-01-01', 1.005, 'ab', concat(repeat('x', 3000), 'b'), 42),
                 (2, -5, 1e300, 'x', '2020-01-02', -2.5, 'ab ', concat(repeat('x', 3000), 'a'), 7),
                 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 100000, 0.1, '100000', '1999-12-31', 0, '', concat(repeat('x', 3000), 'b'), 0);
             CREATE TABLE odd (id int PRIMARY KEY, t tinyint(1), s varchar(5)); INSERT INTO odd VALUES (1, 0, '1'), (2, 1, 'x'), (3, 7, '3');""",
        database)
    with site.connect(options="-c search_path=declared") as made:
        made.execute("CREATE SCHEMA declared")
        made.execute(f"CREATE SERVER declared FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{maria.host}', port '{maria.port}', "
                     f"database '{database}')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER declared OPTIONS (user '{maria.username}', password '{maria.password}')")
        made.execute("CREATE FOREIGN TABLE numbers (g int, n numeric(25,10), i int, b boolean) SERVER declared;"
                     "CREATE TABLE same AS SELECT * FROM numbers")
        yield made
        made.execute("DROP SCHEMA declared CASCADE; DROP SERVER declared CASCADE")


@pytest.mark.parametrize("aggregates", [
    "avg(n)", "avg(i)", "sum(n), sum(i)", "avg(n * n), avg(1 - n)", "avg(CASE WHEN b THEN n ELSE 0 END)", "avg(coalesce(n, 1.5))",
    "sum(CASE WHEN b THEN n WHEN i > 0 THEN 1.5 ELSE 0 END)", "sum(n) FILTER (WHERE b), avg(i) FILTER (WHERE NOT b)",
    "avg(DISTINCT i), sum(DISTINCT n)", "avg(round(n, 2)), sum(floor(n)), sum(ceil(n)), sum(abs(n)), sum(round(n, 9) % 7)",
    "avg(round(n)), max(n + 1), min(-n), sum(sign(n))", "avg(i::numeric * 3), sum(i::bigint)"])
def test_aggregates_have_the_digits_of_postgresql(tables: Session, aggregates: str) -> None:
    def groups(table: str) -> list[str]:
        return [row[0] for row in tables.execute(f"SELECT q::text FROM (SELECT g, {aggregates} FROM {table} GROUP BY g) AS q ORDER BY g")]

    plan = "\n".join(row[0] for row in tables.execute(f"EXPLAIN (VERBOSE, COSTS OFF) SELECT g, {aggregates} FROM numbers GROUP BY g"))
    assert plan.startswith("Foreign Scan"), plan
    assert groups("numbers") == groups("same")


def test_a_remainder_of_many_digits_is_taken_here(tables: Session) -> None:
    """MySQL 5.6 says that 0.0000000001 % 7 is 0.1."""
    plan = "\n".join(row[0] for row in tables.execute("EXPLAIN (COSTS OFF) SELECT sum(n % 7) FROM numbers"))
    assert "Aggregate" in plan and "Foreign Scan" in plan, plan


def test_no_error_of_a_row_that_is_not_joined(tables: Session, maria: TlsServer, database: str) -> None:
    """Of columns that are equal MySQL takes one for the other, so it would divide by what is zero for a row of the other table."""
    maria.sql("CREATE TABLE loose (id int PRIMARY KEY, k int); INSERT INTO loose VALUES (1, -1), (2, 4), (3, 6), (4, NULL), (5, 2000000);"
              "CREATE TABLE keyed (id int PRIMARY KEY); INSERT INTO keyed VALUES (4), (6), (7), (8), (9), (10), (11), (12)", database)
    tables.execute("CREATE FOREIGN TABLE loose (id int, k int) SERVER declared; CREATE FOREIGN TABLE keyed (id int) SERVER declared")
    for condition in ("y.id % (y.id % 5 + 1) >= 0", "y.id * 2000 > 0", "abs(y.id + 1) > 0"):
        sql = f"SELECT x.id, y.id FROM loose x JOIN keyed y ON x.k = y.id AND {condition} ORDER BY 1"
        plan = "\n".join(row[0] for row in tables.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))
        assert plan.startswith("Foreign Scan") and "->" not in plan, plan
        assert tables.execute(sql).fetchall() == [(2, 4), (3, 6)], condition
    plan = "\n".join(row[0] for row in tables.execute("EXPLAIN (VERBOSE, COSTS OFF) SELECT FROM loose x JOIN keyed y ON x.k = y.id"))
    assert "<=>" not in plan


def test_no_error_of_a_row_that_is_sorted_and_not_joined(tables: Session, maria: TlsServer, database: str) -> None:
    """Keys of one table: MariaDB sorts its rows first, and joins them then."""
    maria.sql("CREATE TABLE many (id int PRIMARY KEY, k int, KEY (k)); INSERT INTO many SELECT seq, seq % 50 + 1 FROM seq_1_to_10000;"
              "CREATE TABLE few (id int PRIMARY KEY, m int); INSERT INTO few SELECT seq, seq FROM seq_0_to_100; ANALYZE TABLE many, few", database)
    tables.execute("CREATE FOREIGN TABLE many (id int, k int) SERVER declared; CREATE FOREIGN TABLE few (id int, m int) SERVER declared")
    joined = "many a JOIN few b ON a.k = b.m"
    for sql in (f"SELECT 100 % b.id FROM {joined} ORDER BY 100 % b.id LIMIT 3",
                f"SELECT q.r FROM (SELECT 100 % b.id AS r FROM {joined} OFFSET 0) q ORDER BY q.r LIMIT 3",
                f"SELECT r FROM (SELECT 100 % b.id, count(DISTINCT a.id) FROM {joined} GROUP BY 1) AS q (r, n) WHERE n > 1500",
                f"SELECT DISTINCT 100 % b.id FROM {joined} ORDER BY 1 LIMIT 1"):
        assert set(tables.execute(sql).fetchall()) == {(0,)}, sql
    for sql in (f"SELECT b.id % 7, count(DISTINCT a.id) FROM {joined} GROUP BY 1 ORDER BY 1", f"SELECT b.id FROM {joined} ORDER BY b.id % 7 LIMIT 3",
                f"SELECT b.id, count(*) FROM {joined} GROUP BY 1 ORDER BY b.id + 1 LIMIT 3"):
        plan = "\n".join(row[0] for row in tables.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))
        assert plan.startswith("Foreign Scan"), plan
    tables.execute("CREATE FOREIGN TABLE sorted (id int, v varchar(20) COLLATE \"C\") SERVER declared OPTIONS (\"table\" 'mixed'); SET enable_sort = off")
    for key, is_there in (("s.v", True), ("s.id", True), ("100 % s.id", False)):
        sql = f"SELECT FROM sorted s JOIN generate_series(1, 3) n ON s.id < n ORDER BY {key}"
        assert ("ORDER BY" in "".join(row[0] for row in tables.execute(f"EXPLAIN (VERBOSE) {sql}"))) == is_there, key
    tables.execute("RESET enable_sort")


def make(tables: Session, columns: str, **options: str) -> str:
    given = ", ".join(f"\"{name}\" '{value}'" for name, value in {"table": "mixed", **options}.items())
    tables.execute(f"DROP FOREIGN TABLE IF EXISTS declared; CREATE FOREIGN TABLE declared ({columns}) SERVER declared OPTIONS ({given})")
    return "declared"


def found(tables: Session, condition: str) -> list[int]:
    return [row[0] for row in tables.execute(f"SELECT id FROM declared WHERE {condition} ORDER BY id")]


def test_numbers_that_are_texts_here(tables: Session) -> None:
    make(tables, "id int, i text, n text")
    assert found(tables, "i = '5'") == [1] and found(tables, "i > '5'") == [] and found(tables, "length(i) = 2") == [2]
    assert found(tables, "n = '1.005'") == [1]
    make(tables, "id int, z text, day text, d text", table="mixed")
    assert found(tables, "day = '2020-01-01'") == [1] and found(tables, "z = '7'") == [2] and found(tables, "length(z) = 2") == [1]
    assert failure(tables, "SELECT id FROM declared WHERE d = '1.5'").sqlstate == "HV004"
    make(tables, "id int, z int")
    assert found(tables, "z::text = '42'") == [1] and found(tables, "z = 42") == [1]


def test_numbers_of_another_kind(tables: Session) -> None:
    make(tables, "id int, i numeric(12,2), n numeric(10,1)")
    assert tables.execute("SELECT i, n FROM declared WHERE id = 1").fetchone() == (Decimal("5.00"), Decimal("1.0"))
    assert found(tables, "i = 5") == [1] and found(tables, "n = 1.0") == [1] and found(tables, "n = 1.005") == []
    assert tables.execute("SELECT sum(i), avg(n) FROM declared WHERE id < 3").fetchone() == (Decimal("0.00"), Decimal("-0.75000000000000000000"))
    make(tables, "id int, i double precision, n double precision")
    assert found(tables, "i = 5e0") == [1] and found(tables, "n > 1") == [1]


def test_what_has_no_meaning_is_an_error(tables: Session) -> None:
    make(tables, "id int, v int, d numeric")
    for condition in ("v = 5", "d > 1"):
        error = failure(tables, f"SELECT id FROM declared WHERE {condition}")
        assert error.sqlstate == "HV004" and "declare it as IMPORT FOREIGN SCHEMA does" in str(error)
    make(tables, "id int, v text, day text")
    assert found(tables, "v = '5'") == [1]


def test_characters_with_blanks(tables: Session) -> None:
    make(tables, "id int, c character(5), v character(20)")
    assert found(tables, "c = 'ab'") == [1, 2] and found(tables, "c = 'ab   '::character(5)") == [1, 2]
    assert found(tables, "length(c) = 2") == [1, 2] and found(tables, "c IN ('', 'x')") == [4]
    assert found(tables, "c < 'b' COLLATE \"C\"") == [1, 2, 4]
    assert sorted(tables.execute("SELECT c, count(*) FROM declared GROUP BY c"), key=repr) == [("     ", 1), ("ab   ", 2), (None, 1)]
    assert found(tables, "c::text = 'ab'") == [1, 2]


def test_long_texts_are_told_apart(tables: Session) -> None:
    """MySQL sorts, and so finds groups, by the first 1024 bytes of a text."""
    make(tables, "id int, l text COLLATE \"C\"")
    assert sorted(row[0] for row in tables.execute("SELECT count(*) FROM declared GROUP BY l")) == [1, 1, 2]
    assert sorted(row[0] for row in tables.execute("SELECT count(DISTINCT id) FROM declared GROUP BY l")) == [1, 1, 2]
    assert tables.execute("SELECT count(*) FROM (SELECT DISTINCT l FROM declared) q").fetchone() == (3,)
    assert tables.execute("SELECT count(DISTINCT l), right(max(l), 1), right(min(l), 1) FROM declared").fetchone() == (2, "b", "a")
    assert [row[0] for row in tables.execute("SELECT id FROM declared ORDER BY l, id")] == [2, 1, 4, 3]
    assert [row[0] for row in tables.execute("SELECT id FROM declared ORDER BY l DESC, id LIMIT 2")] == [3, 1]


def test_a_group_of_nulls_is_not_that_of_the_number_before(tables: Session) -> None:
    """MariaDB: SELECT n, sum(DISTINCT i) … GROUP BY n ORDER BY n DESC has no row for NULL."""
    sql = "SELECT {key}, sum(DISTINCT i), count(*) FROM {table} GROUP BY 1 ORDER BY 1 DESC NULLS LAST"
    for key in ("CASE WHEN b THEN round(n, 0) END", "nullif(round(n, 0), 0)", "i::numeric"):
        found = [tables.execute(sql.format(key=key, table=table)).fetchall() for table in ("numbers", "same")]
        assert found[0] == found[1], key


def test_what_becomes_null_here_is_null_everywhere(tables: Session) -> None:
    make(tables, "id int, t boolean, s int", table="odd", on_error="null")
    assert tables.execute("SELECT id, t, s FROM declared ORDER BY id").fetchall() == [(1, False, 1), (2, True, None), (3, None, 3)]
    assert found(tables, "t IS NULL") == [3] and found(tables, "s IS NOT NULL") == [1, 3] and found(tables, "t") == [2]
    assert tables.execute("SELECT count(t), count(s), max(s) FROM declared").fetchone() == (2, 2, 3)


def test_a_table_altered_after_the_plan(tables: Session, maria: TlsServer, database: str) -> None:
    """The plan is kept; the columns are looked at when the scan begins."""
    maria.sql("CREATE TABLE changing (id int, x varchar(10)); INSERT INTO changing VALUES (1, 'a'), (2, 'A')", database)
    make(tables, "id int, x text", table="changing")
    tables.execute("PREPARE kept AS SELECT id FROM declared WHERE x = 'a' ORDER BY id")
    assert tables.execute("EXECUTE kept").fetchall() == [(1,)]
    for change, right in (("MODIFY x varchar(10) CHARACTER SET latin1", [(1,)]), ("MODIFY x varbinary(10)", [(1,)]),
                          ("MODIFY x enum('a','A') COLLATE utf8mb4_bin", [(1,)]), ("MODIFY x text COLLATE utf8mb4_unicode_ci", [(1,)])):
        maria.sql(f"ALTER TABLE changing {change}", database)
        assert tables.execute("EXECUTE kept").fetchall() == right, change
    maria.sql("ALTER TABLE changing DROP COLUMN x", database)
    assert failure(tables, "EXECUTE kept").sqlstate == "42703"
