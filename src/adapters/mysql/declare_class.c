/*
 * declare_class.c - types, digits and lengths, as far as the plan knows them.
 */
#include "adapters/mysql/mysql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

IdcMysqlClass
idc_mysql_class(IdcType type)
{
    switch (type.oid) {
    case IDC_TYPE_BOOL:
        return IDC_MYSQL_CLASS_BOOL;
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
        return IDC_MYSQL_CLASS_INTEGER;
    case IDC_TYPE_NUMERIC:
        return IDC_MYSQL_CLASS_NUMERIC;
    case IDC_TYPE_FLOAT4:
        return IDC_MYSQL_CLASS_FLOAT;
    case IDC_TYPE_FLOAT8:
        return IDC_MYSQL_CLASS_DOUBLE;
    case IDC_TYPE_TEXT:
    case IDC_TYPE_VARCHAR:
        return IDC_MYSQL_CLASS_TEXT;
    case IDC_TYPE_BPCHAR:
        return IDC_MYSQL_CLASS_BPCHAR;
    case IDC_TYPE_DATE:
        return IDC_MYSQL_CLASS_DATE;
    case IDC_TYPE_TIME:
        return IDC_MYSQL_CLASS_TIME;
    case IDC_TYPE_TIMESTAMP:
    case IDC_TYPE_TIMESTAMPTZ:
        return IDC_MYSQL_CLASS_MOMENT;
    case IDC_TYPE_BYTEA:
        return IDC_MYSQL_CLASS_BYTES;
    case IDC_TYPE_UUID:
        return IDC_MYSQL_CLASS_UUID;
    default:
        return IDC_MYSQL_CLASS_OTHER;
    }
}

bool
idc_mysql_is_textual(IdcType type)
{
    IdcMysqlClass class = idc_mysql_class(type);

    return class == IDC_MYSQL_CLASS_TEXT || class == IDC_MYSQL_CLASS_BPCHAR;
}

/* ---- where a column comes from ---- */

static IdcMysqlOrigin
origin_of_expr(const IdcExpr *expr, const IdcRelation *input)
{
    if (expr->kind == IDC_EXPR_COLUMN)
        return idc_mysql_origin(input, (size_t) expr->index);
    return (IdcMysqlOrigin){ .expr = expr, .input = input };
}

IdcMysqlOrigin
idc_mysql_origin(const IdcRelation *relation, size_t index)
{
    for (;;) {
        switch (relation->kind) {
        case IDC_REL_SCAN:
            return (IdcMysqlOrigin){ .column = &relation->columns[index], .scan = relation };
        case IDC_REL_PROJECT:
            return origin_of_expr(relation->exprs[index], relation->input);
        case IDC_REL_AGGREGATE:
            if (index < relation->expr_count)
                return origin_of_expr(relation->exprs[index], relation->input);
            return (IdcMysqlOrigin){ .aggregate =
                                         &relation->aggregates[index - relation->expr_count],
                                     .input = relation->input };
        case IDC_REL_JOIN:
            if (index >= relation->input->column_count) {
                index -= relation->input->column_count;
                relation = relation->right;
                continue;
            }
            break;
        default:
            break;
        }
        relation = relation->input;
    }
}

static bool
number_fits(const IdcRelationColumn *column, const IdcMysqlRemote *remote)
{
    int bytes = column->type.oid == IDC_TYPE_INT2 ? 2 : column->type.oid == IDC_TYPE_INT4 ? 4 : 8;

    switch (idc_mysql_class(column->type)) {
    case IDC_MYSQL_CLASS_INTEGER:
        return remote->kind == IDC_MYSQL_INTEGER &&
               (remote->is_unsigned ? remote->bytes < bytes : remote->bytes <= bytes);
    case IDC_MYSQL_CLASS_NUMERIC:
        return column->type.modifier < 0 &&
               (remote->kind == IDC_MYSQL_DECIMAL || remote->kind == IDC_MYSQL_INTEGER);
    case IDC_MYSQL_CLASS_FLOAT:
        return remote->kind == IDC_MYSQL_FLOAT;
    default:
        return remote->kind == IDC_MYSQL_FLOAT || remote->kind == IDC_MYSQL_DOUBLE;
    }
}

