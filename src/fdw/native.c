/*
 * native.c - instant.query: a request in a source's own language, as a table.
 *
 *     SELECT * FROM instant.query('orders_api', 'GET /orders?x=1') AS t(id bigint, total numeric);
 *
 * Whoever may call it (a GRANT: nobody but superusers at first) and has USAGE on the server asks
 * with the rights of his own user mapping.
 */
#include "fdw/pg.h"

#include "fdw/foreign.h"
#include "fdw/server.h"
#include <catalog/pg_foreign_server.h>
#include <foreign/foreign.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>

FDW_SQL_FUNCTION(instant_query);

static void
check_usage(const ForeignServer *server)
{
#if PG_VERSION_NUM >= 160000
    AclResult result =
        object_aclcheck(ForeignServerRelationId, server->serverid, GetUserId(), ACL_USAGE);
#else
    AclResult result = pg_foreign_server_aclcheck(server->serverid, GetUserId(), ACL_USAGE);
#endif

    if (result != ACLCHECK_OK)
        aclcheck_error(result, OBJECT_FOREIGN_SERVER, server->servername);
}

static const IdcRelation *
make_relation(const char *request, TupleDesc descriptor, List **attributes)
{
    IdcRelationColumn *columns = palloc0(sizeof *columns * (size_t) Max(descriptor->natts, 1));

    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

        columns[i].name = fdw_utf8(NameStr(attribute->attname));
        columns[i].type = fdw_type(attribute->atttypid, attribute->atttypmod);
        columns[i].collation = fdw_collation(attribute->attcollation);
        *attributes = lappend_int(*attributes, i + 1);
    }
    return idc_relation_native(idc_arena_new(0), fdw_utf8(request), columns,
                               (size_t) descriptor->natts);
}

Datum
instant_query(PG_FUNCTION_ARGS)
{
    ForeignServer *server = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
    const char *request = text_to_cstring(PG_GETARG_TEXT_PP(1));
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    const IdcRelation *relation;
    List *attributes = NIL;
    TupleTableSlot *slot;
    FdwScan *scan;

    check_usage(server);
    InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
    relation = make_relation(request, result->setDesc, &attributes);
    slot = MakeSingleTupleTableSlot(result->setDesc, &TTSOpsVirtual);
    scan = fdw_scan_open(server->serverid, GetUserId(), relation, NULL, 0, result->setDesc,
                         attributes, NULL, CurrentMemoryContext);
    while (fdw_scan_next(scan, slot))
        tuplestore_puttupleslot(result->setResult, slot);
    fdw_scan_close(scan);
    ExecDropSingleTupleTableSlot(slot);
    return (Datum) 0;
}
