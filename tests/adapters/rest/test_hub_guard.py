"""Who may do what through the hub: addresses that are forbidden, rights of roles, secrets, rows behind policies."""
from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.api_http import Api
from harness.forbidden import LOOPBACKS, OTHERS
from harness.hostile_http import Answer, HostileServer
from harness.hub import Hub, HubServer, Session, everything, failure, literals, make_site
from scratch_servers import Scratch

pytestmark = pytest.mark.usefixtures("undisturbed")

DENIED = "42501"
FORBIDDEN = [host for host in LOOPBACKS + OTHERS if not host.endswith(".test")]
BODY = b'{"items": [{"id": 1, "name": "x"}]}'


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as made:
        made.on("*", lambda answer: answer.reply(200, BODY))
        yield made


@dataclass
class Trap:
    """A port of all addresses of this machine, where connections are counted and told a secret."""
    server: HostileServer

    @property
    def port(self) -> int:
        return self.server.port

    def is_untouched(self) -> bool:
        return self.server.connection_count == 0


@pytest.fixture
def trap() -> Iterator[Trap]:
    has_both = socket.has_dualstack_ipv6() and Path("/proc/net/if_inet6").exists()
    with HostileServer(host="::" if has_both else "0.0.0.0") as made:
        made.on("*", lambda answer: answer.reply(200, b'{"items": [{"id": 666, "name": "stolen"}]}'))
        yield Trap(made)


# ---- addresses ----


def targets(port: int) -> list[str]:
    made = [f"http://{host}:{port}" for host in FORBIDDEN]
    made += [f"http://{user}@127.0.0.1:{port}" for user in ("example.com", "example.com:80", "a:b", "%40")]
    made += [f"http://example.com@127.0.0.1:{port}/#@example.com", f"http://127.0.0.1:{port}#.com/",
             f"http:127.0.0.1:{port}/", f"http:\\\\127.0.0.1:{port}\\", f"//127.0.0.1:{port}/", f"HTTP://127.0.0.1:{port}/",
             f"https://127.0.0.1:{port}/", f"http://127.0.0.1:{port}?.com", f"http://[::ffff:127.0.0.1%25lo]:{port}/",
             f"gopher://127.0.0.1:{port}/", f"ftp://127.0.0.1:{port}/", f"dict://127.0.0.1:{port}/", "file:///etc/passwd",
             f"ws://127.0.0.1:{port}/", f"http://127.0.0.1:{port}\\@example.com/", f" http://127.0.0.1:{port}/"]
    return made


def test_a_base_url_at_home_fetches_nothing(site: Hub, sql: Session, trap: Trap) -> None:
    tried = targets(trap.port)
    assert len(tried) >= 60
    for url in tried:
        try:
            name = site.rest(sql, url, allow_private=None, max_retries="0", connect_timeout="2s")
            table = site.table(sql, name, endpoint="/items", rows="/items")
        except psycopg.Error as error:
            assert error.sqlstate in ("22023", "F0000"), (url, everything(error))
            continue
        error = failure(sql, f"SELECT * FROM {table}")
        assert error.sqlstate in ("08006", "22023", "HV000"), (url, everything(error))
        assert "root:" not in everything(error)
    assert trap.is_untouched()


def test_it_does_reach_them_when_it_may(site: Hub, sql: Session, trap: Trap) -> None:
    """Or the trap would prove nothing."""
    for host in ("127.0.0.1", "127.1", "2130706433", "localhost", "0x7f.1", "127.0.0.2"):
        table = site.table(sql, site.rest(sql, f"http://{host}:{trap.port}"), endpoint="/items", rows="/items")
        assert sql.execute(f"SELECT * FROM {table}").fetchall() == [(666, "stolen")]
    assert trap.server.connection_count == 6


