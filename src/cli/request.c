/*
 * request.c - reading SQL, parameters and the options of an answer.
 */
#include "cli/request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"

enum { MAX_SQL_BYTES = 64 << 20 };

bool
cli_answer_finish(CliAnswer *answer, const CliCommand *command)
{
    /* Text shows every digit; JSON's numbers are what its readers take for numbers anyway. */
    static const char *const numeric_defaults[] = { "string", "string", "float64", "float64",
                                                    "decimal" };

    if (!cli_format_parse(command, answer->format_name, &answer->format))
        return false;
    if (answer->numeric == NULL)
        answer->numeric = numeric_defaults[answer->format];
    if (strcmp(answer->numeric, "float64") != 0 && strcmp(answer->numeric, "decimal") != 0 &&
        strcmp(answer->numeric, "string") != 0) {
        (void) cli_usage_error(command, "--numeric is float64, decimal or string, not \"%s\"",
                               answer->numeric);
        return false;
    }
    answer->options[answer->option_count++] = (InstantOption){ "numeric", answer->numeric };
    if (answer->timeout_ms >= 0) {
        (void) snprintf(answer->timeout_text, sizeof answer->timeout_text, "%" PRId64,
                        answer->timeout_ms);
        answer->options[answer->option_count++] =
            (InstantOption){ "timeout_ms", answer->timeout_text };
    }
    return true;
}

/* ---- SQL ---- */

/* All of the file, at most MAX_SQL_BYTES; NULL with the reason in *problem. */
static char *
read_all(FILE *file, const char **problem)
{
    char *text = NULL;
    size_t len = 0, capacity = 0;

    for (;;) {
        if (capacity - len < 4096) {
            char *grown = realloc(text, capacity = capacity == 0 ? 8192 : capacity * 2);

            if (grown == NULL || capacity > MAX_SQL_BYTES) {
                *problem = grown == NULL ? "out of memory" : "it is longer than 64 MB";
                free(grown != NULL ? grown : text);
                return NULL;
            }
            text = grown;
        }
        len += fread(text + len, 1, capacity - len - 1, file);
        if (feof(file) || ferror(file))
            break;
    }
    text[len] = '\0';
    *problem = ferror(file) ? strerror(errno) : strlen(text) != len ? "it holds a NUL byte" : NULL;
    if (*problem == NULL)
        return text;
    free(text);
    return NULL;
}

char *
cli_sql_read(const CliCommand *command, const CliOperands *operands, const char *path,
             int *exit_code)
{
    const char *operand = operands->count > 0 ? operands->items[0] : NULL, *problem = NULL;
    FILE *file = stdin;
    char *sql;

    if ((operand == NULL) == (path == NULL)) {
        *exit_code =
            cli_usage_error(command,
                            operand == NULL ? "%s needs SQL: an operand, - for stdin, or --file"
                                            : "%s takes SQL or --file, not both",
                            command->name);
        return NULL;
    }
    if (operand != NULL && strcmp(operand, "-") != 0) {
        sql = strdup(operand);
        if (sql == NULL)
            *exit_code = cli_io_error("out of memory");
        return sql;
    }
    if (path != NULL && (file = fopen(path, "re")) == NULL) {
        *exit_code = cli_io_error("cannot read \"%s\": %s", path, strerror(errno));
        return NULL;
    }
    sql = read_all(file, &problem);
    if (file != stdin)
        (void) fclose(file);
    if (sql == NULL)
        *exit_code = cli_io_error("cannot read \"%s\": %s", path != NULL ? path : "stdin", problem);
    return sql;
}

/* ---- parameters ---- */

/* The length of NAME in NAME=…, or 0. */
static size_t
name_len(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char) text[len]) || text[len] == '_' ||
           (unsigned char) text[len] >= 0x80)
        len++;
    return text[len] == '=' && !isdigit((unsigned char) text[0]) ? len : 0;
}

/* A rough look is enough: the library reads the SQL properly, this only tells name=value from a
 * value that happens to hold an equals sign. */
static bool
sql_names(const char *sql, const char *name, size_t len)
{
    for (const char *at = sql; (at = strpbrk(at, ":(")) != NULL; at++)
        if (strncmp(at + 1, name, len) == 0 && !isalnum((unsigned char) at[1 + len]) &&
            at[1 + len] != '_' && (*at == ':' || (at > sql && at[-1] == '%')))
            return true;
    return false;
}

InstantParameter *
cli_parameters_make(const CliList *list, const char *sql, bool *is_fine)
{
    InstantParameter *parameters = NULL;

    *is_fine = true;
    if (list->count > 0 && (parameters = calloc(list->count, sizeof *parameters)) == NULL)
        *is_fine = false;
    for (size_t i = 0; i < list->count && *is_fine; i++) {
        const char *text = list->items[i];
        size_t len = name_len(text);

        if (len > 0 && sql_names(sql, text, len)) {
            parameters[i].name = strndup(text, len);
            *is_fine = parameters[i].name != NULL;
            text += len + 1;
        }
        parameters[i].value = (InstantValue){ INSTANT_TEXT, INSTANT_NULL, text, strlen(text) };
    }
    if (!*is_fine) {
        cli_parameters_free(parameters, list->count);
        (void) cli_io_error("out of memory");
        return NULL;
    }
    return parameters;
}

void
cli_parameters_free(InstantParameter *parameters, size_t count)
{
    for (size_t i = 0; parameters != NULL && i < count; i++)
        free((char *) parameters[i].name);
    free(parameters);
}
