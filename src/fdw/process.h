/*
 * process.h - the process instant-source as a backend sees it: started, kept, ended.
 *
 * In:   a server and a user mapping
 * Out:  a process to talk with (fdw/wire.h)
 * Next: fdw/scan.c, import.c, modify.c
 *
 * One for each session, server and user mapping. It is kept for the next query, and ended with the
 * session or after the options of either changed. Whatever it does, the backend goes on.
 */
#ifndef IDC_FDW_PROCESS_H
#define IDC_FDW_PROCESS_H

#include "fdw/pg.h"

#include <lib/ilist.h>
#include <sys/types.h>
#include "fdw/server.h"
#include "fdw/wire.h"
#include "relation/message.h"

/* How long a process may take to answer a CLOSE, or to end after we closed its socket; and to end
 * after it closed the socket itself, in the session and at its end. */
enum { FDW_PATIENCE_MS = 100, FDW_DYING_MS = 60, FDW_LEAVING_MS = 10 };

/*
 * In the list of process.c until it is dead; its memory stays as long as it has talks or takes part
 * in a transaction (transaction.c). fd and pid are -1 before they are there and after they are
 * gone.
 */
struct FdwProcess {
    dlist_node node;
    MemoryContext context;
    Oid server, mapping; /* mapping may be invalid: no options */
    uint32 server_hash, mapping_hash;
    char *server_name;
    char *program, *credential_directory; /* as the settings were */
    pid_t pid;
    int fd;
    bool is_stale; /* for the talks that it has, but for no new one */
    bool is_ready; /* READY came */
    bool is_dead;  /* failure says why */
    IdcError failure;
    dlist_head talks;
    uint32 last_number;
    struct FdwPart *part;  /* in the current transaction, or NULL */
    const uint8_t *memory; /* shared with the process (relation/message.h), or NULL */
    unsigned used_pairs;   /* bits of pairs of its slots that scans have */
    FdwTalk *finish;       /* COMMIT or ROLLBACK that was not answered yet, or NULL */
    int64 finish_ms;       /* when it was sent */
    bool is_pinned;        /* somebody looks at it */
    FdwWire wire;
};

/* process.c: settings, callbacks; once a backend. */
extern void fdw_process_init(void);

/* modify_send.c: send the rows that wait to be written to a server. */
extern void fdw_modify_flush_server(Oid server);

/*
 * The process of a server for a user's mapping; one is started if there is none. It may not have
 * answered yet: what is sent to it waits there.
 */
extern FdwProcess *fdw_process_get(Oid server, Oid user);

/*
 * The process is of no use any more: it is killed if need be, waited for, and all its talks fail
 * with `failure`; to which is added how it ended, if has_ended: by itself. Never throws.
 */
extern void fdw_process_lose(FdwProcess *process, const IdcError *failure, bool has_ended);
/*
 * Wait until nothing is left of closed scans and ended transactions: the next word can be said. A
 * process that takes too long is killed. Can be cancelled.
 */
extern void fdw_process_settle(FdwProcess *process);
/* Free what is dead and of no interest. */
extern void fdw_process_release(FdwProcess *process);

/* ---- spawn.c: what is done with the system ---- */

typedef struct FdwSpawn {
    const IdcOptionSet *user_options;
    int shared_fd; /* or -1 */
} FdwSpawn;

/* Starts process->program (empty: the one beside this library); fills in its pid and fd. */
extern void fdw_spawn(FdwProcess *process, const FdwSpawn *spawn);
/* Nothing more is said to the process, which then ends. */
extern void fdw_spawn_hang_up(FdwProcess *process);
/* Wait until the process ends by itself, or end it; says how it did by itself. */
extern void fdw_spawn_end(FdwProcess *process, int patience_ms, char *how, size_t size);
/* The session ends. A process that has taken note is left alone: it may have to tell its source so,
 * and ends by itself (source/sandbox.c). */
extern void fdw_spawn_leave(FdwProcess *process);

/* ---- hello.c: what HELLO says ---- */

/* The user mapping of a user or of PUBLIC for a server; invalid: there is none. */
extern Oid fdw_mapping_find(Oid server, Oid user, List **options);
/* The first message. */
extern void fdw_hello_write(const FdwProcess *process, const FdwServer *server,
                            const IdcOptionSet *user_options, IdcText *bytes);
/* The file that all processes of the server share (relation/bucket.h), opened anew: locks are of
 * the descriptor. -1: the server has no limit to share. */
extern int fdw_shared_file_open(const FdwServer *server);

/* Milliseconds of a clock that only goes forward. */
extern int64 fdw_clock_ms(void);

#endif
