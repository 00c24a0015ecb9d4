/*
 * every_kind.h - one column of each kind, and a row for them.
 */
#ifndef TESTS_UNIT_ARROW_EVERY_KIND_H
#define TESTS_UNIT_ARROW_EVERY_KIND_H

#include "wire.h"

static const char *const mood_labels[] = { "sad", "ok", "happy" };
static const IdcColumnSpec int_element = { .name = "item",
                                           .type_name = "integer",
                                           .kind = IDC_KIND_INT32 };
static const IdcColumnSpec text_element = { .name = "item",
                                            .type_name = "text",
                                            .kind = IDC_KIND_TEXT };

#define KIND(kind_name, type)                                                                      \
    {                                                                                              \
        .name = #kind_name, .type_name = type, .kind = IDC_KIND_##kind_name                        \
    }

static const IdcColumnSpec every_kind[] = {
    KIND(BOOL, "boolean"),
    KIND(INT16, "smallint"),
    KIND(INT32, "integer"),
    KIND(INT64, "bigint"),
    KIND(UINT32, "oid"),
    KIND(UINT64, "xid8"),
    KIND(FLOAT32, "real"),
    KIND(FLOAT64, "double precision"),
    KIND(NUMERIC_FLOAT64, "numeric"),
    { .name = "NUMERIC_DECIMAL",
      .type_name = "numeric(12,3)",
      .kind = IDC_KIND_NUMERIC_DECIMAL,
      .precision = 12,
      .scale = 3 },
    KIND(NUMERIC_STRING, "numeric"),
    KIND(TEXT, "text"),
    KIND(JSONB, "jsonb"),
    KIND(BYTES, "bytea"),
    KIND(DATE, "date"),
    KIND(TIME, "time without time zone"),
    KIND(TIMESTAMP, "timestamp without time zone"),
    KIND(TIMESTAMPTZ, "timestamp with time zone"),
    KIND(INTERVAL, "interval"),
    KIND(UUID, "uuid"),
    { .name = "ENUM",
      .type_name = "mood",
      .kind = IDC_KIND_ENUM,
      .labels = mood_labels,
      .label_count = 3 },
    KIND(HSTORE, "hstore"),
    { .name = "LIST",
      .type_name = "text[]",
      .kind = IDC_KIND_LIST,
      .dimensions = 1,
      .element = &text_element },
    { .name = "LIST2",
      .type_name = "integer[]",
      .kind = IDC_KIND_LIST,
      .dimensions = 2,
      .element = &int_element },
};

enum { EVERY_KIND_COUNT = sizeof every_kind / sizeof every_kind[0] };

/* array_send: sizes of the dimensions, then elements that the caller appends. */
static inline void
wire_array(Wire *wire, int dimensions, const int32_t *sizes)
{
    wire_int32(wire, dimensions);
    wire_int32(wire, 1);
    wire_int32(wire, 25);
    for (int i = 0; i < dimensions; i++) {
        wire_int32(wire, sizes[i]);
        wire_int32(wire, 1);
    }
}

static inline void
wire_nested_value(Wire *wire, const IdcColumnSpec *spec)
{
    if (spec->kind == IDC_KIND_HSTORE) {
        wire_int32(wire, 2);
        wire_field(wire, "a", 1);
        wire_field(wire, "1", 1);
        wire_field(wire, "b \"q\"", 5);
        wire_int32(wire, -1);
    } else if (spec->dimensions == 1) {
        wire_array(wire, 1, (const int32_t[]){ 4 });
        wire_field(wire, "x", 1);
        wire_int32(wire, -1);
        wire_field(wire, "", 0);
        wire_field(wire, "a,b", 3);
    } else {
        wire_array(wire, 2, (const int32_t[]){ 2, 3 });
        for (int i = 0; i < 6; i++) {
            wire_int32(wire, 4);
            wire_int32(wire, i);
        }
    }
}

static inline void
wire_scalar_value(Wire *wire, const IdcColumnSpec *spec)
{
    static const float real = 1.5f;
    static const double number = 0.1;
    int32_t real_bits;
    int64_t number_bits;

    switch (spec->kind) {
    case IDC_KIND_BOOL:
        wire_bytes(wire, "\1", 1);
        break;
    case IDC_KIND_INT16:
        wire_int16(wire, -32768);
        break;
    case IDC_KIND_INT32:
        wire_int32(wire, INT32_MIN);
        break;
    case IDC_KIND_INT64:
        wire_int64(wire, INT64_MIN);
        break;
    case IDC_KIND_UINT32:
        wire_int32(wire, UINT32_MAX);
        break;
    case IDC_KIND_UINT64:
        wire_int64(wire, -1);
        break;
    case IDC_KIND_FLOAT32:
        memcpy(&real_bits, &real, sizeof real_bits);
        wire_int32(wire, real_bits);
        break;
    case IDC_KIND_FLOAT64:
        memcpy(&number_bits, &number, sizeof number_bits);
        wire_int64(wire, number_bits);
        break;
    case IDC_KIND_NUMERIC_FLOAT64:
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        wire_numeric(wire, "-12345.670");
        break;
    case IDC_KIND_DATE:
        wire_int32(wire, -10958);
        break;
    case IDC_KIND_TIME:
        wire_int64(wire, INT64_C(86399999999));
        break;
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        wire_int64(wire, INT64_C(410317200000000));
        break;
    case IDC_KIND_INTERVAL:
        wire_int64(wire, INT64_C(14706789000));
        wire_int32(wire, 3);
        wire_int32(wire, 14);
        break;
    case IDC_KIND_UUID:
        wire_bytes(wire, "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11", 16);
        break;
    case IDC_KIND_ENUM:
        wire_bytes(wire, "happy", 5);
        break;
    case IDC_KIND_JSONB:
        wire_bytes(wire, "\1{\"k\": 1}", 9);
        break;
    case IDC_KIND_BYTES:
        wire_bytes(wire, "\0\xff", 2);
        break;
    default:
        wire_bytes(wire, "Größe", 7);
    }
}

/* A value of the kind in its binary format. */
static inline void
wire_value(Wire *wire, const IdcColumnSpec *spec)
{
    if (spec->kind == IDC_KIND_HSTORE || spec->kind == IDC_KIND_LIST)
        wire_nested_value(wire, spec);
    else
        wire_scalar_value(wire, spec);
}

/* A row of every_kind; where is_null all values are NULL. */
static inline void
wire_every_kind(Wire *row, bool is_null)
{
    wire_int16(row, EVERY_KIND_COUNT);
    for (size_t i = 0; i < EVERY_KIND_COUNT; i++) {
        Wire value = { 0 };

        if (is_null) {
            wire_int32(row, -1);
            continue;
        }
        wire_value(&value, &every_kind[i]);
        wire_field(row, value.data, value.len);
        wire_done(&value);
    }
}

#endif