static bool
all_values_fit(const IdcRelationColumn *column, const IdcMysqlRemote *remote)
{
    switch (idc_mysql_class(column->type)) {
    case IDC_MYSQL_CLASS_INTEGER:
    case IDC_MYSQL_CLASS_NUMERIC:
    case IDC_MYSQL_CLASS_FLOAT:
    case IDC_MYSQL_CLASS_DOUBLE:
        return number_fits(column, remote);
    case IDC_MYSQL_CLASS_TEXT:
        return column->type.modifier < 0 &&
               (remote->kind == IDC_MYSQL_CHAR || remote->kind == IDC_MYSQL_TEXT ||
                remote->kind == IDC_MYSQL_ENUM);
    case IDC_MYSQL_CLASS_DATE:
        return remote->kind == IDC_MYSQL_DATE;
    case IDC_MYSQL_CLASS_MOMENT:
        return remote->kind == IDC_MYSQL_DATETIME || remote->kind == IDC_MYSQL_TIMESTAMP;
    case IDC_MYSQL_CLASS_BYTES:
        return remote->kind == IDC_MYSQL_BINARY || remote->kind == IDC_MYSQL_BLOB;
    default:
        return false;
    }
}

bool
idc_mysql_fits(const IdcMysqlOrigin *origin)
{
    const char *word =
        origin->scan == NULL ? NULL : idc_option_value(&origin->scan->options, "on_error");
    IdcMysqlRemote remote;

    if (word == NULL || strcmp(word, "null") != 0)
        return true;
    return idc_mysql_remote_of_options(origin->column, &remote) &&
           all_values_fit(origin->column, &remote);
}

/* ---- digits ---- */

static const IdcMysqlShape unknown = { 0 };

static int
larger(int a, int b)
{
    return a > b ? a : b;
}

static IdcMysqlShape
shape_of_type(IdcType type)
{
    enum { HEAD = 4, SCALE_MASK = 0x7FF, SCALE_SIGN = 0x400 };
    int precision, scale;

    switch (type.oid) {
    case IDC_TYPE_INT2:
        return (IdcMysqlShape){ .is_known = true, .is_fixed = true, .before = 5 };
    case IDC_TYPE_INT4:
        return (IdcMysqlShape){ .is_known = true, .is_fixed = true, .before = 10 };
    case IDC_TYPE_INT8:
        return (IdcMysqlShape){ .is_known = true, .is_fixed = true, .before = 19 };
    default:
        break;
    }
    if (type.oid != IDC_TYPE_NUMERIC || type.modifier < HEAD)
        return unknown;
    precision = (type.modifier - HEAD) >> 16 & 0xFFFF;
    scale = (((type.modifier - HEAD) & SCALE_MASK) ^ SCALE_SIGN) - SCALE_SIGN;
    if (scale < 0 || scale > IDC_MYSQL_SCALE_MAX || precision > IDC_MYSQL_DIGITS_MAX)
        return unknown;
    return (IdcMysqlShape){
        .is_known = true, .is_fixed = true, .before = larger(precision - scale, 0), .scale = scale
    };
}

/* What does not go beyond MySQL's own limits. */
static IdcMysqlShape
within(IdcMysqlShape shape)
{
    return shape.scale <= IDC_MYSQL_SCALE_MAX && shape.before + shape.scale <= IDC_MYSQL_DIGITS_MAX
               ? shape
               : unknown;
}

static IdcMysqlShape
shape_of_constant(const IdcExpr *constant)
{
    IdcMysqlShape shape = { .is_known = true, .is_fixed = true };
    const char *text = constant->text, *point;

    if (text == NULL)
        return shape;
    if (*text == '-')
        text++;
    if (*text < '0' || *text > '9')
        return unknown;
    point = strchr(text, '.');
    shape.before = (int) (point == NULL ? strlen(text) : (size_t) (point - text));
    shape.scale = point == NULL ? 0 : (int) strlen(point + 1);
    return within(shape);
}

static IdcMysqlShape
shape_of_aggregate(const IdcAggregate *aggregate, const IdcRelation *input)
{
    enum { ROWS_DIGITS = 10 };
    IdcMysqlShape shape;

    if (aggregate->arg == NULL)
        return shape_of_type(aggregate->type);
    shape = idc_mysql_shape(aggregate->arg, input);
    switch (aggregate->kind) {
    case IDC_AGG_SUM:
        if (shape.is_known)
            shape.before += ROWS_DIGITS;
        return within(shape);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        return shape;
    case IDC_AGG_COUNT:
        return shape_of_type(aggregate->type);
    default:
        return unknown;
    }
}

