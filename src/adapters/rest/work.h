/*
 * work.h - what the files of the adapter rest share that run in instant-source only.
 *
 * In:   a plan (rest.h) of a relation whose values are bound
 * Out:  request.c cuts it into chains of pages, pages.c asks for each, scan.c makes rows of them
 * Next: common/http.h, common/rows.h
 */
#ifndef IDC_ADAPTERS_REST_WORK_H
#define IDC_ADAPTERS_REST_WORK_H

#include "adapters/common/http.h"
#include "adapters/common/rows.h"
#include "adapters/rest/rest.h"

/* ---- the server (rest.c) ---- */

typedef struct IdcRestServer {
    IdcHttpSettings settings;
    IdcHttpClient *client;
} IdcRestServer;

/* Headers of each request of a table: those of its options, and Accept (headers.c). */
IDC_CHECKED IdcStatus idc_rest_headers(IdcArena *arena, const IdcOptionSet *server_options,
                                       const IdcOptionSet *options, const IdcHttpHeader **headers,
                                       size_t *count, IdcError *err);

/* ---- values in batches (request.c) ---- */

/* The values of one match, each once, and the slices that requests take of them. */
typedef struct IdcRestBatches {
    IdcRestSlice *slices;
    size_t count;
} IdcRestBatches;

/* All chains: every combination of a slice of each match, as a counter with a digit a match. */
typedef struct IdcRestChains {
    IdcRestBatches *batches; /* one for each match */
    size_t *digits;
    IdcRestSlice *slices; /* the current ones */
    size_t match_count;
    bool is_empty; /* a predicate that no row passes: no request at all */
} IdcRestChains;

/*
 * Makes the values of plan's matches unique, without NULLs; the plan keeps them. After it the
 * first chain is the current one.
 */
IDC_CHECKED IdcStatus idc_rest_chains_init(IdcArena *arena, IdcRestPlan *plan,
                                           IdcRestChains *chains, IdcError *err);
/* The next one; false: that was the last. */
bool idc_rest_chains_next(IdcRestChains *chains);

/* ---- rows that belong to another request (keys.c) ---- */

/*
 * Where a list of values became several requests and the API's comparison is not trusted, a row is
 * kept in the answer to the request whose values it equals, so that it comes once.
 */
typedef struct IdcRestKeys IdcRestKeys;

/* For the values of `match` that `slice` names. Freed with the arena. */
IDC_CHECKED IdcStatus idc_rest_keys_new(IdcArena *arena, const IdcRelationColumn *column,
                                        IdcRestKeys **keys, IdcError *err);
IDC_CHECKED IdcStatus idc_rest_keys_set(IdcRestKeys *keys, const IdcRestMatch *match,
                                        IdcRestSlice slice, IdcError *err);
bool idc_rest_keys_have(const IdcRestKeys *keys, const IdcColumn *column, int64_t row);

/* ---- pages (pages.c) ---- */

/* What a page that was read has said. */
typedef struct IdcRestPageEnd {
    int64_t rows;
    const IdcHttpResponse *response;
    IdcRowsCaptured cursor, next, total, total_pages, has_more;
    uint64_t body_hash;
} IdcRestPageEnd;

typedef struct IdcRestPages IdcRestPages;

typedef struct IdcRestPagesSetup {
    const IdcRestPlan *plan;
    const IdcHttpHeader *headers;
    size_t header_count;
    int64_t cache_ttl_ms;
    IdcHttpSession *session;
} IdcRestPagesSetup;

/* Of the arena; what setup points to is borrowed. */
IDC_CHECKED IdcStatus idc_rest_pages_new(IdcArena *arena, const IdcRestPagesSetup *setup,
                                         IdcRestPages **pages, IdcError *err);
/* The first page of a chain; remaining: rows that are still wanted, -1: all. */
void idc_rest_pages_begin(IdcRestPages *pages, const IdcRestSlice *slices, int64_t remaining,
                          int64_t offset);
/* The exchange of the current page. It is closed by pages_end, or with its session. */
IDC_CHECKED IdcStatus idc_rest_pages_open(IdcRestPages *pages, IdcHttpExchange **exchange,
                                          IdcError *err);
/* So many rows of the current page are read: ask for further pages if that is sure to be needed. */
IDC_CHECKED IdcStatus idc_rest_pages_ahead(IdcRestPages *pages, int64_t rows, IdcError *err);
/* The current page is read. *has_next: a further one is the current one now. */
IDC_CHECKED IdcStatus idc_rest_pages_end(IdcRestPages *pages, const IdcRestPageEnd *end,
                                         bool *has_next, IdcError *err);
/* Of the scan, from 1. */
int64_t idc_rest_pages_number(const IdcRestPages *pages);

/* ---- the header Link (link.c) ---- */

typedef enum IdcRestLink {
    IDC_REST_LINK_NONE,
    IDC_REST_LINK_FOUND,
    IDC_REST_LINK_MALFORMED /* there may be a next page, so the rows may not be all */
} IdcRestLink;

/* The target of the first link with rel="next" in a value of the header Link (RFC 8288), appended.
 */
IdcRestLink idc_rest_link_next(const char *value, IdcText *target);

/* ---- the adapter's calls ---- */

IdcStatus idc_rest_open(IdcSourceScan *scan, IdcError *err);
IdcStatus idc_rest_next(IdcSourceScan *scan, IdcBatchBuilder *builder, bool *is_end, IdcError *err);
IdcStatus idc_rest_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                          IdcError *err);
IdcStatus idc_rest_import(IdcSourceScan *scan, const IdcImport *import,
                          const IdcImportedTable **tables, size_t *count, IdcError *err);

#endif
