/*
 * declare_raw.c - a column of a table as a value that means what the hub would read.
 */
#include "adapters/mysql/mysql.h"

#include <string.h>
#include <strings.h>

static const IdcMysqlRemote *
remote_of(const IdcSql *sql, const IdcSqlColumn *column)
{
    return column->raw < 0 ? NULL : sql->raws[column->raw].remote;
}

static bool
begins_with(const char *text, const char *start)
{
    return text != NULL && strncasecmp(text, start, strlen(start)) == 0;
}

/* ---- what cannot be ---- */

static void
refuse_type(const IdcSql *sql, const IdcSqlColumn *column, IdcType type)
{
    const IdcSqlRaw *raw = &sql->raws[column->raw];
    IdcArena *arena = sql->arena;

    idc_sql_fail(
        (IdcSql *) sql, "HV004",
        "column \"%s\" of \"%s\" is %s here and of another kind in MySQL: conditions on it "
        "mean something else there; declare it as IMPORT FOREIGN SCHEMA does",
        raw->column->name, raw->scan->name == NULL ? "" : raw->scan->name,
        idc_type_name(arena, type));
}

/* ---- texts ---- */

/* What is no date, or of the year 0, becomes NULL when something is added to it. */
static void
append_valid(const char *moment, const char *unit, const IdcMysqlRemote *remote, IdcText *text)
{
    if (remote != NULL && remote->keeps_zero_dates)
        idc_text_append(text, moment);
    else
        idc_text_append_format(text, "(%s + INTERVAL 0 %s)", moment, unit);
}

/* The text that the reader makes of a value; as the argument of CONVERT. False: MySQL would make
 * another one. */
static bool
append_readable(const IdcSqlColumn *column, const IdcMysqlRemote *remote, IdcText *text)
{
    switch (remote == NULL ? IDC_MYSQL_TEXT : remote->kind) {
    case IDC_MYSQL_FLOAT:
    case IDC_MYSQL_DOUBLE:
    case IDC_MYSQL_BIT:
    case IDC_MYSQL_GEOMETRY:
    case IDC_MYSQL_VECTOR:
        return false;
    case IDC_MYSQL_INTEGER: /* without the zeros of ZEROFILL */
        idc_text_append_format(text, "%s + 0", column->sql);
        return true;
    case IDC_MYSQL_UUID:
    case IDC_MYSQL_INET:
        idc_text_append_format(text, "CAST(%s AS CHAR)", column->sql);
        return true;
    case IDC_MYSQL_DATE:
    case IDC_MYSQL_DATETIME:
    case IDC_MYSQL_TIMESTAMP:
        append_valid(column->sql, remote->kind == IDC_MYSQL_DATE ? "DAY" : "SECOND", remote, text);
        return true;
    default:
        idc_text_append(text, column->sql);
        return true;
    }
}

/* A character string of utf8mb4; of the binary collation, so that no two columns differ in it. */
static void
append_text(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
            IdcType type, IdcText *text)
{
    bool is_blank_padded = idc_mysql_class(type) == IDC_MYSQL_CLASS_BPCHAR &&
                           (remote == NULL || remote->kind != IDC_MYSQL_CHAR);
    bool is_utf8 = remote != NULL && begins_with(remote->collation, "utf8mb4_") &&
                   (remote->kind == IDC_MYSQL_CHAR || remote->kind == IDC_MYSQL_TEXT);

    if (is_blank_padded)
        idc_text_append(text, "RTRIM(");
    if (is_utf8)
        idc_text_append_format(text, "%s COLLATE utf8mb4_bin", column->sql);
    else {
        idc_text_append(text, "CONVERT(");
        if (!append_readable(column, remote, text))
            refuse_type(sql, column, type);
        idc_text_append(text, " USING utf8mb4) COLLATE utf8mb4_bin");
    }
    if (is_blank_padded)
        idc_text_append_char(text, ')');
}

/* ---- numbers ---- */

static void
append_bool(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
            IdcType type, IdcText *text)
{
    if (remote != NULL && remote->kind != IDC_MYSQL_INTEGER && remote->kind != IDC_MYSQL_BIT)
        refuse_type(sql, column, type);
    idc_text_append_format(text, "(%s <> 0)", column->sql);
}

/* What MySQL computes of unsigned numbers is unsigned, and so is what COALESCE chooses. */
static void
append_unsigned(const IdcSqlColumn *column, const IdcMysqlRemote *remote, IdcText *text)
{
    const char *sql = column->sql;

    if (remote->bytes < 8)
        idc_text_append_format(text, "CAST(%s AS SIGNED)", sql);
    else
        idc_text_append_format(
            text, "IF(%s > 9223372036854775807, 9223372036854775807 + %s, CAST(%s AS SIGNED))", sql,
            sql, sql);
}

static void
append_integer(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
               IdcType type, IdcText *text)
{
    if (remote != NULL && remote->kind == IDC_MYSQL_INTEGER && remote->is_unsigned)
        append_unsigned(column, remote, text);
    else if (remote == NULL || remote->kind == IDC_MYSQL_INTEGER)
        idc_text_append(text, column->sql);
    else if (remote->kind == IDC_MYSQL_BIT || remote->kind == IDC_MYSQL_YEAR ||
             (remote->kind == IDC_MYSQL_DECIMAL && remote->scale == 0))
        idc_text_append_format(text, "CAST(%s AS SIGNED)", column->sql);
    else
        refuse_type(sql, column, type);
}

