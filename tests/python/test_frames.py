"""DataFrames: one row takes the same types as many, in every backend; who owns the memory; what a Ctrl-C does."""
from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import instant_connector as ic
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from instant_connector import InstantDataConnector, Interval, SyncInstantDataConnector, _native
from instant_connector.options import ResultOptions, result_options

pytest_plugins = ["connectors"]

# An expression of i for each kind of column.
COLUMNS = {
    "i2": "(i % 30000)::int2", "i4": "i", "i8": "9007199254740993 + i", "oid": "i::oid", "f4": "(i / 7.0)::float4",
    "f8": "i / 7.0::float8", "nd": "(i * 0.25)::numeric(12,2)", "n": "i * 0.1", "b": "i % 2 = 1", "t": "repeat('é', i % 9)",
    "c": "('c' || i % 5)::varchar(9)", "by": "decode(to_hex(4096 + i % 256), 'hex')", "d": "date '1600-01-01' + i",
    "ti": "time '00:00' + i * interval '1 ms'", "ts": "timestamp '2013-01-01' + i * interval '1 us'",
    "tz": "timestamptz '2013-01-01' + i * interval '1 h'", "iv": "make_interval(months => i, days => i % 7)",
    "u": "md5(i::text)::uuid", "j": "jsonb_build_object('i', i)", "m": "(ARRAY['sad', 'ok', 'happy']::frame_mood[])[1 + i % 3]",
    "l": "ARRAY[i, NULL, 2]", "lt": "ARRAY['x', i::text]", "nu": "NULL",
}
MANY = 9000  # enough for every way of using a column in place


def everything(nulls: str = "false") -> str:
    casts = {"nd": "::numeric(12,2)"}  # CASE forgets it
    columns = ", ".join(f"(CASE WHEN {nulls} THEN NULL ELSE {column} END){casts.get(name, '')} AS {name}"
                        for name, column in COLUMNS.items())
    return f"SELECT {columns} FROM generate_series(1, {MANY}) i ORDER BY i LIMIT %s"


@pytest.fixture(scope="module")
def moods(plain: SyncInstantDataConnector) -> Iterator[SyncInstantDataConnector]:
    plain.execute_query("CREATE TYPE frame_mood AS ENUM ('sad', 'ok', 'happy')")
    yield plain
    plain.execute_query("DROP TYPE frame_mood")


@pytest.mark.parametrize("numeric", ["float64", "decimal", "string"])
@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
@pytest.mark.parametrize("nulls", ["false", "i % 3 = 0", "i = 2", "true"])
def test_few_rows_have_the_types_of_many(moods: SyncInstantDataConnector, nulls: str, backend: str | None,
                                         numeric: str) -> None:
    many = moods.query(everything(nulls), [MANY]).to_pandas(backend, numeric)
    few = moods.query(everything(nulls), [5]).to_pandas(backend, numeric)
    assert len(many) == MANY and len(few) == 5
    if backend == "pyarrow":  # pandas has no comparison of these
        assert few.pop("iv").tolist() == many.pop("iv").head(5).tolist()
    pd.testing.assert_frame_equal(few, many.head(5))
    if backend is None:
        assert dict(few.dtypes.astype(str)) == dict(many.dtypes.astype(str))


@pytest.mark.parametrize("count", [5, MANY])
def test_a_frame_holds_what_rows_hold(moods: SyncInstantDataConnector, count: int) -> None:
    lazy = moods.query(everything("i % 3 = 0"), [count])
    frame, rows = lazy.to_pandas(numeric="decimal"), lazy.rows()
    for name in COLUMNS:
        values = [None if row[name] is None else row[name] for row in rows]
        assert frame[name].isna().tolist() == [value is None for value in values], name
        present = [value for value in values if value is not None]
        held = frame[name].dropna().tolist()
        if name == "d":
            held = [value.date() for value in held]
        elif name == "n":
            held = [Decimal(value) for value in held]
        elif name == "f4":
            held = [float(value) for value in held]
        assert held == present, name
    assert isinstance(frame.iv[0], Interval) and isinstance(frame.by[0], bytes) and frame.l[0] == [1, None, 2]


