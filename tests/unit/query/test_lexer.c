/*
 * test_lexer.c - every byte of SQL is in exactly one token, of the kind PostgreSQL sees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/quote.h"
#include "query/lexer.h"

/* One letter a token, in the order of IdcTokenKind; a capital U after one without an end. */
static void
assert_tokens(const char *sql, const char *expected)
{
    static const char letters[] = "_cSqwnp:=o";
    char found[128] = "";
    size_t count = 0, covered = 0;
    IdcLexer lexer;
    IdcToken token;

    idc_lexer_init(&lexer, sql, strlen(sql));
    while (idc_lexer_next(&lexer, &token)) {
        assert_ptr_equal(token.text, sql + covered);
        assert_true(token.len > 0);
        assert_true(count + 2 < sizeof found);
        covered += token.len;
        found[count++] = letters[token.kind];
        if (!token.is_terminated)
            found[count++] = 'U';
    }
    assert_int_equal(covered, strlen(sql));
    assert_string_equal(found, expected);
}

static void
ordinary_sql(void **state)
{
    (void) state;
    assert_tokens("", "");
    assert_tokens("SELECT a, \"b\" FROM t", "w_wo_q_w_w");
    assert_tokens("x=1.5e-3", "won");
    assert_tokens("1..10", "non");
    assert_tokens(".5+5.", "non");
    assert_tokens("1e", "nw");
    assert_tokens("a::int", "w:w");
    assert_tokens("a:::b", "w:ow");
    assert_tokens("f(a:=1)", "wow=no");
    assert_tokens("a[1:2]", "wonono");
    assert_tokens("$1,$22", "pop");
    assert_tokens("a$1", "w");
    assert_tokens("$", "o");
    assert_tokens("Größe", "w");
    assert_tokens("a-b/c*d", "wowowow");
}

static void
strings(void **state)
{
    (void) state;
    assert_tokens("'a''b'", "S");
    assert_tokens("'a\\'", "S");
    assert_tokens("E'a\\''", "S");
    assert_tokens("e'a\\", "SU");
    assert_tokens("E'a'\n'b\\''", "S");
    assert_tokens("E'a' 'b\\'", "S_S");
    assert_tokens("E'a'\n\"b\"", "S_q");
    assert_tokens("E'a'--x\n'\\''x", "Sw");
    assert_tokens("be'a\\'", "wS");
    assert_tokens("U&'a'U&\"a\"", "Sq");
    assert_tokens("u & 'a'", "w_o_S");
    assert_tokens("B'1'x'F'N'a'", "SSS");
    assert_tokens("'a", "SU");
    assert_tokens("\"a", "qU");
    assert_tokens("\"a\"\"b\"", "q");
    assert_tokens("$$a$$", "S");
    assert_tokens("$a$$$ $b$ $a$", "S");
    assert_tokens("$a$", "SU");
    assert_tokens("$a b$", "ow_w");
    assert_tokens("$1$a$1$", "pSU");
}

static void
comments(void **state)
{
    (void) state;
    assert_tokens("--a\nb", "c_w");
    assert_tokens("--a\rb", "c_w");
    assert_tokens("--", "c");
    assert_tokens("/*a*/b", "cw");
    assert_tokens("/*/**/*/b", "cw");
    assert_tokens("/*/**/b", "cU");
    assert_tokens("/**", "cU");
    assert_tokens("/*", "cU");
    assert_tokens("/*/", "cU");
}

/* What quote.c writes is one token, whatever is inside. */
static void
quoted_values_are_one_token(void **state)
{
    static const char *const values[] = { "",   "'",  "\\",  "\\'", "'\\", "a''b\\\\'",        "$$",
                                          "--", "/*", "\n'", "\"",  "é'",  "';DROP TABLE t;--" };

    (void) state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        IdcText sql;

        idc_text_init(&sql, 0);
        assert_int_equal(idc_quote_literal(&sql, values[i], strlen(values[i]), NULL), IDC_OK);
        assert_tokens(idc_text_string(&sql), "S");
        idc_text_clear(&sql);
        if (values[i][0] != '\0') {
            assert_int_equal(idc_quote_identifier(&sql, values[i], NULL), IDC_OK);
            assert_tokens(idc_text_string(&sql), "q");
        }
        idc_text_done(&sql);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_sql),
        cmocka_unit_test(strings),
        cmocka_unit_test(comments),
        cmocka_unit_test(quoted_values_are_one_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
