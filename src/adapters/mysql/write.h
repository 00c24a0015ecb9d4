/*
 * write.h - INSERT, UPDATE and DELETE, in parts. Private to this folder.
 *
 * In the order of a write: write.c (begins and ends it), write_table.c (what the columns are),
 * write_value.c (a value as it is kept there exactly, or an error), write_insert.c, write_key.c and
 * write_where.c (statements), write_run.c (a statement on its way), write_return.c (rows that come
 * back).
 *
 * MySQL cuts, rounds and pads values, some of it without a word even in its strict modes. So every
 * value is held against its column before it is sent, and what the server notes of a statement is
 * read afterwards.
 */
#ifndef IDC_ADAPTERS_MYSQL_WRITE_H
#define IDC_ADAPTERS_MYSQL_WRITE_H

#include "adapters/mysql/work.h"

/* ---- write_table.c ---- */

typedef struct IdcMysqlTarget {
    const char *name;
    IdcMysqlRemote remote;
    bool is_not_null;
    bool is_automatic;          /* AUTO_INCREMENT */
    const char *const *members; /* ENUM, SET */
    size_t member_count;
} IdcMysqlTarget;

/* A write at work. */
typedef struct IdcMysqlWriter {
    IdcSourceScan *scan;
    const IdcModify *modify;
    IdcLink *link;
    IdcMysqlConn *conn;
    IdcMysqlWait wait;
    const IdcMysqlTarget **targets; /* one for each column of modify->table */
    IdcText sql;                    /* the statement in the making */
    const char *summary;            /* of it, without values: for errors */
    /* What comes back. */
    const IdcMysqlTarget **returned; /* of modify->returning's columns */
    const char **rows;
    size_t row_count, row_capacity;
} IdcMysqlWriter;

/*
 * The columns of a SCAN of the table that is written, as the server has them now; from then on the
 * table cannot be altered until the transaction ends.
 */
IDC_CHECKED IdcStatus idc_mysql_targets(IdcMysqlWriter *writer, const IdcRelation *scan,
                                        const IdcMysqlTarget ***targets, IdcError *err);
/* The column with AUTO_INCREMENT of modify->table, whose targets are known; or NULL. */
const IdcMysqlTarget *idc_mysql_automatic(IdcMysqlWriter *writer);
/* What a connection knows of tables it writes. NULL is fine. */
void idc_mysql_known_free(struct IdcMysqlKnown *known);

/* ---- write_value.c ---- */

/* A literal that the column keeps as exactly this value; fails if there is none. */
IDC_CHECKED IdcStatus idc_mysql_append_value(const IdcMysqlTarget *target,
                                             const IdcRelationColumn *column, const char *text,
                                             IdcText *sql, IdcError *err);
/* "`column` = value", or IS NULL. */
IDC_CHECKED IdcStatus idc_mysql_append_match(const IdcMysqlTarget *target,
                                             const IdcRelationColumn *column, const char *text,
                                             IdcText *sql, IdcError *err);
/* '…', safe whatever the server's modes are. */
void idc_mysql_append_string(const char *text, IdcText *sql);
void idc_mysql_append_name(const char *name, IdcText *sql);

/* ---- write.c ---- */

IdcStatus idc_mysql_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                           IdcError *err);

/* ---- write_insert.c, write_key.c, write_where.c ---- */

enum { IDC_MYSQL_STATEMENT_BYTES = 1 << 20 }; /* after that, no further row is added */

/* As many statements as the rows take, each of many rows. */
IDC_CHECKED IdcStatus idc_mysql_insert_rows(IdcMysqlWriter *writer, IdcError *err);
/* One row after the other, for servers without INSERT … RETURNING. */
IDC_CHECKED IdcStatus idc_mysql_insert_and_read(IdcMysqlWriter *writer, IdcError *err);
bool idc_mysql_has_insert_returning(const IdcMysqlWriter *writer);
IDC_CHECKED IdcStatus idc_mysql_update_rows(IdcMysqlWriter *writer, IdcError *err);
IDC_CHECKED IdcStatus idc_mysql_delete_rows(IdcMysqlWriter *writer, IdcError *err);
/* One statement for all rows of modify->where. */
IDC_CHECKED IdcStatus idc_mysql_modify_where(IdcMysqlWriter *writer, IdcError *err);

/* ---- write_run.c ---- */

const char *const *idc_mysql_row(const IdcModify *modify, size_t i);
/* writer->sql: the verb and the table. */
void idc_mysql_begin_statement(IdcMysqlWriter *writer, const char *verb);
/* "`a` = 1 AND `b` = 2": a row by its key. */
IDC_CHECKED IdcStatus idc_mysql_append_key(const IdcMysqlWriter *writer, const char *const *row,
                                           IdcText *sql, IdcError *err);
/* The server takes a statement so long. */
IDC_CHECKED IdcStatus idc_mysql_check_fits(const IdcMysqlWriter *writer, IdcError *err);
/* Fails if the server notes that it changed a value. */
IDC_CHECKED IdcStatus idc_mysql_check_warnings(IdcMysqlWriter *writer, IdcError *err);
/* Runs writer->sql; *result: its rows, or NULL where none are wanted. */
IDC_CHECKED IdcStatus idc_mysql_write_run(IdcMysqlWriter *writer, MYSQL_RES **result,
                                          IdcError *err);
/* A write without rows that come back, with all checks. *count: rows that were there. */
IDC_CHECKED IdcStatus idc_mysql_write_send(IdcMysqlWriter *writer, int64_t *count, IdcError *err);

/* ---- write_return.c ---- */

/* "`a`, `b` + 0e0": modify->returning's columns. */
void idc_mysql_append_returned(const IdcMysqlWriter *writer, IdcText *sql);
/* Rows of these columns, from here on rows that come back. */
IDC_CHECKED IdcStatus idc_mysql_take_returned(IdcMysqlWriter *writer, MYSQL_RES *result,
                                              IdcError *err);
/* The column that has the new value of this one of the key, or -1. */
int idc_mysql_place_changed(const IdcModify *modify, size_t key);
/* A row that was written, as it is now; is_before: that will be deleted, and locks it. */
IDC_CHECKED IdcStatus idc_mysql_read_row(IdcMysqlWriter *writer, const char *const *row,
                                         bool is_before, IdcError *err);

#endif
