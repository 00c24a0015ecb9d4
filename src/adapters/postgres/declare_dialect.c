/*
 * declare_dialect.c - what PostgreSQL says in its own words.
 */
#include "adapters/postgres/postgres.h"

#include <string.h>

/* What one call of idc_postgres_select knows beside the relation. */
typedef struct Writing {
    const char *slice;
} Writing;

static void
append_identifier(const char *name, IdcText *text)
{
    idc_text_append_char(text, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            idc_text_append_char(text, '"');
        idc_text_append_char(text, *name);
    }
    idc_text_append_char(text, '"');
}

void
idc_postgres_append_table(const IdcRelation *scan, IdcText *text)
{
    const char *schema =
        idc_adapter_option_text(&idc_declaration_postgres, &scan->options, "schema");
    const char *table = idc_option_value(&scan->options, "table");

    append_identifier(schema, text);
    idc_text_append_char(text, '.');
    append_identifier(table == NULL ? scan->name : table, text);
}

const char *
idc_postgres_column_name(const IdcRelationColumn *column)
{
    const char *name = idc_option_value(&column->options, "column");

    return name == NULL ? column->name : name;
}

static void
append_table(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    const Writing *writing = sql->host;

    if (scan->native != NULL) {
        idc_text_append_format(text, "(%s)", scan->native);
    } else if (writing == NULL || writing->slice == NULL) {
        idc_postgres_append_table(scan, text);
    } else {
        idc_text_append(text, "(SELECT ctid, * FROM ");
        idc_postgres_append_table(scan, text);
        idc_text_append_format(text, " WHERE %s)", writing->slice);
    }
}

static const char *
collate(IdcType type)
{
    (void) type;
    return "";
}

static const IdcSqlDialect dialect = {
    .quote = '"',
    .no_limit = "ALL",
    .table = append_table,
    .column_name = idc_postgres_column_name,
    .collate = collate,
};

/* Kinds of TEXT are what the hub's input functions read. */
static void
append_cast(IdcArena *arena, IdcType type, IdcText *text)
{
    IdcColumnSpec spec = { 0 };

    idc_type_column(type, &spec);
    if (type.oid == IDC_TYPE_NUMERIC || type.oid == IDC_TYPE_TIMESTAMP ||
        type.oid == IDC_TYPE_TIMESTAMPTZ || type.oid == IDC_TYPE_TIME)
        idc_text_append_format(text, "::%s", idc_type_name(arena, type));
    else if (spec.kind != IDC_KIND_TEXT)
        idc_text_append_format(text, "::%s", spec.type_name);
    else
        idc_text_append(text, type.oid == IDC_TYPE_BPCHAR ? "::bpchar" : "::text");
}

IdcStatus
idc_postgres_select(IdcArena *arena, const IdcRelation *relation, const char *slice,
                    const char **statement, IdcError *err)
{
    Writing writing = { .slice = slice };
    IdcSql sql = { .dialect = &dialect, .arena = arena, .host = &writing };
    const IdcSqlColumn *columns;
    const char *inner;
    IdcText text;
    IdcStatus status = idc_sql_write(&sql, relation, &inner, &columns, err);

    if (status != IDC_OK)
        return status;
    idc_text_init(&text, 0);
    idc_text_append(&text, "SELECT");
    for (size_t i = 0; i < relation->column_count; i++) {
        idc_text_append_format(&text, "%s q.c%zu", i == 0 ? "" : ",", i);
        append_cast(arena, relation->columns[i].type, &text);
    }
    idc_text_append_format(&text, " FROM (%s) AS q", inner);
    for (size_t i = 0; i < relation->column_count; i++)
        idc_text_append_format(&text, "%sc%zu", i == 0 ? "(" : ", ", i);
    idc_text_append(&text, relation->column_count == 0 ? "" : ")");
    status = idc_text_check(&text, err);
    if (status == IDC_OK && (*statement = idc_arena_strdup(arena, text.data)) == NULL)
        status = idc_fail_no_memory(err);
    idc_text_done(&text);
    return status;
}
