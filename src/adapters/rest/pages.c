/*
 * pages.c - which page is asked for next, and which ones already while a page is read.
 *
 * In:   a plan, one chain of requests at a time, and what each page said at its end
 * Out:  exchanges, in the order of their rows
 * Next: scan.c reads them
 *
 * A page ends the chain only where that is sure: the total is reached, has_more is false, there is
 * no further cursor or address, or it has no rows. Fewer rows than were asked for mean nothing
 * (short_page_ends aside): many APIs give fewer than they are asked for.
 */
#include "adapters/rest/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_AHEAD = 32, NUMBER_CHARS = 24 };

/* A page that was asked for: what the API was told, and the answer to come. */
typedef struct Asked {
    IdcHttpExchange *exchange;
    int64_t offset; /* BY_OFFSET: rows before it */
    int64_t size;   /* rows asked for; 0: the API decides */
} Asked;

/* Addresses and cursors that were asked for before, as hashes: open addressing, 0 is free. */
typedef struct Seen {
    uint64_t *slots;
    size_t capacity, count;
} Seen;

struct IdcRestPages {
    const IdcRestPagesSetup *setup;
    const IdcRestTable *table;
    const IdcRestSlice *slices;
    IdcArena *page_arena;       /* of one resolved address */
    int64_t number;             /* of the scan's pages, this one included */
    int64_t index;              /* of the chain's pages, from 0 */
    int64_t rows_before;        /* of the chain, before this page */
    int64_t offset;             /* that the chain begins at */
    int64_t remaining;          /* rows wanted from this page on; -1: all */
    int64_t chain_size;         /* BY_PAGE: pages of a chain must be of one size */
    int64_t size;               /* rows of a page as the API gives them; 0: not known yet */
    int64_t total, total_pages; /* -1: not known */
    bool is_total_known;
    bool is_total_fresh; /* the page that was read last said it */
    IdcText cursor, url, body;
    bool has_cursor, has_url; /* for the current page */
    Asked queue[MAX_AHEAD];   /* the first is the current page, if it is open */
    size_t queued;
    Seen seen;
    uint64_t last_hash;
};

static void
pages_free(void *handle)
{
    IdcRestPages *pages = handle;

    idc_text_done(&pages->cursor);
    idc_text_done(&pages->url);
    idc_text_done(&pages->body);
    idc_arena_free(pages->page_arena);
    free(pages->seen.slots);
    free(pages);
}

IdcStatus
idc_rest_pages_new(IdcArena *arena, const IdcRestPagesSetup *setup, IdcRestPages **pages,
                   IdcError *err)
{
    IdcRestPages *made = calloc(1, sizeof *made);

    if (made == NULL || idc_arena_on_free(arena, pages_free, made) != IDC_OK) {
        free(made);
        return idc_fail_no_memory(err);
    }
    made->setup = setup;
    made->table = &setup->plan->table;
    idc_text_init(&made->cursor, 0);
    idc_text_init(&made->url, 0);
    idc_text_init(&made->body, 0);
    *pages = made;
    return IDC_OK;
}

int64_t
idc_rest_pages_number(const IdcRestPages *pages)
{
    return pages->number;
}

static void
forget_ahead(IdcRestPages *pages, size_t from)
{
    for (size_t i = from; i < pages->queued; i++)
        idc_http_close(pages->queue[i].exchange);
    if (pages->queued > from)
        pages->queued = from;
}

void
idc_rest_pages_begin(IdcRestPages *pages, const IdcRestSlice *slices, int64_t remaining,
                     int64_t offset)
{
    const IdcRestTable *table = pages->table;

    forget_ahead(pages, 0);
    pages->slices = slices;
    pages->index = pages->rows_before = pages->size = 0;
    pages->number++;
    pages->offset = offset;
    pages->remaining = remaining;
    pages->chain_size = table->page_size;
    if (remaining >= 0 && remaining < pages->chain_size)
        pages->chain_size = remaining;
    pages->total = pages->total_pages = -1;
    pages->has_cursor = pages->has_url = false;
    pages->last_hash = 0;
    if (pages->seen.count > 0)
        memset(pages->seen.slots, 0, pages->seen.capacity * sizeof *pages->seen.slots);
    pages->seen.count = 0;
}

