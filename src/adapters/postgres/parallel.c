/*
 * parallel.c - a big table as ranges of its pages, which several sessions read at once.
 *
 * All sessions have one snapshot, so each row is in exactly one range: a row that is moved by an
 * UPDATE meanwhile stays where this snapshot sees it. PostgreSQL reads a range of ctid without
 * looking at other pages since version 14.
 */
#include <inttypes.h>
#include <string.h>

#include "adapters/postgres/work.h"

/* A range has at least so many pages; and there are so many ranges for each session, so that none
 * is left with much to do when the others are through. */
enum { PAGES_LEAST = 4096, RANGES_EACH = 4 };

/* Pages of an ordinary table; 0: it has none of its own, or this role may not read its ctid. */
static IdcStatus
count_pages(IdcPostgresSession *session, IdcSourceScan *scan, const IdcRelation *table,
            int64_t *pages, IdcError *err)
{
    IdcAnswer answer = { 0 };
    IdcText name, sql;
    IdcStatus status;

    idc_text_init(&name, 0);
    idc_text_init(&sql, 0);
    idc_postgres_append_table(table, &name);
    idc_text_append(
        &sql, "SELECT pg_relation_size(oid) / current_setting('block_size')::int8 "
              "FROM pg_class WHERE relkind IN ('r', 'm') AND has_table_privilege(oid, 'SELECT') "
              "AND oid = to_regclass(");
    idc_sql_literal(idc_text_string(&name), &sql);
    idc_text_append_char(&sql, ')');
    status = idc_text_check(&sql, err);
    idc_postgres_begin_read(session);
    if (status == IDC_OK)
        status = idc_postgres_send_harmless(session, scan->call, idc_text_string(&sql), err);
    idc_text_done(&name);
    idc_text_done(&sql);
    scan->stats.requests++;
    while (status == IDC_OK && answer.kind != IDC_ANSWER_END) {
        status = idc_postgres_answer(session, scan->call, &answer, err);
        if (status == IDC_OK && answer.kind == IDC_ANSWER_ROW && answer.field_count > 0 &&
            answer.fields[0] != NULL && !idc_int64_parse(answer.fields[0], pages))
            *pages = 0;
    }
    idc_postgres_end_read(session);
    return status;
}

IdcStatus
idc_postgres_slices(IdcPostgresSession *session, IdcSourceScan *scan, int64_t parts,
                    const char *const **slices, size_t *count, IdcError *err)
{
    const IdcRelation *table = idc_relation_base(scan->relation);
    int64_t pages = 0, each;
    const char **made;
    size_t ranges;
    IdcStatus status;

    *count = 0;
    if (PQserverVersion(session->libpq) < 140000)
        return IDC_OK;
    status = count_pages(session, scan, table, &pages, err);
    if (status != IDC_OK || pages < 2 * PAGES_LEAST)
        return status;
    each = pages / (parts * RANGES_EACH) + 1;
    each = each < PAGES_LEAST ? PAGES_LEAST : each;
    ranges = (size_t) ((pages + each - 1) / each);
    made = idc_arena_alloc_array(scan->arena, ranges, sizeof *made);
    if (made == NULL)
        return idc_fail_no_memory(err);
    /* The last one is open: the table may have grown since. */
    for (size_t i = 0; i < ranges; i++) {
        int64_t from = (int64_t) i * each;

        made[i] = i + 1 < ranges
                      ? idc_arena_printf(scan->arena,
                                         "ctid >= '(%" PRId64 ",0)' AND ctid < '(%" PRId64 ",0)'",
                                         from, from + each)
                      : idc_arena_printf(scan->arena, "ctid >= '(%" PRId64 ",0)'", from);
        if (made[i] == NULL)
            return idc_fail_no_memory(err);
    }
    *slices = made;
    *count = ranges;
    return IDC_OK;
}
