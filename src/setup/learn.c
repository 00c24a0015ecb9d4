/*
 * learn.c - what the source knows about columns that the file lists: keys, real types, collations.
 *
 * In:   wanted tables whose columns stand in the file; their source
 * Out:  the same, with the options that an import would write and the file does not say
 * Next: apply_table.c
 *
 * With them an adapter of ours can send more, and find a row again to write it. A source that does
 * not answer is no error: what the hub has of them stays.
 */
#include "setup/apply.h"

#include <string.h>
#include <strings.h>

static const char *const column_options[] = { "key", "remote_type", "collation", "generated" };
static const char *const table_options[] = { "row_count" };

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* A list of its own with those of these names that it has not; other tables may share the old one.
 */
static IdcStatus
take_missing(IdcArena *arena, IdcOptionList *options, const IdcOptionList *from,
             const char *const *names, size_t count, IdcError *err)
{
    IdcOptionList whole = { 0 };
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < options->count; i++)
        status =
            idc_option_set(arena, &whole, options->items[i].name, options->items[i].value, err);
    for (size_t i = 0; status == IDC_OK && i < count; i++) {
        const IdcOption *known = idc_option_find(from, names[i]);

        if (known != NULL && idc_option_find(options, names[i]) == NULL)
            status = idc_option_set(arena, &whole, known->name, known->value, err);
    }
    if (status == IDC_OK)
        *options = whole;
    return status;
}

/* MySQL and SQLite do not look at the case of a column's name. */
static const IdcColumn *
find_there(const IdcTable *there, const IdcColumn *column, bool any_case)
{
    const char *name = idc_column_remote_name(column);

    for (size_t i = 0; i < there->count; i++) {
        const char *other = idc_column_remote_name(&there->columns[i]);

        if (any_case ? strcasecmp(other, name) == 0 : strcmp(other, name) == 0)
            return &there->columns[i];
    }
    return NULL;
}

static IdcStatus
learn_table(IdcSetup *setup, const IdcConfigSource *source, IdcTable *table, const IdcTable *there,
            IdcError *err)
{
    bool any_case = !idc_wrapper_is_postgres(source->wrapper);
    IdcStatus status = take_missing(setup->arena, &table->options, &there->options, table_options,
                                    COUNT_OF(table_options), err);

    for (size_t i = 0; status == IDC_OK && i < table->count; i++) {
        const IdcColumn *known = find_there(there, &table->columns[i], any_case);

        if (known != NULL)
            status = take_missing(setup->arena, &table->columns[i].options, &known->options,
                                  column_options, COUNT_OF(column_options), err);
    }
    table->is_unlearned = false;
    table->is_learned = true;
    return status;
}

/* What fails is no error, but for the hub's own: the source is not asked again. */
static IdcStatus
ask(IdcSetup *setup, const IdcConfigSource *source, const char *schema, const char *const *names,
    size_t count, IdcTableList *found, IdcError *err)
{
    IdcError problem;
    IdcStatus status = idc_setup_sql(setup, "SAVEPOINT instant_learn", err);

    if (status != IDC_OK)
        return status;
    idc_error_init(&problem);
    status = idc_import_tables(setup, source, source->server_name, schema, names, count, found,
                               &problem);
    if (status == IDC_OK)
        return idc_setup_sql(setup, "RELEASE SAVEPOINT instant_learn", err);
    if (!idc_conn_is_usable(setup->conn) || idc_call_is_cancelled(setup->call) ||
        status == IDC_NO_MEMORY) {
        if (err != NULL)
            *err = problem;
        return status;
    }
    setup->deaf = source;
    *found = (IdcTableList){ 0 };
    return idc_setup_sql(setup, "ROLLBACK TO SAVEPOINT instant_learn", err);
}

static const char *
schema_of(const IdcConfigSource *source, const IdcTable *table)
{
    return table->config->remote_schema != NULL ? table->config->remote_schema
                                                : idc_import_default_schema(source);
}

/* All unlearned tables of the first one's remote schema. */
static IdcStatus
learn_schema(IdcSetup *setup, const IdcConfigSource *source, IdcTableList *tables, size_t first,
             IdcError *err)
{
    const char *schema = schema_of(source, &tables->items[first]);
    const char **names = idc_arena_alloc_array(setup->arena, tables->count, sizeof *names);
    IdcTableList found = { 0 };
    size_t count = 0;
    IdcStatus status;

    if (names == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = first; i < tables->count; i++)
        if (tables->items[i].is_unlearned &&
            strcmp(schema_of(source, &tables->items[i]), schema) == 0)
            names[count++] = tables->items[i].config->remote_name;
    status = ask(setup, source, schema, names, count, &found, err);
    for (size_t i = first; status == IDC_OK && i < tables->count; i++) {
        IdcTable *table = &tables->items[i];
        const IdcTable *there;

        if (!table->is_unlearned || strcmp(schema_of(source, table), schema) != 0)
            continue;
        there = idc_table_find(&found, NULL, table->config->remote_name);
        if (there != NULL)
            status = learn_table(setup, source, table, there, err);
    }
    return status;
}

IdcStatus
idc_learn_listed(IdcSetup *setup, const IdcConfigSource *source, IdcTableList *tables, size_t first,
                 IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = first; status == IDC_OK && i < tables->count && setup->deaf != source; i++) {
        bool is_done = !tables->items[i].is_unlearned;

        for (size_t k = first; !is_done && k < i; k++)
            is_done = tables->items[k].config != NULL && tables->items[k].is_asked &&
                      strcmp(schema_of(source, &tables->items[k]),
                             schema_of(source, &tables->items[i])) == 0;
        if (is_done)
            continue;
        tables->items[i].is_asked = true;
        status = learn_schema(setup, source, tables, i, err);
    }
    return status;
}

IdcStatus
idc_learn_keep(IdcArena *arena, const IdcTable *actual, IdcTable *wanted, IdcError *err)
{
    IdcStatus status = take_missing(arena, &wanted->options, &actual->options, table_options,
                                    COUNT_OF(table_options), err);

    for (size_t i = 0; status == IDC_OK && i < wanted->count; i++)
        for (size_t k = 0; status == IDC_OK && k < actual->count; k++)
            if (strcmp(actual->columns[k].name, wanted->columns[i].name) == 0)
                status =
                    take_missing(arena, &wanted->columns[i].options, &actual->columns[k].options,
                                 column_options, COUNT_OF(column_options), err);
    return status;
}
