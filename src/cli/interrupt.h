/*
 * interrupt.h - SIGINT and SIGTERM stop the running call.
 *
 * A thread waits for the signals, so that what it calls need not be safe inside a signal handler.
 * The first signal cancels the call and the open result, or ends the program when there is neither;
 * a second one, or three seconds without an end, ends the program in any case.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "cli/cli.h"

/* Blocks the signals for this thread and those it starts. NULL when no thread can be started: the
 * signals then do what they do without us. */
CliInterrupt *cli_interrupt_start(InstantCall *call);

/* What the first signal cancels from now on: the call, or the result (and NULL again before it is
 * freed). Nothing happens when interrupt is NULL. */
void cli_interrupt_watch_call(CliInterrupt *interrupt, bool is_running);
void cli_interrupt_watch_result(CliInterrupt *interrupt, InstantResult *result);

/* A file that is to be removed if a signal ends the program; NULL: none. Not copied. */
void cli_interrupt_remove_file(CliInterrupt *interrupt, const char *path);

bool cli_interrupt_was_signalled(CliInterrupt *interrupt);

/* The signals do what they do by default again, as a program that is started next expects. */
void cli_interrupt_stop(CliInterrupt *interrupt);

#endif