/* ---- asking ---- */

/* Rows to ask for, when `before` rows of the chain come before; 0: nothing is said. */
static int64_t
size_of(const IdcRestPages *pages, int64_t before)
{
    int64_t size = pages->table->page_size, left;

    if (pages->table->limit_param == NULL)
        return 0;
    if (pages->table->paging == IDC_REST_BY_PAGE)
        return pages->chain_size;
    if (pages->remaining < 0)
        return pages->table->paging == IDC_REST_ONE_PAGE ? 0 : size;
    left = pages->remaining - (before - pages->rows_before);
    return pages->table->paging == IDC_REST_ONE_PAGE || left < size ? left : size;
}

static IdcStatus
send(IdcRestPages *pages, const char *url, IdcHttpExchange **exchange, IdcError *err)
{
    static const int not_found[] = { 404, 0 };
    const IdcRestTable *table = pages->table;
    IdcHttpRequest request = {
        .url = url,
        .headers = pages->setup->headers,
        .header_count = pages->setup->header_count,
        .accepted_statuses = table->not_found_is_empty ? not_found : NULL,
        .cache_ttl_ms = pages->setup->cache_ttl_ms,
    };

    if (strcmp(table->method, "POST") == 0) {
        request.method = IDC_HTTP_POST;
        request.is_idempotent = true; /* it only reads */
        if (table->body != NULL) {
            request.body = idc_text_string(&pages->body);
            request.body_len = pages->body.len;
            request.body_type = table->body_type;
        }
    }
    return idc_http_open(pages->setup->session, &request, exchange, err);
}

/* Page `index` of the chain, which `before` rows come before. */
static IdcStatus
ask(IdcRestPages *pages, int64_t index, int64_t before, IdcError *err)
{
    const IdcRestTable *table = pages->table;
    Asked *asked = &pages->queue[pages->queued];
    char limit[NUMBER_CHARS], page[NUMBER_CHARS], offset[NUMBER_CHARS];
    IdcRestPageValues values = { 0 };
    IdcStatus status;

    *asked = (Asked){ .offset = before, .size = size_of(pages, before) };
    (void) snprintf(limit, sizeof limit, "%" PRId64, asked->size);
    (void) snprintf(page, sizeof page, "%" PRId64, table->page_start + index);
    (void) snprintf(offset, sizeof offset, "%" PRId64, pages->offset + before);
    if (asked->size > 0)
        values.limit = limit;
    if (table->paging == IDC_REST_BY_PAGE)
        values.page = page;
    if (table->paging == IDC_REST_BY_OFFSET)
        values.offset = offset;
    if (pages->has_cursor)
        values.cursor = idc_text_string(&pages->cursor);
    idc_text_clear(&pages->body);
    status = idc_rest_write_body(pages->setup->plan, pages->slices, &values, &pages->body, err);
    if (status == IDC_OK && !pages->has_url) {
        idc_text_clear(&pages->url);
        status = idc_rest_write_url(pages->setup->plan, pages->slices, &values, &pages->url, err);
    }
    if (status == IDC_OK)
        status = send(pages, idc_text_string(&pages->url), &asked->exchange, err);
    if (status == IDC_OK)
        pages->queued++;
    return status;
}

IdcStatus
idc_rest_pages_open(IdcRestPages *pages, IdcHttpExchange **exchange, IdcError *err)
{
    /* A page before gave fewer rows than it was thought to: what was asked ahead leaves a gap. */
    if (pages->queued > 0 && pages->table->paging == IDC_REST_BY_OFFSET &&
        pages->queue[0].offset != pages->rows_before)
        forget_ahead(pages, 0);
    if (pages->queued == 0) {
        IdcStatus status = ask(pages, pages->index, pages->rows_before, err);

        if (status != IDC_OK)
            return status;
    }
    *exchange = pages->queue[0].exchange;
    return IDC_OK;
}

/* ---- asking ahead ---- */

static bool
tells_its_end(const IdcRestTable *table)
{
    return table->has_more != NULL || table->total != NULL || table->total_pages != NULL ||
           table->total_header != NULL;
}

