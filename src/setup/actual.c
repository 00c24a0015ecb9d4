/*
 * actual.c - the hub's catalogues as a model.
 *
 * In:   pg_foreign_server, pg_user_mappings, pg_foreign_table, pg_attribute, instant.objects
 * Out:  IdcServer, IdcTable, IdcMark
 * Next: diff.c
 */
#include "setup/model.h"

#include <string.h>

IdcStatus
idc_actual_marks(IdcSetup *setup, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status;

    setup->marks = (IdcMarkList){ 0 };
    status = idc_setup_query(setup,
                             "SELECT (pg_catalog.to_regclass('instant.objects') IS NOT NULL)::text",
                             NULL, 0, &rows, err);
    if (status != IDC_OK || !idc_same_text(rows.values[0], "true"))
        return status;
    status = idc_setup_query(setup,
                             "SELECT kind, schema, name, source, origin, source_decides::text"
                             " FROM instant.objects ORDER BY kind, schema, name",
                             NULL, 0, &rows, err);
    if (status != IDC_OK)
        return idc_add_context(err, "list of what setup made (instant.objects)");
    for (size_t i = 0; i < rows.row_count; i++) {
        const char **row = &rows.values[i * rows.column_count];
        IdcMark *mark = IDC_LIST_ADD(setup->arena, &setup->marks);

        if (mark == NULL)
            return idc_fail_no_memory(err);
        *mark = (IdcMark){ row[0], row[1], row[2], row[3], row[4], idc_same_text(row[5], "true") };
    }
    return IDC_OK;
}

static IdcStatus
read_options(IdcSetup *setup, const char *sql, const char *parameter, IdcOptionList *options,
             IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, sql, &parameter, 1, &rows, err);

    for (size_t i = 0; status == IDC_OK && i < rows.row_count; i++)
        status = idc_option_set(setup->arena, options, rows.values[2 * i],
                                rows.values[2 * i + 1] == NULL ? "" : rows.values[2 * i + 1], err);
    return status;
}

IdcStatus
idc_actual_server(IdcSetup *setup, const char *name, IdcServer **server, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcServer *found;
    IdcStatus status;

    *server = NULL;
    status = idc_setup_query(
        setup,
        "SELECT s.srvname, w.fdwname, pg_catalog.obj_description(s.oid, 'pg_foreign_server'),"
        " (EXISTS (SELECT FROM pg_catalog.pg_user_mappings m WHERE m.srvid = s.oid"
        "   AND m.usename = current_user))::text"
        " FROM pg_catalog.pg_foreign_server s"
        " JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE s.srvname = $1",
        &name, 1, &rows, err);
    if (status != IDC_OK || rows.row_count == 0)
        return status;
    found = idc_arena_alloc(setup->arena, sizeof *found);
    if (found == NULL)
        return idc_fail_no_memory(err);
    found->name = rows.values[0];
    found->wrapper = rows.values[1];
    found->comment = rows.values[2];
    found->has_mapping = idc_same_text(rows.values[3], "true");
    status =
        read_options(setup,
                     "SELECT o.option_name, o.option_value FROM pg_catalog.pg_foreign_server s,"
                     " pg_catalog.pg_options_to_table(s.srvoptions) o WHERE s.srvname = $1",
                     name, &found->options, err);
    if (status == IDC_OK)
        status =
            read_options(setup,
                         "SELECT o.option_name, o.option_value FROM pg_catalog.pg_user_mappings m,"
                         " pg_catalog.pg_options_to_table(m.umoptions) o"
                         " WHERE m.srvname = $1 AND m.usename = current_user",
                         name, &found->mapping, err);
    if (status == IDC_OK)
        *server = found;
    return status;
}

static const char tables_sql[] =
    "SELECT c.oid::text, n.nspname, c.relname, s.srvname, pg_catalog.obj_description(c.oid, "
    "'pg_class')"
    " FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver"
    " WHERE $1::text IS NULL OR n.nspname = $1 ORDER BY c.oid";

static const char columns_sql[] =
    "SELECT f.ftrelid::text, a.attname,"
    " CASE WHEN t.typtype = 'd' AND t.typnamespace = pg_catalog.to_regnamespace('instant')"
    "  THEN 'instant.' || pg_catalog.quote_ident(t.typname)"
    "  ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,"
    " a.attnotnull::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid),"
    " pg_catalog.col_description(a.attrelid, a.attnum), (a.attgenerated <> '')::text,"
    " CASE WHEN a.attcollation <> t.typcollation AND NOT (l.collname = 'C' AND b.datcollate IN"
    " ('C', 'POSIX')) THEN pg_catalog.quote_ident(k.nspname) || '.' || "
    "pg_catalog.quote_ident(l.collname) END"
    " FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = f.ftrelid AND a.attnum > 0 AND NOT "
    "a.attisdropped"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " JOIN pg_catalog.pg_database b ON b.datname = current_database()"
    " LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"
    " LEFT JOIN pg_catalog.pg_namespace k ON k.oid = l.collnamespace"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE $1::text IS NULL OR n.nspname = $1 ORDER BY f.ftrelid, a.attnum";

