/*
 * test_json_rows.c - JSON in pieces as rows.
 */
#include "rows_read.h"

static const IdcRowsColumn plain[] = { TYPED("id", IDC_TYPE_INT8), TYPED("name", IDC_TYPE_TEXT) };

static void
test_rows_are_the_elements_of_an_array(void **state)
{
    IdcRowsOptions options = { .path = "" };

    (void) state;
    ASSERT_ROWS(&options, plain,
                "[{\"id\": 1, \"name\": \"a\"}, {\"name\":\"b\\u00e9\\n\",\"id\":-2 } ,"
                "{\"id\":null}, {\"other\":[1,{\"id\":7}],\"id\":3,\"name\":\"\\ud83d\\ude00\"}]\n",
                "1 | a\n-2 | b\303\251\n\nNULL | NULL\n3 | \360\237\230\200\n", "");
    ASSERT_ROWS(&options, plain, " [ ] ", "", "");
    ASSERT_ROWS(&options, plain, "null", "", "");
    ASSERT_ROWS(&options, plain, "\357\273\277[{\"id\":5}]", "5 | NULL\n", "");
    ASSERT_ROWS(&options, plain, "[null,{}]", "NULL | NULL\nNULL | NULL\n", "");
}

static void
test_rows_stand_at_a_path(void **state)
{
    static const char *const paths[] = { "/data/0/items", "$.data[0].items",
                                         "$['data'][0]['items']", "data[0].items[*]",
                                         "$.data[0].items[*]" };
    static const char body[] =
        "{\"x\":{\"data\":[{\"items\":[{\"id\":9}]}]},\"data\":[{\"y\":[1,2,[\"]}\"]],\"items\":"
        "[{\"id\":1,\"name\":\"a\"},{\"id\":2}],\"z\":{}},{\"items\":[{\"id\":8}]}],\"e\":1.5e-3}";

    (void) state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        IdcRowsOptions options = { .path = paths[i] };

        ASSERT_ROWS(&options, plain, body, "1 | a\n2 | NULL\n", "");
    }
}

static void
test_pointer_digits_are_members_too(void **state)
{
    IdcRowsOptions options = { .path = "/0/1" };

    (void) state;
    ASSERT_ROWS(&options, plain, "{\"0\":[[],[{\"id\":1}]]}", "1 | NULL\n", "");
    ASSERT_ROWS(&options, plain, "[{\"1\":[{\"id\":2}]}]", "2 | NULL\n", "");
    options.path = "$[0]";
    ASSERT_ERROR(&options, plain, "{\"0\":[]}", "nothing at");
    options.path = "$['0']";
    ASSERT_ERROR(&options, plain, "[[]]", "nothing at");
}

static void
test_a_pointer_escapes_slash_and_tilde(void **state)
{
    static const IdcRowsColumn columns[] = { AT_PATH("v", IDC_TYPE_TEXT, "/~0x~1\303\251") };
    IdcRowsOptions options = { .path = "/a~1b" };

    (void) state;
    ASSERT_ROWS(&options, columns,
                "{\"a\\/b\":[{\"~x/\303\251\":\"1\"},{\"\\u007ex/\\u00e9\":\"2\"}]}", "1\n2\n", "");
}

static void
test_an_object_is_one_row(void **state)
{
    IdcRowsOptions options = { .path = "/it" };
    IdcRowsCapture captures[] = { { "/it/name", false }, { "/n", false } };

    (void) state;
    ASSERT_ROWS(&options, plain, "{\"it\":{\"id\":1,\"name\":\"a\"},\"b\":2}", "1 | a\n", "");
    options.captures = captures;
    options.capture_count = 2;
    ASSERT_ROWS(&options, plain, "{\"it\":{\"id\":1,\"name\":\"a\"},\"n\":2}", "1 | a\n",
                "a string:a, a number:2");
}

