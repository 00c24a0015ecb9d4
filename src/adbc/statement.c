/*
 * statement.c - AdbcStatement: SQL, options, bound rows; then run.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/calls.h"
#include "adbc/run.h"

static const char bind_by_name_key[] = "adbc.statement.bind_by_name";

typedef struct Statement {
    Connection *connection;
    AdbcOptions options;
    char *sql;
    AdbcRows *rows; /* bound for the next execution */
    bool binds_by_name;
} Statement;

static Statement *
statement_of(struct AdbcStatement *statement, bool needs_sql, struct AdbcError *error)
{
    Statement *made = statement != NULL ? statement->private_data : NULL;

    if (made == NULL) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the statement was released, or never made");
        return NULL;
    }
    if (needs_sql && made->sql == NULL) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL, "the statement has no query");
        return NULL;
    }
    return made;
}

AdbcStatusCode
idc_adbc_statement_new(struct AdbcConnection *connection, struct AdbcStatement *statement,
                       struct AdbcError *error)
{
    Connection *owner = idc_adbc_connection(connection, true, error);
    Statement *made;

    if (owner == NULL)
        return ADBC_STATUS_INVALID_STATE;
    made = calloc(1, sizeof *made);
    if (made == NULL)
        return idc_adbc_fail_no_memory(error);
    if (!idc_adbc_options_copy(&owner->options, &made->options)) {
        idc_adbc_options_done(&made->options);
        free(made);
        return idc_adbc_fail_no_memory(error);
    }
    made->connection = owner;
    atomic_fetch_add(&owner->statement_count, 1);
    statement->private_data = made;
    return ADBC_STATUS_OK;
}

AdbcStatusCode
idc_adbc_statement_release(struct AdbcStatement *statement, struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    atomic_fetch_sub(&made->connection->statement_count, 1);
    idc_adbc_rows_free(made->rows);
    idc_adbc_options_done(&made->options);
    free(made->sql);
    free(made);
    statement->private_data = NULL;
    return ADBC_STATUS_OK;
}

/* ---- options ---- */

static AdbcStatusCode
refuse_option(const char *key, struct AdbcError *error)
{
    static const char ingest[] = "adbc.ingest.";

    if (strncmp(key, ingest, sizeof ingest - 1) == 0)
        return idc_adbc_fail(
            error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
            "bulk ingestion (\"%s\") is not supported\nhint: write with INSERT and "
            "bound parameters",
            key);
    return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, NULL,
                         "unknown statement option \"%s\"", key);
}

AdbcStatusCode
idc_adbc_statement_set_option(struct AdbcStatement *statement, const char *key, const char *value,
                              struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);
    const char *own = idc_adbc_own_key(key);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (strcmp(key, bind_by_name_key) == 0) {
        made->binds_by_name = value != NULL && strcmp(value, ADBC_OPTION_VALUE_ENABLED) == 0;
        return ADBC_STATUS_OK;
    }
    if (strcmp(key, ADBC_STATEMENT_OPTION_INCREMENTAL) == 0 && value != NULL &&
        strcmp(value, ADBC_OPTION_VALUE_DISABLED) == 0)
        return ADBC_STATUS_OK;
    if (own == NULL)
        return refuse_option(key, error);
    return idc_adbc_options_set(&made->options, own, value) ? ADBC_STATUS_OK
                                                            : idc_adbc_fail_no_memory(error);
}

AdbcStatusCode
idc_adbc_statement_set_option_int(struct AdbcStatement *statement, const char *key, int64_t value,
                                  struct AdbcError *error)
{
    char text[24];

    (void) snprintf(text, sizeof text, "%" PRId64, value);
    return idc_adbc_statement_set_option(statement, key, text, error);
}

AdbcStatusCode
idc_adbc_statement_get_option(struct AdbcStatement *statement, const char *key, char *value,
                              size_t *length, struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);
    const char *own = idc_adbc_own_key(key);
    const char *found = NULL;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (strcmp(key, bind_by_name_key) == 0)
        found = made->binds_by_name ? ADBC_OPTION_VALUE_ENABLED : ADBC_OPTION_VALUE_DISABLED;
    else if (own != NULL)
        found = idc_adbc_options_get(&made->options, own);
    return idc_adbc_option_out(key, found, value, length, error);
}

/* ---- the query and its parameters ---- */

