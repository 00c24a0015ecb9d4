"""The adapter sqlite in its process: values by their columns' types, and what is left to SQLite."""
from __future__ import annotations

import datetime as dt
import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from document_options import options, written
from harness import relation as rel
from harness.source_client import ROOT, SourceError, SourceSession, program

Make = Callable[..., SourceSession]
Rows = list[tuple[Any, ...]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """make(script, *rows of "t") makes a file and starts a session over it."""
    sessions: list[SourceSession] = []

    def make_one(script: str, rows: Sequence[Sequence[Any]] = (), **options: str) -> SourceSession:
        path = tmp_path / f"data{len(sessions)}.db"
        with sqlite3.connect(path) as db:
            db.executescript(script)
            if rows:
                db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
        db.close()
        session = SourceSession("sqlite", server_options={"path": str(path), **options})
        sessions.append(session)
        return session

    yield make_one
    for session in sessions:
        with session:
            pass


def table(*columns: tuple[str, rel.Type], on_error: str | None = None, collation: int = rel.C) -> rel.Relation:
    return rel.scan("t", [rel.column(name, type_, collation if type_ in (rel.TEXT, rel.VARCHAR) else None)
                          for name, type_ in columns], {"on_error": on_error} if on_error else {})


def failure(session: SourceSession, relation: rel.Relation) -> SourceError:
    with pytest.raises(SourceError) as caught:
        session.open(relation).table()
    return caught.value


def test_the_page_of_the_reference_lists_every_option() -> None:
    page = (ROOT / "docs" / "reference" / "sqlite.md").read_text()
    assert written(page)[1] == options(str(program()), "sqlite"), "run tools/document_options.py"


# ---- values

GOOD: list[tuple[rel.Type, Any, Any]] = [
    (rel.BOOL, 1, True), (rel.BOOL, 0, False), (rel.INT2, -32768, -32768), (rel.INT2, 32767, 32767),
    (rel.INT4, -2**31, -2**31), (rel.INT4, 2**31 - 1, 2**31 - 1), (rel.INT8, -2**63, -2**63), (rel.INT8, 2**63 - 1, 2**63 - 1),
    (rel.FLOAT8, 0.1, 0.1), (rel.FLOAT8, 7, 7.0), (rel.FLOAT8, math.inf, math.inf), (rel.FLOAT8, 2**53, 2.0**53),
    (rel.FLOAT4, 0.5, 0.5), (rel.FLOAT4, 16777216, 16777216.0), (rel.NUMERIC, 5, "5"), (rel.NUMERIC, 0.1, "0.1"),
    (rel.NUMERIC, 1e22, "10000000000000000000000"), (rel.NUMERIC, "12345678901234567890.123", "12345678901234567890.123"),
    (rel.TEXT, "", ""), (rel.TEXT, "ß🙂", "ß🙂"), (rel.VARCHAR, "x", "x"), ((1043, 4 + 3), "äöü", "äöü"),
    (rel.BYTEA, b"", b""), (rel.BYTEA, b"\0\xff", b"\0\xff"), (rel.DATE, "2024-02-29", dt.date(2024, 2, 29)),
    (rel.DATE, "0001-01-01", dt.date(1, 1, 1)), (rel.TIME, "23:59:59.5", dt.time(23, 59, 59, 500000)),
    (rel.TIMESTAMP, "2024-01-01 10:00:00.25", dt.datetime(2024, 1, 1, 10, 0, 0, 250000)),
    (rel.TIMESTAMP, "2024-01-01T10:00", dt.datetime(2024, 1, 1, 10)), (rel.TIMESTAMP, "2024-01-01", dt.datetime(2024, 1, 1)),
    (rel.TIMESTAMPTZ, "2024-01-01 00:30:00+05:30", dt.datetime(2023, 12, 31, 19, tzinfo=dt.timezone.utc)),
    (rel.UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (rel.UUID, bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"), (rel.JSONB, '{"a": [1]}', '{"a": [1]}'),
]
BAD: list[tuple[rel.Type, Any, str]] = [
    (rel.BOOL, 2, "22003"), (rel.BOOL, "true", "42804"), (rel.INT2, 32768, "22003"), (rel.INT4, 2**31, "22003"),
    (rel.INT8, "5", "42804"), (rel.INT8, 5.0, "42804"), (rel.INT8, b"5", "42804"), (rel.FLOAT8, "0.1", "42804"),
    (rel.FLOAT8, 2**53 + 1, "22003"), (rel.FLOAT4, 1e39, "22003"), (rel.FLOAT4, 1e-60, "22003"),
    (rel.NUMERIC, b"1", "42804"), (rel.NUMERIC, "one", "22P02"), (rel.TEXT, 5, "42804"), (rel.TEXT, b"x", "42804"),
    (rel.TEXT, "a\0b", "22021"), ((1043, 4 + 3), "äöü ", "22001"), (rel.BYTEA, "x", "42804"), (rel.DATE, "2023-02-29", "22007"),
    (rel.DATE, "2024-1-1", "22007"), (rel.DATE, "2024-01-01 00:00:00", "22007"), (rel.DATE, "0000-01-01", "22007"),
    (rel.DATE, 1704067200, "42804"), (rel.TIMESTAMP, "10:00:00", "22007"), (rel.TIMESTAMP, "12024-01-01", "22007"),
    (rel.TIMESTAMP, "2024-01-01 25:00:00", "22008"), (rel.TIMESTAMP, 2460310.5, "42804"), (rel.TIME, "nine", "22P02"),
    (rel.UUID, "zzz", "22P02"), (rel.UUID, b"123", "22P02"), (rel.JSONB, "{", "22P02"),
]


@pytest.mark.parametrize(("type_", "stored", "read"), GOOD, ids=lambda value: repr(value)[:24])
def test_values_that_fit(make: Make, type_: rel.Type, stored: Any, read: Any) -> None:
    session = make("CREATE TABLE t (x)", [[stored], [None]])
    assert session.open(table(("x", type_))).rows() == [(read,), (None,)]


@pytest.mark.parametrize(("type_", "stored", "sqlstate"), BAD, ids=lambda value: repr(value)[:24])
def test_values_that_do_not_fit(make: Make, type_: rel.Type, stored: Any, sqlstate: str) -> None:
    session = make("CREATE TABLE t (x)", [[stored], [None]])
    error = failure(session, table(("x", type_)))
    assert error.sqlstate == sqlstate
    assert 'column "x" of table "t"' in error.message
    assert str(stored) not in error.message or len(str(stored)) < 2
    scan = session.open(table(("x", type_), on_error="null"))
    assert scan.rows() == [(None,), (None,)]
    assert scan.stats is not None and scan.stats["nulled"] == 1


def test_text_that_is_not_utf8(make: Make) -> None:
    session = make("CREATE TABLE t (x); INSERT INTO t VALUES (CAST(x'E9' AS TEXT))")
    assert failure(session, table(("x", rel.TEXT))).sqlstate == "22021"


# ---- conditions

def conditions(session: SourceSession, source: rel.Relation, *exprs: rel.Expr) -> Rows:
    return session.open(rel.filter_(source, *exprs)).rows()


def test_a_wrong_value_is_an_error_where_it_is_compared_too(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER, y); CREATE INDEX i ON t (x)", [[1, "a"], ["many", "b"], [None, "c"]])
    t = table(("x", rel.INT4), ("y", rel.TEXT))
    only_y = rel.project(rel.filter_(t, rel.compare(">", rel.col(t, 0), rel.const(rel.INT4, "0"))), rel.col(t, 1))
    assert failure(session, only_y).sqlstate == "42804"
    for one in (rel.aggregate(t, [], [rel.Aggregate("max", rel.INT4, rel.col(t, 0))]),
                rel.aggregate(t, [], [rel.Aggregate("count", rel.INT8, rel.col(t, 0))]),
                rel.project(rel.sort(t, (rel.col(t, 0), False, False)), rel.col(t, 1)),
                rel.distinct(rel.project(t, rel.col(t, 0)))):
        assert failure(session, one).sqlstate == "42804"
    lenient = table(("x", rel.INT4), ("y", rel.TEXT), on_error="null")
    kept = rel.filter_(lenient, rel.is_null(rel.col(lenient, 0)))
    assert session.open(rel.project(kept, rel.col(lenient, 1))).rows() == [("b",), ("c",)]
    total = rel.aggregate(lenient, [], [rel.Aggregate("count", rel.INT8, rel.col(lenient, 0)),
                                        rel.Aggregate("sum", rel.INT8, rel.col(lenient, 0))])
    assert session.open(total).rows() == [(1, 1)]


def test_texts_compare_by_bytes_whatever_the_column_says(make: Make) -> None:
    words = ["a", "A", "b", "B", "ä", "a ", "10", "9", " 9", "!"]
    for declared in ("TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "INTEGER", "STRING", "NUMERIC", ""):
        session = make(f"CREATE TABLE t (x {declared}); CREATE INDEX i ON t (x)",
                       [[word] for word in words if not word.strip().isdigit() or "TEXT" in declared or not declared])
        stored = [word for word in words if not word.strip().isdigit() or "TEXT" in declared or not declared]
        t = table(("x", rel.TEXT))
        for op, test in {"=": str.__eq__, "<>": str.__ne__, "<": str.__lt__, ">": str.__gt__, "<=": str.__le__,
                         ">=": str.__ge__, "IS DISTINCT FROM": str.__ne__}.items():
            for word in ("a", "A", "10", "9", "5", "a ", ""):
                found = conditions(session, t, rel.compare(op, rel.col(t, 0), rel.const(rel.TEXT, word)))
                assert sorted(found) == sorted((one,) for one in stored if test(one, word)), (declared, op, word)
        ordered = session.open(rel.sort(t, (rel.col(t, 0), False, False))).rows()
        assert ordered == sorted((one,) for one in stored)
        grouped = rel.aggregate(t, [rel.col(t, 0)], [rel.Aggregate("count(*)", rel.INT8)])
        assert sorted(session.open(grouped).rows()) == sorted((one, 1) for one in stored)
        least = rel.aggregate(t, [], [rel.Aggregate("min", rel.TEXT, rel.col(t, 0)),
                                      rel.Aggregate("count", rel.INT8, rel.col(t, 0), is_distinct=True)])
        assert session.open(least).rows() == [(min(stored), len(stored))]
        listed = rel.in_(rel.col(t, 0), *[rel.const(rel.TEXT, word) for word in ("A", "9", "zz")])
        assert sorted(conditions(session, t, listed)) == sorted((one,) for one in stored if one in ("A", "9"))


def test_like_knows_upper_from_lower_case(make: Make) -> None:
    session = make("CREATE TABLE t (x TEXT)", [["abc"], ["ABC"], ["a%c"], ["a_c"], ["äbc"], ["a\\c"], [None]])
    t = table(("x", rel.TEXT))
    for pattern, found in {"a%": ["abc", "a%c", "a_c", "a\\c"], "A%": ["ABC"], "a\\%c": ["a%c"], "a\\_c": ["a_c"],
                           "a\\\\c": ["a\\c"], "_bc": ["abc", "äbc"], "%": ["abc", "ABC", "a%c", "a_c", "äbc", "a\\c"],
                           "": []}.items():
        assert conditions(session, t, rel.like(rel.col(t, 0), pattern)) == [(one,) for one in found], pattern
    assert failure(session, rel.filter_(t, rel.like(rel.col(t, 0), "a\\"))).sqlstate == "22025"


def test_nulls_are_neither_equal_nor_not(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER, b BOOLEAN)", [[1, 1], [2, 0], [None, None]])
    t = table(("x", rel.INT4), ("b", rel.BOOL))
    x, b = rel.col(t, 0), rel.col(t, 1)
    one, null = rel.const(rel.INT4, "1"), rel.const(rel.INT4, None)
    cases: list[tuple[rel.Expr, list[int | None]]] = [
        (rel.compare("=", x, one), [1]), (rel.not_(rel.compare("=", x, one)), [2]), (rel.compare("=", x, null), []),
        (rel.compare("IS DISTINCT FROM", x, one), [2, None]), (rel.compare("IS NOT DISTINCT FROM", x, null), [None]),
        (rel.in_(x, one, null), [1]), (rel.not_(rel.in_(x, one, null)), []),
        (rel.is_null(x), [None]), (rel.not_(rel.is_null(x)), [1, 2]), (b, [1]), (rel.not_(b), [2]),
        (rel.call(rel.IS_TRUE, b, op=1), [2]), (rel.not_(rel.call(rel.IS_TRUE, b)), [2, None]),
        (rel.compare("=", rel.not_(b), rel.const(rel.BOOL, "t")), [2]),
        (rel.or_(rel.compare("=", x, one), rel.is_null(b)), [1, None]),
        (rel.compare("=", rel.call(rel.COALESCE, x, one, type_=rel.INT4), one), [1, None]),
        (rel.compare("=", rel.call(rel.CASE, b, one, null, type_=rel.INT4), one), [1]),
    ]
    for expr, found in cases:
        assert [row[0] for row in conditions(session, t, expr)] == found, expr


def test_dates_beyond_the_calendar_of_sqlite(make: Make) -> None:
    session = make("CREATE TABLE t (d DATE)", [["0001-01-01"], ["2024-02-29"], ["9999-12-31"], [None]])
    t = table(("d", rel.DATE))
    for op, bound, count in [(">", "-infinity", 3), ("<", "infinity", 3), (">", "infinity", 0), ("=", "infinity", 0),
                             (">", "0044-03-15 BC", 3), ("<", "10000-01-01", 3), ("<=", "2024-02-29", 2), ("<>", "infinity", 3),
                             ("=", "2024-02-29", 1), ("<", "2024-02-29", 1)]:
        found = conditions(session, t, rel.compare(op, rel.col(t, 0), rel.const(rel.DATE, bound)))
        assert len(found) == count, (op, bound)


def test_timestamps_are_narrowed_by_their_dates(make: Make) -> None:
    stored = ["2023-12-31 23:59:59", "2024-01-01", "2024-01-01T00:00:00.5", "2024-01-01 23:00", "2024-01-02 00:00:00"]
    session = make("CREATE TABLE t (at TIMESTAMP)", [[one] for one in stored])
    for type_ in (rel.TIMESTAMP, rel.TIMESTAMPTZ):
        t = table(("at", type_))
        moments = [row[0] for row in session.open(t).rows()]
        zone = "+00" if type_ == rel.TIMESTAMPTZ else ""
        for op, test in {"<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "=": lambda a, b: a == b}.items():
            for bound in ("2024-01-01 00:00:00", "2024-01-01 12:00:00", "0001-01-01 00:00:00", "9999-12-31 00:00:00"):
                expr = rel.compare(op, rel.col(t, 0), rel.const(type_, bound + zone))
                turned = rel.compare({"<": ">", ">=": "<=", "=": "="}[op], rel.const(type_, bound + zone), rel.col(t, 0))
                moment = dt.datetime.fromisoformat(bound).replace(tzinfo=dt.timezone.utc if zone else None)
                right = {one for one in moments if test(one, moment)}
                for each in (expr, turned):
                    assert right <= {row[0] for row in conditions(session, t, each)}
        few = conditions(session, t, rel.compare(">", rel.col(t, 0), rel.const(type_, "2024-02-01 00:00:00" + zone)))
        assert few == []
        assert len(conditions(session, t, rel.compare("<", rel.col(t, 0), rel.const(type_, "infinity")))) == 5


def test_not_a_number_is_above_all(make: Make) -> None:
    session = make("CREATE TABLE t (x REAL)", [[1.5], [math.inf], [-math.inf], [None]])
    t = table(("x", rel.FLOAT8))
    for op, bound, count in [("<", "NaN", 3), (">", "NaN", 0), ("=", "NaN", 0), ("<>", "NaN", 3), ("=", "Infinity", 1),
                             (">", "-Infinity", 2), ("=", "1.5", 1), ("IS DISTINCT FROM", "NaN", 4),
                             ("IS NOT DISTINCT FROM", "NaN", 0)]:
        x, number = rel.col(t, 0), rel.const(rel.FLOAT8, bound)
        assert len(conditions(session, t, rel.compare(op, x, number))) == count, (op, bound)
        if "DISTINCT" not in op:
            negated = conditions(session, t, rel.not_(rel.compare(op, x, number)))
            assert len(negated) == 3 - count, (op, bound)


def test_functions_mean_what_they_do_in_postgresql(make: Make) -> None:
    session = make("CREATE TABLE t (x TEXT)", [["  äbc🙂 "]])
    t = table(("x", rel.TEXT))
    x, of = rel.col(t, 0), rel.const
    one, two, three = (of(rel.INT4, str(i)) for i in (1, 2, 3))
    values = [
        (rel.function("length", rel.INT4, x), 7), (rel.function("octet_length", rel.INT4, x), 11),
        (rel.function("trim", rel.TEXT, x), "äbc🙂"), (rel.function("ltrim", rel.TEXT, x), "äbc🙂 "),
        (rel.function("rtrim", rel.TEXT, x), "  äbc🙂"), (rel.function("left", rel.TEXT, x, three), "  ä"),
        (rel.function("substring", rel.TEXT, x, three), "äbc🙂 "), (rel.function("substring", rel.TEXT, x, three, two), "äb"),
        (rel.function("replace", rel.TEXT, x, of(rel.TEXT, " "), of(rel.TEXT, "")), "äbc🙂"),
        (rel.function("replace", rel.TEXT, x, of(rel.TEXT, ""), of(rel.TEXT, "y")), "  äbc🙂 "),
        (rel.function("strpos", rel.INT4, x, of(rel.TEXT, "b")), 4), (rel.function("strpos", rel.INT4, x, of(rel.TEXT, "")), 1),
        (rel.function("strpos", rel.INT4, x, of(rel.TEXT, "B")), 0),
        (rel.function("concat", rel.TEXT, x, of(rel.TEXT, "!")), "  äbc🙂 !"),
        (rel.call(rel.FUNCTION, x, of(rel.TEXT, "  ä"), op=rel.FUNCTIONS.index("starts_with")), True),
        (rel.call(rel.FUNCTION, x, of(rel.TEXT, "  Ä"), op=rel.FUNCTIONS.index("starts_with")), False),
        (rel.call(rel.FUNCTION, x, of(rel.TEXT, ""), op=rel.FUNCTIONS.index("starts_with")), True),
        (rel.call(rel.CAST, one, type_=rel.FLOAT8), 1.0),
    ]
    assert session.open(rel.project(t, *[expr for expr, _ in values])).rows() == [tuple(value for _, value in values)]


def test_long_lists_go_over_at_once(make: Make) -> None:
    session = make("CREATE TABLE t (i INTEGER PRIMARY KEY, s TEXT, d DATE)",
                   [[i, f"it's \"{i}\" \\ 🙂", f"2024-01-{i % 28 + 1:02}"] for i in range(500)])
    t = table(("i", rel.INT8), ("s", rel.TEXT), ("d", rel.DATE))
    wanted = [str(i) for i in range(100, 40_000)]
    found = conditions(session, t, rel.in_(rel.col(t, 0), *[rel.const(rel.INT8, i) for i in wanted]))
    assert [row[0] for row in found] == list(range(100, 500))
    texts = [rel.const(rel.TEXT, f"it's \"{i}\" \\ 🙂") for i in range(0, 1000, 10)]
    assert len(conditions(session, t, rel.in_(rel.col(t, 1), *texts, rel.const(rel.TEXT, None)))) == 50
    days = [rel.const(rel.DATE, f"2024-01-{i:02}") for i in range(1, 15)] + [rel.const(rel.DATE, "infinity")] * 30
    assert len(conditions(session, t, rel.in_(rel.col(t, 2), *days))) == 252


# ---- groups, order, joins

def test_aggregates(make: Make) -> None:
    session = make("CREATE TABLE t (k TEXT, x INTEGER, b BOOLEAN)",
                   [["a", 1, 1], ["a", 2, 1], ["b", None, 0], ["b", 5, 1], [None, 7, None], ["a", 2, None]])
    t = table(("k", rel.TEXT), ("x", rel.INT4), ("b", rel.BOOL))
    k, x, b = (rel.col(t, i) for i in range(3))
    big = rel.compare(">", x, rel.const(rel.INT4, "1"))
    made = rel.aggregate(t, [k], [
        rel.Aggregate("count(*)", rel.INT8), rel.Aggregate("count", rel.INT8, x), rel.Aggregate("count", rel.INT8, x, True),
        rel.Aggregate("sum", rel.INT8, x), rel.Aggregate("sum", rel.INT8, x, True), rel.Aggregate("max", rel.INT4, x),
        rel.Aggregate("count(*)", rel.INT8, filter=big), rel.Aggregate("bool_and", rel.BOOL, b),
        rel.Aggregate("bool_or", rel.BOOL, b)])
    ordered = rel.sort(made, (rel.col(made, 0), False, True))
    assert session.open(ordered).rows() == [(None, 1, 1, 1, 7, 7, 7, 1, None, None), ("a", 3, 3, 2, 5, 3, 2, 2, True, True),
                                            ("b", 2, 1, 1, 5, 5, 5, 1, False, True)]
    having = rel.filter_(made, rel.compare(">", rel.col(made, 1), rel.const(rel.INT8, "1")))
    assert {row[0] for row in session.open(having).rows()} == {"a", "b"}
    none = rel.filter_(t, rel.compare("<", x, rel.const(rel.INT4, "0")))
    total = rel.aggregate(none, [], [rel.Aggregate("count(*)", rel.INT8), rel.Aggregate("sum", rel.INT8, x)])
    assert session.open(total).rows() == [(0, None)]
    assert session.open(rel.filter_(total, rel.compare(">", rel.col(total, 0), rel.const(rel.INT8, "0")))).rows() == []
    assert session.open(rel.aggregate(none, [k], [rel.Aggregate("count(*)", rel.INT8)])).rows() == []


def test_a_sum_that_overflows_is_an_error(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER)", [[2**31 - 1]] * 3)
    t = table(("x", rel.INT4))
    total = rel.aggregate(t, [], [rel.Aggregate("sum", rel.INT8, rel.col(t, 0))])
    assert session.open(total).rows() == [(3 * (2**31 - 1),)]
    session = make("CREATE TABLE t (x INTEGER)", [[2**62]] * 3)
    total = rel.native("SELECT sum(x) FROM t", [rel.column("x", rel.INT8)])
    assert failure(session, total).sqlstate == "22003"


def test_order_and_limits(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER, y TEXT)", [[2, "b"], [None, "n"], [1, "a"], [3, None], [1, "c"]])
    t = table(("x", rel.INT4), ("y", rel.TEXT))
    x, y = rel.col(t, 0), rel.col(t, 1)
    for is_descending in (False, True):
        for nulls_first in (False, True):
            got = [row[0] for row in session.open(rel.sort(t, (x, is_descending, nulls_first))).rows()]
            numbers = sorted([1, 1, 2, 3], reverse=is_descending)
            assert got == ([None, *numbers] if nulls_first else [*numbers, None])
    top = rel.limit(rel.sort(t, (x, False, False), (y, True, False)), 2, 1)
    assert session.open(top).rows() == [(1, "a"), (2, "b")]
    assert len(session.open(rel.limit(t, None, 3)).rows()) == 2
    assert session.open(rel.limit(t, 0)).rows() == []
    two = rel.limit(rel.limit(rel.sort(t, (x, False, False)), 3), 2, 2)
    assert session.open(two).rows() == [(2, "b")]
    once = rel.limit(rel.sort(rel.distinct(rel.project(t, x)), (rel.col(t, 0), False, False)), 2)
    assert session.open(once).rows() == [(1,), (2,)]


JOINED = """
CREATE TABLE t (id INTEGER, u INTEGER, x TEXT);
INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, NULL, 'c'), (4, 99, 'd'), (5, 10, 'e');
CREATE TABLE u (id INTEGER, y TEXT);
INSERT INTO u VALUES (10, 'p'), (10, 'q'), (20, 'r'), (30, 's'), (NULL, 'z');
"""


def test_joins(make: Make) -> None:
    session = make(JOINED)
    t = table(("id", rel.INT4), ("u", rel.INT4), ("x", rel.TEXT))
    u = rel.scan("u", [rel.column("id", rel.INT4), rel.column("y", rel.TEXT)])
    both = rel.both_sides(t, u)
    on = rel.compare("=", rel.col(both, 1), rel.col(both, 3))

    def ids(relation: rel.Relation) -> list[tuple[Any, Any]]:
        wide = len(relation.columns) == 5
        return sorted((row[0], row[4] if wide else None) for row in session.open(relation).rows())

    assert ids(rel.join("inner", t, u, on)) == [(1, "p"), (1, "q"), (2, "r"), (5, "p"), (5, "q")]
    left = rel.join("left", t, u, on, rel.compare("<>", rel.col(both, 4), rel.const(rel.TEXT, "p")))
    assert ids(left) == [(1, "q"), (2, "r"), (3, None), (4, None), (5, "q")]
    assert ids(rel.join("semi", t, u, on)) == [(1, None), (2, None), (5, None)]
    assert ids(rel.join("anti", t, u, on)) == [(3, None), (4, None)]
    few_t = rel.filter_(t, rel.compare("<", rel.col(t, 0), rel.const(rel.INT4, "5")))
    few_u = rel.filter_(u, rel.compare("<>", rel.col(u, 1), rel.const(rel.TEXT, "q")))
    assert ids(rel.join("left", few_t, few_u, on)) == [(1, "p"), (2, "r"), (3, None), (4, None)]
    above = rel.filter_(rel.join("left", t, u, on), rel.is_null(rel.col(both, 4)))
    assert ids(above) == [(3, None), (4, None)]
    three = rel.join("inner", rel.join("left", t, u, on), rel.join("inner", t, u, on),
                     rel.compare("=", rel.col(both, 0), rel.Expr(rel.COLUMN, rel.INT4, tail=rel.u32(5))))
    assert len(session.open(three).rows()) == 9
    counted = rel.aggregate(rel.join("inner", t, u, on), [rel.col(both, 4)], [rel.Aggregate("count(*)", rel.INT8)])
    assert sorted(session.open(counted).rows()) == [("p", 2), ("q", 2), ("r", 1)]
    limited = rel.join("inner", rel.limit(rel.sort(t, (rel.col(t, 0), False, False)), 2), u, on)
    assert ids(limited) == [(1, "p"), (1, "q"), (2, "r")]


def test_a_filter_uses_an_index(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER, y TEXT); CREATE INDEX i ON t (x); CREATE INDEX j ON t (y)",
                   [[i, str(i)] for i in range(300_000)])
    t = table(("x", rel.INT8), ("y", rel.TEXT))
    start = time.monotonic()
    for i in range(200):
        assert conditions(session, t, rel.compare("=", rel.col(t, 0), rel.const(rel.INT8, str(i)))) == [(i, str(i))]
        assert conditions(session, t, rel.compare("=", rel.col(t, 1), rel.const(rel.TEXT, str(i)))) == [(i, str(i))]
    # 400 scans of the whole table would take minutes.
    assert time.monotonic() - start < 20


# ---- names, the file, requests of the user's own

def test_names_of_the_file(make: Make) -> None:
    session = make('CREATE TABLE "a ""quoted"" table" ("from" INTEGER, "x\'y" TEXT); INSERT INTO "a ""quoted"" table" VALUES (1, 2)')
    relation = rel.scan("t", [rel.column("a", rel.INT4, column="from"), rel.column("b", rel.TEXT, column="x'y")],
                        {"table": 'a "quoted" table'})
    assert session.open(relation).rows() == [(1, "2")]
    assert 'no such column: t1.nowhere' in failure(session, rel.scan("t", [rel.column("nowhere", rel.INT4)],
                                                                     {"table": 'a "quoted" table'})).message


def test_import(make: Make) -> None:
    session = make("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, price DECIMAL(10, 2), at DATETIME, day DATE,
                        is_new BOOLEAN, data BLOB, ratio REAL, anything, twice INTEGER GENERATED ALWAYS AS (id * 2));
        CREATE VIEW v AS SELECT name FROM t; CREATE VIRTUAL TABLE f USING fts5(body)""")
    tables = {name: columns for name, _, columns in session.tables()}
    assert set(tables) >= {"t", "v", "f"}
    text = 'text COLLATE "C"'
    assert [(column.name, column.type, column.is_not_null) for column in tables["t"]] == [
        ("id", "bigint", False), ("name", text, True), ("price", "numeric", False), ("at", "timestamp", False),
        ("day", "date", False), ("is_new", "boolean", False), ("data", "bytea", False), ("ratio", "double precision", False),
        ("anything", text, False), ("twice", "bigint", False)]
    assert [column.name for column in tables["f"]] == ["body"]
    assert [name for name, _, _ in session.tables(only=["v", "none"])] == ["v"]
    assert "t" not in {name for name, _, _ in session.tables(but=["t"])}
    with pytest.raises(SourceError, match="one schema"):
        list(session.tables("public"))


@pytest.mark.parametrize("request_", [
    "INSERT INTO t VALUES (1) RETURNING 1", "ATTACH '/etc/passwd' AS p", "PRAGMA writable_schema = 1", "DROP TABLE t",
    "SELECT load_extension('x')", "VACUUM INTO '/tmp/copy.db'", "SELECT * FROM pragma_database_list", "CREATE TEMP TABLE x (y)",
    "SELECT 1; SELECT 2", "", "SELECT instant_value(1)", "SELECT 1, 2"])
def test_requests_that_are_no_select_are_refused(make: Make, request_: str) -> None:
    session = make("CREATE TABLE t (x INTEGER)", [[1]])
    failure(session, rel.native(request_, [rel.column("x", rel.INT4)]))
    assert session.open(rel.native("SELECT x FROM t", [rel.column("y", rel.INT4)])).rows() == [(1,)]


def test_a_request_of_the_users_own_cannot_use_our_functions_to_read(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER)", [[1]])
    own = rel.native("SELECT instant_value(x, 7) FROM t", [rel.column("y", rel.INT4)])
    assert session.open(own).rows() == [(None,)]


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to look like one" * 100)
    for name, words in [("none.db", "cannot open"), ("text", "not a database"), (".", "it is a directory")]:
        with SourceSession("sqlite", server_options={"path": str(tmp_path / name)}) as session:
            assert words in failure(session, table(("x", rel.INT4))).message
    assert not (tmp_path / "none.db").exists()


def test_a_file_cut_off_or_overwritten(make: Make, tmp_path: Path) -> None:
    session = make("CREATE TABLE t (x INTEGER, y TEXT)", [[i, "y" * 100] for i in range(2000)])
    data = bytearray((tmp_path / "data0.db").read_bytes())
    for at in range(4096, len(data), 4096):
        data[at:at + 64] = b"\xff" * 64
    (tmp_path / "data0.db").write_bytes(data)
    failure(session, table(("x", rel.INT8), ("y", rel.TEXT)))
    (tmp_path / "data0.db").write_bytes(data[:6000])
    failure(session, table(("x", rel.INT8), ("y", rel.TEXT)))


def test_a_writer_is_waited_for(make: Make, tmp_path: Path) -> None:
    session = make("CREATE TABLE t (x INTEGER)", [[1]], busy_timeout="300ms")
    with sqlite3.connect(tmp_path / "data0.db", isolation_level=None) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        error = failure(session, table(("x", rel.INT4)))
        assert error.sqlstate == "55P03" and time.monotonic() - start > 0.25
        assert error.stats["wait_us"] > 200_000
        writer.execute("ROLLBACK")
    writer.close()
    assert session.open(table(("x", rel.INT4))).rows() == [(1,)]


def test_a_file_with_a_write_ahead_log_that_others_write(make: Make, tmp_path: Path) -> None:
    session = make("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER)", [[1]])
    assert session.open(table(("x", rel.INT4))).rows() == [(1,)]
    with sqlite3.connect(tmp_path / "data0.db", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (2)")
        assert session.open(table(("x", rel.INT4))).rows() == [(1,)]
        writer.execute("COMMIT")
        assert session.open(table(("x", rel.INT4))).rows() == [(1,), (2,)]
    writer.close()


def test_an_order_that_does_not_fit_in_memory(make: Make) -> None:
    session = make("CREATE TABLE t (x INTEGER, y TEXT)", [[i * 7919 % 40000, "y" * 2000] for i in range(40000)])
    t = table(("x", rel.INT8), ("y", rel.TEXT))
    found = session.open(rel.sort(t, (rel.col(t, 0), False, False))).table()
    assert found.column(0).to_pylist() == list(range(40000))
