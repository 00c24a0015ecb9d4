"""Every method of both connectors, against the flights in two servers."""
from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import instant_connector as ic
import pandas as pd
import pyarrow as pa
import pytest
from instant_connector import InstantDataConnector, SyncInstantDataConnector

pytest_plugins = ["connectors"]

METHODS = [
    "setup_fdw_infrastructure", "list_available_tables", "lazy_load_table", "execute_query", "health_check", "close",
    "get_table_schema", "refresh_virtual_tables", "query", "table", "load_arrow", "explain", "setup_plan",
]


def test_both_connectors_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(InstantDataConnector) == public(SyncInstantDataConnector)
    assert set(METHODS) <= public(InstantDataConnector)


def test_a_second_setup_changes_nothing(connector: SyncInstantDataConnector, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "instant_connector"):
        assert connector.setup_fdw_infrastructure(validate_connections=False) is True
    assert "nothing to change" in caplog.text
    assert {change["action"] for change in connector.setup_plan()} == {"keep"}


def test_the_plan_of_a_rebuild_masks_passwords(connector: SyncInstantDataConnector, flights_sources: Any) -> None:
    plan = connector.setup_plan(force_refresh=True)
    assert any(change["action"] != "keep" for change in plan)
    text = json.dumps(plan)
    for name, value in flights_sources.env.items():
        if "PASS" in name:
            assert value not in text


def test_tables(connector: SyncInstantDataConnector) -> None:
    tables = connector.list_available_tables()
    assert {"flights", "weather", "airlines", "planes"} <= set(tables)
    flights = tables["flights"]
    assert set(flights) == {"source", "server", "wrapper", "schema", "remote_schema", "remote_name", "estimated_rows",
                            "comment", "columns"}
    assert flights["wrapper"] == "postgres_fdw"
    assert tables["airlines"]["wrapper"] in ("instant_mysql", "mysql_fdw")  # as the hub has it
    assert "carrier" in [column["name"] for column in flights["columns"]]
    assert all(set(column) == {"name", "type", "nullable", "default", "comment"} for column in flights["columns"])
    # The caller's changes stay the caller's.
    flights["columns"].clear()
    assert connector.list_available_tables()["flights"]["columns"]
    assert connector.list_available_tables(refresh=True)["flights"]["columns"]


def test_the_schema_of_a_table(connector: SyncInstantDataConnector) -> None:
    schema = connector.get_table_schema("airlines")
    assert [column["name"] for column in schema] == ["carrier", "name"]
    with pytest.raises(ic.ProgrammingError, match="airline"):
        connector.get_table_schema("airlinez")


def test_health(connector: SyncInstantDataConnector) -> None:
    health = connector.health_check()
    assert health["overall_healthy"] is True
    assert len(health["components"]) >= 3
    for part in health["components"].values():
        assert part["healthy"] is True
        assert isinstance(part["details"], str)


def test_refresh(connector: SyncInstantDataConnector) -> None:
    """A table whose columns the configuration lists has nothing to be asked for."""
    assert connector.refresh_virtual_tables(["airlines", "planes"]) == {"airlines": False, "planes": True}
    assert connector.refresh_virtual_tables("planes") == {"planes": True}
    assert connector.refresh_virtual_tables()["planes"] is True
    with pytest.raises(ic.ProgrammingError, match='table "plane" does not exist') as error:
        connector.refresh_virtual_tables(["airlines", "plane"])
    assert error.value.hint == 'did you mean "planes"?'


def test_a_lazy_load(connector: SyncInstantDataConnector) -> None:
    frame = connector.lazy_load_table(
        "flights", filters={"carrier": ["UA", "AA"], "dep_delay": {"gt": 60, "le": 120}, "tailnum": {"ne": None}},
        columns=["carrier", "flight", "dep_delay"], order_by=["-dep_delay", "flight"], limit=7, offset=2)
    assert list(frame.columns) == ["carrier", "flight", "dep_delay"]
    assert len(frame) == 7
    assert frame.dep_delay.is_monotonic_decreasing
    assert set(frame.carrier) <= {"UA", "AA"}
    same = connector.load_arrow(
        "flights", filters={"carrier": ["UA", "AA"], "dep_delay": {"gt": 60, "le": 120}, "tailnum": {"ne": None}},
        columns=["carrier", "flight", "dep_delay"], order_by=["-dep_delay", "flight"], limit=7, offset=2)
    assert isinstance(same, pa.Table)
    assert same.column("flight").to_pylist() == list(frame.flight)


