/*
 * openapi.c - each GET of a document as a table.
 */
#include "adapters/rest/openapi.h"

#include <stdlib.h>
#include <string.h>

typedef struct Tables {
    IdcOpenapi openapi;
    const char *base_url;
    char *prefix; /* of the paths: what the document's address has and base_url has not */
    IdcImportedTable *items;
    size_t count, capacity;
    IdcError *err;
} Tables;

void
idc_openapi_add_option(IdcOpenapi *openapi, IdcOpenapiOptions *options, const char *name,
                       const char *value)
{
    char *copy = idc_arena_strdup(openapi->arena, value);

    if (options->count == options->capacity) {
        size_t capacity = options->capacity == 0 ? 4 : options->capacity * 2;
        IdcOptionPair *grown = idc_arena_alloc_array(openapi->arena, capacity, sizeof *grown);

        if (grown == NULL) {
            openapi->is_out_of_memory = true;
            return;
        }
        if (options->count > 0)
            memcpy(grown, options->items, options->count * sizeof *grown);
        options->items = grown;
        options->capacity = capacity;
    }
    if (copy == NULL) {
        openapi->is_out_of_memory = true;
        return;
    }
    options->items[options->count++] = (IdcOptionPair){ .name = name, .value = copy };
}

/* ---- where paths begin ---- */

/* The path of an address: "https://api.example/v1/" -> "/v1"; "/v1" as it is. */
static char *
path_of(IdcArena *arena, const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *path = scheme != NULL ? strchr(scheme + 3, '/') : url;
    size_t len;

    if (path == NULL || *path != '/' || strchr(path, '{') != NULL)
        return idc_arena_strdup(arena, "");
    len = strcspn(path, "?#");
    while (len > 0 && path[len - 1] == '/')
        len--;
    return idc_arena_strndup(arena, path, len);
}

/* base_url may end with what the document says its paths begin with, or not. */
static IdcStatus
find_prefix(Tables *tables)
{
    const IdcNode *servers = idc_node_get(tables->openapi.root, "servers");
    const char *url = "";
    char *own;
    size_t base_len = tables->base_url != NULL ? strlen(tables->base_url) : 0, len;

    if (tables->openapi.is_swagger)
        url = idc_node_text(tables->openapi.root, "basePath");
    else if (idc_node_is_list(servers) && servers->first != NULL)
        url = idc_node_text(servers->first, "url");
    own = path_of(tables->openapi.arena, url != NULL ? url : "");
    if (own == NULL)
        return idc_fail_no_memory(tables->err);
    while (base_len > 0 && tables->base_url[base_len - 1] == '/')
        base_len--;
    len = strlen(own);
    if (len <= base_len && memcmp(tables->base_url + base_len - len, own, len) == 0)
        own[0] = '\0';
    tables->prefix = own;
    return IDC_OK;
}

/* ---- answers ---- */

static bool
is_json_type(const char *type)
{
    size_t len = strcspn(type, "; ");

    return (len == 16 && strncmp(type, "application/json", 16) == 0) ||
           (len > 5 && strncmp(type + len - 5, "+json", 5) == 0) || strncmp(type, "*/*", 3) == 0;
}

/* The answer of a success: 200, else another 2xx, 2XX or default. */
static const IdcNode *
find_response(const IdcOpenapi *openapi, const IdcNode *operation)
{
    const IdcNode *responses = idc_node_get(operation, "responses");
    const IdcNode *found = idc_node_get(responses, "200");

    if (!idc_node_is_map(responses))
        return NULL;
    for (const IdcNode *item = responses->first; item != NULL && found == NULL; item = item->next)
        if (item->key[0] == '2')
            found = item;
    if (found == NULL)
        found = idc_node_get(responses, "default");
    return idc_openapi_resolve(openapi, found);
}

static const IdcNode *
find_answer(const IdcOpenapi *openapi, const IdcNode *response)
{
    const IdcNode *content = idc_node_get(response, "content");

    if (openapi->is_swagger)
        return idc_openapi_resolve(openapi, idc_node_get(response, "schema"));
    if (!idc_node_is_map(content))
        return NULL;
    for (const IdcNode *item = content->first; item != NULL; item = item->next)
        if (is_json_type(item->key))
            return idc_openapi_resolve(openapi, idc_node_get(item, "schema"));
    return NULL;
}

/* ---- one table ---- */

/* "/users/{id}/orders" -> "users_orders", "/users/{id}" -> "users_by_id". */
static const char *
table_name(Tables *tables, const char *path)
{
    IdcText text;
    const char *name;

    idc_text_init(&text, 0);
    for (const char *at = path; *at != '\0';) {
        size_t len;
        bool is_param;

        at += strspn(at, "/");
        len = strcspn(at, "/");
        is_param = memchr(at, '{', len) != NULL;
        if (is_param && at[len] == '\0')
            idc_text_append(&text, "_by_");
        else if (!is_param && text.len > 0 && len > 0)
            idc_text_append_char(&text, '_');
        if (!is_param || at[len] == '\0')
            idc_text_append_len(&text, at, len);
        at += len;
    }
    name = idc_openapi_name(tables->openapi.arena, text.len > 0 ? idc_text_string(&text) : "root");
    idc_text_done(&text);
    if (name == NULL)
        return NULL;
    return idc_openapi_unique(tables->openapi.arena, name, tables->items, tables->count,
                              sizeof tables->items[0]);
}

