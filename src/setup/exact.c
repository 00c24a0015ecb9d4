/*
 * exact.c - types for columns that a wrapper must not compare at the source.
 *
 * In:   a wanted table
 * Out:  the same table, its columns of some types under a domain of the schema instant
 * Next: apply_table.c
 *
 * mysql_fdw sends comparisons of text as they stand, and MySQL answers them by the collation of its
 * column: 'abc' is 'ABC' there, and 'abc '. Neither mysql_fdw nor MySQL can be told otherwise. But
 * mysql_fdw sends nothing that touches a type which is not built in, so a column of a domain over
 * text is read from the source and compared by the hub. To a query the domain is the type below it.
 *
 * One column cannot have that: of every type but text itself mysql_fdw reads 64 kB at most, and
 * ends the rows without a word at a longer value. Where the source may have one, text stays text.
 */
#include "setup/apply.h"

#include <string.h>
#include <strings.h>

/*
 * What MySQL compares, sorts and groups as PostgreSQL does, as format_type prints it. Of bytes and
 * bits mysql_fdw reads only the very types themselves.
 */
static bool
keeps_its_type(const char *type)
{
    static const char *const exact[] = { "smallint",         "integer", "bigint", "real",
                                         "double precision", "boolean", "date",   "bytea" };

    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        if (strcmp(type, exact[i]) == 0)
            return true;
    return strcmp(type, "numeric") == 0 || strncmp(type, "numeric(", 8) == 0 ||
           strncmp(type, "bit", 3) == 0 ||
           (strncmp(type, "time", 4) == 0 && strstr(type, "without time zone") != NULL);
}

static IdcStatus
make_domain(IdcSetup *setup, const char *type, const char *name, const char *source, IdcError *err)
{
    IdcStatement statement = { 0 };
    IdcStatus status = idc_mark_ensure(setup, err);
    IdcDdl ddl;

    if (status != IDC_OK)
        return status;
    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "CREATE DOMAIN ");
    idc_ddl_add(&ddl, name);
    idc_ddl_add(&ddl, " AS ");
    idc_ddl_add(&ddl, type);
    status = idc_ddl_take(&ddl, setup->arena, &statement);
    if (status == IDC_OK)
        status = idc_apply_change(setup, "create", "type", name, source, &statement, err);
    return status;
}

/* The built-in types have numbers below 16384; nobody sends the others anyway. */
static IdcStatus
look_up(IdcSetup *setup, IdcDomain *domain, const char *source, IdcError *err)
{
    const char *parameters[] = { domain->type };
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(
        setup,
        "SELECT (pg_catalog.to_regtype($1)::oid < 16384)::text,"
        " 'instant.' || pg_catalog.quote_ident($1),"
        " (EXISTS (SELECT FROM pg_catalog.pg_type t"
        " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
        " WHERE n.nspname = 'instant' AND t.typtype = 'd' AND t.typname = $1))::text",
        parameters, 1, &rows, err);

    if (status != IDC_OK || !idc_same_text(rows.values[0], "true"))
        return status;
    domain->name = rows.values[1];
    if (idc_same_text(rows.values[2], "true"))
        return IDC_OK;
    return make_domain(setup, domain->type, domain->name, source, err);
}

static IdcStatus
domain_of(IdcSetup *setup, const char *type, const char *source, const char **name, IdcError *err)
{
    IdcDomain *domain;
    IdcStatus status;

    for (size_t i = 0; i < setup->domains.count; i++)
        if (strcmp(setup->domains.items[i].type, type) == 0) {
            *name = setup->domains.items[i].name;
            return IDC_OK;
        }
    domain = IDC_LIST_ADD(setup->arena, &setup->domains);
    if (domain == NULL)
        return idc_fail_no_memory(err);
    *domain = (IdcDomain){ type, type };
    status = look_up(setup, domain, source, err);
    if (status != IDC_OK) {
        setup->domains.count--;
        return status;
    }
    *name = domain->name;
    return IDC_OK;
}

