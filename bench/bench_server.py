"""The PostgreSQL server that everything is measured on: a scratch one, with the extension instant_fdw."""
from __future__ import annotations

import platform
from pathlib import Path

from scratch_servers import PostgresServer, Scratch, postgres_bin, server_tree


def server_with_extension(scratch: Scratch, settings: dict[str, str] | None = None) -> PostgresServer:
    major = postgres_bin().parent.name
    extension = Path(__file__).resolve().parent.parent / "build" / "fdw" / f"pg{major}"
    server = PostgresServer(scratch, {"shared_buffers": "1GB", "autovacuum": "off", "search_path": "public",
                                      "max_parallel_workers_per_gather": "0", **(settings or {})},
                            server_tree(scratch, extension))
    server.sql("CREATE EXTENSION instant_fdw")
    return server


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
