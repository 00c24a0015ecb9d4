/*
 * select.c - a table request as one SELECT.
 */
#include "query/query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "query/literal.h"

/* What a filter's operator asks of its values. */
typedef enum FilterShape {
    SHAPE_COMPARE,
    SHAPE_BETWEEN,
    SHAPE_LIST,
    SHAPE_NULL,
    SHAPE_PATTERN
} FilterShape;

/* sql: between column and value; is_negated: of a list or of IS NULL. */
typedef struct FilterOperator {
    const char *name;
    const char *sql;
    FilterShape shape;
    bool is_negated;
} FilterOperator;

static const FilterOperator filter_operators[] = {
    { "eq", "=", SHAPE_COMPARE, false },
    { "ne", "<>", SHAPE_COMPARE, true },
    { "gt", ">", SHAPE_COMPARE, false },
    { "ge", ">=", SHAPE_COMPARE, false },
    { "lt", "<", SHAPE_COMPARE, false },
    { "le", "<=", SHAPE_COMPARE, false },
    { "between", "BETWEEN", SHAPE_BETWEEN, false },
    { "in", "IN", SHAPE_LIST, false },
    { "not_in", "NOT IN", SHAPE_LIST, true },
    { "is_null", "IS NULL", SHAPE_NULL, false },
    { "is_not_null", "IS NOT NULL", SHAPE_NULL, true },
    { "like", "LIKE", SHAPE_PATTERN, false },
    { "ilike", "ILIKE", SHAPE_PATTERN, false },
};

enum { OPERATOR_COUNT = sizeof filter_operators / sizeof *filter_operators };

/* ---- looking up names ---- */

static void
hint_nearest_column(const IdcTable *table, const char *name, IdcError *err)
{
    const char **names = calloc(table->column_count + 1, sizeof *names);
    const char *nearest;

    if (names == NULL)
        return;
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    nearest = idc_nearest_word(name, names, table->column_count);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    free(names);
}

static const IdcTableColumn *
column_lookup(const IdcTable *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static IdcStatus
column_find(const IdcTable *table, const char *name, const IdcTableColumn **column, IdcError *err)
{
    const IdcTableColumn *found = name != NULL ? column_lookup(table, name) : NULL;
    IdcStatus status;

    if (name == NULL || name[0] == '\0')
        return idc_fail(err, IDC_BAD_VALUE, "a column name for table \"%s\" is empty", table->name);
    if (found != NULL) {
        *column = found;
        return IDC_OK;
    }
    status = idc_fail(err, IDC_NOT_FOUND, "table \"%s\" has no column \"%s\"", table->name, name);
    idc_error_set_sqlstate(err, "42703");
    hint_nearest_column(table, name, err);
    return status;
}

static IdcStatus
operator_find(const IdcFilter *filter, const FilterOperator **rule, IdcError *err)
{
    const char *names[OPERATOR_COUNT], *nearest, *given = filter->op != NULL ? filter->op : "";
    IdcStatus status;

    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        names[i] = filter_operators[i].name;
        if (strcmp(names[i], given) == 0) {
            *rule = &filter_operators[i];
            return IDC_OK;
        }
    }
    status = idc_fail(err, IDC_NOT_FOUND, "unknown operator \"%s\" in a filter on column \"%s\"",
                      given, filter->column);
    idc_error_set_sqlstate(err, "42883");
    nearest = idc_nearest_word(given, names, OPERATOR_COUNT);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    else
        idc_error_set_hint(err, "the operators are eq, ne, gt, ge, lt, le, between, in, not_in, "
                                "is_null, is_not_null, like, ilike");
    return status;
}

/* ---- one condition ---- */

static IdcStatus
append_is_null(IdcText *sql, const IdcTableColumn *column, bool is_negated, IdcError *err)
{
    IdcStatus status = idc_quote_identifier(sql, column->name, err);

    if (status != IDC_OK)
        return status;
    idc_text_append(sql, is_negated ? " IS NOT NULL" : " IS NULL");
    return IDC_OK;
}

/* is_null takes no value, or true or false: is_null false is is_not_null. */
static IdcStatus
append_null_test(IdcText *sql, const IdcTableColumn *column, const FilterOperator *rule,
                 const IdcFilter *filter, IdcError *err)
{
    bool is_negated = rule->is_negated;

    if (filter->value_count == 1 && filter->values[0].kind == IDC_VALUE_BOOL)
        is_negated ^= filter->values[0].len > 0 && (filter->values[0].data[0] | 0x20) == 'f';
    else if (filter->value_count != 0)
        return idc_fail(err, IDC_BAD_VALUE, "%s on column \"%s\" takes no value", rule->name,
                        column->name);
    return append_is_null(sql, column, is_negated, err);
}

