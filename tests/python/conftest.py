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


def running(connector: SyncInstantDataConnector, word: str) -> int:
    """How many sessions of the hub are busy with a query that has this word."""
    answer = connector.execute_query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
        "AND query LIKE %s", [f"%{word}%"], return_dataframe=False)
    return int(answer[0]["n"])
