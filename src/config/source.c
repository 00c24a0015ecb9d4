/*
 * source.c - the sources of a file, in both dialects and in the short form.
 */
#include "config/reader.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* `name` is a key only of a file that is one source itself. */
static const char *const source_keys[] = { "extension",    "type",    "url",
                                           "wrapper",      "server",  "server_options",
                                           "user_mapping", "tables",  "import",
                                           "schema",       "enabled", "description",
#define ADAPTER(name, library) #name,
#include "adapters/adapters.def"
#undef ADAPTER
                                           "name" };
static const char *const global_keys[] = { "sources",         "hub",        "postgres_config",
                                           "global_settings", "version",    "metadata",
                                           "pool_size",       "description" };

enum {
    SOURCE_KEY_COUNT = sizeof source_keys / sizeof source_keys[0],
    GLOBAL_KEY_COUNT = sizeof global_keys / sizeof global_keys[0]
};

/* Then the unknown key is told, and a missing extension would only be its echo. */
static bool
has_misspelt_wrapper(const IdcYamlNode *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const char *key = node->pairs[i].key;
        const char *nearest = idc_nearest_word(key, source_keys, SOURCE_KEY_COUNT);

        if (nearest != NULL && strcmp(nearest, key) != 0 &&
            (strcmp(nearest, "extension") == 0 || strcmp(nearest, "type") == 0 ||
             strcmp(nearest, "url") == 0))
            return true;
    }
    return false;
}

/* extension: and type: are one thing; NULL: neither is there. */
static const IdcYamlNode *
find_extension(Reader *reader, const IdcYamlNode *node, const IdcConfigSource *source)
{
    const IdcYamlNode *extension = idc_yaml_get(node, "extension");
    const IdcYamlNode *type = idc_yaml_get(node, "type");
    const IdcDeclaration *declaration;
    bool is_said = extension != NULL || type != NULL || idc_yaml_get(node, "url") != NULL ||
                   idc_yaml_get(node, "wrapper") != NULL ||
                   idc_adapter_key(node, &declaration) != NULL;

    if (extension != NULL && type != NULL)
        idc_problems_add(reader->problems, type->position,
                         "type: and extension: mean the same, expected one of them");
    if (!is_said && !has_misspelt_wrapper(node))
        idc_problems_add(reader->problems, source->position,
                         "source \"%s\" has no extension, expected extension: postgres_fdw, "
                         "mysql_fdw, rest or another wrapper",
                         idc_problems_shown(reader->problems, source->name));
    return extension != NULL ? extension : type;
}

/* The wrapper that was found, unless the source is another kind: a mysql:// for postgres_fdw. */
static const char *
fitting(Reader *reader, const IdcYamlNode *given, const char *key, const char *found,
        const char *wrapper)
{
    if (found == NULL || wrapper == NULL || idc_kind_is_same(found, wrapper))
        return found;
    idc_problems_add(reader->problems, given->position,
                     "%s: \"%s\" does not fit the kind of source, expected %s", key,
                     idc_problems_shown(reader->problems, given->text), idc_kind_name(wrapper));
    return wrapper;
}

/*
 * What the extension, the key of an adapter or a URL says, and `wrapper:` above all. *is_exact: it
 * is that wrapper and no other, wherever the hub is.
 */
static void
read_wrapper(Reader *reader, const IdcYamlNode *node, const char *url_wrapper,
             IdcConfigSource *source, bool *is_exact)
{
    const IdcYamlNode *given = find_extension(reader, node, source);
    const IdcYamlNode *exact = idc_yaml_get(node, "wrapper");
    const IdcDeclaration *declaration;
    const char *found;

    source->wrapper = url_wrapper;
    if (given == NULL && url_wrapper == NULL && idc_adapter_key(node, &declaration) != NULL)
        source->wrapper = idc_kind_wrapper(reader, declaration->name, source->position);
    if (given != NULL && idc_reader_is_text(reader, given, "extension")) {
        found = idc_kind_wrapper(reader, given->text, given->position);
        source->wrapper = fitting(reader, given, "extension", found, url_wrapper);
        *is_exact = idc_adapter_of(given->text) != NULL;
        source->is_stand_in = idc_kind_stands_for(source->wrapper, given->text);
    }
    if (exact != NULL && idc_reader_is_text(reader, exact, "wrapper")) {
        found = idc_kind_exactly(reader, exact->text, exact->position);
        source->wrapper = fitting(reader, exact, "wrapper", found, source->wrapper);
        source->is_stand_in = false;
        *is_exact = true;
    }
}

