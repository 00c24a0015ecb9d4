/*
 * validate.c - really connect to every source, as the configuration says, and compare its tables.
 *
 * In:   the sources of a configuration; the hub, whose wrappers do the connecting
 * Out:  IdcSourceHealth, one a source
 *
 * At most eight threads, each with a session of the hub of its own. A check makes a server, a
 * mapping and tables of its own in a transaction that is rolled back, so it tells about the file,
 * not about what an earlier setup left. A wrapper that hangs in connecting reacts to nothing: its
 * session is left behind (it ends with its connection) and the answer says so in time.
 */
#include "setup/model.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREAD_LIMIT = 8, MARGIN_MS = 2000 };
/* A table that is not there, or not for us, is told of sooner even on a busy machine. */
#define FIRST_ROW_MS "3000"

/* One source's check. Written by one thread, read after it was joined. */
typedef struct Check {
    const IdcConfigSource *source;
    const char *name; /* of its server and its schema in the hub, as long as the check takes */
    IdcArena *arena;
    IdcCall *call;
    IdcSourceHealth health;
    IdcText problems, notes;
    size_t table_count;
} Check;

typedef struct Checks {
    IdcHub *hub;
    const IdcConfig *config;
    int64_t timeout_ms;
    Check *items;
    size_t count;
    atomic_size_t next, running;
    atomic_bool is_cancelled;
    int done_fd; /* readable when the last thread ends */
} Checks;

static void
add_problem(Check *check, const char *text, const char *sqlstate)
{
    if (check->problems.len > 0)
        idc_text_append(&check->problems, "; ");
    idc_text_append(&check->problems, text == NULL ? "out of memory" : text);
    if (check->health.sqlstate[0] == '\0')
        (void) snprintf(check->health.sqlstate, sizeof check->health.sqlstate, "%s", sqlstate);
}

static void
add_note(Check *check, const char *text)
{
    if (check->notes.len > 0)
        idc_text_append(&check->notes, "; ");
    idc_text_append(&check->notes, text == NULL ? "out of memory" : text);
}

/* What was said since then was not what is to be said. */
static void
forget_since(Check *check, size_t len, const char *sqlstate)
{
    if (check->problems.len > len) {
        check->problems.len = len;
        check->problems.data[len] = '\0';
    }
    (void) snprintf(check->health.sqlstate, sizeof check->health.sqlstate, "%s", sqlstate);
}

/* Where the file says it, and what it is called: file:line:column: table "name". */
static const char *
place_of(Check *check, const IdcConfigTable *table)
{
    const IdcPosition *at = &table->position;

    if (at->line == 0)
        return idc_arena_printf(check->arena, "table \"%s\"", table->name);
    return idc_arena_printf(check->arena, "%s:%d:%d: table \"%s\"",
                            at->file == NULL ? "<config>" : at->file, at->line, at->column,
                            table->name);
}

/* ---- comparing one table ---- */

static const IdcColumn *
find_remote_column(const IdcTable *remote, const char *name, bool any_case)
{
    for (size_t i = 0; i < remote->count; i++) {
        const char *there = idc_column_remote_name(&remote->columns[i]);

        if (any_case ? strcasecmp(there, name) == 0 : strcmp(there, name) == 0)
            return &remote->columns[i];
    }
    return NULL;
}

static void
report_missing_column(Check *check, const IdcTable *wanted, const IdcTable *remote,
                      const char *name)
{
    const char **words = idc_arena_alloc_array(check->arena, remote->count + 1, sizeof *words);
    const char *nearest;

    if (words == NULL)
        return;
    for (size_t i = 0; i < remote->count; i++)
        words[i] = idc_column_remote_name(&remote->columns[i]);
    nearest = idc_nearest_word(name, words, remote->count);
    add_problem(check,
                idc_arena_printf(check->arena, "%s: the source has no column \"%s\"%s%s%s",
                                 place_of(check, wanted->config), name,
                                 nearest == NULL ? "" : ", did you mean \"",
                                 nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"?"),
                "42703");
}

