"""Instant Data Connector: tables of many servers as one database, into DataFrames.

    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector("sources.yaml") as connector:
        connector.setup_fdw_infrastructure()
        frame = connector.lazy_load_table("flights", filters={"carrier": "UA"}, limit=10)
"""

from __future__ import annotations

import logging
from typing import Any

from ._native import version as _version
from .connector import InstantDataConnector, SyncInstantDataConnector
from .errors import (
    CanceledError,
    ConfigurationError,
    CredentialError,
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryTimeoutError,
    Warning,  # noqa: A004 - the name is PEP 249's
)
from .fdw import PostgreSQLFDWConnector, SyncPostgreSQLFDWConnector
from .hub import check_config, config_schema, destroy_hub, hub_status, start_hub, stop_hub
from .options import ResultOptions
from .query_builder import AsyncQueryBuilder, QueryBuilder
from .result import AsyncResult, Plan, Result
from .types import Interval, Json

__version__ = _version()

__all__ = [
    "AsyncQueryBuilder",
    "AsyncResult",
    "CanceledError",
    "ConfigurationError",
    "CredentialError",
    "DataError",
    "DatabaseError",
    "Error",
    "InstantDataConnector",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "Interval",
    "Json",
    "NotSupportedError",
    "OperationalError",
    "Plan",
    "PostgreSQLFDWConnector",
    "ProgrammingError",
    "QueryBuilder",
    "QueryTimeoutError",
    "Result",
    "ResultOptions",
    "SyncInstantDataConnector",
    "SyncPostgreSQLFDWConnector",
    "Warning",
    "check_config",
    "config_schema",
    "destroy_hub",
    "hub_status",
    "start_hub",
    "stop_hub",
]

logging.getLogger("instant_connector").addHandler(logging.NullHandler())


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext instant_connector``"""
    from .magic import load

    load(shell)
