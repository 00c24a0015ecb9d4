/*
 * yaml.c - libfyaml's events as a tree, with every limit checked at every event.
 *
 * Why events: composing documents is recursive, and aliases would be copied. The text is looked at
 * once before (UTF-8, control characters), and the braces of ${VAR} are hidden from the parser,
 * since `{user: ${NAME}}` is how people write it and is not YAML.
 */
#include "config/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

/* Stand-ins of one character each, so columns stay what they are: U+FDD0 + index. */
static const char hidden_characters[] = "{}[],:#";
static const char hidden_prefix[] = "\xEF\xB7"; /* U+FDD0 is EF B7 90 */

enum {
    HIDDEN_FIRST = 0x90,
    HIDDEN_LAST = 0xAF,
    HIDDEN_BYTES = 3,
    REFERENCE_BYTES = 512,
    REFERENCE_DEPTH = 4,
    EMPTY_LINES = 200,
    DIRECTIVES = 100
};

typedef struct Anchor {
    const char *name;
    size_t len;
    IdcYamlNode *node;
} Anchor;

/* A list or mapping that is not closed yet; key is NULL unless its value comes next. */
typedef struct Frame {
    IdcYamlNode *node;
    size_t capacity;
    const char *key;
    IdcPosition key_position;
} Frame;

typedef struct Builder {
    IdcProblems *problems;
    IdcArena *arena;
    const char *file;
    Frame frames[IDC_YAML_MAX_DEPTH];
    int depth;
    IdcYamlNode *root;
    Anchor *anchors; /* sorted; a later anchor of a name takes the place of the earlier one */
    size_t anchor_count, seen_anchor_count;
    size_t value_count;
    int document_count;
    bool is_stopped;
    bool is_out_of_memory;
} Builder;

const char *
idc_yaml_kind_name(const IdcYamlNode *node)
{
    if (node->is_null)
        return "nothing";
    return node->kind == IDC_YAML_LIST  ? "a list"
           : node->kind == IDC_YAML_MAP ? "a mapping"
                                        : "text";
}

IdcYamlNode *
idc_yaml_get(const IdcYamlNode *map, const char *key)
{
    if (map == NULL || map->kind != IDC_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return map->pairs[i].value->is_null ? NULL : map->pairs[i].value;
    return NULL;
}

/* ---- before the parser ---- */

static bool
is_hidden_at(const char *bytes, size_t left)
{
    return left >= HIDDEN_BYTES && memcmp(bytes, hidden_prefix, 2) == 0 &&
           (unsigned char) bytes[2] >= HIDDEN_FIRST && (unsigned char) bytes[2] <= HIDDEN_LAST;
}

/* Text that no editor shows is refused here, with the place of the first of it. */
static bool
text_is_clean(const char *text, size_t len, IdcProblems *problems, IdcPosition position)
{
    bool is_utf8 = idc_utf8_is_valid(text, len);

    position.line = position.column = 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];
        size_t step = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
            idc_problems_add(problems, position,
                             "found the control character U+%04X, expected text in UTF-8", c);
            return false;
        }
        if (c >= 0x80 && !is_utf8 && (step > len - i || !idc_utf8_is_valid(text + i, step))) {
            idc_problems_add(problems, position, "found a byte that is not UTF-8 (0x%02X)", c);
            return false;
        }
        if (is_hidden_at(text + i, len - i)) {
            idc_problems_add(problems, position,
                             "found a character that is not assigned (U+FD%02X)",
                             0x40 + (unsigned char) text[i + 2]);
            return false;
        }
        i += step - 1;
        position.column++;
        if (c == '\n') {
            position.line++;
            position.column = 1;
        }
    }
    return true;
}

/*
 * libfyaml 0.7 takes quadratic time over empty lines within a value and over %TAG directives, so
 * there may be only so many of them. What YAML 1.1 takes for the end of a line counts as one too.
 */
