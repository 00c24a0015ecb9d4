/*
 * test_hostile.c - text that is made to be slow, deep, large or unreadable: a clear error, soon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

/* Of processor time, so that others on the machine do not count. The sanitizers need more. */
enum { LONGEST_MS = 5000 };

static int64_t
cpu_ms(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
assert_refused(const char *path, const char *text, IdcStatus expected, const char *message)
{
    IdcConfigInput input = { .path = path, .text = text };
    IdcConfig *config = NULL;
    IdcError err;
    IdcText report;
    int64_t start = cpu_ms();

    idc_error_init(&err);
    idc_text_init(&report, 0);
    assert_int_equal(idc_config_load(&input, &config, &report, &err), expected);
    assert_null(config);
    if (strstr(idc_text_string(&report), message) == NULL)
        fail_msg("no \"%s\" in: %.500s", message, idc_text_string(&report));
    assert_true(report.len < (size_t) 200 * 1024);
    assert_true(cpu_ms() - start < LONGEST_MS);
    idc_text_done(&report);
}

/* prefix, count times unit, suffix */
static void
assert_repeated_refused(const char *prefix, const char *unit, size_t count, const char *suffix,
                        const char *message)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append(&text, prefix);
    for (size_t i = 0; i < count; i++)
        idc_text_append(&text, unit);
    idc_text_append(&text, suffix);
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, message);
    idc_text_done(&text);
}

static void
test_depth(void **state)
{
    static const char deep[] = "nested more than 32 levels deep";

    (void) state;
    assert_repeated_refused("", "[", 100000, "", deep);
    assert_repeated_refused("", "{", 100000, "", "found a mapping, expected a key of plain text");
    assert_repeated_refused("", "{a: ", 100000, "", deep);
    assert_repeated_refused("a: ", "- ", 100000, "", "this is not YAML");
    assert_repeated_refused("", "- ", 100000, "x", deep);
    assert_repeated_refused("", "? ", 100000, "", "expected a key of plain text");
    assert_repeated_refused("metadata: ", "[", 31, "", "this is not YAML");
}

static void
test_anchors(void **state)
{
    (void) state;
    assert_repeated_refused("a: ", "&a ", 270000, "x", "two anchors for a single value");
    assert_repeated_refused("", "- &a x\n", 110000, "", "found more than 1000 anchors");
    assert_repeated_refused("- &a x\n", "- *a\n", 160000, "", "found more than 100000 values");
    assert_repeated_refused("", "*", 800000, "", "no anchor");
}

static void
test_billion_laughs(void **state)
{
    IdcText text;

    (void) state;
    idc_text_init(&text, 0);
    idc_text_append(&text, "metadata:\n  a0: &a0 [lol]\n");
    for (int i = 1; i < 20; i++) {
        idc_text_append_format(&text, "  a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            idc_text_append_format(&text, "*a%d%s", i - 1, k < 9 ? ", " : "]\n");
    }
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG,
                   "found more than 100000 values with every alias written out");
    idc_text_clear(&text);
    /* Aliases also count as levels. */
    idc_text_append(&text, "metadata:\n  a0: &a0 [lol]\n");
    for (int i = 1; i < 40; i++)
        idc_text_append_format(&text, "  a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "nested more than 32 levels deep");
    idc_text_done(&text);
}

static void
test_size(void **state)
{
    (void) state;
    assert_repeated_refused("", "aaaaaaaaaa", 1000000, ": b\n", "larger than 1 MiB");
    assert_repeated_refused("", "aaaaaaaaaa", 100000, ": b\n",
                            "found a key of more than 1024 bytes");
    assert_repeated_refused("metadata: [", "a,", 500000, "]", "found more than 100000 values");
    assert_repeated_refused("metadata: {", "a: b, ", 150000, "}", "found more than 100000 values");
    assert_repeated_refused("'", "x ", 500000, "", "this is not YAML");
    assert_repeated_refused("\"", "\\n", 500000, "\"", "expected a mapping");
    assert_repeated_refused("sources:\n  s: {type: x, server_options: {", "a: '', ", 40000, "}}",
                            "found the key \"a\" twice");
    assert_repeated_refused("description: \"", "${A:-", 200000, "\"", "found ${ without }");
    assert_repeated_refused("description: \"", "${A:-xxxxxxxxxxxxxxxxxxxxxx}", 4000, "\"",
                            "longer than 65536 bytes");
}

