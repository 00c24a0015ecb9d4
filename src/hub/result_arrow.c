/*
 * result_arrow.c - SELECT instant.arrow_with(options, query, parameters…), row by row.
 *
 * The answer's rows are bytea values: the schema, a record batch each, the end of the stream. They
 * stay where libpq put them (aligned to 8), and each batch keeps its PGresult until it is released.
 */
#include "hub/result_arrow.h"

#include <string.h>

#include "arrow/schema_copy.h"
#include "hub/conn_private.h"
#include "hub/statement.h"

/* A function of PostgreSQL has 100 arguments at most, and two are ours. */
#define PARAMETERS_MAX 98

/*
 * What the hub is asked for. libpq's buffer grows to twice the largest message and never shrinks,
 * and a batch that is copied into a DataFrame's columns should still be in the cache.
 */
#define STREAM_BATCH_BYTES (4 * 1024 * 1024)
#define GATHER_BATCH_BYTES (2 * 1024 * 1024)
#define GATHER_BATCH_ROWS (1024 * 1024)

/* After so many small results a statement is prepared itself. */
#define SMALL_RUNS 2

/* PostgreSQL's OIDs (pg_type.dat). */
#define TEXT_OID 25
#define JSONB_OID 3802

/*
 * Where there are few rows, a prepared statement beats a call of the extension; but the round trip
 * that describes it is only worth it for a statement that runs again and again.
 */
static bool
is_better_prepared(const IdcResult *result, const IdcStatement *known)
{
    return known != NULL && known->last_rows >= 0 && known->last_rows <= IDC_SMALL_RESULT_ROWS &&
           (known->name[0] != '\0' || (known->small_runs >= SMALL_RUNS &&
                                       idc_statement_cache_has_names(result->conn->statements)));
}

bool
idc_arrow_is_wanted(const IdcResult *result, const IdcStatement *known,
                    const IdcSqlParameter *parameters, size_t parameter_count)
{
    const IdcResultOptions *options = &result->options;

    if (options->transfer == IDC_TRANSFER_COPY ||
        result->conn->extension != IDC_EXTENSION_PRESENT || parameter_count > PARAMETERS_MAX ||
        !idc_statement_is_query(result->sql) || (known != NULL && known->is_arrow_refused))
        return false;
    /* The extension would take another type for it where the query wants one. */
    for (size_t i = 0; i < parameter_count; i++)
        if (parameters[i].type_oid == TEXT_OID)
            return false;
    return options->transfer == IDC_TRANSFER_ARROW || options->dictionary != IDC_DICTIONARY_OFF ||
           !is_better_prepared(result, known);
}

/* ---- what is sent ---- */

static const char *
compression_word(const IdcResult *result)
{
    switch (result->options.compression) {
    case IDC_COMPRESSION_LZ4:
        return "lz4";
    case IDC_COMPRESSION_ZSTD:
        return "zstd";
    case IDC_COMPRESSION_AUTO:
        return result->conn->is_remote && idc_ipc_can_compress(IDC_IPC_LZ4) ? "lz4" : "none";
    default:
        return "none";
    }
}

static int64_t
at_most(int64_t number, int64_t most)
{
    return number > 0 && number < most ? number : most;
}

static const char *
options_json(const IdcResult *result)
{
    static const char *const numeric_words[] = { "float64", "decimal", "string" };
    const IdcResultOptions *options = &result->options;
    bool is_gathered = options->batch.single_batch;
    int64_t rows = is_gathered ? GATHER_BATCH_ROWS : at_most(options->batch.batch_rows, INT32_MAX);
    int64_t first = options->batch.first_batch_rows;
    int64_t bytes =
        is_gathered ? GATHER_BATCH_BYTES : at_most(options->batch.batch_bytes, STREAM_BATCH_BYTES);

    return idc_arena_printf(
        result->arena,
        "{\"numeric\":\"%s\",\"unrepresentable\":\"%s\",\"text\":\"%s\",\"dictionary\":\"%s\","
        "\"compression\":\"%s\",\"batch_rows\":%lld,\"batch_bytes\":%lld,\"first_batch_rows\":%"
        "lld}",
        numeric_words[options->numeric], options->batch.fail_unrepresentable ? "error" : "null",
        is_gathered ? "utf8" : "large_utf8",
        options->dictionary == IDC_DICTIONARY_AUTO ? "auto" : "off", compression_word(result),
        (long long) rows, (long long) bytes,
        (long long) (is_gathered || first == 0 ? rows : at_most(rows, first)));
}

/* Text, and what has no type of its own, takes the type that the query gives it. */
static IdcStatus
wrap_parameters(IdcResult *result, const IdcSqlParameter *parameters, size_t count,
                IdcSqlParameter **wrapped, IdcError *err)
{
    IdcSqlParameter *made = idc_arena_alloc_array(result->arena, count + 2, sizeof *made);
    const char *json = options_json(result);

    if (made == NULL || json == NULL)
        return idc_fail_no_memory(err);
    made[0] = (IdcSqlParameter){ .type_oid = JSONB_OID, .data = json, .len = (int) strlen(json) };
    made[1] = (IdcSqlParameter){ .type_oid = TEXT_OID,
                                 .data = result->sql,
                                 .len = (int) strlen(result->sql) };
    for (size_t i = 0; i < count; i++) {
        made[i + 2] = parameters[i];
        if (parameters[i].type_oid == 0)
            made[i + 2].type_oid = TEXT_OID;
    }
    *wrapped = made;
    return IDC_OK;
}

