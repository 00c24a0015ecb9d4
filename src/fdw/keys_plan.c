/*
 * keys_plan.c - offers a join by keys to the planner, beside its own joins.
 *
 * In:   two relations to be joined, the inner one a foreign table of ours, and an equality whose
 * inner side is a column that the source takes a list of values for Out:  a CustomPath; when it is
 * chosen, the CustomScan that keys.h describes Next: keys_join.c
 */
#include "fdw/keys.h"

#include <math.h>

#include <access/htup_details.h>
#include <access/stratnum.h>
#include <catalog/pg_operator.h>
#include <catalog/pg_opfamily.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/paths.h>
#include <optimizer/restrictinfo.h>
#include <parser/parse_coerce.h>
#include <rewrite/rewriteManip.h>
#include <optimizer/tlist.h>
#include <utils/lsyscache.h>
#include <utils/selfuncs.h>
#include <utils/typcache.h>
#include "fdw/backend.h"
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/plan.h"

/* Requests of a source that takes any number of keys are cut in parts of so many. */
#define MANY_KEYS 10000.0

/* A join that may be done so. */
typedef struct Candidate {
    PlannerInfo *root;
    RelOptInfo *joined, *outer, *inner;
    Path *outer_path; /* NULL: it cannot be had */
    JoinType type;
    List *join_clauses, *other_clauses; /* bare expressions */
    FdwPlan *plan;                      /* of the inner table */
    RestrictInfo *equality;
    Oid operator, collation;
    Expr *outer_key;
    Var *inner_key;
    Param *keys;           /* stands for the list of keys while the relation is made */
    const FdwLayer *layer; /* the inner table's, with the keys' predicate */
    int64 batch;
} Candidate;

static Plan *make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
                       List *clauses, List *custom_plans);

static const CustomPathMethods path_methods = {
    .CustomName = "Keys Join",
    .PlanCustomPath = make_plan,
};

/* ---- whether it can be done ---- */

static bool
is_ours(const RelOptInfo *rel)
{
    return rel->reloptkind == RELOPT_BASEREL && rel->fdwroutine != NULL &&
           rel->fdwroutine->GetForeignRelSize == fdw_plan_size && rel->fdw_private != NULL;
}

/*
 * Whole rows and system columns are not among the columns that a source is asked for. What a
 * placeholder holds is computed below an outer join, before it makes NULLs, and here nothing is.
 */
static bool
needs_only_columns(const RelOptInfo *rel)
{
    /* What only the hub's own conditions look at is not in the target. */
    List *local = extract_actual_clauses(((FdwPlan *) rel->fdw_private)->local, false);
    List *vars = pull_var_clause((Node *) list_concat_copy(rel->reltarget->exprs, local),
                                 PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
                                     PVC_INCLUDE_PLACEHOLDERS);
    ListCell *cell;

    foreach (cell, vars)
        if (!IsA(lfirst(cell), Var) || lfirst_node(Var, cell)->varattno <= 0)
            return false;
    return true;
}

static bool
can_join(const Candidate *candidate, JoinPathExtraData *extra)
{
    const PlannerInfo *root = candidate->root;

    if (candidate->outer_path == NULL)
        return false;
    if (candidate->type != JOIN_INNER && candidate->type != JOIN_LEFT &&
        candidate->type != JOIN_SEMI && candidate->type != JOIN_ANTI)
        return false;
    /* Rows that are locked are read again, which this cannot. */
    if (root->parse->commandType != CMD_SELECT || root->rowMarks != NIL)
        return false;
    return is_ours(candidate->inner) && candidate->outer_path->param_info == NULL &&
           bms_is_empty(candidate->inner->lateral_relids) &&
           bms_is_empty(candidate->joined->lateral_relids) && !fdw_has_gate(extra->restrictlist) &&
           !fdw_has_gate(candidate->inner->baserestrictinfo) &&
           needs_only_columns(candidate->inner);
}

/* The equality that a hash of both sides decides, of one type on both sides. */
static bool
is_hashed_equality(Oid operator, Oid type)
{
    TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);

    return entry->eq_opr == operator&& OidIsValid(entry->hash_proc);
}

/*
 * A key of a narrower integer type than the column's becomes one of the column's; false: the sides
 * have different types otherwise.
 */