/* As many problems as there can be: a hundred are told, and how many more there are. */
static void
test_many_problems(void **state)
{
    IdcText text;

    (void) state;
    idc_text_init(&text, 0);
    for (int i = 0; i < 40000; i++)
        idc_text_append_format(&text, "sources%d: x\n", i);
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "<config>: and 39900 more");
    idc_text_clear(&text);
    idc_text_append(&text, "sources:\n  s:\n    type: postgres_fdw\n    tables:\n");
    for (int i = 0; i < 60000; i++)
        idc_text_append(&text, "    - t\n");
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "<config>: and 59899 more");
    idc_text_clear(&text);
    idc_text_append(&text, "sources:\n");
    for (int i = 0; i < 25000; i++)
        idc_text_append_format(&text, "  s%d: postgresql://h/${NO%d}\n", i, i);
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "variable \"NO0\" is not set");
    idc_text_done(&text);
}

/* libfyaml is quadratic in these. */
static void
test_lines(void **state)
{
    static const char many[] = "<config>:202:1: found more than 200 empty lines";
    IdcText text;

    (void) state;
    assert_repeated_refused("a: b", "\n", 1000000, " c\n", many);
    assert_repeated_refused("a: b", " \t\n", 300000, " c\n", many);
    assert_repeated_refused("a: |", "\n", 1000000, "  c\n", many);
    assert_repeated_refused("a: b", "\r", 1000000, " c\n", "more than 200 empty lines");
    assert_repeated_refused("a: b", "\xC2\x85", 500000, " c\n", "more than 200 empty lines");
    assert_repeated_refused("a: b", "\xE2\x80\xA8", 300000, " c\n", "more than 200 empty lines");
    idc_text_init(&text, 0);
    idc_text_append(&text, "a: b\n");
    for (int i = 0; i < 5000; i++) {
        for (int k = 0; k < 199; k++)
            idc_text_append(&text, "\n");
        idc_text_append(&text, " c");
    }
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "unknown key \"a\"");
    idc_text_clear(&text);
    for (int i = 0; i < 40000; i++)
        idc_text_append_format(&text, "%%TAG !a%d! tag:x,2000:\n", i);
    assert_refused(NULL, idc_text_string(&text), IDC_BAD_CONFIG, "more than 100 directives");
    idc_text_done(&text);
}

/* As many tables of a second file as there are sources in the first. */
static void
test_many_sources(void **state)
{
    static const char *const prefixes[] = { "s", "t" };
    char path[] = "/tmp/test_sources.XXXXXX";
    int fd = mkstemp(path);

    (void) state;
    assert_true(fd >= 0);
    for (int f = 0; f < 2; f++) {
        IdcText text, report;
        IdcConfigInput input = { .schema_path = path };
        IdcConfig *config = NULL;
        int64_t start = cpu_ms();

        idc_text_init(&text, 0);
        idc_text_init(&report, 0);
        idc_text_append(&text, "tables:\n");
        for (int i = 0; i < 20000; i++)
            idc_text_append_format(&text, "- {source: %s%d, name: t%d}\n", prefixes[f], i, i);
        assert_int_equal(pwrite(fd, text.data, text.len, 0), (ssize_t) text.len);
        idc_text_clear(&text);
        idc_text_append(&text, "sources:\n");
        for (int i = 0; i < 20000; i++)
            idc_text_append_format(&text, "  s%d: postgresql://h/d\n", i);
        input.text = idc_text_string(&text);
        assert_int_equal(idc_config_load(&input, &config, &report, NULL),
                         f == 0 ? IDC_OK : IDC_BAD_CONFIG);
        assert_true(cpu_ms() - start < LONGEST_MS);
        if (f == 0)
            assert_int_equal(config->sources[19999].table_count, 1);
        else
            assert_non_null(strstr(idc_text_string(&report), "and 19900 more"));
        idc_config_free(config);
        idc_text_done(&text);
        idc_text_done(&report);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void
test_bytes(void **state)
{
    static const char nul[] = "a: \"\\0\"\n";
    char all[256];

    (void) state;
    for (int i = 0; i < 255; i++)
        all[i] = (char) (i + 1);
    all[255] = '\0';
    assert_refused(NULL, all, IDC_BAD_CONFIG, "<config>:1:1: found the control character U+0001");
    assert_refused(NULL, "a: \xFF\n", IDC_BAD_CONFIG,
                   "<config>:1:4: found a byte that is not UTF-8 (0xFF)");
    assert_refused(NULL, "\xC3\xA4: b\nc: \xC3(\n", IDC_BAD_CONFIG,
                   "<config>:2:4: found a byte that is not UTF-8 (0xC3)");
    assert_refused(NULL, "a: \xEF\xB7\x90\n", IDC_BAD_CONFIG,
                   "found a character that is not assigned (U+FDD0)");
    assert_refused(NULL, nul, IDC_BAD_CONFIG, "found the control character U+0000");
    assert_refused(NULL,
                   "\xFF\xFE"
                   "a",
                   IDC_BAD_CONFIG, "not UTF-8");
    assert_refused(NULL, "a:\n\tb: c\n", IDC_BAD_CONFIG, "tab character");
}

static void
test_files(void **state)
{
    char directory[] = "/tmp/test_hostile.XXXXXX";
    char path[64];
    FILE *file;

    (void) state;
    assert_refused("/does/not/exist.yaml", NULL, IDC_IO_FAILED,
                   "cannot read \"/does/not/exist.yaml\": No such file or directory");
    assert_non_null(mkdtemp(directory));
    assert_refused(directory, NULL, IDC_IO_FAILED, "Is a directory");
    (void) snprintf(path, sizeof path, "%s/large.yaml", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), INT64_C(10) << 30), 0);
    assert_int_equal(fclose(file), 0);
    assert_refused(path, NULL, IDC_BAD_CONFIG, "larger than 1 MiB");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_refused(NULL, NULL, IDC_MISUSE, "");
}

