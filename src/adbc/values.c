/*
 * values.c - numbers, texts, bytes, decimals and lists; moments.c has dates and times.
 *
 * Nothing is rounded: what PostgreSQL cannot hold exactly is an error.
 */
#include "adbc/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/moments.h"

static AdbcStatusCode
fail_type(const struct ArrowSchema *schema, struct AdbcError *error)
{
    return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                         "parameter \"%s\": values of the Arrow type \"%s\" cannot be sent\nhint: "
                         "send them as text",
                         schema->name != NULL ? schema->name : "", schema->format);
}

/* ---- numbers ---- */

/* An integer of any width; of uint64 only what int64 holds. */
static int64_t
integer_at(char format, const void *values, int64_t i)
{
    switch (format) {
    case 'c':
        return ((const int8_t *) values)[i];
    case 'C':
        return ((const uint8_t *) values)[i];
    case 's':
        return ((const int16_t *) values)[i];
    case 'S':
        return ((const uint16_t *) values)[i];
    case 'i':
        return ((const int32_t *) values)[i];
    case 'I':
        return ((const uint32_t *) values)[i];
    default:
        return ((const int64_t *) values)[i];
    }
}

static void
append_integer(char format, const void *values, int64_t i, AdbcText *text)
{
    if (format == 'L')
        idc_adbc_text_format(text, "%" PRIu64, ((const uint64_t *) values)[i]);
    else
        idc_adbc_text_format(text, "%" PRId64, integer_at(format, values, i));
}

static double
half_at(const void *values, int64_t i)
{
    uint16_t bits = ((const uint16_t *) values)[i];
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023;
    double number = exponent == 0    ? ldexp(fraction, -24)
                    : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                     : ldexp(fraction + 1024, exponent - 25);

    return bits >> 15 ? -number : number;
}

/* The digits that read back as the same double; a float goes the way PostgreSQL widens it. The
 * caller has set the C locale. */
static void
append_float(char format, const void *values, int64_t i, AdbcText *text)
{
    double number = format == 'e'   ? half_at(values, i)
                    : format == 'f' ? (double) ((const float *) values)[i]
                                    : ((const double *) values)[i];

    if (isnan(number))
        idc_adbc_text_append(text, "NaN", 3);
    else if (isinf(number))
        idc_adbc_text_append(text, number > 0 ? "Infinity" : "-Infinity", number > 0 ? 8 : 9);
    else
        idc_adbc_text_format(text, "%.17g", number);
}

/* ---- decimals ---- */

/* limbs, the low one first, divided by 1e9 in place; the remainder. */
static uint32_t
divide(uint32_t *limbs, size_t count)
{
    uint64_t rest = 0;

    for (size_t i = count; i-- > 0;) {
        uint64_t part = rest << 32 | limbs[i];

        limbs[i] = (uint32_t) (part / 1000000000U);
        rest = part % 1000000000U;
    }
    return (uint32_t) rest;
}

/* The digits of |limbs| without leading zeros ("0" for zero), into 90 characters; their number. */
static size_t
limbs_digits(uint32_t *limbs, size_t count, char *digits)
{
    char reversed[90];
    size_t len = 0, result;

    for (size_t round = 0; round < count + 2 && len + 9 <= sizeof reversed; round++) {
        uint32_t rest = divide(limbs, count);

        for (size_t i = 0; i < 9; i++, rest /= 10)
            reversed[len++] = (char) ('0' + rest % 10);
    }
    while (len > 1 && reversed[len - 1] == '0')
        len--;
    result = len;
    for (size_t i = 0; i < result; i++)
        digits[i] = reversed[--len];
    return result;
}

static void
append_digits(const char *digits, size_t len, long scale, AdbcText *text)
{
    long whole = (long) len - scale;

    if (scale <= 0) {
        idc_adbc_text_append(text, digits, len);
        for (long i = scale; i < 0 && !(len == 1 && digits[0] == '0'); i++)
            idc_adbc_text_append(text, "0", 1);
        return;
    }
    if (whole <= 0)
        idc_adbc_text_append(text, "0.", 2);
    for (long i = whole; i < 0; i++)
        idc_adbc_text_append(text, "0", 1);
    if (whole > 0) {
        idc_adbc_text_append(text, digits, (size_t) whole);
        idc_adbc_text_append(text, ".", 1);
        digits += whole;
        len -= (size_t) whole;
    }
    idc_adbc_text_append(text, digits, len);
}

/* d:precision,scale or d:precision,scale,bits */
static AdbcStatusCode
append_decimal(const struct ArrowSchema *schema, const void *values, int64_t i, AdbcText *text,
               struct AdbcError *error)
{
    char *at = NULL;
    long scale, bits = 128;
    uint32_t limbs[8] = { 0 };
    char digits[90];
    size_t count;
    bool is_negative;

