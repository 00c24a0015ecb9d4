/*
 * result_extended.c - running a statement by the extended protocol: Parse, Bind, Execute.
 *
 * In:   a described statement and its parameters
 * Out:  a result whose rows come one by one, or one that is done
 * Next: hub/result_read.c
 *
 * What was prepared under a name is only bound and executed: one round trip.
 */
#include <string.h>

#include "hub/conn_private.h"
#include "hub/result_private.h"
#include "hub/statement.h"

/* What WITH name AS (…) accepts besides queries. */
static bool
is_change(const char *sql)
{
    return idc_statement_begins(sql, "INSERT") || idc_statement_begins(sql, "UPDATE") ||
           idc_statement_begins(sql, "DELETE");
}

static void
append_names(IdcText *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        idc_text_append_format(text, "%sc%zu", i == 0 ? "(" : ",", i + 1);
    idc_text_append_char(text, ')');
}

static void
append_wrapped_columns(IdcText *text, const IdcDescription *description)
{
    idc_text_append(text, "SELECT ");
    for (size_t i = 0; i < description->column_count; i++)
        idc_text_append_format(text, "%s%sc%zu%s", i == 0 ? "" : ",", description->wraps[i].before,
                               i + 1, description->wraps[i].after);
    idc_text_append(text, " FROM ");
}

/* The line end closes a comment at the statement's end. */
void
idc_result_append_statement(IdcText *text, const IdcResult *result)
{
    const IdcDescription *description = &result->statement->description;
    size_t len = idc_statement_len(result->sql);

    if (!description->needs_wrap) {
        idc_text_append_len(text, result->sql, len);
        idc_text_append_char(text, '\n');
    } else if (is_change(result->sql)) {
        idc_text_append(text, "WITH q");
        append_names(text, description->column_count);
        idc_text_append(text, " AS (");
        idc_text_append_len(text, result->sql, len);
        idc_text_append(text, "\n) ");
        append_wrapped_columns(text, description);
        idc_text_append_char(text, 'q');
    } else {
        append_wrapped_columns(text, description);
        idc_text_append_char(text, '(');
        idc_text_append_len(text, result->sql, len);
        idc_text_append(text, "\n) AS q");
        append_names(text, description->column_count);
    }
}

IdcStatus
idc_result_read_first(IdcResult *result, IdcCall *call, IdcRun *run, bool *is_stale, IdcError *err)
{
    PGresult *answer = NULL;
    IdcStatus status = idc_conn_next_result(result->conn, call, &answer, err);
    int64_t affected = 0;

    if (status != IDC_OK)
        return status;
    switch (answer != NULL ? PQresultStatus(answer) : PGRES_FATAL_ERROR) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        result->first = answer;
        result->mode = RESULT_ROWS;
        return IDC_OK;
    case PGRES_COMMAND_OK:
        idc_conn_note_command(result->conn, result->sql, answer);
        if (idc_int64_parse(PQcmdTuples(answer), &affected))
            result->stats.rows = affected;
        PQclear(answer);
        result->mode = RESULT_ENDED;
        /* An error of a deferred constraint comes after the command itself. */
        return idc_conn_end_statement(result->conn, call, err);
    case PGRES_EMPTY_QUERY:
        PQclear(answer);
        return idc_fail(err, IDC_BAD_VALUE, "the query is empty");
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
        PQclear(answer);
        (void) idc_fail(err, IDC_UNSUPPORTED, "COPY from or to the client is not supported");
        idc_error_set_hint(err, "send the query itself: its result is read as fast as a COPY");
        return IDC_UNSUPPORTED;
    default:
        *is_stale = idc_statement_is_stale(answer);
        run->failed_below = idc_statement_failed_below(answer);
        return idc_conn_fail_statement(result->conn, call, answer, err);
    }
}

/* The answers of what was sent ahead of the statement itself, each ended by a NULL. */
static IdcStatus
read_ahead(IdcResult *result, IdcCall *call, IdcRun *run, int count, bool *is_stale, IdcError *err)
{
    for (int i = 0; i < 2 * count; i++) {
        PGresult *answer = NULL;
        IdcStatus status = idc_conn_next_result(result->conn, call, &answer, err);

        if (status != IDC_OK)
            return status;
        if (i % 2 == 0 && (answer == NULL || PQresultStatus(answer) != PGRES_COMMAND_OK)) {
            *is_stale = answer != NULL && idc_statement_is_stale(answer);
            run->is_unrun = true;
            return idc_conn_fail_statement(result->conn, call, answer, err);
        }
        PQclear(answer);
        if (run->sql != NULL)
            run->is_prepared = true;
    }
    return IDC_OK;
}

