/*
 * run.h - a query, once for every row of its parameters, as one Arrow stream.
 */
#ifndef INSTANT_ADBC_RUN_H
#define INSTANT_ADBC_RUN_H

#include "adbc/driver.h"
#include "adbc/parameters.h"
#include "adbc/table.h"

/* Everything is copied, except rows, which are taken over (and closed) whatever happens. */
typedef struct AdbcRun {
    AdbcSession *session;
    const void *owner; /* whose cancel ends it */
    const char *sql;
    const AdbcOptions *options;
    AdbcRows *rows; /* NULL: no parameters, one run */
} AdbcRun;

/* The rows of all runs, one after the other; *affected: what a statement without rows changed, else
 * -1. */
AdbcStatusCode idc_adbc_run_stream(const AdbcRun *run, struct ArrowArrayStream *stream,
                                   int64_t *affected, struct AdbcError *error);
/* The same, to the end, with the rows thrown away; *affected: of all runs. */
AdbcStatusCode idc_adbc_run_all(const AdbcRun *run, int64_t *affected, struct AdbcError *error);

/* The error behind a failed get_next of a stream of this driver; NULL where there is none. */
const struct AdbcError *idc_adbc_run_error(struct ArrowArrayStream *stream, AdbcStatusCode *code);

#endif
