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

VERSION = "0.9.0"
SHA256 = "1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3"


def pip_command() -> list[str]:
    """The pip of this interpreter, or the one on the PATH (build isolation has none)."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    return [sys.executable, "-m", "pip"] if probe.returncode == 0 else ["pip3"]


# pip asks an sdist's build back end for its metadata even when it only downloads; the real
# one (meson-python) compiles for a minute and runs code that nobody has checked yet.
STAND_IN_BACKEND = f"""
import os
def prepare_metadata_for_build_wheel(folder, settings=None):
    name = "nanoarrow-{VERSION}.dist-info"
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "METADATA"), "w") as f:
        f.write("Metadata-Version: 2.1\\nName: nanoarrow\\nVersion: {VERSION}\\n")
    return name
"""


def download(folder: Path) -> Path:
    """The source archive, its hash checked by pip, without running anything inside it."""
    (folder / "mesonpy.py").write_text(STAND_IN_BACKEND)
    requirement = folder / "requirement.txt"
    requirement.write_text(f"nanoarrow=={VERSION} --hash=sha256:{SHA256}\n")
    subprocess.run(
        [*pip_command(), "download", "--quiet", "--no-deps", "--no-build-isolation", "--require-hashes",
         "--no-binary", "nanoarrow", "--dest", str(folder), "--requirement", str(requirement)],
        check=True, env={**os.environ, "PYTHONPATH": str(folder)})
    return folder / f"nanoarrow-{VERSION}.tar.gz"


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
        archive = download(scratch)
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
