/*
 * declare_dialect.c - a relation in PostgreSQL's own words.
 *
 * Constants have their type, so that the source finds the operator that the hub meant: '5'::integer
 * and never 5, which would be a position in GROUP BY and ORDER BY too.
 */
#include "adapters/postgres/postgres.h"

#include <string.h>

/* ---- types ---- */

static bool
is_text(uint32_t oid)
{
    return oid == IDC_TYPE_TEXT || oid == IDC_TYPE_VARCHAR;
}

/* Types that have a collation. */
static bool
is_collated(uint32_t oid)
{
    return is_text(oid) || oid == IDC_TYPE_BPCHAR || oid == IDC_TYPE_NAME || oid == IDC_TYPE_OTHER;
}

/* The name of a type whose values travel as texts only is text. */
static const char *
type_name(IdcArena *arena, IdcType type)
{
    const char *name = type.oid == IDC_TYPE_OTHER ? "text" : idc_type_name(arena, type);

    return name == NULL ? "" : name;
}

/* Without its modifier: a conversion to it neither cuts nor rounds. */
static const char *
bare_type_name(IdcArena *arena, IdcType type)
{
    return type_name(arena, (IdcType){ type.oid, -1 });
}

bool
idc_postgres_is_wrapped(IdcType type, const IdcPostgresColumn *column)
{
    if (type.oid == IDC_TYPE_OTHER)
        return false;
    if (is_text(type.oid) && is_text(column->oid))
        return !column->is_deterministic;
    if (type.oid != column->oid || (is_collated(type.oid) && !column->is_deterministic))
        return true;
    return !is_collated(type.oid) && type.modifier != -1 && type.modifier != column->modifier;
}

/* ---- tables and columns ---- */

void
idc_postgres_append_table(const IdcRelation *scan, IdcText *text)
{
    idc_sql_quote('"', idc_postgres_schema(scan), text);
    idc_text_append_char(text, '.');
    idc_sql_quote('"', idc_postgres_table(scan), text);
}

static const IdcPostgresSelect *
select_of(const IdcSql *sql)
{
    return sql->host;
}

/* Its columns have the hub's names, by position. */
static void
append_native(const IdcRelation *scan, IdcText *text)
{
    idc_text_append_format(text, "(SELECT * FROM (%s\n) AS n", scan->native);
    for (size_t i = 0; i < scan->column_count; i++) {
        idc_text_append(text, i == 0 ? "(" : ", ");
        idc_sql_quote('"', idc_postgres_column_name(&scan->columns[i]), text);
    }
    idc_text_append(text, scan->column_count == 0 ? ")" : "))");
}

/* Only its own columns: there may be others that this role may not read. */
static void
append_slice(const IdcRelation *scan, const char *slice, IdcText *text)
{
    idc_text_append(text, "(SELECT");
    for (size_t i = 0; i < scan->column_count; i++) {
        idc_text_append(text, i == 0 ? " " : ", ");
        idc_sql_quote('"', idc_postgres_column_name(&scan->columns[i]), text);
    }
    idc_text_append(text, " FROM ");
    idc_postgres_append_table(scan, text);
    idc_text_append_format(text, " WHERE %s)", slice);
}

static void
append_table(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    const char *slice = select_of(sql)->slice;

    if (scan->native != NULL) {
        append_native(scan, text);
    } else if (slice == NULL) {
        idc_postgres_append_table(scan, text);
    } else {
        append_slice(scan, slice, text);
    }
}

static void
look_at(void *host, IdcSqlRaw *raw)
{
    const IdcPostgresSelect *select = host;
    const IdcPostgresColumn *column;

    if (select->look == NULL)
        return;
    column = select->look(select->host, raw->scan, raw->column);
    raw->is_wrapped = column != NULL && idc_postgres_is_wrapped(raw->column->type, column);
}

/* Over its text, as its input function reads it. */
static void
append_wrapped(const IdcSql *sql, const IdcSqlColumn *column, IdcType type, IdcText *text)
{
    if (is_text(type.oid))
        idc_text_append_format(text, "(CAST(%s AS text) COLLATE \"C\")", column->sql);
    else if (is_collated(type.oid))
        idc_text_append_format(text, "(CAST(%s AS %s) COLLATE \"C\")", column->sql,
                               bare_type_name(sql->arena, type));
    else
        idc_text_append_format(text, "CAST(CAST(%s AS text) AS %s)", column->sql,
                               type_name(sql->arena, type));
}

