/*
 * result.h - a query on its way: from SQL to an ArrowArrayStream.
 *
 * In:   a connection of the pool, SQL, bound parameters
 * Out:  an IdcResult whose stream yields record batches; the connection goes back when the stream
 * ends
 *
 * A query of a hub with the extension instant_fdw is read as Arrow IPC (hub/result_arrow.h). On
 * other hubs a statement without parameters that COPY accepts (SELECT, WITH, VALUES, TABLE) is
 * described, then read by COPY (…) TO STDOUT (FORMAT binary), unless few rows are expected; any
 * other runs through the extended protocol, binary, row by row. Columns that no decoder knows are
 * asked for as their text (SELECT c1, c2::text FROM (…)). What is known of a statement from its
 * last run saves a round trip (hub/statement_cache.h).
 */
#ifndef IDC_HUB_RESULT_H
#define IDC_HUB_RESULT_H

#include "arrow/column.h"
#include "hub/pool.h"

typedef struct IdcResult IdcResult;

typedef enum IdcNumericMode {
    IDC_NUMERIC_FLOAT64,
    IDC_NUMERIC_DECIMAL,
    IDC_NUMERIC_STRING
} IdcNumericMode;

/* How rows come: as Arrow from the hub's extension, decoded from what any hub sends, or the former
 * where it can be had. */
typedef enum IdcTransfer { IDC_TRANSFER_AUTO, IDC_TRANSFER_ARROW, IDC_TRANSFER_COPY } IdcTransfer;

/* Texts that repeat, as dictionaries; where the extension sends them. */
typedef enum IdcDictionaryMode { IDC_DICTIONARY_OFF, IDC_DICTIONARY_AUTO } IdcDictionaryMode;

/* Of what the extension sends; auto: lz4 from another machine. */
typedef enum IdcCompression {
    IDC_COMPRESSION_AUTO,
    IDC_COMPRESSION_NONE,
    IDC_COMPRESSION_LZ4,
    IDC_COMPRESSION_ZSTD
} IdcCompression;

typedef struct IdcResultOptions {
    IdcNumericMode numeric;
    IdcTransfer transfer;
    IdcDictionaryMode dictionary;
    IdcCompression compression;
    IdcBatchOptions batch;
    int64_t timeout_ms;       /* of this query; 0: the session's own */
    int64_t partitions;       /* of a table; 1: one query */
    const char *partition_on; /* column, or NULL; borrowed */
    bool is_ordered;          /* partitions one after the other */
} IdcResultOptions;

/* Parameters as libpq takes them; data NULL is SQL NULL. */
typedef struct IdcSqlParameter {
    uint32_t type_oid;
    const char *data;
    int len;
    int is_binary;
} IdcSqlParameter;

typedef struct IdcResultStats {
    int64_t rows, bytes, batches, unrepresentable;
    int64_t connect_us, first_batch_us, total_us;
} IdcResultStats;

/*
 * Acquire a connection, describe and start. call may be NULL and is only borrowed for the opening;
 * later the result's own cancel works. A statement that returns no rows (DDL, INSERT) is executed
 * here and gives a stream without columns whose stats.rows is the affected row count.
 */
IDC_CHECKED IdcStatus idc_result_open(IdcPool *pool, IdcCall *call, const char *sql,
                                      const IdcSqlParameter *parameters, size_t parameter_count,
                                      const IdcResultOptions *options, IdcResult **result,
                                      IdcError *err);

/* A result around a stream that is there already (idc_rows_stream); takes the stream. */
IDC_CHECKED IdcStatus idc_result_from_stream(struct ArrowArrayStream *stream, const char *sql,
                                             int64_t row_count, IdcResult **result, IdcError *err);

/* Once. The stream holds its own reference: it outlives idc_result_free. */
IDC_CHECKED IdcStatus idc_result_stream(IdcResult *result, struct ArrowArrayStream *stream,
                                        IdcError *err);

const char *idc_result_sql(const IdcResult *result);
void idc_result_stats(const IdcResult *result, IdcResultStats *stats);
void idc_result_error(const IdcResult *result, IdcError *err);
void idc_result_cancel(IdcResult *result); /* any thread */
void idc_result_free(IdcResult *result);

/* IDC_TIMEOUT: the query did not finish within the limit that it was given. */
IdcStatus idc_result_fail_timeout(int64_t limit_ms, IdcError *err);

#endif
