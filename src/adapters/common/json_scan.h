/*
 * json_scan.h - a JSON document that arrives in pieces, value by value.
 *
 * In:   bytes, cut anywhere
 * Out:  events: a key, a value that begins, a container that ends
 * Next: rows_json.c decides for each value whether to go into it, to pass over it, or to read it
 *
 * It keeps nothing of the document but the kinds of the open containers and the key before a value.
 */
#ifndef IDC_ADAPTERS_COMMON_JSON_SCAN_H
#define IDC_ADAPTERS_COMMON_JSON_SCAN_H

#include <stdint.h>

#include "adapters/common/json.h"

typedef enum IdcJsonEvent {
    IDC_JSON_MORE,   /* the bytes are used up */
    IDC_JSON_KEY,    /* scan->key has it as it was written, unless it is longer than key_limit */
    IDC_JSON_VALUE,  /* a value begins at `at`, its first byte is right: enter, pass or take it */
    IDC_JSON_PASSED, /* the value that was to be passed over has ended */
    IDC_JSON_END,    /* the container that was entered has ended */
    IDC_JSON_FAILED  /* the document is wrong at `at`: reason */
} IdcJsonEvent;

typedef struct IdcJsonScan {
    bool is_stream; /* any number of values, each on lines of its own or behind a byte 0x1E */
    int max_depth;
    size_t key_limit; /* longer keys are not kept */

    int depth; /* of open containers */
    int state; /* of this file's own */
    bool is_passing;
    bool is_line_begun; /* of a stream: a value stands on this line */
    int pass_depth;
    int part; /* of a token: how far it came */
    int more; /* bytes of a UTF-8 sequence, digits of \u, that are missing */
    uint8_t low, high;
    const char *word;                           /* the rest of a literal */
    uint8_t containers[IDC_JSON_MAX_DEPTH / 8]; /* a bit each: 1 is an object */
    IdcText key;
    bool is_key_kept;
    bool is_key_escaped;
    const char *reason;
} IdcJsonScan;

/* Ready for a document; keeps the memory and the options of the one before. */
void idc_json_scan_begin(IdcJsonScan *scan);
void idc_json_scan_done(IdcJsonScan *scan);

/* Go on from *at to the next event; *at moves behind what belongs to it. */
IdcJsonEvent idc_json_scan_next(IdcJsonScan *scan, const char **at, const char *end);

/*
 * One of these answers each IDC_JSON_VALUE (until then, it comes again). enter: an object or array;
 * *at moves into it. pass: the value is checked and not told of. take: the caller read it, and *at
 * is behind it.
 */
bool idc_json_scan_enter(IdcJsonScan *scan, const char **at); /* false: too deep; FAILED is next */
void idc_json_scan_pass(IdcJsonScan *scan);
void idc_json_scan_take(IdcJsonScan *scan);

/*
 * The document ends here. PASSED: a number ended with it, then ask again. MORE: all is well.
 * FAILED: it is cut off.
 */
IdcJsonEvent idc_json_scan_finish(IdcJsonScan *scan);

static inline bool
idc_json_scan_in_object(const IdcJsonScan *scan)
{
    return scan->depth > 0 &&
           (scan->containers[(scan->depth - 1) / 8] >> ((scan->depth - 1) % 8) & 1) != 0;
}

#endif
