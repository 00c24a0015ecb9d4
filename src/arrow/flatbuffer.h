/*
 * flatbuffer.h - a writer for the few flatbuffers that Arrow's IPC needs.
 *
 * In:   tables, vectors and texts, parents before their children
 * Out:  heads of messages one after the other, in memory that is kept for the next ones
 *
 * Offsets in a flatbuffer point forward (a table's vtable excepted), so it is written from front to
 * back, and the slot of a child is filled when the child is written. Each message begins at a
 * multiple of 8, and must do so wherever it ends up.
 *
 * Format: https://flatbuffers.dev/internals/
 */
#ifndef IDC_ARROW_FLATBUFFER_H
#define IDC_ARROW_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDC_FLAT_FIELDS = 8 }; /* the most fields that a table of ours has */

/*
 * Appending never fails on the spot: where memory runs out, or 1 GiB is not enough, is_broken is
 * set and all further calls do nothing.
 */
typedef struct IdcFlat {
    uint8_t *bytes;
    size_t len, capacity;
    bool is_broken;
} IdcFlat;

/* Where the fields of a table are; 0 for one that is absent. */
typedef struct IdcFlatTable {
    size_t fields[IDC_FLAT_FIELDS];
} IdcFlatTable;

/* Memory is zeroed first: { 0 } is an empty one. */
void idc_flat_done(IdcFlat *flat);

/* Forget what was written, keep the memory. */
void idc_flat_clear(IdcFlat *flat);

/*
 * The head of a message: a continuation, the flatbuffer's length (set by idc_flat_end) and a slot
 * for its root table; returns where the message begins. The slot is IDC_FLAT_ROOT further.
 */
enum { IDC_FLAT_ROOT = 8 };
size_t idc_flat_begin(IdcFlat *flat);
void idc_flat_end(IdcFlat *flat, size_t message);

/*
 * A table for the slot at `slot`. sizes: a character a field, in the schema's order, '1', '2', '4'
 * or '8' bytes wide ('4' also for what is elsewhere: texts, vectors, tables) or '-' for absent; all
 * fields are zero until set.
 */
IdcFlatTable idc_flat_table(IdcFlat *flat, size_t slot, const char *sizes);

/* A number at a position; what is too big for its size is cut off. */
void idc_flat_set(IdcFlat *flat, size_t at, size_t size, int64_t value);

void idc_flat_text(IdcFlat *flat, size_t slot, const char *text, size_t len);

/* A vector of `count` zeroed elements, aligned to `align` (4 or 8): the position of the first. */
size_t idc_flat_vector(IdcFlat *flat, size_t slot, size_t count, size_t size, size_t align);

#endif
