/*
 * test_message.c - frames and payloads: what is written is read, and nothing else is.
 */
#include "trees.h"

#include "base/memory.h"

/* ---- heads ---- */

static void
heads_come_back(void **state)
{
    const IdcFrameHead heads[] = {
        { 0, IDC_MSG_READY, 0, 0 },
        { IDC_FRAME_MAX_PAYLOAD, IDC_MSG_BATCH, IDC_FRAME_MORE, 0x01020304 },
        { 4, IDC_MSG_CREDIT, 0, UINT32_MAX },
        { 1, IDC_MSG_MODIFY, IDC_FRAME_MORE, 7 },
        { 1, IDC_MSG_MODIFIED, IDC_FRAME_MORE, 7 },
        { 12, IDC_MSG_COMMIT, 0, 7 },
        { 0, IDC_MSG_CLOSED, 0, 7 },
    };

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        uint8_t bytes[IDC_FRAME_HEAD_BYTES];
        IdcFrameHead read;

        idc_frame_head_write(&heads[i], bytes);
        assert_int_equal(idc_frame_head_read(bytes, &read, NULL), IDC_OK);
        assert_int_equal(read.payload_bytes, heads[i].payload_bytes);
        assert_int_equal(read.kind, heads[i].kind);
        assert_int_equal(read.flags, heads[i].flags);
        assert_int_equal(read.scan, heads[i].scan);
    }
    (void) state;
}

static void
refuses_bad_heads(void **state)
{
    static const uint8_t heads[][IDC_FRAME_HEAD_BYTES] = {
        { 0 },
        { 0, 0, 0, 0, 9 }, /* between the sides' kinds */
        { 0, 0, 0, 0, 64 },
        { 0, 0, 0, 0, IDC_MSG_MODIFIED + 1 },
        { 0, 0, 0, 0, 255 },
        { 1, 0, 0, 1, IDC_MSG_BATCH }, /* 16 MiB and 1 */
        { 255, 255, 255, 255, IDC_MSG_BATCH },
        { 1, 0, 0, 0, IDC_MSG_CLOSE },    /* has no payload */
        { 1, 0, 0, 0, IDC_MSG_BATCH, 2 }, /* unknown flags */
        { 1, 0, 0, 0, IDC_MSG_BATCH, 0, 1 },
        { 1, 0, 0, 0, IDC_MSG_BATCH, 0, 0, 1 },
        { 0, 0, 0, 0, IDC_MSG_BATCH, IDC_FRAME_MORE },  /* goes on with nothing */
        { 1, 0, 0, 0, IDC_MSG_SCHEMA, IDC_FRAME_MORE }, /* must not go on */
        { 1, 0, 0, 0, IDC_MSG_OPEN, IDC_FRAME_MORE },
    };

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        IdcFrameHead head = { .scan = 42 };
        IdcError err;

        assert_int_equal(idc_frame_head_read(heads[i], &head, &err), IDC_SOURCE_FAILED);
        assert_string_equal(err.sqlstate, "HV000");
        assert_int_equal(head.scan, 42);
    }
    (void) state;
}

/* ---- payloads ---- */

typedef IdcStatus (*Reader)(IdcArena *arena, const void *bytes, size_t len);

static IdcStatus
read_hello(IdcArena *arena, const void *bytes, size_t len)
{
    IdcHello hello;

    return idc_hello_read(arena, bytes, len, &hello, NULL);
}

static IdcStatus
read_open(IdcArena *arena, const void *bytes, size_t len)
{
    IdcOpen open;

    return idc_open_read(arena, bytes, len, &open, NULL);
}

static IdcStatus
read_import(IdcArena *arena, const void *bytes, size_t len)
{
    IdcImport import;

    return idc_import_read(arena, bytes, len, &import, NULL);
}

static IdcStatus
read_tables(IdcArena *arena, const void *bytes, size_t len)
{
    const IdcImportedTable *tables;
    size_t count;

    return idc_tables_read(arena, bytes, len, &tables, &count, NULL);
}

static IdcStatus
read_modify(IdcArena *arena, const void *bytes, size_t len)
{
    IdcModify modify;

    return idc_modify_read(arena, bytes, len, &modify, NULL);
}

static IdcStatus
read_failure(IdcArena *arena, const void *bytes, size_t len)
{
    IdcError failure;
    IdcScanStats stats;

    (void) arena;
    return idc_failure_read(bytes, len, false, &failure, &stats, NULL);
}

