/*
 * options.c - what all who read an adapter's options share: is it known there, is its value one?
 *
 * Values of secret options are never looked at (they may be references), nor shown.
 */
#include "adapters/adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/json_check.h"

#define SQLSTATE_INVALID_NAME "HV00D"   /* fdw_invalid_option_name */
#define SQLSTATE_NAME_NOT_FOUND "HV00J" /* fdw_option_name_not_found */
#define DIGITS "0123456789"

enum { MAX_WORDS = 128, SHOWN_BYTES = 80 };

/* ---- units ---- */

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

static const Unit durations[] = { { "", 1 },        { "ms", 1 },      { "s", 1000 },
                                  { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
                                  { NULL, 0 } };
static const Unit sizes[] = { { "", 1 },
                              { "B", 1 },
                              { "kB", INT64_C(1) << 10 },
                              { "MB", INT64_C(1) << 20 },
                              { "GB", INT64_C(1) << 30 },
                              { "TB", INT64_C(1) << 40 },
                              { NULL, 0 } };

/* A whole number that is not negative, blanks, and a unit. */
static bool
parse_with_unit(const char *value, const Unit *units, int64_t *number)
{
    char digits[24];
    size_t len = strspn(value, DIGITS);
    const char *unit = value + len;
    int64_t count;

    if (len == 0 || len >= sizeof digits)
        return false;
    (void) snprintf(digits, sizeof digits, "%.*s", (int) len, value);
    if (!idc_int64_parse(digits, &count))
        return false;
    unit += strspn(unit, " ");
    for (; units->name != NULL; units++)
        if (strcmp(unit, units->name) == 0)
            return !__builtin_mul_overflow(count, units->factor, number);
    return false;
}

static bool
is_decimal(const char *value)
{
    size_t whole = strspn(value, DIGITS), fraction;

    if (value[whole] == '\0')
        return whole > 0;
    fraction = strspn(value + whole + 1, DIGITS);
    return value[whole] == '.' && whole + fraction > 0 && value[whole + 1 + fraction] == '\0';
}

/* ---- finding ---- */

/* How many bytes of it a message shows: whole characters. */
static int
shown_len(const char *text)
{
    size_t len = strnlen(text, SHOWN_BYTES + 1);

    if (len <= SHOWN_BYTES)
        return (int) len;
    for (len = SHOWN_BYTES; len > 0 && ((unsigned char) text[len] & 0xC0) == 0x80;)
        len--;
    return (int) len;
}

/* The adapter's own options first, then those of all adapters; NULL behind the last. */
static const IdcAdapterOption *
option_at(const IdcDeclaration *declaration, size_t position)
{
    const IdcAdapterOption *option = declaration->options;

    while (option->name != NULL && position > 0) {
        option++;
        position--;
    }
    if (option->name == NULL)
        option = idc_common_options + position;
    return option->name == NULL ? NULL : option;
}

const IdcAdapterOption *
idc_adapter_option_find(const IdcDeclaration *declaration, IdcOptionLevel level, const char *name)
{
    const IdcAdapterOption *option;

    for (size_t i = 0; (option = option_at(declaration, i)) != NULL; i++)
        if ((option->levels & (unsigned) level) != 0 && strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

/* At whatever level. */
static const IdcAdapterOption *
find_anywhere(const IdcDeclaration *declaration, const char *name)
{
    const IdcAdapterOption *option;

    for (size_t i = 0; (option = option_at(declaration, i)) != NULL; i++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

static const char *
level_words(unsigned level)
{
    switch (level) {
    case IDC_OPTION_SERVER:
        return "a server";
    case IDC_OPTION_USER:
        return "a user mapping";
    case IDC_OPTION_TABLE:
        return "a foreign table";
    case IDC_OPTION_COLUMN:
        return "a column";
    default:
        return "IMPORT FOREIGN SCHEMA";
    }
}

static unsigned
lowest_level(unsigned levels)
{
    return levels & (~levels + 1);
}

static IdcStatus
fail_unknown(const IdcDeclaration *declaration, IdcOptionLevel level, const char *name,
             IdcError *err)
{
    const IdcAdapterOption *elsewhere = find_anywhere(declaration, name);
    const char *words[MAX_WORDS], *nearest;
    const IdcAdapterOption *option;
    size_t count = 0;

    if (elsewhere != NULL) {
        (void) idc_fail(err, IDC_NOT_FOUND, "option \"%s\" belongs to %s, not to %s", name,
                        level_words(lowest_level(elsewhere->levels)), level_words(level));
        idc_error_set_sqlstate(err, SQLSTATE_INVALID_NAME);
        return IDC_NOT_FOUND;
    }
    for (size_t i = 0; (option = option_at(declaration, i)) != NULL; i++)
        if ((option->levels & (unsigned) level) != 0 && count < MAX_WORDS)
            words[count++] = option->name;
    nearest = idc_nearest_word(name, words, count);
    (void) idc_fail(err, IDC_NOT_FOUND, "%s of \"%s\" has no option \"%.*s\"", level_words(level),
                    declaration->name, shown_len(name), name);
    idc_error_set_sqlstate(err, SQLSTATE_INVALID_NAME);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    return IDC_NOT_FOUND;
}

/* ---- values ---- */

/* "what" is what it should be; the value is shown where it cannot be a secret. */
static IdcStatus
fail_value(const IdcAdapterOption *option, const char *value, const char *what, IdcError *err)
{
    return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" must be %s, not \"%.*s%s\"", option->name,
                    what, shown_len(value), value, strlen(value) > SHOWN_BYTES ? "…" : "");
}

static IdcStatus
check_range(const IdcAdapterOption *option, const char *value, int64_t number, const char *unit,
            IdcError *err)
{
    if (number >= option->min && (option->max == 0 || number <= option->max))
        return IDC_OK;
    if (option->max == 0)
        return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" must be at least %lld%s, not \"%s\"",
                        option->name, (long long) option->min, unit, value);
    return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" must be from %lld to %lld%s, not \"%s\"",
                    option->name, (long long) option->min, (long long) option->max, unit, value);
}

static bool
is_word(const IdcAdapterOption *option, const char *value, size_t *count)
{
    for (*count = 0; option->words[*count] != NULL; ++*count)
        if (strcmp(option->words[*count], value) == 0)
            return true;
    return false;
}

static IdcStatus
check_word(const IdcAdapterOption *option, const char *value, IdcError *err)
{
    char list[512];
    const char *nearest;
    size_t count, used = 0;

    if (is_word(option, value, &count))
        return IDC_OK;
    list[0] = '\0';
    for (size_t i = 0; i < count && used < sizeof list - 1; i++) {
        int len = snprintf(list + used, sizeof list - used, "%s\"%s\"",
                           i == 0           ? ""
                           : i + 1 == count ? " or "
                                            : ", ",
                           option->words[i]);

        used += len < 0 ? 0 : (size_t) len;
    }
    (void) fail_value(option, value, list, err);
    nearest = idc_nearest_word(value, option->words, count);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    return IDC_BAD_VALUE;
}

/* Behind the host: nothing, or a port. */
static bool
is_port_or_nothing(const char *text, size_t len)
{
    int64_t port = 0;

    if (len == 0)
        return true;
    if (text[0] != ':' || len > 6 || strspn(text + 1, DIGITS) < len - 1)
        return false;
    for (size_t i = 1; i < len; i++)
        port = port * 10 + (text[i] - '0');
    return port >= 1 && port <= UINT16_MAX;
}

/* authority = host [":" port]; RFC 3986, 3.2, without user information. */
static bool
is_authority(const char *text, size_t len)
{
    size_t host_len;

    if (len > 0 && text[0] == '[') {
        host_len = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
        if (host_len < 4 || host_len >= len || text[host_len] != ']')
            return false;
        host_len++;
    } else {
        host_len = strcspn(text, ":/?#");
        if (host_len == 0 || host_len > len || memchr(text, '[', len) != NULL ||
            memchr(text, ']', len) != NULL)
            return false;
    }
    return is_port_or_nothing(text + host_len, len - host_len);
}

/* Blanks, control characters and backslashes are read differently by different programs. */
static bool
has_odd_characters(const char *url)
{
    for (; *url != '\0'; url++)
        if ((unsigned char) *url <= 0x20 || *url == 0x7F || *url == '\\')
            return true;
    return false;
}

/* A URL is never shown: it may have a password in it. */
static IdcStatus
check_url(const IdcAdapterOption *option, const char *value, IdcError *err)
{
    const char *authority = strncmp(value, "http://", 7) == 0    ? value + 7
                            : strncmp(value, "https://", 8) == 0 ? value + 8
                                                                 : NULL;
    size_t len;

    if (authority == NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"%s\" must be a URL that begins with http:// or https://",
                        option->name);
    len = strcspn(authority, "/?#");
    if (memchr(authority, '@', len) != NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"%s\" must be a URL without user and password: they belong into "
                        "the user mapping",
                        option->name);
    if (has_odd_characters(value) || !idc_utf8_is_valid(value, strlen(value)) ||
        !is_authority(authority, len))
        return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is no valid URL", option->name);
    return IDC_OK;
}

static IdcStatus
check_json(const IdcAdapterOption *option, const char *value, IdcError *err)
{
    size_t position;

    if (idc_json_check(value, &position))
        return IDC_OK;
    return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is no valid JSON at byte %zu", option->name,
                    position + 1);
}

static IdcStatus
check_quantity(const IdcAdapterOption *option, const char *value, IdcError *err)
{
    int64_t number;

    switch (option->type) {
    case IDC_OPTION_DURATION:
        if (!parse_with_unit(value, durations, &number))
            return fail_value(option, value,
                              "a time such as \"500ms\", \"10s\", \"5min\" or \"1h\"", err);
        return check_range(option, value, number, " ms", err);
    case IDC_OPTION_SIZE:
        if (!parse_with_unit(value, sizes, &number))
            return fail_value(option, value, "a size such as \"64kB\", \"16MB\" or \"1GB\"", err);
        return check_range(option, value, number, " bytes", err);
    default:
        if (!idc_int64_parse(value, &number))
            return fail_value(option, value, "a whole number", err);
        return check_range(option, value, number, "", err);
    }
}

static IdcStatus
check_value(const IdcAdapterOption *option, const char *value, IdcError *err)
{
    bool is_true;

    switch (option->type) {
    case IDC_OPTION_BOOL:
        if (!idc_bool_parse(value, &is_true))
            return fail_value(option, value, "true or false", err);
        return IDC_OK;
    case IDC_OPTION_INTEGER:
    case IDC_OPTION_DURATION:
    case IDC_OPTION_SIZE:
        return check_quantity(option, value, err);
    case IDC_OPTION_NUMBER:
        if (!is_decimal(value))
            return fail_value(option, value, "a number of 0 or more", err);
        return IDC_OK;
    case IDC_OPTION_WORD:
        return check_word(option, value, err);
    case IDC_OPTION_URL:
        return check_url(option, value, err);
    case IDC_OPTION_JSON:
        return check_json(option, value, err);
    default:
        return IDC_OK;
    }
}

IdcStatus
idc_adapter_option_check(const IdcDeclaration *declaration, IdcOptionLevel level, const char *name,
                         const char *value, IdcError *err)
{
    const IdcAdapterOption *option = idc_adapter_option_find(declaration, level, name);

    if (option == NULL)
        return fail_unknown(declaration, level, name, err);
    if (!option->is_secret)
        return check_value(option, value, err);
    if (value[0] == '\0')
        return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is empty", name);
    return IDC_OK;
}

static IdcStatus
check_required(const IdcDeclaration *declaration, IdcOptionLevel level, const IdcOptionSet *options,
               IdcError *err)
{
    const IdcAdapterOption *option;

    for (size_t i = 0; (option = option_at(declaration, i)) != NULL; i++) {
        if (!option->is_required || (option->levels & (unsigned) level) == 0 ||
            idc_option_value(options, option->name) != NULL)
            continue;
        (void) idc_fail(err, IDC_BAD_VALUE, "%s of \"%s\" needs the option \"%s\"",
                        level_words(level), declaration->name, option->name);
        idc_error_set_sqlstate(err, SQLSTATE_NAME_NOT_FOUND);
        if (option->help != NULL)
            idc_error_set_hint(err, "%s: %s", option->name, option->help);
        return IDC_BAD_VALUE;
    }
    return IDC_OK;
}

static bool
was_given_before(const IdcOptionSet *options, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(options->items[j].name, options->items[i].name) == 0)
            return true;
    return false;
}

