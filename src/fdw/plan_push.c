/*
 * plan_push.c - asking the adapter's declaration what it can answer.
 */
#include "fdw/plan.h"

#include <optimizer/restrictinfo.h>

#include "fdw/raise.h"

/* Of a table only some columns: more than that is no push of anything. */
static bool
only_leaves_out(const IdcRelation *relation)
{
    if (relation->kind != IDC_REL_PROJECT || relation->input->kind != IDC_REL_SCAN)
        return false;
    for (size_t i = 0; i < relation->expr_count; i++)
        if (relation->exprs[i]->kind != IDC_EXPR_COLUMN)
            return false;
    return true;
}

IdcPush
fdw_can_push(const FdwServer *server, const IdcRelation *relation, bool is_exact_below,
             const char **why)
{
    IdcPushQuestion question = { .server_options = &server->options,
                                 .relation = relation,
                                 .is_exact_below = is_exact_below };

    *why = NULL;
    /* Such as the order of an enum, which the adapter need not know that it must not claim. */
    if (idc_relation_check(relation, NULL) != IDC_OK) {
        *why = "sources do not know such a thing of these types";
        return IDC_PUSH_NO;
    }
    if (!server->declaration->has_calls && idc_relation_has_calls(relation)) {
        *why = "a function or operator that the source does not know";
        return IDC_PUSH_NO;
    }
    if (!only_leaves_out(relation) &&
        !idc_adapter_option_bool(server->declaration, &server->options, "push_down")) {
        *why = "the server's option push_down is false";
        return IDC_PUSH_NO;
    }
    if (server->declaration->can_push == NULL) {
        *why = "the adapter pushes nothing";
        return IDC_PUSH_NO;
    }
    return server->declaration->can_push(&question, why);
}

bool
fdw_layer_is_pushed(const FdwServer *server, const FdwLayer *layer, const char **why)
{
    FdwTranslation translation = fdw_translation_begin();
    const IdcRelation *relation = fdw_try_build(&translation, layer);

    *why = translation.why;
    return relation != NULL && fdw_can_push(server, relation, true, why) == IDC_PUSH_EXACT;
}

static bool
may_be_evaluated(Node *clause, RelOptInfo *rel)
{
    return rel == NULL || !IsA(clause, RestrictInfo) ||
           restriction_is_securely_promotable((RestrictInfo *) clause, rel);
}

/* Over `agreed`, which is the relation with what was agreed to before. */
static FdwVerdict *
verdict_on(const FdwServer *server, FdwTranslation *translation, const IdcRelation *agreed,
           Node *clause, bool is_exact_below, RelOptInfo *rel)
{
    FdwVerdict *verdict = palloc0(sizeof *verdict);
    int count = list_length(translation->params);
    const IdcRelation *filter;
    IdcError err;

    verdict->clause = clause;
    verdict->push = IDC_PUSH_NO;
    if (!may_be_evaluated(clause, rel)) {
        verdict->why = "it may not see rows that a policy hides";
        return verdict;
    }
    verdict->expr = fdw_translate(translation, (Node *) fdw_bare_clause(clause));
    if (verdict->expr == NULL) {
        verdict->why = translation->why;
        return verdict;
    }
    filter = idc_relation_filter(translation->arena, agreed, &verdict->expr, 1);
    if (filter == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    verdict->push = fdw_can_push(server, filter, is_exact_below, &verdict->why);
    if (verdict->push == IDC_PUSH_NO)
        fdw_translation_truncate(translation, count);
    return verdict;
}

static bool
is_gate(Node *clause)
{
    return IsA(clause, RestrictInfo) && ((RestrictInfo *) clause)->pseudoconstant;
}

List *
fdw_push_clauses(const FdwServer *server, const FdwLayer *layer, List *clauses, bool is_exact_below,
                 RelOptInfo *rel, const FdwLayer **pushed)
{
    FdwTranslation translation = fdw_translation_begin();
    const IdcRelation *agreed = fdw_build(&translation, layer);
    List *verdicts = NIL, *nodes = NIL;
    ListCell *cell;

    foreach (cell, clauses) {
        FdwVerdict *verdict;

        /* Those of no table are asked once, above the scan, by PostgreSQL itself. */
        if (is_gate(lfirst(cell)))
            continue;
        verdict = verdict_on(server, &translation, agreed, lfirst(cell), is_exact_below, rel);
        verdicts = lappend(verdicts, verdict);
        if (verdict->push == IDC_PUSH_NO)
            continue;
        nodes = lappend(nodes, verdict->clause);
        agreed = idc_relation_filter(translation.arena, agreed, &verdict->expr, 1);
        is_exact_below = is_exact_below && verdict->push == IDC_PUSH_EXACT;
    }
    *pushed = fdw_filter_layer(layer, nodes);
    return verdicts;
}

bool
fdw_has_gate(List *restrictions)
{
    ListCell *cell;

    foreach (cell, restrictions)
        if (lfirst_node(RestrictInfo, cell)->pseudoconstant)
            return true;
    return false;
}
