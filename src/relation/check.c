/*
 * check.c - does a tree of relations have a meaning?
 */
#include "relation/check.h"

#include <stdarg.h>
#include <stdio.h>

/* More than any frame can hold: a bound for trees whose parts are shared. */
enum { MAX_NODES = 4 * 1024 * 1024 };

IdcStatus
idc_check_fail(IdcCheck *check, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return idc_fail(check->err, IDC_BAD_VALUE, "a relation has no meaning: %s", message);
}

IdcStatus
idc_check_enter(IdcCheck *check)
{
    if (check->depth >= IDC_RELATION_MAX_DEPTH)
        return idc_check_fail(check, "it is more than %d nodes deep", IDC_RELATION_MAX_DEPTH);
    if (check->node_count >= MAX_NODES)
        return idc_check_fail(check, "it has more than %d nodes", MAX_NODES);
    check->depth++;
    check->node_count++;
    return IDC_OK;
}

static IdcStatus
check_options(IdcCheck *check, const IdcOptionSet *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (options->items[i].name == NULL || options->items[i].value == NULL)
            return idc_check_fail(check, "an option has no name or no value");
    return IDC_OK;
}

static IdcStatus
check_columns(IdcCheck *check, const IdcRelation *relation)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < relation->column_count; i++) {
        const IdcRelationColumn *column = &relation->columns[i];

        if (column->name == NULL)
            return idc_check_fail(check, "column %zu has no name", i + 1);
        if ((unsigned) column->collation > IDC_COLLATION_LOOSE || column->type.modifier < -1)
            return idc_check_fail(check, "column %zu has an unknown collation or modifier", i + 1);
        status = check_options(check, &column->options);
    }
    return status;
}

static IdcStatus
check_scan(IdcCheck *check, const IdcRelation *relation)
{
    if ((relation->name == NULL) == (relation->native == NULL))
        return idc_check_fail(check, "a scan has either a name or a native request");
    if ((unsigned) relation->lock >= IDC_LOCK_COUNT ||
        (unsigned) relation->lock_wait >= IDC_LOCK_WAIT_COUNT ||
        (relation->lock == IDC_LOCK_NONE && relation->lock_wait != IDC_LOCK_WAIT) ||
        (relation->lock != IDC_LOCK_NONE && relation->name == NULL))
        return idc_check_fail(check, "a scan has no such lock");
    return check_options(check, &relation->options);
}

static IdcStatus
check_conditions(IdcCheck *check, const IdcRelation *relation, const IdcRelation *input)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < relation->expr_count; i++)
        status = idc_check_condition(check, relation->exprs[i], input);
    return status;
}

static bool
type_equal(IdcType a, IdcType b)
{
    return a.oid == b.oid && a.modifier == b.modifier;
}

/* Expressions that are the first columns. */
static IdcStatus
check_outputs(IdcCheck *check, const IdcRelation *relation)
{
    IdcStatus status = IDC_OK;

    if (relation->column_count != relation->expr_count + relation->aggregate_count)
        return idc_check_fail(check, "%zu columns come of %zu expressions", relation->column_count,
                              relation->expr_count + relation->aggregate_count);
    for (size_t i = 0; status == IDC_OK && i < relation->expr_count; i++) {
        status = idc_check_expr(check, relation->exprs[i], relation->input);
        if (status == IDC_OK && !type_equal(relation->exprs[i]->type, relation->columns[i].type))
            status =
                idc_check_fail(check, "column %zu is not of the type of its expression", i + 1);
    }
    return status;
}

/* The OID of what sum and avg return for a type, or 0: there is none. */
static uint32_t
sum_type(bool is_avg, uint32_t arg)
{
    switch (arg) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
        return is_avg ? IDC_TYPE_NUMERIC : IDC_TYPE_INT8;
    case IDC_TYPE_INT8:
    case IDC_TYPE_NUMERIC:
        return IDC_TYPE_NUMERIC;
    case IDC_TYPE_FLOAT4:
        return is_avg ? IDC_TYPE_FLOAT8 : IDC_TYPE_FLOAT4;
    case IDC_TYPE_FLOAT8:
        return IDC_TYPE_FLOAT8;
    case IDC_TYPE_INTERVAL:
        return IDC_TYPE_INTERVAL;
    default:
        return 0;
    }
}

