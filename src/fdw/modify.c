/*
 * modify.c - INSERT, UPDATE and DELETE of foreign tables, where the adapter can write.
 *
 * Rows travel as texts, many at once. A row of UPDATE and DELETE is named by the columns that the
 * adapter calls its key, as they were read. Where the adapter can say what became of a row, that is
 * what RETURNING and triggers see; else what was sent, without what the source makes up (a default,
 * a number). Where it has no transactions, what a source wrote stays written.
 */
#include "fdw/modify.h"

#include "fdw/explain.h"
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/server.h"
#include "fdw/table.h"

#include <access/sysattr.h>
#include <access/table.h>
#include <commands/explain.h>
#include <common/hashfn.h>
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
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <parser/parse_relation.h>
#include <parser/parsetree.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#define KEY_PREFIX "instant_key_"

/* MANY: where an error takes nothing of a batch with it, since all is rolled back. */
enum { DEFAULT_BATCH_ROWS = 100, DEFAULT_BATCH_ROWS_MANY = 1000 };

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
    if (keys == NIL && server->declaration->has_ctid)
        keys = list_make1_int(SelfItemPointerAttributeNumber);
    return keys;
}

static bool
is_updatable(const FdwServer *server, const IdcOptionSet *options)
{
    const char *text = fdw_common_option(server, options, "updatable");
    bool value;

    return text == NULL || !idc_bool_parse(text, &value) || value;
}

unsigned
fdw_modify_kinds(const FdwServer *server, const IdcRelation *table)
{
    if (server->declaration->writes == NULL || !is_updatable(server, &table->options))
        return 0;
    return server->declaration->writes(&server->options, table);
}

static bool
has_kind(unsigned kinds, IdcModifyKind kind)
{
    return (kinds & 1U << kind) != 0;
}

int
fdw_modify_is_updatable(Relation table)
{
    const FdwServer *server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    unsigned kinds =
        fdw_modify_kinds(server, fdw_table_relation(table, fdw_table_attributes(table)));
    int events = 0;

    if (has_kind(kinds, IDC_INSERT))
        events |= 1 << CMD_INSERT;
    if (has_kind(kinds, IDC_UPDATE) || has_kind(kinds, IDC_UPDATE_WHERE))
        events |= 1 << CMD_UPDATE;
    if (has_kind(kinds, IDC_DELETE) || has_kind(kinds, IDC_DELETE_WHERE))
        events |= 1 << CMD_DELETE;
    return events;
}

static const char *
key_name(Relation table, int attribute)
{
    Form_pg_attribute found = fdw_attribute(RelationGetDescr(table), attribute);

    return psprintf(KEY_PREFIX "%s", NameStr(found->attname));
}

void
fdw_modify_add_targets(PlannerInfo *root, Index index, RangeTblEntry *entry, Relation table)
{
    ListCell *cell;

    (void) entry;
    foreach (cell, key_attributes(table)) {
        int number = lfirst_int(cell);
        Form_pg_attribute attribute = fdw_attribute(RelationGetDescr(table), number);
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

static IdcModifyKind
kind_of(CmdType operation)
{
    return operation == CMD_INSERT ? IDC_INSERT : operation == CMD_UPDATE ? IDC_UPDATE : IDC_DELETE;
}

/* PostgreSQL knows no unique key of a foreign table, so of ON CONFLICT only DO NOTHING without a
 * target comes here. Else the table's own option says it. */
static IdcConflict
conflict_of(const FdwServer *server, const IdcRelation *table, OnConflictAction action)
{
    const char *word = fdw_common_option(server, &table->options, "on_conflict");

    if (action == ONCONFLICT_NOTHING || (word != NULL && strcmp(word, "nothing") == 0))
        return IDC_CONFLICT_NOTHING;
    return word != NULL && strcmp(word, "update") == 0 ? IDC_CONFLICT_UPDATE : IDC_CONFLICT_ERROR;
}

static void
check_conflict(const FdwServer *server, const IdcModify *message)
{
    const char *why = NULL;

    if (message->kind != IDC_INSERT || message->conflict == IDC_CONFLICT_ERROR)
        return;
    if (server->declaration->can_modify == NULL ||
        !server->declaration->can_modify(&server->options, message, &why))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("ON CONFLICT of foreign table \"%s\" is not supported",
                               message->table->name),
                        why == NULL ? 0 : errdetail_internal("%s", why)));
}