static void
test_members_are_rows_with_their_keys(void **state)
{
    static const IdcRowsColumn columns[] = { AT_PATH("key", IDC_TYPE_TEXT, "@key"),
                                             AT_PATH("rate", IDC_TYPE_NUMERIC, "$") };
    IdcRowsOptions options = { .path = "$.rates", .object_values = true };

    (void) state;
    ASSERT_ROWS(&options, columns, "{\"rates\":{\"EUR\":1.10,\"\\u0055SD\": 1,\"\":2e1}}",
                "EUR | 1.10\nUSD | 1\n | 20\n", "");
    ASSERT_ERROR(&options, columns, "{\"rates\":[1]}", "has an array at \"$.rates\"");
}

static void
test_columns_have_paths(void **state)
{
    static const IdcRowsColumn columns[] = {
        AT_PATH("a", IDC_TYPE_INT4, "$.user.id"),   AT_PATH("b", IDC_TYPE_TEXT, "/user/tags/1"),
        AT_PATH("c", IDC_TYPE_JSONB, "user"),       AT_PATH("d", IDC_TYPE_FLOAT8, "user.pos[1][0]"),
        AT_PATH("again", IDC_TYPE_TEXT, "user.id"),
    };
    IdcRowsOptions options = { .path = "$" };

    (void) state;
    ASSERT_ROWS(
        &options, columns,
        "[{\"user\":{\"id\":7,\"tags\":[\"x\",\"y\"],\"pos\":[0,[0.5]]}},"
        "{\"user\":{\"tags\":\"none\"}},{\"user\":3}]",
        "7 | y | {\"id\":7,\"tags\":[\"x\",\"y\"],\"pos\":[0,[0.5]]} | 3fe0000000000000 | 7\n"
        "NULL | NULL | {\"tags\":\"none\"} | NULL | NULL\nNULL | NULL | 3 | NULL | NULL\n",
        "");
}

static void
test_elements_may_be_scalars_or_arrays(void **state)
{
    static const IdcRowsColumn scalar[] = { AT_PATH("v", IDC_TYPE_INT4, "$") };
    static const IdcRowsColumn pair[] = { AT_PATH("a", IDC_TYPE_INT4, "[0]"),
                                          AT_PATH("b", IDC_TYPE_TEXT, "[1]") };
    IdcRowsOptions options = { .path = "" };

    (void) state;
    ASSERT_ROWS(&options, scalar, "[1, 2,null , 40]", "1\n2\nNULL\n40\n", "");
    ASSERT_ROWS(&options, pair, "[[1,\"x\"],[2]]", "1 | x\n2 | NULL\n", "");
    ASSERT_ERROR(&options, plain, "[{\"id\":1},5]",
                 "row 2 is a number where an object is expected");
    ASSERT_ERROR(&options, plain, "[[1,2]]", "row 1 is an array where an object is expected");
}

static void
test_the_last_of_two_members_wins(void **state)
{
    static const IdcRowsColumn columns[] = { TYPED("id", IDC_TYPE_INT8),
                                             AT_PATH("x", IDC_TYPE_INT4, "a.x"),
                                             AT_PATH("y", IDC_TYPE_INT4, "a.y") };
    static const char body[] =
        "[{\"id\":1,\"id\":2,\"a\":{\"x\":1},\"a\":{\"y\":2}},{\"id\":3,\"a\":{\"x\":1}}]";
    IdcRowsOptions options = { .path = "" };
    size_t len = sizeof body - 1;
    Outcome outcome;

    (void) state;
    ASSERT_ROWS(&options, columns, body, "2 | NULL | 2\n3 | 1 | NULL\n", "");
    outcome = read_cut(&options, columns, 3, 10, body, &len, 1);
    assert_int_equal(outcome.duplicates, 2);
    outcome_done(&outcome);
}

