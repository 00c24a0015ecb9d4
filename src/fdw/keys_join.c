/*
 * keys_join.c - runs a join by keys: some outer rows, their keys in one request, the answer past
 * them.
 *
 * In:   a CustomScan as keys.h says
 * Out:  joined rows
 *
 * Memory is bounded by the outer rows of one request (work_mem); inner rows stream. An inner row
 * meets the outer rows that have its key, and the join's own conditions decide, so that nothing
 * depends on how the source compares.
 */
#include "fdw/keys.h"

#include <access/tupdesc.h>
#include <commands/explain.h>
#if PG_VERSION_NUM >= 180000
#include <commands/explain_format.h>
#include <commands/explain_state.h>
#endif
#include <executor/executor.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/typcache.h>
#include "fdw/explain.h"
#include "fdw/foreign.h"
#include "fdw/raise.h"

/* Outer rows of one request where the source takes any number of keys. */
enum { MANY_KEYS = 10000, FEW_BUCKETS = 1024, MOST_BUCKETS = 65536 };

/* An outer row; its columns are copies. */
typedef struct OuterRow {
    struct OuterRow *next; /* of the same key */
    struct OuterRow *later;
    Datum *values;
    bool *nulls;
    bool is_matched;
} OuterRow;

typedef struct Key {
    struct Key *next; /* of the same bucket */
    uint32 hash;
    Datum value;
    OuterRow *rows;
} Key;

/* Everything that goes with one request; of batch_context. */
typedef struct Batch {
    OuterRow *first, *last; /* in the order in which they came */
    Key **buckets;
    uint32 bucket_count; /* a power of two */
    Key **keys;
    int key_count;
    FdwScan *scan;       /* NULL: none was needed, or it is at its end */
    OuterRow *candidate; /* the next outer row to try with the inner one */
    OuterRow *unmatched; /* the next one to look at when all inner rows were seen */
} Batch;

typedef struct KeysJoin {
    CustomScanState css;
    JoinType type;
    Oid server, user;
    const IdcRelation *relation;
    List *attributes, *lists;
    int outer_count, inner_key, key_limit, key_parameter;
    TupleDesc inner_descriptor;
    TupleTableSlot *inner;
    ExprState *key, *quals;
    List *parameters; /* of ExprState */
    List *parameter_exprs;
    FmgrInfo equal, hash;
    Oid collation, key_type;
    int32 key_modifier;
    bool key_by_value;
    int16 key_len;
    MemoryContext batch_context;
    Batch *batch;
    bool is_outer_done;
    IdcScanStats stats; /* of all requests that have ended */
} KeysJoin;

static Node *create_state(CustomScan *scan);

const CustomScanMethods fdw_keys_methods = {
    .CustomName = "Keys Join",
    .CreateCustomScanState = create_state,
};

/* ---- begin ---- */

/* The columns behind the outer ones. */
static TupleDesc
inner_descriptor(const CustomScan *scan, int outer_count)
{
    List *inner = NIL;

    for (int i = outer_count; i < list_length(scan->custom_scan_tlist); i++)
        inner = lappend(inner, list_nth(scan->custom_scan_tlist, i));
    return ExecTypeFromTL(inner);
}

static void
begin_relation(KeysJoin *join, const Const *bytes)
{
    const bytea *request = DatumGetByteaPP(bytes->constvalue);
    IdcError err;

    fdw_check(idc_relation_read(idc_arena_new(0), VARDATA_ANY(request), VARSIZE_ANY_EXHDR(request),
                                &join->relation, &err),
              &err);
}

static void
begin_key(KeysJoin *join, Oid operator, Expr * key)
{
    TypeCacheEntry *type;

    join->key_type = exprType((Node *) key);
    join->key_modifier = exprTypmod((Node *) key);
    get_typlenbyval(join->key_type, &join->key_len, &join->key_by_value);
    type = lookup_type_cache(join->key_type, TYPECACHE_HASH_PROC);
    fmgr_info(type->hash_proc, &join->hash);
    fmgr_info(get_opcode(operator), &join->equal);
    join->key = ExecInitExpr(key, &join->css.ss.ps);
}

