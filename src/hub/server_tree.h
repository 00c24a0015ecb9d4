/*
 * server_tree.h - the embedded hub's own copy of the server, with the extension inside.
 *
 * In:   the folder of the installed server's programs, the files of the extension
 * Out:  ROOT/server/MAJOR-HASH: programs copied, all else symbolic links to what is installed
 * Next: hub/embedded.c starts the server from there
 *
 * A server finds its files relative to its own program, so a copied program finds the copied tree,
 * and the extension is installed without a right to write where the packages' files are.
 *
 *     server/current           which tree the running server is of (a link; absent: none of them)
 *     server/pending           the extension has still to be made in the database
 *     server/tmp.PID           a tree that is being made
 *     server/15-HASH/origin    links to, and in, the folders of server/15-HASH that may gain files
 */
#ifndef IDC_HUB_SERVER_TREE_H
#define IDC_HUB_SERVER_TREE_H

#include <limits.h>

#include "hub/embedded.h"

typedef struct IdcServerTree {
    char path[PATH_MAX];
    char bin[PATH_MAX];
} IdcServerTree;

/*
 * The tree for the server whose programs are in bin, made if there is none or if it is damaged. The
 * lock is held and no server runs. Any failure but IDC_CANCELED and IDC_TIMEOUT means that the hub
 * has to run without the extension, and the message says why.
 */
IDC_CHECKED IdcStatus idc_server_tree_ensure(const IdcEmbedded *embedded, IdcCall *call, int major,
                                             const char *bin, IdcServerTree *tree, IdcError *err);

/* This tree is the one to run from (NULL: none); pending until idc_server_tree_is_done. */
IDC_CHECKED IdcStatus idc_server_tree_use(const IdcEmbedded *embedded, const IdcServerTree *tree,
                                          IdcError *err);
bool idc_server_tree_is_pending(const IdcEmbedded *embedded);
void idc_server_tree_is_done(const IdcEmbedded *embedded);

/* What was installed or removed since (a wrapper's package, say) is in the current tree as well.
 * Two stats a folder when nothing changed; needs no lock. */
void idc_server_tree_refresh(const IdcEmbedded *embedded);

/* Remove one that no server can run from, or all but one. */
void idc_server_tree_remove(const IdcServerTree *tree);
void idc_server_tree_remove_others(const IdcEmbedded *embedded, const IdcServerTree *kept);

#endif
