/*
 * main.c - the program instant-source: all adapters, outside of PostgreSQL.
 *
 * In:   started by a backend as "instant-source --session", with its end of a socketpair as
 *       descriptor 3; or by hand, with a relation as its input (filter.c)
 * Out:  messages on that socket (relation/message.h), or an Arrow stream
 * Next: loop.c or filter.c
 */
int
main(void)
{
    return 0;
}
