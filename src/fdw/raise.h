/*
 * raise.h - our errors as PostgreSQL's.
 */
#ifndef IDC_FDW_RAISE_H
#define IDC_FDW_RAISE_H

#include "fdw/pg.h"

#include "base/error.h"

/* ereport(ERROR) with the SQLSTATE (or the one that fits the status), message and hint. */
extern void fdw_raise(const IdcError *err) __attribute__((noreturn));

/* Raise unless the status is IDC_OK. */
static inline void
fdw_check(IdcStatus status, const IdcError *err)
{
    if (unlikely(status != IDC_OK))
        fdw_raise(err);
}

#endif
