/*
 * modify_direct.c - UPDATE and DELETE that the source does as one statement.
 *
 * Only where it answers all conditions exactly, and computes all new values as PostgreSQL would:
 * then the plan's scan becomes the write. Joins, row triggers, checks of views and columns that the
 * hub generates are done row by row; so is what the source cannot return.
 */
#include "fdw/modify.h"

#include "fdw/explain.h"
#include "fdw/foreign.h"
#include "fdw/foreign_scan.h"
#include "fdw/handler.h"
#include "fdw/plan.h"
#include "fdw/table.h"

#include <access/sysattr.h>
#include <access/table.h>
#include <executor/executor.h>
#include <foreign/foreign.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/appendinfo.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <parser/parsetree.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>

/* fdw_private: as that of a scan (foreign.h), whose relation is IdcModify.where, and these. */
enum { DIRECT_RETURNING = FDW_PRIVATE_COUNT, DIRECT_SETS_TAG };

/* ---- planning ---- */

/* What is decided for one statement. */
typedef struct Direct {
    PlannerInfo *root;
    const ModifyTable *plan;
    ForeignScan *scan;
    Relation table;
    FdwPlan *known;
    List *attributes; /* UPDATE: those that get new values */
    List *returning;  /* attributes that come back */
} Direct;

static ForeignScan *
find_scan(const ModifyTable *plan, int subplan)
{
    Plan *found = outerPlan(plan);

    if (IsA(found, Result) && outerPlan(found) != NULL && IsA(outerPlan(found), Append))
        found = outerPlan(found);
    if (IsA(found, Append)) {
        List *plans = ((Append *) found)->appendplans;

        found = subplan < list_length(plans) ? list_nth(plans, subplan) : NULL;
    }
    return found != NULL && IsA(found, ForeignScan) ? (ForeignScan *) found : NULL;
}

/* Other system columns than tableoid have no meaning for a row that comes back. */
static bool
needs_system_column(List *exprs, Index index)
{
    Bitmapset *found = NULL;
    int member = -1;

    pull_varattnos((Node *) exprs, index, &found);
    while ((member = bms_next_member(found, member)) >= 0) {
        int number = member + FirstLowInvalidHeapAttributeNumber;

        if (number < 0 && number != TableOidAttributeNumber)
            return true;
    }
    return false;
}

/* False: rows would have to come back, and cannot. */
static bool
plan_returning(Direct *direct, IdcModifyKind kind, Index index, int subplan)
{
    const IdcDeclaration *declaration = direct->known->server->declaration;
    List *exprs;

    if (direct->plan->returningLists == NIL)
        return true;
    exprs = list_nth(direct->plan->returningLists, subplan);
    direct->returning = fdw_modify_wanted(direct->table, exprs, index);
    /* How many rows there are is said by those that come back. */
    if (direct->returning == NIL)
        direct->returning = list_copy_head(fdw_table_attributes(direct->table), 1);
    return direct->returning != NIL && !needs_system_column(exprs, index) &&
           declaration->returns != NULL &&
           (declaration->returns(&direct->known->server->options,
                                 fdw_table_relation(direct->table, NIL)) &
            1U << kind) != 0;
}

/* The scan's conditions as a layer; NULL: one of them is not the source's. */
static const FdwLayer *
pushed_layer(const Direct *direct, RelOptInfo *rel)
{
    const FdwLayer *scan = direct->known->layer, *pushed;
    ListCell *cell;

    while (scan->input != NULL)
        scan = scan->input;
    foreach (cell, fdw_push_clauses(direct->known->server, scan, rel->baserestrictinfo, true, rel,
                                    &pushed))
        if (((FdwVerdict *) lfirst(cell))->push != IDC_PUSH_EXACT)
            return NULL;
    return pushed;
}

/* An expression of the column's type: a cast to its length or precision is one of the relation. */
static const IdcExpr *
translate_new_value(FdwTranslation *translation, Node *node, IdcType type)
{
    int count = list_length(translation->params);
    const IdcExpr *made = fdw_translate(translation, node);
    const FuncExpr *cast = (FuncExpr *) node;

    if (made == NULL && IsA(node, FuncExpr) && exprIsLengthCoercion(node, NULL)) {
        made = fdw_translate(translation, linitial(cast->args));
        if (made != NULL)
            made = fdw_expr_made(translation->arena, IDC_EXPR_CAST, 0, type, IDC_COLLATION_NONE,
                                 &made, 1);
    }
    if (made != NULL && made->type.oid == type.oid)
        return made;
    fdw_translation_truncate(translation, count);
    return NULL;
}

