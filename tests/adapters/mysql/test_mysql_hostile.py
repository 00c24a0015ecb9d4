"""Answers that are cut, or are not what the protocol says: an error, never other rows, and nobody else is disturbed."""
from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from adapters.mysql.conftest import Connect, TlsServer
from harness import relation as rel
from harness.source_client import Gone, SourceError

ROWS = 400
REQUEST = rel.native(f"SELECT seq, CONCAT('value ', seq), seq / 7, DATE'2024-01-01' + INTERVAL seq DAY, IF(seq % 5, seq, NULL) FROM seq_1_to_{ROWS}",
                     [rel.column("a", rel.INT8), rel.column("b", rel.TEXT, rel.C), rel.column("c", rel.NUMERIC), rel.column("d", rel.DATE),
                      rel.column("e", rel.INT4)])

Change = Callable[[bytes, int], bytes | None]


class Between:
    """Hands on what the server says, as change(bytes, how many came before) has it; None: the connection ends.

    At the end of what is cut it ends at once, or is silent.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.change: Change = lambda data, _: data
        self.is_silent = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.said = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=self._hand_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._change, args=(server, client, self.change), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        target.close()

    def _change(self, source: socket.socket, target: socket.socket, change: Change) -> None:
        count = 0
        try:
            while data := source.recv(65536):
                changed = change(data, count)
                count += len(data)
                self.said = count
                if changed is None:
                    break
                target.sendall(changed)
                if len(changed) < len(data) and not self.is_silent:
                    break
        except OSError:
            pass
        for end in (target, source):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture
def between(maria: TlsServer) -> Iterator[Between]:
    made = Between((maria.host, maria.port))
    yield made
    made.listener.close()


def test_an_answer_that_is_cut_is_never_a_short_one(between: Between, connect: Connect) -> None:
    session = connect(port=str(between.port), ssl_mode="disable", connect_timeout="5s")
    assert session.open(REQUEST).table().num_rows == ROWS
    whole = between.said
    chance = random.Random(6)
    ends = sorted({*range(1, 200, 29), *(chance.randrange(whole) for _ in range(16)), *range(whole - 30, whole, 6)})
    for number, end in enumerate(ends):
        def cut(data: bytes, before: int, end: int = end) -> bytes | None:
            return data[:max(0, end - before)] if before < end else None

        between.change, between.is_silent = cut, number % 5 == 0
        # A connection of its own, cut there: also in the greeting, and while the session is made.
        fresh = connect(port=str(between.port), ssl_mode="disable", connect_timeout="1s", read_timeout="1s")
        with pytest.raises(SourceError) as caught:
            fresh.open(REQUEST).table()
        assert caught.value.sqlstate in ("08001", "08006", "57014"), (end, caught.value)
        fresh.end()


def test_an_answer_of_other_bytes(between: Between, connect: Connect) -> None:
    """An error, or rows; it may be the end of the process, but not of this code's making."""
    chance = random.Random(7)
    seen = {"error": 0, "rows": 0, "gone": 0}
    for _ in range(40):
        places = {chance.randrange(300, 24_000): chance.randrange(256) for _ in range(chance.choice([1, 3, 40]))}

        def spoil(data: bytes, before: int, places: dict[int, int] = places) -> bytes:
            changed = bytearray(data)
            for place, value in places.items():
                if before <= place < before + len(data):
                    changed[place - before] = value
            return bytes(changed)

        between.change = spoil
        session = connect(port=str(between.port), ssl_mode="disable", connect_timeout="1s", read_timeout="1s")
        try:
            table = session.open(REQUEST).table()
            seen["rows"] += 1
            assert table.num_columns == 5
        except SourceError:
            seen["error"] += 1
        except Gone:
            seen["gone"] += 1
            said = session.process.stderr.read().decode(errors="replace") if session.process.stderr else ""
            assert "src/" not in said and "runtime error" not in said, said
    assert seen["error"] > 10 and seen["gone"] < 15, seen
