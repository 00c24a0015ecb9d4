"""What people get wrong about REST APIs and SQLite files: each error says what, where, and what to do."""
from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.api_http import Answer, Api
from harness.project import Cli
from scratch_servers import Scratch

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Api(rows=20) as made:
        made.special["/html"] = lambda _: Answer(raw=b"<html>log in</html>", content_type="text/html")
        made.special["/empty"] = lambda _: Answer(raw=b"")
        made.special["/search"] = lambda _: Answer({"error": "q is missing"}, 400)
        made.special["/closed"] = lambda _: Answer({"error": "no such token"}, 401)
        yield made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "sources.yaml"


def rest(url: str, tables: str, more: str = "") -> str:
    return f"sources:\n  mistaken:\n    rest: {{base_url: '{url}', allow_private: true, max_retries: 0{more}}}\n    tables:\n{tables}"


def table(endpoint: str, columns: str = "{name: id, type: bigint}", more: str = "") -> str:
    return f"      - {{name: things, columns: [{columns}], options: {{endpoint: '{endpoint}'{more}}}}}\n"


@pytest.mark.parametrize(("endpoint", "more", "words"), [
    ("/nowhere", "", ["/nowhere: the server answered 404", "check base_url and the table's endpoint"]),
    ("/html", "", ["/html: cannot read JSON", "a page for people (text/html)"]),
    ("/html", ", format: csv", ["/html: cannot read CSV", "a page for people (text/html)"]),
    ("/empty", "", ["/empty: cannot read JSON"]),
    ("/closed", "", ["401", "check the credentials"]),
    ("/search", "", ["400 Bad Request", "q is missing", "required: true"]),
    ("/page/items", ", rows: /dta", ['nothing at "/dta"', "check the table's option rows"]),
    ("/page/items", ", rows: /data, page_style: page, page_start: 0, limit_param: per_page, total: /total",
     ["this page is empty", "See the option page_start"]),
    ("/cursor/items", ", page_style: cursor", ['needs option "cursor"']),
])
def test_setup_tells_of_an_endpoint(cli: Cli, api: Api, config: Path, endpoint: str, more: str,
                                    words: list[str]) -> None:
    config.write_text(rest(api.url, table(endpoint, more=more), f", auth_token: {SECRET}"))
    done = cli("--config", str(config), "setup")
    assert done.returncode != 0
    for word in ['source "mistaken"', 'table "things"', *words]:
        assert word in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_setup_tells_of_a_type(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url, table("/all/items", "{name: id, type: bigint}, {name: name, type: integer}")))
    done = cli("--config", str(config), "setup")
    assert 'table "things": row 1, column "name": the value does not fit type integer' in done.stderr
    assert "item 1" not in done.stderr


def test_setup_and_health_tell_of_a_server_that_is_down(cli: Cli, config: Path) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers, nobody else takes it
        taken.bind(("127.0.0.1", 0))
        config.write_text(rest(f"http://127.0.0.1:{taken.getsockname()[1]}", table("/all/items")))
        done = cli("--config", str(config), "setup")
        assert "cannot connect" in done.stderr and "check base_url, and that the API runs" in done.stderr
        health = cli("--config", str(config), "health", "--format", "json")
    assert health.returncode == 1
    found = {row["component"]: row for row in json.loads(health.stdout)}["mistaken"]
    assert found["healthy"] is False and "cannot connect" in found["details"]


def test_setup_tells_of_allow_private(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url, table("/all/items")).replace("allow_private: true, ", ""))
    assert "may set the server's option allow_private: true" in cli("--config", str(config), "setup").stderr


def test_setup_tells_of_a_server_without_tls(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url.replace("http:", "https:"), table("/all/items")))
    done = cli("--config", str(config), "setup")
    assert "is it http:// in base_url?" in done.stderr and "sslmode" not in done.stderr


def test_tables_that_need_a_value_are_set_up(cli: Cli, api: Api, config: Path) -> None:
    """They cannot be read as a whole, which is no fault."""
    config.write_text(rest(api.url, table("/users/{user_id}/orders", "{name: user_id, type: bigint}, {name: order, type: bigint}")))
    assert cli("--config", str(config), "setup").returncode == 0
    assert cli("--config", str(config), "health").returncode == 0
    done = cli("--config", str(config), "load", "things", "--filter", "user_id = 3", "--format", "csv")
    assert done.stdout.splitlines() == ["user_id,order", "3,30", "3,31", "3,32"]
    done = cli("--config", str(config), "load", "things")
    assert 'table "things": column "user_id" needs a value' in done.stderr


def test_setup_tells_of_a_path_without_a_column(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url, table("/users/{usr_id}/orders", "{name: user_id, type: bigint}")))
    done = cli("--config", str(config), "setup")
    assert 'column "usr_id" needs a value' in done.stderr and "the one that is called so" in done.stderr


def test_setup_notes_rows_without_values(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url, table("/page/items")))  # rows: /data is missing
    assert cli("--config", str(config), "setup").returncode == 0
    assert 'table "things": every column of its first row is NULL' in cli("--config", str(config), "health").stdout


