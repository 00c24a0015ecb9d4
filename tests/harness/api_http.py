"""A well-behaved REST API of the tests' own that keeps a log of what it was asked.

    with Api(rows=10_000) as api:
        api.url + "/page/items?page=2&per_page=100"
        api.requests        # [Request("GET", "/page/items", {"page": ["2"], …}, …), …]

The rows are {"id": 1, "name": "item 1", "kind": "odd", "price": 0.5, "made": "2024-01-01T00:00:01Z", "more": {…}}.
A collection's first segment says how its pages are asked for: all, page, offset, keyset, cursor, next, link. Each
takes the filters id, ids (comma or repeated), name (in any case), kind, min, below, from, q, sort, fields.
Switches of an Api say where it is less than well-behaved: how many rows a page has at most, which answers fail.
"""
from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]
Query = dict[str, list[str]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Query
    headers: dict[str, str]
    body: bytes = b""

    def one(self, name: str, default: str | None = None) -> str | None:
        return self.query[name][0] if name in self.query else default


@dataclass
class Answer:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    pieces: Iterable[bytes] | None = None  # instead of a body: each is sent when it comes


def item(i: int) -> Row:
    return {"id": i, "name": f"item {i}", "kind": "odd" if i % 2 else "even", "price": i / 2,
            "made": f"2024-01-01T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}Z",
            "more": {"n": i, "tags": [f"t{i % 10}"]}}


def _split(values: list[str]) -> list[str]:
    return [part for value in values for part in value.split(",")]


_FILTERS: dict[str, Callable[[Row, list[str]], bool]] = {
    "id": lambda row, values: str(row["id"]) in values,
    "ids": lambda row, values: str(row["id"]) in _split(values),
    "name": lambda row, values: row["name"].lower() == values[0].lower(),
    "names": lambda row, values: row["name"].lower() in [value.lower() for value in _split(values)],
    "kind": lambda row, values: row["kind"] in values,
    "min": lambda row, values: row["price"] >= float(values[0]),
    "below": lambda row, values: row["price"] < float(values[0]),
    "from": lambda row, values: row["made"] >= values[0],
    "q": lambda row, values: row["name"].startswith(values[0]),
}


class Api:
    def __init__(self, rows: int = 100) -> None:
        self.rows = [item(i + 1) for i in range(rows)]
        self.written: dict[str, Row] = {}
        self.max_page = 1_000_000
        self.requests: list[Request] = []
        self.ids_asked: list[str] = []
        self.special: dict[str, Callable[[Request], Answer]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Api:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def forget(self) -> None:
        self.requests.clear()

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def asked(self, name: str) -> list[str | None]:
        return [request.one(name) for request in self.requests]

    # ---- answers

    def answer(self, request: Request) -> Answer:
        if request.path in self.special:
            return self.special[request.path](request)
        parts = request.path.strip("/").split("/")
        if parts[0] == "rows":
            return self._write(request, parts[1:])
        if parts[0] == "users" and len(parts) == 3:
            return self._orders(parts[1])
        if parts[0] == "one":
            found = [row for row in self.rows if str(row["id"]) == parts[1]]
            return Answer(found[0]) if found else Answer({"error": "no such item"}, 404)
        style = getattr(self, f"_by_{parts[0]}", None)
        return style(request, self._select(request)) if style else Answer({"error": "what?"}, 404)

    def _select(self, request: Request) -> list[Row]:
        rows = self.rows
        for name, passes in _FILTERS.items():
            if name in request.query:
                rows = [row for row in rows if passes(row, request.query[name])]
        sort = request.one("sort")
        if sort:
            for key in reversed(sort.split(",")):
                rows = sorted(rows, key=lambda row: row[key.lstrip("-")], reverse=key.startswith("-"))
        fields = request.one("fields")
        if fields:
            rows = [{name: row[name] for name in fields.split(",")} for row in rows]
        return rows

    def _size(self, request: Request, name: str = "limit") -> int:
        return min(int(request.one(name, "50") or 50), self.max_page)

    def _by_all(self, request: Request, rows: list[Row]) -> Answer:
        limit = request.one("limit")
        return Answer(rows[:int(limit)] if limit else rows)

    def _by_page(self, request: Request, rows: list[Row]) -> Answer:
        size, page = self._size(request, "per_page"), int(request.one("page", "1") or 1)
        return Answer({"data": rows[(page - 1) * size:page * size], "total": len(rows), "page": page,
                       "pages": -(-len(rows) // size)}, headers={"X-Total-Count": str(len(rows))})

    def _by_offset(self, request: Request, rows: list[Row]) -> Answer:
        size, offset = self._size(request), int(request.one("offset", "0") or 0)
        return Answer({"total": len(rows), "offset": offset, "data": rows[offset:offset + size]})

    def _by_keyset(self, request: Request, rows: list[Row]) -> Answer:
        after = int(request.one("after", "0") or 0)
        found = [row for row in rows if row["id"] > after][:self._size(request)]
        more = bool(found) and found[-1]["id"] < (rows[-1]["id"] if rows else 0)
        return Answer({"data": found, "has_more": more})

    def _by_cursor(self, request: Request, rows: list[Row]) -> Answer:
        begin, size = int(request.one("cursor", "c0")[1:]), self._size(request)  # type: ignore[index]
        end = begin + size
        return Answer({"data": rows[begin:end], "meta": {"next": f"c{end}" if end < len(rows) else None}})

    def _next(self, request: Request, rows: list[Row]) -> tuple[list[Row], str | None]:
        begin, size = int(request.one("begin", "0") or 0), self._size(request)
        end = begin + size
        more = f"{request.path}?begin={end}&limit={size}" if end < len(rows) else None
        return rows[begin:end], more

    def _by_next(self, request: Request, rows: list[Row]) -> Answer:
        found, more = self._next(request, rows)
        return Answer({"data": found, "next": more})

    def _by_link(self, request: Request, rows: list[Row]) -> Answer:
        found, more = self._next(request, rows)
        first = f'<{request.path}>; rel="first"'
        return Answer(found, headers={"Link": f'{first}, <{self.url}{more}>; rel="next"' if more else first})

    def _orders(self, user: str) -> Answer:
        if not user.isdigit():
            return Answer({"error": "no such user"}, 404)
        return Answer([{"order": int(user) * 10 + i, "amount": i} for i in range(int(user) % 4)])

    def _write(self, request: Request, key: list[str]) -> Answer:
        if request.method == "GET":
            return Answer(list(self.written.values()))
        if request.method == "POST":
            rows = json.loads(request.body)
            for row in rows if isinstance(rows, list) else [rows]:
                row.setdefault("id", len(self.written) + 1)
                self.written[str(row["id"])] = row
            return Answer(rows, 201)
        if key[0] not in self.written:
            return Answer({"error": "no such row"}, 404)
        if request.method == "DELETE":
            del self.written[key[0]]
            return Answer(status=204)
        if request.method == "PUT":
            self.written[key[0]] = {}
        self.written[key[0]] |= json.loads(request.body)
        return Answer(self.written[key[0]])

    # ---- HTTP

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def serve(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                request = Request(self.command, url.path, parse_qs(url.query, keep_blank_values=True),
                                  {name.lower(): value for name, value in self.headers.items()}, body)
                api.requests.append(request)
                answer = api.answer(request)
                if answer.pieces is not None:
                    self.send_pieces(answer)
                    return
                raw = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                if answer.status != 204:
                    self.send_header("Content-Type", answer.content_type)
                    self.send_header("Content-Length", str(len(raw)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.status != 204:
                    with contextlib.suppress(OSError):  # a LIMIT closes what it needs no more of
                        self.wfile.write(raw)

            def send_pieces(self, answer: Answer) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in answer.pieces or ():
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
