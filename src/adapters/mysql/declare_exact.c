/*
 * declare_exact.c - which expressions mean in MySQL what they mean in PostgreSQL, as they are
 * written here.
 *
 * Left to the hub: division of numerics (the digits of the quotient), all of real and of double
 * precision that could underflow or that depends on a library, lower and upper case (MySQL's are
 * Unicode's), the order of texts but for the collation "C".
 */
#include "adapters/mysql/mysql.h"

#include <string.h>

static const char WHY_TYPE[] = "MySQL has no such type, or compares it otherwise";
static const char WHY_COLLATION[] = "MySQL is asked for the order of bytes only";
static const char WHY_ARITHMETIC[] = "MySQL's arithmetic has another result or fails elsewhere";
static const char WHY_DIGITS[] = "the digits of the numbers are not known, or too many for MySQL";
static const char WHY_REMAINDER[] =
    "MySQL 5.6 has a wrong remainder of numbers with more than nine "
    "digits behind the point";
static const char WHY_FUNCTION[] = "MySQL's function means something else, or there is none";
static const char WHY_CAST[] = "MySQL's conversion means something else";
static const char WHY_LIKE[] = "only LIKE with a constant pattern means the same in MySQL";
static const char WHY_CASE[] = "MySQL knows other upper and lower case letters";
static const char WHY_AVERAGE[] = "an average, or a sum of numbers of several scales, is finished "
                                  "in the hub";
static const char WHY_FIT[] = "what does not fit is NULL (on_error), and the server has it";
static const char WHY_RANGE[] = "MySQL has no such value";

/* Equality of texts is that of their bytes for every deterministic collation. */
bool
idc_mysql_can_equal(IdcType type, IdcCollation collation, const char **why)
{
    if (idc_mysql_class(type) == IDC_MYSQL_CLASS_OTHER)
        return idc_sql_refuse(why, WHY_TYPE);
    if (idc_mysql_is_textual(type) && collation != IDC_COLLATION_C &&
        collation != IDC_COLLATION_LOCALE)
        return idc_sql_refuse(why, WHY_COLLATION);
    return true;
}

bool
idc_mysql_can_order(IdcType type, IdcCollation collation, const char **why)
{
    if (idc_mysql_class(type) == IDC_MYSQL_CLASS_UUID)
        return idc_sql_refuse(why, WHY_TYPE);
    if (idc_mysql_is_textual(type) && collation != IDC_COLLATION_C)
        return idc_sql_refuse(why, WHY_COLLATION);
    return idc_mysql_can_equal(type, collation, why);
}

static bool
all_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!idc_mysql_is_exact(expr->args[i], input, why))
            return false;
    return true;
}

static bool
is_constant(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT && expr->text != NULL;
}

static bool
is_float(IdcMysqlClass class)
{
    return class == IDC_MYSQL_CLASS_FLOAT || class == IDC_MYSQL_CLASS_DOUBLE;
}

/* ---- leaves ---- */

/* A UUID is compared where the server has it as such, or as sixteen bytes. */
static bool
is_known_uuid(const IdcRelationColumn *column)
{
    enum { UUID_BYTES = 16 };
    IdcMysqlRemote remote;

    return idc_mysql_remote_of_options(column, &remote) &&
           (remote.kind == IDC_MYSQL_UUID ||
            (remote.kind == IDC_MYSQL_BINARY && remote.digits == UUID_BYTES));
}

static bool
column_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    IdcMysqlClass class = idc_mysql_class(expr->type);
    IdcMysqlOrigin origin;

    if (class == IDC_MYSQL_CLASS_OTHER)
        return idc_sql_refuse(why, WHY_TYPE);
    origin = idc_mysql_origin(input, (size_t) expr->index);
    if (origin.aggregate != NULL && idc_mysql_is_unfinished(origin.aggregate, origin.input))
        return idc_sql_refuse(why, WHY_AVERAGE);
    if (!idc_mysql_fits(&origin))
        return idc_sql_refuse(why, WHY_FIT);
    if (class == IDC_MYSQL_CLASS_UUID && (origin.column == NULL || !is_known_uuid(origin.column)))
        return idc_sql_refuse(why, WHY_TYPE);
    return true;
}

