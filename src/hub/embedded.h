/*
 * embedded.h - the private cluster: a folder, a server that is started on demand, a lock.
 *
 * In:   a home folder
 * Out:  a server that listens on a unix socket in a folder of mode 0700
 * Next: hub/cluster.h makes the files, hub/server_process.h runs the programs
 */
#ifndef IDC_HUB_EMBEDDED_H
#define IDC_HUB_EMBEDDED_H

#include <sys/types.h>

#include "base/arena.h"
#include "hub/hub.h"

#define IDC_EMBEDDED_PORT "5432"
#define IDC_EMBEDDED_USER "instant"
#define IDC_EMBEDDED_DATABASE "instant"

/* Where everything is; constant after idc_embedded_new and in its arena. uid and gid are those of
 * the server. */
typedef struct IdcEmbedded {
    const char *home, *root, *data, *socket_directory, *socket_path, *log_directory, *lock_path;
    const char *marker_path;
    uid_t uid;
    gid_t gid;
    IdcLog log;
} IdcEmbedded;

/* home NULL: as hub.h says. Touches nothing. */
IDC_CHECKED IdcStatus idc_embedded_new(IdcArena *arena, const char *home, const IdcLog *log,
                                       IdcEmbedded **embedded, IdcError *err);

bool idc_embedded_exists(const IdcEmbedded *embedded);

/* Does something listen on the socket? */
bool idc_embedded_is_up(const IdcEmbedded *embedded);

/* The postmaster's process, verified to be the one of this data directory; 0 if there is none. */
pid_t idc_embedded_pid(const IdcEmbedded *embedded);

/* The newest log file, or the log directory. */
void idc_embedded_log_file(const IdcEmbedded *embedded, char *path, size_t size);

IDC_CHECKED IdcStatus idc_embedded_ensure(const IdcEmbedded *embedded, IdcCall *call,
                                          IdcError *err);
IDC_CHECKED IdcStatus idc_embedded_stop(const IdcEmbedded *embedded, IdcError *err);
IDC_CHECKED IdcStatus idc_embedded_destroy(const IdcEmbedded *embedded, IdcError *err);

#endif
