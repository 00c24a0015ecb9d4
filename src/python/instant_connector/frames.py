"""Arrow columns as a pandas DataFrame, in place where the layouts agree.

The columns come one by one, each with memory of its own, so a column that has to be converted
gives its Arrow memory back before the next one is touched. A column that was just received
belongs to nobody else: fixed-width ones are used where they are, writable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from . import _native
from .errors import InterfaceError
from .types import Interval, required

if TYPE_CHECKING:
    import pandas

__all__ = ["to_pandas"]

_BACKENDS = (None, "numpy_nullable", "pyarrow")
_OBJECTS_AT_ONCE = 2048  # objects are made under the GIL: let others run in between


def check_backend(dtype_backend: str | None) -> None:
    if dtype_backend not in _BACKENDS:
        raise InterfaceError(
            f'dtype_backend is {dtype_backend!r}, expected None, "numpy_nullable" or "pyarrow"'
        )


def to_pandas(result: _native.Result, dtype_backend: str | None = None) -> "pandas.DataFrame":
    """The whole result as a DataFrame; types as docs/reference/python.md lists them."""
    check_backend(dtype_backend)
    pandas = required("pandas", "pandas")
    pa = required("pyarrow", "pandas")
    names = [column[0] for column in result.columns()]
    columns = _read_columns(pa, result, len(names))
    row_count = len(columns[0]) if columns else 0
    arrays: dict[int, Any] = {}
    columns.reverse()
    while columns:
        arrays[len(arrays)] = _convert(columns.pop(), dtype_backend)
    frame = pandas.DataFrame(arrays, index=pandas.RangeIndex(row_count), copy=False)
    frame.columns = pandas.Index(names, dtype=None if names else object)
    return frame


def _read_columns(pa: Any, result: _native.Result, count: int) -> list[Any]:
    chunks: list[list[Any]] = [[] for _ in range(count)]
    while (batch := result.next_columns()) is not None:
        for pieces, (schema, array) in zip(chunks, batch):
            pieces.append(pa.Array._import_from_c_capsule(schema, array))
        del batch
    if count and not chunks[0]:
        schema = pa.Schema._import_from_c_capsule(result.schema())
        return [pa.array([], field.type) for field in schema]
    columns = []
    chunks.reverse()
    while chunks:
        pieces = chunks.pop()
        columns.append(pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces))
    return columns


def _convert(array: Any, dtype_backend: str | None) -> Any:
    import pandas
    import pyarrow as pa

    if dtype_backend == "pyarrow":
        return pandas.array(array, dtype=pandas.ArrowDtype(array.type), copy=False)
    kind = array.type
    if dtype_backend == "numpy_nullable" and kind.id in _nullable_classes(pa):
        return _masked(array)
    for matches, convert in _converters(pa):
        if matches(kind):
            return convert(array, dtype_backend)
    return _objects(array)


def _converters(pa: Any) -> list[tuple[Callable[[Any], bool], Callable[[Any, str | None], Any]]]:
    kinds = pa.types
    return [
        (kinds.is_integer, _integers),
        (kinds.is_floating, _floats),
        (kinds.is_boolean, _booleans),
        (lambda kind: kinds.is_large_string(kind) or kinds.is_string(kind), _strings),
        (kinds.is_timestamp, _timestamps),
        (kinds.is_date32, _dates),
        (kinds.is_dictionary, _categories),
    ]


def _nullable_classes(pa: Any) -> dict[int, str]:
    names = {
        pa.int8(): "Integer",
        pa.int16(): "Integer",
        pa.int32(): "Integer",
        pa.int64(): "Integer",
        pa.uint8(): "Integer",
        pa.uint16(): "Integer",
        pa.uint32(): "Integer",
        pa.uint64(): "Integer",
        pa.float32(): "Floating",
        pa.float64(): "Floating",
        pa.bool_(): "Boolean",
    }
    return {kind.id: name for kind, name in names.items()}


def _values(array: Any, dtype: Any) -> Any:
    """The values of a fixed-width array as a writable numpy array over the same memory."""
    import numpy

    dtype = numpy.dtype(dtype)
    buffer = array.buffers()[1]
    if len(array) == 0 or buffer is None:
        return numpy.empty(0, dtype)
    memory = memoryview(_native.Buffer(array, buffer.address, buffer.size))
    return numpy.frombuffer(memory, dtype, len(array), array.offset * dtype.itemsize)


def _nulls(array: Any) -> Any:
    return array.is_null().to_numpy(zero_copy_only=False)


def _masked(array: Any) -> Any:
    """pandas' nullable array (Int64, Float64, boolean and the like): exact, with NULLs."""
    import numpy
    import pandas
    import pyarrow as pa

    name = _nullable_classes(pa)[array.type.id]
    mask = _nulls(array)
    if not mask.flags.writeable:
        mask = mask.copy()
    if name == "Boolean":
        values = array.fill_null(False).to_numpy(zero_copy_only=False)
        return pandas.arrays.BooleanArray(numpy.array(values, dtype=bool), mask)
    masked_class = getattr(pandas.arrays, f"{name}Array")
    return masked_class(_values(array, array.type.to_pandas_dtype()), mask, copy=False)