/* Rows that this chain still gives, this page included; -1: not known. */
static int64_t
rows_left(const IdcRestPages *pages)
{
    int64_t left = pages->total < 0 ? -1 : pages->total - pages->offset - pages->rows_before;

    if (left < 0 && pages->total_pages >= 0)
        left = (pages->total_pages - pages->index) * pages->size;
    if (pages->remaining >= 0 && left > pages->remaining)
        left = pages->remaining;
    return left;
}

/* Is the page after this one sure to be asked for, when this one has given `rows` so far? */
static bool
is_next_sure(const IdcRestPages *pages, int64_t rows)
{
    const IdcRestTable *table = pages->table;
    int64_t size = pages->queue[0].size;

    if (tells_its_end(table) || (pages->remaining >= 0 && (size == 0 || pages->remaining <= size)))
        return false;
    if (table->paging == IDC_REST_BY_OFFSET || table->short_page_ends)
        return size > 0 && rows >= size;
    return rows > 0;
}

IdcStatus
idc_rest_pages_ahead(IdcRestPages *pages, int64_t rows, IdcError *err)
{
    const IdcRestTable *table = pages->table;
    size_t wanted = 1;
    int64_t step = pages->size;

    if ((table->paging != IDC_REST_BY_PAGE && table->paging != IDC_REST_BY_OFFSET) ||
        table->parallel_pages < 2 || pages->queued == 0)
        return IDC_OK;
    if (tells_its_end(table)) {
        int64_t left = step > 0 ? rows_left(pages) : -1;

        /* As many pages as those rows are, this one included. */
        if (left > 0)
            wanted = (size_t) ((left - 1) / step + 1);
    } else if (is_next_sure(pages, rows)) {
        step = pages->queue[0].size;
        wanted = 2;
    }
    if (wanted > (size_t) table->parallel_pages)
        wanted = (size_t) table->parallel_pages;
    for (size_t i = pages->queued; i < wanted; i++) {
        IdcStatus status =
            ask(pages, pages->index + (int64_t) i, pages->rows_before + (int64_t) i * step, err);

        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

/* ---- what a page said ---- */

static bool
is_given(const IdcRowsCaptured *captured)
{
    return captured->kind == IDC_JSON_NUMBER ||
           (captured->kind == IDC_JSON_STRING && captured->len > 0);
}

/* -1: not said. */
static IdcStatus
read_count(const char *what, const IdcRowsCaptured *captured, int64_t *count, IdcError *err)
{
    if (captured->kind == IDC_JSON_MISSING || captured->kind == IDC_JSON_NULL)
        return IDC_OK;
    if (captured->text == NULL || !idc_int64_parse(captured->text, count) || *count < 0) {
        *count = -1;
        return idc_fail(err, IDC_SOURCE_FAILED, "what option \"%s\" points to is no count", what);
    }
    return IDC_OK;
}

static IdcStatus
read_totals(IdcRestPages *pages, const IdcRestPageEnd *end, IdcError *err)
{
    const char *header = pages->table->total_header;
    IdcStatus status = read_count("total", &end->total, &pages->total, err);

    pages->is_total_fresh = is_given(&end->total);
    if (status == IDC_OK)
        status = read_count("total_pages", &end->total_pages, &pages->total_pages, err);
    if (status == IDC_OK && header != NULL && end->response != NULL) {
        const char *value = idc_http_header(end->response, header);

        if (value != NULL && (!idc_int64_parse(value, &pages->total) || pages->total < 0)) {
            pages->total = -1;
            return idc_fail(err, IDC_SOURCE_FAILED, "the header \"%s\" is no count", header);
        }
        pages->is_total_fresh |= value != NULL;
    }
    return status;
}

static uint64_t
hash_of(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char) bytes[i]) * UINT64_C(1099511628211);
    return hash == 0 ? 1 : hash;
}

static void
seen_put(Seen *seen, uint64_t hash)
{
    size_t i = (size_t) hash & (seen->capacity - 1);

    while (seen->slots[i] != 0)
        i = (i + 1) & (seen->capacity - 1);
    seen->slots[i] = hash;
    seen->count++;
}

static bool
seen_grow(Seen *seen)
{
    Seen grown = { .capacity = seen->capacity == 0 ? 64 : seen->capacity * 2 };

    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slots[i] != 0)
            seen_put(&grown, seen->slots[i]);
    free(seen->slots);
    *seen = grown;
    return true;
}

