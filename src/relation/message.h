/*
 * message.h - what the hub and the process instant-source say to each other over a socketpair.
 *
 * In:   structs
 * Out:  frames: a head of 12 bytes and a payload of at most 16 MiB
 * Next: fdw/process.c on one side, source/loop.c on the other
 *
 * The hub starts `instant-source --session` with one end of the socketpair as descriptor 3 and,
 * where the server has a limit that its processes share, the file for that (relation/bucket.h) as
 * descriptor 4, open for reading and writing; memory that both share (IDC_SHARED_BYTES) may be
 * descriptor 5; all others above 2 are closed.
 *
 * Nothing here reads or writes a descriptor. Both sides trust no byte. A frame's head is three
 * little-endian uint32: length of the payload; kind (low byte) and flags (next byte), the rest 0;
 * number of the scan (0: the whole session). A message longer than a payload may be goes on in
 * frames of the same kind and scan, all but the last with the flag MORE and none of these empty;
 * only BATCH, MODIFY and MODIFIED may.
 *
 * Order. The hub begins with HELLO and waits for READY (or ERROR, after which the process ends).
 * Then, for each scan number n (unique while in use):
 *
 *   hub: OPEN n, then CREDIT n …                 source: SCHEMA n, BATCH n …, END n   or  ERROR n
 *   hub: IMPORT n                                source: TABLES n                     or  ERROR n
 *   hub: MODIFY n                                source: MODIFIED n                   or  ERROR n
 *   hub: COMMIT/ROLLBACK n                       source: MODIFIED n                   or  ERROR n
 *   hub: CLOSE n (at any time after these)       source: CLOSED n: nothing of n follows it
 *
 * A scan sends at most as many BATCHes as it has credit (OPEN gives the first ones). After END or
 * ERROR nothing but CLOSED follows for n. CLOSE stops the work at once; the hub kills a process
 * that has not sent CLOSED after 100 ms. At the session's end the hub shuts down its half of the
 * socket; a source that shuts down the other one within 100 ms ends by itself.
 */
#ifndef IDC_RELATION_MESSAGE_H
#define IDC_RELATION_MESSAGE_H

#include "relation/relation.h"

enum {
    IDC_MESSAGE_VERSION = 2,
    IDC_FRAME_HEAD_BYTES = 12,
    IDC_FRAME_MAX_PAYLOAD = 16 * 1024 * 1024,
    IDC_FRAME_MORE = 1,  /* a flag */
    IDC_FRAME_SHARED = 2 /* a flag of BATCH: the message lies in shared memory */
};

/*
 * Memory that hub and process share, where the hub gave it (descriptor 5, of IDC_SHARED_BYTES and
 * sealed to stay so): pairs of slots, of which OPEN lends one to a scan. Batch number i (from 0) of
 * the scan, if it is small enough, may lie in slot i % 2 of the pair; its frame then has the flag
 * SHARED and a payload of four bytes, its length. With a credit of two never more than two batches
 * are on their way: when the third may be sent, the hub has taken the first one out.
 */
enum {
    IDC_SLOT_BYTES = 5 * 1024 * 1024,
    IDC_PAIR_COUNT = 2,
    IDC_SHARED_CREDIT = 2,
    IDC_SHARED_BYTES = IDC_PAIR_COUNT * 2 * IDC_SLOT_BYTES
};

/* Where batch number i of the pair (from 1) lies. */
static inline size_t
idc_slot_offset(unsigned pair, int64_t i)
{
    return ((size_t) (pair - 1) * 2 + (size_t) (i % 2)) * IDC_SLOT_BYTES;
}

/* A whole message of several frames; a row has at most 1 GB anyway. */
#define IDC_MESSAGE_MAX_BYTES (INT64_C(1) << 30)

typedef enum IdcMessageKind {
    IDC_MSG_HELLO = 1,
    IDC_MSG_OPEN,
    IDC_MSG_CREDIT, /* payload: uint32, that many batches more */
    IDC_MSG_CLOSE,
    IDC_MSG_IMPORT,
    IDC_MSG_MODIFY,
    IDC_MSG_COMMIT, /* payload of these two: IdcFinish */
    IDC_MSG_ROLLBACK,
    IDC_MSG_READY = 65, /* payload: none */
    IDC_MSG_SCHEMA,     /* payload: the schema message of an Arrow IPC stream */
    IDC_MSG_BATCH,      /* payload: the messages of one record batch of an Arrow IPC stream */
    IDC_MSG_END,        /* payload: IdcScanStats */
    IDC_MSG_ERROR,      /* payload: IdcError and IdcScanStats */
    IDC_MSG_CLOSED,     /* payload: IdcScanStats, or none */
    IDC_MSG_TABLES,
    IDC_MSG_MODIFIED /* payload: IdcModified; also the answer to COMMIT and ROLLBACK, without rows
                      */
} IdcMessageKind;

