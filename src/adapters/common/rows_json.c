/*
 * rows_json.c - a JSON document in pieces: the way to its rows, and what is captured beside it.
 *
 * In:   events of json_scan.h
 * Out:  rows, read by json_row.h from the piece itself, or from a copy where a piece cuts them
 * Next: value.h makes values of their cells
 */
#include <inttypes.h>
#include <string.h>

#include "adapters/common/rows_parts.h"

void
idc_rows_json_done(IdcRows *rows)
{
    idc_json_scan_done(&rows->json.scan);
    idc_text_done(&rows->json.row.key);
    idc_text_done(&rows->json.kept);
    idc_text_done(&rows->json.key);
}

void
idc_rows_json_begin(IdcRows *rows)
{
    IdcRowsJson *json = &rows->json;

    idc_json_scan_begin(&json->scan);
    json->coming = json->root;
    json->rows_depth = 0;
    json->is_found = json->scan.is_stream;
    json->keeping = IDC_KEEP_NOTHING;
    json->row.duplicates = 0;
}

/* ---- errors ---- */

static IdcStatus
json_fail(const IdcRows *rows, int64_t offset, const char *reason, IdcError *err)
{
    (void) idc_fail(err, IDC_SOURCE_FAILED, "cannot read JSON at byte %" PRId64 ": %s", offset,
                    reason);
    idc_error_set_sqlstate(err, "22032");
    if (rows->row_count > 0)
        (void) idc_add_context(err, "after row %" PRId64, rows->row_count);
    return IDC_SOURCE_FAILED;
}

static IdcStatus
shape_fail(const IdcRows *rows, const char *what, IdcJsonKind kind, IdcError *err)
{
    (void) idc_fail(err, IDC_SOURCE_FAILED, "row %" PRId64 " is %s where %s is expected",
                    rows->row_count, idc_json_kind_name(kind), what);
    idc_error_set_sqlstate(err, "22032");
    return IDC_SOURCE_FAILED;
}

/* ---- rows ---- */

static IdcStatus
capture(IdcRows *rows, size_t i, const IdcJsonValue *value, IdcError *err)
{
    IdcRowsValue *captured = &rows->captured[i];
    bool is_scalar = value->kind != IDC_JSON_ARRAY && value->kind != IDC_JSON_OBJECT;

    captured->kind = value->kind;
    idc_text_clear(&captured->text);
    if (value->kind == IDC_JSON_STRING) {
        if (idc_json_unescape(value->text, value->len, &captured->text) != IDC_JSON_TEXT)
            return idc_fail(err, IDC_SOURCE_FAILED, "the value at \"%s\" is no text",
                            rows->options.captures[i].path);
    } else if (is_scalar && value->kind != IDC_JSON_MISSING) {
        idc_text_append_len(&captured->text, value->text, value->len);
    }
    return captured->text.is_broken ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
capture_of_row(IdcRows *rows, bool is_single, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < rows->options.capture_count && status == IDC_OK; i++) {
        IdcJsonValue value = idc_json_row_cell(&rows->json.row, rows->column_count + i);

        if (rows->options.captures[i].is_of_row || (is_single && value.kind != IDC_JSON_MISSING))
            status = capture(rows, i, &value, err);
    }
    return status;
}

/* An element without what the columns name is a mistake in the path, not a row of NULLs. */
static IdcStatus
check_shape(IdcRows *rows, IdcError *err)
{
    const IdcRowsJson *json = &rows->json;
    IdcJsonKind kind = json->row.kind;

    if (kind == IDC_JSON_OBJECT || kind == IDC_JSON_NULL || json->wants_scalars ||
        rows->column_count == json->key_column_count)
        return IDC_OK;
    if (kind == IDC_JSON_ARRAY && json->wants_elements)
        return IDC_OK;
    return shape_fail(rows, "an object", kind, err);
}

static IdcStatus
append_key(IdcRows *rows, IdcBatchBuilder *builder, size_t i, IdcError *err)
{
    const IdcText *key = &rows->json.key;
    IdcValueProblem problem;
    IdcFit fit =
        idc_value_append_text(&rows->columns[i].form, &builder->columns[i], idc_text_string(key),
                              key->len, key->len, &rows->scratch, &problem);

    return idc_rows_settle(rows, builder, i, fit, &problem, err);
}

static bool
is_key_column(const IdcRowsJson *json, size_t column)
{
    for (size_t i = 0; i < json->key_column_count; i++)
        if (json->key_columns[i] == column)
            return true;
    return false;
}

