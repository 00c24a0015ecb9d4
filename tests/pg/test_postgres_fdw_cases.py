"""PostgreSQL's own cases for postgres_fdw, run with it and with the adapter postgres: the same answers.

postgres_fdw/postgres_fdw.sql is contrib/postgres_fdw/sql/postgres_fdw.sql of PostgreSQL 15.18, unchanged; its licence is
beside it. Plans are left out (EXPLAIN, and what psql says of tables). Of statements that fail in both only that is compared.
"""
from __future__ import annotations

import getpass
import os
import re
import shutil
from pathlib import Path

import psycopg
import pytest
from extension_build import MAJORS, build_folder
from harness.hub import HubServer
from harness.psql_script import Answer, Script, Statement, statements
from scratch_servers import Scratch

# Whom the servers of a test run as: scratch_servers.py gives root's to postgres.
SYSTEM_USER = "postgres" if os.geteuid() == 0 else getpass.getuser()
FOLDER = Path(__file__).parent / "postgres_fdw"
SETTINGS = {"lc_messages": "C", "TimeZone": "PST8PDT", "DateStyle": "Postgres, MDY", "IntervalStyle": "postgres_verbose"}
# What postgres_fdw has beside tables: functions about its connections, and a setting.
ITS_OWN = re.compile(r"postgres_fdw_(disconnect|get_connections)|postgres_fdw\.|remote_application_name|remote_backend_pid")
# By line, each with the reason.
DIFFERENT = {
    190: "values of options are checked: keepalives is no boolean",
    1255: "an enum that is text here: what is not pushed is right, where postgres_fdw fails",
    1256: "the same",
    2852: "imports types that the hub has not as text, where postgres_fdw fails",
    3086: "password_required false needs a superuser's server, not only a superuser's mapping",
    3090: "only a superuser sets password_required at all",
    3106: "who asks does not count, only what the mapping says",
    3977: "a cursor whose connection was lost was read before, and can be closed",
}


def of_ours(sql: str) -> str:
    sql = re.sub(r"(?i)extension postgres_fdw", "EXTENSION instant_fdw", sql)
    sql = sql.replace("FOREIGN DATA WRAPPER postgres_fdw", "FOREIGN DATA WRAPPER instant_postgres")
    sql = sql.replace("extensions 'postgres_fdw'", "extensions 'instant_fdw'")
    # Of a superuser's mapping it wants to know too that this machine may vouch for the role.
    return re.sub(r"(CREATE USER MAPPING FOR \w+ SERVER loopback\d?)\s*$", r"\1 OPTIONS (password_required 'false')", sql, flags=re.IGNORECASE)


def is_compared(statement: Statement) -> bool:
    if statement.command is not None:
        return statement.command.startswith(("set ", "gset")) and not ITS_OWN.search(statement.text)
    return statement.word() != "" and not re.match("explain", statement.word(), re.IGNORECASE) and not ITS_OWN.search(statement.text)


class Run:
    """The cases in a database of their own."""

    def __init__(self, server: HubServer, name: str) -> None:
        self.server, self.name = server, name
        server.sql(f"CREATE DATABASE {name} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        for setting, value in SETTINGS.items():
            server.sql(f"ALTER DATABASE {name} SET {setting} = '{value}'")

    def __enter__(self) -> Script:
        # As pg_regress does: as the user that the server runs as, over the socket.
        self.connection = psycopg.connect(host=str(self.server.directory), port=self.server.port, user=SYSTEM_USER, dbname=self.name,
                                          autocommit=True, prepare_threshold=None)
        return Script(self.connection)

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.server.sql(f"DROP DATABASE {self.name} WITH (FORCE)")
        for role in self.server.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress%'").split():
            self.server.sql(f"DROP ROLE {role}")


def make_server(scratch: Scratch, major: int) -> HubServer:
    made = HubServer(scratch, major)
    made.sql(f'CREATE ROLE "{SYSTEM_USER}" SUPERUSER LOGIN; CREATE ROLE instant_admin')
    return made


def answers(server: HubServer, is_ours: bool, script: Script, cases: list[Statement]) -> list[Answer]:
    given = []
    for case in cases:
        text = case.text.replace("port '$$||current_setting('port')||$$'", f"port '$$||current_setting('port')||$$', host '{server.directory}'")
        given.append(script.run(Statement(case.line, of_ours(text) if is_ours else text, case.data, case.command)))
        if is_ours and "CREATE ROLE regress_nosuper" in text:
            server.sql("GRANT instant_admin TO regress_nosuper")
    return given


def same(one: Answer, other: Answer) -> bool:
    if one.sqlstate or other.sqlstate:
        return bool(one.sqlstate) == bool(other.sqlstate)
    return sorted(map(repr, one.rows)) == sorted(map(repr, other.rows))


@pytest.fixture(scope="module")
def cases() -> list[Statement]:
    return [case for case in statements((FOLDER / "postgres_fdw.sql").read_text()) if is_compared(case)]


@pytest.fixture(scope="module")
def wanted(scratch: Scratch, cases: list[Statement]) -> list[Answer]:
    if 15 not in MAJORS:
        pytest.skip("the cases are of PostgreSQL 15")
    server = make_server(scratch, 15)
    with Run(server, "of_postgres_fdw") as script:
        given = answers(server, False, script, cases)
    server.stop()
    return given


@pytest.mark.parametrize("major", MAJORS, ids=lambda major: f"pg{major}")
def test_the_same_answers_as_postgres_fdw(scratch: Scratch, major: int, cases: list[Statement], wanted: list[Answer]) -> None:
    server = make_server(scratch, major)
    program = shutil.copy(os.environ.get("HUB_SOURCE", build_folder() / "instant-source"), scratch.path / f"instant-source-of-cases-{major}")
    run = Run(server, "of_instant_postgres")
    server.sql(f"ALTER DATABASE of_instant_postgres SET instant.source_program = '{program}'")
    with run as script:
        got = answers(server, True, script, cases)
    server.stop()
    wrong = [f"line {case.line}: {case.word()[:200]}\n  wanted {one}\n  got    {other}"
             for case, one, other in zip(cases, wanted, got, strict=True) if not same(one, other) and case.line not in DIFFERENT]
    assert len(cases) > 1000
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)
