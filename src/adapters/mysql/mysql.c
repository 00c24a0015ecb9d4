/*
 * mysql.c - the adapter mysql: its calls, and the rows of a scan.
 *
 * In:   a bound relation
 * Out:  one prepared statement, whose rows come in the binary protocol: the server need not print
 *       what we would parse, and FLOATs keep all digits
 * Next: cell.c
 */
#include "adapters/mysql/write.h"

#include <string.h>

#include "arrow/decode.h"

enum {
    PATIENCE_MS = 50,            /* rows go on their way when the next ones let wait so long */
    DRAINED_BYTES_MOST = 1 << 20 /* that nobody wants, to keep a connection */
};

typedef struct Scan {
    IdcLink *link;
    IdcMysqlConn *conn;
    IdcMysqlWait wait;
    const char *sql;
    const IdcSqlColumn *columns; /* of the statement; NULL: it is the user's own */
    IdcMysqlReader *readers;
    unsigned field_count;
    int pending;                 /* what the fetch that has begun waits for; 0: none has */
    const IdcRelation **origins; /* of each column: the SCAN that it comes from, as far as that is
                                    known */
    IdcText scratch;
    /* The row that is fetched: where it goes, and what became of it. */
    IdcSourceScan *source;
    IdcBatchBuilder *builder;
    IdcStatus status;
    IdcError *err;
} Scan;

/* ---- a value ---- */

/* https://mariadb.com/kb/en/protocol-data-types/#length-encoded-integers; false: it is cut. */
static bool
read_length(const uint8_t **at, const uint8_t *end, size_t *len)
{
    static const uint8_t widths[] = { [0] = 0, [1] = 2, [2] = 3, [3] = 8 };
    uint64_t number = 0;
    uint8_t first, width;

    if (*at >= end)
        return false;
    first = *(*at)++;
    if (first <= 251) {
        *len = first;
        return first != 251 && first <= (size_t) (end - *at);
    }
    width = first == 255 ? 0 : widths[first - 251];
    if (width == 0 || width > end - *at)
        return false;
    for (unsigned i = 0; i < width; i++)
        number |= (uint64_t) (*at)[i] << (8 * i);
    *at += width;
    *len = (size_t) number;
    return number <= (size_t) (end - *at);
}

static bool
is_lenient(const IdcRelation *scan)
{
    const char *on_error = idc_option_value(&scan->options, "on_error");

    return on_error != NULL && strcmp(on_error, "null") == 0;
}

static IdcStatus
settle(Scan *scan, size_t i, IdcFit fit, const IdcValueProblem *problem)
{
    const IdcRelation *relation = scan->source->relation;
    const char *table = scan->origins[i]->name;
    IdcColumn *target = &scan->builder->columns[i];
    IdcError *err = scan->err;

    switch (fit) {
    case IDC_FITS_NULL:
        return idc_batch_append_other(scan->builder, target, IDC_DECODED, err);
    case IDC_FITS_ARROW:
        return idc_batch_append_other(scan->builder, target, IDC_DECODED_UNREPRESENTABLE, err);
    case IDC_FITS_NOT:
        break;
    default:
        return idc_fail_no_memory(err);
    }
    if (is_lenient(scan->origins[i])) {
        scan->source->stats.nulled++;
        return idc_batch_append_other(scan->builder, target, IDC_DECODED, err);
    }
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "a value of column \"%s\" of table \"%s\" does not fit its type: %s",
                    relation->columns[i].name, table == NULL ? "the request" : table,
                    problem->reason);
    idc_error_set_sqlstate(err, problem->sqlstate);
    idc_error_set_hint(err, "give the column another type, or the table the option on_error "
                            "'null'");
    return IDC_SOURCE_FAILED;
}

static IdcStatus
fail_cut(IdcError *err)
{
    (void) idc_fail(err, IDC_SOURCE_FAILED, "the server sent a row that is cut");
    idc_error_set_sqlstate(err, "08P01");
    return IDC_SOURCE_FAILED;
}

/*
 * The library calls it for each value of a row, from left to right; *at: where it lies, to be moved
 * to where it ends. NULL: it is NULL.
 */
