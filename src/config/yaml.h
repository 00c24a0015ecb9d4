/*
 * yaml.h - YAML text as a tree of nodes with positions, bounded in size and depth.
 *
 * In:   the bytes of a file
 * Out:  one tree in the arena; an alias is the anchor's own node, so the tree may share branches
 * Next: expand.c replaces ${VAR} in it; source.c and others read it
 */
#ifndef IDC_CONFIG_YAML_H
#define IDC_CONFIG_YAML_H

#include "config/problems.h"

enum {
    IDC_YAML_MAX_BYTES = 1 << 20,
    IDC_YAML_MAX_DEPTH = 32,
    IDC_YAML_MAX_VALUES = 100000, /* with every alias written out */
    IDC_YAML_MAX_ANCHORS = 1000,
    IDC_YAML_MAX_KEY_BYTES = 1024
};

typedef enum IdcYamlKind { IDC_YAML_TEXT, IDC_YAML_LIST, IDC_YAML_MAP } IdcYamlKind;

typedef struct IdcYamlNode IdcYamlNode;

typedef struct IdcYamlPair {
    const char *key;
    IdcPosition key_position;
    IdcYamlNode *value;
} IdcYamlPair;

struct IdcYamlNode {
    IdcYamlKind kind;
    bool is_null;     /* nothing, ~ or null, not quoted */
    bool is_expanded; /* its ${VAR} were replaced */
    bool is_unset;    /* ${VAR} was left as it is: a variable of a source that is not enabled */
    bool is_open;     /* while it is read: what is inside must not refer to it */
    const char *text;
    IdcYamlPair *pairs;
    IdcYamlNode **items;
    size_t count;
    IdcPosition position;
    size_t weight; /* values in it, with every alias written out */
    int height;    /* 0 for text */
};

/*
 * *root is NULL for a file of nothing but comments. What is wrong with the text goes to problems,
 * and *root is then not to be used. Only running out of memory fails.
 */
IDC_CHECKED IdcStatus idc_yaml_parse(const char *text, size_t len, const char *file,
                                     IdcProblems *problems, IdcYamlNode **root, IdcError *err);

/* The value of a key, NULL if it is not there; a value of null counts as not there. */
IdcYamlNode *idc_yaml_get(const IdcYamlNode *map, const char *key);

/* "a list", "a mapping", "text" or "nothing", for messages. */
const char *idc_yaml_kind_name(const IdcYamlNode *node);

#endif
