/*
 * declare_write.c - what can be written, and the statement of a write for people.
 */
#include "adapters/mysql/mysql.h"

static bool
column_bool(const IdcRelation *table, size_t column, const char *name)
{
    const char *text = idc_option_value(&table->columns[column].options, name);
    bool value = false;

    return text != NULL && idc_bool_parse(text, &value) && value;
}

bool
idc_mysql_is_key(const IdcRelation *table, size_t column)
{
    return column_bool(table, column, "key");
}

static bool
has_key(const IdcRelation *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (idc_mysql_is_key(table, i))
            return true;
    return false;
}

unsigned
idc_mysql_writes(const IdcOptionSet *server_options, const IdcRelation *table)
{
    unsigned kinds = 1U << IDC_INSERT;

    (void) server_options;
    if (has_key(table))
        kinds |= 1U << IDC_UPDATE | 1U << IDC_DELETE;
    return kinds;
}

/* A row is found again by its key; only MariaDB can do without. */
unsigned
idc_mysql_returns(const IdcOptionSet *server_options, const IdcRelation *table)
{
    (void) server_options;
    return has_key(table) ? 1U << IDC_INSERT | 1U << IDC_UPDATE | 1U << IDC_DELETE
                          : 1U << IDC_INSERT;
}

/* ON DUPLICATE KEY UPDATE means any unique key. */
bool
idc_mysql_can_modify(const IdcOptionSet *server_options, const IdcModify *modify, const char **why)
{
    (void) server_options;
    *why = "the adapter mysql writes rows only";
    return modify->kind == IDC_INSERT;
}
