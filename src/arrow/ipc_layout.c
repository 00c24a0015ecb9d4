/*
 * ipc_layout.c - from a type's format string to its buffers.
 *
 * In:   ArrowSchema; its numbers may come from outside
 * Out:  a tree of IdcLayout
 *
 * Format strings: https://arrow.apache.org/docs/format/CDataInterface.html#format-strings
 */
#include "arrow/ipc_layout.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static void
layout_done(IdcLayout *layout)
{
    for (size_t i = 0; layout->children != NULL && i < layout->child_count; i++)
        layout_done(&layout->children[i]);
    idc_free(layout->children);
    idc_layout_free(layout->dictionary);
}

void
idc_layout_free(IdcLayout *layout)
{
    if (layout == NULL)
        return;
    layout_done(layout);
    idc_free(layout);
}

/* The width of dates, times and intervals; 0: unknown. */
static unsigned
time_width(const char *format)
{
    static const struct {
        const char *format;
        unsigned width;
    } widths[] = {
        { "tdD", 4 }, { "tdm", 8 }, { "tts", 4 },  { "ttm", 4 }, { "ttu", 8 },
        { "ttn", 8 }, { "tDs", 8 }, { "tDm", 8 },  { "tDu", 8 }, { "tDn", 8 },
        { "tiM", 4 }, { "tiD", 8 }, { "tin", 16 },
    };

    if (strncmp(format, "ts", 2) == 0)
        return format[2] != '\0' && strchr("smun", format[2]) != NULL && format[3] == ':' ? 8 : 0;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        if (strcmp(format, widths[i].format) == 0)
            return widths[i].width;
    return 0;
}

/* "d:precision,scale" or "d:precision,scale,bits". */
static unsigned
decimal_width(const char *format)
{
    const char *comma = strchr(format, ',');
    int64_t bits = 128;

    if (comma == NULL)
        return 0;
    comma = strchr(comma + 1, ',');
    if (comma != NULL && !idc_int64_parse(comma + 1, &bits))
        return 0;
    return bits == 32 || bits == 64 || bits == 128 || bits == 256 ? (unsigned) bits / 8 : 0;
}

/* Types of one letter; false: there is no such one. */
static bool
letter_layout(char letter, IdcLayout *layout)
{
    static const char letters[] = "cCsSiIlLefg";
    static const unsigned widths[] = { 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8 };
    const char *found = strchr(letters, letter);

    if (letter == '\0')
        return false;
    if (found != NULL) {
        layout->kind = IDC_LAYOUT_FIXED;
        layout->width = widths[found - letters];
        layout->is_signed = strchr("csil", letter) != NULL;
        return true;
    }
    layout->kind = IDC_LAYOUT_BYTES;
    layout->width = letter == 'U' || letter == 'Z' ? 8 : 4;
    if (letter == 'n')
        layout->kind = IDC_LAYOUT_NULL;
    if (letter == 'b')
        layout->kind = IDC_LAYOUT_BITS;
    return strchr("nbuUzZ", letter) != NULL;
}

/* Sets all but what is below. */
static bool
nested_layout(const struct ArrowSchema *schema, IdcLayout *layout)
{
    const char *format = schema->format;

    layout->kind = IDC_LAYOUT_LIST;
    layout->width = 4;
    if (strcmp(format, "+l") == 0)
        return schema->n_children == 1;
    if (strcmp(format, "+L") == 0) {
        layout->width = 8;
        return schema->n_children == 1;
    }
    if (strcmp(format, "+m") == 0) {
        layout->is_map = true;
        return schema->n_children == 1 && schema->children[0]->n_children == 2 &&
               strcmp(schema->children[0]->format, "+s") == 0 &&
               schema->children[0]->dictionary == NULL;
    }
    if (strcmp(format, "+s") == 0) {
        layout->kind = IDC_LAYOUT_STRUCT;
        return true;
    }
    layout->kind = IDC_LAYOUT_FIXED_LIST;
    return strncmp(format, "+w:", 3) == 0 && idc_int64_parse(format + 3, &layout->list_size) &&
           layout->list_size >= 0 && layout->list_size <= INT32_MAX && schema->n_children == 1;
}

