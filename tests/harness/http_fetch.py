"""The HTTP client of the adapters as a function: runs build/tools/http_fetch."""
from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


def fetch(*urls: str, options: dict[str, str] | None = None, user: dict[str, str] | None = None,
          args: tuple[str, ...] = (), hosts: str = "", env: dict[str, str] | None = None) -> Fetched:
    """options and user: of the server and of its user mapping; an empty value takes a default of here away."""
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
    assert done.returncode in (0, 1), (done.returncode, env, output)
    assert not done.stderr, output
    result = Fetched(output=output)
    for line in output.splitlines():
        parsed = json.loads(line)
        (result.stats if "requests" in parsed else result.answers).append(parsed)
    return result
