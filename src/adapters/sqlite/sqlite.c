/*
 * sqlite.c - the adapter sqlite: a relation as a statement, its rows in batches.
 *
 * A scan has a connection of its own: opening one costs less than the first page.
 */
#include "adapters/sqlite/work.h"

#include <string.h>

#include "arrow/decode.h"

/* Rows that are there go on their way when the next ones let wait so long. */
enum { PATIENCE_MS = 100 };

typedef struct Scan {
    IdcSqliteDatabase *database;
    IdcSqliteStatement run;
    IdcText scratch;
    bool is_lenient; /* of all tables */
    IdcSql builder;
} Scan;

/* ---- the statement ---- */

/* A pattern that ends with its escape character is PostgreSQL's error, and never matches here. */
static bool
find_cut_pattern(const IdcExpr *expr, void *found)
{
    const IdcExpr *pattern = expr->kind == IDC_EXPR_LIKE ? expr->args[1] : NULL;

    if (pattern != NULL && pattern->kind == IDC_EXPR_CONSTANT && pattern->text != NULL &&
        !idc_sqlite_is_pattern(pattern->text))
        *(bool *) found = true;
    return true;
}

static IdcStatus
check_patterns(const IdcRelation *relation, IdcError *err)
{
    bool is_cut = false;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < relation->expr_count; i++)
        idc_expr_walk(relation->exprs[i], find_cut_pattern, &is_cut);
    for (size_t i = 0; i < relation->aggregate_count; i++)
        if (relation->aggregates[i].filter != NULL)
            idc_expr_walk(relation->aggregates[i].filter, find_cut_pattern, &is_cut);
    if (is_cut) {
        status = idc_fail(err, IDC_BAD_VALUE, "LIKE pattern must not end with escape character");
        idc_error_set_sqlstate(err, "22025");
        return status;
    }
    if (relation->input != NULL)
        status = check_patterns(relation->input, err);
    if (status == IDC_OK && relation->right != NULL)
        status = check_patterns(relation->right, err);
    return status;
}

/* ---- opening ---- */

static void
finalize(void *statement)
{
    (void) sqlite3_finalize(statement);
}

static void
free_scratch(void *text)
{
    idc_text_done(text);
}

static IdcStatus
write_statement(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    const IdcSqlColumn *columns;
    IdcStatus status;

    if (source->relation->kind == IDC_REL_SCAN && source->relation->native != NULL) {
        scan->run.sql = source->relation->native;
        return IDC_OK;
    }
    status = check_patterns(source->relation, err);
    if (status != IDC_OK)
        return status;
    scan->builder = (IdcSql){
        .dialect = &idc_sqlite_dialect,
        .arena = source->arena,
        .on_raw = idc_sqlite_look_at_raw,
        .host = scan->database,
    };
    status = idc_sql_write(&scan->builder, source->relation, &scan->run.sql, &columns, err);
    return status == IDC_OK ? idc_sqlite_make_forms(scan->database, &scan->builder, err) : status;
}

static IdcStatus
prepare(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    const char *tail = NULL;
    int code =
        sqlite3_prepare_v3(scan->database->handle, scan->run.sql, -1, 0, &scan->run.handle, &tail);

    if (code != SQLITE_OK)
        return idc_sqlite_fail(scan->database, code, scan->run.sql, err);
    if (scan->run.handle == NULL || tail[strspn(tail, " \t\r\n;")] != '\0')
        return idc_fail(err, IDC_BAD_VALUE, "the request is not one statement");
    scan->run.database = scan->database;
    if (idc_arena_on_free(source->arena, finalize, scan->run.handle) != IDC_OK) {
        finalize(scan->run.handle);
        return idc_fail_no_memory(err);
    }
    if (source->relation->native != NULL &&
        (size_t) sqlite3_column_count(scan->run.handle) != source->relation->column_count)
        return idc_fail(err, IDC_BAD_VALUE, "the request has %d columns, where %zu are wanted",
                        sqlite3_column_count(scan->run.handle), source->relation->column_count);
    return IDC_OK;
}

