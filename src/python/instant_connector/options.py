"""The options of a result: how it travels, and what becomes of values that have no one form."""

from __future__ import annotations

from typing import Any, TypedDict

from .errors import InterfaceError
from .types import checked_text

__all__ = ["ResultOptions", "checked_word", "milliseconds", "result_options"]


class ResultOptions(TypedDict, total=False):
    """Keyword arguments wherever a result is made; each may be left out or None.

    numeric         "float64", "decimal" or "string": what PostgreSQL's numeric becomes
    timeout         seconds that the query may take
    unrepresentable "null" (default) or "error": a value that Arrow has no place for
    transfer        "auto" (default), "arrow": columns written by the hub's extension, or "copy":
                    COPY's binary rows, decoded here
    dictionary      "off" (default) or "auto": text with few different values travels as codes of
                    them and may arrive as a pandas Categorical or an Arrow dictionary
    compression     "none", "lz4" or "zstd" on the way from the hub; "auto" (default): none on this
                    machine, lz4 from another
    partitions      over how many connections a big table is loaded at once
    partition_on    a numeric or date column by whose ranges it is divided; foreign tables need one
    partition_order True: rows of the first pages or range first, and so on; else as they come
    """

    numeric: str | None
    timeout: float | None
    unrepresentable: str | None
    transfer: str | None
    dictionary: str | None
    compression: str | None
    partitions: int | None
    partition_on: str | None
    partition_order: bool | None


_WORDS = {
    "numeric": ("float64", "decimal", "string"),
    "unrepresentable": ("null", "error"),
    "transfer": ("auto", "arrow", "copy"),
    "dictionary": ("off", "auto"),
    "compression": ("auto", "none", "lz4", "zstd"),
}


def milliseconds(seconds: float | None, what: str) -> int | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise InterfaceError(f"{what} has to be a number of seconds, not {seconds!r}")
    return max(1, round(seconds * 1000)) if seconds else 0


def checked_word(name: str, value: Any) -> str:
    """The value of an option that is one of a few words."""
    if value not in _WORDS[name]:
        raise InterfaceError(f"{name} is {value!r}, expected one of {', '.join(_WORDS[name])}")
    return str(value)


def result_options(given: ResultOptions) -> dict[str, Any]:
    """The options of instant_query and instant_table for what a user gave."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in _WORDS:
            options[name] = checked_word(name, value)
        elif name == "timeout":
            options["timeout_ms"] = milliseconds(value, "timeout")  # type: ignore[arg-type]
        elif name == "partitions":
            options[name] = _checked_partitions(value)
        elif name == "partition_on":
            options[name] = checked_text(value, "partition_on")
        elif name == "partition_order":
            options[name] = bool(value)
        else:
            raise TypeError(f"unexpected keyword argument {name!r}")
    return options


def _checked_partitions(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InterfaceError(f"partitions has to be a whole number from 1 on, not {value!r}")
    return value
