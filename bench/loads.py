"""The tables that are loaded: how each is made, and which columns a load is checked by.

Every load is the same on every machine: TPC-H's generator, or arithmetic on the row's number.
"""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from scratch_servers import PostgresServer

ROWS_OF_SCALE_1 = 6_000_000

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

NUMS = """
CREATE UNLOGGED TABLE nums AS
SELECT n::float8 AS a, sqrt(n) AS b, sin(n) * 1000 AS c, (n * 2654435761 % 4294967296)::float8 / 65536 AS d
FROM generate_series(1, {rows}) AS n
"""

# Four texts, jsonb, uuid, timestamptz; a tenth of most columns is NULL.
TEXTS = """
CREATE UNLOGGED TABLE texts AS
SELECT n::int8 AS id,
    CASE WHEN n % 10 <> 1 THEN md5(n::text) END AS hash,
    (ARRAY['north', 'south', 'east', 'west', 'Zürich'])[1 + n % 5] AS region,
    CASE WHEN n % 10 <> 3 THEN 'customer number ' || n || ' of ' || repeat('street ', (n % 5)::int) END AS address,
    CASE WHEN n % 10 <> 4 THEN md5((n / 3)::text) || ' ' || md5((n / 7)::text) END AS note,
    CASE WHEN n % 10 <> 5 THEN jsonb_build_object('n', n, 'tags', ARRAY['a', 'b'], 'name', md5((n % 97)::text)) END
        AS document,
    CASE WHEN n % 10 <> 6 THEN md5('u' || n)::uuid END AS key,
    CASE WHEN n % 10 <> 7 THEN timestamptz '2013-01-01 00:00+00' + n * interval '1.5 seconds' END AS moment
FROM generate_series(1, {rows}) AS n
"""


@dataclass(frozen=True)
class Load:
    table: str
    rows: int
    integers: str  # a column that every tool must sum up to the same
    numbers: str | None  # and one whose sum may differ in the last digits

    @property
    def sql(self) -> str:
        return f"SELECT * FROM {self.table}"


LOADS = {
    "lineitem": Load("lineitem", 3_000_000, "l_orderkey", "l_quantity"),
    "nums": Load("nums", 10_000_000, "a", "c"),
    "texts": Load("texts", 1_000_000, "id", None),
}


def lineitem_csv(folder: Path, rows: int) -> Path:
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


def make(load: Load, rows: int, server: PostgresServer, folder: Path) -> int:
    """Make the table on the server; the number of its rows."""
    with psycopg.connect(server.url()) as connection:
        if load.table == "lineitem":
            connection.execute(LINEITEM)
            with (open(lineitem_csv(folder, rows), "rb") as file,
                  connection.cursor().copy("COPY lineitem FROM STDIN (FORMAT csv, HEADER)") as copy):
                while block := file.read(1 << 20):
                    copy.write(block)
        else:
            connection.execute((NUMS if load.table == "nums" else TEXTS).format(rows=rows))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE, FREEZE) {load.table}")
        answer = connection.execute(f"SELECT count(*) FROM {load.table}").fetchone()
        assert answer is not None
        return int(answer[0])
