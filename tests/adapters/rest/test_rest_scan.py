"""Requests and rows of the adapter rest, through instant-source as a hub would use it."""
from __future__ import annotations

import datetime
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import relation as rel
from harness.api_http import Answer, Api, Request
from harness.hostile_http import Answer as RawAnswer
from harness.hostile_http import HostileServer
from harness.source_client import SourceError, SourceSession, program

from .conftest import STYLES

Items = Callable[..., rel.Relation]


def ids(rows: list[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in rows]


def equals(table: rel.Relation, index: int, value: str) -> rel.Relation:
    return rel.filter_(table, rel.compare("=", rel.col(table, index), rel.const(table.columns[index].type, value)))


# ---- rows

def test_rows_are_typed(session: SourceSession, api: Api) -> None:
    columns = [rel.column("id", rel.INT4), rel.column("price", (1700, (10 << 16 | 2) + 4)), rel.column("name", rel.TEXT),
               rel.column("made", rel.TIMESTAMPTZ), rel.column("more", rel.JSONB),
               rel.column("n", rel.INT8, path="/more/n"), rel.column("tag", rel.TEXT, path="$.more.tags[0]"),
               rel.column("missing", rel.TEXT)]
    rows = session.open(rel.scan("t", columns, {"endpoint": "/all/items"})).rows()
    assert len(rows) == 1000
    assert rows[2][:3] == (3, rows[2][1], "item 3") and str(rows[2][1]) == "1.50"
    assert rows[2][3] == datetime.datetime(2024, 1, 1, 0, 0, 3, tzinfo=datetime.timezone.utc)
    assert rows[2][4:] == ('{"n": 3, "tags": ["t3"]}', 3, "t3", None)


def test_a_single_object_is_a_row(session: SourceSession) -> None:
    table = rel.scan("t", [rel.column("name", rel.TEXT)], {"endpoint": "/one/5"})
    assert session.open(table).rows() == [("item 5",)]


def test_errors_name_page_row_and_column(session: SourceSession, api: Api) -> None:
    api.rows[71]["price"] = "cheap"
    table = rel.scan("t", [rel.column("price", rel.FLOAT8)], STYLES["page"] | {"page_size": "50"})
    with pytest.raises(SourceError, match=r'page 2: row 22, column "price"') as caught:
        session.open(table).rows()
    assert caught.value.sqlstate == "22P02" and "cheap" not in caught.value.everything()


def test_wrong_values_are_null_if_the_table_says_so(session: SourceSession, api: Api) -> None:
    api.rows[1]["price"] = "cheap"
    table = rel.scan("t", [rel.column("price", rel.FLOAT8)], {"endpoint": "/all/items", "on_error": "null"})
    scan = session.open(table)
    assert ids(scan.rows())[:3] == [0.5, None, 1.5]
    assert scan.stats is not None and scan.stats["nulled"] == 1


@pytest.mark.parametrize(("format_", "raw", "content_type"), [
    ("ndjson", b'{"id": 1}\n\n{"id": 2}', "application/x-ndjson"), ("csv", b"id,x\r\n1,a\r\n2,b", "text/csv")])
def test_lines_are_rows(session: SourceSession, api: Api, format_: str, raw: bytes, content_type: str) -> None:
    api.special["/lines"] = lambda request: Answer(raw=raw, content_type=content_type)
    table = rel.scan("t", [rel.column("id", rel.INT8)], {"endpoint": "/lines", "format": format_})
    assert session.open(table).rows() == [(1,), (2,)]


def test_missing_rows_are_an_error_or_none(session: SourceSession, api: Api) -> None:
    api.special["/odd"] = lambda request: Answer({"other": 1})
    table = {"endpoint": "/odd", "rows": "/data"}
    with pytest.raises(SourceError, match="data"):
        session.open(rel.scan("t", [rel.column("id", rel.INT8)], table)).rows()
    assert session.open(rel.scan("t", [rel.column("id", rel.INT8)], table | {"missing_rows": "empty"})).rows() == []


def test_no_columns_still_count(session: SourceSession) -> None:
    assert session.open(rel.scan("t", [], {"endpoint": "/all/items"})).table().num_rows == 1000


# ---- pages

@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_reads_all_pages_in_order(session: SourceSession, api: Api, items: Items, style: str) -> None:
    assert ids(session.open(items(style, page_size="70")).rows()) == list(range(1, 1001))


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("count", [1, 10, 70, 71, 999])
def test_a_limit_asks_for_no_more_than_it_needs(session: SourceSession, api: Api, items: Items, style: str,
                                                count: int) -> None:
    table = items(style, page_size="70")
    assert ids(session.open(rel.limit(table, count)).rows()) == list(range(1, count + 1))
    assert len(api.requests) == (1 if style == "all" else -(-count // 70))
    if count < 70:
        assert api.asked("per_page" if style == "page" else "limit") == [str(count)]


def test_a_limit_of_nothing_asks_nothing(session: SourceSession, api: Api, items: Items) -> None:
    assert session.open(rel.limit(items("page"), 0)).rows() == []
    assert api.requests == []


def test_ten_rows_of_ten_thousand_are_one_request(items: Items) -> None:
    with Api(rows=10_000) as api, SourceSession("rest", server_options={"base_url": api.url,
                                                                         "allow_private": "true"}) as session:
        assert len(session.open(rel.limit(items("offset"), 10)).rows()) == 10
        assert len(api.requests) == 1 and api.requests[0].query == {"limit": ["10"], "offset": ["0"]}


@pytest.mark.parametrize(("style", "pages"), [("page", 16), ("offset", 16), ("keyset", 16)])
def test_pages_end_with_an_empty_one(session: SourceSession, api: Api, items: Items, style: str, pages: int) -> None:
    session.open(items(style, page_size="70")).rows()
    assert len(api.requests) == pages  # 1000 rows are 15 pages of 70


@pytest.mark.parametrize("style", ["page", "offset", "keyset"])
def test_short_pages_end_where_the_table_says_so(session: SourceSession, api: Api, items: Items, style: str) -> None:
    session.open(items(style, page_size="70", short_page_ends="true")).rows()
    assert len(api.requests) == 15


@pytest.mark.parametrize("options", [{"total": "/total"}, {"total_pages": "/pages"}, {"total_header": "x-total-count"}])
def test_totals_end_exactly_and_pages_are_parallel(session: SourceSession, api: Api, items: Items,
                                                   options: dict[str, str]) -> None:
    assert ids(session.open(items("page", page_size="70", **options)).rows()) == list(range(1, 1001))
    assert len(api.requests) == 15


@pytest.mark.parametrize("style", ["page", "offset"])
@pytest.mark.parametrize("options", [{}, {"total": "/total"}])
def test_an_api_that_gives_less_than_asked_for_loses_no_row(session: SourceSession, api: Api, items: Items, style: str,
                                                            options: dict[str, str]) -> None:
    api.max_page = 30
    table = items(style, page_size="70", **options)
    assert ids(session.open(table).rows()) == list(range(1, 1001))
    assert ids(session.open(rel.limit(table, 65)).rows()) == list(range(1, 66))


def test_has_more_ends(session: SourceSession, api: Api, items: Items) -> None:
    assert len(session.open(items("keyset", page_size="100", has_more="/has_more")).rows()) == 1000
    assert len(api.requests) == 10


def test_an_offset_begins_in_the_middle(session: SourceSession, api: Api, items: Items) -> None:
    assert ids(session.open(rel.limit(items("offset"), 3, 500)).rows()) == [501, 502, 503]
    assert api.requests[0].query == {"limit": ["3"], "offset": ["500"]} and len(api.requests) == 1
    assert ids(session.open(rel.limit(items("offset", total="/total"), 20, 990)).rows()) == list(range(991, 1001))


@pytest.mark.parametrize(("style", "answer"), [
    ("cursor", {"data": [{"id": 1}], "meta": {"next": "c9"}}), ("next_url", {"data": [{"id": 1}], "next": "?begin=2"}),
    ("keyset", {"data": [{"id": 1}]})])
def test_circles_are_noticed(session: SourceSession, api: Api, items: Items, style: str,
                             answer: dict[str, object]) -> None:
    api.special[STYLES[style]["endpoint"]] = lambda request: Answer(answer)
    with pytest.raises(SourceError, match="circles"):
        session.open(items(style, columns=[rel.column("id", rel.INT8)])).rows()
    assert len(api.requests) <= 3


def test_an_api_that_ignores_the_page_is_noticed(session: SourceSession, api: Api, items: Items) -> None:
    api.special["/page/items"] = lambda request: Answer({"data": [{"id": 1}]})
    with pytest.raises(SourceError, match='the same as the one before.*"page"'):
        session.open(items("page", columns=[rel.column("id", rel.INT8)])).rows()


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "identity"}])
def test_lines_need_an_end_that_is_known(headers: dict[str, str]) -> None:
    def answer(raw: RawAnswer) -> bool:
        raw.head(200, {"Content-Type": "application/x-ndjson", "Connection": "close", **headers})
        raw.send(b'{"id": 1}\n')
        return False
    with HostileServer() as server:
        server.on("/lines", answer)
        options = {"base_url": server.url, "allow_private": "true", "max_retries": "0"}
        table = rel.scan("t", [rel.column("id", rel.INT8)], {"endpoint": "/lines", "format": "ndjson"})
        with SourceSession("rest", server_options=options) as session, pytest.raises(SourceError, match="where it ends"):
            session.open(table).rows()