/* Whole rows, and what the hub computes of its own, aside. */
List *
fdw_modify_wanted(Relation table, List *returning, Index index)
{
    List *wanted = NIL;
    Bitmapset *found = NULL;
    ListCell *cell;

    pull_varattnos((Node *) returning, index, &found);
    if (bms_is_member(SelfItemPointerAttributeNumber - FirstLowInvalidHeapAttributeNumber, found) &&
        fdw_server(GetForeignTable(RelationGetRelid(table))->serverid)->declaration->has_ctid)
        wanted = list_make1_int(SelfItemPointerAttributeNumber);
    if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, found))
        return list_concat(wanted, fdw_table_attributes(table));
    foreach (cell, fdw_table_attributes(table))
        if (bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, found))
            wanted = lappend_int(wanted, lfirst_int(cell));
    return wanted;
}

static bool
has_trigger_after(const TriggerDesc *triggers, CmdType operation)
{
    if (triggers == NULL)
        return false;
    return operation == CMD_INSERT   ? triggers->trig_insert_after_row
           : operation == CMD_UPDATE ? triggers->trig_update_after_row
                                     : triggers->trig_delete_after_row;
}

static bool
can_return(const FdwServer *server, const IdcRelation *table, IdcModifyKind kind)
{
    return server->declaration->returns != NULL &&
           has_kind(server->declaration->returns(&server->options, table), kind);
}

/* What has to come back, if it can. */
static List *
returning_attributes(const ModifyTable *plan, const FdwServer *server, Relation table, Index index,
                     int subplan)
{
    List *exprs = NIL, *wanted;

    if (!can_return(server, fdw_table_relation(table, NIL), kind_of(plan->operation)))
        return NIL;
    if (plan->returningLists != NIL)
        exprs = list_concat_copy(exprs, list_nth(plan->returningLists, subplan));
    if (plan->withCheckOptionLists != NIL)
        exprs = lappend(exprs, list_nth(plan->withCheckOptionLists, subplan));
    wanted = fdw_modify_wanted(table, exprs, index);
    return has_trigger_after(table->trigdesc, plan->operation)
               ? list_union_int(wanted, fdw_table_attributes(table))
               : wanted;
}

/* PostgreSQL would say so too (fdw_modify_is_updatable), but not what would let it be written. */
static void
refuse_read_only(const FdwServer *server, const IdcRelation *relation, IdcModifyKind kind)
{
    static const char *const words[] = {
        [IDC_INSERT] = "inserts", [IDC_UPDATE] = "updates", [IDC_DELETE] = "deletes"
    };
    bool is_table = !is_updatable(server, &relation->options);

    if (!is_table &&
        (server->declaration->writes == NULL ||
         idc_adapter_option_find(server->declaration, IDC_OPTION_SERVER, "read_only") == NULL))
        return;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("foreign table \"%s\" does not allow %s", relation->name, words[kind]),
             is_table ? errhint("The option updatable of the table, or of its server, is false.")
                      : errhint("The server's option read_only 'false' lets its tables be "
                                "written.")));
}

static void
check_kind(const FdwServer *server, Relation table, IdcModifyKind kind)
{
    const IdcRelation *relation = fdw_table_relation(table, fdw_table_attributes(table));
    IdcModifyKind whole = kind == IDC_UPDATE ? IDC_UPDATE_WHERE : IDC_DELETE_WHERE;
    unsigned kinds = fdw_modify_kinds(server, relation);

    if (kinds == 0)
        refuse_read_only(server, relation, kind);
    if (kind == IDC_INSERT || has_kind(kinds, kind) || !has_kind(kinds, whole))
        return;
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("foreign table \"%s\" cannot be written row by row", relation->name),
             errdetail("The source cannot do this statement as a whole, and no column names a "
                       "row."),
             errhint("Give the columns of the table's key the option key 'true'.")));
}

/* What the executor gets: keys, values and what comes back, by attribute; what becomes of
 * conflicts. */
