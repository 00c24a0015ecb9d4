/*
 * http_settings.c - options, as declare_http.h has them, become settings.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/common/http.h"

typedef struct Reader {
    const IdcSourceServer *server;
    const IdcDeclaration *declaration;
} Reader;

static const char *
server_text(const Reader *reader, const char *name)
{
    return idc_adapter_option_text(reader->declaration, &reader->server->options, name);
}

static const char *
user_text(const Reader *reader, const char *name)
{
    return idc_adapter_option_text(reader->declaration, &reader->server->user_options, name);
}

static int64_t
server_number(const Reader *reader, const char *name)
{
    return idc_adapter_option_number(reader->declaration, &reader->server->options, name);
}

static bool
is_word(const char *given, const char *word)
{
    return given != NULL && strcmp(given, word) == 0;
}

static void
read_network(const Reader *reader, IdcHttpSettings *settings)
{
    const IdcOptionSet *options = &reader->server->options;

    settings->base_url = server_text(reader, "base_url");
    settings->redirect_hosts = server_text(reader, "redirect_hosts");
    settings->allow_private =
        idc_adapter_option_bool(reader->declaration, options, "allow_private");
    settings->tls_verify = idc_adapter_option_bool(reader->declaration, options, "tls_verify");
    settings->tls_min_version = server_text(reader, "tls_min_version");
    settings->ca_file = server_text(reader, "ca_file");
    settings->client_certificate = server_text(reader, "client_certificate");
    settings->client_key = server_text(reader, "client_key");
    settings->client_key_password = user_text(reader, "client_key_password");
    settings->proxy = server_text(reader, "proxy");
    settings->http_version = server_text(reader, "http_version");
    settings->user_agent = server_text(reader, "user_agent");
}

static void
read_limits(const Reader *reader, IdcHttpSettings *settings)
{
    const char *rate = server_text(reader, "rate_limit");
    int64_t ttl = server_number(reader, "cache_ttl");

    settings->connect_timeout_ms = server_number(reader, "connect_timeout");
    settings->header_timeout_ms = server_number(reader, "header_timeout");
    settings->idle_timeout_ms = server_number(reader, "idle_timeout");
    settings->request_timeout_ms = server_number(reader, "request_timeout");
    settings->max_retries = server_number(reader, "max_retries");
    settings->retry_delay_ms = server_number(reader, "retry_delay");
    settings->max_retry_wait_ms = server_number(reader, "max_retry_wait");
    settings->bucket = reader->server->bucket;
    settings->rate_limit = rate != NULL ? strtod(rate, NULL) : 0;
    settings->rate_burst = server_number(reader, "rate_burst");
    settings->max_response_bytes = server_number(reader, "max_response_size");
    settings->cache_ttl_ms = ttl > 0 ? ttl : 0;
    settings->cache_bytes = server_number(reader, "cache_size");
    settings->cache_directory = reader->server->cache_directory;
}

static void
read_credentials(const Reader *reader, IdcHttpSettings *settings)
{
    settings->auth_token = user_text(reader, "auth_token");
    settings->username = user_text(reader, "username");
    settings->password = user_text(reader, "password");
    settings->api_key = user_text(reader, "api_key");
    settings->api_key_name = server_text(reader, "api_key_name");
    settings->token_url = server_text(reader, "token_url");
    settings->token_auth_in_body = is_word(server_text(reader, "token_auth"), "body");
    settings->client_id = user_text(reader, "client_id");
    settings->client_secret = user_text(reader, "client_secret");
    settings->scope = server_text(reader, "scope");
    settings->audience = server_text(reader, "audience");
    settings->aws_region = server_text(reader, "aws_region");
    settings->aws_service = server_text(reader, "aws_service");
    settings->aws_access_key_id = user_text(reader, "aws_access_key_id");
    settings->aws_secret_access_key = user_text(reader, "aws_secret_access_key");
    settings->aws_session_token = user_text(reader, "aws_session_token");
}

/* ---- what belongs together ---- */

static IdcHttpAuth
guess_auth(const IdcHttpSettings *settings)
{
    if (settings->auth_token != NULL)
        return IDC_HTTP_AUTH_BEARER;
    if (settings->username != NULL)
        return IDC_HTTP_AUTH_BASIC;
    if (settings->api_key != NULL)
        return IDC_HTTP_AUTH_KEY_IN_HEADER;
    if (settings->client_id != NULL)
        return IDC_HTTP_AUTH_OAUTH2;
    if (settings->aws_access_key_id != NULL)
        return IDC_HTTP_AUTH_SIGV4;
    return IDC_HTTP_AUTH_NONE;
}

