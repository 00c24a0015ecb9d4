/*
 * rows_plan.c - what is wanted of a JSON document, as trees of paths.
 *
 * In:   options and columns
 * Out:  a tree for the document (its rows, captures) and one for a row (columns, captures of rows)
 * Next: rows_json.c
 */
#include <string.h>

#include "adapters/common/rows_parts.h"

static bool
is_key_path(const IdcRows *rows, const IdcRowsColumn *column)
{
    return rows->options.object_values && column->path != NULL && strcmp(column->path, "@key") == 0;
}

static IdcStatus
add_column(IdcArena *arena, IdcRows *rows, size_t i, IdcError *err)
{
    const IdcRowsColumn *column = &rows->columns[i];
    IdcRowsJson *json = &rows->json;
    IdcPath path;
    IdcStatus status;

    if (idc_rows_is_absent(column))
        return IDC_OK;
    if (is_key_path(rows, column)) {
        json->key_columns[json->key_column_count++] = i;
        return IDC_OK;
    }
    if (column->path == NULL)
        status = idc_path_member(arena, column->name, &path, err);
    else
        status = idc_path_parse(arena, column->path, &path, err);
    if (status == IDC_OK && path.is_each)
        status = idc_fail(err, IDC_BAD_VALUE,
                          "path \"%s\": a column is one value, not each of many", column->path);
    if (status != IDC_OK) {
        (void) idc_add_context(err, "column \"%s\"", column->name);
        return status;
    }
    json->wants_scalars |= path.count == 0;
    json->wants_elements |= path.count > 0 && path.steps[0].index >= 0;
    return idc_path_add(arena, json->row.root, &path, i) ? IDC_OK : idc_fail_no_memory(err);
}

static bool
begins_with(const IdcPath *path, const IdcPath *prefix)
{
    if (path->count <= prefix->count)
        return false;
    for (size_t i = 0; i < prefix->count; i++) {
        const IdcPathStep *a = &path->steps[i], *b = &prefix->steps[i];

        if (a->index != b->index || a->member_len != b->member_len ||
            memcmp(a->member_len > 0 ? a->member : "", b->member_len > 0 ? b->member : "",
                   a->member_len) != 0)
            return false;
    }
    return true;
}

/* From the document; where a single object is the row, and the value is in it, from the row too. */
static IdcStatus
add_capture(IdcArena *arena, IdcRows *rows, size_t i, const IdcPath *rows_path, IdcError *err)
{
    const IdcRowsCapture *capture = &rows->options.captures[i];
    IdcRowsJson *json = &rows->json;
    IdcPath path;
    IdcStatus status = idc_path_parse(arena, capture->path, &path, err);

    if (status == IDC_OK && path.is_each)
        status = idc_fail(err, IDC_BAD_VALUE, "path \"%s\": one value is wanted, not each of many",
                          capture->path);
    if (status != IDC_OK)
        return status;
    if (!capture->is_of_row && !idc_path_add(arena, json->root, &path, i))
        return idc_fail_no_memory(err);
    if (!capture->is_of_row) {
        if (!begins_with(&path, rows_path))
            return IDC_OK;
        path.steps += rows_path->count;
        path.count -= rows_path->count;
    }
    return idc_path_add(arena, json->row.root, &path, rows->column_count + i)
               ? IDC_OK
               : idc_fail_no_memory(err);
}

static size_t
longest_key(const IdcPathNode *node)
{
    size_t longest = node->longest_member;

    for (const IdcPathNode *child = node->children; child != NULL; child = child->next) {
        size_t below = longest_key(child);

        longest = below > longest ? below : longest;
    }
    return longest;
}

static bool
init_memory(IdcArena *arena, IdcRows *rows)
{
    IdcRowsJson *json = &rows->json;
    size_t cell_count = rows->column_count + rows->options.capture_count;

    json->root = idc_path_root(arena);
    json->row.root = idc_path_root(arena);
    json->row.cells = idc_arena_alloc_array(arena, cell_count + 1, sizeof *json->row.cells);
    json->places =
        idc_arena_alloc_array(arena, (size_t) rows->options.max_depth + 1, sizeof *json->places);
    json->key_columns =
        idc_arena_alloc_array(arena, rows->column_count + 1, sizeof *json->key_columns);
    return json->root != NULL && json->row.root != NULL && json->row.cells != NULL &&
           json->places != NULL && json->key_columns != NULL;
}

IdcStatus
idc_rows_json_init(IdcArena *arena, IdcRows *rows, IdcError *err)
{
    const char *path_text = rows->options.path == NULL ? "" : rows->options.path;
    IdcRowsJson *json = &rows->json;
    IdcPath path;
    IdcStatus status = idc_path_parse(arena, path_text, &path, err);

    if (status != IDC_OK) {
        (void) idc_add_context(err, "rows");
        return status;
    }
    if (rows->options.format == IDC_ROWS_NDJSON && path.count > 0)
        return idc_fail(err, IDC_BAD_VALUE, "rows of NDJSON are its lines: they have no path");
    if (!init_memory(arena, rows))
        return idc_fail_no_memory(err);
    json->row.max_depth = json->scan.max_depth = rows->options.max_depth;
    json->scan.is_stream = rows->options.format == IDC_ROWS_NDJSON;
    for (size_t i = 0; i < rows->column_count && status == IDC_OK; i++)
        status = add_column(arena, rows, i, err);
    for (size_t i = 0; i < rows->options.capture_count && status == IDC_OK; i++)
        status = add_capture(arena, rows, i, &path, err);
    if (status != IDC_OK)
        return status;
    if (!idc_path_add(arena, json->root, &path, rows->options.capture_count))
        return idc_fail_no_memory(err);
    /* Written with \u0000 for each byte, a key is six times as long. */
    json->scan.key_limit =
        json->key_column_count > 0 ? IDC_CAPTURE_BYTES : 6 * longest_key(json->root);
    return IDC_OK;
}
