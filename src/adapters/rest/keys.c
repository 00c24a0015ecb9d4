/*
 * keys.c - does a row have one of the values that its request asked for?
 */
#include "adapters/rest/work.h"

#include <stdlib.h>
#include <string.h>

#include "arrow/keep.h"

typedef struct Key {
    const uint8_t *bytes;
    size_t len;
} Key;

/* builder: one column, the values in the form that rows have them in. keys: sorted. */
struct IdcRestKeys {
    IdcBatchBuilder *builder;
    IdcColumnSpec spec;
    IdcValueForm form;
    Key *keys;
    size_t count, capacity;
};

static void
keys_free(void *handle)
{
    IdcRestKeys *keys = handle;

    idc_batch_builder_free(keys->builder);
    free(keys->keys);
    free(keys);
}

IdcStatus
idc_rest_keys_new(IdcArena *arena, const IdcRelationColumn *column, IdcRestKeys **keys,
                  IdcError *err)
{
    IdcBatchOptions options = { .single_batch = true };
    IdcRestKeys *made = calloc(1, sizeof *made);

    if (made == NULL || idc_arena_on_free(arena, keys_free, made) != IDC_OK) {
        free(made);
        return idc_fail_no_memory(err);
    }
    made->form.type = column->type;
    made->spec.name = column->name;
    idc_type_column(column->type, &made->spec);
    *keys = made;
    return idc_batch_builder_new(&made->spec, 1, &options, &made->builder, err);
}

static int
compare_keys(const void *a, const void *b)
{
    const Key *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = len > 0 ? memcmp(left->bytes, right->bytes, len) : 0;

    if (order != 0)
        return order;
    return left->len < right->len ? -1 : left->len > right->len;
}

/* Of either sign. */
static bool
is_zero(const IdcColumn *column, const uint8_t *bytes)
{
    double wide = 1;
    float narrow = 1;

    if (column->kind == IDC_KIND_FLOAT64)
        memcpy(&wide, bytes, sizeof wide);
    else if (column->kind == IDC_KIND_FLOAT32)
        memcpy(&narrow, bytes, sizeof narrow);
    return wide == 0 || narrow == 0;
}

/* Equal numbers may have different bytes: 1.50 is 1.5, and -0 is 0. */
static Key
canonical(const IdcColumn *column, const uint8_t *bytes, size_t len)
{
    static const uint8_t zero[sizeof(double)];

    if (is_zero(column, bytes))
        return (Key){ .bytes = zero, .len = len };
    if (column->kind == IDC_KIND_NUMERIC_STRING && len > 0 && memchr(bytes, '.', len) != NULL) {
        while (bytes[len - 1] == '0')
            len--;
        if (bytes[len - 1] == '.')
            len--;
    }
    return (Key){ .bytes = bytes, .len = len };
}

static IdcStatus
append_key(IdcRestKeys *keys, IdcColumn *column, const char *text, IdcError *err)
{
    IdcValueProblem problem = { 0 };
    IdcFit fit;

    if (!idc_column_reserve(column, 1))
        return idc_fail_no_memory(err);
    fit = idc_value_append_text(&keys->form, column, text, strlen(text), strlen(text),
                                &keys->builder->state.scratch, &problem);
    /* One that does not fit is one that no row has. */
    return fit == IDC_FITS_NO_MEMORY ? idc_fail_no_memory(err) : IDC_OK;
}

IdcStatus
idc_rest_keys_set(IdcRestKeys *keys, const IdcRestMatch *match, IdcRestSlice slice, IdcError *err)
{
    IdcColumn *column = &keys->builder->columns[0];

    if (slice.count > keys->capacity) {
        Key *grown = realloc(keys->keys, slice.count * sizeof *grown);

        if (grown == NULL)
            return idc_fail_no_memory(err);
        keys->keys = grown;
        keys->capacity = slice.count;
    }
    keys->count = 0;
    idc_column_truncate(column, 0);
    for (size_t i = 0; i < slice.count; i++) {
        const char *text = idc_rest_match_value(match, slice.first + i)->text;
        IdcStatus status = append_key(keys, column, text, err);

        if (status != IDC_OK)
            return status;
    }
    /* Only now do the bytes stay where they are. */
    for (int64_t i = 0; i < column->length; i++) {
        const uint8_t *bytes;
        size_t len;

        if (idc_column_value(column, i, &bytes, &len))
            keys->keys[keys->count++] = canonical(column, bytes, len);
    }
    qsort(keys->keys, keys->count, sizeof *keys->keys, compare_keys);
    return IDC_OK;
}

bool
idc_rest_keys_have(const IdcRestKeys *keys, const IdcColumn *column, int64_t row)
{
    const uint8_t *bytes;
    size_t len;
    Key wanted;

    if (!idc_column_value(column, row, &bytes, &len))
        return false;
    wanted = canonical(column, bytes, len);
    return bsearch(&wanted, keys->keys, keys->count, sizeof *keys->keys, compare_keys) != NULL;
}
