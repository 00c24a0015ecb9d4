"""The adapter rest through a hub: SQL in, requests counted at the API."""
from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from harness.api_http import Answer, Api
from scratch_servers import PostgresServer

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def hub_api() -> Iterator[Api]:
    with Api(rows=1000) as made:
        yield made


@pytest.fixture
def api(hub_api: Api) -> Api:
    hub_api.forget()
    hub_api.written.clear()
    hub_api.special.clear()
    return hub_api


TABLES = """
CREATE SERVER api FOREIGN DATA WRAPPER instant_rest OPTIONS (base_url '{url}', allow_private 'true', retry_delay '1ms');
CREATE USER MAPPING FOR CURRENT_USER SERVER api;
CREATE FOREIGN TABLE items (
    id bigint OPTIONS (param 'id', param_in 'ids', in_batch '100', key 'true'),
    name text OPTIONS (param 'name', param_like 'q'),
    kind text OPTIONS (param 'kind', param_exact 'true') COLLATE "C",
    price numeric OPTIONS (param_ge 'min', param_lt 'below', param_exact 'true'),
    made timestamptz OPTIONS (param_ge 'from'),
    more jsonb
) SERVER api OPTIONS (endpoint '/page/items', rows '/data', page_style 'page', limit_param 'per_page',
                      page_size '70', total '/total', row_count '1000');
CREATE FOREIGN TABLE keyed (
    id bigint OPTIONS (param 'id', param_in 'ids', in_batch '100', key 'true'),
    name text
) SERVER api OPTIONS (endpoint '/all/items', row_count '1000000');
CREATE FOREIGN TABLE orders (user_id bigint, "order" bigint, amount integer)
    SERVER api OPTIONS (endpoint '/users/{{user_id}}/orders');
CREATE FOREIGN TABLE kept (id bigint OPTIONS (key 'true'), name text, price numeric, city text OPTIONS (path '/address/city'))
    SERVER api OPTIONS (endpoint '/rows', insert_method 'POST', update_method 'PATCH', delete_method 'DELETE',
                        row_endpoint '/rows/{{id}}');
CREATE TABLE local_keys AS SELECT i::bigint AS id FROM generate_series(1, 1000) i;
ANALYZE local_keys;
"""


@pytest.fixture(scope="module")
def hub_session(hub: PostgresServer, hub_api: Api) -> Iterator[Connection]:
    name = f"rest_{secrets.token_hex(4)}"
    hub.sql(f"CREATE DATABASE {name}")
    with psycopg.connect(hub.url(name), autocommit=True, prepare_threshold=None) as made:
        made.execute("CREATE EXTENSION instant_fdw")
        made.execute("SET TimeZone = 'UTC'")
        made.execute(TABLES.format(url=hub_api.url))
        yield made


