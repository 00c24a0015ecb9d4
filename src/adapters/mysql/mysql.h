/*
 * mysql.h - the adapter mysql: its declaration, in parts.
 *
 * In:   options and relations
 * Out:  what the source answers, and the statement for it
 * Next: work.h (the work, in instant-source)
 *
 * A column of MySQL compares by its own rules (a collation, unsigned numbers, zero dates), and the
 * hub may declare it as it likes. So what is pushed is written in forms that mean the same for
 * every column that the reader turns into the hub's type, and what a column really is, the adapter
 * finds out when it opens a scan (IdcMysqlRemote): then shorter forms are written, that an index
 * serves, or the scan is refused.
 */
#ifndef IDC_ADAPTERS_MYSQL_MYSQL_H
#define IDC_ADAPTERS_MYSQL_MYSQL_H

#include "adapters/common/declare_push.h"
#include "adapters/common/declare_sql.h"

extern const IdcDeclaration idc_declaration_mysql;

/* ---- declare_options.c ---- */

extern const IdcAdapterOption idc_mysql_options[];
/* The value of an option, or of its name in mysql_fdw: database (dbname), table (table_name),
 * column (column_name), user (username), option_file (mysql_default_file). */
const char *idc_mysql_option(const IdcOptionSet *options, const char *name);
IdcStatus idc_mysql_check(IdcOptionLevel level, const IdcOptionSet *given, IdcError *err);

/* ---- declare_remote.c: what a column is in the server ---- */

typedef enum IdcMysqlKind {
    IDC_MYSQL_UNKNOWN,
    IDC_MYSQL_INTEGER, /* tinyint to bigint */
    IDC_MYSQL_DECIMAL,
    IDC_MYSQL_FLOAT,
    IDC_MYSQL_DOUBLE,
    IDC_MYSQL_BIT,
    IDC_MYSQL_YEAR,
    IDC_MYSQL_DATE,
    IDC_MYSQL_TIME,
    IDC_MYSQL_DATETIME,
    IDC_MYSQL_TIMESTAMP,
    IDC_MYSQL_CHAR, /* char(n) */
    IDC_MYSQL_TEXT, /* varchar, tinytext to longtext */
    IDC_MYSQL_BINARY,
    IDC_MYSQL_BLOB, /* varbinary, tinyblob to longblob */
    IDC_MYSQL_ENUM,
    IDC_MYSQL_SET,
    IDC_MYSQL_JSON, /* MySQL's; MariaDB's is a longtext */
    IDC_MYSQL_GEOMETRY,
    IDC_MYSQL_UUID, /* MariaDB */
    IDC_MYSQL_INET, /* inet4, inet6 of MariaDB */
    IDC_MYSQL_VECTOR
} IdcMysqlKind;

typedef struct IdcMysqlRemote {
    IdcMysqlKind kind;
    bool is_unsigned;
    int digits, scale;     /* DECIMAL; digits of the others: what stands in the brackets, or -1 */
    int bytes;             /* INTEGER: 1, 2, 3, 4, 8 */
    const char *collation; /* of texts, or NULL; as it was given */
    bool keeps_zero_dates; /* zero_date is not "null": nobody asks whether a date is one */
} IdcMysqlRemote;

/* Of COLUMN_TYPE and COLLATION_NAME in information_schema.columns. False: no type of MySQL. */
bool idc_mysql_remote_read(const char *column_type, const char *collation, IdcMysqlRemote *remote);

/* Of a column's options remote_type and collation. False: not given. */
bool idc_mysql_remote_of_options(const IdcRelationColumn *column, IdcMysqlRemote *remote);

typedef enum IdcMysqlZeroDate {
    IDC_MYSQL_ZERO_NULL, /* a date that is none (zero, of month or day zero) is NULL everywhere */
    IDC_MYSQL_ZERO_ERROR,
    IDC_MYSQL_ZERO_TEXT
} IdcMysqlZeroDate;

/* By the option zero_date of the column, or its table, or the server. */
IdcMysqlZeroDate idc_mysql_zero_date(const IdcOptionSet *server_options, const IdcOptionSet *table,
                                     const IdcOptionSet *column);

/* ---- declare_class.c: what is known of values when a query is planned ---- */