static bool
send_pipeline(IdcConn *conn, const IdcRun *run, const IdcBound *bound)
{
    PGconn *libpq = conn->libpq;
    bool is_sent = PQenterPipelineMode(libpq) == 1 &&
                   (run->sql == NULL ||
                    PQsendPrepare(libpq, run->name, run->sql, bound->count, bound->types) == 1) &&
                   (run->guard == NULL || PQsendDescribePrepared(libpq, run->guard) == 1) &&
                   PQsendQueryPrepared(libpq, run->name, bound->count, bound->values,
                                       bound->lengths, bound->formats, !run->is_as_text) == 1 &&
                   PQpipelineSync(libpq) == 1;

    if (!is_sent)
        conn->is_broken = true;
    return is_sent;
}

IdcStatus
idc_result_run(IdcResult *result, IdcCall *call, IdcRun *run, const IdcBound *bound, bool *is_stale,
               IdcError *err)
{
    PGconn *libpq = result->conn->libpq;
    int ahead = 0;
    bool is_sent;
    IdcStatus status = IDC_OK;

    if (run->name[0] == '\0' && !run->in_steps) {
        is_sent = PQsendQueryParams(libpq, run->sql, bound->count, bound->types, bound->values,
                                    bound->lengths, bound->formats, !run->is_as_text) == 1;
    } else if (run->sql == NULL && run->guard == NULL) {
        is_sent = PQsendQueryPrepared(libpq, run->name, bound->count, bound->values, bound->lengths,
                                      bound->formats, !run->is_as_text) == 1;
    } else {
        ahead = (run->sql != NULL) + (run->guard != NULL);
        is_sent = send_pipeline(result->conn, run, bound);
    }
    if (!is_sent)
        return idc_conn_fail(result->conn, NULL, err);
    if (ahead > 0)
        status = read_ahead(result, call, run, ahead, is_stale, err);
    if (status == IDC_OK && PQsetSingleRowMode(libpq) != 1)
        status = idc_conn_fail(result->conn, NULL, err);
    return status == IDC_OK ? idc_result_read_first(result, call, run, is_stale, err) : status;
}

static IdcStatus
start_as_it_is(IdcResult *result, IdcCall *call, const IdcBound *bound, bool *is_stale,
               IdcError *err)
{
    const IdcStatement *statement = result->statement;
    IdcRun run = { .name = statement->name, .is_as_text = statement->is_as_text };

    if (statement->name[0] == '\0')
        run.sql = result->sql;
    return idc_result_run(result, call, &run, bound, is_stale, err);
}

/*
 * The types of the wrapped statement would not change with those of the statement inside it, so
 * the server is asked to describe that one too. is_refused: the wrap is the reason of the error,
 * and nothing was executed; a function of the user may raise the same SQLSTATE when it was.
 */
static IdcStatus
start_wrapped(IdcResult *result, IdcCall *call, const IdcBound *bound, bool is_known,
              bool *is_stale, bool *is_refused, IdcError *err)
{
    IdcStatement *statement = result->statement;
    char name[IDC_STATEMENT_NAME_SIZE];
    IdcRun run = { .name = "", .in_steps = true };
    bool is_prepared = statement->wrapped_name[0] != '\0';
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    (void) memcpy(name, statement->wrapped_name, sizeof name);
    if (is_known && !is_prepared)
        idc_statement_cache_name(result->conn->statements, name);
    if (!is_prepared) {
        idc_result_append_statement(&text, result);
        run.sql = idc_text_string(&text);
    }
    if (is_known) {
        run.name = name;
        run.guard = statement->name;
    }
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_result_run(result, call, &run, bound, is_stale, err);
    idc_text_done(&text);
    *is_refused = status != IDC_OK && run.is_unrun && !*is_stale && idc_result_is_refusal(err) &&
                  idc_conn_is_usable(result->conn);
    if (run.is_prepared)
        (void) memcpy(statement->wrapped_name, name, sizeof name);
    return status;
}

IdcStatus
idc_result_start_extended(IdcResult *result, IdcCall *call, const IdcBound *bound, bool is_known,
                          bool *is_stale, IdcError *err)
{
    IdcStatement *statement = result->statement;
    bool can_wrap = idc_statement_is_query(result->sql) || is_change(result->sql);
    bool is_refused = false;
    IdcStatus status;

    if (!statement->description.needs_wrap)
        return start_as_it_is(result, call, bound, is_stale, err);
    if (can_wrap) {
        status = start_wrapped(result, call, bound, is_known, is_stale, &is_refused, err);
        if (status == IDC_OK || !is_refused)
            return status;
    }
    /* FETCH, EXECUTE, WITH … INSERT RETURNING with a type that no decoder knows. */
    idc_describe_as_text(&statement->description);
    statement->is_as_text = true;
    return start_as_it_is(result, call, bound, is_stale, err);
}
