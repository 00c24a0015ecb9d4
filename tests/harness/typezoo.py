"""A table with a column of every type and NULLs in each, made of seeded random values on the source.

typezoo.everything has the columns of COLUMNS after its key id, and ROWS rows.
"""
from __future__ import annotations

import random

import psycopg

ROWS = 400
NULL_SHARE = 0.12

# Name: type, and the values as text. Few of them, so that filters hit; the awkward ones are among them.
COLUMNS: dict[str, tuple[str, list[str]]] = {
    "c_bool": ("boolean", ["true", "false"]),
    "c_int2": ("smallint", ["-32768", "-1", "0", "1", "7", "100", "32767"]),
    "c_int4": ("integer", ["-2147483648", "-5", "0", "1", "2", "3", "1000000", "2147483647"]),
    "c_int8": ("bigint", ["-9223372036854775808", "-1", "0", "1", "9007199254740993", "9223372036854775807"]),
    "c_float4": ("real", ["-1.5", "0", "0.1", "3.4e38", "1e-45", "NaN", "Infinity", "-Infinity"]),
    "c_float8": ("double precision", ["-1.5", "0", "0.1", "0.30000000000000004", "1e308", "5e-324", "NaN",
                                      "Infinity", "-Infinity"]),
    "c_numeric": ("numeric", ["0", "-1", "1", "0.1", "0.00000000001", "12345678901234567890.123456789",
                              "-99999", "NaN"]),
    "c_decimal": ("numeric(15,2)", ["0.00", "-1.50", "1.50", "99.99", "1234567890123.45", "-0.01"]),
    "c_text": ("text", ["", "a", "A", "abc", "Größe", "NULL", "a'b", "a\\b", "a\\", "50%", "_x", "日本語",
                        "z z", "$1", '"q"', "--", "a\nb", "🙂"]),
    "c_varchar": ("varchar(10)", ["", "x", "X", "xyz", "ñandú", "a,b", "{}", "tab\tx"]),
    "c_char": ("char(5)", ["", "ab", "AB", "abc", "abcde"]),
    "c_name": ("name", ["", "n", "select", "Name"]),
    "c_bytea": ("bytea", ["\\x", "\\x00", "\\xff00ff", "\\x6162", "\\x5c27"]),
    "c_date": ("date", ["2013-01-01", "2013-06-15", "1970-01-01", "1999-12-31", "2024-02-29", "0001-01-01"]),
    "c_time": ("time", ["00:00", "23:59:59.999999", "12:30", "07:00:00.5"]),
    "c_timetz": ("timetz", ["00:00+00", "12:30+02", "12:30-05", "23:59:59+14"]),
    "c_timestamp": ("timestamp", ["2013-01-01 00:00", "2013-01-01 00:00:00.000001", "1969-12-31 23:59:59",
                                  "2038-01-19 03:14:08"]),
    "c_timestamptz": ("timestamptz", ["2013-01-01 00:00+00", "2013-03-10 07:00+00", "2013-11-03 06:00+00",
                                      "1969-12-31 23:59:59.5+00"]),
    "c_interval": ("interval", ["0", "1 day", "1 month", "-3 days 04:05:06.7", "1 year 2 mons", "24:00:00"]),
    "c_uuid": ("uuid", ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                        "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    "c_json": ("json", ["null", "1", '{"a": 1}', "[1, 2.50]"]),
    "c_jsonb": ("jsonb", ["null", "1", '{"a": 1}', "[1, 2.50]", '"x"']),
    "c_int4s": ("integer[]", ["{}", "{1}", "{1,NULL,3}", "{3,2,1}"]),
    "c_texts": ("text[]", ["{}", "{a}", '{a,NULL,"b c"}', '{"NULL"}', '{"a\\"b"}']),
    "c_int4range": ("int4range", ["empty", "[1,5)", "(,3)", "[2,)"]),
    "c_inet": ("inet", ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"]),
    "c_cidr": ("cidr", ["10.0.0.0/8", "192.168.0.0/16", "::/0"]),
    "c_macaddr": ("macaddr", ["08:00:2b:01:02:03", "00:00:00:00:00:00"]),
    "c_bit": ("bit(5)", ["00000", "10110", "11111"]),
    "c_varbit": ("varbit", ["", "1", "10110"]),
    "c_money": ("money", ["0", "12.34", "-5.00", "1000000"]),
    "c_xml": ("xml", ["<a/>", "<a>x</a>"]),
    "c_oid": ("oid", ["0", "1", "4294967295"]),
    "Größe \"n\" a b": ("integer", ["1", "2", "3"]),
    "select": ("text", ["from", "where", "'; DROP TABLE everything; --"]),
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def make(url: str, seed: int = 20130101) -> None:
    """Make the schema typezoo with the table everything in the database that the URL names."""
    choose = random.Random(seed)
    columns = ", ".join(f"{quoted(name)} {kind}" for name, (kind, _) in COLUMNS.items())
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA typezoo")
        connection.execute(f"CREATE TABLE typezoo.everything (id integer PRIMARY KEY, {columns})")
        with connection.cursor().copy("COPY typezoo.everything FROM STDIN") as copy:
            for row in range(ROWS):
                values = [None if choose.random() < NULL_SHARE else choose.choice(texts)
                          for _, texts in COLUMNS.values()]
                copy.write_row([row, *values])
        connection.execute("ANALYZE typezoo.everything")
