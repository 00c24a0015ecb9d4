/*
 * memory.c - the memory that the hub shares with this process, for batches.
 *
 * In:   a descriptor that the hub may have given
 * Out:  where it is mapped
 */
#include "source/source.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t *
idc_shared_memory_map(void)
{
    struct stat found;
    void *memory;

    if (fstat(IDC_MEMORY_FD, &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size != IDC_SHARED_BYTES)
        return NULL;
    memory = mmap(NULL, IDC_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, IDC_MEMORY_FD, 0);
    close(IDC_MEMORY_FD);
    return memory == MAP_FAILED ? NULL : memory;
}
