/*
 * cluster.c - initdb into a temporary folder, our settings, a rename.
 *
 * Source: PostgreSQL 15 documentation, initdb, and chapter 20 for the settings.
 */
#include "hub/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "hub/remove.h"
#include "hub/server_process.h"

#define MEBIBYTE ((int64_t) 1024 * 1024)
#define MARK "This folder belongs to the Instant Data Connector: instant hub destroy removes it.\n"

static IdcStatus
fail_path(const char *what, const char *path, IdcError *err)
{
    return idc_fail(err, IDC_IO_FAILED, "cannot %s \"%s\": %s", what, path, idc_errno_text(errno));
}

/*
 * mkdir for the server's user; errno says why not. Root makes the folder aside and moves it in
 * place when it is given away, so that another process of root's never sees one that is root's
 * still. A folder that came in between is replaced if it is empty, and else EEXIST.
 */
static bool
make_folder(const IdcEmbedded *embedded, const char *path)
{
    char aside[PATH_MAX];
    struct stat found;
    int saved;

    if (geteuid() != 0)
        return mkdir(path, 0700) == 0;
    if (lstat(path, &found) == 0) {
        errno = EEXIST;
        return false;
    }
    if (snprintf(aside, sizeof aside, "%s.new.%ld", path, (long) getpid()) >= (int) sizeof aside) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (mkdir(aside, 0700) != 0 && errno != EEXIST)
        return false;
    if (lchown(aside, embedded->uid, embedded->gid) == 0 && rename(aside, path) == 0)
        return true;
    saved = errno == ENOTEMPTY ? EEXIST : errno;
    (void) rmdir(aside);
    errno = saved;
    return false;
}

/* A folder that only the server's user (and root) can read. One that somebody else made is refused.
 */
static IdcStatus
make_private(const IdcEmbedded *embedded, const char *path, IdcError *err)
{
    struct stat found;

    if (make_folder(embedded, path))
        return IDC_OK;
    if (errno != EEXIST)
        return fail_path("make folder", path, err);
    if (lstat(path, &found) != 0)
        return fail_path("read folder", path, err);
    if (!S_ISDIR(found.st_mode) || found.st_uid != embedded->uid || (found.st_mode & 077) != 0) {
        (void) idc_fail(
            err, IDC_IO_FAILED,
            "\"%s\" must be a folder of user id %ld that nobody else can enter (mode 0700)", path,
            (long) embedded->uid);
        idc_error_set_hint(err, "remove it, or set INSTANT_HOME to another folder");
        return IDC_IO_FAILED;
    }
    return IDC_OK;
}

/* mkdir -p; what is there stays as it is. As root the home only leads to the hub, so others may
 * pass. */
static IdcStatus
make_home(const char *home, IdcError *err)
{
    char path[PATH_MAX];
    size_t len = strlen(home);
    mode_t mode = geteuid() == 0 ? 0711 : 0700;

    if (len >= sizeof path)
        return idc_fail(err, IDC_BAD_VALUE, "the path of the home folder is too long");
    memcpy(path, home, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        path[i] = '\0';
        if (mkdir(path, mode) == 0)
            (void) chmod(path, mode);
        else if (errno != EEXIST && errno != EISDIR && access(path, F_OK) != 0)
            return fail_path("make folder", path, err);
        path[i] = home[i];
    }
    return IDC_OK;
}

static IdcStatus
write_file(const char *path, const char *text, int flags, IdcError *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    size_t len = strlen(text);
    bool is_written;

    if (fd < 0)
        return fail_path("write", path, err);
    errno = ENOSPC;
    is_written = write(fd, text, len) == (ssize_t) len && fsync(fd) == 0;
    if (!is_written)
        (void) fail_path("write", path, err);
    close(fd);
    return is_written ? IDC_OK : IDC_IO_FAILED;
}

