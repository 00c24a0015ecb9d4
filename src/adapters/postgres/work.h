/*
 * work.h - the work of the adapter postgres, in parts. Private to this folder.
 *
 * In the order of a scan: connect.c (options to a session of libpq), transaction.c (what the links
 * are asked for), session.c (statements and their answers: through libpq, or over wire.c), read.c
 * (a COPY into a batch), postgres.c (the scan). Beside them cancel.c, parallel.c, import.c and
 * write.c.
 */
#ifndef IDC_ADAPTERS_POSTGRES_WORK_H
#define IDC_ADAPTERS_POSTGRES_WORK_H

#include <libpq-fe.h>
#include <pthread.h>

#include "adapters/common/links.h"
#include "adapters/postgres/postgres.h"
#include "arrow/copy_reader.h"
#include "base/text.h"

extern const IdcAdapter idc_adapter_postgres;

/* What a table has at the source (columns.c): of the host's arena. */
typedef struct IdcPostgresTable {
    struct IdcPostgresTable *next;
    const char *schema, *name;
    bool is_stale;
    bool is_one;     /* an ordinary table that no others inherit from: ctid names a row */
    bool takes_copy; /* COPY FROM means what an INSERT of the same rows would */
    size_t count;
    const char **names;
    IdcPostgresColumn *columns;
} IdcPostgresTable;

/* A server of the hub in this process: IdcSourceServer.state. */
typedef struct IdcPostgresHost {
    const IdcSourceServer *server;
    IdcLinks *links;
    pthread_mutex_t lock; /* of what follows, and all sessions' snapshots */
    IdcArena *arena;
    IdcPostgresTable *tables;
    pthread_cond_t snapshot_changed;
    pthread_cond_t asking_ended; /* of cancel.c */
    int asking_count;
} IdcPostgresHost;

typedef enum IdcSnapshotState {
    IDC_SNAPSHOT_NONE,   /* its transaction, if any, tells none */
    IDC_SNAPSHOT_COMING, /* asked for with the next statement */
    IDC_SNAPSHOT_KNOWN
} IdcSnapshotState;

/* What is read of the socket, where libpq need not do it (wire.c): begin to end are bytes of
 * messages. */
typedef struct IdcPostgresWire {
    uint8_t *bytes;
    size_t capacity, begin, end;
    int low_water;    /* of the socket; 0: as it was made */
    int64_t received; /* since somebody set it to 0 */
} IdcPostgresWire;

typedef struct IdcPostgresSession {
    IdcPostgresHost *host;
    PGconn *libpq;
    bool is_unix; /* a unix socket, whose poll knows no low water */
    bool is_raw;  /* neither TLS nor GSS: wire.c reads and writes the socket, libpq sleeps */
    bool is_busy; /* an answer has not been read to its end */
    bool is_lost;
    char status;    /* of the last ReadyForQuery: I, T or E */
    int32_t level;  /* 0: in no transaction of the hub; else as IdcTransaction's */
    bool has_begun; /* and the source knows it */
    bool is_read_only;
    bool is_reading;  /* inside the savepoint that a read has */
    IdcText before;   /* statements that go with the next ones, and nobody wants answers of */
    int before_count; /* how many */
    int skip_ready;   /* ReadyForQuery that come before the one that counts */
    int skip_count;   /* of those that were sent: answers that are still to come */
    IdcPostgresWire wire;
    PGresult *result; /* of libpq: rows that are being given away */
    int result_row;
    IdcText fields; /* of the row that was given away last */
    const char **field_pointers;
    size_t field_capacity;
    IdcSnapshotState snapshot_state;
    char snapshot[80];
    struct IdcPostgresAsking *asking; /* of cancel.c: the server is still to be asked; or NULL */
} IdcPostgresSession;

/* ---- connect.c ---- */

/* *is_full: the server has no room for one more session. */
IDC_CHECKED IdcStatus idc_postgres_connect(IdcPostgresHost *host, IdcCall *call,
                                           IdcPostgresSession **session, bool *is_full,
                                           IdcError *err);
/* Never waits. */
void idc_postgres_close(IdcPostgresSession *session);
bool idc_postgres_is_alive(IdcPostgresSession *session);
/* What libpq says of its connection, as one sentence. */
IdcStatus idc_postgres_fail_lost(IdcPostgresSession *session, IdcError *err);

/* ---- session.c: statements and answers ---- */

