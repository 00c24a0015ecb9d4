/*
 * connector.c - opening and closing: configuration, then hub, then pool.
 */
#include "connector/connector.h"

#include <stdlib.h>
#include <string.h>

static const int64_t default_pool_size = 10;
static const int64_t default_pool_timeout_ms = 30000;
static const int64_t default_connect_timeout_ms = 10000;
static const int64_t default_query_timeout_ms = 3600000;

const char *
instant_version(void)
{
    return INSTANT_VERSION;
}

static void
copy_text(char *target, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(target, text, len);
    target[len] = '\0';
}

InstantStatus
idc_status_out(IdcStatus status, const IdcError *err, InstantError *out)
{
    _Static_assert((int) IDC_UNSUPPORTED == (int) INSTANT_UNSUPPORTED, "the statuses are the same");

    if (out == NULL)
        return (InstantStatus) status;
    out->status = (InstantStatus) status;
    copy_text(out->sqlstate, sizeof out->sqlstate, err->sqlstate);
    copy_text(out->message, sizeof out->message, err->message);
    copy_text(out->hint, sizeof out->hint, err->hint);
    copy_text(out->source, sizeof out->source, err->source);
    copy_text(out->remote_sql, sizeof out->remote_sql, err->remote_sql);
    return (InstantStatus) status;
}

IdcCall *
idc_call_in(InstantCall *call)
{
    return (IdcCall *) call;
}

InstantCall *
instant_call_new(void)
{
    return (InstantCall *) idc_call_new();
}

void
instant_call_cancel(InstantCall *call)
{
    idc_call_cancel(idc_call_in(call));
}

void
instant_call_free(InstantCall *call)
{
    idc_call_free(idc_call_in(call));
}

static void
forward_log(void *host, IdcLogLevel level, const char *line)
{
    InstantConnector *connector = host;

    connector->log_hook(connector->log_host, (InstantLogLevel) level, line);
}

/* ${NAME}: the options' env.NAME first, then the environment. */
static const char *
look_up_variable(void *host, const char *name)
{
    const IdcOpenOptions *options = host;

    for (size_t i = 0; i < options->environment_count; i++)
        if (strcmp(options->environment[i].name, name) == 0)
            return options->environment[i].value;
    return getenv(name);
}

IdcStatus
idc_connector_load_config(const IdcOpenOptions *options, IdcConfig **config, IdcText *report,
                          IdcError *err)
{
    IdcConfigInput input = {
        .path = options->config_path,
        .text = options->config_text,
        .schema_path = options->schema_path,
        .environment = look_up_variable,
        .environment_host = (void *) options,
    };

    if (input.path == NULL && input.text == NULL)
        input.text = "{}";
    return idc_config_load(&input, config, report, err);
}

/* The keywords of the file's `hub:` block, in the shape that the hub takes. */
static IdcStatus
config_keywords(IdcArena *arena, const IdcConfig *config, IdcHubOptions *hub_options, IdcError *err)
{
    IdcKeyword *keywords = idc_arena_alloc_array(arena, config->hub.count + 1, sizeof *keywords);

    if (keywords == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < config->hub.count; i++)
        keywords[i] = (IdcKeyword){ config->hub.items[i].name, config->hub.items[i].value };
    hub_options->keywords = keywords;
    hub_options->keyword_count = config->hub.count;
    return IDC_OK;
}

static int64_t
first_said(int64_t option, int64_t configured, int64_t fallback)
{
    return option >= 0 ? option : configured >= 0 ? configured : fallback;
}

static IdcStatus
choose_hub(IdcArena *arena, const IdcOpenOptions *options, const IdcConfig *config,
           IdcHubOptions *chosen, IdcError *err)
{
    if (options->hub_word != NULL && strcmp(options->hub_word, "embedded") != 0 &&
        strcmp(options->hub_word, "environment") != 0)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"hub\" is \"%s\", expected embedded or environment",
                        options->hub_word);
    chosen->kind = IDC_HUB_EXTERNAL;
    if (options->hub_url != NULL || options->hub_keyword_count > 0) {
        chosen->url = options->hub_url;
        chosen->keywords = options->hub_keywords;
        chosen->keyword_count = options->hub_keyword_count;
        return IDC_OK;
    }
    if (options->hub_word != NULL) {
        chosen->kind = options->hub_word[1] == 'm' ? IDC_HUB_EMBEDDED : IDC_HUB_ENVIRONMENT;
        return IDC_OK;
    }
    if (config != NULL && (config->hub_url != NULL || config->hub.count > 0)) {
        chosen->url = config->hub_url;
        return config_keywords(arena, config, chosen, err);
    }
    chosen->kind =
        config != NULL && config->hub_is_environment ? IDC_HUB_ENVIRONMENT : IDC_HUB_EMBEDDED;
    return IDC_OK;
}

