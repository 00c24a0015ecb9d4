/*
 * plan_make.c - the chosen path as a ForeignScan.
 *
 * In:   a ForeignPath whose fdw_private is a layer and the conditions of an upper relation that the
 *       hub checks
 * Out:  fdw_private as fdw/foreign.h says
 */
#include "fdw/handler.h"
#include "fdw/plan.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/clauses.h>
#include <optimizer/optimizer.h>
#include <optimizer/planmain.h>
#include <optimizer/restrictinfo.h>
#include <optimizer/tlist.h>
#include <rewrite/rewriteManip.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/ruleutils.h>

#include "fdw/foreign.h"
#include "fdw/raise.h"

/* What is decided for one scan. */
typedef struct Making {
    FdwPlan *plan;
    const FdwLayer *layer;
    List *exact;   /* conditions that the source answers: RestrictInfos */
    bool is_exact; /* no others */
    List *local;   /* expressions that the hub checks */
    List *notes;   /* of String */
} Making;

/* ---- notes ---- */

static void
add_note(Making *making, const char *text)
{
    making->notes = lappend(making->notes, makeString(pstrdup(text)));
}

/* Only a finished plan knows where these come from; PostgreSQL 18 would look there and crash. */
static bool
forget_origin(Node *node, void *context)
{
    if (node == NULL)
        return false;
    if (IsA(node, Param))
        ((Param *) node)->paramkind = PARAM_EXTERN;
    return expression_tree_walker(node, forget_origin, context);
}

/* A condition of one table as SQL; others are shown by EXPLAIN where they are checked. */
static char *
clause_text(Node *clause, const RelOptInfo *rel, Oid table)
{
    Node *copy = copyObject((Node *) fdw_bare_clause(clause));
    List *vars = pull_var_clause(copy, PVC_RECURSE_AGGREGATES | PVC_RECURSE_PLACEHOLDERS |
                                           PVC_RECURSE_WINDOWFUNCS);
    ListCell *cell;

    if (!OidIsValid(table) || contain_subplans(copy))
        return NULL;
    foreach (cell, vars)
        if (lfirst_node(Var, cell)->varno != (int) rel->relid)
            return NULL;
    ChangeVarNodes(copy, (int) rel->relid, 1, 0);
    (void) forget_origin(copy, NULL);
    return deparse_expression(copy, deparse_context_for(get_rel_name(table), table), false, false);
}

static void
note_verdict(Making *making, const FdwVerdict *verdict, const RelOptInfo *rel, Oid table)
{
    const char *what =
        verdict->push == IDC_PUSH_NO ? "checked in the hub" : "checked again in the hub";
    char *text;

    if (verdict->push == IDC_PUSH_EXACT)
        return;
    text = clause_text(verdict->clause, rel, table);
    add_note(making,
             psprintf("%s: %s%s%s", text == NULL ? "a condition" : text, what,
                      verdict->why == NULL ? "" : ": ", verdict->why == NULL ? "" : verdict->why));
}

static void
note_impossible(Making *making, PlannerInfo *root)
{
    FdwCost cost = fdw_cost(root, making->plan, making->layer, 1.0, 1.0, NIL);

    if (cost.impossible != NULL)
        add_note(making, psprintf("cannot be asked for as it is: %s", cost.impossible));
}

/* ---- conditions ---- */

/* What can be pushed was decided for the size and for the cost; the answers are the same again. */
static void
take_clauses(Making *making, const FdwLayer *below, List *clauses, RelOptInfo *rel, Oid table)
{
    ListCell *cell;

    foreach (cell, fdw_push_clauses(making->plan->server, below, clauses, making->is_exact, rel,
                                    &making->layer)) {
        FdwVerdict *verdict = lfirst(cell);

        note_verdict(making, verdict, rel, table);
        if (verdict->push == IDC_PUSH_EXACT)
            making->exact = lappend(making->exact, verdict->clause);
        else
            making->is_exact = false;
    }
}

/* clauses: in the order in which they must be checked, which row security counts on. */
static void
take_local(Making *making, List *clauses)
{
    ListCell *cell;

    foreach (cell, clauses) {
        RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

        if (!condition->pseudoconstant && !list_member_ptr(making->exact, condition))
            making->local = lappend(making->local, condition->clause);
    }
}

/* SCAN, FILTER, SORT: the layer below its conditions. */
static const FdwLayer *
scan_of(const FdwLayer *layer)
{
    while (layer->input != NULL)
        layer = layer->input;
    return layer;
}

static void
take_base(Making *making, RelOptInfo *rel, Oid table, const ForeignPath *path, List *clauses)
{
    const FdwLayer *chosen = making->layer;
    ParamPathInfo *info = path->path.param_info;
    FdwLayer *sorted;

    making->is_exact = true;
    take_clauses(making, scan_of(chosen), rel->baserestrictinfo, rel, table);
    if (info != NULL)
        take_clauses(making, making->layer, info->ppi_clauses, rel, table);
    take_local(making, clauses);
    if (chosen->kind != IDC_REL_SORT)
        return;
    sorted = fdw_layer_over(IDC_REL_SORT, making->layer);
    sorted->keys = chosen->keys;
    making->layer = sorted;
}

