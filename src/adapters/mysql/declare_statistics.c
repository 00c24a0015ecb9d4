/*
 * declare_statistics.c - requests of ANALYZE.
 */
#include "adapters/mysql/mysql.h"

/* The text as a string of the arena; NULL: no memory. text is done. */
static const char *
keep(IdcText *text, IdcArena *arena)
{
    const char *kept = text->is_broken ? NULL : idc_arena_strndup(arena, text->data, text->len);

    idc_text_done(text);
    return kept;
}

/* InnoDB looks at a few pages of an index for it; MyISAM knows. */
const char *
idc_mysql_count_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                        IdcArena *arena)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");
    IdcText text;

    (void) server_options;
    idc_text_init(&text, 0);
    idc_text_append(&text, "SELECT TABLE_ROWS + 0e0 FROM information_schema.TABLES WHERE "
                           "TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = ");
    if (database == NULL)
        idc_text_append(&text, "DATABASE()");
    else
        idc_mysql_text_literal(database, &text);
    idc_text_append(&text, " AND TABLE_NAME = ");
    idc_mysql_text_literal(table == NULL ? scan->name : table, &text);
    return keep(&text, arena);
}

const char *
idc_mysql_sample_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                         double fraction, IdcArena *arena)
{
    IdcSql sql = { .dialect = &idc_mysql_dialect, .arena = arena };
    IdcText text;

    (void) server_options;
    idc_text_init(&text, 0);
    idc_text_append(&text, "SELECT ");
    for (size_t i = 0; i < scan->column_count; i++) {
        idc_text_append(&text, i == 0 ? "" : ", ");
        idc_sql_identifier(&sql, sql.dialect->column_name(&scan->columns[i]), &text);
    }
    idc_text_append(&text, scan->column_count == 0 ? "1 FROM " : " FROM ");
    sql.dialect->table(&sql, scan, &text);
    idc_text_append_format(&text, " WHERE RAND() < %.12f", fraction);
    return keep(&text, arena);
}
