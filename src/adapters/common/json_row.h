/*
 * json_row.h - one JSON value in memory, read once: is it JSON, and where in it are the cells.
 *
 * In:   bytes that begin with a value
 * Out:  slices of them, one a column
 * Next: value.h
 *
 * Objects of an array tend to have the same keys in the same order: each node of the tree of paths
 * remembers them, and a key that is the expected one costs one comparison of bytes.
 */
#ifndef IDC_ADAPTERS_COMMON_JSON_ROW_H
#define IDC_ADAPTERS_COMMON_JSON_ROW_H

#include "adapters/common/json.h"
#include "adapters/common/json_bytes.h"
#include "adapters/common/path.h"

typedef struct IdcJsonCell {
    IdcJsonValue value;
    uint64_t row; /* that it belongs to */
} IdcJsonCell;

typedef struct IdcJsonRow {
    IdcPathNode *root; /* what is wanted, or NULL: nothing */
    IdcJsonCell *cells;
    uint64_t row;     /* one more for each that is read */
    IdcJsonKind kind; /* of the whole */
    int max_depth;
    int64_t duplicates; /* wanted members that came again in their object */
    IdcText key;        /* a key without its escapes */
    const char *failed_at, *reason;
} IdcJsonRow;

typedef enum IdcJsonRead {
    IDC_JSON_READ,
    IDC_JSON_CUT, /* right so far, but the bytes end */
    IDC_JSON_BAD, /* failed_at, reason */
    IDC_JSON_FULL /* out of memory */
} IdcJsonRead;

static inline const char *
idc_json_skip_blanks(const char *at, const char *end)
{
    while (at < end && idc_json_is_blank(*at))
        at++;
    return at;
}

/*
 * Read the value that begins at `at`, depth levels deep in its document. is_whole: nothing follows
 * end, so a number may end there. *after: behind the value.
 */
IdcJsonRead idc_json_row_read(IdcJsonRow *row, const char *at, const char *end, int depth,
                              bool is_whole, const char **after);

/* Of the row that was read last. */
static inline IdcJsonValue
idc_json_row_cell(const IdcJsonRow *row, size_t number)
{
    const IdcJsonCell *cell = &row->cells[number];

    return cell->row == row->row ? cell->value : (IdcJsonValue){ .kind = IDC_JSON_MISSING };
}

#endif
