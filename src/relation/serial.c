/*
 * serial.c - relations, expressions and values as bytes.
 *
 * One form only: what is read and written again is the same bytes. A node holds what its kind uses
 * and nothing else; a tree holds no references, so parts that were shared are written each time.
 */
#include "relation/ask.h"
#include "relation/wire.h"

enum {
    SERIAL_VERSION = 3,
    /* The least that one of them takes, which bounds how many there can be. */
    TYPE_BYTES = 8,
    EXPR_BYTES = 3 + TYPE_BYTES,
    COLUMN_BYTES = 4 + TYPE_BYTES + 2 + 4,
    AGGREGATE_BYTES = 3 + TYPE_BYTES + 2,
    WINDOW_BYTES = AGGREGATE_BYTES + 4 + 4 + 4 + 2,
    SORT_KEY_BYTES = 3 + EXPR_BYTES,
    VALUE_BYTES = TYPE_BYTES + 1 + 4
};

void
idc_wire_put_type(IdcText *bytes, IdcType type)
{
    idc_wire_put_u32(bytes, type.oid);
    idc_wire_put_u32(bytes, (uint32_t) type.modifier);
}

IdcType
idc_wire_get_type(IdcWire *wire)
{
    uint32_t oid = idc_wire_get_u32(wire), modifier = idc_wire_get_u32(wire);

    return (IdcType){ oid, (int32_t) modifier };
}

/* ---- expressions ---- */

static void put_expr(IdcText *bytes, const IdcExpr *expr);
static const IdcExpr *get_expr(IdcWire *wire);

static void
put_exprs(IdcText *bytes, const IdcExpr *const *exprs, size_t count)
{
    idc_wire_put_u32(bytes, (uint32_t) count);
    for (size_t i = 0; i < count; i++)
        put_expr(bytes, exprs[i]);
}

static void
put_expr(IdcText *bytes, const IdcExpr *expr)
{
    idc_wire_put_u8(bytes, expr->kind);
    idc_wire_put_u8(bytes, (unsigned) expr->op);
    idc_wire_put_u8(bytes, expr->collation);
    idc_wire_put_type(bytes, expr->type);
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        idc_wire_put_u32(bytes, (uint32_t) expr->index);
        break;
    case IDC_EXPR_CONSTANT:
        idc_wire_put_text(bytes, expr->text);
        break;
    case IDC_EXPR_PARAMETER:
        idc_wire_put_u32(bytes, (uint32_t) expr->index);
        idc_wire_put_u8(bytes, expr->is_list);
        break;
    case IDC_EXPR_CALL:
        idc_wire_put_text(bytes, expr->text);
        put_exprs(bytes, expr->args, expr->arg_count);
        break;
    default:
        put_exprs(bytes, expr->args, expr->arg_count);
        break;
    }
}

/* False (and the reader has failed) where the tree is deeper than allowed. */
static bool
go_down(IdcWire *wire)
{
    if (wire->depth >= IDC_RELATION_MAX_DEPTH)
        idc_wire_fail(wire, "the tree is too deep");
    if (wire->status != IDC_OK)
        return false;
    wire->depth++;
    return true;
}

static const IdcExpr *const *
get_exprs(IdcWire *wire, size_t *count)
{
    size_t wanted = idc_wire_get_count(wire, EXPR_BYTES);
    const IdcExpr **exprs = idc_wire_array(wire, wanted, sizeof *exprs);

    *count = exprs == NULL ? 0 : wanted;
    for (size_t i = 0; i < *count; i++)
        exprs[i] = get_expr(wire);
    return exprs;
}

