/*
 * write.c - rows to write, as statements of SQLite.
 *
 * In:   rows of texts; or a condition and new values
 * Out:  how many rows were changed, and those that shall come back
 *
 * A statement for one row is prepared once and run for each: inside of a process that costs less
 * than a longer statement. All is in the hub's transaction (transaction.c), or in one of its own
 * where there is none.
 */
#include "adapters/sqlite/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Write {
    IdcSourceScan *scan;
    const IdcModify *modify;
    IdcSqliteStatement run;
    IdcSql builder;
    IdcSqliteTarget *targets; /* one for each of the table's columns */
    size_t *new_values;       /* see idc_sqlite_write_statement */
    const char **returned;    /* texts of rows that come back */
    size_t returned_count, returned_capacity;
} Write;

/* ---- columns ---- */

static void
look_at_column(Write *write, const IdcRelation *table, size_t i, IdcSqliteTarget *target)
{
    const IdcRelationColumn *column = &table->columns[i];
    const char *name = idc_option_value(&table->options, "table"), *declared = NULL;
    IdcColumnSpec spec = { 0 };

    idc_type_column(column->type, &spec);
    (void) sqlite3_table_column_metadata(
        write->run.database->handle, NULL, name == NULL ? table->name : name,
        idc_sqlite_dialect.column_name(column), &declared, NULL, NULL, NULL, NULL);
    *target =
        (IdcSqliteTarget){ .type = column->type,
                           .kind = spec.kind,
                           .affinity = idc_sqlite_affinity(declared),
                           .is_blob = declared != NULL && strcasestr(declared, "BLOB") != NULL,
                           .column = column->name,
                           .table = table->name };
}

static IdcStatus
look_at_columns(Write *write, IdcError *err)
{
    const IdcRelation *table = write->modify->table;

    write->targets =
        idc_arena_alloc_array(write->scan->arena, table->column_count + 1, sizeof *write->targets);
    if (write->targets == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < table->column_count; i++)
        look_at_column(write, table, i, &write->targets[i]);
    write->run.database->targets = write->targets;
    write->run.database->target_count = table->column_count;
    return IDC_OK;
}

/* ---- values ---- */

static int
hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return (letter | 0x20) - 'a' + 10;
}

