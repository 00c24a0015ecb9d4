/*
 * server_process.h - running PostgreSQL's own programs, as the user that owns the cluster.
 *
 * In:   a program with arguments
 * Out:  its exit, or a detached server
 *
 * The environment of the programs is made here, not inherited: PG* variables and locale of whoever
 * starts the hub first must not change what everybody else sees.
 */
#ifndef IDC_HUB_SERVER_PROCESS_H
#define IDC_HUB_SERVER_PROCESS_H

#include "hub/embedded.h"

/* Where postgres and initdb are. wanted_major 0: the newest from 12 on. */
IDC_CHECKED IdcStatus idc_server_binaries(int wanted_major, char *directory, size_t size,
                                          IdcError *err);

/* What a program prints within five seconds, run as we are; empty if it cannot be run. */
void idc_server_ask(char *const *arguments, char *text, size_t size);

/*
 * From here on this thread, and no other, uses files with the rights of the server's user, and what
 * it makes is that user's; then with its own again. Changes nothing unless we are root.
 */
void idc_server_look_as_server(const IdcEmbedded *embedded);
void idc_server_look_as_self(void);

/*
 * Run a program to its end, in the folder of the hub; input is its stdin (may be NULL), all it
 * prints goes to the file output. IDC_IO_FAILED without a message of its own when it ends badly:
 * read the output.
 */
IDC_CHECKED IdcStatus idc_server_run(const IdcEmbedded *embedded, IdcCall *call,
                                     char *const *arguments, const char *input, const char *output,
                                     IdcError *err);

/* Start a program that goes on without us; pid is its process. */
IDC_CHECKED IdcStatus idc_server_spawn(const IdcEmbedded *embedded, char *const *arguments,
                                       const char *directory, const char *output, pid_t *pid,
                                       IdcError *err);

/* As the server's user: can every folder on the way to path be entered? Fails naming the one that
 * cannot. */
IDC_CHECKED IdcStatus idc_server_can_enter(const IdcEmbedded *embedded, const char *path,
                                           IdcError *err);

/* Is this a living process that works in the cluster's data directory, as only its own server does?
 */
bool idc_server_is_ours(const IdcEmbedded *embedded, pid_t pid);

/* Gone, or only waited for. For a process of our own making: while it becomes the server it is not
 * "ours" yet. */
bool idc_server_is_dead(pid_t pid);

/* Send a signal (0: none) to every such process; how many there are. */
size_t idc_server_signal_all(const IdcEmbedded *embedded, int signal_number);

#endif