static void
take_value(void *host, unsigned i, unsigned char **at)
{
    Scan *scan = host;
    const IdcMysqlReader *reader = &scan->readers[i];
    const uint8_t *value = at == NULL ? NULL : *at, *end = scan->conn->mysql->net.buff_end;
    IdcValueProblem problem = { 0 };
    IdcFit fit = IDC_FITS_NULL;
    size_t len = (size_t) reader->width;

    if (value != NULL) {
        if (reader->width < 0 ? !read_length(&value, end, &len) : len > (size_t) (end - value)) {
            scan->status = fail_cut(scan->err);
            return;
        }
        *at = (unsigned char *) value + len;
        scan->source->stats.bytes += (int64_t) len;
    }
    if (scan->status != IDC_OK || i >= scan->builder->column_count)
        return;
    if (value != NULL) {
        IdcColumn *column = &scan->builder->columns[i];

        fit = reader->append(reader, column, value, len, (size_t) (end - value), &scan->scratch,
                             &problem);
        if (column->offsets != NULL)
            scan->builder->bytes += (int64_t) len;
    }
    if (fit != IDC_FITS)
        scan->status = settle(scan, i, fit, &problem);
}

/* ---- the statement ---- */

static IdcStatus
fail_statement(Scan *scan, IdcError *err)
{
    MYSQL_STMT *statement = scan->conn->statement;
    MYSQL *mysql = scan->conn->mysql;
    /* What goes wrong while rows are read is told of the connection alone. */
    bool is_told = mysql_stmt_errno(statement) != 0;
    IdcStatus status =
        idc_mysql_fail(&scan->wait, is_told ? mysql_stmt_errno(statement) : mysql_errno(mysql),
                       is_told ? mysql_stmt_error(statement) : mysql_error(mysql), scan->sql, err);

    /* After an error of the server's own the connection is as before; one that is lost has nothing
     * left that would have to be killed. */
    if (scan->wait.problem.status == IDC_OK)
        scan->conn->is_busy = false;
    if (scan->wait.problem.status != IDC_OK || status == IDC_CONNECTION_FAILED)
        scan->link->is_broken = true;
    return status;
}

static bool
prepare(Scan *scan)
{
    int failed = 1;
    int status =
        mysql_stmt_prepare_start(&failed, scan->conn->statement, scan->sql, strlen(scan->sql));

    while (status != 0 && idc_mysql_wait_for(&scan->wait, scan->conn->mysql, &status))
        status = mysql_stmt_prepare_cont(&failed, scan->conn->statement, status);
    return status == 0 && failed == 0;
}

static bool
execute(Scan *scan)
{
    int failed = 1;
    int status = mysql_stmt_execute_start(&failed, scan->conn->statement);

    while (status != 0 && idc_mysql_wait_for(&scan->wait, scan->conn->mysql, &status))
        status = mysql_stmt_execute_cont(&failed, scan->conn->statement, status);
    return status == 0 && failed == 0;
}

static IdcStatus
send_statement(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    MYSQL_STMT *statement = mysql_stmt_init(scan->conn->mysql);

    if (statement == NULL)
        return idc_fail_no_memory(err);
    scan->conn->statement = statement;
    scan->conn->is_busy = true;
    (void) mysql_stmt_attr_set(statement, STMT_ATTR_CB_USER_DATA, scan);
    (void) mysql_stmt_attr_set(statement, STMT_ATTR_CB_RESULT, (const void *) take_value);
    source->stats.requests++;
    return prepare(scan) && execute(scan) ? IDC_OK : fail_statement(scan, err);
}

