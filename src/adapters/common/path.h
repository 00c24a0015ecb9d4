/*
 * path.h - where a value stands in a JSON document, and many such places as one tree.
 *
 * In:   a JSON Pointer (RFC 6901: "/data/items"; "" is the whole), or a JSONPath of names and
 *       indexes ("$.data.items", "$['a b'][0].items", "$": the whole), or the latter without its
 *       "$." ("data.items"); "[*]" may end it and means the elements
 * Out:  steps; a tree whose nodes say what is wanted there
 * Next: json_row.h and rows_json.c walk the tree while they read
 */
#ifndef IDC_ADAPTERS_COMMON_PATH_H
#define IDC_ADAPTERS_COMMON_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/*
 * A step of a pointer such as "0" may be both: a member of an object, an element of an array. (In
 * one path, four such steps; further ones are elements.) In a tree it became two nodes.
 */
typedef struct IdcPathStep {
    const char *member; /* or NULL */
    size_t member_len;
    int64_t index; /* or -1 */
} IdcPathStep;

typedef struct IdcPath {
    const IdcPathStep *steps;
    size_t count;
    bool is_each; /* it ended with [*] */
} IdcPath;

/* IDC_BAD_VALUE says what is wrong with it. All memory is the arena's. */
IDC_CHECKED IdcStatus idc_path_parse(IdcArena *arena, const char *text, IdcPath *path,
                                     IdcError *err);
/* The one member of this name, whatever characters it has. */
IDC_CHECKED IdcStatus idc_path_member(IdcArena *arena, const char *name, IdcPath *path,
                                      IdcError *err);

/* A wanted thing, known by its number; several may stand at one place. */
typedef struct IdcPathTarget {
    size_t number;
    struct IdcPathTarget *next;
} IdcPathTarget;

enum { IDC_PATH_GUESSES = 128, IDC_PATH_GUESS_BYTES = 52 };

/* The key at a place in the object before, as it was written, with its closing quote (json_row.c)
 */
typedef struct IdcPathGuess {
    struct IdcPathNode *child; /* NULL: nobody wants it */
    uint32_t len;              /* 0: none */
    char key[IDC_PATH_GUESS_BYTES];
} IdcPathGuess;

typedef struct IdcPathNode {
    IdcPathStep step;
    IdcPathTarget *targets;
    struct IdcPathNode *children, *next; /* next: of the same parent */
    struct IdcPathNode *expected;        /* the child behind the one that was found last */
    size_t longest_member;               /* bytes of the longest child's name */
    bool has_indexes;
    uint64_t seen_row;     /* json_row.c: the last row that had it */
    IdcPathGuess *guesses; /* of nodes with children: IDC_PATH_GUESSES */
} IdcPathNode;

IdcPathNode *idc_path_root(IdcArena *arena);
/* Put target number at path; false if out of memory. */
bool idc_path_add(IdcArena *arena, IdcPathNode *root, const IdcPath *path, size_t number);
/* NULL: nobody wants it. */
IdcPathNode *idc_path_find_member(IdcPathNode *node, const char *name, size_t len);
IdcPathNode *idc_path_find_index(const IdcPathNode *node, int64_t index);

#endif
