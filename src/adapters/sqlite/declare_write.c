/*
 * declare_write.c - which tables of a file can be written, and the statements that write.
 *
 * In:   rows of INSERT, UPDATE and DELETE; or a condition and new values
 * Out:  a statement: of one row, which is run for each; or of all rows that fulfil the condition
 *
 * A row is named by columns of the option key, of types whose values are written in one way only.
 */
#include "adapters/sqlite/sqlite.h"

#include <string.h>

static const char WHY_KEY[] = "an upsert needs other columns than those of the key";
static const char WHY_VALUE[] = "SQLite would not compute a new value as PostgreSQL does";

/* ---- which ---- */

static bool
is_writable(const IdcOptionSet *server_options)
{
    return !idc_adapter_option_bool(&idc_declaration_sqlite, server_options, "read_only");
}

bool
idc_sqlite_is_key(const IdcRelation *table, size_t column)
{
    return idc_adapter_option_bool(&idc_declaration_sqlite, &table->columns[column].options, "key");
}

/* Equal in the hub is equal in the file. */
static bool
names_rows(IdcType type)
{
    IdcSqliteClass class = idc_sqlite_class(type);

    return class == IDC_SQLITE_INTEGER || class == IDC_SQLITE_TEXT || class == IDC_SQLITE_DATE ||
           class == IDC_SQLITE_BLOB || class == IDC_SQLITE_BOOL || type.oid == IDC_TYPE_UUID;
}

unsigned
idc_sqlite_writes(const IdcOptionSet *server_options, const IdcRelation *table)
{
    unsigned kinds = 1U << IDC_INSERT | 1U << IDC_UPDATE_WHERE | 1U << IDC_DELETE_WHERE;
    bool has_key = false, is_good = true;

    if (!is_writable(server_options) || table->native != NULL)
        return 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!idc_sqlite_is_key(table, i))
            continue;
        has_key = true;
        is_good &= names_rows(table->columns[i].type);
    }
    return has_key && is_good ? kinds | 1U << IDC_UPDATE | 1U << IDC_DELETE : kinds;
}

unsigned
idc_sqlite_returns(const IdcOptionSet *server_options, const IdcRelation *table)
{
    (void) table;
    if (!is_writable(server_options))
        return 0;
    return 1U << IDC_INSERT | 1U << IDC_UPDATE | 1U << IDC_DELETE | 1U << IDC_UPDATE_WHERE |
           1U << IDC_DELETE_WHERE;
}

/* + - * of integers fail where PostgreSQL's do: instant_int. */
static bool
is_sum(const IdcExpr *expr)
{
    if (expr->kind == IDC_EXPR_ARITHMETIC) {
        if (expr->op == IDC_DIVIDE || expr->op == IDC_MODULO)
            return false;
        for (size_t i = 0; i < expr->arg_count; i++)
            if (!is_sum(expr->args[i]))
                return false;
        return idc_sqlite_class(expr->type) == IDC_SQLITE_INTEGER;
    }
    return idc_sqlite_class(expr->type) == IDC_SQLITE_INTEGER &&
           (expr->kind == IDC_EXPR_COLUMN || expr->kind == IDC_EXPR_CONSTANT ||
            expr->kind == IDC_EXPR_PARAMETER);
}

static bool
can_set(IdcType to, const IdcExpr *expr, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(to);

    if (expr->kind == IDC_EXPR_CONSTANT || (expr->kind == IDC_EXPR_PARAMETER && !expr->is_list))
        return true;
    *why = WHY_VALUE;
    if (expr->kind == IDC_EXPR_COLUMN)
        return to.modifier < 0 || to.modifier == expr->type.modifier;
    if (class != IDC_SQLITE_INTEGER && class != IDC_SQLITE_BOOL &&
        (class != IDC_SQLITE_TEXT || to.modifier >= 0))
        return false;
    return is_sum(expr) || idc_sqlite_is_exact(expr, why);
}

bool
idc_sqlite_can_modify(const IdcOptionSet *server_options, const IdcModify *modify, const char **why)
{
    const IdcRelation *table = modify->table;
    size_t keys = 0;

    *why = NULL;
    if (!is_writable(server_options))
        return false;
    if (modify->kind == IDC_DELETE_WHERE)
        return true;
    if (modify->kind == IDC_INSERT) {
        for (size_t i = 0; i < table->column_count; i++)
            keys += idc_sqlite_is_key(table, i);
        if (modify->conflict == IDC_CONFLICT_UPDATE && keys == table->column_count)
            *why = WHY_KEY;
        return *why == NULL;
    }
    for (size_t i = 0; i < table->column_count; i++)
        if (!can_set(table->columns[i].type, modify->where->exprs[i], why))
            return false;
    *why = NULL;
    return true;
}

/* ---- statements for one row ---- */

static void
append_name(IdcSql *sql, const IdcRelation *table, size_t column, IdcText *text)
{
    idc_sql_identifier(sql, sql->dialect->column_name(&table->columns[column]), text);
}

static void
append_names(IdcSql *sql, const IdcRelation *table, IdcText *text)
{
    for (size_t i = 0; i < table->column_count; i++) {
        idc_text_append(text, i == 0 ? "" : ", ");
        append_name(sql, table, i, text);
    }
}

/* All columns that do not name the row. */
static void
append_upsert(IdcSql *sql, const IdcRelation *table, IdcText *text)
{
    const char *before = " ON CONFLICT DO UPDATE SET ";

    for (size_t i = 0; i < table->column_count; i++) {
        if (idc_sqlite_is_key(table, i))
            continue;
        idc_text_append(text, before);
        append_name(sql, table, i, text);
        idc_text_append(text, " = excluded.");
        append_name(sql, table, i, text);
        before = ", ";
    }
}

