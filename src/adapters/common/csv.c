/*
 * csv.c - a machine that reads RFC 4180 and may stop after every byte.
 *
 * In:   bytes
 * Out:  records, whose fields are copied one behind the other
 */
#include "adapters/common/csv.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MOST_FIELDS = 100000 };

enum {
    AT_MARK,     /* the byte order mark, or what follows it */
    AT_FIELD,    /* a field begins */
    IN_PLAIN,    /* in one without quotes */
    IN_QUOTED,   /* in one with them */
    AFTER_QUOTE, /* behind a quote in it: the end, or the first half of a doubled one */
    AFTER_CR     /* behind the CR of a CRLF */
};

/* A field, while the record grows and moves. */
typedef struct Part {
    size_t begin, len;
    bool is_quoted;
} Part;

struct IdcCsv {
    IdcCsvOptions options;
    int state;
    int mark; /* bytes of the mark that were there */
    bool is_quoted;
    bool is_taken; /* the record was handed out: the next call begins another one */
    IdcText record;
    size_t begin; /* of the field, in record */
    Part *parts;
    IdcCsvField *fields;
    size_t count, capacity;
    int64_t line, record_line;
    bool is_special[256]; /* ends a run of a field without quotes */
};

IdcStatus
idc_csv_new(const IdcCsvOptions *options, IdcCsv **csv, IdcError *err)
{
    IdcCsv *made;
    char delimiter = options->delimiter == 0 ? ',' : options->delimiter;
    char quote = options->quote == 0 ? '"' : options->quote;

    if (delimiter == quote || delimiter == '\n' || delimiter == '\r' || quote == '\n' ||
        quote == '\r' || (unsigned char) delimiter >= 0x80 || (unsigned char) quote >= 0x80)
        return idc_fail(err, IDC_BAD_VALUE,
                        "delimiter and quote of CSV are two different ASCII characters, and no "
                        "line ends");
    made = idc_calloc(1, sizeof *made);
    if (made == NULL)
        return idc_fail_no_memory(err);
    made->options = *options;
    made->options.delimiter = delimiter;
    made->options.quote = quote;
    made->is_special[(unsigned char) delimiter] = made->is_special[(unsigned char) quote] = true;
    made->is_special['\n'] = made->is_special['\r'] = true;
    idc_csv_reset(made);
    *csv = made;
    return IDC_OK;
}

void
idc_csv_free(IdcCsv *csv)
{
    if (csv == NULL)
        return;
    idc_text_done(&csv->record);
    idc_free(csv->parts);
    idc_free(csv->fields);
    idc_free(csv);
}

static void
begin_record(IdcCsv *csv)
{
    idc_text_clear(&csv->record);
    csv->begin = csv->count = 0;
    csv->is_quoted = csv->is_taken = false;
    csv->record_line = csv->line;
}

void
idc_csv_reset(IdcCsv *csv)
{
    csv->state = AT_MARK;
    csv->mark = 0;
    csv->line = 1;
    begin_record(csv);
}

int64_t
idc_csv_line(const IdcCsv *csv)
{
    return csv->record_line;
}

static IdcStatus
csv_fail(const IdcCsv *csv, const char *what, IdcError *err)
{
    (void) idc_fail(err, IDC_SOURCE_FAILED, "cannot read CSV at line %" PRId64 ": %s", csv->line,
                    what);
    idc_error_set_sqlstate(err, "22P04");
    return IDC_SOURCE_FAILED;
}

static IdcStatus
append(IdcCsv *csv, const char *bytes, size_t len, IdcError *err)
{
    if (csv->options.max_record_bytes > 0 && csv->record.len + len > csv->options.max_record_bytes)
        return csv_fail(csv, "a record is too large", err);
    idc_text_append_len(&csv->record, bytes, len);
    return csv->record.is_broken ? idc_fail_no_memory(err) : IDC_OK;
}

static bool
grow(IdcCsv *csv)
{
    size_t capacity = csv->capacity == 0 ? 64 : csv->capacity * 2;
    Part *parts = idc_realloc(csv->parts, capacity * sizeof *parts);
    IdcCsvField *fields;

    if (parts == NULL)
        return false;
    csv->parts = parts;
    fields = idc_realloc(csv->fields, capacity * sizeof *fields);
    if (fields == NULL)
        return false;
    csv->fields = fields;
    csv->capacity = capacity;
    return true;
}

static IdcStatus
end_field(IdcCsv *csv, IdcError *err)
{
    if (csv->count == MOST_FIELDS)
        return csv_fail(csv, "a record has too many fields", err);
    if (csv->count == csv->capacity && !grow(csv))
        return idc_fail_no_memory(err);
    csv->parts[csv->count++] = (Part){ csv->begin, csv->record.len - csv->begin, csv->is_quoted };
    csv->begin = csv->record.len;
    csv->is_quoted = false;
    csv->state = AT_FIELD;
    return IDC_OK;
}

/* Nothing at all on its line. */
static bool
is_blank_record(const IdcCsv *csv)
{
    return csv->count == 0 && csv->record.len == 0 && !csv->is_quoted;
}