def rows(session: Connection, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    return session.execute(sql, arguments or None).fetchall()


def plan(session: Connection, sql: str) -> str:
    return "\n".join(row[0] for row in rows(session, f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))


def test_a_table_is_read(hub_session: Connection, api: Api) -> None:
    assert rows(hub_session, "SELECT count(*), sum(id), min(name), max(price) FROM items") == [
        (1000, 500500, "item 1", 500)]
    assert len(api.requests) == 15


def test_a_limit_is_one_request(hub_session: Connection, api: Api) -> None:
    assert len(rows(hub_session, "SELECT * FROM items LIMIT 10")) == 10
    assert [request.query for request in api.requests] == [{"per_page": ["10"], "page": ["1"]}]


def test_an_equality_moves_only_what_passes(hub_session: Connection, api: Api) -> None:
    assert rows(hub_session, "SELECT name, more->>'n' FROM items WHERE id = 77") == [("item 77", "77")]
    assert api.asked("id") == ["77"]
    assert rows(hub_session, "SELECT id FROM items WHERE name = 'ITEM 77'") == []  # the API has it, PostgreSQL has not
    assert api.asked("name")[-1] == "ITEM 77"


def test_exact_predicates_let_a_limit_through(hub_session: Connection, api: Api) -> None:
    sql = "SELECT id FROM items WHERE kind = 'odd' AND price >= 100 LIMIT 2"
    assert rows(hub_session, sql) == [(201,), (203,)]
    assert [request.query for request in api.requests] == [
        {"kind": ["odd"], "min": ["100"], "per_page": ["2"], "page": ["1"]}]
    said = plan(hub_session, sql)
    assert said.startswith("Foreign Scan") and "&per_page=2&page=1\n" in said


def test_explain_asks_nothing_and_shows_no_secret(hub_session: Connection, api: Api) -> None:
    hub_session.execute("ALTER USER MAPPING FOR CURRENT_USER SERVER api OPTIONS (ADD auth_token 'canary')")
    said = plan(hub_session, "SELECT * FROM keyed WHERE id = ANY (ARRAY(SELECT id FROM local_keys))")
    hub_session.execute("ALTER USER MAPPING FOR CURRENT_USER SERVER api OPTIONS (DROP auth_token)")
    assert f"GET {api.url}/all/items?ids=" in said and "one for each 100 values" in said
    assert "canary" not in said and api.requests == []


def test_stable_expressions_travel_as_values(hub_session: Connection, api: Api) -> None:
    assert rows(hub_session, "SELECT count(*) FROM items WHERE made >= now()") == [(0,)]
    assert len(api.requests) == 1 and str(api.asked("from")[0]).endswith("Z")
    api.forget()
    found = rows(hub_session, "SELECT count(*) FROM items WHERE id = (SELECT max(id) FROM local_keys)")
    assert found == [(1,)] and api.asked("id") == ["1000"]


def test_lists_are_batched(hub_session: Connection, api: Api) -> None:
    assert rows(hub_session, "SELECT count(*) FROM keyed WHERE id = ANY (%s)", list(range(1, 251))) == [(250,)]
    assert len(api.requests) == 3
    api.forget()
    assert rows(hub_session, "SELECT id FROM keyed WHERE id IN (3, 5) ORDER BY id") == [(3,), (5,)]
    assert api.asked("ids") == ["3,5"]


def test_path_parameters_come_from_predicates_and_joins(hub_session: Connection, api: Api) -> None:
    assert rows(hub_session, "SELECT * FROM orders WHERE user_id = 2") == [(2, 20, 0), (2, 21, 1)]
    assert rows(hub_session, "SELECT o.* FROM local_keys l JOIN orders o ON o.user_id = l.id WHERE l.id <= 3 ORDER BY 2") \
        == [(1, 10, 0), (2, 20, 0), (2, 21, 1), (3, 30, 0), (3, 31, 1), (3, 32, 2)]
    assert sorted(set(api.paths())) == ["/users/1/orders", "/users/2/orders", "/users/3/orders"]
    with pytest.raises(psycopg.Error, match='column "user_id" needs a value'):
        hub_session.execute("SELECT * FROM orders")


def test_errors_say_where(hub_session: Connection, api: Api) -> None:
    api.special["/all/items"] = lambda request: Answer([{"id": 1, "name": "a"}, {"id": "x", "name": "secret"}])
    with pytest.raises(psycopg.Error, match='row 2, column "id"') as caught:
        hub_session.execute("SELECT * FROM keyed")
    assert "secret" not in str(caught.value) and caught.value.sqlstate == "22P02"
    assert rows(hub_session, "SELECT 1") == [(1,)]


def test_options_are_checked_by_the_hub(hub_session: Connection) -> None:
    with pytest.raises(psycopg.Error, match="not an address of its own"):
        hub_session.execute("CREATE FOREIGN TABLE t (a int) SERVER api OPTIONS (endpoint 'http://evil/')")
    with pytest.raises(psycopg.Error, match="page_stile"):
        hub_session.execute("CREATE FOREIGN TABLE t (a int) SERVER api OPTIONS (endpoint '/x', page_stile 'page')")
    with pytest.raises(psycopg.Error, match="row_endpoint"):
        hub_session.execute("CREATE FOREIGN TABLE t (a int) SERVER api OPTIONS (endpoint '/x', delete_method 'DELETE')")


def test_requests_of_its_own_language(hub_session: Connection, api: Api) -> None:
    sql = "SELECT * FROM instant.query('api', 'GET /all/items?id=5') AS t(id bigint, name text)"
    assert rows(hub_session, sql) == [(5, "item 5")]


def test_a_join_of_a_thousand_keys_is_ten_requests(hub_session: Connection, api: Api) -> None:
    sql = "SELECT count(*), sum(k.id) FROM local_keys l JOIN keyed k ON k.id = l.id"
    assert rows(hub_session, sql) == [(1000, 500500)]
    assert len(api.requests) == 10, plan(hub_session, sql)


def test_rows_are_written(hub_session: Connection, api: Api) -> None:
    hub_session.execute("INSERT INTO kept (id, name, price, city) VALUES (1, 'a', 1.5, 'Oslo'), (2, 'b', NULL, NULL)")
    assert api.written == {"1": {"id": 1, "name": "a", "price": 1.5, "address": {"city": "Oslo"}},
                           "2": {"id": 2, "name": "b"}}
    hub_session.execute("UPDATE kept SET name = 'B' WHERE id = 2")
    assert api.written["2"]["name"] == "B"
    hub_session.execute("DELETE FROM kept WHERE name = 'a'")
    assert sorted(api.written) == ["2"]
    assert rows(hub_session, "SELECT * FROM kept") == [(2, "B", None, None)]


def test_a_document_is_imported(hub_session: Connection, api: Api) -> None:
    schema = {"type": "array", "items": {"type": "object", "properties": {
        "id": {"type": "integer"}, "price": {"type": "number"}, "made": {"type": "string", "format": "date-time"}}}}
    document = {"openapi": "3.0.0", "paths": {"/all/items": {"get": {
        "parameters": [{"name": "id", "in": "query", "schema": {"type": "integer"}}],
        "responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}}}
    api.special["/openapi.json"] = lambda request: Answer(document)
    hub_session.execute("CREATE SCHEMA imported")
    hub_session.execute("IMPORT FOREIGN SCHEMA api FROM SERVER api INTO imported OPTIONS (document '/openapi.json')")
    api.forget()
    assert rows(hub_session, "SELECT id, price FROM imported.all_items WHERE id = 5") == [(5, 2.5)]
    assert api.asked("id") == ["5"]