static void
test_values_beside_the_rows_are_captured(void **state)
{
    IdcRowsCapture captures[] = { { "/meta/next", false },   { "$.meta.total", false },
                                  { "$.has_more", false },   { "$.nothing", false },
                                  { "$.meta", false },       { "id", true },
                                  { "/links/0/href", false } };
    IdcRowsOptions options = { .path = "/data", .captures = captures, .capture_count = 7 };

    (void) state;
    ASSERT_ROWS(
        &options, plain,
        "{\"meta\":{\"next\":\"a\\\"b\\u00e9\",\"total\":12.50},\"data\":[{\"id\":1},"
        "{\"id\":\"22\"}],\"has_more\":true,\"links\":[{\"href\":\"/p\"},{\"href\":\"x\"}]}",
        "1 | NULL\n22 | NULL\n",
        "a string:a\"b\303\251, a number:12.50, a boolean:true, nothing:, an object:, "
        "a string:22, a string:/p");
    ASSERT_ROWS(
        &options, plain,
        "{\"data\":[],\"meta\":{\"next\":null,\"next\":\"last\"},\"has_more\":false,"
        "\"nothing\":\"\"}",
        "", "a string:last, nothing:, a boolean:false, a string:, an object:, nothing:, nothing:");
}

static void
test_lines_are_rows(void **state)
{
    static const IdcRowsColumn scalar[] = { AT_PATH("v", IDC_TYPE_INT4, "$") };
    IdcRowsOptions options = { .format = IDC_ROWS_NDJSON };

    (void) state;
    ASSERT_ROWS(&options, plain, "{\"id\":1}\n\r\n {\"id\":2,\"name\":\"x\"}\r\n{\"id\":3}",
                "1 | NULL\n2 | x\n3 | NULL\n", "");
    ASSERT_ROWS(&options, plain, "\x1e{\"id\":1}\n\x1e{\"id\":2}\n", "1 | NULL\n2 | NULL\n", "");
    ASSERT_ROWS(&options, scalar, "1\n2\n34", "1\n2\n34\n", "");
    ASSERT_ROWS(&options, plain, "", "", "");
    ASSERT_ROWS(&options, plain, "\n\n", "", "");
    ASSERT_ERROR(&options, plain, "{\"id\":1} {\"id\":2}", "something follows a value on its line");
    ASSERT_ERROR(&options, plain, "{\"id\":1}\n{\"id\":", "cut off");
    ASSERT_ERROR(&options, plain, "{\"id\":1},\n{\"id\":2}", "something follows");
}

static void
test_what_is_no_json_is_an_error(void **state)
{
    static const char *const bodies[] = {
        "",
        "[",
        "[{\"id\":1},]",
        "[{\"id\":1}",
        "[{\"id\":1}]x",
        "[{\"id\":1}] []",
        "{\"a\":1,}",
        "[{\"id\":01}]",
        "[{\"id\":1.}]",
        "[{\"id\":+1}]",
        "[{\"id\":.5}]",
        "[{\"id\":1e}]",
        "[{\"id\":tru}]",
        "[{'id':1}]",
        "[{\"id\":1 \"name\":2}]",
        "[{\"id\" 1}]",
        "[{\"name\":\"a\nb\"}]",
        "[{\"name\":\"a\\x\"}]",
        "[{\"name\":\"a\\u12g4\"}]",
        "[{\"name\":\"\xc3\x28\"}]",
        "[{\"name\":\"\xed\xa0\x80\"}]",
        "[{\"name\":\"\xc0\x80\"}]",
        "[{\"name\":\"\xf5\x80\x80\x80\"}]",
        "[{\"name\":\"a]",
        "[{} {}]",
        "\xef\xbb[]",
        "[{\"o\":{\"a\":[}]}}]",
        "<html>",
    };
    IdcRowsOptions options = { .path = "" };

    (void) state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ASSERT_ERROR(&options, plain, bodies[i], "cannot read JSON at byte");
    /* Beside the rows too. */
    options.path = "/data";
    ASSERT_ERROR(&options, plain, "{\"data\":[],\"x\":[1,}", "cannot read JSON at byte 18");
    ASSERT_ERROR(&options, plain, "{\"x\":\"\xff\",\"data\":[]}", "cannot read JSON at byte 6");
}

