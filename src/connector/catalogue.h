/*
 * catalogue.h - the hub's tables, as its catalogue has them.
 *
 * In:   a connection, a table's name as users write it
 * Out:  an IdcTable for query/select.c, or the rows of instant_tables
 */
#ifndef IDC_CONNECTOR_CATALOGUE_H
#define IDC_CONNECTOR_CATALOGUE_H

#include "config/config.h"
#include "hub/conn.h"
#include "query/query.h"

/* The columns of what idc_catalogue_list returns, in order; see instant_tables. */
enum {
    IDC_CATALOGUE_TABLE,
    IDC_CATALOGUE_SCHEMA,
    IDC_CATALOGUE_SOURCE,
    IDC_CATALOGUE_SERVER,
    IDC_CATALOGUE_WRAPPER,
    IDC_CATALOGUE_REMOTE_SCHEMA,
    IDC_CATALOGUE_REMOTE_NAME,
    IDC_CATALOGUE_ROWS,
    IDC_CATALOGUE_TABLE_COMMENT,
    IDC_CATALOGUE_COLUMN,
    IDC_CATALOGUE_POSITION,
    IDC_CATALOGUE_TYPE,
    IDC_CATALOGUE_NOT_NULL,
    IDC_CATALOGUE_DEFAULT,
    IDC_CATALOGUE_COLUMN_COMMENT,
    IDC_CATALOGUE_PUBLIC_COUNT,
    IDC_CATALOGUE_BASE_TYPE = IDC_CATALOGUE_PUBLIC_COUNT,
    IDC_CATALOGUE_CATEGORY,
    IDC_CATALOGUE_NAME, /* without its schema */
    IDC_CATALOGUE_COUNT
};

/*
 * A row a column of every table that can be loaded, by table and position. table NULL: all;
 * otherwise "name" or "schema.name", and IDC_NOT_FOUND (with the nearest name) or IDC_BAD_VALUE
 * (the name stands in several schemas) where it is not exactly one. The source is the server's name
 * here; see idc_catalogue_source.
 */
IDC_CHECKED IdcStatus idc_catalogue_list(IdcConn *conn, IdcCall *call, IdcArena *arena,
                                         const char *table, IdcTextRows *rows, IdcError *err);

/* One table, its columns allocated in arena. */
IDC_CHECKED IdcStatus idc_catalogue_table(IdcConn *conn, IdcCall *call, IdcArena *arena,
                                          const char *name, IdcTable *table, IdcError *err);

/* The name of the source whose server this is; the server's own name where the file knows none. */
const char *idc_catalogue_source(const IdcConfig *config, const char *server);

/* Fill in the server of each piece from the relation that it names. */
IDC_CHECKED IdcStatus idc_catalogue_name_servers(IdcConn *conn, IdcCall *call, IdcArena *arena,
                                                 const IdcConfig *config, IdcRemotePiece *pieces,
                                                 size_t piece_count, IdcError *err);

#endif
