#!/usr/bin/env python3
"""Bring nanoarrow's C sources (core + IPC) from its PyPI source distribution.

    fetch_nanoarrow.py DIRECTORY

DIRECTORY receives include/ and src/ with the bundled sources, symbols prefixed
with Idc. Nothing happens where they are there already. The archive is checked
by its SHA-256 before a byte of it is used.
"""
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from sdist import download

VERSION = "0.9.0"
SHA256 = "1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3"


def bundle(source: Path, target: Path) -> None:
    """Run nanoarrow's own bundler; it looks for flatcc under thirdparty/."""
    core = source / "subprojects" / "arrow-nanoarrow"
    (flatcc,) = (source / "subprojects").glob("flatcc-*")
    (core / "thirdparty").mkdir(exist_ok=True)
    if not (core / "thirdparty" / "flatcc").exists():
        shutil.copytree(flatcc, core / "thirdparty" / "flatcc")
    subprocess.run(
        [sys.executable, str(core / "ci" / "scripts" / "bundle.py"),
         "--symbol-namespace", "Idc", "--header-namespace", "",
         "--include-output-dir", str(target / "include"),
         "--source-output-dir", str(target / "src"), "--with-ipc", "--with-flatcc"], check=True)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(sys.argv[1]).resolve()
    stamp = target / f"nanoarrow-{VERSION}.ok"
    if stamp.exists():
        return 0
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch_name:
        scratch = Path(scratch_name)
        archive = download(scratch, "nanoarrow", VERSION, SHA256, "mesonpy.py")
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(scratch)
        bundle(scratch / f"nanoarrow-{VERSION}", scratch / "out")
        for name in ("include", "src"):
            shutil.rmtree(target / name, ignore_errors=True)
            os.replace(scratch / "out" / name, target / name)
    stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
