"""Foreign data wrappers by hand: extensions, servers, user mappings and foreign tables of a hub.

A configuration file and setup_fdw_infrastructure do the same for whole sets of sources; this is
for code that decides at run time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from . import _native
from .engine import Engine, Operation, connector_options
from .errors import DataError, Error, InterfaceError
from .result import read_rows
from .sql import identifier, literal, options_clause, qualified, type_name

__all__ = ["PostgreSQLFDWConnector", "SyncPostgreSQLFDWConnector"]

logger = logging.getLogger("instant_connector")

# A session that sees a password writes nothing down. Only a superuser may ask for that, and only
# when the session begins: the pool forgets what is SET later.
_QUIET = (
    "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic "
    "-c log_duration=off -c pg_stat_statements.track=none"
)
_CURRENT_USERS = ("CURRENT_USER", "USER", "SESSION_USER", "PUBLIC")


def extension_sql(name: str) -> str:
    return f"CREATE EXTENSION IF NOT EXISTS {identifier(name)}"


def server_sql(name: str, wrapper: str, options: Mapping[str, Any] | None, exists_ok: bool) -> str:
    guard = "IF NOT EXISTS " if exists_ok else ""
    return (
        f"CREATE SERVER {guard}{identifier(name)} "
        f"FOREIGN DATA WRAPPER {identifier(wrapper)}{options_clause(options)}"
    )


def mapping_sql(
    server: str, options: Mapping[str, Any] | None, user: str | None, exists_ok: bool
) -> str:
    guard = "IF NOT EXISTS " if exists_ok else ""
    who = "CURRENT_USER" if user is None else user
    role = who.upper() if who.upper() in _CURRENT_USERS else identifier(who)
    return f"CREATE USER MAPPING {guard}FOR {role} SERVER {identifier(server)}{options_clause(options)}"


def column_sql(column: Any) -> str:
    """A column of a foreign table: a dict as in a configuration, or (name, type)."""
    if isinstance(column, (tuple, list)) and len(column) == 2:
        column = {"name": column[0], "type": column[1]}
    if not isinstance(column, Mapping) or "name" not in column or "type" not in column:
        raise InterfaceError('a column has to be (name, type) or a dict with "name" and "type"')
    text = f"{identifier(column['name'])} {type_name(column['type'])}"
    text += options_clause(column.get("options"))
    if column.get("not_null") or column.get("nullable") is False:
        text += " NOT NULL"
    if column.get("default") is not None:
        default = column["default"]
        text += f" DEFAULT {literal(default if isinstance(default, str) else str(default))}"
    return text


def table_sql(
    name: Any,
    server: str,
    columns: Any,
    options: Mapping[str, Any] | None,
    exists_ok: bool,
) -> str:
    guard = "IF NOT EXISTS " if exists_ok else ""
    if isinstance(columns, Mapping):
        columns = list(columns.items())
    if not isinstance(columns, Iterable) or isinstance(columns, (str, bytes)):
        raise InterfaceError("columns have to be a list of (name, type) or of dicts")
    parts = ", ".join(column_sql(column) for column in columns)
    if not parts:
        raise DataError("a foreign table needs columns")
    return (
        f"CREATE FOREIGN TABLE {guard}{qualified(name)} ({parts}) "
        f"SERVER {identifier(server)}{options_clause(options)}"
    )


def execute(engine: Engine, operation: Operation, sql: str) -> None:
    result = operation.watch(engine.native.query(sql, None, None, operation.call))
    try:
        read_rows(result)
    finally:
        result.close()


def _with_session_options(url: str, options: str) -> str:
    """The URL with more of libpq's "options", beside those that it has."""
    base, _, given = url.partition("?")
    query = dict(parse_qsl(given))
    query["options"] = f"{query.get('options', '')} {options}".strip()
    return f"{base}?{urlencode(query, quote_via=quote)}"


def _data_directory(engine: Engine, operation: Operation) -> str | None:
    try:
        result = engine.native.query("SHOW data_directory", None, None, operation.call)
    except Error:
        return None
    try:
        return str(read_rows(result)[0]["data_directory"])
    finally:
        result.close()


def _quiet_options(engine: Engine, operation: Operation) -> dict[str, Any] | None:
    """Options of a connector to the same hub whose sessions log nothing; None if there is none."""
    given = engine.options
    quiet = {name: given[name] for name in given if name.startswith(("hub.", "connect_timeout"))}
    quiet["pool_size"] = 1
    if "hub_url" in given:
        return {**quiet, "hub_url": _with_session_options(given["hub_url"], _QUIET)}
    if any(name.startswith("hub.") for name in given):
        return {**quiet, "hub.options": f"{given.get('hub.options', '')} {_QUIET}".strip()}
    if given.get("hub") == "environment":
        return {**quiet, "hub_url": _with_session_options("postgresql:///", _QUIET)}
    home = {name: given[name] for name in ("home",) if name in given}
    embedded = _native.hub_status(home)
    if _data_directory(engine, operation) == embedded["directory"]:
        return {**quiet, "hub_url": _with_session_options(embedded["uri"], _QUIET)}
    return None


def _run_quietly(engine: Engine, operation: Operation, sql: str) -> bool:
    """Run SQL in a session that logs nothing; False where this role may not have one."""
    options = _quiet_options(engine, operation)
    if options is None:
        return False
    native = _native.Connector(options)
    try:
        native.query("SELECT 1", None, None, operation.call).close()
    except Error as error:
        native.close()
        if error.sqlstate == "42501" or "permission denied to set parameter" in str(error):
            return False
        raise
    try:
        native.query(sql, None, None, operation.call).close()
    finally:
        native.close()
    return True


