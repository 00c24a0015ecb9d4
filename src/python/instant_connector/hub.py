"""The embedded hub and configuration files, without a connector."""

from __future__ import annotations

import json
from typing import Any

from . import _native
from .engine import connector_options

__all__ = ["check_config", "config_schema", "destroy_hub", "hub_status", "start_hub", "stop_hub"]


def _hub_options(home: Any, postgres_config: Any) -> dict[str, Any]:
    return connector_options(postgres_config=postgres_config, home=home)


def hub_status(home: Any = None, postgres_config: Any = None) -> dict[str, Any]:
    """Where the hub is and whether it runs: embedded, exists, running, uri, pid, directory, …"""
    return _native.hub_status(_hub_options(home, postgres_config))


def start_hub(home: Any = None) -> dict[str, Any]:
    """Start the embedded hub, making it first if there is none; its status."""
    return _native.hub_start(_hub_options(home, None))


def stop_hub(home: Any = None) -> None:
    """Stop the embedded hub; one that is down already is fine."""
    _native.hub_stop(_hub_options(home, None))


def destroy_hub(home: Any = None) -> None:
    """Stop the embedded hub and remove all its data."""
    _native.hub_destroy(_hub_options(home, None))


def check_config(config_path: Any = None, *, config: Any = None, schema_path: Any = None) -> str:
    """Every error of a configuration, one a line; an empty text for a good one."""
    return _native.config_check(
        connector_options(config_path=config_path, config=config, schema_path=schema_path)
    )


def config_schema() -> dict[str, Any]:
    """The JSON Schema of configuration files, for editors."""
    schema: dict[str, Any] = json.loads(_native.config_schema())
    return schema