static IdcMysqlShape
shape_of_scan_column(const IdcRelationColumn *column)
{
    IdcMysqlShape shape = shape_of_type(column->type);
    IdcMysqlRemote remote;

    if (shape.is_known || column->type.oid != IDC_TYPE_NUMERIC ||
        !idc_mysql_remote_of_options(column, &remote))
        return shape;
    if (remote.kind == IDC_MYSQL_INTEGER)
        return (IdcMysqlShape){ .is_known = true, .is_fixed = true, .before = 20 };
    if (remote.kind != IDC_MYSQL_DECIMAL || remote.scale > IDC_MYSQL_SCALE_MAX)
        return unknown;
    return (IdcMysqlShape){ .is_known = true,
                            .is_fixed = true,
                            .before = remote.digits - remote.scale,
                            .scale = remote.scale };
}

static IdcMysqlShape
shape_of_column(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlOrigin origin = idc_mysql_origin(input, (size_t) expr->index);

    if (origin.column != NULL)
        return shape_of_scan_column(origin.column);
    if (origin.aggregate != NULL)
        return shape_of_aggregate(origin.aggregate, origin.input);
    return idc_mysql_shape(origin.expr, origin.input);
}

static IdcMysqlShape
shape_of_arithmetic(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlShape a = idc_mysql_shape(expr->args[0], input), b;

    if (expr->op == IDC_NEGATE || !a.is_known)
        return a;
    b = idc_mysql_shape(expr->args[1], input);
    if (!b.is_known)
        return unknown;
    a.is_fixed = a.is_fixed && b.is_fixed;
    if (expr->op == IDC_MULTIPLY) {
        a.before += b.before;
        a.scale += b.scale;
        return within(a);
    }
    a.before = larger(a.before, b.before) + 1;
    a.scale = larger(a.scale, b.scale);
    return expr->op == IDC_DIVIDE ? unknown : within(a);
}

/* One of several values comes out. from, step: which arguments they are. */
static IdcMysqlShape
shape_of_choice(const IdcExpr *expr, const IdcRelation *input, size_t from, size_t step)
{
    IdcMysqlShape all = { .is_known = true, .is_fixed = true, .scale = -1 };

    for (size_t i = from; i < expr->arg_count; i += step) {
        const IdcExpr *arg = expr->args[i];
        IdcMysqlShape shape = idc_mysql_shape(arg, input);

        if (!shape.is_known)
            return unknown;
        if (arg->kind == IDC_EXPR_CONSTANT && arg->text == NULL)
            continue;
        all.is_fixed =
            all.is_fixed && shape.is_fixed && (all.scale < 0 || all.scale == shape.scale);
        all.before = larger(all.before, shape.before);
        all.scale = larger(all.scale, shape.scale);
    }
    all.scale = larger(all.scale, 0);
    return within(all);
}

static IdcMysqlShape
shape_of_case(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlShape results = shape_of_choice(expr, input, 1, 2);
    const IdcExpr *last = expr->args[expr->arg_count - 1];
    IdcMysqlShape other = idc_mysql_shape(last, input);
    bool is_null = last->kind == IDC_EXPR_CONSTANT && last->text == NULL;

    if (!results.is_known || !other.is_known)
        return unknown;
    if (is_null)
        return results;
    results.is_fixed = results.is_fixed && other.is_fixed && results.scale == other.scale;
    results.before = larger(results.before, other.before);
    results.scale = larger(results.scale, other.scale);
    return within(results);
}

static IdcMysqlShape
shape_of_rounded(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlShape shape = idc_mysql_shape(expr->args[0], input);
    int64_t places = 0;

    if (!shape.is_known ||
        (expr->arg_count == 2 &&
         (expr->args[1]->kind != IDC_EXPR_CONSTANT || expr->args[1]->text == NULL ||
          !idc_int64_parse(expr->args[1]->text, &places))))
        return unknown;
    if (places < 0 || places > IDC_MYSQL_SCALE_MAX)
        return unknown;
    shape.before++;
    shape.scale = (int) places;
    shape.is_fixed = true;
    return within(shape);
}

static IdcMysqlShape
shape_of_extract(const IdcExpr *expr)
{
    enum { YEAR_DIGITS = 4, SECOND_SCALE = 6 };
    bool is_second = strcmp(expr->args[0]->text, "second") == 0;

    return (IdcMysqlShape){ .is_known = true,
                            .is_fixed = true,
                            .before = YEAR_DIGITS,
                            .scale = is_second ? SECOND_SCALE : 0 };
}

