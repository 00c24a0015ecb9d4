/*
 * ddl.c - statements that make objects of the hub, each with a twin that shows no secret.
 *
 * In:   IdcServer, IdcTable
 * Out:  IdcStatement
 * Next: transaction.c runs them
 */
#include "setup/model.h"

#include <string.h>

#include "base/quote.h"

static const char mask[] = "********";

void
idc_ddl_init(IdcDdl *ddl, IdcError *err)
{
    idc_text_init(&ddl->sql, 0);
    idc_text_init(&ddl->shown, 0);
    ddl->status = IDC_OK;
    ddl->err = err;
}

void
idc_ddl_add(IdcDdl *ddl, const char *sql)
{
    idc_text_append(&ddl->sql, sql);
    idc_text_append(&ddl->shown, sql);
}

void
idc_ddl_name(IdcDdl *ddl, const char *name)
{
    if (ddl->status == IDC_OK)
        ddl->status = idc_quote_identifier(&ddl->sql, name, ddl->err);
    if (ddl->status == IDC_OK)
        ddl->status = idc_quote_identifier(&ddl->shown, name, ddl->err);
}

void
idc_ddl_qualified(IdcDdl *ddl, const char *schema, const char *name)
{
    idc_ddl_name(ddl, schema);
    idc_ddl_add(ddl, ".");
    idc_ddl_name(ddl, name);
}

static void
add_literal(IdcDdl *ddl, const char *text, const char *shown)
{
    if (ddl->status == IDC_OK)
        ddl->status = idc_quote_literal(&ddl->sql, text, strlen(text), ddl->err);
    if (ddl->status == IDC_OK)
        ddl->status = idc_quote_literal(&ddl->shown, shown, strlen(shown), ddl->err);
}

void
idc_ddl_literal(IdcDdl *ddl, const char *text)
{
    add_literal(ddl, text, text);
}

static void
add_option(IdcDdl *ddl, const IdcOption *option)
{
    idc_ddl_name(ddl, option->name);
    idc_ddl_add(ddl, " ");
    add_literal(ddl, option->value,
                idc_config_option_is_secret(option->name) ? mask : option->value);
}

void
idc_ddl_options(IdcDdl *ddl, const IdcOptionList *options)
{
    for (size_t i = 0; i < options->count; i++) {
        idc_ddl_add(ddl, i == 0 ? " OPTIONS (" : ", ");
        add_option(ddl, &options->items[i]);
    }
    if (options->count > 0)
        idc_ddl_add(ddl, ")");
}

bool
idc_options_differ(const IdcOptionList *actual, const IdcOptionList *wanted)
{
    if (actual->count != wanted->count)
        return true;
    for (size_t i = 0; i < wanted->count; i++) {
        const IdcOption *old = idc_option_find(actual, wanted->items[i].name);

        if (old == NULL || strcmp(old->value, wanted->items[i].value) != 0)
            return true;
    }
    return false;
}

bool
idc_ddl_option_changes(IdcDdl *ddl, const IdcOptionList *actual, const IdcOptionList *wanted)
{
    const char *before = " OPTIONS (";

    if (!idc_options_differ(actual, wanted))
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        const IdcOption *old = idc_option_find(actual, wanted->items[i].name);

        if (old != NULL && strcmp(old->value, wanted->items[i].value) == 0)
            continue;
        idc_ddl_add(ddl, before);
        idc_ddl_add(ddl, old == NULL ? "ADD " : "SET ");
        add_option(ddl, &wanted->items[i]);
        before = ", ";
    }
    for (size_t i = 0; i < actual->count; i++) {
        if (idc_option_find(wanted, actual->items[i].name) != NULL)
            continue;
        idc_ddl_add(ddl, before);
        idc_ddl_add(ddl, "DROP ");
        idc_ddl_name(ddl, actual->items[i].name);
        before = ", ";
    }
    idc_ddl_add(ddl, ")");
    return true;
}

IdcStatus
idc_ddl_take(IdcDdl *ddl, IdcArena *arena, IdcStatement *statement)
{
    IdcStatus status = ddl->status;

    if (status == IDC_OK)
        status = idc_text_check(&ddl->sql, ddl->err);
    if (status == IDC_OK)
        status = idc_text_check(&ddl->shown, ddl->err);
    if (status == IDC_OK) {
        statement->sql = idc_arena_strdup(arena, idc_text_string(&ddl->sql));
        statement->shown = idc_arena_strdup(arena, idc_text_string(&ddl->shown));
        if (statement->sql == NULL || statement->shown == NULL)
            status = idc_fail_no_memory(ddl->err);
        else
            statement->has_secret = strcmp(statement->sql, statement->shown) != 0;
    }
    idc_text_done(&ddl->sql);
    idc_text_done(&ddl->shown);
    return status;
}

