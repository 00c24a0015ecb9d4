/*
 * rows.c - small results that the library itself makes, as a stream.
 *
 * In:   columns by name and kind, then rows of text values
 * Out:  an ArrowArrayStream of one batch
 */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/rows.h"
#include "arrow/nano.h"
#include "base/arena.h"
#include "base/text.h"

struct IdcRows {
    IdcArena *arena; /* the copies of the specs */
    IdcColumnSpec *specs;
    size_t column_count;
    IdcBatchBuilder *builder;
};

static bool
specs_copy(IdcRows *rows, const IdcColumnSpec *specs, size_t count)
{
    rows->arena = idc_arena_new(0);
    if (rows->arena == NULL)
        return false;
    rows->specs = idc_arena_alloc_array(rows->arena, count + 1, sizeof *rows->specs);
    if (rows->specs == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        assert(specs[i].kind == IDC_KIND_TEXT || specs[i].kind == IDC_KIND_BOOL ||
               specs[i].kind == IDC_KIND_INT32 || specs[i].kind == IDC_KIND_INT64);
        rows->specs[i].kind = specs[i].kind;
        rows->specs[i].name = idc_arena_strdup(rows->arena, specs[i].name);
        rows->specs[i].type_name =
            idc_arena_strdup(rows->arena, specs[i].type_name == NULL ? "text" : specs[i].type_name);
        if (rows->specs[i].name == NULL || rows->specs[i].type_name == NULL)
            return false;
    }
    rows->column_count = count;
    return true;
}

IdcStatus
idc_rows_new(const IdcColumnSpec *specs, size_t count, IdcRows **rows, IdcError *err)
{
    static const IdcBatchOptions options = { .single_batch = true };
    IdcRows *made = calloc(1, sizeof *made);
    IdcStatus status = IDC_OK;

    if (made == NULL || !specs_copy(made, specs, count)) {
        status = idc_fail_no_memory(err);
        goto done;
    }
    status = idc_batch_builder_new(made->specs, count, &options, &made->builder, err);
    if (status != IDC_OK)
        goto done;
    *rows = made;
    made = NULL; /* now the caller's */

done:
    idc_rows_free(made);
    return status;
}

void
idc_rows_free(IdcRows *rows)
{
    if (rows == NULL)
        return;
    idc_batch_builder_free(rows->builder);
    idc_arena_free(rows->arena);
    free(rows);
}

/* The text as PostgreSQL would send it; *bytes is either the text itself or buffer. */
static IdcStatus
value_encode(const IdcColumnSpec *spec, const char *text, uint8_t buffer[8], const uint8_t **bytes,
             int32_t *len, IdcError *err)
{
    size_t text_len = strlen(text);
    int64_t number = 0;
    bool truth = strcmp(text, "t") == 0;

    *bytes = buffer;
    switch (spec->kind) {
    case IDC_KIND_BOOL:
        if (!truth && strcmp(text, "f") != 0 && !idc_bool_parse(text, &truth))
            break;
        buffer[0] = truth;
        *len = 1;
        return IDC_OK;
    case IDC_KIND_INT32:
    case IDC_KIND_INT64:
        if (!idc_int64_parse(text, &number) ||
            (spec->kind == IDC_KIND_INT32 && (number < INT32_MIN || number > INT32_MAX)))
            break;
        *len = spec->kind == IDC_KIND_INT32 ? 4 : 8;
        number = (int64_t) htobe64((uint64_t) number);
        memcpy(buffer, (const uint8_t *) &number + 8 - *len, (size_t) *len);
        return IDC_OK;
    default:
        if (text_len > INT32_MAX)
            break;
        *bytes = (const uint8_t *) text;
        *len = (int32_t) text_len;
        return IDC_OK;
    }
    return idc_fail(err, IDC_BAD_VALUE, "a value for column \"%s\" is not of type %s", spec->name,
                    spec->type_name);
}

typedef struct EncodedValue {
    uint8_t buffer[8];
    const uint8_t *bytes;
    int32_t len;
} EncodedValue;

/* All values are encoded before the first is appended: a wrong one leaves the rows as they were. */
IdcStatus
idc_rows_add(IdcRows *rows, const char *const *values, IdcError *err)
{
    EncodedValue *encoded = calloc(rows->column_count + 1, sizeof *encoded);
    IdcStatus status = encoded == NULL ? idc_fail_no_memory(err) : IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < rows->column_count; i++) {
        if (values[i] == NULL)
            encoded[i].len = -1;
        else
            status = value_encode(&rows->specs[i], values[i], encoded[i].buffer, &encoded[i].bytes,
                                  &encoded[i].len, err);
    }
    for (size_t i = 0; status == IDC_OK && i < rows->column_count; i++)
        status = idc_batch_append(rows->builder, i, encoded[i].bytes, encoded[i].len, err);
    if (status == IDC_OK)
        idc_batch_end_row(rows->builder);
    free(encoded);
    return status;
}

int64_t
idc_rows_count(const IdcRows *rows)
{
    return idc_batch_row_count(rows->builder);
}

IdcStatus
idc_rows_stream(IdcRows *rows, struct ArrowArrayStream *stream, IdcError *err)
{
    struct ArrowArrayStream made = { 0 };
    struct ArrowSchema schema = { 0 };
    struct ArrowArray batch = { 0 };
    IdcStatus status = idc_columns_schema(rows->specs, rows->column_count, &schema, err);

    if (status != IDC_OK)
        return status;
    if (ArrowBasicArrayStreamInit(&made, &schema, 1) != NANOARROW_OK) {
        /* It may have taken the schema before it failed. */
        if (schema.release != NULL)
            schema.release(&schema);
        return idc_fail_no_memory(err);
    }
    status = idc_batch_finish(rows->builder, &batch, err);
    if (status != IDC_OK) {
        made.release(&made);
        return status;
    }
    ArrowBasicArrayStreamSetArray(&made, 0, &batch);
    *stream = made;
    idc_rows_free(rows);
    return IDC_OK;
}
