/*
 * http_cache_file.c - an answer as a file: DIRECTORY/<key in hexadecimal>.
 *
 * The file: "IDCHTTP1", SHA-256 of all that follows, then the key, when it was stored, the status,
 * and each text and the body with its length before it; numbers are little-endian int64. The
 * checksum covers the key, so a file that was renamed is a damaged one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/common/http_cache.h"

#define MAGIC "IDCHTTP1"

enum {
    MAGIC_BYTES = 8,
    START_BYTES = MAGIC_BYTES + IDC_SHA256_BYTES,
    MAX_HEADERS = 1000,
    OTHER_BYTES = 256 * 1024, /* more than head and numbers can have */
    NAME_BYTES = IDC_SHA256_HEX + 24,
    LEFT_BEHIND_S = 600 /* an unfinished file this old has nobody who writes it */
};

/* ---- writing ---- */

static void
append_number(IdcText *file, int64_t number)
{
    for (int i = 0; i < 8; i++)
        idc_text_append_char(file, (char) (uint8_t) ((uint64_t) number >> (8 * i)));
}

static void
append_bytes(IdcText *file, const void *bytes, size_t len)
{
    append_number(file, (int64_t) len);
    idc_text_append_len(file, bytes, len);
}

static void
append_entry(IdcText *file, const IdcHttpCacheEntry *entry)
{
    const IdcHttpResponse *response = &entry->response;

    idc_text_append_len(file, (const char *) entry->key, IDC_SHA256_BYTES);
    append_number(file, entry->stored_ms);
    append_number(file, response->status);
    append_bytes(file, response->url, strlen(response->url));
    append_bytes(file, response->content_type, strlen(response->content_type));
    append_number(file, (int64_t) response->header_count);
    for (size_t i = 0; i < response->header_count; i++) {
        append_bytes(file, response->headers[i].name, strlen(response->headers[i].name));
        append_bytes(file, response->headers[i].value, strlen(response->headers[i].value));
    }
    append_bytes(file, entry->body, entry->body_len);
}

static void
checksum(const char *bytes, size_t len, uint8_t digest[IDC_SHA256_BYTES])
{
    IdcSha256 hash;

    idc_sha256_init(&hash);
    idc_sha256_add(&hash, bytes, len);
    idc_sha256_end(&hash, digest);
}

static bool
write_whole(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written <= 0)
            return false;
        bytes += written;
        len -= (size_t) written;
    }
    return true;
}

static bool
is_ours(const char *name)
{
    return strlen(name) == IDC_SHA256_HEX - 1 &&
           strspn(name, "0123456789abcdef") == IDC_SHA256_HEX - 1;
}

/* ---- the bound of the directory ---- */

typedef struct Found {
    char name[IDC_SHA256_HEX];
    struct timespec changed;
    int64_t bytes;
} Found;

