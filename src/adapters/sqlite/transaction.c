/*
 * transaction.c - the connections that write: one for each transaction of the hub.
 *
 * In:   scans and writes of a transaction, its savepoints, its end
 * Out:  a connection to the file
 *
 * A scan has a connection and a snapshot of its own until its transaction writes; from then on it
 * reads on the connection that writes, which alone sees what was written. A transaction begins with
 * its first write (BEGIN IMMEDIATE: it waits for others, and nobody else writes until its end). If
 * another program has changed the file since the transaction's last scan, whose rows are perhaps
 * what is to be changed, that is an error.
 */
#include "adapters/sqlite/work.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/memory.h"

enum { WAIT_MS = 2 };

/* Memory and connection; database NULL: it is not open. */
typedef struct Connection {
    IdcArena *arena;
    IdcSqliteDatabase *database;
    struct stat file; /* as it was opened */
} Connection;

/* is_busy: a request has the connection. All else is of whoever has it. */
typedef struct Transaction {
    struct Transaction *next;
    uint64_t id;
    bool is_busy;
    Connection connection;
    int32_t level;   /* savepoints up to this one; 0: it has not begun */
    int64_t version; /* of the file when it was read; -1: it was not */
} Transaction;

/* IdcSourceServer.state. lock guards all of it, and each is_busy. */
typedef struct Writers {
    pthread_mutex_t lock;
    Transaction *first;
    Connection idle; /* of a transaction that is over, for the next one */
} Writers;

/* Of a request: what it gives back. */
typedef struct Lease {
    Writers *writers;
    Transaction *transaction;
} Lease;

IdcStatus
idc_sqlite_connect(IdcSourceServer *server, IdcError *err)
{
    Writers *writers = idc_calloc(1, sizeof *writers);

    if (writers == NULL || pthread_mutex_init(&writers->lock, NULL) != 0) {
        idc_free(writers);
        return idc_fail_no_memory(err);
    }
    server->state = writers;
    return IDC_OK;
}

static void
free_transaction(Transaction *transaction)
{
    idc_arena_free(transaction->connection.arena);
    idc_free(transaction);
}

void
idc_sqlite_disconnect(IdcSourceServer *server)
{
    Writers *writers = server->state;

    while (writers->first != NULL) {
        Transaction *transaction = writers->first;

        writers->first = transaction->next;
        free_transaction(transaction);
    }
    idc_arena_free(writers->idle.arena);
    (void) pthread_mutex_destroy(&writers->lock);
    idc_free(writers);
}

/* ---- taking turns ---- */

static Transaction *
find(Writers *writers, uint64_t id)
{
    Transaction *transaction = writers->first;

    while (transaction != NULL && transaction->id != id)
        transaction = transaction->next;
    return transaction;
}

/* The lock is held. NULL: no memory. */
static Transaction *
add(Writers *writers, uint64_t id)
{
    Transaction *transaction = idc_calloc(1, sizeof *transaction);

    if (transaction == NULL)
        return NULL;
    transaction->connection = writers->idle;
    writers->idle = (Connection){ 0 };
    if (transaction->connection.arena == NULL)
        transaction->connection.arena = idc_arena_new(0);
    if (transaction->connection.arena == NULL) {
        idc_free(transaction);
        return NULL;
    }
    transaction->id = id;
    transaction->version = -1;
    transaction->next = writers->first;
    writers->first = transaction;
    return transaction;
}

static IdcStatus
wait_turn(IdcSourceScan *scan, IdcError *err)
{
    IdcStatus status = idc_call_wait(scan->call, -1, 0, WAIT_MS, err);

    return status == IDC_TIMEOUT && idc_call_remaining_ms(scan->call, -1) != 0 ? IDC_OK : status;
}

