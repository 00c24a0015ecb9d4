/*
 * scan.c - answers as rows: open and next.
 *
 * In:   exchanges (pages.c), one after the other
 * Out:  rows in the builder
 */
#include "adapters/rest/work.h"

#include <inttypes.h>
#include <string.h>

#include "arrow/keep.h"

enum { HASHED_BYTES = 65536 };

/* What is captured beside the rows, by its number in IdcRowsOptions.captures. */
typedef enum Capture {
    CAPTURE_CURSOR,
    CAPTURE_NEXT,
    CAPTURE_TOTAL,
    CAPTURE_TOTAL_PAGES,
    CAPTURE_HAS_MORE,
    CAPTURE_COUNT
} Capture;

/* A column whose value is that of a parameter of the request. */
typedef struct Fixed {
    size_t column, match;
    IdcValueForm form;
} Fixed;

typedef struct Scan {
    IdcRestPlan plan;
    IdcRestChains chains;
    IdcRestPagesSetup setup;
    IdcRestPages *pages;
    IdcRows *rows;
    int captures[CAPTURE_COUNT]; /* their numbers; -1: not wanted */
    Fixed *fixed;
    size_t fixed_count;
    IdcRestKeys **keys; /* one for each match; NULL where rows need no check */
    IdcHttpExchange *exchange;
    const IdcHttpResponse *response;
    const char *bytes; /* of the body, not consumed yet */
    size_t len;
    uint64_t hash; /* of the beginning of the page's body */
    uint64_t body_len;
    int64_t limit; /* -1: none */
    int64_t row_count;
    bool is_page_open, is_body_end, is_end;
    IdcText keep; /* a bool a row */
} Scan;

/* ---- open ---- */

static IdcEpoch
epoch_of(IdcRestTime time)
{
    static const IdcEpoch epochs[] = {
        [IDC_REST_TIME_ISO] = IDC_EPOCH_NONE,
        [IDC_REST_TIME_S] = IDC_EPOCH_SECONDS,
        [IDC_REST_TIME_MS] = IDC_EPOCH_MILLISECONDS,
        [IDC_REST_TIME_US] = IDC_EPOCH_MICROSECONDS,
    };

    return epochs[time];
}

static const char *
option(const IdcSourceScan *scan, const char *name)
{
    return idc_rest_option(&scan->server->options, &idc_relation_base(scan->relation)->options,
                           name);
}

static IdcStatus
open_columns(IdcSourceScan *scan, Scan *state, IdcRowsColumn *columns, IdcError *err)
{
    const IdcRelation *table = state->plan.scan;

    state->fixed = idc_arena_alloc_array(scan->arena, table->column_count + 1, sizeof(Fixed));
    if (state->fixed == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        IdcRestColumn column;

        idc_rest_column_read(&state->plan.table, &table->columns[i], &column);
        columns[i] = (IdcRowsColumn){
            .name = column.name,
            .path = column.is_from_request ? IDC_ROWS_ABSENT : column.path,
            .form = { .type = table->columns[i].type,
                      .epoch = epoch_of(column.time),
                      .is_base64 = idc_adapter_option_bool(&idc_declaration_rest,
                                                           &table->columns[i].options, "base64") },
        };
        for (size_t m = 0; column.is_from_request && m < state->plan.match_count; m++) {
            const IdcRestMatch *match = &state->plan.matches[m];

            if (match->column_index != i ||
                (match->use != IDC_REST_EQ && match->use != IDC_REST_IN))
                continue;
            state->fixed[state->fixed_count++] =
                (Fixed){ .column = i, .match = m, .form = { .type = table->columns[i].type } };
            break;
        }
    }
    return IDC_OK;
}

static void
want(Scan *state, IdcRowsOptions *options, IdcRowsCapture *captures, Capture capture,
     const char *path, bool is_of_row)
{
    state->captures[capture] = -1;
    if (path == NULL)
        return;
    state->captures[capture] = (int) options->capture_count;
    captures[options->capture_count++] = (IdcRowsCapture){ .path = path, .is_of_row = is_of_row };
}

