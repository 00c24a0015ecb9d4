/*
 * test_column.c - every kind of value, its edges, and bytes that are not what they should be.
 */
#include <stdio.h>

#include "every_kind.h"

#define US_1970 INT64_C(946684800000000)

static void
add_int64(OneColumn *one, int64_t value, IdcStatus expected)
{
    Wire wire = { 0 };

    wire_int64(&wire, value);
    assert_int_equal(one_column_add(one, &wire), expected);
}

static void
add_int32(OneColumn *one, int64_t value, IdcStatus expected)
{
    Wire wire = { 0 };

    wire_int32(&wire, value);
    assert_int_equal(one_column_add(one, &wire), expected);
}

static void
add_text(OneColumn *one, const char *text, IdcStatus expected)
{
    Wire wire = { 0 };

    wire_bytes(&wire, text, strlen(text));
    assert_int_equal(one_column_add(one, &wire), expected);
}

static void
assert_text(const struct ArrowArrayView *view, int64_t row, const char *expected)
{
    struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(view, row);

    assert_false(ArrowArrayViewIsNull(view, row));
    assert_int_equal(text.size_bytes, strlen(expected));
    assert_memory_equal(text.data, expected, strlen(expected));
}

static void
test_rows_of_every_kind(void **state)
{
    IdcBatchOptions options = { .batch_rows = 100000 };
    IdcBatchBuilder *builder;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    IdcError err;
    Wire row = { 0 }, nulls = { 0 };

    (void) state;
    wire_every_kind(&row, false);
    wire_every_kind(&nulls, true);
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(idc_batch_append_copy_row(builder, i % 3 == 1 ? nulls.data : row.data,
                                                   i % 3 == 1 ? nulls.len : row.len, &err),
                         IDC_OK);
    assert_int_equal(idc_batch_row_count(builder), 5000);
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
    /* The builder goes on empty: the second batch is like the first. */
    for (int round = 0; round < 2; round++) {
        assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
        assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
        assert_int_equal(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL),
                         NANOARROW_OK);
        assert_int_equal(batch.length, 5000);
        for (int64_t i = 0; i < EVERY_KIND_COUNT; i++) {
            assert_int_equal(batch.children[i]->null_count, 1667);
            for (int64_t j = 0; j < 5000; j++)
                assert_int_equal(ArrowArrayViewIsNull(view.children[i], j), j % 3 == 1);
        }
        batch.release(&batch);
        for (int i = 0; i < 5000 && round == 0; i++)
            assert_int_equal(idc_batch_append_copy_row(builder, i % 3 == 1 ? nulls.data : row.data,
                                                       i % 3 == 1 ? nulls.len : row.len, &err),
                             IDC_OK);
    }
    ArrowArrayViewReset(&view);
    schema.release(&schema);
    idc_batch_builder_free(builder);
    wire_done(&row);
    wire_done(&nulls);
}

/* The same through idc_batch_append, value by value. */
static void
test_append_by_column(void **state)
{
    IdcBatchOptions options = { .batch_rows = 10 };
    IdcBatchBuilder *builder;
    struct ArrowArray batch;
    IdcError err;

    (void) state;
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    for (int i = 0; i < 10; i++) {
        assert_false(idc_batch_is_full(builder));
        for (size_t j = 0; j < EVERY_KIND_COUNT; j++) {
            Wire value = { 0 };

            wire_value(&value, &every_kind[j]);
            assert_int_equal(idc_batch_append(builder, j, value.data,
                                              i % 2 == 0 ? (int32_t) value.len : -1, &err),
                             IDC_OK);
            wire_done(&value);
        }
        idc_batch_end_row(builder);
    }
    assert_true(idc_batch_is_full(builder));
    assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
    assert_int_equal(batch.length, 10);
    assert_int_equal(batch.children[3]->null_count, 5);
    batch.release(&batch);
    idc_batch_builder_free(builder);
}

