/*
 * declare_sql.h - a relation as one SELECT, for every source that speaks SQL.
 *
 * In:   a relation whose every node the source's can_push has agreed to; what the dialect does its
 *       own way
 * Out:  the statement and the values of its parameters
 * Next: the adapter sends it, or explain() prints it
 *
 * Nodes go into one SELECT as long as SQL's own order (WHERE, GROUP BY, HAVING, DISTINCT, ORDER BY,
 * LIMIT) is theirs, and into a sub-select where it is not.
 *
 * A column of a table may hold what its declared type forbids (SQLite), or compare by a rule of the
 * table (MySQL), so such columns are "raw": the dialect says how one is written where it is
 * compared, and what must hold besides.
 */
#ifndef IDC_ADAPTERS_COMMON_DECLARE_SQL_H
#define IDC_ADAPTERS_COMMON_DECLARE_SQL_H

#include "adapters/adapter.h"

typedef struct IdcSql IdcSql;

/* A column of a table. */
typedef struct IdcSqlRaw {
    const IdcRelation *scan;
    const IdcRelationColumn *column;
    bool is_wrapped;    /* the dialect's own: see raw */
    const void *remote; /* the same: what on_raw knows of it */
} IdcSqlRaw;

/* A column as a block has it: its SQL, and which of the raw ones it is (-1: none, computed). */
typedef struct IdcSqlColumn {
    const char *sql;
    int raw;
    int form;         /* the dialect's own: how a computed value is to be read; 0: as it is */
    bool is_not_null; /* promised */
} IdcSqlColumn;

/* A value that does not stand in the statement but is bound to it, from 1 in order. */
typedef struct IdcSqlBind {
    IdcType type;
    const char *text;           /* NULL: the SQL NULL */
    const IdcExpr *const *list; /* or many constants in one bind, if the dialect makes such */
    size_t list_count;
} IdcSqlBind;

typedef enum IdcSqlPlace {
    IDC_SQL_CONDITION, /* WHERE, ON: an index may serve; guards are added */
    IDC_SQL_VALUE      /* all else */
} IdcSqlPlace;

typedef struct IdcSqlDialect {
    char quote;           /* of identifiers; doubled inside */
    const char *no_limit; /* LIMIT's count where there is only an OFFSET */
    const char *always;   /* a condition that is true */
    /* FROM: the remote object of a SCAN. */
    void (*table)(const IdcSql *sql, const IdcRelation *scan, IdcText *text);
    /* The remote column of a SCAN's column. */
    const char *(*column_name)(const IdcRelationColumn *column);
    /* A raw column at a place; NULL: as it is. */
    void (*raw)(const IdcSql *sql, const IdcSqlColumn *column, IdcSqlPlace place, IdcText *text);
    /* What must hold for a raw column that a condition has used; false: nothing. */
    bool (*guard)(const IdcSql *sql, const IdcSqlColumn *column, IdcText *text);
    /* An expression that the dialect writes in its own way; false: it does not. */
    bool (*expr)(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                 IdcText *text);
    /* After an operand of a comparison, a sort key, a group's key: " COLLATE …" or nothing. by:
     * what the hub compares by; is_order: not only for being equal. */
    const char *(*collate)(IdcType type, IdcCollation by, bool is_order);
    /* An aggregate other than count, sum, min and max; false: it does not. A FILTER is written
     * after it, unless writes_filters. */
    bool (*aggregate)(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                      IdcText *text);
    bool writes_filters; /* aggregate() writes FILTERs too */

    /* ---- all below may be left out ---- */

    /* A constant, instead of a parameter. */
    void (*constant)(IdcSql *sql, const IdcExpr *constant, IdcText *text);
    /* A key of GROUP BY, DISTINCT or a sort: a value that is equal where PostgreSQL's is. */
    void (*key)(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text);
    /* What GROUP BY says for a key that `key` wrote; with it DISTINCT is written as GROUP BY too.
     */
    void (*group)(IdcSql *sql, const IdcExpr *expr, const char *key, IdcText *text);
    /* The direction and the place of NULLs of a sort key; `key` is its SQL. */
    void (*order)(IdcSql *sql, const IdcSortKey *sort_key, const char *key, bool is_not_null,
                  IdcText *text);
    /* The form of a computed column: of a key (as `key` writes it), of any expression, or of an
     * aggregate: 0 for the others. */
    int (*form_of_key)(const IdcExpr *key);
    int (*form_of_aggregate)(const IdcSql *sql, const IdcAggregate *aggregate);
    /* A window function, with its OVER (…). */
    void (*window)(IdcSql *sql, const IdcWindow *window, const IdcSqlColumn *input, IdcText *text);
    /* At the end of the whole statement: FOR …, where the scan has a lock. */
    void (*lock)(const IdcSql *sql, const IdcRelation *scan, IdcText *text);
    /* A column of the whole statement, which comes out as `type`. */
    void (*output)(const IdcSql *sql, const IdcSqlColumn *column, IdcType type, IdcText *text);
    bool nests_joins; /* FROM a JOIN (b JOIN c ON …) ON …: names of b and c can be seen outside */
    bool wraps_having; /* HAVING sees nothing but aggregates: a WHERE around is written */
} IdcSqlDialect;

