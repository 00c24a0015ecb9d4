/*
 * extension_files.c - the folder fdw/pgNN, next to the object file that this code is in.
 */
#include "hub/extension_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_BEGINNING IDC_EXTENSION_NAME "--"

/*
 * From the folder of the object file: that of a build tree's programs and library or of the Python
 * package, of its tests, of its Python module; PREFIX/lib, PREFIX/lib/TRIPLET and PREFIX/bin of
 * `make install`; the folder of scripts beside the Python package, with and without pip's --target.
 */
static const char *const places[] = {
    "fdw",
    "../fdw",
    "../../fdw",
    "instant/fdw",
    "../instant/fdw",
    "../lib*/instant/fdw",
    "../lib/*/instant/fdw",
    "../instant_connector/fdw",
    "../lib/python3*/*-packages/instant_connector/fdw",
};

/* The folder of the library, the Python module or the program that this code is part of. */
static bool
own_directory(char *directory)
{
    Dl_info info;
    const char *file = "/proc/self/exe";
    char *slash;

    /* Of a program the loader knows only what it was called as. */
    if (dladdr((const void *) places, &info) != 0 && info.dli_fname != NULL &&
        info.dli_fname[0] == '/')
        file = info.dli_fname;
    if (realpath(file, directory) == NULL)
        return false;
    slash = strrchr(directory, '/');
    if (slash != NULL)
        *slash = '\0';
    return slash != NULL;
}

/* The file's own characters stay what they are in a pattern. */
static void
append_escaped(const char *text, char *pattern, size_t size)
{
    size_t len = strlen(pattern);

    for (; *text != '\0' && len + 3 < size; text++) {
        if (strchr("*?[]\\", *text) != NULL)
            pattern[len++] = '\\';
        pattern[len++] = *text;
    }
    pattern[len] = '\0';
}

static bool
has_file(const char *directory, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", directory, name) < (int) sizeof path &&
           access(path, F_OK) == 0;
}

static bool
has_library(const char *directory)
{
    return has_file(directory, IDC_EXTENSION_LIBRARY);
}

static bool
try_place(const char *own, const char *place, int major, char *directory)
{
    char pattern[2 * PATH_MAX] = "";
    size_t len;
    glob_t found;
    bool is_found = false;

    append_escaped(own, pattern, PATH_MAX);
    len = strlen(pattern);
    (void) snprintf(pattern + len, sizeof pattern - len, "/%s/pg%d", place, major);
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && !is_found; i++)
        is_found = has_library(found.gl_pathv[i]) && realpath(found.gl_pathv[i], directory) != NULL;
    globfree(&found);
    return is_found;
}

static bool
find_directory(int major, char *directory)
{
    const char *given = getenv("INSTANT_FDW_DIR");
    char own[PATH_MAX], path[PATH_MAX];

    if (given != NULL && given[0] != '\0')
        return snprintf(path, sizeof path, "%s/pg%d", given, major) < (int) sizeof path &&
               has_library(path) && realpath(path, directory) != NULL;
    if (!own_directory(own))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (try_place(own, places[i], major, directory))
            return true;
    return false;
}

/*
 * The server will run this code: nobody but root and we may have written it, or be able to. With
 * umask 002, as some give their users, files may be written by the group of just that user.
 */
static IdcStatus
check_trust(const char *path, mode_t kind, IdcError *err)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot read \"%s\": %s", path, idc_errno_text(errno));
    if ((found.st_mode & S_IFMT) != kind)
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" is not a plain file or folder", path);
    if (found.st_uid != 0 && found.st_uid != geteuid())
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" belongs to another user (id %ld)", path,
                        (long) found.st_uid);
    if ((found.st_mode & S_IWOTH) != 0 ||
        ((found.st_mode & S_IWGRP) != 0 && found.st_gid != getegid()))
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" may be written by others than its owner", path);
    return IDC_OK;
}

static bool
is_script(const char *name)
{
    size_t len = strlen(name);

    return strncmp(name, SCRIPT_BEGINNING, strlen(SCRIPT_BEGINNING)) == 0 && len > 4 &&
           strcmp(name + len - 4, ".sql") == 0;
}

static int
compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

static IdcStatus
list_scripts(IdcExtensionFiles *files, IdcError *err)
{
    DIR *directory = opendir(files->directory);
    struct dirent *entry;

    while (directory != NULL && files->count < IDC_EXTENSION_FILES_MAX &&
           (entry = readdir(directory)) != NULL)
        if (is_script(entry->d_name))
            (void) snprintf(files->names[files->count++], sizeof files->names[0], "%s",
                            entry->d_name);
    if (directory == NULL)
        return idc_fail(err, IDC_IO_FAILED, "cannot read \"%s\": %s", files->directory,
                        idc_errno_text(errno));
    closedir(directory);
    if (files->count == 2)
        return idc_fail(err, IDC_NOT_FOUND, "\"%s\" has no script of the extension",
                        files->directory);
    qsort(files->names[2], files->count - 2, sizeof files->names[0], compare_names);
    if (files->count < IDC_EXTENSION_FILES_MAX && has_file(files->directory, IDC_EXTENSION_PROGRAM))
        (void) snprintf(files->names[files->count++], sizeof files->names[0],
                        IDC_EXTENSION_PROGRAM);
    return IDC_OK;
}

IdcStatus
idc_extension_files_find(int major, IdcExtensionFiles *files, IdcError *err)
{
    IdcStatus status;

    if (!find_directory(major, files->directory))
        return idc_fail(err, IDC_NOT_FOUND, "there is no build of it for PostgreSQL %d", major);
    (void) snprintf(files->names[0], sizeof files->names[0], IDC_EXTENSION_LIBRARY);
    (void) snprintf(files->names[1], sizeof files->names[1], IDC_EXTENSION_CONTROL);
    files->count = 2;
    status = list_scripts(files, err);
    if (status == IDC_OK)
        status = check_trust(files->directory, S_IFDIR, err);
    for (size_t i = 0; i < files->count && status == IDC_OK; i++) {
        char path[PATH_MAX + NAME_MAX + 2];

        (void) snprintf(path, sizeof path, "%s/%s", files->directory, files->names[i]);
        status = check_trust(path, S_IFREG, err);
    }
    return status;
}
