/*
 * test_writer.c - streams as table, CSV, JSON and Arrow IPC.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "every_kind.h"

#include "arrow/rows.h"
#include "arrow/writer.h"
#include "nanoarrow_ipc.h"

/* Two rows of every kind, the second one NULLs, `batches` times. */
static void
every_kind_stream(struct ArrowArrayStream *stream, int64_t batches)
{
    IdcBatchOptions options = { .batch_rows = 2 };
    IdcBatchBuilder *builder;
    struct ArrowSchema schema;
    IdcError err;
    Wire row = { 0 }, nulls = { 0 };

    wire_every_kind(&row, false);
    wire_every_kind(&nulls, true);
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    assert_int_equal(ArrowBasicArrayStreamInit(stream, &schema, batches), NANOARROW_OK);
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    for (int64_t i = 0; i < batches; i++) {
        struct ArrowArray batch;

        assert_int_equal(idc_batch_append_copy_row(builder, row.data, row.len, &err), IDC_OK);
        assert_int_equal(idc_batch_append_copy_row(builder, nulls.data, nulls.len, &err), IDC_OK);
        assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
        ArrowBasicArrayStreamSetArray(stream, i, &batch);
    }
    idc_batch_builder_free(builder);
    wire_done(&row);
    wire_done(&nulls);
}

static const IdcColumnSpec text_specs[] = {
    { .name = "name", .type_name = "text", .kind = IDC_KIND_TEXT },
    { .name = "a \"b\"", .type_name = "integer", .kind = IDC_KIND_INT32 },
};

static void
text_stream(struct ArrowArrayStream *stream, const char *const (*values)[2], size_t count)
{
    IdcRows *rows;
    IdcError err;

    assert_int_equal(idc_rows_new(text_specs, 2, &rows, &err), IDC_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(idc_rows_add(rows, values[i], &err), IDC_OK);
    assert_int_equal(idc_rows_stream(rows, stream, &err), IDC_OK);
}

/* What the stream becomes; NUL-terminated, yours. */
static char *
written(struct ArrowArrayStream *stream, const char *format, const IdcWriteOptions *options,
        int64_t expected_rows, size_t *size)
{
    FILE *file = tmpfile();
    int64_t row_count = -1;
    IdcError err;
    char *bytes;
    long len;

    assert_non_null(file);
    idc_error_init(&err);
    if (idc_stream_write(stream, format, fileno(file), options, &row_count, &err) != IDC_OK)
        fail_msg("%s", err.message);
    assert_int_equal(row_count, expected_rows);
    stream->release(stream);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    len = ftell(file);
    rewind(file);
    bytes = malloc((size_t) len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t) len, file), len);
    bytes[len] = '\0';
    if (size != NULL)
        *size = (size_t) len;
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static const char *const awkward[][2] = {
    { "plain", "1" }, { "a,b", "-2" }, { "say \"hi\"", "3" }, { "two\nlines", NULL },
    { "", "5" },      { NULL, "6" },   { "日本", "77" },      { "esc\x1b[31m", "8" },
};

static void
test_csv(void **state)
{
    IdcWriteOptions options = { .has_header = true };
    struct ArrowArrayStream stream;
    char *text;

    (void) state;
    text_stream(&stream, awkward, 8);
    text = written(&stream, "csv", &options, 8, NULL);
    assert_string_equal(text, "name,\"a \"\"b\"\"\"\nplain,1\n\"a,b\",-2\n\"say \"\"hi\"\"\",3\n"
                              "\"two\nlines\",\n\"\",5\n,6\n日本,77\nesc\x1b[31m,8\n");
    free(text);
    options = (IdcWriteOptions){ .null_text = "NULL" };
    text_stream(&stream, (const char *const[][2]){ { NULL, NULL }, { "NULL", "1" }, { "", "2" } },
                3);
    text = written(&stream, "csv", &options, 3, NULL);
    assert_string_equal(text, "NULL,NULL\n\"NULL\",1\n,2\n");
    free(text);
}

static void
test_table(void **state)
{
    IdcWriteOptions options = { .null_text = "-" };
    struct ArrowArrayStream stream;
    char *text;

    (void) state;
    text_stream(&stream, awkward, 8);
    text = written(&stream, "table", &options, 8, NULL);
    assert_string_equal(text, " name        | a \"b\"\n"
                              "-------------+-------\n"
                              " plain       |     1\n"
                              " a,b         |    -2\n"
                              " say \"hi\"    |     3\n"
                              " two\\nlines  |     -\n"
                              "             |     5\n"
                              " -           |     6\n"
                              " 日本        |    77\n"
                              " esc\\x1b[31m |     8\n");
    free(text);
    options.max_width = 10;
    text_stream(&stream, awkward, 1);
    text = written(&stream, "table", &options, 1, NULL);
    assert_string_equal(text, " name  | …\n-------+-…\n plain | …\n");
    free(text);
    text_stream(&stream, awkward, 0);
    text = written(&stream, "table", &options, 0, NULL);
    assert_string_equal(text, " name | a…\n------+--…\n");
    free(text);
}

