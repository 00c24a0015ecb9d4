/*
 * rest.h - what the files of the adapter rest know of each other. Private to this folder.
 *
 * In:   options and relations
 * Out:  which conjunct becomes which parameter, and the text of a request
 * Next: declare*.c answer the planner with it; request.c, pages.c and scan.c ask the API
 *
 * Everything here that a file declare*.c defines is linked into a backend too: no library, and no
 * memory but an arena's or a text's.
 */
#ifndef IDC_ADAPTERS_REST_REST_H
#define IDC_ADAPTERS_REST_REST_H

#include "adapters/adapter.h"

extern const IdcDeclaration idc_declaration_rest;

/* ---- options as structs (declare_options.c); texts are borrowed from the options ---- */

/* An option of the table, or else of its server, or else what holds without. */
const char *idc_rest_option(const IdcOptionSet *server_options, const IdcOptionSet *options,
                            const char *name);
int64_t idc_rest_option_number(const IdcOptionSet *server_options, const IdcOptionSet *options,
                               const char *name);
bool idc_rest_option_bool(const IdcOptionSet *server_options, const IdcOptionSet *options,
                          const char *name);

typedef enum IdcRestPaging {
    IDC_REST_ONE_PAGE,
    IDC_REST_BY_PAGE,   /* page=1, page=2, … */
    IDC_REST_BY_OFFSET, /* offset=0, offset=100, … */
    IDC_REST_BY_KEY,    /* after=VALUE of the last row */
    IDC_REST_BY_CURSOR, /* cursor=VALUE from the body */
    IDC_REST_BY_NEXT,   /* a URL from the body */
    IDC_REST_BY_LINK    /* a URL from the header Link */
} IdcRestPaging;

typedef struct IdcRestTable {
    const char *base_url, *endpoint, *method, *body, *body_type, *query, *server_query;
    bool body_is_form; /* name=value&…, not JSON */
    IdcRestPaging paging;
    const char *page_param, *limit_param, *offset_param, *cursor_param;
    int64_t page_start, page_size, parallel_pages, max_pages;
    bool short_page_ends;
    const char *cursor, *next, *total, *total_pages, *total_header, *has_more;
    const char *fields_param, *sort_param, *sort_format, *order_param, *sort_nulls;
    bool sort_is_exact;
    bool is_document;  /* JSON: an answer has places beside its rows */
    int64_t row_count; /* -1: nobody said */
    bool not_found_is_empty;
} IdcRestTable;

void idc_rest_table_read(const IdcOptionSet *server_options, const IdcOptionSet *options,
                         IdcRestTable *table);
/* What server and table must say together (declare_check.c). */
IDC_CHECKED IdcStatus idc_rest_table_check(const IdcRestTable *table, IdcError *err);

/* What a parameter narrows by. */
typedef enum IdcRestUse {
    IDC_REST_EQ,
    IDC_REST_GT,
    IDC_REST_GE,
    IDC_REST_LT,
    IDC_REST_LE,
    IDC_REST_IN,
    IDC_REST_LIKE,
    IDC_REST_USE_COUNT
} IdcRestUse;

typedef enum IdcRestTime {
    IDC_REST_TIME_ISO,
    IDC_REST_TIME_S,
    IDC_REST_TIME_MS,
    IDC_REST_TIME_US
} IdcRestTime;

typedef enum IdcRestLike {
    IDC_REST_LIKE_PREFIX,
    IDC_REST_LIKE_CONTAINS,
    IDC_REST_LIKE_SQL
} IdcRestLike;

typedef struct IdcRestColumn {
    const char *name, *path; /* path: the option, or NULL */
    const char *params[IDC_REST_USE_COUNT];
    bool is_exact, is_required, is_key, is_readonly;
    bool is_from_request; /* rows do not hold it: its value is that of its parameter */
    bool in_repeats;      /* id=1&id=2, not id=1,2 */
    int64_t in_batch;     /* values one request takes */
    IdcRestTime time;
    IdcRestLike like;
} IdcRestColumn;

void idc_rest_column_read(const IdcRestTable *table, const IdcRelationColumn *column,
                          IdcRestColumn *read);

/* ---- templates: "/users/{id}/orders" (declare_template.c) ---- */

/*
 * The next placeholder {name} at or after *at: name (not terminated) and *len, *at moves behind
 * it; *begin is where it begins. False: there is none. A brace that no name and brace follow is
 * text, so bodies may be JSON.
 */
bool idc_rest_placeholder_next(const char **at, const char **begin, const char **name, size_t *len);
bool idc_rest_has_placeholder(const char *text, const char *name);
IDC_CHECKED IdcStatus idc_rest_endpoint_check(const char *option, const char *endpoint,
                                              IdcError *err);
/* RFC 3986: all bytes but the unreserved ones as %XX. */
void idc_rest_percent(const char *bytes, size_t len, IdcText *text);

/*
 * The next scalar of a flat JSON object {"name": "text", "n": 1, "list": [1, 2]}: an array gives
 * its items, one a call.
 */
typedef struct IdcRestPairs {
    const char *at;
    bool is_begun, is_in_array, is_item_before;
    IdcText name, value; /* good until the next call; end with idc_rest_pairs_done */
} IdcRestPairs;

void idc_rest_pairs_init(IdcRestPairs *pairs, const char *json);
void idc_rest_pairs_done(IdcRestPairs *pairs);
/* 1: a pair; 0: the end; -1: not such an object. */
int idc_rest_pairs_next(IdcRestPairs *pairs);

