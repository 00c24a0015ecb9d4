/*
 * session.c - statements, and what the server answers.
 *
 * In:   SQL, several statements in one message
 * Out:  answers in order, or the server's error
 *
 * Everything goes by the simple query protocol: it needs no prepared statements, so poolers do, and
 * a transaction begins in the message that reads first.
 */
#include <poll.h>
#include <string.h>

#include "adapters/postgres/work.h"
#include "arrow/builder.h"
#include "base/memory.h"

/* ---- errors ---- */

typedef struct Meaning {
    const char *sqlstate; /* its first characters */
    IdcStatus status;
    const char *hint;
} Meaning;

static const Meaning meanings[] = {
    { "28", IDC_BAD_CREDENTIAL,
      "check user and password of the user mapping, and the pg_hba.conf of the source" },
    { "3D000", IDC_CONNECTION_FAILED, "check the option dbname of the server" },
    { "53300", IDC_CONNECTION_FAILED,
      "set the option max_connections of the server, or raise that of the source" },
    { "57P0", IDC_CONNECTION_FAILED, NULL },
    { "08", IDC_CONNECTION_FAILED, NULL },
    { "25006", IDC_SOURCE_FAILED,
      "the source is a standby, or the transaction is READ ONLY: target_session_attrs chooses "
      "among hosts" },
};

IdcStatus
idc_postgres_fail(const IdcServerError *said, IdcError *err)
{
    IdcStatus status = IDC_SOURCE_FAILED;
    const char *hint = said->hint;

    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(said->sqlstate, meanings[i].sqlstate, strlen(meanings[i].sqlstate)) == 0) {
            status = meanings[i].status;
            hint = hint[0] != '\0' || meanings[i].hint == NULL ? hint : meanings[i].hint;
            break;
        }
    (void) idc_fail(err, status, "%s", said->message);
    if (said->sqlstate[0] != '\0')
        idc_error_set_sqlstate(err, said->sqlstate);
    if (hint[0] != '\0')
        idc_error_set_hint(err, "%s", hint);
    return status;
}

static IdcStatus
fail_message(IdcPostgresSession *session, const IdcMessage *message, IdcError *err)
{
    IdcServerError said = { "", "", "the server says nothing", "", "" };
    const char *at = (const char *) message->body, *end = at + message->len;

    while (at < end && *at != '\0') {
        char field = *at++;
        const char *value = at, *stop = memchr(at, '\0', (size_t) (end - at));

        if (stop == NULL)
            break;
        at = stop + 1;
        if (field == 'V' || (field == 'S' && said.severity[0] == '\0'))
            said.severity = value;
        else if (field == 'C')
            said.sqlstate = value;
        else if (field == 'M')
            said.message = value;
        else if (field == 'H')
            said.hint = value;
    }
    if (strcmp(said.severity, "ERROR") != 0)
        session->is_lost = true;
    return idc_postgres_fail(&said, err);
}

static const char *
result_field(const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);

    return text == NULL ? "" : text;
}

static IdcStatus
fail_result(IdcPostgresSession *session, const PGresult *result, IdcError *err)
{
    IdcServerError said = { result_field(result, PG_DIAG_SEVERITY),
                            result_field(result, PG_DIAG_SQLSTATE),
                            result_field(result, PG_DIAG_MESSAGE_PRIMARY), "",
                            result_field(result, PG_DIAG_MESSAGE_HINT) };

    if (PQstatus(session->libpq) != CONNECTION_OK)
        session->is_lost = true;
    if (said.message[0] == '\0')
        return idc_postgres_fail_lost(session, err);
    return idc_postgres_fail(&said, err);
}

/* ---- sending ---- */

void
idc_postgres_before(IdcPostgresSession *session, const char *statement)
{
    idc_text_append(&session->before, statement);
    idc_text_append_char(&session->before, ';');
    session->before_count++;
}

static IdcStatus
flush(IdcPostgresSession *session, IdcCall *call, IdcError *err)
{
    int left;

    while ((left = PQflush(session->libpq)) == 1) {
        IdcStatus status = idc_call_wait(call, PQsocket(session->libpq), POLLOUT | POLLIN, -1, err);

        if (status != IDC_OK) {
            session->is_lost = true;
            return status;
        }
        if (PQconsumeInput(session->libpq) != 1)
            return idc_postgres_fail_lost(session, err);
    }
    return left == 0 ? IDC_OK : idc_postgres_fail_lost(session, err);
}