static bool
aggregate_fits(const IdcAggregate *aggregate)
{
    uint32_t result = aggregate->type.oid;
    uint32_t arg = aggregate->arg == NULL ? 0 : aggregate->arg->type.oid;

    switch (aggregate->kind) {
    case IDC_AGG_COUNT_ROWS:
        return aggregate->arg == NULL && !aggregate->is_distinct && result == IDC_TYPE_INT8;
    case IDC_AGG_COUNT:
        return aggregate->arg != NULL && result == IDC_TYPE_INT8;
    case IDC_AGG_SUM:
    case IDC_AGG_AVG:
        return result != 0 && result == sum_type(aggregate->kind == IDC_AGG_AVG, arg);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        return aggregate->arg != NULL && result != 0 && idc_check_is_same(result, arg);
    case IDC_AGG_CALL:
        return aggregate->arg == NULL && result != 0;
    default:
        return arg == IDC_TYPE_BOOL && result == IDC_TYPE_BOOL;
    }
}

static IdcStatus
check_keys(IdcCheck *check, const IdcSortKey *keys, size_t count, const IdcRelation *input)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < count; i++) {
        if ((unsigned) keys[i].collation >= IDC_COLLATION_LOOSE)
            return idc_check_fail(check, "sort key %zu has no order", i + 1);
        status = idc_check_expr(check, keys[i].expr, input);
        if (status == IDC_OK && keys[i].expr->type.oid == IDC_TYPE_OTHER)
            status =
                idc_check_fail(check, "sort key %zu is of a type without a known order", i + 1);
    }
    return status;
}

/* What only a CALL has. */
static IdcStatus
check_call(IdcCheck *check, const IdcAggregate *aggregate, const IdcRelation *input)
{
    IdcStatus status = IDC_OK;

    if (aggregate->kind != IDC_AGG_CALL) {
        if (aggregate->name != NULL || aggregate->arg_count > 0 || aggregate->order_count > 0 ||
            aggregate->is_within_group)
            return idc_check_fail(check, "an aggregate has parts that it cannot have");
        return IDC_OK;
    }
    if (!idc_check_is_function_name(aggregate->name))
        return idc_check_fail(check, "an aggregate has no name");
    if (aggregate->is_within_group && (aggregate->order_count == 0 || aggregate->is_distinct))
        return idc_check_fail(check, "an aggregate within a group has no order");
    for (size_t i = 0; status == IDC_OK && i < aggregate->arg_count; i++)
        status = idc_check_expr(check, aggregate->args[i], input);
    if (status == IDC_OK)
        status = check_keys(check, aggregate->order, aggregate->order_count, input);
    return status;
}

static IdcStatus
check_aggregate(IdcCheck *check, const IdcAggregate *aggregate, IdcType type,
                const IdcRelation *input)
{
    IdcStatus status = IDC_OK;

    if ((unsigned) aggregate->kind >= IDC_AGG_KIND_COUNT ||
        (unsigned) aggregate->collation > IDC_COLLATION_LOOSE)
        return idc_check_fail(check, "an aggregate is unknown");
    if (aggregate->arg != NULL)
        status = idc_check_expr(check, aggregate->arg, input);
    if (status == IDC_OK && aggregate->filter != NULL)
        status = idc_check_condition(check, aggregate->filter, input);
    if (status == IDC_OK)
        status = check_call(check, aggregate, input);
    if (status != IDC_OK)
        return status;
    if (!aggregate_fits(aggregate) || !type_equal(aggregate->type, type))
        return idc_check_fail(check, "an aggregate has the wrong argument or type");
    if ((aggregate->is_distinct || aggregate->kind == IDC_AGG_MIN ||
         aggregate->kind == IDC_AGG_MAX || aggregate->kind == IDC_AGG_CALL) &&
        aggregate->collation == IDC_COLLATION_LOOSE)
        return idc_check_fail(check, "an aggregate compares by a loose collation");
    return IDC_OK;
}

static IdcStatus
check_sort(IdcCheck *check, const IdcRelation *relation)
{
    if (relation->sort_key_count == 0)
        return idc_check_fail(check, "a sort has no keys");
    return check_keys(check, relation->sort_keys, relation->sort_key_count, relation->input);
}

static IdcStatus
check_bound(IdcCheck *check, const IdcExpr *expr)
{
    IdcStatus status;

    if (expr == NULL)
        return IDC_OK;
    status = idc_check_expr(check, expr, NULL);
    if (status != IDC_OK)
        return status;
    if (expr->type.oid != IDC_TYPE_INT8 ||
        (expr->kind != IDC_EXPR_PARAMETER && expr->kind != IDC_EXPR_CONSTANT) ||
        (expr->kind == IDC_EXPR_CONSTANT && !idc_ask_is_row_count(expr->text)))
        return idc_check_fail(check, "a limit or offset is not a number of rows");
    return IDC_OK;
}