static const IdcExpr *
get_expr(IdcWire *wire)
{
    IdcExpr *expr = go_down(wire) ? idc_wire_array(wire, 1, sizeof *expr) : NULL;

    if (expr == NULL)
        return NULL;
    expr->kind = (IdcExprKind) idc_wire_get_enum(wire, IDC_EXPR_KIND_COUNT);
    expr->op = idc_wire_get_u8(wire);
    expr->collation = (IdcCollation) idc_wire_get_enum(wire, IDC_COLLATION_LOOSE + 1);
    expr->type = idc_wire_get_type(wire);
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        expr->index = (int32_t) idc_wire_get_u32(wire);
        break;
    case IDC_EXPR_CONSTANT:
        expr->text = idc_wire_get_text(wire);
        break;
    case IDC_EXPR_PARAMETER:
        expr->index = (int32_t) idc_wire_get_u32(wire);
        expr->is_list = idc_wire_get_bool(wire);
        break;
    case IDC_EXPR_CALL:
        expr->text = idc_wire_get_text(wire);
        expr->args = get_exprs(wire, &expr->arg_count);
        break;
    default:
        expr->args = get_exprs(wire, &expr->arg_count);
        break;
    }
    wire->depth--;
    return expr;
}

static void
put_optional(IdcText *bytes, const IdcExpr *expr)
{
    idc_wire_put_u8(bytes, expr != NULL);
    if (expr != NULL)
        put_expr(bytes, expr);
}

static const IdcExpr *
get_optional(IdcWire *wire)
{
    return idc_wire_get_bool(wire) ? get_expr(wire) : NULL;
}

/* ---- relations ---- */

static void
put_columns(IdcText *bytes, const IdcRelation *relation)
{
    idc_wire_put_u32(bytes, (uint32_t) relation->column_count);
    for (size_t i = 0; i < relation->column_count; i++) {
        const IdcRelationColumn *column = &relation->columns[i];

        idc_wire_put_text(bytes, column->name);
        idc_wire_put_type(bytes, column->type);
        idc_wire_put_u8(bytes, column->collation);
        idc_wire_put_u8(bytes, column->is_not_null);
        idc_wire_put_options(bytes, &column->options);
    }
}

static void
get_columns(IdcWire *wire, IdcRelation *relation)
{
    size_t count = idc_wire_get_count(wire, COLUMN_BYTES);
    IdcRelationColumn *columns = idc_wire_array(wire, count, sizeof *columns);

    relation->columns = columns;
    relation->column_count = columns == NULL ? 0 : count;
    for (size_t i = 0; i < relation->column_count; i++) {
        columns[i].name = idc_wire_need_text(wire);
        columns[i].type = idc_wire_get_type(wire);
        columns[i].collation = (IdcCollation) idc_wire_get_enum(wire, IDC_COLLATION_LOOSE + 1);
        columns[i].is_not_null = idc_wire_get_bool(wire);
        idc_wire_get_options(wire, &columns[i].options);
    }
}

static void
put_sort_keys(IdcText *bytes, const IdcSortKey *keys, size_t count)
{
    idc_wire_put_u32(bytes, (uint32_t) count);
    for (size_t i = 0; i < count; i++) {
        idc_wire_put_u8(bytes, keys[i].is_descending);
        idc_wire_put_u8(bytes, keys[i].nulls_first);
        idc_wire_put_u8(bytes, keys[i].collation);
        put_expr(bytes, keys[i].expr);
    }
}

static const IdcSortKey *
get_sort_keys(IdcWire *wire, size_t *key_count)
{
    size_t count = idc_wire_get_count(wire, SORT_KEY_BYTES);
    IdcSortKey *keys = idc_wire_array(wire, count, sizeof *keys);

    *key_count = keys == NULL ? 0 : count;
    for (size_t i = 0; i < *key_count; i++) {
        keys[i].is_descending = idc_wire_get_bool(wire);
        keys[i].nulls_first = idc_wire_get_bool(wire);
        keys[i].collation = (IdcCollation) idc_wire_get_enum(wire, IDC_COLLATION_LOOSE + 1);
        keys[i].expr = get_expr(wire);
    }
    return keys;
}

