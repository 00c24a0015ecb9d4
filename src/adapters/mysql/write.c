/*
 * write.c - a MODIFY as statements of many rows.
 *
 * In:   rows, or a condition; the transaction's writer
 * Out:  INSERT of many rows, UPDATE and DELETE by key of many rows, or one statement for all
 *
 * A statement is never sent a second time: what became of one that failed in the middle is not
 * known, and the transaction with it ends.
 */
#include "adapters/mysql/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATEMENT_BYTES = 1 << 20, /* after that, no further row is added */
    PACKET_HEAD_BYTES = 64,
    UPDATED_AT_ONCE = 50, /* each row is looked up among them */
    DELETED_AT_ONCE = 1000
};

/* ---- running ---- */

/* What a value that was changed on its way is noted with. */
static bool
is_loss(unsigned code)
{
    static const unsigned losses[] = { 1048, 1263, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 1441 };

    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        if (losses[i] == code)
            return true;
    return false;
}

static IdcStatus
check_warnings(IdcMysqlWriter *writer, IdcError *err)
{
    MYSQL_RES *result = NULL;
    IdcStatus status;
    MYSQL_ROW row;

    if (mysql_warning_count(writer->conn->mysql) == 0)
        return IDC_OK;
    status = idc_mysql_query(&writer->wait, writer->conn, "SHOW WARNINGS", &result, err);
    if (status != IDC_OK) {
        writer->link->is_broken = true;
        return status;
    }
    while (status == IDC_OK && result != NULL && (row = mysql_fetch_row(result)) != NULL) {
        unsigned code = row[1] == NULL ? 0 : (unsigned) strtoul(row[1], NULL, 10);

        if (!is_loss(code))
            continue;
        status =
            idc_fail(err, IDC_SOURCE_FAILED, "the server would not keep a value as it is: %s (%u)",
                     row[2] == NULL ? "" : row[2], code);
        idc_error_set_sqlstate(err, "22000");
    }
    mysql_free_result(result);
    return status;
}

IdcStatus
idc_mysql_write_run(IdcMysqlWriter *writer, MYSQL_RES **result, IdcError *err)
{
    /* Before the next statement the library forgets what it knows of this one. */
    IdcStatus status = idc_text_check(&writer->sql, err);

    if (status != IDC_OK)
        return status;
    writer->scan->stats.requests++;
    status =
        idc_mysql_query(&writer->wait, writer->conn, idc_text_string(&writer->sql), result, err);
    if (status == IDC_OK)
        return IDC_OK;
    /* Never the values. */
    idc_error_set_remote_sql(err, writer->summary == NULL ? "" : writer->summary);
    if (writer->wait.problem.status != IDC_OK || status == IDC_CONNECTION_FAILED)
        writer->link->is_broken = true;
    return status;
}

/* "Rows matched: 3  Changed: 1  Warnings: 0"; -1: the server did not say. */
static int64_t
matched_rows(MYSQL *mysql)
{
    const char *info = mysql_info(mysql);
    long long count;

    return info != NULL && sscanf(info, "Rows matched: %lld", &count) == 1 ? count : -1;
}

/* A write without rows that come back. *count: rows that were there. */
static IdcStatus
run_write(IdcMysqlWriter *writer, int64_t *count, IdcError *err)
{
    IdcStatus status = idc_mysql_write_run(writer, NULL, err);
    int64_t matched;

    if (status != IDC_OK)
        return status;
    matched = matched_rows(writer->conn->mysql);
    *count = matched >= 0 ? matched : (int64_t) mysql_affected_rows(writer->conn->mysql);
    return check_warnings(writer, err);
}

/* ---- rows ---- */

static const char *const *
row_of(const IdcModify *modify, size_t i)
{
    return modify->rows + i * modify->table->column_count;
}

static void
append_names(const IdcMysqlWriter *writer, size_t from, size_t until)
{
    IdcText *sql = (IdcText *) &writer->sql;

    for (size_t i = from; i < until; i++) {
        idc_text_append(sql, i == from ? "" : ", ");
        idc_mysql_append_name(writer->targets[i]->name, sql);
    }
}

