"""An HTTP server that does to a client whatever a test wants, down to the byte.

    with HostileServer() as server:
        server.on("/page", lambda answer: answer.send(b"HTTP/1.1 200 OK\\r\\n\\r\\n"))

A handler gets an Answer: the request, and ways to send half of one. What it returns true for keeps
the connection open. Each connection has a thread; requests and connections are counted.
"""
from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    nth: int
    received: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


class Answer:
    def __init__(self, server: HostileServer, connection: socket.socket, request: Request) -> None:
        self.server, self.connection, self.request = server, connection, request

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Status"] + [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def reply(self, status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> bool:
        kind = {} if any(name.lower() == "content-type" for name in headers or {}) else {
            "Content-Type": "application/json"}
        self.head(status, {**kind, "Content-Length": str(len(body)), **(headers or {})})
        self.send(body)
        return True

    def redirect(self, location: str, status: int = 302) -> bool:
        return self.reply(status, b"", {"Location": location})

    def drip(self, data: bytes, pause: float, size: int = 1) -> None:
        for start in range(0, len(data), size):
            self.send(data[start:start + size])
            if self.server.closed.wait(pause):
                return

    def stall(self, longest: float = 30) -> None:
        self.server.closed.wait(longest)

    def reset(self) -> None:
        """End with an RST instead of a FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Handler = Callable[[Answer], bool | None]


class HostileServer:
    def __init__(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.context = context
        self.handlers: dict[str, Handler] = {}
        self.requests: list[Request] = []
        self.counts: dict[str, int] = {}
        self.connection_count = 0
        self.closed = threading.Event()
        self.lock = threading.Lock()
        # Of all addresses, "::" takes those of IPv4 too.
        self.listener = socket.create_server((host, 0), backlog=128, dualstack_ipv6=host == "::",
                                             family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.host, self.port = host, int(self.listener.getsockname()[1])
        self.connections: set[socket.socket] = set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{self.host}:{self.port}"

    def on(self, path: str, handler: Handler) -> str:
        """Answer this path (or every other, for "*"); the URL of it."""
        self.handlers[path] = handler
        return self.url + path

    def paths(self) -> list[str]:
        with self.lock:
            return [request.target for request in self.requests]

    def close(self) -> None:
        self.closed.set()
        # A blocked accept does not notice that its socket is closed.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self.closed.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connection_count += 1
                number = self.connection_count
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with self.lock:
            self.connections.add(connection)
        # Whatever the client does to its end of the connection is none of our errors.
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while self._answer(connection, stream.readline, stream.read, number):
                pass
        with contextlib.suppress(OSError):
            connection.close()

    def _answer(self, connection: socket.socket, readline: Callable[[], bytes],
                read: Callable[[int], bytes], number: int) -> bool:
        line = readline()
        if not line:
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := readline().rstrip(b"\r\n")):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = read(int(headers.get("content-length", "0")))
        with self.lock:
            path = urlsplit(target).path
            self.counts[path] = self.counts.get(path, 0) + 1
            request = Request(method, target, headers, body, number, self.counts[path])
            self.requests.append(request)
        handler = self.handlers.get(path) or self.handlers.get("*")
        answer = Answer(self, connection, request)
        if handler is None:
            return answer.reply(404, b'{"message": "nothing here"}')
        return bool(handler(answer))


def gzip_bomb(megabytes: int) -> bytes:
    """That many MB of zeros, about a thousandth of them."""
    return gzip.compress(bytes(1024 * 1024)) * megabytes


def one_of_each(*handlers: Handler) -> Handler:
    """The first request of a path gets the first handler, and so on; the last one gets the rest."""
    return lambda answer: handlers[min(answer.request.nth, len(handlers)) - 1](answer)


class Certificates:
    """An authority and what it signs, made by the openssl command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=tests' authority")

    def _run(self, *args: str) -> None:
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    def make(self, name: str, subject: str, days: int = 30) -> tuple[Path, Path]:
        """Certificate and key for a subject such as "DNS:localhost,IP:127.0.0.1"; negative days: expired."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={subject}\n")
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                  "-out", f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def server_context(self, name: str, subject: str, days: int = 30) -> ssl.SSLContext:
        certificate, key = self.make(name, subject, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