/* An address or cursor that was there before would go round for ever. */
static IdcStatus
check_new(IdcRestPages *pages, const char *what, const char *text, size_t len, IdcError *err)
{
    Seen *seen = &pages->seen;
    uint64_t hash = hash_of(text, len);

    if (seen->count * 2 >= seen->capacity && !seen_grow(seen))
        return idc_fail_no_memory(err);
    for (size_t i = (size_t) hash & (seen->capacity - 1); seen->slots[i] != 0;
         i = (i + 1) & (seen->capacity - 1))
        if (seen->slots[i] == hash)
            return idc_fail(err, IDC_SOURCE_FAILED,
                            "the API goes round in circles: the %s of the next page is that of a "
                            "page before",
                            what);
    seen_put(seen, hash);
    return IDC_OK;
}

static IdcStatus
set_cursor(IdcRestPages *pages, const char *text, size_t len, IdcError *err)
{
    idc_text_clear(&pages->cursor);
    idc_text_append_len(&pages->cursor, text, len);
    pages->has_cursor = true;
    if (idc_text_check(&pages->cursor, err) != IDC_OK)
        return IDC_NO_MEMORY;
    return check_new(pages, "cursor", text, len, err);
}

static IdcStatus
set_url(IdcRestPages *pages, const char *base, const char *reference, IdcError *err)
{
    const char *url;
    IdcStatus status;

    idc_arena_free(pages->page_arena);
    pages->page_arena = idc_arena_new(0);
    if (pages->page_arena == NULL)
        return idc_fail_no_memory(err);
    status = idc_http_url_resolve(pages->page_arena, base, reference, &url, err);
    if (status != IDC_OK)
        return status;
    idc_text_clear(&pages->url);
    idc_text_append(&pages->url, url);
    pages->has_url = true;
    if (idc_text_check(&pages->url, err) != IDC_OK)
        return IDC_NO_MEMORY;
    return check_new(pages, "address", url, strlen(url), err);
}

/* ---- is there a next page? ---- */

/* Where only some fields are asked for, and no key, pages of different rows may have one body. */
static bool
may_be_alike(const IdcRestPages *pages)
{
    const IdcRelation *scan = pages->setup->plan->scan;

    if (pages->table->fields_param == NULL)
        return false;
    for (size_t i = 0; i < scan->column_count; i++) {
        IdcRestColumn column;

        idc_rest_column_read(pages->table, &scan->columns[i], &column);
        if (column.is_key)
            return false;
    }
    return true;
}

/* An API that gives no page beyond so many rows says so, if at all, by an empty one. */
static IdcStatus
check_empty_page(const IdcRestPages *pages, IdcError *err)
{
    int64_t read = pages->offset + pages->rows_before;

    if (!pages->is_total_fresh || pages->total <= read)
        return IDC_OK;
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "this page is empty, but it says that there are %" PRId64
                    " rows, of which %" PRId64 " were read",
                    pages->total, read);
    if (read == 0)
        idc_error_set_hint(err,
                           "does the API count its pages from the other number? See the option "
                           "page_start");
    else
        idc_error_set_hint(err,
                           "ask for fewer rows at once by predicates that the API takes, or leave "
                           "out the option \"total\" or \"total_header\" if it counts others");
    return IDC_SOURCE_FAILED;
}

/* The next page has a number or an offset. */
static IdcStatus
next_by_number(IdcRestPages *pages, const IdcRestPageEnd *end, bool *has_next, IdcError *err)
{
    const IdcRestTable *table = pages->table;
    int64_t size = pages->queue[0].size;

    if (pages->index > 0 && end->rows > 0 && end->body_hash == pages->last_hash &&
        !may_be_alike(pages))
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "this page is the same as the one before: the API seems not to know the "
                        "parameter \"%s\"",
                        table->paging == IDC_REST_BY_PAGE ? table->page_param
                                                          : table->offset_param);
    pages->last_hash = end->body_hash;
    if (end->rows == 0)
        return check_empty_page(pages, err);
    if (pages->size == 0)
        pages->size = end->rows;
    *has_next = true;
    if (pages->total >= 0 && pages->offset + pages->rows_before + end->rows >= pages->total)
        *has_next = false;
    else if (pages->total < 0 && pages->total_pages >= 0)
        *has_next = *has_next && pages->index + 1 < pages->total_pages;
    else if (pages->total < 0 && table->has_more == NULL && table->short_page_ends &&
             end->rows < size)
        *has_next = false;
    return IDC_OK;
}

