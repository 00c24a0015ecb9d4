/*
 * format_value.c - one value of an Arrow array as PostgreSQL's text or as JSON.
 *
 * In:   a field's format, an array view and a row
 * Out:  text
 * Next: write_table.c, write_csv.c, write_json.c
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arrow/format_value.h"

static bool
type_is_supported(enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL256:
    case NANOARROW_TYPE_SPARSE_UNION:
    case NANOARROW_TYPE_DENSE_UNION:
    case NANOARROW_TYPE_RUN_END_ENCODED:
    case NANOARROW_TYPE_FIXED_SIZE_LIST:
    case NANOARROW_TYPE_LIST_VIEW:
    case NANOARROW_TYPE_LARGE_LIST_VIEW:
    case NANOARROW_TYPE_BINARY_VIEW:
        return false;
    default:
        return true;
    }
}

IdcStatus
idc_format_init(IdcFormat *format, const struct ArrowSchema *schema, IdcError *err)
{
    bool is_dictionary = schema->dictionary != NULL;
    IdcFormat made = { .name = schema->name == NULL ? "" : schema->name };
    IdcStatus status = IDC_OK;

    if (ArrowSchemaViewInit(&made.type, schema, NULL) != NANOARROW_OK ||
        !type_is_supported(made.type.type))
        return idc_fail(err, IDC_UNSUPPORTED, "cannot print column \"%s\" of Arrow type \"%s\"",
                        made.name, schema->format == NULL ? "" : schema->format);
    made.child_count = is_dictionary ? 1 : schema->n_children;
    made.children = calloc((size_t) made.child_count + 1, sizeof *made.children);
    if (made.children == NULL)
        return idc_fail_no_memory(err);
    for (int64_t i = 0; status == IDC_OK && i < made.child_count; i++)
        status = idc_format_init(&made.children[i],
                                 is_dictionary ? schema->dictionary : schema->children[i], err);
    if (status == IDC_OK)
        *format = made;
    else
        idc_format_done(&made);
    return status;
}

void
idc_format_done(IdcFormat *format)
{
    for (int64_t i = 0; format->children != NULL && i < format->child_count; i++)
        idc_format_done(&format->children[i]);
    free(format->children);
    *format = (IdcFormat){ 0 };
}

bool
idc_format_is_number(const IdcFormat *format)
{
    switch (format->type.type) {
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_UINT8:
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_UINT32:
    case NANOARROW_TYPE_INT64:
    case NANOARROW_TYPE_UINT64:
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
    case NANOARROW_TYPE_DECIMAL128:
        return true;
    default:
        return false;
    }
}

/* A number, and whether JSON has it: NaN and the infinities it has not. */
static bool
append_number(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
              IdcText *text)
{
    double number;

    switch (format->type.type) {
    case NANOARROW_TYPE_UINT64:
        idc_text_append_format(text, "%" PRIu64, ArrowArrayViewGetUIntUnsafe(view, row));
        return true;
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
        number = ArrowArrayViewGetDoubleUnsafe(view, row);
        idc_format_float(text, (float) number);
        return isfinite(number);
    case NANOARROW_TYPE_DOUBLE:
        number = ArrowArrayViewGetDoubleUnsafe(view, row);
        idc_format_double(text, number);
        return isfinite(number);
    case NANOARROW_TYPE_DECIMAL128:
        idc_format_decimal(text, view->buffer_views[1].data.as_uint8 + 16 * (view->offset + row),
                           format->type.decimal_scale);
        return true;
    default:
        idc_text_append_format(text, "%" PRId64, ArrowArrayViewGetIntUnsafe(view, row));
        return true;
    }
}

static void
append_hex(IdcText *text, const uint8_t *bytes, int64_t len)
{
    static const char digits[] = "0123456789abcdef";

    idc_text_append(text, "\\x");
    for (int64_t i = 0; i < len; i++) {
        char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };

        idc_text_append_len(text, pair, sizeof pair);
    }
}

