"""IMPORT FOREIGN SCHEMA of the adapter mysql, alone and in a hub, which then reads what it has imported."""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness.hub import Hub, Session, failure, literals
from harness.source_client import ImportedColumn, SourceError

# Declared, type in the hub, and whether more than remote_type is said of it.
TYPES: list[tuple[str, str]] = [
    ("tinyint(1)", "boolean"), ("tinyint", "smallint"), ("tinyint unsigned", "smallint"), ("smallint", "smallint"),
    ("smallint unsigned", "integer"), ("mediumint", "integer"), ("mediumint unsigned", "integer"), ("int", "integer"),
    ("int unsigned", "bigint"), ("bigint", "bigint"), ("bigint unsigned", "numeric(20,0)"), ("decimal(15,2)", "numeric(15,2)"),
    ("decimal(65,30)", "numeric(65,30)"), ("decimal", "numeric(10,0)"), ("float", "real"), ("float(7,2)", "real"),
    ("double", "double precision"), ("bit(1)", "bit(1)"), ("bit(9)", "bit(9)"), ("year", "smallint"), ("date", "date"),
    ("time", "time(0)"), ("time(6)", "time(6)"), ("datetime", "timestamp(0)"), ("datetime(3)", "timestamp(3)"),
    ("timestamp NULL", "timestamp(0) with time zone"), ("timestamp(6) NULL", "timestamp(6) with time zone"),
    ("char(5)", 'varchar(5) COLLATE "C"'), ("varchar(40)", 'varchar(40) COLLATE "C"'), ("tinytext", 'text COLLATE "C"'),
    ("text character set latin1", 'text COLLATE "C"'), ("mediumtext", 'text COLLATE "C"'), ("longtext", 'text COLLATE "C"'),
    ("enum('unsigned','b')", 'text COLLATE "C"'), ("set('a','b')", 'text COLLATE "C"'), ("binary(4)", "bytea"), ("varbinary(4)", "bytea"),
    ("tinyblob", "bytea"), ("longblob", "bytea"), ("json", "jsonb"), ("point", "bytea"), ("geometry", "bytea"), ("uuid", "uuid"),
    ("inet4", "inet"), ("inet6", "inet"),
]


def by_name(columns: list[ImportedColumn]) -> dict[str, ImportedColumn]:
    return {column.name: column for column in columns}


@pytest.fixture(scope="module")
def zoo(maria: TlsServer, database: str) -> str:
    columns = ", ".join(f"c{i} {declared}" for i, (declared, _) in enumerate(TYPES))
    maria.sql(f"""SET NAMES utf8mb4;
        CREATE TABLE zoo ({columns});
        CREATE TABLE people (first_part int NOT NULL, second_part varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL COMMENT 'der zweite Schlüssel',
            made int GENERATED ALWAYS AS (first_part * 2) VIRTUAL, hidden int INVISIBLE DEFAULT 5, d decimal(9,2) NOT NULL DEFAULT 1.50,
            s varchar(20) DEFAULT 'it''s', n int DEFAULT NULL, t timestamp(3) DEFAULT CURRENT_TIMESTAMP(3), f tinyint(1) DEFAULT 1,
            b blob DEFAULT 'x', PRIMARY KEY (first_part, second_part)) COMMENT 'all of them';
        CREATE TABLE days (d date NOT NULL, t timestamp NOT NULL, s time NOT NULL);
        CREATE TABLE loose (a int NOT NULL, b int, UNIQUE (a)) ENGINE=InnoDB;
        CREATE TABLE `Odd ``Name"s` (`select` int, `größe` int);
        CREATE VIEW seen AS SELECT first_part, CONCAT(s, '!') AS loud FROM people;
        CREATE TABLE gone (a int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;
        CREATE SEQUENCE counter;
        INSERT INTO people (first_part, second_part) VALUES (1, 'a'), (2, 'b'); INSERT INTO `Odd ``Name"s` VALUES (1, 2)""", database)
    return database


