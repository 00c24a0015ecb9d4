"""What the hub answers about tables of MariaDB is what it would answer had it the rows itself.

MariaDB compares text without regard to case, accents and trailing blanks. Every query here runs twice: on the
foreign tables, and on copies of them that the hub holds; the rows must be the same. All of it runs with our adapter,
and with mysql_fdw, whose texts setup keeps from being compared there.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.project import Cli
from scratch_servers import MariaDBServer

ROWS = """
CREATE DATABASE exact CHARACTER SET utf8mb4;
USE exact;
CREATE TABLE words (id int PRIMARY KEY, word varchar(20), note text, fixed char(5), raw varbinary(10), n int,
                    amount decimal(10,2), story longtext, day date, moment datetime, ratio double, flag tinyint(1));
INSERT INTO words VALUES
  (1, 'abc', 'abc', 'abc', x'00ff', 6, 1.50, 'abc', '2020-01-01', '2020-01-01 10:00:00', 1.5, 1),
  (2, 'ABC', 'ABC', 'ABC', x'0041', 7, 2.50, repeat('ö', 100000), '2020-01-02', '2020-01-02 10:00:00', 2, 0),
  (3, 'abc ', 'abc ', 'abcd', x'61', 8, 3, 'x', '2020-01-03', '2020-01-03 10:00:00', 3, NULL),
  (4, NULL, NULL, NULL, NULL, -7, NULL, NULL, NULL, NULL, NULL, 1),
  (5, 'äbc', 'äbc', 'äbc', x'', 3, 0, '', '2020-02-01', '2020-02-01 10:00:00', 0, 0),
  (6, '', '', '', x'5c', NULL, 0, '', '2020-02-01', '2020-02-01 10:00:00', 0, 0),
  (7, '日本', '日本', '日本', x'27', 9, 0, 'y', '2020-02-01', '2020-02-01 10:00:01', -1, 1),
  (8, 'abcx', 'ABCX', 'aBc', x'22', 10, 0, 'z', '2020-02-02', '2020-02-01 10:00:00', 0, 0);
CREATE TABLE keywords (word varchar(20), v int);
INSERT INTO keywords VALUES ('abc', 1), ('ABC', 2), ('abc ', 3), (NULL, 4), ('aBC', 5), ('abc', 6);
"""

CONFIG = """
sources:
  exact:
    extension: mysql_fdw
    wrapper: WRAPPER
    server:
      name: exact
      options: {host: ${FLIGHTS_MYSQL_HOST}, port: "${FLIGHTS_MYSQL_PORT}", database: exact}
    user_mapping:
      options: {username: "${FLIGHTS_MYSQL_USER}", password: "${FLIGHTS_MYSQL_PASSWORD}"}
    schema: exact
    import: all
"""

LISTED = """
    tables:
      - name: words
        columns:
          - {name: id, type: int}
          - {name: word, type: varchar(20), default: "'x'"}
          - {name: note, type: text}
          - {name: fixed, type: text}
          - {name: story, type: text}
