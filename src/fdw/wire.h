/*
 * wire.h - talks with a source process: frames over its socketpair.
 *
 * In:   messages for a talk
 * Out:  the messages that came for it, in order
 * Next: fdw/scan.c, import.c, modify.c
 *
 * Several talks share a process: whoever waits for his own messages reads those of the others too,
 * and puts them into their queues. Waiting reacts to cancel, terminate and the postmaster's death;
 * what was half read or half written goes on with the next call.
 */
#ifndef IDC_FDW_WIRE_H
#define IDC_FDW_WIRE_H

#include "fdw/pg.h"

#include <lib/ilist.h>
#include "relation/message.h"

typedef struct FdwProcess FdwProcess;

enum {
    FDW_SHORT_BYTES = 16,
    FDW_MESSAGE_HEAD = 8, /* before the bytes of a message: room for the head of a bytea */
    FDW_SPARE_MESSAGES = 4
};

/* Memory of its talk's context. */
typedef struct FdwMessage {
    dlist_node node;
    IdcMessageKind kind;
    uint8_t *bytes; /* aligned to 8; NULL: none. Before them are FDW_MESSAGE_HEAD more */
    size_t len, capacity;
} FdwMessage;

/* NULL: nothing. */
static inline void
fdw_message_free_bytes(uint8_t *bytes)
{
    if (bytes != NULL)
        pfree(bytes - FDW_MESSAGE_HEAD);
}

/*
 * One number's messages. It has an owner (the variable that points to it) until it is closed; after
 * that it waits alone for CLOSED. `context` has the messages, and what came of them.
 */
typedef struct FdwTalk {
    dlist_node node; /* of the process's talks */
    FdwProcess *process;
    struct FdwTalk **owner; /* NULL: closed */
    MemoryContext context;
    struct FdwServerCounts *counts;
    uint32 number;
    IdcMessageKind request; /* OPEN, IMPORT, MODIFY, COMMIT or ROLLBACK */
    dlist_head messages;
    uint8_t *spares[FDW_SPARE_MESSAGES]; /* bytes of messages that were read: for the next ones */
    size_t spare_capacities[FDW_SPARE_MESSAGES];
    FdwMessage *partial; /* more frames of it are to come */
    int64 credit;        /* BATCHes that may still come */
    unsigned pair;       /* of slots of the shared memory, or 0 */
    int64 batch_count;   /* BATCHes that came */
    int level;           /* of the subtransaction that it is of */
    bool has_place;
    bool is_sent;
    bool has_schema;
    bool is_answered;   /* END, ERROR, TABLES or MODIFIED came */
    bool is_closed;     /* CLOSED came */
    bool is_counted;    /* what it did is in the server's counters */
    IdcScanStats stats; /* of CLOSED, if it had them */
    int64 close_ms;     /* when CLOSE was sent, or 0 */
    int wait_fd, ready_fd;
} FdwTalk;

/* A process's socket: the frame that is being read, and bytes that are to be written. */
typedef struct FdwWire {
    uint8_t *in;
    size_t in_from, in_len;
    uint8_t head[IDC_FRAME_HEAD_BYTES];
    size_t head_len;
    IdcFrameHead frame; /* valid when head_len is whole */
    FdwTalk *talk;      /* of the frame; NULL: the session, or nobody wants it */
    FdwMessage *message;
    size_t payload_len; /* so much of the frame's payload came */
    uint8_t *out;
    size_t out_from, out_len, out_capacity;
    bool is_write_broken; /* the other side reads no more; what it wrote may say why */
} FdwWire;

extern void fdw_wire_init(FdwProcess *process);

/* Put a frame into the queue of the process, and send what can be sent now. */
extern void fdw_wire_send(FdwProcess *process, IdcMessageKind kind, unsigned flags, uint32 number,
                          const void *payload, size_t len);
/* Send and read what can be now. Never throws, never waits; false: the process is dead. */
extern bool fdw_wire_pump(FdwProcess *process);
/* Wait until the socket can be read, or written where there is something to write; timeout_ms -1:
 * for ever. */
extern void fdw_wire_wait(FdwProcess *process, long timeout_ms);

/* A new talk: *owner points to it from here on, and until it is closed. */
extern void fdw_talk_new(FdwProcess *process, IdcMessageKind request, uint32 credit,
                         FdwTalk **owner);
/* Wait until the session may use the server; the talk's until it is closed (fdw/server_limits.h).
 */
extern void fdw_talk_take_place(FdwTalk *talk, int64 max_concurrent);
/* A pair of slots for its batches, if there is one; 0: no. */
extern unsigned fdw_talk_take_pair(FdwTalk *talk);
/* Its request, once. */
extern void fdw_talk_send(FdwTalk *talk, const IdcText *payload);
/* A request of at most FDW_SHORT_BYTES, without memory; false: the process reads nothing. Never
 * throws. */
extern bool fdw_talk_send_short(FdwTalk *talk, const void *payload, size_t len);
/*
 * The next message, the caller's until fdw_talk_free_message or the end of the talk. Waits if
 * may_wait, else it may be NULL. Raises if the process is dead and there is no message left; an
 * ERROR of the source is returned as a message.
 */
extern FdwMessage *fdw_talk_next(FdwTalk *talk, bool may_wait);
/* True if fdw_talk_next would neither wait nor return NULL. Reads what is there. */
extern bool fdw_talk_is_ready(FdwTalk *talk);
extern void fdw_talk_give_credit(FdwTalk *talk, uint32 batches);
extern void fdw_talk_free_message(FdwMessage *message);
/* The bytes of a message of this talk are not needed any more. Fresh memory of such a size would be
 * new pages from the kernel each time. */
extern void fdw_talk_recycle(FdwTalk *talk, uint8_t *bytes, size_t capacity);
/* Tell the source to stop, and forget the talk: *owner becomes NULL. Never throws, never waits. */
extern void fdw_talk_close(FdwTalk *talk);
/* Tell the source to stop, and wait for what it says of what it did (zeroes if it does not in
 * time). The talk remains to be closed. */
extern void fdw_talk_finish(FdwTalk *talk, IdcScanStats *stats);
/* A descriptor that can be read when a message may have come. */
extern int fdw_talk_descriptor(FdwTalk *talk);
/* One that can always be read. */
extern int fdw_talk_ready_descriptor(FdwTalk *talk);

/* wire.c's own end of a talk, also called when its process died. */
extern void fdw_talk_free(FdwTalk *talk);

/* Add what the talk did to the counters of the server, once. Never throws. */
extern void fdw_talk_count(FdwTalk *talk, const IdcScanStats *stats);
/* The ERROR that a talk was answered with as PostgreSQL's error. */
extern void fdw_talk_raise(FdwTalk *talk, const FdwMessage *message) __attribute__((noreturn));

#endif
