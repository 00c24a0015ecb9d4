"""Relations as bytes, for tests of instant-source without a hub: src/relation/serial.c in Python.

    orders = scan("orders", [column("id", INT4), column("amount", INT8)], {"table": "orders"})
    big = filter_(orders, compare(">", col(orders, 1), const(INT8, "5")))
    write(limit(big, 10))
"""
from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VERSION = 3

Type = tuple[int, int]  # OID and modifier

BOOL, BYTEA, INT8, INT2, INT4, TEXT = (16, -1), (17, -1), (20, -1), (21, -1), (23, -1), (25, -1)
JSON, FLOAT4, FLOAT8, VARCHAR = (114, -1), (700, -1), (701, -1), (1043, -1)
DATE, TIME, TIMESTAMP, TIMESTAMPTZ = (1082, -1), (1083, -1), (1114, -1), (1184, -1)
NUMERIC, UUID, JSONB = (1700, -1), (2950, -1), (3802, -1)

NO_COLLATION, C, LOCALE, LOOSE = range(4)

(COLUMN, CONSTANT, PARAMETER, AND, OR, NOT, COMPARE, IN, LIKE, IS_NULL, IS_TRUE, ARITHMETIC, FUNCTION, CAST, COALESCE,
 CASE) = range(16)
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
FUNCTIONS = ("lower", "upper", "length", "octet_length", "substring", "left", "right", "trim", "ltrim", "rtrim",
             "replace", "concat", "strpos", "starts_with", "abs", "round", "ceil", "floor", "trunc", "sqrt", "power",
             "exp", "ln", "sign", "greatest", "least", "nullif", "date_trunc", "extract", "date", "md5")
AGGREGATES = ("count(*)", "count", "sum", "avg", "min", "max", "bool_and", "bool_or")
SCAN, FILTER, PROJECT, AGGREGATE, DISTINCT, SORT, LIMIT, JOIN = range(8)
JOINS = ("inner", "left", "right", "full", "semi", "anti")


def u8(value: int) -> bytes:
    return struct.pack("<B", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value & 0xFFFFFFFF)


def i64(value: int) -> bytes:
    return struct.pack("<q", value)


def text(value: str | None) -> bytes:
    if value is None:
        return u32(0)
    encoded = value.encode()
    return u32(len(encoded) + 1) + encoded


def texts(values: Sequence[str | None]) -> bytes:
    return u32(len(values)) + b"".join(text(value) for value in values)


def options(values: Mapping[str, str]) -> bytes:
    return u32(len(values)) + b"".join(text(name) + text(value) for name, value in values.items())


def type_bytes(type_: Type) -> bytes:
    return u32(type_[0]) + u32(type_[1])


def _is_text(type_: Type) -> bool:
    return type_[0] in (TEXT[0], VARCHAR[0], 1042, 19)


@dataclass(frozen=True)
class Expr:
    kind: int
    type: Type
    op: int = 0
    collation: int = NO_COLLATION
    tail: bytes = b""
    args: tuple[Expr, ...] | None = None

    def write(self) -> bytes:
        tail = self.tail if self.args is None else exprs(self.args)
        return u8(self.kind) + u8(self.op) + u8(self.collation) + type_bytes(self.type) + tail


def exprs(values: Sequence[Expr]) -> bytes:
    return u32(len(values)) + b"".join(value.write() for value in values)


def optional(value: Expr | None) -> bytes:
    return u8(0) if value is None else u8(1) + value.write()


@dataclass(frozen=True)
class Column:
    name: str
    type: Type
    collation: int = NO_COLLATION
    is_not_null: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> bytes:
        return (text(self.name) + type_bytes(self.type) + u8(self.collation) + u8(self.is_not_null)
                + options(self.options))


@dataclass(frozen=True)
class Relation:
    columns: tuple[Column, ...]
    body: bytes

    def write(self) -> bytes:
        return self.body


def write(relation: Relation) -> bytes:
    return u8(VERSION) + relation.write()


def column(name: str, type_: Type, collation: int | None = None, **column_options: str) -> Column:
    if collation is None:
        collation = C if _is_text(type_) else NO_COLLATION
    return Column(name, type_, collation, False, column_options)


# ---- expressions

def col(relation: Relation, index: int) -> Expr:
    found = relation.columns[index]
    return Expr(COLUMN, found.type, 0, found.collation, u32(index))


def const(type_: Type, value: str | None) -> Expr:
    return Expr(CONSTANT, type_, 0, C if _is_text(type_) else NO_COLLATION, text(value))


def param(type_: Type, index: int, *, is_list: bool = False) -> Expr:
    return Expr(PARAMETER, type_, 0, C if _is_text(type_) else NO_COLLATION, u32(index) + u8(is_list))


def compare(op: str, left: Expr, right: Expr) -> Expr:
    return Expr(COMPARE, BOOL, COMPARISONS.index(op), left.collation, args=(left, right))


