"""The two connectors: InstantDataConnector for coroutines, SyncInstantDataConnector for the rest.

Both are thin: options in, an engine, and lazy results out. ``connector.sync`` is the synchronous
twin of an asynchronous connector, over the same engine and the same connections.
"""

from __future__ import annotations

import copy
import html
import logging
from typing import TYPE_CHECKING, Any, Unpack

from . import operations
from .engine import Engine, Operation, connector_options
from .errors import InterfaceError
from .fdw import PostgreSQLFDWConnector, SyncPostgreSQLFDWConnector
from .filters import normalize_columns
from .options import ResultOptions, result_options
from .query_builder import AsyncQueryBuilder, QueryBuilder, table_request
from .requests import QueryRequest
from .result import AsyncResult, Plan, Result
from .types import checked_text

if TYPE_CHECKING:
    import pandas
    import pyarrow

__all__ = ["InstantDataConnector", "SyncInstantDataConnector"]

logger = logging.getLogger("instant_connector")

PathLike = Any


class _ConnectorBase:
    """What both connectors share: how they are made, and their tables' list."""

    def __init__(
        self,
        config_path: PathLike | None = None,
        postgres_config: Any = None,
        schema_path: PathLike | None = None,
        enable_caching: bool = True,
        credential_manager: Any = None,
        *,
        config: Any = None,
        hub: str | None = None,
        home: PathLike | None = None,
        pool_size: int | None = None,
        pool_timeout: float | None = None,
        connect_timeout: float | None = None,
        query_timeout: float | None = None,
        application_name: str | None = None,
        progress: bool | None = None,
    ) -> None:
        options = connector_options(
            config_path,
            config,
            postgres_config,
            schema_path,
            credential_manager,
            hub=hub,
            home=home,
            pool_size=pool_size,
            pool_timeout=pool_timeout,
            connect_timeout=connect_timeout,
            query_timeout=query_timeout,
            application_name=application_name,
        )
        self._share(Engine(options), enable_caching, progress)
        if enable_caching:
            logger.debug("enable_caching: results are not cached yet, every load asks the sources")

    def _share(self, engine: Engine, enable_caching: bool, progress: bool | None) -> None:
        self._engine = engine
        self._enable_caching = enable_caching
        self._progress = progress
        self._tables: dict[str, dict[str, Any]] | None = None
        self._fdw: Any = None

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._engine.is_closed

    @property
    def cache_info(self) -> dict[str, Any]:
        """What the cache of results does: nothing yet, whatever ``enable_caching`` says."""
        return {"enabled": False, "requested": bool(self._enable_caching), "entries": 0}

    def _setup(self, operation: Operation, force_refresh: bool, validate: bool) -> bool:
        self._tables = None
        operations.setup(self._engine, operation, force_refresh, validate, plan=False)
        return True

    def _list(self, operation: Operation, refresh: bool) -> dict[str, dict[str, Any]]:
        tables = self._tables
        if refresh or tables is None:
            tables = self._tables = operations.tables(self._engine, operation)
        return copy.deepcopy(tables)

    def _refresh(self, operation: Operation, table_names: Any) -> dict[str, bool]:
        self._tables = None
        return operations.refresh(self._engine, operation, normalize_columns(table_names))

    def _query_request(self, sql: str, params: Any, options: ResultOptions) -> QueryRequest:
        if params is not None and isinstance(params, (str, bytes)):
            raise InterfaceError("params have to be a sequence or a dict, not a single text")
        return QueryRequest(checked_text(sql, "sql"), params, result_options(options))

    def __repr__(self) -> str:
        options = self._engine.options
        parts = []
        if "config_path" in options:
            parts.append(repr(options["config_path"]))
        elif "config_text" in options:
            parts.append("config=…")
        if any(name == "hub_url" or name.startswith("hub.") for name in options):
            host = options.get("hub.host")
            parts.append(f"hub={host!r}" if host else "hub=external")
        if self.closed:
            parts.append("closed")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        tables = self._tables
        text = f"<b>{html.escape(repr(self))}</b>"
        if tables is None:
            return f"<div>{text}</div>"
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(table['source'] or ''))}</td>"
            f"<td>{len(table['columns'])}</td><td>{table['estimated_rows'] or ''}</td></tr>"
            for name, table in tables.items()
        )
        return (
            f"<div>{text}<table><thead><tr><th>table</th><th>source</th><th>columns</th>"
            f"<th>rows, about</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def __rich_repr__(self) -> Any:
        yield self._engine.options.get("config_path")
        yield "closed", self.closed, False
        if self._tables is not None:
            yield "tables", sorted(self._tables)


class InstantDataConnector(_ConnectorBase):
    """One door to many sources, for coroutines.

    Without any configuration it uses a private hub of its own, which is made on first use.
    """

    @property
    def sync(self) -> "SyncInstantDataConnector":
        """The same connector with synchronous methods."""
        twin = object.__new__(SyncInstantDataConnector)
        twin._share(self._engine, self._enable_caching, self._progress)
        return twin

    @property
    def fdw_connector(self) -> PostgreSQLFDWConnector:
        """Foreign servers, mappings and tables of this connector's hub, one by one."""
        if self._fdw is None:
            self._fdw = PostgreSQLFDWConnector._of(self._engine)
        return self._fdw

    @property
    def query_builder(self) -> AsyncQueryBuilder:
        return AsyncQueryBuilder(self._engine)

    async def setup_fdw_infrastructure(
        self, force_refresh: bool = False, validate_connections: bool = True
    ) -> bool:
        """Make the hub as the configuration says, all or nothing; True, or an exception."""
        return await self._engine.run_async(
            lambda op: self._setup(op, force_refresh, validate_connections)
        )

    async def setup_plan(self, force_refresh: bool = False) -> list[dict[str, Any]]:
        """What setup_fdw_infrastructure would change; secrets are masked."""
        return await self._engine.run_async(
            lambda op: operations.setup(self._engine, op, force_refresh, False, plan=True)
        )

    async def list_available_tables(self, refresh: bool = False) -> dict[str, dict[str, Any]]:
        """Name -> source, server, remote name, columns with types, estimated rows, comment."""
        return await self._engine.run_async(lambda op: self._list(op, refresh))

    async def get_table_schema(self, table_name: str) -> list[dict[str, Any]]:
        """The columns of a table: name, type, nullable, default, comment."""
        name = checked_text(table_name, "the name of a table")
        return await self._engine.run_async(
            lambda op: operations.table_schema(self._engine, op, name)
        )

    async def refresh_virtual_tables(self, table_names: Any = None) -> dict[str, bool]:
        """Compare tables (all, unless named) with their sources and import them again."""
        return await self._engine.run_async(lambda op: self._refresh(op, table_names))

    async def health_check(self) -> dict[str, Any]:
        """Really connect to the hub and every source."""
        return await self._engine.run_async(lambda op: operations.health(self._engine, op))

    def table(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        **options: Unpack[ResultOptions],
    ) -> AsyncResult:
        """A lazy result: rows of a table; the options are those of ``ResultOptions``."""
        request = table_request(
            table_name, filters, columns, limit, offset, order_by, result_options(options)
        )
        return AsyncResult(self._engine, request, self._progress)

    def query(
        self,
        sql: str,
        params: Any = None,
        **options: Unpack[ResultOptions],
    ) -> AsyncResult:
        """A lazy result: SQL over all tables, with parameters ($1, %s, :name or %(name)s).

        The options are those of ``ResultOptions``.
        """
        request = self._query_request(sql, params, options)
        return AsyncResult(self._engine, request, self._progress)

    async def lazy_load_table(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        optimize_query: bool = True,
        *,
        dtype_backend: str | None = None,
        **options: Unpack[ResultOptions],
    ) -> "pandas.DataFrame":
        """Load what the filters leave; the source does the filtering where it can.

        ``optimize_query`` is accepted; push-down is the planner's and always on.
        ``dtype_backend`` is that of ``to_pandas``, the options are those of ``ResultOptions``.
        """
        result = self.table(table_name, filters, columns, limit, offset, order_by, **options)
        return await result.to_pandas(dtype_backend)

    async def load_arrow(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        **options: Unpack[ResultOptions],
    ) -> "pyarrow.Table":
        """As lazy_load_table, into a pyarrow Table."""
        result = self.table(table_name, filters, columns, limit, offset, order_by, **options)
        return await result.to_arrow()

    async def execute_query(
        self,
        sql: str,
        params: Any = None,
        return_dataframe: bool = True,
        cache_key: str | None = None,
        cache_ttl: float | None = None,
        *,
        dtype_backend: str | None = None,
        **options: Unpack[ResultOptions],
    ) -> Any:
        """Run SQL: a DataFrame, or with return_dataframe=False a list of dicts.

        ``cache_key`` and ``cache_ttl`` are accepted; results are not cached yet.
        ``dtype_backend`` is that of ``to_pandas``, the options are those of ``ResultOptions``.
        """
        result = self.query(sql, params, **options)
        return await (result.to_pandas(dtype_backend) if return_dataframe else result.rows())

    async def explain(self, sql: str, params: Any = None, analyze: bool = False) -> Plan:
        """The hub's plan of SQL and what each source is sent."""
        return await self.query(sql, params).explain(analyze)

    async def close(self) -> None:
        """Cancel what is under way and close every connection; twice is fine."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self._engine.close)

    async def __aenter__(self) -> "InstantDataConnector":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __enter__(self) -> "InstantDataConnector":
        return self

    def __exit__(self, *exception: object) -> None:
        self._engine.close()


class SyncInstantDataConnector(_ConnectorBase):
    """One door to many sources; the methods of InstantDataConnector, synchronous."""

    @property
    def sync(self) -> "SyncInstantDataConnector":
        return self

    @property
    def fdw_connector(self) -> SyncPostgreSQLFDWConnector:
        """Foreign servers, mappings and tables of this connector's hub, one by one."""
        if self._fdw is None:
            self._fdw = SyncPostgreSQLFDWConnector._of(self._engine)
        return self._fdw

    @property
    def query_builder(self) -> QueryBuilder:
        return QueryBuilder(self._engine)

    def setup_fdw_infrastructure(
        self, force_refresh: bool = False, validate_connections: bool = True
    ) -> bool:
        """Make the hub as the configuration says, all or nothing; True, or an exception."""
        return self._engine.run(
            lambda op: self._setup(op, force_refresh, validate_connections)
        )

    def setup_plan(self, force_refresh: bool = False) -> list[dict[str, Any]]:
        """What setup_fdw_infrastructure would change; secrets are masked."""
        return self._engine.run(
            lambda op: operations.setup(self._engine, op, force_refresh, False, plan=True)
        )

    def list_available_tables(self, refresh: bool = False) -> dict[str, dict[str, Any]]:
        """Name -> source, server, remote name, columns with types, estimated rows, comment."""
        return self._engine.run(lambda op: self._list(op, refresh))

    def get_table_schema(self, table_name: str) -> list[dict[str, Any]]:
        """The columns of a table: name, type, nullable, default, comment."""
        name = checked_text(table_name, "the name of a table")
        return self._engine.run(lambda op: operations.table_schema(self._engine, op, name))

    def refresh_virtual_tables(self, table_names: Any = None) -> dict[str, bool]:
        """Compare tables (all, unless named) with their sources and import them again."""
        return self._engine.run(lambda op: self._refresh(op, table_names))

    def health_check(self) -> dict[str, Any]:
        """Really connect to the hub and every source."""
        return self._engine.run(lambda op: operations.health(self._engine, op))

    def table(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        **options: Unpack[ResultOptions],
    ) -> Result:
        """A lazy result: rows of a table; the options are those of ``ResultOptions``."""
        request = table_request(
            table_name, filters, columns, limit, offset, order_by, result_options(options)
        )
        return Result(self._engine, request, self._progress)

    def query(
        self,
        sql: str,
        params: Any = None,
        **options: Unpack[ResultOptions],
    ) -> Result:
        """A lazy result: SQL over all tables, with parameters ($1, %s, :name or %(name)s).

        The options are those of ``ResultOptions``.
        """
        request = self._query_request(sql, params, options)
        return Result(self._engine, request, self._progress)

    def lazy_load_table(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        optimize_query: bool = True,
        *,
        dtype_backend: str | None = None,
        **options: Unpack[ResultOptions],
    ) -> "pandas.DataFrame":
        """Load what the filters leave; the source does the filtering where it can.

        ``optimize_query`` is accepted; push-down is the planner's and always on.
        ``dtype_backend`` is that of ``to_pandas``, the options are those of ``ResultOptions``.
        """
        result = self.table(table_name, filters, columns, limit, offset, order_by, **options)
        return result.to_pandas(dtype_backend)

    def load_arrow(
        self,
        table_name: str,
        filters: Any = None,
        columns: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: Any = None,
        **options: Unpack[ResultOptions],
    ) -> "pyarrow.Table":
        """As lazy_load_table, into a pyarrow Table."""
        result = self.table(table_name, filters, columns, limit, offset, order_by, **options)
        return result.to_arrow()

    def execute_query(
        self,
        sql: str,
        params: Any = None,
        return_dataframe: bool = True,
        cache_key: str | None = None,
        cache_ttl: float | None = None,
        *,
        dtype_backend: str | None = None,
        **options: Unpack[ResultOptions],
    ) -> Any:
        """Run SQL: a DataFrame, or with return_dataframe=False a list of dicts.

        ``cache_key`` and ``cache_ttl`` are accepted; results are not cached yet.
        ``dtype_backend`` is that of ``to_pandas``, the options are those of ``ResultOptions``.
        """
        result = self.query(sql, params, **options)
        return result.to_pandas(dtype_backend) if return_dataframe else result.rows()

    def explain(self, sql: str, params: Any = None, analyze: bool = False) -> Plan:
        """The hub's plan of SQL and what each source is sent."""
        return self.query(sql, params).explain(analyze)

    def close(self) -> None:
        """Cancel what is under way and close every connection; twice is fine."""
        self._engine.close()

    def __enter__(self) -> "SyncInstantDataConnector":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
