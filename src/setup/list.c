/*
 * list.c - arrays that grow in an arena, and looking things up in them.
 */
#include "setup/model.h"

#include <string.h>

void *
idc_list_grow(IdcArena *arena, void *items, size_t *count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity == 0 ? 8 : *capacity;
    void *grown;

    if (*count < *capacity)
        return items;
    if (*capacity != 0 && __builtin_mul_overflow(*capacity, (size_t) 2, &wanted))
        return NULL;
    grown = idc_arena_alloc_array(arena, wanted, size);
    if (grown == NULL)
        return NULL;
    if (*count > 0)
        memcpy(grown, items, *count * size);
    *capacity = wanted;
    return grown;
}

IdcColumn *
idc_table_add_column(IdcArena *arena, IdcTable *table)
{
    table->columns = idc_list_grow(arena, table->columns, &table->count, &table->capacity,
                                   sizeof *table->columns);
    return table->columns == NULL ? NULL : &table->columns[table->count++];
}

bool
idc_same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

const IdcOption *
idc_option_find(const IdcOptionList *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return &options->items[i];
    return NULL;
}

IdcStatus
idc_option_set(IdcArena *arena, IdcOptionList *options, const char *name, const char *value,
               IdcError *err)
{
    IdcOption *option = (IdcOption *) idc_option_find(options, name);

    if (option == NULL && (option = IDC_LIST_ADD(arena, options)) == NULL)
        return idc_fail_no_memory(err);
    option->name = name;
    option->value = value;
    return IDC_OK;
}

const IdcMark *
idc_mark_find(const IdcMarkList *marks, const char *kind, const char *schema, const char *name)
{
    for (size_t i = 0; i < marks->count; i++) {
        const IdcMark *mark = &marks->items[i];

        if (strcmp(mark->kind, kind) == 0 && strcmp(mark->schema, schema) == 0 &&
            strcmp(mark->name, name) == 0)
            return mark;
    }
    return NULL;
}

const char *
idc_column_remote_name(const IdcColumn *column)
{
    const IdcOption *option = idc_option_find(&column->options, "column_name");

    if (option == NULL)
        option = idc_option_find(&column->options, "column");
    return option == NULL ? column->name : option->value;
}

const IdcTable *
idc_table_find(const IdcTableList *tables, const char *schema, const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->items[i].name, name) == 0 &&
            (schema == NULL || strcmp(tables->items[i].schema, schema) == 0))
            return &tables->items[i];
    return NULL;
}

bool
idc_wrapper_is_ours(const char *wrapper)
{
    return strncmp(wrapper, "instant_", 8) == 0;
}

bool
idc_wrapper_is_mysql(const char *wrapper)
{
    return strcmp(wrapper, "mysql_fdw") == 0 || strcmp(wrapper, "instant_mysql") == 0;
}

bool
idc_wrapper_is_postgres(const char *wrapper)
{
    return strcmp(wrapper, "postgres_fdw") == 0 || strcmp(wrapper, "instant_postgres") == 0;
}

bool
idc_wrapper_is_sql(const char *wrapper)
{
    return strcmp(wrapper, "instant_mysql") == 0 || strcmp(wrapper, "instant_postgres") == 0 ||
           strcmp(wrapper, "instant_sqlite") == 0;
}

const char *
idc_wrapper_schema_option(const char *wrapper)
{
    if (strcmp(wrapper, "mysql_fdw") == 0)
        return "dbname";
    if (strcmp(wrapper, "instant_mysql") == 0)
        return "database";
    return strcmp(wrapper, "instant_postgres") == 0 ? "schema" : "schema_name";
}

const char *
idc_wrapper_table_option(const char *wrapper)
{
    return idc_wrapper_is_sql(wrapper) ? "table" : "table_name";
}
