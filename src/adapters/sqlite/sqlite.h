/*
 * sqlite.h - the adapter sqlite, in parts. Private to this folder.
 *
 * In:   a relation; a file that may hold any value in any column
 * Out:  one SELECT; rows, or an error that names the column which holds what its type forbids
 *
 * SQLite types values, not columns. A column of the hub has a type, so each value is checked
 * against it (cell.c), by the reader for what comes out, and by two functions of ours inside of
 * SQLite for what is compared, grouped or sorted there (database.c). Only where both sides mean
 * the same is anything pushed (declare_push.c).
 */
#ifndef IDC_ADAPTERS_SQLITE_SQLITE_H
#define IDC_ADAPTERS_SQLITE_SQLITE_H

#include "adapters/adapter.h"
#include "adapters/common/declare_push.h"
#include "adapters/common/declare_sql.h"

extern const IdcDeclaration idc_declaration_sqlite;
extern const IdcAdapter idc_adapter_sqlite;

/* ---- declare*.c: also in the hub ---- */

/* What a type's values are in SQLite, as far as it can compute with them as PostgreSQL does. */
typedef enum IdcSqliteClass {
    IDC_SQLITE_OTHER, /* read, and asked for NULL */
    IDC_SQLITE_BOOL,  /* INTEGER 0 and 1 */
    IDC_SQLITE_INTEGER,
    IDC_SQLITE_REAL, /* double precision */
    IDC_SQLITE_TEXT, /* text and varchar */
    IDC_SQLITE_DATE, /* TEXT, YYYY-MM-DD of the years 0001 to 9999 */
    IDC_SQLITE_BLOB
} IdcSqliteClass;

IdcSqliteClass idc_sqlite_class(IdcType type);

IdcPush idc_sqlite_can_push(const IdcPushQuestion *question, const char **why);

/* False: it ends with its escape character, which is an error in PostgreSQL. */
bool idc_sqlite_is_pattern(const char *pattern);

extern const IdcSqlDialect idc_sqlite_dialect;

/* One expression, over columns of the right types. */
bool idc_sqlite_is_exact(const IdcExpr *expr, const char **why);

/* declare_write.c: as IdcDeclaration has them. */
unsigned idc_sqlite_writes(const IdcOptionSet *server_options, const IdcRelation *table);
unsigned idc_sqlite_returns(const IdcOptionSet *server_options, const IdcRelation *table);
bool idc_sqlite_is_key(const IdcRelation *table, size_t column);
bool idc_sqlite_can_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                           const char **why);
void idc_sqlite_explain_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                               IdcText *text);

/*
 * The statement of a write. Of rows: for one, whose values are the parameters from 1 on; those of a
 * key that is a UUID are there once more behind all of them, as BLOBs. Of a condition: parameters
 * are sql->binds; new_values (one for each column, or NULL): the number of the parameter that is
 * its value, 0 where it is computed.
 */
IDC_CHECKED IdcStatus idc_sqlite_write_statement(IdcSql *sql, const IdcModify *modify,
                                                 size_t *new_values, IdcText *text, IdcError *err);

/* Two comparisons of a timestamp narrow the text that SQLite has by its date (a superset). */
bool idc_sqlite_is_moment(IdcType type);

/* "YYYY-MM-DD" that is a day; text need not end there. */
bool idc_sqlite_is_day(const char *text, size_t len);

/*
 * A date of the hub as a text that compares with the days of SQLite as the date does: itself, or
 * beyond them all ("", "~") where it is infinite, before 0001 or after 9999.
 */
const char *idc_sqlite_day_bound(IdcArena *arena, const char *date);
/* The same of a day that is so many days (at most 27) away; of a timestamp: its date. */
const char *idc_sqlite_moved_bound(IdcArena *arena, const char *moment, int days);

#endif
