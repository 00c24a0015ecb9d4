/*
 * embedded_extension.h - the extension in the embedded hub's server and in its database.
 *
 * In:   a tree that has its files (hub/server_tree.h)
 * Out:  a server that loads it at its start, and instant.arrow in the database "instant"
 */
#ifndef IDC_HUB_EMBEDDED_EXTENSION_H
#define IDC_HUB_EMBEDDED_EXTENSION_H

#include "base/text.h"
#include "hub/server_tree.h"

/* "shared_preload_libraries=…" for the server's command line: what the settings of the cluster load
 * already, and the extension. No server runs. */
IDC_CHECKED IdcStatus idc_extension_preload(const IdcEmbedded *embedded, IdcCall *call,
                                            const IdcServerTree *tree, IdcText *setting,
                                            IdcError *err);

/*
 * CREATE EXTENSION where it is missing, ALTER EXTENSION … UPDATE where the files know a way to
 * their own version. The lock is held and the server answers. What fails is a warning in the log:
 * the hub works without.
 */
void idc_extension_create(const IdcEmbedded *embedded);

#endif
