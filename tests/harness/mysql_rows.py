"""Rows for a table with every kind of column that MySQL has, as SQL of MySQL.

    COLUMNS             the columns of the hub (random_queries.Column)
    table_rows(…)       rows as the server is given them
    create(name)        CREATE TABLE of MariaDB; with ORACLE, of MySQL 5.6
    insert(name, rows)  INSERTs, a few hundred rows each
    read(row)           the same row as the hub has it

Dates may be zero, texts end in blanks and differ in case and accents only, and collations are mixed.
"""
from __future__ import annotations

import datetime as dt
import decimal
import json
import random
import struct
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from harness.random_queries import COLUMNS as COMMON
from harness.random_queries import WORDS, Column, Row, _int, _text, _timestamp, rows

ZERO = "0000-00-00"
WIDE = decimal.Context(prec=65)
SET = ["a", "B", "é", "b c"]
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


def _second(rng: random.Random) -> dt.datetime:
    return _timestamp(rng).replace(microsecond=0)


def _interval(rng: random.Random) -> str:
    return rng.choice(["00:00:00", "-00:00:01", "24:00:00", "838:59:59", f"{rng.choice(['', '-'])}{rng.randint(0, 99):02}:{rng.randint(0, 59):02}:07.5"])


def _day_as_text(rng: random.Random) -> str:
    return str(_date(rng))


def _small(rng: random.Random) -> str:
    """Characters of utf8mb3."""
    return "".join(letter for letter in _text(rng) if letter < "\U00010000")


def _members(rng: random.Random) -> str:
    return ",".join(member for member in SET if rng.random() < 0.3)


def _point(rng: random.Random) -> bytes:
    return struct.pack("<BIdd", 1, 1, rng.randint(-3, 3), rng.choice([0.5, 0.1, 1e10]))


def _uuid(rng: random.Random) -> uuid.UUID:
    """One that MariaDB stores: of version 0 to 7."""
    return uuid.UUID(int=rng.getrandbits(128) & ~(1 << 79) if rng.random() < 0.5 else rng.randint(0, 5))


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
    Column("u", "uuid", _uuid, "uuid"),
    Column("i3", "integer", _int(-1000, 1000, [-2**23, 2**23 - 1]), "int"),
    Column("u1", "smallint", _int(0, 255, [0, 255]), "int"),
    Column("u2", "integer", _int(0, 300, [0, 65535]), "int"),
    Column("u3", "integer", _int(0, 300, [0, 2**24 - 1]), "int"),
    Column("nl", "numeric(65,30)", lambda rng: decimal.Decimal(rng.choice([rng.randint(-9, 9) * 10**30, rng.randint(-10**64, 10**64)])).scaleb(-30, WIDE),
           "numeric"),
    Column("b8", "bit(8)", lambda rng: f"{rng.choice([0, 1, 255, rng.randint(0, 255)]):08b}", "bits"),
    Column("ls", "varchar(30)", _latin, "text"),
    Column("lb", "varchar(30)", _latin, "text"),
    Column("np", "varchar(40)", _text, "text"),
    Column("nb", "varchar(40)", _text, "text"),
    Column("ai", "varchar(40)", _text, "text"),
    Column("tt", "text", _text, "text"),
    Column("mt", "text", _small, "text"),
    Column("lt", "text", _text, "text"),
    Column("w", "varchar(30)", lambda rng: _text(rng)[:30], "text"),
    Column("e2", "text", lambda rng: rng.choice(["zz", "A", "b", "é"]), "text"),
    Column("st", "text", _members, "text"),
    Column("d0", "timestamp(0)", _second, "timestamp"),
    Column("tz0", "timestamptz", _second, "timestamp"),
    Column("dt", "text", _day_as_text, "text"),
    Column("iv", "interval", _interval, "interval"),
    Column("bf", "bytea", lambda rng: rng.choice([b"\0\0\0\0", b"a\0\0\0", bytes(rng.getrandbits(8) for _ in range(4))]), "bytes"),
    Column("bl", "bytea", _bytes, "bytes"),
    Column("g", "bytea", _point, "bytes"),
    Column("ip4", "inet", lambda rng: f"10.0.{rng.randint(0, 3)}.{rng.randint(0, 255)}", "inet"),
    Column("ip6", "inet", lambda rng: rng.choice(["::1", "::", f"fe80::{rng.randint(1, 50):x}", "2001:db8::ff00:42:8329"]), "inet"),
    Column("gv", "integer", lambda rng: 0, "int"),  # table_rows() computes it
]

