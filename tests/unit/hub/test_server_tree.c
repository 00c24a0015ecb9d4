/*
 * test_server_tree.c - the embedded hub's own copy of the server, and the extension in it.
 *
 * The extension here is a stand-in for the built one: a module of PostgreSQL's own under its name,
 * and scripts in SQL, so that versions, damage and refusals can be made at will. The real one is
 * tested in tests/integration/test_embedded_extension.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "hub/conn.h"
#include "hub/extension_files.h"
#include "hub/hub.h"
#include "hub/server_layout.h"
#include "hub/server_process.h"

#define PATH_SIZE 1024

/* A scratch folder with a hub and the files of a stand-in; what the hub logged since they were
 * emptied. */
typedef struct Site {
    char *path;
    char home[PATH_SIZE], files[PATH_SIZE];
    IdcHub *hub;
    char info[2000], warning[2000];
} Site;

static void
assert_ok(IdcStatus status, const IdcError *err)
{
    if (status != IDC_OK)
        fail_msg("%s (%s)", err->message, err->hint);
}

static void
shell(const char *format, ...)
{
    char command[8 * PATH_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void) vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("%s", command);
}

static void
keep_line(void *host, IdcLogLevel level, const char *line)
{
    Site *site = host;
    char *text = level == IDC_INFO ? site->info : site->warning;
    size_t len = strlen(text);

    (void) snprintf(text + len, sizeof site->info - len, "%s\n", line);
}

/* ---- the stand-in ---- */

static void
write_stand_in(const Site *site, const char *version, const char *update_from)
{
    IdcServerLayout layout;
    char bin[PATH_SIZE], folder[PATH_SIZE + 32], update[PATH_SIZE] = "";
    char line[128] = "";
    char *ask[] = { bin, (char *) "-V", NULL };
    IdcError err;
    int major;

    assert_ok(idc_server_binaries(0, bin, sizeof bin - 16, &err), &err);
    assert_ok(idc_server_layout_find(bin, &layout, &err), &err);
    strncat(bin, "/postgres", 12);
    idc_server_ask(ask, line, sizeof line);
    major = (int) strtol(strstr(line, ") ") + 2, NULL, 10);
    (void) snprintf(folder, sizeof folder, "%s/pg%d", site->files, major);
    if (update_from != NULL)
        (void) snprintf(update, sizeof update,
                        "echo \"CREATE OR REPLACE FUNCTION instant.version() RETURNS text LANGUAGE "
                        "sql AS \\$\\$SELECT '%s'\\$\\$\" > instant_fdw--%s--%s.sql",
                        version, update_from, version);
    shell("umask 077 && mkdir -p '%s' && cd '%s' && cp '%s/passwordcheck.so' instant_fdw.so &&"
          " chmod 600 instant_fdw.so && echo '#!/bin/sh' > instant-source && echo "
          "\"default_version = '%s'\nrelocatable = false\n"
          "schema = instant\" > instant_fdw.control && echo \"CREATE FUNCTION instant.version()"
          " RETURNS text LANGUAGE sql AS \\$\\$SELECT '%s'\\$\\$\" > instant_fdw--%s.sql; %s",
          folder, folder, layout.paths[IDC_SERVER_PKGLIB], version, version, version, update);
}

/* ---- the hub ---- */

static void
open_hub(Site *site)
{
    IdcHubOptions options = { .kind = IDC_HUB_EMBEDDED,
                              .home = site->home,
                              .application_name = "unit",
                              .connect_timeout_ms = 60000 };
    IdcLog log = { .hook = keep_line, .host = site, .least = IDC_INFO };
    IdcError err;

    assert_ok(idc_hub_new(&options, &log, &site->hub, &err), &err);
}

