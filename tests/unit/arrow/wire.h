/*
 * wire.h - rows as PostgreSQL sends them, made by hand for the tests of this folder.
 */
#ifndef TESTS_UNIT_ARROW_WIRE_H
#define TESTS_UNIT_ARROW_WIRE_H

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrow/column.h"
#include "arrow/nano.h"
#include "base/text.h"

/* A value or row under construction; wire.data is malloc'ed so that the sanitizer sees its end. */
typedef struct Wire {
    uint8_t *data;
    size_t len;
} Wire;

static inline void
wire_bytes(Wire *wire, const void *bytes, size_t len)
{
    wire->data = realloc(wire->data, wire->len + len + (wire->len + len == 0));
    assert_non_null(wire->data);
    if (len > 0)
        memcpy(wire->data + wire->len, bytes, len);
    wire->len += len;
}

static inline void
wire_int16(Wire *wire, int value)
{
    uint16_t big = htobe16((uint16_t) value);

    wire_bytes(wire, &big, sizeof big);
}

static inline void
wire_int32(Wire *wire, int64_t value)
{
    uint32_t big = htobe32((uint32_t) value);

    wire_bytes(wire, &big, sizeof big);
}

static inline void
wire_int64(Wire *wire, int64_t value)
{
    uint64_t big = htobe64((uint64_t) value);

    wire_bytes(wire, &big, sizeof big);
}

/* A length and so many bytes. */
static inline void
wire_field(Wire *wire, const void *bytes, size_t len)
{
    wire_int32(wire, (int64_t) len);
    wire_bytes(wire, bytes, len);
}

static inline void
wire_done(Wire *wire)
{
    free(wire->data);
    *wire = (Wire){ 0 };
}

/* numeric_send of a decimal text such as "-12.340", "NaN" or "Infinity". */
static inline void
wire_numeric(Wire *wire, const char *text)
{
    const char *point, *digits = text + (*text == '-');
    int sign = *text == '-' ? 0x4000 : 0, whole, scale, weight, count = 0, first = 0;
    int groups[4096] = { 0 };

    if (strcmp(digits, "NaN") == 0 || strcmp(digits, "Infinity") == 0) {
        wire_int16(wire, 0);
        wire_int16(wire, 0);
        wire_int16(wire, *digits == 'N' ? 0xC000 : sign != 0 ? 0xF000 : 0xD000);
        wire_int16(wire, 0);
        return;
    }
    point = strchr(digits, '.');
    whole = point != NULL ? (int) (point - digits) : (int) strlen(digits);
    scale = point != NULL ? (int) strlen(point + 1) : 0;
    weight = (whole + 3) / 4 - 1;
    for (int i = 0; i < whole; i++)
        groups[weight - (whole - 1 - i) / 4] =
            groups[weight - (whole - 1 - i) / 4] * 10 + (digits[i] - '0');
    for (int i = 0; i < (scale + 3) / 4 * 4; i++)
        groups[weight + 1 + i / 4] =
            groups[weight + 1 + i / 4] * 10 + (i < scale ? point[1 + i] - '0' : 0);
    count = weight + 1 + (scale + 3) / 4;
    while (count > 0 && groups[count - 1] == 0)
        count--;
    while (first < count && groups[first] == 0)
        first++;
    wire_int16(wire, count - first);
    wire_int16(wire, count == first ? 0 : weight - first);
    wire_int16(wire, count == first ? 0 : sign);
    wire_int16(wire, scale);
    for (int i = first; i < count; i++)
        wire_int16(wire, groups[i]);
}

/* One column, one value a row: what the builder makes of it. */
typedef struct OneColumn {
    IdcColumnSpec spec;
    IdcBatchBuilder *builder;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    IdcError err;
} OneColumn;

static inline void
one_column_init_with(OneColumn *one, const IdcColumnSpec *spec, const IdcBatchOptions *options)
{
    *one = (OneColumn){ .spec = *spec };
    if (one->spec.name == NULL)
        one->spec.name = "c";
    if (one->spec.type_name == NULL)
        one->spec.type_name = "sometype";
    idc_error_init(&one->err);
    assert_int_equal(idc_batch_builder_new(&one->spec, 1, options, &one->builder, &one->err),
                     IDC_OK);
}

static inline void
one_column_init(OneColumn *one, const IdcColumnSpec *spec)
{
    static const IdcBatchOptions options = { .batch_rows = 1000 };

    one_column_init_with(one, spec, &options);
}

/* NULL data is NULL. The value is freed. */
static inline IdcStatus
one_column_add(OneColumn *one, Wire *value)
{
    Wire row = { 0 };
    IdcStatus status;

    wire_int16(&row, 1);
    if (value == NULL)
        wire_int32(&row, -1);
    else
        wire_field(&row, value->data, value->len);
    status = idc_batch_append_copy_row(one->builder, row.data, row.len, &one->err);
    wire_done(&row);
    if (value != NULL)
        wire_done(value);
    return status;
}

/* The batch, checked by nanoarrow from end to end. The column is one->view.children[0]. */
static inline const struct ArrowArrayView *
one_column_finish(OneColumn *one)
{
    struct ArrowError why = { { 0 } };

    assert_int_equal(idc_batch_finish(one->builder, &one->batch, &one->err), IDC_OK);
    assert_int_equal(idc_columns_schema(&one->spec, 1, &one->schema, &one->err), IDC_OK);
    assert_int_equal(ArrowArrayViewInitFromSchema(&one->view, &one->schema, &why), NANOARROW_OK);
    if (ArrowArrayViewSetArray(&one->view, &one->batch, &why) != NANOARROW_OK ||
        ArrowArrayViewValidate(&one->view, NANOARROW_VALIDATION_LEVEL_FULL, &why) != NANOARROW_OK)
        fail_msg("%s", why.message);
    return one->view.children[0];
}

static inline void
one_column_done(OneColumn *one)
{
    idc_batch_builder_free(one->builder);
    if (one->batch.release != NULL) {
        ArrowArrayViewReset(&one->view);
        one->batch.release(&one->batch);
        one->schema.release(&one->schema);
    }
}

#endif
