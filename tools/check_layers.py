#!/usr/bin/env python3
"""Check which folder includes what: the table of docs/internals/architecture.md as a program.

    check_layers.py [ROOT]

Also checked: functions that conventions.md forbids, and that each C file begins with a comment.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

# Folder of src/: the folders whose headers it may include, beside its own.
ALLOWED: dict[str, set[str]] = {
    "base": set(),
    "arrow": {"base", "instant"},
    "relation": {"base", "arrow"},
    "adapters": {"base", "arrow", "relation"},
    "source": {"base", "arrow", "relation", "adapters"},
    "config": {"base", "adapters"},
    "query": {"base"},
    "hub": {"base", "arrow"},
    "setup": {"base", "config", "hub"},
    "connector": {"base", "arrow", "config", "query", "hub", "setup", "instant"},
    "fdw": {"base", "arrow", "relation", "adapters"},
    "adbc": {"instant"},
    "cli": {"instant"},
    "python": {"instant"},
}

# A library's header, and the only folders that may know it.
LIBRARIES: dict[str, set[str]] = {
    r"libpq|postgres_ext\.h|pg_config.*": {"hub", "adapters"},
    r"libfyaml": {"config", "adapters"},
    r"nanoarrow|flatcc": {"arrow"},
    r"Python\.h": {"python"},
    r"postgres\.h|fmgr\.h": {"fdw"},
    r"lz4.*|zstd.*": {"arrow"},
    r"curl/|yyjson|sqlite3|mysql\.h|mysql/.*|mariadb.*|errmsg\.h": {"adapters"},
    r"seccomp\.h": {"source"},
    r"arrow-adbc.*|adbc\.h": {"adbc"},
}

FORBIDDEN = re.compile(
    r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|alloca|localtime|gmtime|gets)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank_out(match: re.Match[str]) -> str:
    """Keep the line breaks, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group())


def check_includes(folder: str, text: str) -> list[tuple[int, str]]:
    problems = []
    for match in INCLUDE.finditer(text):
        quote, target = match.groups()
        line = text.count("\n", 0, match.start(2)) + 1
        first = target.split("/")[0]
        # PostgreSQL's own headers are named like folders of theirs: access/tupdesc.h.
        is_ours = first in ALLOWED or first == "instant"
        if quote == '"' and "/" in target and is_ours and first != folder and first not in ALLOWED[folder]:
            problems.append((line, f'{folder}/ may not include "{target}"'))
        for library, users in LIBRARIES.items():
            if re.match(rf"(internal/)?({library})", target) and folder not in users:
                problems.append((line, f"{folder}/ may not know <{target}>"))
    return problems


def check_file(folder: str, text: str) -> list[tuple[int, str]]:
    problems = check_includes(folder, text)
    if not text.startswith("/*"):
        problems.append((1, "the file does not begin with a comment that says what it is for"))
    for match in FORBIDDEN.finditer(COMMENT_OR_TEXT.sub(blank_out, text)):
        problems.append((text.count("\n", 0, match.start()) + 1, f"{match.group(1)} is not to be used"))
    return problems


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    count = 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        folder = path.relative_to(root / "src").parts[0]
        if folder not in ALLOWED:
            problems = [(1, f"the folder {folder}/ is not in tools/check_layers.py")]
        else:
            problems = check_file(folder, path.read_text(encoding="utf-8"))
        for line, problem in problems:
            print(f"{path.relative_to(root)}:{line}: {problem}", file=sys.stderr)
        count += len(problems)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