/* Nobody else has it. *transaction NULL: there is none, and none is made. */
static IdcStatus
take(IdcSourceScan *scan, uint64_t id, bool makes, Transaction **transaction, IdcError *err)
{
    Writers *writers = scan->server->state;
    IdcStatus status = IDC_OK;
    bool is_taken = false;

    while (status == IDC_OK && !is_taken) {
        pthread_mutex_lock(&writers->lock);
        *transaction = find(writers, id);
        if (*transaction == NULL && makes) {
            *transaction = add(writers, id);
            status = *transaction == NULL ? idc_fail_no_memory(err) : IDC_OK;
        }
        is_taken = *transaction == NULL || !(*transaction)->is_busy;
        if (is_taken && *transaction != NULL)
            (*transaction)->is_busy = true;
        pthread_mutex_unlock(&writers->lock);
        if (status == IDC_OK && !is_taken)
            status = wait_turn(scan, err);
    }
    return status;
}

static void
give_back(Writers *writers, Transaction *transaction)
{
    pthread_mutex_lock(&writers->lock);
    transaction->is_busy = false;
    pthread_mutex_unlock(&writers->lock);
}

static void
end_lease(void *resource)
{
    Lease *lease = resource;

    IdcSqliteDatabase *database = lease->transaction->connection.database;

    database->forms = NULL;
    database->form_count = 0;
    database->targets = NULL;
    database->target_count = 0;
    database->may_write = false;
    give_back(lease->writers, lease->transaction);
}

/* Until the scan's arena is freed, which frees its statements before. */
static IdcStatus
lend(IdcSourceScan *scan, Transaction *transaction, IdcError *err)
{
    Lease *lease = idc_arena_alloc(scan->arena, sizeof *lease);

    if (lease != NULL)
        *lease = (Lease){ .writers = scan->server->state, .transaction = transaction };
    if (lease == NULL || idc_arena_on_free(scan->arena, end_lease, lease) != IDC_OK) {
        give_back(scan->server->state, transaction);
        return idc_fail_no_memory(err);
    }
    return IDC_OK;
}

/* ---- its connection ---- */

/* An old connection to a file that has been replaced would write to nowhere. */
static bool
is_same_file(const Connection *connection)
{
    struct stat now;

    return stat(connection->database->path, &now) == 0 && now.st_dev == connection->file.st_dev &&
           now.st_ino == connection->file.st_ino;
}

static IdcStatus
open_connection(IdcSourceScan *scan, Connection *connection, IdcError *err)
{
    IdcSqliteDatabase *database = NULL;
    IdcStatus status = idc_sqlite_open(connection->arena, scan->server, scan->call, &scan->stats,
                                       true, &database, err);

    if (status == IDC_OK)
        status = idc_sqlite_restrict(database, err);
    if (status != IDC_OK)
        return status;
    if (stat(database->path, &connection->file) != 0)
        connection->file = (struct stat){ 0 };
    connection->database = database;
    return IDC_OK;
}

/* From here on waits are those of this request. */
static IdcStatus
connect_for(IdcSourceScan *scan, Transaction *transaction, IdcError *err)
{
    Connection *connection = &transaction->connection;
    IdcSqliteDatabase *database = connection->database;

    if (database != NULL && transaction->level == 0 && transaction->version < 0 &&
        !is_same_file(connection)) {
        IdcArena *arena = idc_arena_new(0);

        if (arena == NULL)
            return idc_fail_no_memory(err);
        idc_arena_free(connection->arena);
        *connection = (Connection){ .arena = arena };
        database = NULL;
    }
    if (database == NULL)
        return open_connection(scan, connection, err);
    database->call = scan->call;
    database->stats = &scan->stats;
    idc_error_init(&database->misfit);
    return IDC_OK;
}

/* SQLite ends a transaction of its own where it was interrupted, or had no room. */
static IdcStatus
check_open(const Transaction *transaction, IdcError *err)
{
    if (transaction->level == 0 ||
        sqlite3_get_autocommit(transaction->connection.database->handle) == 0)
        return IDC_OK;
    (void) idc_fail(err, IDC_SOURCE_FAILED, "SQLite has rolled back the whole transaction");
    idc_error_set_sqlstate(err, "25P02");
    return IDC_SOURCE_FAILED;
}