static void
ask(Site *site, const char *sql, char *answer, size_t size)
{
    IdcArena *arena = idc_arena_new(0);
    IdcConn *conn = NULL;
    IdcTextRows rows;
    IdcError err;

    assert_ok(idc_conn_open(site->hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_query(conn, NULL, arena, sql, NULL, 0, &rows, &err), &err);
    assert_int_equal(rows.row_count, 1);
    (void) snprintf(answer, size, "%s", rows.values[0]);
    idc_conn_close(conn);
    idc_arena_free(arena);
}

static void
assert_answer(Site *site, const char *sql, const char *expected)
{
    char answer[200];

    ask(site, sql, answer, sizeof answer);
    assert_string_equal(answer, expected);
}

static void
assert_version(Site *site, const char *expected)
{
    IdcHubStatus status;
    IdcError err;

    assert_answer(site, "SELECT instant.version()", expected);
    assert_ok(idc_hub_status(site->hub, &status, &err), &err);
    assert_string_equal(status.extension_version, expected);
}

static void
execute(Site *site, const char *sql)
{
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_conn_open(site->hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_execute(conn, NULL, sql, &err), &err);
    idc_conn_close(conn);
}

static void
stop(Site *site)
{
    IdcError err;

    assert_ok(idc_hub_stop(site->hub, &err), &err);
}

/* The only tree there is, and nothing half-made beside it. */
static void
find_tree(const Site *site, char *path)
{
    char server[PATH_SIZE + 32];
    struct dirent *entry;
    DIR *entries;
    int count = 0;

    (void) snprintf(server, sizeof server, "%s/hub/server", site->home);
    entries = opendir(server);
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        assert_int_not_equal(strncmp(entry->d_name, "tmp.", 4), 0);
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        count++;
        (void) snprintf(path, PATH_SIZE, "%.600s/%.200s", server, entry->d_name);
    }
    closedir(entries);
    assert_int_equal(count, 1);
}

/* ---- setup ---- */

static void
make_site(Site *site)
{
    site->path = scratch_new("tree");
    (void) snprintf(site->home, sizeof site->home, "%s/a home", site->path);
    (void) snprintf(site->files, sizeof site->files, "%s/the extension", site->path);
    setenv("INSTANT_FDW_DIR", site->files, 1);
    write_stand_in(site, "0.1.0", NULL);
    open_hub(site);
}

/* One hub for all: each test begins with a sound stand-in of version 0.1.0 and no server. */
static int
setup_group(void **state)
{
    Site *site = calloc(1, sizeof *site);

    make_site(site);
    *state = site;
    return 0;
}

static int
teardown_group(void **state)
{
    Site *site = *state;

    (void) !idc_hub_destroy(site->hub, NULL);
    idc_hub_free(site->hub);
    scratch_free(site->path);
    free(site);
    return 0;
}

static int
setup(void **state)
{
    Site *site = *state;
    IdcError err;

    assert_ok(idc_hub_stop(site->hub, &err), &err);
    site->info[0] = site->warning[0] = '\0';
    shell("rm -rf '%s'", site->files);
    write_stand_in(site, "0.1.0", NULL);
    setenv("INSTANT_FDW_DIR", site->files, 1);
    unsetenv("INSTANT_PG_BINDIR");
    return 0;
}

/* ---- tests ---- */