/* The line ended: *is_end, unless it was blank. */
static IdcStatus
end_record(IdcCsv *csv, bool *is_end, IdcError *err)
{
    IdcStatus status;

    csv->state = AT_FIELD;
    if (is_blank_record(csv)) {
        begin_record(csv);
        return IDC_OK;
    }
    status = end_field(csv, err);
    *is_end = status == IDC_OK;
    return status;
}

/* To the end of a run of bytes without meaning. */
static IdcStatus
take_plain(IdcCsv *csv, const char **at, const char *end, IdcError *err)
{
    const char *begin = *at;

    while (*at < end && !csv->is_special[(unsigned char) **at])
        ++*at;
    return append(csv, begin, (size_t) (*at - begin), err);
}

static IdcStatus
take_quoted(IdcCsv *csv, const char **at, const char *end, IdcError *err)
{
    const char *begin = *at;

    for (; *at < end && **at != csv->options.quote; ++*at)
        csv->line += **at == '\n';
    return append(csv, begin, (size_t) (*at - begin), err);
}

/* A byte that ends a field or a line, or may not stand where it does. */
static IdcStatus
take_special(IdcCsv *csv, char c, bool *is_end, IdcError *err)
{
    if (c == csv->options.delimiter)
        return end_field(csv, err);
    if (c == '\n') {
        csv->line++;
        return end_record(csv, is_end, err);
    }
    if (c == '\r') {
        csv->state = AFTER_CR;
        return IDC_OK;
    }
    if (c != csv->options.quote)
        return csv_fail(csv, "something follows the closing quote of a field", err);
    return csv_fail(csv, "a quote stands inside a field that does not begin with one", err);
}

static IdcStatus
step_mark(IdcCsv *csv, const char **at, IdcError *err)
{
    static const char mark[] = "\xEF\xBB\xBF";

    if (**at == mark[csv->mark]) {
        ++*at;
        if (++csv->mark == 3)
            csv->state = AT_FIELD;
        return IDC_OK;
    }
    csv->state = csv->mark > 0 ? IN_PLAIN : AT_FIELD;
    return append(csv, mark, (size_t) csv->mark, err);
}

static IdcStatus
step(IdcCsv *csv, const char **at, const char *end, bool *is_end, IdcError *err)
{
    switch (csv->state) {
    case AT_MARK:
        return step_mark(csv, at, err);
    case AT_FIELD:
        csv->state = IN_PLAIN;
        if (**at == csv->options.quote) {
            ++*at;
            csv->is_quoted = true;
            csv->state = IN_QUOTED;
        }
        return IDC_OK;
    case IN_PLAIN:
        if (!csv->is_special[(unsigned char) **at])
            return take_plain(csv, at, end, err);
        return take_special(csv, *(*at)++, is_end, err);
    case IN_QUOTED:
        if (**at != csv->options.quote)
            return take_quoted(csv, at, end, err);
        ++*at;
        csv->state = AFTER_QUOTE;
        return IDC_OK;
    case AFTER_QUOTE:
        if (**at == csv->options.quote) {
            csv->state = IN_QUOTED;
            return append(csv, (*at)++, 1, err);
        }
        return take_special(csv, *(*at)++, is_end, err);
    default:
        if (**at != '\n')
            return csv_fail(csv, "a carriage return stands outside of quotes", err);
        return take_special(csv, *(*at)++, is_end, err);
    }
}

/* The bytes are the last ones: what is there of a record is all of it. */
static IdcStatus
finish(IdcCsv *csv, bool *is_end, IdcError *err)
{
    if (csv->state == IN_QUOTED) {
        csv->line = csv->record_line;
        return csv_fail(csv, "the quoted field of a record that begins there has no end", err);
    }
    if (csv->state == AFTER_CR)
        return csv_fail(csv, "a carriage return stands outside of quotes", err);
    if (csv->state == AT_MARK && csv->mark > 0)
        return csv_fail(csv, "a byte order mark is cut off", err);
    return end_record(csv, is_end, err);
}

IdcStatus
idc_csv_next(IdcCsv *csv, const char *bytes, size_t len, bool is_last, size_t *used,
             const IdcCsvField **fields, size_t *count, IdcError *err)
{
    const char *at = bytes, *end = bytes + len;
    IdcStatus status = IDC_OK;
    bool is_end = false;

    *fields = NULL;
    *count = 0;
    if (csv->is_taken)
        begin_record(csv);
    while (at < end && status == IDC_OK && !is_end)
        status = step(csv, &at, end, &is_end, err);
    if (at == end && is_last && status == IDC_OK && !is_end)
        status = finish(csv, &is_end, err);
    *used = (size_t) (at - bytes);
    if (status != IDC_OK || !is_end)
        return status;
    for (size_t i = 0; i < csv->count; i++)
        csv->fields[i] = (IdcCsvField){ idc_text_string(&csv->record) + csv->parts[i].begin,
                                        csv->parts[i].len, csv->parts[i].is_quoted };
    csv->is_taken = true;
    *fields = csv->fields;
    *count = csv->count;
    return IDC_OK;
}
