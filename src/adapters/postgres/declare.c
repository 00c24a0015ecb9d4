/*
 * declare.c - what the adapter postgres would ask, and what that costs.
 */
#include "adapters/postgres/postgres.h"

#include <math.h>

/* ---- costs ---- */

/* What the source has to look at and what it sends. */
typedef struct Work {
    double rows;
    double cost;
} Work;

/* In PostgreSQL's units. */
static const double startup_cost = 100, look_cost = 0.002, sort_cost = 0.001;
/* Of a row that is sent. Where nothing was analysed, joins seem to make many more rows than they
 * do: they should be the source's all the same. */
static const double row_cost = 0.02, guessed_row_cost = 0.005;
static const double unknown_rows = 1000, rows_of_group = 10;

static Work
work_of(const IdcRelation *relation, double table_rows)
{
    Work work;

    if (relation->kind == IDC_REL_SCAN)
        return (Work){ .rows = table_rows, .cost = table_rows * look_cost };
    work = work_of(relation->input, table_rows);
    switch (relation->kind) {
    case IDC_REL_JOIN:
        work.cost *= 2;
        break;
    case IDC_REL_AGGREGATE:
    case IDC_REL_DISTINCT:
        work.cost += work.rows * look_cost;
        work.rows = fmax(1, work.rows / rows_of_group);
        break;
    case IDC_REL_SORT:
        work.cost += work.rows * log2(fmax(2, work.rows)) * sort_cost;
        break;
    case IDC_REL_LIMIT:
        work.rows = idc_sql_limited_rows(relation, work.rows);
        break;
    default:
        break;
    }
    return work;
}

/* A limit without anything that must see all rows first. */
static bool
stops_early(const IdcRelation *relation)
{
    if (relation->kind != IDC_REL_LIMIT)
        return false;
    for (relation = relation->input; relation->kind != IDC_REL_SCAN; relation = relation->input)
        if (relation->kind != IDC_REL_FILTER && relation->kind != IDC_REL_PROJECT)
            return false;
    return true;
}

static void
estimate(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate)
{
    double rows = question->table_rows < 0 ? unknown_rows : question->table_rows;
    double narrowed = fmax(1, rows * question->selectivity);
    Work work = work_of(question->relation, narrowed);
    double sent = question->rows < 0 ? work.rows : question->rows;
    double of_row = question->table_rows < 0 ? guessed_row_cost : row_cost;

    (void) arena;
    if (stops_early(question->relation))
        work.cost = sent * look_cost;
    *estimate = (IdcEstimate){ .rows = sent,
                               .startup_cost = startup_cost,
                               .total_cost = startup_cost + work.cost + sent * of_row };
}

/* A list of any length is one array. */
static int64_t
key_batch(const IdcPushQuestion *question, const IdcExpr *conjunct)
{
    (void) question;
    (void) conjunct;
    return 0;
}

/* ---- several connections for one scan ---- */

int64_t
idc_postgres_parallel(const IdcOptionSet *server_options, const IdcRelation *relation)
{
    const char *given;
    int64_t parts = 1;

    while (relation->kind == IDC_REL_FILTER || relation->kind == IDC_REL_PROJECT)
        relation = relation->input;
    if (relation->kind != IDC_REL_SCAN || relation->native != NULL)
        return 1;
    given = idc_option_value(&relation->options, "parallel");
    if (given != NULL && idc_int64_parse(given, &parts))
        return parts;
    return idc_adapter_option_number(&idc_declaration_postgres, server_options, "parallel");
}

/* ---- EXPLAIN ---- */

static void
explain(const IdcOptionSet *server_options, const IdcRelation *relation, IdcText *text)
{
    IdcPostgresSelect select = { .is_explain = true };
    IdcArena *arena = idc_arena_new(0);
    int64_t parts = idc_postgres_parallel(server_options, relation);
    const char *statement;

    if (relation->kind == IDC_REL_SCAN && relation->native != NULL)
        idc_text_append(text, relation->native);
    else if (arena != NULL &&
             idc_postgres_write(arena, relation, &select, &statement, NULL) == IDC_OK)
        idc_text_append(text, statement);
    else
        text->is_broken = true;
    if (parts > 1)
        idc_text_append_format(text, "\n-- a big table: by ranges of ctid, %lld at once",
                               (long long) parts);
    idc_arena_free(arena);
}

const IdcDeclaration idc_declaration_postgres = {
    .name = "postgres",
    .title = "PostgreSQL",
    .options = idc_postgres_options,
    .check = idc_postgres_check,
    .can_push = idc_postgres_can_push,
    .estimate = estimate,
    .count_request = idc_postgres_count_request,
    .sample_request = idc_postgres_sample_request,
    .key_batch = key_batch,
    .explain = explain,
    .writes = idc_postgres_writes,
    .can_modify = idc_postgres_can_modify,
    .explain_modify = idc_postgres_explain_modify,
    .returns = idc_postgres_returns,
    .is_key = idc_postgres_is_key,
    .has_ctid = true,
    .has_transactions = true,
    .has_calls = true,
    .has_locks = true,
    .is_async = true,
};
