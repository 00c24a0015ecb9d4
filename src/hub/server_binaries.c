/*
 * server_binaries.c - where this machine keeps PostgreSQL's server programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "hub/server_process.h"

#define NEWEST_MAJOR 40
#define OLDEST_MAJOR 12
#define OUTPUT_MS 5000

/* The search, and the best found so far: major 0 is none. */
typedef struct Search {
    int wanted_major;
    int major;
    char directory[PATH_MAX];
} Search;

void
idc_server_ask(char *const *arguments, char *text, size_t size)
{
    int64_t until_ms = idc_clock_ms() + OUTPUT_MS;
    int ends[2];
    size_t len = 0;
    pid_t pid;

    text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], 1) >= 0)
            execv(arguments[0], arguments);
        _exit(127);
    }
    close(ends[1]);
    while (pid > 0 && len + 1 < size) {
        int64_t left = until_ms - idc_clock_ms();
        ssize_t got;

        if (idc_call_wait(NULL, ends[0], POLLIN, left > 0 ? left : 0, NULL) != IDC_OK)
            break;
        got = read(ends[0], text + len, size - 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t) got;
    }
    close(ends[0]);
    if (pid > 0) {
        (void) kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    text[len] = '\0';
}

/* The first line that a program prints; empty if it cannot be run. */
static void
program_line(const char *path, const char *argument, char *line, size_t size)
{
    char *arguments[] = { (char *) path, (char *) argument, NULL };

    idc_server_ask(arguments, line, size);
    line[strcspn(line, "\r\n")] = '\0';
}

/* "postgres (PostgreSQL) 15.20 (Debian …)" is 15. */
static int
major_of(const char *path)
{
    char line[256];
    const char *mark;

    program_line(path, "-V", line, sizeof line);
    mark = strstr(line, "(PostgreSQL) ");
    return mark != NULL ? (int) strtol(mark + strlen("(PostgreSQL) "), NULL, 10) : 0;
}

static bool
search_is_over(const Search *search)
{
    return search->major != 0;
}

/* Take the folder if both programs are there and of a version that fits; it may be relative to
 * nothing. */
static void
search_try(Search *search, const char *directory)
{
    char path[PATH_MAX];
    char real[PATH_MAX];
    int major;

    if (search_is_over(search) || directory[0] != '/' ||
        snprintf(path, sizeof path, "%s/initdb", directory) >= (int) sizeof path ||
        access(path, X_OK) != 0 ||
        snprintf(path, sizeof path, "%s/postgres", directory) >= (int) sizeof path ||
        access(path, X_OK) != 0 || realpath(path, real) == NULL)
        return;
    major = major_of(path);
    if (major < OLDEST_MAJOR || (search->wanted_major != 0 && major != search->wanted_major))
        return;
    search->major = major;
    (void) snprintf(search->directory, sizeof search->directory, "%s", directory);
}

/* Each folder of PATH; with a program, the folder that this program (pg_config) names. */
static void
search_path(Search *search, const char *program)
{
    const char *at = getenv("PATH");
    char directory[PATH_MAX], path[PATH_MAX];

    while (at != NULL && *at != '\0' && !search_is_over(search)) {
        size_t len = strcspn(at, ":");

        (void) snprintf(directory, sizeof directory, "%.*s", (int) len, at);
        at += len + (at[len] == ':');
        if (program == NULL) {
            search_try(search, directory);
            continue;
        }
        if (snprintf(path, sizeof path, "%s/%s", directory, program) >= (int) sizeof path ||
            access(path, X_OK) != 0)
            continue;
        program_line(path, "--bindir", directory, sizeof directory);
        search_try(search, directory);
        return;
    }
}

static void
search_packages(Search *search)
{
    static const char *const forms[] = { "/usr/lib/postgresql/%d/bin", "/usr/pgsql-%d/bin",
                                         "/usr/lib/postgresql%d/bin" };
    char directory[64];

    for (int major = NEWEST_MAJOR; major >= OLDEST_MAJOR && !search_is_over(search); major--)
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            (void) snprintf(directory, sizeof directory, forms[i], major);
            search_try(search, directory);
        }
}

static IdcStatus
fail_not_found(int wanted_major, IdcError *err)
{
    if (wanted_major != 0) {
        (void) idc_fail(
            err, IDC_NOT_FOUND,
            "the data of the embedded hub is of PostgreSQL %d, whose server is not installed",
            wanted_major);
        idc_error_set_hint(
            err,
            "apt install postgresql-%d, or set INSTANT_PG_BINDIR to the folder of its initdb, "
            "or make a new hub (instant hub destroy)",
            wanted_major);
    } else {
        (void) idc_fail(err, IDC_NOT_FOUND,
                        "the embedded hub needs the PostgreSQL server (version 12 or later), which "
                        "was not found");
        idc_error_set_hint(
            err, "apt install postgresql, or set INSTANT_PG_BINDIR to the folder of its initdb");
    }
    return IDC_NOT_FOUND;
}

IdcStatus
idc_server_binaries(int wanted_major, char *directory, size_t size, IdcError *err)
{
    Search search = { .wanted_major = wanted_major };
    const char *given = getenv("INSTANT_PG_BINDIR");

    if (given != NULL && given[0] != '\0') {
        search_try(&search, given);
        if (!search_is_over(&search) && wanted_major == 0)
            return idc_fail(err, IDC_NOT_FOUND,
                            "INSTANT_PG_BINDIR is \"%s\", where no postgres and initdb of version "
                            "12 or later are",
                            given);
    }
    search_path(&search, "pg_config");
    search_packages(&search);
    search_path(&search, NULL);
    if (!search_is_over(&search))
        return fail_not_found(wanted_major, err);
    (void) snprintf(directory, size, "%s", search.directory);
    return IDC_OK;
}