static void
append_raw(const IdcSql *sql, const IdcSqlColumn *column, IdcSqlPlace place, IdcText *text)
{
    const IdcSqlRaw *raw = &sql->raws[column->raw];

    (void) place;
    if (raw->column->type.oid == IDC_TYPE_OTHER)
        idc_text_append_format(text, "CAST(%s AS text)", column->sql);
    else if (raw->is_wrapped)
        append_wrapped(sql, column, raw->column->type, text);
    else
        idc_text_append(text, column->sql);
}

/* What binary COPY sends as the bytes of its text. */
static bool
is_sent_as_text(uint32_t oid)
{
    return is_text(oid) || oid == IDC_TYPE_BPCHAR || oid == IDC_TYPE_NAME;
}

/* The type that comes out for a column of the hub's: see idc_postgres_write. */
static const char *
output_type(IdcArena *arena, IdcType type)
{
    IdcColumnSpec spec = { 0 };

    idc_type_column(type, &spec);
    if (spec.kind != IDC_KIND_TEXT)
        return type_name(arena, type);
    if (type.oid == IDC_TYPE_VARCHAR || type.oid == IDC_TYPE_NAME)
        return type.oid == IDC_TYPE_NAME ? "name" : "varchar";
    return type.oid == IDC_TYPE_BPCHAR ? "bpchar" : "text";
}

/* Is it of the type that the hub has? */
static bool
is_known(const IdcSql *sql, const IdcSqlColumn *column)
{
    return (select_of(sql)->look != NULL || sql->is_explain) && !sql->raws[column->raw].is_wrapped;
}

static void
append_output(const IdcSql *sql, const IdcSqlColumn *column, IdcType type, IdcText *text)
{
    const IdcPostgresSelect *select = select_of(sql);
    const char *name = output_type(sql->arena, type);
    bool is_other = strcmp(name, "text") == 0 && !is_sent_as_text(type.oid);
    /*
     * A table may be altered after it was looked at. Where nothing changed the cast is none, but
     * for what has a COLLATE: that would go around the cast, and not be the key of GROUP BY any
     * longer.
     */
    bool is_key = column->raw < 0 && is_sent_as_text(type.oid);
    bool is_cast = is_other || (!select->is_explain && !is_key);
    /* The cast of inet writes a netmask that its output function leaves out. */
    bool is_inet = type.oid == IDC_TYPE_INET && (column->raw < 0 || is_known(sql, column));

    idc_text_append(text, is_cast ? "CAST(" : "");
    idc_text_append(text, is_inet ? "inet_out(" : "");
    if (column->raw >= 0)
        append_raw(sql, column, IDC_SQL_VALUE, text);
    else
        idc_text_append(text, column->sql);
    idc_text_append(text, is_inet ? ")" : "");
    if (is_cast)
        idc_text_append_format(text, " AS %s)", name);
}

/* ---- constants ---- */

void
idc_postgres_append_literal(IdcArena *arena, const char *value, IdcType type, IdcText *text)
{
    if (value == NULL)
        idc_text_append(text, "NULL");
    else
        idc_sql_literal(value, text);
    idc_text_append_format(text, "::%s", bare_type_name(arena, type));
}

void
idc_postgres_append_item(const char *item, IdcText *text)
{
    if (item == NULL) {
        idc_text_append(text, "NULL");
        return;
    }
    idc_text_append_char(text, '"');
    for (; *item != '\0'; item++) {
        if (*item == '"' || *item == '\\')
            idc_text_append_char(text, '\\');
        if (*item == '\'')
            idc_text_append_char(text, '\'');
        idc_text_append_char(text, *item);
    }
    idc_text_append_char(text, '"');
}

static bool
are_constants(const IdcExpr *in)
{
    for (size_t i = 1; i < in->arg_count; i++)
        if (in->args[i]->kind != IDC_EXPR_CONSTANT)
            return false;
    return true;
}

