/*
 * rows.h - the body of an answer, in pieces, as rows of a batch builder.
 *
 * In:   bytes of JSON, NDJSON (or JSON text sequences), or CSV, cut anywhere
 * Out:  rows; and a few values beside them, for the next page
 * Next: the builder's batches
 *
 * Memory is bounded by a row: of the document nothing is kept but what is captured.
 *
 *     idc_rows_new(arena, &options, columns, count, &rows, err)
 *     for each page
 *         idc_rows_begin(rows)
 *         for each piece: idc_rows_feed(…) until all of it is consumed; when *is_full, send the
 *                         batch (idc_batch_finish) and feed the rest of the piece
 *         idc_rows_finish(rows, builder, err)
 *         idc_rows_captured(rows, i)
 */
#ifndef IDC_ADAPTERS_COMMON_ROWS_H
#define IDC_ADAPTERS_COMMON_ROWS_H

#include "adapters/common/csv.h"
#include "adapters/common/json.h"
#include "adapters/common/value.h"
#include "arrow/column.h"
#include "base/arena.h"

typedef enum IdcRowsFormat { IDC_ROWS_JSON, IDC_ROWS_NDJSON, IDC_ROWS_CSV } IdcRowsFormat;

#define IDC_ROWS_ABSENT "@absent"

/* A column of the builder. */
typedef struct IdcRowsColumn {
    const char *name;  /* for messages */
    IdcValueForm form; /* its type, and how values are written */
    /*
     * JSON: a path (path.h) from the row; "" or "$" is the row itself; "@key", with object_values,
     * the member's name. CSV: the name in the header, or the position, from 1, where there is none.
     * NULL: the member (CSV: the column of the header) called name; where CSV has no header: the
     * position in this array. IDC_ROWS_ABSENT: no answer holds it, so it is NULL.
     */
    const char *path;
} IdcRowsColumn;

typedef struct IdcRowsCapture {
    const char *path; /* from the document's root; or from the row, of the last one that was read */
    bool is_of_row;   /* for keyset pagination */
} IdcRowsCapture;

typedef struct IdcRowsCaptured {
    IdcJsonKind kind; /* ARRAY, OBJECT: it was no scalar, and has no text */
    const char *text; /* NUL-terminated; of a string: what it means; else as it stands */
    size_t len;
} IdcRowsCaptured;

typedef struct IdcRowsOptions {
    IdcRowsFormat format;
    /*
     * JSON: where the rows are (path.h); NULL or "": the document itself. An array's elements are
     * rows, an object is one row (or its members' values are, with object_values), null is none.
     */
    const char *path;
    bool object_values;
    bool missing_is_empty; /* nothing at path: no rows instead of an error */
    bool on_error_null;    /* a value that does not fit its type: NULL instead of an error */
    int64_t *nulled;       /* where these are counted (stats.nulled), or NULL */
    int64_t row_limit;     /* no more rows than that, of all documents; 0: no limit */
    size_t max_row_bytes;  /* 0: 64 MiB */
    int max_depth;         /* of a JSON document; 0: 128; at most IDC_JSON_MAX_DEPTH */
    const IdcRowsCapture *captures; /* JSON */
    size_t capture_count;
    IdcCsvOptions csv;
} IdcRowsOptions;

typedef struct IdcRows IdcRows;

/*
 * All strings of options and columns are copied. What rows holds beside the arena's memory is freed
 * with the arena. IDC_BAD_VALUE: a path is none, or does not go with the format.
 */
IDC_CHECKED IdcStatus idc_rows_new(IdcArena *arena, const IdcRowsOptions *options,
                                   const IdcRowsColumn *columns, size_t column_count,
                                   IdcRows **rows, IdcError *err);

/* A document begins; whatever was read of another one is forgotten, also its captured values. */
void idc_rows_begin(IdcRows *rows);

/*
 * Append the rows that are complete with these bytes. *consumed < len only where the builder is
 * full (*is_full): give the rest again when it has room. A row or value that is wrong ends the
 * document; the message says "row N, column …" or where in the document, never a value. Wrong
 * values have the SQLSTATEs of PostgreSQL's input functions, wrong documents 22032 (JSON) or 22P04.
 */
IDC_CHECKED IdcStatus idc_rows_feed(IdcRows *rows, const char *bytes, size_t len,
                                    IdcBatchBuilder *builder, size_t *consumed, bool *is_full,
                                    IdcError *err);

/* The document ended here: an error if it is cut. May append one last row (NDJSON and CSV without a
 * line end), also to a full builder. */
IDC_CHECKED IdcStatus idc_rows_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err);

/* row_limit is reached: what follows is not looked at, and neither are later documents. */
bool idc_rows_is_done(const IdcRows *rows);

int64_t idc_rows_count(const IdcRows *rows); /* of this document */
int64_t
idc_rows_duplicates(const IdcRows *rows); /* wanted members that came twice: the last wins */

/* By number in options.captures; good until idc_rows_begin. Of a cut document: what came so far. */
IdcRowsCaptured idc_rows_captured(const IdcRows *rows, size_t i);

#endif
