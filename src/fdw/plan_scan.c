/*
 * plan_scan.c - paths that read one foreign table.
 *
 * Beside the plain one: in the order that the query wants, and with conditions whose values come
 * from other tables, row by row of a nested loop.
 */
#include "fdw/handler.h"
#include "fdw/plan.h"

#include <access/htup_details.h>
#include <access/sysattr.h>
#include <access/table.h>
#include <nodes/makefuncs.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/paths.h>
#include <optimizer/prep.h>
#include <optimizer/restrictinfo.h>
#include <parser/parsetree.h>
#include <utils/memutils.h>
#include <utils/rel.h>

/* Of a table that was never analysed, where the adapter knows no better. */
#define DEFAULT_ROWS 1000.0

/* ---- what is read ---- */

/* Numbers of attributes, moved by FirstLowInvalidHeapAttributeNumber. */
static Bitmapset *
wanted_attributes(const RelOptInfo *rel)
{
    Bitmapset *wanted = NULL;
    ListCell *cell;

    pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &wanted);
    foreach (cell, rel->baserestrictinfo)
        pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid, &wanted);
    foreach (cell, rel->joininfo)
        pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid, &wanted);
    return wanted;
}

static List *
wanted_columns(const RelOptInfo *rel, Oid table, bool has_ctid)
{
    Bitmapset *wanted = wanted_attributes(rel);
    Relation relation = table_open(table, NoLock);
    TupleDesc descriptor = RelationGetDescr(relation);
    bool is_whole = bms_is_member(-FirstLowInvalidHeapAttributeNumber, wanted);
    List *columns = NIL;

    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

        if (attribute->attisdropped)
            continue;
        if (is_whole ||
            bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, wanted))
            columns =
                lappend(columns, makeVar((int) rel->relid, attribute->attnum, attribute->atttypid,
                                         attribute->atttypmod, attribute->attcollation, 0));
    }
    if (has_ctid &&
        bms_is_member(SelfItemPointerAttributeNumber - FirstLowInvalidHeapAttributeNumber, wanted))
        columns = lappend(columns, makeVar((int) rel->relid, SelfItemPointerAttributeNumber, TIDOID,
                                           -1, InvalidOid, 0));
    table_close(relation, NoLock);
    return columns;
}

/* ---- how much that is ---- */

static void
note_levels(FdwPlan *plan, List *clauses, List *verdicts)
{
    ListCell *cell;

    plan->least_security = UINT_MAX;
    foreach (cell, clauses)
        plan->least_security =
            Min(plan->least_security, lfirst_node(RestrictInfo, cell)->security_level);
    foreach (cell, verdicts) {
        FdwVerdict *verdict = lfirst(cell);
        RestrictInfo *condition = (RestrictInfo *) verdict->clause;

        if (verdict->push != IDC_PUSH_NO && !condition->leakproof)
            plan->most_leaky_security = Max(plan->most_leaky_security, condition->security_level);
    }
}

/* Sorts the conditions into what the source answers and what the hub checks. */
static List *
take_verdicts(FdwPlan *plan, List *verdicts)
{
    List *pushed = NIL;
    ListCell *cell;

    foreach (cell, verdicts) {
        FdwVerdict *verdict = lfirst(cell);

        if (verdict->push == IDC_PUSH_EXACT)
            plan->exact = lappend(plan->exact, verdict->clause);
        else
            plan->local = lappend(plan->local, verdict->clause);
        if (verdict->push != IDC_PUSH_NO)
            pushed = lappend(pushed, verdict->clause);
    }
    plan->is_exact = plan->local == NIL;
    return pushed;
}

/* By the option row_count; -1: not given. */
static double
promised_rows(const FdwPlan *plan)
{
    const char *text = idc_option_value(plan->table_options, "row_count");
    int64 rows;

    return text != NULL && idc_int64_parse(text, &rows) && rows >= 0 ? (double) rows : -1;
}

static void
estimate_size(PlannerInfo *root, RelOptInfo *rel, FdwPlan *plan, const FdwLayer *scan, List *pushed)
{
    plan->table_rows = rel->tuples >= 0 && rel->pages + rel->tuples > 0 ? rel->tuples : -1;
    if (plan->table_rows < 0)
        plan->table_rows = rel->tuples = promised_rows(plan);
    if (plan->table_rows < 0)
        rel->tuples = fdw_cost(root, plan, scan, 1.0, -1, NIL).rows;
    if (rel->tuples <= 0)
        rel->tuples = DEFAULT_ROWS;
    plan->selectivity = clauselist_selectivity(root, pushed, (int) rel->relid, JOIN_INNER, NULL);
    set_baserel_size_estimates(root, rel);
    plan->rows = rel->rows;
}

