"""Exceptions: PEP 249's tree, the class for each SQLSTATE, and what they carry."""
from __future__ import annotations

from typing import Any

import instant_connector as ic
import pytest
from instant_connector import SyncInstantDataConnector

pytest_plugins = ["connectors"]

TREE = {
    ic.InterfaceError: ic.Error, ic.DatabaseError: ic.Error, ic.DataError: ic.DatabaseError,
    ic.OperationalError: ic.DatabaseError, ic.IntegrityError: ic.DatabaseError, ic.InternalError: ic.DatabaseError,
    ic.ProgrammingError: ic.DatabaseError, ic.NotSupportedError: ic.DatabaseError,
    ic.ConfigurationError: ic.InterfaceError, ic.CredentialError: ic.OperationalError,
    ic.CanceledError: ic.OperationalError, ic.QueryTimeoutError: ic.OperationalError,
}


def test_the_tree() -> None:
    for child, parent in TREE.items():
        assert child.__bases__ == (parent,)
    assert ic.Error.__bases__ == ic.Warning.__bases__ == (Exception,)


RAISED = [
    ("22012", ic.DataError), ("23505", ic.IntegrityError), ("42P01", ic.ProgrammingError), ("42601", ic.ProgrammingError),
    ("08006", ic.OperationalError), ("57P03", ic.OperationalError), ("53300", ic.OperationalError),
    ("HV000", ic.OperationalError), ("0A000", ic.NotSupportedError), ("28P01", ic.CredentialError),
    ("XX000", ic.InternalError), ("P0001", ic.InternalError), ("40001", ic.OperationalError),
]


@pytest.mark.parametrize(("sqlstate", "kind"), RAISED)
def test_the_class_of_an_sqlstate(plain: SyncInstantDataConnector, sqlstate: str, kind: type[ic.Error]) -> None:
    plain.execute_query(
        "CREATE OR REPLACE FUNCTION fail_with(state text) RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = 'as asked', HINT = 'ask less'; END $$")
    with pytest.raises(kind) as caught:
        plain.query("SELECT fail_with(%s)", [sqlstate]).rows()
    assert caught.value.sqlstate == sqlstate
    assert "as asked" in str(caught.value) and caught.value.hint == "ask less"
    assert "ask less" in str(caught.value)
    assert type(caught.value) is kind


def test_an_error_of_a_source_has_its_sql(connector: SyncInstantDataConnector) -> None:
    connector.execute_query("CREATE FOREIGN TABLE IF NOT EXISTS not_there (a int) SERVER operations "
                            "OPTIONS (table_name 'not_there')")
    try:
        with pytest.raises(ic.DatabaseError) as caught:
            connector.query("SELECT * FROM not_there").rows()
        assert "not_there" in str(caught.value)
        assert caught.value.remote_sql is not None and "not_there" in caught.value.remote_sql
    finally:
        connector.execute_query("DROP FOREIGN TABLE not_there")


def test_the_nearest_name_is_offered(connector: SyncInstantDataConnector) -> None:
    with pytest.raises(ic.ProgrammingError) as caught:
        connector.lazy_load_table("flihgts")
    assert "flights" in f"{caught.value}"


def test_a_plain_error_has_the_attributes() -> None:
    error = ic.Error("x")
    assert (error.sqlstate, error.source, error.remote_sql, error.hint, str(error)) == (None, None, None, None, "x")


def test_misuse_of_the_extension_module() -> None:
    from instant_connector import _native

    with pytest.raises(TypeError):
        _native.Result()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _native.Call(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _native.Connector(5)  # type: ignore[arg-type]
    with pytest.raises(ic.DataError, match="unknown option"):
        _native.Connector({"confg_path": "x"})
    with pytest.raises(ic.InterfaceError):
        _native.Connector({5: "x"})  # type: ignore[dict-item]


@pytest.mark.parametrize("arguments", [{"filters": [("a", "eq")]}, {"filters": [("a", "eq", 5)]}, {"filters": [5]},
                                       {"filters": 5}, {"columns": [5]}, {"columns": 5}, {"call": 5}])
def test_misuse_of_a_native_table(plain: SyncInstantDataConnector, arguments: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ic.Error)):
        plain._engine.native.table("flights", **arguments)


def test_misuse_of_a_native_result(plain: SyncInstantDataConnector) -> None:
    native = plain._engine.native.query("SELECT generate_series(1, 10) AS i")
    assert native.fetch_rows(3) == [{"i": 1}, {"i": 2}, {"i": 3}]
    with pytest.raises(ic.InterfaceError, match="partly read"):
        native.stream()
    native.close()
    native.close()
    for use in (native.stats, native.sql, native.stream, native.columns, lambda: native.fetch_rows(1)):
        with pytest.raises(ic.InterfaceError, match="closed"):
            use()
    native.cancel()
    native.check()
    taken = plain._engine.native.query("SELECT 1")
    capsule = taken.stream()
    with pytest.raises(ic.InterfaceError, match="taken"):
        taken.stream()
    del capsule
