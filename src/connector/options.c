/*
 * options.c - keys and values into structs, by tables of names.
 */
#include "connector/options.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* Where the value of a key goes: a text, or a number from least to most. */
typedef struct OptionField {
    const char *name;
    size_t offset;
    bool is_number;
    int64_t least, most;
} OptionField;

#define TEXT_FIELD(type, name)                                                                     \
    {                                                                                              \
#name, offsetof(type, name), false, 0, 0                                                   \
    }
#define NUMBER_FIELD(type, name, least, most)                                                      \
    {                                                                                              \
#name, offsetof(type, name), true, least, most                                             \
    }

static const OptionField open_fields[] = {
    TEXT_FIELD(IdcOpenOptions, config_path),
    TEXT_FIELD(IdcOpenOptions, config_text),
    TEXT_FIELD(IdcOpenOptions, schema_path),
    TEXT_FIELD(IdcOpenOptions, hub_url),
    { "hub", offsetof(IdcOpenOptions, hub_word), false, 0, 0 },
    TEXT_FIELD(IdcOpenOptions, home),
    TEXT_FIELD(IdcOpenOptions, application_name),
    NUMBER_FIELD(IdcOpenOptions, pool_size, 1, 10000),
    NUMBER_FIELD(IdcOpenOptions, pool_timeout_ms, 0, INT32_MAX),
    NUMBER_FIELD(IdcOpenOptions, connect_timeout_ms, 1, INT32_MAX),
    NUMBER_FIELD(IdcOpenOptions, query_timeout_ms, 0, INT32_MAX),
};
enum { OPEN_FIELD_COUNT = sizeof open_fields / sizeof *open_fields };

IdcStatus
idc_fail_unknown_option(const char *key, const char *const *words, size_t word_count, IdcError *err)
{
    const char *nearest = idc_nearest_word(key, words, word_count);

    (void) idc_fail(err, IDC_BAD_VALUE, "unknown option \"%s\"", key);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    return IDC_BAD_VALUE;
}

static IdcStatus
number_parse(const char *key, const char *value, int64_t least, int64_t most, int64_t *number,
             IdcError *err)
{
    int64_t parsed;

    if (value == NULL || !idc_int64_parse(value, &parsed) || parsed < least || parsed > most)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"%s\" is \"%s\", expected a whole number from %lld to %lld", key,
                        value != NULL ? value : "", (long long) least, (long long) most);
    *number = parsed;
    return IDC_OK;
}

static IdcStatus
open_field_set(IdcOpenOptions *parsed, const InstantOption *option, IdcError *err)
{
    const char *names[OPEN_FIELD_COUNT];

    for (size_t i = 0; i < OPEN_FIELD_COUNT; i++) {
        const OptionField *field = &open_fields[i];
        char *target = (char *) parsed + field->offset;

        names[i] = field->name;
        if (strcmp(option->key, field->name) != 0)
            continue;
        if (field->is_number)
            return number_parse(option->key, option->value, field->least, field->most,
                                (int64_t *) target, err);
        *(const char **) target = option->value;
        return IDC_OK;
    }
    return idc_fail_unknown_option(option->key, names, OPEN_FIELD_COUNT, err);
}

/* A key with this prefix, such as hub.host: what stands behind the prefix, or NULL. */
static const char *
after_prefix(const char *key, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(key, prefix, len) == 0 && key[len] != '\0' ? key + len : NULL;
}

IdcStatus
idc_open_options_parse(IdcArena *arena, const InstantOption *options, size_t count,
                       IdcOpenOptions *parsed, IdcError *err)
{
    IdcOpenOptions result = {
        .pool_size = -1, .pool_timeout_ms = -1, .connect_timeout_ms = -1, .query_timeout_ms = -1
    };

    result.hub_keywords = idc_arena_alloc_array(arena, count + 1, sizeof *result.hub_keywords);
    result.environment = idc_arena_alloc_array(arena, count + 1, sizeof *result.environment);
    if (result.hub_keywords == NULL || result.environment == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        IdcStatus status = IDC_OK;

        if ((name = after_prefix(options[i].key, "hub.")) != NULL)
            result.hub_keywords[result.hub_keyword_count++] =
                (IdcKeyword){ name, options[i].value };
        else if ((name = after_prefix(options[i].key, "env.")) != NULL)
            result.environment[result.environment_count++] = (IdcKeyword){ name, options[i].value };
        else
            status = open_field_set(&result, &options[i], err);
        if (status != IDC_OK)
            return status;
    }
    *parsed = result;
    return IDC_OK;
}

static const char *const result_option_names[] = {
    "numeric",  "unrepresentable", "batch_rows",  "batch_bytes", "single_batch", "timeout_ms",
    "transfer", "dictionary",      "compression", "partitions",  "partition_on", "partition_order"
};
enum { MAX_PARTITIONS = 64 };
enum { RESULT_OPTION_COUNT = sizeof result_option_names / sizeof *result_option_names };

