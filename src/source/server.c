/*
 * server.c - HELLO, or the arguments of a filter, become a server that an adapter is connected to.
 */
#include "source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static IdcStatus
refuse_local(const char *name, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_CONFIG,
                    "option \"%s\" touches this machine, and the server's owner is not a superuser",
                    name);
    idc_error_set_sqlstate(err, "42501");
    return IDC_BAD_CONFIG;
}

static IdcStatus
check_local(const IdcSource *source, IdcOptionLevel level, const IdcOptionSet *options,
            IdcError *err)
{
    const IdcDeclaration *declaration = source->adapter->declaration;

    if (source->server.may_use_local)
        return IDC_OK;
    for (size_t i = 0; i < options->count; i++) {
        const IdcAdapterOption *option =
            idc_adapter_option_find(declaration, level, options->items[i].name);

        if (option != NULL && option->is_local)
            return refuse_local(option->name, err);
    }
    return IDC_OK;
}

static IdcStatus
check_scan(const IdcSource *source, const IdcRelation *scan, IdcError *err)
{
    IdcStatus status = check_local(source, IDC_OPTION_TABLE, &scan->options, err);

    for (size_t i = 0; status == IDC_OK && i < scan->column_count; i++)
        status = check_local(source, IDC_OPTION_COLUMN, &scan->columns[i].options, err);
    return status;
}

/* The depth was bounded when the relation was read. */
IdcStatus
idc_source_check_relation(const IdcSource *source, const IdcRelation *relation, IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (relation->kind == IDC_REL_SCAN)
        return check_scan(source, relation, err);
    if (relation->input != NULL)
        status = idc_source_check_relation(source, relation->input, err);
    if (status == IDC_OK && relation->right != NULL)
        status = idc_source_check_relation(source, relation->right, err);
    return status;
}

/* A line of an adapter to the log of whoever started us. */
static void
log_line(void *host, IdcLogLevel level, const char *line)
{
    const IdcSource *source = host;
    char clean[1024];

    (void) level;
    (void) snprintf(clean, sizeof clean, "%s", line);
    idc_secrets_scrub_text(&source->secrets, clean, sizeof clean);
    (void) fprintf(stderr, "instant-source: server \"%s\": %s\n", source->server.name, clean);
}

static IdcStatus
find_adapter(IdcSource *source, const char *name, IdcError *err)
{
    source->adapter = idc_adapter_find(name);
    if (source->adapter != NULL)
        return IDC_OK;
    if (idc_declaration_find(name) != NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "this build of instant-source has no adapter \"%s\"",
                        name);
    return idc_fail(err, IDC_NOT_FOUND, "there is no adapter \"%s\"", name);
}

/* The word in the file, shared with all sessions of the hub; NULL: fd is no such file. */
static IdcBucketWord *
map_bucket(int fd)
{
    struct stat info;
    void *word;

    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < IDC_BUCKET_BYTES)
        return NULL;
    word = mmap(NULL, IDC_BUCKET_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return word == MAP_FAILED ? NULL : word;
}

/* Adapters that have a rate limit call it so. */
static void
limit_rate(IdcSource *source, int shared_fd)
{
    const IdcDeclaration *declaration = source->adapter->declaration;
    const IdcOptionSet *options = &source->server.options;
    const char *rate = idc_adapter_option_text(declaration, options, "rate_limit");
    const char *burst = idc_adapter_option_text(declaration, options, "rate_burst");

    source->bucket.rate = rate == NULL ? 0 : strtod(rate, NULL);
    source->bucket.burst = burst == NULL ? 1 : strtod(burst, NULL);
    if (!(source->bucket.rate > 0))
        return;
    source->bucket.word = map_bucket(shared_fd);
    if (source->bucket.word == NULL)
        source->bucket.word = &source->own_word;
    source->server.bucket = &source->bucket;
}

IdcStatus
idc_source_connect(IdcSource *source, IdcArena *arena, const IdcHello *hello, int shared_fd,
                   IdcError *err)
{
    IdcSecretSources sources = { .credential_directory = hello->credential_directory,
                                 .may_use_local = hello->may_use_local };
    const IdcDeclaration *declaration;
    IdcSourceServer *server = &source->server;
    IdcStatus status = find_adapter(source, hello->adapter, err);

    source->secrets.arena = arena;
    source->log = (IdcLog){ .hook = log_line, .host = source, .least = IDC_WARNING };
    *server = (IdcSourceServer){ .name = hello->server_name,
                                 .options = hello->server_options,
                                 .cache_directory = hello->cache_directory,
                                 .shared_fd = shared_fd,
                                 .may_use_local = hello->may_use_local,
                                 .log = &source->log,
                                 .arena = arena };
    if (status != IDC_OK)
        return status;
    declaration = source->adapter->declaration;
    status = idc_adapter_options_check(declaration, IDC_OPTION_SERVER, &server->options, err);
    if (status == IDC_OK)
        status = check_local(source, IDC_OPTION_SERVER, &server->options, err);
    if (status == IDC_OK)
        status = idc_secrets_resolve(&source->secrets, declaration, &hello->user_options, &sources,
                                     &server->user_options, err);
    if (status == IDC_OK)
        status = check_local(source, IDC_OPTION_USER, &server->user_options, err);
    if (status == IDC_OK)
        limit_rate(source, shared_fd);
    if (status == IDC_OK && source->adapter->connect != NULL)
        status = source->adapter->connect(server, err);
    source->is_connected = status == IDC_OK;
    return status;
}
