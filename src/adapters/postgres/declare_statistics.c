/*
 * declare_statistics.c - requests of ANALYZE.
 */
#include "adapters/postgres/postgres.h"

#include <string.h>

static const char *
keep(IdcText *text, IdcArena *arena)
{
    const char *kept = text->is_broken ? NULL : idc_arena_strndup(arena, text->data, text->len);

    idc_text_done(text);
    return kept;
}

static const char *
sampling_of(const IdcOptionSet *server_options, const IdcRelation *scan)
{
    const char *word = idc_option_value(&scan->options, "analyze_sampling");

    return word != NULL ? word
                        : idc_adapter_option_text(&idc_declaration_postgres, server_options,
                                                  "analyze_sampling");
}

/* As the source's planner counts: rows of a page as they were, pages as they are. Of a table that
 * was never analysed, by what a row may be long; of a partitioned one, what was counted. */
const char *
idc_postgres_count_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                           IdcArena *arena)
{
    const char *sampling = sampling_of(server_options, scan);
    IdcText table, text;

    if (sampling != NULL && strcmp(sampling, "off") == 0)
        return "SELECT NULL::float8";
    idc_text_init(&table, 0);
    idc_text_init(&text, 0);
    idc_postgres_append_table(scan, &table);
    idc_text_append(
        &text, "SELECT CASE WHEN relkind = 'p' THEN nullif(reltuples, -1)::float8"
               " WHEN relpages > 0 AND reltuples >= 0 THEN reltuples::float8 / relpages"
               " * (pg_relation_size(oid) / current_setting('block_size')::float8)"
               " ELSE pg_relation_size(oid) / 100.0 END::float8"
               " FROM pg_catalog.pg_class WHERE relkind IN ('r', 'm', 'p') AND oid = to_regclass(");
    idc_sql_literal(idc_text_string(&table), &text);
    idc_text_append_char(&text, ')');
    text.is_broken |= table.is_broken;
    idc_text_done(&table);
    return keep(&text, arena);
}

const char *
idc_postgres_sample_request(const IdcOptionSet *server_options, const IdcRelation *scan,
                            double fraction, IdcArena *arena)
{
    const char *sampling = sampling_of(server_options, scan);
    IdcText text;

    idc_text_init(&text, 0);
    for (size_t i = 0; i < scan->column_count; i++) {
        idc_text_append(&text, i == 0 ? "SELECT " : ", ");
        idc_sql_quote('"', idc_postgres_column_name(&scan->columns[i]), &text);
    }
    idc_text_append(&text, scan->column_count == 0 ? "SELECT 1 FROM " : " FROM ");
    idc_postgres_append_table(scan, &text);
    if (sampling != NULL && strcmp(sampling, "random") == 0)
        idc_text_append_format(&text, " WHERE random() < %.12f", fraction);
    else
        idc_text_append_format(&text, " TABLESAMPLE %s (%.10f)",
                               sampling != NULL && strcmp(sampling, "system") == 0 ? "SYSTEM"
                                                                                   : "BERNOULLI",
                               fraction * 100);
    return keep(&text, arena);
}
