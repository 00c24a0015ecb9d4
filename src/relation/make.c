/*
 * make.c - nodes of a tree, in an arena.
 *
 * Nothing is refused here: a tree is checked as a whole (relation/check.c).
 */
#include "relation/ask.h"

#include <string.h>

/* ---- expressions ---- */

IdcExpr *
idc_expr_new(IdcArena *arena, IdcExprKind kind, int32_t op, IdcType type, IdcCollation collation,
             const IdcExpr *const *args, size_t arg_count)
{
    IdcExpr *expr = idc_arena_alloc(arena, sizeof *expr);
    const IdcExpr **copy = idc_arena_alloc_array(arena, arg_count, sizeof *copy);

    if (expr == NULL || copy == NULL)
        return NULL;
    if (arg_count > 0)
        memcpy(copy, args, arg_count * sizeof *copy);
    *expr = (IdcExpr){ .kind = kind,
                       .op = op,
                       .type = type,
                       .collation = collation,
                       .args = copy,
                       .arg_count = arg_count };
    return expr;
}

IdcExpr *
idc_expr_column(IdcArena *arena, const IdcRelation *input, size_t index)
{
    IdcExpr *expr = idc_arena_alloc(arena, sizeof *expr);
    const IdcRelationColumn *column = idc_ask_column(input, index);

    if (expr == NULL)
        return NULL;
    *expr = (IdcExpr){ .kind = IDC_EXPR_COLUMN,
                       .index = index > INT32_MAX ? INT32_MAX : (int32_t) index };
    if (column != NULL) {
        expr->type = column->type;
        expr->collation = column->collation;
    }
    return expr;
}

IdcExpr *
idc_expr_constant(IdcArena *arena, IdcType type, const char *text)
{
    IdcExpr *expr = idc_arena_alloc(arena, sizeof *expr);
    char *copy = idc_arena_strdup(arena, text);

    if (expr == NULL || (copy == NULL && text != NULL))
        return NULL;
    *expr = (IdcExpr){ .kind = IDC_EXPR_CONSTANT, .type = type, .text = copy };
    return expr;
}

IdcExpr *
idc_expr_parameter(IdcArena *arena, IdcType type, int32_t index, bool is_list)
{
    IdcExpr *expr = idc_arena_alloc(arena, sizeof *expr);

    if (expr != NULL)
        *expr = (IdcExpr){
            .kind = IDC_EXPR_PARAMETER, .type = type, .index = index, .is_list = is_list
        };
    return expr;
}

IdcExpr *
idc_expr_call(IdcArena *arena, IdcCallKind how, const char *name, IdcType type,
              IdcCollation collation, const IdcExpr *const *args, size_t arg_count)
{
    IdcExpr *expr = idc_expr_new(arena, IDC_EXPR_CALL, how, type, collation, args, arg_count);

    if (expr == NULL)
        return NULL;
    expr->text = idc_arena_strdup(arena, name);
    return expr->text == NULL && name != NULL ? NULL : expr;
}

/* ---- relations ---- */

static IdcRelation *
relation_new(IdcArena *arena, IdcRelationKind kind, const IdcRelation *input)
{
    IdcRelation *relation = idc_arena_alloc(arena, sizeof *relation);

    if (relation == NULL)
        return NULL;
    relation->kind = kind;
    relation->input = input;
    if (input != NULL) {
        relation->columns = input->columns;
        relation->column_count = input->column_count;
    }
    return relation;
}

/* A copy, or NULL for none; *failed where there is no memory. */
static void *
copy_array(IdcArena *arena, const void *array, size_t count, size_t size, bool *failed)
{
    void *copy;

    if (count == 0)
        return NULL;
    copy = idc_arena_alloc_array(arena, count, size);
    if (copy == NULL)
        *failed = true;
    else
        memcpy(copy, array, count * size);
    return copy;
}

static const char *
copy_text(IdcArena *arena, const char *text, bool *failed)
{
    const char *copy = idc_arena_strdup(arena, text);

    if (copy == NULL && text != NULL)
        *failed = true;
    return copy;
}

static IdcOptionSet
copy_options(IdcArena *arena, const IdcOptionSet *options, bool *failed)
{
    IdcOptionPair *items;

    if (options == NULL || options->count == 0)
        return (IdcOptionSet){ 0 };
    items = idc_arena_alloc_array(arena, options->count, sizeof *items);
    if (items == NULL) {
        *failed = true;
        return (IdcOptionSet){ 0 };
    }
    for (size_t i = 0; i < options->count; i++) {
        items[i].name = copy_text(arena, options->items[i].name, failed);
        items[i].value = copy_text(arena, options->items[i].value, failed);
    }
    return (IdcOptionSet){ items, options->count };
}

