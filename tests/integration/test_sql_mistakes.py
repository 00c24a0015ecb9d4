"""What people get wrong about databases as sources: each error says what, where, and what to do."""
from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.project import Cli
from harness.sha2_door import Sha2Door
from scratch_servers import MariaDBServer, PostgresServer, Scratch

pytestmark = pytest.mark.usefixtures("owned_hub")


@pytest.fixture(scope="module")
def owned_hub(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--db-url") is not None:
        pytest.skip("needs a hub with the extension instant_fdw")


@pytest.fixture(scope="module")
def shop(postgres_source: PostgresServer) -> str:
    postgres_source.sql("CREATE DATABASE mistakes")
    postgres_source.sql("CREATE TABLE customers (id int PRIMARY KEY, name text, city varchar(30));"
                        "CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric)", "mistakes")
    return postgres_source.url("mistakes")


@pytest.fixture(scope="module")
def web(mariadb_source: MariaDBServer) -> str:
    mariadb_source.sql("CREATE DATABASE mistakes; USE mistakes; CREATE TABLE visits (id int PRIMARY KEY, page varchar(60));"
                       "INSERT INTO visits SELECT seq, seq FROM seq_1_to_20000;"
                       "CREATE TABLE pages (page varchar(60) PRIMARY KEY, title text)")
    return f"mysql://instant:{mariadb_source.password}@127.0.0.1:{mariadb_source.port}/mistakes"


@pytest.fixture(scope="module")
def notes(scratch: Scratch) -> Path:
    path = scratch.path / "mistakes.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE notes (id integer PRIMARY KEY, title text)")
    path.chmod(0o644)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "sources.yaml"


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made.getsockname()[1]


def wrong(url: str) -> str:
    """The URL with a password that is not right."""
    user, host = url.rsplit("@", 1)
    return f"{user.rsplit(':', 1)[0]}:not-the-password@{host}"


@pytest.mark.parametrize("arguments", [["setup", "--plan"], ["setup"], ["setup", "--no-validate"]])
def test_every_broken_source_is_told_of(cli: Cli, config: Path, web: str, shop: str, notes: Path,
                                        arguments: list[str]) -> None:
    config.write_text("sources:\n"
                      f"  one: {{url: '{wrong(web)}', schema: one}}\n"
                      f"  two: {{url: '{wrong(shop)}', schema: two}}\n"
                      f"  three: {{url: 'sqlite://{notes}.gone', schema: three}}\n"
                      f"  four: {{url: 'sqlite://{notes}', schema: four}}\n")
    done = cli("--config", str(config), *arguments)
    assert done.returncode != 0 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith('instant: source "one": wrong user or password')
    assert lines[1].startswith('source "two": wrong user or password')
    assert lines[2].startswith('source "three": cannot open') and "No such file" in lines[2]
    assert "four" not in done.stderr and "not-the-password" not in done.stderr
    assert "nothing was changed in the hub" in done.stderr


def test_a_password_of_mysql_8_without_tls(cli: Cli, config: Path, mariadb_source: MariaDBServer, tmp_path: Path) -> None:
    with Sha2Door((mariadb_source.host, mariadb_source.port), mariadb_source.username, mariadb_source.password, tmp_path) as door:
        door.passwords["eight"] = "Canary-8"
        config.write_text(f"sources:\n  web: {{url: 'mysql://eight:Canary-8@127.0.0.1:{door.port}/mistakes', schema: eight}}\n")
        said = cli("--config", str(config), "setup").stderr
        assert 'source "web": TLS: ' in said and "by caching_sha2_password, which needs TLS" in said
        assert "or set get_server_public_key to yes" in said and "sslrootcert" not in said and "Canary-8" not in said