static IdcStatus
open_rows(IdcSourceScan *scan, Scan *state, IdcError *err)
{
    const IdcRestTable *table = &state->plan.table;
    size_t count = state->plan.scan->column_count;
    IdcRowsColumn *columns = idc_arena_alloc_array(scan->arena, count + 1, sizeof *columns);
    const char *format = option(scan, "format");
    IdcRowsCapture captures[CAPTURE_COUNT];
    IdcRowsOptions options = {
        .path = option(scan, "rows"),
        .missing_is_empty = strcmp(option(scan, "missing_rows"), "empty") == 0,
        .on_error_null = strcmp(option(scan, "on_error"), "null") == 0,
        .nulled = &scan->stats.nulled,
        .row_limit = state->limit > 0 ? state->limit : 0,
        .captures = captures,
        .csv = { .delimiter = option(scan, "delimiter")[0],
                 .no_header = !idc_rest_option_bool(&scan->server->options,
                                                    &state->plan.scan->options, "header"),
                 .null_text = option(scan, "null_text") },
    };
    IdcStatus status;

    if (columns == NULL)
        return idc_fail_no_memory(err);
    if (strcmp(format, "csv") == 0)
        options.format = IDC_ROWS_CSV;
    else if (strcmp(format, "ndjson") == 0)
        options.format = IDC_ROWS_NDJSON;
    want(state, &options, captures, CAPTURE_CURSOR, table->cursor,
         table->paging == IDC_REST_BY_KEY);
    want(state, &options, captures, CAPTURE_NEXT, table->next, false);
    want(state, &options, captures, CAPTURE_TOTAL, table->total, false);
    want(state, &options, captures, CAPTURE_TOTAL_PAGES, table->total_pages, false);
    want(state, &options, captures, CAPTURE_HAS_MORE, table->has_more, false);
    status = open_columns(scan, state, columns, err);
    if (status != IDC_OK)
        return status;
    return idc_rows_new(scan->arena, &options, columns, count, &state->rows, err);
}