"""

QUERIES = [
    *(f"SELECT id FROM words WHERE {column} {condition} ORDER BY id"
      for column in ("word", "note", "fixed")
      for condition in (
          "= 'abc'", "= 'ABC'", "<> 'abc'", "< 'abc '", ">= 'B'", "IN ('abc', 'X')", "NOT IN ('abc', 'X')",
          "LIKE 'AB%'", "ILIKE 'AB%'", "NOT LIKE '%c'", "~ 'A'", "BETWEEN 'ABC' AND 'abc'", "IS NULL",
          "IS NOT NULL", "= ANY (ARRAY['abc', 'ABC'])", "= '日本'", "IS DISTINCT FROM 'abc'", "= ''")),
    "SELECT id FROM words WHERE upper(word) = 'ABC' ORDER BY id",
    "SELECT id FROM words WHERE length(word) = 2 ORDER BY id",
    "SELECT id FROM words WHERE word || 'x' = 'abcx' ORDER BY id",
    "SELECT id FROM words WHERE substr(word, 1, 1) = 'a' ORDER BY id",
    "SELECT id FROM words WHERE replace(word, 'a', 'b') = 'bbc' ORDER BY id",
    "SELECT id FROM words WHERE word = note ORDER BY id",
    "SELECT id FROM words WHERE n = 7 OR word = 'abc' ORDER BY id",
    "SELECT id FROM words WHERE raw = '\\x61'::bytea OR raw > '\\x40'::bytea ORDER BY id",
    "SELECT id, word FROM words ORDER BY word, id",
    "SELECT id, word FROM words ORDER BY word DESC NULLS LAST, id",
    "SELECT id FROM (SELECT id, word FROM words ORDER BY word, id) AS sorted LIMIT 4",
    "SELECT word, count(*) FROM words GROUP BY word ORDER BY 1",
    "SELECT lower(word), count(*) FROM words GROUP BY lower(word) ORDER BY 1",
    "SELECT DISTINCT word FROM keywords ORDER BY 1",
    "SELECT count(DISTINCT word), min(word), max(word) FROM words",
    "SELECT a.id, b.v FROM words a JOIN keywords b ON a.word = b.word ORDER BY 1, 2",
    "SELECT a.id, b.v FROM words a LEFT JOIN keywords b USING (word) ORDER BY 1, 2",
    "SELECT id FROM words a WHERE EXISTS (SELECT FROM keywords b WHERE a.word = b.word) ORDER BY 1",
    "SELECT id FROM words a WHERE word NOT IN (SELECT word FROM keywords b WHERE word IS NOT NULL) ORDER BY 1",
    "SELECT word FROM words UNION SELECT word FROM keywords ORDER BY 1",
    "SELECT id FROM words WHERE amount > 1.5 AND n IN (6, 7, 8) ORDER BY id",
    "SELECT id FROM words WHERE day = '2020-01-02' OR moment > '2020-02-01 10:00:00' ORDER BY id",
    "SELECT id FROM words WHERE day < '2020-01-02 12:00'::timestamp ORDER BY id",
    "SELECT id FROM words WHERE ratio >= 1.5 ORDER BY id",
    "SELECT id, n FROM words ORDER BY n DESC NULLS LAST LIMIT 3",
    "SELECT id, length(story) FROM words ORDER BY id",
    "SELECT sum(n), avg(n)::float8, avg(amount)::float8, sum(amount), min(day), max(moment) FROM words",
    "SELECT day, count(*) FROM words GROUP BY day ORDER BY 1",
    "SELECT a.id, b.v FROM words a JOIN keywords b ON a.id = b.v ORDER BY 1, 2",
]


@pytest.fixture(scope="module", params=["instant_mysql", "mysql_fdw"])
def wrapper(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def exact(wrapper: str, flights_sources: Any, mariadb_source: MariaDBServer, hub_arguments: dict[str, Any],
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from instant_connector import SyncInstantDataConnector

    mariadb_source.sql(ROWS)
    path: Path = tmp_path_factory.mktemp("exact") / "exact.yaml"
    path.write_text(CONFIG.replace("WRAPPER", wrapper))
    with SyncInstantDataConnector(config_path=str(path), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        made.query("CREATE SCHEMA held").to_arrow()
        for table in ("words", "keywords"):
            made.query(f"CREATE TABLE held.{table} AS SELECT * FROM exact.{table}").to_arrow()
        yield made
        made.query("DROP SCHEMA held CASCADE").to_arrow()
    mariadb_source.sql("DROP DATABASE exact")


def rows(connector: Any, sql: str, schema: str) -> list[Any]:
    for table in ("words", "keywords"):
        sql = sql.replace(f"FROM {table}", f"FROM {schema}.{table}").replace(f"JOIN {table}", f"JOIN {schema}.{table}")
    return list(connector.query(sql).to_arrow().to_pylist())


@pytest.mark.parametrize("sql", QUERIES)
def test_the_same_rows_as_the_hubs_own(exact: Any, sql: str) -> None:
    assert rows(exact, sql, "exact") == rows(exact, sql, "held")


@pytest.mark.parametrize(("filters", "wanted"), [
    ({"word": "ABC"}, [2]),
    ({"word": {"ne": "abc"}}, [2, 3, 5, 6, 7, 8]),
    ({"word": {"in": ["abc", "ABCX"]}}, [1]),
    ({"note": {"lt": "abc"}}, [2, 6, 8]),
    ({"note": {"ilike": "ABC%"}}, [1, 2, 3, 8]),
    ({"fixed": "abc"}, [1]),
])
def test_filters(exact: Any, filters: dict[str, Any], wanted: list[int]) -> None:
    found = exact.table("exact.words", filters=filters, columns=["id"], order_by="id").to_arrow()
    assert found.column("id").to_pylist() == wanted


@pytest.mark.parametrize(("order_by", "wanted"), [(["word", "id"], [6, 2, 1]), (["-word", "id"], [4, 7, 5])])
def test_order_and_limit(exact: Any, order_by: list[str], wanted: list[int]) -> None:
    found = exact.table("exact.words", columns=["id"], order_by=order_by, limit=3).to_arrow()
    assert found.column("id").to_pylist() == wanted


@pytest.mark.parametrize(("sql", "sent"), [
    ("SELECT id FROM exact.words WHERE n = 7 AND word = 'abc'", "n = 7"),
    ("SELECT id FROM exact.words WHERE day > '2020-01-01' AND amount < 3", "amount < 3"),
    ("SELECT sum(n) FROM exact.words", "sum(n)"),
    ("SELECT id FROM exact.words ORDER BY n LIMIT 2", "limit 2"),
])
def test_numbers_and_dates_are_sent(wrapper: str, exact: Any, sql: str, sent: str) -> None:
    """Texts too, by our adapter alone: it sends what compares their bytes."""
    (remote,) = [piece["remote_sql"] for piece in exact.query(sql).explain().remote]
    plain = re.sub(r"\b[tr][0-9]+\.", "", remote.replace("`", "")).lower()
    assert sent in plain.replace("(", "").replace(")", "") or sent in plain, remote
    assert ("'abc'" in remote) == ("'abc'" in sql and wrapper == "instant_mysql"), remote


def test_types(wrapper: str, exact: Any) -> None:
    """MySQL takes blanks off a char, which character(5) would put on again."""
    types = {column["name"]: column["type"] for column in exact.get_table_schema("exact.words")}
    fixed = "character varying(5)" if wrapper == "instant_mysql" else "character(5)"
    assert (types["word"], types["note"], types["fixed"]) == ("character varying(20)", "text", fixed)


def test_listed_columns(wrapper: str, exact: Any, hub_arguments: dict[str, Any], tmp_path: Path) -> None:
    """Columns that the file lists are compared by the hub too; a long text arrives whole."""
    from instant_connector import SyncInstantDataConnector

    path = tmp_path / "listed.yaml"
    path.write_text(CONFIG.replace("WRAPPER", wrapper).replace("  exact:", "  listed:").replace("name: exact", "name: listed")
                    .replace("schema: exact", "schema: listed").replace("    import: all", LISTED))
    with SyncInstantDataConnector(config_path=str(path), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        assert made.setup_fdw_infrastructure()
        for column in ("word", "note", "fixed"):
            found = made.query(f"SELECT id FROM listed.words WHERE {column} = 'ABC'").to_arrow()
            assert found.column("id").to_pylist() == [2], column
        found = made.query("SELECT id, length(story) AS len FROM listed.words ORDER BY id").to_arrow()
        assert found.column("len").to_pylist() == [3, 100000, 1, None, 0, 0, 1, 1]


def test_the_example_of_airlines(connector: Any, cli: Cli) -> None:
    assert connector.table("airlines", filters={"carrier": "AA"}).to_arrow().num_rows == 1
    assert connector.table("airlines", filters={"carrier": "aa"}).to_arrow().num_rows == 0
    done = cli("load", "airlines", "--filter", "carrier = 'aa'", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert "American" not in done.stdout
