/*
 * apply_table.c - foreign tables made as wanted.
 *
 * In:   IdcTable, wanted and actual
 * Out:  the hub changed; changes and marks
 */
#include "setup/apply.h"

#include <string.h>

static IdcStatus
drop_table(IdcSetup *setup, const IdcMark *mark, bool exists, IdcError *err)
{
    const char *label = idc_apply_label(setup->arena, mark->schema, mark->name);
    IdcStatement statement = { 0 };
    IdcStatus status = label == NULL ? idc_fail_no_memory(err) : IDC_OK;
    IdcDdl ddl;

    if (status == IDC_OK && exists) {
        idc_ddl_init(&ddl, err);
        idc_ddl_add(&ddl, "DROP FOREIGN TABLE ");
        idc_ddl_qualified(&ddl, mark->schema, mark->name);
        status = idc_ddl_take(&ddl, setup->arena, &statement);
        if (status == IDC_OK)
            status = idc_apply_change(setup, "drop", "table", label, mark->source, &statement, err);
    }
    if (status == IDC_OK)
        status = idc_mark_remove(setup, mark, err);
    return status;
}

IdcStatus
idc_apply_drop_tables(IdcSetup *setup, const IdcTableList *wanted, const char *server,
                      IdcError *err)
{
    IdcTableList actual = { 0 };
    IdcStatus status = idc_actual_tables(setup, NULL, &actual, err);

    for (size_t i = 0; status == IDC_OK && i < setup->marks.count;) {
        const IdcMark *mark = &setup->marks.items[i];
        const IdcTable *found;

        if (strcmp(mark->kind, "table") != 0) {
            i++;
            continue;
        }
        found = idc_table_find(&actual, mark->schema, mark->name);
        if (server != NULL ? found == NULL || strcmp(found->server, server) != 0
                           : !idc_mark_is_in_scope(setup, mark) ||
                                 (wanted != NULL &&
                                  idc_table_find(wanted, mark->schema, mark->name) != NULL)) {
            i++;
            continue;
        }
        status = drop_table(setup, mark, found != NULL, err);
    }
    return status;
}

static IdcStatus
refuse_relation(IdcSetup *setup, const IdcTable *wanted, const char *label, IdcError *err)
{
    const char *kind = NULL;
    IdcStatus status = idc_actual_relation(setup, wanted->schema, wanted->name, &kind, err);

    if (status != IDC_OK || kind == NULL)
        return status;
    return idc_apply_refuse(
        kind, label, "name this table differently, or give its source a \"schema:\" of its own",
        err);
}

/* What another file brought stays. */
static IdcStatus
refuse_of_other_file(const IdcSetup *setup, const IdcTable *wanted, const IdcMark *made,
                     const char *label, IdcError *err)
{
    if (strcmp(made->source, wanted->source) == 0 || idc_mark_is_in_scope(setup, made))
        return IDC_OK;
    (void) idc_fail(err, IDC_BAD_CONFIG,
                    "the hub has a table \"%s\" already, of source \"%s\" of %s", label,
                    made->source, made->origin);
    idc_error_set_sqlstate(err, "42710");
    idc_error_set_hint(err, "name this table differently, or give its source a \"schema:\" of its "
                            "own");
    return IDC_BAD_CONFIG;
}

IdcStatus
idc_apply_table(IdcSetup *setup, const IdcTableList *actual, const IdcTable *wanted,
                const char *origin, const char **action, IdcError *err)
{
    const IdcTable *found = idc_table_find(actual, wanted->schema, wanted->name);
    IdcTable exact = { 0 };
    const IdcMark mark = { "table",        wanted->schema, wanted->name,
                           wanted->source, origin,         wanted->source_decides };
    const char *label = idc_apply_label(setup->arena, wanted->schema, wanted->name);
    const IdcMark *made = idc_mark_find(&setup->marks, "table", wanted->schema, wanted->name);
    IdcStatement statement = { 0 };
    IdcStatus status = IDC_OK;

    if (label == NULL)
        return idc_fail_no_memory(err);
    if (found == NULL || made == NULL)
        status = refuse_relation(setup, wanted, label, err);
    else
        status = refuse_of_other_file(setup, wanted, made, label, err);
    if (status == IDC_OK)
        status = idc_apply_exact_types(setup, wanted, &exact, err);
    if (status != IDC_OK)
        return status;
    if (found != NULL && exact.is_unlearned)
        status = idc_learn_keep(setup->arena, found, &exact, err);
    if (status != IDC_OK)
        return status;
    if (found == NULL)
        status = idc_ddl_create_table(setup->arena, &exact, wanted->schema, wanted->name,
                                      &statement, err);
    else
        status = idc_diff_table(setup->arena, found, &exact, &statement, err);
    if (status != IDC_OK)
        return status;
    *action = found == NULL ? "create" : statement.sql == NULL ? "keep" : "alter";
    if (statement.sql == NULL)
        status = idc_setup_note(setup, "keep", "table", label, wanted->source, NULL, err);
    else
        status = idc_apply_change(setup, *action, "table", label, wanted->source, &statement, err);
    if (status == IDC_OK)
        status = idc_mark_set(setup, &mark, err);
    return status;
}