/* What is neither number nor nested; is_iso is for JSON. */
static void
append_scalar(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row, bool is_iso,
              IdcText *text)
{
    struct ArrowInterval interval = { 0 };
    struct ArrowBufferView bytes;

    switch (format->type.type) {
    case NANOARROW_TYPE_BOOL:
        idc_text_append(text, ArrowArrayViewGetIntUnsafe(view, row) != 0 ? "t" : "f");
        break;
    case NANOARROW_TYPE_DATE32:
        idc_format_date(text, ArrowArrayViewGetIntUnsafe(view, row), is_iso);
        break;
    case NANOARROW_TYPE_DATE64:
        idc_format_date(text, ArrowArrayViewGetIntUnsafe(view, row) / 86400000, is_iso);
        break;
    case NANOARROW_TYPE_TIME32:
    case NANOARROW_TYPE_TIME64:
        idc_format_time(text, ArrowArrayViewGetIntUnsafe(view, row), format->type.time_unit);
        break;
    case NANOARROW_TYPE_TIMESTAMP:
        idc_format_timestamp(text, ArrowArrayViewGetIntUnsafe(view, row), format->type.time_unit,
                             format->type.timezone != NULL && format->type.timezone[0] != '\0',
                             is_iso);
        break;
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        ArrowArrayViewGetIntervalUnsafe(view, row, &interval);
        interval.ns += interval.ms * INT64_C(1000000);
        idc_format_interval(text, &interval, is_iso);
        break;
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        bytes = ArrowArrayViewGetBytesUnsafe(view, row);
        append_hex(text, bytes.data.as_uint8, bytes.size_bytes);
        break;
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
        bytes = ArrowArrayViewGetBytesUnsafe(view, row);
        idc_text_append_len(text, bytes.data.as_char, (size_t) bytes.size_bytes);
        break;
    default:
        idc_text_append_format(text, "%" PRId64, ArrowArrayViewGetIntUnsafe(view, row));
    }
}

/* The members of a list or map: from (included) and to (excluded) in its child. */
static void
members(const struct ArrowArrayView *view, int64_t row, int64_t *from, int64_t *to)
{
    *from = ArrowArrayViewListChildOffset(view, view->offset + row);
    *to = ArrowArrayViewListChildOffset(view, view->offset + row + 1);
}

static bool
is_list(const IdcFormat *format)
{
    return format->type.type == NANOARROW_TYPE_LIST ||
           format->type.type == NANOARROW_TYPE_LARGE_LIST;
}

/* In double quotes, with backslashes: elements of arrays, keys and values of hstore. */
static void
append_quoted(IdcText *text, const char *bytes, size_t len)
{
    idc_text_append_char(text, '"');
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            idc_text_append_char(text, '\\');
        idc_text_append_char(text, bytes[i]);
    }
    idc_text_append_char(text, '"');
}

/* As array_out: quotes where the text could be mistaken for something else. */
static void
append_element(IdcText *text, const char *bytes, size_t len)
{
    bool is_quoted = len == 0 || (len == 4 && strncasecmp(bytes, "null", 4) == 0);

    for (size_t i = 0; !is_quoted && i < len; i++)
        is_quoted = strchr("\"\\{}, \t\n\r\v\f", bytes[i]) != NULL;
    if (is_quoted)
        append_quoted(text, bytes, len);
    else
        idc_text_append_len(text, bytes, len);
}

static void
append_list(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row, IdcText *text)
{
    const IdcFormat *item = &format->children[0];
    const struct ArrowArrayView *items = view->children[0];
    IdcText part;
    int64_t from, to;

    members(view, row, &from, &to);
    idc_text_init(&part, 0);
    idc_text_append_char(text, '{');
    for (int64_t i = from; i < to; i++) {
        if (i > from)
            idc_text_append_char(text, ',');
        idc_text_clear(&part);
        if (ArrowArrayViewIsNull(items, i)) {
            idc_text_append(text, "NULL");
            continue;
        }
        idc_format_text(item, items, i, &part);
        text->is_broken = text->is_broken || part.is_broken;
        if (is_list(item))
            idc_text_append(text, idc_text_string(&part));
        else
            append_element(text, idc_text_string(&part), idc_text_string_len(&part));
    }
    idc_text_append_char(text, '}');
    idc_text_done(&part);
}

static void
append_pairs(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row, IdcText *text)
{
    const IdcFormat *entry = &format->children[0];
    const struct ArrowArrayView *keys = view->children[0]->children[0];
    const struct ArrowArrayView *values = view->children[0]->children[1];
    IdcText part;
    int64_t from, to;

    members(view, row, &from, &to);
    idc_text_init(&part, 0);
    for (int64_t i = from; i < to; i++) {
        if (i > from)
            idc_text_append(text, ", ");
        idc_text_clear(&part);
        idc_format_text(&entry->children[0], keys, i, &part);
        append_quoted(text, idc_text_string(&part), idc_text_string_len(&part));
        idc_text_append(text, "=>");
        idc_text_clear(&part);
        if (ArrowArrayViewIsNull(values, i)) {
            idc_text_append(text, "NULL");
            continue;
        }
        idc_format_text(&entry->children[1], values, i, &part);
        append_quoted(text, idc_text_string(&part), idc_text_string_len(&part));
        text->is_broken = text->is_broken || part.is_broken;
    }
    idc_text_done(&part);
}

