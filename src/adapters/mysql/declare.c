/*
 * declare.c - what the adapter mysql accepts, and what it would ask.
 */
#include "adapters/mysql/mysql.h"

#include <math.h>

/* A statement has a length that the server allows (max_allowed_packet, 4 MB of MySQL 5.7). */
enum { NUMBERS_OF_A_STATEMENT = 20000, TEXTS_OF_A_STATEMENT = 2000 };

/* What goes over of so many rows; *must_see_all: MySQL has to look at every row for it. */
static double
rows_sent(const IdcRelation *relation, double rows, bool *must_see_all)
{
    const double rows_of_group = 10;

    if (relation->kind == IDC_REL_SCAN)
        return rows;
    rows = rows_sent(relation->input, rows, must_see_all);
    switch (relation->kind) {
    case IDC_REL_AGGREGATE:
        *must_see_all = true;
        return relation->expr_count == 0 ? 1 : fmax(1, rows / rows_of_group);
    case IDC_REL_DISTINCT:
        *must_see_all = true;
        return fmax(1, rows / rows_of_group);
    case IDC_REL_SORT:
    case IDC_REL_JOIN:
        *must_see_all = true;
        return rows;
    case IDC_REL_LIMIT:
        return idc_sql_limited_rows(relation, rows);
    default:
        return rows;
    }
}

/* In PostgreSQL's units: a request costs a round trip, a row its way over the wire. */
static void
estimate(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate)
{
    const double look_cost = 0.003, send_cost = 0.03, startup_cost = 25, unknown_rows = 1000;
    double rows = question->table_rows < 0 ? unknown_rows : question->table_rows;
    double narrowed = fmax(1, rows * question->selectivity);
    bool must_see_all = false;
    double sent = rows_sent(question->relation, narrowed, &must_see_all);
    double seen = must_see_all ? rows : rows * fmin(1, sent / narrowed);

    (void) arena;
    if (question->rows >= 0)
        sent = question->rows;
    *estimate = (IdcEstimate){ .rows = sent,
                               .startup_cost = startup_cost + (must_see_all ? seen * look_cost : 0),
                               .total_cost = startup_cost + seen * look_cost + sent * send_cost };
}

static int64_t
key_batch(const IdcPushQuestion *question, const IdcExpr *conjunct)
{
    IdcType type = conjunct->args[0]->type;

    (void) question;
    return idc_mysql_is_textual(type) || idc_mysql_class(type) == IDC_MYSQL_CLASS_BYTES
               ? TEXTS_OF_A_STATEMENT
               : NUMBERS_OF_A_STATEMENT;
}

/* ---- EXPLAIN ---- */

typedef struct Explained {
    const IdcOptionSet *server_options;
    IdcArena *arena;
} Explained;

/* As far as the options say what the column is. */
static void
look_at_raw(void *host, IdcSqlRaw *raw)
{
    const Explained *explained = host;
    IdcMysqlRemote *remote = idc_arena_alloc(explained->arena, sizeof *remote);

    if (remote == NULL || !idc_mysql_remote_of_options(raw->column, remote))
        return;
    remote->keeps_zero_dates = idc_mysql_zero_date(explained->server_options, &raw->scan->options,
                                                   &raw->column->options) != IDC_MYSQL_ZERO_NULL;
    raw->remote = remote;
}

static void
explain(const IdcOptionSet *server_options, const IdcRelation *relation, IdcText *text)
{
    Explained host = { .server_options = server_options, .arena = idc_arena_new(0) };
    IdcSql sql = { .dialect = &idc_mysql_dialect,
                   .arena = host.arena,
                   .is_explain = true,
                   .on_raw = look_at_raw,
                   .host = &host };
    const IdcSqlColumn *columns;
    const char *statement;
    IdcError err;

    if (relation->kind == IDC_REL_SCAN && relation->native != NULL)
        idc_text_append(text, relation->native);
    else if (sql.arena == NULL)
        text->is_broken = true;
    else if (idc_sql_write(&sql, relation, &statement, &columns, &err) == IDC_OK)
        idc_text_append(text, statement);
    else
        idc_text_append_format(text, "(an error: %s)", err.message);
    idc_arena_free(sql.arena);
}

const IdcDeclaration idc_declaration_mysql = {
    .name = "mysql",
    .title = "MySQL and MariaDB",
    .options = idc_mysql_options,
    .check = idc_mysql_check,
    .can_push = idc_mysql_can_push,
    .estimate = estimate,
    .count_request = idc_mysql_count_request,
    .sample_request = idc_mysql_sample_request,
    .key_batch = key_batch,
    .explain = explain,
    .writes = idc_mysql_writes,
    .returns = idc_mysql_returns,
    .can_modify = idc_mysql_can_modify,
    .explain_modify = idc_mysql_explain_modify,
    .is_key = idc_mysql_is_key,
    .has_transactions = true,
    .has_locks = true,
    .locks_for_writes = true,
    .is_async = true,
};
