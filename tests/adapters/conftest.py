"""What the tests of adapters share."""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.hub import bystander, site, sql, undisturbed  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def rows_tool() -> Path:
    """tests/tools/rows_tool.c, of the build that the tests run with."""
    return Path(os.environ.get("INSTANT_CLI", ROOT / "build" / "instant")).parent / "rows_tool"
