/*
 * test_driver.c - the ADBC driver without a server: its table, objects out of order, errors, and
 * parameters from hand-made Arrow arrays.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adbc/driver.h"
#include "adbc/table.h"
#include "adbc/values.h"

AdbcStatusCode InstantDriverInit(int version, void *driver, struct AdbcError *error);

static const struct AdbcError empty_error = { .vendor_code = ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA };

static void
error_clear(struct AdbcError *error)
{
    if (error->release != NULL)
        error->release(error);
    *error = empty_error;
}

#define assert_fails(call, code, words)                                                            \
    do {                                                                                           \
        assert_int_equal(call, code);                                                              \
        assert_non_null(error.message);                                                            \
        assert_non_null(strstr(error.message, words));                                             \
        error_clear(&error);                                                                       \
    } while (0)

/* ---- the table of calls ---- */

static void
test_versions(void **state)
{
    struct AdbcError error = empty_error;
    struct AdbcDriver driver;
    unsigned char *bytes = (unsigned char *) &driver;

    (void) state;
    memset(&driver, 0xAA, sizeof driver);
    assert_int_equal(InstantDriverInit(ADBC_VERSION_1_0_0, &driver, &error), ADBC_STATUS_OK);
    assert_non_null(driver.StatementSetSubstraitPlan);
    for (size_t i = ADBC_DRIVER_1_0_0_SIZE; i < sizeof driver; i++)
        assert_int_equal(bytes[i], 0xAA);
    assert_int_equal(InstantDriverInit(ADBC_VERSION_1_1_0, &driver, &error), ADBC_STATUS_OK);
    assert_non_null(driver.ErrorFromArrayStream);
    assert_int_equal(driver.release(&driver, &error), ADBC_STATUS_OK);
    assert_fails(InstantDriverInit(1002000, &driver, &error), ADBC_STATUS_NOT_IMPLEMENTED, "1.2.0");
    assert_fails(InstantDriverInit(ADBC_VERSION_1_1_0, NULL, &error), ADBC_STATUS_INVALID_ARGUMENT,
                 "no driver");
}

/* ---- objects ---- */

static struct AdbcDriver
loaded(void)
{
    struct AdbcDriver driver;

    assert_int_equal(InstantDriverInit(ADBC_VERSION_1_1_0, &driver, NULL), ADBC_STATUS_OK);
    return driver;
}

static void
test_released_objects(void **state)
{
    struct AdbcDriver driver = loaded();
    struct AdbcError error = empty_error;
    struct AdbcDatabase database = { 0 };
    struct AdbcConnection connection = { 0 };
    struct AdbcStatement statement = { 0 };
    struct ArrowArrayStream stream = { 0 };
    size_t length = 0;

    (void) state;
    assert_fails(driver.DatabaseInit(&database, &error), ADBC_STATUS_INVALID_STATE, "released");
    assert_fails(driver.DatabaseSetOption(&database, "uri", "", &error), ADBC_STATUS_INVALID_STATE,
                 "released");
    assert_int_equal(driver.DatabaseNew(&database, &error), ADBC_STATUS_OK);
    assert_int_equal(driver.DatabaseRelease(&database, &error), ADBC_STATUS_OK);
    assert_null(database.private_data);
    assert_fails(driver.DatabaseRelease(&database, &error), ADBC_STATUS_INVALID_STATE, "released");
    assert_fails(driver.ConnectionInit(&connection, &database, &error), ADBC_STATUS_INVALID_STATE,
                 "released");
    assert_fails(driver.ConnectionRelease(&connection, &error), ADBC_STATUS_INVALID_STATE,
                 "released");
    assert_fails(driver.ConnectionGetTableTypes(&connection, &stream, &error),
                 ADBC_STATUS_INVALID_STATE, "released");
    assert_fails(driver.ConnectionGetOption(&connection, "x", NULL, &length, &error),
                 ADBC_STATUS_INVALID_STATE, "released");
    assert_fails(driver.StatementNew(&connection, &statement, &error), ADBC_STATUS_INVALID_STATE,
                 "released");
    assert_fails(driver.StatementRelease(&statement, &error), ADBC_STATUS_INVALID_STATE,
                 "released");
    assert_fails(driver.StatementExecuteQuery(&statement, &stream, NULL, &error),
                 ADBC_STATUS_INVALID_STATE, "released");
    assert_fails(driver.StatementCancel(&statement, &error), ADBC_STATUS_INVALID_STATE, "released");
}

