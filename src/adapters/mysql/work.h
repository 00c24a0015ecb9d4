/*
 * work.h - the work of the adapter mysql, in parts. Private to this folder; needs libmariadb.
 *
 * In the order of a scan: link.c (a connection of the transaction), connect.c (how one is made),
 * tls.c, table.c (what the columns really are), mysql.c (the statement and its rows), cell.c (a
 * value of the binary protocol in a column). Beside them import.c, and kill.c, which ends what
 * nobody waits for any more.
 *
 * The library's calls are made by its non-blocking interface, so that each wait is an idc_call_wait
 * (wait.c).
 */
#ifndef IDC_ADAPTERS_MYSQL_WORK_H
#define IDC_ADAPTERS_MYSQL_WORK_H

#include <mysql.h>
#include <poll.h>
#include <pthread.h>

#include "adapters/common/links.h"
#include "adapters/common/value.h"
#include "adapters/mysql/mysql.h"

extern const IdcAdapter idc_adapter_mysql;

/* ---- server.c: a server of the hub, once a process ---- */

typedef struct IdcMysqlHost {
    const char *name; /* NULL: the socket */
    unsigned port;
} IdcMysqlHost;

typedef enum IdcMysqlTls {
    IDC_MYSQL_TLS_DISABLE,
    IDC_MYSQL_TLS_PREFER,
    IDC_MYSQL_TLS_REQUIRE,
    IDC_MYSQL_TLS_VERIFY_CA,
    IDC_MYSQL_TLS_VERIFY_FULL
} IdcMysqlTls;

typedef struct IdcMysqlServer {
    const IdcSourceServer *server;
    IdcLinks *links;
    IdcMysqlHost *hosts;
    size_t host_count;
    const char *socket;
    IdcMysqlTls tls;
    int64_t connect_ms, read_ms; /* read_ms -1: as long as the query may take */
    pthread_mutex_t kill_lock;   /* of kill.c */
    pthread_cond_t kill_ended;
    int kill_count;
} IdcMysqlServer;

/* As IdcAdapter.connect and disconnect. */
IDC_CHECKED IdcStatus idc_mysql_server_new(IdcSourceServer *source, IdcError *err);
void idc_mysql_server_free(IdcSourceServer *source);
/* An option of the server or its user, by the names of declare_options.c; or its fallback. */
const char *idc_mysql_server_option(const IdcMysqlServer *server, const char *name);

/* ---- connect.c: a connection ---- */

typedef struct IdcMysqlConn {
    IdcMysqlServer *server;
    size_t host;
    MYSQL *mysql;
    unsigned long id; /* of the connection in the server */
    bool is_mariadb;
    unsigned long version; /* 101106: 10.11.6 */
    int32_t level;         /* savepoints s2 … s<level> are there; 1: none */
    bool is_in_transaction, is_read_only;
    bool is_busy;          /* a statement was sent, and its answer not read to the end */
    MYSQL_STMT *statement; /* of the scan; closed with the connection if the scan did not */
    const struct IdcMysqlTable *seen; /* of the transaction, and what they are in (table.c) */
    IdcArena *seen_arena;
    struct IdcMysqlKnown *known; /* of tables that are written (write_table.c) */
    int64_t packet_bytes;        /* max_allowed_packet; 0: not asked yet */
    uint64_t last_number;        /* of AUTO_INCREMENT, by the last INSERT of one row */
} IdcMysqlConn;

/* Tries the hosts in order, from first on; the last error is the one that is told. *is_full: a
 * server said that it has too many connections. */
IDC_CHECKED IdcStatus idc_mysql_connect(IdcMysqlServer *server, IdcCall *call, bool *is_full,
                                        IdcMysqlConn **conn, IdcError *err);
/* Never waits. NULL is fine. */
void idc_mysql_close(IdcMysqlConn *conn);
/* Only the connection itself: what kill.c needs. *is_full as above. */
IDC_CHECKED IdcStatus idc_mysql_connect_plain(IdcMysqlServer *server, size_t host, IdcCall *call,
                                              MYSQL **mysql, bool *is_full, IdcError *err);

/* ---- kill.c ---- */

/* The server would find out that a connection is gone when it writes; in a long sort it would not.
 * In a thread of its own, for at most some seconds: KILL, and then the slot is given back. The
 * connection itself may be closed at once. */
void idc_mysql_kill(const IdcMysqlConn *conn, int slot);
/* Until all that were begun are through, or for some seconds: then false. */
bool idc_mysql_kills_end(IdcMysqlServer *server);

/* ---- wait.c: calls of the library that wait ---- */

/* Names the call that this thread waits for: also where the library waits itself (TLS). */
typedef struct IdcMysqlWait {
    IdcCall *call;
    int64_t until_ms;    /* of idc_clock_ms; negative: the call's own limit */
    int64_t limit_ms;    /* what until_ms was made of */
    int64_t silence_ms;  /* how long one wait may be; negative: no limit */
    IdcScanStats *stats; /* or NULL: wait_us is counted */
    IdcError problem;    /* of a wait that failed; status IDC_OK: none did */
} IdcMysqlWait;

/* longest_ms: of all that is waited for with it; negative: the call's own limit. */
void idc_mysql_wait_begin(IdcMysqlWait *wait, IdcCall *call, int64_t longest_ms,
                          IdcScanStats *stats);
/* The descriptor of mysql for what `status` of a _start or _cont asks for: its answer is the next
 * _cont's. Once a wait has failed: do not go on, but close the connection. */