/* More rows than are measured: the later ones go out too. */
static void
test_long_table(void **state)
{
    IdcWriteOptions options = { 0 };
    struct ArrowArrayStream stream;
    const char *(*values)[2] = calloc(2500, sizeof *values);
    size_t lines = 0;
    char *text;

    (void) state;
    assert_non_null(values);
    for (size_t i = 0; i < 2500; i++) {
        values[i][0] = i == 2000 ? "wider than all of the first rows" : "x";
        values[i][1] = "1";
    }
    text_stream(&stream, (const char *const(*)[2]) values, 2500);
    text = written(&stream, "table", &options, 2500, NULL);
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 2502);
    assert_non_null(strstr(text, "\n wider than all of the first rows |     1\n"));
    free(text);
    free(values);
}

static void
test_json(void **state)
{
    IdcWriteOptions options = { 0 };
    struct ArrowArrayStream stream;
    char *text;

    (void) state;
    text_stream(&stream, (const char *const[][2]){ { "a\"\n", "1" }, { NULL, NULL } }, 2);
    text = written(&stream, "json", &options, 2, NULL);
    assert_string_equal(text, "[\n{\"name\":\"a\\\"\\n\",\"a \\\"b\\\"\":1},\n"
                              "{\"name\":null,\"a \\\"b\\\"\":null}\n]\n");
    free(text);
    text_stream(&stream, awkward, 0);
    text = written(&stream, "json", &options, 0, NULL);
    assert_string_equal(text, "[]\n");
    free(text);
}

static void
test_every_kind_as_json(void **state)
{
    IdcWriteOptions options = { 0 };
    struct ArrowArrayStream stream;
    char *text, *end;

    (void) state;
    every_kind_stream(&stream, 1);
    text = written(&stream, "ndjson", &options, 2, NULL);
    end = strchr(text, '\n');
    assert_non_null(end);
    *end = '\0';
    assert_string_equal(
        text,
        "{\"BOOL\":true,\"INT16\":-32768,\"INT32\":-2147483648,\"INT64\":-9223372036854775808,"
        "\"UINT32\":4294967295,\"UINT64\":18446744073709551615,\"FLOAT32\":1.5,\"FLOAT64\":0.1,"
        "\"NUMERIC_FLOAT64\":-12345.67,\"NUMERIC_DECIMAL\":-12345.670,"
        "\"NUMERIC_STRING\":\"-12345.670\",\"TEXT\":\"Größe\",\"JSONB\":\"{\\\"k\\\": 1}\","
        "\"BYTES\":\"\\\\x00ff\",\"DATE\":\"1969-12-31\",\"TIME\":\"23:59:59.999999\","
        "\"TIMESTAMP\":\"2013-01-01T01:00:00\",\"TIMESTAMPTZ\":\"2013-01-01T01:00:00+00:00\","
        "\"INTERVAL\":\"P1Y2M3DT4H5M6.789S\",\"UUID\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\","
        "\"ENUM\":\"happy\",\"HSTORE\":{\"a\":\"1\",\"b \\\"q\\\"\":null},"
        "\"LIST\":[\"x\",null,\"\",\"a,b\"],\"LIST2\":[[0,1,2],[3,4,5]]}");
    assert_non_null(strstr(end + 1, "{\"BOOL\":null,"));
    assert_non_null(strstr(end + 1, "\"LIST2\":null}\n"));
    free(text);
}

static void
test_every_kind_as_csv(void **state)
{
    IdcWriteOptions options = { 0 };
    struct ArrowArrayStream stream;
    char *text;

    (void) state;
    every_kind_stream(&stream, 1);
    text = written(&stream, "csv", &options, 2, NULL);
    assert_string_equal(
        text, "t,-32768,-2147483648,-9223372036854775808,4294967295,18446744073709551615,1.5,0.1,"
              "-12345.67,-12345.670,-12345.670,Größe,\"{\"\"k\"\": 1}\",\\x00ff,1969-12-31,"
              "23:59:59.999999,2013-01-01 01:00:00,2013-01-01 01:00:00+00,"
              "1 year 2 mons 3 days 04:05:06.789,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,happy,"
              "\"\"\"a\"\"=>\"\"1\"\", \"\"b \\\"\"q\\\"\"\"\"=>NULL\","
              "\"{x,NULL,\"\"\"\",\"\"a,b\"\"}\",\"{{0,1,2},{3,4,5}}\"\n"
              ",,,,,,,,,,,,,,,,,,,,,,,\n");
    free(text);
}

