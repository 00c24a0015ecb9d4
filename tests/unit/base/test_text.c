/*
 * test_text.c - growing strings, numbers, UTF-8, JSON and nearest words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

static void
texts_grow(void **state)
{
    IdcText text;
    char *taken;

    (void) state;
    idc_text_init(&text, 0);
    assert_string_equal(idc_text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        idc_text_append_format(&text, "%d,", i % 10);
    assert_int_equal(text.len, 2000);
    assert_int_equal(strlen(idc_text_string(&text)), 2000);
    idc_text_clear(&text);
    idc_text_append(&text, "");
    idc_text_append_len(&text, "a\0b", 3);
    idc_text_append_char(&text, 'c');
    assert_memory_equal(text.data, "a\0bc", 5);
    taken = idc_text_take(&text);
    assert_memory_equal(taken, "a\0bc", 5);
    free(taken);
    taken = idc_text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
    idc_text_done(&text);
    idc_text_done(&text);
}

static void
the_limit_breaks_a_text_for_good(void **state)
{
    IdcText text;
    IdcError err;

    (void) state;
    idc_text_init(&text, 5);
    idc_text_append(&text, "12345");
    assert_int_equal(idc_text_check(&text, &err), IDC_OK);
    idc_text_append_char(&text, '6');
    assert_int_equal(idc_text_check(&text, &err), IDC_NO_MEMORY);
    assert_string_equal(err.message, "text is longer than 5 bytes, or out of memory");
    assert_string_equal(idc_text_string(&text), "");
    idc_text_append_len(&text, "", SIZE_MAX);
    assert_null(idc_text_take(&text));
    idc_text_init(&text, 2);
    idc_text_append_format(&text, "%d", 123);
    assert_int_equal(idc_text_check(&text, NULL), IDC_NO_MEMORY);
    idc_text_clear(&text);
    assert_int_equal(idc_text_check(&text, NULL), IDC_OK);
    idc_text_done(&text);
}

static void
assert_json(const char *bytes, size_t len, const char *expected)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append_json(&text, bytes, len);
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static void
json_strings(void **state)
{
    (void) state;
    assert_json("", 0, "\"\"");
    assert_json("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    assert_json("\b\t\n\f\r\v\x01\x1f\x7f", 9, "\"\\b\\t\\n\\f\\r\\u000b\\u0001\\u001f\\u007f\"");
    assert_json("a\0b", 3, "\"a\\u0000b\"");
    assert_json("Größe € 𝄞", 16, "\"Größe € 𝄞\"");
    assert_json("\xFF"
                "a\xC3",
                3,
                "\"\xEF\xBF\xBD"
                "a\xEF\xBF\xBD\"");
}

static void
integers(void **state)
{
    static const char *const bad[] = { "",
                                       "-",
                                       "+",
                                       " 1",
                                       "1 ",
                                       "1x",
                                       "0x1",
                                       "--1",
                                       "1.0",
                                       "9223372036854775808",
                                       "-9223372036854775809" };
    int64_t number = 77;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(idc_int64_parse(bad[i], &number));
    assert_int_equal(number, 77);
    assert_true(idc_int64_parse("9223372036854775807", &number));
    assert_true(number == INT64_MAX);
    assert_true(idc_int64_parse("-9223372036854775808", &number));
    assert_true(number == INT64_MIN);
    assert_true(idc_int64_parse("+5", &number));
    assert_int_equal(number, 5);
}

static void
booleans(void **state)
{
    bool value = false;

    (void) state;
    assert_true(idc_bool_parse("Yes", &value) && value);
    assert_true(idc_bool_parse("OFF", &value) && !value);
    assert_true(idc_bool_parse("1", &value) && value);
    assert_true(idc_bool_parse("false", &value) && !value);
    assert_false(idc_bool_parse("", &value));
    assert_false(idc_bool_parse("tru", &value));
    assert_false(idc_bool_parse("2", &value));
}

static void
utf8(void **state)
{
    static const char *const good[] = { "",
                                        "a",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF" };
    static const char *const bad[] = { "\x80",
                                       "\xBF",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xC2",
                                       "\xC2\x41",
                                       "\xE0\x9F\xBF",
                                       "\xED\xA0\x80",
                                       "\xE2\x82",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFE",
                                       "\xFF",
                                       "\xF0\x90\x80",
                                       "a\xC3'" };

    (void) state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(idc_utf8_is_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(idc_utf8_is_valid(bad[i], strlen(bad[i])));
    assert_true(idc_utf8_is_valid("a\0b", 3));
}

static void
nearest_words(void **state)
{
    static const char *const words[] = { "amount", "order_date", "id", "customer_name" };
    char longest[101];

    (void) state;
    memset(longest, 'a', 100);
    longest[100] = '\0';
    assert_string_equal(idc_nearest_word("amuont", words, 4), "amount");
    assert_string_equal(idc_nearest_word("AMOUNT", words, 4), "amount");
    assert_string_equal(idc_nearest_word("amoun", words, 4), "amount");
    assert_string_equal(idc_nearest_word("orderdate", words, 4), "order_date");
    assert_string_equal(idc_nearest_word("di", words, 4), "id");
    assert_string_equal(idc_nearest_word("custmer_nmae", words, 4), "customer_name");
    assert_null(idc_nearest_word("price", words, 4));
    assert_null(idc_nearest_word("", words, 4));
    assert_null(idc_nearest_word("x", words, 0));
    assert_null(idc_nearest_word(longest, words, 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_grow),    cmocka_unit_test(the_limit_breaks_a_text_for_good),
        cmocka_unit_test(json_strings),  cmocka_unit_test(integers),
        cmocka_unit_test(booleans),      cmocka_unit_test(utf8),
        cmocka_unit_test(nearest_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
