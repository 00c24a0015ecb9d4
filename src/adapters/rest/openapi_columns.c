/*
 * openapi_columns.c - the columns of one operation, and which of them narrow a request.
 */
#include "adapters/rest/openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_MADE = IDC_OPENAPI_MAX_COLUMNS + IDC_OPENAPI_MAX_PARAMS };

/* A column in the making; name is first, so that idc_openapi_unique finds it. */
typedef struct Made {
    const char *name;
    const char *property; /* of the row; NULL: it is a parameter's only */
    const char *type, *comment;
    const IdcNode *schema;
    IdcOpenapiOptions options;
    bool is_not_null;
} Made;

typedef struct Columns {
    IdcOpenapi *openapi;
    const IdcOpenapiOperation *operation;
    const IdcNode *params[IDC_OPENAPI_MAX_PARAMS];
    size_t param_count;
    IdcOpenapiProperty properties[IDC_OPENAPI_MAX_COLUMNS];
    size_t property_count;
    Made made[MAX_MADE];
    size_t count;
} Columns;

/* ---- parameters ---- */

static bool
is_same_param(const IdcNode *a, const IdcNode *b)
{
    const char *in = idc_node_text(b, "in");

    return in != NULL && idc_node_is(a, "name", idc_node_text(b, "name")) &&
           idc_node_is(a, "in", in);
}

/* Those of the operation take the place of the path's. */
static void
collect_params(Columns *columns, const IdcNode *list)
{
    if (!idc_node_is_list(list))
        return;
    for (const IdcNode *item = list->first; item != NULL; item = item->next) {
        const IdcNode *param = idc_openapi_resolve(columns->openapi, item);
        bool is_known = false;

        if (param == NULL || idc_node_text(param, "name") == NULL)
            continue;
        for (size_t i = 0; i < columns->param_count; i++)
            is_known = is_known || is_same_param(columns->params[i], param);
        if (!is_known && columns->param_count < IDC_OPENAPI_MAX_PARAMS)
            columns->params[columns->param_count++] = param;
    }
}

static const IdcNode *
param_schema(const Columns *columns, const IdcNode *param)
{
    const IdcNode *schema = idc_node_get(param, "schema");

    if (columns->openapi->is_swagger || schema == NULL)
        return param;
    return idc_openapi_resolve(columns->openapi, schema);
}

/* ---- columns ---- */

static void
option(Columns *columns, Made *made, const char *name, const char *value)
{
    idc_openapi_add_option(columns->openapi, &made->options, name, value);
}

/* name is copied or of the arena; NULL: no memory. */
static Made *
add(Columns *columns, const char *name, const IdcNode *schema)
{
    Made *made = &columns->made[columns->count];
    IdcOpenapi *openapi = columns->openapi;

    if (name != NULL)
        name = idc_openapi_unique(openapi->arena, name, columns->made, columns->count,
                                  sizeof columns->made[0]);
    if (name == NULL || columns->count == MAX_MADE) {
        openapi->is_out_of_memory = openapi->is_out_of_memory || name == NULL;
        return NULL;
    }
    *made = (Made){ .name = name,
                    .type = idc_openapi_sql_type(openapi, schema),
                    .comment = idc_node_text(schema, "description"),
                    .schema = schema };
    if (strcmp(made->type, "bytea") == 0)
        option(columns, made, "base64", "true");
    columns->count++;
    return made;
}

static void
add_path_option(Columns *columns, Made *made)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append_char(&text, '/');
    for (const char *c = made->property; *c != '\0'; c++) {
        if (*c == '~' || *c == '/')
            idc_text_append(&text, *c == '~' ? "~0" : "~1");
        else
            idc_text_append_char(&text, *c);
    }
    option(columns, made, "path", idc_text_string(&text));
    idc_text_done(&text);
}

static void
add_properties(Columns *columns)
{
    IdcOpenapi *openapi = columns->openapi;

    for (size_t i = 0; i < columns->property_count; i++) {
        const IdcOpenapiProperty *property = &columns->properties[i];
        Made *made =
            add(columns, idc_openapi_name(openapi->arena, property->name), property->schema);

        if (made == NULL)
            return;
        made->property = property->name;
        if (strcmp(made->name, property->name) != 0)
            add_path_option(columns, made);
    }
    if (columns->property_count == 0) {
        Made *made = add(columns, "value", columns->operation->row);

        if (made != NULL)
            option(columns, made, "path", "$");
    }
}

