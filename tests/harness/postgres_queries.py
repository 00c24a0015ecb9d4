"""Random queries with more of PostgreSQL's own in them: for a source that is PostgreSQL too.

Beside what harness/random_queries.py makes: further types, functions and operators, aggregates with ORDER BY, DISTINCT
and WITHIN GROUP, window functions with frames, semi and anti joins, joins of three tables, DISTINCT ON, grouping sets.
Each has one right answer: what depends on the order of rows has one, floating-point numbers are not added up.
"""
from __future__ import annotations

import json
import random
from dataclasses import dataclass

from harness.random_queries import COLUMNS as PLAIN
from harness.random_queries import WORDS, Column, Queries, Query


def _timestamptz(rng: random.Random) -> str:
    return f"2023-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:00.{rng.choice([0, 5, 123456])}+{rng.choice([0, 2, 11]):02}"


def _interval(rng: random.Random) -> str:
    return rng.choice(["1 day", "-3 days", "2 hours", "1 mon", "1 year 2 mons", "00:00:00.000001", "-1 mon +1 day", "0",
                       f"{rng.randint(-100, 100)} days {rng.randint(0, 23)} hours"])


def _jsonb(rng: random.Random) -> str:
    def value(depth: int) -> object:
        choice = rng.random()
        if depth > 0 and choice < 0.3:
            return {rng.choice(["a", "b", "c", "é"]): value(depth - 1) for _ in range(rng.randint(0, 3))}
        if depth > 0 and choice < 0.5:
            return [value(depth - 1) for _ in range(rng.randint(0, 3))]
        return rng.choice([None, True, False, rng.randint(-5, 5), 1.5, "a", "x'y", "日本", "\\"])
    return json.dumps(value(3), ensure_ascii=False)


def _int_array(rng: random.Random) -> str:
    return "{" + ",".join(rng.choice(["NULL", *(str(n) for n in range(-3, 6))]) for _ in range(rng.randint(0, 4))) + "}"


def _text_array(rng: random.Random) -> str:
    def item() -> str:
        return '"' + rng.choice(WORDS).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{" + ",".join(rng.choice(["NULL", item(), item(), item()]) for _ in range(rng.randint(0, 4))) + "}"


def _range(rng: random.Random) -> str:
    low = rng.randint(-10, 10)
    return rng.choice(["empty", f"[{low},{low + rng.randint(1, 9)})", f"(,{low})", f"[{low},)", f"[{low},{low}]"])


COLUMNS = [
    *PLAIN,
    Column("tz", "timestamptz", _timestamptz, "timestamptz"),
    Column("iv", "interval", _interval, "interval"),
    Column("tm", "time", lambda rng: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.choice(['00', '59.999999'])}", "time"),
    Column("c", "char(8)", lambda rng: rng.choice(["", "a", "A", "abc", "ab c", "é"]), "bpchar"),
    Column("j", "jsonb", _jsonb, "jsonb"),
    Column("a", "integer[]", _int_array, "ints"),
    Column("ta", "text[]", _text_array, "texts"),
    Column("r", "int4range", _range, "range"),
    Column("ip", "inet", lambda rng: rng.choice(["10.0.0.1", "10.0.0.0/8", "192.168.1.5/24", "::1", "fe80::1/64"]), "inet"),
    Column("by", "bytea", lambda rng: rng.choice(["\\x", "\\x00", "\\xff01", "\\x6162"]), "bytea"),
    Column("f4", "real", lambda rng: rng.choice([0.0, 0.1, -1.5, 3e30, 1 / 3]), "float"),
]
GROUPED = ("int", "numeric", "text", "bool", "date", "timestamp", "uuid", "timestamptz", "time", "interval", "bpchar", "ints",
           "texts", "range", "inet", "bytea", "jsonb")