static bool
begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* MySQL's tinyint(1) is imported as boolean and its bit(n) as bit(n), but both are numbers too. */
static IdcTypeMatch
compare_types(const char *wanted, const IdcColumn *there)
{
    const IdcOption *option = idc_option_find(&there->options, "remote_type");
    const char *type = option == NULL ? "" : option->value;

    if (begins(type, "tinyint"))
        return idc_health_types(wanted, "smallint");
    if (begins(type, "bit(") && idc_health_types(wanted, "smallint") == IDC_TYPES_FIT)
        return IDC_TYPES_NARROW;
    return begins(type, "bit(") && strcmp(wanted, "bytea") == 0
               ? IDC_TYPES_FIT
               : idc_health_types(wanted, there->type);
}

static void
compare_columns(Check *check, const IdcTable *wanted, const IdcTable *remote, bool any_case)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const IdcColumn *column = &wanted->columns[i];
        const char *name = idc_column_remote_name(column);
        const IdcColumn *there = find_remote_column(remote, name, any_case);
        IdcTypeMatch match;
        const char *text;

        if (there == NULL) {
            report_missing_column(check, wanted, remote, name);
            continue;
        }
        match = compare_types(column->type, there);
        if (match == IDC_TYPES_FIT)
            continue;
        text = idc_arena_printf(
            check->arena, "%s: column \"%s\" is %s in the file and %s in the source",
            place_of(check, wanted->config), column->name, column->type, there->type);
        if (match == IDC_TYPES_CLASH)
            add_problem(check, text, "42804");
        else
            add_note(check, text);
    }
}

/* ---- one source ---- */

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

/* postgres_fdw names the server; nobody knows that of the check. */
static void
name_server(const Check *check, IdcError *err)
{
    char *at = check->name == NULL ? NULL : strstr(err->message, check->name);
    char after[sizeof err->message];

    if (at == NULL)
        return;
    (void) snprintf(after, sizeof after, "%s", at + strlen(check->name));
    (void) snprintf(at, sizeof err->message - (size_t) (at - err->message), "%s%s",
                    check->source->server_name, after);
}

static void
explain(Check *check, const IdcSetup *setup, IdcError *err)
{
    bool hub_is_local = idc_hub_is_local(setup->conn);
    char sqlstate[6];
    const char *text;

    idc_setup_scrub(setup->config, err);
    name_server(check, err);
    if (err->status == IDC_TIMEOUT || err->status == IDC_CANCELED) {
        add_problem(check,
                    err->status == IDC_TIMEOUT
                        ? idc_arena_printf(check->arena,
                                           "no answer within the connection timeout (%lld ms): the "
                                           "source, or the network to it, is silent or slow",
                                           (long long) setup->connect_timeout_ms + MARGIN_MS)
                        : "cancelled",
                    "57014");
        return;
    }
    text = idc_health_explain(check->arena, check->source, hub_is_local, err, sqlstate);
    add_problem(check, text, sqlstate);
}

/* An API that answers nothing without a value of some column has no fault, nor has a slow view. */
static bool
is_no_fault(const IdcError *err)
{
    return strcmp(err->sqlstate, "HV002") == 0 ||
           (err->status == IDC_TIMEOUT && strstr(err->message, "statement timeout") != NULL);
}

/* A source that is not reached, or lets nobody in, says the same of each table. */
static bool
is_lost(const Check *check)
{
    return strncmp(check->health.sqlstate, "08", 2) == 0 ||
           strncmp(check->health.sqlstate, "28", 2) == 0 ||
           strcmp(check->health.sqlstate, "57014") == 0;
}

