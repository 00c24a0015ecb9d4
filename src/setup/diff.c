/*
 * diff.c - the statements that turn an object of the hub into the wanted one, and no others.
 *
 * In:   what the catalogue has, what is wanted
 * Out:  one IdcStatement, or none where they are the same
 * Next: apply.c
 */
#include "setup/model.h"

#include <string.h>

/* Commands of one object are sent together, separated like psql would. */
static void
next_command(IdcDdl *ddl, bool *is_first)
{
    if (!*is_first)
        idc_ddl_add(ddl, ";\n");
    *is_first = false;
}

static void
add_comment_text(IdcDdl *ddl, const char *comment)
{
    idc_ddl_add(ddl, " IS ");
    if (comment == NULL)
        idc_ddl_add(ddl, "NULL");
    else
        idc_ddl_literal(ddl, comment);
}

static IdcStatus
finish(IdcDdl *ddl, bool is_empty, IdcArena *arena, IdcStatement *statement)
{
    IdcStatus status = idc_ddl_take(ddl, arena, statement);

    if (status == IDC_OK && is_empty)
        *statement = (IdcStatement){ 0 };
    return status;
}

IdcStatus
idc_diff_server(IdcArena *arena, const IdcServer *actual, const IdcServer *wanted,
                IdcStatement *statement, IdcError *err)
{
    bool is_first = true;
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    if (idc_options_differ(&actual->options, &wanted->options)) {
        next_command(&ddl, &is_first);
        idc_ddl_add(&ddl, "ALTER SERVER ");
        idc_ddl_name(&ddl, wanted->name);
        idc_ddl_option_changes(&ddl, &actual->options, &wanted->options);
    }
    if (!idc_same_text(actual->comment, wanted->comment)) {
        next_command(&ddl, &is_first);
        idc_ddl_add(&ddl, "COMMENT ON SERVER ");
        idc_ddl_name(&ddl, wanted->name);
        add_comment_text(&ddl, wanted->comment);
    }
    return finish(&ddl, is_first, arena, statement);
}

IdcStatus
idc_diff_mapping(IdcArena *arena, const IdcServer *actual, const IdcServer *wanted,
                 IdcStatement *statement, IdcError *err)
{
    IdcDdl ddl;
    bool differs;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "ALTER USER MAPPING FOR CURRENT_USER SERVER ");
    idc_ddl_name(&ddl, wanted->name);
    differs = idc_ddl_option_changes(&ddl, &actual->mapping, &wanted->mapping);
    return finish(&ddl, !differs, arena, statement);
}

