/*
 * builder.c - a record batch in the making: its columns, its rows, its end.
 *
 * In:   column specs, then rows (decode.c)
 * Out:  record batches
 * Next: hub/result.c
 */
#include <assert.h>

#include "arrow/builder.h"
#include "base/memory.h"

/* Rows that a batch has room for at its beginning. */
enum { FIRST_ROWS = 1024 };

/* So many different texts are worth a dictionary whatever the number of rows. */
enum { FEW_LABELS = 256, FEW_BYTES = 1 << 20 };

static bool
spec_is_valid(const IdcColumnSpec *spec)
{
    if (spec->name == NULL || spec->type_name == NULL)
        return false;
    if (spec->kind == IDC_KIND_LIST)
        return spec->dimensions >= 1 && spec->element != NULL &&
               spec->element->kind != IDC_KIND_LIST && spec_is_valid(spec->element);
    if (spec->kind == IDC_KIND_NUMERIC_DECIMAL)
        return spec->precision >= 1 && spec->precision <= 38;
    if (spec->kind == IDC_KIND_ENUM)
        return spec->label_count == 0 || spec->labels != NULL;
    return true;
}

IdcStatus
idc_batch_builder_new(const IdcColumnSpec *specs, size_t count, const IdcBatchOptions *options,
                      IdcBatchBuilder **builder, IdcError *err)
{
    IdcBatchBuilder *made = idc_calloc(1, sizeof *made);
    IdcStatus status = IDC_OK;

    if (made == NULL || (made->columns = idc_calloc(count + 1, sizeof *made->columns)) == NULL) {
        status = idc_fail_no_memory(err);
        goto done;
    }
    made->options = *options;
    made->row_limit =
        options->first_batch_rows > 0 && options->first_batch_rows < options->batch_rows
            ? options->first_batch_rows
            : options->batch_rows;
    made->state.fail_unrepresentable = options->fail_unrepresentable;
    made->state.is_wire = options->is_wire;
    made->state.has_many_batches = !options->single_batch;
    idc_text_init(&made->state.scratch, 0);
    for (size_t i = 0; i < count; i++) {
        assert(spec_is_valid(&specs[i]));
        made->column_count++;
        if (!idc_column_init(&made->columns[i], &specs[i],
                             specs[i].kind == IDC_KIND_LIST ? specs[i].dimensions : 0,
                             &made->state)) {
            status = idc_fail_no_memory(err);
            goto done;
        }
        if (specs[i].kind == IDC_KIND_TEXT && specs[i].can_be_dictionary &&
            !idc_column_begin_dictionary(&made->columns[i])) {
            status = idc_fail_no_memory(err);
            goto done;
        }
        made->row_bytes += made->columns[i].offsets != NULL ? 8 : (int64_t) made->columns[i].width;
    }
    *builder = made;
    made = NULL; /* now the caller's */

done:
    idc_batch_builder_free(made);
    return status;
}

void
idc_batch_builder_free(IdcBatchBuilder *builder)
{
    if (builder == NULL)
        return;
    for (size_t i = 0; i < builder->column_count; i++)
        idc_column_done(&builder->columns[i]);
    idc_free(builder->columns);
    idc_text_done(&builder->state.scratch);
    idc_free(builder);
}

/* More rows for every column at once, so that rows need not ask column by column. */
bool
idc_batch_grow_rows(IdcBatchBuilder *builder)
{
    int64_t capacity = builder->row_capacity + builder->row_capacity / 2;
    int64_t limit = builder->row_limit;

    if (capacity < builder->rows_hint)
        capacity = builder->rows_hint;
    if (capacity < FIRST_ROWS)
        capacity = FIRST_ROWS;
    /* A batch of a known size should end up with just that much memory. */
    if (!builder->options.single_batch && limit > builder->row_count && capacity > limit)
        capacity = limit;
    for (size_t i = 0; i < builder->column_count; i++)
        if (!idc_column_reserve(&builder->columns[i], capacity - builder->columns[i].length))
            return false;
    builder->row_capacity = capacity;
    return true;
}

