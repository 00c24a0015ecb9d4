/*
 * decode.c - PostgreSQL's binary values to Arrow, value by value: the hot path.
 *
 * In:   rows of COPY (FORMAT binary), or single values
 * Out:  values in the columns of an IdcBatchBuilder
 * Next: builder.c
 *
 * Every length is checked before a byte is read. The formats are the xxx_send functions of
 * PostgreSQL 15, src/backend/utils/adt.
 */
#include <assert.h>
#include <inttypes.h>

#include "arrow/decode.h"
#include "arrow/numeric.h"

void
idc_uuid_text(const uint8_t uuid[16], char text[36])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        text[n++] = digits[uuid[i] >> 4];
        text[n++] = digits[uuid[i] & 15];
    }
}

static IdcDecoded
decode_uuid(IdcColumn *column, const uint8_t *value)
{
    char text[36];

    idc_uuid_text(value, text);
    return idc_column_append_text(column, text, sizeof text, sizeof text) ? IDC_DECODED
                                                                          : IDC_DECODED_NO_MEMORY;
}

static IdcDecoded
decode_enum(IdcColumn *column, const uint8_t *value, size_t len)
{
    int32_t number;
    IdcDecoded decoded =
        idc_dictionary_find(column->dictionary, (const char *) value, len, &number);

    if (decoded == IDC_DECODED)
        ((int32_t *) column->values)[column->length++] = number;
    return decoded;
}

static inline IdcDecoded
decode_text(IdcColumn *column, const uint8_t *value, size_t len, size_t readable)
{
    return idc_column_append_text(column, value, len, readable) ? IDC_DECODED
                                                                : IDC_DECODED_NO_MEMORY;
}

/*
 * Values of a known size first. readable >= len: bytes from value on that belong to the same
 * message, so that short texts can be copied in one go.
 */
static inline __attribute__((always_inline)) IdcDecoded
decode_value(IdcColumn *column, const uint8_t *value, size_t len, size_t readable)
{
    switch (column->kind) {
    case IDC_KIND_BOOL:
        if (len != 1)
            return IDC_DECODED_MALFORMED;
        return idc_column_append_bool(column, value[0] != 0);
    case IDC_KIND_INT16:
        if (len != 2)
            return IDC_DECODED_MALFORMED;
        ((uint16_t *) column->values)[column->length++] = idc_be16(value);
        return IDC_DECODED;
    case IDC_KIND_INT32:
    case IDC_KIND_UINT32:
    case IDC_KIND_FLOAT32:
        if (len != 4)
            return IDC_DECODED_MALFORMED;
        ((uint32_t *) column->values)[column->length++] = idc_be32(value);
        return IDC_DECODED;
    case IDC_KIND_INT64:
    case IDC_KIND_UINT64:
    case IDC_KIND_FLOAT64:
        if (len != 8)
            return IDC_DECODED_MALFORMED;
        ((uint64_t *) column->values)[column->length++] = idc_be64(value);
        return IDC_DECODED;
    case IDC_KIND_NUMERIC_FLOAT64:
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        return idc_column_append_wire_numeric(column, value, len, readable);
    case IDC_KIND_TEXT:
    case IDC_KIND_BYTES:
        return decode_text(column, value, len, readable);
    case IDC_KIND_JSONB:
        if (len < 1 || value[0] != 1)
            return IDC_DECODED_MALFORMED;
        return decode_text(column, value + 1, len - 1, readable - 1);
    case IDC_KIND_DATE:
        return len == 4 ? idc_column_append_date(column, (int32_t) idc_be32(value))
                        : IDC_DECODED_MALFORMED;
    case IDC_KIND_TIME:
        return len == 8 ? idc_column_append_time(column, (int64_t) idc_be64(value))
                        : IDC_DECODED_MALFORMED;
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return len == 8 ? idc_column_append_timestamp(column, (int64_t) idc_be64(value))
                        : IDC_DECODED_MALFORMED;
    case IDC_KIND_INTERVAL:
        /* interval_send: microseconds, days, months. */
        return len == 16 ? idc_column_append_interval(column, (int32_t) idc_be32(value + 12),
                                                      (int32_t) idc_be32(value + 8),
                                                      (int64_t) idc_be64(value))
                         : IDC_DECODED_MALFORMED;
    case IDC_KIND_UUID:
        return len == 16 ? decode_uuid(column, value) : IDC_DECODED_MALFORMED;
    case IDC_KIND_ENUM:
        return decode_enum(column, value, len);
    case IDC_KIND_HSTORE:
        return idc_decode_hstore(column, value, len);
    case IDC_KIND_LIST:
        return idc_decode_list(column, value, len);
    }
    return IDC_DECODED_MALFORMED;
}

