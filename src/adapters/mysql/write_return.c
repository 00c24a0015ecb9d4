/*
 * write_return.c - rows of RETURNING: texts of the server as texts of PostgreSQL, of the statement
 * itself or read back by their keys.
 */
#include "adapters/mysql/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIT_OID = 1560, VARBIT_OID = 1562, ROWS_AT_FIRST = 16 };

void
idc_mysql_append_returned(const IdcMysqlWriter *writer, IdcText *sql)
{
    const IdcRelation *wanted = writer->modify->returning;

    for (size_t i = 0; i < wanted->column_count; i++) {
        IdcMysqlKind kind = writer->returned[i]->remote.kind;

        idc_text_append(sql, i == 0 ? "" : ", ");
        if (kind == IDC_MYSQL_GEOMETRY)
            idc_text_append(sql, "ST_AsBinary(");
        idc_mysql_append_name(writer->returned[i]->name, sql);
        if (kind == IDC_MYSQL_GEOMETRY)
            idc_text_append_char(sql, ')');
        /* As a text a float loses digits. */
        if (kind == IDC_MYSQL_FLOAT)
            idc_text_append(sql, " + 0e0");
    }
    if (wanted->column_count == 0)
        idc_text_append_char(sql, '1');
}

static const char *
hex_of(IdcArena *arena, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = idc_arena_alloc(arena, 2 * len + 3);

    if (text == NULL)
        return NULL;
    text[0] = '\\';
    text[1] = 'x';
    for (size_t i = 0; i < len; i++) {
        text[2 + 2 * i] = digits[(uint8_t) bytes[i] >> 4];
        text[3 + 2 * i] = digits[(uint8_t) bytes[i] & 15];
    }
    return text;
}

/* The bytes of a BIT(n) as a number, a boolean or digits. */
static const char *
bits_of(IdcArena *arena, const IdcMysqlTarget *target, IdcType type, const char *bytes, size_t len)
{
    size_t width = target->remote.digits > 0 ? (size_t) target->remote.digits : 1;
    unsigned long long number = 0;
    char *text;

    for (size_t i = 0; i < len; i++)
        number = number << 8 | (uint8_t) bytes[i];
    if (type.oid == IDC_TYPE_BOOL)
        return number != 0 ? "t" : "f";
    if (type.oid != BIT_OID && type.oid != VARBIT_OID)
        return idc_arena_printf(arena, "%llu", number);
    text = idc_arena_alloc(arena, width + 1);
    for (size_t i = 0; text != NULL && i < width; i++)
        text[i] = (number >> (width - 1 - i) & 1) != 0 ? '1' : '0';
    return text;
}

/* A year, a month or a day that is zero. */
static bool
is_no_date(const char *text)
{
    return strncmp(text, "0000", 4) == 0 || strncmp(text + 4, "-00", 3) == 0 ||
           strncmp(text + 7, "-00", 3) == 0;
}

static IdcStatus
moment_of(const IdcMysqlWriter *writer, size_t i, const char *value, const char **text,
          IdcError *err)
{
    const IdcRelationColumn *column = &writer->modify->returning->columns[i];
    IdcArena *arena = writer->scan->arena;

    if (strlen(value) >= 10 && is_no_date(value)) {
        IdcMysqlZero zero = idc_mysql_zero(writer->scan->server, writer->modify->returning, column);

        if (zero == IDC_MYSQL_NO_DATE_IS_NULL) {
            *text = NULL;
            return IDC_OK;
        }
        if (zero == IDC_MYSQL_NO_DATE_IS_ERROR) {
            (void) idc_fail(err, IDC_SOURCE_FAILED,
                            "a value of column \"%s\" is no date: a part of it is zero",
                            column->name);
            idc_error_set_sqlstate(err, "22008");
            return IDC_SOURCE_FAILED;
        }
    }
    *text = column->type.oid == IDC_TYPE_TIMESTAMPTZ ? idc_arena_printf(arena, "%s+00", value)
                                                     : idc_arena_strdup(arena, value);
    return *text == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
text_of(const IdcMysqlWriter *writer, size_t i, const char *value, size_t len, const char **text,
        IdcError *err)
{
    const IdcMysqlTarget *target = writer->returned[i];
    IdcType type = writer->modify->returning->columns[i].type;
    IdcArena *arena = writer->scan->arena;

    switch (target->remote.kind) {
    case IDC_MYSQL_BIT:
        *text = type.oid == IDC_TYPE_BYTEA ? hex_of(arena, value, len)
                                           : bits_of(arena, target, type, value, len);
        break;
    case IDC_MYSQL_DATE:
    case IDC_MYSQL_DATETIME:
    case IDC_MYSQL_TIMESTAMP:
        return moment_of(writer, i, value, text, err);
    default:
        if (type.oid == IDC_TYPE_BYTEA)
            *text = hex_of(arena, value, len);
        else if (type.oid == IDC_TYPE_BOOL && (strcmp(value, "0") == 0 || strcmp(value, "1") == 0))
            *text = *value == '0' ? "f" : "t";
        else
            *text = idc_arena_strndup(arena, value, len);
        break;
    }
    return *text == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
reserve_row(IdcMysqlWriter *writer, size_t columns, IdcError *err)
{
    size_t capacity = writer->row_capacity == 0 ? ROWS_AT_FIRST : writer->row_capacity * 2;
    const char **rows;

    if (writer->row_count < writer->row_capacity)
        return IDC_OK;
    rows = idc_arena_alloc_array(writer->scan->arena, capacity * columns + 1, sizeof *rows);
    if (rows == NULL)
        return idc_fail_no_memory(err);
    if (writer->row_count > 0)
        memcpy(rows, writer->rows, writer->row_count * columns * sizeof *rows);
    writer->rows = rows;
    writer->row_capacity = capacity;
    return IDC_OK;
}

IdcStatus
idc_mysql_take_returned(IdcMysqlWriter *writer, MYSQL_RES *result, IdcError *err)
{
    size_t columns = writer->modify->returning->column_count;
    IdcStatus status = IDC_OK;
    MYSQL_ROW row;

    while (status == IDC_OK && result != NULL && (row = mysql_fetch_row(result)) != NULL) {
        const unsigned long *lengths = mysql_fetch_lengths(result);

        status = reserve_row(writer, columns, err);
        for (size_t i = 0; status == IDC_OK && i < columns; i++)
            if (row[i] != NULL)
                status = text_of(writer, i, row[i], lengths[i],
                                 &writer->rows[writer->row_count * columns + i], err);
        writer->row_count++;
    }
    return status;
}

/* ---- a row that is read back ---- */

int
idc_mysql_place_changed(const IdcModify *modify, size_t key)
{
    const IdcRelation *table = modify->table;

    for (size_t i = modify->key_count; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, table->columns[key].name) == 0)
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
        int place = idc_mysql_place_changed(writer->modify, i);
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

IdcStatus
idc_mysql_read_row(IdcMysqlWriter *writer, const char *const *row, bool is_before, IdcError *err)
{
    MYSQL_RES *result = NULL;
    IdcStatus status;

    idc_text_clear(&writer->sql);
    idc_text_append(&writer->sql, "SELECT ");
    idc_mysql_append_returned(writer, &writer->sql);
    idc_text_append(&writer->sql, " FROM ");
    idc_mysql_append_table(writer->modify->table, &writer->sql);
    idc_text_append(&writer->sql, " WHERE ");
    status = is_before ? idc_mysql_append_key(writer, row, &writer->sql, err)
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
