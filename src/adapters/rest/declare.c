/*
 * declare.c - what the adapter rest accepts, and who answers what about it.
 */
#include "adapters/rest/rest.h"

#include "adapters/common/declare_http.h"

/* Options of pages and rows hold for a table, or for all tables of a server. */
#define BOTH (IDC_OPTION_SERVER | IDC_OPTION_TABLE)

#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* clang-format off */

#define REQUEST_OPTIONS \
    { .name = "base_url", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_URL, \
      .is_required = true, .help = "address that every endpoint is put behind" }, \
    { .name = "endpoint", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .is_required = true, \
      .help = "path behind base_url; {name} is filled in from a predicate on the column name" }, \
    { .name = "method", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_WORD, \
      .words = WORDS("GET", "POST"), .fallback = "GET", \
      .help = "method of a request that reads" }, \
    { .name = "body", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .help = "body of a POST that reads; {name} is filled in as in endpoint, as JSON" }, \
    { .name = "body_type", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .fallback = "application/json", .help = "content type of body" }, \
    { .name = "headers", .levels = BOTH, .type = IDC_OPTION_JSON, \
      .help = "headers of each request, as an object of texts; nothing secret" }, \
    { .name = "query", .levels = BOTH, .type = IDC_OPTION_JSON, \
      .help = "query parameters of each request that reads, as an object; nothing secret" }, \
    { .name = "not_found", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("error", "empty"), \
      .help = "what the status 404 means; empty (no rows) if the endpoint has a {name}, else an " \
              "error" },

#define ROW_OPTIONS \
    { .name = "format", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("json", "ndjson", "csv"), .fallback = "json", \
      .help = "format of an answer" }, \
    { .name = "rows", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "where the rows are in an answer, as a JSON Pointer (/data/items) or JSONPath " \
              "($.data.items); the whole answer if not given" }, \
    { .name = "missing_rows", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("error", "empty"), .fallback = "error", \
      .help = "what it means that an answer has nothing at rows" }, \
    { .name = "delimiter", .levels = BOTH, .type = IDC_OPTION_TEXT, .fallback = ",", \
      .help = "csv: the character between fields" }, \
    { .name = "header", .levels = BOTH, .type = IDC_OPTION_BOOL, .fallback = "true", \
      .help = "csv: the first line names the columns" }, \
    { .name = "null_text", .levels = BOTH, .type = IDC_OPTION_TEXT, .fallback = "", \
      .help = "csv: the unquoted field that is a NULL" }, \
    { .name = "on_error", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("error", "null"), .fallback = "error", \
      .help = "a value that is none of its column's type: an error, or NULL" }, \
    { .name = "row_count", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_INTEGER, \
      .help = "about how many rows there are, for plans before the first ANALYZE" },

#define PAGE_OPTIONS \
    { .name = "page_style", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("none", "page", "offset", "keyset", "cursor", "next_url", "link"), \
      .fallback = "none", .help = "how further pages are asked for" }, \
    { .name = "page_param", .levels = BOTH, .type = IDC_OPTION_TEXT, .fallback = "page", \
      .help = "page: parameter with the number of the page" }, \
    { .name = "page_start", .levels = BOTH, .type = IDC_OPTION_INTEGER, .fallback = "1", \
      .min = 0, .max = 1, .help = "page: number of the first page" }, \
    { .name = "limit_param", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "parameter with the number of rows that is asked for at once" }, \
    { .name = "page_size", .levels = BOTH, .type = IDC_OPTION_INTEGER, .fallback = "100", \
      .min = 1, .max = 1000000, .help = "rows that are asked for at once, with limit_param" }, \
    { .name = "offset_param", .levels = BOTH, .type = IDC_OPTION_TEXT, .fallback = "offset", \
      .help = "offset: parameter with the number of rows that come before the page" }, \
    { .name = "cursor_param", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "cursor, keyset: parameter with the value that the page begins after" }, \
    { .name = "cursor", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "cursor: where in the answer the value for the next page is; keyset: where in a " \
              "row" }, \
    { .name = "next", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "next_url: where in the answer the address of the next page is" }, \
    { .name = "total", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "where in the answer the number of all rows is; pages are then read in parallel" }, \
    { .name = "total_pages", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "where in the answer the number of all pages is" }, \
    { .name = "total_header", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "header of the answer with the number of all rows, such as X-Total-Count" }, \
    { .name = "has_more", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "where in the answer it says (true or false) whether there is a further page" }, \
    { .name = "short_page_ends", .levels = BOTH, .type = IDC_OPTION_BOOL, .fallback = "false", \
      .help = "a page with fewer rows than were asked for is the last one; true only if the API " \
              "gives as many as page_size says" }, \
    { .name = "parallel_pages", .levels = BOTH, .type = IDC_OPTION_INTEGER, .fallback = "4", \
      .min = 1, .max = 32, .help = "pages that are asked for at the same time" }, \
    { .name = "max_pages", .levels = BOTH, .type = IDC_OPTION_INTEGER, .fallback = "100000", \
      .min = 1, .max = 100000000, .help = "more pages in one scan are an error" },

#define PUSH_OPTIONS \
    { .name = "fields_param", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "parameter with the names of the fields that are wanted" }, \
    { .name = "sort_param", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "parameter with the order of the rows" }, \
    { .name = "sort_format", .levels = BOTH, .type = IDC_OPTION_TEXT, .fallback = "{-}{column}", \
      .help = "one key of the order: {column}, {direction} (asc or desc), {-} (a minus sign for " \
              "desc); several are joined by commas" }, \
    { .name = "order_param", .levels = BOTH, .type = IDC_OPTION_TEXT, \
      .help = "parameter with the directions (asc or desc), if they are not in sort_param" }, \
    { .name = "sort_exact", .levels = BOTH, .type = IDC_OPTION_BOOL, .fallback = "false", \
      .help = "true: the API orders as PostgreSQL does (texts by code points), so an ORDER BY " \
              "can be left to it" }, \
    { .name = "sort_nulls", .levels = BOTH, .type = IDC_OPTION_WORD, \
      .words = WORDS("first", "last", "small", "large"), \
      .help = "where the API puts nulls: always first or last, or as the smallest or the largest " \
              "value; if not given, only columns that are NOT NULL are ordered by it" },