static void
test_objects_out_of_order(void **state)
{
    struct AdbcDriver driver = loaded();
    struct AdbcError error = empty_error;
    struct AdbcDatabase database = { 0 };
    struct AdbcConnection connection = { 0 };
    struct AdbcStatement statement = { 0 };

    (void) state;
    assert_int_equal(driver.DatabaseNew(&database, &error), ADBC_STATUS_OK);
    assert_int_equal(driver.ConnectionNew(&connection, &error), ADBC_STATUS_OK);
    assert_fails(driver.StatementNew(&connection, &statement, &error), ADBC_STATUS_INVALID_STATE,
                 "not open yet");
    assert_fails(driver.ConnectionInit(&connection, &database, &error), ADBC_STATUS_INVALID_STATE,
                 "not open yet");
    assert_fails(driver.ConnectionCancel(&connection, &error), ADBC_STATUS_INVALID_STATE,
                 "not open yet");
    assert_fails(
        driver.ConnectionSetOption(&connection, ADBC_CONNECTION_OPTION_AUTOCOMMIT, "false", &error),
        ADBC_STATUS_NOT_IMPLEMENTED, "autocommit");
    assert_int_equal(driver.ConnectionRelease(&connection, &error), ADBC_STATUS_OK);
    assert_int_equal(driver.DatabaseRelease(&database, &error), ADBC_STATUS_OK);
}

static void
test_database_options(void **state)
{
    struct AdbcDriver driver = loaded();
    struct AdbcError error = empty_error;
    struct AdbcDatabase database = { 0 };
    char value[8] = "";
    size_t length = sizeof value;

    (void) state;
    assert_int_equal(driver.DatabaseNew(&database, &error), ADBC_STATUS_OK);
    assert_int_equal(driver.DatabaseSetOption(&database, "uri", "instant:", &error),
                     ADBC_STATUS_OK);
    assert_int_equal(driver.DatabaseSetOptionInt(&database, "instant.pool_size", 3, &error),
                     ADBC_STATUS_OK);
    assert_int_equal(
        driver.DatabaseGetOption(&database, "instant.pool_size", value, &length, &error),
        ADBC_STATUS_OK);
    assert_string_equal(value, "3");
    assert_int_equal(length, 2);
    assert_int_equal(driver.DatabaseSetOption(&database, "password", "swordfish", &error),
                     ADBC_STATUS_OK);
    length = sizeof value;
    assert_fails(
        driver.DatabaseGetOption(&database, "instant.hub.password", value, &length, &error),
        ADBC_STATUS_NOT_FOUND, "not set");
    assert_int_equal(driver.DatabaseSetOption(&database, "uri", "mysql://u:swordfish@h/d", &error),
                     ADBC_STATUS_INVALID_ARGUMENT);
    assert_null(strstr(error.message, "swordfish"));
    error_clear(&error);
    assert_fails(driver.DatabaseSetOption(&database, "colour", "red", &error),
                 ADBC_STATUS_NOT_IMPLEMENTED, "colour");
    assert_int_equal(driver.DatabaseSetOption(&database, "instant.colour", "red", &error),
                     ADBC_STATUS_OK);
    assert_fails(driver.DatabaseInit(&database, &error), ADBC_STATUS_INVALID_ARGUMENT, "colour");
    assert_int_equal(driver.DatabaseRelease(&database, &error), ADBC_STATUS_OK);
}

