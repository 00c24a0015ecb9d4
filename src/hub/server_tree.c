/*
 * server_tree.c - copy the server's programs, link the rest, put the extension between them.
 *
 * All that is made belongs to the server's user. As root it is made with that user's rights, so
 * that nothing this user may have put into its own folder can lead root astray; only what is copied
 * is read with our own rights, for the server's user may not be able to.
 */
#include "hub/server_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "hub/cluster.h"
#include "hub/extension_files.h"
#include "hub/remove.h"
#include "hub/server_layout.h"
#include "hub/server_process.h"

/* Of MAXPGPATH and more: room for a file's name after a folder's path. */
#define LONG_PATH (PATH_MAX + NAME_MAX + 8)
#define COPY_BYTES (1 << 20)

/* Which programs are copied: they look for files relative to themselves, following links. */
static const char *const programs[] = { "postgres", "initdb", "pg_ctl", "pg_config", "psql" };
#define PROGRAM_COUNT (sizeof programs / sizeof programs[0])

/* The folders that packages of other extensions add files to. */
static const IdcServerFolder growing[] = { IDC_SERVER_PKGLIB, IDC_SERVER_EXTENSION };
#define GROWING_COUNT (sizeof growing / sizeof growing[0])

/* One copied file: from where, to where in the tree. */
typedef struct Copy {
    char from[LONG_PATH];
    IdcServerFolder folder;
    const char *name;
    mode_t mode;
} Copy;

/* All that a tree is made from. */
typedef struct Plan {
    const IdcEmbedded *embedded;
    IdcServerLayout layout;
    IdcExtensionFiles extension;
} Plan;

static IdcStatus
fail_path(const char *what, const char *path, IdcError *err)
{
    return idc_fail(err, IDC_IO_FAILED, "cannot %s \"%s\": %s", what, path, idc_errno_text(errno));
}

/* ---- names ---- */

static void
in_server(const IdcEmbedded *embedded, const char *name, char *path)
{
    (void) snprintf(path, PATH_MAX, "%s/server%s%s", embedded->root, name[0] != '\0' ? "/" : "",
                    name);
}

static void
in_tree(const Plan *plan, const char *tree, IdcServerFolder folder, char *path)
{
    (void) snprintf(path, PATH_MAX, "%s%s", tree,
                    plan->layout.paths[folder] + plan->layout.base_len);
}

static size_t
copy_count(const Plan *plan)
{
    return PROGRAM_COUNT + plan->extension.count;
}

static Copy
copy_at(const Plan *plan, size_t i)
{
    Copy copy = { .folder = IDC_SERVER_BIN, .mode = 0700 };
    bool is_run;

    if (i < PROGRAM_COUNT) {
        copy.name = programs[i];
        (void) snprintf(copy.from, sizeof copy.from, "%s/%s", plan->layout.paths[IDC_SERVER_BIN],
                        copy.name);
        return copy;
    }
    i -= PROGRAM_COUNT;
    copy.name = plan->extension.names[i];
    is_run = i == 0 || strcmp(copy.name, IDC_EXTENSION_PROGRAM) == 0;
    copy.folder = is_run ? IDC_SERVER_PKGLIB : IDC_SERVER_EXTENSION;
    copy.mode = is_run ? 0700 : 0600;
    (void) snprintf(copy.from, sizeof copy.from, "%s/%s", plan->extension.directory, copy.name);
    return copy;
}

/* psql is a client's program, and a server may be installed without it. */
static bool
is_left_out(const Copy *copy)
{
    return strcmp(copy->name, "psql") == 0 && access(copy->from, R_OK) != 0;
}

/* ---- which tree it is ---- */

/* FNV-1a, 64 bits. */
static uint64_t
hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *) bytes)[i]) * 1099511628211u;
    return hash;
}