List *
fdw_modify_plan(PlannerInfo *root, ModifyTable *plan, Index index, int subplan)
{
    RangeTblEntry *entry = planner_rt_fetch(index, root);
    Relation table = table_open(entry->relid, NoLock);
    const FdwServer *server = fdw_server(GetForeignTable(entry->relid)->serverid);
    List *values = NIL, *keys = NIL, *returning;
    IdcModify message = { .kind = kind_of(plan->operation) };

    check_kind(server, table, message.kind);
    if (plan->operation != CMD_DELETE)
        values =
            value_attributes(table, named_columns(root, index, plan->operation), plan->operation);
    if (plan->operation != CMD_INSERT)
        keys = key_attributes(table);
    returning = returning_attributes(plan, server, table, index, subplan);
    message.table = fdw_table_relation(table, list_concat_copy(keys, values));
    if (plan->operation == CMD_INSERT)
        message.conflict = conflict_of(server, message.table, plan->onConflictAction);
    check_conflict(server, &message);
    table_close(table, NoLock);
    return list_make4(keys, values, returning, makeInteger(message.conflict));
}

/* ---- beginning ---- */

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
           : server->declaration->has_transactions                  ? DEFAULT_BATCH_ROWS_MANY
                                                                    : DEFAULT_BATCH_ROWS;
}

static FdwModify *
make_modify(EState *estate, ResultRelInfo *info, IdcModifyKind kind, List *keys, List *values,
            List *returning)
{
    Relation table = info->ri_RelationDesc;
    FdwModify *modify = palloc0(sizeof *modify);

    modify->kind = kind;
    modify->server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    modify->user = modify_user(estate, info);
    modify->keys = keys;
    modify->values = values;
    modify->relation = fdw_table_relation(table, list_concat_copy(keys, values));
    modify->returning = returning;
    if (returning != NIL)
        modify->returned = fdw_table_relation(table, returning);
    modify->batch_rows = batch_rows(modify->server, modify->relation);
    modify->context =
        AllocSetContextCreate(estate->es_query_cxt, "instant modify", ALLOCSET_DEFAULT_SIZES);
    return modify;
}

static bool
has_row_trigger(const TriggerDesc *triggers, CmdType operation)
{
    if (triggers == NULL)
        return false;
    return operation == CMD_UPDATE
               ? triggers->trig_update_before_row || triggers->trig_update_after_row
               : triggers->trig_delete_before_row || triggers->trig_delete_after_row;
}

/* Nobody wants to know of a single row whether it was there, and all of them can be undone. (info
 * does not know yet of RETURNING and checks.) */
static bool
may_gather(const FdwModify *modify, const ResultRelInfo *info, const ModifyTable *plan)
{
    return plan->operation != CMD_INSERT && modify->server->declaration->has_transactions &&
           modify->batch_rows > 1 && plan->returningLists == NIL &&
           plan->withCheckOptionLists == NIL &&
           !has_row_trigger(info->ri_TrigDesc, plan->operation);
}

/* ---- rows that a join finds more than once ---- */

typedef struct Key {
    const char *bytes;
    int len;
} Key;

static uint32
hash_key(const void *key, Size size)
{
    (void) size;
    return hash_bytes((const unsigned char *) ((const Key *) key)->bytes, ((const Key *) key)->len);
}

static int
compare_keys(const void *a, const void *b, Size size)
{
    const Key *one = a, *other = b;

    (void) size;
    return one->len != other->len || memcmp(one->bytes, other->bytes, (size_t) one->len) != 0;
}