static IdcStatus
append_comparison(IdcText *sql, const IdcTableColumn *column, const FilterOperator *rule,
                  const IdcFilter *filter, IdcError *err)
{
    const IdcValue *value = filter->values;
    IdcStatus status;

    if (value->kind == IDC_VALUE_NULL && (strcmp(rule->name, "eq") == 0 || rule->is_negated))
        return append_is_null(sql, column, rule->is_negated, err);
    if ((status = idc_quote_identifier(sql, column->name, err)) != IDC_OK)
        return status;
    idc_text_append_format(sql, " %s ", rule->sql);
    if (rule->shape == SHAPE_PATTERN)
        return idc_literal_append_pattern(sql, column, value, err);
    return idc_literal_append(sql, column, value, err);
}

static IdcStatus
append_between(IdcText *sql, const IdcTableColumn *column, const IdcFilter *filter, IdcError *err)
{
    IdcStatus status;

    if ((status = idc_quote_identifier(sql, column->name, err)) != IDC_OK)
        return status;
    idc_text_append(sql, " BETWEEN ");
    if ((status = idc_literal_append(sql, column, &filter->values[0], err)) != IDC_OK)
        return status;
    idc_text_append(sql, " AND ");
    return idc_literal_append(sql, column, &filter->values[1], err);
}

/*
 * A NULL in a list is meant as "the missing ones too", which SQL's IN never does: x IN (1, NULL)
 * does not find NULLs, and x NOT IN (1, NULL) finds nothing at all.
 */
static IdcStatus
append_list(IdcText *sql, const IdcTableColumn *column, const FilterOperator *rule,
            const IdcFilter *filter, IdcError *err)
{
    size_t null_count = 0, written = 0;
    IdcStatus status;

    for (size_t i = 0; i < filter->value_count; i++)
        null_count += filter->values[i].kind == IDC_VALUE_NULL;
    if (filter->value_count == 0) {
        idc_text_append(sql, rule->is_negated ? "true" : "false");
        return IDC_OK;
    }
    if (null_count == filter->value_count)
        return append_is_null(sql, column, rule->is_negated, err);
    if (null_count > 0)
        idc_text_append_char(sql, '(');
    if ((status = idc_quote_identifier(sql, column->name, err)) != IDC_OK)
        return status;
    idc_text_append_format(sql, " %s (", rule->sql);
    for (size_t i = 0; i < filter->value_count; i++) {
        if (filter->values[i].kind == IDC_VALUE_NULL)
            continue;
        if (written++ > 0)
            idc_text_append(sql, ", ");
        if ((status = idc_literal_append(sql, column, &filter->values[i], err)) != IDC_OK)
            return status;
    }
    idc_text_append_char(sql, ')');
    if (null_count == 0)
        return IDC_OK;
    idc_text_append(sql, rule->is_negated ? " AND " : " OR ");
    status = append_is_null(sql, column, rule->is_negated, err);
    idc_text_append_char(sql, ')');
    return status;
}

static IdcStatus
check_filter(const IdcTableColumn *column, const FilterOperator *rule, const IdcFilter *filter,
             IdcError *err)
{
    size_t wanted = rule->shape == SHAPE_BETWEEN ? 2 : 1;
    IdcStatus status;

    if (rule->shape == SHAPE_NULL)
        return IDC_OK;
    if (rule->shape != SHAPE_LIST && filter->value_count != wanted)
        return idc_fail(err, IDC_BAD_VALUE, "%s on column \"%s\" takes %zu value%s, not %zu",
                        rule->name, column->name, wanted, wanted == 1 ? "" : "s",
                        filter->value_count);
    if (rule->shape == SHAPE_PATTERN && !idc_literal_column_is_text(column)) {
        status = idc_fail(err, IDC_BAD_VALUE, "%s works on text, and column \"%s\" is of type %s",
                          rule->name, column->name, column->type_name);
        idc_error_set_sqlstate(err, "42804");
        return status;
    }
    for (size_t i = 0; i < filter->value_count; i++) {
        if (filter->values[i].kind != IDC_VALUE_NULL && !idc_literal_column_is_comparable(column)) {
            status = idc_fail(err, IDC_BAD_VALUE,
                              "column \"%s\" is of type %s, which PostgreSQL cannot compare",
                              column->name, column->type_name);
            idc_error_set_sqlstate(err, "42883");
            idc_error_set_hint(err, "is_null and is_not_null work on it");
            return status;
        }
        if (filter->values[i].kind == IDC_VALUE_NULL && rule->shape != SHAPE_LIST &&
            strcmp(rule->name, "eq") != 0 && strcmp(rule->name, "ne") != 0) {
            status = idc_fail(err, IDC_BAD_VALUE, "%s on column \"%s\" cannot compare with NULL",
                              rule->name, column->name);
            idc_error_set_hint(err, "use is_null or is_not_null");
            return status;
        }
    }
    return IDC_OK;
}

static IdcStatus
append_filter(IdcText *sql, const IdcTable *table, const IdcFilter *filter, IdcError *err)
{
    const FilterOperator *rule = NULL;
    const IdcTableColumn *column = NULL;
    IdcStatus status;

    if ((status = column_find(table, filter->column, &column, err)) != IDC_OK ||
        (status = operator_find(filter, &rule, err)) != IDC_OK ||
        (status = check_filter(column, rule, filter, err)) != IDC_OK)
        return status;
    switch (rule->shape) {
    case SHAPE_NULL:
        return append_null_test(sql, column, rule, filter, err);
    case SHAPE_LIST:
        return append_list(sql, column, rule, filter, err);
    case SHAPE_BETWEEN:
        return append_between(sql, column, filter, err);
    default:
        return append_comparison(sql, column, rule, filter, err);
    }
}