IdcDecoded
idc_column_append_value(IdcColumn *column, const uint8_t *value, size_t len)
{
    return decode_value(column, value, len, len);
}

static IdcStatus
value_fail(IdcBatchBuilder *builder, const IdcColumn *column, IdcDecoded decoded, IdcError *err)
{
    const char *name = column->spec->name, *type = column->spec->type_name;
    const IdcColumnSpec *value =
        column->kind == IDC_KIND_LIST ? column->spec->element : column->spec;
    int64_t row = builder->rows_before + builder->row_count + 1;

    builder->is_broken = true;
    switch (decoded) {
    case IDC_DECODED_NO_MEMORY:
        return idc_fail_no_memory(err);
    case IDC_DECODED_UNREPRESENTABLE:
        return idc_fail(err, IDC_BAD_VALUE,
                        "column \"%s\" of type %s holds a value in row %" PRId64
                        " that Arrow cannot represent",
                        name, type, row);
    case IDC_DECODED_DOES_NOT_FIT:
        if (builder->state.is_wire) {
            (void) idc_fail(err, IDC_BAD_VALUE,
                            "column \"%s\" holds a value in row %" PRId64
                            " that is out of range for type numeric(%d,%d)",
                            name, row, value->precision, value->scale);
            idc_error_set_sqlstate(err, "22003");
            return IDC_BAD_VALUE;
        }
        (void) idc_fail(err, IDC_BAD_VALUE,
                        "column \"%s\" of type %s holds a value in row %" PRId64
                        " that does not fit decimal128(%d, %d)",
                        name, type, row, value->precision, value->scale);
        idc_error_set_hint(err, "read it with numeric=\"float64\" or numeric=\"string\"");
        return IDC_BAD_VALUE;
    case IDC_DECODED_DIMENSIONS:
        (void) idc_fail(err, IDC_UNSUPPORTED,
                        "column \"%s\" of type %s holds an array of %d dimensions in row %" PRId64
                        " where %d are expected",
                        name, type, column->found_dimensions, row, column->spec->dimensions);
        idc_error_set_hint(err, "cast the column to text in the query");
        return IDC_UNSUPPORTED;
    case IDC_DECODED_TOO_MANY:
        (void) idc_fail(err, IDC_UNSUPPORTED,
                        "column \"%s\" of type %s has too many entries for one record batch at "
                        "row %" PRId64,
                        name, type, row);
        idc_error_set_hint(err, "read the result in batches");
        return IDC_UNSUPPORTED;
    case IDC_DECODED_MALFORMED:
    case IDC_DECODED:
        break;
    }
    return idc_fail(err, IDC_SOURCE_FAILED,
                    "column \"%s\": row %" PRId64 " is not a valid binary value of type %s", name,
                    row, type);
}

/* The row itself is wrong, not one of its values. */
static IdcStatus
row_fail(IdcBatchBuilder *builder, const char *what, IdcError *err)
{
    builder->is_broken = true;
    return idc_fail(err, IDC_SOURCE_FAILED, "cannot read row %" PRId64 " of the result: %s",
                    builder->rows_before + builder->row_count + 1, what);
}

