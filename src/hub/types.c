/*
 * types.c - a table of the types that every server has, and a cache of the others.
 *
 * OIDs: PostgreSQL 15, src/include/catalog/pg_type.dat; they never change.
 */
#include "hub/types.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

struct IdcTypeCache {
    IdcArena *arena;
    IdcTypeInfo **items;
    size_t count, capacity;
};

#define SCALAR(number, text)                                                                       \
    {                                                                                              \
        .type = {.oid = number, .kind = 'b', .base_modifier = -1, .name = text, .extension = "" }  \
    }
#define ARRAY(number, of)                                                                          \
    {                                                                                              \
        .type = {                                                                                  \
            .oid = number,                                                                         \
            .element = of,                                                                         \
            .kind = 'b',                                                                           \
            .base_modifier = -1,                                                                   \
            .name = "",                                                                            \
            .extension = ""                                                                        \
        }                                                                                          \
    }

static const IdcTypeInfo built_in[] = {
    SCALAR(16, "bool"),
    SCALAR(17, "bytea"),
    SCALAR(18, "char"),
    SCALAR(19, "name"),
    SCALAR(20, "int8"),
    SCALAR(21, "int2"),
    SCALAR(23, "int4"),
    SCALAR(25, "text"),
    SCALAR(26, "oid"),
    SCALAR(114, "json"),
    SCALAR(142, "xml"),
    SCALAR(700, "float4"),
    SCALAR(701, "float8"),
    SCALAR(1042, "bpchar"),
    SCALAR(1043, "varchar"),
    SCALAR(1082, "date"),
    SCALAR(1083, "time"),
    SCALAR(1114, "timestamp"),
    SCALAR(1184, "timestamptz"),
    SCALAR(1186, "interval"),
    SCALAR(1700, "numeric"),
    SCALAR(2950, "uuid"),
    SCALAR(3802, "jsonb"),
    ARRAY(1000, 16),
    ARRAY(1001, 17),
    ARRAY(1005, 21),
    ARRAY(1007, 23),
    ARRAY(1016, 20),
    ARRAY(1009, 25),
    ARRAY(1015, 1043),
    ARRAY(1021, 700),
    ARRAY(1022, 701),
    ARRAY(1115, 1114),
    ARRAY(1182, 1082),
    ARRAY(1185, 1184),
    ARRAY(1231, 1700),
    ARRAY(2951, 2950),
};

IdcTypeCache *
idc_type_cache_new(void)
{
    IdcTypeCache *cache = calloc(1, sizeof *cache);

    if (cache != NULL && (cache->arena = idc_arena_new(0)) == NULL) {
        free(cache);
        return NULL;
    }
    return cache;
}

void
idc_type_cache_free(IdcTypeCache *cache)
{
    if (cache == NULL)
        return;
    idc_arena_free(cache->arena);
    free(cache->items);
    free(cache);
}

const IdcTypeInfo *
idc_type_find(const IdcTypeCache *cache, uint32_t oid)
{
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
        if (built_in[i].type.oid == oid)
            return &built_in[i];
    for (size_t i = 0; i < cache->count; i++)
        if (cache->items[i]->type.oid == oid)
            return cache->items[i];
    return NULL;
}

