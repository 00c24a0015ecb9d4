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