static void
test_an_error_says_where(void **state)
{
    IdcRowsOptions options = { .path = "" };
    static const IdcRowsColumn amount[] = { TYPED("amount", IDC_TYPE_INT4) };

    (void) state;
    ASSERT_ERROR(&options, plain, "[{\"id\":1},{\"id\":x}]",
                 "after row 1: cannot read JSON at byte 16: a value is missing");
    ASSERT_ERROR(&options, amount, "[{\"amount\":1},{\"amount\":\"1.5\"}]",
                 "row 2, column \"amount\": the value does not fit type integer: it is not a whole "
                 "number");
    ASSERT_ERROR(&options, amount, "[{\"amount\":3000000000}]", "it is out of range");
    ASSERT_ERROR(&options, amount, "[{\"amount\":[1]}]", "it is a JSON array");
    ASSERT_ERROR(&options, amount, "[{\"amount\":{}}]", "it is a JSON object");
    ASSERT_ERROR(&options, amount, "[{\"amount\":true}]", "it is not a whole number");
    ASSERT_ROWS(&options, amount, "[{\"amount\":5.0},{\"amount\":1e2},{\"amount\":\"7\"}]",
                "5\n100\n7\n", "");
}

static void
test_wrong_shapes_are_errors(void **state)
{
    IdcRowsOptions options = { .path = "/data" };

    (void) state;
    ASSERT_ERROR(&options, plain, "{\"error\":\"x\"}", "nothing at \"/data\"");
    ASSERT_ERROR(&options, plain, "[]", "nothing at \"/data\"");
    ASSERT_ERROR(&options, plain, "{\"data\":\"x\"}", "has a string at \"/data\"");
    ASSERT_ERROR(&options, plain, "{\"data\":12}", "has a number at \"/data\"");
    ASSERT_ERROR(&options, plain, "{\"data\":[],\"data\":[]}", "rows come twice");
    options.missing_is_empty = true;
    ASSERT_ROWS(&options, plain, "{\"error\":\"x\"}", "", "");
}

static void
test_values_that_do_not_fit_may_be_null(void **state)
{
    int64_t nulled = 0;
    IdcRowsOptions options = { .path = "", .on_error_null = true, .nulled = &nulled };
    static const char body[] =
        "[{\"id\":\"x\",\"name\":\"\\u0000\"},{\"id\":2,\"name\":\"\\ud800\"}]";
    size_t len = sizeof body - 1;
    Outcome outcome = read_cut(&options, plain, 2, 10, body, &len, 1);

    (void) state;
    assert_outcome(&outcome, "NULL | NULL\n2 | NULL\n", "", NULL);
    assert_int_equal(nulled, 3);
    outcome_done(&outcome);
    ASSERT_ROWS(&options, plain, body, "NULL | NULL\n2 | NULL\n", "");
}

static void
test_depth_and_size_are_bounded(void **state)
{
    IdcRowsOptions options = { .path = "", .max_depth = 4 };

    (void) state;
    ASSERT_ROWS(&options, plain, "[{\"x\":[[1]],\"id\":1}]", "1 | NULL\n", "");
    ASSERT_ERROR(&options, plain, "[{\"x\":[[[1]]],\"id\":1}]", "nested too deeply");
    options = (IdcRowsOptions){ .path = "/data", .max_depth = 2 };
    ASSERT_ERROR(&options, plain, "{\"x\":[[1]],\"data\":[]}", "nested too deeply");
    options = (IdcRowsOptions){ .path = "", .max_row_bytes = 20 };
    ASSERT_ROWS(&options, plain, "[{\"id\":1,\"x\":\"12345\"}]", "1 | NULL\n", "");
    ASSERT_ERROR(&options, plain, "[{\"id\":1},{\"id\":1,\"x\":\"123456\"}]",
                 "row 2 is larger than 20 bytes");
}

static void
test_a_capture_is_bounded(void **state)
{
    enum { LEN = 70000 };
    IdcRowsCapture captures[] = { { "/next", false } };
    IdcRowsOptions options = { .path = "/data", .captures = captures, .capture_count = 1 };
    char *body = malloc(LEN + 32);
    size_t len;
    Outcome outcome;

    (void) state;
    memcpy(body, "{\"next\":\"", 9);
    memset(body + 9, 'x', LEN);
    memcpy(body + 9 + LEN, "\",\"data\":[]}", 12);
    len = LEN + 21;
    outcome = read_cut(&options, plain, 2, 10, body, &len, 1);
    assert_outcome(&outcome, NULL, NULL, "is larger than 65536 bytes");
    outcome_done(&outcome);
    free(body);
}

