/*
 * plan_build.c - layers, and the relations that are made of them.
 */
#include "fdw/plan.h"

#include <access/htup_details.h>
#include <catalog/pg_attribute.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>

#include "fdw/foreign.h"
#include "fdw/plan_aggregate.h"
#include "fdw/raise.h"

/* ---- layers ---- */

Expr *
fdw_bare_clause(Node *clause)
{
    return IsA(clause, RestrictInfo) ? ((RestrictInfo *) clause)->clause : (Expr *) clause;
}

FdwLayer *
fdw_layer_over(IdcRelationKind kind, const FdwLayer *input)
{
    FdwLayer *layer = palloc0(sizeof *layer);

    layer->kind = kind;
    layer->input = input;
    layer->columns = input->columns;
    layer->relids = input->relids;
    return layer;
}

const FdwLayer *
fdw_filter_layer(const FdwLayer *input, List *clauses)
{
    FdwLayer *layer;

    if (clauses == NIL)
        return input;
    if (input->kind == IDC_REL_FILTER) {
        layer = fdw_layer_over(IDC_REL_FILTER, input->input);
        layer->clauses = list_concat_copy(input->clauses, clauses);
    } else {
        layer = fdw_layer_over(IDC_REL_FILTER, input);
        layer->clauses = list_copy(clauses);
    }
    return layer;
}

static bool
needs_other_column(Node *node, void *columns)
{
    ListCell *cell;

    if (node == NULL)
        return false;
    foreach (cell, (List *) columns)
        if (fdw_is_column(lfirst(cell), node))
            return false;
    if (IsA(node, Var) || IsA(node, Aggref) || IsA(node, PlaceHolderVar) || IsA(node, WindowFunc))
        return true;
    return expression_tree_walker(node, needs_other_column, columns);
}

bool
fdw_layer_has(const FdwLayer *layer, List *exprs)
{
    return !needs_other_column((Node *) exprs, layer->columns);
}

static void
fill_column(IdcRelationColumn *column, Oid table, const Var *var)
{
    HeapTuple tuple =
        SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(var->varattno));
    Form_pg_attribute attribute;

    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for attribute %d of relation %u", var->varattno, table);
    attribute = (Form_pg_attribute) GETSTRUCT(tuple);
    column->name = fdw_utf8(pstrdup(NameStr(attribute->attname)));
    column->type = fdw_type(attribute->atttypid, attribute->atttypmod);
    column->collation = fdw_collation(attribute->attcollation);
    column->is_not_null = attribute->attnotnull;
    ReleaseSysCache(tuple);
    column->options = fdw_column_options(table, var->varattno);
}

