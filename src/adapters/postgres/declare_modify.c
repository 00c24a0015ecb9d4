/*
 * declare_modify.c - what can be written, and how it is said.
 *
 * Values stand in statements as literals without a type, so that each is read as its column's type
 * there, whatever that is.
 */
#include "adapters/postgres/postgres.h"

#include <string.h>

/* ---- what can be written ---- */

bool
idc_postgres_is_key(const IdcRelation *table, size_t column)
{
    const char *text = idc_option_value(&table->columns[column].options, "key");
    bool is_key = false;

    return text != NULL && idc_bool_parse(text, &is_key) && is_key;
}

static bool
has_key(const IdcRelation *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (idc_postgres_is_key(table, i))
            return true;
    return false;
}

static bool
is_truncatable(const IdcOptionSet *server_options, const IdcRelation *table)
{
    const char *text = idc_option_value(&table->options, "truncatable");
    bool value = true;

    if (text == NULL)
        text = idc_option_value(server_options, "truncatable");
    return text == NULL || !idc_bool_parse(text, &value) || value;
}

unsigned
idc_postgres_writes(const IdcOptionSet *server_options, const IdcRelation *table)
{
    unsigned kinds = 1U << IDC_INSERT | 1U << IDC_UPDATE | 1U << IDC_DELETE |
                     1U << IDC_UPDATE_WHERE | 1U << IDC_DELETE_WHERE;

    if (is_truncatable(server_options, table))
        kinds |= 1U << IDC_TRUNCATE;
    return kinds;
}

unsigned
idc_postgres_returns(const IdcOptionSet *server_options, const IdcRelation *table)
{
    (void) server_options;
    (void) table;
    return 1U << IDC_INSERT | 1U << IDC_UPDATE | 1U << IDC_DELETE | 1U << IDC_UPDATE_WHERE |
           1U << IDC_DELETE_WHERE;
}

bool
idc_postgres_can_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                        const char **why)
{
    IdcPushQuestion question = { .server_options = server_options,
                                 .relation = modify->where,
                                 .is_exact_below = true };

    switch (modify->kind) {
    case IDC_INSERT:
        if (modify->conflict != IDC_CONFLICT_UPDATE || has_key(modify->table))
            return true;
        *why = "no column of the key is written";
        return false;
    case IDC_UPDATE_WHERE:
        return idc_postgres_can_push(&question, why) == IDC_PUSH_EXACT;
    default:
        return true;
    }
}

/* ---- statements ---- */

static void
append_column(const IdcRelation *table, size_t i, IdcText *text)
{
    idc_sql_quote('"', idc_postgres_column_name(&table->columns[i]), text);
}

static void
append_value(const char *value, IdcText *text)
{
    if (value == NULL)
        idc_text_append(text, "NULL");
    else
        idc_sql_literal(value, text);
}

/* Of a row; or "$3" for people, who get no values. */
static void
append_cell(const char *const *row, size_t i, IdcText *text)
{
    if (row == NULL)
        idc_text_append_format(text, "$%zu", i + 1);
    else
        append_value(row[i], text);
}

static void
append_returning(const IdcModify *modify, IdcText *text)
{
    const IdcRelation *returning = modify->returning;

    for (size_t i = 0; returning != NULL && i < returning->column_count; i++) {
        idc_text_append(text, i == 0 ? " RETURNING t1." : ", t1.");
        append_column(returning, i, text);
    }
}

/* (id = '1' AND day = '2024-01-01') */
static void
append_key(const IdcModify *modify, const char *const *row, IdcText *text)
{
    for (size_t i = 0; i < modify->key_count; i++) {
        idc_text_append(text, i == 0 ? " WHERE t1." : " AND t1.");
        append_column(modify->table, i, text);
        idc_text_append(text, " = ");
        append_cell(row, i, text);
    }
}

