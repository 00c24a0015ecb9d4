/*
 * write_key.c - UPDATE and DELETE of rows by their keys.
 */
#include "adapters/mysql/write.h"

#include <string.h>

enum {
    UPDATED_AT_ONCE = 50, /* each row is looked up among them */
    DELETED_AT_ONCE = 1000
};

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

/* Sends the statement in the making, by keys of `most` rows. *count: rows that were there. */
static IdcStatus
send_counted(IdcMysqlWriter *writer, size_t most, int64_t *count, IdcError *err)
{
    IdcStatus status = idc_mysql_write_send(writer, count, err);

    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows += *count;
    return check_count(writer, *count, most, err);
}

/* ---- UPDATE ---- */

/* A statement for each row where a key changes: the next column's CASE would not find the row. */
static bool
changes_key(const IdcModify *modify)
{
    for (size_t i = 0; i < modify->key_count; i++)
        if (idc_mysql_place_changed(modify, i) >= 0)
            return true;
    return false;
}

static IdcStatus
update_row(IdcMysqlWriter *writer, const char *const *row, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;
    int64_t count = 0;

    idc_mysql_begin_statement(writer, "UPDATE ");
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
        status = idc_mysql_append_key(writer, row, &writer->sql, err);
    if (status == IDC_OK)
        status = send_counted(writer, 1, &count, err);
    if (status == IDC_OK && count > 0 && modify->returning != NULL)
        status = idc_mysql_read_row(writer, row, false, err);
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
            const char *const *row = idc_mysql_row(modify, j);

            idc_text_append(&writer->sql, " WHEN ");
            status = idc_mysql_append_key(writer, row, &writer->sql, err);
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
        is_list = idc_mysql_row(modify, i)[0] != NULL;
    if (is_list) {
        idc_mysql_append_name(writer->targets[0]->name, &writer->sql);
        idc_text_append(&writer->sql, " IN (");
    }
    for (size_t i = from; status == IDC_OK && i < until; i++) {
        const char *const *row = idc_mysql_row(modify, i);

        if (is_list) {
            idc_text_append(&writer->sql, i == from ? "" : ", ");
            status = idc_mysql_append_value(writer->targets[0], &modify->table->columns[0], row[0],
                                            &writer->sql, err);
            continue;
        }
        idc_text_append(&writer->sql, i == from ? "(" : " OR (");
        status = idc_mysql_append_key(writer, row, &writer->sql, err);
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

    idc_mysql_begin_statement(writer, "UPDATE ");
    idc_text_append(&writer->sql, " SET ");
    status = append_cases(writer, from, until, err);
    idc_text_append(&writer->sql, " WHERE ");
    if (status == IDC_OK)
        status = append_any_key(writer, from, until, err);
    return status == IDC_OK ? send_counted(writer, until - from, &count, err) : status;
}

static bool
is_same_key(const IdcModify *modify, size_t i, size_t j)
{
    const char *const *one = idc_mysql_row(modify, i), *const *other = idc_mysql_row(modify, j);

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
    while (until < modify->row_count && until - from < most &&
           bytes < IDC_MYSQL_STATEMENT_BYTES / 4) {
        if (modify->kind == IDC_UPDATE && has_key_again(modify, from, until))
            break;
        const char *const *row = idc_mysql_row(modify, until++);

        for (size_t i = 0; i < modify->table->column_count; i++)
            bytes += row[i] == NULL ? 4 : 4 + 2 * strlen(row[i]);
    }
    return until;
}

IdcStatus
idc_mysql_update_rows(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    bool is_single = modify->returning != NULL || changes_key(modify);
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < modify->row_count;) {
        size_t until = is_single ? i + 1 : rows_at_once(writer, i, UPDATED_AT_ONCE);

        status = until - i == 1 ? update_row(writer, idc_mysql_row(modify, i), err)
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
        status = idc_mysql_read_row(writer, idc_mysql_row(writer->modify, i), true, err);
    if (status != IDC_OK)
        return status;
    idc_mysql_begin_statement(writer, "DELETE FROM ");
    idc_text_append(&writer->sql, " WHERE ");
    status = append_any_key(writer, from, until, err);
    return status == IDC_OK ? send_counted(writer, until - from, &count, err) : status;
}

IdcStatus
idc_mysql_delete_rows(IdcMysqlWriter *writer, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < writer->modify->row_count;) {
        size_t until = rows_at_once(writer, i, DELETED_AT_ONCE);

        status = delete_some(writer, i, until, err);
        i = until;
    }
    return status;
}