/* What is computed has the options of the first table. */
static IdcStatus
make_reader(IdcSourceScan *source, Scan *scan, size_t i, const MYSQL_FIELD *field, IdcError *err)
{
    static const IdcRelationColumn nothing = { .name = "" };
    const IdcRelation *relation = source->relation;
    bool is_wanted = i < relation->column_count;
    const IdcRelationColumn *column = is_wanted ? &relation->columns[i] : &nothing;
    IdcMysqlOrigin origin = { 0 };
    IdcColumnSpec spec = { 0 };
    IdcStatus status;

    if (is_wanted)
        origin = idc_mysql_origin(relation, i);
    idc_type_column(column->type, &spec);
    status = idc_mysql_reader(field, column, spec.kind, &scan->readers[i], err);
    if (status != IDC_OK || !is_wanted)
        return status;
    scan->origins[i] = origin.scan != NULL ? origin.scan : idc_relation_base(relation);
    scan->readers[i].zero = idc_mysql_zero(source->server, scan->origins[i],
                                           origin.column != NULL ? origin.column : column);
    if (scan->columns != NULL && scan->columns[i].form == IDC_MYSQL_FORM_QUOTIENT)
        scan->readers[i].append = idc_mysql_append_quotient;
    return IDC_OK;
}

static IdcStatus
make_readers(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    const IdcRelation *relation = source->relation;
    const MYSQL_FIELD *fields = mariadb_stmt_fetch_fields(scan->conn->statement);
    IdcStatus status = IDC_OK;

    scan->field_count = mysql_stmt_field_count(scan->conn->statement);
    if (scan->field_count == 0)
        return idc_fail(err, IDC_BAD_VALUE, "the request has no rows to give");
    if (scan->field_count < relation->column_count ||
        (relation->native != NULL && scan->field_count != relation->column_count))
        return idc_fail(err, IDC_BAD_VALUE, "the request has %u columns, where %zu are wanted",
                        scan->field_count, relation->column_count);
    scan->readers = idc_arena_alloc_array(source->arena, scan->field_count, sizeof *scan->readers);
    scan->origins = idc_arena_alloc_array(source->arena, scan->field_count, sizeof *scan->origins);
    if (scan->readers == NULL || scan->origins == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < scan->field_count; i++)
        status = make_reader(source, scan, i, &fields[i], err);
    return status;
}

/* ---- opening and ending ---- */

/* What is left of the rows, as long as it comes without a wait. */
static bool
drain(Scan *scan)
{
    MYSQL_STMT *statement = scan->conn->statement;
    int64_t most = scan->source->stats.bytes + DRAINED_BYTES_MOST;

    if (scan->pending != 0 || scan->readers == NULL)
        return false;
    scan->status = IDC_CANCELED;
    while (scan->source->stats.bytes < most) {
        int got = 1;

        if (mysql_stmt_fetch_start(&got, statement) != 0)
            return false;
        if (got != 0)
            return got == MYSQL_NO_DATA;
        scan->source->stats.bytes++; /* a row of NULLs has none */
    }
    return false;
}

/* The connection is the next one's, or it is given up. */
static void
end_statement(Scan *scan)
{
    IdcMysqlConn *conn = scan->conn;
    my_bool failed;

    if (conn == NULL || conn->statement == NULL)
        return;
    if (!scan->link->is_broken && conn->is_busy && drain(scan))
        conn->is_busy = false;
    scan->link->is_broken |= conn->is_busy;
    /* What is busy is closed with its connection (connect.c). Closing asks for no answer. */
    if (!scan->link->is_broken && mysql_stmt_close_start(&failed, conn->statement) == 0)
        conn->statement = NULL;
    else
        scan->link->is_broken = true;
}

static void
end_scan(void *resource)
{
    Scan *scan = resource;

    end_statement(scan);
    if (scan->link != NULL)
        idc_link_release(scan->link);
    idc_text_done(&scan->scratch);
}

static IdcStatus
write_statement(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    const IdcRelation *relation = source->relation;

    if (relation->kind == IDC_REL_SCAN && relation->native != NULL) {
        scan->sql = relation->native;
        return IDC_OK;
    }
    return idc_mysql_write(source, &scan->wait, scan->conn, &scan->sql, &scan->columns, err);
}

/* With a connection; once more with another one if it had died while it was idle. */
static IdcStatus
begin_scan(IdcSourceScan *source, Scan *scan, IdcError *err)
{
    IdcStatus status;

    scan->conn = scan->link->handle;
    idc_mysql_wait_begin(&scan->wait, source->call, -1, &source->stats);
    scan->wait.silence_ms = scan->conn->server->read_ms;
    status = write_statement(source, scan, err);
    return status == IDC_OK ? send_statement(source, scan, err) : status;
}

