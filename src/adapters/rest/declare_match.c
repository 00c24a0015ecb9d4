/*
 * declare_match.c - which parameter of the API a conjunct becomes, and how far it can be trusted.
 */
#include "adapters/rest/rest.h"

#include <ctype.h>
#include <string.h>

static const char why_not_declared[] = "no parameter of the API is declared for it";
static const char why_form[] = "not of a form that a parameter can take";
static const char why_type[] = "values of this type cannot be compared by an API";
static const char why_collation[] = "texts are ordered or compared by a locale here";
static const char why_list[] = "the list is too long for one request each";
static const char why_split[] = "values of this type cannot be told apart in several answers";
static const char why_not_exact[] = "the API's comparison is not declared exact (param_exact)";
static const char why_like[] = "a parameter for LIKE narrows only";
static const char why_wider[] = "the parameter narrows to a wider range";

/* IN without a parameter for lists is a request for each value: only for a few. */
enum { MAX_SINGLE_REQUESTS = 100 };

static const IdcExpr bool_values[2] = {
    { .kind = IDC_EXPR_CONSTANT, .type = { IDC_TYPE_BOOL, -1 }, .text = "f" },
    { .kind = IDC_EXPR_CONSTANT, .type = { IDC_TYPE_BOOL, -1 }, .text = "t" },
};

/* What the conjunct says, before options are looked at. */
typedef struct Said {
    const IdcExpr *column;
    IdcRestUse use;
    const IdcExpr *const *values;
    size_t value_count;
    const IdcExpr *value;
    IdcCollation collation;
    bool is_prefix; /* starts_with(): the value is no pattern */
} Said;

static const IdcExpr *
as_column(const IdcExpr *expr)
{
    /* varchar is text but for its length, so a cast between them changes nothing. */
    if (expr->kind == IDC_EXPR_CAST && expr->type.oid == IDC_TYPE_TEXT && expr->type.modifier < 0 &&
        (expr->args[0]->type.oid == IDC_TYPE_VARCHAR || expr->args[0]->type.oid == IDC_TYPE_NAME))
        expr = expr->args[0];
    return expr->kind == IDC_EXPR_COLUMN ? expr : NULL;
}

/* Types whose values compare as those of the same number do. */
uint32_t
idc_rest_type_family(uint32_t oid)
{
    switch (oid) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
        return IDC_TYPE_INT8;
    case IDC_TYPE_TEXT:
    case IDC_TYPE_VARCHAR:
    case IDC_TYPE_NAME:
        return IDC_TYPE_TEXT;
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
        return IDC_TYPE_FLOAT8;
    default:
        return oid;
    }
}

bool
idc_rest_is_comparable(uint32_t oid)
{
    switch (oid) {
    case IDC_TYPE_BYTEA:
    case IDC_TYPE_JSON:
    case IDC_TYPE_JSONB:
    case IDC_TYPE_BPCHAR: /* blanks at the end count for an API */
    case IDC_TYPE_INTERVAL:
    case IDC_TYPE_TIMETZ:
        return false;
    default:
        return true;
    }
}

/*
 * Where a list is split, an API that compares loosely gives a row in two answers: scan.c keeps it
 * in the one whose values it equals, and must be able to say which.
 */
static bool
is_checkable(uint32_t oid)
{
    return oid != IDC_TYPE_OTHER && oid != IDC_TYPE_INET;
}

static bool
say_compare(const IdcExpr *expr, Said *said)
{
    static const IdcRestUse forward[] = { [IDC_EQ] = IDC_REST_EQ,
                                          [IDC_LT] = IDC_REST_LT,
                                          [IDC_LE] = IDC_REST_LE,
                                          [IDC_GT] = IDC_REST_GT,
                                          [IDC_GE] = IDC_REST_GE };
    static const IdcRestUse backward[] = { [IDC_EQ] = IDC_REST_EQ,
                                           [IDC_LT] = IDC_REST_GT,
                                           [IDC_LE] = IDC_REST_GE,
                                           [IDC_GT] = IDC_REST_LT,
                                           [IDC_GE] = IDC_REST_LE };
    const IdcExpr *left = as_column(expr->args[0]);
    const IdcExpr *right = as_column(expr->args[1]);

    if (expr->op > IDC_GE || expr->op == IDC_NE)
        return false;
    if (left != NULL && idc_expr_is_single_value(expr->args[1])) {
        *said = (Said){ .column = left, .use = forward[expr->op], .value = expr->args[1] };
        return true;
    }
    if (right != NULL && idc_expr_is_single_value(expr->args[0])) {
        *said = (Said){ .column = right, .use = backward[expr->op], .value = expr->args[0] };
        return true;
    }
    return false;
}

