/*
 * fuzz_csv.c - a body of CSV, however it is cut, is the same rows or the same refusal; and any text
 * is a value of its type or none.
 *
 * The first bytes choose the dialect, the pieces and the types; the rest is the body.
 */
#include "read_rows.h"

static const IdcType types[] = {
    { IDC_TYPE_BOOL, -1 },      { IDC_TYPE_INT2, -1 },
    { IDC_TYPE_INT4, -1 },      { IDC_TYPE_INT8, -1 },
    { IDC_TYPE_OID, -1 },       { IDC_TYPE_FLOAT4, -1 },
    { IDC_TYPE_FLOAT8, -1 },    { IDC_TYPE_NUMERIC, -1 },
    { IDC_TYPE_DATE, -1 },      { IDC_TYPE_NUMERIC, (12 << 16 | 2) + 4 },
    { IDC_TYPE_TIME, 3 },       { IDC_TYPE_NUMERIC, (50 << 16 | 10) + 4 },
    { IDC_TYPE_TIMESTAMP, -1 }, { IDC_TYPE_NUMERIC, (5 << 16 | (-3 & 0x7FF)) + 4 },
    { IDC_TYPE_UUID, -1 },      { IDC_TYPE_TIMESTAMPTZ, 2 },
    { IDC_TYPE_BYTEA, -1 },     { IDC_TYPE_TEXT, -1 },
    { IDC_TYPE_JSONB, -1 },     { IDC_TYPE_BPCHAR, 4 + 3 },
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcRowsColumn columns[2] = { { .name = "a" }, { .name = "b" } };
    IdcRowsOptions options = { .format = IDC_ROWS_CSV, .max_row_bytes = 600 };

    if (size < 4)
        return 0;
    options.csv.no_header = data[0] & 1;
    options.csv.delimiter = data[0] & 2 ? ';' : 0;
    options.csv.quote = data[0] & 4 ? '\'' : 0;
    options.csv.null_text = data[0] & 8 ? "\\N" : NULL;
    options.on_error_null = data[0] & 16;
    columns[0].form.type = types[data[1] % TYPE_COUNT];
    columns[1].form.type = types[data[2] % TYPE_COUNT];
    columns[0].form.is_base64 = data[0] & 32;
    columns[0].form.epoch = data[0] & 64 ? IDC_EPOCH_SECONDS : IDC_EPOCH_NONE;
    columns[1].form.epoch = data[0] & 64 ? IDC_EPOCH_MICROSECONDS : IDC_EPOCH_NONE;
    (void) check_pieces(&options, columns, 2, (const char *) data + 4, size - 4, data[3] % 17 + 1);
    return 0;
}