def tables(connect: Connect, database: str, **how: Any) -> dict[str, dict[str, ImportedColumn]]:
    return {name: by_name(columns) for name, _, columns in connect().tables(database, **how)}


def test_types_of_columns(zoo: str, connect: Connect) -> None:
    columns = tables(connect, zoo)["zoo"]
    assert [columns[f"c{i}"].type for i in range(len(TYPES))] == [type_ for _, type_ in TYPES]
    assert columns["c1"].options["remote_type"] in ("tinyint(4)", "tinyint")
    options = {"tinyint1": "smallint", "time": "interval"}
    columns = tables(connect, zoo, only=["zoo"], options=options)["zoo"]
    assert (columns["c0"].type, columns["c21"].type) == ("smallint", "interval")
    columns = {column.name: column for column in next(connect(zero_date="text").tables(zoo, only=["zoo"]))[2]}
    assert {columns[f"c{i}"].type for i in (20, 23, 24, 25)} == {'text COLLATE "C"'}


def test_what_else_is_said(zoo: str, connect: Connect) -> None:
    session = connect()
    found = {name: (options, by_name(columns)) for name, options, columns in session.tables(zoo, options={"import_default": "true"})}
    assert set(found) == {"zoo", "people", "loose", "days", 'Odd `Name"s', "seen"}
    options, people = found["people"]
    assert options == {"database": zoo, "table": "people", "row_count": options["row_count"]}
    assert "row_count" not in found["seen"][0]
    assert list(people) == ["first_part", "second_part", "made", "hidden", "d", "s", "n", "t", "f", "b"]
    assert [name for name, column in people.items() if column.options.get("key") == "true"] == ["first_part", "second_part"]
    assert people["second_part"].options["collation"] == "latin1_bin" and people["second_part"].comment == "der zweite Schlüssel"
    assert [name for name, column in people.items() if column.is_not_null] == ["first_part", "second_part", "d"]
    assert people["made"].options["generated"] == "true" and "generated" not in people["t"].options
    assert {name: column.default for name, column in people.items() if column.default} == {
        "hidden": "'5'", "d": "'1.50'", "s": "'it''s'", "f": "'true'"}
    assert [name for name, column in found["loose"][1].items() if "key" in column.options] == ["a"]
    # A date that is none is NULL here.
    assert [name for name, column in found["days"][1].items() if column.is_not_null] == ["s"]
    strict = {name: by_name(columns) for name, _, columns in connect(zero_date="error").tables(zoo, only=["days"])}
    assert all(column.is_not_null for column in strict["days"].values())
    assert list(found["seen"][1]) == ["first_part", "loud"]
    bare = tables(connect, zoo, options={"import_not_null": "false", "import_generated": "false", "import_views": "false"})
    assert "seen" not in bare and "made" not in bare["people"] and not any(column.is_not_null for column in bare["people"].values())
    assert not any(column.default for column in bare["people"].values())


def test_which_tables(zoo: str, connect: Connect) -> None:
    assert set(tables(connect, zoo, only=["people", 'Odd `Name"s', "nowhere"])) == {"people", 'Odd `Name"s'}
    assert set(tables(connect, zoo, but=["zoo", "people"])) == {"loose", "days", 'Odd `Name"s', "seen"}
    with pytest.raises(SourceError) as caught:
        tables(connect, "no_such_database")
    assert caught.value.sqlstate == "HV00Q"


# ---- in a hub


@pytest.fixture
def fleet(site: Hub, sql: Session, maria: TlsServer, zoo: str) -> Iterator[str]:
    name = f"maria_{next(site.numbers)}"
    sql.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_mysql OPTIONS ({literals({'host': maria.host, 'port': maria.port})})")
    sql.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({literals({'user': maria.username, 'password': maria.password})})")
    sql.execute(f"CREATE SCHEMA {name}")
    yield name
    sql.execute(f"DROP SERVER {name} CASCADE; DROP SCHEMA {name} CASCADE")