/* ---- errors ---- */

static void
test_errors(void **state)
{
    struct AdbcError error = empty_error;
    struct AdbcError old = { .vendor_code = 7 };
    InstantError err = {
        .status = INSTANT_QUERY_FAILED, .sqlstate = "23505", .message = "twice", .hint = "once"
    };
    struct AdbcErrorDetail detail;

    (void) state;
    assert_int_equal(idc_adbc_fail_instant(&error, &err), ADBC_STATUS_INTEGRITY);
    assert_string_equal(error.message, "twice\nhint: once");
    assert_memory_equal(error.sqlstate, "23505", 5);
    assert_int_equal(idc_adbc_error_detail_count(&error), 4);
    detail = idc_adbc_error_detail(&error, 3);
    assert_string_equal(detail.key, "instant.hint");
    assert_int_equal(detail.value_length, 4);
    assert_null(idc_adbc_error_detail(&error, 4).key);
    /* A second error takes the place of the first. */
    assert_int_equal(idc_adbc_fail(&error, ADBC_STATUS_IO, NULL, "%s", "again"), ADBC_STATUS_IO);
    assert_int_equal(idc_adbc_error_detail_count(&error), 0);
    error_clear(&error);
    /* A caller of ADBC 1.0 has no room for details. */
    assert_int_equal(idc_adbc_fail_instant(&old, &err), ADBC_STATUS_INTEGRITY);
    assert_null(old.private_data);
    assert_int_equal(idc_adbc_error_detail_count(&old), 0);
    old.release(&old);
    assert_int_equal(idc_adbc_fail_instant(NULL, &err), ADBC_STATUS_INTEGRITY);
}

static void
test_statuses(void **state)
{
    static const struct {
        InstantStatus status;
        const char *sqlstate;
        AdbcStatusCode code;
    } known[] = {
        { INSTANT_QUERY_FAILED, "42601", ADBC_STATUS_INVALID_ARGUMENT },
        { INSTANT_QUERY_FAILED, "42501", ADBC_STATUS_UNAUTHORIZED },
        { INSTANT_QUERY_FAILED, "42P07", ADBC_STATUS_ALREADY_EXISTS },
        { INSTANT_SOURCE_FAILED, "HV00N", ADBC_STATUS_IO },
        { INSTANT_QUERY_FAILED, "57014", ADBC_STATUS_CANCELLED },
        { INSTANT_QUERY_FAILED, "99999", ADBC_STATUS_UNKNOWN },
        { INSTANT_BAD_VALUE, "42P02", ADBC_STATUS_INVALID_ARGUMENT },
        { INSTANT_BAD_VALUE, "22023", ADBC_STATUS_INVALID_DATA },
        { INSTANT_TIMEOUT, "57014", ADBC_STATUS_TIMEOUT },
        { INSTANT_BAD_CREDENTIAL, "28P01", ADBC_STATUS_UNAUTHENTICATED },
        { INSTANT_MISUSE, "", ADBC_STATUS_INVALID_STATE },
    };

    (void) state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        InstantError err = { .status = known[i].status };

        memcpy(err.sqlstate, known[i].sqlstate, strlen(known[i].sqlstate));
        assert_int_equal(idc_adbc_status_of(&err), known[i].code);
    }
}

/* ---- values ---- */

/* The text of value i of a column with this format and one buffer of values. */
static void
check_value(const char *format, const void *values, int64_t i, InstantValueKind kind,
            const char *expected)
{
    const void *buffers[2] = { NULL, values };
    struct ArrowSchema schema = { .format = format, .name = "x" };
    struct ArrowArray array = { .length = i + 1, .n_buffers = 2, .buffers = buffers };
    struct AdbcError error = empty_error;
    AdbcText text = { 0 };
    InstantValueKind found, element;

    assert_int_equal(idc_adbc_value(&schema, &array, i, &text, &found, &element, &error),
                     ADBC_STATUS_OK);
    assert_int_equal(found, kind);
    assert_string_equal(text.data, expected);
    idc_adbc_text_done(&text);
}

