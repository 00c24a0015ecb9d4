/*
 * refresh.c - read the columns of tables again from their sources, and nothing else.
 *
 * In:   names of tables whose columns the source decides (none: all of them)
 * Out:  the hub's tables altered where the source changed; a line for each table
 *
 * Each table stands for itself: one whose source is gone does not keep the others from being
 * refreshed.
 */
#include "setup/apply.h"

#include <stdio.h>
#include <string.h>

typedef struct RefreshList {
    IdcRefresh *items;
    size_t count, capacity;
} RefreshList;

static IdcStatus
report(IdcSetup *setup, RefreshList *list, const char *table, bool is_refreshed,
       const char *details, IdcError *err)
{
    IdcRefresh *item = IDC_LIST_ADD(setup->arena, list);

    if (item == NULL)
        return idc_fail_no_memory(err);
    item->table = idc_arena_strdup(setup->arena, table);
    item->is_refreshed = is_refreshed;
    item->details = idc_arena_strdup(setup->arena, details);
    return item->table == NULL || item->details == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static const IdcConfigSource *
find_source(const IdcConfig *config, const char *name)
{
    for (size_t i = 0; i < config->source_count; i++)
        if (config->sources[i].is_enabled && strcmp(config->sources[i].name, name) == 0)
            return &config->sources[i];
    return NULL;
}

static const char *
option_text(const IdcTable *table, const char *name, const char *otherwise)
{
    const IdcOption *option = idc_option_find(&table->options, name);

    return option == NULL ? otherwise : option->value;
}

/* The table as its source has it now. */
static IdcStatus
wanted_now(IdcSetup *setup, const IdcConfigSource *source, const IdcTable *actual,
           IdcTableList *wanted, IdcError *err)
{
    const char *schema = option_text(actual, idc_wrapper_schema_option(source->wrapper),
                                     idc_import_default_schema(source));
    const char *name = option_text(actual, idc_wrapper_table_option(source->wrapper), actual->name);
    IdcStatus status;

    for (size_t i = 0; i < source->table_count; i++) {
        IdcConfigSource one = *source;

        if (strcmp(source->tables[i].schema, actual->schema) != 0 ||
            strcmp(source->tables[i].name, actual->name) != 0)
            continue;
        one.import_all = false;
        one.tables = &source->tables[i];
        one.table_count = 1;
        return idc_wanted_tables(setup, &one, source->server_name, wanted, err);
    }
    status = idc_import_tables(setup, source, source->server_name, schema, &name, 1, wanted, err);
    if (status != IDC_OK)
        return status;
    if (wanted->count == 0)
        return idc_fail(err, IDC_NOT_FOUND, "source \"%s\" has no table \"%s\" in \"%s\" any more",
                        source->name, name, schema);
    wanted->items[0].schema = actual->schema;
    wanted->items[0].name = actual->name;
    wanted->items[0].source = source->name;
    wanted->items[0].source_decides = true;
    return IDC_OK;
}

static IdcStatus
refresh_one(IdcSetup *setup, const IdcMark *mark, const IdcTableList *actual, const char **action,
            IdcError *err)
{
    const IdcConfigSource *source = find_source(setup->config, mark->source);
    const IdcTable *table = idc_table_find(actual, mark->schema, mark->name);
    const char *origin = mark->origin;
    IdcTableList wanted = { 0 };
    IdcStatus status;

    if (source == NULL)
        return idc_fail(err, IDC_NOT_FOUND, "its source \"%s\" is not in the configuration",
                        mark->source);
    if (table == NULL)
        return idc_fail(err, IDC_NOT_FOUND, "it is no longer in the hub: run setup");
    status = wanted_now(setup, source, table, &wanted, err);
    if (status == IDC_OK)
        status = idc_apply_table(setup, actual, &wanted.items[0], origin, action, err);
    return status;
}

/* An error of one table is reported; only the loss of the hub, or the end of the call, is an error
 * of all. */
static IdcStatus
refresh_marked(IdcSetup *setup, const IdcMark *mark, const char *label, const IdcTableList *actual,
               RefreshList *list, IdcError *err)
{
    const char *action = "keep";
    IdcError problem;
    IdcStatus status = idc_setup_sql(setup, "SAVEPOINT instant_refresh", err);

    if (status != IDC_OK)
        return status;
    idc_error_init(&problem);
    status = refresh_one(setup, mark, actual, &action, &problem);
    if (status == IDC_OK) {
        status = idc_setup_sql(setup, "RELEASE SAVEPOINT instant_refresh", err);
        if (status == IDC_OK)
            status =
                report(setup, list, label, true,
                       strcmp(action, "keep") == 0 ? "unchanged" : "changed as its source", err);
        return status;
    }
    if (!idc_conn_is_usable(setup->conn) || idc_call_is_cancelled(setup->call) ||
        status == IDC_NO_MEMORY) {
        if (err != NULL)
            *err = problem;
        return status;
    }
    status = idc_setup_sql(setup, "ROLLBACK TO SAVEPOINT instant_refresh", err);
    setup->domains.count = 0; /* those made since the savepoint are gone */
    if (status == IDC_OK)
        status = report(setup, list, label, false, problem.message, err);
    return status;
}

static bool
names_mark(const IdcMark *mark, const char *label, const char *name)
{
    char full[300];

    (void) snprintf(full, sizeof full, "%s.%s", mark->schema, mark->name);
    return strcmp(label, name) == 0 || strcmp(mark->name, name) == 0 || strcmp(full, name) == 0;
}

static IdcStatus
report_unknown(IdcSetup *setup, const char *name, RefreshList *list, IdcError *err)
{
    const char **words = idc_arena_alloc_array(setup->arena, setup->marks.count + 1, sizeof *words);
    size_t count = 0;
    const char *nearest, *text;

    if (words == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < setup->marks.count; i++)
        if (strcmp(setup->marks.items[i].kind, "table") == 0)
            words[count++] = setup->marks.items[i].name;
    nearest = idc_nearest_word(name, words, count);
    text = nearest == NULL
               ? "setup has made no table of that name"
               : idc_arena_printf(setup->arena,
                                  "setup has made no table of that name, did you mean \"%s\"?",
                                  nearest);
    return text == NULL ? idc_fail_no_memory(err) : report(setup, list, name, false, text, err);
}

static IdcStatus
refresh_named(IdcSetup *setup, const char *name, const IdcTableList *actual, RefreshList *list,
              IdcError *err)
{
    bool is_found = false;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->marks.count; i++) {
        const IdcMark *mark = &setup->marks.items[i];
        const char *label = idc_apply_label(setup->arena, mark->schema, mark->name);

        if (label == NULL)
            return idc_fail_no_memory(err);
        if (strcmp(mark->kind, "table") != 0 || (name != NULL && !names_mark(mark, label, name)))
            continue;
        is_found = true;
        if (mark->source_decides)
            status =
                find_source(setup->config, mark->source) == NULL && name == NULL
                    ? IDC_OK
                    : refresh_marked(setup, mark, name == NULL ? label : name, actual, list, err);
        else if (name != NULL)
            status = report(setup, list, name, false, "its columns are listed in the configuration",
                            err);
    }
    if (status == IDC_OK && !is_found && name != NULL)
        status = report_unknown(setup, name, list, err);
    return status;
}