static IdcStatus
hash_content(const char *path, uint64_t *hash, IdcError *err)
{
    unsigned char *bytes = malloc(COPY_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    while (bytes != NULL && fd >= 0 && (got = read(fd, bytes, COPY_BYTES)) > 0)
        *hash = hash_bytes(*hash, bytes, (size_t) got);
    if (fd >= 0)
        close(fd);
    if (bytes == NULL)
        return idc_fail_no_memory(err);
    free(bytes);
    return got == 0 ? IDC_OK : fail_path("read", path, err);
}

/* Of programs the place, size and time: an upgrade changes them. Of the extension every byte. */
static IdcStatus
plan_hash(const Plan *plan, uint64_t *hash, IdcError *err)
{
    IdcStatus status = IDC_OK;

    *hash = 14695981039346656037u;
    for (int i = 0; i < IDC_SERVER_FOLDERS; i++)
        *hash = hash_bytes(*hash, plan->layout.paths[i], strlen(plan->layout.paths[i]) + 1);
    for (size_t i = 0; i < copy_count(plan) && status == IDC_OK; i++) {
        Copy copy = copy_at(plan, i);
        struct stat found;

        if (is_left_out(&copy))
            continue;
        if (stat(copy.from, &found) != 0)
            return fail_path("read", copy.from, err);
        *hash = hash_bytes(*hash, copy.name, strlen(copy.name) + 1);
        *hash = hash_bytes(*hash, &found.st_size, sizeof found.st_size);
        if (i < PROGRAM_COUNT)
            *hash = hash_bytes(*hash, &found.st_mtim, sizeof found.st_mtim);
        else
            status = hash_content(copy.from, hash, err);
    }
    return status;
}

/* ---- making it ---- */

/* Each missing folder below tree on the way to path, and path itself. */
static IdcStatus
make_folders(const char *tree, const char *path, IdcError *err)
{
    char prefix[PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof prefix)
        return idc_fail(err, IDC_BAD_VALUE, "a path is too long");
    memcpy(prefix, path, len + 1);
    for (size_t i = strlen(tree); i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        prefix[i] = '\0';
        if (mkdir(prefix, 0700) != 0 && errno != EEXIST)
            return fail_path("make folder", prefix, err);
        prefix[i] = path[i];
    }
    return IDC_OK;
}

static bool
copy_bytes(int from, int to)
{
    ssize_t sent;

    do
        sent = sendfile(to, from, NULL, COPY_BYTES);
    while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent == 0;
}

/* On the disk before it returns: a tree that has its name is whole, whatever happens to the power.
 */
static IdcStatus
copy_file(const IdcEmbedded *embedded, const Copy *copy, const char *path, IdcError *err)
{
    IdcStatus status = IDC_OK;
    int from, to;

    idc_server_look_as_self();
    from = open(copy->from, O_RDONLY | O_CLOEXEC);
    idc_server_look_as_server(embedded);
    if (from < 0)
        return fail_path("read", copy->from, err);
    to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, copy->mode);
    if (to < 0 || !copy_bytes(from, to) || fchmod(to, copy->mode) != 0 || fsync(to) != 0)
        status = fail_path("write", path, err);
    close(from);
    if (to >= 0)
        close(to);
    return status;
}

/* Links of what was there and is gone. */
static void
unlink_dangling(const char *path)
{
    DIR *entries = opendir(path);
    struct dirent *entry;
    struct stat found;

    while (entries != NULL && (entry = readdir(entries)) != NULL)
        if (entry->d_type == DT_LNK && fstatat(dirfd(entries), entry->d_name, &found, 0) != 0 &&
            errno == ENOENT)
            (void) unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries != NULL)
        closedir(entries);
}

/*
 * A link in the folder to for each entry of from whose name ends so; what has that name already
 * stays. The time of from becomes that of to: while they are equal there is nothing to do.
 */
static IdcStatus
link_entries(const char *from, const char *to, const char *ending, IdcError *err)
{
    int fd = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = opendir(from);
    IdcStatus status = IDC_OK;
    struct dirent *entry;
    struct stat found;

    if (fd < 0 || entries == NULL || fstat(dirfd(entries), &found) != 0)
        status = fail_path("read folder", fd < 0 ? to : from, err);
    while (status == IDC_OK && (entry = readdir(entries)) != NULL) {
        char target[LONG_PATH];
        size_t len = strlen(entry->d_name);

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            len < strlen(ending) || strcmp(entry->d_name + len - strlen(ending), ending) != 0)
            continue;
        (void) snprintf(target, sizeof target, "%s/%s", from, entry->d_name);
        if (symlinkat(target, fd, entry->d_name) != 0 && errno != EEXIST)
            status = fail_path("link", target, err);
    }
    if (status == IDC_OK) {
        const struct timespec times[] = { found.st_mtim, found.st_mtim };

        unlink_dangling(to);
        (void) futimens(fd, times);
    }
    if (entries != NULL)
        closedir(entries);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Links to all that is not copied. Complete already is fine. */
