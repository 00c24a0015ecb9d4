"""Queries of the hub against a server that breaks every promise: the right rows or one error, and nothing else happens.

After each of them the session is of use, another session was not disturbed, and the hub was not started again.
"""
from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from harness.hostile_http import Answer, Handler, HostileServer, gzip_bomb, one_of_each
from harness.hub import EACH, Hub, Session, everything, failure, memory_kb, sources, wait_until

pytestmark = pytest.mark.usefixtures("undisturbed")

ROWS = [(1, "one"), (2, "two"), (3, "three")]
BODY = b'{"items": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}, {"id": 3, "name": "three"}], "total": 3}'
LIMITS = {"max_retries": "2", "header_timeout": "700ms", "idle_timeout": "700ms", "max_response_size": "16MB",
          "source_memory": "128MB", "max_retry_wait": "2s"}
JSON = {"Content-Type": "application/json"}

# What went wrong, in SQL's words.
FAILED, BROKEN, LATE, DENIED = "HV000", "08006", "57014", "28P01"
NO_JSON, NO_MEMORY, TOO_MUCH = "22032", "53200", "54000"
ANY = (FAILED, BROKEN, NO_JSON, NO_MEMORY, "22023")
NO_VALUE = ("22P02", "22003", "22P05")


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as made:
        made.on("/fine", lambda answer: answer.reply(200, BODY))
        yield made


@pytest.fixture(scope="module")
def names(site: Hub, server: HostileServer) -> tuple[str, str]:
    """A foreign server, and a table that is fine."""
    with site.connect() as sql:
        name = site.rest(sql, server.url, **LIMITS)
        return name, site.table(sql, name, endpoint="/fine", rows="/items")


class Case:
    """One table over one handler."""

    def __init__(self, site: Hub, sql: Session, server: HostileServer, names: tuple[str, str]) -> None:
        self.site, self.sql, self.server, (self.name, self.fine) = site, sql, server, names
        self.table = ""

    def make(self, handler: Handler, columns: str = "id int, name text", **options: Any) -> str:
        path = f"/{self.site.database}/case{next(self.site.numbers)}"
        self.server.on(path, handler)
        self.before = len(self.server.requests)
        self.table = self.site.table(self.sql, self.name, columns, **{"endpoint": path, "rows": "/items", **options})
        self.path = path
        return self.table

    def rows(self) -> list[Any]:
        return self.sql.execute(f"SELECT * FROM {self.table}").fetchall()

    def error(self, *states: str) -> str:
        """What the one error says; afterwards the same session reads another table of the server."""
        error = failure(self.sql, f"SELECT * FROM {self.table}")
        said = everything(error)
        assert error.sqlstate in (states or (FAILED,)), f"{error.sqlstate}: {said}"
        assert f'foreign table "{self.table}" on server "{self.name}"' in said
        assert len(said) < 2000
        assert "source process" not in said  # which is well
        assert self.sql.execute(f"SELECT * FROM {self.fine}").fetchall() == ROWS
        assert len(sources(self.sql)) == 1
        return said

    def asked_for(self) -> list[str]:
        """Every path since the table was made."""
        return [request.path for request in self.server.requests[self.before:]]

    def asked(self) -> int:
        return self.server.counts.get(self.path, 0)


@pytest.fixture
def case(site: Hub, sql: Session, server: HostileServer, names: tuple[str, str]) -> Case:
    return Case(site, sql, server, names)


def reply(body: bytes, status: int = 200, **headers: str) -> Handler:
    return lambda answer: answer.reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def fine(answer: Answer) -> bool:
    return answer.reply(200, BODY)


# ---- what passes is repeated ----


def half_an_answer(answer: Answer) -> None:
    answer.head(200, {**JSON, "Content-Length": str(len(BODY))})


def reset_at_once(answer: Answer) -> None:
    answer.reset()


