/*
 * link.c - the header Link (RFC 8288, section 3 and appendix B.2), strictly.
 *
 *   <https://api.example/users?page=2>; rel="next", <…>; rel=last
 */
#include "adapters/rest/work.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void
skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

static size_t
token_length(const char *at)
{
    size_t len = 0;

    while (isalnum((unsigned char) at[len]) ||
           (at[len] != '\0' && strchr("!#$%&'*+-.^_`|~", at[len]) != NULL))
        len++;
    return len;
}

/* "…" with backslashes, behind its first quote; false: it has no end. */
static bool
read_quoted(const char **at, IdcText *value)
{
    while (**at != '"') {
        if (**at == '\\')
            (*at)++;
        if (**at == '\0')
            return false;
        idc_text_append_char(value, *(*at)++);
    }
    (*at)++;
    return true;
}

/* Relations are words between blanks, compared without case. */
static bool
has_relation(const char *relations, const char *wanted)
{
    size_t wanted_len = strlen(wanted), len;

    for (; *relations != '\0'; relations += len) {
        relations += strspn(relations, " \t");
        len = strcspn(relations, " \t");
        if (len == wanted_len && strncasecmp(relations, wanted, len) == 0)
            return true;
    }
    return false;
}

/* ; name, ; name=token or ; name="text". */
static bool
read_param(const char **at, const char **name, size_t *name_len, IdcText *value)
{
    size_t len;

    idc_text_clear(value);
    skip_blanks(at);
    *name = *at;
    *name_len = token_length(*at);
    *at += *name_len;
    skip_blanks(at);
    if (**at != '=')
        return *name_len > 0;
    (*at)++;
    skip_blanks(at);
    if (**at == '"') {
        (*at)++;
        return *name_len > 0 && read_quoted(at, value);
    }
    len = token_length(*at);
    idc_text_append_len(value, *at, len);
    *at += len;
    return *name_len > 0 && len > 0;
}

/* The parameters of one link. Only its first rel counts, and an anchor makes it another page's. */
static bool
read_params(const char **at, bool *is_next, IdcText *value)
{
    bool has_rel = false, has_anchor = false;
    const char *name;
    size_t len;

    *is_next = false;
    for (skip_blanks(at); **at == ';'; skip_blanks(at)) {
        (*at)++;
        skip_blanks(at);
        if (**at == ';' || **at == ',' || **at == '\0')
            continue; /* an empty one is allowed */
        if (!read_param(at, &name, &len, value))
            return false;
        if (len == 6 && strncasecmp(name, "anchor", 6) == 0)
            has_anchor = true;
        if (len == 3 && strncasecmp(name, "rel", 3) == 0 && !has_rel) {
            has_rel = true;
            *is_next = has_relation(idc_text_string(value), "next");
        }
    }
    *is_next = *is_next && !has_anchor;
    return true;
}

IdcRestLink
idc_rest_link_next(const char *value, IdcText *target)
{
    const char *at = value, *begin = value;
    IdcRestLink found = IDC_REST_LINK_NONE;
    IdcText scratch;
    bool is_next = false;
    size_t len = 0;

    idc_text_init(&scratch, 0);
    while (found == IDC_REST_LINK_NONE) {
        at += strspn(at, " \t,");
        if (*at == '\0')
            break;
        begin = at + 1;
        len = *at == '<' ? strcspn(begin, "<> \t\"") : 0;
        if (*at != '<' || begin[len] != '>') {
            found = IDC_REST_LINK_MALFORMED;
            break;
        }
        at = begin + len + 1;
        if (!read_params(&at, &is_next, &scratch) || (*at != ',' && *at != '\0'))
            found = IDC_REST_LINK_MALFORMED;
        else if (is_next)
            found = IDC_REST_LINK_FOUND;
    }
    idc_text_done(&scratch);
    if (found == IDC_REST_LINK_FOUND)
        idc_text_append_len(target, begin, len);
    return found;
}
