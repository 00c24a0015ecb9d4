/*
 * instant.h - the whole public interface of the Instant Data Connector.
 *
 * A connector is opened from a configuration, set up (foreign servers, user mappings and foreign
 * tables appear in the hub), and asked. Every answer is an InstantResult: a stream of Arrow record
 * batches (Arrow C stream interface), whether it holds a table of a source or the list of tables.
 *
 * Rules that hold for every function:
 *  - IDs, names and SQL are UTF-8. `const char *` inputs are copied if they are needed longer.
 *  - What can fail returns an InstantStatus; outputs are untouched on failure; `err` may be NULL.
 *  - An InstantConnector may be used by many threads at once. A result belongs to one thread at a
 *    time. instant_call_cancel may be called from any thread.
 *  - `call` may be NULL: then the call cannot be cancelled and has the configured time limits.
 *  - NULL is accepted by every ..._free.
 */
#ifndef INSTANT_INSTANT_H
#define INSTANT_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INSTANT_VERSION "0.3.0"

#if defined(__GNUC__)
#define INSTANT_API __attribute__((visibility("default")))
#else
#define INSTANT_API
#endif

/* The Arrow C data and stream interfaces; instant/arrow.h has their structs. */
struct ArrowSchema;
struct ArrowArray;
struct ArrowArrayStream;

typedef enum InstantStatus {
    INSTANT_OK = 0,
    INSTANT_NO_MEMORY,
    INSTANT_BAD_VALUE,
    INSTANT_BAD_CONFIG,
    INSTANT_NOT_FOUND,
    INSTANT_CONNECTION_FAILED,
    INSTANT_BAD_CREDENTIAL,
    INSTANT_SOURCE_FAILED,
    INSTANT_QUERY_FAILED,
    INSTANT_TIMEOUT,
    INSTANT_CANCELED,
    INSTANT_IO_FAILED,
    INSTANT_MISUSE,
    INSTANT_UNSUPPORTED
} InstantStatus;

/* Strings are NUL-terminated and may be empty; none ever holds a secret. */
typedef struct InstantError {
    InstantStatus status;
    char sqlstate[6];
    char message[4096];
    char hint[1024];
    char source[128];
    char remote_sql[2048];
} InstantError;

typedef struct InstantConnector InstantConnector;
typedef struct InstantResult InstantResult;
typedef struct InstantCall InstantCall;

/* A key and a value, both text. Functions below list the keys they know; an unknown one is an
 * error. */
typedef struct InstantOption {
    const char *key;
    const char *value;
} InstantOption;

INSTANT_API const char *instant_version(void);

/* ---- one call that can be stopped ---- */

INSTANT_API InstantCall *instant_call_new(void);
INSTANT_API void instant_call_cancel(InstantCall *call);
INSTANT_API void instant_call_free(InstantCall *call);

/* ---- connector ---- */

typedef enum InstantLogLevel {
    INSTANT_DEBUG,
    INSTANT_INFO,
    INSTANT_WARNING,
    INSTANT_ERROR
} InstantLogLevel;

typedef void (*InstantLogHook)(void *host, InstantLogLevel level, const char *line);

/*
 * Read the configuration; nothing is connected yet. Keys:
 *   config_path    a YAML file                        config_text   YAML (or JSON) itself
 *   schema_path    a YAML file of more tables         env.NAME      used before the environment for
 * ${NAME} hub_url        postgresql://… of an external hub  hub.KEYWORD   host, port, dbname, user,
 * password, sslmode, sslrootcert, … of an external hub hub            embedded | environment (PG*)
 * home          instead of $INSTANT_HOME pool_size      connections at most (10) pool_timeout_ms
 * wait for a free one (30000) connect_timeout_ms (10000)                        query_timeout_ms
 * (3600000; 0: none) application_name Without hub_url, hub.* and hub, the hub is what the file's
 * `hub:`/`postgres_config:` says, else embedded.
 */
INSTANT_API InstantStatus instant_open(const InstantOption *options, size_t option_count,
                                       InstantLogHook log, void *log_host,
                                       InstantConnector **connector, InstantError *err);

/* Waits for nothing: results still open end with INSTANT_MISUSE at their next batch. */
INSTANT_API void instant_close(InstantConnector *connector);

/*
 * Make the hub as the configuration says, in one transaction. Options: plan=true (change nothing),
 * force_refresh=true (rebuild what setup made), validate=true (connect to every source first).
 * Result, a row a change: action (create | alter | drop | keep), kind (extension | server |
 * user mapping | schema | table), name, source, ddl (secrets masked).
 */
INSTANT_API InstantStatus instant_setup(InstantConnector *connector, const InstantOption *options,
                                        size_t option_count, InstantCall *call,
                                        InstantResult **result, InstantError *err);