/* What a type's values are in MySQL, as far as it can compute with them as PostgreSQL does. */
typedef enum IdcMysqlClass {
    IDC_MYSQL_CLASS_OTHER, /* read, and asked for NULL */
    IDC_MYSQL_CLASS_BOOL,  /* 0 and 1; a column: <> 0 */
    IDC_MYSQL_CLASS_INTEGER,
    IDC_MYSQL_CLASS_NUMERIC,
    IDC_MYSQL_CLASS_FLOAT, /* real: computed with as double */
    IDC_MYSQL_CLASS_DOUBLE,
    IDC_MYSQL_CLASS_TEXT,   /* text and varchar */
    IDC_MYSQL_CLASS_BPCHAR, /* character(n): blanks at the end do not count */
    IDC_MYSQL_CLASS_DATE,
    IDC_MYSQL_CLASS_TIME,
    IDC_MYSQL_CLASS_MOMENT, /* timestamp; with time zone: of UTC */
    IDC_MYSQL_CLASS_BYTES,
    IDC_MYSQL_CLASS_UUID
} IdcMysqlClass;

IdcMysqlClass idc_mysql_class(IdcType type);
/* Compared by a collation. */
bool idc_mysql_is_textual(IdcType type);

/* Where a column of a relation comes from: one of these is not NULL. */
typedef struct IdcMysqlOrigin {
    const IdcRelationColumn *column; /* of scan */
    const IdcRelation *scan;
    const IdcExpr *expr;           /* over input */
    const IdcAggregate *aggregate; /* the same */
    const IdcRelation *input;
} IdcMysqlOrigin;

IdcMysqlOrigin idc_mysql_origin(const IdcRelation *relation, size_t index);
/* No value of the column becomes NULL since it does not fit the hub's type (option on_error). */
bool idc_mysql_fits(const IdcMysqlOrigin *origin);

/* The digits of a numeric. */
typedef struct IdcMysqlShape {
    bool is_known;
    bool is_fixed; /* every value has just so many digits behind the point, as PostgreSQL counts */
    int before;    /* the point, at most */
    int scale;     /* behind it, at most */
} IdcMysqlShape;

enum { IDC_MYSQL_DIGITS_MAX = 65, IDC_MYSQL_SCALE_MAX = 30 };

IdcMysqlShape idc_mysql_shape(const IdcExpr *expr, const IdcRelation *input);

/* An aggregate whose value comes as a text that idc_mysql_finish reads. */
bool idc_mysql_is_unfinished(const IdcAggregate *aggregate, const IdcRelation *input);

/* At most so many bytes of UTF-8; -1: nobody knows. Of texts and bytes. */
int idc_mysql_length(const IdcExpr *expr, const IdcRelation *input);

/* Sorting looks at no more (max_sort_length less the length itself). */
enum { IDC_MYSQL_SORT_BYTES = 1020 };

/* A constant among those of MySQL's type. */
typedef enum IdcMysqlRange {
    IDC_MYSQL_INSIDE,
    IDC_MYSQL_BELOW, /* less than all that MySQL has */
    IDC_MYSQL_ABOVE,
    IDC_MYSQL_BETWEEN /* none of MySQL's: too many digits */
} IdcMysqlRange;

IdcMysqlRange idc_mysql_range(const IdcExpr *constant);

/* A pattern of LIKE with another escape character ('|'). False: it ends with its own, which is an
 * error in PostgreSQL. */
bool idc_mysql_pattern(const char *pattern, IdcText *text);

/* ---- declare_push.c, declare_exact.c ---- */

IdcPush idc_mysql_can_push(const IdcPushQuestion *question, const char **why);

/* Is the value of the expression what it is in PostgreSQL? */
bool idc_mysql_is_exact(const IdcExpr *expr, const IdcRelation *input, const char **why);
/* And does it come out as it does there (numeric: the same digits behind the point)? */
bool idc_mysql_can_show(const IdcExpr *expr, const IdcRelation *input, const char **why);
/* It is an error for some values. */
bool idc_mysql_may_raise(const IdcExpr *expr);
/* True for every row for which the expression is. */
bool idc_mysql_is_superset(const IdcExpr *expr, const IdcRelation *input, const char **why);
bool idc_mysql_can_equal(IdcType type, IdcCollation collation, const char **why);
bool idc_mysql_can_order(IdcType type, IdcCollation collation, const char **why);
/* Stores why; false. */
bool idc_mysql_is_ascii(const char *text);

