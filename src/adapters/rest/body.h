/*
 * body.h - rows as the JSON that an API takes.
 *
 * In:   rows of texts, and where each column stands (its path)
 * Out:  an object, or an array of objects
 * Next: write.c sends it
 */
#ifndef IDC_ADAPTERS_REST_BODY_H
#define IDC_ADAPTERS_REST_BODY_H

#include "adapters/rest/rest.h"

typedef struct IdcRestBody IdcRestBody;

typedef struct IdcRestBodySetup {
    const IdcRelation *table;
    const IdcRestColumn *columns;
    size_t first;           /* columns before it are the key, and not of the body */
    const char *write_path; /* where a row stands; NULL: it is the whole */
    bool leaves_nulls_out;
} IdcRestBodySetup;

/* Of the arena; setup's pointers are borrowed. IDC_UNSUPPORTED: a column that has no JSON. */
IDC_CHECKED IdcStatus idc_rest_body_new(IdcArena *arena, const IdcRestBodySetup *setup,
                                        IdcRestBody **body, IdcError *err);
/* rows: count times table->column_count texts. Appends. */
IDC_CHECKED IdcStatus idc_rest_body_write(const IdcRestBody *body, const char *const *rows,
                                          size_t count, bool is_array, IdcText *text,
                                          IdcError *err);

#endif
