/*
 * harness.h - scratch folders, and a real server of our own for a test program.
 *
 * The server is an embedded hub in a scratch folder: what is tested elsewhere is used here.
 */
#ifndef TEST_HUB_HARNESS_H
#define TEST_HUB_HARNESS_H

#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * However this program ends, killed by a test runner too, what still works in the folder is stopped
 * and the folder removed. The reaper is nobody's child, for a runner that kills a program kills all
 * that descend from it; it waits for the end of a pipe that only we hold.
 */
static inline void
scratch_guard(const char *path)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
        perror("reaper");
        exit(1);
    }
    if (child == 0) {
        if (fork() == 0) {
            int nowhere = open("/dev/null", O_RDWR);

            (void) setsid();
            if (nowhere >= 0 && dup2(ends[0], 0) == 0 && dup2(nowhere, 1) == 1 &&
                dup2(nowhere, 2) == 2)
                (void) execlp("python3", "python3", "-I",
                              TEST_SOURCE_DIR "/../../../tools/scratch_servers.py", "--reap", path,
                              (char *) NULL);
        }
        _exit(0);
    }
    (void) close(ends[0]);
    (void) waitpid(child, NULL, 0);
}

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
    scratch_guard(path);
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
