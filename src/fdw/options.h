/*
 * options.h - the options of instant.arrow_with.
 *
 * In:   a jsonb object such as {"numeric": "float64", "batch_rows": 1000}
 * Out:  FdwOptions
 * Next: fdw/arrow.c
 */
#ifndef IDC_FDW_OPTIONS_H
#define IDC_FDW_OPTIONS_H

#include "fdw/pg.h"

#include "arrow/ipc.h"
#include "fdw/columns.h"
#include <utils/jsonb.h>

typedef struct FdwOptions {
    FdwNumeric numeric;
    IdcIpcCompression compression;
    bool small_offsets;
    bool can_be_dictionary;
    bool fail_unrepresentable;
    int64 batch_rows;
    int64 batch_bytes;
    int64 first_batch_rows; /* at most batch_rows */
} FdwOptions;

/*
 * json may be NULL: every option has its default then. An unknown key or a value that an option
 * does not take raises an error that names it.
 */
extern void fdw_options_read(Jsonb *json, FdwOptions *options);

#endif