def test_a_query(connector: SyncInstantDataConnector) -> None:
    sql = ("SELECT a.name, count(*) AS n FROM flights f JOIN airlines a USING (carrier) "
           "WHERE f.month = %s GROUP BY a.name ORDER BY n DESC, a.name LIMIT 3")
    frame = connector.execute_query(sql, [1])
    records = connector.execute_query(sql, [1], return_dataframe=False, cache_key="k", cache_ttl=60)
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("records") == records
    assert [type(value) for value in records[0].values()] == [str, int]


def test_statements_without_rows(plain: SyncInstantDataConnector) -> None:
    assert plain.execute_query("CREATE TABLE IF NOT EXISTS door (id int PRIMARY KEY)").empty
    result = plain.query("INSERT INTO door SELECT generate_series(1, %s::int)", [3])
    assert result.rows() == []
    assert result.stats["rows"] == 3
    assert plain.execute_query("SELECT count(*) FROM door", return_dataframe=False) == [{"count": 3}]
    frame = plain.execute_query("DELETE FROM door RETURNING id")
    assert sorted(frame.id) == [1, 2, 3]
    plain.execute_query("DROP TABLE door")


def test_the_query_builder(connector: SyncInstantDataConnector) -> None:
    sql = connector.query_builder.build("flights", {"carrier": "UA"}, ["flight"], limit=5, order_by="-flight")
    assert re.search(r'SELECT "?flight"? FROM', sql)
    assert "LIMIT 5" in sql
    assert len(connector.execute_query(sql)) == 5


@pytest.mark.parametrize(("arguments", "word"), [
    ({"limit": -1}, "limit"), ({"limit": 1.5}, "limit"), ({"limit": True}, "limit"), ({"limit": "1"}, "limit"),
    ({"offset": -1}, "offset"), ({"limit": 2**63}, "limit"), ({"columns": []}, "columns"),
    ({"columns": ["flihgt"]}, "flight"), ({"order_by": "-carier"}, "carrier"),
    ({"filters": {"carier": "UA"}}, "carrier"), ({"filters": {"carrier": {"equals": 1}}}, "eq"),
    ({"filters": {"carrier": {}}}, "carrier"), ({"filters": {"flight": {"between": [1]}}}, "between"),
    ({"filters": {"flight": {"in": "abc"}}}, "in"), ({"filters": {"flight": object()}}, "flight"),
    ({"filters": "flight > 1"}, "filters"), ({"columns": 5}, "columns"),
])
def test_what_is_wrong_is_named(connector: SyncInstantDataConnector, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ic.Error) as caught:
        connector.lazy_load_table("flights", **arguments)
    assert word in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["", "flightz", 'a"b', "a\0b", "\ud800", None, 5, "x" * 5000])
def test_a_table_that_is_not_there(connector: SyncInstantDataConnector, name: Any) -> None:
    with pytest.raises(ic.Error):
        connector.lazy_load_table(name)


@pytest.mark.parametrize("sql", ["SELECT '\0'", "SELECT '\ud800'", "", "SELEC", "SELECT 1; SELECT 2", None, b"SELECT 1"])
def test_sql_that_cannot_run(plain: SyncInstantDataConnector, sql: Any) -> None:
    with pytest.raises(ic.Error):
        plain.execute_query(sql)
    assert plain.query("SELECT 1 AS one").rows() == [{"one": 1}]


@pytest.mark.parametrize("parameters", [[], [1, 2], {"a": 1}, "a", None])
def test_parameters_that_do_not_fit(plain: SyncInstantDataConnector, parameters: Any) -> None:
    with pytest.raises(ic.Error):
        plain.query("SELECT $1::int", parameters).rows()


