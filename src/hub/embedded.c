/*
 * embedded.c - is it up, start it, stop it; one process at a time, by a lock file.
 */
#include "hub/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <libpq-fe.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "hub/cluster.h"
#include "hub/embedded_extension.h"
#include "hub/server_process.h"
#include "hub/server_tree.h"

#define LOCK_MS 120000
#define START_MS 60000
#define FAST_STOP_MS 30000
#define QUICK_STOP_MS 10000
#define REMAINS_MS 3000
#define POLL_MS 20
#define SOCKET_FILE "/.s.PGSQL." IDC_EMBEDDED_PORT

/* ---- where it is ---- */

static char *
home_path(IdcArena *arena, const char *given)
{
    const char *data_home = getenv("XDG_DATA_HOME");
    const char *user_home = getenv("HOME");
    char cwd[PATH_MAX];

    if (given == NULL || given[0] == '\0')
        given = getenv("INSTANT_HOME");
    if (given != NULL && given[0] == '/')
        return idc_arena_strdup(arena, given);
    if (given != NULL && given[0] != '\0')
        return getcwd(cwd, sizeof cwd) != NULL ? idc_arena_printf(arena, "%s/%s", cwd, given)
                                               : NULL;
    if (geteuid() == 0)
        return idc_arena_strdup(arena, "/var/lib/instant");
    if (data_home != NULL && data_home[0] == '/')
        return idc_arena_printf(arena, "%s/instant", data_home);
    return user_home != NULL && user_home[0] == '/'
               ? idc_arena_printf(arena, "%s/.local/share/instant", user_home)
               : NULL;
}

/* FNV-1a, 64 bits: tells homes apart in a folder that they share. */
static uint64_t
hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char) *text) * 1099511628211u;
    return hash;
}

/* A socket's path has 107 characters at most, and libpq reads a comma as the end of a host. */
static const char *
socket_directory(IdcArena *arena, const IdcEmbedded *embedded)
{
    const char *directory = idc_arena_printf(arena, "%s/socket", embedded->root);

    if (directory != NULL &&
        strlen(directory) + sizeof SOCKET_FILE <= sizeof((struct sockaddr_un *) 0)->sun_path &&
        strchr(directory, ',') == NULL)
        return directory;
    return idc_arena_printf(arena, "/tmp/instant-%ld-%016llx", (long) embedded->uid,
                            (unsigned long long) hash_of(embedded->root));
}

/* Root never runs the server: the owner of what is there does, else the user postgres, else nobody.
 */
static IdcStatus
find_user(IdcEmbedded *embedded, IdcError *err)
{
    static const char *const names[] = { "postgres", "nobody" };
    char buffer[4096];
    struct passwd entry, *found = NULL;
    struct stat data;

    embedded->uid = geteuid();
    embedded->gid = getegid();
    if (embedded->uid != 0)
        return IDC_OK;
    if (lstat(embedded->data, &data) == 0 && S_ISDIR(data.st_mode) && data.st_uid != 0) {
        embedded->uid = data.st_uid;
        embedded->gid = data.st_gid;
        return IDC_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getpwnam_r(names[i], &entry, buffer, sizeof buffer, &found) == 0 && found != NULL &&
            found->pw_uid != 0) {
            embedded->uid = found->pw_uid;
            embedded->gid = found->pw_gid;
            return IDC_OK;
        }
    return idc_fail(
        err, IDC_IO_FAILED,
        "the embedded hub cannot run as root, and there is no user \"postgres\" or \"nobody\"");
}

IdcStatus
idc_embedded_new(IdcArena *arena, const char *home, const IdcLog *log, IdcEmbedded **embedded,
                 IdcError *err)
{
    IdcEmbedded *made = idc_arena_alloc(arena, sizeof *made);
    char *path = home_path(arena, home);
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    if (path == NULL)
        return idc_fail(err, IDC_BAD_CONFIG,
                        "no folder for the embedded hub: set INSTANT_HOME or HOME");
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    if (strlen(path) > PATH_MAX - 256)
        return idc_fail(err, IDC_BAD_VALUE, "the path of the home folder is too long");
    if (log != NULL)
        made->log = *log;
    made->home = path;
    made->root = idc_arena_printf(arena, "%s/hub", path);
    made->data = idc_arena_printf(arena, "%s/hub/data", path);
    made->log_directory = idc_arena_printf(arena, "%s/hub/log", path);
    made->lock_path = idc_arena_printf(arena, "%s/hub/lock", path);
    made->marker_path = idc_arena_printf(arena, "%s/hub/instant-hub", path);
    if (made->root == NULL || made->data == NULL)
        return idc_fail_no_memory(err);
    status = find_user(made, err);
    if (status != IDC_OK)
        return status;
    made->socket_directory = socket_directory(arena, made);
    if (made->socket_directory != NULL)
        made->socket_path = idc_arena_printf(arena, "%s" SOCKET_FILE, made->socket_directory);
    if (made->log_directory == NULL || made->lock_path == NULL || made->marker_path == NULL ||
        made->socket_path == NULL)
        return idc_fail_no_memory(err);
    *embedded = made;
    return IDC_OK;
}

