/*
 * modify.c - INSERT, UPDATE and DELETE of foreign tables, where the adapter can write.
 *
 * Rows travel as texts, many at once for INSERT. A row of UPDATE and DELETE is named by the columns
 * that the adapter calls its key, as they were read. What a source wrote stays written when the
 * transaction is rolled back; nothing that it makes up (a default, a number) comes back: RETURNING
 * has what was sent.
 */
#include "fdw/exchange.h"
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/raise.h"
#include "fdw/server.h"
#include "fdw/table.h"
#include "fdw/transaction.h"

#include <access/sysattr.h>
#include <access/table.h>
#include <commands/explain.h>
#if PG_VERSION_NUM >= 180000
#include <commands/explain_format.h>
#include <commands/explain_state.h>
#endif
#include <executor/executor.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <optimizer/appendinfo.h>
#include <optimizer/inherit.h>
#include <optimizer/pathnode.h>
#include <parser/parse_relation.h>
#include <parser/parsetree.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#define KEY_PREFIX "instant_key_"

enum { DEFAULT_BATCH_ROWS = 100 };

/* ResultRelInfo.ri_FdwState. attributes: the keys as they were (junk attributes), then values. */
typedef struct Modify {
    IdcModifyKind kind;
    const FdwServer *server;
    Oid user;
    const IdcRelation *relation;
    List *keys;   /* numbers of attributes of the table */
    List *junk;   /* for each key, its place in the plan's row */
    List *values; /* numbers of attributes */
    int batch_rows;
    MemoryContext context; /* reset with each request */
} Modify;

/* ---- planning ---- */

static List *
key_attributes(Relation table)
{
    const FdwServer *server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    List *all = fdw_table_attributes(table), *keys = NIL;
    const IdcRelation *relation = fdw_table_relation(table, all);

    for (int i = 0; i < list_length(all) && server->declaration->is_key != NULL; i++)
        if (server->declaration->is_key(relation, (size_t) i))
            keys = lappend_int(keys, list_nth_int(all, i));
    return keys;
}

static bool
is_updatable(const FdwServer *server, const IdcOptionSet *options)
{
    const char *text = fdw_common_option(server, options, "updatable");
    bool value;

    return text == NULL || !idc_bool_parse(text, &value) || value;
}

int
fdw_modify_is_updatable(Relation table)
{
    const FdwServer *server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    const IdcRelation *relation = fdw_table_relation(table, fdw_table_attributes(table));
    unsigned writes;
    int events = 0;

    if (server->declaration->writes == NULL || !is_updatable(server, &relation->options))
        return 0;
    writes = server->declaration->writes(&server->options, relation);
    if ((writes & 1u << IDC_INSERT) != 0)
        events |= 1 << CMD_INSERT;
    if ((writes & 1u << IDC_UPDATE) != 0)
        events |= 1 << CMD_UPDATE;
    if ((writes & 1u << IDC_DELETE) != 0)
        events |= 1 << CMD_DELETE;
    return events;
}

static const char *
key_name(Relation table, int attribute)
{
    Form_pg_attribute found = TupleDescAttr(RelationGetDescr(table), attribute - 1);

    return psprintf(KEY_PREFIX "%s", NameStr(found->attname));
}

void
fdw_modify_add_targets(PlannerInfo *root, Index index, RangeTblEntry *entry, Relation table)
{
    ListCell *cell;

    (void) entry;
    foreach (cell, key_attributes(table)) {
        int number = lfirst_int(cell);
        Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), number - 1);
        Var *var = makeVar((int) index, (AttrNumber) number, attribute->atttypid,
                           attribute->atttypmod, attribute->attcollation, 0);

        add_row_identity_var(root, var, index, key_name(table, number));
    }
}