/* The column of a property that is called so, in the API's way or in ours. */
static Made *
find_column(Columns *columns, const char *name)
{
    char *ours = idc_openapi_name(columns->openapi->arena, name);

    if (ours == NULL) {
        columns->openapi->is_out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < columns->count; i++)
        if (columns->made[i].property != NULL && (strcmp(columns->made[i].property, name) == 0 ||
                                                  strcmp(columns->made[i].name, ours) == 0))
            return &columns->made[i];
    return NULL;
}

static bool
has_property(const Columns *columns, const char *name)
{
    char *ours = idc_openapi_name(columns->openapi->arena, name);

    for (size_t i = 0; ours != NULL && i < columns->property_count; i++) {
        char *theirs = idc_openapi_name(columns->openapi->arena, columns->properties[i].name);

        if (theirs != NULL && strcmp(ours, theirs) == 0)
            return true;
    }
    return false;
}

/* ---- the path ---- */

/* Names that say nothing without what stands before them: /users/{id}/orders. */
static bool
is_general(const char *name, size_t len)
{
    static const char *const names[] = { "id", "uuid", "name", "key", "slug", "code", "number" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
            return true;
    return false;
}

/* "users_id" of "/users/{id}/orders"; else the parameter's own name. */
static char *
path_column_name(Columns *columns, const char *begin, const char *name, size_t len, bool is_last)
{
    IdcArena *arena = columns->openapi->arena;
    const char *path = columns->operation->path;
    char *plain = idc_arena_strndup(arena, name, len);
    const char *end = begin, *start;

    if (plain == NULL)
        return NULL;
    if (is_last || !is_general(name, len) || !has_property(columns, plain))
        return idc_openapi_name(arena, plain);
    while (end > path && end[-1] == '/')
        end--;
    start = end;
    while (start > path && start[-1] != '/')
        start--;
    plain = idc_arena_printf(arena, "%.*s_%.*s", (int) (end - start), start, (int) len, name);
    return plain != NULL ? idc_openapi_name(arena, plain) : NULL;
}

static const IdcNode *
find_param(const Columns *columns, const char *in, const char *name, size_t len)
{
    for (size_t i = 0; i < columns->param_count; i++) {
        const char *found = idc_node_text(columns->params[i], "name");

        if (idc_node_is(columns->params[i], "in", in) && strlen(found) == len &&
            memcmp(found, name, len) == 0)
            return columns->params[i];
    }
    return NULL;
}

static bool
is_plain_name(const char *name)
{
    if (!isalpha((unsigned char) name[0]) && name[0] != '_')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char) *c) && *c != '_')
            return false;
    return true;
}

/*
 * The path with the columns' names for its parameters. A column is added for each that rows do not
 * hold; a name that a row holds too is the same thing, since general ones got another name.
 */
static bool
write_endpoint(Columns *columns, IdcText *endpoint)
{
    const char *at = columns->operation->path, *written = at, *begin, *name;
    size_t len;

    while (idc_rest_placeholder_next(&at, &begin, &name, &len)) {
        char *ours = path_column_name(columns, begin, name, len, *at == '\0');
        const IdcNode *param = find_param(columns, "path", name, len);
        const IdcNode *schema = param != NULL ? param_schema(columns, param) : NULL;
        Made *made;

        if (ours == NULL || !is_plain_name(ours))
            return false;
        if (!has_property(columns, ours)) {
            made = add(columns, ours, schema);
            if (made == NULL)
                return false;
            if (schema == NULL || strcmp(made->type, "jsonb") == 0)
                made->type = "text";
            made->is_not_null = true;
            ours = (char *) made->name;
        }
        idc_text_append_len(endpoint, written, (size_t) (begin - written));
        idc_text_append_format(endpoint, "{%s}", ours);
        written = at;
    }
    idc_text_append(endpoint, written);
    return strchr(written, '{') == NULL;
}

/* ---- the query ---- */

/* status_gte -> status and param_ge. */
static Made *
find_range(Columns *columns, const char *name, const char **use)
{
    static const char *const ends[][2] = { { "_gte", "param_ge" },  { "_gt", "param_gt" },
                                           { "_lte", "param_le" },  { "_lt", "param_lt" },
                                           { "[gte]", "param_ge" }, { "[gt]", "param_gt" },
                                           { "[lte]", "param_le" }, { "[lt]", "param_lt" } };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end_len = strlen(ends[i][0]);
        char *stem;

        if (len <= end_len || strcmp(name + len - end_len, ends[i][0]) != 0)
            continue;
        stem = idc_arena_strndup(columns->openapi->arena, name, len - end_len);
        *use = ends[i][1];
        return stem != NULL ? find_column(columns, stem) : NULL;
    }
    return NULL;
}

