/*
 * gather_concat.c - arrays behind one another, of one type that they all have.
 *
 * In:   a schema, then arrays of it
 * Out:  one array of it
 * Next: ipc_read.c, for deltas of dictionaries; a PostgreSQL backend links it for that
 */
#include "arrow/gather.h"

IdcStatus
idc_arrays_concat(const struct ArrowSchema *type, const struct ArrowArray *const *parts,
                  size_t count, struct ArrowArray *joined, IdcError *err)
{
    struct ArrowArray made = { 0 };
    GatherColumn column = { 0 };
    IdcLayout *layout = NULL;
    IdcStatus status = idc_layout_new(type, &layout, err);

    if (status != IDC_OK)
        return status;
    if (layout->dictionary_count > 0) {
        status = idc_fail(err, IDC_UNSUPPORTED,
                          "a delta of a dictionary whose values have dictionaries");
        goto done;
    }
    if (!idc_gather_column_init(&column, layout, true))
        status = idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < count; i++)
        status = idc_gather_column_append(&column, parts[i], 0, parts[i]->length, err);
    if (status == IDC_OK && !idc_gather_column_finish(&column, &made))
        status = idc_fail_no_memory(err);
    if (status == IDC_OK)
        *joined = made;
    else if (made.release != NULL)
        made.release(&made);

done:
    idc_gather_column_done(&column);
    idc_layout_free(layout);
    return status;
}
