"""A server that proves passwords as MySQL 8 does, by caching_sha2_password, before one that does not.

    with Sha2Door((maria.host, maria.port), maria.username, maria.password, certificate) as door:
        ...            # connect to door.port as anybody of door.passwords
        door.ways      # how each one got in: "fast", "tls", "key"

What it does is told by https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
A user that got in is known from then on. Behind the door all are one user of the server, and bytes go through.
"""
from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path
from types import TracebackType

SSL, COMPRESS, CONNECT_WITH_DB, LENENC_AUTH = 0x800, 0x20, 0x8, 0x200000
METHOD = b"caching_sha2_password"


def _xor(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[i % len(key)] for i, byte in enumerate(data))


def _sha2_proof(password: bytes, nonce: bytes) -> bytes:
    once = hashlib.sha256(password).digest()
    return _xor(once, hashlib.sha256(hashlib.sha256(once).digest() + nonce).digest())


def _native_proof(password: bytes, nonce: bytes) -> bytes:
    once = hashlib.sha1(password).digest()
    return _xor(once, hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest())


class _Line:
    """Packets over a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.number = connection, 0

    def read(self) -> bytes:
        head = self._exactly(4)
        self.number = head[3] + 1
        return self._exactly(int.from_bytes(head[:3], "little"))

    def write(self, payload: bytes) -> None:
        self.connection.sendall(len(payload).to_bytes(3, "little") + bytes([self.number & 255]) + payload)
        self.number += 1

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.connection.recv(size - len(data))
            if not part:
                raise OSError("it is gone")
            data += part
        return data


class Sha2Door:
    def __init__(self, target: tuple[str, int], user: str, password: str, folder: Path,
                 certificate: tuple[Path, Path] | None = None) -> None:
        self.target, self.user, self.password = target, user.encode(), password.encode()
        self.passwords: dict[str, str] = {}
        self.known: set[bytes] = set()
        self.ways: list[str] = []
        self.heard: list[bytes] = []  # of a client, in the clear
        self.private_key, self.public_key = folder / "door.key", folder / "door.pub"
        for arguments in (["genrsa", "-out", str(self.private_key), "2048"],
                          ["rsa", "-in", str(self.private_key), "-pubout", "-out", str(self.public_key)]):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Sha2Door:
        return self

    def __exit__(self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None) -> None:
        self.listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._welcome, args=(client,), daemon=True).start()

    def _welcome(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as server:
            line, behind, nonce = _Line(client), _Line(server), bytes(secrets.choice(range(1, 128)) for _ in range(20))
            greeting = behind.read()
            line.write(self._greeting(greeting, nonce))
            answer = self._heard(line)
            if len(answer) == 32 and self.tls is not None:
                line.connection = self.tls.wrap_socket(client, server_side=True)
                answer = line.read()
            user = answer[32:answer.index(b"\0", 32)]
            line.write(b"\xfe" + METHOD + b"\0" + nonce + b"\0")
            if self._is_proved(line, user, nonce):
                behind.write(self._login(answer, user, greeting))
                line.write(behind.read())
                both = [threading.Thread(target=_copy, args=pair, daemon=True)
                        for pair in ((line.connection, server), (server, line.connection))]
                for one in both:
                    one.start()
                for one in both:
                    one.join()
            else:
                line.write(b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user '" + user + b"'")

    def _heard(self, line: _Line) -> bytes:
        packet = line.read()
        if not isinstance(line.connection, ssl.SSLSocket):
            self.heard.append(packet)
        return packet

    def _greeting(self, greeting: bytes, nonce: bytes) -> bytes:
        """The server's, with our nonce, method and TLS."""
        made = bytearray(greeting)
        at = greeting.index(b"\0", 1) + 5
        made[at:at + 8] = nonce[:8]
        flags = struct.unpack_from("<H", made, at + 9)[0] & ~(SSL | COMPRESS) | (SSL if self.tls else 0)
        struct.pack_into("<H", made, at + 9, flags)
        return bytes(made[:at + 27]) + nonce[8:] + b"\0" + METHOD + b"\0"

    def _login(self, answer: bytes, user: bytes, greeting: bytes) -> bytes:
        """The client's, as the user behind the door. What it says of a database and of itself goes along."""
        at = greeting.index(b"\0", 1) + 5
        proof = _native_proof(self.password, greeting[at:at + 8] + greeting[at + 27:at + 39])
        flags = struct.unpack_from("<I", answer)[0]
        rest = answer[32 + len(user) + 1:]
        rest = rest[1 + rest[0]:]  # its first proof, which is empty or short
        database = b""
        if flags & CONNECT_WITH_DB:
            database, rest = rest[:rest.index(b"\0") + 1], rest[rest.index(b"\0") + 1:]
        attributes = rest[rest.index(b"\0") + 1:]
        return (struct.pack("<I", flags & ~(SSL | COMPRESS)) + answer[4:32] + self.user + b"\0" + bytes([len(proof)]) + proof
                + database + b"mysql_native_password\0" + attributes)

    def _is_proved(self, line: _Line, user: bytes, nonce: bytes) -> bool:
        proof, password = self._heard(line), self.passwords[user.decode()].encode()
        if user in self.known:
            if proof != _sha2_proof(password, nonce):
                return False
            self.ways.append("fast")
            line.write(b"\x01\x03")
            return True
        line.write(b"\x01\x04")
        given, way = self._heard(line), "tls"
        if not isinstance(line.connection, ssl.SSLSocket):
            way = "key"
            if given == b"\x02":
                self.ways.append("asked")
                line.write(b"\x01" + self.public_key.read_bytes())
                given = self._heard(line)
            given = _xor(self._decrypted(given), nonce)
        if given != password + b"\0":
            return False
        self.ways.append(way)
        self.known.add(user)
        return True

    def _decrypted(self, given: bytes) -> bytes:
        done = subprocess.run(["openssl", "pkeyutl", "-decrypt", "-inkey", str(self.private_key), "-pkeyopt", "rsa_padding_mode:oaep"],
                              input=given, capture_output=True)
        return done.stdout or b"?"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
