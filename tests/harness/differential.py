"""Push-downs are exact: the same SQL over foreign tables and over local copies of their rows, compared row by row.

An adapter's differential test makes the foreign tables "foreign_t" and "foreign_u" and calls

    copies(connection, COLUMNS, T_ROWS, U_ROWS)     # the local tables "local_t" and "local_u", of the rows themselves
    compare(connection, Queries(seed, COLUMNS), count)

A failure names the seed and the query, and shows the plan of the foreign side.
"""
from __future__ import annotations

from typing import Any

import psycopg

from harness.random_queries import Column, Queries, Query, Row

Connection = psycopg.Connection[Any]


def columns_sql(columns: list[Column]) -> str:
    return ", ".join(f"{column.name} {column.type}{' NOT NULL' if column.not_null else ''}" for column in columns)


def copies(connection: Connection, columns: list[Column], t_rows: list[Row], u_rows: list[Row]) -> None:
    for table, rows in (("local_t", t_rows), ("local_u", u_rows)):
        connection.execute(f"CREATE TABLE {table} ({columns_sql(columns)})")
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(f"ANALYZE {table}")


def answer(connection: Connection, query: Query, t: str, u: str) -> list[Row]:
    rows = connection.execute(query.sql.format(t=f"{t}_t", u=f"{u}_u")).fetchall()
    return rows if query.is_ordered else sorted(rows, key=repr)


def compare(connection: Connection, queries: Queries, count: int, t: str = "foreign", u: str = "foreign") -> None:
    """Queries over the tables that t and u name ("foreign" or "local") against those over the copies."""
    for number, query in enumerate(queries.take(count)):
        sql = query.sql.format(t=f"{t}_t", u=f"{u}_u")
        try:
            got = answer(connection, query, t, u)
        except psycopg.Error as error:
            raise AssertionError(f"seed {queries.seed}, query {number}: {error}\n{sql}\n{plan(connection, sql)}") from error
        wanted = answer(connection, query, "local", "local")
        if got != wanted:
            missing = [row for row in wanted if row not in got][:3]
            extra = [row for row in got if row not in wanted][:3]
            raise AssertionError(f"seed {queries.seed}, query {number}: {len(got)} rows, {len(wanted)} are right; "
                                 f"missing {missing}, extra {extra}\n{sql}\n{plan(connection, sql)}")


def plan(connection: Connection, sql: str) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql}"))
