/*
 * result_private.h - what result.c (a result's life), result_open.c (starting) and result_read.c
 * (rows) share.
 */
#ifndef IDC_HUB_RESULT_PRIVATE_H
#define IDC_HUB_RESULT_PRIVATE_H

#include <pthread.h>

#include "arrow/copy_reader.h"
#include "hub/describe.h"
#include "hub/result.h"

typedef enum ResultMode {
    RESULT_COPY,  /* COPY … TO STDOUT (FORMAT binary) is running */
    RESULT_ROWS,  /* single-row mode; first holds what was read while starting */
    RESULT_ENDED, /* nothing more comes from the server */
    RESULT_GIVEN  /* a stream that was there already */
} ResultMode;

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
    IdcDescription description;
    IdcBatchBuilder *builder;
    IdcCopyReader *reader;
    PGresult *first;
    ResultMode mode;
    bool is_streamed;
    struct ArrowArrayStream given;
    IdcResultStats stats;
    IdcError err;
    int64_t started_us;
};

/* Describe and start on the connection that the result holds. */
IDC_CHECKED IdcStatus idc_result_start(IdcResult *result, IdcCall *call,
                                       const IdcSqlParameter *parameters, size_t parameter_count,
                                       IdcError *err);

/* Read until a batch is full or the rows end; then mode is RESULT_ENDED and the connection was
 * given back. */
IDC_CHECKED IdcStatus idc_result_read(IdcResult *result, IdcError *err);

/* Give the connection back; a statement that still runs is cancelled. */
void idc_result_release_conn(IdcResult *result);

#endif
