"""A configuration that lists no tables: the API's document does."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.api_http import Answer, Api
from scratch_servers import PostgresServer

from .test_rest_import import DOCUMENT


def test_everything_is_imported(api: Api, cli: Callable[..., Any], tmp_path: Path) -> None:
    api.special["/openapi.json"] = lambda request: Answer(DOCUMENT)
    config = tmp_path / "shop.yaml"
    config.write_text("sources:\n  shop:\n    rest:\n"
                      f"      {{base_url: \"{api.url}\", allow_private: true, document: /openapi.json}}\n")
    done = cli("--config", str(config), "setup")
    assert done.returncode == 0, done.stderr
    loaded = cli("--config", str(config), "load", "page_items", "--format", "json")
    assert loaded.returncode == 0, loaded.stderr
    assert [row["id"] for row in json.loads(loaded.stdout)] == list(range(1, 1001))


def test_who_may_not_create_the_extension_is_told_what_to_ask_for(hub: PostgresServer, cli: Callable[..., Any],
                                                                  tmp_path: Path) -> None:
    hub.sql("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    hub.sql("CREATE DATABASE bare")
    hub.sql("GRANT CREATE ON DATABASE bare TO plain")
    config = tmp_path / "words.yaml"
    config.write_text("sources:\n  words:\n    sqlite: /nowhere.db\n    tables: [{name: words, columns: [{name: id, type: int}]}]\n")
    done = cli("--hub", hub.url("bare", "plain", "plain"), "--config", str(config), "setup")
    assert "GRANT USAGE ON FOREIGN DATA WRAPPER instant_sqlite TO" in done.stderr, done.stderr
