/*
 * relation.h - what a source is asked for: a small tree that knows nothing of PostgreSQL's nodes.
 *
 * In:   fdw/ builds it of what the planner lets it push
 * Out:  adapters/ answer it; it prints itself for EXPLAIN, and has a serial form
 * Next: relation/message.h carries it to the process instant-source
 *
 * Linked into a PostgreSQL backend too. A tree is made once, in one arena, and not changed after;
 * parts may be shared between trees of the same arena. Texts are UTF-8.
 *
 * What every node means is what PostgreSQL's operator or function of that name means on the same
 * values: NULLs, overflow, division, rounding and time zones included. The time zone of a relation
 * is UTC (the hub makes values of what depends on its own).
 */
#ifndef IDC_RELATION_RELATION_H
#define IDC_RELATION_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrow/column.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* ---- types and values ---- */

/*
 * A type of PostgreSQL: the OID of a built-in one (pg_type.dat; they never change) and its modifier
 * (-1: none). Types that are not built in (enums, domains' bases aside, extensions) are oid 0:
 * their values travel as the text of their output function, and nothing but equality of texts is
 * known.
 */
typedef struct IdcType {
    uint32_t oid;
    int32_t modifier;
} IdcType;

enum {
    IDC_TYPE_OTHER = 0,
    IDC_TYPE_BOOL = 16,
    IDC_TYPE_BYTEA = 17,
    IDC_TYPE_NAME = 19,
    IDC_TYPE_INT8 = 20,
    IDC_TYPE_INT2 = 21,
    IDC_TYPE_INT4 = 23,
    IDC_TYPE_TEXT = 25,
    IDC_TYPE_OID = 26,
    IDC_TYPE_JSON = 114,
    IDC_TYPE_FLOAT4 = 700,
    IDC_TYPE_FLOAT8 = 701,
    IDC_TYPE_INET = 869,
    IDC_TYPE_BPCHAR = 1042,
    IDC_TYPE_VARCHAR = 1043,
    IDC_TYPE_DATE = 1082,
    IDC_TYPE_TIME = 1083,
    IDC_TYPE_TIMESTAMP = 1114,
    IDC_TYPE_TIMESTAMPTZ = 1184,
    IDC_TYPE_INTERVAL = 1186,
    IDC_TYPE_TIMETZ = 1266,
    IDC_TYPE_NUMERIC = 1700,
    IDC_TYPE_UUID = 2950,
    IDC_TYPE_JSONB = 3802
};

/*
 * How values of a type travel in record batches between instant-source and the hub: fills kind,
 * precision, scale and type_name of spec (name stays the caller's). Always one of BOOL,
 * INT16/32/64, UINT32 (oid), FLOAT32/64, NUMERIC_DECIMAL (numeric with a declared precision <= 38
 * and 0 <= scale <= precision), NUMERIC_STRING (other numerics), DATE, TIME, TIMESTAMP,
 * TIMESTAMPTZ, BYTES, UUID, or TEXT: what the type's input function reads (json, jsonb, interval,
 * arrays, enums, everything else).
 */
void idc_type_column(IdcType type, IdcColumnSpec *spec);

/* "integer", "numeric(15,2)", "other": as format_type prints it; static or in the arena. */
const char *idc_type_name(IdcArena *arena, IdcType type);

/*
 * A value that came from the hub, as the text of its type's output function with DateStyle ISO,
 * IntervalStyle postgres, extra_float_digits 3, bytea_output hex, TimeZone UTC; text NULL is the
 * SQL NULL. A list (is_list) has `items` (each NULL or a text) instead.
 */
typedef struct IdcValue {
    IdcType type; /* of a list: of its items */
    const char *text;
    bool is_list;
    const char *const *items;
    size_t item_count;
} IdcValue;

typedef struct IdcOptionPair {
    const char *name, *value;
} IdcOptionPair;

/* In the order of the catalogue. */
typedef struct IdcOptionSet {
    const IdcOptionPair *items;
    size_t count;
} IdcOptionSet;

/* The value, or NULL. */
const char *idc_option_value(const IdcOptionSet *options, const char *name);

/* ---- expressions ---- */