def test_pages_of_few_fields_may_be_alike(session: SourceSession, api: Api, items: Items) -> None:
    def answer(request: Request) -> Answer:
        page = int(request.one("page") or 1)
        return Answer({"data": [{"kind": "odd"}] * 2 if page <= 3 else []})
    api.special["/page/items"] = answer
    table = items("page", columns=[rel.column("kind", rel.TEXT)], fields_param="fields")
    assert session.open(table).rows() == [("odd",)] * 6


def test_pages_have_a_limit(session: SourceSession, api: Api, items: Items) -> None:
    with pytest.raises(SourceError, match="more than 3 pages.*max_pages"):
        session.open(items("page", page_size="70", max_pages="3")).rows()


def test_next_pages_stay_on_the_server(session: SourceSession, api: Api, items: Items) -> None:
    api.special["/next/items"] = lambda request: Answer({"data": [], "next": "http://127.0.0.1:9/x"})
    with pytest.raises(SourceError):
        session.open(items("next_url")).rows()
    assert len(api.requests) == 1


def test_a_count_that_changes_ends_nothing_early(session: SourceSession, api: Api, items: Items) -> None:
    def grow(request: object) -> Answer:
        api.rows.append(dict(api.rows[-1], id=len(api.rows) + 1))
        return api._by_page(request, api.rows)  # type: ignore[arg-type]
    api.special["/page/items"] = grow
    api.rows = api.rows[:100]
    rows = session.open(items("page", page_size="50", total="/total", parallel_pages="1")).rows()
    assert ids(rows) == list(range(1, len(rows) + 1)) and len(rows) >= 103


