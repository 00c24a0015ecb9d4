"""Lazy results: nothing runs until the data is asked for, in the form that is wanted.

Each ``to_…`` call, each iteration and each consumer of ``__arrow_c_stream__`` runs the query
anew. ``Result`` waits in the calling thread, ``AsyncResult`` has the same methods to await.
"""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _native, frames
from .engine import Engine, Operation
from .errors import Error, InterfaceError
from .options import checked_word
from .progress import watched
from .requests import QueryRequest, TableRequest
from .types import required

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["AsyncResult", "Plan", "Result"]

_ROWS_AT_ONCE = 1000
_PREVIEW_ROWS = 20
_PREVIEW_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Plan:
    """What the hub would do, and which part of it the sources do."""

    text: str
    remote: list[dict[str, Any]]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"


def read_rows(
    native: _native.Result, as_dict: bool = True, numeric_text: bool = True
) -> list[Any]:
    """All rows of a result as Python objects."""
    rows: list[Any] = []
    while piece := native.fetch_rows(_ROWS_AT_ONCE, as_dict, numeric_text):
        rows.extend(piece)
    return rows


class _ArrowStream:
    """Gives a result's stream to a library that speaks the Arrow PyCapsule interface, once."""

    def __init__(self, native: _native.Result) -> None:
        self._native = native

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.stream()


