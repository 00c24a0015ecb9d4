/*
 * postgres.h - the adapter postgres: its declaration, in parts.
 *
 * In:   options and relations
 * Out:  what the source answers, and the statement for it
 * Next: work.h (the work, in instant-source)
 *
 * PostgreSQL answers as PostgreSQL, so nearly all is exact. What may differ between two servers is
 * how texts are ordered and which characters are one letter in two cases (collations), and what a
 * column of the hub is in the source (types).
 *
 * Statements are for a session with search_path pg_catalog, DateStyle ISO, IntervalStyle postgres,
 * TimeZone UTC, extra_float_digits 3, bytea_output hex, standard_conforming_strings on and
 * client_encoding UTF8. They have no parameters: constants stand in them as 'text'::type.
 */
#ifndef IDC_ADAPTERS_POSTGRES_POSTGRES_H
#define IDC_ADAPTERS_POSTGRES_POSTGRES_H

#include "adapters/common/declare_push.h"
#include "adapters/common/declare_sql.h"

extern const IdcDeclaration idc_declaration_postgres;

/* ---- declare_options.c ---- */

/* Ends with a name of NULL. */
extern const IdcAdapterOption idc_postgres_options[];
IDC_CHECKED IdcStatus idc_postgres_check(IdcOptionLevel level, const IdcOptionSet *options,
                                         IdcError *err);
/* What connect_timeout means: a plain number is seconds, as libpq has it; else a duration. In whole
 * seconds; -1: it is neither. */
int64_t idc_postgres_seconds(const char *text);
/* Names in the source: the options schema_name (or schema), table_name (or table) of a SCAN,
 * column_name (or column) of a column. */
const char *idc_postgres_schema(const IdcRelation *scan);
const char *idc_postgres_table(const IdcRelation *scan);
const char *idc_postgres_column_name(const IdcRelationColumn *column);

/* ---- declare_push.c ---- */

IdcPush idc_postgres_can_push(const IdcPushQuestion *question, const char **why);

/* ---- declare_dialect.c ---- */

/* "schema"."table" of a SCAN. */
void idc_postgres_append_table(const IdcRelation *scan, IdcText *text);

/* What a column is in the source. */
typedef struct IdcPostgresColumn {
    uint32_t oid; /* of its type, domains looked through */
    int32_t modifier;
    bool is_deterministic; /* its collation, or it has none */
} IdcPostgresColumn;

/* Is the column to be converted to the hub's type wherever it stands? The conversion is the way
 * over the text, so it gives the value or an error. */
bool idc_postgres_is_wrapped(IdcType type, const IdcPostgresColumn *column);

typedef struct IdcPostgresSelect {
    /* What the rows of the table must hold besides ("ctid >= '(0,0)'::tid AND …"), or NULL; only
     * for SCANs with nothing but FILTERs and PROJECTs above. */
    const char *slice;
    /* What a column of a SCAN is in the source; NULL: it is as the hub says. Returns NULL where it
     * is not known. */
    const IdcPostgresColumn *(*look)(void *host, const IdcRelation *scan,
                                     const IdcRelationColumn *column);
    void *host;
    bool is_explain; /* for people */
} IdcPostgresSelect;

/*
 * The relation as one SELECT that stands in COPY (…) TO STDOUT (FORMAT binary): every value in it
 * is a literal, and the binary form of each column is that of the column's kind (idc_type_column):
 * a type of the hub as itself, everything of kind TEXT as the text of its output function.
 */
IDC_CHECKED IdcStatus idc_postgres_write(IdcArena *arena, const IdcRelation *relation,
                                         const IdcPostgresSelect *select, const char **statement,
                                         IdcError *err);
/* The same where nothing is known of the source's columns: all that come out are cast. */
IDC_CHECKED IdcStatus idc_postgres_select(IdcArena *arena, const IdcRelation *relation,
                                          const char *slice, const char **statement, IdcError *err);

/* For others that write with its dialect. */
void idc_postgres_begin_sql(IdcSql *sql, IdcArena *arena, const IdcPostgresSelect *select);

/* name = ANY ('{…}'): one more item of an array's text within a literal. */
void idc_postgres_append_item(const char *item, IdcText *text);
/* 'text'::type */
void idc_postgres_append_literal(IdcArena *arena, const char *value, IdcType type, IdcText *text);

/* ---- declare.c ---- */

/* How many connections may read the relation at once: the option parallel, where nothing above the
 * table needs all rows. */
int64_t idc_postgres_parallel(const IdcOptionSet *server_options, const IdcRelation *relation);

/* ---- declare_statistics.c ---- */

const char *idc_postgres_count_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                                       IdcArena *arena);
const char *idc_postgres_sample_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                                        double fraction, IdcArena *arena);

/* ---- declare_modify.c ---- */

unsigned idc_postgres_writes(const IdcOptionSet *server_options, const IdcRelation *table);
unsigned idc_postgres_returns(const IdcOptionSet *server_options, const IdcRelation *table);
bool idc_postgres_is_key(const IdcRelation *table, size_t column);
bool idc_postgres_can_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                             const char **why);
void idc_postgres_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                                 IdcText *text);

/* ("a", "b") */
void idc_postgres_append_columns(const IdcRelation *table, IdcText *text);
/* The statements for rows first … first + count - 1 of INSERT, UPDATE or DELETE. */
void idc_postgres_append_rows(const IdcModify *modify, size_t first, size_t count, IdcText *text);
void idc_postgres_append_truncate(const IdcModify *modify, IdcText *text);
/* The statement of UPDATE_WHERE or DELETE_WHERE. */
IDC_CHECKED IdcStatus idc_postgres_write_modify(IdcArena *arena, const IdcModify *modify,
                                                const IdcPostgresSelect *select, IdcText *text,
                                                IdcError *err);

#endif
