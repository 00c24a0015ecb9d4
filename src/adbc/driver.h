/*
 * driver.h - what the files of the ADBC driver share: objects, options, errors, running calls.
 *
 * In:   the calls of an ADBC driver manager (adbc.h), from any language
 * Out:  calls of instant/instant.h, and Arrow streams
 * Next: driver.c (the table of calls), then database.c, connection.c, statement.c
 *
 * A driver manager's objects hold one pointer each, private_data: ours from ...New to ...Release,
 * NULL before and after. Every call looks at it first, so a released object answers
 * ADBC_STATUS_INVALID_STATE.
 */
#ifndef INSTANT_ADBC_DRIVER_H
#define INSTANT_ADBC_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arrow-adbc/adbc.h>

#include "instant/instant.h"

/* ---- options: keys and values in memory of their own ---- */

typedef struct AdbcOptions {
    InstantOption *items;
    size_t count;
} AdbcOptions;

/* The value of a key, replacing an earlier one; value NULL removes it. False: out of memory. */
bool idc_adbc_options_set(AdbcOptions *options, const char *key, const char *value);
/* The value, NULL where it was not set; good until the next set. */
const char *idc_adbc_options_get(const AdbcOptions *options, const char *key);
bool idc_adbc_options_copy(const AdbcOptions *from, AdbcOptions *to);
void idc_adbc_options_done(AdbcOptions *options);

/* "instant.KEY": KEY; else NULL. */
const char *idc_adbc_own_key(const char *key);
/* Write a text where GetOption wants it: *length is the room, and then what it takes with NUL. */
AdbcStatusCode idc_adbc_option_out(const char *key, const char *value, char *out, size_t *length,
                                   struct AdbcError *error);

/* ---- errors (error.c) ---- */

/* Fill in the caller's error (may be NULL) and return code. The SQLSTATE may be NULL. */
AdbcStatusCode idc_adbc_fail(struct AdbcError *error, AdbcStatusCode code, const char *sqlstate,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
AdbcStatusCode idc_adbc_fail_no_memory(struct AdbcError *error);
/* The same for what libinstant says: its hint, source and remote SQL become details. */
AdbcStatusCode idc_adbc_fail_instant(struct AdbcError *error, const InstantError *err);
AdbcStatusCode idc_adbc_status_of(const InstantError *err);
int idc_adbc_error_detail_count(const struct AdbcError *error);
struct AdbcErrorDetail idc_adbc_error_detail(const struct AdbcError *error, int index);

/* ---- calls that run (session.c) ---- */

/*
 * What a connection and everything that runs over it share; counted, so that a stream may outlive
 * the connection that it came from. The list has every call under way.
 */
typedef struct AdbcSession AdbcSession;
typedef struct AdbcOperation AdbcOperation;

AdbcSession *idc_adbc_session_new(InstantConnector *connector);
void idc_adbc_session_drop(AdbcSession *session);
/* The connection is released, and the connector may be closed next: nothing new runs from now on.
 */
void idc_adbc_session_close(AdbcSession *session);
/* Cancel what runs for the owner (NULL: everything); returns how many calls that were. */
size_t idc_adbc_session_cancel(AdbcSession *session, const void *owner);

/* NULL: out of memory. The operation holds the session. */
AdbcOperation *idc_adbc_operation_begin(AdbcSession *session, const void *owner);
InstantCall *idc_adbc_operation_call(AdbcOperation *operation);
/* NULL: the connection was released. */
InstantConnector *idc_adbc_operation_connector(AdbcOperation *operation);
/* The result, which the operation owns from now on, gets later cancels too. */
void idc_adbc_operation_watch(AdbcOperation *operation, InstantResult *result);
InstantResult *idc_adbc_operation_result(const AdbcOperation *operation);
/* The call is over: free it, and the result. NULL is accepted. */
void idc_adbc_operation_end(AdbcOperation *operation);

/* ---- objects ---- */

typedef struct Database {
    AdbcOptions options;
    InstantConnector *connector; /* NULL before DatabaseInit */
    atomic_int connection_count;
} Database;

typedef struct Connection {
    Database *database;   /* NULL before ConnectionInit */
    AdbcSession *session; /* NULL before ConnectionInit */
    AdbcOptions options;  /* of queries; every statement begins with them */
    char *catalog;        /* the hub's database */
    atomic_int statement_count;
} Connection;

/* The object behind the pointer, NULL with the error filled in where it was released (or, with
 * is_open, not initialised yet). */
Database *idc_adbc_database(struct AdbcDatabase *database, struct AdbcError *error);
Connection *idc_adbc_connection(struct AdbcConnection *connection, bool is_open,
                                struct AdbcError *error);

#endif
