/*
 * result_open.c - which way a statement takes, and starting it.
 *
 * In:   a connection, SQL, parameters
 * Out:  a result in one of its modes
 * Next: hub/result_read.c
 */
#include <string.h>

#include "hub/conn_private.h"
#include "hub/result_private.h"
#include "hub/statement.h"

/* What COPY (…) and a subquery accept. */
static bool
is_query(const char *sql)
{
    return idc_statement_begins(sql, "SELECT") || idc_statement_begins(sql, "WITH") ||
           idc_statement_begins(sql, "VALUES") || idc_statement_begins(sql, "TABLE");
}

/* What WITH name AS (…) accepts besides. */
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
static void
append_statement(IdcText *text, const IdcResult *result)
{
    const IdcDescription *description = &result->description;
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

/* COPY and wrapping refuse some statements that run by themselves: SELECT INTO, WITH … INSERT. */
static bool
is_refusal(const IdcError *err)
{
    return strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "42601") == 0;
}

/* Read away what follows an error, so that the session is idle again. */
static IdcStatus
finish_failed(IdcConn *conn, IdcCall *call, PGresult *failed, IdcError *err)
{
    IdcStatus status = idc_conn_fail(conn, failed, err);

    while (failed != NULL) {
        PQclear(failed);
        failed = NULL;
        if (PQstatus(conn->libpq) == CONNECTION_OK &&
            idc_conn_next_result(conn, call, &failed, NULL) != IDC_OK)
            break;
    }
    return status;
}

static IdcStatus
start_copy(IdcResult *result, IdcCall *call, IdcError *err)
{
    PGconn *libpq = result->conn->libpq;
    PGresult *answer = NULL;
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    idc_text_append(&text, "COPY (");
    append_statement(&text, result);
    idc_text_append(&text, ") TO STDOUT (FORMAT binary)");
    status = idc_text_check(&text, err);
    if (status == IDC_OK && PQsendQuery(libpq, idc_text_string(&text)) != 1)
        status = idc_conn_fail(result->conn, NULL, err);
    idc_text_done(&text);
    if (status == IDC_OK)
        status = idc_conn_next_result(result->conn, call, &answer, err);
    if (status != IDC_OK)
        return status;
    if (answer == NULL || PQresultStatus(answer) != PGRES_COPY_OUT)
        return finish_failed(result->conn, call, answer, err);
    PQclear(answer);
    result->mode = RESULT_COPY;
    return IDC_OK;
}

typedef struct Bound {
    Oid *types;
    const char **values;
    int *lengths, *formats;
    int count;
} Bound;

static IdcStatus
bind(IdcArena *arena, const IdcSqlParameter *parameters, size_t count, Bound *bound, IdcError *err)
{
    bound->types = idc_arena_alloc_array(arena, count + 1, sizeof *bound->types);
    bound->values = idc_arena_alloc_array(arena, count + 1, sizeof *bound->values);
    bound->lengths = idc_arena_alloc_array(arena, count + 1, sizeof *bound->lengths);
    bound->formats = idc_arena_alloc_array(arena, count + 1, sizeof *bound->formats);
    if (bound->types == NULL || bound->values == NULL || bound->lengths == NULL ||
        bound->formats == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        bound->types[i] = parameters[i].type_oid;
        bound->values[i] = parameters[i].data;
        bound->lengths[i] = parameters[i].len;
        bound->formats[i] = parameters[i].is_binary;
    }
    bound->count = (int) count;
    return IDC_OK;
}

/* The first answer tells whether rows come or the statement is done. */
static IdcStatus
read_first(IdcResult *result, IdcCall *call, IdcError *err)
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
        answer = NULL;
        /* An error of a deferred constraint comes after the command itself. */
        status = idc_conn_next_result(result->conn, call, &answer, err);
        if (status == IDC_OK && answer != NULL)
            return finish_failed(result->conn, call, answer, err);
        result->mode = RESULT_ENDED;
        return status;
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
        return finish_failed(result->conn, call, answer, err);
    }
}

/* is_wrapped: with the wrap that the columns need; as_text: the server sends text. */
static IdcStatus
start_rows(IdcResult *result, IdcCall *call, const Bound *bound, bool is_wrapped, bool as_text,
           IdcError *err)
{
    PGconn *libpq = result->conn->libpq;
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    if (is_wrapped)
        append_statement(&text, result);
    else
        idc_text_append(&text, result->sql);
    status = idc_text_check(&text, err);
    if (status == IDC_OK &&
        (PQsendQueryParams(libpq, idc_text_string(&text), bound->count, bound->types, bound->values,
                           bound->lengths, bound->formats, as_text ? 0 : 1) != 1 ||
         PQsetSingleRowMode(libpq) != 1))
        status = idc_conn_fail(result->conn, NULL, err);
    idc_text_done(&text);
    return status == IDC_OK ? read_first(result, call, err) : status;
}

static IdcStatus
start_extended(IdcResult *result, IdcCall *call, const Bound *bound, IdcError *err)
{
    IdcDescription *description = &result->description;
    bool can_wrap = is_query(result->sql) || is_change(result->sql);
    IdcStatus status;

    if (!description->needs_wrap)
        return start_rows(result, call, bound, false, false, err);
    if (can_wrap) {
        status = start_rows(result, call, bound, true, false, err);
        if (status == IDC_OK || !is_refusal(err) || !idc_conn_is_usable(result->conn))
            return status;
    }
    /* FETCH, EXECUTE, WITH … INSERT RETURNING with a type that no decoder knows. */
    idc_describe_as_text(description);
    return start_rows(result, call, bound, false, true, err);
}

static IdcStatus
make_builder(IdcResult *result, IdcError *err)
{
    IdcStatus status =
        idc_batch_builder_new(result->description.specs, result->description.column_count,
                              &result->options.batch, &result->builder, err);

    if (status == IDC_OK && result->mode == RESULT_COPY)
        status = idc_copy_reader_new(result->builder, &result->reader, err);
    return status;
}

IdcStatus
idc_result_start(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
                 size_t parameter_count, IdcError *err)
{
    IdcDescription *description = &result->description;
    Bound bound = { 0 };
    IdcStatus status;

    if (parameter_count > UINT16_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "%zu parameters, 65535 at most", parameter_count);
    status = idc_describe(result->conn, call, result->arena, "", result->sql, parameters,
                          parameter_count, result->options.numeric, description, err);
    if (status != IDC_OK)
        return status;
    if (description->parameter_count != parameter_count)
        return idc_fail(err, IDC_BAD_VALUE, "the query has %zu parameters, %zu were given",
                        description->parameter_count, parameter_count);
    status = bind(result->arena, parameters, parameter_count, &bound, err);
    if (status != IDC_OK)
        return status;
    if (parameter_count == 0 && description->column_count > 0 && is_query(result->sql)) {
        status = start_copy(result, call, err);
        if (status != IDC_OK && is_refusal(err) && idc_conn_is_usable(result->conn))
            status = start_extended(result, call, &bound, err);
    } else {
        status = start_extended(result, call, &bound, err);
    }
    return status == IDC_OK ? make_builder(result, err) : status;
}