@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
def test_no_rows_and_no_columns(moods: SyncInstantDataConnector, backend: str | None) -> None:
    empty = moods.query(everything(), [0]).to_pandas(backend)
    full = moods.query(everything(), [3]).to_pandas(backend)
    assert list(empty.columns) == list(COLUMNS) and len(empty) == 0
    assert empty.dtypes.drop("m").equals(full.dtypes.drop("m"))
    assert len(empty.m) == 0 and (backend == "pyarrow" or str(empty.m.dtype) == "category")
    assert moods.query("SELECT FROM generate_series(1, 3)").to_pandas(backend).shape == (3, 0)
    assert moods.query("SELECT WHERE false").to_pandas(backend).shape == (0, 0)


def test_names_that_repeat(plain: SyncInstantDataConnector) -> None:
    frame = plain.query("SELECT 1 AS x, 'a' AS x, 2.5::float8 AS x").to_pandas()
    assert list(frame.columns) == ["x"] * 3 and frame.iloc[0].tolist() == [1, "a", 2.5]
    assert list(frame["x"].dtypes.astype(str)) == ["int32", "str", "float64"]


def test_frames_do_not_share_their_column_names(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT 1 AS a, 2 AS b")
    first, second = lazy.to_pandas(), lazy.to_pandas()
    first.columns.name = "mine"
    first.columns = ["c", "d"]
    assert second.columns.name is None and list(second.columns) == ["a", "b"]
    assert list(lazy.to_pandas().columns) == ["a", "b"]


@pytest.mark.parametrize("count", [3, MANY])
def test_every_column_is_writable(moods: SyncInstantDataConnector, count: int) -> None:
    frame = moods.query(everything(), [count]).to_pandas()
    first, last = frame.iloc[0].copy(), frame.iloc[-1].copy()
    for position, name in enumerate(COLUMNS):
        if name in ("l", "lt"):
            continue
        frame.iloc[0, position] = last[name]
        frame.iloc[-1, position] = first[name]
    for name in COLUMNS:
        if name not in ("l", "lt", "nu"):
            assert frame[name].iloc[0] == last[name] and frame[name].iloc[-1] == first[name], name


def test_the_pyarrow_backend_copies_nothing(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT i::int8 AS i, i::text AS t, now() AS tz FROM generate_series(1, 50000) i")
    before = pa.total_allocated_bytes()
    frame = lazy.to_pandas(dtype_backend="pyarrow")
    assert pa.total_allocated_bytes() - before < 100_000
    assert list(frame.dtypes.astype(str)) == ["int64[pyarrow]", "large_string[pyarrow]", "timestamp[us, tz=UTC][pyarrow]"]
    assert all(frame[name].array.__arrow_array__().num_chunks == 1 for name in frame)


def test_text_is_not_copied(plain: SyncInstantDataConnector) -> None:
    before = pa.total_allocated_bytes()
    frame = plain.query("SELECT repeat('x', 100) AS t FROM generate_series(1, 50000)").to_pandas()
    assert pa.total_allocated_bytes() - before < 100_000
    assert str(frame.t.dtype) == "str" and frame.t.str.len().eq(100).all()


PEAK = """
import json, sys
from instant_connector import SyncInstantDataConnector

def resident(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

sql = ("SELECT i, i::int8 * 3 AS i8, i::float8 AS f, md5(i::text) AS t, timestamptz '2013-01-01' AS tz, "
       "nullif(i % 3, 0) AS n FROM generate_series(1, 1000000) i")
with SyncInstantDataConnector(**json.loads(sys.argv[1])) as connector:
    lazy = connector.query(sql, transfer=sys.argv[2])
    connector.query(sql + " LIMIT 5", transfer=sys.argv[2]).to_pandas()
    peaks = []
    for load in range(3):
        with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
            peak.write("5")
        before = resident("VmRSS")
        frame = lazy.to_pandas()
        peaks.append(resident("VmHWM") - before)
        size = int(frame.memory_usage().sum())
        del frame
    print(json.dumps([size, peaks]))
"""


@pytest.mark.parametrize("transfer", ["arrow", "copy"])
def test_the_peak_is_the_frame(plain: SyncInstantDataConnector, hub_arguments: dict[str, Any], transfer: str) -> None:
    """Nothing is held twice: the layer above the core adds at most a column that it converts. That stays so when
    the process has loaded and freed frames before."""
    if transfer == "arrow" and not has_extension(plain):
        with pytest.raises(ic.NotSupportedError):
            plain.query("SELECT 1 AS one", transfer="arrow").to_pandas()
        return
    done = subprocess.run([sys.executable, "-c", PEAK, json.dumps(hub_arguments), transfer], capture_output=True,
                          text=True, check=True, timeout=120)
    size, (first, _, third) = json.loads(done.stdout)
    assert 0.9 * size < first < 1.2 * size
    assert third < 1.1 * size + 2_000_000


def test_native_columns_refuse_nonsense() -> None:
    schema, array = pa.array([1, None, 3]).__arrow_c_array__()
    dtype, values, mask, zone = _native.column_values(schema, array, False)
    assert (dtype, list(mask), zone) == ("int64", [0, 1, 0], None)
    assert np.frombuffer(values, dtype).tolist()[::2] == [1, 3]
    schema, array = pa.array([Decimal("1.50"), None]).__arrow_c_array__()
    assert _native.column_values(schema, array, False) == (None, "d:3,2", 2, None)
    for target in (np.empty(3, object), np.empty(2), np.empty((2, 1), object), [None, None], bytearray(16)):
        with pytest.raises((TypeError, BufferError)):
            _native.fill_objects(schema, array, target)
    objects = np.empty(2, object)
    _native.fill_objects(schema, array, objects)
    assert objects.tolist() == [Decimal("1.50"), None]
    with pytest.raises(ValueError):
        _native.column_values(object(), array, False)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int32(), pa.float32(), pa.float64(), pa.bool_(), pa.date32(),
                                  pa.timestamp("us"), pa.timestamp("ns", "UTC")])
