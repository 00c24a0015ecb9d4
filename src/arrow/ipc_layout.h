/*
 * ipc_layout.h - which buffers an array of a type has: its format string, understood once. Private
 * to this folder.
 *
 * In:   ArrowSchema
 * Out:  IdcLayout, for what reads IPC and what gathers batches
 */
#ifndef IDC_ARROW_IPC_LAYOUT_H
#define IDC_ARROW_IPC_LAYOUT_H

#include "arrow/abi.h"
#include "base/error.h"

typedef enum IdcLayoutKind {
    IDC_LAYOUT_NULL,       /* no buffer */
    IDC_LAYOUT_BITS,       /* validity, bits */
    IDC_LAYOUT_FIXED,      /* validity, values of `width` bytes */
    IDC_LAYOUT_BYTES,      /* validity, offsets of `width` bytes, bytes */
    IDC_LAYOUT_LIST,       /* validity, offsets of `width` bytes; one child */
    IDC_LAYOUT_FIXED_LIST, /* validity; one child with `list_size` values each */
    IDC_LAYOUT_STRUCT      /* validity; children */
} IdcLayoutKind;

/*
 * dictionary is the layout of the values where the field itself holds indices into them;
 * dictionary_number counts such fields, each before what its values hold.
 */
typedef struct IdcLayout {
    IdcLayoutKind kind;
    bool is_signed; /* FIXED */
    bool is_map;    /* LIST */
    unsigned width;
    int64_t list_size;
    size_t child_count;
    struct IdcLayout *children;
    struct IdcLayout *dictionary;
    size_t dictionary_number;
    /* Of this field and all below it; arrays and child pointers count dictionaries' values too. */
    size_t array_count, pointer_count;
    size_t node_count, buffer_count, dictionary_count;
} IdcLayout;

/* Types deeper than this are no types but an attack. */
enum { IDC_LAYOUT_MAX_DEPTH = 64 };

/* IDC_UNSUPPORTED with the format of a type that is not known. */
IDC_CHECKED IdcStatus idc_layout_new(const struct ArrowSchema *schema, IdcLayout **layout,
                                     IdcError *err);
void idc_layout_free(IdcLayout *layout);

/* True if arrays of both have the same buffers, children and dictionaries. */
bool idc_layout_equals(const IdcLayout *layout, const IdcLayout *other);

/* How many buffers an array of the layout itself has. */
static inline int
idc_layout_own_buffers(const IdcLayout *layout)
{
    static const int counts[] = { 0, 2, 2, 3, 2, 1, 1 };

    return counts[layout->kind];
}

#endif
