"""Servers for the HTTP client of the adapters."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.hostile_http import Certificates, HostileServer


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
