"""The Jupyter magic ``%%instant``: SQL in a cell, a DataFrame out.

    %load_ext instant_connector
    %instant_connect sources.yaml
    %%instant flights_by_carrier
    SELECT carrier, count(*) FROM flights GROUP BY carrier
"""

from __future__ import annotations

import shlex
from typing import Any

from .connector import InstantDataConnector, SyncInstantDataConnector
from .errors import InterfaceError

__all__ = ["load"]


def _connector_of(shell: Any) -> SyncInstantDataConnector:
    """The connector of %instant_connect, or a variable called connector, or one of its own."""
    connector = getattr(shell, "_instant_connector", None)
    if connector is None or connector.closed:
        connector = shell.user_ns.get("connector")
    if connector is None:
        connector = shell._instant_connector = SyncInstantDataConnector()
    if not isinstance(connector, (InstantDataConnector, SyncInstantDataConnector)):
        raise InterfaceError("the variable connector is no connector; use %instant_connect FILE")
    return connector.sync


def _connect(shell: Any, line: str) -> Any:
    words = shlex.split(line)
    if len(words) > 1:
        raise InterfaceError("usage: %instant_connect [FILE | variable]")
    found = shell.user_ns.get(words[0]) if words else None
    if isinstance(found, (InstantDataConnector, SyncInstantDataConnector)):
        shell._instant_connector = found.sync
    else:
        shell._instant_connector = SyncInstantDataConnector(words[0] if words else None)
    return shell._instant_connector


def _instant(shell: Any, line: str, cell: str | None) -> Any:
    """``%instant SQL``, or ``%%instant [variable]`` with SQL below."""
    words = line.split() if cell is not None else []
    if len(words) > 1 or (words and not words[0].isidentifier()):
        raise InterfaceError("usage: %%instant [variable]")
    sql = line if cell is None else cell
    frame = _connector_of(shell).query(sql).to_pandas()
    if not words:
        return frame
    shell.user_ns[words[0]] = frame
    return None


def load(shell: Any) -> None:
    """Register the magics with an IPython shell."""
    shell.register_magic_function(
        lambda line, cell=None: _instant(shell, line, cell), "line_cell", "instant"
    )
    shell.register_magic_function(
        lambda line: _connect(shell, line), "line", "instant_connect"
    )
