/*
 * query_calls.c - the public calls that ask: SQL, a table, a plan.
 */
#include <stdlib.h>
#include <string.h>

#include "connector/catalogue.h"
#include "connector/connector.h"
#include "connector/partition_plan.h"
#include "hub/partitions.h"

/* ---- values of the door as values of query/ ---- */

static IdcValue
value_in(const InstantValue *value)
{
    _Static_assert((int) IDC_VALUE_ARRAY == (int) INSTANT_ARRAY, "the kinds are the same");
    return (IdcValue){ .kind = (IdcValueKind) value->kind,
                       .element = (IdcValueKind) value->element,
                       .data = value->data,
                       .len = value->len };
}

static IdcStatus
filters_in(IdcArena *arena, const InstantTableRequest *request, IdcTableRequest *converted,
           IdcError *err)
{
    IdcFilter *filters = idc_arena_alloc_array(arena, request->filter_count + 1, sizeof *filters);

    if (filters == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < request->filter_count; i++) {
        const InstantFilter *filter = &request->filters[i];
        IdcValue *values = idc_arena_alloc_array(arena, filter->value_count + 1, sizeof *values);

        if (values == NULL)
            return idc_fail_no_memory(err);
        for (size_t v = 0; v < filter->value_count; v++)
            values[v] = value_in(&filter->values[v]);
        filters[i] = (IdcFilter){ .column = filter->column,
                                  .op = filter->op,
                                  .values = values,
                                  .value_count = filter->value_count };
    }
    *converted = (IdcTableRequest){ .filters = filters,
                                    .filter_count = request->filter_count,
                                    .columns = request->columns,
                                    .column_count = request->column_count,
                                    .order_by = request->order_by,
                                    .order_by_count = request->order_by_count,
                                    .limit = request->limit,
                                    .offset = request->offset };
    return IDC_OK;
}

/* A statement that is ready for the hub; sql must be done by the caller. */
typedef struct Statement {
    IdcText sql;
    IdcSqlParameter *parameters;
    size_t parameter_count;
} Statement;

static IdcStatus
statement_bind(IdcArena *arena, const char *sql, const InstantParameter *parameters, size_t count,
               Statement *statement, IdcError *err)
{
    IdcParameter *named = idc_arena_alloc_array(arena, count + 1, sizeof *named);
    IdcBoundParameter *bound = NULL;
    IdcStatus status;

    if (sql == NULL)
        return idc_fail(err, IDC_BAD_VALUE, "no SQL is given");
    if (named == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++)
        named[i] =
            (IdcParameter){ .name = parameters[i].name, .value = value_in(&parameters[i].value) };
    status = idc_parameters_bind(arena, sql, named, count, &statement->sql, &bound,
                                 &statement->parameter_count, err);
    if (status != IDC_OK)
        return status;
    statement->parameters =
        idc_arena_alloc_array(arena, statement->parameter_count + 1, sizeof(IdcSqlParameter));
    if (statement->parameters == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < statement->parameter_count; i++)
        statement->parameters[i] = (IdcSqlParameter){ .type_oid = bound[i].type_oid,
                                                      .data = bound[i].data,
                                                      .len = bound[i].len,
                                                      .is_binary = bound[i].is_binary };
    return idc_text_check(&statement->sql, err);
}

/* ---- opening a result ---- */

static IdcStatus
open_inner(InstantConnector *connector, IdcCall *call, const Statement *statement,
           const IdcResultOptions *options, IdcResult **inner, IdcError *err)
{
    return idc_result_open(connector->pool, call, idc_text_string(&statement->sql),
                           statement->parameters, statement->parameter_count, options, inner, err);
}

static IdcStatus
open_result(InstantConnector *connector, IdcCall *call, const Statement *statement,
            const IdcResultOptions *options, InstantResult **result, IdcError *err)
{
    IdcResult *inner = NULL;
    IdcStatus status = open_inner(connector, call, statement, options, &inner, err);

    if (status != IDC_OK)
        return status;
    status = idc_result_wrap(connector, inner, result, err);
    if (status != IDC_OK)
        idc_result_free(inner);
    return status;
}

static IdcStatus
run_query(InstantConnector *connector, IdcArena *arena, const char *sql,
          const InstantParameter *parameters, size_t parameter_count, const InstantOption *options,
          size_t option_count, IdcCall *call, InstantResult **result, IdcError *err)
{
    IdcResultOptions parsed;
    Statement statement = { 0 };
    IdcStatus status = idc_result_options_parse(options, option_count, &parsed, err);

    if (status == IDC_OK && parsed.partitions > 1)
        status =
            idc_fail(err, IDC_UNSUPPORTED, "only a table can be loaded in partitions, not a query");
    if (status == IDC_OK)
        status = statement_bind(arena, sql, parameters, parameter_count, &statement, err);
    if (status == IDC_OK)
        status = open_result(connector, call, &statement, &parsed, result, err);
    idc_text_done(&statement.sql);
    return status;
}

