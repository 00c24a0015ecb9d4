"""IMPORT FOREIGN SCHEMA of the adapter rest: documents from the API, elsewhere, and files."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import relation as rel
from harness.api_http import Answer, Api
from harness.source_client import SourceError, SourceSession

DOCUMENT = {
    "openapi": "3.0.3", "info": {"title": "items", "version": "1"},
    "paths": {
        "/page/items": {"get": {
            "parameters": [
                {"name": "page", "in": "query", "schema": {"type": "integer"}},
                {"name": "per_page", "in": "query", "schema": {"type": "integer", "maximum": 80}},
                {"name": "id", "in": "query", "schema": {"type": "integer"}}],
            "responses": {"200": {"content": {"application/json": {"schema": {
                "type": "object",
                "properties": {"total": {"type": "integer"},
                               "data": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}}}}}}}},
        "/users/{user_id}/orders": {"get": {
            "parameters": [{"name": "user_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "responses": {"200": {"content": {"application/json": {"schema": {
                "type": "array", "items": {"type": "object", "properties": {"order": {"type": "integer"}}}}}}}}}},
    },
    "components": {"schemas": {"Item": {"type": "object", "properties": {
        "id": {"type": "integer", "format": "int32"}, "name": {"type": "string"},
        "made": {"type": "string", "format": "date-time"}, "more": {"type": "object"}}}}},
}
TYPES = {"integer": rel.INT4, "bigint": rel.INT8, "text": rel.TEXT, "timestamp with time zone": rel.TIMESTAMPTZ,
         "jsonb": rel.JSONB}


def test_what_is_imported_can_be_read(session: SourceSession, api: Api) -> None:
    api.special["/openapi.json"] = lambda request: Answer(DOCUMENT)
    found = {name: (options, columns)
             for name, options, columns in session.tables("any", options={"document": "openapi.json"})}
    assert sorted(found) == ["page_items", "users_orders"]
    tables = {name: rel.scan(name, [rel.column(each.name, TYPES[each.type], **each.options) for each in columns], options)
              for name, (options, columns) in found.items()}
    api.forget()
    rows = session.open(tables["page_items"]).rows()
    assert len(rows) == 1000 and rows[0][:2] == (1, "item 1")
    assert len(api.requests) == 13 and api.requests[0].query == {"per_page": ["80"], "page": ["1"]}
    orders = tables["users_orders"]
    wanted = rel.filter_(orders, rel.compare("=", rel.col(orders, 0), rel.const(rel.INT8, "2")))
    assert session.open(wanted).rows() == [(2, 20), (2, 21)]
    assert next(iter(session.tables("any", only=["users_orders"], options={"document": "/openapi.json"})))[0] == \
        "users_orders"
    assert [table[0] for table in session.tables("any", but=["users_orders"], options={"document": "/openapi.json"})] == \
        ["page_items"]


def test_the_server_may_name_the_document(api: Api) -> None:
    api.special["/openapi.json"] = lambda request: Answer(DOCUMENT)
    server = {"base_url": api.url, "allow_private": "true", "document": "/openapi.json"}
    with SourceSession("rest", server_options=server) as session:
        assert len(list(session.tables("any"))) == 2


def test_a_document_elsewhere_gets_no_secret(session: SourceSession, api: Api) -> None:
    with Api() as elsewhere:
        elsewhere.special["/d.json"] = lambda request: Answer(DOCUMENT)
        server = {"base_url": api.url, "allow_private": "true"}
        with SourceSession("rest", server_options=server, user_options={"auth_token": "canary"}) as mine:
            assert len(list(mine.tables("any", options={"document": elsewhere.url + "/d.json"}))) == 2
        assert "authorization" not in elsewhere.requests[0].headers and api.requests == []


def test_a_file_is_for_superusers(session: SourceSession, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT))
    assert len(list(session.tables("any", options={"document": f"file:{path}"}))) == 2
    with pytest.raises(SourceError, match="is no file"):
        list(session.tables("any", options={"document": f"file:{tmp_path}"}))
    with SourceSession("rest", server_options={"base_url": api.url}, may_use_local=False) as plain, \
            pytest.raises(SourceError, match="superuser"):
        list(plain.tables("any", options={"document": f"file:{path}"}))


@pytest.mark.parametrize(("document", "message"), [("{", "no JSON"), ("[1]", "neither OpenAPI"), ("", "empty")])
def test_other_documents_are_refused(session: SourceSession, api: Api, document: str, message: str) -> None:
    api.special["/d"] = lambda request: Answer(raw=document.encode())
    with pytest.raises(SourceError, match=message):
        list(session.tables("any", options={"document": "/d"}))
    with pytest.raises(SourceError, match="document"):
        list(session.tables("any"))
