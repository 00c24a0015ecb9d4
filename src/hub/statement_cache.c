/*
 * statement_cache.c - a short list, searched from its beginning; the oldest one makes room.
 */
#include "hub/statement_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hub/conn_private.h"

/* Longer SQL is not kept: it is rarely run twice, and its memory is. */
#define SQL_BYTES_MAX 16384
/* Forgotten names are told to the server so many at a time. */
#define SWEEP_COUNT 32
/* A pooler that shares sessions loses names; then they only cost. */
#define LOSSES_MAX 3

struct IdcStatementCache {
    IdcStatement *items[IDC_STATEMENT_CACHE_SIZE];
    size_t count;
    uint64_t clock, name_count;
    uint64_t secret; /* makes names differ from those of other sessions */
    int losses;
    char (*forgotten)[IDC_STATEMENT_NAME_SIZE];
    size_t forgotten_count, forgotten_capacity;
};

IdcStatus
idc_statement_cache_new(IdcStatementCache **cache, IdcError *err)
{
    IdcStatementCache *made = calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    if (getrandom(&made->secret, sizeof made->secret, 0) != (ssize_t) sizeof made->secret)
        made->losses = LOSSES_MAX;
    *cache = made;
    return IDC_OK;
}

void
idc_statement_cache_free(IdcStatementCache *cache)
{
    if (cache == NULL)
        return;
    idc_statement_cache_clear(cache);
    free(cache->forgotten);
    free(cache);
}

/* FNV-1a, 64 bits. */
static uint64_t
hash_add(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}

static uint64_t
hash_of(const char *sql, const IdcSqlParameter *parameters, size_t parameter_count,
        IdcNumericMode numeric)
{
    uint64_t hash = hash_add(0xcbf29ce484222325, sql, strlen(sql));

    for (size_t i = 0; i < parameter_count; i++)
        hash = hash_add(hash, &parameters[i].type_oid, sizeof parameters[i].type_oid);
    return hash_add(hash, &numeric, sizeof numeric);
}

IdcStatus
idc_statement_new(const char *sql, const IdcSqlParameter *parameters, size_t parameter_count,
                  IdcNumericMode numeric, IdcStatement **statement, IdcError *err)
{
    IdcStatement *made = calloc(1, sizeof *made);
    uint32_t *types = NULL;

    if (made == NULL)
        return idc_fail_no_memory(err);
    atomic_init(&made->reference_count, 1);
    made->arena = idc_arena_new(0);
    if (made->arena != NULL) {
        made->sql = idc_arena_strdup(made->arena, sql);
        types = idc_arena_alloc_array(made->arena, parameter_count + 1, sizeof *types);
    }
    if (made->sql == NULL || types == NULL) {
        idc_statement_free(made);
        return idc_fail_no_memory(err);
    }
    for (size_t i = 0; i < parameter_count; i++)
        types[i] = parameters[i].type_oid;
    made->types = types;
    made->parameter_count = parameter_count;
    made->numeric = numeric;
    made->hash = hash_of(sql, parameters, parameter_count, numeric);
    made->last_rows = -1;
    *statement = made;
    return IDC_OK;
}

IdcStatement *
idc_statement_hold(IdcStatement *statement)
{
    atomic_fetch_add(&statement->reference_count, 1);
    return statement;
}

void
idc_statement_free(IdcStatement *statement)
{
    if (statement == NULL || atomic_fetch_sub(&statement->reference_count, 1) > 1)
        return;
    idc_arena_free(statement->arena);
    free(statement);
}

void
idc_statement_note_rows(IdcStatement *statement, int64_t rows)
{
    statement->last_rows = rows;
    statement->small_runs = rows > IDC_SMALL_RESULT_ROWS ? 0 : statement->small_runs + 1;
}

static bool
is_same(const IdcStatement *statement, const char *sql, const IdcSqlParameter *parameters,
        size_t parameter_count, IdcNumericMode numeric)
{
    if (statement->parameter_count != parameter_count || statement->numeric != numeric)
        return false;
    for (size_t i = 0; i < parameter_count; i++)
        if (statement->types[i] != parameters[i].type_oid)
            return false;
    return strcmp(statement->sql, sql) == 0;
}

IdcStatement *
idc_statement_cache_find(IdcStatementCache *cache, const char *sql,
                         const IdcSqlParameter *parameters, size_t parameter_count,
                         IdcNumericMode numeric)
{
    uint64_t hash = hash_of(sql, parameters, parameter_count, numeric);

    for (size_t i = 0; i < cache->count; i++) {
        IdcStatement *statement = cache->items[i];

        if (statement->hash == hash &&
            is_same(statement, sql, parameters, parameter_count, numeric)) {
            statement->last_use = ++cache->clock;
            return statement;
        }
    }
    return NULL;
}

