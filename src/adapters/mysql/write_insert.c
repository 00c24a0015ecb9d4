/*
 * write_insert.c - INSERT of many rows, or of one after the other.
 */
#include "adapters/mysql/write.h"

static void
append_names(const IdcMysqlWriter *writer, IdcText *sql)
{
    for (size_t i = 0; i < writer->modify->table->column_count; i++) {
        idc_text_append(sql, i == 0 ? "" : ", ");
        idc_mysql_append_name(writer->targets[i]->name, sql);
    }
}

/* "(1, 'a')" */
static IdcStatus
append_values(const IdcMysqlWriter *writer, const char *const *row, IdcText *sql, IdcError *err)
{
    IdcStatus status = IDC_OK;

    idc_text_append_char(sql, '(');
    for (size_t i = 0; status == IDC_OK && i < writer->modify->table->column_count; i++) {
        idc_text_append(sql, i == 0 ? "" : ", ");
        status = idc_mysql_append_value(writer->targets[i], &writer->modify->table->columns[i],
                                        row[i], sql, err);
    }
    idc_text_append_char(sql, ')');
    return status;
}

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
    status = idc_mysql_check_fits(writer, err);
    if (status == IDC_OK)
        status = idc_mysql_write_run(writer, returns ? &result : NULL, err);
    if (status != IDC_OK)
        return status;
    writer->scan->stats.rows +=
        returns ? (int64_t) mysql_num_rows(result) : inserted_rows(writer, row_count);
    status = idc_mysql_check_warnings(writer, err);
    if (status == IDC_OK && returns)
        status = idc_mysql_take_returned(writer, result, err);
    mysql_free_result(result);
    return status;
}

static void
begin_insert(IdcMysqlWriter *writer)
{
    idc_mysql_begin_statement(writer, "INSERT INTO ");
    idc_text_append(&writer->sql, " (");
    append_names(writer, &writer->sql);
    idc_text_append(&writer->sql, ") VALUES ");
}

/* As many statements as the rows take, each of many rows. */
IdcStatus
idc_mysql_insert_rows(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;
    size_t in_statement = 0;
    IdcText values;

    idc_text_init(&values, 0);
    for (size_t i = 0; status == IDC_OK && i < modify->row_count; i++) {
        idc_text_clear(&values);
        status = append_values(writer, idc_mysql_row(modify, i), &values, err);
        if (status == IDC_OK && in_statement > 0 &&
            (writer->sql.len + values.len > IDC_MYSQL_STATEMENT_BYTES ||
             (int64_t) (writer->sql.len + values.len + IDC_MYSQL_STATEMENT_BYTES / 4) >
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

/* ---- one row after the other ---- */

/* One row after the other, for servers without INSERT … RETURNING. */
IdcStatus
idc_mysql_insert_and_read(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < modify->row_count; i++) {
        int64_t affected;

        begin_insert(writer);
        status = append_values(writer, idc_mysql_row(modify, i), &writer->sql, err);
        append_conflict(writer);
        if (status == IDC_OK)
            status = idc_mysql_check_fits(writer, err);
        if (status == IDC_OK)
            status = idc_mysql_write_run(writer, NULL, err);
        if (status != IDC_OK)
            return status;
        affected = (int64_t) mysql_affected_rows(writer->conn->mysql);
        writer->conn->last_number = mysql_insert_id(writer->conn->mysql);
        if (affected == 0 && modify->conflict == IDC_CONFLICT_NOTHING)
            continue;
        writer->scan->stats.rows++;
        status = idc_mysql_check_warnings(writer, err);
        if (status == IDC_OK)
            status = idc_mysql_read_row(writer, idc_mysql_row(modify, i), false, err);
    }
    return status;
}

bool
idc_mysql_has_insert_returning(const IdcMysqlWriter *writer)
{
    const unsigned long first_version = 100500;

    /* Of rows that it leaves as they are it would tell too. */
    return writer->conn->is_mariadb && writer->conn->version >= first_version &&
           writer->modify->conflict != IDC_CONFLICT_NOTHING;
}
