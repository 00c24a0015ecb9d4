"""What a lazy result will ask: SQL, or rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from . import _native
from .engine import Operation

__all__ = ["QueryRequest", "TableRequest"]

_READS = re.compile(r"\s*(?:select|with|values|table)\b", re.IGNORECASE)


def _undivided(options: dict[str, Any]) -> dict[str, Any]:
    """A few rows come over one connection."""
    return {name: options[name] for name in options if not name.startswith("partition")}


@dataclass(frozen=True)
class QueryRequest:
    """SQL with parameters."""

    query: str
    parameters: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    def open(
        self, native: _native.Connector, operation: Operation, **options: Any
    ) -> _native.Result:
        return operation.watch(
            native.query(self.query, self.parameters, {**self.options, **options}, operation.call)
        )

    def sql(self, native: _native.Connector, operation: Operation) -> str:
        return self.query

    def preview(self, row_count: int) -> QueryRequest | None:
        """The same query for a few rows; None where it may do more than read."""
        if not _READS.match(self.query):
            return None
        inner = self.query.rstrip().rstrip(";")
        return replace(
            self,
            query=f"SELECT * FROM (\n{inner}\n) AS preview LIMIT {row_count}",
            options=_undivided(self.options),
        )

    def explain(
        self, native: _native.Connector, operation: Operation, analyze: bool
    ) -> _native.Result:
        return operation.watch(
            native.explain(self.query, self.parameters, analyze, operation.call)
        )

    def title(self) -> str:
        text = " ".join(self.query.split())
        return text if len(text) <= 80 else f"{text[:77]}..."


@dataclass(frozen=True)
class TableRequest:
    """Rows of one table; filters as filters.normalize_filters returns them."""

    table: str
    filters: list[tuple[str, str, list[Any]]]
    columns: list[str] | None
    order_by: list[str] | None
    limit: int
    offset: int
    options: dict[str, Any] = field(default_factory=dict)

    def _arguments(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "filters": self.filters,
            "columns": self.columns,
            "order_by": self.order_by,
            "limit": self.limit,
            "offset": self.offset,
        }

    def open(
        self, native: _native.Connector, operation: Operation, **options: Any
    ) -> _native.Result:
        return operation.watch(
            native.table(
                **self._arguments(), options={**self.options, **options}, call=operation.call
            )
        )

    def sql(self, native: _native.Connector, operation: Operation) -> str:
        return native.table_sql(**self._arguments(), call=operation.call)

    def preview(self, row_count: int) -> TableRequest:
        limit = row_count if self.limit < 0 else min(self.limit, row_count)
        return replace(self, limit=limit, options=_undivided(self.options))

    def explain(
        self, native: _native.Connector, operation: Operation, analyze: bool
    ) -> _native.Result:
        sql = self.sql(native, operation)
        return operation.watch(native.explain(sql, None, analyze, operation.call))

    def title(self) -> str:
        return f"table {self.table}"
