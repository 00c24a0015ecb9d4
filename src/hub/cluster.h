/*
 * cluster.h - the files of the embedded hub: making, trimming and removing them.
 *
 * In:   an IdcEmbedded whose lock is held
 * Out:  a data directory that is either whole or not there
 */
#ifndef IDC_HUB_CLUSTER_H
#define IDC_HUB_CLUSTER_H

#include "hub/embedded.h"

/* The folders of mode 0700, owned by the server's user, and the mark that they are ours. */
IDC_CHECKED IdcStatus idc_cluster_folders(const IdcEmbedded *embedded, IdcError *err);

/* initdb, our settings and our database, in a folder that gets its name at the very end. */
IDC_CHECKED IdcStatus idc_cluster_make(const IdcEmbedded *embedded, IdcCall *call, IdcError *err);

/* Remove everything that we made, and nothing else; fails where the mark is missing. */
IDC_CHECKED IdcStatus idc_cluster_remove(const IdcEmbedded *embedded, IdcError *err);

/* The last lines of a text file as one line; empty if there are none. */
void idc_cluster_log_tail(const char *path, char *text, size_t size);

/* Old log files; those that a person may still want stay. */
void idc_cluster_trim_logs(const IdcEmbedded *embedded);

#endif