/* x = ANY ('{…}'): one constant, however long the list is. */
static bool
append_in(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
          IdcText *text)
{
    bool is_parameter = expr->arg_count == 2 && expr->args[1]->is_list;
    IdcType type = expr->arg_count < 2 ? expr->args[0]->type : expr->args[1]->type;

    if (expr->arg_count < 2 || (!is_parameter && !are_constants(expr)))
        return false;
    for (size_t i = 1; i < expr->arg_count; i++)
        if (expr->args[i]->type.oid != type.oid)
            return false;
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append(text, " = ANY (");
    if (is_parameter) {
        idc_sql_expr(sql, expr->args[1], input, place, text);
    } else {
        idc_text_append(text, "'{");
        for (size_t i = 1; i < expr->arg_count; i++) {
            if (i > 1)
                idc_text_append_char(text, ',');
            idc_postgres_append_item(expr->args[i]->text, text);
        }
        idc_text_append_format(text, "}'::%s[]", bare_type_name(sql->arena, type));
    }
    idc_text_append(text, "))");
    return true;
}

/* ---- expressions ---- */

static const char *
collate(IdcType type, IdcCollation by, bool is_order)
{
    return is_order && by == IDC_COLLATION_C && is_collated(type.oid) ? " COLLATE \"C\"" : "";
}

static bool
append_function(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                IdcText *text)
{
    switch (expr->op) {
    case IDC_FN_TRIM:
        idc_sql_call(sql, "btrim", expr, input, place, text);
        return true;
    case IDC_FN_EXTRACT:
        idc_text_append(text, "CAST(EXTRACT(");
        idc_sql_literal(expr->args[0]->text, text);
        idc_text_append(text, " FROM ");
        idc_sql_expr(sql, expr->args[1], input, place, text);
        idc_text_append(text, ") AS numeric)");
        return true;
    case IDC_FN_GREATEST:
    case IDC_FN_LEAST:
        idc_text_append(text, expr->op == IDC_FN_GREATEST ? "GREATEST(" : "LEAST(");
        for (size_t i = 0; i < expr->arg_count; i++) {
            idc_text_append(text, i == 0 ? "" : ", ");
            idc_sql_expr(sql, expr->args[i], input, place, text);
            idc_text_append(text, collate(expr->type, expr->collation, true));
        }
        idc_text_append_char(text, ')');
        return true;
    default:
        return false;
    }
}

static void
append_list(IdcSql *sql, const IdcExpr *const *exprs, size_t count, const IdcSqlColumn *input,
            IdcText *text)
{
    for (size_t i = 0; i < count; i++) {
        idc_text_append(text, i == 0 ? "" : ", ");
        idc_sql_expr(sql, exprs[i], input, IDC_SQL_VALUE, text);
    }
}

/* (left OPERATOR(pg_catalog.+) right), or with ANY (right) */
static void
append_operator(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    bool is_any = expr->op == IDC_CALL_ANY, is_of_list = is_any || expr->op == IDC_CALL_ALL;
    size_t last = expr->arg_count - 1;

    idc_text_append_char(text, '(');
    if (last > 0)
        idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, text);
    idc_text_append_format(text, " OPERATOR(pg_catalog.%s) %s", expr->text,
                           !is_of_list ? ""
                           : is_any    ? "ANY ("
                                       : "ALL (");
    idc_sql_expr(sql, expr->args[last], input, IDC_SQL_VALUE, text);
    idc_text_append(text, is_of_list ? "))" : ")");
}

static void
append_element(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, text);
    idc_text_append_char(text, ')');
    for (size_t i = 1; i < expr->arg_count; i++) {
        idc_text_append_char(text, '[');
        idc_sql_expr(sql, expr->args[i], input, IDC_SQL_VALUE, text);
        idc_text_append_char(text, ']');
    }
}