InstantStatus
instant_query(InstantConnector *connector, const char *sql, const InstantParameter *parameters,
              size_t parameter_count, const InstantOption *options, size_t option_count,
              InstantCall *call, InstantResult **result, InstantError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = arena == NULL ? idc_fail_no_memory(&error)
                           : run_query(connector, arena, sql, parameters, parameter_count, options,
                                       option_count, idc_call_in(call), result, &error);
    idc_arena_free(arena);
    return idc_status_out(status, &error, err);
}

/*
 * The SQL of a table request, and with a plan its chunks for options->partitions too. The catalogue
 * is asked on a connection of its own, given back at once.
 */
static IdcStatus
prepare_table(InstantConnector *connector, IdcArena *arena, const InstantTableRequest *request,
              const IdcResultOptions *options, IdcCall *call, IdcText *sql, IdcPartitionPlan *plan,
              IdcError *err)
{
    IdcTableRequest converted;
    IdcTable table;
    IdcConn *conn = NULL;
    IdcStatus status = filters_in(arena, request, &converted, err);

    if (status == IDC_OK)
        status = idc_pool_acquire(connector->pool, call, &conn, err);
    if (status != IDC_OK)
        return status;
    status = idc_catalogue_table(conn, call, arena, request->table, &table, err);
    if (status == IDC_OK)
        status = idc_select_build(&table, &converted, sql, err);
    if (status == IDC_OK)
        status = idc_text_check(sql, err);
    if (status == IDC_OK && plan != NULL)
        status = idc_partition_plan(conn, call, arena, &table, &converted,
                                    (size_t) options->partitions, options->partition_on, plan, err);
    idc_pool_release(connector->pool, conn);
    return status;
}

static IdcStatus
open_partitions(InstantConnector *connector, IdcArena *arena, const InstantTableRequest *request,
                const IdcResultOptions *options, IdcCall *call, InstantResult **result,
                IdcError *err)
{
    IdcPartitionOptions how = { .connections = (size_t) options->partitions,
                                .is_ordered = options->is_ordered,
                                .started_ms = idc_clock_ms() };
    IdcPartitionPlan plan = { 0 };
    IdcResult *inner = NULL;
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    status = prepare_table(connector, arena, request, options, call, &sql, &plan, err);
    how.lock_sql = plan.lock_sql;
    if (status == IDC_OK)
        status = idc_partitions_open(connector->pool, call, idc_text_string(&sql), plan.chunks,
                                     plan.chunk_count, &how, options, &inner, err);
    idc_text_done(&sql);
    if (status != IDC_OK)
        return status;
    status = idc_result_wrap(connector, inner, result, err);
    if (status != IDC_OK)
        idc_result_free(inner);
    return status;
}

/* As open_partitions, within the time limit of the query: to find the ranges may take long. */
static IdcStatus
open_partitions_within(InstantConnector *connector, IdcArena *arena,
                       const InstantTableRequest *request, const IdcResultOptions *options,
                       IdcCall *call, InstantResult **result, IdcError *err)
{
    IdcCall *own = call == NULL ? idc_call_new() : NULL;
    IdcCall *waiting = call != NULL ? call : own;
    int64_t own_ms = idc_call_remaining_ms(waiting, -1);
    int64_t start_ms = idc_clock_ms(), took_ms;
    IdcStatus status;

    if (waiting == NULL)
        return idc_fail_no_memory(err);
    if (options->timeout_ms > 0)
        idc_call_set_timeout(waiting, idc_call_remaining_ms(waiting, options->timeout_ms));
    status = open_partitions(connector, arena, request, options, waiting, result, err);
    took_ms = idc_clock_ms() - start_ms;
    if (status == IDC_TIMEOUT && options->timeout_ms > 0 && took_ms >= options->timeout_ms)
        status = idc_result_fail_timeout(options->timeout_ms, err);
    if (options->timeout_ms > 0)
        idc_call_set_timeout(waiting, own_ms < 0 ? -1 : own_ms > took_ms ? own_ms - took_ms : 0);
    idc_call_free(own);
    return status;
}

static IdcStatus
run_table(InstantConnector *connector, IdcArena *arena, const InstantTableRequest *request,
          const InstantOption *options, size_t option_count, IdcCall *call, InstantResult **result,
          IdcError *err)
{
    IdcResultOptions parsed;
    Statement statement = { 0 };
    IdcStatus status = idc_result_options_parse(options, option_count, &parsed, err);

    if (status == IDC_OK && parsed.partitions > 1)
        return open_partitions_within(connector, arena, request, &parsed, call, result, err);
    if (status == IDC_OK)
        status = prepare_table(connector, arena, request, &parsed, call, &statement.sql, NULL, err);
    if (status == IDC_OK)
        status = open_result(connector, call, &statement, &parsed, result, err);
    idc_text_done(&statement.sql);
    return status;
}

