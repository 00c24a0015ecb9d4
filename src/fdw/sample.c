/*
 * sample.c - ANALYZE: a random sample of a foreign table's rows.
 *
 * Where the source has an estimate of its own and can take a sample, some more rows than are wanted
 * are asked for. Otherwise the table is read from its beginning, every row with the same chance to
 * be in the sample (Vitter's algorithm Z, PostgreSQL's own); reading stops after analyze_rows rows:
 * a table behind an API may have no end that anybody wants to wait for.
 */
#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/server.h"
#include "fdw/table.h"

#include <access/htup_details.h>
#include <catalog/pg_type.h>
#include <commands/vacuum.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <float.h>
#include <math.h>
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

/* ---- what the source knows of the table ---- */

/* One row and column of a request; -1: NULL, or nothing. */
static double
ask_number(Oid server, const char *request)
{
    IdcRelationColumn column = { .name = "rows", .type = { .oid = FLOAT8OID, .modifier = -1 } };
    TupleDesc descriptor = CreateTemplateTupleDesc(1);
    TupleTableSlot *slot;
    FdwScan *scan;
    double number = -1;

    TupleDescInitEntry(descriptor, 1, column.name, FLOAT8OID, -1, 0);
    slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
    scan = fdw_scan_open(server, GetUserId(),
                         idc_relation_native(idc_arena_new(0), request, &column, 1), NULL, 0,
                         descriptor, list_make1_int(1), NULL, CurrentMemoryContext);
    if (fdw_scan_next(scan, slot)) {
        bool is_null;
        Datum datum = slot_getattr(slot, 1, &is_null);

        number = is_null ? -1 : DatumGetFloat8(datum);
    }
    fdw_scan_close(scan);
    ExecDropSingleTupleTableSlot(slot);
    return number;
}

/* The source's own estimate of the rows; -1: it has none. */
static double
estimated_rows(const FdwServer *server, const IdcRelation *relation)
{
    const IdcDeclaration *declaration = server->declaration;
    const char *request = NULL;

    if (declaration->count_request != NULL && declaration->sample_request != NULL)
        request = declaration->count_request(&server->options, relation, idc_arena_new(0));
    return request == NULL ? -1 : ask_number(server->oid, request);
}

/* How much of the table is asked for: all of it, or somewhat more than is wanted, since who chooses
 * at random never gets the very number. */
static double
fraction_of(double rows, int wanted)
{
    const double surplus = 1.2, worth = 2;

    return rows < worth * wanted ? 1 : surplus * wanted / rows;
}

/* The SCAN itself, or a sample of it. */
static const IdcRelation *
sampled(const FdwServer *server, const IdcRelation *relation, double *fraction)
{
    IdcArena *arena = idc_arena_new(0);
    const char *request = NULL;

    if (*fraction < 1)
        request = server->declaration->sample_request(&server->options, relation, *fraction, arena);
    if (request == NULL) {
        *fraction = 1;
        return relation;
    }
    return idc_relation_native(arena, request, relation->columns, relation->column_count);
}

/* ---- the sample ---- */

static void
read_sample(Sample *sample, FdwScan *scan, TupleTableSlot *slot, double most)
{
    while (sample->seen < most && fdw_scan_next(scan, slot)) {
        int place = choose(sample);

        if (place >= 0)
            sample->rows[place] = ExecCopySlotHeapTuple(slot);
    }
}

/*
 * Rows of the table. A sample of some size tells better than the source's estimate; where reading
 * was stopped, what was known before, or what the source thinks, may be nearer.
 */
static double
total_rows(const Sample *sample, double fraction, double most, double estimated, double before)
{
    const double telling = 1000;

    if (fraction < 1)
        return sample->seen < telling ? fmax(estimated, sample->seen) : sample->seen / fraction;
    if (sample->seen < most)
        return sample->seen;
    return fmax(sample->seen, estimated >= 0 ? estimated : before);
}

static int
acquire_rows(Relation table, int level, HeapTuple *rows, int wanted, double *total, double *dead)
{
    const FdwServer *server = fdw_server(GetForeignTable(RelationGetRelid(table))->serverid);
    List *attributes = fdw_table_attributes(table);
    const IdcRelation *relation = fdw_table_relation(table, attributes);
    double most = (double) most_rows(server, &relation->options);
    double estimated = estimated_rows(server, relation);
    double fraction = estimated < 0 ? 1 : fraction_of(estimated, wanted);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
    Sample sample = { .rows = rows, .wanted = wanted, .skip = -1 };
    FdwScan *scan;

    relation = sampled(server, relation, &fraction);
    scan = fdw_scan_open(server->oid, GetUserId(), relation, NULL, 0, RelationGetDescr(table),
                         attributes, NULL, CurrentMemoryContext);
    reservoir_init_selection_state(&sample.state, wanted);
    /* A sample has an end of its own. */
    read_sample(&sample, scan, slot, fraction < 1 ? DBL_MAX : most);
    fdw_scan_close(scan);
    ExecDropSingleTupleTableSlot(slot);
    *total = total_rows(&sample, fraction, most, estimated, table->rd_rel->reltuples);
    *dead = 0;
    ereport(level, (errmsg("\"%s\": %.0f rows read; %d rows in sample, %.0f estimated total rows",
                           RelationGetRelationName(table), sample.seen, sample.count, *total)));
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