static void
test_schema(void **state)
{
    struct ArrowSchema schema;
    struct ArrowStringView type;
    IdcError err;
    static const char *const formats[] = { "b",    "s",       "i",   "l", "I", "L",  "f",   "g",
                                           "g",    "d:12,3",  "U",   "U", "U", "Z",  "tdD", "ttu",
                                           "tsu:", "tsu:UTC", "tin", "U", "i", "+m", "+L",  "+L" };

    (void) state;
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    assert_string_equal(schema.format, "+s");
    for (int64_t i = 0; i < EVERY_KIND_COUNT; i++) {
        assert_string_equal(schema.children[i]->format, formats[i]);
        assert_string_equal(schema.children[i]->name, every_kind[i].name);
        assert_true((schema.children[i]->flags & ARROW_FLAG_NULLABLE) != 0);
        assert_int_equal(ArrowMetadataGetValue(schema.children[i]->metadata,
                                               ArrowCharView("postgresql:type"), &type),
                         NANOARROW_OK);
        assert_int_equal(type.size_bytes, strlen(every_kind[i].type_name));
        assert_memory_equal(type.data, every_kind[i].type_name, (size_t) type.size_bytes);
    }
    assert_string_equal(schema.children[20]->dictionary->format, "u");
    assert_string_equal(schema.children[23]->children[0]->format, "+L");
    assert_string_equal(schema.children[23]->children[0]->children[0]->format, "i");
    schema.release(&schema);
}

static void
test_integers(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;
    Wire wire = { 0 };

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_INT64 });
    add_int64(&one, INT64_MAX, IDC_OK);
    add_int64(&one, INT64_MIN, IDC_OK);
    assert_int_equal(one_column_add(&one, NULL), IDC_OK);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 0), INT64_MAX);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 1), INT64_MIN);
    assert_true(ArrowArrayViewIsNull(view, 2));
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_BOOL });
    for (int i = 0; i < 100; i++) {
        wire_bytes(&wire, i % 7 == 0 ? "\1" : "\0", 1);
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    view = one_column_finish(&one);
    assert_null(one.batch.children[0]->buffers[0]);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ArrowArrayViewGetIntUnsafe(view, i), i % 7 == 0);
    one_column_done(&one);
}

static void
test_dates_and_times(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_DATE });
    add_int32(&one, 0, IDC_OK);
    add_int32(&one, INT32_MIN, IDC_OK);
    add_int32(&one, INT32_MAX, IDC_OK);
    add_int32(&one, -2451545, IDC_OK);   /* 4714-11-24 BC, the first day of PostgreSQL */
    add_int32(&one, 2145031948, IDC_OK); /* 5874897-12-31, the last one */
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 2);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 0), 10957);
    assert_true(ArrowArrayViewIsNull(view, 1) && ArrowArrayViewIsNull(view, 2));
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 3), -2440588);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 4), 2145042905);
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TIME });
    add_int64(&one, 0, IDC_OK);
    add_int64(&one, INT64_C(86400000000), IDC_OK);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 1);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 0), 0);
    assert_true(ArrowArrayViewIsNull(view, 1));
    add_int64(&one, -1, IDC_SOURCE_FAILED);
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TIMESTAMPTZ });
    add_int64(&one, 0, IDC_OK);
    add_int64(&one, INT64_MIN, IDC_OK);
    add_int64(&one, INT64_MAX, IDC_OK);
    add_int64(&one, INT64_MAX - US_1970, IDC_OK);
    add_int64(&one, INT64_MAX - US_1970 + 1, IDC_OK);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 3);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 0), US_1970);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 3), INT64_MAX);
    assert_true(ArrowArrayViewIsNull(view, 4));
    one_column_done(&one);
}

/* Between a source process and its hub nothing is lost. */
static void
test_wire_keeps_all(void **state)
{
    static const IdcBatchOptions wire_options = { .batch_rows = 100, .is_wire = true };
    static const int32_t days[] = { INT32_MIN, INT32_MAX, 0, 2145031948 };
    static const int64_t moments[] = { INT64_MIN, INT64_MAX, 0, INT64_C(9223371331199999999) };
    OneColumn one;

    (void) state;
    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_DATE }, &wire_options);
    for (size_t i = 0; i < 4; i++) {
        Wire wire = { 0 };

        wire_int32(&wire, days[i]);
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    (void) one_column_finish(&one);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(((const uint32_t *) one.batch.children[0]->buffers[1])[i] - 10957u,
                         (uint32_t) days[i]);
    assert_int_equal(one.batch.children[0]->null_count, 0);
    one_column_done(&one);

    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TIMESTAMPTZ }, &wire_options);
    for (size_t i = 0; i < 4; i++) {
        Wire wire = { 0 };

        wire_int64(&wire, moments[i]);
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    (void) one_column_finish(&one);
    for (size_t i = 0; i < 4; i++)
        assert_true(((const uint64_t *) one.batch.children[0]->buffers[1])[i] -
                        UINT64_C(946684800000000) ==
                    (uint64_t) moments[i]);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 0);
    one_column_done(&one);

    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TIME }, &wire_options);
    {
        Wire wire = { 0 };

        wire_int64(&wire, INT64_C(86400000000));
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    (void) one_column_finish(&one);
    assert_true(((const int64_t *) one.batch.children[0]->buffers[1])[0] == INT64_C(86400000000));
    one_column_done(&one);
}

