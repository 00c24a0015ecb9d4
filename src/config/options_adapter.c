/*
 * options_adapter.c - options of our own wrappers, by the tables that the adapters declare.
 *
 * In:   a name, a value, and where they stand
 * Out:  the same, checked; what is wrong goes to the problems
 */
#include "config/reader.h"

#include <string.h>

#define PREFIX "instant_"

const IdcDeclaration *
idc_adapter_of(const char *wrapper)
{
    if (wrapper == NULL || strncmp(wrapper, PREFIX, sizeof PREFIX - 1) != 0)
        return NULL;
    return idc_declaration_find(wrapper + sizeof PREFIX - 1);
}

const char *
idc_adapter_wrapper(Reader *reader, const char *adapter)
{
    const char *wrapper = idc_arena_printf(reader->arena, PREFIX "%s", adapter);

    reader->problems->is_out_of_memory |= wrapper == NULL;
    return wrapper;
}

enum { MAX_WORDS = 256 };

static const char *
level_words(OptionLevel level)
{
    if (level == OPTION_SERVER)
        return "a server";
    if (level == OPTION_USER)
        return "a user mapping";
    return level == OPTION_TABLE ? "a table" : "a column";
}

/* Where the file has it, an option may stand at the server that ends up at the user mapping. */
static IdcOptionLevel
level_of(const IdcDeclaration *declaration, OptionLevel level, const char *name)
{
    bool is_of_user = level == OPTION_SERVER &&
                      idc_adapter_option_find(declaration, IDC_OPTION_SERVER, name) == NULL &&
                      idc_adapter_option_find(declaration, IDC_OPTION_USER, name) != NULL;

    return is_of_user ? IDC_OPTION_USER : (IdcOptionLevel) level;
}

bool
idc_adapter_option_knows(const IdcDeclaration *declaration, OptionLevel level, const char *name)
{
    return idc_adapter_option_find(declaration, level_of(declaration, level, name), name) != NULL;
}

/* A value that came of a variable may be a secret, and so may that of a secret option. */
static bool
is_hidden(Reader *reader, const IdcAdapterOption *known, const IdcConfigOption *option)
{
    return (known != NULL && known->is_secret) || strstr(option->value, "${") != NULL ||
           idc_problems_written(reader->problems, option->value) != NULL;
}

/* Unknown at every level: the nearest of those that may stand here, and no word of a variable. */
static void
report_unknown(Reader *reader, const IdcDeclaration *declaration, OptionLevel level,
               const IdcConfigOption *option)
{
    const char *words[MAX_WORDS], *nearest;
    unsigned levels = level == OPTION_SERVER ? OPTION_SERVER | OPTION_USER : (unsigned) level;
    size_t count = 0;

    for (const IdcAdapterOption *one = declaration->options; one->name != NULL; one++)
        if ((one->levels & levels) != 0 && count < MAX_WORDS)
            words[count++] = one->name;
    for (const IdcAdapterOption *one = idc_common_options; one->name != NULL; one++)
        if ((one->levels & levels) != 0 && count < MAX_WORDS)
            words[count++] = one->name;
    nearest = idc_nearest_word(option->name, words, count);
    idc_problems_add(reader->problems, option->position, "%s of \"%s\" has no option \"%s\"%s%s%s",
                     level_words(level), declaration->name,
                     idc_problems_shown(reader->problems, option->name),
                     nearest == NULL ? "" : ", did you mean \"", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "\"?");
}

static bool
is_known_somewhere(const IdcDeclaration *declaration, const char *name)
{
    for (unsigned level = IDC_OPTION_SERVER; level <= IDC_OPTION_IMPORT; level *= 2)
        if (idc_adapter_option_find(declaration, (IdcOptionLevel) level, name) != NULL)
            return true;
    return false;
}

void
idc_adapter_option_accept(Reader *reader, const IdcDeclaration *declaration, OptionLevel level,
                          IdcConfigOption option, IdcConfigOptions *options)
{
    IdcOptionLevel found_at = level_of(declaration, level, option.name);
    const IdcAdapterOption *known = idc_adapter_option_find(declaration, found_at, option.name);
    const char *written = idc_problems_written(reader->problems, option.value);
    IdcError err;

    idc_error_init(&err);
    /* A variable that a source which is not enabled may lack. */
    if (known != NULL && written == NULL && strstr(option.value, "${") != NULL) {
        idc_options_add(reader, options, option);
        return;
    }
    if (idc_adapter_option_check(declaration, found_at, option.name, option.value, &err) ==
        IDC_OK) {
        idc_options_add(reader, options, option);
        return;
    }
    if (!is_known_somewhere(declaration, option.name))
        report_unknown(reader, declaration, level, &option);
    else if (known != NULL && is_hidden(reader, known, &option))
        idc_problems_add(reader->problems, option.position,
                         "option \"%s\" has a value that it does not take%s%s", known->name,
                         err.hint[0] == '\0' ? "" : ": ", err.hint);
    else
        idc_problems_add(reader->problems, option.position, "%s%s%s", err.message,
                         err.hint[0] == '\0' ? "" : ", ", err.hint);
}