static void
append_conflict(const IdcModify *modify, IdcText *text)
{
    const IdcRelation *table = modify->table;
    bool is_first = true;

    if (modify->conflict == IDC_CONFLICT_ERROR)
        return;
    idc_text_append(text, " ON CONFLICT");
    for (size_t i = 0; modify->conflict == IDC_CONFLICT_UPDATE && i < table->column_count; i++)
        if (idc_postgres_is_key(table, i)) {
            idc_text_append(text, is_first ? " (" : ", ");
            append_column(table, i, text);
            is_first = false;
        }
    idc_text_append(text, is_first ? " DO" : ") DO");
    is_first = true;
    for (size_t i = 0; modify->conflict == IDC_CONFLICT_UPDATE && i < table->column_count; i++)
        if (!idc_postgres_is_key(table, i)) {
            idc_text_append(text, is_first ? " UPDATE SET " : ", ");
            append_column(table, i, text);
            idc_text_append(text, " = EXCLUDED.");
            append_column(table, i, text);
            is_first = false;
        }
    idc_text_append(text, is_first ? " NOTHING" : "");
}

void
idc_postgres_append_columns(const IdcRelation *table, IdcText *text)
{
    for (size_t i = 0; i < table->column_count; i++) {
        idc_text_append(text, i == 0 ? " (" : ", ");
        append_column(table, i, text);
    }
    idc_text_append_char(text, ')');
}

static void
append_insert(const IdcModify *modify, const char *const *rows, size_t count, IdcText *text)
{
    size_t width = modify->table->column_count;

    idc_text_append(text, "INSERT INTO ");
    idc_postgres_append_table(modify->table, text);
    idc_text_append(text, " AS t1");
    idc_postgres_append_columns(modify->table, text);
    idc_text_append(text, " VALUES ");
    for (size_t row = 0; row < count; row++) {
        idc_text_append(text, row == 0 ? "(" : ", (");
        for (size_t i = 0; i < width; i++) {
            idc_text_append(text, i == 0 ? "" : ", ");
            append_cell(rows == NULL ? NULL : rows + row * width, i, text);
        }
        idc_text_append_char(text, ')');
    }
    append_conflict(modify, text);
    append_returning(modify, text);
}

static void
append_update(const IdcModify *modify, const char *const *row, IdcText *text)
{
    idc_text_append(text, "UPDATE ");
    idc_postgres_append_table(modify->table, text);
    for (size_t i = modify->key_count; i < modify->table->column_count; i++) {
        idc_text_append(text, i == modify->key_count ? " AS t1 SET " : ", ");
        append_column(modify->table, i, text);
        idc_text_append(text, " = ");
        append_cell(row, i, text);
    }
    append_key(modify, row, text);
    append_returning(modify, text);
}

static void
append_delete(const IdcModify *modify, const char *const *row, IdcText *text)
{
    idc_text_append(text, "DELETE FROM ");
    idc_postgres_append_table(modify->table, text);
    idc_text_append(text, " AS t1");
    append_key(modify, row, text);
    append_returning(modify, text);
}

/* One statement for all of them: (a, b) IN (('1', 'x'), …). */
static void
append_delete_all(const IdcModify *modify, const char *const *rows, size_t count, IdcText *text)
{
    size_t width = modify->key_count;

    idc_text_append(text, "DELETE FROM ");
    idc_postgres_append_table(modify->table, text);
    for (size_t i = 0; i < width; i++) {
        idc_text_append(text, i == 0 ? " AS t1 WHERE (t1." : ", t1.");
        append_column(modify->table, i, text);
    }
    idc_text_append(text, ") IN (");
    for (size_t row = 0; row < count; row++) {
        idc_text_append(text, row == 0 ? "(" : ", (");
        for (size_t i = 0; i < width; i++) {
            idc_text_append(text, i == 0 ? "" : ", ");
            append_value(rows[row * width + i], text);
        }
        idc_text_append_char(text, ')');
    }
    idc_text_append_char(text, ')');
}

