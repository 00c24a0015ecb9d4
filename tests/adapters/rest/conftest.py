"""An API, sessions of instant-source over it, tables of it, and hubs that can read them."""
from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import relation as rel
from harness.api_http import Api
from harness.source_client import SourceSession
from scratch_servers import PostgresServer, Scratch, server_tree

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "pg"))
from extension_build import MAJORS, build_folder, pg_config  # noqa: E402


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(rows=1000) as made:
        yield made


@pytest.fixture
def session(api: Api) -> Iterator[SourceSession]:
    options = {"base_url": api.url, "allow_private": "true", "retry_delay": "1ms"}
    with SourceSession("rest", server_options=options) as made:
        yield made


STYLES: dict[str, dict[str, str]] = {
    "all": {"endpoint": "/all/items", "limit_param": "limit"},
    "page": {"endpoint": "/page/items", "rows": "/data", "page_style": "page", "limit_param": "per_page"},
    "offset": {"endpoint": "/offset/items", "rows": "/data", "page_style": "offset"},
    "keyset": {"endpoint": "/keyset/items", "rows": "/data", "page_style": "keyset", "limit_param": "limit",
               "cursor_param": "after", "cursor": "/id"},
    "cursor": {"endpoint": "/cursor/items", "rows": "/data", "page_style": "cursor", "limit_param": "limit",
               "cursor_param": "cursor", "cursor": "/meta/next"},
    "next_url": {"endpoint": "/next/items", "rows": "/data", "page_style": "next_url", "limit_param": "limit",
                 "next": "/next"},
    "link": {"endpoint": "/link/items", "page_style": "link", "limit_param": "limit"},
}


@pytest.fixture
def items() -> Callable[..., rel.Relation]:
    """items("page", total="/total"): the table of a style; columns are id, name, kind, price, made."""
    def make(style: str, *, columns: list[rel.Column] | None = None, **options: Any) -> rel.Relation:
        made = columns or [
            rel.column("id", rel.INT8, param="id", param_in="ids", in_batch="100"),
            rel.column("name", rel.TEXT, param="name", param_in="names", param_like="q"),
            rel.column("kind", rel.TEXT, param="kind", param_exact="true"),
            rel.column("price", rel.NUMERIC, param_ge="min", param_lt="below", param_exact="true"),
            rel.column("made", rel.TIMESTAMPTZ, param_ge="from"),
        ]
        return rel.scan("items", made, STYLES[style] | options)
    return make


@pytest.fixture(scope="module", params=MAJORS, ids=lambda major: f"pg{major}")
def hub(scratch: Scratch, request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    files, config = build_folder() / "fdw" / f"pg{request.param}", pg_config(request.param)
    program = os.environ.get("INSTANT_SOURCE", str(build_folder() / "instant-source"))
    made = PostgresServer(scratch, {"jit": "off", "instant.source_program": program}, server_tree(scratch, files, config))
    yield made
    made.stop()