/* is_compared: values beyond MySQL's have a place in the order. */
static bool
value_is_exact(const IdcExpr *expr, bool is_compared, const char **why)
{
    IdcMysqlRange range;

    if (idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_OTHER)
        return idc_sql_refuse(why, WHY_TYPE);
    if (expr->kind != IDC_EXPR_CONSTANT)
        return true;
    range = idc_mysql_range(expr);
    if (range == IDC_MYSQL_BETWEEN || (range != IDC_MYSQL_INSIDE && !is_compared))
        return idc_sql_refuse(why, WHY_RANGE);
    return true;
}

static bool
null_test_is_exact(const IdcExpr *arg, const IdcRelation *input, const char **why)
{
    IdcMysqlOrigin origin;

    if (arg->kind != IDC_EXPR_COLUMN)
        return idc_mysql_is_exact(arg, input, why);
    origin = idc_mysql_origin(input, (size_t) arg->index);
    return idc_mysql_fits(&origin) || idc_sql_refuse(why, WHY_FIT);
}

/* ---- comparisons ---- */

static bool
operand_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    if (expr->kind == IDC_EXPR_CONSTANT)
        return value_is_exact(expr, true, why);
    return idc_mysql_is_exact(expr, input, why);
}

static bool
compare_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];
    IdcMysqlClass left_class = idc_mysql_class(left->type);
    IdcMysqlClass right_class = idc_mysql_class(right->type);
    bool is_order = expr->op >= IDC_LT && expr->op <= IDC_GE;

    if (left_class != right_class && !(is_float(left_class) && is_float(right_class)))
        return idc_sql_refuse(why, WHY_TYPE);
    /* The day of a moment, or the moment of a day: of different types. */
    if (left->type.oid != right->type.oid && left_class == IDC_MYSQL_CLASS_MOMENT)
        return idc_sql_refuse(why, WHY_TYPE);
    /* MariaDB's <=> of a uuid that is NULL is NULL. */
    if (left_class == IDC_MYSQL_CLASS_UUID && expr->op > IDC_NE)
        return idc_sql_refuse(why, WHY_TYPE);
    if (!(is_order ? idc_mysql_can_order : idc_mysql_can_equal)(left->type, expr->collation, why))
        return false;
    return operand_is_exact(left, input, why) && operand_is_exact(right, input, why);
}

static bool
in_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    IdcMysqlClass class = idc_mysql_class(expr->args[0]->type);

    for (size_t i = 1; i < expr->arg_count; i++)
        if (idc_mysql_class(expr->args[i]->type) != class ||
            !operand_is_exact(expr->args[i], input, why))
            return idc_sql_refuse(why, WHY_TYPE);
    return idc_mysql_can_equal(expr->args[0]->type, expr->collation, why) &&
           idc_mysql_is_exact(expr->args[0], input, why);
}

static bool
is_pattern(const IdcExpr *expr)
{
    IdcText text;
    bool is_good;

    if (expr->kind == IDC_EXPR_PARAMETER)
        return true;
    if (expr->kind != IDC_EXPR_CONSTANT)
        return false;
    if (expr->text == NULL)
        return true;
    idc_text_init(&text, 0);
    is_good = idc_mysql_pattern(expr->text, &text);
    idc_text_done(&text);
    return is_good;
}

static bool
like_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    if (expr->op != 0)
        return idc_sql_refuse(why, WHY_CASE);
    if (idc_mysql_class(expr->args[0]->type) != IDC_MYSQL_CLASS_TEXT || !is_pattern(expr->args[1]))
        return idc_sql_refuse(why, WHY_LIKE);
    return idc_mysql_can_equal(expr->args[0]->type, expr->collation, why) &&
           idc_mysql_is_exact(expr->args[0], input, why);
}

/* ---- arithmetic ---- */

/* PostgreSQL raises the error of a division by a constant zero for each row only. */
static bool
is_zero(const IdcExpr *expr)
{
    return is_constant(expr) && strspn(expr->text, "-0.") == strlen(expr->text);
}

/* The first nine digits behind the point get lost if they are zeros (0.0000000001 % 7 is 0.1). */
static bool
numeric_is_known(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    const int scale_most = 9;

    if (expr->op == IDC_DIVIDE)
        return idc_sql_refuse(why, WHY_ARITHMETIC);
    if (expr->op == IDC_MODULO && idc_mysql_shape(expr->args[0], input).scale > scale_most)
        return idc_sql_refuse(why, WHY_REMAINDER);
    return idc_mysql_shape(expr, input).is_known || idc_sql_refuse(why, WHY_DIGITS);
}

