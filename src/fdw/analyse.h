/*
 * analyse.h - from a query's text to an analysed statement that may be run.
 *
 * In:   the text and the types of the arguments
 * Out:  a CachedPlanSource of the server, not yet planned
 * Next: fdw/plan_cache.c keeps and plans it
 */
#ifndef IDC_FDW_ANALYSE_H
#define IDC_FDW_ANALYSE_H

#include "fdw/arguments.h"

#include <utils/plancache.h>

/*
 * Raises an error unless the text is one query that only reads and has as many parameters as there
 * are arguments. The source is of the current context and not saved. *is_timeless says whether the
 * same text means the same in a later transaction: 'now' and 'today' as literals do not.
 */
extern CachedPlanSource *fdw_analyse(const char *text, const FdwArguments *arguments,
                                     int cursor_options, bool *is_timeless);

#endif