def test_close_is_final_and_may_be_repeated(hub_arguments: dict[str, Any]) -> None:
    made = SyncInstantDataConnector(**hub_arguments)
    twin = made.sync
    assert made.query("SELECT 1 AS one").rows() == [{"one": 1}]
    late = iter(made.query("SELECT * FROM generate_series(1, 1000000) n"))
    assert next(late) == {"n": 1}
    lazy = made.query("SELECT 1")
    made.close()
    made.close()
    assert made.closed and twin.closed
    for broken in (lazy.rows, made.health_check, made.list_available_tables, lambda: list(late)):
        with pytest.raises(ic.InterfaceError, match="closed"):
            broken()
    assert "closed" in repr(made)


def test_a_connector_that_nobody_closes(hub_arguments: dict[str, Any]) -> None:
    for _ in range(3):
        made = SyncInstantDataConnector(**hub_arguments)
        made.query("SELECT 1").rows()
        del made


async def test_the_asynchronous_methods(aconnector: InstantDataConnector) -> None:
    assert await aconnector.setup_fdw_infrastructure(validate_connections=False) is True
    assert {change["action"] for change in await aconnector.setup_plan()} == {"keep"}
    assert "flights" in await aconnector.list_available_tables()
    assert (await aconnector.get_table_schema("airlines"))[0]["name"] == "carrier"
    assert (await aconnector.health_check())["overall_healthy"] is True
    assert await aconnector.refresh_virtual_tables(["planes"]) == {"planes": True}
    frame = await aconnector.lazy_load_table("airlines", filters={"carrier": "UA"})
    assert list(frame.name) == ["United Air Lines Inc."]
    assert (await aconnector.load_arrow("airlines", {"carrier": "UA"})).num_rows == 1
    assert await aconnector.execute_query("SELECT 1 AS one", return_dataframe=False) == [{"one": 1}]
    assert "SELECT" in await aconnector.query_builder.build("airlines")
    assert "airlines" in str(await aconnector.explain("SELECT * FROM airlines"))
    assert aconnector.sync.query("SELECT 1 AS one").rows() == [{"one": 1}]
    await aconnector.close()
    await aconnector.close()
    with pytest.raises(ic.InterfaceError, match="closed"):
        await aconnector.health_check()


def test_with_for_both(hub_arguments: dict[str, Any]) -> None:
    with InstantDataConnector(**hub_arguments) as made:
        assert not made.closed
    assert made.closed


# ---- how a connector is made ----

def configuration(url: str) -> dict[str, Any]:
    return {"sources": {"one": url}}


def test_config_as_dict_as_text_and_as_file(tmp_path: Path, postgres_source: Any) -> None:
    url = postgres_source.url("flights")
    file = tmp_path / "sources.yaml"
    file.write_text(json.dumps(configuration(url)))
    for arguments in ({"config": configuration(url)}, {"config": f"sources:\n  one: {url}\n"}, {"config_path": file},
                      {"config_path": str(file)}):
        SyncInstantDataConnector(**arguments).close()


@pytest.mark.parametrize("arguments", [
    {"config_path": "no/such/file.yaml"}, {"config_path": 5}, {"config": 5}, {"config": "sources: [1"},
    {"config": {"sources": {"a": {"extention": "postgres_fdw"}}}}, {"config": {}, "config_path": "x"},
    {"postgres_config": 5}, {"config": {"sources": {"a": "postgresql://${NOT_SET_ANYWHERE}@h/d"}}},
    {"credential_manager": 5, "config": "{}"},
])
def test_a_wrong_configuration(arguments: dict[str, Any]) -> None:
    with pytest.raises(ic.Error) as caught:
        SyncInstantDataConnector(**arguments)
    assert isinstance(caught.value, (ic.ConfigurationError, ic.OperationalError))


def test_a_variable_that_is_missing_is_named() -> None:
    with pytest.raises(ic.ConfigurationError, match="NOT_SET_ANYWHERE"):
        SyncInstantDataConnector(config={"sources": {"a": "postgresql://${NOT_SET_ANYWHERE}@h/d"}})


class Vault:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_credential(self, name: str) -> str | None:
        self.asked.append(name)
        return {"VAULT_USER": "someone"}.get(name)