@pytest.mark.parametrize("style", ["page", "offset"])
def test_pages_of_a_known_number_are_asked_for_at_the_same_time(session: SourceSession, api: Api, items: Items,
                                                                style: str) -> None:
    together = threading.Barrier(4, timeout=10)
    plain = api.answer

    def answer(request: Request) -> Answer:
        if request.one("page") in ("2", "3", "4", "5") or request.one("offset") in ("70", "140", "210", "280"):
            together.wait()
        return plain(request)
    api.answer = answer  # type: ignore[method-assign]
    table = items(style, page_size="70", total="/total", parallel_pages="4")
    assert ids(session.open(table).rows()) == list(range(1, 1001))
    assert len(api.requests) == 15


def test_a_limit_stops_parallel_pages_too(session: SourceSession, api: Api, items: Items) -> None:
    table = rel.limit(items("page", page_size="70", total="/total", parallel_pages="8"), 150)
    assert ids(session.open(table).rows()) == list(range(1, 151))
    assert len(api.requests) == 3


def test_the_next_page_is_asked_for_while_one_is_read(session: SourceSession, api: Api, items: Items) -> None:
    is_asked = threading.Event()
    plain = api.answer

    def slowly(body: bytes) -> Iterator[bytes]:
        yield body[:len(body) // 2]
        assert is_asked.wait(10)
        yield body[len(body) // 2:]

    def answer(request: Request) -> Answer:
        found = plain(request)
        if request.one("page") == "1":
            return Answer(pieces=slowly(json.dumps(found.body).encode()))
        is_asked.set()
        return found
    api.answer = answer  # type: ignore[method-assign]
    assert ids(session.open(items("page", page_size="300")).rows()) == list(range(1, 1001))
    assert is_asked.is_set() and len(api.requests) == 5


# ---- predicates

def test_an_equality_moves_only_what_passes(session: SourceSession, api: Api, items: Items) -> None:
    assert ids(session.open(equals(items("all"), 0, "77")).rows()) == [77]
    assert api.requests[0].query == {"id": ["77"]}


def test_ranges_and_times(session: SourceSession, api: Api, items: Items) -> None:
    table = items("all")
    both = rel.filter_(table, rel.compare(">=", rel.col(table, 3), rel.const(rel.NUMERIC, "10.50")))
    both = rel.filter_(both, rel.compare("<", rel.col(table, 3), rel.const(rel.NUMERIC, "12")))
    both = rel.filter_(both, rel.compare(">=", rel.col(table, 4), rel.const(rel.TIMESTAMPTZ, "2024-01-01 00:00:22+00")))
    assert ids(session.open(both).rows()) == [22, 23]
    assert api.requests[0].query == {"min": ["10.5"], "below": ["12"], "from": ["2024-01-01T00:00:22Z"]}


def test_a_thousand_keys_in_batches_are_ten_requests(session: SourceSession, api: Api, items: Items) -> None:
    table = items("all")
    keys = [str(i) for i in range(1000, 0, -1)]
    wanted = rel.filter_(table, rel.in_(rel.col(table, 0), rel.param(rel.INT8, 0, is_list=True)))
    scan = session.open(wanted, values=rel.values((rel.INT8, keys)))
    assert sorted(ids(scan.rows())) == list(range(1, 1001))  # type: ignore[type-var]
    assert len(api.requests) == 10 and scan.stats is not None and scan.stats["requests"] == 10


def test_keys_come_once_though_an_api_compares_loosely(session: SourceSession, api: Api) -> None:
    api.rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "A"}, {"id": 3, "name": "b"}]
    columns = [rel.column("id", rel.INT8), rel.column("name", rel.TEXT, param="name")]
    table = rel.scan("t", columns, {"endpoint": "/all/items"})
    names = [rel.const(rel.TEXT, name) for name in ("a", "A", "b", "a")]
    assert session.open(rel.filter_(table, rel.in_(rel.col(table, 1), *names))).rows() == [(1, "a"), (2, "A"), (3, "b")]
    assert api.asked("name") == ["a", "A", "b"]