def test_headers_may_be_a_mapping(cli: Cli, api: Api, config: Path) -> None:
    config.write_text(rest(api.url, table("/all/items", more=", headers: {X-Version: 2}, query: {kind: odd, limit: '5'}")))
    assert cli("--config", str(config), "setup").returncode == 0
    api.forget()
    assert cli("--config", str(config), "load", "things").returncode == 0
    assert api.requests[0].headers["x-version"] == "2"
    assert api.requests[0].query == {"kind": ["odd"], "limit": ["5"]}


@pytest.mark.parametrize(("text", "words"), [
    (rest("http://a", "      - {name: things, columns: [{name: id, type: bigint}]}\n"),
     ':5:9: a foreign table of "rest" needs the option "endpoint"'),
    ("sources:\n  mistaken:\n    rest: {max_retries: 1}\n", 'needs the option "base_url"'),
    (rest("http://a", table("http://b/c")), "must be a path behind the server's base_url"),
    (rest("http://a", table("/b"), f", headers: {{Authorization: {SECRET}}}"),
     'must not have "Authorization": what is secret belongs in the user mapping'),
    (rest("http://a", table("/b", more=f", query: {{api_key: {SECRET}}}")),
     'option "query" must not have "api_key": what is secret belongs in the user mapping, as api_key'),
    (rest("http://a", table("/b"), f", headers: '{{\"X-Api-Key\": \"{SECRET}\"}}'"), 'must not have "X-Api-Key"'),
    (rest("http://a", table("/b", "{name: id, type: bigint, options: {in_batch: 5}}")),
     'option "in_batch" needs option "param_in"'),
    ("sources:\n  mistaken:\n    sqlite: notes.db\n", 'option "path" must be an absolute path, not "notes.db"'),
])
def test_config_check_tells_of_options_together(cli: Cli, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    done = cli("config", "check", str(path))
    assert done.returncode == 3
    assert words in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_an_unset_variable_is_one_problem(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(rest("http://a", table("/b"), ", auth_token: '${NOT_SET_ANYWHERE}'"))
    done = cli("config", "check", str(path))
    assert done.returncode == 3
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    assert 'variable "NOT_SET_ANYWHERE" is not set' in done.stdout + done.stderr


# ---- SQLite


@pytest.fixture
def notes(scratch: Scratch) -> Iterator[Path]:
    folder = scratch.path / "notes"
    folder.mkdir()
    path = folder / "notes.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE notes_of_mine (id INTEGER PRIMARY KEY, title TEXT)")
        file.execute("INSERT INTO notes_of_mine (title) VALUES ('one'), ('two')")
    folder.chmod(0o755)
    yield path
    path.unlink()
    folder.rmdir()


def test_a_file_is_imported_whole(cli: Cli, config: Path, notes: Path) -> None:
    config.write_text(f"sources:\n  notebook: {{sqlite: {notes}}}\n")
    done = cli("--config", str(config), "setup")
    assert done.returncode == 0, done.stderr
    done = cli("--config", str(config), "load", "notes_of_mine", "--order-by", "id", "--format", "csv")
    assert done.stdout.splitlines() == ["id,title", "1,one", "2,two"]
    assert "ok: 1 table" in cli("--config", str(config), "health").stdout


@pytest.mark.parametrize(("place", "words"), [
    ("nothing.db", ["No such file or directory"]),
    ("", ["it is a directory"]),
])
def test_setup_tells_of_a_file(cli: Cli, config: Path, notes: Path, place: str, words: list[str]) -> None:
    config.write_text(f"sources:\n  notebook: {{sqlite: {notes.parent / place}}}\n")
    done = cli("--config", str(config), "setup")
    assert done.returncode != 0 and 'source "notebook": cannot open' in done.stderr
    for word in words:
        assert word in done.stderr
    assert "make that type" not in done.stderr


def test_setup_tells_of_a_table_that_the_file_has_not(cli: Cli, config: Path, notes: Path) -> None:
    config.write_text(f"sources:\n  notebook:\n    sqlite: {notes}\n    tables:\n"
                      "      - {name: lost, columns: [{name: id, type: bigint}]}\n")
    assert 'table "lost": SQLite says: no such table: lost' in cli("--config", str(config), "setup").stderr


def test_health_looks_for_tables_without_columns(cli: Cli, config: Path, notes: Path) -> None:
    config.write_text(f"sources:\n  notebook:\n    sqlite: {notes}\n    tables: [notes_of_mine]\n")
    assert cli("--config", str(config), "setup").returncode == 0
    assert "ok: 1 table" in cli("--config", str(config), "health").stdout
    config.write_text(config.read_text().replace("[notes_of_mine]", "[notes_of_mine, lost]"))
    done = cli("--config", str(config), "health")
    assert done.returncode == 1 and 'the source has no table "lost"' in done.stdout


def test_setup_tells_of_a_file_that_is_closed_to_the_hub(cli: Cli, config: Path, notes: Path) -> None:
    notes.chmod(0o000)
    config.write_text(f"sources:\n  notebook: {{sqlite: {notes}}}\n")
    done = cli("--config", str(config), "setup")
    notes.chmod(0o644)
    assert "Permission denied" in done.stderr and "the user that the hub runs as" in done.stderr