typedef struct IdcFrameHead {
    uint32_t payload_bytes;
    IdcMessageKind kind;
    unsigned flags;
    uint32_t scan;
} IdcFrameHead;

/* Cannot fail for a head that this program made. */
void idc_frame_head_write(const IdcFrameHead *head, uint8_t bytes[IDC_FRAME_HEAD_BYTES]);
/* IDC_SOURCE_FAILED for an unknown kind, flags that it cannot have, or a length that it cannot
 * have: beyond the limit, or any for a kind that has no payload. */
IDC_CHECKED IdcStatus idc_frame_head_read(const uint8_t bytes[IDC_FRAME_HEAD_BYTES],
                                          IdcFrameHead *head, IdcError *err);

void idc_credit_write(uint32_t credit, IdcText *bytes);
IDC_CHECKED IdcStatus idc_credit_read(const void *bytes, size_t len, uint32_t *credit,
                                      IdcError *err);

/* What a scan did. All are counts since it was opened. */
typedef struct IdcScanStats {
    int64_t rows;
    int64_t requests; /* sent to the source, retries included */
    int64_t retries;
    int64_t bytes; /* received from the source */
    int64_t cache_hits;
    int64_t wait_us; /* time that was waited for the source or for its rate limit */
    int64_t nulled;  /* values that became NULL because the table says on_error "null" */
} IdcScanStats;

/* A server of the hub as the process gets to know it, once. */
typedef struct IdcHello {
    uint32_t version;
    const char *adapter;     /* name in adapters.def */
    const char *server_name; /* for errors */
    IdcOptionSet server_options;
    IdcOptionSet
        user_options; /* still with references to secrets: source/secrets.c resolves them */
    const char *credential_directory; /* or NULL */
    const char *cache_directory;      /* private to the hub, or NULL: no cache on disk */
    int64_t memory_bytes;             /* limit of the process */
    bool
        may_use_local; /* the server's owner is a superuser: options that touch this machine work */
} IdcHello;

/*
 * The hub's transaction that a request belongs to. An adapter that has transactions begins its own
 * when it is first asked for something of a new id, and ends it with COMMIT or ROLLBACK
 * (IdcFinish).
 */
typedef struct IdcTransaction {
    uint64_t id;   /* 0: none (an adapter without transactions) */
    int32_t level; /* 1: the transaction itself; 2 and more: so many savepoints deep, less one */
    bool is_serializable; /* else all that it reads is of one snapshot, as far as the source can */
    bool is_read_only;
} IdcTransaction;

/* COMMIT and ROLLBACK: of everything at this level and deeper. Level 1 ends the transaction.
 * is_commit is not in the payload: the message's kind says it. */
typedef struct IdcFinish {
    uint64_t id;
    int32_t level;
    bool is_commit;
} IdcFinish;

/*
 * How the batches of a scan are laid out, for a hub that passes them on as they are. All zero: the
 * relation's columns, as idc_type_column says.
 */
typedef struct IdcBatchLayout {
    const uint32_t *columns; /* which of the relation's come, in order; one may come twice */
    size_t column_count;     /* 0: all, in their own order */
    bool has_small_offsets;  /* utf8 and binary instead of large_utf8 and large_binary */
    bool decimals_are_float64;
} IdcBatchLayout;

typedef struct IdcOpen {
    const IdcRelation *relation;
    const IdcValue *values;
    size_t value_count;
    int64_t batch_rows, batch_bytes;
    int64_t first_batch_rows;
    uint32_t credit;    /* of batches, at least 1 */
    int64_t timeout_ms; /* of the whole scan; -1: none but the adapter's own */
    IdcTransaction transaction;
    IdcBatchLayout layout;
    unsigned pair; /* of slots of the shared memory, from 1; 0: none */
} IdcOpen;

/* IMPORT FOREIGN SCHEMA. */
typedef struct IdcImport {
    const char *remote_schema;
    bool is_list, is_except; /* LIMIT TO, EXCEPT: the names */
    const char *const *names;
    size_t name_count;
    IdcOptionSet options;
} IdcImport;

typedef struct IdcImportedColumn {
    const char *name;
    const char *type; /* SQL, such as "numeric(15,2)" or "text COLLATE \"C\"": of a closed grammar,
                         the hub checks that it is a type */
    bool is_not_null;
    const char *comment;     /* or NULL */
    const char *default_sql; /* or NULL: an expression in PostgreSQL's SQL: its default, or */
    bool is_generated;       /* what it is always made of */
    IdcOptionSet options;
} IdcImportedColumn;

typedef struct IdcImportedTable {
    const char *name;
    const char *comment; /* or NULL */
    const IdcImportedColumn *columns;
    size_t column_count;
    IdcOptionSet options;
} IdcImportedTable;

typedef enum IdcModifyKind {
    IDC_INSERT,
    IDC_UPDATE,
    IDC_DELETE,
    IDC_UPDATE_WHERE, /* one statement of the source for any number of rows */
    IDC_DELETE_WHERE,
    IDC_TRUNCATE, /* as PostgreSQL means it; an adapter that cannot does DELETE_WHERE instead */
    IDC_MODIFY_KIND_COUNT
} IdcModifyKind;