class _LazyResult:
    """What both kinds of results share: the request, how to run it, and what came of it."""

    def __init__(
        self, engine: Engine, request: QueryRequest | TableRequest, progress: bool | None = None
    ) -> None:
        self._engine = engine
        self._request = request
        self._progress = progress
        self._last: _native.Result | None = None
        self._last_stats: dict[str, int] = {}

    @property
    def stats(self) -> dict[str, int]:
        """Rows, bytes and times (microseconds) of the last run; empty before the first."""
        if self._last is not None:
            return self._last.stats()
        return dict(self._last_stats)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._request.title()}>"

    def _finish(self, native: _native.Result) -> None:
        self._last = None
        try:
            self._last_stats = native.stats()
        except InterfaceError:  # an interrupt closed it
            pass
        native.close()

    def _with_numeric(self, numeric: str | None, fallback: str) -> dict[str, Any]:
        """A call's own numeric wins over the result's, and that over the form's default."""
        if numeric is not None:
            return {"numeric": checked_word("numeric", numeric)}
        return {"numeric": self._request.options.get("numeric", fallback)}

    def _pandas(
        self, operation: Operation, dtype_backend: str | None, numeric: str | None
    ) -> "pandas.DataFrame":
        frames.check_backend(dtype_backend)
        frames.prepare()
        native = self._run(
            operation, single_batch=True, **self._with_numeric(numeric, "float64")
        )
        try:
            with watched(native, self._request.title, self._progress):
                return frames.to_pandas(native, dtype_backend)
        finally:
            self._finish(native)

    def _run(self, operation: Operation, **options: Any) -> _native.Result:
        return self._request.open(self._engine.native, operation, **options)

    def _arrow(self, operation: Operation, numeric: str | None) -> "pyarrow.Table":
        pa = required("pyarrow", "arrow")
        native = self._run(operation, **self._with_numeric(numeric, "decimal"))
        try:
            with watched(native, self._request.title, self._progress):
                return _consume(
                    native, lambda: pa.RecordBatchReader.from_stream(_ArrowStream(native)).read_all()
                )
        finally:
            self._finish(native)

    def _polars(self, operation: Operation, numeric: str | None) -> "polars.DataFrame":
        pl = required("polars", "polars")
        native = self._run(operation, **self._with_numeric(numeric, "decimal"))
        try:
            with watched(native, self._request.title, self._progress):
                return _consume(native, lambda: pl.DataFrame(_ArrowStream(native)))
        finally:
            self._finish(native)

    def _rows(self, operation: Operation, as_dict: bool) -> list[Any]:
        native = self._run(operation, **self._with_numeric(None, "decimal"))
        try:
            return read_rows(native, as_dict, self._reads_decimals())
        finally:
            self._finish(native)

    def _reads_decimals(self) -> bool:
        """Numerics without a declared precision travel as text: Decimal, unless text was asked for."""
        return self._request.options.get("numeric") != "string"

    def _plan(self, operation: Operation, analyze: bool) -> Plan:
        native = self._request.explain(self._engine.native, operation, analyze)
        try:
            rows = read_rows(native)
        finally:
            native.close()
        lines = [row["line"] for row in rows if row["kind"] == "plan"]
        names = ("server", "relation", "remote_sql", "local_filter")
        remote = [{n: row[n] for n in names} for row in rows if row["kind"] == "remote"]
        return Plan("\n".join(line or "" for line in lines), remote)

    def _sql(self, operation: Operation) -> str:
        return self._request.sql(self._engine.native, operation)

    def _stream(self, operation: Operation) -> object:
        native = self._run(operation, **self._with_numeric(None, "decimal"))
        self._last = native
        return native.stream()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow stream of a new run (PyCapsule interface); the consumer ends it.

        ``requested_schema`` is best effort in the protocol and is not used.
        """
        return self._engine.run(self._stream)

    def _preview(self, operation: Operation) -> str:
        request = self._request.preview(_PREVIEW_ROWS)
        title = html.escape(repr(self))
        if request is None:
            return f"<pre>{title}</pre>"
        native = request.open(
            self._engine.native, operation, numeric="decimal", timeout_ms=_PREVIEW_TIMEOUT_MS
        )
        try:
            names = [column[0] for column in native.columns()]
            rows = read_rows(native, as_dict=False)
        finally:
            native.close()
        return _html_table(title, names, rows)

    def _repr_html_(self) -> str:
        try:
            return self._engine.run(self._preview)
        except Error as error:
            return f"<pre>{html.escape(repr(self))}\n{html.escape(str(error))}</pre>"


def _consume(native: _native.Result, read: Any) -> Any:
    """read(), with the core's own error where its stream failed in the library's hands."""
    try:
        return read()
    except Exception as error:
        try:
            native.check()
        except Error as reason:
            raise reason from error
        raise


def _html_table(title: str, names: list[str], rows: list[Any]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{'' if v is None else html.escape(str(v)[:200])}</td>" for v in row)
        + "</tr>"
        for row in rows
    )
    more = f"<p>the first {_PREVIEW_ROWS} rows</p>" if len(rows) == _PREVIEW_ROWS else ""
    return (
        f"<div><p>{title}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{more}</div>"
    )


class _Batches:
    """A run whose batches are taken one by one; closing it ends the query."""

    def __init__(self, lazy: _LazyResult, numeric: str | None, batch_rows: int | None) -> None:
        self._lazy = lazy
        self._options = lazy._with_numeric(numeric, "decimal")
        if batch_rows is not None:
            self._options["batch_rows"] = batch_rows
        self._native: _native.Result | None = None
        self._reader: Any = None

    def next(self, operation: Operation) -> Any:
        """The next pyarrow.RecordBatch, or None."""
        if self._native is None:
            pa = required("pyarrow", "arrow")
            self._native = self._lazy._run(operation, **self._options)
            self._reader = pa.RecordBatchReader.from_stream(_ArrowStream(self._native))
        native = operation.watch(self._native)
        try:
            return _consume(native, self._reader.read_next_batch)
        except StopIteration:
            return None

    def close(self) -> None:
        native, self._native = self._native, None
        if native is not None:
            self._reader = None
            self._lazy._finish(native)


class _RowPieces:
    """A run whose rows are taken a thousand at a time."""

    def __init__(self, lazy: _LazyResult) -> None:
        self._lazy = lazy
        self._native: _native.Result | None = None

    def next(self, operation: Operation) -> list[dict[str, Any]]:
        if self._native is None:
            options = self._lazy._with_numeric(None, "decimal")
            self._native = self._lazy._run(operation, **options)
        native = operation.watch(self._native)
        return native.fetch_rows(_ROWS_AT_ONCE, True, self._lazy._reads_decimals())

    def close(self) -> None:
        native, self._native = self._native, None
        if native is not None:
            self._lazy._finish(native)


class Result(_LazyResult):
    """A query or table that has not run yet; see the module."""

    @property
    def sql(self) -> str:
        """The SQL for the hub."""
        return self._engine.run(self._sql)

    def to_pandas(
        self, dtype_backend: str | None = None, numeric: str | None = None
    ) -> "pandas.DataFrame":
        """A DataFrame; numeric is "float64" (default), "decimal" or "string".

        ``dtype_backend`` is None (numpy's types, text as ``str``), "numpy_nullable" (``Int64``,
        ``Float64``, … throughout) or "pyarrow" (the Arrow columns as they came).
        """
        return self._engine.run(lambda op: self._pandas(op, dtype_backend, numeric))

    def to_arrow(self, numeric: str | None = None) -> "pyarrow.Table":
        """A pyarrow Table; numeric is "decimal" (default), "float64" or "string"."""
        return self._engine.run(lambda op: self._arrow(op, numeric))

    def to_polars(self, numeric: str | None = None) -> "polars.DataFrame":
        """A polars DataFrame; numeric as in to_arrow."""
        return self._engine.run(lambda op: self._polars(op, numeric))

    def rows(self) -> list[dict[str, Any]]:
        """Every row as a dict of Python objects."""
        return self._engine.run(lambda op: self._rows(op, True))

    def batches(
        self, batch_rows: int | None = None, numeric: str | None = None
    ) -> "Iterator[pyarrow.RecordBatch]":
        """Record batches as they arrive; memory stays that of a batch."""
        reader = _Batches(self, numeric, batch_rows)
        try:
            while (batch := self._engine.run(reader.next)) is not None:
                yield batch
        finally:
            reader.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Rows as dicts, as they arrive."""
        reader = _RowPieces(self)
        try:
            while rows := self._engine.run(reader.next):
                yield from rows
        finally:
            reader.close()

    def explain(self, analyze: bool = False) -> Plan:
        """The hub's plan and what each source is sent; analyze runs it too."""
        return self._engine.run(lambda op: self._plan(op, analyze))


