"""TPC-H with its tables in MariaDB: every answer is that of local tables, and most are one request of the source."""
from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from extension_build import Connection, Database, build_folder
from harness import tpch
from scratch_servers import MariaDBServer, Scratch

SCALE = 0.01
# Sub-selects that PostgreSQL does not turn into joins are requests of their own (2, 11, 16, 17, 20, 22), a WITH that is
# read twice is kept in the hub (15), and what is above a grouped sub-select is done there (13, 18).
WHOLE = {1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 19, 21}


@pytest.fixture(scope="session")
def rows_of_tpch(scratch: Scratch) -> Iterator[MariaDBServer]:
    folder = scratch.path / "tpch"
    folder.mkdir()
    tpch.generate(folder, SCALE)
    made = MariaDBServer(scratch)
    made.sql(tpch.load_mysql("tpch", folder))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(scratch: Scratch, database: Database, rows_of_tpch: MariaDBServer) -> Iterator[Connection]:
    program = shutil.copy(build_folder() / "instant-source", scratch.path / "instant-source-of-tpch")
    with database.connect() as made:
        made.execute(f"SET instant.source_program = '{program}'")
        made.execute(f"CREATE SERVER maria FOREIGN DATA WRAPPER instant_mysql OPTIONS (host '{rows_of_tpch.host}', "
                     f"port '{rows_of_tpch.port}')")
        made.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER maria OPTIONS (user '{rows_of_tpch.username}', "
                     f"password '{rows_of_tpch.password}')")
        tpch.make_schemas(made, "maria", "tpch")
        yield made
        made.execute("DROP SERVER maria CASCADE")


@pytest.mark.parametrize("number", tpch.QUERIES)
def test_the_answer_is_right(hub: Connection, number: int) -> None:
    hub.execute("SET search_path = local")
    right = hub.execute(tpch.QUERIES[number]).fetchall()
    hub.execute("SET search_path = far")
    assert repr(hub.execute(tpch.QUERIES[number]).fetchall()) == repr(right)


@pytest.mark.parametrize("number", sorted(WHOLE))
def test_one_request_answers_it(hub: Connection, number: int) -> None:
    hub.execute("SET search_path = far")
    plan = tpch.explain(hub, number)
    assert tpch.is_whole(plan), "\n".join(plan)