/* numeric(5,2): what numeric_in would make of the text, times 100. */
static void
test_wire_decimals(void **state)
{
    static const IdcBatchOptions wire_options = { .batch_rows = 100, .is_wire = true };
    static const IdcColumnSpec spec = { .kind = IDC_KIND_NUMERIC_DECIMAL,
                                        .precision = 5,
                                        .scale = 2 };
    static const struct {
        const char *text;
        int64_t expected;
    } samples[] = { { "1.005", 101 },
                    { "-1.005", -101 },
                    { "1.00499999999", 100 },
                    { "0.00499999", 0 },
                    { "0.005", 1 },
                    { "0.0000005", 0 },
                    { "999.994", 99999 },
                    { "999.9949", 99999 },
                    { "-999.99499999999", -99999 },
                    { "0.00995", 1 },
                    { "123.45600000", 12346 },
                    { "9.99500001", 1000 },
                    { "12.3449999", 1234 },
                    { "99.995", 10000 } };
    static const char *const too_big[] = { "999.995", "1000", "-123456789012345678901234567890.5",
                                           "1000.00001" };
    const __int128 nan = (__int128) ((unsigned __int128) 1 << 127);
    OneColumn one;
    __int128 number;

    (void) state;
    one_column_init_with(&one, &spec, &wire_options);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        Wire wire = { 0 };

        wire_numeric(&wire, samples[i].text);
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    for (size_t i = 0; i < 3; i++) {
        Wire wire = { 0 };

        wire_numeric(&wire, i == 0 ? "NaN" : i == 1 ? "Infinity" : "-Infinity");
        assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    }
    assert_int_equal(idc_batch_finish(one.builder, &one.batch, &one.err), IDC_OK);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0] + 3; i++) {
        memcpy(&number, (const char *) one.batch.children[0]->buffers[1] + i * 16, 16);
        if (i < sizeof samples / sizeof samples[0])
            assert_int_equal((int64_t) number, samples[i].expected);
        else if (i == sizeof samples / sizeof samples[0])
            assert_true(number == nan);
        else
            assert_true(number == nan + 1 || number == -(nan + 1));
    }
    assert_int_equal(one.batch.children[0]->null_count, 0);
    one.batch.release(&one.batch);
    one_column_done(&one);
    for (size_t i = 0; i < sizeof too_big / sizeof too_big[0]; i++) {
        Wire wire = { 0 };

        one_column_init_with(&one, &spec, &wire_options);
        wire_numeric(&wire, too_big[i]);
        assert_int_equal(one_column_add(&one, &wire), IDC_BAD_VALUE);
        assert_string_equal(one.err.sqlstate, "22003");
        one_column_done(&one);
    }
}

static void
test_interval_and_uuid(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;
    struct ArrowInterval interval = { 0 };
    Wire wire = { 0 };

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_INTERVAL });
    wire_value(&wire, &(IdcColumnSpec){ .kind = IDC_KIND_INTERVAL });
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    wire_int64(&wire, INT64_MAX / 1000 + 1);
    wire_int64(&wire, 0);
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    view = one_column_finish(&one);
    ArrowArrayViewGetIntervalUnsafe(view, 0, &interval);
    assert_int_equal(interval.months, 14);
    assert_int_equal(interval.days, 3);
    assert_int_equal(interval.ns, INT64_C(14706789000000));
    assert_true(ArrowArrayViewIsNull(view, 1));
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 1);
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_UUID });
    wire_value(&wire, &(IdcColumnSpec){ .kind = IDC_KIND_UUID });
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    assert_text(one_column_finish(&one), 0, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    one_column_done(&one);
}

