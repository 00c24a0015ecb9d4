/*
 * result_private.h - what result.c (a result's life), result_open.c (starting), result_extended.c
 * (the extended protocol), result_arrow.c (the hub's extension) and result_read.c (rows) share.
 */
#ifndef IDC_HUB_RESULT_PRIVATE_H
#define IDC_HUB_RESULT_PRIVATE_H

#include <pthread.h>

#include "arrow/copy_reader.h"
#include "arrow/ipc.h"
#include "hub/result.h"
#include "hub/statement_cache.h"

typedef enum ResultMode {
    RESULT_COPY,  /* COPY … TO STDOUT (FORMAT binary) is running */
    RESULT_ROWS,  /* single-row mode; first holds what was read while starting */
    RESULT_ARROW, /* single-row mode too, each row a piece of an Arrow IPC stream */
    RESULT_ENDED, /* nothing more comes from the server */
    RESULT_GIVEN, /* a stream that was there already */
    RESULT_MADE   /* batches of a maker */
} ResultMode;

/*
 * Who makes the batches of a result that is not one statement on one connection. next gives batches
 * until one has no release; after a failure it is not called again. cancel comes from any thread,
 * stats from any while next runs. stop comes when nobody reads any more: all connections are given
 * back when it returns. release is the last call.
 */
typedef struct IdcBatchMaker {
    IDC_CHECKED IdcStatus (*schema)(void *handle, struct ArrowSchema *schema, IdcError *err);
    IDC_CHECKED IdcStatus (*next)(void *handle, struct ArrowArray *batch, IdcError *err);
    void (*cancel)(void *handle);
    void (*stats)(void *handle, IdcResultStats *stats);
    void (*stop)(void *handle);
    void (*release)(void *handle);
} IdcBatchMaker;

/*
 * Counted: the caller's handle and the stream hold it. mutex guards conn (against a cancel from
 * another thread), err, stats and reference_count; the rest belongs to the thread that reads. The
 * connection is held from opening to the end of the rows; pool is good as long as conn is held.
 */
struct IdcResult {
    pthread_mutex_t mutex;
    int reference_count;
    IdcArena *arena;
    IdcPool *pool;
    IdcConn *conn;
    IdcCall *call;
    const char *sql;
    IdcResultOptions options;
    IdcStatement *statement; /* its description made the builder */
    IdcBatchBuilder *builder;
    IdcCopyReader *reader;
    IdcIpcReader *ipc;       /* of RESULT_ARROW, also when it ended */
    IdcGather *gather;       /* a single batch is made with it */
    int64_t gathered_rows;   /* not yet in stats */
    struct ArrowArray ready; /* read, but not yet given away */
    PGresult *first;
    ResultMode mode;
    bool is_streamed;
    struct ArrowArrayStream given;
    const IdcBatchMaker *maker; /* of RESULT_MADE */
    void *maker_handle;
    IdcResultStats stats;
    IdcError err;
    int64_t started_us;
};

/* As idc_result_open, on a connection that stays the caller's, and may be in a transaction. */
IDC_CHECKED IdcStatus idc_result_open_on(IdcConn *conn, IdcCall *call, const char *sql,
                                         const IdcResultOptions *options, IdcResult **result,
                                         IdcError *err);

/* A result of the maker's batches; takes the handle on success. */
IDC_CHECKED IdcStatus idc_result_from_maker(const IdcBatchMaker *maker, void *handle,
                                            const char *sql, IdcResult **result, IdcError *err);

/* The type of the batches to come: a new schema, the caller's. */
IDC_CHECKED IdcStatus idc_result_schema(const IdcResult *result, struct ArrowSchema *schema,
                                        IdcError *err);

/* Start on the connection that the result holds, also inside a transaction. */
IDC_CHECKED IdcStatus idc_result_start(IdcResult *result, IdcCall *call,
                                       const IdcSqlParameter *parameters, size_t parameter_count,
                                       IdcError *err);

/* Parameters as libpq takes them. */
typedef struct IdcBound {
    const Oid *types;
    const char *const *values;
    const int *lengths, *formats;
    int count;
} IdcBound;

/* Allocated in arena; borrows the values. */
IDC_CHECKED IdcStatus idc_result_bind(IdcArena *arena, const IdcSqlParameter *parameters,
                                      size_t count, IdcBound *bound, IdcError *err);

/*
 * What the server executes: sql, prepared as name unless that is "" (then once, without a name);
 * sql NULL: name is prepared already. guard: a prepared statement that must still have its
 * columns; NULL: none. Answers are binary, or text. in_steps: an error must tell whether the
 * statement was executed, also where it has no name.
 */
typedef struct IdcRun {
    const char *sql, *name, *guard;
    bool is_as_text;
    bool in_steps;
    bool is_prepared;  /* out: sql was, under that name, whatever came after */
    bool is_unrun;     /* out: it failed before anything was executed */
    bool failed_below; /* out: it failed in a query or function that it calls */
} IdcRun;

/* Send it, in one piece, and read the first answer: mode is then RESULT_ROWS or RESULT_ENDED. */
IDC_CHECKED IdcStatus idc_result_run(IdcResult *result, IdcCall *call, IdcRun *run,
                                     const IdcBound *bound, bool *is_stale, IdcError *err);

/* The first answer of what was sent: rows come, or the statement is done. */
IDC_CHECKED IdcStatus idc_result_read_first(IdcResult *result, IdcCall *call, IdcRun *run,
                                            bool *is_stale, IdcError *err);

/*
 * Run the described statement by the extended protocol; is_known: its description is older than
 * this call, so the server must confirm it. is_stale is set if the server could not.
 */
IDC_CHECKED IdcStatus idc_result_start_extended(IdcResult *result, IdcCall *call,
                                                const IdcBound *bound, bool is_known,
                                                bool *is_stale, IdcError *err);

/* The statement, in the wrap that its columns need. */
void idc_result_append_statement(IdcText *text, const IdcResult *result);

/* COPY and wrapping refuse some statements that run by themselves: SELECT INTO, WITH … INSERT. */
bool idc_result_is_refusal(const IdcError *err);

/* What COPY (…) and a subquery accept. */
bool idc_statement_is_query(const char *sql);

/* Read until a batch is full or the rows end; then mode is RESULT_ENDED and the connection was
 * given back. */
IDC_CHECKED IdcStatus idc_result_read(IdcResult *result, IdcError *err);

/* Give the connection back; a statement that still runs is cancelled. */
void idc_result_release_conn(IdcResult *result);

#endif