typedef enum IdcExprKind {
    IDC_EXPR_COLUMN,    /* index: of the input's columns (JOIN: the left one's, then the right's) */
    IDC_EXPR_CONSTANT,  /* text: as IdcValue's; NULL: the SQL NULL */
    IDC_EXPR_PARAMETER, /* index: of the values that come at execution; is_list as there */
    IDC_EXPR_AND,       /* two or more */
    IDC_EXPR_OR,
    IDC_EXPR_NOT,
    IDC_EXPR_COMPARE,    /* op: IdcCompare; two */
    IDC_EXPR_IN,         /* args[0] = any of the others; or of the one other, a list PARAMETER */
    IDC_EXPR_LIKE,       /* op: 0 LIKE, 1 ILIKE; text, pattern (escape character: backslash) */
    IDC_EXPR_IS_NULL,    /* NOT of it for IS NOT NULL */
    IDC_EXPR_IS_TRUE,    /* op: 0 IS TRUE, 1 IS FALSE (never NULL) */
    IDC_EXPR_ARITHMETIC, /* op: IdcArithmetic; two of the same type, which is the result's too, or
                            one (NEGATE). Only of smallint, integer, bigint, real, double, numeric
                          */
    IDC_EXPR_FUNCTION,   /* op: IdcFunction */
    IDC_EXPR_CAST,       /* one; to `type` */
    IDC_EXPR_COALESCE,   /* one or more */
    IDC_EXPR_CASE,       /* condition, result, condition, result …, and the ELSE */
    IDC_EXPR_CALL,       /* op: IdcCallKind; text: the name */
    IDC_EXPR_KIND_COUNT
} IdcExprKind;

typedef enum IdcCompare {
    IDC_EQ,
    IDC_NE,
    IDC_LT,
    IDC_LE,
    IDC_GT,
    IDC_GE,
    IDC_DISTINCT,     /* IS DISTINCT FROM */
    IDC_NOT_DISTINCT, /* IS NOT DISTINCT FROM */
    IDC_COMPARE_COUNT
} IdcCompare;

typedef enum IdcArithmetic {
    IDC_ADD,
    IDC_SUBTRACT,
    IDC_MULTIPLY,
    IDC_DIVIDE, /* integers: truncates toward zero */
    IDC_MODULO, /* sign of the dividend */
    IDC_NEGATE,
    IDC_ARITHMETIC_COUNT
} IdcArithmetic;

/* The closed list. Arguments and result as PostgreSQL's function has them, with its types. */
typedef enum IdcFunction {
    IDC_FN_LOWER, /* (text) */
    IDC_FN_UPPER,
    IDC_FN_LENGTH, /* (text): characters */
    IDC_FN_OCTET_LENGTH,
    IDC_FN_SUBSTRING, /* (text, from) or (text, from, count) */
    IDC_FN_LEFT,      /* (text, n) */
    IDC_FN_RIGHT,
    IDC_FN_TRIM, /* (text): blanks on both sides */
    IDC_FN_LTRIM,
    IDC_FN_RTRIM,
    IDC_FN_REPLACE, /* (text, from, to) */
    IDC_FN_CONCAT,  /* || of two texts */
    IDC_FN_STRPOS,  /* (text, part) */
    IDC_FN_STARTS_WITH,
    IDC_FN_ABS,
    IDC_FN_ROUND, /* (numeric or double), (numeric, places) */
    IDC_FN_CEIL,
    IDC_FN_FLOOR,
    IDC_FN_TRUNC, /* (numeric or double) */
    IDC_FN_SQRT,
    IDC_FN_POWER,
    IDC_FN_EXP,
    IDC_FN_LN,
    IDC_FN_SIGN,
    IDC_FN_GREATEST,
    IDC_FN_LEAST,
    IDC_FN_NULLIF,
    IDC_FN_DATE_TRUNC, /* (constant unit, date/timestamp/timestamptz) */
    IDC_FN_EXTRACT,    /* (constant field, date/timestamp/timestamptz): numeric */
    IDC_FN_DATE,       /* (timestamp): the cast to date */
    IDC_FN_MD5,
    IDC_FN_COUNT
} IdcFunction;

/*
 * Functions and operators of PostgreSQL's own (schema pg_catalog) that are not in the closed list:
 * immutable ones, by their names, for sources that are PostgreSQL. Arguments have the types that
 * the function declares, so that name and types say which one is meant. A collation is given where
 * the result depends on one.
 */
typedef enum IdcCallKind {
    IDC_CALL_FUNCTION,
    IDC_CALL_VARIADIC, /* the last argument is the array of all further ones */
    IDC_CALL_OPERATOR, /* two, or one that follows it */
    IDC_CALL_ANY,      /* left operator ANY (array) */
    IDC_CALL_ALL,
    IDC_CALL_ARRAY,   /* ARRAY[…]; no name */
    IDC_CALL_ELEMENT, /* an array, and its subscripts; no name */
    IDC_CALL_COUNT
} IdcCallKind;

