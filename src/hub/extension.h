/*
 * extension.h - whether a session's database has the extension instant_fdw, and how to use it.
 *
 * In:   a session that was just opened or reset
 * Out:  IdcExtensionState, asked together with the session's settings
 * Next: hub/result_arrow.h reads results through it
 */
#ifndef IDC_HUB_EXTENSION_H
#define IDC_HUB_EXTENSION_H

#include "base/log.h"
#include "hub/conn.h"

typedef enum IdcExtensionState {
    IDC_EXTENSION_ABSENT,
    IDC_EXTENSION_FORBIDDEN, /* the role may not execute instant.arrow_with */
    IDC_EXTENSION_UNKNOWN,   /* its version is not one of ours */
    IDC_EXTENSION_PRESENT
} IdcExtensionState;

/* A query whose answer idc_extension_state understands: no row, or one. It never fails. */
extern const char idc_extension_sql[];

/* What the answer says; a version that is not used is told to the log. */
IdcExtensionState idc_extension_state(const IdcTextRows *rows, const IdcLog *log);

/* IDC_UNSUPPORTED, why, and what to do. */
IdcStatus idc_extension_fail(IdcExtensionState state, IdcError *err);

#endif