static void
test_numbers(void **state)
{
    int64_t longs[] = { INT64_MIN, INT64_MAX, -1 };
    int8_t bytes[] = { -128 };
    uint64_t big = UINT64_MAX;
    double doubles[] = { 0.5, -1.0 / 0.0, 1e300 };
    uint16_t halves[] = { 0x3E00, 0xFC00, 0x0001, 0x7E00 };
    float single = 0.1F;

    (void) state;
    check_value("l", longs, 0, INSTANT_INT, "-9223372036854775808");
    check_value("l", longs, 1, INSTANT_INT, "9223372036854775807");
    check_value("c", bytes, 0, INSTANT_INT, "-128");
    check_value("L", &big, 0, INSTANT_INT, "18446744073709551615");
    check_value("g", doubles, 0, INSTANT_FLOAT, "0.5");
    check_value("g", doubles, 1, INSTANT_FLOAT, "-Infinity");
    check_value("e", halves, 0, INSTANT_FLOAT, "1.5");
    check_value("e", halves, 1, INSTANT_FLOAT, "-Infinity");
    check_value("e", halves, 2, INSTANT_FLOAT, "5.9604644775390625e-08");
    check_value("e", halves, 3, INSTANT_FLOAT, "NaN");
    check_value("f", &single, 0, INSTANT_FLOAT, "0.10000000149011612");
}

static void
test_decimals(void **state)
{
    /* Low half first; -1, 10^38 - 1, and the smallest number of 256 bits. */
    uint64_t minus_one[2] = { UINT64_MAX, UINT64_MAX };
    uint64_t most[2] = { 687399551400673279U, 5421010862427522170U };
    uint64_t least[4] = { 0, 0, 0, 1ULL << 63 };
    uint64_t zero[2] = { 0, 0 };
    int32_t small = -1205;

    (void) state;
    check_value("d:38,0", minus_one, 0, INSTANT_NUMERIC, "-1");
    check_value("d:38,3", minus_one, 0, INSTANT_NUMERIC, "-0.001");
    check_value("d:38,-2", minus_one, 0, INSTANT_NUMERIC, "-100");
    check_value("d:38,10", most, 0, INSTANT_NUMERIC, "9999999999999999999999999999.9999999999");
    check_value("d:5,2", zero, 0, INSTANT_NUMERIC, "0.00");
    check_value("d:5,-2", zero, 0, INSTANT_NUMERIC, "0");
    check_value("d:9,2,32", &small, 0, INSTANT_NUMERIC, "-12.05");
    check_value("d:76,0,256", least, 0, INSTANT_NUMERIC,
                "-578960446186580977117854925043439539266349923328202820197287920039565648199"
                "68");
}

static void
test_moments(void **state)
{
    int32_t days[] = { 0, -1, 11016, -719163, -719529, 2932896 };
    int64_t us[] = { 0, -1, 951782400000000, -62135596800000000 - 1 };
    int64_t day_ms = -86400000;
    struct {
        int32_t months, days;
        int64_t ns;
    } interval = { -1, 2, -3500000000 };

    (void) state;
    check_value("tdD", days, 0, INSTANT_DATE, "1970-01-01");
    check_value("tdD", days, 1, INSTANT_DATE, "1969-12-31");
    check_value("tdD", days, 2, INSTANT_DATE, "2000-02-29");
    check_value("tdD", days, 3, INSTANT_DATE, "0001-12-31 BC");
    check_value("tdD", days, 4, INSTANT_DATE, "0002-12-31 BC");
    check_value("tdD", days, 5, INSTANT_DATE, "9999-12-31");
    check_value("tsu:", us, 1, INSTANT_TIMESTAMP, "1969-12-31 23:59:59.999999");
    check_value("tsu:UTC", us, 2, INSTANT_TIMESTAMPTZ, "2000-02-29 00:00:00+00");
    check_value("tsu:", us, 3, INSTANT_TIMESTAMP, "0001-12-31 23:59:59.999999 BC");
    check_value("tdm", &day_ms, 0, INSTANT_DATE, "1969-12-31");
    check_value("ttu", us, 0, INSTANT_TIME, "00:00:00");
    check_value("tDu", us, 1, INSTANT_INTERVAL, "+0 months +0 days -00:00:00.000001");
    check_value("tin", &interval, 0, INSTANT_INTERVAL, "-1 months +2 days -00:00:03.500000");
}