/* "(1, 'a')" of columns from … until. */
static IdcStatus
append_values(const IdcMysqlWriter *writer, const char *const *row, size_t from, size_t until,
              IdcText *sql, IdcError *err)
{
    IdcStatus status = IDC_OK;

    idc_text_append_char(sql, '(');
    for (size_t i = from; status == IDC_OK && i < until; i++) {
        idc_text_append(sql, i == from ? "" : ", ");
        status = idc_mysql_append_value(writer->targets[i], &writer->modify->table->columns[i],
                                        row[i], sql, err);
    }
    idc_text_append_char(sql, ')');
    return status;
}

/* "`a` = 1 AND `b` = 2": a row by its key. */
static IdcStatus
append_key(const IdcMysqlWriter *writer, const char *const *row, IdcText *sql, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < writer->modify->key_count; i++) {
        idc_text_append(sql, i == 0 ? "" : " AND ");
        status = idc_mysql_append_match(writer->targets[i], &writer->modify->table->columns[i],
                                        row[i], sql, err);
    }
    return status;
}

static IdcStatus
check_fits(const IdcMysqlWriter *writer, IdcError *err)
{
    if ((int64_t) writer->sql.len + PACKET_HEAD_BYTES <= writer->conn->packet_bytes)
        return IDC_OK;
    (void) idc_fail(err, IDC_BAD_VALUE,
                    "a row of %zu bytes is longer than the server takes (max_allowed_packet is "
                    "%lld)",
                    writer->sql.len, (long long) writer->conn->packet_bytes);
    idc_error_set_sqlstate(err, "54000");
    return IDC_BAD_VALUE;
}

static void
append_table(IdcMysqlWriter *writer, const char *verb)
{
    idc_text_clear(&writer->sql);
    idc_text_append(&writer->sql, verb);
    idc_mysql_append_table(writer->modify->table, &writer->sql);
}

/* The key does not name a row if it names several. */
static IdcStatus
check_count(const IdcMysqlWriter *writer, int64_t count, size_t most, IdcError *err)
{
    if (count <= (int64_t) most)
        return IDC_OK;
    (void) idc_fail(err, IDC_BAD_CONFIG,
                    "the key of foreign table \"%s\" names more than one row of its table",
                    writer->modify->table->name);
    idc_error_set_sqlstate(err, "21000");
    idc_error_set_hint(err, "Give the option \"key\" to all columns of its primary key.");
    return IDC_BAD_CONFIG;
}

/* ---- INSERT ---- */

static void
append_conflict(IdcMysqlWriter *writer)
{
    const IdcModify *modify = writer->modify;
    IdcText *sql = &writer->sql;

    if (modify->conflict == IDC_CONFLICT_ERROR)
        return;
    idc_text_append(sql, " ON DUPLICATE KEY UPDATE ");
    /* To what it is; not INSERT IGNORE, which ignores all other errors too. */
    if (modify->conflict == IDC_CONFLICT_NOTHING) {
        idc_mysql_append_name(writer->targets[0]->name, sql);
        idc_text_append(sql, " = ");
        idc_mysql_append_table(modify->table, sql);
        idc_text_append_char(sql, '.');
        idc_mysql_append_name(writer->targets[0]->name, sql);
        return;
    }
    for (size_t i = 0; i < modify->table->column_count; i++) {
        idc_text_append(sql, i == 0 ? "" : ", ");
        idc_mysql_append_name(writer->targets[i]->name, sql);
        idc_text_append(sql, " = VALUES(");
        idc_mysql_append_name(writer->targets[i]->name, sql);
        idc_text_append_char(sql, ')');
    }
}

/* "Records: 3  Duplicates: 1  Warnings: 0", which one row alone does not get. */
static int64_t
inserted_rows(const IdcMysqlWriter *writer, size_t row_count)
{
    int64_t affected = (int64_t) mysql_affected_rows(writer->conn->mysql);

    switch (writer->modify->conflict) {
    case IDC_CONFLICT_ERROR:
        return affected;
    case IDC_CONFLICT_NOTHING:
        /* A row that stays as it is counts nothing. */
        return affected;
    default:
        return (int64_t) row_count;
    }
}

