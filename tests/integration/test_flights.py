"""The demo's data: what the connector answers is what pandas makes of the CSV files."""
from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from load import open_csv
from pandas.testing import assert_frame_equal

JOIN = """
SELECT a.name AS airline, p.manufacturer, count(*) AS flights, sum(f.distance) AS miles,
       max(f.arr_delay) AS worst_delay
FROM flights f JOIN planes p ON p.tailnum = f.tailnum JOIN airlines a ON a.carrier = f.carrier
WHERE f.month = 12 AND f.origin = 'JFK' AND p.seats > 150
GROUP BY a.name, p.manufacturer
ORDER BY a.name, p.manufacturer
"""


def read(name: str) -> pd.DataFrame:
    with open_csv(name) as file:
        return pd.read_csv(file, keep_default_na=False, na_values=["NA"])


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return read("flights")


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Types aside: integers with and without NULL, and both kinds of strings, count as equal."""
    plain = frame.reset_index(drop=True).copy()
    for name in plain.columns:
        if pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = plain[name].astype("float64")
        else:
            plain[name] = plain[name].astype(object).where(plain[name].notna(), None)
    return plain


def test_every_table_is_listed(connector: Any) -> None:
    tables = connector.list_available_tables()
    assert set(tables) >= {"flights", "weather", "airlines", "planes"}
    flights = tables["flights"]
    assert flights["source"] == "operations"
    assert 300_000 < flights["estimated_rows"] < 370_000  # what the source's own statistics say
    assert tables["airlines"]["estimated_rows"] in (16, None)  # None: by mysql_fdw, which says 1000 of any table
    assert [column["name"] for column in flights["columns"]][:4] == ["year", "month", "day", "dep_time"]
    assert tables["planes"]["source"] == "fleet"


@pytest.mark.parametrize("table", ["flights", "weather", "airlines", "planes"])
def test_a_whole_table_arrives(connector: Any, table: str) -> None:
    wanted = read(table)
    got = connector.lazy_load_table(table)
    assert list(got.columns) == list(wanted.columns)
    assert len(got) == len(wanted)
    key = {"flights": ["time_hour", "carrier", "flight"], "weather": ["origin", "time_hour"],
           "airlines": ["carrier"], "planes": ["tailnum"]}[table]
    for frame in (wanted, got):
        if "time_hour" in frame:
            frame["time_hour"] = pd.to_datetime(frame["time_hour"], utc=True).dt.as_unit("us")
    wanted, got = (as_numbers(frame.sort_values(key)) for frame in (wanted, got))
    assert_frame_equal(got, wanted, check_dtype=False, rtol=0, atol=0.005 if table == "weather" else 0)


def test_a_filtered_lazy_load(connector: Any, flights: pd.DataFrame) -> None:
    got = connector.lazy_load_table(
        "flights",
        filters={"month": 7, "dest": ["SFO", "LAX"], "dep_delay": {"ge": 120, "lt": 400}, "tailnum": {"ne": "N535UA"}},
        columns=["carrier", "flight", "dest", "dep_delay", "day"], order_by=["-dep_delay", "day", "carrier", "flight"],
        limit=50, offset=10)
    wanted = flights[(flights.month == 7) & flights.dest.isin(["SFO", "LAX"]) & (flights.dep_delay >= 120)
                     & (flights.dep_delay < 400) & (flights.tailnum != "N535UA") & flights.tailnum.notna()]
    wanted = wanted.sort_values(["dep_delay", "day", "carrier", "flight"], ascending=[False, True, True, True])
    wanted = wanted[["carrier", "flight", "dest", "dep_delay", "day"]].iloc[10:60]
    assert_frame_equal(as_numbers(got), as_numbers(wanted))


def test_nulls_are_found_and_left_out(connector: Any, flights: pd.DataFrame) -> None:
    assert len(connector.lazy_load_table("flights", filters={"tailnum": None}, columns=["flight"])) \
        == flights.tailnum.isna().sum()
    assert len(connector.lazy_load_table("flights", filters={"dest": []})) == 0


def test_a_join_across_both_servers(connector: Any, flights: pd.DataFrame) -> None:
    wanted = (flights[(flights.month == 12) & (flights.origin == "JFK")]
              .merge(read("planes")[["tailnum", "manufacturer", "seats"]], on="tailnum")
              .query("seats > 150")
              .merge(read("airlines"), on="carrier")
              .groupby(["name", "manufacturer"])
              .agg(flights=("flight", "size"), miles=("distance", "sum"), worst_delay=("arr_delay", "max"))
              .reset_index().rename(columns={"name": "airline"}).sort_values(["airline", "manufacturer"]))
    got = connector.execute_query(JOIN)
    assert len(got) > 10
    assert_frame_equal(as_numbers(got), as_numbers(wanted))
    # And once more as records, and with a parameter.
    records = connector.execute_query(
        "SELECT count(*) AS n FROM flights WHERE month = %s AND origin = %s", params=[12, "JFK"],
        return_dataframe=False)
    assert records == [{"n": int(((flights.month == 12) & (flights.origin == "JFK")).sum())}]


def test_conditions_run_at_the_source(connector: Any) -> None:
    remote = remote_sql(connector.query(JOIN))
    postgres = next(sql for sql in remote if "flights" in sql)
    mariadb = next(sql for sql in remote if "planes" in sql)
    assert "WHERE" in postgres and "12" in postgres and "JFK" in postgres
    assert "WHERE" in mariadb and "150" in mariadb
    # Only what is needed travels.
    assert "wind_speed" not in postgres and "air_time" not in postgres


def test_aggregates_run_at_the_source(connector: Any) -> None:
    (remote,) = remote_sql(connector.query("SELECT origin, count(*), avg(dep_delay) FROM flights GROUP BY origin"))
    assert "count(*)" in remote and "GROUP BY" in remote


def remote_sql(result: Any) -> list[str]:
    return [piece["remote_sql"] for piece in result.explain().remote]
