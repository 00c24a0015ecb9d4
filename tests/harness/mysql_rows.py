"""Rows for a table with every kind of column that MySQL has, as SQL of MySQL.

    COLUMNS             the columns of the hub (random_queries.Column)
    create(name)        CREATE TABLE of MariaDB
    insert(name, rows)  INSERTs, a few hundred rows each

Dates may be zero, texts end in blanks and differ in case and accents only, and collations are mixed.
"""
from __future__ import annotations

import datetime as dt
import decimal
import json
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.random_queries import COLUMNS as COMMON
from harness.random_queries import WORDS, Column, Row, _int, _text, _timestamp

ZERO = "0000-00-00"
LATIN = [word for word in WORDS if word.encode("latin-1", "ignore").decode("latin-1") == word]


def _latin(rng: random.Random) -> str:
    return rng.choice(LATIN) if rng.random() < 0.7 else "".join(rng.choice("abcABC éÉß") for _ in range(rng.randint(1, 8)))


def _date(rng: random.Random) -> Any:
    if rng.random() < 0.06:
        return rng.choice([ZERO, "2020-00-15", "2020-05-00"])
    return dt.date(2020, 1, 1) + dt.timedelta(days=rng.randint(-800, 1500))


def _moment(rng: random.Random) -> Any:
    return f"{ZERO} 00:00:00" if rng.random() < 0.05 else _timestamp(rng)


def _time(rng: random.Random) -> dt.time:
    return dt.time(rng.randint(0, 23), rng.randint(0, 59), rng.choice([0, 30]), rng.choice([0, 0, 500000]))


def _bytes(rng: random.Random) -> bytes:
    return rng.choice([b"", b"a", b"a\x00", b"\x00\xff\\'", bytes(rng.getrandbits(8) for _ in range(rng.randint(1, 6)))])


def _json(rng: random.Random) -> str:
    return json.dumps(rng.choice([1, "a", None, [1, 2], {"a": 1}]))


def _decimal(digits: int, scale: int) -> Callable[[random.Random], decimal.Decimal]:
    return lambda rng: decimal.Decimal(rng.randint(-10**digits, 10**digits)).scaleb(-scale)


COLUMNS: list[Column] = [column for column in COMMON if column.name not in ("d", "ts", "u")] + [
    Column("i1", "smallint", _int(-100, 100, [-128, 127]), "int"),
    Column("u4", "bigint", _int(0, 1000, [0, 2**32 - 1]), "int"),
    Column("u8", "numeric(20,0)", _int(0, 1000, [0, 2**64 - 1, 2**63]), "numeric"),
    Column("n2", "numeric", _decimal(8, 6), "numeric"),
    Column("f4", "real", lambda rng: rng.choice([0.0, 0.5, -1.25, 0.1, 1e10, rng.randint(-1000, 1000) / 8]), "float"),
    Column("bt", "boolean", lambda rng: rng.random() < 0.5, "bool"),
    Column("y", "smallint", lambda rng: rng.randint(1990, 2030), "int"),
    Column("l", "varchar(40)", _latin, "text"),
    Column("c", "varchar(10)", lambda rng: _text(rng)[:10].rstrip(" "), "text"),
    Column("cs", "text", _text, "text"),
    Column("e", "text", lambda rng: rng.choice(["abc", "ABD", "b", "é"]), "text"),
    Column("d", "date", _date, "date"),
    Column("ts", "timestamp(6)", _moment, "timestamp"),
    Column("tz", "timestamptz", lambda rng: _timestamp(rng), "timestamp"),
    Column("t", "time", _time, "time"),
    Column("by", "bytea", _bytes, "bytes"),
    Column("j", "jsonb", _json, "json"),
    Column("u", "uuid", lambda rng: uuid.UUID(int=rng.getrandbits(128) if rng.random() < 0.5 else rng.randint(0, 5)), "uuid"),
]

DECLARED = {
    "id": "int NOT NULL PRIMARY KEY", "i2": "smallint", "i4": "int", "i8": "bigint", "n": "decimal(12,3)", "f8": "double",
    "b": "tinyint(1)", "s": "text COLLATE utf8mb4_general_ci", "v": "varchar(40) COLLATE utf8mb4_bin", "i1": "tinyint",
    "u4": "int unsigned", "u8": "bigint unsigned", "n2": "decimal(20,6)", "f4": "float", "bt": "bit(1)", "y": "year",
    "l": "varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "c": "char(10) COLLATE utf8mb4_unicode_ci",
    "cs": "varchar(200) COLLATE utf8mb4_uca1400_as_cs", "e": "enum('abc','ABD','b','é') COLLATE utf8mb4_bin", "d": "date", "ts": "datetime(6)",
    "tz": "timestamp(6) NULL", "t": "time(6)", "by": "varbinary(40)", "j": "json", "u": "uuid"}
REMOTE = {name: declared.split(" NOT NULL")[0].split(" COLLATE")[0].split(" CHARACTER")[0].split(" NULL")[0]
          for name, declared in DECLARED.items()}
KEYS = {name: declared.split("COLLATE ")[1] for name, declared in DECLARED.items() if "COLLATE" in declared}


def create(name: str) -> str:
    columns = ", ".join(f"`{column.name}` {DECLARED[column.name]}" for column in COLUMNS)
    return (f"CREATE TABLE {name} ({columns}, KEY (i4), KEY (s(20)), KEY (v), KEY (l), KEY (d), KEY (ts)) "
            "CHARACTER SET utf8mb4")


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float | decimal.Decimal):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    text = str(value)
    return f"_utf8mb4 x'{text.encode().hex()}'" if text else "''"


def insert(name: str, rows: Iterable[Row]) -> Iterator[str]:
    batch: list[str] = []
    for row in rows:
        batch.append(f"({', '.join(literal(value) for value in row)})")
        if len(batch) == 500:
            yield f"INSERT INTO {name} VALUES {', '.join(batch)};"
            batch = []
    if batch:
        yield f"INSERT INTO {name} VALUES {', '.join(batch)};"


def queryable(columns: list[Column]) -> list[Column]:
    """As the hub may be asked for them: literals of its own types."""
    def real(column: Column) -> Column:
        if column.name in ("d", "ts"):
            return next(one for one in COMMON if one.name == column.name)
        return column
    return [real(column) for column in columns]