static IdcStatus
run_insert(IdcMysqlWriter *writer, size_t row_count, IdcError *err)
{
    bool returns = writer->modify->returning != NULL;
    MYSQL_RES *result = NULL;
    IdcStatus status;

    append_conflict(writer);
    if (returns) {
        idc_text_append(&writer->sql, " RETURNING ");
        idc_mysql_append_returned(writer, &writer->sql);
    }
    status = check_fits(writer, err);
    if (status == IDC_OK)
        status = idc_mysql_write_run(writer, returns ? &result : NULL, err);
    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows +=
        returns ? (int64_t) mysql_num_rows(result) : inserted_rows(writer, row_count);
    status = check_warnings(writer, err);
    if (status == IDC_OK && returns)
        status = idc_mysql_take_returned(writer, result, err);
    mysql_free_result(result);
    return status;
}

static void
begin_insert(IdcMysqlWriter *writer)
{
    append_table(writer, "INSERT INTO ");
    idc_text_append(&writer->sql, " (");
    append_names(writer, 0, writer->modify->table->column_count);
    idc_text_append(&writer->sql, ") VALUES ");
}

/* As many statements as the rows take, each of many rows. */
static IdcStatus
insert_rows(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;
    size_t in_statement = 0;
    IdcText values;

    idc_text_init(&values, 0);
    for (size_t i = 0; status == IDC_OK && i < modify->row_count; i++) {
        idc_text_clear(&values);
        status =
            append_values(writer, row_of(modify, i), 0, modify->table->column_count, &values, err);
        if (status == IDC_OK && in_statement > 0 &&
            (writer->sql.len + values.len > STATEMENT_BYTES ||
             (int64_t) (writer->sql.len + values.len + STATEMENT_BYTES / 4) >
                 writer->conn->packet_bytes)) {
            status = run_insert(writer, in_statement, err);
            in_statement = 0;
        }
        if (status != IDC_OK)
            break;
        if (in_statement == 0)
            begin_insert(writer);
        idc_text_append(&writer->sql, in_statement == 0 ? "" : ", ");
        idc_text_append_len(&writer->sql, values.data, values.len);
        in_statement++;
        writer->sql.is_broken |= values.is_broken;
    }
    idc_text_done(&values);
    return status == IDC_OK && in_statement > 0 ? run_insert(writer, in_statement, err) : status;
}

/* ---- a row that is read back ---- */

/* Column i of `wanted` in the rows that are written, or -1. */
static int
place_of(const IdcRelation *table, const char *name, size_t from)
{
    for (size_t i = from; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int) i;
    return -1;
}

/* The key of an updated row as it is now: what was sent for it, or else what it was. */
static IdcStatus
append_updated_key(IdcMysqlWriter *writer, const char *const *row, IdcError *err)
{
    const IdcRelation *table = writer->modify->table;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < writer->modify->key_count; i++) {
        int place = place_of(table, table->columns[i].name, writer->modify->key_count);
        size_t at = place < 0 ? i : (size_t) place;

        idc_text_append(&writer->sql, i == 0 ? "" : " AND ");
        status = idc_mysql_append_match(writer->targets[at], &table->columns[at], row[at],
                                        &writer->sql, err);
    }
    return status;
}

/* The key of a row that was inserted: what was sent for it, or the number that the server gave. */
static IdcStatus
append_inserted_key(IdcMysqlWriter *writer, const char *const *row, IdcError *err)
{
    const IdcRelation *table = writer->modify->table;
    const IdcMysqlTarget *automatic = idc_mysql_automatic(writer);
    IdcStatus status = IDC_OK;
    size_t count = 0;

    for (size_t i = 0; status == IDC_OK && i < table->column_count; i++) {
        if (!idc_mysql_is_declared_key(table, i) || row[i] == NULL)
            continue;
        idc_text_append(&writer->sql, count++ == 0 ? "" : " AND ");
        status = idc_mysql_append_match(writer->targets[i], &table->columns[i], row[i],
                                        &writer->sql, err);
    }
    if (status != IDC_OK || count > 0)
        return status;
    if (automatic == NULL)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "RETURNING of table \"%s\" needs a key: no column that is written has the "
                        "option \"key\"",
                        table->name);
    idc_mysql_append_name(automatic->name, &writer->sql);
    idc_text_append_format(&writer->sql, " = %llu", (unsigned long long) writer->conn->last_number);
    return IDC_OK;
}

