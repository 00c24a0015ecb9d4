"""PostgreSQLFDWConnector: servers, mappings and tables by hand, quoted, without passwords in sight."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import instant_connector as ic
import pytest
from instant_connector import InstantDataConnector, PostgreSQLFDWConnector, SyncInstantDataConnector
from instant_connector.sql import identifier, literal, options_clause, type_name

pytest_plugins = ["connectors"]


def options_of(server: Any) -> dict[str, Any]:
    return {"host": server.host, "port": server.port, "dbname": "flights"}


async def test_a_source_by_hand(hub_server: Any, postgres_source: Any) -> None:
    async with PostgreSQLFDWConnector(hub_server.host, "postgres", pool_size=2, port=hub_server.port,
                                      username=hub_server.username, password=hub_server.password) as fdw:
        await fdw.install_extension("postgres_fdw")
        await fdw.install_extension("postgres_fdw")
        await fdw.create_foreign_server('by "hand"', "postgres_fdw", options_of(postgres_source))
        with pytest.raises(ic.ProgrammingError) as caught:
            await fdw.create_foreign_server('by "hand"', "postgres_fdw", options_of(postgres_source))
        assert caught.value.sqlstate == "42710"
        await fdw.create_foreign_server('by "hand"', "postgres_fdw", options_of(postgres_source), if_not_exists=True)
        await fdw.create_user_mapping('by "hand"', {"user": postgres_source.username,
                                                    "password": postgres_source.password})
        await fdw.create_foreign_table(
            'Übersicht "2013"', 'by "hand"',
            [("carrier", "text"), {"name": "dep_delay", "type": "double precision", "nullable": True},
             {"name": "Nr.", "type": "integer", "options": {"column_name": "flight"}, "not_null": True}],
            {"schema_name": "public", "table_name": "flights"})
    with SyncInstantDataConnector(postgres_config=hub_server.url()) as made:
        rows = made.query('SELECT "Nr." FROM "Übersicht ""2013""" WHERE carrier = %s LIMIT 2', ["UA"]).rows()
        assert len(rows) == 2
        assert len(made.lazy_load_table('Übersicht "2013"', {"carrier": "UA"}, ["Nr."], limit=3)) == 3
        made.fdw_connector.create_foreign_table(("public", "again"), 'by "hand"', {"carrier": "text"},
                                                {"table_name": "airlines"}, if_not_exists=True)
        made.execute_query('DROP SERVER "by ""hand""" CASCADE')


def test_a_password_leaves_no_trace(hub_server: Any) -> None:
    secret = "s3cret'\\\"x"
    with SyncInstantDataConnector(postgres_config=hub_server.url()) as made:
        made.execute_query("ALTER SYSTEM SET log_statement = 'all'")
        made.execute_query("SELECT pg_reload_conf()")
        fdw = made.fdw_connector
        fdw.install_extension("postgres_fdw")
        fdw.create_foreign_server("quiet", "postgres_fdw", {"host": "localhost"}, if_not_exists=True)
        fdw.create_user_mapping("quiet", {"user": "u", "password": secret}, user="PUBLIC")
        with pytest.raises(ic.Error) as caught:
            fdw.create_user_mapping("quiet", {"user": "u", "pasword": secret})
        assert secret not in str(caught.value) and secret not in repr(vars(caught.value))
        with pytest.raises(ic.Error) as caught:
            fdw.create_user_mapping("no such server", {"user": "u", "password": secret})
        assert secret not in str(caught.value)
        (row,) = made.query("SELECT umoptions FROM pg_user_mappings WHERE srvname = 'quiet'").rows()
        assert row["umoptions"] == ["user=u", f"password={secret}"]
        made.execute_query("DROP SERVER quiet CASCADE")
        made.execute_query("ALTER SYSTEM RESET log_statement")
        made.execute_query("SELECT pg_reload_conf()")
        folder = made.query("SELECT current_setting('data_directory') AS d").rows()[0]["d"]
    logs = [path for path in Path(folder).parent.rglob("*log*") if path.is_file()]
    for path in logs:
        assert b"s3cret" not in path.read_bytes()


def test_a_password_in_the_embedded_hub(instant_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SyncInstantDataConnector(home=instant_home) as made:
        fdw = made.fdw_connector
        fdw.install_extension("postgres_fdw")
        fdw.create_foreign_server("hidden", "postgres_fdw", {"host": "localhost"})
        fdw.create_user_mapping("hidden", {"user": "u", "password": "s3cret"})
        with pytest.raises(ic.ProgrammingError):  # an error writes the statement down, elsewhere
            fdw.create_user_mapping("hidden", {"user": "u", "password": "s3cret"})
        made.execute_query("DROP SERVER hidden CASCADE")
    assert "may keep the password" not in caplog.text
    log = Path(ic.hub_status(home=instant_home)["log_file"])
    assert "s3cret" not in log.read_text(errors="replace")


async def test_closing(hub_arguments: dict[str, Any], hub_server: Any) -> None:
    async with InstantDataConnector(**hub_arguments) as made:
        shared = made.fdw_connector
        assert shared is made.fdw_connector
        await shared.close()  # the connector's engine is the connector's
        assert await made.execute_query("SELECT 1 AS one", return_dataframe=False) == [{"one": 1}]
    own = PostgreSQLFDWConnector(hub_server.host, "postgres", port=hub_server.port, username=hub_server.username,
                                 password=hub_server.password)
    await own.initialize()
    await own.close()
    await own.close()
    assert own.closed
    with pytest.raises(ic.InterfaceError):
        await own.initialize()
    wrong = PostgreSQLFDWConnector(hub_server.host, "postgres", port=hub_server.port, username=hub_server.username,
                                   password="not-the-password")
    with pytest.raises(ic.CredentialError) as caught:
        await wrong.initialize()
    assert "not-the-password" not in str(caught.value)
    await wrong.close()


@pytest.mark.parametrize("text", ["integer", "numeric(15,2)", "double precision", "timestamp(3) with time zone",
                                  "integer[]", "text[3][]", "varchar (10)", 'sales."My Type"', "character varying(20)"])
def test_names_of_types(plain: SyncInstantDataConnector, text: str) -> None:
    assert type_name(text) == text


@pytest.mark.parametrize("text", ["integer) SERVER x --", "int; DROP TABLE x", "", "int DEFAULT (1)", "int'", "1int"])
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(ic.DataError):
        type_name(text)


@pytest.mark.parametrize("text", ["", "plain", "it's", "back\\slash", "'\\'", "\\", "Größe 🙂", "a\nb", "$1 %s :x"])
def test_quoting(plain: SyncInstantDataConnector, text: str) -> None:
    assert plain.query(f"SELECT {literal(text)} AS v").rows() == [{"v": text}]
    if text:
        assert list(plain.query(f"SELECT 1 AS {identifier(text)}").rows()[0]) == [text]


@pytest.mark.parametrize("name", ["", "a\0", "x" * 64, "\ud800", None, 5])
def test_what_is_no_name(name: Any) -> None:
    with pytest.raises(ic.Error):
        identifier(name)


def test_options() -> None:
    assert options_clause(None) == options_clause({}) == options_clause({"a": None}) == ""
    assert options_clause({"a": True, "b": 5, "c": "x'y"}) == """ OPTIONS ("a" 'true', "b" '5', "c" 'x''y')"""
    with pytest.raises(ic.InterfaceError):
        options_clause(["a"])  # type: ignore[arg-type]