/* ---- declare_dialect.c and what it is made of ---- */

/* IdcSqlColumn.form */
typedef enum IdcMysqlForm {
    IDC_MYSQL_FORM_PLAIN,
    IDC_MYSQL_FORM_BYTES,   /* a text as a binary string of UTF-8 */
    IDC_MYSQL_FORM_QUOTIENT /* a text for idc_mysql_finish */
} IdcMysqlForm;

/*
 * on_raw should let IdcSqlRaw.remote point to an IdcMysqlRemote. There are no binds: all constants
 * are literals, written so that no sql_mode reads them otherwise. What cannot be written for a
 * column as it is in the server is an error of idc_sql_write.
 */
extern const IdcSqlDialect idc_mysql_dialect;

/* FOR UPDATE, or `share` (LOCK IN SHARE MODE, or FOR SHARE of MySQL 8), of a scan that locks. */
void idc_mysql_append_lock(const IdcRelation *scan, const char *share, IdcText *text);

/* A text that MySQL reads as a character string (utf8mb4) or as bytes, under any sql_mode. */
void idc_mysql_text_literal(const char *value, IdcText *text);
void idc_mysql_bytes_literal(const char *value, IdcText *text);
void idc_mysql_constant(IdcSql *sql, const IdcExpr *constant, IdcText *text);

/* The expression as a binary string: equal, and in order, where PostgreSQL's texts are. */
void idc_mysql_bytes(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text);
/* A raw column of the hub's type `type` as a value that means what the hub would read. */
void idc_mysql_raw(const IdcSql *sql, const IdcSqlColumn *column, IdcType type, IdcText *text);
bool idc_mysql_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                    IdcText *text);
bool idc_mysql_compare(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input,
                       IdcSqlPlace place, IdcText *text);
bool idc_mysql_in(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                  IdcText *text);
bool idc_mysql_like(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                    IdcText *text);
bool idc_mysql_arithmetic(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input,
                          IdcText *text);
bool idc_mysql_function(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text);
bool idc_mysql_cast(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text);
bool idc_mysql_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                         IdcText *text);

/* ---- declare_finish.c ---- */

/* "sum", "sum/count", either with "@scale": the text of PostgreSQL's numeric. False: it is none. */
bool idc_mysql_finish(const char *value, size_t len, IdcText *text);
/* The SQLSTATE that PostgreSQL's operator would have raised, or NULL: an error of MySQL's own. */
const char *idc_mysql_sqlstate(unsigned error_number, const char *message);

/* ---- declare_statistics.c ---- */

const char *idc_mysql_count_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                                    IdcArena *arena);
const char *idc_mysql_sample_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                                     double fraction, IdcArena *arena);

/* ---- declare_write.c ---- */

/* Of all columns of the table. */
bool idc_mysql_is_key(const IdcRelation *table, size_t column);
/* By the option key. */
bool idc_mysql_is_declared_key(const IdcRelation *table, size_t column);
unsigned idc_mysql_writes(const IdcOptionSet *server_options, const IdcRelation *table);
unsigned idc_mysql_returns(const IdcOptionSet *server_options, const IdcRelation *table);
bool idc_mysql_can_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                          const char **why);
void idc_mysql_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                              IdcText *text);
/* A computed value of this type is kept there as it is, or it is an error of the server. */
bool idc_mysql_keeps_computed(IdcType type, const IdcMysqlRemote *remote);

/* How a constant is written for column i of modify->table. */
typedef struct IdcMysqlSetValue {
    void (*append)(void *host, size_t i, const IdcExpr *constant, IdcText *text);
    void *host;
} IdcMysqlSetValue;

/* UPDATE_WHERE and DELETE_WHERE; values: NULL for people. */
IDC_CHECKED IdcStatus idc_mysql_write_direct(IdcSql *sql, const IdcModify *modify,
                                             const IdcMysqlSetValue *values, IdcText *text,
                                             IdcError *err);

#endif