static void
append_call(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    switch (expr->op) {
    case IDC_CALL_OPERATOR:
    case IDC_CALL_ANY:
    case IDC_CALL_ALL:
        append_operator(sql, expr, input, text);
        return;
    case IDC_CALL_ARRAY:
        idc_text_append(text, "CAST(ARRAY[");
        append_list(sql, expr->args, expr->arg_count, input, text);
        idc_text_append_format(text, "] AS %s)", bare_type_name(sql->arena, expr->type));
        return;
    case IDC_CALL_ELEMENT:
        append_element(sql, expr, input, text);
        return;
    default:
        idc_text_append_format(text, "pg_catalog.\"%s\"(", expr->text);
        for (size_t i = 0; i < expr->arg_count; i++) {
            idc_text_append(text, i == 0 ? "" : ", ");
            if (expr->op == IDC_CALL_VARIADIC && i == expr->arg_count - 1)
                idc_text_append(text, "VARIADIC ");
            idc_sql_expr(sql, expr->args[i], input, IDC_SQL_VALUE, text);
        }
        idc_text_append_char(text, ')');
        return;
    }
}

static bool
append_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
            IdcText *text)
{
    switch (expr->kind) {
    case IDC_EXPR_CONSTANT:
        idc_postgres_append_literal(sql->arena, expr->text, expr->type, text);
        return true;
    case IDC_EXPR_IN:
        return append_in(sql, expr, input, place, text);
    case IDC_EXPR_FUNCTION:
        return append_function(sql, expr, input, place, text);
    case IDC_EXPR_CALL:
        append_call(sql, expr, input, text);
        return true;
    case IDC_EXPR_CAST:
        idc_text_append(text, "CAST(");
        idc_sql_expr(sql, expr->args[0], input, place, text);
        idc_text_append_format(text, " AS %s)", type_name(sql->arena, expr->type));
        return true;
    default:
        return false;
    }
}

/* ---- aggregates and windows ---- */