/* What locks rows does so where they will be written: another connection would wait for it. */
static IdcStatus
take_link(IdcLinks *links, IdcSourceScan *source, IdcLink **link, IdcError *err)
{
    if (idc_relation_base(source->relation)->lock == IDC_LOCK_NONE || source->transaction.id == 0)
        return idc_links_for_scan(links, source, link, err);
    source->must_spool = true;
    return idc_links_for_write(links, source, link, err);
}

static IdcStatus
open_scan(IdcSourceScan *source, IdcError *err)
{
    const IdcMysqlServer *server = source->server->state;
    Scan *scan = idc_arena_alloc(source->arena, sizeof *scan);
    IdcStatus status;

    if (scan == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&scan->scratch, 0);
    scan->source = source;
    source->state = scan;
    status = take_link(server->links, source, &scan->link, err);
    if (status != IDC_OK)
        return status;
    /* After the link, whose own end is in the arena already: this one comes first. */
    if (idc_arena_on_free(source->arena, end_scan, scan) != IDC_OK)
        return idc_fail_no_memory(err);
    status = begin_scan(source, scan, err);
    if (status == IDC_CONNECTION_FAILED && scan->link->is_reused) {
        end_statement(scan);
        scan->conn = NULL; /* it is closed, and may have no successor */
        status = idc_link_renew(scan->link, source, err);
        if (status == IDC_OK)
            status = begin_scan(source, scan, err);
    }
    return status == IDC_OK ? make_readers(source, scan, err) : status;
}

/* ---- rows ---- */

typedef enum Fetched { FETCHED, PAUSED, ENDED, FAILED } Fetched;

/* Does the socket have what is waited for, soon? Errors are the next wait's. */
static bool
comes_soon(Scan *scan)
{
    short events = (scan->pending & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : POLLIN;
    IdcStatus status = idc_call_wait(scan->source->call, (int) mysql_get_socket(scan->conn->mysql),
                                     events, PATIENCE_MS, NULL);

    return status != IDC_TIMEOUT;
}

static Fetched
fetch(Scan *scan)
{
    MYSQL_STMT *statement = scan->conn->statement;
    int got = 1;

    if (scan->pending == 0)
        scan->pending = mysql_stmt_fetch_start(&got, statement);
    while (scan->pending != 0) {
        int ready = scan->pending;

        if (idc_batch_row_count(scan->builder) > 0 && !comes_soon(scan))
            return PAUSED;
        if (!idc_mysql_wait_for(&scan->wait, scan->conn->mysql, &ready))
            return FAILED;
        scan->pending = mysql_stmt_fetch_cont(&got, statement, ready);
    }
    return got == 0 ? FETCHED : got == MYSQL_NO_DATA ? ENDED : FAILED;
}

static IdcStatus
next(IdcSourceScan *source, IdcBatchBuilder *builder, bool *is_end, IdcError *err)
{
    Scan *scan = source->state;

    scan->builder = builder;
    scan->err = err;
    while (!idc_batch_is_full(builder)) {
        IdcStatus status = idc_batch_begin_row(builder, err);

        if (status != IDC_OK)
            return status;
        switch (fetch(scan)) {
        case FETCHED:
            if (scan->status != IDC_OK)
                return scan->status;
            idc_batch_end_row(builder);
            break;
        case PAUSED:
            return IDC_OK;
        case ENDED:
            scan->conn->is_busy = false;
            *is_end = true;
            return IDC_OK;
        default:
            return fail_statement(scan, err);
        }
    }
    return IDC_OK;
}

static IdcStatus
finish(IdcSourceScan *source, const IdcFinish *finish, IdcError *err)
{
    const IdcMysqlServer *server = source->server->state;

    return idc_links_finish(server->links, source->call, finish, err);
}

const IdcAdapter idc_adapter_mysql = {
    .declaration = &idc_declaration_mysql,
    .connect = idc_mysql_server_new,
    .disconnect = idc_mysql_server_free,
    .open = open_scan,
    .next = next,
    .import = idc_mysql_import,
    .modify = idc_mysql_modify,
    .finish = finish,
};
