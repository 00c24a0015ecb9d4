/*
 * relay.h - record batches of a source process that instant.arrow passes on as they are.
 *
 * In:   a plan that is one scan of ours, and the columns of the result
 * Out:  the scan's batches, laid out as the result's
 * Next: fdw/arrow.c
 *
 * A source process is not trusted: a batch is passed on only if its columns have the types that
 * were asked for and each value is the one that conversion to a tuple and back would make of it.
 * Every other batch is read row by row, and what is wrong in it is said there.
 */
#ifndef IDC_FDW_RELAY_H
#define IDC_FDW_RELAY_H

#include "fdw/pg.h"

#include <nodes/execnodes.h>

#include "fdw/options.h"

typedef struct FdwRelay FdwRelay;

/*
 * NULL: the rows of the plan have to be read one by one. specs: of the result's columns. Memory is
 * of the current context, and lives as long as the plan's state. Before the first row.
 */
extern FdwRelay *fdw_relay_new(PlanState *plan, const IdcColumnSpec *specs, size_t count,
                               const FdwOptions *options);

/* Rows of the plan that belong to a batch which cannot be passed on: they come first. */
extern bool fdw_relay_has_rows(const FdwRelay *relay);

/*
 * Waits for a batch and returns it, and its message as fdw_scan_take_batch does; good until the
 * next call. NULL: rows come next, or the end.
 */
extern const struct ArrowArray *fdw_relay_next(FdwRelay *relay, uint8_t **bytes, size_t *len);

#endif