static IdcStatus
send_text(IdcPostgresSession *session, IdcCall *call, const char *sql, IdcError *err)
{
    if (session->is_raw)
        return idc_wire_write(session, call, 'Q', sql, strlen(sql) + 1, err);
    if (PQsendQuery(session->libpq, sql) != 1)
        return idc_postgres_fail_lost(session, err);
    return flush(session, call, err);
}

/* What goes before, with sql behind it in the same message. */
static IdcStatus
send_with_before(IdcPostgresSession *session, IdcCall *call, const char *sql, IdcError *err)
{
    IdcStatus status;

    idc_text_append(&session->before, sql);
    status = idc_text_check(&session->before, err);
    if (status == IDC_OK)
        status = send_text(session, call, idc_text_string(&session->before), err);
    session->skip_count = session->before_count;
    session->before_count = 0;
    idc_text_clear(&session->before);
    session->is_busy = status == IDC_OK;
    session->has_begun |= session->is_busy && session->level > 0;
    return status;
}

/*
 * The server keeps answers back until all statements of a message are through or many rows have
 * come, and other sessions wait for the snapshot.
 */
static bool
is_waited_for(IdcPostgresSession *session)
{
    bool is_coming;

    pthread_mutex_lock(&session->host->lock);
    is_coming = session->snapshot_state == IDC_SNAPSHOT_COMING;
    pthread_mutex_unlock(&session->host->lock);
    return is_coming && session->before_count > 0;
}

/* What goes before, in a message of its own, to its end. */
static IdcStatus
send_before(IdcPostgresSession *session, IdcCall *call, IdcError *err)
{
    IdcAnswer answer = { 0 };
    IdcStatus status = send_with_before(session, call, "", err);

    while (status == IDC_OK) {
        status = idc_postgres_answer(session, call, &answer, err);
        if (status == IDC_OK && answer.kind == IDC_ANSWER_END)
            return IDC_OK;
    }
    return status;
}

static IdcStatus
check_not_lost(const IdcPostgresSession *session, IdcError *err)
{
    if (!session->is_lost)
        return IDC_OK;
    return idc_fail(err, IDC_CONNECTION_FAILED, "the connection to the source was lost");
}

IdcStatus
idc_postgres_settle(IdcPostgresSession *session, IdcCall *call, IdcError *err)
{
    session->skip_ready = 0;
    return is_waited_for(session) ? send_before(session, call, err) : IDC_OK;
}

IdcStatus
idc_postgres_send(IdcPostgresSession *session, IdcCall *call, const char *sql, IdcError *err)
{
    IdcStatus status = check_not_lost(session, err);

    if (status == IDC_OK)
        status = idc_postgres_settle(session, call, err);
    return status == IDC_OK ? send_with_before(session, call, sql, err) : status;
}

IdcStatus
idc_postgres_send_harmless(IdcPostgresSession *session, IdcCall *call, const char *sql,
                           IdcError *err)
{
    IdcStatus status = check_not_lost(session, err);

    if (status != IDC_OK || !session->is_raw || !is_waited_for(session))
        return status == IDC_OK ? idc_postgres_send(session, call, sql, err) : status;
    status = send_with_before(session, call, "", err);
    if (status == IDC_OK)
        status = send_text(session, call, sql, err);
    session->skip_ready = 1;
    return status;
}

/* ---- answers: what both ways share ---- */

static void
note_snapshot(IdcPostgresSession *session, const char *text)
{
    pthread_mutex_lock(&session->host->lock);
    if (session->snapshot_state == IDC_SNAPSHOT_COMING) {
        session->snapshot_state = IDC_SNAPSHOT_NONE;
        if (text != NULL && strlen(text) < sizeof session->snapshot) {
            memcpy(session->snapshot, text, strlen(text) + 1);
            session->snapshot_state = IDC_SNAPSHOT_KNOWN;
        }
        pthread_cond_broadcast(&session->host->snapshot_changed);
    }
    pthread_mutex_unlock(&session->host->lock);
}