static void
append_insert(IdcSql *sql, const IdcModify *modify, IdcText *text)
{
    const IdcRelation *table = modify->table;

    idc_text_append(text, "INSERT INTO ");
    sql->dialect->table(sql, table, text);
    idc_text_append(text, " (");
    append_names(sql, table, text);
    idc_text_append(text, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        idc_text_append_format(text, "%s?%zu", i == 0 ? "" : ", ", i + 1);
    idc_text_append_char(text, ')');
    if (modify->conflict == IDC_CONFLICT_NOTHING)
        idc_text_append(text, " ON CONFLICT DO NOTHING");
    else if (modify->conflict == IDC_CONFLICT_UPDATE)
        append_upsert(sql, table, text);
}

/* A UUID is 36 letters, of any case, or a BLOB (the parameters after the row's). */
static void
append_key(IdcSql *sql, const IdcRelation *table, size_t column, IdcText *text)
{
    IdcType type = table->columns[column].type;
    bool is_text = idc_sqlite_class(type) == IDC_SQLITE_TEXT;

    if (type.oid == IDC_TYPE_UUID)
        idc_text_append_char(text, '(');
    append_name(sql, table, column, text);
    idc_text_append_format(text, " IS ?%zu%s", column + 1, is_text ? " COLLATE BINARY" : "");
    if (type.oid == IDC_TYPE_UUID) {
        idc_text_append(text, " COLLATE NOCASE OR ");
        append_name(sql, table, column, text);
        idc_text_append_format(text, " = ?%zu)", table->column_count + column + 1);
    }
}

static void
append_keys(IdcSql *sql, const IdcModify *modify, IdcText *text)
{
    for (size_t i = 0; i < modify->key_count; i++) {
        idc_text_append(text, i == 0 ? " WHERE " : " AND ");
        append_key(sql, modify->table, i, text);
    }
}

static void
append_update(IdcSql *sql, const IdcModify *modify, IdcText *text)
{
    const IdcRelation *table = modify->table;

    idc_text_append(text, "UPDATE ");
    sql->dialect->table(sql, table, text);
    for (size_t i = modify->key_count; i < table->column_count; i++) {
        idc_text_append(text, i == modify->key_count ? " SET " : ", ");
        append_name(sql, table, i, text);
        idc_text_append_format(text, " = ?%zu", i + 1);
    }
    append_keys(sql, modify, text);
}

/* ---- statements for all rows that fulfil a condition ---- */

static void
append_new_value(IdcSql *sql, const IdcModify *modify, size_t i, const IdcSqlColumn *input,
                 size_t *new_values, IdcText *text)
{
    const IdcExpr *expr = modify->where->exprs[i];

    append_name(sql, modify->table, i, text);
    idc_text_append(text, " = ");
    if (!sql->is_explain)
        idc_text_append(text, "instant_store(");
    if (expr->kind == IDC_EXPR_CONSTANT && !sql->is_explain) {
        IdcSqlBind bind = { .type = modify->table->columns[i].type, .text = expr->text };

        idc_sql_bind(sql, &bind, text);
        new_values[i] = sql->bind_count;
    } else {
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
    }
    if (!sql->is_explain)
        idc_text_append_format(text, ", %zu)", i);
}

static IdcStatus
append_where(IdcSql *sql, const IdcModify *modify, size_t *new_values, IdcText *text, IdcError *err)
{
    bool is_update = modify->kind == IDC_UPDATE_WHERE;
    IdcSqlParts parts;
    IdcStatus status =
        idc_sql_parts(sql, is_update ? modify->where->input : modify->where, &parts, err);

    if (status != IDC_OK)
        return status;
    idc_text_append(text, is_update ? "UPDATE " : "DELETE FROM ");
    idc_text_append(text, parts.from);
    for (size_t i = 0; is_update && i < modify->table->column_count; i++) {
        idc_text_append(text, i == 0 ? " SET " : ", ");
        append_new_value(sql, modify, i, parts.columns, new_values, text);
    }
    if (parts.where != NULL)
        idc_text_append_format(text, " WHERE %s", parts.where);
    return sql->is_broken ? idc_fail_no_memory(err) : IDC_OK;
}

IdcStatus
idc_sqlite_write_statement(IdcSql *sql, const IdcModify *modify, size_t *new_values, IdcText *text,
                           IdcError *err)
{
    IdcStatus status = IDC_OK;

    switch (modify->kind) {
    case IDC_INSERT:
        append_insert(sql, modify, text);
        break;
    case IDC_UPDATE:
        append_update(sql, modify, text);
        break;
    case IDC_DELETE:
        idc_text_append(text, "DELETE FROM ");
        sql->dialect->table(sql, modify->table, text);
        append_keys(sql, modify, text);
        break;
    default:
        status = append_where(sql, modify, new_values, text, err);
        break;
    }
    if (status != IDC_OK || modify->returning == NULL)
        return status;
    idc_text_append(text, " RETURNING ");
    append_names(sql, modify->returning, text);
    return idc_text_check(text, err);
}

void
idc_sqlite_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                          IdcText *text)
{
    IdcSql sql = { .dialect = &idc_sqlite_dialect, .arena = idc_arena_new(0), .is_explain = true };

    (void) server_options;
    if (sql.arena == NULL || idc_sqlite_write_statement(&sql, modify, NULL, text, NULL) != IDC_OK)
        text->is_broken = true;
    idc_arena_free(sql.arena);
}