static bool
say_in(const IdcExpr *expr, Said *said)
{
    const IdcExpr *column = as_column(expr->args[0]);
    bool is_list =
        expr->arg_count == 2 && expr->args[1]->kind == IDC_EXPR_PARAMETER && expr->args[1]->is_list;

    if (column == NULL)
        return false;
    for (size_t i = 1; i < expr->arg_count && !is_list; i++)
        if (!idc_expr_is_single_value(expr->args[i]))
            return false;
    *said = (Said){ .column = column,
                    .use = IDC_REST_IN,
                    .values = expr->args + 1,
                    .value_count = expr->arg_count - 1 };
    return true;
}

/* A boolean column by itself, NOT of it, IS TRUE, IS FALSE. */
static bool
say_bool(const IdcExpr *expr, Said *said)
{
    bool wanted = true;

    if (expr->kind == IDC_EXPR_NOT) {
        wanted = false;
        expr = expr->args[0];
    } else if (expr->kind == IDC_EXPR_IS_TRUE) {
        wanted = expr->op == 0;
        expr = expr->args[0];
    }
    if (expr->kind != IDC_EXPR_COLUMN || expr->type.oid != IDC_TYPE_BOOL)
        return false;
    *said = (Said){ .column = expr, .use = IDC_REST_EQ, .value = &bool_values[wanted] };
    return true;
}

static bool
say(const IdcExpr *expr, Said *said)
{
    bool is_like = expr->kind == IDC_EXPR_LIKE && expr->op == 0;
    bool is_prefix = expr->kind == IDC_EXPR_FUNCTION && expr->op == IDC_FN_STARTS_WITH;

    if (expr->kind == IDC_EXPR_COMPARE)
        return say_compare(expr, said);
    if (expr->kind == IDC_EXPR_IN)
        return say_in(expr, said);
    if (!is_like && !is_prefix)
        return say_bool(expr, said);
    if (as_column(expr->args[0]) == NULL || !idc_expr_is_single_value(expr->args[1]))
        return false;
    *said = (Said){ .column = as_column(expr->args[0]),
                    .use = IDC_REST_LIKE,
                    .value = expr->args[1],
                    .is_prefix = is_prefix };
    return true;
}

/* The parameter for a use: its own, or one that narrows to more rows. */
static const char *
choose(const IdcRestColumn *column, const Said *said, IdcRestMatch *match)
{
    const char *const *params = column->params;

    match->use = said->use;
    match->is_in = said->use == IDC_REST_IN;
    if (said->use == IDC_REST_EQ && params[IDC_REST_EQ] == NULL) {
        match->use = IDC_REST_IN;
    } else if (said->use == IDC_REST_IN && params[IDC_REST_IN] == NULL) {
        match->use = IDC_REST_EQ;
    } else if (said->use == IDC_REST_GT && params[IDC_REST_GT] == NULL) {
        match->use = IDC_REST_GE;
        match->why = why_wider;
    } else if (said->use == IDC_REST_LT && params[IDC_REST_LT] == NULL) {
        match->use = IDC_REST_LE;
        match->why = why_wider;
    } else if (said->use == IDC_REST_LIKE) {
        match->why = why_like;
    }
    return params[match->use];
}

static const char *
type_problem(const Said *said, const IdcRelationColumn *column)
{
    bool is_order = said->use >= IDC_REST_GT && said->use <= IDC_REST_LE;
    bool is_text = idc_rest_type_family(column->type.oid) == IDC_TYPE_TEXT ||
                   column->type.oid == IDC_TYPE_OTHER;
    const IdcExpr *value = said->value != NULL ? said->value : said->values[0];

    if (!idc_rest_is_comparable(column->type.oid) ||
        idc_rest_type_family(value->type.oid) != idc_rest_type_family(column->type.oid))
        return why_type;
    if (said->use == IDC_REST_LIKE && !is_text)
        return why_type;
    if (said->collation == IDC_COLLATION_LOOSE)
        return why_collation;
    if (is_order && is_text && said->collation != IDC_COLLATION_C)
        return why_collation;
    return NULL;
}

