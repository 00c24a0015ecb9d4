"""The same small checks over every adapter of a database: mysql (of MariaDB, and of Oracle), postgres, sqlite.

What one of them cannot do stands in QUIRKS, with the reason; nowhere else is one treated unlike the others.
"""
from __future__ import annotations

import re
import secrets
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from document_options import options, written
from harness.project import ROOT, Cli, cli_path, need_oracle
from scratch_servers import MariaDBServer, OracleServer, PostgresServer, Scratch

QUIRKS: dict[str, dict[str, str]] = {
    "mysql": {
    },
    "oracle": {"computed columns": "MySQL 5.6 has none"},
    "postgres": {},
    "sqlite": {
        "comments": "SQLite keeps none",
        "row counts": "SQLite keeps none",
        "credentials": "a file has no users",
        "network": "a file is nowhere else",
        "lengths": "SQLite's types have none",
        "numeric": "SQLite compares numeric as floating-point numbers",
        "sums": "SQLite's sums of bigint and numeric are not PostgreSQL's",
    },
}

SALES = 900


def statements(kind: str) -> list[str]:
    """The tables items and sales."""
    comment = {"mysql": (" COMMENT 'the key'", " COMMENT = 'what is sold'")}.get(kind, ("", ""))
    flag = {"mysql": "tinyint(1)"}.get(kind, "boolean")
    moment = {"mysql": "datetime(6)"}.get(kind, "timestamp")
    made = [
        f"CREATE TABLE items (id integer NOT NULL{comment[0]}, name varchar(40) NOT NULL, price decimal(10,2), day date, "
        f"flag {flag}, moment {moment}, note text, PRIMARY KEY (id)){comment[1]}",
        "INSERT INTO items VALUES "
        "(1, 'abc', 1.50, '2024-01-01', 1, '2024-01-01 10:00:00', 'abc'), (2, 'ABC', 2.50, '2024-02-29', 0, NULL, ''), "
        "(3, 'abc ', NULL, NULL, NULL, '2024-03-01 00:00:00.25', 'it''s'), (4, 'äöü', 0, '1999-12-31', 1, NULL, NULL), "
        "(5, '日本', 10.25, '2024-01-01', 0, '2024-01-01 10:00:01', 'back\\\\slash'), (6, '', 3, '2024-06-30', 1, NULL, 'x')",
        "CREATE TABLE sales (id bigint NOT NULL PRIMARY KEY, item integer NOT NULL, amount integer)",
        "INSERT INTO sales VALUES " + ", ".join(
            f"({i}, {i % 7 + 1}, {'NULL' if i % 50 == 0 else i * 37 % 101 - 20})" for i in range(1, SALES + 1)),
    ]
    if kind == "postgres":
        made = [text.replace("'abc')", "'abc')").replace(", 1, ", ", true, ").replace(", 0, ", ", false, ")
                if text.startswith("INSERT INTO items") else text for text in made]
        made[1] = re.sub(r"\(4, 'äöü', false,", "(4, 'äöü', 0,", made[1])
        made += ["COMMENT ON TABLE items IS 'what is sold'", "COMMENT ON COLUMN items.id IS 'the key'", "ANALYZE"]
    if kind != "mysql":
        made[1] = made[1].replace("\\\\", "\\")
    return made