IdcStatus
idc_setup_refresh(IdcConn *conn, IdcCall *call, const IdcConfig *config, const char *const *tables,
                  size_t table_count, IdcArena *arena, IdcRefresh **refreshed,
                  size_t *refreshed_count, IdcError *err)
{
    IdcSetup setup = {
        .conn = conn, .call = call, .arena = arena, .config = config, .connect_timeout_ms = 10000
    };
    IdcTableList actual = { 0 };
    RefreshList list = { 0 };
    IdcStatus status = idc_setup_begin(&setup, true, err);

    if (status == IDC_OK)
        status = idc_actual_marks(&setup, err);
    if (status == IDC_OK)
        status = idc_setup_choose_all(&setup, err);
    if (status == IDC_OK)
        status = idc_actual_tables(&setup, NULL, &actual, err);
    if (status == IDC_OK && table_count == 0)
        status = refresh_named(&setup, NULL, &actual, &list, err);
    for (size_t i = 0; status == IDC_OK && i < table_count; i++)
        status = refresh_named(&setup, tables[i], &actual, &list, err);
    if (status == IDC_OK)
        status = idc_setup_commit(&setup, err);
    if (status != IDC_OK) {
        idc_setup_rollback(&setup);
        return status;
    }
    *refreshed = list.items;
    *refreshed_count = list.count;
    return IDC_OK;
}