static IdcHttpAuth
read_auth(const IdcHttpSettings *settings, const char *word)
{
    static const char *const words[] = { "none",          "bearer", "basic",    "api_key_header",
                                         "api_key_query", "oauth2", "aws_sigv4" };

    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0)
            return (IdcHttpAuth) i;
    return guess_auth(settings);
}

/* A header of its own must not be made of it. */
static IdcStatus
want(const char *value, const char *name, const char *auth, IdcError *err)
{
    if (value == NULL || value[0] == '\0') {
        (void) idc_fail(err, IDC_BAD_CONFIG, "authentication by %s needs the option \"%s\"", auth,
                        name);
        idc_error_set_hint(err, "give it to the server, or where it is a secret to the user "
                                "mapping of this user");
        return IDC_BAD_CONFIG;
    }
    if (strpbrk(value, "\r\n") != NULL)
        return idc_fail(err, IDC_BAD_CONFIG, "the option \"%s\" has a line end in its value", name);
    return IDC_OK;
}

static IdcStatus
want_two(const char *first, const char *first_name, const char *second, const char *second_name,
         const char *auth, IdcError *err)
{
    IdcStatus status = want(first, first_name, auth, err);

    return status == IDC_OK ? want(second, second_name, auth, err) : status;
}

static IdcStatus
check_credentials(const IdcHttpSettings *settings, IdcError *err)
{
    IdcStatus status;

    switch (settings->auth) {
    case IDC_HTTP_AUTH_NONE:
        return IDC_OK;
    case IDC_HTTP_AUTH_BEARER:
        return want(settings->auth_token, "auth_token", "bearer token", err);
    case IDC_HTTP_AUTH_BASIC:
        return want_two(settings->username, "username", settings->password, "password", "password",
                        err);
    case IDC_HTTP_AUTH_KEY_IN_HEADER:
    case IDC_HTTP_AUTH_KEY_IN_QUERY:
        return want_two(settings->api_key, "api_key", settings->api_key_name, "api_key_name",
                        "API key", err);
    case IDC_HTTP_AUTH_OAUTH2:
        status = want(settings->token_url, "token_url", "oauth2", err);
        return status != IDC_OK ? status
                                : want_two(settings->client_id, "client_id",
                                           settings->client_secret, "client_secret", "oauth2", err);
    case IDC_HTTP_AUTH_SIGV4:
        return want_two(settings->aws_access_key_id, "aws_access_key_id",
                        settings->aws_secret_access_key, "aws_secret_access_key", "aws_sigv4", err);
    }
    return IDC_OK;
}

/* The hub refuses these to others than superusers; here it is seen to once more. */
static IdcStatus
check_local(const Reader *reader, IdcError *err)
{
    const IdcOptionSet *options = &reader->server->options;

    if (reader->server->may_use_local)
        return IDC_OK;
    for (size_t i = 0; i < options->count; i++) {
        const IdcAdapterOption *option =
            idc_adapter_option_find(reader->declaration, IDC_OPTION_SERVER, options->items[i].name);
        bool is_asked = option != NULL && option->is_local;

        if (is_asked && option->type == IDC_OPTION_BOOL && option->fallback != NULL) {
            bool given = false, usual = false;

            (void) idc_bool_parse(options->items[i].value, &given);
            (void) idc_bool_parse(option->fallback, &usual);
            is_asked = given != usual;
        }
        if (is_asked)
            return idc_fail(err, IDC_BAD_CONFIG,
                            "the option \"%s\" works only for servers of superusers",
                            options->items[i].name);
    }
    return IDC_OK;
}

IdcStatus
idc_http_settings_read(const IdcSourceServer *server, const IdcDeclaration *declaration,
                       IdcHttpSettings *settings, IdcError *err)
{
    Reader reader = { .server = server, .declaration = declaration };
    IdcHttpSettings made;
    IdcStatus status = check_local(&reader, err);

    if (status != IDC_OK)
        return status;
    idc_http_settings_init(&made);
    made.server_name = server->name;
    made.log = server->log;
    read_network(&reader, &made);
    read_limits(&reader, &made);
    read_credentials(&reader, &made);
    made.auth = read_auth(&made, server_text(&reader, "auth"));
    if (made.api_key_name == NULL)
        made.api_key_name = made.auth == IDC_HTTP_AUTH_KEY_IN_QUERY ? "api_key" : "X-API-Key";
    status = check_credentials(&made, err);
    if (status == IDC_OK)
        *settings = made;
    return status;
}