/* Run step inside a savepoint: what fails is a problem of the source, and the session goes on. */
static bool
guarded(Check *check, IdcSetup *setup, IdcStatus (*step)(Check *, IdcSetup *, void *, IdcError *),
        void *what)
{
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    status = idc_setup_sql(setup, "SAVEPOINT instant_step", &err);
    if (status == IDC_OK)
        status = step(check, setup, what, &err);
    if (status == IDC_OK)
        status = idc_setup_sql(setup, "RELEASE SAVEPOINT instant_step", &err);
    if (status == IDC_OK)
        return true;
    if (!is_no_fault(&err))
        explain(check, setup, &err);
    if (idc_conn_is_usable(setup->conn) &&
        idc_conn_execute(setup->conn, setup->call, "ROLLBACK TO SAVEPOINT instant_step", NULL) !=
            IDC_OK)
        idc_conn_abandon(setup->conn);
    return is_no_fault(&err);
}

/* Tables of the file that list their columns, or one column of one of them; and how the hub prints
 * what it understood. */
typedef struct Listed {
    IdcConfigTable *tables;
    size_t table_count;
    IdcTableList *found;
} Listed;

static IdcStatus
step_listed(Check *check, IdcSetup *setup, void *what, IdcError *err)
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
check_listed_alone(Check *check, IdcSetup *setup, IdcConfigTable *table, IdcTableList *found)
{
    size_t before = check->problems.len;
    char sqlstate[sizeof check->health.sqlstate];
    IdcTableList unused = { 0 };
    Listed one = { .tables = table, .table_count = 1, .found = found };

    memcpy(sqlstate, check->health.sqlstate, sizeof sqlstate);
    if (guarded(check, setup, step_listed, &one) || table->column_count < 2 || is_lost(check))
        return;
    forget_since(check, before, sqlstate);
    for (size_t i = 0; i < table->column_count && !is_lost(check); i++) {
        IdcConfigTable part = *table;

        part.columns = &table->columns[i];
        part.column_count = 1;
        one = (Listed){ .tables = &part, .table_count = 1, .found = &unused };
        (void) guarded(check, setup, step_listed, &one);
    }
    one = (Listed){ .tables = table, .table_count = 1, .found = &unused };
    if (check->problems.len == before)
        (void) guarded(check, setup, step_listed, &one);
}

static bool
check_listed(Check *check, IdcSetup *setup, IdcTableList *wanted)
{
    const IdcConfigSource *source = check->source;
    Listed all = { .found = wanted };

    all.tables = idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *all.tables);
    if (all.tables == NULL) {
        add_problem(check, NULL, "53200");
        return false;
    }
    for (size_t i = 0; i < source->table_count; i++)
        if (source->tables[i].column_count > 0)
            all.tables[all.table_count++] = source->tables[i];
    if (guarded(check, setup, step_listed, &all))
        return true;
    if (is_lost(check))
        return false;
    /* All at once is quick, and names the first mistake; one by one names each. */
    forget_since(check, 0, "");
    *wanted = (IdcTableList){ 0 };
    for (size_t i = 0; i < all.table_count && idc_conn_is_usable(setup->conn); i++)
        check_listed_alone(check, setup, &all.tables[i], wanted);
    return !is_lost(check);
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
step_import(Check *check, IdcSetup *setup, void *what, IdcError *err)
{
    RemoteSchema *remote = what;

    return idc_import_tables(setup, check->source, check->name, remote->name, remote->tables,
                             remote->table_count, &remote->found, err);
}

static IdcStatus
step_list(Check *check, IdcSetup *setup, void *what, IdcError *err)
{
    RemoteSchema *remote = what;

    return idc_import_tables(setup, check->source, check->name, remote->name, NULL, 0, &remote->all,
                             err);
}

