#!/usr/bin/env python3
"""Write the tables of options at the end of docs/reference/ADAPTER.md anew, from what the adapters declare.

    document_options.py [PROGRAM]    PROGRAM: instant-source, if it is not build/instant-source
"""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADAPTERS = ("rest", "sqlite", "mysql", "postgres")


def options(program: str, adapter: str) -> str:
    """The tables as they stand on the page."""
    printed = subprocess.run([program, "--options", adapter], capture_output=True, check=True, text=True).stdout
    return re.sub(r"^## ", "### ", printed[printed.index("\n## "):], flags=re.MULTILINE).strip()


def written(page: str) -> tuple[str, str]:
    """What stands before the tables on a page, and the tables: the third-level headings of its last chapter."""
    start = page.index("\n### ", page.rindex("\n## "))
    return page[:start], page[start:].strip()


def main() -> None:
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "instant-source")
    for adapter in ADAPTERS:
        page = ROOT / "docs" / "reference" / f"{adapter}.md"
        text = page.read_text()
        wanted = written(text)[0] + "\n" + options(program, adapter) + "\n"
        if wanted != text:
            page.write_text(wanted)
            print(f"{page.relative_to(ROOT)}: written anew")


if __name__ == "__main__":
    main()