/* Errors of the second file carry its name, and come after those of the first. */
static void
test_schema_file(void **state)
{
    char path[] = "/tmp/test_schema.XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    IdcConfigInput input = { .path = "main.yaml",
                             .text = "sources:\n"
                                     "  shop: {type: postgres_fdw, tables: [one]}\n"
                                     "  web: {type: mysql_fdw, import: [a], enabled: 2}\n",
                             .schema_path = path };
    IdcConfig *config = NULL;
    IdcText report, expected;

    (void) state;
    assert_non_null(file);
    assert_true(fputs("tables:\n"
                      "- {source: shpo, name: x}\n"
                      "- {name: y}\n"
                      "- {source: shop, name: one}\n"
                      "- {source: web, name: z, colums: []}\n"
                      "sources: {shop: {table: []}}\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    idc_text_init(&report, 0);
    idc_text_init(&expected, 0);
    assert_int_equal(idc_config_load(&input, &config, &report, NULL), IDC_BAD_CONFIG);
    idc_text_append(&expected, "main.yaml:3:48: enabled: found text, expected true or false\n");
    idc_text_append_format(&expected, "%s:2:12: unknown source \"shpo\", did you mean \"shop\"?\n",
                           path);
    idc_text_append_format(&expected, "%s:3:3: a table without a source, expected source:\n", path);
    idc_text_append_format(&expected,
                           "%s:4:3: table \"one\" is in schema \"public\" twice, the first time at "
                           "main.yaml:2:39, expected another name or a schema: of its own\n",
                           path);
    idc_text_append_format(
        &expected, "%s:5:3: source \"web\" has import:, expected no tables beside it\n", path);
    idc_text_append_format(
        &expected, "%s:5:26: unknown key \"colums\" in a table, did you mean \"columns\"?\n", path);
    idc_text_append_format(&expected,
                           "%s:6:18: unknown key \"table\" in a source of the schema file, did you "
                           "mean \"tables\"?\n",
                           path);
    assert_string_equal(idc_text_string(&report), idc_text_string(&expected));
    idc_text_done(&report);
    idc_text_done(&expected);
    assert_int_equal(unlink(path), 0);
}

/* All of the above in one process stayed within this. */
static void
test_memory(void **state)
{
    struct rusage usage;

    (void) state;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < 1024 * 1024); /* KiB; the sanitizers keep freed memory */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),          cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_billion_laughs), cmocka_unit_test(test_size),
        cmocka_unit_test(test_many_problems),  cmocka_unit_test(test_lines),
        cmocka_unit_test(test_many_sources),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_files),          cmocka_unit_test(test_schema_file),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
