/*
 * test_options.c - an adapter's table of options decides what is accepted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/json_check.h"

static const char *const modes[] = { "page", "cursor", "link", NULL };

static const IdcAdapterOption options[] = {
    { .name = "base_url",
      .levels = IDC_OPTION_SERVER,
      .type = IDC_OPTION_URL,
      .is_required = true,
      .help = "the address that every endpoint begins with" },
    { .name = "timeout",
      .levels = IDC_OPTION_SERVER | IDC_OPTION_TABLE,
      .type = IDC_OPTION_DURATION,
      .fallback = "30s",
      .min = 1,
      .max = 3600000 },
    { .name = "max_body",
      .levels = IDC_OPTION_SERVER,
      .type = IDC_OPTION_SIZE,
      .fallback = "64MB",
      .min = 1024 },
    { .name = "rate", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_NUMBER },
    { .name = "page_size",
      .levels = IDC_OPTION_TABLE,
      .type = IDC_OPTION_INTEGER,
      .min = 1,
      .max = 10000 },
    { .name = "verify", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_BOOL, .fallback = "on" },
    { .name = "pages", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_WORD, .words = modes },
    { .name = "body", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_JSON },
    { .name = "token", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, .is_secret = true },
    { .name = "param", .levels = IDC_OPTION_COLUMN },
    { .name = "document", .levels = IDC_OPTION_IMPORT },
    { 0 },
};

static IdcStatus
check_together(IdcOptionLevel level, const IdcOptionSet *given, IdcError *err)
{
    if (level == IDC_OPTION_TABLE && idc_option_value(given, "pages") != NULL &&
        idc_option_value(given, "page_size") == NULL)
        return idc_fail(err, IDC_BAD_VALUE, "pages need a page_size");
    return IDC_OK;
}

static const IdcDeclaration declaration = { .name = "rest",
                                            .options = options,
                                            .check = check_together };

static bool
accepts(IdcOptionLevel level, const char *name, const char *value)
{
    return idc_adapter_option_check(&declaration, level, name, value, NULL) == IDC_OK;
}

static void
refuse(IdcOptionLevel level, const char *name, const char *value, IdcError *err)
{
    assert_int_not_equal(idc_adapter_option_check(&declaration, level, name, value, err), IDC_OK);
}

static void
expect_refusal(IdcOptionLevel level, const char *name, const char *value, const char *message,
               const char *hint)
{
    IdcError err;

    refuse(level, name, value, &err);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
}

static void
says_what_a_name_may_have_meant(void **state)
{
    IdcError err;

    expect_refusal(IDC_OPTION_SERVER, "base_ur", "x",
                   "a server of \"rest\" has no option \"base_ur\"", "did you mean \"base_url\"?");
    expect_refusal(IDC_OPTION_SERVER, "qqqqqq", "x",
                   "a server of \"rest\" has no option \"qqqqqq\"", "");
    /* Only names of the level are near. */
    expect_refusal(IDC_OPTION_COLUMN, "toke", "x", "a column of \"rest\" has no option \"toke\"",
                   "");
    expect_refusal(IDC_OPTION_SERVER, "token", "s3cret",
                   "option \"token\" belongs to a user mapping, not to a server", "");
    expect_refusal(IDC_OPTION_USER, "timeout", "5",
                   "option \"timeout\" belongs to a server, not to a user mapping", "");
    expect_refusal(IDC_OPTION_TABLE, "document", "x",
                   "option \"document\" belongs to IMPORT FOREIGN SCHEMA, not to a foreign table",
                   "");
    refuse(IDC_OPTION_SERVER, "x", "", &err);
    assert_string_equal(err.sqlstate, "HV00D");
    (void) state;
}

