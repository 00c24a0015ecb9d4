/*
 * schema_copy.c - nanoarrow's deep copy behind our errors.
 */
#include "arrow/schema_copy.h"

#include "arrow/nano.h"

IdcStatus
idc_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *copy, IdcError *err)
{
    struct ArrowSchema made = { 0 };

    if (ArrowSchemaDeepCopy(schema, &made) != NANOARROW_OK)
        return idc_fail_no_memory(err);
    *copy = made;
    return IDC_OK;
}
