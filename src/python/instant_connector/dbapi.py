"""DB-API 2.0 (PEP 249) over the connector: what pandas, polars and many other tools speak.

The cursors are those of ``adbc_driver_manager.dbapi``, and the ADBC driver below them is this
package's own library, so rows travel as Arrow and ``fetch_arrow_table`` costs no conversion.

    from instant_connector import dbapi

    with dbapi.connect("sources.yaml") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM orders WHERE amount > $1", (100,))
        print(cursor.fetchall())

Every statement is committed when it ends: there are no transactions over several of them.
``commit()`` therefore has nothing left to do, and ``rollback()`` raises NotSupportedError rather
than pretend.
"""

from __future__ import annotations

from typing import Any

from . import _native
from .engine import connector_options
from .errors import Error as _CoreError
from .types import required

_manager: Any = required("adbc_driver_manager", "dbapi")
_base: Any = required("adbc_driver_manager.dbapi", "dbapi")

__all__ = [
    "BINARY",
    "Binary",
    "Connection",
    "Cursor",
    "DATETIME",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NUMBER",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "ROWID",
    "STRING",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

apilevel = "2.0"
#: Threads may share the module, but not connections; only adbc_cancel() is for any thread.
threadsafety = 1
#: ``%s`` with a sequence, ``%(name)s`` with a dict. PostgreSQL's own ``$1`` and ``:name`` work too.
paramstyle = "pyformat"

Warning = _base.Warning  # noqa: A001 - the name is PEP 249's
Error = _base.Error
InterfaceError = _base.InterfaceError
DatabaseError = _base.DatabaseError
DataError = _base.DataError
OperationalError = _base.OperationalError
IntegrityError = _base.IntegrityError
InternalError = _base.InternalError
ProgrammingError = _base.ProgrammingError
NotSupportedError = _base.NotSupportedError

BINARY = _base.BINARY
DATETIME = _base.DATETIME
NUMBER = _base.NUMBER
ROWID = _base.ROWID
STRING = _base.STRING

Binary = bytes
Date = _base.Date
Time = _base.Time
Timestamp = _base.Timestamp
DateFromTicks = _base.DateFromTicks
TimeFromTicks = _base.TimeFromTicks
TimestampFromTicks = _base.TimestampFromTicks

Cursor = _base.Cursor

_URL_SCHEMES = ("postgresql://", "postgres://")
_ENTRY_POINT = "InstantDriverInit"


class Connection(_base.Connection):
    """A DB-API 2.0 connection; connect() makes it."""

    def commit(self) -> None:
        """Nothing is left to do: each statement was committed when it ended."""
        self._check_open()

    def rollback(self) -> None:
        """Always NotSupportedError: what ran is committed."""
        self._check_open()
        raise NotSupportedError(
            "rollback is not supported: each statement is committed when it ends"
        )

    def cursor(self, *, adbc_stmt_kwargs: Any = None) -> Any:
        """A new cursor; adbc_stmt_kwargs are options of its statement, as "instant.numeric"."""
        self._check_open()
        return super().cursor(adbc_stmt_kwargs=adbc_stmt_kwargs)

    def adbc_clone(self) -> "Connection":
        """Another connection to the same hub, for another thread."""
        self._check_open()
        options = self._conn_kwargs or {}
        inner = _manager.AdbcConnection(self._db._db, **options)
        return Connection(self._db, inner, options, autocommit=True)

    def _check_open(self) -> None:
        if self._closed:
            raise ProgrammingError(
                "the connection is closed", status_code=_manager.AdbcStatusCode.INVALID_STATE
            )


def connect(
    config_path: Any = None,
    postgres_config: Any = None,
    schema_path: Any = None,
    credential_manager: Any = None,
    *,
    config: Any = None,
    hub: str | None = None,
    home: Any = None,
    pool_size: int | None = None,
    pool_timeout: float | None = None,
    connect_timeout: float | None = None,
    query_timeout: float | None = None,
    application_name: str | None = None,
    numeric: str | None = None,
    unrepresentable: str | None = None,
    batch_rows: int | None = None,
    batch_bytes: int | None = None,
) -> Connection:
    """Connect to the hub, which is started first where it is the embedded one.

    The arguments are those of InstantDataConnector; config_path may be the URL of a hub
    (``postgresql://…``) instead. The last four are options of every query: numeric ("decimal",
    "float64" or "string"), unrepresentable ("null" or "error"), and the size of batches.
    """
    if isinstance(config_path, str) and config_path.startswith(_URL_SCHEMES):
        if postgres_config is not None:
            raise _misuse("give one hub, not two")
        config_path, postgres_config = None, config_path
    try:
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
    except _CoreError as error:
        raise _misuse(str(error)) from None
    queries = {
        "numeric": numeric,
        "unrepresentable": unrepresentable,
        "batch_rows": batch_rows,
        "batch_bytes": batch_bytes,
    }
    return _open(_own(options), _own(queries))


def _misuse(message: str) -> Exception:
    error: Exception = InterfaceError(
        message, status_code=_manager.AdbcStatusCode.INVALID_ARGUMENT
    )
    return error


def _own(options: dict[str, Any]) -> dict[str, str]:
    """Options under the driver's names, as text; None is left out."""
    texts = {True: "true", False: "false"}
    return {
        f"instant.{name}": texts[value] if isinstance(value, bool) else str(value)
        for name, value in options.items()
        if value is not None
    }


def _open(database_options: dict[str, str], query_options: dict[str, str]) -> Connection:
    database = _manager.AdbcDatabase(
        driver=_native.__file__, entrypoint=_ENTRY_POINT, **database_options
    )
    try:
        connection = _manager.AdbcConnection(database, **query_options)
    except BaseException:
        database.close()
        raise
    return Connection(database, connection, query_options, autocommit=True)