static void
read_server(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source, IdcConfigOptions *raw)
{
    static const char *const keys[] = { "name", "options" };
    const IdcYamlNode *server = idc_yaml_get(node, "server");
    const char *name;

    source->server_name = source->name;
    if (idc_reader_is_map(reader, server, "server")) {
        idc_reader_check_keys(reader, server, "server", keys, COUNT_OF(keys));
        name = idc_reader_name(reader, server, "name");
        if (name != NULL)
            source->server_name = name;
        idc_options_gather(reader, idc_yaml_get(server, "options"), "options", raw);
    }
    idc_options_gather(reader, idc_yaml_get(node, "server_options"), "server_options", raw);
}

static void
read_user_mapping(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source)
{
    static const char *const keys[] = { "options", "user" };
    const IdcYamlNode *mapping = idc_yaml_get(node, "user_mapping");
    const char *user;
    IdcConfigOptions raw = { NULL, 0 };

    if (!idc_reader_is_map(reader, mapping, "user_mapping"))
        return;
    idc_reader_check_keys(reader, mapping, "user_mapping", keys, COUNT_OF(keys));
    user = idc_reader_text(reader, mapping, "user");
    if (user != NULL && strcasecmp(user, "current_user") != 0)
        idc_problems_add(
            reader->problems, idc_yaml_get(mapping, "user")->position,
            "user: expected current_user (the user of the source goes under options:)");
    idc_options_gather(reader, idc_yaml_get(mapping, "options"), "options", &raw);
    idc_options_accept(reader, &raw, source->wrapper, OPTION_USER, &source->user_options);
}

static void
read_import_list(Reader *reader, const IdcYamlNode *list, IdcConfigSource *source)
{
    source->import_schemas = idc_reader_alloc(reader, list->count, sizeof *source->import_schemas);
    if (source->import_schemas == NULL)
        return;
    for (size_t i = 0; i < list->count; i++) {
        const IdcYamlNode *item = list->items[i];

        if (idc_reader_is_text(reader, item, "import") &&
            idc_reader_check_name(reader, item->text, item->position, "import"))
            source->import_schemas[source->import_schema_count++] = item->text;
    }
    if (list->count == 0)
        idc_problems_add(reader->problems, list->position,
                         "import: found an empty list, expected all or a list of schemas");
}

static void
read_import(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source)
{
    const IdcYamlNode *import = idc_yaml_get(node, "import");
    const IdcYamlNode *tables = idc_yaml_get(node, "tables");

    source->import_all = tables == NULL;
    if (import == NULL)
        return;
    if (tables != NULL)
        idc_problems_add(reader->problems, import->position,
                         "import: stands beside tables:, expected one of them");
    if (import->kind == IDC_YAML_LIST)
        read_import_list(reader, import, source);
    else if (import->kind != IDC_YAML_TEXT || strcmp(import->text, "all") != 0)
        idc_problems_add(reader->problems, import->position,
                         "import: found %s, expected all or a list of schemas",
                         import->kind == IDC_YAML_TEXT ? "another word" : "a mapping");
}

/* `rest:` says which adapter, and what its server's options are; `mysql:` may also be a URL. */
static void
read_adapter_key(Reader *reader, const IdcYamlNode *key, const IdcDeclaration *declaration,
                 const IdcConfigSource *source, IdcConfigOptions *raw)
{
    const char *own = idc_adapter_wrapper(reader, declaration->name), *found;

    if (own == NULL)
        return;
    if (source->wrapper != NULL && !idc_kind_is_same(source->wrapper, own)) {
        idc_problems_add(reader->problems, key->position,
                         "%s: stands beside another kind of source, expected one of them",
                         declaration->name);
    } else if (key->kind == IDC_YAML_TEXT && idc_url_is_one(key->text) &&
               strcmp(idc_kind_name(own), own) != 0) {
        IdcConfigOptions options = { NULL, 0 };

        found = idc_url_read(reader, key->text, key->position, &options);
        if (found == NULL || idc_kind_is_same(found, own))
            idc_options_append(reader, raw, &options);
        else
            idc_problems_add(reader->problems, key->position,
                             "%s: found the URL of another kind of source", declaration->name);
    } else {
        idc_adapter_key_read(reader, key, declaration, raw);
    }
}