static void
test_texts(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;
    char *big = malloc(3000001);

    (void) state;
    assert_non_null(big);
    memset(big, 'x', 3000000);
    big[3000000] = '\0';
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TEXT });
    add_text(&one, "", IDC_OK);
    add_text(&one, "Größe", IDC_OK);
    assert_int_equal(one_column_add(&one, NULL), IDC_OK);
    add_text(&one, big, IDC_OK);
    add_text(&one, "exactly thirty-two characters ..", IDC_OK);
    view = one_column_finish(&one);
    assert_text(view, 0, "");
    assert_text(view, 1, "Größe");
    assert_true(ArrowArrayViewIsNull(view, 2));
    assert_text(view, 3, big);
    assert_text(view, 4, "exactly thirty-two characters ..");
    one_column_done(&one);
    free(big);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_JSONB });
    add_text(&one, "\1{}", IDC_OK);
    assert_text(one_column_finish(&one), 0, "{}");
    add_text(&one, "\2{}", IDC_SOURCE_FAILED);
    one_column_done(&one);
}

static void
test_enum(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;
    IdcColumnSpec spec = { .kind = IDC_KIND_ENUM, .labels = mood_labels, .label_count = 3 };
    char label[32];

    (void) state;
    one_column_init(&one, &spec);
    add_text(&one, "happy", IDC_OK);
    add_text(&one, "sad", IDC_OK);
    add_text(&one, "new", IDC_OK); /* added to the type after the query was described */
    add_text(&one, "happy", IDC_OK);
    for (int i = 0; i < 300; i++) {
        (void) snprintf(label, sizeof label, "label %d", i);
        add_text(&one, label, IDC_OK);
    }
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 0), 2);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 1), 0);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 2), 3);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view, 3), 2);
    assert_int_equal(view->dictionary->length, 304);
    assert_text(view->dictionary, 1, "ok");
    assert_text(view->dictionary, ArrowArrayViewGetIntUnsafe(view, 303), "label 299");
    one_column_done(&one);
}

static void
test_hstore(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;
    Wire wire = { 0 };

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_HSTORE });
    wire_nested_value(&wire, &(IdcColumnSpec){ .kind = IDC_KIND_HSTORE });
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    add_int32(&one, 0, IDC_OK);
    assert_int_equal(one_column_add(&one, NULL), IDC_OK);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewListChildOffset(view, 1), 2);
    assert_int_equal(ArrowArrayViewListChildOffset(view, 3), 2);
    assert_text(view->children[0]->children[0], 1, "b \"q\"");
    assert_true(ArrowArrayViewIsNull(view->children[0]->children[1], 1));
    one_column_done(&one);
}

static void
test_arrays(void **state)
{
    static const IdcColumnSpec date = { .name = "item",
                                        .type_name = "date",
                                        .kind = IDC_KIND_DATE };
    IdcColumnSpec spec = { .kind = IDC_KIND_LIST, .dimensions = 2, .element = &int_element };
    const struct ArrowArrayView *view;
    OneColumn one;
    Wire wire = { 0 };

    (void) state;
    one_column_init(&one, &spec);
    wire_nested_value(&wire, &spec);
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    wire_array(&wire, 0, NULL);
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    view = one_column_finish(&one);
    assert_int_equal(ArrowArrayViewListChildOffset(view, 1), 2);
    assert_int_equal(ArrowArrayViewListChildOffset(view, 2), 2);
    assert_int_equal(ArrowArrayViewListChildOffset(view->children[0], 1), 3);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view->children[0]->children[0], 5), 5);
    wire_array(&wire, 1, (const int32_t[]){ 1 });
    wire_int32(&wire, -1);
    assert_int_equal(one_column_add(&one, &wire), IDC_UNSUPPORTED);
    assert_string_equal(one.err.message, "column \"c\" of type sometype holds an array of 1 "
                                         "dimensions in row 3 where 2 are expected");
    assert_non_null(strstr(one.err.hint, "text"));
    one_column_done(&one);

    /* An element that Arrow cannot hold is a NULL element. */
    spec = (IdcColumnSpec){ .kind = IDC_KIND_LIST, .dimensions = 1, .element = &date };
    one_column_init(&one, &spec);
    wire_array(&wire, 1, (const int32_t[]){ 2 });
    wire_int32(&wire, 4);
    wire_int32(&wire, INT32_MAX);
    wire_int32(&wire, 4);
    wire_int32(&wire, 1);
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 1);
    view = one_column_finish(&one);
    assert_false(ArrowArrayViewIsNull(view, 0));
    assert_true(ArrowArrayViewIsNull(view->children[0], 0));
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view->children[0], 1), 10958);
    one_column_done(&one);

    /* Sizes that promise more elements than there are bytes. */
    one_column_init(&one, &spec);
    wire_array(&wire, 1, (const int32_t[]){ INT32_MAX });
    assert_int_equal(one_column_add(&one, &wire), IDC_SOURCE_FAILED);
    one_column_done(&one);
}

