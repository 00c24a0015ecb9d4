/*
 * apply.h - the steps of one setup, in the order of run.c.
 *
 * In:   an IdcSetup whose transaction is open
 * Out:  the hub changed, each change noted in IdcSetup.changes and marked in instant.objects
 */
#ifndef IDC_SETUP_APPLY_H
#define IDC_SETUP_APPLY_H

#include "setup/model.h"

/* Run a statement that changes an object, and note it. */
IDC_CHECKED IdcStatus idc_apply_change(IdcSetup *setup, const char *action, const char *kind,
                                       const char *name, const char *source,
                                       const IdcStatement *statement, IdcError *err);
/* "schema.name", or the name where the schema is public or empty. */
const char *idc_apply_label(IdcArena *arena, const char *schema, const char *name);
/* What exists, but was not made by setup: an error that says so. */
IdcStatus idc_apply_refuse(const char *kind, const char *label, const char *hint, IdcError *err);

/* ---- marks.c ---- */

/* Make the schema and the table that hold the marks, where they are missing. */
IDC_CHECKED IdcStatus idc_mark_ensure(IdcSetup *setup, IdcError *err);
/* Write the mark if it is new or differs. */
IDC_CHECKED IdcStatus idc_mark_set(IdcSetup *setup, const IdcMark *mark, IdcError *err);
IDC_CHECKED IdcStatus idc_mark_remove(IdcSetup *setup, const IdcMark *mark, IdcError *err);
/*
 * Whether this configuration may drop the object: its source is still in the file, or it was made
 * from this very file. What other files brought to a shared hub stays.
 */
bool idc_mark_is_in_scope(const IdcSetup *setup, const IdcMark *mark);

/* ---- apply_server.c ---- */

IDC_CHECKED IdcStatus idc_apply_schemas(IdcSetup *setup, IdcError *err);
IDC_CHECKED IdcStatus idc_apply_servers(IdcSetup *setup, IdcServerList *wanted, IdcError *err);
/* Servers, mappings and empty schemas of ours that nobody wants any more. */
IDC_CHECKED IdcStatus idc_apply_drop_servers(IdcSetup *setup, const IdcServerList *wanted,
                                             IdcError *err);
IDC_CHECKED IdcStatus idc_apply_drop_schemas(IdcSetup *setup, IdcError *err);

/* ---- grants.c ---- */

/* Before a server is dropped that is made anew: what was granted on it and its tables. */
IDC_CHECKED IdcStatus idc_grants_keep(IdcSetup *setup, const char *server, const char *source,
                                      IdcError *err);
/* Grant it again, on what is there again. */
IDC_CHECKED IdcStatus idc_grants_apply(IdcSetup *setup, IdcError *err);

/* ---- learn.c ---- */

/* Of the listed tables from first on: what the source knows and the file does not say. */
IDC_CHECKED IdcStatus idc_learn_listed(IdcSetup *setup, const IdcConfigSource *source,
                                       IdcTableList *tables, size_t first, IdcError *err);
/* Of a table whose source could not be asked: what the hub has. wanted's columns are its own. */
IDC_CHECKED IdcStatus idc_learn_keep(IdcArena *arena, const IdcTable *actual, IdcTable *wanted,
                                     IdcError *err);

/* ---- exact.c ---- */

/* A copy of wanted in *exact with the types that keep its wrapper from comparing wrongly. */
IDC_CHECKED IdcStatus idc_apply_exact_types(IdcSetup *setup, const IdcTable *wanted,
                                            IdcTable *exact, IdcError *err);

/* ---- apply_table.c ---- */

IDC_CHECKED IdcStatus idc_apply_tables(IdcSetup *setup, IdcError *err);
/* Drop those of ours that are not in wanted; server NULL: of any server. */
IDC_CHECKED IdcStatus idc_apply_drop_tables(IdcSetup *setup, const IdcTableList *wanted,
                                            const char *server, IdcError *err);
/* Make one table so. action is what was done: create, alter or keep. */
IDC_CHECKED IdcStatus idc_apply_table(IdcSetup *setup, const IdcTableList *actual,
                                      const IdcTable *wanted, const char *origin,
                                      const char **action, IdcError *err);

#endif