/* The columns that the statement names, as attribute numbers less FirstLowInvalid… */
static Bitmapset *
named_columns(PlannerInfo *root, Index index, CmdType operation)
{
#if PG_VERSION_NUM >= 160000
    RTEPermissionInfo *rights;

    if (operation == CMD_UPDATE)
        return get_rel_all_updated_cols(root, find_base_rel(root, (int) index));
    rights = getRTEPermissionInfo(root->parse->rteperminfos, planner_rt_fetch(index, root));
    return rights->insertedCols;
#else
    RangeTblEntry *entry = planner_rt_fetch(index, root);

    return operation == CMD_UPDATE ? bms_union(entry->updatedCols, entry->extraUpdatedCols)
                                   : entry->insertedCols;
#endif
}

/* What a trigger does to a row before it is written is not known here. */
static bool
may_set_any_column(Relation table, CmdType operation)
{
    const TriggerDesc *triggers = table->trigdesc;

    return triggers != NULL && (operation == CMD_INSERT ? triggers->trig_insert_before_row
                                                        : triggers->trig_update_before_row);
}

/* A column that has a default in the hub is sent, named or not. */
static List *
value_attributes(Relation table, const Bitmapset *named, CmdType operation)
{
    List *values = NIL;
    ListCell *cell;

    if (may_set_any_column(table, operation))
        return fdw_table_attributes(table);
    foreach (cell, fdw_table_attributes(table)) {
        int number = lfirst_int(cell);
        bool has_default = TupleDescAttr(RelationGetDescr(table), number - 1)->atthasdef;

        if (bms_is_member(number - FirstLowInvalidHeapAttributeNumber, named) ||
            (operation == CMD_INSERT && has_default))
            values = lappend_int(values, number);
    }
    return values;
}

static void
check_no_conflict(const ModifyTable *plan, Relation table)
{
    if (plan->onConflictAction != ONCONFLICT_NONE)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("ON CONFLICT of foreign table \"%s\" is not supported",
                               RelationGetRelationName(table))));
}

List *
fdw_modify_plan(PlannerInfo *root, ModifyTable *plan, Index index, int subplan)
{
    RangeTblEntry *entry = planner_rt_fetch(index, root);
    Relation table = table_open(entry->relid, NoLock);
    List *values = NIL, *keys = NIL;

    (void) subplan;
    check_no_conflict(plan, table);
    if (plan->operation != CMD_DELETE)
        values =
            value_attributes(table, named_columns(root, index, plan->operation), plan->operation);
    if (plan->operation != CMD_INSERT)
        keys = key_attributes(table);
    table_close(table, NoLock);
    return list_make2(keys, values);
}

/* ---- beginning ---- */

static IdcModifyKind
kind_of(CmdType operation)
{
    return operation == CMD_INSERT ? IDC_INSERT : operation == CMD_UPDATE ? IDC_UPDATE : IDC_DELETE;
}

static Oid
modify_user(EState *estate, ResultRelInfo *info)
{
    Oid user;

#if PG_VERSION_NUM >= 160000
    user = ExecGetResultRelCheckAsUser(info, estate);
#else
    Index index = info->ri_RangeTableIndex;

    if (index == 0 && info->ri_RootResultRelInfo != NULL)
        index = info->ri_RootResultRelInfo->ri_RangeTableIndex;
    user = index == 0 ? InvalidOid : exec_rt_fetch(index, estate)->checkAsUser;
#endif
    return OidIsValid(user) ? user : GetUserId();
}

static int
batch_rows(const FdwServer *server, const IdcRelation *relation)
{
    const char *text = fdw_common_option(server, &relation->options, "batch_size");
    int64 rows;

    return text != NULL && idc_int64_parse(text, &rows) && rows > 0 ? (int) Min(rows, 10000)
                                                                    : DEFAULT_BATCH_ROWS;
}