/* The row of the dictionary, or -1 where the index is none. */
static int64_t
dictionary_row(const struct ArrowArrayView *view, int64_t row)
{
    int64_t index = ArrowArrayViewGetIntUnsafe(view, row);

    return index < view->dictionary->length ? index : -1;
}

void
idc_format_text(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                IdcText *text)
{
    switch (format->type.type) {
    case NANOARROW_TYPE_DICTIONARY:
        row = dictionary_row(view, row);
        if (row >= 0)
            idc_format_text(&format->children[0], view->dictionary, row, text);
        break;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
        append_list(format, view, row, text);
        break;
    case NANOARROW_TYPE_MAP:
        append_pairs(format, view, row, text);
        break;
    case NANOARROW_TYPE_STRUCT:
        idc_format_json(format, view, row, text);
        break;
    default:
        if (idc_format_is_number(format))
            (void) append_number(format, view, row, text);
        else
            append_scalar(format, view, row, false, text);
    }
}

/* A scalar that JSON has only as a string. */
static void
append_json_string(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                   IdcText *text)
{
    enum ArrowType type = format->type.type;
    IdcText part;

    if (type == NANOARROW_TYPE_STRING || type == NANOARROW_TYPE_LARGE_STRING) {
        struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, row);

        idc_text_append_json(text, bytes.data.as_char, (size_t) bytes.size_bytes);
        return;
    }
    idc_text_init(&part, 0);
    if (idc_format_is_number(format))
        (void) append_number(format, view, row, &part);
    else
        append_scalar(format, view, row, true, &part);
    idc_text_append_json(text, idc_text_string(&part), idc_text_string_len(&part));
    text->is_broken = text->is_broken || part.is_broken;
    idc_text_done(&part);
}

static void
append_json_members(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                    IdcText *text)
{
    const struct ArrowArrayView *child = view->children[0];
    bool is_map = format->type.type == NANOARROW_TYPE_MAP;
    int64_t from, to;

    members(view, row, &from, &to);
    idc_text_append_char(text, is_map ? '{' : '[');
    for (int64_t i = from; i < to; i++) {
        if (i > from)
            idc_text_append_char(text, ',');
        if (!is_map) {
            idc_format_json(&format->children[0], child, i, text);
            continue;
        }
        /* A key of an object is a string, whatever its type. */
        append_json_string(&format->children[0].children[0], child->children[0], i, text);
        idc_text_append_char(text, ':');
        idc_format_json(&format->children[0].children[1], child->children[1], i, text);
    }
    idc_text_append_char(text, is_map ? '}' : ']');
}

static void
append_json_struct(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                   IdcText *text)
{
    idc_text_append_char(text, '{');
    for (int64_t i = 0; i < format->child_count; i++) {
        if (i > 0)
            idc_text_append_char(text, ',');
        idc_text_append_json(text, format->children[i].name, strlen(format->children[i].name));
        idc_text_append_char(text, ':');
        idc_format_json(&format->children[i], view->children[i], view->offset + row, text);
    }
    idc_text_append_char(text, '}');
}

void
idc_format_json(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                IdcText *text)
{
    size_t len = text->len;

    if (ArrowArrayViewIsNull(view, row)) {
        idc_text_append(text, "null");
        return;
    }
    switch (format->type.type) {
    case NANOARROW_TYPE_DICTIONARY:
        row = dictionary_row(view, row);
        if (row >= 0)
            idc_format_json(&format->children[0], view->dictionary, row, text);
        else
            idc_text_append(text, "null");
        return;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_MAP:
        append_json_members(format, view, row, text);
        return;
    case NANOARROW_TYPE_STRUCT:
        append_json_struct(format, view, row, text);
        return;
    case NANOARROW_TYPE_BOOL:
        idc_text_append(text, ArrowArrayViewGetIntUnsafe(view, row) != 0 ? "true" : "false");
        return;
    default:
        break;
    }
    if (idc_format_is_number(format)) {
        if (append_number(format, view, row, text) || text->is_broken)
            return;
        text->len = len;
    }
    append_json_string(format, view, row, text);
}