/* An answer to a statement that nobody waits for; false: it is somebody's. */
static bool
skip(IdcPostgresSession *session, const IdcAnswer *answer)
{
    if (session->skip_count == 0 || answer->kind == IDC_ANSWER_END)
        return false;
    if (answer->kind == IDC_ANSWER_DONE)
        session->skip_count--;
    else if (answer->kind == IDC_ANSWER_ROW && answer->field_count > 0)
        note_snapshot(session, answer->fields[0]);
    return true;
}

static IdcStatus
reserve_fields(IdcPostgresSession *session, size_t count, IdcError *err)
{
    const char **pointers;

    if (count <= session->field_capacity)
        return IDC_OK;
    pointers = idc_realloc(session->field_pointers, (count + 16) * sizeof *pointers);
    if (pointers == NULL)
        return idc_fail_no_memory(err);
    session->field_pointers = pointers;
    session->field_capacity = count + 16;
    return IDC_OK;
}

/* ---- answers, from the socket ---- */

static IdcStatus
fail_protocol(IdcPostgresSession *session, IdcError *err)
{
    session->is_lost = true;
    return idc_fail(err, IDC_SOURCE_FAILED, "the server does not speak PostgreSQL's protocol");
}

/* DataRow: a count, then a length and bytes each. */
static IdcStatus
take_row(IdcPostgresSession *session, const IdcMessage *message, IdcAnswer *answer, IdcError *err)
{
    const uint8_t *at = message->body, *end = at + message->len;
    size_t count = message->len >= 2 ? idc_be16(at) : 0;
    IdcStatus status = reserve_fields(session, count, err);

    if (status != IDC_OK)
        return status;
    if (message->len < 2)
        return fail_protocol(session, err);
    idc_text_clear(&session->fields);
    at += 2;
    for (size_t i = 0; i < count; i++) {
        int32_t len = end - at < 4 ? -2 : (int32_t) idc_be32(at);

        if (len < -1 || (len > 0 && len > end - at - 4))
            return fail_protocol(session, err);
        /* Offsets, since the text may move; one more, so that 0 is no text. */
        session->field_pointers[i] =
            len < 0 ? NULL : (const char *) (uintptr_t) (session->fields.len + 1);
        at += 4;
        if (len < 0)
            continue;
        idc_text_append_len(&session->fields, (const char *) at, (size_t) len);
        idc_text_append_len(&session->fields, "", 1);
        at += len;
    }
    status = idc_text_check(&session->fields, err);
    for (size_t i = 0; status == IDC_OK && i < count; i++)
        if (session->field_pointers[i] != NULL)
            session->field_pointers[i] =
                session->fields.data + (uintptr_t) session->field_pointers[i] - 1;
    answer->kind = IDC_ANSWER_ROW;
    answer->field_count = count;
    answer->fields = session->field_pointers;
    return status;
}

static void
take_tag(const IdcMessage *message, IdcAnswer *answer)
{
    size_t len = strnlen((const char *) message->body, message->len);

    answer->kind = IDC_ANSWER_DONE;
    len = len < sizeof answer->tag ? len : sizeof answer->tag - 1;
    memcpy(answer->tag, message->body, len);
    answer->tag[len] = '\0';
}

void
idc_postgres_ready(IdcPostgresSession *session, const IdcMessage *message)
{
    session->status = message->len > 0 ? (char) message->body[0] : '?';
    session->is_busy = session->skip_ready > 0;
    session->skip_ready -= session->skip_ready > 0 ? 1 : 0;
}

/* After an error: to the end of everything. */
static void
drain(IdcPostgresSession *session, IdcCall *call)
{
    IdcMessage message;

    while (session->is_busy && !session->is_lost) {
        if (idc_wire_next(session, call, &message, NULL) != IDC_OK)
            session->is_lost = true;
        else if (message.kind == 'Z')
            idc_postgres_ready(session, &message);
    }
}

IdcStatus
idc_postgres_fail_message(IdcPostgresSession *session, IdcCall *call, const IdcMessage *message,
                          IdcError *err)
{
    IdcStatus status = fail_message(session, message, err);

    drain(session, call);
    return status;
}