/* Reads a row of the table by what `append` adds; locks it first if it will be deleted. */
static IdcStatus
read_row(IdcMysqlWriter *writer, const char *const *row, bool is_before, IdcError *err)
{
    MYSQL_RES *result = NULL;
    IdcStatus status;

    idc_text_clear(&writer->sql);
    idc_text_append(&writer->sql, "SELECT ");
    idc_mysql_append_returned(writer, &writer->sql);
    idc_text_append(&writer->sql, " FROM ");
    idc_mysql_append_table(writer->modify->table, &writer->sql);
    idc_text_append(&writer->sql, " WHERE ");
    status = is_before                            ? append_key(writer, row, &writer->sql, err)
             : writer->modify->kind == IDC_INSERT ? append_inserted_key(writer, row, err)
                                                  : append_updated_key(writer, row, err);
    if (status == IDC_OK && is_before)
        idc_text_append(&writer->sql, " FOR UPDATE");
    if (status == IDC_OK)
        status = idc_mysql_write_run(writer, &result, err);
    if (status == IDC_OK)
        status = idc_mysql_take_returned(writer, result, err);
    mysql_free_result(result);
    return status;
}

/* One row after the other, for servers without INSERT … RETURNING. */
static IdcStatus
insert_and_read(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < modify->row_count; i++) {
        int64_t affected;

        begin_insert(writer);
        status = append_values(writer, row_of(modify, i), 0, modify->table->column_count,
                               &writer->sql, err);
        append_conflict(writer);
        if (status == IDC_OK)
            status = check_fits(writer, err);
        if (status == IDC_OK)
            status = idc_mysql_write_run(writer, NULL, err);
        if (status != IDC_OK)
            return status;
        affected = (int64_t) mysql_affected_rows(writer->conn->mysql);
        writer->conn->last_number = mysql_insert_id(writer->conn->mysql);
        if (affected == 0 && modify->conflict == IDC_CONFLICT_NOTHING)
            continue;
        writer->scan->stats.rows++;
        status = check_warnings(writer, err);
        if (status == IDC_OK)
            status = read_row(writer, row_of(modify, i), false, err);
    }
    return status;
}

static bool
has_insert_returning(const IdcMysqlWriter *writer)
{
    const unsigned long first_version = 100500;

    /* Of rows that it leaves as they are it would tell too. */
    return writer->conn->is_mariadb && writer->conn->version >= first_version &&
           writer->modify->conflict != IDC_CONFLICT_NOTHING;
}

/* ---- UPDATE ---- */

/* A statement for each row where a key changes: the next column's CASE would not find the row. */
static bool
changes_key(const IdcModify *modify)
{
    for (size_t i = 0; i < modify->key_count; i++)
        if (place_of(modify->table, modify->table->columns[i].name, modify->key_count) >= 0)
            return true;
    return false;
}

static IdcStatus
update_row(IdcMysqlWriter *writer, const char *const *row, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;
    int64_t count = 0;

    append_table(writer, "UPDATE ");
    idc_text_append(&writer->sql, " SET ");
    for (size_t i = modify->key_count; status == IDC_OK && i < modify->table->column_count; i++) {
        idc_text_append(&writer->sql, i == modify->key_count ? "" : ", ");
        idc_mysql_append_name(writer->targets[i]->name, &writer->sql);
        idc_text_append(&writer->sql, " = ");
        status = idc_mysql_append_value(writer->targets[i], &modify->table->columns[i], row[i],
                                        &writer->sql, err);
    }
    idc_text_append(&writer->sql, " WHERE ");
    if (status == IDC_OK)
        status = append_key(writer, row, &writer->sql, err);
    if (status == IDC_OK)
        status = check_fits(writer, err);
    if (status == IDC_OK)
        status = run_write(writer, &count, err);
    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows += count;
    status = check_count(writer, count, 1, err);
    if (status == IDC_OK && count > 0 && modify->returning != NULL)
        status = read_row(writer, row, false, err);
    return status;
}

