#!/usr/bin/env python3
"""Rows of a REST API into pandas: through the hub's adapter rest, and by requests + pandas.json_normalize.

    rest.py --rows 1000000 --per-page 10000 --rounds 15

Both read the same pages from the same server (page_server.py), in a fresh process each time; in a round each runs
once, in a shuffled order. Printed are medians, the ratio within a round, CPU (ours: client, hub and source process
together) and how far the memory of client, backend and source process rose.
"""
from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

from bench_server import server_with_extension  # noqa: E402
from scratch_servers import PostgresServer, Scratch  # noqa: E402

DDL = """
CREATE EXTENSION IF NOT EXISTS instant_fdw;
CREATE SERVER api FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url '{url}', allow_private 'true');
CREATE FOREIGN TABLE items (
    id bigint, customer text, amount float8, quantity integer, paid boolean, status text, created timestamptz,
    note text)
    SERVER api OPTIONS (endpoint '/items', rows '/items', page_style 'page', limit_param 'per_page',
                        page_size '{per_page}', total '/total');
"""

OURS = """
import json, resource, sys, time
import pandas, pyarrow
from instant_connector import SyncInstantDataConnector
started = time.perf_counter()
with SyncInstantDataConnector(postgres_config=sys.argv[1]) as connector:
    frame = connector.query("SELECT * FROM items", transfer="arrow").to_pandas()
"""

THEIRS = """
import json, resource, sys, time
import pandas, requests
started = time.perf_counter()
url, per_page, rows, frames, page = sys.argv[1], int(sys.argv[2]), 0, [], 1
with requests.Session() as session:
    while True:
        answer = session.get(url + "/items", params={"page": page, "per_page": per_page}).json()
        frames.append(pandas.json_normalize(answer["items"]))
        rows += len(answer["items"])
        page += 1
        if rows >= answer["total"]:
            break
frame = pandas.concat(frames, ignore_index=True)
"""

REPORT = """
wall = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024,
                  "rows": len(frame), "sum": int(frame["id"].sum())}))
"""


def run(code: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", code + REPORT, *arguments], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def server_cpu(server: PostgresServer) -> float:
    """Seconds of the postmaster and of everything that it waited for: backends wait for their source processes."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--per-page", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    api = subprocess.Popen([sys.executable, str(HERE / "page_server.py"), str(arguments.rows), str(arguments.per_page)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert api.stdout is not None and api.stdin is not None
    url = f"http://127.0.0.1:{int(api.stdout.readline())}"
    figures: dict[str, list[dict[str, Any]]] = {"instant": [], "requests + json_normalize": []}
    with Scratch() as scratch:
        server = server_with_extension(scratch)
        server.sql(DDL.format(url=url, per_page=arguments.per_page))
        hub = f"postgresql://{server.username}@/postgres?host={server.directory}&port={server.port}"
        for number in range(arguments.rounds):
            for tool in random.sample(sorted(figures), 2):
                before = server_cpu(server)
                made = run(OURS, hub) if tool == "instant" else run(THEIRS, url, str(arguments.per_page))
                time.sleep(0.2)  # the session's processes are gone then, and counted
                made["cpu"] += server_cpu(server) - before
                assert made["rows"] == arguments.rows, f"{tool}: {made['rows']} rows"
                figures[tool].append(made)
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
    api.stdin.close()
    api.wait()
    pairs = zip(figures["instant"], figures["requests + json_normalize"], strict=True)
    ratios = [theirs["wall"] / ours["wall"] for ours, theirs in pairs]
    print(f"{arguments.rows:,} rows of 8 fields in pages of {arguments.per_page:,}; "
          f"medians of {arguments.rounds} rounds\n")
    print("| tool | wall s | CPU s (client, hub and source process) | peak of the client MB |\n|---|---|---|---|")
    for tool, runs in figures.items():
        wall, cpu, peak = (statistics.median(one[key] for one in runs) for key in ("wall", "cpu", "peak"))
        print(f"| {tool} | {wall:.2f} | {cpu:.2f} | {peak:.0f} |")
    print(f"\nrequests + json_normalize ÷ instant, wall: {statistics.median(ratios):.2f} "
          f"[{min(ratios):.2f}..{max(ratios):.2f}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