/* ---- the clauses ---- */

static IdcStatus
append_columns(IdcText *sql, const IdcTable *table, const IdcTableRequest *request, IdcError *err)
{
    size_t count = request->column_count != 0 ? request->column_count : table->column_count;
    const IdcTableColumn *column;
    IdcStatus status;

    idc_text_append(sql, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        column = &table->columns[request->column_count == 0 ? i : 0];
        if (request->column_count != 0) {
            if ((status = column_find(table, request->columns[i], &column, err)) != IDC_OK)
                return status;
            for (size_t j = 0; j < i; j++)
                if (strcmp(request->columns[j], column->name) == 0) {
                    status = idc_fail(err, IDC_BAD_VALUE, "column \"%s\" is asked for twice",
                                      column->name);
                    idc_error_set_sqlstate(err, "42701");
                    return status;
                }
        }
        if (i > 0)
            idc_text_append(sql, ", ");
        if ((status = idc_quote_identifier(sql, column->name, err)) != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
append_from(IdcText *sql, const IdcTable *table, IdcError *err)
{
    IdcStatus status;

    idc_text_append(sql, " FROM ");
    if (table->schema != NULL) {
        if ((status = idc_quote_identifier(sql, table->schema, err)) != IDC_OK)
            return status;
        idc_text_append_char(sql, '.');
    }
    return idc_quote_identifier(sql, table->name, err);
}

static IdcStatus
append_order_by(IdcText *sql, const IdcTable *table, const IdcTableRequest *request, IdcError *err)
{
    const IdcTableColumn *column = NULL;
    IdcStatus status;

    for (size_t i = 0; i < request->order_by_count; i++) {
        const char *name = request->order_by[i];
        /* A column may really be called "-x"; then that is what "-x" means. */
        bool is_descending = name != NULL && name[0] == '-' && column_lookup(table, name) == NULL;

        if ((status = column_find(table, is_descending ? name + 1 : name, &column, err)) != IDC_OK)
            return status;
        idc_text_append(sql, i == 0 ? " ORDER BY " : ", ");
        if ((status = idc_quote_identifier(sql, column->name, err)) != IDC_OK)
            return status;
        if (is_descending)
            idc_text_append(sql, " DESC");
    }
    return IDC_OK;
}

/*
 * Whether LIMIT must stand outside, where the wrapper does not see it. Numbers, dates and booleans
 * are sorted alike everywhere.
 */
static bool
needs_limit_apart(const IdcTable *table, const IdcTableRequest *request)
{
    if (!table->sends_any_order || (request->limit < 0 && request->offset <= 0))
        return false;
    for (size_t i = 0; i < request->order_by_count; i++) {
        const char *name = request->order_by[i];
        const IdcTableColumn *column = name == NULL ? NULL : column_lookup(table, name);

        if (column == NULL && name != NULL && name[0] == '-')
            column = column_lookup(table, name + 1);
        if (column != NULL && strchr("NDB", column->category) == NULL)
            return true;
    }
    return false;
}

static IdcStatus
append_request(IdcText *sql, const IdcTable *table, const IdcTableRequest *request, IdcError *err)
{
    bool is_apart = needs_limit_apart(table, request);
    IdcStatus status;

    if (is_apart)
        idc_text_append(sql, "SELECT * FROM (");
    if ((status = append_columns(sql, table, request, err)) != IDC_OK ||
        (status = append_from(sql, table, err)) != IDC_OK)
        return status;
    for (size_t i = 0; i < request->filter_count; i++) {
        idc_text_append(sql, i == 0 ? " WHERE " : " AND ");
        if ((status = append_filter(sql, table, &request->filters[i], err)) != IDC_OK)
            return status;
    }
    if (request->condition != NULL)
        idc_text_append_format(sql, "%s(%s)", request->filter_count == 0 ? " WHERE " : " AND ",
                               request->condition);
    if ((status = append_order_by(sql, table, request, err)) != IDC_OK)
        return status;
    if (is_apart)
        idc_text_append(sql, ") AS sorted");
    if (request->limit >= 0)
        idc_text_append_format(sql, " LIMIT %" PRId64, request->limit);
    if (request->offset > 0)
        idc_text_append_format(sql, " OFFSET %" PRId64, request->offset);
    return idc_text_check(sql, err);
}

IdcStatus
idc_select_build(const IdcTable *table, const IdcTableRequest *request, IdcText *sql, IdcError *err)
{
    size_t start = sql->len;
    IdcStatus status = append_request(sql, table, request, err);

    if (status != IDC_OK && sql->data != NULL) {
        sql->len = start;
        sql->data[start] = '\0';
    }
    return status;
}
