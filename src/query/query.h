/*
 * query.h - what the user asks, as SQL for the hub.
 *
 * In:   a table as the hub's catalogue describes it; filters, columns, order, limit; or SQL +
 * parameters Out:  SQL text with exact literals (COPY takes no parameters), or SQL with $n and
 * typed parameters Next: hub/result.c runs it
 */
#ifndef IDC_QUERY_QUERY_H
#define IDC_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Same numbers as InstantValueKind. */
typedef enum IdcValueKind {
    IDC_VALUE_NULL,
    IDC_VALUE_BOOL,
    IDC_VALUE_INT,
    IDC_VALUE_FLOAT,
    IDC_VALUE_NUMERIC,
    IDC_VALUE_TEXT,
    IDC_VALUE_BYTES,
    IDC_VALUE_DATE,
    IDC_VALUE_TIME,
    IDC_VALUE_TIMETZ,
    IDC_VALUE_TIMESTAMP,
    IDC_VALUE_TIMESTAMPTZ,
    IDC_VALUE_INTERVAL,
    IDC_VALUE_UUID,
    IDC_VALUE_JSON,
    IDC_VALUE_ARRAY
} IdcValueKind;

typedef struct IdcValue {
    IdcValueKind kind;
    IdcValueKind element;
    const char *data;
    size_t len;
} IdcValue;

/* A column of a hub table. base_type: pg_type.typname of the type below any domain ("int4",
 * "_text"). */
typedef struct IdcTableColumn {
    const char *name;
    const char *type_name; /* format_type(atttypid, atttypmod) */
    const char *base_type;
    char category; /* pg_type.typcategory of the base type: N S D T B A E R U V X … */
    bool not_null;
} IdcTableColumn;

typedef struct IdcTable {
    const char *schema;
    const char *name;
    const IdcTableColumn *columns;
    size_t column_count;
    /* The wrapper sends every ORDER BY that comes with a LIMIT, whoever can sort it: mysql_fdw. */
    bool sends_any_order;
} IdcTable;

typedef struct IdcFilter {
    const char *column;
    const char *op;
    const IdcValue *values;
    size_t value_count;
} IdcFilter;

typedef struct IdcTableRequest {
    const IdcFilter *filters;
    size_t filter_count;
    const char *const *columns; /* count 0: all */
    size_t column_count;
    const char *const
        *order_by; /* "col" ascending, "-col" descending; NULLs as PostgreSQL orders them */
    size_t order_by_count;
    int64_t limit, offset; /* negative: none */
    const char *condition; /* SQL of ours that rows must fulfil besides, or NULL */
} IdcTableRequest;

/*
 * SELECT … FROM schema.table WHERE … ORDER BY … LIMIT … OFFSET …, identifiers quoted, values as
 * literals of the column's own type where that is what the predicate means (and of a wider one
 * where the value does not fit: an int column against 2.5 compares as numeric). Unknown column or
 * operator, or a value whose kind cannot be compared with the column: an error that names it, the
 * type, and the nearest match.
 */
IDC_CHECKED IdcStatus idc_select_build(const IdcTable *table, const IdcTableRequest *request,
                                       IdcText *sql, IdcError *err);

/* A parameter as libpq takes it: text or binary data and a type OID (0: the server infers). */
typedef struct IdcParameter {
    const char *name; /* or NULL: positional */
    IdcValue value;
} IdcParameter;

typedef struct IdcBoundParameter {
    uint32_t type_oid;
    const char *data; /* NUL-terminated when text; NULL: SQL NULL */
    int len;
    int is_binary;
} IdcBoundParameter;

/*
 * SQL with the user's placeholders as SQL with $1 …: positional $n or %s (%% is then a percent
 * sign), or named :name and %(name)s when parameters have names. Strings, quoted identifiers,
 * dollar quotes and comments are left alone; `::` is a cast. Too few, too many or unknown names are
 * errors. Without parameters the text is untouched. bound is allocated in arena, in the order of
 * $n.
 */
IDC_CHECKED IdcStatus idc_parameters_bind(IdcArena *arena, const char *sql,
                                          const IdcParameter *parameters, size_t count,
                                          IdcText *bound_sql, IdcBoundParameter **bound,
                                          size_t *bound_count, IdcError *err);

/* `amount > 100` and the like, see instant_filter_parse; allocated in arena. */
IDC_CHECKED IdcStatus idc_filter_parse(IdcArena *arena, const char *text, IdcFilter *filter,
                                       IdcError *err);

/* What EXPLAIN (VERBOSE) says of one foreign scan; NULL where it says nothing. */
typedef struct IdcRemotePiece {
    const char *server;   /* where it says none, filled by the caller, who knows the catalogue */
    const char *relation; /* as EXPLAIN names it: schema.table, or (a) INNER JOIN (b) */
    const char *remote_sql;
    const char *local_filter;
} IdcRemotePiece;

/* lines: EXPLAIN's text lines. Knows the words of postgres_fdw ("Remote SQL") and mysql_fdw
 * ("Remote query"). */
IDC_CHECKED IdcStatus idc_explain_pieces(IdcArena *arena, const char *const *lines,
                                         size_t line_count, IdcRemotePiece **pieces,
                                         size_t *piece_count, IdcError *err);

#endif
