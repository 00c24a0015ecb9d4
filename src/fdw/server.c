/*
 * server.c - what the catalogue says of a foreign server, its tables and columns, in our words.
 */
#include "fdw/server.h"

#include <commands/defrem.h>
#include <mb/pg_wchar.h>
#include <nodes/makefuncs.h>
#include <utils/lsyscache.h>

#include "fdw/raise.h"

const char *
fdw_utf8(const char *text)
{
    return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

IdcOptionSet
fdw_option_set(List *options)
{
    IdcOptionPair *pairs = palloc0(sizeof(*pairs) * (size_t) (list_length(options) + 1));
    IdcOptionSet set = { .items = pairs };
    ListCell *cell;

    foreach (cell, options) {
        DefElem *option = lfirst_node(DefElem, cell);

        pairs[set.count].name = fdw_utf8(option->defname);
        pairs[set.count].value = fdw_utf8(defGetString(option));
        set.count++;
    }
    return set;
}

/* The wrapper's options stand for those that the server does not give. */
static IdcOptionSet
merged_options(List *of_server, List *of_wrapper)
{
    List *merged = list_copy(of_server);
    IdcOptionSet own = fdw_option_set(of_server);
    ListCell *cell;

    foreach (cell, of_wrapper) {
        DefElem *option = lfirst_node(DefElem, cell);

        if (strcmp(option->defname, "adapter") != 0 &&
            idc_option_value(&own, option->defname) == NULL)
            merged = lappend(merged, option);
    }
    return fdw_option_set(merged);
}

static const IdcDeclaration *
declaration_of(const ForeignDataWrapper *wrapper)
{
    const IdcDeclaration *declaration = NULL;
    ListCell *cell;

    foreach (cell, wrapper->options) {
        DefElem *option = lfirst_node(DefElem, cell);

        if (strcmp(option->defname, "adapter") == 0)
            declaration = idc_declaration_find(defGetString(option));
    }
    if (declaration == NULL)
        ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
                        errmsg("foreign-data wrapper \"%s\" names no adapter that this version of "
                               "instant_fdw has",
                               wrapper->fdwname)));
    return declaration;
}

FdwServer *
fdw_server(Oid server)
{
    ForeignServer *found = GetForeignServer(server);
    ForeignDataWrapper *wrapper = GetForeignDataWrapper(found->fdwid);
    FdwServer *made = palloc0(sizeof *made);

    made->oid = server;
    made->owner = found->owner;
    made->name = fdw_utf8(found->servername);
    made->declaration = declaration_of(wrapper);
    made->options = merged_options(found->options, wrapper->options);
    return made;
}

/* Where tables have schemas and this one's is not named, it is the schema that it is in here. */
static List *
with_schema(Oid table, const ForeignTable *found)
{
    const IdcDeclaration *declaration =
        declaration_of(GetForeignDataWrapper(GetForeignServer(found->serverid)->fdwid));
    ListCell *cell;

    if (idc_adapter_option_find(declaration, IDC_OPTION_TABLE, "schema_name") == NULL)
        return found->options;
    foreach (cell, found->options)
        if (strcmp(lfirst_node(DefElem, cell)->defname, "schema_name") == 0 ||
            strcmp(lfirst_node(DefElem, cell)->defname, "schema") == 0)
            return found->options;
    return lappend(list_copy(found->options),
                   makeDefElem("schema_name",
                               (Node *) makeString(get_namespace_name(get_rel_namespace(table))),
                               -1));
}

IdcOptionSet
fdw_table_options(Oid table)
{
    return fdw_option_set(with_schema(table, GetForeignTable(table)));
}

IdcOptionSet
fdw_column_options(Oid table, AttrNumber attribute)
{
    return fdw_option_set(GetForeignColumnOptions(table, attribute));
}

const char *
fdw_common_option(const FdwServer *server, const IdcOptionSet *table_options, const char *name)
{
    const char *value = table_options == NULL ? NULL : idc_option_value(table_options, name);

    if (value != NULL)
        return value;
    return idc_adapter_option_text(server->declaration, &server->options, name);
}