static IdcMysqlShape
shape_of_function(const IdcExpr *expr, const IdcRelation *input)
{
    switch (expr->op) {
    case IDC_FN_ABS:
        return idc_mysql_shape(expr->args[0], input);
    case IDC_FN_ROUND:
    case IDC_FN_CEIL:
    case IDC_FN_FLOOR:
    case IDC_FN_TRUNC:
        return shape_of_rounded(expr, input);
    case IDC_FN_SIGN:
        return (IdcMysqlShape){ .is_known = true, .is_fixed = true, .before = 1 };
    case IDC_FN_GREATEST:
    case IDC_FN_LEAST:
        return shape_of_choice(expr, input, 0, 1);
    case IDC_FN_NULLIF:
        return idc_mysql_shape(expr->args[0], input);
    case IDC_FN_EXTRACT:
        return shape_of_extract(expr);
    default:
        return unknown;
    }
}

IdcMysqlShape
idc_mysql_shape(const IdcExpr *expr, const IdcRelation *input)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        return shape_of_column(expr, input);
    case IDC_EXPR_CONSTANT:
        return shape_of_constant(expr);
    case IDC_EXPR_ARITHMETIC:
        return expr->type.oid == IDC_TYPE_NUMERIC ? shape_of_arithmetic(expr, input)
                                                  : shape_of_type(expr->type);
    case IDC_EXPR_FUNCTION:
        return expr->type.oid == IDC_TYPE_NUMERIC ? shape_of_function(expr, input)
                                                  : shape_of_type(expr->type);
    case IDC_EXPR_CAST:
        if (expr->type.oid == IDC_TYPE_NUMERIC && expr->type.modifier < 0)
            return idc_mysql_shape(expr->args[0], input);
        return shape_of_type(expr->type);
    case IDC_EXPR_COALESCE:
        return shape_of_choice(expr, input, 0, 1);
    case IDC_EXPR_CASE:
        return shape_of_case(expr, input);
    default:
        return shape_of_type(expr->type);
    }
}

bool
idc_mysql_is_unfinished(const IdcAggregate *aggregate, const IdcRelation *input)
{
    if (aggregate->kind == IDC_AGG_AVG)
        return true;
    return aggregate->kind == IDC_AGG_SUM && aggregate->arg->type.oid == IDC_TYPE_NUMERIC &&
           idc_mysql_shape(aggregate->arg, input).is_known &&
           !idc_mysql_shape(aggregate->arg, input).is_fixed;
}

/* ---- lengths ---- */

enum { BYTES_OF_CHARACTER = 4, LENGTH_MAX = 100000 };

static int
length_of_column(const IdcRelationColumn *column)
{
    IdcMysqlRemote remote;
    bool is_text = idc_mysql_is_textual(column->type);

    if (is_text && column->type.modifier >= BYTES_OF_CHARACTER &&
        column->type.modifier < LENGTH_MAX)
        return (column->type.modifier - BYTES_OF_CHARACTER) * BYTES_OF_CHARACTER;
    if (!idc_mysql_remote_of_options(column, &remote) || remote.digits < 0 ||
        remote.digits > LENGTH_MAX)
        return -1;
    if (remote.kind == IDC_MYSQL_CHAR || remote.kind == IDC_MYSQL_TEXT)
        return remote.digits * BYTES_OF_CHARACTER;
    if (remote.kind == IDC_MYSQL_BINARY || remote.kind == IDC_MYSQL_BLOB)
        return remote.digits;
    return -1;
}

/* substring(x, 1, n), left(x, n) */
static int
length_of_function(const IdcExpr *expr)
{
    enum { MD5_LENGTH = 32 };
    const IdcExpr *count = expr->op == IDC_FN_SUBSTRING && expr->arg_count == 3  ? expr->args[2]
                           : expr->op == IDC_FN_LEFT || expr->op == IDC_FN_RIGHT ? expr->args[1]
                                                                                 : NULL;
    int64_t number;

    if (expr->op == IDC_FN_MD5)
        return MD5_LENGTH;
    if (count == NULL || count->kind != IDC_EXPR_CONSTANT || count->text == NULL ||
        !idc_int64_parse(count->text, &number) || number < 0 || number > LENGTH_MAX)
        return -1;
    return (int) number * BYTES_OF_CHARACTER;
}