__attribute__((noinline)) IdcStatus
idc_batch_append_other(IdcBatchBuilder *builder, IdcColumn *column, IdcDecoded decoded,
                       IdcError *err)
{
    if (decoded == IDC_DECODED_UNREPRESENTABLE && !builder->state.fail_unrepresentable) {
        builder->state.unrepresentable_count++;
        decoded = IDC_DECODED;
    }
    if (decoded == IDC_DECODED)
        decoded = idc_column_append_null(column) ? IDC_DECODED : IDC_DECODED_NO_MEMORY;
    return decoded == IDC_DECODED ? IDC_OK : value_fail(builder, column, decoded, err);
}

IdcStatus
idc_batch_begin_row(IdcBatchBuilder *builder, IdcError *err)
{
    if (builder->is_broken)
        return idc_fail(err, IDC_MISUSE, "cannot add a row after one has failed");
    if (builder->row_count == builder->row_capacity && !idc_batch_grow_rows(builder))
        return idc_fail_no_memory(err);
    return IDC_OK;
}

IdcStatus
idc_batch_append(IdcBatchBuilder *builder, size_t index, const uint8_t *value, int32_t len,
                 IdcError *err)
{
    IdcColumn *column = &builder->columns[index];
    IdcDecoded decoded = IDC_DECODED;
    IdcStatus status = idc_batch_begin_row(builder, err);

    if (status != IDC_OK)
        return status;
    assert(index < builder->column_count && column->length == builder->row_count);
    if (len < -1)
        return value_fail(builder, column, IDC_DECODED_MALFORMED, err);
    if (len == -1)
        return idc_batch_append_other(builder, column, IDC_DECODED, err);
    decoded = idc_column_append_value(column, value, (size_t) len);
    if (decoded != IDC_DECODED)
        return idc_batch_append_other(builder, column, decoded, err);
    if (column->offsets != NULL)
        builder->bytes += len;
    return IDC_OK;
}

IdcStatus
idc_batch_append_copy_prefix(IdcBatchBuilder *builder, const uint8_t *bytes, size_t len,
                             size_t *used, IdcError *err)
{
    const uint8_t *next = bytes + 2, *end = bytes + len;
    IdcStatus status = idc_batch_begin_row(builder, err);

    if (status != IDC_OK)
        return status;
    if (len < 2)
        return row_fail(builder, "it is cut off", err);
    if (idc_be16(bytes) != builder->column_count)
        return row_fail(builder, "it has another number of columns than described", err);
    for (size_t i = 0; i < builder->column_count; i++) {
        IdcColumn *column = &builder->columns[i];
        IdcDecoded decoded = IDC_DECODED;
        int32_t value_len;

        if (end - next < 4)
            return row_fail(builder, "it is cut off", err);
        value_len = (int32_t) idc_be32(next);
        next += 4;
        if (value_len >= 0) {
            if (value_len > end - next)
                return row_fail(builder, "it is cut off", err);
            decoded = decode_value(column, next, (size_t) value_len, (size_t) (end - next));
            next += value_len;
            if (decoded == IDC_DECODED)
                continue;
        } else if (value_len != -1) {
            decoded = IDC_DECODED_MALFORMED;
        }
        status = idc_batch_append_other(builder, column, decoded, err);
        if (status != IDC_OK)
            return status;
    }
    *used = (size_t) (next - bytes);
    builder->row_count++;
    builder->bytes += (int64_t) *used > builder->row_bytes ? (int64_t) *used : builder->row_bytes;
    return IDC_OK;
}

IdcStatus
idc_batch_append_copy_row(IdcBatchBuilder *builder, const uint8_t *row, size_t len, IdcError *err)
{
    size_t used = 0;
    IdcStatus status = idc_batch_append_copy_prefix(builder, row, len, &used, err);

    if (status == IDC_OK && used != len)
        return row_fail(builder, "there are bytes after its last column", err);
    return status;
}
