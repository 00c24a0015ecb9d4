"""instant-source by hand: a relation in, an Arrow stream out."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from harness import relation as rel
from harness.source_client import program
from requests_of_hub import WORDS, numbers

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_one(*arguments: object, relation: rel.Relation | None = None, env: dict[str, str] | None = None,
                given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        data = given if given is not None else b"" if relation is None else rel.write(relation)
        return subprocess.run([program(), *map(str, arguments)], input=data, capture_output=True, timeout=60,
                              env={**os.environ, **(env or {})})
    return run_one


def rows(done: subprocess.CompletedProcess[bytes]) -> list[tuple[object, ...]]:
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    columns = [column.to_pylist() for column in pa.ipc.open_stream(done.stdout).read_all().columns]
    return list(zip(*columns, strict=True))


def test_a_relation_becomes_an_arrow_stream(run: Run, database: Path) -> None:
    found = rows(run("--adapter", "sqlite", "--server-option", f"path={database}", relation=WORDS))
    assert found == [(1, "one"), (2, "two"), (3, None)]


def test_a_long_answer_comes_whole(run: Run, database: Path) -> None:
    done = run("--adapter=sqlite", f"--server-option=path={database}", relation=numbers(300_000))
    assert rows(done) == [(i,) for i in range(1, 300_001)]


def test_relation_and_values_come_from_files(run: Run, database: Path, tmp_path: Path) -> None:
    relation, values = tmp_path / "relation", tmp_path / "values"
    relation.write_bytes(rel.write(rel.filter_(
        WORDS, rel.compare("=", rel.col(WORDS, 1), rel.param(rel.TEXT, 0)))))
    values.write_bytes(rel.u8(rel.VERSION) + rel.values((rel.TEXT, "two")))
    arguments = ["--adapter", "sqlite", "--server-option", f"path={database}", "--relation", relation]
    assert rows(run(*arguments, "--values", values)) == [(2, "two")]
    done = run(*arguments)
    assert done.returncode == 1 and b"22023" in done.stderr


def test_errors_have_an_sqlstate_and_exit_1(run: Run, database: Path) -> None:
    base = ["--adapter", "sqlite", "--server-option", f"path={database}"]
    cases: list[tuple[list[object], bytes, str]] = [
        ([*base], rel.write(rel.scan("nowhere", [rel.column("x", rel.INT4)])), "42P01: SQLite says: no such table"),
        ([*base], b"", "cannot read the relation"),
        ([*base], rel.write(WORDS)[:-1], "cannot read the relation"),
        ([*base, "--relation", "/nonexistent"], b"", "cannot open"),
        (["--adapter", "sqlite"], b"", "path"),
        ([*base, "--server-option", "paht=x"], b"", "paht"),
        ([*base, "--user-option", "password=x"], b"", "password"),
        (["--adapter", "oracle"], b"", 'no adapter "oracle"'),
        (["--options", "oracle"], b"", 'no adapter "oracle"'),
    ]
    for arguments, given, words in cases:
        done = run(*arguments, given=given)
        assert done.returncode == 1, arguments
        assert words in done.stderr.decode(), done.stderr
        assert done.stdout == b""


def test_arguments_that_make_no_sense_exit_2(run: Run) -> None:
    for arguments in (["--nonsense"], ["--adapter"], ["left over"], [], ["--server-option", "x"],
                      ["--server-option", "=x"], ["--adapter", "sqlite", "more"]):
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert b"usage: instant-source" in done.stderr and done.stdout == b""


def test_help_and_version(run: Run) -> None:
    assert run("--help").stdout.startswith(b"usage: instant-source")
    assert run("--version").stdout.startswith(b"instant-source ")
    assert run("--help").returncode == run("--version").returncode == 0


def test_print_and_explain_ask_nobody(run: Run) -> None:
    relation = rel.limit(rel.filter_(WORDS, rel.compare("=", rel.col(WORDS, 1), rel.const(rel.TEXT, "it's"))), 5)
    printed = run("--print", relation=relation)
    assert printed.returncode == 0 and b"words" in printed.stdout and b"limit 5" in printed.stdout
    explained = run("--adapter", "sqlite", "--explain", relation=relation)
    assert explained.stdout.decode() == (
        'SELECT t1."id", t1."word" FROM "words" AS t1 WHERE (t1."word" = \'it\'\'s\' COLLATE BINARY) LIMIT 5\n')


def test_explain_takes_options_as_a_scan_does(run: Run, tmp_path: Path) -> None:
    table = rel.scan("t", [rel.column("id", rel.INT8)], {"endpoint": "/items"})
    path = tmp_path / "options"
    path.write_text("base_url = https://api.example\nauth_token = s3cret\n")
    path.chmod(0o600)
    explained = run("--adapter", "rest", "--option-file", path, "--explain", relation=table)
    assert explained.stdout.decode() == "GET https://api.example/items\n"
    wrong = run("--adapter", "rest", "--server-option", "base_urll=https://api.example", "--explain", relation=table)
    assert wrong.returncode == 1 and b"base_urll" in wrong.stderr


def test_options_are_a_page_of_the_reference(run: Run) -> None:
    page = run("--options", "sqlite").stdout.decode()
    assert page.startswith("# Options of SQLite files\n\nWrapper `instant_sqlite`.\n\n## Server\n")
    assert "| `path` | text | required | the database file" in page and "(superusers only) |\n" in page
    assert "| `on_error` | `error`, `null` | `error` |" in page
    assert "(secret)" in run("--options", "rest").stdout.decode()
    assert "| `credential` |" in run("--options", "rest").stdout.decode()


def test_an_option_file_is_private(run: Run, database: Path, tmp_path: Path) -> None:
    path = tmp_path / "options"
    path.write_text(f"# of a test\npath = {database}\nbusy_timeout = 1s\n")
    path.chmod(0o644)
    done = run("--adapter", "sqlite", "--option-file", path, relation=WORDS)
    assert done.returncode == 1 and b"its mode is 0644" in done.stderr
    path.chmod(0o600)
    assert len(rows(run("--adapter", "sqlite", "--option-file", path, relation=WORDS))) == 3
    path.write_text("nonsense\n")
    done = run("--adapter", "sqlite", "--option-file", path, relation=WORDS)
    assert done.returncode == 1 and b"at line 1" in done.stderr and b"nonsense" not in done.stderr


def test_a_full_disk_is_an_error(database: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program(), "--adapter", "sqlite", "--server-option", f"path={database}"],
                              input=rel.write(WORDS), stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"58030: cannot write the rows" in done.stderr