    (void) strtol(schema->format + 2, &at, 10);
    scale = *at == ',' ? strtol(at + 1, &at, 10) : 0;
    if (*at == ',')
        bits = strtol(at + 1, &at, 10);
    if ((bits != 32 && bits != 64 && bits != 128 && bits != 256) || labs(scale) > 1000)
        return fail_type(schema, error);
    count = (size_t) bits / 32;
    memcpy(limbs, (const uint8_t *) values + (size_t) i * count * 4, count * 4);
    is_negative = limbs[count - 1] >> 31;
    for (size_t j = 0, carry = is_negative; j < count && is_negative; j++) {
        uint64_t sum = (uint64_t) (uint32_t) ~limbs[j] + carry;

        limbs[j] = (uint32_t) sum;
        carry = sum >> 32;
    }
    if (is_negative)
        idc_adbc_text_append(text, "-", 1);
    append_digits(digits, limbs_digits(limbs, count, digits), scale, text);
    return ADBC_STATUS_OK;
}

/* ---- texts and bytes ---- */

typedef struct Span {
    const uint8_t *data;
    int64_t len;
} Span;

/* A view: 4 bytes of length, then the bytes themselves or their buffer and where they begin. */
static Span
view_at(const struct ArrowArray *array, int64_t i)
{
    const uint8_t *view = (const uint8_t *) array->buffers[1] + 16 * i;
    int32_t len, buffer, start;

    memcpy(&len, view, sizeof len);
    if (len <= 12)
        return (Span){ view + 4, len };
    memcpy(&buffer, view + 8, sizeof buffer);
    memcpy(&start, view + 12, sizeof start);
    return (Span){ (const uint8_t *) array->buffers[2 + buffer] + start, len };
}

static Span
span_at(char format, const struct ArrowArray *array, int64_t i)
{
    int64_t start, end;

    if (format == 'u' || format == 'z') {
        start = ((const int32_t *) array->buffers[1])[i];
        end = ((const int32_t *) array->buffers[1])[i + 1];
    } else {
        start = ((const int64_t *) array->buffers[1])[i];
        end = ((const int64_t *) array->buffers[1])[i + 1];
    }
    return (Span){ (const uint8_t *) array->buffers[2] + start, end - start };
}

/* Metadata is int32 count, then length and bytes of each key and value. */
static bool
is_uuid(const struct ArrowSchema *schema)
{
    static const char key[] = "ARROW:extension:name", name[] = "arrow.uuid";
    const char *at = schema->metadata;
    int32_t pairs, len;

    if (at == NULL)
        return false;
    memcpy(&pairs, at, sizeof pairs);
    at += sizeof pairs;
    for (int32_t i = 0; i < pairs; i++) {
        bool is_key;

        memcpy(&len, at, sizeof len);
        is_key = len == (int32_t) sizeof key - 1 && memcmp(at + 4, key, sizeof key - 1) == 0;
        at += 4 + len;
        memcpy(&len, at, sizeof len);
        if (is_key)
            return len == (int32_t) sizeof name - 1 && memcmp(at + 4, name, sizeof name - 1) == 0;
        at += 4 + len;
    }
    return false;
}

static void
append_hex(Span span, AdbcText *text)
{
    static const char hex[] = "0123456789abcdef";

    for (int64_t i = 0; i < span.len; i++) {
        char pair[2] = { hex[span.data[i] >> 4], hex[span.data[i] & 15] };

        idc_adbc_text_append(text, pair, sizeof pair);
    }
}

static AdbcStatusCode
append_fixed_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i,
                   AdbcText *text, InstantValueKind *kind, struct AdbcError *error)
{
    long width = strtol(schema->format + 2, NULL, 10);
    Span span = { (const uint8_t *) array->buffers[1] + width * i, width };

    if (width < 0 || width > INT32_MAX)
        return fail_type(schema, error);
    *kind = width == 16 && is_uuid(schema) ? INSTANT_UUID : INSTANT_BYTES;
    if (*kind == INSTANT_UUID)
        append_hex(span, text);
    else
        idc_adbc_text_append(text, span.data, (size_t) span.len);
    return ADBC_STATUS_OK;
}

/* ---- lists ---- */

static bool
list_range(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i,
           int64_t *start, int64_t *end)
{
    switch (schema->format[1]) {
    case 'l':
        *start = ((const int32_t *) array->buffers[1])[i];
        *end = ((const int32_t *) array->buffers[1])[i + 1];
        return true;
    case 'L':
        *start = ((const int64_t *) array->buffers[1])[i];
        *end = ((const int64_t *) array->buffers[1])[i + 1];
        return true;
    case 'w':
        *start = i * strtol(schema->format + 3, NULL, 10);
        *end = *start + strtol(schema->format + 3, NULL, 10);
        return true;
    default:
        return false;
    }
}

