/*
 * bad_source.c - a program for instant.source_program that misbehaves as it is told.
 *
 *     bad_source --session        as instant-source, on descriptor 3
 *
 * What it does is the native request of a scan, or the name of the foreign table:
 *
 *     rows:N[:MS]        N rows in batches of 100, MS milliseconds before each batch
 *     drip               1000 rows, byte by byte
 *     ACT@STAGE          STAGE is open (nothing sent), schema, batch (one batch sent), half (of the
 *                        second batch's frame) or close
 *
 *     ACT: signal:N, exit:N, garbage, silence (reads nothing), spin, eof (closes the socket only),
 *          quiet (waits, and obeys CLOSE), error:SQLSTATE, unknown (a scan that is none),
 *          overrun (more batches than it may), twice (END two times), long (a frame that is too
 *          long), wrong (another schema), memory
 *
 * Of an import ACT is the remote schema, of a write the name of the table (without a stage).
 *
 * A server whose name begins with "hello:" has ACT done instead of READY; with "commit:" or
 * "rollback:" instead of the answer to these (ACT also: later:MS, which answers so late).
 *
 * A write to the table "log" is answered with an error that says which requests came since the last
 * one: o (OPEN), m (MODIFY), c, r, each with its level, and the number of its transaction behind a
 * colon where that is another one than before.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arrow/ipc.h"
#include "relation/message.h"

enum { SOCKET = 3, SCANS = 64, BATCH_ROWS = 100 };

typedef struct Scan {
    uint32_t number;
    uint32_t credit;
    char act[64];
    const char *stage;
    int64_t left; /* rows */
    int sleep_ms;
    int batches;
    bool is_used, is_done;
    IdcArena *arena;
    const IdcRelation *relation;
    IdcColumnSpec *specs;
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    int64_t row;
} Scan;

static Scan scans[SCANS];
static size_t most_at_once = SIZE_MAX;
static char commit_act[64], rollback_act[64];
static IdcText requests; /* since "log" was written to */
static uint64_t last_transaction;
static const IdcScanStats stats = { .rows = 7, .requests = 3, .bytes = 1000, .wait_us = 1500 };

static void
write_all(const void *bytes, size_t len)
{
    const char *next = bytes;

    while (len > 0) {
        ssize_t sent = write(SOCKET, next, len < most_at_once ? len : most_at_once);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            _exit(0);
        next += sent;
        len -= (size_t) sent;
    }
}

static void
send_frame(IdcMessageKind kind, uint32_t scan, const void *payload, size_t len)
{
    IdcFrameHead head = { .payload_bytes = (uint32_t) len, .kind = kind, .scan = scan };
    uint8_t bytes[IDC_FRAME_HEAD_BYTES];

    idc_frame_head_write(&head, bytes);
    write_all(bytes, sizeof bytes);
    write_all(payload, len);
}

static void
send_stats(IdcMessageKind kind, uint32_t scan)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_stats_write(&stats, &text);
    send_frame(kind, scan, text.data, text.len);
    idc_text_done(&text);
}

static void send_failure(uint32_t scan, const char *sqlstate, const char *message);

static void
send_error(uint32_t scan, const char *sqlstate)
{
    send_failure(scan, sqlstate, "the source says no");
}

static void
send_failure(uint32_t scan, const char *sqlstate, const char *message)
{
    IdcError failure;
    IdcText text;

    idc_error_init(&failure);
    (void) idc_fail(&failure, IDC_SOURCE_FAILED, "%s", message);
    idc_error_set_sqlstate(&failure, sqlstate);
    idc_error_set_hint(&failure, "Ask again.");
    idc_text_init(&text, 0);
    idc_failure_write(&failure, &stats, &text);
    send_frame(IDC_MSG_ERROR, scan, text.data, text.len);
    idc_text_done(&text);
}

static void
spin(void)
{
    static volatile int turns;

    for (;;)
        turns++;
}