@pytest.mark.parametrize("how", ["redirect", "next_url", "link"])
def test_an_api_leads_nowhere_else(site: Hub, sql: Session, server: HostileServer, trap: Trap, how: str) -> None:
    """Though private addresses are allowed, for the server itself is at one."""
    tried = [*targets(trap.port), f"http://127.0.0.1:{trap.port}/x", f"//127.0.0.1:{trap.port}", f"\\\\127.0.0.1:{trap.port}"]
    state = {"target": ""}

    def handler(answer: Answer) -> bool:
        where = state["target"]
        if answer.request.nth > 1 and answer.request.query or how == "redirect" and answer.request.nth > 300:
            return answer.reply(400, b"again?")
        if how == "redirect":
            return answer.redirect(where)
        body = json.dumps({"items": [{"id": 1, "name": "x"}], "next": where}).encode()
        return answer.reply(200, body, {"Link": f'<{where}>; rel="next"'})

    server.on("/start", handler)
    server.on("*", lambda answer: answer.reply(404, b"not here"))
    name = site.rest(sql, server.url, max_retries="0")
    options = {"redirect": {}, "next_url": {"page_style": "next_url", "next": "/next"}, "link": {"page_style": "link"}}[how]
    table = site.table(sql, name, endpoint="/start", rows="/items", **options)
    for target in tried:
        state["target"] = target
        error = failure(sql, f"SELECT * FROM {table}")
        assert error.sqlstate in ("08006", "22023", "HV000"), (target, everything(error))
        assert "stolen" not in everything(error) and "root:" not in everything(error)
    assert trap.is_untouched()


def test_an_endpoint_stays_behind_its_base_url(site: Hub, sql: Session, server: HostileServer, trap: Trap) -> None:
    """A table's owner may not say where the server is: what comes before the path is not theirs."""
    name = site.rest(sql, server.url, max_retries="0")
    reached = 0
    for endpoint in (f"@127.0.0.1:{trap.port}/x", f":{trap.port}/x", f"http://127.0.0.1:{trap.port}/", f"//127.0.0.1:{trap.port}/",
                     f"/@127.0.0.1:{trap.port}/", f".127.0.0.1:{trap.port}/x", f"/../../@127.0.0.1:{trap.port}", "0/x", "#@x",
                     f"\\@127.0.0.1:{trap.port}/", f"/\\127.0.0.1:{trap.port}/", f"?@127.0.0.1:{trap.port}/", "file:///etc/passwd",
                     "/a b", "/a\r\nHost: x", "/a\tb"):
        try:
            table = site.table(sql, name, endpoint=endpoint, rows="/items")
            assert sql.execute(f"SELECT * FROM {table}").fetchall() == [(1, "x")]
            reached += 1
        except psycopg.Error as error:
            assert error.sqlstate in ("22023", "F0000", "08006", "HV000"), (endpoint, everything(error))
    assert trap.is_untouched()
    assert reached >= 1 and {request.headers["host"] for request in server.requests} == {f"127.0.0.1:{server.port}"}


def test_values_do_not_leave_their_place_in_a_path(site: Hub, sql: Session, server: HostileServer) -> None:
    table = site.table(sql, site.rest(sql, server.url), "name text, id int OPTIONS (param 'id')", endpoint="/users/{name}/items",
                       rows="/items")
    for value in ("../../admin", "a/b", "x?admin=1", "x#y", "x&y=1", "%2e%2e", "a b", "é", "x\r\nHost: evil", "@evil", "{name}",
                  "\\..\\", "..;/", "'; DROP", '"'):
        before = len(server.requests)
        assert sql.execute(f"SELECT name, id FROM {table} WHERE name = %s", (value,)).fetchall() == [(value, 1)]
        (request,) = server.requests[before:]
        assert re.fullmatch(r"/users/[A-Za-z0-9%._~-]+/items", request.target), request.target
    for value in ("..", ".", ""):
        before = len(server.requests)
        try:
            sql.execute(f"SELECT id FROM {table} WHERE name = %s", (value,)).fetchall()
        except psycopg.Error as error:
            assert error.sqlstate in ("22023", "HV000"), everything(error)
        for request in server.requests[before:]:
            assert re.fullmatch(r"/users/[^/]+/items", request.target), request.target


# ---- roles ----


@pytest.fixture(scope="module")
def roles(site: Hub) -> Iterator[dict[str, str]]:
    """alice has rights on servers, carol is an instant_admin, mallory nothing but the wrapper."""
    names = {role: f"{role}_{site.database}" for role in ("alice", "bob", "carol", "mallory")}
    with site.connect() as sql:
        if sql.execute("SELECT FROM pg_roles WHERE rolname = 'instant_admin'").fetchone() is None:
            sql.execute("CREATE ROLE instant_admin")
        for role in names.values():
            sql.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{site.server.password}'")
            sql.execute(f"GRANT USAGE ON FOREIGN DATA WRAPPER instant_rest TO {role}")
            sql.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
        sql.execute(f"GRANT instant_admin TO {names['carol']}")
    yield names


As = Callable[[str], Session]


