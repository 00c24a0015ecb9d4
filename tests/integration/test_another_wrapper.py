"""A hub that was set up with mysql_fdw, and whose file means our adapter now: what setup does about it."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.project import Cli, cli_path
from scratch_servers import MariaDBServer, PostgresServer, Scratch, server_tree

ROWS = """
CREATE DATABASE moved CHARACTER SET utf8mb4;
USE moved;
CREATE TABLE notes (id int PRIMARY KEY, word varchar(20) COMMENT 'what it says', seen datetime);
INSERT INTO notes VALUES (1, 'abc', '2024-01-01 10:00:00'), (2, 'ABC', NULL);
"""

CONFIG = """
sources:
  moved:
    extension: mysql_fdw
    server:
      name: moved_server
      options: {host: ${FLIGHTS_MYSQL_HOST}, port: "${FLIGHTS_MYSQL_PORT}", database: moved, fetch_size: 500}
    user_mapping:
      options: {username: "${FLIGHTS_MYSQL_USER}", password: "${FLIGHTS_MYSQL_PASSWORD}"}
    schema: moved
    tables: [notes]
"""
WITH_OLD = CONFIG.replace("    server:", "    wrapper: mysql_fdw\n    server:")
WITHOUT = CONFIG.replace("    server:", "    enabled: false\n    server:")


@pytest.fixture(scope="module")
def path(flights_sources: Any, mariadb_source: MariaDBServer, hub_arguments: dict[str, Any], request: pytest.FixtureRequest,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if request.config.getoption("--db-url") is not None:
        pytest.skip("an external hub may lack the extension")
    mariadb_source.sql(ROWS)
    path = tmp_path_factory.mktemp("moved") / "moved.yaml"
    path.write_text(WITH_OLD)
    yield path
    mariadb_source.sql("DROP DATABASE moved")


def test_a_set_up_hub_moves_to_our_adapter_and_back(path: Path, hub_arguments: dict[str, Any], cli: Cli) -> None:
    from instant_connector import Error, SyncInstantDataConnector

    def connect() -> Any:
        return SyncInstantDataConnector(config_path=str(path), **hub_arguments)

    def rows(connector: Any) -> Any:
        return connector.query("SELECT id, word FROM moved.notes ORDER BY id").to_arrow().to_pylist()

    with connect() as old:
        assert old.setup_fdw_infrastructure()
        wanted = rows(old)
        old.query("CREATE VIEW moved.seen_notes AS SELECT * FROM moved.notes").to_arrow()
        old.query("GRANT SELECT ON moved.notes TO PUBLIC").to_arrow()
        assert old.list_available_tables()["notes"]["wrapper"] == "mysql_fdw"

    path.write_text(CONFIG)
    with connect() as new:
        with pytest.raises(Error) as caught:
            new.setup_fdw_infrastructure()
        assert "view moved.seen_notes depends on foreign table moved.notes" in str(caught.value)
        assert '"wrapper: mysql_fdw"' in str(caught.value)
        assert rows(new) == wanted
        new.query("DROP VIEW moved.seen_notes").to_arrow()

        plan = cli("--config", str(path), "setup", "--plan")
        assert plan.returncode == 0, plan.stderr
        for statement in ('DROP FOREIGN TABLE "moved"."notes"', 'DROP SERVER "moved_server"',
                          'CREATE SERVER "moved_server" FOREIGN DATA WRAPPER "instant_mysql"',
                          'CREATE FOREIGN TABLE "moved"."notes"', "GRANT SELECT ON moved.notes TO PUBLIC"):
            assert statement in plan.stdout, plan.stdout
        assert new.list_available_tables()["notes"]["wrapper"] == "mysql_fdw"

        assert new.setup_fdw_infrastructure()
        table = new.list_available_tables()["notes"]
        assert table["wrapper"] == "instant_mysql" and table["source"] == "moved"
        assert [column["comment"] for column in table["columns"]] == [None, "what it says", None]
        assert rows(new) == wanted
        assert new.query("SELECT relacl::text LIKE '%=r/%' AS ok FROM pg_class WHERE oid = 'moved.notes'::regclass"
                         ).rows()[0]["ok"]
        # The types are those of the source: no domain that keeps a comparison from it.
        types = new.query("SELECT atttypid::regtype::text AS t FROM pg_attribute WHERE attrelid = 'moved.notes'::regclass"
                          " AND attnum = 2").rows()
        assert types == [{"t": "character varying"}]

    assert "nothing to change" in cli("--config", str(path), "setup").stdout
    path.write_text(WITH_OLD)
    with connect() as old:
        assert old.setup_fdw_infrastructure()
        assert rows(old) == wanted
        assert old.list_available_tables()["notes"]["wrapper"] == "mysql_fdw"
    path.write_text(WITHOUT)
    with connect() as old:
        assert old.setup_fdw_infrastructure()


@pytest.fixture(scope="module")
def hub_with_ours(scratch: Scratch) -> Iterator[PostgresServer]:
    """A hub of somebody else's that has our extension, and a user of it who may only use mysql_fdw."""
    extension = Path(cli_path()).parent / "fdw" / "pg15"
    made = PostgresServer(scratch, None, server_tree(scratch, extension))
    made.sql("CREATE DATABASE hub")
    made.sql("CREATE EXTENSION instant_fdw; CREATE EXTENSION mysql_fdw; CREATE ROLE analyst LOGIN PASSWORD 'analyst';"
             "GRANT USAGE ON FOREIGN DATA WRAPPER mysql_fdw TO analyst; GRANT ALL ON SCHEMA public TO analyst;"
             "GRANT CREATE ON DATABASE hub TO analyst; GRANT ALL ON SCHEMA instant TO analyst; CREATE ROLE instant_admin",
             "hub")
    yield made
    made.stop()


def test_who_may_not_make_servers_of_ours_gets_the_other(path: Path, hub_with_ours: PostgresServer,
                                                         caplog: pytest.LogCaptureFixture) -> None:
    from instant_connector import SyncInstantDataConnector

    path.write_text(CONFIG)
    url = hub_with_ours.url("hub", "analyst", "analyst")
    with caplog.at_level("WARNING"), SyncInstantDataConnector(config_path=str(path), postgres_config=url) as made:
        assert made.setup_fdw_infrastructure()
        assert made.list_available_tables()["notes"]["wrapper"] == "mysql_fdw"
        details = made.health_check()["components"]["moved"]["details"]
    said = "served by mysql_fdw instead of instant_mysql: this user of the hub may make no servers of it"
    assert said in caplog.text and said in details
    # Once he may, the next setup is with ours.
    hub_with_ours.sql("GRANT instant_admin TO analyst; GRANT USAGE ON FOREIGN DATA WRAPPER instant_mysql TO analyst", "hub")
    with SyncInstantDataConnector(config_path=str(path), postgres_config=url) as made:
        assert made.setup_fdw_infrastructure()
        assert made.list_available_tables()["notes"]["wrapper"] == "instant_mysql"
        assert made.table("moved.notes", filters={"word": "ABC"}).to_arrow().num_rows == 1