static Modify *
make_modify(EState *estate, ResultRelInfo *info, IdcModifyKind kind, List *keys, List *values)
{
    Relation table = info->ri_RelationDesc;
    Modify *modify = palloc0(sizeof *modify);

    modify->kind = kind;
    modify->server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    modify->user = modify_user(estate, info);
    modify->keys = keys;
    modify->values = values;
    modify->relation = fdw_table_relation(table, list_concat_copy(keys, values));
    modify->batch_rows = batch_rows(modify->server, modify->relation);
    modify->context =
        AllocSetContextCreate(estate->es_query_cxt, "instant modify", ALLOCSET_DEFAULT_SIZES);
    return modify;
}

void
fdw_modify_begin(ModifyTableState *state, ResultRelInfo *info, List *fdw_private, int subplan,
                 int eflags)
{
    List *keys = linitial_node(List, fdw_private);
    Plan *plan = outerPlanState(state)->plan;
    Modify *modify;
    ListCell *cell;

    (void) subplan;
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
        return;
    modify = make_modify(state->ps.state, info, kind_of(state->operation), keys,
                         lsecond_node(List, fdw_private));
    foreach (cell, keys) {
        const char *name = key_name(info->ri_RelationDesc, lfirst_int(cell));
        AttrNumber junk = ExecFindJunkAttributeInTlist(plan->targetlist, name);

        if (!AttributeNumberIsValid(junk))
            elog(ERROR, "could not find junk column \"%s\"", name);
        modify->junk = lappend_int(modify->junk, junk);
    }
    info->ri_FdwState = modify;
}

/* COPY (which has no plan), and rows that are routed to a partition: all columns. */
void
fdw_modify_begin_insert(ModifyTableState *state, ResultRelInfo *info)
{
    if (state->ps.plan != NULL)
        check_no_conflict(castNode(ModifyTable, state->ps.plan), info->ri_RelationDesc);
    /* It would be updated after, or again: only one of the two has room in info. */
    if (info->ri_FdwState != NULL)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot move rows into foreign table \"%s\", which the same UPDATE changes",
                        RelationGetRelationName(info->ri_RelationDesc))));
    info->ri_FdwState = make_modify(state->ps.state, info, IDC_INSERT, NIL,
                                    fdw_table_attributes(info->ri_RelationDesc));
}

/* ---- rows ---- */

static const char *
text_of(TupleTableSlot *slot, int number, Form_pg_attribute attribute)
{
    bool is_null;
    Datum datum = slot_getattr(slot, number, &is_null);

    return fdw_value(attribute->atttypid, attribute->atttypmod, datum, is_null, false).text;
}

/* One row's texts. */
static const char **
put_row(const Modify *modify, ResultRelInfo *info, const char **texts, TupleTableSlot *slot,
        TupleTableSlot *plan_slot)
{
    TupleDesc descriptor = RelationGetDescr(info->ri_RelationDesc);
    ListCell *key, *junk, *value;

    forboth(key, modify->keys, junk, modify->junk) *texts++ =
        text_of(plan_slot, lfirst_int(junk), TupleDescAttr(descriptor, lfirst_int(key) - 1));
    foreach (value, modify->values)
        *texts++ =
            text_of(slot, lfirst_int(value), TupleDescAttr(descriptor, lfirst_int(value) - 1));
    return texts;
}

/* How many rows the source says it wrote. */
static int64
write_rows(Modify *modify, ResultRelInfo *info, TupleTableSlot **slots, TupleTableSlot **plan_slots,
           int count)
{
    MemoryContext old = MemoryContextSwitchTo(modify->context);
    const char **rows =
        palloc0(sizeof *rows * (modify->relation->column_count * (size_t) count + 1));
    IdcModify message = { .kind = modify->kind,
                          .table = modify->relation,
                          .key_count = (size_t) list_length(modify->keys),
                          .rows = rows,
                          .row_count = (size_t) count };
    const char **next = rows;
    FdwProcess *process = fdw_process_get(modify->server->oid, modify->user);
    IdcModified modified;
    const void *answer;
    IdcText payload;
    IdcError err;
    size_t len;

    for (int i = 0; i < count; i++)
        next = put_row(modify, info, next, slots[i], plan_slots == NULL ? NULL : plan_slots[i]);
    idc_error_init(&err);
    idc_text_init(&payload, 0);
    fdw_transaction_join(process, modify->server, true, &message.transaction);
    idc_modify_write(&message, &payload);
    answer = fdw_exchange(process, modify->server, IDC_MSG_MODIFY, &payload, IDC_MSG_MODIFIED,
                          modify->relation->name, &len);
    fdw_check(idc_modified_read(idc_arena_new(0), answer, len, &modified, &err), &err);
    MemoryContextSwitchTo(old);
    MemoryContextReset(modify->context);
    return modified.stats.rows;
}

