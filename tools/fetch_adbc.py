#!/usr/bin/env python3
"""Bring adbc.h (ADBC 1.1) from the PyPI source distribution of adbc-driver-manager.

    fetch_adbc.py DIRECTORY

DIRECTORY receives include/arrow-adbc/adbc.h. Nothing happens where it is there already. The archive
is checked by its SHA-256 before a byte of it is used, and nothing inside it is run.
"""
import os
import sys
import tarfile
import tempfile
from pathlib import Path

from sdist import download

VERSION = "1.13.0"
SHA256 = "72d616e43d03b735e4000b653307531a2d1820f1f7e0ce949656f0ab939bd53e"
HEADER = f"adbc_driver_manager-{VERSION}/adbc_driver_manager/arrow-adbc/adbc.h"


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
        archive = download(Path(scratch), "adbc-driver-manager", VERSION, SHA256, "setuptools/build_meta.py")
        with tarfile.open(archive) as tar:
            member = tar.extractfile(HEADER)
            if member is None:
                raise FileNotFoundError(HEADER)
            (Path(scratch) / "adbc.h").write_bytes(member.read())
        os.replace(Path(scratch) / "adbc.h", include / "adbc.h")
    stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
