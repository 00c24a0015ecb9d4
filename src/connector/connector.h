/*
 * connector.h - the product in one struct: configuration, hub, pool.
 *
 * In:   IdcOpenOptions
 * Out:  InstantConnector and InstantResult, as the public header promises them
 *
 * The files of this folder are the public header's sections: connector.c, setup_calls.c,
 * query_calls.c, catalogue.c, result_calls.c, hub_calls.c. Only they turn IdcError into
 * InstantError.
 */
#ifndef IDC_CONNECTOR_CONNECTOR_H
#define IDC_CONNECTOR_CONNECTOR_H

#include <stdatomic.h>

#include "arrow/rows.h"
#include "config/config.h"
#include "connector/options.h"
#include "hub/pool.h"
#include "hub/result.h"
#include "instant/instant.h"
#include "query/query.h"

/*
 * Counted: the caller of instant_open holds one reference, each result and each stream one more.
 * After instant_close the pool is closed and the rest lives until the last result is gone.
 */
struct InstantConnector {
    atomic_int reference_count;
    IdcConfig *config;
    IdcLog log;
    InstantLogHook log_hook;
    void *log_host;
    IdcHub *hub;
    IdcPool *pool;
    int64_t connect_timeout_ms;
};

struct InstantResult {
    IdcResult *result;
    InstantConnector *connector; /* a reference */
};

void idc_connector_hold(InstantConnector *connector);
void idc_connector_drop(InstantConnector *connector);

/* Copy err to the door's err (both may be NULL) and return the public status. */
InstantStatus idc_status_out(IdcStatus status, const IdcError *err, InstantError *out);

/* InstantCall and IdcCall are the same object. */
IdcCall *idc_call_in(InstantCall *call);

/* A result of the connector around res, or around rows that the library made; takes them on
 * success. */
IDC_CHECKED IdcStatus idc_result_wrap(InstantConnector *connector, IdcResult *inner,
                                      InstantResult **result, IdcError *err);
IDC_CHECKED IdcStatus idc_result_wrap_rows(InstantConnector *connector, IdcRows *rows,
                                           InstantResult **result, IdcError *err);

/* Load the configuration that the options name; an empty one where they name none. */
IDC_CHECKED IdcStatus idc_connector_load_config(const IdcOpenOptions *options, IdcConfig **config,
                                                IdcText *report, IdcError *err);

/* The hub that options, then config (may be NULL), then the default say. */
IDC_CHECKED IdcStatus idc_connector_make_hub(const IdcOpenOptions *options, const IdcConfig *config,
                                             const IdcLog *log, IdcHub **hub, IdcError *err);

#endif
