"""Values that Python has no class for, and how values of other libraries become Python's."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Callable

from .errors import DataError, InterfaceError

__all__ = ["Interval", "Json"]


@dataclass(frozen=True, slots=True)
class Interval:
    """PostgreSQL's interval, exactly: a month is not a number of days, a day not 24 hours."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    def to_timedelta(self) -> timedelta:
        """As a timedelta, with days of 24 hours; an interval with months has none."""
        if self.months:
            raise DataError(f"an interval of {self.months} months has no fixed length")
        return timedelta(days=self.days, microseconds=self.microseconds)


@dataclass(frozen=True, slots=True)
class Json:
    """A value to send as JSON where its own type means something else: a list, a str, None."""

    value: Any


ADDRESS_TYPES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)

# What is an array as a parameter, and the list of an "in" as a filter.
SEQUENCE_TYPES: tuple[type, ...] = (
    list,
    tuple,
    set,
    frozenset,
    range,
    type({}.keys()),
    type({}.values()),
)


def json_text(value: Any, where: str) -> str:
    """JSON text of a dict, or of what Json() wraps."""
    if isinstance(value, Json):
        value = value.value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{where}: the value has no JSON form: {error}") from error


def adapt(value: Any, where: str) -> Any:
    """A value of numpy, pandas, polars or pyarrow as one of Python's; others unchanged."""
    adapter = _ADAPTERS.get(type(value).__module__.partition(".")[0])
    return value if adapter is None else adapter(value, where)


def is_sequence(value: Any) -> bool:
    """True for what a filter takes as the list of an "in"."""
    if isinstance(value, SEQUENCE_TYPES):
        return True
    return isinstance(adapt(value, "a filter"), list)


def is_missing(value: Any) -> bool:
    """True for None, pandas' NA and NaT and numpy's NaT: all of them are SQL's NULL."""
    if value is None:
        return True
    kind = type(value)
    if kind.__module__.partition(".")[0] not in ("pandas", "numpy"):
        return False
    return kind.__name__ in ("NAType", "NaTType") or (
        kind.__name__ in ("datetime64", "timedelta64") and bool(value != value)
    )


def _adapt_numpy(value: Any, where: str) -> Any:
    import numpy

    if isinstance(value, numpy.ndarray):
        if value.ndim == 0:
            return value[()]
        if value.dtype.kind in "mM":
            return [_adapt_numpy(item, where) for item in value]
        return value.tolist()
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        return _adapt_numpy_time(value, where)
    item = value.item() if isinstance(value, numpy.generic) else value
    return value if isinstance(item, numpy.generic) else item


def _adapt_numpy_time(value: Any, where: str) -> Any:
    import numpy

    if numpy.isnat(value):
        return None
    letter = "M8" if isinstance(value, numpy.datetime64) else "m8"
    unit = numpy.datetime_data(value)[0]
    if letter == "m8" and unit in ("Y", "M", "generic"):
        raise DataError(f"{where}: {value!r} has no fixed length; use an Interval")
    exact = value.astype(f"{letter}[us]")
    if exact.astype(value.dtype) != value:
        raise DataError(f"{where}: {value!r} does not fit microseconds, which PostgreSQL keeps")
    item = value.item() if unit == "D" and letter == "M8" else exact.item()
    if not isinstance(item, (date, datetime, timedelta)):
        raise DataError(f"{where}: {value!r} is outside the years 1 to 9999")
    return item


def _adapt_pandas(value: Any, where: str) -> Any:
    if is_missing(value):
        return None
    return value.tolist() if hasattr(value, "tolist") else value


def _adapt_polars(value: Any, where: str) -> Any:
    return value.to_list() if hasattr(value, "to_list") else value


def _adapt_pyarrow(value: Any, where: str) -> Any:
    if hasattr(value, "to_pylist") and not hasattr(value, "schema"):
        return value.to_pylist()
    return value.as_py() if hasattr(value, "as_py") else value


_ADAPTERS: dict[str, Callable[[Any, str], Any]] = {
    "numpy": _adapt_numpy,
    "pandas": _adapt_pandas,
    "polars": _adapt_polars,
    "pyarrow": _adapt_pyarrow,
}


def required(module: str, extra: str) -> Any:
    """Import a library that an extra brings; the error says which."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is needed for this: pip install 'instant-connector[{extra}]'",
            name=module,
        ) from error


def checked_text(text: Any, what: str) -> str:
    """A str that UTF-8 and C can hold."""
    if not isinstance(text, str):
        raise InterfaceError(f"{what} has to be a str, not {type(text).__qualname__}")
    if "\0" in text:
        raise DataError(f"{what} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{what} holds a lone surrogate at position {error.start}, which UTF-8 cannot express"
        ) from None
    return text