static void
put_aggregate(IdcText *bytes, const IdcAggregate *aggregate)
{
    idc_wire_put_u8(bytes, aggregate->kind);
    idc_wire_put_u8(bytes, aggregate->is_distinct);
    idc_wire_put_u8(bytes, aggregate->collation);
    idc_wire_put_type(bytes, aggregate->type);
    put_optional(bytes, aggregate->arg);
    put_optional(bytes, aggregate->filter);
    if (aggregate->kind != IDC_AGG_CALL)
        return;
    idc_wire_put_text(bytes, aggregate->name);
    put_exprs(bytes, aggregate->args, aggregate->arg_count);
    put_sort_keys(bytes, aggregate->order, aggregate->order_count);
    idc_wire_put_u8(bytes, aggregate->is_within_group);
}

static void
get_aggregate(IdcWire *wire, IdcAggregate *aggregate)
{
    aggregate->kind = (IdcAggregateKind) idc_wire_get_enum(wire, IDC_AGG_KIND_COUNT);
    aggregate->is_distinct = idc_wire_get_bool(wire);
    aggregate->collation = (IdcCollation) idc_wire_get_enum(wire, IDC_COLLATION_LOOSE + 1);
    aggregate->type = idc_wire_get_type(wire);
    aggregate->arg = get_optional(wire);
    aggregate->filter = get_optional(wire);
    if (aggregate->kind != IDC_AGG_CALL)
        return;
    aggregate->name = idc_wire_need_text(wire);
    aggregate->args = get_exprs(wire, &aggregate->arg_count);
    aggregate->order = get_sort_keys(wire, &aggregate->order_count);
    aggregate->is_within_group = idc_wire_get_bool(wire);
}

static void
put_aggregates(IdcText *bytes, const IdcRelation *relation)
{
    idc_wire_put_u32(bytes, (uint32_t) relation->aggregate_count);
    for (size_t i = 0; i < relation->aggregate_count; i++)
        put_aggregate(bytes, &relation->aggregates[i]);
}

static void
get_aggregates(IdcWire *wire, IdcRelation *relation)
{
    size_t count = idc_wire_get_count(wire, AGGREGATE_BYTES);
    IdcAggregate *aggregates = idc_wire_array(wire, count, sizeof *aggregates);

    relation->aggregates = aggregates;
    relation->aggregate_count = aggregates == NULL ? 0 : count;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        get_aggregate(wire, &aggregates[i]);
}

static void
put_windows(IdcText *bytes, const IdcRelation *relation)
{
    idc_wire_put_u32(bytes, (uint32_t) relation->window_count);
    for (size_t i = 0; i < relation->window_count; i++) {
        const IdcWindow *window = &relation->windows[i];

        put_aggregate(bytes, &window->function);
        put_exprs(bytes, window->partition, window->partition_count);
        put_sort_keys(bytes, window->order, window->order_count);
        idc_wire_put_u8(bytes, window->mode);
        idc_wire_put_u8(bytes, window->start);
        idc_wire_put_u8(bytes, window->end);
        idc_wire_put_u8(bytes, window->exclusion);
        put_optional(bytes, window->start_offset);
        put_optional(bytes, window->end_offset);
    }
}

static void
get_windows(IdcWire *wire, IdcRelation *relation)
{
    size_t count = idc_wire_get_count(wire, WINDOW_BYTES);
    IdcWindow *windows = idc_wire_array(wire, count, sizeof *windows);

    relation->windows = windows;
    relation->window_count = windows == NULL ? 0 : count;
    for (size_t i = 0; i < relation->window_count; i++) {
        get_aggregate(wire, &windows[i].function);
        windows[i].partition = get_exprs(wire, &windows[i].partition_count);
        windows[i].order = get_sort_keys(wire, &windows[i].order_count);
        windows[i].mode = (IdcFrameMode) idc_wire_get_enum(wire, IDC_FRAME_GROUPS + 1);
        windows[i].start = (IdcFrameBound) idc_wire_get_enum(wire, IDC_FRAME_BOUND_COUNT);
        windows[i].end = (IdcFrameBound) idc_wire_get_enum(wire, IDC_FRAME_BOUND_COUNT);
        windows[i].exclusion = (IdcFrameExclusion) idc_wire_get_enum(wire, IDC_EXCLUSION_COUNT);
        windows[i].start_offset = get_optional(wire);
        windows[i].end_offset = get_optional(wire);
    }
}

