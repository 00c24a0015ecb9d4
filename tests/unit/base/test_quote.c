/*
 * test_quote.c - identifiers and literals that stay what they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/quote.h"

static void
assert_literal(const char *bytes, size_t len, const char *expected)
{
    IdcText sql;

    idc_text_init(&sql, 0);
    assert_int_equal(idc_quote_literal(&sql, bytes, len, NULL), IDC_OK);
    assert_string_equal(idc_text_string(&sql), expected);
    idc_text_done(&sql);
}

static void
assert_identifier(const char *name, const char *expected)
{
    IdcText sql;

    idc_text_init(&sql, 0);
    assert_int_equal(idc_quote_identifier(&sql, name, NULL), IDC_OK);
    assert_string_equal(idc_text_string(&sql), expected);
    idc_text_done(&sql);
}

static void
literals(void **state)
{
    (void) state;
    assert_literal("", 0, "''");
    assert_literal("a", 1, "'a'");
    assert_literal("'", 1, "''''");
    assert_literal("''", 2, "''''''");
    assert_literal("\\", 1, "E'\\\\'");
    assert_literal("\\'", 2, "E'\\\\'''");
    assert_literal("a\nb", 3, "'a\nb'");
    assert_literal("\"$$--/*", 7, "'\"$$--/*'");
    assert_literal("é€", 5, "'é€'");
}

static void
identifiers(void **state)
{
    (void) state;
    assert_identifier("select", "\"select\"");
    assert_identifier("a\"b", "\"a\"\"b\"");
    assert_identifier("\"", "\"\"\"\"");
    assert_identifier("a b\\'", "\"a b\\'\"");
    assert_identifier("Größe", "\"Größe\"");
}

/* CVE-2025-1094: a byte that begins a character must not swallow the quote. */
static void
what_cannot_be_quoted_is_refused(void **state)
{
    IdcError err;
    IdcText sql;

    (void) state;
    idc_text_init(&sql, 0);
    assert_int_equal(idc_quote_literal(&sql, "a\xC0'", 3, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "a value is not valid UTF-8");
    assert_int_equal(idc_quote_literal(&sql, "a\0b", 3, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "a value holds a NUL byte, which PostgreSQL cannot store");
    assert_int_equal(idc_quote_identifier(&sql, "\xE2\x82\"", &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "a name is not valid UTF-8");
    assert_int_equal(idc_quote_identifier(&sql, "", &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "a name is empty");
    assert_int_equal(sql.len, 0);
    idc_text_done(&sql);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),
        cmocka_unit_test(identifiers),
        cmocka_unit_test(what_cannot_be_quoted_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