IdcStatus
idc_ddl_create_server(IdcArena *arena, const IdcServer *server, IdcStatement *statement,
                      IdcError *err)
{
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "CREATE SERVER ");
    idc_ddl_name(&ddl, server->name);
    idc_ddl_add(&ddl, " FOREIGN DATA WRAPPER ");
    idc_ddl_name(&ddl, server->wrapper);
    idc_ddl_options(&ddl, &server->options);
    if (server->comment != NULL) {
        idc_ddl_add(&ddl, ";\nCOMMENT ON SERVER ");
        idc_ddl_name(&ddl, server->name);
        idc_ddl_add(&ddl, " IS ");
        idc_ddl_literal(&ddl, server->comment);
    }
    return idc_ddl_take(&ddl, arena, statement);
}

IdcStatus
idc_ddl_create_mapping(IdcArena *arena, const IdcServer *server, IdcStatement *statement,
                       IdcError *err)
{
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "CREATE USER MAPPING FOR CURRENT_USER SERVER ");
    idc_ddl_name(&ddl, server->name);
    idc_ddl_options(&ddl, &server->mapping);
    return idc_ddl_take(&ddl, arena, statement);
}

static void
add_table_comments(IdcDdl *ddl, const IdcTable *table, const char *schema, const char *name)
{
    if (table->comment != NULL) {
        idc_ddl_add(ddl, ";\nCOMMENT ON FOREIGN TABLE ");
        idc_ddl_qualified(ddl, schema, name);
        idc_ddl_add(ddl, " IS ");
        idc_ddl_literal(ddl, table->comment);
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].comment == NULL)
            continue;
        idc_ddl_add(ddl, ";\nCOMMENT ON COLUMN ");
        idc_ddl_qualified(ddl, schema, name);
        idc_ddl_add(ddl, ".");
        idc_ddl_name(ddl, table->columns[i].name);
        idc_ddl_add(ddl, " IS ");
        idc_ddl_literal(ddl, table->columns[i].comment);
    }
}

void
idc_ddl_collation(IdcDdl *ddl, const IdcColumn *column)
{
    if (column->collation == NULL)
        return;
    idc_ddl_add(ddl, " COLLATE ");
    idc_ddl_add(ddl, column->collation);
}

/* A foreign table stores nothing: what STORED says is what the hub makes of a row that it writes.
 */
void
idc_ddl_default(IdcDdl *ddl, const IdcColumn *column)
{
    if (column->default_value == NULL)
        return;
    idc_ddl_add(ddl, column->is_generated ? " GENERATED ALWAYS AS (" : " DEFAULT ");
    idc_ddl_add(ddl, column->default_value);
    idc_ddl_add(ddl, column->is_generated ? ") STORED" : "");
}

IdcStatus
idc_ddl_create_table(IdcArena *arena, const IdcTable *table, const char *schema, const char *name,
                     IdcStatement *statement, IdcError *err)
{
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "CREATE FOREIGN TABLE ");
    idc_ddl_qualified(&ddl, schema, name);
    idc_ddl_add(&ddl, " (");
    for (size_t i = 0; i < table->count; i++) {
        const IdcColumn *column = &table->columns[i];

        idc_ddl_add(&ddl, i == 0 ? "\n    " : ",\n    ");
        idc_ddl_name(&ddl, column->name);
        idc_ddl_add(&ddl, " ");
        idc_ddl_add(&ddl, column->type);
        idc_ddl_options(&ddl, &column->options);
        idc_ddl_collation(&ddl, column);
        if (column->is_not_null)
            idc_ddl_add(&ddl, " NOT NULL");
        idc_ddl_default(&ddl, column);
    }
    idc_ddl_add(&ddl, table->count == 0 ? ") SERVER " : "\n) SERVER ");
    idc_ddl_name(&ddl, table->server);
    idc_ddl_options(&ddl, &table->options);
    add_table_comments(&ddl, table, schema, name);
    return idc_ddl_take(&ddl, arena, statement);
}
