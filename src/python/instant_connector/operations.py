"""What a connector does, as functions of an engine and an operation; both connectors run them."""

from __future__ import annotations

import logging
from typing import Any

from .engine import Engine, Operation
from .errors import Error
from .result import read_rows

__all__ = ["health", "refresh", "setup", "table_schema", "tables"]

logger = logging.getLogger("instant_connector")


def _rows(native: Any) -> list[dict[str, Any]]:
    try:
        return read_rows(native)
    finally:
        native.close()


def setup(
    engine: Engine, operation: Operation, force_refresh: bool, validate: bool, plan: bool
) -> list[dict[str, Any]]:
    """Make the hub as the configuration says, or only say what would change."""
    options = {"force_refresh": bool(force_refresh), "validate": bool(validate), "plan": bool(plan)}
    changes = _rows(operation.watch(engine.native.setup(options, operation.call)))
    changed = sum(change["action"] not in ("keep", "note") for change in changes)
    for change in changes:
        if change["action"] == "note":
            logger.warning("setup: %s", change["ddl"])
    if plan:
        return changes
    logger.info("setup: %s", f"{changed} changes" if changed else "nothing to change")
    return changes


def _column(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["column_name"],
        "type": row["type"],
        "nullable": not row["not_null"],
        "default": row["column_default"],
        "comment": row["column_comment"],
    }


def tables(engine: Engine, operation: Operation) -> dict[str, dict[str, Any]]:
    """Every table that can be loaded, with its columns."""
    found: dict[str, dict[str, Any]] = {}
    for row in _rows(operation.watch(engine.native.tables(None, operation.call))):
        table = found.setdefault(
            row["table_name"],
            {
                "source": row["source"],
                "server": row["server"],
                "wrapper": row["wrapper"],
                "schema": row["schema_name"],
                "remote_schema": row["remote_schema"],
                "remote_name": row["remote_name"],
                "estimated_rows": row["estimated_rows"],
                "comment": row["table_comment"],
                "columns": [],
            },
        )
        if row["column_name"] is not None:
            table["columns"].append(_column(row))
    return found


def table_schema(engine: Engine, operation: Operation, table: str) -> list[dict[str, Any]]:
    rows = _rows(operation.watch(engine.native.tables(table, operation.call)))
    return [_column(row) for row in rows if row["column_name"] is not None]


def health(engine: Engine, operation: Operation) -> dict[str, Any]:
    """The hub and each source; a hub that cannot be reached is an answer, not an exception."""
    try:
        rows = _rows(operation.watch(engine.native.health(operation.call)))
    except Error as error:
        if error.sqlstate is None or not error.sqlstate.startswith("08"):
            raise
        details = {"healthy": False, "details": str(error), "sqlstate": error.sqlstate}
        return {"overall_healthy": False, "components": {"hub": details}}
    components = {
        row["component"]: {
            "healthy": bool(row["healthy"]),
            "details": row["details"] or "",
            "sqlstate": row["sqlstate"] or None,
            "elapsed_ms": row["elapsed_ms"],
        }
        for row in rows
    }
    return {
        "overall_healthy": all(part["healthy"] for part in components.values()),
        "components": components,
    }


def refresh(engine: Engine, operation: Operation, names: list[str] | None) -> dict[str, bool]:
    rows = _rows(operation.watch(engine.native.refresh(names, operation.call)))
    for row in rows:
        if not row["refreshed"]:
            logger.warning("refresh of table %s: %s", row["table_name"], row["details"])
    return {row["table_name"]: bool(row["refreshed"]) for row in rows}
