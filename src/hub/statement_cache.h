/*
 * statement_cache.h - what a connection remembers of the statements that it ran.
 *
 * In:   SQL, the types of its parameters, how numerics are wanted
 * Out:  an IdcStatement: its description, its name on the server, how many rows it gave last
 * Next: hub/result_open.c decides by it which way the statement takes, and saves a round trip
 *
 * A description is used again only together with the server's own prepared statement of the same
 * SQL: the server refuses to run that once its columns changed (idc_statement_is_stale), so rows
 * are never read with an old description.
 */
#ifndef IDC_HUB_STATEMENT_CACHE_H
#define IDC_HUB_STATEMENT_CACHE_H

#include <stdatomic.h>

#include "hub/describe.h"

enum { IDC_STATEMENT_CACHE_SIZE = 128, IDC_STATEMENT_NAME_SIZE = 48 };

/* A result of at most so many rows is small: it is not worth a COPY. */
enum { IDC_SMALL_RESULT_ROWS = 1000 };

/*
 * Counted: the cache and each result that reads with the description hold it. Only the thread that
 * has the connection changes it; arena, key and description stay as they are once rows are read
 * with it. A name is "" as long as the server has no such statement.
 */
typedef struct IdcStatement {
    atomic_int reference_count;
    IdcArena *arena;
    uint64_t hash, last_use;
    const char *sql;
    const uint32_t *types;
    size_t parameter_count;
    IdcNumericMode numeric;
    IdcDescription description;
    bool is_as_text;       /* all columns are sent as text, see idc_describe_as_text */
    bool is_copy_refused;  /* COPY (…) does not take it */
    bool is_arrow_refused; /* the hub's extension does not take it */
    int64_t last_rows;     /* of the last complete run; -1: there was none */
    int small_runs;        /* how many of the last runs gave few rows */
    char name[IDC_STATEMENT_NAME_SIZE];
    char wrapped_name[IDC_STATEMENT_NAME_SIZE]; /* with the wrap that its columns need */
} IdcStatement;

typedef struct IdcStatementCache IdcStatementCache;

/* Belongs to one connection. */
IDC_CHECKED IdcStatus idc_statement_cache_new(IdcStatementCache **cache, IdcError *err);
void idc_statement_cache_free(IdcStatementCache *cache);

/* Reference count 1, not described. */
IDC_CHECKED IdcStatus idc_statement_new(const char *sql, const IdcSqlParameter *parameters,
                                        size_t parameter_count, IdcNumericMode numeric,
                                        IdcStatement **statement, IdcError *err);
IdcStatement *idc_statement_hold(IdcStatement *statement);
void idc_statement_free(IdcStatement *statement);

/* It ran to its end. */
void idc_statement_note_rows(IdcStatement *statement, int64_t rows);

/* NULL if there is none; borrowed until the cache changes. */
IdcStatement *idc_statement_cache_find(IdcStatementCache *cache, const char *sql,
                                       const IdcSqlParameter *parameters, size_t parameter_count,
                                       IdcNumericMode numeric);

/* Holds it, instead of one with the same key or, when full, of the one unused for longest. */
void idc_statement_cache_keep(IdcStatementCache *cache, IdcStatement *statement);

/* The statement is not found any more. */
void idc_statement_cache_forget(IdcStatementCache *cache, IdcStatement *statement);

/* The server has none of the statements any more. */
void idc_statement_cache_clear(IdcStatementCache *cache);

/*
 * A name that no session of the server has, also behind a pooler that shares sessions; "" if names
 * are of no use here since the server loses them.
 */
void idc_statement_cache_name(IdcStatementCache *cache, char name[IDC_STATEMENT_NAME_SIZE]);

bool idc_statement_cache_has_names(const IdcStatementCache *cache);

/* The server did not know a name that it was given. */
void idc_statement_cache_note_loss(IdcStatementCache *cache);

/*
 * Tell the server, when there are many, which statements the cache forgot. Only outside a
 * transaction, between statements.
 */
IDC_CHECKED IdcStatus idc_statement_cache_sweep(IdcStatementCache *cache, IdcConn *conn,
                                                IdcCall *call, IdcError *err);

/* Was the error raised in a query or function that the statement called, and not for itself? */
bool idc_statement_failed_below(const PGresult *failed);

/*
 * Did the server refuse a prepared statement since it or its columns are not there any more? Then
 * it was not executed.
 */
bool idc_statement_is_stale(const PGresult *failed);

#endif