def _integers(array: Any, _backend: str | None) -> Any:
    return _masked(array) if array.null_count else _values(array, array.type.to_pandas_dtype())


def _floats(array: Any, _backend: str | None) -> Any:
    values = _values(array, array.type.to_pandas_dtype())
    if array.null_count:
        values[_nulls(array)] = float("nan")
    return values


def _booleans(array: Any, _backend: str | None) -> Any:
    import numpy

    if array.null_count:
        return _masked(array)
    return numpy.array(array.to_numpy(zero_copy_only=False), dtype=bool)


def _strings(array: Any, backend: str | None) -> Any:
    import numpy
    import pandas

    if backend == "numpy_nullable":
        return pandas.StringDtype("pyarrow").__from_arrow__(array)
    return pandas.StringDtype("pyarrow", na_value=numpy.nan).__from_arrow__(array)


def _timestamps(array: Any, _backend: str | None) -> Any:
    import numpy
    import pandas

    values = _values(array, numpy.int64)
    if array.null_count:
        values[_nulls(array)] = numpy.iinfo(numpy.int64).min
    if array.type.tz is None:
        return values.view(f"M8[{array.type.unit}]")
    dtype = pandas.DatetimeTZDtype(array.type.unit, array.type.tz)
    return pandas.array(values, dtype=dtype, copy=False)


def _dates(array: Any, _backend: str | None) -> Any:
    """Days as datetime64[s]: pandas has no dates, and seconds reach every PostgreSQL date."""
    import numpy

    values = numpy.multiply(_values(array, numpy.int32), 86400, dtype=numpy.int64)
    if array.null_count:
        values[_nulls(array)] = numpy.iinfo(numpy.int64).min
    return values.view("M8[s]")


def _categories(array: Any, _backend: str | None) -> Any:
    import pandas

    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    labels = _strings(array.dictionary, None)
    return pandas.Categorical.from_codes(codes, categories=labels, ordered=True)


def _objects(array: Any) -> Any:
    """Python objects: Decimal, time, Interval, bytes, list, dict."""
    import numpy

    objects = numpy.empty(len(array), dtype=object)
    adapt = _object_adapter(array.type)
    for start in range(0, len(array), _OBJECTS_AT_ONCE):
        items = array.slice(start, _OBJECTS_AT_ONCE).to_pylist()
        for position, item in enumerate(items, start):
            objects[position] = item if adapt is None or item is None else adapt(item)
    return objects


def _object_adapter(kind: Any) -> Callable[[Any], Any] | None:
    import pyarrow as pa

    if kind == pa.month_day_nano_interval():
        return lambda item: Interval(item[0], item[1], item[2] // 1000)
    if pa.types.is_map(kind):
        return dict
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _object_adapter(kind.value_type)
        if inner is not None:
            return lambda items: [None if item is None else inner(item) for item in items]
    return None
