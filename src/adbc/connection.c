/*
 * connection.c - AdbcConnection: a view of the database's connector, whose pool has the real ones.
 *
 * Statements of one connection may run on several connections of the pool, each committed when it
 * ends. So there are no transactions over several statements, and no session that could be set up:
 * what would need them is refused, never pretended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/calls.h"
#include "adbc/cells.h"
#include "adbc/run.h"

static const char one_by_one[] =
    "statements run over a pool of connections, and each one is committed when it ends";

Connection *
idc_adbc_connection(struct AdbcConnection *connection, bool is_open, struct AdbcError *error)
{
    Connection *made = connection != NULL ? connection->private_data : NULL;

    if (made == NULL) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the connection was released, or never made");
        return NULL;
    }
    if (is_open && made->session == NULL) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the connection is not open yet");
        return NULL;
    }
    return made;
}

AdbcStatusCode
idc_adbc_connection_new(struct AdbcConnection *connection, struct AdbcError *error)
{
    connection->private_data = calloc(1, sizeof(Connection));
    return connection->private_data != NULL ? ADBC_STATUS_OK : idc_adbc_fail_no_memory(error);
}

/* ---- options ---- */

AdbcStatusCode
idc_adbc_connection_set_option(struct AdbcConnection *connection, const char *key,
                               const char *value, struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, false, error);
    const char *own = idc_adbc_own_key(key);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (strcmp(key, ADBC_CONNECTION_OPTION_AUTOCOMMIT) == 0) {
        if (value != NULL && strcmp(value, ADBC_OPTION_VALUE_ENABLED) == 0)
            return ADBC_STATUS_OK;
        return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                             "autocommit cannot be turned off: %s", one_by_one);
    }
    if (own == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                             "connection option \"%s\" is not supported: %s", key, one_by_one);
    return idc_adbc_options_set(&made->options, own, value) ? ADBC_STATUS_OK
                                                            : idc_adbc_fail_no_memory(error);
}

AdbcStatusCode
idc_adbc_connection_set_option_int(struct AdbcConnection *connection, const char *key,
                                   int64_t value, struct AdbcError *error)
{
    char text[24];

    (void) snprintf(text, sizeof text, "%" PRId64, value);
    return idc_adbc_connection_set_option(connection, key, text, error);
}

/* The first column of the first row of a query without parameters, as a text of the caller's. */
static AdbcStatusCode
ask_one(AdbcSession *session, const char *sql, char **text, struct AdbcError *error)
{
    static const AdbcOptions no_options = { 0 };
    AdbcRun run = { .session = session, .sql = sql, .options = &no_options };
    struct ArrowArrayStream stream = { 0 };
    AdbcCells *cells;
    int64_t affected;
    AdbcStatusCode code = idc_adbc_run_stream(&run, &stream, &affected, error);
    bool has_row = false;

    if (code != ADBC_STATUS_OK)
        return code;
    cells = idc_adbc_cells_open(&stream, error);
    if (cells == NULL)
        return ADBC_STATUS_INTERNAL;
    code = idc_adbc_cells_next(cells, &has_row, error);
    if (code == ADBC_STATUS_OK) {
        const char *cell = has_row ? idc_adbc_cell(cells, 0) : NULL;

        *text = strdup(cell != NULL ? cell : "");
        if (*text == NULL)
            code = idc_adbc_fail_no_memory(error);
    }
    idc_adbc_cells_close(cells);
    return code;
}

AdbcStatusCode
idc_adbc_connection_get_option(struct AdbcConnection *connection, const char *key, char *value,
                               size_t *length, struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, false, error);
    const char *own = idc_adbc_own_key(key);
    const char *found = NULL;
    char *schema = NULL;
    AdbcStatusCode code;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (strcmp(key, ADBC_CONNECTION_OPTION_AUTOCOMMIT) == 0)
        found = ADBC_OPTION_VALUE_ENABLED;
    else if (strcmp(key, ADBC_CONNECTION_OPTION_CURRENT_CATALOG) == 0)
        found = made->catalog;
    else if (own != NULL)
        found = idc_adbc_options_get(&made->options, own);
    if (strcmp(key, ADBC_CONNECTION_OPTION_CURRENT_DB_SCHEMA) == 0) {
        if (idc_adbc_connection(connection, true, error) == NULL)
            return ADBC_STATUS_INVALID_STATE;
        code = ask_one(made->session, "SELECT pg_catalog.current_schema()::text", &schema, error);
        if (code != ADBC_STATUS_OK)
            return code;
        found = schema;
    }
    code = idc_adbc_option_out(key, found, value, length, error);
    free(schema);
    return code;
}

/* ---- opening and closing ---- */