/* How a comparison of texts is made. */
typedef enum IdcCollation {
    IDC_COLLATION_NONE,   /* not of texts */
    IDC_COLLATION_C,      /* by bytes (of UTF-8: by code points) */
    IDC_COLLATION_LOCALE, /* deterministic: equal means equal bytes; the order is a locale's */
    IDC_COLLATION_LOOSE   /* not even that: nothing may be pushed that compares with it */
} IdcCollation;

/* One shape for all kinds: what a kind does not use is zero (text: NULL). */
typedef struct IdcExpr {
    IdcExprKind kind;
    int32_t op;
    IdcType type;           /* of the result */
    IdcCollation collation; /* that the operation compares by; of a COLUMN: the column's */
    int32_t index;
    bool is_list; /* PARAMETER */
    const char *text;
    const struct IdcExpr *const *args;
    size_t arg_count;
} IdcExpr;

/* ---- relations ---- */

typedef enum IdcRelationKind {
    IDC_REL_SCAN,      /* a remote object, or a native request */
    IDC_REL_FILTER,    /* exprs: conjuncts, each true for a row that passes */
    IDC_REL_PROJECT,   /* exprs: one a column */
    IDC_REL_AGGREGATE, /* exprs: the group's keys; aggregates; columns: keys, then aggregates. No
                          keys: one row. HAVING is a FILTER above */
    IDC_REL_DISTINCT,  /* of all columns */
    IDC_REL_SORT,      /* sort_keys */
    IDC_REL_LIMIT,     /* limit, offset: of type bigint, not NULL when bound, or absent (NULL) */
    IDC_REL_JOIN,   /* input and right; exprs: conjuncts over both. SEMI, ANTI: the left columns */
    IDC_REL_WINDOW, /* windows; columns: the input's, then one for each window */
    IDC_REL_KIND_COUNT
} IdcRelationKind;

typedef struct IdcRelationColumn {
    const char *name; /* in the hub, or a made-up one */
    IdcType type;
    IdcCollation collation; /* of text types: the hub's */
    bool is_not_null;       /* promised */
    IdcOptionSet options;   /* SCAN: of the foreign table's column */
} IdcRelationColumn;

typedef enum IdcAggregateKind {
    IDC_AGG_COUNT_ROWS, /* count(*): arg NULL */
    IDC_AGG_COUNT,
    IDC_AGG_SUM,
    IDC_AGG_AVG,
    IDC_AGG_MIN,
    IDC_AGG_MAX,
    IDC_AGG_BOOL_AND,
    IDC_AGG_BOOL_OR,
    IDC_AGG_CALL, /* any other of PostgreSQL's own, by name: see IdcCallKind */
    IDC_AGG_KIND_COUNT
} IdcAggregateKind;

typedef struct IdcSortKey {
    const IdcExpr *expr;
    bool is_descending, nulls_first;
    IdcCollation collation;
} IdcSortKey;

typedef struct IdcAggregate {
    IdcAggregateKind kind;
    bool is_distinct;
    const IdcExpr *arg;    /* of all kinds but CALL */
    const IdcExpr *filter; /* FILTER (WHERE …), or NULL */
    IdcType type;          /* of the result */
    IdcCollation collation;
    /* CALL alone: */
    const char *name;
    const IdcExpr *const *args;
    size_t arg_count;
    const IdcSortKey *order; /* ORDER BY in it; or WITHIN GROUP, and args are the direct ones */
    size_t order_count;
    bool is_within_group;
} IdcAggregate;

typedef enum IdcFrameMode { IDC_FRAME_RANGE, IDC_FRAME_ROWS, IDC_FRAME_GROUPS } IdcFrameMode;

typedef enum IdcFrameBound {
    IDC_FRAME_UNBOUNDED_PRECEDING,
    IDC_FRAME_PRECEDING, /* so many before: an offset */
    IDC_FRAME_CURRENT,
    IDC_FRAME_FOLLOWING, /* so many after: an offset */
    IDC_FRAME_UNBOUNDED_FOLLOWING,
    IDC_FRAME_BOUND_COUNT
} IdcFrameBound;

