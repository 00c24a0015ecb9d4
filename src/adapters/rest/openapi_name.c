/*
 * openapi_name.c - names of SQL for those of an API.
 */
#include "adapters/rest/openapi.h"

#include <ctype.h>
#include <string.h>

/* The end of text[0 .. len) without half a character. */
static size_t
whole_characters(const char *text, size_t len)
{
    while (len > 0 && !idc_utf8_is_valid(text, len))
        len--;
    return len;
}

char *
idc_openapi_name(IdcArena *arena, const char *text)
{
    size_t len = strlen(text), made = 0;
    char *name = idc_arena_alloc(arena, 2 * len + 2);

    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];
        bool begins_word =
            isupper(c) && i > 0 &&
            (islower((unsigned char) text[i - 1]) || isdigit((unsigned char) text[i - 1]) ||
             (isupper((unsigned char) text[i - 1]) && islower((unsigned char) text[i + 1])));

        if (begins_word && made > 0 && name[made - 1] != '_')
            name[made++] = '_';
        if (isalnum(c) || c >= 0x80)
            name[made++] = (char) tolower(c);
        else if (made > 0 && name[made - 1] != '_')
            name[made++] = '_';
    }
    while (made > 1 && name[made - 1] == '_')
        made--;
    if (made > IDC_OPENAPI_NAME_BYTES)
        made = whole_characters(name, IDC_OPENAPI_NAME_BYTES);
    if (made == 0)
        name[made++] = '_';
    name[made] = '\0';
    return name;
}

static bool
is_taken(const char *name, const void *taken, size_t count, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        const char *other;

        memcpy(&other, (const char *) taken + i * step, sizeof other);
        if (strcmp(other, name) == 0)
            return true;
    }
    return false;
}

const char *
idc_openapi_unique(IdcArena *arena, const char *name, const void *taken, size_t count, size_t step)
{
    const char *unique = name;

    for (int n = 2; unique != NULL && is_taken(unique, taken, count, step); n++) {
        size_t len = strlen(name), room = IDC_OPENAPI_NAME_BYTES - 6;

        if (len > room)
            len = whole_characters(name, room);
        unique = idc_arena_printf(arena, "%.*s_%d", (int) len, name, n);
    }
    return unique;
}
