/*
 * result_open.c - which way a statement takes, and starting it.
 *
 * In:   a connection, SQL, parameters
 * Out:  a result in one of its modes
 * Next: hub/result_read.c
 */
#include <string.h>

#include "hub/conn_private.h"
#include "hub/result_arrow.h"
#include "hub/statement.h"

/* What COPY (…) and a subquery accept. */
bool
idc_statement_is_query(const char *sql)
{
    return idc_statement_begins(sql, "SELECT") || idc_statement_begins(sql, "WITH") ||
           idc_statement_begins(sql, "VALUES") || idc_statement_begins(sql, "TABLE");
}

bool
idc_result_is_refusal(const IdcError *err)
{
    return strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "42601") == 0;
}

/*
 * A description that is older than this call is confirmed in the same round trip, and in the same
 * transaction: the server explains its own prepared statement only while that has the columns that
 * were described. It executes nothing for it, and has the plan already.
 */
static void
append_guard(IdcText *text, const IdcStatement *statement)
{
    idc_text_append_format(text, "EXPLAIN (COSTS OFF) EXECUTE %s;", statement->name);
}

static IdcStatus
start_copy(IdcResult *result, IdcCall *call, bool is_known, bool *is_stale, IdcError *err)
{
    PGconn *libpq = result->conn->libpq;
    PGresult *answer = NULL;
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    if (is_known)
        append_guard(&text, result->statement);
    idc_text_append(&text, "COPY (");
    idc_result_append_statement(&text, result);
    idc_text_append(&text, ") TO STDOUT (FORMAT binary)");
    status = idc_text_check(&text, err);
    if (status == IDC_OK && PQsendQuery(libpq, idc_text_string(&text)) != 1)
        status = idc_conn_fail(result->conn, NULL, err);
    idc_text_done(&text);
    if (status == IDC_OK)
        status = idc_conn_next_result(result->conn, call, &answer, err);
    if (status == IDC_OK && is_known && answer != NULL &&
        PQresultStatus(answer) == PGRES_TUPLES_OK) {
        PQclear(answer);
        answer = NULL;
        status = idc_conn_next_result(result->conn, call, &answer, err);
    }
    if (status != IDC_OK)
        return status;
    if (answer == NULL || PQresultStatus(answer) != PGRES_COPY_OUT) {
        *is_stale = answer != NULL && idc_statement_is_stale(answer);
        return idc_conn_fail_statement(result->conn, call, answer, err);
    }
    PQclear(answer);
    result->mode = RESULT_COPY;
    return IDC_OK;
}

IdcStatus
idc_result_bind(IdcArena *arena, const IdcSqlParameter *parameters, size_t count, IdcBound *bound,
                IdcError *err)
{
    Oid *types = idc_arena_alloc_array(arena, count + 1, sizeof *types);
    const char **values = idc_arena_alloc_array(arena, count + 1, sizeof *values);
    int *lengths = idc_arena_alloc_array(arena, count + 1, sizeof *lengths);
    int *formats = idc_arena_alloc_array(arena, count + 1, sizeof *formats);

    if (types == NULL || values == NULL || lengths == NULL || formats == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        types[i] = parameters[i].type_oid;
        values[i] = parameters[i].data;
        lengths[i] = parameters[i].len;
        formats[i] = parameters[i].is_binary;
    }
    *bound = (IdcBound){ types, values, lengths, formats, (int) count };
    return IDC_OK;
}

static IdcStatus
make_builder(IdcResult *result, IdcError *err)
{
    const IdcDescription *description = &result->statement->description;
    IdcStatus status = idc_batch_builder_new(description->specs, description->column_count,
                                             &result->options.batch, &result->builder, err);

    if (status == IDC_OK && result->mode == RESULT_COPY)
        status = idc_copy_reader_new(result->builder, &result->reader, err);
    return status;
}

/* Few rows, by what the statement says or what it gave last. */
static bool
is_small(const IdcStatement *statement, const char *sql)
{
    int64_t rows = statement != NULL ? statement->last_rows : -1;

    if (rows < 0)
        rows = idc_statement_limit(sql);
    return rows >= 0 && rows <= IDC_SMALL_RESULT_ROWS;
}

/*
 * Describe the statement anew and remember it. The server keeps it under a name if it is likely to
 * run again: it ran before, has parameters, or is small.
 */