/* "`c` = CASE WHEN key THEN value … END, …" for rows from … until. */
static IdcStatus
append_cases(IdcMysqlWriter *writer, size_t from, size_t until, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;

    for (size_t i = modify->key_count; status == IDC_OK && i < modify->table->column_count; i++) {
        idc_text_append(&writer->sql, i == modify->key_count ? "" : ", ");
        idc_mysql_append_name(writer->targets[i]->name, &writer->sql);
        idc_text_append(&writer->sql, " = CASE");
        for (size_t j = from; status == IDC_OK && j < until; j++) {
            const char *const *row = row_of(modify, j);

            idc_text_append(&writer->sql, " WHEN ");
            status = append_key(writer, row, &writer->sql, err);
            idc_text_append(&writer->sql, " THEN ");
            if (status == IDC_OK)
                status = idc_mysql_append_value(writer->targets[i], &modify->table->columns[i],
                                                row[i], &writer->sql, err);
        }
        idc_text_append(&writer->sql, " END");
    }
    return status;
}

/* "(`a` = 1 AND `b` = 2) OR …", or "`a` IN (1, 2)". */
static IdcStatus
append_any_key(IdcMysqlWriter *writer, size_t from, size_t until, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    bool is_list = modify->key_count == 1 && writer->targets[0]->remote.kind != IDC_MYSQL_FLOAT;
    IdcStatus status = IDC_OK;

    for (size_t i = from; is_list && i < until; i++)
        is_list = row_of(modify, i)[0] != NULL;
    if (is_list) {
        idc_mysql_append_name(writer->targets[0]->name, &writer->sql);
        idc_text_append(&writer->sql, " IN (");
    }
    for (size_t i = from; status == IDC_OK && i < until; i++) {
        const char *const *row = row_of(modify, i);

        if (is_list) {
            idc_text_append(&writer->sql, i == from ? "" : ", ");
            status = idc_mysql_append_value(writer->targets[0], &modify->table->columns[0], row[0],
                                            &writer->sql, err);
            continue;
        }
        idc_text_append(&writer->sql, i == from ? "(" : " OR (");
        status = append_key(writer, row, &writer->sql, err);
        idc_text_append_char(&writer->sql, ')');
    }
    if (is_list)
        idc_text_append_char(&writer->sql, ')');
    return status;
}

static IdcStatus
update_some(IdcMysqlWriter *writer, size_t from, size_t until, IdcError *err)
{
    int64_t count = 0;
    IdcStatus status;

    append_table(writer, "UPDATE ");
    idc_text_append(&writer->sql, " SET ");
    status = append_cases(writer, from, until, err);
    idc_text_append(&writer->sql, " WHERE ");
    if (status == IDC_OK)
        status = append_any_key(writer, from, until, err);
    if (status == IDC_OK)
        status = check_fits(writer, err);
    if (status == IDC_OK)
        status = run_write(writer, &count, err);
    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows += count;
    return check_count(writer, count, until - from, err);
}

static bool
is_same_key(const IdcModify *modify, size_t i, size_t j)
{
    const char *const *one = row_of(modify, i), *const *other = row_of(modify, j);

    for (size_t k = 0; k < modify->key_count; k++)
        if ((one[k] == NULL) != (other[k] == NULL) ||
            (one[k] != NULL && strcmp(one[k], other[k]) != 0))
            return false;
    return true;
}

/* Then it names more than one row, or the row has been changed already. */
static bool
has_key_again(const IdcModify *modify, size_t from, size_t i)
{
    for (size_t j = from; j < i; j++)
        if (is_same_key(modify, j, i))
            return true;
    return false;
}

/* By somebody who knows; otherwise each row is counted. */
static bool
is_key_declared(const IdcModify *modify)
{
    for (size_t i = 0; i < modify->key_count; i++)
        if (idc_mysql_is_declared_key(modify->table, i))
            return true;
    return false;
}