static void
test_values_that_cannot_be(void **state)
{
    static const struct {
        const char *format;
        int64_t value;
        AdbcStatusCode code;
    } known[] = {
        { "tsn:", 1, ADBC_STATUS_INVALID_DATA },
        { "tss:", INT64_MAX, ADBC_STATUS_INVALID_DATA },
        { "tdm", 1, ADBC_STATUS_INVALID_DATA },
        { "ttu", -1, ADBC_STATUS_INVALID_DATA },
        { "tDu", INT64_MIN, ADBC_STATUS_INVALID_DATA },
        { "+s", 0, ADBC_STATUS_NOT_IMPLEMENTED },
        { "d:5,2,17", 0, ADBC_STATUS_NOT_IMPLEMENTED },
        { "?", 0, ADBC_STATUS_NOT_IMPLEMENTED },
    };

    (void) state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const void *buffers[2] = { NULL, &known[i].value };
        struct ArrowSchema schema = { .format = known[i].format, .name = "wanted" };
        struct ArrowArray array = { .length = 1, .n_buffers = 2, .buffers = buffers };
        struct AdbcError error = empty_error;
        AdbcText text = { 0 };
        InstantValueKind kind, element;

        assert_fails(idc_adbc_value(&schema, &array, 0, &text, &kind, &element, &error),
                     known[i].code, "wanted");
        idc_adbc_text_done(&text);
    }
}

/* ---- tables ---- */

static void
test_tables(void **state)
{
    static const AdbcField item = { "item", "u", false, NULL, 0 };
    static const AdbcField fields[] = { { "id", "i", true, NULL, 0 },
                                        { "words", "+l", false, &item, 1 } };
    static const AdbcField root = { "", "+s", true, fields, 2 };
    AdbcColumn *table = idc_adbc_table_new(&root);
    AdbcColumn *words = idc_adbc_child(table, 1);
    struct ArrowArrayStream stream = { 0 };
    struct ArrowSchema schema = { 0 };
    struct ArrowArray batch = { 0 };

    (void) state;
    for (int64_t i = 0; i < 20; i++) {
        idc_adbc_append_int(idc_adbc_child(table, 0), i);
        for (int64_t j = 0; j < i % 3; j++)
            idc_adbc_append_text(idc_adbc_child(words, 0), j == 0 ? "one" : NULL);
        if (i % 5 == 0)
            idc_adbc_append_null(words);
        else
            idc_adbc_append_end(words);
        idc_adbc_append_end(table);
    }
    assert_int_equal(idc_adbc_table_stream(table, &stream, NULL), ADBC_STATUS_OK);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[1]->children[0]->name, "item");
    assert_int_equal(schema.children[0]->flags, 0);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 20);
    assert_int_equal(batch.children[1]->null_count, 4);
    assert_int_equal(((const int32_t *) batch.children[1]->buffers[1])[20],
                     batch.children[1]->children[0]->length);
    batch.release(&batch);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_null(batch.release);
    schema.release(&schema);
    stream.release(&stream);
    /* A table that nobody takes. */
    assert_int_equal(idc_adbc_table_stream(idc_adbc_table_new(&root), &stream, NULL),
                     ADBC_STATUS_OK);
    stream.release(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_released_objects),
        cmocka_unit_test(test_objects_out_of_order),
        cmocka_unit_test(test_database_options),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_values_that_cannot_be),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