/* Cut anywhere it is refused; with a flipped bit it may be anything but a crash. */
static void
survives_damage(const IdcText *bytes, Reader reader)
{
    IdcArena *arena = idc_arena_new(0);

    for (size_t len = 0; len < bytes->len; len++) {
        char *copy = idc_malloc(len + 1);

        memcpy(copy, bytes->data, len);
        copy = idc_realloc(copy, len > 0 ? len : 1);
        assert_int_not_equal(reader(arena, copy, len), IDC_OK);
        idc_free(copy);
    }
    for (size_t bit = 0; bit < bytes->len * 8; bit++) {
        bytes->data[bit / 8] = (char) (bytes->data[bit / 8] ^ 1 << bit % 8);
        if (reader(arena, bytes->data, bytes->len) == IDC_OK)
            assert_true(true);
        bytes->data[bit / 8] = (char) (bytes->data[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(reader(arena, bytes->data, bytes->len), IDC_OK);
    idc_arena_free(arena);
}

static void
carries_hello(void **state)
{
    static const IdcOptionPair options[] = { { "base_url", "http://h/" }, { "x", "" } };
    IdcHello hello = { .version = IDC_MESSAGE_VERSION,
                       .adapter = "rest",
                       .server_name = "Mein Server",
                       .server_options = { options, 2 },
                       .cache_directory = "/c",
                       .memory_bytes = INT64_C(1) << 29,
                       .may_use_local = true };
    IdcArena *arena = idc_arena_new(0);
    IdcHello read;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    idc_hello_write(&hello, &bytes);
    assert_int_equal(idc_hello_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_string_equal(read.adapter, "rest");
    assert_string_equal(read.server_name, "Mein Server");
    assert_string_equal(idc_option_value(&read.server_options, "base_url"), "http://h/");
    assert_string_equal(idc_option_value(&read.server_options, "x"), "");
    assert_null(idc_option_value(&read.server_options, "y"));
    assert_int_equal(read.user_options.count, 0);
    assert_null(read.credential_directory);
    assert_string_equal(read.cache_directory, "/c");
    assert_int_equal(read.memory_bytes, hello.memory_bytes);
    assert_true(read.may_use_local);
    survives_damage(&bytes, read_hello);
    bytes.data[0] = 9;
    assert_int_equal(idc_hello_read(arena, bytes.data, bytes.len, &read, &err), IDC_UNSUPPORTED);
    assert_string_equal(err.message, "the hub speaks version 9 with its source process, not 2");
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_open(void **state)
{
    static uint32_t columns[] = { 1, 0, 1 };
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *orders = tree_orders(arena);
    IdcValue value = { .type = type_int8, .text = "5" };
    IdcOpen open = {
        .relation =
            idc_relation_limit(arena, orders, idc_expr_parameter(arena, type_int8, 0, false), NULL),
        .values = &value,
        .value_count = 1,
        .batch_rows = 65536,
        .batch_bytes = 1 << 20,
        .first_batch_rows = 100,
        .credit = 4,
        .timeout_ms = -1,
        .transaction = { .id = 77, .level = 3, .is_read_only = true },
        .layout = { .columns = columns, .column_count = 3, .decimals_are_float64 = true }
    };
    IdcOpen read;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    idc_open_write(&open, &bytes);
    assert_int_equal(idc_open_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.relation->kind, IDC_REL_LIMIT);
    assert_string_equal(idc_option_value(&read.relation->input->options, "endpoint"), "/orders");
    assert_string_equal(idc_option_value(&read.relation->columns[0].options, "path"), "a.b");
    assert_string_equal(read.values[0].text, "5");
    assert_int_equal(read.batch_rows, 65536);
    assert_int_equal(read.first_batch_rows, 100);
    assert_int_equal(read.credit, 4);
    assert_int_equal(read.timeout_ms, -1);
    assert_int_equal(read.transaction.id, 77);
    assert_int_equal(read.transaction.level, 3);
    assert_true(read.transaction.is_read_only && !read.transaction.is_serializable);
    assert_int_equal(read.layout.column_count, 3);
    assert_int_equal(read.layout.columns[0], 1);
    assert_int_equal(read.layout.columns[1], 0);
    assert_true(read.layout.decimals_are_float64 && !read.layout.has_small_offsets);
    survives_damage(&bytes, read_open);
    idc_text_clear(&bytes);
    open.value_count = 0;
    idc_open_write(&open, &bytes);
    assert_int_equal(idc_open_read(arena, bytes.data, bytes.len, &read, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "a relation of 1 parameters came with 0 values");
    idc_text_clear(&bytes);
    open.value_count = 1;
    open.credit = 0;
    idc_open_write(&open, &bytes);
    assert_int_equal(idc_open_read(arena, bytes.data, bytes.len, &read, &err), IDC_BAD_VALUE);
    idc_text_clear(&bytes);
    open.credit = 1;
    columns[2] = (uint32_t) open.relation->column_count;
    idc_open_write(&open, &bytes);
    assert_int_equal(idc_open_read(arena, bytes.data, bytes.len, &read, &err), IDC_BAD_VALUE);
    idc_text_clear(&bytes);
    columns[2] = 1;
    open.transaction.level = 0;
    idc_open_write(&open, &bytes);
    assert_int_equal(idc_open_read(arena, bytes.data, bytes.len, &read, &err), IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_imports(void **state)
{
    static const char *const names[] = { "orders", "Items" };
    static const IdcOptionPair options[] = { { "document", "openapi.json" } };
    IdcImport import = { .remote_schema = "api",
                         .is_list = true,
                         .names = names,
                         .name_count = 2,
                         .options = { options, 1 } };
    IdcArena *arena = idc_arena_new(0);
    IdcImport read;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_import_write(&import, &bytes);
    assert_int_equal(idc_import_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_true(read.is_list && !read.is_except && read.name_count == 2);
    assert_string_equal(read.names[1], "Items");
    assert_string_equal(read.options.items[0].value, "openapi.json");
    survives_damage(&bytes, read_import);
    import.is_except = true;
    idc_text_clear(&bytes);
    idc_import_write(&import, &bytes);
    assert_int_equal(read_import(arena, bytes.data, bytes.len), IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_tables(void **state)
{
    static const IdcOptionPair endpoint[] = { { "endpoint", "/orders" } };
    static const IdcOptionPair path[] = { { "path", "/id" } };
    static const IdcImportedColumn columns[] = {
        { "id", "bigint", true, "the key", NULL, false, { path, 1 } },
        { "name", "text COLLATE \"C\"", false, NULL, "'x'", true, { 0 } },
    };
    const IdcImportedTable tables[] = { { "orders", NULL, columns, 2, { endpoint, 1 } },
                                        { "nothing", "empty", NULL, 0, { 0 } } };
    IdcArena *arena = idc_arena_new(0);
    const IdcImportedTable *read;
    size_t count;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_tables_write(tables, 2, &bytes);
    assert_int_equal(idc_tables_read(arena, bytes.data, bytes.len, &read, &count, NULL), IDC_OK);
    assert_int_equal(count, 2);
    assert_string_equal(read[0].columns[1].type, "text COLLATE \"C\"");
    assert_string_equal(read[0].columns[0].comment, "the key");
    assert_string_equal(read[0].columns[1].default_sql, "'x'");
    assert_true(read[0].columns[0].default_sql == NULL && read[0].columns[1].is_generated);
    assert_true(read[0].columns[0].is_not_null && !read[0].columns[1].is_not_null);
    assert_string_equal(read[0].options.items[0].value, "/orders");
    assert_string_equal(read[1].comment, "empty");
    assert_int_equal(read[1].column_count, 0);
    survives_damage(&bytes, read_tables);
    idc_text_clear(&bytes);
    idc_tables_write(NULL, 0, &bytes);
    assert_int_equal(idc_tables_read(arena, bytes.data, bytes.len, &read, &count, NULL), IDC_OK);
    assert_int_equal(count, 0);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_rows_to_write(void **state)
{
    static const char *const rows[] = { "1", "one", "2", NULL, "3", "" };
    IdcArena *arena = idc_arena_new(0);
    IdcModify modify = { .kind = IDC_UPDATE,
                         .table = tree_customers(arena),
                         .key_count = 1,
                         .rows = rows,
                         .row_count = 3 };
    IdcModify read;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    idc_modify_write(&modify, &bytes);
    assert_int_equal(idc_modify_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.kind, IDC_UPDATE);
    assert_int_equal(read.row_count, 3);
    assert_string_equal(read.table->name, "customers");
    assert_null(read.rows[3]);
    assert_string_equal(read.rows[5], "");
    survives_damage(&bytes, read_modify);
    for (IdcModifyKind kind = IDC_INSERT; kind <= IDC_DELETE; kind++)
        for (size_t key_count = 0; key_count <= 3; key_count++) {
            bool fits = kind == IDC_INSERT   ? key_count == 0
                        : kind == IDC_UPDATE ? key_count == 1
                                             : key_count == 2;

            modify.kind = kind;
            modify.key_count = key_count;
            idc_text_clear(&bytes);
            idc_modify_write(&modify, &bytes);
            assert_int_equal(idc_modify_read(arena, bytes.data, bytes.len, &read, &err),
                             fits ? IDC_OK : IDC_BAD_VALUE);
        }
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

/* column = parameter 0 of customers. */
static const IdcRelation *
chosen(IdcArena *arena, const IdcRelation *table, size_t column)
{
    const IdcExpr *args[] = {
        idc_expr_column(arena, table, column),
        idc_expr_parameter(arena, table->columns[column].type, 0, false),
    };
    const IdcExpr *equal = idc_expr_new(arena, IDC_EXPR_COMPARE, IDC_EQ, type_bool,
                                        table->columns[column].collation, args, 2);

    return idc_relation_filter(arena, table, &equal, 1);
}

static IdcStatus
pass_modify(IdcArena *arena, const IdcModify *modify, IdcModify *read)
{
    IdcStatus status;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_modify_write(modify, &bytes);
    status = idc_modify_read(arena, bytes.data, bytes.len, read, NULL);
    idc_text_done(&bytes);
    return status;
}

static void
carries_writes_of_chosen_rows(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *table = tree_customers(arena);
    const IdcRelation *rows = chosen(arena, table, 0);
    const IdcExpr *news[] = { idc_expr_column(arena, rows, 0), idc_expr_column(arena, rows, 1) };
    const char *names[] = { "a", "b" };
    IdcValue value = { .type = table->columns[0].type, .text = "5" };
    IdcModify modify = { .kind = IDC_UPDATE_WHERE,
                         .table = table,
                         .where = idc_relation_project(arena, rows, news, names, 2),
                         .values = &value,
                         .value_count = 1,
                         .returning = table,
                         .transaction = { .id = 5, .level = 1, .is_serializable = true } };
    IdcModify read;
    IdcText bytes;

    assert_non_null(modify.where);
    idc_text_init(&bytes, 0);
    idc_modify_write(&modify, &bytes);
    assert_int_equal(idc_modify_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.kind, IDC_UPDATE_WHERE);
    assert_int_equal(read.row_count, 0);
    assert_int_equal(read.where->kind, IDC_REL_PROJECT);
    assert_string_equal(read.values[0].text, "5");
    assert_int_equal(read.returning->column_count, 2);
    assert_int_equal(read.transaction.id, 5);
    assert_true(read.transaction.is_serializable);
    survives_damage(&bytes, read_modify);
    idc_text_done(&bytes);

    modify.value_count = 0;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.value_count = 1;
    modify.where = rows; /* no new values */
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.kind = IDC_DELETE_WHERE;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_OK);
    modify.where = chosen(arena, tree_orders(arena), 0);
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.where = NULL;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.where = table;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_OK);
    modify.where = idc_relation_limit(arena, table, NULL, NULL);
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.where = table;
    modify.returning = tree_orders(arena);
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.returning = NULL;
    modify.conflict = IDC_CONFLICT_NOTHING;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.conflict = IDC_CONFLICT_ERROR;
    modify.is_cascade = true;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_truncations(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *other = idc_relation_scan(arena, "other", &(IdcOptionSet){ 0 }, NULL, 0);
    IdcModify modify = { .kind = IDC_TRUNCATE,
                         .table = idc_relation_scan(arena, "table", &(IdcOptionSet){ 0 }, NULL, 0),
                         .also = &other,
                         .also_count = 1,
                         .is_cascade = true };
    IdcModify read;

    assert_int_equal(pass_modify(arena, &modify, &read), IDC_OK);
    assert_string_equal(read.also[0]->name, "other");
    assert_true(read.is_cascade && !read.restarts_identity);
    modify.where = other;
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    modify.where = NULL;
    modify.table = tree_orders(arena);
    assert_int_equal(pass_modify(arena, &modify, &read), IDC_BAD_VALUE);
    idc_arena_free(arena);
    (void) state;
}

static IdcStatus
read_modified(IdcArena *arena, const void *bytes, size_t len)
{
    IdcModified modified;

    return idc_modified_read(arena, bytes, len, &modified, NULL);
}

static void
carries_what_was_written(void **state)
{
    static const char *const rows[] = { "1", "one", "2", NULL };
    IdcModified modified = {
        .stats = { .rows = 3 }, .rows = rows, .row_count = 2, .column_count = 2
    };
    IdcArena *arena = idc_arena_new(0);
    IdcModified read;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_modified_write(&modified, &bytes);
    assert_int_equal(idc_modified_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.stats.rows, 3);
    assert_int_equal(read.row_count, 2);
    assert_int_equal(read.column_count, 2);
    assert_string_equal(read.rows[1], "one");
    assert_null(read.rows[3]);
    survives_damage(&bytes, read_modified);
    idc_text_clear(&bytes);
    modified.row_count = 0;
    idc_modified_write(&modified, &bytes);
    assert_int_equal(idc_modified_read(arena, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.row_count, 0);
    assert_int_equal(read.column_count, 0);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_ends_of_transactions(void **state)
{
    IdcFinish finish = { .id = 9, .level = 2 }, read;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_finish_write(&finish, &bytes);
    assert_int_equal(idc_finish_read(IDC_MSG_COMMIT, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_int_equal(read.id, 9);
    assert_int_equal(read.level, 2);
    assert_true(read.is_commit);
    assert_int_equal(idc_finish_read(IDC_MSG_ROLLBACK, bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_false(read.is_commit);
    assert_int_equal(idc_finish_read(IDC_MSG_COMMIT, bytes.data, bytes.len - 1, &read, NULL),
                     IDC_SOURCE_FAILED);
    bytes.data[8] = 0;
    assert_int_equal(idc_finish_read(IDC_MSG_COMMIT, bytes.data, bytes.len, &read, NULL),
                     IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    (void) state;
}

static void
carries_statistics(void **state)
{
    IdcScanStats stats = { 1, 2, 3, INT64_MAX, 5, 6, 7 }, read;
    uint32_t credit;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    idc_stats_write(&stats, &bytes);
    assert_int_equal(idc_stats_read(bytes.data, bytes.len, &read, NULL), IDC_OK);
    assert_memory_equal(&stats, &read, sizeof stats);
    assert_int_equal(idc_stats_read(bytes.data, bytes.len - 1, &read, NULL), IDC_SOURCE_FAILED);
    stats.wait_us = -1;
    idc_text_clear(&bytes);
    idc_stats_write(&stats, &bytes);
    assert_int_equal(idc_stats_read(bytes.data, bytes.len, &read, &err), IDC_SOURCE_FAILED);
    idc_text_clear(&bytes);
    idc_credit_write(0x80000001, &bytes);
    assert_int_equal(idc_credit_read(bytes.data, bytes.len, &credit, NULL), IDC_OK);
    assert_int_equal(credit, 0x80000001);
    assert_int_equal(idc_credit_read(bytes.data, 3, &credit, NULL), IDC_SOURCE_FAILED);
    assert_int_equal(idc_credit_read(NULL, 0, &credit, NULL), IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    (void) state;
}

/* ---- failures ---- */

static void
carries_failures(void **state)
{
    IdcScanStats stats = { .requests = 3 }, read_stats;
    IdcError failure, read;
    IdcText bytes;

    (void) idc_fail(&failure, IDC_BAD_CREDENTIAL, "the API says: no");
    idc_error_set_hint(&failure, "look at the token");
    idc_error_set_source(&failure, "api");
    idc_error_set_remote_sql(&failure, "GET /x");
    idc_text_init(&bytes, 0);
    idc_failure_write(&failure, &stats, &bytes);
    assert_int_equal(idc_failure_read(bytes.data, bytes.len, false, &read, &read_stats, NULL),
                     IDC_OK);
    assert_int_equal(read.status, IDC_BAD_CREDENTIAL);
    assert_string_equal(read.sqlstate, "28P01");
    assert_string_equal(read.message, "the API says: no");
    assert_string_equal(read.hint, "look at the token");
    assert_string_equal(read.source, "api");
    assert_string_equal(read.remote_sql, "GET /x");
    assert_int_equal(read_stats.requests, 3);
    survives_damage(&bytes, read_failure);
    idc_text_done(&bytes);
    (void) state;
}

static void
read_said(const IdcError *said, bool may_try_again, IdcError *read)
{
    IdcScanStats stats = { 0 };
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_failure_write(said, &stats, &bytes);
    assert_int_equal(idc_failure_read(bytes.data, bytes.len, may_try_again, read, &stats, NULL),
                     IDC_OK);
    idc_text_done(&bytes);
}

static void
makes_failures_safe(void **state)
{
    static const struct {
        const char *said, *read;
    } messages[] = {
        { "two\nlines\r\x1b[2J\x7f", "two lines  [2J " },
        { "\xff\xfe valid? \xe2\x82", "?? valid? ??" },
        { "c1 \xc2\x9b nbsp \xc2\xa0", "c1   nbsp \xc2\xa0" },
        { "\xe2\x80\xaetxt \xe2\x80\xa8 \xe2\x81\xa6 €", " txt     €" },
        { "", "no reason was given" },
    };
    IdcError said, read;

    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        (void) idc_fail(&said, IDC_SOURCE_FAILED, "x");
        (void) snprintf(said.message, sizeof said.message, "%s", messages[i].said);
        read_said(&said, false, &read);
        assert_string_equal(read.message, messages[i].read);
    }
    (void) state;
}

static void
makes_sqlstates_credible(void **state)
{
    static const struct {
        IdcStatus status;
        const char *said, *read;
    } states[] = {
        { IDC_SOURCE_FAILED, "42P01", "42P01" },
        { IDC_SOURCE_FAILED, "00000", "HV000" },
        { IDC_TIMEOUT, "01000", "57014" },
        { IDC_SOURCE_FAILED, "57P01", "HV000" },
        { IDC_SOURCE_FAILED, "40001", "HV000" },
        { IDC_SOURCE_FAILED, "ab123", "HV000" },
        { IDC_QUERY_FAILED, "", "HV000" },
        { IDC_QUERY_FAILED, "08", "HV000" },
        { IDC_OK, "08006", "08006" },
        { IDC_BAD_VALUE, "2201W", "2201W" },
    };
    IdcError said, read;

    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        (void) idc_fail(&said, states[i].status, "x");
        (void) snprintf(said.sqlstate, sizeof said.sqlstate, "%s", states[i].said);
        read_said(&said, false, &read);
        assert_string_equal(read.sqlstate, states[i].read);
        assert_int_not_equal(read.status, IDC_OK);
    }
    /* Of a transaction of the source these mean what they say. */
    (void) idc_fail(&said, IDC_SOURCE_FAILED, "x");
    idc_error_set_sqlstate(&said, "40001");
    read_said(&said, true, &read);
    assert_string_equal(read.sqlstate, "40001");
    idc_error_set_sqlstate(&said, "40P01");
    read_said(&said, true, &read);
    assert_string_equal(read.sqlstate, "40P01");
    idc_error_set_sqlstate(&said, "40003");
    read_said(&said, true, &read);
    assert_string_equal(read.sqlstate, "HV000");
    (void) state;
}

static void
cuts_long_failures(void **state)
{
    static const char head[] = { IDC_SOURCE_FAILED, 6, 0, 0, 0, 'H', 'V', '0', '0', '0' };
    static const IdcScanStats stats;
    enum { LEN = 99999 + 2 };
    IdcScanStats read_stats;
    IdcError read;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_text_append_len(&bytes, head, sizeof head);
    idc_text_append_len(&bytes, (const char[]){ (char) 0xA2, (char) 0x86, 1, 0 }, 4); /* LEN + 1 */
    for (int i = 0; i < LEN / 3; i++)
        idc_text_append(&bytes, "€");
    idc_text_append(&bytes, "é");
    for (int i = 0; i < 3; i++)
        idc_text_append_len(&bytes, (const char[]){ 0, 0, 0, 0 }, 4);
    idc_stats_write(&stats, &bytes);
    assert_int_equal(idc_failure_read(bytes.data, bytes.len, false, &read, &read_stats, NULL),
                     IDC_OK);
    assert_int_equal(strlen(read.message), (sizeof read.message - 1) / 3 * 3);
    assert_true(idc_utf8_is_valid(read.message, strlen(read.message)));
    idc_text_done(&bytes);
    (void) state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_come_back),
        cmocka_unit_test(refuses_bad_heads),
        cmocka_unit_test(carries_hello),
        cmocka_unit_test(carries_open),
        cmocka_unit_test(carries_imports),
        cmocka_unit_test(carries_tables),
        cmocka_unit_test(carries_rows_to_write),
        cmocka_unit_test(carries_writes_of_chosen_rows),
        cmocka_unit_test(carries_truncations),
        cmocka_unit_test(carries_what_was_written),
        cmocka_unit_test(carries_ends_of_transactions),
        cmocka_unit_test(carries_statistics),
        cmocka_unit_test(carries_failures),
        cmocka_unit_test(makes_failures_safe),
        cmocka_unit_test(makes_sqlstates_credible),
        cmocka_unit_test(cuts_long_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
