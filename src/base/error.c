/*
 * error.c - filling in an IdcError.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const sqlstates[] = {
    [IDC_OK] = "00000",
    [IDC_NO_MEMORY] = "53200",
    [IDC_BAD_VALUE] = "22023",
    [IDC_BAD_CONFIG] = "F0000",
    [IDC_NOT_FOUND] = "42704",
    [IDC_CONNECTION_FAILED] = "08006",
    [IDC_BAD_CREDENTIAL] = "28P01",
    [IDC_SOURCE_FAILED] = "HV000",
    [IDC_QUERY_FAILED] = "XX000",
    [IDC_TIMEOUT] = "57014",
    [IDC_CANCELED] = "57014",
    [IDC_IO_FAILED] = "58030",
    [IDC_MISUSE] = "XX000",
    [IDC_UNSUPPORTED] = "0A000",
};

/* snprintf cuts at a byte; take away the piece of a UTF-8 sequence that it may leave. */
static void
trim_cut_sequence(char *text, size_t size)
{
    size_t len = strlen(text), start = len;

    if (len + 1 < size)
        return;
    while (start > 0 && ((unsigned char) text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char) text[start - 1] >= 0xC0)
        text[start - 1] = '\0';
}

void
idc_error_init(IdcError *err)
{
    if (err == NULL)
        return;
    err->status = IDC_OK;
    memcpy(err->sqlstate, "00000", 6);
    err->message[0] = err->hint[0] = err->source[0] = err->remote_sql[0] = '\0';
}

IdcStatus
idc_fail(IdcError *err, IdcStatus status, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return status;
    idc_error_init(err);
    err->status = status;
    idc_error_set_sqlstate(err, sqlstates[status]);
    va_start(args, format);
    (void) vsnprintf(err->message, sizeof err->message, format, args);
    trim_cut_sequence(err->message, sizeof err->message);
    va_end(args);
    return status;
}

IdcStatus
idc_fail_no_memory(IdcError *err)
{
    return idc_fail(err, IDC_NO_MEMORY, "out of memory");
}

IdcStatus
idc_add_context(IdcError *err, const char *format, ...)
{
    char context[512];
    size_t context_len, message_len;
    va_list args;

    if (err == NULL)
        return IDC_MISUSE;
    va_start(args, format);
    (void) vsnprintf(context, sizeof context - 2, format, args);
    va_end(args);
    context_len = strlen(context);
    memcpy(context + context_len, ": ", 3);
    context_len += 2;
    message_len = strlen(err->message);
    if (message_len + context_len >= sizeof err->message)
        message_len = sizeof err->message - context_len - 1;
    memmove(err->message + context_len, err->message, message_len);
    err->message[context_len + message_len] = '\0';
    trim_cut_sequence(err->message, sizeof err->message);
    memcpy(err->message, context, context_len);
    return err->status;
}

static void
copy_field(char *field, size_t size, const char *text)
{
    (void) snprintf(field, size, "%s", text != NULL ? text : "");
    trim_cut_sequence(field, size);
}

void
idc_error_set_sqlstate(IdcError *err, const char *sqlstate)
{
    if (err != NULL && sqlstate != NULL)
        copy_field(err->sqlstate, sizeof err->sqlstate, sqlstate);
}

void
idc_error_set_hint(IdcError *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return;
    va_start(args, format);
    (void) vsnprintf(err->hint, sizeof err->hint, format, args);
    trim_cut_sequence(err->hint, sizeof err->hint);
    va_end(args);
}

void
idc_error_set_source(IdcError *err, const char *source)
{
    if (err != NULL)
        copy_field(err->source, sizeof err->source, source);
}

void
idc_error_set_remote_sql(IdcError *err, const char *sql)
{
    if (err != NULL)
        copy_field(err->remote_sql, sizeof err->remote_sql, sql);
}

const char *
idc_errno_text(int code)
{
    static _Thread_local char buffer[128];

    return strerror_r(code, buffer, sizeof buffer);
}
