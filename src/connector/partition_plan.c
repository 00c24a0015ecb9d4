/*
 * partition_plan.c - ranges of pages, or ranges of a column.
 */
#include "connector/partition_plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/quote.h"

/* A chunk of pages is this big, so that the work is shared out evenly and little waits in memory.
 */
#define CHUNK_PAGES INT64_C(1024)
#define MAX_CHUNKS 4096

typedef struct Plan {
    IdcArena *arena;
    const IdcTable *table;
    const IdcTableRequest *request;
    const char **chunks;
    size_t count;
} Plan;

static IdcStatus
fail_with_hint(IdcError *err, const IdcTable *table, const char *why, const char *hint)
{
    (void) idc_fail(err, IDC_UNSUPPORTED, "table \"%s\" cannot be loaded in partitions: %s",
                    table->name, why);
    idc_error_set_hint(err, "%s", hint);
    return IDC_UNSUPPORTED;
}

static IdcStatus
add_chunk(Plan *plan, const char *condition, IdcError *err)
{
    IdcTableRequest request = *plan->request;
    IdcText sql;
    IdcStatus status;

    request.condition = condition;
    idc_text_init(&sql, 0);
    status = idc_select_build(plan->table, &request, &sql, err);
    if (status == IDC_OK) {
        plan->chunks[plan->count] = idc_arena_strdup(plan->arena, idc_text_string(&sql));
        status = plan->chunks[plan->count] != NULL ? IDC_OK : idc_fail_no_memory(err);
        plan->count += status == IDC_OK;
    }
    idc_text_done(&sql);
    return status;
}

/* ---- pages ---- */

/* The last range has no end: pages that were added meanwhile hold nothing that the snapshot sees.
 */
static IdcStatus
cut_by_pages(Plan *plan, int64_t pages, size_t partitions, IdcError *err)
{
    int64_t size = pages / MAX_CHUNKS + 1, first = 0;
    IdcStatus status = IDC_OK;

    if (size < CHUNK_PAGES)
        size = pages < CHUNK_PAGES * (int64_t) partitions ? pages / (int64_t) partitions + 1
                                                          : CHUNK_PAGES;
    plan->chunks =
        idc_arena_alloc_array(plan->arena, (size_t) (pages / size) + 2, sizeof *plan->chunks);
    if (plan->chunks == NULL)
        return idc_fail_no_memory(err);
    do {
        bool is_last = first + size >= pages;
        const char *condition =
            is_last
                ? idc_arena_printf(plan->arena, "ctid >= '(%" PRId64 ",0)'::pg_catalog.tid", first)
                : idc_arena_printf(plan->arena,
                                   "ctid >= '(%" PRId64 ",0)'::pg_catalog.tid AND "
                                   "ctid < '(%" PRId64 ",0)'::pg_catalog.tid",
                                   first, first + size);

        if (condition == NULL)
            return idc_fail_no_memory(err);
        status = add_chunk(plan, condition, err);
        first += size;
    } while (status == IDC_OK && first < pages);
    return status;
}

/* ---- ranges of a column ---- */

