/*
 * test_copy_reader.c - the frame of a binary COPY, in messages of every shape.
 */
#include "wire.h"

#include "arrow/copy_reader.h"

static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and one NUL too many */

typedef struct Fixture {
    IdcBatchBuilder *builder;
    IdcCopyReader *reader;
    IdcError err;
} Fixture;

static const IdcColumnSpec number = { .name = "n", .type_name = "integer", .kind = IDC_KIND_INT32 };

static void
fixture_init(Fixture *fixture)
{
    IdcBatchOptions options = { .batch_rows = 100 };

    idc_error_init(&fixture->err);
    assert_int_equal(idc_batch_builder_new(&number, 1, &options, &fixture->builder, &fixture->err),
                     IDC_OK);
    assert_int_equal(idc_copy_reader_new(fixture->builder, &fixture->reader, &fixture->err),
                     IDC_OK);
}

static void
fixture_done(Fixture *fixture)
{
    idc_copy_reader_free(fixture->reader);
    idc_batch_builder_free(fixture->builder);
}

/* A message of its own memory, so that the sanitizer sees its end. */
static IdcStatus
feed(Fixture *fixture, const void *bytes, size_t len)
{
    uint8_t *message = malloc(len + (len == 0));
    IdcStatus status;

    assert_non_null(message);
    memcpy(message, bytes, len);
    status = idc_copy_reader_feed(fixture->reader, message, len, &fixture->err);
    free(message);
    return status;
}

static void
wire_row(Wire *wire, int32_t value)
{
    wire_int16(wire, 1);
    wire_int32(wire, 4);
    wire_int32(wire, value);
}

/* As PostgreSQL sends it: header and first row share a message, the trailer has its own. */
static void
test_as_sent(void **state)
{
    Fixture fixture;
    Wire wire = { 0 };

    (void) state;
    fixture_init(&fixture);
    wire_bytes(&wire, header, 19);
    wire_row(&wire, 1);
    assert_int_equal(feed(&fixture, wire.data, wire.len), IDC_OK);
    wire_done(&wire);
    wire_row(&wire, 2);
    assert_int_equal(feed(&fixture, wire.data, wire.len), IDC_OK);
    assert_false(idc_copy_reader_is_complete(fixture.reader));
    assert_int_equal(feed(&fixture, "\377\377", 2), IDC_OK);
    assert_true(idc_copy_reader_is_complete(fixture.reader));
    assert_int_equal(idc_batch_row_count(fixture.builder), 2);
    assert_int_equal(feed(&fixture, "\377\377", 2), IDC_SOURCE_FAILED);
    wire_done(&wire);
    fixture_done(&fixture);
}

/* All in one message, with an extension of the header that is to be skipped. */
static void
test_one_message(void **state)
{
    Fixture fixture;
    Wire wire = { 0 };

    (void) state;
    fixture_init(&fixture);
    wire_bytes(&wire, header, 15);
    wire_int32(&wire, 5);
    wire_bytes(&wire, "extra", 5);
    for (int i = 0; i < 10; i++)
        wire_row(&wire, i);
    wire_int16(&wire, -1);
    assert_int_equal(feed(&fixture, wire.data, wire.len), IDC_OK);
    assert_true(idc_copy_reader_is_complete(fixture.reader));
    assert_int_equal(idc_batch_row_count(fixture.builder), 10);
    wire_done(&wire);
    fixture_done(&fixture);
}

static void
test_split_header_and_trailer(void **state)
{
    (void) state;
    for (size_t cut = 0; cut <= 24; cut++) {
        Fixture fixture;
        Wire wire = { 0 };

        fixture_init(&fixture);
        wire_bytes(&wire, header, 15);
        wire_int32(&wire, 5);
        wire_bytes(&wire, "extra", 5);
        assert_int_equal(feed(&fixture, wire.data, cut), IDC_OK);
        assert_int_equal(feed(&fixture, wire.data + cut, wire.len - cut), IDC_OK);
        wire_done(&wire);
        wire_row(&wire, 7);
        assert_int_equal(feed(&fixture, wire.data, wire.len), IDC_OK);
        assert_int_equal(feed(&fixture, wire.data, 1), IDC_OK);
        assert_int_equal(feed(&fixture, wire.data + 1, wire.len - 1), IDC_OK);
        assert_int_equal(feed(&fixture, "\377", 1), IDC_OK);
        assert_false(idc_copy_reader_is_complete(fixture.reader));
        assert_int_equal(feed(&fixture, "\377", 1), IDC_OK);
        assert_true(idc_copy_reader_is_complete(fixture.reader));
        assert_int_equal(idc_batch_row_count(fixture.builder), 2);
        wire_done(&wire);
        fixture_done(&fixture);
    }
}

static void
test_wrong_headers(void **state)
{
    Fixture fixture;
    Wire wire = { 0 };

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(feed(&fixture, "PGCOPY\n\377\n\n\0\0\0\0\0\0\0\0\0", 19), IDC_SOURCE_FAILED);
    fixture_done(&fixture);

    fixture_init(&fixture);
    assert_int_equal(feed(&fixture, "PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0", 19), IDC_UNSUPPORTED);
    assert_non_null(strstr(fixture.err.message, "oids"));
    fixture_done(&fixture);

    fixture_init(&fixture);
    assert_int_equal(feed(&fixture, "PGCOPY\n\377\r\n\0\0\2\0\0\0\0\0\0", 19), IDC_UNSUPPORTED);
    fixture_done(&fixture);

    fixture_init(&fixture);
    wire_bytes(&wire, header, 15);
    wire_int32(&wire, -1);
    assert_int_equal(feed(&fixture, wire.data, wire.len), IDC_SOURCE_FAILED);
    wire_done(&wire);
    fixture_done(&fixture);
}

/* A stream that ends early is not complete, a row that is cut off is an error. */
static void
test_cut_off(void **state)
{
    Fixture fixture;
    Wire wire = { 0 };

    (void) state;
    wire_row(&wire, 1);
    for (size_t len = 2; len < wire.len; len++) {
        fixture_init(&fixture);
        assert_int_equal(feed(&fixture, header, 19), IDC_OK);
        assert_int_equal(feed(&fixture, wire.data, len), IDC_SOURCE_FAILED);
        assert_false(idc_copy_reader_is_complete(fixture.reader));
        fixture_done(&fixture);
    }
    wire_done(&wire);
    idc_copy_reader_free(NULL);
    idc_batch_builder_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_sent),
        cmocka_unit_test(test_one_message),
        cmocka_unit_test(test_split_header_and_trailer),
        cmocka_unit_test(test_wrong_headers),
        cmocka_unit_test(test_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
