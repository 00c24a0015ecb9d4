/*
 * run.c - running a query, and the stream of what it answers.
 *
 * In:   SQL, options, and rows of parameters
 * Out:  an ArrowArrayStream; errors in the middle of it with all that libinstant knows of them
 */
#include "adbc/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * is_open: inner is the stream of the run under way. error and code: why the stream ended; error is
 * of ADBC 1.1, so it has details. schema: of the first run, which every later one has to match.
 */
typedef struct Run {
    AdbcOperation *operation;
    char *sql;
    AdbcOptions options;
    AdbcRows *rows;
    struct ArrowArrayStream inner;
    bool is_open;
    struct ArrowSchema schema;
    struct AdbcError error;
    AdbcStatusCode code;
} Run;

static void
run_free(Run *run)
{
    if (run == NULL)
        return;
    if (run->is_open)
        run->inner.release(&run->inner);
    idc_adbc_operation_end(run->operation);
    idc_adbc_rows_free(run->rows);
    idc_adbc_options_done(&run->options);
    if (run->schema.release != NULL)
        run->schema.release(&run->schema);
    if (run->error.release != NULL)
        run->error.release(&run->error);
    free(run->sql);
    free(run);
}

static Run *
run_new(const AdbcRun *request, struct AdbcError *error)
{
    Run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        idc_adbc_rows_free(request->rows);
        (void) idc_adbc_fail_no_memory(error);
        return NULL;
    }
    run->error = (struct AdbcError){ .vendor_code = ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA };
    run->rows = request->rows;
    run->sql = strdup(request->sql);
    run->operation = idc_adbc_operation_begin(request->session, request->owner);
    if (run->sql == NULL || run->operation == NULL ||
        !idc_adbc_options_copy(request->options, &run->options)) {
        run_free(run);
        (void) idc_adbc_fail_no_memory(error);
        return NULL;
    }
    return run;
}

static AdbcStatusCode
open_inner(Run *run, const InstantParameter *parameters, size_t count, struct AdbcError *error)
{
    InstantConnector *connector = idc_adbc_operation_connector(run->operation);
    InstantResult *result = NULL;
    InstantError err = { 0 };

    if (connector == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the connection was released before the last row of parameters");
    if (instant_query(connector, run->sql, parameters, count, run->options.items,
                      run->options.count, idc_adbc_operation_call(run->operation), &result,
                      &err) != INSTANT_OK)
        return idc_adbc_fail_instant(error, &err);
    idc_adbc_operation_watch(run->operation, result);
    if (instant_result_stream(result, &run->inner, &err) != INSTANT_OK)
        return idc_adbc_fail_instant(error, &err);
    run->is_open = true;
    return ADBC_STATUS_OK;
}

/* Open the run of the next row of parameters; *has_run false: there is none. */
static AdbcStatusCode
open_next(Run *run, bool *has_run, struct AdbcError *error)
{
    const InstantParameter *parameters = NULL;
    size_t count = 0;
    AdbcStatusCode code = ADBC_STATUS_OK;

    *has_run = true;
    if (run->is_open)
        run->inner.release(&run->inner);
    run->is_open = false;
    if (run->rows != NULL)
        code = idc_adbc_rows_next(run->rows, has_run, &parameters, &count, error);
    if (code != ADBC_STATUS_OK || !*has_run)
        return code;
    return open_inner(run, parameters, count, error);
}

/* What the stream under way failed with. */
static AdbcStatusCode
inner_error(Run *run, int number, struct AdbcError *error)
{
    InstantError err = { 0 };

    instant_result_error(idc_adbc_operation_result(run->operation), &err);
    if (err.status != INSTANT_OK)
        return idc_adbc_fail_instant(error, &err);
    return idc_adbc_fail(error, ADBC_STATUS_INTERNAL, NULL, "the result cannot be read: %s",
                         strerror(number));
}

/* ---- the schema ---- */

static bool
schemas_agree(const struct ArrowSchema *one, const struct ArrowSchema *other)
{
    if (strcmp(one->format, other->format) != 0 || one->n_children != other->n_children ||
        (one->dictionary == NULL) != (other->dictionary == NULL))
        return false;
    for (int64_t i = 0; i < one->n_children; i++)
        if (!schemas_agree(one->children[i], other->children[i]))
            return false;
    return one->dictionary == NULL || schemas_agree(one->dictionary, other->dictionary);
}

static AdbcStatusCode
check_schema(Run *run, struct AdbcError *error)
{
    struct ArrowSchema schema = { 0 };
    AdbcStatusCode code = ADBC_STATUS_OK;
    int number = run->inner.get_schema(&run->inner, &schema);

    if (number != 0)
        return inner_error(run, number, error);
    if (run->schema.release == NULL) {
        run->schema = schema;
        return ADBC_STATUS_OK;
    }
    if (!schemas_agree(&run->schema, &schema))
        code = idc_adbc_fail(error, ADBC_STATUS_INVALID_DATA, "42804",
                             "the columns have other types for this row of parameters than for the "
                             "first\nhint: cast the parameters, as in $1::bigint");
    schema.release(&schema);
    return code;
}

/* ---- the stream ---- */

static int
errno_of(AdbcStatusCode code)
{
    switch (code) {
    case ADBC_STATUS_OK:
        return 0;
    case ADBC_STATUS_CANCELLED:
        return ECANCELED;
    case ADBC_STATUS_TIMEOUT:
        return ETIMEDOUT;
    case ADBC_STATUS_INVALID_ARGUMENT:
    case ADBC_STATUS_INVALID_DATA:
    case ADBC_STATUS_INVALID_STATE:
        return EINVAL;
    default:
        return EIO;
    }
}

static int
run_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    Run *run = stream->private_data;
    int number;

    /* Without a single row of parameters nothing ran: no columns. */
    if (!run->is_open && run->code == ADBC_STATUS_OK && run->schema.release == NULL) {
        struct ArrowArrayStream nothing = { 0 };
        static const AdbcField no_columns = { "", "+s", true, NULL, 0 };

        run->code = idc_adbc_table_stream(idc_adbc_table_new(&no_columns), &nothing, &run->error);
        if (run->code != ADBC_STATUS_OK)
            return ENOMEM;
        number = nothing.get_schema(&nothing, schema);
        nothing.release(&nothing);
        return number;
    }
    if (!run->is_open)
        return errno_of(run->code != ADBC_STATUS_OK ? run->code : ADBC_STATUS_INVALID_STATE);
    number = run->inner.get_schema(&run->inner, schema);
    if (number != 0)
        run->code = inner_error(run, number, &run->error);
    return number;
}