def test_credentials_from_a_manager() -> None:
    text = "sources:\n  a: postgresql://${VAULT_USER}:${VAULT_PASS:-none}@localhost/d\n"
    vault = Vault()
    SyncInstantDataConnector(config=text, credential_manager=vault).close()
    assert vault.asked == ["VAULT_PASS", "VAULT_USER"]
    SyncInstantDataConnector(config=text, credential_manager={"VAULT_USER": "x"}).close()
    SyncInstantDataConnector(config=text, credential_manager={"VAULT_USER": "x"}.get).close()
    with pytest.raises(ic.ConfigurationError, match="VAULT_USER"):
        SyncInstantDataConnector(config=text, credential_manager={})

    class Locked:
        def get_credential(self, name: str) -> str:
            raise PermissionError("the combination is 1234")

    with pytest.raises(ic.CredentialError) as caught:
        SyncInstantDataConnector(config=text, credential_manager=Locked())
    assert "1234" not in str(caught.value)


def test_tables_from_schema_path(tmp_path: Path, flights_sources: Any, hub_arguments: dict[str, Any]) -> None:
    source = re.search(r"^  (\w+):", flights_sources.path.read_text(), re.MULTILINE)
    assert source is not None
    extra = tmp_path / "more.yaml"
    extra.write_text("sources: 5\n")
    with pytest.raises(ic.ConfigurationError, match=r"more\.yaml"):
        SyncInstantDataConnector(flights_sources.path, schema_path=extra, **hub_arguments)


def test_an_external_hub(hub_server: Any) -> None:
    parts = {"host": hub_server.host, "port": hub_server.port, "database": "postgres",
             "username": hub_server.username, "password": hub_server.password, "pool_size": 2}
    for given in (parts, hub_server.url(), {"url": hub_server.url()}):
        with SyncInstantDataConnector(postgres_config=given) as made:
            (row,) = made.query("SELECT current_setting('port') AS port").rows()
            assert int(row["port"]) == hub_server.port
            assert hub_server.password not in repr(made)
    with pytest.raises(ic.CredentialError) as caught, \
            SyncInstantDataConnector(postgres_config={**parts, "password": "wrong-password"}) as made:
        made.query("SELECT 1").rows()
    assert "wrong-password" not in str(caught.value)
    assert caught.value.sqlstate == "28P01"


def test_a_hub_that_is_not_there() -> None:
    with SyncInstantDataConnector(postgres_config={"host": "127.0.0.1", "port": 1}, connect_timeout=2) as made:
        with pytest.raises(ic.OperationalError) as caught:
            made.query("SELECT 1").rows()
        assert caught.value.sqlstate is not None and caught.value.sqlstate.startswith("08")
        health = made.health_check()
        assert health["overall_healthy"] is False
        assert health["components"]["hub"]["healthy"] is False


def test_caching_is_honest(hub_arguments: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "instant_connector"), SyncInstantDataConnector(**hub_arguments) as made:
        assert made.cache_info == {"enabled": False, "requested": True, "entries": 0}
    assert "not cached yet" in caplog.text


def test_reprs(connector: SyncInstantDataConnector) -> None:
    connector.list_available_tables()
    assert "sources.yaml" in repr(connector)
    assert "flights" in connector._repr_html_()
    assert dict(part[:2] for part in connector.__rich_repr__() if isinstance(part, tuple))["closed"] is False


def test_hub_functions(instant_home: Path) -> None:
    with SyncInstantDataConnector(home=instant_home) as made:
        made.query("SELECT 1").rows()
    status = ic.hub_status()
    assert status["embedded"] and status["exists"] and status["running"]
    assert status["directory"].startswith(str(instant_home))
    assert ic.start_hub()["pid"] == status["pid"]
    assert ic.hub_status(postgres_config={"host": "127.0.0.1", "port": 1})["embedded"] is False


def test_configuration_functions(flights_sources: Any, tmp_path: Path) -> None:
    assert ic.check_config(flights_sources.path) == ""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("sources:\n  a:\n    extention: postgres_fdw\n    serverr: {}\n")
    report = ic.check_config(wrong)
    assert "wrong.yaml:3" in report and "wrong.yaml:4" in report and "extension" in report
    assert "sources" in ic.config_schema()["properties"]


def test_the_environment_is_left_alone(connector: SyncInstantDataConnector) -> None:
    before = dict(os.environ)
    connector.health_check()
    assert dict(os.environ) == before