static void
remember_rows(FdwModify *modify, MemoryContext context)
{
    HASHCTL control = { .keysize = sizeof(Key), .entrysize = sizeof(Key) };

    modify->seen_context =
        AllocSetContextCreate(context, "instant written rows", ALLOCSET_DEFAULT_SIZES);
    control.hash = hash_key;
    control.match = compare_keys;
    control.hcxt = modify->seen_context;
    modify->seen = hash_create("instant written rows", 256, &control,
                               HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* PostgreSQL writes a row once in a statement: what is found again is left, and not counted. */
static bool
was_written(FdwModify *modify, const char *const *row)
{
    StringInfoData text;
    bool was_found;
    Key key, *entry;

    if (modify->seen == NULL)
        return false;
    initStringInfo(&text);
    for (int i = 0; i < list_length(modify->keys); i++) {
        appendStringInfoString(&text, row[i] == NULL ? "" : row[i]);
        appendStringInfoChar(&text, row[i] == NULL ? '\1' : '\0');
    }
    key = (Key){ text.data, text.len };
    entry = hash_search(modify->seen, &key, HASH_ENTER, &was_found);
    if (!was_found)
        entry->bytes = memcpy(MemoryContextAlloc(modify->seen_context, (Size) text.len), text.data,
                              (size_t) text.len);
    return was_found;
}

void
fdw_modify_begin(ModifyTableState *state, ResultRelInfo *info, List *fdw_private, int subplan,
                 int eflags)
{
    List *keys = linitial_node(List, fdw_private);
    Plan *plan = outerPlanState(state)->plan;
    FdwModify *modify;
    ListCell *cell;

    (void) subplan;
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
        return;
    modify = make_modify(state->ps.state, info, kind_of(state->operation), keys,
                         lsecond_node(List, fdw_private), lthird_node(List, fdw_private));
    modify->conflict = (IdcConflict) intVal(lfourth(fdw_private));
    foreach (cell, keys) {
        const char *name = key_name(info->ri_RelationDesc, lfirst_int(cell));
        AttrNumber junk = ExecFindJunkAttributeInTlist(plan->targetlist, name);

        if (!AttributeNumberIsValid(junk))
            elog(ERROR, "could not find junk column \"%s\"", name);
        modify->junk = lappend_int(modify->junk, junk);
    }
    if (may_gather(modify, info, castNode(ModifyTable, state->ps.plan)))
        fdw_modify_gather_begin(modify, state->ps.state->es_query_cxt);
    if (modify->is_gathering &&
        !(IsA(plan, ForeignScan) && ((ForeignScan *) plan)->scan.scanrelid > 0))
        remember_rows(modify, state->ps.state->es_query_cxt);
    info->ri_FdwState = modify;
}

/* COPY (which has no plan), and rows that are routed to a partition: all columns. */
void
fdw_modify_begin_insert(ModifyTableState *state, ResultRelInfo *info)
{
    Relation table = info->ri_RelationDesc;
    List *attributes = fdw_table_attributes(table);
    const ModifyTable *plan = state->ps.plan == NULL ? NULL : castNode(ModifyTable, state->ps.plan);
    IdcModify message = { .kind = IDC_INSERT };
    FdwModify *modify;

    /* It would be updated after, or again. (And only one of the two has room in info.) */
    if (info->ri_FdwState != NULL ||
        (plan != NULL && plan->operation == CMD_UPDATE && info->ri_usesFdwDirectModify))
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot move rows into foreign table \"%s\", which the same UPDATE changes",
                        RelationGetRelationName(table))));
    modify = make_modify(state->ps.state, info, IDC_INSERT, NIL, attributes, NIL);
    modify->conflict = conflict_of(modify->server, modify->relation,
                                   plan == NULL ? ONCONFLICT_NONE : plan->onConflictAction);
    message.table = modify->relation;
    message.conflict = modify->conflict;
    check_conflict(modify->server, &message);
    if ((info->ri_projectReturning != NULL || info->ri_WithCheckOptions != NIL ||
         has_trigger_after(info->ri_TrigDesc, CMD_INSERT)) &&
        can_return(modify->server, modify->relation, IDC_INSERT)) {
        modify->returning = attributes;
        modify->returned = modify->relation;
    }
    info->ri_FdwState = modify;
}

/* ---- rows ---- */

static const char *
text_of(TupleTableSlot *slot, int number, const FormData_pg_attribute *attribute)
{
    bool is_null;
    Datum datum = slot_getattr(slot, number, &is_null);

    return fdw_value(attribute->atttypid, attribute->atttypmod, datum, is_null, false).text;
}

