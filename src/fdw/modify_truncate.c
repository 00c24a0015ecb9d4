/*
 * modify_truncate.c - TRUNCATE of foreign tables.
 *
 * In:   tables of one server
 * Out:  one request where the source can TRUNCATE, else a DELETE of all rows of each table
 */
#include "fdw/modify.h"

#include <foreign/foreign.h>
#include <miscadmin.h>
#include <utils/rel.h>

#include "fdw/handler.h"
#include "fdw/table.h"

static const FdwServer *
server_of(Relation table)
{
    return fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
}

static void
refuse(Relation table, const char *why)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot truncate foreign table \"%s\"", RelationGetRelationName(table)),
                    errdetail_internal("%s", why)));
}

/* The option truncatable, where the adapter has it. */
static void
check_allowed(Relation table, const IdcRelation *relation)
{
    const char *text = fdw_common_option(server_of(table), &relation->options, "truncatable");
    bool is_allowed = true;

    if (text != NULL && idc_bool_parse(text, &is_allowed) && !is_allowed)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("foreign table \"%s\" does not allow truncates",
                               RelationGetRelationName(table))));
}

/* The kind of request for all of them; raises where one cannot be emptied. */
static IdcModifyKind
common_kind(List *tables)
{
    IdcModifyKind kind = IDC_TRUNCATE;
    ListCell *cell;

    foreach (cell, tables) {
        Relation table = lfirst(cell);
        const IdcRelation *relation = fdw_table_relation(table, NIL);
        unsigned kinds = fdw_modify_kinds(server_of(table), relation);

        check_allowed(table, relation);
        if ((kinds & 1U << IDC_TRUNCATE) == 0)
            kind = IDC_DELETE_WHERE;
        if ((kinds & (1U << IDC_TRUNCATE | 1U << IDC_DELETE_WHERE)) == 0)
            refuse(table, "Its source cannot, or it is not written to.");
    }
    return kind;
}

static void
truncate_together(List *tables, bool is_cascade, bool restarts_identity)
{
    const IdcRelation **also = palloc(sizeof *also * (size_t) list_length(tables));
    IdcModify message = { .kind = IDC_TRUNCATE,
                          .table = fdw_table_relation(linitial(tables), NIL),
                          .also = also,
                          .also_count = (size_t) list_length(tables) - 1,
                          .is_cascade = is_cascade,
                          .restarts_identity = restarts_identity };
    IdcModified modified;

    for (size_t i = 0; i < message.also_count; i++)
        also[i] = fdw_table_relation(list_nth(tables, (int) i + 1), NIL);
    fdw_modify_send(server_of(linitial(tables)), GetUserId(), 0, &message, &modified);
}

static void
delete_all(Relation table)
{
    const IdcRelation *relation = fdw_table_relation(table, NIL);
    IdcModify message = { .kind = IDC_DELETE_WHERE, .table = relation, .where = relation };
    IdcModified modified;

    fdw_modify_send(server_of(table), GetUserId(), 0, &message, &modified);
}

void
fdw_truncate(List *tables, DropBehavior behavior, bool restarts_identity)
{
    ListCell *cell;

    if (common_kind(tables) == IDC_TRUNCATE) {
        truncate_together(tables, behavior == DROP_CASCADE, restarts_identity);
        return;
    }
    if (behavior == DROP_CASCADE || restarts_identity)
        refuse(linitial(tables), "Its source knows neither CASCADE nor RESTART IDENTITY.");
    foreach (cell, tables)
        delete_all(lfirst(cell));
}