static IdcStatus
check_join(IdcCheck *check, const IdcRelation *relation)
{
    size_t left = relation->input->column_count, right = relation->right->column_count;

    if (idc_ask_has_columns(relation)) {
        if (relation->column_count != left + right)
            return idc_check_fail(check, "a join of %zu and %zu columns has %zu", left, right,
                                  relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++)
            if (!type_equal(relation->columns[i].type,
                            i < left ? relation->input->columns[i].type
                                     : relation->right->columns[i - left].type))
                return idc_check_fail(check, "column %zu of a join changes its type", i + 1);
    }
    return check_conditions(check, relation, relation);
}

static bool
frame_fits(const IdcWindow *window)
{
    bool has_start = window->start == IDC_FRAME_PRECEDING || window->start == IDC_FRAME_FOLLOWING;
    bool has_end = window->end == IDC_FRAME_PRECEDING || window->end == IDC_FRAME_FOLLOWING;

    return (unsigned) window->mode <= IDC_FRAME_GROUPS &&
           (unsigned) window->start < IDC_FRAME_UNBOUNDED_FOLLOWING &&
           (unsigned) window->end < IDC_FRAME_BOUND_COUNT &&
           window->end != IDC_FRAME_UNBOUNDED_PRECEDING && window->start <= window->end &&
           (unsigned) window->exclusion < IDC_EXCLUSION_COUNT &&
           has_start == (window->start_offset != NULL) && has_end == (window->end_offset != NULL);
}

/* An offset is the same for all rows. */
static IdcStatus
check_offset(IdcCheck *check, const IdcExpr *offset)
{
    return offset == NULL ? IDC_OK : idc_check_expr(check, offset, NULL);
}

static IdcStatus
check_window(IdcCheck *check, const IdcWindow *window, IdcType type, const IdcRelation *input)
{
    IdcStatus status;

    if (!frame_fits(window))
        return idc_check_fail(check, "a window has no such frame");
    if (window->function.is_distinct || window->function.order_count > 0)
        return idc_check_fail(check, "a window function has an order of its own");
    status = check_aggregate(check, &window->function, type, input);
    for (size_t i = 0; status == IDC_OK && i < window->partition_count; i++) {
        status = idc_check_expr(check, window->partition[i], input);
        if (status == IDC_OK && (window->partition[i]->collation == IDC_COLLATION_LOOSE ||
                                 window->partition[i]->type.oid == IDC_TYPE_JSON))
            status = idc_check_fail(check, "a window's parts cannot be told from each other");
    }
    if (status == IDC_OK)
        status = check_keys(check, window->order, window->order_count, input);
    if (status == IDC_OK)
        status = check_offset(check, window->start_offset);
    return status == IDC_OK ? check_offset(check, window->end_offset) : status;
}

static IdcStatus
check_windows(IdcCheck *check, const IdcRelation *relation)
{
    size_t input_count = relation->input->column_count;
    IdcStatus status = IDC_OK;

    if (relation->window_count == 0 ||
        relation->column_count != input_count + relation->window_count)
        return idc_check_fail(check, "%zu columns come of %zu windows over %zu",
                              relation->column_count, relation->window_count, input_count);
    for (size_t i = 0; i < input_count; i++)
        if (!type_equal(relation->columns[i].type, relation->input->columns[i].type))
            return idc_check_fail(check, "column %zu changes its type", i + 1);
    for (size_t i = 0; status == IDC_OK && i < relation->window_count; i++)
        status = check_window(check, &relation->windows[i], relation->columns[input_count + i].type,
                              relation->input);
    return status;
}

/* The first columns are compared for being equal. */
static IdcStatus
check_equalities(IdcCheck *check, const IdcRelation *relation, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (relation->columns[i].collation == IDC_COLLATION_LOOSE ||
            relation->columns[i].type.oid == IDC_TYPE_JSON)
            return idc_check_fail(check, "column %zu cannot be compared for being equal", i + 1);
    return IDC_OK;
}

