/*
 * result_arrow.h - results that the hub's extension sends as Arrow IPC.
 *
 * In:   a connection whose database has the extension, a query, its parameters
 * Out:  a result in mode RESULT_ARROW: each row of the answer is a piece of the IPC stream
 * Next: arrow/ipc.h reads the pieces, without copies
 */
#ifndef IDC_HUB_RESULT_ARROW_H
#define IDC_HUB_RESULT_ARROW_H

#include "hub/result_private.h"

/* Is this the way for the statement, by the options, the hub, and what is known of it? */
bool idc_arrow_is_wanted(const IdcResult *result, const IdcStatement *known,
                         const IdcSqlParameter *parameters, size_t parameter_count);

/*
 * Start the query, in one round trip, and read its schema. is_refused: nothing was executed, and
 * the statement may work without the extension.
 */
IDC_CHECKED IdcStatus idc_arrow_start(IdcResult *result, IdcCall *call,
                                      const IdcSqlParameter *parameters, size_t parameter_count,
                                      bool *is_refused, IdcError *err);

/* Read the next batch into result->ready, or the end; a single batch as a whole. */
IDC_CHECKED IdcStatus idc_arrow_read(IdcResult *result, int64_t *bytes, IdcError *err);

IDC_CHECKED IdcStatus idc_arrow_schema(const IdcResult *result, struct ArrowSchema *schema,
                                       IdcError *err);

#endif
