/*
 * value.c - cells by the kind of their column; booleans, UUIDs and texts.
 *
 * In:   a text or a JSON value
 * Out:  a value in a column, or the reason why not
 * Next: value_number.c, value_time.c, value_bytes.c, value_array.c do the other kinds
 */
#include "adapters/common/value_parts.h"

#include <string.h>

bool
idc_slice_is_word(IdcSlice slice, const char *word)
{
    size_t len = strlen(word);

    return idc_slice_len(slice) == len && strncasecmp(slice.at, word, len) == 0;
}

/* parse_bool_with_len of PostgreSQL: any beginning of these words that belongs to one value. */
static IdcFit
append_bool(IdcColumn *column, IdcSlice text, IdcValueProblem *problem)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } words[] = { { "true", 1, true }, { "false", 1, false }, { "yes", 1, true },
                  { "no", 1, false },  { "on", 2, true },     { "off", 2, false },
                  { "1", 1, true },    { "0", 1, false } };
    size_t len = idc_slice_len(text);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (len >= words[i].least && len <= strlen(words[i].word) &&
            strncasecmp(text.at, words[i].word, len) == 0)
            return idc_fit_of(idc_column_append_bool(column, words[i].value));
    return idc_misfit(problem, IDC_SYNTAX, "it is neither true nor false");
}

/* string_to_uuid of PostgreSQL: braces around it, a hyphen after any group of four digits. */
static bool
read_uuid(const char *text, size_t len, uint8_t uuid[16])
{
    const char *at = text, *end = text + len;
    bool has_braces = len > 0 && *at == '{';

    at += has_braces;
    for (int i = 0; i < 16; i++) {
        int high, low;

        if (end - at < 2 || (high = idc_hex_value(at[0])) < 0 || (low = idc_hex_value(at[1])) < 0)
            return false;
        uuid[i] = (uint8_t) (high << 4 | low);
        at += 2;
        if (i % 2 == 1 && i < 15 && at < end && *at == '-')
            at++;
    }
    if (has_braces)
        return end - at == 1 && *at == '}';
    return at == end;
}

static IdcFit
append_uuid(IdcColumn *column, const char *text, size_t len, IdcValueProblem *problem)
{
    uint8_t uuid[16];
    char printed[36];

    if (!read_uuid(text, len, uuid))
        return idc_misfit(problem, IDC_SYNTAX, "it is no UUID");
    idc_uuid_text(uuid, printed);
    return idc_column_append_text(column, printed, sizeof printed, sizeof printed)
               ? IDC_FITS
               : IDC_FITS_NO_MEMORY;
}

/*
 * varchar(n) and char(n): what is beyond n characters may only be blanks, which are cut off. *len:
 * the bytes to keep. (Types without a length, and names, which the hub cuts, are as they are.)
 */
static bool
fits_length(const IdcValueForm *form, const char *text, size_t *len)
{
    int64_t limit = (int64_t) form->type.modifier - 4, count = 0;
    bool has_length = form->type.oid == IDC_TYPE_VARCHAR || form->type.oid == IDC_TYPE_BPCHAR;

    if (!has_length || form->type.modifier < 4 || *len <= (size_t) limit)
        return true;
    for (size_t i = 0; i < *len; i++) {
        bool begins = ((unsigned char) text[i] & 0xC0) != 0x80;

        if (!begins || count++ < limit)
            continue;
        for (size_t j = i; j < *len; j++)
            if (text[j] != ' ')
                return false;
        *len = i;
        return true;
    }
    return true;
}

/* Text that is known to be UTF-8 without NUL. */
static IdcFit
append_text(const IdcValueForm *form, IdcColumn *column, const char *text, size_t len,
            size_t readable, IdcValueProblem *problem)
{
    if (!fits_length(form, text, &len))
        return idc_misfit(problem, "22001", "it is too long");
    return idc_column_append_text(column, text, len, readable) ? IDC_FITS : IDC_FITS_NO_MEMORY;
}

static bool
is_plain_ascii(const char *text, size_t len)
{
    unsigned char all = 0;
    bool has_nul = false;

    for (size_t i = 0; i < len; i++) {
        all |= (unsigned char) text[i];
        has_nul |= text[i] == 0;
    }
    return all < 0x80 && !has_nul;
}

/* Any text of a source: nobody has checked it yet. */
static IdcFit
append_foreign_text(const IdcValueForm *form, IdcColumn *column, const char *text, size_t len,
                    size_t readable, IdcValueProblem *problem)
{
    bool is_json = form->type.oid == IDC_TYPE_JSON || form->type.oid == IDC_TYPE_JSONB;

    if (!is_plain_ascii(text, len)) {
        if (memchr(text, 0, len) != NULL)
            return idc_misfit(problem, "22021", "it holds a NUL, which no text can");
        if (!idc_utf8_is_valid(text, len))
            return idc_misfit(problem, "22021", "it is not UTF-8");
    }
    if (is_json && !idc_json_is_valid(text, len))
        return idc_misfit(problem, IDC_SYNTAX, "it is not JSON");
    return append_text(form, column, text, len, readable, problem);
}

/* Everything but texts. */
static IdcFit
append_typed(const IdcValueForm *form, IdcColumn *column, const char *text, size_t len,
             bool is_json_number, IdcText *scratch, IdcValueProblem *problem)
{
    IdcSlice slice = idc_slice_trimmed(text, len);

    switch (column->kind) {
    case IDC_KIND_BOOL:
        return append_bool(column, slice, problem);
    case IDC_KIND_INT16:
    case IDC_KIND_INT32:
    case IDC_KIND_INT64:
    case IDC_KIND_UINT32:
        return idc_value_integer(column, slice, is_json_number, scratch, problem);
    case IDC_KIND_FLOAT32:
    case IDC_KIND_FLOAT64:
        return idc_value_float(column, slice, scratch, problem);
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        return idc_value_numeric(column, form->type.modifier, slice, scratch, problem);
    case IDC_KIND_DATE:
    case IDC_KIND_TIME:
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return idc_value_time(form, column, slice, scratch, problem);
    case IDC_KIND_UUID:
        return append_uuid(column, text, len, problem);
    case IDC_KIND_BYTES:
        return idc_value_bytes(column, form->is_base64, text, len, scratch, problem);
    default:
        return idc_misfit(problem, "0A000", "columns of this type cannot be read from text");
    }
}