IdcStatus
idc_adapter_options_check(const IdcDeclaration *declaration, IdcOptionLevel level,
                          const IdcOptionSet *options, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < options->count; i++) {
        const IdcOptionPair *pair = &options->items[i];

        status = idc_adapter_option_check(declaration, level, pair->name, pair->value, err);
        if (status == IDC_OK && was_given_before(options, i))
            status = idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is given twice", pair->name);
    }
    if (status == IDC_OK)
        status = check_required(declaration, level, options, err);
    if (status == IDC_OK && declaration->check != NULL)
        status = declaration->check(level, options, err);
    return status;
}

/* ---- reading ---- */

const char *
idc_adapter_option_text(const IdcDeclaration *declaration, const IdcOptionSet *options,
                        const char *name)
{
    const char *value = idc_option_value(options, name);
    const IdcAdapterOption *option;

    if (value != NULL)
        return value;
    option = find_anywhere(declaration, name);
    return option == NULL ? NULL : option->fallback;
}

bool
idc_adapter_option_bool(const IdcDeclaration *declaration, const IdcOptionSet *options,
                        const char *name)
{
    const char *value = idc_adapter_option_text(declaration, options, name);
    bool is_true;

    return value != NULL && idc_bool_parse(value, &is_true) && is_true;
}

int64_t
idc_adapter_option_number(const IdcDeclaration *declaration, const IdcOptionSet *options,
                          const char *name)
{
    const char *value = idc_adapter_option_text(declaration, options, name);
    const IdcAdapterOption *option = find_anywhere(declaration, name);
    int64_t number;
    bool is_number;

    if (value == NULL || option == NULL)
        return -1;
    if (option->type == IDC_OPTION_DURATION)
        is_number = parse_with_unit(value, durations, &number);
    else if (option->type == IDC_OPTION_SIZE)
        is_number = parse_with_unit(value, sizes, &number);
    else
        is_number = idc_int64_parse(value, &number);
    return is_number ? number : -1;
}

double
idc_adapter_option_decimal(const IdcDeclaration *declaration, const IdcOptionSet *options,
                           const char *name)
{
    const char *value = idc_adapter_option_text(declaration, options, name);

    return value != NULL && is_decimal(value) ? strtod(value, NULL) : -1;
}