static IdcStatus
link_rest(const Plan *plan, const char *tree, IdcError *err)
{
    const IdcServerLayout *layout = &plan->layout;
    char from[PATH_MAX], to[PATH_MAX];
    IdcStatus status = IDC_OK;

    for (int i = 0; i < IDC_SERVER_FOLDERS && status == IDC_OK; i++) {
        if (layout->paths[i][0] == '\0')
            continue;
        in_tree(plan, tree, (IdcServerFolder) i, to);
        status = link_entries(layout->paths[i], to, "", err);
    }
    for (size_t len = layout->base_len; len < layout->top_len && status == IDC_OK; len++) {
        if (layout->paths[IDC_SERVER_BIN][len] != '/')
            continue;
        (void) snprintf(from, sizeof from, "%.*s/", (int) len, layout->paths[IDC_SERVER_BIN]);
        (void) snprintf(to, sizeof to, "%s%.*s", tree, (int) (len - layout->base_len),
                        layout->paths[IDC_SERVER_BIN] + layout->base_len);
        status = link_entries(from, to, ".libs", err);
    }
    return status;
}

/* The folders that idc_server_tree_refresh looks at, without a question to anybody. */
static IdcStatus
make_origin(const Plan *plan, const char *tree, IdcError *err)
{
    char path[LONG_PATH], target[LONG_PATH];

    (void) snprintf(path, sizeof path, "%s/origin", tree);
    if (mkdir(path, 0700) != 0)
        return fail_path("make folder", path, err);
    for (size_t i = 0; i < GROWING_COUNT; i++) {
        const char *from = plan->layout.paths[growing[i]];

        (void) snprintf(path, sizeof path, "%s/origin/%zu.from", tree, i);
        if (symlink(from, path) != 0)
            return fail_path("link", path, err);
        (void) snprintf(path, sizeof path, "%s/origin/%zu.to", tree, i);
        (void) snprintf(target, sizeof target, "..%s", from + plan->layout.base_len);
        if (symlink(target, path) != 0)
            return fail_path("link", path, err);
    }
    return IDC_OK;
}

static IdcStatus
fill_tree(const Plan *plan, const char *tree, IdcError *err)
{
    char path[LONG_PATH], folder[PATH_MAX];
    IdcStatus status = IDC_OK;

    for (int i = 0; i < IDC_SERVER_FOLDERS && status == IDC_OK; i++) {
        in_tree(plan, tree, (IdcServerFolder) i, folder);
        if (strlen(folder) > IDC_SERVER_PATH_MAX)
            return idc_fail(err, IDC_BAD_VALUE, "the path of the home folder is too long for it");
        if (plan->layout.paths[i][0] != '\0')
            status = make_folders(tree, folder, err);
    }
    for (size_t i = 0; i < copy_count(plan) && status == IDC_OK; i++) {
        Copy copy = copy_at(plan, i);

        in_tree(plan, tree, copy.folder, folder);
        (void) snprintf(path, sizeof path, "%s/%s", folder, copy.name);
        if (!is_left_out(&copy))
            status = copy_file(plan->embedded, &copy, path, err);
    }
    if (status == IDC_OK)
        status = link_rest(plan, tree, err);
    return status == IDC_OK ? make_origin(plan, tree, err) : status;
}

/* Do the copied programs run here (a file system may forbid it), and do they find the tree? */
static IdcStatus
try_tree(const Plan *plan, IdcCall *call, const char *tree, IdcError *err)
{
    char program[LONG_PATH], output[PATH_MAX], expected[PATH_MAX], folder[PATH_MAX], tail[1500];
    char *ask[] = { program, (char *) "--pkglibdir", NULL };
    char *version[] = { program, (char *) "-V", NULL };
    IdcStatus status;

    (void) snprintf(output, sizeof output, "%s/tree.log", plan->embedded->log_directory);
    (void) unlink(output);
    in_tree(plan, tree, IDC_SERVER_BIN, folder);
    (void) snprintf(program, sizeof program, "%s/postgres", folder);
    status = idc_server_run(plan->embedded, call, version, NULL, output, err);
    (void) unlink(output);
    (void) snprintf(program, sizeof program, "%s/pg_config", folder);
    if (status == IDC_OK)
        status = idc_server_run(plan->embedded, call, ask, NULL, output, err);
    idc_cluster_log_tail(output, tail, sizeof tail);
    (void) unlink(output);
    if (status != IDC_OK)
        return status;
    in_tree(plan, tree, IDC_SERVER_PKGLIB, folder);
    if (realpath(folder, expected) == NULL || strcmp(expected, tail) != 0)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "the server in \"%s\" does not look for its files relative to itself",
                        plan->layout.paths[IDC_SERVER_BIN]);
    return IDC_OK;
}