static FdwRowLock
row_lock(const PlannerInfo *root, const RelOptInfo *rel, const IdcDeclaration *declaration)
{
    static const IdcLock locks[] = { [LCS_NONE] = IDC_LOCK_NONE,
                                     [LCS_FORKEYSHARE] = IDC_LOCK_KEY_SHARE,
                                     [LCS_FORSHARE] = IDC_LOCK_SHARE,
                                     [LCS_FORNOKEYUPDATE] = IDC_LOCK_NO_KEY_UPDATE,
                                     [LCS_FORUPDATE] = IDC_LOCK_UPDATE };
    static const IdcLockWait waits[] = { [LockWaitBlock] = IDC_LOCK_WAIT,
                                         [LockWaitSkip] = IDC_LOCK_SKIP,
                                         [LockWaitError] = IDC_LOCK_FAIL };
    CmdType command = root->parse->commandType;
    const PlanRowMark *mark;

    if (!declaration->has_locks)
        return (FdwRowLock){ 0 };
    if (declaration->locks_for_writes && (command == CMD_UPDATE || command == CMD_DELETE) &&
        bms_is_member((int) rel->relid, root->all_result_relids))
        return (FdwRowLock){ .lock = IDC_LOCK_WRITE };
    mark = get_plan_rowmark(root->rowMarks, rel->relid);
    if (mark == NULL || mark->strength == LCS_NONE)
        return (FdwRowLock){ 0 };
    return (FdwRowLock){ .lock = locks[mark->strength], .wait = waits[mark->waitPolicy] };
}

void
fdw_plan_size(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
    FdwPlan *plan = palloc0(sizeof *plan);
    IdcOptionSet *options = palloc(sizeof *options);
    const FdwLayer *scan;
    FdwRowLock lock;
    List *verdicts;

    *options = fdw_table_options(table);
    plan->server = fdw_server(rel->serverid);
    plan->table_options = options;
    lock = row_lock(root, rel, plan->server->declaration);
    scan = fdw_scan_layer(table, wanted_columns(rel, table, plan->server->declaration->has_ctid),
                          bms_copy(rel->relids), &lock);
    verdicts = fdw_push_clauses(plan->server, scan, rel->baserestrictinfo, true, rel, &plan->layer);
    note_levels(plan, rel->baserestrictinfo, verdicts);
    estimate_size(root, rel, plan, scan, take_verdicts(plan, verdicts));
    /* PostgreSQL asks a condition without columns above this scan, and only there. */
    plan->is_exact = plan->is_exact && !fdw_has_gate(rel->baserestrictinfo);
    rel->fdw_private = plan;
}

/* The planner's memory of the moment may end before the plan does (GEQO). */
void
fdw_plan_note(FdwPlan *plan, const char *what, const char *why)
{
    MemoryContext before;
    ListCell *cell;
    char *note;

    if (why == NULL)
        return;
    before = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
    note = psprintf("%s in the hub: %s", what, why);
    foreach (cell, plan->notes)
        if (strcmp(lfirst(cell), note) == 0)
            break;
    if (cell == NULL)
        plan->notes = lappend(plan->notes, note);
    (void) MemoryContextSwitchTo(before);
}

/* ---- paths ---- */

/* Of one of several tables an expression could be an error of a row that is not joined. */
static bool
is_of_columns(const FdwLayer *sorted)
{
    ListCell *cell;

    foreach (cell, sorted->keys) {
        const Node *key = (Node *) ((FdwSortKey *) lfirst(cell))->expr;

        while (IsA(key, RelabelType))
            key = (Node *) ((RelabelType *) key)->arg;
        if (!IsA(key, Var))
            return false;
    }
    return true;
}

static void
add_sorted_path(PlannerInfo *root, RelOptInfo *rel, FdwPlan *plan)
{
    const FdwLayer *sorted;
    const char *why = NULL;
    FdwCost cost;

    if (root->query_pathkeys == NIL || !plan->is_exact)
        return;
    sorted = fdw_sort_layer(root, rel, plan, plan->layer, root->query_pathkeys, &why);
    if (sorted == NULL ||
        (bms_membership(root->all_baserels) == BMS_MULTIPLE && !is_of_columns(sorted)))
        return;
    cost = fdw_cost(root, plan, sorted, plan->selectivity, rel->rows, plan->local);
    fdw_add_base_path(root, rel, sorted, &cost, root->query_pathkeys, rel->lateral_relids);
}

/* ---- paths with values of other tables ---- */

/* What generate_implied_equalities_for_column is asked for, one expression at a time. */
typedef struct Member {
    Expr *current; /* NULL: the next one that was not yet */
    List *used;
} Member;

