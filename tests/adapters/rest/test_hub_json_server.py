"""json-server through the hub, over HTTP and over TLS: reads, filters, order, joins, writes; and certificates."""
from __future__ import annotations

import ssl
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.hostile_http import Certificates
from harness.hub import EACH, Hub, Session, everything, failure, server_of, wait_until
from harness.json_server import JsonServer
from scratch_servers import Scratch

pytestmark = [EACH, pytest.mark.usefixtures("undisturbed")]

POSTS = [{"id": number, "title": f"post {number}", "author": {"name": f"a{number % 7}"}, "score": number / 4,
          "tags": ["x", "y"] if number % 2 else None, "day": f"2024-01-{number % 28 + 1:02}"} for number in range(1, 251)]
AUTHORS = [{"id": number, "name": f"a{number}", "city": f"city {number}"} for number in range(5)]
COLUMNS = ("id int OPTIONS (param 'id', param_in 'id', in_style 'repeat', param_ge 'id_gte', param_le 'id_lte', key 'true', "
           "param_exact 'true'), title text OPTIONS (param 'title'), author text OPTIONS (path '/author/name', readonly 'true'), "
           "score numeric OPTIONS (param_ge 'score_gte'), tags jsonb, day date")
ITEMS = {"endpoint": "/posts", "page_style": "page", "page_param": "_page", "limit_param": "_limit", "page_size": "100",
         "total_header": "X-Total-Count", "insert_method": "POST", "update_method": "PATCH", "delete_method": "DELETE",
         "row_endpoint": "/posts/{id}"}


@pytest.fixture(scope="module")
def certificates(scratch: Scratch) -> Certificates:
    folder = Path(tempfile.mkdtemp(prefix="certificates-", dir=scratch.path))
    folder.chmod(0o755)  # the hub's user reads them
    return Certificates(folder)


@pytest.fixture(scope="module", params=["http", "https"])
def blog(scratch: Scratch, certificates: Certificates, request: pytest.FixtureRequest) -> Iterator[JsonServer]:
    pair = certificates.make("blog", "IP:127.0.0.1") if request.param == "https" else None
    server = JsonServer(scratch, {"posts": POSTS, "authors": AUTHORS}, pair)
    yield server
    server.stop()


@dataclass
class Tables:
    posts: str
    authors: str
    linked: str


@pytest.fixture(scope="module")
def tables(site: Hub, blog: JsonServer, certificates: Certificates) -> Tables:
    authority = {"ca_file": str(certificates.authority)} if blog.certificate else {}
    with site.connect() as sql:
        name = site.rest(sql, blog.url, **authority)
        linked = {"endpoint": "/posts", "query": '{"_page": 1}', "page_style": "link", "limit_param": "_limit", "page_size": "40"}
        return Tables(site.table(sql, name, COLUMNS, **ITEMS), site.table(sql, name, "name text, city text", endpoint="/authors"),
                      site.table(sql, name, "id int, title text", **linked))


def counted(sql: Session, blog: JsonServer, query: str, requests: int) -> list[Any]:
    """The rows of a query that takes that many requests; the server's log is a little behind its answers."""
    before = blog.request_count()
    rows = sql.execute(query).fetchall()
    assert wait_until(lambda: blog.request_count() - before >= requests, 5), query
    # One that is known to be last: what else was asked for stands before it.
    with urllib.request.urlopen(blog.url + "/authors/1", context=ssl._create_unverified_context()) as answer:
        answer.read()
    assert wait_until(lambda: blog.request_count() - before > requests, 5), query
    assert blog.request_count() - before == requests + 1, query
    return rows


def test_reads(sql: Session, blog: JsonServer, tables: Tables) -> None:
    rows = counted(sql, blog, f"SELECT id, title, author, score::float8, tags, day::text FROM {tables.posts}", 3)
    assert sorted(rows) == [tuple(post["author"]["name"] if name == "author" else post[name]  # type: ignore[index]
                                  for name in ("id", "title", "author", "score", "tags", "day")) for post in POSTS]
    rows = counted(sql, blog, f"SELECT id, title FROM {tables.linked}", 7)
    assert sorted(rows) == [(post["id"], post["title"]) for post in POSTS]


