"""A rate limit is one of all processes that share its file (src/relation/bucket.h), or a process's own."""
from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import relation as rel
from harness.api_http import Api
from harness.source_client import SourceSession

RATE, SCANS = 20, 6
ITEMS = rel.scan("items", [rel.column("id", rel.INT8)], {"endpoint": "/all/items"})


def seconds_of_two_sessions(url: str, bucket: int | None) -> float:
    options = {"base_url": url, "allow_private": "true", "rate_limit": str(RATE)}

    def scan_often(session: SourceSession) -> None:
        for _ in range(SCANS):
            assert session.open(ITEMS).table().num_rows == 10

    with SourceSession("rest", bucket=bucket, server_options=options) as one, \
            SourceSession("rest", bucket=bucket, server_options=options) as two, ThreadPoolExecutor() as pool:
        start = time.monotonic()
        list(pool.map(scan_often, (one, two)))
        return time.monotonic() - start


def test_sessions_share_a_rate_limit(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "bucket", os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(fd, 8)
    with Api(rows=10) as api:
        assert seconds_of_two_sessions(api.url, fd) >= (2 * SCANS - 1) / RATE
        assert os.pread(fd, 8, 0) != bytes(8)
    os.close(fd)


def test_without_its_file_the_limit_is_the_processes_own(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "empty", os.O_RDWR | os.O_CREAT, 0o600)
    with Api(rows=10) as api:
        for bucket in (None, fd):
            assert seconds_of_two_sessions(api.url, bucket) >= (SCANS - 1) / RATE
    os.close(fd)
