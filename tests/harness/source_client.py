"""The hub's side of a session with instant-source: src/relation/message.h in Python.

    with SourceSession("sqlite", server_options={"path": path}) as session:
        rows = session.open(relation).rows()
"""
from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from harness import relation as rel

ROOT = Path(__file__).resolve().parent.parent.parent
HELLO, OPEN, CREDIT, CLOSE, IMPORT, MODIFY, COMMIT, ROLLBACK = range(1, 9)
READY, SCHEMA, BATCH, END, ERROR, CLOSED, TABLES, MODIFIED = range(65, 73)
MORE = 1
STATS = ("rows", "requests", "retries", "bytes", "cache_hits", "wait_us", "nulled")
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def program() -> Path:
    """The build with sanitizers if there is one that is not older than the sources' build."""
    sanitized, plain = ROOT / "build" / "sanitize" / "instant-source", ROOT / "build" / "instant-source"
    if os.environ.get("INSTANT_SOURCE"):
        return Path(os.environ["INSTANT_SOURCE"])
    if sanitized.exists() and (not plain.exists() or sanitized.stat().st_mtime >= plain.stat().st_mtime):
        return sanitized
    return plain


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data)
        taken = self.data[self.at:self.at + count]
        self.at += count
        return taken

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def text(self) -> str | None:
        size = self.u32()
        return None if size == 0 else self.take(size - 1).decode()

    def options(self) -> dict[str, str]:
        return {self.text() or "": self.text() or "" for _ in range(self.u32())}

    def stats(self) -> dict[str, int]:
        return dict(zip(STATS, struct.unpack("<7q", self.take(56)), strict=True))


class SourceError(Exception):
    """What an ERROR says."""

    def __init__(self, payload: bytes) -> None:
        reader = Reader(payload)
        self.status = reader.u8()
        self.sqlstate, self.message = reader.text() or "", reader.text() or ""
        self.hint, self.source, self.remote_sql = reader.text() or "", reader.text() or "", reader.text() or ""
        self.stats = reader.stats()
        super().__init__(f"{self.sqlstate}: {self.message}")

    def everything(self) -> str:
        return "\n".join((self.message, self.hint, self.source, self.remote_sql))


class Gone(Exception):
    """The process closed its end of the socket."""


@dataclass(frozen=True)
class Frame:
    kind: int
    flags: int
    scan: int
    payload: bytes


