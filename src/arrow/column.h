/*
 * column.h - what a column of a result is, and how PostgreSQL's binary values become Arrow.
 *
 * In:   IdcColumnSpec (from hub/describe.c) and values in PostgreSQL's binary send format
 * Out:  ArrowSchema, and one ArrowArray (a struct: the record batch) per finished batch
 * Next: hub/result.c makes an ArrowArrayStream of them
 *
 * The mapping of every PostgreSQL type is docs/reference/types.md; formats of the binary values are
 * PostgreSQL 15's xxx_send functions (src/backend/utils/adt).
 */
#ifndef IDC_ARROW_COLUMN_H
#define IDC_ARROW_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrow/abi.h"
#include "base/error.h"

typedef enum IdcColumnKind {
    IDC_KIND_BOOL,   /* bool                                   -> bool */
    IDC_KIND_INT16,  /* int2 */
    IDC_KIND_INT32,  /* int4 */
    IDC_KIND_INT64,  /* int8 */
    IDC_KIND_UINT32, /* oid, xid, cid */
    IDC_KIND_UINT64, /* xid8 */
    IDC_KIND_FLOAT32,
    IDC_KIND_FLOAT64,
    IDC_KIND_NUMERIC_FLOAT64, /* numeric -> float64, correctly rounded; NaN and infinities kept */
    IDC_KIND_NUMERIC_DECIMAL, /* numeric(p<=38, s) -> decimal128(p, s) */
    IDC_KIND_NUMERIC_STRING,  /* numeric -> its exact text as numeric_out prints it -> large_utf8 */
    IDC_KIND_TEXT, /* text, varchar, bpchar, name, "char", json, xml…, anything sent as its text ->
                      large_utf8 */
    IDC_KIND_JSONB,       /* one version byte, then text            -> large_utf8 */
    IDC_KIND_BYTES,       /* bytea                                  -> large_binary */
    IDC_KIND_DATE,        /* date -> date32; infinity unrepresentable */
    IDC_KIND_TIME,        /* time -> time64[us]; 24:00:00 unrepresentable */
    IDC_KIND_TIMESTAMP,   /* timestamp -> timestamp[us] */
    IDC_KIND_TIMESTAMPTZ, /* timestamptz -> timestamp[us, UTC] */
    IDC_KIND_INTERVAL,    /* interval -> interval_month_day_nano */
    IDC_KIND_UUID,        /* uuid -> 36 characters, large_utf8 */
    IDC_KIND_ENUM,        /* enum -> dictionary<int32, utf8>, labels in the enum's order */
    IDC_KIND_HSTORE,      /* hstore -> map<utf8, utf8> */
    IDC_KIND_LIST         /* array -> list<...> nested `dimensions` deep */
} IdcColumnKind;

/*
 * One column (or the element of an array). Borrowed by readers: it must outlive them. `type_name`
 * is PostgreSQL's format_type text; it travels as field metadata "postgresql:type".
 */
typedef struct IdcColumnSpec {
    const char *name;
    const char *type_name;
    IdcColumnKind kind;
    int precision, scale;      /* NUMERIC_DECIMAL */
    const char *const *labels; /* ENUM, in order */
    size_t label_count;
    bool can_be_dictionary; /* TEXT: dictionary<int32, large_utf8> where values repeat (ipc.h) */
    int dimensions;         /* LIST: 1 or more */
    const struct IdcColumnSpec *element; /* LIST: its kind is not LIST */
} IdcColumnSpec;

typedef struct IdcBatchOptions {
    int64_t batch_rows;        /* a batch ends after so many rows */
    int64_t first_batch_rows;  /* the first one after so many, each next after twice as many as the
                                  one before, until batch_rows; 0: all after batch_rows */
    int64_t batch_bytes;       /* or about so many bytes of buffers */
    bool single_batch;         /* never ends by itself: one growing chunk a column */
    bool fail_unrepresentable; /* an error instead of NULL + count */
    bool is_wire; /* between a source process and its hub: every value of PostgreSQL's is kept, in
                     a form of our own where Arrow has none (decode.h) */
} IdcBatchOptions;

typedef struct IdcBatchBuilder IdcBatchBuilder;

/* The schema of a record batch of these columns (a struct, as a stream's get_schema returns). */
IDC_CHECKED IdcStatus idc_columns_schema(const IdcColumnSpec *specs, size_t count,
                                         struct ArrowSchema *schema, IdcError *err);

IDC_CHECKED IdcStatus idc_batch_builder_new(const IdcColumnSpec *specs, size_t count,
                                            const IdcBatchOptions *options,
                                            IdcBatchBuilder **builder, IdcError *err);
void idc_batch_builder_free(IdcBatchBuilder *builder);

/* Append the binary value of the column, left to right; len -1 is NULL. */
IDC_CHECKED IdcStatus idc_batch_append(IdcBatchBuilder *builder, size_t column,
                                       const uint8_t *value, int32_t len, IdcError *err);
/* After the last column of each row. */
void idc_batch_end_row(IdcBatchBuilder *builder);

/*
 * One row as COPY (FORMAT binary) sends it: a field count (int16), then length (int32) and bytes of
 * each field. This is the hot path. Errors name column, type and row, never the value.
 */
IDC_CHECKED IdcStatus idc_batch_append_copy_row(IdcBatchBuilder *builder, const uint8_t *row,
                                                size_t len, IdcError *err);

bool idc_batch_is_full(const IdcBatchBuilder *builder);
int64_t idc_batch_row_count(const IdcBatchBuilder *builder);
/* Values that became NULL because Arrow cannot hold them, since the builder was made. */
int64_t idc_batch_unrepresentable_count(const IdcBatchBuilder *builder);

/* Move the rows so far out as a record batch (may have zero rows); the builder goes on empty. */
IDC_CHECKED IdcStatus idc_batch_finish(IdcBatchBuilder *builder, struct ArrowArray *batch,
                                       IdcError *err);

/*
 * Decide for each column with can_be_dictionary, by the rows so far, whether it is one; before the
 * schema is told to anybody. Columns that are not become plain text from here on.
 */
IDC_CHECKED IdcStatus idc_batch_settle_dictionaries(IdcBatchBuilder *builder, IdcError *err);

/* True if the column is written as numbers of a dictionary: an enum, or text that repeats. */
bool idc_batch_column_is_dictionary(const IdcBatchBuilder *builder, size_t column);

/* Forget the rows so far, keep the memory. */
void idc_batch_clear(IdcBatchBuilder *builder);

#endif
