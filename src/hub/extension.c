/*
 * extension.c - one catalogue query, and what its answer means.
 */
#include "hub/extension.h"

#include <string.h>

/* What this library calls is the same in all of these. */
static bool
is_known_version(const char *version)
{
    return strncmp(version, "0.1.", 4) == 0 || strncmp(version, "0.2.", 4) == 0 ||
           strncmp(version, "0.3.", 4) == 0;
}

/* Functions count only as members of the extension: the schema may have others. */
const char idc_extension_sql[] =
    "SELECT e.extversion, pg_catalog.bool_and("
    "pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND"
    " pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))"
    " FROM pg_catalog.pg_extension e"
    " JOIN pg_catalog.pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'"
    " AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
    " AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
    " JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND p.proname = 'arrow_with'"
    " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'instant'"
    " WHERE e.extname = 'instant_fdw' GROUP BY e.extversion";

IdcExtensionState
idc_extension_state(const IdcTextRows *rows, const IdcLog *log)
{
    const char *version, *may_execute;

    if (rows->row_count != 1 || rows->column_count != 2)
        return IDC_EXTENSION_ABSENT;
    version = rows->values[0] != NULL ? rows->values[0] : "";
    may_execute = rows->values[1] != NULL ? rows->values[1] : "";
    if (!is_known_version(version)) {
        idc_log(log, IDC_INFO,
                "hub: version \"%s\" of the extension instant_fdw is not used, this library knows "
                "0.1 to 0.3: results come by COPY",
                version);
        return IDC_EXTENSION_UNKNOWN;
    }
    return strcmp(may_execute, "t") == 0 ? IDC_EXTENSION_PRESENT : IDC_EXTENSION_FORBIDDEN;
}

IdcStatus
idc_extension_fail(IdcExtensionState state, IdcError *err)
{
    switch (state) {
    case IDC_EXTENSION_FORBIDDEN:
        (void) idc_fail(err, IDC_UNSUPPORTED,
                        "the hub's user may not execute the functions of the extension "
                        "\"instant_fdw\"");
        idc_error_set_hint(err, "grant it, or ask with transfer=auto");
        break;
    case IDC_EXTENSION_UNKNOWN:
        (void) idc_fail(err, IDC_UNSUPPORTED,
                        "the hub's version of the extension \"instant_fdw\" is not known here");
        idc_error_set_hint(err, "run ALTER EXTENSION instant_fdw UPDATE in the hub, or update "
                                "this library, or ask with transfer=auto");
        break;
    default:
        (void) idc_fail(err, IDC_UNSUPPORTED, "the hub has no extension \"instant_fdw\"");
        idc_error_set_hint(err, "run CREATE EXTENSION instant_fdw in the hub, or ask with "
                                "transfer=auto");
    }
    return IDC_UNSUPPORTED;
}
