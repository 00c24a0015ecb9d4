/*
 * title.c - what ps shows.
 *
 * The memory of the arguments and of the environment lies in one piece, and the kernel shows it as
 * the command line up to its first NUL once the arguments' last byte is not one. So the environment
 * moves away, which also takes the hub's variables out of /proc/PID/environ.
 */
#include "source/source.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/memory.h"

/* Set once, before there are threads. */
static char *title;
static size_t title_size;

/* The environment in memory of its own; false: no memory, and it stays where it is. */
static bool
move_environment(void)
{
    size_t count = 0;
    char **moved;

    while (environ[count] != NULL)
        count++;
    moved = idc_calloc(count + 1, sizeof *moved);
    if (moved == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(environ[i]) + 1;

        moved[i] = idc_malloc(size);
        if (moved[i] == NULL)
            return false;
        memcpy(moved[i], environ[i], size);
    }
    environ = moved;
    return true;
}

void
idc_title_init(int argc, char **argv)
{
    char *end;

    if (argc < 1)
        return;
    end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    for (char **variable = environ; *variable != NULL; variable++)
        if (*variable == end)
            end += strlen(*variable) + 1;
    if (!move_environment())
        return;
    title = argv[0];
    title_size = (size_t) (end - argv[0]);
    explicit_bzero(title, title_size);
    idc_title_set("");
}

void
idc_title_set(const char *name)
{
    (void) prctl(PR_SET_NAME, "instant-source");
    if (title_size == 0)
        return;
    memset(title, 0, title_size);
    (void) snprintf(title, title_size, "instant-source: %s", name);
}