struct IdcSql {
    const IdcSqlDialect *dialect;
    IdcArena *arena;
    bool is_explain; /* for people: constants stand in the statement, no guards */
    /* Called for each raw column when it is met; may set is_wrapped. */
    void (*on_raw)(void *host, IdcSqlRaw *raw);
    void *host;
    IdcSqlRaw *raws;
    size_t raw_count, raw_capacity;
    IdcSqlBind *binds;
    size_t bind_count, bind_capacity;
    int alias_count;
    const IdcRelation *whole; /* what the statement is of */
    const IdcRelation *input; /* what an aggregate's expressions are over */
    bool is_broken;           /* no memory, or: */
    IdcStatus status;         /* why it cannot be written (idc_sql_fail) */
    IdcError err;
};

/*
 * The statement, of sql->arena; the caller has filled in dialect, arena, is_explain, on_raw and
 * host. columns: one for each of the relation's.
 */
IDC_CHECKED IdcStatus idc_sql_write(IdcSql *sql, const IdcRelation *relation,
                                    const char **statement, const IdcSqlColumn **columns,
                                    IdcError *err);

/* The same in parts, for statements that write: of a SCAN with FILTERs and a PROJECT above. */
typedef struct IdcSqlParts {
    const char *from;            /* "t" AS t1 */
    const char *where;           /* or NULL */
    const IdcSqlColumn *columns; /* as the columns are at their source, or as they were computed */
} IdcSqlParts;
IDC_CHECKED IdcStatus idc_sql_parts(IdcSql *sql, const IdcRelation *relation, IdcSqlParts *parts,
                                    IdcError *err);

/* For dialects. */
/* The statement cannot be written: what it would need is only known now. sqlstate may be NULL. */
void idc_sql_fail(IdcSql *sql, const char *sqlstate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void idc_sql_identifier(const IdcSql *sql, const char *name, IdcText *text);
/* The same where no statement is written by a dialect. */
void idc_sql_quote(char quote, const char *name, IdcText *text);
/* 'text' */
void idc_sql_literal(const char *literal, IdcText *text);
void idc_sql_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                  IdcText *text);
/* A constant as a parameter, or in words for people. */
void idc_sql_constant(IdcSql *sql, const IdcExpr *constant, IdcText *text);
void idc_sql_bind(IdcSql *sql, const IdcSqlBind *bind, IdcText *text);
/* name(arg, arg …) */
void idc_sql_call(IdcSql *sql, const char *name, const IdcExpr *expr, const IdcSqlColumn *input,
                  IdcSqlPlace place, IdcText *text);

#endif
