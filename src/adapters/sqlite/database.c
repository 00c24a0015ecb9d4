/*
 * database.c - a connection to a file that nobody has checked.
 *
 * In:   the server's options
 * Out:  a connection that only reads (but for the writers of transaction.c), waits no longer than
 * it may, and ends with its call
 *
 * What a hostile file or request could reach is switched off: other files (ATTACH), functions in
 * the file's schema, pragmas, extensions.
 */
#include "adapters/sqlite/work.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STEPS_BETWEEN_LOOKS = 1000, /* of SQLite's machine: well below a millisecond */
    BUSY_WAIT_MS = 10,
    VALUE_BYTES_MOST = 1 << 30,
    PROPAGATE_CONSTANTS = 0x8000 /* SQLite's name for one of its optimisations */
};

/* ---- waiting ---- */

/* Nonzero ends the statement. */
static int
look_at_call(void *argument)
{
    const IdcSqliteDatabase *database = argument;

    return idc_call_is_cancelled(database->call) || idc_call_remaining_ms(database->call, -1) == 0;
}

/* Zero: give up. */
static int
wait_for_writer(void *argument, int count)
{
    IdcSqliteDatabase *database = argument;
    int64_t start = idc_clock_us();
    IdcStatus status;

    if (count == 0)
        database->busy_since = start;
    if (start - database->busy_since >= database->busy_ms * 1000)
        return 0;
    status = idc_call_wait(database->call, -1, 0, BUSY_WAIT_MS, NULL);
    database->stats->wait_us += idc_clock_us() - start;
    return status != IDC_CANCELED && idc_call_remaining_ms(database->call, -1) != 0;
}

/* ---- errors ---- */

static IdcStatus
fail_ended(IdcSqliteDatabase *database, IdcError *err)
{
    if (database->misfit.status != IDC_OK) {
        if (err != NULL)
            *err = database->misfit;
        return database->misfit.status;
    }
    if (idc_call_is_cancelled(database->call))
        return idc_fail(err, IDC_CANCELED, "the scan was closed");
    return idc_fail(err, IDC_TIMEOUT, "the query took longer than it may");
}

