/*
 * postgres.c - the adapter postgres: a relation as a statement, its rows in batches.
 *
 * A scan reads on one session, or on several at once in ranges of the table (parallel.c): then it
 * takes what has come, wherever it has come.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/postgres/work.h"

/* Rows that are there go on their way when the next ones let wait so long. */
enum { PATIENCE_MS = 100, PARTS_MOST = 32 };

/* So much since the last wait is a stream, of which so much is wanted at once. */
enum { STREAM_BYTES = 4096, LOW_WATER_BYTES = 128 * 1024, GATHER_MS = 3, UNIX_GATHER_NS = 200000 };

typedef struct Part {
    IdcLink *link;
    IdcPostgresRead read;
} Part;

/* statements: one for each range that is to be read, of which next is the first that nobody has. */
typedef struct Scan {
    IdcSourceScan *source;
    IdcBatchBuilder *builder;
    Part parts[PARTS_MOST];
    size_t part_count;
    const char *const *statements;
    size_t statement_count, next;
    int64_t bytes_at_wait; /* received by then */
} Scan;

static IdcPostgresSession *
session_of(const IdcLink *link)
{
    return link->handle;
}

/* ---- a server in this process ---- */

/* What the hub's own environment says of PostgreSQL is not about this source. */
static void
forget_environment(void)
{
    extern char **environ;
    char name[64];
    size_t i = 0;

    while (environ != NULL && environ[i] != NULL) {
        size_t len = strcspn(environ[i], "=");

        if (strncmp(environ[i], "PG", 2) == 0 && len < sizeof name) {
            memcpy(name, environ[i], len);
            name[len] = '\0';
            if (unsetenv(name) == 0)
                continue;
        }
        i++;
    }
}

static int64_t
server_number(const IdcSourceServer *server, const char *name)
{
    return idc_adapter_option_number(&idc_declaration_postgres, &server->options, name);
}

static IdcStatus
open_links(const IdcSourceServer *server, IdcPostgresHost *host, IdcError *err)
{
    bool is_kept =
        idc_adapter_option_bool(&idc_declaration_postgres, &server->options, "keep_connections");
    IdcLinkOptions options = { .max_connections = server_number(server, "max_connections"),
                               .wait_ms = server_number(server, "connection_wait"),
                               .idle_ms = is_kept ? server_number(server, "connection_idle") : 0,
                               .shared_fd = server->shared_fd };

    return idc_links_new(&idc_postgres_link_methods, host, &options, &host->links, err);
}

static IdcStatus
connect_server(IdcSourceServer *server, IdcError *err)
{
    IdcPostgresHost *host = idc_arena_alloc(server->arena, sizeof *host);

    if (host == NULL)
        return idc_fail_no_memory(err);
    forget_environment();
    host->server = server;
    host->arena = idc_arena_new(0);
    if (host->arena == NULL)
        return idc_fail_no_memory(err);
    (void) pthread_mutex_init(&host->lock, NULL);
    (void) pthread_cond_init(&host->snapshot_changed, NULL);
    (void) pthread_cond_init(&host->asking_ended, NULL);
    server->state = host;
    return open_links(server, host, err);
}

static void
disconnect_server(IdcSourceServer *server)
{
    IdcPostgresHost *host = server->state;

    if (host == NULL)
        return;
    /* Sessions that are still to be cancelled have slots. */
    if (host->links != NULL)
        idc_links_close_all(host->links);
    if (!idc_postgres_cancels_end(host))
        return;
    idc_links_free(host->links);
    idc_arena_free(host->arena);
}

/* ---- parts ---- */

static void
end_part(Part *part)
{
    IdcPostgresSession *session;

    if (part->link == NULL)
        return;
    session = session_of(part->link);
    idc_postgres_end_read(session);
    part->link->is_broken |= session->is_lost || session->is_busy;
    idc_copy_reader_free(part->read.reader);
    part->read.reader = NULL;
}

