/*
 * value_bytes.c - bytea from its hex or escape form, or from base64.
 *
 * In:   a text
 * Out:  the bytes in a column of kind BYTES
 */
#include "adapters/common/value_parts.h"

/* hex_decode of PostgreSQL: blanks may stand between bytes. */
static IdcFit
read_hex(const char *at, const char *end, IdcText *bytes, IdcValueProblem *problem)
{
    while (at < end) {
        int high, low;

        if (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        if (end - at < 2 || (high = idc_hex_value(at[0])) < 0 || (low = idc_hex_value(at[1])) < 0)
            return idc_misfit(problem, IDC_SYNTAX, "it holds what is no hexadecimal digit");
        idc_text_append_char(bytes, (char) (high << 4 | low));
        at += 2;
    }
    return IDC_FITS;
}

static bool
is_octal(char c, char most)
{
    return c >= '0' && c <= most;
}

/* The escape form of byteain: \\ and \ooo. */
static IdcFit
read_escaped(const char *at, const char *end, IdcText *bytes, IdcValueProblem *problem)
{
    while (at < end) {
        if (*at != '\\') {
            idc_text_append_char(bytes, *at++);
        } else if (end - at >= 4 && is_octal(at[1], '3') && is_octal(at[2], '7') &&
                   is_octal(at[3], '7')) {
            idc_text_append_char(bytes,
                                 (char) ((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')));
            at += 4;
        } else if (end - at >= 2 && at[1] == '\\') {
            idc_text_append_char(bytes, '\\');
            at += 2;
        } else {
            return idc_misfit(problem, IDC_SYNTAX, "a backslash in it escapes nothing");
        }
    }
    return IDC_FITS;
}

static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (idc_is_digit(c))
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets of RFC 4648; the padding may be missing, but not be wrong. */
static IdcFit
read_base64(const char *at, const char *end, IdcText *bytes, IdcValueProblem *problem)
{
    unsigned held = 0;
    int digits = 0, padding = 0;

    for (; at < end; at++) {
        int digit = base64_digit(*at);

        if (idc_is_blank(*at))
            continue;
        if (*at == '=' && ++padding <= 2)
            continue;
        if (digit < 0 || padding > 0)
            return idc_misfit(problem, IDC_SYNTAX, "it is not base64");
        held = held << 6 | (unsigned) digit;
        if (++digits % 4 == 0) {
            char group[3] = { (char) (held >> 16), (char) (held >> 8), (char) held };

            idc_text_append_len(bytes, group, sizeof group);
            held = 0;
        }
    }
    digits %= 4;
    if (digits == 1 || (padding > 0 && digits + padding != 4) ||
        (digits == 2 && (held & 15) != 0) || (digits == 3 && (held & 3) != 0))
        return idc_misfit(problem, IDC_SYNTAX, "it is not base64");
    if (digits == 2)
        idc_text_append_char(bytes, (char) (held >> 4));
    if (digits == 3) {
        idc_text_append_char(bytes, (char) (held >> 10));
        idc_text_append_char(bytes, (char) (held >> 2));
    }
    return IDC_FITS;
}

IdcFit
idc_value_bytes(IdcColumn *column, bool is_base64, const char *text, size_t len, IdcText *scratch,
                IdcValueProblem *problem)
{
    const char *end = text + len;
    IdcFit fit;

    idc_text_clear(scratch);
    if (is_base64)
        fit = read_base64(text, end, scratch, problem);
    else if (len >= 2 && text[0] == '\\' && text[1] == 'x')
        fit = read_hex(text + 2, end, scratch, problem);
    else
        fit = read_escaped(text, end, scratch, problem);
    if (fit != IDC_FITS)
        return fit;
    if (scratch->is_broken ||
        !idc_column_append_text(column, idc_text_string(scratch), scratch->len, scratch->len))
        return IDC_FITS_NO_MEMORY;
    return IDC_FITS;
}
