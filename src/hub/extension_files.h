/*
 * extension_files.h - where the builds of the extension instant_fdw are, and whether to trust them.
 *
 * In:   the server's major version
 * Out:  a folder with instant_fdw.so, instant_fdw.control and instant_fdw--*.sql for it
 * Next: hub/server_tree.h puts them into the embedded hub's own tree
 */
#ifndef IDC_HUB_EXTENSION_FILES_H
#define IDC_HUB_EXTENSION_FILES_H

#include <limits.h>
#include <stddef.h>

#include "base/error.h"

#define IDC_EXTENSION_NAME "instant_fdw"
#define IDC_EXTENSION_LIBRARY IDC_EXTENSION_NAME ".so"
#define IDC_EXTENSION_CONTROL IDC_EXTENSION_NAME ".control"
#define IDC_EXTENSION_PROGRAM "instant-source"
#define IDC_EXTENSION_FILES_MAX 32

/* names[0] is the library, names[1] the control file, then come scripts in the order of names, and
 * the program that reads foreign data, if this build has it. */
typedef struct IdcExtensionFiles {
    char directory[PATH_MAX];
    char names[IDC_EXTENSION_FILES_MAX][NAME_MAX + 1];
    size_t count;
} IdcExtensionFiles;

/*
 * $INSTANT_FDW_DIR/pgMAJOR and nothing else where that variable is set; otherwise relative to the
 * file that this code is in. IDC_NOT_FOUND: there is no build for this version. IDC_IO_FAILED:
 * there is one, but a file or its folder belongs to another user or may be written by others.
 */
IDC_CHECKED IdcStatus idc_extension_files_find(int major, IdcExtensionFiles *files, IdcError *err);

#endif