bool
idc_adapter_option_takes_json(const char *name)
{
    const IdcDeclaration *const *all = idc_declarations();

    for (size_t i = 0; all[i] != NULL; i++)
        for (const IdcAdapterOption *option = all[i]->options; option->name != NULL; option++)
            if (option->type == IDC_OPTION_JSON && strcmp(option->name, name) == 0)
                return true;
    return false;
}

/* A variable of a source that is not enabled may be missing: what it would say is not known. */
static bool
lacks_variable(const IdcConfigOptions *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strstr(options->items[i].value, "${") != NULL)
            return true;
    return false;
}

/* What came of a variable must not be said. */
static bool
says_hidden(Reader *reader, const IdcConfigOptions *options, const char *message)
{
    for (size_t i = 0; i < options->count; i++)
        if (idc_problems_written(reader->problems, options->items[i].value) != NULL &&
            options->items[i].value[0] != '\0' && strstr(message, options->items[i].value) != NULL)
            return true;
    return false;
}

void
idc_adapter_options_whole(Reader *reader, const char *wrapper, OptionLevel level,
                          const IdcConfigOptions *options, IdcPosition position)
{
    const IdcDeclaration *declaration = idc_adapter_of(wrapper);
    IdcOptionPair *pairs;
    IdcOptionSet set;
    IdcError err;

    if (declaration == NULL || lacks_variable(options))
        return;
    pairs = idc_reader_alloc(reader, options->count, sizeof *pairs);
    if (pairs == NULL)
        return;
    for (size_t i = 0; i < options->count; i++)
        pairs[i] = (IdcOptionPair){ options->items[i].name, options->items[i].value };
    set = (IdcOptionSet){ pairs, options->count };
    idc_error_init(&err);
    if (idc_adapter_options_check(declaration, (IdcOptionLevel) level, &set, &err) == IDC_OK)
        return;
    if (says_hidden(reader, options, err.message))
        idc_problems_add(reader->problems, position,
                         "an option of %s has a value that it does not take", declaration->name);
    else
        idc_problems_add(reader->problems, position, "%s%s%s%s", err.message,
                         err.hint[0] == '\0' ? "" : " (", err.hint, err.hint[0] == '\0' ? "" : ")");
}

void
idc_adapter_options_settle(Reader *reader, IdcConfigSource *source)
{
    const IdcDeclaration *declaration = idc_adapter_of(source->wrapper);
    IdcConfigOptions server = { NULL, 0 };

    for (size_t i = 0; i < source->server_options.count; i++) {
        const IdcConfigOption *option = &source->server_options.items[i];
        bool is_of_user = level_of(declaration, OPTION_SERVER, option->name) == IDC_OPTION_USER;

        idc_options_add(reader, is_of_user ? &source->user_options : &server, *option);
    }
    source->server_options = server;
}

const IdcYamlNode *
idc_adapter_key(const IdcYamlNode *node, const IdcDeclaration **declaration)
{
    const IdcDeclaration *const *all = idc_declarations();

    for (size_t i = 0; all[i] != NULL; i++) {
        const IdcYamlNode *value = idc_yaml_get(node, all[i]->name);

        if (value != NULL) {
            *declaration = all[i];
            return value;
        }
    }
    return NULL;
}

void
idc_adapter_key_read(Reader *reader, const IdcYamlNode *value, const IdcDeclaration *declaration,
                     IdcConfigOptions *raw)
{
    if (value->kind != IDC_YAML_TEXT || value->is_null) {
        idc_options_gather(reader, value, declaration->name, raw);
        return;
    }
    for (const IdcAdapterOption *option = declaration->options; option->name != NULL; option++)
        if (option->is_required && (option->levels & IDC_OPTION_SERVER)) {
            idc_options_add(reader, raw,
                            (IdcConfigOption){ option->name, value->text, value->position });
            return;
        }
    idc_problems_add(reader->problems, value->position,
                     "%s: found text, expected a mapping of options or a URL such as "
                     "%s://user@host/database",
                     declaration->name, declaration->name);
}

bool
idc_adapter_takes_multicorn(const char *wrapper, IdcConfigOptions *raw)
{
    const char *class_name;

    if (wrapper == NULL || strcmp(wrapper, "multicorn") != 0)
        return false;
    class_name = idc_options_get(raw, "wrapper");
    if (class_name == NULL || strcmp(class_name, "multicorn.restfdw.RestFdw") != 0)
        return false;
    idc_options_remove(raw, "wrapper");
    return true;
}
