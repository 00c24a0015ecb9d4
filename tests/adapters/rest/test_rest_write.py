"""INSERT, UPDATE and DELETE of the adapter rest as requests, each sent once."""
from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from harness import relation as rel
from harness.api_http import Answer, Api
from harness.source_client import SourceError, SourceSession

INSERT, UPDATE, DELETE = range(3)
TABLE = {"endpoint": "/rows", "insert_method": "POST", "update_method": "PATCH", "delete_method": "DELETE",
         "row_endpoint": "/rows/{id}"}
ID = rel.column("id", rel.INT8)
NAME = rel.column("name", rel.TEXT)
CITY = rel.column("city", rel.TEXT, path="/address/city")
PRICE = rel.column("price", rel.NUMERIC)
MORE = rel.column("more", rel.JSONB)


def modify(session: SourceSession, kind: int, columns: Sequence[rel.Column], rows: Sequence[Sequence[str | None]],
           key_count: int = 0, **options: str) -> dict[str, int]:
    table = rel.scan("rows", columns, TABLE | options)
    stats = session.modify(kind, table, rows, key_count=key_count).stats
    assert stats is not None
    return stats


def test_rows_are_inserted_as_typed_json(session: SourceSession, api: Api) -> None:
    stats = modify(session, INSERT, [NAME, CITY, PRICE, MORE],
                   [["a \"b\"", "Oslo", "1.50", '{"x": [1]}'], [None, None, "2", None]])
    assert stats["rows"] == 2
    assert [json.loads(request.body) for request in api.requests] == [
        {"name": "a \"b\"", "address": {"city": "Oslo"}, "price": 1.5, "more": {"x": [1]}}, {"price": 2}]
    assert [(request.method, request.path) for request in api.requests] == [("POST", "/rows")] * 2
    assert api.requests[0].headers["content-type"] == "application/json"


def test_rows_may_be_inserted_by_the_batch(session: SourceSession, api: Api) -> None:
    stats = modify(session, INSERT, [NAME], [["a"], ["b"], ["c"]], insert_batch="2")
    assert stats["rows"] == 3
    assert [json.loads(request.body) for request in api.requests] == [[{"name": "a"}, {"name": "b"}], [{"name": "c"}]]


def test_rows_are_changed_and_removed_by_their_key(session: SourceSession, api: Api) -> None:
    api.written = {"1": {"id": 1, "name": "a"}, "a/b": {"id": "a/b", "name": "b"}, "3": {"id": 3, "name": "c"}}
    assert modify(session, UPDATE, [ID, NAME, PRICE], [["1", "A", None], ["9", "no", "1"]], 1)["rows"] == 1
    assert api.written["1"] == {"id": 1, "name": "A", "price": None}
    assert modify(session, UPDATE, [ID, NAME], [["3", "C"]], 1, update_method="PUT")["rows"] == 1
    assert api.written["3"] == {"name": "C"}
    assert modify(session, DELETE, [ID], [["3"], ["9"]], 1)["rows"] == 1
    assert [(request.method, request.path) for request in api.requests] == [
        ("PATCH", "/rows/1"), ("PATCH", "/rows/9"), ("PUT", "/rows/3"), ("DELETE", "/rows/3"), ("DELETE", "/rows/9")]
    with pytest.raises(SourceError, match="cannot stand in the address"):
        modify(session, DELETE, [rel.column("id", rel.TEXT)], [[".."]], 1)
    with pytest.raises(SourceError, match='column "id" is null'):
        modify(session, DELETE, [ID], [[None]], 1)


def test_a_failure_says_how_many_rows_were_written(session: SourceSession, api: Api) -> None:
    def refuse(request: object) -> Answer:
        name = json.loads(request.body)["name"]  # type: ignore[attr-defined]
        return Answer({"error": "no"}, 422) if name == "c" else Answer({}, 201)
    api.special["/rows"] = refuse
    with pytest.raises(SourceError, match="^[0-9A-Z]+: 2 of 4 rows were written: .*422"):
        modify(session, INSERT, [NAME], [["a"], ["b"], ["c"], ["d"]])
    assert len(api.requests) == 3


@pytest.mark.parametrize(("options", "tries"), [({}, 1), ({"idempotent": "true"}, 3), ({"idempotency_header": "true"}, 3)])
def test_nothing_is_written_twice_unless_that_is_harmless(session: SourceSession, api: Api, options: dict[str, str],
                                                          tries: int) -> None:
    def fail_twice(request: object) -> Answer:
        return Answer({}, 503) if len(api.requests) < 3 else Answer({}, 201)
    api.special["/rows"] = fail_twice
    if tries == 1:
        with pytest.raises(SourceError, match="0 of 1 rows were written"):
            modify(session, INSERT, [NAME], [["a"]], **options)
    else:
        assert modify(session, INSERT, [NAME], [["a"]], **options)["rows"] == 1
    assert len(api.requests) == tries
    keys = {request.headers.get("idempotency-key") for request in api.requests}
    assert len(keys) == 1 and (None in keys) == ("idempotency_header" not in options)


def test_what_is_not_declared_is_not_written(session: SourceSession, api: Api) -> None:
    table = rel.scan("rows", [ID], {"endpoint": "/rows"})
    with pytest.raises(SourceError, match="no option for this kind of write"):
        session.modify(DELETE, table, [["1"]], key_count=1)
    assert api.requests == []