@pytest.fixture
def session_of(site: Hub, roles: dict[str, str]) -> Iterator[As]:
    made: list[Session] = []

    def connect(role: str) -> Session:
        made.append(site.connect(roles[role]))
        return made[-1]
    yield connect
    for session in made:
        session.close()


def refused(session: Session, statement: str) -> str:
    error = failure(session, statement)
    assert error.sqlstate == DENIED, f"{statement}: {error.sqlstate} {everything(error)}"
    return everything(error)


def make_server(options: dict[str, str], name: str = "evil") -> str:
    return f"CREATE SERVER {name} FOREIGN DATA WRAPPER instant_rest OPTIONS ({literals(options)})"


def test_who_may_say_where_a_server_is(site: Hub, sql: Session, session_of: As, roles: dict[str, str], trap: Trap) -> None:
    home = f"http://127.0.0.1:{trap.port}"
    alice, carol = session_of("alice"), session_of("carol")
    assert "instant_admin" in refused(alice, make_server({"base_url": "http://example.com"}))
    name = f"carols_{site.database}"
    carol.execute(make_server({"base_url": home, "max_retries": "0"}, name))
    for option, value in (("allow_private", "true"), ("proxy", home), ("tls_verify", "false"), ("ca_file", "/etc/passwd"),
                          ("client_certificate", "/etc/passwd"), ("client_key", "/etc/passwd")):
        assert option in refused(carol, make_server({"base_url": home, option: value}))
        assert option in refused(carol, f"ALTER SERVER {name} OPTIONS (ADD {option} '{value}')")
    carol.execute(f"CREATE FOREIGN TABLE {name}_t (id int, name text) SERVER {name} OPTIONS (endpoint '/x', rows '/items')")
    assert "127.0.0.1" in everything(failure(carol, f"SELECT * FROM {name}_t"))
    assert trap.is_untouched()


def test_a_server_that_was_given_away_reaches_nothing_local(site: Hub, sql: Session, session_of: As, roles: dict[str, str],
                                                            trap: Trap) -> None:
    name = site.rest(sql, "http://127.0.0.1:1")
    sql.execute(f"ALTER SERVER {name} OWNER TO {roles['carol']}")
    carol = session_of("carol")
    refused(carol, f"ALTER SERVER {name} OPTIONS (SET base_url 'http://127.0.0.1:{trap.port}')")
    sql.execute(f"ALTER SERVER {name} OPTIONS (SET base_url 'http://127.0.0.1:{trap.port}')")
    carol.execute(f"CREATE FOREIGN TABLE {name}_t (id int, name text) SERVER {name} OPTIONS (endpoint '/x', rows '/items')")
    assert "superuser" in everything(failure(carol, f"SELECT * FROM {name}_t"))
    assert trap.is_untouched()


def test_without_usage_there_is_no_way_in(site: Hub, sql: Session, session_of: As, server: HostileServer) -> None:
    name = site.rest(sql, server.url)
    table = site.table(sql, name, endpoint="/items", rows="/items")
    mallory = session_of("mallory")
    for statement in (f"SELECT * FROM {table}", f"CREATE FOREIGN TABLE t (id int) SERVER {name} OPTIONS (endpoint '/')",
                      f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name}", f"ALTER SERVER {name} OPTIONS (ADD proxy 'http://x')",
                      f"IMPORT FOREIGN SCHEMA x FROM SERVER {name} INTO public OPTIONS (document '/openapi.json')",
                      f"SELECT * FROM instant.query('{name}', '/items') AS t(id int)",
                      "SET instant.source_program = '/bin/sh'", "SET instant.credential_directory = '/etc'",
                      "SHOW instant.source_program"):
        refused(mallory, statement)
    assert server.connection_count == 0


