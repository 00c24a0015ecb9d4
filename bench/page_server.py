"""An API that answers GET /items?page=N&per_page=M from memory; a process of its own, Python's standard HTTP server.

    page_server.py ROWS PER_PAGE      prints its port, and serves until standard input ends
"""
from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def row(number: int) -> dict[str, Any]:
    """Eight fields, as an API of orders has them."""
    return {"id": number, "customer": f"customer {number % 5000}", "amount": (number * 7919 % 1_000_000) / 100,
            "quantity": number % 17, "paid": number % 3 == 0, "status": ("new", "sent", "lost")[number % 3],
            "created": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00Z",
            "note": None if number % 4 == 0 else f"a note about order {number}"}


def make_handler(pages: list[bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query)["page"][0])
            body = pages[number - 1] if number <= len(pages) else b'{"items": []}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what it prints is its port."""

    return Handler


def main() -> None:
    rows, per_page = int(sys.argv[1]), int(sys.argv[2])
    pages = [json.dumps({"total": rows, "items": [row(n) for n in range(first, min(first + per_page, rows))]}).encode()
             for first in range(0, rows, per_page)]
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(pages))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