static void
release_part(Part *part)
{
    end_part(part);
    if (part->link != NULL)
        idc_link_release(part->link);
    part->link = NULL;
}

static void
release_parts(void *argument)
{
    Scan *scan = argument;
    int64_t until = idc_postgres_cancel_until();

    for (size_t i = 0; i < scan->part_count; i++)
        if (scan->parts[i].link != NULL) {
            idc_wire_low_water(session_of(scan->parts[i].link), 1);
            idc_postgres_cancel(session_of(scan->parts[i].link), until);
        }
    for (size_t i = 0; i < scan->part_count; i++)
        release_part(&scan->parts[i]);
}

/* After each link, since it releases itself with the arena: last what came first. */
static IdcStatus
hold_parts(Scan *scan, IdcError *err)
{
    if (idc_arena_on_free(scan->source->arena, release_parts, scan) != IDC_OK)
        return idc_fail_no_memory(err);
    return IDC_OK;
}

static IdcStatus
send_part(Scan *scan, Part *part, const char *statement, IdcError *err)
{
    part->read = (IdcPostgresRead){ .session = session_of(part->link) };
    scan->source->stats.requests++;
    return idc_postgres_send_read(part->read.session, scan->source->call, statement, err);
}

/* The rows need a builder, which comes with the first next(). */
static IdcStatus
begin_rows(Scan *scan, Part *part, IdcError *err)
{
    if (part->read.reader != NULL)
        return IDC_OK;
    return idc_copy_reader_new(scan->builder, &part->read.reader, err);
}

/* ---- opening ---- */

static IdcStatus
fail_scan(Scan *scan, IdcPostgresSession *session, const char *statement, IdcStatus status,
          IdcError *err)
{
    if (err == NULL)
        return status;
    if (strncmp(err->sqlstate, "42", 2) == 0)
        idc_postgres_forget_tables(session->host, scan->source->relation);
    if (statement != NULL && err->remote_sql[0] == '\0' && status != IDC_NO_MEMORY)
        idc_error_set_remote_sql(err, statement);
    return status;
}

/* The statement of each range, or the only one. */
static IdcStatus
write_statements(Scan *scan, IdcPostgresSession *session, IdcError *err)
{
    IdcSourceScan *source = scan->source;
    int64_t parts = idc_postgres_parallel(&source->server->options, source->relation);
    const char *const *slices = NULL;
    const char **statements;
    size_t count = 0;
    IdcStatus status = IDC_OK;

    if (parts > 1 && !source->must_spool && !source->transaction.is_serializable)
        status = idc_postgres_slices(session, source, parts, &slices, &count, err);
    statements = idc_arena_alloc_array(source->arena, count + 1, sizeof *statements);
    if (statements == NULL)
        return idc_fail_no_memory(err);
    scan->statements = statements;
    scan->statement_count = count == 0 ? 1 : count;
    for (size_t i = 0; status == IDC_OK && i < scan->statement_count; i++)
        status = idc_postgres_statement(session, source, source->relation,
                                        count == 0 ? NULL : slices[i], &statements[i], err);
    return status;
}

