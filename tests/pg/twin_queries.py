"""One query over foreign tables and over local ones of the same rows, errors included.

    INSTANT_RANDOM_QUERIES   how many random queries a test makes
    INSTANT_RANDOM_ROWS      how many rows the large one of the two tables has
    INSTANT_RANDOM_SEED      what they begin with
"""
from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from extension_build import Connection, build_folder
from harness.random_queries import Queries
from scratch_servers import Scratch

QUERIES = int(os.environ.get("INSTANT_RANDOM_QUERIES", "600"))
ROWS = int(os.environ.get("INSTANT_RANDOM_ROWS", "400"))
SEED = int(os.environ.get("INSTANT_RANDOM_SEED", "20261130"))
TABLES = (("t", 1, ROWS), ("u", 2, 60))  # name, seed of the rows, how many
LARGE = ROWS if ROWS > 2000 else None
WRONG = 20  # so many differences are told
WORK = re.compile(r"Remote request: .*(WHERE|GROUP BY|ORDER BY|LIMIT|JOIN|DISTINCT|EXISTS|count\()")
log = logging.getLogger("random")


def program_of(scratch: Scratch, name: str) -> Path:
    """instant-source where the server's user can start it."""
    built = os.environ.get("HUB_SOURCE", build_folder() / "instant-source")
    return Path(shutil.copy(built, scratch.path / f"instant-source-of-{name}"))


def has_collation(connection: Connection, collation: str) -> bool:
    return connection.execute("SELECT FROM pg_collation WHERE quote_ident(collname) = %s OR collname = %s",
                              [collation, collation.strip('"')]).fetchone() is not None


@dataclass
class Answer:
    """Rows or an SQLSTATE; two errors are the same whatever they say."""

    rows: list[bytes] | None
    error: str | None
    message: str = field(default="", compare=False)


def ask(connection: Connection, sql: str, is_ordered: bool) -> Answer:
    """The rows as COPY writes them: 1.50 is not 1.5, and nothing is made of 100,000 rows but lines."""
    try:
        with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT") as copy:
            found = b"".join(copy).split(b"\n")[:-1]
    except psycopg.Error as error:
        assert error.sqlstate is not None, f"{sql}: {error}"
        return Answer(None, error.sqlstate, str(error))
    return Answer(found if is_ordered else sorted(found), None)


def plan_of(connection: Connection, sql: str, options: str = "COSTS OFF") -> str:
    return "\n".join(line for (line,) in connection.execute(f"EXPLAIN ({options}) {sql}"))


def pushed(connection: Connection, sql: str) -> str:
    plan = plan_of(connection, sql, "VERBOSE, COSTS OFF")
    if plan.startswith("Foreign Scan") and "->" not in plan and "Filter:" not in plan:
        return "whole"
    return "part" if WORK.search(plan) else "nothing"


def different(got: Answer, wanted: Answer) -> str:
    if got.rows is None or wanted.rows is None:
        return f"  got {got.error or 'rows'} {got.message}\n  not {wanted.error or 'rows'} {wanted.message}"
    more, less = Counter(got.rows), Counter(wanted.rows)
    return (f"  got {len(got.rows)} rows, not {len(wanted.rows)}; too many: {list((more - less))[:3]}, "
            f"missing: {list((less - more))[:3]}")


def formatted(sql: str, t: str, u: str) -> str:
    return sql.format(t=t, u=u)


def no_difference(connection: Connection, queries: Queries, word: str, filled: Callable[[str, str, str], str] = formatted,
                  count: int = QUERIES) -> None:
    """Queries over the tables of foreign_WORD have the answers of local_WORD, and the tables enough for most of them."""
    what: Counter[str] = Counter()
    wrong: list[str] = []
    seconds = {"foreign": 0.0, "local": 0.0}
    if LARGE:
        connection.execute("SET work_mem = '256MB'; SET statement_timeout = '300s'")
    for number, query in enumerate(queries.take(count), 1):
        answers = {}
        for where in seconds:
            sql = filled(query.sql, f"{where}_{word}.t", f"{where}_{word}.u")
            start = time.monotonic()
            answers[where] = ask(connection, sql, query.is_ordered)
            taken = time.monotonic() - start
            seconds[where] += taken
            if taken > 20:
                log.info("%.1f s: %s", taken, sql)
        got, wanted = answers["foreign"], answers["local"]
        foreign = filled(query.sql, f"foreign_{word}.t", f"foreign_{word}.u")
        if got != wanted:
            wrong.append(f"{foreign}\n{different(got, wanted)}")
            log.info("query %d of seed %d: %s", number, queries.seed, wrong[-1])
            if len(wrong) == WRONG:
                break
        what["error" if wanted.error else "rows" if wanted.rows else "none"] += 1
        if LARGE:
            what["pushed: " + ("an error" if got.error else pushed(connection, foreign))] += 1
            if number % 500 == 0 or number == count:
                log.info("%s, seed %d: %d queries, %d differences, %s; seconds: %s", word, queries.seed, number, len(wrong), dict(what),
                         {name: round(value) for name, value in seconds.items()})
    assert not wrong, f"{len(wrong)} differences, seed {queries.seed}:\n" + "\n".join(wrong)
    assert what["rows"] > count / 2, what
