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

/* kind is pg_class.relkind; 'f' also where a child of the table is foreign. */
typedef struct Plan {
    IdcArena *arena;
    const IdcTable *table;
    const IdcTableRequest *request;
    char kind;
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

/*
 * How ranges of a type are found: `bound` is an expression of lo, hi, i and n for the i-th of
 * n - 1 bounds. Infinities (and NaN, which is beyond them) say nothing about where the rows are.
 */
typedef struct RangeType {
    const char *name;
    const char *bound;
    bool has_infinities;
} RangeType;

#define NUMBER_BOUND                                                                               \
    "lo::pg_catalog.numeric + (hi::pg_catalog.numeric - lo::pg_catalog.numeric) * i / n"
#define TIME_BOUND                                                                                 \
    "CASE WHEN pg_catalog.isfinite(lo) AND pg_catalog.isfinite(hi)"                                \
    " THEN lo + (hi - lo) * (i::pg_catalog.float8 / n) END"

static const RangeType range_types[] = {
    { "int2", NUMBER_BOUND, false },
    { "int4", NUMBER_BOUND, false },
    { "int8", NUMBER_BOUND, false },
    { "float4", NUMBER_BOUND, true },
    { "float8", NUMBER_BOUND, true },
    { "numeric", NUMBER_BOUND, true },
    { "date",
      "CASE WHEN pg_catalog.isfinite(lo) AND pg_catalog.isfinite(hi)"
      " THEN lo + ((hi - lo)::pg_catalog.int8 * i / n)::pg_catalog.int4 END",
      true },
    { "timestamp", TIME_BOUND, true },
    { "timestamptz", TIME_BOUND, true },
};

/*
 * NULL: the type has no ranges. Sources compare a float4 with a bound in their own precision, so
 * two ranges might both leave a row out.
 */
static const RangeType *
find_range_type(const Plan *plan, const IdcTableColumn *column)
{
    if (strchr("ND", column->category) == NULL ||
        (strchr("fv", plan->kind) != NULL && strcmp(column->base_type, "float4") == 0))
        return NULL;
    for (size_t i = 0; i < sizeof range_types / sizeof *range_types; i++)
        if (strcmp(column->base_type, range_types[i].name) == 0)
            return &range_types[i];
    return NULL;
}

/* The wanted values of the column alone. Sources need not know infinities. */
static IdcStatus
append_values(IdcText *sql, const IdcConn *conn, const Plan *plan, const IdcTableColumn *column,
              const RangeType *type, const char *name, IdcError *err)
{
    IdcTableRequest request = *plan->request;
    bool has_infinities =
        type->has_infinities && strchr("rpm", plan->kind) != NULL &&
        (idc_conn_server_version(conn) >= 140000 || strcmp(type->name, "numeric") != 0);

    request.columns = &column->name;
    request.column_count = 1;
    if (has_infinities) {
        request.condition = idc_arena_printf(plan->arena,
                                             "%s > '-infinity'::pg_catalog.%s AND "
                                             "%s < 'infinity'::pg_catalog.%s",
                                             name, type->name, name, type->name);
        if (request.condition == NULL)
            return idc_fail_no_memory(err);
    }
    return idc_select_build(plan->table, &request, sql, err);
}

/* The bounds between the ranges as literals, least first; none where the column has no values. */
static IdcStatus
ask_bounds(IdcConn *conn, IdcCall *call, const Plan *plan, const IdcTableColumn *column,
           const RangeType *type, const char *name, size_t partitions, IdcTextRows *rows,
           IdcError *err)
{
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    idc_text_append_format(
        &sql,
        "SELECT DISTINCT pg_catalog.quote_literal(bound), bound FROM (SELECT (%s)::pg_catalog.%s"
        " AS bound FROM (SELECT pg_catalog.min(value) AS lo, pg_catalog.max(value) AS hi,"
        " %zu AS n FROM (",
        type->bound, type->name, partitions);
    status = append_values(&sql, conn, plan, column, type, name, err);
    idc_text_append_format(&sql,
                           ") AS wanted(value)) AS ends, pg_catalog.generate_series(1, %zu) AS i)"
                           " AS bounds WHERE bound IS NOT NULL ORDER BY 2",
                           partitions - 1);
    if (status == IDC_OK)
        status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_conn_query(conn, call, plan->arena, idc_text_string(&sql), NULL, 0, rows, err);
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

/* A chunk a range, the ranges cut at the bounds. */
static IdcStatus
add_ranges(Plan *plan, const char *name, const RangeType *type, const IdcTextRows *bounds,
           IdcError *err)
{
    size_t count = bounds->row_count;
    IdcStatus status = IDC_OK;

    plan->chunks = idc_arena_alloc_array(plan->arena, count + 1, sizeof *plan->chunks);
    if (plan->chunks == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i <= count; i++) {
        const char *condition = range_condition(plan->arena, name, type->name,
                                                i > 0 ? bounds->values[2 * (i - 1)] : NULL,
                                                i < count ? bounds->values[2 * i] : NULL);

        status = condition != NULL ? add_chunk(plan, condition, err) : idc_fail_no_memory(err);
    }
    return status;
}

static IdcStatus
cut_by_column(Plan *plan, IdcConn *conn, IdcCall *call, const char *column_name, size_t partitions,
              IdcError *err)
{
    const IdcTableColumn *column = find_column(plan->table, column_name);
    const RangeType *type = column != NULL ? find_range_type(plan, column) : NULL;
    IdcTextRows bounds = { 0 };
    IdcText name;
    IdcStatus status;

    if (column == NULL)
        return idc_fail(err, IDC_NOT_FOUND, "table \"%s\" has no column \"%s\" (partition_on)",
                        plan->table->name, column_name);
    if (type == NULL)
        return fail_with_hint(err, plan->table, "the column of partition_on has no ranges",
                              "name a column of numbers, dates or timestamps in partition_on");
    idc_text_init(&name, 0);
    status = idc_quote_identifier(&name, column->name, err);
    if (status == IDC_OK)
        status = idc_text_check(&name, err);
    if (status == IDC_OK && partitions > 1)
        status = ask_bounds(conn, call, plan, column, type, idc_text_string(&name), partitions,
                            &bounds, err);
    if (status == IDC_OK)
        status = add_ranges(plan, idc_text_string(&name), type, &bounds, err);
    idc_text_done(&name);
    return status;
}

/* ---- the choice ---- */

/* What has to be known of a relation and its children: by ctid they are cut only if all of them
 * keep their rows in pages of the heap. */
typedef struct Relation {
    char kind;
    bool is_heap;
    int64_t pages; /* of the biggest */
} Relation;

static IdcStatus
ask_relation(IdcConn *conn, IdcCall *call, IdcArena *arena, const IdcTable *table,
             Relation *relation, IdcError *err)
{
    static const char sql[] =
        "WITH RECURSIVE members AS (SELECT c.oid, c.relkind AS own FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2"
        " UNION SELECT h.inhrelid, m.own FROM members m"
        " JOIN pg_catalog.pg_inherits h ON h.inhparent = m.oid)"
        " SELECT CASE WHEN bool_or(c.relkind = 'f') THEN 'f' ELSE max(m.own::text) END,"
        " bool_and(c.relkind NOT IN ('r', 'm') OR a.amname = 'heap'),"
        " coalesce(max(CASE WHEN c.relkind IN ('r', 'm')"
        "  THEN pg_catalog.pg_relation_size(c.oid) END), 0)"
        "  / pg_catalog.current_setting('block_size')::pg_catalog.int8, count(*)"
        " FROM members m JOIN pg_catalog.pg_class c ON c.oid = m.oid"
        " LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam";
    const char *parameters[] = { table->schema, table->name };
    IdcTextRows rows;
    IdcStatus status = idc_conn_query(conn, call, arena, sql, parameters, 2, &rows, err);

    if (status != IDC_OK)
        return status;
    if (rows.row_count != 1 || rows.values[0] == NULL)
        return idc_fail(err, IDC_NOT_FOUND, "table \"%s\" is gone", table->name);
    relation->kind = rows.values[0][0];
    relation->is_heap = rows.values[1] != NULL && rows.values[1][0] == 't';
    if (rows.values[2] == NULL || !idc_int64_parse(rows.values[2], &relation->pages))
        relation->pages = 0;
    return IDC_OK;
}

/* Why a table cannot be cut by its pages, or NULL. */
static const char *
why_no_pages(const IdcConn *conn, const Relation *relation)
{
    if (relation->kind == 'f')
        return "it is foreign, no column of its key has ranges, and partition_on names none";
    if (relation->kind == 'v')
        return "it is a view, and partition_on names no column";
    if (!relation->is_heap)
        return "it is no table of PostgreSQL's own kind, and partition_on names no column";
    return idc_conn_server_version(conn) < 140000 ? "the hub is older than PostgreSQL 14" : NULL;
}

/* The first column of a foreign table's key (its option `key`, which an import writes) that has
 * ranges; NULL: there is none. */
static IdcStatus
find_key(IdcConn *conn, IdcCall *call, const Plan *plan, const char **name, IdcError *err)
{
    static const char sql[] =
        "SELECT a.attname, o.option_value FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped,"
        " pg_catalog.pg_options_to_table(a.attfdwoptions) o"
        " WHERE n.nspname = $1 AND c.relname = $2 AND o.option_name = 'key' ORDER BY a.attnum";
    const char *parameters[] = { plan->table->schema, plan->table->name };
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_conn_query(conn, call, plan->arena, sql, parameters, 2, &rows, err);

    *name = NULL;
    for (size_t i = 0; status == IDC_OK && i < rows.row_count && *name == NULL; i++) {
        const IdcTableColumn *column = find_column(plan->table, rows.values[2 * i]);
        bool is_key;

        if (column != NULL && rows.values[2 * i + 1] != NULL &&
            idc_bool_parse(rows.values[2 * i + 1], &is_key) && is_key &&
            find_range_type(plan, column) != NULL)
            *name = column->name;
    }
    return status;
}

/* LOCK knows tables and views alone; what it finds below a view may be of any kind. */
static IdcStatus
build_lock(const Plan *plan, const IdcConn *conn, const char **lock_sql, IdcError *err)
{
    IdcText sql;
    IdcStatus status;

    if (strchr("rp", plan->kind) == NULL || idc_conn_server_version(conn) < 140000)
        return IDC_OK;
    idc_text_init(&sql, 0);
    idc_text_append(&sql, "LOCK TABLE ");
    status = idc_quote_identifier(&sql, plan->table->schema, err);
    idc_text_append_char(&sql, '.');
    if (status == IDC_OK)
        status = idc_quote_identifier(&sql, plan->table->name, err);
    idc_text_append(&sql, " IN ACCESS SHARE MODE");
    if (status == IDC_OK)
        status = idc_text_check(&sql, err);
    if (status == IDC_OK &&
        (*lock_sql = idc_arena_strdup(plan->arena, idc_text_string(&sql))) == NULL)
        status = idc_fail_no_memory(err);
    idc_text_done(&sql);
    return status;
}

IdcStatus
idc_partition_plan(IdcConn *conn, IdcCall *call, IdcArena *arena, const IdcTable *table,
                   const IdcTableRequest *request, size_t partitions, const char *column,
                   IdcPartitionPlan *planned, IdcError *err)
{
    Plan plan = { .arena = arena, .table = table, .request = request };
    Relation relation = { 0 };
    const char *why;
    IdcStatus status;

    *planned = (IdcPartitionPlan){ 0 };
    if (request->order_by_count > 0 || request->limit >= 0 || request->offset > 0)
        return fail_with_hint(err, table, "order_by, limit and offset are of the whole",
                              "leave partitions out, or sort and cut the result");
    status = ask_relation(conn, call, arena, table, &relation, err);
    if (status != IDC_OK)
        return status;
    plan.kind = relation.kind;
    if (column == NULL && relation.kind == 'f')
        status = find_key(conn, call, &plan, &column, err);
    if (status != IDC_OK)
        return status;
    why = column == NULL ? why_no_pages(conn, &relation) : NULL;
    if (why != NULL)
        return fail_with_hint(err, table, why,
                              "name a column of numbers, dates or timestamps in partition_on");
    status = column != NULL ? cut_by_column(&plan, conn, call, column, partitions, err)
                            : cut_by_pages(&plan, relation.pages, partitions, err);
    if (status == IDC_OK)
        status = build_lock(&plan, conn, &planned->lock_sql, err);
    planned->chunks = plan.chunks;
    planned->chunk_count = plan.count;
    return status;
}
