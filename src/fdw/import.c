/*
 * import.c - IMPORT FOREIGN SCHEMA: what a source says it has, as CREATE FOREIGN TABLE.
 *
 * Nothing that a source says becomes SQL as it is: names and options are quoted, and a type is what
 * PostgreSQL's own parser of types understands, printed anew.
 */
#include "fdw/exchange.h"
#include "fdw/handler.h"
#include "fdw/raise.h"
#include "fdw/server.h"

#include <lib/stringinfo.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/parsenodes.h>
#include <parser/parse_type.h>
#include <parser/parser.h>
#include <utils/builtins.h>

/* In the database's encoding; raises where it has no such characters. */
static const char *
of_database(const char *text)
{
    return pg_any_to_server(text, (int) strlen(text), PG_UTF8);
}

static void
append_option(StringInfo sql, bool is_first, const char *name, const char *value)
{
    appendStringInfo(sql, "%s%s %s", is_first ? " OPTIONS (" : ", ",
                     quote_identifier(of_database(name)), quote_literal_cstr(of_database(value)));
}

/* What a name is called here, and what the source is told of it. option: NULL: nothing, or the
 * option that holds the name. */
typedef struct HubName {
    char *text;
    const char *option, *remote;
} HubName;

/* comment: NULL: there is none, or it is not wanted. */
static void
append_options(StringInfo sql, const IdcOptionSet *options, const HubName *name,
               const char *comment)
{
    bool is_first = true;

    for (size_t i = 0; i < options->count; i++, is_first = false)
        append_option(sql, is_first, options->items[i].name, options->items[i].value);
    if (name->option != NULL && idc_option_value(options, name->option) == NULL) {
        append_option(sql, is_first, name->option, name->remote);
        is_first = false;
    }
    if (comment != NULL) {
        append_option(sql, is_first, "comment", comment);
        is_first = false;
    }
    if (!is_first)
        appendStringInfoChar(sql, ')');
}

/* ---- names longer than the hub's ---- */

static bool
is_taken(const HubName *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].text, name) == 0)
            return true;
    return false;
}

/* Cut as the parser would, with a number where that makes two of one name; the option level knows
 * the whole name. */
static void
name_in_hub(const IdcDeclaration *declaration, IdcOptionLevel level, const char *option,
            const char *remote, HubName *names, size_t count)
{
    const char *name = of_database(remote);
    char suffix[16] = "";
    HubName *made = &names[count];

    *made = (HubName){ .text = pstrdup(name) };
    if (strlen(name) < NAMEDATALEN - sizeof suffix ||
        (strlen(name) < NAMEDATALEN && !is_taken(names, count, name)))
        return;
    for (int number = 2;; number++) {
        int room = NAMEDATALEN - 1 - (int) strlen(suffix);
        int len = pg_mbcliplen(name, (int) strlen(name), room);

        made->text = psprintf("%.*s%s", len, name, suffix);
        if (!is_taken(names, count, made->text))
            break;
        snprintf(suffix, sizeof suffix, "_%d", number);
    }
    if (idc_adapter_option_find(declaration, level, option) != NULL) {
        made->option = option;
        made->remote = remote;
    }
}

/* TYPE or TYPE COLLATE "NAME", of which the collation is returned: options stand before it. */
static const char *
append_type(StringInfo sql, const char *text)
{
    static const char collate[] = " COLLATE \"";
    char *type = pstrdup(of_database(text));
    char *collation = strstr(type, collate);
    size_t len;
    int32 modifier;
    Oid oid;

    if (collation != NULL) {
        *collation = '\0';
        collation += strlen(collate);
        len = strlen(collation);
        if (len < 2 || strchr(collation, '"') != collation + len - 1)
            ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                            errmsg("the source named a collation that is none")));
        collation[len - 1] = '\0';
    }
#if PG_VERSION_NUM >= 160000
    (void) parseTypeString(type, &oid, &modifier, NULL);
#else
    parseTypeString(type, &oid, &modifier, false);