static IdcStatus
describe(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
         size_t parameter_count, IdcStatement *known, IdcError *err)
{
    IdcStatementCache *cache = result->conn->statements;
    bool is_kept = parameter_count > 0 || idc_statement_is_query(result->sql);
    IdcStatement *made = NULL;
    IdcStatus status = idc_statement_cache_sweep(cache, result->conn, call, err);

    if (status == IDC_OK)
        status = idc_statement_new(result->sql, parameters, parameter_count,
                                   result->options.numeric, &made, err);
    if (status != IDC_OK)
        return status;
    if (is_kept && (known != NULL || parameter_count > 0 || is_small(NULL, result->sql)))
        idc_statement_cache_name(cache, made->name);
    if (known != NULL) {
        made->last_rows = known->last_rows;
        made->small_runs = known->small_runs;
        made->is_copy_refused = known->is_copy_refused;
        made->is_arrow_refused = known->is_arrow_refused;
    }
    status = idc_describe(result->conn, call, made->arena, made->name, result->sql, parameters,
                          parameter_count, result->options.numeric, &made->description, err);
    if (status == IDC_OK && made->description.parameter_count != parameter_count)
        status = idc_fail(err, IDC_BAD_VALUE, "the query has %zu parameters, %zu were given",
                          made->description.parameter_count, parameter_count);
    if (status == IDC_OK && is_kept)
        idc_statement_cache_keep(cache, made);
    if (status == IDC_OK)
        result->statement = made;
    else
        idc_statement_free(made);
    return status;
}

/* One try, with what is known of the statement if the server still has it. */
static IdcStatus
start_plain(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
            const IdcBound *bound, bool *is_stale, IdcError *err)
{
    size_t count = (size_t) bound->count;
    IdcStatement *known = idc_statement_cache_find(result->conn->statements, result->sql,
                                                   parameters, count, result->options.numeric);
    bool is_known = known != NULL && known->name[0] != '\0';
    IdcStatement *statement;
    IdcStatus status = IDC_OK;

    if (is_known)
        result->statement = idc_statement_hold(known);
    else
        status = describe(result, call, parameters, count, known, err);
    if (status != IDC_OK)
        return status;
    statement = result->statement;
    if (count > 0 || statement->description.column_count == 0 || statement->is_copy_refused ||
        !idc_statement_is_query(result->sql) || is_small(statement, result->sql))
        return idc_result_start_extended(result, call, bound, is_known, is_stale, err);
    status = start_copy(result, call, is_known, is_stale, err);
    if (status == IDC_OK || *is_stale || !idc_result_is_refusal(err) ||
        !idc_conn_is_usable(result->conn))
        return status;
    statement->is_copy_refused = true;
    return idc_result_start_extended(result, call, bound, is_known, is_stale, err);
}

/* Once more where the server lost what was known of the statement: nothing was executed then. */
static IdcStatus
start_described(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
                size_t parameter_count, IdcError *err)
{
    IdcStatementCache *cache = result->conn->statements;
    bool was_idle = PQtransactionStatus(result->conn->libpq) == PQTRANS_IDLE;
    bool is_stale = false;
    IdcBound bound = { 0 };
    IdcStatus status = idc_result_bind(result->arena, parameters, parameter_count, &bound, err);

    if (status != IDC_OK)
        return status;
    status = start_plain(result, call, parameters, &bound, &is_stale, err);
    if (is_stale && result->statement != NULL) {
        if (strcmp(err->sqlstate, "26000") == 0)
            idc_statement_cache_note_loss(cache);
        idc_statement_cache_forget(cache, result->statement);
        if (was_idle && idc_conn_is_usable(result->conn)) {
            idc_statement_free(result->statement);
            result->statement = NULL;
            status = start_plain(result, call, parameters, &bound, &is_stale, err);
        }
    }
    return status == IDC_OK ? make_builder(result, err) : status;
}

IdcStatus
idc_result_start(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
                 size_t parameter_count, IdcError *err)
{
    bool is_refused = false;
    const IdcStatement *known;
    IdcStatus status;

    if (parameter_count > UINT16_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "%zu parameters, 65535 at most", parameter_count);
    if (result->options.transfer == IDC_TRANSFER_ARROW &&
        result->conn->extension != IDC_EXTENSION_PRESENT)
        return idc_extension_fail(result->conn->extension, err);
    known = idc_statement_cache_find(result->conn->statements, result->sql, parameters,
                                     parameter_count, result->options.numeric);
    if (idc_arrow_is_wanted(result, known, parameters, parameter_count)) {
        status = idc_arrow_start(result, call, parameters, parameter_count, &is_refused, err);
        if (status == IDC_OK || !is_refused)
            return status;
    }
    status = start_described(result, call, parameters, parameter_count, err);
    if (status == IDC_OK && is_refused)
        result->statement->is_arrow_refused = true;
    return status;
}
