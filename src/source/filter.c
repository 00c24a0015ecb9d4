/*
 * filter.c - instant-source by hand: a relation in, an Arrow stream out.
 *
 * In:   arguments, files
 * Out:  an Arrow IPC stream, or text, on standard output; errors on standard error
 *
 * No sandbox: debuggers and sanitizers are at home here. Exit codes: 0, 1 (the scan failed), 2 (the
 * arguments make no sense).
 */
#include "source/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arrow/ipc.h"
#include "base/memory.h"

enum { EXIT_USAGE = 2, READ_BYTES = 65536 };

/* ---- input and output ---- */

static IdcStatus
read_all(int fd, const char *name, IdcText *bytes, IdcError *err)
{
    char part[READ_BYTES];
    ssize_t got;

    do {
        got = read(fd, part, sizeof part);
        if (got > 0)
            idc_text_append_len(bytes, part, (size_t) got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot read %s: %s", name, idc_errno_text(errno));
    return idc_text_check(bytes, err);
}

/* path NULL: standard input. */
static IdcStatus
read_file(const char *path, IdcText *bytes, IdcError *err)
{
    int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    IdcStatus status;

    if (fd < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot open \"%s\": %s", path, idc_errno_text(errno));
    status = read_all(fd, path == NULL ? "standard input" : path, bytes, err);
    if (path != NULL)
        close(fd);
    return status;
}

static IdcStatus
write_all(const void *bytes, size_t size, IdcError *err)
{
    const char *next = bytes;

    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, next, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return idc_fail(err, IDC_IO_FAILED, "cannot write the rows: %s", idc_errno_text(errno));
        next += written;
        size -= (size_t) written;
    }
    return IDC_OK;
}

static IdcStatus
sink_write(void *host, const uint8_t *bytes, size_t size, IdcError *err)
{
    (void) host;
    return write_all(bytes, size, err);
}

/* ---- what is asked for ---- */

static IdcStatus
read_relation(IdcArena *arena, const IdcFilterArguments *arguments, const IdcRelation **relation,
              IdcError *err)
{
    IdcText bytes;
    IdcStatus status;

    idc_text_init(&bytes, IDC_FRAME_MAX_PAYLOAD);
    status = read_file(arguments->relation_file, &bytes, err);
    if (status == IDC_OK)
        status = idc_relation_read(arena, bytes.data, bytes.len, relation, err);
    idc_text_done(&bytes);
    if (status != IDC_OK)
        return idc_add_context(err, "cannot read the relation");
    return IDC_OK;
}

static IdcStatus
read_values(IdcArena *arena, const IdcFilterArguments *arguments, IdcOpen *request, IdcError *err)
{
    const IdcValue *values = NULL;
    IdcText bytes;
    IdcStatus status;

    if (arguments->values_file == NULL)
        return IDC_OK;
    idc_text_init(&bytes, IDC_FRAME_MAX_PAYLOAD);
    status = read_file(arguments->values_file, &bytes, err);
    if (status == IDC_OK)
        status = idc_values_read(arena, bytes.data, bytes.len, &values, &request->value_count, err);
    idc_text_done(&bytes);
    request->values = values;
    return status;
}

/* The lines of the option file, each where its name belongs. */
static IdcStatus
read_options(IdcArena *arena, IdcFilterArguments *arguments, const IdcDeclaration *declaration,
             IdcError *err)
{
    IdcOptionSet options = { 0 };
    char *text = NULL;
    IdcStatus status = idc_secret_file_read(AT_FDCWD, arguments->option_file, true, &text, err);

    if (status != IDC_OK)
        return status;
    status = idc_option_lines_read(arena, text, arguments->option_file, &options, err);
    idc_secret_free(text);
    for (size_t i = 0; status == IDC_OK && i < options.count; i++) {
        const IdcOptionPair *pair = &options.items[i];
        IdcOptionLevel level =
            idc_adapter_option_find(declaration, IDC_OPTION_SERVER, pair->name) != NULL
                ? IDC_OPTION_SERVER
                : IDC_OPTION_USER;

        status = idc_filter_option_add(arguments, level, pair->name, pair->value, err);
    }
    return status;
}

/* What others could read in the list of processes is refused; what came from a file is not. */
static IdcStatus
refuse_plain_secrets(const IdcFilterArguments *arguments, const IdcDeclaration *declaration,
                     IdcError *err)
{
    for (size_t i = 0; i < arguments->user_option_count; i++) {
        const IdcOptionPair *pair = &arguments->user_options[i];
        const IdcAdapterOption *option =
            idc_adapter_option_find(declaration, IDC_OPTION_USER, pair->name);

        if (option != NULL && option->is_secret && strncmp(pair->value, "env:", 4) != 0 &&
            strncmp(pair->value, "file:", 5) != 0)
            return idc_fail(err, IDC_BAD_CREDENTIAL,
                            "option \"%s\" is a secret, which may not stand on the command line: "
                            "use env:NAME, file:PATH or --option-file",
                            pair->name);
    }
    return IDC_OK;
}

/* ---- tasks ---- */

static IdcStatus
connect_source(IdcArena *arena, IdcFilterArguments *arguments, IdcSource *source, IdcError *err)
{
    const IdcDeclaration *declaration = idc_declaration_find(arguments->adapter);
    IdcHello hello = { .version = IDC_MESSAGE_VERSION,
                       .adapter = arguments->adapter,
                       .server_name = arguments->adapter,
                       .credential_directory = arguments->credential_directory,
                       .cache_directory = arguments->cache_directory,
                       .may_use_local = true };
    IdcStatus status = IDC_OK;

    if (declaration != NULL)
        status = refuse_plain_secrets(arguments, declaration, err);
    if (status == IDC_OK && declaration != NULL && arguments->option_file != NULL)
        status = read_options(arena, arguments, declaration, err);
    if (status != IDC_OK)
        return status;
    hello.server_options =
        (IdcOptionSet){ arguments->server_options, arguments->server_option_count };
    hello.user_options = (IdcOptionSet){ arguments->user_options, arguments->user_option_count };
    return idc_source_connect(source, arena, &hello, -1, err);
}

static IdcStatus
run_scan(IdcArena *arena, IdcFilterArguments *arguments, IdcSource *source, IdcError *err)
{
    IdcScanSink sink = { .schema = sink_write, .batch = sink_write };
    IdcSourceScan scan = { .server = &source->server, .call = idc_call_new() };
    IdcOpen request = { .timeout_ms = -1 };
    IdcStatus status;

    scan.arena = idc_arena_new(0);
    if (scan.arena == NULL || scan.call == NULL)
        status = idc_fail_no_memory(err);
    else
        status = read_relation(arena, arguments, &request.relation, err);
    if (status == IDC_OK)
        status = read_values(arena, arguments, &request, err);
    if (status == IDC_OK)
        status = idc_scan_run(source, &scan, &request, &sink, err);
    if (status == IDC_OK)
        status = write_all(idc_ipc_end, IDC_IPC_END_SIZE, err);
    idc_arena_free(scan.arena);
    idc_call_free(scan.call);
    return status;
}

static IdcStatus
run(IdcArena *arena, IdcFilterArguments *arguments, IdcSource *source, IdcError *err)
{
    IdcStatus status = connect_source(arena, arguments, source, err);

    if (status == IDC_OK)
        status = run_scan(arena, arguments, source, err);
    if (source->is_connected && source->adapter->disconnect != NULL)
        source->adapter->disconnect(&source->server);
    return status;
}

static IdcStatus
write_text(IdcText *text, IdcError *err)
{
    IdcStatus status;

    if (text->len > 0 && text->data[text->len - 1] != '\n')
        idc_text_append_char(text, '\n');
    status = idc_text_check(text, err);
    if (status == IDC_OK)
        status = write_all(text->data, text->len, err);
    return status;
}

static IdcStatus
find_declaration(const char *name, const IdcDeclaration **declaration, IdcError *err)
{
    *declaration = idc_declaration_find(name);
    return *declaration != NULL ? IDC_OK
                                : idc_fail(err, IDC_NOT_FOUND, "there is no adapter \"%s\"", name);
}

static IdcStatus
print(IdcArena *arena, const IdcFilterArguments *arguments, IdcText *text, IdcError *err)
{
    const IdcRelation *relation = NULL;
    IdcStatus status = read_relation(arena, arguments, &relation, err);

    if (status == IDC_OK)
        idc_relation_print(relation, true, text);
    return status;
}

/* Each as it must be; those that only a scan needs may be missing. */
static IdcStatus
check_server_options(const IdcDeclaration *declaration, const IdcOptionSet *options, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < options->count; i++)
        status = idc_adapter_option_check(declaration, IDC_OPTION_SERVER, options->items[i].name,
                                          options->items[i].value, err);
    return status;
}