#endif
    appendStringInfoString(
        sql,
        format_type_extended(oid, modifier, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
    return collation;
}

/* An expression, and nothing else that would stand between two parentheses. */
static void
append_default(StringInfo sql, const IdcImportedColumn *column)
{
    const char *text = of_database(column->default_sql);
    List *parsed = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
    SelectStmt *select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);

    if (list_length(select->targetList) != 1 || select->fromClause != NIL ||
        select->whereClause != NULL || select->distinctClause != NIL ||
        select->groupClause != NIL || select->havingClause != NULL || select->windowClause != NIL ||
        select->sortClause != NIL || select->limitCount != NULL || select->limitOffset != NULL ||
        select->lockingClause != NIL)
        ereport(ERROR,
                (errcode(ERRCODE_FDW_ERROR), errmsg("the source named a default that is none")));
    appendStringInfo(
        sql, column->is_generated ? " GENERATED ALWAYS AS (%s\n) STORED" : " DEFAULT (%s\n)", text);
}

/* PostgreSQL lets an import make no COMMENT. */
static const char *
wanted_comment(const char *comment, bool has_comments)
{
    return has_comments && comment != NULL && comment[0] != '\0' ? comment : NULL;
}

static char *
create_table(const IdcDeclaration *declaration, const IdcImportedTable *table, const HubName *name,
             const char *server, bool has_comments)
{
    HubName *names = palloc(sizeof *names * (table->column_count + 1));
    StringInfoData sql;

    initStringInfo(&sql);
    appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(name->text));
    for (size_t i = 0; i < table->column_count; i++) {
        const IdcImportedColumn *column = &table->columns[i];
        const char *collation;

        name_in_hub(declaration, IDC_OPTION_COLUMN, "column", column->name, names, i);
        appendStringInfo(&sql, "%s%s ", i > 0 ? ", " : "", quote_identifier(names[i].text));
        collation = append_type(&sql, column->type);
        append_options(&sql, &column->options, &names[i],
                       wanted_comment(column->comment, has_comments));
        if (collation != NULL)
            appendStringInfo(&sql, " COLLATE %s", quote_identifier(collation));
        if (column->default_sql != NULL)
            append_default(&sql, column);
        if (column->is_not_null)
            appendStringInfoString(&sql, " NOT NULL");
    }
    appendStringInfo(&sql, ") SERVER %s", quote_identifier(server));
    append_options(&sql, &table->options, name, wanted_comment(table->comment, has_comments));
    return sql.data;
}

static void
fill_names(IdcImport *import, List *tables)
{
    const char **names = palloc0(sizeof *names * (size_t) (list_length(tables) + 1));
    ListCell *cell;

    import->names = names;
    foreach (cell, tables)
        names[import->name_count++] = fdw_utf8(lfirst_node(RangeVar, cell)->relname);
}

List *
fdw_import_schema(ImportForeignSchemaStmt *statement, Oid server_oid)
{
    FdwServer *server = fdw_server(server_oid);
    IdcImport import = { .remote_schema = fdw_utf8(statement->remote_schema),
                         .is_list = statement->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO,
                         .is_except = statement->list_type == FDW_IMPORT_SCHEMA_EXCEPT,
                         .options = fdw_option_set(statement->options) };
    bool has_comments = idc_adapter_option_bool(server->declaration, &import.options, "comments");
    const IdcImportedTable *tables;
    HubName *names;
    List *commands = NIL;
    const void *answer;
    size_t count, len;
    IdcText payload;
    IdcError err;

    idc_error_init(&err);
    fdw_check(
        idc_adapter_options_check(server->declaration, IDC_OPTION_IMPORT, &import.options, &err),
        &err);
    fdw_check_import_rights(&import.options);
    if (import.is_list || import.is_except)
        fill_names(&import, statement->table_list);
    idc_text_init(&payload, 0);
    idc_import_write(&import, &payload);
    answer = fdw_exchange(fdw_process_get(server_oid, GetUserId()), server, IDC_MSG_IMPORT,
                          &payload, IDC_MSG_TABLES, NULL, &len);
    fdw_check(idc_tables_read(idc_arena_new(0), answer, len, &tables, &count, &err), &err);
    names = palloc(sizeof *names * (count + 1));
    for (size_t i = 0; i < count; i++) {
        name_in_hub(server->declaration, IDC_OPTION_TABLE, "table", tables[i].name, names, i);
        commands = lappend(commands, create_table(server->declaration, &tables[i], &names[i],
                                                  statement->server_name, has_comments));
    }
    return commands;
}
