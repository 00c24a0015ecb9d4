/*
 * work.h - the adapter's work, in parts. Private to this folder; needs libsqlite3.
 */
#ifndef IDC_ADAPTERS_SQLITE_WORK_H
#define IDC_ADAPTERS_SQLITE_WORK_H

#include <sqlite3.h>

#include "adapters/common/value.h"
#include "adapters/sqlite/sqlite.h"

/* ---- cell.c: one value of SQLite against the type of a column ---- */

typedef struct IdcSqliteCell {
    int storage; /* SQLITE_INTEGER … SQLITE_NULL */
    sqlite3_int64 integer;
    double real;
    const char *bytes; /* TEXT, BLOB */
    size_t len;
} IdcSqliteCell;

/* bytes are good until the statement's next step. */
IdcSqliteCell idc_sqlite_column_cell(sqlite3_stmt *statement, int column);
IdcSqliteCell idc_sqlite_value_cell(sqlite3_value *value);

/* May a value stand in a column of the type? Not all of a type's own rules: see append. */
IdcFit idc_sqlite_check(IdcType type, IdcColumnKind kind, const IdcSqliteCell *cell,
                        IdcValueProblem *problem);
/* check, and then one more value in column. */
IdcFit idc_sqlite_append(IdcType type, IdcColumn *column, const IdcSqliteCell *cell,
                         IdcText *scratch, IdcValueProblem *problem);

/* ---- database.c: a connection of one scan ---- */

/* A column of the table whose values are looked at inside of SQLite. */
typedef struct IdcSqliteForm {
    IdcType type;
    IdcColumnKind kind;
    const char *column, *table; /* in the hub */
    bool is_lenient;            /* what does not fit is NULL */
} IdcSqliteForm;

typedef struct IdcSqliteDatabase {
    sqlite3 *handle;
    const char *path;
    IdcCall *call;
    int64_t busy_ms;
    int64_t busy_since; /* 0: not waiting */
    IdcScanStats *stats;
    const IdcSqliteForm *forms; /* of instant_value and instant_ok, by number */
    size_t form_count;
    IdcError misfit; /* status is not IDC_OK: what these two have found */
} IdcSqliteDatabase;

/* Closed with the arena. Only reads, also when the file's own schema or the user wants otherwise.
 */
IDC_CHECKED IdcStatus idc_sqlite_open(IdcArena *arena, const IdcSourceServer *server, IdcCall *call,
                                      IdcScanStats *stats, IdcSqliteDatabase **database,
                                      IdcError *err);
/* From here on the connection answers SELECTs and nothing else. */
IDC_CHECKED IdcStatus idc_sqlite_restrict(IdcSqliteDatabase *database, IdcError *err);
/* code: what a call of SQLite returned; sql: what it was about, or NULL. */
IdcStatus idc_sqlite_fail(IdcSqliteDatabase *database, int code, const char *sql, IdcError *err);
/* The value does not fit its column. */
IdcStatus idc_sqlite_misfit(const char *table, const char *column, const IdcValueProblem *problem,
                            IdcError *err);

/* ---- import.c ---- */

IdcStatus idc_sqlite_import(IdcSourceScan *scan, const IdcImport *import,
                            const IdcImportedTable **tables, size_t *count, IdcError *err);

#endif