IdcStatus
idc_cluster_folders(const IdcEmbedded *embedded, IdcError *err)
{
    IdcStatus status = make_home(embedded->home, err);

    if (status == IDC_OK)
        status = make_private(embedded, embedded->root, err);
    if (status == IDC_OK)
        status = idc_server_can_enter(embedded, embedded->root, err);
    if (status == IDC_OK && access(embedded->marker_path, F_OK) != 0) {
        status = write_file(embedded->marker_path, MARK, O_CREAT, err);
        if (status == IDC_OK && geteuid() == 0 &&
            lchown(embedded->marker_path, embedded->uid, embedded->gid) != 0)
            status = fail_path("give away", embedded->marker_path, err);
    }
    if (status == IDC_OK)
        status = make_private(embedded, embedded->log_directory, err);
    return status == IDC_OK ? make_private(embedded, embedded->socket_directory, err) : status;
}

void
idc_cluster_log_tail(const char *path, char *text, size_t size)
{
    char bytes[2048];
    ssize_t len = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    size_t start, kept = 0;

    text[0] = '\0';
    if (fd >= 0) {
        off_t end = lseek(fd, 0, SEEK_END);

        len = pread(fd, bytes, sizeof bytes,
                    end > (off_t) sizeof bytes ? end - (off_t) sizeof bytes : 0);
        close(fd);
    }
    if (len <= 0)
        return;
    start = (size_t) len;
    for (int lines = 0; start > 0 && lines <= 6; start--)
        if (bytes[start - 1] == '\n' && lines++ == 6)
            break;
    for (size_t i = start; i < (size_t) len && kept + 3 < size; i++) {
        if (bytes[i] != '\n' && bytes[i] != '\0' && bytes[i] != '\t')
            text[kept++] = bytes[i];
        else if (bytes[i] == '\n' && i + 1 < (size_t) len && kept > 0) {
            text[kept++] = ';';
            text[kept++] = ' ';
        }
    }
    text[kept] = '\0';
}

/* Physical memory, or what the container may use. */
static int64_t
memory_mebibytes(void)
{
    int64_t bytes = (int64_t) sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int fd = open("/sys/fs/cgroup/memory.max", O_RDONLY | O_CLOEXEC);
    char line[64] = "";
    int64_t limit;

    if (fd >= 0) {
        if (read(fd, line, sizeof line - 1) > 0) {
            line[strcspn(line, "\n")] = '\0';
            if (idc_int64_parse(line, &limit) && limit > 0 && limit < bytes)
                bytes = limit;
        }
        close(fd);
    }
    return bytes > 0 ? bytes / MEBIBYTE : 1024;
}

static int64_t
clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/*
 * The hub joins and aggregates what sources send: memory for sorts and hashes matters more than its
 * cache. Statements never reach its log: they may hold passwords of sources.
 */
static void
append_settings(IdcText *text)
{
    int64_t memory = memory_mebibytes();
    int64_t cores = clamp(sysconf(_SC_NPROCESSORS_ONLN), 1, 16);

    idc_text_append(text,
                    "\n# Instant Data Connector: made when the hub was made; yours to change.\n"
                    "# Paths, sockets and the log's folder are given on the command line.\n"
                    "password_encryption = 'scram-sha-256'\n"
                    "max_connections = 100\n"
                    "client_connection_check_interval = '250ms'\n"
                    "random_page_cost = 1.1\n"
                    "hash_mem_multiplier = 2.0\n"
                    "jit = off\n"
                    "checkpoint_timeout = '15min'\n"
                    "max_wal_size = '2GB'\n"
                    "fsync = on\n"
                    /* Not "$user": that would be the schema that setup keeps its own things in. */
                    "search_path = 'public'\n"
                    "timezone = 'UTC'\n"
                    "log_timezone = 'UTC'\n"
                    "standard_conforming_strings = on\n"
                    "logging_collector = on\n"
                    "log_filename = 'hub-%Y-%m-%d_%H%M%S.log'\n"
                    "log_file_mode = 0600\n"
                    "log_rotation_age = 0\n"
                    "log_rotation_size = '10MB'\n"
                    "log_line_prefix = '%m [%p] %q%a '\n"
                    "log_statement = 'none'\n"
                    "log_min_error_statement = panic\n"
                    "log_min_duration_statement = -1\n"
                    "log_parameter_max_length = 0\n"
                    "log_parameter_max_length_on_error = 0\n");
    idc_text_append_format(text, "shared_buffers = '%lldMB'\n",
                           (long long) clamp(memory / 8, 64, 4096));
    idc_text_append_format(text, "effective_cache_size = '%lldMB'\n",
                           (long long) clamp(memory / 2, 256, 1048576));
    idc_text_append_format(text, "work_mem = '%lldMB'\n", (long long) clamp(memory / 64, 16, 256));
    idc_text_append_format(text, "maintenance_work_mem = '%lldMB'\n",
                           (long long) clamp(memory / 16, 64, 1024));
    idc_text_append_format(text, "max_parallel_workers_per_gather = %lld\n",
                           (long long) clamp(cores, 1, 4));
    idc_text_append_format(text, "max_parallel_workers = %lld\n", (long long) cores);
    idc_text_append_format(text, "max_worker_processes = %lld\n", (long long) (cores + 8));
}

