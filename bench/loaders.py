"""One way to load a query's whole result into memory for each tool, and the process that times one of them.

    loaders.py TOOL URL SQL INTEGERS [NUMBERS]      prints one line of JSON: the figures of one load

INTEGERS and NUMBERS name columns whose sums every tool must agree about. The tools instant-… read from the
hub's extension as Arrow, the tools instant-copy-… by COPY as from a plain server.

Each load starts with no connection and ends with the result in memory, the connection closed. Libraries are
imported before the clock starts.
"""
from __future__ import annotations

import asyncio
import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def instant(transfer: str, finish: Callable[[Any], Any]) -> Callable[[str, str], Any]:
    """Load by the extension ("arrow") or as from a plain server ("copy"), and make of it what finish says."""
    def load(url: str, sql: str) -> Any:
        from instant_connector import SyncInstantDataConnector

        with SyncInstantDataConnector(postgres_config=url) as connector:
            return finish(connector.query(sql, transfer=transfer))

    return load


def instant_partitions_pandas(url: str, sql: str) -> Any:
    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector(postgres_config=url) as connector:
        return connector.table(sql.split()[-1], partitions=2, transfer="arrow").to_pandas()


def connectorx_pandas(url: str, sql: str) -> Any:
    import connectorx

    return connectorx.read_sql(url, sql, return_type="pandas")


def connectorx_arrow(url: str, sql: str) -> Any:
    import connectorx

    return connectorx.read_sql(url, sql, return_type="arrow")


def adbc_pandas(url: str, sql: str) -> Any:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetch_df()


def adbc_arrow(url: str, sql: str) -> Any:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetch_arrow_table()


def polars_connectorx_polars(url: str, sql: str) -> Any:
    import polars

    return polars.read_database_uri(sql, url, engine="connectorx")


def polars_adbc_polars(url: str, sql: str) -> Any:
    import polars

    return polars.read_database_uri(sql, url, engine="adbc")


def _duckdb(url: str, sql: str) -> Any:
    """The version whose PostgreSQL scanner can be had as a package, beside the one of requirements-dev.txt."""
    import duckdb
    import duckdb_extension_postgres_scanner

    extension = next(Path(duckdb_extension_postgres_scanner.__file__).parent.rglob("*.duckdb_extension"))
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    connection.execute(f"ATTACH '{url}' AS source (TYPE postgres, READ_ONLY)")
    return connection.sql(f"SELECT * FROM source.public.{sql.split()[-1]}")


def duckdb_arrow(url: str, sql: str) -> Any:
    return _duckdb(url, sql).to_arrow_table()


def duckdb_pandas(url: str, sql: str) -> Any:
    return _duckdb(url, sql).df()


def asyncpg_pandas(url: str, sql: str) -> Any:
    import asyncpg
    import pandas

    async def load() -> Any:
        connection = await asyncpg.connect(url)
        try:
            records = await connection.fetch(sql)
        finally:
            await connection.close()
        return pandas.DataFrame.from_records(records, columns=list(records[0].keys()))

    return asyncio.run(load())


def psycopg_pandas(url: str, sql: str) -> Any:
    import pandas
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor(binary=True) as cursor:
        cursor.execute(sql)
        return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


OUR_PANDAS = ("pandas", "pyarrow", "instant_connector")
OUR_ARROW = ("pyarrow", "instant_connector")

# Tool: what it loads with, and what is imported before the clock starts.
LOADERS: dict[str, tuple[Callable[[str, str], Any], tuple[str, ...]]] = {
    "instant-pandas": (instant("arrow", lambda result: result.to_pandas()), OUR_PANDAS),
    "instant-pyarrow-pandas": (instant("arrow", lambda result: result.to_pandas(dtype_backend="pyarrow")), OUR_PANDAS),
    "instant-copy-pandas": (instant("copy", lambda result: result.to_pandas()), OUR_PANDAS),
    "instant-copy-arrow": (instant("copy", lambda result: result.to_arrow()), OUR_ARROW),
    "instant-partitions-pandas": (instant_partitions_pandas, OUR_PANDAS),
    "instant-arrow": (instant("arrow", lambda result: result.to_arrow()), OUR_ARROW),
    "instant-float64-arrow": (instant("arrow", lambda result: result.to_arrow(numeric="float64")), OUR_ARROW),
    "connectorx-pandas": (connectorx_pandas, ("pandas", "connectorx")),
    "connectorx-arrow": (connectorx_arrow, ("pyarrow", "connectorx")),
    "adbc-pandas": (adbc_pandas, ("pandas", "pyarrow", "adbc_driver_postgresql.dbapi")),
    "adbc-arrow": (adbc_arrow, ("pyarrow", "adbc_driver_postgresql.dbapi")),
    "polars-connectorx-polars": (polars_connectorx_polars, ("polars", "connectorx")),
    "polars-adbc-polars": (polars_adbc_polars, ("polars", "adbc_driver_postgresql.dbapi")),
    "duckdb-arrow": (duckdb_arrow, ("pyarrow", "duckdb")),
    "duckdb-pandas": (duckdb_pandas, ("pandas", "duckdb")),
    "asyncpg-pandas": (asyncpg_pandas, ("pandas", "asyncpg")),
    "psycopg-pandas": (psycopg_pandas, ("pandas", "psycopg")),
}


def memory(field: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(field)


def result_bytes(result: Any) -> int:
    """An Arrow table counts its buffers; a DataFrame its columns, of Python objects only the pointers."""
    if hasattr(result, "get_total_buffer_size"):
        return int(result.get_total_buffer_size())
    if hasattr(result, "estimated_size"):
        return int(result.estimated_size())
    return int(result.memory_usage(index=True, deep=False).sum())


def checksum(result: Any, integers: str, numbers: str | None) -> tuple[int, float]:
    """The same for every tool that read the same rows; sums of floats are rounded."""
    def total(column: str) -> float:
        if hasattr(result, "iloc"):
            return float(result[column].astype(float).sum())
        values = result[column] if hasattr(result, "get_total_buffer_size") else result[column].to_arrow()
        return float(values.to_pandas().astype(float).sum())

    return int(total(integers)), round(total(numbers), 2) if numbers else 0.0


def main(tool: str, url: str, sql: str, integers: str, numbers: str = "") -> None:
    load, modules = LOADERS[tool]
    if tool.startswith("duckdb-"):
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".deps" / "duckdb-1.5.5"))
    for module in modules:
        importlib.import_module(module)
    if urlsplit(url).scheme != "postgresql":
        raise SystemExit("the URL must begin with postgresql://")
    gc.collect()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as reset:
        reset.write("5")  # the high-water mark begins anew
    resident = memory("VmRSS")
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    result = load(url, sql)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = memory("VmHWM")
    print(json.dumps({
        "tool": tool, "wall_s": wall, "rows": len(result),
        "client_cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_bytes": peak - resident, "result_bytes": result_bytes(result),
        "checksum": checksum(result, integers, numbers or None)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
