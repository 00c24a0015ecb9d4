/*
 * options.c - a small list of keys and values, as instant.h takes them.
 */
#include <stdlib.h>
#include <string.h>

#include "adbc/driver.h"

static void
item_free(InstantOption *item)
{
    free((char *) item->key);
    free((char *) item->value);
}

static size_t
item_lookup(const AdbcOptions *options, const char *key)
{
    size_t i = 0;

    while (i < options->count && strcmp(options->items[i].key, key) != 0)
        i++;
    return i;
}

bool
idc_adbc_options_set(AdbcOptions *options, const char *key, const char *value)
{
    size_t i = item_lookup(options, key);
    InstantOption made = { 0 };
    InstantOption *items = options->items;

    if (value == NULL) {
        if (i < options->count) {
            item_free(&items[i]);
            items[i] = items[--options->count];
        }
        return true;
    }
    if (i == options->count)
        items = realloc(items, (i + 1) * sizeof *items);
    if (items == NULL)
        return false;
    options->items = items;
    made = (InstantOption){ strdup(key), strdup(value) };
    if (made.key == NULL || made.value == NULL) {
        item_free(&made);
        return false;
    }
    if (i < options->count)
        item_free(&items[i]);
    else
        options->count++;
    items[i] = made;
    return true;
}

const char *
idc_adbc_options_get(const AdbcOptions *options, const char *key)
{
    size_t i = item_lookup(options, key);

    return i < options->count ? options->items[i].value : NULL;
}

bool
idc_adbc_options_copy(const AdbcOptions *from, AdbcOptions *to)
{
    for (size_t i = 0; i < from->count; i++)
        if (!idc_adbc_options_set(to, from->items[i].key, from->items[i].value))
            return false;
    return true;
}

void
idc_adbc_options_done(AdbcOptions *options)
{
    for (size_t i = 0; i < options->count; i++)
        item_free(&options->items[i]);
    free(options->items);
    *options = (AdbcOptions){ 0 };
}

const char *
idc_adbc_own_key(const char *key)
{
    static const char prefix[] = "instant.";
    size_t len = sizeof prefix - 1;

    return strncmp(key, prefix, len) == 0 && key[len] != '\0' ? key + len : NULL;
}

AdbcStatusCode
idc_adbc_option_out(const char *key, const char *value, char *out, size_t *length,
                    struct AdbcError *error)
{
    size_t size;

    if (value == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_NOT_FOUND, NULL, "option \"%s\" is not set", key);
    size = strlen(value) + 1;
    if (out != NULL && *length >= size)
        memcpy(out, value, size);
    *length = size;
    return ADBC_STATUS_OK;
}