def test_an_api_that_ignores_its_parameter_gives_each_row_once(session: SourceSession, api: Api) -> None:
    columns = [rel.column("id", rel.INT8, param="nothing")]
    table = rel.scan("t", columns, {"endpoint": "/all/items"})
    keys = [rel.const(rel.INT8, key) for key in ("5", "6", "7")]
    assert session.open(rel.filter_(table, rel.in_(rel.col(table, 0), *keys))).rows() == [(5,), (6,), (7,)]


def test_a_list_may_be_repeated_parameters(session: SourceSession, api: Api) -> None:
    columns = [rel.column("id", rel.INT8, param_in="ids", in_style="repeat")]
    table = rel.scan("t", columns, {"endpoint": "/all/items"})
    keys = [rel.const(rel.INT8, key) for key in ("5", "6")]
    assert session.open(rel.filter_(table, rel.in_(rel.col(table, 0), *keys))).rows() == [(5,), (6,)]
    assert api.requests[0].query == {"ids": ["5", "6"]}


def test_no_value_passes_null(session: SourceSession, api: Api, items: Items) -> None:
    table = items("all")
    none = rel.filter_(table, rel.in_(rel.col(table, 0), rel.param(rel.INT8, 0, is_list=True)))
    assert session.open(none, values=rel.values((rel.INT8, [None, None]))).rows() == []
    assert session.open(none, values=rel.values((rel.INT8, []))).rows() == []
    assert api.requests == []


