"""Relations that the tests of instant-source ask for."""
from __future__ import annotations

from harness import relation as rel

_NUMBERS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT {count}) SELECT x FROM c"
_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
_SILENT = _ENDLESS + " WHERE x < 0"


def numbers(count: int) -> rel.Relation:
    return rel.native(_NUMBERS.format(count=count), [rel.column("x", rel.INT8)])


def endless() -> rel.Relation:
    return rel.native(_ENDLESS, [rel.column("x", rel.INT8)])


def silent() -> rel.Relation:
    """Works for ever and never has a row."""
    return rel.native(_SILENT, [rel.column("x", rel.INT8)])


WORDS = rel.scan("words", [rel.column("id", rel.INT4), rel.column("word", rel.TEXT)])