static void
test_made_once(void **state)
{
    Site *site = *state;
    char first[PATH_SIZE], second[PATH_SIZE];
    struct stat before, after;

    assert_version(site, "0.1.0");
    find_tree(site, first);
    assert_int_equal(stat(first, &before), 0);
    assert_answer(site, "SHOW shared_preload_libraries", "instant_fdw");
    /* The program that the library starts lies beside it. */
    assert_answer(site,
                  "SELECT size FROM pg_config, pg_stat_file(setting || '/instant-source') WHERE "
                  "name = 'PKGLIBDIR'",
                  "10");
    stop(site);
    assert_version(site, "0.1.0");
    find_tree(site, second);
    assert_int_equal(stat(second, &after), 0);
    assert_string_equal(first, second);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void
test_hub_without_an_extension_gets_it(void **state)
{
    Site *site = *state;
    IdcHubStatus status;
    IdcError err;

    execute(site, "DROP EXTENSION instant_fdw");
    stop(site);
    setenv("INSTANT_FDW_DIR", "/nowhere", 1);
    assert_answer(site, "SHOW shared_preload_libraries", "");
    assert_ok(idc_hub_status(site->hub, &status, &err), &err);
    assert_string_equal(status.extension_version, "");
    stop(site);
    setenv("INSTANT_FDW_DIR", site->files, 1);
    assert_version(site, "0.1.0");
}

static void
test_reason_is_logged(void **state)
{
    Site *site = *state;
    IdcError err;

    setenv("INSTANT_FDW_DIR", "/nowhere", 1);
    assert_ok(idc_hub_ensure(site->hub, NULL, &err), &err);
    assert_non_null(strstr(site->info, "without the extension: there is no build of it"));
    assert_string_equal(site->warning, "");
}

static void
test_new_version_of_the_extension(void **state)
{
    Site *site = *state;
    char first[PATH_SIZE], second[PATH_SIZE];

    assert_version(site, "0.1.0");
    find_tree(site, first);
    stop(site);
    write_stand_in(site, "0.2.0", "0.1.0");
    assert_version(site, "0.2.0");
    find_tree(site, second);
    assert_string_not_equal(first, second);
    /* Files of the older version come back: the database keeps what it has. */
    stop(site);
    shell("rm -rf '%s'", site->files);
    write_stand_in(site, "0.1.0", NULL);
    assert_version(site, "0.2.0");
    execute(site, "DROP EXTENSION instant_fdw; CREATE EXTENSION instant_fdw");
    assert_version(site, "0.1.0");
}

/* A server that was itself moved, and cannot be written to, is upgraded. */
static void
test_new_version_of_the_server(void **state)
{
    Site *site = *state;
    IdcServerLayout layout;
    char first[PATH_SIZE], second[PATH_SIZE], third[PATH_SIZE], moved[PATH_SIZE], bin[PATH_SIZE];
    IdcError err;

    assert_version(site, "0.1.0");
    find_tree(site, first);
    stop(site);
    assert_ok(idc_server_binaries(0, bin, sizeof bin, &err), &err);
    assert_ok(idc_server_layout_find(bin, &layout, &err), &err);
    (void) snprintf(moved, sizeof moved, "%.500s/a moved server", site->path);
    shell("cp -a '%s' '%s' && chmod -R a+rX,a-w '%s'", first, moved, moved);
    (void) snprintf(bin, sizeof bin, "%.500s%.400s", moved,
                    layout.paths[IDC_SERVER_BIN] + layout.base_len);
    setenv("INSTANT_PG_BINDIR", bin, 1);
    assert_version(site, "0.1.0");
    find_tree(site, second);
    assert_string_not_equal(first, second);
    stop(site);
    shell("touch -d '2020-02-02' '%s/postgres'", bin);
    assert_version(site, "0.1.0");
    find_tree(site, third);
    assert_string_not_equal(second, third);
    assert_answer(site, "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'",
                  "1");
    shell("chmod -R u+w '%s'", moved);
}

/* What a package installs while the hub runs can be used without a restart. */
static void
test_new_files_of_the_server(void **state)
{
    Site *site = *state;
    IdcServerLayout layout;
    char tree[PATH_SIZE], moved[PATH_SIZE], bin[PATH_SIZE];
    const char *extension;
    IdcError err;

    assert_version(site, "0.1.0");
    find_tree(site, tree);
    stop(site);
    assert_ok(idc_server_binaries(0, bin, sizeof bin, &err), &err);
    assert_ok(idc_server_layout_find(bin, &layout, &err), &err);
    (void) snprintf(moved, sizeof moved, "%.500s/a growing server", site->path);
    shell("cp -a '%s' '%s' && chmod -R a+rX '%s'", tree, moved, moved);
    (void) snprintf(bin, sizeof bin, "%.500s%.400s", moved,
                    layout.paths[IDC_SERVER_BIN] + layout.base_len);
    setenv("INSTANT_PG_BINDIR", bin, 1);
    assert_version(site, "0.1.0");
    extension = layout.paths[IDC_SERVER_EXTENSION] + layout.base_len;
    shell(
        "cd '%s%s' && echo \"default_version = '1'\" > new_one.control && chmod a+r new_one.control"
        " && echo 'CREATE FUNCTION newer() RETURNS int LANGUAGE sql AS $$SELECT 5$$' >"
        " new_one--1.sql && chmod a+r new_one--1.sql",
        moved, extension);
    execute(site, "CREATE EXTENSION new_one");
    assert_answer(site, "SELECT newer()", "5");
    shell("rm '%s%s'/new_one*", moved, extension);
    assert_answer(site, "SELECT count(*) FROM pg_available_extensions WHERE name = 'new_one'", "0");
    execute(site, "DROP EXTENSION new_one");
}

static void
test_damaged_tree(void **state)
{
    static const char *const damages[] = {
        "find . -name postgres -type f -exec truncate -s 4096 {} +",
        "find . -name postgres -type f -exec chmod a-x {} +",
        "find . -name 'instant_fdw*' -delete",
        "find . -name plpgsql.so -delete",
        "find . -name origin -exec rm -r {} +",
        "find . -name instant_fdw.so -exec dd status=none conv=notrunc if=/dev/zero bs=4096 "
        "count=1 "
        "of={} ';'",
        "rm -r ./*",
    };
    Site *site = *state;
    char tree[PATH_SIZE];

    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        assert_version(site, "0.1.0");
        find_tree(site, tree);
        stop(site);
        shell("cd '%s' && %s", tree, damages[i]);
        assert_version(site, "0.1.0");
        assert_answer(site, "SELECT count(*) FROM pg_language WHERE lanname = 'plpgsql'", "1");
        execute(site, "DO $$BEGIN PERFORM 1; END$$");
        find_tree(site, tree);
    }
}

/* A program that is damaged without a trace: this start is without, the next one is with it again.
 */
