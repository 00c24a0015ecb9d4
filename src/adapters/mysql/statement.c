/*
 * statement.c - a relation as a statement for the tables as they are now.
 *
 * In:   a bound relation, a connection to ask
 * Out:  SQL with all constants in it
 */
#include "adapters/mysql/work.h"

#include <string.h>

IdcMysqlZero
idc_mysql_zero(const IdcSourceServer *server, const IdcRelation *scan,
               const IdcRelationColumn *column)
{
    const char *word = idc_option_value(&column->options, "zero_date");

    if (word == NULL)
        word = idc_option_value(&scan->options, "zero_date");
    if (word == NULL)
        word = idc_adapter_option_text(&idc_declaration_mysql, &server->options, "zero_date");
    if (word == NULL || strcmp(word, "null") == 0)
        return IDC_MYSQL_NO_DATE_IS_NULL;
    return strcmp(word, "text") == 0 ? IDC_MYSQL_NO_DATE_IS_TEXT : IDC_MYSQL_NO_DATE_IS_ERROR;
}

/* Columns as they are, of one table: how they compare does not matter. */
IdcStatus
idc_mysql_write(IdcSourceScan *source, IdcMysqlWait *wait, IdcMysqlConn *conn,
                const char **statement, IdcError *err)
{
    const IdcRelation *scan = source->relation;
    const IdcSqlDialect quoting = { .quote = '`' };
    const IdcSql sql = { .dialect = &quoting };
    IdcText text;
    IdcStatus status;

    (void) wait;
    (void) conn;
    idc_text_init(&text, 0);
    idc_text_append(&text, "SELECT ");
    for (size_t i = 0; i < scan->column_count; i++) {
        const char *name = idc_mysql_option(&scan->columns[i].options, "column");

        idc_text_append(&text, i == 0 ? "" : ", ");
        idc_sql_identifier(&sql, name == NULL ? scan->columns[i].name : name, &text);
    }
    if (scan->column_count == 0)
        idc_text_append_char(&text, '1');
    idc_text_append(&text, " FROM ");
    idc_mysql_append_table(scan, &text);
    status = idc_text_check(&text, err);
    if (status == IDC_OK) {
        *statement = idc_arena_strdup(source->arena, text.data);
        status = *statement == NULL ? idc_fail_no_memory(err) : IDC_OK;
    }
    idc_text_done(&text);
    return status;
}
