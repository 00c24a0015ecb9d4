/*
 * message_open.c - what a session and a scan begin with, and what a transaction ends with.
 */
#include "relation/wire.h"

void
idc_hello_write(const IdcHello *hello, IdcText *bytes)
{
    idc_wire_put_u32(bytes, hello->version);
    idc_wire_put_text(bytes, hello->adapter);
    idc_wire_put_text(bytes, hello->server_name);
    idc_wire_put_options(bytes, &hello->server_options);
    idc_wire_put_options(bytes, &hello->user_options);
    idc_wire_put_text(bytes, hello->credential_directory);
    idc_wire_put_text(bytes, hello->cache_directory);
    idc_wire_put_int64(bytes, hello->memory_bytes);
    idc_wire_put_u8(bytes, hello->may_use_local);
}

IdcStatus
idc_hello_read(IdcArena *arena, const void *bytes, size_t len, IdcHello *hello, IdcError *err)
{
    IdcHello read;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    read.version = idc_wire_get_u32(&wire);
    if (wire.status == IDC_OK && read.version != IDC_MESSAGE_VERSION)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "the hub speaks version %u with its source process, not %d", read.version,
                        IDC_MESSAGE_VERSION);
    read.adapter = idc_wire_need_text(&wire);
    read.server_name = idc_wire_need_text(&wire);
    idc_wire_get_options(&wire, &read.server_options);
    idc_wire_get_options(&wire, &read.user_options);
    read.credential_directory = idc_wire_get_text(&wire);
    read.cache_directory = idc_wire_get_text(&wire);
    read.memory_bytes = idc_wire_get_int64(&wire, 0);
    read.may_use_local = idc_wire_get_bool(&wire);
    status = idc_wire_finish(&wire, "message of the kind HELLO");
    if (status == IDC_OK)
        *hello = read;
    return status;
}

/* ---- transactions ---- */

void
idc_wire_put_transaction(IdcText *bytes, const IdcTransaction *transaction)
{
    idc_wire_put_int64(bytes, (int64_t) transaction->id);
    idc_wire_put_u32(bytes, (uint32_t) transaction->level);
    idc_wire_put_u8(bytes, transaction->is_serializable);
    idc_wire_put_u8(bytes, transaction->is_read_only);
}

static int32_t
get_level(IdcWire *wire)
{
    uint32_t level = idc_wire_get_u32(wire);

    if (level > INT32_MAX)
        idc_wire_fail(wire, "a level is too deep");
    return wire->status == IDC_OK ? (int32_t) level : 0;
}

void
idc_wire_get_transaction(IdcWire *wire, IdcTransaction *transaction)
{
    transaction->id = (uint64_t) idc_wire_get_int64(wire, 0);
    transaction->level = get_level(wire);
    transaction->is_serializable = idc_wire_get_bool(wire);
    transaction->is_read_only = idc_wire_get_bool(wire);
    if ((transaction->id == 0) != (transaction->level == 0))
        idc_wire_fail(wire, "a transaction's level is wrong");
}

void
idc_finish_write(const IdcFinish *finish, IdcText *bytes)
{
    idc_wire_put_int64(bytes, (int64_t) finish->id);
    idc_wire_put_u32(bytes, (uint32_t) finish->level);
}

IdcStatus
idc_finish_read(IdcMessageKind kind, const void *bytes, size_t len, IdcFinish *finish,
                IdcError *err)
{
    IdcFinish read = { .is_commit = kind == IDC_MSG_COMMIT };
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, NULL, bytes, len, err);
    read.id = (uint64_t) idc_wire_get_int64(&wire, 1);
    read.level = get_level(&wire);
    if (read.level == 0)
        idc_wire_fail(&wire, "there is no level 0");
    status = idc_wire_finish(&wire, "end of a transaction");
    if (status == IDC_OK)
        *finish = read;
    return status;
}

/* ---- scans ---- */

static void
put_layout(IdcText *bytes, const IdcBatchLayout *layout)
{
    idc_wire_put_u32(bytes, (uint32_t) layout->column_count);
    for (size_t i = 0; i < layout->column_count; i++)
        idc_wire_put_u32(bytes, layout->columns[i]);
    idc_wire_put_u8(bytes, layout->has_small_offsets);
    idc_wire_put_u8(bytes, layout->decimals_are_float64);
}

static void
get_layout(IdcWire *wire, IdcBatchLayout *layout)
{
    size_t count = idc_wire_get_count(wire, sizeof(uint32_t));
    uint32_t *columns = idc_wire_array(wire, count, sizeof *columns);

    for (size_t i = 0; columns != NULL && i < count; i++)
        columns[i] = idc_wire_get_u32(wire);
    layout->columns = columns;
    layout->column_count = columns == NULL ? 0 : count;
    layout->has_small_offsets = idc_wire_get_bool(wire);
    layout->decimals_are_float64 = idc_wire_get_bool(wire);
}

void
idc_open_write(const IdcOpen *open, IdcText *bytes)
{
    idc_wire_put_relation(bytes, open->relation);
    idc_wire_put_values(bytes, open->values, open->value_count);
    idc_wire_put_int64(bytes, open->batch_rows);
    idc_wire_put_int64(bytes, open->batch_bytes);
    idc_wire_put_int64(bytes, open->first_batch_rows);
    idc_wire_put_u32(bytes, open->credit);
    idc_wire_put_int64(bytes, open->timeout_ms);
    idc_wire_put_transaction(bytes, &open->transaction);
    put_layout(bytes, &open->layout);
    idc_wire_put_u8(bytes, open->pair);
}

/* What is said of its fields, beyond their shape. */
static IdcStatus
check_open(const IdcOpen *open, IdcError *err)
{
    size_t needed;
    IdcStatus status = idc_relation_check(open->relation, err);

    if (status != IDC_OK)
        return status;
    needed = idc_relation_parameter_count(open->relation);
    if (needed > open->value_count)
        return idc_fail(err, IDC_BAD_VALUE, "a relation of %zu parameters came with %zu values",
                        needed, open->value_count);
    if (open->credit == 0)
        return idc_fail(err, IDC_BAD_VALUE, "a scan cannot begin without credit for a batch");
    for (size_t i = 0; i < open->layout.column_count; i++)
        if (open->layout.columns[i] >= open->relation->column_count)
            return idc_fail(err, IDC_BAD_VALUE, "a layout has column %u of a relation of %zu",
                            open->layout.columns[i], open->relation->column_count);
    return IDC_OK;
}

IdcStatus
idc_open_read(IdcArena *arena, const void *bytes, size_t len, IdcOpen *open, IdcError *err)
{
    IdcOpen read;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, arena, bytes, len, err);
    read.relation = idc_wire_get_relation(&wire);
    read.values = idc_wire_get_values(&wire, &read.value_count);
    read.batch_rows = idc_wire_get_int64(&wire, 1);
    read.batch_bytes = idc_wire_get_int64(&wire, 1);
    read.first_batch_rows = idc_wire_get_int64(&wire, 0);
    read.credit = idc_wire_get_u32(&wire);
    read.timeout_ms = idc_wire_get_int64(&wire, -1);
    idc_wire_get_transaction(&wire, &read.transaction);
    get_layout(&wire, &read.layout);
    read.pair = (unsigned) idc_wire_get_enum(&wire, IDC_PAIR_COUNT + 1);
    status = idc_wire_finish(&wire, "message of the kind OPEN");
    if (status == IDC_OK)
        status = check_open(&read, err);
    if (status == IDC_OK)
        *open = read;
    return status;
}
