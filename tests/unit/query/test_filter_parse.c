/*
 * test_filter_parse.c - conditions as people type them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "query/query.h"

static int
arena_open(void **state)
{
    *state = idc_arena_new(0);
    return *state != NULL ? 0 : -1;
}

static int
arena_close(void **state)
{
    idc_arena_free(*state);
    return 0;
}

/* The filter as "column|op|kind:text|kind:text"; kinds are numbers of IdcValueKind by a letter. */
static void
assert_parsed(IdcArena *arena, const char *text, const char *expected)
{
    static const char kinds[] = "-BIFNT";
    IdcFilter filter = { 0 };
    IdcError err;
    IdcText found;

    idc_error_init(&err);
    idc_text_init(&found, 0);
    if (idc_filter_parse(arena, text, &filter, &err) != IDC_OK)
        fail_msg("%s: %s", text, err.message);
    idc_text_append_format(&found, "%s|%s", filter.column, filter.op);
    for (size_t i = 0; i < filter.value_count; i++) {
        const IdcValue *value = &filter.values[i];

        idc_text_append_format(&found, "|%c:%.*s", kinds[value->kind], (int) value->len,
                               value->data);
        assert_int_equal(value->data[value->len], '\0');
    }
    assert_string_equal(idc_text_string(&found), expected);
    idc_text_done(&found);
}

static void
assert_refused(IdcArena *arena, const char *text, const char *message)
{
    IdcFilter filter = { 0 };
    IdcError err;

    assert_int_not_equal(idc_filter_parse(arena, text, &filter, &err), IDC_OK);
    assert_string_equal(err.message, message);
    assert_null(filter.column);
    assert_int_not_equal(idc_filter_parse(arena, text, &filter, NULL), IDC_OK);
}

static void
comparisons(void **state)
{
    assert_parsed(*state, "amount > 100", "amount|gt|I:100");
    assert_parsed(*state, "amount>100", "amount|gt|I:100");
    assert_parsed(*state, "  a>=-1.5  ", "a|ge|N:-1.5");
    assert_parsed(*state, "a <= 1e3", "a|le|N:1e3");
    assert_parsed(*state, "a < .5", "a|lt|N:.5");
    assert_parsed(*state, "a == 'x'", "a|eq|T:x");
    assert_parsed(*state, "a = x", "a|eq|T:x");
    assert_parsed(*state, "a != 'it''s'", "a|ne|T:it's");
    assert_parsed(*state, "a <> ''", "a|ne|T:");
    assert_parsed(*state, "a = '5'", "a|eq|T:5");
    assert_parsed(*state, "a = TRUE", "a|eq|B:TRUE");
    assert_parsed(*state, "a = false", "a|eq|B:false");
    assert_parsed(*state, "a = null", "a|eq|-:null");
    assert_parsed(*state, "a = 'null'", "a|eq|T:null");
    assert_parsed(*state, "a < Infinity", "a|lt|F:Infinity");
    assert_parsed(*state, "a = nan", "a|eq|F:nan");
    assert_parsed(*state, "day >= 2013-01-01", "day|ge|T:2013-01-01");
    assert_parsed(*state, "t = 'a, (b) \" c'", "t|eq|T:a, (b) \" c");
    assert_parsed(*state, "a = f(x)", "a|eq|T:f(x)");
    assert_parsed(*state, "a = 99999999999999999999", "a|eq|I:99999999999999999999");
}

static void
columns(void **state)
{
    assert_parsed(*state, "\"a b\" = 1", "a b|eq|I:1");
    assert_parsed(*state, "\"a\"\"b\"=1", "a\"b|eq|I:1");
    assert_parsed(*state, "Größe = 1", "Größe|eq|I:1");
    assert_parsed(*state, "_a$1 = 1", "_a$1|eq|I:1");
    assert_parsed(*state, "in in (1)", "in|in|I:1");
    assert_parsed(*state, "is is null", "is|is_null");
    assert_parsed(*state, "inn = 1", "inn|eq|I:1");
    assert_parsed(*state, "\"select\" is not null", "select|is_not_null");
}

