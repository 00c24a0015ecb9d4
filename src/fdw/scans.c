/*
 * scans.c - what was asked of each server, for the view instant.scans.
 */
#include "fdw/pg.h"

#include "fdw/server_limits.h"
#include <catalog/pg_authid.h>
#include <catalog/pg_foreign_server.h>
#include <foreign/foreign.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>

FDW_SQL_FUNCTION(instant_scan_counters);

enum { SCAN_COLUMNS = 2 + FDW_SCAN_COUNTER_COUNT };

/* Of the servers that the user may use; all for those who may read all statistics. */
static bool
may_see(Oid server)
{
#if PG_VERSION_NUM >= 160000
    AclResult result = object_aclcheck(ForeignServerRelationId, server, GetUserId(), ACL_USAGE);
#else
    AclResult result = pg_foreign_server_aclcheck(server, GetUserId(), ACL_USAGE);
#endif

    return result == ACLCHECK_OK || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

Datum
instant_scan_counters(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    uint64 counts[FDW_SCAN_COUNTER_COUNT];
    Oid oid;

    InitMaterializedSRF(fcinfo, 0);
    for (int i = 0; fdw_scan_counts_of(i, &oid, counts); i++) {
        /* Dropped servers keep their counters, and nobody asks for them. */
        ForeignServer *server = GetForeignServerExtended(oid, FSV_MISSING_OK);
        Datum values[SCAN_COLUMNS];
        bool nulls[SCAN_COLUMNS] = { false };

        if (server == NULL || !may_see(oid))
            continue;
        values[0] = ObjectIdGetDatum(oid);
        values[1] = CStringGetTextDatum(server->servername);
        for (int j = 0; j < FDW_SCAN_COUNTER_COUNT; j++)
            values[2 + j] = Int64GetDatum((int64) counts[j]);
        values[2 + FDW_SCAN_WAIT_US] = Float8GetDatum((double) counts[FDW_SCAN_WAIT_US] / 1000.0);
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return (Datum) 0;
}