static void
test_server_that_cannot_run(void **state)
{
    Site *site = *state;
    char tree[PATH_SIZE];

    assert_version(site, "0.1.0");
    find_tree(site, tree);
    stop(site);
    shell("find '%s' -name postgres -type f -exec dd status=none conv=notrunc if=/dev/zero bs=4096 "
          "count=1 of={} ';'",
          tree);
    assert_answer(site, "SHOW shared_preload_libraries", "");
    assert_non_null(strstr(site->warning, "starts without"));
    stop(site);
    assert_version(site, "0.1.0");
}

static void
test_library_that_cannot_be_loaded(void **state)
{
    Site *site = *state;

    shell("for f in '%s'/pg*/instant_fdw.so; do echo 'no library' > \"$f\"; done", site->files);
    assert_answer(site, "SELECT current_setting('shared_preload_libraries')", "");
    assert_non_null(strstr(site->warning, "instant_fdw"));
    stop(site);
    write_stand_in(site, "0.1.0", NULL);
    assert_version(site, "0.1.0");
}

/* Code of others is not run. */
static void
test_files_that_are_refused(void **state)
{
    static const char *const spoils[] = {
        "chmod o+w instant_fdw.so",         "chmod o+w instant-source",
        "chmod o+w instant_fdw--0.1.0.sql", "chmod o+w .",
        "rm instant_fdw.control",
    };
    Site *site = *state;
    IdcExtensionFiles files;
    IdcError err;

    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        shell("cd '%s'/pg* && %s", site->files, spoils[i]);
        assert_answer(site, "SHOW shared_preload_libraries", "");
        assert_string_equal(site->warning, "");
        stop(site);
        shell("rm -rf '%s'", site->files);
        write_stand_in(site, "0.1.0", NULL);
    }
    if (geteuid() == 0) {
        shell("chown 12345 '%s'/pg*/instant_fdw.so", site->files);
        for (int major = 12; major < 40; major++) {
            IdcStatus status = idc_extension_files_find(major, &files, &err);

            assert_true(status == IDC_NOT_FOUND || status == IDC_IO_FAILED);
            if (status == IDC_IO_FAILED)
                assert_non_null(strstr(err.message, "another user (id 12345)"));
        }
    }
}

/* What the user's own settings load stays loaded. */
static void
test_other_libraries(void **state)
{
    Site *site = *state;

    execute(site,
            "ALTER SYSTEM SET shared_preload_libraries = auto_explain, \"pg_stat_statements\"");
    stop(site);
    assert_answer(site, "SHOW shared_preload_libraries",
                  "auto_explain, pg_stat_statements, instant_fdw");
    execute(site, "ALTER SYSTEM RESET shared_preload_libraries");
}

/* Killed at any moment of a start: the next one has it all, and nothing half-made is left. */
static void
test_killed_makers(void **state)
{
    Site *site = *state;
    char tree[PATH_SIZE];
    unsigned seed = 4711;

    for (int i = 0; i < 8; i++) {
        pid_t child;

        shell("rm -rf '%s/hub/server'", site->home);
        child = fork();
        if (child == 0) {
            (void) !idc_hub_ensure(site->hub, NULL, NULL);
            _exit(0);
        }
        (void) poll(NULL, 0, rand_r(&seed) % 400);
        (void) kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_version(site, "0.1.0");
        find_tree(site, tree);
        stop(site);
    }
}

/* The server answers already, but who started it did not come to CREATE EXTENSION. */
static void
test_killed_before_create(void **state)
{
    Site *site = *state;

    assert_version(site, "0.1.0");
    execute(site, "DROP EXTENSION instant_fdw");
    shell("touch '%s/hub/server/pending'", site->home);
    assert_version(site, "0.1.0");
    shell("test ! -e '%s/hub/server/pending'", site->home);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_made_once, setup),
        cmocka_unit_test_setup(test_hub_without_an_extension_gets_it, setup),
        cmocka_unit_test_setup(test_reason_is_logged, setup),
        cmocka_unit_test_setup(test_new_version_of_the_extension, setup),
        cmocka_unit_test_setup(test_new_version_of_the_server, setup),
        cmocka_unit_test_setup(test_new_files_of_the_server, setup),
        cmocka_unit_test_setup(test_damaged_tree, setup),
        cmocka_unit_test_setup(test_server_that_cannot_run, setup),
        cmocka_unit_test_setup(test_library_that_cannot_be_loaded, setup),
        cmocka_unit_test_setup(test_files_that_are_refused, setup),
        cmocka_unit_test_setup(test_other_libraries, setup),
        cmocka_unit_test_setup(test_killed_makers, setup),
        cmocka_unit_test_setup(test_killed_before_create, setup),
    };

    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
