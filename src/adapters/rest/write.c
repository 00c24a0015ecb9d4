/*
 * write.c - rows to write as requests: INSERT, UPDATE, DELETE.
 *
 * In:   rows of texts
 * Out:  one request a row (INSERT: or a batch), in order; each is answered before the next is sent
 * Next: body.c makes the bodies
 */
#include "adapters/rest/work.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "adapters/rest/body.h"

enum { KEY_CHARS = 37, BODY_LIMIT = 64 << 20 };

typedef struct Write {
    IdcSourceScan *scan;
    const IdcModify *modify;
    IdcRestWrite how;
    IdcRestTable table;
    IdcRestColumn *columns;
    IdcRestBody *body_of; /* how a row becomes JSON */
    IdcHttpSession *session;
    const IdcHttpHeader *headers;
    size_t header_count;
    IdcText url, body;
} Write;

static const char *
cell(const Write *write, size_t row, size_t column)
{
    return write->modify->rows[row * write->modify->table->column_count + column];
}

/* ---- the address ---- */

/* The column that fills in {name}: of the key, for INSERT of the row. */
static bool
find_filler(const Write *write, const char *name, size_t len, size_t *column)
{
    size_t count = write->modify->kind == IDC_INSERT ? write->modify->table->column_count
                                                     : write->modify->key_count;

    for (size_t i = 0; i < count; i++) {
        const char *names[2] = { write->columns[i].name, write->columns[i].params[IDC_REST_EQ] };

        for (size_t n = 0; n < 2; n++)
            if (names[n] != NULL && strlen(names[n]) == len && memcmp(names[n], name, len) == 0) {
                *column = i;
                return true;
            }
    }
    return false;
}

static IdcStatus
append_segment(Write *write, size_t column, const char *text, IdcError *err)
{
    const char *name = write->columns[column].name;
    IdcText value;
    bool is_segment;

    if (text == NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "column \"%s\" is null, but the address \"%s\" needs it", name,
                        write->how.endpoint);
    idc_text_init(&value, 0);
    is_segment = idc_rest_value(write->modify->table->columns[column].type,
                                write->columns[column].time, text, &value) &&
                 value.len > 0 && strcmp(idc_text_string(&value), ".") != 0 &&
                 strcmp(idc_text_string(&value), "..") != 0;
    if (is_segment)
        idc_rest_percent(value.data, value.len, &write->url);
    idc_text_done(&value);
    return is_segment ? IDC_OK
                      : idc_fail(err, IDC_BAD_VALUE,
                                 "the value of column \"%s\" cannot stand in the address \"%s\"",
                                 name, write->how.endpoint);
}

static IdcStatus
write_url(Write *write, size_t row, IdcError *err)
{
    const char *at = write->how.endpoint, *written = at, *begin, *name;
    const char *base = write->table.base_url;
    size_t base_len = strlen(base), len, column;

    idc_text_clear(&write->url);
    while (base_len > 0 && base[base_len - 1] == '/')
        base_len--;
    idc_text_append_len(&write->url, base, base_len);
    if (*at != '/' && *at != '?' && *at != '\0')
        idc_text_append_char(&write->url, '/');
    while (idc_rest_placeholder_next(&at, &begin, &name, &len)) {
        IdcStatus status;

        idc_text_append_len(&write->url, written, (size_t) (begin - written));
        written = at;
        if (!find_filler(write, name, len, &column))
            return idc_fail(err, IDC_BAD_CONFIG,
                            "the address \"%s\" needs a value for \"%.*s\", which is no column of "
                            "%s",
                            write->how.endpoint, (int) len, name,
                            write->modify->kind == IDC_INSERT ? "the row" : "the key");
        status = append_segment(write, column, cell(write, row, column), err);
        if (status != IDC_OK)
            return status;
    }
    idc_text_append(&write->url, written);
    return idc_text_check(&write->url, err);
}

/* ---- one request ---- */

/* A random UUID (RFC 4122, version 4). */
static IdcStatus
make_key(char key[KEY_CHARS], IdcError *err)
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
        return idc_fail(err, IDC_IO_FAILED, "there are no random numbers for an Idempotency-Key");
    bytes[6] = (uint8_t) ((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (uint8_t) ((bytes[8] & 0x3F) | 0x80);
    (void) snprintf(
        key, KEY_CHARS, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8],
        bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]);
    return IDC_OK;
}

static IdcHttpMethod
method_of(const char *word)
{
    static const struct {
        const char *word;
        IdcHttpMethod method;
    } methods[] = { { "POST", IDC_HTTP_POST },
                    { "PUT", IDC_HTTP_PUT },
                    { "PATCH", IDC_HTTP_PATCH },
                    { "DELETE", IDC_HTTP_DELETE } };

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i].word, word) == 0)
            return methods[i].method;
    return IDC_HTTP_POST;
}

/* Wait for the whole answer: a write that was answered by half is one that may have failed. */
static IdcStatus
read_answer(IdcHttpExchange *exchange, bool *is_found, IdcError *err)
{
    const IdcHttpResponse *response;
    const void *bytes;
    size_t len;
    bool is_end = false;
    IdcStatus status = idc_http_response(exchange, &response, err);

    if (status == IDC_OK)
        *is_found = response->status != 404;
    while (status == IDC_OK && !is_end)
        status = idc_http_read(exchange, &bytes, &len, &is_end, err);
    return status;
}

