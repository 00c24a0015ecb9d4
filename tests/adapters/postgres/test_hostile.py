"""What a server may say that is none, or that stops in the middle: an error, never fewer rows, and the process lives."""
from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from harness import relation as rel
from harness.source_client import SourceError, SourceSession


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def done(tag: str) -> bytes:
    return message(b"C", tag.encode() + b"\0")


READY = message(b"Z", b"I")
IN_TRANSACTION = message(b"Z", b"T")
HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">II", 0, 0)
ROW = struct.pack(">hih", 1, 2, 7)


class Fake:
    """Asks for a password, then says for each query what `answer` is, and closes if `closes`."""

    def __init__(self) -> None:
        self.answer, self.closes = b"", False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            try:
                self._talk(peer)
            except OSError:
                pass

    def _talk(self, peer: socket.socket) -> None:
        def take(count: int) -> bytes:
            got = b""
            while len(got) < count:
                more = peer.recv(count - len(got))
                if not more:
                    raise OSError
                got += more
            return got

        take(struct.unpack(">I", take(4))[0] - 4)
        peer.sendall(message(b"R", struct.pack(">I", 3)))
        take(1 + 4)
        peer.recv(1000)
        peer.sendall(message(b"R", struct.pack(">I", 0)) + message(b"S", b"server_version\x0015.2\0") + message(b"S", b"client_encoding\0UTF8\0")
                     + message(b"K", struct.pack(">II", 1, 2)) + READY)
        while True:
            head = take(5)
            sql = take(struct.unpack(">I", head[1:])[0] - 4)
            if head[:1] == b"X":
                return
            statements = [one for one in sql.rstrip(b"\0").split(b";") if one.strip()]
            before = b"".join(done("SET") for one in statements if not one.strip().startswith((b"COPY", b"COMMIT")))
            peer.sendall(before + (self.answer if b"COPY" in sql else IN_TRANSACTION))
            if self.closes and b"COPY" in sql:
                return


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.listener.close()


@pytest.fixture
def session(fake: Fake) -> Iterator[SourceSession]:
    with SourceSession("postgres", server_options={"host": "127.0.0.1", "port": str(fake.port), "dbname": "d", "sslmode": "disable"},
                       user_options={"user": "u", "password": "p"}) as made:
        yield made


SCAN = rel.scan("t", [rel.column("n", rel.INT2)], {"schema": "s"})


def failure(session: SourceSession) -> SourceError:
    with pytest.raises(SourceError) as caught:
        session.open(SCAN, timeout_ms=5000).table()
    return caught.value


def good() -> bytes:
    rows = message(b"d", HEADER + ROW) + message(b"d", ROW) + message(b"d", ROW) + message(b"d", struct.pack(">h", -1))
    return message(b"H", struct.pack(">bhh", 1, 1, 1)) + rows + message(b"c") + done("COPY 3") + done("COMMIT") + READY


def test_the_whole_answer(fake: Fake, session: SourceSession) -> None:
    fake.answer, fake.closes = good(), False
    for _ in range(3):
        assert session.open(SCAN).rows() == [(7,)] * 3


def test_an_answer_that_is_cut_anywhere_is_an_error(fake: Fake, session: SourceSession) -> None:
    whole = good()
    fake.closes = True
    for cut in range(len(whole)):
        fake.answer = whole[:cut]
        assert failure(session).sqlstate[:2] in ("08", "HV"), cut
    fake.answer, fake.closes = whole, False
    assert session.open(SCAN).rows() == [(7,)] * 3


BAD = {
    "row of another width": good().replace(ROW, struct.pack(">hi", 1, 4) + b"abcd"),
    "two columns": good().replace(ROW, struct.pack(">hihih", 2, 2, 7, 2, 7)),
    "no trailer": good().replace(message(b"d", struct.pack(">h", -1)), b""),
    "rows after the trailer": good().replace(message(b"c"), message(b"d", ROW) + message(b"c")),
    "length of 3": b"d\0\0\0\3" + good(), "length of 4 GB": b"d\xff\xff\xff\xff" + good(), "unknown kind": message(b"?") + good(),
    "not a copy": done("COPY 3") + READY, "rows of a query": message(b"D", struct.pack(">hi", 1, 1) + b"x") + done("SELECT 1") + READY,
    "wrong signature": good().replace(b"PGCOPY", b"XXCOPY"), "empty error": message(b"E", b"\0") + READY, "error without end": message(b"E", b"SERROR\0Mno") + READY,
    "error that is long": message(b"E", b"SERROR\0VERROR\0C22012\0M" + b"x" * 100000 + b"\0\0") + READY, "row that lies": message(b"H") + message(b"d", HEADER + b"\0\1\x7f\xff\xff\xff") + READY,
}


@pytest.mark.parametrize("name", BAD)
def test_answers_that_are_wrong(fake: Fake, session: SourceSession, name: str) -> None:
    fake.answer, fake.closes = BAD[name], name.startswith("length of 4")
    assert failure(session).sqlstate
    fake.answer, fake.closes = good(), False
    assert session.open(SCAN).rows() == [(7,)] * 3


def test_notices_between_everything(fake: Fake, session: SourceSession) -> None:
    notice = message(b"N", b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0") + message(b"S", b"TimeZone\0UTC\0") + message(b"A", struct.pack(">I", 1) + b"c\0p\0")
    parts, rest = [], good()
    while rest:
        size = 1 + struct.unpack(">I", rest[1:5])[0]
        parts.append(rest[:size])
        rest = rest[size:]
    fake.answer, fake.closes = notice + notice.join(parts), False
    assert session.open(SCAN).rows() == [(7,)] * 3