/* The digits of text from `from` on, those of a UUID without its dashes. NULL: no memory. */
static const char *
bytes_of_hex(IdcArena *arena, const char *text, size_t from, size_t *len)
{
    char *bytes = idc_arena_alloc(arena, strlen(text) / 2 + 1);
    size_t count = 0;

    for (size_t i = from; bytes != NULL && text[i] != '\0' && text[i + 1] != '\0'; i++) {
        if (text[i] == '-')
            continue;
        bytes[count++] = (char) (hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
        i++;
    }
    *len = count;
    return bytes;
}

static IdcStatus
cell_of_blob(const Write *write, const char *text, size_t from, IdcSqliteCell *cell, IdcError *err)
{
    *cell = (IdcSqliteCell){ .storage = SQLITE_BLOB };
    cell->bytes = bytes_of_hex(write->scan->arena, text, from, &cell->len);
    return cell->bytes == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
fail_value(const IdcSqliteTarget *target, IdcError *err)
{
    return idc_fail(err, IDC_BAD_VALUE, "a value for column \"%s\" is not of its type",
                    target->column);
}

/* As the adapter writes a value of the hub. */
static IdcStatus
cell_of(const Write *write, const IdcSqliteTarget *target, const char *text, IdcSqliteCell *cell,
        IdcError *err)
{
    int64_t integer;

    *cell = (IdcSqliteCell){ .storage = SQLITE_TEXT, .bytes = text, .len = strlen(text) };
    switch (target->kind) {
    case IDC_KIND_BOOL:
        *cell = (IdcSqliteCell){ .storage = SQLITE_INTEGER, .integer = text[0] == 't' };
        return IDC_OK;
    case IDC_KIND_INT16:
    case IDC_KIND_INT32:
    case IDC_KIND_INT64:
    case IDC_KIND_UINT32:
        if (!idc_int64_parse(text, &integer))
            return fail_value(target, err);
        *cell = (IdcSqliteCell){ .storage = SQLITE_INTEGER, .integer = integer };
        return IDC_OK;
    case IDC_KIND_FLOAT32:
    case IDC_KIND_FLOAT64:
        *cell = (IdcSqliteCell){ .storage = SQLITE_FLOAT, .real = strtod(text, NULL) };
        return IDC_OK;
    case IDC_KIND_BYTES:
        return cell_of_blob(write, text, 2, cell, err);
    case IDC_KIND_UUID:
        return target->is_blob ? cell_of_blob(write, text, 0, cell, err) : IDC_OK;
    default:
        return IDC_OK;
    }
}

static IdcStatus
fail_store(const IdcSqliteTarget *target, const IdcValueProblem *problem, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_VALUE,
                    "a value for column \"%s\" of table \"%s\" could not be read again as it was "
                    "written: %s",
                    target->column, target->table, problem->reason);
    idc_error_set_sqlstate(err, problem->sqlstate);
    return IDC_BAD_VALUE;
}

static int
bind_cell(const Write *write, int number, const IdcSqliteCell *cell)
{
    sqlite3_stmt *statement = write->run.handle;

    switch (cell->storage) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(statement, number, cell->integer);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(statement, number, cell->real);
    case SQLITE_BLOB:
        return sqlite3_bind_blob64(statement, number, cell->bytes, cell->len, SQLITE_STATIC);
    default:
        return sqlite3_bind_text64(statement, number, cell->bytes, cell->len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
}

/* is_key: compared, not stored. */
static IdcStatus
bind_value(Write *write, int number, const IdcSqliteTarget *target, const char *text, bool is_key,
           IdcError *err)
{
    IdcSqliteCell cell, stored;
    IdcValueProblem problem = { 0 };
    IdcStatus status;
    int code;

    if (text == NULL) {
        code = sqlite3_bind_null(write->run.handle, number);
        return code == SQLITE_OK ? IDC_OK
                                 : idc_sqlite_fail(write->run.database, code, write->run.sql, err);
    }
    status = cell_of(write, target, text, &cell, err);
    if (status != IDC_OK)
        return status;
    stored = cell;
    if (!is_key) {
        /* SQLite makes NULL of NaN. */
        if (cell.storage == SQLITE_FLOAT && isnan(cell.real)) {
            problem = (IdcValueProblem){ .reason = "SQLite has no NaN", .sqlstate = "22003" };
            return fail_store(target, &problem, err);
        }
        if (idc_sqlite_stores(target, &stored, &problem) == IDC_FITS_NOT)
            return fail_store(target, &problem, err);
    }
    /* What it would become, so that no conversion of SQLite's is counted on. */
    code = bind_cell(write, number, is_key ? &cell : &stored);
    return code == SQLITE_OK ? IDC_OK
                             : idc_sqlite_fail(write->run.database, code, write->run.sql, err);
}

/* ---- rows that come back ---- */

static IdcStatus
keep_text(Write *write, const char *text, IdcError *err)
{
    if (write->returned_count == write->returned_capacity) {
        size_t capacity = 2 * write->returned_capacity + 64;
        const char **grown = idc_arena_alloc_array(write->scan->arena, capacity, sizeof *grown);

        if (grown == NULL)
            return idc_fail_no_memory(err);
        if (write->returned_count > 0)
            memcpy(grown, write->returned, write->returned_count * sizeof *grown);
        write->returned = grown;
        write->returned_capacity = capacity;
    }
    write->returned[write->returned_count++] = text;
    return IDC_OK;
}

static IdcStatus
keep_cell(Write *write, const IdcRelationColumn *column, int number, IdcError *err)
{
    IdcSqliteCell cell = idc_sqlite_column_cell(write->run.handle, number);
    IdcColumnSpec spec = { 0 };
    IdcValueProblem problem = { 0 };
    const char *kept = NULL;
    IdcText text;

    idc_type_column(column->type, &spec);
    switch (idc_sqlite_check(column->type, spec.kind, &cell, &problem)) {
    case IDC_FITS_NULL:
        return keep_text(write, NULL, err);
    case IDC_FITS_NO_MEMORY:
        return idc_fail_no_memory(err);
    case IDC_FITS_NOT:
        return idc_sqlite_misfit(write->modify->table->name, column->name, &problem, err);
    default:
        break;
    }
    idc_text_init(&text, 0);
    idc_sqlite_cell_text(column->type, spec.kind, &cell, &text);
    if (!text.is_broken)
        kept = idc_arena_strndup(write->scan->arena, text.data == NULL ? "" : text.data, text.len);
    idc_text_done(&text);
    return kept == NULL ? idc_fail_no_memory(err) : keep_text(write, kept, err);
}

/* ---- running ---- */

/* To its end; rows are those of RETURNING. */
static IdcStatus
step(Write *write, IdcError *err)
{
    const IdcRelation *returning = write->modify->returning;
    IdcStatus status = IDC_OK;
    int code;

    while ((code = sqlite3_step(write->run.handle)) == SQLITE_ROW && status == IDC_OK)
        for (size_t i = 0; i < returning->column_count && status == IDC_OK; i++)
            status = keep_cell(write, &returning->columns[i], (int) i, err);
    if (status == IDC_OK && code != SQLITE_DONE)
        status = idc_sqlite_fail(write->run.database, code, write->run.sql, err);
    if (status == IDC_OK)
        write->scan->stats.rows += sqlite3_changes64(write->run.database->handle);
    (void) sqlite3_reset(write->run.handle);
    return status;
}

static IdcStatus
bind_row(Write *write, const char *const *row, IdcError *err)
{
    const IdcModify *modify = write->modify;
    size_t width = modify->table->column_count;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < width && status == IDC_OK; i++) {
        const IdcSqliteTarget *target = &write->targets[i];
        IdcSqliteTarget blob = *target;
        bool is_key = i < modify->key_count;

        status = bind_value(write, (int) i + 1, target, row[i], is_key, err);
        if (status != IDC_OK || !is_key || target->kind != IDC_KIND_UUID)
            continue;
        blob.is_blob = true;
        status = bind_value(write, (int) (width + i) + 1, &blob, row[i], true, err);
    }
    return status;
}

static IdcStatus
write_rows(Write *write, IdcError *err)
{
    const IdcModify *modify = write->modify;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < modify->row_count && status == IDC_OK; i++) {
        if (idc_call_is_cancelled(write->scan->call))
            return idc_fail(err, IDC_CANCELED, "the write was closed");
        status = bind_row(write, modify->rows + i * modify->table->column_count, err);
        if (status == IDC_OK)
            status = step(write, err);
    }
    return status;
}

