/*
 * write_where.c - one statement for all rows of a condition.
 */
#include "adapters/mysql/write.h"

/* Columns of the SCAN that conditions and values are over. */
typedef struct Direct {
    IdcMysqlWriter *writer;
    const IdcRelation *base;
    const IdcMysqlTarget **seen; /* of base's columns */
    IdcStatus status;
    IdcError *err;
} Direct;

static void
look_at_raw(void *host, IdcSqlRaw *raw)
{
    Direct *direct = host;
    const IdcSourceScan *scan = direct->writer->scan;
    IdcMysqlRemote *remote = idc_arena_alloc(scan->arena, sizeof *remote);
    size_t i = (size_t) (raw->column - direct->base->columns);

    if (remote == NULL) {
        direct->status = idc_fail_no_memory(direct->err);
        return;
    }
    *remote = direct->seen[i]->remote;
    remote->keeps_zero_dates =
        idc_mysql_zero(scan->server, direct->base, raw->column) != IDC_MYSQL_NO_DATE_IS_NULL;
    raw->remote = remote;
}

static void
append_constant(void *host, size_t i, const IdcExpr *constant, IdcText *text)
{
    Direct *direct = host;
    const IdcMysqlWriter *writer = direct->writer;

    if (direct->status == IDC_OK)
        direct->status =
            idc_mysql_append_value(writer->targets[i], &writer->modify->table->columns[i],
                                   constant->text, text, direct->err);
}

/* The table may have been altered since the hub was told that it may compute. */
static IdcStatus
check_computed(const IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;

    for (size_t i = 0; i < modify->table->column_count; i++)
        if (modify->where->exprs[i]->kind != IDC_EXPR_CONSTANT &&
            !idc_mysql_keeps_computed(modify->table->columns[i].type,
                                      &writer->targets[i]->remote)) {
            (void) idc_fail(err, IDC_BAD_CONFIG,
                            "column \"%s\" is of another type at the server than its option "
                            "remote_type says",
                            writer->targets[i]->name);
            idc_error_set_sqlstate(err, "42804");
            return IDC_BAD_CONFIG;
        }
    return IDC_OK;
}

IdcStatus
idc_mysql_modify_where(IdcMysqlWriter *writer, IdcError *err)
{
    const IdcModify *modify = writer->modify;
    Direct direct = { .writer = writer, .base = idc_relation_base(modify->where), .err = err };
    IdcSql sql = { .dialect = &idc_mysql_dialect,
                   .arena = writer->scan->arena,
                   .on_raw = look_at_raw,
                   .host = &direct };
    IdcMysqlSetValue values = { .append = append_constant, .host = &direct };
    int64_t count = 0;
    IdcStatus status = idc_mysql_targets(writer, direct.base, &direct.seen, err);

    if (status == IDC_OK && modify->kind == IDC_UPDATE_WHERE)
        status = check_computed(writer, err);
    if (status != IDC_OK)
        return status;
    idc_text_clear(&writer->sql);
    status = idc_mysql_write_direct(&sql, modify, &values, &writer->sql, err);
    if (direct.status != IDC_OK)
        return direct.status;
    if (status == IDC_OK)
        status = idc_mysql_write_send(writer, &count, err);
    writer->scan->stats.rows += count;
    return status;
}
