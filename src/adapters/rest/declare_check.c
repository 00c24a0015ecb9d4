/*
 * declare_check.c - what options must be together, beyond each by itself.
 */
#include "adapters/rest/rest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is(const IdcOptionSet *options, const char *name, const char *value)
{
    const char *given = idc_option_value(options, name);

    return given != NULL && strcmp(given, value) == 0;
}

static IdcStatus
check_needs(const IdcOptionSet *options, const char *name, const char *needed, IdcError *err)
{
    if (idc_option_value(options, name) == NULL || idc_option_value(options, needed) != NULL)
        return IDC_OK;
    return idc_fail(err, IDC_BAD_CONFIG, "option \"%s\" needs option \"%s\"", name, needed);
}

/* ---- objects of headers and parameters ---- */

static bool
is_header_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char) *c) && strchr("!#$%&'*+-.^_`|~", *c) == NULL)
            return false;
    return name[0] != '\0';
}

/* What everybody may read in the catalogue must not be what only some may know. */
static IdcStatus
check_secrecy(const char *option, const char *name, IdcError *err)
{
    static const char *const parts[] = { "api-key",    "api_key",      "apikey",
                                         "secret",     "password",     "auth-token",
                                         "auth_token", "access-token", "access_token" };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcasestr(name, parts[i]) != NULL)
            return idc_fail(
                err, IDC_BAD_CONFIG,
                "option \"%s\" must not have \"%s\": what is secret belongs in the user "
                "mapping, as api_key (and its name in the server's option "
                "api_key_name), auth_token or password",
                option, name);
    return IDC_OK;
}

static IdcStatus
check_header(const char *name, const char *value, IdcError *err)
{
    static const char *const reserved[] = { "authorization", "proxy-authorization", "cookie",
                                            "host",          "content-length",      "connection",
                                            "expect",        "transfer-encoding" };

    if (!is_header_name(name))
        return idc_fail(err, IDC_BAD_CONFIG, "option \"headers\": \"%s\" is no name of a header",
                        name);
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(name, reserved[i]) == 0)
            return idc_fail(err, IDC_BAD_CONFIG, "option \"headers\" must not have \"%s\"%s", name,
                            i < 3 ? ": what is secret belongs in the user mapping" : "");
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char) *c < 0x20 || *c == 0x7F)
            return idc_fail(err, IDC_BAD_CONFIG,
                            "option \"headers\": the value of \"%s\" has a control character",
                            name);
    return IDC_OK;
}

static IdcStatus
check_object(const IdcOptionSet *options, const char *option, bool is_headers, IdcError *err)
{
    const char *json = idc_option_value(options, option);
    IdcStatus status = IDC_OK;
    IdcRestPairs pairs;
    int found = 0;

    if (json == NULL)
        return IDC_OK;
    idc_rest_pairs_init(&pairs, json);
    while (status == IDC_OK && (found = idc_rest_pairs_next(&pairs)) == 1) {
        status = check_secrecy(option, idc_text_string(&pairs.name), err);
        if (status == IDC_OK && is_headers)
            status = check_header(idc_text_string(&pairs.name), idc_text_string(&pairs.value), err);
    }
    if (status == IDC_OK && found < 0)
        status =
            idc_fail(err, IDC_BAD_CONFIG,
                     "option \"%s\" must be a JSON object of texts, numbers and booleans, such "
                     "as {\"name\": \"value\"}",
                     option);
    idc_rest_pairs_done(&pairs);
    return status;
}

static IdcStatus
check_objects(const IdcOptionSet *options, IdcError *err)
{
    IdcStatus status = check_object(options, "headers", true, err);

    return status != IDC_OK ? status : check_object(options, "query", false, err);
}

/* ---- levels ---- */

static IdcStatus
check_server(const IdcOptionSet *options, IdcError *err)
{
    const char *base_url = idc_option_value(options, "base_url");

    if (base_url != NULL && strpbrk(base_url, "?#{") != NULL)
        return idc_fail(err, IDC_BAD_CONFIG,
                        "option \"base_url\" must have neither a query nor a fragment nor {name}; "
                        "parameters of each request belong in option \"query\"");
    return check_objects(options, err);
}