static IdcStatus
explain(IdcArena *arena, IdcFilterArguments *arguments, IdcText *text, IdcError *err)
{
    const IdcDeclaration *declaration = NULL;
    const IdcRelation *relation = NULL;
    IdcOptionSet options;
    IdcStatus status = find_declaration(arguments->adapter, &declaration, err);

    if (status == IDC_OK && arguments->option_file != NULL)
        status = read_options(arena, arguments, declaration, err);
    options = (IdcOptionSet){ arguments->server_options, arguments->server_option_count };
    if (status == IDC_OK)
        status = check_server_options(declaration, &options, err);
    if (status == IDC_OK)
        status = read_relation(arena, arguments, &relation, err);
    if (status != IDC_OK)
        return status;
    if (declaration->explain == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "adapter %s does not show its requests",
                        declaration->name);
    declaration->explain(&options, relation, text);
    return IDC_OK;
}

static IdcStatus
reference(const IdcFilterArguments *arguments, IdcText *text, IdcError *err)
{
    const IdcDeclaration *declaration = NULL;
    IdcStatus status = find_declaration(arguments->adapter, &declaration, err);

    if (status == IDC_OK)
        idc_reference_write(declaration, text);
    return status;
}

static IdcStatus
dispatch(IdcArena *arena, IdcFilterArguments *arguments, IdcSource *source, IdcError *err)
{
    IdcText text;
    IdcStatus status = IDC_OK;

    if (arguments->task == IDC_FILTER_RUN)
        return run(arena, arguments, source, err);
    idc_text_init(&text, 0);
    switch (arguments->task) {
    case IDC_FILTER_EXPLAIN:
        status = explain(arena, arguments, &text, err);
        break;
    case IDC_FILTER_PRINT:
        status = print(arena, arguments, &text, err);
        break;
    case IDC_FILTER_OPTIONS:
        status = reference(arguments, &text, err);
        break;
    case IDC_FILTER_VERSION:
        idc_text_append(&text, "instant-source " IDC_VERSION);
        break;
    default:
        idc_text_append(&text, idc_filter_usage);
        break;
    }
    if (status == IDC_OK)
        status = write_text(&text, err);
    idc_text_done(&text);
    return status;
}