typedef struct IdcMessage {
    char kind;
    const uint8_t *body; /* good until the next one is asked for */
    size_t len;
} IdcMessage;

typedef enum IdcAnswerKind {
    IDC_ANSWER_ROW,
    IDC_ANSWER_DONE, /* of one statement */
    IDC_ANSWER_COPY_OUT,
    IDC_ANSWER_COPY_IN,
    IDC_ANSWER_END /* of all; the session is free */
} IdcAnswerKind;

typedef struct IdcAnswer {
    IdcAnswerKind kind;
    size_t field_count;
    const char *const *fields; /* ROW: texts, NULL for a NULL; good until the next answer */
    char tag[64];              /* DONE */
} IdcAnswer;

/* What a server says of an error. */
typedef struct IdcServerError {
    const char *severity, *sqlstate, *message, *detail, *hint;
} IdcServerError;
IdcStatus idc_postgres_fail(const IdcServerError *said, IdcError *err);

/* For read.c: an ErrorResponse, to the end of everything that follows it; ReadyForQuery. */
IdcStatus idc_postgres_fail_message(IdcPostgresSession *session, IdcCall *call,
                                    const IdcMessage *message, IdcError *err);
void idc_postgres_ready(IdcPostgresSession *session, const IdcMessage *message);

/* Goes with the next statement. */
void idc_postgres_before(IdcPostgresSession *session, const char *statement);
/* Statements, with ; between. A snapshot that is to be told comes before the first of them is
 * through. */
IDC_CHECKED IdcStatus idc_postgres_send(IdcPostgresSession *session, IdcCall *call, const char *sql,
                                        IdcError *err);
/* A transaction whose snapshot is to be told begins, and nothing else. */
IDC_CHECKED IdcStatus idc_postgres_settle(IdcPostgresSession *session, IdcCall *call,
                                          IdcError *err);
/* The same of a statement that does no harm where what goes before it has failed: no time is lost
 * for a snapshot. */
IDC_CHECKED IdcStatus idc_postgres_send_harmless(IdcPostgresSession *session, IdcCall *call,
                                                 const char *sql, IdcError *err);
/* To the end of what went before in a message of its own, whose snapshot others may wait for. */
void idc_postgres_begin_first(IdcPostgresSession *session, IdcCall *call);
/* The next answer. An error is returned when all that came with it was read (or the session is
 * lost). */
IDC_CHECKED IdcStatus idc_postgres_answer(IdcPostgresSession *session, IdcCall *call,
                                          IdcAnswer *answer, IdcError *err);
/* Send, and read all answers; *rows (may be NULL) of the last tag. */
IDC_CHECKED IdcStatus idc_postgres_run(IdcPostgresSession *session, IdcCall *call, const char *sql,
                                       int64_t *rows, IdcError *err);
/* The count at the end of a tag; 0: there is none. */
int64_t idc_postgres_tag_rows(const char *tag);

/* After COPY_IN: data, and its end (why: NULL; else the COPY is to fail with these words). */
IDC_CHECKED IdcStatus idc_postgres_copy_write(IdcPostgresSession *session, IdcCall *call,
                                              const void *bytes, size_t len, IdcError *err);
IDC_CHECKED IdcStatus idc_postgres_copy_end(IdcPostgresSession *session, IdcCall *call,
                                            const char *why, IdcError *err);

/* ---- wire.c: protocol 3 on a plain socket ---- */

/* One that is there already; false: more has to be read. */
IDC_CHECKED IdcStatus idc_wire_take(IdcPostgresWire *wire, IdcMessage *message, bool *is_there,
                                    IdcError *err);
/* What the socket has; *count 0: nothing now. IDC_CONNECTION_FAILED: it is closed. */
IDC_CHECKED IdcStatus idc_wire_read(IdcPostgresWire *wire, int fd, size_t *count, IdcError *err);
IDC_CHECKED IdcStatus idc_wire_next(IdcPostgresSession *session, IdcCall *call, IdcMessage *message,
                                    IdcError *err);
IDC_CHECKED IdcStatus idc_wire_write(IdcPostgresSession *session, IdcCall *call, char kind,
                                     const void *body, size_t len, IdcError *err);
/*
 * Poll shall only tell of the socket when so many bytes have come (1: of every byte): a server
 * sends 8 kB at a time, and to be woken for each of them costs more than to read it. Who sets it
 * must not wait without a limit.
 */
