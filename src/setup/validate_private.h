/*
 * validate_private.h - validate.c (all sources, side by side), validate_source.c (one of them),
 * validate_columns.c (one of its tables) and validate_report.c (what is said). Private to them.
 */
#ifndef IDC_SETUP_VALIDATE_PRIVATE_H
#define IDC_SETUP_VALIDATE_PRIVATE_H

#include "setup/model.h"

/* What a wrapper has less than we have, so that it is the first to give up. */
#define IDC_VALIDATE_MARGIN_MS 2000

/* One source's check. Written by one thread, read after it was joined. */
typedef struct IdcValidation {
    const IdcConfigSource *source;
    const char *name; /* of its server and its schema in the hub, as long as the check takes */
    IdcArena *arena;
    IdcCall *call;
    IdcSourceHealth health;
    IdcText problems, notes;
    size_t table_count;
} IdcValidation;

/* Something to try that a source may refuse. */
typedef IdcStatus IdcValidationStep(IdcValidation *check, IdcSetup *setup, void *what,
                                    IdcError *err);

/* ---- validate_report.c ---- */

/* text NULL: there was no memory for it. The first problem's sqlstate is that of the check. */
void idc_validate_problem(IdcValidation *check, const char *text, const char *sqlstate);
void idc_validate_note(IdcValidation *check, const char *text);

/* Problems beyond the first len bytes of them were not what is to be said; sqlstate is as it was.
 */
void idc_validate_forget(IdcValidation *check, size_t len, const char *sqlstate);

/* Where the file says it, and what it is called: file:line:column: table "name"; NULL without
 * memory. In the arena of the check. */
const char *idc_validate_place(IdcValidation *check, const IdcConfigTable *table);

/* err becomes a problem; no secret in it is shown. */
void idc_validate_explain(IdcValidation *check, const IdcSetup *setup, IdcError *err);

/* A source that is not reached, or lets nobody in, says the same of each table. */
bool idc_validate_is_lost(const IdcValidation *check);

/* Run step inside a savepoint: what fails is a problem of the source, and the session goes on. */
bool idc_validate_guarded(IdcValidation *check, IdcSetup *setup, IdcValidationStep *step,
                          void *what);

/* ---- validate_columns.c ---- */

void idc_validate_columns(IdcValidation *check, const IdcTable *wanted, const IdcTable *remote,
                          bool any_case);

/* ---- validate_source.c ---- */

/* What goes wrong at the source is a problem of the check; what fails before or beside it, an
 * error. */
IdcStatus idc_validate_source(IdcValidation *check, IdcSetup *setup, IdcError *err);

#endif
