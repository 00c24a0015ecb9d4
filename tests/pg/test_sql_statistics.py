"""What the planner knows of tables of MariaDB and PostgreSQL: row counts of an import, and ANALYZE by the source's own
estimates and samples."""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extension_build import Connection, Database, ExtensionBuild, build_folder
from scratch_servers import Scratch
from sql_sources import BIG_ROWS, SOURCES, SqlSource


@pytest.fixture(scope="module", params=sorted(SOURCES))
def source(scratch: Scratch, extension: ExtensionBuild, request: pytest.FixtureRequest) -> Iterator[SqlSource]:
    made = SOURCES[request.param](scratch)
    made.sql("CREATE TABLE skewed AS SELECT id, id % 10 AS g, CASE WHEN id % 2 = 0 THEN NULL ELSE 'odd' END AS s FROM big")
    made.sql("CREATE TABLE empty (id int PRIMARY KEY)")
    made.sql("CREATE VIEW looks AS SELECT id FROM small")
    made.sql("ANALYZE TABLE big, small, skewed" if made.wrapper == "instant_mysql" else "ANALYZE")
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def program(scratch: Scratch, extension: ExtensionBuild) -> Path:
    """Where the server's user can start it."""
    return Path(shutil.copy(build_folder() / "instant-source", scratch.path / f"instant-source-of-statistics-{extension.major}"))


@pytest.fixture
def session(program: Path, database: Database, source: SqlSource) -> Iterator[Connection]:
    """With the source imported into the schema `i`."""
    with database.connect(prepare_threshold=None) as made:
        made.execute(f"SET instant.source_program = '{program}'")
        source.add_to(made, "s")
        made.execute("CREATE SCHEMA i")
        schema = "d" if source.wrapper == "instant_mysql" else "public"
        made.execute(f"IMPORT FOREIGN SCHEMA {schema} FROM SERVER s INTO i")
        yield made
        made.execute("DROP SERVER s CASCADE; DROP SCHEMA i, s CASCADE")


def planned_rows(session: Connection, sql: str) -> float:
    plan: Any = session.execute(f"EXPLAIN (FORMAT json) {sql}").fetchone()
    return float(plan[0][0]["Plan"]["Plan Rows"])


def reltuples(session: Connection, table: str) -> float:
    row = session.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table]).fetchone()
    assert row is not None
    return float(row[0])


def test_an_import_brings_row_counts(session: Connection) -> None:
    assert planned_rows(session, "SELECT * FROM i.big") == pytest.approx(BIG_ROWS, rel=0.3)
    assert planned_rows(session, "SELECT * FROM i.small") == 10
    assert planned_rows(session, "SELECT * FROM s.big") < 5000  # nobody said anything
    session.execute("ALTER FOREIGN TABLE s.big OPTIONS (ADD row_count '123456')")
    assert planned_rows(session, "SELECT * FROM s.big") == 123456
    assert planned_rows(session, "SELECT * FROM i.looks") > 0


def test_an_import_may_leave_row_counts(session: Connection, source: SqlSource) -> None:
    schema = "d" if source.wrapper == "instant_mysql" else "public"
    session.execute("CREATE SCHEMA other")
    session.execute(f"IMPORT FOREIGN SCHEMA {schema} LIMIT TO (big) FROM SERVER s INTO other OPTIONS (import_statistics 'false')")
    options = session.execute("SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'other.big'::regclass").fetchone()
    assert options is not None
    assert "row_count" not in str(options[0])
    session.execute("DROP SCHEMA other CASCADE")


def test_analyze_takes_a_sample_of_the_source(session: Connection) -> None:
    notices: list[str] = []
    session.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    session.execute("ANALYZE VERBOSE i.skewed")
    said = next(line for line in notices if "rows read" in line)
    read = int(said.split(": ")[1].split()[0])
    assert 30_000 < read < 45_000, said
    assert reltuples(session, "i.skewed") == pytest.approx(BIG_ROWS, rel=0.05)
    assert planned_rows(session, "SELECT * FROM i.skewed WHERE g = 3") == pytest.approx(BIG_ROWS / 10, rel=0.25)
    assert planned_rows(session, "SELECT * FROM i.skewed WHERE s IS NULL") == pytest.approx(BIG_ROWS / 2, rel=0.15)
    assert planned_rows(session, "SELECT * FROM i.skewed WHERE id < 20000") == pytest.approx(20000, rel=0.25)
    stats = dict(session.execute("SELECT attname, n_distinct FROM pg_stats WHERE schemaname = 'i' AND tablename = 'skewed'").fetchall())
    assert stats["g"] == 10
    assert stats["id"] < -0.5


def test_analyze_reads_what_is_small_or_a_view(session: Connection) -> None:
    session.execute("ANALYZE i.small, i.looks, i.empty")
    assert reltuples(session, "i.small") == 10
    assert reltuples(session, "i.looks") == 10
    assert reltuples(session, "i.empty") == 0
    assert planned_rows(session, "SELECT * FROM i.small WHERE id = 3") == 1
    session.execute("CREATE FOREIGN TABLE i.nowhere (id integer) SERVER s")
    with pytest.raises(Exception, match="nowhere"):
        session.execute("ANALYZE i.nowhere")


def test_counts_decide_who_is_asked_first(session: Connection) -> None:
    """A join with a small table of the hub asks by keys where the foreign table is known to be big."""
    session.execute("CREATE TABLE keys AS SELECT i * 100 AS id FROM generate_series(1, 5) i; ANALYZE keys")
    plan = session.execute("EXPLAIN (VERBOSE, COSTS off) SELECT b.a FROM keys JOIN i.big b USING (id)").fetchall()
    session.execute("DROP TABLE keys")
    text = "\n".join(line for (line,) in plan)
    assert "Hash" not in text, text
