/*
 * result_calls.c - the public result: a reference to the connector around an IdcResult.
 */
#include <stdlib.h>
#include <string.h>

#include "arrow/writer.h"
#include "connector/connector.h"

IdcStatus
idc_result_wrap(InstantConnector *connector, IdcResult *inner, InstantResult **result,
                IdcError *err)
{
    InstantResult *wrapped = calloc(1, sizeof *wrapped);

    if (wrapped == NULL)
        return idc_fail_no_memory(err);
    wrapped->result = inner;
    wrapped->connector = connector;
    idc_connector_hold(connector);
    *result = wrapped;
    return IDC_OK;
}

IdcStatus
idc_result_wrap_rows(InstantConnector *connector, IdcRows *rows, InstantResult **result,
                     IdcError *err)
{
    int64_t row_count = idc_rows_count(rows);
    struct ArrowArrayStream stream = { 0 };
    IdcResult *inner = NULL;
    IdcStatus status = idc_rows_stream(rows, &stream, err);

    if (status != IDC_OK)
        return status;
    status = idc_result_from_stream(&stream, "", row_count, &inner, err);
    if (status != IDC_OK) {
        stream.release(&stream);
        return status;
    }
    status = idc_result_wrap(connector, inner, result, err);
    if (status != IDC_OK)
        idc_result_free(inner);
    return status;
}

/* A stream that keeps the connector alive until it is released. */
typedef struct HeldStream {
    struct ArrowArrayStream inner;
    InstantConnector *connector;
} HeldStream;

static int
held_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    HeldStream *held = stream->private_data;

    return held->inner.get_schema(&held->inner, out);
}

static int
held_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    HeldStream *held = stream->private_data;

    return held->inner.get_next(&held->inner, out);
}

static const char *
held_get_last_error(struct ArrowArrayStream *stream)
{
    HeldStream *held = stream->private_data;

    return held->inner.get_last_error(&held->inner);
}

static void
held_release(struct ArrowArrayStream *stream)
{
    HeldStream *held = stream->private_data;

    held->inner.release(&held->inner);
    idc_connector_drop(held->connector);
    free(held);
    stream->release = NULL;
}

InstantStatus
instant_result_stream(InstantResult *result, struct ArrowArrayStream *stream, InstantError *err)
{
    HeldStream *held = calloc(1, sizeof *held);
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = held == NULL ? idc_fail_no_memory(&error)
                          : idc_result_stream(result->result, &held->inner, &error);
    if (status != IDC_OK) {
        free(held);
        return idc_status_out(status, &error, err);
    }
    held->connector = result->connector;
    idc_connector_hold(held->connector);
    *stream = (struct ArrowArrayStream){ .get_schema = held_get_schema,
                                         .get_next = held_get_next,
                                         .get_last_error = held_get_last_error,
                                         .release = held_release,
                                         .private_data = held };
    return INSTANT_OK;
}

void
instant_result_error(const InstantResult *result, InstantError *err)
{
    IdcError error;

    idc_error_init(&error);
    idc_result_error(result->result, &error);
    (void) idc_status_out(error.status, &error, err);
}

void
instant_result_stats(const InstantResult *result, InstantStats *stats)
{
    IdcResultStats inner = { 0 };

    idc_result_stats(result->result, &inner);
    *stats = (InstantStats){ .rows = inner.rows,
                             .bytes = inner.bytes,
                             .batches = inner.batches,
                             .unrepresentable = inner.unrepresentable,
                             .connect_us = inner.connect_us,
                             .first_batch_us = inner.first_batch_us,
                             .total_us = inner.total_us };
}

const char *
instant_result_sql(const InstantResult *result)
{
    return idc_result_sql(result->result);
}

void
instant_result_cancel(InstantResult *result)
{
    idc_result_cancel(result->result);
}

void
instant_result_free(InstantResult *result)
{
    if (result == NULL)
        return;
    idc_result_free(result->result);
    idc_connector_drop(result->connector);
    free(result);
}

static IdcStatus
write_options_parse(const InstantOption *options, size_t count, IdcWriteOptions *parsed,
                    IdcError *err)
{
    static const char *const names[] = { "null", "header", "max_width" };
    int64_t width;

    for (size_t i = 0; i < count; i++) {
        const char *key = options[i].key, *value = options[i].value;

        if (strcmp(key, names[0]) == 0) {
            parsed->null_text = value;
        } else if (strcmp(key, names[1]) == 0) {
            if (!idc_bool_parse(value, &parsed->has_header))
                return idc_fail(err, IDC_BAD_VALUE,
                                "option \"header\" is \"%s\", expected true or false", value);
        } else if (strcmp(key, names[2]) == 0) {
            if (!idc_int64_parse(value, &width) || width < 0 || width > INT32_MAX)
                return idc_fail(err, IDC_BAD_VALUE,
                                "option \"max_width\" is \"%s\", expected a whole number", value);
            parsed->max_width = (int) width;
        } else {
            return idc_fail_unknown_option(key, names, 3, err);
        }
    }
    return IDC_OK;
}

InstantStatus
instant_result_write(InstantResult *result, const char *format, int fd,
                     const InstantOption *options, size_t option_count, int64_t *row_count,
                     InstantError *err)
{
    IdcWriteOptions write_options = { .has_header = true };
    struct ArrowArrayStream stream = { 0 };
    IdcError error, cause;
    IdcStatus status;

    idc_error_init(&error);
    status = write_options_parse(options, option_count, &write_options, &error);
    if (status == IDC_OK)
        status = idc_result_stream(result->result, &stream, &error);
    if (status != IDC_OK)
        return idc_status_out(status, &error, err);
    status = idc_stream_write(&stream, format, fd, &write_options, row_count, &error);
    idc_error_init(&cause);
    idc_result_error(result->result, &cause);
    stream.release(&stream);
    if (status != IDC_OK && cause.status != IDC_OK)
        return idc_status_out(cause.status, &cause, err);
    return idc_status_out(status, &error, err);
}

void
instant_string_free(char *text)
{
    free(text);
}