static bool
own_layout(const struct ArrowSchema *schema, IdcLayout *layout)
{
    const char *format = schema->format;
    int64_t width;

    if (format[0] == '+')
        return nested_layout(schema, layout);
    if (schema->n_children != 0)
        return false;
    if (format[0] != '\0' && format[1] == '\0')
        return letter_layout(format[0], layout);
    layout->kind = IDC_LAYOUT_FIXED;
    if (format[0] == 't')
        layout->width = time_width(format);
    else if (strncmp(format, "d:", 2) == 0)
        layout->width = decimal_width(format);
    else if (strncmp(format, "w:", 2) == 0 && idc_int64_parse(format + 2, &width)) {
        layout->width = width >= 0 && width <= INT32_MAX ? (unsigned) width : 0;
        return width >= 0 && width <= INT32_MAX;
    }
    return layout->width != 0;
}

static void
layout_count_child(IdcLayout *layout, const IdcLayout *child)
{
    layout->array_count += child->array_count;
    layout->pointer_count += child->pointer_count;
    layout->node_count += child->node_count;
    layout->buffer_count += child->buffer_count;
    layout->dictionary_count += child->dictionary_count;
}

static IdcStatus layout_init(const struct ArrowSchema *schema, size_t *number, int depth,
                             IdcLayout *layout, IdcError *err);

static IdcStatus
dictionary_layout(const struct ArrowSchema *schema, size_t *number, int depth, IdcLayout *layout,
                  IdcError *err)
{
    IdcStatus status;

    if (layout->kind != IDC_LAYOUT_FIXED || strlen(schema->format) != 1 ||
        strchr("cCsSiIlL", schema->format[0]) == NULL || schema->dictionary->dictionary != NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "a dictionary with indices of type \"%s\"",
                        schema->format);
    layout->dictionary = idc_calloc(1, sizeof *layout->dictionary);
    if (layout->dictionary == NULL)
        return idc_fail_no_memory(err);
    layout->dictionary_number = (*number)++;
    status = layout_init(schema->dictionary, number, depth + 1, layout->dictionary, err);
    layout->array_count += layout->dictionary->array_count;
    layout->pointer_count += layout->dictionary->pointer_count;
    layout->dictionary_count += 1 + layout->dictionary->dictionary_count;
    return status;
}

static IdcStatus
layout_init(const struct ArrowSchema *schema, size_t *number, int depth, IdcLayout *layout,
            IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (depth > IDC_LAYOUT_MAX_DEPTH)
        return idc_fail(err, IDC_UNSUPPORTED, "types nested more than %d deep",
                        IDC_LAYOUT_MAX_DEPTH);
    if (!own_layout(schema, layout))
        return idc_fail(err, IDC_UNSUPPORTED, "the Arrow type \"%s\" is not supported",
                        schema->format);
    layout->array_count = layout->node_count = 1;
    layout->buffer_count = (size_t) idc_layout_own_buffers(layout);
    if (schema->dictionary != NULL)
        return dictionary_layout(schema, number, depth, layout, err);
    if (schema->n_children == 0)
        return IDC_OK;
    layout->child_count = (size_t) schema->n_children;
    layout->pointer_count = layout->child_count;
    layout->children = idc_calloc(layout->child_count, sizeof *layout->children);
    if (layout->children == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < layout->child_count; i++) {
        status = layout_init(schema->children[i], number, depth + 1, &layout->children[i], err);
        layout_count_child(layout, &layout->children[i]);
    }
    return status;
}

IdcStatus
idc_layout_new(const struct ArrowSchema *schema, IdcLayout **layout, IdcError *err)
{
    IdcLayout *made = idc_calloc(1, sizeof *made);
    size_t number = 0;
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    status = layout_init(schema, &number, 0, made, err);
    if (status == IDC_OK)
        *layout = made;
    else
        idc_layout_free(made);
    return status;
}

bool
idc_layout_equals(const IdcLayout *layout, const IdcLayout *other)
{
    if (layout->kind != other->kind || layout->width != other->width ||
        layout->list_size != other->list_size || layout->is_map != other->is_map ||
        layout->child_count != other->child_count ||
        (layout->dictionary == NULL) != (other->dictionary == NULL))
        return false;
    for (size_t i = 0; i < layout->child_count; i++)
        if (!idc_layout_equals(&layout->children[i], &other->children[i]))
            return false;
    return layout->dictionary == NULL || idc_layout_equals(layout->dictionary, other->dictionary);
}
