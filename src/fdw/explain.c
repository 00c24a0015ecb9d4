/*
 * explain.c - what EXPLAIN says of our plan nodes.
 *
 * VERBOSE: the relation that is asked for, the remote request that the adapter makes of it, and why
 * the rest is done in the hub. ANALYZE: what the source said of its work.
 */
#include "fdw/explain.h"
#include "fdw/foreign_scan.h"
#include "fdw/handler.h"

#include <commands/explain.h>
#if PG_VERSION_NUM >= 180000
#include <commands/explain_format.h>
#include <commands/explain_state.h>
#endif
#include <mb/pg_wchar.h>

static char *
of_database(const char *text)
{
    return pstrdup(pg_any_to_server(text, (int) strlen(text), PG_UTF8));
}

/* In text each on a line of its own; else one list. */
static void
show_list(const char *label, List *texts, ExplainState *es)
{
    ListCell *cell;

    if (texts == NIL)
        return;
    if (es->format != EXPLAIN_FORMAT_TEXT) {
        ExplainPropertyList(label, texts, es);
        return;
    }
    foreach (cell, texts)
        ExplainPropertyText(label, lfirst(cell), es);
}

static List *
split_lines(char *text)
{
    List *lines = NIL;
    char *end;

    for (; *text != '\0'; text = end) {
        end = strchrnul(text, '\n');
        if (*end == '\n')
            *end++ = '\0';
        if (*text != '\0')
            lines = lappend(lines, text);
    }
    return lines;
}

void
fdw_explain_lines(const char *label, const IdcText *text, ExplainState *es)
{
    show_list(label, split_lines(of_database(idc_text_string(text))), es);
}

bool
fdw_explain_is_verbose(const ExplainState *es)
{
    return es->verbose;
}

void
fdw_explain_request(const FdwServer *server, const IdcRelation *relation, ExplainState *es)
{
    IdcText text;

    idc_text_init(&text, 0);
    if (server->declaration->explain != NULL)
        server->declaration->explain(&server->options, relation, &text);
    fdw_explain_lines("Remote request", &text, es);
    idc_text_clear(&text);
    idc_relation_print(relation, true, &text);
    ExplainPropertyText("Relation", of_database(idc_text_string(&text)), es);
    idc_text_done(&text);
}

void
fdw_explain_work(const IdcScanStats *stats, ExplainState *es)
{
    ExplainPropertyInteger("Remote requests", NULL, stats->requests, es);
    if (stats->retries > 0)
        ExplainPropertyInteger("Remote retries", NULL, stats->retries, es);
    if (stats->cache_hits > 0)
        ExplainPropertyInteger("Cache hits", NULL, stats->cache_hits, es);
    if (stats->nulled > 0)
        ExplainPropertyInteger("Values set to NULL", NULL, stats->nulled, es);
    ExplainPropertyInteger("Rows received", NULL, stats->rows, es);
    ExplainPropertyInteger("Bytes received", NULL, stats->bytes, es);
    if (es->timing)
        ExplainPropertyFloat("Remote time", "ms", (double) stats->wait_us / 1000.0, 3, es);
}

void
fdw_explain_scan(ForeignScanState *node, ExplainState *es)
{
    ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    FdwForeignScan *state = node->fdw_state;
    IdcScanStats stats;
    List *notes = NIL;
    ListCell *cell;

    if (es->verbose) {
        FdwServer *server = fdw_server(plan->fs_server);

        /* Joins and groups name no table, by which one would know it. */
        if (plan->scan.scanrelid == 0)
            ExplainPropertyText("Server", of_database(server->name), es);
        fdw_explain_request(server, state->relation, es);
        foreach (cell, list_nth_node(List, plan->fdw_private, FDW_PRIVATE_NOTES))
            notes = lappend(notes, strVal(lfirst(cell)));
        show_list("Note", notes, es);
    }
    if (es->analyze && node->ss.ps.instrument != NULL) {
        fdw_foreign_finish(state);
        stats = state->stats;
        stats.rows = state->row_count;
        fdw_explain_work(&stats, es);
    }
}