static IdcStatus
grow(Tables *tables)
{
    size_t capacity = tables->capacity == 0 ? 64 : tables->capacity * 2;
    IdcImportedTable *grown;

    if (tables->count < tables->capacity)
        return IDC_OK;
    if (tables->count >= IDC_OPENAPI_MAX_TABLES)
        return idc_fail(tables->err, IDC_SOURCE_FAILED, "the document has more than %d tables",
                        IDC_OPENAPI_MAX_TABLES);
    grown = idc_arena_alloc_array(tables->openapi.arena, capacity, sizeof *grown);
    if (grown == NULL)
        return idc_fail_no_memory(tables->err);
    if (tables->count > 0)
        memcpy(grown, tables->items, tables->count * sizeof *grown);
    tables->items = grown;
    tables->capacity = capacity;
    return IDC_OK;
}

static bool
ends_with_param(const char *path)
{
    size_t len = strlen(path);

    return len > 0 && path[len - 1] == '}';
}

static IdcStatus
make_table(Tables *tables, const IdcNode *path_item, const IdcNode *operation,
           const IdcNode *response, const IdcNode *answer)
{
    IdcOpenapi *openapi = &tables->openapi;
    IdcOpenapiOptions options = { 0 };
    IdcOpenapiPaging paging = { 0 };
    IdcImportedTable *table;
    const char *rows, *endpoint;
    bool is_one = ends_with_param(path_item->key);
    IdcOpenapiOperation what = { .path = idc_arena_printf(openapi->arena, "%s%s", tables->prefix,
                                                          path_item->key),
                                 .path_item = path_item,
                                 .operation = operation,
                                 .row = idc_openapi_rows(openapi, answer, is_one, &rows) };
    IdcStatus status = grow(tables);

    if (status != IDC_OK || what.row == NULL)
        return status;
    if (what.path == NULL)
        return idc_fail_no_memory(tables->err);
    table = &tables->items[tables->count];
    *table = (IdcImportedTable){ .comment = idc_node_text(operation, "summary") };
    status = idc_openapi_columns(openapi, &what, &paging, &endpoint, &table->columns,
                                 &table->column_count, tables->err);
    if (status != IDC_OK || endpoint == NULL)
        return status;
    idc_openapi_add_option(openapi, &options, "endpoint", endpoint);
    if (rows != NULL)
        idc_openapi_add_option(openapi, &options, "rows", rows);
    if (!is_one)
        idc_openapi_paging_options(openapi, &paging, answer, response, &options);
    table->name = table_name(tables, path_item->key);
    table->options = (IdcOptionSet){ .items = options.items, .count = options.count };
    if (openapi->is_out_of_memory || table->name == NULL)
        return idc_fail_no_memory(tables->err);
    tables->count++;
    return IDC_OK;
}

static IdcStatus
take_path(Tables *tables, const IdcNode *item)
{
    const IdcNode *path_item =
        idc_node_get(item, "$ref") != NULL ? idc_openapi_resolve(&tables->openapi, item) : item;
    const IdcNode *operation = idc_node_get(path_item, "get");
    const IdcNode *response = find_response(&tables->openapi, operation);
    const IdcNode *answer = find_answer(&tables->openapi, response);
    IdcNode named;

    if (item->key[0] != '/' || !idc_node_is_map(operation) || !idc_node_is_map(answer))
        return IDC_OK;
    named = *path_item;
    named.key = item->key;
    return make_table(tables, &named, operation, response, answer);
}

IdcStatus
idc_openapi_tables(IdcArena *arena, const IdcNode *root, const char *base_url,
                   const IdcImportedTable **tables, size_t *count, IdcError *err)
{
    const char *swagger = idc_node_text(root, "swagger");
    const char *version = idc_node_text(root, "openapi");
    const IdcNode *paths = idc_node_get(root, "paths");
    Tables made = { .openapi = { .arena = arena, .root = root, .is_swagger = swagger != NULL },
                    .base_url = base_url,
                    .err = err };
    IdcStatus status;

    if ((swagger == NULL || strncmp(swagger, "2.", 2) != 0) &&
        (version == NULL || strncmp(version, "3.", 2) != 0))
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "the document is neither OpenAPI 3 nor Swagger 2: it has no member "
                        "\"openapi\" or \"swagger\" that says so");
    status = find_prefix(&made);
    for (const IdcNode *item = idc_node_is_map(paths) ? paths->first : NULL;
         item != NULL && status == IDC_OK; item = item->next)
        status = take_path(&made, item);
    if (status != IDC_OK)
        return status;
    *tables = made.items;
    *count = made.count;
    return IDC_OK;
}