static bool
widen_key(Candidate *candidate, const OpExpr *clause, Oid wanted)
{
    Oid given = exprType((Node *) candidate->outer_key);

    candidate->operator= clause->opno;
    if (given == wanted)
        return true;
    if (get_op_opfamily_strategy(clause->opno, INTEGER_BTREE_FAM_OID) != BTEqualStrategyNumber ||
        get_typlen(given) > get_typlen(wanted))
        return false;
    candidate->outer_key =
        (Expr *) coerce_to_target_type(NULL, (Node *) candidate->outer_key, given, wanted, -1,
                                       COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
    candidate->operator= lookup_type_cache(wanted, TYPECACHE_EQ_OPR)->eq_opr;
    return candidate->outer_key != NULL;
}

static Node *
without_relabel(Node *node)
{
    while (node != NULL && IsA(node, RelabelType))
        node = (Node *) ((RelabelType *) node)->arg;
    return node;
}

/* Fills in operator, keys and sides; false: it is no equality of a column of the inner table. */
static bool
take_equality(Candidate *candidate, RestrictInfo *restriction)
{
    OpExpr *clause = (OpExpr *) restriction->clause;
    Node *left, *right, *inner;

    if (!restriction->can_join || !IsA(clause, OpExpr) || list_length(clause->args) != 2)
        return false;
    left = linitial(clause->args);
    right = lsecond(clause->args);
    if (bms_is_subset(restriction->left_relids, candidate->inner->relids) &&
        bms_is_subset(restriction->right_relids, candidate->outer->relids)) {
        inner = left;
        candidate->outer_key = (Expr *) right;
    } else if (bms_is_subset(restriction->right_relids, candidate->inner->relids) &&
               bms_is_subset(restriction->left_relids, candidate->outer->relids)) {
        inner = right;
        candidate->outer_key = (Expr *) left;
    } else {
        return false;
    }
    if (bms_is_empty(restriction->left_relids) || bms_is_empty(restriction->right_relids) ||
        !IsA(without_relabel(inner), Var) ||
        contain_volatile_functions((Node *) candidate->outer_key) ||
        !widen_key(candidate, clause, exprType(inner)) ||
        !is_hashed_equality(candidate->operator, exprType(inner)))
        return false;
    candidate->inner_key = (Var *) without_relabel(inner);
    candidate->collation = clause->inputcollid;
    candidate->equality = restriction;
    return candidate->inner_key->varattno > 0 &&
           restriction_is_securely_promotable(restriction, candidate->inner);
}

/* inner = ANY (keys), as the planner would write it. */
static Node *
keys_clause(Candidate *candidate)
{
    ScalarArrayOpExpr *clause = makeNode(ScalarArrayOpExpr);
    OpExpr *equality = (OpExpr *) candidate->equality->clause;
    Oid type = exprType((Node *) candidate->outer_key);
    Node *inner = linitial(equality->args);

    if (without_relabel(inner) != (Node *) candidate->inner_key)
        inner = lsecond(equality->args);
    candidate->keys = makeNode(Param);
    candidate->keys->paramkind = PARAM_EXEC;
    candidate->keys->paramid = -1; /* never evaluated: keys_join.c puts the keys in its place */
    candidate->keys->paramtype = get_array_type(type);
    candidate->keys->paramtypmod = -1;
    candidate->keys->paramcollid = exprCollation((Node *) candidate->outer_key);
    candidate->keys->location = -1;
    clause->opno = candidate->operator;
    clause->opfuncid = get_opcode(candidate->operator);
    clause->useOr = true;
    clause->inputcollid = candidate->collation;
    clause->args = list_make2(copyObject(inner), candidate->keys);
    clause->location = -1;
    return (Node *) clause;
}

/* What no relation compares (jsonb) is a function there, and its array one value, no list. */
static bool
is_list_of(const FdwTranslation *translation, const Param *keys)
{
    int count = list_length(translation->params);

    for (int i = 0; i < count; i++)
        if (list_nth(translation->params, i) == keys)
            return list_nth_int(translation->lists, i) != 0;
    return false;
}

/* Asks the adapter; fills in layer and batch. */
static bool
can_push_keys(Candidate *candidate)
{
    const FdwPlan *plan = candidate->plan;
    const IdcDeclaration *declaration = plan->server->declaration;
    FdwTranslation translation;
    IdcPushQuestion question = { .server_options = &plan->server->options };
    const FdwVerdict *verdict;
    List *verdicts;

    if (!OidIsValid(get_array_type(exprType((Node *) candidate->outer_key))))
        return false;
    verdicts = fdw_push_clauses(plan->server, plan->layer, list_make1(keys_clause(candidate)),
                                plan->is_exact, NULL, &candidate->layer);
    verdict = linitial(verdicts);
    if (verdict->push == IDC_PUSH_NO || declaration->key_batch == NULL)
        return false;
    translation = fdw_translation_begin();
    question.relation = fdw_build(&translation, candidate->layer);
    question.is_exact_below = plan->is_exact;
    candidate->batch = declaration->key_batch(
        &question, question.relation->exprs[question.relation->expr_count - 1]);
    return is_list_of(&translation, candidate->keys);
}

/* ---- what it costs ---- */

static void
set_costs(Candidate *candidate, CustomPath *path)
{
    PlannerInfo *root = candidate->root;
    Path *outer = candidate->outer_path;
    List *key = list_make1(candidate->outer_key);
    double keys = estimate_num_groups(root, key, Max(outer->rows, 1.0), NULL, NULL);
    double in_one = candidate->batch > 0 ? (double) candidate->batch : MANY_KEYS;
    double requests = Max(ceil(keys / in_one), 1.0);
    double of_a_key =
        clauselist_selectivity(root, list_make1(candidate->equality), 0, JOIN_INNER, NULL);
    double part = Min(of_a_key * keys / requests, 1.0);
    double rows = clamp_row_est(candidate->inner->rows * part);
    FdwCost request = fdw_cost(root, candidate->plan, candidate->layer,
                               candidate->plan->selectivity * part, rows, candidate->plan->local);

    path->path.rows = candidate->joined->rows;
    path->path.startup_cost = outer->startup_cost + request.startup;
    path->path.total_cost = outer->total_cost + requests * request.total +
                            cpu_operator_cost * outer->rows * 2 +
                            cpu_tuple_cost * (requests * rows + candidate->joined->rows);
#if PG_VERSION_NUM >= 180000
    path->path.disabled_nodes = outer->disabled_nodes;
#endif
    if (request.impossible != NULL)
        path->path.total_cost = -1;
}

static void
split_clauses(Candidate *candidate, List *restrictions)
{
    if (IS_OUTER_JOIN(candidate->type))
        extract_actual_join_clauses(restrictions, candidate->joined->relids,
                                    &candidate->join_clauses, &candidate->other_clauses);
    else
        candidate->join_clauses = extract_actual_clauses(restrictions, false);
}

static CustomPath *
make_path(Candidate *candidate)
{
    CustomPath *path = makeNode(CustomPath);

    path->path.pathtype = T_CustomScan;
    path->path.parent = candidate->joined;
    path->path.pathtarget = candidate->joined->reltarget;
    path->path.parallel_safe = false;
    path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
    path->custom_paths = list_make1(candidate->outer_path);
    path->methods = &path_methods;
    set_costs(candidate, path);
    path->custom_private = list_make1(candidate);
    return path;
}

static void
try_keys(Candidate *candidate, JoinPathExtraData *extra)
{
    ListCell *cell;

    foreach (cell, extra->restrictlist) {
        RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
        Candidate *made;
        CustomPath *path;

        if (IS_OUTER_JOIN(candidate->type) &&
            RINFO_IS_PUSHED_DOWN(restriction, candidate->joined->relids))
            continue;
        if (!take_equality(candidate, restriction) || !can_push_keys(candidate))
            continue;
        split_clauses(candidate, extra->restrictlist);
        made = palloc(sizeof *made);
        *made = *candidate;
        path = make_path(made);
        if (path->path.total_cost >= 0)
            add_path(candidate->joined, &path->path);
    }
}

/* id IN (SELECT …) with the foreign table on the left: an inner join with each key once. */
static void
make_unique(Candidate *candidate, JoinPathExtraData *extra)
{
#if PG_VERSION_NUM < 190000
    /* Where one source has both it answers all of it, as a semijoin, which was tried before. */
    if (candidate->type != JOIN_UNIQUE_OUTER || candidate->outer_path == NULL ||
        candidate->joined->fdw_private != NULL)
        return;
    candidate->outer_path = (Path *) create_unique_path(candidate->root, candidate->outer,
                                                        candidate->outer_path, extra->sjinfo);
    candidate->type = JOIN_INNER;
#else
    (void) candidate;
    (void) extra;
#endif
}

static void
offer(PlannerInfo *root, RelOptInfo *joined, RelOptInfo *outer, RelOptInfo *inner, JoinType type,
      JoinPathExtraData *extra)
{
    Candidate candidate = {
        .root = root, .joined = joined, .outer = outer, .inner = inner, .type = type
    };

    if (fdw_backend.next_join_pathlist != NULL)
        fdw_backend.next_join_pathlist(root, joined, outer, inner, type, extra);
    candidate.outer_path = outer->cheapest_total_path;
    if (is_ours(inner))
        make_unique(&candidate, extra);
    if (!can_join(&candidate, extra))
        return;
    candidate.plan = inner->fdw_private;
    try_keys(&candidate, extra);
}

/* ---- the plan ---- */

/*
 * The inner columns as those see them that are above an outer join: since PostgreSQL 16 a Var says
 * which joins may have made it NULL, and the conditions of this one must say the same, because all
 * of them look into one list of columns.
 */
static Node *
as_seen_above(const Candidate *candidate, Node *node)
{
#if PG_VERSION_NUM >= 160000
    Relids below = bms_union(candidate->outer->relids, candidate->inner->relids);
    Relids nulled_by = bms_difference(candidate->joined->relids, below);
    ListCell *cell;

    /* Where two outer joins were done in the other order, also one that is below. */
    foreach (cell, candidate->joined->reltarget->exprs)
        if (IsA(lfirst(cell), Var) &&
            bms_is_member(lfirst_node(Var, cell)->varno, candidate->inner->relids))
            nulled_by = bms_union(nulled_by, lfirst_node(Var, cell)->varnullingrels);
    if (candidate->type == JOIN_LEFT && !bms_is_empty(nulled_by))
        return add_nulling_relids(node, candidate->inner->relids, nulled_by);
#else
    (void) candidate;
#endif
    return node;
}

/* What the outer plan gives, then the inner columns. */
static List *
scan_tlist(const Plan *outer, List *inner_columns)
{
    List *tlist = NIL;
    ListCell *cell;

    foreach (cell, outer->targetlist)
        tlist = lappend(tlist, makeTargetEntry(copyObject(lfirst_node(TargetEntry, cell)->expr),
                                               (AttrNumber) (list_length(tlist) + 1), NULL, false));
    foreach (cell, inner_columns)
        tlist = lappend(tlist, makeTargetEntry(copyObject(lfirst(cell)),
                                               (AttrNumber) (list_length(tlist) + 1), NULL, false));
    return tlist;
}

static int
key_position(const Candidate *candidate)
{
    ListCell *cell;

    foreach (cell, candidate->layer->columns)
        if (equal(lfirst(cell), candidate->inner_key))
            return foreach_current_index(cell) + 1;
    elog(ERROR, "the key of a join is no column of its table");
}

static List *
number_list(int count)
{
    List *numbers = NIL;

    for (int i = 1; i <= count; i++)
        numbers = lappend_int(numbers, i);
    return numbers;
}

/* The relation and everything about it. */
static void
fill_request(const Candidate *candidate, CustomScan *scan, int outer_count)
{
    FdwTranslation translation = fdw_translation_begin();
    const IdcRelation *relation = fdw_build(&translation, candidate->layer);
    List *parameters = list_copy(translation.params);
    List *quals = list_concat_copy(candidate->join_clauses,
                                   extract_actual_clauses(candidate->plan->local, false));
    int keys = 0;
    ListCell *cell;

    foreach (cell, parameters)
        if (lfirst(cell) == candidate->keys) {
            keys = foreach_current_index(cell);
            lfirst(cell) = makeNullConst(candidate->keys->paramtype, -1, InvalidOid);
        }
    quals = (List *) as_seen_above(candidate, (Node *) quals);
    scan->custom_exprs = list_make3(list_make1(candidate->outer_key), quals, parameters);
    scan->custom_private = list_make5(
        fdw_relation_const(relation), number_list((int) relation->column_count), translation.lists,
        list_make4_oid(candidate->plan->server->oid, candidate->inner->userid, candidate->operator,
                       candidate->collation),
        list_make5_int((int) candidate->type, outer_count, key_position(candidate),
                       (int) Min(candidate->batch, INT_MAX), keys));
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
          List *custom_plans)
{
    const Candidate *candidate = linitial(path->custom_private);
    const Plan *outer = linitial(custom_plans);
    CustomScan *scan = makeNode(CustomScan);

    (void) root;
    (void) rel;
    (void) clauses;
    scan->scan.plan.targetlist = tlist;
    scan->scan.plan.qual = candidate->other_clauses;
    scan->flags = path->flags;
    scan->custom_plans = custom_plans;
    scan->custom_scan_tlist =
        scan_tlist(outer, (List *) as_seen_above(candidate, (Node *) candidate->layer->columns));
    scan->methods = &fdw_keys_methods;
    fill_request(candidate, scan, list_length(outer->targetlist));
    return &scan->scan.plan;
}

void
fdw_keys_init(void)
{
    fdw_backend.next_join_pathlist = set_join_pathlist_hook;
    set_join_pathlist_hook = offer;
    RegisterCustomScanMethods(&fdw_keys_methods);
}
