/*
 * validate_source.c - one source: connect, have the hub make the tables of the file, look at each.
 *
 * In:   an IdcValidation and a session of the hub
 * Out:  its problems, notes and count of tables
 *
 * Everything is made in one transaction that the caller rolls back.
 * Next: validate_columns.c, validate_report.c
 */
#include "setup/validate_private.h"

#include <string.h>

/* A table that is not there, or not for us, is told of sooner even on a busy machine. */
#define FIRST_ROW_MS "3000"

static IdcStatus
make_check_server(IdcSetup *setup, const IdcConfigSource *source, const char *name, IdcError *err)
{
    IdcStatement server_sql = { 0 }, mapping_sql = { 0 };
    IdcServer server;
    IdcStatus status = idc_wanted_server(setup, source, &server, err);

    server.name = name;
    server.comment = NULL;
    if (status == IDC_OK)
        status = idc_ddl_create_server(setup->arena, &server, &server_sql, err);
    if (status == IDC_OK)
        status = idc_setup_execute(setup, &server_sql, err);
    if (status != IDC_OK || !server.has_mapping)
        return status;
    status = idc_ddl_create_mapping(setup->arena, &server, &mapping_sql, err);
    if (status == IDC_OK)
        status = idc_setup_execute(setup, &mapping_sql, err);
    return status;
}

/* Tables of the file that list their columns, or one column of one of them; and how the hub prints
 * what it understood. */
typedef struct Listed {
    IdcConfigTable *tables;
    size_t table_count;
    IdcTableList *found;
} Listed;

static IdcStatus
step_listed(IdcValidation *check, IdcSetup *setup, void *what, IdcError *err)
{
    const Listed *listed = what;
    IdcConfigSource source = *check->source;

    /* Those that leave their columns to the source are checked by asking for them, below. */
    source.import_all = false;
    source.tables = listed->tables;
    source.table_count = listed->table_count;
    return idc_wanted_tables(setup, &source, check->name, listed->found, err);
}

/* A table that the hub cannot make: for its columns, each of which is told, or for itself. */
static void
check_listed_alone(IdcValidation *check, IdcSetup *setup, IdcConfigTable *table,
                   IdcTableList *found)
{
    size_t before = check->problems.len;
    char sqlstate[sizeof check->health.sqlstate];
    IdcTableList unused = { 0 };
    Listed one = { .tables = table, .table_count = 1, .found = found };

    memcpy(sqlstate, check->health.sqlstate, sizeof sqlstate);
    if (idc_validate_guarded(check, setup, step_listed, &one) || table->column_count < 2 ||
        idc_validate_is_lost(check))
        return;
    idc_validate_forget(check, before, sqlstate);
    for (size_t i = 0; i < table->column_count && !idc_validate_is_lost(check); i++) {
        IdcConfigTable part = *table;

        part.columns = &table->columns[i];
        part.column_count = 1;
        one = (Listed){ .tables = &part, .table_count = 1, .found = &unused };
        (void) idc_validate_guarded(check, setup, step_listed, &one);
    }
    one = (Listed){ .tables = table, .table_count = 1, .found = &unused };
    if (check->problems.len == before)
        (void) idc_validate_guarded(check, setup, step_listed, &one);
}

static bool
check_listed(IdcValidation *check, IdcSetup *setup, IdcTableList *wanted)
{
    const IdcConfigSource *source = check->source;
    Listed all = { .found = wanted };

    all.tables = idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *all.tables);
    if (all.tables == NULL) {
        idc_validate_problem(check, NULL, "53200");
        return false;
    }
    for (size_t i = 0; i < source->table_count; i++)
        if (source->tables[i].column_count > 0)
            all.tables[all.table_count++] = source->tables[i];
    if (idc_validate_guarded(check, setup, step_listed, &all))
        return true;
    if (idc_validate_is_lost(check))
        return false;
    /* All at once is quick, and names the first mistake; one by one names each. */
    idc_validate_forget(check, 0, "");
    *wanted = (IdcTableList){ 0 };
    for (size_t i = 0; i < all.table_count && idc_conn_is_usable(setup->conn); i++)
        check_listed_alone(check, setup, &all.tables[i], wanted);
    return !idc_validate_is_lost(check);
}

