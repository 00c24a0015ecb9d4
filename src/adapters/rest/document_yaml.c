/*
 * document_yaml.c - libfyaml's events as a tree.
 *
 * Events, not its documents: those are composed by recursion, and aliases would be copied.
 */
#include "adapters/rest/document.h"

#include <libfyaml.h>
#include <string.h>

#include "base/text.h"

enum { MAX_EMPTY_LINES = 200 };

/* A list or map that is not closed yet; `key` waits for its value. */
typedef struct Frame {
    IdcNode *node;
    IdcNode **link;
    const char *key;
} Frame;

typedef struct Builder {
    IdcArena *arena;
    IdcError *err;
    Frame frames[IDC_DOCUMENT_MAX_DEPTH];
    int depth;
    IdcNode *root;
    size_t node_count;
    int document_count;
} Builder;

static IdcStatus
too_big(Builder *builder)
{
    return idc_fail(builder->err, IDC_SOURCE_FAILED, "the document is too big or too deep");
}

/* Hang node in where the events are: as the root, an item, or the value of a key. */
static IdcStatus
add_node(Builder *builder, IdcNodeKind kind, IdcNode **node)
{
    IdcNode *made = idc_arena_alloc(builder->arena, sizeof *made);
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;

    if (made == NULL)
        return idc_fail_no_memory(builder->err);
    if (++builder->node_count > IDC_DOCUMENT_MAX_NODES)
        return too_big(builder);
    made->kind = kind;
    if (frame == NULL) {
        builder->root = made;
    } else {
        if (frame->node->kind == IDC_NODE_MAP && frame->key == NULL)
            return idc_fail(builder->err, IDC_SOURCE_FAILED,
                            "the document has a key that is no text");
        made->key = frame->key;
        frame->key = NULL;
        *frame->link = made;
        frame->link = &made->next;
    }
    *node = made;
    return IDC_OK;
}

static IdcStatus
push(Builder *builder, IdcNodeKind kind)
{
    IdcNode *node;
    IdcStatus status = add_node(builder, kind, &node);

    if (status != IDC_OK)
        return status;
    if (builder->depth == IDC_DOCUMENT_MAX_DEPTH)
        return too_big(builder);
    builder->frames[builder->depth++] = (Frame){ .node = node, .link = &node->first };
    return IDC_OK;
}

static IdcStatus
add_scalar(Builder *builder, struct fy_token *token)
{
    Frame *frame = builder->depth > 0 ? &builder->frames[builder->depth - 1] : NULL;
    bool is_key = frame != NULL && frame->node->kind == IDC_NODE_MAP && frame->key == NULL;
    size_t len = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &len) : "";
    bool is_plain = token == NULL || fy_scalar_token_get_style(token) == FYSS_PLAIN;
    const char *copy;
    IdcNode *node;
    IdcStatus status;

    if (text == NULL || memchr(text, '\0', len) != NULL || !idc_utf8_is_valid(text, len))
        return idc_fail(builder->err, IDC_SOURCE_FAILED,
                        "the document has a text with a NUL, or that is not UTF-8");
    if (is_plain && len == 0 && !is_key)
        copy = "null";
    else
        copy = idc_arena_strndup(builder->arena, text, len);
    if (copy == NULL)
        return idc_fail_no_memory(builder->err);
    if (is_key) {
        frame->key = copy;
        return IDC_OK;
    }
    status = add_node(builder, IDC_NODE_SCALAR, &node);
    if (status != IDC_OK)
        return status;
    node->text = copy;
    node->is_quoted = !is_plain;
    return IDC_OK;
}

static IdcStatus
take_event(Builder *builder, const struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (builder->document_count++ > 0)
            return idc_fail(builder->err, IDC_SOURCE_FAILED,
                            "there is more than one document in it");
        return IDC_OK;
    case FYET_MAPPING_START:
        return push(builder, IDC_NODE_MAP);
    case FYET_SEQUENCE_START:
        return push(builder, IDC_NODE_LIST);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        builder->depth--;
        return IDC_OK;
    case FYET_SCALAR:
        return add_scalar(builder, event->scalar.value);
    case FYET_ALIAS:
        return idc_fail(builder->err, IDC_SOURCE_FAILED,
                        "the document has an alias (*name), which is not read here");
    default:
        return IDC_OK;
    }
}

static IdcStatus
take_events(Builder *builder, struct fy_parser *parser)
{
    struct fy_event *event;
    IdcStatus status = IDC_OK;

    while (status == IDC_OK && (event = fy_parser_parse(parser)) != NULL) {
        bool is_end = event->type == FYET_STREAM_END;

        status = take_event(builder, event);
        fy_parser_event_free(parser, event);
        if (is_end)
            break;
    }
    if (status == IDC_OK && (fy_parser_get_stream_error(parser) || builder->depth > 0))
        status = idc_fail(builder->err, IDC_SOURCE_FAILED, "the document is neither JSON nor YAML");
    if (status == IDC_OK && builder->root == NULL)
        status = idc_fail(builder->err, IDC_SOURCE_FAILED, "the document is empty");
    return status;
}

/*
 * What libfyaml 0.7 takes for ever over is refused before it sees it: control characters, bytes
 * that are not UTF-8, directives, and long runs of empty lines.
 */
static IdcStatus
check_text(const char *bytes, size_t len, IdcError *err)
{
    int empty_lines = 0;

    if (!idc_utf8_is_valid(bytes, len))
        return idc_fail(err, IDC_SOURCE_FAILED, "the document is not UTF-8");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) bytes[i];
        bool begins_line = i == 0 || bytes[i - 1] == '\n' || bytes[i - 1] == '\r';

        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
            return idc_fail(err, IDC_SOURCE_FAILED, "the document has control characters");
        if (begins_line && c == '%')
            return idc_fail(err, IDC_SOURCE_FAILED,
                            "the document has a directive (a line that begins with %%), which is "
                            "not read here");
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            empty_lines = 0;
        else if (c == '\n' && ++empty_lines > MAX_EMPTY_LINES)
            return idc_fail(err, IDC_SOURCE_FAILED,
                            "the document has more than %d empty lines in a "
                            "row",
                            MAX_EMPTY_LINES);
    }
    return IDC_OK;
}

/* What the parser would print; ours is said above. */
static void
be_silent(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void) diag;
    (void) user;
    (void) text;
    (void) len;
}

IdcStatus
idc_document_read_yaml(IdcArena *arena, const char *bytes, size_t len, const IdcNode **root,
                       IdcError *err)
{
    struct fy_diag_cfg diag_settings;
    struct fy_parse_cfg settings = { .flags = FYPCF_QUIET | FYPCF_JSON_NONE };
    Builder *builder = idc_arena_alloc(arena, sizeof *builder);
    struct fy_parser *parser;
    IdcStatus status = check_text(bytes, len, err);

    if (status != IDC_OK)
        return status;
    if (builder == NULL)
        return idc_fail_no_memory(err);
    builder->arena = arena;
    builder->err = err;
    fy_diag_cfg_default(&diag_settings);
    diag_settings.output_fn = be_silent;
    diag_settings.fp = NULL;
    settings.diag = fy_diag_create(&diag_settings);
    parser = settings.diag != NULL ? fy_parser_create(&settings) : NULL;
    if (parser == NULL || fy_parser_set_string(parser, bytes, len) != 0)
        status = idc_fail_no_memory(err);
    else
        status = take_events(builder, parser);
    if (parser != NULL)
        fy_parser_destroy(parser);
    if (settings.diag != NULL)
        fy_diag_destroy(settings.diag);
    if (status == IDC_OK)
        *root = builder->root;
    return status;
}