/* One value of a kind as CSV or NDJSON. */
static void
assert_one(const IdcColumnSpec *spec, Wire *value, const char *csv, const char *json)
{
    IdcWriteOptions options = { 0 };

    for (int i = 0; i < 2; i++) {
        OneColumn one;
        Wire copy = { 0 };
        struct ArrowArrayStream stream;
        struct ArrowArray batch;
        struct ArrowSchema schema;
        char *text, expected[256];

        one_column_init(&one, spec);
        wire_bytes(&copy, value->data, value->len);
        assert_int_equal(one_column_add(&one, &copy), IDC_OK);
        assert_int_equal(idc_batch_finish(one.builder, &batch, &one.err), IDC_OK);
        assert_int_equal(idc_columns_schema(&one.spec, 1, &schema, &one.err), IDC_OK);
        assert_int_equal(ArrowBasicArrayStreamInit(&stream, &schema, 1), NANOARROW_OK);
        ArrowBasicArrayStreamSetArray(&stream, 0, &batch);
        text = written(&stream, i == 0 ? "csv" : "ndjson", &options, 1, NULL);
        (void) snprintf(expected, sizeof expected, i == 0 ? "%s\n" : "{\"c\":%s}\n",
                        i == 0 ? csv : json);
        assert_string_equal(text, expected);
        free(text);
        one_column_done(&one);
    }
    wire_done(value);
}

static void
test_times_as_text(void **state)
{
    static const IdcColumnSpec date = { .kind = IDC_KIND_DATE };
    static const IdcColumnSpec stamp = { .kind = IDC_KIND_TIMESTAMP };
    static const IdcColumnSpec interval = { .kind = IDC_KIND_INTERVAL };
    Wire wire = { 0 };

    (void) state;
    wire_int32(&wire, -2451545);
    assert_one(&date, &wire, "4714-11-24 BC", "\"-4713-11-24\"");
    wire_int32(&wire, 2145031948);
    assert_one(&date, &wire, "5874897-12-31", "\"5874897-12-31\"");
    wire_int32(&wire, 59);
    assert_one(&date, &wire, "2000-02-29", "\"2000-02-29\"");
    wire_int64(&wire, -1);
    assert_one(&stamp, &wire, "1999-12-31 23:59:59.999999", "\"1999-12-31T23:59:59.999999\"");
    wire_int64(&wire, INT64_C(-211813488000000000));
    assert_one(&stamp, &wire, "4714-11-24 00:00:00 BC", "\"-4713-11-24T00:00:00\"");
    wire_int64(&wire, 0);
    wire_int64(&wire, 0);
    assert_one(&interval, &wire, "00:00:00", "\"PT0S\"");
    wire_int64(&wire, INT64_C(-14706000000));
    wire_int32(&wire, 3);
    wire_int32(&wire, -14);
    assert_one(&interval, &wire, "-1 years -2 mons +3 days -04:05:06", "\"P-1Y-2M3DT-4H-5M-6S\"");
    wire_int64(&wire, -500000);
    wire_int64(&wire, 0);
    assert_one(&interval, &wire, "-00:00:00.5", "\"PT-0.5S\"");
    wire_int64(&wire, 0);
    wire_int32(&wire, 1);
    wire_int32(&wire, 0);
    assert_one(&interval, &wire, "1 day", "\"P1D\"");
}

static void
test_numbers_as_text(void **state)
{
    static const IdcColumnSpec real = { .kind = IDC_KIND_FLOAT64 };
    static const IdcColumnSpec decimal = { .kind = IDC_KIND_NUMERIC_DECIMAL,
                                           .precision = 38,
                                           .scale = 10 };
    static const IdcColumnSpec thousands = { .kind = IDC_KIND_NUMERIC_DECIMAL,
                                             .precision = 5,
                                             .scale = -3 };
    Wire wire = { 0 };

    (void) state;
    wire_int64(&wire, INT64_C(0x7ff8000000000000));
    assert_one(&real, &wire, "NaN", "\"NaN\"");
    wire_int64(&wire, INT64_C(0x7ff0000000000000));
    assert_one(&real, &wire, "Infinity", "\"Infinity\"");
    wire_int64(&wire, (int64_t) 0xfff0000000000000u);
    assert_one(&real, &wire, "-Infinity", "\"-Infinity\"");
    wire_int64(&wire, INT64_C(0x3fd5555555555555));
    assert_one(&real, &wire, "0.3333333333333333", "0.3333333333333333");
    wire_int64(&wire, 1);
    assert_one(&real, &wire, "4.94065645841247e-324", "4.94065645841247e-324");
    wire_numeric(&wire, "0.0000000001");
    assert_one(&decimal, &wire, "0.0000000001", "0.0000000001");
    wire_numeric(&wire, "-9999999999999999999999999999.9999999999");
    assert_one(&decimal, &wire, "-9999999999999999999999999999.9999999999",
               "-9999999999999999999999999999.9999999999");
    wire_numeric(&wire, "-12000");
    assert_one(&thousands, &wire, "-12000", "-12000");
}

