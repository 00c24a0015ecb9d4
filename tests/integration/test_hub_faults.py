"""What a source's failure in the middle of a query says: which source, which SQL, and nothing secret.

The sources are servers of this file's own, for each test breaks one.
"""
from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from scratch_servers import MariaDBServer, PostgresServer, Scratch

CONFIG = """
sources:
  paper:
    extension: postgres_fdw
    server: {{name: paper_server, options: {{host: 127.0.0.1, port: {pg_port}, dbname: postgres, connect_timeout: 3}}}}
    user_mapping: {{options: {{user: instant, password: {pg_password}}}}}
    tables:
      - name: sheets
        columns: [{{name: id, type: bigint}}, {{name: filler, type: text}}]
        options: {{schema_name: public, table_name: sheets_there}}
  stone:
    extension: mysql_fdw
    server: {{name: stone_server, options: {{host: 127.0.0.1, port: {my_port}, database: quarry}}}}
    user_mapping: {{options: {{username: instant, password: {my_password}}}}}
    tables:
      - name: blocks
        columns: [{{name: id, type: bigint}}, {{name: filler, type: varchar(100)}}]
        options: {{dbname: quarry, table_name: blocks}}
"""


class Site:
    def __init__(self, place: Scratch, config: Path) -> None:
        self.paper, self.stone = PostgresServer(place), MariaDBServer(place)
        self.config = config
        self.fill()
        config.write_text(CONFIG.format(pg_port=self.paper.port, pg_password=self.paper.password,
                                        my_port=self.stone.port, my_password=self.stone.password))

    def fill(self) -> None:
        self.paper.sql("DROP TABLE IF EXISTS sheets_there; CREATE TABLE sheets_there AS SELECT i AS id, "
                       "repeat('x', 100) AS filler FROM generate_series(1, 1000000) i")
        self.stone.sql("DROP DATABASE IF EXISTS quarry; CREATE DATABASE quarry; CREATE TABLE quarry.blocks "
                       "AS SELECT seq AS id, repeat('x', 100) AS filler FROM seq_1_to_100000",
                       database="mysql")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Scratch() as place:
        yield Site(place, tmp_path_factory.mktemp("faults") / "sources.yaml")


@pytest.fixture
def broken(site: Site, hub_arguments: dict[str, Any]) -> Iterator[Any]:
    """A connector that is set up; whatever the test breaks is whole again afterwards."""
    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector(config_path=str(site.config), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        yield made
    for server in (site.paper, site.stone):
        if not server.is_running():
            server.start()
    site.paper.sql(f"ALTER ROLE instant PASSWORD '{site.paper.password}'")
    site.stone.sql(f"ALTER USER 'instant'@'%' IDENTIFIED BY '{site.stone.password}'")
    site.fill()


def failure(site: Site, result: Any) -> Any:
    from instant_connector import Error

    with pytest.raises(Error) as caught:
        result.to_arrow()
    for secret in (site.paper.password, site.stone.password):
        assert secret not in f"{caught.value!r} {caught.value.__dict__}"
    return caught.value


def test_postgres_is_killed_in_a_scan(site: Site, broken: Any) -> None:
    reader = pa.RecordBatchReader.from_stream(broken.query("SELECT * FROM sheets"))
    reader.read_next_batch()
    site.paper.stop(signal.SIGQUIT)
    result = broken.query("SELECT * FROM sheets WHERE id > 0")
    error = failure(site, result)
    assert error.source == "paper_server"
    with pytest.raises(Exception, match=r"."):
        reader.read_all()


def test_a_session_of_postgres_is_killed_in_a_scan(site: Site, broken: Any) -> None:
    result = broken.query("SELECT id, pg_sleep(CASE WHEN id % 20000 = 0 THEN 0.2 END) IS NULL FROM sheets")
    timer = threading.Timer(1.0, lambda: site.paper.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instant'"))
    timer.start()
    error = failure(site, result)
    timer.join()
    assert error.source == "paper_server"
    assert "sheets_there" in error.remote_sql or "FETCH" in error.remote_sql


def test_a_table_of_postgres_is_dropped(site: Site, broken: Any) -> None:
    assert broken.query("SELECT * FROM sheets LIMIT 1").to_arrow().num_rows == 1
    site.paper.sql("DROP TABLE sheets_there")
    error = failure(site, broken.query("SELECT * FROM sheets"))
    assert (error.sqlstate, error.source) == ("42P01", "paper_server")
    assert "sheets_there" in error.remote_sql


def test_a_password_of_postgres_is_changed(site: Site, broken: Any) -> None:
    site.paper.sql("ALTER ROLE instant PASSWORD 'another'")
    site.paper.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instant'")
    error = failure(site, broken.query("SELECT * FROM sheets"))
    assert error.source == "paper_server"


def test_mariadb_is_gone(site: Site, broken: Any) -> None:
    site.stone.stop(signal.SIGKILL)
    error = failure(site, broken.query("SELECT * FROM blocks"))
    assert error.source == "stone_server"


def test_a_table_of_mariadb_is_dropped(site: Site, broken: Any) -> None:
    assert broken.query("SELECT * FROM blocks LIMIT 1").to_arrow().num_rows == 1
    site.stone.sql("DROP TABLE quarry.blocks")
    error = failure(site, broken.query("SELECT * FROM blocks b, sheets s WHERE b.id = s.id"))
    assert error.source == "stone_server"


def test_a_password_of_mariadb_is_changed(site: Site, broken: Any) -> None:
    # A session that is open goes on with the password that it began with.
    site.stone.sql("ALTER USER 'instant'@'%' IDENTIFIED BY 'another'; KILL USER 'instant'")
    error = failure(site, broken.query("SELECT * FROM blocks WHERE id = 1"))
    assert error.source == "stone_server"