/* ---- what it is doing ---- */

bool
idc_embedded_exists(const IdcEmbedded *embedded)
{
    return access(embedded->data, F_OK) == 0;
}

bool
idc_embedded_is_up(const IdcEmbedded *embedded)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;
    bool is_up;

    if (strlen(embedded->socket_path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, embedded->socket_path, strlen(embedded->socket_path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* EAGAIN: the queue of those who wait to be let in is full, so there is somebody. */
    is_up = connect(fd, (const struct sockaddr *) &address, sizeof address) == 0 || errno == EAGAIN;
    close(fd);
    return is_up;
}

/* The number in the first line of postmaster.pid, whoever that is now; 0 without one. */
static pid_t
recorded_pid(const IdcEmbedded *embedded)
{
    char path[PATH_MAX], line[32] = "";
    int64_t pid = 0;
    int fd;

    (void) snprintf(path, sizeof path, "%s/postmaster.pid", embedded->data);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return 0;
    if (read(fd, line, sizeof line - 1) > 0)
        line[strcspn(line, "\n")] = '\0';
    close(fd);
    return idc_int64_parse(line, &pid) && pid > 1 && pid <= INT_MAX ? (pid_t) pid : 0;
}

pid_t
idc_embedded_pid(const IdcEmbedded *embedded)
{
    pid_t pid = recorded_pid(embedded);

    return pid != 0 && idc_server_is_ours(embedded, pid) ? pid : 0;
}

void
idc_embedded_log_file(const IdcEmbedded *embedded, char *path, size_t size)
{
    DIR *directory = opendir(embedded->log_directory);
    struct dirent *entry;
    char newest[NAME_MAX + 1] = "";

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, "hub-", 4) == 0 && strcmp(entry->d_name, newest) > 0)
            (void) snprintf(newest, sizeof newest, "%s", entry->d_name);
    if (directory != NULL)
        closedir(directory);
    (void) snprintf(path, size, "%s%s%s", embedded->log_directory, newest[0] != '\0' ? "/" : "",
                    newest);
}

/* It answers with "come in", not with "starting up". */
static bool
is_answering(const IdcEmbedded *embedded)
{
    const char *const names[] = { "host",    "port",       "dbname",          "user",
                                  "sslmode", "gssencmode", "connect_timeout", NULL };
    const char *const values[] = { embedded->socket_directory,
                                   IDC_EMBEDDED_PORT,
                                   IDC_EMBEDDED_DATABASE,
                                   IDC_EMBEDDED_USER,
                                   "disable",
                                   "disable",
                                   "2",
                                   NULL };

    return idc_embedded_is_up(embedded) && PQpingParams(names, values, 0) == PQPING_OK;
}

/* ---- the lock ---- */

/* The file may be removed (destroy) while we wait for it: then what we hold protects nothing. */
static bool
is_current(const IdcEmbedded *embedded, int fd)
{
    struct stat held, there;

    return fstat(fd, &held) == 0 && lstat(embedded->lock_path, &there) == 0 &&
           held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

static IdcStatus
lock_take(const IdcEmbedded *embedded, IdcCall *call, int *lock, IdcError *err)
{
    int64_t until_ms = idc_clock_ms() + LOCK_MS;
    IdcStatus status;

    for (;;) {
        int fd = open(embedded->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return idc_fail(err, IDC_IO_FAILED, "cannot use the hub's folder \"%s\": %s",
                            embedded->root, idc_errno_text(errno));
        if (geteuid() == 0)
            (void) !fchown(fd, embedded->uid, embedded->gid);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_current(embedded, fd)) {
            *lock = fd;
            return IDC_OK;
        }
        close(fd);
        status = idc_call_wait(call, -1, 0, POLL_MS, err);
        if (status == IDC_TIMEOUT && idc_clock_ms() < until_ms &&
            idc_call_remaining_ms(call, -1) != 0)
            continue;
        return status == IDC_TIMEOUT
                   ? idc_fail(err, status,
                              "another process is making, starting or stopping the hub in \"%s\"",
                              embedded->root)
                   : status;
    }
}

/* ---- start ---- */

static int
data_major(const IdcEmbedded *embedded)
{
    char path[PATH_MAX], line[16] = "";
    int64_t major = 0;
    int fd;

    (void) snprintf(path, sizeof path, "%s/PG_VERSION", embedded->data);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, line, sizeof line - 1) > 0)
        line[strcspn(line, "\n")] = '\0';
    close(fd);
    return idc_int64_parse(line, &major) && major > 0 && major < 1000 ? (int) major : 0;
}

