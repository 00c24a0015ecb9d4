/*
 * secret_file.c - files that hold a secret, or options.
 */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { OPTION_LINES_MAX = 256 };

void
idc_secret_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    idc_free(text);
}

static IdcStatus
check_file(int fd, const char *path, bool is_private, size_t *size, IdcError *err)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": %s", path,
                        idc_errno_text(errno));
    if (!S_ISREG(info.st_mode))
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": it is not a regular file",
                        path);
    if (is_private && info.st_uid != geteuid())
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot use \"%s\": it belongs to another user",
                        path);
    if (is_private && (info.st_mode & 07777 & ~(S_IRUSR | S_IWUSR)) != 0)
        return idc_fail(err, IDC_BAD_CREDENTIAL,
                        "cannot use \"%s\": its mode is %04o, where 0600 is wanted", path,
                        (unsigned) (info.st_mode & 07777));
    if (info.st_size > IDC_SECRET_FILE_MAX_BYTES)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": it has more than %d bytes",
                        path, IDC_SECRET_FILE_MAX_BYTES);
    *size = (size_t) info.st_size;
    return IDC_OK;
}

/* As many bytes as there are, at most size; false: see errno. */
static bool
read_bytes(int fd, char *bytes, size_t size, size_t *len)
{
    for (*len = 0; *len < size;) {
        ssize_t got = read(fd, bytes + *len, size - *len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        *len += (size_t) got;
    }
    return true;
}

static void
cut_line_end(char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
}

static IdcStatus
read_text(int fd, const char *path, size_t size, char **text, IdcError *err)
{
    char *bytes = idc_calloc(1, size + 1);
    size_t len = 0;
    IdcStatus status = IDC_OK;

    if (bytes == NULL)
        return idc_fail_no_memory(err);
    if (!read_bytes(fd, bytes, size, &len))
        status = idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": %s", path,
                          idc_errno_text(errno));
    else if (memchr(bytes, '\0', len) != NULL || !idc_utf8_is_valid(bytes, len))
        status = idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": it is not a text", path);
    if (status != IDC_OK) {
        explicit_bzero(bytes, size);
        idc_free(bytes);
        return status;
    }
    cut_line_end(bytes, len);
    *text = bytes;
    return IDC_OK;
}

IdcStatus
idc_secret_file_read(int directory, const char *path, bool is_private, char **text, IdcError *err)
{
    size_t size = 0;
    IdcStatus status;
    /* Not blocking: a FIFO must not hold us up before we see that it is one. */
    int fd = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 && errno == ELOOP)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": it is a symbolic link", path);
    if (fd < 0)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot read \"%s\": %s", path,
                        idc_errno_text(errno));
    status = check_file(fd, path, is_private, &size, err);
    if (status == IDC_OK)
        status = read_text(fd, path, size, text, err);
    close(fd);
    return status;
}

/* ---- lines ---- */

static const char *
skip_blanks(const char *from, const char *end)
{
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    return from;
}

static const char *
cut_blanks(const char *from, const char *end)
{
    while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return end;
}

/* A line that says something: its two halves. */
static IdcStatus
read_line(IdcArena *arena, const char *from, const char *end, IdcOptionPair *pair, IdcError *err)
{
    const char *equals = memchr(from, '=', (size_t) (end - from));
    const char *name_end, *value;

    if (equals == NULL || (name_end = cut_blanks(from, equals)) == from)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "expected \"option = value\"");
    value = skip_blanks(equals + 1, end);
    pair->name = idc_arena_strndup(arena, from, (size_t) (name_end - from));
    pair->value = idc_arena_strndup(arena, value, (size_t) (end - value));
    return pair->name == NULL || pair->value == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

IdcStatus
idc_option_lines_read(IdcArena *arena, const char *text, const char *path, IdcOptionSet *options,
                      IdcError *err)
{
    IdcOptionPair *pairs = idc_arena_alloc_array(arena, OPTION_LINES_MAX, sizeof *pairs);
    IdcOptionSet found = { .items = pairs };
    int line = 0;

    if (pairs == NULL)
        return idc_fail_no_memory(err);
    for (const char *next = text; *next != '\0'; line++) {
        const char *line_end = strchrnul(next, '\n');
        const char *from = skip_blanks(next, line_end), *end = cut_blanks(from, line_end);
        IdcStatus status = IDC_OK;

        next = *line_end == '\0' ? line_end : line_end + 1;
        if (from == end || *from == '#')
            continue;
        if (found.count == OPTION_LINES_MAX)
            status = idc_fail(err, IDC_BAD_CREDENTIAL, "there are more than %d options",
                              OPTION_LINES_MAX);
        else if ((status = read_line(arena, from, end, &pairs[found.count], err)) == IDC_OK &&
                 idc_option_value(&found, pairs[found.count].name) != NULL)
            status = idc_fail(err, IDC_BAD_CREDENTIAL, "an option is there twice");
        if (status != IDC_OK)
            return idc_add_context(err, "\"%s\" at line %d", path, line + 1);
        found.count++;
    }
    *options = found;
    return IDC_OK;
}