static void
test_fail_unrepresentable(void **state)
{
    IdcBatchOptions options = { .batch_rows = 10, .fail_unrepresentable = true };
    OneColumn one;
    struct ArrowArray batch;

    (void) state;
    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_DATE }, &options);
    add_int32(&one, 7, IDC_OK);
    add_int32(&one, INT32_MAX, IDC_BAD_VALUE);
    assert_string_equal(one.err.message, "column \"c\" of type sometype holds a value in row 2 "
                                         "that Arrow cannot represent");
    /* A builder whose row failed says so and does not hand out half a row. */
    add_int32(&one, 7, IDC_MISUSE);
    assert_int_equal(idc_batch_finish(one.builder, &batch, &one.err), IDC_MISUSE);
    one_column_done(&one);
}

static void
test_limits(void **state)
{
    IdcBatchOptions rows = { .batch_rows = 3, .batch_bytes = 1 << 30 };
    IdcBatchOptions bytes = { .batch_rows = 1000, .batch_bytes = 10000 };
    IdcBatchOptions single = { .batch_rows = 3, .batch_bytes = 1, .single_batch = true };
    OneColumn one;
    int count = 0;

    (void) state;
    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_INT32 }, &rows);
    while (!idc_batch_is_full(one.builder))
        add_int32(&one, ++count, IDC_OK);
    assert_int_equal(count, 3);
    one_column_done(&one);

    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TEXT }, &bytes);
    for (count = 0; !idc_batch_is_full(one.builder); count++)
        add_text(&one, "a text of thirty-two characters.", IDC_OK);
    assert_in_range(count, 200, 400);
    one_column_done(&one);

    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_INT32 }, &single);
    for (count = 0; count < 100000; count++)
        add_int32(&one, count, IDC_OK);
    assert_false(idc_batch_is_full(one.builder));
    assert_int_equal(ArrowArrayViewGetIntUnsafe(one_column_finish(&one), 99999), 99999);
    one_column_done(&one);
}

/* Cut off anywhere, a row is an error; under the sanitizer, a byte read past its end is one too. */
static void
test_every_prefix_is_an_error(void **state)
{
    IdcBatchOptions options = { .batch_rows = 10 };
    Wire row = { 0 };

    (void) state;
    wire_every_kind(&row, false);
    for (size_t len = 0; len < row.len; len++) {
        IdcBatchBuilder *builder;
        IdcError err;
        uint8_t *prefix = malloc(len + (len == 0));

        assert_non_null(prefix);
        memcpy(prefix, row.data, len);
        assert_int_equal(
            idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err), IDC_OK);
        assert_int_equal(idc_batch_append_copy_row(builder, prefix, len, &err), IDC_SOURCE_FAILED);
        assert_non_null(strstr(err.message, "row 1"));
        idc_batch_builder_free(builder);
        free(prefix);
    }
    wire_done(&row);
}

