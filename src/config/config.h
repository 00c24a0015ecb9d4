/*
 * config.h - a YAML file as a checked model.
 *
 * In:   YAML text, the environment
 * Out:  IdcConfig, everything in it allocated in its arena; or every error of the file at once
 * Next: setup/ makes the hub so; hub/ connects as `hub` says
 */
#ifndef IDC_CONFIG_CONFIG_H
#define IDC_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Where something stands: file:line:column, lines and columns from 1; line 0: nowhere. */
typedef struct IdcPosition {
    const char *file;
    int line, column;
} IdcPosition;

typedef struct IdcConfigOption {
    const char *name;
    const char *value;
    IdcPosition position;
} IdcConfigOption;

typedef struct IdcConfigOptions {
    IdcConfigOption *items;
    size_t count;
} IdcConfigOptions;

typedef struct IdcConfigColumn {
    const char *name;
    const char *type; /* PostgreSQL type as written */
    bool not_null;
    const char *default_value; /* an SQL expression, or NULL */
    const char *description;   /* or NULL */
    IdcConfigOptions options;  /* column_name, … */
    IdcPosition position;
} IdcConfigColumn;

typedef struct IdcConfigTable {
    const char *name;          /* in the hub */
    const char *schema;        /* in the hub: the source's schema, or the table's own */
    const char *remote_schema; /* as the file says (schema_name / dbname), or NULL */
    const char *remote_name;   /* table_name, or the name */
    const char *description;
    IdcConfigColumn *columns; /* count 0: ask the source */
    size_t column_count;
    IdcConfigOptions options; /* with table_name etc. under the wrapper's own option names */
    IdcPosition position;
} IdcConfigTable;

/*
 * server_options and user_options carry the wrapper's own names: postgres_fdw host, port, dbname,
 * user, password; mysql_fdw host, port (server), username, password (mapping), dbname (table);
 * instant_mysql, … what its adapter declares.
 */
typedef struct IdcConfigSource {
    const char *name;
    const char *wrapper; /* instant_mysql, postgres_fdw, … : the foreign data wrapper */
    /* The same source under somebody else's wrapper (mysql_fdw), for a hub that lacks ours; NULL:
     * there is none, or the file says something that it has no word for (why_alone). */
    struct IdcConfigSource *otherwise;
    const char *why_alone; /* or NULL */
    bool is_stand_in;      /* the file asks for mysql_fdw, and gets ours */
    const char *server_name;
    const char *schema;   /* hub schema of its tables; default "public" */
    const char *database; /* the remote database, whichever option carries it; or NULL */
    const char *description;
    bool is_enabled;
    bool import_all; /* no tables listed */
    const char **
        import_schemas; /* `import: [a, b]`; count 0 with import_all: the default schema/database */
    size_t import_schema_count;
    IdcConfigOptions server_options;
    IdcConfigOptions user_options;
    IdcConfigTable *tables;
    size_t table_count;
    IdcPosition position;
} IdcConfigSource;

typedef struct IdcConfig {
    IdcArena *arena;
    IdcConfigSource *sources;
    size_t source_count;
    IdcConfigOptions hub;    /* libpq keywords of `hub:` / `postgres_config:`; count 0: not said */
    const char *hub_url;     /* or NULL */
    bool hub_is_embedded;    /* `hub: embedded` */
    bool hub_is_environment; /* `hub: environment`: the PG* variables say where it is */
    int64_t connection_timeout_ms; /* -1: not said */
    int64_t query_timeout_ms;      /* -1: not said */
    int64_t retry_attempts;        /* -1: not said */
    bool enable_push_down;         /* default true */
    int64_t pool_size;             /* -1: not said */
} IdcConfig;

/* Looks up a variable for ${NAME}; NULL: not set. */
typedef const char *(*IdcEnvironment)(void *host, const char *name);

typedef struct IdcConfigInput {
    const char *path; /* a file; or */
    const char *text; /* the YAML itself (path then only names it in errors; NULL: "<config>") */
    const char *schema_path;    /* one more file of `tables:` / `sources:` to merge, or NULL */
    IdcEnvironment environment; /* NULL: getenv */
    void *environment_host;
} IdcConfigInput;

/*
 * Everything wrong is appended to report, a line each: `file:line:column: what was found, what was
 * expected[, did you mean "x"?]`. report may be NULL; err carries the first ones. Bounded: at most
 * 1 MiB of input, 32 levels, 100 reported errors. A file without `sources` and without `extension`
 * is valid and has none.
 */
IDC_CHECKED IdcStatus idc_config_load(const IdcConfigInput *input, IdcConfig **config,
                                      IdcText *report, IdcError *err);
void idc_config_free(IdcConfig *config);

/* True for options whose values must never be shown (password, …). */
bool idc_config_option_is_secret(const char *name);

/* JSON Schema (draft 2020-12) of the file; static. */
const char *idc_config_schema(void);

#endif
