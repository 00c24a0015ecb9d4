/*
 * declare_request.c - the address and the body of a request, and both as EXPLAIN shows them.
 */
#include "adapters/rest/rest.h"

#include <stdlib.h>
#include <string.h>

/* Where a value lands decides how it is written. */
typedef enum Quoting {
    QUOTING_URL,
    QUOTING_JSON_STRING, /* between quotes that the template has */
    QUOTING_JSON_VALUE
} Quoting;

static void
append_quoted(Quoting quoting, bool is_number, const char *bytes, size_t len, IdcText *text)
{
    IdcText quoted;

    if (quoting == QUOTING_URL) {
        idc_rest_percent(bytes, len, text);
    } else if (quoting == QUOTING_JSON_VALUE && is_number) {
        idc_text_append_len(text, bytes, len);
    } else if (quoting == QUOTING_JSON_VALUE) {
        idc_text_append_json(text, bytes, len);
    } else {
        idc_text_init(&quoted, 0);
        idc_text_append_json(&quoted, bytes, len);
        if (quoted.len >= 2)
            idc_text_append_len(text, quoted.data + 1, quoted.len - 2);
        idc_text_done(&quoted);
    }
}

/* False: the value has no form for the API. */
static bool
append_value(const IdcRestMatch *match, const IdcExpr *value, Quoting quoting, IdcText *text)
{
    bool is_time = value->type.oid == IDC_TYPE_DATE || value->type.oid == IDC_TYPE_TIMESTAMP ||
                   value->type.oid == IDC_TYPE_TIMESTAMPTZ;
    bool is_number =
        idc_rest_is_number(value->type.oid) || (is_time && match->column.time != IDC_REST_TIME_ISO);
    IdcText plain;
    bool has_form;

    if (value->kind == IDC_EXPR_PARAMETER) {
        idc_text_append_format(text, "{$%d}", (int) value->index + 1);
        return true;
    }
    idc_text_init(&plain, 0);
    if (match->is_prefix)
        idc_text_append(&plain, value->text);
    if (match->use != IDC_REST_LIKE)
        has_form = idc_rest_value(value->type, match->column.time, value->text, &plain);
    else if (match->is_prefix)
        has_form = plain.len > 0;
    else
        has_form = idc_rest_like_value(match->column.like, value->text, &plain);
    if (has_form)
        append_quoted(quoting, is_number, idc_text_string(&plain), plain.len, text);
    idc_text_done(&plain);
    return has_form;
}

/* A predicate that cannot be sent: fewer narrow as well, unless the answer is trusted or asked for
 * by it. */
static IdcStatus
leave_out(const IdcRestMatch *match, IdcError *err)
{
    if (match->push == IDC_PUSH_EXACT || match->column.is_required || match->is_in)
        return idc_fail(err, IDC_BAD_VALUE,
                        "the value for column \"%s\" has no form that a parameter could take (it "
                        "is infinite, not a number, or out of range)",
                        match->column.name);
    return IDC_OK;
}

/* ---- the path ---- */

static const IdcRestMatch *
find_match(const IdcRestPlan *plan, const char *name, size_t len, size_t *index)
{
    for (size_t i = 0; i < plan->match_count; i++) {
        const IdcRestMatch *match = &plan->matches[i];

        if (strlen(match->param) == len && memcmp(match->param, name, len) == 0) {
            *index = i;
            return match;
        }
    }
    return NULL;
}

static IdcStatus
write_path(const IdcRestPlan *plan, const IdcRestSlice *slices, IdcText *url, IdcError *err)
{
    const char *at = plan->table.endpoint, *written = at, *begin, *name;
    size_t base_len = strlen(plan->table.base_url), len, i;

    while (base_len > 0 && plan->table.base_url[base_len - 1] == '/')
        base_len--;
    idc_text_append_len(url, plan->table.base_url, base_len);
    if (*at != '/' && *at != '?' && *at != '\0')
        idc_text_append_char(url, '/');
    while (idc_rest_placeholder_next(&at, &begin, &name, &len)) {
        const IdcRestMatch *match = find_match(plan, name, len, &i);

        idc_text_append_len(url, written, (size_t) (begin - written));
        written = at;
        if (match == NULL)
            idc_text_append_len(url, begin, (size_t) (at - begin));
        else if (!append_value(match, idc_rest_match_value(match, slices[i].first), QUOTING_URL,
                               url))
            return leave_out(match, err);
    }
    idc_text_append(url, written);
    return IDC_OK;
}

/* ---- the query ---- */

typedef struct Query {
    IdcText *url;
    bool has_some;
} Query;

static void
begin_param(Query *query, const char *name)
{
    idc_text_append_char(query->url, query->has_some ? '&' : '?');
    query->has_some = true;
    idc_rest_percent(name, strlen(name), query->url);
    idc_text_append_char(query->url, '=');
}

/* {$1}: a value that is not known yet, for EXPLAIN. */
static bool
is_open(const char *value)
{
    size_t digits = strncmp(value, "{$", 2) == 0 ? strspn(value + 2, "0123456789") : 0;

    return digits > 0 && strcmp(value + 2 + digits, "}") == 0;
}

