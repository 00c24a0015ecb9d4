/*
 * rows_parts.h - what the files rows*.c share. Private to them.
 */
#ifndef IDC_ADAPTERS_COMMON_ROWS_PARTS_H
#define IDC_ADAPTERS_COMMON_ROWS_PARTS_H

#include <string.h>

#include "adapters/common/json_row.h"
#include "adapters/common/json_scan.h"
#include "adapters/common/rows.h"
#include "arrow/decode.h"

#define IDC_ROW_BYTES ((size_t) 64 << 20)
#define IDC_CAPTURE_BYTES ((size_t) 64 << 10)

typedef struct IdcRowsPlace {
    IdcPathNode *node; /* what is wanted below the container that is open there */
    int64_t index;     /* of the next element */
} IdcRowsPlace;

typedef struct IdcRowsValue {
    IdcJsonKind kind;
    IdcText text;
} IdcRowsValue;

typedef enum IdcRowsKeeping { IDC_KEEP_NOTHING, IDC_KEEP_ROW, IDC_KEEP_CAPTURE } IdcRowsKeeping;

/*
 * JSON. places[d] is of the container at depth d + 1. While keeping, the bytes of a value that is
 * cut by the end of a piece are collected in kept. Numbers of targets: in `root`, captures, then
 * capture_count for the rows; in the row's tree columns, then captures of rows.
 */
typedef struct IdcRowsJson {
    IdcJsonScan scan;
    IdcJsonRow row;
    IdcPathNode *root;
    IdcPathNode *coming; /* the node of the value behind a key, or of the document */
    IdcRowsPlace *places;
    int rows_depth; /* of the container of rows, while it is open; else 0 */
    bool is_found;
    IdcRowsKeeping keeping;
    IdcPathNode *kept_node;
    IdcText kept;
    IdcText key; /* object_values: the key of the row */
    size_t *key_columns, key_column_count;
    bool wants_scalars, wants_elements; /* some column is the row itself; an element of it */
} IdcRowsJson;

typedef struct IdcRowsCsv {
    IdcCsv *csv;
    int64_t *positions; /* of each column in a record */
    size_t width;       /* fields of a record, as the first one has them */
    bool has_width, has_header;
} IdcRowsCsv;

struct IdcRows {
    IdcRowsOptions options;
    IdcRowsColumn *columns;
    size_t column_count;
    IdcRowsValue *captured;
    int64_t row_count;   /* of this document */
    int64_t total_count; /* of all of them */
    int64_t offset;      /* bytes of this document before the piece */
    bool is_broken;
    IdcText scratch;
    IdcRowsJson json;
    IdcRowsCsv csv;
};

/* A row begins: room for it, and its number. */
IDC_CHECKED IdcStatus idc_rows_begin_row(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err);
/* What became of a value of a column: append NULL where nothing was appended, or fail. */
IDC_CHECKED IdcStatus idc_rows_settle(IdcRows *rows, IdcBatchBuilder *builder, size_t column,
                                      IdcFit fit, const IdcValueProblem *problem, IdcError *err);
void idc_rows_end_row(IdcBatchBuilder *builder, int64_t text_bytes);

static inline bool
idc_rows_is_absent(const IdcRowsColumn *column)
{
    return column->path != NULL && strcmp(column->path, IDC_ROWS_ABSENT) == 0;
}

/* rows_plan.c, rows_json.c */
IDC_CHECKED IdcStatus idc_rows_json_init(IdcArena *arena, IdcRows *rows, IdcError *err);
void idc_rows_json_done(IdcRows *rows);
void idc_rows_json_begin(IdcRows *rows);
IDC_CHECKED IdcStatus idc_rows_json_feed(IdcRows *rows, const char *bytes, size_t len,
                                         IdcBatchBuilder *builder, size_t *consumed, bool *is_full,
                                         IdcError *err);
IDC_CHECKED IdcStatus idc_rows_json_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err);

/* rows_csv.c */
IDC_CHECKED IdcStatus idc_rows_csv_init(IdcArena *arena, IdcRows *rows, IdcError *err);
void idc_rows_csv_done(IdcRows *rows);
void idc_rows_csv_begin(IdcRows *rows);
IDC_CHECKED IdcStatus idc_rows_csv_feed(IdcRows *rows, const char *bytes, size_t len,
                                        IdcBatchBuilder *builder, size_t *consumed, bool *is_full,
                                        IdcError *err);
IDC_CHECKED IdcStatus idc_rows_csv_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err);

#endif
