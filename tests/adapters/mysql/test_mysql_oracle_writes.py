"""Writes to Oracle's MySQL: what tests/adapters/mysql/test_mysql_writes.py asks of MariaDB."""
from __future__ import annotations

import pytest
from adapters.mysql.conftest import Oracle
from adapters.mysql.test_mysql_writes import *  # noqa: F403


@pytest.fixture(scope="module")
def maria(oracle: Oracle) -> Oracle:
    return oracle