static const char options_sql[] =
    "SELECT f.ftrelid::text, NULL::text, o.option_name, o.option_value, f.ftrelid AS oid"
    " FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,"
    " pg_catalog.pg_options_to_table(f.ftoptions) o WHERE $1::text IS NULL OR n.nspname = $1"
    " UNION ALL SELECT f.ftrelid::text, a.attname, o.option_name, o.option_value, f.ftrelid"
    " FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = f.ftrelid AND NOT a.attisdropped,"
    " pg_catalog.pg_options_to_table(a.attfdwoptions) o WHERE $1::text IS NULL OR n.nspname = $1"
    " ORDER BY oid";

/* All three answers come in the order of the table's number: one walk joins them. */
static IdcTable *
advance_to(IdcTableList *tables, size_t *at, const char *oid)
{
    while (*at < tables->count && strcmp(tables->items[*at].oid, oid) != 0)
        (*at)++;
    return *at < tables->count ? &tables->items[*at] : NULL;
}

static IdcStatus
read_columns(IdcSetup *setup, const char *schema, IdcTableList *tables, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, columns_sql, &schema, 1, &rows, err);
    size_t at = 0;

    for (size_t i = 0; status == IDC_OK && i < rows.row_count; i++) {
        const char **row = &rows.values[i * rows.column_count];
        IdcTable *table = advance_to(tables, &at, row[0]);
        IdcColumn *column;

        if (table == NULL)
            break;
        column = idc_table_add_column(setup->arena, table);
        if (column == NULL)
            return idc_fail_no_memory(err);
        column->name = row[1];
        column->type = row[2];
        column->is_not_null = idc_same_text(row[3], "true");
        column->default_value = row[4];
        column->comment = row[5];
        column->is_generated = idc_same_text(row[6], "true");
        column->collation = row[7];
    }
    return status;
}

static IdcColumn *
find_column(IdcTable *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static IdcStatus
read_table_options(IdcSetup *setup, const char *schema, IdcTableList *tables, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, options_sql, &schema, 1, &rows, err);
    size_t at = 0;

    for (size_t i = 0; status == IDC_OK && i < rows.row_count; i++) {
        const char **row = &rows.values[i * rows.column_count];
        IdcTable *table = advance_to(tables, &at, row[0]);
        IdcColumn *column = NULL;
        IdcOptionList *options;

        if (table == NULL)
            break;
        if (row[1] != NULL && (column = find_column(table, row[1])) == NULL)
            continue;
        options = column == NULL ? &table->options : &column->options;
        status = idc_option_set(setup->arena, options, row[2], row[3] == NULL ? "" : row[3], err);
    }
    return status;
}

IdcStatus
idc_actual_tables(IdcSetup *setup, const char *schema, IdcTableList *tables, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, tables_sql, &schema, 1, &rows, err);

    *tables = (IdcTableList){ 0 };
    for (size_t i = 0; status == IDC_OK && i < rows.row_count; i++) {
        const char **row = &rows.values[i * rows.column_count];
        IdcTable *table = IDC_LIST_ADD(setup->arena, tables);

        if (table == NULL)
            return idc_fail_no_memory(err);
        *table = (IdcTable){
            .oid = row[0], .schema = row[1], .name = row[2], .server = row[3], .comment = row[4]
        };
    }
    if (status == IDC_OK)
        status = read_columns(setup, schema, tables, err);
    if (status == IDC_OK)
        status = read_table_options(setup, schema, tables, err);
    return status;
}

IdcStatus
idc_actual_relation(IdcSetup *setup, const char *schema, const char *name, const char **kind,
                    IdcError *err)
{
    const char *parameters[] = { schema, name };
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(
        setup,
        "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign "
        "table'"
        " WHEN 'm' THEN 'materialized view' WHEN 'p' THEN 'partitioned table' WHEN 'S' THEN "
        "'sequence'"
        " WHEN 'i' THEN 'index' WHEN 'c' THEN 'type' ELSE 'relation' END"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2",
        parameters, 2, &rows, err);

    if (status == IDC_OK)
        *kind = rows.row_count == 0 ? NULL : rows.values[0];
    return status;
}