/* A name that cannot be remembered stays on the server until the session ends. */
static void
forget_name(IdcStatementCache *cache, const char *name)
{
    if (name[0] == '\0')
        return;
    if (cache->forgotten_count == cache->forgotten_capacity) {
        size_t capacity =
            cache->forgotten_capacity == 0 ? SWEEP_COUNT * 2 : cache->forgotten_capacity * 2;
        void *grown = realloc(cache->forgotten, capacity * sizeof *cache->forgotten);

        if (grown == NULL)
            return;
        cache->forgotten = grown;
        cache->forgotten_capacity = capacity;
    }
    (void) snprintf(cache->forgotten[cache->forgotten_count++], IDC_STATEMENT_NAME_SIZE, "%s",
                    name);
}

static void
remove_at(IdcStatementCache *cache, size_t position)
{
    IdcStatement *statement = cache->items[position];

    cache->items[position] = cache->items[--cache->count];
    forget_name(cache, statement->name);
    forget_name(cache, statement->wrapped_name);
    idc_statement_free(statement);
}

void
idc_statement_cache_forget(IdcStatementCache *cache, IdcStatement *statement)
{
    for (size_t i = 0; i < cache->count; i++)
        if (cache->items[i] == statement) {
            remove_at(cache, i);
            return;
        }
}

void
idc_statement_cache_keep(IdcStatementCache *cache, IdcStatement *statement)
{
    size_t oldest = 0;

    if (strlen(statement->sql) > SQL_BYTES_MAX) {
        forget_name(cache, statement->name);
        return;
    }
    for (size_t i = 0; i < cache->count; i++) {
        const IdcStatement *other = cache->items[i];

        if (other->hash == statement->hash &&
            other->parameter_count == statement->parameter_count &&
            other->numeric == statement->numeric && strcmp(other->sql, statement->sql) == 0 &&
            memcmp(other->types, statement->types, other->parameter_count * sizeof *other->types) ==
                0) {
            remove_at(cache, i);
            break;
        }
    }
    if (cache->count == IDC_STATEMENT_CACHE_SIZE) {
        for (size_t i = 1; i < cache->count; i++)
            if (cache->items[i]->last_use < cache->items[oldest]->last_use)
                oldest = i;
        remove_at(cache, oldest);
    }
    statement->last_use = ++cache->clock;
    cache->items[cache->count++] = idc_statement_hold(statement);
}

void
idc_statement_cache_clear(IdcStatementCache *cache)
{
    while (cache->count > 0)
        remove_at(cache, cache->count - 1);
    cache->forgotten_count = 0;
}

bool
idc_statement_cache_has_names(const IdcStatementCache *cache)
{
    return cache->losses < LOSSES_MAX;
}

void
idc_statement_cache_name(IdcStatementCache *cache, char name[IDC_STATEMENT_NAME_SIZE])
{
    name[0] = '\0';
    if (idc_statement_cache_has_names(cache))
        (void) snprintf(name, IDC_STATEMENT_NAME_SIZE, "instant_%016llx_%llu",
                        (unsigned long long) cache->secret,
                        (unsigned long long) ++cache->name_count);
}

void
idc_statement_cache_note_loss(IdcStatementCache *cache)
{
    cache->losses++;
}

IdcStatus
idc_statement_cache_sweep(IdcStatementCache *cache, IdcConn *conn, IdcCall *call, IdcError *err)
{
    bool was_dirty = conn->is_dirty;
    IdcText sql;
    IdcStatus status;

    if (cache->forgotten_count < SWEEP_COUNT || PQtransactionStatus(conn->libpq) != PQTRANS_IDLE)
        return IDC_OK;
    idc_text_init(&sql, 0);
    for (size_t i = 0; i < cache->forgotten_count; i++)
        idc_text_append_format(&sql, "DEALLOCATE %s;", cache->forgotten[i]);
    cache->forgotten_count = 0;
    status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_conn_execute(conn, call, idc_text_string(&sql), err);
    idc_text_done(&sql);
    /* That the server has lost one already is as good. */
    if (status == IDC_QUERY_FAILED && idc_conn_is_usable(conn))
        status = IDC_OK;
    conn->is_dirty = was_dirty;
    return status;
}

/* Functions, and the extension around its query, add a context; the statement itself has none. */
bool
idc_statement_failed_below(const PGresult *failed)
{
    const char *context = PQresultErrorField(failed, PG_DIAG_CONTEXT);

    return context != NULL && context[0] != '\0';
}

bool
idc_statement_is_stale(const PGresult *failed)
{
    const char *sqlstate = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(failed, PG_DIAG_SOURCE_FUNCTION);

    if (sqlstate == NULL || idc_statement_failed_below(failed))
        return false;
    /* "cached plan must not change result type", in whatever language. */
    if (strcmp(sqlstate, "0A000") == 0)
        return function != NULL && strcmp(function, "RevalidateCachedQuery") == 0;
    return strcmp(sqlstate, "26000") == 0;
}
