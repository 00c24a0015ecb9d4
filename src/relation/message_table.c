/*
 * message_table.c - which tables there are.
 */
#include "relation/wire.h"

enum {
    /* The least that one of them takes. */
    IMPORTED_COLUMN_BYTES = 4 + 4 + 1 + 4 + 4 + 1 + 4,
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
    idc_wire_put_text(bytes, column->default_sql);
    idc_wire_put_u8(bytes, column->is_generated);
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
        columns[i].default_sql = idc_wire_get_text(wire);
        columns[i].is_generated = idc_wire_get_bool(wire);
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
