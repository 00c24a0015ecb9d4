"""The page of the reference has the options that the adapter has."""
from __future__ import annotations

from document_options import options, written
from harness.source_client import ROOT, program


def test_the_page_lists_every_option() -> None:
    page = (ROOT / "docs" / "reference" / "rest.md").read_text()
    assert written(page)[1] == options(str(program()), "rest"), "run tools/document_options.py"