def execute_secret(
    engine: Engine, operation: Operation, sql: str, options: Mapping[str, Any] | None
) -> None:
    """Run SQL that holds a password, if possible in a session of its own that logs nothing.

    Errors are cleaned of the options' values.
    """
    secrets = [str(value) for name, value in (options or {}).items() if _is_secret(name, value)]
    try:
        if not _run_quietly(engine, operation, sql):
            logger.warning(
                "this role may not turn statement logging off: the hub's log may keep the password"
            )
            execute(engine, operation, sql)
    except Error as error:
        raise _without(error, secrets) from None


def _is_secret(name: str, value: Any) -> bool:
    return value is not None and name.lower() not in ("user", "username") and str(value) != ""


def _without(error: Error, secrets: list[str]) -> Error:
    text = error.args[0] if error.args else ""
    for secret in secrets:
        text = text.replace(secret, "…")
    clean = type(error)(text)
    clean.sqlstate, clean.hint, clean.source = error.sqlstate, error.hint, error.source
    return clean


class _FdwBase:
    def __init__(
        self,
        host: str | None = None,
        database: str | None = None,
        pool_size: int = 10,
        *,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        **keywords: Any,
    ) -> None:
        given = {
            "host": host,
            "port": port,
            "dbname": database,
            "user": username,
            "password": password,
            **keywords,
        }
        hub = {name: value for name, value in given.items() if value is not None}
        options = connector_options(postgres_config=hub or None, pool_size=pool_size)
        self._engine = Engine(options)
        self._is_shared = False

    @classmethod
    def _of(cls, engine: Engine) -> Any:
        self = object.__new__(cls)
        self._engine = engine
        self._is_shared = True
        return self

    @property
    def closed(self) -> bool:
        return self._engine.is_closed

    def _close(self) -> None:
        """The engine of an InstantDataConnector is that connector's to close."""
        if not self._is_shared:
            self._engine.close()

    def __repr__(self) -> str:
        host = self._engine.options.get("hub.host")
        return f"{type(self).__name__}({host!r})" if host else f"{type(self).__name__}()"

    def _execute(self, sql: str) -> Any:
        return lambda operation: execute(self._engine, operation, sql)

    def _execute_secret(self, sql: str, options: Mapping[str, Any] | None) -> Any:
        return lambda operation: execute_secret(self._engine, operation, sql, options)


class PostgreSQLFDWConnector(_FdwBase):
    """Foreign data wrappers of one hub, for coroutines. Without a host: the embedded hub.

    Names and values are quoted; an object that exists already is an error, unless
    ``if_not_exists=True``.
    """

    async def initialize(self) -> None:
        """Connect once, so that a wrong address or password shows here."""
        await self._engine.run_async(self._execute("SELECT 1"))

    async def install_extension(self, name: str) -> None:
        """CREATE EXTENSION, unless it is there."""
        await self._engine.run_async(self._execute(extension_sql(name)))

    async def create_foreign_server(
        self,
        name: str,
        wrapper: str,
        options: Mapping[str, Any] | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        sql = server_sql(name, wrapper, options, if_not_exists)
        await self._engine.run_async(self._execute(sql))

    async def create_user_mapping(
        self,
        server: str,
        options: Mapping[str, Any] | None = None,
        user: str | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        """Which user and password the hub shows the source; user None: whoever is connected."""
        sql = mapping_sql(server, options, user, if_not_exists)
        await self._engine.run_async(self._execute_secret(sql, options))

    async def create_foreign_table(
        self,
        name: Any,
        server: str,
        columns: Any,
        options: Mapping[str, Any] | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        """columns: (name, type) pairs, dicts as in a configuration, or {name: type}."""
        sql = table_sql(name, server, columns, options, if_not_exists)
        await self._engine.run_async(self._execute(sql))

    async def close(self) -> None:
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def __aenter__(self) -> "PostgreSQLFDWConnector":
        await self.initialize()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class SyncPostgreSQLFDWConnector(_FdwBase):
    """PostgreSQLFDWConnector with synchronous methods."""

    def initialize(self) -> None:
        """Connect once, so that a wrong address or password shows here."""
        self._engine.run(self._execute("SELECT 1"))

    def install_extension(self, name: str) -> None:
        """CREATE EXTENSION, unless it is there."""
        self._engine.run(self._execute(extension_sql(name)))

    def create_foreign_server(
        self,
        name: str,
        wrapper: str,
        options: Mapping[str, Any] | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        self._engine.run(self._execute(server_sql(name, wrapper, options, if_not_exists)))

    def create_user_mapping(
        self,
        server: str,
        options: Mapping[str, Any] | None = None,
        user: str | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        """Which user and password the hub shows the source; user None: whoever is connected."""
        sql = mapping_sql(server, options, user, if_not_exists)
        self._engine.run(self._execute_secret(sql, options))

    def create_foreign_table(
        self,
        name: Any,
        server: str,
        columns: Any,
        options: Mapping[str, Any] | None = None,
        *,
        if_not_exists: bool = False,
    ) -> None:
        """columns: (name, type) pairs, dicts as in a configuration, or {name: type}."""
        self._engine.run(self._execute(table_sql(name, server, columns, options, if_not_exists)))

    def close(self) -> None:
        self._close()

    def __enter__(self) -> "SyncPostgreSQLFDWConnector":
        self.initialize()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
