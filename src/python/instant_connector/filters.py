"""What users write as filters, columns and order, in the one form that the core takes."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import DataError, InterfaceError
from .types import adapt, is_missing, is_sequence

__all__ = ["normalize_columns", "normalize_count", "normalize_filters", "normalize_order"]

Filter = tuple[str, str, list[Any]]

# Operators as symbols, for those who prefer them.
_SYMBOLS = {
    "=": "eq",
    "==": "eq",
    "!=": "ne",
    "<>": "ne",
    ">": "gt",
    ">=": "ge",
    "<": "lt",
    "<=": "le",
    "gte": "ge",
    "lte": "le",
}
_MAX_COUNT = 2**63 - 1


def normalize_filters(filters: Any) -> list[Filter]:
    """Filters as a list of (column, operator, values).

    ``filters`` is a mapping from column to a value (equal), a list (in), None (is null), or a
    mapping of operators; or a list of (column, operator, value).
    """
    if filters is None:
        return []
    if isinstance(filters, Mapping):
        return [
            item for column, wanted in filters.items() for item in _column_filters(column, wanted)
        ]
    if isinstance(filters, (list, tuple)):
        return [_triple(item) for item in filters]
    raise InterfaceError(
        f"filters have to be a dict or a list of (column, operator, value), "
        f"not {type(filters).__qualname__}"
    )


def _triple(item: Any) -> Filter:
    if not isinstance(item, (list, tuple)) or len(item) not in (2, 3):
        raise InterfaceError(f"a filter has to be (column, operator, value), not {item!r}")
    return _operator_filter(item[0], item[1], item[2] if len(item) == 3 else None)


def _column_filters(column: Any, wanted: Any) -> list[Filter]:
    if isinstance(wanted, Mapping):
        if not wanted:
            raise DataError(f'filter on column "{column}": no operator given')
        return [_operator_filter(column, op, value) for op, value in wanted.items()]
    if is_missing(wanted):
        return [(column, "is_null", [])]
    if is_sequence(wanted):
        return [(column, "in", _values(wanted))]
    return [(column, "eq", [wanted])]


def _operator_filter(column: Any, op: Any, value: Any) -> Filter:
    name = _SYMBOLS.get(op, op) if isinstance(op, str) else op
    if name in ("is_null", "is_not_null"):
        return column, _null_operator(column, name, value), []
    if name in ("in", "not_in", "between"):
        if not is_sequence(value):
            raise DataError(f'filter on column "{column}": "{name}" takes a list of values')
        return column, name, _values(value)
    if name in ("eq", "ne") and is_missing(value):
        return column, "is_null" if name == "eq" else "is_not_null", []
    return column, name, [value]


def _null_operator(column: Any, name: str, value: Any) -> str:
    """``{"is_null": False}`` means is_not_null, and the other way round."""
    if value is None or value is True:
        return name
    if value is False:
        return "is_not_null" if name == "is_null" else "is_null"
    raise DataError(f'filter on column "{column}": "{name}" takes True or False')


def _values(sequence: Any) -> list[Any]:
    adapted = adapt(sequence, "a filter")
    return list(adapted)


def normalize_columns(columns: Any) -> list[str] | None:
    """Column names as a list; None means all."""
    if columns is None:
        return None
    names = [columns] if isinstance(columns, str) else _names(columns, "columns")
    if not names:
        raise DataError("columns is empty; leave it out for all columns")
    return names


def normalize_order(order_by: Any) -> list[str] | None:
    """'col', '-col' or a list of them."""
    if order_by is None:
        return None
    return [order_by] if isinstance(order_by, str) else _names(order_by, "order_by")


def _names(value: Any, what: str) -> list[str]:
    adapted = adapt(value, what)
    if not isinstance(adapted, Iterable) or isinstance(adapted, (Mapping, bytes)):
        raise InterfaceError(f"{what} has to be a str or a list of str")
    return list(adapted)


def normalize_count(value: Any, what: str) -> int:
    """A limit or offset: a non-negative whole number, -1 for None."""
    if value is None:
        return -1
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= _MAX_COUNT:
        raise DataError(f"{what} has to be a non-negative whole number, not {value!r}")
    return number
