/*
 * bind.c - a relation with values in the place of its parameters.
 *
 * What holds no parameter is shared with the relation that was given.
 */
#include "relation/ask.h"

#include <string.h>

/* The first failure stays; after it nothing more is made. */
typedef struct Binding {
    IdcArena *arena;
    const IdcValue *values;
    size_t value_count;
    IdcStatus status;
    IdcError *err;
} Binding;

static const IdcType boolean = { IDC_TYPE_BOOL, -1 };

static void
bind_no_memory(Binding *binding)
{
    if (binding->status == IDC_OK)
        binding->status = idc_fail_no_memory(binding->err);
}

static void *
bind_alloc(Binding *binding, size_t count, size_t size)
{
    void *memory = idc_arena_alloc_array(binding->arena, count, size);

    if (memory == NULL)
        bind_no_memory(binding);
    return memory;
}

static bool
all_fit(IdcType type, const IdcValue *value)
{
    if (!value->is_list)
        return value->text == NULL || idc_ask_value_fits(type, value->text);
    for (size_t i = 0; i < value->item_count; i++)
        if (value->items[i] != NULL && !idc_ask_value_fits(type, value->items[i]))
            return false;
    return true;
}

/*
 * The value of a parameter, or NULL and the binding has failed. A list may be the NULL array, which
 * is no list but a text of NULL.
 */
static const IdcValue *
value_of(Binding *binding, const IdcExpr *parameter)
{
    size_t index = (size_t) parameter->index;
    const IdcValue *value = index < binding->value_count ? &binding->values[index] : NULL;
    char wanted[IDC_TYPE_NAME_BYTES], given[IDC_TYPE_NAME_BYTES];

    if (binding->status != IDC_OK)
        return NULL;
    if (value == NULL)
        binding->status = idc_fail(binding->err, IDC_BAD_VALUE, "there is no value for $%d",
                                   parameter->index + 1);
    else if (value->type.oid != parameter->type.oid)
        binding->status = idc_fail(binding->err, IDC_BAD_VALUE, "$%d is of type %s, its value %s",
                                   parameter->index + 1, idc_ask_type_name(parameter->type, wanted),
                                   idc_ask_type_name(value->type, given));
    else if (value->is_list ? !parameter->is_list : parameter->is_list && value->text != NULL)
        binding->status = idc_fail(binding->err, IDC_BAD_VALUE, "$%d is %s list, its value is not",
                                   parameter->index + 1, parameter->is_list ? "a" : "no");
    else if (!all_fit(parameter->type, value))
        binding->status =
            idc_fail(binding->err, IDC_BAD_VALUE, "the value of $%d is none of type %s",
                     parameter->index + 1, idc_ask_type_name(parameter->type, wanted));
    return binding->status == IDC_OK ? value : NULL;
}

static const IdcExpr *
made(Binding *binding, const IdcExpr *expr)
{
    if (expr == NULL)
        bind_no_memory(binding);
    return expr;
}

static const IdcExpr *
constant_of(Binding *binding, const IdcExpr *parameter)
{
    const IdcValue *value = value_of(binding, parameter);

    if (value == NULL)
        return NULL;
    return made(binding, idc_expr_constant(binding->arena, parameter->type, value->text));
}

static const IdcExpr *bind_expr(Binding *binding, const IdcExpr *expr);

/* x IN (list): no item is false, of whatever x is; the NULL array is NULL. */
static const IdcExpr *
bind_in_list(Binding *binding, const IdcExpr *in)
{
    const IdcExpr *list = in->args[1], *left = bind_expr(binding, in->args[0]);
    const IdcValue *value = value_of(binding, list);
    const IdcExpr **args;

    if (value == NULL)
        return NULL;
    if (!value->is_list || value->item_count == 0)
        return made(binding,
                    idc_expr_constant(binding->arena, boolean, value->is_list ? "f" : NULL));
    args = bind_alloc(binding, value->item_count + 1, sizeof *args);
    if (args == NULL)
        return NULL;
    args[0] = left;
    for (size_t i = 0; binding->status == IDC_OK && i < value->item_count; i++)
        args[i + 1] = made(binding, idc_expr_constant(binding->arena, list->type, value->items[i]));
    return made(binding, idc_expr_new(binding->arena, IDC_EXPR_IN, 0, boolean, in->collation, args,
                                      value->item_count + 1));
}

/* The same array when nothing in it changed. */
static const IdcExpr *const *
bind_exprs(Binding *binding, const IdcExpr *const *exprs, size_t count)
{
    const IdcExpr **copy = NULL;

    for (size_t i = 0; binding->status == IDC_OK && i < count; i++) {
        const IdcExpr *bound = bind_expr(binding, exprs[i]);

        if (bound == exprs[i] && copy == NULL)
            continue;
        if (copy == NULL) {
            copy = bind_alloc(binding, count, sizeof *copy);
            if (copy == NULL)
                break;
            memcpy(copy, exprs, count * sizeof *copy);
        }
        copy[i] = bound;
    }
    return copy == NULL ? exprs : copy;
}