static int
run_get_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    Run *run = stream->private_data;

    batch->release = NULL;
    while (run->code == ADBC_STATUS_OK && run->is_open) {
        bool has_run = false;
        int number = run->inner.get_next(&run->inner, batch);

        if (number != 0)
            run->code = inner_error(run, number, &run->error);
        else if (batch->release != NULL || run->rows == NULL)
            break;
        if (run->code == ADBC_STATUS_OK)
            run->code = open_next(run, &has_run, &run->error);
        if (run->code == ADBC_STATUS_OK && has_run)
            run->code = check_schema(run, &run->error);
    }
    return errno_of(run->code);
}

static const char *
run_get_last_error(struct ArrowArrayStream *stream)
{
    Run *run = stream->private_data;

    return run->code == ADBC_STATUS_OK ? NULL : run->error.message;
}

static void
run_release(struct ArrowArrayStream *stream)
{
    run_free(stream->private_data);
    stream->release = NULL;
    stream->private_data = NULL;
}

const struct AdbcError *
idc_adbc_run_error(struct ArrowArrayStream *stream, AdbcStatusCode *code)
{
    Run *run = stream->release == run_release ? stream->private_data : NULL;

    if (run == NULL || run->code == ADBC_STATUS_OK)
        return NULL;
    if (code != NULL)
        *code = run->code;
    return &run->error;
}

/* ---- running ---- */

static int64_t
row_count_of(const Run *run)
{
    InstantStats stats = { 0 };

    instant_result_stats(idc_adbc_operation_result(run->operation), &stats);
    return stats.rows;
}

AdbcStatusCode
idc_adbc_run_stream(const AdbcRun *request, struct ArrowArrayStream *stream, int64_t *affected,
                    struct AdbcError *error)
{
    Run *run = run_new(request, error);
    bool has_run = false;
    AdbcStatusCode code;

    if (run == NULL)
        return ADBC_STATUS_IO;
    code = open_next(run, &has_run, error);
    if (code == ADBC_STATUS_OK && has_run)
        code = check_schema(run, error);
    if (code != ADBC_STATUS_OK) {
        run_free(run);
        return code;
    }
    *affected = has_run && run->schema.n_children == 0 ? row_count_of(run) : -1;
    *stream = (struct ArrowArrayStream){ .get_schema = run_get_schema,
                                         .get_next = run_get_next,
                                         .get_last_error = run_get_last_error,
                                         .release = run_release,
                                         .private_data = run };
    return ADBC_STATUS_OK;
}

static AdbcStatusCode
drain(Run *run, struct AdbcError *error)
{
    struct ArrowArray batch = { 0 };

    for (;;) {
        int number = run->inner.get_next(&run->inner, &batch);

        if (number != 0)
            return inner_error(run, number, error);
        if (batch.release == NULL)
            return ADBC_STATUS_OK;
        batch.release(&batch);
    }
}

AdbcStatusCode
idc_adbc_run_all(const AdbcRun *request, int64_t *affected, struct AdbcError *error)
{
    Run *run = run_new(request, error);
    int64_t total = 0;
    bool has_run = true;
    AdbcStatusCode code = ADBC_STATUS_OK;

    if (run == NULL)
        return ADBC_STATUS_IO;
    while (code == ADBC_STATUS_OK && has_run) {
        code = open_next(run, &has_run, error);
        if (code == ADBC_STATUS_OK && has_run)
            code = drain(run, error);
        if (code == ADBC_STATUS_OK && has_run)
            total += row_count_of(run);
        has_run = has_run && run->rows != NULL;
    }
    run_free(run);
    if (code == ADBC_STATUS_OK)
        *affected = total;
    return code;
}