/* Other sessions for the ranges, as many as there are without waiting. */
static IdcStatus
open_more(Scan *scan, IdcError *err)
{
    const IdcSourceScan *source = scan->source;
    size_t wanted = (size_t) idc_postgres_parallel(&source->server->options, source->relation);

    while (scan->part_count < wanted && scan->part_count < PARTS_MOST &&
           scan->next < scan->statement_count) {
        Part *part = &scan->parts[scan->part_count];
        IdcStatus status = idc_links_for_more(session_of(scan->parts[0].link)->host->links,
                                              scan->source, &part->link, err);

        if (status != IDC_OK || part->link == NULL)
            return status;
        scan->part_count++;
        status = hold_parts(scan, err);
        if (status != IDC_OK)
            return status;
        status = send_part(scan, part, scan->statements[scan->next++], err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
start(Scan *scan, Part *part, IdcError *err)
{
    IdcPostgresSession *session = session_of(part->link);
    IdcStatus status = write_statements(scan, session, err);

    scan->next = 1;
    if (status == IDC_OK)
        status = send_part(scan, part, scan->statements[0], err);
    if (status == IDC_OK)
        status = idc_postgres_read_begin(&part->read, scan->source, err);
    if (status != IDC_OK)
        status = fail_scan(scan, session, scan->statements == NULL ? NULL : scan->statements[0],
                           status, err);
    return status;
}

/* What locks rows does so where they will be written: another connection would wait for it. */
static IdcStatus
take_link(IdcPostgresHost *host, IdcSourceScan *source, IdcLink **link, IdcError *err)
{
    if (idc_relation_base(source->relation)->lock == IDC_LOCK_NONE || source->transaction.id == 0)
        return idc_links_for_scan(host->links, source, link, err);
    source->must_spool = true;
    return idc_links_for_write(host->links, source, link, err);
}

static IdcStatus
open_scan(IdcSourceScan *source, IdcError *err)
{
    IdcPostgresHost *host = source->server->state;
    Scan *scan = idc_arena_alloc(source->arena, sizeof *scan);
    Part *part = scan == NULL ? NULL : &scan->parts[0];
    IdcStatus status;

    if (scan == NULL)
        return idc_fail_no_memory(err);
    scan->source = source;
    source->state = scan;
    status = take_link(host, source, &part->link, err);
    if (status != IDC_OK)
        return status;
    scan->part_count = 1;
    status = hold_parts(scan, err);
    if (status != IDC_OK)
        return status;
    status = start(scan, part, err);
    /* A connection that was kept may have died since. */
    if (status != IDC_OK && session_of(part->link)->is_lost && part->link->is_reused) {
        end_part(part);
        status = idc_link_renew(part->link, source, err);
        if (status == IDC_OK)
            status = start(scan, part, err);
        else if (part->link->handle == NULL)
            part->link = NULL; /* it is released all the same */
    }
    return status == IDC_OK ? open_more(scan, err) : status;
}

/* ---- rows ---- */

/* The next range for a part that is through with one; none left: it goes. */
static IdcStatus
next_range(Scan *scan, Part *part, IdcError *err)
{
    end_part(part);
    if (scan->next < scan->statement_count)
        return send_part(scan, part, scan->statements[scan->next++], err);
    release_part(part);
    return IDC_OK;
}

/* What has come on any part. *is_dry: nothing more is there; *is_end: nothing more will be. */
static IdcStatus
read_parts(Scan *scan, bool *is_dry, bool *is_end, IdcError *err)
{
    *is_dry = *is_end = true;
    for (size_t i = 0; i < scan->part_count && !idc_batch_is_full(scan->builder); i++) {
        Part *part = &scan->parts[i];
        bool is_part_dry = false;
        IdcStatus status;

        if (part->link == NULL)
            continue;
        *is_end = false;
        status = begin_rows(scan, part, err);
        if (status == IDC_OK)
            status = idc_postgres_read(&part->read, scan->source, scan->builder, &is_part_dry, err);
        if (status != IDC_OK)
            return fail_scan(scan, session_of(part->link), scan->statements[0], status, err);
        if (part->read.is_over) {
            status = next_range(scan, part, err);
            if (status != IDC_OK)
                return status;
        }
        *is_dry &= is_part_dry;
    }
    return IDC_OK;
}

/* For any part; IDC_TIMEOUT: it took longest_ms. */
static IdcStatus
poll_parts(Scan *scan, int64_t longest_ms, IdcError *err)
{
    struct pollfd fds[PARTS_MOST + 1];
    int64_t left = idc_call_remaining_ms(scan->source->call, longest_ms);
    nfds_t count = 0;
    int ready;

    for (size_t i = 0; i < scan->part_count; i++)
        if (scan->parts[i].link != NULL)
            fds[count++] = (struct pollfd){ .fd = PQsocket(session_of(scan->parts[i].link)->libpq),
                                            .events = POLLIN };
    fds[count++] = (struct pollfd){ .fd = idc_call_fd(scan->source->call), .events = POLLIN };
    ready = poll(fds, count, left < 0 ? -1 : left > INT32_MAX ? INT32_MAX : (int) left);
    if (fds[count - 1].revents != 0 && ready > 0)
        return idc_fail(err, IDC_CANCELED, "the scan was closed");
    return ready == 0 ? idc_fail(err, IDC_TIMEOUT, "timed out") : IDC_OK;
}

static void
set_low_water(Scan *scan, int bytes)
{
    for (size_t i = 0; i < scan->part_count; i++)
        if (scan->parts[i].link != NULL)
            idc_wire_low_water(session_of(scan->parts[i].link), bytes);
}

static bool
has_unix_socket(const Scan *scan)
{
    for (size_t i = 0; i < scan->part_count; i++)
        if (scan->parts[i].link != NULL && session_of(scan->parts[i].link)->is_unix)
            return true;
    return false;
}

/* In the middle of many rows it lets some of them gather, though not for long. */
static IdcStatus
wait_parts(Scan *scan, int64_t longest_ms, IdcError *err)
{
    int64_t bytes = scan->source->stats.bytes;
    bool is_stream = bytes >= LOW_WATER_BYTES && bytes - scan->bytes_at_wait >= STREAM_BYTES;
    IdcStatus status;

    scan->bytes_at_wait = bytes;
    set_low_water(scan, is_stream ? LOW_WATER_BYTES : 1);
    if (!is_stream || (longest_ms >= 0 && longest_ms < GATHER_MS))
        return poll_parts(scan, longest_ms, err);
    status = poll_parts(scan, GATHER_MS, err);
    if (status == IDC_OK && has_unix_socket(scan))
        (void) nanosleep(&(struct timespec){ .tv_nsec = UNIX_GATHER_NS }, NULL);
    return status == IDC_TIMEOUT && idc_call_remaining_ms(scan->source->call, -1) != 0 ? IDC_OK
                                                                                       : status;
}

static IdcStatus
next(IdcSourceScan *source, IdcBatchBuilder *builder, bool *is_end, IdcError *err)
{
    Scan *scan = source->state;
    int64_t until = idc_clock_ms() + PATIENCE_MS;

    scan->builder = builder;
    while (!idc_batch_is_full(builder)) {
        bool is_dry, has_rows;
        int64_t since, left;
        IdcStatus status = read_parts(scan, &is_dry, is_end, err);

        if (status != IDC_OK || *is_end)
            return status;
        if (!is_dry)
            continue;
        has_rows = idc_batch_row_count(builder) > 0;
        since = idc_clock_us();
        left = until - since / 1000;
        if (has_rows && left <= 0)
            return IDC_OK;
        status = wait_parts(scan, has_rows ? left : -1, err);
        source->stats.wait_us += idc_clock_us() - since;
        if (status == IDC_TIMEOUT && has_rows && idc_call_remaining_ms(source->call, -1) != 0)
            return IDC_OK;
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
finish(IdcSourceScan *scan, const IdcFinish *finish, IdcError *err)
{
    IdcPostgresHost *host = scan->server->state;

    return idc_links_finish(host->links, scan->call, finish, err);
}

const IdcAdapter idc_adapter_postgres = {
    .declaration = &idc_declaration_postgres,
    .has_binary_numerics = true,
    .connect = connect_server,
    .disconnect = disconnect_server,
    .open = open_scan,
    .next = next,
    .import = idc_postgres_import,
    .modify = idc_postgres_modify,
    .finish = finish,
};
