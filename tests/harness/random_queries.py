"""Random queries that have one right answer: the same SQL over a foreign table and over a local copy of its rows.

    queries = Queries(seed, COLUMNS)
    for query in queries.take(1000):
        query.sql.format(t="foreign_t", u="foreign_u")    # and {"t": "local_t", ...}
        query.is_ordered                                  # rows are compared in order, else as a bag

A query names two tables of the same columns, {t} and {u}. Every adapter's differential test fills them with rows of
`rows(seed, count)`, and may leave out columns that its source cannot hold. Nothing here can raise an error in
PostgreSQL on these rows (no division by zero, no overflow): whether a row is looked at before another condition has
ruled it out is the planner's choice, on both sides.
"""
from __future__ import annotations

import datetime as dt
import decimal
import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Row = tuple[Any, ...]

WORDS = ["", "a", "A", "abc", "ABC", "abc ", " abc", "abc  ", "a ", "A ", " ", "abd", "ab", "aB", "Z", "z", "é", "É", "e\u0301", "ß", "ss", "100%",
         "a_c", "a\\c", "it's", '"q"', "NULL", "null", "0", "-1", "日本", "🙂", "a\tb", "line\nbreak", "zz"]


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    value: Callable[[random.Random], Any]
    kind: str  # int, numeric, float, text, bool, date, timestamp, time, interval, uuid, bytes, bits, inet, json
    not_null: bool = False


def _int(low: int, high: int, edges: list[int]) -> Callable[[random.Random], int]:
    return lambda rng: rng.choice(edges) if rng.random() < 0.1 else rng.randint(low, high)


def _date(rng: random.Random) -> dt.date:
    return dt.date(2020, 1, 1) + dt.timedelta(days=rng.randint(-800, 1500))


def _timestamp(rng: random.Random) -> dt.datetime:
    whole = dt.datetime(2023, 1, 1) + dt.timedelta(seconds=rng.randint(-10**7, 10**8))
    return whole + dt.timedelta(microseconds=rng.choice([0, 0, 1, 500000, 999999]))


def _text(rng: random.Random) -> str:
    if rng.random() < 0.6:
        return rng.choice(WORDS)
    return "".join(rng.choice(string.ascii_letters + " ") for _ in range(rng.randint(1, 12)))


COLUMNS = [
    Column("id", "integer", lambda rng: 0, "int", not_null=True),  # rows() numbers them
    Column("i2", "smallint", _int(-50, 50, [-32768, 32767, 0]), "int"),
    Column("i4", "integer", _int(-100, 100, [-2147483648, 2147483647, 0]), "int"),
    Column("i8", "bigint", _int(-1000, 1000, [-2**63, 2**63 - 1, 2**53 + 1]), "int"),
    Column("n", "numeric(12,3)", lambda rng: decimal.Decimal(rng.randint(-10**6, 10**6)).scaleb(-3), "numeric"),
    Column("f8", "double precision", lambda rng: rng.choice([0.0, 0.5, -1.25, 1e10, rng.uniform(-100, 100)]), "float"),
    Column("b", "boolean", lambda rng: rng.random() < 0.5, "bool"),
    Column("s", "text", _text, "text"),
    Column("v", "varchar(40)", _text, "text"),
    Column("d", "date", _date, "date"),
    Column("ts", "timestamp", _timestamp, "timestamp"),
    Column("u", "uuid", lambda rng: uuid.UUID(int=rng.getrandbits(128) if rng.random() < 0.5 else rng.randint(0, 5)),
           "uuid"),
]


def rows(seed: int, count: int, columns: list[Column]) -> Iterator[Row]:
    rng = random.Random(seed)
    for number in range(count):
        yield tuple(number if column.name == "id" else
                    None if not column.not_null and rng.random() < 0.12 else column.value(rng) for column in columns)


@dataclass
class Query:
    sql: str
    is_ordered: bool


