/*
 * builder.h - a column that grows: what column.h hides. Private to this folder.
 *
 * In:   values in PostgreSQL's binary send format
 * Out:  buffers that builder.c hands over as ArrowArrays
 */
#ifndef IDC_ARROW_BUILDER_H
#define IDC_ARROW_BUILDER_H

#include <endian.h>
#include <string.h>

#include "arrow/column.h"
#include "base/text.h"

/* What became of one value. Decoders know no names: decode.c turns this into an IdcError. */
typedef enum IdcDecoded {
    IDC_DECODED,
    IDC_DECODED_UNREPRESENTABLE, /* nothing was appended: the caller appends NULL */
    IDC_DECODED_MALFORMED,
    IDC_DECODED_DIMENSIONS,   /* an array of another depth; IdcColumn.found_dimensions says which */
    IDC_DECODED_DOES_NOT_FIT, /* a numeric that its declared precision and scale cannot hold */
    IDC_DECODED_TOO_MANY,     /* more entries in one batch than int32 offsets can count */
    IDC_DECODED_NO_MEMORY
} IdcDecoded;

typedef struct IdcDictionarySlot {
    int32_t number; /* of a label, or -1 */
    uint32_t hash;
} IdcDictionarySlot;

/*
 * The labels of an enum column, or the texts of a column that repeats them, and where each one
 * stands; unknown ones are added at the end.
 */
typedef struct IdcDictionary {
    char *bytes;
    size_t bytes_len, bytes_capacity;
    int64_t *offsets; /* count + 1 of them */
    size_t count, capacity;
    IdcDictionarySlot *slots; /* open addressing; slot_count is a power of two */
    size_t slot_count;
    int32_t last;        /* the label of the value before: often the next one too */
    uint32_t generation; /* how many times it was begun again */
} IdcDictionary;

/* What all columns of a builder share. */
typedef struct IdcDecodeState {
    IdcText scratch; /* the text of a numeric */
    int64_t unrepresentable_count;
    int64_t dictionary_bytes; /* of texts that were new in the rows so far */
    bool fail_unrepresentable;
    bool is_wire;
    bool has_many_batches; /* the next one wants as much memory as this one: it may be the same */
} IdcDecodeState;

/*
 * Between calls: length <= capacity; validity is NULL until the first NULL and then has all bits
 * set that are not NULLs, also past length; offsets has capacity + 1 entries, of which length + 1
 * are valid. The bytes of a text column have IDC_BYTES_SLACK of room past bytes_len. A column of
 * kind TEXT that has a dictionary holds int32 numbers and neither offsets nor bytes.
 */
typedef struct IdcColumn {
    const IdcColumnSpec *spec; /* of the column, or of the element below a list */
    IdcColumnKind kind;
    int levels; /* LIST: how many lists there are from here to the element */
    int found_dimensions;
    size_t width; /* bytes of a value; 0: bits (BOOL) or offsets */
    int64_t length, capacity, null_count;
    uint8_t *validity;
    uint8_t *values;
    int64_t *offsets;
    size_t bytes_len, bytes_capacity;
    size_t length_hint, bytes_hint; /* what the batch before needed: the next one begins so big */
    struct IdcColumn *children[2];  /* LIST: items; HSTORE: keys, values */
    IdcDictionary *dictionary;      /* ENUM; TEXT while its values repeat */
    bool is_settled;                /* TEXT: its encoding is told to others and stays */
    IdcDecodeState *state;          /* the builder's */
} IdcColumn;

#define IDC_BYTES_SLACK 32

struct IdcBatchBuilder {
    IdcColumn *columns;
    size_t column_count;
    int64_t row_count, row_capacity;
    int64_t row_limit;   /* of this batch; 0: none */
    int64_t rows_hint;   /* rows of the batch before */
    int64_t rows_before; /* rows of the batches that are finished */
    int64_t bytes;       /* of the rows so far, about */
    int64_t row_bytes;   /* of the fixed part of a row */
    bool is_broken;      /* a row failed: its columns have different lengths */
    IdcBatchOptions options;
    IdcDecodeState state;
};

/* buffers.c: room; false if out of memory (the column stays as it was). */
bool idc_column_grow(IdcColumn *column, int64_t extra);
bool idc_column_grow_bytes(IdcColumn *column, size_t extra);
bool idc_column_append_null(IdcColumn *column);