/* Each kind alone: every prefix of the value that is not itself a value fails, none crashes. */
static void
test_every_prefix_of_each_kind(void **state)
{
    (void) state;
    for (size_t i = 0; i < EVERY_KIND_COUNT; i++) {
        bool is_text = every_kind[i].kind == IDC_KIND_TEXT ||
                       every_kind[i].kind == IDC_KIND_BYTES || every_kind[i].kind == IDC_KIND_ENUM;
        Wire value = { 0 };

        wire_value(&value, &every_kind[i]);
        for (size_t len = 0; len < value.len; len++) {
            bool is_value = is_text || (every_kind[i].kind == IDC_KIND_JSONB && len > 0);
            OneColumn one;
            Wire part = { 0 };

            one_column_init(&one, &every_kind[i]);
            wire_bytes(&part, value.data, len);
            assert_int_equal(one_column_add(&one, &part), is_value ? IDC_OK : IDC_SOURCE_FAILED);
            if (!is_value) {
                assert_non_null(strstr(one.err.message, every_kind[i].name));
                assert_non_null(strstr(one.err.message, every_kind[i].type_name));
            }
            one_column_done(&one);
        }
        wire_done(&value);
    }
}

/* Bytes changed at random: an answer or an error, and a valid batch if it was an answer. */
static void
test_damaged_rows(void **state)
{
    IdcBatchOptions options = { .batch_rows = 10 };
    uint64_t random = 88172645463325252u;
    struct ArrowSchema schema;
    IdcError err;
    Wire row = { 0 };

    (void) state;
    wire_every_kind(&row, false);
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    for (int i = 0; i < 20000; i++) {
        IdcBatchBuilder *builder;
        struct ArrowArray batch;
        struct ArrowArrayView view;
        uint8_t *damaged = malloc(row.len);

        assert_non_null(damaged);
        memcpy(damaged, row.data, row.len);
        for (int j = 0; j <= i % 3; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            damaged[(random >> 33) % row.len] = (uint8_t) (random >> 24);
        }
        assert_int_equal(
            idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err), IDC_OK);
        if (idc_batch_append_copy_row(builder, damaged, row.len, &err) == IDC_OK) {
            assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
            assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
            assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
            assert_int_equal(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL),
                             NANOARROW_OK);
            ArrowArrayViewReset(&view);
            batch.release(&batch);
        }
        idc_batch_builder_free(builder);
        free(damaged);
    }
    schema.release(&schema);
    wire_done(&row);
}

static void
test_wrong_rows(void **state)
{
    OneColumn one;
    Wire row = { 0 };

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TEXT });
    wire_int16(&row, 2);
    wire_int32(&row, -1);
    wire_int32(&row, -1);
    assert_int_equal(idc_batch_append_copy_row(one.builder, row.data, row.len, &one.err),
                     IDC_SOURCE_FAILED);
    wire_done(&row);
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TEXT });
    wire_int16(&row, 1);
    wire_int32(&row, -1);
    wire_bytes(&row, "", 1);
    assert_int_equal(idc_batch_append_copy_row(one.builder, row.data, row.len, &one.err),
                     IDC_SOURCE_FAILED);
    wire_done(&row);
    one_column_done(&one);

    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_TEXT });
    wire_int16(&row, 1);
    wire_int32(&row, -2);
    assert_int_equal(idc_batch_append_copy_row(one.builder, row.data, row.len, &one.err),
                     IDC_SOURCE_FAILED);
    wire_done(&row);
    one_column_done(&one);
}

/* No columns at all (SELECT FROM t): rows are still counted. */
static void
test_no_columns(void **state)
{
    IdcBatchOptions options = { .batch_rows = 10 };
    IdcBatchBuilder *builder;
    struct ArrowArray batch;
    IdcError err;

    (void) state;
    assert_int_equal(idc_batch_builder_new(NULL, 0, &options, &builder, &err), IDC_OK);
    assert_int_equal(idc_batch_append_copy_row(builder, (const uint8_t *) "\0\0", 2, &err), IDC_OK);
    assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
    assert_int_equal(batch.length, 1);
    batch.release(&batch);
    idc_batch_builder_free(builder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_every_kind),
        cmocka_unit_test(test_append_by_column),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_dates_and_times),
        cmocka_unit_test(test_wire_keeps_all),
        cmocka_unit_test(test_wire_decimals),
        cmocka_unit_test(test_interval_and_uuid),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_enum),
        cmocka_unit_test(test_hstore),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_fail_unrepresentable),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_prefix_is_an_error),
        cmocka_unit_test(test_every_prefix_of_each_kind),
        cmocka_unit_test(test_damaged_rows),
        cmocka_unit_test(test_wrong_rows),
        cmocka_unit_test(test_no_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
