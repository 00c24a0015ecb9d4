"""Values that are read from Oracle's MySQL: what tests/adapters/mysql/test_mysql_types.py asks of MariaDB."""
from __future__ import annotations

import pytest
from adapters.mysql.conftest import Oracle
from adapters.mysql.test_mysql_types import (  # noqa: F401
    make,
    test_dates_that_are_none,
    test_many_columns_with_all_nulls_among_them,
    test_native_requests,
    test_values_that_do_not_fit,
    test_values_that_fit,
)


@pytest.fixture(scope="module")
def maria(oracle: Oracle) -> Oracle:
    return oracle