static bool
lines_are_few(const char *text, size_t len, IdcProblems *problems, IdcPosition position)
{
    int empty_count = 0, directive_count = 0;

    position.line = position.column = 1;
    for (size_t i = 0; i < len; i++) {
        bool is_end = text[i] == '\n' || text[i] == '\r' ||
                      (len - i >= 2 && memcmp(text + i, "\xC2\x85", 2) == 0) ||
                      (len - i >= 3 && memcmp(text + i, "\xE2\x80", 2) == 0 &&
                       (text[i + 2] == '\xA8' || text[i + 2] == '\xA9'));

        if (is_end)
            empty_count++;
        else if (text[i] != ' ' && text[i] != '\t' && ((unsigned char) text[i] & 0xC0) != 0x80)
            empty_count = 0;
        if (text[i] == '\n')
            position.line++;
        if (text[i] == '%' && (i == 0 || text[i - 1] == '\n' || text[i - 1] == '\r'))
            directive_count++;
        if (empty_count > EMPTY_LINES) {
            idc_problems_add(problems, position,
                             "found more than 200 empty lines one after the other");
            return false;
        }
        if (directive_count > DIRECTIVES) {
            idc_problems_add(problems, position, "found more than 100 directives (%%NAME)");
            return false;
        }
    }
    return true;
}

/*
 * The length of `${…}` at text with braces that pair up on one line, or 0. Not longer than
 * REFERENCE_BYTES: looking to the end of the line from every ${ would be quadratic.
 */
static size_t
reference_len(const char *text, size_t len)
{
    bool has_default = false;
    int depth = 0;

    if (len < 3 || text[0] != '$' || text[1] != '{')
        return 0;
    for (size_t i = 1; i < len && i < REFERENCE_BYTES && text[i] != '\n'; i++) {
        if (text[i] == '{' && text[i - 1] == '$' && ++depth > REFERENCE_DEPTH)
            return 0;
        if (text[i] == '}' && --depth == 0)
            return i + 1;
        if (!has_default && (text[i] == '\'' || text[i] == '"'))
            return 0;
        if (text[i] == ':')
            has_default = true;
    }
    return 0;
}

static void
hide_references(IdcText *hidden, const char *text, size_t len)
{
    size_t start = 0, end = 0;

    for (size_t i = 0; i < len; i++) {
        const char *at;

        if (i >= end && text[i] == '$') {
            end = i + reference_len(text + i, len - i);
            continue;
        }
        if (i >= end || (at = strchr(hidden_characters, text[i])) == NULL)
            continue;
        idc_text_append_len(hidden, text + start, i - start);
        idc_text_append(hidden, hidden_prefix);
        idc_text_append_char(hidden, (char) (HIDDEN_FIRST + (at - hidden_characters)));
        start = i + 1;
    }
    idc_text_append_len(hidden, text + start, len - start);
}

/* A copy with the hidden characters back in place. */
static char *
unhidden_copy(Builder *builder, const char *text, size_t len)
{
    char *copy = idc_arena_strndup(builder->arena, text, len);
    size_t out = 0;

    if (copy == NULL) {
        builder->is_out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < len;) {
        size_t index = (unsigned char) copy[i] == 0xEF && is_hidden_at(copy + i, len - i)
                           ? (size_t) (unsigned char) copy[i + 2] - HIDDEN_FIRST
                           : sizeof hidden_characters;

        if (index < sizeof hidden_characters - 1) {
            copy[out++] = hidden_characters[index];
            i += HIDDEN_BYTES;
        } else {
            copy[out++] = copy[i++];
        }
    }
    copy[out] = '\0';
    return copy;
}

/* ---- events to nodes ---- */

static void
stop(Builder *builder, IdcPosition position, const char *message)
{
    idc_problems_add(builder->problems, position, "%s", message);
    builder->is_stopped = true;
}

static IdcPosition
event_position(const Builder *builder, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    IdcPosition position = { builder->file, 1, 1 };

    if (mark == NULL)
        return position;
    position.line = mark->line + 1;
    position.column = mark->column + 1;
    if (event->type == FYET_SCALAR && position.column > 1) {
        enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);

        /* The mark of quoted text is behind its quote. */
        if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
            position.column--;
    }
    return position;
}

static IdcYamlNode *
node_new(Builder *builder, IdcYamlKind kind, IdcPosition position)
{
    IdcYamlNode *node = NULL;

    if (++builder->value_count > IDC_YAML_MAX_VALUES) {
        stop(builder, position, "found more than 100000 values in one file");
        return NULL;
    }
    node = idc_arena_alloc(builder->arena, sizeof *node);
    if (node == NULL) {
        builder->is_out_of_memory = true;
        return NULL;
    }
    *node = (IdcYamlNode){ .kind = kind, .position = position, .weight = 1 };
    return node;
}

