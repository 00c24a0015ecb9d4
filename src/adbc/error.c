/*
 * error.c - what went wrong as an AdbcError: status, SQLSTATE, message, and details.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/driver.h"

enum { MAX_DETAILS = 6 };

/* Behind error->private_data, in one piece of memory with its texts. */
typedef struct Details {
    int count;
    struct AdbcErrorDetail items[MAX_DETAILS];
    char text[];
} Details;

/* The status of an SQLSTATE, or of all that begin so; the first that fits counts. */
static const struct {
    const char *prefix;
    AdbcStatusCode code;
} code_of_sqlstate[] = {
    { "57014", ADBC_STATUS_CANCELLED },
    { "57P0", ADBC_STATUS_IO },
    { "42501", ADBC_STATUS_UNAUTHORIZED },
    { "42P01", ADBC_STATUS_NOT_FOUND },
    { "42703", ADBC_STATUS_NOT_FOUND },
    { "42704", ADBC_STATUS_NOT_FOUND },
    { "42883", ADBC_STATUS_NOT_FOUND },
    { "42P04", ADBC_STATUS_ALREADY_EXISTS },
    { "42P06", ADBC_STATUS_ALREADY_EXISTS },
    { "42P07", ADBC_STATUS_ALREADY_EXISTS },
    { "42701", ADBC_STATUS_ALREADY_EXISTS },
    { "42710", ADBC_STATUS_ALREADY_EXISTS },
    { "08", ADBC_STATUS_IO },
    { "0A", ADBC_STATUS_NOT_IMPLEMENTED },
    { "22", ADBC_STATUS_INVALID_DATA },
    { "23", ADBC_STATUS_INTEGRITY },
    { "24", ADBC_STATUS_INTERNAL },
    { "25", ADBC_STATUS_INTERNAL },
    { "28", ADBC_STATUS_UNAUTHENTICATED },
    { "3D", ADBC_STATUS_NOT_FOUND },
    { "3F", ADBC_STATUS_NOT_FOUND },
    { "21", ADBC_STATUS_INVALID_ARGUMENT },
    { "26", ADBC_STATUS_INVALID_ARGUMENT },
    { "34", ADBC_STATUS_INVALID_ARGUMENT },
    { "42", ADBC_STATUS_INVALID_ARGUMENT },
    { "44", ADBC_STATUS_INVALID_ARGUMENT },
    { "40", ADBC_STATUS_IO },
    { "5", ADBC_STATUS_IO },
    { "F0", ADBC_STATUS_IO },
    { "HV", ADBC_STATUS_IO },
    { "P0", ADBC_STATUS_INTERNAL },
    { "XX", ADBC_STATUS_INTERNAL },
};

static AdbcStatusCode
status_of_sqlstate(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof code_of_sqlstate / sizeof *code_of_sqlstate; i++) {
        const char *prefix = code_of_sqlstate[i].prefix;

        if (strncmp(sqlstate, prefix, strlen(prefix)) == 0)
            return code_of_sqlstate[i].code;
    }
    return ADBC_STATUS_UNKNOWN;
}

AdbcStatusCode
idc_adbc_status_of(const InstantError *err)
{
    switch (err->status) {
    case INSTANT_OK:
        return ADBC_STATUS_OK;
    case INSTANT_BAD_VALUE:
        return strncmp(err->sqlstate, "42", 2) == 0 ? ADBC_STATUS_INVALID_ARGUMENT
                                                    : ADBC_STATUS_INVALID_DATA;
    case INSTANT_BAD_CONFIG:
        return ADBC_STATUS_INVALID_ARGUMENT;
    case INSTANT_NOT_FOUND:
        return ADBC_STATUS_NOT_FOUND;
    case INSTANT_NO_MEMORY:
    case INSTANT_CONNECTION_FAILED:
    case INSTANT_IO_FAILED:
        return ADBC_STATUS_IO;
    case INSTANT_BAD_CREDENTIAL:
        return ADBC_STATUS_UNAUTHENTICATED;
    case INSTANT_TIMEOUT:
        return ADBC_STATUS_TIMEOUT;
    case INSTANT_CANCELED:
        return ADBC_STATUS_CANCELLED;
    case INSTANT_MISUSE:
        return ADBC_STATUS_INVALID_STATE;
    case INSTANT_UNSUPPORTED:
        return ADBC_STATUS_NOT_IMPLEMENTED;
    default:
        return status_of_sqlstate(err->sqlstate);
    }
}

