/*
 * message_modify.c - rows to write, and what was written.
 */
#include "relation/wire.h"

#include <string.h>

enum { RELATION_BYTES = 1 + 4 + 4 + 4 + 4 }; /* the least that one takes */

static void
put_optional(IdcText *bytes, const IdcRelation *relation)
{
    idc_wire_put_u8(bytes, relation != NULL);
    if (relation != NULL)
        idc_wire_put_relation(bytes, relation);
}

static const IdcRelation *
get_optional(IdcWire *wire)
{
    return idc_wire_get_bool(wire) ? idc_wire_get_relation(wire) : NULL;
}

void
idc_modify_write(const IdcModify *modify, IdcText *bytes)
{
    idc_wire_put_u8(bytes, modify->kind);
    idc_wire_put_relation(bytes, modify->table);
    idc_wire_put_u32(bytes, (uint32_t) modify->key_count);
    idc_wire_put_texts(bytes, modify->rows, modify->row_count * modify->table->column_count);
    idc_wire_put_u8(bytes, modify->conflict);
    put_optional(bytes, modify->where);
    idc_wire_put_values(bytes, modify->values, modify->value_count);
    put_optional(bytes, modify->returning);
    idc_wire_put_u32(bytes, (uint32_t) modify->also_count);
    for (size_t i = 0; i < modify->also_count; i++)
        idc_wire_put_relation(bytes, modify->also[i]);
    idc_wire_put_u8(bytes, modify->is_cascade);
    idc_wire_put_u8(bytes, modify->restarts_identity);
    idc_wire_put_transaction(bytes, &modify->transaction);
}

/* ---- what a modify must be ---- */

static bool
is_table(const IdcRelation *relation)
{
    return relation->kind == IDC_REL_SCAN && relation->name != NULL;
}

static IdcStatus
check_table(const IdcRelation *relation, IdcError *err)
{
    IdcStatus status = idc_relation_check(relation, err);

    if (status == IDC_OK && !is_table(relation))
        status = idc_fail(err, IDC_BAD_VALUE, "rows can be written only to columns of a table");
    return status;
}

static IdcStatus
check_rows(IdcModify *modify, size_t value_count, IdcError *err)
{
    size_t width = modify->table->column_count, keys = modify->key_count;
    bool fits = modify->kind == IDC_INSERT   ? keys == 0
                : modify->kind == IDC_UPDATE ? keys > 0 && keys < width
                                             : keys == width;

    if (width == 0)
        return idc_fail(err, IDC_BAD_VALUE, "rows can be written only to columns of a table");
    if (!fits)
        return idc_fail(err, IDC_BAD_VALUE, "%zu of %zu columns cannot be the key", keys, width);
    if (value_count % width != 0)
        return idc_fail(err, IDC_BAD_VALUE, "%zu values are not rows of %zu columns", value_count,
                        width);
    if (modify->where != NULL || modify->value_count > 0)
        return idc_fail(err, IDC_BAD_VALUE, "rows are written without a condition");
    modify->row_count = value_count / width;
    return IDC_OK;
}

/* One new value for each column, of its type but for the modifier. */
static bool
sets_columns(const IdcModify *modify)
{
    const IdcRelation *values = modify->where, *table = modify->table;

    if (values->kind != IDC_REL_PROJECT || table->column_count == 0 ||
        values->column_count != table->column_count)
        return false;
    for (size_t i = 0; i < table->column_count; i++)
        if (values->columns[i].type.oid != table->columns[i].type.oid)
            return false;
    return true;
}

static IdcStatus
check_where(const IdcModify *modify, IdcError *err)
{
    const IdcRelation *relation = modify->where;
    IdcStatus status;

    if (relation == NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "a write of rows that fulfil something came without it");
    status = idc_relation_check(relation, err);
    if (status != IDC_OK)
        return status;
    if (modify->kind == IDC_UPDATE_WHERE) {
        if (!sets_columns(modify))
            return idc_fail(err, IDC_BAD_VALUE, "the new values are not those of the columns");
        relation = relation->input;
    }
    while (relation->kind == IDC_REL_FILTER)
        relation = relation->input;
    if (!is_table(relation) || strcmp(relation->name, modify->table->name) != 0)
        return idc_fail(err, IDC_BAD_VALUE, "a condition is of another table");
    if (idc_relation_parameter_count(modify->where) > modify->value_count)
        return idc_fail(err, IDC_BAD_VALUE, "a condition of %zu parameters came with %zu values",
                        idc_relation_parameter_count(modify->where), modify->value_count);
    return IDC_OK;
}

