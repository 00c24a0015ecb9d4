/*
 * server_layout.c - ask pg_config, and find what the answers have in common.
 *
 * Source: PostgreSQL, src/port/path.c (make_relative_path): a folder is found relative to the
 * program if what follows the common beginning of both, as configured, is at the end of the
 * program's own folder. Cutting off the same beginning everywhere keeps that true for every pair.
 */
#include "hub/server_layout.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hub/server_process.h"

#define LEVELS_MAX 3
#define LIBRARIES_ENDING ".libs"

/* How many bytes of whole components both begin with: "/usr" of "/usr/lib" and "/usr/libexec". */
static size_t
common_len(const char *left, const char *right, size_t limit)
{
    size_t common = 0;

    for (size_t i = 0; i <= limit; i++) {
        bool is_left_end = left[i] == '/' || left[i] == '\0';
        bool is_right_end = right[i] == '/' || right[i] == '\0';

        if (is_left_end && is_right_end)
            common = i;
        if (left[i] != right[i] || left[i] == '\0')
            break;
    }
    return common;
}

static bool
has_libraries(const char *path, size_t len)
{
    char directory[PATH_MAX];
    struct dirent *entry;
    bool is_found = false;
    DIR *entries;

    (void) snprintf(directory, sizeof directory, "%.*s/", (int) len, path);
    entries = opendir(directory);
    while (entries != NULL && !is_found && (entry = readdir(entries)) != NULL) {
        size_t name_len = strlen(entry->d_name);

        is_found =
            name_len > strlen(LIBRARIES_ENDING) &&
            strcmp(entry->d_name + name_len - strlen(LIBRARIES_ENDING), LIBRARIES_ENDING) == 0;
    }
    if (entries != NULL)
        closedir(entries);
    return is_found;
}

static void
find_base(IdcServerLayout *layout)
{
    const char *bin = layout->paths[IDC_SERVER_BIN];
    size_t len = strlen(bin);

    len = common_len(bin, layout->paths[IDC_SERVER_PKGLIB], len);
    len = common_len(bin, layout->paths[IDC_SERVER_SHARE], len);
    layout->top_len = len;
    layout->base_len = len;
    for (int i = 0; i < LEVELS_MAX && len > 0; i++) {
        while (len > 0 && bin[len - 1] != '/')
            len--;
        len -= len > 0;
        if (has_libraries(bin, len))
            layout->base_len = len;
    }
}

/* One of pg_config's lines: an absolute path without a ".." that would lead out of the tree. */
static bool
take_line(char **at, char *path)
{
    char *end = strchr(*at, '\n');
    bool is_good;

    if (end == NULL)
        return false;
    *end = '\0';
    is_good = (*at)[0] == '/' && strlen(*at) < PATH_MAX - 64 && strstr(*at, "/..") == NULL;
    if (is_good)
        (void) snprintf(path, PATH_MAX, "%s", *at);
    for (size_t len = strlen(path); is_good && len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    *at = end + 1;
    return is_good;
}

IdcStatus
idc_server_layout_find(const char *bin, IdcServerLayout *layout, IdcError *err)
{
    char program[PATH_MAX + 16], text[4 * PATH_MAX];
    char *arguments[] = { program,
                          (char *) "--bindir",
                          (char *) "--pkglibdir",
                          (char *) "--sharedir",
                          (char *) "--libdir",
                          NULL };
    char *at = text;
    char *library = layout->paths[IDC_SERVER_LIB];
    bool is_good = true;

    (void) snprintf(program, sizeof program, "%s/pg_config", bin);
    if (access(program, X_OK) != 0)
        return idc_fail(err, IDC_NOT_FOUND, "there is no pg_config in \"%s\"", bin);
    idc_server_ask(arguments, text, sizeof text);
    for (int i = 0; i < IDC_SERVER_EXTENSION && is_good; i++)
        is_good = take_line(&at, layout->paths[i]);
    if (!is_good)
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" does not say where the server's files are",
                        program);
    (void) snprintf(layout->paths[IDC_SERVER_EXTENSION], PATH_MAX, "%.*s/extension", PATH_MAX - 32,
                    layout->paths[IDC_SERVER_SHARE]);
    find_base(layout);
    /* Debian's is /usr/lib/x86_64-linux-gnu, which the loader knows anyway. */
    if (!take_line(&at, library) || strcmp(library, layout->paths[IDC_SERVER_PKGLIB]) == 0 ||
        strlen(library) <= layout->top_len ||
        common_len(library, layout->paths[IDC_SERVER_PKGLIB], strlen(library)) != strlen(library))
        library[0] = '\0';
    return IDC_OK;
}
