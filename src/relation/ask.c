/*
 * ask.c - questions about trees that change nothing.
 */
#include "relation/ask.h"

#include <string.h>

const IdcRelationColumn *
idc_ask_column(const IdcRelation *input, size_t index)
{
    if (input == NULL)
        return NULL;
    if (index < input->column_count)
        return &input->columns[index];
    if (input->kind != IDC_REL_JOIN || input->right == NULL || index < input->column_count ||
        index - input->column_count >= input->right->column_count ||
        (input->join != IDC_JOIN_SEMI && input->join != IDC_JOIN_ANTI))
        return NULL;
    return &input->right->columns[index - input->column_count];
}

bool
idc_ask_has_columns(const IdcRelation *relation)
{
    switch (relation->kind) {
    case IDC_REL_SCAN:
    case IDC_REL_PROJECT:
    case IDC_REL_AGGREGATE:
    case IDC_REL_WINDOW:
        return true;
    case IDC_REL_JOIN:
        return relation->join != IDC_JOIN_SEMI && relation->join != IDC_JOIN_ANTI;
    default:
        return false;
    }
}

static bool
text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
idc_expr_equal(const IdcExpr *a, const IdcExpr *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind || a->op != b->op ||
        a->type.oid != b->type.oid || a->type.modifier != b->type.modifier ||
        a->collation != b->collation || a->index != b->index || a->is_list != b->is_list ||
        a->arg_count != b->arg_count || !text_equal(a->text, b->text))
        return false;
    for (size_t i = 0; i < a->arg_count; i++)
        if (!idc_expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

bool
idc_expr_is_value(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT || expr->kind == IDC_EXPR_PARAMETER;
}

bool
idc_expr_is_single_value(const IdcExpr *expr)
{
    return idc_expr_is_value(expr) && !expr->is_list;
}

IdcCompare
idc_compare_turned(IdcCompare op)
{
    switch (op) {
    case IDC_LT:
        return IDC_GT;
    case IDC_LE:
        return IDC_GE;
    case IDC_GT:
        return IDC_LT;
    case IDC_GE:
        return IDC_LE;
    default:
        return op;
    }
}

void
idc_expr_walk(const IdcExpr *expr, bool (*visit)(const IdcExpr *expr, void *arg), void *arg)
{
    if (!visit(expr, arg))
        return;
    for (size_t i = 0; i < expr->arg_count; i++)
        idc_expr_walk(expr->args[i], visit, arg);
}

const IdcRelation *
idc_relation_base(const IdcRelation *relation)
{
    while (relation->kind != IDC_REL_SCAN)
        relation = relation->input;
    return relation;
}

static void
visit_optional(const IdcExpr *expr, IdcExprVisit visit, void *arg)
{
    if (expr != NULL)
        visit(expr, arg);
}

static void
visit_keys(const IdcSortKey *keys, size_t count, IdcExprVisit visit, void *arg)
{
    for (size_t i = 0; i < count; i++)
        visit(keys[i].expr, arg);
}

static void
visit_aggregate(const IdcAggregate *aggregate, IdcExprVisit visit, void *arg)
{
    visit_optional(aggregate->arg, visit, arg);
    visit_optional(aggregate->filter, visit, arg);
    for (size_t i = 0; i < aggregate->arg_count; i++)
        visit(aggregate->args[i], arg);
    visit_keys(aggregate->order, aggregate->order_count, visit, arg);
}

static void
visit_window(const IdcWindow *window, IdcExprVisit visit, void *arg)
{
    visit_aggregate(&window->function, visit, arg);
    for (size_t i = 0; i < window->partition_count; i++)
        visit(window->partition[i], arg);
    visit_keys(window->order, window->order_count, visit, arg);
    visit_optional(window->start_offset, visit, arg);
    visit_optional(window->end_offset, visit, arg);
}

void
idc_ask_each_expr(const IdcRelation *relation, IdcExprVisit visit, void *arg)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        visit(relation->exprs[i], arg);
    for (size_t i = 0; i < relation->aggregate_count; i++)
        visit_aggregate(&relation->aggregates[i], visit, arg);
    for (size_t i = 0; i < relation->window_count; i++)
        visit_window(&relation->windows[i], visit, arg);
    visit_keys(relation->sort_keys, relation->sort_key_count, visit, arg);
    visit_optional(relation->limit, visit, arg);
    visit_optional(relation->offset, visit, arg);
}

static bool
note_call(const IdcExpr *expr, void *arg)
{
    bool *has_calls = arg;

    *has_calls |= expr->kind == IDC_EXPR_CALL;
    return !*has_calls;
}

static void
note_calls(const IdcExpr *expr, void *arg)
{
    idc_expr_walk(expr, note_call, arg);
}

bool
idc_relation_has_calls(const IdcRelation *relation)
{
    bool has_calls = relation->kind == IDC_REL_WINDOW;

    for (size_t i = 0; i < relation->aggregate_count; i++)
        has_calls |= relation->aggregates[i].kind == IDC_AGG_CALL;
    idc_ask_each_expr(relation, note_calls, &has_calls);
    return has_calls;
}

static bool
count_parameter(const IdcExpr *expr, void *arg)
{
    size_t *count = arg;

    if (expr->kind == IDC_EXPR_PARAMETER && expr->index >= 0 && (size_t) expr->index + 1 > *count)
        *count = (size_t) expr->index + 1;
    return true;
}

static void
count_parameters(const IdcExpr *expr, void *arg)
{
    idc_expr_walk(expr, count_parameter, arg);
}

size_t
idc_relation_parameter_count(const IdcRelation *relation)
{
    size_t count = 0, right_count = 0;

    if (relation->input != NULL)
        count = idc_relation_parameter_count(relation->input);
    if (relation->right != NULL)
        right_count = idc_relation_parameter_count(relation->right);
    if (right_count > count)
        count = right_count;
    idc_ask_each_expr(relation, count_parameters, &count);
    return count;
}

const char *
idc_option_value(const IdcOptionSet *options, const char *name)
{
    for (size_t i = 0; options != NULL && i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return options->items[i].value;
    return NULL;
}