/* What only some kinds have is at its zero in all others. */
static IdcStatus
check_kind(IdcModify *modify, size_t value_count, IdcError *err)
{
    bool is_truncate = modify->kind == IDC_TRUNCATE;

    if (modify->conflict != IDC_CONFLICT_ERROR && modify->kind != IDC_INSERT)
        return idc_fail(err, IDC_BAD_VALUE, "only new rows can be there already");
    if (!is_truncate && (modify->also_count > 0 || modify->is_cascade || modify->restarts_identity))
        return idc_fail(err, IDC_BAD_VALUE, "only TRUNCATE empties other tables too");
    if (modify->kind <= IDC_DELETE)
        return check_rows(modify, value_count, err);
    modify->row_count = 0;
    if (value_count > 0 || modify->key_count > 0)
        return idc_fail(err, IDC_BAD_VALUE, "rows came with a write that has none");
    if (!is_truncate)
        return check_where(modify, err);
    if (modify->where != NULL || modify->value_count > 0 || modify->returning != NULL ||
        modify->table->column_count > 0)
        return idc_fail(err, IDC_BAD_VALUE, "TRUNCATE has no rows");
    return IDC_OK;
}

static IdcStatus
check_modify(IdcModify *modify, size_t value_count, IdcError *err)
{
    IdcStatus status = check_table(modify->table, err);

    if (status == IDC_OK)
        status = check_kind(modify, value_count, err);
    for (size_t i = 0; i < modify->also_count && status == IDC_OK; i++)
        status = check_table(modify->also[i], err);
    if (status == IDC_OK && modify->returning != NULL)
        status = check_table(modify->returning, err);
    if (status == IDC_OK && modify->returning != NULL &&
        (modify->returning->column_count == 0 ||
         strcmp(modify->returning->name, modify->table->name) != 0))
        status = idc_fail(err, IDC_BAD_VALUE, "columns of another table cannot come back");
    return status;
}

/* ---- reading ---- */

static const IdcRelation *const *
get_relations(IdcWire *wire, size_t *count)
{
    size_t wanted = idc_wire_get_count(wire, RELATION_BYTES);
    const IdcRelation **relations = idc_wire_array(wire, wanted, sizeof *relations);

    *count = relations == NULL ? 0 : wanted;
    for (size_t i = 0; i < *count; i++)
        relations[i] = idc_wire_get_relation(wire);
    return relations;
}

IdcStatus
idc_modify_read(IdcArena *arena, const void *bytes, size_t len, IdcModify *modify, IdcError *err)
{
    IdcModify read = { 0 };
    size_t value_count;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    read.kind = (IdcModifyKind) idc_wire_get_enum(&wire, IDC_MODIFY_KIND_COUNT);
    read.table = idc_wire_get_relation(&wire);
    read.key_count = idc_wire_get_u32(&wire);
    read.rows = idc_wire_get_texts(&wire, &value_count);
    read.conflict = (IdcConflict) idc_wire_get_enum(&wire, IDC_CONFLICT_UPDATE + 1);
    read.where = get_optional(&wire);
    read.values = idc_wire_get_values(&wire, &read.value_count);
    read.returning = get_optional(&wire);
    read.also = get_relations(&wire, &read.also_count);
    read.is_cascade = idc_wire_get_bool(&wire);
    read.restarts_identity = idc_wire_get_bool(&wire);
    idc_wire_get_transaction(&wire, &read.transaction);
    status = idc_wire_finish(&wire, "message of the kind MODIFY");
    if (status == IDC_OK)
        status = check_modify(&read, value_count, err);
    if (status == IDC_OK)
        *modify = read;
    return status;
}

/* ---- what was written ---- */

void
idc_modified_write(const IdcModified *modified, IdcText *bytes)
{
    bool has_rows = modified->row_count > 0 && modified->column_count > 0;

    idc_stats_write(&modified->stats, bytes);
    idc_wire_put_u32(bytes, has_rows ? (uint32_t) modified->column_count : 0);
    idc_wire_put_texts(bytes, modified->rows,
                       has_rows ? modified->row_count * modified->column_count : 0);
}

IdcStatus
idc_modified_read(IdcArena *arena, const void *bytes, size_t len, IdcModified *modified,
                  IdcError *err)
{
    IdcModified read = { 0 };
    size_t value_count;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    idc_wire_get_stats(&wire, &read.stats);
    read.column_count = idc_wire_get_u32(&wire);
    read.rows = idc_wire_get_texts(&wire, &value_count);
    if ((read.column_count == 0) != (value_count == 0) ||
        (read.column_count > 0 && value_count % read.column_count != 0))
        idc_wire_fail(&wire, "values are not whole rows");
    status = idc_wire_finish(&wire, "message of the kind MODIFIED");
    if (status != IDC_OK)
        return status;
    read.row_count = read.column_count == 0 ? 0 : value_count / read.column_count;
    *modified = read;
    return IDC_OK;
}