static bool
is_directory(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* SQLite has one sentence for all that keeps it from a file. */
static IdcStatus
fail_to_open(const IdcSqliteDatabase *database, const char *said, IdcError *err)
{
    int reason = access(database->path, R_OK) == 0 ? 0 : errno;

    if (is_directory(database->path))
        said = "it is a directory";
    else if (reason != 0)
        said = strerror(reason);
    (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot open \"%s\": %s", database->path, said);
    if (reason == EACCES)
        idc_error_set_hint(err, "the user that the hub runs as must be able to read the file, and "
                                "to enter its folders");
    return IDC_CONNECTION_FAILED;
}

/* https://www.sqlite.org/rescode.html#constraint */
static IdcStatus
fail_constraint(int code, const char *said, const char *sql, IdcError *err)
{
    static const struct {
        int code;
        const char *sqlstate;
    } states[] = {
        { SQLITE_CONSTRAINT_UNIQUE, "23505" },     { SQLITE_CONSTRAINT_PRIMARYKEY, "23505" },
        { SQLITE_CONSTRAINT_ROWID, "23505" },      { SQLITE_CONSTRAINT_NOTNULL, "23502" },
        { SQLITE_CONSTRAINT_FOREIGNKEY, "23503" }, { SQLITE_CONSTRAINT_CHECK, "23514" },
        { SQLITE_CONSTRAINT_TRIGGER, "P0001" },    { SQLITE_CONSTRAINT_DATATYPE, "42804" },
    };

    (void) idc_fail(err, IDC_SOURCE_FAILED, "SQLite says: %s", said);
    idc_error_set_sqlstate(err, "23000");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (states[i].code == code)
            idc_error_set_sqlstate(err, states[i].sqlstate);
    if (sql != NULL)
        idc_error_set_remote_sql(err, sql);
    return IDC_SOURCE_FAILED;
}

IdcStatus
idc_sqlite_fail(IdcSqliteDatabase *database, int code, const char *sql, IdcError *err)
{
    const char *said =
        database->handle != NULL ? sqlite3_errmsg(database->handle) : sqlite3_errstr(code);
    IdcStatus status;

    if (database->misfit.status != IDC_OK || (code & 0xFF) == SQLITE_INTERRUPT)
        return fail_ended(database, err);
    switch (code & 0xFF) {
    case SQLITE_NOMEM:
        return idc_fail_no_memory(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (look_at_call(database))
            return fail_ended(database, err);
        status =
            idc_fail(err, IDC_SOURCE_FAILED, "\"%s\" is being written: %s", database->path, said);
        idc_error_set_sqlstate(err, "55P03");
        return status;
    case SQLITE_CONSTRAINT:
        return fail_constraint(code, said, sql, err);
    case SQLITE_READONLY:
        (void) idc_fail(err, IDC_SOURCE_FAILED, "\"%s\" cannot be written: %s", database->path,
                        said);
        idc_error_set_sqlstate(err, "42501");
        idc_error_set_hint(err,
                           "the user that the hub runs as must be able to write the file, and to "
                           "make files in its folder");
        return IDC_SOURCE_FAILED;
    case SQLITE_CANTOPEN:
        return fail_to_open(database, said, err);
    case SQLITE_NOTADB:
        return idc_fail(err, IDC_SOURCE_FAILED, "\"%s\": %s", database->path, said);
    default:
        if (is_directory(database->path))
            return fail_to_open(database, said, err);
        status = idc_fail(err, IDC_SOURCE_FAILED, "SQLite says: %s", said);
        break;
    }
    if (strcmp(said, "integer overflow") == 0)
        idc_error_set_sqlstate(err, "22003");
    else if (strncmp(said, "no such column", strlen("no such column")) == 0)
        idc_error_set_sqlstate(err, "42703");
    else if (strncmp(said, "no such table", strlen("no such table")) == 0)
        idc_error_set_sqlstate(err, "42P01");
    if (sql != NULL)
        idc_error_set_remote_sql(err, sql);
    return status;
}

IdcStatus
idc_sqlite_misfit(const char *table, const char *column, const IdcValueProblem *problem,
                  IdcError *err)
{
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "a value of column \"%s\" of table \"%s\" does not fit its type: %s", column,
                    table, problem->reason);
    idc_error_set_sqlstate(err, problem->sqlstate);
    idc_error_set_hint(err, "give the column another type, or the table the option on_error "
                            "'null'");
    return IDC_SOURCE_FAILED;
}

IdcStatus
idc_sqlite_run(IdcSqliteDatabase *database, const char *sql, IdcError *err)
{
    int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? IDC_OK : idc_sqlite_fail(database, code, sql, err);
}

/* ---- functions: instant_value(x, n) is x, instant_ok(x, n) is 1, if x fits form n ---- */

static bool
value_fits(sqlite3_context *context, sqlite3_value **arguments)
{
    IdcSqliteDatabase *database = sqlite3_user_data(context);
    sqlite3_int64 number = sqlite3_value_int64(arguments[1]);
    const IdcSqliteForm *form;
    IdcSqliteCell cell;
    IdcValueProblem problem = { 0 };

    if (number < 0 || (size_t) number >= database->form_count)
        return false; /* a request of the user's own that knows these names */
    form = &database->forms[number];
    cell = idc_sqlite_value_cell(arguments[0]);
    switch (idc_sqlite_check(form->type, form->kind, &cell, &problem)) {
    case IDC_FITS_NOT:
        break;
    case IDC_FITS_NO_MEMORY:
        sqlite3_result_error_nomem(context);
        return false;
    default:
        return true;
    }
    if (form->is_lenient) {
        database->stats->nulled++;
        return false;
    }
    (void) idc_sqlite_misfit(form->table, form->column, &problem, &database->misfit);
    sqlite3_result_error(context, "a value does not fit its type", -1);
    return false;
}

static void
instant_value(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    (void) count;
    if (value_fits(context, arguments))
        sqlite3_result_value(context, arguments[0]);
}

static void
instant_ok(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    (void) count;
    if (value_fits(context, arguments))
        sqlite3_result_int(context, 1);
}

/* instant_store(x, n) is x, if target n keeps it as it is. */
static void
instant_store(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    IdcSqliteDatabase *database = sqlite3_user_data(context);
    sqlite3_int64 number = sqlite3_value_int64(arguments[1]);
    IdcSqliteCell cell = idc_sqlite_value_cell(arguments[0]);
    const IdcSqliteTarget *target;
    IdcValueProblem problem = { 0 };

    (void) count;
    if (number < 0 || (size_t) number >= database->target_count)
        return;
    target = &database->targets[number];
    switch (idc_sqlite_stores(target, &cell, &problem)) {
    case IDC_FITS_NOT:
        (void) idc_sqlite_misfit(target->table, target->column, &problem, &database->misfit);
        sqlite3_result_error(context, "a value does not fit its type", -1);
        break;
    case IDC_FITS_NO_MEMORY:
        sqlite3_result_error_nomem(context);
        break;
    default:
        sqlite3_result_value(context, arguments[0]);
        break;
    }
}

/* instant_int(x, bytes) is x, if it is an integer of so many bytes: SQLite's sums that overflow are
 * REALs. */
static void
instant_int(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    IdcSqliteDatabase *database = sqlite3_user_data(context);
    int bits = 8 * sqlite3_value_int(arguments[1]);
    int type = sqlite3_value_type(arguments[0]);
    sqlite3_int64 value = sqlite3_value_int64(arguments[0]);

    (void) count;
    if (type == SQLITE_NULL)
        return;
    if (type == SQLITE_INTEGER && (bits == 64 || (value >= -(INT64_C(1) << (bits - 1)) &&
                                                  value < INT64_C(1) << (bits - 1)))) {
        sqlite3_result_int64(context, value);
        return;
    }
    (void) idc_fail(&database->misfit, IDC_SOURCE_FAILED, "%s out of range",
                    bits == 64   ? "bigint"
                    : bits == 32 ? "integer"
                                 : "smallint");
    idc_error_set_sqlstate(&database->misfit, "22003");
    sqlite3_result_error(context, "out of range", -1);
}

/* ---- opening ---- */

static void
close_database(void *resource)
{
    sqlite3_close_v2(resource);
}

/*
 * What other programs may find broken is checked: foreign keys. Pages that were changed wait in
 * memory: to write them early, SQLite would wait for our own scans, which wait for nobody.
 */
static const char for_writing[] = "PRAGMA foreign_keys = ON; PRAGMA cache_spill = OFF";
static const char for_reading[] = "PRAGMA query_only = ON";

static int
harden(sqlite3 *handle, bool is_writer)
{
    const int settings[][2] = { { SQLITE_DBCONFIG_DEFENSIVE, 1 },
                                { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
                                { SQLITE_DBCONFIG_DQS_DML, 0 }, /* "x" is never a text */
                                { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 } };

    int code;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        code = sqlite3_db_config(handle, settings[i][0], settings[i][1], NULL);

        if (code != SQLITE_OK)
            return code;
    }
    (void) sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    (void) sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
    (void) sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MOST);
    /*
     * From "c = 'long' AND instant_ok(c, 0)" SQLite makes instant_ok('long', 0), and what is asked
     * for need not fit the column's type. Where this is not known to SQLite it does nothing.
     */
    (void) sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, handle, PROPAGATE_CONSTANTS);
    code = sqlite3_exec(handle,
                        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                        "PRAGMA case_sensitive_like = ON",
                        NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, is_writer ? for_writing : for_reading, NULL, NULL, NULL);
    return code;
}