/* What the kind has beside its inputs. */
static void
put_parts(IdcText *bytes, const IdcRelation *relation)
{
    switch (relation->kind) {
    case IDC_REL_SCAN:
        idc_wire_put_text(bytes, relation->name);
        idc_wire_put_text(bytes, relation->native);
        idc_wire_put_options(bytes, &relation->options);
        idc_wire_put_u8(bytes, relation->lock);
        idc_wire_put_u8(bytes, relation->lock_wait);
        put_columns(bytes, relation);
        break;
    case IDC_REL_AGGREGATE:
        put_exprs(bytes, relation->exprs, relation->expr_count);
        put_aggregates(bytes, relation);
        put_columns(bytes, relation);
        break;
    case IDC_REL_WINDOW:
        put_windows(bytes, relation);
        put_columns(bytes, relation);
        break;
    case IDC_REL_SORT:
        put_sort_keys(bytes, relation->sort_keys, relation->sort_key_count);
        break;
    case IDC_REL_LIMIT:
        put_optional(bytes, relation->limit);
        put_optional(bytes, relation->offset);
        break;
    case IDC_REL_JOIN:
        idc_wire_put_u8(bytes, relation->join);
        put_exprs(bytes, relation->exprs, relation->expr_count);
        if (idc_ask_has_columns(relation))
            put_columns(bytes, relation);
        break;
    default:
        put_exprs(bytes, relation->exprs, relation->expr_count);
        if (relation->kind == IDC_REL_PROJECT)
            put_columns(bytes, relation);
        break;
    }
}

static void
get_parts(IdcWire *wire, IdcRelation *relation)
{
    switch (relation->kind) {
    case IDC_REL_SCAN:
        relation->name = idc_wire_get_text(wire);
        relation->native = idc_wire_get_text(wire);
        idc_wire_get_options(wire, &relation->options);
        relation->lock = (IdcLock) idc_wire_get_enum(wire, IDC_LOCK_COUNT);
        relation->lock_wait = (IdcLockWait) idc_wire_get_enum(wire, IDC_LOCK_WAIT_COUNT);
        get_columns(wire, relation);
        break;
    case IDC_REL_AGGREGATE:
        relation->exprs = get_exprs(wire, &relation->expr_count);
        get_aggregates(wire, relation);
        get_columns(wire, relation);
        break;
    case IDC_REL_WINDOW:
        get_windows(wire, relation);
        get_columns(wire, relation);
        break;
    case IDC_REL_SORT:
        relation->sort_keys = get_sort_keys(wire, &relation->sort_key_count);
        break;
    case IDC_REL_LIMIT:
        relation->limit = get_optional(wire);
        relation->offset = get_optional(wire);
        break;
    case IDC_REL_JOIN:
        relation->join = (IdcJoinKind) idc_wire_get_enum(wire, IDC_JOIN_KIND_COUNT);
        relation->exprs = get_exprs(wire, &relation->expr_count);
        if (idc_ask_has_columns(relation))
            get_columns(wire, relation);
        break;
    default:
        relation->exprs = get_exprs(wire, &relation->expr_count);
        if (relation->kind == IDC_REL_PROJECT)
            get_columns(wire, relation);
        break;
    }
}

void
idc_wire_put_relation(IdcText *bytes, const IdcRelation *relation)
{
    idc_wire_put_u8(bytes, relation->kind);
    if (relation->kind != IDC_REL_SCAN)
        idc_wire_put_relation(bytes, relation->input);
    if (relation->kind == IDC_REL_JOIN)
        idc_wire_put_relation(bytes, relation->right);
    put_parts(bytes, relation);
}