/* Room for one more child; memory of the smaller array stays in the arena. */
static bool
frame_reserve(Builder *builder, Frame *frame)
{
    IdcYamlNode *node = frame->node;
    size_t capacity = frame->capacity == 0 ? 4 : frame->capacity * 2;
    size_t size = node->kind == IDC_YAML_MAP ? sizeof *node->pairs : sizeof *node->items;
    void *grown;

    if (node->count < frame->capacity)
        return true;
    grown = idc_arena_alloc_array(builder->arena, capacity, size);
    if (grown == NULL) {
        builder->is_out_of_memory = true;
        return false;
    }
    if (node->kind == IDC_YAML_MAP) {
        if (node->count > 0)
            memcpy(grown, node->pairs, node->count * size);
        node->pairs = grown;
    } else {
        if (node->count > 0)
            memcpy(grown, node->items, node->count * size);
        node->items = grown;
    }
    frame->capacity = capacity;
    return true;
}

/* Put a finished child (text, a closed container, an alias) where it belongs. */
static void
attach(Builder *builder, IdcYamlNode *child, IdcPosition position)
{
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;

    if (frame == NULL) {
        builder->root = child;
        return;
    }
    if (builder->depth + child->height > IDC_YAML_MAX_DEPTH) {
        stop(builder, position, "nested more than 32 levels deep");
        return;
    }
    if (!frame_reserve(builder, frame))
        return;
    if (frame->node->kind == IDC_YAML_MAP) {
        frame->node->pairs[frame->node->count++] =
            (IdcYamlPair){ frame->key, frame->key_position, child };
        frame->key = NULL;
    } else {
        frame->node->items[frame->node->count++] = child;
    }
    if (frame->node->height < child->height + 1)
        frame->node->height = child->height + 1;
    frame->node->weight += child->weight;
    if (frame->node->weight > IDC_YAML_MAX_VALUES)
        stop(builder, position, "found more than 100000 values with every alias written out");
}

