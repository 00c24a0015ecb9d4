"""The HTTP client of the adapters, driven by build/tools/http_fetch, against servers of the tests' own."""
from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness.hostile_http import Certificates, HostileServer

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = Path(os.environ.get("INSTANT_CLI", ROOT / "build" / "instant")).resolve().parent / "tools" / "http_fetch"


@dataclass
class Fetched:
    """answers: of each URL, in order; stats: of each thread and round."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    stats: list[dict[str, int]] = field(default_factory=list)
    output: str = ""

    @property
    def answer(self) -> dict[str, Any]:
        assert len(self.answers) == 1, self.output
        return self.answers[0]

    @property
    def stat(self) -> dict[str, int]:
        return self.stats[-1]

    @property
    def error(self) -> tuple[str, str]:
        """Status and message of the one answer, which must have failed."""
        assert "error" in self.answer, self.output
        return self.answer["error"], self.answer["message"]


Fetch = Callable[..., Fetched]


@pytest.fixture
def fetch() -> Fetch:
    def run(*urls: str, options: dict[str, str] | None = None, user: dict[str, str] | None = None,
            args: tuple[str, ...] = (), hosts: str = "", env: dict[str, str] | None = None) -> Fetched:
        command = [str(TOOL)]
        given = {"allow_private": "true", "retry_delay": "10ms", **(options or {})}
        for name, value in given.items():
            if value:
                command += ["-o", f"{name}={value}"]
        for name, value in (user or {}).items():
            command += ["-u", f"{name}={value}"]
        done = subprocess.run([*command, *args, *urls], capture_output=True, timeout=60,
                              env={**os.environ, "HTTP_FETCH_HOSTS": hosts, **(env or {})})
        output = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
        assert done.returncode in (0, 1), output
        assert not done.stderr, output
        result = Fetched(output=output)
        for line in output.splitlines():
            parsed = json.loads(line)
            (result.stats if "requests" in parsed else result.answers).append(parsed)
        return result
    return run


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