static bool
arithmetic_is_known(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    bool divides = expr->op == IDC_DIVIDE || expr->op == IDC_MODULO;

    if (divides && is_zero(expr->args[1]))
        return idc_sql_refuse(why, WHY_ARITHMETIC);
    switch (idc_mysql_class(expr->type)) {
    case IDC_MYSQL_CLASS_INTEGER:
        return true;
    case IDC_MYSQL_CLASS_DOUBLE:
        return expr->op == IDC_ADD || expr->op == IDC_SUBTRACT || expr->op == IDC_NEGATE ||
               idc_sql_refuse(why, WHY_ARITHMETIC);
    case IDC_MYSQL_CLASS_NUMERIC:
        return numeric_is_known(expr, input, why);
    default:
        return idc_sql_refuse(why, WHY_ARITHMETIC);
    }
}

/* Of numerics the digits are known to be enough, but a remainder may be by zero. */
static bool
look_for_errors(const IdcExpr *expr, void *argument)
{
    bool *is_there = argument;
    bool is_numeric = idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_NUMERIC;

    if (expr->kind == IDC_EXPR_ARITHMETIC && expr->op == IDC_MODULO)
        *is_there |= !is_constant(expr->args[1]) || is_zero(expr->args[1]);
    else if (expr->kind == IDC_EXPR_ARITHMETIC ||
             (expr->kind == IDC_EXPR_FUNCTION && expr->op == IDC_FN_ABS))
        *is_there |= !is_numeric;
    return !*is_there;
}

bool
idc_mysql_may_raise(const IdcExpr *expr)
{
    bool is_there = false;

    idc_expr_walk(expr, look_for_errors, &is_there);
    return is_there;
}

/* ---- functions ---- */

static bool
are_texts(const IdcExpr *expr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (idc_mysql_class(expr->args[i]->type) != IDC_MYSQL_CLASS_TEXT)
            return false;
    return true;
}

static bool
is_word(const IdcExpr *expr, const char *const *words)
{
    for (; *words != NULL; words++)
        if (is_constant(expr) && strcmp(expr->text, *words) == 0)
            return true;
    return false;
}

static bool
extract_is_known(const IdcExpr *expr)
{
    static const char *const of_days[] = { "year", "month", "day",    "quarter",
                                           "dow",  "doy",   "isodow", NULL };
    static const char *const of_times[] = { "hour", "minute", "second", NULL };

    if (is_word(expr->args[0], of_days))
        return true;
    return expr->args[1]->type.oid == IDC_TYPE_TIMESTAMP && is_word(expr->args[0], of_times);
}

static bool
trunc_is_known(const IdcExpr *expr)
{
    static const char *const units[] = { "year", "quarter", "month",  "week", "day",
                                         "hour", "minute",  "second", NULL };

    return expr->args[1]->type.oid == IDC_TYPE_TIMESTAMP && is_word(expr->args[0], units);
}

/* The types of which the values of these are exact; the arguments' numbers are those for which both
 * servers count alike. */
