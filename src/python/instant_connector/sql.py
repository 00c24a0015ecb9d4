"""Identifiers, literals and types as SQL text; the only place where text becomes SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import DataError, InterfaceError
from .types import checked_text

__all__ = ["identifier", "literal", "options_clause", "qualified", "type_name"]

_MAX_NAME_BYTES = 63
_WORD = r'(?:"(?:[^"]|"")+"|[^\W\d]\w*)'
_WORDS = (
    r"double precision|character varying|national character(?: varying)?|bit varying|"
    r"interval (?:year to month|day to second|day to hour|hour to second|minute to second)"
)
_TYPE = re.compile(
    rf"(?:{_WORDS}|{_WORD}(?:\.{_WORD})*)"
    r"(?:\s*\(\s*\d+\s*(?:,\s*-?\d+\s*)?\))?"
    r"(?: with(?:out)? time zone)?"
    r"(?:\s*\[\d*\])*",
    re.IGNORECASE,
)


def identifier(name: Any) -> str:
    """A quoted name. PostgreSQL would cut a longer one silently."""
    text = checked_text(name, "a name")
    if not text:
        raise DataError("a name is empty")
    if len(text.encode()) > _MAX_NAME_BYTES:
        raise DataError(f'the name "{text}" is longer than {_MAX_NAME_BYTES} bytes')
    return '"' + text.replace('"', '""') + '"'


def qualified(name: Any) -> str:
    """A name, or (schema, name)."""
    if isinstance(name, (tuple, list)):
        return ".".join(identifier(part) for part in name)
    return identifier(name)


def literal(value: Any) -> str:
    """A string literal that reads the same with any standard_conforming_strings."""
    text = checked_text(value, "a value")
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def type_name(text: Any) -> str:
    """The name of a type as users write it; nothing else passes."""
    cleaned = checked_text(text, "the type of a column").strip()
    if not _TYPE.fullmatch(cleaned):
        raise DataError(f'"{cleaned}" is not the name of a type')
    return cleaned


def options_clause(options: Mapping[str, Any] | None) -> str:
    """`` OPTIONS (name 'value', …)``, empty without options; None values are left out."""
    if options is None:
        return ""
    if not isinstance(options, Mapping):
        raise InterfaceError(f"options have to be a dict, not {type(options).__qualname__}")
    items = [
        f"{identifier(name)} {literal(_option_text(value))}"
        for name, value in options.items()
        if value is not None
    ]
    return f" OPTIONS ({', '.join(items)})" if items else ""


def _option_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
