"""A REST API as a source: from a configuration to DataFrames, over json-server, and by the command."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.json_server import JsonServer
from harness.project import Cli
from scratch_servers import Scratch

POSTS: list[dict[str, Any]] = [{"id": number, "title": f"post {number}", "author": {"name": f"a{number % 7}"}, "score": number / 4,
          "tags": ["x", "y"] if number % 2 else None, "day": f"2024-01-{number % 28 + 1:02}"} for number in range(1, 251)]
AUTHORS = [{"name": f"a{number}", "city": f"city {number}"} for number in range(5)]

PLAIN = """
sources:
  blog:
    rest: {{base_url: "{url}", allow_private: true}}
    tables:
      - name: posts
        columns:
          - {{name: id, type: integer, not_null: true, options: {{param: id, param_ge: id_gte, param_le: id_lte, key: true}}}}
          - {{name: title, type: text, options: {{param: title}}}}
          - {{name: author, type: text, options: {{path: /author/name}}}}
          - {{name: score, type: "numeric(10,2)"}}
          - {{name: tags, type: jsonb}}
          - {{name: day, type: date}}
        options:
          endpoint: /posts
          page_style: page
          page_param: _page
          limit_param: _limit
          page_size: 100
          total_header: X-Total-Count
          insert_method: POST
          update_method: PATCH
          delete_method: DELETE
          row_endpoint: "/posts/{{id}}"
      - name: authors
        columns: [{{name: name, type: text}}, {{name: city, type: text}}]
        options: {{endpoint: /authors}}
"""

# As it is written for multicorn's RestFdw.
MULTICORN = """
extension: multicorn
server:
  name: old_blog
  options:
    wrapper: multicorn.restfdw.RestFdw
    base_url: "{url}"
    auth_token: ${{BLOG_TOKEN:-a-token}}
    allow_private: true
tables:
  - name: old_authors
    columns: [{{name: name, type: text}}, {{name: city, type: text}}]
    options: {{endpoint: /authors}}
"""


@pytest.fixture(scope="module")
def blog(scratch: Scratch) -> Iterator[JsonServer]:
    server = JsonServer(scratch, {"posts": POSTS, "authors": AUTHORS})
    yield server
    server.stop()


@pytest.fixture
def connector(blog: JsonServer, hub_arguments: dict[str, Any], tmp_path: Path) -> Iterator[Any]:
    from instant_connector import SyncInstantDataConnector

    config = tmp_path / "blog.yaml"
    config.write_text(PLAIN.format(url=blog.url))
    with SyncInstantDataConnector(config_path=str(config), **hub_arguments) as made:
        made.setup_fdw_infrastructure()
        yield made


def test_load(connector: Any) -> None:
    frame = connector.table("posts").to_pandas().sort_values("id")
    assert frame["id"].tolist() == list(range(1, 251))
    assert frame["author"].tolist() == [post["author"]["name"] for post in POSTS]
    assert [float(score) for score in frame["score"]] == [round(post["score"], 2) for post in POSTS]
    assert json.loads(frame["tags"].iloc[0]) == ["x", "y"]


def test_filters_are_pushed(connector: Any, blog: JsonServer) -> None:
    before = blog.request_count()
    rows = connector.table("posts", filters={"id": {"ge": 10, "le": 19}}, order_by="id").rows()
    assert [row["id"] for row in rows] == list(range(10, 20))
    assert blog.request_count() - before == 1


def test_limit_asks_for_one_page(connector: Any, blog: JsonServer) -> None:
    before = blog.request_count()
    assert len(connector.table("posts", limit=10).rows()) == 10
    assert blog.request_count() - before == 1


def test_join_with_a_table_of_another_endpoint(connector: Any) -> None:
    rows = connector.query("SELECT a.city, count(*) AS n FROM posts p JOIN authors a ON a.name = p.author "
                           "GROUP BY 1 ORDER BY 1").rows()
    assert [(row["city"], row["n"]) for row in rows] == [
        (f"city {number}", sum(post["author"]["name"] == f"a{number}" for post in POSTS)) for number in range(5)]


def test_explain_shows_the_request(connector: Any) -> None:
    pieces = connector.explain("SELECT id FROM posts WHERE id = 7 AND length(title) > 2").remote
    assert len(pieces) == 1
    assert "/posts" in pieces[0]["remote_sql"]
    assert "id=" in pieces[0]["remote_sql"]
    assert "length" in pieces[0]["local_filter"]


def test_an_error_names_the_source(connector: Any, blog: JsonServer) -> None:
    from instant_connector import errors

    connector.query("CREATE FOREIGN TABLE IF NOT EXISTS lost (id integer) SERVER blog OPTIONS (endpoint '/nothing')").rows()
    with pytest.raises(errors.Error) as caught:
        connector.query("SELECT * FROM lost").rows()
    assert "404" in str(caught.value)
    assert caught.value.source == "blog"


def test_writes(connector: Any) -> None:
    connector.query("INSERT INTO posts (id, title, day) VALUES (1001, 'new', '2024-02-29')").rows()
    connector.query("UPDATE posts SET title = 'newer' WHERE id = 1001").rows()
    assert connector.query("SELECT title, day::text AS day FROM posts WHERE id = 1001").rows() == [
        {"title": "newer", "day": "2024-02-29"}]
    connector.query("DELETE FROM posts WHERE id = 1001").rows()
    assert connector.query("SELECT count(*) AS n FROM posts WHERE id = 1001").rows() == [{"n": 0}]


def test_setup_again_changes_nothing(cli: Cli, blog: JsonServer, tmp_path: Path) -> None:
    config = tmp_path / "blog.yaml"
    config.write_text(PLAIN.format(url=blog.url))
    cli("--config", str(config), "setup")
    planned = cli("--config", str(config), "setup", "--plan", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    assert {row["action"] for row in json.loads(planned.stdout)} == {"keep"}


def test_describe(cli: Cli, blog: JsonServer, tmp_path: Path) -> None:
    config = tmp_path / "blog.yaml"
    config.write_text(PLAIN.format(url=blog.url))
    cli("--config", str(config), "setup")
    described = cli("--config", str(config), "describe", "authors")
    assert described.stderr == "authors: authors of source blog (instant_rest)\n"
    assert "city" in described.stdout


def test_multicorn_configuration(cli: Cli, blog: JsonServer, tmp_path: Path) -> None:
    config = tmp_path / "old.yaml"
    config.write_text(MULTICORN.format(url=blog.url))
    done = cli("--config", str(config), "setup")
    assert done.returncode == 0, done.stderr
    assert "a-token" not in done.stdout + done.stderr
    loaded = cli("--config", str(config), "load", "old_authors", "--format", "json")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == AUTHORS


def test_health(cli: Cli, blog: JsonServer, tmp_path: Path) -> None:
    config = tmp_path / "blog.yaml"
    config.write_text(PLAIN.format(url=blog.url))
    done = cli("--config", str(config), "health")
    assert done.returncode == 0, done.stdout + done.stderr


def test_misspelt_option(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text("sources:\n  a:\n    rest: {base_urll: \"https://x.example\"}\n    tables: []\n")
    done = cli("--config", str(config), "setup", "--plan")
    assert done.returncode != 0
    assert "did you mean \"base_url\"" in done.stderr