static IdcStatus
cache_add(IdcTypeCache *cache, IdcTypeInfo *info, IdcError *err)
{
    if (cache->count == cache->capacity) {
        size_t capacity = cache->capacity == 0 ? 16 : cache->capacity * 2;
        IdcTypeInfo **items = realloc(cache->items, capacity * sizeof(IdcTypeInfo *));

        if (items == NULL)
            return idc_fail_no_memory(err);
        cache->items = items;
        cache->capacity = capacity;
    }
    cache->items[cache->count++] = info;
    return IDC_OK;
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* Labels come as hexadecimal bytes with commas between them, since they may hold anything. */
static IdcStatus
read_labels(IdcTypeCache *cache, const char *text, IdcTypeInfo *info, IdcError *err)
{
    size_t count = 1;
    const char **labels;

    for (const char *at = text; *at != '\0'; at++)
        count += *at == ',';
    labels = idc_arena_alloc_array(cache->arena, count, sizeof *labels);
    for (size_t i = 0; i < count && labels != NULL; i++) {
        size_t len = strcspn(text, ",");
        char *label = idc_arena_alloc(cache->arena, len / 2 + 1);

        if (label == NULL)
            return idc_fail_no_memory(err);
        for (size_t j = 0; j < len / 2; j++)
            label[j] = (char) (hex_digit(text[2 * j]) * 16 + hex_digit(text[2 * j + 1]));
        labels[i] = label;
        text += len + (text[len] == ',');
    }
    if (labels == NULL)
        return idc_fail_no_memory(err);
    info->labels = labels;
    info->label_count = count;
    return IDC_OK;
}

static uint32_t
read_oid(const char *text)
{
    int64_t number = 0;

    return text != NULL && idc_int64_parse(text, &number) ? (uint32_t) number : 0;
}

static IdcStatus
read_type(IdcTypeCache *cache, const char *const *row, IdcError *err)
{
    IdcTypeInfo *info = idc_arena_alloc(cache->arena, sizeof *info);
    int64_t modifier = -1;

    if (info == NULL)
        return idc_fail_no_memory(err);
    (void) idc_int64_parse(row[4], &modifier);
    info->type.oid = read_oid(row[0]);
    info->type.kind = row[1][0];
    info->type.element = read_oid(row[2]);
    info->type.base = read_oid(row[3]);
    info->type.base_modifier = (int32_t) modifier;
    info->type.name = idc_arena_strdup(cache->arena, row[5]);
    info->type.extension = idc_arena_strdup(cache->arena, row[6] != NULL ? row[6] : "");
    if (info->type.name == NULL || info->type.extension == NULL)
        return idc_fail_no_memory(err);
    if (row[7] != NULL && read_labels(cache, row[7], info, err) != IDC_OK)
        return IDC_NO_MEMORY;
    return idc_type_find(cache, info->type.oid) == NULL ? cache_add(cache, info, err) : IDC_OK;
}

/* Vectors (22, 30) look like arrays but begin at 0 and print with blanks: they are no arrays here.
 */
static const char look_up_sql[] =
    "WITH RECURSIVE wanted(oid) AS ("
    " SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION"
    " SELECT part.oid FROM wanted JOIN pg_catalog.pg_type t ON t.oid = wanted.oid"
    " CROSS JOIN LATERAL (VALUES (CASE WHEN t.typlen = -1 THEN t.typelem ELSE 0 END), "
    "(t.typbasetype)) part(oid)"
    " WHERE part.oid <> 0)"
    "SELECT t.oid, t.typtype, CASE WHEN t.typlen = -1 AND t.oid NOT IN (22, 30) THEN t.typelem "
    "ELSE 0 END,"
    " t.typbasetype, t.typtypmod, t.typname,"
    " (SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = "
    "d.refobjid"
    "  WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND "
    "d.deptype = 'e'"
    "  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1),"
    " CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.string_agg(pg_catalog.encode("
    "  pg_catalog.convert_to(l.enumlabel, 'UTF8'), 'hex'), ',' ORDER BY l.enumsortorder)"
    "  FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) END"
    " FROM wanted JOIN pg_catalog.pg_type t ON t.oid = wanted.oid";

IdcStatus
idc_type_look_up(IdcTypeCache *cache, IdcConn *conn, IdcCall *call, const uint32_t *oids,
                 size_t count, IdcError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcTextRows rows = { 0 };
    IdcText list;
    const char *parameter;
    IdcStatus status;

    idc_text_init(&list, 0);
    for (size_t i = 0; i < count; i++)
        idc_text_append_format(&list, "%c%lu", i == 0 ? '{' : ',', (unsigned long) oids[i]);
    idc_text_append(&list, count == 0 ? "{}" : "}");
    status = arena == NULL ? idc_fail_no_memory(err) : idc_text_check(&list, err);
    parameter = idc_text_string(&list);
    if (status == IDC_OK)
        status = idc_conn_query(conn, call, arena, look_up_sql, &parameter, 1, &rows, err);
    for (size_t i = 0; i < rows.row_count && status == IDC_OK; i++)
        status = read_type(cache, rows.values + i * rows.column_count, err);
    idc_text_done(&list);
    idc_arena_free(arena);
    return status;
}
