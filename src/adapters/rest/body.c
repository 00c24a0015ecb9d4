/*
 * body.c - rows as JSON: a tree of the columns' paths, written once a row.
 */
#include "adapters/rest/body.h"

#include <string.h>

#include "adapters/common/json.h"
#include "adapters/common/path.h"

struct IdcRestBody {
    IdcRestBodySetup setup;
    IdcPathNode *root;
    IdcPath wrapper;
};

/* Array types of PostgreSQL's catalogue: their texts are no JSON. */
static bool
is_array_type(uint32_t oid)
{
    static const uint32_t oids[] = { 143,  199,  1000, 1001, 1003, 1005, 1006, 1007, 1008,
                                     1009, 1010, 1014, 1015, 1016, 1021, 1022, 1028, 1041,
                                     1115, 1182, 1183, 1185, 1187, 1231, 1270, 2951, 3807 };

    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++)
        if (oids[i] == oid)
            return true;
    return false;
}

static bool
is_writable(const IdcRestBodySetup *setup, size_t column)
{
    return !setup->columns[column].is_readonly && !setup->columns[column].is_from_request;
}

static IdcStatus
add_column(IdcArena *arena, IdcRestBody *body, size_t column, IdcError *err)
{
    const IdcRestColumn *read = &body->setup.columns[column];
    IdcPath path;
    IdcStatus status = read->path != NULL ? idc_path_parse(arena, read->path, &path, err)
                                          : idc_path_member(arena, read->name, &path, err);

    if (status != IDC_OK)
        return status;
    if (is_array_type(body->setup.table->columns[column].type.oid))
        return idc_fail(err, IDC_UNSUPPORTED,
                        "column \"%s\" is an array and cannot be written: make it jsonb, or "
                        "readonly",
                        read->name);
    if (path.count == 0 || path.is_each)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "column \"%s\" is the whole row in the API and cannot be written: make it "
                        "readonly",
                        read->name);
    for (size_t i = 0; i < path.count; i++)
        if (path.steps[i].member == NULL)
            return idc_fail(err, IDC_UNSUPPORTED,
                            "column \"%s\" is an element of an array in the API and cannot be "
                            "written: make it readonly",
                            read->name);
    return idc_path_add(arena, body->root, &path, column) ? IDC_OK : idc_fail_no_memory(err);
}

