/*
 * server_layout.h - where an installed server keeps its files, and what that becomes in a tree.
 *
 * In:   the folder of its programs
 * Out:  folders, and their places below the top of a copy that the server accepts
 * Next: hub/server_tree.c makes the copy
 */
#ifndef IDC_HUB_SERVER_LAYOUT_H
#define IDC_HUB_SERVER_LAYOUT_H

#include <limits.h>
#include <stddef.h>

#include "base/error.h"

/* A server's path has 1,023 characters at most (MAXPGPATH), the names of its files included. */
#define IDC_SERVER_PATH_MAX 900

typedef enum IdcServerFolder {
    IDC_SERVER_BIN,
    IDC_SERVER_PKGLIB,
    IDC_SERVER_SHARE,
    IDC_SERVER_EXTENSION, /* SHARE/extension */
    IDC_SERVER_LIB,       /* around PKGLIB; empty where it is elsewhere */
    IDC_SERVER_FOLDERS
} IdcServerFolder;

/*
 * paths: absolute. The first base_len bytes of each are the same; what follows is the folder's
 * place in a tree. Of the folder that all of it is in, the first top_len bytes, base_len and what
 * is between: wheels keep shared libraries in folders NAME.libs up there, found relative to a
 * program.
 */
typedef struct IdcServerLayout {
    char paths[IDC_SERVER_FOLDERS][PATH_MAX];
    size_t base_len, top_len;
} IdcServerLayout;

/* Asks the pg_config that is in bin. */
IDC_CHECKED IdcStatus idc_server_layout_find(const char *bin, IdcServerLayout *layout,
                                             IdcError *err);

#endif