def test_usage_is_not_the_machine(site: Hub, sql: Session, session_of: As, roles: dict[str, str], server: HostileServer,
                                  trap: Trap) -> None:
    name = site.rest(sql, server.url)
    sql.execute(f"GRANT USAGE ON FOREIGN SERVER {name} TO {roles['alice']}")
    alice = session_of("alice")
    for document in ("file:/etc/passwd", "file:///etc/passwd", f"http://127.0.0.1:{trap.port}/openapi.json",
                     "http://169.254.169.254/", "gopher://127.0.0.1/"):
        refused(alice, f"IMPORT FOREIGN SCHEMA x FROM SERVER {name} INTO public OPTIONS (document '{document}')")
    error = failure(alice, f"IMPORT FOREIGN SCHEMA x FROM SERVER {name} INTO public OPTIONS (document '//127.0.0.1:{trap.port}/x')")
    assert error.sqlstate != DENIED and server.connection_count > 0
    assert trap.is_untouched()
    for option in ("auth_token 'env:PATH'", "auth_token 'file:/etc/passwd'", "credential 'of_bob'"):
        refused(alice, f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({option})")
    refused(alice, f"SELECT * FROM instant.query('{name}', '/items') AS t(id int)")


# ---- secrets ----


CANARY = "CANARY-{}-5f0c/+=&x"


@dataclass
class Secrets:
    """A hub of its own, since its environment and its log are looked through."""
    site: Hub
    folder: Path
    values: dict[str, str]

    def shown_anywhere(self, text: str) -> list[str]:
        return [kind for kind, value in self.values.items() if value[:14] in text]


@pytest.fixture(scope="module")
def secrets(scratch: Scratch) -> Iterator[Secrets]:
    values = {kind: CANARY.format(kind.upper()) for kind in ("literal", "env", "file", "credential")}
    server = HubServer(scratch, 18, {"HUB_CANARY": values["env"]})
    folder = server.directory / "credentials"
    folder.mkdir(mode=0o700)
    (folder / "canary").write_text(f"auth_token = {values['credential']}\n")
    (folder / "loose").write_text(f"auth_token = {values['credential']}\n")
    (server.directory / "token").write_text(values["file"] + "\n")
    for path, mode in ((folder, 0o700), (folder / "canary", 0o600), (folder / "loose", 0o644), (server.directory / "token", 0o600)):
        path.chmod(mode)
        if server._as_user:
            os.chown(path, server._as_user["user"], server._as_user["group"])
    site = make_site(server)
    server.sql(f"ALTER SYSTEM SET instant.credential_directory = '{folder}'")
    server.sql("SELECT pg_reload_conf()")
    yield Secrets(site, folder, values)
    server.stop()


def references(secrets: Secrets) -> dict[str, str]:
    return {"literal": f"auth_token '{secrets.values['literal']}'", "env": "auth_token 'env:HUB_CANARY'",
            "file": f"auth_token 'file:{secrets.site.server.directory / 'token'}'", "credential": "credential 'canary'"}


@pytest.mark.parametrize("kind", ["literal", "env", "file", "credential"])
def test_a_secret_goes_to_the_server_and_nowhere_else(secrets: Secrets, server: HostileServer, kind: str) -> None:
    value = secrets.values[kind]
    told: list[str] = []

    def told_on(answer: Answer) -> bool:
        """It says the secret in all the places that errors are made of."""
        got = answer.request.headers.get("authorization", "")
        told.append(got)
        body = json.dumps({"message": f"bad token {got}", "token": got}).encode()
        if answer.request.path == "/escaped":
            # As PHP and Go write it.
            return answer.reply(400, body.replace(b"/", b"\\/").replace(b"&", b"\\u0026"))
        if answer.request.path == "/json":
            return answer.reply(200, b'{"items": [{"id": "' + got.encode() + b'"}]}')
        if answer.request.path == "/reason":
            answer.send(f"HTTP/1.1 500 no {got}\r\nX-Token: {got}\r\nContent-Length: 0\r\n\r\n".encode())
            return True
        if answer.request.path == "/redirect":
            return answer.redirect(f"http://169.254.169.254/?token={got}")
        return answer.reply(200, BODY) if answer.request.path == "/fine" else answer.reply(401, body)

    server.on("*", told_on)
    with secrets.site.connect() as sql:
        name = secrets.site.rest(sql, server.url, max_retries="0")
        notices: list[str] = []
        sql.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        sql.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({references(secrets)[kind]})")
        assert ("plain text" in "".join(notices)) == (kind == "literal")
        tables = {path: secrets.site.table(sql, name, endpoint=path, rows="/items")
                  for path in ("/fine", "/401", "/json", "/reason", "/redirect", "/escaped")}
    with secrets.site.connect() as sql, secrets.site.connect() as watcher:
        said = []
        for path, table in tables.items():
            if path == "/fine":
                assert sql.execute(f"SELECT * FROM {table}").fetchall() == [(1, "x")]
            else:
                said.append(everything(failure(sql, f"SELECT * FROM {table}")))
                assert secrets.shown_anywhere(said[-1]) == [], said[-1]
        assert f"Bearer {value}" in told, told[:1]
        for query in (f"EXPLAIN (VERBOSE) SELECT * FROM {tables['/fine']}", f"EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {tables['/fine']}",
                      "SELECT * FROM instant.scans", "SELECT * FROM pg_stat_activity", "SELECT * FROM pg_foreign_server",
                      "SELECT * FROM pg_foreign_table", "SELECT * FROM pg_settings"):
            said.append(str(watcher.execute(query).fetchall()))
        assert secrets.shown_anywhere("\n".join(said)) == []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    said.append((process / "cmdline").read_bytes().decode("utf-8", "replace"))
                except OSError:
                    continue
        assert secrets.shown_anywhere("\n".join(said)) == []
        row = watcher.execute("SELECT umoptions FROM pg_user_mappings WHERE srvname = %s", (name,)).fetchone()
        assert secrets.shown_anywhere(str(row)) == (["literal"] if kind == "literal" else [])
    assert secrets.shown_anywhere(secrets.site.server.log()) == []
    cache = secrets.site.server.data / "instant_fdw"
    for path in cache.rglob("*"):
        assert secrets.shown_anywhere(str(path)) == []
        if path.is_file():
            assert secrets.shown_anywhere(path.read_bytes().decode("utf-8", "replace")) == []


def test_what_is_wrong_with_a_reference_is_said_without_it(secrets: Secrets, server: HostileServer) -> None:
    server.on("*", lambda answer: answer.reply(200, BODY))
    with secrets.site.connect() as sql:
        for option in ("auth_token 'env:NOT_SET_ANYWHERE'", "auth_token 'file:/does/not/exist'", "auth_token 'file:/dev/zero'",
                       f"auth_token 'file:{secrets.folder}'", "credential 'missing'", "credential 'loose'"):
            name = secrets.site.rest(sql, server.url)
            sql.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({option})")
            table = secrets.site.table(sql, name, endpoint="/fine", rows="/items")
            said = everything(failure(sql, f"SELECT * FROM {table}"))
            assert name in said and secrets.shown_anywhere(said) == []
        name = secrets.site.rest(sql, server.url)
        for option in ("credential '../token'", "credential '/etc/passwd'", "credential '.hidden'", "credential ''"):
            error = failure(sql, f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({option})")
            assert error.sqlstate is not None and error.sqlstate.startswith(("HV", "22")), everything(error)
    assert server.connection_count == 0


def test_nobody_reads_what_another_has(site: Hub, sql: Session, session_of: As, roles: dict[str, str], server: HostileServer) -> None:
    """Mappings of others, and answers that were given to others."""
    server.on("*", lambda answer: answer.reply(200, json.dumps({"items": [{"id": 1, "name": answer.request.headers.get(
        "authorization", "nobody")}]}).encode(), {"Cache-Control": "max-age=600", "ETag": '"1"'}))
    name = site.rest(sql, server.url, cache_ttl="10min")
    table = site.table(sql, name, endpoint="/who", rows="/items")
    for role in ("alice", "bob"):
        sql.execute(f"GRANT USAGE ON FOREIGN SERVER {name} TO {roles[role]}")
        sql.execute(f"GRANT SELECT ON {table} TO {roles[role]}")
        sql.execute(f"CREATE USER MAPPING FOR {roles[role]} SERVER {name} OPTIONS (auth_token 'token-of-{role}')")
    alice, bob = session_of("alice"), session_of("bob")
    for _ in range(2):
        assert alice.execute(f"SELECT name FROM {table}").fetchall() == [("Bearer token-of-alice",)]
        assert bob.execute(f"SELECT name FROM {table}").fetchall() == [("Bearer token-of-bob",)]
        assert sql.execute(f"SELECT name FROM {table}").fetchall() == [("nobody",)]
    shown = dict(alice.execute("SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = %s", (name,)).fetchall())
    assert shown[roles["bob"]] is None
    refused(alice, "SELECT * FROM pg_user_mapping")
    refused(alice, f"ALTER USER MAPPING FOR {roles['bob']} SERVER {name} OPTIONS (SET auth_token 'x')")
    # A view is read with the mapping of its owner, as PostgreSQL has it; and the session goes on with its own.
    sql.execute(f"CREATE VIEW {table}_v AS SELECT * FROM {table}; GRANT SELECT ON {table}_v TO {roles['alice']}")
    assert alice.execute(f"SELECT name FROM {table}_v").fetchall() == [("nobody",)]
    assert alice.execute(f"SELECT name FROM {table}").fetchall() == [("Bearer token-of-alice",)]
    # The same session as another role.
    sql.execute(f"SET ROLE {roles['bob']}")
    assert sql.execute(f"SELECT name FROM {table}").fetchall() == [("Bearer token-of-bob",)]
    sql.execute("RESET ROLE")


# ---- rows behind a policy ----


COLUMNS = ("id int OPTIONS (param 'id'), name text OPTIONS (param 'name', param_like 'q'), kind text OPTIONS (param 'kind'), "
           "price numeric OPTIONS (param_ge 'min', param_lt 'below')")


def test_a_leaky_predicate_stays_behind_the_barrier(site: Hub, sql: Session, session_of: As, roles: dict[str, str]) -> None:
    with Api(rows=100) as api:
        table = site.table(sql, site.rest(sql, api.url), COLUMNS, endpoint="/page/items", rows="/data", page_style="page",
                           limit_param="per_page", total="/total")
        for view, how in ((f"{table}_open", ""), (f"{table}_shut", "WITH (security_barrier)")):
            sql.execute(f"CREATE VIEW {view} {how} AS SELECT * FROM {table} WHERE kind = 'odd'; GRANT SELECT ON {view} TO "
                        f"{roles['alice']}")
        alice = session_of("alice")

        def asked(query: str) -> tuple[list[Any], set[str]]:
            api.forget()
            rows = alice.execute(query).fetchall()
            return rows, {name for request in api.requests for name in request.query} - {"page", "per_page"}

        # What could tell of hidden rows by failing (LIKE, comparison of numerics) is not sent; the policy is.
        like = "SELECT id FROM {} WHERE name LIKE 'item 1%' AND price < 6 ORDER BY id"
        assert asked(like.format(f"{table}_open")) == ([(1,), (11,)], {"kind", "q", "below"})
        assert asked(like.format(f"{table}_shut")) == ([(1,), (11,)], {"kind"})
        # Equality of texts and integers cannot fail: it is leakproof, and sent.
        assert asked(f"SELECT id FROM {table}_shut WHERE id = 7") == ([(7,)], {"kind", "id"})
        assert asked(f"SELECT id FROM {table}_shut WHERE id = 8") == ([], {"kind", "id"})
        # No limit goes below a condition that stays.
        assert asked(f"SELECT id FROM {table}_shut WHERE name LIKE 'item 9%' LIMIT 2")[0] == [(9,), (91,)]
        # A function of the user's own sees nothing of what is hidden.
        alice.execute(f"CREATE FUNCTION peek_{table}(text, int) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS "
                      "$$ BEGIN RAISE NOTICE '%', $2; RETURN true; END $$")
        seen: list[str] = []
        alice.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
        alice.execute(f"SELECT count(*) FROM {table}_shut WHERE peek_{table}(name, id)")
        assert sorted(map(int, seen)) == list(range(1, 101, 2))
        # Nor does a division by a hidden value.
        alice.execute(f"SELECT count(*) FROM {table}_shut WHERE 1 / (id - 8) > -5")


def test_row_security_of_a_partitioned_parent(site: Hub, sql: Session, session_of: As, roles: dict[str, str]) -> None:
    """Where PostgreSQL's own wrapper lets a predicate of the user's past the policy."""
    with Api(rows=100) as api:
        table = site.table(sql, site.rest(sql, api.url), COLUMNS, endpoint="/page/items", rows="/data", page_style="page",
                           limit_param="per_page", total="/total")
        parent = f"{table}_parent"
        sql.execute(f"CREATE TABLE {parent} (id int, name text, kind text, price numeric) PARTITION BY RANGE (id)")
        sql.execute(f"ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES FROM (0) TO (1000)")
        sql.execute(f"ALTER TABLE {parent} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {parent} USING (kind = 'odd'); "
                    f"GRANT SELECT ON {parent} TO {roles['alice']}")
        alice = session_of("alice")
        api.forget()
        assert alice.execute(f"SELECT count(*) FROM {parent} WHERE name LIKE 'item 8%' AND price >= 4").fetchall() == [(5,)]
        assert {name for request in api.requests for name in request.query} == {"kind", "page", "per_page"}
        # Row 8 is hidden, and nothing tells that it is there.
        assert alice.execute(f"SELECT count(*) FROM {parent} WHERE 1 / (price - 4) = 0").fetchall() is not None