static IdcStatus
append_call(IdcText *text, size_t parameter_count, IdcError *err)
{
    idc_text_append(text, "SELECT instant.arrow_with($1,$2");
    for (size_t i = 0; i < parameter_count; i++)
        idc_text_append_format(text, ",$%zu", i + 3);
    idc_text_append_char(text, ')');
    return idc_text_check(text, err);
}

/* The call for parameters of these types is prepared once a session, and then kept. */
static IdcStatus
run_call(IdcResult *result, IdcCall *call, const IdcSqlParameter *wrapped, size_t count,
         IdcRun *run, bool *is_stale, IdcError *err)
{
    IdcStatementCache *cache = result->conn->statements;
    IdcStatement *statement = NULL;
    IdcBound bound = { 0 };
    IdcText text;
    IdcStatus status;

    *run = (IdcRun){ 0 };
    idc_text_init(&text, 0);
    status = append_call(&text, count - 2, err);
    if (status == IDC_OK)
        status = idc_result_bind(result->arena, wrapped, count, &bound, err);
    if (status == IDC_OK) {
        statement = idc_statement_cache_find(cache, idc_text_string(&text), wrapped, count,
                                             IDC_NUMERIC_FLOAT64);
        if (statement != NULL)
            (void) idc_statement_hold(statement);
        else
            status = idc_statement_new(idc_text_string(&text), wrapped, count, IDC_NUMERIC_FLOAT64,
                                       &statement, err);
    }
    if (status == IDC_OK) {
        bool is_new = statement->name[0] == '\0';

        if (is_new) {
            idc_statement_cache_name(cache, statement->name);
            run->sql = idc_text_string(&text);
        }
        run->name = statement->name;
        status = idc_result_run(result, call, run, &bound, is_stale, err);
        if (is_new && run->is_prepared)
            idc_statement_cache_keep(cache, statement);
        if (*is_stale)
            idc_statement_cache_forget(cache, statement);
    }
    idc_statement_free(statement);
    idc_text_done(&text);
    return status;
}

/* ---- what comes ---- */

static void
release_answer(void *handle)
{
    PQclear(handle);
}

/* One row: a piece of the stream. Takes the answer. */
static IdcStatus
read_piece(IdcResult *result, PGresult *answer, int64_t *bytes, struct ArrowArray *batch,
           IdcError *err)
{
    const uint8_t *piece;
    int len;

    if (PQntuples(answer) != 1 || PQnfields(answer) != 1 || PQfformat(answer, 0) != 1 ||
        PQgetisnull(answer, 0, 0)) {
        PQclear(answer);
        return idc_fail(err, IDC_SOURCE_FAILED, "the hub's extension sent no Arrow data");
    }
    piece = (const uint8_t *) PQgetvalue(answer, 0, 0);
    len = PQgetlength(answer, 0, 0);
    *bytes += len;
    return idc_ipc_read(result->ipc, piece, (size_t) len, (IdcIpcOwner){ release_answer, answer },
                        batch, err);
}

/* A batch that was read goes to the reader of the stream, or behind those before it. */
static IdcStatus
take_piece(IdcResult *result, struct ArrowArray *batch, IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (batch->release == NULL)
        return IDC_OK;
    if (result->gather == NULL && batch->length > 0) {
        result->ready = *batch;
        return IDC_OK;
    }
    if (result->gather != NULL) {
        result->gathered_rows += batch->length;
        status = idc_gather_append(result->gather, batch, err);
    }
    batch->release(batch);
    return status;
}

static IdcStatus
finish(IdcResult *result, PGresult *answer, IdcError *err)
{
    IdcStatus status;

    idc_conn_note_command(result->conn, result->sql, answer);
    PQclear(answer);
    if (!idc_ipc_reader_is_complete(result->ipc)) {
        result->conn->is_broken = true;
        return idc_fail(err, IDC_CONNECTION_FAILED,
                        "the answer of the hub was cut off after %lld rows",
                        (long long) (result->stats.rows + result->gathered_rows));
    }
    status = idc_conn_end_statement(result->conn, result->call, err);
    if (status == IDC_OK && result->gathered_rows > 0)
        status = idc_gather_finish(result->gather, &result->ready, err);
    if (status != IDC_OK)
        return status;
    idc_statement_note_rows(result->statement, result->stats.rows + result->gathered_rows);
    result->mode = RESULT_ENDED;
    idc_result_release_conn(result);
    return IDC_OK;
}

