"""Connectors for the tests of the Python package."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from instant_connector import InstantDataConnector, SyncInstantDataConnector


@pytest.fixture(scope="session")
def plain(hub_arguments: dict[str, Any]) -> Iterator[SyncInstantDataConnector]:
    """A connector without sources: for what the hub answers by itself."""
    with SyncInstantDataConnector(**hub_arguments) as made:
        yield made


@pytest.fixture
async def aplain(hub_arguments: dict[str, Any]) -> AsyncIterator[InstantDataConnector]:
    async with InstantDataConnector(**hub_arguments) as made:
        yield made


@pytest.fixture
async def aconnector(connector: Any, flights_sources: Any,
                     hub_arguments: dict[str, Any]) -> AsyncIterator[InstantDataConnector]:
    """The asynchronous sibling of the fixture connector, which has set the hub up."""
    async with InstantDataConnector(flights_sources.path, **hub_arguments) as made:
        yield made