static IdcStatus
send(Write *write, bool *is_found, IdcError *err)
{
    static const int not_found[] = { 404, 0 };
    char key[KEY_CHARS];
    IdcHttpRequest request = {
        .method = method_of(write->how.method),
        .url = idc_text_string(&write->url),
        .headers = write->headers,
        .header_count = write->header_count,
        .is_idempotent = write->how.is_idempotent,
        .accepted_statuses = write->modify->kind != IDC_INSERT ? not_found : NULL,
        .cache_ttl_ms = -1,
    };
    IdcHttpExchange *exchange;
    IdcStatus status = IDC_OK;

    if (write->modify->kind != IDC_DELETE) {
        request.body = idc_text_string(&write->body);
        request.body_len = write->body.len;
    }
    if (write->how.sends_key) {
        status = make_key(key, err);
        request.idempotency_key = key;
    }
    if (status == IDC_OK)
        status = idc_http_open(write->session, &request, &exchange, err);
    if (status != IDC_OK)
        return status;
    status = read_answer(exchange, is_found, err);
    idc_http_close(exchange);
    return status;
}

/* Rows `first` and `count` - 1 more. */
static IdcStatus
write_rows(Write *write, size_t first, size_t count, bool *is_found, IdcError *err)
{
    size_t row_size = write->modify->table->column_count;
    IdcStatus status = write_url(write, first, err);

    idc_text_clear(&write->body);
    if (status == IDC_OK && write->modify->kind != IDC_DELETE)
        status = idc_rest_body_write(write->body_of, write->modify->rows + first * row_size, count,
                                     write->how.batch > 1, &write->body, err);
    return status != IDC_OK ? status : send(write, is_found, err);
}

/* ---- all of them ---- */

static void
texts_done(void *handle)
{
    Write *write = handle;

    idc_text_done(&write->url);
    idc_text_done(&write->body);
}

static IdcStatus
open_write(Write *write, IdcError *err)
{
    const IdcRelation *table = write->modify->table;
    const IdcSourceServer *server = write->scan->server;
    const IdcRestServer *rest = server->state;
    IdcRestBodySetup setup = {
        .table = table,
        .first = write->modify->kind == IDC_UPDATE ? write->modify->key_count : 0,
        .write_path = write->how.write_path,
        .leaves_nulls_out = write->modify->kind == IDC_INSERT,
    };
    IdcStatus status;

    write->columns =
        idc_arena_alloc_array(write->scan->arena, table->column_count + 1, sizeof(IdcRestColumn));
    if (write->columns == NULL ||
        idc_arena_on_free(write->scan->arena, texts_done, write) != IDC_OK)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < table->column_count; i++)
        idc_rest_column_read(&write->table, &table->columns[i], &write->columns[i]);
    setup.columns = write->columns;
    status = idc_rest_body_new(write->scan->arena, &setup, &write->body_of, err);
    if (status == IDC_OK)
        status = idc_rest_headers(write->scan->arena, &server->options, &table->options,
                                  &write->headers, &write->header_count, err);
    if (status == IDC_OK)
        status = idc_http_session_open(rest->client, write->scan->arena, write->scan->call,
                                       &write->scan->stats, &write->session, err);
    return status;
}

/* What happened to a request whose answer never came is not known. */
static IdcStatus
say_how_far(const Write *write, size_t done, size_t count, IdcError *err)
{
    bool is_unknown = err != NULL && (err->status == IDC_CONNECTION_FAILED ||
                                      err->status == IDC_TIMEOUT || err->status == IDC_CANCELED);

    return idc_add_context(err, "%zu of %zu rows were written%s", done, write->modify->row_count,
                           !is_unknown  ? ""
                           : count == 1 ? ", and the next one may have been"
                                        : ", and the next ones may have been");
}

IdcStatus
idc_rest_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified, IdcError *err)
{
    Write *write = idc_arena_alloc(scan->arena, sizeof *write);
    IdcStatus status;

    (void) modified;
    if (write == NULL)
        return idc_fail_no_memory(err);
    write->scan = scan;
    write->modify = modify;
    idc_text_init(&write->url, 0);
    idc_text_init(&write->body, BODY_LIMIT);
    idc_rest_table_read(&scan->server->options, &modify->table->options, &write->table);
    idc_rest_write_read(&scan->server->options, &modify->table->options, modify->kind, &write->how);
    if (write->how.method == NULL || write->how.endpoint == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "the table has no option for this kind of write");
    status = open_write(write, err);
    for (size_t row = 0; row < modify->row_count && status == IDC_OK;) {
        size_t count = modify->row_count - row;
        bool is_found = true;

        if (count > (size_t) write->how.batch)
            count = (size_t) write->how.batch;
        if (strchr(write->how.endpoint, '{') != NULL)
            count = 1; /* each row has an address of its own */
        status = write_rows(write, row, count, &is_found, err);
        if (status != IDC_OK)
            return say_how_far(write, row, count, err);
        row += count;
        scan->stats.rows += is_found ? (int64_t) count : 0;
    }
    return status;
}
