"""Texts as values: what the adapters make of them is what PostgreSQL's input functions make of them."""
from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from scratch_servers import PostgresServer

COUNT = 5000

# One answer for each text: the value as tests/unit/adapters/column_text.h prints it, "arrow" where Arrow has
# no such value, or "!" for a refusal.
FUNCTIONS = """
CREATE FUNCTION answer(given text, input text, printed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT %s FROM (SELECT %s AS v) AS t', printed, input) INTO result USING given;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN '!';
END $$
"""


class Kind:
    """A type: how PostgreSQL prints its values for the comparison, and how random texts of it are made."""

    def __init__(self, oid: int, modifier: int, name: str, printed: str, make: Callable[[random.Random], str],
                 refused: str = r"(?!)") -> None:
        self.oid, self.modifier, self.printed, self.make = oid, modifier, printed, make
        # A cast to varchar(n) would cut a text that is too long; a row of a table must fit.
        self.input = name if "(" in name and "$1" in name else f"$1::{name}"
        self.refused = re.compile(refused, re.IGNORECASE | re.DOTALL)

    def inputs(self) -> list[str]:
        """How PostgreSQL may read a text. time_in reads few of the forms with a date, or without colons, that
        timestamp_in reads; we read all of those."""
        if self.oid != 1083:
            return [self.input]
        return [self.input, f"$1::timestamp{self.input[8:]}::time",
                f"('2000-01-01' || ltrim($1))::timestamp{self.input[8:]}::time"]


def digits(r: random.Random, least: int, most: int) -> str:
    return "".join(r.choice("0123456789") for _ in range(r.randint(least, most)))


def blanks(r: random.Random) -> str:
    return r.choice(["", "", "", "", " ", "  ", "\t", "\n"])


def boolean(r: random.Random) -> str:
    word = r.choice(["true", "false", "yes", "no", "on", "off", "1", "0", "2", "tru e", "null", "o", "-1", "01"])
    word = word[:r.randint(1, len(word))] if r.random() < 0.4 else word
    return blanks(r) + "".join(r.choice([c, c.upper()]) for c in word) + blanks(r)


def integer(r: random.Random) -> str:
    edge = r.choice([2**15, 2**16, 2**31, 2**32, 2**63, 2**64])
    number = r.choice([str(edge + r.randint(-2, 2)), digits(r, 0, 22), str(r.randint(0, 40000)), "1.0", "1e2", ""])
    return blanks(r) + r.choice(["", "", "-", "+", "--", "- "]) + number + blanks(r)


def decimal(r: random.Random) -> str:
    if r.random() < 0.06:
        word = r.choice(["NaN", "Infinity", "inf", "-inf", "+Infinity", "-NaN", "nan", "infinit", "1inf", "NULL"])
        return blanks(r) + word + blanks(r)
    whole = r.choice([digits(r, 0, 3), digits(r, 0, 12), digits(r, 15, 45), "0", "00", "9" * r.randint(1, 20)])
    point = r.choice(["", ".", "."]) + r.choice(["", digits(r, 0, 4), digits(r, 0, 30), "5", "49", "50", "95", "995"])
    exponent = r.choice(["", "", "", f"e{r.randint(-8, 8)}", f"E+{digits(r, 0, 3)}", f"e-{digits(r, 0, 4)}", "e", "e+"])
    return blanks(r) + r.choice(["", "", "-", "+"]) + whole + point + exponent + blanks(r)


def money(r: random.Random) -> str:
    return f"{r.choice(['', '-'])}{digits(r, 1, 9)}.{digits(r, 1, 4)}" if r.random() < 0.5 else decimal(r)


