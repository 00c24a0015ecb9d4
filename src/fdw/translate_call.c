/*
 * translate_call.c - functions and operators: the closed list, by the OIDs of PostgreSQL's own.
 *
 * A function belongs here only if it is immutable: what depends on a setting of the session is
 * evaluated in the hub or not pushed.
 */
#include "fdw/translate.h"

#include <catalog/pg_type.h>
#include <nodes/nodeFuncs.h>
#include <parser/scansup.h>
#include <utils/builtins.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>

#include "fdw/foreign.h"
#include "fdw/raise.h"

typedef enum CallKind {
    CALL_COMPARE,    /* op: IdcCompare */
    CALL_LIKE,       /* op: 0 LIKE, 1 ILIKE */
    CALL_NOT_LIKE,   /* the same */
    CALL_ARITHMETIC, /* op: IdcArithmetic */
    CALL_FUNCTION,   /* op: IdcFunction */
    CALL_OF_MOMENT,  /* the same; the first argument is a constant word */
    CALL_CAST
} CallKind;

typedef struct Call {
    Oid function;
    uint8 kind, op;
} Call;

#define COMPARES(eq, ne, lt, le, gt, ge)                                                           \
    { eq, CALL_COMPARE, IDC_EQ }, { ne, CALL_COMPARE, IDC_NE }, { lt, CALL_COMPARE, IDC_LT },      \
        { le, CALL_COMPARE, IDC_LE }, { gt, CALL_COMPARE, IDC_GT },                                \
    {                                                                                              \
        ge, CALL_COMPARE, IDC_GE                                                                   \
    }
