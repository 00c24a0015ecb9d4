/*
 * write.c - rows into tables, on the transaction's writer.
 *
 * Many rows at once are a COPY where that means the same as an INSERT: in an ordinary table without
 * rules, policies and numbers that only the source may give. UPDATE and DELETE by key are as many
 * statements as rows, all in one message.
 */
#include <string.h>

#include "adapters/postgres/work.h"

enum { COPY_ROWS = 100, STATEMENT_BYTES = 4 << 20, COPY_BYTES = 256 * 1024, TID_OID = 27 };

/* returned: texts of `returning`'s columns, row by row, in capacity. */
typedef struct Write {
    IdcSourceScan *scan;
    const IdcModify *modify;
    IdcPostgresSession *session;
    IdcModified *modified;
    const char **returned;
    size_t returned_count, capacity;
} Write;

/* ---- answers ---- */

static IdcStatus
keep_row(Write *write, const IdcAnswer *row, IdcError *err)
{
    IdcArena *arena = write->scan->arena;
    size_t width = write->modify->returning == NULL ? 0 : write->modify->returning->column_count;

    if (row->field_count != width)
        return idc_fail(err, IDC_SOURCE_FAILED, "the source returned %zu columns, not %zu",
                        row->field_count, width);
    if (write->returned_count + width > write->capacity) {
        size_t capacity = 2 * write->capacity + 64 * width;
        const char **grown = idc_arena_alloc_array(arena, capacity, sizeof *grown);

        if (grown == NULL)
            return idc_fail_no_memory(err);
        if (write->returned_count > 0)
            memcpy(grown, write->returned, write->returned_count * sizeof *grown);
        write->returned = grown;
        write->capacity = capacity;
    }
    for (size_t i = 0; i < width; i++) {
        const char *text = idc_arena_strdup(arena, row->fields[i]);

        if (row->fields[i] != NULL && text == NULL)
            return idc_fail_no_memory(err);
        write->returned[write->returned_count++] = text;
    }
    return IDC_OK;
}

/* All answers to what was sent; a row that cannot be kept is no reason to stop reading. */
static IdcStatus
read_answers(Write *write, IdcError *err)
{
    IdcStatus status = IDC_OK, kept = IDC_OK;
    IdcAnswer answer = { 0 };

    while (status == IDC_OK && answer.kind != IDC_ANSWER_END) {
        int64_t since = idc_clock_us();

        status = idc_postgres_answer(write->session, write->scan->call, &answer, err);
        write->scan->stats.wait_us += idc_clock_us() - since;
        if (status != IDC_OK)
            return status;
        if (answer.kind == IDC_ANSWER_ROW && kept == IDC_OK)
            kept = keep_row(write, &answer, err);
        else if (answer.kind == IDC_ANSWER_DONE)
            write->scan->stats.rows += idc_postgres_tag_rows(answer.tag);
    }
    return kept;
}

static IdcStatus
send_and_read(Write *write, const IdcText *sql, IdcError *err)
{
    IdcStatus status = idc_text_check(sql, err);

    if (status == IDC_OK)
        status = idc_postgres_send(write->session, write->scan->call, idc_text_string(sql), err);
    write->scan->stats.requests++;
    return status == IDC_OK ? read_answers(write, err) : status;
}

/* ---- COPY ---- */

static void
append_copy_text(const char *value, IdcText *text)
{
    static const char special[] = "\\\n\r\t\b\f\v", letters[] = "\\nrtbfv";

    for (;;) {
        size_t plain = strcspn(value, special);

        idc_text_append_len(text, value, plain);
        value += plain;
        if (*value == '\0')
            return;
        idc_text_append_char(text, '\\');
        idc_text_append_char(text, letters[strchr(special, *value) - special]);
        value++;
    }
}

static void
append_copy_row(const char *const *row, size_t width, IdcText *text)
{
    for (size_t i = 0; i < width; i++) {
        if (i > 0)
            idc_text_append_char(text, '\t');
        if (row[i] == NULL)
            idc_text_append(text, "\\N");
        else
            append_copy_text(row[i], text);
    }
    idc_text_append_char(text, '\n');
}

static IdcStatus
send_copy_rows(Write *write, IdcText *buffer, IdcError *err)
{
    const IdcModify *modify = write->modify;
    size_t width = modify->table->column_count;
    IdcStatus status = IDC_OK;

    for (size_t row = 0; row < modify->row_count && status == IDC_OK; row++) {
        append_copy_row(modify->rows + row * width, width, buffer);
        if (buffer->len < COPY_BYTES && row + 1 < modify->row_count)
            continue;
        status = idc_text_check(buffer, err);
        if (status == IDC_OK)
            status = idc_postgres_copy_write(write->session, write->scan->call, buffer->data,
                                             buffer->len, err);
        idc_text_clear(buffer);
    }
    if (status == IDC_OK)
        status = idc_postgres_copy_end(write->session, write->scan->call, NULL, err);
    return status;
}

static IdcStatus
copy_rows(Write *write, IdcError *err)
{
    IdcAnswer answer = { 0 };
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    idc_text_append(&text, "COPY ");
    idc_postgres_append_table(write->modify->table, &text);
    idc_postgres_append_columns(write->modify->table, &text);
    idc_text_append(&text, " FROM STDIN");
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_postgres_send(write->session, write->scan->call, idc_text_string(&text), err);
    write->scan->stats.requests++;
    while (status == IDC_OK && answer.kind != IDC_ANSWER_COPY_IN) {
        status = idc_postgres_answer(write->session, write->scan->call, &answer, err);
        if (status == IDC_OK && answer.kind == IDC_ANSWER_END)
            status = idc_fail(err, IDC_SOURCE_FAILED, "the source takes no COPY");
    }
    idc_text_clear(&text);
    if (status == IDC_OK)
        status = send_copy_rows(write, &text, err);
    idc_text_done(&text);
    return status == IDC_OK ? read_answers(write, err) : status;
}

