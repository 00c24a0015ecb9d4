/*
 * error.h - one vocabulary for what went wrong: a status, an SQLSTATE and a sentence.
 *
 * In:   what a function noticed
 * Out:  an IdcError that belongs to the caller, usually on its stack
 * Next: connector/api.c copies it into the public InstantError
 */
#ifndef IDC_BASE_ERROR_H
#define IDC_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

typedef enum IdcStatus {
    IDC_OK = 0,
    IDC_NO_MEMORY,         /* 53200 */
    IDC_BAD_VALUE,         /* 22023: a value of the caller does not fit */
    IDC_BAD_CONFIG,        /* F0000: the configuration is wrong */
    IDC_NOT_FOUND,         /* 42704: an unknown table, column, operator, source */
    IDC_CONNECTION_FAILED, /* 08006: the hub or a source cannot be reached */
    IDC_BAD_CREDENTIAL,    /* 28P01 */
    IDC_SOURCE_FAILED,     /* HV000: the source answered with an error */
    IDC_QUERY_FAILED,      /* the hub's own SQLSTATE */
    IDC_TIMEOUT,           /* 57014 */
    IDC_CANCELED,          /* 57014 */
    IDC_IO_FAILED,         /* 58030: a file of this machine */
    IDC_MISUSE,     /* XX000: a call that the API forbids, such as using a closed connector */
    IDC_UNSUPPORTED /* 0A000 */
} IdcStatus;

#define IDC_CHECKED __attribute__((warn_unused_result))

typedef struct IdcError {
    IdcStatus status;
    char sqlstate[6];
    char message[4096];
    char hint[1024];
    char source[128];      /* foreign server, or empty */
    char remote_sql[2048]; /* what was sent to the source, or empty */
} IdcError;

/* Reset to "no error". */
void idc_error_init(IdcError *err);

/*
 * Fill in err (which may be NULL) and return status. The SQLSTATE is the status's own until
 * idc_error_set_sqlstate. Messages follow docs/internals: lower case, no full stop, no secret.
 */
IdcStatus idc_fail(IdcError *err, IdcStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before the message; returns the status that err holds already. */
IdcStatus idc_add_context(IdcError *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void idc_error_set_sqlstate(IdcError *err, const char *sqlstate);
void idc_error_set_hint(IdcError *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void idc_error_set_source(IdcError *err, const char *source);
void idc_error_set_remote_sql(IdcError *err, const char *sql);

/* "out of memory", in one place. */
IdcStatus idc_fail_no_memory(IdcError *err);

/* strerror for any thread; the pointer is good until this thread's next call. */
const char *idc_errno_text(int code);

#endif
