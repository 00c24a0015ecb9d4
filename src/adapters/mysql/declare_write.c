/*
 * declare_write.c - what can be written, and the statement of a write for people.
 */
#include "adapters/mysql/mysql.h"

#include <string.h>

static bool
column_bool(const IdcRelation *table, size_t column, const char *name)
{
    const char *text = idc_option_value(&table->columns[column].options, name);
    bool value = false;

    return text != NULL && idc_bool_parse(text, &value) && value;
}

bool
idc_mysql_is_declared_key(const IdcRelation *table, size_t column)
{
    return column_bool(table, column, "key");
}

static bool
has_declared_key(const IdcRelation *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (idc_mysql_is_declared_key(table, i))
            return true;
    return false;
}

/* Where no column says that it is: the first one, as mysql_fdw has it. */
bool
idc_mysql_is_key(const IdcRelation *table, size_t column)
{
    return has_declared_key(table) ? idc_mysql_is_declared_key(table, column) : column == 0;
}

unsigned
idc_mysql_writes(const IdcOptionSet *server_options, const IdcRelation *table)
{
    unsigned kinds = 1U << IDC_INSERT | 1U << IDC_UPDATE_WHERE | 1U << IDC_DELETE_WHERE;

    (void) server_options;
    if (table->column_count > 0)
        kinds |= 1U << IDC_UPDATE | 1U << IDC_DELETE;
    return kinds;
}

/* A row is found again by its key, if the server cannot tell itself. */
unsigned
idc_mysql_returns(const IdcOptionSet *server_options, const IdcRelation *table)
{
    (void) server_options;
    (void) table;
    return 1U << IDC_INSERT | 1U << IDC_UPDATE | 1U << IDC_DELETE;
}

/* ---- one statement for many rows ---- */

static const char WHY_ORDER[] =
    "MySQL sets one column after the other, and these need each other's "
    "old values";
static const char WHY_REMOTE[] =
    "what MySQL computes is written only where option remote_type says "
    "that the column keeps it as it is";
static const char WHY_CLASS[] = "MySQL would convert the value in its own way";

bool
idc_mysql_keeps_computed(IdcType type, const IdcMysqlRemote *remote)
{
    switch (idc_mysql_class(type)) {
    case IDC_MYSQL_CLASS_INTEGER:
        return remote->kind == IDC_MYSQL_INTEGER;
    case IDC_MYSQL_CLASS_NUMERIC:
        return remote->kind == IDC_MYSQL_DECIMAL;
    case IDC_MYSQL_CLASS_DOUBLE:
        return remote->kind == IDC_MYSQL_DOUBLE;
    case IDC_MYSQL_CLASS_TEXT:
        return remote->kind == IDC_MYSQL_TEXT;
    default:
        return false;
    }
}

/* A column of `where`'s table, other than its own, that the value of target i is computed of. */
typedef struct Uses {
    const char *name;
    const IdcRelation *input;
    bool does;
} Uses;

static bool
look_for_column(const IdcExpr *expr, void *argument)
{
    Uses *uses = argument;

    if (expr->kind == IDC_EXPR_COLUMN &&
        strcmp(uses->input->columns[expr->index].name, uses->name) == 0)
        uses->does = true;
    return !uses->does;
}

static bool
does_use(const IdcModify *modify, size_t i, const char *column)
{
    Uses uses = { .name = column, .input = modify->where->input };

    idc_expr_walk(modify->where->exprs[i], look_for_column, &uses);
    return uses.does;
}

/* The next column to set: one whose old value no other that is left needs. False: there is none. */
static bool
next_to_set(const IdcModify *modify, const bool *is_set, size_t *next)
{
    const IdcRelation *table = modify->table;

    for (size_t i = 0; i < table->column_count; i++) {
        bool is_needed = is_set[i];

        for (size_t j = 0; j < table->column_count && !is_needed; j++)
            is_needed = j != i && !is_set[j] && does_use(modify, j, table->columns[i].name);
        if (!is_needed) {
            *next = i;
            return true;
        }
    }
    return false;
}

static bool
has_order(const IdcModify *modify)
{
    IdcArena *arena = idc_arena_new(0);
    bool *is_set = arena == NULL ? NULL : idc_arena_alloc(arena, modify->table->column_count + 1);
    bool is_good = is_set != NULL;

    for (size_t i = 0, next = 0; is_good && i < modify->table->column_count; i++) {
        is_good = next_to_set(modify, is_set, &next);
        is_set[next] = true;
    }
    idc_arena_free(arena);
    return is_good;
}

static bool
can_update(const IdcModify *modify, const char **why)
{
    const IdcRelation *where = modify->where;

    for (size_t i = 0; i < where->expr_count; i++) {
        const IdcExpr *expr = where->exprs[i];
        IdcMysqlRemote remote;

        if (idc_expr_is_value(expr))
            continue;
        if (!idc_mysql_remote_of_options(&modify->table->columns[i], &remote))
            return idc_sql_refuse(why, WHY_REMOTE);
        if (!idc_mysql_keeps_computed(modify->table->columns[i].type, &remote))
            return idc_sql_refuse(why, WHY_CLASS);
        if (expr->kind != IDC_EXPR_COLUMN && (!idc_mysql_is_exact(expr, where->input, why) ||
                                              !idc_mysql_can_show(expr, where->input, why)))
            return false;
    }
    return has_order(modify) || idc_sql_refuse(why, WHY_ORDER);
}

