"""What a query costs at the API, in requests, counted by the API: the promise of push-down."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness.api_http import Api
from harness.hub import EACH, Hub, Session, server_of

pytestmark = [EACH, pytest.mark.usefixtures("undisturbed")]

COLUMNS = ("id int OPTIONS (param 'id', param_in 'ids', in_batch '100', param_exact 'true'), "
           "name text OPTIONS (param 'name', param_like 'q'), kind text OPTIONS (param 'kind', param_exact 'true'), "
           "price numeric OPTIONS (param_ge 'min', param_lt 'below', param_exact 'true'), "
           "made timestamptz OPTIONS (param_ge 'from')")
ITEMS = {"endpoint": "/page/items", "rows": "/data", "page_style": "page", "limit_param": "per_page", "total": "/total"}


@pytest.fixture(scope="module")
def big() -> Iterator[Api]:
    with Api(rows=10_000) as made:
        yield made


@pytest.fixture(scope="module")
def items(site: Hub, big: Api) -> str:
    with site.connect() as sql:
        table = site.table(sql, site.rest(sql, big.url), COLUMNS, **ITEMS)
        sql.execute(f"CREATE TABLE {table}_keys AS SELECT i * 7 AS id, 'key ' || i AS label FROM generate_series(1, 1000) i")
        sql.execute(f"ANALYZE {table}_keys")
        return table


class Asked:
    """A query and what the API was asked for it."""

    def __init__(self, sql: Session, api: Api, query: str, arguments: Any = None) -> None:
        api.forget()
        self.rows = sql.execute(query, arguments).fetchall()
        self.requests = [request.query for request in api.requests]

    def all_of(self, name: str) -> list[str]:
        return [query[name][0] for query in self.requests if name in query]


@pytest.fixture
def ask(sql: Session, big: Api) -> Any:
    return lambda query, arguments=None: Asked(sql, big, query, arguments)


def test_all_of_it(ask: Any, items: str) -> None:
    asked = ask(f"SELECT id FROM {items}")
    assert sorted(asked.rows) == [(i,) for i in range(1, 10_001)]
    assert len(asked.requests) == 100
    assert sorted(asked.all_of("page"), key=int) == [str(i) for i in range(1, 101)]


def test_a_limit_is_one_request(ask: Any, items: str) -> None:
    for limit in ("LIMIT 10", "FETCH FIRST 10 ROWS ONLY", "LIMIT 5 + 5", "LIMIT 10 OFFSET 0"):
        asked = ask(f"SELECT * FROM {items} {limit}")
        assert [row[0] for row in asked.rows] == list(range(1, 11))
        assert len(asked.requests) == 1 and asked.all_of("per_page") == ["10"], (limit, asked.requests)
    asked = ask(f"SELECT * FROM {items} LIMIT %s", (250,))
    assert len(asked.rows) == 250 and len(asked.requests) == 3
    assert ask(f"SELECT * FROM {items} LIMIT 0").requests == []


def test_a_limit_below_a_predicate_that_stays_is_not_the_sources(ask: Any, items: str) -> None:
    """Rows that the hub takes away must not be counted."""
    asked = ask(f"SELECT id FROM {items} WHERE id % 1000 = 0 LIMIT 3")
    assert asked.rows == [(1000,), (2000,), (3000,)]
    # (Some pages are on their way while one is read.)
    assert set(asked.all_of("per_page")) == {"100"} and 30 <= len(asked.requests) <= 60
    # LIKE is a superset here, and the case of a name does not matter to the API.
    asked = ask(f"SELECT id FROM {items} WHERE name = 'ITEM 7' LIMIT 1")
    assert asked.rows == [] and asked.all_of("name") == ["ITEM 7"]


def test_an_equality_moves_the_rows_that_match(ask: Any, items: str, sql: Session) -> None:
    asked = ask(f"SELECT id, name FROM {items} WHERE id = 77")
    assert asked.rows == [(77, "item 77")]
    assert len(asked.requests) == 1 and asked.all_of("id") == ["77"]
    before = moved(sql, items)
    asked = ask(f"SELECT id FROM {items} WHERE name = 'item 5000'")
    assert asked.rows == [(5000,)] and len(asked.requests) == 1
    assert moved(sql, items) - before == 1
    assert ask(f"SELECT * FROM {items} WHERE id = NULL").requests == []


def moved(sql: Session, table: str) -> int:
    row = sql.execute("SELECT rows FROM instant.scans JOIN pg_foreign_table ON ftserver = server_id "
                      "WHERE ftrelid = %s::regclass", (table,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_range_and_several_predicates(ask: Any, items: str) -> None:
    asked = ask(f"SELECT id FROM {items} WHERE price >= 10 AND price < 12 AND kind = 'odd' ORDER BY id")
    assert asked.rows == [(21,), (23,)]
    assert len(asked.requests) == 1
    assert asked.requests[0]["min"] == ["10"] and asked.requests[0]["below"] == ["12"]
    assert asked.requests[0]["kind"] == ["odd"]


def test_a_list_goes_in_batches(ask: Any, items: str) -> None:
    keys = list(range(3, 9000, 9))[:1000]
    for query, arguments in ((f"SELECT id FROM {items} WHERE id IN ({', '.join(map(str, keys))})", None),
                             (f"SELECT id FROM {items} WHERE id = ANY(%s)", (keys,)),
                             (f"SELECT id FROM {items} WHERE id = ANY(ARRAY(SELECT g FROM generate_series(3, 8994, 9) g))", None)):
        asked = ask(query, arguments)
        assert sorted(row[0] for row in asked.rows) == keys
        assert len(asked.requests) == 10
        batches = [text.split(",") for text in asked.all_of("ids")]
        assert [len(batch) for batch in batches] == [100] * 10
        assert sorted(int(key) for batch in batches for key in batch) == keys


def test_keys_that_come_twice_are_asked_once_and_found_once(ask: Any, items: str) -> None:
    asked = ask(f"SELECT id FROM {items} WHERE id = ANY(%s)", ([5, 5, None, 7, 5, 7] * 50,))
    assert sorted(asked.rows) == [(5,), (7,)]
    assert len(asked.requests) == 1
    assert ask(f"SELECT id FROM {items} WHERE id = ANY('{{}}')").requests == []


def test_a_join_of_a_thousand_keys_is_ten_requests(ask: Any, items: str, sql: Session) -> None:
    for query in (f"SELECT k.id, label, name FROM {items}_keys k JOIN {items} i ON i.id = k.id",
                  f"SELECT k.id, label, name FROM {items}_keys k LEFT JOIN {items} i USING (id)"):
        asked = ask(query)
        assert sorted(asked.rows) == [(i * 7, f"key {i}", f"item {i * 7}") for i in range(1, 1001)]
        assert len(asked.requests) == 10, sql.execute("EXPLAIN " + query).fetchall()
        assert sorted(int(key) for text in asked.all_of("ids") for key in text.split(",")) == [i * 7 for i in range(1, 1001)]
    asked = ask(f"SELECT i.id FROM {items} i WHERE id IN (SELECT id FROM {items}_keys WHERE id < 1400)")
    assert sorted(asked.rows) == [(i * 7,) for i in range(1, 200)]


def test_a_join_whose_keys_are_few_or_twice(ask: Any, items: str, sql: Session) -> None:
    sql.execute("CREATE TEMP TABLE few AS VALUES (5), (5), (NULL), (20000), (9)")
    sql.execute("ANALYZE few")
    asked = ask(f"SELECT column1, name FROM few JOIN {items} ON id = column1")
    assert sorted(asked.rows) == [(5, "item 5"), (5, "item 5"), (9, "item 9")]
    assert len(asked.requests) <= 3
    asked = ask(f"SELECT column1, name FROM few LEFT JOIN {items} ON id = column1")
    assert len(asked.rows) == 5


def test_stable_expressions_are_values(ask: Any, items: str, sql: Session) -> None:
    sql.execute("SET timezone = 'UTC'")
    asked = ask(f"SELECT count(*) FROM {items} WHERE made >= now() - interval '100 years' AND id = 3")
    assert asked.rows == [(1,)] and len(asked.requests) == 1
    row = sql.execute("SELECT to_char(now() - interval '100 years', 'YYYY-MM-DD')").fetchone()
    assert row is not None and asked.all_of("from")[0].startswith(row[0])
    asked = ask(f"SELECT count(*) FROM {items} WHERE id = (SELECT max(id) FROM {items}_keys)")
    assert asked.rows == [(1,)] and asked.all_of("id") == ["7000"]


def test_prepared_statements_ask_for_the_value_of_now(ask: Any, items: str, sql: Session) -> None:
    sql.execute(f"PREPARE one (int) AS SELECT name FROM {items} WHERE id = $1")
    for number in range(1, 12):
        asked = ask(f"EXECUTE one ({number})")
        assert asked.rows == [(f"item {number}",)] and asked.all_of("id") == [str(number)]
    sql.execute("DEALLOCATE one")


def test_explain_asks_for_nothing(ask: Any, items: str) -> None:
    for query in (f"SELECT * FROM {items}", f"SELECT count(*) FROM {items} WHERE id = 5 GROUP BY kind",
                  f"SELECT * FROM {items} JOIN {items}_keys USING (id)"):
        asked = ask(f"EXPLAIN (VERBOSE) {query}")
        assert asked.requests == []
    shown = "\n".join(row[0] for row in ask(f"EXPLAIN (VERBOSE) SELECT name FROM {items} WHERE id = 5 AND name LIKE 'i%'").rows)
    assert "/page/items" in shown and "id=5" in shown and "~~ 'i%'" in shown
    shown = "\n".join(row[0] for row in ask(f"EXPLAIN (ANALYZE, VERBOSE) SELECT name FROM {items} WHERE id = 5").rows)
    assert "equests: 1" in shown.replace("equests=1", "equests: 1"), shown


def test_a_cursor_that_is_left_stops_asking(ask: Any, items: str, sql: Session, big: Api) -> None:
    big.forget()
    with sql.transaction():
        sql.execute(f"DECLARE begun CURSOR FOR SELECT id FROM {items}")
        assert len(sql.execute("FETCH 150 FROM begun").fetchall()) == 150
    # One page is read, some others are on their way while it is.
    assert len(big.requests) <= 30


def test_the_view_counts_them_too(ask: Any, site: Hub, big: Api, sql: Session) -> None:
    table = site.table(sql, site.rest(sql, big.url), COLUMNS, **ITEMS)
    ask(f"SELECT * FROM {table} WHERE id = 1")
    ask(f"SELECT * FROM {table} LIMIT 300")
    with pytest.raises(Exception, match="404"):
        ask(f"SELECT * FROM {site.table(sql, server_of(sql, table), endpoint='/none/of/these/at/all')}")
    row = sql.execute("SELECT scans, rows, requests, errors, retries FROM instant.scans WHERE server = %s",
                      (server_of(sql, table),)).fetchone()
    assert row == (3, 301, 5, 1, 0)
