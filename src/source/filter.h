/*
 * filter.h - the arguments of instant-source as a filter. Private to filter*.c.
 */
#ifndef IDC_SOURCE_FILTER_H
#define IDC_SOURCE_FILTER_H

#include "source/source.h"

typedef enum IdcFilterTask {
    IDC_FILTER_RUN,     /* the relation's rows */
    IDC_FILTER_EXPLAIN, /* the remote request */
    IDC_FILTER_PRINT,   /* the relation itself */
    IDC_FILTER_OPTIONS, /* the adapter's options as Markdown */
    IDC_FILTER_HELP,
    IDC_FILTER_VERSION
} IdcFilterTask;

enum { IDC_FILTER_OPTIONS_MAX = 256 };

typedef struct IdcFilterArguments {
    IdcFilterTask task;
    const char *adapter;
    const char *relation_file, *values_file; /* NULL: standard input; no values */
    const char *option_file;
    IdcOptionPair server_options[IDC_FILTER_OPTIONS_MAX];
    IdcOptionPair user_options[IDC_FILTER_OPTIONS_MAX];
    size_t server_option_count, user_option_count;
    const char *credential_directory, *cache_directory;
} IdcFilterArguments;

extern const char idc_filter_usage[];

/* Cuts the arguments' texts at "=". */
IDC_CHECKED IdcStatus idc_filter_arguments_read(int argc, char **argv,
                                                IdcFilterArguments *arguments, IdcError *err);
/* One more option at its level; both texts are borrowed. */
IDC_CHECKED IdcStatus idc_filter_option_add(IdcFilterArguments *arguments, IdcOptionLevel level,
                                            const char *name, const char *value, IdcError *err);

#endif
