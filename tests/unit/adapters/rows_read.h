/*
 * rows_read.h - bodies read as rows, in pieces, and told as text.
 */
#ifndef TEST_ADAPTERS_ROWS_READ_H
#define TEST_ADAPTERS_ROWS_READ_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "adapters/common/rows.h"
#include "column_text.h"

enum { MOST_COLUMNS = 16 };

/* What came of a body: rows as text, or an error; captured values. */
typedef struct Outcome {
    IdcText rows;
    IdcText captured;
    IdcStatus status;
    IdcError err;
    int64_t row_count, duplicates;
    bool is_done;
} Outcome;

static inline void
outcome_done(Outcome *outcome)
{
    idc_text_done(&outcome->rows);
    idc_text_done(&outcome->captured);
}

/* A piece in memory of just its size, so that reads behind it are seen. */
static inline IdcStatus
feed_piece(IdcRows *rows, const char *bytes, size_t len, IdcBatchBuilder *builder, Outcome *outcome)
{
    char *piece = malloc(len + (len == 0));
    size_t at = 0;
    IdcStatus status = IDC_OK;

    memcpy(piece, bytes, len);
    while (at < len && status == IDC_OK) {
        size_t used = 0;
        bool is_full = false;

        status = idc_rows_feed(rows, piece + at, len - at, builder, &used, &is_full, &outcome->err);
        at += used;
        if (status != IDC_OK)
            break;
        assert_true(is_full || at == len);
        if (is_full) {
            builder_text(builder, &outcome->rows);
            idc_batch_clear(builder);
        }
    }
    free(piece);
    return status;
}

static inline IdcBatchBuilder *
builder_for(const IdcRowsColumn *columns, size_t count, int64_t batch_rows, IdcColumnSpec *specs)
{
    IdcBatchOptions options = { .batch_rows = batch_rows };
    IdcBatchBuilder *builder = NULL;
    IdcError err;

    assert_true(count <= MOST_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        specs[i] = (IdcColumnSpec){ .name = columns[i].name };
        idc_type_column(columns[i].form.type, &specs[i]);
    }
    assert_int_equal(idc_batch_builder_new(specs, count, &options, &builder, &err), IDC_OK);
    return builder;
}

/* Cut at each of cuts (ascending), the last of which is the length. */
static inline Outcome
read_cut(const IdcRowsOptions *options, const IdcRowsColumn *columns, size_t count,
         int64_t batch_rows, const char *body, const size_t *cuts, size_t cut_count)
{
    Outcome outcome = { .status = IDC_OK };
    IdcColumnSpec specs[MOST_COLUMNS];
    IdcBatchBuilder *builder = builder_for(columns, count, batch_rows, specs);
    IdcArena *arena = idc_arena_new(0);
    IdcRows *rows = NULL;

    idc_error_init(&outcome.err);
    outcome.status = idc_rows_new(arena, options, columns, count, &rows, &outcome.err);
    for (size_t i = 0, at = 0; i < cut_count && outcome.status == IDC_OK; at = cuts[i++])
        outcome.status = feed_piece(rows, body + at, cuts[i] - at, builder, &outcome);
    if (outcome.status == IDC_OK)
        outcome.status = idc_rows_finish(rows, builder, &outcome.err);
    builder_text(builder, &outcome.rows);
    if (rows != NULL) {
        outcome.row_count = idc_rows_count(rows);
        outcome.duplicates = idc_rows_duplicates(rows);
        outcome.is_done = idc_rows_is_done(rows);
        for (size_t i = 0; i < options->capture_count; i++) {
            IdcRowsCaptured value = idc_rows_captured(rows, i);

            idc_text_append_format(&outcome.captured, "%s%s:%s", i > 0 ? ", " : "",
                                   idc_json_kind_name(value.kind), value.text);
        }
    }
    idc_arena_free(arena);
    idc_batch_builder_free(builder);
    return outcome;
}

static inline void
assert_outcome(const Outcome *outcome, const char *rows, const char *captured, const char *error)
{
    if (error != NULL) {
        assert_int_not_equal(outcome->status, IDC_OK);
        if (strstr(outcome->err.message, error) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", error, outcome->err.message);
        return;
    }
    if (outcome->status != IDC_OK)
        fail_msg("%s", outcome->err.message);
    assert_string_equal(idc_text_string(&outcome->rows), rows);
    assert_string_equal(idc_text_string(&outcome->captured), captured);
}

/* The same rows, however the body is cut: whole, at any one place, and byte by byte. */
static inline void
assert_body(const IdcRowsOptions *options, const IdcRowsColumn *columns, size_t count,
            const char *body, size_t len, const char *rows, const char *captured, const char *error)
{
    size_t *all = calloc(len + 1, sizeof *all);

    for (size_t cut = 0; cut <= len; cut++) {
        size_t cuts[2] = { cut, len };
        Outcome outcome = read_cut(options, columns, count, cut % 3 + 1, body, cuts, 2);

        assert_outcome(&outcome, rows, captured, error);
        outcome_done(&outcome);
        all[cut] = cut + 1;
    }
    for (int64_t batch_rows = 1; batch_rows < 4; batch_rows++) {
        Outcome outcome = read_cut(options, columns, count, batch_rows, body, all, len);

        assert_outcome(&outcome, rows, captured, error);
        outcome_done(&outcome);
    }
    free(all);
}

#define ASSERT_ROWS(options, columns, body, rows, captured)                                        \
    assert_body(options, columns, sizeof(columns) / sizeof *(columns), body, strlen(body), rows,   \
                captured, NULL)
#define ASSERT_ERROR(options, columns, body, error)                                                \
    assert_body(options, columns, sizeof(columns) / sizeof *(columns), body, strlen(body), NULL,   \
                NULL, error)

#define TYPED(name, oid)                                                                           \
    {                                                                                              \
        name, { { oid, -1 }, 0, false }, NULL                                                      \
    }
#define AT_PATH(name, oid, path)                                                                   \
    {                                                                                              \
        name, { { oid, -1 }, 0, false }, path                                                      \
    }

#endif