def date(r: random.Random) -> str:
    if r.random() < 0.03:
        return r.choice(["infinity", "-infinity", "Infinity", " infinity ", "+infinity", "infinit", "", " "])
    if r.random() < 0.6:
        return r.choice(["{:04}-{:02}-{:02}", "{:04}-{}-{}", "{:04}{:02}{:02}", "{:04}/{:02}/{:02}"]).format(
            r.randint(1, 9999), r.randint(1, 12), r.randint(1, 28))
    year = r.choice([f"{r.randint(1, 9999):04}", f"{r.randint(1900, 2100)}", digits(r, 4, 7), digits(r, 1, 3), "5874897",
                     "5874898", "4713", "4714", "294276", "294277", "0000", "2000", "1900"])
    month, day = r.choice([f"{r.randint(1, 12):02}", digits(r, 1, 2)]), r.choice([f"{r.randint(1, 31):02}", digits(r, 1, 2)])
    separator = r.choice(["-", "-", "-", "-", "/", ""])
    era = r.choice([""] * 8 + [" BC", " AD", " bc", "BC"])
    return f"{year}{separator}{month}{separator}{day}" + (era if r.random() < 0.5 else "")


def time_of_day(r: random.Random) -> str:
    if r.random() < 0.6:
        text = f"{r.randint(0, 24):02}:{r.randint(0, 59):02}"
        return text + r.choice(["", f":{r.randint(0, 60):02}", f":{r.randint(0, 60):02}.{digits(r, 1, 9)}"])
    hour = r.choice([f"{r.randint(0, 23):02}", "24", "25", digits(r, 1, 2)])
    minute = r.choice([f"{r.randint(0, 59):02}", f"{r.randint(0, 59):02}", "60", "00", digits(r, 1, 2)])
    second = r.choice([f"{r.randint(0, 59):02}", f"{r.randint(0, 59):02}", "60", "61", "00", digits(r, 1, 2)])
    fraction = r.choice(["", "", "." + digits(r, 0, 6), "." + digits(r, 7, 12), ".9999995", ".0000005", "."])
    separator = r.choice([":"] * 8 + [""])
    text = hour + separator + minute
    return text + separator + second + fraction if r.random() < 0.9 else text


def zone(r: random.Random) -> str:
    return r.choice(["", "", "Z", "z", " UTC", "GMT", " Z", f"+{digits(r, 1, 2)}", f"-{digits(r, 2, 4)}",
                     f"+{r.randint(0, 16):02}:{r.randint(0, 61):02}", f"-{r.randint(0, 15):02}:{r.randint(0, 59):02}",
                     f" +{r.randint(0, 15):02}:00:{r.randint(0, 60):02}", "+5:30", "+", "-", "+15:59:59"])


def moment(r: random.Random) -> str:
    day = date(r)
    era = re.search(r" ?(BC|AD)$", day, re.IGNORECASE)
    text = re.sub(r" ?(BC|AD)$", "", day, flags=re.IGNORECASE)
    if r.random() < 0.93:
        text += r.choice(["T", "T", " ", " ", "t", "  ", "T "]) + time_of_day(r) + zone(r)
    return blanks(r) + text + (era.group() if era else "") + blanks(r)


def time_text(r: random.Random) -> str:
    if r.random() < 0.2:
        day = f"{r.randint(1000, 2999)}-{r.randint(1, 13):02}-{r.randint(1, 32)}"
        return f"{day}{r.choice('T ')}{time_of_day(r)}{zone(r)}"
    return blanks(r) + r.choice(["", "", "", "T"]) + time_of_day(r) + zone(r) + blanks(r)


def uuid(r: random.Random) -> str:
    groups = [f"{r.randrange(65536):04x}" for _ in range(8)]
    text = "".join(group + ("-" if r.random() < r.choice([0, 0.5, 1]) and i < 7 else "") for i, group in enumerate(groups))
    if r.random() < 0.3:
        text = text.upper()
    if r.random() < 0.3:
        text = "{" + text + r.choice(["}", "}", "}", ""])
    return mutate(r, text) if r.random() < 0.3 else text