/* As PostgreSQL's array input reads it: numbers bare, everything else in quotes. */
static void
append_element(const AdbcText *value, InstantValueKind kind, AdbcText *text)
{
    if (kind == INSTANT_NULL) {
        idc_adbc_text_append(text, "NULL", 4);
        return;
    }
    if (kind == INSTANT_ARRAY || kind == INSTANT_INT || kind == INSTANT_FLOAT ||
        kind == INSTANT_NUMERIC || kind == INSTANT_BOOL) {
        idc_adbc_text_append(text, value->data, value->len);
        return;
    }
    idc_adbc_text_append(text, "\"", 1);
    if (kind == INSTANT_BYTES) {
        idc_adbc_text_append(text, "\\\\x", 3);
        append_hex((Span){ (const uint8_t *) value->data, (int64_t) value->len }, text);
    }
    for (size_t i = 0; i < value->len && kind != INSTANT_BYTES; i++) {
        if (value->data[i] == '"' || value->data[i] == '\\')
            idc_adbc_text_append(text, "\\", 1);
        idc_adbc_text_append(text, &value->data[i], 1);
    }
    idc_adbc_text_append(text, "\"", 1);
}

/* element: of the innermost list; of one with NULLs only, text, which PostgreSQL reads as anything.
 */
static AdbcStatusCode
append_list(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i,
            AdbcText *text, InstantValueKind *element, struct AdbcError *error)
{
    AdbcText value = { 0 };
    AdbcStatusCode code = ADBC_STATUS_OK;
    int64_t start, end;

    if (!list_range(schema, array, i, &start, &end))
        return fail_type(schema, error);
    *element = INSTANT_TEXT;
    idc_adbc_text_append(text, "{", 1);
    for (int64_t j = start; j < end && code == ADBC_STATUS_OK; j++) {
        InstantValueKind kind = INSTANT_NULL, inner = INSTANT_NULL;

        value.len = 0;
        code = idc_adbc_value(schema->children[0], array->children[0], j, &value, &kind, &inner,
                              error);
        if (code != ADBC_STATUS_OK)
            break;
        if (j > start)
            idc_adbc_text_append(text, ",", 1);
        append_element(&value, kind, text);
        if (kind == INSTANT_ARRAY)
            *element = inner;
        else if (kind != INSTANT_NULL)
            *element = kind;
    }
    idc_adbc_text_append(text, "}", 1);
    text->has_failed = text->has_failed || value.has_failed;
    idc_adbc_text_done(&value);
    return code;
}

/* ---- any value ---- */

static bool
is_null(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i)
{
    const uint8_t *validity = array->n_buffers > 0 ? array->buffers[0] : NULL;

    if (schema->format[0] == 'n')
        return true;
    return array->null_count != 0 && validity != NULL && (validity[i / 8] >> (i % 8) & 1) == 0;
}

/* i counts from the beginning of the buffers. */
static AdbcStatusCode
append(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i, AdbcText *text,
       InstantValueKind *kind, InstantValueKind *element, struct AdbcError *error)
{
    const char *format = schema->format;
    Span span;

    switch (format[0]) {
    case 'b':
        *kind = INSTANT_BOOL;
        if (((const uint8_t *) array->buffers[1])[i / 8] >> (i % 8) & 1)
            idc_adbc_text_append(text, "true", 4);
        else
            idc_adbc_text_append(text, "false", 5);
        return ADBC_STATUS_OK;
    case 'c':
    case 'C':
    case 's':
    case 'S':
    case 'i':
    case 'I':
    case 'l':
    case 'L':
        *kind = INSTANT_INT;
        append_integer(format[0], array->buffers[1], i, text);
        return ADBC_STATUS_OK;
    case 'e':
    case 'f':
    case 'g':
        *kind = INSTANT_FLOAT;
        append_float(format[0], array->buffers[1], i, text);
        return ADBC_STATUS_OK;
    case 'd':
        *kind = INSTANT_NUMERIC;
        return append_decimal(schema, array->buffers[1], i, text, error);
    case 'u':
    case 'U':
    case 'z':
    case 'Z':
        span = span_at(format[0], array, i);
        break;
    case 'v':
        span = view_at(array, i);
        format++;
        break;
    case 'w':
        return append_fixed_bytes(schema, array, i, text, kind, error);
    case 't':
        return idc_adbc_moment(schema, array->buffers[1], i, text, kind, error);
    case '+':
        *kind = INSTANT_ARRAY;
        return append_list(schema, array, i, text, element, error);
    default:
        return fail_type(schema, error);
    }
    *kind = format[0] == 'u' || format[0] == 'U' ? INSTANT_TEXT : INSTANT_BYTES;
    idc_adbc_text_append(text, span.data, (size_t) span.len);
    return ADBC_STATUS_OK;
}

AdbcStatusCode
idc_adbc_value(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t i,
               AdbcText *text, InstantValueKind *kind, InstantValueKind *element,
               struct AdbcError *error)
{
    AdbcStatusCode code;

    i += array->offset;
    *kind = *element = INSTANT_NULL;
    if (is_null(schema, array, i))
        return ADBC_STATUS_OK;
    if (schema->dictionary != NULL && array->dictionary != NULL)
        return idc_adbc_value(schema->dictionary, array->dictionary,
                              integer_at(schema->format[0], array->buffers[1], i), text, kind,
                              element, error);
    code = append(schema, array, i, text, kind, element, error);
    if (code == ADBC_STATUS_OK && text->has_failed)
        code = idc_adbc_fail_no_memory(error);
    return code;
}