static void
begin(CustomScanState *node, EState *estate, int eflags)
{
    KeysJoin *join = (KeysJoin *) node;
    CustomScan *scan = castNode(CustomScan, node->ss.ps.plan);
    List *oids = list_nth(scan->custom_private, FDW_KEYS_OIDS);
    List *numbers = list_nth(scan->custom_private, FDW_KEYS_NUMBERS);

    join->server = linitial_oid(oids);
    join->user = OidIsValid(lsecond_oid(oids)) ? lsecond_oid(oids) : GetUserId();
    join->collation = lfourth_oid(oids);
    join->type = (JoinType) list_nth_int(numbers, FDW_KEYS_JOIN);
    join->outer_count = list_nth_int(numbers, FDW_KEYS_OUTER);
    join->inner_key = list_nth_int(numbers, FDW_KEYS_INNER_KEY);
    join->key_parameter = list_nth_int(numbers, FDW_KEYS_PARAMETER);
    join->key_limit = list_nth_int(numbers, FDW_KEYS_BATCH);
    if (join->key_limit <= 0 || join->key_limit > MANY_KEYS)
        join->key_limit = MANY_KEYS;
    join->attributes = list_nth(scan->custom_private, FDW_KEYS_ATTRIBUTES);
    join->lists = list_nth(scan->custom_private, FDW_KEYS_LISTS);
    join->parameter_exprs = list_nth(scan->custom_exprs, FDW_KEYS_PARAMETERS);
    begin_relation(join, list_nth(scan->custom_private, FDW_KEYS_RELATION));
    begin_key(join, lthird_oid(oids), linitial(list_nth(scan->custom_exprs, FDW_KEYS_KEY)));
    join->quals = ExecInitQual(list_nth(scan->custom_exprs, FDW_KEYS_QUALS), &node->ss.ps);
    join->parameters = ExecInitExprList(join->parameter_exprs, &node->ss.ps);
    join->inner_descriptor = inner_descriptor(scan, join->outer_count);
    join->inner = ExecInitExtraTupleSlot(estate, join->inner_descriptor, &TTSOpsVirtual);
    join->batch_context =
        AllocSetContextCreate(estate->es_query_cxt, "keys of a join", ALLOCSET_DEFAULT_SIZES);
    node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

/* ---- the outer rows of a request ---- */

static uint32
hash_of(KeysJoin *join, Datum value)
{
    return DatumGetUInt32(FunctionCall1Coll(&join->hash, join->collation, value));
}

static Key *
find_key(KeysJoin *join, uint32 hash, Datum value)
{
    Key *key = join->batch->buckets[hash & (join->batch->bucket_count - 1)];

    while (key != NULL &&
           !(key->hash == hash &&
             DatumGetBool(FunctionCall2Coll(&join->equal, join->collation, key->value, value))))
        key = key->next;
    return key;
}

static Key *
add_key(KeysJoin *join, uint32 hash, Datum value)
{
    Batch *batch = join->batch;
    Key *key = palloc(sizeof *key);
    Key **bucket = &batch->buckets[hash & (batch->bucket_count - 1)];

    key->hash = hash;
    key->value = datumCopy(value, join->key_by_value, join->key_len);
    key->rows = NULL;
    key->next = *bucket;
    *bucket = key;
    batch->keys[batch->key_count++] = key;
    return key;
}

/* CurrentMemoryContext is the batch's. */
static OuterRow *
copy_row(TupleTableSlot *slot, int count)
{
    OuterRow *row = palloc0(sizeof *row);

    slot_getallattrs(slot);
    row->values = palloc(sizeof(Datum) * (size_t) Max(count, 1));
    row->nulls = palloc(sizeof(bool) * (size_t) Max(count, 1));
    for (int i = 0; i < count; i++) {
        Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, i);

        row->nulls[i] = slot->tts_isnull[i];
        row->values[i] =
            row->nulls[i] ? (Datum) 0
                          : datumCopy(slot->tts_values[i], attribute->attbyval, attribute->attlen);
    }
    return row;
}

/* The columns of the joined row that are the outer one's. */
static void
show_outer(KeysJoin *join, const OuterRow *row)
{
    TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;

    memcpy(slot->tts_values, row->values, sizeof(Datum) * (size_t) join->outer_count);
    memcpy(slot->tts_isnull, row->nulls, sizeof(bool) * (size_t) join->outer_count);
}

/* inner NULL: there is none. */
static void
show_inner(KeysJoin *join, const TupleTableSlot *inner)
{
    TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;

    for (int i = 0; i < join->inner_descriptor->natts; i++) {
        slot->tts_isnull[join->outer_count + i] = inner == NULL || inner->tts_isnull[i];
        slot->tts_values[join->outer_count + i] = inner == NULL ? (Datum) 0 : inner->tts_values[i];
    }
}

static void
begin_shown(KeysJoin *join)
{
    TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;

    ExecClearTuple(slot);
    show_inner(join, NULL);
    ExecStoreVirtualTuple(slot);
    join->css.ss.ps.ps_ExprContext->ecxt_scantuple = slot;
}

