/*
 * choose.c - which wrapper serves a source on this hub: ours, or somebody else's in its place.
 *
 * In:   a source of the configuration, and the same for the other wrapper; the hub
 * Out:  one of the two, and why
 * Next: run.c, validate_source.c, refresh.c
 *
 * A hub of somebody else's may lack the extension instant_fdw, or not let this user make servers of
 * it. What mysql_fdw or postgres_fdw can do there is better than nothing, and is said in a note.
 */
#include "setup/model.h"

#include <string.h>

/* Version 0.3.0 of the extension brings the wrappers that can be chosen. */
static const char choice_sql[] =
    "WITH me AS (SELECT coalesce((SELECT rolsuper FROM pg_catalog.pg_roles"
    "  WHERE rolname = current_user), false) AS is_super),"
    " there AS (SELECT fdwname, pg_catalog.has_foreign_data_wrapper_privilege(oid, 'USAGE')"
    "  AS is_mine FROM pg_catalog.pg_foreign_data_wrapper),"
    " brought AS (SELECT name FROM pg_catalog.pg_available_extensions WHERE name <> 'instant_fdw'"
    "  OR (default_version ~ '^[0-9.]+$' AND"
    "   pg_catalog.string_to_array(default_version, '.')::int[] >= '{0,3}'))"
    " SELECT (EXISTS (SELECT FROM there WHERE fdwname = $1)"
    "  OR EXISTS (SELECT FROM brought WHERE name = 'instant_fdw'))::text,"
    " (is_super OR EXISTS (SELECT FROM there WHERE fdwname = $1 AND is_mine) AND"
    "  EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'instant_admin'"
    "   AND pg_catalog.pg_has_role(oid, 'MEMBER')))::text,"
    " (EXISTS (SELECT FROM there WHERE fdwname = $2 AND is_mine)"
    "  OR is_super AND EXISTS (SELECT FROM brought WHERE name = $2))::text"
    " FROM me";

static IdcStatus
why_other(IdcSetup *setup, const IdcConfigSource *source, const char **why, IdcError *err)
{
    const char *parameters[] = { source->wrapper, source->otherwise->wrapper };
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, choice_sql, parameters, 2, &rows, err);

    *why = NULL;
    if (status != IDC_OK || !idc_same_text(rows.values[2], "true"))
        return status;
    if (!idc_same_text(rows.values[0], "true"))
        *why = "the hub has no extension \"instant_fdw\" with it";
    else if (!idc_same_text(rows.values[1], "true"))
        *why = "this user of the hub may make no servers of it";
    return IDC_OK;
}

IdcStatus
idc_setup_choose(IdcSetup *setup, const IdcConfigSource *source, const IdcConfigSource **chosen,
                 const char **why, IdcError *err)
{
    IdcStatus status = IDC_OK;

    *why = NULL;
    if (source->otherwise != NULL)
        status = why_other(setup, source, why, err);
    *chosen = *why == NULL ? source : source->otherwise;
    return status;
}

static IdcStatus
note_choice(IdcSetup *setup, const IdcConfigSource *source, const char *why, IdcError *err)
{
    const char *text =
        idc_arena_printf(setup->arena, "source \"%s\" is served by %s instead of %s: %s",
                         source->name, source->otherwise->wrapper, source->wrapper, why);

    if (text == NULL)
        return idc_fail_no_memory(err);
    return idc_setup_note(setup, "note", "wrapper", source->otherwise->wrapper, source->name, text,
                          err);
}

IdcStatus
idc_setup_choose_all(IdcSetup *setup, IdcError *err)
{
    IdcConfig *config = idc_arena_alloc(setup->arena, sizeof *config);
    IdcConfigSource *sources =
        idc_arena_alloc_array(setup->arena, setup->config->source_count + 1, sizeof *sources);
    IdcStatus status = IDC_OK;

    if (config == NULL || sources == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i], *chosen = source;
        const char *why = NULL;

        if (source->is_enabled)
            status = idc_setup_choose(setup, source, &chosen, &why, err);
        if (status == IDC_OK && why != NULL)
            status = note_choice(setup, source, why, err);
        sources[i] = *chosen;
    }
    *config = *setup->config;
    config->sources = sources;
    setup->config = config;
    return status;
}
