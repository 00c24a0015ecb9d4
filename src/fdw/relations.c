/*
 * relations.c - instant.relations: what a query would ask of our sources, without asking.
 *
 * In:   a query and its parameters, as instant.arrow takes them
 * Out:  for each foreign scan of ours in its plan: server, relation as text, relation in its serial
 *       form, which instant-source reads
 */
#include "fdw/pg.h"

#include <executor/executor.h>
#include <foreign/fdwapi.h>
#include <foreign/foreign.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include "fdw/arguments.h"
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/plan_cache.h"
#include "fdw/raise.h"

enum { RELATION_COLUMNS = 3 };

FDW_SQL_FUNCTION(instant_relations);

typedef struct Relations {
    ReturnSetInfo *result;
} Relations;

static bool
is_ours(Oid server)
{
    return OidIsValid(server) &&
           GetFdwRoutineByServerId(server)->GetForeignRelSize == fdw_plan_size;
}

static char *
relation_text(const bytea *bytes)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *relation;
    IdcText text;
    IdcError err;

    fdw_check(
        idc_relation_read(arena, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &relation, &err),
        &err);
    idc_text_init(&text, 0);
    idc_relation_print(relation, true, &text);
    return pstrdup(idc_text_string(&text));
}

static void
put_scan(Relations *relations, const ForeignScan *scan)
{
    const bytea *bytes;
    Datum values[RELATION_COLUMNS];
    bool nulls[RELATION_COLUMNS] = { false };

    if (!is_ours(scan->fs_server) || list_length(scan->fdw_private) != FDW_PRIVATE_COUNT)
        return;
    bytes = DatumGetByteaPP(
        castNode(Const, list_nth(scan->fdw_private, FDW_PRIVATE_RELATION))->constvalue);
    values[0] = CStringGetTextDatum(GetForeignServer(scan->fs_server)->servername);
    values[1] = CStringGetTextDatum(relation_text(bytes));
    values[2] = PointerGetDatum(bytes);
    tuplestore_putvalues(relations->result->setResult, relations->result->setDesc, values, nulls);
}

static void walk(Relations *relations, const Plan *plan);

static void
walk_list(Relations *relations, List *plans)
{
    ListCell *cell;

    foreach (cell, plans)
        walk(relations, lfirst(cell));
}

static void
walk(Relations *relations, const Plan *plan)
{
    if (plan == NULL)
        return;
    check_stack_depth();
    if (IsA(plan, ForeignScan))
        put_scan(relations, (const ForeignScan *) plan);
    else if (IsA(plan, Append))
        walk_list(relations, ((const Append *) plan)->appendplans);
    else if (IsA(plan, MergeAppend))
        walk_list(relations, ((const MergeAppend *) plan)->mergeplans);
    else if (IsA(plan, SubqueryScan))
        walk(relations, ((const SubqueryScan *) plan)->subplan);
    else if (IsA(plan, CustomScan))
        walk_list(relations, ((const CustomScan *) plan)->custom_plans);
    walk(relations, outerPlan(plan));
    walk(relations, innerPlan(plan));
}

/* As EXPLAIN: only who may run the query sees what it would ask. */
static void
check_rights(const PlannedStmt *statement)
{
#if PG_VERSION_NUM >= 160000
    (void) ExecCheckPermissions(statement->rtable, statement->permInfos, true);
#else
    (void) ExecCheckRTPerms(statement->rtable, true);
#endif
}

Datum
instant_relations(PG_FUNCTION_ARGS)
{
    Relations relations = { .result = (ReturnSetInfo *) fcinfo->resultinfo };
    FdwArguments arguments;
    FdwPlan plan;

    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the query is NULL")));
    InitMaterializedSRF(fcinfo, 0);
    fdw_arguments_read(fcinfo, 1, &arguments);
    fdw_plan_acquire(text_to_cstring(PG_GETARG_TEXT_PP(0)), &arguments, false, &plan);
    check_rights(plan.statement);
    walk(&relations, plan.statement->planTree);
    walk_list(&relations, plan.statement->subplans);
    fdw_plan_release(&plan);
    return (Datum) 0;
}