/* Up to where one statement takes the next rows. */
static size_t
rows_at_once(const IdcMysqlWriter *writer, size_t from, size_t most)
{
    const IdcModify *modify = writer->modify;
    size_t bytes = 0, until = from;

    if (!is_key_declared(modify))
        return from + 1;
    while (until < modify->row_count && until - from < most && bytes < STATEMENT_BYTES / 4) {
        if (modify->kind == IDC_UPDATE && has_key_again(modify, from, until))
            break;
        const char *const *row = row_of(modify, until++);

        for (size_t i = 0; i < modify->table->column_count; i++)
            bytes += row[i] == NULL ? 4 : 4 + 2 * strlen(row[i]);
    }
    return until;
}

static IdcStatus
update_rows(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    bool is_single = modify->returning != NULL || changes_key(modify);
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < modify->row_count;) {
        size_t until = is_single ? i + 1 : rows_at_once(writer, i, UPDATED_AT_ONCE);

        status = until - i == 1 ? update_row(writer, row_of(modify, i), err)
                                : update_some(writer, i, until, err);
        i = until;
    }
    return status;
}

/* ---- DELETE ---- */

static IdcStatus
delete_some(IdcMysqlWriter *writer, size_t from, size_t until, IdcError *err)
{
    int64_t count = 0;
    IdcStatus status = IDC_OK;

    for (size_t i = from; status == IDC_OK && writer->modify->returning != NULL && i < until; i++)
        status = read_row(writer, row_of(writer->modify, i), true, err);
    if (status != IDC_OK)
        return status;
    append_table(writer, "DELETE FROM ");
    idc_text_append(&writer->sql, " WHERE ");
    status = append_any_key(writer, from, until, err);
    if (status == IDC_OK)
        status = check_fits(writer, err);
    if (status == IDC_OK)
        status = run_write(writer, &count, err);
    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows += count;
    return check_count(writer, count, until - from, err);
}

static IdcStatus
delete_rows(IdcMysqlWriter *writer, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < writer->modify->row_count;) {
        size_t until = rows_at_once(writer, i, DELETED_AT_ONCE);

        status = delete_some(writer, i, until, err);
        i = until;
    }
    return status;
}

/* ---- one statement for many rows ---- */

/* Columns of the SCAN that conditions and values are over. */
typedef struct Direct {
    IdcMysqlWriter *writer;
    const IdcRelation *base;
    const IdcMysqlTarget **seen; /* of base's columns */
    IdcStatus status;
    IdcError *err;
} Direct;

static void
look_at_raw(void *host, IdcSqlRaw *raw)
{
    Direct *direct = host;
    const IdcSourceScan *scan = direct->writer->scan;
    IdcMysqlRemote *remote = idc_arena_alloc(scan->arena, sizeof *remote);
    size_t i = (size_t) (raw->column - direct->base->columns);

    if (remote == NULL) {
        direct->status = idc_fail_no_memory(direct->err);
        return;
    }
    *remote = direct->seen[i]->remote;
    remote->keeps_zero_dates =
        idc_mysql_zero(scan->server, direct->base, raw->column) != IDC_MYSQL_NO_DATE_IS_NULL;
    raw->remote = remote;
}

static void
append_constant(void *host, size_t i, const IdcExpr *constant, IdcText *text)
{
    Direct *direct = host;
    const IdcMysqlWriter *writer = direct->writer;

    if (direct->status == IDC_OK)
        direct->status =
            idc_mysql_append_value(writer->targets[i], &writer->modify->table->columns[i],
                                   constant->text, text, direct->err);
}

/* The table may have been altered since the hub was told that it may compute. */
static IdcStatus
check_computed(const IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;

    for (size_t i = 0; i < modify->table->column_count; i++)
        if (modify->where->exprs[i]->kind != IDC_EXPR_CONSTANT &&
            !idc_mysql_keeps_computed(modify->table->columns[i].type,
                                      &writer->targets[i]->remote)) {
            (void) idc_fail(err, IDC_BAD_CONFIG,
                            "column \"%s\" is of another type at the server than its option "
                            "remote_type says",
                            writer->targets[i]->name);
            idc_error_set_sqlstate(err, "42804");
            return IDC_BAD_CONFIG;
        }
    return IDC_OK;
}

