/*
 * reader.h - what the readers of this folder share: from nodes to the model.
 *
 * In:   the tree of yaml.h
 * Out:  the parts of IdcConfig; what is wrong goes to the problems, and reading goes on
 * Next: load.c calls them in order
 *
 * Readers return nothing: a part that is wrong is left out or empty, and the configuration is then
 * not handed out. Running out of memory is remembered in the problems.
 */
#ifndef IDC_CONFIG_READER_H
#define IDC_CONFIG_READER_H

#include "adapters/adapter.h"
#include "config/yaml.h"

typedef struct Reader {
    IdcArena *arena;
    IdcProblems *problems;
    const IdcConfigInput *input;
    IdcConfig *config;
    const char *wrapper; /* every source is read for this one; NULL: for the one that it says */
    IdcProblems *aside;  /* of what is read again; NULL until it is needed */
    /* For the schema file: NULL until it is needed. */
    IdcConfigSource **sources_by_name;
    const char **source_names;
} Reader;

/* ---- reader.c ---- */

/* Zeroed memory of the configuration; NULL (remembered) when there is none. */
void *idc_reader_alloc(Reader *reader, size_t count, size_t size);
const char *idc_reader_copy(Reader *reader, const char *text, size_t len);

/* False, with a problem that says what was found, when node is of another kind. NULL: false,
 * silently. */
bool idc_reader_is_map(Reader *reader, const IdcYamlNode *node, const char *what);
bool idc_reader_is_list(Reader *reader, const IdcYamlNode *node, const char *what);
bool idc_reader_is_text(Reader *reader, const IdcYamlNode *node, const char *what);

/*
 * A reader of the same file whose problems are its own, and then what was wrong: its first problem,
 * or NULL. One at a time.
 */
bool idc_reader_again(Reader *reader, Reader *again);
const char *idc_reader_end_again(Reader *reader, const Reader *again);

/* A problem for every key of map that is not one of keys. */
void idc_reader_check_keys(Reader *reader, const IdcYamlNode *map, const char *what,
                           const char *const *keys, size_t key_count);

/* The text of map's key, or NULL. */
const char *idc_reader_text(Reader *reader, const IdcYamlNode *map, const char *key);
/* As above, and fit to be a PostgreSQL name: 1 to 63 bytes. */
const char *idc_reader_name(Reader *reader, const IdcYamlNode *map, const char *key);
bool idc_reader_bool(Reader *reader, const IdcYamlNode *map, const char *key, bool otherwise);
/* A whole number from least to most; -1 if it is not there. */
int64_t idc_reader_int(Reader *reader, const IdcYamlNode *map, const char *key, int64_t least,
                       int64_t most);
/* Seconds, with a fraction if need be, as milliseconds; -1 if it is not there. */
int64_t idc_reader_seconds_ms(Reader *reader, const IdcYamlNode *map, const char *key);
/* What PostgreSQL would cut or refuse as a name is a problem; what says what it names. */
bool idc_reader_check_name(Reader *reader, const char *name, IdcPosition position,
                           const char *what);
/* Names of schemas also must not be PostgreSQL's own. */
const char *idc_reader_schema(Reader *reader, const IdcYamlNode *map);

/*
 * items with room for one more behind the count that there are: a new array when count is 0 or a
 * power of two from 4 on, else items itself. Only for arrays that grow by this alone. NULL: no
 * memory.
 */
void *idc_reader_grow(Reader *reader, void *items, size_t count, size_t size);

/* ---- expand.c ---- */

/* Replace ${VAR} in every text of the tree, once. Sources that are not enabled may lack variables.
 */
void idc_expand(Reader *reader, IdcYamlNode *root);

/* ---- options.c ---- */

typedef enum OptionLevel {
    OPTION_SERVER = 1,
    OPTION_USER = 2,
    OPTION_TABLE = 4,
    OPTION_COLUMN = 8,
    OPTION_HUB = 16
} OptionLevel;

/* The value of an option, NULL if it is not there. */
const char *idc_options_get(const IdcConfigOptions *options, const char *name);

/* Every pair of node (a mapping of text, or NULL) as it stands, appended to raw. */
void idc_options_gather(Reader *reader, const IdcYamlNode *node, const char *what,
                        IdcConfigOptions *raw);

/*
 * Append raw to options under the names that the wrapper wants, checked against those it knows when
 * it is postgres_fdw or mysql_fdw, or when the level is OPTION_HUB. A NULL wrapper takes anything.
 */
void idc_options_accept(Reader *reader, const IdcConfigOptions *raw, const char *wrapper,
                        OptionLevel level, IdcConfigOptions *options);

/* Append one; a name that is there already with another value is a problem. */
void idc_options_add(Reader *reader, IdcConfigOptions *options, IdcConfigOption option);

