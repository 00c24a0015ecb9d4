/*
 * gather.h - arrays behind one another: what ipc.h's gather is made of. Private to this folder.
 *
 * gather.c walks batches and types, gather_column.c grows one column, gather_dictionary.c joins
 * dictionaries by value, gather_concat.c puts arrays of one type behind one another. A PostgreSQL
 * backend links all but gather.c.
 */
#ifndef IDC_ARROW_GATHER_H
#define IDC_ARROW_GATHER_H

#include "arrow/ipc.h"
#include "arrow/ipc_layout.h"

typedef struct GatherDictionary GatherDictionary;

/*
 * Between calls: each buffer has room for `capacity` values; validity is NULL until the first NULL
 * and then has all bits set that are not NULLs, also past length; offsets (of out_width bytes) has
 * length + 1 valid entries.
 */
typedef struct GatherColumn {
    const IdcLayout *layout;
    unsigned out_width; /* of offsets, or of indices */
    int64_t length, capacity, null_count;
    uint8_t *validity;
    uint8_t *values; /* FIXED and BITS; the bytes of BYTES */
    size_t bytes_len, bytes_capacity;
    uint8_t *offsets;
    struct GatherColumn *children; /* layout->child_count of them */
    GatherDictionary *dictionary;
} GatherColumn;

/* keeps_types: offsets stay as narrow as they are (and IDC_UNSUPPORTED where that is too narrow) */
bool idc_gather_column_init(GatherColumn *column, const IdcLayout *layout, bool keeps_types);
void idc_gather_column_done(GatherColumn *column);
/* Rows from .. from + count of the array, counted from its offset. */
IDC_CHECKED IdcStatus idc_gather_column_append(GatherColumn *column, const struct ArrowArray *array,
                                               int64_t from, int64_t count, IdcError *err);
/* The column is empty after, also on failure, where array->release is NULL or to be called. */
bool idc_gather_column_finish(GatherColumn *column, struct ArrowArray *array);

/* Room for count values (of bytes: for bytes too); false: out of memory. */
bool idc_gather_column_reserve(GatherColumn *column, int64_t extra);

/* Dictionaries of lists, structs and the like are legal, but nobody has them: they are not joined.
 */
bool idc_gather_dictionary_can_join(const IdcLayout *values);
/* values: the layout of what the indices mean; false from ..._can_join is the caller's mistake. */
GatherDictionary *idc_gather_dictionary_new(const IdcLayout *values);
void idc_gather_dictionary_free(GatherDictionary *dictionary);
/*
 * codes[i] becomes where value i of the array is now, for array->length of them; what is new is put
 * at the end.
 */
IDC_CHECKED IdcStatus idc_gather_dictionary_join(GatherDictionary *dictionary,
                                                 const struct ArrowArray *values, int32_t *codes,
                                                 IdcError *err);
bool idc_gather_dictionary_finish(GatherDictionary *dictionary, struct ArrowArray *array);

/* gather_concat.c: all parts as one array of the same type, which owns its memory. */
IDC_CHECKED IdcStatus idc_arrays_concat(const struct ArrowSchema *type,
                                        const struct ArrowArray *const *parts, size_t count,
                                        struct ArrowArray *joined, IdcError *err);

/* gather_bits.c: count bits from one place to another; those around them stay. */
void idc_bits_copy(uint8_t *target, int64_t target_bit, const uint8_t *source, int64_t source_bit,
                   int64_t count);
int64_t idc_bits_count(const uint8_t *bits, int64_t from, int64_t count);

#endif
