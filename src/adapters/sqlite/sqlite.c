/*
 * sqlite.c - the adapter sqlite: a relation as a statement, its rows in batches.
 *
 * A scan has a connection of its own: opening one costs less than the first page.
 */
#include "adapters/sqlite/work.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arrow/decode.h"

/* Rows that are there go on their way when the next ones let wait so long. */
enum { PATIENCE_MS = 100 };

typedef struct Scan {
    IdcSqliteDatabase *database;
    sqlite3_stmt *statement;
    const char *sql;
    IdcText scratch;
    bool is_lenient; /* of all tables */
    IdcSql builder;
} Scan;

static bool
table_is_lenient(const IdcRelation *scan)
{
    const char *word = idc_adapter_option_text(&idc_declaration_sqlite, &scan->options, "on_error");

    return word != NULL && strcmp(word, "null") == 0;
}

/* ---- the statement ---- */

/* https://www.sqlite.org/datatype3.html, 3.1: by the declared type; NULL is a BLOB's. */
static bool
has_numeric_affinity(const char *declared)
{
    static const char *const not_numeric[] = { "CHAR", "CLOB", "TEXT", "BLOB" };

    if (declared == NULL || declared[0] == '\0')
        return false;
    if (strcasestr(declared, "INT") != NULL)
        return true;
    for (size_t i = 0; i < sizeof not_numeric / sizeof not_numeric[0]; i++)
        if (strcasestr(declared, not_numeric[i]) != NULL)
            return false;
    return true;
}

/* A column of numeric affinity turns what it is compared with into a number. */
static bool
compares_as_number(IdcSqliteDatabase *database, const IdcSqlRaw *raw)
{
    const char *table = idc_option_value(&raw->scan->options, "table");
    const char *column = idc_option_value(&raw->column->options, "column");
    const char *declared = NULL;
    int code;

    code = sqlite3_table_column_metadata(
        database->handle, NULL, table == NULL ? raw->scan->name : table,
        column == NULL ? raw->column->name : column, &declared, NULL, NULL, NULL, NULL);
    /* Views have no such columns: who knows. */
    return code != SQLITE_OK || has_numeric_affinity(declared);
}

static bool
is_textual(IdcType type)
{
    switch (idc_sqlite_class(type)) {
    case IDC_SQLITE_BOOL:
    case IDC_SQLITE_INTEGER:
    case IDC_SQLITE_REAL:
        return false;
    default:
        return true;
    }
}

static void
look_at_raw(void *host, IdcSqlRaw *raw)
{
    Scan *scan = host;

    raw->is_wrapped = table_is_lenient(raw->scan) ||
                      (is_textual(raw->column->type) && compares_as_number(scan->database, raw));
}

static IdcStatus
make_forms(IdcArena *arena, Scan *scan, IdcError *err)
{
    const IdcSql *sql = &scan->builder;
    IdcSqliteForm *forms = idc_arena_alloc_array(arena, sql->raw_count + 1, sizeof *forms);

    if (forms == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < sql->raw_count; i++) {
        const IdcSqlRaw *raw = &sql->raws[i];
        IdcColumnSpec spec = { 0 };

        idc_type_column(raw->column->type, &spec);
        forms[i] = (IdcSqliteForm){ .type = raw->column->type,
                                    .kind = spec.kind,
                                    .column = raw->column->name,
                                    .table = raw->scan->name,
                                    .is_lenient = table_is_lenient(raw->scan) };
    }
    scan->database->forms = forms;
    scan->database->form_count = sql->raw_count;
    return IDC_OK;
}

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

/* ---- parameters ---- */

static IdcStatus
fail_list(IdcError *err)
{
    return idc_fail(err, IDC_BAD_VALUE, "a value of a list is not of its type");
}

/* The constants as a JSON array; NULLs are its nulls. */
static IdcStatus
list_text(Scan *scan, const IdcSqlBind *bind, IdcText *json, IdcError *err)
{
    IdcSqliteClass class = idc_sqlite_class(bind->type);

    idc_text_append_char(json, '[');
    for (size_t i = 0; i < bind->list_count; i++) {
        const char *text = bind->list[i]->text;
        int64_t number;

        if (i > 0)
            idc_text_append_char(json, ',');
        if (text != NULL && class == IDC_SQLITE_INTEGER && !idc_int64_parse(text, &number))
            return fail_list(err);
        if (text != NULL && class == IDC_SQLITE_DATE)
            text = idc_sqlite_day_bound(scan->builder.arena, text);
        if (text == NULL)
            idc_text_append(json, "null");
        else if (class == IDC_SQLITE_INTEGER)
            idc_text_append(json, text);
        else
            idc_text_append_json(json, text, strlen(text));
    }
    idc_text_append_char(json, ']');
    return idc_text_check(json, err);
}

