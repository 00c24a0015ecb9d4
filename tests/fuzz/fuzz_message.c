/*
 * fuzz_message.c - what one side of the socketpair may send to the other: heads of frames and every
 * payload. The first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relation/message.h"

/* Written again it is the same, where bytes are not made safe on the way. */
static void
expect_same(const IdcText *bytes, const uint8_t *data, size_t size)
{
    if (bytes->len != size || (size > 0 && memcmp(bytes->data, data, size) != 0))
        abort();
}

static void
check_head(const uint8_t *data, size_t size)
{
    uint8_t bytes[IDC_FRAME_HEAD_BYTES], again[IDC_FRAME_HEAD_BYTES];
    IdcFrameHead head;

    if (size < sizeof bytes)
        return;
    memcpy(bytes, data, sizeof bytes);
    if (idc_frame_head_read(bytes, &head, NULL) != IDC_OK)
        return;
    if (head.payload_bytes > IDC_FRAME_MAX_PAYLOAD)
        abort();
    idc_frame_head_write(&head, again);
    if (memcmp(bytes, again, sizeof bytes) != 0)
        abort();
}

static void
check_session(IdcArena *arena, const uint8_t *data, size_t size, IdcText *bytes)
{
    IdcHello hello;
    IdcOpen open;
    IdcImport import;

    if (idc_hello_read(arena, data, size, &hello, NULL) == IDC_OK) {
        idc_hello_write(&hello, bytes);
        expect_same(bytes, data, size);
    }
    idc_text_clear(bytes);
    if (idc_open_read(arena, data, size, &open, NULL) == IDC_OK) {
        const IdcRelation *bound;

        idc_open_write(&open, bytes);
        expect_same(bytes, data, size);
        if (idc_relation_bind(arena, open.relation, open.values, open.value_count, &bound, NULL) ==
                IDC_OK &&
            idc_relation_check(bound, NULL) != IDC_OK)
            abort();
    }
    idc_text_clear(bytes);
    if (idc_import_read(arena, data, size, &import, NULL) == IDC_OK) {
        idc_import_write(&import, bytes);
        expect_same(bytes, data, size);
    }
}

static void
check_tables(IdcArena *arena, const uint8_t *data, size_t size, IdcText *bytes)
{
    const IdcImportedTable *tables;
    IdcModified modified;
    IdcModify modify;
    size_t count;
    IdcStatus status = idc_tables_read(arena, data, size, &tables, &count, NULL);

    if (status == IDC_NO_MEMORY) /* the arena has several times the bytes */
        abort();
    if (status == IDC_OK) {
        idc_tables_write(tables, count, bytes);
        expect_same(bytes, data, size);
    }
    idc_text_clear(bytes);
    if (idc_modify_read(arena, data, size, &modify, NULL) == IDC_OK) {
        const IdcRelation *bound;

        idc_modify_write(&modify, bytes);
        expect_same(bytes, data, size);
        if (modify.where != NULL &&
            idc_relation_bind(arena, modify.where, modify.values, modify.value_count, &bound,
                              NULL) == IDC_OK &&
            idc_relation_check(bound, NULL) != IDC_OK)
            abort();
    }
    idc_text_clear(bytes);
    if (idc_modified_read(arena, data, size, &modified, NULL) == IDC_OK) {
        idc_modified_write(&modified, bytes);
        expect_same(bytes, data, size);
    }
}

static void
check_ending(const uint8_t *data, size_t size)
{
    IdcError failure;
    IdcScanStats stats;
    IdcFinish finish;
    uint32_t credit;

    if (idc_finish_read(IDC_MSG_COMMIT, data, size, &finish, NULL) == IDC_OK &&
        (finish.id == 0 || finish.level < 1))
        abort();
    (void) !idc_stats_read(data, size, &stats, NULL);
    (void) !idc_credit_read(data, size, &credit, NULL);
    if (idc_failure_read(data, size, true, &failure, &stats, NULL) != IDC_OK)
        return;
    if (failure.status == IDC_OK || strlen(failure.sqlstate) != 5 || failure.message[0] == '\0' ||
        !idc_utf8_is_valid(failure.message, strlen(failure.message)) ||
        !idc_utf8_is_valid(failure.remote_sql, strlen(failure.remote_sql)) ||
        strpbrk(failure.hint, "\n\r\x1b") != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcArena *arena;
    IdcText bytes;

    if (size == 0)
        return 0;
    /* What is read of tables takes a small multiple of the bytes, and the arena's blocks. */
    arena = idc_arena_new(data[0] % 4 == 2 ? 64 * size + 64 * 1024 : 0);
    idc_text_init(&bytes, 0);
    switch (data[0] % 4) {
    case 0:
        check_head(data + 1, size - 1);
        break;
    case 1:
        check_session(arena, data + 1, size - 1, &bytes);
        break;
    case 2:
        check_tables(arena, data + 1, size - 1, &bytes);
        break;
    default:
        check_ending(data + 1, size - 1);
        break;
    }
    idc_text_done(&bytes);
    idc_arena_free(arena);
    return 0;
}
