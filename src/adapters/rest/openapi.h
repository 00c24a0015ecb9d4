/*
 * openapi.h - tables of what an OpenAPI 3.0/3.1 or Swagger 2 document says.
 *
 * In:   a document (document.h)
 * Out:  IdcImportedTables with columns and options of this adapter
 * Next: import.c fetches documents and leaves out what is not wanted
 *
 * Where a document leaves things open, a table asks for less, never for what may be wrong: no
 * column is NOT NULL by what the document promises, and predicates are checked again.
 */
#ifndef IDC_ADAPTERS_REST_OPENAPI_H
#define IDC_ADAPTERS_REST_OPENAPI_H

#include "adapters/rest/document.h"
#include "adapters/rest/rest.h"

enum {
    IDC_OPENAPI_MAX_COLUMNS = 1000,
    IDC_OPENAPI_MAX_PARAMS = 200,
    IDC_OPENAPI_MAX_TABLES = 5000,
    IDC_OPENAPI_NAME_BYTES = 63,
    IDC_OPENAPI_MAX_REFS = 50 /* of one after the other */
};

/* base_url: the server's, which paths are put behind; NULL: unknown. */
IDC_CHECKED IdcStatus idc_openapi_tables(IdcArena *arena, const IdcNode *root, const char *base_url,
                                         const IdcImportedTable **tables, size_t *count,
                                         IdcError *err);

/* ---- shared by openapi*.c ---- */

/* Options or columns in the making: arrays that grow in the arena. */
typedef struct IdcOpenapiOptions {
    IdcOptionPair *items;
    size_t count, capacity;
} IdcOpenapiOptions;

typedef struct IdcOpenapi {
    IdcArena *arena;
    const IdcNode *root;
    bool is_swagger; /* version 2 */
    bool is_out_of_memory;
} IdcOpenapi;

/* openapi.c; out of memory is noted in openapi. */
void idc_openapi_add_option(IdcOpenapi *openapi, IdcOpenapiOptions *options, const char *name,
                            const char *value);

/* openapi_schema.c: what stands behind $ref, or node itself; NULL: nothing, or a circle. */
const IdcNode *idc_openapi_resolve(const IdcOpenapi *openapi, const IdcNode *node);

typedef struct IdcOpenapiProperty {
    const char *name;
    const IdcNode *schema; /* resolved */
} IdcOpenapiProperty;

/* All properties of an object, those of allOf too; at most IDC_OPENAPI_MAX_COLUMNS. */
size_t idc_openapi_properties(const IdcOpenapi *openapi, const IdcNode *schema,
                              IdcOpenapiProperty *properties);
/* "array", "object", "integer" …; of a list of types the one that is not null; "" unknown. */
const char *idc_openapi_type(const IdcOpenapi *openapi, const IdcNode *schema);
/* SQL's type for it. */
const char *idc_openapi_sql_type(const IdcOpenapi *openapi, const IdcNode *schema);
bool idc_openapi_is_scalar(const IdcOpenapi *openapi, const IdcNode *schema);

/* openapi_name.c: "createdAt" -> "created_at", at most 63 bytes; in the arena, or NULL. */
char *idc_openapi_name(IdcArena *arena, const char *text);
/* name, or name_2 … so that it is none of taken[0 .. count) (step: bytes from one to the next). */
const char *idc_openapi_unique(IdcArena *arena, const char *name, const void *taken, size_t count,
                               size_t step);

/* openapi_pages.c: one query parameter of an operation, if it asks for pages. */
typedef struct IdcOpenapiPaging {
    const char *page, *limit, *offset, *cursor; /* names of parameters */
    const char *page_start, *page_size;
} IdcOpenapiPaging;

bool idc_openapi_paging_take(const IdcOpenapi *openapi, const IdcNode *parameter,
                             IdcOpenapiPaging *paging);
/* answer: the schema of the whole answer; response: with its headers. */
void idc_openapi_paging_options(IdcOpenapi *openapi, const IdcOpenapiPaging *paging,
                                const IdcNode *answer, const IdcNode *response,
                                IdcOpenapiOptions *options);
/* Where the rows are in the answer: their schema, and *rows the option's value or NULL. */
const IdcNode *idc_openapi_rows(IdcOpenapi *openapi, const IdcNode *answer, bool is_one,
                                const char **rows);

/*
 * openapi_columns.c: the columns of an operation: path parameters that rows do not hold, what rows
 * hold, then query parameters that must be given. *endpoint: path with the columns' names in it;
 * NULL: it cannot be an endpoint.
 */
typedef struct IdcOpenapiOperation {
    const char *path;
    const IdcNode *path_item, *operation;
    const IdcNode *row; /* the schema of a row */
} IdcOpenapiOperation;

IDC_CHECKED IdcStatus idc_openapi_columns(IdcOpenapi *openapi, const IdcOpenapiOperation *operation,
                                          IdcOpenapiPaging *paging, const char **endpoint,
                                          const IdcImportedColumn **columns, size_t *count,
                                          IdcError *err);

#endif
