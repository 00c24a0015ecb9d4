/*
 * spawn.c - starting and ending the program instant-source.
 *
 * The child gets no descriptor of the server but its socket, stderr (the server's log) and the
 * file that its server's processes share; no signal handler or mask; a process group of its own,
 * for a cancel is sent to the backend's group; and no variable of the environment that is not named
 * here.
 */
#include "fdw/process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <miscadmin.h>
#include <storage/fd.h>

#define PROGRAM "instant-source"

enum {
    SOCKET_IN_CHILD = 3,
    SHARED_IN_CHILD = 4,
    MEMORY_IN_CHILD = 5,
    FIRST_FREE = 6,  /* in the child, all from here on are closed */
    OUT_OF_WAY = 16, /* where our copies are while the child's are put in place */
    MAX_VARIABLES = 64
};

/* What the child may know of our environment, beside what a mapping names as env:NAME. */
static const char *const passed[] = { "PATH",         "TMPDIR",         "SSL_CERT_FILE",
                                      "SSL_CERT_DIR", "CURL_CA_BUNDLE", "TZDIR" };

/* ---- which program ---- */

static bool
is_program(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, X_OK) == 0;
}

/* The one that came with this library, as long as nobody else can have changed it. */
static void
own_program(char *path)
{
    char folder[MAXPGPATH];
    Dl_info info;
    struct stat found;

    if (dladdr((const void *) passed, &info) != 0 && info.dli_fname != NULL) {
        strlcpy(folder, info.dli_fname, sizeof folder);
        get_parent_directory(folder);
        (void) snprintf(path, MAXPGPATH, "%s/" PROGRAM, folder);
    }
    if (!is_program(path))
        (void) snprintf(path, MAXPGPATH, "%s/" PROGRAM, pkglib_path);
    if (!is_program(path))
        ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
                        errmsg("there is no program \"%s\"", path),
                        errhint("It belongs beside the extension's library; or a superuser may set "
                                "instant.source_program.")));
    if (stat(path, &found) != 0 || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        ereport(ERROR,
                (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
                 errmsg("the program \"%s\" may be written by others than its owner", path)));
}

static void
find_program(const FdwProcess *process, char *path)
{
    path[0] = '\0';
    if (process->program[0] == '\0') {
        own_program(path);
        return;
    }
    strlcpy(path, process->program, MAXPGPATH);
    if (path[0] != '/' || !is_program(path))
        ereport(
            ERROR,
            (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
             errmsg("instant.source_program \"%s\" is not the absolute path of a program", path)));
}

/* ---- its environment ---- */

static void
add_variable(char **environment, int *count, const char *name)
{
    const char *value = getenv(name);

    if (value != NULL && *count < MAX_VARIABLES - 1)
        environment[(*count)++] = psprintf("%s=%s", name, value);
}

static char **
make_environment(const IdcOptionSet *user_options)
{
    char **environment = palloc0(sizeof(char *) * MAX_VARIABLES);
    int count = 0;

    environment[count++] = pstrdup("LANG=C.UTF-8");
    for (size_t i = 0; i < lengthof(passed); i++)
        add_variable(environment, &count, passed[i]);
    for (size_t i = 0; i < user_options->count; i++)
        if (strncmp(user_options->items[i].value, "env:", 4) == 0)
            add_variable(environment, &count, user_options->items[i].value + 4);
    return environment;
}

/* ---- starting ---- */

/* What the child gets beside 0 to 2; -1: not that. */
typedef struct Given {
    int socket, shared, memory;
} Given;

/*
 * Memory of a size that nobody can change, so that reading it is safe whatever the process does.
 * The descriptor, or -1: there is none, and batches come through the socket.
 */
static int
make_memory(void)
{
    int fd = memfd_create("instant batches", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, IDC_SHARED_BYTES) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    close(fd);
    return -1;
}

static int
put_descriptor(posix_spawn_file_actions_t *actions, int fd, int in_child)
{
    return fd >= 0 ? posix_spawn_file_actions_adddup2(actions, fd, in_child) : 0;
}