@EACH
@pytest.mark.parametrize("first", [
    pytest.param(reply(b"oops", 500), id="500"), pytest.param(reply(b"", 503), id="503"),
    pytest.param(reply(b"", 408), id="408"), pytest.param(reply(b"", 502), id="502"),
    pytest.param(reply(b"", 429, Retry_After="1"), id="429"), pytest.param(half_an_answer, id="no body"),
    pytest.param(reset_at_once, id="reset"), pytest.param(lambda answer: None, id="no answer")])
def test_what_passes_is_repeated(case: Case, first: Handler) -> None:
    case.make(one_of_each(first, fine))
    assert case.rows() == ROWS
    assert case.asked() == 2


def test_retry_after_is_waited_for(case: Case) -> None:
    case.make(one_of_each(reply(b"", 429, Retry_After="1"), fine))
    assert case.rows() == ROWS
    first, second = (request.received for request in case.server.requests if request.path == case.path)
    assert second - first >= 1


def test_too_long_a_wait_is_an_error(case: Case) -> None:
    case.make(reply(b"slow down", 429, Retry_After="3600"))
    assert "429" in case.error()
    assert case.asked() == 1


@pytest.mark.parametrize("status", [500, 503, 429, 404, 401, 403, 400, 418])
def test_a_status_that_stays_is_an_error(case: Case, status: int) -> None:
    case.make(reply(b'{"message": "not today"}', status))
    said = case.error(DENIED if status in (401, 403) else FAILED)
    assert str(status) in said and "not today" in said
    assert case.asked() == (3 if status in (500, 503, 429) else 1)


def test_a_second_page_that_failed_in_passing(case: Case) -> None:
    def pages(answer: Answer) -> bool | None:
        page = int(answer.request.query["page"][0])
        if answer.request.nth == 2:
            answer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
            return None
        rows = [{"id": page * 10 + i, "name": "x"} for i in range(3)] if page < 4 else []
        return answer.reply(200, json.dumps({"items": rows}).encode())
    case.make(pages, page_style="page")
    assert [row[0] for row in case.rows()] == [10, 11, 12, 20, 21, 22, 30, 31, 32]


# ---- bodies ----


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start:start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


SMALL = b'{"items": [{"id": 1, "name": "o\xc3\xa9"}, {"id": 22, "name": null}]}'
LINES = b'{"id": 1, "name": "o\xc3\xa9"}\n{"id": 22, "name": null}\n'
CSV = b'id,name\r\n1,o\xc3\xa9\r\n22,\r\n'
CUT_ROWS = [(1, "oé"), (22, None)]


@EACH
@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
@pytest.mark.parametrize("document", [pytest.param(SMALL, id="json"), pytest.param(LINES, id="ndjson"), pytest.param(CSV, id="csv")])
def test_a_body_cut_at_any_byte_is_never_fewer_rows(case: Case, document: bytes, framing: str) -> None:
    encoded = gzip.compress(document) if framing == "gzip" else document
    head, body = {
        "length": (f"Content-Length: {len(document)}", document),
        "chunked": ("Transfer-Encoding: chunked", chunked(document, 20)),
        "gzip": (f"Content-Encoding: gzip\r\nContent-Length: {len(encoded)}", encoded)}[framing]
    cut = 0

    def handler(answer: Answer) -> None:
        answer.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body[:cut])

    path = f"/{case.site.database}/cut{next(case.site.numbers)}"
    case.server.on(path, handler)
    name = case.site.rest(case.sql, case.server.url, **{**LIMITS, "max_retries": "0"})
    table = case.site.table(case.sql, name, endpoint=path, **({"rows": "/items"} if document is SMALL else {
        "format": "ndjson" if document is LINES else "csv"}))
    for cut in range(len(body)):
        try:
            rows = case.sql.execute(f"SELECT * FROM {table}").fetchall()
        except psycopg.Error as error:
            assert error.sqlstate in (FAILED, BROKEN, NO_JSON), (cut, everything(error))
            assert f'foreign table "{table}" on server "{name}"' in everything(error)
        else:
            # All of it was there: the document was closed, or the chunk that says it is the last one.
            assert rows == CUT_ROWS, cut
            assert document is SMALL or framing == "chunked"
            assert cut >= body.rindex(b"0\r\n\r\n") + 1 if document is not SMALL else cut > len(body) - 12, cut
    cut = len(body)
    assert case.sql.execute(f"SELECT * FROM {table}").fetchall() == CUT_ROWS