static void
eat_memory(void)
{
    const struct rlimit limit = { 64 << 20, 64 << 20 };

    setrlimit(RLIMIT_AS, &limit);
    while (malloc(1 << 20) != NULL)
        ;
    abort();
}

/* What is not the end of this program comes back. */
static void
act(const char *what, uint32_t scan)
{
    uint8_t junk[64];

    memset(junk, 0xA5, sizeof junk);
    if (strncmp(what, "signal:", 7) == 0)
        raise(atoi(what + 7));
    else if (strncmp(what, "exit:", 5) == 0)
        _exit(atoi(what + 5));
    else if (strcmp(what, "garbage") == 0)
        write_all(junk, sizeof junk);
    else if (strcmp(what, "silence") == 0)
        for (;;)
            pause();
    else if (strcmp(what, "spin") == 0)
        spin();
    else if (strcmp(what, "eof") == 0)
        close(SOCKET), (void) sleep(100);
    else if (strncmp(what, "error:", 6) == 0)
        send_error(scan, what + 6);
    else if (strcmp(what, "unknown") == 0)
        send_stats(IDC_MSG_END, scan + 77);
    else if (strcmp(what, "twice") == 0)
        send_stats(IDC_MSG_END, scan), send_stats(IDC_MSG_END, scan);
    else if (strcmp(what, "long") == 0)
        write_all("\xff\xff\xff\xff\x43\0\0\0\1\0\0\0", 12);
    else if (strcmp(what, "memory") == 0)
        eat_memory();
}

static void
act_at(Scan *scan, const char *stage)
{
    if (scan->stage == NULL || strcmp(scan->stage, stage) != 0)
        return;
    scan->is_done = true;
    act(scan->act, scan->number);
}

static void
append_row(Scan *scan)
{
    char text[32];
    uint64_t big = htobe64((uint64_t) scan->row);
    uint32_t small = htobe32((uint32_t) scan->row);

    for (size_t i = 0; i < scan->relation->column_count; i++) {
        IdcColumnKind kind = scan->specs[i].kind;
        const void *value = kind == IDC_KIND_INT64   ? (const void *) &big
                            : kind == IDC_KIND_INT32 ? (const void *) &small
                                                     : text;
        int len = kind == IDC_KIND_INT64   ? 8
                  : kind == IDC_KIND_INT32 ? 4
                  : kind != IDC_KIND_TEXT  ? -1
                                           : snprintf(text, sizeof text, "row %d", (int) scan->row);

        if (idc_batch_append(scan->builder, i, value, len, NULL) != IDC_OK)
            _exit(99);
    }
    idc_batch_end_row(scan->builder);
    scan->row++;
}

static uint8_t *
emit(Scan *scan, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    idc_ipc_emit(scan->writer, bytes);
    return bytes;
}

static void
send_schema(Scan *scan)
{
    size_t size;
    uint8_t *bytes;

    if (idc_ipc_prepare_schema(scan->writer, &size, NULL) != IDC_OK)
        _exit(98);
    bytes = emit(scan, size);
    send_frame(IDC_MSG_SCHEMA, scan->number, bytes, size);
    free(bytes);
}

static void
send_batch(Scan *scan)
{
    size_t size;
    uint8_t *bytes;

    if (scan->sleep_ms > 0)
        usleep((useconds_t) scan->sleep_ms * 1000);
    for (int i = 0; i < BATCH_ROWS && scan->left > 0; i++, scan->left--)
        append_row(scan);
    if (idc_ipc_prepare_batch(scan->writer, &size, NULL) != IDC_OK)
        _exit(97);
    bytes = emit(scan, size);
    if (scan->batches == 1 && scan->stage != NULL && strcmp(scan->stage, "half") == 0) {
        IdcFrameHead head = { .payload_bytes = (uint32_t) size,
                              .kind = IDC_MSG_BATCH,
                              .scan = scan->number };
        uint8_t head_bytes[IDC_FRAME_HEAD_BYTES];

        idc_frame_head_write(&head, head_bytes);
        write_all(head_bytes, sizeof head_bytes);
        write_all(bytes, size / 2);
        act_at(scan, "half");
        return;
    }
    send_frame(IDC_MSG_BATCH, scan->number, bytes, size);
    free(bytes);
    scan->batches++;
    scan->credit--;
}