def bytea(r: random.Random) -> str:
    if r.random() < 0.5:
        text = r.choice(["\\x", "\\x", "\\X", "x"]) + "".join(
            r.choice(["", "", "", " ", "\n"]) + f"{r.randrange(256):02x}" for _ in range(r.randint(0, 8)))
        return mutate(r, text) if r.random() < 0.3 else text
    return "".join(r.choice(["a", "é", "\\\\", "\\", f"\\{r.randrange(512):03o}", "\\000", "\\8", " "])
                   for _ in range(r.randint(0, 6)))


def varchar(r: random.Random) -> str:
    return "".join(r.choice("abé€𝄞 ") for _ in range(r.randint(0, 7))) + " " * r.randint(0, 3)


def json_text(r: random.Random, depth: int = 0) -> str:
    def value(depth: int) -> str:
        chance = r.randrange(9 if depth < 3 else 6)
        if chance < 6:
            return r.choice(["true", "false", "null", "1", "-0.5e3", "01", "1.", "\"\"", "\"a\\u00e9\\n\"", "\"é\"", "tru",
                             "\"\\x\"", "\"\t\"", "'a'", "NaN", "\"a", "1e400"] if r.random() < 0.5 else
                            ["1", "\"a\"", "null", "12.5", "true"])
        items = [value(depth + 1) for _ in range(r.randint(0, 3))]
        separator = r.choice([",", " , ", ",", ",,"]) if r.random() < 0.1 else ","
        if chance == 6:
            return "[" + separator.join(items) + "]"
        return "{" + separator.join(f'"{r.choice("abc")}"{r.choice([":", " : "])}{item}' for item in items) + "}"
    text = blanks(r) + value(depth) + blanks(r)
    return mutate(r, text) if r.random() < 0.15 else text


def mutate(r: random.Random, text: str) -> str:
    if not text:
        return text
    at = r.randrange(len(text))
    return r.choice([text[:at] + text[at + 1:], text[:at] + r.choice("0fgZ-{} :.\\") + text[at:],
                     text[:at] + r.choice("0fgZ-{} ") + text[at + 1:]])


# Texts that PostgreSQL accepts and we do not: see value.h.
LOOSE = (r"^\s*T?\s*(\d{1,3}[-/]|\d{5,7}(\D|$)|\d{9,}"  # years of less than four digits, or without separators
         r"|\d{4}$|\d{4}\D*$)|infinity\s"
         r"|(^|[T\s])\s*\d{3,}(\.\d*)?\s*(Z|UTC|GMT|[-+][\d:]*|AD|BC|\s)*$")  # times without colons
# What we accept and PostgreSQL does not: a zone west of UTC behind a time without colons.
EXTRA = re.compile(r"\d{4}[-/ ]?\d+[-/ ]?\d+ ?T\s*\d{4,6}(\.\d+)?\s*-\d", re.IGNORECASE)
MICROSECONDS = ("CASE WHEN NOT isfinite(v) OR extract(epoch FROM v) * 1000000 > 9223372036854775807 THEN 'arrow' "
                "ELSE trunc(extract(epoch FROM v) * 1000000)::text END")