def test_a_body_that_ends_with_the_connection(case: Case) -> None:
    """It does not tell its length: a document that is not closed is an error all the same, and lines always are."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    case.make(lambda answer: answer.send(head + SMALL[:answer.request.nth - 1]))
    for _ in SMALL:
        assert failure(case.sql, f"SELECT * FROM {case.table}").sqlstate == NO_JSON
    assert case.rows() == CUT_ROWS
    for body, form in ((LINES, "ndjson"), (CSV, "csv")):
        case.make(lambda answer, body=body: answer.send(head + body[:answer.request.nth - 1]), rows=None, format=form)
        for _ in range(len(body) + 1):
            assert failure(case.sql, f"SELECT * FROM {case.table}").sqlstate in (FAILED, NO_JSON)


def test_a_short_content_length_is_an_error(case: Case) -> None:
    case.make(reply(BODY, Content_Length=str(len(BODY) - 20)))
    case.error(NO_JSON)


def test_a_body_after_which_more_comes(case: Case) -> None:
    case.make(reply(BODY + b"]"))
    case.error(NO_JSON)


def drips(size: int, pause: float) -> Handler:
    def handler(answer: Answer) -> None:
        answer.head(200, {**JSON, "Content-Length": str(len(BODY))})
        answer.drip(BODY, pause, size)
    return handler


def test_a_body_in_single_bytes_is_the_same(case: Case) -> None:
    case.make(drips(1, 0.001))
    assert case.rows() == ROWS


def test_a_body_that_drips_is_an_error(case: Case) -> None:
    case.make(drips(1, 0.1), columns="id int, name text")
    case.error(LATE)


def test_a_head_that_drips_is_an_error(case: Case) -> None:
    case.make(lambda answer: answer.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000, 0.05))
    case.error(LATE)


def test_a_body_that_stops_is_an_error(case: Case) -> None:
    def handler(answer: Answer) -> None:
        answer.head(200, {**JSON, "Content-Length": str(len(BODY))})
        answer.send(BODY[:40])
        answer.stall(5)
    case.make(handler)
    case.error(LATE)


def endless(start: bytes, part: bytes) -> Handler:
    """A gigabyte and more, as far as the client takes it."""
    block = part * (1 + 2 ** 20 // len(part))

    def handler(answer: Answer) -> None:
        answer.head(200, {**JSON, "Connection": "close"})
        answer.send(start)
        for _ in range(1100):
            answer.send(block)
    return handler


@pytest.mark.parametrize("size", ["16MB", "4GB"])
@pytest.mark.parametrize("handler", [
    pytest.param(endless(b'{"items": [{"id": 1, "name": "', b"x" * 1024), id="one text"),
    pytest.param(endless(b'{"items": [{"id": ', b"1" * 1024), id="one number"),
    pytest.param(endless(b'{"items": [{"', b"x" * 1024), id="one name"),
    pytest.param(endless(b'{"items": [{"id": 1, "name": "x", "more": ', b"[" * 1024), id="depth"),
    pytest.param(endless(b'{"items": [', b"[" * 1024), id="rows that are arrays")])
def test_a_gigabyte_that_is_no_row(case: Case, handler: Handler, size: str) -> None:
    name = case.site.rest(case.sql, case.server.url, **{**LIMITS, "max_response_size": size})
    path = f"/{case.site.database}/endless{next(case.site.numbers)}"
    case.server.on(path, handler)
    table = case.site.table(case.sql, name, endpoint=path, rows="/items")
    error = failure(case.sql, f"SELECT * FROM {table}")
    assert error.sqlstate in (FAILED, NO_JSON, NO_MEMORY, TOO_MUCH), everything(error)
    assert f'foreign table "{table}" on server "{name}"' in everything(error)
    assert case.sql.execute(f"SELECT * FROM {case.fine}").fetchall() == ROWS


def test_a_gigabyte_of_rows_in_little_memory(case: Case) -> None:
    row = b', {"id": 2, "name": "' + b"y" * 2000 + b'"}'
    count = 2 ** 30 // len(row)

    def handler(answer: Answer) -> None:
        answer.head(200, {**JSON, "Connection": "close"})
        answer.send(b'{"items": [{"id": 1, "name": "x"}')
        for done in range(0, count, 500):
            answer.send(row * min(500, count - done))
        answer.send(b"]}")

    name = case.site.rest(case.sql, case.server.url, source_memory="64MB", max_response_size="2GB")
    path = f"/{case.site.database}/gigabyte"
    case.server.on(path, handler)
    table = case.site.table(case.sql, name, endpoint=path, rows="/items")
    backend = case.sql.info.backend_pid
    case.sql.execute(f"SELECT * FROM {case.fine}")
    before = memory_kb(backend)
    found = case.sql.execute(f"SELECT count(*), sum(length(name)) FROM {table}").fetchall()
    assert found == [(count + 1, count * 2000 + 1)]
    assert memory_kb(backend) - before < 32 * 1024
    assert max(memory_kb(pid) for pid in sources(case.sql)) < 64 * 1024


def test_endless_rows_end_at_the_limit(case: Case) -> None:
    case.make(endless(b'{"items": [{"id": 1, "name": "x"}', b', {"id": 2, "name": "yy"}'))
    assert "16" in case.error()


def test_endless_rows_are_left_after_a_limit(case: Case) -> None:
    case.make(endless(b'{"items": [{"id": 1, "name": "x"}', b', {"id": 2, "name": "yy"}'))
    assert case.sql.execute(f"SELECT * FROM {case.table} LIMIT 2").fetchall() == [(1, "x"), (2, "yy")]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_gzip_bomb_is_an_error(case: Case, framing: str) -> None:
    bomb = gzip_bomb(1024)

    def handler(answer: Answer) -> None:
        length = {"Content-Length": str(len(bomb))} if framing == "length" else {"Transfer-Encoding": "chunked"}
        answer.head(200, {**JSON, "Content-Encoding": "gzip", **length})
        answer.send(bomb if framing == "length" else chunked(bomb, 60000))
    case.make(handler)
    case.error(FAILED, NO_JSON)


@pytest.mark.parametrize("body", [
    b"", b" ", b"null", b"[]", b"17", b'{"items": 5}', b'{"items": [1, 2]}', b'{"rows": []}', b"<html>sorry</html>",
    b'{"items": [{"id": 1, "name": "\xff\xfe"}]}', b'{"items": [{"id": 1, "name": "\xc0\x80"}]}',
    b'{"items": [{"id": 1, "name": "\xed\xa0\x80"}]}', b'{"items": [{"id": 1, "name": "\\ud800"}]}',
    b'{"items": [{"id": 1, "name": "a\\u0000b"}]}', b'{"items": [{"id": 1, "name": "a\x00b"}]}',
    b'{"items": [{"id": 99999999999999999999, "name": "x"}]}', b'{"items": [{"id": 1.5, "name": "x"}]}',
    b'{"items": [{"id": {"deep": 1}, "name": "x"}]}', b'{"items": [{"id": NaN}]}', b'{"items": [{"id": 01}]}',
    b'{"items": [{"id": 1},]}', b'{"items": [{"id": 1}]', b'{"items": [{"id": 1}]}}', b"\xff\xfe{\x00}\x00",
    b'{"items": [{"id": 1, "name": "x"}], "items": 7}', b"[" * 1_000_000, b'{"a":' * 1_000_000],
    ids=lambda body: repr(body[:40]))
def test_what_is_not_the_document_is_an_error(case: Case, body: bytes) -> None:
    case.make(reply(body))
    case.error(*ANY, *NO_VALUE)


def test_a_wrong_value_is_found_by_page_row_and_column(case: Case) -> None:
    def handler(answer: Answer) -> bool:
        value = '"many"' if answer.request.query["page"] == ["2"] else "7"
        return answer.reply(200, b'{"items": [{"id": 1, "name": "x"}, {"id": %s, "name": "y"}]}' % value.encode())
    case.make(handler, page_style="page")
    assert "page 2: row 2, column \"id\"" in case.error(*NO_VALUE)


def test_of_members_that_come_twice_the_last_counts(case: Case) -> None:
    case.make(reply(b'{"items": [{"id": 1, "id": 2, "name": "first", "name": "last"}, {"name": "n", "id": 3}]}'))
    assert case.rows() == [(2, "last"), (3, "n")]


def test_a_head_without_an_end_is_an_error(case: Case) -> None:
    def handler(answer: Answer) -> None:
        answer.send(b"HTTP/1.1 200 OK\r\n")
        for i in range(20000):
            answer.send(b"X-%d: " % i + b"a" * 1000 + b"\r\n")
    case.make(handler)
    case.error(*ANY)


@pytest.mark.parametrize("head", [
    b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"\x00" * 100, b"{}\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: lies\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"], ids=repr)
def test_what_is_no_http_is_an_error(case: Case, head: bytes) -> None:
    case.make(lambda answer: answer.send(head))
    case.error(*ANY)


# ---- redirects and further pages ----


@pytest.mark.parametrize("target", [
    "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "gopher://127.0.0.1:1/x", "ftp://127.0.0.1/x",
    "http://127.0.0.2:{port}/fine", "https://127.0.0.1:{port}/fine", "http://localhost:{port}/fine",
    "//169.254.169.254/", "http://u:p@169.254.169.254/", "", "http://", "javascript:1", "dict://127.0.0.1:{port}/x"])
def test_a_redirect_elsewhere_is_an_error(case: Case, target: str) -> None:
    where = target.format(port=case.server.port)
    case.make(lambda answer: answer.redirect(where))
    said = case.error(*ANY)
    assert "root:" not in said
    assert case.asked_for() == [case.path, "/fine"]


def test_redirects_that_loop_are_an_error(case: Case) -> None:
    case.make(lambda answer: answer.redirect(answer.request.target))
    case.error()
    assert case.asked() <= 10
    longer = case.make(lambda answer: answer.redirect(f"{answer.request.path}?n={answer.request.nth}"))
    assert longer and case.error()
    assert case.asked() <= 10


def test_a_redirect_at_home_is_followed(case: Case) -> None:
    case.make(lambda answer: answer.redirect("/fine"))
    assert case.rows() == ROWS


@pytest.mark.parametrize("style", ["next_url", "link", "cursor", "page", "offset"])
def test_pages_that_loop_are_an_error(case: Case, style: str) -> None:
    def handler(answer: Answer) -> bool:
        following = f"{answer.request.path}?again={answer.request.nth % 3}"
        body = {"items": json.loads(BODY)["items"], "next": following, "cursor": f"c{answer.request.nth % 3}"}
        return answer.reply(200, json.dumps(body).encode(), {"Link": f'<{following}>; rel="next"'})
    options = {"next_url": {"next": "/next"}, "cursor": {"cursor": "/cursor", "cursor_param": "after"}}.get(style, {})
    case.make(handler if style in ("next_url", "link", "cursor") else reply(BODY), page_style=style, **options)
    said = case.error()
    assert "circles" in said or "same" in said
    assert case.asked() <= 16


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "file:///etc/passwd", "http://localhost:{port}/fine",
                                    "//127.0.0.2:{port}/fine", "http:///x", "gopher://x/"])
@pytest.mark.parametrize("style", ["next_url", "link"])
def test_a_next_page_elsewhere_is_an_error(case: Case, style: str, target: str) -> None:
    where = target.format(port=case.server.port)
    body = json.dumps({"items": json.loads(BODY)["items"], "next": where}).encode()
    case.make(reply(body, Link=f'<{where}>; rel="next"'), page_style=style, **({"next": "/next"} if style == "next_url" else {}))
    case.error(*ANY)
    assert case.asked_for() == [case.path, "/fine"]


def paged(totals: Callable[[int], int], rows: Callable[[int], int]) -> Handler:
    """Page n says there are totals(n) rows, while there are rows(n)."""
    def handler(answer: Answer) -> bool:
        page, size = int(answer.request.query["page"][0]), int(answer.request.query["size"][0])
        found = [{"id": i, "name": f"n{i}"} for i in range((page - 1) * size, min(page * size, rows(page)))]
        return answer.reply(200, json.dumps({"items": found, "total": totals(page)}).encode())
    return handler


@pytest.mark.parametrize("parallel", ["1", "4"])
def test_a_count_that_changes_while_it_is_read(case: Case, parallel: str) -> None:
    pages = {"page_style": "page", "limit_param": "size", "page_size": "10", "total": "/total",
             "parallel_pages": parallel}
    # There is more with each page, and all of it is read.
    case.make(paged(lambda page: min(20 + 10 * page, 100), lambda page: min(20 + 10 * page, 100)), **pages)
    assert [row[0] for row in case.rows()] == list(range(100))
    # There is less and less: what is there at the time is read.
    case.make(paged(lambda page: 100 if page < 3 else 35, lambda page: 100 if page < 3 else 35), **pages)
    assert [row[0] for row in case.rows()] == list(range(35))
    # It says too little on a page in the middle: what comes later is not known of.
    case.make(paged(lambda page: 100, lambda page: 100), **pages)
    assert len(case.rows()) == 100


@pytest.mark.parametrize("total", ["-1", '"many"', "1e999", "9223372036854775808", "[]", "1.5", "true"])
def test_a_count_that_is_none_is_an_error(case: Case, total: str) -> None:
    case.make(reply(BODY.replace(b'"total": 3', b'"total": ' + total.encode())), page_style="page", total="/total")
    case.error()


def test_pages_without_an_end_are_an_error(case: Case) -> None:
    def handler(answer: Answer) -> bool:
        number = answer.request.nth
        return answer.reply(200, json.dumps({"items": [{"id": number, "name": "x"}], "next": f"?n={number}"}).encode())
    case.make(handler, page_style="next_url", next="/next", max_pages="50")
    assert "50 pages" in case.error()
    assert case.asked() <= 52


# ---- the frame around them ----


@EACH
def test_too_little_memory_is_an_error_of_one_query(case: Case) -> None:
    """More than the source process may have, in rows that must be kept until they are a batch."""
    row = b'{"id": 1, "name": "' + b"x" * 20_000_000 + b'"}'
    name = case.site.rest(case.sql, case.server.url, source_memory="32MB")
    path = f"/{case.site.database}/large{next(case.site.numbers)}"
    case.server.on(path, reply(b'{"items": [' + b", ".join([row] * 4) + b"]}"))
    table = case.site.table(case.sql, name, endpoint=path, rows="/items")
    for _ in range(3):
        error = failure(case.sql, f"SELECT length(name) FROM {table}")
        assert error.sqlstate in (NO_MEMORY, FAILED), everything(error)
        assert f'foreign table "{table}" on server "{name}"' in everything(error)
    case.sql.execute(f"ALTER SERVER {name} OPTIONS (SET source_memory '512MB')")
    assert case.sql.execute(f"SELECT length(name) FROM {table}").fetchall() == [(20_000_000,)] * 4


def test_one_part_of_an_append_fails(case: Case) -> None:
    """Several scans of one process, and of two servers: one fails, and all of the query does."""
    other = case.site.rest(case.sql, case.server.url)
    sql = case.sql
    parent = f"parts{next(case.site.numbers)}"
    sql.execute(f"CREATE TABLE {parent} (id int, name text) PARTITION BY LIST (id)")
    path = case.server.on(f"/{case.site.database}/bad{next(case.site.numbers)}", reply(b"no", 400)).removeprefix(case.server.url)
    for number, (name, endpoint) in enumerate([(case.name, "/fine"), (other, "/fine"), (other, path)]):
        table = case.site.table(sql, name, endpoint=endpoint, rows="/items")
        sql.execute(f"ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES IN ({number}, {number + 10})")
    for _ in range(5):
        assert "400" in everything(failure(sql, f"SELECT count(*) FROM {parent}"))
    assert wait_until(lambda: len(sources(sql)) == 2)