#define WRITE_OPTIONS \
    { .name = "insert_method", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_WORD, \
      .words = WORDS("POST", "PUT"), .help = "method that makes a row; no INSERT if not given" }, \
    { .name = "insert_endpoint", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .help = "path behind base_url that makes a row, if it is not endpoint" }, \
    { .name = "insert_batch", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_INTEGER, \
      .fallback = "1", .min = 1, .max = 10000, \
      .help = "rows that one request makes; more than 1: its body is an array" }, \
    { .name = "update_method", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_WORD, \
      .words = WORDS("PATCH", "PUT", "POST"), \
      .help = "method that changes a row; no UPDATE if not given" }, \
    { .name = "delete_method", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_WORD, \
      .words = WORDS("DELETE", "POST"), \
      .help = "method that removes a row; no DELETE if not given" }, \
    { .name = "row_endpoint", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .help = "path behind base_url of one row, such as /users/{id}, for UPDATE and DELETE" }, \
    { .name = "write_path", .levels = IDC_OPTION_TABLE, .type = IDC_OPTION_TEXT, \
      .help = "where a row stands in the body that is sent, as a JSON Pointer (/data); the whole " \
              "body if not given" }, \
    { .name = "idempotent", .levels = BOTH, .type = IDC_OPTION_BOOL, .fallback = "false", \
      .help = "true: a write that is sent twice does no harm, so it is repeated after a failure" }, \
    { .name = "idempotency_header", .levels = BOTH, .type = IDC_OPTION_BOOL, .fallback = "false", \
      .help = "true: the API knows the header Idempotency-Key, so a write is repeated with the " \
              "same key" },

#define COLUMN_OPTIONS \
    { .name = "path", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "where in a row the value is, as a name, a JSON Pointer (/address/city) or JSONPath " \
              "($.address.city); the column's name if not given" }, \
    { .name = "time_format", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_WORD, \
      .words = WORDS("iso", "epoch", "epoch_ms", "epoch_us"), .fallback = "iso", \
      .help = "how the API writes dates and times" }, \
    { .name = "base64", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, \
      .fallback = "false", .help = "true: the API writes a bytea as base64" }, \
    { .name = "param", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for = (or the {name} of the endpoint that this column fills in)" }, \
    { .name = "param_gt", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for >" }, \
    { .name = "param_ge", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for >=" }, \
    { .name = "param_lt", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for <" }, \
    { .name = "param_le", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for <=" }, \
    { .name = "param_in", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for IN: a list of values" }, \
    { .name = "in_style", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_WORD, \
      .words = WORDS("comma", "repeat"), .fallback = "comma", \
      .help = "how param_in takes its list: id=1,2 or id=1&id=2" }, \
    { .name = "in_batch", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_INTEGER, \
      .fallback = "100", .min = 1, .max = 100000, \
      .help = "values of param_in that one request takes; more become several requests" }, \
    { .name = "param_like", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_TEXT, \
      .help = "parameter for LIKE" }, \
    { .name = "like_style", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_WORD, \
      .words = WORDS("prefix", "contains", "sql"), .fallback = "prefix", \
      .help = "what param_like takes: the beginning of the value, a part of it, or a pattern as " \
              "SQL's" }, \
    { .name = "param_exact", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, \
      .fallback = "false", \
      .help = "true: the API compares as PostgreSQL does (case included), so its rows are not " \
              "checked again, and a LIMIT is left to it" }, \
    { .name = "required", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, \
      .fallback = "false", .help = "true: there is no request without a predicate on this column" }, \
    { .name = "from_request", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, \
      .help = "true: answers do not hold the column, its value is that of its parameter; so for a " \
              "{name} of the endpoint unless path is given" }, \
    { .name = "key", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, .fallback = "false", \
      .help = "true: the column is what names a row" }, \
    { .name = "readonly", .levels = IDC_OPTION_COLUMN, .type = IDC_OPTION_BOOL, \
      .fallback = "false", .help = "true: the column is not sent when a row is written" },

#define IMPORT_OPTIONS \
    { .name = "document", .levels = IDC_OPTION_SERVER | IDC_OPTION_IMPORT, \
      .type = IDC_OPTION_TEXT, \
      .help = "what IMPORT FOREIGN SCHEMA reads: an OpenAPI or Swagger document, as a path behind " \
              "base_url, an address, or file:PATH (superusers only)" },

/* clang-format on */

static const IdcAdapterOption options[] = {
    /* clang-format off */
    REQUEST_OPTIONS ROW_OPTIONS PAGE_OPTIONS PUSH_OPTIONS WRITE_OPTIONS COLUMN_OPTIONS
    IMPORT_OPTIONS IDC_HTTP_OPTIONS
    { .name = NULL },
    /* clang-format on */
};

const IdcDeclaration idc_declaration_rest = {
    .name = "rest",
    .title = "REST APIs",
    .options = options,
    .check = idc_rest_check,
    .can_push = idc_rest_can_push,
    .estimate = idc_rest_estimate,
    .key_batch = idc_rest_key_batch,
    .explain = idc_rest_explain,
    .writes = idc_rest_writes,
    .is_key = idc_rest_is_key,
    .is_async = true,
};
