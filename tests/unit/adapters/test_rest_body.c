/*
 * test_rest_body.c - rows as the JSON that an API takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "adapters/common/json.h"
#include "adapters/rest/body.h"
#include "rest_relation.h"

enum { COLUMNS = 8 };

static const TestColumn columns[] = {
    { "id", IDC_TYPE_INT8, "readonly=true" },
    { "name", IDC_TYPE_TEXT, "" },
    { "city", IDC_TYPE_TEXT, "path=/address/city" },
    { "zip", IDC_TYPE_TEXT, "path=/address/zip" },
    { "price", IDC_TYPE_NUMERIC, "" },
    { "open", IDC_TYPE_BOOL, "" },
    { "made", IDC_TYPE_TIMESTAMPTZ, "time_format=epoch" },
    { "more", IDC_TYPE_JSONB, "" },
    { NULL, 0, NULL },
};

static const char *const row[COLUMNS] = {
    "7",
    "a \"b\"\n",
    "Oslo",
    NULL,
    "12345678901234567890.10",
    "t",
    "1970-01-01 00:00:10+00",
    "{\"a\": [1, null]}",
};

/* Members may come in any order: look for each. */
static void
assert_has(const char *json, const char *part)
{
    if (strstr(json, part) == NULL)
        fail_msg("%s has no %s", json, part);
}

static IdcStatus
write_row(IdcArena *arena, const TestColumn *of, const IdcRestBodySetup *how,
          const char *const *cells, IdcText *text, IdcError *err)
{
    IdcRestColumn *read = idc_arena_alloc_array(arena, COLUMNS, sizeof *read);
    IdcRestTable table = { .endpoint = "/items" };
    IdcRestBodySetup setup = *how;
    IdcRestBody *body;
    IdcStatus status;

    setup.table = scan_of(arena, "endpoint=/items", of);
    setup.columns = read;
    for (size_t i = 0; i < setup.table->column_count; i++)
        idc_rest_column_read(&table, &setup.table->columns[i], &read[i]);
    status = idc_rest_body_new(arena, &setup, &body, err);
    if (status != IDC_OK)
        return status;
    return idc_rest_body_write(body, cells, 1, false, text, err);
}

static void
rows_are_typed_json(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    IdcRestBodySetup insert = { .leaves_nulls_out = true };
    IdcRestBodySetup update = { .write_path = "/data/item" };
    IdcText text;

    (void) state;
    idc_text_init(&text, 0);
    assert_int_equal(write_row(arena, columns, &insert, row, &text, NULL), IDC_OK);
    assert_true(idc_json_is_valid(text.data, text.len));
    assert_has(text.data, "\"name\":\"a \\\"b\\\"\\n\"");
    assert_has(text.data, "\"address\":{\"city\":\"Oslo\"}");
    assert_has(text.data, "\"price\":12345678901234567890.1");
    assert_has(text.data, "\"open\":true");
    assert_has(text.data, "\"made\":10");
    assert_has(text.data, "\"more\":{\"a\": [1, null]}");
    assert_null(strstr(text.data, "\"id\""));
    idc_text_clear(&text);
    assert_int_equal(write_row(arena, columns, &update, row, &text, NULL), IDC_OK);
    assert_true(idc_json_is_valid(text.data, text.len));
    assert_has(text.data, "{\"data\":{\"item\":{");
    assert_has(text.data, "\"zip\":null");
    idc_text_done(&text);
    idc_arena_free(arena);
}

static void
what_has_no_json_is_refused(void **state)
{
    static const TestColumn clash[] = { { "a", IDC_TYPE_TEXT, "path=/x" },
                                        { "b", IDC_TYPE_TEXT, "path=/x/y" },
                                        { NULL, 0, NULL } };
    static const TestColumn index[] = { { "a", IDC_TYPE_TEXT, "path=$.x[0]" }, { NULL, 0, NULL } };
    static const TestColumn array[] = { { "a", 1007, "" }, { NULL, 0, NULL } };
    static const TestColumn number[] = { { "a", IDC_TYPE_FLOAT8, "" }, { NULL, 0, NULL } };
    const char *const cells[2] = { "NaN", "x" };
    IdcArena *arena = idc_arena_new(0);
    IdcRestBodySetup setup = { 0 };
    IdcText text;

    (void) state;
    idc_text_init(&text, 0);
    assert_int_equal(write_row(arena, clash, &setup, cells, &text, NULL), IDC_UNSUPPORTED);
    assert_int_equal(write_row(arena, index, &setup, cells, &text, NULL), IDC_UNSUPPORTED);
    assert_int_equal(write_row(arena, array, &setup, cells, &text, NULL), IDC_UNSUPPORTED);
    assert_int_equal(write_row(arena, number, &setup, cells, &text, NULL), IDC_BAD_VALUE);
    idc_text_done(&text);
    idc_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_typed_json),
        cmocka_unit_test(what_has_no_json_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