static const IdcConfigSource *
mysql_source(const IdcSetup *setup, const char *name)
{
    for (size_t i = 0; i < setup->config->source_count; i++)
        if (strcmp(setup->config->sources[i].name, name) == 0)
            return strcmp(setup->config->sources[i].wrapper, "mysql_fdw") == 0
                       ? &setup->config->sources[i]
                       : NULL;
    return NULL;
}

/* What the source says about the table, in a list of none or one. */
static IdcStatus
ask_source(IdcSetup *setup, const IdcConfigSource *source, const IdcTable *wanted,
           IdcTableList *there, IdcError *err)
{
    const IdcOption *schema = idc_option_find(&wanted->options, "dbname");
    const IdcOption *name = idc_option_find(&wanted->options, "table_name");
    IdcError problem;
    IdcStatus status;

    if (schema == NULL || name == NULL || setup->deaf == source)
        return IDC_OK;
    status = idc_setup_sql(setup, "SAVEPOINT instant_exact", err);
    if (status != IDC_OK)
        return status;
    idc_error_init(&problem);
    status = idc_import_tables(setup, source, wanted->server, schema->value, &name->value, 1, there,
                               &problem);
    if (status == IDC_OK)
        return idc_setup_sql(setup, "RELEASE SAVEPOINT instant_exact", err);
    if (!idc_conn_is_usable(setup->conn) || idc_call_is_cancelled(setup->call) ||
        status == IDC_NO_MEMORY) {
        if (err != NULL)
            *err = problem;
        return status;
    }
    setup->deaf = source;
    *there = (IdcTableList){ 0 };
    return idc_setup_sql(setup, "ROLLBACK TO SAVEPOINT instant_exact", err);
}

/* Columns of the file: a text is taken to be long unless the source says that it is not. */
static IdcStatus
learn_lengths(IdcSetup *setup, const IdcConfigSource *source, IdcTable *table, IdcError *err)
{
    IdcTableList there = { 0 };
    bool is_any_text = false;
    IdcStatus status;

    for (size_t i = 0; i < table->count; i++) {
        table->columns[i].is_long = strcmp(table->columns[i].type, "text") == 0;
        is_any_text = is_any_text || table->columns[i].is_long;
    }
    if (!is_any_text)
        return IDC_OK;
    status = ask_source(setup, source, table, &there, err);
    for (size_t i = 0; status == IDC_OK && there.count > 0 && i < table->count; i++) {
        const IdcOption *option = idc_option_find(&table->columns[i].options, "column_name");
        const char *name = option == NULL ? table->columns[i].name : option->value;

        for (size_t k = 0; k < there.items[0].count; k++)
            if (strcasecmp(there.items[0].columns[k].name, name) == 0)
                table->columns[i].is_long =
                    table->columns[i].is_long && there.items[0].columns[k].is_long;
    }
    return status;
}

IdcStatus
idc_apply_exact_types(IdcSetup *setup, const IdcTable *wanted, IdcTable *exact, IdcError *err)
{
    const IdcConfigSource *source = mysql_source(setup, wanted->source);
    IdcTable table = *wanted;
    IdcStatus status = IDC_OK;

    if (source != NULL && wanted->count > 0) {
        table.columns = idc_arena_alloc_array(setup->arena, wanted->count, sizeof *table.columns);
        if (table.columns == NULL)
            return idc_fail_no_memory(err);
        memcpy(table.columns, wanted->columns, wanted->count * sizeof *table.columns);
        table.capacity = wanted->count;
        if (!wanted->source_decides)
            status = learn_lengths(setup, source, &table, err);
        for (size_t i = 0; status == IDC_OK && i < table.count; i++)
            if (!table.columns[i].is_long && !keeps_its_type(table.columns[i].type))
                status = domain_of(setup, table.columns[i].type, wanted->source,
                                   &table.columns[i].type, err);
    }
    if (status == IDC_OK)
        *exact = table;
    return status;
}
