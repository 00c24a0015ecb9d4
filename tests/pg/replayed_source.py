"""A source process that answers every scan with the same messages, right or wrong ones.

The extension starts it instead of instant-source, for the setting instant.source_program. It speaks just enough of
src/relation/message.h; what the batches hold is up to the test.
"""
from __future__ import annotations

import struct
import sys
from pathlib import Path

import pyarrow as pa
from extension_build import Connection

# Filled in are the interpreter and the file of the answer: messages as a uint32 length, a uint16 for kind and flags, and the
# payload. One scan at a time; each CREDIT is for one batch.
PROGRAM = '''#!{python} -IS
import socket, struct

hub = socket.socket(fileno=3)
HELLO, OPEN, CREDIT, CLOSE = 1, 2, 3, 4
READY, BATCH, END, CLOSED = 65, 67, 68, 70


def receive(size):
    parts = bytearray()
    while len(parts) < size:
        part = hub.recv(size - len(parts))
        if not part:
            raise SystemExit
        parts += part
    return parts


def send(kind, scan, payload=b""):
    hub.sendall(struct.pack("<III", len(payload), kind, scan) + payload)


def hear():
    size, kind, scan = struct.unpack("<III", receive(12))
    payload = receive(size)
    if kind == OPEN:
        with open({answer!r} + ".request", "wb") as file:
            file.write(payload)
    return kind, scan


def answer(scan):
    """As far as the hub wants it."""
    credit = 1  # at least; the rest of what OPEN gives is not needed
    with open({answer!r}, "rb") as file:
        while head := file.read(6):
            size, kind = struct.unpack("<IH", head)  # flags above the kind
            while kind & 255 == BATCH and credit == 0:
                heard, about = hear()
                if heard == CLOSE and about == scan:
                    send(CLOSED, scan)
                    return
                credit += heard == CREDIT and about == scan
            credit -= kind & 255 == BATCH
            send(kind, scan, file.read(size))


while True:
    kind, scan = hear()
    if kind == HELLO:
        send(READY, 0)
    elif kind == OPEN:
        answer(scan)
    elif kind == CLOSE:
        send(CLOSED, scan)
'''
SCHEMA, BATCH, END = 66, 67, 68


class ReplayedSource:
    """Foreign tables whose rows the test makes itself."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.connection = connection
        self.answer_file = folder / "answer"
        self.table_count = 0
        folder.chmod(0o777)  # the server's own user writes the request there
        program = folder / "source"
        python = Path(sys.executable).resolve()
        program.write_text(PROGRAM.format(python=python, answer=str(self.answer_file)))
        program.chmod(0o755)
        connection.execute(f"SET instant.source_program = '{program}'")
        connection.execute("DROP SERVER IF EXISTS replayed CASCADE")
        connection.execute("CREATE SERVER replayed FOREIGN DATA WRAPPER instant_rest "
                           "OPTIONS (base_url 'http://127.0.0.1/')")

    def table(self, columns: dict[str, str], schema: bytes, batches: list[bytes]) -> str:
        """A new foreign table that answers with these messages of an Arrow stream; its name."""
        return self.frames(columns, [(SCHEMA, schema), *((BATCH, batch) for batch in batches), (END, bytes(7 * 8))])

    def frames(self, columns: dict[str, str], messages: list[tuple[int, bytes]]) -> str:
        """The same for any kinds (with flags above the lowest byte) and payloads."""
        self.answer_file.write_bytes(b"".join(struct.pack("<IH", len(payload), kind) + payload
                                              for kind, payload in messages))
        self.answer_file.chmod(0o644)
        self.table_count += 1
        name = f"replayed_{self.table_count}"
        declared = ", ".join(f'"{column}" {type_name}' for column, type_name in columns.items())
        self.connection.execute(f"CREATE FOREIGN TABLE {name} ({declared}) SERVER replayed OPTIONS (endpoint '/x')")
        return name

    def request(self) -> bytes:
        """What the hub asked for last: the payload of OPEN."""
        return self.answer_file.with_suffix(".request").read_bytes()


def messages_of(batches: list[pa.RecordBatch], options: pa.ipc.IpcWriteOptions | None = None) -> tuple[bytes, list[bytes]]:
    """The schema message and those of the batches, each with the dictionaries before it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    schema, parts, pending = b"", [], b""
    for message in pa.ipc.MessageReader.open_stream(sink.getvalue()):
        bytes_ = message.serialize().to_pybytes()
        if message.type == "schema":
            schema = bytes_
        else:
            pending += bytes_
            if message.type == "record batch":
                parts.append(pending)
                pending = b""
    return schema, parts
