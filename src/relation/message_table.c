/*
 * message_table.c - messages of tables: which there are, and rows to write.
 */
#include "relation/wire.h"

enum {
    /* The least that one of them takes. */
    IMPORTED_COLUMN_BYTES = 4 + 4 + 1 + 4 + 4,
    IMPORTED_TABLE_BYTES = 4 + 4 + 4 + 4
};

/* ---- import ---- */

void
idc_import_write(const IdcImport *import, IdcText *bytes)
{
    idc_wire_put_text(bytes, import->remote_schema);
    idc_wire_put_u8(bytes, import->is_list);
    idc_wire_put_u8(bytes, import->is_except);
    idc_wire_put_texts(bytes, import->names, import->name_count);
    idc_wire_put_options(bytes, &import->options);
}

IdcStatus
idc_import_read(IdcArena *arena, const void *bytes, size_t len, IdcImport *import, IdcError *err)
{
    IdcImport read;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    read.remote_schema = idc_wire_need_text(&wire);
    read.is_list = idc_wire_get_bool(&wire);
    read.is_except = idc_wire_get_bool(&wire);
    if (read.is_list && read.is_except)
        idc_wire_fail(&wire, "names are both wanted and not");
    read.names = idc_wire_get_texts(&wire, &read.name_count);
    for (size_t i = 0; i < read.name_count; i++)
        if (read.names[i] == NULL)
            idc_wire_fail(&wire, "a name is missing");
    idc_wire_get_options(&wire, &read.options);
    status = idc_wire_finish(&wire, "message of the kind IMPORT");
    if (status == IDC_OK)
        *import = read;
    return status;
}

static void
put_imported_column(IdcText *bytes, const IdcImportedColumn *column)
{
    idc_wire_put_text(bytes, column->name);
    idc_wire_put_text(bytes, column->type);
    idc_wire_put_u8(bytes, column->is_not_null);
    idc_wire_put_text(bytes, column->comment);
    idc_wire_put_options(bytes, &column->options);
}

void
idc_tables_write(const IdcImportedTable *tables, size_t count, IdcText *bytes)
{
    idc_wire_put_u32(bytes, (uint32_t) count);
    for (size_t i = 0; i < count; i++) {
        idc_wire_put_text(bytes, tables[i].name);
        idc_wire_put_text(bytes, tables[i].comment);
        idc_wire_put_options(bytes, &tables[i].options);
        idc_wire_put_u32(bytes, (uint32_t) tables[i].column_count);
        for (size_t j = 0; j < tables[i].column_count; j++)
            put_imported_column(bytes, &tables[i].columns[j]);
    }
}

static void
get_imported_table(IdcWire *wire, IdcImportedTable *table)
{
    IdcImportedColumn *columns;
    size_t count;

    table->name = idc_wire_need_text(wire);
    table->comment = idc_wire_get_text(wire);
    idc_wire_get_options(wire, &table->options);
    count = idc_wire_get_count(wire, IMPORTED_COLUMN_BYTES);
    columns = idc_wire_array(wire, count, sizeof *columns);
    table->columns = columns;
    table->column_count = columns == NULL ? 0 : count;
    for (size_t i = 0; i < table->column_count; i++) {
        columns[i].name = idc_wire_need_text(wire);
        columns[i].type = idc_wire_need_text(wire);
        columns[i].is_not_null = idc_wire_get_bool(wire);
        columns[i].comment = idc_wire_get_text(wire);
        idc_wire_get_options(wire, &columns[i].options);
    }
}

IdcStatus
idc_tables_read(IdcArena *arena, const void *bytes, size_t len, const IdcImportedTable **tables,
                size_t *count, IdcError *err)
{
    IdcImportedTable *read;
    size_t wanted;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    wanted = idc_wire_get_count(&wire, IMPORTED_TABLE_BYTES);
    read = idc_wire_array(&wire, wanted, sizeof *read);
    for (size_t i = 0; read != NULL && i < wanted; i++)
        get_imported_table(&wire, &read[i]);
    status = idc_wire_finish(&wire, "message of the kind TABLES");
    if (status == IDC_OK) {
        *tables = read;
        *count = wanted;
    }
    return status;
}

/* ---- modify ---- */

void
idc_modify_write(const IdcModify *modify, IdcText *bytes)
{
    idc_wire_put_u8(bytes, modify->kind);
    idc_wire_put_relation(bytes, modify->table);
    idc_wire_put_u32(bytes, (uint32_t) modify->key_count);
    idc_wire_put_texts(bytes, modify->rows, modify->row_count * modify->table->column_count);
}

static bool
fits_kind(IdcModifyKind kind, size_t key_count, size_t column_count)
{
    switch (kind) {
    case IDC_INSERT:
        return key_count == 0;
    case IDC_UPDATE:
        return key_count > 0 && key_count < column_count;
    default:
        return key_count == column_count;
    }
}

static IdcStatus
check_modify(IdcModify *modify, size_t value_count, IdcError *err)
{
    size_t column_count;
    IdcStatus status = idc_relation_check(modify->table, err);

    if (status != IDC_OK)
        return status;
    column_count = modify->table->column_count;
    if (modify->table->kind != IDC_REL_SCAN || modify->table->name == NULL || column_count == 0)
        return idc_fail(err, IDC_BAD_VALUE, "rows can be written only to columns of a table");
    if (!fits_kind(modify->kind, modify->key_count, column_count))
        return idc_fail(err, IDC_BAD_VALUE, "%zu of %zu columns cannot be the key",
                        modify->key_count, column_count);
    if (value_count % column_count != 0)
        return idc_fail(err, IDC_BAD_VALUE, "%zu values are not rows of %zu columns", value_count,
                        column_count);
    modify->row_count = value_count / column_count;
    return IDC_OK;
}

IdcStatus
idc_modify_read(IdcArena *arena, const void *bytes, size_t len, IdcModify *modify, IdcError *err)
{
    IdcModify read;
    size_t value_count;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    read.kind = (IdcModifyKind) idc_wire_get_enum(&wire, IDC_DELETE + 1);
    read.table = idc_wire_get_relation(&wire);
    read.key_count = idc_wire_get_u32(&wire);
    read.rows = idc_wire_get_texts(&wire, &value_count);
    status = idc_wire_finish(&wire, "message of the kind MODIFY");
    if (status == IDC_OK)
        status = check_modify(&read, value_count, err);
    if (status == IDC_OK)
        *modify = read;
    return status;
}
