#!/usr/bin/env python3
"""Load a table from PostgreSQL with each tool, side by side.

    run.py --load lineitem      TPC-H's, 3 M rows of 16 columns: integers, numerics, dates, short texts
    run.py --load nums          10 M rows of 4 doubles
    run.py --load texts         1 M rows: four texts, jsonb, uuid, timestamptz, NULLs

A round runs every tool once, in an order shuffled by the seed, each in a fresh process. Printed are medians,
and of the wall time also the ratio to the limit and to ours within the same round (a machine's speed changes
over minutes, so ratios within a round are what counts). "limit" is a C program that receives COPY (FORMAT
binary) and throws it away. The server has the extension instant_fdw; the tools instant-copy-… do not use it.

Tools that load into Arrow are compared with ours into Arrow, those that load into pandas with ours into pandas.
Client CPU is user + system time of the process, all its threads; server CPU that of all of PostgreSQL's
processes; peak is how far resident memory rose above what it was before the load. In Arrow numerics are
decimal128 with instant-arrow, doubles with instant-float64-arrow, text with adbc.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

from bench_server import processor, server_with_extension  # noqa: E402
from loaders import LOADERS  # noqa: E402
from loads import LOADS, Load, make  # noqa: E402
from scratch_servers import PostgresServer, Scratch  # noqa: E402

LIMIT = "limit"
DEFAULT_TOOLS = [LIMIT, "instant-pandas", "instant-copy-pandas", "instant-arrow", "instant-copy-arrow",
                 "connectorx-pandas", "connectorx-arrow", "adbc-pandas", "adbc-arrow", "duckdb-pandas",
                 "duckdb-arrow", "polars-connectorx-polars", "polars-adbc-polars"]

TICKS = os.sysconf("SC_CLK_TCK")


def server_cpu(server: PostgresServer) -> float:
    """CPU seconds of the server so far: the postmaster, its children, and those it has already buried."""
    assert server.process is not None
    postmaster = server.process.pid
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(process.name) == postmaster:
            ticks += sum(int(field) for field in fields[11:15])  # utime, stime and the children's
        elif int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def measure(tool: str, server: PostgresServer, load: Load) -> dict[str, Any]:
    before = server_cpu(server)
    if tool == LIMIT:
        command = [str(HERE.parent / "build" / "bench_limit"), server.url(), load.sql]
    else:
        command = [sys.executable, str(HERE / "loaders.py"), tool, server.url(), load.sql, load.integers,
                   load.numbers or ""]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{tool} failed:\n{done.stderr}")
    time.sleep(0.2)  # a backend's last moments belong to this load
    figures = {"tool": tool, "result_bytes": 0, **json.loads(done.stdout)}
    return {**figures, "server_cpu_s": server_cpu(server) - before}


def run_rounds(tools: list[str], rounds: int, seed: int, server: PostgresServer, load: Load
               ) -> list[list[dict[str, Any]]]:
    shuffle = random.Random(seed)
    done = []
    for number in range(rounds):
        order = shuffle.sample(tools, len(tools))
        done.append([measure(tool, server, load) for tool in order])
        print(f"round {number + 1} of {rounds}: wall s, client CPU s, server CPU s, peak MB", flush=True)
        for figure in done[-1]:
            print(f"  {figure['tool']:26} {figure['wall_s']:6.2f} {figure['client_cpu_s']:6.2f} "
                  f"{figure['server_cpu_s']:6.2f} {figure['peak_bytes'] / 1e6:6.0f}", flush=True)
    return done


def check_same_answer(rounds: list[list[dict[str, Any]]], rows: int) -> None:
    answers = {(figure["rows"], tuple(figure["checksum"])) for done in rounds for figure in done
               if figure["tool"] != LIMIT}
    if answers and (len(answers) != 1 or next(iter(answers))[0] != rows):
        raise SystemExit(f"the tools do not agree about the answer: {answers}")


def print_table(title: str, tools: list[str], rounds: list[list[dict[str, Any]]], ours: str) -> None:
    by_tool = {tool: [figure for done in rounds for figure in done if figure["tool"] == tool] for tool in tools}

    def median(tool: str, key: str) -> float:
        return statistics.median(figure[key] for figure in by_tool[tool])

    def ratio(tool: str, to: str, value: Callable[[dict[str, Any]], float], has_range: bool = True) -> str:
        if to not in by_tool:
            return "-"
        pairs = [value(a) / value(b) for a, b in zip(by_tool[tool], by_tool[to], strict=True)]
        middle = f"{statistics.median(pairs):.2f}"
        return f"{middle} [{min(pairs):.2f}..{max(pairs):.2f}]" if has_range else middle

    def wall(figure: dict[str, Any]) -> float:
        return float(figure["wall_s"])

    def cpu(figure: dict[str, Any]) -> float:
        return float(figure["client_cpu_s"] + figure["server_cpu_s"])

    print(f"\n{title}\n")
    print("| tool | wall s | ÷ limit [min..max] | ÷ ours [min..max] | client CPU s | server CPU s | all CPU ÷ ours "
          "| peak MB | result MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for tool in sorted(tools, key=lambda tool: median(tool, "wall_s")):
        print(f"| {tool} | {median(tool, 'wall_s'):.2f} | {ratio(tool, LIMIT, wall)} | {ratio(tool, ours, wall)} "
              f"| {median(tool, 'client_cpu_s'):.2f} | {median(tool, 'server_cpu_s'):.2f} "
              f"| {ratio(tool, ours, cpu, False)} | {median(tool, 'peak_bytes') / 1e6:.0f} "
              f"| {median(tool, 'result_bytes') / 1e6:.0f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", choices=LOADS, default="lineitem")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, help="rows of the table, instead of the load's own number")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tools", nargs="+", choices=[LIMIT, *LOADERS], default=DEFAULT_TOOLS, metavar="TOOL",
                        help="some of: " + ", ".join([LIMIT, *LOADERS]))
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the generated rows are kept")
    parser.add_argument("--json", type=Path, help="write every single figure to this file")
    arguments = parser.parse_args()

    load = LOADS[arguments.load]
    with Scratch() as scratch:
        server = server_with_extension(scratch)
        rows = make(load, arguments.rows or load.rows, server, arguments.data)
        version = server.sql("SHOW server_version")
        rounds = run_rounds(arguments.tools, arguments.rounds, arguments.seed, server, load)
    check_same_answer(rounds, rows)

    print(f"\n{load.table}: {rows:,} rows, medians of {arguments.rounds} rounds; PostgreSQL {version}, "
          f"Python {platform.python_version()}, {os.cpu_count()} × {processor()}")
    for kind, name in (("arrow", "Arrow"), ("pandas", "pandas"), ("polars", "polars")):
        tools = [tool for tool in arguments.tools if tool.endswith("-" + kind)]
        if tools:
            ours = f"instant-{kind}" if kind != "polars" else "instant-arrow"
            beside = [tool for tool in (LIMIT, ours) if tool in arguments.tools and tool not in tools]
            print_table(f"into {name}", tools + beside, rounds, ours)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"load": load.table, "rows": rows, "seed": arguments.seed,
                                              "server": version, "processor": processor(), "rounds": rounds},
                                             indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