/* The tables of the file that are in one remote schema, and what the source says of them. */
typedef struct RemoteSchema {
    const char *name;
    const char **tables;
    size_t table_count;
    IdcTableList found;
    bool is_listed; /* all is what the source has there: asked for once a table is missing */
    IdcTableList all;
} RemoteSchema;

static IdcStatus
step_import(IdcValidation *check, IdcSetup *setup, void *what, IdcError *err)
{
    RemoteSchema *remote = what;

    return idc_import_tables(setup, check->source, check->name, remote->name, remote->tables,
                             remote->table_count, &remote->found, err);
}

static IdcStatus
step_list(IdcValidation *check, IdcSetup *setup, void *what, IdcError *err)
{
    RemoteSchema *remote = what;

    return idc_import_tables(setup, check->source, check->name, remote->name, NULL, 0, &remote->all,
                             err);
}

static const char *
nearest_table(IdcValidation *check, IdcSetup *setup, RemoteSchema *remote, const char *name)
{
    size_t before = check->problems.len;
    char sqlstate[sizeof check->health.sqlstate];
    const char **words;

    memcpy(sqlstate, check->health.sqlstate, sizeof sqlstate);
    if (!remote->is_listed && !idc_validate_guarded(check, setup, step_list, remote))
        idc_validate_forget(check, before, sqlstate);
    remote->is_listed = true;
    words = idc_arena_alloc_array(check->arena, remote->all.count + 1, sizeof *words);
    for (size_t i = 0; words != NULL && i < remote->all.count; i++)
        words[i] = remote->all.items[i].name;
    return words == NULL ? NULL : idc_nearest_word(name, words, remote->all.count);
}

static void
report_missing_table(IdcValidation *check, IdcSetup *setup, RemoteSchema *remote,
                     const IdcConfigTable *table)
{
    const char *nearest = nearest_table(check, setup, remote, table->remote_name);
    const char *user = idc_health_user(check->source);
    const char *otherwise =
        nearest != NULL ? idc_arena_printf(check->arena, ", did you mean \"%s\"?", nearest)
        : *user != '\0' ? idc_arena_printf(check->arena, ", or user \"%s\" may not see it", user)
                        : "";

    idc_validate_problem(check,
                         idc_arena_printf(check->arena,
                                          "%s: the source has no table \"%s\" in \"%s\"%s",
                                          idc_validate_place(check, table), table->remote_name,
                                          remote->name, otherwise),
                         "42P01");
}

static IdcStatus
step_connect(IdcValidation *check, IdcSetup *setup, void *what, IdcError *err)
{
    (void) what;
    return make_check_server(setup, check->source, check->name, err);
}

static IdcStatus
select_none(const IdcValidation *check, IdcSetup *setup, const char *table, IdcError *err)
{
    IdcStatement select = { 0 };
    IdcDdl ddl;
    IdcStatus status;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "SELECT * FROM ");
    idc_ddl_qualified(&ddl, check->name, table);
    idc_ddl_add(&ddl, " LIMIT 0");
    status = idc_ddl_take(&ddl, setup->arena, &select);
    return status != IDC_OK ? status : idc_setup_execute(setup, &select, err);
}

/* Of a table of ours the first row, for the adapter rest asks nobody for none. */
static IdcStatus
select_first(IdcValidation *check, IdcSetup *setup, const char *table, IdcError *err)
{
    IdcStatement select = { 0 };
    IdcTextRows rows = { 0 };
    IdcDdl ddl;
    IdcStatus status;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "SELECT 1 FROM (SELECT * FROM ");
    idc_ddl_qualified(&ddl, check->name, table);
    idc_ddl_add(&ddl, " LIMIT 1) AS first_row WHERE first_row IS NULL");
    status = idc_ddl_take(&ddl, setup->arena, &select);
    /* A view may take its time, and is no worse for it. */
    if (status == IDC_OK && idc_wrapper_is_sql(check->source->wrapper))
        status = idc_setup_sql(setup, "SET LOCAL statement_timeout = " FIRST_ROW_MS, err);
    if (status == IDC_OK)
        status = idc_setup_query(setup, select.sql, NULL, 0, &rows, err);
    if (status == IDC_OK)
        status = idc_setup_sql(setup, "SET LOCAL statement_timeout = 0", err);
    if (status == IDC_OK && rows.row_count > 0 && !idc_wrapper_is_sql(check->source->wrapper))
        idc_validate_note(
            check, idc_arena_printf(check->arena,
                                    "table \"%s\": every column of its first row is NULL, is "
                                    "its option rows, or path of its columns, missing?",
                                    table));
    return status;
}