typedef enum IdcFrameExclusion {
    IDC_EXCLUDE_NOTHING,
    IDC_EXCLUDE_CURRENT,
    IDC_EXCLUDE_GROUP,
    IDC_EXCLUDE_TIES,
    IDC_EXCLUSION_COUNT
} IdcFrameExclusion;

/* A window function of PostgreSQL's own, or an aggregate over a window. */
typedef struct IdcWindow {
    IdcAggregate function; /* not distinct, no order of its own */
    const IdcExpr *const *partition;
    size_t partition_count;
    const IdcSortKey *order;
    size_t order_count;
    IdcFrameMode mode;
    IdcFrameBound start, end;
    IdcFrameExclusion exclusion;
    const IdcExpr *start_offset, *end_offset; /* of PRECEDING and FOLLOWING, else NULL */
} IdcWindow;

typedef enum IdcJoinKind {
    IDC_JOIN_INNER,
    IDC_JOIN_LEFT,
    IDC_JOIN_RIGHT,
    IDC_JOIN_FULL,
    IDC_JOIN_SEMI,
    IDC_JOIN_ANTI,
    IDC_JOIN_KIND_COUNT
} IdcJoinKind;

/* FOR …: what nobody else may do with the rows that are read, until the transaction ends. */
typedef enum IdcLock {
    IDC_LOCK_NONE,
    IDC_LOCK_KEY_SHARE,
    IDC_LOCK_SHARE,
    IDC_LOCK_NO_KEY_UPDATE,
    IDC_LOCK_UPDATE,
    IDC_LOCK_WRITE, /* by the statement that will write them (IdcDeclaration.locks_for_writes) */
    IDC_LOCK_COUNT
} IdcLock;

/* What becomes of rows that somebody else has locked. */
typedef enum IdcLockWait {
    IDC_LOCK_WAIT,
    IDC_LOCK_SKIP,
    IDC_LOCK_FAIL,
    IDC_LOCK_WAIT_COUNT
} IdcLockWait;

typedef struct IdcRelation {
    IdcRelationKind kind;
    const struct IdcRelation *input, *right;
    /* What comes out. FILTER, DISTINCT, SORT and LIMIT share their input's. */
    const IdcRelationColumn *columns;
    size_t column_count;
    /* SCAN: name of the foreign table, its options; or the native request (name is NULL then). The
     * columns are those that are wanted, in any order, of all that the table has; there may be
     * none.
     */
    const char *name;
    const char *native;
    IdcOptionSet options;
    /* Of a SCAN with nothing but FILTERs, PROJECTs, SORTs and LIMITs above; see
     * IdcDeclaration.has_locks. */
    IdcLock lock;
    IdcLockWait lock_wait;
    const IdcExpr *const *exprs;
    size_t expr_count;
    const IdcAggregate *aggregates;
    size_t aggregate_count;
    const IdcSortKey *sort_keys;
    size_t sort_key_count;
    const IdcExpr *limit, *offset;
    IdcJoinKind join;
    const IdcWindow *windows;
    size_t window_count;
} IdcRelation;

/* ---- making (relation/make.c): all return NULL when the arena has no memory ---- */

IdcExpr *idc_expr_column(IdcArena *arena, const IdcRelation *input, size_t index);
IdcExpr *idc_expr_constant(IdcArena *arena, IdcType type, const char *text);
IdcExpr *idc_expr_parameter(IdcArena *arena, IdcType type, int32_t index, bool is_list);
/* Any other kind; args are copied (the array, not what it points to). */
IdcExpr *idc_expr_new(IdcArena *arena, IdcExprKind kind, int32_t op, IdcType type,
                      IdcCollation collation, const IdcExpr *const *args, size_t arg_count);

IdcRelation *idc_relation_scan(IdcArena *arena, const char *name, const IdcOptionSet *options,
                               const IdcRelationColumn *columns, size_t column_count);
IdcRelation *idc_relation_native(IdcArena *arena, const char *request,
                                 const IdcRelationColumn *columns, size_t column_count);
IdcRelation *idc_relation_filter(IdcArena *arena, const IdcRelation *input,
                                 const IdcExpr *const *conjuncts, size_t count);
IdcRelation *idc_relation_project(IdcArena *arena, const IdcRelation *input,
                                  const IdcExpr *const *exprs, const char *const *names,
                                  size_t count);
IdcRelation *idc_relation_aggregate(IdcArena *arena, const IdcRelation *input,
                                    const IdcExpr *const *keys, size_t key_count,
                                    const IdcAggregate *aggregates, size_t aggregate_count);
