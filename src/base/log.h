/*
 * log.h - each line goes to one hook; the host decides where it ends.
 */
#ifndef IDC_BASE_LOG_H
#define IDC_BASE_LOG_H

typedef enum IdcLogLevel { IDC_DEBUG, IDC_INFO, IDC_WARNING, IDC_ERROR } IdcLogLevel;

/* hook may be NULL (silence) and is called from any thread that uses the handle. */
typedef struct IdcLog {
    void (*hook)(void *host, IdcLogLevel level, const char *line);
    void *host;
    IdcLogLevel least;
} IdcLog;

void idc_log(const IdcLog *log, IdcLogLevel level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
