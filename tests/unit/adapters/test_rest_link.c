/*
 * test_rest_link.c - the header Link: what is a next page, what is none, what is no such header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/rest/work.h"

static void
assert_next(const char *value, const char *expected)
{
    IdcText target;
    IdcRestLink found;

    idc_text_init(&target, 0);
    found = idc_rest_link_next(value, &target);
    if (expected == NULL)
        assert_int_equal(found, IDC_REST_LINK_NONE);
    else
        assert_int_equal(found, IDC_REST_LINK_FOUND);
    assert_string_equal(idc_text_string(&target), expected != NULL ? expected : "");
    idc_text_done(&target);
}

static void
assert_malformed(const char *value)
{
    IdcText target;

    idc_text_init(&target, 0);
    assert_int_equal(idc_rest_link_next(value, &target), IDC_REST_LINK_MALFORMED);
    assert_int_equal(target.len, 0);
    idc_text_done(&target);
}

static void
the_next_page_is_found(void **state)
{
    (void) state;
    assert_next("<https://a/?p=2>; rel=\"next\"", "https://a/?p=2");
    assert_next("<https://a/?p=2>;rel=next", "https://a/?p=2");
    assert_next("</x,y;z>; rel=next", "/x,y;z");
    assert_next("<a>; rel=\"prev\", <b>; rel=\"next\", <c>; rel=\"last\"", "b");
    assert_next("<a>; rel=\"start next\"", "a");
    assert_next("<a>; REL=NEXT", "a");
    assert_next("<a>; title=\"x, <b>; rel=next\"; rel=\"next\"", "a");
    assert_next("<a>; title=\"say \\\"hi\\\"\"; rel=next", "a");
    assert_next("<a>; crossorigin; rel=next", "a");
    assert_next("<a> ; rel = \"next\" ,", "a");
    assert_next(" , , <a>;; rel=next", "a");
    assert_next("<>; rel=next", "");
}

static void
other_links_are_no_next_page(void **state)
{
    (void) state;
    assert_next("", NULL);
    assert_next("<a>", NULL);
    assert_next("<a>; rel=prev", NULL);
    assert_next("<a>; rel=\"nextpage\"", NULL);
    assert_next("<a>; rel=\"\"", NULL);
    assert_next("<a>; rev=next", NULL);
    assert_next("<a>; rel=prev; rel=next", NULL);
    assert_next("<a>; rel=next; anchor=\"/other\"", NULL);
}

static void
what_is_no_link_is_said(void **state)
{
    (void) state;
    assert_malformed("https://a/; rel=next");
    assert_malformed("<a; rel=next");
    assert_malformed("<a b>; rel=next");
    assert_malformed("<a>; rel=\"next");
    assert_malformed("<a>; rel=\"next\\");
    assert_malformed("<a>; rel=");
    assert_malformed("<a>; =next");
    assert_malformed("<a> rel=next");
    assert_malformed("<a>; rel=next <b>");
    assert_malformed("<a>; rel=prev x");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_page_is_found),
        cmocka_unit_test(other_links_are_no_next_page),
        cmocka_unit_test(what_is_no_link_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