static const IdcColumn *
find_column(const IdcTable *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static void
add_alter_table(IdcDdl *ddl, bool *is_first, const IdcTable *table)
{
    next_command(ddl, is_first);
    idc_ddl_add(ddl, "ALTER FOREIGN TABLE ");
    idc_ddl_qualified(ddl, table->schema, table->name);
}

static void
add_alter_column(IdcDdl *ddl, bool *is_first, const IdcTable *table, const IdcColumn *column)
{
    add_alter_table(ddl, is_first, table);
    idc_ddl_add(ddl, " ALTER COLUMN ");
    idc_ddl_name(ddl, column->name);
}

static void
add_column_comment(IdcDdl *ddl, bool *is_first, const IdcTable *table, const IdcColumn *column)
{
    next_command(ddl, is_first);
    idc_ddl_add(ddl, "COMMENT ON COLUMN ");
    idc_ddl_qualified(ddl, table->schema, table->name);
    idc_ddl_add(ddl, ".");
    idc_ddl_name(ddl, column->name);
    add_comment_text(ddl, column->comment);
}

static void
add_new_column(IdcDdl *ddl, bool *is_first, const IdcTable *table, const IdcColumn *column)
{
    add_alter_table(ddl, is_first, table);
    idc_ddl_add(ddl, " ADD COLUMN ");
    idc_ddl_name(ddl, column->name);
    idc_ddl_add(ddl, " ");
    idc_ddl_add(ddl, column->type);
    idc_ddl_options(ddl, &column->options);
    idc_ddl_collation(ddl, column);
    if (column->is_not_null)
        idc_ddl_add(ddl, " NOT NULL");
    idc_ddl_default(ddl, column);
    if (column->comment != NULL)
        add_column_comment(ddl, is_first, table, column);
}

static void
change_default(IdcDdl *ddl, bool *is_first, const IdcTable *table, const IdcColumn *wanted)
{
    add_alter_column(ddl, is_first, table, wanted);
    if (wanted->default_value == NULL) {
        idc_ddl_add(ddl, " DROP DEFAULT");
        return;
    }
    idc_ddl_add(ddl, " SET DEFAULT ");
    idc_ddl_add(ddl, wanted->default_value);
}

static void
change_column(IdcDdl *ddl, bool *is_first, const IdcTable *table, const IdcColumn *actual,
              const IdcColumn *wanted)
{
    /* The collation alone is left as it is: a view that uses the column would be in the way. */
    bool is_other_type = strcmp(actual->type, wanted->type) != 0;

    /* An old default may not fit the new type: it leaves first and comes back after. */
    if (is_other_type && actual->default_value != NULL) {
        add_alter_column(ddl, is_first, table, wanted);
        idc_ddl_add(ddl, " DROP DEFAULT");
    }
    if (is_other_type) {
        add_alter_column(ddl, is_first, table, wanted);
        idc_ddl_add(ddl, " TYPE ");
        idc_ddl_add(ddl, wanted->type);
        idc_ddl_collation(ddl, wanted);
    }
    if (is_other_type ? wanted->default_value != NULL
                      : !idc_same_text(actual->default_value, wanted->default_value))
        change_default(ddl, is_first, table, wanted);
    if (actual->is_not_null != wanted->is_not_null) {
        add_alter_column(ddl, is_first, table, wanted);
        idc_ddl_add(ddl, wanted->is_not_null ? " SET NOT NULL" : " DROP NOT NULL");
    }
    if (idc_options_differ(&actual->options, &wanted->options)) {
        add_alter_column(ddl, is_first, table, wanted);
        idc_ddl_option_changes(ddl, &actual->options, &wanted->options);
    }
    if (!idc_same_text(actual->comment, wanted->comment))
        add_column_comment(ddl, is_first, table, wanted);
}

static bool
has_other_type(const IdcTable *actual, const IdcTable *wanted)
{
    for (size_t i = 0; i < actual->count; i++) {
        const IdcColumn *column = find_column(wanted, actual->columns[i].name);

        if (column == NULL || strcmp(column->type, actual->columns[i].type) != 0)
            return true;
    }
    return false;
}

/* What a column is computed from cannot be altered; nor can the type of a column that it uses. */
static bool
is_made_anew(const IdcColumn *old, const IdcColumn *column, bool is_any_other)
{
    return (old->is_generated && is_any_other) || old->is_generated != column->is_generated ||
           (old->is_generated && !idc_same_text(old->default_value, column->default_value));
}

static void
change_columns(IdcDdl *ddl, bool *is_first, const IdcTable *actual, const IdcTable *wanted)
{
    bool is_any_other = has_other_type(actual, wanted);

    /* Computed columns first: they are in the way of those that they are computed from. */
    for (size_t i = 0; i < 2 * actual->count; i++) {
        const IdcColumn *old = &actual->columns[i % actual->count];
        const IdcColumn *column = find_column(wanted, old->name);

        if (old->is_generated != (i < actual->count) ||
            (column != NULL && !is_made_anew(old, column, is_any_other)))
            continue;
        add_alter_table(ddl, is_first, wanted);
        idc_ddl_add(ddl, " DROP COLUMN ");
        idc_ddl_name(ddl, old->name);
    }
    for (size_t i = 0; i < 2 * wanted->count; i++) {
        const IdcColumn *column = &wanted->columns[i % wanted->count];
        const IdcColumn *old = find_column(actual, column->name);

        if (column->is_generated == (i < wanted->count))
            continue;
        if (old == NULL || is_made_anew(old, column, is_any_other))
            add_new_column(ddl, is_first, wanted, column);
        else
            change_column(ddl, is_first, wanted, old, column);
    }
}

/* A foreign table keeps its server for life: another server means another table. */
static IdcStatus
replace_table(IdcArena *arena, const IdcTable *wanted, IdcStatement *statement, IdcError *err)
{
    IdcStatement create = { 0 };
    IdcStatus status;
    IdcDdl ddl;

    status = idc_ddl_create_table(arena, wanted, wanted->schema, wanted->name, &create, err);
    if (status != IDC_OK)
        return status;
    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "DROP FOREIGN TABLE ");
    idc_ddl_qualified(&ddl, wanted->schema, wanted->name);
    idc_ddl_add(&ddl, ";\n");
    idc_text_append(&ddl.sql, create.sql);
    idc_text_append(&ddl.shown, create.shown);
    return idc_ddl_take(&ddl, arena, statement);
}

static bool
file_has(const IdcTable *table, const char *option)
{
    for (size_t i = 0; table->config != NULL && i < table->config->options.count; i++)
        if (strcmp(table->config->options.items[i].name, option) == 0)
            return true;
    return false;
}

/* Of an imported table the source says row_count, each time another one: the hub keeps its own. */
static IdcStatus
keep_row_count(IdcArena *arena, const IdcTable *actual, const IdcTable *wanted, IdcTable *kept,
               IdcError *err)
{
    const IdcOption *old = idc_option_find(&actual->options, "row_count");
    IdcStatus status = IDC_OK;

    *kept = *wanted;
    if (!(wanted->source_decides || wanted->is_learned) || old == NULL ||
        file_has(wanted, "row_count"))
        return IDC_OK;
    kept->options = (IdcOptionList){ 0 };
    for (size_t i = 0; status == IDC_OK && i < wanted->options.count; i++)
        status = idc_option_set(arena, &kept->options, wanted->options.items[i].name,
                                wanted->options.items[i].value, err);
    return status == IDC_OK ? idc_option_set(arena, &kept->options, "row_count", old->value, err)
                            : status;
}

IdcStatus
idc_diff_table(IdcArena *arena, const IdcTable *actual, const IdcTable *wanted,
               IdcStatement *statement, IdcError *err)
{
    bool is_first = true;
    IdcTable kept;
    IdcStatus status = keep_row_count(arena, actual, wanted, &kept, err);
    IdcDdl ddl;

    if (status != IDC_OK)
        return status;
    wanted = &kept;
    if (strcmp(actual->server, wanted->server) != 0)
        return replace_table(arena, wanted, statement, err);
    idc_ddl_init(&ddl, err);
    change_columns(&ddl, &is_first, actual, wanted);
    if (idc_options_differ(&actual->options, &wanted->options)) {
        add_alter_table(&ddl, &is_first, wanted);
        idc_ddl_option_changes(&ddl, &actual->options, &wanted->options);
    }
    if (!idc_same_text(actual->comment, wanted->comment)) {
        next_command(&ddl, &is_first);
        idc_ddl_add(&ddl, "COMMENT ON FOREIGN TABLE ");
        idc_ddl_qualified(&ddl, wanted->schema, wanted->name);
        add_comment_text(&ddl, wanted->comment);
    }
    return finish(&ddl, is_first, arena, statement);
}