/* The new values over the rows; NULL: the source cannot compute one. */
static const IdcRelation *
project_new_values(Direct *direct, FdwTranslation *translation, const IdcRelation *rows,
                   List *targets)
{
    size_t count = (size_t) list_length(direct->attributes);
    const IdcRelation *table = fdw_table_relation(direct->table, direct->attributes);
    const IdcExpr **exprs = palloc(sizeof *exprs * (count + 1));

    for (size_t i = 0; i < count; i++) {
        TargetEntry *target = list_nth_node(TargetEntry, targets, (int) i);

        exprs[i] = translate_new_value(translation, (Node *) target->expr, table->columns[i].type);
        if (exprs[i] == NULL)
            return NULL;
    }
    return count == 0 ? NULL : idc_relation_project(translation->arena, rows, exprs, NULL, count);
}

/* The SCAN below. */
static const IdcRelation *
scan_below(const IdcRelation *relation)
{
    while (relation->input != NULL)
        relation = relation->input;
    return relation;
}

/* The message, but for its values and its transaction. */
static IdcModify
message_of(IdcModifyKind kind, Relation table, const IdcRelation *where, List *attributes,
           List *returning)
{
    IdcModify message = { .kind = kind, .table = scan_below(where), .where = where };

    if (kind == IDC_UPDATE_WHERE)
        message.table = fdw_table_relation(table, attributes);
    if (returning != NIL)
        message.returning = fdw_table_relation(table, returning);
    return message;
}

static bool
source_agrees(const Direct *direct, IdcModifyKind kind, const IdcRelation *where)
{
    const FdwServer *server = direct->known->server;
    IdcModify message =
        message_of(kind, direct->table, where, direct->attributes, direct->returning);
    const char *why = NULL;

    return (fdw_modify_kinds(server, message.table) & 1U << kind) != 0 &&
           server->declaration->can_modify != NULL &&
           server->declaration->can_modify(&server->options, &message, &why);
}

/* The scan's node becomes the write's. */
static void
turn_scan(Direct *direct, const FdwTranslation *translation, const IdcRelation *where, Index index)
{
    ForeignScan *scan = direct->scan;

    /* Several writes at once would be more than one on the transaction's connection. */
    scan->scan.plan.async_capable = false;
    scan->operation = direct->plan->operation;
    scan->resultRelation = index;
    scan->fdw_exprs = translation->params;
    scan->fdw_private =
        list_make4(fdw_relation_const(where), direct->attributes, translation->lists, NIL);
    scan->fdw_private = lappend(lappend(scan->fdw_private, direct->returning),
                                makeInteger(direct->plan->canSetTag ? 1 : 0));
}

static bool
plan_direct(Direct *direct, Index index, int subplan)
{
    IdcModifyKind kind =
        direct->plan->operation == CMD_UPDATE ? IDC_UPDATE_WHERE : IDC_DELETE_WHERE;
    FdwTranslation translation = fdw_translation_begin();
    const FdwLayer *layer = pushed_layer(direct, find_base_rel(direct->root, (int) index));
    const IdcRelation *where;
    List *targets = NIL;

    if (layer == NULL || !plan_returning(direct, kind, index, subplan))
        return false;
    where = fdw_build(&translation, layer);
    if (kind == IDC_UPDATE_WHERE) {
        get_translated_update_targetlist(direct->root, index, &targets, &direct->attributes);
        where = project_new_values(direct, &translation, where, targets);
    }
    if (where == NULL || !source_agrees(direct, kind, where))
        return false;
    turn_scan(direct, &translation, where, index);
    return true;
}