static void
append_keys(IdcSql *sql, const IdcSortKey *keys, size_t count, const IdcSqlColumn *input,
            IdcText *text)
{
    for (size_t i = 0; i < count; i++) {
        idc_text_append(text, i == 0 ? "ORDER BY " : ", ");
        idc_sql_expr(sql, keys[i].expr, input, IDC_SQL_VALUE, text);
        idc_text_append(text, collate(keys[i].expr->type, keys[i].collation, true));
        idc_text_append(text, keys[i].is_descending ? " DESC" : " ASC");
        idc_text_append(text, keys[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

/* With DISTINCT, what ORDER BY says must be an argument to the letter. */
static const char *
collate_of_key(const IdcAggregate *aggregate, const IdcExpr *arg)
{
    for (size_t i = 0; i < aggregate->order_count; i++)
        if (idc_expr_equal(aggregate->order[i].expr, arg))
            return collate(arg->type, aggregate->order[i].collation, true);
    return "";
}

static void
append_called_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                        IdcText *text)
{
    idc_text_append_format(text, "pg_catalog.\"%s\"(%s", aggregate->name,
                           aggregate->is_distinct ? "DISTINCT " : "");
    for (size_t i = 0; i < aggregate->arg_count; i++) {
        idc_text_append(text, i == 0 ? "" : ", ");
        idc_sql_expr(sql, aggregate->args[i], input, IDC_SQL_VALUE, text);
        if (aggregate->is_distinct)
            idc_text_append(text, collate_of_key(aggregate, aggregate->args[i]));
    }
    if (aggregate->is_within_group)
        idc_text_append(text, ") WITHIN GROUP (");
    else
        idc_text_append(text, aggregate->order_count > 0 ? " " : "");
    append_keys(sql, aggregate->order, aggregate->order_count, input, text);
    idc_text_append_char(text, ')');
}

static void
append_known_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                       IdcText *text)
{
    static const char *const names[IDC_AGG_KIND_COUNT] = {
        "count", "count", "sum", "avg", "min", "max", "bool_and", "bool_or", "",
    };
    bool is_order = aggregate->kind == IDC_AGG_MIN || aggregate->kind == IDC_AGG_MAX;

    idc_text_append_format(text, "%s(%s", names[aggregate->kind],
                           aggregate->is_distinct ? "DISTINCT " : "");
    if (aggregate->arg == NULL) {
        idc_text_append(text, "*)");
        return;
    }
    idc_sql_expr(sql, aggregate->arg, input, IDC_SQL_VALUE, text);
    idc_text_append(text, collate(aggregate->arg->type, aggregate->collation, is_order));
    idc_text_append_char(text, ')');
}

static bool
append_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                 IdcText *text)
{
    if (aggregate->kind == IDC_AGG_CALL)
        append_called_aggregate(sql, aggregate, input, text);
    else
        append_known_aggregate(sql, aggregate, input, text);
    return true;
}

static void
append_bound(IdcSql *sql, IdcFrameBound bound, const IdcExpr *offset, IdcText *text)
{
    static const char *const words[IDC_FRAME_BOUND_COUNT] = {
        "UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING", "UNBOUNDED FOLLOWING",
    };

    if (offset != NULL)
        idc_sql_expr(sql, offset, NULL, IDC_SQL_VALUE, text);
    idc_text_append(text, words[bound]);
}

static void
append_window(IdcSql *sql, const IdcWindow *window, const IdcSqlColumn *input, IdcText *text)
{
    static const char *const modes[] = { "RANGE", "ROWS", "GROUPS" };
    static const char *const exclusions[IDC_EXCLUSION_COUNT] = {
        "",
        " EXCLUDE CURRENT ROW",
        " EXCLUDE GROUP",
        " EXCLUDE TIES",
    };

    (void) append_aggregate(sql, &window->function, input, text);
    if (window->function.filter != NULL) {
        idc_text_append(text, " FILTER (WHERE ");
        idc_sql_expr(sql, window->function.filter, input, IDC_SQL_VALUE, text);
        idc_text_append_char(text, ')');
    }
    idc_text_append(text, " OVER (");
    if (window->partition_count > 0) {
        idc_text_append(text, "PARTITION BY ");
        append_list(sql, window->partition, window->partition_count, input, text);
        idc_text_append_char(text, ' ');
    }
    append_keys(sql, window->order, window->order_count, input, text);
    idc_text_append_format(text, " %s BETWEEN ", modes[window->mode]);
    append_bound(sql, window->start, window->start_offset, text);
    idc_text_append(text, " AND ");
    append_bound(sql, window->end, window->end_offset, text);
    idc_text_append_format(text, "%s)", exclusions[window->exclusion]);
}

static void
append_lock(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    static const char *const locks[IDC_LOCK_COUNT] = {
        "", " FOR KEY SHARE", " FOR SHARE", " FOR NO KEY UPDATE", " FOR UPDATE", " FOR UPDATE"
    };
    static const char *const waits[IDC_LOCK_WAIT_COUNT] = { "", " SKIP LOCKED", " NOWAIT" };

    (void) sql;
    idc_text_append_format(text, "%s%s", locks[scan->lock], waits[scan->lock_wait]);
}

static const IdcSqlDialect dialect = {
    .quote = '"',
    .no_limit = "ALL",
    .always = "TRUE",
    .table = append_table,
    .column_name = idc_postgres_column_name,
    .raw = append_raw,
    .expr = append_expr,
    .collate = collate,
    .aggregate = append_aggregate,
    .window = append_window,
    .lock = append_lock,
    .output = append_output,
    .nests_joins = true,
};

void
idc_postgres_begin_sql(IdcSql *sql, IdcArena *arena, const IdcPostgresSelect *select)
{
    *sql = (IdcSql){ .dialect = &dialect,
                     .arena = arena,
                     .is_explain = select->is_explain,
                     .on_raw = look_at,
                     .host = (void *) select };
}

IdcStatus
idc_postgres_write(IdcArena *arena, const IdcRelation *relation, const IdcPostgresSelect *select,
                   const char **statement, IdcError *err)
{
    const IdcSqlColumn *columns;
    IdcSql sql;
    IdcStatus status;

    idc_postgres_begin_sql(&sql, arena, select);
    status = idc_sql_write(&sql, relation, statement, &columns, err);

    /* Only the number of rows is asked for. */
    if (status == IDC_OK && relation->column_count == 0 && !select->is_explain) {
        *statement = idc_arena_printf(arena, "SELECT FROM (%s) AS q", *statement);
        if (*statement == NULL)
            status = idc_fail_no_memory(err);
    }
    return status;
}

IdcStatus
idc_postgres_select(IdcArena *arena, const IdcRelation *relation, const char *slice,
                    const char **statement, IdcError *err)
{
    IdcPostgresSelect select = { .slice = slice };

    return idc_postgres_write(arena, relation, &select, statement, err);
}