def call(kind: int, *args: Expr, op: int = 0, type_: Type = BOOL, collation: int | None = None) -> Expr:
    return Expr(kind, type_, op, args[0].collation if collation is None else collation, args=args)


def and_(*args: Expr) -> Expr:
    return call(AND, *args, collation=NO_COLLATION)


def or_(*args: Expr) -> Expr:
    return call(OR, *args, collation=NO_COLLATION)


def not_(arg: Expr) -> Expr:
    return call(NOT, arg, collation=NO_COLLATION)


def in_(left: Expr, *items: Expr) -> Expr:
    return call(IN, left, *items)


def like(left: Expr, pattern: str) -> Expr:
    return call(LIKE, left, const(TEXT, pattern))


def is_null(arg: Expr) -> Expr:
    return call(IS_NULL, arg, collation=NO_COLLATION)


def function(name: str, type_: Type, *args: Expr) -> Expr:
    return call(FUNCTION, *args, op=FUNCTIONS.index(name), type_=type_)


# ---- relations

def _columns(columns: Sequence[Column]) -> bytes:
    return u32(len(columns)) + b"".join(each.write() for each in columns)


def scan(name: str, columns: Sequence[Column], table_options: Mapping[str, str] | None = None) -> Relation:
    body = u8(SCAN) + text(name) + text(None) + options(table_options or {}) + u8(0) + u8(0) + _columns(columns)
    return Relation(tuple(columns), body)


def native(request: str, columns: Sequence[Column]) -> Relation:
    return Relation(tuple(columns), u8(SCAN) + text(None) + text(request) + options({}) + u8(0) + u8(0) + _columns(columns))


def filter_(source: Relation, *conjuncts: Expr) -> Relation:
    return Relation(source.columns, u8(FILTER) + source.write() + exprs(conjuncts))


def project(source: Relation, *values: Expr) -> Relation:
    columns = tuple(Column(f"c{i}", value.type, value.collation) for i, value in enumerate(values))
    return Relation(columns, u8(PROJECT) + source.write() + exprs(values) + _columns(columns))


@dataclass(frozen=True)
class Aggregate:
    kind: str
    type: Type
    arg: Expr | None = None
    is_distinct: bool = False
    filter: Expr | None = None

    def collation(self) -> int:
        return NO_COLLATION if self.arg is None else self.arg.collation

    def write(self) -> bytes:
        return (u8(AGGREGATES.index(self.kind)) + u8(self.is_distinct) + u8(self.collation()) + type_bytes(self.type)
                + optional(self.arg) + optional(self.filter))


def aggregate(source: Relation, keys: Sequence[Expr], aggregates: Sequence[Aggregate]) -> Relation:
    columns = tuple([Column(f"k{i}", key.type, key.collation) for i, key in enumerate(keys)]
                    + [Column(f"a{i}", one.type, one.collation() if _is_text(one.type) else NO_COLLATION)
                       for i, one in enumerate(aggregates)])
    body = (u8(AGGREGATE) + source.write() + exprs(keys) + u32(len(aggregates))
            + b"".join(one.write() for one in aggregates) + _columns(columns))
    return Relation(columns, body)


def distinct(source: Relation) -> Relation:
    return Relation(source.columns, u8(DISTINCT) + source.write() + exprs([]))


def sort(source: Relation, *keys: tuple[Expr, bool, bool]) -> Relation:
    """Each key: what, is descending, NULLs first."""
    body = u8(SORT) + source.write() + u32(len(keys))
    for value, is_descending, nulls_first in keys:
        body += u8(is_descending) + u8(nulls_first) + u8(value.collation) + value.write()
    return Relation(source.columns, body)


def limit(source: Relation, count: int | None, offset: int | None = None) -> Relation:
    body = u8(LIMIT) + source.write()
    for number in (count, offset):
        body += optional(None if number is None else const(INT8, str(number)))
    return Relation(source.columns, body)


def join(kind: str, left: Relation, right: Relation, *conjuncts: Expr) -> Relation:
    both = left.columns + right.columns
    body = u8(JOIN) + left.write() + right.write() + u8(JOINS.index(kind)) + exprs(conjuncts)
    if kind in ("semi", "anti"):
        return Relation(left.columns, body)
    return Relation(both, body + _columns(both))


def both_sides(left: Relation, right: Relation) -> Relation:
    """What the COLUMNs of a join's conditions count: col(both_sides(a, b), i)."""
    return Relation(left.columns + right.columns, b"")


def values(*given: tuple[Type, str | None | Sequence[str | None]]) -> bytes:
    """The values of parameters, as they stand in OPEN; a list is a sequence of texts."""
    body = u32(len(given))
    for type_, value in given:
        is_list = value is not None and not isinstance(value, str)
        body += type_bytes(type_) + u8(is_list)
        body += texts(value) if is_list else text(value)  # type: ignore[arg-type]
    return body
