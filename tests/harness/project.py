"""What test modules and conftest.py share. (Of several files conftest.py a module could not say which it means.)"""
from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Sources:
    """A configuration file, and the variables that it asks for."""
    path: Path
    env: dict[str, str]


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def cli_path() -> str:
    return os.environ.get("INSTANT_CLI", str(ROOT / "build" / "instant"))