IdcStatus
idc_arrow_read(IdcResult *result, int64_t *bytes, IdcError *err)
{
    while (result->mode == RESULT_ARROW && result->ready.release == NULL) {
        struct ArrowArray batch = { 0 };
        PGresult *answer = NULL;
        IdcStatus status = idc_conn_next_result(result->conn, result->call, &answer, err);

        if (status != IDC_OK)
            return status;
        switch (answer != NULL ? PQresultStatus(answer) : PGRES_FATAL_ERROR) {
        case PGRES_SINGLE_TUPLE:
            status = read_piece(result, answer, bytes, &batch, err);
            if (status == IDC_OK)
                status = take_piece(result, &batch, err);
            break;
        case PGRES_TUPLES_OK:
            return finish(result, answer, err);
        default:
            return idc_conn_fail_statement(result->conn, result->call, answer, err);
        }
        if (status != IDC_OK)
            return status;
        if (idc_call_is_cancelled(result->call))
            return idc_fail(err, IDC_CANCELED, "the query was cancelled");
        if (idc_call_remaining_ms(result->call, -1) == 0)
            return idc_fail(err, IDC_TIMEOUT, "timed out");
    }
    return IDC_OK;
}

IdcStatus
idc_arrow_schema(const IdcResult *result, struct ArrowSchema *schema, IdcError *err)
{
    if (result->gather != NULL)
        return idc_gather_schema(result->gather, schema, err);
    return idc_schema_copy(idc_ipc_reader_schema(result->ipc), schema, err);
}

/* ---- opening ---- */

/* The first row has the schema. */
static IdcStatus
read_schema(IdcResult *result, IdcError *err)
{
    struct ArrowArray batch = { 0 };
    PGresult *answer = result->first;
    IdcStatus status;

    result->first = NULL;
    result->mode = RESULT_ARROW;
    status = idc_ipc_reader_new(&result->ipc, err);
    if (status != IDC_OK) {
        PQclear(answer);
        return status;
    }
    status = read_piece(result, answer, &result->stats.bytes, &batch, err);
    if (status != IDC_OK)
        return status;
    if (idc_ipc_reader_schema(result->ipc) == NULL)
        status = idc_fail(err, IDC_SOURCE_FAILED, "the hub's extension sent no schema");
    else if (result->options.batch.single_batch)
        status = idc_gather_new(idc_ipc_reader_schema(result->ipc), &result->gather, err);
    if (status == IDC_OK)
        return take_piece(result, &batch, err);
    if (batch.release != NULL)
        batch.release(&batch);
    return status;
}

/* What the extension says of a statement that it cannot run. */
#define REFUSAL "instant.arrow cannot run "

/*
 * The schema is sent before the query runs, so an error that comes first is one of a query that was
 * not executed. Not so with dictionaries, which the first rows decide on: there such an error may
 * be one of the query's own functions, and a sequence that they used would move twice.
 *
 * What the statement lacks (class 42), what the extension does not do (0A000), or that it is gone,
 * today's way says or does.
 */
static bool
is_refusal(const IdcResult *result, const IdcRun *run, const IdcError *err)
{
    static const char *const others[] = { "0A000", "3F000", "26000", "54023", "22023", "58P01" };

    if (result->options.dictionary != IDC_DICTIONARY_OFF && !run->is_unrun && run->failed_below &&
        strncmp(err->message, REFUSAL, strlen(REFUSAL)) != 0)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(err->sqlstate, others[i]) == 0)
            return true;
    return strncmp(err->sqlstate, "42", 2) == 0;
}

/* What is remembered of the statement: how many rows it gave, whether it was refused. */
static IdcStatus
remember(IdcResult *result, const IdcSqlParameter *parameters, size_t count, IdcError *err)
{
    IdcStatementCache *cache = result->conn->statements;
    IdcStatement *statement =
        idc_statement_cache_find(cache, result->sql, parameters, count, result->options.numeric);
    IdcStatus status;

    if (statement != NULL) {
        result->statement = idc_statement_hold(statement);
        return IDC_OK;
    }
    status = idc_statement_new(result->sql, parameters, count, result->options.numeric,
                               &result->statement, err);
    if (status == IDC_OK)
        idc_statement_cache_keep(cache, result->statement);
    return status;
}

IdcStatus
idc_arrow_start(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
                size_t parameter_count, bool *is_refused, IdcError *err)
{
    bool was_idle = PQtransactionStatus(result->conn->libpq) == PQTRANS_IDLE;
    bool is_stale = false;
    IdcRun run = { 0 };
    IdcSqlParameter *wrapped = NULL;
    IdcStatus status = idc_statement_cache_sweep(result->conn->statements, result->conn, call, err);

    if (status == IDC_OK)
        status = wrap_parameters(result, parameters, parameter_count, &wrapped, err);
    if (status == IDC_OK)
        status = run_call(result, call, wrapped, parameter_count + 2, &run, &is_stale, err);
    if (is_stale && was_idle && idc_conn_is_usable(result->conn)) {
        idc_statement_cache_note_loss(result->conn->statements);
        is_stale = false;
        status = run_call(result, call, wrapped, parameter_count + 2, &run, &is_stale, err);
    }
    if (status != IDC_OK) {
        *is_refused = was_idle && idc_conn_is_usable(result->conn) && is_refusal(result, &run, err);
        return status;
    }
    status = remember(result, parameters, parameter_count, err);
    return status == IDC_OK ? read_schema(result, err) : status;
}