/* The row that was read last; its bytes can be read up to end. */
static IdcStatus
append_row(IdcRows *rows, IdcBatchBuilder *builder, const char *end, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    int64_t text_bytes = 0;
    IdcStatus status = idc_rows_begin_row(rows, builder, err);

    if (status == IDC_OK)
        status = check_shape(rows, err);
    for (size_t i = 0; i < rows->column_count && status == IDC_OK; i++) {
        IdcColumn *column = &builder->columns[i];
        size_t bytes_before = column->bytes_len;

        if (json->key_column_count > 0 && is_key_column(json, i)) {
            status = append_key(rows, builder, i, err);
        } else {
            IdcJsonValue value = idc_json_row_cell(&json->row, i);
            IdcValueProblem problem;
            IdcFit fit = idc_value_append_json(
                &rows->columns[i].form, column, &value,
                value.kind == IDC_JSON_MISSING ? 0 : (size_t) (end - value.text), &rows->scratch,
                &problem);

            if (fit != IDC_FITS)
                status = idc_rows_settle(rows, builder, i, fit, &problem, err);
        }
        text_bytes += (int64_t) (column->bytes_len - bytes_before);
    }
    if (status != IDC_OK) {
        builder->is_broken = true;
        return status;
    }
    idc_rows_end_row(builder, text_bytes);
    if (rows->options.capture_count > 0)
        return capture_of_row(rows, json->rows_depth == 0 && !json->scan.is_stream, err);
    return IDC_OK;
}

/* ---- values that pieces cut ---- */

static void
begin_keeping(IdcRowsJson *json, IdcRowsKeeping what, IdcPathNode *node)
{
    json->keeping = what;
    json->kept_node = node;
    idc_text_clear(&json->kept);
    idc_json_scan_pass(&json->scan);
}