/* A place cannot be a value and an object around another column's value. */
static IdcStatus
check_node(const IdcRestBody *body, const IdcPathNode *node, IdcError *err)
{
    if (node->targets != NULL && (node->children != NULL || node->targets->next != NULL))
        return idc_fail(err, IDC_UNSUPPORTED,
                        "column \"%s\" and another one have the same place in the API, so they "
                        "cannot be written: make one of them readonly",
                        body->setup.columns[node->targets->number].name);
    for (const IdcPathNode *child = node->children; child != NULL; child = child->next) {
        IdcStatus status = check_node(body, child, err);

        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

IdcStatus
idc_rest_body_new(IdcArena *arena, const IdcRestBodySetup *setup, IdcRestBody **body, IdcError *err)
{
    IdcRestBody *made = idc_arena_alloc(arena, sizeof *made);
    IdcStatus status = IDC_OK;

    if (made == NULL || (made->root = idc_path_root(arena)) == NULL)
        return idc_fail_no_memory(err);
    made->setup = *setup;
    if (setup->write_path != NULL)
        status = idc_path_parse(arena, setup->write_path, &made->wrapper, err);
    for (size_t i = setup->first; i < setup->table->column_count && status == IDC_OK; i++)
        if (is_writable(setup, i))
            status = add_column(arena, made, i, err);
    for (size_t i = 0; i < made->wrapper.count && status == IDC_OK; i++)
        if (made->wrapper.steps[i].member == NULL || made->wrapper.is_each)
            status = idc_fail(err, IDC_BAD_CONFIG,
                              "option \"write_path\" must name members of objects only");
    if (status == IDC_OK)
        status = check_node(made, made->root, err);
    if (status == IDC_OK)
        *body = made;
    return status;
}

/* ---- writing ---- */

static void
append_quoted(IdcText *text, const char *value)
{
    idc_text_append_json(text, value, strlen(value));
}

static IdcStatus
append_value(const IdcRestBody *body, size_t column, const char *value, IdcText *text,
             IdcError *err)
{
    const IdcRestColumn *read = &body->setup.columns[column];
    IdcType type = body->setup.table->columns[column].type;
    bool is_time = type.oid == IDC_TYPE_DATE || type.oid == IDC_TYPE_TIMESTAMP ||
                   type.oid == IDC_TYPE_TIMESTAMPTZ;
    bool is_plain = idc_rest_is_number(type.oid) || (is_time && read->time != IDC_REST_TIME_ISO);
    IdcText plain;
    bool has_form;

    if (value == NULL) {
        idc_text_append(text, "null");
        return IDC_OK;
    }
    if (type.oid == IDC_TYPE_JSON || type.oid == IDC_TYPE_JSONB) {
        if (!idc_json_is_valid(value, strlen(value)))
            return idc_fail(err, IDC_BAD_VALUE, "column \"%s\" is no JSON", read->name);
        idc_text_append(text, value);
        return IDC_OK;
    }
    idc_text_init(&plain, 0);
    has_form = idc_rest_value(type, read->time, value, &plain);
    if (has_form && is_plain)
        idc_text_append(text, idc_text_string(&plain));
    else if (has_form)
        append_quoted(text, idc_text_string(&plain));
    idc_text_done(&plain);
    return has_form ? IDC_OK
                    : idc_fail(err, IDC_BAD_VALUE,
                               "column \"%s\" has a value that JSON cannot hold (infinite, not a "
                               "number, or out of range)",
                               read->name);
}

static bool
is_left_out(const IdcRestBody *body, const IdcPathNode *node, const char *const *row)
{
    if (!body->setup.leaves_nulls_out)
        return false;
    if (node->targets != NULL)
        return row[node->targets->number] == NULL;
    for (const IdcPathNode *child = node->children; child != NULL; child = child->next)
        if (!is_left_out(body, child, row))
            return false;
    return true;
}

/* Depth: as deep as paths of the options are. */
static IdcStatus
append_node(const IdcRestBody *body, const IdcPathNode *node, const char *const *row, IdcText *text,
            IdcError *err)
{
    IdcStatus status = IDC_OK;
    bool is_first = true;

    if (node->targets != NULL)
        return append_value(body, node->targets->number, row[node->targets->number], text, err);
    idc_text_append_char(text, '{');
    for (const IdcPathNode *child = node->children; child != NULL && status == IDC_OK;
         child = child->next) {
        if (is_left_out(body, child, row))
            continue;
        if (!is_first)
            idc_text_append_char(text, ',');
        is_first = false;
        idc_text_append_json(text, child->step.member, child->step.member_len);
        idc_text_append_char(text, ':');
        status = append_node(body, child, row, text, err);
    }
    idc_text_append_char(text, '}');
    return status;
}

IdcStatus
idc_rest_body_write(const IdcRestBody *body, const char *const *rows, size_t count, bool is_array,
                    IdcText *text, IdcError *err)
{
    size_t row_size = body->setup.table->column_count;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < body->wrapper.count; i++) {
        idc_text_append_char(text, '{');
        idc_text_append_json(text, body->wrapper.steps[i].member,
                             body->wrapper.steps[i].member_len);
        idc_text_append_char(text, ':');
    }
    if (is_array)
        idc_text_append_char(text, '[');
    for (size_t i = 0; i < count && status == IDC_OK; i++) {
        if (i > 0)
            idc_text_append_char(text, ',');
        status = append_node(body, body->root, rows + i * row_size, text, err);
    }
    if (is_array)
        idc_text_append_char(text, ']');
    for (size_t i = 0; i < body->wrapper.count; i++)
        idc_text_append_char(text, '}');
    return status != IDC_OK ? status : idc_text_check(text, err);
}
