/*
 * declare.c - what the adapter sqlite accepts, and what it would ask.
 */
#include "adapters/sqlite/sqlite.h"

#include <math.h>

/* Values of a list that no JSON array can carry are parameters of the statement. */
enum { KEYS_AS_PARAMETERS = 1000 };

static const char *const on_error_words[] = { "error", "null", NULL };

static const IdcAdapterOption options[] = {
    { .name = "path",
      .levels = IDC_OPTION_SERVER,
      .is_required = true,
      .is_local = true,
      .help = "the database file" },
    { .name = "read_only",
      .levels = IDC_OPTION_SERVER,
      .type = IDC_OPTION_BOOL,
      .fallback = "true",
      .help = "false: tables can be written, unless their option updatable says otherwise" },
    { .name = "busy_timeout",
      .levels = IDC_OPTION_SERVER,
      .type = IDC_OPTION_DURATION,
      .fallback = "5s",
      .max = 600000,
      .help = "how long to wait while another program writes" },
    { .name = "table",
      .levels = IDC_OPTION_TABLE,
      .help = "its name in the file, if it is another one than here" },
    { .name = "on_error",
      .levels = IDC_OPTION_TABLE,
      .type = IDC_OPTION_WORD,
      .words = on_error_words,
      .fallback = "error",
      .help = "what becomes of a value that does not fit its column's type" },
    { .name = "column",
      .levels = IDC_OPTION_COLUMN,
      .help = "its name in the file, if it is another one than here" },
    { .name = "key",
      .levels = IDC_OPTION_COLUMN,
      .type = IDC_OPTION_BOOL,
      .fallback = "false",
      .help = "one of the columns that name a row: what UPDATE and DELETE go by" },
    { .name = NULL },
};

/* A relative one would begin at the hub's data directory. */
static IdcStatus
check(IdcOptionLevel level, const IdcOptionSet *given, IdcError *err)
{
    const char *path = idc_option_value(given, "path");

    if (level != IDC_OPTION_SERVER || path == NULL || path[0] == '/')
        return IDC_OK;
    return idc_fail(err, IDC_BAD_VALUE, "option \"path\" must be an absolute path, not \"%s\"",
                    path);
}

/* What goes over of so many rows; *must_see_all: SQLite has to look at every row for it. */
static double
rows_sent(const IdcRelation *relation, double rows, bool *must_see_all)
{
    const double rows_of_group = 10;

    if (relation->kind == IDC_REL_SCAN)
        return rows;
    rows = rows_sent(relation->input, rows, must_see_all);
    switch (relation->kind) {
    case IDC_REL_AGGREGATE:
    case IDC_REL_DISTINCT:
        *must_see_all = true;
        return fmax(1, rows / rows_of_group);
    case IDC_REL_SORT:
        *must_see_all = true;
        return rows;
    case IDC_REL_LIMIT:
        return idc_sql_limited_rows(relation, rows);
    default:
        return rows;
    }
}

/* In PostgreSQL's units: there is no network, but each value that comes out is checked. */
static void
estimate(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate)
{
    const double look_cost = 0.005, send_cost = 0.02, startup_cost = 5, unknown_rows = 1000;
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
    IdcSqliteClass class = idc_sqlite_class(conjunct->args[0]->type);

    (void) question;
    return class == IDC_SQLITE_INTEGER || class == IDC_SQLITE_TEXT || class == IDC_SQLITE_DATE
               ? 0
               : KEYS_AS_PARAMETERS;
}

static void
explain(const IdcOptionSet *server_options, const IdcRelation *relation, IdcText *text)
{
    IdcSql sql = { .dialect = &idc_sqlite_dialect, .arena = idc_arena_new(0), .is_explain = true };
    const IdcSqlColumn *columns;
    const char *statement;

    (void) server_options;
    if (relation->kind == IDC_REL_SCAN && relation->native != NULL)
        idc_text_append(text, relation->native);
    else if (sql.arena == NULL)
        text->is_broken = true;
    else if (idc_sql_write(&sql, relation, &statement, &columns, NULL) == IDC_OK)
        idc_text_append(text, statement);
    else
        text->is_broken = true;
    idc_arena_free(sql.arena);
}

const IdcDeclaration idc_declaration_sqlite = {
    .name = "sqlite",
    .title = "SQLite files",
    .options = options,
    .check = check,
    .can_push = idc_sqlite_can_push,
    .estimate = estimate,
    .key_batch = key_batch,
    .explain = explain,
    .writes = idc_sqlite_writes,
    .can_modify = idc_sqlite_can_modify,
    .explain_modify = idc_sqlite_explain_modify,
    .returns = idc_sqlite_returns,
    .has_transactions = true,
    .is_key = idc_sqlite_is_key,
    .is_async = true,
};