TupleTableSlot *
fdw_modify_insert(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    (void) estate;
    (void) plan_slot;
    (void) write_rows(info->ri_FdwState, info, &slot, NULL, 1);
    return slot;
}

TupleTableSlot **
fdw_modify_insert_batch(EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
                        TupleTableSlot **plan_slots, int *count)
{
    (void) estate;
    (void) plan_slots;
    (void) write_rows(info->ri_FdwState, info, slots, NULL, *count);
    return slots;
}

int
fdw_modify_batch_size(ResultRelInfo *info)
{
    const Modify *modify = info->ri_FdwState;

    /* Each of these wants to see a row before the next one is sent. */
    if (modify == NULL || info->ri_projectReturning != NULL || info->ri_WithCheckOptions != NIL ||
        (info->ri_TrigDesc != NULL &&
         (info->ri_TrigDesc->trig_insert_before_row || info->ri_TrigDesc->trig_insert_after_row)))
        return 1;
    return modify->batch_rows;
}

/* NULL: the source has no such row. */
static TupleTableSlot *
write_one(ResultRelInfo *info, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
    return write_rows(info->ri_FdwState, info, &slot, &plan_slot, 1) > 0 ? slot : NULL;
}

TupleTableSlot *
fdw_modify_update(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    (void) estate;
    return write_one(info, slot, plan_slot);
}

/* RETURNING of a DELETE has the key, which is all that was sent. */
TupleTableSlot *
fdw_modify_delete(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    const Modify *modify = info->ri_FdwState;
    ListCell *key, *junk;

    (void) estate;
    if (write_one(info, slot, plan_slot) == NULL)
        return NULL;
    ExecClearTuple(slot);
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
        slot->tts_isnull[i] = true;
    forboth(key, modify->keys, junk, modify->junk)
    {
        int i = lfirst_int(key) - 1;

        slot->tts_values[i] = slot_getattr(plan_slot, lfirst_int(junk), &slot->tts_isnull[i]);
    }
    return ExecStoreVirtualTuple(slot);
}

/* ---- the end ---- */

void
fdw_modify_end(EState *estate, ResultRelInfo *info)
{
    (void) estate;
    info->ri_FdwState = NULL;
}

void
fdw_modify_end_insert(EState *estate, ResultRelInfo *info)
{
    fdw_modify_end(estate, info);
}

void
fdw_explain_modify(ModifyTableState *state, ResultRelInfo *info, List *fdw_private, int subplan,
                   ExplainState *es)
{
    static const char *const verbs[] = {
        [IDC_INSERT] = "insert", [IDC_UPDATE] = "update", [IDC_DELETE] = "delete"
    };
    IdcModifyKind kind = kind_of(state->operation);
    const Modify *modify = info->ri_FdwState;

    (void) fdw_private;
    (void) subplan;
    if (!es->verbose)
        return;
    ExplainPropertyText(
        "Remote write",
        psprintf("%s %s", verbs[kind], RelationGetRelationName(info->ri_RelationDesc)), es);
    if (kind == IDC_INSERT && modify != NULL)
        ExplainPropertyInteger("Batch size", NULL, fdw_modify_batch_size(info), es);
}
