/*
 * headers.c - the headers of each request of a table.
 */
#include "adapters/rest/work.h"

#include <string.h>
#include <strings.h>

typedef struct Headers {
    IdcArena *arena;
    IdcHttpHeader *items;
    size_t count, capacity;
} Headers;

static size_t
count_pairs(const char *json)
{
    IdcRestPairs pairs;
    size_t count = 0;

    if (json == NULL)
        return 0;
    idc_rest_pairs_init(&pairs, json);
    while (idc_rest_pairs_next(&pairs) == 1)
        count++;
    idc_rest_pairs_done(&pairs);
    return count;
}

/* A header of the table replaces the server's. */
static bool
set(Headers *headers, const char *name, const char *value)
{
    size_t i = 0;

    while (i < headers->count && strcasecmp(headers->items[i].name, name) != 0)
        i++;
    headers->items[i].name = idc_arena_strdup(headers->arena, name);
    headers->items[i].value = idc_arena_strdup(headers->arena, value);
    if (i == headers->count)
        headers->count++;
    return headers->items[i].name != NULL && headers->items[i].value != NULL;
}

static bool
set_all(Headers *headers, const char *json)
{
    IdcRestPairs pairs;
    bool is_set = true;

    if (json == NULL)
        return true;
    idc_rest_pairs_init(&pairs, json);
    while (is_set && idc_rest_pairs_next(&pairs) == 1)
        is_set = set(headers, idc_text_string(&pairs.name), idc_text_string(&pairs.value));
    idc_rest_pairs_done(&pairs);
    return is_set;
}

IdcStatus
idc_rest_headers(IdcArena *arena, const IdcOptionSet *server_options, const IdcOptionSet *options,
                 const IdcHttpHeader **headers, size_t *count, IdcError *err)
{
    const char *server_json = idc_option_value(server_options, "headers");
    const char *json = idc_option_value(options, "headers");
    const char *format = idc_rest_option(server_options, options, "format");
    const char *accept = "application/json";
    Headers made = { .arena = arena };

    if (strcmp(format, "csv") == 0)
        accept = "text/csv";
    else if (strcmp(format, "ndjson") == 0)
        accept = "application/x-ndjson, application/jsonl, application/json-seq";
    made.items = idc_arena_alloc_array(arena, count_pairs(server_json) + count_pairs(json) + 1,
                                       sizeof *made.items);
    if (made.items == NULL || !set(&made, "Accept", accept) || !set_all(&made, server_json) ||
        !set_all(&made, json))
        return idc_fail_no_memory(err);
    *headers = made.items;
    *count = made.count;
    return IDC_OK;
}