@dataclass
class Source:
    """One database, a user of it whose password is a canary, and what its configuration says."""
    kind: str
    run: Callable[[str], str]
    options: dict[str, str]
    url: str
    schema: str
    canary: str = ""
    server: Any = None
    config: Path = field(default_factory=Path)
    name: str = ""  # in QUIRKS, if it is not the kind

    def has(self, what: str) -> bool:
        return what not in QUIRKS[self.name or self.kind]

    def need(self, *what: str | None) -> None:
        for one in what:
            if one is not None and not self.has(one):
                pytest.skip(QUIRKS[self.name or self.kind][one])

    def yaml(self, hub_schema: str = "conform", more: str = "", **changed: str) -> str:
        lines = "".join(f"      {name}: {quoted(value)}\n" for name, value in {**self.options, **changed}.items())
        return (f"sources:\n  conform:\n    schema: {hub_schema}\n    wrapper: instant_{self.kind}\n    {self.kind}:\n"
                f"{lines}{more}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def make_mysql(scratch: Scratch, server: MariaDBServer, name: str = "") -> Source:
    canary = f"Canary-{secrets.token_hex(6)}"
    server.sql("CREATE DATABASE conform CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; "
               f"CREATE USER conform@'%' IDENTIFIED BY '{canary}'; GRANT ALL ON conform.* TO conform@'%'")
    for text in statements("mysql"):
        server.sql(text, "conform")
    return Source("mysql", lambda text: server.sql(text, "conform"),
                  {"host": "127.0.0.1", "port": str(server.port), "database": "conform", "user": "conform", "password": canary},
                  f"mysql://conform:{canary}@127.0.0.1:{server.port}/conform", "conform", canary, server, name=name)


def make_postgres(scratch: Scratch, server: PostgresServer) -> Source:
    canary = f"Canary-{secrets.token_hex(6)}"
    server.sql("CREATE DATABASE conform")
    server.sql(f"CREATE ROLE conform LOGIN PASSWORD '{canary}'")
    for text in statements("postgres"):
        server.sql(text, "conform")
    server.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO conform; GRANT ALL ON SCHEMA public TO conform", "conform")
    return Source("postgres", lambda text: server.sql(text, "conform"),
                  {"host": "127.0.0.1", "port": str(server.port), "dbname": "conform", "user": "conform", "password": canary},
                  f"postgresql://conform:{canary}@127.0.0.1:{server.port}/conform", "public", canary, server)


def make_sqlite(scratch: Scratch) -> Source:
    folder = scratch.path / "conform"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "conform.db"

    def run(text: str) -> str:
        with sqlite3.connect(path) as db:
            rows = db.execute(text).fetchall()
        db.close()
        return "\n".join("\t".join("NULL" if value is None else str(value) for value in row) for row in rows)

    for text in statements("sqlite"):
        run(text)
    path.chmod(0o666)
    return Source("sqlite", run, {"path": str(path), "read_only": "false"}, f"sqlite://{path}?read_only=false", "main")


@pytest.fixture(scope="module", params=["mysql", "oracle", "postgres", "sqlite"])
def source(request: pytest.FixtureRequest, scratch: Scratch, mariadb_source: MariaDBServer, postgres_source: PostgresServer,
           tmp_path_factory: pytest.TempPathFactory) -> Source:
    if request.config.getoption("--db-url") is not None:
        pytest.skip("an external hub may lack the extension")
    if request.param == "oracle":
        need_oracle()
    made = {"mysql": lambda: make_mysql(scratch, mariadb_source),
            "oracle": lambda: make_mysql(scratch, OracleServer(scratch), "oracle"), "postgres": lambda: make_postgres(scratch, postgres_source),
            "sqlite": lambda: make_sqlite(scratch)}[request.param]()
    made.config = tmp_path_factory.mktemp("conform") / "conform.yaml"
    made.config.write_text(made.yaml())
    return made


@pytest.fixture(scope="module")
def hub(source: Source, hub_arguments: dict[str, Any]) -> Iterator[Any]:
    """A connector that the source is set up with; its tables are in the schema conform, copies of them in held."""
    from instant_connector import SyncInstantDataConnector

    with SyncInstantDataConnector(config_path=str(source.config), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        made.query("CREATE SCHEMA held").to_arrow()
        for table in ("items", "sales"):
            made.query(f"CREATE TABLE held.{table} AS SELECT * FROM conform.{table}").to_arrow()
        yield made
        made.query("DROP SCHEMA held CASCADE").to_arrow()
        source.config.write_text(source.config.read_text().replace("    schema:", "    enabled: false\n    schema:"))
    with SyncInstantDataConnector(config_path=str(source.config), **hub_arguments) as made:
        made.setup_fdw_infrastructure()


@pytest.fixture
def session(hub: Any, instant_home: Path) -> Iterator[psycopg.Connection[Any]]:
    """SQL of one's own in the hub."""
    uri = subprocess.run([cli_path(), "hub", "status", "--uri"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         check=True, timeout=60).stdout.strip()
    with psycopg.connect(uri, autocommit=True, options="-c client_min_messages=error") as made:
        yield made


def rows(connector: Any, sql: str, schema: str = "conform") -> list[Any]:
    return list(connector.query(sql.replace("FROM ", f"FROM {schema}.").replace("JOIN ", f"JOIN {schema}.")).to_arrow().to_pylist())


def plan(connector: Any) -> list[dict[str, Any]]:
    from instant_connector import operations

    return connector._engine.run(lambda op: operations.setup(connector._engine, op, False, False, plan=True))


LISTED = """    tables:
      - name: listed
        columns: [{name: sale, type: bigint, options: {column: id}}, {name: amount, type: integer}]
        options: {table: sales}
"""


# ---- options

def test_the_page_of_the_reference_lists_every_option(source: Source) -> None:
    program = str(Path(cli_path()).parent / "instant-source")
    page = (ROOT / "docs" / "reference" / f"{source.kind}.md").read_text()
    assert written(page)[1] == options(program, source.kind), "run tools/document_options.py"


@pytest.mark.parametrize(("changed", "said"), [
    ({"fetch_rosw": "5"}, 'did you mean "fetch_rows"?'),
    ({"fetch_rows": "many"}, 'option "fetch_rows" must be a whole number, not "many"'),
    ({"source_memory": "1kB"}, "source_memory"),
    ({"push_down": "perhaps"}, 'option "push_down" must be true or false'),
])
def test_wrong_options_are_said_with_their_place(source: Source, changed: dict[str, str], said: str) -> None:
    from instant_connector import ConfigurationError, SyncInstantDataConnector

    text = source.yaml(**changed)
    line = next(i for i, one in enumerate(text.splitlines(), 1) if next(iter(changed)) in one)
    with pytest.raises(ConfigurationError) as caught:
        SyncInstantDataConnector(config=text)
    assert said in str(caught.value) and f":{line}:7: " in str(caught.value)
    assert not source.canary or source.canary not in str(caught.value)


def test_a_url_says_the_same(source: Source, hub: Any, hub_arguments: dict[str, Any]) -> None:
    from instant_connector import SyncInstantDataConnector

    text = f"sources:\n  conform: {{url: {quoted(source.url)}, schema: conform, wrapper: instant_{source.kind}}}\n"
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        assert [change for change in plan(made) if change["action"] != "keep"] == []


def test_secrets_belong_to_the_user_mapping(source: Source, session: psycopg.Connection[Any]) -> None:
    source.need("credentials")
    with pytest.raises(psycopg.Error, match="password"):
        session.execute(f"CREATE SERVER secret FOREIGN DATA WRAPPER instant_{source.kind} OPTIONS (password 'x')")


@pytest.mark.parametrize(("host", "is_demanded"), [
    ("db.invalid", True), ("127.0.0.1,db.invalid", True), ("127.0.0.1,localhost", False), ("localhost.invalid", True)])
def test_tls_is_demanded_of_hosts_that_are_not_here(source: Source, hub: Any, hub_arguments: dict[str, Any], host: str,
                                                    is_demanded: bool) -> None:
    from instant_connector import SyncInstantDataConnector

    source.need("network")
    text = source.yaml("tls", LISTED, host=host).replace("  conform:\n", "  tls:\n", 1)
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        (ddl,) = [change["ddl"] for change in plan(made) if change["kind"] == "server"]
    assert ("'verify-full'" in ddl) == is_demanded, ddl


# ---- import

def test_import(source: Source, hub: Any, session: psycopg.Connection[Any]) -> None:
    columns = {column["name"]: column for column in hub.get_table_schema("conform.items")}
    assert list(columns) == ["id", "name", "price", "day", "flag", "moment", "note"]
    types = {name: re.sub(" without time zone", "", column["type"]) for name, column in columns.items()}
    assert types["day"] == "date" and types["moment"].startswith("timestamp")
    assert types["price"].startswith("numeric") and types["flag"] in ("boolean", "smallint")
    if source.has("lengths"):
        assert types["name"] == "character varying(40)" and types["price"] == "numeric(10,2)" and types["id"] == "integer"
    assert [name for name, column in columns.items() if not column["nullable"]] == ["id", "name"]
    keys = session.execute(
        "SELECT attname FROM pg_attribute, pg_options_to_table(attfdwoptions) WHERE attrelid = 'conform.items'::regclass"
        " AND option_name = 'key' AND option_value = 'true'").fetchall()
    assert keys == [("id",)] or not source.has("keys")
    if source.has("comments"):
        assert columns["id"]["comment"] == "the key"
        assert hub.list_available_tables()["conform.items" if "conform.items" in hub.list_available_tables() else "items"][
            "comment"] == "what is sold"


def test_computed_columns(source: Source, hub: Any, session: psycopg.Connection[Any], hub_arguments: dict[str, Any]) -> None:
    """They are made, kept, and made anew when the source computes them otherwise, or from a column of another type."""
    from instant_connector import SyncInstantDataConnector

    source.need("computed columns")
    text = source.yaml("computed", "    tables: [computed]\n").replace("  conform:\n", "  computed:\n", 1)
    stored = "virtual" if source.kind == "sqlite" else "stored"
    for number, factor in (("integer", 2), ("bigint", 2), ("bigint", 3)):
        source.run(f"CREATE TABLE computed (id integer NOT NULL PRIMARY KEY, n {number}, "
                   f"many {number} GENERATED ALWAYS AS (n * {factor}) {stored})")
        if source.kind == "postgres":
            source.run("GRANT ALL ON computed TO conform")
        try:
            with SyncInstantDataConnector(config=text, **hub_arguments) as made:
                assert made.setup_fdw_infrastructure()
                assert [change for change in plan(made) if change["action"] != "keep"] == []
            source.run("INSERT INTO computed (id, n) VALUES (1, 5)")
            session.execute("INSERT INTO computed.computed (id, n) VALUES (2, 7)")
            assert session.execute("SELECT id, many FROM computed.computed ORDER BY id").fetchall() == [(1, 5 * factor), (2, 7 * factor)]
        finally:
            source.run("DROP TABLE computed")
    with SyncInstantDataConnector(config=text.replace("    schema:", "    enabled: false\n    schema:"), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()


FLAGS = """    tables:
      - name: flags
        columns: [{name: id, type: integer}, {name: flag, type: smallint}]
        options: {table: items}
"""


def test_a_boolean_that_the_file_calls_a_number(source: Source, hub: Any, hub_arguments: dict[str, Any]) -> None:
    """It is one, but for PostgreSQL."""
    from instant_connector import Error, SyncInstantDataConnector

    text = source.yaml("flags", FLAGS).replace("  conform:\n", "  flags:\n", 1)
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        if source.kind == "postgres":
            with pytest.raises(Error, match="smallint in the file and boolean in the source"):
                made.setup_fdw_infrastructure()
            return
        assert made.setup_fdw_infrastructure()
        assert rows(made, "SELECT id FROM flags WHERE flag = 1 ORDER BY id", "flags") == [{"id": 1}, {"id": 4}, {"id": 6}]
    with SyncInstantDataConnector(config=text.replace("    schema:", "    enabled: false\n    schema:"), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()


def test_texts_of_a_hub_that_sorts_by_a_language(source: Source, hub: Any, session: psycopg.Connection[Any]) -> None:
    """Columns keep the collation of the import, under which the source can sort."""
    from instant_connector import SyncInstantDataConnector

    if source.kind == "postgres":
        source.run('CREATE TABLE plain (id integer PRIMARY KEY, name varchar(40) COLLATE "C"); GRANT ALL ON plain TO conform')
    table = "plain" if source.kind == "postgres" else "items"
    session.execute("CREATE DATABASE sorting TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
    try:
        address: dict[str, Any] = {"host": session.info.host, "port": session.info.port, "user": session.info.user}
        with psycopg.connect(**address, dbname="sorting", autocommit=True) as other:
            other.execute("CREATE EXTENSION instant_fdw")
        with SyncInstantDataConnector(config=source.yaml(more=f"    tables: [{table}]\n"),
                                      postgres_config={**address, "database": "sorting"}) as made:
            assert made.setup_fdw_infrastructure()
            assert [change for change in plan(made) if change["action"] != "keep"] == []
            (piece,) = made.query(f"SELECT id, name FROM conform.{table} ORDER BY name LIMIT 3").explain().remote
            assert "ORDER BY" in piece["remote_sql"] and "LIMIT" in piece["remote_sql"]
    finally:
        session.execute("DROP DATABASE sorting WITH (FORCE)")
        if source.kind == "postgres":
            source.run("DROP TABLE plain")


def test_row_counts(source: Source, hub: Any) -> None:
    if source.has("row counts"):
        tables = hub.list_available_tables()
        (found,) = [table for table in tables.values() if table["schema"] == "conform" and table["remote_name"] == "sales"]
        assert 0.8 * SALES <= found["estimated_rows"] <= 1.2 * SALES
        assert found["remote_schema"] == source.schema


def test_nothing_is_left_to_change(hub: Any) -> None:
    assert [change for change in plan(hub) if change["action"] != "keep"] == []


def test_what_the_source_knows_of_listed_columns(source: Source, hub: Any, session: psycopg.Connection[Any],
                                                 hub_arguments: dict[str, Any]) -> None:
    """The file says names and types; the key comes from the source, and stays while it cannot be asked."""
    from instant_connector import SyncInstantDataConnector

    text = source.yaml("listed", LISTED).replace("  conform:\n", "  listed:\n", 1)
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        assert [change for change in plan(made) if change["action"] != "keep"] == []
        assert made.table("listed.listed", partitions=3).to_arrow().num_rows == SALES
        assert session.execute("UPDATE listed.listed SET amount = amount + 1 WHERE sale = 7 AND random() >= 0").rowcount == 1
        assert session.execute("UPDATE listed.listed SET amount = amount - 1 WHERE sale = 7").rowcount == 1
    if source.has("network"):
        away = source.yaml("listed", LISTED, port="1").replace("  conform:\n", "  listed:\n", 1)
        with SyncInstantDataConnector(config=away, **hub_arguments) as made:
            changed = [(change["action"], change["kind"]) for change in plan(made) if change["action"] != "keep"]
            assert changed == [("alter", "server")]
    with SyncInstantDataConnector(config=text.replace("    schema:", "    enabled: false\n    schema:"), **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()


# ---- push-down

PUSHED = [
    ("SELECT id FROM items WHERE id > 2 AND price < 5 ORDER BY id", "numeric"),
    ("SELECT id FROM items WHERE id > 2 AND id <> 4 ORDER BY id", None),
    ("SELECT id FROM items WHERE name = 'abc'", None),
    ("SELECT id FROM items WHERE name IN ('ABC', 'abc ', 'zzz') ORDER BY id", None),
    ("SELECT id FROM items WHERE day >= '2024-01-01' AND day < '2024-03-01' ORDER BY id", None),
    ("SELECT id FROM items WHERE note IS NULL OR flag IS NOT NULL AND id = 1 ORDER BY id", None),
    ("SELECT item, count(*) AS n FROM sales GROUP BY item ORDER BY item", None),
    ("SELECT count(*) AS n, min(amount) AS least, max(amount) AS most FROM sales WHERE item = 3", None),
    ("SELECT sum(amount) AS total FROM sales", "sums"),
    ("SELECT DISTINCT item FROM sales ORDER BY item", None),
    ("SELECT id, amount FROM sales ORDER BY amount DESC NULLS LAST, id LIMIT 5", None),
    ("SELECT i.id, count(*) AS n FROM items i JOIN sales s ON s.item = i.id GROUP BY i.id ORDER BY i.id", None),
    ("SELECT i.id FROM items i LEFT JOIN sales s ON s.item = i.id AND s.amount > 79 WHERE s.id IS NULL ORDER BY i.id", None),
]


@pytest.mark.parametrize(("sql", "needs"), PUSHED)
def test_basics_are_pushed(source: Source, hub: Any, sql: str, needs: str | None) -> None:
    source.need("push-down", needs)
    there = sql.replace("FROM ", "FROM conform.").replace("JOIN ", "JOIN conform.")
    pieces = hub.query(there).explain().remote
    assert len(pieces) == 1, pieces
    remote, local = pieces[0]["remote_sql"], pieces[0]["local_filter"]
    assert pieces[0]["server"] == "conform"
    assert remote is not None and local is None, (remote, local)
    for word in ("WHERE", "GROUP BY", "ORDER BY", "LIMIT", "JOIN"):
        assert word not in sql or word in remote.upper() or word == "ORDER BY" and "LIMIT" not in sql, remote
    assert rows(hub, sql) == rows(hub, sql, "held")


KEPT_RIGHT = [
    "SELECT id, name, price, day, flag, moment, note FROM items ORDER BY id",
    "SELECT id FROM items WHERE lower(name) = 'abc' ORDER BY id",
    "SELECT id FROM items WHERE name LIKE 'a%' ORDER BY id",
    "SELECT id FROM items WHERE length(name) = 3 ORDER BY id",
    "SELECT id FROM sales WHERE amount / 2 = 3 ORDER BY id",
    "SELECT id FROM sales WHERE amount % 7 = -3 ORDER BY id",
    "SELECT id FROM items WHERE name || 'x' = 'abcx' ORDER BY id",
    "SELECT name, count(*) FROM items GROUP BY name ORDER BY name COLLATE \"C\"",
    "SELECT id FROM items ORDER BY name COLLATE \"C\" LIMIT 4",
    "SELECT avg(amount), sum(amount) FROM sales",
    "SELECT id FROM items WHERE note = 'back\\slash' OR note = 'it''s' ORDER BY id",
]


@pytest.mark.parametrize("sql", KEPT_RIGHT)
def test_whoever_does_it_the_answer_is_the_hubs(hub: Any, sql: str) -> None:
    assert rows(hub, sql) == rows(hub, sql, "held")


def test_without_push_down(source: Source, hub: Any, session: psycopg.Connection[Any], hub_arguments: dict[str, Any]) -> None:
    from instant_connector import SyncInstantDataConnector

    source.need("push-down")
    text = source.config.read_text() + "global_settings: {enable_push_down: false}\n"
    sql = "SELECT item, count(*) AS n FROM conform.sales WHERE amount > 0 GROUP BY item ORDER BY item"
    wanted = hub.query(sql).to_arrow().to_pylist()
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        assert made.setup_fdw_infrastructure()
        (piece,) = made.query(sql).explain().remote
        assert "WHERE" not in piece["remote_sql"] and "GROUP BY" not in piece["remote_sql"]
        assert piece["local_filter"] is not None
        assert made.query(sql).to_arrow().to_pylist() == wanted
    assert hub.setup_fdw_infrastructure()


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_partitions_by_the_key(source: Source, hub: Any, partitions: int) -> None:
    source.need("keys" if partitions > 1 else None)
    whole = hub.table("conform.sales", order_by="id").to_arrow().to_pylist()
    parts = hub.table("conform.sales", partitions=partitions, partition_order=True).to_arrow().to_pylist()
    assert len(whole) == SALES
    assert sorted(parts, key=lambda row: row["id"]) == whole


# ---- writes

def test_writes(source: Source, session: psycopg.Connection[Any]) -> None:
    source.need("writes")
    assert session.execute("INSERT INTO conform.sales VALUES (5001, 1, 7), (5002, 2, NULL), (5003, 3, 9)").rowcount == 3
    assert source.run("SELECT count(*) FROM sales WHERE id > 5000").strip() == "3"
    assert session.execute("UPDATE conform.sales SET amount = amount + 1 WHERE id > 5000").rowcount == 3
    assert source.run("SELECT sum(amount) FROM sales WHERE id > 5000").strip() == "18"
    assert session.execute("DELETE FROM conform.sales WHERE id IN (5001, 5002)").rowcount == 2
    returned = session.execute("DELETE FROM conform.sales WHERE id = 5003 RETURNING id, amount").fetchall()
    assert returned == [(5003, 10)] or not source.has("returning")
    assert source.run("SELECT count(*) FROM sales").strip() == str(SALES)


def test_a_rollback_takes_writes_back(source: Source, session: psycopg.Connection[Any]) -> None:
    source.need("writes")
    with session.transaction(force_rollback=True):
        session.execute("INSERT INTO conform.sales VALUES (6001, 1, 7)")
        assert session.execute("SELECT amount FROM conform.sales WHERE id = 6001").fetchall() == [(7,)]
        with session.transaction(force_rollback=True):
            session.execute("UPDATE conform.sales SET amount = 8 WHERE id = 6001")
            assert session.execute("SELECT amount FROM conform.sales WHERE id = 6001").fetchall() == [(8,)]
        assert session.execute("SELECT amount FROM conform.sales WHERE id = 6001").fetchall() == [(7,)]
    assert source.run("SELECT count(*) FROM sales WHERE id = 6001").strip() == "0"


def test_a_broken_rule_of_the_source(source: Source, session: psycopg.Connection[Any]) -> None:
    source.need("writes")
    with pytest.raises(psycopg.Error) as caught:
        session.execute("INSERT INTO conform.sales VALUES (1, 1, 1)")
    assert caught.value.sqlstate == "23505", caught.value
    with pytest.raises(psycopg.Error) as caught:
        session.execute("INSERT INTO conform.sales VALUES (7001, NULL, 1)")
    assert caught.value.sqlstate == "23502", caught.value
    assert source.run("SELECT count(*) FROM sales").strip() == str(SALES)


# ---- what is said when it goes wrong

def test_a_table_that_is_gone(source: Source, hub: Any) -> None:
    from instant_connector import Error

    source.run("CREATE TABLE passing (id integer PRIMARY KEY)")
    if source.kind == "postgres":
        source.run("GRANT ALL ON passing TO conform")
    assert hub.setup_fdw_infrastructure()
    assert hub.table("conform.passing").to_arrow().num_rows == 0
    source.run("DROP TABLE passing")
    with pytest.raises(Error) as caught:
        hub.table("conform.passing").to_arrow()
    assert "passing" in str(caught.value)
    assert caught.value.source == "conform"
    assert "passing" in (caught.value.remote_sql or ""), vars(caught.value)
    assert hub.setup_fdw_infrastructure()


def health(source: Source, hub_arguments: dict[str, Any], **changed: str) -> dict[str, Any]:
    from instant_connector import SyncInstantDataConnector

    text = source.yaml(**changed)
    with SyncInstantDataConnector(config=text, **hub_arguments) as made:
        return dict(made.health_check()["components"]["conform"])


def test_health(source: Source, hub: Any, hub_arguments: dict[str, Any]) -> None:
    found = health(source, hub_arguments)
    assert found["healthy"] and found["details"].startswith("ok: 2 tables"), found


@pytest.mark.parametrize(("changed", "words"), [
    ({"password": "wrong"}, ["wrong user or password", '"conform"']),
    ({"port": "1"}, ["connection refused", "port 1"]),
    ({"host": "no-such-host.invalid"}, ["name not resolved", "no-such-host.invalid"]),
    ({"database": "nowhere"}, ["nowhere"]),
])
def test_health_says_what_is_wrong(source: Source, hub: Any, hub_arguments: dict[str, Any], changed: dict[str, str],
                                   words: list[str]) -> None:
    source.need("network")
    name = {"mysql": "database", "postgres": "dbname"}[source.kind]
    found = health(source, hub_arguments, **{name if key == "database" else key: value for key, value in changed.items()})
    assert not found["healthy"]
    for word in words:
        assert word in found["details"], found
    assert source.canary not in str(found) and "'wrong'" not in str(found)


# ---- the command

def test_sessions_say_good_bye(source: Source, hub: Any, instant_home: Path) -> None:
    """A short program leaves no connection that the server calls aborted, and kills none."""
    if source.kind != "mysql":
        pytest.skip("others do not count them")
    uri = subprocess.run([cli_path(), "hub", "status", "--uri"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         check=True, timeout=60).stdout.strip()

    def aborted() -> int:
        return int(source.server.sql("SHOW GLOBAL STATUS LIKE 'Aborted_clients'").split("\t")[1])

    before = aborted()
    for _ in range(8):
        with psycopg.connect(uri) as made:
            made.execute("SELECT id FROM conform.items").fetchall()
    assert aborted() - before < 6, "of 8; a busy machine has some"


def test_the_command(source: Source, hub: Any, cli: Cli) -> None:
    def run(*arguments: str) -> str:
        done = cli("--config", str(source.config), *arguments)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    tables = run("tables", "--format", "csv")
    assert f"instant_{source.kind}" in tables and "sales" in tables
    assert run("query", "SELECT count(*) AS n FROM conform.sales", "--format", "csv").split() == ["n", str(SALES)]
    explained = run("explain", "SELECT count(*) FROM conform.sales WHERE id > 5")
    assert "count(*)" in explained.lower() and "conform" in explained
    assert "ok: 2 tables" in run("health")
    relation = run("relation", "SELECT id FROM conform.sales WHERE id > 5")
    assert "sales" in relation


# ---- secrets

def test_the_canary_does_not_sing(source: Source, hub: Any, session: psycopg.Connection[Any], instant_home: Path, cli: Cli
                                  ) -> None:
    source.need("credentials")
    said = [str(plan(hub)), "\n".join(row[0] for row in session.execute("EXPLAIN (VERBOSE) SELECT * FROM conform.items"))]
    for arguments in (("setup", "--plan", "--force-refresh"), ("-v", "health"), ("explain", "SELECT * FROM conform.items")):
        done = cli("--config", str(source.config), *arguments)
        said += [done.stdout, done.stderr]
    session.execute("SELECT count(*) FROM conform.items")
    said.append(str(session.execute("SELECT * FROM pg_stat_activity").fetchall()))
    said += [path.read_text(errors="replace") for path in instant_home.rglob("*.log")]
    said += [path.read_text(errors="replace") for path in instant_home.rglob("log") if path.is_file()]
    titles = subprocess.run(["ps", "axww", "-o", "command"], capture_output=True, text=True, check=False).stdout
    assert "********" in "".join(said)
    for text in (*said, titles):
        assert source.canary not in text
