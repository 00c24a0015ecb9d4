/*
 * main.c - the program instant-source: all adapters, outside of PostgreSQL.
 *
 * In:   started by a backend as "instant-source --session", with its end of a socketpair as
 *       descriptor 3; or by hand, with a relation as its input (filter.c)
 * Out:  messages on that socket (relation/message.h), or an Arrow stream
 * Next: loop.c or filter.c
 */
#include "source/source.h"

#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "--session") != 0)
        return idc_filter_main(argc, argv);
    idc_title_init(argc, argv);
    idc_sandbox_enter();
    /* Not exit(): threads may still be at work. */
    _exit(idc_session_run());
}