/* The position of value in words, which option `key` has to be. */
static IdcStatus
word_parse(const char *key, const char *value, const char *const *words, size_t word_count,
           size_t *position, IdcError *err)
{
    IdcText list;

    for (size_t i = 0; i < word_count; i++)
        if (value != NULL && strcmp(value, words[i]) == 0) {
            *position = i;
            return IDC_OK;
        }
    idc_text_init(&list, 0);
    for (size_t i = 0; i < word_count; i++)
        idc_text_append_format(&list, "%s%s", i == 0 ? "" : ", ", words[i]);
    (void) idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is \"%s\", expected one of: %s", key,
                    value != NULL ? value : "", idc_text_string(&list));
    idc_text_done(&list);
    return IDC_BAD_VALUE;
}

static IdcStatus
bool_parse(const char *key, const char *value, bool *flag, IdcError *err)
{
    if (value == NULL || !idc_bool_parse(value, flag))
        return idc_fail(err, IDC_BAD_VALUE, "option \"%s\" is \"%s\", expected true or false", key,
                        value != NULL ? value : "");
    return IDC_OK;
}

/* An option that is one of a few words, in the order of its enum. */
typedef struct WordOption {
    const char *key;
    const char *words[4];
} WordOption;

static const WordOption word_options[] = {
    { "numeric", { "float64", "decimal", "string" } },
    { "unrepresentable", { "null", "error" } },
    { "transfer", { "auto", "arrow", "copy" } },
    { "dictionary", { "off", "auto" } },
    { "compression", { "auto", "none", "lz4", "zstd" } },
};
enum { WORD_OPTION_COUNT = sizeof word_options / sizeof *word_options };

static void
word_option_set(IdcResultOptions *parsed, size_t option, size_t position)
{
    switch (option) {
    case 0:
        parsed->numeric = (IdcNumericMode) position;
        break;
    case 1:
        parsed->batch.fail_unrepresentable = position == 1;
        break;
    case 2:
        parsed->transfer = (IdcTransfer) position;
        break;
    case 3:
        parsed->dictionary = (IdcDictionaryMode) position;
        break;
    default:
        parsed->compression = (IdcCompression) position;
    }
}

static IdcStatus
result_option_set(IdcResultOptions *parsed, const InstantOption *option, IdcError *err)
{
    const char *key = option->key, *value = option->value;

    for (size_t i = 0; i < WORD_OPTION_COUNT; i++) {
        size_t count = 0, position = 0;
        IdcStatus status;

        if (strcmp(key, word_options[i].key) != 0)
            continue;
        while (count < 4 && word_options[i].words[count] != NULL)
            count++;
        status = word_parse(key, value, word_options[i].words, count, &position, err);
        if (status == IDC_OK)
            word_option_set(parsed, i, position);
        return status;
    }
    if (strcmp(key, "batch_rows") == 0) {
        /* Who asks for a size gets it from the first batch on. */
        parsed->batch.first_batch_rows = 0;
        return number_parse(key, value, 1, INT32_MAX, &parsed->batch.batch_rows, err);
    }
    if (strcmp(key, "batch_bytes") == 0)
        return number_parse(key, value, 1, INT64_MAX, &parsed->batch.batch_bytes, err);
    if (strcmp(key, "single_batch") == 0)
        return bool_parse(key, value, &parsed->batch.single_batch, err);
    if (strcmp(key, "timeout_ms") == 0)
        return number_parse(key, value, 0, INT32_MAX, &parsed->timeout_ms, err);
    if (strcmp(key, "partitions") == 0)
        return number_parse(key, value, 1, MAX_PARTITIONS, &parsed->partitions, err);
    if (strcmp(key, "partition_order") == 0)
        return bool_parse(key, value, &parsed->is_ordered, err);
    if (strcmp(key, "partition_on") == 0) {
        parsed->partition_on = value;
        return IDC_OK;
    }
    return idc_fail_unknown_option(key, result_option_names, RESULT_OPTION_COUNT, err);
}

IdcStatus
idc_result_options_parse(const InstantOption *options, size_t count, IdcResultOptions *parsed,
                         IdcError *err)
{
    IdcResultOptions result = {
        .numeric = IDC_NUMERIC_DECIMAL,
        .batch = { .batch_rows = 65536, .first_batch_rows = 1024, .batch_bytes = 16 * 1024 * 1024 },
        .partitions = 1,
    };

    for (size_t i = 0; i < count; i++) {
        IdcStatus status = result_option_set(&result, &options[i], err);

        if (status != IDC_OK)
            return status;
    }
    *parsed = result;
    return IDC_OK;
}

IdcStatus
idc_flags_parse(const InstantOption *options, size_t count, IdcFlag *flags, size_t flag_count,
                IdcError *err)
{
    const char *names[8];

    for (size_t f = 0; f < flag_count; f++)
        names[f] = flags[f].name;
    for (size_t i = 0; i < count; i++) {
        IdcStatus status = IDC_OK;
        size_t f = 0;

        while (f < flag_count && strcmp(options[i].key, flags[f].name) != 0)
            f++;
        if (f == flag_count)
            return idc_fail_unknown_option(options[i].key, names, flag_count, err);
        status = bool_parse(options[i].key, options[i].value, &flags[f].value, err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}