IdcRelation *idc_relation_distinct(IdcArena *arena, const IdcRelation *input);
IdcRelation *idc_relation_sort(IdcArena *arena, const IdcRelation *input, const IdcSortKey *keys,
                               size_t count);
IdcRelation *idc_relation_limit(IdcArena *arena, const IdcRelation *input, const IdcExpr *limit,
                                const IdcExpr *offset);
IdcRelation *idc_relation_join(IdcArena *arena, IdcJoinKind kind, const IdcRelation *left,
                               const IdcRelation *right, const IdcExpr *const *conjuncts,
                               size_t count);

IdcRelation *idc_relation_window(IdcArena *arena, const IdcRelation *input,
                                 const IdcWindow *windows, size_t count);
/* A function or operator by its name (NULL: one without). */
IdcExpr *idc_expr_call(IdcArena *arena, IdcCallKind how, const char *name, IdcType type,
                       IdcCollation collation, const IdcExpr *const *args, size_t arg_count);

/* ---- asking ---- */

bool idc_expr_equal(const IdcExpr *a, const IdcExpr *b);
/* A constant or a parameter; single: of one value, not a list. */
bool idc_expr_is_value(const IdcExpr *expr);
bool idc_expr_is_single_value(const IdcExpr *expr);
/* What holds between b and a where op holds between a and b. */
IdcCompare idc_compare_turned(IdcCompare op);
/* Calls visit for expr and, while that returns true, for what is below it. */
void idc_expr_walk(const IdcExpr *expr, bool (*visit)(const IdcExpr *expr, void *arg), void *arg);
/* The SCAN at the bottom of the left side. */
const IdcRelation *idc_relation_base(const IdcRelation *relation);
/* Does the topmost node name what only PostgreSQL knows: a CALL, or windows? */
bool idc_relation_has_calls(const IdcRelation *relation);
/* One more than the highest PARAMETER index; 0: none. */
size_t idc_relation_parameter_count(const IdcRelation *relation);

/*
 * Everything that a tree must be to have a meaning: kinds and ops in range, counts of arguments,
 * indexes inside, depth at most IDC_RELATION_MAX_DEPTH, operands of one type where that is said
 * above, constants values of their type. IDC_BAD_VALUE says what is wrong. Whatever comes out of
 * idc_relation_read was checked; all other functions expect a tree that passes.
 */
enum { IDC_RELATION_MAX_DEPTH = 200 };
IDC_CHECKED IdcStatus idc_relation_check(const IdcRelation *relation, IdcError *err);

/*
 * The same relation with constants (and IN's items) for its parameters. values: by index. An IN of
 * an empty list becomes false, of the NULL array (not is_list, text NULL) NULL; a NULL limit or
 * offset goes away, a negative one is an error (2201W, 2201X).
 */
IDC_CHECKED IdcStatus idc_relation_bind(IdcArena *arena, const IdcRelation *relation,
                                        const IdcValue *values, size_t value_count,
                                        const IdcRelation **bound, IdcError *err);

/* ---- printing (relation/print.c) ---- */

/*
 * As one line, for EXPLAIN and people: "limit 10 (sort by amount desc (filter amount > 5 and …
 * (scan orders [id, amount])))". With with_values false constants print as "…" (logs must not have
 * them).
 */
void idc_relation_print(const IdcRelation *relation, bool with_values, IdcText *text);
/* input: what COLUMN indexes mean; of a join's conditions: the JOIN itself (IDC_JOIN_INNER's
 * columns). */
void idc_expr_print(const IdcExpr *expr, const IdcRelation *input, bool with_values, IdcText *text);

/* ---- the serial form (relation/serial.c) ---- */

/* Appends it; little-endian, begins with a version byte. */
void idc_relation_write(const IdcRelation *relation, IdcText *bytes);
void idc_values_write(const IdcValue *values, size_t count, IdcText *bytes);
/* Bytes that nobody has checked; all memory of the arena (copies), at most as many bytes as `len`
 * times a small constant. */
IDC_CHECKED IdcStatus idc_relation_read(IdcArena *arena, const void *bytes, size_t len,
                                        const IdcRelation **relation, IdcError *err);
IDC_CHECKED IdcStatus idc_values_read(IdcArena *arena, const void *bytes, size_t len,
                                      const IdcValue **values, size_t *count, IdcError *err);

#endif