static IdcStatus
write_settings(const char *data, IdcError *err)
{
    char path[PATH_MAX + 32];
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    append_settings(&text);
    status = idc_text_check(&text, err);
    (void) snprintf(path, sizeof path, "%s/postgresql.conf", data);
    if (status == IDC_OK)
        status = write_file(path, idc_text_string(&text), O_APPEND, err);
    idc_text_done(&text);
    (void) snprintf(path, sizeof path, "%s/pg_hba.conf", data);
    /* Whoever can reach the socket is the owner of its folder, or root. */
    return status == IDC_OK ? write_file(path, "local all all trust\n", O_TRUNC, err) : status;
}

static IdcStatus
run_initdb(const IdcEmbedded *embedded, IdcCall *call, const char *bin, const char *data,
           const char *locale, const char *output, IdcError *err)
{
    char program[PATH_MAX], ctype[64];
    char *arguments[] = { program,
                          (char *) "-D",
                          (char *) data,
                          (char *) "-U",
                          (char *) IDC_EMBEDDED_USER,
                          (char *) "--auth-local=trust",
                          (char *) "--auth-host=reject",
                          (char *) "--encoding=UTF8",
                          (char *) "--locale=C",
                          ctype,
                          (char *) "--no-instructions",
                          NULL };

    if (snprintf(program, sizeof program, "%s/initdb", bin) >= (int) sizeof program)
        return idc_fail(err, IDC_BAD_VALUE, "the path of initdb is too long");
    (void) snprintf(ctype, sizeof ctype, "--lc-ctype=%s", locale);
    return idc_server_run(embedded, call, arguments, NULL, output, err);
}

/* The database, before anybody can connect: a server that answers has it. */
static IdcStatus
run_create_database(const IdcEmbedded *embedded, IdcCall *call, const char *bin, const char *data,
                    const char *output, IdcError *err)
{
    char program[PATH_MAX];
    char *arguments[] = { program,
                          (char *) "--single",
                          (char *) "-D",
                          (char *) data,
                          (char *) "-c",
                          (char *) "exit_on_error=on",
                          (char *) "-c",
                          (char *) "log_min_messages=warning",
                          (char *) "postgres",
                          NULL };

    if (snprintf(program, sizeof program, "%s/postgres", bin) >= (int) sizeof program)
        return idc_fail(err, IDC_BAD_VALUE, "the path of postgres is too long");
    return idc_server_run(embedded, call, arguments, "CREATE DATABASE " IDC_EMBEDDED_DATABASE ";\n",
                          output, err);
}

static IdcStatus
fill_data(const IdcEmbedded *embedded, IdcCall *call, const char *bin, const char *data,
          const char *output, IdcError *err)
{
    /* C sorts fast and never changes with the system's libraries; C.UTF-8 knows letters beyond
     * ASCII. */
    IdcStatus status = run_initdb(embedded, call, bin, data, "C.UTF-8", output, err);
    char path[PATH_MAX + 32], tail[1024];

    if (status == IDC_IO_FAILED) {
        idc_cluster_log_tail(output, tail, sizeof tail);
        if (strstr(tail, "invalid locale") != NULL) {
            (void) unlink(output);
            idc_remove_tree(data);
            status = run_initdb(embedded, call, bin, data, "C", output, err);
        }
    }
    if (status == IDC_OK)
        status = write_settings(data, err);
    if (status == IDC_OK)
        status = run_create_database(embedded, call, bin, data, output, err);
    (void) snprintf(path, sizeof path, "%s/global/pg_control", data);
    if (status == IDC_OK && access(path, F_OK) != 0)
        status = idc_fail(err, IDC_IO_FAILED, "initdb failed");
    return status;
}