static IdcStatus
modify_where(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    Direct direct = { .writer = writer, .base = idc_relation_base(modify->where), .err = err };
    IdcSql sql = { .dialect = &idc_mysql_dialect,
                   .arena = writer->scan->arena,
                   .on_raw = look_at_raw,
                   .host = &direct };
    IdcMysqlSetValue values = { .append = append_constant, .host = &direct };
    int64_t count = 0;
    IdcStatus status = idc_mysql_targets(writer, direct.base, &direct.seen, err);

    if (status == IDC_OK && modify->kind == IDC_UPDATE_WHERE)
        status = check_computed(writer, err);
    if (status != IDC_OK)
        return status;
    idc_text_clear(&writer->sql);
    status = idc_mysql_write_direct(&sql, modify, &values, &writer->sql, err);
    if (direct.status != IDC_OK)
        return direct.status;
    if (status == IDC_OK)
        status = check_fits(writer, err);
    if (status == IDC_OK)
        status = run_write(writer, &count, err);
    writer->scan->stats.rows += count;
    return status;
}

/* ---- any ---- */

static IdcStatus
modify_rows(IdcMysqlWriter *writer, IdcError *err)
{
    switch (writer->modify->kind) {
    case IDC_INSERT:
        return writer->modify->returning != NULL && !has_insert_returning(writer)
                   ? insert_and_read(writer, err)
                   : insert_rows(writer, err);
    case IDC_UPDATE:
        return update_rows(writer, err);
    case IDC_DELETE:
        return delete_rows(writer, err);
    case IDC_UPDATE_WHERE:
    case IDC_DELETE_WHERE:
        return modify_where(writer, err);
    default:
        return idc_fail(err, IDC_UNSUPPORTED, "the adapter mysql cannot do this");
    }
}

static const char *
summary_of(const IdcModify *modify, IdcArena *arena)
{
    static const char *const verbs[IDC_MODIFY_KIND_COUNT] = {
        [IDC_INSERT] = "INSERT INTO",       [IDC_UPDATE] = "UPDATE",
        [IDC_DELETE] = "DELETE FROM",       [IDC_UPDATE_WHERE] = "UPDATE",
        [IDC_DELETE_WHERE] = "DELETE FROM",
    };
    IdcText table;
    const char *made;

    idc_text_init(&table, 0);
    idc_mysql_append_table(modify->table, &table);
    made = idc_arena_printf(arena, "%s %s …", verbs[modify->kind], idc_text_string(&table));
    idc_text_done(&table);
    return made;
}

static void
end_writer(void *resource)
{
    IdcMysqlWriter *writer = resource;

    idc_text_done(&writer->sql);
}

IdcStatus
idc_mysql_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified, IdcError *err)
{
    const IdcMysqlServer *server = scan->server->state;
    IdcMysqlWriter *writer = idc_arena_alloc(scan->arena, sizeof *writer);
    const char *summary = summary_of(modify, scan->arena);
    IdcStatus status;

    if (writer == NULL || idc_arena_on_free(scan->arena, end_writer, writer) != IDC_OK)
        return idc_fail_no_memory(err);
    idc_text_init(&writer->sql, 0);
    writer->scan = scan;
    writer->modify = modify;
    status = idc_links_for_write(server->links, scan, &writer->link, err);
    if (status != IDC_OK)
        return status;
    writer->conn = writer->link->handle;
    idc_mysql_wait_begin(&writer->wait, scan->call, -1, &scan->stats);
    writer->wait.silence_ms = server->read_ms;
    status = idc_mysql_targets(writer, modify->table, &writer->targets, err);
    if (status == IDC_OK && modify->returning != NULL)
        status = idc_mysql_targets(writer, modify->returning, &writer->returned, err);
    writer->summary = summary;
    if (status == IDC_OK)
        status = modify_rows(writer, err);
    if (status == IDC_OK && modify->returning != NULL)
        *modified = (IdcModified){ .rows = writer->rows,
                                   .row_count = writer->row_count,
                                   .column_count = modify->returning->column_count };
    idc_link_release(writer->link);
    return status;
}