static void
report(const IdcSource *source, IdcError *err)
{
    idc_secrets_scrub(&source->secrets, err);
    (void) fprintf(stderr, "instant-source: %s: %s\n", err->sqlstate, err->message);
    if (err->hint[0] != '\0')
        (void) fprintf(stderr, "hint: %s\n", err->hint);
    if (err->remote_sql[0] != '\0')
        (void) fprintf(stderr, "request: %s\n", err->remote_sql);
}

int
idc_filter_main(int argc, char **argv)
{
    static IdcFilterArguments arguments;
    IdcSource source = { 0 };
    struct rlimit none = { 0, 0 };
    IdcArena *arena;
    IdcError err;
    IdcStatus status;

    (void) setrlimit(RLIMIT_CORE, &none);
    (void) signal(SIGPIPE, SIG_IGN);
    idc_error_init(&err);
    if (idc_filter_arguments_read(argc, argv, &arguments, &err) != IDC_OK) {
        (void) fprintf(stderr, "instant-source: %s\n%s", err.message, idc_filter_usage);
        return EXIT_USAGE;
    }
    arena = idc_arena_new(0);
    status = arena == NULL ? idc_fail_no_memory(&err) : dispatch(arena, &arguments, &source, &err);
    if (status != IDC_OK)
        report(&source, &err);
    idc_arena_free(arena);
    return status == IDC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