static void
add_row(KeysJoin *join, OuterRow *row)
{
    Batch *batch = join->batch;
    bool is_null;
    Datum value;
    Key *key;

    if (batch->last == NULL)
        batch->first = row;
    else
        batch->last->later = row;
    batch->last = row;
    show_outer(join, row);
    value = ExecEvalExpr(join->key, join->css.ss.ps.ps_ExprContext, &is_null);
    if (is_null)
        return;
    key = find_key(join, hash_of(join, value), value);
    if (key == NULL)
        key = add_key(join, hash_of(join, value), value);
    row->next = key->rows;
    key->rows = row;
}

/* False: there are no more outer rows. */
static bool
read_outer(KeysJoin *join)
{
    PlanState *outer = linitial(join->css.custom_ps);
    Size most = (Size) work_mem * 1024;
    MemoryContext before;
    Batch *batch;

    MemoryContextReset(join->batch_context);
    join->batch = batch = MemoryContextAllocZero(join->batch_context, sizeof *batch);
    batch->bucket_count = FEW_BUCKETS;
    while (batch->bucket_count < (uint32) join->key_limit && batch->bucket_count < MOST_BUCKETS)
        batch->bucket_count *= 2;
    batch->buckets =
        MemoryContextAllocZero(join->batch_context, batch->bucket_count * sizeof *batch->buckets);
    batch->keys =
        MemoryContextAlloc(join->batch_context, (Size) join->key_limit * sizeof *batch->keys);
    begin_shown(join);
    while (!join->is_outer_done && batch->key_count < join->key_limit &&
           (batch->first == NULL || MemoryContextMemAllocated(join->batch_context, false) < most)) {
        TupleTableSlot *slot = ExecProcNode(outer);

        CHECK_FOR_INTERRUPTS();
        if (TupIsNull(slot)) {
            join->is_outer_done = true;
            break;
        }
        ResetExprContext(join->css.ss.ps.ps_ExprContext);
        before = MemoryContextSwitchTo(join->batch_context);
        add_row(join, copy_row(slot, join->outer_count));
        MemoryContextSwitchTo(before);
    }
    batch->unmatched = batch->first;
    return batch->first != NULL;
}

/* ---- the request ---- */

static IdcValue
keys_value(KeysJoin *join)
{
    Batch *batch = join->batch;
    const char **items = palloc((Size) batch->key_count * sizeof *items);
    IdcValue list = { .type = fdw_type(join->key_type, join->key_modifier), .is_list = true };

    for (int i = 0; i < batch->key_count; i++)
        items[i] =
            fdw_value(join->key_type, join->key_modifier, batch->keys[i]->value, false, false).text;
    list.items = items;
    list.item_count = (size_t) batch->key_count;
    return list;
}

/* CurrentMemoryContext is the batch's. */
static IdcValue *
request_values(KeysJoin *join)
{
    ExprContext *econtext = join->css.ss.ps.ps_ExprContext;
    IdcValue *values = palloc0((Size) (list_length(join->parameters) + 1) * sizeof *values);
    ListCell *state, *expr, *list;
    int i = 0;

    forthree(state, join->parameters, expr, join->parameter_exprs, list, join->lists)
    {
        bool is_null;
        Datum value;

        if (i == join->key_parameter) {
            values[i++] = keys_value(join);
            continue;
        }
        value = ExecEvalExprSwitchContext(lfirst(state), econtext, &is_null);
        values[i++] = fdw_value(exprType(lfirst(expr)), exprTypmod(lfirst(expr)), value, is_null,
                                lfirst_int(list) != 0);
    }
    return values;
}

static void
send_request(KeysJoin *join)
{
    MemoryContext before = MemoryContextSwitchTo(join->batch_context);
    const IdcValue *values = request_values(join);

    join->batch->scan = fdw_scan_open(
        join->server, join->user, join->relation, values, (size_t) list_length(join->parameters),
        join->inner_descriptor, join->attributes, NULL, join->batch_context);
    MemoryContextSwitchTo(before);
}

static void
end_request(KeysJoin *join)
{
    const IdcScanStats *stats;

    if (join->batch == NULL || join->batch->scan == NULL)
        return;
    /* What it did until it was stopped. */
    if (join->css.ss.ps.instrument != NULL)
        fdw_scan_finish(join->batch->scan);
    stats = fdw_scan_stats(join->batch->scan);
    join->stats.requests += stats->requests;
    join->stats.retries += stats->retries;
    join->stats.rows += stats->rows;
    join->stats.bytes += stats->bytes;
    join->stats.cache_hits += stats->cache_hits;
    join->stats.wait_us += stats->wait_us;
    join->stats.nulled += stats->nulled;
    fdw_scan_close(join->batch->scan);
    join->batch->scan = NULL;
}

/* ---- pairs ---- */