/* Values of the condition, and new ones. */
static IdcStatus
bind_statement(Write *write, IdcError *err)
{
    const IdcRelation *table = write->modify->table;
    size_t column = 0;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < write->builder.bind_count && status == IDC_OK; i++) {
        const IdcSqlBind *bind = &write->builder.binds[i];

        while (column < table->column_count && write->new_values[column] < i + 1)
            column++;
        if (column < table->column_count && write->new_values[column] == i + 1)
            status =
                bind_value(write, (int) i + 1, &write->targets[column], bind->text, false, err);
        else
            status = idc_sqlite_bind(&write->run, (int) i + 1, bind, err);
    }
    return status;
}

static void
finalize(void *statement)
{
    (void) sqlite3_finalize(statement);
}

static IdcStatus
prepare(Write *write, IdcError *err)
{
    const char *sql;
    IdcText text;
    IdcStatus status;
    int code;

    idc_text_init(&text, 0);
    status =
        idc_sqlite_write_statement(&write->builder, write->modify, write->new_values, &text, err);
    if (status == IDC_OK)
        status = idc_text_check(&text, err);
    sql = status == IDC_OK ? idc_arena_strndup(write->scan->arena, text.data, text.len) : NULL;
    idc_text_done(&text);
    if (status == IDC_OK && sql == NULL)
        status = idc_fail_no_memory(err);
    if (status == IDC_OK)
        status = idc_sqlite_make_forms(write->run.database, &write->builder, err);
    if (status != IDC_OK)
        return status;
    write->run.sql = sql;
    code = sqlite3_prepare_v2(write->run.database->handle, sql, -1, &write->run.handle, NULL);
    if (code != SQLITE_OK)
        return idc_sqlite_fail(write->run.database, code, sql, err);
    if (idc_arena_on_free(write->scan->arena, finalize, write->run.handle) != IDC_OK) {
        finalize(write->run.handle);
        return idc_fail_no_memory(err);
    }
    return IDC_OK;
}

