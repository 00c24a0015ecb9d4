/*
 * expand.c - ${VAR} and ${VAR:-default} in the values of a tree.
 *
 * One pass over what was parsed: a value of a variable is never looked at again, neither as YAML
 * nor for more variables, and no message shows it. `$${` stands for `${`.
 */
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

enum { EXPANDED_BYTES = 1 << 16 };

/* One text: out is what comes of it. */
typedef struct Expansion {
    Reader *reader;
    IdcYamlNode *node;
    bool is_lenient;
    IdcText out;
} Expansion;

static bool
is_name(const char *text, size_t len)
{
    if (len == 0 || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

static const char *
look_up(const Reader *reader, const char *name)
{
    const IdcConfigInput *input = reader->input;

    return input->environment != NULL ? input->environment(input->environment_host, name)
                                      : getenv(name);
}

/* What is between ${ and }. */
static void
expand_reference(Expansion *expansion, const char *inside, size_t len)
{
    Reader *reader = expansion->reader;
    IdcPosition position = expansion->node->position;
    const char *mark = memmem(inside, len, ":-", 2);
    size_t name_len = mark == NULL ? len : (size_t) (mark - inside);
    const char *name = idc_reader_copy(reader, inside, name_len);
    const char *value;

    if (name == NULL)
        return;
    if (!is_name(inside, name_len)) {
        idc_problems_add(
            reader->problems, position,
            "found ${%s}, expected ${NAME} or ${NAME:-default} (or $${ for a plain ${)",
            idc_problems_shown(reader->problems, name));
        return;
    }
    value = look_up(reader, name);
    if (value != NULL && !idc_utf8_is_valid(value, strlen(value))) {
        idc_problems_add(reader->problems, position, "the value of variable \"%s\" is not UTF-8",
                         idc_problems_shown(reader->problems, name));
    } else if (value != NULL && (value[0] != '\0' || mark == NULL)) {
        idc_text_append(&expansion->out, value);
    } else if (mark != NULL) {
        idc_text_append_len(&expansion->out, mark + 2, len - name_len - 2);
    } else if (expansion->is_lenient) {
        idc_text_append_format(&expansion->out, "${%s}", name);
        expansion->node->is_unset = true;
    } else {
        idc_problems_add(reader->problems, position,
                         "variable \"%s\" is not set, expected it in the environment or a default "
                         "(${%s:-default})",
                         idc_problems_shown(reader->problems, name),
                         idc_problems_shown(reader->problems, name));
        /* One problem is enough: what the value would be is not checked. */
        idc_text_append_format(&expansion->out, "${%s}", name);
        expansion->node->is_unset = true;
    }
}

/* Returns how many bytes at `at` (which begins with ${) are done. */
static size_t
expand_at(Expansion *expansion, const char *at)
{
    const char *end = strchr(at, '}');
    const char *inner = strstr(at + 2, "${");

    if (end == NULL) {
        idc_problems_add(expansion->reader->problems, expansion->node->position,
                         "found ${ without }, expected ${NAME} (or $${ for a plain ${)");
        return strlen(at);
    }
    if (inner != NULL && inner < end) {
        idc_problems_add(expansion->reader->problems, expansion->node->position,
                         "found a ${ within ${…}, expected a default without variables");
        return strlen(at);
    }
    expand_reference(expansion, at + 2, (size_t) (end - at) - 2);
    return (size_t) (end - at) + 1;
}

static void
expand_text(Reader *reader, IdcYamlNode *node, bool is_lenient)
{
    const char *written = node->text;
    Expansion expansion = { .reader = reader, .node = node, .is_lenient = is_lenient };

    if (strstr(node->text, "${") == NULL)
        return;
    idc_text_init(&expansion.out, EXPANDED_BYTES);
    for (const char *at = node->text; *at != '\0' && !expansion.out.is_broken;) {
        const char *next = strstr(at, "${");

        if (next == NULL) {
            idc_text_append(&expansion.out, at);
            break;
        }
        if (next > at && next[-1] == '$') {
            idc_text_append_len(&expansion.out, at, (size_t) (next - at) - 1);
            idc_text_append(&expansion.out, "${");
            at = next + 2;
            continue;
        }
        idc_text_append_len(&expansion.out, at, (size_t) (next - at));
        at = next + expand_at(&expansion, next);
    }
    if (expansion.out.is_broken)
        idc_problems_add(reader->problems, node->position,
                         "longer than 65536 bytes with its variables replaced");
    else
        node->text = idc_reader_copy(reader, idc_text_string(&expansion.out), expansion.out.len);
    /* The copy in the arena stays; this one is not left behind in free memory. */
    if (expansion.out.data != NULL)
        explicit_bzero(expansion.out.data, expansion.out.capacity);
    idc_text_done(&expansion.out);
    if (node->text == NULL)
        node->text = "";
    if (node->text != written)
        idc_problems_hide(reader->problems, node->text, written);
}

/* As deep as the parser allows, which is 32. */
static void
expand_node(Reader *reader, IdcYamlNode *node, bool is_lenient)
{
    if (node->is_expanded || reader->problems->is_out_of_memory)
        return;
    node->is_expanded = true;
    if (node->kind == IDC_YAML_TEXT)
        expand_text(reader, node, is_lenient);
    for (size_t i = 0; node->kind == IDC_YAML_LIST && i < node->count; i++)
        expand_node(reader, node->items[i], is_lenient);
    for (size_t i = 0; node->kind == IDC_YAML_MAP && i < node->count; i++)
        expand_node(reader, node->pairs[i].value, is_lenient);
}

/* `enabled` is looked at first: it decides whether the others must be set. */
static void
expand_source(Reader *reader, IdcYamlNode *source)
{
    IdcYamlNode *enabled = idc_yaml_get(source, "enabled");
    bool is_enabled = true;

    if (enabled != NULL && enabled->kind == IDC_YAML_TEXT) {
        expand_node(reader, enabled, false);
        if (!idc_bool_parse(enabled->text, &is_enabled))
            is_enabled = true;
    }
    if (is_enabled)
        return;
    for (size_t i = 0; i < source->count; i++)
        expand_node(reader, source->pairs[i].value, true);
}

void
idc_expand(Reader *reader, IdcYamlNode *root)
{
    IdcYamlNode *sources = idc_yaml_get(root, "sources");

    for (size_t i = 0; sources != NULL && sources->kind == IDC_YAML_MAP && i < sources->count; i++)
        expand_source(reader, sources->pairs[i].value);
    if (root->kind == IDC_YAML_MAP && sources == NULL)
        expand_source(reader, root);
    expand_node(reader, root, false);
}