static IdcStatus
keep_bytes(IdcRows *rows, const char *bytes, size_t len, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    bool is_row = json->keeping == IDC_KEEP_ROW;
    size_t limit = is_row ? rows->options.max_row_bytes : IDC_CAPTURE_BYTES;

    if (json->kept.len + len > limit) {
        (void) idc_fail(err, IDC_SOURCE_FAILED,
                        is_row ? "row %" PRId64 " is larger than %zu bytes"
                               : "a value beside the rows (after row %" PRId64
                                 ") is larger than %zu bytes",
                        rows->row_count + is_row, limit);
        idc_error_set_sqlstate(err, "54000");
        return IDC_SOURCE_FAILED;
    }
    idc_text_append_len(&json->kept, bytes, len);
    return json->kept.is_broken ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
end_kept_capture(IdcRows *rows, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    const char *text = json->kept.data;
    IdcJsonValue value = { .text = text, .len = json->kept.len };
    IdcStatus status = IDC_OK;

    value.kind = *text == '"'   ? IDC_JSON_STRING
                 : *text == 't' ? IDC_JSON_TRUE
                 : *text == 'f' ? IDC_JSON_FALSE
                 : *text == 'n' ? IDC_JSON_NULL
                                : IDC_JSON_NUMBER;
    if (value.kind == IDC_JSON_STRING) {
        value.text++;
        value.len -= 2;
    }
    for (const IdcPathTarget *target = json->kept_node->targets; target != NULL && status == IDC_OK;
         target = target->next)
        if (target->number < rows->options.capture_count)
            status = capture(rows, target->number, &value, err);
    return status;
}

/* The value that was kept is whole now. */
static IdcStatus
end_kept(IdcRows *rows, IdcBatchBuilder *builder, int64_t offset, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    const char *at = json->kept.data, *end = at + json->kept.len, *after;
    bool is_row = json->keeping == IDC_KEEP_ROW;

    json->keeping = IDC_KEEP_NOTHING;
    if (!is_row)
        return end_kept_capture(rows, err);
    switch (idc_json_row_read(&json->row, at, end, json->scan.depth, true, &after)) {
    case IDC_JSON_READ:
        return append_row(rows, builder, end, err);
    case IDC_JSON_FULL:
        return idc_fail_no_memory(err);
    default:
        return json_fail(rows, offset - (end - json->row.failed_at), json->row.reason, err);
    }
}

/* ---- the way to the rows ---- */

/* Read the row that begins at *at, or begin to keep it. */
static IdcStatus
take_row(IdcRows *rows, IdcBatchBuilder *builder, const char *begin, const char **at,
         const char *end, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    const char *after;

    switch (idc_json_row_read(&json->row, *at, end, json->scan.depth, false, &after)) {
    case IDC_JSON_CUT:
        begin_keeping(json, IDC_KEEP_ROW, NULL);
        return IDC_OK;
    case IDC_JSON_BAD:
        return json_fail(rows, rows->offset + (json->row.failed_at - begin), json->row.reason, err);
    case IDC_JSON_FULL:
        return idc_fail_no_memory(err);
    case IDC_JSON_READ:
        break;
    }
    if ((size_t) (after - *at) > rows->options.max_row_bytes) {
        json->keeping = IDC_KEEP_ROW;
        idc_text_clear(&json->kept);
        return keep_bytes(rows, *at, (size_t) (after - *at), err);
    }
    *at = after;
    idc_json_scan_take(&json->scan);
    return append_row(rows, builder, end, err);
}

static bool
has_target(const IdcPathNode *node, size_t number)
{
    for (const IdcPathTarget *target = node->targets; target != NULL; target = target->next)
        if (target->number == number)
            return true;
    return false;
}

static IdcStatus
enter(IdcRowsJson *json, IdcPathNode *node, const char **at)
{
    /* Too deep: the scan says so next. */
    if (idc_json_scan_enter(&json->scan, at))
        json->places[json->scan.depth - 1] = (IdcRowsPlace){ node, 0 };
    return IDC_OK;
}

static IdcStatus
at_rows(IdcRows *rows, IdcBatchBuilder *builder, IdcPathNode *node, const char *begin,
        const char **at, const char *end, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    bool is_array = **at == '[', is_object = **at == '{';
    const char *path = rows->options.path == NULL ? "" : rows->options.path;

    if (json->is_found)
        return json_fail(rows, rows->offset + (*at - begin), "rows come twice in it", err);
    json->is_found = true;
    if (**at == 'n') {
        idc_json_scan_pass(&json->scan);
        return IDC_OK;
    }
    if (rows->options.object_values ? is_object : is_array) {
        json->rows_depth = json->scan.depth + 1;
        return enter(json, node, at);
    }
    if (is_object)
        return take_row(rows, builder, begin, at, end, err);
    (void) idc_fail(err, IDC_SOURCE_FAILED, "the document has %s at \"%s\" where %s is expected",
                    is_array      ? "an array"
                    : **at == '"' ? "a string"
                    : **at == 't' ? "a boolean"
                    : **at == 'f' ? "a boolean"
                                  : "a number",
                    path, rows->options.object_values ? "an object" : "an array of rows");
    idc_error_set_sqlstate(err, "22032");
    return IDC_SOURCE_FAILED;
}

/* A value beside the rows. */
static IdcStatus
at_other(IdcRows *rows, IdcPathNode *node, const char **at, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    bool is_structure = **at == '{' || **at == '[';

    if (node == NULL || (node->targets == NULL && (node->children == NULL || !is_structure))) {
        idc_json_scan_pass(&json->scan);
        return IDC_OK;
    }
    if (!is_structure) {
        begin_keeping(json, IDC_KEEP_CAPTURE, node);
        return IDC_OK;
    }
    for (const IdcPathTarget *target = node->targets; target != NULL; target = target->next) {
        IdcJsonValue value = { .kind = **at == '{' ? IDC_JSON_OBJECT : IDC_JSON_ARRAY };
        IdcStatus status = capture(rows, target->number, &value, err);

        if (status != IDC_OK)
            return status;
    }
    if (node->children == NULL) {
        idc_json_scan_pass(&json->scan);
        return IDC_OK;
    }
    return enter(json, node, at);
}

static IdcStatus
at_value(IdcRows *rows, IdcBatchBuilder *builder, const char *begin, const char **at,
         const char *end, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    IdcPathNode *node = json->coming;
    int depth = json->scan.depth;

    if (json->scan.is_stream || (json->rows_depth > 0 && depth == json->rows_depth))
        return take_row(rows, builder, begin, at, end, err);
    if (depth > 0 && !idc_json_scan_in_object(&json->scan)) {
        IdcRowsPlace *place = &json->places[depth - 1];

        node = idc_path_find_index(place->node, place->index++);
    }
    if (node != NULL && has_target(node, rows->options.capture_count))
        return at_rows(rows, builder, node, begin, at, end, err);
    return at_other(rows, node, at, err);
}

static IdcStatus
at_key(IdcRows *rows, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    const IdcJsonScan *scan = &json->scan;
    bool is_row = json->rows_depth > 0 && scan->depth == json->rows_depth;

    json->coming = NULL;
    idc_text_clear(&json->key);
    if (scan->key.is_broken)
        return idc_fail_no_memory(err);
    if (!scan->is_key_kept) {
        if (is_row && json->key_column_count > 0)
            return idc_fail(err, IDC_SOURCE_FAILED, "the key of row %" PRId64 " is too long",
                            rows->row_count + 1);
        return IDC_OK;
    }
    if (idc_json_unescape(idc_text_string(&scan->key), scan->key.len, &json->key) !=
        IDC_JSON_TEXT) {
        idc_text_clear(&json->key);
        if (is_row && json->key_column_count > 0)
            return idc_fail(err, IDC_SOURCE_FAILED, "the key of row %" PRId64 " is no text",
                            rows->row_count + 1);
        return IDC_OK;
    }
    if (json->key.is_broken)
        return idc_fail_no_memory(err);
    if (!is_row)
        json->coming = idc_path_find_member(json->places[scan->depth - 1].node,
                                            idc_text_string(&json->key), json->key.len);
    return IDC_OK;
}

/* Bytes went by while a value was kept. */
static IdcStatus
keep_passed(IdcRows *rows, const char *from, const char *at, IdcError *err)
{
    if (rows->json.keeping == IDC_KEEP_NOTHING)
        return IDC_OK;
    return keep_bytes(rows, from, (size_t) (at - from), err);
}

static IdcStatus
at_event(IdcRows *rows, IdcJsonEvent event, IdcBatchBuilder *builder, const char *begin,
         const char **at, const char *end, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    int64_t offset = rows->offset + (*at - begin);

    switch (event) {
    case IDC_JSON_VALUE:
        return at_value(rows, builder, begin, at, end, err);
    case IDC_JSON_KEY:
        return at_key(rows, err);
    case IDC_JSON_PASSED:
        return json->keeping == IDC_KEEP_NOTHING ? IDC_OK : end_kept(rows, builder, offset, err);
    case IDC_JSON_END:
        if (json->rows_depth > json->scan.depth)
            json->rows_depth = 0;
        return IDC_OK;
    case IDC_JSON_FAILED:
        return json_fail(rows, offset, json->scan.reason, err);
    case IDC_JSON_MORE:
        break;
    }
    return IDC_OK;
}

IdcStatus
idc_rows_json_feed(IdcRows *rows, const char *bytes, size_t len, IdcBatchBuilder *builder,
                   size_t *consumed, bool *is_full, IdcError *err)
{
    const char *at = bytes, *end = bytes + len;
    IdcStatus status = IDC_OK;

    while (at < end && status == IDC_OK) {
        const char *from = at;
        IdcJsonEvent event;

        *is_full = idc_batch_is_full(builder);
        if (*is_full)
            break;
        event = idc_json_scan_next(&rows->json.scan, &at, end);
        status = keep_passed(rows, from, at, err);
        if (status == IDC_OK)
            status = at_event(rows, event, builder, bytes, &at, end, err);
        if (idc_rows_is_done(rows))
            at = end;
    }
    *is_full = idc_batch_is_full(builder);
    *consumed = (size_t) (at - bytes);
    return status;
}

IdcStatus
idc_rows_json_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err)
{
    IdcRowsJson *json = &rows->json;
    IdcJsonEvent event = idc_json_scan_finish(&json->scan);
    IdcStatus status = IDC_OK;

    if (event == IDC_JSON_PASSED) {
        if (json->keeping != IDC_KEEP_NOTHING)
            status = end_kept(rows, builder, rows->offset, err);
        event = idc_json_scan_finish(&json->scan);
    }
    if (status != IDC_OK)
        return status;
    if (event == IDC_JSON_FAILED)
        return json_fail(rows, rows->offset, json->scan.reason, err);
    if (!json->is_found && !rows->options.missing_is_empty) {
        (void) idc_fail(err, IDC_SOURCE_FAILED,
                        "the document has nothing at \"%s\", where its "
                        "rows should be",
                        rows->options.path == NULL ? "" : rows->options.path);
        idc_error_set_sqlstate(err, "22032");
        return IDC_SOURCE_FAILED;
    }
    return IDC_OK;
}
