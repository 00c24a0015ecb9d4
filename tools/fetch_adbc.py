#!/usr/bin/env python3
"""Bring adbc.h (ADBC 1.1) from the PyPI source distribution of adbc-driver-manager.

    fetch_adbc.py DIRECTORY

DIRECTORY receives include/arrow-adbc/adbc.h. Nothing happens where it is there already. The archive
is checked by its SHA-256 before a byte of it is used, and nothing inside it is run.
"""
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fetch_nanoarrow import pip_command

VERSION = "1.13.0"
SHA256 = "72d616e43d03b735e4000b653307531a2d1820f1f7e0ce949656f0ab939bd53e"
HEADER = f"adbc_driver_manager-{VERSION}/adbc_driver_manager/arrow-adbc/adbc.h"

# pip asks an sdist's build back end for its metadata even when it only downloads; the real one
# (setuptools) runs the archive's setup.py.
STAND_IN_BACKEND = f"""
import os
def prepare_metadata_for_build_wheel(folder, settings=None):
    name = "adbc_driver_manager-{VERSION}.dist-info"
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "METADATA"), "w") as f:
        f.write("Metadata-Version: 2.1\\nName: adbc-driver-manager\\nVersion: {VERSION}\\n")
    return name
"""


def download(folder: Path) -> Path:
    """The source archive, its hash checked by pip, without running anything inside it."""
    backend = folder / "setuptools"
    backend.mkdir()
    (backend / "__init__.py").write_text("")
    (backend / "build_meta.py").write_text(STAND_IN_BACKEND)
    requirement = folder / "requirement.txt"
    requirement.write_text(f"adbc-driver-manager=={VERSION} --hash=sha256:{SHA256}\n")
    subprocess.run(
        [*pip_command(), "download", "--quiet", "--no-deps", "--no-build-isolation", "--require-hashes",
         "--no-binary", "adbc-driver-manager", "--dest", str(folder), "--requirement", str(requirement)],
        check=True, env={**os.environ, "PYTHONPATH": str(folder)})
    return folder / f"adbc_driver_manager-{VERSION}.tar.gz"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(sys.argv[1]).resolve()
    stamp = target / f"adbc-{VERSION}.ok"
    if stamp.exists():
        return 0
    include = target / "include" / "arrow-adbc"
    include.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        with tarfile.open(download(Path(scratch))) as tar:
            member = tar.extractfile(HEADER)
            if member is None:
                raise FileNotFoundError(HEADER)
            (Path(scratch) / "adbc.h").write_bytes(member.read())
        os.replace(Path(scratch) / "adbc.h", include / "adbc.h")
    stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