/* Sleep a little; false when it has been long enough, or the call says so (err is then filled). */
static IdcStatus
pause_until(IdcCall *call, int64_t until_ms, IdcError *err)
{
    IdcStatus status = idc_call_wait(call, -1, 0, POLL_MS, err);

    if (status == IDC_TIMEOUT && idc_clock_ms() < until_ms && idc_call_remaining_ms(call, -1) != 0)
        return IDC_OK;
    return status;
}

/*
 * Backends that outlived a killed postmaster hold its shared memory, and a number in its lock files
 * that now belongs to another program, or to a process nobody waited for, makes the server refuse
 * to start. Nobody answers on the socket, and the lock is ours.
 */
static IdcStatus
clear_remains(const IdcEmbedded *embedded, IdcCall *call, IdcError *err)
{
    static const int numbers[] = { SIGQUIT, SIGKILL };
    char path[PATH_MAX];

    for (size_t i = 0; i < 2 && idc_server_signal_all(embedded, numbers[i]) > 0; i++) {
        int64_t until_ms = idc_clock_ms() + REMAINS_MS;
        IdcStatus status = IDC_OK;

        while (idc_server_signal_all(embedded, 0) > 0 && status == IDC_OK)
            status = pause_until(call, until_ms, err);
        if (status != IDC_OK && (status != IDC_TIMEOUT || i == 1))
            return status;
    }
    (void) snprintf(path, sizeof path, "%s/postmaster.pid", embedded->data);
    (void) unlink(path);
    (void) snprintf(path, sizeof path, "%s.lock", embedded->socket_path);
    (void) unlink(path);
    return IDC_OK;
}

static IdcStatus
fail_start(const IdcEmbedded *embedded, const char *output, const char *what, IdcError *err)
{
    char tail[1500], path[PATH_MAX];

    idc_cluster_log_tail(output, tail, sizeof tail);
    if (tail[0] == '\0' || strstr(tail, "redirecting log output") != NULL) {
        idc_embedded_log_file(embedded, path, sizeof path);
        idc_cluster_log_tail(path, tail, sizeof tail);
    }
    (void) idc_fail(err, IDC_CONNECTION_FAILED, "the embedded hub %s: %s", what,
                    tail[0] != '\0' ? tail : "its log is empty");
    idc_error_set_hint(err, "its log is in \"%s\"", embedded->log_directory);
    return IDC_CONNECTION_FAILED;
}