/* ---- columns ---- */

/* Does an expression of `wanted` hold the column? Below one that is found nothing is looked for. */
typedef struct Search {
    List *columns;
    bool *is_wanted;
    bool is_whole;
} Search;

/* What stands in the query also replaces the column: it knows which outer joins it went through. */
static bool
mark_wanted(Node *node, void *context)
{
    Search *search = context;
    ListCell *cell;

    if (node == NULL)
        return false;
    foreach (cell, search->columns) {
        if (!fdw_is_column(lfirst(cell), node))
            continue;
        search->is_wanted[foreach_current_index(cell)] = true;
        lfirst(cell) = node;
        return false;
    }
    if (IsA(node, Var) && ((Var *) node)->varattno == 0)
        search->is_whole = true;
    return expression_tree_walker(node, mark_wanted, context);
}

static Search
search_columns(const FdwLayer *layer, List *wanted)
{
    Search search = { .columns = list_copy(layer->columns) };

    search.is_wanted = palloc0(sizeof(bool) * (size_t) (list_length(layer->columns) + 1));
    (void) mark_wanted((Node *) wanted, &search);
    for (int i = 0; search.is_whole && i < list_length(search.columns); i++)
        search.is_wanted[i] = true;
    return search;
}

/* Without the columns that nobody wants, if the source can leave them out. */
static const IdcRelation *
narrowed(Making *making, FdwTranslation *translation, const IdcRelation *relation, Search *search)
{
    const IdcExpr **exprs = palloc(sizeof(*exprs) * (size_t) (list_length(search->columns) + 1));
    List *kept = NIL;
    const IdcRelation *made;
    const char *why;
    size_t count = 0;
    ListCell *cell;

    foreach (cell, search->columns) {
        int i = foreach_current_index(cell);

        if (!search->is_wanted[i])
            continue;
        exprs[count++] = idc_expr_column(translation->arena, relation, (size_t) i);
        kept = lappend(kept, lfirst(cell));
    }
    if (count == 0 || count == relation->column_count || relation->kind == IDC_REL_SCAN)
        return relation;
    made = idc_relation_project(translation->arena, relation, exprs, NULL, count);
    if (made == NULL ||
        fdw_can_push(making->plan->server, made, making->local == NIL, &why) != IDC_PUSH_EXACT)
        return relation;
    search->columns = kept;
    return made;
}

/* ---- the scan ---- */

Const *
fdw_relation_const(const IdcRelation *relation)
{
    IdcText text;
    IdcError err;
    bytea *bytes;

    fdw_check(idc_relation_check(relation, &err), &err);
    idc_text_init(&text, 0);
    idc_relation_write(relation, &text);
    fdw_check(idc_text_check(&text, &err), &err);
    bytes = palloc(VARHDRSZ + text.len);
    SET_VARSIZE(bytes, VARHDRSZ + text.len);
    memcpy(VARDATA(bytes), text.data, text.len);
    idc_text_done(&text);
    return makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(bytes), false, false);
}

/* For each column of the relation its place in the tuple. */
static List *
attributes_of(const RelOptInfo *rel, List *columns)
{
    List *attributes = NIL;
    ListCell *cell;

    foreach (cell, columns)
        attributes = lappend_int(attributes, rel->relid > 0 ? lfirst_node(Var, cell)->varattno
                                                            : foreach_current_index(cell) + 1);
    return attributes;
}

static List *
scan_tlist(List *columns)
{
    List *tlist = NIL;
    ListCell *cell;

    foreach (cell, columns)
        tlist = lappend(tlist, makeTargetEntry(copyObject((Expr *) lfirst(cell)),
                                               (AttrNumber) (foreach_current_index(cell) + 1), NULL,
                                               false));
    return tlist;
}

static void
take_notes_above(Making *making)
{
    ListCell *cell;

    foreach (cell, making->plan->notes)
        add_note(making, lfirst(cell));
}

ForeignScan *
fdw_plan_make(PlannerInfo *root, RelOptInfo *rel, Oid table, ForeignPath *path, List *tlist,
              List *clauses, Plan *outer_plan)
{
    Making making = { .plan = rel->fdw_private, .layer = linitial(path->fdw_private) };
    FdwTranslation translation = fdw_translation_begin();
    const IdcRelation *relation;
    Search search;
    List *fdw_private;

    if (rel->relid > 0)
        take_base(&making, rel, table, path, clauses);
    else
        making.local = lsecond(path->fdw_private);
    note_impossible(&making, root);
    take_notes_above(&making);
    relation = fdw_build(&translation, making.layer);
    search = search_columns(making.layer, list_make3(path->path.pathtarget->exprs,
                                                     rel->reltarget->exprs, making.local));
    relation = narrowed(&making, &translation, relation, &search);
    fdw_private = list_make4(fdw_relation_const(relation), attributes_of(rel, search.columns),
                             translation.lists, making.notes);
    return make_foreignscan(tlist, making.local, rel->relid, translation.params, fdw_private,
                            rel->relid > 0 ? NIL : scan_tlist(search.columns),
                            extract_actual_clauses(making.exact, false), outer_plan);
}