/* Asks for the database's name, so that a hub that cannot be reached is known at once. */
AdbcStatusCode
idc_adbc_connection_init(struct AdbcConnection *connection, struct AdbcDatabase *database,
                         struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, false, error);
    Database *owner = idc_adbc_database(database, error);
    AdbcSession *session;
    AdbcStatusCode code;

    if (made == NULL || owner == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (owner->connector == NULL || made->session != NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             owner->connector == NULL ? "the database is not open yet"
                                                      : "the connection is open already");
    session = idc_adbc_session_new(owner->connector);
    if (session == NULL)
        return idc_adbc_fail_no_memory(error);
    code = ask_one(session, "SELECT pg_catalog.current_database()::text", &made->catalog, error);
    if (code != ADBC_STATUS_OK) {
        idc_adbc_session_drop(session);
        return code;
    }
    made->session = session;
    made->database = owner;
    atomic_fetch_add(&owner->connection_count, 1);
    return ADBC_STATUS_OK;
}

AdbcStatusCode
idc_adbc_connection_release(struct AdbcConnection *connection, struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, false, error);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (atomic_load(&made->statement_count) > 0)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the connection still has %d open statements",
                             atomic_load(&made->statement_count));
    if (made->database != NULL)
        atomic_fetch_sub(&made->database->connection_count, 1);
    idc_adbc_session_close(made->session);
    idc_adbc_session_drop(made->session);
    idc_adbc_options_done(&made->options);
    free(made->catalog);
    free(made);
    connection->private_data = NULL;
    return ADBC_STATUS_OK;
}

AdbcStatusCode
idc_adbc_connection_cancel(struct AdbcConnection *connection, struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, true, error);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (idc_adbc_session_cancel(made->session, NULL) == 0)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL, "no query runs");
    return ADBC_STATUS_OK;
}

/* Of both commit and rollback: with autocommit neither may be called. */
AdbcStatusCode
idc_adbc_connection_commit(struct AdbcConnection *connection, struct AdbcError *error)
{
    if (idc_adbc_connection(connection, true, error) == NULL)
        return ADBC_STATUS_INVALID_STATE;
    return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, "25P01", "no transaction is open: %s",
                         one_by_one);
}

/* ---- the columns of a table ---- */

static char *
quote_name(const char *name)
{
    char *quoted = malloc(2 * strlen(name) + 3);
    char *at = quoted;

    if (quoted == NULL)
        return NULL;
    *at++ = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"')
            *at++ = '"';
        *at++ = *name;
    }
    *at++ = '"';
    *at = '\0';
    return quoted;
}

static InstantStatus
open_qualified(Connection *made, AdbcOperation *operation, const char *db_schema,
               const char *table_name, InstantResult **result, InstantError *err)
{
    char *schema = quote_name(db_schema);
    char *table = quote_name(table_name);
    char *sql = NULL;
    InstantStatus status = INSTANT_NO_MEMORY;

    if (schema != NULL && table != NULL &&
        asprintf(&sql, "SELECT * FROM %s.%s LIMIT 0", schema, table) >= 0)
        status =
            instant_query(made->database->connector, sql, NULL, 0, made->options.items,
                          made->options.count, idc_adbc_operation_call(operation), result, err);
    free(schema);
    free(table);
    free(sql);
    return status;
}

/* Without a schema the table is looked up as libinstant's own loads do: in all of them. */
static InstantStatus
open_table(Connection *made, AdbcOperation *operation, const char *db_schema,
           const char *table_name, InstantResult **result, InstantError *err)
{
    InstantTableRequest request = { .table = table_name, .limit = 0, .offset = -1 };

    if (db_schema != NULL && db_schema[0] != '\0')
        return open_qualified(made, operation, db_schema, table_name, result, err);
    return instant_table(made->database->connector, &request, made->options.items,
                         made->options.count, idc_adbc_operation_call(operation), result, err);
}

AdbcStatusCode
idc_adbc_connection_table_schema(struct AdbcConnection *connection, const char *catalog,
                                 const char *db_schema, const char *table_name,
                                 struct ArrowSchema *schema, struct AdbcError *error)
{
    Connection *made = idc_adbc_connection(connection, true, error);
    struct ArrowArrayStream stream = { 0 };
    InstantResult *result = NULL;
    AdbcOperation *operation;
    InstantError err = { 0 };
    AdbcStatusCode code = ADBC_STATUS_OK;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (table_name == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL, "no table is named");
    if (catalog != NULL && catalog[0] != '\0' && strcmp(catalog, made->catalog) != 0)
        return idc_adbc_fail(error, ADBC_STATUS_NOT_FOUND, "3D000",
                             "catalog \"%s\" is not the hub's database, \"%s\"", catalog,
                             made->catalog);
    operation = idc_adbc_operation_begin(made->session, NULL);
    if (operation == NULL)
        return idc_adbc_fail_no_memory(error);
    err.status = open_table(made, operation, db_schema, table_name, &result, &err);
    if (err.status == INSTANT_OK) {
        idc_adbc_operation_watch(operation, result);
        err.status = instant_result_stream(result, &stream, &err);
    }
    if (err.status != INSTANT_OK) {
        code = idc_adbc_fail_instant(error, &err);
    } else {
        if (stream.get_schema(&stream, schema) != 0)
            code = idc_adbc_fail(error, ADBC_STATUS_INTERNAL, NULL, "the columns cannot be read");
        stream.release(&stream);
    }
    idc_adbc_operation_end(operation);
    return code;
}
