"""What `pip install .` and `make install` put elsewhere works there: module, types, command and extension."""
from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from harness.project import ROOT
from scratch_servers import Scratch


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("in stalled")
    # Without optimization, which is half of the time and of no account for where things are.
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
         "--config-settings=cmake.build-type=Debug", f"--config-settings=build-dir={tmp_path_factory.mktemp('build')}", "--target", str(target), str(ROOT)],
        check=True, stdin=subprocess.DEVNULL, timeout=600)
    return target


def test_the_module_is_that_of_the_wheel(installed: Path) -> None:
    # -I and -S: neither the tree's own package nor .venv's is in sight.
    code = (f"import sys; sys.path.insert(0, {str(installed)!r}); import instant_connector as ic;"
            "print(ic.__file__); ic.SyncInstantDataConnector(config='sources: {}').close()")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == installed / "instant_connector"
    assert (installed / "instant_connector" / "py.typed").exists()


def test_the_command_comes_with_it(installed: Path) -> None:
    done = subprocess.run([str(installed / "bin" / "instant"), "version"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "0.3.0" in done.stdout, done.stderr


def test_one_wheel_is_for_all_later_pythons(installed: Path) -> None:
    (wheel,) = installed.glob("instant_connector-*.dist-info/WHEEL")
    assert "Tag: cp311-abi3-" in wheel.read_text()


def test_the_extension_comes_with_it(installed: Path) -> None:
    folder = installed / "instant_connector" / "fdw" / "pg15"
    names = {file.name for file in folder.iterdir()}
    assert {"instant_fdw.so", "instant_fdw.control", "instant_fdw--0.1.0.sql", "instant_fdw--0.1.0--0.2.0.sql",
            "instant_fdw--0.2.0--0.3.0.sql",
            "instant-source"} <= names
    assert os.access(folder / "instant-source", os.X_OK)


@pytest.mark.parametrize(("adapter", "option"), [
    ("rest", "base_url=http://127.0.0.1:1"), ("sqlite", "path=/nowhere"), ("mysql", "port=1"), ("postgres", "port=1")])
def test_every_adapter_comes_with_it(installed: Path, tmp_path: Path, adapter: str, option: str) -> None:
    """An adapter whose library is missing would be left out of the build, and say so first."""
    program = installed / "instant_connector" / "fdw" / "pg15" / "instant-source"
    command = [str(program), "--adapter", adapter, "--server-option", option, "--relation", str(tmp_path / "none")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and str(tmp_path / "none") in done.stderr, done.stderr


def version_from(command: Path) -> str:
    """What a new hub that this command starts says of the extension; it also has to read a source of our own."""
    with Scratch() as place:
        env = {**os.environ, "INSTANT_HOME": str(place.path / "home")}

        def run(*arguments: str) -> str:
            done = subprocess.run([str(command), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, cwd="/", env=env, timeout=120)
            assert done.returncode == 0, done.stderr
            return done.stdout

        config = place.path / "sources.yaml"
        with sqlite3.connect(place.path / "shop.db") as file:
            file.execute("CREATE TABLE orders AS SELECT 41 + 1 AS answer")
        file.close()
        (place.path / "shop.db").chmod(0o644)
        config.write_text(f"sources:\n  shop:\n    sqlite: {place.path / 'shop.db'}\n    tables:\n"
                          "      - {name: orders, columns: [{name: answer, type: integer}]}\n")
        run("-c", str(config), "setup")
        assert run("-c", str(config), "load", "orders", "--format", "csv").split() == ["answer", "42"]
        version = run("-c", str(config), "query", "SELECT instant.version() AS version", "--format", "csv")
        run("hub", "destroy", "--yes")
    return version


def test_a_hub_of_the_command_has_it(installed: Path) -> None:
    assert "0.3.0" in version_from(installed / "bin" / "instant")


def test_a_hub_of_the_module_has_it(installed: Path) -> None:
    with Scratch() as place:
        code = (f"import sys; sys.path.insert(0, {str(installed)!r}); import instant_connector as ic\n"
                f"with ic.SyncInstantDataConnector(config='sources: {{}}', home={str(place.path / 'home')!r}) as c:\n"
                "    print(c.query('SELECT instant.version() AS version').rows()[0]['version'])\n"
                f"ic.destroy_hub({str(place.path / 'home')!r})")
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0.3.0")


def test_make_install_brings_it(tmp_path: Path) -> None:
    """The build folder that make made, installed under another prefix."""
    build = Path(os.environ.get("INSTANT_CLI", str(ROOT / "build" / "instant"))).parent
    subprocess.run(["cmake", "--install", str(build), "--prefix", str(tmp_path / "a prefix")], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120)
    assert list((tmp_path / "a prefix").glob("lib*/**/instant/fdw/pg15/instant_fdw.so"))
    assert list((tmp_path / "a prefix").glob("lib*/**/instant/fdw/pg15/instant-source"))
    assert "0.3.0" in version_from(tmp_path / "a prefix" / "bin" / "instant")
