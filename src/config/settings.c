/*
 * settings.c - what a file says of the hub and of every source alike.
 */
#include "config/reader.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum { MAX_POOL_SIZE = 1000, MAX_RETRIES = 100 };

static void
read_hub_url(Reader *reader, const IdcYamlNode *node, const char *key)
{
    static const char *const words[] = { "embedded", "environment" };
    IdcConfigOptions ignored = { NULL, 0 };
    const char *wrapper;

    if (strcmp(node->text, "embedded") == 0) {
        reader->config->hub_is_embedded = true;
        return;
    }
    if (strcmp(node->text, "environment") == 0) {
        reader->config->hub_is_environment = true;
        return;
    }
    if (!idc_url_is_one(node->text)) {
        const char *nearest = idc_nearest_word(node->text, words, COUNT_OF(words));

        idc_problems_add(
            reader->problems, node->position,
            "%s: found another word, expected embedded, environment, a URL or a mapping%s%s%s", key,
            nearest == NULL ? "" : ", did you mean \"", nearest == NULL ? "" : nearest,
            nearest == NULL ? "" : "\"?");
        return;
    }
    wrapper = idc_url_read(reader, node->text, node->position, &ignored);
    if (wrapper != NULL && !idc_kind_is_same(wrapper, "postgres_fdw"))
        idc_problems_add(reader->problems, node->position,
                         "%s: found the URL of another server, expected postgresql://...", key);
    reader->config->hub_url = node->text;
}

static void
read_pool_size(Reader *reader, const IdcYamlNode *map)
{
    int64_t pool_size = idc_reader_int(reader, map, "pool_size", 1, MAX_POOL_SIZE);

    if (pool_size < 0)
        return;
    if (reader->config->pool_size >= 0 && reader->config->pool_size != pool_size)
        idc_problems_add(reader->problems, idc_yaml_get(map, "pool_size")->position,
                         "pool_size: has another value elsewhere in the file");
    reader->config->pool_size = pool_size;
}

/* Everything but pool_size and url is libpq's. */
static void
read_hub_map(Reader *reader, const IdcYamlNode *node, const char *key)
{
    IdcConfig *config = reader->config;
    const IdcYamlNode *url = idc_yaml_get(node, "url");
    IdcConfigOptions raw = { NULL, 0 };

    read_pool_size(reader, node);
    idc_options_gather(reader, node, key, &raw);
    idc_options_remove(&raw, "pool_size");
    idc_options_remove(&raw, "url");
    if (idc_reader_is_text(reader, url, "url")) {
        read_hub_url(reader, url, "url");
        if (raw.count > 0)
            idc_problems_add(reader->problems, raw.items[0].position,
                             "%s: found an option beside url:, expected it in the URL "
                             "(?name=value)",
                             key);
        return;
    }
    idc_options_accept(reader, &raw, NULL, OPTION_HUB, &config->hub);
}

static void
read_hub(Reader *reader, const IdcYamlNode *root)
{
    const IdcYamlNode *hub = idc_yaml_get(root, "hub");
    const IdcYamlNode *other = idc_yaml_get(root, "postgres_config");
    const char *key = hub != NULL ? "hub" : "postgres_config";
    const IdcYamlNode *node = hub != NULL ? hub : other;

    if (hub != NULL && other != NULL)
        idc_problems_add(reader->problems, other->position,
                         "postgres_config: and hub: mean the same, expected one of them");
    if (node == NULL)
        return;
    if (node->kind == IDC_YAML_TEXT)
        read_hub_url(reader, node, key);
    else if (idc_reader_is_map(reader, node, key))
        read_hub_map(reader, node, key);
}

static void
read_global_settings(Reader *reader, const IdcYamlNode *root)
{
    static const char *const keys[] = { "connection_timeout", "query_timeout", "retry_attempts",
                                        "enable_push_down", "pool_size" };
    const IdcYamlNode *settings = idc_yaml_get(root, "global_settings");
    IdcConfig *config = reader->config;

    if (!idc_reader_is_map(reader, settings, "global_settings"))
        return;
    idc_reader_check_keys(reader, settings, "global_settings", keys, COUNT_OF(keys));
    config->connection_timeout_ms = idc_reader_seconds_ms(reader, settings, "connection_timeout");
    config->query_timeout_ms = idc_reader_seconds_ms(reader, settings, "query_timeout");
    config->retry_attempts = idc_reader_int(reader, settings, "retry_attempts", 0, MAX_RETRIES);
    config->enable_push_down = idc_reader_bool(reader, settings, "enable_push_down", true);
    read_pool_size(reader, settings);
}

void
idc_settings_read(Reader *reader, const IdcYamlNode *root)
{
    read_pool_size(reader, root);
    read_hub(reader, root);
    read_global_settings(reader, root);
    (void) idc_reader_text(reader, root, "version");
}