void
idc_postgres_append_rows(const IdcModify *modify, size_t first, size_t count, IdcText *text)
{
    size_t width = modify->table->column_count;
    const char *const *rows = modify->rows + first * width;

    if (modify->kind == IDC_INSERT) {
        append_insert(modify, rows, count, text);
        return;
    }
    if (modify->kind == IDC_DELETE && modify->returning == NULL) {
        append_delete_all(modify, rows, count, text);
        return;
    }
    for (size_t row = 0; row < count; row++) {
        idc_text_append(text, row == 0 ? "" : "; ");
        if (modify->kind == IDC_UPDATE)
            append_update(modify, rows + row * width, text);
        else
            append_delete(modify, rows + row * width, text);
    }
}

void
idc_postgres_append_truncate(const IdcModify *modify, IdcText *text)
{
    idc_text_append(text, "TRUNCATE ");
    idc_postgres_append_table(modify->table, text);
    for (size_t i = 0; i < modify->also_count; i++) {
        idc_text_append(text, ", ");
        idc_postgres_append_table(modify->also[i], text);
    }
    idc_text_append(text, modify->restarts_identity ? " RESTART IDENTITY" : " CONTINUE IDENTITY");
    idc_text_append(text, modify->is_cascade ? " CASCADE" : " RESTRICT");
}

/* ---- a statement for any number of rows ---- */

/* A constant is read as the column's own type. */
static void
append_new_value(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *column, IdcText *text)
{
    if (expr->kind == IDC_EXPR_CONSTANT)
        append_value(expr->text, text);
    else if (column->raw >= 0)
        sql->dialect->raw(sql, column, IDC_SQL_VALUE, text);
    else
        idc_text_append(text, column->sql);
}

static void
append_where_statement(IdcSql *sql, const IdcModify *modify, const IdcSqlParts *parts,
                       IdcText *text)
{
    if (modify->kind == IDC_DELETE_WHERE) {
        idc_text_append_format(text, "DELETE FROM %s", parts->from);
    } else {
        idc_text_append_format(text, "UPDATE %s", parts->from);
        for (size_t i = 0; i < modify->table->column_count; i++) {
            idc_text_append(text, i == 0 ? " SET " : ", ");
            append_column(modify->table, i, text);
            idc_text_append(text, " = ");
            append_new_value(sql, modify->where->exprs[i], &parts->columns[i], text);
        }
    }
    if (parts->where != NULL)
        idc_text_append_format(text, " WHERE %s", parts->where);
    append_returning(modify, text);
}

IdcStatus
idc_postgres_write_modify(IdcArena *arena, const IdcModify *modify, const IdcPostgresSelect *select,
                          IdcText *text, IdcError *err)
{
    IdcSqlParts parts;
    IdcSql sql;
    IdcStatus status;

    idc_postgres_begin_sql(&sql, arena, select);
    status = idc_sql_parts(&sql, modify->where, &parts, err);
    if (status != IDC_OK)
        return status;
    append_where_statement(&sql, modify, &parts, text);
    return idc_text_check(text, err);
}

/* ---- EXPLAIN ---- */

void
idc_postgres_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                            IdcText *text)
{
    IdcPostgresSelect select = { .is_explain = true };
    IdcArena *arena = idc_arena_new(0);

    (void) server_options;
    switch (modify->kind) {
    case IDC_INSERT:
        append_insert(modify, NULL, 1, text);
        break;
    case IDC_UPDATE:
        append_update(modify, NULL, text);
        break;
    case IDC_DELETE:
        append_delete(modify, NULL, text);
        break;
    case IDC_TRUNCATE:
        idc_postgres_append_truncate(modify, text);
        break;
    default:
        if (arena == NULL ||
            idc_postgres_write_modify(arena, modify, &select, text, NULL) != IDC_OK)
            text->is_broken = true;
        break;
    }
    idc_arena_free(arena);
}