static void
test_a_limit_ends_the_reading(void **state)
{
    IdcRowsOptions options = { .path = "", .row_limit = 2 };
    static const char body[] = "[{\"id\":1},{\"id\":2},{\"id\":3}, this is not looked at";
    size_t len = sizeof body - 1;
    Outcome outcome = read_cut(&options, plain, 2, 10, body, &len, 1);

    (void) state;
    assert_outcome(&outcome, "1 | NULL\n2 | NULL\n", "", NULL);
    assert_true(outcome.is_done);
    outcome_done(&outcome);
    ASSERT_ROWS(&options, plain, body, "1 | NULL\n2 | NULL\n", "");
}

static void
test_documents_follow_each_other(void **state)
{
    IdcRowsCapture captures[] = { { "/next", false } };
    IdcRowsOptions options = { .path = "/data", .captures = captures, .capture_count = 1 };
    IdcColumnSpec specs[2];
    IdcBatchBuilder *builder = builder_for(plain, 2, 100, specs);
    IdcArena *arena = idc_arena_new(0);
    IdcRows *rows = NULL;
    Outcome outcome = { 0 };

    (void) state;
    assert_int_equal(idc_rows_new(arena, &options, plain, 2, &rows, NULL), IDC_OK);
    for (int page = 0; page < 3; page++) {
        static const char *const bodies[] = { "{\"data\":[{\"id\":1}],\"next\":\"p2\"}",
                                              "{\"data\":[{\"id\":2},{\"id\":3",
                                              "{\"data\":[{\"id\":4}]}" };

        idc_rows_begin(rows);
        assert_int_equal(idc_rows_captured(rows, 0).kind, IDC_JSON_MISSING);
        assert_int_equal(feed_piece(rows, bodies[page], strlen(bodies[page]), builder, &outcome),
                         IDC_OK);
        if (page == 1) {
            assert_int_equal(idc_rows_finish(rows, builder, &outcome.err), IDC_SOURCE_FAILED);
            assert_string_equal(outcome.err.sqlstate, "22032");
            continue;
        }
        assert_int_equal(idc_rows_finish(rows, builder, NULL), IDC_OK);
        assert_int_equal(idc_rows_count(rows), 1);
    }
    builder_text(builder, &outcome.rows);
    assert_string_equal(outcome.rows.data, "1 | NULL\n2 | NULL\n4 | NULL\n");
    outcome_done(&outcome);
    idc_arena_free(arena);
    idc_batch_builder_free(builder);
}

static void
test_no_columns_are_counted(void **state)
{
    IdcRowsOptions options = { .path = "/data" };
    static const char body[] = "{\"data\":[{\"id\":1},{},5,[1]]}";
    size_t len = sizeof body - 1;
    Outcome outcome = read_cut(&options, NULL, 0, 10, body, &len, 1);

    (void) state;
    assert_outcome(&outcome, "\n\n\n\n", "", NULL);
    assert_int_equal(outcome.row_count, 4);
    outcome_done(&outcome);
}

