/*
 * pg.h - PostgreSQL's headers for every file of this folder, included first, and what differs
 * between PostgreSQL 15 and later versions.
 */
#ifndef IDC_FDW_PG_H
#define IDC_FDW_PG_H

/* Before postgres.h: PostgreSQL 15 marks exported functions with nothing, and we build hidden. */
#define PGDLLEXPORT __attribute__((visibility("default")))

#include "postgres.h"

#include "fmgr.h"

#endif