static int
add_functions(IdcSqliteDatabase *database)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int code = sqlite3_create_function_v2(database->handle, "instant_value", 2, flags, database,
                                          instant_value, NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database->handle, "instant_ok", 2, flags, database,
                                          instant_ok, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database->handle, "instant_store", 2, flags, database,
                                          instant_store, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database->handle, "instant_int", 2, flags, database,
                                          instant_int, NULL, NULL, NULL);
    return code;
}

IdcStatus
idc_sqlite_open(IdcArena *arena, const IdcSourceServer *server, IdcCall *call, IdcScanStats *stats,
                bool is_writer, IdcSqliteDatabase **database, IdcError *err)
{
    const int flags = (is_writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    IdcSqliteDatabase *made = idc_arena_alloc(arena, sizeof *made);
    sqlite3 *handle = NULL;
    int code;

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->path = idc_adapter_option_text(&idc_declaration_sqlite, &server->options, "path");
    made->busy_ms =
        idc_adapter_option_number(&idc_declaration_sqlite, &server->options, "busy_timeout");
    made->call = call;
    made->stats = stats;
    code = sqlite3_open_v2(made->path, &handle, flags, NULL);
    if (handle == NULL)
        return idc_fail_no_memory(err);
    if (idc_arena_on_free(arena, close_database, handle) != IDC_OK) {
        close_database(handle);
        return idc_fail_no_memory(err);
    }
    made->handle = handle;
    if (code == SQLITE_OK) {
        (void) sqlite3_extended_result_codes(handle, 1);
        (void) sqlite3_busy_handler(handle, wait_for_writer, made);
        sqlite3_progress_handler(handle, STEPS_BETWEEN_LOOKS, look_at_call, made);
        code = harden(handle, is_writer);
    }
    if (code == SQLITE_OK)
        code = add_functions(made);
    if (code != SQLITE_OK)
        return idc_sqlite_fail(made, code, NULL, err);
    *database = made;
    return IDC_OK;
}

static int
authorize(void *argument, int action, const char *first, const char *second, const char *schema,
          const char *trigger)
{
    const IdcSqliteDatabase *database = argument;

    (void) second;
    (void) schema;
    (void) trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return database->may_write ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA:
        return strcmp(first, "data_version") == 0 ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

IdcStatus
idc_sqlite_restrict(IdcSqliteDatabase *database, IdcError *err)
{
    /* Its first use declares json_each, which looks like CREATE TABLE to the authorizer. */
    int code = sqlite3_exec(database->handle, "SELECT 1 FROM json_each('[]')", NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_set_authorizer(database->handle, authorize, database);
    return code == SQLITE_OK ? IDC_OK : idc_sqlite_fail(database, code, NULL, err);
}
