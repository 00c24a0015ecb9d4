"""Python values on their way to the hub: exact, or a clear error."""
from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import math
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instant_connector import DataError, InterfaceError, Interval, Json, SyncInstantDataConnector

pytest_plugins = ["connectors"]


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def text_of(connector: SyncInstantDataConnector, value: Any, kind: str) -> str | None:
    """What the server reads: its own text of the value."""
    (row,) = connector.query(f"SELECT (%s::{kind})::text AS t", [value]).rows()
    text: str | None = row["t"]
    return text


UTC = dt.timezone.utc

CASES: list[tuple[Any, str, str | None]] = [
    (None, "integer", None),
    (True, "boolean", "true"),
    (False, "boolean", "false"),
    (0, "integer", "0"),
    (-9223372036854775808, "bigint", "-9223372036854775808"),
    (2**200, "numeric", str(2**200)),
    (1.5, "double precision", "1.5"),
    (0.1, "double precision", "0.1"),
    (5e-324, "double precision", "5e-324"),
    (1.7976931348623157e308, "double precision", "1.7976931348623157e+308"),
    (-0.0, "double precision", "-0"),
    (math.nan, "double precision", "NaN"),
    (math.inf, "double precision", "Infinity"),
    (-math.inf, "double precision", "-Infinity"),
    (Decimal("1.50"), "numeric", "1.50"),
    (Decimal("1E+3"), "numeric", "1000"),
    (Decimal("-1E-20"), "numeric", "-0.00000000000000000001"),
    (Decimal("NaN"), "numeric", "NaN"),
    (Decimal("sNaN"), "numeric", "NaN"),
    ("", "text", ""),
    ("Größe 日本語 🙂", "text", "Größe 日本語 🙂"),
    ("'; DROP TABLE x; --\\", "text", "'; DROP TABLE x; --\\"),
    ("%s $1 :name", "text", "%s $1 :name"),
    (b"", "bytea", "\\x"),
    (b"\x00\xff'\\", "bytea", "\\x00ff275c"),
    (bytearray(b"ab"), "bytea", "\\x6162"),
    (memoryview(b"abcdef")[::2], "bytea", "\\x616365"),
    (dt.date(2013, 1, 31), "date", "2013-01-31"),
    (dt.date.min, "date", "0001-01-01"),
    (dt.date.max, "date", "9999-12-31"),
    (dt.datetime(2013, 1, 31, 12, 30, 0, 1), "timestamp", "2013-01-31 12:30:00.000001"),
    (dt.datetime.min, "timestamp", "0001-01-01 00:00:00"),
    (dt.datetime(2013, 6, 1, 12, tzinfo=UTC), "timestamptz", "2013-06-01 12:00:00+00"),
    (dt.datetime(2013, 6, 1, 12, tzinfo=ZoneInfo("America/New_York")), "timestamptz", "2013-06-01 16:00:00+00"),
    (dt.datetime(2013, 11, 3, 1, 30, fold=1, tzinfo=ZoneInfo("America/New_York")), "timestamptz",
     "2013-11-03 06:30:00+00"),
    (dt.datetime(1850, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam")), "timestamptz", None),
    (dt.time(23, 59, 59, 999999), "time", "23:59:59.999999"),
    (dt.time(12, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5))), "timetz", "12:30:00-05"),
    (dt.timedelta(days=1, seconds=3, microseconds=5), "interval", "1 day 00:00:03.000005"),
    (dt.timedelta(seconds=-1), "interval", "-1 days +23:59:59"),
    (Interval(14, -3, -1_500_000), "interval", "1 year 2 mons -3 days -00:00:01.5"),
    (Interval(-1, 0, 1), "interval", "-1 mons +00:00:00.000001"),
    (Interval(), "interval", "00:00:00"),
    (uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ({"a": [1, None, "ß"]}, "jsonb", '{"a": [1, null, "ß"]}'),
    (Json([1, 2]), "jsonb", "[1, 2]"),
    (Json(None), "jsonb", "null"),
    ([1, None, 3], "integer[]", "{1,NULL,3}"),
    ((1.5, math.nan), "double precision[]", "{1.5,NaN}"),
    (["a", 'b"c\\', None, "NULL", "", "{}"], "text[]", '{a,"b\\"c\\\\",NULL,"NULL","","{}"}'),
    ([[1, 2], [3, 4]], "integer[]", "{{1,2},{3,4}}"),
    ([], "integer[]", "{}"),
    ([1, Decimal("2.5")], "numeric[]", "{1,2.5}"),
    ([b"\x00a", b""], "bytea[]", '{"\\\\x0061","\\\\x"}'),
    ([dt.date(2013, 1, 1), None], "date[]", "{2013-01-01,NULL}"),
    ([True, False], "boolean[]", "{t,f}"),
    ([{"a": 1}], "jsonb[]", '{"{\\"a\\": 1}"}'),
    (range(3), "integer[]", "{0,1,2}"),
    (Color.RED, "text", "red"),
    (Level.HIGH, "integer", "3"),
    (ipaddress.ip_address("10.0.0.1"), "inet", "10.0.0.1/32"),
    (ipaddress.ip_network("10.0.0.0/8"), "cidr", "10.0.0.0/8"),
    (np.int64(7), "integer", "7"),
    (np.uint64(2**64 - 1), "numeric", str(2**64 - 1)),
    (np.float32(0.5), "real", "0.5"),
    (np.float64("nan"), "double precision", "NaN"),
    (np.bool_(True), "boolean", "true"),
    (np.str_("x"), "text", "x"),
    (np.bytes_(b"x"), "bytea", "\\x78"),
    (np.datetime64("2013-01-31"), "date", "2013-01-31"),
    (np.datetime64("2013-01-31T12:00:00.000001"), "timestamp", "2013-01-31 12:00:00.000001"),
    (np.datetime64("2013-01-31T12:00:00.000001000"), "timestamp", "2013-01-31 12:00:00.000001"),
    (np.datetime64("NaT"), "timestamp", None),
    (np.timedelta64(90, "s"), "interval", "00:01:30"),
    (np.array([1, 2]), "integer[]", "{1,2}"),
    (np.array([[1.5], [2.5]]), "double precision[]", "{{1.5},{2.5}}"),
    (np.array(["2013-01-01", "NaT"], "M8[D]"), "date[]", "{2013-01-01,NULL}"),
    (pd.Timestamp("2013-01-31 12:00"), "timestamp", "2013-01-31 12:00:00"),
    (pd.Timestamp("2013-06-01 12:00", tz="America/New_York"), "timestamptz", "2013-06-01 16:00:00+00"),
    (pd.NaT, "timestamp", None),
    (pd.NA, "integer", None),
    (pd.Timedelta("1 day 2 s"), "interval", "1 day 00:00:02"),
    (pd.Series([1, 2]), "integer[]", "{1,2}"),
    (pd.Series(pd.to_datetime(["2013-01-01", None])), "timestamp[]", '{"2013-01-01 00:00:00",NULL}'),
    (pl.Series([1, None]), "integer[]", "{1,NULL}"),
    (pa.array([1, None]), "integer[]", "{1,NULL}"),
    (pa.scalar(5), "integer", "5"),
]


@pytest.mark.parametrize(("value", "kind", "expected"), CASES, ids=lambda value: type(value).__name__)
def test_a_value_arrives(plain: SyncInstantDataConnector, value: Any, kind: str, expected: str | None) -> None:
    plain_text = text_of(plain, value, kind)
    if isinstance(value, dt.datetime) and value.year == 1850:
        assert plain_text is not None and plain_text.endswith("+00")  # local mean time: an offset with seconds
        assert dt.datetime.fromisoformat(plain_text) == value
        return
    assert plain_text == expected


NOT_SENT: list[tuple[Any, type[Exception], str]] = [
    (object(), InterfaceError, "object"),
    (1j, InterfaceError, "complex"),
    (np.complex64(1), InterfaceError, "complex"),
    ("a\0b", DataError, "NUL"),
    ("a\ud800b", DataError, "surrogate"),
    (["a\ud800"], DataError, "surrogate"),
    ({"a": "\ud800"}, DataError, "surrogate"),
    ({"a": math.nan}, DataError, "JSON"),
    ({"a": object()}, DataError, "JSON"),
    (Decimal("1E+200000"), DataError, "numeric"),
    (Decimal("1E-200000"), DataError, "numeric"),
    ([1, "a"], DataError, "different types"),
    ([[[[[[[1]]]]]]], DataError, "dimensions"),
    (dt.time(12, tzinfo=ZoneInfo("Europe/Berlin")), DataError, "offset"),
    (pd.Timestamp("2013-01-01 00:00:00.000000001"), DataError, "nanoseconds"),
    (pd.Timedelta(1, "ns"), DataError, "nanoseconds"),
    (np.datetime64("2013-01-01T00:00:00.000000001"), DataError, "microseconds"),
    (np.datetime64("20000-01-01"), DataError, "9999"),
    (np.timedelta64(1, "M"), DataError, "fixed length"),
    (pd.Period("2013-01"), InterfaceError, "Period"),
]


@pytest.mark.parametrize(("value", "error", "word"), NOT_SENT, ids=lambda value: type(value).__name__)
def test_a_value_that_cannot_be_sent(plain: SyncInstantDataConnector, value: Any, error: type[Exception],
                                     word: str) -> None:
    with pytest.raises(error, match=word) as caught:
        plain.query("SELECT 1, %s", [value]).rows()
    assert "parameter 1" in str(caught.value)
    with pytest.raises(error, match='parameter "name"'):
        plain.query("SELECT :name", {"name": value}).rows()


def test_an_int_of_five_thousand_digits(plain: SyncInstantDataConnector) -> None:
    """Python itself does not write integers of more than 4,300 digits."""
    assert text_of(plain, -(10**5000), "numeric") == "-1" + "0" * 5000


def test_a_list_that_holds_itself(plain: SyncInstantDataConnector) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(DataError, match="dimensions"):
        plain.query("SELECT %s", [endless]).rows()


def test_an_exception_of_a_value_passes(plain: SyncInstantDataConnector) -> None:
    class Angry(dt.tzinfo):
        def utcoffset(self, _: Any) -> Any:
            raise ZeroDivisionError("no offset today")

    with pytest.raises(ZeroDivisionError):
        plain.query("SELECT %s", [dt.datetime(2013, 1, 1, tzinfo=Angry())]).rows()


PLACEHOLDERS = [
    ("SELECT $2::int - $1::int AS n", [1, 3]),
    ("SELECT %s::int - %s::int AS n", (3, 1)),
    ("SELECT :b::int - :a::int AS n", {"a": 1, "b": 3}),
    ("SELECT %(b)s::int - %(a)s::int AS n", {"a": 1, "b": 3}),
]


@pytest.mark.parametrize(("sql", "parameters"), PLACEHOLDERS)
def test_placeholders(plain: SyncInstantDataConnector, sql: str, parameters: Any) -> None:
    assert plain.query(sql, parameters).rows() == [{"n": 2}]


exact_values = st.one_of(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.just("bigint")),
    st.tuples(st.floats(allow_nan=False), st.just("double precision")),
    st.tuples(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-10**20, max_value=10**20),
              st.just("numeric")),
    st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.just("text")),
    st.tuples(st.binary(), st.just("bytea")),
    st.tuples(st.dates(), st.just("date")),
    st.tuples(st.times(), st.just("time")),
    st.tuples(st.datetimes(), st.just("timestamp")),
    st.tuples(st.datetimes(timezones=st.just(UTC)), st.just("timestamptz")),
    st.tuples(st.uuids().map(str), st.just("uuid")),
    st.tuples(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"],
                                                                    exclude_characters="\0")))), st.just("text[]")),
    st.tuples(st.builds(Interval, st.integers(-10**5, 10**5), st.integers(-10**5, 10**5),
                        st.integers(-10**15, 10**15)), st.just("interval")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(exact_values, min_size=1, max_size=8))
def test_what_goes_in_comes_out(plain: SyncInstantDataConnector, values: list[tuple[Any, str]]) -> None:
    columns = ", ".join(f"%s::{kind} AS c{i}" for i, (_, kind) in enumerate(values))
    (row,) = plain.query(f"SELECT {columns}", [value for value, _ in values]).rows()
    assert list(row.values()) == [value for value, _ in values]
