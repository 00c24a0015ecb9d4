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

/* A cell as IdcValue's text; it was checked. */
void idc_sqlite_cell_text(IdcType type, IdcColumnKind kind, const IdcSqliteCell *cell,
                          IdcText *text);

/* ---- store.c: a value of the hub in a column of a file ---- */

/* https://www.sqlite.org/datatype3.html, 3.1 */
typedef enum IdcSqliteAffinity {
    IDC_SQLITE_AS_IT_IS, /* BLOB, or none */
    IDC_SQLITE_AS_TEXT,
    IDC_SQLITE_AS_NUMBER, /* NUMERIC, INTEGER */
    IDC_SQLITE_AS_REAL
} IdcSqliteAffinity;

/* A column that is written: what it is in the hub, and what its file makes of values. */
typedef struct IdcSqliteTarget {
    IdcType type;
    IdcColumnKind kind;
    IdcSqliteAffinity affinity;
    bool is_blob;               /* declared as BLOB */
    const char *column, *table; /* in the hub */
} IdcSqliteTarget;

/* declared: the type in the file; NULL: none, or not known. */
IdcSqliteAffinity idc_sqlite_affinity(const char *declared);
/* What the file would make of the cell; fails where that could not be read as it was written. */
IdcFit idc_sqlite_stores(const IdcSqliteTarget *target, IdcSqliteCell *cell,
                         IdcValueProblem *problem);

/* ---- database.c: a connection ---- */

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
    const IdcSqliteTarget *targets; /* of instant_store, by number */
    size_t target_count;
    IdcError misfit; /* status is not IDC_OK: what these functions have found */
    bool may_write;  /* now: statements of ours, not of the user */
} IdcSqliteDatabase;

/*
 * Closed with the arena. Unless is_writer only reads, also when the file's own schema or the user
 * wants otherwise.
 */
IDC_CHECKED IdcStatus idc_sqlite_open(IdcArena *arena, const IdcSourceServer *server, IdcCall *call,
                                      IdcScanStats *stats, bool is_writer,
                                      IdcSqliteDatabase **database, IdcError *err);
/* From here on the connection answers SELECTs, and what is written where it may write. */
IDC_CHECKED IdcStatus idc_sqlite_restrict(IdcSqliteDatabase *database, IdcError *err);
/* A statement of ours without rows. */
IDC_CHECKED IdcStatus idc_sqlite_run(IdcSqliteDatabase *database, const char *sql, IdcError *err);
/* code: what a call of SQLite returned; sql: what it was about, or NULL. */
IdcStatus idc_sqlite_fail(IdcSqliteDatabase *database, int code, const char *sql, IdcError *err);
/* The value does not fit its column. */
IdcStatus idc_sqlite_misfit(const char *table, const char *column, const IdcValueProblem *problem,
                            IdcError *err);

/* ---- forms.c ---- */

/* The table makes NULLs of values that do not fit. */
bool idc_sqlite_is_lenient(const IdcRelation *scan);
/* IdcSql.on_raw; host: the connection. */
void idc_sqlite_look_at_raw(void *host, IdcSqlRaw *raw);
/* For the statement that was written, of its arena. */
IDC_CHECKED IdcStatus idc_sqlite_make_forms(IdcSqliteDatabase *database, const IdcSql *sql,
                                            IdcError *err);

/* ---- bind.c ---- */

typedef struct IdcSqliteStatement {
    IdcSqliteDatabase *database;
    sqlite3_stmt *handle;
    const char *sql;
    IdcArena *arena;
} IdcSqliteStatement;

IDC_CHECKED IdcStatus idc_sqlite_bind(IdcSqliteStatement *run, int number, const IdcSqlBind *bind,
                                      IdcError *err);

/* ---- transaction.c: which connection a scan or a write gets ---- */

IdcStatus idc_sqlite_connect(IdcSourceServer *server, IdcError *err);
void idc_sqlite_disconnect(IdcSourceServer *server);
IDC_CHECKED IdcStatus idc_sqlite_for_scan(IdcSourceScan *scan, IdcSqliteDatabase **database,
                                          IdcError *err);
/* Begun, at scan->transaction.level; given back with scan->arena. */
IDC_CHECKED IdcStatus idc_sqlite_for_write(IdcSourceScan *scan, IdcSqliteDatabase **database,
                                           IdcError *err);
IdcStatus idc_sqlite_finish(IdcSourceScan *scan, const IdcFinish *finish, IdcError *err);

/* ---- write.c ---- */

IdcStatus idc_sqlite_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                            IdcError *err);

/* ---- import.c ---- */

IdcStatus idc_sqlite_import(IdcSourceScan *scan, const IdcImport *import,
                            const IdcImportedTable **tables, size_t *count, IdcError *err);

#endif