static void
sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void) fsync(fd);
        close(fd);
    }
}

static IdcStatus
make_tree(const Plan *plan, IdcCall *call, const char *path, IdcError *err)
{
    char server[PATH_MAX], temporary[PATH_MAX], name[32];
    IdcStatus status = IDC_OK;

    in_server(plan->embedded, "", server);
    (void) snprintf(name, sizeof name, "tmp.%ld", (long) getpid());
    in_server(plan->embedded, name, temporary);
    idc_server_look_as_server(plan->embedded);
    /* The lock is ours: what is there was left by somebody who was killed. */
    idc_remove_matching(server, "tmp.");
    idc_remove_tree(path);
    if (mkdir(server, 0700) != 0 && errno != EEXIST)
        status = fail_path("make folder", server, err);
    if (status == IDC_OK && mkdir(temporary, 0700) != 0)
        status = fail_path("make folder", temporary, err);
    if (status == IDC_OK)
        status = fill_tree(plan, temporary, err);
    idc_server_look_as_self();
    if (status == IDC_OK)
        status = try_tree(plan, call, temporary, err);
    idc_server_look_as_server(plan->embedded);
    if (status == IDC_OK && rename(temporary, path) != 0)
        status = fail_path("rename", temporary, err);
    if (status == IDC_OK)
        sync_directory(server);
    else
        idc_remove_tree(temporary);
    idc_server_look_as_self();
    return status;
}

/* ---- is it whole ---- */