class AsyncResult(_LazyResult):
    """A query or table that has not run yet, for coroutines; see the module."""

    async def sql(self) -> str:
        """The SQL for the hub."""
        return await self._engine.run_async(self._sql)

    async def to_pandas(
        self, dtype_backend: str | None = None, numeric: str | None = None
    ) -> "pandas.DataFrame":
        """A DataFrame; numeric is "float64" (default), "decimal" or "string".

        ``dtype_backend`` is None (numpy's types, text as ``str``), "numpy_nullable" (``Int64``,
        ``Float64``, … throughout) or "pyarrow" (the Arrow columns as they came).
        """
        return await self._engine.run_async(lambda op: self._pandas(op, dtype_backend, numeric))

    async def to_arrow(self, numeric: str | None = None) -> "pyarrow.Table":
        """A pyarrow Table; numeric is "decimal" (default), "float64" or "string"."""
        return await self._engine.run_async(lambda op: self._arrow(op, numeric))

    async def to_polars(self, numeric: str | None = None) -> "polars.DataFrame":
        """A polars DataFrame; numeric as in to_arrow."""
        return await self._engine.run_async(lambda op: self._polars(op, numeric))

    async def rows(self) -> list[dict[str, Any]]:
        """Every row as a dict of Python objects."""
        return await self._engine.run_async(lambda op: self._rows(op, True))

    async def batches(
        self, batch_rows: int | None = None, numeric: str | None = None
    ) -> "AsyncIterator[pyarrow.RecordBatch]":
        """Record batches as they arrive; memory stays that of a batch."""
        reader = _Batches(self, numeric, batch_rows)
        try:
            while (batch := await self._engine.run_async(reader.next)) is not None:
                yield batch
        finally:
            reader.close()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Rows as dicts, as they arrive."""
        reader = _RowPieces(self)
        try:
            while rows := await self._engine.run_async(reader.next):
                for row in rows:
                    yield row
        finally:
            reader.close()

    async def explain(self, analyze: bool = False) -> Plan:
        """The hub's plan and what each source is sent; analyze runs it too."""
        return await self._engine.run_async(lambda op: self._plan(op, analyze))
