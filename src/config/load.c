/*
 * load.c - the way of a configuration: read, parse, expand, model, merge, check.
 */
#include "config/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BYTES = 128 << 20, READ_BYTES = 64 << 10 };

/* One byte more than allowed is read, so that a file that is too large is seen to be so. */
static IdcStatus
read_all(int fd, const char *path, IdcText *text, IdcError *err)
{
    char *buffer = malloc(READ_BYTES);
    IdcStatus status = IDC_OK;

    if (buffer == NULL)
        return idc_fail_no_memory(err);
    while (text->len <= IDC_YAML_MAX_BYTES + 3) {
        ssize_t got = read(fd, buffer, READ_BYTES);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status =
                idc_fail(err, IDC_IO_FAILED, "cannot read \"%s\": %s", path, idc_errno_text(errno));
            break;
        }
        if (got == 0)
            break;
        idc_text_append_len(text, buffer, (size_t) got);
    }
    if (status == IDC_OK)
        status = idc_text_check(text, err);
    explicit_bzero(buffer, READ_BYTES);
    free(buffer);
    return status;
}

static IdcStatus
read_file(const char *path, IdcText *text, IdcError *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    IdcStatus status;

    if (fd < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot read \"%s\": %s", path, idc_errno_text(errno));
    status = read_all(fd, path, text, err);
    (void) close(fd);
    return status;
}

/* The tree of a file or of text, with its variables replaced; *root NULL after a problem or if
 * empty. */
static IdcStatus
load_tree(Reader *reader, const char *path, const char *text, IdcYamlNode **root, IdcError *err)
{
    const char *file = idc_reader_copy(reader, path == NULL ? "<config>" : path,
                                       strlen(path == NULL ? "<config>" : path));
    IdcText content;
    IdcStatus status = IDC_OK;

    idc_text_init(&content, 0);
    if (file == NULL)
        status = idc_fail_no_memory(err);
    else if (text == NULL)
        status = read_file(path, &content, err);
    if (status == IDC_OK)
        status = idc_yaml_parse(text != NULL ? text : idc_text_string(&content),
                                text != NULL ? strnlen(text, IDC_YAML_MAX_BYTES + 4) : content.len,
                                file, reader->problems, root, err);
    if (content.data != NULL)
        explicit_bzero(content.data, content.capacity);
    idc_text_done(&content);
    /* A tree that is not whole would only bring problems that are not there. */
    if (status != IDC_OK || (*root != NULL && reader->problems->is_out_of_memory))
        *root = NULL;
    if (*root != NULL)
        idc_expand(reader, *root);
    return status;
}

static void
read_main(Reader *reader, const IdcYamlNode *root)
{
    if (root == NULL || root->is_null)
        return;
    if (!idc_reader_is_map(reader, root, "the file"))
        return;
    idc_settings_read(reader, root);
    idc_sources_read(reader, root);
}

static IdcStatus
load_files(Reader *reader, IdcError *err)
{
    const IdcConfigInput *input = reader->input;
    IdcYamlNode *root = NULL, *schema_root = NULL;
    IdcStatus status = load_tree(reader, input->path, input->text, &root, err);
    size_t problem_count = reader->problems->count;

    if (status != IDC_OK)
        return status;
    read_main(reader, root);
    if (input->schema_path != NULL) {
        status = load_tree(reader, input->schema_path, NULL, &schema_root, err);
        if (status != IDC_OK)
            return status;
        /* Without the sources of the first file, every table of the second would be an error. */
        if (schema_root != NULL && !schema_root->is_null && (root != NULL || problem_count == 0))
            idc_merge_tables(reader, schema_root);
    }
    idc_check_collisions(reader);
    return IDC_OK;
}

static IdcConfig *
config_new(IdcArena *arena)
{
    IdcConfig *config = idc_arena_alloc(arena, sizeof *config);

    if (config == NULL)
        return NULL;
    *config = (IdcConfig){ .arena = arena,
                           .connection_timeout_ms = -1,
                           .query_timeout_ms = -1,
                           .retry_attempts = -1,
                           .enable_push_down = true,
                           .pool_size = -1 };
    return config;
}

/* A file that cannot be read is a line of the report too. */
static IdcStatus
report_status(IdcStatus status, IdcText *report, const IdcError *err)
{
    if (report != NULL)
        idc_text_append_format(report, "%s\n", err->message);
    return status;
}

IdcStatus
idc_config_load(const IdcConfigInput *input, IdcConfig **config, IdcText *report, IdcError *err)
{
    IdcArena *arena = idc_arena_new(ARENA_BYTES);
    IdcProblems *problems = arena == NULL ? NULL : idc_arena_alloc(arena, sizeof *problems);
    Reader reader = { .arena = arena, .problems = problems, .input = input };
    IdcError own_err;
    IdcStatus status;

    idc_error_init(&own_err);
    if (problems == NULL || (reader.config = config_new(arena)) == NULL) {
        status = idc_fail_no_memory(err);
        goto done;
    }
    if (input->path == NULL && input->text == NULL) {
        status = idc_fail(err, IDC_MISUSE, "a configuration needs a path or a text");
        goto done;
    }
    *problems = (IdcProblems){ .arena = arena,
                               .first_file = input->path == NULL ? "<config>" : input->path };
    status = load_files(&reader, err != NULL ? err : &own_err);
    if (status != IDC_OK) {
        status = report_status(status, report, err != NULL ? err : &own_err);
        goto done;
    }
    status = idc_problems_report(problems, report, err);
    if (status == IDC_OK) {
        *config = reader.config;
        arena = NULL; /* now the caller's */
    }

done:
    idc_arena_free(arena);
    return status;
}

void
idc_config_free(IdcConfig *config)
{
    if (config != NULL)
        idc_arena_free(config->arena);
}
