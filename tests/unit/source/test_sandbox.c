/*
 * test_sandbox.c - what a session's process can no longer do, and what it still can.
 *
 * Each test forks, because the sandbox has no way out.
 */
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "source/source.h"

/* Runs check in a sandboxed child; it returns the line that failed, or 0. */
static int
in_sandbox(int (*check)(void))
{
    int ends[2], status = -1;
    pid_t child;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void) dup2(ends[1], IDC_SOCKET_FD);
        idc_sandbox_enter();
        _exit(check());
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ & 0xFF ? __LINE__ & 0xFF : 1;                                          \
    } while (0)

static bool
is_refused(long result)
{
    return result == -1 && errno == EPERM;
}

static int
check_calls(void)
{
    char *const arguments[] = { "true", NULL };

    MUST(is_refused(execve("/bin/true", arguments, environ)));
    MUST(is_refused(fork()));
    MUST(is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
    MUST(is_refused(kill(getppid(), 0)));
    MUST(is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0)));
    MUST(is_refused(setuid(getuid())));
    MUST(is_refused(setgid(getgid())));
    MUST(is_refused(mount("none", "/tmp", "tmpfs", 0, NULL)));
    MUST(is_refused(unshare(CLONE_NEWUSER)));
    MUST(is_refused(chroot("/")));
    MUST(is_refused(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)));
    MUST(is_refused(syscall(SYS_bpf, 0, NULL, 0)));
    MUST(is_refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)));
    MUST(is_refused(syscall(SYS_userfaultfd, 0)));
    MUST(is_refused(syscall(SYS_io_uring_setup, 1, NULL)));
    MUST(is_refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)));
    MUST(is_refused(syscall(SYS_pidfd_open, getppid(), 0)));
    MUST(is_refused(prlimit(getppid(), RLIMIT_NOFILE, NULL, NULL)));
    return 0;
}

static void
calls_that_no_adapter_needs_are_refused(void **state)
{
    (void) state;
    assert_int_equal(in_sandbox(check_calls), 0);
}

static void *
add_one(void *number)
{
    ++*(int *) number;
    return NULL;
}

static int
check_work(void)
{
    int number = 0, fd, ends[2];
    pthread_t thread;

    MUST(pthread_create(&thread, NULL, add_one, &number) == 0);
    MUST(pthread_join(thread, NULL) == 0 && number == 1);
    fd = open("/etc/passwd", O_RDONLY);
    MUST(fd >= 0);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    MUST(socket(AF_INET, SOCK_STREAM, 0) >= 0);
    MUST(getrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0 }) == 0);
    /* abort() needs it. */
    MUST(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    return 0;
}

static void
threads_files_and_sockets_work(void **state)
{
    (void) state;
    assert_int_equal(in_sandbox(check_work), 0);
}

static int
check_surroundings(void)
{
    struct rlimit core, descriptors;
    struct sigaction action;

    MUST(fcntl(3, F_GETFD) >= 0);
    for (int fd = 6; fd < 64; fd++)
        MUST(fcntl(fd, F_GETFD) == -1);
    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    MUST(prctl(PR_GET_DUMPABLE) == 0);
    MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    MUST(getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_max <= 1024);
    MUST(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    MUST(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    MUST(sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    return 0;
}

static void
nothing_is_inherited(void **state)
{
    int extra = fcntl(0, F_DUPFD, 40);

    (void) state;
    assert_true(extra >= 40);
    (void) signal(SIGTERM, SIG_IGN);
    assert_int_equal(in_sandbox(check_surroundings), 0);
    (void) signal(SIGTERM, SIG_DFL);
    close(extra);
}

static char allowed_directory[] = "/tmp/test_sandbox_XXXXXX";

/* False: the kernel has no Landlock. */
static bool
writes_can_be_limited(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static int
check_writes(void)
{
    const char *const directories[] = { "/nonexistent", allowed_directory, NULL };
    bool is_limited = writes_can_be_limited();
    char path[64], outside[64];
    int fd;

    idc_sandbox_limit_writes(directories);
    (void) snprintf(path, sizeof path, "%s/inside", allowed_directory);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    MUST(fd >= 0 && write(fd, "x", 1) == 1 && unlink(path) == 0);
    (void) snprintf(outside, sizeof outside, "%s-outside", allowed_directory);
    fd = open(outside, O_WRONLY | O_CREAT, 0600);
    MUST(is_limited == (fd < 0));
    if (fd >= 0)
        MUST(unlink(outside) == 0);
    MUST(!is_limited || (rmdir(allowed_directory) < 0 && errno == EACCES));
    MUST(open("/etc/passwd", O_RDONLY) >= 0);
    return 0;
}

static void
writes_go_only_where_they_may(void **state)
{
    (void) state;
    assert_non_null(mkdtemp(allowed_directory));
    assert_int_equal(in_sandbox(check_writes), 0);
    (void) rmdir(allowed_directory);
}

#ifndef __SANITIZE_ADDRESS__

static int
check_memory(void)
{
    const size_t size = (size_t) 64 << 20;
    void *block;

    idc_sandbox_limit_memory(32 << 20);
    MUST(malloc(size) == NULL);
    block = malloc(size / 8);
    MUST(block != NULL);
    memset(block, 1, size / 8);
    free(block);
    return 0;
}

static void
memory_has_a_limit(void **state)
{
    (void) state;
    assert_int_equal(in_sandbox(check_memory), 0);
}

#endif

/* The pair was made by another process than the parent: as when the parent died meanwhile. */
static void
a_process_whose_parent_is_gone_ends(void **state)
{
    int ends[2], status = -1;
    pid_t child;

    (void) state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pid_t grandchild = fork();

        if (grandchild == 0) {
            (void) dup2(ends[1], IDC_SOCKET_FD);
            idc_sandbox_enter();
            _exit(77);
        }
        (void) waitpid(grandchild, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_no_adapter_needs_are_refused),
        cmocka_unit_test(threads_files_and_sockets_work),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(writes_go_only_where_they_may),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(memory_has_a_limit),
#endif
        cmocka_unit_test(a_process_whose_parent_is_gone_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