static IdcStatus
may_copy(Write *write, bool *may, IdcError *err)
{
    const IdcModify *modify = write->modify;

    *may = false;
    if (modify->kind != IDC_INSERT || modify->returning != NULL ||
        modify->conflict != IDC_CONFLICT_ERROR || modify->row_count < COPY_ROWS)
        return IDC_OK;
    return idc_postgres_takes_copy(write->session, write->scan, modify->table, may, err);
}

/* ---- statements ---- */

static size_t
row_bytes(const IdcModify *modify, size_t row)
{
    size_t width = modify->table->column_count, bytes = 0;

    for (size_t i = 0; i < width; i++) {
        const char *text = modify->rows[row * width + i];

        bytes += text == NULL ? 4 : strlen(text) + 4;
    }
    return bytes;
}

static bool
is_by_ctid(const IdcModify *modify)
{
    return modify->key_count == 1 && modify->table->columns[0].type.oid == TID_OID;
}

/* As many at once as make a statement of some size. */
static IdcStatus
write_rows(Write *write, IdcError *err)
{
    const IdcModify *modify = write->modify;
    IdcStatus status = IDC_OK;

    if (is_by_ctid(modify))
        status = idc_postgres_check_ctid(write->session, write->scan, modify->table, err);
    for (size_t first = 0; first < modify->row_count && status == IDC_OK;) {
        size_t count = 0, bytes = 0;
        IdcText sql;

        while (first + count < modify->row_count && (count == 0 || bytes < STATEMENT_BYTES))
            bytes += row_bytes(modify, first + count++);
        idc_text_init(&sql, 0);
        idc_postgres_append_rows(modify, first, count, &sql);
        status = send_and_read(write, &sql, err);
        idc_text_done(&sql);
        first += count;
    }
    return status;
}

/* TRUNCATE, or all rows of a condition. */
static IdcStatus
write_at_once(Write *write, IdcError *err)
{
    const IdcModify *modify = write->modify;
    IdcStatus status = IDC_OK;
    IdcText sql;

    idc_text_init(&sql, 0);
    if (modify->kind == IDC_TRUNCATE)
        idc_postgres_append_truncate(modify, &sql);
    else
        status = idc_postgres_statement_modify(write->session, write->scan, modify, &sql, err);
    if (status == IDC_OK)
        status = send_and_read(write, &sql, err);
    idc_text_done(&sql);
    return status;
}

static IdcStatus
write_all(Write *write, IdcError *err)
{
    bool may;
    IdcStatus status;

    switch (write->modify->kind) {
    case IDC_UPDATE_WHERE:
    case IDC_DELETE_WHERE:
    case IDC_TRUNCATE:
        return write_at_once(write, err);
    default:
        status = may_copy(write, &may, err);
        if (status != IDC_OK)
            return status;
        return may ? copy_rows(write, err) : write_rows(write, err);
    }
}

/* The statement without values: those of rows are nobody's but the writer's. */
static IdcStatus
fail_write(const Write *write, IdcStatus status, IdcError *err)
{
    IdcText text;

    if (err == NULL || status == IDC_NO_MEMORY)
        return status;
    if (strncmp(err->sqlstate, "42", 2) == 0 || strncmp(err->sqlstate, "0A", 2) == 0)
        idc_postgres_forget_tables(write->session->host, write->modify->table);
    idc_text_init(&text, 0);
    if (write->modify->where == NULL)
        idc_postgres_explain_modify(&write->scan->server->options, write->modify, &text);
    if (text.len > 0)
        idc_error_set_remote_sql(err, idc_text_string(&text));
    idc_text_done(&text);
    return status;
}

/* A connection that was kept may have died since; nothing was written on it yet. */
static IdcStatus
begin_write(Write *write, IdcLink *link, IdcError *err)
{
    IdcStatus status = idc_postgres_settle(write->session, write->scan->call, err);

    if (status == IDC_OK || !write->session->is_lost || !link->is_reused)
        return status;
    status = idc_link_renew(link, write->scan, err);
    write->session = link->handle;
    return status;
}

IdcStatus
idc_postgres_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                    IdcError *err)
{
    IdcPostgresHost *host = scan->server->state;
    Write write = { .scan = scan, .modify = modify, .modified = modified };
    IdcLink *link = NULL;
    IdcStatus status = idc_links_for_write(host->links, scan, &link, err);

    if (status != IDC_OK)
        return status;
    write.session = link->handle;
    status = begin_write(&write, link, err);
    if (write.session == NULL)
        return status; /* the link is released with the arena */
    if (status == IDC_OK)
        status = write_all(&write, err);
    if (status != IDC_OK) {
        if (write.session->is_busy)
            idc_postgres_cancel(write.session, idc_postgres_cancel_until());
        status = fail_write(&write, status, err);
    }
    link->is_broken |= write.session->is_lost || write.session->is_busy;
    idc_link_release(link);
    if (status != IDC_OK || modify->returning == NULL || write.returned_count == 0)
        return status;
    modified->rows = write.returned;
    modified->column_count = modify->returning->column_count;
    modified->row_count = write.returned_count / modified->column_count;
    return IDC_OK;
}
