/*
 * schema_make.c - an ArrowSchema and its memory.
 *
 * In:   a format, a name, metadata, what is below
 * Out:  ArrowSchemas
 *
 * Layout of the metadata:
 * https://arrow.apache.org/docs/format/CDataInterface.html#c.ArrowSchema.metadata
 */
#include "arrow/schema_make.h"

#include <string.h>

#include "base/memory.h"

/* Texts of our own schemas are const only for those who read them. */
static void
text_free(const char *text)
{
    idc_free((char *) (uintptr_t) text);
}

static void
part_free(struct ArrowSchema *part)
{
    if (part != NULL && part->release != NULL)
        part->release(part);
    idc_free(part);
}

static void
schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        part_free(schema->children[i]);
    idc_free(schema->children);
    part_free(schema->dictionary);
    text_free(schema->format);
    text_free(schema->name);
    text_free(schema->metadata);
    schema->release = NULL;
}

void
idc_schema_init(struct ArrowSchema *schema)
{
    *schema = (struct ArrowSchema){ .flags = ARROW_FLAG_NULLABLE, .release = schema_release };
}

static bool
text_set(const char **place, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = idc_malloc(size);

    if (copy == NULL)
        return false;
    memcpy(copy, text, size);
    text_free(*place);
    *place = copy;
    return true;
}

bool
idc_schema_set_format(struct ArrowSchema *schema, const char *format)
{
    return text_set(&schema->format, format);
}

bool
idc_schema_set_name(struct ArrowSchema *schema, const char *name)
{
    return text_set(&schema->name, name);
}

static struct ArrowSchema *
part_new(void)
{
    struct ArrowSchema *part = idc_malloc(sizeof *part);

    if (part != NULL)
        idc_schema_init(part);
    return part;
}

bool
idc_schema_add_children(struct ArrowSchema *schema, size_t count)
{
    if (count == 0)
        return true;
    schema->children = idc_calloc(count, sizeof *schema->children);
    for (size_t i = 0; schema->children != NULL && i < count; i++) {
        schema->children[i] = part_new();
        if (schema->children[i] == NULL)
            return false;
        schema->n_children++;
    }
    return schema->children != NULL;
}

bool
idc_schema_add_dictionary(struct ArrowSchema *schema)
{
    schema->dictionary = part_new();
    return schema->dictionary != NULL;
}

static void
append_length(IdcText *metadata, size_t length)
{
    int32_t number = (int32_t) length;

    idc_text_append_len(metadata, (const char *) &number, sizeof number);
}

void
idc_metadata_begin(IdcText *metadata, size_t count)
{
    idc_text_init(metadata, INT32_MAX);
    append_length(metadata, count);
}

void
idc_metadata_append(IdcText *metadata, const char *key, size_t key_len, const char *value,
                    size_t value_len)
{
    append_length(metadata, key_len);
    idc_text_append_len(metadata, key, key_len);
    append_length(metadata, value_len);
    idc_text_append_len(metadata, value, value_len);
}

bool
idc_schema_give_metadata(struct ArrowSchema *schema, IdcText *metadata)
{
    char *bytes = idc_text_take(metadata);

    if (bytes == NULL) {
        idc_text_done(metadata);
        return false;
    }
    schema->metadata = bytes;
    return true;
}