InstantStatus
instant_table(InstantConnector *connector, const InstantTableRequest *request,
              const InstantOption *options, size_t option_count, InstantCall *call,
              InstantResult **result, InstantError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = arena == NULL ? idc_fail_no_memory(&error)
                           : run_table(connector, arena, request, options, option_count,
                                       idc_call_in(call), result, &error);
    idc_arena_free(arena);
    return idc_status_out(status, &error, err);
}

InstantStatus
instant_table_sql(InstantConnector *connector, const InstantTableRequest *request,
                  InstantCall *call, char **sql, InstantError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcText text;
    IdcError error;
    IdcStatus status;
    char *taken;

    idc_error_init(&error);
    idc_text_init(&text, 0);
    status = arena == NULL ? idc_fail_no_memory(&error)
                           : prepare_table(connector, arena, request, NULL, idc_call_in(call),
                                           &text, NULL, &error);
    idc_arena_free(arena);
    if (status == IDC_OK) {
        taken = idc_text_take(&text);
        if (taken != NULL)
            *sql = taken;
        else
            status = idc_fail_no_memory(&error);
    }
    idc_text_done(&text);
    return idc_status_out(status, &error, err);
}

/* ---- filters that people type ---- */

/* What instant_filter_parse hands out: the filter first, its memory after it. */
typedef struct ParsedFilter {
    InstantFilter filter;
    IdcArena *arena;
} ParsedFilter;

static IdcStatus
filter_out(ParsedFilter *parsed, const char *text, IdcError *err)
{
    IdcFilter filter;
    InstantValue *values;
    IdcStatus status = idc_filter_parse(parsed->arena, text, &filter, err);

    if (status != IDC_OK)
        return status;
    values = idc_arena_alloc_array(parsed->arena, filter.value_count + 1, sizeof *values);
    if (values == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < filter.value_count; i++)
        values[i] = (InstantValue){ .kind = (InstantValueKind) filter.values[i].kind,
                                    .element = (InstantValueKind) filter.values[i].element,
                                    .data = filter.values[i].data,
                                    .len = filter.values[i].len };
    parsed->filter = (InstantFilter){ .column = filter.column,
                                      .op = filter.op,
                                      .values = values,
                                      .value_count = filter.value_count };
    return IDC_OK;
}

InstantStatus
instant_filter_parse(const char *text, InstantFilter **filter, InstantError *err)
{
    ParsedFilter *parsed = calloc(1, sizeof *parsed);
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    if (parsed == NULL || (parsed->arena = idc_arena_new(0)) == NULL) {
        free(parsed);
        return idc_status_out(idc_fail_no_memory(&error), &error, err);
    }
    status = filter_out(parsed, text, &error);
    if (status == IDC_OK)
        *filter = &parsed->filter;
    else
        instant_filter_free(&parsed->filter);
    return idc_status_out(status, &error, err);
}

void
instant_filter_free(InstantFilter *filter)
{
    ParsedFilter *parsed = (ParsedFilter *) filter;

    if (parsed == NULL)
        return;
    idc_arena_free(parsed->arena);
    free(parsed);
}

/* ---- plans ---- */

/* The texts of the first column of a result (EXPLAIN's lines), in arena. */
static IdcStatus
read_lines(IdcArena *arena, IdcResult *inner, const char ***lines, size_t *line_count,
           IdcError *err)
{
    struct ArrowArrayStream stream = { 0 };
    struct ArrowArray batch = { 0 };
    IdcStatus status = idc_result_stream(inner, &stream, err);

    if (status != IDC_OK)
        return status;
    if (stream.get_next(&stream, &batch) != 0) {
        idc_result_error(inner, err);
        status = err->status != IDC_OK ? err->status : IDC_QUERY_FAILED;
    } else if (batch.release != NULL && batch.n_children > 0) {
        const int64_t *offsets = batch.children[0]->buffers[1];
        const char *bytes = batch.children[0]->buffers[2];

        *line_count = (size_t) batch.length;
        *lines = idc_arena_alloc_array(arena, *line_count + 1, sizeof **lines);
        for (size_t i = 0; *lines != NULL && i < *line_count; i++)
            (*lines)[i] = idc_arena_strndup(arena, bytes + offsets[i],
                                            (size_t) (offsets[i + 1] - offsets[i]));
        if (*lines == NULL)
            status = idc_fail_no_memory(err);
    }
    if (batch.release != NULL)
        batch.release(&batch);
    stream.release(&stream);
    return status;
}