/* One row's texts. */
static const char **
put_row(const FdwModify *modify, ResultRelInfo *info, const char **texts, TupleTableSlot *slot,
        TupleTableSlot *plan_slot)
{
    TupleDesc descriptor = RelationGetDescr(info->ri_RelationDesc);
    ListCell *key, *junk, *value;

    forboth(key, modify->keys, junk, modify->junk) *texts++ =
        text_of(plan_slot, lfirst_int(junk), fdw_attribute(descriptor, lfirst_int(key)));
    foreach (value, modify->values)
        *texts++ = text_of(slot, lfirst_int(value), fdw_attribute(descriptor, lfirst_int(value)));
    return texts;
}

static void
take_returned(const FdwModify *modify, TupleTableSlot *slot, const IdcModified *modified,
              MemoryContext context)
{
    if (modify->returning == NIL || modified->stats.rows == 0)
        return;
    if (modified->row_count != 1)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                        errmsg("the source returned %zu rows of one that was written",
                               modified->row_count)));
    fdw_modify_store(slot, modify->returning, modified->rows, modify->kind != IDC_DELETE, context);
}

static size_t
byte_count(const char *const *from, const char *const *to)
{
    size_t count = 0;

    for (; from < to; from++)
        count += *from == NULL ? 0 : strlen(*from);
    return count;
}

/*
 * One message, of as many rows as it may have: *count of them. Returns how many the source says it
 * wrote. What comes back is of one slot, for the time of a row.
 */
static int64
write_some(FdwModify *modify, EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
           TupleTableSlot **plan_slots, int *count)
{
    MemoryContext old = MemoryContextSwitchTo(modify->context);
    const char **rows =
        palloc0(sizeof *rows * (modify->relation->column_count * (size_t) *count + 1));
    IdcModify message = { .kind = modify->kind,
                          .table = modify->relation,
                          .key_count = (size_t) list_length(modify->keys),
                          .rows = rows,
                          .conflict = modify->conflict,
                          .returning = modify->returned };
    const char **next = rows;
    size_t bytes = 0;
    IdcModified modified;
    int i = 0;

    while (i < *count && bytes < FDW_MESSAGE_BYTES) {
        const char **row = next;

        next = put_row(modify, info, row, slots[i], plan_slots == NULL ? NULL : plan_slots[i]);
        bytes += byte_count(row, next);
        i++;
    }
    *count = i;
    message.row_count = (size_t) i;
    fdw_modify_send(modify->server, modify->user, 0, &message, &modified);
    take_returned(modify, slots[0], &modified, GetPerTupleMemoryContext(estate));
    MemoryContextSwitchTo(old);
    MemoryContextReset(modify->context);
    return modified.stats.rows;
}

/* How many rows the source says it wrote. */
static int64
write_rows(FdwModify *modify, EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
           TupleTableSlot **plan_slots, int count)
{
    int64 written = 0;

    for (int done = 0; done < count;) {
        int some = count - done;

        written += write_some(modify, estate, info, slots + done,
                              plan_slots == NULL ? NULL : plan_slots + done, &some);
        done += some;
    }
    return written;
}

/* NULL: it was there already, and stayed as it was. */
TupleTableSlot *
fdw_modify_insert(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    (void) plan_slot;
    return write_rows(info->ri_FdwState, estate, info, &slot, NULL, 1) > 0 ? slot : NULL;
}

TupleTableSlot **
fdw_modify_insert_batch(EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
                        TupleTableSlot **plan_slots, int *count)
{
    int64 written = write_rows(info->ri_FdwState, estate, info, slots, NULL, *count);

    (void) plan_slots;
    *count = (int) Min(written, *count);
    return slots;
}

int
fdw_modify_batch_size(ResultRelInfo *info)
{
    const FdwModify *modify = info->ri_FdwState;

    /* Each of these wants to see a row before the next one is sent. */
    if (modify == NULL || info->ri_projectReturning != NULL || info->ri_WithCheckOptions != NIL ||
        (info->ri_TrigDesc != NULL &&
         (info->ri_TrigDesc->trig_insert_before_row || info->ri_TrigDesc->trig_insert_after_row)))
        return 1;
    return modify->batch_rows;
}