/* A constant that has no form for the API: known now, so it is not even tried. */
static bool
has_form(const IdcRestColumn *column, const IdcExpr *value)
{
    IdcText text;
    bool has;

    if (value->kind != IDC_EXPR_CONSTANT || value->text == NULL)
        return true;
    idc_text_init(&text, 0);
    has = idc_rest_value(value->type, column->time, value->text, &text);
    idc_text_done(&text);
    return has;
}

static bool
narrows(const IdcRestColumn *column, const IdcExpr *pattern)
{
    IdcText text;
    bool does;

    if (pattern->kind != IDC_EXPR_CONSTANT || pattern->text == NULL)
        return true;
    idc_text_init(&text, 0);
    does = idc_rest_like_value(column->like, pattern->text, &text);
    idc_text_done(&text);
    return does;
}

static bool
values_have_forms(const IdcRestMatch *match)
{
    if (match->use == IDC_REST_LIKE)
        return match->is_prefix ? match->column.like != IDC_REST_LIKE_SQL
                                : narrows(&match->column, match->value);
    for (size_t i = 0; i < match->value_count; i++)
        if (!has_form(&match->column, idc_rest_match_value(match, i)))
            return false;
    return true;
}

static IdcRestPlace
place_of(const IdcRestTable *table, const char *param)
{
    if (idc_rest_has_placeholder(table->endpoint, param))
        return IDC_REST_IN_PATH;
    if (table->body != NULL && idc_rest_has_placeholder(table->body, param))
        return IDC_REST_IN_BODY;
    return IDC_REST_IN_QUERY;
}

/* Everything but the values: false and match->why if it is none. */
static bool
match_param(const IdcRestTable *table, const IdcRelation *scan, const IdcExpr *conjunct,
            IdcRestMatch *match)
{
    Said said;
    const IdcRelationColumn *column;
    const char *problem;

    *match = (IdcRestMatch){ .push = IDC_PUSH_NO, .why = why_form };
    if (!say(conjunct, &said) || (size_t) said.column->index >= scan->column_count)
        return false;
    said.collation = conjunct->collation;
    column = &scan->columns[said.column->index];
    match->why = NULL;
    match->column_index = (size_t) said.column->index;
    idc_rest_column_read(table, column, &match->column);
    match->param = choose(&match->column, &said, match);
    match->is_prefix = said.is_prefix;
    match->value = said.value;
    match->values = said.values;
    match->value_count = said.values != NULL ? said.value_count : 1;
    problem = match->param == NULL ? why_not_declared : type_problem(&said, column);
    if (problem != NULL) {
        match->why = problem;
        return false;
    }
    match->place = place_of(table, match->param);
    /* Where rows do not hold the value, they must be of one. */
    match->batch = match->use == IDC_REST_IN && match->place != IDC_REST_IN_PATH &&
                           !match->column.is_from_request
                       ? match->column.in_batch
                       : 1;
    return true;
}

const char *
idc_rest_match_refusal(const IdcRelation *scan, const IdcRestMatch *match)
{
    if (!values_have_forms(match))
        return why_form;
    if (!match->is_in || match->column.is_from_request)
        return NULL;
    if (match->batch == 1 && match->value_count > MAX_SINGLE_REQUESTS && !match->column.is_required)
        return why_list;
    if (!match->column.is_exact && !is_checkable(scan->columns[match->column_index].type.oid) &&
        (idc_rest_match_is_open(match) || (int64_t) match->value_count > match->batch))
        return why_split;
    return NULL;
}

void
idc_rest_match(const IdcRestTable *table, const IdcRelation *scan, const IdcExpr *conjunct,
               IdcRestMatch *match)
{
    bool is_equality;

    if (!match_param(table, scan, conjunct, match))
        return;
    is_equality = match->use == IDC_REST_EQ || match->use == IDC_REST_IN;
    match->push = IDC_PUSH_EXACT;
    if (is_equality && match->column.is_from_request) {
        match->why = NULL;
    } else if (match->why != NULL) {
        match->push = IDC_PUSH_SUPERSET;
    } else if (!match->column.is_exact) {
        match->push = IDC_PUSH_SUPERSET;
        match->why = why_not_exact;
    }
}
