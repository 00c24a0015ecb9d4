/*
 * declare_remote.c - the types of MySQL and MariaDB by their names.
 */
#include "adapters/mysql/mysql.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    IdcMysqlKind kind;
    int bytes;
} types[] = {
    { "tinyint", IDC_MYSQL_INTEGER, 1 },
    { "smallint", IDC_MYSQL_INTEGER, 2 },
    { "mediumint", IDC_MYSQL_INTEGER, 3 },
    { "int", IDC_MYSQL_INTEGER, 4 },
    { "integer", IDC_MYSQL_INTEGER, 4 },
    { "bigint", IDC_MYSQL_INTEGER, 8 },
    { "boolean", IDC_MYSQL_INTEGER, 1 },
    { "bool", IDC_MYSQL_INTEGER, 1 },
    { "decimal", IDC_MYSQL_DECIMAL, 0 },
    { "numeric", IDC_MYSQL_DECIMAL, 0 },
    { "float", IDC_MYSQL_FLOAT, 0 },
    { "double", IDC_MYSQL_DOUBLE, 0 },
    { "real", IDC_MYSQL_DOUBLE, 0 },
    { "bit", IDC_MYSQL_BIT, 0 },
    { "year", IDC_MYSQL_YEAR, 0 },
    { "date", IDC_MYSQL_DATE, 0 },
    { "time", IDC_MYSQL_TIME, 0 },
    { "datetime", IDC_MYSQL_DATETIME, 0 },
    { "timestamp", IDC_MYSQL_TIMESTAMP, 0 },
    { "char", IDC_MYSQL_CHAR, 0 },
    { "varchar", IDC_MYSQL_TEXT, 0 },
    { "tinytext", IDC_MYSQL_TEXT, 0 },
    { "text", IDC_MYSQL_TEXT, 0 },
    { "mediumtext", IDC_MYSQL_TEXT, 0 },
    { "longtext", IDC_MYSQL_TEXT, 0 },
    { "binary", IDC_MYSQL_BINARY, 0 },
    { "varbinary", IDC_MYSQL_BLOB, 0 },
    { "tinyblob", IDC_MYSQL_BLOB, 0 },
    { "blob", IDC_MYSQL_BLOB, 0 },
    { "mediumblob", IDC_MYSQL_BLOB, 0 },
    { "longblob", IDC_MYSQL_BLOB, 0 },
    { "enum", IDC_MYSQL_ENUM, 0 },
    { "set", IDC_MYSQL_SET, 0 },
    { "json", IDC_MYSQL_JSON, 0 },
    { "geometry", IDC_MYSQL_GEOMETRY, 0 },
    { "point", IDC_MYSQL_GEOMETRY, 0 },
    { "linestring", IDC_MYSQL_GEOMETRY, 0 },
    { "polygon", IDC_MYSQL_GEOMETRY, 0 },
    { "multipoint", IDC_MYSQL_GEOMETRY, 0 },
    { "multilinestring", IDC_MYSQL_GEOMETRY, 0 },
    { "multipolygon", IDC_MYSQL_GEOMETRY, 0 },
    { "geometrycollection", IDC_MYSQL_GEOMETRY, 0 },
    { "geomcollection", IDC_MYSQL_GEOMETRY, 0 },
    { "uuid", IDC_MYSQL_UUID, 0 },
    { "inet4", IDC_MYSQL_INET, 0 },
    { "inet6", IDC_MYSQL_INET, 0 },
    { "vector", IDC_MYSQL_VECTOR, 0 },
};

/* Digits from *text on; -1: there are none. */
static int
read_number(const char **text)
{
    const int most = 1000000000;
    int number = -1;

    while (**text == ' ' || **text == ',')
        (*text)++;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        int digit = **text - '0';

        if (number > most / 10)
            return -1;
        number = number < 0 ? digit : number * 10 + digit;
    }
    return number;
}

static size_t
word_length(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char) text[len]))
        len++;
    return len;
}

bool
idc_mysql_remote_read(const char *column_type, const char *collation, IdcMysqlRemote *remote)
{
    size_t len = word_length(column_type);
    const char *rest = column_type + len;

    *remote = (IdcMysqlRemote){ .digits = -1, .collation = collation };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == len && strncasecmp(types[i].name, column_type, len) == 0) {
            remote->kind = types[i].kind;
            remote->bytes = types[i].bytes;
        }
    if (remote->kind == IDC_MYSQL_UNKNOWN)
        return false;
    remote->is_unsigned =
        strcasestr(rest, "unsigned") != NULL || strcasestr(rest, "zerofill") != NULL;
    if (remote->kind == IDC_MYSQL_ENUM || remote->kind == IDC_MYSQL_SET) {
        remote->is_unsigned = false; /* a word of theirs */
        return true;
    }
    if (*rest == '(') {
        rest++;
        remote->digits = read_number(&rest);
        remote->scale = read_number(&rest);
    }
    if (remote->scale < 0)
        remote->scale = 0;
    if (remote->kind == IDC_MYSQL_DECIMAL && remote->digits < 0)
        remote->digits = 10;
    return true;
}

bool
idc_mysql_remote_of_options(const IdcRelationColumn *column, IdcMysqlRemote *remote)
{
    const char *type = idc_option_value(&column->options, "remote_type");

    return type != NULL &&
           idc_mysql_remote_read(type, idc_option_value(&column->options, "collation"), remote);
}

IdcMysqlZeroDate
idc_mysql_zero_date(const IdcOptionSet *server_options, const IdcOptionSet *table,
                    const IdcOptionSet *column)
{
    const IdcOptionSet *const levels[] = { column, table, server_options };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        const char *word = levels[i] == NULL ? NULL : idc_option_value(levels[i], "zero_date");

        if (word != NULL)
            return strcmp(word, "text") == 0    ? IDC_MYSQL_ZERO_TEXT
                   : strcmp(word, "error") == 0 ? IDC_MYSQL_ZERO_ERROR
                                                : IDC_MYSQL_ZERO_NULL;
    }
    return IDC_MYSQL_ZERO_NULL;
}
