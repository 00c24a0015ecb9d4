/*
 * wire.h - how numbers, texts and trees become bytes and come back, within relation/ only.
 *
 * In:   bytes that nobody has checked
 * Out:  values in an arena, never more memory than a small multiple of the bytes
 *
 * Writing appends to an IdcText. Reading never fails on the spot: the first thing that is wrong is
 * kept in the reader, from then on every number is 0, every text NULL and every count 0, and
 * idc_wire_finish says it once at the end. All numbers are little-endian. A text is its length + 1
 * and its bytes; a length of 0 is NULL.
 */
#ifndef IDC_RELATION_WIRE_H
#define IDC_RELATION_WIRE_H

#include "relation/message.h"
#include "relation/relation.h"

typedef struct IdcWire {
    IdcArena *arena;
    const uint8_t *bytes;
    size_t at, len;
    int depth; /* of the node that is being read */
    IdcStatus status;
    IdcError *err;
} IdcWire;

void idc_wire_init(IdcWire *wire, IdcArena *arena, const void *bytes, size_t len, IdcError *err);
/* Everything was read, nothing is left over and nothing was wrong. what: "relation". */
IDC_CHECKED IdcStatus idc_wire_finish(IdcWire *wire, const char *what);
/* Keep the first thing that is wrong. */
void idc_wire_fail(IdcWire *wire, const char *what);

uint8_t idc_wire_get_u8(IdcWire *wire);
uint32_t idc_wire_get_u32(IdcWire *wire);
/* What was written as uint64 but must not be above INT64_MAX, nor below least. */
int64_t idc_wire_get_int64(IdcWire *wire, int64_t least);
bool idc_wire_get_bool(IdcWire *wire);
/* A byte below count. */
int idc_wire_get_enum(IdcWire *wire, int count);
/* A number of things that take at least item_bytes each: no more than can be there. */
size_t idc_wire_get_count(IdcWire *wire, size_t item_bytes);
/* An array of the arena; NULL for a count of 0, or when there is no memory (then it has failed). */
void *idc_wire_array(IdcWire *wire, size_t count, size_t size);
/* Valid UTF-8 without NUL, copied; or NULL. */
const char *idc_wire_get_text(IdcWire *wire);
/* The same, but NULL is wrong. */
const char *idc_wire_need_text(IdcWire *wire);
const char *const *idc_wire_get_texts(IdcWire *wire, size_t *count);
/* Any bytes, borrowed from the input. */
const char *idc_wire_get_raw(IdcWire *wire, size_t *len);
void idc_wire_get_options(IdcWire *wire, IdcOptionSet *options);

void idc_wire_put_u8(IdcText *bytes, unsigned value);
void idc_wire_put_u32(IdcText *bytes, uint32_t value);
void idc_wire_put_int64(IdcText *bytes, int64_t value);
void idc_wire_put_text(IdcText *bytes, const char *text);
void idc_wire_put_texts(IdcText *bytes, const char *const *texts, size_t count);
void idc_wire_put_options(IdcText *bytes, const IdcOptionSet *options);

/* Parts of messages (serial.c); what is read was checked only for its shape. */
void idc_wire_put_relation(IdcText *bytes, const IdcRelation *relation);
const IdcRelation *idc_wire_get_relation(IdcWire *wire);
void idc_wire_put_values(IdcText *bytes, const IdcValue *values, size_t count);
const IdcValue *idc_wire_get_values(IdcWire *wire, size_t *count);
void idc_wire_get_stats(IdcWire *wire, IdcScanStats *stats);
void idc_wire_put_transaction(IdcText *bytes, const IdcTransaction *transaction);
void idc_wire_get_transaction(IdcWire *wire, IdcTransaction *transaction);
void idc_wire_put_type(IdcText *bytes, IdcType type);
IdcType idc_wire_get_type(IdcWire *wire);

#endif