static int
bind_text(const Scan *scan, int number, const char *text)
{
    return sqlite3_bind_text64(scan->statement, number, text, strlen(text), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
}

static IdcStatus
bind_list(Scan *scan, int number, const IdcSqlBind *bind, int *code, IdcError *err)
{
    IdcText json;
    IdcStatus status;

    idc_text_init(&json, 0);
    status = list_text(scan, bind, &json, err);
    if (status == IDC_OK)
        *code = bind_text(scan, number, json.data);
    idc_text_done(&json);
    return status;
}

/* bytea as the hub writes it: \x and two digits a byte. */
static int
bind_blob(Scan *scan, int number, const char *text)
{
    size_t len = strlen(text) >= 2 ? (strlen(text) - 2) / 2 : 0;
    unsigned char *bytes = idc_arena_alloc(scan->builder.arena, len + 1);

    if (bytes == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < len; i++) {
        char digits[3] = { text[2 + 2 * i], text[3 + 2 * i], '\0' };

        bytes[i] = (unsigned char) strtoul(digits, NULL, 16);
    }
    return sqlite3_bind_blob64(scan->statement, number, bytes, len, SQLITE_STATIC);
}

static int
bind_integer(const Scan *scan, int number, const char *text)
{
    int64_t value;

    if (!idc_int64_parse(text, &value))
        return SQLITE_MISMATCH;
    return sqlite3_bind_int64(scan->statement, number, value);
}

/* NaN is above all numbers, and so is every text. */
static int
bind_real(const Scan *scan, int number, const char *text)
{
    if (strcasecmp(text, "NaN") == 0)
        return bind_text(scan, number, text);
    return sqlite3_bind_double(scan->statement, number, strtod(text, NULL));
}

static IdcStatus
bind_one(Scan *scan, int number, const IdcSqlBind *bind, IdcError *err)
{
    const char *text = bind->text;
    int code = SQLITE_OK;
    IdcStatus status = IDC_OK;

    switch (idc_sqlite_class(bind->type)) {
    case IDC_SQLITE_BOOL:
        code = sqlite3_bind_int(scan->statement, number, text[0] == 't');
        break;
    case IDC_SQLITE_INTEGER:
        if (bind->list != NULL)
            status = bind_list(scan, number, bind, &code, err);
        else
            code = bind_integer(scan, number, text);
        break;
    case IDC_SQLITE_REAL:
        code = bind_real(scan, number, text);
        break;
    case IDC_SQLITE_BLOB:
        code = bind_blob(scan, number, text);
        break;
    default:
        if (bind->list != NULL)
            status = bind_list(scan, number, bind, &code, err);
        else if (bind->type.oid != IDC_TYPE_DATE)
            code = bind_text(scan, number, text);
        else if ((text = idc_sqlite_day_bound(scan->builder.arena, text)) == NULL)
            code = SQLITE_NOMEM;
        else
            code = bind_text(scan, number, text);
        break;
    }
    if (status == IDC_OK && code != SQLITE_OK)
        status = idc_sqlite_fail(scan->database, code, scan->sql, err);
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
        scan->sql = source->relation->native;
        return IDC_OK;
    }
    status = check_patterns(source->relation, err);
    if (status != IDC_OK)
        return status;
    scan->builder = (IdcSql){
        .dialect = &idc_sqlite_dialect, .arena = source->arena, .on_raw = look_at_raw, .host = scan
    };
    status = idc_sql_write(&scan->builder, source->relation, &scan->sql, &columns, err);
    return status == IDC_OK ? make_forms(source->arena, scan, err) : status;
}

static IdcStatus
prepare(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    const char *tail = NULL;
    int code =
        sqlite3_prepare_v3(scan->database->handle, scan->sql, -1, 0, &scan->statement, &tail);

    if (code != SQLITE_OK)
        return idc_sqlite_fail(scan->database, code, scan->sql, err);
    if (scan->statement == NULL || tail[strspn(tail, " \t\r\n;")] != '\0')
        return idc_fail(err, IDC_BAD_VALUE, "the request is not one statement");
    if (idc_arena_on_free(source->arena, finalize, scan->statement) != IDC_OK) {
        finalize(scan->statement);
        return idc_fail_no_memory(err);
    }
    if (source->relation->native != NULL &&
        (size_t) sqlite3_column_count(scan->statement) != source->relation->column_count)
        return idc_fail(err, IDC_BAD_VALUE, "the request has %d columns, where %zu are wanted",
                        sqlite3_column_count(scan->statement), source->relation->column_count);
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
    scan->is_lenient = table_is_lenient(idc_relation_base(source->relation));
    status = idc_sqlite_open(source->arena, source->server, source->call, &source->stats,
                             &scan->database, err);
    if (status == IDC_OK)
        status = write_statement(source, scan, err);
    if (status == IDC_OK)
        status = idc_sqlite_restrict(scan->database, err);
    if (status == IDC_OK)
        status = prepare(source, scan, err);
    for (size_t i = 0; status == IDC_OK && i < scan->builder.bind_count; i++)
        status = bind_one(scan, (int) i + 1, &scan->builder.binds[i], err);
    source->stats.requests++;
    return status;
}

/* ---- rows ---- */

static IdcStatus
append_cell(IdcSourceScan *source, IdcBatchBuilder *builder, size_t i, IdcError *err)
{
    Scan *scan = source->state;
    const IdcRelationColumn *column = &source->relation->columns[i];
    IdcSqliteCell cell = idc_sqlite_column_cell(scan->statement, (int) i);
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
        int code = sqlite3_step(scan->statement);
        IdcStatus status;

        if (code == SQLITE_DONE) {
            *is_end = true;
            return IDC_OK;
        }
        if (code != SQLITE_ROW)
            return idc_sqlite_fail(scan->database, code, scan->sql, err);
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
};