/* A number that other connections' commits change. */
static IdcStatus
file_version(IdcSqliteDatabase *database, int64_t *version, IdcError *err)
{
    static const char sql[] = "PRAGMA data_version";
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *version = sqlite3_column_int64(statement, 0);
    (void) sqlite3_finalize(statement);
    return code == SQLITE_ROW ? IDC_OK : idc_sqlite_fail(database, code, sql, err);
}

/* ---- scans ---- */

static bool
is_writable(const IdcSourceServer *server)
{
    return !idc_adapter_option_bool(&idc_declaration_sqlite, &server->options, "read_only");
}

/* *database NULL: the transaction has written nothing. What it reads from now on is newer than the
 * version that is kept. */
static IdcStatus
join_transaction(IdcSourceScan *scan, IdcSqliteDatabase **database, IdcError *err)
{
    Transaction *transaction = NULL;
    IdcStatus status = take(scan, scan->transaction.id, true, &transaction, err);

    if (status != IDC_OK)
        return status;
    status = connect_for(scan, transaction, err);
    if (status == IDC_OK && transaction->level > 0) {
        status = check_open(transaction, err);
        if (status == IDC_OK) {
            *database = transaction->connection.database;
            scan->must_spool = true;
            return lend(scan, transaction, err);
        }
    }
    if (status == IDC_OK && (transaction->version < 0 || !scan->transaction.is_serializable))
        status = file_version(transaction->connection.database, &transaction->version, err);
    give_back(scan->server->state, transaction);
    return status;
}

IdcStatus
idc_sqlite_for_scan(IdcSourceScan *scan, IdcSqliteDatabase **database, IdcError *err)
{
    IdcStatus status = IDC_OK;

    *database = NULL;
    if (scan->transaction.id != 0 && is_writable(scan->server))
        status = join_transaction(scan, database, err);
    if (status != IDC_OK || *database != NULL)
        return status;
    status =
        idc_sqlite_open(scan->arena, scan->server, scan->call, &scan->stats, false, database, err);
    return status == IDC_OK ? idc_sqlite_restrict(*database, err) : status;
}

/* ---- writes ---- */

static IdcStatus
begin(Transaction *transaction, IdcError *err)
{
    int64_t version = -1;
    IdcStatus status = idc_sqlite_run(transaction->connection.database, "BEGIN IMMEDIATE", err);

    if (status != IDC_OK)
        return status;
    transaction->level = 1;
    if (transaction->version < 0)
        return IDC_OK;
    status = file_version(transaction->connection.database, &version, err);
    if (status != IDC_OK || version == transaction->version)
        return status;
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "another program has changed \"%s\" since this transaction read it",
                    transaction->connection.database->path);
    idc_error_set_sqlstate(err, "40001");
    idc_error_set_hint(err, "roll back and try again");
    return IDC_SOURCE_FAILED;
}

static IdcStatus
reach_level(Transaction *transaction, int32_t level, IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (transaction->level == 0)
        status = begin(transaction, err);
    while (status == IDC_OK && transaction->level < level) {
        char sql[48];

        (void) snprintf(sql, sizeof sql, "SAVEPOINT instant_%d", (int) transaction->level + 1);
        status = idc_sqlite_run(transaction->connection.database, sql, err);
        transaction->level += status == IDC_OK;
    }
    return status;
}

