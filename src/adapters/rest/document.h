/*
 * document.h - a whole JSON or YAML document as a tree, for openapi*.c.
 *
 * In:   the bytes of a document that nobody has checked
 * Out:  nodes in an arena
 * Next: openapi.c
 */
#ifndef IDC_ADAPTERS_REST_DOCUMENT_H
#define IDC_ADAPTERS_REST_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    IDC_DOCUMENT_MAX_DEPTH = 100,
    IDC_DOCUMENT_MAX_NODES = 5000000,
    IDC_DOCUMENT_MAX_BYTES = 64 << 20
};

typedef enum IdcNodeKind { IDC_NODE_SCALAR, IDC_NODE_LIST, IDC_NODE_MAP } IdcNodeKind;

/* A scalar is its text, whatever it was: "true", "12", "a"; null is the text "null", not quoted. */
typedef struct IdcNode {
    IdcNodeKind kind;
    bool is_quoted;
    const char *text;
    const char *key; /* of a map's item */
    struct IdcNode *first, *next;
} IdcNode;

/* JSON if it begins so, else YAML. Aliases of YAML are refused, NULs in texts too. */
IDC_CHECKED IdcStatus idc_document_read(IdcArena *arena, const char *bytes, size_t len,
                                        const IdcNode **root, IdcError *err);
/* document_yaml.c */
IDC_CHECKED IdcStatus idc_document_read_yaml(IdcArena *arena, const char *bytes, size_t len,
                                             const IdcNode **root, IdcError *err);

/* All take NULL for a node and give NULL or false then. */
const IdcNode *idc_node_get(const IdcNode *map, const char *key);
const char *idc_node_text(const IdcNode *map, const char *key); /* of a scalar */
bool idc_node_is(const IdcNode *map, const char *key, const char *text);
bool idc_node_is_true(const IdcNode *map, const char *key);
bool idc_node_is_map(const IdcNode *node);
bool idc_node_is_list(const IdcNode *node);

#endif
