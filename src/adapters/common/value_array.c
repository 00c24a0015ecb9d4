/*
 * value_array.c - a JSON array as the literal of an array of PostgreSQL.
 *
 * In:   a JSON array of scalars, or of arrays of scalars, which were checked to be JSON
 * Out:  {1,NULL,"a b"}; the hub's array_in reads it
 */
#include "adapters/common/value_parts.h"

#include <string.h>

enum { MOST_DIMENSIONS = 6 }; /* MAXDIM of PostgreSQL */

bool
idc_value_is_array(uint32_t oid, uint32_t *element)
{
    /* pg_type.dat: the array types and what they hold. */
    static const uint32_t arrays[][2] = {
        { 1000, IDC_TYPE_BOOL },     { 1001, IDC_TYPE_BYTEA },     { 1003, IDC_TYPE_NAME },
        { 1016, IDC_TYPE_INT8 },     { 1005, IDC_TYPE_INT2 },      { 1007, IDC_TYPE_INT4 },
        { 1009, IDC_TYPE_TEXT },     { 1028, IDC_TYPE_OID },       { 199, IDC_TYPE_JSON },
        { 1021, IDC_TYPE_FLOAT4 },   { 1022, IDC_TYPE_FLOAT8 },    { 1041, IDC_TYPE_INET },
        { 1014, IDC_TYPE_BPCHAR },   { 1015, IDC_TYPE_VARCHAR },   { 1182, IDC_TYPE_DATE },
        { 1183, IDC_TYPE_TIME },     { 1115, IDC_TYPE_TIMESTAMP }, { 1185, IDC_TYPE_TIMESTAMPTZ },
        { 1187, IDC_TYPE_INTERVAL }, { 1270, IDC_TYPE_TIMETZ },    { 1231, IDC_TYPE_NUMERIC },
        { 2951, IDC_TYPE_UUID },     { 3807, IDC_TYPE_JSONB },     { 651, 650 /* cidr */ },
        { 1040, 829 /* macaddr */ }, { 775, 774 /* macaddr8 */ },  { 791, 790 /* money */ },
        { 1561, 1560 /* bit */ },    { 1563, 1562 /* varbit */ },  { 143, 142 /* xml */ },
    };

    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (arrays[i][0] == oid) {
            *element = arrays[i][1];
            return true;
        }
    return false;
}

/* Where the string ends whose inside begins here: at its closing quote. */
static const char *
string_end(const char *at)
{
    while (*at != '"')
        at += *at == '\\' ? 2 : 1;
    return at;
}

/* The end of the object or array that begins here. */
static const char *
structure_end(const char *at)
{
    int depth = 0;

    do {
        if (*at == '"')
            at = string_end(at + 1);
        else if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth > 0);
    return at;
}

/* In quotes, with a backslash before quotes and backslashes. */
static void
append_quoted(IdcText *literal, const char *text, size_t len)
{
    idc_text_append_char(literal, '"');
    for (size_t i = 0, from = 0; i <= len; i++) {
        if (i < len && text[i] != '"' && text[i] != '\\')
            continue;
        idc_text_append_len(literal, text + from, i - from);
        if (i < len)
            idc_text_append_char(literal, '\\');
        from = i;
    }
    idc_text_append_char(literal, '"');
}

static IdcFit
append_string(IdcText *literal, const char *inside, size_t len, IdcValueProblem *problem)
{
    IdcFit fit = IDC_FITS;
    IdcText text;

    idc_text_init(&text, 0);
    if (idc_json_unescape(inside, len, &text) != IDC_JSON_TEXT)
        fit = idc_misfit(problem, "22P05", "a string in it holds what no text can");
    else if (text.is_broken)
        fit = IDC_FITS_NO_MEMORY;
    else
        append_quoted(literal, idc_text_string(&text), text.len);
    idc_text_done(&text);
    return fit;
}

typedef struct ArrayWork {
    uint32_t element;
    IdcText *literal;
    int depth, leaf_depth;          /* leaf_depth: of the scalars, 0: none came yet */
    int64_t sizes[MOST_DIMENSIONS]; /* of the first array of each depth; -1: none ended yet */
    int64_t counts[MOST_DIMENSIONS];
    IdcValueProblem *problem;
} ArrayWork;

