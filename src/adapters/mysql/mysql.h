/*
 * mysql.h - the adapter mysql: its declaration, in parts.
 *
 * In:   options and relations
 * Out:  what the source answers, and the statement for it
 * Next: work.h (the work, in instant-source)
 *
 * A column of MySQL compares by its own rules (a collation, unsigned numbers, zero dates), and the
 * hub may declare it as it likes. So what is pushed is written in forms that mean the same for
 * every column that the reader turns into the hub's type, and what a column really is, the adapter
 * finds out when it opens a scan (IdcMysqlRemote): then shorter forms are written, that an index
 * serves, or the scan is refused.
 */
#ifndef IDC_ADAPTERS_MYSQL_MYSQL_H
#define IDC_ADAPTERS_MYSQL_MYSQL_H

#include "adapters/common/declare_sql.h"

extern const IdcDeclaration idc_declaration_mysql;

/* ---- declare_options.c ---- */

extern const IdcAdapterOption idc_mysql_options[];
/* The value of an option, or of its name in mysql_fdw: database (dbname), table (table_name),
 * column (column_name), user (username), option_file (mysql_default_file), fetch_rows (fetch_size).
 */
const char *idc_mysql_option(const IdcOptionSet *options, const char *name);
IdcStatus idc_mysql_check(IdcOptionLevel level, const IdcOptionSet *given, IdcError *err);

/* ---- declare_remote.c: what a column is in the server ---- */

typedef enum IdcMysqlKind {
    IDC_MYSQL_UNKNOWN,
    IDC_MYSQL_INTEGER, /* tinyint to bigint */
    IDC_MYSQL_DECIMAL,
    IDC_MYSQL_FLOAT,
    IDC_MYSQL_DOUBLE,
    IDC_MYSQL_BIT,
    IDC_MYSQL_YEAR,
    IDC_MYSQL_DATE,
    IDC_MYSQL_TIME,
    IDC_MYSQL_DATETIME,
    IDC_MYSQL_TIMESTAMP,
    IDC_MYSQL_CHAR, /* char(n) */
    IDC_MYSQL_TEXT, /* varchar, tinytext to longtext */
    IDC_MYSQL_BINARY,
    IDC_MYSQL_BLOB, /* varbinary, tinyblob to longblob */
    IDC_MYSQL_ENUM,
    IDC_MYSQL_SET,
    IDC_MYSQL_JSON, /* MySQL's; MariaDB's is a longtext */
    IDC_MYSQL_GEOMETRY,
    IDC_MYSQL_UUID, /* MariaDB */
    IDC_MYSQL_INET, /* inet4, inet6 of MariaDB */
    IDC_MYSQL_VECTOR
} IdcMysqlKind;

typedef struct IdcMysqlRemote {
    IdcMysqlKind kind;
    bool is_unsigned;
    int digits, scale;     /* DECIMAL; digits of the others: what stands in the brackets, or -1 */
    int bytes;             /* INTEGER: 1, 2, 3, 4, 8 */
    const char *collation; /* of texts, or NULL; as it was given */
} IdcMysqlRemote;

/* Of COLUMN_TYPE and COLLATION_NAME in information_schema.columns. False: no type of MySQL. */
bool idc_mysql_remote_read(const char *column_type, const char *collation, IdcMysqlRemote *remote);

/* ---- declare_write.c ---- */

bool idc_mysql_is_key(const IdcRelation *table, size_t column);
unsigned idc_mysql_writes(const IdcOptionSet *server_options, const IdcRelation *table);
unsigned idc_mysql_returns(const IdcOptionSet *server_options, const IdcRelation *table);
bool idc_mysql_can_modify(const IdcOptionSet *server_options, const IdcModify *modify,
                          const char **why);

#endif