def test_every_mistake_in_a_source_is_told_of(cli: Cli, config: Path, web: str) -> None:
    config.write_text(f"""sources:
  web:
    url: {web}
    schema: web_mistakes
    tables:
      - visit
      - {{name: pages, columns: [{{name: page, type: txt}}, {{name: title, type: integr}}]}}
      - {{name: visits, columns: [{{name: idd, type: integer}}, {{name: page, type: date}}]}}
""")
    for arguments in (["setup", "--plan"], ["setup"]):
        said = cli("--config", str(config), *arguments).stderr
        for words in ('sources.yaml:6:9: table "visit": the source has no table "visit" in "mistakes", did you mean "visits"?',
                      'sources.yaml:7:9: table "pages": type "txt" does not exist',
                      'sources.yaml:7:9: table "pages": type "integr" does not exist',
                      'sources.yaml:8:9: table "visits": the source has no column "idd", did you mean "id"?',
                      'sources.yaml:8:9: table "visits": column "page" is date in the file and character varying(60) in the source'):
            assert words in said


def test_a_plan_needs_no_source_whose_columns_are_listed(cli: Cli, config: Path, silent: int) -> None:
    config.write_text(f"""sources:
  away: {{url: 'mysql://u:p@127.0.0.1:{silent}/d', schema: away, tables: [{{name: t, columns: [{{name: a, type: int}}]}}]}}
global_settings: {{connection_timeout: 3}}
""")
    done = cli("--config", str(config), "setup", "--plan")
    assert done.returncode == 0 and "CREATE FOREIGN TABLE" in done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [["setup", "--plan"], ["setup"], ["health"]])
def test_a_silent_mysql_server_is_no_cancel(cli: Cli, config: Path, silent: int, arguments: list[str]) -> None:
    config.write_text(f"sources:\n  quiet: mysql://u:p@127.0.0.1:{silent}/d\nglobal_settings: {{connection_timeout: 3}}\n")
    done = cli("--config", str(config), *arguments)
    assert done.returncode == 1
    assert "no answer within" in done.stdout + done.stderr and "connect_timeout" in done.stdout + done.stderr
    assert "cancelled" not in done.stdout + done.stderr