static const char *
nearest_table(Check *check, IdcSetup *setup, RemoteSchema *remote, const char *name)
{
    size_t before = check->problems.len;
    char sqlstate[sizeof check->health.sqlstate];
    const char **words;

    memcpy(sqlstate, check->health.sqlstate, sizeof sqlstate);
    if (!remote->is_listed && !guarded(check, setup, step_list, remote))
        forget_since(check, before, sqlstate);
    remote->is_listed = true;
    words = idc_arena_alloc_array(check->arena, remote->all.count + 1, sizeof *words);
    for (size_t i = 0; words != NULL && i < remote->all.count; i++)
        words[i] = remote->all.items[i].name;
    return words == NULL ? NULL : idc_nearest_word(name, words, remote->all.count);
}

static void
report_missing_table(Check *check, IdcSetup *setup, RemoteSchema *remote,
                     const IdcConfigTable *table)
{
    const char *nearest = nearest_table(check, setup, remote, table->remote_name);
    const char *user = idc_health_user(check->source);
    const char *otherwise =
        nearest != NULL ? idc_arena_printf(check->arena, ", did you mean \"%s\"?", nearest)
        : *user != '\0' ? idc_arena_printf(check->arena, ", or user \"%s\" may not see it", user)
                        : "";

    add_problem(check,
                idc_arena_printf(check->arena, "%s: the source has no table \"%s\" in \"%s\"%s",
                                 place_of(check, table), table->remote_name, remote->name,
                                 otherwise),
                "42P01");
}

static IdcStatus
step_connect(Check *check, IdcSetup *setup, void *what, IdcError *err)
{
    (void) what;
    return make_check_server(setup, check->source, check->name, err);
}

static IdcStatus
select_none(const Check *check, IdcSetup *setup, const char *table, IdcError *err)
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
select_first(Check *check, IdcSetup *setup, const char *table, IdcError *err)
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
        add_note(check, idc_arena_printf(check->arena,
                                         "table \"%s\": every column of its first row is NULL, is "
                                         "its option rows, or path of its columns, missing?",
                                         table));
    return status;
}

/* A wrapper that cannot describe its source is asked for no row of each table instead. */
static IdcStatus
step_select(Check *check, IdcSetup *setup, void *what, IdcError *err)
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
check_schema_tables(Check *check, IdcSetup *setup, RemoteSchema *remote, const IdcTableList *wanted)
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
        if (here == NULL || is_lost(check))
            continue;
        before = check->problems.len;
        compare_columns(check, here, there, any_case);
        if (check->problems.len == before)
            (void) guarded(check, setup, step_select, (void *) here);
    }
}

static void
check_one_schema(Check *check, IdcSetup *setup, const char *schema, bool is_whole,
                 const IdcTableList *wanted)
{
    const IdcConfigSource *source = check->source;
    RemoteSchema remote = { .name = schema };

    remote.tables =
        idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *remote.tables);
    if (remote.tables == NULL) {
        add_problem(check, NULL, "53200");
        return;
    }
    for (size_t i = 0; i < source->table_count && !is_whole; i++)
        if (strcmp(remote_schema_of(source, &source->tables[i]), schema) == 0)
            remote.tables[remote.table_count++] = source->tables[i].remote_name;
    /* No tables, and not all of them either: to ask for one that is not there connects all the
     * same. */
    if (!is_whole && remote.table_count == 0)
        remote.tables[remote.table_count++] = check->name;
    if (!guarded(check, setup, step_import, &remote))
        return;
    if (is_whole)
        check->table_count += remote.found.count;
    check_schema_tables(check, setup, &remote, wanted);
}

/* Every remote schema that the file names, once. */
static void
check_schemas(Check *check, IdcSetup *setup, const IdcTableList *wanted)
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
        if (is_lost(check))
            return;
    }
    for (size_t i = 0; i < source->import_schema_count && !is_lost(check); i++)
        check_one_schema(check, setup, source->import_schemas[i], true, wanted);
    if (check->problems.len == 0 && source->import_schema_count == 0 && source->table_count == 0)
        check_one_schema(check, setup, idc_import_default_schema(source), source->import_all,
                         wanted);
}

