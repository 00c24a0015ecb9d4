/*
 * decode.h - what the ways into a batch builder share: rows of COPY here, tuples in fdw/columns.c.
 */
#ifndef IDC_ARROW_DECODE_H
#define IDC_ARROW_DECODE_H

#include "arrow/builder.h"

/* PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01. */
#define IDC_EPOCH_DAYS INT32_C(10957)
#define IDC_DAY_US INT64_C(86400000000)
#define IDC_EPOCH_US (INT64_C(10957) * IDC_DAY_US)

/* Before the first column of each row: room for one value in every column. */
IDC_CHECKED IdcStatus idc_batch_begin_row(IdcBatchBuilder *builder, IdcError *err);

/*
 * A value that was not appended: NULL (IDC_DECODED), one that cannot be represented (becomes NULL
 * and is counted, or an error, as the options say), or one that is wrong: then the builder is
 * broken and err names column, type and row.
 */
IDC_CHECKED IdcStatus idc_batch_append_other(IdcBatchBuilder *builder, IdcColumn *column,
                                             IdcDecoded decoded, IdcError *err);

/*
 * decode_nested.c: an array of these sizes as lists, so many levels as the column has; *items then
 * has room for item_count elements, which the caller appends.
 */
IdcDecoded idc_column_begin_lists(IdcColumn *column, int dimensions, const int32_t *sizes,
                                  IdcColumn **items);
/* An element that was not appended, as idc_batch_append_other. */
IdcDecoded idc_column_append_other(IdcColumn *items, IdcDecoded decoded);

/* 36 characters. */
void idc_uuid_text(const uint8_t uuid[16], char text[36]);

/*
 * Values in PostgreSQL's own terms.
 *
 * On the wire to the hub (IdcBatchOptions.is_wire) dates and moments are counted from 1970 modulo
 * 2^32 and 2^64, so that infinities and the last years come back by counting from 2000 again. A
 * time may be 24:00:00. A decimal may be one of the numbers below, which no decimal128 needs, and a
 * number of more digits than its scale has is rounded as PostgreSQL's numeric(p, s) does.
 */
#define IDC_WIRE_NAN ((__int128) ((unsigned __int128) 1 << 127))
#define IDC_WIRE_MINUS_INFINITY (IDC_WIRE_NAN + 1)
#define IDC_WIRE_INFINITY (-IDC_WIRE_MINUS_INFINITY)

static inline IdcDecoded
idc_column_append_date(IdcColumn *column, int32_t days)
{
    if ((days == INT32_MIN || days > INT32_MAX - IDC_EPOCH_DAYS) && !column->state->is_wire)
        return IDC_DECODED_UNREPRESENTABLE;
    ((uint32_t *) column->values)[column->length++] = (uint32_t) days + IDC_EPOCH_DAYS;
    return IDC_DECODED;
}

static inline IdcDecoded
idc_column_append_time(IdcColumn *column, int64_t us)
{
    if (us == IDC_DAY_US && !column->state->is_wire)
        return IDC_DECODED_UNREPRESENTABLE;
    if (us < 0 || us > IDC_DAY_US)
        return IDC_DECODED_MALFORMED;
    ((int64_t *) column->values)[column->length++] = us;
    return IDC_DECODED;
}

static inline IdcDecoded
idc_column_append_timestamp(IdcColumn *column, int64_t us)
{
    if ((us == INT64_MIN || us > INT64_MAX - IDC_EPOCH_US) && !column->state->is_wire)
        return IDC_DECODED_UNREPRESENTABLE;
    ((uint64_t *) column->values)[column->length++] = (uint64_t) us + IDC_EPOCH_US;
    return IDC_DECODED;
}

/* Arrow has months, days, nanoseconds. */
static inline IdcDecoded
idc_column_append_interval(IdcColumn *column, int32_t months, int32_t days, int64_t us)
{
    struct {
        int32_t months, days;
        int64_t ns;
    } interval = { .months = months, .days = days };

    if (__builtin_mul_overflow(us, INT64_C(1000), &interval.ns))
        return IDC_DECODED_UNREPRESENTABLE;
    memcpy(column->values + (size_t) column->length++ * sizeof interval, &interval,
           sizeof interval);
    return IDC_DECODED;
}

static inline IdcDecoded
idc_column_append_bool(IdcColumn *column, bool value)
{
    if (value)
        column->values[column->length / 8] |= (uint8_t) (1u << (column->length % 8));
    column->length++;
    return IDC_DECODED;
}

#endif