static IdcStatus
check_kind(IdcCheck *check, const IdcRelation *relation)
{
    IdcStatus status;

    switch (relation->kind) {
    case IDC_REL_SCAN:
        return check_scan(check, relation);
    case IDC_REL_FILTER:
        if (relation->expr_count == 0)
            return idc_check_fail(check, "a filter has no condition");
        return check_conditions(check, relation, relation->input);
    case IDC_REL_PROJECT:
        return check_outputs(check, relation);
    case IDC_REL_DISTINCT:
        return check_equalities(check, relation, relation->column_count);
    case IDC_REL_AGGREGATE:
        status = check_outputs(check, relation);
        if (status == IDC_OK)
            status = check_equalities(check, relation, relation->expr_count);
        for (size_t i = 0; status == IDC_OK && i < relation->aggregate_count; i++)
            status =
                check_aggregate(check, &relation->aggregates[i],
                                relation->columns[relation->expr_count + i].type, relation->input);
        return status;
    case IDC_REL_SORT:
        return check_sort(check, relation);
    case IDC_REL_LIMIT:
        status = check_bound(check, relation->limit);
        return status == IDC_OK ? check_bound(check, relation->offset) : status;
    case IDC_REL_JOIN:
        return check_join(check, relation);
    case IDC_REL_WINDOW:
        return check_windows(check, relation);
    default:
        return IDC_OK;
    }
}

/* What a kind does not use is not there. */
static bool
has_only_its_parts(const IdcRelation *relation)
{
    IdcRelationKind kind = relation->kind;
    bool is_scan = kind == IDC_REL_SCAN;

    return (relation->input == NULL) == is_scan &&
           (relation->right != NULL) == (kind == IDC_REL_JOIN) &&
           (is_scan ||
            (relation->lock == IDC_LOCK_NONE && relation->lock_wait == IDC_LOCK_WAIT &&
             relation->name == NULL && relation->native == NULL && relation->options.count == 0)) &&
           (relation->expr_count == 0 || kind == IDC_REL_FILTER || kind == IDC_REL_PROJECT ||
            kind == IDC_REL_AGGREGATE || kind == IDC_REL_JOIN) &&
           (relation->aggregate_count == 0 || kind == IDC_REL_AGGREGATE) &&
           (relation->sort_key_count == 0 || kind == IDC_REL_SORT) &&
           (relation->window_count == 0 || kind == IDC_REL_WINDOW) &&
           ((relation->limit == NULL && relation->offset == NULL) || kind == IDC_REL_LIMIT) &&
           (kind == IDC_REL_JOIN ? (unsigned) relation->join < IDC_JOIN_KIND_COUNT
                                 : relation->join == 0);
}

/* Rows that are made of several others cannot be locked. */
static bool
may_stand_on_lock(const IdcRelation *relation)
{
    IdcRelationKind kind = relation->kind;

    return kind == IDC_REL_SCAN || kind == IDC_REL_FILTER || kind == IDC_REL_PROJECT ||
           kind == IDC_REL_SORT || kind == IDC_REL_LIMIT ||
           (idc_relation_base(relation)->lock == IDC_LOCK_NONE &&
            (relation->right == NULL || idc_relation_base(relation->right)->lock == IDC_LOCK_NONE));
}

static IdcStatus
check_relation(IdcCheck *check, const IdcRelation *relation)
{
    IdcStatus status;

    if (relation == NULL)
        return idc_check_fail(check, "a node is missing");
    if ((unsigned) relation->kind >= IDC_REL_KIND_COUNT || !has_only_its_parts(relation))
        return idc_check_fail(check, "a node has parts that it cannot have");
    status = idc_check_enter(check);
    if (status == IDC_OK && relation->input != NULL)
        status = check_relation(check, relation->input);
    if (status == IDC_OK && relation->right != NULL)
        status = check_relation(check, relation->right);
    if (status != IDC_OK)
        return status;
    if (!may_stand_on_lock(relation))
        return idc_check_fail(check, "rows that are locked are not the rows that come out");
    if (!idc_ask_has_columns(relation) && (relation->columns != relation->input->columns ||
                                           relation->column_count != relation->input->column_count))
        return idc_check_fail(check, "a node has columns of its own");
    status = idc_ask_has_columns(relation) ? check_columns(check, relation) : IDC_OK;
    if (status == IDC_OK)
        status = check_kind(check, relation);
    check->depth--;
    return status;
}

IdcStatus
idc_relation_check(const IdcRelation *relation, IdcError *err)
{
    IdcCheck check = { .err = err };

    return check_relation(&check, relation);
}
