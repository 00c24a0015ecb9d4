"""Oracle's MySQL otherwise than by its values: sessions, IMPORT, and statements that nobody waits for any more."""
from __future__ import annotations

import pytest
from adapters.mysql.conftest import Connect, Oracle
from adapters.mysql.test_mysql_import import TYPES, tables
from adapters.mysql.test_mysql_stop import running, test_a_query_that_takes_too_long, until  # noqa: F401
from harness import relation as rel


@pytest.fixture(scope="module")
def maria(oracle: Oracle) -> Oracle:
    return oracle


def test_what_holds_on_a_connection(connect: Connect) -> None:
    asked = rel.native("SELECT @@time_zone, @@tx_isolation, @@autocommit, @@character_set_results, @@collation_connection, @@sql_mode, VERSION()",
                       [rel.column(f"c{i}", rel.TEXT, rel.C) for i in range(7)])
    row = connect(sql_mode="ANSI_QUOTES, NO_ZERO_DATE", compression="true").open(asked).rows()[0]
    assert row[:5] == ("+00:00", "REPEATABLE-READ", "1", "utf8mb4", "utf8mb4_bin")
    assert set(str(row[5]).split(",")) >= {"NO_BACKSLASH_ESCAPES", "NO_UNSIGNED_SUBTRACTION", "STRICT_ALL_TABLES", "NO_ZERO_DATE"}
    assert "ANSI_QUOTES" not in str(row[5]) and str(row[6]).startswith("5.6.")


def test_types_of_columns(maria: Oracle, database: str, connect: Connect) -> None:
    known = [(declared, type_) for declared, type_ in TYPES if declared not in ("json", "uuid", "inet4", "inet6")]
    maria.sql("CREATE TABLE zoo (" + ", ".join(f"c{i} {declared}" for i, (declared, _) in enumerate(known)) + ")", database)
    columns = tables(connect, database)["zoo"]
    assert [columns[f"c{i}"].type for i in range(len(known))] == [type_ for _, type_ in known]


def test_what_else_is_said(maria: Oracle, database: str, connect: Connect) -> None:
    maria.sql("""CREATE TABLE people (first_part int NOT NULL, second_part varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL COMMENT 'second',
                     d decimal(9,2) NOT NULL DEFAULT 1.50, s varchar(20) DEFAULT 'it''s', n int DEFAULT NULL,
                     t timestamp(3) DEFAULT CURRENT_TIMESTAMP(3), f tinyint(1) DEFAULT 1, PRIMARY KEY (first_part, second_part)) COMMENT 'all of them';
                 CREATE VIEW seen AS SELECT first_part, CONCAT(s, '!') AS loud FROM people""", database)
    found = tables(connect, database, only=["people", "seen"], options={"import_default": "true"})
    people = found["people"]
    assert [name for name, column in people.items() if column.options.get("key") == "true"] == ["first_part", "second_part"]
    assert people["second_part"].options["collation"] == "latin1_bin" and people["second_part"].comment == "second"
    assert [name for name, column in people.items() if column.is_not_null] == ["first_part", "second_part", "d"]
    assert {name: column.default for name, column in people.items() if column.default} == {"d": "'1.50'", "s": "'it''s'", "f": "'true'"}
    assert list(found["seen"]) == ["first_part", "loud"]


def test_a_query_that_is_cancelled_ends_in_the_server(maria: Oracle, connect: Connect) -> None:
    session = connect()
    scan = session.open(rel.native("SELECT SLEEP(77)", [rel.column("a", rel.INT8)]))
    until(lambda: running(maria, "77") == 1)
    scan.close()
    until(lambda: running(maria, "77") == 0)
    assert session.open(rel.native("SELECT 1", [rel.column("a", rel.INT4)])).rows() == [(1,)]
