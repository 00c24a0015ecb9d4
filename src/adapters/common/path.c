/*
 * path.c - JSON Pointer and JSONPath to steps, and the tree of all that is wanted.
 *
 * In:   text of a configuration
 * Out:  IdcPath, IdcPathNode
 */
#include "adapters/common/path.h"

#include <string.h>

enum { MOST_STEPS = 64, MOST_OPEN_STEPS = 4 };

typedef struct PathReader {
    IdcArena *arena;
    const char *text, *at;
    IdcPathStep steps[MOST_STEPS];
    size_t count;
    bool is_each;
    IdcError *err;
} PathReader;

static IdcStatus
path_fail(const PathReader *reader, const char *what)
{
    return idc_fail(reader->err, IDC_BAD_VALUE, "path \"%s\": %s", reader->text, what);
}

static IdcStatus
add_step(PathReader *reader, const char *member, size_t len, int64_t index)
{
    IdcPathStep *step = &reader->steps[reader->count];

    if (reader->count == MOST_STEPS)
        return path_fail(reader, "it has more than 64 steps");
    *step = (IdcPathStep){ .index = index };
    if (member != NULL) {
        step->member = idc_arena_strndup(reader->arena, member, len);
        step->member_len = len;
        if (step->member == NULL)
            return idc_fail_no_memory(reader->err);
    }
    reader->count++;
    return IDC_OK;
}