bool
fdw_direct_plan(PlannerInfo *root, ModifyTable *plan, Index index, int subplan)
{
    Direct direct = { .root = root, .plan = plan, .scan = find_scan(plan, subplan) };
    bool is_direct;

    if ((plan->operation != CMD_UPDATE && plan->operation != CMD_DELETE) || direct.scan == NULL ||
        direct.scan->scan.scanrelid != index || direct.scan->scan.plan.qual != NIL)
        return false;
    direct.known = find_base_rel(root, (int) index)->fdw_private;
    direct.table = table_open(planner_rt_fetch(index, root)->relid, NoLock);
    is_direct = direct.known != NULL && plan_direct(&direct, index, subplan);
    table_close(direct.table, NoLock);
    return is_direct;
}

/* ---- execution ---- */

/* ForeignScanState.fdw_state. */
typedef struct Write {
    IdcModify message;
    const FdwServer *server;
    Oid user;
    List *expressions; /* ExprState, by parameter */
    List *returning;
    bool sets_tag, is_done;
    IdcModified modified;
    size_t row; /* so many were returned */
    MemoryContext context;
} Write;

static Write *
make_write(ForeignScanState *node)
{
    const ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    Write *write = palloc0(sizeof *write);
    const IdcRelation *where = fdw_plan_relation(plan);

    write->returning = list_nth(plan->fdw_private, DIRECT_RETURNING);
    write->sets_tag = intVal(list_nth(plan->fdw_private, DIRECT_SETS_TAG)) != 0;
    write->server = fdw_server(plan->fs_server);
    write->message =
        message_of(plan->operation == CMD_UPDATE ? IDC_UPDATE_WHERE : IDC_DELETE_WHERE,
                   node->ss.ss_currentRelation, where,
                   list_nth(plan->fdw_private, FDW_PRIVATE_ATTRIBUTES), write->returning);
    return write;
}

void
fdw_direct_begin(ForeignScanState *node, int eflags)
{
    const ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    Write *write = make_write(node);

    node->fdw_state = write;
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
        return;
    write->user = fdw_scan_user(node);
    write->expressions = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
    write->context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "instant write",
                                           ALLOCSET_DEFAULT_SIZES);
}

static void
run_write(ForeignScanState *node)
{
    Write *write = node->fdw_state;
    EState *estate = node->ss.ps.state;
    MemoryContext old = MemoryContextSwitchTo(write->context);
    List *lists = list_nth(((ForeignScan *) node->ss.ps.plan)->fdw_private, FDW_PRIVATE_LISTS);

    write->message.values = fdw_evaluate(write->expressions, lists, node->ss.ps.ps_ExprContext,
                                         &write->message.value_count);
    write->is_done = true;
    fdw_modify_send(write->server, write->user, 0, &write->message, &write->modified);
    if (write->sets_tag)
        estate->es_processed += (uint64) write->modified.stats.rows;
    if (node->ss.ps.instrument != NULL && write->returning == NIL)
        node->ss.ps.instrument->tuplecount += (double) write->modified.stats.rows;
    MemoryContextSwitchTo(old);
}

/* RETURNING is computed of the scan's slot. */
static TupleTableSlot *
next_returned(ForeignScanState *node)
{
    Write *write = node->fdw_state;
    TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
    ResultRelInfo *info = node->resultRelInfo;

    fdw_modify_store(slot, write->returning,
                     write->modified.rows + write->row++ * write->modified.column_count, false,
                     node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
    slot->tts_tableOid = RelationGetRelid(node->ss.ss_currentRelation);
    info->ri_projectReturning->pi_exprContext->ecxt_scantuple = slot;
    return slot;
}

TupleTableSlot *
fdw_direct_iterate(ForeignScanState *node)
{
    Write *write = node->fdw_state;

    if (!write->is_done)
        run_write(node);
    if (node->resultRelInfo->ri_projectReturning != NULL && write->row < write->modified.row_count)
        return next_returned(node);
    return ExecClearTuple(node->ss.ss_ScanTupleSlot);
}

void
fdw_direct_end(ForeignScanState *node)
{
    node->fdw_state = NULL;
}

void
fdw_direct_explain(ForeignScanState *node, struct ExplainState *es)
{
    const Write *write = node->fdw_state;

    if (fdw_explain_is_verbose(es))
        fdw_modify_explain(write->server, &write->message, es);
}