def test_filters(sql: Session, blog: JsonServer, tables: Tables) -> None:
    for where, found in (("id = 7", [7]), ("id BETWEEN 10 AND 19", list(range(10, 20))), ("id IN (5, 250, 999)", [5, 250]),
                         ("title = 'post 17'", [17]), ("score >= 60 AND id <= 245", list(range(240, 246))),
                         ("id >= 249 AND author = 'a4'", [249]), ("tags IS NULL AND id <= 4", [2, 4])):
        rows = counted(sql, blog, f"SELECT id FROM {tables.posts} WHERE {where} ORDER BY id", 1)
        assert [row[0] for row in rows] == found, where
    assert len(counted(sql, blog, f"SELECT id FROM {tables.posts} LIMIT 10", 1)) == 10


def test_join_and_group(sql: Session, blog: JsonServer, tables: Tables) -> None:
    rows = sql.execute(f"SELECT city, count(*) FROM {tables.posts} JOIN {tables.authors} ON name = author GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [(f"city {number}", sum(post["id"] % 7 == number for post in POSTS)) for number in range(5)]  # type: ignore[operator]


def test_writes(sql: Session, tables: Tables) -> None:
    posts = tables.posts
    sql.execute(f"INSERT INTO {posts} (id, title, score, tags, day) VALUES (1001, 'new é \"q\"', 1.25, '[1]', '2024-02-29'), "
                "(1002, NULL, NULL, NULL, NULL)")
    read = f"SELECT title, score, tags, day::text FROM {posts} WHERE id IN (1001, 1002) ORDER BY id"
    first, second = sql.execute(read).fetchall()
    assert (first[0], float(first[1]), first[2], first[3]) == ('new é "q"', 1.25, [1], "2024-02-29")
    assert second == (None, None, None, None)
    assert sql.execute(f"UPDATE {posts} SET title = 'newer' WHERE id = 1001").rowcount == 1
    assert sql.execute(f"UPDATE {posts} SET title = 'none' WHERE id = 4711").rowcount == 0
    assert sql.execute(read).fetchall()[0][0] == "newer"
    assert sql.execute(f"DELETE FROM {posts} WHERE id >= 1001").rowcount == 2
    assert sql.execute(read).fetchall() == []
    error = failure(sql, f"INSERT INTO {posts} (id, title) VALUES (1, 'twice')")
    assert "500" in everything(error) and posts in everything(error)
    assert sql.execute(f"SELECT count(*) FROM {posts}").fetchone() == (250,)


# ---- certificates ----


@pytest.mark.parametrize("what", ["wrong host", "expired", "unknown authority", "no TLS at all"])
def test_certificates_are_checked(site: Hub, sql: Session, scratch: Scratch, certificates: Certificates, what: str) -> None:
    subject = "DNS:example.com" if what == "wrong host" else "IP:127.0.0.1"
    file = f"{what.split()[0]}{site.server.port}"
    pair = None if what == "no TLS at all" else certificates.make(file, subject, -1 if what == "expired" else 30)
    options = {} if what == "unknown authority" else {"ca_file": str(certificates.authority)}
    with JsonServer(scratch, {"authors": AUTHORS}, pair) as server:
        assert isinstance(server, JsonServer)
        url = server.url.replace("http:", "https:")
        table = site.table(sql, site.rest(sql, url, max_retries="0", **options), "name text", endpoint="/authors")
        error = failure(sql, f"SELECT * FROM {table}")
        assert error.sqlstate == "08006" and table in everything(error)
        assert server.request_count() == 0
        if pair is not None:
            table = site.table(sql, site.rest(sql, url, tls_verify="false"), "name text", endpoint="/authors")
            assert len(sql.execute(f"SELECT * FROM {table}").fetchall()) == 5


def test_a_server_that_ends_while_it_is_read(site: Hub, sql: Session, scratch: Scratch) -> None:
    server = JsonServer(scratch, {"authors": AUTHORS})
    table = site.table(sql, site.rest(sql, server.url, max_retries="1"), "name text", endpoint="/authors")
    assert len(sql.execute(f"SELECT * FROM {table}").fetchall()) == 5
    server.stop()
    error = failure(sql, f"SELECT * FROM {table}")
    assert error.sqlstate == "08006" and isinstance(error, psycopg.OperationalError)
    server.start()
    sql.execute(f"ALTER SERVER {server_of(sql, table)} OPTIONS (SET base_url '{server.url}')")
    assert len(sql.execute(f"SELECT * FROM {table}").fetchall()) == 5
    server.stop()
