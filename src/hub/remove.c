/*
 * remove.c - rm -r with openat, so that a swapped folder cannot lead it astray.
 */
#include "hub/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64

static bool
is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes fd. */
static void
remove_inside(int fd, int depth)
{
    DIR *directory = fdopendir(fd);
    struct dirent *entry;

    if (directory == NULL) {
        close(fd);
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        int inner;

        if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        inner = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0 && depth < DEPTH_MAX)
            remove_inside(inner, depth + 1);
        else if (inner >= 0)
            close(inner);
        (void) unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(directory);
}

void
idc_remove_tree(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0) {
        remove_inside(fd, 0);
        (void) rmdir(path);
    } else if (errno != ENOENT) {
        (void) unlink(path);
    }
}

static bool
begins_with(const char *name, const char *beginning)
{
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

void
idc_remove_matching(const char *directory, const char *beginning)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(entries)) != NULL) {
        int inner;

        if (!begins_with(entry->d_name, beginning))
            continue;
        inner = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            remove_inside(inner, 0);
        (void) unlinkat(fd, entry->d_name, inner >= 0 ? AT_REMOVEDIR : 0);
    }
    closedir(entries);
}

void
idc_remove_oldest(const char *directory, const char *beginning, size_t kept)
{
    struct dirent **entries = NULL;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = fd >= 0 ? scandir(directory, &entries, NULL, alphasort) : -1;
    size_t left = 0;

    for (int i = count - 1; i >= 0; i--) {
        if (begins_with(entries[i]->d_name, beginning) && ++left > kept)
            (void) unlinkat(fd, entries[i]->d_name, 0);
        free(entries[i]);
    }
    free(entries);
    if (fd >= 0)
        close(fd);
}
