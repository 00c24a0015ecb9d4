"""Write small Arrow IPC streams of many types as seeds of fuzz_ipc: make_ipc_seeds.py FOLDER."""

import datetime
import decimal
import io
import pathlib
import sys

import pyarrow as pa
import pyarrow.ipc

SCALARS = {
    "numbers": [
        pa.array([1, None, -3], pa.int16()),
        pa.array([1, 2, 3], pa.uint64()),
        pa.array([0.5, None, 1], pa.float64()),
        pa.array([True, None, False]),
        pa.array([decimal.Decimal("1.25"), None, decimal.Decimal(7)], pa.decimal128(12, 3)),
        pa.nulls(3),
    ],
    "texts": [
        pa.array(["a", None, "bcd"], pa.utf8()),
        pa.array(["a", "", "bcd"], pa.large_utf8()),
        pa.array([b"a", None, b""], pa.binary()),
        pa.array([b"abc", None, b"def"], pa.binary(3)),
    ],
    "times": [
        pa.array([datetime.date(2020, 1, 2), None, None], pa.date32()),
        pa.array([datetime.time(1, 2, 3), None, None], pa.time64("us")),
        pa.array([1, 2, None], pa.timestamp("us", "UTC")),
        pa.array([1, 2, None], pa.duration("ms")),
        pa.array([(1, 2, 3), None, None], pa.month_day_nano_interval()),
    ],
    "nested": [
        pa.array([[1, None], None, []], pa.list_(pa.int32())),
        pa.array([[["x"], []], None, [[None]]], pa.large_list(pa.list_(pa.utf8()))),
        pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        pa.array([[("k", "v")], None, []], pa.map_(pa.utf8(), pa.utf8())),
        pa.array([[1, 2], None, [3, None]], pa.list_(pa.int8(), 2)),
    ],
    "dictionaries": [
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.array([5, 5, 6]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.int64())),
        pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), pa.array(["x", "y", "x"]).dictionary_encode()),
    ],
}


def stream(batches: list[pa.RecordBatch], **options: object) -> bytes:
    """Give the batches as a stream behind the byte that says how it is aligned."""
    target = io.BytesIO()
    with pa.ipc.new_stream(target, batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return b"\0" + target.getvalue()


def main() -> None:
    """Write a file a stream."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, arrays in SCALARS.items():
        batch = pa.RecordBatch.from_arrays(arrays, [f"c{i}" for i in range(len(arrays))])
        for compression in (None, "lz4", "zstd"):
            (folder / f"{name}-{compression}").write_bytes(stream([batch, batch.slice(1)], compression=compression))
    for number in range(len(SCALARS)):
        arrays = [list(SCALARS.values())[number][0]]
        (folder / f"one-{number}").write_bytes(stream([pa.RecordBatch.from_arrays(arrays, ["c"])]))
    labels = [pa.array(["a", "b"]), pa.array(["a", "b", "c"]), pa.array(["x"])]
    growing = [
        pa.RecordBatch.from_arrays([pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int32()), values)], ["d"])
        for values in labels
    ]
    for name, values in {"delta": growing[:2], "replacement": growing}.items():
        (folder / name).write_bytes(stream(values, emit_dictionary_deltas=name == "delta"))


main()
