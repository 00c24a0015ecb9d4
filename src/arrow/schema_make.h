/*
 * schema_make.h - an ArrowSchema of our own making: what columns promise and what a stream says.
 *
 * In:   a format, a name, metadata, what is below
 * Out:  ArrowSchemas whose release frees all that, also when a consumer moved parts elsewhere
 *
 * Linked into a PostgreSQL backend too: all memory is of base/memory.h. False: there was none;
 * the schema is still to be released.
 */
#ifndef IDC_ARROW_SCHEMA_MAKE_H
#define IDC_ARROW_SCHEMA_MAKE_H

#include <stdbool.h>

#include "arrow/abi.h"
#include "base/text.h"

/* Nullable, with no format, name or metadata, and nothing below it. */
void idc_schema_init(struct ArrowSchema *schema);

/* Each copies the text, and forgets the one before. */
bool idc_schema_set_format(struct ArrowSchema *schema, const char *format);
bool idc_schema_set_name(struct ArrowSchema *schema, const char *name);

/* Once a schema: `count` children as idc_schema_init leaves them; the values of a dictionary. */
bool idc_schema_add_children(struct ArrowSchema *schema, size_t count);
bool idc_schema_add_dictionary(struct ArrowSchema *schema);

/*
 * Metadata as the C data interface lays it out: begin with the number of pairs, then append so
 * many, then give it to a schema that has none. The text is empty afterwards.
 */
void idc_metadata_begin(IdcText *metadata, size_t count);
void idc_metadata_append(IdcText *metadata, const char *key, size_t key_len, const char *value,
                         size_t value_len);
bool idc_schema_give_metadata(struct ArrowSchema *schema, IdcText *metadata);

#endif
