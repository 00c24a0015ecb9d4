/*
 * module.c - what happens when a backend loads the extension, and which version it is.
 */
#include "fdw/backend.h"

#include "fdw/server_limits.h"
#include "fdw/keys.h"
#include "fdw/plan_cache.h"
#include "fdw/handler.h"
#include "fdw/process.h"
#include <utils/builtins.h>
#include <utils/guc.h>

#define VERSION "0.3.0"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "instant_fdw", .version = VERSION);
#else
PG_MODULE_MAGIC;
#endif

FdwBackend fdw_backend;

PGDLLEXPORT void _PG_init(void);

FDW_SQL_FUNCTION(instant_version);

void
_PG_init(void)
{
    fdw_plan_cache_init();
    fdw_process_init();
    fdw_keys_init();
    fdw_windows_init();
    fdw_limits_init(process_shared_preload_libraries_in_progress);
    DefineCustomIntVariable("instant.plan_cache_size",
                            "How many plans of instant.arrow a session keeps.",
                            "0 plans every query anew.", &fdw_backend.plan_cache_size, 64, 0, 1024,
                            PGC_USERSET, 0, NULL, NULL, NULL);
    if (process_shared_preload_libraries_in_progress)
        fdw_stats_use_shared_memory();
}

Datum
instant_version(PG_FUNCTION_ARGS)
{
    (void) fcinfo;
    PG_RETURN_TEXT_P(cstring_to_text(VERSION));
}