static IdcStatus
check_writes(const IdcOptionSet *options, IdcError *err)
{
    const char *row = idc_option_value(options, "row_endpoint");
    IdcStatus status = check_needs(options, "update_method", "row_endpoint", err);

    if (status == IDC_OK)
        status = check_needs(options, "delete_method", "row_endpoint", err);
    if (status == IDC_OK)
        status = check_needs(options, "insert_endpoint", "insert_method", err);
    if (status == IDC_OK && row != NULL && strchr(row, '{') == NULL)
        status = idc_fail(err, IDC_BAD_CONFIG,
                          "option \"row_endpoint\" must have a {name} for the key, such as "
                          "/users/{id}");
    return status;
}

static IdcStatus
check_body(const IdcOptionSet *options, IdcError *err)
{
    const char *body = idc_option_value(options, "body");
    const char *type = idc_option_value(options, "body_type");
    const char *begin, *name;
    size_t len;

    if (body == NULL)
        return check_needs(options, "body_type", "body", err);
    if (!is(options, "method", "POST"))
        return idc_fail(err, IDC_BAD_CONFIG, "option \"body\" needs option \"method\" to be POST");
    if (type != NULL && strstr(type, "json") == NULL && strstr(type, "form-urlencoded") == NULL &&
        idc_rest_placeholder_next(&body, &begin, &name, &len))
        return idc_fail(err, IDC_BAD_CONFIG,
                        "option \"body\" can be filled in as JSON or as "
                        "application/x-www-form-urlencoded only, not as \"%s\"",
                        type);
    return IDC_OK;
}

static IdcStatus
check_table(const IdcOptionSet *options, IdcError *err)
{
    static const char *const endpoints[] = { "endpoint", "row_endpoint", "insert_endpoint" };
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < 3 && status == IDC_OK; i++) {
        const char *value = idc_option_value(options, endpoints[i]);

        if (value != NULL)
            status = idc_rest_endpoint_check(endpoints[i], value, err);
    }
    if (status == IDC_OK)
        status = check_body(options, err);
    if (status == IDC_OK)
        status = check_writes(options, err);
    return status != IDC_OK ? status : check_objects(options, err);
}

static IdcStatus
check_column(const IdcOptionSet *options, IdcError *err)
{
    const char *from_request = idc_option_value(options, "from_request");
    bool is_from_request;
    IdcStatus status = check_needs(options, "in_style", "param_in", err);

    if (status == IDC_OK)
        status = check_needs(options, "in_batch", "param_in", err);
    if (status == IDC_OK)
        status = check_needs(options, "like_style", "param_like", err);
    if (status == IDC_OK && from_request != NULL && idc_option_value(options, "path") != NULL &&
        idc_bool_parse(from_request, &is_from_request) && is_from_request)
        status = idc_fail(err, IDC_BAD_CONFIG,
                          "options \"path\" and \"from_request\" exclude each other: a value is "
                          "read from the answer, or is that of the request");
    return status;
}

IdcStatus
idc_rest_check(IdcOptionLevel level, const IdcOptionSet *options, IdcError *err)
{
    switch (level) {
    case IDC_OPTION_SERVER:
        return check_server(options, err);
    case IDC_OPTION_TABLE:
        return check_table(options, err);
    case IDC_OPTION_COLUMN:
        return check_column(options, err);
    default:
        return IDC_OK;
    }
}

/* ---- server and table together ---- */

static IdcStatus
style_needs(const char *style, const char *option, IdcError *err)
{
    return idc_fail(err, IDC_BAD_CONFIG, "page_style \"%s\" needs option \"%s\"", style, option);
}

IdcStatus
idc_rest_table_check(const IdcRestTable *table, IdcError *err)
{
    bool reads_body = table->paging == IDC_REST_BY_KEY || table->paging == IDC_REST_BY_CURSOR ||
                      table->paging == IDC_REST_BY_NEXT;
    const char *style = table->paging == IDC_REST_BY_KEY ? "keyset" : "cursor";

    if (!table->is_document && (reads_body || table->total != NULL || table->total_pages != NULL ||
                                table->has_more != NULL))
        return idc_fail(
            err, IDC_BAD_CONFIG,
            "an answer of rows alone (format csv, ndjson) has no place for a cursor, an "
            "address, a total or has_more");
    if (table->paging == IDC_REST_BY_NEXT && table->next == NULL)
        return style_needs("next_url", "next", err);
    if (table->paging != IDC_REST_BY_KEY && table->paging != IDC_REST_BY_CURSOR)
        return IDC_OK;
    if (table->cursor == NULL)
        return style_needs(style, "cursor", err);
    return table->cursor_param == NULL ? style_needs(style, "cursor_param", err) : IDC_OK;
}