static IdcStatus
open_scan(IdcSourceScan *source, IdcError *err)
{
    Scan *scan = idc_arena_alloc(source->arena, sizeof *scan);
    IdcStatus status;

    if (scan == NULL || idc_arena_on_free(source->arena, free_scratch, &scan->scratch) != IDC_OK)
        return idc_fail_no_memory(err);
    idc_text_init(&scan->scratch, 0);
    source->state = scan;
    scan->run.arena = source->arena;
    scan->is_lenient = idc_sqlite_is_lenient(idc_relation_base(source->relation));
    status = idc_sqlite_for_scan(source, &scan->database, err);
    if (status == IDC_OK)
        status = write_statement(source, scan, err);
    if (status == IDC_OK)
        status = prepare(source, scan, err);
    for (size_t i = 0; status == IDC_OK && i < scan->builder.bind_count; i++)
        status = idc_sqlite_bind(&scan->run, (int) i + 1, &scan->builder.binds[i], err);
    source->stats.requests++;
    return status;
}

/* ---- rows ---- */

static IdcStatus
append_cell(IdcSourceScan *source, IdcBatchBuilder *builder, size_t i, IdcError *err)
{
    Scan *scan = source->state;
    const IdcRelationColumn *column = &source->relation->columns[i];
    IdcSqliteCell cell = idc_sqlite_column_cell(scan->run.handle, (int) i);
    IdcColumn *target = &builder->columns[i];
    IdcValueProblem problem = { 0 };
    const char *table = idc_relation_base(source->relation)->name;

    source->stats.bytes += (int64_t) (cell.bytes == NULL ? sizeof cell.integer : cell.len);
    if (target->offsets != NULL)
        builder->bytes += (int64_t) cell.len;
    switch (idc_sqlite_append(column->type, target, &cell, &scan->scratch, &problem)) {
    case IDC_FITS:
        return IDC_OK;
    case IDC_FITS_NULL:
        return idc_batch_append_other(builder, target, IDC_DECODED, err);
    case IDC_FITS_ARROW:
        return idc_batch_append_other(builder, target, IDC_DECODED_UNREPRESENTABLE, err);
    case IDC_FITS_NO_MEMORY:
        return idc_fail_no_memory(err);
    default:
        if (!scan->is_lenient)
            return idc_sqlite_misfit(table == NULL ? "the request" : table, column->name, &problem,
                                     err);
        source->stats.nulled++;
        return idc_batch_append_other(builder, target, IDC_DECODED, err);
    }
}

static IdcStatus
append_row(IdcSourceScan *source, IdcBatchBuilder *builder, IdcError *err)
{
    IdcStatus status = idc_batch_begin_row(builder, err);

    for (size_t i = 0; status == IDC_OK && i < source->relation->column_count; i++)
        status = append_cell(source, builder, i, err);
    if (status == IDC_OK)
        idc_batch_end_row(builder);
    return status;
}

static IdcStatus
next(IdcSourceScan *source, IdcBatchBuilder *builder, bool *is_end, IdcError *err)
{
    Scan *scan = source->state;
    int64_t until = idc_clock_ms() + PATIENCE_MS;

    while (!idc_batch_is_full(builder)) {
        int code = sqlite3_step(scan->run.handle);
        IdcStatus status;

        if (code == SQLITE_DONE) {
            *is_end = true;
            return IDC_OK;
        }
        if (code != SQLITE_ROW)
            return idc_sqlite_fail(scan->database, code, scan->run.sql, err);
        status = append_row(source, builder, err);
        if (status != IDC_OK)
            return status;
        if (idc_clock_ms() >= until)
            return IDC_OK;
    }
    return IDC_OK;
}

const IdcAdapter idc_adapter_sqlite = {
    .declaration = &idc_declaration_sqlite,
    .open = open_scan,
    .next = next,
    .import = idc_sqlite_import,
    .connect = idc_sqlite_connect,
    .disconnect = idc_sqlite_disconnect,
    .modify = idc_sqlite_modify,
    .finish = idc_sqlite_finish,
};
