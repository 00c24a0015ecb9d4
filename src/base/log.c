/*
 * log.c - format a line, hand it to the hook.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void
idc_log(const IdcLog *log, IdcLogLevel level, const char *format, ...)
{
    char line[1024];
    va_list args;

    if (log == NULL || log->hook == NULL || level < log->least)
        return;
    va_start(args, format);
    (void) vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->hook(log->host, level, line);
}