static IdcStatus
check_collisions(const IdcTableList *wanted, size_t first, IdcError *err)
{
    for (size_t i = first; i < wanted->count; i++) {
        const IdcTable *table = &wanted->items[i];
        const IdcTable *other = idc_table_find(wanted, table->schema, table->name);

        if (other == table)
            continue;
        (void) idc_fail(err, IDC_BAD_CONFIG,
                        "sources \"%s\" and \"%s\" both bring a table \"%s\" to schema \"%s\"",
                        other->source, table->source, table->name, table->schema);
        idc_error_set_hint(err, "give one of the sources a \"schema:\" of its own");
        return IDC_BAD_CONFIG;
    }
    return IDC_OK;
}

static const char *
origin_of(const IdcSetup *setup, const char *source)
{
    for (size_t i = 0; i < setup->config->source_count; i++)
        if (strcmp(setup->config->sources[i].name, source) == 0)
            return idc_source_origin(setup, &setup->config->sources[i]);
    return "";
}

/* Mistakes of the file are collected, a line a source. */
static IdcStatus
fail_clashing(const IdcText *lines, const IdcError *first, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_CONFIG, "%s", idc_text_string(lines));
    idc_error_set_hint(err, "%s", first->hint);
    return IDC_BAD_CONFIG;
}

static IdcStatus
collect_wanted(IdcSetup *setup, IdcTableList *wanted, IdcError *err)
{
    IdcText lines;
    IdcError first_mistake;
    IdcStatus status = IDC_OK;

    idc_error_init(&first_mistake);
    idc_text_init(&lines, 0);
    for (size_t i = 0; status == IDC_OK && i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];
        size_t first = wanted->count;
        IdcError problem;

        if (!source->is_enabled)
            continue;
        idc_error_init(&problem);
        status = idc_wanted_tables(setup, source, source->server_name, wanted, &problem);
        if (status == IDC_BAD_CONFIG) {
            idc_text_append_format(&lines, "%ssource \"%s\": %s", lines.len > 0 ? "\n" : "",
                                   source->name, problem.message);
            if (first_mistake.status == IDC_OK)
                first_mistake = problem;
            status = IDC_OK;
            continue;
        }
        if (status != IDC_OK) {
            idc_error_set_source(&problem, source->server_name);
            (void) idc_add_context(&problem, "source \"%s\"", source->name);
            if (err != NULL)
                *err = problem;
            break;
        }
        status = idc_learn_listed(setup, source, wanted, first, err);
        if (status == IDC_OK)
            status = check_collisions(wanted, first, err);
    }
    if (status == IDC_OK && first_mistake.status != IDC_OK)
        status = fail_clashing(&lines, &first_mistake, err);
    idc_text_done(&lines);
    return status;
}

IdcStatus
idc_apply_tables(IdcSetup *setup, IdcError *err)
{
    IdcTableList wanted = { 0 }, actual = { 0 };
    IdcStatus status = collect_wanted(setup, &wanted, err);

    if (status == IDC_OK)
        status = idc_apply_drop_tables(setup, &wanted, NULL, err);
    if (status == IDC_OK)
        status = idc_actual_tables(setup, NULL, &actual, err);
    for (size_t i = 0; status == IDC_OK && i < wanted.count; i++) {
        const char *action;

        status = idc_apply_table(setup, &actual, &wanted.items[i],
                                 origin_of(setup, wanted.items[i].source), &action, err);
    }
    return status;
}
