/*
 * quote.c - doubling quotes, after refusing what cannot be quoted.
 */
#include "base/quote.h"

#include <string.h>

static IdcStatus
check_bytes(const char *what, const char *bytes, size_t len, IdcError *err)
{
    if (memchr(bytes, '\0', len) != NULL)
        return idc_fail(err, IDC_BAD_VALUE, "%s holds a NUL byte, which PostgreSQL cannot store",
                        what);
    if (!idc_utf8_is_valid(bytes, len))
        return idc_fail(err, IDC_BAD_VALUE, "%s is not valid UTF-8", what);
    return IDC_OK;
}

static void
append_doubling(IdcText *sql, const char *bytes, size_t len, char quote, bool backslash_too)
{
    size_t start = 0;

    for (size_t i = 0; i < len; i++)
        if (bytes[i] == quote || (backslash_too && bytes[i] == '\\')) {
            idc_text_append_len(sql, bytes + start, i + 1 - start);
            start = i;
        }
    idc_text_append_len(sql, bytes + start, len - start);
}

IdcStatus
idc_quote_identifier(IdcText *sql, const char *name, IdcError *err)
{
    size_t len = strlen(name);
    IdcStatus status = check_bytes("a name", name, len, err);

    if (status != IDC_OK)
        return status;
    if (len == 0)
        return idc_fail(err, IDC_BAD_VALUE, "a name is empty");
    idc_text_append_char(sql, '"');
    append_doubling(sql, name, len, '"', false);
    idc_text_append_char(sql, '"');
    return IDC_OK;
}

IdcStatus
idc_quote_literal(IdcText *sql, const char *bytes, size_t len, IdcError *err)
{
    IdcStatus status = check_bytes("a value", bytes, len, err);

    if (status != IDC_OK)
        return status;
    idc_text_append(sql, memchr(bytes, '\\', len) != NULL ? "E'" : "'");
    append_doubling(sql, bytes, len, '\'', true);
    idc_text_append_char(sql, '\'');
    return IDC_OK;
}