/* The URL alone, or under url:; its wrapper, or NULL. */
static const char *
read_url(Reader *reader, const IdcYamlNode *node, const IdcConfigSource *source,
         IdcConfigOptions *raw)
{
    const IdcYamlNode *url = node->kind == IDC_YAML_TEXT ? node : idc_yaml_get(node, "url");

    if (!idc_reader_is_text(reader, url, "url") || url->is_unset)
        return NULL;
    if (idc_url_is_one(url->text))
        return idc_url_read(reader, url->text, url->position, raw);
    idc_problems_add(reader->problems, url->position,
                     "source \"%s\": found text, expected a mapping or a URL such as "
                     "postgresql://user@host/database",
                     idc_problems_shown(reader->problems, source->name));
    return NULL;
}

/* What both a mapping and a URL alone come to. */
static void
read_options(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source, bool *is_exact)
{
    const IdcDeclaration *declaration = NULL;
    IdcConfigOptions raw = { NULL, 0 };
    size_t problems = reader->problems->count;
    const char *url_wrapper = read_url(reader, node, source, &raw);

    if (node->kind == IDC_YAML_TEXT) {
        source->wrapper = reader->wrapper != NULL ? reader->wrapper : url_wrapper;
    } else {
        const IdcYamlNode *key = idc_adapter_key(node, &declaration);

        read_wrapper(reader, node, url_wrapper, source, is_exact);
        if (reader->wrapper != NULL)
            source->wrapper = reader->wrapper;
        read_server(reader, node, source, &raw);
        if (key != NULL)
            read_adapter_key(reader, key, declaration, source, &raw);
        if (idc_adapter_takes_multicorn(source->wrapper, &raw))
            source->wrapper = idc_adapter_wrapper(reader, "rest");
        read_user_mapping(reader, node, source);
    }
    idc_options_accept(reader, &raw, source->wrapper, OPTION_SERVER, &source->server_options);
    idc_options_settle(reader, source);
    if (reader->problems->count == problems)
        idc_adapter_options_whole(reader, source->wrapper, OPTION_SERVER, &source->server_options,
                                  source->position);
}

/* A mapping, or a URL. */
static void
read_source(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source, bool *is_exact)
{
    const char *schema;

    source->schema = "public";
    source->is_enabled = source->import_all = true;
    *is_exact = false;
    if (node->kind == IDC_YAML_TEXT) {
        read_options(reader, node, source, is_exact);
        return;
    }
    schema = idc_reader_schema(reader, node);
    source->schema = schema == NULL ? "public" : schema;
    source->is_enabled = idc_reader_bool(reader, node, "enabled", true);
    source->description = idc_reader_text(reader, node, "description");
    read_options(reader, node, source, is_exact);
    read_import(reader, node, source);
    idc_source_tables_read(reader, idc_yaml_get(node, "tables"), source);
}

/*
 * The same once more, for a hub that has only somebody else's wrapper. What is wrong with it then
 * is no problem of the file.
 */
static void
read_otherwise(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source)
{
    IdcConfigSource *other = idc_reader_alloc(reader, 1, sizeof *other);
    Reader again;
    bool is_exact;

    if (other == NULL || !idc_reader_again(reader, &again))
        return;
    again.wrapper = idc_kind_otherwise(source->wrapper);
    other->name = other->server_name = source->name;
    other->position = source->position;
    read_source(&again, node, other, &is_exact);
    source->why_alone = idc_reader_end_again(reader, &again);
    if (source->why_alone == NULL)
        source->otherwise = other;
}

/* Of a disabled source nothing is asked for. */
static void
read_both(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source)
{
    size_t problems = reader->problems->count;
    bool is_exact;

    read_source(reader, node, source, &is_exact);
    if (reader->problems->count == problems && source->is_enabled && !is_exact &&
        idc_kind_otherwise(source->wrapper) != NULL)
        read_otherwise(reader, node, source);
}

