/*
 * declare_options.c - the options of a table and of a column as structs.
 */
#include "adapters/rest/rest.h"

#include <string.h>

const char *
idc_rest_option(const IdcOptionSet *server_options, const IdcOptionSet *options, const char *name)
{
    const char *value = idc_option_value(options, name);

    if (value != NULL)
        return value;
    return idc_adapter_option_text(&idc_declaration_rest, server_options, name);
}

int64_t
idc_rest_option_number(const IdcOptionSet *server_options, const IdcOptionSet *options,
                       const char *name)
{
    bool is_own = idc_option_value(options, name) != NULL;

    return idc_adapter_option_number(&idc_declaration_rest, is_own ? options : server_options,
                                     name);
}

bool
idc_rest_option_bool(const IdcOptionSet *server_options, const IdcOptionSet *options,
                     const char *name)
{
    bool is_own = idc_option_value(options, name) != NULL;

    return idc_adapter_option_bool(&idc_declaration_rest, is_own ? options : server_options, name);
}

static IdcRestPaging
paging_of(const char *word)
{
    static const char *const words[] = { "none",   "page",     "offset", "keyset",
                                         "cursor", "next_url", "link" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (word != NULL && strcmp(words[i], word) == 0)
            return (IdcRestPaging) i;
    return IDC_REST_ONE_PAGE;
}

static void
read_pages(const IdcOptionSet *server, const IdcOptionSet *options, IdcRestTable *table)
{
    table->paging = paging_of(idc_rest_option(server, options, "page_style"));
    table->page_param = idc_rest_option(server, options, "page_param");
    table->limit_param = idc_rest_option(server, options, "limit_param");
    table->offset_param = idc_rest_option(server, options, "offset_param");
    table->cursor_param = idc_rest_option(server, options, "cursor_param");
    table->page_start = idc_rest_option_number(server, options, "page_start");
    table->page_size = idc_rest_option_number(server, options, "page_size");
    table->parallel_pages = idc_rest_option_number(server, options, "parallel_pages");
    table->max_pages = idc_rest_option_number(server, options, "max_pages");
    table->short_page_ends = idc_rest_option_bool(server, options, "short_page_ends");
    table->cursor = idc_rest_option(server, options, "cursor");
    table->next = idc_rest_option(server, options, "next");
    table->total = idc_rest_option(server, options, "total");
    table->total_pages = idc_rest_option(server, options, "total_pages");
    table->total_header = idc_rest_option(server, options, "total_header");
    table->has_more = idc_rest_option(server, options, "has_more");
    /* Without a size an offset could not be told from the rows that were left out. */
    if (table->paging == IDC_REST_BY_OFFSET && table->limit_param == NULL)
        table->limit_param = "limit";
}

void
idc_rest_table_read(const IdcOptionSet *server_options, const IdcOptionSet *options,
                    IdcRestTable *table)
{
    const char *not_found = idc_rest_option(server_options, options, "not_found");

    *table = (IdcRestTable){
        .base_url = idc_option_value(server_options, "base_url"),
        .endpoint = idc_option_value(options, "endpoint"),
        .method = idc_adapter_option_text(&idc_declaration_rest, options, "method"),
        .body = idc_option_value(options, "body"),
        .body_type = idc_adapter_option_text(&idc_declaration_rest, options, "body_type"),
        .query = idc_option_value(options, "query"),
        .server_query = idc_option_value(server_options, "query"),
        .fields_param = idc_rest_option(server_options, options, "fields_param"),
        .sort_param = idc_rest_option(server_options, options, "sort_param"),
        .sort_format = idc_rest_option(server_options, options, "sort_format"),
        .order_param = idc_rest_option(server_options, options, "order_param"),
        .sort_nulls = idc_rest_option(server_options, options, "sort_nulls"),
        .sort_is_exact = idc_rest_option_bool(server_options, options, "sort_exact"),
        .row_count = idc_adapter_option_number(&idc_declaration_rest, options, "row_count"),
    };
    table->body_is_form = strstr(table->body_type, "form-urlencoded") != NULL;
    table->is_document = strcmp(idc_rest_option(server_options, options, "format"), "json") == 0;
    if (table->base_url == NULL)
        table->base_url = "";
    if (table->endpoint == NULL)
        table->endpoint = "";
    table->not_found_is_empty =
        not_found != NULL ? strcmp(not_found, "empty") == 0 : strchr(table->endpoint, '{') != NULL;
    read_pages(server_options, options, table);
}

static const char *
column_text(const IdcRelationColumn *column, const char *name)
{
    return idc_adapter_option_text(&idc_declaration_rest, &column->options, name);
}

static bool
column_bool(const IdcRelationColumn *column, const char *name)
{
    return idc_adapter_option_bool(&idc_declaration_rest, &column->options, name);
}

static bool
is_word(const char *value, const char *word)
{
    return value != NULL && strcmp(value, word) == 0;
}

static IdcRestTime
time_of(const char *word)
{
    if (is_word(word, "epoch"))
        return IDC_REST_TIME_S;
    if (is_word(word, "epoch_ms"))
        return IDC_REST_TIME_MS;
    return is_word(word, "epoch_us") ? IDC_REST_TIME_US : IDC_REST_TIME_ISO;
}

static IdcRestLike
like_of(const char *word)
{
    if (is_word(word, "contains"))
        return IDC_REST_LIKE_CONTAINS;
    return is_word(word, "sql") ? IDC_REST_LIKE_SQL : IDC_REST_LIKE_PREFIX;
}

void
idc_rest_column_read(const IdcRestTable *table, const IdcRelationColumn *column,
                     IdcRestColumn *read)
{
    static const char *const names[IDC_REST_USE_COUNT] = {
        [IDC_REST_EQ] = "param",        [IDC_REST_GT] = "param_gt", [IDC_REST_GE] = "param_ge",
        [IDC_REST_LT] = "param_lt",     [IDC_REST_LE] = "param_le", [IDC_REST_IN] = "param_in",
        [IDC_REST_LIKE] = "param_like",
    };
    bool is_in_path;

    *read = (IdcRestColumn){
        .name = column->name,
        .path = idc_option_value(&column->options, "path"),
        .is_exact = column_bool(column, "param_exact"),
        .is_required = column_bool(column, "required"),
        .is_key = column_bool(column, "key"),
        .is_readonly = column_bool(column, "readonly"),
        .in_repeats = is_word(column_text(column, "in_style"), "repeat"),
        .in_batch = idc_adapter_option_number(&idc_declaration_rest, &column->options, "in_batch"),
        .time = time_of(column_text(column, "time_format")),
        .like = like_of(column_text(column, "like_style")),
    };
    for (int use = 0; use < IDC_REST_USE_COUNT; use++)
        read->params[use] = idc_option_value(&column->options, names[use]);
    /* A column whose name stands in the endpoint needs no option to fill it in. */
    if (read->params[IDC_REST_EQ] == NULL &&
        (idc_rest_has_placeholder(table->endpoint, column->name) ||
         (table->body != NULL && idc_rest_has_placeholder(table->body, column->name))))
        read->params[IDC_REST_EQ] = column->name;
    is_in_path = read->params[IDC_REST_EQ] != NULL &&
                 idc_rest_has_placeholder(table->endpoint, read->params[IDC_REST_EQ]);
    read->is_required = read->is_required || is_in_path;
    read->is_from_request = is_in_path && read->path == NULL;
    if (idc_option_value(&column->options, "from_request") != NULL)
        read->is_from_request = column_bool(column, "from_request");
    /* Without a predicate its value would be unknown, and a predicate would change the answer. */
    if (read->is_from_request)
        read->is_required = true;
}