/* The first anchor that is not before name; an alias may be all that a file consists of. */
static size_t
find_anchor(const Builder *builder, const char *name, size_t len, bool *is_found)
{
    size_t low = 0, high = builder->anchor_count;

    *is_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Anchor *anchor = &builder->anchors[middle];
        size_t common = anchor->len < len ? anchor->len : len;
        int order = memcmp(anchor->name, name, common);

        if (order == 0)
            order = anchor->len < len ? -1 : anchor->len > len;
        *is_found = *is_found || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
add_anchor(Builder *builder, struct fy_token *token, IdcYamlNode *node)
{
    size_t len = 0, at;
    const char *name;
    bool is_found;

    if (token == NULL)
        return;
    if (builder->seen_anchor_count++ == IDC_YAML_MAX_ANCHORS) {
        stop(builder, node->position, "found more than 1000 anchors (&name)");
        return;
    }
    name = fy_token_get_text(token, &len);
    name = name == NULL ? NULL : idc_arena_strndup(builder->arena, name, len);
    if (name == NULL) {
        builder->is_out_of_memory = true;
        return;
    }
    at = find_anchor(builder, name, len, &is_found);
    if (!is_found)
        memmove(&builder->anchors[at + 1], &builder->anchors[at],
                (builder->anchor_count++ - at) * sizeof(Anchor));
    builder->anchors[at] = (Anchor){ name, len, node };
}

static void
check_tag(Builder *builder, struct fy_token *tag, IdcPosition position)
{
    if (tag != NULL)
        idc_problems_add(builder->problems, position,
                         "found a YAML tag (such as !!str), expected a value without one");
}

static bool
is_null_text(const char *text)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static void
read_key(Builder *builder, Frame *frame, const char *text, size_t len, IdcPosition position)
{
    if (len > IDC_YAML_MAX_KEY_BYTES) {
        stop(builder, position, "found a key of more than 1024 bytes");
        return;
    }
    if (len == 0)
        idc_problems_add(builder->problems, position, "found an empty key");
    if (strcmp(text, "<<") == 0)
        idc_problems_add(builder->problems, position,
                         "merge keys (<<) are not supported, expected the keys themselves");
    frame->key = text;
    frame->key_position = position;
}

static void
on_scalar(Builder *builder, struct fy_event *event)
{
    IdcPosition position = event_position(builder, event);
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;
    size_t len = 0;
    const char *token_text = fy_token_get_text(event->scalar.value, &len);
    IdcYamlNode *node;
    char *text;

    if (token_text != NULL && memchr(token_text, '\0', len) != NULL) {
        stop(builder, position, "found the control character U+0000, expected text in UTF-8");
        return;
    }
    if (token_text != NULL && !idc_utf8_is_valid(token_text, len)) {
        stop(builder, position, "found text that is not UTF-8");
        return;
    }
    text =
        unhidden_copy(builder, token_text == NULL ? "" : token_text, token_text == NULL ? 0 : len);
    if (text == NULL)
        return;
    check_tag(builder, event->scalar.tag, position);
    if (frame != NULL && frame->node->kind == IDC_YAML_MAP && frame->key == NULL) {
        read_key(builder, frame, text, strlen(text), position);
        return;
    }
    /* Nothing is nowhere: it gets the place of its key or of its list. */
    if (len == 0 && fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN && frame != NULL)
        position = frame->key != NULL ? frame->key_position : frame->node->position;
    node = node_new(builder, IDC_YAML_TEXT, position);
    if (node == NULL)
        return;
    node->text = text;
    node->is_null = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN && is_null_text(text);
    add_anchor(builder, event->scalar.anchor, node);
    attach(builder, node, position);
}

static void
on_alias(Builder *builder, struct fy_event *event)
{
    IdcPosition position = event_position(builder, event);
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;
    size_t len = 0, at = 0;
    const char *name = fy_token_get_text(event->alias.anchor, &len);
    bool is_found = false;

    if (frame != NULL && frame->node->kind == IDC_YAML_MAP && frame->key == NULL) {
        stop(builder, position, "found an alias (*name), expected a key of plain text");
        return;
    }
    if (name != NULL)
        at = find_anchor(builder, name, len, &is_found);
    if (!is_found)
        stop(builder, position,
             "found an alias (*name), but no anchor (&name) of that name before it");
    else if (builder->anchors[at].node->is_open)
        stop(builder, position, "found an alias (*name) of something that contains it");
    else
        attach(builder, builder->anchors[at].node, position);
}

static void
on_start(Builder *builder, struct fy_event *event, IdcYamlKind kind)
{
    IdcPosition position = event_position(builder, event);
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;
    bool is_map = kind == IDC_YAML_MAP;
    IdcYamlNode *node;

    if (frame != NULL && frame->node->kind == IDC_YAML_MAP && frame->key == NULL) {
        stop(builder, position,
             is_map ? "found a mapping, expected a key of plain text (is a ${VAR} not closed?)"
                    : "found a list, expected a key of plain text");
        return;
    }
    if (builder->depth == IDC_YAML_MAX_DEPTH) {
        stop(builder, position, "nested more than 32 levels deep");
        return;
    }
    node = node_new(builder, kind, position);
    if (node == NULL)
        return;
    node->is_open = true;
    check_tag(builder, is_map ? event->mapping_start.tag : event->sequence_start.tag, position);
    add_anchor(builder, is_map ? event->mapping_start.anchor : event->sequence_start.anchor, node);
    builder->frames[builder->depth++] = (Frame){ .node = node };
}

static int
compare_pairs(const void *left, const void *right)
{
    const IdcYamlPair *a = *(const IdcYamlPair *const *) left;
    const IdcYamlPair *b = *(const IdcYamlPair *const *) right;
    int order = strcmp(a->key, b->key);

    return order != 0 ? order : a < b ? -1 : a > b;
}

/* By sorting: a mapping may have as many keys as a file has lines. */
static void
check_duplicate_keys(Builder *builder, IdcYamlNode *map)
{
    const IdcYamlPair **sorted = NULL;
    const IdcYamlPair *first;

    if (map->count < 2)
        return;
    sorted = calloc(map->count, sizeof *sorted);
    if (sorted == NULL) {
        builder->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = &map->pairs[i];
    qsort(sorted, map->count, sizeof *sorted, compare_pairs);
    first = sorted[0];
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i]->key, first->key) != 0)
            first = sorted[i];
        else
            idc_problems_add(builder->problems, sorted[i]->key_position,
                             "found the key \"%s\" twice, the first time at %s:%d:%d",
                             idc_problems_shown(builder->problems, first->key), builder->file,
                             first->key_position.line, first->key_position.column);
    }
    free(sorted);
}

static void
on_end(Builder *builder)
{
    IdcYamlNode *node;

    if (builder->depth == 0)
        return;
    node = builder->frames[--builder->depth].node;
    node->is_open = false;
    if (node->height == 0)
        node->height = 1;
    if (node->kind == IDC_YAML_MAP)
        check_duplicate_keys(builder, node);
    attach(builder, node, node->position);
}

