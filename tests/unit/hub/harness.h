/*
 * harness.h - scratch folders, and a real server of our own for a test program.
 *
 * The server is an embedded hub in a scratch folder: what is tested elsewhere is used here.
 */
#ifndef TEST_HUB_HARNESS_H
#define TEST_HUB_HARNESS_H

#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new folder that the server's user can enter, with a blank in its name. */
static inline char *
scratch_new(const char *name)
{
    char path[256];

    (void) snprintf(path, sizeof path, "/tmp/instant unit %s XXXXXX", name);
    if (mkdtemp(path) == NULL || chmod(path, 0711) != 0) {
        perror(path);
        exit(1);
    }
    return strdup(path);
}

static inline int
scratch_remove_one(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void) found;
    (void) kind;
    (void) where;
    return remove(path);
}

static inline void
scratch_free(char *path)
{
    (void) nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static inline void
chown_to_server(const char *path)
{
    struct passwd *entry = geteuid() == 0 ? getpwnam("postgres") : NULL;

    if (entry != NULL && chown(path, entry->pw_uid, entry->pw_gid) != 0)
        perror(path);
}

#endif