/* ids -> id. */
static Made *
find_singular(Columns *columns, const char *name)
{
    size_t len = strlen(name);
    char *stem;

    if (len < 2 || (name[len - 1] != 's' && strcmp(name + len - 2, "[]") != 0))
        return NULL;
    stem = idc_arena_strndup(columns->openapi->arena, name, len - (name[len - 1] == 's' ? 1 : 2));
    return stem != NULL ? find_column(columns, stem) : NULL;
}

static bool
is_repeated(const Columns *columns, const IdcNode *param)
{
    const char *explode = idc_node_text(param, "explode");

    if (columns->openapi->is_swagger)
        return idc_node_is(param, "collectionFormat", "multi");
    if (explode != NULL)
        return strcmp(explode, "true") == 0;
    return idc_node_text(param, "style") == NULL || idc_node_is(param, "style", "form");
}

static void
add_list_param(Columns *columns, const IdcNode *param, const char *name)
{
    Made *made = find_column(columns, name);

    if (made == NULL)
        made = find_singular(columns, name);
    if (made == NULL || !idc_openapi_is_scalar(columns->openapi, made->schema))
        return;
    option(columns, made, "param_in", name);
    if (is_repeated(columns, param))
        option(columns, made, "in_style", "repeat");
}

static void
add_query_param(Columns *columns, const IdcNode *param)
{
    const char *name = idc_node_text(param, "name"), *use = "param";
    const IdcNode *schema = param_schema(columns, param);
    bool is_list = strcmp(idc_openapi_type(columns->openapi, schema), "array") == 0;
    bool is_required = idc_node_is_true(param, "required");
    Made *made;

    if (is_list && !is_required) {
        add_list_param(columns, param, name);
        return;
    }
    made = find_column(columns, name);
    if (made == NULL && !is_required)
        made = find_range(columns, name, &use);
    if (made != NULL && idc_openapi_is_scalar(columns->openapi, made->schema)) {
        option(columns, made, use, name);
        if (is_required)
            option(columns, made, "required", "true");
        return;
    }
    if (!is_required)
        return;
    made = add(columns, idc_openapi_name(columns->openapi->arena, name), schema);
    if (made == NULL)
        return;
    if (strcmp(made->type, "jsonb") == 0)
        made->type = "text";
    option(columns, made, "param", name);
    option(columns, made, "from_request", "true");
}

static void
add_query(Columns *columns, IdcOpenapiPaging *paging)
{
    for (size_t i = 0; i < columns->param_count; i++)
        if (idc_node_is(columns->params[i], "in", "query") &&
            !idc_openapi_paging_take(columns->openapi, columns->params[i], paging))
            add_query_param(columns, columns->params[i]);
}

/* ---- all together ---- */

static IdcStatus
copy_out(Columns *columns, const IdcImportedColumn **out, size_t *count, IdcError *err)
{
    IdcImportedColumn *copies =
        idc_arena_alloc_array(columns->openapi->arena, columns->count + 1, sizeof *copies);

    if (copies == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < columns->count; i++) {
        const Made *made = &columns->made[i];

        copies[i] = (IdcImportedColumn){
            .name = made->name,
            .type = made->type,
            .is_not_null = made->is_not_null,
            .comment = made->comment,
            .options = { .items = made->options.items, .count = made->options.count },
        };
    }
    *out = copies;
    *count = columns->count;
    return IDC_OK;
}

IdcStatus
idc_openapi_columns(IdcOpenapi *openapi, const IdcOpenapiOperation *operation,
                    IdcOpenapiPaging *paging, const char **endpoint, const IdcImportedColumn **out,
                    size_t *count, IdcError *err)
{
    Columns *columns = calloc(1, sizeof *columns);
    IdcText text;
    IdcStatus status;

    if (columns == NULL)
        return idc_fail_no_memory(err);
    columns->openapi = openapi;
    columns->operation = operation;
    collect_params(columns, idc_node_get(operation->operation, "parameters"));
    collect_params(columns, idc_node_get(operation->path_item, "parameters"));
    columns->property_count = idc_openapi_properties(openapi, operation->row, columns->properties);
    idc_text_init(&text, 0);
    *endpoint = NULL;
    if (write_endpoint(columns, &text) &&
        idc_rest_endpoint_check("endpoint", idc_text_string(&text), NULL) == IDC_OK)
        *endpoint = idc_arena_strdup(openapi->arena, idc_text_string(&text));
    idc_text_done(&text);
    add_properties(columns);
    add_query(columns, paging);
    status =
        openapi->is_out_of_memory ? idc_fail_no_memory(err) : copy_out(columns, out, count, err);
    free(columns);
    return status;
}