AdbcStatusCode
idc_adbc_statement_set_sql(struct AdbcStatement *statement, const char *sql,
                           struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);
    char *copy;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    copy = strdup(sql != NULL ? sql : "");
    if (copy == NULL)
        return idc_adbc_fail_no_memory(error);
    free(made->sql);
    made->sql = copy;
    return ADBC_STATUS_OK;
}

/* libinstant prepares what it runs by itself, on whichever connection it takes. */
AdbcStatusCode
idc_adbc_statement_prepare(struct AdbcStatement *statement, struct AdbcError *error)
{
    return statement_of(statement, true, error) != NULL ? ADBC_STATUS_OK
                                                        : ADBC_STATUS_INVALID_STATE;
}

static AdbcStatusCode
bind_rows(Statement *made, AdbcRows *rows)
{
    if (rows == NULL)
        return ADBC_STATUS_INVALID_ARGUMENT;
    idc_adbc_rows_free(made->rows);
    made->rows = rows;
    return ADBC_STATUS_OK;
}

AdbcStatusCode
idc_adbc_statement_bind(struct AdbcStatement *statement, struct ArrowArray *values,
                        struct ArrowSchema *schema, struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);

    return made != NULL ? bind_rows(made, idc_adbc_rows_of_batch(values, schema, error))
                        : ADBC_STATUS_INVALID_STATE;
}

AdbcStatusCode
idc_adbc_statement_bind_stream(struct AdbcStatement *statement, struct ArrowArrayStream *stream,
                               struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);

    return made != NULL ? bind_rows(made, idc_adbc_rows_of_stream(stream, error))
                        : ADBC_STATUS_INVALID_STATE;
}

/* ---- execution ---- */

/* The run of the statement's query, which takes the bound rows. */
static AdbcRun
run_of(Statement *made, const char *sql)
{
    AdbcRun run = { .session = made->connection->session,
                    .owner = made,
                    .sql = sql,
                    .options = &made->options,
                    .rows = made->rows };

    if (made->rows != NULL)
        idc_adbc_rows_bind_by_name(made->rows, made->binds_by_name);
    made->rows = NULL;
    return run;
}

AdbcStatusCode
idc_adbc_statement_execute(struct AdbcStatement *statement, struct ArrowArrayStream *stream,
                           int64_t *rows_affected, struct AdbcError *error)
{
    Statement *made = statement_of(statement, true, error);
    int64_t affected = -1;
    AdbcStatusCode code;
    AdbcRun run;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    run = run_of(made, made->sql);
    code = stream != NULL ? idc_adbc_run_stream(&run, stream, &affected, error)
                          : idc_adbc_run_all(&run, &affected, error);
    if (code == ADBC_STATUS_OK && rows_affected != NULL)
        *rows_affected = affected;
    return code;
}

/* The query as a subquery that answers no rows; a semicolon and blanks at its end go. */
static char *
empty_query(const char *sql)
{
    size_t len = strlen(sql);
    char *wrapped = NULL;

    while (len > 0 && strchr("; \t\r\n\f\v", sql[len - 1]) != NULL)
        len--;
    if (asprintf(&wrapped, "SELECT * FROM (\n%.*s\n) AS described LIMIT 0", (int) len, sql) < 0)
        return NULL;
    return wrapped;
}

AdbcStatusCode
idc_adbc_statement_schema(struct AdbcStatement *statement, struct ArrowSchema *schema,
                          struct AdbcError *error)
{
    Statement *made = statement_of(statement, true, error);
    struct ArrowArrayStream stream = { 0 };
    int64_t affected;
    AdbcStatusCode code;
    AdbcRun run;
    char *sql;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    sql = strlen(made->sql) < INT32_MAX ? empty_query(made->sql) : NULL;
    if (sql == NULL)
        return idc_adbc_fail_no_memory(error);
    run = run_of(made, sql);
    code = idc_adbc_run_stream(&run, &stream, &affected, error);
    free(sql);
    if (code != ADBC_STATUS_OK)
        return code;
    if (stream.get_schema(&stream, schema) != 0)
        code = idc_adbc_fail(error, ADBC_STATUS_INTERNAL, NULL, "the columns cannot be read");
    stream.release(&stream);
    return code;
}

AdbcStatusCode
idc_adbc_statement_cancel(struct AdbcStatement *statement, struct AdbcError *error)
{
    Statement *made = statement_of(statement, false, error);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (idc_adbc_session_cancel(made->connection->session, made) == 0)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL, "no query runs");
    return ADBC_STATUS_OK;
}