static void
words(void **state)
{
    assert_parsed(*state, "x is null", "x|is_null");
    assert_parsed(*state, "x IS  NOT\tNULL", "x|is_not_null");
    assert_parsed(*state, "x in (a, 'b', 3, null)", "x|in|T:a|T:b|I:3|-:null");
    assert_parsed(*state, "x in(a,b)", "x|in|T:a|T:b");
    assert_parsed(*state, "x in ()", "x|in");
    assert_parsed(*state, "x not in ( 1 ,2,3,4,5 )", "x|not_in|I:1|I:2|I:3|I:4|I:5");
    assert_parsed(*state, "x between 1 and 9", "x|between|I:1|I:9");
    assert_parsed(*state, "day BETWEEN 2013-01-01 AND 2013-01-31",
                  "day|between|T:2013-01-01|T:2013-01-31");
    assert_parsed(*state, "x between 'and' and 'and'", "x|between|T:and|T:and");
    assert_parsed(*state, "x like '%a_'", "x|like|T:%a_");
    assert_parsed(*state, "x ilike %a%", "x|ilike|T:%a%");
}

static void
mistakes(void **state)
{
    assert_refused(*state, "", "filter \"\" ends where a column name should be");
    assert_refused(*state, "= 1", "filter \"= 1\" has \"= 1\" where a column name should be");
    assert_refused(*state, "x",
                   "filter \"x\" ends where an operator (= != > >= < <= between in like "
                   "ilike is) should be");
    assert_refused(*state, "x =", "filter \"x =\" ends where a value should be");
    assert_refused(*state, "x = 'a", "filter \"x = 'a\" ends where the closing quote should be");
    assert_refused(*state, "\"x = 1",
                   "filter \"\"x = 1\" ends where the closing double quote should be");
    assert_refused(*state, "\"\" = 1", "filter \"\"\" = 1\" names no column");
    assert_refused(*state, "x = a b", "filter \"x = a b\" has \"b\" where the end should be");
    assert_refused(*state, "x = 'a' or y = 1",
                   "filter \"x = 'a' or y = 1\" has \"or y = 1\" where the end should be");
    assert_refused(*state, "x in 1",
                   "filter \"x in 1\" has \"1\" where a list in parentheses should be");
    assert_refused(*state, "x in (1",
                   "filter \"x in (1\" ends where a comma or a closing parenthesis "
                   "should be");
    assert_refused(*state, "x in (1,)", "filter \"x in (1,)\" has \")\" where a value should be");
    assert_refused(*state, "x between 1", "filter \"x between 1\" ends where \"and\" should be");
    assert_refused(*state, "x is 5",
                   "filter \"x is 5\" has \"5\" where \"null\" or \"not null\" "
                   "should be");
    assert_refused(*state, "x not like 'a'", "filter \"x not like 'a'\": there is no \"not like\"");
    assert_refused(*state, "x not ilike 'a'",
                   "filter \"x not ilike 'a'\": there is no \"not ilike\"");
    assert_refused(*state, "x not between 1 and 2",
                   "filter \"x not between 1 and 2\": there is no \"not between\"");
    assert_refused(*state, "x not 5", "filter \"x not 5\" has \"5\" where \"in\" should be");
    assert_refused(*state, "x => 5", "filter \"x => 5\" has \"> 5\" where a value should be");
    assert_refused(*state, "x = \xFF", "a filter is not valid UTF-8");
}

/* The shown part of a long filter ends between characters. */
static void
long_filters_are_cut_between_characters(void **state)
{
    IdcFilter filter;
    IdcError err;
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append(&text, "x ");
    for (int i = 0; i < 300; i++)
        idc_text_append(&text, "€");
    for (int shift = 0; shift < 4; shift++) {
        idc_text_append(&text, "a");
        assert_int_equal(idc_filter_parse(*state, text.data + shift % 2, &filter, &err),
                         IDC_BAD_VALUE);
        assert_true(idc_utf8_is_valid(err.message, strlen(err.message)));
    }
    idc_text_done(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comparisons, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(columns, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(words, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(mistakes, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(long_filters_are_cut_between_characters, arena_open,
                                        arena_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
