"""The SQL of a table load, without running it."""

from __future__ import annotations

from typing import Any

from .engine import Engine, Operation
from .filters import normalize_columns, normalize_count, normalize_filters, normalize_order
from .requests import TableRequest
from .types import checked_text

__all__ = ["AsyncQueryBuilder", "QueryBuilder", "table_request"]


def table_request(
    table_name: str,
    filters: Any = None,
    columns: Any = None,
    limit: Any = None,
    offset: Any = None,
    order_by: Any = None,
    options: dict[str, Any] | None = None,
) -> TableRequest:
    """What a user wrote, checked as far as it can be without the hub."""
    return TableRequest(
        table=checked_text(table_name, "the name of a table"),
        filters=normalize_filters(filters),
        columns=normalize_columns(columns),
        order_by=normalize_order(order_by),
        limit=normalize_count(limit, "limit"),
        offset=normalize_count(offset, "offset"),
        options=options or {},
    )


class _Builder:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _work(self, request: TableRequest) -> Any:
        def work(operation: Operation) -> str:
            return request.sql(self._engine.native, operation)

        return work


class QueryBuilder(_Builder):
    """``build(table, filters, columns, …)`` gives the SQL that a load would send."""

    def build(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
    ) -> str:
        request = table_request(table_name, filters, columns, limit, offset, order_by)
        return self._engine.run(self._work(request))


class AsyncQueryBuilder(_Builder):
    """The same to await: the names are looked up in the hub."""

    async def build(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
    ) -> str:
        request = table_request(table_name, filters, columns, limit, offset, order_by)
        return await self._engine.run_async(self._work(request))
