/*
 * problems.h - everything wrong with a configuration, gathered before it is reported.
 *
 * In:   a position and a sentence
 * Out:  lines `file:line:column: sentence`, sorted by position, no line twice
 */
#ifndef IDC_CONFIG_PROBLEMS_H
#define IDC_CONFIG_PROBLEMS_H

#include "config/config.h"

enum { IDC_PROBLEMS_MAX = 100 };

typedef struct IdcProblem {
    IdcPosition position;
    const char *message;
} IdcProblem;

/* Text that came of a variable, and what stands in the file instead. */
typedef struct IdcHiddenText {
    const char *text, *written;
} IdcHiddenText;

/*
 * Messages live in arena. first_file sorts before any other file. hidden is a hash table of
 * hidden_capacity slots (0 or a power of two, at most half of them taken; text NULL: free).
 */
typedef struct IdcProblems {
    IdcArena *arena;
    const char *first_file;
    IdcProblem items[IDC_PROBLEMS_MAX];
    size_t count;
    size_t dropped_count;
    IdcHiddenText *hidden;
    size_t hidden_count, hidden_capacity;
    bool is_out_of_memory;
} IdcProblems;

void idc_problems_add(IdcProblems *problems, IdcPosition position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Sort, append a line each to report (may be NULL), and fill err with as many whole lines as fit.
 * Returns IDC_OK without problems, IDC_BAD_CONFIG with some.
 */
IDC_CHECKED IdcStatus idc_problems_report(IdcProblems *problems, IdcText *report, IdcError *err);

/*
 * A word of the file as a message may show it: at most 64 bytes, no control characters. It lives in
 * the arena; "" when out of memory. Never for values of options.
 */
const char *idc_problems_shown(IdcProblems *problems, const char *word);

/*
 * From now on a message shows `written` (good as long as the arena) where it would show this very
 * pointer: what a variable holds may be a secret wherever it stands.
 */
void idc_problems_hide(IdcProblems *problems, const char *text, const char *written);

/* What was hidden in a copy of problems (with problems of its own) is hidden in problems too. */
void idc_problems_share(IdcProblems *problems, const IdcProblems *copy);

/* What was written for a text that is hidden, else NULL. */
const char *idc_problems_written(const IdcProblems *problems, const char *text);

/*
 * As idc_problems_add, and behind the message `, did you mean "x"?`, or `, expected a, b or c` when
 * none of words is near to given.
 */
void idc_problems_add_hint(IdcProblems *problems, IdcPosition position, const char *given,
                           const char *const *words, size_t count, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