static bool
is_wanted_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *class,
                 EquivalenceMember *member, void *context)
{
    Member *wanted = context;

    (void) root;
    (void) rel;
    (void) class;
    if (wanted->current != NULL)
        return equal(member->em_expr, wanted->current);
    if (list_member(wanted->used, member->em_expr))
        return false;
    wanted->current = member->em_expr;
    return true;
}

static List *
equality_clauses(PlannerInfo *root, RelOptInfo *rel)
{
    Member wanted = { 0 };
    List *clauses = NIL;

    if (!rel->has_eclass_joins)
        return NIL;
    for (;;) {
        wanted.current = NULL;
        clauses = list_concat(
            clauses, generate_implied_equalities_for_column(root, rel, is_wanted_member, &wanted,
                                                            rel->lateral_referencers));
        if (wanted.current == NULL)
            return clauses;
        wanted.used = lappend(wanted.used, wanted.current);
    }
}

/* Conditions with other tables that could be evaluated while this one is read. */
static List *
movable_clauses(PlannerInfo *root, RelOptInfo *rel)
{
    List *clauses = NIL;
    ListCell *cell;

    foreach (cell, rel->joininfo) {
        RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

        if (join_clause_is_movable_to(condition, rel))
            clauses = lappend(clauses, condition);
    }
    foreach (cell, equality_clauses(root, rel)) {
        RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

        if (join_clause_is_movable_to(condition, rel))
            clauses = lappend(clauses, condition);
    }
    return clauses;
}

static Relids
outer_of(const RelOptInfo *rel, Relids of_clause)
{
    return bms_del_member(bms_union(of_clause, rel->lateral_relids), (int) rel->relid);
}

/* list_append_unique compares nodes, which these are only from PostgreSQL 16 on. */
static List *
with_set(List *sets, Relids outer)
{
    ListCell *cell;

    if (bms_is_empty(outer))
        return sets;
    foreach (cell, sets)
        if (bms_equal(lfirst(cell), outer))
            return sets;
    return lappend(sets, outer);
}

/* The sets of other tables whose values would let the source find rows. */
static List *
outer_sets(PlannerInfo *root, RelOptInfo *rel, const FdwPlan *plan)
{
    List *clauses = movable_clauses(root, rel), *sets = NIL;
    Relids all = NULL;
    const FdwLayer *ignored;
    ListCell *cell;

    foreach (cell,
             fdw_push_clauses(plan->server, plan->layer, clauses, plan->is_exact, rel, &ignored)) {
        FdwVerdict *verdict = lfirst(cell);
        Relids outer;

        if (verdict->push == IDC_PUSH_NO)
            continue;
        outer = outer_of(rel, ((RestrictInfo *) verdict->clause)->clause_relids);
        sets = with_set(sets, outer);
        all = bms_union(all, outer);
    }
    return with_set(sets, all);
}

static void
add_parameterised_path(PlannerInfo *root, RelOptInfo *rel, FdwPlan *plan, Relids outer)
{
    ParamPathInfo *info = get_baserel_parampathinfo(root, rel, outer);
    List *local = list_copy(plan->local), *pushed = NIL;
    const FdwLayer *layer;
    double selectivity;
    FdwCost cost;
    ListCell *cell;

    foreach (cell, fdw_push_clauses(plan->server, plan->layer, info->ppi_clauses, plan->is_exact,
                                    rel, &layer)) {
        FdwVerdict *verdict = lfirst(cell);

        if (verdict->push != IDC_PUSH_EXACT)
            local = lappend(local, verdict->clause);
        if (verdict->push != IDC_PUSH_NO)
            pushed = lappend(pushed, verdict->clause);
    }
    if (pushed == NIL)
        return;
    selectivity = plan->selectivity *
                  clauselist_selectivity(root, pushed, (int) rel->relid, JOIN_INNER, NULL);
    cost = fdw_cost(root, plan, layer, selectivity, info->ppi_rows, local);
    /* plan_make.c adds the conditions again: those of a child relation are other ones. */
    fdw_add_base_path(root, rel, plan->layer, &cost, NIL, outer);
}

void
fdw_plan_paths(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
    FdwPlan *plan = rel->fdw_private;
    FdwCost cost = fdw_cost(root, plan, plan->layer, plan->selectivity, rel->rows, plan->local);
    ListCell *cell;

    (void) table;
    fdw_add_base_path(root, rel, plan->layer, &cost, NIL, rel->lateral_relids);
    add_sorted_path(root, rel, plan);
    foreach (cell, outer_sets(root, rel, plan))
        add_parameterised_path(root, rel, plan, lfirst(cell));
}

bool
fdw_plan_is_async(ForeignPath *path)
{
    const FdwPlan *plan = path->path.parent->fdw_private;
    const char *value = fdw_common_option(plan->server, plan->table_options, "async_capable");
    bool is_async = true;

    return value == NULL || !idc_bool_parse(value, &is_async) || is_async;
}