const IdcRelation *
idc_wire_get_relation(IdcWire *wire)
{
    IdcRelation *relation = go_down(wire) ? idc_wire_array(wire, 1, sizeof *relation) : NULL;

    if (relation == NULL)
        return NULL;
    relation->kind = (IdcRelationKind) idc_wire_get_enum(wire, IDC_REL_KIND_COUNT);
    if (wire->status == IDC_OK && relation->kind != IDC_REL_SCAN)
        relation->input = idc_wire_get_relation(wire);
    if (wire->status == IDC_OK && relation->kind == IDC_REL_JOIN)
        relation->right = idc_wire_get_relation(wire);
    if (wire->status == IDC_OK)
        get_parts(wire, relation);
    if (wire->status == IDC_OK && !idc_ask_has_columns(relation)) {
        relation->columns = relation->input->columns;
        relation->column_count = relation->input->column_count;
    }
    wire->depth--;
    return relation;
}

void
idc_relation_write(const IdcRelation *relation, IdcText *bytes)
{
    idc_wire_put_u8(bytes, SERIAL_VERSION);
    idc_wire_put_relation(bytes, relation);
}

/* The version that a serial form begins with. */
static void
wire_expect_version(IdcWire *wire)
{
    if (idc_wire_get_u8(wire) != SERIAL_VERSION)
        idc_wire_fail(wire, "its version is another one");
}

IdcStatus
idc_relation_read(IdcArena *arena, const void *bytes, size_t len, const IdcRelation **relation,
                  IdcError *err)
{
    const IdcRelation *read;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    wire_expect_version(&wire);
    read = idc_wire_get_relation(&wire);
    status = idc_wire_finish(&wire, "relation");
    if (status == IDC_OK)
        status = idc_relation_check(read, err);
    if (status == IDC_OK)
        *relation = read;
    return status;
}

/* ---- values ---- */

void
idc_wire_put_values(IdcText *bytes, const IdcValue *values, size_t count)
{
    idc_wire_put_u32(bytes, (uint32_t) count);
    for (size_t i = 0; i < count; i++) {
        idc_wire_put_type(bytes, values[i].type);
        idc_wire_put_u8(bytes, values[i].is_list);
        if (values[i].is_list)
            idc_wire_put_texts(bytes, values[i].items, values[i].item_count);
        else
            idc_wire_put_text(bytes, values[i].text);
    }
}

const IdcValue *
idc_wire_get_values(IdcWire *wire, size_t *count)
{
    size_t wanted = idc_wire_get_count(wire, VALUE_BYTES);
    IdcValue *values = idc_wire_array(wire, wanted, sizeof *values);

    *count = values == NULL ? 0 : wanted;
    for (size_t i = 0; i < *count; i++) {
        values[i].type = idc_wire_get_type(wire);
        values[i].is_list = idc_wire_get_bool(wire);
        if (values[i].is_list)
            values[i].items = idc_wire_get_texts(wire, &values[i].item_count);
        else
            values[i].text = idc_wire_get_text(wire);
    }
    return values;
}

void
idc_values_write(const IdcValue *values, size_t count, IdcText *bytes)
{
    idc_wire_put_u8(bytes, SERIAL_VERSION);
    idc_wire_put_values(bytes, values, count);
}

IdcStatus
idc_values_read(IdcArena *arena, const void *bytes, size_t len, const IdcValue **values,
                size_t *count, IdcError *err)
{
    const IdcValue *read;
    size_t read_count;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    wire_expect_version(&wire);
    read = idc_wire_get_values(&wire, &read_count);
    status = idc_wire_finish(&wire, "list of values");
    if (status == IDC_OK) {
        *values = read;
        *count = read_count;
    }
    return status;
}