@dataclass
class PostgresQueries(Queries):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.makers += [self.rows_query, self.rows_query, self.expressions_query, self.expressions_query, self.group_query,
                        self.aggregate_query, self.windows_query, self.windows_query, self.half_join_query,
                        self.three_tables_query, self.distinct_on_query, self.grouping_sets_query, self.union_query]

    # ---- queries ----

    def expressions_query(self) -> Query:
        wanted = ", ".join(self.expression("x") for _ in range(self.rng.randint(1, 4)))
        where = self.where("x")
        if self.rng.random() < 0.4:
            return Query(f"SELECT x.id, {wanted} FROM {{t}} AS x{where} ORDER BY {self.expression('x', True)}, x.id LIMIT 20", True)
        return Query(f"SELECT x.id, {wanted} FROM {{t}} AS x{where}", False)

    def windows_query(self) -> Query:
        functions = ", ".join(self.window("x") for _ in range(self.rng.randint(1, 3)))
        sql = f"SELECT x.id, {functions} FROM {{t}} AS x{self.where('x', 0)}"
        if self.rng.random() < 0.3:
            return Query(f"SELECT * FROM ({sql}) AS q ORDER BY 1 LIMIT 10", True)
        if self.rng.random() < 0.2:
            return Query("SELECT * FROM (SELECT x.id, row_number() OVER (PARTITION BY x.b ORDER BY x.i2, x.id) AS n FROM {t} AS x) AS q "
                         f"WHERE n <= {self.rng.randint(1, 5)}", False)
        if self.rng.random() < 0.2:
            return Query("SELECT x.b, x.i2, count(*), sum(count(*)) OVER (PARTITION BY x.b ORDER BY x.i2), rank() OVER (ORDER BY "
                         "count(*), x.b, x.i2) FROM {t} AS x GROUP BY x.b, x.i2", False)
        return Query(sql, False)

    def half_join_query(self) -> Query:
        column = self.rng.choice([c for c in self.columns if c.kind in ("int", "text", "date", "bpchar", "ints", "jsonb")])
        word = self.rng.choice(["EXISTS", "NOT EXISTS"])
        inner = f"SELECT FROM {{u}} AS y WHERE y.{column.name} = x.{column.name} AND {self.predicate('y', 1)}"
        outer = f"SELECT x.id FROM {{t}} AS x WHERE {self.near('x', 0.05)}{word} ({inner}) AND {self.predicate('x', 1)}"
        if self.rng.random() < 0.3:
            return Query(f"SELECT count(*), min(q.id) FROM ({outer}) AS q", False)
        return Query(outer, False)

    def three_tables_query(self) -> Query:
        first, second = (self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN"]) for _ in range(2))
        a, b = (self.rng.choice(["i2", "i4", "s", "d", "c"]) for _ in range(2))
        of = self.rng.choice(["x", "y"])
        sql = (f"SELECT x.id, y.id, z.id, y.s FROM {{t}} AS x {first} {{u}} AS y ON x.{a} = y.{a} AND {self.predicate('y', 0)} "
               f"{second} {{u}} AS z ON {of}.{b} = z.{b} AND z.id > {self.rng.randint(0, 60)}")
        if self.ids is not None or self.rng.random() < 0.7:
            sql += self.where("x", 0.05)
        if self.rng.random() < 0.2:
            return Query(f"SELECT q.s, count(*) FROM ({sql.replace('x.id, y.id, z.id, y.s', 'y.s')}) AS q GROUP BY 1", False)
        return Query(sql, False)

    def distinct_on_query(self) -> Query:
        key = self.rng.choice(["b", "i2", "s", "d"])
        return Query(f"SELECT DISTINCT ON (x.{key}) x.{key}, x.id, x.v FROM {{t}} AS x{self.where('x')} ORDER BY x.{key}, x.id", False)

    def grouping_sets_query(self) -> Query:
        sets = self.rng.choice(["ROLLUP (x.b, x.i2)", "CUBE (x.b, x.i2)", "GROUPING SETS ((x.b), (x.i2), ())", "x.b, ROLLUP (x.i2)"])
        return Query(f"SELECT x.b, x.i2, {self.aggregate('x')}, grouping(x.b, x.i2) FROM {{t}} AS x{self.where('x')} GROUP BY {sets}", False)

    def union_query(self) -> Query:
        word = self.rng.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
        return Query(f"SELECT x.i2, x.s FROM {{t}} AS x{self.where('x')} {word} SELECT x.i2, x.s FROM {{u}} AS x{self.where('x')}", False)

    # ---- parts ----

    def of_kind(self, alias: str, *kinds: str) -> str:
        return f"{alias}.{self.rng.choice([c for c in self.columns if c.kind in kinds]).name}"

    def special(self, name: str, column: Column, alias: str) -> str:
        rng = self.rng
        if rng.random() < 0.3:
            return super().special(name, column, alias)
        choices = {
            "text": [f"{name} ~ '{rng.choice(['^a', 'b+', '[a-c]{2}', 'a|é', '^$', 'x?y*z'])}'", f"{name} ~* 'ABC'", f"length({name}) > 2",
                     f"{name} = ANY (x_ta)".replace("x_ta", f"{alias}.ta"), f"starts_with({name}, 'a')", f"{name} SIMILAR TO '(a|b)%'",
                     f"{name} LIKE ANY (ARRAY['a%', '%b'])", f"{name} !~ '[0-9]'", f"strpos({name}, 'b') > 0",
                     f"{name} ^@ 'ab'", f"md5({name}) < '8'", f"({name} COLLATE \"C\") < 'b'"],
            "bpchar": [f"{name} = 'abc'", f"{name} LIKE 'a%'", f"{name} < 'b'", f"length({name}) = 3", f"{name} IN ('a', 'A   ')",
                       f"{name}::text = 'a'"],
            "int": [f"{name} % 3 = 1" if column.name == "id" else f"{name} & 1 = 1", f"{name} = ANY ({alias}.a)", f"{name} BETWEEN SYMMETRIC 5 AND -5",
                    f"{name}::numeric / 3 > 1.5", f"{name}::text LIKE '1%'", f"{name} > ALL (ARRAY[1, 2, 3])", f"{name} <> ANY (ARRAY[1, 2])",
                    f"{name} IS DISTINCT FROM {alias}.i2", f"{alias}.r @> {alias}.i2::integer"],
            "numeric": [f"round({name}, 1) = 1.5", f"trunc({name}) > 3", f"{name} * 2.5 < 10", f"mod({name}, 2) = 0", f"{name}::integer > 3",
                        f"width_bucket({name}, 0, 100, 5) = 2", f"scale({name}) = 3"],
            "float": [f"abs({name}) > 1", f"{name} * 2 = 1", f"floor({name}) < 0", f"{name}::numeric > 0.25", f"sqrt(abs({name})) < 5"],
            "bool": [f"{name} IS UNKNOWN", f"{name} = (x.id > 5)".replace("x.", f"{alias}."), f"{name}::integer = 1", f"{name}::text = 'true'"],
            "date": [f"{name} + 7 > '2020-06-01'", f"{name} - date '2020-01-01' > 100", f"date_part('dow', {name}) = 3", f"{name} > make_date(2020, 5, 5)",
                     f"{name} = current_date", f"isfinite({name})", f"{name} BETWEEN '2020-01-01' AND '2021-01-01'",
                     f"({name}, {name} + 1) OVERLAPS (date '2020-02-01', date '2020-03-01')"],
            "timestamp": [f"{name} + interval '1 month' > '2024-01-01'", f"extract(hour FROM {name}) = 5", f"{name}::date = '2023-05-05'",
                          f"date_trunc('week', {name}) > '2023-02-02'", f"{name} - timestamp '2023-01-01' < interval '90 days'",
                          f"age({name}, timestamp '2023-01-01') > interval '1 year'", f"{name} > now()", f"{name}::time > '12:00'",
                          f"date_bin('15 minutes', {name}, timestamp '2001-01-01') > '2023-03-03'"],
            "timestamptz": [f"{name} > '2023-06-01 00:00+00'", f"{name} AT TIME ZONE 'Asia/Tokyo' > '2023-06-01'", f"{name} < now() - interval '1 day'",
                            f"date_trunc('day', {name}, 'UTC') = '2023-03-03 00:00+00'", f"{name}::date > '2023-06-01'",
                            f"{name} - timestamptz '2023-01-01 00:00+00' > interval '30 days'", f"extract(hour FROM {name}) = 3"],
            "interval": [f"{name} > interval '1 day'", f"extract(day FROM {name}) > 1", f"{name} * 2 > interval '2 days'", f"justify_hours({name}) > '1 day'",
                         f"{name} + interval '1 hour' < '2 hours'", f"-{name} > '0'"],
            "time": [f"{name} > '12:00'", f"{name} + interval '1 hour' > '13:00'", f"extract(minute FROM {name}) = 30"],
            "jsonb": [f"{name} @> '{{\"a\": 1}}'", f"{name} ? 'a'", f"{name} ?| ARRAY['a', 'b']", f"{name} -> 'a' IS NOT NULL", f"{name} ->> 'a' = 'x''y'",
                      f"{name} #>> '{{a,b}}' IS NULL", f"jsonb_typeof({name}) = 'object'", f"{name} = '[]'", f"{name} @? '$.a'", f"{name} @@ '$.a > 1'",
                      f"CASE jsonb_typeof({name}) WHEN 'object' THEN {name} - 'a' END = '{{}}'", f"{name} <> 'null'", f"{name}::text LIKE '%a%'", f"({name} || '{{\"z\": 1}}') ? 'z'",
                      f"{name}['a'] = '1'", f"{name} < '5'"],
            "ints": [f"{name} @> ARRAY[1]", f"{name} && ARRAY[2, 3]", f"{name}[1] = 1", f"array_length({name}, 1) = 2", f"cardinality({name}) > 1", f"{name} = '{{}}'",
                     f"array_position({name}, 2) = 1", f"{name} || 7 > ARRAY[3]", f"3 = ANY ({name})", f"5 > ALL ({name})", f"array_append({name}, 1) = ARRAY[1]",
                     f"{name} < ARRAY[1, 2]", f"array_remove({name}, 1) <> {name}", f"{name} <@ ARRAY[1, 2, 3, 4]"],
            "texts": [f"'a' = ANY ({name})", f"{name} @> ARRAY['abc']", f"{name}[1] LIKE 'a%'", f"array_length({name}, 1) > 1", f"{name} = ARRAY['a']",
                      f"array_to_string({name}, ',') = 'a,b'", f"{name} && ARRAY['Z', 'z']", f"{name} IS NULL"],
            "range": [f"{name} @> 5", f"{name} && int4range(1, 5)", f"lower({name}) > 2", f"isempty({name})", f"{name} << '[5,9)'", f"upper_inf({name})",
                      f"{name} * int4range(0, 5) <> 'empty'", f"{name} -|- int4range(5, 6)"],
            "inet": [f"{name} << '10.0.0.0/8'", f"family({name}) = 4", f"masklen({name}) > 8", f"{name} = '10.0.0.1'", f"host({name}) = '::1'", f"{name} > '10.0.0.5'"],
            "bytea": [f"{name} = '\\x00'", f"length({name}) = 1", f"{name} || '\\x01' > '\\x00'", f"encode({name}, 'hex') = 'ff01'", f"get_byte({name} || '\\x05', 0) = 5"],
        }
        return rng.choice(choices.get(column.kind, [self.comparison(name, column, alias)]))

    def comparison(self, name: str, column: Column, alias: str) -> str:
        if self.rng.random() < 0.15:
            same = [other for other in self.columns if other.type == column.type or {other.kind, column.kind} <= {"int"}]
            return f"{name} {self.rng.choice(['=', '<', '>=', '<>'])} {alias}.{self.rng.choice(same).name}"
        return super().comparison(name, column, alias)

    def between(self, name: str, column: Column, alias: str) -> str:
        if column.kind == "bool" or self.rng.random() < 0.7:
            return super().between(name, column, alias)
        return f"greatest({name}, {self.literal(column)}) = least({name}, {self.literal(column)})"

    def in_list(self, name: str, column: Column, alias: str) -> str:
        return self.null_test(name, column, alias) if column.kind in ("ints", "texts") else super().in_list(name, column, alias)

    def expression(self, alias: str, is_key: bool = False) -> str:
        rng = self.rng
        choices = [
            f"{alias}.id * 2 + {alias}.i2", f"({alias}.n * 100)::bigint", f"round({alias}.n / 7, 4)", f"{alias}.i4 / 7", f"{alias}.i8 % 10", f"abs({alias}.i2::int)",
            f"{alias}.i4::numeric(12,2)", f"{alias}.n::text", f"power({alias}.i2::numeric, 2)", f"{alias}.d + {alias}.i2", f"{alias}.d - date '2020-01-01'",
            f"{alias}.ts + {alias}.iv", f"date_trunc('month', {alias}.ts)", f"extract(epoch FROM {alias}.ts)", f"{alias}.tz - timestamptz '2023-01-01 00:00+00'",
            f"{alias}.ts::date", f"{alias}.iv * 3", f"left({alias}.s, 3) || '|' || right({alias}.v, 2)", f"lpad({alias}.s, 5, '*')",
            f"replace({alias}.s, 'a', 'é')", f"reverse({alias}.s)", f"split_part({alias}.s, 'b', 1)", f"regexp_replace({alias}.s, '[a-c]+', '<\\&>', 'g')",
            f"length({alias}.s)", f"octet_length({alias}.s)", f"md5({alias}.s)", f"ascii({alias}.s)", f"translate({alias}.s, 'abc', 'xyz')", f"{alias}.c || '|'",
            f"{alias}.j -> 'a'", f"{alias}.j ->> 'b'", f"jsonb_typeof({alias}.j)", f"{alias}.j #> '{{a,0}}'", f"{alias}.j || '{{\"q\": 2}}'::jsonb",
            f"{alias}.a[1]", f"{alias}.a || 9", f"array_length({alias}.a, 1)", f"array_remove({alias}.a, 2)", f"ARRAY[{alias}.id, {alias}.i4]", f"cardinality({alias}.ta)",
            f"{alias}.ta[2]", f"upper({alias}.r)", f"{alias}.r * int4range(0, 7)", f"host({alias}.ip)", f"network({alias}.ip)", f"encode({alias}.by, 'hex')",
            f"{alias}.tm + interval '90 minutes'", f"coalesce({alias}.s, {alias}.v, '-')", f"nullif({alias}.i2, 3)", f"CASE WHEN {alias}.b THEN {alias}.s ELSE {alias}.v END",
            f"greatest({alias}.i2, {alias}.i4)", f"least({alias}.n, 5.5)", f"{alias}.b AND {alias}.i4 > 0", f"{alias}.f8 * 2", f"{alias}.f8::numeric", f"floor({alias}.f8)",
            f"{alias}.f4", f"sha256({alias}.by)", f"make_date(2020, 1 + abs({alias}.i2::int % 12), 1)", f"num_nulls({alias}.s, {alias}.i4)", f"to_char({alias}.ts, 'YYYY-MM')",
            f"CASE {alias}.i2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'more' END", f"{alias}.i2 IS NULL", f"bit_count({alias}.by)", f"{alias}.s COLLATE \"C\"",
        ]
        made = rng.choice(choices)
        return self.sort_key(f"({made})") if is_key else made

    def aggregate(self, alias: str) -> str:
        rng = self.rng
        if rng.random() < 0.4:
            return super().aggregate(alias)
        made = rng.choice([
            f"string_agg({alias}.s, ',' ORDER BY {alias}.id)", f"string_agg(DISTINCT {alias}.v, '-' ORDER BY {alias}.v)", f"array_agg({alias}.i4 ORDER BY {alias}.id DESC)",
            f"array_agg(DISTINCT {alias}.i2 ORDER BY {alias}.i2 NULLS FIRST)", f"stddev({alias}.n)", f"variance({alias}.i4)", f"var_pop({alias}.i2)",
            f"bit_and({alias}.i4)", f"bit_or({alias}.i2)", f"bit_xor({alias}.i8)", f"every({alias}.b)", f"max({alias}.ip)", f"min({alias}.iv)", f"max({alias}.tm)",
            f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {alias}.i4)", f"percentile_cont(0.25) WITHIN GROUP (ORDER BY {alias}.id)", f"mode() WITHIN GROUP (ORDER BY {alias}.i2)",
            f"count(DISTINCT {alias}.j)", f"sum(DISTINCT {alias}.i2)", f"avg(DISTINCT {alias}.n)", f"sum({alias}.iv)", f"max({alias}.a)", f"min({alias}.tz)",
            f"sum({alias}.n * {alias}.i2)", f"count(*) FILTER (WHERE {alias}.j ? 'a')", f"max(length({alias}.s))", f"range_agg({alias}.r)", f"max({alias}.s COLLATE \"C\")",
            f"jsonb_agg({alias}.i2 ORDER BY {alias}.id)", f"json_object_agg({alias}.id, {alias}.s ORDER BY {alias}.id)", f"regr_count({alias}.f8, {alias}.f8)",
            f"rank(5) WITHIN GROUP (ORDER BY {alias}.i4)", f"count(({alias}.i2, {alias}.i4))", f"array_agg({alias}.ta ORDER BY {alias}.id) FILTER (WHERE false)"])
        if rng.random() < 0.2 and "FILTER" not in made:
            made += f" FILTER (WHERE {self.predicate(alias, 1)})"
        return made

    def window(self, alias: str) -> str:
        rng = self.rng
        function = rng.choice(["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(3)", f"lag({alias}.s)", f"lead({alias}.i4, 2, 0)",
                               f"first_value({alias}.v)", f"last_value({alias}.d)", f"nth_value({alias}.i2, 2)", f"sum({alias}.i4)", f"count({alias}.s)",
                               f"avg({alias}.n)", f"max({alias}.d)", f"string_agg({alias}.v, ',')", f"array_agg({alias}.i2)", "count(*)",
                               f"sum({alias}.i2) FILTER (WHERE {alias}.b)", f"min({alias}.s COLLATE \"C\")", f"bool_or({alias}.b)"])
        partition = rng.choice(["", "", f"PARTITION BY {alias}.b ", f"PARTITION BY {alias}.i2 % 3, {alias}.b ", f"PARTITION BY {alias}.s "])
        order = rng.choice([f"ORDER BY {alias}.id", f"ORDER BY {self.sort_key(self.of_kind(alias, 'int', 'date', 'bool', 'uuid'))}, {alias}.id",
                            f"ORDER BY {alias}.id DESC"])
        frame = rng.choice(["", "", " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                            " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING EXCLUDE TIES", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW",
                            " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"])
        if order == f"ORDER BY {alias}.id" and rng.random() < 0.3:
            frame = " RANGE BETWEEN 5 PRECEDING AND 2 FOLLOWING"
        return f"{function} OVER ({partition}{order}{frame})"

    def join_query(self) -> Query:
        made = super().join_query()
        if self.rng.random() < 0.3:
            return Query(made.sql.replace("SELECT x.id, y.id, x.s", "SELECT x.id, y, y.*"), False)
        return made

    def literal(self, column: Column) -> str:
        if column.kind in ("timestamptz", "interval", "time", "bpchar", "jsonb", "ints", "texts", "range", "inet", "bytea"):
            return "'" + str(column.value(self.rng)).replace("'", "''") + f"'::{'bpchar' if column.kind == 'bpchar' else column.type}"
        return super().literal(column)