static bool
function_is_known(const IdcExpr *expr, const IdcRelation *input)
{
    IdcMysqlClass class = idc_mysql_class(expr->args[0]->type);

    switch (expr->op) {
    case IDC_FN_LENGTH:
        return idc_mysql_is_textual(expr->args[0]->type);
    case IDC_FN_OCTET_LENGTH:
    case IDC_FN_REPLACE:
    case IDC_FN_CONCAT:
    case IDC_FN_STRPOS:
    case IDC_FN_STARTS_WITH:
    case IDC_FN_MD5:
        return are_texts(expr, expr->arg_count);
    case IDC_FN_TRIM:
    case IDC_FN_LTRIM:
    case IDC_FN_RTRIM:
        return expr->arg_count == 1 && are_texts(expr, 1);
    case IDC_FN_SUBSTRING:
        return are_texts(expr, 1) && idc_sql_is_number_from(expr->args[1], 1) &&
               (expr->arg_count == 2 || idc_sql_is_number_from(expr->args[2], 0));
    case IDC_FN_LEFT:
    case IDC_FN_RIGHT:
        return are_texts(expr, 1) && idc_sql_is_number_from(expr->args[1], 0);
    case IDC_FN_ABS:
        return class == IDC_MYSQL_CLASS_INTEGER || class == IDC_MYSQL_CLASS_DOUBLE ||
               (class == IDC_MYSQL_CLASS_NUMERIC && idc_mysql_shape(expr, input).is_known);
    case IDC_FN_ROUND:
    case IDC_FN_CEIL:
    case IDC_FN_FLOOR:
    case IDC_FN_TRUNC:
        return class == IDC_MYSQL_CLASS_NUMERIC && idc_mysql_shape(expr, input).is_known;
    case IDC_FN_SIGN:
        return class == IDC_MYSQL_CLASS_NUMERIC;
    case IDC_FN_GREATEST:
    case IDC_FN_LEAST:
        return class == IDC_MYSQL_CLASS_INTEGER || class == IDC_MYSQL_CLASS_DATE ||
               (class == IDC_MYSQL_CLASS_NUMERIC && idc_mysql_shape(expr, input).is_known);
    case IDC_FN_NULLIF:
        return class == idc_mysql_class(expr->args[1]->type) && class != IDC_MYSQL_CLASS_UUID &&
               class != IDC_MYSQL_CLASS_BPCHAR;
    case IDC_FN_EXTRACT:
        return extract_is_known(expr);
    case IDC_FN_DATE_TRUNC:
        return trunc_is_known(expr);
    case IDC_FN_DATE:
        return true;
    default:
        return false;
    }
}

static bool
function_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    bool has_word = expr->op == IDC_FN_EXTRACT || expr->op == IDC_FN_DATE_TRUNC;

    if (expr->op == IDC_FN_LOWER || expr->op == IDC_FN_UPPER)
        return idc_sql_refuse(why, WHY_CASE);
    if (!function_is_known(expr, input))
        return idc_sql_refuse(why, WHY_FUNCTION);
    if (expr->op == IDC_FN_NULLIF && !idc_mysql_can_equal(expr->type, expr->collation, why))
        return false;
    if (expr->collation == IDC_COLLATION_LOOSE)
        return idc_sql_refuse(why, WHY_COLLATION);
    if (has_word)
        return idc_mysql_is_exact(expr->args[1], input, why);
    return all_exact(expr, input, why);
}

/* Only casts that cannot fail. */
static bool
cast_is_known(const IdcExpr *expr, const IdcRelation *input)
{
    const IdcType from = expr->args[0]->type, to = expr->type;
    IdcMysqlClass from_class = idc_mysql_class(from), to_class = idc_mysql_class(to);
    bool is_wider = to.oid == IDC_TYPE_INT8 || from.oid == to.oid || from.oid == IDC_TYPE_INT2;
    IdcMysqlShape before, after;

    switch (to_class) {
    case IDC_MYSQL_CLASS_INTEGER:
        return (from_class == IDC_MYSQL_CLASS_INTEGER && is_wider) ||
               (from_class == IDC_MYSQL_CLASS_BOOL && to.oid == IDC_TYPE_INT4);
    case IDC_MYSQL_CLASS_BOOL:
        return from.oid == IDC_TYPE_INT4;
    case IDC_MYSQL_CLASS_DOUBLE:
        return from_class == IDC_MYSQL_CLASS_INTEGER || from_class == IDC_MYSQL_CLASS_NUMERIC ||
               is_float(from_class);
    case IDC_MYSQL_CLASS_NUMERIC:
        if (from_class != IDC_MYSQL_CLASS_INTEGER && from_class != IDC_MYSQL_CLASS_NUMERIC)
            return false;
        before = idc_mysql_shape(expr->args[0], input);
        after = idc_mysql_shape(expr, input);
        return before.is_known && after.is_known &&
               (to.modifier < 0 || after.before > before.before ||
                (after.before == before.before && after.scale >= before.scale));
    case IDC_MYSQL_CLASS_TEXT:
        return (from_class == IDC_MYSQL_CLASS_TEXT || from_class == IDC_MYSQL_CLASS_BPCHAR ||
                from_class == IDC_MYSQL_CLASS_INTEGER) &&
               to.modifier < 0;
    case IDC_MYSQL_CLASS_MOMENT:
        return from.oid == IDC_TYPE_DATE && to.oid == IDC_TYPE_TIMESTAMP && to.modifier < 0;
    default:
        return false;
    }
}