/* INSERT: what becomes of a row that the source has already, by any of its unique keys. */
typedef enum IdcConflict {
    IDC_CONFLICT_ERROR,
    IDC_CONFLICT_NOTHING, /* it stays as it was */
    IDC_CONFLICT_UPDATE   /* it takes the values of the new one */
} IdcConflict;

/*
 * Rows to write. `table` is a SCAN by name that lists the columns of a row (one at least), in
 * order; rows has row_count times table->column_count texts (IdcValue's form; NULL is the SQL
 * NULL). INSERT: the values; key_count is 0. UPDATE: the first key_count columns are the row's key
 * as it was, the others the new values. DELETE: the key, so key_count is table->column_count.
 *
 * UPDATE_WHERE: `where` is a PROJECT of the new values, of the types of table's columns and in
 * their order, over FILTERs over a SCAN of the same table. DELETE_WHERE: the FILTERs over the SCAN,
 * or the SCAN alone; table is that SCAN, which may have no columns. There are no rows and key_count
 * is 0; values are for the PARAMETERs of `where` until the frame has bound them.
 *
 * TRUNCATE: table and `also` (other tables of the server, at once) are emptied; neither has
 * columns. There is nothing else.
 *
 * returning: a SCAN of the table with the columns that are wanted of each row as it is then (of
 * DELETE: was), or NULL. The answer has them in the order of `rows`; rows that were not there, or
 * were left as they were, are missing.
 */
typedef struct IdcModify {
    IdcModifyKind kind;
    const IdcRelation *table;
    size_t key_count;
    const char *const *rows;
    size_t row_count;
    IdcConflict conflict;
    const IdcRelation *where;
    const IdcValue *values;
    size_t value_count;
    const IdcRelation *returning;
    const IdcRelation *const *also;
    size_t also_count;
    bool is_cascade, restarts_identity;
    IdcTransaction transaction;
} IdcModify;

/*
 * MODIFIED: what was done. rows: texts of `returning`'s columns, row by row. An adapter fills in
 * rows, row_count and column_count, and says in scan->stats.rows how many were changed.
 */
typedef struct IdcModified {
    IdcScanStats stats; /* rows: how many were changed */
    const char *const *rows;
    size_t row_count, column_count; /* both 0, or neither */
} IdcModified;

/* Each appends a payload; each read checks everything, copies into the arena. */
void idc_hello_write(const IdcHello *hello, IdcText *bytes);
IDC_CHECKED IdcStatus idc_hello_read(IdcArena *arena, const void *bytes, size_t len,
                                     IdcHello *hello, IdcError *err);
void idc_open_write(const IdcOpen *open, IdcText *bytes);
IDC_CHECKED IdcStatus idc_open_read(IdcArena *arena, const void *bytes, size_t len, IdcOpen *open,
                                    IdcError *err);
void idc_import_write(const IdcImport *import, IdcText *bytes);
IDC_CHECKED IdcStatus idc_import_read(IdcArena *arena, const void *bytes, size_t len,
                                      IdcImport *import, IdcError *err);
void idc_tables_write(const IdcImportedTable *tables, size_t count, IdcText *bytes);
IDC_CHECKED IdcStatus idc_tables_read(IdcArena *arena, const void *bytes, size_t len,
                                      const IdcImportedTable **tables, size_t *count,
                                      IdcError *err);
void idc_modify_write(const IdcModify *modify, IdcText *bytes);
IDC_CHECKED IdcStatus idc_modify_read(IdcArena *arena, const void *bytes, size_t len,
                                      IdcModify *modify, IdcError *err);
void idc_modified_write(const IdcModified *modified, IdcText *bytes);
IDC_CHECKED IdcStatus idc_modified_read(IdcArena *arena, const void *bytes, size_t len,
                                        IdcModified *modified, IdcError *err);
void idc_finish_write(const IdcFinish *finish, IdcText *bytes);
/* kind: COMMIT or ROLLBACK. */
IDC_CHECKED IdcStatus idc_finish_read(IdcMessageKind kind, const void *bytes, size_t len,
                                      IdcFinish *finish, IdcError *err);
void idc_stats_write(const IdcScanStats *stats, IdcText *bytes);
IDC_CHECKED IdcStatus idc_stats_read(const void *bytes, size_t len, IdcScanStats *stats,
                                     IdcError *err);
void idc_failure_write(const IdcError *failure, const IdcScanStats *stats, IdcText *bytes);
/* failure: what the source said, made safe (valid SQLSTATE, UTF-8, no control characters).
 * may_try_again: it is of a transaction, which a source may say is to be tried again (40001,
 * 40P01). */
IDC_CHECKED IdcStatus idc_failure_read(const void *bytes, size_t len, bool may_try_again,
                                       IdcError *failure, IdcScanStats *stats, IdcError *err);

#endif
