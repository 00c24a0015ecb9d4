/*
 * write.c - a MODIFY from its beginning to its end.
 *
 * In:   rows, or a condition; the transaction's writer
 * Out:  INSERT of many rows, UPDATE and DELETE by key of many rows, or one statement for all
 *
 * A statement is never sent a second time: what became of one that failed in the middle is not
 * known, and the transaction with it ends.
 */
#include "adapters/mysql/write.h"

static IdcStatus
modify_rows(IdcMysqlWriter *writer, IdcError *err)
{
    switch (writer->modify->kind) {
    case IDC_INSERT:
        return writer->modify->returning != NULL && !idc_mysql_has_insert_returning(writer)
                   ? idc_mysql_insert_and_read(writer, err)
                   : idc_mysql_insert_rows(writer, err);
    case IDC_UPDATE:
        return idc_mysql_update_rows(writer, err);
    case IDC_DELETE:
        return idc_mysql_delete_rows(writer, err);
    case IDC_UPDATE_WHERE:
    case IDC_DELETE_WHERE:
        return idc_mysql_modify_where(writer, err);
    default:
        return idc_fail(err, IDC_UNSUPPORTED, "the adapter mysql cannot do this");
    }
}

static const char *
summary_of(const IdcModify *modify, IdcArena *arena)
{
    static const char *const verbs[IDC_MODIFY_KIND_COUNT] = {
        [IDC_INSERT] = "INSERT INTO",       [IDC_UPDATE] = "UPDATE",
        [IDC_DELETE] = "DELETE FROM",       [IDC_UPDATE_WHERE] = "UPDATE",
        [IDC_DELETE_WHERE] = "DELETE FROM",
    };
    IdcText table;
    const char *made;

    idc_text_init(&table, 0);
    idc_mysql_append_table(modify->table, &table);
    made = idc_arena_printf(arena, "%s %s …", verbs[modify->kind], idc_text_string(&table));
    idc_text_done(&table);
    return made;
}

static void
end_writer(void *resource)
{
    IdcMysqlWriter *writer = resource;

    idc_text_done(&writer->sql);
}

IdcStatus
idc_mysql_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified, IdcError *err)
{
    const IdcMysqlServer *server = scan->server->state;
    IdcMysqlWriter *writer = idc_arena_alloc(scan->arena, sizeof *writer);
    const char *summary = summary_of(modify, scan->arena);
    IdcStatus status;

    if (writer == NULL || idc_arena_on_free(scan->arena, end_writer, writer) != IDC_OK)
        return idc_fail_no_memory(err);
    idc_text_init(&writer->sql, 0);
    writer->scan = scan;
    writer->modify = modify;
    status = idc_links_for_write(server->links, scan, &writer->link, err);
    if (status != IDC_OK)
        return status;
    writer->conn = writer->link->handle;
    idc_mysql_wait_begin(&writer->wait, scan->call, -1, &scan->stats);
    writer->wait.silence_ms = server->read_ms;
    status = idc_mysql_targets(writer, modify->table, &writer->targets, err);
    if (status == IDC_OK && modify->returning != NULL)
        status = idc_mysql_targets(writer, modify->returning, &writer->returned, err);
    writer->summary = summary;
    if (status == IDC_OK)
        status = modify_rows(writer, err);
    if (status == IDC_OK && modify->returning != NULL)
        *modified = (IdcModified){ .rows = writer->rows,
                                   .row_count = writer->row_count,
                                   .column_count = modify->returning->column_count };
    idc_link_release(writer->link);
    return status;
}
