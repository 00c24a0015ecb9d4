/*
 * openapi_schema.c - schemas: references, what is put together, and types.
 */
#include "adapters/rest/openapi.h"

#include <stdlib.h>
#include <string.h>

/* One step of a JSON Pointer: ~1 is /, ~0 is ~, and %XX as in URLs. */
static bool
read_step(const char *at, size_t len, char *step, size_t size)
{
    size_t made = 0;

    for (size_t i = 0; i < len; i++) {
        char c = at[i], hex[3] = { 0 };

        if (made + 1 >= size)
            return false;
        if (c == '~' && i + 1 < len && (at[i + 1] == '0' || at[i + 1] == '1')) {
            c = at[++i] == '0' ? '~' : '/';
        } else if (c == '%' && i + 2 < len && strspn(at + i + 1, "0123456789abcdefABCDEF") >= 2) {
            memcpy(hex, at + i + 1, 2);
            c = (char) strtol(hex, NULL, 16);
            i += 2;
        }
        step[made++] = c;
    }
    step[made] = '\0';
    return true;
}

/* "#/components/schemas/User"; other documents are not fetched. */
static const IdcNode *
follow(const IdcOpenapi *openapi, const char *reference)
{
    const IdcNode *node = openapi->root;
    char step[512];

    if (strncmp(reference, "#/", 2) != 0)
        return NULL;
    for (const char *at = reference + 2; node != NULL; at++) {
        size_t len = strcspn(at, "/");

        if (!read_step(at, len, step, sizeof step))
            return NULL;
        node = idc_node_get(node, step);
        at += len;
        if (*at == '\0')
            break;
    }
    return node;
}

const IdcNode *
idc_openapi_resolve(const IdcOpenapi *openapi, const IdcNode *node)
{
    for (int i = 0; i < IDC_OPENAPI_MAX_REFS && node != NULL; i++) {
        const char *reference = idc_node_text(node, "$ref");

        if (reference == NULL)
            return node;
        node = follow(openapi, reference);
    }
    return NULL;
}

/* ---- properties ---- */

typedef struct Properties {
    const IdcOpenapi *openapi;
    IdcOpenapiProperty *items;
    size_t count;
    int visited; /* schemas, so that circles of allOf end */
} Properties;

static void
add_property(Properties *properties, const IdcNode *property)
{
    for (size_t i = 0; i < properties->count; i++)
        if (strcmp(properties->items[i].name, property->key) == 0)
            return;
    if (properties->count < IDC_OPENAPI_MAX_COLUMNS)
        properties->items[properties->count++] = (IdcOpenapiProperty){
            .name = property->key,
            .schema = idc_openapi_resolve(properties->openapi, property),
        };
}

static void
collect(Properties *properties, const IdcNode *schema, int depth)
{
    static const char *const parts[] = { "allOf", "oneOf", "anyOf" };
    const IdcNode *own;

    schema = idc_openapi_resolve(properties->openapi, schema);
    if (schema == NULL || depth > IDC_OPENAPI_MAX_REFS ||
        properties->visited++ > 20 * IDC_OPENAPI_MAX_COLUMNS)
        return;
    own = idc_node_get(schema, "properties");
    if (idc_node_is_map(own))
        for (const IdcNode *item = own->first; item != NULL; item = item->next)
            add_property(properties, item);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const IdcNode *list = idc_node_get(schema, parts[i]);

        if (idc_node_is_list(list))
            for (const IdcNode *item = list->first; item != NULL; item = item->next)
                collect(properties, item, depth + 1);
    }
}

size_t
idc_openapi_properties(const IdcOpenapi *openapi, const IdcNode *schema,
                       IdcOpenapiProperty *properties)
{
    Properties made = { .openapi = openapi, .items = properties };

    collect(&made, schema, 0);
    return made.count;
}

/* ---- types ---- */

/* The one schema beside null in anyOf or oneOf, or the one of allOf; else schema. */
static const IdcNode *
look_through(const IdcOpenapi *openapi, const IdcNode *schema)
{
    static const char *const parts[] = { "allOf", "oneOf", "anyOf" };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const IdcNode *list = idc_node_get(schema, parts[i]), *found = NULL;
        size_t count = 0;

        if (!idc_node_is_list(list) || idc_node_get(schema, "type") != NULL)
            continue;
        for (const IdcNode *item = list->first; item != NULL; item = item->next) {
            const IdcNode *resolved = idc_openapi_resolve(openapi, item);

            if (resolved == NULL || idc_node_is(resolved, "type", "null"))
                continue;
            found = resolved;
            count++;
        }
        if (count == 1)
            return found;
    }
    return schema;
}

const char *
idc_openapi_type(const IdcOpenapi *openapi, const IdcNode *schema)
{
    const IdcNode *type;

    schema = idc_openapi_resolve(openapi, schema);
    if (schema != NULL)
        schema = look_through(openapi, schema);
    type = idc_node_get(schema, "type");
    if (type != NULL && type->kind == IDC_NODE_SCALAR)
        return type->text;
    if (idc_node_is_list(type)) {
        const char *found = "";

        for (const IdcNode *item = type->first; item != NULL; item = item->next) {
            if (item->kind != IDC_NODE_SCALAR || strcmp(item->text, "null") == 0)
                continue;
            if (*found != '\0')
                return ""; /* several: anything */
            found = item->text;
        }
        return found;
    }
    if (idc_node_get(schema, "properties") != NULL || idc_node_get(schema, "allOf") != NULL)
        return "object";
    return idc_node_get(schema, "items") != NULL ? "array" : "";
}

static const char *
text_type(const IdcNode *schema)
{
    const char *format = idc_node_text(schema, "format");

    if (format == NULL)
        return "text";
    if (strcmp(format, "date-time") == 0)
        return "timestamp with time zone";
    if (strcmp(format, "date") == 0)
        return "date";
    if (strcmp(format, "uuid") == 0)
        return "uuid";
    return strcmp(format, "byte") == 0 ? "bytea" : "text";
}

const char *
idc_openapi_sql_type(const IdcOpenapi *openapi, const IdcNode *schema)
{
    const char *type = idc_openapi_type(openapi, schema);

    schema = idc_openapi_resolve(openapi, schema);
    if (schema != NULL)
        schema = look_through(openapi, schema);
    if (strcmp(type, "integer") == 0)
        return idc_node_is(schema, "format", "int32") ? "integer" : "bigint";
    if (strcmp(type, "number") == 0) {
        if (idc_node_is(schema, "format", "double"))
            return "double precision";
        return idc_node_is(schema, "format", "float") ? "real" : "numeric";
    }
    if (strcmp(type, "boolean") == 0)
        return "boolean";
    return strcmp(type, "string") == 0 ? text_type(schema) : "jsonb";
}

bool
idc_openapi_is_scalar(const IdcOpenapi *openapi, const IdcNode *schema)
{
    return strcmp(idc_openapi_sql_type(openapi, schema), "jsonb") != 0;
}
