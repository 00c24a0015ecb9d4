/*
 * apply_server.c - schemas, servers and user mappings made as wanted.
 *
 * In:   IdcServer, wanted and actual
 * Out:  the hub changed; changes and marks
 * Next: apply_table.c
 */
#include "setup/apply.h"

#include <string.h>

/* ---- schemas ---- */

static IdcStatus
apply_schema(IdcSetup *setup, const char *schema, const IdcConfigSource *source, IdcError *err)
{
    const char *origin = idc_source_origin(setup, source);
    const IdcMark mark = { "schema", "", schema, source->name, origin, false };
    IdcStatement statement = { 0 };
    IdcTextRows rows = { 0 };
    IdcStatus status;
    IdcDdl ddl;

    for (size_t i = 0; i < setup->change_count; i++)
        if (strcmp(setup->changes[i].kind, "schema") == 0 &&
            strcmp(setup->changes[i].name, schema) == 0)
            return IDC_OK;
    status = idc_setup_query(setup, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1",
                             &schema, 1, &rows, err);
    if (status != IDC_OK)
        return status;
    if (rows.row_count > 0)
        return idc_setup_note(setup, "keep", "schema", schema, source->name, NULL, err);
    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "CREATE SCHEMA ");
    idc_ddl_name(&ddl, schema);
    status = idc_ddl_take(&ddl, setup->arena, &statement);
    if (status == IDC_OK)
        status = idc_apply_change(setup, "create", "schema", schema, source->name, &statement, err);
    if (status == IDC_OK)
        status = idc_mark_set(setup, &mark, err);
    return status;
}

IdcStatus
idc_apply_schemas(IdcSetup *setup, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];

        if (!source->is_enabled)
            continue;
        if (source->import_all)
            status = apply_schema(setup, source->schema, source, err);
        for (size_t k = 0; status == IDC_OK && k < source->table_count; k++)
            status = apply_schema(setup, source->tables[k].schema, source, err);
    }
    return status;
}

static bool
wants_schema(const IdcSetup *setup, const char *schema)
{
    for (size_t i = 0; i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];

        if (!source->is_enabled)
            continue;
        if (source->import_all && strcmp(source->schema, schema) == 0)
            return true;
        for (size_t k = 0; k < source->table_count; k++)
            if (strcmp(source->tables[k].schema, schema) == 0)
                return true;
    }
    return false;
}

/* A schema in which somebody has put something else stays, and stays marked. */
static IdcStatus
drop_schema(IdcSetup *setup, const IdcMark *mark, bool *is_dropped, IdcError *err)
{
    IdcStatement statement = { 0 };
    IdcTextRows rows = { 0 };
    const IdcMark copy = *mark;
    IdcStatus status;
    IdcDdl ddl;

    *is_dropped = false;
    status = idc_setup_query(
        setup,
        "SELECT (EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE"
        " d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass"
        " AND d.refobjid = n.oid))::text FROM pg_catalog.pg_namespace n WHERE nspname = $1",
        &copy.name, 1, &rows, err);
    if (status != IDC_OK || (rows.row_count > 0 && idc_same_text(rows.values[0], "true")))
        return status;
    if (rows.row_count > 0) {
        idc_ddl_init(&ddl, err);
        idc_ddl_add(&ddl, "DROP SCHEMA ");
        idc_ddl_name(&ddl, copy.name);
        status = idc_ddl_take(&ddl, setup->arena, &statement);
        if (status == IDC_OK)
            status =
                idc_apply_change(setup, "drop", "schema", copy.name, copy.source, &statement, err);
    }
    if (status == IDC_OK)
        status = idc_mark_remove(setup, mark, err);
    *is_dropped = status == IDC_OK;
    return status;
}

IdcStatus
idc_apply_drop_schemas(IdcSetup *setup, IdcError *err)
{
    for (size_t i = 0; i < setup->marks.count;) {
        const IdcMark *mark = &setup->marks.items[i];
        bool is_dropped = false;

        if (strcmp(mark->kind, "schema") == 0 && idc_mark_is_in_scope(setup, mark) &&
            !wants_schema(setup, mark->name)) {
            IdcStatus status = drop_schema(setup, mark, &is_dropped, err);

            if (status != IDC_OK)
                return status;
        }
        i += is_dropped ? 0 : 1;
    }
    return IDC_OK;
}

/* ---- dropping servers ---- */

static IdcStatus
drop_mapping(IdcSetup *setup, const char *server, const char *source, IdcError *err)
{
    const IdcMark *mark = idc_mark_find(&setup->marks, "user mapping", setup->user, server);
    IdcStatement statement = { 0 };
    IdcStatus status;
    IdcDdl ddl;

    if (mark == NULL)
        return IDC_OK;
    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER ");
    idc_ddl_name(&ddl, server);
    status = idc_ddl_take(&ddl, setup->arena, &statement);
    if (status == IDC_OK)
        status = idc_apply_change(setup, "drop", "user mapping", server, source, &statement, err);
    if (status == IDC_OK)
        status = idc_mark_remove(setup, mark, err);
    return status;
}

