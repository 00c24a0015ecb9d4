/*
 * problems.c - gather, sort and print what is wrong with a configuration.
 */
#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_BYTES = 64,
    MESSAGE_BYTES = 1024,
    EXPECTED_WORDS = 24, /* more than that are not listed */
    NEAREST_WORDS = 1000 /* and of more than that, the nearest is not looked for */
};

/* A hint may stand behind the message. */
static bool
is_same_problem(const IdcProblem *a, IdcPosition position, const char *message, size_t len)
{
    return a->position.line == position.line && a->position.column == position.column &&
           strcmp(a->position.file, position.file) == 0 && strncmp(a->message, message, len) == 0 &&
           (a->message[len] == '\0' || a->message[len] == ',');
}

/* False when it is there already, since an alias shows the same node several times, or when there
 * is no more room. */
static bool
is_wanted(IdcProblems *problems, IdcPosition position, const char *message)
{
    size_t len = strlen(message);

    for (size_t i = 0; i < problems->count; i++)
        if (is_same_problem(&problems->items[i], position, message, len))
            return false;
    if (problems->count < IDC_PROBLEMS_MAX)
        return true;
    problems->dropped_count++;
    return false;
}

static void
keep_problem(IdcProblems *problems, IdcPosition position, const char *message, const char *hint)
{
    const char *copy = idc_arena_printf(problems->arena, "%s%s", message, hint);

    if (copy == NULL)
        problems->is_out_of_memory = true;
    else
        problems->items[problems->count++] = (IdcProblem){ position, copy };
}

void
idc_problems_add(IdcProblems *problems, IdcPosition position, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (is_wanted(problems, position, message))
        keep_problem(problems, position, message, "");
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

/* ---- texts that came of variables ---- */

/* The slot of text, or the free one where it belongs. Addresses are spread by Fibonacci hashing. */
static IdcHiddenText *
hidden_slot(IdcHiddenText *slots, size_t capacity, const char *text)
{
    uint64_t hash = (uint64_t) (uintptr_t) text * UINT64_C(0x9E3779B97F4A7C15);
    size_t i = (size_t) (hash >> 32) & (capacity - 1);

    while (slots[i].text != NULL && slots[i].text != text)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static bool
hidden_grow(IdcProblems *problems)
{
    size_t capacity = problems->hidden_capacity == 0 ? 64 : problems->hidden_capacity * 2;
    IdcHiddenText *slots = idc_arena_alloc_array(problems->arena, capacity, sizeof *slots);

    if (slots == NULL) {
        problems->is_out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < problems->hidden_capacity; i++)
        if (problems->hidden[i].text != NULL)
            *hidden_slot(slots, capacity, problems->hidden[i].text) = problems->hidden[i];
    problems->hidden = slots;
    problems->hidden_capacity = capacity;
    return true;
}

void
idc_problems_hide(IdcProblems *problems, const char *text, const char *written)
{
    IdcHiddenText *slot;

    if (problems->hidden_count >= problems->hidden_capacity / 2 && !hidden_grow(problems))
        return;
    slot = hidden_slot(problems->hidden, problems->hidden_capacity, text);
    if (slot->text == NULL)
        problems->hidden_count++;
    *slot = (IdcHiddenText){ text, written };
}

void
idc_problems_share(IdcProblems *problems, const IdcProblems *copy)
{
    problems->hidden = copy->hidden;
    problems->hidden_count = copy->hidden_count;
    problems->hidden_capacity = copy->hidden_capacity;
    problems->is_out_of_memory |= copy->is_out_of_memory;
}

const char *
idc_problems_written(const IdcProblems *problems, const char *text)
{
    if (problems->hidden_capacity == 0 || text == NULL)
        return NULL;
    return hidden_slot(problems->hidden, problems->hidden_capacity, text)->written;
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

/* What stands behind a message; "" when there is nothing to say. */
static const char *
hint_of(IdcProblems *problems, const char *given, const char *const *words, size_t count)
{
    const char *nearest = count > NEAREST_WORDS ? NULL : idc_nearest_word(given, words, count);
    const char *hint = NULL;
    IdcText text;

    if (nearest != NULL) {
        hint = idc_arena_printf(problems->arena, ", did you mean \"%s\"?",
                                idc_problems_shown(problems, nearest));
    } else if (count == 0 || count > EXPECTED_WORDS) {
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

void
idc_problems_add_hint(IdcProblems *problems, IdcPosition position, const char *given,
                      const char *const *words, size_t count, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (is_wanted(problems, position, message))
        keep_problem(problems, position, message, hint_of(problems, given, words, count));
}
