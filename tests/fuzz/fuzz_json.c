/*
 * fuzz_json.c - a body of JSON, however it is cut, is the same rows or the same refusal.
 *
 * The first bytes choose options and where the body is cut; the rest is the body. It is read whole,
 * in pieces, and, where it is the document that is a row, by the reader of single values.
 */
#include "read_rows.h"

static const IdcRowsColumn columns[] = {
    { "id", { { IDC_TYPE_INT8, -1 }, 0, false }, NULL },
    { "n", { { IDC_TYPE_NUMERIC, (20 << 16 | 3) + 4 }, 0, false }, "/a/0" },
    { "s", { { IDC_TYPE_NUMERIC, -1 }, 0, false }, "a.b" },
    { "t", { { IDC_TYPE_TEXT, -1 }, 0, false }, NULL },
    { "whole", { { IDC_TYPE_JSONB, -1 }, 0, false }, "$" },
    { "list", { { 1009, -1 }, 0, false }, "t" },
    { "at", { { IDC_TYPE_TIMESTAMPTZ, -1 }, IDC_EPOCH_MILLISECONDS, false }, NULL },
    { "f", { { IDC_TYPE_FLOAT8, -1 }, 0, false }, "id" },
    { "key", { { IDC_TYPE_VARCHAR, 4 + 5 }, 0, false }, "@key" },
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const IdcRowsCapture captures[] = { { "/next", false },
                                               { "/a/0", false },
                                               { "id", true } };
    static const char *const paths[] = { "", "/a", "$.a[0].b", "$.a[*]" };
    int64_t nulled = 0;
    IdcRowsOptions options = { .nulled = &nulled, .max_depth = 20, .max_row_bytes = 1000 };
    const char *body = (const char *) data + 2;
    IdcStatus status;
    size_t len;

    if (size < 3)
        return 0;
    len = size - 2;
    options.format = data[0] & 1 ? IDC_ROWS_NDJSON : IDC_ROWS_JSON;
    options.path = data[0] & 1 ? "" : paths[data[0] >> 1 & 3];
    options.object_values = !(data[0] & 1) && data[0] & 8;
    options.missing_is_empty = data[0] & 16;
    options.on_error_null = data[0] & 32;
    options.row_limit = data[0] & 64 ? 3 : 0;
    options.captures = captures;
    options.capture_count = data[0] & 128 ? 3 : 0;
    /* The last column is the key of object_values. */
    status = check_pieces(&options, columns, COLUMN_COUNT - !options.object_values, body, len,
                          data[1] % 31 + 1);
    if (status == IDC_OK && data[0] == 16 && !idc_json_is_valid(body, len) &&
        memcmp(body, "\xEF\xBB\xBF", len < 3 ? len : 3) != 0)
        abort();
    return 0;
}