static void
append_numeric(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
               IdcType type, IdcText *text)
{
    IdcExpr as_declared = { .kind = IDC_EXPR_CAST, .type = type };
    IdcMysqlShape shape = { 0 };
    int scale = remote == NULL || remote->kind != IDC_MYSQL_DECIMAL ? 0 : remote->scale;

    if (type.modifier >= 0)
        shape = idc_mysql_shape(&as_declared, NULL);
    if (remote == NULL)
        idc_text_append(text, column->sql);
    else if (remote->kind == IDC_MYSQL_BIT || remote->kind == IDC_MYSQL_YEAR)
        idc_text_append_format(text, "CAST(%s AS DECIMAL(20, 0))", column->sql);
    else if (remote->kind != IDC_MYSQL_DECIMAL && remote->kind != IDC_MYSQL_INTEGER)
        refuse_type(sql, column, type);
    else if (remote->kind == IDC_MYSQL_INTEGER && (!shape.is_known || shape.scale == 0))
        /* Whole numbers would be rounded, multiplied and divided as such. */
        idc_text_append_format(text, "CAST(%s AS DECIMAL(20, 0))", column->sql);
    else if (shape.is_known && shape.scale != scale)
        idc_text_append_format(text, "CAST(%s AS DECIMAL(%d, %d))", column->sql,
                               shape.before + shape.scale, shape.scale);
    else
        idc_text_append(text, column->sql);
}

static void
append_float(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
             IdcType type, IdcText *text)
{
    if (remote == NULL || remote->kind == IDC_MYSQL_FLOAT)
        idc_text_append(text, column->sql);
    else
        refuse_type(sql, column, type);
}

static void
append_double(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
              IdcType type, IdcText *text)
{
    if (remote == NULL || remote->kind == IDC_MYSQL_DOUBLE || remote->kind == IDC_MYSQL_FLOAT)
        idc_text_append(text, column->sql);
    else if (remote->kind == IDC_MYSQL_INTEGER || remote->kind == IDC_MYSQL_DECIMAL ||
             remote->kind == IDC_MYSQL_BIT || remote->kind == IDC_MYSQL_YEAR)
        idc_text_append_format(text, "(%s + 0e0)", column->sql);
    else
        refuse_type(sql, column, type);
}

/* ---- moments ---- */

static void
append_moment(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
              IdcType type, IdcText *text)
{
    bool is_date = type.oid == IDC_TYPE_DATE;
    IdcMysqlKind kind =
        remote == NULL ? is_date ? IDC_MYSQL_DATE : IDC_MYSQL_DATETIME : remote->kind;
    const char *moment = column->sql;

    if (is_date ? kind == IDC_MYSQL_DATETIME || kind == IDC_MYSQL_TIMESTAMP
                : kind == IDC_MYSQL_DATE)
        moment = idc_arena_printf(sql->arena, "CAST(%s AS %s)", column->sql,
                                  is_date ? "DATE" : "DATETIME");
    else if (kind != IDC_MYSQL_DATE && kind != IDC_MYSQL_DATETIME && kind != IDC_MYSQL_TIMESTAMP)
        refuse_type(sql, column, type);
    /* What is rounded here is rounded otherwise there. */
    if (!is_date && type.modifier >= 0 && remote != NULL && remote->digits > type.modifier)
        refuse_type(sql, column, type);
    append_valid(moment == NULL ? "" : moment, is_date ? "DAY" : "SECOND", remote, text);
}

static void
append_time(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
            IdcType type, IdcText *text)
{
    if (remote != NULL && remote->kind != IDC_MYSQL_TIME)
        refuse_type(sql, column, type);
    idc_text_append(text, column->sql);
}

/* ---- bytes ---- */

static void
append_bytes(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
             IdcType type, IdcText *text)
{
    if (remote == NULL || remote->kind == IDC_MYSQL_BINARY || remote->kind == IDC_MYSQL_BLOB)
        idc_text_append(text, column->sql);
    else if (remote->kind ==
             IDC_MYSQL_GEOMETRY) /* without the SRID; ST_AsWKB of MySQL turns axes */
        idc_text_append_format(text, "SUBSTRING(%s, 5)", column->sql);
    else
        refuse_type(sql, column, type);
}

static void
append_uuid(const IdcSql *sql, const IdcSqlColumn *column, const IdcMysqlRemote *remote,
            IdcType type, IdcText *text)
{
    if (remote == NULL || remote->kind == IDC_MYSQL_UUID)
        idc_text_append(text, column->sql);
    else if (remote->kind == IDC_MYSQL_BINARY)
        idc_text_append_format(text, "%s", column->sql);
    else
        refuse_type(sql, column, type);
}

void
idc_mysql_raw(const IdcSql *sql, const IdcSqlColumn *column, IdcType type, IdcText *text)
{
    const IdcMysqlRemote *remote = remote_of(sql, column);

    switch (idc_mysql_class(type)) {
    case IDC_MYSQL_CLASS_BOOL:
        append_bool(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_INTEGER:
        append_integer(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_NUMERIC:
        append_numeric(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_FLOAT:
        append_float(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_DOUBLE:
        append_double(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_TEXT:
    case IDC_MYSQL_CLASS_BPCHAR:
        append_text(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_DATE:
    case IDC_MYSQL_CLASS_MOMENT:
        append_moment(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_TIME:
        append_time(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_BYTES:
        append_bytes(sql, column, remote, type, text);
        return;
    case IDC_MYSQL_CLASS_UUID:
        append_uuid(sql, column, remote, type, text);
        return;
    default:
        idc_text_append(text, column->sql);
        return;
    }
}