/* ON DUPLICATE KEY UPDATE means any unique key. */
bool
idc_mysql_can_modify(const IdcOptionSet *server_options, const IdcModify *modify, const char **why)
{
    (void) server_options;
    *why = NULL;
    return modify->kind == IDC_UPDATE_WHERE ? can_update(modify, why)
                                            : modify->kind != IDC_TRUNCATE;
}

/* ---- statements ---- */

/* Bytes would get into a column of another charset as they are. */
static void
append_computed(const IdcSqlColumn *column, IdcText *text)
{
    if (column->form == IDC_MYSQL_FORM_BYTES)
        idc_text_append_format(text, "CONVERT(%s USING utf8mb4)", column->sql);
    else
        idc_text_append(text, column->sql);
}

static void
append_sets(IdcSql *sql, const IdcModify *modify, const IdcSqlParts *parts,
            const IdcMysqlSetValue *values, IdcText *text)
{
    bool *is_set = idc_arena_alloc(sql->arena, modify->table->column_count + 1);

    if (is_set == NULL) {
        text->is_broken = true;
        return;
    }
    for (size_t i = 0, next = 0; i < modify->table->column_count; i++) {
        const IdcExpr *expr;

        if (!next_to_set(modify, is_set, &next)) {
            idc_sql_fail(sql, "0A000", "%s", WHY_ORDER);
            return;
        }
        is_set[next] = true;
        expr = modify->where->exprs[next];
        idc_text_append(text, i == 0 ? " SET t1." : ", t1.");
        idc_sql_identifier(sql, sql->dialect->column_name(&modify->table->columns[next]), text);
        idc_text_append(text, " = ");
        if (values != NULL && expr->kind == IDC_EXPR_CONSTANT)
            values->append(values->host, next, expr, text);
        else if (idc_expr_is_value(expr))
            idc_sql_constant(sql, expr, text);
        else
            append_computed(&parts->columns[next], text);
    }
}

IdcStatus
idc_mysql_write_direct(IdcSql *sql, const IdcModify *modify, const IdcMysqlSetValue *values,
                       IdcText *text, IdcError *err)
{
    IdcSqlParts parts;
    IdcStatus status = idc_sql_parts(sql, modify->where, &parts, err);

    if (status != IDC_OK)
        return status;
    /* The forms for several tables: the others know no alias in older servers. */
    idc_text_append(text, modify->kind == IDC_DELETE_WHERE ? "DELETE t1 FROM " : "UPDATE ");
    idc_text_append(text, parts.from);
    if (modify->kind == IDC_UPDATE_WHERE)
        append_sets(sql, modify, &parts, values, text);
    if (parts.where != NULL)
        idc_text_append_format(text, " WHERE %s", parts.where);
    if (sql->status != IDC_OK && err != NULL)
        *err = sql->err;
    return sql->status != IDC_OK ? sql->status : idc_text_check(text, err);
}

static void
append_names(const IdcSql *sql, const IdcRelation *table, size_t from, const char *after,
             const char *between, IdcText *text)
{
    for (size_t i = from; i < table->column_count; i++) {
        idc_text_append(text, i == from ? "" : between);
        idc_sql_identifier(sql, sql->dialect->column_name(&table->columns[i]), text);
        idc_text_append(text, after);
    }
}

static void
append_keys(const IdcSql *sql, const IdcModify *modify, IdcText *text)
{
    for (size_t i = 0; i < modify->key_count; i++) {
        idc_text_append(text, i == 0 ? " WHERE " : " AND ");
        idc_sql_identifier(sql, sql->dialect->column_name(&modify->table->columns[i]), text);
        idc_text_append(text, " = ?");
    }
}

/* As for one row. */
static void
append_rows_statement(const IdcSql *sql, const IdcModify *modify, IdcText *text)
{
    const IdcRelation *table = modify->table;

    idc_text_append(text, modify->kind == IDC_INSERT   ? "INSERT INTO "
                          : modify->kind == IDC_UPDATE ? "UPDATE "
                                                       : "DELETE FROM ");
    sql->dialect->table(sql, table, text);
    if (modify->kind == IDC_INSERT) {
        idc_text_append(text, " (");
        append_names(sql, table, 0, "", ", ", text);
        idc_text_append(text, ") VALUES (");
        for (size_t i = 0; i < table->column_count; i++)
            idc_text_append(text, i == 0 ? "?" : ", ?");
        idc_text_append(
            text, modify->conflict == IDC_CONFLICT_ERROR ? ")" : ") ON DUPLICATE KEY UPDATE …");
        return;
    }
    if (modify->kind == IDC_UPDATE) {
        idc_text_append(text, " SET ");
        append_names(sql, table, modify->key_count, " = ?", ", ", text);
    }
    append_keys(sql, modify, text);
}

void
idc_mysql_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify, IdcText *text)
{
    IdcSql sql = { .dialect = &idc_mysql_dialect, .arena = idc_arena_new(0), .is_explain = true };
    IdcError err;

    (void) server_options;
    if (sql.arena == NULL)
        text->is_broken = true;
    else if (modify->kind != IDC_UPDATE_WHERE && modify->kind != IDC_DELETE_WHERE)
        append_rows_statement(&sql, modify, text);
    else if (idc_mysql_write_direct(&sql, modify, NULL, text, &err) != IDC_OK)
        idc_text_append_format(text, "(an error: %s)", err.message);
    idc_arena_free(sql.arena);
}
