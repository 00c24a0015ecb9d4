/*
 * server_process.c - fork, change the user, exec; and who runs in a folder.
 *
 * Between fork and exec only async-signal-safe calls are made: the host may have threads.
 */
#include "hub/server_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define POLL_MS 10

static char *const server_environment[] = { (char *) "PATH=/usr/local/bin:/usr/bin:/bin",
                                            (char *) "LANG=C", (char *) "TZ=UTC", NULL };

/* What the child does before it becomes the program. */
typedef struct Child {
    const IdcEmbedded *embedded;
    char *const *arguments;
    const char *directory;
    int input, output;
} Child;

/* In the child; async-signal-safe. Returns errno. */
static int
child_become(const Child *child)
{
    const IdcEmbedded *embedded = child->embedded;
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(077);
    if (geteuid() == 0 && embedded->uid != 0 &&
        (setgroups(0, NULL) != 0 || setresgid(embedded->gid, embedded->gid, embedded->gid) != 0 ||
         setresuid(embedded->uid, embedded->uid, embedded->uid) != 0))
        return errno;
    if (chdir(child->directory) != 0)
        return errno;
    if (dup2(child->input, 0) < 0 || dup2(child->output, 1) < 0 || dup2(child->output, 2) < 0)
        return errno;
    /* Descriptors of the host that lack close-on-exec must not live as long as the server. */
    (void) syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    execve(child->arguments[0], child->arguments, server_environment);
    return errno;
}

static IdcStatus
fail_program(const char *program, int code, IdcError *err)
{
    return idc_fail(err, IDC_IO_FAILED, "cannot run \"%s\": %s", program, idc_errno_text(code));
}

/* A file the server's user may write, opened before the user changes. */
static int
open_output(const IdcEmbedded *embedded, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0 && geteuid() == 0 && fchown(fd, embedded->uid, embedded->gid) != 0) {
        int code = errno;

        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

/* All of input fits into a pipe's buffer. */
static int
open_input(const char *input)
{
    int ends[2];

    if (input == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    if (write(ends[1], input, strlen(input)) != (ssize_t) strlen(input)) {
        close(ends[0]);
        ends[0] = -1;
    }
    close(ends[1]);
    return ends[0];
}

static IdcStatus
wait_for(pid_t pid, IdcCall *call, int *exit_status, IdcError *err)
{
    for (;;) {
        pid_t ended = waitpid(pid, exit_status, WNOHANG);
        IdcStatus status;

        if (ended == pid)
            return IDC_OK;
        if (ended < 0 && errno != EINTR) {
            /* The host ignores SIGCHLD: how it ended must show in what it made. */
            *exit_status = 0;
            return IDC_OK;
        }
        status = idc_call_wait(call, -1, 0, POLL_MS, err);
        if (status == IDC_TIMEOUT && idc_call_remaining_ms(call, -1) != 0)
            continue;
        (void) kill(-pid, SIGKILL);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, exit_status, 0);
        return status;
    }
}

IdcStatus
idc_server_run(const IdcEmbedded *embedded, IdcCall *call, char *const *arguments,
               const char *input, const char *output, IdcError *err)
{
    Child child = { embedded, arguments, embedded->root, -1, -1 };
    int exit_status = 0;
    IdcStatus status = IDC_OK;
    pid_t pid = -1;

    child.output = open_output(embedded, output);
    child.input = open_input(input);
    if (child.output < 0 || child.input < 0) {
        status =
            idc_fail(err, IDC_IO_FAILED, "cannot write \"%s\": %s", output, idc_errno_text(errno));
        goto done;
    }
    pid = fork();
    if (pid == 0) {
        (void) setpgid(0, 0);
        (void) child_become(&child);
        _exit(127);
    }
    if (pid < 0) {
        status = fail_program(arguments[0], errno, err);
        goto done;
    }
    status = wait_for(pid, call, &exit_status, err);
    if (status == IDC_OK && exit_status != 0)
        status = idc_fail(err, IDC_IO_FAILED, "\"%s\" failed", arguments[0]);

done:
    if (child.output >= 0)
        close(child.output);
    if (child.input >= 0)
        close(child.input);
    return status;
}

/* What a detached child says through the pipe, in one write: its pid, or why it did not become the
 * program. */
typedef struct Report {
    int is_error;
    int number;
} Report;

static void
detached_run(const Child *child, int pipe_end)
{
    Report report = { 0, 0 };
    pid_t pid;

    (void) setsid();
    pid = fork();
    if (pid == 0) {
        report = (Report){ 1, child_become(child) };
        (void) !write(pipe_end, &report, sizeof report);
        _exit(127);
    }
    report = pid < 0 ? (Report){ 1, errno } : (Report){ 0, pid };
    (void) !write(pipe_end, &report, sizeof report);
    _exit(0);
}

/* The pipe ends when the middle process is gone and the last one has become the program. */
static int
read_reports(int pipe_end, pid_t *pid)
{
    Report report;
    int code = 0;
    ssize_t len;

    do {
        len = read(pipe_end, &report, sizeof report);
        if (len == (ssize_t) sizeof report && report.is_error)
            code = report.number;
        else if (len == (ssize_t) sizeof report)
            *pid = report.number;
    } while (len > 0 || (len < 0 && errno == EINTR));
    return code;
}

IdcStatus
idc_server_spawn(const IdcEmbedded *embedded, char *const *arguments, const char *directory,
                 const char *output, pid_t *pid, IdcError *err)
{
    Child child = { embedded, arguments, directory, -1, -1 };
    int ends[2] = { -1, -1 };
    IdcStatus status = IDC_OK;
    pid_t middle = -1;
    int code;

    child.output = open_output(embedded, output);
    child.input = open_input(NULL);
    if (child.output < 0 || child.input < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        status =
            idc_fail(err, IDC_IO_FAILED, "cannot write \"%s\": %s", output, idc_errno_text(errno));
        goto done;
    }
    middle = fork();
    if (middle == 0)
        detached_run(&child, ends[1]);
    if (middle < 0) {
        status = fail_program(arguments[0], errno, err);
        goto done;
    }
    close(ends[1]);
    ends[1] = -1;
    *pid = 0;
    code = read_reports(ends[0], pid);
    while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
        ;
    if (code != 0 || *pid == 0)
        status = fail_program(arguments[0], code, err);

done:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    if (child.output >= 0)
        close(child.output);
    if (child.input >= 0)
        close(child.input);
    return status;
}

/* In a child with the server's rights: 0, or the length of the first prefix of path that cannot be
 * entered. */
static int
blocked_prefix(const IdcEmbedded *embedded, const char *path)
{
    char prefix[PATH_MAX];
    size_t len = strlen(path);

    if (setgroups(0, NULL) != 0 || setresgid(embedded->gid, embedded->gid, embedded->gid) != 0 ||
        setresuid(embedded->uid, embedded->uid, embedded->uid) != 0 || len >= sizeof prefix)
        return 1;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(prefix, path, i);
        prefix[i] = '\0';
        if (access(prefix, X_OK) != 0)
            return (int) i;
    }
    return 0;
}

