/*
 * sample.c - ANALYZE: a random sample of a foreign table's rows.
 *
 * The table is read from its beginning, every row with the same chance to be in the sample
 * (Vitter's algorithm Z, PostgreSQL's own). Reading stops after analyze_rows rows: a table behind
 * an API may have no end that anybody wants to wait for.
 */
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/server.h"
#include "fdw/table.h"

#include <access/htup_details.h>
#include <commands/vacuum.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <utils/memutils.h>
#include <utils/sampling.h>

#define DEFAULT_ROWS 100000

typedef struct Sample {
    HeapTuple *rows;
    int wanted, count;
    double seen, skip;
    ReservoirStateData state;
} Sample;

/* Where the row goes, or -1: it is not in the sample. */
static int
choose(Sample *sample)
{
    int place = -1;

    if (sample->count < sample->wanted) {
        place = sample->count++;
    } else {
        if (sample->skip < 0)
            sample->skip = reservoir_get_next_S(&sample->state, sample->seen, sample->wanted);
        if (sample->skip <= 0) {
            place = (int) (sample->wanted * sampler_random_fract(&sample->state.randstate));
            heap_freetuple(sample->rows[place]);
        }
        sample->skip -= 1;
    }
    sample->seen += 1;
    return place;
}

static int64
most_rows(const FdwServer *server, const IdcOptionSet *options)
{
    const char *text = fdw_common_option(server, options, "analyze_rows");
    int64 rows;

    return text != NULL && idc_int64_parse(text, &rows) && rows > 0 ? rows : DEFAULT_ROWS;
}

static int
acquire_rows(Relation table, int level, HeapTuple *rows, int wanted, double *total, double *dead)
{
    Oid server = GetForeignTable(RelationGetRelid(table))->serverid;
    List *attributes = fdw_table_attributes(table);
    const IdcRelation *relation = fdw_table_relation(table, attributes);
    int64 most = most_rows(fdw_server(server), &relation->options);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
    FdwScan *scan = fdw_scan_open(server, GetUserId(), relation, NULL, 0, RelationGetDescr(table),
                                  attributes, NULL, CurrentMemoryContext);
    Sample sample = { .rows = rows, .wanted = wanted, .skip = -1 };

    reservoir_init_selection_state(&sample.state, wanted);
    while (sample.seen < (double) most && fdw_scan_next(scan, slot)) {
        int place = choose(&sample);

        if (place >= 0)
            rows[place] = ExecCopySlotHeapTuple(slot);
    }
    fdw_scan_close(scan);
    ExecDropSingleTupleTableSlot(slot);
    *total = sample.seen;
    /* Reading was stopped: what was known before may be nearer. */
    if (sample.seen >= (double) most && table->rd_rel->reltuples > sample.seen)
        *total = table->rd_rel->reltuples;
    *dead = 0;
    ereport(level, (errmsg("\"%s\": %.0f rows read; %d rows in sample",
                           RelationGetRelationName(table), sample.seen, sample.count)));
    return sample.count;
}

bool
fdw_sample_analyze(Relation table, AcquireSampleRowsFunc *function, BlockNumber *page_count)
{
    (void) table;
    *function = acquire_rows;
    *page_count = 1;
    return true;
}