/* More members than are remembered, in another order each time, and names of any length. */
static void
test_many_members_in_any_order(void **state)
{
    enum { MEMBERS = 100, ROWS = 20 };
    static const IdcRowsColumn columns[] = { TYPED("m7", IDC_TYPE_INT4),
                                             TYPED("m93", IDC_TYPE_INT4),
                                             TYPED("m64", IDC_TYPE_INT4) };
    IdcRowsOptions options = { .path = "" };
    IdcText body, expected;
    size_t cuts[2];
    Outcome outcome;

    (void) state;
    idc_text_init(&body, 0);
    idc_text_init(&expected, 0);
    for (int row = 0; row < ROWS; row++) {
        idc_text_append(&body, row == 0 ? "[" : ",");
        for (int i = 0; i < MEMBERS; i++) {
            int member = (i * (row % 2 == 0 ? 1 : 37) + row / 2) % MEMBERS;

            idc_text_append_format(&body, "%s\"m%d\":%d", i == 0 ? "{" : ",", member,
                                   row * 1000 + member);
            if (i % 10 == 0)
                idc_text_append_format(&body, ",\"%0*d\":0", 40 + i, i);
        }
        idc_text_append(&body, "}");
        idc_text_append_format(&expected, "%d | %d | %d\n", row * 1000 + 7, row * 1000 + 93,
                               row * 1000 + 64);
    }
    idc_text_append(&body, "]");
    for (size_t cut = 0; cut < body.len; cut += 97) {
        cuts[0] = cut;
        cuts[1] = body.len;
        outcome = read_cut(&options, columns, 3, 7, body.data, cuts, 2);
        assert_outcome(&outcome, expected.data, "", NULL);
        outcome_done(&outcome);
    }
    idc_text_done(&body);
    idc_text_done(&expected);
}

static void
test_options_that_mean_nothing_are_refused(void **state)
{
    static const struct {
        IdcRowsOptions options;
        const char *column_path, *error;
    } cases[] = {
        { { .path = "$.a..b" }, NULL, "a name is missing" },
        { { .path = "$.a[*].b" }, NULL, "[*] can only end it" },
        { { .path = "$.a[-1]" }, NULL, "brackets hold" },
        { { .path = "$.a[?(@.x)]" }, NULL, "brackets hold" },
        { { .path = "$['a" }, NULL, "has no end" },
        { { .path = "$['a'" }, NULL, "not closed" },
        { { .path = "$a" }, NULL, "after $ comes" },
        { { .path = "/a~2" }, NULL, "a tilde" },
        { { .path = "a.*" }, NULL, "names with" },
        { { .path = "", .max_depth = 5000 }, NULL, "1024 deep at most" },
        { { .path = "/a", .format = IDC_ROWS_NDJSON }, NULL, "they have no path" },
        { { .path = "" }, "a[*]", "column \"id\": path" },
        { { .path = "" }, "$.", "column \"id\": path" },
        { { .path = "a", .format = IDC_ROWS_CSV }, NULL, "rows of CSV have no path" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        IdcRowsColumn column = AT_PATH("id", IDC_TYPE_INT4, cases[i].column_path);
        size_t len = 0;
        Outcome outcome = read_cut(&cases[i].options, &column, 1, 10, "", &len, 1);

        assert_int_equal(outcome.status, IDC_BAD_VALUE);
        assert_outcome(&outcome, NULL, NULL, cases[i].error);
        outcome_done(&outcome);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_elements_of_an_array),
        cmocka_unit_test(test_rows_stand_at_a_path),
        cmocka_unit_test(test_pointer_digits_are_members_too),
        cmocka_unit_test(test_a_pointer_escapes_slash_and_tilde),
        cmocka_unit_test(test_an_object_is_one_row),
        cmocka_unit_test(test_members_are_rows_with_their_keys),
        cmocka_unit_test(test_columns_have_paths),
        cmocka_unit_test(test_elements_may_be_scalars_or_arrays),
        cmocka_unit_test(test_the_last_of_two_members_wins),
        cmocka_unit_test(test_values_beside_the_rows_are_captured),
        cmocka_unit_test(test_lines_are_rows),
        cmocka_unit_test(test_what_is_no_json_is_an_error),
        cmocka_unit_test(test_an_error_says_where),
        cmocka_unit_test(test_wrong_shapes_are_errors),
        cmocka_unit_test(test_values_that_do_not_fit_may_be_null),
        cmocka_unit_test(test_depth_and_size_are_bounded),
        cmocka_unit_test(test_a_capture_is_bounded),
        cmocka_unit_test(test_a_limit_ends_the_reading),
        cmocka_unit_test(test_documents_follow_each_other),
        cmocka_unit_test(test_no_columns_are_counted),
        cmocka_unit_test(test_many_members_in_any_order),
        cmocka_unit_test(test_options_that_mean_nothing_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
