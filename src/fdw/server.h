/*
 * server.h - what the catalogue says of a foreign server, its tables and columns, in our words.
 *
 * In:   OIDs
 * Out:  the adapter's declaration and option sets (UTF-8), memory of the current context
 */
#ifndef IDC_FDW_SERVER_H
#define IDC_FDW_SERVER_H

#include "fdw/pg.h"

#include <foreign/foreign.h>
#include <nodes/pg_list.h>
#include "adapters/adapter.h"

typedef struct FdwServer {
    Oid oid, owner;
    const char *name; /* UTF-8 */
    const IdcDeclaration *declaration;
    IdcOptionSet options; /* of the server, then those of its wrapper that the server has not */
} FdwServer;

/* Raises where the wrapper names no adapter that this library knows. */
extern FdwServer *fdw_server(Oid server);

/* A list of DefElem as a set. */
extern IdcOptionSet fdw_option_set(List *options);

extern IdcOptionSet fdw_table_options(Oid table);
extern IdcOptionSet fdw_column_options(Oid table, AttrNumber attribute);

/* In the encoding of relations; may be the text itself. */
extern const char *fdw_utf8(const char *text);

/* The value that is given at the most special place: the table, the server, the fallback. */
extern const char *fdw_common_option(const FdwServer *server, const IdcOptionSet *table_options,
                                     const char *name);

/* Raises if this user may not name the files or addresses in the options of an import. */
extern void fdw_check_import_rights(const IdcOptionSet *options);

#endif