/* What is written as IPC reads back as the same CSV. */
static void
test_ipc(void **state)
{
    IdcWriteOptions options = { .has_header = true };
    struct ArrowArrayStream stream;
    struct ArrowIpcInputStream input;
    struct ArrowBuffer buffer;
    struct ArrowSchema schema;
    char *bytes, *expected, *text;
    size_t size;

    (void) state;
    every_kind_stream(&stream, 3);
    expected = written(&stream, "csv", &options, 6, NULL);
    every_kind_stream(&stream, 3);
    bytes = written(&stream, "arrow", &options, 6, &size);
    ArrowBufferInit(&buffer);
    assert_int_equal(ArrowBufferAppend(&buffer, bytes, (int64_t) size), NANOARROW_OK);
    assert_int_equal(ArrowIpcInputStreamInitBuffer(&input, &buffer), NANOARROW_OK);
    assert_int_equal(ArrowIpcArrayStreamReaderInit(&stream, &input, NULL), NANOARROW_OK);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[20]->format, "U");
    assert_null(schema.children[20]->dictionary);
    schema.release(&schema);
    text = written(&stream, "csv", &options, 6, NULL);
    assert_string_equal(text, expected);
    free(bytes);
    free(text);
    free(expected);
}

static void
test_unknown_format(void **state)
{
    IdcWriteOptions options = { 0 };
    struct ArrowArrayStream stream;
    IdcError err;

    (void) state;
    idc_error_init(&err);
    text_stream(&stream, awkward, 1);
    assert_int_equal(idc_stream_write(&stream, "cvs", 1, &options, NULL, &err), IDC_BAD_VALUE);
    assert_non_null(strstr(err.hint, "csv"));
    stream.release(&stream);
}

/* A full disk and a reader that went away are errors with the system's words, in every format. */
static void
test_failed_writes(void **state)
{
    static const char *const formats[] = { "table", "csv", "json", "ndjson", "arrow" };
    IdcWriteOptions options = { 0 };
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];
    void (*previous)(int) = signal(SIGPIPE, SIG_IGN);

    (void) state;
    assert_true(full >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(close(ends[0]), 0);
    for (size_t i = 0; i < 5; i++) {
        struct ArrowArrayStream stream;
        IdcError err;

        idc_error_init(&err);
        every_kind_stream(&stream, 1);
        assert_int_equal(idc_stream_write(&stream, formats[i], full, &options, NULL, &err),
                         IDC_IO_FAILED);
        assert_non_null(strstr(err.message, "No space left"));
        stream.release(&stream);
        every_kind_stream(&stream, 1);
        assert_int_equal(idc_stream_write(&stream, formats[i], ends[1], &options, NULL, &err),
                         IDC_IO_FAILED);
        assert_non_null(strstr(err.message, "Broken pipe"));
        stream.release(&stream);
    }
    assert_int_equal(close(full), 0);
    assert_int_equal(close(ends[1]), 0);
    (void) signal(SIGPIPE, previous);
}

/* A stream whose source fails after its schema. */
static int
failing_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    (void) stream;
    (void) batch;
    return ECANCELED;
}

static const char *
failing_error(struct ArrowArrayStream *stream)
{
    (void) stream;
    return "the query was canceled";
}

static void
test_failed_stream(void **state)
{
    static const char *const formats[] = { "table", "csv", "json", "ndjson", "arrow" };
    IdcWriteOptions options = { 0 };
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void) state;
    assert_true(null >= 0);
    for (size_t i = 0; i < 5; i++) {
        struct ArrowArrayStream stream;
        int64_t row_count = -1;
        IdcError err;

        idc_error_init(&err);
        every_kind_stream(&stream, 1);
        stream.get_next = failing_next;
        stream.get_last_error = failing_error;
        assert_int_equal(idc_stream_write(&stream, formats[i], null, &options, &row_count, &err),
                         IDC_CANCELED);
        assert_string_equal(err.message, "the query was canceled");
        assert_int_equal(row_count, 0);
        stream.release(&stream);
    }
    assert_int_equal(close(null), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_table),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_every_kind_as_json),
        cmocka_unit_test(test_every_kind_as_csv),
        cmocka_unit_test(test_times_as_text),
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_ipc),
        cmocka_unit_test(test_unknown_format),
        cmocka_unit_test(test_failed_writes),
        cmocka_unit_test(test_failed_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
