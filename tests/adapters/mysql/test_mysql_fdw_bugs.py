"""What mysql_fdw (2.8 and 2.9) gets wrong, and the adapter mysql does not: a test for each.

Each was seen with mysql_fdw on MariaDB 10.11; here the right answer is the one of a local table of the same rows.
"""
from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from adapters.mysql.conftest import TlsServer
from harness.hub import Hub, Session, failure, sources, wait_until

TEXTS = 60_000
SETUP = """
CREATE TABLE words (id int PRIMARY KEY, t varchar(20) COLLATE utf8mb4_general_ci, n int, day date, made datetime,
                    big bigint unsigned, KEY (t), KEY (made));
INSERT INTO words VALUES (1, 'abc', 7, '2020-01-01', '2020-01-01', 18446744073709551615), (2, 'ABC', 6, '0000-00-00', NULL, 5),
    (3, 'abc ', -7, '2020-05-00', '2020-02-01', 9223372036854775808), (4, 'äbc', 8, '2021-01-01', utc_timestamp(), 0),
    (5, NULL, NULL, NULL, '2030-01-01', NULL), (6, '日本', 5, '0001-01-01', '2030-01-01', 1);
CREATE TABLE texts (id int PRIMARY KEY, body text);
INSERT INTO texts SELECT seq, repeat(chr(97 + seq % 26), 2000) FROM seq_1_to_{texts};
CREATE TABLE victims (id int PRIMARY KEY, n int);
INSERT INTO victims SELECT seq, seq % 10 FROM seq_1_to_1000;
CREATE VIEW slow AS SELECT id, sleep(20) AS s FROM words;
"""
TABLES = """
CREATE FOREIGN TABLE words (id int, t text COLLATE "C", n int, day date, made timestamp, big numeric) SERVER maria;
CREATE FOREIGN TABLE texts (id int, body text) SERVER maria;
CREATE FOREIGN TABLE victims (id int OPTIONS (key 'true'), n int) SERVER maria;
CREATE FOREIGN TABLE slow (id int, s int) SERVER maria;
"""


@pytest.fixture(scope="module")
def tables(site: Hub, maria: TlsServer, database: str) -> Iterator[Session]:
    maria.sql("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', NAMES utf8mb4;" + SETUP.format(texts=TEXTS), database)
    with site.connect(options="-c search_path=bugs") as made:
        made.execute("CREATE SCHEMA bugs")
        made.execute(f"CREATE SERVER maria FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{maria.host}', port '{maria.port}', "
                     f"database '{database}')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER maria OPTIONS (user '{maria.username}', password '{maria.password}')")
        made.execute(TABLES)
        made.execute("SET timezone = 'UTC'")
        yield made
        made.execute("DROP SCHEMA bugs CASCADE; DROP SERVER maria CASCADE")


def ids(tables: Session, condition: str) -> list[int]:
    return [row[0] for row in tables.execute(f"SELECT id FROM words WHERE {condition} ORDER BY id")]


def plan(tables: Session, sql: str) -> str:
    return "\n".join(row[0] for row in tables.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))


def status(maria: TlsServer, name: str) -> int:
    return int(maria.sql(f"SHOW GLOBAL STATUS LIKE '{name}'").split("\t")[1])


def test_a_text_is_equal_to_itself_only(tables: Session) -> None:
    assert ids(tables, "t = 'abc'") == [1]
    assert ids(tables, "t IN ('abc', 'ABC')") == [1, 2]
    assert ids(tables, "t <> 'abc'") == [2, 3, 4, 6]
    assert ids(tables, "t LIKE 'ab%'") == [1, 3]
    assert ids(tables, "t < 'abc'") == [2]
    assert "Filter:" not in plan(tables, "SELECT id FROM words WHERE t = 'abc'")


def test_an_index_finds_it(tables: Session, maria: TlsServer, database: str) -> None:
    """The condition that the bytes are equal stands beside one that the index of the collation serves."""
    maria.sql("SET GLOBAL userstat = 1")
    assert ids(tables, "t = 'abc'") == [1]
    assert ids(tables, "t LIKE '日%'") == [6]
    read = maria.sql("SELECT rows_read FROM information_schema.index_statistics "
                     f"WHERE table_schema = '{database}' AND table_name = 'words' AND index_name = 't'")
    maria.sql("SET GLOBAL userstat = 0")
    assert 0 < int(read) <= 5


def test_a_text_column_is_not_held_in_memory(tables: Session) -> None:
    """mysql_fdw held 253 MB for 1 M x 200 B."""
    assert tables.execute("SELECT count(*), sum(length(body || '')) FROM (SELECT * FROM texts OFFSET 0) q").fetchone() == (TEXTS, TEXTS * 2000)
    for pid in [tables.info.backend_pid, *sources(tables)]:
        peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
        assert int(peak.split()[1]) < 200_000, peak


def test_no_temporary_table_for_a_scan(tables: Session, maria: TlsServer) -> None:
    """mysql_fdw's cursor made the server write all rows to a temporary table before the first one came."""
    before = status(maria, "Handler_tmp_write")
    assert tables.execute("SELECT count(*) FROM (SELECT * FROM texts OFFSET 0) q").fetchone() == (TEXTS,)
    assert status(maria, "Handler_tmp_write") - before < TEXTS / 10