/* Mappings that earlier users of the hub got from us go with the server. */
static IdcStatus
forget_mappings(IdcSetup *setup, const char *server, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->marks.count;) {
        const IdcMark *mark = &setup->marks.items[i];
        IdcStatement statement = { 0 };
        IdcDdl ddl;

        if (strcmp(mark->kind, "user mapping") != 0 || strcmp(mark->name, server) != 0) {
            i++;
            continue;
        }
        idc_ddl_init(&ddl, err);
        idc_ddl_add(&ddl, "DROP USER MAPPING IF EXISTS FOR ");
        idc_ddl_name(&ddl, mark->schema);
        idc_ddl_add(&ddl, " SERVER ");
        idc_ddl_name(&ddl, server);
        status = idc_ddl_take(&ddl, setup->arena, &statement);
        if (status == IDC_OK)
            status = idc_apply_change(setup, "drop", "user mapping", server, mark->source,
                                      &statement, err);
        if (status == IDC_OK)
            status = idc_mark_remove(setup, mark, err);
    }
    return status;
}

static IdcStatus
drop_server(IdcSetup *setup, const char *name, IdcError *err)
{
    const IdcMark *mark = idc_mark_find(&setup->marks, "server", "", name);
    const char *source = mark == NULL ? "" : mark->source;
    IdcStatement statement = { 0 };
    IdcServer *actual = NULL;
    IdcStatus status = idc_actual_server(setup, name, &actual, err);
    IdcDdl ddl;

    if (status == IDC_OK && actual != NULL) {
        status = idc_apply_drop_tables(setup, NULL, name, err);
        if (status == IDC_OK)
            status = drop_mapping(setup, name, source, err);
        if (status == IDC_OK)
            status = forget_mappings(setup, name, err);
        idc_ddl_init(&ddl, err);
        idc_ddl_add(&ddl, "DROP SERVER ");
        idc_ddl_name(&ddl, name);
        if (status != IDC_OK)
            ddl.status = status;
        status = idc_ddl_take(&ddl, setup->arena, &statement);
        if (status == IDC_OK)
            status = idc_apply_change(setup, "drop", "server", name, source, &statement, err);
    }
    mark = idc_mark_find(&setup->marks, "server", "", name);
    if (status == IDC_OK && mark != NULL)
        status = idc_mark_remove(setup, mark, err);
    return status;
}

static bool
is_wanted(const IdcServerList *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (strcmp(wanted->items[i].name, name) == 0)
            return true;
    return false;
}

IdcStatus
idc_apply_drop_servers(IdcSetup *setup, const IdcServerList *wanted, IdcError *err)
{
    for (size_t i = 0; i < setup->marks.count;) {
        const IdcMark *mark = &setup->marks.items[i];
        IdcStatus status;

        if (strcmp(mark->kind, "server") != 0 || !idc_mark_is_in_scope(setup, mark) ||
            is_wanted(wanted, mark->name)) {
            i++;
            continue;
        }
        status = drop_server(setup, mark->name, err);
        if (status != IDC_OK)
            return status;
        i = 0; /* more than one mark may have gone */
    }
    return IDC_OK;
}

/* ---- servers and mappings as wanted ---- */

/*
 * Who may not silence the hub's log tries a statement without its secrets first: if it fails, it
 * fails there, and nothing secret is in the log.
 */
static IdcStatus
rehearse(IdcSetup *setup, const IdcStatement *statement, IdcError *err)
{
    IdcStatement rehearsal = { statement->shown, statement->shown, false };
    IdcStatus status;

    if (setup->is_superuser || !statement->has_secret)
        return IDC_OK;
    status = idc_setup_sql(setup, "SAVEPOINT instant_rehearsal", err);
    if (status == IDC_OK)
        status = idc_setup_execute(setup, &rehearsal, err);
    if (status == IDC_OK)
        status = idc_setup_sql(
            setup, "ROLLBACK TO SAVEPOINT instant_rehearsal; RELEASE SAVEPOINT instant_rehearsal",
            err);
    return status;
}

static IdcStatus
change_with_secret(IdcSetup *setup, const char *action, const char *kind, const IdcServer *server,
                   const IdcStatement *statement, IdcError *err)
{
    IdcStatus status = rehearse(setup, statement, err);

    if (status == IDC_OK)
        return idc_apply_change(setup, action, kind, server->name, server->source, statement, err);
    (void) idc_add_context(err, "%s \"%s\"", kind, server->name);
    return status;
}

