"""The page of the reference has the options that the adapter has."""
from __future__ import annotations

import re
import subprocess

from harness.source_client import ROOT, program


def test_the_page_lists_every_option() -> None:
    printed = subprocess.run([program(), "--options", "rest"], capture_output=True, check=True, text=True).stdout
    wanted = re.sub(r"^## ", "### ", printed[printed.index("\n## "):], flags=re.MULTILINE).strip()
    page = (ROOT / "docs" / "reference" / "rest.md").read_text()
    assert page[page.index("\n### "):].strip() == wanted
