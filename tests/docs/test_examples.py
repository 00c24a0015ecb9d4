"""Every example of README.md and docs/ is run, page by page, from top to bottom.

A page begins in a folder with the demo's configuration as sources.yaml, which is set up, and a hub of its own.
$SHOP_API is the address of a json-server with customers and orders, $NOTES a path that the hub's user can read.

    ```python     runs in the page's namespace; `await` may stand at the top, as in a notebook
    ```sh         runs if its first line begins with `instant `; each line must succeed
    ```yaml       is checked if it is a whole configuration (it has sources, extension or hub)

A comment in front of a block changes that:

    <!-- file: NAME -->          the block is also kept under that name, for the blocks after it
    <!-- fails: WORDS -->        the block must fail, and say these words
    <!-- not run: WHY -->        for what cannot be run
"""
from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.json_server import JsonServer
from harness.project import ROOT, Sources, cli_path
from scratch_servers import PostgresServer, Scratch

FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- *(?P<mark>[a-z ]+): *(?P<words>.*?) *-->\s*?\n+ *)?"
    r"```(?P<language>[a-z]*)[^\n]*\n(?P<text>.*?)^ *```\s*$", re.MULTILINE | re.DOTALL)
WHOLE = re.compile(r"^(sources|extension|type|hub|postgres_config):", re.MULTILINE)

SHOP = """
CREATE SCHEMA sales;
CREATE TABLE sales.orders (order_id integer PRIMARY KEY, amount numeric, order_date date);
INSERT INTO sales.orders SELECT i, i % 500, date '2023-06-01' + i % 700 FROM generate_series(1, 5000) i;
ANALYZE sales.orders;
"""


CUSTOMERS = [{"id": i, "name": f"customer {i}", "address": {"city": ("Lyon", "Turin", "Graz")[i % 3]}}
             for i in range(1, 251)]
ORDERS = [{"id": i, "customerId": i % 250 + 1, "amount": i / 4, "placedAt": f"2024-{i % 12 + 1:02}-01T08:00:00Z"}
          for i in range(1, 1001)]


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    mark: str
    words: str


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        indent = len(match["indent"])
        body = "".join(line[indent:] if line[:indent].isspace() else line
                       for line in match["text"].splitlines(keepends=True))
        found.append(Block(str(page.relative_to(ROOT)), text.count("\n", 0, match.start("text")) + 1,
                           match["language"], body, match["mark"] or "", match["words"] or ""))
    return found


def is_run(block: Block) -> bool:
    if block.mark == "not run":
        return False
    if block.language == "yaml":
        return block.mark == "file" or WHOLE.search(block.text) is not None
    return block.language == "python" or (block.language == "sh" and block.text.startswith("instant "))


@pytest.fixture(scope="session")
def shop(postgres_source: PostgresServer) -> dict[str, str]:
    """The database that the examples which are not about flights speak of."""
    postgres_source.sql("CREATE DATABASE shop")
    postgres_source.sql(SHOP, "shop")
    return {"SHOP_HOST": postgres_source.host, "SHOP_PORT": str(postgres_source.port),
            "SHOP_USER": postgres_source.username, "SHOP_PASSWORD": postgres_source.password}


@pytest.fixture(scope="session")
def shop_api(scratch: Scratch) -> Iterator[str]:
    """The API that examples speak of."""
    server = JsonServer(scratch, {"customers": CUSTOMERS, "orders": ORDERS})
    yield server.url
    server.stop()


@pytest.fixture
def page_folder(scratch: Scratch, flights_sources: Sources, shop: dict[str, str], shop_api: str, tmp_path: Path,
                monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = scratch.path / f"page-{os.urandom(4).hex()}"
    for name, value in {**shop, "INSTANT_HOME": str(home), "SHOP_API": shop_api, "NOTES": f"{home}-notes.db",
                        "PATH": f"{Path(cli_path()).parent}:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    shutil.copy(flights_sources.path, tmp_path / "sources.yaml")
    monkeypatch.chdir(tmp_path)
    instant("--config", "sources.yaml", "setup")
    yield tmp_path
    instant("hub", "destroy", "--yes")


def instant(*arguments: str) -> None:
    done = subprocess.run([cli_path(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    # Blank lines in front make the line numbers of a traceback those of the page.
    code = compile("\n" * (block.line - 1) + block.text, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


def run_shell(block: Block) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr or done.stdout}")


def run_yaml(block: Block) -> None:
    Path("example.yaml").write_text(block.text)
    environment = dict(os.environ)
    for name in re.findall(r"\$\{(\w+)\}", block.text):
        environment.setdefault(name, "5432")
    done = subprocess.run([cli_path(), "config", "check", "example.yaml"], stdin=subprocess.DEVNULL, env=environment,
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr or done.stdout)


def run(block: Block, namespace: dict[str, Any]) -> None:
    if block.mark == "file":
        Path(block.words).write_text(block.text)
    if block.language == "python":
        run_python(block, namespace)
    elif block.language == "sh":
        run_shell(block)
    else:
        run_yaml(block)


@pytest.mark.parametrize("page", [page for page in pages() if any(map(is_run, blocks(page)))],
                         ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of(page: Path, page_folder: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in filter(is_run, blocks(page)):
        where = f"{block.page}:{block.line}"
        if block.mark == "fails":
            with pytest.raises(Exception, match=re.escape(block.words)):
                run(block, namespace)
            continue
        try:
            run(block, namespace)
        except Exception as error:
            raise AssertionError(f"{where}: {error}") from error


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of(page: Path) -> None:
    """Links to files of the repository lead somewhere."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_examples_are_found() -> None:
    assert sum(is_run(block) for page in pages() for block in blocks(page)) >= 10
