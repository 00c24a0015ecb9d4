/*
 * pg.h - PostgreSQL's headers for every file of this folder, included first, and what differs
 * between PostgreSQL 15 and later versions.
 */
#ifndef IDC_FDW_PG_H
#define IDC_FDW_PG_H

/* Before postgres.h: PostgreSQL 15 marks exported functions with nothing, and we build hidden. */
#define PGDLLEXPORT __attribute__((visibility("default")))

#include <postgres.h>

#include <fmgr.h>
#if PG_VERSION_NUM >= 160000
#include <varatt.h>
#endif

#if PG_VERSION_NUM < 150000
#error "instant_fdw needs PostgreSQL 15 or later"
#endif

/* PG_FUNCTION_INFO_V1 that exports the function too: PostgreSQL 15 does so for its description
 * only. */
#define FDW_SQL_FUNCTION(name)                                                                     \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
    PG_FUNCTION_INFO_V1(name)

/* PostgreSQL 17 gave the kept search path of a plan another name. */
#if PG_VERSION_NUM >= 170000
#define fdw_search_path_is_current(path) SearchPathMatchesCurrentEnvironment(path)
#else
#define fdw_search_path_is_current(path) OverrideSearchPathMatchesCurrent(path)
#endif

#endif