/* A wrapper that cannot describe its source is asked for no row of each table instead. */
static IdcStatus
step_select(IdcValidation *check, IdcSetup *setup, void *what, IdcError *err)
{
    const IdcTable *wanted = what;
    IdcStatement create = { 0 };
    IdcStatus status;

    const char *schema =
        idc_arena_printf(setup->arena, "CREATE SCHEMA IF NOT EXISTS %s", check->name);

    status = schema == NULL ? idc_fail_no_memory(err) : idc_setup_sql(setup, schema, err);
    if (status == IDC_OK)
        status =
            idc_ddl_create_table(setup->arena, wanted, check->name, wanted->name, &create, err);
    if (status == IDC_OK)
        status = idc_setup_execute(setup, &create, err);
    if (status != IDC_OK)
        return status;
    return idc_wrapper_is_ours(check->source->wrapper)
               ? select_first(check, setup, wanted->name, err)
               : select_none(check, setup, wanted->name, err);
}

static const char *
remote_schema_of(const IdcConfigSource *source, const IdcConfigTable *table)
{
    return table->remote_schema != NULL ? table->remote_schema : idc_import_default_schema(source);
}

static void
check_schema_tables(IdcValidation *check, IdcSetup *setup, RemoteSchema *remote,
                    const IdcTableList *wanted)
{
    bool any_case = idc_wrapper_is_mysql(check->source->wrapper);
    size_t before;

    for (size_t i = 0; i < check->source->table_count; i++) {
        const IdcConfigTable *config = &check->source->tables[i];
        const IdcTable *there, *here;

        if (strcmp(remote_schema_of(check->source, config), remote->name) != 0)
            continue;
        there = idc_table_find(&remote->found, NULL, config->remote_name);
        here = idc_table_find(wanted, config->schema, config->name);
        if (there == NULL) {
            report_missing_table(check, setup, remote, config);
            continue;
        }
        check->table_count++;
        if (here == NULL || idc_validate_is_lost(check))
            continue;
        before = check->problems.len;
        idc_validate_columns(check, here, there, any_case);
        if (check->problems.len == before)
            (void) idc_validate_guarded(check, setup, step_select, (void *) here);
    }
}

static void
check_one_schema(IdcValidation *check, IdcSetup *setup, const char *schema, bool is_whole,
                 const IdcTableList *wanted)
{
    const IdcConfigSource *source = check->source;
    RemoteSchema remote = { .name = schema };

    remote.tables =
        idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *remote.tables);
    if (remote.tables == NULL) {
        idc_validate_problem(check, NULL, "53200");
        return;
    }
    for (size_t i = 0; i < source->table_count && !is_whole; i++)
        if (strcmp(remote_schema_of(source, &source->tables[i]), schema) == 0)
            remote.tables[remote.table_count++] = source->tables[i].remote_name;
    /* No tables, and not all of them either: to ask for one that is not there connects all the
     * same. */
    if (!is_whole && remote.table_count == 0)
        remote.tables[remote.table_count++] = check->name;
    if (!idc_validate_guarded(check, setup, step_import, &remote))
        return;
    if (is_whole)
        check->table_count += remote.found.count;
    check_schema_tables(check, setup, &remote, wanted);
}

