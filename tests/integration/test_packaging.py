"""What `pip install .` puts elsewhere works there: the module, its types and the command."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("in stalled")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
         f"--config-settings=build-dir={tmp_path_factory.mktemp('build')}", "--target", str(target), str(ROOT)],
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
    assert done.returncode == 0 and "0.1.0" in done.stdout, done.stderr


def test_one_wheel_is_for_all_later_pythons(installed: Path) -> None:
    (wheel,) = installed.glob("instant_connector-*.dist-info/WHEEL")
    assert "Tag: cp311-abi3-" in wheel.read_text()