void
idc_batch_end_row(IdcBatchBuilder *builder)
{
    builder->row_count++;
    for (size_t i = 0; i < builder->column_count; i++)
        assert(builder->columns[i].length == builder->row_count);
    builder->bytes += builder->row_bytes;
}

bool
idc_batch_is_full(const IdcBatchBuilder *builder)
{
    const IdcBatchOptions *options = &builder->options;
    int64_t bytes = builder->bytes + builder->state.dictionary_bytes;

    if (options->single_batch)
        return false;
    return (builder->row_limit > 0 && builder->row_count >= builder->row_limit) ||
           (options->batch_bytes > 0 && bytes >= options->batch_bytes);
}

int64_t
idc_batch_row_count(const IdcBatchBuilder *builder)
{
    return builder->row_count;
}

int64_t
idc_batch_unrepresentable_count(const IdcBatchBuilder *builder)
{
    return builder->state.unrepresentable_count;
}

static void
forget_rows(IdcBatchBuilder *builder)
{
    builder->rows_before += builder->row_count;
    builder->rows_hint = builder->row_count;
    builder->row_limit = builder->row_limit > builder->options.batch_rows / 2
                             ? builder->options.batch_rows
                             : 2 * builder->row_limit;
    builder->row_count = builder->bytes = builder->state.dictionary_bytes = 0;
}

IdcStatus
idc_batch_finish(IdcBatchBuilder *builder, struct ArrowArray *batch, IdcError *err)
{
    struct ArrowArray made = { 0 };

    if (builder->is_broken)
        return idc_fail(err, IDC_MISUSE, "cannot finish a batch after a row of it has failed");
    if (!idc_array_init(&made, builder->row_count, 0, 1, (int64_t) builder->column_count))
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < builder->column_count; i++) {
        assert(builder->columns[i].length == builder->row_count);
        if (!idc_column_finish(&builder->columns[i], made.children[i])) {
            builder->is_broken = true;
            made.release(&made);
            return idc_fail_no_memory(err);
        }
    }
    forget_rows(builder);
    builder->row_capacity = 0;
    *batch = made;
    return IDC_OK;
}

void
idc_batch_clear(IdcBatchBuilder *builder)
{
    for (size_t i = 0; i < builder->column_count; i++)
        idc_column_clear(&builder->columns[i]);
    forget_rows(builder);
    builder->is_broken = false;
}

/*
 * A dictionary pays where a text appears twice or more. A few texts are always few: a second batch
 * of a small table has hardly others.
 */
static bool
repeats(const IdcColumn *column)
{
    size_t value_count = (size_t) (column->length - column->null_count);
    const IdcDictionary *dictionary = column->dictionary;

    if (value_count == 0)
        return false;
    return dictionary->count <= value_count / 2 ||
           (dictionary->count <= FEW_LABELS && dictionary->bytes_len <= FEW_BYTES);
}

IdcStatus
idc_batch_settle_dictionaries(IdcBatchBuilder *builder, IdcError *err)
{
    for (size_t i = 0; i < builder->column_count; i++) {
        IdcColumn *column = &builder->columns[i];

        if (column->kind != IDC_KIND_TEXT || column->dictionary == NULL || column->is_settled)
            continue;
        if (!repeats(column)) {
            if (!idc_column_end_dictionary(column))
                return idc_fail_no_memory(err);
            builder->row_bytes += (int64_t) (sizeof(int64_t) - sizeof(int32_t));
        }
        column->is_settled = true;
    }
    return IDC_OK;
}

bool
idc_batch_column_is_dictionary(const IdcBatchBuilder *builder, size_t column)
{
    assert(column < builder->column_count);
    return builder->columns[column].dictionary != NULL;
}
