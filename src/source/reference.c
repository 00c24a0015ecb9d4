/*
 * reference.c - an adapter's options, as the documentation shows them: a table for each level.
 *
 * In:   the declaration, which also checks the options
 * Out:  Markdown; docs/reference has it
 */
#include "source/source.h"

#include <inttypes.h>
#include <string.h>

typedef struct Level {
    IdcOptionLevel level;
    const char *title;
} Level;

static const Level levels[] = {
    { IDC_OPTION_SERVER, "Server" }, { IDC_OPTION_USER, "User mapping" },
    { IDC_OPTION_TABLE, "Table" },   { IDC_OPTION_COLUMN, "Column" },
    { IDC_OPTION_IMPORT, "Import" },
};

static const char *const type_names[] = {
    [IDC_OPTION_TEXT] = "text",       [IDC_OPTION_BOOL] = "yes or no",
    [IDC_OPTION_INTEGER] = "integer", [IDC_OPTION_NUMBER] = "number",
    [IDC_OPTION_WORD] = "word",       [IDC_OPTION_DURATION] = "duration",
    [IDC_OPTION_SIZE] = "size",       [IDC_OPTION_URL] = "URL",
    [IDC_OPTION_JSON] = "JSON",
};

/* In a cell of a table. */
static void
append_cell(IdcText *text, const char *string)
{
    for (; *string != '\0'; string++) {
        if (*string == '|' || *string == '\\' || *string == '<')
            idc_text_append_char(text, '\\');
        idc_text_append_char(text, *string == '\n' ? ' ' : *string);
    }
}

static void
append_code(IdcText *text, const char *string)
{
    idc_text_append_char(text, '`');
    for (; *string != '\0'; string++) {
        if (*string == '|')
            idc_text_append_char(text, '\\');
        idc_text_append_char(text, *string);
    }
    idc_text_append_char(text, '`');
}

static void
append_bound(IdcText *text, const IdcAdapterOption *option, int64_t bound)
{
    if (option->type == IDC_OPTION_DURATION && bound % 1000 == 0)
        idc_text_append_format(text, "%" PRId64 " s", bound / 1000);
    else if (option->type == IDC_OPTION_DURATION)
        idc_text_append_format(text, "%" PRId64 " ms", bound);
    else if (option->type == IDC_OPTION_SIZE && bound >= 1 << 20 && bound % (1 << 20) == 0)
        idc_text_append_format(text, "%" PRId64 " MB", bound >> 20);
    else
        idc_text_append_format(text, "%" PRId64, bound);
}

static void
append_type(IdcText *text, const IdcAdapterOption *option)
{
    if (option->type == IDC_OPTION_WORD && option->words != NULL) {
        for (size_t i = 0; option->words[i] != NULL; i++) {
            idc_text_append(text, i == 0 ? "" : ", ");
            append_code(text, option->words[i]);
        }
        return;
    }
    idc_text_append(text, type_names[option->type]);
    if (option->max > 0) {
        idc_text_append(text, ", ");
        append_bound(text, option, option->min);
        idc_text_append(text, " to ");
        append_bound(text, option, option->max);
    }
}

static void
append_option(IdcText *text, const IdcAdapterOption *option)
{
    idc_text_append(text, "| ");
    append_code(text, option->name);
    idc_text_append(text, " | ");
    append_type(text, option);
    idc_text_append(text, " | ");
    if (option->fallback != NULL && option->fallback[0] == '\0')
        idc_text_append(text, "empty");
    else if (option->fallback != NULL)
        append_code(text, option->fallback);
    else if (option->is_required)
        idc_text_append(text, "required");
    idc_text_append(text, " | ");
    append_cell(text, option->help == NULL ? "" : option->help);
    if (option->is_secret)
        idc_text_append(text, " (secret)");
    if (option->is_local)
        idc_text_append(text, " (superusers only)");
    idc_text_append(text, " |\n");
}

/* Of every adapter that has secrets (secrets.c). */
static const IdcAdapterOption credential = {
    .name = "credential",
    .levels = IDC_OPTION_USER,
    .help = "name of a file with user options, in the hub's directory of credentials",
};

static void
append_level(IdcText *text, const IdcDeclaration *declaration, const Level *level)
{
    bool has_some = false, has_secret = false;

    for (const IdcAdapterOption *option = declaration->options; option->name != NULL; option++) {
        if ((option->levels & level->level) == 0)
            continue;
        if (!has_some)
            idc_text_append_format(text,
                                   "\n## %s\n\n| option | value | default | meaning |\n"
                                   "| --- | --- | --- | --- |\n",
                                   level->title);
        has_some = true;
        has_secret |= option->is_secret;
        append_option(text, option);
    }
    if (has_secret)
        append_option(text, &credential);
}

void
idc_reference_write(const IdcDeclaration *declaration, IdcText *text)
{
    idc_text_append_format(text, "# Options of %s\n\nWrapper `instant_%s`.\n",
                           declaration->title == NULL ? declaration->name : declaration->title,
                           declaration->name);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        append_level(text, declaration, &levels[i]);
}