IdcFit
idc_value_append_text(const IdcValueForm *form, IdcColumn *column, const char *text, size_t len,
                      size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    if (column->kind == IDC_KIND_TEXT)
        return append_foreign_text(form, column, text, len, readable, problem);
    return append_typed(form, column, text, len, false, scratch, problem);
}

/* ---- JSON ---- */

/* What a string means; *text and *len may point into scratch. */
static IdcFit
string_text(const IdcJsonValue *value, IdcText *scratch, const char **text, size_t *len,
            IdcValueProblem *problem)
{
    *text = value->text;
    *len = value->len;
    if (!value->has_escapes)
        return IDC_FITS;
    idc_text_clear(scratch);
    switch (idc_json_unescape(value->text, value->len, scratch)) {
    case IDC_JSON_TEXT_NUL:
        return idc_misfit(problem, "22P05", "it holds a NUL, which no text can");
    case IDC_JSON_TEXT_SURROGATE:
        return idc_misfit(problem, "22P05", "it holds half of a surrogate pair");
    case IDC_JSON_TEXT:
        break;
    }
    *text = idc_text_string(scratch);
    *len = scratch->len;
    return scratch->is_broken ? IDC_FITS_NO_MEMORY : IDC_FITS;
}

/* jsonb keeps texts, so escapes that mean no text are refused. This looks at each of them. */
static IdcFit
check_escapes(const IdcJsonValue *value, IdcText *scratch, IdcValueProblem *problem)
{
    const char *end = value->text + value->len;
    const char *at = memchr(value->text, '\\', value->len);

    while (at != NULL) {
        IdcJsonValue part = { IDC_JSON_STRING, true, at, 0 };
        const char *text;
        size_t len;
        IdcFit fit;

        /* A run of escapes: the halves of a pair belong together. */
        while (end - at >= 2 && *at == '\\')
            at += at[1] == 'u' && end - at >= 6 ? 6 : 2;
        part.len = (size_t) (at - part.text);
        fit = string_text(&part, scratch, &text, &len, problem);
        if (fit != IDC_FITS)
            return fit;
        at = memchr(at, '\\', (size_t) (end - at));
    }
    return IDC_FITS;
}

/* A column of type json or jsonb: the value as it stands, a string with its quotes. */
static IdcFit
append_json_text(const IdcValueForm *form, IdcColumn *column, const IdcJsonValue *value,
                 size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    IdcFit fit;

    if (form->type.oid == IDC_TYPE_JSONB) {
        fit = check_escapes(value, scratch, problem);
        if (fit != IDC_FITS)
            return fit;
    }
    if (value->kind != IDC_JSON_STRING)
        return append_text(form, column, value->text, value->len, readable, problem);
    return append_text(form, column, value->text - 1, value->len + 2, readable + 1, problem);
}

static IdcFit
append_structure(const IdcValueForm *form, IdcColumn *column, const IdcJsonValue *value,
                 size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    uint32_t element;
    IdcFit fit;

    if (column->kind != IDC_KIND_TEXT)
        return idc_misfit(problem, IDC_SYNTAX,
                          value->kind == IDC_JSON_ARRAY ? "it is a JSON array"
                                                        : "it is a JSON object");
    if (value->kind != IDC_JSON_ARRAY || !idc_value_is_array(form->type.oid, &element))
        return append_text(form, column, value->text, value->len, readable, problem);
    fit = idc_value_array(element, value, scratch, problem);
    if (fit != IDC_FITS)
        return fit;
    return append_text(form, column, idc_text_string(scratch), scratch->len, scratch->len, problem);
}

IdcFit
idc_value_append_json(const IdcValueForm *form, IdcColumn *column, const IdcJsonValue *value,
                      size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    const char *text;
    size_t len;
    IdcFit fit;

    if (value->kind == IDC_JSON_MISSING || value->kind == IDC_JSON_NULL)
        return IDC_FITS_NULL;
    if (form->type.oid == IDC_TYPE_JSON || form->type.oid == IDC_TYPE_JSONB)
        return append_json_text(form, column, value, readable, scratch, problem);
    if (value->kind == IDC_JSON_ARRAY || value->kind == IDC_JSON_OBJECT)
        return append_structure(form, column, value, readable, scratch, problem);
    if (value->kind != IDC_JSON_STRING) {
        if (column->kind == IDC_KIND_TEXT)
            return append_text(form, column, value->text, value->len, readable, problem);
        return append_typed(form, column, value->text, value->len, value->kind == IDC_JSON_NUMBER,
                            scratch, problem);
    }
    fit = string_text(value, scratch, &text, &len, problem);
    if (fit != IDC_FITS)
        return fit;
    /* A text of our own has no more than itself to be read. */
    if (column->kind == IDC_KIND_TEXT)
        return append_text(form, column, text, len, value->has_escapes ? len : readable, problem);
    if (value->has_escapes) {
        IdcText inner;

        /* The text is in scratch, which the others want too. */
        idc_text_init(&inner, 0);
        fit = append_typed(form, column, text, len, false, &inner, problem);
        idc_text_done(&inner);
        return fit;
    }
    return append_typed(form, column, text, len, false, scratch, problem);
}