DECLARED = {
    "id": "int NOT NULL PRIMARY KEY", "i2": "smallint", "i4": "int", "i8": "bigint", "n": "decimal(12,3)", "f8": "double",
    "b": "tinyint(1)", "s": "text COLLATE utf8mb4_general_ci", "v": "varchar(40) COLLATE utf8mb4_bin", "i1": "tinyint",
    "u4": "int unsigned", "u8": "bigint unsigned", "n2": "decimal(20,6)", "f4": "float", "bt": "bit(1)", "y": "year",
    "l": "varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "c": "char(10) COLLATE utf8mb4_unicode_ci",
    "cs": "varchar(200) COLLATE utf8mb4_uca1400_as_cs", "e": "enum('abc','ABD','b','é') COLLATE utf8mb4_bin", "d": "date", "ts": "datetime(6)",
    "tz": "timestamp(6) NULL", "t": "time(6)", "by": "varbinary(40)", "j": "json", "u": "uuid",
    "i3": "mediumint", "u1": "tinyint unsigned", "u2": "smallint unsigned", "u3": "mediumint unsigned", "nl": "decimal(65,30)", "b8": "bit(8)",
    "ls": "varchar(30) CHARACTER SET latin1 COLLATE latin1_general_cs", "lb": "varchar(30) CHARACTER SET latin1 COLLATE latin1_bin",
    "np": "varchar(40) COLLATE utf8mb4_general_nopad_ci", "nb": "varchar(40) COLLATE utf8mb4_nopad_bin",
    "ai": "varchar(40) COLLATE utf8mb4_uca1400_ai_ci", "tt": "tinytext COLLATE utf8mb4_unicode_520_ci",
    "mt": "mediumtext CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci", "lt": "longtext COLLATE utf8mb4_bin",
    "w": "varchar(30) CHARACTER SET utf16 COLLATE utf16_general_ci", "e2": "enum('zz','A','b','é') CHARACTER SET latin1 COLLATE latin1_german2_ci",
    "st": "set('a','B','é','b c') COLLATE utf8mb4_general_ci", "d0": "datetime", "tz0": "timestamp NULL", "dt": "date", "iv": "time(6)",
    "bf": "binary(4)", "bl": "mediumblob", "g": "point", "ip4": "inet4", "ip6": "inet6", "gv": "int GENERATED ALWAYS AS (id % 97) VIRTUAL"}
HIDDEN = ("y", "u2")
# It has no json, uuid, inet and computed columns; its collations ignore case and pad with blanks, but for binary ones.
ORACLE = {**DECLARED, "cs": "varchar(200) COLLATE utf8mb4_unicode_520_ci", "j": "text COLLATE utf8mb4_bin", "u": "binary(16)",
          "np": "varchar(40) COLLATE utf8mb4_turkish_ci", "nb": "varchar(40) COLLATE utf8mb4_german2_ci",
          "ai": "varchar(40) COLLATE utf8mb4_spanish2_ci", "mt": "mediumtext CHARACTER SET utf8 COLLATE utf8_unicode_ci",
          "ip4": "varchar(15)", "ip6": "varchar(43)", "gv": "int"}


def options(declared: str) -> list[str]:
    """As IMPORT FOREIGN SCHEMA has them."""
    remote = declared
    for word in (" NOT NULL", " COLLATE", " CHARACTER", " NULL", " GENERATED"):
        remote = remote.split(word)[0]
    return [f"remote_type $${remote}$$"] + ([f"collation '{declared.split('COLLATE ')[1]}'"] if "COLLATE" in declared else [])


def create(name: str, declared: dict[str, str] = DECLARED) -> str:
    hidden = HIDDEN if declared is DECLARED else ()
    columns = ", ".join(f"`{column.name}` {declared[column.name]}{' INVISIBLE' if column.name in hidden else ''}" for column in COLUMNS)
    return (f"CREATE TABLE {name} ({columns}, KEY (i4), KEY (s(20)), KEY (v), KEY (l), KEY (d), KEY (ts), KEY (cs), KEY (np), KEY (ls)) "
            "CHARACTER SET utf8mb4")


def table_rows(seed: int, count: int) -> Iterator[Row]:
    for row in rows(seed, count, COLUMNS):
        yield (*row[:-1], row[0] % 97)


def read(row: Row) -> Row:
    """Dates that are none are NULL, but for the column "dt", which is a text here."""
    return tuple(None if isinstance(value, str) and column.kind in ("date", "timestamp") else value
                 for column, value in zip(COLUMNS, row, strict=True))


def literal(value: Any, column: Column, declared: str) -> str:
    if value is None:
        return "NULL"
    if column.kind == "bits":
        return f"b'{value}'"
    if column.name == "g":
        return f"ST_GeomFromWKB(x'{value.hex()}')"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float | decimal.Decimal):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if declared == "binary(16)":
        return f"x'{value.hex}'"
    text = str(value)
    return f"_utf8mb4 x'{text.encode().hex()}'" if text else "''"


def insert(name: str, rows: Iterable[Row], declared: dict[str, str] = DECLARED) -> Iterator[str]:
    batch: list[str] = []
    columns = [column for column in COLUMNS if "GENERATED" not in declared[column.name]]
    into = f"INSERT INTO {name} ({', '.join(f'`{column.name}`' for column in columns)}) VALUES"
    for row in rows:
        batch.append(f"({', '.join(literal(value, column, declared[column.name]) for column, value in zip(columns, row, strict=False))})")
        if len(batch) == 500:
            yield f"{into} {', '.join(batch)};"
            batch = []
    if batch:
        yield f"{into} {', '.join(batch)};"


def queryable(columns: list[Column]) -> list[Column]:
    """As the hub may be asked for them: literals of its own types."""
    def real(column: Column) -> Column:
        if column.name in ("d", "ts", "u"):
            return next(one for one in COMMON if one.name == column.name)
        if column.name == "gv":
            return replace(column, value=_int(-5, 100, [0, 96]))
        return column
    return [real(column) for column in columns]