static const IdcTableColumn *
find_column(const IdcTable *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

/* An expression of lo, hi, i and n for the i-th of n - 1 bounds; NULL: the type has no ranges. */
static const char *
bound_expression(const IdcTableColumn *column)
{
    if (column->category == 'N' && strcmp(column->base_type, "money") != 0 &&
        strncmp(column->base_type, "reg", 3) != 0 && strcmp(column->base_type, "oid") != 0)
        return "lo::pg_catalog.numeric + (hi::pg_catalog.numeric - lo::pg_catalog.numeric) * i / n";
    if (strcmp(column->base_type, "date") == 0)
        return "CASE WHEN pg_catalog.isfinite(lo) AND pg_catalog.isfinite(hi)"
               " THEN lo + ((hi - lo)::pg_catalog.int8 * i / n)::pg_catalog.int4 END";
    if (strcmp(column->base_type, "timestamp") == 0 ||
        strcmp(column->base_type, "timestamptz") == 0)
        return "CASE WHEN pg_catalog.isfinite(lo) AND pg_catalog.isfinite(hi)"
               " THEN lo + (hi - lo) * (i::pg_catalog.float8 / n) END";
    return NULL;
}

/* The bounds between the ranges as literals, least first; none where the column has no values. */
static IdcStatus
ask_bounds(IdcConn *conn, IdcCall *call, const Plan *plan, const IdcTableColumn *column,
           const char *expression, size_t partitions, IdcTextRows *rows, IdcError *err)
{
    IdcText name, relation, sql;
    IdcStatus status;

    idc_text_init(&name, 0);
    idc_text_init(&relation, 0);
    idc_text_init(&sql, 0);
    status = idc_quote_identifier(&name, column->name, err);
    if (status == IDC_OK)
        status = idc_quote_identifier(&relation, plan->table->schema, err);
    idc_text_append_char(&relation, '.');
    if (status == IDC_OK)
        status = idc_quote_identifier(&relation, plan->table->name, err);
    idc_text_append_format(
        &sql,
        "SELECT DISTINCT pg_catalog.quote_literal(bound), bound FROM (SELECT (%s)::pg_catalog.%s "
        "AS bound"
        " FROM (SELECT min(%s) AS lo, max(%s) AS hi, %zu AS n FROM %s) AS ends,"
        " pg_catalog.generate_series(1, %zu) AS i) AS bounds WHERE bound IS NOT NULL ORDER BY 2",
        expression, column->base_type, idc_text_string(&name), idc_text_string(&name), partitions,
        idc_text_string(&relation), partitions - 1);
    if (status == IDC_OK)
        status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_conn_query(conn, call, plan->arena, idc_text_string(&sql), NULL, 0, rows, err);
    idc_text_done(&name);
    idc_text_done(&relation);
    idc_text_done(&sql);
    return status;
}

static const char *
range_condition(IdcArena *arena, const char *name, const char *type, const char *from,
                const char *to)
{
    if (from == NULL && to == NULL)
        return "true";
    if (from == NULL)
        return idc_arena_printf(arena, "%s < %s::pg_catalog.%s OR %s IS NULL", name, to, type,
                                name);
    if (to == NULL)
        return idc_arena_printf(arena, "%s >= %s::pg_catalog.%s", name, from, type);
    return idc_arena_printf(arena, "%s >= %s::pg_catalog.%s AND %s < %s::pg_catalog.%s", name, from,
                            type, name, to, type);
}

static IdcStatus
cut_by_column(Plan *plan, IdcConn *conn, IdcCall *call, const char *column_name, size_t partitions,
              IdcError *err)
{
    const IdcTableColumn *column = find_column(plan->table, column_name);
    const char *expression = column != NULL ? bound_expression(column) : NULL;
    IdcTextRows bounds = { 0 };
    IdcText name;
    IdcStatus status;

    if (column == NULL)
        return idc_fail(err, IDC_NOT_FOUND, "table \"%s\" has no column \"%s\" (partition_on)",
                        plan->table->name, column_name);
    if (expression == NULL)
        return fail_with_hint(err, plan->table, "the column of partition_on has no ranges",
                              "name a column of numbers, dates or timestamps in partition_on");
    if (partitions > 1) {
        status = ask_bounds(conn, call, plan, column, expression, partitions, &bounds, err);
        if (status != IDC_OK)
            return status;
    }
    plan->chunks = idc_arena_alloc_array(plan->arena, bounds.row_count + 1, sizeof *plan->chunks);
    if (plan->chunks == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&name, 0);
    status = idc_quote_identifier(&name, column->name, err);
    for (size_t i = 0; status == IDC_OK && i <= bounds.row_count; i++) {
        const char *condition =
            range_condition(plan->arena, idc_text_string(&name), column->base_type,
                            i > 0 ? bounds.values[2 * (i - 1)] : NULL,
                            i < bounds.row_count ? bounds.values[2 * i] : NULL);

        status = condition != NULL ? add_chunk(plan, condition, err) : idc_fail_no_memory(err);
    }
    idc_text_done(&name);
    return status;
}

/* ---- the choice ---- */

/* pg_class.relkind ('f' also for a partitioned table with a foreign partition), and its pages. */
static IdcStatus
ask_relation(IdcConn *conn, IdcCall *call, IdcArena *arena, const IdcTable *table, char *kind,
             int64_t *pages, IdcError *err)
{
    static const char sql[] =
        "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) t"
        " JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE l.relkind = 'f') THEN 'f'"
        " ELSE c.relkind END,"
        " (SELECT coalesce(max(pg_catalog.pg_relation_size(m.oid)), 0)"
        "  FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t"
        "   UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid) AS m"
        " ) / pg_catalog.current_setting('block_size')::pg_catalog.int8"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2";
    const char *parameters[] = { table->schema, table->name };
    IdcTextRows rows;
    IdcStatus status = idc_conn_query(conn, call, arena, sql, parameters, 2, &rows, err);

    if (status != IDC_OK)
        return status;
    if (rows.row_count != 1)
        return idc_fail(err, IDC_NOT_FOUND, "table \"%s\" is gone", table->name);
    *kind = rows.values[0][0];
    if (rows.values[1] == NULL || !idc_int64_parse(rows.values[1], pages))
        *pages = 0;
    return IDC_OK;
}

IdcStatus
idc_partition_plan(IdcConn *conn, IdcCall *call, IdcArena *arena, const IdcTable *table,
                   const IdcTableRequest *request, size_t partitions, const char *column,
                   const char ***chunks, size_t *chunk_count, IdcError *err)
{
    Plan plan = { .arena = arena, .table = table, .request = request };
    int64_t pages = 0;
    char kind = '\0';
    IdcStatus status;

    if (request->order_by_count > 0 || request->limit >= 0 || request->offset > 0)
        return fail_with_hint(err, table, "order_by, limit and offset are of the whole",
                              "leave partitions out, or sort and cut the result");
    status = ask_relation(conn, call, arena, table, &kind, &pages, err);
    if (status != IDC_OK)
        return status;
    if (column != NULL)
        status = cut_by_column(&plan, conn, call, column, partitions, err);
    else if (strchr("rpm", kind) == NULL)
        return fail_with_hint(err, table,
                              kind == 'f' ? "it is foreign, and partition_on names no column"
                                          : "it is a view, and partition_on names no column",
                              "name a column of numbers, dates or timestamps in partition_on");
    else if (idc_conn_server_version(conn) < 140000)
        return fail_with_hint(err, table, "the hub is older than PostgreSQL 14",
                              "name a column of numbers, dates or timestamps in partition_on");
    else
        status = cut_by_pages(&plan, pages, partitions, err);
    *chunks = plan.chunks;
    *chunk_count = plan.count;
    return status;
}
