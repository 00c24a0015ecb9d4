/*
 * validate_columns.c - the columns of a table in the file, compared with those that its source has.
 *
 * In:   the table as the hub understood it, and as the source describes it
 * Out:  a problem for each column that is missing or of another kind, a note for each that holds
 *       less
 */
#include "setup/validate_private.h"

#include <string.h>
#include <strings.h>

static const IdcColumn *
find_remote_column(const IdcTable *remote, const char *name, bool any_case)
{
    for (size_t i = 0; i < remote->count; i++) {
        const char *there = idc_column_remote_name(&remote->columns[i]);

        if (any_case ? strcasecmp(there, name) == 0 : strcmp(there, name) == 0)
            return &remote->columns[i];
    }
    return NULL;
}

static void
report_missing_column(IdcValidation *check, const IdcTable *wanted, const IdcTable *remote,
                      const char *name)
{
    const char **words = idc_arena_alloc_array(check->arena, remote->count + 1, sizeof *words);
    const char *nearest;

    if (words == NULL)
        return;
    for (size_t i = 0; i < remote->count; i++)
        words[i] = idc_column_remote_name(&remote->columns[i]);
    nearest = idc_nearest_word(name, words, remote->count);
    idc_validate_problem(check,
                         idc_arena_printf(check->arena, "%s: the source has no column \"%s\"%s%s%s",
                                          idc_validate_place(check, wanted->config), name,
                                          nearest == NULL ? "" : ", did you mean \"",
                                          nearest == NULL ? "" : nearest,
                                          nearest == NULL ? "" : "\"?"),
                         "42703");
}

static bool
begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* MySQL's tinyint(1) is imported as boolean and its bit(n) as bit(n), but both are numbers too. */
static IdcTypeMatch
compare_types(const char *wanted, const IdcColumn *there)
{
    const IdcOption *option = idc_option_find(&there->options, "remote_type");
    const char *type = option == NULL ? "" : option->value;

    if (begins(type, "tinyint"))
        return idc_health_types(wanted, "smallint");
    if (begins(type, "bit(") && idc_health_types(wanted, "smallint") == IDC_TYPES_FIT)
        return IDC_TYPES_NARROW;
    return begins(type, "bit(") && strcmp(wanted, "bytea") == 0
               ? IDC_TYPES_FIT
               : idc_health_types(wanted, there->type);
}

void
idc_validate_columns(IdcValidation *check, const IdcTable *wanted, const IdcTable *remote,
                     bool any_case)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const IdcColumn *column = &wanted->columns[i];
        const char *name = idc_column_remote_name(column);
        const IdcColumn *there = find_remote_column(remote, name, any_case);
        IdcTypeMatch match;
        const char *text;

        if (there == NULL) {
            report_missing_column(check, wanted, remote, name);
            continue;
        }
        match = compare_types(column->type, there);
        if (match == IDC_TYPES_FIT)
            continue;
        text = idc_arena_printf(
            check->arena, "%s: column \"%s\" is %s in the file and %s in the source",
            idc_validate_place(check, wanted->config), column->name, column->type, there->type);
        if (match == IDC_TYPES_CLASH)
            idc_validate_problem(check, text, "42804");
        else
            idc_validate_note(check, text);
    }
}
