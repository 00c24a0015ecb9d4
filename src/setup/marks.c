/*
 * marks.c - instant.objects, the table of the hub that says what setup made.
 *
 * In:   what was created, altered or dropped
 * Out:  rows of instant.objects, in the same transaction
 */
#include "setup/apply.h"

#include <stdlib.h>
#include <string.h>

/* No secret is ever kept here: options are compared with the catalogue itself. */
static const char create_sql[] =
    "CREATE SCHEMA IF NOT EXISTS instant;\n"
    "CREATE TABLE IF NOT EXISTS instant.objects ("
    " kind text NOT NULL, schema text NOT NULL, name text NOT NULL, source text NOT NULL,"
    " origin text NOT NULL, source_decides boolean NOT NULL DEFAULT false,"
    " made_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (kind, schema, name));\n"
    "COMMENT ON TABLE instant.objects IS"
    " 'what instant setup made; only what is listed here is ever altered or dropped by it'";

static const char insert_sql[] =
    "INSERT INTO instant.objects (kind, schema, name, source, origin, source_decides)"
    " VALUES ($1, $2, $3, $4, $5, $6::boolean) ON CONFLICT (kind, schema, name) DO UPDATE SET"
    " source = excluded.source, origin = excluded.origin, source_decides = excluded.source_decides";

IdcStatus
idc_mark_ensure(IdcSetup *setup, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(
        setup, "SELECT (pg_catalog.to_regclass('instant.objects') IS NOT NULL)::text", NULL, 0,
        &rows, err);

    if (status != IDC_OK || idc_same_text(rows.values[0], "true"))
        return status;
    status = idc_setup_sql(setup, create_sql, err);
    if (status != IDC_OK)
        return idc_add_context(err, "list of what setup makes (instant.objects)");
    return IDC_OK;
}

IdcStatus
idc_mark_set(IdcSetup *setup, const IdcMark *mark, IdcError *err)
{
    const IdcMark *old = idc_mark_find(&setup->marks, mark->kind, mark->schema, mark->name);
    const char *values[] = { mark->kind,   mark->schema, mark->name,
                             mark->source, mark->origin, mark->source_decides ? "true" : "false" };
    IdcMark *added;
    IdcStatus status;

    if (old != NULL && idc_same_text(old->source, mark->source) &&
        idc_same_text(old->origin, mark->origin) && old->source_decides == mark->source_decides)
        return IDC_OK;
    status = old == NULL ? idc_mark_ensure(setup, err) : IDC_OK;
    if (status == IDC_OK)
        status = idc_setup_query(setup, insert_sql, values, 6, NULL, err);
    if (status != IDC_OK)
        return status;
    added = old != NULL ? (IdcMark *) old : IDC_LIST_ADD(setup->arena, &setup->marks);
    if (added == NULL)
        return idc_fail_no_memory(err);
    *added = *mark;
    return IDC_OK;
}

IdcStatus
idc_mark_remove(IdcSetup *setup, const IdcMark *mark, IdcError *err)
{
    const char *values[] = { mark->kind, mark->schema, mark->name };
    IdcStatus status = idc_setup_query(
        setup, "DELETE FROM instant.objects WHERE kind = $1 AND schema = $2 AND name = $3", values,
        3, NULL, err);
    size_t at = (size_t) (mark - setup->marks.items);

    if (status != IDC_OK)
        return status;
    memmove(&setup->marks.items[at], &setup->marks.items[at + 1],
            (setup->marks.count - at - 1) * sizeof *setup->marks.items);
    setup->marks.count--;
    return IDC_OK;
}

const char *
idc_source_origin(const IdcSetup *setup, const IdcConfigSource *source)
{
    for (size_t i = 0; i < setup->config->source_count; i++)
        if (setup->origins != NULL && source == &setup->config->sources[i])
            return setup->origins[i];
    return source->position.file == NULL ? "" : source->position.file;
}

IdcStatus
idc_setup_learn_origins(IdcSetup *setup, IdcError *err)
{
    size_t count = setup->config->source_count;
    const char **origins = idc_arena_alloc_array(setup->arena, count + 1, sizeof *origins);

    if (origins == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *file = setup->config->sources[i].position.file;
        char *full = file == NULL ? NULL : realpath(file, NULL);

        origins[i] = idc_arena_strdup(setup->arena, full != NULL ? full : file == NULL ? "" : file);
        free(full);
        if (origins[i] == NULL)
            return idc_fail_no_memory(err);
    }
    setup->origins = origins;
    return IDC_OK;
}

bool
idc_mark_is_in_scope(const IdcSetup *setup, const IdcMark *mark)
{
    for (size_t i = 0; i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];

        if (strcmp(source->name, mark->source) == 0 ||
            idc_same_text(idc_source_origin(setup, source), mark->origin))
            return true;
    }
    return false;
}