def test_statement_timeout_acts(tables: Session, maria: TlsServer) -> None:
    """It returned after 42 s, and the server went on."""
    tables.execute("SET statement_timeout = '1s'")
    began = time.monotonic()
    assert failure(tables, "SELECT s FROM slow").sqlstate == "57014"
    assert time.monotonic() - began < 2
    tables.execute("RESET statement_timeout")
    assert wait_until(lambda: "sleep(20)" not in maria.sql("SELECT info FROM information_schema.processlist WHERE info LIKE '%slow%' AND info NOT LIKE '%processlist%'"))


def test_now_is_a_value(tables: Session) -> None:
    assert ids(tables, "made > now()::timestamp - interval '1 day' AND made < now()::timestamp + interval '1 day'") == [4]
    found = plan(tables, "SELECT id FROM words WHERE made > now()::timestamp - interval '1 day' LIMIT 10")
    assert "Filter:" not in found and "LIMIT" in found and "$1" in found


def test_zero_dates_are_null(tables: Session) -> None:
    """'0000-00-00' ended the query."""
    assert tables.execute("SELECT id, day FROM words ORDER BY id").fetchall() == [
        (1, dt.date(2020, 1, 1)), (2, None), (3, None), (4, dt.date(2021, 1, 1)), (5, None), (6, dt.date(1, 1, 1))]
    assert ids(tables, "day < '2020-06-01'") == [1, 6]
    assert ids(tables, "NOT (day > '2020-06-01')") == [1, 6]
    assert ids(tables, "day IS NULL") == [2, 3, 5]
    assert tables.execute("SELECT min(day), max(day), count(day), count(DISTINCT day) FROM words").fetchone() == (
        dt.date(1, 1, 1), dt.date(2021, 1, 1), 3, 3)
    assert [row[0] for row in tables.execute("SELECT id FROM words ORDER BY day, id")] == [6, 1, 4, 2, 3, 5]


def test_zero_dates_may_be_errors(tables: Session) -> None:
    tables.execute("CREATE FOREIGN TABLE strict (id int, day date) SERVER maria OPTIONS (\"table\" 'words', zero_date 'error')")
    assert "date" in str(failure(tables, "SELECT day FROM strict"))
    assert tables.execute("SELECT id FROM strict WHERE day = '2020-01-01'").fetchall() == [(1,)]


def test_unsigned_bigints(tables: Session) -> None:
    assert tables.execute("SELECT big FROM words ORDER BY big DESC NULLS LAST LIMIT 2").fetchall() == [(Decimal(2**64 - 1),), (Decimal(2**63),)]
    assert tables.execute("SELECT sum(big) FROM words").fetchone() == (Decimal(2**64 - 1 + 2**63 + 6),)
    assert ids(tables, "big > 9223372036854775807") == [1, 3]


def test_one_delete_is_one_statement(tables: Session, maria: TlsServer, database: str) -> None:
    before = status(maria, "Com_delete") + status(maria, "Com_delete_multi")
    assert tables.execute("DELETE FROM victims WHERE n = 3").rowcount == 100
    assert status(maria, "Com_delete") + status(maria, "Com_delete_multi") - before == 1
    assert maria.sql("SELECT count(*) FROM victims", database) == "900"


def test_integers_are_divided_as_such(tables: Session) -> None:
    """MySQL's 7 / 2 is 3.5."""
    assert ids(tables, "n / 2 = 3") == [1, 2]
    assert ids(tables, "n / 2 = -3") == [3]
    assert ids(tables, "n % 3 = -1") == [3]
    assert "Filter:" not in plan(tables, "SELECT id FROM words WHERE n / 2 = 3")
    assert failure(tables, "SELECT id FROM words WHERE 10 / (n - 7) > 1").sqlstate == "22012"
    assert failure(tables, "SELECT id FROM words WHERE n + 2147483647 > 1").sqlstate == "22003"


def test_two_bars_join_texts(tables: Session) -> None:
    """MySQL reads || as OR."""
    assert ids(tables, "t || 'x' = 'abcx'") == [1]
    assert "Filter:" not in plan(tables, "SELECT id FROM words WHERE t || 'x' = 'abcx'")


def test_length_counts_characters(tables: Session) -> None:
    assert ids(tables, "length(t) = 3") == [1, 2, 4]
    assert ids(tables, "length(t) = 2") == [6]
    assert ids(tables, "octet_length(t) = 6") == [6]
    assert "Filter:" not in plan(tables, "SELECT id FROM words WHERE length(t) = 3")


@pytest.mark.parametrize("sql, request_has", [
    ("SELECT t, count(*) FROM words GROUP BY t", "GROUP BY"), ("SELECT DISTINCT t FROM words", "GROUP BY"),
    ("SELECT avg(n), sum(n) FROM words", "SUM"), ("SELECT max(t) FROM words", "MAX"),
    ("SELECT id FROM words WHERE n = 7 ORDER BY id DESC LIMIT 1 OFFSET 1", "OFFSET 1")])
def test_one_request_answers(tables: Session, sql: str, request_has: str) -> None:
    found = plan(tables, sql)
    assert found.startswith("Foreign Scan") and request_has in found, found


def test_an_average_has_the_digits_of_postgresql(tables: Session) -> None:
    found: Any = tables.execute("SELECT avg(n)::text, avg(id)::text, avg(big)::text FROM words").fetchone()
    tables.execute("CREATE TEMPORARY TABLE copies AS SELECT * FROM words")
    assert found == tables.execute("SELECT avg(n)::text, avg(id)::text, avg(big)::text FROM copies").fetchone()