/* One element that is no array; *at: behind it. */
static IdcFit
append_element(ArrayWork *work, const char **at)
{
    bool is_json = work->element == IDC_TYPE_JSON || work->element == IDC_TYPE_JSONB;
    const char *begin = *at, *end;

    if ((work->leaf_depth != 0 && work->leaf_depth != work->depth) ||
        (work->depth < MOST_DIMENSIONS && work->sizes[work->depth] >= 0))
        return idc_misfit(work->problem, IDC_SYNTAX, "arrays in it have different depths");
    work->leaf_depth = work->depth;
    if (*begin == '"') {
        end = string_end(begin + 1);
        *at = end + 1;
        if (is_json)
            append_quoted(work->literal, begin, (size_t) (end + 1 - begin));
        else
            return append_string(work->literal, begin + 1, (size_t) (end - begin - 1),
                                 work->problem);
        return IDC_FITS;
    }
    if (*begin == '{' || *begin == '[') {
        *at = end = structure_end(begin);
        append_quoted(work->literal, begin, (size_t) (end - begin));
        return IDC_FITS;
    }
    end = begin + strcspn(begin, ",] \t\r\n");
    *at = end;
    if (*begin == 'n')
        idc_text_append(work->literal, "NULL");
    else
        idc_text_append_len(work->literal, begin, (size_t) (end - begin));
    return IDC_FITS;
}

static bool
begin_array(ArrayWork *work)
{
    if (work->depth == MOST_DIMENSIONS)
        return false;
    work->counts[work->depth++] = 0;
    idc_text_append_char(work->literal, '{');
    return true;
}

/* All arrays of one depth have the same size, or PostgreSQL has no such array. */
static bool
end_array(ArrayWork *work)
{
    int64_t *size;

    idc_text_append_char(work->literal, '}');
    work->depth--;
    size = &work->sizes[work->depth];
    if (*size >= 0 && *size != work->counts[work->depth])
        return false;
    *size = work->counts[work->depth];
    return true;
}

/* Elements of json and jsonb arrays may be arrays themselves: those have one dimension. */
static bool
is_nested(const ArrayWork *work, char c)
{
    bool is_json = work->element == IDC_TYPE_JSON || work->element == IDC_TYPE_JSONB;

    return c == '[' && !(is_json && work->depth > 0);
}

static IdcFit
append_items(ArrayWork *work, const char *at, const char *end)
{
    for (; at < end;) {
        IdcFit fit;

        if (*at == ',') {
            idc_text_append_char(work->literal, ',');
            at++;
        } else if (idc_is_blank(*at)) {
            at++;
        } else if (*at == ']') {
            if (!end_array(work))
                return idc_misfit(work->problem, IDC_SYNTAX, "arrays in it have different sizes");
            at++;
        } else {
            if (work->depth > 0)
                work->counts[work->depth - 1]++;
            if (is_nested(work, *at)) {
                if (work->leaf_depth != 0 && work->depth >= work->leaf_depth)
                    return idc_misfit(work->problem, IDC_SYNTAX,
                                      "arrays in it have different depths");
                if (!begin_array(work))
                    return idc_misfit(work->problem, IDC_SYNTAX, "it has too many dimensions");
                at++;
                continue;
            }
            fit = append_element(work, &at);
            if (fit != IDC_FITS)
                return fit;
        }
    }
    return IDC_FITS;
}

/* Without any element, PostgreSQL's array has no dimensions. */
IdcFit
idc_value_array(uint32_t element, const IdcJsonValue *value, IdcText *scratch,
                IdcValueProblem *problem)
{
    ArrayWork work = { .element = element, .literal = scratch, .problem = problem };
    IdcFit fit;

    for (int i = 0; i < MOST_DIMENSIONS; i++)
        work.sizes[i] = -1;
    idc_text_clear(scratch);
    fit = append_items(&work, value->text, value->text + value->len);
    if (fit != IDC_FITS)
        return fit;
    if (work.leaf_depth == 0) {
        idc_text_clear(scratch);
        idc_text_append(scratch, "{}");
    }
    return scratch->is_broken ? IDC_FITS_NO_MEMORY : IDC_FITS;
}