@dataclass
class Queries:
    seed: int
    columns: list[Column]
    rng: random.Random = field(init=False)
    makers: list[Callable[[], Query]] = field(init=False)  # what kinds of queries there are; may be replaced
    ids: int | None = None  # {t} is large, of so many rows: most queries are about some hundreds of them, a tenth about all

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.makers = [self.rows_query, self.rows_query, self.aggregate_query, self.group_query, self.distinct_query,
                       self.join_query, self.keys_query, self.window_query, self.self_join_query]

    def take(self, count: int) -> Iterator[Query]:
        for _ in range(count):
            yield self.rng.choice(self.makers)()

    # ---- queries ----

    def rows_query(self) -> Query:
        where = self.where("{a}")
        is_all = self.ids is not None and not where.startswith(" WHERE {a}.id BETWEEN ")
        wanted = self.rng.sample(self.columns, self.rng.randint(1, 5 if is_all else len(self.columns)))
        outputs = [f"{{a}}.{column.name}" for column in wanted]
        if self.rng.random() < 0.3:
            outputs.append(self.number("{a}"))
        sql = f"SELECT {', '.join(outputs)} FROM {{t}} AS x{where}"
        order = self.rng.random()
        if order < 0.6:
            keys = [self.sort_key(f"{{a}}.{column.name}") for column in self.rng.sample(self.columns, self.rng.randint(0, 2))]
            sql += f" ORDER BY {', '.join([*keys, self.sort_key('{a}.id')])}"
            if order < 0.4:
                sql += f" LIMIT {self.rng.choice(['0', '1', '3', '17', '(SELECT 5)'])}"
                sql += self.rng.choice(["", " OFFSET 2", " OFFSET 0"])
        return Query(sql.replace("{a}", "x"), order < 0.6)

    def aggregate_query(self) -> Query:
        sql = f"SELECT {', '.join(self.aggregate('x') for _ in range(self.rng.randint(1, 3)))} FROM {{t}} AS x"
        return Query(sql + self.where("x"), False)

    def group_query(self) -> Query:
        keys = [f"x.{column.name}" for column in self.rng.sample(self.columns, self.rng.randint(1, 2))]
        if self.rng.random() < 0.2:
            keys.append(self.number("x"))
        sql = (f"SELECT {', '.join(keys)}, {self.aggregate('x')}, count(*) FROM {{t}} AS x{self.where('x')} "
               f"GROUP BY {', '.join(str(number + 1) for number in range(len(keys)))}")
        if self.rng.random() < 0.4:
            sql += f" HAVING count(*) > {self.rng.randint(0, 3)}"
        if self.rng.random() < 0.3:
            sql += f" ORDER BY {', '.join(self.sort_key(str(number + 1)) for number in range(len(keys)))}"
            return Query(sql, True)
        return Query(sql, False)

    def distinct_query(self) -> Query:
        columns = self.rng.sample(self.columns, self.rng.randint(1, 2))
        return Query(f"SELECT DISTINCT {', '.join('x.' + column.name for column in columns)} FROM {{t}} AS x{self.where('x')}",
                     False)

    def join_query(self) -> Query:
        column = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date", "uuid")])
        kind = self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        condition = f"x.{column.name} = y.{column.name}"
        # FULL JOIN needs conditions that can be hashed.
        if kind != "FULL JOIN" and self.rng.random() < 0.5:
            condition += f" AND {self.predicate('y', 1)}"
        sql = (f"SELECT x.id, y.id, x.s FROM {{t}} AS x {kind} {{u}} AS y ON {condition}")
        return Query(sql + (self.where("x", 0.05) if self.ids is not None or self.rng.random() < 0.7 else ""), False)

    def keys_query(self) -> Query:
        column = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date")])
        word = self.rng.choice(["IN", "IN", "NOT IN"])
        exists = self.rng.choice(["EXISTS", "NOT EXISTS"])
        if self.rng.random() < 0.5:
            inner = f"SELECT y.{column.name} FROM {{u}} AS y WHERE y.{column.name} IS NOT NULL AND {self.predicate('y', 1)}"
            return Query(f"SELECT x.id FROM {{t}} AS x WHERE {self.near('x', 0.03)}x.{column.name} {word} ({inner})", False)
        return Query(f"SELECT x.id FROM {{t}} AS x WHERE {self.near('x', 0.03)}{exists} (SELECT FROM {{u}} AS y WHERE y.{column.name} = "
                     f"x.{column.name} AND y.id < x.id)", False)

    def self_join_query(self) -> Query:
        column = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date", "uuid")])
        kind = self.rng.choice(["JOIN", "LEFT JOIN"])
        here = self.near("x", 0)
        condition = self.rng.choice([f"y.id = x.id + {self.rng.randint(0, 9)}", "y.id = x.i4",
                                     f"{here.replace('x.', 'y.')}y.{column.name} = x.{column.name} AND y.id BETWEEN x.id AND x.id + 5"])
        if self.rng.random() < 0.5:
            condition += f" AND {self.predicate('y', 1)}"
        return Query(f"SELECT x.id, y.id, y.{self.rng.choice(self.columns).name} FROM {{t}} AS x {kind} {{t}} AS y ON {condition} "
                     f"WHERE {here}{self.predicate('x', 2)}", False)

    def window_query(self) -> Query:
        return Query(f"SELECT x.id, row_number() OVER (PARTITION BY x.b ORDER BY x.id) FROM {{t}} AS x{self.where('x')}",
                     False)

    # ---- parts ----

    def where(self, alias: str, all_of_it: float = 0.1) -> str:
        near = self.near(alias, all_of_it)
        if self.rng.random() < 0.15:
            return f" WHERE {near.removesuffix(' AND ')}" if near else ""
        return f" WHERE {near}{self.predicate(alias, 3)}"

    def near(self, alias: str, all_of_it: float) -> str:
        """A condition and " AND ", where the table is large."""
        if self.ids is None or self.rng.random() < all_of_it:
            return ""
        first = self.rng.randint(0, self.ids)
        return f"{alias}.id BETWEEN {first} AND {first + self.rng.choice([30, 300, 300, 1000, 3000])} AND "

    def predicate(self, alias: str, depth: int) -> str:
        choice = self.rng.random()
        if depth > 0 and choice < 0.35:
            word = self.rng.choice([" AND ", " OR "])
            return "(" + word.join(self.predicate(alias, depth - 1) for _ in range(self.rng.randint(2, 3))) + ")"
        if depth > 0 and choice < 0.45:
            return f"NOT ({self.predicate(alias, depth - 1)})"
        column = self.rng.choice(self.columns)
        return self.rng.choice([self.comparison, self.comparison, self.in_list, self.null_test, self.special,
                                self.between])(f"{alias}.{column.name}", column, alias)

    def comparison(self, name: str, column: Column, alias: str) -> str:
        operator = self.rng.choice(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        if column.kind in ("int", "numeric") and self.rng.random() < 0.25:
            return f"{self.number(alias)} {operator} {self.literal(column)}"
        if column.kind == "text" and self.rng.random() < 0.25:
            return f"{self.text(name)} {operator} {self.literal(column)}"
        value = self.literal(column)
        if self.rng.random() < 0.2:  # a value that the hub makes when the scan begins
            value = f"(SELECT {value})"
        return f"{name} {operator} {value}"

    def in_list(self, name: str, column: Column, alias: str) -> str:
        values = [self.literal(column) for _ in range(self.rng.randint(1, 5))]
        if self.rng.random() < 0.1:
            values.append("NULL")
        if self.rng.random() < 0.3:
            return f"{name} = ANY (ARRAY[{', '.join(values)}]::{column.type.split('(')[0]}[])"
        return f"{name} {self.rng.choice(['IN', 'IN', 'NOT IN'])} ({', '.join(values)})"

    def null_test(self, name: str, column: Column, alias: str) -> str:
        return f"{name} IS {self.rng.choice(['', 'NOT '])}NULL"

    def between(self, name: str, column: Column, alias: str) -> str:
        if column.kind == "bool":
            return self.rng.choice([name, f"NOT {name}", f"{name} IS TRUE", f"{name} IS NOT TRUE", f"{name} IS FALSE"])
        return f"{name} BETWEEN {self.literal(column)} AND {self.literal(column)}"

    def special(self, name: str, column: Column, alias: str) -> str:
        if column.kind == "text":
            pattern = self.rng.choice(["a%", "%c", "%b%", "_b_", "", "%", "a\\_c", "100\\%", "A%", "é%", "abc", "% %"])
            word = self.rng.choice(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"])
            return f"{name} {word} '{pattern}'"
        if column.kind == "int":
            return f"coalesce({name}, 0) {self.rng.choice(['>', '<', '='])} {self.rng.randint(-5, 5)}"
        if column.kind == "date":
            return self.rng.choice([f"extract(year FROM {name}) = {self.rng.randint(2018, 2024)}",
                                    f"date_trunc('month', {name}) = '2020-0{self.rng.randint(1, 9)}-01'",
                                    f"{name} < current_date - interval '{self.rng.randint(1, 3000)} days'"])
        if column.kind == "timestamp":
            return f"{name} > now()::timestamp - interval '{self.rng.randint(1, 2000)} days'"
        return self.comparison(name, column, alias)

    def number(self, alias: str) -> str:
        """An integer expression that cannot overflow: i2 and i4 have edges, id has not."""
        return self.rng.choice([f"{alias}.id + 1", f"{alias}.id * 2", f"{alias}.id - {alias}.i2", f"-{alias}.id", f"{alias}.id / 2",
                                f"{alias}.id % 7", f"{alias}.i2 / 3", f"{alias}.i2 % 4", f"abs({alias}.i2::integer)",
                                f"length({alias}.s)", f"coalesce({alias}.i4, 0)",
                                f"CASE WHEN {alias}.i4 > 0 THEN 1 ELSE 2 END"])

    def text(self, name: str) -> str:
        return self.rng.choice([f"lower({name})", f"upper({name})", f"trim({name})", f"substring({name}, 1, 2)",
                                f"left({name}, 1)", f"{name} || 'x'", f"replace({name}, 'a', 'b')"])

    def aggregate(self, alias: str) -> str:
        column = self.rng.choice(self.columns)
        name = f"{alias}.{column.name}"
        made = self.rng.choice(["count(*)", f"count({name})", f"count(DISTINCT {name})"])
        if column.kind in ("int", "numeric") and self.rng.random() < 0.6:
            made = f"{self.rng.choice(['sum', 'avg', 'min', 'max'])}({name})"
        elif column.kind in ("text", "date", "timestamp") and self.rng.random() < 0.6:
            made = f"{self.rng.choice(['min', 'max'])}({name})"
        elif column.kind == "bool" and self.rng.random() < 0.6:
            made = f"{self.rng.choice(['bool_and', 'bool_or'])}({name})"
        if self.rng.random() < 0.25:
            made += f" FILTER (WHERE {self.predicate(alias, 1)})"
        return made

    def sort_key(self, name: str) -> str:
        return name + self.rng.choice(["", " DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC NULLS LAST"])

    def literal(self, column: Column) -> str:
        value = column.value(self.rng)
        if column.kind == "bool":
            return "true" if value else "false"
        if column.kind == "int":
            return f"({value})" if column.name != "id" else str(self.rng.randint(-2, self.ids or 400))
        if column.kind in ("numeric", "float"):
            return f"({value!s})"
        if column.kind == "bytes":
            return f"'\\x{value.hex()}'::bytea"
        text = str(value).replace("'", "''").replace("{", "{{").replace("}", "}}")
        base = column.type.split("(")[0]
        return f"'{text}'" if column.kind == "text" else f"{base} '{text}'"


class WideQueries(Queries):
    """More of SQL: nested functions, joins of three tables, aggregates over joins, HAVING, sub-selects."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.makers += [self.chain_query, self.chain_query, self.joined_group_query, self.nested_query, self.half_join_query,
                        self.having_query]

    def chain_query(self) -> Query:
        keys = [c for c in self.columns if c.kind in ("int", "text", "date", "bool")]
        first, second = self.rng.choice(keys), self.rng.choice(keys)
        kinds = [self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN"]) for _ in range(2)]
        other = self.rng.choice(["x", "y"])
        sql = (f"SELECT x.id, y.id, z.id, z.{self.rng.choice(self.columns).name} FROM {{u}} AS x {kinds[0]} {{u}} AS y ON x.{first.name} = y.{first.name}"
               f"{self.more('y')} {kinds[1]} {{u}} AS z ON z.{second.name} = {other}.{second.name} AND z.id < 20{self.more('z')}")
        return Query(f"{sql} WHERE x.id < 15 AND {self.predicate('x', 1)}", False)

    def more(self, alias: str) -> str:
        return f" AND {self.predicate(alias, 1)}" if self.rng.random() < 0.4 else ""

    def joined_group_query(self) -> Query:
        join = self.rng.choice(["JOIN", "LEFT JOIN"])
        key = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date")])
        group = self.rng.choice(["x", "y"]) + "." + self.rng.choice(self.columns).name
        return Query(f"SELECT {group}, {self.aggregate('x')}, {self.aggregate('y')} FROM {{t}} AS x {join} {{u}} AS y "
                     f"ON x.{key.name} = y.{key.name}{self.where('x', 0.05)} GROUP BY 1", False)

    def nested_query(self) -> Query:
        key, value = self.rng.choice(self.columns), self.rng.choice([c for c in self.columns if c.kind == "int"])
        inner = f"SELECT x.{key.name} AS k, count(*) AS n, max(x.{value.name}) AS m FROM {{t}} AS x{self.where('x')} GROUP BY x.{key.name}"
        if self.rng.random() < 0.5:
            return Query(f"SELECT q.n, count(*), max(q.m) FROM ({inner}) AS q GROUP BY q.n", False)
        return Query(f"SELECT q.k, q.n, q.m FROM ({inner}) AS q WHERE q.n > {self.rng.randint(0, 2)} AND q.m IS NOT NULL", False)

    def half_join_query(self) -> Query:
        column = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date", "bool")])
        exists = self.rng.choice(["EXISTS", "NOT EXISTS"])
        return Query(f"SELECT {self.aggregate('x')} FROM {{t}} AS x WHERE {self.near('x', 0.03)}{self.predicate('x', 1)} AND {exists} (SELECT FROM {{u}} AS y "
                     f"WHERE y.{column.name} = x.{column.name} AND {self.predicate('y', 2)})", False)

    def having_query(self) -> Query:
        key = self.rng.choice(self.columns)
        return Query(f"SELECT x.{key.name}, {self.aggregate('x')} FROM {{t}} AS x{self.where('x')} GROUP BY x.{key.name} "
                     f"HAVING {self.rng.choice(['count(x.i4) > 1', 'max(x.i2) > 0', 'min(x.i4) IS NULL', 'sum(x.i2) > 10 OR count(*) = 1'])}",
                     False)

    # ---- parts ----

    def named(self, *kinds: str) -> Column | None:
        found = [column for column in self.columns if column.kind in kinds]
        return self.rng.choice(found) if found else None

    def number(self, alias: str) -> str:
        if self.rng.random() < 0.4:
            return super().number(alias)
        text, day = self.named("text"), self.named("date", "timestamp")
        made = [f"greatest({alias}.i2::integer, {alias}.id, 3)", f"least({alias}.i4, {alias}.id)", f"nullif({alias}.i4, {alias}.id)",
                f"({alias}.id + {alias}.i2) * 2", f"{alias}.id % ({alias}.id % 5 + 1)", f"abs({alias}.id - 100) / 3"]
        if text is not None:
            name = f"{alias}.{text.name}"
            made += [f"length({name})", f"octet_length({name})", f"strpos({name}, 'b')", f"length(trim({name}))",
                     f"CASE WHEN {name} = 'abc' THEN 1 WHEN {name} LIKE 'a%' THEN 2 ELSE {alias}.id END"]
        if day is not None:
            name = f"{alias}.{day.name}"
            fields = ["year", "month", "day", "quarter", "dow", "doy", "isodow"]
            made += [f"extract({self.rng.choice(fields)} FROM {name})::integer"]
        return self.rng.choice(made)

    def text(self, name: str) -> str:
        if self.rng.random() < 0.4:
            return super().text(name)
        return self.rng.choice([f"right({name}, 2)", f"substring({name}, 2)", f"ltrim({name})", f"rtrim({name})", f"md5({name})",
                                f"coalesce({name}, 'abc')", f"nullif({name}, 'abc')", f"{name} || {name}", f"lower({name})",
                                f"CASE WHEN {name} < 'b' THEN {name} ELSE 'zz' END", f"replace({name}, 'b', '')"])

    def special(self, name: str, column: Column, alias: str) -> str:
        if column.kind == "text" and self.rng.random() < 0.6:
            return self.rng.choice([f"starts_with({name}, 'a')", f"strpos({name}, 'B') > 0", f"lower({name}) = 'abc'",
                                    f"upper({name}) = 'ABC'", f"{name} LIKE {self.literal(column)}",
                                    f"left({name}, 2) IN ('ab', 'aB', 'A')", f"{name} > 'B' AND {name} <= 'abc '"])
        if column.kind == "timestamp" and column.type.startswith("timestamp") and "zone" not in column.type and self.rng.random() < 0.7:
            unit = self.rng.choice(["year", "quarter", "month", "week", "day", "hour", "minute", "second"])
            return self.rng.choice([f"date_trunc('{unit}', {name}) <= timestamp '2024-02-29 12:00:00'",
                                    f"extract({self.rng.choice(['hour', 'minute', 'second', 'year'])} FROM {name}) > 12",
                                    f"{name}::date = date '2024-01-15'", f"{name} < date '2024-01-01'"])
        if column.kind == "numeric" and column.type.endswith(")"):
            return self.rng.choice([f"{name} * 2 > {self.literal(column)}", f"{name} + 0.5 <= 3", f"round({name}, 1) = 1.5",
                                    f"floor({name}) < 0", f"abs({name}) < 10.25", f"-{name} > 1", f"{name} % 7 = 3"])
        return super().special(name, column, alias)

    def aggregate(self, alias: str) -> str:
        if self.rng.random() < 0.7:
            return super().aggregate(alias)
        number = self.named("numeric")
        made = [f"sum({alias}.i2 * 2)", f"avg({alias}.i2)", f"sum(DISTINCT {alias}.i2)", f"avg({alias}.id)",
                f"sum({self.number(alias)})", f"max({self.number(alias)})", f"count(DISTINCT {self.number(alias)})"]
        if number is not None and number.type.endswith(")"):
            name = f"{alias}.{number.name}"
            made += [f"sum({name} * {name})", f"avg({name} * (1 - {name}))", f"sum(CASE WHEN {alias}.b THEN {name} ELSE 0 END)",
                     f"avg(coalesce({name}, 0))", f"avg(DISTINCT {name})", f"sum(round({name}, 1))", f"max({name} + 1)"]
        text = self.named("text")
        if text is not None:
            made += [f"max(left({alias}.{text.name}, 2))", f"count(DISTINCT substring({alias}.{text.name}, 1, 1))"]
        return self.rng.choice(made)