/* ---- values as an API reads them (declare_value.c) ---- */

/*
 * Appends the value; false if it has no form there (infinity, NaN, a year that ISO 8601 does not
 * know) and nothing was appended.
 */
bool idc_rest_value(IdcType type, IdcRestTime time, const char *value, IdcText *text);
/* True for types whose values JSON writes without quotes: numbers and booleans. */
bool idc_rest_is_number(uint32_t oid);
/* Appends what a parameter is given for a LIKE pattern; false: nothing that would narrow. */
bool idc_rest_like_value(IdcRestLike style, const char *pattern, IdcText *text);

/* ---- conjuncts as parameters (declare_match.c) ---- */

typedef enum IdcRestPlace { IDC_REST_IN_PATH, IDC_REST_IN_BODY, IDC_REST_IN_QUERY } IdcRestPlace;

/* One conjunct `column use value`, and where it goes. */
typedef struct IdcRestMatch {
    size_t column_index; /* of the scan's columns */
    IdcRestColumn column;
    IdcRestUse use;
    IdcRestPlace place;
    const char *param;
    const IdcExpr *value;         /* CONSTANT or PARAMETER; NULL: there are `values` */
    const IdcExpr *const *values; /* IN: these, or the one list PARAMETER */
    size_t value_count;
    bool is_in;     /* any of the values, not the one */
    bool is_prefix; /* LIKE: the value is the prefix, no pattern */
    int64_t batch;  /* values that one request takes */
    IdcPush push;
    const char *why; /* not exactly, or not at all */
} IdcRestMatch;

static inline const IdcExpr *
idc_rest_match_value(const IdcRestMatch *match, size_t i)
{
    return match->value != NULL ? match->value : match->values[i];
}

/* A list PARAMETER: how many values there are shows at execution. */
static inline bool
idc_rest_match_is_open(const IdcRestMatch *match)
{
    return match->value == NULL && match->values[0]->is_list;
}

/* match->push says whether it matches; conjunct's columns are the scan's. */
void idc_rest_match(const IdcRestTable *table, const IdcRelation *scan, const IdcExpr *conjunct,
                    IdcRestMatch *match);
/*
 * Why a match is not to be planned with, by its constants, or NULL. Values that come at execution
 * are not asked about: what was planned then has to be done with them.
 */
const char *idc_rest_match_refusal(const IdcRelation *scan, const IdcRestMatch *match);
/* Types whose values compare as those of the same type do: integers, texts, floats. */
uint32_t idc_rest_type_family(uint32_t oid);
bool idc_rest_is_comparable(uint32_t oid);

/* ---- the planner's questions (declare_push.c) ---- */

IdcPush idc_rest_can_push(const IdcPushQuestion *question, const char **why);
int64_t idc_rest_key_batch(const IdcPushQuestion *question, const IdcExpr *conjunct);

/* ---- a relation as a plan of requests (declare_plan.c) ---- */

typedef struct IdcRestPlan {
    IdcRestTable table;
    const IdcRelation *scan;
    IdcRestMatch *matches;
    size_t match_count;
    const IdcRelation *sort;
    const IdcExpr *limit, *offset;
    bool is_empty;         /* a conjunct is false: no row passes */
    const char *missing;   /* a sentence: what must have a predicate and has none; or NULL */
    bool is_missing_known; /* a column that this scan reads has it */
} IdcRestPlan;

IDC_CHECKED IdcStatus idc_rest_plan(IdcArena *arena, const IdcOptionSet *server_options,
                                    const IdcRelation *relation, IdcRestPlan *plan, IdcError *err);

void idc_rest_estimate(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate);

/* ---- the text of a request (declare_request.c) ---- */

/* Which values of a match one request asks for. */
typedef struct IdcRestSlice {
    size_t first, count;
    bool is_single; /* by the parameter for =, though the match has one for lists */
} IdcRestSlice;

/* What asks for a page; NULL where it is not to be sent. */
typedef struct IdcRestPageValues {
    const char *limit, *page, *offset, *cursor;
} IdcRestPageValues;

/* slices: one for each match. Values that are PARAMETERs become {$1}. */
IDC_CHECKED IdcStatus idc_rest_write_url(const IdcRestPlan *plan, const IdcRestSlice *slices,
                                         const IdcRestPageValues *page, IdcText *url,
                                         IdcError *err);
IDC_CHECKED IdcStatus idc_rest_write_body(const IdcRestPlan *plan, const IdcRestSlice *slices,
                                          const IdcRestPageValues *page, IdcText *body,
                                          IdcError *err);
void idc_rest_explain(const IdcOptionSet *server_options, const IdcRelation *relation,
                      IdcText *text);

/* ---- writing (declare_write.c) ---- */

typedef struct IdcRestWrite {
    const char *method;   /* NULL: not declared */
    const char *endpoint; /* of INSERT: may have no {name} */
    int64_t batch;        /* rows of one request */
    const char *write_path;
    bool is_idempotent, sends_key;
} IdcRestWrite;

void idc_rest_write_read(const IdcOptionSet *server_options, const IdcOptionSet *options,
                         IdcModifyKind kind, IdcRestWrite *write);

unsigned idc_rest_writes(const IdcOptionSet *server_options, const IdcRelation *table);
bool idc_rest_is_key(const IdcRelation *table, size_t column);

/* ---- what must come together (declare_check.c) ---- */

IdcStatus idc_rest_check(IdcOptionLevel level, const IdcOptionSet *options, IdcError *err);

#endif