static int
spawn_with(const char *program, char **environment, const Given *given, pid_t *pid)
{
    char *arguments[] = { (char *) PROGRAM, (char *) "--session", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int code;

    if ((code = posix_spawn_file_actions_init(&actions)) != 0)
        return code;
    if ((code = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    sigfillset(&all);
    sigemptyset(&none);
    code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                     POSIX_SPAWN_SETPGROUP);
    code = code != 0 ? code : posix_spawnattr_setsigdefault(&attributes, &all);
    code = code != 0 ? code : posix_spawnattr_setsigmask(&attributes, &none);
    code =
        code != 0 ? code : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    code =
        code != 0 ? code : posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    code = code != 0 ? code : put_descriptor(&actions, given->socket, SOCKET_IN_CHILD);
    code = code != 0 ? code : put_descriptor(&actions, given->shared, SHARED_IN_CHILD);
    code = code != 0 ? code : put_descriptor(&actions, given->memory, MEMORY_IN_CHILD);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    /* PostgreSQL 15 opens its files without close-on-exec. */
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(&actions, FIRST_FREE);
    if (code == 0 && given->memory < 0)
        code = posix_spawn_file_actions_addclosefrom_np(&actions, MEMORY_IN_CHILD);
    if (code == 0 && given->shared < 0)
        code = posix_spawn_file_actions_addclose(&actions, SHARED_IN_CHILD);
#endif
    if (code == 0)
        code = posix_spawn(pid, program, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static void
close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* A copy where the child's own will not be; -1 stays -1. */
static int
out_of_way(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_WAY);
}

/* Where this process reads the memory; NULL: it cannot, and the child gets none. */
static const uint8_t *
map_memory(int fd)
{
    void *memory = fd < 0 ? MAP_FAILED : mmap(NULL, IDC_SHARED_BYTES, PROT_READ, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void
unmap_memory(FdwProcess *process)
{
    if (process->memory != NULL)
        (void) munmap((void *) process->memory, IDC_SHARED_BYTES);
    process->memory = NULL;
}

/* Returns an errno; nothing is left open but process->fd, on success. */
static int
start(FdwProcess *process, const char *program, char **environment, int shared_fd)
{
    int pair[2] = { -1, -1 }, memory = make_memory(), code = 0;
    Given given;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        code = errno;
        close_if_open(memory);
        return code;
    }
    process->memory = map_memory(memory);
    given.socket = out_of_way(pair[1]);
    given.shared = out_of_way(shared_fd);
    given.memory = process->memory == NULL ? -1 : out_of_way(memory);
    if (given.socket < 0 || (shared_fd >= 0 && given.shared < 0) ||
        fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
        code = errno;
    else
        code = spawn_with(program, environment, &given, &process->pid);
    close(pair[1]);
    close_if_open(memory);
    close_if_open(given.socket);
    close_if_open(given.shared);
    close_if_open(given.memory);
    if (code != 0) {
        close(pair[0]);
        unmap_memory(process);
        process->pid = -1;
    } else {
        process->fd = pair[0];
    }
    return code;
}

void
fdw_spawn(FdwProcess *process, const FdwSpawn *spawn)
{
    char program[MAXPGPATH];
    char **environment = make_environment(spawn->user_options);
    int code;

    find_program(process, program);
    if (!AcquireExternalFD())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
                        errmsg("too many files are open for another source process")));
    code = start(process, program, environment, spawn->shared_fd);
    if (code == 0)
        return;
    ReleaseExternalFD();
    errno = code;
    ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
                    errmsg("could not start \"%s\" for server \"%s\": %m", program,
                           process->server_name)));
}

/* ---- ending ---- */

static void
close_socket(FdwProcess *process)
{
    if (process->fd < 0)
        return;
    close(process->fd);
    process->fd = -1;
    ReleaseExternalFD();
}

void
fdw_spawn_hang_up(FdwProcess *process)
{
    if (process->fd >= 0)
        (void) shutdown(process->fd, SHUT_WR);
}

/* True when it is gone. */
static bool
reap(FdwProcess *process, int64 patience_ms, int *status)
{
    int64 until_ms = fdw_clock_ms() + patience_ms;
    pid_t found;

    do {
        found = waitpid(process->pid, status, WNOHANG);
        if (found == process->pid || (found < 0 && errno != EINTR))
            return true;
        pg_usleep(500);
    } while (fdw_clock_ms() < until_ms);
    return false;
}

void
fdw_spawn_end(FdwProcess *process, int patience_ms, char *how, size_t size)
{
    int status = -1;

    how[0] = '\0';
    close_socket(process);
    unmap_memory(process);
    if (process->pid < 0)
        return;
    if (patience_ms == 0 || !reap(process, patience_ms, &status)) {
        (void) kill(process->pid, SIGKILL);
        (void) reap(process, FDW_PATIENCE_MS, &status);
        status = -1;
    }
    process->pid = -1;
    if (status == -1)
        return;
    if (WIFSIGNALED(status))
        (void) snprintf(how, size, "signal %d: %s", WTERMSIG(status),
                        pg_strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status))
        (void) snprintf(how, size, "exit code %d", WEXITSTATUS(status));
}

/* Until the process has closed its end of the socket too. */
static bool
has_taken_note(FdwProcess *process, int64 until_ms)
{
    char rest[8192];

    for (;;) {
        struct pollfd wanted = { .fd = process->fd, .events = POLLIN };
        int64 left_ms = until_ms - fdw_clock_ms();
        ssize_t got;

        if (left_ms <= 0 || process->fd < 0)
            return false;
        got = recv(process->fd, rest, sizeof rest, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return true;
        if (got < 0 && errno != EINTR)
            (void) poll(&wanted, 1, (int) left_ms);
    }
}

void
fdw_spawn_leave(FdwProcess *process)
{
    char how[256];
    int status;

    fdw_spawn_hang_up(process);
    if (process->pid >= 0 && has_taken_note(process, fdw_clock_ms() + FDW_PATIENCE_MS)) {
        /* Most have nothing to do any more. */
        (void) reap(process, FDW_LEAVING_MS, &status);
        process->pid = -1;
    }
    fdw_spawn_end(process, 0, how, sizeof how);
}
