/*
 * openapi_pages.c - pagination and the place of rows, guessed by the names that APIs use.
 */
#include "adapters/rest/openapi.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static const char *const page_names[] = { "page",         "page_number", "pageNumber", "pageNo",
                                          "page[number]", "_page",       NULL };
static const char *const limit_names[] = { "limit",      "per_page",    "perPage",    "page_size",
                                           "pageSize",   "size",        "maxResults", "max_results",
                                           "page[size]", "page[limit]", "_limit",     NULL };
static const char *const offset_names[] = { "offset", "skip", "page[offset]", NULL };
static const char *const cursor_names[] = { "cursor",      "page_token",     "pageToken",
                                            "next_token",  "nextToken",      "continuation_token",
                                            "page_cursor", "starting_after", NULL };
static const char *const next_cursor_names[] = {
    "next_cursor",        "nextCursor", "next_page_token",
    "nextPageToken",      "next_token", "nextToken",
    "continuation_token", "cursor",     NULL
};
static const char *const next_url_names[] = { "next",          "next_url", "nextUrl",
                                              "next_page_url", "nextLink", "@odata.nextLink",
                                              "next_link",     NULL };
static const char *const total_names[] = { "total",       "total_count", "totalCount",
                                           "total_items", "totalItems",  "totalElements",
                                           NULL };
static const char *const total_pages_names[] = { "total_pages", "totalPages", "page_count",
                                                 "pageCount", NULL };
static const char *const has_more_names[] = { "has_more", "hasMore", "has_next", "hasNext", NULL };
static const char *const more_places[] = {
    "meta", "pagination", "paging", "links", "_links", "page_info", "response_metadata", NULL
};
static const char *const rows_names[] = { "data",   "items",   "results", "result",  "value",
                                          "values", "records", "rows",    "content", "entries",
                                          "list",   "objects", "hits",    NULL };

/* A parameter's schema: Swagger 2 has its members in the parameter itself. */
static const IdcNode *
schema_of(const IdcOpenapi *openapi, const IdcNode *parameter)
{
    const IdcNode *schema = idc_node_get(parameter, "schema");

    return openapi->is_swagger || schema == NULL ? parameter : idc_openapi_resolve(openapi, schema);
}

/* The biggest page that the document allows, else the usual one. */
static const char *
page_size_of(const IdcNode *schema)
{
    const char *maximum = idc_node_text(schema, "maximum");
    const char *usual = idc_node_text(schema, "default");
    int64_t number;

    if (maximum != NULL && idc_int64_parse(maximum, &number) && number >= 1 && number <= 10000)
        return maximum;
    if (usual != NULL && idc_int64_parse(usual, &number) && number >= 1 && number <= 10000)
        return usual;
    return NULL;
}

bool
idc_openapi_paging_take(const IdcOpenapi *openapi, const IdcNode *parameter,
                        IdcOpenapiPaging *paging)
{
    const char *name = idc_node_text(parameter, "name");
    const IdcNode *schema = schema_of(openapi, parameter);

    if (is_one_of(name, page_names)) {
        paging->page = name;
        if (idc_node_is(schema, "default", "0") || idc_node_is(schema, "minimum", "0"))
            paging->page_start = "0";
    } else if (is_one_of(name, limit_names)) {
        paging->limit = name;
        paging->page_size = page_size_of(schema);
    } else if (is_one_of(name, offset_names)) {
        paging->offset = name;
    } else if (is_one_of(name, cursor_names)) {
        paging->cursor = name;
    } else {
        return false;
    }
    return true;
}

/* ---- places in an answer ---- */

static const IdcOpenapiProperty *
find_property(const IdcOpenapiProperty *properties, size_t count, const char *const *names)
{
    for (size_t n = 0; names[n] != NULL; n++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(properties[i].name, names[n]) == 0)
                return &properties[i];
    return NULL;
}

/* A JSON Pointer of one or two names. */
static const char *
pointer(IdcOpenapi *openapi, const char *outer, const char *inner)
{
    const char *names[2] = { outer, inner };
    IdcText text;
    const char *made;

    idc_text_init(&text, 0);
    for (size_t i = 0; i < 2; i++) {
        if (names[i] == NULL)
            continue;
        idc_text_append_char(&text, '/');
        for (const char *c = names[i]; *c != '\0'; c++) {
            if (*c == '~' || *c == '/')
                idc_text_append(&text, *c == '~' ? "~0" : "~1");
            else
                idc_text_append_char(&text, *c);
        }
    }
    made = idc_arena_strdup(openapi->arena, idc_text_string(&text));
    idc_text_done(&text);
    openapi->is_out_of_memory = openapi->is_out_of_memory || made == NULL;
    return made;
}

/* A scalar of one of the names in the answer, or one level deeper; NULL: there is none. */
static const char *
find_place(IdcOpenapi *openapi, const IdcNode *answer, const char *const *names)
{
    IdcOpenapiProperty *outer = calloc(2 * IDC_OPENAPI_MAX_COLUMNS, sizeof *outer);
    IdcOpenapiProperty *inner = outer + IDC_OPENAPI_MAX_COLUMNS;
    const IdcOpenapiProperty *found;
    const char *place = NULL;
    size_t count;

    if (outer == NULL) {
        openapi->is_out_of_memory = true;
        return NULL;
    }
    count = idc_openapi_properties(openapi, answer, outer);
    found = find_property(outer, count, names);
    if (found != NULL && idc_openapi_is_scalar(openapi, found->schema))
        place = pointer(openapi, found->name, NULL);
    for (size_t i = 0; i < count && place == NULL; i++) {
        size_t inner_count;

        if (!is_one_of(outer[i].name, more_places))
            continue;
        inner_count = idc_openapi_properties(openapi, outer[i].schema, inner);
        found = find_property(inner, inner_count, names);
        if (found != NULL && idc_openapi_is_scalar(openapi, found->schema))
            place = pointer(openapi, outer[i].name, found->name);
    }
    free(outer);
    return place;
}

