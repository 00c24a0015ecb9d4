/*
 * source.h - the program instant-source, in parts. Private to this folder.
 *
 * In:   HELLO and requests (loop.c), or arguments and a relation (filter.c)
 * Out:  what the adapter answers, as messages or as an Arrow stream
 *
 * In the order of a session: main.c, sandbox.c, loop.c, server.c (options, secrets.c), task.c (a
 * thread for each request), scan.c (adapter to batches), spool.c, writer.c.
 */
#ifndef IDC_SOURCE_SOURCE_H
#define IDC_SOURCE_SOURCE_H

#include "adapters/adapter.h"

/* ---- secrets.c, secret_file.c: texts that never leave this process ---- */

/* All texts are of the arena. It grows only until the server is connected. */
typedef struct IdcSecrets {
    IdcArena *arena;
    const char **texts;
    size_t count, capacity;
} IdcSecrets;

IDC_CHECKED IdcStatus idc_secrets_add(IdcSecrets *secrets, const char *text, IdcError *err);
/* Each secret in text, a buffer of `size` bytes, becomes "***"; so does one that its end cuts. */
void idc_secrets_scrub_text(const IdcSecrets *secrets, char *text, size_t size);
void idc_secrets_scrub(const IdcSecrets *secrets, IdcError *err);

/*
 * User options as the adapter sees them: references of secret options ("env:NAME", "file:PATH")
 * and the option "credential" (a file of that name in the directory, below the others) become
 * values. They read this machine, so they need may_use_local. Secrets are added to `secrets`.
 */
typedef struct IdcSecretSources {
    const char *credential_directory; /* or NULL */
    bool may_use_local;
} IdcSecretSources;
IDC_CHECKED IdcStatus idc_secrets_resolve(IdcSecrets *secrets, const IdcDeclaration *declaration,
                                          const IdcOptionSet *given,
                                          const IdcSecretSources *sources, IdcOptionSet *resolved,
                                          IdcError *err);

enum { IDC_SECRET_FILE_MAX_BYTES = 64 * 1024 };

/*
 * The text of a regular file of at most IDC_SECRET_FILE_MAX_BYTES, no symbolic link, without the
 * line end at its end. directory: a descriptor or AT_FDCWD; is_private: it must be ours and nobody
 * else's to read. *text: idc_malloc'd, to be wiped by idc_secret_free. Errors say `path`.
 */
IDC_CHECKED IdcStatus idc_secret_file_read(int directory, const char *path, bool is_private,
                                           char **text, IdcError *err);
void idc_secret_free(char *text);

/* Lines "option = value" of such a text; "#" begins a comment line. path: for errors. */
IDC_CHECKED IdcStatus idc_option_lines_read(IdcArena *arena, const char *text, const char *path,
                                            IdcOptionSet *options, IdcError *err);

/* ---- server.c: a server of the hub in this process ---- */

typedef struct IdcSource {
    const IdcAdapter *adapter;
    bool is_connected;
    IdcSourceServer server;
    IdcSecrets secrets;
    IdcBucket bucket;
    IdcBucketWord own_word; /* of the bucket, where the hub gave none */
    IdcLog log;
} IdcSource;

/*
 * Everything lives in the arena, as long as the process. options' arrays are borrowed. shared_fd:
 * the file of the server's limits; anything else, or -1, and they are this process's own.
 */
IDC_CHECKED IdcStatus idc_source_connect(IdcSource *source, IdcArena *arena, const IdcHello *hello,
                                         int shared_fd, IdcError *err);
/* Options of tables and columns that touch this machine need the same right as the server's. */
IDC_CHECKED IdcStatus idc_source_check_relation(const IdcSource *source,
                                                const IdcRelation *relation, IdcError *err);

/* ---- memory.c: memory shared with the hub ---- */

/* Once, before HELLO. NULL: the hub gave none. */
uint8_t *idc_shared_memory_map(void);

/* ---- scan.c: a relation to record batches ---- */

typedef struct IdcScanSink {
    void *host;
    IdcStatus (*schema)(void *host, const uint8_t *bytes, size_t size, IdcError *err);
    /* Waits until the next batch may be sent. *is_pressed (may be NULL, is false before): it may
     * not, and the rows that are left shall be read first. NULL: it always may. */
    IdcStatus (*turn)(void *host, bool *is_pressed, IdcError *err);
    IdcStatus (*batch)(void *host, const uint8_t *bytes, size_t size, IdcError *err);
    /* Where the next batch should be written to, which batch() is then called with; waits until it
     * may. *target NULL, or no place(): memory of the caller's. */
    IdcStatus (*place)(void *host, size_t size, uint8_t **target, IdcError *err);
} IdcScanSink;