#define COMPARES_OF(type)                                                                          \
    COMPARES(F_##type##EQ, F_##type##NE, F_##type##LT, F_##type##LE, F_##type##GT, F_##type##GE)
#define COMPARES_OF_(type)                                                                         \
    COMPARES(F_##type##_EQ, F_##type##_NE, F_##type##_LT, F_##type##_LE, F_##type##_GT,            \
             F_##type##_GE)
#define COMPARES_WITH(type, other)                                                                 \
    COMPARES(F_##type##_EQ_##other, F_##type##_NE_##other, F_##type##_LT_##other,                  \
             F_##type##_LE_##other, F_##type##_GT_##other, F_##type##_GE_##other)
#define ARITHMETIC_OF(type)                                                                        \
    { F_##type##PL, CALL_ARITHMETIC, IDC_ADD }, { F_##type##MI, CALL_ARITHMETIC, IDC_SUBTRACT },   \
        { F_##type##MUL, CALL_ARITHMETIC, IDC_MULTIPLY },                                          \
    {                                                                                              \
        F_##type##DIV, CALL_ARITHMETIC, IDC_DIVIDE                                                 \
    }
#define FUNCTION(function, name)                                                                   \
    {                                                                                              \
        function, CALL_FUNCTION, IDC_FN_##name                                                     \
    }
#define CAST(function)                                                                             \
    {                                                                                              \
        function, CALL_CAST, 0                                                                     \
    }

static const Call calls[] = {
    COMPARES_OF(BOOL),
    COMPARES_OF(INT2),
    COMPARES_OF(INT4),
    COMPARES_OF(INT8),
    COMPARES_OF(INT24),
    COMPARES_OF(INT42),
    COMPARES_OF(INT28),
    COMPARES_OF(INT82),
    COMPARES_OF(INT48),
    COMPARES_OF(INT84),
    COMPARES_OF(FLOAT4),
    COMPARES_OF(FLOAT8),
    COMPARES_OF(FLOAT48),
    COMPARES_OF(FLOAT84),
    COMPARES_OF(OID),
    COMPARES_OF(BPCHAR),
    COMPARES_OF(BYTEA),
    COMPARES_OF_(NUMERIC),
    COMPARES_OF_(DATE),
    COMPARES_OF_(TIME),
    COMPARES_OF_(TIMETZ),
    COMPARES_OF_(TIMESTAMP),
    COMPARES_OF_(TIMESTAMPTZ),
    COMPARES_OF_(UUID),
    COMPARES_OF_(NETWORK),
    COMPARES_WITH(DATE, TIMESTAMP),
    COMPARES_WITH(TIMESTAMP, DATE),
    COMPARES_WITH(DATE, TIMESTAMPTZ),
    COMPARES_WITH(TIMESTAMPTZ, DATE),
    COMPARES_WITH(TIMESTAMP, TIMESTAMPTZ),
    COMPARES_WITH(TIMESTAMPTZ, TIMESTAMP),
    COMPARES(F_TEXTEQ, F_TEXTNE, F_TEXT_LT, F_TEXT_LE, F_TEXT_GT, F_TEXT_GE),
    { F_ENUM_EQ, CALL_COMPARE, IDC_EQ },
    { F_ENUM_NE, CALL_COMPARE, IDC_NE },

    { F_TEXTLIKE, CALL_LIKE, 0 },
    { F_LIKE_TEXT_TEXT, CALL_LIKE, 0 },
    { F_TEXTICLIKE, CALL_LIKE, 1 },
    { F_TEXTNLIKE, CALL_NOT_LIKE, 0 },
    { F_TEXTICNLIKE, CALL_NOT_LIKE, 1 },

    ARITHMETIC_OF(INT2),
    ARITHMETIC_OF(INT4),
    ARITHMETIC_OF(INT8),
    ARITHMETIC_OF(INT24),
    ARITHMETIC_OF(INT42),
    ARITHMETIC_OF(INT28),
    ARITHMETIC_OF(INT82),
    ARITHMETIC_OF(INT48),
    ARITHMETIC_OF(INT84),
    ARITHMETIC_OF(FLOAT4),
    ARITHMETIC_OF(FLOAT8),
    ARITHMETIC_OF(FLOAT48),
    ARITHMETIC_OF(FLOAT84),
    { F_NUMERIC_ADD, CALL_ARITHMETIC, IDC_ADD },
    { F_NUMERIC_SUB, CALL_ARITHMETIC, IDC_SUBTRACT },
    { F_NUMERIC_MUL, CALL_ARITHMETIC, IDC_MULTIPLY },
    { F_NUMERIC_DIV, CALL_ARITHMETIC, IDC_DIVIDE },
    { F_INT2MOD, CALL_ARITHMETIC, IDC_MODULO },
    { F_INT4MOD, CALL_ARITHMETIC, IDC_MODULO },
    { F_INT8MOD, CALL_ARITHMETIC, IDC_MODULO },
    { F_MOD_INT2_INT2, CALL_ARITHMETIC, IDC_MODULO },
    { F_MOD_INT4_INT4, CALL_ARITHMETIC, IDC_MODULO },
    { F_MOD_INT8_INT8, CALL_ARITHMETIC, IDC_MODULO },
    { F_NUMERIC_MOD, CALL_ARITHMETIC, IDC_MODULO },
    { F_MOD_NUMERIC_NUMERIC, CALL_ARITHMETIC, IDC_MODULO },
    { F_INT2UM, CALL_ARITHMETIC, IDC_NEGATE },
    { F_INT4UM, CALL_ARITHMETIC, IDC_NEGATE },
    { F_INT8UM, CALL_ARITHMETIC, IDC_NEGATE },
    { F_FLOAT4UM, CALL_ARITHMETIC, IDC_NEGATE },
    { F_FLOAT8UM, CALL_ARITHMETIC, IDC_NEGATE },
    { F_NUMERIC_UMINUS, CALL_ARITHMETIC, IDC_NEGATE },

    FUNCTION(F_LOWER_TEXT, LOWER),
    FUNCTION(F_UPPER_TEXT, UPPER),
    FUNCTION(F_LENGTH_TEXT, LENGTH),
    FUNCTION(F_CHAR_LENGTH_TEXT, LENGTH),
    FUNCTION(F_CHARACTER_LENGTH_TEXT, LENGTH),
    FUNCTION(F_LENGTH_BPCHAR, LENGTH),
    FUNCTION(F_CHAR_LENGTH_BPCHAR, LENGTH),
    FUNCTION(F_CHARACTER_LENGTH_BPCHAR, LENGTH),
    FUNCTION(F_OCTET_LENGTH_TEXT, OCTET_LENGTH),
    FUNCTION(F_OCTET_LENGTH_BPCHAR, OCTET_LENGTH),
    FUNCTION(F_SUBSTR_TEXT_INT4, SUBSTRING),
    FUNCTION(F_SUBSTR_TEXT_INT4_INT4, SUBSTRING),
    FUNCTION(F_SUBSTRING_TEXT_INT4, SUBSTRING),
    FUNCTION(F_SUBSTRING_TEXT_INT4_INT4, SUBSTRING),
    FUNCTION(F_LEFT, LEFT),
    FUNCTION(F_RIGHT, RIGHT),
    FUNCTION(F_BTRIM_TEXT, TRIM),
    FUNCTION(F_LTRIM_TEXT, LTRIM),
    FUNCTION(F_RTRIM_TEXT, RTRIM),
    FUNCTION(F_REPLACE, REPLACE),
    FUNCTION(F_TEXTCAT, CONCAT),
    FUNCTION(F_STRPOS, STRPOS),
    FUNCTION(F_POSITION_TEXT_TEXT, STRPOS),
    FUNCTION(F_STARTS_WITH, STARTS_WITH),
    FUNCTION(F_ABS_INT2, ABS),
    FUNCTION(F_ABS_INT4, ABS),
    FUNCTION(F_ABS_INT8, ABS),
    FUNCTION(F_ABS_FLOAT4, ABS),
    FUNCTION(F_ABS_FLOAT8, ABS),
    FUNCTION(F_ABS_NUMERIC, ABS),
    FUNCTION(F_ROUND_NUMERIC, ROUND),
    FUNCTION(F_ROUND_NUMERIC_INT4, ROUND),
    FUNCTION(F_ROUND_FLOAT8, ROUND),
    FUNCTION(F_CEIL_NUMERIC, CEIL),
    FUNCTION(F_CEIL_FLOAT8, CEIL),
    FUNCTION(F_CEILING_NUMERIC, CEIL),
    FUNCTION(F_CEILING_FLOAT8, CEIL),
    FUNCTION(F_FLOOR_NUMERIC, FLOOR),
    FUNCTION(F_FLOOR_FLOAT8, FLOOR),
    FUNCTION(F_TRUNC_NUMERIC, TRUNC),
    FUNCTION(F_TRUNC_FLOAT8, TRUNC),
    FUNCTION(F_SQRT_NUMERIC, SQRT),
    FUNCTION(F_SQRT_FLOAT8, SQRT),
    FUNCTION(F_POWER_NUMERIC_NUMERIC, POWER),
    FUNCTION(F_POWER_FLOAT8_FLOAT8, POWER),
    FUNCTION(F_EXP_NUMERIC, EXP),
    FUNCTION(F_EXP_FLOAT8, EXP),
    FUNCTION(F_LN_NUMERIC, LN),
    FUNCTION(F_LN_FLOAT8, LN),
    FUNCTION(F_SIGN_NUMERIC, SIGN),
    FUNCTION(F_SIGN_FLOAT8, SIGN),
    FUNCTION(F_DATE_TIMESTAMP, DATE),
    FUNCTION(F_MD5_TEXT, MD5),
    { F_DATE_TRUNC_TEXT_TIMESTAMP, CALL_OF_MOMENT, IDC_FN_DATE_TRUNC },
    { F_EXTRACT_TEXT_DATE, CALL_OF_MOMENT, IDC_FN_EXTRACT },
    { F_EXTRACT_TEXT_TIMESTAMP, CALL_OF_MOMENT, IDC_FN_EXTRACT },

    CAST(F_INT2_INT4),
    CAST(F_INT2_INT8),
    CAST(F_INT2_FLOAT4),
    CAST(F_INT2_FLOAT8),
    CAST(F_INT2_NUMERIC),
    CAST(F_INT4_INT2),
    CAST(F_INT4_INT8),
    CAST(F_INT4_FLOAT4),
    CAST(F_INT4_FLOAT8),
    CAST(F_INT4_NUMERIC),
    CAST(F_INT4_BOOL),
    CAST(F_INT8_INT2),
    CAST(F_INT8_INT4),
    CAST(F_INT8_FLOAT4),
    CAST(F_INT8_FLOAT8),
    CAST(F_INT8_NUMERIC),
    CAST(F_FLOAT4_INT2),
    CAST(F_FLOAT4_INT4),
    CAST(F_FLOAT4_INT8),
    CAST(F_FLOAT4_FLOAT8),
    CAST(F_FLOAT4_NUMERIC),
    CAST(F_FLOAT8_INT2),
    CAST(F_FLOAT8_INT4),
    CAST(F_FLOAT8_INT8),
    CAST(F_FLOAT8_FLOAT4),
    CAST(F_FLOAT8_NUMERIC),
    CAST(F_NUMERIC_INT2),
    CAST(F_NUMERIC_INT4),
    CAST(F_NUMERIC_INT8),
    CAST(F_NUMERIC_FLOAT4),
    CAST(F_NUMERIC_FLOAT8),
    CAST(F_NUMERIC_NUMERIC_INT4),
    CAST(F_BOOL_INT4),
    CAST(F_TEXT_BOOL),
    CAST(F_TEXT_BPCHAR),
    CAST(F_TIMESTAMP_DATE),
    CAST(F_TIMESTAMP_TIMESTAMP_INT4),
    CAST(F_TIMESTAMPTZ_TIMESTAMPTZ_INT4),
};

static const IdcType boolean = { IDC_TYPE_BOOL, -1 };

static const char WHY_TWO_TYPES[] = "its operands are of two types that have no common one";

static const Call *
find_call(Oid function)
{
    for (size_t i = 0; i < lengthof(calls); i++)
        if (calls[i].function == function)
            return &calls[i];
    return NULL;
}

bool
fdw_comparison(Oid function, IdcCompare *op)
{
    const Call *call = find_call(function);

    if (call == NULL || call->kind != CALL_COMPARE)
        return false;
    *op = (IdcCompare) call->op;
    return true;
}

static const IdcExpr *
two_of(FdwTranslation *translation, IdcExprKind kind, int op, IdcType type, IdcCollation collation,
       Node *left, Node *right)
{
    const IdcExpr *args[2] = { NULL, NULL };

    args[0] = fdw_translate_node(translation, left);
    args[1] = args[0] == NULL ? NULL : fdw_translate_node(translation, right);
    if (args[1] == NULL)
        return NULL;
    return fdw_expr_made(translation->arena, kind, op, type, collation, args, 2);
}

/* A value stands on the right side: adapters need not look for it on both. */
const IdcExpr *
fdw_translate_comparison(FdwTranslation *translation, IdcCompare op, Node *left, Node *right,
                         Oid collation)
{
    IdcCollation by = fdw_collation(collation);
    Node *day;

    if (by == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    if (fdw_is_value(translation, left) && !fdw_is_value(translation, right)) {
        Node *value = left;

        left = right;
        right = value;
        op = idc_compare_turned(op);
    }
    day = fdw_type(exprType(left), -1).oid == IDC_TYPE_DATE && fdw_is_value(translation, right)
              ? fdw_day_beside(op, right)
              : NULL;
    if (day != NULL)
        right = day;
    if (!fdw_match_operands(translation, true, &left, &right))
        return fdw_untranslatable(translation, WHY_TWO_TYPES);
    return two_of(translation, IDC_EXPR_COMPARE, op, boolean, by, left, right);
}

static const IdcExpr *
translate_like(FdwTranslation *translation, const Call *call, List *args, Oid collation)
{
    IdcCollation by = fdw_collation(collation);
    const IdcExpr *made;

    if (by == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    made = two_of(translation, IDC_EXPR_LIKE, call->op, boolean, by, linitial(args), lsecond(args));
    if (made == NULL || call->kind == CALL_LIKE)
        return made;
    return fdw_expr_made(translation->arena, IDC_EXPR_NOT, 0, boolean, IDC_COLLATION_NONE, &made,
                         1);
}

static const IdcExpr *
translate_arithmetic(FdwTranslation *translation, const Call *call, List *args, const Node *node)
{
    Node *left = linitial(args), *right = list_length(args) == 2 ? lsecond(args) : NULL;
    IdcType type = { fdw_type(exprType(node), -1).oid, -1 };
    const IdcExpr *arg;

    if (right != NULL) {
        if (!fdw_match_operands(translation, false, &left, &right) ||
            fdw_type(exprType(left), -1).oid != type.oid ||
            fdw_type(exprType(right), -1).oid != type.oid)
            return fdw_untranslatable(translation, WHY_TWO_TYPES);
        return two_of(translation, IDC_EXPR_ARITHMETIC, call->op, type, IDC_COLLATION_NONE, left,
                      right);
    }
    arg = fdw_translate_node(translation, left);
    if (arg == NULL)
        return NULL;
    return fdw_expr_made(translation->arena, IDC_EXPR_ARITHMETIC, call->op, type,
                         IDC_COLLATION_NONE, &arg, 1);
}

/* date_trunc('Month', x): the word as a constant in lower case. */
static const IdcExpr *
unit_of(FdwTranslation *translation, Node *node)
{
    static const IdcType word_type = { IDC_TYPE_TEXT, -1 };
    char *word, *lowered;
    const IdcExpr *made;
    IdcError err;

    if (!IsA(node, Const) || ((Const *) node)->constisnull)
        return fdw_untranslatable(translation, "its unit is not a constant");
    word = TextDatumGetCString(((Const *) node)->constvalue);
    lowered = downcase_truncate_identifier(word, (int) strlen(word), false);
    made = idc_expr_constant(translation->arena, word_type,
                             idc_arena_strdup(translation->arena, lowered));
    if (made == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    return made;
}

enum { MAX_ARGS = 3 };

static const IdcExpr *
translate_function(FdwTranslation *translation, const Call *call, List *nodes, const Node *node,
                   Oid collation)
{
    IdcCollation by = fdw_collation(collation);
    const IdcExpr *args[MAX_ARGS];
    size_t count = 0;
    ListCell *cell;

    if (by == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    if (list_length(nodes) > MAX_ARGS)
        return fdw_untranslatable(translation, "a function that sources do not know");
    foreach (cell, nodes) {
        args[count] = call->kind == CALL_OF_MOMENT && count == 0
                          ? unit_of(translation, lfirst(cell))
                          : fdw_translate_node(translation, lfirst(cell));
        if (args[count++] == NULL)
            return NULL;
    }
    return fdw_expr_made(translation->arena, IDC_EXPR_FUNCTION, call->op,
                         fdw_type(exprType(node), exprTypmod(node)), by, args, count);
}

static const IdcExpr *
translate_cast(FdwTranslation *translation, List *args, const Node *node)
{
    const IdcExpr *arg = fdw_translate_node(translation, linitial(args));

    if (arg == NULL)
        return NULL;
    return fdw_expr_made(translation->arena, IDC_EXPR_CAST, 0,
                         fdw_type(exprType(node), exprTypmod(node)), IDC_COLLATION_NONE, &arg, 1);
}

static const IdcExpr *
translate_known(FdwTranslation *translation, const Call *call, List *args, Node *node,
                Oid collation)
{
    switch ((CallKind) call->kind) {
    case CALL_COMPARE:
        return fdw_translate_comparison(translation, (IdcCompare) call->op, linitial(args),
                                        lsecond(args), collation);
    case CALL_LIKE:
    case CALL_NOT_LIKE:
        return translate_like(translation, call, args, collation);
    case CALL_ARITHMETIC:
        return translate_arithmetic(translation, call, args, node);
    case CALL_FUNCTION:
    case CALL_OF_MOMENT:
        return translate_function(translation, call, args, node, collation);
    default:
        return translate_cast(translation, args, node);
    }
}

const IdcExpr *
fdw_translate_call(FdwTranslation *translation, Oid function, List *args, Node *node, Oid collation)
{
    const Call *call = find_call(function);
    const IdcExpr *made;

    if (call == NULL)
        return fdw_translate_builtin_node(translation, node);
    made = translate_known(translation, call, args, node, collation);
    /* Nothing else of it was translated then. */
    if (made == NULL && translation->why == WHY_TWO_TYPES)
        return fdw_translate_builtin_node(translation, node);
    return made;
}
