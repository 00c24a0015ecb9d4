"""What test modules and conftest.py share. (Of several files conftest.py a module could not say which it means.)"""
from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from scratch_servers import OracleServer

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Sources:
    """A configuration file, and the variables that it asks for."""
    path: Path
    env: dict[str, str]


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def need_oracle() -> None:
    """Oracle's server comes as a package for one kind of machine, which npm may leave out."""
    if platform.machine() != "x86_64":
        pytest.skip("Oracle's server is a program of x86-64")
    if not (OracleServer.package / "mysqld").exists():
        pytest.skip("npm has not brought Oracle's server")


def cli_path() -> str:
    return os.environ.get("INSTANT_CLI", str(ROOT / "build" / "instant"))