/*
 * scan: server, arena and call are filled. relation: with PARAMETERs for the values. What request
 * points to lives in another arena: scan->arena is freed, and NULL, once all rows that have to wait
 * (scan->must_spool) are kept here.
 */
IDC_CHECKED IdcStatus idc_scan_run(const IdcSource *source, IdcSourceScan *scan,
                                   const IdcOpen *request, const IdcScanSink *sink, IdcError *err);

/* ---- spool.c: messages that wait ---- */

typedef struct IdcSpool IdcSpool;

/* NULL: no memory. */
IdcSpool *idc_spool_new(void);
void idc_spool_free(IdcSpool *spool);
/* All are added before the first is read. */
IDC_CHECKED IdcStatus idc_spool_add(IdcSpool *spool, const void *bytes, size_t size, IdcError *err);
/* In the order in which they came; *bytes NULL: there are no more. Good until the next call. */
IDC_CHECKED IdcStatus idc_spool_next(IdcSpool *spool, const uint8_t **bytes, size_t *size,
                                     IdcError *err);

/* ---- writer.c: frames out ---- */

typedef struct IdcFrameWriter IdcFrameWriter;

/* NULL: no memory. */
IdcFrameWriter *idc_frame_writer_new(int fd);
/* A batch of so many bytes that lies in shared memory. */
void idc_frame_writer_send_shared(IdcFrameWriter *writer, uint32_t scan, uint32_t size);
/*
 * A whole message, in several frames where it must be; nothing of other threads comes between. To
 * a hub that is gone nothing is said.
 */
void idc_frame_writer_send(IdcFrameWriter *writer, IdcMessageKind kind, uint32_t scan,
                           const void *payload, size_t size);
/* ERROR; secrets are taken out of a copy. */
void idc_frame_writer_fail(IdcFrameWriter *writer, uint32_t scan, const IdcSecrets *secrets,
                           const IdcError *failure, const IdcScanStats *stats);

/* ---- task.c: a thread for each request of the hub ---- */

typedef struct IdcTasks IdcTasks;

/* All are borrowed and outlive it. memory: shared with the hub, or NULL. */
IdcTasks *idc_tasks_new(const IdcSource *source, IdcFrameWriter *writer, uint8_t *memory);
/* OPEN, IMPORT, MODIFY, COMMIT and ROLLBACK. Takes the payload (idc_malloc'd). False: the number is
 * in use, or far too many are, which no hub of ours does. */
bool idc_tasks_begin(IdcTasks *tasks, const IdcFrameHead *head, void *payload);
void idc_tasks_credit(IdcTasks *tasks, uint32_t number, uint32_t credit);
void idc_tasks_close(IdcTasks *tasks, uint32_t number);
/* The hub is gone: all work is stopped; transactions that are being ended have half of patience_ms
 * for it first. False: some goes on patience_ms after all was stopped. */
bool idc_tasks_end(IdcTasks *tasks, int64_t patience_ms);

/* ---- loop.c, sandbox.c, sandbox_files.c, title.c, filter.c ---- */

/* What the hub gives to a session (relation/message.h); more are closed. */
enum { IDC_SOCKET_FD = 3, IDC_SHARED_FD = 4, IDC_MEMORY_FD = 5 };

/* Serves the hub; returns only if the session could not begin or the hub made no sense. */
int idc_session_run(void);

/* What needs no setting: ends with its parent, no core, no other descriptors, no new privileges,
 * no new programs. Ends the process if the parent is gone. */
void idc_sandbox_enter(void);
/* The hub is gone, or lets go of us: from now on the process is nobody's, holds nothing of the
 * server's, and ends within two seconds, whatever it does. The hub sees the end of the socket. */
void idc_sandbox_leave(void);
/* memory_bytes more than the process has now; at least 16 MiB; <= 0: no limit. */
void idc_sandbox_limit_memory(int64_t memory_bytes);

/* From now on nothing is written but below these (ends with NULL; those that are no directories do
 * not count), where the kernel can tell. */
void idc_sandbox_limit_writes(const char *const *directories);

/* From now on ps shows "instant-source: NAME", and nothing of arguments and environment. */
void idc_title_init(int argc, char **argv);
void idc_title_set(const char *name);

int idc_filter_main(int argc, char **argv);

/* reference.c: the options of an adapter as a page of the documentation. */
void idc_reference_write(const IdcDeclaration *declaration, IdcText *text);

#endif
