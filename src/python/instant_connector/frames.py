"""Arrow columns as a pandas DataFrame, in place where the layouts agree.

The columns come one by one, each with memory of its own, so a column that has to be converted
gives its Arrow memory back before the next one is touched. What numpy has a type for is made
ready by native/columns.c, text stays where it is and is wrapped by pandas' own `str`, everything
else becomes Python objects. One row takes the same way as a million, so both have the same types.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import _native
from .errors import InterfaceError
from .types import required

if TYPE_CHECKING:
    import pandas

__all__ = ["check_backend", "prepare", "to_pandas"]

_BACKENDS = (None, "numpy_nullable", "pyarrow")
_MASKED = {"i": "IntegerArray", "u": "IntegerArray", "f": "FloatingArray", "b": "BooleanArray"}


def check_backend(dtype_backend: str | None) -> None:
    if dtype_backend not in _BACKENDS:
        raise InterfaceError(
            f'dtype_backend is {dtype_backend!r}, expected None, "numpy_nullable" or "pyarrow"'
        )


def prepare() -> None:
    """Import what a DataFrame takes, before a query is run for one; ImportError says what lacks."""
    _maker()


def to_pandas(result: _native.Result, dtype_backend: str | None = None) -> "pandas.DataFrame":
    """The whole result as a DataFrame; types as docs/reference/python.md lists them."""
    check_backend(dtype_backend)
    maker = _maker()
    names = tuple(column[0] for column in result.columns())
    columns = _read_columns(maker.pa, result)
    columns.reverse()
    arrays: list[Any] = []
    while columns:
        schema, array = columns.pop()
        arrays.append(maker.convert(schema, array, dtype_backend))
        del schema, array
    return maker.frame(names, arrays, len(arrays[0]) if arrays else _bare_rows(result))


def _bare_rows(result: _native.Result) -> int:
    """Rows of a query without columns; a statement that is no query counts what it changed."""
    stats = result.stats()
    return stats["rows"] if stats["batches"] else 0


def _read_columns(pa: ModuleType, result: _native.Result) -> list[tuple[object, object]]:
    """The capsules of every column. A result that was asked for as one batch is one, or none."""
    batches = []
    while (batch := result.next_columns()) is not None:
        batches.append(batch)
    if len(batches) == 1:
        return batches[0]
    if not batches:
        schema = pa.Schema._import_from_c_capsule(result.schema())
        return [pa.array([], field.type).__arrow_c_array__() for field in schema]
    columns = []
    for i in range(len(batches[0])):
        pieces = []
        for batch in batches:
            pieces.append(pa.Array._import_from_c_capsule(*batch[i]))
            batch[i] = (None, None)
        columns.append(_joined(pa, pieces).__arrow_c_array__())
    return columns


def _joined(pa: ModuleType, pieces: list[Any]) -> Any:
    whole = pa.chunked_array(pieces)
    if pa.types.is_dictionary(whole.type):
        whole = whole.unify_dictionaries()
    return pa.concat_arrays(whole.chunks)


class _Maker:
    """numpy, pandas and pyarrow, looked up once, and what DataFrames are made of."""

    def __init__(self) -> None:
        self.pa = pa = required("pyarrow", "pandas")
        self._pandas = pandas = required("pandas", "pandas")
        self._numpy = numpy = required("numpy", "pandas")
        self._dtypes = lru_cache(maxsize=64)(numpy.dtype)
        self._places = lru_cache(maxsize=2048)(lambda n: numpy.array([n], dtype=numpy.intp))
        self._names = lru_cache(maxsize=256)(self._index_of)
        self._zones = lru_cache(maxsize=64)(pandas.DatetimeTZDtype)
        self._import = pa.Array._import_from_c_capsule
        self._str = pandas.StringDtype("pyarrow", na_value=numpy.nan)
        self._nullable_str = pandas.StringDtype("pyarrow")
        # What pandas before 3 does not have; and a shorter way than pandas.array() to the same.
        self._from_blocks = getattr(_api_internals(), "create_dataframe_from_blocks", None)
        self._zoned = getattr(pandas.arrays.DatetimeArray, "_simple_new", None)

    # ---- the frame ----

    def _index_of(self, names: tuple[str, ...]) -> Any:
        return self._pandas.Index(list(names), dtype=None if names else object)

    def frame(self, names: tuple[str, ...], arrays: list[Any], row_count: int) -> Any:
        """A DataFrame of the arrays as they are. Its column index is a view of one that is kept."""
        index = self._pandas.RangeIndex(row_count)
        columns = self._names(names).view()
        if self._from_blocks is None:
            frame = self._pandas.DataFrame(dict(enumerate(arrays)), index=index, copy=False)
            frame.columns = columns
            return frame
        ndarray, places = self._numpy.ndarray, self._places
        blocks = [
            (array.reshape(1, -1) if type(array) is ndarray else array, places(position))
            for position, array in enumerate(arrays)
        ]
        return self._from_blocks(blocks, index=index, columns=columns)

    # ---- columns ----

    def convert(self, schema: object, array: object, backend: str | None) -> Any:
        """A column's capsules as a numpy array or one of pandas' own."""
        if backend == "pyarrow":
            return self._pandas.arrays.ArrowExtensionArray(self._import(schema, array))
        is_nullable = backend == "numpy_nullable"
        dtype, values, mask, zone = _native.column_values(schema, array, is_nullable)
        if dtype is not None:
            return self._numbers(dtype, values, mask, zone)
        if values in ("U", "u"):
            text = self._import(schema, array)
            return (self._nullable_str if is_nullable else self._str).__from_arrow__(text)
        if values == "dictionary":
            return self._categories(self._import(schema, array))
        objects = self._numpy.empty(mask, dtype=object)
        _native.fill_objects(schema, array, objects)
        return objects

    def _array(self, values: Any, dtype: Any) -> Any:
        if len(memoryview(values)) == 0:
            return self._numpy.empty(0, dtype)
        return self._numpy.frombuffer(values, dtype)

    def _numbers(self, name: str, values: Any, mask: Any, zone: str | None) -> Any:
        dtype = self._dtypes(name)
        array = self._array(values, dtype)
        if mask is not None:
            masked_class = getattr(self._pandas.arrays, _MASKED[dtype.kind])
            return masked_class(array, self._array(mask, bool), copy=False)
        if zone is None:
            return array
        zoned = self._zones(self._numpy.datetime_data(dtype)[0], zone)
        if self._zoned is not None:
            return self._zoned(array, dtype=zoned)
        return self._pandas.array(array.view("i8"), dtype=zoned, copy=False)

    def _categories(self, array: Any) -> Any:
        """Enums in their own order; text that came as a dictionary has none."""
        pandas = self._pandas
        schema, codes = array.indices.fill_null(-1).__arrow_c_array__()
        name, values, _, _ = _native.column_values(schema, codes, False)
        labels = self._str.__from_arrow__(array.dictionary)
        return pandas.Categorical.from_codes(
            self._array(values, self._dtypes(name)), categories=labels, ordered=array.type.ordered
        )


def _api_internals() -> Any:
    try:
        from pandas.api import internals
    except ImportError:
        return None
    return internals


_maker = lru_cache(maxsize=1)(_Maker)