static void
read_source_pair(Reader *reader, const IdcYamlPair *pair, IdcConfigSource *source)
{
    char *what;

    source->name = pair->key;
    source->position = pair->key_position;
    source->schema = "public";
    source->server_name = pair->key;
    source->import_all = source->is_enabled = true;
    if (pair->key[0] == '\0' ||
        !idc_reader_check_name(reader, pair->key, pair->key_position, "source"))
        return;
    if (pair->value->is_null || pair->value->kind == IDC_YAML_LIST) {
        idc_problems_add(reader->problems, pair->value->position,
                         "source \"%s\": found %s, expected a mapping or a URL",
                         idc_problems_shown(reader->problems, pair->key),
                         idc_yaml_kind_name(pair->value));
        return;
    }
    if (pair->value->kind == IDC_YAML_TEXT) {
        read_both(reader, pair->value, source);
        return;
    }
    what = idc_arena_printf(reader->arena, "source \"%s\"",
                            idc_problems_shown(reader->problems, pair->key));
    idc_reader_check_keys(reader, pair->value, what == NULL ? "source" : what, source_keys,
                          SOURCE_KEY_COUNT - 1);
    read_both(reader, pair->value, source);
}

static bool
is_source_key(const char *key)
{
    for (size_t i = 0; i < SOURCE_KEY_COUNT; i++)
        if (strcmp(source_keys[i], key) == 0)
            return strcmp(key, "description") != 0;
    return false;
}

/* The file itself is one source: called as `name:` says, or as its server. */
static void
read_single(Reader *reader, const IdcYamlNode *root, IdcConfigSource *source)
{
    const char *name = idc_reader_name(reader, root, "name");
    const IdcYamlNode *server = idc_yaml_get(root, "server");

    if (name == NULL && server != NULL && server->kind == IDC_YAML_MAP) {
        const IdcYamlNode *server_name = idc_yaml_get(server, "name");

        name = server_name != NULL && server_name->kind == IDC_YAML_TEXT ? server_name->text : NULL;
    }
    if (name == NULL && idc_yaml_get(root, "name") == NULL)
        idc_problems_add(reader->problems, root->position,
                         "the source has no name, expected name: in server: or beside it");
    source->name = name == NULL ? "source" : name;
    source->position = root->position;
    read_both(reader, root, source);
}

static void
check_root_keys(Reader *reader, const IdcYamlNode *root, bool has_sources)
{
    const char *keys[SOURCE_KEY_COUNT + GLOBAL_KEY_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < GLOBAL_KEY_COUNT; i++)
        keys[count++] = global_keys[i];
    for (size_t i = 0; i < SOURCE_KEY_COUNT; i++)
        if (strcmp(source_keys[i], "description") != 0)
            keys[count++] = source_keys[i];
    idc_reader_check_keys(reader, root, "the file", keys, count);
    for (size_t i = 0; has_sources && i < root->count; i++)
        if (is_source_key(root->pairs[i].key))
            idc_problems_add(reader->problems, root->pairs[i].key_position,
                             "\"%s\" stands beside \"sources\", expected it in one of the sources",
                             root->pairs[i].key);
}

void
idc_sources_read(Reader *reader, const IdcYamlNode *root)
{
    const IdcYamlNode *sources = idc_yaml_get(root, "sources");
    IdcConfig *config = reader->config;
    bool is_single = false;

    for (size_t i = 0; i < root->count; i++)
        is_single = is_single || is_source_key(root->pairs[i].key);
    check_root_keys(reader, root, sources != NULL);
    if (sources != NULL && !idc_reader_is_map(reader, sources, "sources"))
        return;
    is_single = is_single && sources == NULL;
    config->source_count = sources != NULL ? sources->count : is_single;
    config->sources = idc_reader_alloc(reader, config->source_count, sizeof *config->sources);
    if (config->sources == NULL) {
        config->source_count = 0;
        return;
    }
    for (size_t i = 0; sources != NULL && i < sources->count; i++)
        read_source_pair(reader, &sources->pairs[i], &config->sources[i]);
    if (is_single)
        read_single(reader, root, &config->sources[0]);
}
