/*
 * test_secrets.c - secrets come from where the options say, and leave in no text.
 */
#include <setjmp.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "source/source.h"

static const IdcAdapterOption options[] = {
    { .name = "token", .levels = IDC_OPTION_USER, .is_secret = true },
    { .name = "password", .levels = IDC_OPTION_USER, .is_secret = true },
    { .name = "user", .levels = IDC_OPTION_USER },
    { .name = NULL },
};

static const IdcDeclaration declaration = { .name = "probe", .options = options };

typedef struct Place {
    char path[64];
    IdcArena *arena;
    IdcSecrets secrets;
} Place;

static int
begin(void **state)
{
    Place *place = calloc(1, sizeof *place);

    (void) snprintf(place->path, sizeof place->path, "/tmp/test_secrets_XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->arena = idc_arena_new(0);
    place->secrets.arena = place->arena;
    *state = place;
    return 0;
}

static int
end(void **state)
{
    Place *place = *state;
    char command[128];

    idc_arena_free(place->arena);
    (void) snprintf(command, sizeof command, "rm -rf '%s'", place->path);
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

static const char *
put(Place *place, const char *name, const char *text, size_t len, mode_t mode)
{
    char *path = idc_arena_printf(place->arena, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static const char *
put_text(Place *place, const char *name, const char *text, mode_t mode)
{
    return put(place, name, text, strlen(text), mode);
}

/* ---- scrubbing ---- */

static void
scrub_is(const IdcSecrets *secrets, const char *before, const char *after)
{
    char text[200];

    (void) snprintf(text, sizeof text, "%s", before);
    idc_secrets_scrub_text(secrets, text, sizeof text);
    assert_string_equal(text, after);
}

static void
texts_lose_their_secrets(void **state)
{
    Place *place = *state;
    IdcError err;

    scrub_is(&place->secrets, "nothing to hide", "nothing to hide");
    assert_int_equal(idc_secrets_add(&place->secrets, "hunter2", &err), IDC_OK);
    assert_int_equal(idc_secrets_add(&place->secrets, "hunter2 and more", &err), IDC_OK);
    assert_int_equal(idc_secrets_add(&place->secrets, "a b&c", &err), IDC_OK);
    assert_int_equal(idc_secrets_add(&place->secrets, "", &err), IDC_OK);
    scrub_is(&place->secrets, "", "");
    scrub_is(&place->secrets, "hunter2", "***");
    scrub_is(&place->secrets, "xhunter2hunter2y hunter", "x******y hunter");
    scrub_is(&place->secrets, "hunter2 and more, hunter2 and less", "***, *** and less");
    scrub_is(&place->secrets, "GET /?key=a%20b%26c&n=1", "GET /?key=***&n=1");
}

static void
cut_texts_lose_the_begin_of_a_secret(void **state)
{
    Place *place = *state;
    char text[12];
    IdcError err;

    assert_int_equal(idc_secrets_add(&place->secrets, "hunter2", &err), IDC_OK);
    memcpy(text, "wrong: hunt", sizeof text);
    idc_secrets_scrub_text(&place->secrets, text, sizeof text);
    assert_string_equal(text, "wrong: ***");
    /* A text that was not cut may end like the begin of one. */
    memcpy(text, "a hunt", 7);
    idc_secrets_scrub_text(&place->secrets, text, sizeof text);
    assert_string_equal(text, "a hunt");
}

static void
short_secrets_make_texts_longer_but_never_too_long(void **state)
{
    Place *place = *state;
    IdcError err;
    char text[10];

    assert_int_equal(idc_secrets_add(&place->secrets, "x", &err), IDC_OK);
    memcpy(text, "xxxxxxxxx", sizeof text);
    idc_secrets_scrub_text(&place->secrets, text, sizeof text);
    assert_string_equal(text, "*********");
    memcpy(text, "axbcdefxx", sizeof text);
    idc_secrets_scrub_text(&place->secrets, text, sizeof text);
    assert_string_equal(text, "a***bcdef");
}

static void
errors_lose_their_secrets_in_every_part(void **state)
{
    Place *place = *state;
    IdcError err;

    assert_int_equal(idc_secrets_add(&place->secrets, "s3cret", NULL), IDC_OK);
    (void) idc_fail(&err, IDC_SOURCE_FAILED, "the source says: bad token s3cret");
    idc_error_set_hint(&err, "not s3cret");
    idc_error_set_remote_sql(&err, "GET /?token=s3cret");
    idc_secrets_scrub(&place->secrets, &err);
    assert_string_equal(err.message, "the source says: bad token ***");
    assert_string_equal(err.hint, "not ***");
    assert_string_equal(err.remote_sql, "GET /?token=***");
}

/* ---- files ---- */

static IdcStatus
read_is(const char *path, bool is_private, const char *expected, IdcError *err)
{
    char *text = NULL;
    IdcStatus status = idc_secret_file_read(AT_FDCWD, path, is_private, &text, err);

    if (status == IDC_OK)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    idc_secret_free(text);
    return status;
}

static void
a_file_is_its_text_without_the_line_end(void **state)
{
    Place *place = *state;
    IdcError err;

    assert_int_equal(read_is(put_text(place, "a", "word\n", 0644), false, "word", &err), IDC_OK);
    assert_int_equal(read_is(put_text(place, "b", "word\r\n", 0600), true, "word", &err), IDC_OK);
    assert_int_equal(
        read_is(put_text(place, "c", "two\nlines\n\n", 0400), true, "two\nlines\n", &err), IDC_OK);
    assert_int_equal(read_is(put_text(place, "d", "", 0600), true, "", &err), IDC_OK);
}

static void
fails_with(const char *path, bool is_private, const char *message)
{
    IdcError err;

    assert_int_equal(read_is(path, is_private, NULL, &err), IDC_BAD_CREDENTIAL);
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.message, path));
}

static void
files_that_are_no_secrets_are_refused(void **state)
{
    Place *place = *state;
    char *big = calloc(1, IDC_SECRET_FILE_MAX_BYTES + 1);
    char *link = idc_arena_printf(place->arena, "%s/link", place->path);
    char *fifo = idc_arena_printf(place->arena, "%s/fifo", place->path);

    memset(big, 'x', IDC_SECRET_FILE_MAX_BYTES + 1);
    fails_with(put(place, "big", big, IDC_SECRET_FILE_MAX_BYTES + 1, 0600), false, "more than");
    free(big);
    fails_with(put(place, "nul", "a\0b", 3, 0600), false, "not a text");
    fails_with(put(place, "latin", "\xe9", 1, 0600), false, "not a text");
    fails_with(place->path, false, "not a regular file");
    assert_int_equal(symlink(put_text(place, "target", "x", 0600), link), 0);
    fails_with(link, false, "symbolic link");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    fails_with(fifo, false, "not a regular file");
    fails_with(put_text(place, "open", "x", 0640), true, "its mode is 0640");
    fails_with(put_text(place, "other", "x", 0604), true, "its mode is 0604");
    fails_with("/nonexistent/file", false, "No such file");
}

/* ---- options ---- */

static IdcStatus
resolve(Place *place, const IdcOptionPair *given, size_t count, bool may_use_local,
        IdcOptionSet *resolved, IdcError *err)
{
    IdcOptionSet set = { given, count };
    IdcSecretSources sources = { .credential_directory = place->path,
                                 .may_use_local = may_use_local };

    return idc_secrets_resolve(&place->secrets, &declaration, &set, &sources, resolved, err);
}

static void
references_become_values(void **state)
{
    Place *place = *state;
    char *reference =
        idc_arena_printf(place->arena, "file:%s", put_text(place, "f", "from file\n", 0644));
    IdcOptionPair given[] = { { "token", "env:TEST_SECRETS_TOKEN" },
                              { "password", reference },
                              { "user", "env:USER" } };
    IdcOptionSet resolved = { 0 };
    IdcError err;

    assert_int_equal(setenv("TEST_SECRETS_TOKEN", "from env", 1), 0);
    assert_int_equal(resolve(place, given, 3, true, &resolved, &err), IDC_OK);
    assert_string_equal(idc_option_value(&resolved, "token"), "from env");
    assert_string_equal(idc_option_value(&resolved, "password"), "from file");
    /* Only secrets are references. */
    assert_string_equal(idc_option_value(&resolved, "user"), "env:USER");
    scrub_is(&place->secrets, "from env, from file, env:USER", "***, ***, env:USER");
}

static void
plain_values_are_secrets_too(void **state)
{
    Place *place = *state;
    IdcOptionPair given[] = { { "token", "plain" } };
    IdcOptionSet resolved = { 0 };
    IdcError err;

    assert_int_equal(resolve(place, given, 1, false, &resolved, &err), IDC_OK);
    assert_string_equal(idc_option_value(&resolved, "token"), "plain");
    scrub_is(&place->secrets, "a plain word", "a *** word");
}

static void
does_not_resolve(Place *place, const char *name, const char *value, bool may_use_local,
                 const char *message)
{
    IdcOptionPair given[] = { { name, value } };
    IdcOptionSet resolved = { 0 };
    IdcError err;

    assert_int_equal(resolve(place, given, 1, may_use_local, &resolved, &err), IDC_BAD_CREDENTIAL);
    if (strstr(err.message, message) == NULL)
        fail_msg("%s", err.message);
    assert_null(resolved.items);
}

static void
wrong_references_say_what_is_wrong(void **state)
{
    Place *place = *state;

    assert_int_equal(unsetenv("TEST_SECRETS_NONE"), 0);
    does_not_resolve(place, "token", "env:TEST_SECRETS_NONE", true,
                     "option \"token\": environment variable \"TEST_SECRETS_NONE\" is not set");
    does_not_resolve(place, "token", "file:relative", true, "not absolute");
    does_not_resolve(place, "token", "file:/nonexistent", true, "No such file");
    does_not_resolve(place, "token",
                     idc_arena_printf(place->arena, "file:%s", put_text(place, "e", "\n", 0600)),
                     true, "is empty");
    does_not_resolve(place, "token", "env:PATH", false, "not a superuser");
    does_not_resolve(place, "token", "file:/etc/hostname", false, "not a superuser");
}

static void
a_credential_is_below_the_other_options(void **state)
{
    Place *place = *state;
    IdcOptionPair given[] = { { "user", "given" }, { "credential", "api" } };
    IdcOptionSet resolved = { 0 };
    IdcError err;

    put_text(place, "api", "# of the API\n\n  user = stored\ntoken = t0ken = x\n\tpassword=p w\n",
             0600);
    assert_int_equal(resolve(place, given, 2, true, &resolved, &err), IDC_OK);
    assert_int_equal(resolved.count, 3);
    assert_string_equal(idc_option_value(&resolved, "user"), "given");
    assert_string_equal(idc_option_value(&resolved, "token"), "t0ken = x");
    assert_string_equal(idc_option_value(&resolved, "password"), "p w");
    assert_null(idc_option_value(&resolved, "credential"));
    scrub_is(&place->secrets, "t0ken = x; stored", "***; stored");
}

static void
wrong_credentials_say_what_is_wrong(void **state)
{
    Place *place = *state;

    put_text(place, "loose", "token = x\n", 0644);
    does_not_resolve(place, "credential", "loose", true, "its mode is 0644");
    put_text(place, "unknown", "tokem = x\n", 0600);
    does_not_resolve(place, "credential", "unknown", true, "\"tokem\" is no user option");
    put_text(place, "twice", "token = x\ntoken = y\n", 0600);
    does_not_resolve(place, "credential", "twice", true, "\"twice\" at line 2: an option is there");
    put_text(place, "line", "token = x\nnonsense\n", 0600);
    does_not_resolve(place, "credential", "line", true, "at line 2: expected \"option = value\"");
    does_not_resolve(place, "credential", "none", true, "No such file");
    does_not_resolve(place, "credential", "../line", true, "not the name of a credential");
    does_not_resolve(place, "credential", ".hidden", true, "not the name of a credential");
    does_not_resolve(place, "credential", "", true, "not the name of a credential");
    does_not_resolve(place, "credential", "loose", false, "not a superuser");
    assert_int_equal(chmod(place->path, 0777), 0);
    does_not_resolve(place, "credential", "loose", true, "others may write");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_lose_their_secrets, begin, end),
        cmocka_unit_test_setup_teardown(cut_texts_lose_the_begin_of_a_secret, begin, end),
        cmocka_unit_test_setup_teardown(short_secrets_make_texts_longer_but_never_too_long, begin,
                                        end),
        cmocka_unit_test_setup_teardown(errors_lose_their_secrets_in_every_part, begin, end),
        cmocka_unit_test_setup_teardown(a_file_is_its_text_without_the_line_end, begin, end),
        cmocka_unit_test_setup_teardown(files_that_are_no_secrets_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(references_become_values, begin, end),
        cmocka_unit_test_setup_teardown(plain_values_are_secrets_too, begin, end),
        cmocka_unit_test_setup_teardown(wrong_references_say_what_is_wrong, begin, end),
        cmocka_unit_test_setup_teardown(a_credential_is_below_the_other_options, begin, end),
        cmocka_unit_test_setup_teardown(wrong_credentials_say_what_is_wrong, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