ORDERS = [rel.column("user_id", rel.INT8), rel.column("order", rel.INT8), rel.column("amount", rel.INT4)]


def test_paths_are_filled_in_and_come_back(session: SourceSession, api: Api) -> None:
    table = rel.scan("orders", ORDERS, {"endpoint": "/users/{user_id}/orders"})
    users = rel.filter_(table, rel.in_(rel.col(table, 0), rel.param(rel.INT8, 0, is_list=True)))
    rows = session.open(users, values=rel.values((rel.INT8, ["2", "4", "3"]))).rows()
    assert rows == [(2, 20, 0), (2, 21, 1), (3, 30, 0), (3, 31, 1), (3, 32, 2)]
    assert api.paths() == ["/users/2/orders", "/users/4/orders", "/users/3/orders"]
    assert session.open(rel.limit(users, 3), values=rel.values((rel.INT8, ["2", "3"]))).rows() == rows[:3]


@pytest.mark.parametrize("has_header", ["true", "false"])
def test_lines_get_the_values_of_their_request(session: SourceSession, api: Api, has_header: str) -> None:
    head = b"n,user_id\n" if has_header == "true" else b""
    for user in "57":
        api.special[f"/lines/{user}"] = lambda request: Answer(raw=head + b"1,x\n2,y\n", content_type="text/csv")
    table = rel.scan("t", [rel.column("n", rel.INT4), rel.column("user_id", rel.INT8)],
                     {"endpoint": "/lines/{user_id}", "format": "csv", "header": has_header})
    users = rel.filter_(table, rel.in_(rel.col(table, 1), rel.const(rel.INT8, "5"), rel.const(rel.INT8, "7")))
    assert session.open(users).rows() == [(1, 5), (2, 5), (1, 7), (2, 7)]


def test_what_is_not_there_is_no_row(session: SourceSession, api: Api) -> None:
    columns = [rel.column("user_id", rel.TEXT), rel.column("order", rel.INT8)]
    table = rel.scan("orders", columns, {"endpoint": "/users/{user_id}/orders"})
    assert session.open(equals(table, 0, "a/b ü")).rows() == []
    assert api.paths() == ["/users/a%2Fb%20%C3%BC/orders"]
    with pytest.raises(SourceError, match="404"):
        session.open(rel.scan("t", columns[1:], {"endpoint": "/nowhere"})).rows()


def test_a_missing_parameter_is_named(session: SourceSession, api: Api) -> None:
    table = rel.scan("orders", ORDERS, {"endpoint": "/users/{user_id}/orders"})
    with pytest.raises(SourceError, match='column "user_id" needs a value'):
        session.open(table).rows()
    required = rel.scan("t", [rel.column("kind", rel.TEXT, param="kind", required="true")], {"endpoint": "/all/items"})
    with pytest.raises(SourceError, match='column "kind" needs a value'):
        session.open(required).rows()
    assert api.requests == []


def test_fields_and_orders_are_asked_for(session: SourceSession, api: Api) -> None:
    columns = [rel.column("id", rel.INT8), rel.column("name", rel.TEXT), rel.column("n", rel.INT8, path="/more/n")]
    table = rel.scan("t", columns, {"endpoint": "/all/items", "fields_param": "fields", "sort_param": "sort",
                                    "sort_exact": "true", "sort_nulls": "large"})
    rows = session.open(rel.limit(rel.sort(table, (rel.col(table, 0), True, True)), 2)).rows()
    assert rows == [(1000, "item 1000", 1000), (999, "item 999", 999)]
    assert api.requests[0].query == {"fields": ["id,name,more"], "sort": ["-id"]}


