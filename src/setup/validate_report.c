/*
 * validate_report.c - what a check finds is told in words, and one mistake does not hide the next.
 *
 * In:   errors of the hub; the configuration, whose places are named
 * Out:  problems and notes of an IdcValidation
 */
#include "setup/validate_private.h"

#include <stdio.h>
#include <string.h>

void
idc_validate_problem(IdcValidation *check, const char *text, const char *sqlstate)
{
    if (check->problems.len > 0)
        idc_text_append(&check->problems, "; ");
    idc_text_append(&check->problems, text == NULL ? "out of memory" : text);
    if (check->health.sqlstate[0] == '\0')
        (void) snprintf(check->health.sqlstate, sizeof check->health.sqlstate, "%s", sqlstate);
}

void
idc_validate_note(IdcValidation *check, const char *text)
{
    if (check->notes.len > 0)
        idc_text_append(&check->notes, "; ");
    idc_text_append(&check->notes, text == NULL ? "out of memory" : text);
}

void
idc_validate_forget(IdcValidation *check, size_t len, const char *sqlstate)
{
    if (check->problems.len > len) {
        check->problems.len = len;
        check->problems.data[len] = '\0';
    }
    (void) snprintf(check->health.sqlstate, sizeof check->health.sqlstate, "%s", sqlstate);
}

const char *
idc_validate_place(IdcValidation *check, const IdcConfigTable *table)
{
    const IdcPosition *at = &table->position;

    if (at->line == 0)
        return idc_arena_printf(check->arena, "table \"%s\"", table->name);
    return idc_arena_printf(check->arena, "%s:%d:%d: table \"%s\"",
                            at->file == NULL ? "<config>" : at->file, at->line, at->column,
                            table->name);
}

/* postgres_fdw names the server; nobody knows that of the check. */
static void
name_server(const IdcValidation *check, IdcError *err)
{
    char *at = check->name == NULL ? NULL : strstr(err->message, check->name);
    char after[sizeof err->message];

    if (at == NULL)
        return;
    (void) snprintf(after, sizeof after, "%s", at + strlen(check->name));
    (void) snprintf(at, sizeof err->message - (size_t) (at - err->message), "%s%s",
                    check->source->server_name, after);
}

void
idc_validate_explain(IdcValidation *check, const IdcSetup *setup, IdcError *err)
{
    bool hub_is_local = idc_hub_is_local(setup->conn);
    char sqlstate[6];
    const char *text;

    idc_setup_scrub(setup->config, err);
    name_server(check, err);
    if (err->status == IDC_TIMEOUT || err->status == IDC_CANCELED) {
        idc_validate_problem(
            check,
            err->status == IDC_TIMEOUT
                ? idc_arena_printf(check->arena,
                                   "no answer within the connection timeout (%lld ms): the "
                                   "source, or the network to it, is silent or slow",
                                   (long long) setup->connect_timeout_ms + IDC_VALIDATE_MARGIN_MS)
                : "cancelled",
            "57014");
        return;
    }
    text = idc_health_explain(check->arena, check->source, hub_is_local, err, sqlstate);
    idc_validate_problem(check, text, sqlstate);
}

/* An API that answers nothing without a value of some column has no fault, nor has a slow view. */
static bool
is_no_fault(const IdcError *err)
{
    return strcmp(err->sqlstate, "HV002") == 0 ||
           (err->status == IDC_TIMEOUT && strstr(err->message, "statement timeout") != NULL);
}

bool
idc_validate_is_lost(const IdcValidation *check)
{
    return strncmp(check->health.sqlstate, "08", 2) == 0 ||
           strncmp(check->health.sqlstate, "28", 2) == 0 ||
           strcmp(check->health.sqlstate, "57014") == 0;
}

bool
idc_validate_guarded(IdcValidation *check, IdcSetup *setup, IdcValidationStep *step, void *what)
{
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    status = idc_setup_sql(setup, "SAVEPOINT instant_step", &err);
    if (status == IDC_OK)
        status = step(check, setup, what, &err);
    if (status == IDC_OK)
        status = idc_setup_sql(setup, "RELEASE SAVEPOINT instant_step", &err);
    if (status == IDC_OK)
        return true;
    if (!is_no_fault(&err))
        idc_validate_explain(check, setup, &err);
    if (idc_conn_is_usable(setup->conn) &&
        idc_conn_execute(setup->conn, setup->call, "ROLLBACK TO SAVEPOINT instant_step", NULL) !=
            IDC_OK)
        idc_conn_abandon(setup->conn);
    return is_no_fault(&err);
}