static IdcStatus
apply_server(IdcSetup *setup, const IdcServer *actual, const IdcServer *wanted, IdcError *err)
{
    const IdcMark mark = { "server", "", wanted->name, wanted->source, wanted->origin, false };
    IdcStatement statement = { 0 };
    IdcStatus status;

    if (actual != NULL && idc_mark_find(&setup->marks, "server", "", wanted->name) == NULL)
        return idc_apply_refuse(
            "server", wanted->name,
            "give the server of this source another name (\"server: {name: …}\")", err);
    if (actual == NULL)
        status = idc_ddl_create_server(setup->arena, wanted, &statement, err);
    else
        status = idc_diff_server(setup->arena, actual, wanted, &statement, err);
    if (status == IDC_OK && statement.sql == NULL)
        status = idc_setup_note(setup, "keep", "server", wanted->name, wanted->source, NULL, err);
    else if (status == IDC_OK)
        status = change_with_secret(setup, actual == NULL ? "create" : "alter", "server", wanted,
                                    &statement, err);
    if (status == IDC_OK)
        status = idc_mark_set(setup, &mark, err);
    return status;
}

static IdcStatus
apply_mapping(IdcSetup *setup, const IdcServer *actual, const IdcServer *wanted, IdcError *err)
{
    const IdcMark mark = { "user mapping", setup->user,    wanted->name,
                           wanted->source, wanted->origin, false };
    bool exists = actual != NULL && actual->has_mapping;
    IdcStatement statement = { 0 };
    IdcStatus status;

    if (!wanted->has_mapping)
        return exists ? drop_mapping(setup, wanted->name, wanted->source, err) : IDC_OK;
    if (exists && idc_mark_find(&setup->marks, "user mapping", setup->user, wanted->name) == NULL)
        return idc_apply_refuse(
            "user mapping of server", wanted->name,
            "drop it (DROP USER MAPPING), or give the server of this source another name", err);
    if (!exists)
        status = idc_ddl_create_mapping(setup->arena, wanted, &statement, err);
    else
        status = idc_diff_mapping(setup->arena, actual, wanted, &statement, err);
    if (status == IDC_OK && statement.sql == NULL)
        status =
            idc_setup_note(setup, "keep", "user mapping", wanted->name, wanted->source, NULL, err);
    else if (status == IDC_OK)
        status = change_with_secret(setup, exists ? "alter" : "create", "user mapping", wanted,
                                    &statement, err);
    if (status == IDC_OK)
        status = idc_mark_set(setup, &mark, err);
    return status;
}

/* A server keeps its wrapper for life: another one means that all of it is made anew. */
static IdcStatus
drop_for_another_wrapper(IdcSetup *setup, const IdcServer *actual, const IdcServer *wanted,
                         IdcError *err)
{
    IdcStatus status = idc_grants_keep(setup, wanted->name, wanted->source, err);

    if (status == IDC_OK)
        status = drop_server(setup, wanted->name, err);
    if (status != IDC_OK && err != NULL && strcmp(err->sqlstate, "2BP01") == 0)
        idc_error_set_hint(err,
                           "the source is served by %s now, so its tables are made anew: drop what "
                           "uses them and make it again after, or keep the source as it is "
                           "(\"wrapper: %s\")",
                           wanted->wrapper, actual->wrapper);
    return status;
}

static IdcStatus
apply_source(IdcSetup *setup, const IdcServer *wanted, IdcError *err)
{
    IdcServer *actual = NULL;
    IdcStatus status = idc_actual_server(setup, wanted->name, &actual, err);

    if (status == IDC_OK && actual != NULL && strcmp(actual->wrapper, wanted->wrapper) != 0 &&
        idc_mark_find(&setup->marks, "server", "", wanted->name) != NULL) {
        status = drop_for_another_wrapper(setup, actual, wanted, err);
        actual = NULL;
    }
    if (status == IDC_OK)
        status = apply_server(setup, actual, wanted, err);
    if (status == IDC_OK)
        status = apply_mapping(setup, actual, wanted, err);
    if (status != IDC_OK)
        idc_error_set_source(err, wanted->name);
    return status;
}

IdcStatus
idc_apply_servers(IdcSetup *setup, IdcServerList *wanted, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];
        IdcServer *server;

        if (!source->is_enabled)
            continue;
        if (is_wanted(wanted, source->server_name))
            return idc_fail(err, IDC_BAD_CONFIG, "two sources want a server named \"%s\"",
                            source->server_name);
        server = IDC_LIST_ADD(setup->arena, wanted);
        if (server == NULL)
            return idc_fail_no_memory(err);
        status = idc_wanted_server(setup, source, server, err);
        if (status == IDC_OK)
            status = apply_source(setup, server, err);
    }
    return status;
}
