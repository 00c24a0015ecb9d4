/*
 * sandbox.c - what this process may not do, whatever its libraries are talked into.
 *
 * Every step is for when the others fail; one that the kernel does not know is left out.
 */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef IDC_WITH_SECCOMP
#include <seccomp.h>
#endif

enum { DESCRIPTORS_MAX = 1024, LIBRARY_STACK_BYTES = 512 * 1024, MEMORY_LEAST_BYTES = 16 << 20 };

/* Our parent is gone, or has let go of us: so long may we still tell the source so. */
enum { LEAVING_SECONDS = 2 };

/* As if all were well: it may be the server that sees how we end. */
static void
at_the_limit(int number)
{
    (void) number;
    _exit(EXIT_SUCCESS);
}

/* Whoever reads the socket sees its end; and whatever the threads do. */
static void
at_parents_death(int number)
{
    int of_the_thread = errno;

    (void) number;
    (void) alarm(LEAVING_SECONDS);
    (void) shutdown(IDC_SOCKET_FD, SHUT_RDWR);
    errno = of_the_thread;
}

/* The socket pair was made by our parent. If it died before we asked for the signal, we have
 * another one now. Until reset_signals, the signal is our end. */
static void
die_with_parent(void)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    (void) prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (getsockopt(IDC_SOCKET_FD, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        getppid() != peer.pid)
        _exit(EXIT_FAILURE);
}

static void
reset_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            (void) sigaction(number, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);
    (void) sigaction(SIGXFSZ, &action, NULL);
    /* The hub signals the process group of a backend, but a cancel is the backend's to see. */
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGHUP, &action, NULL);
    action.sa_flags = SA_RESTART;
    action.sa_handler = at_the_limit;
    (void) sigaction(SIGALRM, &action, NULL);
    action.sa_handler = at_parents_death;
    (void) sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The first one that the kernel kills when there is no memory. Only before PR_SET_DUMPABLE. */
static void
offer_to_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "1000", 4) != 4)
        errno = 0; /* not allowed: then the score stays the parent's */
    close(fd);
}

static void
limit_resources(void)
{
    struct rlimit none = { 0, 0 }, descriptors;

    (void) setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_max > DESCRIPTORS_MAX) {
        descriptors.rlim_cur = descriptors.rlim_max = DESCRIPTORS_MAX;
        (void) setrlimit(RLIMIT_NOFILE, &descriptors);
    }
}

/* A limit of address space counts what an arena or a stack reserves, not what it uses. */
static void
save_address_space(void)
{
    pthread_attr_t attributes;

    (void) mallopt(M_ARENA_MAX, 2);
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setstacksize(&attributes, LIBRARY_STACK_BYTES) == 0)
        (void) pthread_setattr_default_np(&attributes);
    (void) pthread_attr_destroy(&attributes);
}

void
idc_sandbox_limit_memory(int64_t memory_bytes)
{
#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of address space */
    FILE *file = memory_bytes > 0 ? fopen("/proc/self/statm", "re") : NULL;
    unsigned long pages = 0;
    struct rlimit limit;

    if (memory_bytes <= 0)
        return;
    if (file != NULL) {
        if (fscanf(file, "%lu", &pages) != 1)
            pages = 0;
        (void) fclose(file);
    }
    if (memory_bytes < MEMORY_LEAST_BYTES)
        memory_bytes = MEMORY_LEAST_BYTES;
    limit.rlim_cur = limit.rlim_max =
        (rlim_t) memory_bytes + (rlim_t) pages * (rlim_t) sysconf(_SC_PAGESIZE);
    (void) setrlimit(RLIMIT_AS, &limit);
#else
    (void) memory_bytes;
#endif
}

#ifdef IDC_WITH_SECCOMP

/* No adapter starts programs, becomes another user, looks into other processes, or administers. */
static const char *const forbidden[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kill",
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    "personality",
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "swapon",
    "swapoff",
    "reboot",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "bpf",
    "perf_event_open",
    "keyctl",
    "add_key",
    "request_key",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_by_handle_at",
    "name_to_handle_at",
    "fanotify_init",
    "quotactl",
    "quotactl_fd",
    "acct",
    "syslog",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "modify_ldt",
    "lookup_dcookie",
    "mknod",
    "mknodat",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "vhangup",
    "nfsservctl",
    "uselib",
};

static void
forbid(scmp_filter_ctx filter, uint32_t action, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number != __NR_SCMP_ERROR)
        (void) seccomp_rule_add(filter, action, number, 0);
}

static void
forbid_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
    pid_t self = getpid();

    if (filter == NULL)
        return;
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        forbid(filter, refuse, forbidden[i]);
    /* Threads, but no processes. clone3 hides its flags from us, so libc is told to use clone. */
    (void) seccomp_rule_add(filter, refuse, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    forbid(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3");
    /* abort() and raise(), but not for others. */
    (void) seccomp_rule_add(filter, refuse, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_NE, (scmp_datum_t) self));
    (void) seccomp_rule_add(filter, refuse, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0));
    (void) seccomp_load(filter);
    seccomp_release(filter);
}

#else

static void
forbid_calls(void)
{
}

#endif

void
idc_sandbox_leave(void)
{
    (void) alarm(LEAVING_SECONDS);
    /* Whoever writes is woken. */
    (void) shutdown(IDC_SOCKET_FD, SHUT_RDWR);
    /* The numbers are not for others: threads may still write there. */
    (void) dup2(STDOUT_FILENO, IDC_SOCKET_FD);
    (void) dup2(STDOUT_FILENO, STDERR_FILENO);
    /* The server's folder may be removed, or started in anew. */
    if (chdir("/") != 0)
        errno = 0;
}

void
idc_sandbox_enter(void)
{
    die_with_parent();
    reset_signals();
    (void) close_range(IDC_MEMORY_FD + 1, ~0U, 0);
    offer_to_oom_killer();
    limit_resources();
    save_address_space();
    (void) prctl(PR_SET_DUMPABLE, 0);
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    forbid_calls();
}