/* Every remote schema that the file names, once. */
static void
check_schemas(IdcValidation *check, IdcSetup *setup, const IdcTableList *wanted)
{
    const IdcConfigSource *source = check->source;

    for (size_t i = 0; i < source->table_count && idc_conn_is_usable(setup->conn); i++) {
        const char *schema = remote_schema_of(source, &source->tables[i]);
        bool is_done = false;

        for (size_t k = 0; k < i; k++)
            is_done = is_done || strcmp(remote_schema_of(source, &source->tables[k]), schema) == 0;
        if (!is_done)
            check_one_schema(check, setup, schema, false, wanted);
        /* A source that is not reached would only say the same of its other schemas, later. */
        if (idc_validate_is_lost(check))
            return;
    }
    for (size_t i = 0; i < source->import_schema_count && !idc_validate_is_lost(check); i++)
        check_one_schema(check, setup, source->import_schemas[i], true, wanted);
    if (check->problems.len == 0 && source->import_schema_count == 0 && source->table_count == 0)
        check_one_schema(check, setup, idc_import_default_schema(source), source->import_all,
                         wanted);
}

/* Wrappers other than the two that can describe any source of theirs. */
static void
check_by_select(IdcValidation *check, IdcSetup *setup, const IdcTableList *wanted)
{
    for (size_t i = 0;
         i < wanted->count && idc_conn_is_usable(setup->conn) && !idc_validate_is_lost(check); i++)
        if (idc_validate_guarded(check, setup, step_select, (void *) &wanted->items[i]))
            check->table_count++;
}

/* Tables of ours that leave their columns to the source. */
static void
check_by_import(IdcValidation *check, IdcSetup *setup)
{
    const IdcConfigSource *source = check->source;
    RemoteSchema remote = { .name = idc_import_default_schema(source) };

    remote.tables =
        idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *remote.tables);
    for (size_t i = 0; remote.tables != NULL && i < source->table_count; i++)
        if (source->tables[i].column_count == 0)
            remote.tables[remote.table_count++] = source->tables[i].remote_name;
    if (remote.table_count == 0 || idc_validate_is_lost(check) ||
        !idc_validate_guarded(check, setup, step_import, &remote))
        return;
    check->table_count += remote.found.count;
    for (size_t i = 0; i < source->table_count; i++)
        if (source->tables[i].column_count == 0 &&
            idc_table_find(&remote.found, NULL, source->tables[i].remote_name) == NULL)
            report_missing_table(check, setup, &remote, &source->tables[i]);
}

/* Adapters of ours that are to describe their source. */
static bool
asks_for_all(const IdcConfigSource *source)
{
    return idc_wrapper_is_ours(source->wrapper) && source->import_all && source->table_count == 0;
}

/* From here on the check is of the source as this hub serves it. */
static IdcStatus
choose_source(IdcValidation *check, IdcSetup *setup, IdcError *err)
{
    const IdcConfigSource *source = check->source;
    const char *why = NULL;
    IdcStatus status = idc_setup_choose(setup, source, &check->source, &why, err);

    if (status == IDC_OK && why != NULL)
        idc_validate_note(check, idc_arena_printf(check->arena, "served by %s instead of %s: %s",
                                                  check->source->wrapper, source->wrapper, why));
    return status;
}

IdcStatus
idc_validate_source(IdcValidation *check, IdcSetup *setup, IdcError *err)
{
    IdcTableList wanted = { 0 };
    bool is_created, is_any, is_ours;
    IdcStatus status = idc_setup_begin(setup, false, err);

    check->name = idc_arena_printf(check->arena, "instant_check%s", setup->scratch);
    if (status == IDC_OK && check->name == NULL)
        status = idc_fail_no_memory(err);
    if (status == IDC_OK)
        status = choose_source(check, setup, err);
    if (status == IDC_OK)
        status = idc_knock_first(setup, check->source, err);
    if (status == IDC_OK)
        status = idc_setup_extension(setup, check->source, &is_created, err);
    if (status != IDC_OK)
        return status;
    if (!idc_validate_guarded(check, setup, step_connect, NULL) ||
        !check_listed(check, setup, &wanted))
        return IDC_OK;
    is_any = idc_wrapper_is_postgres(check->source->wrapper) ||
             idc_wrapper_is_mysql(check->source->wrapper);
    is_ours = idc_wrapper_is_ours(check->source->wrapper);
    if (is_any)
        check_schemas(check, setup, &wanted);
    else if (asks_for_all(check->source))
        check_one_schema(check, setup, idc_import_default_schema(check->source), true, &wanted);
    else
        check_by_select(check, setup, &wanted);
    if (is_ours && !is_any)
        check_by_import(check, setup);
    return IDC_OK;
}
