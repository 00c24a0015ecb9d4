#!/usr/bin/env python3
"""Load TPC-H's lineitem (3 M rows, 16 columns) from PostgreSQL with each tool, side by side.

A round runs every tool once, in an order shuffled by the seed, each in a fresh process. Printed are medians,
and of the wall time also the ratio to ours within the same round (a machine's speed changes over minutes, so
ratios within a round are what counts). Tools that load into Arrow are compared with ours into Arrow, those
that load into pandas with ours into pandas. Client CPU is user + system time of the process, all its threads;
server CPU that of all of PostgreSQL's processes; peak is how far resident memory rose above what it was before
the load. In Arrow numerics are decimal128 with instant-arrow, doubles with instant-float64-arrow, text with adbc.
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
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import psycopg  # noqa: E402
from loaders import LOADERS  # noqa: E402
from scratch_servers import PostgresServer, Scratch  # noqa: E402

LINEITEM = """
CREATE UNLOGGED TABLE lineitem (
    l_orderkey bigint NOT NULL, l_partkey integer NOT NULL, l_suppkey integer NOT NULL,
    l_linenumber integer NOT NULL,
    l_quantity numeric(15, 2) NOT NULL, l_extendedprice numeric(15, 2) NOT NULL,
    l_discount numeric(15, 2) NOT NULL, l_tax numeric(15, 2) NOT NULL,
    l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct varchar(25) NOT NULL, l_shipmode varchar(10) NOT NULL, l_comment varchar(44) NOT NULL)
"""
ROWS_OF_SCALE_1 = 6_000_000
SQL = "SELECT * FROM lineitem"
TICKS = os.sysconf("SC_CLK_TCK")


def make_data(folder: Path, rows: int) -> Path:
    """The CSV file of so many rows, made once; the generator always makes the same."""
    target = folder / f"lineitem-{rows}.csv"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # A little more than is needed: a scale gives a number of orders, not of lines.
        subprocess.run(
            [str(Path(sys.executable).parent / "tpchgen-cli"), "csv", "--scale-factor",
             str(max(0.001, rows * 1.01 / ROWS_OF_SCALE_1)), "--tables", "lineitem", "--output-dir", str(folder),
             "--overwrite"], check=True, stdout=subprocess.DEVNULL)
        with open(folder / "lineitem.csv", "rb") as source, open(target.with_suffix(".part"), "wb") as cut:
            for _ in range(rows + 1):
                cut.write(source.readline())
        (folder / "lineitem.csv").unlink()
        target.with_suffix(".part").rename(target)
    return target


def fill(server: PostgresServer, data: Path) -> int:
    with psycopg.connect(server.url()) as connection:
        connection.execute(LINEITEM)
        with (open(data, "rb") as file,
              connection.cursor().copy("COPY lineitem FROM STDIN (FORMAT csv, HEADER)") as copy):
            while block := file.read(1 << 20):
                copy.write(block)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE, FREEZE) lineitem")
        answer = connection.execute("SELECT count(*) FROM lineitem").fetchone()
        assert answer is not None
        return int(answer[0])


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


def measure(tool: str, server: PostgresServer) -> dict[str, Any]:
    before = server_cpu(server)
    done = subprocess.run(
        [sys.executable, str(HERE / "loaders.py"), tool, server.url(), SQL],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{tool} failed:\n{done.stderr}")
    time.sleep(0.2)  # a backend's last moments belong to this load
    return {**json.loads(done.stdout), "server_cpu_s": server_cpu(server) - before}


def run_rounds(tools: list[str], rounds: int, seed: int, server: PostgresServer) -> list[list[dict[str, Any]]]:
    shuffle = random.Random(seed)
    done = []
    for number in range(rounds):
        order = shuffle.sample(tools, len(tools))
        done.append([measure(tool, server) for tool in order])
        print(f"round {number + 1} of {rounds}: wall s, client CPU s, peak MB", flush=True)
        for figure in done[-1]:
            print(f"  {figure['tool']:22} {figure['wall_s']:6.2f} {figure['client_cpu_s']:6.2f} "
                  f"{figure['peak_bytes'] / 1e6:6.0f}", flush=True)
    return done


def check_same_answer(rounds: list[list[dict[str, Any]]], rows: int) -> None:
    answers = {(figure["rows"], tuple(figure["checksum"])) for done in rounds for figure in done}
    if len(answers) != 1 or next(iter(answers))[0] != rows:
        raise SystemExit(f"the tools do not agree about the answer: {answers}")


def print_table(title: str, tools: list[str], rounds: list[list[dict[str, Any]]], ours: str) -> None:
    by_tool = {tool: [figure for done in rounds for figure in done if figure["tool"] == tool] for tool in tools}

    def median(tool: str, key: str) -> float:
        return statistics.median(figure[key] for figure in by_tool[tool])

    print(f"\n{title}\n")
    print("| tool | wall s | ÷ ours [min..max] | client CPU s | ÷ ours | server CPU s | peak MB | result MB |")
    print("|---|---|---|---|---|---|---|---|")
    for tool in sorted(tools, key=lambda tool: median(tool, "wall_s")):
        ratio = cpu_ratio = "-"
        if ours in by_tool:
            both = list(zip(by_tool[tool], by_tool[ours], strict=True))
            pairs = [a["wall_s"] / b["wall_s"] for a, b in both]
            ratio = f"{statistics.median(pairs):.2f} [{min(pairs):.2f}..{max(pairs):.2f}]"
            cpu_ratio = f"{statistics.median(a['client_cpu_s'] / b['client_cpu_s'] for a, b in both):.2f}"
        print(f"| {tool} | {median(tool, 'wall_s'):.2f} | {ratio} | {median(tool, 'client_cpu_s'):.2f} "
              f"| {cpu_ratio} | {median(tool, 'server_cpu_s'):.2f} | {median(tool, 'peak_bytes') / 1e6:.0f} "
              f"| {median(tool, 'result_bytes') / 1e6:.0f} |")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tools", nargs="+", choices=LOADERS, default=list(LOADERS), metavar="TOOL",
                        help="some of: " + ", ".join(LOADERS))
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the generated rows are kept")
    parser.add_argument("--json", type=Path, help="write every single figure to this file")
    arguments = parser.parse_args()

    data = make_data(arguments.data, arguments.rows)
    with Scratch() as scratch:
        server = PostgresServer(scratch, {"shared_buffers": "1GB", "autovacuum": "off",
                                          "max_parallel_workers_per_gather": "0"})
        rows = fill(server, data)
        version = server.sql("SHOW server_version")
        rounds = run_rounds(arguments.tools, arguments.rounds, arguments.seed, server)
    check_same_answer(rounds, rows)

    print(f"\n{rows:,} rows × 16 columns, medians of {arguments.rounds} rounds; PostgreSQL {version}, "
          f"Python {platform.python_version()}, {os.cpu_count()} × {processor()}")
    for kind in ("arrow", "pandas"):
        tools = [tool for tool in arguments.tools if tool.endswith("-" + kind)]
        if tools:
            print_table(f"into {'Arrow' if kind == 'arrow' else 'pandas'}", tools, rounds, f"instant-{kind}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"rows": rows, "seed": arguments.seed, "server": version,
                                              "processor": processor(), "rounds": rounds}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