IdcStatus
idc_server_can_enter(const IdcEmbedded *embedded, const char *path, IdcError *err)
{
    int ends[2];
    int blocked = 0;
    pid_t pid;

    if (geteuid() != 0)
        return IDC_OK;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot make a pipe: %s", idc_errno_text(errno));
    pid = fork();
    if (pid == 0) {
        blocked = blocked_prefix(embedded, path);
        (void) !write(ends[1], &blocked, sizeof blocked);
        _exit(0);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], &blocked, sizeof blocked) != (ssize_t) sizeof blocked)
        blocked = 1;
    close(ends[0]);
    if (pid > 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    if (blocked == 0)
        return IDC_OK;
    (void) idc_fail(
        err, IDC_IO_FAILED,
        "the hub cannot be in \"%s\": its server does not run as root, and its user (id %ld) may "
        "not enter \"%.*s\"",
        path, (long) embedded->uid, blocked, path);
    idc_error_set_hint(err, "chmod a+x that folder, or set INSTANT_HOME to another one");
    return IDC_IO_FAILED;
}

static bool
is_postgres(pid_t pid)
{
    char path[64], name[32] = "";
    int fd;
    ssize_t len = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/comm", (long) pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, name, sizeof name - 1);
        close(fd);
    }
    return len >= 8 && strncmp(name, "postgres", 8) == 0;
}

/*
 * /proc/PID/cwd may be read by the process's own user, and root in a container is not always above
 * that rule. So this thread (and no other) looks as the server's user.
 */
static bool
works_in(pid_t pid, const char *directory)
{
    char path[64], cwd[PATH_MAX];
    ssize_t len;

    (void) snprintf(path, sizeof path, "/proc/%ld/cwd", (long) pid);
    len = readlink(path, cwd, sizeof cwd - 1);
    if (len <= 0)
        return false;
    cwd[len] = '\0';
    return strcmp(cwd, directory) == 0;
}

static void
look_as(uid_t uid, gid_t gid)
{
    if (geteuid() == 0) {
        (void) setfsgid(gid);
        (void) setfsuid(uid);
    }
}

void
idc_server_look_as_server(const IdcEmbedded *embedded)
{
    look_as(embedded->uid, embedded->gid);
}

void
idc_server_look_as_self(void)
{
    look_as(0, getegid());
}

bool
idc_server_is_ours(const IdcEmbedded *embedded, pid_t pid)
{
    char directory[PATH_MAX];
    bool is_ours;

    if (pid <= 1 || realpath(embedded->data, directory) == NULL)
        return false;
    idc_server_look_as_server(embedded);
    is_ours = works_in(pid, directory);
    idc_server_look_as_self();
    return is_ours && is_postgres(pid);
}

bool
idc_server_is_dead(pid_t pid)
{
    char path[64], line[256];
    ssize_t len = -1;
    const char *state;
    int fd;

    (void) snprintf(path, sizeof path, "/proc/%ld/stat", (long) pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, line, sizeof line - 1);
        close(fd);
    }
    if (len <= 0)
        return true;
    line[len] = '\0';
    /* "PID (name) S …": a name may hold parentheses. */
    state = strrchr(line, ')');
    return state != NULL && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X');
}

size_t
idc_server_signal_all(const IdcEmbedded *embedded, int signal_number)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        int64_t pid;

        if (!idc_int64_parse(entry->d_name, &pid) || pid <= 1 || pid > INT_MAX ||
            !is_postgres((pid_t) pid) || !idc_server_is_ours(embedded, (pid_t) pid))
            continue;
        count++;
        if (signal_number != 0)
            (void) kill((pid_t) pid, signal_number);
    }
    if (processes != NULL)
        closedir(processes);
    return count;
}
