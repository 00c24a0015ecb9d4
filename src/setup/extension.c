/*
 * extension.c - the foreign data wrappers of the hub, and where to get those it lacks.
 *
 * In:   the name of a wrapper
 * Out:  CREATE EXTENSION, or an error that names the package
 */
#include "setup/model.h"

#include <string.h>

/* Debian's names, and those of PostgreSQL's own packages for it: postgresql-MAJOR and what follows.
 */
static const struct {
    const char *wrapper, *suffix;
} packages[] = {
    { "postgres_fdw", "" },          { "file_fdw", "" },
    { "mysql_fdw", "-mysql-fdw" },   { "tds_fdw", "-tds-fdw" },
    { "oracle_fdw", "-oracle-fdw" }, { "mongo_fdw", "-mongo-fdw" },
    { "ogr_fdw", "-ogr-fdw" },       { "multicorn", "-python3-multicorn" },
};

/* One extension brings all wrappers of our own. */
#define OURS "instant_fdw"

static void
add_package_hint(int major, const char *wrapper, IdcError *err)
{
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        if (strcmp(packages[i].wrapper, wrapper) != 0)
            continue;
        idc_error_set_hint(
            err,
            "install the package \"postgresql-%d%s\" on the hub's machine (apt install "
            "postgresql-%d%s)%s",
            major, packages[i].suffix, major, packages[i].suffix,
            packages[i].suffix[0] == '\0' ? "; other systems: postgresql-contrib" : "");
        return;
    }
    if (strcmp(wrapper, OURS) == 0) {
        idc_error_set_hint(err,
                           "install the extension \"" OURS "\" for PostgreSQL %d on the hub's "
                           "machine (docs/guide/hub.md), or use the embedded hub, which has it",
                           major);
        return;
    }
    idc_error_set_hint(err,
                       "install the extension \"%s\" for PostgreSQL %d on the hub's machine; its "
                       "pg_available_extensions lists what is there",
                       wrapper, major);
}

/* CREATE EXTENSION, or ALTER EXTENSION … UPDATE where an old version lacks the wrapper. */
static IdcStatus
make_extension(IdcSetup *setup, const char *wrapper, bool is_old, IdcStatement *statement,
               IdcError *err)
{
    const char *extension = idc_wrapper_is_ours(wrapper) ? OURS : wrapper;
    IdcStatus status;
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    if (!is_old && idc_wrapper_is_ours(extension))
        idc_ddl_add(&ddl, "CREATE SCHEMA IF NOT EXISTS instant;\n");
    idc_ddl_add(&ddl, is_old ? "ALTER EXTENSION " : "CREATE EXTENSION IF NOT EXISTS ");
    idc_ddl_name(&ddl, extension);
    if (is_old)
        idc_ddl_add(&ddl, " UPDATE");
    status = idc_ddl_take(&ddl, setup->arena, statement);
    if (status == IDC_OK)
        status = idc_setup_execute(setup, statement, err);
    if (status == IDC_OK)
        return IDC_OK;
    if (err != NULL && strcmp(err->sqlstate, "42501") == 0)
        idc_error_set_hint(err,
                           "an administrator of the hub has to run: %s EXTENSION %s%s; GRANT USAGE "
                           "ON FOREIGN DATA WRAPPER %s TO \"%s\"",
                           is_old ? "ALTER" : "CREATE", extension, is_old ? " UPDATE" : "", wrapper,
                           setup->user);
    return idc_add_context(err, "extension \"%s\"", extension);
}

/* Ours is missing, and nothing else is there that could serve the source. */
static void
add_other_hint(int major, const IdcConfigSource *source, IdcError *err)
{
    if (source->otherwise != NULL && strcmp(source->otherwise->wrapper, "mysql_fdw") == 0)
        idc_error_set_hint(err,
                           "install the extension \"" OURS "\" for PostgreSQL %d on the hub's "
                           "machine (docs/guide/hub.md), or mysql_fdw in its place (apt install "
                           "postgresql-%d-mysql-fdw), or use the embedded hub",
                           major, major);
    else if (source->why_alone != NULL)
        idc_error_set_hint(err,
                           "install the extension \"" OURS "\" for PostgreSQL %d on the hub's "
                           "machine (docs/guide/hub.md), or use the embedded hub; no other wrapper "
                           "can take its place: %s",
                           major, source->why_alone);
}

IdcStatus
idc_setup_extension(IdcSetup *setup, const IdcConfigSource *source, bool *is_created, IdcError *err)
{
    const char *wrapper = source->wrapper;
    const char *extension = idc_wrapper_is_ours(wrapper) ? OURS : wrapper;
    const char *parameters[] = { wrapper, extension };
    IdcTextRows rows = { 0 };
    IdcStatement statement = { 0 };
    IdcStatus status;
    bool is_old;

    *is_created = false;
    /* A wrapper may also have been made without an extension of its name. */
    status = idc_setup_query(
        setup,
        "SELECT (EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwname = $1))::text,"
        " (EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = $2))::text,"
        " (EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = $2))::text",
        parameters, 2, &rows, err);
    if (status != IDC_OK)
        return status;
    if (idc_same_text(rows.values[0], "true"))
        return idc_setup_note(setup, "keep", "extension", extension, NULL, NULL, err);
    if (!idc_same_text(rows.values[1], "true")) {
        status = idc_fail(err, IDC_NOT_FOUND, "the hub has no extension \"%s\"", extension);
        idc_error_set_sqlstate(err, "0A000");
        add_package_hint(setup->version / 10000, extension, err);
        add_other_hint(setup->version / 10000, source, err);
        return status;
    }
    is_old = idc_same_text(rows.values[2], "true");
    status = make_extension(setup, wrapper, is_old, &statement, err);
    if (status != IDC_OK)
        return status;
    *is_created = !is_old;
    return idc_setup_note(setup, is_old ? "alter" : "create", "extension", extension, NULL,
                          statement.shown, err);
}
