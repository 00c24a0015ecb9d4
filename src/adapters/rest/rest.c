/*
 * rest.c - the adapter rest: a server of the hub, and who does what.
 */
#include "adapters/rest/work.h"

extern const IdcAdapter idc_adapter_rest;

static void
disconnect(IdcSourceServer *server)
{
    IdcRestServer *state = server->state;

    if (state != NULL)
        idc_http_client_free(state->client);
    server->state = NULL;
}

static IdcStatus
connect(IdcSourceServer *server, IdcError *err)
{
    IdcRestServer *state = idc_arena_alloc(server->arena, sizeof *state);
    IdcStatus status;

    if (state == NULL)
        return idc_fail_no_memory(err);
    status = idc_http_settings_read(server, &idc_declaration_rest, &state->settings, err);
    if (status != IDC_OK)
        return status;
    state->client = idc_http_client_new(&state->settings, err);
    if (state->client == NULL)
        return err != NULL && err->status != IDC_OK ? err->status : IDC_NO_MEMORY;
    server->state = state;
    return IDC_OK;
}

const IdcAdapter idc_adapter_rest = {
    .declaration = &idc_declaration_rest,
    .connect = connect,
    .disconnect = disconnect,
    .open = idc_rest_open,
    .next = idc_rest_next,
    .import = idc_rest_import,
    .modify = idc_rest_modify,
};