static const IdcExpr *
bind_expr(Binding *binding, const IdcExpr *expr)
{
    const IdcExpr *const *args;
    IdcExpr *copy;

    if (expr->kind == IDC_EXPR_PARAMETER)
        return constant_of(binding, expr);
    if (expr->kind == IDC_EXPR_IN && expr->args[1]->is_list)
        return bind_in_list(binding, expr);
    args = bind_exprs(binding, expr->args, expr->arg_count);
    if (args == expr->args || binding->status != IDC_OK)
        return expr;
    copy = bind_alloc(binding, 1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *expr;
    copy->args = args;
    return copy;
}

static const IdcExpr *
bind_optional(Binding *binding, const IdcExpr *expr)
{
    return expr == NULL || binding->status != IDC_OK ? expr : bind_expr(binding, expr);
}

/* NULL is the same as no limit and no offset; a negative one is PostgreSQL's error. */
static const IdcExpr *
bind_row_count(Binding *binding, const IdcExpr *expr, const char *what, const char *sqlstate)
{
    const IdcExpr *bound = bind_optional(binding, expr);

    if (bound == NULL || binding->status != IDC_OK || bound->text == NULL)
        return NULL;
    if (!idc_ask_is_row_count(bound->text)) {
        binding->status = idc_fail(binding->err, IDC_BAD_VALUE, "%s must not be negative", what);
        idc_error_set_sqlstate(binding->err, sqlstate);
    }
    return bound;
}

static const IdcSortKey *
bind_sort_keys(Binding *binding, const IdcSortKey *keys, size_t count)
{
    IdcSortKey *copy;

    if (count == 0)
        return keys;
    copy = bind_alloc(binding, count, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = keys[i];
        copy[i].expr = bind_optional(binding, copy[i].expr);
    }
    return copy;
}

static void
bind_aggregate(Binding *binding, IdcAggregate *aggregate)
{
    aggregate->arg = bind_optional(binding, aggregate->arg);
    aggregate->filter = bind_optional(binding, aggregate->filter);
    aggregate->args = bind_exprs(binding, aggregate->args, aggregate->arg_count);
    aggregate->order = bind_sort_keys(binding, aggregate->order, aggregate->order_count);
}

static const IdcAggregate *
bind_aggregates(Binding *binding, const IdcRelation *relation)
{
    IdcAggregate *copy = bind_alloc(binding, relation->aggregate_count, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < relation->aggregate_count; i++) {
        copy[i] = relation->aggregates[i];
        bind_aggregate(binding, &copy[i]);
    }
    return copy;
}

static const IdcWindow *
bind_windows(Binding *binding, const IdcRelation *relation)
{
    IdcWindow *copy = bind_alloc(binding, relation->window_count, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < relation->window_count; i++) {
        copy[i] = relation->windows[i];
        bind_aggregate(binding, &copy[i].function);
        copy[i].partition = bind_exprs(binding, copy[i].partition, copy[i].partition_count);
        copy[i].order = bind_sort_keys(binding, copy[i].order, copy[i].order_count);
        copy[i].start_offset = bind_optional(binding, copy[i].start_offset);
        copy[i].end_offset = bind_optional(binding, copy[i].end_offset);
    }
    return copy;
}

static const IdcRelation *
bind_relation(Binding *binding, const IdcRelation *relation)
{
    IdcRelation *copy;

    if (binding->status != IDC_OK || idc_relation_parameter_count(relation) == 0 ||
        (copy = bind_alloc(binding, 1, sizeof *copy)) == NULL)
        return relation;
    *copy = *relation;
    if (relation->input != NULL)
        copy->input = bind_relation(binding, relation->input);
    if (relation->right != NULL)
        copy->right = bind_relation(binding, relation->right);
    copy->exprs = bind_exprs(binding, relation->exprs, relation->expr_count);
    if (relation->aggregate_count > 0)
        copy->aggregates = bind_aggregates(binding, relation);
    if (relation->window_count > 0)
        copy->windows = bind_windows(binding, relation);
    copy->sort_keys = bind_sort_keys(binding, relation->sort_keys, relation->sort_key_count);
    copy->limit = bind_row_count(binding, relation->limit, "LIMIT", "2201W");
    copy->offset = bind_row_count(binding, relation->offset, "OFFSET", "2201X");
    return copy;
}

IdcStatus
idc_relation_bind(IdcArena *arena, const IdcRelation *relation, const IdcValue *values,
                  size_t value_count, const IdcRelation **bound, IdcError *err)
{
    Binding binding = { .arena = arena, .values = values, .value_count = value_count, .err = err };
    const IdcRelation *result = bind_relation(&binding, relation);

    if (binding.status == IDC_OK)
        *bound = result;
    return binding.status;
}