static IdcStatus
raw_answer(IdcPostgresSession *session, IdcCall *call, IdcAnswer *answer, IdcError *err)
{
    for (;;) {
        IdcMessage message;
        IdcStatus status = idc_wire_next(session, call, &message, err);

        if (status != IDC_OK)
            return status;
        switch (message.kind) {
        case 'D':
            return take_row(session, &message, answer, err);
        case 'C':
        case 'I': /* an empty statement */
            take_tag(&message, answer);
            return IDC_OK;
        case 'H':
            answer->kind = IDC_ANSWER_COPY_OUT;
            return IDC_OK;
        case 'G':
            answer->kind = IDC_ANSWER_COPY_IN;
            return IDC_OK;
        case 'E':
            return idc_postgres_fail_message(session, call, &message, err);
        case 'Z':
            idc_postgres_ready(session, &message);
            if (session->is_busy)
                break;
            answer->kind = IDC_ANSWER_END;
            return IDC_OK;
        case 'T': /* columns, a notice, a setting, a notification, the rest of a COPY */
        case 'N':
        case 'S':
        case 'A':
        case 'd':
        case 'c':
            break;
        default:
            return fail_protocol(session, err);
        }
    }
}

void
idc_postgres_begin_first(IdcPostgresSession *session, IdcCall *call)
{
    while (session->skip_ready > 0 && session->is_busy && !session->is_lost) {
        IdcAnswer answer = { 0 };
        IdcMessage message;

        if (idc_wire_next(session, call, &message, NULL) != IDC_OK || message.kind == 'E') {
            session->is_lost = true;
        } else if (message.kind == 'Z') {
            idc_postgres_ready(session, &message);
        } else if (message.kind == 'C') {
            take_tag(&message, &answer);
            (void) skip(session, &answer);
        } else if (message.kind == 'D' && take_row(session, &message, &answer, NULL) == IDC_OK) {
            (void) skip(session, &answer);
        }
    }
    if (session->is_lost)
        note_snapshot(session, NULL);
}

/* ---- answers, from libpq ---- */

static IdcStatus
next_result(IdcPostgresSession *session, IdcCall *call, PGresult **result, IdcError *err)
{
    while (PQisBusy(session->libpq)) {
        IdcStatus status = idc_call_wait(call, PQsocket(session->libpq), POLLIN, -1, err);

        if (status != IDC_OK)
            return status;
        if (PQconsumeInput(session->libpq) != 1)
            return idc_postgres_fail_lost(session, err);
    }
    *result = PQgetResult(session->libpq);
    return IDC_OK;
}

static void
end_of_libpq(IdcPostgresSession *session)
{
    static const char states[] = { [PQTRANS_IDLE] = 'I',
                                   [PQTRANS_ACTIVE] = '?',
                                   [PQTRANS_INTRANS] = 'T',
                                   [PQTRANS_INERROR] = 'E',
                                   [PQTRANS_UNKNOWN] = '?' };

    session->status = states[PQtransactionStatus(session->libpq)];
    session->is_busy = false;
    if (PQstatus(session->libpq) != CONNECTION_OK)
        session->is_lost = true;
}

static IdcStatus
fail_and_drain(IdcPostgresSession *session, IdcCall *call, PGresult *result, IdcError *err)
{
    IdcStatus status = fail_result(session, result, err);

    while (result != NULL && !session->is_lost) {
        PQclear(result);
        result = NULL;
        if (next_result(session, call, &result, NULL) != IDC_OK)
            session->is_lost = true;
        else if (result != NULL && PQresultStatus(result) == PGRES_COPY_IN)
            (void) PQputCopyEnd(session->libpq, "an error came before");
    }
    PQclear(result);
    end_of_libpq(session);
    return status;
}

static IdcStatus
give_row(IdcPostgresSession *session, IdcAnswer *answer, IdcError *err)
{
    int count = PQnfields(session->result), row = session->result_row++;
    IdcStatus status = reserve_fields(session, (size_t) count, err);

    for (int i = 0; status == IDC_OK && i < count; i++)
        session->field_pointers[i] =
            PQgetisnull(session->result, row, i) ? NULL : PQgetvalue(session->result, row, i);
    answer->kind = IDC_ANSWER_ROW;
    answer->field_count = (size_t) count;
    answer->fields = session->field_pointers;
    return status;
}