IdcStatus
idc_sqlite_for_write(IdcSourceScan *scan, IdcSqliteDatabase **database, IdcError *err)
{
    Transaction *transaction = NULL;
    IdcStatus status;

    if (!is_writable(scan->server)) {
        (void) idc_fail(err, IDC_UNSUPPORTED, "the server is read-only");
        idc_error_set_hint(err, "the server's option read_only 'false' allows writes");
        return IDC_UNSUPPORTED;
    }
    status = take(scan, scan->transaction.id, true, &transaction, err);
    if (status != IDC_OK)
        return status;
    status = connect_for(scan, transaction, err);
    if (status == IDC_OK)
        status = check_open(transaction, err);
    if (status == IDC_OK) {
        transaction->connection.database->may_write = true;
        status = reach_level(transaction, scan->transaction.level, err);
    }
    if (status != IDC_OK) {
        give_back(scan->server->state, transaction);
        return status;
    }
    *database = transaction->connection.database;
    return lend(scan, transaction, err);
}

/* ---- the end ---- */

/* Its connection waits for the next one, if none does yet. */
static void
keep_connection(Writers *writers, Transaction *transaction)
{
    IdcSqliteDatabase *database = transaction->connection.database;

    if (database == NULL || sqlite3_get_autocommit(database->handle) == 0)
        return;
    database->may_write = false;
    database->call = NULL;
    pthread_mutex_lock(&writers->lock);
    if (writers->idle.arena == NULL) {
        writers->idle = transaction->connection;
        transaction->connection = (Connection){ 0 };
    }
    pthread_mutex_unlock(&writers->lock);
}

static void
forget(Writers *writers, Transaction *transaction)
{
    Transaction **link = &writers->first;

    pthread_mutex_lock(&writers->lock);
    while (*link != transaction)
        link = &(*link)->next;
    *link = transaction->next;
    pthread_mutex_unlock(&writers->lock);
    free_transaction(transaction);
}

/* Everything, as it was written. */
static IdcStatus
end_transaction(IdcSourceScan *scan, Transaction *transaction, bool is_commit, IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (transaction->connection.database != NULL && transaction->level > 0) {
        status = connect_for(scan, transaction, err);
        if (status == IDC_OK && is_commit)
            status = check_open(transaction, err);
        transaction->connection.database->may_write = true;
        if (status == IDC_OK && is_commit)
            status = idc_sqlite_run(transaction->connection.database, "COMMIT", err);
        else if (status == IDC_OK && check_open(transaction, NULL) == IDC_OK)
            status = idc_sqlite_run(transaction->connection.database, "ROLLBACK", err);
        if (status != IDC_OK) {
            /* The hub says ROLLBACK now. */
            give_back(scan->server->state, transaction);
            return status;
        }
    }
    keep_connection(scan->server->state, transaction);
    forget(scan->server->state, transaction);
    return IDC_OK;
}

static IdcStatus
end_level(IdcSourceScan *scan, Transaction *transaction, const IdcFinish *finish, IdcError *err)
{
    IdcStatus status = IDC_OK;
    char sql[96];

    if (transaction->level >= finish->level) {
        if (finish->is_commit)
            (void) snprintf(sql, sizeof sql, "RELEASE SAVEPOINT instant_%d", (int) finish->level);
        else
            (void) snprintf(sql, sizeof sql,
                            "ROLLBACK TO SAVEPOINT instant_%d; RELEASE SAVEPOINT instant_%d",
                            (int) finish->level, (int) finish->level);
        status = connect_for(scan, transaction, err);
        if (status == IDC_OK)
            status = check_open(transaction, err);
        transaction->connection.database->may_write = true;
        if (status == IDC_OK)
            status = idc_sqlite_run(transaction->connection.database, sql, err);
        transaction->connection.database->may_write = false;
        if (status == IDC_OK)
            transaction->level = finish->level - 1;
    }
    give_back(scan->server->state, transaction);
    return status;
}

IdcStatus
idc_sqlite_finish(IdcSourceScan *scan, const IdcFinish *finish, IdcError *err)
{
    Transaction *transaction = NULL;
    IdcStatus status = take(scan, finish->id, false, &transaction, err);

    if (status != IDC_OK || transaction == NULL)
        return status;
    return finish->level == 1 ? end_transaction(scan, transaction, finish->is_commit, err)
                              : end_level(scan, transaction, finish, err);
}