TIME = "CASE WHEN v = '24:00' THEN 'arrow' ELSE trunc(extract(epoch FROM v) * 1000000)::text END"
NUMERIC_12_2 = (12 << 16 | 2) + 4
NUMERIC_45_3 = (45 << 16 | 3) + 4
KINDS = {
    "bool": Kind(16, -1, "boolean", "v::text", boolean),
    "int2": Kind(21, -1, "smallint", "v::text", integer),
    "int4": Kind(23, -1, "integer", "v::text", integer),
    "int8": Kind(20, -1, "bigint", "v::text", integer),
    "oid": Kind(26, -1, "oid", "v::text", integer, r"1844674407370955161"),
    "float4": Kind(700, -1, "real", "encode(float4send(v), 'hex')", decimal),
    "float8": Kind(701, -1, "double precision", "encode(float8send(v), 'hex')", decimal),
    "numeric": Kind(1700, -1, "numeric", "v::text", decimal),
    "numeric(12,2)": Kind(1700, NUMERIC_12_2, "numeric(12,2)",
                          "CASE WHEN v = 'NaN' THEN 'arrow' ELSE trunc(v * 100)::text END", money),
    "numeric(45,3)": Kind(1700, NUMERIC_45_3, "numeric(45,3)", "v::text", decimal),
    "date": Kind(1082, -1, "date", "CASE WHEN isfinite(v) THEN (v - date '1970-01-01')::text ELSE 'arrow' END",
                 lambda r: moment(r) if r.random() < 0.3 else date(r), LOOSE),
    "time": Kind(1083, -1, "time", TIME, time_text, LOOSE),
    "time(2)": Kind(1083, 2, "time(2)", TIME, time_text, LOOSE),
    "timestamp": Kind(1114, -1, "timestamp", MICROSECONDS, moment, LOOSE),
    "timestamptz": Kind(1184, -1, "timestamptz", MICROSECONDS, moment, LOOSE),
    "timestamptz(0)": Kind(1184, 0, "timestamptz(0)", MICROSECONDS, moment, LOOSE),
    "uuid": Kind(2950, -1, "uuid", "v::text", uuid),
    "bytea": Kind(17, -1, "bytea", "encode(v, 'hex')", bytea),
    "varchar(4)": Kind(1043, 4 + 4, "varcharin(textout($1), 0::oid, 8)", "v::text", varchar),
    "json": Kind(114, -1, "json", "v::text", json_text),
}


@pytest.fixture(scope="module")
def server(postgres_source: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_source.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA values_test")
        connection.execute("SET search_path = values_test, pg_catalog")
        connection.execute("SET timezone = 'UTC'")
        connection.execute(FUNCTIONS)
        yield connection
        connection.execute("DROP SCHEMA values_test CASCADE")


@pytest.mark.parametrize("name", KINDS)
def test_values_are_those_of_postgresql(name: str, server: psycopg.Connection, rows_tool: Path) -> None:
    kind = KINDS[name]
    r = random.Random(f"values of {name}")
    texts = sorted({kind.make(r) for _ in range(COUNT)})
    answers = ", ".join("answer(text, %s, %s)" for _ in kind.inputs())
    theirs = server.execute(f"SELECT {answers} FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n",
                            [*(text for input_ in kind.inputs() for text in (input_, kind.printed)), texts]).fetchall()
    run = subprocess.run([str(rows_tool), "value", str(kind.oid), str(kind.modifier)],
                         input="".join(text + "\0" for text in texts).encode(), capture_output=True, check=True)
    ours = run.stdout.decode().replace("\r", "\\r").split("\n")[:-1] if name != "json" else json_answers(run.stdout)
    assert name == "json" or len(ours) == len(theirs) == len(texts)
    wrong, accepted = [], 0
    for text, our, answers_of_text in zip(texts, ours, theirs, strict=True):
        our = "!" if our.startswith("!") else our.removeprefix("=")
        their = answers_of_text[0]
        if our != "!":
            their = next((answer for answer in answers_of_text if answer != "!"), "!")
        accepted += our != "!"
        if their == "!" and our != "!" and EXTRA.search(text):
            continue
        if our == "arrow" and their == "0" and kind.oid == 1083:
            continue  # 24:00:00, which a timestamp has no more
        if our != their and not (our == "!" and kind.refused.search(text)):
            wrong.append((text, our, their))
    assert not wrong, f"{len(wrong)} of {len(texts)}: {wrong[:20]}"
    assert accepted > len(texts) / 10
    assert accepted < len(texts)


def json_answers(output: bytes) -> list[str]:
    """A value may hold line breaks: an answer begins with "=" or "!" all the same."""
    return re.split(r"\n(?=[=!])", output.decode().removesuffix("\n"))