static IdcStatus
wait_until_answering(const IdcEmbedded *embedded, IdcCall *call, pid_t pid, const char *output,
                     IdcError *err)
{
    int64_t until_ms = idc_clock_ms() + START_MS;

    while (!is_answering(embedded)) {
        IdcStatus status;

        if (output != NULL ? idc_server_is_dead(pid) : !idc_server_is_ours(embedded, pid))
            return output != NULL ? fail_start(embedded, output, "did not start", err)
                                  : IDC_NOT_FOUND;
        status = pause_until(call, until_ms, err);
        if (status == IDC_TIMEOUT && output != NULL)
            return fail_start(embedded, output, "does not answer yet", err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

/* A list of folders, each in double quotes, as unix_socket_directories wants it. */
static void
append_quoted(IdcText *text, const char *path)
{
    idc_text_append_char(text, '"');
    for (; *path != '\0'; path++) {
        if (*path == '"')
            idc_text_append_char(text, '"');
        idc_text_append_char(text, *path);
    }
    idc_text_append_char(text, '"');
}

/* Containers have little /dev/shm, where parallel plans put their shared memory. */
static bool
has_little_shared_memory(void)
{
    struct statvfs found;

    return statvfs("/dev/shm", &found) != 0 ||
           (uint64_t) found.f_blocks * found.f_frsize < 512u << 20;
}

/* preload: one more setting, or NULL. */
static IdcStatus
spawn_server(const IdcEmbedded *embedded, const char *bin, const char *preload, const char *output,
             pid_t *pid, IdcError *err)
{
    char program[PATH_MAX + 16], log_directory[PATH_MAX + 32];
    IdcText sockets;
    char *arguments[] = { program,
                          (char *) "-D",
                          (char *) embedded->data,
                          (char *) "-c",
                          (char *) "listen_addresses=",
                          (char *) "-c",
                          (char *) "port=" IDC_EMBEDDED_PORT,
                          (char *) "-c",
                          (char *) "unix_socket_permissions=0700",
                          (char *) "-c",
                          NULL,
                          (char *) "-c",
                          log_directory,
                          NULL,
                          NULL,
                          NULL,
                          NULL,
                          NULL };
    size_t count = 13;
    IdcStatus status;

    if (has_little_shared_memory()) {
        arguments[count++] = (char *) "-c";
        arguments[count++] = (char *) "dynamic_shared_memory_type=mmap";
    }
    if (preload != NULL) {
        arguments[count++] = (char *) "-c";
        arguments[count++] = (char *) preload;
    }

    (void) snprintf(program, sizeof program, "%s/postgres", bin);
    (void) snprintf(log_directory, sizeof log_directory, "log_directory=%s",
                    embedded->log_directory);
    idc_text_init(&sockets, 0);
    idc_text_append(&sockets, "unix_socket_directories=");
    append_quoted(&sockets, embedded->socket_directory);
    status = idc_text_check(&sockets, err);
    arguments[10] = sockets.data;
    if (status == IDC_OK)
        status = idc_server_spawn(embedded, arguments, embedded->data, output, pid, err);
    idc_text_done(&sockets);
    return status;
}

/* One server from spawn to answer. is_dead: it failed in a way that another way to start it may
 * not. */
static IdcStatus
run_server(const IdcEmbedded *embedded, IdcCall *call, const char *bin, const char *preload,
           bool *is_dead, IdcError *err)
{
    char output[PATH_MAX];
    int64_t started_ms = idc_clock_ms();
    pid_t pid = 0;
    IdcStatus status;

    (void) snprintf(output, sizeof output, "%s/start.log", embedded->log_directory);
    (void) unlink(output);
    status = spawn_server(embedded, bin, preload, output, &pid, err);
    if (status == IDC_OK)
        status = wait_until_answering(embedded, call, pid, output, err);
    *is_dead = status == IDC_IO_FAILED ||
               (status == IDC_CONNECTION_FAILED && pid != 0 && idc_server_is_dead(pid));
    if (status == IDC_OK)
        idc_log(&embedded->log, IDC_INFO, "hub: the embedded hub is up after %lld ms, process %ld",
                (long long) (idc_clock_ms() - started_ms), (long) pid);
    return status;
}

/*
 * From the private tree, with the extension. IDC_NOT_FOUND: not in this way, the log says why; any
 * other failure is that of the whole start.
 */
static IdcStatus
start_with_extension(const IdcEmbedded *embedded, IdcCall *call, int major, const char *bin,
                     IdcError *err)
{
    IdcServerTree tree;
    IdcText preload;
    IdcError reason = { 0 };
    bool is_dead = false;
    IdcStatus status = idc_server_tree_ensure(embedded, call, major, bin, &tree, &reason);

    if (status == IDC_CANCELED || status == IDC_TIMEOUT)
        return idc_fail(err, status, "%s", reason.message);
    if (status != IDC_OK) {
        idc_log(&embedded->log, IDC_INFO, "hub: without the extension: %s", reason.message);
        return IDC_NOT_FOUND;
    }
    idc_text_init(&preload, 0);
    status = idc_extension_preload(embedded, call, &tree, &preload, &reason);
    is_dead = status == IDC_IO_FAILED;
    if (status == IDC_OK)
        status = idc_server_tree_use(embedded, &tree, &reason);
    if (status == IDC_OK)
        status = run_server(embedded, call, tree.bin, idc_text_string(&preload), &is_dead, &reason);
    idc_text_done(&preload);
    if (status == IDC_OK) {
        idc_server_tree_remove_others(embedded, &tree);
        return IDC_OK;
    }
    if (!is_dead) {
        if (err != NULL)
            *err = reason;
        return status;
    }
    /* Whatever is wrong with it, the next start makes it anew. */
    idc_log(&embedded->log, IDC_WARNING,
            "hub: the server does not start with the extension, and starts without: %s",
            reason.message);
    idc_server_tree_remove(&tree);
    return IDC_NOT_FOUND;
}

/* The lock is held and nobody listens on the socket. */
static IdcStatus
start(const IdcEmbedded *embedded, IdcCall *call, IdcError *err)
{
    char bin[PATH_MAX];
    pid_t pid = idc_embedded_pid(embedded);
    int major = data_major(embedded);
    bool is_dead;
    IdcStatus status;

    if (major == 0)
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" is not a data directory of PostgreSQL",
                        embedded->data);
    /* One that is starting or stopping: it answers soon, or it is gone. */
    if (pid != 0) {
        status = wait_until_answering(embedded, call, pid, NULL, err);
        if (status != IDC_NOT_FOUND)
            return status;
    }
    status = idc_server_binaries(major, bin, sizeof bin, err);
    if (status == IDC_OK)
        status = clear_remains(embedded, call, err);
    if (status != IDC_OK)
        return status;
    idc_cluster_trim_logs(embedded);
    status = start_with_extension(embedded, call, major, bin, err);
    if (status != IDC_NOT_FOUND)
        return status;
    status = idc_server_tree_use(embedded, NULL, err);
    return status == IDC_OK ? run_server(embedded, call, bin, NULL, &is_dead, err) : status;
}

/* A server that was started for the extension, and a starter that was killed before it was made. */
static void
finish_extension(const IdcEmbedded *embedded)
{
    if (!idc_server_tree_is_pending(embedded))
        return;
    idc_extension_create(embedded);
    idc_server_tree_is_done(embedded);
}

IdcStatus
idc_embedded_ensure(const IdcEmbedded *embedded, IdcCall *call, IdcError *err)
{
    int lock = -1;
    IdcStatus status;

    if (idc_embedded_is_up(embedded) && !idc_server_tree_is_pending(embedded)) {
        idc_server_tree_refresh(embedded);
        return IDC_OK;
    }
    status = idc_cluster_folders(embedded, err);
    if (status == IDC_OK)
        status = lock_take(embedded, call, &lock, err);
    if (status != IDC_OK)
        return status;
    if (!is_answering(embedded)) {
        /* Somebody may have removed it all while we waited for the lock. */
        status = idc_cluster_folders(embedded, err);
        if (status == IDC_OK && !idc_embedded_exists(embedded))
            status = idc_cluster_make(embedded, call, err);
        if (status == IDC_OK)
            status = start(embedded, call, err);
    }
    if (status == IDC_OK)
        finish_extension(embedded);
    close(lock);
    return status;
}

/* ---- stop ---- */

static bool
is_gone(const IdcEmbedded *embedded, pid_t pid, int64_t limit_ms)
{
    int64_t until_ms = idc_clock_ms() + limit_ms;

    while (idc_server_is_ours(embedded, pid))
        if (pause_until(NULL, until_ms, NULL) != IDC_OK)
            return false;
    return true;
}

static IdcStatus
stop(const IdcEmbedded *embedded, IdcError *err)
{
    pid_t pid = idc_embedded_pid(embedded);

    if (pid == 0)
        return IDC_OK;
    if (kill(pid, SIGINT) != 0 && errno != ESRCH)
        return idc_fail(err, IDC_IO_FAILED, "cannot stop the embedded hub (process %ld): %s",
                        (long) pid, idc_errno_text(errno));
    if (is_gone(embedded, pid, FAST_STOP_MS))
        return IDC_OK;
    idc_log(&embedded->log, IDC_WARNING,
            "hub: process %ld did not stop in %d s and is ended at once", (long) pid,
            FAST_STOP_MS / 1000);
    (void) kill(pid, SIGQUIT);
    return is_gone(embedded, pid, QUICK_STOP_MS)
               ? IDC_OK
               : idc_fail(err, IDC_TIMEOUT, "the embedded hub (process %ld) does not stop",
                          (long) pid);
}

IdcStatus
idc_embedded_stop(const IdcEmbedded *embedded, IdcError *err)
{
    int lock = -1;
    IdcStatus status;

    if (!idc_embedded_exists(embedded))
        return IDC_OK;
    status = lock_take(embedded, NULL, &lock, err);
    if (status != IDC_OK)
        return status;
    status = stop(embedded, err);
    close(lock);
    return status;
}

IdcStatus
idc_embedded_destroy(const IdcEmbedded *embedded, IdcError *err)
{
    int lock = -1;
    IdcStatus status;

    if (access(embedded->root, F_OK) != 0)
        return IDC_OK;
    status = lock_take(embedded, NULL, &lock, err);
    if (status != IDC_OK)
        return status;
    status = stop(embedded, err);
    if (status == IDC_OK)
        status = idc_cluster_remove(embedded, err);
    close(lock);
    return status;
}
