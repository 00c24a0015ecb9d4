/*
 * write_run.c - a statement that writes, in parts and on its way, and what became of it.
 */
#include "adapters/mysql/write.h"

#include <stdio.h>
#include <stdlib.h>

enum { PACKET_HEAD_BYTES = 64 };

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

IdcStatus
idc_mysql_check_warnings(IdcMysqlWriter *writer, IdcError *err)
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

IdcStatus
idc_mysql_write_send(IdcMysqlWriter *writer, int64_t *count, IdcError *err)
{
    IdcStatus status = idc_mysql_check_fits(writer, err);
    int64_t matched;

    if (status == IDC_OK)
        status = idc_mysql_write_run(writer, NULL, err);
    if (status != IDC_OK)
        return status;
    matched = matched_rows(writer->conn->mysql);
    *count = matched >= 0 ? matched : (int64_t) mysql_affected_rows(writer->conn->mysql);
    return idc_mysql_check_warnings(writer, err);
}

/* ---- rows ---- */

const char *const *
idc_mysql_row(const IdcModify *modify, size_t i)
{
    return modify->rows + i * modify->table->column_count;
}

IdcStatus
idc_mysql_append_key(const IdcMysqlWriter *writer, const char *const *row, IdcText *sql,
                     IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < writer->modify->key_count; i++) {
        idc_text_append(sql, i == 0 ? "" : " AND ");
        status = idc_mysql_append_match(writer->targets[i], &writer->modify->table->columns[i],
                                        row[i], sql, err);
    }
    return status;
}

IdcStatus
idc_mysql_check_fits(const IdcMysqlWriter *writer, IdcError *err)
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

void
idc_mysql_begin_statement(IdcMysqlWriter *writer, const char *verb)
{
    idc_text_clear(&writer->sql);
    idc_text_append(&writer->sql, verb);
    idc_mysql_append_table(writer->modify->table, &writer->sql);
}
