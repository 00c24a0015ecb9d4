/*
 * forms.c - columns whose values are looked at inside of SQLite, and how.
 */
#include "adapters/sqlite/work.h"

#include <string.h>

bool
idc_sqlite_is_lenient(const IdcRelation *scan)
{
    const char *word = idc_adapter_option_text(&idc_declaration_sqlite, &scan->options, "on_error");

    return word != NULL && strcmp(word, "null") == 0;
}

/* A column of numeric affinity turns what it is compared with into a number. */
static bool
compares_as_number(IdcSqliteDatabase *database, const IdcSqlRaw *raw)
{
    const char *table = idc_option_value(&raw->scan->options, "table");
    const char *column = idc_option_value(&raw->column->options, "column");
    const char *declared = NULL;
    IdcSqliteAffinity affinity;
    int code;

    code = sqlite3_table_column_metadata(
        database->handle, NULL, table == NULL ? raw->scan->name : table,
        column == NULL ? raw->column->name : column, &declared, NULL, NULL, NULL, NULL);
    /* Views have no such columns: who knows. */
    affinity = idc_sqlite_affinity(declared);
    return code != SQLITE_OK || affinity == IDC_SQLITE_AS_NUMBER || affinity == IDC_SQLITE_AS_REAL;
}

static bool
is_textual(IdcType type)
{
    switch (idc_sqlite_class(type)) {
    case IDC_SQLITE_BOOL:
    case IDC_SQLITE_INTEGER:
    case IDC_SQLITE_REAL:
        return false;
    default:
        return true;
    }
}

void
idc_sqlite_look_at_raw(void *host, IdcSqlRaw *raw)
{
    IdcSqliteDatabase *database = host;

    raw->is_wrapped = idc_sqlite_is_lenient(raw->scan) ||
                      (is_textual(raw->column->type) && compares_as_number(database, raw));
}

IdcStatus
idc_sqlite_make_forms(IdcSqliteDatabase *database, const IdcSql *sql, IdcError *err)
{
    IdcSqliteForm *forms = idc_arena_alloc_array(sql->arena, sql->raw_count + 1, sizeof *forms);

    if (forms == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < sql->raw_count; i++) {
        const IdcSqlRaw *raw = &sql->raws[i];
        IdcColumnSpec spec = { 0 };

        idc_type_column(raw->column->type, &spec);
        forms[i] = (IdcSqliteForm){ .type = raw->column->type,
                                    .kind = spec.kind,
                                    .column = raw->column->name,
                                    .table = raw->scan->name,
                                    .is_lenient = idc_sqlite_is_lenient(raw->scan) };
    }
    database->forms = forms;
    database->form_count = sql->raw_count;
    return IDC_OK;
}