static IdcRelation *
scan_new(IdcArena *arena, const IdcRelationColumn *columns, size_t column_count)
{
    IdcRelation *relation = relation_new(arena, IDC_REL_SCAN, NULL);
    bool failed = relation == NULL;
    IdcRelationColumn *copy = copy_array(arena, columns, column_count, sizeof *columns, &failed);

    if (failed)
        return NULL;
    for (size_t i = 0; i < column_count; i++) {
        copy[i].name = copy_text(arena, columns[i].name, &failed);
        copy[i].options = copy_options(arena, &columns[i].options, &failed);
    }
    relation->columns = copy;
    relation->column_count = column_count;
    return failed ? NULL : relation;
}

IdcRelation *
idc_relation_scan(IdcArena *arena, const char *name, const IdcOptionSet *options,
                  const IdcRelationColumn *columns, size_t column_count)
{
    IdcRelation *relation = scan_new(arena, columns, column_count);
    bool failed = relation == NULL;

    if (failed)
        return NULL;
    relation->name = copy_text(arena, name, &failed);
    relation->options = copy_options(arena, options, &failed);
    return failed ? NULL : relation;
}

IdcRelation *
idc_relation_native(IdcArena *arena, const char *request, const IdcRelationColumn *columns,
                    size_t column_count)
{
    IdcRelation *relation = scan_new(arena, columns, column_count);
    bool failed = relation == NULL;

    if (failed)
        return NULL;
    relation->native = copy_text(arena, request, &failed);
    return failed ? NULL : relation;
}

/* With a copy of its expressions. */
static IdcRelation *
relation_with_exprs(IdcArena *arena, IdcRelationKind kind, const IdcRelation *input,
                    const IdcExpr *const *exprs, size_t count)
{
    IdcRelation *relation = relation_new(arena, kind, input);
    bool failed = relation == NULL;

    if (failed)
        return NULL;
    relation->exprs = copy_array(arena, exprs, count, sizeof *exprs, &failed);
    relation->expr_count = count;
    return failed ? NULL : relation;
}

IdcRelation *
idc_relation_filter(IdcArena *arena, const IdcRelation *input, const IdcExpr *const *conjuncts,
                    size_t count)
{
    return relation_with_exprs(arena, IDC_REL_FILTER, input, conjuncts, count);
}

/* The column that holds an expression over input. */
static IdcRelationColumn
column_of(const IdcExpr *expr, const IdcRelation *input, const char *name)
{
    const IdcRelationColumn *below =
        expr->kind == IDC_EXPR_COLUMN ? idc_ask_column(input, (size_t) expr->index) : NULL;

    return (IdcRelationColumn){ .name = name != NULL    ? name
                                        : below != NULL ? below->name
                                                        : "column",
                                .type = expr->type,
                                .collation = expr->collation,
                                .is_not_null = below != NULL && below->is_not_null };
}

IdcRelation *
idc_relation_project(IdcArena *arena, const IdcRelation *input, const IdcExpr *const *exprs,
                     const char *const *names, size_t count)
{
    IdcRelation *relation = relation_with_exprs(arena, IDC_REL_PROJECT, input, exprs, count);
    IdcRelationColumn *columns = idc_arena_alloc_array(arena, count, sizeof *columns);
    bool failed = relation == NULL || columns == NULL;

    if (failed)
        return NULL;
    for (size_t i = 0; i < count; i++)
        columns[i] =
            column_of(exprs[i], input, names == NULL ? NULL : copy_text(arena, names[i], &failed));
    relation->columns = columns;
    relation->column_count = count;
    return failed ? NULL : relation;
}

/* What the column of an aggregate is called. */
static const char *
aggregate_name(IdcAggregateKind kind)
{
    static const char *const names[IDC_AGG_KIND_COUNT] = { "count",    "count",   "sum",
                                                           "avg",      "min",     "max",
                                                           "bool_and", "bool_or", "call" };

    return kind < IDC_AGG_KIND_COUNT ? names[kind] : "column";
}

static IdcRelationColumn
column_of_aggregate(const IdcAggregate *aggregate)
{
    return (IdcRelationColumn){ .name = aggregate->kind == IDC_AGG_CALL && aggregate->name != NULL
                                            ? aggregate->name
                                            : aggregate_name(aggregate->kind),
                                .type = aggregate->type,
                                .collation = aggregate->collation,
                                .is_not_null = aggregate->kind <= IDC_AGG_COUNT };
}

/* What an aggregate points to becomes a copy. */
static void
copy_aggregate(IdcArena *arena, IdcAggregate *aggregate, bool *failed)
{
    aggregate->name = copy_text(arena, aggregate->name, failed);
    aggregate->args =
        copy_array(arena, aggregate->args, aggregate->arg_count, sizeof *aggregate->args, failed);
    aggregate->order = copy_array(arena, aggregate->order, aggregate->order_count,
                                  sizeof *aggregate->order, failed);
}

