/*
 * read_rows.h - what the fuzz targets of bodies share: one body, cut into pieces of one size.
 */
#ifndef FUZZ_READ_ROWS_H
#define FUZZ_READ_ROWS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/adapters/column_text.h"
#include "adapters/common/rows.h"

enum { MOST_COLUMNS = 16 };

/* Pieces in memory of just their size, so that reads behind them are seen. */
static inline IdcStatus
feed(IdcRows *rows, const char *body, size_t len, size_t piece, IdcBatchBuilder *builder,
     IdcText *text)
{
    IdcStatus status = IDC_OK;

    for (size_t at = 0; at < len && status == IDC_OK;) {
        size_t size = len - at < piece ? len - at : piece, used = 0;
        char *copy = malloc(size);
        bool is_full = false;

        if (copy == NULL)
            abort();
        memcpy(copy, body + at, size);
        status = idc_rows_feed(rows, copy, size, builder, &used, &is_full, NULL);
        free(copy);
        if (status == IDC_OK && used < size && !is_full)
            abort();
        if (is_full) {
            builder_text(builder, text);
            idc_batch_clear(builder);
        }
        at += used;
    }
    return status == IDC_OK ? idc_rows_finish(rows, builder, NULL) : status;
}

/* All rows and captured values as text; nothing where the body is refused. */
static inline IdcStatus
read_rows(const IdcRowsOptions *options, const IdcRowsColumn *columns, size_t column_count,
          const char *body, size_t len, size_t piece, IdcText *text)
{
    IdcColumnSpec specs[MOST_COLUMNS];
    IdcBatchOptions batch = { .batch_rows = 3 };
    IdcBatchBuilder *builder = NULL;
    IdcArena *arena = idc_arena_new(0);
    IdcRows *rows;
    IdcStatus status;

    for (size_t i = 0; i < column_count; i++) {
        specs[i] = (IdcColumnSpec){ .name = columns[i].name };
        idc_type_column(columns[i].form.type, &specs[i]);
    }
    if (idc_batch_builder_new(specs, column_count, &batch, &builder, NULL) != IDC_OK ||
        idc_rows_new(arena, options, columns, column_count, &rows, NULL) != IDC_OK)
        abort();
    status = feed(rows, body, len, piece, builder, text);
    if (status == IDC_OK)
        builder_text(builder, text);
    else
        idc_text_clear(text);
    for (size_t i = 0; i < options->capture_count && status == IDC_OK; i++) {
        IdcRowsCaptured value = idc_rows_captured(rows, i);

        if (strlen(value.text) != value.len || !idc_utf8_is_valid(value.text, value.len))
            abort();
        idc_text_append_format(text, "%d %s\n", value.kind, value.text);
    }
    idc_arena_free(arena);
    idc_batch_builder_free(builder);
    return status;
}

/* The same rows, or the same refusal, in pieces. */
static inline IdcStatus
check_pieces(const IdcRowsOptions *options, const IdcRowsColumn *columns, size_t column_count,
             const char *body, size_t len, size_t piece)
{
    IdcText whole = { 0 }, cut = { 0 };
    IdcStatus status = read_rows(options, columns, column_count, body, len, len, &whole);

    if (read_rows(options, columns, column_count, body, len, piece, &cut) != status ||
        whole.len != cut.len ||
        memcmp(idc_text_string(&whole), idc_text_string(&cut), whole.len) != 0)
        abort();
    idc_text_done(&whole);
    idc_text_done(&cut);
    return status;
}

#endif
