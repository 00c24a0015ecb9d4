/*
 * options.h - the keys and values of instant_open, as a struct.
 *
 * In:   InstantOption pairs from a door
 * Out:  IdcOpenOptions; everything borrowed from the pairs
 * Next: connector.c opens with them
 */
#ifndef IDC_CONNECTOR_OPTIONS_H
#define IDC_CONNECTOR_OPTIONS_H

#include "base/arena.h"
#include "hub/hub.h"
#include "hub/result.h"
#include "instant/instant.h"

typedef struct IdcOpenOptions {
    const char *config_path, *config_text, *schema_path;
    const char *hub_url, *hub_word, *home, *application_name;
    IdcKeyword *hub_keywords; /* of the keys hub.KEYWORD */
    size_t hub_keyword_count;
    IdcKeyword *environment; /* of the keys env.NAME */
    size_t environment_count;
    int64_t pool_size, pool_timeout_ms;           /* -1: not said */
    int64_t connect_timeout_ms, query_timeout_ms; /* -1: not said */
} IdcOpenOptions;

/* An unknown key or a number out of range is IDC_BAD_VALUE. The lists are allocated in arena. */
IDC_CHECKED IdcStatus idc_open_options_parse(IdcArena *arena, const InstantOption *options,
                                             size_t count, IdcOpenOptions *parsed, IdcError *err);

/* The options of instant_query and instant_table; defaults where a key is missing. */
IDC_CHECKED IdcStatus idc_result_options_parse(const InstantOption *options, size_t count,
                                               IdcResultOptions *parsed, IdcError *err);

/* One boolean option of a call, e.g. plan=true. */
typedef struct IdcFlag {
    const char *name;
    bool value;
} IdcFlag;
IDC_CHECKED IdcStatus idc_flags_parse(const InstantOption *options, size_t count, IdcFlag *flags,
                                      size_t flag_count, IdcError *err);

/* "unknown option ..., did you mean ...": the words are the names that fit. */
IdcStatus idc_fail_unknown_option(const char *key, const char *const *words, size_t word_count,
                                  IdcError *err);

#endif