IdcStatus
idc_connector_make_hub(const IdcOpenOptions *options, const IdcConfig *config, const IdcLog *log,
                       IdcHub **hub, IdcError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcHubOptions chosen = { 0 };
    IdcStatus status;

    if (arena == NULL)
        return idc_fail_no_memory(err);
    status = choose_hub(arena, options, config, &chosen, err);
    if (status == IDC_OK) {
        chosen.home = options->home;
        chosen.application_name =
            options->application_name != NULL ? options->application_name : "instant";
        chosen.connect_timeout_ms = first_said(options->connect_timeout_ms,
                                               config != NULL ? config->connection_timeout_ms : -1,
                                               default_connect_timeout_ms);
        chosen.query_timeout_ms =
            first_said(options->query_timeout_ms, config != NULL ? config->query_timeout_ms : -1,
                       default_query_timeout_ms);
        status = idc_hub_new(&chosen, log, hub, err);
    }
    idc_arena_free(arena);
    return status;
}

static void
connector_free(InstantConnector *connector)
{
    if (connector->pool != NULL) {
        idc_pool_close(connector->pool);
        idc_pool_free(connector->pool);
    }
    idc_hub_free(connector->hub);
    idc_config_free(connector->config);
    free(connector);
}

void
idc_connector_hold(InstantConnector *connector)
{
    atomic_fetch_add(&connector->reference_count, 1);
}

void
idc_connector_drop(InstantConnector *connector)
{
    if (atomic_fetch_sub(&connector->reference_count, 1) == 1)
        connector_free(connector);
}

static IdcStatus
connector_build(InstantConnector *connector, const IdcOpenOptions *options, IdcError *err)
{
    const IdcConfig *config;
    IdcStatus status = idc_connector_load_config(options, &connector->config, NULL, err);

    if (status != IDC_OK)
        return status;
    config = connector->config;
    connector->connect_timeout_ms = first_said(
        options->connect_timeout_ms, config->connection_timeout_ms, default_connect_timeout_ms);
    status = idc_connector_make_hub(options, config, &connector->log, &connector->hub, err);
    if (status != IDC_OK)
        return status;
    return idc_pool_new(
        connector->hub,
        (size_t) first_said(options->pool_size, config->pool_size, default_pool_size),
        first_said(options->pool_timeout_ms, -1, default_pool_timeout_ms), &connector->log,
        &connector->pool, err);
}

InstantStatus
instant_open(const InstantOption *options, size_t option_count, InstantLogHook log, void *log_host,
             InstantConnector **connector, InstantError *err)
{
    InstantConnector *opened = calloc(1, sizeof *opened);
    IdcArena *arena = idc_arena_new(0);
    IdcOpenOptions parsed;
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    if (opened == NULL || arena == NULL) {
        free(opened);
        idc_arena_free(arena);
        return idc_status_out(idc_fail_no_memory(&error), &error, err);
    }
    atomic_init(&opened->reference_count, 1);
    opened->log_hook = log;
    opened->log_host = log_host;
    opened->log =
        (IdcLog){ .hook = log != NULL ? forward_log : NULL, .host = opened, .least = IDC_DEBUG };
    status = idc_open_options_parse(arena, options, option_count, &parsed, &error);
    if (status == IDC_OK)
        status = connector_build(opened, &parsed, &error);
    idc_arena_free(arena);
    if (status == IDC_OK)
        *connector = opened;
    else
        connector_free(opened);
    return idc_status_out(status, &error, err);
}

void
instant_close(InstantConnector *connector)
{
    if (connector == NULL)
        return;
    idc_pool_close(connector->pool);
    idc_connector_drop(connector);
}