static int
longest(const IdcExpr *expr, const IdcRelation *input, size_t from)
{
    int most = 0;

    for (size_t i = from; i < expr->arg_count; i++) {
        int length;

        if (expr->kind == IDC_EXPR_CASE && i % 2 == 0 && i + 1 < expr->arg_count)
            continue;
        length = idc_mysql_length(expr->args[i], input);
        if (length < 0)
            return -1;
        most = larger(most, length);
    }
    return most;
}

int
idc_mysql_length(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlOrigin origin;
    int length;

    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        origin = idc_mysql_origin(input, (size_t) expr->index);
        if (origin.column != NULL)
            return length_of_column(origin.column);
        if (origin.expr != NULL)
            return idc_mysql_length(origin.expr, origin.input);
        return origin.aggregate->arg == NULL
                   ? -1
                   : idc_mysql_length(origin.aggregate->arg, origin.input);
    case IDC_EXPR_CONSTANT:
        return expr->text == NULL ? 0 : (int) strnlen(expr->text, LENGTH_MAX);
    case IDC_EXPR_FUNCTION:
        length = length_of_function(expr);
        if (length < 0 &&
            (expr->op == IDC_FN_TRIM || expr->op == IDC_FN_LTRIM || expr->op == IDC_FN_RTRIM ||
             expr->op == IDC_FN_NULLIF || expr->op == IDC_FN_SUBSTRING))
            return idc_mysql_length(expr->args[0], input);
        return length;
    case IDC_EXPR_COALESCE:
        return longest(expr, input, 0);
    case IDC_EXPR_CASE:
        return longest(expr, input, 1);
    case IDC_EXPR_CAST:
        return idc_mysql_is_textual(expr->args[0]->type) ? idc_mysql_length(expr->args[0], input)
                                                         : -1;
    default:
        return -1;
    }
}

/* ---- constants ---- */

static IdcMysqlRange
range_of_moment(const char *text)
{
    size_t len = strlen(text);
    bool is_year_of_four = len >= 5 && text[4] == '-';

    if (text[0] == '-' || (len > 3 && strcmp(text + len - 3, " BC") == 0))
        return IDC_MYSQL_BELOW;
    return is_year_of_four ? IDC_MYSQL_INSIDE : IDC_MYSQL_ABOVE;
}

static IdcMysqlRange
range_of_number(const char *text)
{
    bool is_negative = *text == '-';
    const char *digits = is_negative ? text + 1 : text, *point = strchr(digits, '.');
    size_t before = point == NULL ? strlen(digits) : (size_t) (point - digits);

    if (*digits < '0' || *digits > '9' || before > IDC_MYSQL_DIGITS_MAX)
        return is_negative ? IDC_MYSQL_BELOW : IDC_MYSQL_ABOVE;
    if (point != NULL && (strlen(point + 1) > IDC_MYSQL_SCALE_MAX ||
                          before + strlen(point + 1) > IDC_MYSQL_DIGITS_MAX))
        return IDC_MYSQL_BETWEEN;
    return IDC_MYSQL_INSIDE;
}

IdcMysqlRange
idc_mysql_range(const IdcExpr *constant)
{
    const char *text = constant->text;

    if (text == NULL)
        return IDC_MYSQL_INSIDE;
    switch (idc_mysql_class(constant->type)) {
    case IDC_MYSQL_CLASS_NUMERIC:
        return range_of_number(text);
    case IDC_MYSQL_CLASS_FLOAT:
    case IDC_MYSQL_CLASS_DOUBLE:
        if (strcasecmp(text, "-Infinity") == 0)
            return IDC_MYSQL_BELOW;
        return strcasecmp(text, "NaN") == 0 || strcasecmp(text, "Infinity") == 0 ? IDC_MYSQL_ABOVE
                                                                                 : IDC_MYSQL_INSIDE;
    case IDC_MYSQL_CLASS_DATE:
    case IDC_MYSQL_CLASS_MOMENT:
        return range_of_moment(text);
    default:
        return IDC_MYSQL_INSIDE;
    }
}

bool
idc_mysql_pattern(const char *pattern, IdcText *text)
{
    for (; *pattern != '\0'; pattern++) {
        bool is_escaped = *pattern == '\\';

        if (is_escaped && *++pattern == '\0')
            return false;
        if (*pattern == '|' || (is_escaped && (*pattern == '%' || *pattern == '_')))
            idc_text_append_char(text, '|');
        idc_text_append_char(text, *pattern);
    }
    return true;
}