@pytest.mark.parametrize("count", [10, 20000])
def test_slices_keep_their_place(kind: pa.DataType, count: int) -> None:
    """An array with an offset that is no multiple of eight."""
    whole = pa.array([None if i % 5 == 0 else i % 2 if pa.types.is_boolean(kind) else i % 100 for i in range(count + 3)],
                     pa.int64()).cast(pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    piece = whole.slice(3)
    dtype, values, mask, zone = _native.column_values(*piece.__arrow_c_array__(), False)
    got = np.frombuffer(values, dtype)
    expected = piece.is_null().to_numpy(zero_copy_only=False)
    missing = np.frombuffer(mask, bool) if mask is not None else np.isnat(got) if got.dtype.kind == "M" else np.isnan(got)
    assert missing.tolist() == expected.tolist()
    wanted = piece.to_pandas(date_as_object=False).to_numpy(dtype=object)
    if got.dtype.kind == "M":
        assert (got[~missing] == piece.drop_null().cast(pa.timestamp("s" if kind == pa.date32() else kind.unit))
                .to_numpy(zero_copy_only=False)).all()
    else:
        assert got[~missing].tolist() == [value for value, gone in zip(wanted, expected) if not gone]


# ---- options ----

def test_options_of_a_result() -> None:
    given = ResultOptions(numeric="decimal", timeout=1.5, transfer="copy", dictionary="auto", compression="zstd",
                          partitions=4, partition_on="id", unrepresentable=None)
    assert result_options(given) == {
        "numeric": "decimal", "timeout_ms": 1500, "transfer": "copy", "dictionary": "auto", "compression": "zstd",
        "partitions": 4, "partition_on": "id"}
    assert result_options({}) == {}


@pytest.mark.parametrize(("options", "name"), [
    ({"transfer": "fast"}, "transfer"), ({"dictionary": True}, "dictionary"), ({"compression": "gzip"}, "compression"),
    ({"partitions": 0}, "partitions"), ({"partitions": True}, "partitions"), ({"partitions": 1.5}, "partitions"),
    ({"partition_on": 3}, "partition_on"), ({"numeric": "float"}, "numeric"), ({"unrepresentable": "x"}, "unrepresentable"),
])
def test_wrong_options_are_named(plain: SyncInstantDataConnector, options: dict[str, Any], name: str) -> None:
    for make in (lambda: plain.query("SELECT 1", **options), lambda: plain.table("t", **options),
                 lambda: plain.execute_query("SELECT 1", **options), lambda: plain.lazy_load_table("t", **options),
                 lambda: plain.load_arrow("t", **options)):
        with pytest.raises(ic.InterfaceError, match=name):
            make()
    with pytest.raises(TypeError, match="tranfser"):
        plain.query("SELECT 1", tranfser="copy")  # type: ignore[call-arg]


async def test_backends_and_options_wherever_a_frame_is_made(plain: SyncInstantDataConnector,
                                                            aplain: InstantDataConnector) -> None:
    sql = "SELECT 1.5::numeric(3,1) AS n, 'x' AS t"
    frame = plain.execute_query(sql, dtype_backend="pyarrow", numeric="decimal")
    same = await aplain.execute_query(sql, dtype_backend="pyarrow", numeric="decimal")
    assert list(frame.dtypes.astype(str)) == ["decimal128(3, 1)[pyarrow]", "large_string[pyarrow]"]
    pd.testing.assert_frame_equal(frame, same)
    assert plain.execute_query(sql, return_dataframe=False, numeric="string") == [{"n": "1.5", "t": "x"}]


def has_extension(connector: SyncInstantDataConnector) -> bool:
    return bool(connector.query("SELECT 1 AS one FROM pg_extension WHERE extname = 'instant_fdw'").rows())


@pytest.mark.parametrize("count", [0, 1, 700, MANY])
@pytest.mark.parametrize("nulls", ["false", "i % 3 = 0", "true"])
def test_every_transfer_gives_the_same_frame(moods: SyncInstantDataConnector, nulls: str, count: int) -> None:
    sql = everything(nulls).replace("%s", str(count))
    if not has_extension(moods):
        with pytest.raises(ic.NotSupportedError):
            moods.query(sql, transfer="arrow").to_pandas()
        return
    for numeric in ("float64", "decimal"):
        frames = [moods.query(sql, transfer=transfer, compression=compression).to_pandas(numeric=numeric)  # type: ignore[arg-type]
                  for transfer, compression in (("copy", None), ("arrow", None), ("arrow", "lz4"), ("arrow", "zstd"), ("auto", "auto"))]
        for frame in frames[1:]:
            pd.testing.assert_frame_equal(frame, frames[0])


@pytest.mark.parametrize("count", [10, 200000])
def test_text_as_a_dictionary(plain: SyncInstantDataConnector, count: int) -> None:
    sql = f"SELECT i, 'kind ' || i % 4 AS few, i::text AS many, CASE WHEN i % 4 > 0 THEN i % 3 || '' END AS gaps FROM generate_series(1, {count}) i"
    plainly = plain.query(sql).to_pandas()
    frame = plain.query(sql, dictionary="auto").to_pandas()
    for name in ("few", "many", "gaps"):
        assert frame[name].astype(object).where(frame[name].notna(), None).tolist() \
            == plainly[name].astype(object).where(plainly[name].notna(), None).tolist(), name
    if has_extension(plain) and count > 10:
        assert str(frame.few.dtype) == "category" and not frame.few.cat.ordered
        assert str(frame.many.dtype) == "str"
        frame.loc[0, "few"] = "kind 3"
        assert frame.few[0] == "kind 3"
    assert plain.query(sql, dictionary="auto").rows() == plain.query(sql).rows()


# ---- the thread that asks is the thread that waits ----

@contextmanager
def signal_after(seconds: float, number: int) -> Iterator[None]:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def handler_of(number: int, handler: Any) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def busy(connector: SyncInstantDataConnector, word: str) -> int:
    (row,) = connector.query("SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND "
                             "pid <> pg_backend_pid() AND query LIKE %s", [f"%{word}%"]).rows()
    return int(row["n"])


def wait_until_idle(connector: SyncInstantDataConnector, word: str) -> None:
    deadline = time.monotonic() + 10
    while busy(connector, word) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert busy(connector, word) == 0


def test_a_call_runs_in_the_thread_that_makes_it(plain: SyncInstantDataConnector) -> None:
    threads = []
    plain._engine.run(lambda operation: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(60), 'stop_me'", "SELECT generate_series(1, 2000000000) AS stop_me"])
def test_an_interrupt_stops_what_is_under_way(hub_arguments: dict[str, Any], plain: SyncInstantDataConnector,
                                              sql: str) -> None:
    with SyncInstantDataConnector(pool_size=1, **hub_arguments) as made:
        for read in ("to_pandas", "to_arrow", "rows"):
            made.query("SELECT 1 AS one").to_pandas()
            started = time.monotonic()
            with signal_after(0.4, signal.SIGINT), pytest.raises(KeyboardInterrupt):
                getattr(made.query(sql), read)()
            assert time.monotonic() - started < 10
            assert made.query("SELECT 1 AS one").rows() == [{"one": 1}]  # the pool's only connection
        wait_until_idle(plain, "stop_me")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_between_batches(hub_arguments: dict[str, Any]) -> None:
    with SyncInstantDataConnector(pool_size=1, **hub_arguments) as made:
        with signal_after(0.3, signal.SIGINT), pytest.raises(KeyboardInterrupt):
            for _ in made.query("SELECT generate_series(1, 2000000000) AS i").batches():
                pass
        assert made.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_a_handler_of_the_users_runs_while_the_query_goes_on(plain: SyncInstantDataConnector) -> None:
    came: list[float] = []
    started = time.monotonic()
    with handler_of(signal.SIGINT, lambda *_: came.append(time.monotonic() - started)), signal_after(0.2, signal.SIGINT):
        assert len(plain.query("SELECT pg_sleep(1)").rows()) == 1
    assert len(came) == 1 and came[0] < 0.9


def test_a_handler_of_the_users_may_end_the_query(plain: SyncInstantDataConnector) -> None:
    def give_up(*_: object) -> None:
        raise TimeoutError("long enough")

    with handler_of(signal.SIGALRM, give_up), signal_after(0.3, signal.SIGALRM), pytest.raises(TimeoutError):
        plain.query("SELECT pg_sleep(60), 'alarm_me'").rows()
    wait_until_idle(plain, "alarm_me")


def test_a_late_interrupt_stops_nothing_else(plain: SyncInstantDataConnector) -> None:
    for _ in range(50):
        with pytest.raises(KeyboardInterrupt):
            plain.query("SELECT 1 AS one").rows()
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)
        assert plain.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_close_from_another_thread_ends_a_call_of_the_main_thread(hub_arguments: dict[str, Any]) -> None:
    made = SyncInstantDataConnector(**hub_arguments)
    made.query("SELECT 1").rows()
    timer = threading.Timer(0.3, made.close)
    timer.start()
    started = time.monotonic()
    with pytest.raises(ic.Error):
        made.query("SELECT pg_sleep(60)").rows()
    timer.join()
    assert time.monotonic() - started < 10 and made.closed


def test_connectors_leave_no_pipes_and_no_threads(hub_arguments: dict[str, Any]) -> None:
    def listeners() -> int:
        return sum(thread.name == "instant-interrupts" for thread in threading.enumerate())

    before, files = listeners(), len(os.listdir("/proc/self/fd"))
    for closes in (True, False) * 5:
        made = SyncInstantDataConnector(**hub_arguments)
        made.query("SELECT 1").rows()
        if closes:
            made.close()
        del made
    deadline = time.monotonic() + 10
    while (listeners() > before or len(os.listdir("/proc/self/fd")) > files) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert listeners() <= before and len(os.listdir("/proc/self/fd")) <= files


@pytest.mark.quiet
async def test_the_loop_is_not_held_up_by_objects(aplain: InstantDataConnector) -> None:
    """A column of objects is made in pieces, between which others get the GIL. (Python's own garbage collection, which
    now and then goes through every object of the process, is not what is measured.)"""
    longest = [0.0]

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest[0] = max(longest[0], time.perf_counter() - before - 0.001)

    lazy = aplain.query("SELECT ARRAY[i, i + 1] AS l, time '12:00' AS ti, i * 0.01 AS n FROM generate_series(1, 200000) i")
    await aplain.query("SELECT ARRAY[1] AS l").to_pandas()
    best = 1.0
    gc.disable()
    for _ in range(3):
        task = asyncio.create_task(beat())
        await asyncio.sleep(0.01)
        longest[0] = 0.0
        frame = await lazy.to_pandas(numeric="string")
        best = min(best, longest[0])  # before the frame goes: that is the loop's own work
        task.cancel()
        assert len(frame) == 200000
    gc.enable()
    assert best < 0.05


@pytest.mark.quiet
def test_the_first_rows_come_soon(plain: SyncInstantDataConnector) -> None:
    lazy = plain.query("SELECT generate_series(1, 50000000) AS i, 'x' AS t")
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        batches = lazy.batches(batch_rows=1000)
        assert next(batches).num_rows == 1000
        best = min(best, time.perf_counter() - started)
        batches.close()
    assert best < 0.5  # the machine may be busy; make bench has the figure
