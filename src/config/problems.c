/*
 * problems.c - gather, sort and print what is wrong with a configuration.
 */
#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 64, MESSAGE_BYTES = 1024, HINT_WORDS = 24 };

static bool
is_same_problem(const IdcProblem *a, IdcPosition position, const char *message)
{
    return a->position.line == position.line && a->position.column == position.column &&
           strcmp(a->position.file, position.file) == 0 && strcmp(a->message, message) == 0;
}

void
idc_problems_add(IdcProblems *problems, IdcPosition position, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    const char *copy;
    va_list args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof message, format, args);
    va_end(args);
    /* An alias shows the same node several times. */
    for (size_t i = 0; i < problems->count; i++)
        if (is_same_problem(&problems->items[i], position, message))
            return;
    if (problems->count == IDC_PROBLEMS_MAX) {
        problems->dropped_count++;
        return;
    }
    copy = idc_arena_strdup(problems->arena, message);
    if (copy == NULL) {
        problems->is_out_of_memory = true;
        return;
    }
    problems->items[problems->count++] = (IdcProblem){ position, copy };
}

/* 0 for the first file, 1 for the other one: the sort needs nothing from outside. */
static int
compare_problems(const void *left, const void *right, void *first_file)
{
    const IdcProblem *a = left, *b = right;
    int a_rank = strcmp(a->position.file, first_file) != 0;
    int b_rank = strcmp(b->position.file, first_file) != 0;

    if (a_rank != b_rank)
        return a_rank - b_rank;
    if (a->position.line != b->position.line)
        return a->position.line < b->position.line ? -1 : 1;
    if (a->position.column != b->position.column)
        return a->position.column < b->position.column ? -1 : 1;
    return strcmp(a->message, b->message);
}

static void
append_problem(IdcText *text, const IdcProblem *problem)
{
    if (problem->position.line == 0)
        idc_text_append_format(text, "%s: %s", problem->position.file, problem->message);
    else
        idc_text_append_format(text, "%s:%d:%d: %s", problem->position.file, problem->position.line,
                               problem->position.column, problem->message);
}

/* As many whole lines as an error's message holds, and how many more there are. */
static IdcStatus
fail_with_problems(const IdcProblems *problems, IdcError *err)
{
    char message[sizeof err->message - 64];
    size_t used = 0, shown = 0, total = problems->count + problems->dropped_count;

    message[0] = '\0';
    for (; shown < problems->count; shown++) {
        IdcText line;
        size_t len;

        idc_text_init(&line, 0);
        append_problem(&line, &problems->items[shown]);
        len = line.len;
        if (line.is_broken || (used > 0 && used + len + 2 > sizeof message)) {
            idc_text_done(&line);
            break;
        }
        used += (size_t) snprintf(message + used, sizeof message - used, "%s%s",
                                  used > 0 ? "\n" : "", idc_text_string(&line));
        if (used >= sizeof message)
            used = sizeof message - 1;
        idc_text_done(&line);
    }
    if (shown == total)
        return idc_fail(err, IDC_BAD_CONFIG, "%s", message);
    return idc_fail(err, IDC_BAD_CONFIG, "%s\nand %zu more", message, total - shown);
}

IdcStatus
idc_problems_report(IdcProblems *problems, IdcText *report, IdcError *err)
{
    if (problems->is_out_of_memory)
        return idc_fail_no_memory(err);
    if (problems->count == 0)
        return IDC_OK;
    qsort_r(problems->items, problems->count, sizeof problems->items[0], compare_problems,
            (void *) problems->first_file);
    for (size_t i = 0; report != NULL && i < problems->count; i++) {
        append_problem(report, &problems->items[i]);
        idc_text_append_char(report, '\n');
    }
    if (report != NULL && problems->dropped_count > 0)
        idc_text_append_format(report, "%s: and %zu more\n", problems->first_file,
                               problems->dropped_count);
    return fail_with_problems(problems, err);
}

void
idc_problems_hide(IdcProblems *problems, const char *text, const char *written)
{
    IdcHiddenText *hidden = idc_arena_alloc(problems->arena, sizeof *hidden);

    if (hidden == NULL) {
        problems->is_out_of_memory = true;
        return;
    }
    *hidden = (IdcHiddenText){ problems->hidden, text, written };
    problems->hidden = hidden;
}

const char *
idc_problems_written(const IdcProblems *problems, const char *text)
{
    for (const IdcHiddenText *hidden = problems->hidden; hidden != NULL; hidden = hidden->next)
        if (hidden->text == text)
            return hidden->written;
    return NULL;
}

const char *
idc_problems_shown(IdcProblems *problems, const char *word)
{
    const char *written;
    char *shown;
    size_t len;
    bool is_cut;

    if (problems->count == IDC_PROBLEMS_MAX)
        return ""; /* will not be shown */
    written = idc_problems_written(problems, word);
    word = written != NULL ? written : word;
    len = strnlen(word, SHOWN_BYTES + 1);
    is_cut = len > SHOWN_BYTES;

    /* Never cut within a UTF-8 sequence: its later bytes are 10xxxxxx. */
    if (is_cut)
        for (len = SHOWN_BYTES; len > 0 && ((unsigned char) word[len] & 0xC0) == 0x80; len--)
            ;
    shown = idc_arena_printf(problems->arena, "%.*s%s", (int) len, word, is_cut ? "..." : "");
    if (shown == NULL) {
        problems->is_out_of_memory = true;
        return "";
    }
    for (char *c = shown; *c != '\0'; c++)
        if ((unsigned char) *c < 0x20 || *c == 0x7F)
            *c = '?';
    return shown;
}

const char *
idc_problems_hint(IdcProblems *problems, const char *given, const char *const *words, size_t count)
{
    const char *nearest, *hint = NULL;
    IdcText text;

    if (problems->count == IDC_PROBLEMS_MAX)
        return ""; /* will not be shown */
    nearest = idc_nearest_word(given, words, count);
    if (nearest != NULL) {
        hint = idc_arena_printf(problems->arena, ", did you mean \"%s\"?",
                                idc_problems_shown(problems, nearest));
    } else if (count == 0 || count > HINT_WORDS) {
        return "";
    } else {
        idc_text_init(&text, 0);
        idc_text_append(&text, ", expected ");
        for (size_t i = 0; i < count; i++)
            idc_text_append_format(&text, "%s%s", idc_problems_shown(problems, words[i]),
                                   i + 2 < count    ? ", "
                                   : i + 2 == count ? " or "
                                                    : "");
        hint = text.is_broken ? NULL : idc_arena_strdup(problems->arena, idc_text_string(&text));
        idc_text_done(&text);
    }
    if (hint == NULL) {
        problems->is_out_of_memory = true;
        return "";
    }
    return hint;
}