def frame(kind: int, scan: int = 0, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack("<III", len(payload), kind | flags << 8, scan) + payload


def hello(adapter: str, *, name: str = "probe", server_options: Mapping[str, str] | None = None,
          user_options: Mapping[str, str] | None = None, credential_directory: str | None = None,
          cache_directory: str | None = None, memory_bytes: int = 512 << 20, may_use_local: bool = True,
          version: int = 2) -> bytes:
    return (rel.u32(version) + rel.text(adapter) + rel.text(name) + rel.options(server_options or {})
            + rel.options(user_options or {}) + rel.text(credential_directory) + rel.text(cache_directory)
            + rel.i64(memory_bytes) + rel.u8(may_use_local))


def open_payload(relation: rel.Relation, *, values: bytes | None = None, batch_rows: int = 65536,
                 batch_bytes: int = 8 << 20, first_batch_rows: int = 0, credit: int = 4, timeout_ms: int = -1,
                 transaction: bytes | None = None, columns: Sequence[int] = (), has_small_offsets: bool = False,
                 decimals_are_float64: bool = False) -> bytes:
    return (relation.write() + (rel.values() if values is None else values) + rel.i64(batch_rows)
            + rel.i64(batch_bytes) + rel.i64(first_batch_rows) + rel.u32(credit) + rel.i64(timeout_ms)
            + (transaction or transaction_bytes()) + rel.u32(len(columns))
            + b"".join(rel.u32(column) for column in columns) + rel.u8(has_small_offsets)
            + rel.u8(decimals_are_float64) + rel.u8(0))


def transaction_bytes(number: int = 0, level: int = 1, *, is_serializable: bool = False,
                      is_read_only: bool = False) -> bytes:
    return (rel.i64(number) + rel.u32(level if number else 0) + rel.u8(is_serializable) + rel.u8(is_read_only))


def modify_payload(kind: int, table: rel.Relation, rows: Sequence[Sequence[str | None]] = (), *, key_count: int = 0,
                   conflict: int = 0, where: rel.Relation | None = None, values: bytes | None = None,
                   returning: rel.Relation | None = None, also: Sequence[rel.Relation] = (), is_cascade: bool = False,
                   restarts_identity: bool = False, transaction: bytes | None = None) -> bytes:
    return (rel.u8(kind) + table.write() + rel.u32(key_count) + rel.texts([cell for row in rows for cell in row])
            + rel.u8(conflict) + _optional(where) + (rel.values() if values is None else values) + _optional(returning)
            + rel.u32(len(also)) + b"".join(other.write() for other in also) + rel.u8(is_cascade)
            + rel.u8(restarts_identity) + (transaction or transaction_bytes()))


def finish_payload(number: int, level: int = 1) -> bytes:
    return rel.i64(number) + rel.u32(level)


def _optional(relation: rel.Relation | None) -> bytes:
    return rel.u8(relation is not None) + (b"" if relation is None else relation.write())


@dataclass
class Scan:
    session: SourceSession
    number: int
    schema: bytes | None = None
    batches: list[bytes] = field(default_factory=list)
    partial: bytes = b""
    error: SourceError | None = None
    stats: dict[str, int] | None = None
    payload: bytes | None = None  # of TABLES
    modified: bytes = b""
    written: list[tuple[str | None, ...]] = field(default_factory=list)  # what came back of a MODIFY
    is_closed: bool = False

    def is_over(self) -> bool:
        return self.error is not None or self.stats is not None or self.payload is not None or self.is_closed

    def take(self, got: Frame) -> None:
        assert not self.is_closed, f"frame {got.kind} after CLOSED"
        if got.kind == CLOSED:
            self.is_closed = True
            if got.payload:
                self.stats = Reader(got.payload).stats()
            return
        assert not self.is_over(), f"frame {got.kind} after the end"
        if got.kind == SCHEMA:
            assert self.schema is None
            self.schema = got.payload
        elif got.kind == BATCH:
            assert self.schema is not None
            self.partial += got.payload
            if not got.flags & MORE:
                self.batches.append(self.partial)
                self.partial = b""
        elif got.kind == ERROR:
            self.error = SourceError(got.payload)
        elif got.kind == TABLES:
            self.payload = got.payload
        elif got.kind == MODIFIED:
            self.modified += got.payload
            if not got.flags & MORE:
                self._take_modified(Reader(self.modified))
        else:
            assert got.kind == END
            self.stats = Reader(got.payload).stats()

    def _take_modified(self, reader: Reader) -> None:
        self.stats = reader.stats()
        width, count = reader.u32(), reader.u32()
        cells = [reader.text() for _ in range(count)]
        self.written = [tuple(cells[i:i + width]) for i in range(0, count, width or 1)]
        assert reader.at == len(reader.data)

    def credit(self, count: int) -> None:
        self.session.send(CREDIT, self.number, rel.u32(count))

    def wait(self, *, batches: int | None = None, timeout: float = 30) -> None:
        """Until it is over, or has so many batches."""
        while not self.is_over() and (batches is None or len(self.batches) < batches):
            self.session.receive(timeout)

    def close(self, timeout: float = 30) -> None:
        self.session.send(CLOSE, self.number)
        while not self.is_closed:
            self.session.receive(timeout)
        del self.session.scans[self.number]

    def table(self) -> pa.Table:
        """All rows; gives as much credit as it takes, and closes the scan."""
        while not self.is_over():
            self.credit(8)
            before = len(self.batches)
            self.wait(batches=before + 1)
        error, stats = self.error, self.stats
        self.close()
        if error is not None:
            raise error
        self.stats = stats
        assert self.schema is not None
        stream = self.schema + b"".join(self.batches) + END_OF_STREAM
        return pa.ipc.open_stream(stream).read_all()

    def rows(self) -> list[tuple[object, ...]]:
        columns = [column.to_pylist() for column in self.table().columns]
        return list(zip(*columns, strict=True))


class SourceSession:
    """A process, started as a backend does it; the socket is `sock`. bucket: the file of a shared rate limit."""

    def __init__(self, adapter: str, *, greet: bool = True, environment: Mapping[str, str] | None = None,
                 command: Path | None = None, bucket: int | None = None, **settings: object) -> None:
        self.sock, theirs = socket.socketpair()
        env = {**os.environ, "ASAN_OPTIONS": "abort_on_error=1:symbolize=0", **(environment or {})}
        self.process = subprocess.Popen(
            [command or program(), "--session"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=env, close_fds=False, preexec_fn=lambda: _as_descriptors(theirs.fileno(), bucket))
        theirs.close()
        self.scans: dict[int, Scan] = {}
        self.last = 0
        self.buffer = b""
        if greet:
            self.greet(adapter, **settings)

    def greet(self, adapter: str, **settings: object) -> None:
        self.send(HELLO, 0, hello(adapter, **settings))  # type: ignore[arg-type]
        got = self.read_frame(30)
        if got.kind == ERROR:
            raise SourceError(got.payload)
        assert got == Frame(READY, 0, 0, b"")

    def send(self, kind: int, scan: int = 0, payload: bytes = b"") -> None:
        self.sock.sendall(frame(kind, scan, payload))

    def _fill(self, count: int, timeout: float) -> None:
        while len(self.buffer) < count:
            ready, _, _ = select.select([self.sock], [], [], timeout)
            if not ready:
                raise TimeoutError(f"no word of the source process for {timeout} s")
            try:
                got = self.sock.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                raise Gone
            self.buffer += got

    def read_frame(self, timeout: float = 30) -> Frame:
        self._fill(12, timeout)
        size, word, scan = struct.unpack("<III", self.buffer[:12])
        assert size <= 16 << 20
        self._fill(12 + size, timeout)
        payload, self.buffer = self.buffer[12:12 + size], self.buffer[12 + size:]
        return Frame(word & 0xFF, word >> 8, scan, payload)

    def receive(self, timeout: float = 30) -> Frame:
        """The next frame, told to its scan."""
        got = self.read_frame(timeout)
        if got.scan == 0 and got.kind == ERROR:
            raise SourceError(got.payload)
        self.scans[got.scan].take(got)
        return got

    def _begin(self, kind: int, payload: bytes) -> Scan:
        self.last += 1
        scan = self.scans[self.last] = Scan(self, self.last)
        self.send(kind, self.last, payload)
        return scan

    def open(self, relation: rel.Relation, **settings: object) -> Scan:
        return self._begin(OPEN, open_payload(relation, **settings))  # type: ignore[arg-type]

    def request(self, kind: int, payload: bytes = b"") -> Scan:
        return self._begin(kind, payload)

    def modify(self, kind: int, table: rel.Relation, rows: Sequence[Sequence[str | None]] = (),
               **settings: object) -> Scan:
        """What was written; raises what the source says."""
        return self._answered(self.request(MODIFY, modify_payload(kind, table, rows, **settings)))  # type: ignore[arg-type]

    def finish(self, kind: int, number: int, level: int = 1) -> Scan:
        """COMMIT or ROLLBACK."""
        return self._answered(self.request(kind, finish_payload(number, level)))

    def _answered(self, scan: Scan) -> Scan:
        scan.wait()
        stats = scan.stats
        scan.close()
        if scan.error is not None:
            raise scan.error
        scan.stats = stats
        return scan

    def tables(self, schema: str = "main", *, only: Sequence[str] | None = None, but: Sequence[str] | None = None,
               options: Mapping[str, str] | None = None) -> Iterator[tuple[str, dict[str, str], list[ImportedColumn]]]:
        payload = (rel.text(schema) + rel.u8(only is not None) + rel.u8(but is not None)
                   + rel.texts(only or but or []) + rel.options(options or {}))
        scan = self.request(IMPORT, payload)
        scan.wait()
        scan.close()
        if scan.error is not None:
            raise scan.error
        reader = Reader(scan.payload or b"")
        for _ in range(reader.u32()):
            name, _comment, table_options = reader.text() or "", reader.text(), reader.options()
            yield name, table_options, [ImportedColumn.read(reader) for _ in range(reader.u32())]

    def end(self) -> tuple[int, str]:
        """Close the socket; exit code and what it said."""
        self.sock.close()
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said.decode()

    def __enter__(self) -> SourceSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        code, said = self.end()
        if kind is None:
            assert code == 0, said
            assert "Sanitizer" not in said, said


@dataclass(frozen=True)
class ImportedColumn:
    name: str
    type: str
    is_not_null: bool
    options: dict[str, str]
    comment: str | None = None
    default: str | None = None
    is_generated: bool = False

    @classmethod
    def read(cls, reader: Reader) -> ImportedColumn:
        name, type_, is_not_null, comment = reader.text() or "", reader.text() or "", bool(reader.u8()), reader.text()
        default, is_generated = reader.text(), bool(reader.u8())
        return cls(name, type_, is_not_null, reader.options(), comment, default, is_generated)


def _as_descriptors(sock: int, bucket: int | None) -> None:
    kept = os.dup(sock), os.dup(bucket) if bucket is not None else None
    os.dup2(kept[0], 3, inheritable=True)
    if kept[1] is not None:
        os.dup2(kept[1], 4, inheritable=True)
    else:
        os.closerange(4, 5)