/* The next inner row, and the outer rows that have its key. */
static bool
next_inner(KeysJoin *join)
{
    Batch *batch = join->batch;
    bool is_null;
    Datum value;
    Key *key;

    while (batch->scan != NULL) {
        CHECK_FOR_INTERRUPTS();
        if (!fdw_scan_next(batch->scan, join->inner)) {
            end_request(join);
            return false;
        }
        value = slot_getattr(join->inner, join->inner_key, &is_null);
        key = is_null ? NULL : find_key(join, hash_of(join, value), value);
        if (key == NULL)
            continue;
        slot_getallattrs(join->inner);
        show_inner(join, join->inner);
        batch->candidate = key->rows;
        return true;
    }
    return false;
}

/* Whether the pair at hand is a row of the result. */
static bool
is_wanted_pair(KeysJoin *join, OuterRow *row)
{
    ExprContext *econtext = join->css.ss.ps.ps_ExprContext;

    if (row->is_matched && (join->type == JOIN_SEMI || join->type == JOIN_ANTI))
        return false;
    show_outer(join, row);
    ResetExprContext(econtext);
    if (!ExecQual(join->quals, econtext))
        return false;
    row->is_matched = true;
    return join->type != JOIN_ANTI;
}

static bool
next_pair(KeysJoin *join)
{
    Batch *batch = join->batch;

    for (;;) {
        while (batch->candidate != NULL) {
            OuterRow *row = batch->candidate;

            batch->candidate = row->next;
            if (is_wanted_pair(join, row))
                return true;
        }
        if (!next_inner(join))
            return false;
    }
}

static bool
next_unmatched(KeysJoin *join)
{
    Batch *batch = join->batch;

    if (join->type != JOIN_LEFT && join->type != JOIN_ANTI)
        return false;
    while (batch->unmatched != NULL) {
        OuterRow *row = batch->unmatched;

        batch->unmatched = row->later;
        if (row->is_matched)
            continue;
        show_outer(join, row);
        show_inner(join, NULL);
        return true;
    }
    return false;
}

static TupleTableSlot *
next_joined(ScanState *node)
{
    KeysJoin *join = (KeysJoin *) node;
    TupleTableSlot *slot = node->ss_ScanTupleSlot;

    node->ps.ps_ExprContext->ecxt_scantuple = slot;
    for (;;) {
        if (join->batch != NULL && (next_pair(join) || next_unmatched(join)))
            return slot;
        if (join->is_outer_done || !read_outer(join))
            return ExecClearTuple(slot);
        if (join->batch->key_count > 0)
            send_request(join);
    }
}

/* A row that is locked and read again never comes here: keys_plan.c leaves such queries alone. */
static bool
recheck(ScanState *node, TupleTableSlot *slot)
{
    (void) node;
    (void) slot;
    return true;
}

static TupleTableSlot *
run(CustomScanState *node)
{
    return ExecScan(&node->ss, (ExecScanAccessMtd) next_joined, (ExecScanRecheckMtd) recheck);
}

static void
end(CustomScanState *node)
{
    KeysJoin *join = (KeysJoin *) node;

    end_request(join);
    MemoryContextReset(join->batch_context);
    ExecEndNode(linitial(node->custom_ps));
}

static void
rescan(CustomScanState *node)
{
    KeysJoin *join = (KeysJoin *) node;
    PlanState *outer = linitial(node->custom_ps);

    end_request(join);
    MemoryContextReset(join->batch_context);
    join->batch = NULL;
    join->is_outer_done = false;
    if (node->ss.ps.chgParam != NULL)
        UpdateChangedParamSet(outer, node->ss.ps.chgParam);
    if (outer->chgParam == NULL)
        ExecReScan(outer);
}

/* ---- EXPLAIN ---- */

static void
explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
    KeysJoin *join = (KeysJoin *) node;
    const FdwServer *server = fdw_server(join->server);

    (void) ancestors;
    ExplainPropertyText("Server", server->name, es);
    ExplainPropertyInteger("Keys in a request", NULL, join->key_limit, es);
    if (es->verbose)
        fdw_explain_request(server, join->relation, es);
    if (es->analyze && node->ss.ps.instrument != NULL) {
        end_request(join);
        fdw_explain_work(&join->stats, es);
    }
}

static const CustomExecMethods exec_methods = {
    .CustomName = "Keys Join",
    .BeginCustomScan = begin,
    .ExecCustomScan = run,
    .EndCustomScan = end,
    .ReScanCustomScan = rescan,
    .ExplainCustomScan = explain,
};

static Node *
create_state(CustomScan *scan)
{
    KeysJoin *join = (KeysJoin *) newNode(sizeof *join, T_CustomScanState);

    (void) scan;
    join->css.methods = &exec_methods;
    return (Node *) join;
}