/* Digits without a zero before them; -1: they are no index. */
static int64_t
index_of(const char *text, size_t len)
{
    int64_t number = 0;

    if (len == 0 || len > 15 || (text[0] == '0' && len > 1))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* RFC 6901: ~1 is a slash, ~0 a tilde. */
static IdcStatus
read_pointer(PathReader *reader)
{
    int open_count = 0;

    while (*reader->at == '/') {
        size_t raw_len = strcspn(reader->at + 1, "/"), len = 0;
        const char *raw = reader->at + 1;
        int64_t index;
        char *name = idc_arena_strndup(reader->arena, raw, raw_len);
        IdcStatus status;

        if (name == NULL)
            return idc_fail_no_memory(reader->err);
        for (size_t i = 0; i < raw_len; i++) {
            if (raw[i] == '~' && raw[i + 1] != '0' && raw[i + 1] != '1')
                return path_fail(reader, "a tilde in a JSON Pointer is followed by 0 or 1");
            name[len++] = (char) (raw[i] != '~' ? raw[i] : raw[++i] == '0' ? '~' : '/');
        }
        index = index_of(name, len);
        open_count += index >= 0;
        status =
            add_step(reader, index >= 0 && open_count > MOST_OPEN_STEPS ? NULL : name, len, index);
        if (status != IDC_OK)
            return status;
        reader->at += 1 + raw_len;
    }
    return IDC_OK;
}

/* 'name' or "name" with \' \" \\ in it; at: behind the opening quote. */
static IdcStatus
read_quoted(PathReader *reader, char quote)
{
    char *name = idc_arena_strdup(reader->arena, reader->at);
    size_t len = 0;

    if (name == NULL)
        return idc_fail_no_memory(reader->err);
    for (; *reader->at != quote; reader->at++) {
        if (*reader->at == '\\')
            reader->at++;
        if (*reader->at == '\0')
            return path_fail(reader, "a quoted name has no end");
        name[len++] = *reader->at;
    }
    reader->at++;
    return add_step(reader, name, len, -1);
}

/* [0], ['name'], [*]; at: behind the bracket. */
static IdcStatus
read_bracket(PathReader *reader)
{
    IdcStatus status = IDC_OK;
    char first = *reader->at;

    if (first == '\'' || first == '"') {
        reader->at++;
        status = read_quoted(reader, first);
    } else if (first == '*') {
        reader->at++;
        reader->is_each = true;
    } else {
        size_t len = strcspn(reader->at, "]");
        int64_t index = index_of(reader->at, len);

        if (index < 0)
            return path_fail(reader, "brackets hold an index, a quoted name or *");
        status = add_step(reader, NULL, 0, index);
        reader->at += len;
    }
    if (status != IDC_OK)
        return status;
    if (*reader->at != ']')
        return path_fail(reader, "a bracket is not closed");
    reader->at++;
    if (reader->is_each && *reader->at != '\0')
        return path_fail(reader, "[*] can only end it");
    return IDC_OK;
}

/* .name: anything up to the next dot or bracket. */
static IdcStatus
read_name(PathReader *reader)
{
    size_t len = strcspn(reader->at, ".[");
    IdcStatus status;

    if (len == 0)
        return path_fail(reader, "a name is missing (there is no \"..\")");
    if (strcspn(reader->at, "*?()@") < len)
        return path_fail(reader, "names with * ? ( ) @ are written in brackets and quotes; there "
                                 "are no filters");
    status = add_step(reader, reader->at, len, -1);
    reader->at += len;
    return status;
}

static IdcStatus
read_jsonpath(PathReader *reader)
{
    IdcStatus status = IDC_OK;

    if (*reader->at == '$')
        reader->at++;
    else if (*reader->at != '[')
        status = read_name(reader);
    while (status == IDC_OK && *reader->at != '\0') {
        if (*reader->at == '.') {
            reader->at++;
            status = read_name(reader);
        } else if (*reader->at == '[') {
            reader->at++;
            status = read_bracket(reader);
        } else {
            status = path_fail(reader, "after $ comes a dot or a bracket");
        }
    }
    return status;
}

static IdcStatus
take_steps(PathReader *reader, IdcPath *path)
{
    IdcPathStep *steps =
        idc_arena_alloc_array(reader->arena, reader->count + 1, sizeof *reader->steps);

    if (steps == NULL)
        return idc_fail_no_memory(reader->err);
    memcpy(steps, reader->steps, reader->count * sizeof *steps);
    *path = (IdcPath){ .steps = steps, .count = reader->count, .is_each = reader->is_each };
    return IDC_OK;
}

IdcStatus
idc_path_parse(IdcArena *arena, const char *text, IdcPath *path, IdcError *err)
{
    PathReader reader = { .arena = arena, .text = text, .at = text, .err = err };
    IdcStatus status;

    if (*text == '\0' || *text == '/')
        status = read_pointer(&reader);
    else
        status = read_jsonpath(&reader);
    return status == IDC_OK ? take_steps(&reader, path) : status;
}

IdcStatus
idc_path_member(IdcArena *arena, const char *name, IdcPath *path, IdcError *err)
{
    PathReader reader = { .arena = arena, .text = name, .at = name, .err = err };
    IdcStatus status = add_step(&reader, name, strlen(name), -1);

    return status == IDC_OK ? take_steps(&reader, path) : status;
}

/* ---- the tree ---- */

IdcPathNode *
idc_path_root(IdcArena *arena)
{
    IdcPathNode *root = idc_arena_alloc(arena, sizeof *root);

    if (root == NULL)
        return NULL;
    root->step.index = -1;
    return root;
}

static bool
is_same_step(const IdcPathStep *a, const IdcPathStep *b)
{
    if (a->index != b->index || (a->member == NULL) != (b->member == NULL))
        return false;
    return a->member == NULL ||
           (a->member_len == b->member_len && memcmp(a->member, b->member, a->member_len) == 0);
}

static IdcPathNode *
add_child(IdcArena *arena, IdcPathNode *node, const IdcPathStep *step)
{
    IdcPathNode *child, **last = &node->children;

    for (; *last != NULL; last = &(*last)->next)
        if (is_same_step(&(*last)->step, step))
            return *last;
    child = idc_path_root(arena);
    if (node->guesses == NULL)
        node->guesses = idc_arena_alloc_array(arena, IDC_PATH_GUESSES, sizeof *node->guesses);
    if (child == NULL || node->guesses == NULL)
        return NULL;
    child->step = *step;
    *last = child;
    node->has_indexes |= step->index >= 0;
    if (step->member_len > node->longest_member)
        node->longest_member = step->member_len;
    return child;
}

static bool
add_steps(IdcArena *arena, IdcPathNode *node, const IdcPathStep *steps, size_t count, size_t number)
{
    IdcPathTarget *target;
    IdcPathStep member, element;
    IdcPathNode *child;

    if (count == 0) {
        target = idc_arena_alloc(arena, sizeof *target);
        if (target == NULL)
            return false;
        *target = (IdcPathTarget){ number, node->targets };
        node->targets = target;
        return true;
    }
    member = element = *steps;
    if (steps->member != NULL) {
        member.index = -1;
        child = add_child(arena, node, &member);
        if (child == NULL || !add_steps(arena, child, steps + 1, count - 1, number))
            return false;
    }
    if (steps->index < 0)
        return true;
    element.member = NULL;
    element.member_len = 0;
    child = add_child(arena, node, &element);
    return child != NULL && add_steps(arena, child, steps + 1, count - 1, number);
}

bool
idc_path_add(IdcArena *arena, IdcPathNode *root, const IdcPath *path, size_t number)
{
    return add_steps(arena, root, path->steps, path->count, number);
}

static IdcPathNode *
find_between(IdcPathNode *first, const IdcPathNode *end, const char *name, size_t len)
{
    for (IdcPathNode *child = first; child != end; child = child->next)
        if (child->step.member != NULL && child->step.member_len == len &&
            memcmp(child->step.member, name, len) == 0)
            return child;
    return NULL;
}

/* Members tend to come in the order of the columns: the search begins behind the last one. */
IdcPathNode *
idc_path_find_member(IdcPathNode *node, const char *name, size_t len)
{
    IdcPathNode *found = find_between(node->expected, NULL, name, len);

    if (found == NULL)
        found = find_between(node->children, node->expected, name, len);
    if (found != NULL)
        node->expected = found->next;
    return found;
}

IdcPathNode *
idc_path_find_index(const IdcPathNode *node, int64_t index)
{
    for (IdcPathNode *child = node->children; child != NULL; child = child->next)
        if (child->step.index == index)
            return child;
    return NULL;
}