static IdcStatus
plan_rows(const char *const *lines, size_t line_count, const IdcRemotePiece *pieces,
          size_t piece_count, IdcRows **rows, IdcError *err)
{
    static const IdcColumnSpec specs[] = {
        { .name = "kind", .type_name = "text", .kind = IDC_KIND_TEXT },
        { .name = "line", .type_name = "text", .kind = IDC_KIND_TEXT },
        { .name = "server", .type_name = "text", .kind = IDC_KIND_TEXT },
        { .name = "relation", .type_name = "text", .kind = IDC_KIND_TEXT },
        { .name = "remote_sql", .type_name = "text", .kind = IDC_KIND_TEXT },
        { .name = "local_filter", .type_name = "text", .kind = IDC_KIND_TEXT },
    };
    IdcRows *made = NULL;
    IdcStatus status = idc_rows_new(specs, sizeof specs / sizeof *specs, &made, err);

    for (size_t i = 0; status == IDC_OK && i < line_count; i++) {
        const char *values[] = { "plan", lines[i], NULL, NULL, NULL, NULL };

        status = idc_rows_add(made, values, err);
    }
    for (size_t i = 0; status == IDC_OK && i < piece_count; i++) {
        const char *values[] = { "remote",
                                 NULL,
                                 pieces[i].server,
                                 pieces[i].relation,
                                 pieces[i].remote_sql,
                                 pieces[i].local_filter };

        status = idc_rows_add(made, values, err);
    }
    if (status == IDC_OK)
        *rows = made;
    else
        idc_rows_free(made);
    return status;
}

/* The lines of EXPLAIN, run with the statement's own parameters. */
static IdcStatus
explain_lines(InstantConnector *connector, IdcArena *arena, Statement *statement, bool analyze,
              IdcCall *call, const char ***lines, size_t *line_count, IdcError *err)
{
    Statement explain = *statement;
    IdcResultOptions options;
    IdcResult *inner = NULL;
    IdcStatus status = idc_result_options_parse(NULL, 0, &options, err);

    if (status != IDC_OK)
        return status;
    idc_text_init(&explain.sql, 0);
    options.batch.single_batch = true;
    idc_text_append_format(&explain.sql, "EXPLAIN (VERBOSE%s) %s", analyze ? ", ANALYZE" : "",
                           idc_text_string(&statement->sql));
    status = idc_text_check(&explain.sql, err);
    if (status == IDC_OK)
        status = open_inner(connector, call, &explain, &options, &inner, err);
    if (status == IDC_OK)
        status = read_lines(arena, inner, lines, line_count, err);
    idc_result_free(inner);
    idc_text_done(&explain.sql);
    return status;
}

static IdcStatus
run_explain(InstantConnector *connector, IdcArena *arena, Statement *statement, bool analyze,
            IdcCall *call, InstantResult **result, IdcError *err)
{
    const char **lines = NULL;
    size_t line_count = 0, piece_count = 0;
    IdcRemotePiece *pieces = NULL;
    IdcConn *conn = NULL;
    IdcRows *rows = NULL;
    IdcStatus status =
        explain_lines(connector, arena, statement, analyze, call, &lines, &line_count, err);

    if (status == IDC_OK)
        status = idc_explain_pieces(arena, lines, line_count, &pieces, &piece_count, err);
    if (status == IDC_OK)
        status = idc_pool_acquire(connector->pool, call, &conn, err);
    if (status != IDC_OK)
        return status;
    status =
        idc_catalogue_name_servers(conn, call, arena, connector->config, pieces, piece_count, err);
    idc_pool_release(connector->pool, conn);
    if (status == IDC_OK)
        status = plan_rows(lines, line_count, pieces, piece_count, &rows, err);
    if (status == IDC_OK && (status = idc_result_wrap_rows(connector, rows, result, err)) != IDC_OK)
        idc_rows_free(rows);
    return status;
}

InstantStatus
instant_explain(InstantConnector *connector, const char *sql, const InstantParameter *parameters,
                size_t parameter_count, bool analyze, InstantCall *call, InstantResult **result,
                InstantError *err)
{
    IdcArena *arena = idc_arena_new(0);
    Statement statement = { 0 };
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = arena == NULL
                 ? idc_fail_no_memory(&error)
                 : statement_bind(arena, sql, parameters, parameter_count, &statement, &error);
    if (status == IDC_OK)
        status =
            run_explain(connector, arena, &statement, analyze, idc_call_in(call), result, &error);
    idc_text_done(&statement.sql);
    idc_arena_free(arena);
    return idc_status_out(status, &error, err);
}
