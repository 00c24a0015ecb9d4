/*
 * import.c - IMPORT FOREIGN SCHEMA: fetch the document, leave out what is not wanted.
 *
 * In:   option document, of the statement or of the server: a path behind base_url, an address, or
 * file:PATH Out:  tables of openapi.c
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/rest/openapi.h"
#include "adapters/rest/work.h"

static void
close_file(void *handle)
{
    (void) close((int) (intptr_t) handle);
}

static IdcStatus
read_file(IdcSourceScan *scan, const char *path, IdcText *text, IdcError *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    char buffer[65536];
    ssize_t len;

    if (fd < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot open \"%s\": %s", path, idc_errno_text(errno));
    if (idc_arena_on_free(scan->arena, close_file, (void *) (intptr_t) fd) != IDC_OK) {
        (void) close(fd);
        return idc_fail_no_memory(err);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return idc_fail(err, IDC_IO_FAILED, "\"%s\" is no file", path);
    while ((len = read(fd, buffer, sizeof buffer)) > 0)
        idc_text_append_len(text, buffer, (size_t) len);
    if (len < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot read \"%s\": %s", path, idc_errno_text(errno));
    return idc_text_check(text, err);
}

/* A path behind base_url is put there as an endpoint is; an address stands for itself. */
static IdcStatus
document_url(IdcSourceScan *scan, const char *document, IdcText *url, bool *is_public,
             IdcError *err)
{
    const char *base = idc_option_value(&scan->server->options, "base_url");
    size_t len = strlen(base);

    if (strstr(document, "://") != NULL) {
        idc_text_append(url, document);
        *is_public = !idc_http_url_is_same_origin(base, document);
        return idc_text_check(url, err);
    }
    while (len > 0 && base[len - 1] == '/')
        len--;
    idc_text_append_len(url, base, len);
    if (document[0] != '/')
        idc_text_append_char(url, '/');
    idc_text_append(url, document);
    *is_public = false;
    return idc_text_check(url, err);
}

static IdcStatus
fetch(IdcSourceScan *scan, const char *url, bool is_public, IdcText *text, IdcError *err)
{
    static const IdcHttpHeader accept = { "Accept", "application/json, application/yaml, */*" };
    const IdcRestServer *server = scan->server->state;
    IdcHttpRequest request = { .url = url,
                               .headers = &accept,
                               .header_count = 1,
                               .is_public = is_public,
                               .cache_ttl_ms = -1 };
    IdcHttpSession *session;
    IdcHttpExchange *exchange;
    const IdcHttpResponse *response;
    IdcStatus status =
        idc_http_session_open(server->client, scan->arena, scan->call, &scan->stats, &session, err);

    if (status == IDC_OK)
        status = idc_http_open(session, &request, &exchange, err);
    if (status == IDC_OK)
        status = idc_http_response(exchange, &response, err);
    return status != IDC_OK ? status : idc_http_read_all(exchange, text, err);
}

static IdcStatus
read_document(IdcSourceScan *scan, const char *document, IdcText *text, IdcError *err)
{
    bool is_public;
    IdcText url;
    IdcStatus status;

    if (strncmp(document, "file:", 5) == 0) {
        if (!scan->server->may_use_local)
            return idc_fail(err, IDC_BAD_VALUE,
                            "option \"document\" may name a file only if a superuser owns the "
                            "server");
        return read_file(scan, document + 5, text, err);
    }
    idc_text_init(&url, 0);
    status = document_url(scan, document, &url, &is_public, err);
    if (status == IDC_OK)
        status = fetch(scan, idc_text_string(&url), is_public, text, err);
    idc_text_done(&url);
    return status;
}

static bool
is_wanted(const IdcImport *import, const char *name)
{
    bool is_named = false;

    for (size_t i = 0; i < import->name_count; i++)
        is_named = is_named || strcmp(import->names[i], name) == 0;
    if (import->is_list)
        return is_named;
    return !import->is_except || !is_named;
}

static IdcStatus
leave_out(IdcSourceScan *scan, const IdcImport *import, const IdcImportedTable **tables,
          size_t *count, IdcError *err)
{
    IdcImportedTable *kept = idc_arena_alloc_array(scan->arena, *count + 1, sizeof *kept);
    size_t kept_count = 0;

    if (kept == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < *count; i++)
        if (is_wanted(import, (*tables)[i].name))
            kept[kept_count++] = (*tables)[i];
    *tables = kept;
    *count = kept_count;
    return IDC_OK;
}

IdcStatus
idc_rest_import(IdcSourceScan *scan, const IdcImport *import, const IdcImportedTable **tables,
                size_t *count, IdcError *err)
{
    const char *document = idc_option_value(&import->options, "document");
    const IdcNode *root;
    IdcText text;
    IdcStatus status;

    if (document == NULL)
        document = idc_option_value(&scan->server->options, "document");
    if (document == NULL) {
        (void) idc_fail(err, IDC_BAD_VALUE,
                        "an import needs the option \"document\": the OpenAPI document of the API");
        idc_error_set_hint(err, "an API without one does not say what it has: list its tables with "
                                "their columns");
        return IDC_BAD_VALUE;
    }
    idc_text_init(&text, IDC_DOCUMENT_MAX_BYTES + 1);
    status = read_document(scan, document, &text, err);
    if (status == IDC_OK)
        status = idc_document_read(scan->arena, idc_text_string(&text), text.len, &root, err);
    idc_text_done(&text);
    if (status == IDC_OK)
        status = idc_openapi_tables(scan->arena, root,
                                    idc_option_value(&scan->server->options, "base_url"), tables,
                                    count, err);
    if (status != IDC_OK)
        return idc_add_context(err, "document \"%s\"", document);
    return leave_out(scan, import, tables, count, err);
}