static bool
has_header(const IdcOpenapi *openapi, const IdcNode *response, const char *name, const char **as)
{
    const IdcNode *headers = idc_node_get(response, "headers");

    (void) openapi;
    if (!idc_node_is_map(headers))
        return false;
    for (const IdcNode *item = headers->first; item != NULL; item = item->next)
        if (strcasecmp(item->key, name) == 0) {
            *as = item->key;
            return true;
        }
    return false;
}

static void
add_limit(IdcOpenapi *openapi, const IdcOpenapiPaging *paging, IdcOpenapiOptions *options)
{
    if (paging->limit == NULL)
        return;
    idc_openapi_add_option(openapi, options, "limit_param", paging->limit);
    if (paging->page_size != NULL)
        idc_openapi_add_option(openapi, options, "page_size", paging->page_size);
}

static void
add_totals(IdcOpenapi *openapi, const IdcNode *answer, const IdcNode *response,
           IdcOpenapiOptions *options)
{
    const char *header;
    const char *total = find_place(openapi, answer, total_names);
    const char *pages = find_place(openapi, answer, total_pages_names);

    if (total != NULL)
        idc_openapi_add_option(openapi, options, "total", total);
    else if (has_header(openapi, response, "X-Total-Count", &header))
        idc_openapi_add_option(openapi, options, "total_header", header);
    else if (pages != NULL)
        idc_openapi_add_option(openapi, options, "total_pages", pages);
}

void
idc_openapi_paging_options(IdcOpenapi *openapi, const IdcOpenapiPaging *paging,
                           const IdcNode *answer, const IdcNode *response,
                           IdcOpenapiOptions *options)
{
    const char *cursor = find_place(openapi, answer, next_cursor_names);
    const char *next = find_place(openapi, answer, next_url_names);
    const char *has_more = find_place(openapi, answer, has_more_names);
    const char *header;

    add_limit(openapi, paging, options);
    if (paging->cursor != NULL && cursor != NULL) {
        idc_openapi_add_option(openapi, options, "page_style", "cursor");
        idc_openapi_add_option(openapi, options, "cursor_param", paging->cursor);
        idc_openapi_add_option(openapi, options, "cursor", cursor);
    } else if (next != NULL) {
        idc_openapi_add_option(openapi, options, "page_style", "next_url");
        idc_openapi_add_option(openapi, options, "next", next);
        has_more = NULL;
    } else if (has_header(openapi, response, "Link", &header)) {
        idc_openapi_add_option(openapi, options, "page_style", "link");
        has_more = NULL;
    } else if (paging->page != NULL) {
        idc_openapi_add_option(openapi, options, "page_style", "page");
        idc_openapi_add_option(openapi, options, "page_param", paging->page);
        if (paging->page_start != NULL)
            idc_openapi_add_option(openapi, options, "page_start", paging->page_start);
        add_totals(openapi, answer, response, options);
    } else if (paging->offset != NULL && paging->limit != NULL) {
        idc_openapi_add_option(openapi, options, "page_style", "offset");
        idc_openapi_add_option(openapi, options, "offset_param", paging->offset);
        add_totals(openapi, answer, response, options);
    } else {
        has_more = NULL;
    }
    if (has_more != NULL)
        idc_openapi_add_option(openapi, options, "has_more", has_more);
}

/* ---- rows ---- */

static bool
is_array_of_objects(const IdcOpenapi *openapi, const IdcNode *schema)
{
    const IdcNode *items = idc_node_get(schema, "items");

    return strcmp(idc_openapi_type(openapi, schema), "array") == 0 && items != NULL &&
           strcmp(idc_openapi_type(openapi, items), "object") == 0;
}

/* The member that holds the rows: of a usual name, or the only one that could. */
static const IdcOpenapiProperty *
find_rows(const IdcOpenapi *openapi, const IdcOpenapiProperty *properties, size_t count)
{
    const IdcOpenapiProperty *only = NULL;
    size_t arrays = 0;

    for (size_t n = 0; rows_names[n] != NULL; n++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(properties[i].name, rows_names[n]) == 0 &&
                strcmp(idc_openapi_type(openapi, properties[i].schema), "array") == 0)
                return &properties[i];
    for (size_t i = 0; i < count; i++)
        if (is_array_of_objects(openapi, properties[i].schema)) {
            only = &properties[i];
            arrays++;
        }
    /* An object of many members with one list among them is more likely a row by itself. */
    return arrays == 1 && count <= 6 ? only : NULL;
}

const IdcNode *
idc_openapi_rows(IdcOpenapi *openapi, const IdcNode *answer, bool is_one, const char **rows)
{
    IdcOpenapiProperty *properties;
    const IdcOpenapiProperty *found = NULL;
    const IdcNode *schema = answer;

    *rows = NULL;
    if (strcmp(idc_openapi_type(openapi, answer), "array") == 0)
        return idc_openapi_resolve(openapi, idc_node_get(answer, "items"));
    if (is_one)
        return answer;
    properties = calloc(IDC_OPENAPI_MAX_COLUMNS, sizeof *properties);
    if (properties == NULL) {
        openapi->is_out_of_memory = true;
        return NULL;
    }
    found = find_rows(openapi, properties, idc_openapi_properties(openapi, answer, properties));
    if (found != NULL) {
        *rows = pointer(openapi, found->name, NULL);
        schema = idc_openapi_resolve(openapi, idc_node_get(found->schema, "items"));
    }
    free(properties);
    return schema;
}
