/*
 * sandbox_files.c - where this process may write. It runs as the hub's user, whose files these are.
 *
 * Landlock (Linux 5.13, https://docs.kernel.org/userspace-api/landlock.html): what is not allowed
 * is refused, for this thread and all that it starts. Reading is not limited: name services and TLS
 * read in many places.
 */
#include "source/source.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers may be. */
#define ACCESS_REFER (UINT64_C(1) << 13)    /* version 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* version 3 */

static uint64_t
write_rights(int version)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

    if (version >= 2)
        rights |= ACCESS_REFER;
    if (version >= 3)
        rights |= ACCESS_TRUNCATE;
    return rights;
}

static void
allow(int ruleset, const char *directory, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = rights };

    rule.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return; /* then there is nothing to write to */
    (void) syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

void
idc_sandbox_limit_writes(const char *const *directories)
{
    struct landlock_ruleset_attr attributes = { 0 };
    int version =
        (int) syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int ruleset;

    if (version < 1)
        return;
    attributes.handled_access_fs = write_rights(version);
    ruleset = (int) syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0)
        return;
    for (; *directories != NULL; directories++)
        allow(ruleset, *directories, attributes.handled_access_fs);
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void) syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}