static IdcStatus
fail_make(const IdcEmbedded *embedded, const char *output, IdcStatus status, IdcError *err)
{
    char tail[1500];
    char reason[sizeof err->message];

    if (status != IDC_IO_FAILED)
        return err != NULL ? idc_add_context(err, "making the embedded hub") : status;
    idc_cluster_log_tail(output, tail, sizeof tail);
    (void) snprintf(reason, sizeof reason, "%s", err != NULL ? err->message : "");
    if (strstr(tail, "No space left on device") != NULL ||
        strstr(reason, "No space left on device") != NULL) {
        (void) idc_fail(err, status,
                        "cannot make the embedded hub in \"%s\": no space left on device",
                        embedded->root);
        idc_error_set_sqlstate(err, "53100");
        idc_error_set_hint(
            err, "it needs about 50 MB: free some space, or set INSTANT_HOME to another folder");
        return status;
    }
    return idc_fail(err, status, "cannot make the embedded hub in \"%s\": %s%s%s", embedded->root,
                    reason, tail[0] != '\0' ? ": " : "", tail);
}

IdcStatus
idc_cluster_make(const IdcEmbedded *embedded, IdcCall *call, IdcError *err)
{
    char data[PATH_MAX], output[PATH_MAX], bin[PATH_MAX];
    IdcError local;
    IdcStatus status;

    if (err == NULL)
        err = &local;
    if (snprintf(data, sizeof data, "%s/data.tmp.%ld", embedded->root, (long) getpid()) >=
            (int) sizeof data ||
        snprintf(output, sizeof output, "%s/initdb.log", embedded->log_directory) >=
            (int) sizeof output)
        return idc_fail(err, IDC_BAD_VALUE, "the path of the home folder is too long");
    status = idc_server_binaries(0, bin, sizeof bin, err);
    if (status != IDC_OK)
        return status;
    /* The lock is ours: what is there was left by somebody who was killed. */
    idc_remove_matching(embedded->root, "data.tmp.");
    (void) unlink(output);
    idc_log(&embedded->log, IDC_INFO, "hub: making the embedded hub in \"%s\"", embedded->data);
    status = fill_data(embedded, call, bin, data, output, err);
    if (status == IDC_OK && rename(data, embedded->data) != 0)
        status = fail_path("rename", data, err);
    if (status == IDC_OK)
        return IDC_OK;
    status = fail_make(embedded, output, status, err);
    idc_remove_tree(data);
    return status;
}

void
idc_cluster_trim_logs(const IdcEmbedded *embedded)
{
    idc_remove_oldest(embedded->log_directory, "hub-", 5);
}

IdcStatus
idc_cluster_remove(const IdcEmbedded *embedded, IdcError *err)
{
    char tree[PATH_MAX];

    if (access(embedded->marker_path, F_OK) != 0)
        return idc_fail(err, IDC_IO_FAILED,
                        "\"%s\" was not made by the connector (no file \"%s\"), it stays as it is",
                        embedded->root, embedded->marker_path);
    idc_remove_tree(embedded->data);
    idc_remove_matching(embedded->root, "data.tmp.");
    (void) snprintf(tree, sizeof tree, "%s/server", embedded->root);
    idc_remove_tree(tree);
    idc_remove_tree(embedded->log_directory);
    idc_remove_tree(embedded->socket_directory);
    if (access(embedded->data, F_OK) == 0)
        return fail_path("remove", embedded->data, err);
    (void) unlink(embedded->marker_path);
    (void) unlink(embedded->lock_path);
    (void) rmdir(embedded->root);
    return IDC_OK;
}
