/*
 * slots.c - locks on bytes of a file, beyond its end, and a word that wakes.
 */
#include "adapters/common/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* Of the file: the word; the locks. */
enum {
    WORD_AT = 8,
    MAPPED_BYTES = 64,
    WAITS_AT = 4096, /* shared by all who wait */
    HEAD_AT,         /* who looks for a free slot */
    MORE_AT,         /* who may take what is kept for second connections */
    SLOTS_AT = 8192
};

/* Pauses between two tries. */
enum { HEAD_LEAST_MS = 1, HEAD_MOST_MS = 4, OTHERS_LEAST_MS = 5, OTHERS_MOST_MS = 20 };

/* How long a sleep is at most where no word is shared, so nobody can end it. */
enum { BLIND_SLEEP_MS = 40 };

/*
 * lock guards all but the word. taken: by slot; the first first_count are for whom has none yet.
 * kept_count: slots taken of the others. A lock of the file is ours as long as its flag or count
 * says so.
 */
struct IdcSlots {
    pthread_mutex_t lock;
    int fd;
    size_t count, first_count, held_count, kept_count;
    bool *taken;
    bool has_head, has_more;
    size_t want_more, wait_count;
    _Atomic uint32_t *word;
    _Atomic uint32_t own_word;
    void *mapped;
};

/* ---- the file ---- */

/* True where there is no file: then nobody else is there either. */
static bool
lock_byte(const IdcSlots *slots, off_t at, short type)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
    int code;

    if (slots->fd < 0)
        return true;
    do {
        code = fcntl(slots->fd, F_OFD_SETLK, &lock);
    } while (code != 0 && errno == EINTR);
    return code == 0;
}

static void
unlock_byte(const IdcSlots *slots, off_t at)
{
    (void) lock_byte(slots, at, F_UNLCK);
}

static bool
is_locked_by_others(const IdcSlots *slots, off_t at)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

    return slots->fd >= 0 && fcntl(slots->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void
map_file(IdcSlots *slots, int fd)
{
    struct stat info;
    void *mapped;

    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < MAPPED_BYTES)
        return;
    slots->fd = fd;
    mapped = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return;
    slots->mapped = mapped;
    slots->word = (_Atomic uint32_t *) ((char *) mapped + WORD_AT);
}

/* ---- new, free ---- */

/* How many are kept for second connections. */
static size_t
kept_of(size_t count)
{
    return count < 2 ? 0 : count < 8 ? 1 : count < 16 ? 2 : 3;
}

IdcStatus
idc_slots_new(int64_t most, int fd, IdcSlots **slots, IdcError *err)
{
    IdcSlots *made = idc_calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->fd = -1;
    made->word = &made->own_word;
    made->count = most > 0 ? (size_t) most : 0;
    made->first_count = made->count - kept_of(made->count);
    made->taken = idc_calloc(made->count + 1, sizeof *made->taken);
    if (made->taken == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        idc_free(made->taken);
        idc_free(made);
        return idc_fail_no_memory(err);
    }
    map_file(made, fd);
    *slots = made;
    return IDC_OK;
}

void
idc_slots_free(IdcSlots *slots)
{
    if (slots == NULL)
        return;
    for (size_t i = 0; i < slots->count; i++)
        if (slots->taken[i])
            unlock_byte(slots, SLOTS_AT + (off_t) i);
    if (slots->mapped != NULL)
        (void) munmap(slots->mapped, MAPPED_BYTES);
    pthread_mutex_destroy(&slots->lock);
    idc_free(slots->taken);
    idc_free(slots);
}

/* ---- a slot ---- */

static int
take_between(IdcSlots *slots, size_t from, size_t until)
{
    for (size_t i = from; i < until; i++) {
        if (slots->taken[i] || !lock_byte(slots, SLOTS_AT + (off_t) i, F_WRLCK))
            continue;
        slots->taken[i] = true;
        slots->held_count++;
        slots->kept_count += i >= slots->first_count ? 1 : 0;
        return (int) i;
    }
    return IDC_SLOT_NONE;
}

static void
leave_head(IdcSlots *slots, IdcSlotWait *wait)
{
    if (!wait->is_head)
        return;
    wait->is_head = slots->has_head = false;
    unlock_byte(slots, HEAD_AT);
}

static bool
become_head(IdcSlots *slots, IdcSlotWait *wait)
{
    if (wait->is_head)
        return true;
    if (slots->has_head || !lock_byte(slots, HEAD_AT, F_WRLCK))
        return false;
    wait->is_head = slots->has_head = true;
    return true;
}