static IdcArena *
arena_new(void)
{
    IdcArena *arena = idc_arena_new(0);
    IdcError err;

    if (arena == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    return arena;
}

const FdwLayer *
fdw_scan_layer(Oid table, List *columns, Relids relids, const FdwRowLock *lock)
{
    IdcRelationColumn *made = palloc0(sizeof(*made) * (size_t) (list_length(columns) + 1));
    FdwLayer *layer = palloc0(sizeof *layer);
    IdcOptionSet options = fdw_table_options(table);
    IdcRelation *scan;
    ListCell *cell;

    foreach (cell, columns)
        fill_column(&made[foreach_current_index(cell)], table, lfirst_node(Var, cell));
    layer->kind = IDC_REL_SCAN;
    layer->columns = columns;
    layer->relids = relids;
    scan = idc_relation_scan(arena_new(), fdw_utf8(get_rel_name(table)), &options, made,
                             (size_t) list_length(columns));
    if (scan != NULL) {
        scan->lock = lock->lock;
        scan->lock_wait = lock->wait;
    }
    layer->relation = scan;
    return layer;
}

/* ---- relations ---- */

FdwTranslation
fdw_translation_begin(void)
{
    return (FdwTranslation){ .arena = arena_new() };
}

/* Translates over the columns of the translation as it is; NULL: one could not be said. */
static const IdcExpr *const *
translate_all(FdwTranslation *translation, List *nodes)
{
    const IdcExpr **exprs = palloc(sizeof(*exprs) * (size_t) (list_length(nodes) + 1));
    ListCell *cell;

    foreach (cell, nodes) {
        const IdcExpr *expr = fdw_translate(translation, (Node *) fdw_bare_clause(lfirst(cell)));

        if (expr == NULL)
            return NULL;
        exprs[foreach_current_index(cell)] = expr;
    }
    return exprs;
}

static const IdcRelation *
build_filter(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    const IdcExpr *const *exprs = translate_all(translation, layer->clauses);

    return exprs == NULL ? NULL
                         : idc_relation_filter(translation->arena, input, exprs,
                                               (size_t) list_length(layer->clauses));
}

/*
 * What comes out as a column. A value of the hub must not: PostgreSQL looks into the scan's columns
 * for the scan's parameters too, and would have this one read from a row before there is any.
 */
static const IdcExpr *const *
translate_columns(FdwTranslation *translation, List *nodes)
{
    ListCell *cell;

    foreach (cell, nodes)
        if (!IsA(lfirst(cell), Const) && fdw_is_value(translation, lfirst(cell))) {
            translation->why = "a column of it is a value that the hub computes";
            return NULL;
        }
    return translate_all(translation, nodes);
}

static const IdcRelation *
build_project(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    const IdcExpr *const *exprs = translate_columns(translation, layer->columns);

    return exprs == NULL ? NULL
                         : idc_relation_project(translation->arena, input, exprs, NULL,
                                                (size_t) list_length(layer->columns));
}

static const IdcRelation *
build_aggregate(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    List *keys = list_truncate(list_copy(layer->columns), layer->key_count);
    size_t count = (size_t) (list_length(layer->columns) - layer->key_count);
    IdcAggregate *aggregates = palloc0(sizeof(*aggregates) * (count + 1));
    const IdcExpr *const *exprs = translate_columns(translation, keys);

    if (exprs == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!fdw_translate_aggregate(
                translation, list_nth_node(Aggref, layer->columns, layer->key_count + (int) i),
                &aggregates[i]))
            return NULL;
    return idc_relation_aggregate(translation->arena, input, exprs, (size_t) layer->key_count,
                                  aggregates, count);
}

static const IdcRelation *
build_sort(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    const IdcSortKey *keys = fdw_translate_sort_keys(translation, layer->keys);

    return keys == NULL ? NULL
                        : idc_relation_sort(translation->arena, input, keys,
                                            (size_t) list_length(layer->keys));
}

static const IdcRelation *
build_windows(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    IdcWindow *windows = palloc0(sizeof(*windows) * (size_t) (list_length(layer->windows) + 1));
    ListCell *cell;

    foreach (cell, layer->windows)
        if (!fdw_translate_window(translation, lfirst(cell), &windows[foreach_current_index(cell)]))
            return NULL;
    return idc_relation_window(translation->arena, input, windows,
                               (size_t) list_length(layer->windows));
}

static const IdcRelation *
build_limit(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    const IdcExpr *limit = NULL, *offset = NULL;

    if (layer->limit != NULL)
        limit = fdw_translate_value(translation, layer->limit, false);
    if (layer->offset != NULL)
        offset = fdw_translate_value(translation, layer->offset, false);
    if ((limit == NULL) != (layer->limit == NULL) || (offset == NULL) != (layer->offset == NULL))
        return NULL;
    return idc_relation_limit(translation->arena, input, limit, offset);
}

static const IdcRelation *
build_join(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input,
           const IdcRelation *right)
{
    /* Conditions see the columns of both sides, whatever comes out. */
    const IdcRelation *both =
        idc_relation_join(translation->arena, IDC_JOIN_INNER, input, right, NULL, 0);
    const IdcExpr *const *exprs;

    translation->input = both;
    translation->columns = list_concat_copy(layer->input->columns, layer->right->columns);
    translation->relids = layer->relids;
    exprs = both == NULL ? NULL : translate_all(translation, layer->clauses);
    return exprs == NULL ? NULL
                         : idc_relation_join(translation->arena, layer->join, input, right, exprs,
                                             (size_t) list_length(layer->clauses));
}

static const IdcRelation *
build_over(FdwTranslation *translation, const FdwLayer *layer, const IdcRelation *input)
{
    switch (layer->kind) {
    case IDC_REL_FILTER:
        return build_filter(translation, layer, input);
    case IDC_REL_PROJECT:
        return build_project(translation, layer, input);
    case IDC_REL_AGGREGATE:
        return build_aggregate(translation, layer, input);
    case IDC_REL_DISTINCT:
        return idc_relation_distinct(translation->arena, input);
    case IDC_REL_SORT:
        return build_sort(translation, layer, input);
    case IDC_REL_WINDOW:
        return build_windows(translation, layer, input);
    default:
        return build_limit(translation, layer, input);
    }
}

const IdcRelation *
fdw_try_build(FdwTranslation *translation, const FdwLayer *layer)
{
    const IdcRelation *relation, *right;

    check_stack_depth();
    if (layer->kind == IDC_REL_SCAN) {
        relation = layer->relation;
    } else {
        relation = fdw_try_build(translation, layer->input);
        if (relation == NULL)
            return NULL;
        if (layer->kind == IDC_REL_JOIN) {
            right = fdw_try_build(translation, layer->right);
            relation = right == NULL ? NULL : build_join(translation, layer, relation, right);
        } else {
            relation = build_over(translation, layer, relation);
        }
    }
    translation->input = relation;
    translation->columns = layer->columns;
    translation->relids = layer->relids;
    return relation;
}

const IdcRelation *
fdw_build(FdwTranslation *translation, const FdwLayer *layer)
{
    const IdcRelation *relation = fdw_try_build(translation, layer);

    if (relation == NULL)
        elog(ERROR, "a relation that was agreed to cannot be made: %s",
             translation->why == NULL ? "out of memory" : translation->why);
    return relation;
}