/*
 * Really connect to every source, in parallel. Result, a row a source (and one for the hub):
 * component, healthy (bool), details, sqlstate, elapsed_ms.
 */
INSTANT_API InstantStatus instant_health(InstantConnector *connector, InstantCall *call,
                                         InstantResult **result, InstantError *err);

/*
 * A row a column of every table that can be loaded, in order: table_name (as lazy loads name it),
 * schema_name, source, server, wrapper, remote_schema, remote_name, estimated_rows (int64 or NULL),
 * table_comment, column_name, position (int32), type (as format_type prints it), not_null (bool),
 * column_default, column_comment. `table` NULL: all tables; unknown: INSTANT_NOT_FOUND naming the
 * nearest.
 */
INSTANT_API InstantStatus instant_tables(InstantConnector *connector, const char *table,
                                         InstantCall *call, InstantResult **result,
                                         InstantError *err);

/* Compare the foreign tables named (none: all) with their sources and import them again:
 * table_name, refreshed (bool), details. */
INSTANT_API InstantStatus instant_refresh(InstantConnector *connector, const char *const *tables,
                                          size_t table_count, InstantCall *call,
                                          InstantResult **result, InstantError *err);

/* ---- queries ---- */

typedef enum InstantValueKind {
    INSTANT_NULL,
    INSTANT_BOOL,    /* true | false */
    INSTANT_INT,     /* decimal digits of any length, with a sign */
    INSTANT_FLOAT,   /* shortest text that reads back, NaN, Infinity, -Infinity */
    INSTANT_NUMERIC, /* decimal digits, NaN, Infinity, -Infinity */
    INSTANT_TEXT,
    INSTANT_BYTES, /* raw bytes */
    INSTANT_DATE,  /* the other kinds: PostgreSQL's ISO input form */
    INSTANT_TIME,
    INSTANT_TIMETZ,
    INSTANT_TIMESTAMP,
    INSTANT_TIMESTAMPTZ,
    INSTANT_INTERVAL,
    INSTANT_UUID,
    INSTANT_JSON,
    INSTANT_ARRAY /* PostgreSQL's {…} form; element says of what */
} InstantValueKind;

typedef struct InstantValue {
    InstantValueKind kind;
    InstantValueKind element; /* of an array, else INSTANT_NULL */
    const char *data;
    size_t len;
} InstantValue;

/* A parameter; name NULL: the next positional one ($1, $2, … or %s). */
typedef struct InstantParameter {
    const char *name;
    InstantValue value;
} InstantParameter;

/*
 * Options of every result:
 *   numeric          float64 | decimal | string (decimal: decimal128 where a precision of at
 *                    most 38 is declared, string otherwise)
 *   unrepresentable  null | error: infinity dates, years beyond Arrow's range, NaN in a
 *                    decimal, 24:00:00 are NULL and counted in the statistics, or an error
 *   batch_rows       rows a record batch has at most; left out, the first has 1024, and each
 *                    next twice as many until 65536
 *   batch_bytes      bytes a batch has at most, about (16777216)
 *   single_batch     true: one batch, grown in place (for a DataFrame)
 *   timeout_ms       of this query
 *   transfer         auto | arrow | copy (auto): arrow is sent by the hub's extension
 *                    instant_fdw, INSTANT_UNSUPPORTED without it; copy works with every hub;
 *                    auto takes the faster one that the hub has. The rows are the same
 *   dictionary       off | auto (off): texts that repeat as dictionaries, where the extension
 *                    sends the rows
 *   compression      auto | none | lz4 | zstd (auto): of what the extension sends; auto is
 *                    lz4 from another machine, none otherwise
 * and of instant_table alone:
 *   partitions       load the table by so many connections at once (1), which see the same
 *                    rows: by pages, or by ranges of partition_on
 *   partition_on     a column of numbers, dates or timestamps: what a foreign table needs
 *   partition_order  true: rows of the first range first, and so on; else as they come
 * With partitions, dictionary is off.
 */
INSTANT_API InstantStatus instant_query(InstantConnector *connector, const char *sql,
                                        const InstantParameter *parameters, size_t parameter_count,
                                        const InstantOption *options, size_t option_count,
                                        InstantCall *call, InstantResult **result,
                                        InstantError *err);

/* op: eq ne gt ge lt le between in not_in is_null is_not_null like ilike. */
typedef struct InstantFilter {
    const char *column;
    const char *op;
    const InstantValue *values; /* between: 2; in, not_in: any number; is_null …: 0; others: 1 */
    size_t value_count;
} InstantFilter;

/* limit and offset: negative means none. order_by: "col" or "-col". columns NULL: all. */
typedef struct InstantTableRequest {
    const char *table;
    const InstantFilter *filters;
    size_t filter_count;
    const char *const *columns;
    size_t column_count;
    const char *const *order_by;
    size_t order_by_count;
    int64_t limit;
    int64_t offset;
} InstantTableRequest;

