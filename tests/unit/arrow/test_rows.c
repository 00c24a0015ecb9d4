/*
 * test_rows.c - small results as a stream.
 */
#include "wire.h"

#include "arrow/rows.h"

static const IdcColumnSpec specs[] = {
    { .name = "table", .type_name = "text", .kind = IDC_KIND_TEXT },
    { .name = "ok", .type_name = "boolean", .kind = IDC_KIND_BOOL },
    { .name = "small", .type_name = "integer", .kind = IDC_KIND_INT32 },
    { .name = "rows", .type_name = "bigint", .kind = IDC_KIND_INT64 },
};

static void
test_stream(void **state)
{
    IdcRows *rows;
    IdcError err;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch, end;
    struct ArrowArrayView view;

    (void) state;
    assert_int_equal(idc_rows_new(specs, 4, &rows, &err), IDC_OK);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ "orders", "true", "-7", "336776" }, &err),
                     IDC_OK);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ NULL, "f", NULL, NULL }, &err), IDC_OK);
    assert_int_equal(idc_rows_count(rows), 2);
    assert_int_equal(idc_rows_stream(rows, &stream, &err), IDC_OK);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    assert_string_equal(schema.children[3]->name, "rows");
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[1], 0), 1);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[2], 0), -7);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[3], 0), 336776);
    assert_true(ArrowArrayViewIsNull(view.children[0], 1));
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[1], 1), 0);
    ArrowArrayViewReset(&view);
    /* The batch does not need the stream, nor the rows. */
    stream.release(&stream);
    batch.release(&batch);
    schema.release(&schema);
}

static void
test_wrong_values(void **state)
{
    IdcRows *rows;
    IdcError err;

    (void) state;
    assert_int_equal(idc_rows_new(specs, 4, &rows, &err), IDC_OK);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ "a", "perhaps", "1", "1" }, &err),
                     IDC_BAD_VALUE);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ "a", "t", "2147483648", "1" }, &err),
                     IDC_BAD_VALUE);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ "a", "t", "1", "1.5" }, &err),
                     IDC_BAD_VALUE);
    assert_int_equal(idc_rows_count(rows), 0);
    assert_int_equal(idc_rows_add(rows, (const char *[]){ "a", "t", "1", "1" }, &err), IDC_OK);
    assert_int_equal(idc_rows_count(rows), 1);
    idc_rows_free(rows);
    idc_rows_free(NULL);
}

static void
test_empty(void **state)
{
    IdcRows *rows;
    IdcError err;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;

    (void) state;
    assert_int_equal(idc_rows_new(specs, 4, &rows, &err), IDC_OK);
    assert_int_equal(idc_rows_stream(rows, &stream, &err), IDC_OK);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 0);
    batch.release(&batch);
    stream.release(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