/* One of several values comes out: they must be of one type in MySQL too. */
static bool
choice_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    IdcMysqlClass class = idc_mysql_class(expr->type);

    if (class == IDC_MYSQL_CLASS_NUMERIC && !idc_mysql_shape(expr, input).is_known)
        return idc_sql_refuse(why, WHY_DIGITS);
    if (class == IDC_MYSQL_CLASS_OTHER || class == IDC_MYSQL_CLASS_FLOAT ||
        class == IDC_MYSQL_CLASS_BPCHAR || class == IDC_MYSQL_CLASS_UUID ||
        class == IDC_MYSQL_CLASS_TIME)
        return idc_sql_refuse(why, WHY_TYPE);
    return all_exact(expr, input, why);
}

/* ---- all kinds ---- */

bool
idc_mysql_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        return column_is_exact(expr, input, why);
    case IDC_EXPR_CONSTANT:
    case IDC_EXPR_PARAMETER:
        return value_is_exact(expr, false, why);
    case IDC_EXPR_AND:
    case IDC_EXPR_OR:
    case IDC_EXPR_NOT:
    case IDC_EXPR_IS_TRUE:
        return all_exact(expr, input, why);
    case IDC_EXPR_COMPARE:
        return compare_is_exact(expr, input, why);
    case IDC_EXPR_IN:
        return in_is_exact(expr, input, why);
    case IDC_EXPR_LIKE:
        return like_is_exact(expr, input, why);
    case IDC_EXPR_IS_NULL:
        return null_test_is_exact(expr->args[0], input, why);
    case IDC_EXPR_ARITHMETIC:
        return arithmetic_is_known(expr, input, why) && all_exact(expr, input, why);
    case IDC_EXPR_FUNCTION:
        return function_is_exact(expr, input, why);
    case IDC_EXPR_CAST:
        return (cast_is_known(expr, input) || idc_sql_refuse(why, WHY_CAST)) &&
               all_exact(expr, input, why);
    case IDC_EXPR_COALESCE:
    case IDC_EXPR_CASE:
        return choice_is_exact(expr, input, why);
    default:
        return idc_sql_refuse(why, WHY_FUNCTION);
    }
}

bool
idc_mysql_can_show(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    IdcMysqlShape shape;

    if (expr->kind == IDC_EXPR_COLUMN)
        return true;
    if (idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_FLOAT)
        return idc_sql_refuse(why, WHY_TYPE);
    if (idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_NUMERIC) {
        shape = idc_mysql_shape(expr, input);
        if (!shape.is_known || !shape.is_fixed)
            return idc_sql_refuse(why, WHY_DIGITS);
    }
    return true;
}

/* ---- supersets ---- */

bool
idc_mysql_is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char) *text >= 0x80)
            return false;
    return true;
}

static bool
is_caseless_text(const IdcExpr *expr, IdcCollation collation)
{
    return idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_TEXT && collation == IDC_COLLATION_C;
}

/* x ILIKE 'pattern', lower(x) = 'text'. Letters beyond ASCII may be lower or upper case of k, s and
 * i; of others they may not. */
static bool
is_caseless(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    const IdcExpr *left, *right;

    if (expr->kind != IDC_EXPR_LIKE && expr->kind != IDC_EXPR_COMPARE)
        return false;
    left = expr->args[0];
    right = expr->args[1];
    if (!is_constant(right) || !idc_mysql_is_ascii(right->text) || !is_pattern(right))
        return false;
    if (expr->kind == IDC_EXPR_LIKE)
        return expr->op == 1 && is_caseless_text(left, expr->collation) &&
               idc_mysql_is_exact(left, input, why);
    return expr->op == IDC_EQ && left->kind == IDC_EXPR_FUNCTION &&
           (left->op == IDC_FN_LOWER || left->op == IDC_FN_UPPER) &&
           is_caseless_text(left->args[0], expr->collation) &&
           idc_mysql_is_exact(left->args[0], input, why);
}

bool
idc_mysql_is_superset(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    if (is_caseless(expr, input, why))
        return true;
    if (expr->kind != IDC_EXPR_AND && expr->kind != IDC_EXPR_OR)
        return idc_mysql_is_exact(expr, input, why);
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!idc_mysql_is_superset(expr->args[i], input, why))
            return false;
    return true;
}