void idc_options_append(Reader *reader, IdcConfigOptions *options, const IdcConfigOptions *more);

/* Take one out, if it is there. */
void idc_options_remove(IdcConfigOptions *options, const char *name);

/* Move what a server's options say to where the wrapper wants it, and fill in source->database. */
void idc_options_settle(Reader *reader, IdcConfigSource *source);

/* ---- kinds.c: which wrapper serves what the file calls it ---- */

/* The word of extension:, type: or of a URL's scheme: instant_mysql for mysql and mysql_fdw, …;
 * checked for typos. NULL after a problem. */
const char *idc_kind_wrapper(Reader *reader, const char *word, IdcPosition position);
/* What `wrapper:` asks for, to the letter; NULL after a problem. */
const char *idc_kind_exactly(Reader *reader, const char *word, IdcPosition position);
/* Whether two wrappers serve sources of the same kind (mysql_fdw, instant_mysql). */
bool idc_kind_is_same(const char *wrapper, const char *other);
/* As people call it: mysql for both; else the wrapper's own name. */
const char *idc_kind_name(const char *wrapper);
/* Somebody else's wrapper for the sources of one of ours, or NULL; and whether it is this one. */
const char *idc_kind_otherwise(const char *wrapper);
bool idc_kind_stands_for(const char *wrapper, const char *other);
/*
 * An option of mysql_fdw or postgres_fdw under the name that our adapter has for it. False: it only
 * tunes that wrapper, and is left out where the adapter does not know it.
 */
bool idc_kind_translate(const char *wrapper, OptionLevel level, IdcConfigOption *option);

/* ---- options_adapter.c: our own wrappers, called instant_ and the name of an adapter ---- */

/* The adapter behind a wrapper, or NULL: it is none of ours. */
const IdcDeclaration *idc_adapter_of(const char *wrapper);
/* The wrapper of an adapter; NULL when there is no memory. */
const char *idc_adapter_wrapper(Reader *reader, const char *adapter);
bool idc_adapter_option_knows(const IdcDeclaration *declaration, OptionLevel level,
                              const char *name);
/* As idc_options_accept, one option. A server's options may hold those of its user mapping too. */
void idc_adapter_option_accept(Reader *reader, const IdcDeclaration *declaration, OptionLevel level,
                               IdcConfigOption option, IdcConfigOptions *options);
/* Some adapter's option of that name is JSON, which a file may have as a mapping. */
bool idc_adapter_option_takes_json(const char *name);
/*
 * What a wrapper of ours says of all options of one object together (a needed one is missing, two
 * do not fit). Call it only where each by itself was accepted.
 */
void idc_adapter_options_whole(Reader *reader, const char *wrapper, OptionLevel level,
                               const IdcConfigOptions *options, IdcPosition position);
/* Moves to the user mapping what belongs there. */
void idc_adapter_options_settle(Reader *reader, IdcConfigSource *source);
/* The adapter's key of a source (`rest: https://…`, `rest: {base_url: …}`), or NULL. */
const IdcYamlNode *idc_adapter_key(const IdcYamlNode *node, const IdcDeclaration **declaration);
/* What stands under that key, appended to raw; a text is the option that the adapter needs first.
 */
void idc_adapter_key_read(Reader *reader, const IdcYamlNode *value,
                          const IdcDeclaration *declaration, IdcConfigOptions *raw);
/*
 * multicorn's wrapper for REST, as it is configured everywhere, is our adapter: true, with the
 * option that named it taken out of raw.
 */
bool idc_adapter_takes_multicorn(const char *wrapper, IdcConfigOptions *raw);

/* ---- url.c ---- */

bool idc_url_is_one(const char *text);

/*
 * Options of postgresql://user:password@host:port/database?name=value, and the wrapper for the
 * scheme, NULL after a problem. No problem shows any of the URL but its scheme.
 */
const char *idc_url_read(Reader *reader, const char *url, IdcPosition position,
                         IdcConfigOptions *options);

/* ---- table.c ---- */

/* The tables of a list, appended to those that the source has. */
void idc_source_tables_read(Reader *reader, const IdcYamlNode *list, IdcConfigSource *source);
/* One more of them; has_source_key: whether `source:` is a key of it. */
void idc_table_read(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source,
                    bool has_source_key);

/* ---- source.c ---- */

/* `sources:`, or the file itself as one source. */
void idc_sources_read(Reader *reader, const IdcYamlNode *root);

/* ---- settings.c ---- */

/* hub, postgres_config, global_settings, pool_size, version, metadata. */
void idc_settings_read(Reader *reader, const IdcYamlNode *root);

/* ---- merge.c ---- */

/* The tables of the schema file, into the sources that there are. */
void idc_merge_tables(Reader *reader, const IdcYamlNode *root);
/* Servers and tables of one name. */
void idc_check_collisions(Reader *reader);

#endif
