/*
 * estimates.c - one EXPLAIN a table, in sessions that are given up when a source is silent.
 */
#include "connector/estimates.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

static const int64_t source_limit_ms = 2000;

int64_t
idc_estimate_parse(const char *line)
{
    static const char word[] = " rows=";
    const char *found = NULL;
    char *end;
    long long rows;

    /* The last one: a table may be called anything, and its name comes first. */
    for (const char *at = line; (at = strstr(at, word)) != NULL; at++)
        found = at;
    if (found == NULL)
        return -1;
    rows = strtoll(found + strlen(word), &end, 10);
    return *end == ' ' && rows >= 0 ? rows : -1;
}

static const char **
cell(IdcTextRows *rows, size_t row, size_t column)
{
    return &rows->values[row * rows->column_count + column];
}

static bool
same_table(IdcTextRows *rows, size_t a, size_t b)
{
    return strcmp(*cell(rows, a, IDC_CATALOGUE_SCHEMA), *cell(rows, b, IDC_CATALOGUE_SCHEMA)) ==
               0 &&
           strcmp(*cell(rows, a, IDC_CATALOGUE_NAME), *cell(rows, b, IDC_CATALOGUE_NAME)) == 0;
}

static IdcStatus
explain_sql(IdcTextRows *tables, size_t row, IdcText *sql, IdcError *err)
{
    IdcStatus status;

    idc_text_append(sql, "EXPLAIN SELECT * FROM ");
    status = idc_quote_identifier(sql, *cell(tables, row, IDC_CATALOGUE_SCHEMA), err);
    idc_text_append_char(sql, '.');
    if (status == IDC_OK)
        status = idc_quote_identifier(sql, *cell(tables, row, IDC_CATALOGUE_NAME), err);
    return status == IDC_OK ? idc_text_check(sql, err) : status;
}

/* On success *estimate is the number as text, or NULL where the plan has none. */
static IdcStatus
estimate_table(IdcPool *pool, IdcArena *arena, IdcTextRows *tables, size_t row,
               const char **estimate, IdcError *err)
{
    IdcCall *limit = idc_call_new();
    IdcConn *conn = NULL;
    IdcTextRows plan = { 0 };
    IdcText sql;
    IdcStatus status;
    int64_t rows;

    if (limit == NULL)
        return idc_fail_no_memory(err);
    idc_call_set_timeout(limit, source_limit_ms);
    idc_text_init(&sql, 0);
    status = explain_sql(tables, row, &sql, err);
    if (status == IDC_OK)
        status = idc_pool_acquire(pool, limit, &conn, err);
    if (status == IDC_OK) {
        status = idc_conn_query(conn, limit, arena, idc_text_string(&sql), NULL, 0, &plan, err);
        idc_pool_release(pool, conn);
    }
    rows = status == IDC_OK && plan.row_count > 0 ? idc_estimate_parse(plan.values[0]) : -1;
    *estimate = rows < 0 ? NULL : idc_arena_printf(arena, "%lld", (long long) rows);
    idc_text_done(&sql);
    idc_call_free(limit);
    return status;
}

static bool
wants_estimate(IdcTextRows *tables, size_t row, const char *silent_server)
{
    const char *wrapper = *cell(tables, row, IDC_CATALOGUE_WRAPPER);

    if (wrapper == NULL || strcmp(wrapper, "postgres_fdw") != 0 ||
        *cell(tables, row, IDC_CATALOGUE_ROWS) != NULL)
        return false;
    return silent_server == NULL ||
           strcmp(silent_server, *cell(tables, row, IDC_CATALOGUE_SERVER)) != 0;
}

IdcStatus
idc_estimates_fill(IdcPool *pool, IdcCall *call, IdcArena *arena, IdcTextRows *tables,
                   IdcError *err)
{
    const char *silent_server = NULL;

    for (size_t first = 0, next; first < tables->row_count; first = next) {
        const char *estimate = NULL;
        IdcError ignored;

        for (next = first + 1; next < tables->row_count && same_table(tables, first, next);)
            next++;
        if (!wants_estimate(tables, first, silent_server))
            continue;
        if (idc_call_is_cancelled(call))
            return idc_fail(err, IDC_CANCELED, "the call was cancelled");
        if (estimate_table(pool, arena, tables, first, &estimate, &ignored) != IDC_OK)
            silent_server = *cell(tables, first, IDC_CATALOGUE_SERVER);
        for (size_t row = first; row < next; row++)
            *cell(tables, row, IDC_CATALOGUE_ROWS) = estimate;
    }
    return IDC_OK;
}