static IdcStatus
run(Write *write, IdcError *err)
{
    IdcStatus status = look_at_columns(write, err);

    if (status == IDC_OK)
        status = prepare(write, err);
    if (status != IDC_OK)
        return status;
    write->scan->stats.requests++;
    if (write->modify->kind <= IDC_DELETE)
        return write_rows(write, err);
    status = bind_statement(write, err);
    return status == IDC_OK ? step(write, err) : status;
}

/* Of no transaction of the hub: one for this request. */
static IdcStatus
run_alone(Write *write, IdcError *err)
{
    IdcSqliteDatabase *database = NULL;
    IdcStatus status = idc_sqlite_open(write->scan->arena, write->scan->server, write->scan->call,
                                       &write->scan->stats, true, &database, err);

    if (status == IDC_OK)
        status = idc_sqlite_restrict(database, err);
    if (status != IDC_OK)
        return status;
    write->run.database = database;
    write->builder.host = database;
    database->may_write = true;
    status = idc_sqlite_run(database, "BEGIN IMMEDIATE", err);
    if (status == IDC_OK)
        status = run(write, err);
    if (status == IDC_OK)
        status = idc_sqlite_run(database, "COMMIT", err);
    return status;
}

static IdcStatus
run_in_transaction(Write *write, IdcError *err)
{
    IdcSqliteDatabase *database = NULL;
    IdcStatus status = idc_sqlite_for_write(write->scan, &database, err);

    if (status != IDC_OK)
        return status;
    write->run.database = database;
    write->builder.host = database;
    return run(write, err);
}

IdcStatus
idc_sqlite_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                  IdcError *err)
{
    Write *write = idc_arena_alloc(scan->arena, sizeof *write);
    IdcStatus status;

    if (write != NULL)
        write->new_values = idc_arena_alloc_array(scan->arena, modify->table->column_count + 1,
                                                  sizeof *write->new_values);
    if (write == NULL || write->new_values == NULL)
        return idc_fail_no_memory(err);
    if (idc_sqlite_writes(&scan->server->options, modify->table) == 0) {
        (void) idc_fail(err, IDC_UNSUPPORTED, "the server is read-only");
        idc_error_set_hint(err, "the server's option read_only 'false' allows writes");
        return IDC_UNSUPPORTED;
    }
    write->scan = scan;
    write->modify = modify;
    write->run.arena = scan->arena;
    write->builder = (IdcSql){ .dialect = &idc_sqlite_dialect,
                               .arena = scan->arena,
                               .on_raw = idc_sqlite_look_at_raw };
    status = scan->transaction.id == 0 ? run_alone(write, err) : run_in_transaction(write, err);
    if (status != IDC_OK || modify->returning == NULL)
        return status;
    modified->column_count = modify->returning->column_count;
    modified->row_count = write->returned_count / modified->column_count;
    modified->rows = write->returned;
    return IDC_OK;
}
