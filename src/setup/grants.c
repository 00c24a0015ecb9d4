/*
 * grants.c - what others may do with a source's tables, over the time in which they are made anew.
 *
 * In:   a server whose tables are about to be dropped
 * Out:  the same privileges, once those of the same names are there again
 */
#include "setup/apply.h"

#include <string.h>

/* relation NULL: of the server. Of tables that setup did not make nothing is dropped. */
static const char grants_sql[] =
    "WITH ours AS (SELECT c.oid, c.relowner, c.relacl, n.nspname, c.relname"
    "  FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_table f ON f.ftserver = s.oid"
    "  JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE s.srvname = $1),"
    " given AS (SELECT nspname, relname, NULL::name AS attname, relowner AS owner, a.*"
    "   FROM ours, pg_catalog.aclexplode(relacl) a"
    "  UNION ALL SELECT o.nspname, o.relname, t.attname, o.relowner, a.* FROM ours o"
    "   JOIN pg_catalog.pg_attribute t ON t.attrelid = o.oid AND NOT t.attisdropped,"
    "   pg_catalog.aclexplode(t.attacl) a"
    "  UNION ALL SELECT NULL, srvname, NULL, srvowner, a.*"
    "   FROM pg_catalog.pg_foreign_server, pg_catalog.aclexplode(srvacl) a WHERE srvname = $1)"
    " SELECT nspname, relname, attname, 'GRANT ' || privilege_type ||"
    "  coalesce(' (' || pg_catalog.quote_ident(attname) || ')', '') || ' ON ' ||"
    "  coalesce(pg_catalog.quote_ident(nspname) || '.', 'FOREIGN SERVER ') ||"
    "  pg_catalog.quote_ident(relname) || ' TO ' || CASE grantee WHEN 0 THEN 'PUBLIC'"
    "   ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END ||"
    "  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
    " FROM given WHERE grantee <> owner ORDER BY 1, 2, 3, 4";

static const char there_sql[] =
    "SELECT CASE WHEN $1 = '' THEN EXISTS (SELECT FROM pg_catalog.pg_foreign_server"
    "  WHERE srvname = $2)"
    " ELSE EXISTS (SELECT FROM pg_catalog.pg_class c"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname = $1 AND c.relname = $2 AND ($3 = '' OR EXISTS"
    "   (SELECT FROM pg_catalog.pg_attribute t WHERE t.attrelid = c.oid AND t.attname = $3"
    "    AND NOT t.attisdropped))) END::text";

static const char *
text_of(const char *text)
{
    return text == NULL ? "" : text;
}

IdcStatus
idc_grants_keep(IdcSetup *setup, const char *server, const char *source, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, grants_sql, &server, 1, &rows, err);

    for (size_t i = 0; status == IDC_OK && i < rows.row_count; i++) {
        const char **row = &rows.values[i * rows.column_count];
        IdcGrant *grant = IDC_LIST_ADD(setup->arena, &setup->grants);

        if (grant == NULL)
            return idc_fail_no_memory(err);
        *grant = (IdcGrant){ text_of(row[0]), row[1], text_of(row[2]), source, row[3] };
    }
    return status;
}

IdcStatus
idc_grants_apply(IdcSetup *setup, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->grants.count; i++) {
        const IdcGrant *grant = &setup->grants.items[i];
        const char *parameters[] = { grant->schema, grant->name, grant->column };
        const char *label = idc_apply_label(setup->arena, grant->schema, grant->name);
        IdcStatement statement = { grant->sql, grant->sql, false };
        IdcTextRows rows = { 0 };

        if (label == NULL)
            return idc_fail_no_memory(err);
        status = idc_setup_query(setup, there_sql, parameters, 3, &rows, err);
        if (status == IDC_OK && idc_same_text(rows.values[0], "true"))
            status = idc_apply_change(setup, "grant", grant->schema[0] == '\0' ? "server" : "table",
                                      label, grant->source, &statement, err);
    }
    return status;
}