/* Wrappers other than the two that can describe any source of theirs. */
static void
check_by_select(Check *check, IdcSetup *setup, const IdcTableList *wanted)
{
    for (size_t i = 0; i < wanted->count && idc_conn_is_usable(setup->conn) && !is_lost(check); i++)
        if (guarded(check, setup, step_select, (void *) &wanted->items[i]))
            check->table_count++;
}

/* Tables of ours that leave their columns to the source. */
static void
check_by_import(Check *check, IdcSetup *setup)
{
    const IdcConfigSource *source = check->source;
    RemoteSchema remote = { .name = idc_import_default_schema(source) };

    remote.tables =
        idc_arena_alloc_array(check->arena, source->table_count + 1, sizeof *remote.tables);
    for (size_t i = 0; remote.tables != NULL && i < source->table_count; i++)
        if (source->tables[i].column_count == 0)
            remote.tables[remote.table_count++] = source->tables[i].remote_name;
    if (remote.table_count == 0 || is_lost(check) || !guarded(check, setup, step_import, &remote))
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
choose_source(Check *check, IdcSetup *setup, IdcError *err)
{
    const IdcConfigSource *source = check->source;
    const char *why = NULL;
    IdcStatus status = idc_setup_choose(setup, source, &check->source, &why, err);

    if (status == IDC_OK && why != NULL)
        add_note(check, idc_arena_printf(check->arena, "served by %s instead of %s: %s",
                                         check->source->wrapper, source->wrapper, why));
    return status;
}

static IdcStatus
check_source(Check *check, IdcSetup *setup, IdcError *err)
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
    if (!guarded(check, setup, step_connect, NULL) || !check_listed(check, setup, &wanted))
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

/* ---- threads ---- */

static void
run_check(Checks *checks, Check *check)
{
    int64_t started_ms = idc_clock_ms();
    IdcSetup setup = { .call = check->call, .arena = check->arena, .config = checks->config };
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    /* The wrapper gives up before we do, for its words are better; libpq counts whole seconds, one
     * too many. */
    setup.connect_timeout_ms = checks->timeout_ms > 0 ? checks->timeout_ms - MARGIN_MS : 10000;
    idc_call_set_timeout(check->call, checks->timeout_ms > 0 ? checks->timeout_ms : -1);
    status = idc_conn_open(checks->hub, check->call, &setup.conn, &err);
    if (status == IDC_OK) {
        status = check_source(check, &setup, &err);
        if (status != IDC_OK)
            explain(check, &setup, &err);
        /* The session goes with its transaction: closing it is the rollback. */
        idc_conn_close(setup.conn);
    } else {
        idc_setup_scrub(checks->config, &err);
        add_problem(check,
                    idc_arena_printf(check->arena, "the hub cannot be reached: %s", err.message),
                    err.sqlstate);
    }
    check->health.elapsed_ms = idc_clock_ms() - started_ms;
}

static void *
check_thread(void *argument)
{
    Checks *checks = argument;
    uint64_t one = 1;

    for (;;) {
        size_t nth = atomic_fetch_add(&checks->next, 1);

        if (nth >= checks->count || atomic_load(&checks->is_cancelled))
            break;
        run_check(checks, &checks->items[nth]);
    }
    if (atomic_fetch_sub(&checks->running, 1) == 1 && write(checks->done_fd, &one, sizeof one) < 0)
        return argument; /* an eventfd of ours takes a one */
    return NULL;
}

static IdcStatus
run_threads(Checks *checks, IdcCall *call, IdcError *err)
{
    pthread_t threads[THREAD_LIMIT];
    size_t wanted = checks->count < THREAD_LIMIT ? checks->count : THREAD_LIMIT;
    size_t started = 0;
    IdcStatus status = IDC_OK;

    /* Ourselves too, so that the last to end is known only when all were started. */
    atomic_store(&checks->running, 1);
    while (started < wanted) {
        atomic_fetch_add(&checks->running, 1);
        if (pthread_create(&threads[started], NULL, check_thread, checks) != 0) {
            atomic_fetch_sub(&checks->running, 1);
            break;
        }
        started++;
    }
    if (started == 0)
        return idc_fail(err, IDC_NO_MEMORY, "cannot start a thread");
    if (atomic_fetch_sub(&checks->running, 1) > 1)
        status = idc_call_wait(call, checks->done_fd, POLLIN, -1, err);
    if (status != IDC_OK) {
        atomic_store(&checks->is_cancelled, true);
        for (size_t i = 0; i < checks->count; i++)
            idc_call_cancel(checks->items[i].call);
    }
    for (size_t i = 0; i < started; i++)
        (void) pthread_join(threads[i], NULL);
    return status;
}

/* ---- the whole ---- */

static IdcStatus
prepare(Checks *checks, IdcArena *arena, IdcError *err)
{
    checks->items =
        idc_arena_alloc_array(arena, checks->config->source_count + 1, sizeof *checks->items);
    if (checks->items == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < checks->config->source_count; i++) {
        Check *check = &checks->items[checks->count];

        if (!checks->config->sources[i].is_enabled)
            continue;
        checks->count++;
        check->source = &checks->config->sources[i];
        idc_text_init(&check->problems, 16384);
        idc_text_init(&check->notes, 16384);
        check->arena = idc_arena_new(0);
        check->call = idc_call_new();
        if (check->arena == NULL || check->call == NULL)
            return idc_fail_no_memory(err);
    }
    return IDC_OK;
}

static IdcStatus
take_health(Check *check, IdcArena *arena, IdcSourceHealth *health, IdcError *err)
{
    *health = check->health;
    health->source = idc_arena_strdup(arena, check->source->name);
    health->is_healthy = check->problems.len == 0;
    if (!health->is_healthy)
        health->details = idc_arena_strdup(arena, idc_text_string(&check->problems));
    else
        health->details =
            idc_arena_printf(arena, "ok: %zu table%s%s%s%s", check->table_count,
                             check->table_count == 1 ? "" : "s", check->notes.len > 0 ? " (" : "",
                             idc_text_string(&check->notes), check->notes.len > 0 ? ")" : "");
    return health->source == NULL || health->details == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static void
finish(Checks *checks)
{
    for (size_t i = 0; i < checks->count; i++) {
        idc_text_done(&checks->items[i].problems);
        idc_text_done(&checks->items[i].notes);
        idc_call_free(checks->items[i].call);
        idc_arena_free(checks->items[i].arena);
    }
    if (checks->done_fd >= 0)
        close(checks->done_fd);
}

IdcStatus
idc_setup_validate(IdcHub *hub, IdcCall *call, const IdcConfig *config, int64_t timeout_ms,
                   IdcArena *arena, IdcSourceHealth **health, IdcError *err)
{
    Checks checks = { .hub = hub, .config = config, .timeout_ms = timeout_ms };
    IdcSourceHealth *result =
        idc_arena_alloc_array(arena, config->source_count + 1, sizeof *result);
    IdcStatus status = result == NULL ? idc_fail_no_memory(err) : IDC_OK;

    checks.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (status == IDC_OK && checks.done_fd < 0)
        status = idc_fail(err, IDC_IO_FAILED, "cannot make an event descriptor");
    if (status == IDC_OK)
        status = prepare(&checks, arena, err);
    /* Once, before the threads: all of them would wait for the same start of an embedded hub. */
    if (status == IDC_OK && checks.count > 0)
        status = idc_hub_ensure(hub, call, err);
    if (status == IDC_OK && checks.count > 0)
        status = run_threads(&checks, call, err);
    for (size_t i = 0; status == IDC_OK && i < checks.count; i++)
        status = take_health(&checks.items[i], arena, &result[i], err);
    finish(&checks);
    if (status == IDC_OK)
        *health = result;
    return status;
}