IdcRelation *
idc_relation_aggregate(IdcArena *arena, const IdcRelation *input, const IdcExpr *const *keys,
                       size_t key_count, const IdcAggregate *aggregates, size_t aggregate_count)
{
    IdcRelation *relation = relation_with_exprs(arena, IDC_REL_AGGREGATE, input, keys, key_count);
    IdcRelationColumn *columns =
        idc_arena_alloc_array(arena, key_count + aggregate_count, sizeof *columns);
    bool failed = relation == NULL || columns == NULL;
    IdcAggregate *copy;

    if (failed)
        return NULL;
    for (size_t i = 0; i < key_count; i++)
        columns[i] = column_of(keys[i], input, NULL);
    copy = copy_array(arena, aggregates, aggregate_count, sizeof *aggregates, &failed);
    for (size_t i = 0; !failed && i < aggregate_count; i++) {
        copy_aggregate(arena, &copy[i], &failed);
        columns[key_count + i] = column_of_aggregate(&copy[i]);
    }
    relation->columns = columns;
    relation->column_count = key_count + aggregate_count;
    relation->aggregates = copy;
    relation->aggregate_count = aggregate_count;
    return failed ? NULL : relation;
}

IdcRelation *
idc_relation_distinct(IdcArena *arena, const IdcRelation *input)
{
    return relation_new(arena, IDC_REL_DISTINCT, input);
}

IdcRelation *
idc_relation_sort(IdcArena *arena, const IdcRelation *input, const IdcSortKey *keys, size_t count)
{
    IdcRelation *relation = relation_new(arena, IDC_REL_SORT, input);
    bool failed = relation == NULL;

    if (failed)
        return NULL;
    relation->sort_keys = copy_array(arena, keys, count, sizeof *keys, &failed);
    relation->sort_key_count = count;
    return failed ? NULL : relation;
}

IdcRelation *
idc_relation_limit(IdcArena *arena, const IdcRelation *input, const IdcExpr *limit,
                   const IdcExpr *offset)
{
    IdcRelation *relation = relation_new(arena, IDC_REL_LIMIT, input);

    if (relation != NULL) {
        relation->limit = limit;
        relation->offset = offset;
    }
    return relation;
}

/* Copies without options, which are a scan's alone. */
static void
append_columns(IdcRelationColumn *columns, const IdcRelation *side, bool may_be_missing)
{
    for (size_t i = 0; i < side->column_count; i++) {
        columns[i] = side->columns[i];
        columns[i].options = (IdcOptionSet){ 0 };
        columns[i].is_not_null = side->columns[i].is_not_null && !may_be_missing;
    }
}

IdcRelation *
idc_relation_join(IdcArena *arena, IdcJoinKind kind, const IdcRelation *left,
                  const IdcRelation *right, const IdcExpr *const *conjuncts, size_t count)
{
    IdcRelation *relation = relation_with_exprs(arena, IDC_REL_JOIN, left, conjuncts, count);
    size_t column_count = left->column_count + right->column_count;
    IdcRelationColumn *columns;

    if (relation == NULL)
        return NULL;
    relation->right = right;
    relation->join = kind;
    if (!idc_ask_has_columns(relation))
        return relation;
    columns = idc_arena_alloc_array(arena, column_count, sizeof *columns);
    if (columns == NULL)
        return NULL;
    append_columns(columns, left, kind == IDC_JOIN_RIGHT || kind == IDC_JOIN_FULL);
    append_columns(columns + left->column_count, right,
                   kind == IDC_JOIN_LEFT || kind == IDC_JOIN_FULL);
    relation->columns = columns;
    relation->column_count = column_count;
    return relation;
}

static void
copy_window(IdcArena *arena, IdcWindow *window, bool *failed)
{
    copy_aggregate(arena, &window->function, failed);
    window->partition = copy_array(arena, window->partition, window->partition_count,
                                   sizeof *window->partition, failed);
    window->order =
        copy_array(arena, window->order, window->order_count, sizeof *window->order, failed);
}

IdcRelation *
idc_relation_window(IdcArena *arena, const IdcRelation *input, const IdcWindow *windows,
                    size_t count)
{
    IdcRelation *relation = relation_new(arena, IDC_REL_WINDOW, input);
    size_t input_count = input->column_count;
    IdcRelationColumn *columns = idc_arena_alloc_array(arena, input_count + count, sizeof *columns);
    bool failed = relation == NULL || columns == NULL;
    IdcWindow *copy;

    if (failed)
        return NULL;
    append_columns(columns, input, false);
    copy = copy_array(arena, windows, count, sizeof *windows, &failed);
    for (size_t i = 0; !failed && i < count; i++) {
        copy_window(arena, &copy[i], &failed);
        columns[input_count + i] = column_of_aggregate(&copy[i].function);
    }
    relation->columns = columns;
    relation->column_count = input_count + count;
    relation->windows = copy;
    relation->window_count = count;
    return failed ? NULL : relation;
}