static void
give_done(IdcPostgresSession *session, PGresult *result, IdcAnswer *answer)
{
    IdcMessage tag = { .kind = 'C', .body = (const uint8_t *) PQcmdStatus(result) };

    tag.len = strlen((const char *) tag.body);
    take_tag(&tag, answer);
    PQclear(result);
    session->result = NULL;
}

static IdcStatus
libpq_answer(IdcPostgresSession *session, IdcCall *call, IdcAnswer *answer, IdcError *err)
{
    PGresult *result = session->result;
    IdcStatus status = IDC_OK;

    if (result == NULL) {
        status = next_result(session, call, &result, err);
        session->result_row = 0;
    }
    if (status != IDC_OK)
        return status;
    if (result == NULL) {
        end_of_libpq(session);
        answer->kind = IDC_ANSWER_END;
        return IDC_OK;
    }
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        session->result = result;
        if (session->result_row < PQntuples(result))
            return give_row(session, answer, err);
        give_done(session, result, answer);
        return IDC_OK;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        give_done(session, result, answer);
        return IDC_OK;
    case PGRES_COPY_OUT:
    case PGRES_COPY_IN:
        answer->kind =
            PQresultStatus(result) == PGRES_COPY_OUT ? IDC_ANSWER_COPY_OUT : IDC_ANSWER_COPY_IN;
        PQclear(result);
        return IDC_OK;
    default:
        return fail_and_drain(session, call, result, err);
    }
}

/* ---- together ---- */

IdcStatus
idc_postgres_answer(IdcPostgresSession *session, IdcCall *call, IdcAnswer *answer, IdcError *err)
{
    IdcStatus status;

    do {
        *answer = (IdcAnswer){ 0 };
        status = session->is_raw ? raw_answer(session, call, answer, err)
                                 : libpq_answer(session, call, answer, err);
    } while (status == IDC_OK && skip(session, answer));
    if (status == IDC_OK)
        return IDC_OK;
    /* Only our patience has ended: the answer still comes. */
    if (session->is_busy && !session->is_lost)
        return status;
    note_snapshot(session, NULL);
    /* What went before and failed has left a state that nobody knows. */
    if (session->skip_count == 0)
        return status;
    session->is_lost = true;
    if (err == NULL || strcmp(err->sqlstate, "22023") != 0)
        return status;
    return idc_fail(err, IDC_CONNECTION_FAILED,
                    "the connection that had this transaction's snapshot was lost");
}

int64_t
idc_postgres_tag_rows(const char *tag)
{
    const char *last = strrchr(tag, ' ');
    int64_t rows = 0;

    return last != NULL && idc_int64_parse(last + 1, &rows) ? rows : 0;
}

IdcStatus
idc_postgres_run(IdcPostgresSession *session, IdcCall *call, const char *sql, int64_t *rows,
                 IdcError *err)
{
    IdcAnswer answer = { 0 };
    IdcStatus status = idc_postgres_send(session, call, sql, err);

    while (status == IDC_OK) {
        status = idc_postgres_answer(session, call, &answer, err);
        if (status == IDC_OK && answer.kind == IDC_ANSWER_END)
            return IDC_OK;
        if (status == IDC_OK && answer.kind == IDC_ANSWER_DONE && rows != NULL)
            *rows = idc_postgres_tag_rows(answer.tag);
    }
    return status;
}

/* ---- COPY FROM STDIN ---- */

IdcStatus
idc_postgres_copy_write(IdcPostgresSession *session, IdcCall *call, const void *bytes, size_t len,
                        IdcError *err)
{
    if (session->is_raw)
        return idc_wire_write(session, call, 'd', bytes, len, err);
    if (len > INT32_MAX || PQputCopyData(session->libpq, bytes, (int) len) != 1)
        return idc_postgres_fail_lost(session, err);
    return flush(session, call, err);
}

IdcStatus
idc_postgres_copy_end(IdcPostgresSession *session, IdcCall *call, const char *why, IdcError *err)
{
    if (session->is_raw && why == NULL)
        return idc_wire_write(session, call, 'c', "", 0, err);
    if (session->is_raw)
        return idc_wire_write(session, call, 'f', why, strlen(why) + 1, err);
    if (PQputCopyEnd(session->libpq, why) != 1)
        return idc_postgres_fail_lost(session, err);
    return flush(session, call, err);
}