static void
error_release(struct AdbcError *error)
{
    free(error->message);
    if (error->vendor_code == ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA) {
        free(error->private_data);
        error->private_data = NULL;
    }
    error->message = NULL;
    error->release = NULL;
}

static void
error_set(struct AdbcError *error, char *message, const char *sqlstate)
{
    if (error->release != NULL)
        error->release(error);
    error->message = message;
    memset(error->sqlstate, 0, sizeof error->sqlstate);
    if (sqlstate != NULL)
        memcpy(error->sqlstate, sqlstate, strnlen(sqlstate, sizeof error->sqlstate));
    /* A caller that does not say so has an AdbcError of ADBC 1.0, which ends before private_data.
     */
    if (error->vendor_code == ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA)
        error->private_data = NULL;
    else
        error->vendor_code = 0;
    error->release = error_release;
}

AdbcStatusCode
idc_adbc_fail(struct AdbcError *error, AdbcStatusCode code, const char *sqlstate,
              const char *format, ...)
{
    char *message = NULL;
    va_list args;
    int len;

    if (error == NULL)
        return code;
    va_start(args, format);
    len = vasprintf(&message, format, args);
    va_end(args);
    error_set(error, len < 0 ? NULL : message, sqlstate);
    return code;
}

AdbcStatusCode
idc_adbc_fail_no_memory(struct AdbcError *error)
{
    return idc_adbc_fail(error, ADBC_STATUS_IO, "53200", "out of memory");
}

static Details *
details_new(const InstantError *err)
{
    char number[16];
    const struct {
        const char *key, *value;
    } known[MAX_DETAILS] = {
        { "instant.status", number },        { "instant.sqlstate", err->sqlstate },
        { "instant.message", err->message }, { "instant.hint", err->hint },
        { "instant.source", err->source },   { "instant.remote_sql", err->remote_sql },
    };
    size_t size = sizeof(Details);
    Details *details;
    char *at;

    (void) snprintf(number, sizeof number, "%d", (int) err->status);
    for (size_t i = 0; i < MAX_DETAILS; i++)
        size += strlen(known[i].value);
    details = calloc(1, size);
    if (details == NULL)
        return NULL;
    at = details->text;
    for (size_t i = 0; i < MAX_DETAILS; i++) {
        size_t len = strlen(known[i].value);

        if (len == 0)
            continue;
        memcpy(at, known[i].value, len);
        details->items[details->count++] = (struct AdbcErrorDetail){ .key = known[i].key,
                                                                     .value = (const uint8_t *) at,
                                                                     .value_length = len };
        at += len;
    }
    return details;
}

AdbcStatusCode
idc_adbc_fail_instant(struct AdbcError *error, const InstantError *err)
{
    AdbcStatusCode code = idc_adbc_status_of(err);

    (void) idc_adbc_fail(error, code, err->sqlstate, "%s%s%s", err->message,
                         err->hint[0] != '\0' ? "\nhint: " : "", err->hint);
    if (error != NULL && error->vendor_code == ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA)
        error->private_data = details_new(err);
    return code;
}

static const Details *
details_of(const struct AdbcError *error)
{
    return error->release == error_release &&
                   error->vendor_code == ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA
               ? error->private_data
               : NULL;
}

int
idc_adbc_error_detail_count(const struct AdbcError *error)
{
    const Details *details = details_of(error);

    return details == NULL ? 0 : details->count;
}

struct AdbcErrorDetail
idc_adbc_error_detail(const struct AdbcError *error, int index)
{
    const Details *details = details_of(error);

    return details != NULL && index >= 0 && index < details->count ? details->items[index]
                                                                   : (struct AdbcErrorDetail){ 0 };
}
