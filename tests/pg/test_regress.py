"""src/fdw/regress: SQL in, text out, by pg_regress in a server of its own, for each PostgreSQL."""
from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from extension_build import ROOT, ExtensionBuild
from scratch_servers import Scratch

INPUT = ROOT / "src" / "fdw" / "regress"
SCRIPTS = ("install", "arrow", "parameters", "options", "plans", "rights")
SETTINGS = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"


def test_every_script_is_run() -> None:
    assert sorted(path.stem for path in (INPUT / "sql").iterdir()) == sorted(SCRIPTS)


def test_pg_regress(scratch: Scratch, extension: ExtensionBuild) -> None:
    """Differences are printed; they are pg_regress's regression.diffs."""
    directory = Path(tempfile.mkdtemp(prefix="regress-", dir=scratch.path))
    settings = directory / "settings"
    settings.write_text(SETTINGS)
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # no PostgreSQL server runs as root
        user = pwd.getpwnam("postgres")
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(directory, user.pw_uid, user.pw_gid)
    asked = subprocess.run([extension.pg_config, "--pgxs"], check=True, capture_output=True, text=True)
    pg_regress = Path(asked.stdout.strip()).parents[1] / "test" / "regress" / "pg_regress"
    done = subprocess.run(
        [pg_regress, f"--inputdir={INPUT}", f"--outputdir={directory}", f"--bindir={extension.bin}",
         f"--temp-instance={directory / 'instance'}", f"--temp-config={settings}", "--encoding=UTF8",
         "--no-locale", *SCRIPTS],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, env={"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory)},
        **as_user)
    differences = directory / "regression.diffs"
    assert done.returncode == 0, done.stdout + (differences.read_text() if differences.exists() else "")