static void
work(Scan *scan)
{
    bool is_overrun = scan->stage != NULL && strcmp(scan->act, "overrun") == 0;

    while (!scan->is_done && (scan->credit > 0 || is_overrun)) {
        if (scan->left == 0) {
            send_stats(IDC_MSG_END, scan->number);
            scan->is_done = true;
            return;
        }
        send_batch(scan);
        if (scan->batches == 1)
            act_at(scan, "batch");
        if (is_overrun)
            scan->is_done = false;
        else if (scan->sleep_ms > 0)
            return;
    }
}

static void
understand(Scan *scan, const char *command)
{
    char *at;

    snprintf(scan->act, sizeof scan->act, "%s", command);
    scan->left = 1000;
    most_at_once = strncmp(scan->act, "drip", 4) == 0 ? 1 : SIZE_MAX;
    at = strchr(scan->act, '@');
    if (at != NULL) {
        *at = '\0';
        scan->stage = at + 1;
    } else if (strncmp(scan->act, "rows:", 5) == 0) {
        scan->left = strtoll(scan->act + 5, &at, 10);
        scan->sleep_ms = *at == ':' ? atoi(at + 1) : 0;
    }
}

static void
prepare(Scan *scan)
{
    const IdcRelation *relation = scan->relation;
    IdcBatchOptions options = { .single_batch = true };
    IdcIpcOptions ipc = { 0 };
    bool is_wrong = strcmp(scan->act, "wrong") == 0;

    scan->specs = calloc(relation->column_count + 1, sizeof *scan->specs);
    for (size_t i = 0; i < relation->column_count; i++) {
        scan->specs[i].name = relation->columns[i].name;
        idc_type_column(relation->columns[i].type, &scan->specs[i]);
        if (is_wrong)
            scan->specs[i].kind = IDC_KIND_FLOAT64;
    }
    if (idc_batch_builder_new(scan->specs, relation->column_count, &options, &scan->builder,
                              NULL) != IDC_OK ||
        idc_ipc_writer_new(scan->builder, &ipc, &scan->writer, NULL) != IDC_OK)
        _exit(96);
}

static void
note(char what, uint64_t transaction, int level)
{
    if (requests.len > 0)
        idc_text_append_char(&requests, ' ');
    idc_text_append_format(&requests, "%c%d", what, level);
    if (transaction != last_transaction)
        idc_text_append_format(&requests, ":%d", (int) transaction);
    last_transaction = transaction;
}

static void
on_open(uint32_t number, const void *payload, size_t len)
{
    Scan *scan = scans;
    const IdcRelation *base;
    IdcOpen open;
    IdcError err;

    while (scan->is_used)
        scan++;
    *scan = (Scan){ .is_used = true, .number = number, .arena = idc_arena_new(0) };
    idc_error_init(&err);
    if (idc_open_read(scan->arena, payload, len, &open, &err) != IDC_OK) {
        fprintf(stderr, "bad_source: %s\n", err.message);
        _exit(95);
    }
    note('o', open.transaction.id, open.transaction.level);
    scan->credit = open.credit;
    scan->relation = open.relation;
    base = idc_relation_base(open.relation);
    understand(scan, base->native != NULL ? base->native : base->name);
    act_at(scan, "open");
    if (scan->is_done)
        return;
    prepare(scan);
    send_schema(scan);
    act_at(scan, "schema");
    work(scan);
}

/* An import or a write: nothing but its number is kept, for its CLOSE. */
static void
remember(uint32_t number)
{
    Scan *scan = scans;

    while (scan->is_used)
        scan++;
    *scan = (Scan){ .is_used = true, .is_done = true, .number = number, .arena = idc_arena_new(0) };
}

