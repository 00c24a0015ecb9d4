/*
 * raise.c - our errors as PostgreSQL's.
 */
#include "fdw/raise.h"

void
fdw_raise(const IdcError *err)
{
    const char *state = err->sqlstate;

    ereport(ERROR, (errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
                    errmsg_internal("%s", err->message),
                    err->hint[0] != '\0' ? errhint("%s", err->hint) : 0));
}