static void
add_param(Query *query, const char *name, const char *value)
{
    if (name == NULL || value == NULL)
        return;
    begin_param(query, name);
    if (is_open(value))
        idc_text_append(query->url, value);
    else
        idc_rest_percent(value, strlen(value), query->url);
}

static void
add_fixed(Query *query, const char *json)
{
    IdcRestPairs pairs;

    if (json == NULL)
        return;
    idc_rest_pairs_init(&pairs, json);
    while (idc_rest_pairs_next(&pairs) == 1)
        add_param(query, idc_text_string(&pairs.name), idc_text_string(&pairs.value));
    idc_rest_pairs_done(&pairs);
}

/* id=1,2 or id=1&id=2. */
static IdcStatus
add_match(Query *query, const IdcRestMatch *match, IdcRestSlice slice, IdcError *err)
{
    size_t before = query->url->len;
    bool had_some = query->has_some;
    const char *param = slice.is_single ? match->column.params[IDC_REST_EQ] : match->param;

    for (size_t i = 0; i < slice.count; i++) {
        if (i == 0 || match->column.in_repeats)
            begin_param(query, param);
        else
            idc_text_append_char(query->url, ',');
        if (append_value(match, idc_rest_match_value(match, slice.first + i), QUOTING_URL,
                         query->url))
            continue;
        query->has_some = had_some;
        if (!query->url->is_broken) {
            query->url->len = before;
            query->url->data[before] = '\0';
        }
        return leave_out(match, err);
    }
    return IDC_OK;
}

/* The name by which the API knows a column: its path without the pointer's slash. */
static void
append_field(const IdcRestColumn *column, bool is_top, IdcText *text)
{
    const char *path = column->path != NULL ? column->path : column->name;
    size_t len;

    if (column->path != NULL && path[0] == '$' && path[1] == '.')
        path += 2;
    else if (column->path != NULL && path[0] == '/')
        path++;
    len = column->path != NULL && is_top ? strcspn(path, "/.[") : strlen(path);
    idc_text_append_len(text, path, len);
}