/* The schema "type:T" has one table with a column of type T; others are an ACT. */
static void
on_import(uint32_t number, const void *payload, size_t len)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcOptionPair options[] = { { "endpoint", "/it's%20here" } };
    IdcImportedColumn columns[] = { { .name = "we\"ird", .type = "bigint", .is_not_null = true },
                                    { .name = "select", .type = "text COLLATE \"C\"" },
                                    { .name = "n", .type = "numeric(15,2)" } };
    IdcImportedTable table = { .name = "T'a\"b", .columns = columns, .column_count = 3 };
    IdcImport import;
    IdcText text;

    remember(number);
    if (idc_import_read(arena, payload, len, &import, NULL) != IDC_OK)
        _exit(92);
    table.options = (IdcOptionSet){ .items = options, .count = 1 };
    if (strncmp(import.remote_schema, "type:", 5) == 0)
        columns[2].type = import.remote_schema + 5;
    else
        act(import.remote_schema, number);
    idc_text_init(&text, 0);
    idc_tables_write(&table, 1, &text);
    send_frame(IDC_MSG_TABLES, number, text.data, text.len);
    idc_text_done(&text);
    idc_arena_free(arena);
}

/* The table "echo" answers with an error that says what was to be written. */
static void
echo(uint32_t number, const IdcModify *modify)
{
    size_t width = modify->table->column_count;
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append_format(&text, "%d/%d:", (int) modify->kind, (int) modify->key_count);
    for (size_t i = 0; i < modify->row_count * width; i++)
        idc_text_append_format(&text, "%s%s", i % width == 0 ? " " : ",",
                               modify->rows[i] == NULL ? "NULL" : modify->rows[i]);
    send_failure(number, "HV000", idc_text_string(&text));
    idc_text_done(&text);
}

static void
on_modify(uint32_t number, const void *payload, size_t len)
{
    IdcArena *arena = idc_arena_new(0);
    IdcModified done = { .stats = stats };
    IdcModify modify;
    IdcText text;

    remember(number);
    if (idc_modify_read(arena, payload, len, &modify, NULL) != IDC_OK)
        _exit(91);
    if (strcmp(modify.table->name, "log") != 0)
        note('m', modify.transaction.id, modify.transaction.level);
    if (strcmp(modify.table->name, "echo") == 0) {
        echo(number, &modify);
    } else if (strcmp(modify.table->name, "log") == 0) {
        send_failure(number, "HV000", idc_text_string(&requests));
        idc_text_clear(&requests);
        last_transaction = modify.transaction.id;
        note('l', modify.transaction.id, modify.transaction.level);
    } else {
        act(modify.table->name, number);
        done.stats.rows =
            strcmp(modify.table->name, "nobody") == 0 ? 0 : (int64_t) modify.row_count;
        idc_text_init(&text, 0);
        idc_modified_write(&done, &text);
        send_frame(IDC_MSG_MODIFIED, number, text.data, text.len);
        idc_text_done(&text);
    }
    idc_arena_free(arena);
}

static void
on_finish(uint32_t number, IdcMessageKind kind, const void *payload, size_t len)
{
    const char *what = kind == IDC_MSG_COMMIT ? commit_act : rollback_act;
    IdcModified done = { 0 };
    IdcFinish finish;
    IdcText text;

    remember(number);
    if (idc_finish_read(kind, payload, len, &finish, NULL) != IDC_OK)
        _exit(90);
    note(kind == IDC_MSG_COMMIT ? 'c' : 'r', finish.id, finish.level);
    if (strncmp(what, "later:", 6) == 0)
        usleep((useconds_t) atoi(what + 6) * 1000);
    else
        act(what, number);
    if (strncmp(what, "error:", 6) == 0 || strcmp(what, "quiet") == 0)
        return;
    idc_text_init(&text, 0);
    idc_modified_write(&done, &text);
    send_frame(IDC_MSG_MODIFIED, number, text.data, text.len);
    idc_text_done(&text);
}