/* Ready for `extra` more values. */
static inline bool
idc_column_reserve(IdcColumn *column, int64_t extra)
{
    return extra <= column->capacity - column->length || idc_column_grow(column, extra);
}

/* Ready for `extra` more bytes and the slack. */
static inline bool
idc_column_reserve_bytes(IdcColumn *column, size_t extra)
{
    size_t room = column->bytes_capacity - column->bytes_len;

    return (room >= IDC_BYTES_SLACK && extra <= room - IDC_BYTES_SLACK) ||
           idc_column_grow_bytes(column, extra);
}

/* dictionary.c: the number of a text, for a column with a dictionary. */
bool idc_column_append_label(IdcColumn *column, const void *bytes, size_t len);

/* One text value; there must be room for one more value. readable: bytes that may be read there. */
static inline bool
idc_column_append_text(IdcColumn *column, const void *bytes, size_t len, size_t readable)
{
    uint8_t *end;

    if (column->dictionary != NULL)
        return idc_column_append_label(column, bytes, len);
    if (!idc_column_reserve_bytes(column, len))
        return false;
    end = column->values + column->bytes_len;
    /* A copy of a known size is two instructions, a call of memcpy is far more. */
    if (len <= IDC_BYTES_SLACK && readable >= IDC_BYTES_SLACK)
        memcpy(end, bytes, IDC_BYTES_SLACK);
    else if (len > 0)
        memcpy(end, bytes, len);
    column->bytes_len += len;
    column->length++;
    column->offsets[column->length] = (int64_t) column->bytes_len;
    return true;
}

/* Finish: the column's values as an array; the column is empty afterwards, also on failure. */
bool idc_column_finish(IdcColumn *column, struct ArrowArray *array);
bool idc_column_init(IdcColumn *column, const IdcColumnSpec *spec, int levels,
                     IdcDecodeState *state);
void idc_column_done(IdcColumn *column);
void idc_column_clear(IdcColumn *column); /* forget the values, keep the memory */
/* An empty column of kind TEXT holds numbers of texts from here on, or its texts as they are. */
bool idc_column_begin_dictionary(IdcColumn *column);
bool idc_column_end_dictionary(IdcColumn *column);

/* array.c: an array that owns its buffers (of base/buffer.h, NULL allowed) and children. */
bool idc_array_init(struct ArrowArray *array, int64_t length, int64_t null_count,
                    int64_t buffer_count, int64_t child_count);
/* The buffer is the array's from here on. */
void idc_array_give_buffer(struct ArrowArray *array, int64_t i, void *buffer);
bool idc_array_add_dictionary(struct ArrowArray *array, struct ArrowArray *dictionary);

/* decode.c: one value of any kind; there must be room for it. */
IdcDecoded idc_column_append_value(IdcColumn *column, const uint8_t *value, size_t len);

/*
 * decode.c: the row at the beginning of bytes; *used says where the next begins. Errors as
 * idc_batch_append_copy_row.
 */
IDC_CHECKED IdcStatus idc_batch_append_copy_prefix(IdcBatchBuilder *builder, const uint8_t *bytes,
                                                   size_t len, size_t *used, IdcError *err);

/* builder.c */
bool idc_batch_grow_rows(IdcBatchBuilder *builder);

/* dictionary.c */
IdcDictionary *idc_dictionary_new(const char *const *labels, size_t count);
void idc_dictionary_free(IdcDictionary *dictionary);
IdcDecoded idc_dictionary_find(IdcDictionary *dictionary, const char *label, size_t len,
                               int32_t *number);
/* All labels: large_utf8, or utf8, where there must not be 2 GiB of them. */
bool idc_dictionary_array(const IdcDictionary *dictionary, bool is_large, struct ArrowArray *array);
/* Forget all labels if there are too many to keep: only where no value refers to one. */
void idc_dictionary_limit(IdcDictionary *dictionary);

/* decode_nested.c */
IdcDecoded idc_decode_list(IdcColumn *column, const uint8_t *value, size_t len);
IdcDecoded idc_decode_hstore(IdcColumn *column, const uint8_t *value, size_t len);

static inline uint16_t
idc_be16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof value);
    return be16toh(value);
}

static inline uint32_t
idc_be32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

static inline uint64_t
idc_be64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return be64toh(value);
}

#endif