static bool
gather(FdwModify *modify, ResultRelInfo *info, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
    MemoryContext old = MemoryContextSwitchTo(modify->context);
    const char **row = palloc0(sizeof *row * modify->relation->column_count);
    bool is_new;

    (void) put_row(modify, info, row, slot, plan_slot);
    is_new = !was_written(modify, row);
    if (is_new)
        fdw_modify_gather(modify, row);
    MemoryContextSwitchTo(old);
    MemoryContextReset(modify->context);
    return is_new;
}

/* NULL: the source has no such row. Of a row that waits it is not known yet. */
static TupleTableSlot *
write_one(EState *estate, ResultRelInfo *info, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
    FdwModify *modify = info->ri_FdwState;

    if (modify->is_gathering)
        return gather(modify, info, slot, plan_slot) ? slot : NULL;
    return write_rows(modify, estate, info, &slot, &plan_slot, 1) > 0 ? slot : NULL;
}

TupleTableSlot *
fdw_modify_update(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    return write_one(estate, info, slot, plan_slot);
}

/* Where the source says nothing else, RETURNING of a DELETE has the key, which is all that was
 * sent. */
TupleTableSlot *
fdw_modify_delete(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                  TupleTableSlot *plan_slot)
{
    const FdwModify *modify = info->ri_FdwState;
    ListCell *key, *junk;

    if (write_one(estate, info, slot, plan_slot) == NULL)
        return NULL;
    if (modify->returning != NIL)
        return slot;
    ExecClearTuple(slot);
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
        slot->tts_isnull[i] = true;
    forboth(key, modify->keys, junk, modify->junk)
    {
        int i = lfirst_int(key) - 1;

        if (i < 0)
            continue;
        slot->tts_values[i] = slot_getattr(plan_slot, lfirst_int(junk), &slot->tts_isnull[i]);
    }
    return ExecStoreVirtualTuple(slot);
}

/* ---- the end ---- */

void
fdw_modify_end(EState *estate, ResultRelInfo *info)
{
    FdwModify *modify = info->ri_FdwState;

    (void) estate;
    if (modify != NULL && modify->is_gathering)
        fdw_modify_flush(modify);
    info->ri_FdwState = NULL;
}

void
fdw_modify_end_insert(EState *estate, ResultRelInfo *info)
{
    fdw_modify_end(estate, info);
}

/* ---- EXPLAIN ---- */

static const char *
words_for(const IdcModify *message)
{
    switch (message->kind) {
    case IDC_INSERT:
        return "insert";
    case IDC_UPDATE:
    case IDC_UPDATE_WHERE:
        return "update";
    default:
        return "delete";
    }
}

void
fdw_modify_explain(const FdwServer *server, const IdcModify *message, ExplainState *es)
{
    IdcText text;

    idc_text_init(&text, 0);
    if (server->declaration->explain_modify != NULL)
        server->declaration->explain_modify(&server->options, message, &text);
    if (text.len > 0)
        fdw_explain_lines("Remote write", &text, es);
    else
        ExplainPropertyText("Remote write",
                            psprintf("%s %s", words_for(message), message->table->name), es);
    idc_text_done(&text);
}

void
fdw_explain_modify(ModifyTableState *state, ResultRelInfo *info, List *fdw_private, int subplan,
                   ExplainState *es)
{
    Relation table = info->ri_RelationDesc;
    List *keys = linitial_node(List, fdw_private), *values = lsecond_node(List, fdw_private);
    List *returning = lthird_node(List, fdw_private);
    const IdcRelation *relation = fdw_table_relation(table, list_concat_copy(keys, values));
    IdcModify message = { .kind = kind_of(state->operation),
                          .table = relation,
                          .key_count = (size_t) list_length(keys),
                          .row_count = 1,
                          .conflict = (IdcConflict) intVal(lfourth(fdw_private)) };
    const FdwModify *modify = info->ri_FdwState;

    (void) subplan;
    if (!es->verbose)
        return;
    message.rows = palloc0(sizeof *message.rows * (relation->column_count + 1));
    if (returning != NIL)
        message.returning = fdw_table_relation(table, returning);
    fdw_modify_explain(fdw_server(GetForeignTable(RelationGetRelid(table))->serverid), &message,
                       es);
    if (message.kind == IDC_INSERT && modify != NULL)
        ExplainPropertyInteger("Batch size", NULL, fdw_modify_batch_size(info), es);
}