static bool
has_item(const char *list, const char *item)
{
    size_t len = strlen(item);

    for (const char *at = list; (at = strstr(at, item)) != NULL; at += len)
        if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static void
add_fields(Query *query, const IdcRestPlan *plan)
{
    IdcText fields, field;

    if (plan->table.fields_param == NULL)
        return;
    idc_text_init(&fields, 0);
    idc_text_init(&field, 0);
    for (size_t i = 0; i <= plan->scan->column_count; i++) {
        IdcRestColumn column = { .name = plan->table.cursor, .path = plan->table.cursor };

        idc_text_clear(&field);
        if (i < plan->scan->column_count)
            idc_rest_column_read(&plan->table, &plan->scan->columns[i], &column);
        else if (plan->table.paging != IDC_REST_BY_KEY)
            break;
        if (column.is_from_request)
            continue;
        append_field(&column, true, &field);
        if (field.len == 0 || has_item(idc_text_string(&fields), idc_text_string(&field)))
            continue;
        if (fields.len > 0)
            idc_text_append_char(&fields, ',');
        idc_text_append(&fields, idc_text_string(&field));
    }
    if (fields.len > 0)
        add_param(query, plan->table.fields_param, idc_text_string(&fields));
    idc_text_done(&field);
    idc_text_done(&fields);
}

static void
append_sort_key(const IdcRestTable *table, const IdcRestColumn *column, bool is_descending,
                IdcText *text)
{
    const char *at = table->sort_format;

    while (*at != '\0') {
        if (strncmp(at, "{column}", 8) == 0) {
            append_field(column, false, text);
            at += 8;
        } else if (strncmp(at, "{direction}", 11) == 0) {
            idc_text_append(text, is_descending ? "desc" : "asc");
            at += 11;
        } else if (strncmp(at, "{-}", 3) == 0) {
            idc_text_append(text, is_descending ? "-" : "");
            at += 3;
        } else {
            idc_text_append_char(text, *at++);
        }
    }
}

static void
add_sort(Query *query, const IdcRestPlan *plan)
{
    IdcText keys, orders;

    if (plan->sort == NULL)
        return;
    idc_text_init(&keys, 0);
    idc_text_init(&orders, 0);
    for (size_t i = 0; i < plan->sort->sort_key_count; i++) {
        const IdcSortKey *key = &plan->sort->sort_keys[i];
        IdcRestColumn column;

        idc_rest_column_read(&plan->table, &plan->scan->columns[key->expr->index], &column);
        idc_text_append(&keys, i > 0 ? "," : "");
        idc_text_append(&orders, i > 0 ? "," : "");
        append_sort_key(&plan->table, &column, key->is_descending, &keys);
        idc_text_append(&orders, key->is_descending ? "desc" : "asc");
    }
    add_param(query, plan->table.sort_param, idc_text_string(&keys));
    add_param(query, plan->table.order_param, idc_text_string(&orders));
    idc_text_done(&keys);
    idc_text_done(&orders);
}

static bool
is_in_body(const IdcRestPlan *plan, const char *name)
{
    return plan->table.body != NULL && name != NULL &&
           idc_rest_has_placeholder(plan->table.body, name);
}

static void
add_page(Query *query, const IdcRestPlan *plan, const IdcRestPageValues *page)
{
    const IdcRestTable *table = &plan->table;

    if (!is_in_body(plan, table->limit_param))
        add_param(query, table->limit_param, page->limit);
    if (!is_in_body(plan, table->page_param))
        add_param(query, table->page_param, page->page);
    if (!is_in_body(plan, table->offset_param))
        add_param(query, table->offset_param, page->offset);
    if (!is_in_body(plan, table->cursor_param))
        add_param(query, table->cursor_param, page->cursor);
}

IdcStatus
idc_rest_write_url(const IdcRestPlan *plan, const IdcRestSlice *slices,
                   const IdcRestPageValues *page, IdcText *url, IdcError *err)
{
    Query query = { .url = url, .has_some = strchr(plan->table.endpoint, '?') != NULL };
    IdcStatus status = write_path(plan, slices, url, err);

    if (status != IDC_OK)
        return status;
    add_fixed(&query, plan->table.server_query);
    add_fixed(&query, plan->table.query);
    for (size_t i = 0; i < plan->match_count; i++) {
        if (plan->matches[i].place != IDC_REST_IN_QUERY)
            continue;
        status = add_match(&query, &plan->matches[i], slices[i], err);
        if (status != IDC_OK)
            return status;
    }
    add_fields(&query, plan);
    add_sort(&query, plan);
    add_page(&query, plan, page);
    return idc_text_check(url, err);
}

/* ---- the body ---- */

/* Is the place at `to` between the quotes of a JSON string? `from`: where that was last known. */
static bool
is_in_string(const char *from, const char *to, bool is_inside)
{
    for (; from < to; from++) {
        if (*from == '\\' && is_inside && from + 1 < to)
            from++;
        else if (*from == '"')
            is_inside = !is_inside;
    }
    return is_inside;
}

static const char *
page_value(const IdcRestPlan *plan, const IdcRestPageValues *page, const char *name, size_t len,
           bool *is_number)
{
    const struct {
        const char *name, *value;
    } values[] = { { plan->table.limit_param, page->limit },
                   { plan->table.page_param, page->page },
                   { plan->table.offset_param, page->offset },
                   { plan->table.cursor_param, page->cursor } };

    for (size_t i = 0; i < 4; i++)
        if (values[i].name != NULL && strlen(values[i].name) == len &&
            memcmp(values[i].name, name, len) == 0) {
            *is_number = i < 3;
            return values[i].value;
        }
    return NULL;
}

static IdcStatus
write_body_match(const IdcRestMatch *match, IdcRestSlice slice, Quoting quoting, IdcText *body,
                 IdcError *err)
{
    bool is_list = match->use == IDC_REST_IN && quoting == QUOTING_JSON_VALUE &&
                   !idc_rest_match_is_open(match);

    if (is_list)
        idc_text_append_char(body, '[');
    for (size_t i = 0; i < slice.count; i++) {
        if (i > 0)
            idc_text_append_char(body, ',');
        if (!append_value(match, idc_rest_match_value(match, slice.first + i), quoting, body)) {
            IdcStatus status = leave_out(match, err);

            if (status != IDC_OK)
                return status;
            idc_text_append(body, quoting == QUOTING_JSON_VALUE ? "null" : "");
        }
    }
    if (is_list)
        idc_text_append_char(body, ']');
    return IDC_OK;
}

IdcStatus
idc_rest_write_body(const IdcRestPlan *plan, const IdcRestSlice *slices,
                    const IdcRestPageValues *page, IdcText *body, IdcError *err)
{
    const char *at = plan->table.body, *written = at, *begin, *name;
    bool is_inside = false, is_number = false;
    size_t len, i;

    while (at != NULL && idc_rest_placeholder_next(&at, &begin, &name, &len)) {
        const IdcRestMatch *match = find_match(plan, name, len, &i);
        const char *value = page_value(plan, page, name, len, &is_number);
        Quoting quoting;
        IdcStatus status = IDC_OK;

        is_inside = is_in_string(written, begin, is_inside);
        if (plan->table.body_is_form)
            quoting = QUOTING_URL;
        else
            quoting = is_inside ? QUOTING_JSON_STRING : QUOTING_JSON_VALUE;
        idc_text_append_len(body, written, (size_t) (begin - written));
        written = at;
        if (match != NULL)
            status = write_body_match(match, slices[i], quoting, body, err);
        else if (value != NULL)
            append_quoted(quoting, is_number, value, strlen(value), body);
        else if (quoting == QUOTING_JSON_VALUE)
            idc_text_append(body, "null");
        if (status != IDC_OK)
            return status;
    }
    if (written != NULL)
        idc_text_append(body, written);
    return idc_text_check(body, err);
}