/* The copied files are there with the sizes that they should have; of the extension, every byte. */
static bool
is_whole_file(const Copy *copy, const char *path)
{
    struct stat wanted, found;
    uint64_t wanted_hash = 0, found_hash = 0;

    if (stat(copy->from, &wanted) != 0 || lstat(path, &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size != wanted.st_size || (found.st_mode & 0777) != copy->mode)
        return false;
    return copy->folder == IDC_SERVER_BIN ||
           (hash_content(copy->from, &wanted_hash, NULL) == IDC_OK &&
            hash_content(path, &found_hash, NULL) == IDC_OK && wanted_hash == found_hash);
}

static bool
is_whole(const Plan *plan, const char *tree)
{
    char path[LONG_PATH], folder[PATH_MAX];
    bool is_good = true;

    for (size_t i = 0; i < copy_count(plan) && is_good; i++) {
        Copy copy = copy_at(plan, i);

        in_tree(plan, tree, copy.folder, folder);
        (void) snprintf(path, sizeof path, "%s/%s", folder, copy.name);
        is_good = is_left_out(&copy) || is_whole_file(&copy, path);
    }
    for (size_t i = 0; i < 2 * GROWING_COUNT && is_good; i++) {
        (void) snprintf(path, sizeof path, "%s/origin/%zu.%s", tree, i / 2,
                        i % 2 == 0 ? "from" : "to");
        is_good = access(path, R_OK | X_OK) == 0;
    }
    idc_server_look_as_server(plan->embedded);
    is_good = is_good && link_rest(plan, tree, NULL) == IDC_OK;
    idc_server_look_as_self();
    return is_good;
}

/* ---- what others call ---- */

IdcStatus
idc_server_tree_ensure(const IdcEmbedded *embedded, IdcCall *call, int major, const char *bin,
                       IdcServerTree *tree, IdcError *err)
{
    Plan *plan = calloc(1, sizeof *plan);
    char name[64];
    uint64_t hash = 0;
    int64_t started_ms = idc_clock_ms();
    IdcStatus status;

    if (plan == NULL)
        return idc_fail_no_memory(err);
    plan->embedded = embedded;
    status = idc_extension_files_find(major, &plan->extension, err);
    if (status == IDC_OK)
        status = idc_server_layout_find(bin, &plan->layout, err);
    if (status == IDC_OK)
        status = plan_hash(plan, &hash, err);
    if (status != IDC_OK)
        goto done;
    (void) snprintf(name, sizeof name, "%d-%016llx", major, (unsigned long long) hash);
    in_server(embedded, name, tree->path);
    in_tree(plan, tree->path, IDC_SERVER_BIN, tree->bin);
    if (access(tree->path, F_OK) == 0 && is_whole(plan, tree->path))
        goto done;
    status = make_tree(plan, call, tree->path, err);
    if (status == IDC_OK)
        idc_log(&embedded->log, IDC_INFO,
                "hub: made \"%s\" for PostgreSQL %d with the extension, in %lld ms", tree->path,
                major, (long long) (idc_clock_ms() - started_ms));

done:
    free(plan);
    return status;
}

IdcStatus
idc_server_tree_use(const IdcEmbedded *embedded, const IdcServerTree *tree, IdcError *err)
{
    char current[PATH_MAX], pending[PATH_MAX], temporary[PATH_MAX];
    IdcStatus status = IDC_OK;
    int fd = -1;

    in_server(embedded, "current", current);
    in_server(embedded, "pending", pending);
    in_server(embedded, "tmp.current", temporary);
    idc_server_look_as_server(embedded);
    if (tree == NULL) {
        (void) unlink(current);
        (void) unlink(pending);
    } else {
        (void) unlink(temporary);
        fd = open(pending, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || symlink(strrchr(tree->path, '/') + 1, temporary) != 0 ||
            rename(temporary, current) != 0)
            status = fail_path("write", fd < 0 ? pending : current, err);
    }
    if (fd >= 0)
        close(fd);
    idc_server_look_as_self();
    return status;
}

bool
idc_server_tree_is_pending(const IdcEmbedded *embedded)
{
    char path[PATH_MAX];

    in_server(embedded, "pending", path);
    return access(path, F_OK) == 0;
}

void
idc_server_tree_is_done(const IdcEmbedded *embedded)
{
    char path[PATH_MAX];

    in_server(embedded, "pending", path);
    idc_server_look_as_server(embedded);
    (void) unlink(path);
    idc_server_look_as_self();
}

/* The links' own targets, for links are what the tree is made of. */
static void
refresh_folder(const IdcEmbedded *embedded, const char *from, const char *to)
{
    char origin[PATH_MAX], folder[PATH_MAX];
    ssize_t len;

    idc_server_look_as_server(embedded);
    len = readlink(from, origin, sizeof origin - 1);
    if (len > 0 && realpath(to, folder) != NULL) {
        origin[len] = '\0';
        (void) !link_entries(origin, folder, "", NULL);
    }
    idc_server_look_as_self();
}

void
idc_server_tree_refresh(const IdcEmbedded *embedded)
{
    for (size_t i = 0; i < GROWING_COUNT; i++) {
        char name[64], from[PATH_MAX], to[PATH_MAX];
        struct stat there, here;

        (void) snprintf(name, sizeof name, "current/origin/%zu.from", i);
        in_server(embedded, name, from);
        (void) snprintf(name, sizeof name, "current/origin/%zu.to", i);
        in_server(embedded, name, to);
        if (stat(from, &there) != 0 || stat(to, &here) != 0)
            return;
        if (there.st_mtim.tv_sec != here.st_mtim.tv_sec ||
            there.st_mtim.tv_nsec != here.st_mtim.tv_nsec)
            refresh_folder(embedded, from, to);
    }
}

void
idc_server_tree_remove(const IdcServerTree *tree)
{
    idc_remove_tree(tree->path);
}

void
idc_server_tree_remove_others(const IdcEmbedded *embedded, const IdcServerTree *kept)
{
    char server[PATH_MAX], path[LONG_PATH];
    struct dirent *entry;
    DIR *entries;

    in_server(embedded, "", server);
    entries = opendir(server);
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        (void) snprintf(path, sizeof path, "%s/%s", server, entry->d_name);
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && strcmp(path, kept->path) != 0)
            idc_remove_tree(path);
    }
    if (entries != NULL)
        closedir(entries);
}