static int
compare_age(const void *a, const void *b)
{
    const struct timespec *x = &((const Found *) a)->changed, *y = &((const Found *) b)->changed;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* The source process may be killed at any moment, also while it writes. */
static void
remove_left_behind(int directory, const char *name, const struct stat *info)
{
    char hex[IDC_SHA256_HEX];

    if (name[0] != '.' || strlen(name) < IDC_SHA256_HEX || name[IDC_SHA256_HEX] != '.')
        return;
    memcpy(hex, name + 1, IDC_SHA256_HEX - 1);
    hex[IDC_SHA256_HEX - 1] = '\0';
    if (is_ours(hex) && time(NULL) - info->st_mtim.tv_sec > LEFT_BEHIND_S)
        (void) unlinkat(directory, name, 0);
}

/* The files of this cache; NULL: none, or no memory. */
static Found *
list_files(int directory, DIR *entries, size_t *count, int64_t *bytes)
{
    Found *found = NULL;
    struct dirent *one;

    while ((one = readdir(entries)) != NULL) {
        struct stat info;
        Found *grown;

        if (fstatat(directory, one->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (!is_ours(one->d_name)) {
            remove_left_behind(directory, one->d_name, &info);
            continue;
        }
        grown = reallocarray(found, *count + 1, sizeof *found);
        if (grown == NULL)
            break;
        found = grown;
        memcpy(found[*count].name, one->d_name, IDC_SHA256_HEX);
        found[*count].changed = info.st_mtim;
        found[*count].bytes = info.st_size;
        *bytes += info.st_size;
        (*count)++;
    }
    return found;
}

/* Oldest first, until a new file of so many bytes fits. */
static void
make_room(int directory, int64_t wanted, int64_t limit)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    int64_t bytes = 0;
    size_t count = 0;
    Found *found;

    if (entries == NULL) {
        if (copy >= 0)
            close(copy);
        return;
    }
    found = list_files(directory, entries, &count, &bytes);
    closedir(entries);
    if (bytes > limit - wanted) {
        qsort(found, count, sizeof *found, compare_age);
        for (size_t i = 0; i < count && bytes > limit - wanted; i++)
            if (unlinkat(directory, found[i].name, 0) == 0)
                bytes -= found[i].bytes;
    }
    free(found);
}

static void
write_file(int directory, const char *name, const IdcText *file)
{
    char temporary[NAME_BYTES];
    bool is_written;
    int fd;

    (void) snprintf(temporary, sizeof temporary, ".%s.%llx", name,
                    (unsigned long long) idc_clock_us() << 16 ^ (unsigned long long) gettid());
    fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    is_written = write_whole(fd, file->data, file->len);
    is_written = close(fd) == 0 && is_written;
    if (!is_written || renameat(directory, temporary, directory, name) != 0)
        (void) unlinkat(directory, temporary, 0);
}

void
idc_http_cache_file_write(const char *directory, const IdcHttpCacheEntry *entry,
                          int64_t limit_bytes)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[IDC_SHA256_HEX];
    static const char no_sum[IDC_SHA256_BYTES];
    IdcText file;

    if (fd < 0)
        return;
    idc_text_init(&file, 0);
    idc_text_append_len(&file, MAGIC, MAGIC_BYTES);
    idc_text_append_len(&file, no_sum, sizeof no_sum);
    append_entry(&file, entry);
    if (!file.is_broken && (int64_t) file.len <= limit_bytes) {
        checksum(file.data + START_BYTES, file.len - START_BYTES,
                 (uint8_t *) file.data + MAGIC_BYTES);
        idc_sha256_hex(entry->key, name);
        make_room(fd, (int64_t) file.len, limit_bytes);
        write_file(fd, name, &file);
    }
    idc_text_done(&file);
    close(fd);
}

/* ---- reading ---- */

typedef struct Reader {
    const char *at, *end;
    bool is_bad;
} Reader;

static int64_t
read_number(Reader *reader)
{
    uint64_t number = 0;

    if (reader->is_bad || reader->end - reader->at < 8) {
        reader->is_bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        number |= (uint64_t) (uint8_t) reader->at[i] << (8 * i);
    reader->at += 8;
    return (int64_t) number;
}

static const char *
read_bytes(Reader *reader, size_t *len)
{
    int64_t count = read_number(reader);
    const char *bytes = reader->at;

    if (reader->is_bad || count < 0 || count > reader->end - reader->at) {
        reader->is_bad = true;
        *len = 0;
        return "";
    }
    reader->at += count;
    *len = (size_t) count;
    return bytes;
}

static const char *
read_text(Reader *reader, IdcArena *arena)
{
    size_t len;
    const char *bytes = read_bytes(reader, &len);
    const char *text = idc_arena_strndup(arena, bytes, len);

    if (text == NULL)
        reader->is_bad = true;
    return text;
}

static void
read_headers(Reader *reader, IdcArena *arena, IdcHttpResponse *response)
{
    int64_t count = read_number(reader);
    IdcHttpHeader *headers;

    if (count < 0 || count > MAX_HEADERS) {
        reader->is_bad = true;
        return;
    }
    headers = idc_arena_alloc_array(arena, (size_t) count + 1, sizeof *headers);
    for (int64_t i = 0; headers != NULL && i < count; i++) {
        headers[i].name = read_text(reader, arena);
        headers[i].value = read_text(reader, arena);
    }
    reader->is_bad = reader->is_bad || headers == NULL;
    response->headers = headers;
    response->header_count = (size_t) count;
}

static IdcHttpCacheEntry *
read_entry(const char *bytes, size_t len, const uint8_t *key)
{
    Reader reader = { .at = bytes + START_BYTES + IDC_SHA256_BYTES, .end = bytes + len };
    IdcHttpResponse response = { .has_known_end = true };
    IdcHttpCacheEntry *entry = NULL;
    IdcArena *arena = idc_arena_new(0);
    const char *body;
    size_t body_len;
    int64_t stored;

    if (arena == NULL)
        return NULL;
    stored = read_number(&reader);
    response.status = (int) read_number(&reader);
    response.url = read_text(&reader, arena);
    response.content_type = read_text(&reader, arena);
    read_headers(&reader, arena, &response);
    body = read_bytes(&reader, &body_len);
    if (!reader.is_bad && reader.at == reader.end)
        entry = idc_http_cache_entry_new(key, &response, body, body_len, stored);
    idc_arena_free(arena);
    return entry;
}

static bool
is_whole(const char *bytes, size_t len, const uint8_t *key)
{
    uint8_t digest[IDC_SHA256_BYTES];

    if (len < START_BYTES + IDC_SHA256_BYTES || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0 ||
        memcmp(bytes + START_BYTES, key, IDC_SHA256_BYTES) != 0)
        return false;
    checksum(bytes + START_BYTES, len - START_BYTES, digest);
    return memcmp(bytes + MAGIC_BYTES, digest, sizeof digest) == 0;
}

/* A regular file of ours of a fair size; the caller frees it. */
static char *
read_whole(int fd, int64_t limit_bytes, size_t *len)
{
    struct stat info;
    char *bytes;

    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid() ||
        info.st_size <= 0 || info.st_size > limit_bytes)
        return NULL;
    *len = (size_t) info.st_size;
    bytes = malloc(*len);
    for (size_t done = 0; bytes != NULL && done < *len;) {
        ssize_t got = read(fd, bytes + done, *len - done);

        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        done += (size_t) got;
    }
    return bytes;
}

IdcHttpCacheEntry *
idc_http_cache_file_read(const char *directory, const uint8_t key[IDC_SHA256_BYTES],
                         int64_t limit_bytes)
{
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    IdcHttpCacheEntry *entry = NULL;
    char name[IDC_SHA256_HEX];
    size_t len = 0;
    char *bytes;
    int fd;

    if (folder < 0)
        return NULL;
    idc_sha256_hex(key, name);
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    close(folder);
    if (fd < 0)
        return NULL;
    bytes = read_whole(fd, limit_bytes + OTHER_BYTES, &len);
    close(fd);
    if (bytes != NULL && is_whole(bytes, len, key))
        entry = read_entry(bytes, len, key);
    free(bytes);
    return entry;
}