static void
reads_durations_and_sizes(void **state)
{
    static const struct {
        const char *name, *value;
        int64_t number;
    } values[] = {
        { "timeout", "500", 500 },       { "timeout", "500ms", 500 },
        { "timeout", "10s", 10000 },     { "timeout", "5 min", 300000 },
        { "timeout", "1h", 3600000 },    { "max_body", "2000", 2000 },
        { "max_body", "2000B", 2000 },   { "max_body", "64kB", 65536 },
        { "max_body", "16MB", 1 << 24 }, { "max_body", "1TB", INT64_C(1) << 40 },
    };
    static const char *const bad[] = { "",
                                       "s",
                                       "-1s",
                                       "1.5s",
                                       "1 x",
                                       "10sec",
                                       "1s ",
                                       "+1",
                                       " 1",
                                       "99999999999999999999",
                                       "9223372036854775807h" };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        IdcOptionPair pair = { values[i].name, values[i].value };
        IdcOptionSet set = { &pair, 1 };

        assert_true(accepts(IDC_OPTION_SERVER, pair.name, pair.value));
        assert_int_equal(idc_adapter_option_number(&declaration, &set, pair.name),
                         values[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(accepts(IDC_OPTION_SERVER, "timeout", bad[i]));
        assert_false(accepts(IDC_OPTION_SERVER, "max_body", bad[i]));
    }
    assert_false(accepts(IDC_OPTION_SERVER, "max_body", "9000000TB"));
    expect_refusal(IDC_OPTION_SERVER, "timeout", "2h",
                   "option \"timeout\" must be from 1 to 3600000 ms, not \"2h\"", "");
    expect_refusal(IDC_OPTION_SERVER, "max_body", "1kb",
                   "option \"max_body\" must be a size such as \"64kB\", \"16MB\" or \"1GB\", not "
                   "\"1kb\"",
                   "");
    expect_refusal(IDC_OPTION_SERVER, "max_body", "12",
                   "option \"max_body\" must be at least 1024 bytes, not \"12\"", "");
    (void) state;
}

static void
checks_plain_types(void **state)
{
    assert_true(accepts(IDC_OPTION_SERVER, "verify", "OFF"));
    assert_false(accepts(IDC_OPTION_SERVER, "verify", "maybe"));
    assert_true(accepts(IDC_OPTION_TABLE, "page_size", "10000"));
    assert_false(accepts(IDC_OPTION_TABLE, "page_size", "0"));
    assert_false(accepts(IDC_OPTION_TABLE, "page_size", "10001"));
    assert_false(accepts(IDC_OPTION_TABLE, "page_size", "ten"));
    assert_true(accepts(IDC_OPTION_SERVER, "rate", "0.5"));
    assert_true(accepts(IDC_OPTION_SERVER, "rate", "5"));
    assert_true(accepts(IDC_OPTION_SERVER, "rate", ".5"));
    assert_false(accepts(IDC_OPTION_SERVER, "rate", "."));
    assert_false(accepts(IDC_OPTION_SERVER, "rate", "-1"));
    assert_false(accepts(IDC_OPTION_SERVER, "rate", "1e5"));
    assert_false(accepts(IDC_OPTION_SERVER, "rate", ""));
    assert_true(accepts(IDC_OPTION_TABLE, "pages", "cursor"));
    expect_refusal(IDC_OPTION_TABLE, "pages", "cursr",
                   "option \"pages\" must be \"page\", \"cursor\" or \"link\", not \"cursr\"",
                   "did you mean \"cursor\"?");
    assert_true(accepts(IDC_OPTION_COLUMN, "param", ""));
    (void) state;
}

static void
checks_urls(void **state)
{
    static const char *const good[] = {
        "http://h",
        "https://example.com/api/v1?x=1#y",
        "http://127.0.0.1:8080/",
        "http://[::1]:8080/",
        "https://[fe80::1]",
        "https://é.example/",
        "http://h/a@b",
        "http://h?x=a@b",
    };
    static const char *const bad[] = {
        "",
        "h",
        "ftp://h",
        "HTTP//h",
        "http://",
        "http:///x",
        "http://:80",
        "http://h:0",
        "http://h:65536",
        "http://h:80x",
        "http://h:",
        "http://u@h/",
        "http://u:p@h/",
        "http://h h/",
        "http://h\\@x/",
        "http://[::1",
        "http://[]",
        "http://[::1]x",
        "http://a[b]/",
        "http://h/\x01",
        "file:///etc/passwd",
        "http://h\n",
        "http://\xff/",
        "javascript:http://h",
    };
    IdcError err;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!accepts(IDC_OPTION_SERVER, "base_url", good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (accepts(IDC_OPTION_SERVER, "base_url", bad[i]))
            fail_msg("%s", bad[i]);
    refuse(IDC_OPTION_SERVER, "base_url", "http://me:s3cret@h/", &err);
    assert_null(strstr(err.message, "s3cret"));
    refuse(IDC_OPTION_SERVER, "base_url", "me:s3cret@h", &err);
    assert_null(strstr(err.message, "s3cret"));
    (void) state;
}

static void
never_shows_a_secret(void **state)
{
    IdcError err;

    assert_true(accepts(IDC_OPTION_USER, "token", "env:TOKEN"));
    assert_int_equal(idc_adapter_option_check(&declaration, IDC_OPTION_USER, "token", "", &err),
                     IDC_BAD_VALUE);
    refuse(IDC_OPTION_SERVER, "token", "s3cret", &err);
    assert_null(strstr(err.message, "s3cret"));
    assert_null(strstr(err.hint, "s3cret"));
    (void) state;
}

static void
checks_json(void **state)
{
    static const char *const good[] = {
        "{}", "[]",   " {\"a\": [1, -2.5e+3, true, false, null, \"x\\u00e9\\n\"], \"b\": {}} ",
        "0",  "\"\"", "[[],[]]",
        "-0", "1E5",  "[{\"a\":1},{\"b\":[2]}]",
    };
    static const char *const bad[] = {
        "",         " ",          "{",         "}",   "[1,]",      "[,1]",        "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}",     "01",  "1.",        ".5",          "+1",
        "-",        "1e",         "tru",       "\"",  "\"\\x\"",   "\"\\u12g4\"", "\"\t\"",
        "[1 2]",    "1 2",        "{\"a\" 1}", "[1}", "{\"a\":1]", "'a'",         "NaN",
        "\"\xff\"", "[]]",        "// x\n1",   "nul", "\"\\",      "\"\\u12",
    };
    char deep[2 * IDC_JSON_CHECK_DEPTH + 4];
    size_t position;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!idc_json_check(good[i], NULL))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (idc_json_check(bad[i], NULL))
            fail_msg("%s", bad[i]);
    for (size_t extra = 0; extra < 2; extra++) {
        size_t depth = IDC_JSON_CHECK_DEPTH + extra;

        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        deep[2 * depth] = '\0';
        assert_int_equal(idc_json_check(deep, NULL), extra == 0);
    }
    assert_false(idc_json_check("{\"a\": x}", &position));
    assert_int_equal(position, 6);
    expect_refusal(IDC_OPTION_TABLE, "body", "[1,", "option \"body\" is no valid JSON at byte 4",
                   "");
    (void) state;
}

static void
checks_all_of_a_level(void **state)
{
    IdcOptionPair pairs[] = { { "base_url", "http://h" }, { "verify", "on" }, { "verify", "off" } };
    IdcOptionPair pages[] = { { "pages", "link" }, { "page_size", "5" } };
    IdcOptionSet set = { pairs, 2 };
    IdcError err;

    assert_int_equal(idc_adapter_options_check(&declaration, IDC_OPTION_SERVER, &set, NULL),
                     IDC_OK);
    set.count = 3;
    assert_int_equal(idc_adapter_options_check(&declaration, IDC_OPTION_SERVER, &set, &err),
                     IDC_BAD_VALUE);
    assert_string_equal(err.message, "option \"verify\" is given twice");
    set.items = pairs + 1;
    set.count = 1;
    assert_int_equal(idc_adapter_options_check(&declaration, IDC_OPTION_SERVER, &set, &err),
                     IDC_BAD_VALUE);
    assert_string_equal(err.message, "a server of \"rest\" needs the option \"base_url\"");
    assert_string_equal(err.hint, "base_url: the address that every endpoint begins with");
    assert_string_equal(err.sqlstate, "HV00J");
    set = (IdcOptionSet){ pages, 1 };
    assert_int_equal(idc_adapter_options_check(&declaration, IDC_OPTION_TABLE, &set, &err),
                     IDC_BAD_VALUE);
    assert_string_equal(err.message, "pages need a page_size");
    set.count = 2;
    assert_int_equal(idc_adapter_options_check(&declaration, IDC_OPTION_TABLE, &set, &err), IDC_OK);
    (void) state;
}

static void
falls_back(void **state)
{
    IdcOptionPair pairs[] = { { "timeout", "1s" }, { "rate", "2.5" } };
    IdcOptionSet none = { 0 }, set = { pairs, 2 };

    assert_int_equal(idc_adapter_option_number(&declaration, &none, "timeout"), 30000);
    assert_int_equal(idc_adapter_option_number(&declaration, &set, "timeout"), 1000);
    assert_int_equal(idc_adapter_option_number(&declaration, &none, "max_body"), 64 << 20);
    assert_int_equal(idc_adapter_option_number(&declaration, &none, "page_size"), -1);
    assert_true(idc_adapter_option_bool(&declaration, &none, "verify"));
    assert_false(idc_adapter_option_bool(&declaration, &none, "param"));
    assert_null(idc_adapter_option_text(&declaration, &none, "param"));
    assert_string_equal(idc_adapter_option_text(&declaration, &none, "timeout"), "30s");
    assert_true(idc_adapter_option_decimal(&declaration, &set, "rate") == 2.5);
    assert_true(idc_adapter_option_decimal(&declaration, &none, "rate") == -1);
    (void) state;
}

static void
cuts_long_values_between_characters(void **state)
{
    char value[300];
    IdcError err;

    value[0] = 'x';
    for (size_t i = 0; i < 100; i++)
        memcpy(value + 1 + 2 * i, "é", 2);
    value[201] = '\0';
    refuse(IDC_OPTION_SERVER, "timeout", value, &err);
    assert_non_null(strstr(err.message, "é…\""));
    assert_true(idc_utf8_is_valid(err.message, strlen(err.message)));
    refuse(IDC_OPTION_SERVER, value, "1", &err);
    assert_true(idc_utf8_is_valid(err.message, strlen(err.message)));
    (void) state;
}

/* What the real adapters declare: names once a level, fallbacks that are values, secrets only of
 * users. */
static void
declarations_make_sense(void **state)
{
    for (const IdcDeclaration *const *each = idc_declarations(); *each != NULL; each++)
        for (const IdcAdapterOption *option = (*each)->options; option->name != NULL; option++) {
            for (unsigned level = 1; level <= IDC_OPTION_IMPORT; level <<= 1) {
                if ((option->levels & level) == 0)
                    continue;
                if (idc_adapter_option_find(*each, (IdcOptionLevel) level, option->name) != option)
                    fail_msg("%s: %s is there twice", (*each)->name, option->name);
                if (option->fallback != NULL && !option->is_secret &&
                    idc_adapter_option_check(*each, (IdcOptionLevel) level, option->name,
                                             option->fallback, NULL) != IDC_OK)
                    fail_msg("%s: %s falls back to no value", (*each)->name, option->name);
            }
            if (option->is_secret && option->levels != IDC_OPTION_USER)
                fail_msg("%s: %s is a secret outside of a user mapping", (*each)->name,
                         option->name);
            if (option->help == NULL || option->levels == 0)
                fail_msg("%s: %s has no help or no level", (*each)->name, option->name);
        }
    (void) state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_a_name_may_have_meant),
        cmocka_unit_test(reads_durations_and_sizes),
        cmocka_unit_test(checks_plain_types),
        cmocka_unit_test(checks_urls),
        cmocka_unit_test(never_shows_a_secret),
        cmocka_unit_test(checks_json),
        cmocka_unit_test(checks_all_of_a_level),
        cmocka_unit_test(falls_back),
        cmocka_unit_test(cuts_long_values_between_characters),
        cmocka_unit_test(declarations_make_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