/* A match whose list became several requests, of an API that may compare in another way. */
static IdcStatus
open_keys(IdcSourceScan *scan, Scan *state, IdcError *err)
{
    state->keys =
        idc_arena_alloc_array(scan->arena, state->plan.match_count + 1, sizeof(IdcRestKeys *));
    if (state->keys == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < state->plan.match_count; i++) {
        const IdcRestMatch *match = &state->plan.matches[i];
        IdcStatus status;

        if (match->push == IDC_PUSH_EXACT || state->chains.batches[i].count < 2)
            continue;
        status = idc_rest_keys_new(scan->arena, &state->plan.scan->columns[match->column_index],
                                   &state->keys[i], err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
read_number(const IdcExpr *expr, int64_t none, int64_t *number, IdcError *err)
{
    *number = none;
    if (expr == NULL)
        return IDC_OK;
    if (expr->kind != IDC_EXPR_CONSTANT || expr->text == NULL ||
        !idc_int64_parse(expr->text, number) || *number < 0)
        return idc_fail(err, IDC_BAD_VALUE, "LIMIT and OFFSET must not be negative");
    return IDC_OK;
}

static IdcStatus
begin_chain(Scan *state, IdcError *err)
{
    int64_t offset;
    IdcStatus status = read_number(state->plan.offset, 0, &offset, err);

    for (size_t i = 0; i < state->plan.match_count && status == IDC_OK; i++)
        if (state->keys[i] != NULL)
            status = idc_rest_keys_set(state->keys[i], &state->plan.matches[i],
                                       state->chains.slices[i], err);
    if (status == IDC_OK)
        idc_rest_pages_begin(state->pages, state->chains.slices,
                             state->limit < 0 ? -1 : state->limit - state->row_count, offset);
    return status;
}

static IdcStatus
open_parts(IdcSourceScan *scan, Scan *state, IdcError *err)
{
    const IdcRestServer *server = scan->server->state;
    IdcStatus status = idc_rest_chains_init(scan->arena, &state->plan, &state->chains, err);

    if (status == IDC_OK)
        status = open_rows(scan, state, err);
    if (status == IDC_OK)
        status = open_keys(scan, state, err);
    if (status == IDC_OK)
        status = idc_rest_headers(scan->arena, &scan->server->options, &state->plan.scan->options,
                                  &state->setup.headers, &state->setup.header_count, err);
    if (status == IDC_OK)
        status = idc_http_session_open(server->client, scan->arena, scan->call, &scan->stats,
                                       &state->setup.session, err);
    if (status != IDC_OK)
        return status;
    state->setup.plan = &state->plan;
    if (idc_option_value(&state->plan.scan->options, "cache_ttl") != NULL) {
        state->setup.cache_ttl_ms = idc_adapter_option_number(
            &idc_declaration_rest, &state->plan.scan->options, "cache_ttl");
        if (state->setup.cache_ttl_ms == 0)
            state->setup.cache_ttl_ms = -1;
    }
    status = idc_rest_pages_new(scan->arena, &state->setup, &state->pages, err);
    if (status != IDC_OK)
        return status;
    state->is_end = state->plan.is_empty || state->chains.is_empty || state->limit == 0;
    return state->is_end ? IDC_OK : begin_chain(state, err);
}

static void
free_keep(void *keep)
{
    idc_text_done(keep);
}

IdcStatus
idc_rest_open(IdcSourceScan *scan, IdcError *err)
{
    Scan *state = idc_arena_alloc(scan->arena, sizeof *state);
    IdcStatus status;

    if (state == NULL)
        return idc_fail_no_memory(err);
    status = idc_rest_plan(scan->arena, &scan->server->options, scan->relation, &state->plan, err);
    if (status != IDC_OK)
        return status;
    if (state->plan.missing != NULL) {
        (void) idc_fail(err, IDC_UNSUPPORTED, "%s", state->plan.missing);
        if (state->plan.is_missing_known)
            idc_error_set_sqlstate(err, "HV002");
        else
            idc_error_set_hint(err, "its column is the one that is called so, or has it as param");
        return IDC_UNSUPPORTED;
    }
    status = read_number(state->plan.limit, -1, &state->limit, err);
    scan->state = state;
    idc_text_init(&state->keep, 0);
    if (status == IDC_OK && idc_arena_on_free(scan->arena, free_keep, &state->keep) != IDC_OK)
        return idc_fail_no_memory(err);
    return status != IDC_OK ? status : open_parts(scan, state, err);
}

/* ---- rows after they were read ---- */

static IdcStatus
fill_fixed(Scan *state, IdcBatchBuilder *builder, int64_t before, IdcError *err)
{
    for (size_t i = 0; i < state->fixed_count; i++) {
        const Fixed *fixed = &state->fixed[i];
        IdcRestSlice slice = state->chains.slices[fixed->match];
        const char *text =
            idc_rest_match_value(&state->plan.matches[fixed->match], slice.first)->text;
        IdcColumn *column = &builder->columns[fixed->column];
        size_t len = strlen(text);
        IdcValueProblem problem = { 0 };

        idc_column_truncate(column, before);
        while (column->length < builder->row_count) {
            IdcFit fit = idc_value_append_text(&fixed->form, column, text, len, len,
                                               &builder->state.scratch, &problem);

            if (fit == IDC_FITS_NO_MEMORY)
                return idc_fail_no_memory(err);
            if (fit != IDC_FITS)
                return idc_fail(err, IDC_BAD_VALUE,
                                "the value asked for does not fit column \"%s\": %s",
                                state->plan.scan->columns[fixed->column].name,
                                problem.reason != NULL ? problem.reason : "it has no form here");
        }
    }
    return IDC_OK;
}

static IdcStatus
check_keys(Scan *state, IdcBatchBuilder *builder, int64_t before, IdcError *err)
{
    int64_t count = builder->row_count - before;
    bool has_keys = false, *keep;

    for (size_t i = 0; i < state->plan.match_count; i++)
        has_keys = has_keys || state->keys[i] != NULL;
    if (!has_keys || count == 0)
        return IDC_OK;
    idc_text_clear(&state->keep);
    for (int64_t row = 0; row < count; row++)
        idc_text_append_char(&state->keep, true);
    if (idc_text_check(&state->keep, err) != IDC_OK)
        return IDC_NO_MEMORY;
    keep = (bool *) state->keep.data;
    for (size_t i = 0; i < state->plan.match_count; i++)
        for (int64_t row = 0; state->keys[i] != NULL && row < count; row++)
            if (!idc_rest_keys_have(state->keys[i],
                                    &builder->columns[state->plan.matches[i].column_index],
                                    before + row))
                keep[row] = false;
    idc_batch_keep_rows(builder, before, keep);
    return IDC_OK;
}

static IdcStatus
after_rows(Scan *state, IdcBatchBuilder *builder, int64_t before, IdcError *err)
{
    IdcStatus status = fill_fixed(state, builder, before, err);

    if (status == IDC_OK)
        status = check_keys(state, builder, before, err);
    state->row_count += builder->row_count - before;
    return status;
}

/* ---- next ---- */

/* Lines have no end of their own: without a length a cut answer looks like a whole one. */
static IdcStatus
check_end_is_known(const Scan *state, IdcError *err)
{
    if (state->plan.table.is_document || state->response->has_known_end)
        return IDC_OK;
    return idc_fail(err, IDC_SOURCE_FAILED,
                    "the answer says nowhere where it ends (neither Content-Length nor chunks), so "
                    "its rows may not be all");
}

static IdcStatus
open_page(Scan *state, IdcError *err)
{
    IdcStatus status = idc_rest_pages_open(state->pages, &state->exchange, err);

    if (status == IDC_OK)
        status = idc_rest_pages_ahead(state->pages, 0, err);
    if (status == IDC_OK)
        status = idc_http_response(state->exchange, &state->response, err);
    if (status != IDC_OK)
        return status;
    idc_rows_begin(state->rows);
    state->len = 0;
    state->hash = state->body_len = 0;
    state->is_body_end = false;
    state->is_page_open = true;
    return check_end_is_known(state, err);
}

static IdcRowsCaptured
captured(const Scan *state, Capture capture)
{
    if (state->captures[capture] < 0)
        return (IdcRowsCaptured){ 0 };
    return idc_rows_captured(state->rows, (size_t) state->captures[capture]);
}

static IdcStatus
end_page(Scan *state, IdcError *err)
{
    bool has_body = state->response->status != 404 && state->response->status != 204;
    IdcRestPageEnd end = {
        .rows = has_body ? idc_rows_count(state->rows) : 0,
        .response = has_body ? state->response : NULL,
        .body_hash = state->hash ^ state->body_len,
    };
    bool has_next;
    IdcStatus status;

    if (has_body) {
        end.cursor = captured(state, CAPTURE_CURSOR);
        end.next = captured(state, CAPTURE_NEXT);
        end.total = captured(state, CAPTURE_TOTAL);
        end.total_pages = captured(state, CAPTURE_TOTAL_PAGES);
        end.has_more = captured(state, CAPTURE_HAS_MORE);
    }
    state->is_page_open = false;
    status = idc_rest_pages_end(state->pages, &end, &has_next, err);
    if (status != IDC_OK || has_next)
        return status;
    state->is_end = idc_rows_is_done(state->rows) || !idc_rest_chains_next(&state->chains);
    return state->is_end ? IDC_OK : begin_chain(state, err);
}

/* Pages that begin alike and are of one length are the same, for what idc_rest_pages_end asks. */
static void
add_hash(Scan *state, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && state->body_len + i < HASHED_BYTES; i++)
        state->hash = (state->hash ^ (unsigned char) bytes[i]) * UINT64_C(1099511628211);
    state->body_len += len;
}

/* The next bytes of the body; an answer without rows has none that count. */
static IdcStatus
read_body(Scan *state, IdcError *err)
{
    const void *bytes;
    IdcStatus status =
        idc_http_read(state->exchange, &bytes, &state->len, &state->is_body_end, err);

    if (status != IDC_OK)
        return status;
    state->bytes = bytes;
    if (state->response->status == 404 || state->response->status == 204)
        state->len = 0;
    else
        add_hash(state, state->bytes, state->len);
    return IDC_OK;
}

/* What is there of the body as rows; *is_full: the builder has no room for more. */
static IdcStatus
feed(Scan *state, IdcBatchBuilder *builder, bool *is_full, IdcError *err)
{
    int64_t before = builder->row_count;
    size_t consumed;
    IdcStatus status =
        idc_rows_feed(state->rows, state->bytes, state->len, builder, &consumed, is_full, err);

    if (status != IDC_OK)
        return status;
    state->bytes += consumed;
    state->len -= consumed;
    status = after_rows(state, builder, before, err);
    *is_full = *is_full && idc_batch_is_full(builder);
    return status;
}

static IdcStatus
finish(Scan *state, IdcBatchBuilder *builder, IdcError *err)
{
    int64_t before = builder->row_count;
    IdcStatus status = IDC_OK;

    if (state->response->status != 404 && state->response->status != 204)
        status = idc_rows_finish(state->rows, builder, err);
    return status != IDC_OK ? status : after_rows(state, builder, before, err);
}

/* One step: a page opened, some bytes read, some rows made, or a page ended. */
static IdcStatus
step(Scan *state, IdcBatchBuilder *builder, bool *is_full, IdcError *err)
{
    IdcStatus status;

    if (!state->is_page_open)
        return open_page(state, err);
    if (state->len > 0) {
        status = feed(state, builder, is_full, err);
        if (status == IDC_OK && idc_rows_is_done(state->rows))
            state->is_end = true;
        else if (status == IDC_OK)
            status = idc_rest_pages_ahead(state->pages, idc_rows_count(state->rows), err);
        return status;
    }
    if (!state->is_body_end)
        return read_body(state, err);
    status = finish(state, builder, err);
    return status != IDC_OK ? status : end_page(state, err);
}

/* An answer that cannot be read: of which request, and what may be the matter. */
static IdcStatus
blame_answer(const Scan *state, IdcError *err)
{
    bool is_html = state->is_page_open && strstr(state->response->content_type, "html") != NULL;

    /* Invalid JSON text, bad COPY file format: of rows_json.c and rows_csv.c. */
    if (err == NULL || !state->is_page_open ||
        (strcmp(err->sqlstate, "22032") != 0 && strcmp(err->sqlstate, "22P04") != 0))
        return IDC_SOURCE_FAILED;
    if (is_html)
        idc_error_set_hint(err,
                           "the answer is a page for people (%s), such as a login or an error "
                           "page: check base_url, the table's endpoint and the credentials",
                           state->response->content_type);
    else if (strstr(err->message, "has nothing at") != NULL)
        idc_error_set_hint(err, "check the table's option rows");
    return idc_http_blame(state->exchange, err);
}

IdcStatus
idc_rest_next(IdcSourceScan *scan, IdcBatchBuilder *builder, bool *is_end, IdcError *err)
{
    Scan *state = scan->state;
    bool is_full = false;

    while (!state->is_end && !is_full && !idc_batch_is_full(builder)) {
        bool would_read = state->is_page_open && state->len == 0 && !state->is_body_end;
        int64_t page = idc_rest_pages_number(state->pages);
        IdcStatus status;

        if (would_read && builder->row_count > 0 && !idc_http_is_ready(state->exchange))
            break;
        status = step(state, builder, &is_full, err);
        if (status == IDC_SOURCE_FAILED)
            status = blame_answer(state, err);
        if (status != IDC_OK && state->plan.table.paging == IDC_REST_ONE_PAGE && page == 1)
            return status;
        if (status != IDC_OK)
            return idc_add_context(err, "page %" PRId64, page);
    }
    *is_end = state->is_end;
    return IDC_OK;
}
