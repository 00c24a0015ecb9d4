/*
 * hub_calls.c - the public calls about the configuration and the hub itself.
 */
#include <stdlib.h>
#include <string.h>

#include "connector/connector.h"

/* What a call of this file works with; the hub is made from the options and, where named, a file.
 */
typedef struct HubCall {
    IdcArena *arena;
    IdcConfig *config;
    IdcHub *hub;
} HubCall;

static IdcStatus
hub_call_open(HubCall *hub_call, const InstantOption *options, size_t option_count, IdcError *err)
{
    IdcOpenOptions parsed;
    IdcStatus status;

    *hub_call = (HubCall){ .arena = idc_arena_new(0) };
    if (hub_call->arena == NULL)
        return idc_fail_no_memory(err);
    status = idc_open_options_parse(hub_call->arena, options, option_count, &parsed, err);
    if (status == IDC_OK)
        status = idc_connector_load_config(&parsed, &hub_call->config, NULL, err);
    if (status == IDC_OK)
        status = idc_connector_make_hub(&parsed, hub_call->config, NULL, &hub_call->hub, err);
    return status;
}

static void
hub_call_close(HubCall *hub_call)
{
    idc_hub_free(hub_call->hub);
    idc_config_free(hub_call->config);
    idc_arena_free(hub_call->arena);
}

static IdcStatus
read_status(IdcHub *hub, InstantHubStatus *out, IdcError *err)
{
    IdcHubStatus status;
    IdcStatus result = idc_hub_status(hub, &status, err);

    if (result != IDC_OK)
        return result;
    *out = (InstantHubStatus){ .is_embedded = status.is_embedded,
                               .exists = status.exists,
                               .is_running = status.is_running,
                               .server_version_num = status.server_version_num,
                               .pid = status.pid };
    _Static_assert(sizeof out->uri == sizeof status.uri, "the same texts");
    memcpy(out->uri, status.uri, sizeof out->uri);
    memcpy(out->directory, status.directory, sizeof out->directory);
    memcpy(out->log_file, status.log_file, sizeof out->log_file);
    _Static_assert(sizeof out->extension_version == sizeof status.extension_version,
                   "the same texts");
    memcpy(out->extension_version, status.extension_version, sizeof out->extension_version);
    return IDC_OK;
}

InstantStatus
instant_hub_status(const InstantOption *options, size_t option_count, InstantHubStatus *status,
                   InstantError *err)
{
    HubCall hub_call;
    IdcError error;
    IdcStatus result;

    idc_error_init(&error);
    result = hub_call_open(&hub_call, options, option_count, &error);
    if (result == IDC_OK)
        result = read_status(hub_call.hub, status, &error);
    hub_call_close(&hub_call);
    return idc_status_out(result, &error, err);
}

InstantStatus
instant_hub_start(const InstantOption *options, size_t option_count, InstantHubStatus *status,
                  InstantError *err)
{
    HubCall hub_call;
    IdcError error;
    IdcStatus result;

    idc_error_init(&error);
    result = hub_call_open(&hub_call, options, option_count, &error);
    if (result == IDC_OK)
        result = idc_hub_ensure(hub_call.hub, NULL, &error);
    if (result == IDC_OK && status != NULL)
        result = read_status(hub_call.hub, status, &error);
    hub_call_close(&hub_call);
    return idc_status_out(result, &error, err);
}

static InstantStatus
run_on_hub(const InstantOption *options, size_t option_count,
           IdcStatus (*action)(IdcHub *hub, IdcError *err), InstantError *err)
{
    HubCall hub_call;
    IdcError error;
    IdcStatus result;

    idc_error_init(&error);
    result = hub_call_open(&hub_call, options, option_count, &error);
    if (result == IDC_OK)
        result = action(hub_call.hub, &error);
    hub_call_close(&hub_call);
    return idc_status_out(result, &error, err);
}

InstantStatus
instant_hub_stop(const InstantOption *options, size_t option_count, InstantError *err)
{
    return run_on_hub(options, option_count, idc_hub_stop, err);
}

InstantStatus
instant_hub_destroy(const InstantOption *options, size_t option_count, InstantError *err)
{
    return run_on_hub(options, option_count, idc_hub_destroy, err);
}

InstantStatus
instant_config_check(const InstantOption *options, size_t option_count, char **report,
                     InstantError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcConfig *config = NULL;
    IdcOpenOptions parsed;
    IdcText lines;
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    idc_text_init(&lines, 0);
    status = arena == NULL ? idc_fail_no_memory(&error)
                           : idc_open_options_parse(arena, options, option_count, &parsed, &error);
    if (status == IDC_OK)
        status = idc_connector_load_config(&parsed, &config, &lines, &error);
    idc_config_free(config);
    idc_arena_free(arena);
    if (report != NULL && (*report = idc_text_take(&lines)) == NULL && status == IDC_OK)
        status = idc_fail_no_memory(&error);
    idc_text_done(&lines);
    return idc_status_out(status, &error, err);
}

const char *
instant_config_schema(void)
{
    return idc_config_schema();
}