static IdcStatus
next_by_value(IdcRestPages *pages, const IdcRestPageEnd *end, bool *has_next, IdcError *err)
{
    const IdcRestTable *table = pages->table;
    bool is_keyset = table->paging == IDC_REST_BY_KEY;

    if (is_keyset &&
        (end->rows == 0 || (table->short_page_ends && end->rows < pages->queue[0].size) ||
         (pages->total >= 0 && pages->rows_before + end->rows >= pages->total)))
        return IDC_OK;
    *has_next = is_given(&end->cursor);
    if (is_keyset && !*has_next)
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "the last row has no value at \"%s\", which the next page begins after",
                        table->cursor);
    return *has_next ? set_cursor(pages, end->cursor.text, end->cursor.len, err) : IDC_OK;
}

static IdcStatus
next_by_address(IdcRestPages *pages, const IdcRestPageEnd *end, bool *has_next, IdcError *err)
{
    IdcText target;
    IdcStatus status = IDC_OK;
    IdcRestLink link = IDC_REST_LINK_NONE;

    idc_text_init(&target, 0);
    if (pages->table->paging == IDC_REST_BY_NEXT && is_given(&end->next)) {
        idc_text_append_len(&target, end->next.text, end->next.len);
        link = IDC_REST_LINK_FOUND;
    }
    /* The header may come several times, which is as if its values stood in one. */
    for (size_t i = 0; pages->table->paging == IDC_REST_BY_LINK && link == IDC_REST_LINK_NONE &&
                       i < end->response->header_count;
         i++)
        if (strcasecmp(end->response->headers[i].name, "link") == 0)
            link = idc_rest_link_next(end->response->headers[i].value, &target);
    if (link == IDC_REST_LINK_MALFORMED)
        status = idc_fail(err, IDC_SOURCE_FAILED,
                          "the header Link is not what RFC 8288 says, so the next page is not "
                          "known");
    else if (link == IDC_REST_LINK_FOUND)
        status = set_url(pages, end->response->url, idc_text_string(&target), err);
    *has_next = link == IDC_REST_LINK_FOUND;
    idc_text_done(&target);
    return status;
}

static IdcStatus
find_next(IdcRestPages *pages, const IdcRestPageEnd *end, bool *has_next, IdcError *err)
{
    *has_next = false;
    if (pages->table->has_more != NULL && end->has_more.kind == IDC_JSON_FALSE)
        return IDC_OK;
    switch (pages->table->paging) {
    case IDC_REST_BY_PAGE:
    case IDC_REST_BY_OFFSET:
        return next_by_number(pages, end, has_next, err);
    case IDC_REST_BY_KEY:
    case IDC_REST_BY_CURSOR:
        return next_by_value(pages, end, has_next, err);
    case IDC_REST_BY_NEXT:
    case IDC_REST_BY_LINK:
        return end->response != NULL ? next_by_address(pages, end, has_next, err) : IDC_OK;
    default:
        return IDC_OK;
    }
}

IdcStatus
idc_rest_pages_end(IdcRestPages *pages, const IdcRestPageEnd *end, bool *has_next, IdcError *err)
{
    IdcStatus status = read_totals(pages, end, err);

    if (status == IDC_OK)
        status = find_next(pages, end, has_next, err);
    if (status != IDC_OK)
        return status;
    idc_http_close(pages->queue[0].exchange);
    pages->queued--;
    memmove(pages->queue, pages->queue + 1, pages->queued * sizeof pages->queue[0]);
    pages->rows_before += end->rows;
    if (pages->remaining >= 0)
        pages->remaining -= end->rows < pages->remaining ? end->rows : pages->remaining;
    if (pages->remaining == 0)
        *has_next = false;
    if (!*has_next) {
        forget_ahead(pages, 0);
        return IDC_OK;
    }
    if (pages->number >= pages->table->max_pages)
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "there are more than %" PRId64 " pages (option \"max_pages\")",
                        pages->table->max_pages);
    pages->number++;
    pages->index++;
    return IDC_OK;
}