# ---- requests

def test_a_search_may_be_a_post(session: SourceSession, api: Api) -> None:
    def search(request: object) -> Answer:
        asked = json.loads(request.body)  # type: ignore[attr-defined]
        return Answer([{"id": key, "name": asked["text"]} for key in asked["ids"]])
    api.special["/search"] = search
    columns = [rel.column("id", rel.INT8, param_in="ids"), rel.column("name", rel.TEXT, param="text")]
    table = rel.scan("t", columns, {"endpoint": "/search", "method": "POST",
                                    "body": '{"text": "{text}", "ids": {ids}}'})
    found = rel.filter_(equals(table, 1, 'a "quoted" \\ word'),
                        rel.in_(rel.col(table, 0), rel.const(rel.INT8, "1"), rel.const(rel.INT8, "2")))
    assert session.open(found).rows() == [(1, 'a "quoted" \\ word'), (2, 'a "quoted" \\ word')]
    assert [request.method for request in api.requests] == ["POST"]


def test_headers_and_fixed_parameters_are_sent(api: Api) -> None:
    server = {"base_url": api.url, "allow_private": "true", "headers": '{"X-Tenant": "a", "X-Both": "server"}',
              "query": '{"v": 2}'}
    table = rel.scan("t", [rel.column("id", rel.INT8)],
                     {"endpoint": "/all/items?kind=odd", "headers": '{"x-both": "table"}', "query": '{"min": [499]}'})
    with SourceSession("rest", server_options=server, user_options={"auth_token": "canary"}) as session:
        assert session.open(table).rows() == [(999,)]
    sent = api.requests[0]
    assert sent.query == {"kind": ["odd"], "v": ["2"], "min": ["499"]}
    assert (sent.headers["x-tenant"], sent.headers["x-both"]) == ("a", "table")
    assert sent.headers["authorization"] == "Bearer canary" and sent.headers["accept"] == "application/json"


def test_the_old_configuration_s_options_are_enough(api: Api) -> None:
    """multicorn.restfdw.RestFdw knew base_url, auth_token and endpoint."""
    server = {"base_url": api.url + "/", "allow_private": "true"}
    with SourceSession("rest", server_options=server, user_options={"auth_token": "canary"}) as session:
        rows = session.open(rel.scan("t", [rel.column("name", rel.TEXT)], {"endpoint": "all/items"})).rows()
    assert len(rows) == 1000 and rows[0] == ("item 1",)
    assert api.requests[0].headers["authorization"] == "Bearer canary"


def test_a_native_request_is_a_path(session: SourceSession, api: Api) -> None:
    assert session.open(rel.native("GET /all/items?id=5", [rel.column("name", rel.TEXT)])).rows() == [("item 5",)]
    with pytest.raises(SourceError, match="not an address of its own"):
        session.open(rel.native("GET http://127.0.0.1:9/", [rel.column("name", rel.TEXT)])).rows()


def test_scans_of_one_session_run_at_once(session: SourceSession, items: Items) -> None:
    scans = [session.open(items(style, page_size="70")) for style in sorted(STYLES)]
    for scan in scans:
        assert len(scan.rows()) == 1000


def test_the_filter_explains_and_answers(api: Api, items: Items, tmp_path: Path) -> None:
    relation = tmp_path / "relation"
    relation.write_bytes(rel.write(equals(items("page"), 0, "7")))
    command = [program(), "--adapter", "rest", "--server-option", f"base_url={api.url}", "--server-option",
               "allow_private=true", "--relation", relation]
    said = subprocess.run([*command, "--explain"], capture_output=True, check=True, text=True).stdout
    assert said == f"GET {api.url}/page/items?id=7&per_page=100&page=1\npages: by number, of 100 rows\n"
    assert api.requests == []
    import pyarrow as pa
    answered = subprocess.run(command, capture_output=True, check=True).stdout
    assert pa.ipc.open_stream(answered).read_all().column("name").to_pylist() == ["item 7"]
