/*
 * raise.c - our errors as PostgreSQL's.
 */
#include "fdw/raise.h"

#include <mb/pg_wchar.h>

/* Our messages are UTF-8, with names in them that came from this database. */
static const char *
of_database(const char *text)
{
    return pg_any_to_server(text, (int) strlen(text), PG_UTF8);
}

void
fdw_raise(const IdcError *err)
{
    const char *state = err->sqlstate;

    ereport(ERROR, (errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
                    errmsg_internal("%s", of_database(err->message)),
                    err->hint[0] != '\0' ? errhint("%s", of_database(err->hint)) : 0,
                    err->remote_sql[0] != '\0'
                        ? errcontext("remote SQL command: %s", of_database(err->remote_sql))
                        : 0));
}