INSTANT_API InstantStatus instant_table(InstantConnector *connector,
                                        const InstantTableRequest *request,
                                        const InstantOption *options, size_t option_count,
                                        InstantCall *call, InstantResult **result,
                                        InstantError *err);

/* The SQL that instant_table would send to the hub; free it with instant_string_free. */
INSTANT_API InstantStatus instant_table_sql(InstantConnector *connector,
                                            const InstantTableRequest *request, InstantCall *call,
                                            char **sql, InstantError *err);

/* A condition as people type it: `amount > 100`, `name ilike '%a%'`, `day between 2013-01-01 and
 * 2013-01-31`, `kind in (a, b)`, `x is not null`. The filter lives until instant_filter_free. */
INSTANT_API InstantStatus instant_filter_parse(const char *text, InstantFilter **filter,
                                               InstantError *err);
INSTANT_API void instant_filter_free(InstantFilter *filter);

/*
 * EXPLAIN (VERBOSE), with analyze also executed. Result, a row a line of the plan: line; and after
 * it the pieces that a source runs, kind = "remote": server, relation, remote_sql, local_filter.
 * Columns: kind (plan | remote), line, server, relation, remote_sql, local_filter.
 */
INSTANT_API InstantStatus instant_explain(InstantConnector *connector, const char *sql,
                                          const InstantParameter *parameters,
                                          size_t parameter_count, bool analyze, InstantCall *call,
                                          InstantResult **result, InstantError *err);

/* ---- results ---- */

/* Move the stream out (once). It stays valid after instant_result_free; releasing it ends the
 * query. */
INSTANT_API InstantStatus instant_result_stream(InstantResult *result,
                                                struct ArrowArrayStream *stream, InstantError *err);

/* The error behind a failed get_next of the stream moved out of this result (status INSTANT_OK:
 * none). */
INSTANT_API void instant_result_error(const InstantResult *result, InstantError *err);

typedef struct InstantStats {
    int64_t rows;
    int64_t bytes; /* received from the hub */
    int64_t batches;
    int64_t unrepresentable; /* values that became NULL, see the option */
    int64_t connect_us;      /* waiting for a connection of the pool */
    int64_t first_batch_us;  /* from the request to the first batch */
    int64_t total_us;
} InstantStats;

INSTANT_API void instant_result_stats(const InstantResult *result, InstantStats *stats);

/* The SQL that went to the hub; good as long as the result. */
INSTANT_API const char *instant_result_sql(const InstantResult *result);

/* From any thread: the query behind the result is cancelled, its stream ends with an error. */
INSTANT_API void instant_result_cancel(InstantResult *result);

INSTANT_API void instant_result_free(InstantResult *result);

/*
 * Write the whole result to a file descriptor. format: table | csv | json | ndjson | arrow (IPC
 * stream). Options: null (text for NULL in csv and table), header (csv: true), max_width (table:
 * columns wide).
 */
INSTANT_API InstantStatus instant_result_write(InstantResult *result, const char *format, int fd,
                                               const InstantOption *options, size_t option_count,
                                               int64_t *row_count, InstantError *err);

INSTANT_API void instant_string_free(char *text);

/* ---- configuration ---- */

/* All errors of a file, one a line, in err->message; *report (free with instant_string_free) has
 * all of them even where the message is too short. */
INSTANT_API InstantStatus instant_config_check(const InstantOption *options, size_t option_count,
                                               char **report, InstantError *err);

/* The JSON Schema of the configuration; static. */
INSTANT_API const char *instant_config_schema(void);

/* ---- the hub ---- */

typedef struct InstantHubStatus {
    bool is_embedded;
    bool exists; /* its data directory */
    bool is_running;
    int server_version_num; /* 150020; 0 if not running */
    int64_t pid;            /* of the postmaster; 0 if not running or external */
    char uri[1024];         /* without a password */
    char directory[1024];
    char log_file[1024];
    char extension_version[32]; /* of instant_fdw in the hub's database; empty without it */
} InstantHubStatus;

/* Keys of all four: home, hub, hub_url, hub.KEYWORD as in instant_open. */
INSTANT_API InstantStatus instant_hub_status(const InstantOption *options, size_t option_count,
                                             InstantHubStatus *status, InstantError *err);
INSTANT_API InstantStatus instant_hub_start(const InstantOption *options, size_t option_count,
                                            InstantHubStatus *status, InstantError *err);
INSTANT_API InstantStatus instant_hub_stop(const InstantOption *options, size_t option_count,
                                           InstantError *err);
/* Stops it and removes its data directory. */
INSTANT_API InstantStatus instant_hub_destroy(const InstantOption *options, size_t option_count,
                                              InstantError *err);

#ifdef __cplusplus
}
#endif

#endif
