"""What the package meets: missing extras, IPython, tqdm, an installed wheel's contents."""
from __future__ import annotations

import importlib.resources
import subprocess
import sys
from typing import Any

import instant_connector as ic
import pytest
from instant_connector import SyncInstantDataConnector
from instant_connector.filters import normalize_filters, normalize_order

pytest_plugins = ["connectors"]

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from instant_connector import SyncInstantDataConnector
connector = SyncInstantDataConnector()
assert connector.query("SELECT 1 AS one, now() AS t, 1.5::numeric AS n").rows()[0]["one"] == 1
assert [row["i"] for row in connector.query("SELECT generate_series(1, 3) AS i")] == [1, 2, 3]
assert "<table>" in connector.query("SELECT 1")._repr_html_()
try:
    connector.query("SELECT 1").{method}()
except ImportError as error:
    print(error)
assert not {blocked!r} & set(sys.modules)
connector.close()
"""


@pytest.mark.parametrize(("missing", "method", "extra"), [
    ("pandas", "to_pandas", "pandas"), ("pyarrow", "to_pandas", "pandas"), ("pyarrow", "to_arrow", "arrow"),
    ("polars", "to_polars", "polars"),
])
def test_a_missing_extra_is_named(instant_home: Any, missing: str, method: str, extra: str) -> None:
    """The core works with nothing installed beside it."""
    blocked = {"pandas", "pyarrow", "polars", "numpy", "tqdm"} if missing != "pyarrow" else {"pyarrow"}
    program = BLOCKED.format(blocked=blocked, method=method)
    if missing == "pyarrow" and method == "to_pandas":
        program = program.replace(f"assert not {blocked!r} & set(sys.modules)\n", "")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"instant-connector[{extra}]" in done.stdout and missing in done.stdout


def test_importing_the_package_imports_no_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import instant_connector, sys; "
         "print(sorted({'pandas', 'pyarrow', 'polars', 'numpy', 'tqdm', 'IPython'} & set(sys.modules)))"],
        capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_the_package_is_typed() -> None:
    files = {entry.name for entry in importlib.resources.files("instant_connector").iterdir()}
    assert {"py.typed", "_native.pyi"} <= files
    assert ic.__version__ == "0.3.0"
    assert all(hasattr(ic, name) for name in ic.__all__)


def test_the_magic(plain: SyncInstantDataConnector) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    try:
        shell.run_line_magic("load_ext", "instant_connector")
        shell.user_ns["connector"] = plain
        assert list(shell.run_line_magic("instant", "SELECT 1 AS one").one) == [1]
        assert shell.run_cell_magic("instant", "kept", "SELECT 2 AS two\n  -- a comment") is None
        assert list(shell.user_ns["kept"].two) == [2]
        assert shell.run_line_magic("instant_connect", "connector") is plain
        with pytest.raises(ic.InterfaceError):
            shell.run_cell_magic("instant", "not a name", "SELECT 1")
        shell._instant_connector = None
        shell.user_ns["connector"] = "something else"
        with pytest.raises(ic.InterfaceError):
            shell.run_line_magic("instant", "SELECT 1")
    finally:
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()


def test_the_progress_bar_of_a_long_load(hub_arguments: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    with SyncInstantDataConnector(progress=True, **hub_arguments) as made:
        made.query("SELECT i, pg_sleep(0.0005) FROM generate_series(1, 3000) i").to_arrow()
        made.query("SELECT 1").to_arrow()
    shown = capfd.readouterr().err
    assert "3.00k" in shown and "rows" in shown
    with SyncInstantDataConnector(**hub_arguments) as made:
        made.query("SELECT i, pg_sleep(0.0005) FROM generate_series(1, 3000) i").to_arrow()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("given", "expected"), [
    (None, []), ({}, []), ({"a": 1}, [("a", "eq", [1])]), ({"a": None}, [("a", "is_null", [])]),
    ({"a": [1, 2]}, [("a", "in", [1, 2])]), ({"a": []}, [("a", "in", [])]), ({"a": {1}}, [("a", "in", [1])]),
    ({"a": {"gt": 1, "le": 5}}, [("a", "gt", [1]), ("a", "le", [5])]),
    ({"a": {">": 1, "!=": 5}}, [("a", "gt", [1]), ("a", "ne", [5])]),
    ({"a": {"between": (1, 2)}}, [("a", "between", [1, 2])]),
    ({"a": {"is_null": True}}, [("a", "is_null", [])]), ({"a": {"is_null": False}}, [("a", "is_not_null", [])]),
    ({"a": {"is_not_null": None}}, [("a", "is_not_null", [])]), ({"a": {"ne": None}}, [("a", "is_not_null", [])]),
    ({"a": "text"}, [("a", "eq", ["text"])]), ({"a": b"x"}, [("a", "eq", [b"x"])]),
    ([("a", "gt", 1), ("a", "is_null")], [("a", "gt", [1]), ("a", "is_null", [])]),
    ({"a": range(2)}, [("a", "in", [0, 1])]),
])
def test_filters_in_one_form(given: Any, expected: Any) -> None:
    assert normalize_filters(given) == expected


def test_filters_of_numpy_and_pandas() -> None:
    import numpy as np
    import pandas as pd

    assert normalize_filters({"a": np.array([1, 2])}) == [("a", "in", [1, 2])]
    assert normalize_filters({"a": pd.Series(["x"])}) == [("a", "in", ["x"])]
    assert normalize_filters({"a": pd.NA, "b": pd.NaT}) == [("a", "is_null", []), ("b", "is_null", [])]
    assert normalize_order(pd.Index(["a", "-b"])) == ["a", "-b"]