static void
on_close(Scan *scan)
{
    act_at(scan, "close");
    send_stats(IDC_MSG_CLOSED, scan->number);
    idc_ipc_writer_free(scan->writer);
    idc_batch_builder_free(scan->builder);
    free(scan->specs);
    idc_arena_free(scan->arena);
    memset(scan, 0, sizeof *scan);
}

static void
take_acts(const char *name)
{
    if (strncmp(name, "commit:", 7) == 0)
        snprintf(commit_act, sizeof commit_act, "%s", name + 7);
    if (strncmp(name, "rollback:", 9) == 0)
        snprintf(rollback_act, sizeof rollback_act, "%s", name + 9);
}

static void
on_hello(const void *payload, size_t len)
{
    IdcArena *arena = idc_arena_new(0);
    IdcHello hello;

    if (idc_hello_read(arena, payload, len, &hello, NULL) != IDC_OK)
        _exit(94);
    if (strncmp(hello.server_name, "hello:", 6) == 0)
        act(hello.server_name + 6, 0);
    else
        take_acts(hello.server_name);
    if (strncmp(hello.server_name, "hello:", 6) != 0)
        send_frame(IDC_MSG_READY, 0, NULL, 0);
    idc_arena_free(arena);
}

static bool
read_all(void *bytes, size_t len)
{
    char *next = bytes;

    while (len > 0) {
        ssize_t got = read(SOCKET, next, len);

        if (got <= 0)
            return false;
        next += got;
        len -= (size_t) got;
    }
    return true;
}

static Scan *
find(uint32_t number)
{
    for (int i = 0; i < SCANS; i++)
        if (scans[i].is_used && scans[i].number == number)
            return &scans[i];
    return NULL;
}

/* One message of the hub. */
static void
serve(void)
{
    uint8_t bytes[IDC_FRAME_HEAD_BYTES], *payload;
    IdcFrameHead head;
    uint32_t credit = 0;
    Scan *scan;

    if (!read_all(bytes, sizeof bytes) || idc_frame_head_read(bytes, &head, NULL) != IDC_OK)
        _exit(0);
    payload = malloc(head.payload_bytes + 1);
    if (!read_all(payload, head.payload_bytes))
        _exit(0);
    scan = find(head.scan);
    if (head.kind == IDC_MSG_HELLO)
        on_hello(payload, head.payload_bytes);
    else if (head.kind == IDC_MSG_OPEN)
        on_open(head.scan, payload, head.payload_bytes);
    else if (head.kind == IDC_MSG_IMPORT)
        on_import(head.scan, payload, head.payload_bytes);
    else if (head.kind == IDC_MSG_MODIFY)
        on_modify(head.scan, payload, head.payload_bytes);
    else if (head.kind == IDC_MSG_COMMIT || head.kind == IDC_MSG_ROLLBACK)
        on_finish(head.scan, head.kind, payload, head.payload_bytes);
    else if (head.kind == IDC_MSG_CLOSE && scan != NULL)
        on_close(scan);
    else if (head.kind == IDC_MSG_CREDIT && scan != NULL &&
             idc_credit_read(payload, head.payload_bytes, &credit, NULL) == IDC_OK)
        scan->credit += credit;
    else if (head.kind != IDC_MSG_CREDIT)
        _exit(93);
    free(payload);
    for (int i = 0; i < SCANS; i++)
        if (scans[i].is_used && !scans[i].is_done)
            work(&scans[i]);
}

static bool
has_work(void)
{
    for (int i = 0; i < SCANS; i++)
        if (scans[i].is_used && !scans[i].is_done && scans[i].credit > 0)
            return true;
    return false;
}

int
main(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        struct pollfd wanted = { .fd = SOCKET, .events = POLLIN };

        if (poll(&wanted, 1, has_work() ? 0 : -1) > 0)
            serve();
        for (int i = 0; i < SCANS; i++)
            if (scans[i].is_used && !scans[i].is_done && scans[i].sleep_ms > 0)
                work(&scans[i]);
    }
}
