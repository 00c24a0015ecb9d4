/*
 * gather.c - many batches as one: a growing chunk a column.
 *
 * In:   a schema, then record batches of it
 * Out:  one struct array, and its schema
 * Next: hub/result.c
 */
#include "arrow/gather.h"

#include <errno.h>
#include <string.h>

#include "arrow/nano.h"
#include "base/memory.h"

struct IdcGather {
    struct ArrowSchema schema; /* of what comes out */
    IdcLayout *layout;         /* of what comes in */
    GatherColumn rows;
    bool is_broken; /* a batch failed: columns have different lengths */
};

/* A copy of the type with 64-bit offsets, except in maps themselves and in dictionaries' values. */
static ArrowErrorCode
schema_widen(struct ArrowSchema *schema)
{
    static const char *const wider[][2] = { { "u", "U" }, { "z", "Z" }, { "+l", "+L" } };
    ArrowErrorCode code = NANOARROW_OK;

    if (schema->dictionary != NULL)
        return ArrowSchemaSetFormat(schema, "i");
    for (size_t i = 0; i < sizeof wider / sizeof wider[0]; i++)
        if (strcmp(schema->format, wider[i][0]) == 0) {
            code = ArrowSchemaSetFormat(schema, wider[i][1]);
            break;
        }
    for (int64_t i = 0; code == NANOARROW_OK && i < schema->n_children; i++)
        code = schema_widen(schema->children[i]);
    return code;
}

static bool
can_join(const IdcLayout *layout)
{
    for (size_t i = 0; i < layout->child_count; i++)
        if (!can_join(&layout->children[i]))
            return false;
    return layout->dictionary == NULL || idc_gather_dictionary_can_join(layout->dictionary);
}

IdcStatus
idc_gather_new(const struct ArrowSchema *schema, IdcGather **gather, IdcError *err)
{
    IdcGather *made = idc_calloc(1, sizeof *made);
    IdcStatus status = IDC_OK;

    if (made == NULL)
        return idc_fail_no_memory(err);
    status = idc_layout_new(schema, &made->layout, err);
    if (status != IDC_OK)
        goto done;
    if (made->layout->kind != IDC_LAYOUT_STRUCT) {
        status = idc_fail(err, IDC_UNSUPPORTED, "only record batches can be gathered");
        goto done;
    }
    if (!can_join(made->layout)) {
        status = idc_fail(err, IDC_UNSUPPORTED, "dictionaries of nested values cannot be joined");
        goto done;
    }
    if (!idc_gather_column_init(&made->rows, made->layout, false) ||
        ArrowSchemaDeepCopy(schema, &made->schema) != NANOARROW_OK ||
        schema_widen(&made->schema) != NANOARROW_OK) {
        status = idc_fail_no_memory(err);
        goto done;
    }
    *gather = made;
    made = NULL; /* now the caller's */

done:
    idc_gather_free(made);
    return status;
}

void
idc_gather_free(IdcGather *gather)
{
    if (gather == NULL)
        return;
    idc_gather_column_done(&gather->rows);
    if (gather->schema.release != NULL)
        gather->schema.release(&gather->schema);
    idc_layout_free(gather->layout);
    idc_free(gather);
}

IdcStatus
idc_gather_schema(const IdcGather *gather, struct ArrowSchema *schema, IdcError *err)
{
    if (ArrowSchemaDeepCopy(&gather->schema, schema) != NANOARROW_OK)
        return idc_fail_no_memory(err);
    return IDC_OK;
}

IdcStatus
idc_gather_append(IdcGather *gather, const struct ArrowArray *batch, IdcError *err)
{
    IdcStatus status;

    if (gather->is_broken)
        return idc_fail(err, IDC_MISUSE, "gathering failed before");
    if (batch->n_children != (int64_t) gather->layout->child_count)
        return idc_fail(err, IDC_MISUSE, "a batch with other columns than its schema");
    status = idc_gather_column_append(&gather->rows, batch, 0, batch->length, err);
    gather->is_broken = status != IDC_OK;
    return status;
}

IdcStatus
idc_gather_finish(IdcGather *gather, struct ArrowArray *batch, IdcError *err)
{
    struct ArrowArray made = { 0 };

    if (gather->is_broken)
        return idc_fail(err, IDC_MISUSE, "gathering failed before");
    if (idc_gather_column_finish(&gather->rows, &made)) {
        *batch = made;
        return IDC_OK;
    }
    gather->is_broken = true;
    if (made.release != NULL)
        made.release(&made);
    return idc_fail_no_memory(err);
}