void idc_wire_low_water(IdcPostgresSession *session, int bytes);
void idc_wire_free(IdcPostgresWire *wire);

/* ---- cancel.c ---- */

/*
 * The statement that runs, if one does, shall end: asks for it, and reads what is left of its
 * answer, so that the session can go on; else it is lost. until: of idc_clock_ms.
 */
void idc_postgres_cancel(IdcPostgresSession *session, int64_t until);
/* So long may a scan take that the hub has closed. */
int64_t idc_postgres_cancel_until(void);
/* The session is closed: its slot stays taken as long as its server is still to be asked. */
void idc_postgres_cancel_leave(IdcPostgresSession *session, IdcLink *link);
/* Until all servers that were to be asked were, or for some seconds: then false. */
bool idc_postgres_cancels_end(IdcPostgresHost *host);

/* ---- transaction.c ---- */

extern const IdcLinkMethods idc_postgres_link_methods;

/* What is sent next is a read: a savepoint, where the hub has a transaction. */
void idc_postgres_begin_read(IdcPostgresSession *session);
/* COPY (select) TO STDOUT, in a savepoint of its own, or in a transaction of its own. */
IDC_CHECKED IdcStatus idc_postgres_send_read(IdcPostgresSession *session, IdcCall *call,
                                             const char *statement, IdcError *err);
/* A transaction of its own for what comes next, where the hub has none; and its end, at once: who
 * comes next may be far. */
IDC_CHECKED IdcStatus idc_postgres_begin_alone(IdcPostgresSession *session, IdcError *err);
void idc_postgres_end_alone(IdcPostgresSession *session, IdcCall *call);
/* The read is over, well or not. */
void idc_postgres_end_read(IdcPostgresSession *session);

/* ---- read.c: a COPY that was sent, into batches ---- */

typedef struct IdcPostgresRead {
    IdcPostgresSession *session;
    IdcCopyReader *reader;
    bool has_begun; /* COPY_OUT came */
    bool is_over;
} IdcPostgresRead;

/* To the answer that begins the rows; a second time does nothing. */
IDC_CHECKED IdcStatus idc_postgres_read_begin(IdcPostgresRead *read, IdcSourceScan *scan,
                                              IdcError *err);
/* Rows that are there; *is_dry: the next ones would have to be waited for. */
IDC_CHECKED IdcStatus idc_postgres_read(IdcPostgresRead *read, IdcSourceScan *scan,
                                        IdcBatchBuilder *builder, bool *is_dry, IdcError *err);

/* ---- columns.c: what columns are at the source, asked for once a process ---- */

/* The statement for the relation, with what is known of its tables; asks for what is not. */
IDC_CHECKED IdcStatus idc_postgres_statement(IdcPostgresSession *session, IdcSourceScan *scan,
                                             const IdcRelation *relation, const char *slice,
                                             const char **statement, IdcError *err);
IDC_CHECKED IdcStatus idc_postgres_statement_modify(IdcPostgresSession *session,
                                                    IdcSourceScan *scan, const IdcModify *modify,
                                                    IdcText *sql, IdcError *err);
/* An error where ctid does not name a row. */
IDC_CHECKED IdcStatus idc_postgres_check_ctid(IdcPostgresSession *session, IdcSourceScan *scan,
                                              const IdcRelation *table, IdcError *err);
/* See IdcPostgresTable. */
IDC_CHECKED IdcStatus idc_postgres_takes_copy(IdcPostgresSession *session, IdcSourceScan *scan,
                                              const IdcRelation *table, bool *takes_copy,
                                              IdcError *err);
/* The source did not agree with what was known of them. */
void idc_postgres_forget_tables(IdcPostgresHost *host, const IdcRelation *relation);

/* ---- parallel.c: one scan as several ---- */

/* Conditions that split the table into *count parts; 0: it is not worth it. */
IDC_CHECKED IdcStatus idc_postgres_slices(IdcPostgresSession *session, IdcSourceScan *scan,
                                          int64_t parts, const char *const **slices, size_t *count,
                                          IdcError *err);

/* ---- import.c, write.c ---- */

IdcStatus idc_postgres_import(IdcSourceScan *scan, const IdcImport *import,
                              const IdcImportedTable **tables, size_t *count, IdcError *err);
IdcStatus idc_postgres_modify(IdcSourceScan *scan, const IdcModify *modify, IdcModified *modified,
                              IdcError *err);

#endif