bool idc_mysql_wait_for(IdcMysqlWait *wait, MYSQL *mysql, int *status);
/* For MARIADB_OPT_IO_WAIT. */
int idc_mysql_io_wait(my_socket handle, my_bool is_read, int timeout);

IDC_CHECKED IdcStatus idc_mysql_real_connect(IdcMysqlWait *wait, MYSQL *mysql, const char *host,
                                             const char *user, const char *password,
                                             const char *database, unsigned port,
                                             const char *socket, unsigned long flags,
                                             IdcError *err);
/* A statement without rows, or whose rows are read whole (*result, or NULL: there are none to be
 * wanted). At the end nothing is left to be read. */
IDC_CHECKED IdcStatus idc_mysql_query(IdcMysqlWait *wait, IdcMysqlConn *conn, const char *sql,
                                      MYSQL_RES **result, IdcError *err);
/* As the two last, for a connection that has no IdcMysqlConn yet. */
IDC_CHECKED IdcStatus idc_mysql_run(IdcMysqlWait *wait, MYSQL *mysql, const char *sql,
                                    MYSQL_RES **result, IdcError *err);

/* What the library or the server says; sql: what it was about, or NULL. */
IdcStatus idc_mysql_fail(const IdcMysqlWait *wait, unsigned code, const char *said, const char *sql,
                         IdcError *err);

/* ---- tls.c ---- */

/* Once a process. */
IDC_CHECKED IdcStatus idc_mysql_tls_init(IdcError *err);
/* mysql will not send the password but as server->tls allows. */
void idc_mysql_tls_prepare(const IdcMysqlServer *server, MYSQL *mysql);

/* ---- link.c ---- */

extern const IdcLinkMethods idc_mysql_link_methods;

/* ---- table.c: what a table's columns are in the server ---- */

typedef struct IdcMysqlTable IdcMysqlTable;

/* Of the arena, or good until the transaction ends. */
IDC_CHECKED IdcStatus idc_mysql_table_read(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn,
                                           const IdcRelation *scan, const IdcMysqlTable **table,
                                           IdcError *err);
/* When a transaction begins, or ends. */
void idc_mysql_seen_forget(IdcMysqlConn *conn);
/* NULL: there is no such column. */
const IdcMysqlRemote *idc_mysql_table_column(const IdcMysqlTable *table, const char *column);

/* WHERE of information_schema: it is this table, as far as names tell. */
void idc_mysql_append_is_table(const IdcMysqlConn *conn, const IdcRelation *scan, IdcText *sql);
/* FROM: its database and name. */
void idc_mysql_append_table(const IdcRelation *scan, IdcText *text);

/* ---- lock.c: rows that are locked ---- */

/* A scan with a lock: the server and the table's engine have it. */
IDC_CHECKED IdcStatus idc_mysql_lock_check(IdcMysqlWait *wait, IdcMysqlConn *conn,
                                           const IdcRelation *scan, IdcError *err);
/* In this server's words. */
void idc_mysql_lock_dialect(const IdcMysqlConn *conn, IdcSqlDialect *dialect);

/* ---- statement.c: a relation as a statement ---- */

typedef enum IdcMysqlZero {
    IDC_MYSQL_NO_DATE_IS_NULL,
    IDC_MYSQL_NO_DATE_IS_ERROR,
    IDC_MYSQL_NO_DATE_IS_TEXT
} IdcMysqlZero;

/* Option zero_date of the column, its table, or the server. */
IdcMysqlZero idc_mysql_zero(const IdcSourceServer *server, const IdcRelation *scan,
                            const IdcRelationColumn *column);
/* Of the scan's arena. */
IDC_CHECKED IdcStatus idc_mysql_write(IdcSourceScan *source, IdcMysqlWait *wait, IdcMysqlConn *conn,
                                      const char **statement, const IdcSqlColumn **columns,
                                      IdcError *err);

/* ---- cell.c: a value of the binary protocol ---- */

typedef struct IdcMysqlReader IdcMysqlReader;

/* A value of `len` bytes, of which `readable` may be read. */
typedef IdcFit (*IdcMysqlAppend)(const IdcMysqlReader *reader, IdcColumn *column,
                                 const uint8_t *value, size_t len, size_t readable,
                                 IdcText *scratch, IdcValueProblem *problem);

struct IdcMysqlReader {
    int width; /* bytes of each value; -1: its length comes first */
    IdcMysqlAppend append;
    IdcType type; /* in the hub */
    bool is_unsigned;
    size_t plain_most; /* bytes of a text that need no look at its type */
    unsigned bits;     /* BIT(n) */
    unsigned decimals; /* of seconds */
    IdcMysqlZero zero;
    enum enum_field_types field;
};

/* How values of the field get into a column of the type. */
IDC_CHECKED IdcStatus idc_mysql_reader(const MYSQL_FIELD *field, const IdcRelationColumn *column,
                                       IdcColumnKind kind, IdcMysqlReader *reader, IdcError *err);

/* Of a column whose form is IDC_MYSQL_FORM_QUOTIENT (mysql.h). */
IdcFit idc_mysql_append_quotient(const IdcMysqlReader *reader, IdcColumn *column,
                                 const uint8_t *value, size_t len, size_t readable,
                                 IdcText *scratch, IdcValueProblem *problem);

/* ---- import.c ---- */

IdcStatus idc_mysql_import(IdcSourceScan *scan, const IdcImport *import,
                           const IdcImportedTable **tables, size_t *count, IdcError *err);

#endif
