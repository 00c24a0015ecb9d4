"""The JSON Schema that `instant config schema` prints: valid, and it takes what the loader takes."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

REPO_ROOT = Path(__file__).resolve().parents[2]
CLI = os.environ.get("INSTANT_CLI", str(REPO_ROOT / "build" / "instant"))
EXAMPLES = sorted((REPO_ROOT / "config").glob("*.yaml"))


def load_yaml(text):
    """A flow mapping may hold ${NAME}, which only our loader reads without quotes."""
    return yaml.safe_load(re.sub(r"(?<=[ ,])(\$\{[^}\n]*\})(?=[,}\s])", r'"\1"', text))


@pytest.fixture(scope="module")
def validator():
    printed = subprocess.run([CLI, "config", "schema"], check=True, capture_output=True, text=True)
    schema = json.loads(printed.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_fit(validator, path):
    validator.validate(load_yaml(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub: embedded",
        "postgres_config: {host: h, port: 5432, database: d, username: u, password: p}",
        "sources: {shop: 'postgresql://user@host/db', web: 'mysql://user:pw@host:3306/db'}",
        "sources: {a: 'sqlite:///x.db', b: {mysql: {host: h, database: d}}, c: {mysql: 'mysql://h/d', wrapper: mysql_fdw},"
        " d: {postgres: {host: h}}, e: {extension: postgres_fdw, wrapper: instant_postgres}}",
        "sources: {s: {url: 'postgresql://h/d', import: [a, b], schema: x, enabled: 'no'}}",
        "sources: {s: {type: file_fdw, server_options: {}, user_mapping: {user: current_user}}}",
        "sources: {s: {type: x, tables: [a, {name: b, columns: [{name: c, type: text,"
        " not_null: true, default: 0, description: d, options: {column_name: C}}]}]}}",
        "version: 1\nmetadata: {a: [1, {b: c}]}\nglobal_settings: {connection_timeout: 1.5,"
        " query_timeout: '900', retry_attempts: 3, enable_push_down: false, pool_size: '${N:-4}'}",
        "sources:\n  s:\n    type: x\n    tables:\n    description:\n",
    ],
)
def test_accepts(validator, text):
    validator.validate(load_yaml(text))


@pytest.mark.parametrize(
    "text",
    [
        "source: {}",
        "sources: []",
        "sources: {s: {extnsion: postgres_fdw}}",
        "sources: {s: {type: x, tables: {a: b}}}",
        "sources: {s: {type: x, tables: [{name: t, columns: [{name: a}]}]}}",
        "sources: {s: {type: x, enabled: perhaps}}",
        "extension: x\nsources: {s: 'postgresql://h/d'}",
        "global_settings: {enable_pushdown: true}",
    ],
)
def test_refuses(validator, text):
    assert not validator.is_valid(load_yaml(text))