@contextlib.contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Again and again, beside the block."""
    over = threading.Event()

    def act_until_over() -> None:
        while not over.wait(0.1):
            act()

    actor = threading.Thread(target=act_until_over)
    actor.start()
    try:
        yield
    finally:
        over.set()
        actor.join()


SLOW = "SELECT count(*) FROM stopped.visits a, stopped.visits b, stopped.visits c WHERE a.id + b.id <> c.id"


def test_a_source_that_stops_a_query_is_told_of(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer) -> None:
    config.write_text(f"sources:\n  stopped: {{url: '{web}', schema: stopped}}\n")
    assert cli("--config", str(config), "setup").returncode == 0

    def kill() -> None:
        for number in mariadb_source.sql("SELECT id FROM information_schema.processlist WHERE info LIKE '%`mistakes`.`visits`%'"
                                         " AND info NOT LIKE '%processlist%'").split():
            mariadb_source.sql(f"KILL QUERY {number}")

    with meanwhile(kill):
        done = cli("--config", str(config), "query", SLOW)
    assert done.returncode == 1
    assert "Query execution was interrupted" in done.stderr and "source: stopped" in done.stderr


def test_a_limit_of_the_source_is_a_timeout(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer) -> None:
    config.write_text(f"sources:\n  stopped: {{url: '{web}?init_command=SET%20max_statement_time=1', schema: stopped}}\n")
    assert cli("--config", str(config), "setup").returncode == 0
    done = cli("--config", str(config), "query", SLOW)
    assert done.returncode == 7 and "max_statement_time exceeded" in done.stderr


def test_a_server_that_falls_silent_is_a_timeout(cli: Cli, config: Path, web: str) -> None:
    config.write_text(f"sources:\n  stopped: {{url: '{web}?read_timeout=1s', schema: stopped}}\n")
    assert cli("--config", str(config), "setup").returncode == 0
    done = cli("--config", str(config), "query", SLOW)
    assert done.returncode == 7 and "no answer within 1000 ms" in done.stderr and "read_timeout" in done.stderr


def test_a_cancel_by_the_administrator_of_the_hub_is_told_of(cli: Cli, config: Path, web: str) -> None:
    config.write_text(f"sources:\n  stopped: {{url: '{web}', schema: stopped}}\n")
    assert cli("--config", str(config), "setup").returncode == 0

    def cancel() -> None:
        cli("hub", "psql", "-c", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%stopped.visits%'"
                                 " AND pid <> pg_backend_pid() AND state = 'active'", env={"PGHOST": None, "PGPORT": None})

    with meanwhile(cancel):
        done = cli("--config", str(config), "query", SLOW)
    assert done.returncode == 130 and "canceling statement due to user request" in done.stderr


def test_a_query_of_a_mysql_server_that_is_gone_says_what_to_do(cli: Cli, config: Path) -> None:
    config.write_text("sources:\n  gone: {url: 'mysql://reader:not-the-password@127.0.0.1:1/d', schema: gone,"
                      " tables: [{name: t, columns: [{name: a, type: int}]}]}\n")
    assert cli("--config", str(config), "setup", "--no-validate").returncode == 0
    said = cli("--config", str(config), "query", "SELECT * FROM gone.t").stderr
    assert "127.0.0.1:1" in said and "check the options host and port" in said


@pytest.mark.parametrize(("name", "hint"), [
    ("sightings", 'write "named.sightings"'), ("named.sighting", 'did you mean "named.sightings"?'),
    ("sigthings", 'did you mean "named.sightings"?'), ("named.mixed_case", 'did you mean named."Mixed Case"?')])
def test_a_query_of_an_unknown_table_names_the_nearest(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer,
                                                       name: str, hint: str) -> None:
    mariadb_source.sql("CREATE TABLE IF NOT EXISTS `Mixed Case` (a int);"
                       "CREATE TABLE IF NOT EXISTS sightings (a int)", "mistakes")
    config.write_text(f"sources:\n  named: {{url: '{web}', schema: named}}\n")
    assert cli("--config", str(config), "setup").returncode == 0
    done = cli("--config", str(config), "query", f"SELECT * FROM {name}")
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == f"hint: {hint}"


def test_a_query_of_what_is_gone_at_the_source_says_what_to_do(cli: Cli, config: Path, web: str, shop: str, notes: Path,
                                                               mariadb_source: MariaDBServer, postgres_source: PostgresServer) -> None:
    mariadb_source.sql("CREATE TABLE moved (a int, b int); CREATE TABLE lost (a int)", "mistakes")
    postgres_source.sql("CREATE TABLE moved (a int, b int); CREATE TABLE lost (a int)", "mistakes")
    with sqlite3.connect(notes) as file:
        file.executescript("CREATE TABLE moved (a int, b int); CREATE TABLE lost (a int)")
    config.write_text(f"sources:\n  my: {{url: '{web}', schema: my, tables: [moved, lost]}}\n"
                      f"  pg: {{url: '{shop}', schema: pg, tables: [moved, lost]}}\n"
                      f"  pgfdw: {{url: '{shop}', wrapper: postgres_fdw, schema: pgfdw, tables: [moved, lost]}}\n"
                      f"  lite: {{url: 'sqlite://{notes}', schema: lite, tables: [moved, lost]}}\n")
    made = cli("--config", str(config), "setup")
    assert made.returncode == 0, made.stderr
    for run in (lambda sql: mariadb_source.sql(sql, "mistakes"), lambda sql: postgres_source.sql(sql, "mistakes")):
        run("ALTER TABLE moved DROP COLUMN b; DROP TABLE lost")
    with sqlite3.connect(notes) as file:
        file.executescript("ALTER TABLE moved DROP COLUMN b; DROP TABLE lost")
    for schema in ("my", "pg", "pgfdw", "lite"):
        for sql in (f"SELECT b FROM {schema}.moved", f"SELECT a FROM {schema}.lost"):
            done = cli("--config", str(config), "query", sql)
            assert done.returncode == 1 and "run setup again" in done.stderr, done.stderr


def test_a_schema_of_many_tables(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer) -> None:
    """MariaDB opens every table of a schema each time that it is asked for checks; so it is asked once."""
    columns = ", ".join(f"c{number} int" for number in range(10))
    mariadb_source.sql("CREATE DATABASE many_tables; USE many_tables; CREATE TABLE documents (id int, j json, CHECK (id > 0));"
                       + "".join(f"CREATE TABLE t{number} ({columns}) ENGINE=MEMORY;" for number in range(300)))
    config.write_text(f"sources:\n  many: {{url: '{web.replace('/mistakes', '/many_tables')}', schema: many}}\n")
    made = cli("--config", str(config), "setup", timeout=60)
    assert made.returncode == 0 and "create table many.t299" in made.stdout, made.stderr
    described = cli("--config", str(config), "describe", "many.documents", "--format", "csv").stdout
    assert "j,jsonb," in described and described.count("j,") == 1


LONG = "x" * 62


def test_names_longer_than_the_hub_can_hold(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer, notes: Path) -> None:
    """PostgreSQL cuts a name after 63 bytes; the source must hear the whole one."""
    mariadb_source.sql(f"CREATE DATABASE long_names; USE long_names; CREATE TABLE {LONG}yy (a int, {LONG}yy int, {LONG}yz int);"
                       f"CREATE TABLE {LONG}yz (a int); CREATE TABLE accents (a int, `{'é' * 40}` int);"
                       f"INSERT INTO {LONG}yy VALUES (1, 2, 3); INSERT INTO accents VALUES (1, 2)")
    with sqlite3.connect(notes.with_name("long.db")) as file:
        file.executescript(f"CREATE TABLE t{LONG}{LONG} (c{LONG}{LONG} int, c{LONG}{LONG}z int, c{LONG}_2 int);"
                           f"INSERT INTO t{LONG}{LONG} VALUES (1, 2, 3)")
    notes.with_name("long.db").chmod(0o644)
    config.write_text(f"sources:\n  lm: {{url: '{web.replace('/mistakes', '/long_names')}', schema: lm}}\n"
                      f"  ll: {{url: 'sqlite://{notes.with_name('long.db')}', schema: ll}}\n")
    made = cli("--config", str(config), "setup")
    assert made.returncode == 0, made.stderr
    for sql, answer in ((f'SELECT * FROM lm."{LONG}y"', "1,2,3"), (f'SELECT a FROM lm."{LONG[:61]}_2"', ""),
                        (f'SELECT * FROM lm.accents WHERE "{"é" * 31}" = 2', "1,2"), (f'SELECT * FROM ll."t{LONG}"', "1,2,3"),
                        (f'SELECT "c{LONG}" FROM ll."t{LONG}"', "1")):
        done = cli("--config", str(config), "query", sql, "--format", "csv")
        assert done.returncode == 0 and done.stdout.splitlines()[1:] == ([answer] if answer else []), done.stderr
    again = cli("--config", str(config), "setup")
    assert "nothing to change" in again.stdout, again.stdout + again.stderr


def test_an_upsert_in_sql_hears_of_the_option(cli: Cli, config: Path, web: str) -> None:
    text = f"sources:\n  ups: {{url: '{web}', schema: ups, tables: [{{name: pages}}]}}\n"
    upsert = "INSERT INTO ups.pages VALUES ('/u', 'two')"
    config.write_text(text)
    assert cli("--config", str(config), "setup").returncode == 0
    done = cli("--config", str(config), "query", f"{upsert} ON CONFLICT (page) DO UPDATE SET title = excluded.title")
    assert done.returncode == 1 and "on_conflict 'update'" in done.stderr
    config.write_text(text.replace("name: pages", "name: pages, options: {on_conflict: update}"))
    assert cli("--config", str(config), "setup").returncode == 0
    for title in ("one", "two"):
        assert cli("--config", str(config), "query", f"INSERT INTO ups.pages VALUES ('/u', '{title}')").returncode == 0
    assert cli("--config", str(config), "query", "SELECT title FROM ups.pages WHERE page = '/u'", "--format", "csv").stdout == "title\ntwo\n"


def test_sources_do_not_wait_for_a_silent_one(cli: Cli, config: Path, silent: int, web: str, shop: str, notes: Path) -> None:
    config.write_text("sources:\n"
                      f"  quiet: {{url: 'mysql://reader:not-the-password@127.0.0.1:{silent}/d', schema: w1}}\n"
                      f"  web: {{url: '{web}', schema: w2}}\n  shop: {{url: '{shop}', schema: w3}}\n"
                      f"  notes: {{url: 'sqlite://{notes}', schema: w4}}\n"
                      "global_settings: {connection_timeout: 8}\n")
    done = cli("--config", str(config), "health", "--format", "json")
    health = {row["component"]: row for row in json.loads(done.stdout)}
    assert [name for name, row in health.items() if not row["healthy"]] == ["quiet"]
    assert "no answer within 6000 ms" in health["quiet"]["details"]
    assert all(health[name]["elapsed_ms"] < 6000 for name in ("web", "shop", "notes"))


def test_tables_of_one_name_are_all_told_of(cli: Cli, config: Path, web: str, notes: Path, mariadb_source: MariaDBServer) -> None:
    path = notes.with_name("clash.db")
    with sqlite3.connect(path) as file:
        file.executescript("CREATE TABLE visits (a int); CREATE TABLE pages (a int)")
    path.chmod(0o644)
    config.write_text(f"sources:\n  web: {{url: '{web}', schema: clash}}\n  one: {{url: 'sqlite://{path}', schema: clash}}\n"
                      f"  two: {{url: 'sqlite://{path}', schema: clash}}\n")
    done = cli("--config", str(config), "setup", "--plan")
    assert done.returncode == 3
    for source in ("one", "two"):
        assert f'source "{source}": tables "pages", "visits": source "web" brings the same to schema "clash"' in done.stderr
    assert 'give each source a "schema:"' in done.stderr


def test_health_tells_of_tls_and_of_a_server_of_another_kind(cli: Cli, config: Path, web: str, shop: str,
                                                             mariadb_source: MariaDBServer) -> None:
    config.write_text("sources:\n"
                      f"  my: {{url: '{web}?ssl_mode=require', schema: tls1}}\n"
                      f"  pg: {{url: '{shop}?sslmode=require', schema: tls2}}\n"
                      f"  other: {{url: 'postgres://reader:not-the-password@127.0.0.1:{mariadb_source.port}/d', schema: tls3}}\n"
                      "global_settings: {connection_timeout: 40}\n")
    rows = json.loads(cli("--config", str(config), "health", "--format", "json").stdout)
    details = {row["component"]: row["details"] for row in rows}
    assert details["my"].startswith("TLS: ") and "check ssl_mode and ssl_ca" in details["my"]
    assert details["pg"].startswith("TLS: ") and "choose another sslmode" in details["pg"]
    assert "something else than PostgreSQL answers there" in details["other"] and "TLS" not in details["other"]


def test_a_slow_view_keeps_nobody_from_setting_up(cli: Cli, config: Path, web: str, mariadb_source: MariaDBServer) -> None:
    mariadb_source.sql("CREATE OR REPLACE VIEW slow AS SELECT sleep(30) AS s", "mistakes")
    config.write_text(f"sources:\n  slow: {{url: '{web}', schema: slow, tables: [{{name: slow, columns: [{{name: s, type: bigint}}]}}]}}\n")
    done = cli("--config", str(config), "setup")
    assert done.returncode == 0 and "create table slow.slow" in done.stdout, done.stderr
    mariadb_source.sql("DROP VIEW slow", "mistakes")


def test_what_another_file_brought_is_not_taken(cli: Cli, tmp_path: Path, web: str, notes: Path) -> None:
    path = notes.with_name("taken.db")
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE IF NOT EXISTS visits (a int)")
    path.chmod(0o644)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(f"sources:\n  taken: {{url: '{web}', schema: taken, tables: [visits]}}\n")
    second.write_text(f"sources:\n  taker: {{url: 'sqlite://{path}', schema: taken}}\n")
    assert cli("--config", str(first), "setup").returncode == 0
    done = cli("--config", str(second), "setup")
    assert done.returncode == 3 and 'a table "taken.visits" already, of source "taken" of' in done.stderr and "first.yaml" in done.stderr
    assert "nothing to change" in cli("--config", str(first), "setup").stdout