def test_an_imported_schema_reads_as_the_server_shows_it(fleet: str, sql: Session, maria: TlsServer, zoo: str) -> None:
    values = {"c0": "1", "c10": "18446744073709551615", "c12": f"-{'9' * 35}.{'1' * 30}", "c14": "0.1", "c16": "0.1", "c18": "b'101010101'", "c19": "1901",
              "c20": "'2024-02-29'", "c22": "'23:59:59.999999'", "c24": "'2024-01-01 00:00:00.123'", "c26": "'2038-01-19 03:14:07.999999'",
              "c27": "'ab '", "c28": "'Größe🙂 '", "c30": "'é€'", "c33": "'b'", "c34": "'a,b'", "c35": "x'00'", "c39": "'{\"a\": 1}'",
              "c40": "POINT(1, 2)", "c42": "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "c43": "'10.0.0.1'", "c44": "'::1'"}
    maria.sql(f"SET NAMES utf8mb4; DELETE FROM zoo; INSERT INTO zoo ({', '.join(values)}) VALUES ({', '.join(values.values())})", zoo)
    sql.execute(f"IMPORT FOREIGN SCHEMA {zoo} FROM SERVER {fleet} INTO {fleet} OPTIONS (import_default 'true')")
    row = sql.execute(f"SELECT to_jsonb(z) FROM {fleet}.zoo z").fetchone()
    assert row is not None
    read = {name: value for name, value in row[0].items() if value is not None}
    assert read == {
        "c0": True, "c10": 18446744073709551615, "c12": json.loads(f"-{'9' * 35}.{'1' * 30}"), "c14": 0.1, "c16": 0.1, "c18": "101010101",
        "c19": 1901, "c20": "2024-02-29", "c22": "23:59:59.999999", "c24": "2024-01-01T00:00:00.123", "c26": "2038-01-19T03:14:07.999999+00:00",
        "c27": "ab", "c28": "Größe🙂 ", "c30": "é€", "c33": "b", "c34": "a,b", "c35": "\\x00000000", "c39": {"a": 1},
        "c40": "\\x0101000000000000000000f03f0000000000000040", "c42": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "c43": "10.0.0.1", "c44": "::1"}
    assert sql.execute(f"SELECT c12::text FROM {fleet}.zoo").fetchone() == (f"-{'9' * 35}.{'1' * 30}",)
    assert sql.execute(f"SELECT first_part, d, t IS NOT NULL FROM {fleet}.people ORDER BY 1").fetchall() == [(1, Decimal("1.50"), True), (2, Decimal("1.50"), True)]
    assert sql.execute(f'SELECT "select", "größe" FROM {fleet}."Odd `Name""s"').fetchall() == [(1, 2)]
    assert sql.execute(f"SELECT loud FROM {fleet}.seen").fetchall() == [("it's!",)] * 2


def test_types_that_the_hub_declares_otherwise(fleet: str, sql: Session, maria: TlsServer, zoo: str) -> None:
    maria.sql("CREATE OR REPLACE TABLE other (i int, s varchar(20), d date, c char(5)); INSERT INTO other VALUES (1, '12', '2024-02-29', 'ab')", zoo)
    sql.execute(f"CREATE FOREIGN TABLE {fleet}.other (i boolean, s bigint, d timestamptz, c char(5)) SERVER {fleet} OPTIONS (database '{zoo}')")
    row = sql.execute(f"SELECT i, s, d AT TIME ZONE 'UTC', c, length(c) FROM {fleet}.other").fetchone()
    assert row == (True, 12, dt.datetime(2024, 2, 29), "ab   ", 2)
    maria.sql("INSERT INTO other (s) VALUES ('twelve')", zoo)
    error = failure(sql, f"SELECT s FROM {fleet}.other")
    assert error.sqlstate == "22P02" and 'column "s" of table "other"' in str(error)
    sql.execute(f"ALTER FOREIGN TABLE {fleet}.other OPTIONS (on_error 'null')")
    assert sql.execute(f"SELECT s FROM {fleet}.other").fetchall() == [(12,), (None,)]
    # Values that become NULL here are asked for nothing there.
    assert sql.execute(f"SELECT s FROM {fleet}.other ORDER BY s").fetchall() == [(12,), (None,)]