/* Of those that are kept, if we are the one process that may; else of all others. */
static int
try_more(IdcSlots *slots, IdcSlotWait *wait)
{
    int slot = IDC_SLOT_NONE;

    if (!wait->wants_more) {
        wait->wants_more = true;
        slots->want_more++;
    }
    if (!slots->has_more)
        slots->has_more = lock_byte(slots, MORE_AT, F_WRLCK);
    if (slots->has_more)
        slot = take_between(slots, slots->first_count, slots->count);
    if (slot == IDC_SLOT_NONE && become_head(slots, wait))
        slot = take_between(slots, 0, slots->first_count);
    leave_head(slots, wait);
    return slot;
}

static void
leave_more_if_idle(IdcSlots *slots)
{
    if (!slots->has_more || slots->want_more > 0 || slots->kept_count > 0)
        return;
    slots->has_more = false;
    unlock_byte(slots, MORE_AT);
}

int
idc_slots_try(IdcSlots *slots, IdcSlotWait *wait)
{
    int slot = IDC_SLOT_NONE;

    if (slots->count == 0)
        return IDC_SLOT_UNLIMITED;
    pthread_mutex_lock(&slots->lock);
    if (slots->held_count > 0)
        slot = try_more(slots, wait);
    else if (become_head(slots, wait))
        slot = take_between(slots, 0, slots->first_count);
    if (slot != IDC_SLOT_NONE)
        leave_head(slots, wait);
    pthread_mutex_unlock(&slots->lock);
    return slot;
}

/* One is as good as another. Those that are kept go first: who has a single one does not need it.
 */
static size_t
last_taken(const IdcSlots *slots)
{
    size_t i = slots->kept_count > 0 ? slots->count : slots->first_count;

    while (!slots->taken[i - 1])
        i--;
    return i - 1;
}

void
idc_slots_give_back(IdcSlots *slots, int slot)
{
    size_t last;

    if (slot < 0)
        return;
    pthread_mutex_lock(&slots->lock);
    last = last_taken(slots);
    slots->taken[last] = false;
    slots->held_count--;
    slots->kept_count -= last >= slots->first_count ? 1 : 0;
    unlock_byte(slots, SLOTS_AT + (off_t) last);
    leave_more_if_idle(slots);
    pthread_mutex_unlock(&slots->lock);
}

/* ---- waits ---- */

int64_t
idc_slots_pause_ms(const IdcSlotWait *wait, unsigned tries)
{
    int64_t least = wait->is_head || wait->wants_more ? HEAD_LEAST_MS : OTHERS_LEAST_MS;
    int64_t most = wait->is_head || wait->wants_more ? HEAD_MOST_MS : OTHERS_MOST_MS;
    int64_t pause = least << (tries < 8 ? tries : 8);

    if (pause > most)
        pause = most;
    /* Not all at the same moment. */
    return pause > 4 ? pause / 2 + (idc_clock_us() ^ getpid()) % (pause / 2 + 1) : pause;
}

void
idc_slots_wait_begin(IdcSlots *slots, IdcSlotWait *wait)
{
    bool is_first;

    if (wait->is_waiting)
        return;
    pthread_mutex_lock(&slots->lock);
    wait->is_waiting = true;
    is_first = slots->wait_count++ == 0;
    if (is_first)
        (void) lock_byte(slots, WAITS_AT, F_RDLCK);
    pthread_mutex_unlock(&slots->lock);
    if (is_first)
        idc_slots_wake(slots);
}

void
idc_slots_wait_end(IdcSlots *slots, IdcSlotWait *wait)
{
    pthread_mutex_lock(&slots->lock);
    leave_head(slots, wait);
    if (wait->wants_more) {
        wait->wants_more = false;
        slots->want_more--;
        leave_more_if_idle(slots);
    }
    if (wait->is_waiting) {
        wait->is_waiting = false;
        if (--slots->wait_count == 0)
            unlock_byte(slots, WAITS_AT);
    }
    pthread_mutex_unlock(&slots->lock);
}

bool
idc_slots_are_wanted(IdcSlots *slots)
{
    return is_locked_by_others(slots, WAITS_AT);
}

uint32_t
idc_slots_word(IdcSlots *slots)
{
    return atomic_load(slots->word);
}

void
idc_slots_sleep(IdcSlots *slots, uint32_t word, int64_t longest_ms)
{
    struct timespec limit;

    if (slots->fd >= 0 && slots->mapped == NULL && (longest_ms < 0 || longest_ms > BLIND_SLEEP_MS))
        longest_ms = BLIND_SLEEP_MS;
    limit.tv_sec = longest_ms / 1000;
    limit.tv_nsec = longest_ms % 1000 * 1000000;
    /* Not FUTEX_PRIVATE_FLAG: it is woken by other processes. */
    (void) syscall(SYS_futex, slots->word, FUTEX_WAIT, word, longest_ms < 0 ? NULL : &limit, NULL,
                   0);
}

void
idc_slots_wake(IdcSlots *slots)
{
    (void) atomic_fetch_add(slots->word, 1);
    (void) syscall(SYS_futex, slots->word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
