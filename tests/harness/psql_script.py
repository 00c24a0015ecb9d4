"""A script for psql, cut into statements and run one by one, each with its answer.

    for statement in statements(text):
        answer = session.run(statement)          # rows, or the SQLSTATE of its error

Of psql's own commands: \\set and \\gset with variables; data after COPY … FROM stdin. Others are left out.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

DOLLAR = re.compile(r"\$[A-Za-z_0-9]*\$")


@dataclass
class Statement:
    line: int
    text: str
    data: str | None = None  # of COPY … FROM stdin
    command: str | None = None  # of psql, instead of the semicolon

    def word(self) -> str:
        return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", self.text).strip())


@dataclass
class Answer:
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    sqlstate: str | None = None
    message: str = ""

    def __str__(self) -> str:
        return self.message if self.sqlstate else f"{len(self.rows)} rows {str(self.rows)[:300]}"


def _end_of_quote(text: str, at: int) -> int:
    """Where what begins at `at` is over: a quoted text or name, a comment, a body between dollars."""
    if text.startswith("--", at):
        return text.find("\n", at) % (len(text) + 1)
    if text.startswith("/*", at):
        return text.index("*/", at) + 2
    if text[at] in "'\"":
        return text.index(text[at], at + 1) + 1
    dollar = DOLLAR.match(text, at)
    return text.index(dollar.group(), dollar.end()) + len(dollar.group()) if dollar else at


def statements(text: str) -> Iterator[Statement]:
    start = at = depth = 0
    while at < len(text):
        end = _end_of_quote(text, at)
        if end > at:
            at = end
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        is_command = text[at] == "\\"
        if not is_command and (text[at] != ";" or depth > 0 or _is_in_body(text[start:at])):
            at += 1
            continue
        made = Statement(text.count("\n", 0, at) + 1, text[start:at])
        depth = 0
        if is_command:
            end = text.find("\n", at) % (len(text) + 1)
            made.command = text[at + 1:end].strip()
            at = end
        else:
            at += 1
            if re.match(r"copy .* from stdin", made.word(), re.IGNORECASE):
                begin = text.index("\n", at) + 1
                finish = text.index("\n\\.", begin - 1) + 1
                made.data = text[begin:finish]
                at = finish + 2
        yield made
        start = at


def _is_in_body(text: str) -> bool:
    """Within BEGIN ATOMIC … END."""
    return re.search(r"\bbegin\s+atomic\b", text, re.IGNORECASE) is not None and not re.search(r"\bend\s*$", text, re.IGNORECASE)


class Script:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.variables: dict[str, str] = {}

    def run(self, statement: Statement) -> Answer:
        if statement.command is not None and not statement.command.startswith("gset"):
            name, _, value = statement.command.removeprefix("set ").partition(" ")
            self.variables[name] = value
            return Answer()
        text = re.sub(r"(?<![:\w']):'?(\w+)'?", lambda found: self.variables.get(found.group(1), found.group()), statement.text)
        try:
            return self._ask(text, statement)
        except psycopg.Error as error:
            assert error.sqlstate is not None, error
            return Answer(sqlstate=error.sqlstate, message=f"{error.sqlstate} {error}".strip())

    def _ask(self, text: str, statement: Statement) -> Answer:
        with self.connection.cursor() as cursor:
            if statement.data is not None:
                with cursor.copy(text.encode()) as copy:
                    copy.write(statement.data)
                return Answer()
            # As texts, whatever the types are.
            cursor.execute(text.encode())
            while cursor.nextset():
                pass
            if cursor.pgresult is None or cursor.description is None:
                return Answer(rows=[(cursor.statusmessage,)])
            result = cursor.pgresult
            rows = [tuple(None if (value := result.get_value(row, column)) is None else value.decode()
                          for column in range(result.nfields)) for row in range(result.ntuples)]
            if statement.command is not None:
                self.variables.update((item.name, str(rows[0][number])) for number, item in enumerate(cursor.description))
            return Answer(rows=rows)
