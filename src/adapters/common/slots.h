/*
 * slots.h - a limit that all sessions of a hub share: so many connections to a server at once.
 *
 * In:   a file that every process of the server has opened for itself (relation/bucket.h)
 * Out:  slots; taken, asked for again and again, or given back
 * Next: links.c
 *
 * A slot is a lock on a byte of the file, of the open file itself (F_OFD_SETLK): the kernel gives
 * back what a process had that was killed. Nobody blocks in the kernel. One process at a time, the
 * head, looks for a free slot; the others look whether they may be the head.
 *
 * Who has a connection and waits for one more could wait for ever, if all others do the same. So a
 * few slots are kept for second connections, and only one process at a time may take of these: it
 * goes on, and after it the next. (Who needs still more waits for its own: links.h.) Slots are
 * alike, so what a process gives back is first what was kept.
 *
 * All who wait share a lock on one more byte, and wake those who have idle connections (idc_slots_
 * sleep) by a word in the file. All calls may come from any thread.
 */
#ifndef IDC_ADAPTERS_COMMON_SLOTS_H
#define IDC_ADAPTERS_COMMON_SLOTS_H

#include "base/call.h"

typedef struct IdcSlots IdcSlots;

enum { IDC_SLOT_NONE = -1, IDC_SLOT_UNLIMITED = -2 };

/* One wait for a slot; zero before the first try. */
typedef struct IdcSlotWait {
    bool is_head, wants_more, is_waiting;
} IdcSlotWait;

/* most <= 0: no limit. fd: borrowed; -1, or of no such file: a limit of this process alone. */
IDC_CHECKED IdcStatus idc_slots_new(int64_t most, int fd, IdcSlots **slots, IdcError *err);
void idc_slots_free(IdcSlots *slots);

/* A slot (or IDC_SLOT_UNLIMITED), or IDC_SLOT_NONE: try again in idc_slots_pause_ms. */
int idc_slots_try(IdcSlots *slots, IdcSlotWait *wait);
int64_t idc_slots_pause_ms(const IdcSlotWait *wait, unsigned tries);
/* Others see that somebody waits for a connection, for a slot or at the server itself. */
void idc_slots_wait_begin(IdcSlots *slots, IdcSlotWait *wait);
/* After a slot was got, or the wait was given up. */
void idc_slots_wait_end(IdcSlots *slots, IdcSlotWait *wait);
void idc_slots_give_back(IdcSlots *slots, int slot);

/* Another process waits for a connection. */
bool idc_slots_are_wanted(IdcSlots *slots);
/* The word: it changes when another process begins to wait. Read it before idc_slots_are_wanted. */
uint32_t idc_slots_word(IdcSlots *slots);
/* Until the word is another one, somebody wakes us, or the time is over (negative: never). */
void idc_slots_sleep(IdcSlots *slots, uint32_t word, int64_t longest_ms);
void idc_slots_wake(IdcSlots *slots);

#endif