static void
on_event(Builder *builder, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++builder->document_count > 1)
            stop(builder, event_position(builder, event),
                 "found a second document (---), expected one document in a file");
        break;
    case FYET_SCALAR:
        on_scalar(builder, event);
        break;
    case FYET_ALIAS:
        on_alias(builder, event);
        break;
    case FYET_MAPPING_START:
        on_start(builder, event, IDC_YAML_MAP);
        break;
    case FYET_SEQUENCE_START:
        on_start(builder, event, IDC_YAML_LIST);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        on_end(builder);
        break;
    default:
        break;
    }
}

/* ---- the parser ---- */

/* Only the first one: what follows a syntax error is usually its echo. */
static void
report_syntax_error(Builder *builder, struct fy_diag *diag)
{
    IdcPosition position = { builder->file, 0, 0 };
    struct fy_diag_error *error;
    void *cursor = NULL;

    while ((error = fy_diag_errors_iterate(diag, &cursor)) != NULL) {
        if (error->type != FYET_ERROR)
            continue;
        position.line = error->line < 1 ? 1 : error->line;
        position.column = error->column < 1 ? 1 : error->column;
        idc_problems_add(builder->problems, position, "this is not YAML: %s", error->msg);
        return;
    }
    idc_problems_add(builder->problems, position, "this is not YAML");
}

static void
run_parser(Builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
    bool is_over = false;

    while (!is_over && !builder->is_stopped && !builder->is_out_of_memory) {
        struct fy_event *event = fy_parser_parse(parser);

        if (event == NULL) {
            report_syntax_error(builder, diag);
            return;
        }
        on_event(builder, event);
        is_over = event->type == FYET_STREAM_END;
        fy_parser_event_free(parser, event);
    }
}

static IdcStatus
parse_hidden(Builder *builder, const IdcText *hidden, IdcError *err)
{
    struct fy_diag_cfg diag_config;
    struct fy_parse_cfg parse_config = { .flags = FYPCF_QUIET | FYPCF_JSON_NONE };
    struct fy_diag *diag = NULL;
    struct fy_parser *parser = NULL;
    IdcStatus status = IDC_OK;

    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    diag_config.level = FYET_ERROR;
    diag = fy_diag_create(&diag_config);
    if (diag != NULL) {
        fy_diag_set_collect_errors(diag, true);
        parse_config.diag = diag;
        parser = fy_parser_create(&parse_config);
    }
    if (parser == NULL || fy_parser_set_string(parser, hidden->data, hidden->len) != 0) {
        status = idc_fail_no_memory(err);
        goto done;
    }
    run_parser(builder, parser, diag);
    if (builder->is_out_of_memory)
        status = idc_fail_no_memory(err);

done:
    if (parser != NULL)
        fy_parser_destroy(parser);
    if (diag != NULL)
        fy_diag_destroy(diag);
    return status;
}

IdcStatus
idc_yaml_parse(const char *text, size_t len, const char *file, IdcProblems *problems,
               IdcYamlNode **root, IdcError *err)
{
    Builder builder = { .problems = problems, .arena = problems->arena, .file = file };
    IdcPosition nowhere = { file, 0, 0 };
    IdcText hidden;
    IdcStatus status;

    *root = NULL;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    if (len > IDC_YAML_MAX_BYTES) {
        idc_problems_add(problems, nowhere, "larger than 1 MiB");
        return IDC_OK;
    }
    if (!text_is_clean(text, len, problems, nowhere) ||
        !lines_are_few(text, len, problems, nowhere))
        return IDC_OK;
    idc_text_init(&hidden, (size_t) 4 * IDC_YAML_MAX_BYTES);
    hide_references(&hidden, text, len);
    if (hidden.len == 0)
        idc_text_append(&hidden, "\n"); /* the parser wants at least one byte */
    builder.anchors = idc_arena_alloc_array(builder.arena, IDC_YAML_MAX_ANCHORS, sizeof(Anchor));
    status = builder.anchors == NULL ? idc_fail_no_memory(err) : idc_text_check(&hidden, err);
    if (status == IDC_OK)
        status = parse_hidden(&builder, &hidden, err);
    idc_text_done(&hidden);
    if (status == IDC_OK)
        *root = builder.root;
    return status;
}
