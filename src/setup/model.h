/*
 * model.h - what the hub has and what the configuration wants, in the same words.
 *
 * In:   config/config.h (wanted.c), the catalogues (actual.c), the sources (import.c)
 * Out:  IdcServer and IdcTable, compared by diff.c, changed by apply.c
 *
 * Everything lives in the arena of the IdcSetup that made it.
 */
#ifndef IDC_SETUP_MODEL_H
#define IDC_SETUP_MODEL_H

#include "setup/setup.h"

typedef struct IdcOption {
    const char *name, *value;
} IdcOption;

typedef struct IdcOptionList {
    IdcOption *items;
    size_t count, capacity;
} IdcOptionList;

typedef struct IdcColumn {
    const char *name, *type;
    const char *collation; /* as SQL, if it is not what the type has here anyway; or NULL */
    const char *default_value, *comment; /* or NULL */
    bool is_not_null;
    bool is_generated; /* default_value is what it is computed from */
    bool is_long;      /* a value may have more than 64 kB; known of what MySQL says itself */
    IdcOptionList options;
} IdcColumn;

/* source_decides: the columns were read from the source, not from the file. */
typedef struct IdcTable {
    const char *oid; /* of an actual one */
    const char *schema, *name, *server, *source;
    const char *comment; /* or NULL */
    bool source_decides;
    /* Columns of the file: the source is to be asked for what it knows of them, was, and answered.
     */
    bool is_unlearned, is_asked, is_learned;
    IdcColumn *columns;
    size_t count, capacity;
    IdcOptionList options;
    const IdcConfigTable *config; /* or NULL */
} IdcTable;

typedef struct IdcTableList {
    IdcTable *items;
    size_t count, capacity;
} IdcTableList;

typedef struct IdcServer {
    const char *name, *wrapper, *source, *origin;
    const char *comment; /* or NULL */
    IdcOptionList options;
    bool has_mapping;
    IdcOptionList mapping;
} IdcServer;

typedef struct IdcServerList {
    IdcServer *items;
    size_t count, capacity;
} IdcServerList;

/* A row of instant.objects: something that setup made. */
typedef struct IdcMark {
    const char *kind, *schema, *name, *source, *origin;
    bool source_decides;
} IdcMark;

typedef struct IdcMarkList {
    IdcMark *items;
    size_t count, capacity;
} IdcMarkList;

/* A type of the hub, and the one that columns of it get: a domain, or itself. See exact.c. */
typedef struct IdcDomain {
    const char *type, *name;
} IdcDomain;

typedef struct IdcDomainList {
    IdcDomain *items;
    size_t count, capacity;
} IdcDomainList;

/* A privilege that somebody gave on an object of ours; schema "": on the server. */
typedef struct IdcGrant {
    const char *schema, *name, *column, *source, *sql;
} IdcGrant;

typedef struct IdcGrantList {
    IdcGrant *items;
    size_t count, capacity;
} IdcGrantList;

/* One transaction on the hub, and what is known about the hub. */
typedef struct IdcSetup {
    IdcConn *conn;
    IdcCall *call;
    IdcArena *arena;
    const IdcConfig *config;
    int64_t connect_timeout_ms;
    const char *user;    /* of the hub */
    const char *ca_file; /* of the hub's machine, for verify-full; or NULL */
    const char *loud;    /* the setting that would log a password, or NULL */
    int version;
    bool is_superuser;
    char scratch[32]; /* what names that live as long as a savepoint end with: who makes one of the
                         same name waits for whoever has made it */
    const IdcConfigSource *knocked; /* the last source that knock.c heard */
    const IdcConfigSource *deaf;    /* the last source that could not be asked */
    const char **origins; /* by source: the file it is from, in full; NULL: as the file was named */
    IdcMarkList marks;
    IdcDomainList domains;
    IdcGrantList grants; /* to give again at the end */
    IdcChange *changes;
    size_t change_count, change_capacity;
} IdcSetup;

/* An SQL statement, and the same without its secrets. Errors stick and come out of idc_ddl_take. */
typedef struct IdcDdl {
    IdcText sql, shown;
    IdcStatus status;
    IdcError *err;
} IdcDdl;

typedef struct IdcStatement {
    const char *sql, *shown;
    bool has_secret;
} IdcStatement;

/* ---- list.c ---- */

/* The next free item of an array that grows in arena; NULL if out of memory. */
void *idc_list_grow(IdcArena *arena, void *items, size_t *count, size_t *capacity, size_t size);
#define IDC_LIST_ADD(arena, list)                                                                  \
    (((list)->items = idc_list_grow((arena), (list)->items, &(list)->count, &(list)->capacity,     \
                                    sizeof *(list)->items)) == NULL                                \
         ? NULL                                                                                    \
         : &(list)->items[(list)->count++])

IdcColumn *idc_table_add_column(IdcArena *arena, IdcTable *table);
/* Its name at the source. */
const char *idc_column_remote_name(const IdcColumn *column);
const IdcTable *idc_table_find(const IdcTableList *tables, const char *schema, const char *name);
bool idc_wrapper_is_ours(const char *wrapper);  /* of the extension instant_fdw */
bool idc_wrapper_is_mysql(const char *wrapper); /* mysql_fdw, instant_mysql */
bool idc_wrapper_is_postgres(const char *wrapper);
/* Ours, of sources that speak SQL: they describe themselves and answer any query. */
bool idc_wrapper_is_sql(const char *wrapper);
/* The options of a table that name its schema (MySQL: database) and itself there. */
const char *idc_wrapper_schema_option(const char *wrapper);
const char *idc_wrapper_table_option(const char *wrapper);
bool idc_same_text(const char *a, const char *b); /* NULL equals NULL and "" */
const IdcOption *idc_option_find(const IdcOptionList *options, const char *name);
IDC_CHECKED IdcStatus idc_option_set(IdcArena *arena, IdcOptionList *options, const char *name,
                                     const char *value, IdcError *err);
const IdcMark *idc_mark_find(const IdcMarkList *marks, const char *kind, const char *schema,
                             const char *name);

/* ---- ddl.c ---- */

void idc_ddl_init(IdcDdl *ddl, IdcError *err);
void idc_ddl_add(IdcDdl *ddl, const char *sql);
void idc_ddl_name(IdcDdl *ddl, const char *name);
void idc_ddl_qualified(IdcDdl *ddl, const char *schema, const char *name);
void idc_ddl_literal(IdcDdl *ddl, const char *text);
/* " OPTIONS (…)", or nothing where there are none. */
void idc_ddl_options(IdcDdl *ddl, const IdcOptionList *options);
/* Behind a type, or the options that stand behind it. */
void idc_ddl_collation(IdcDdl *ddl, const IdcColumn *column);
/* What a column is without a value, or always, if anything. */
void idc_ddl_default(IdcDdl *ddl, const IdcColumn *column);
/* " OPTIONS (ADD …, SET …, DROP …)"; false, and nothing added, where nothing differs. */
bool idc_ddl_option_changes(IdcDdl *ddl, const IdcOptionList *actual, const IdcOptionList *wanted);
bool idc_options_differ(const IdcOptionList *actual, const IdcOptionList *wanted);
/* Ends the building: frees, and moves the statement into arena. */
IDC_CHECKED IdcStatus idc_ddl_take(IdcDdl *ddl, IdcArena *arena, IdcStatement *statement);

/* One statement each; several commands are separated by ";\n". */
IDC_CHECKED IdcStatus idc_ddl_create_server(IdcArena *arena, const IdcServer *server,
                                            IdcStatement *statement, IdcError *err);
IDC_CHECKED IdcStatus idc_ddl_create_mapping(IdcArena *arena, const IdcServer *server,
                                             IdcStatement *statement, IdcError *err);
IDC_CHECKED IdcStatus idc_ddl_create_table(IdcArena *arena, const IdcTable *table,
                                           const char *schema, const char *name,
                                           IdcStatement *statement, IdcError *err);

/* ---- diff.c: sql is NULL where nothing differs ---- */

IDC_CHECKED IdcStatus idc_diff_server(IdcArena *arena, const IdcServer *actual,
                                      const IdcServer *wanted, IdcStatement *statement,
                                      IdcError *err);
IDC_CHECKED IdcStatus idc_diff_mapping(IdcArena *arena, const IdcServer *actual,
                                       const IdcServer *wanted, IdcStatement *statement,
                                       IdcError *err);
IDC_CHECKED IdcStatus idc_diff_table(IdcArena *arena, const IdcTable *actual,
                                     const IdcTable *wanted, IdcStatement *statement,
                                     IdcError *err);

/* ---- transaction.c ---- */

/* BEGIN, silence the hub's log, learn about the session; with the lock of all setups if wanted. */
IDC_CHECKED IdcStatus idc_setup_begin(IdcSetup *setup, bool is_locked, IdcError *err);
IDC_CHECKED IdcStatus idc_setup_commit(IdcSetup *setup, IdcError *err);
/* Keeps err. */
void idc_setup_rollback(IdcSetup *setup);
/* Run one; no error of it ever holds a secret of the configuration. */
IDC_CHECKED IdcStatus idc_setup_execute(IdcSetup *setup, const IdcStatement *statement,
                                        IdcError *err);
IDC_CHECKED IdcStatus idc_setup_sql(IdcSetup *setup, const char *sql, IdcError *err);
IDC_CHECKED IdcStatus idc_setup_query(IdcSetup *setup, const char *sql,
                                      const char *const *parameters, size_t parameter_count,
                                      IdcTextRows *rows, IdcError *err);
/* Replace every secret value of the configuration in err. */
void idc_setup_scrub(const IdcConfig *config, IdcError *err);
/* Add to the list of changes (ddl NULL: ""). */
IDC_CHECKED IdcStatus idc_setup_note(IdcSetup *setup, const char *action, const char *kind,
                                     const char *name, const char *source, const char *ddl,
                                     IdcError *err);

/* The file that a source is from. Resolved once by learn: two projects may both say "sources.yaml".
 */
const char *idc_source_origin(const IdcSetup *setup, const IdcConfigSource *source);
IDC_CHECKED IdcStatus idc_setup_learn_origins(IdcSetup *setup, IdcError *err);

/* ---- extension.c ---- */

/* CREATE EXTENSION where it is missing; an error names the package that brings it. */
IDC_CHECKED IdcStatus idc_setup_extension(IdcSetup *setup, const IdcConfigSource *source,
                                          bool *is_created, IdcError *err);

/* ---- choose.c ---- */

/*
 * The source as this hub can serve it: itself, or what it is otherwise. *why: NULL, or why the
 * second, as a clause. Who can have neither gets the first: its extension is then the error.
 */
IDC_CHECKED IdcStatus idc_setup_choose(IdcSetup *setup, const IdcConfigSource *source,
                                       const IdcConfigSource **chosen, const char **why,
                                       IdcError *err);
/* setup->config becomes a copy with the chosen ones; a note for each that is served otherwise. */
IDC_CHECKED IdcStatus idc_setup_choose_all(IdcSetup *setup, IdcError *err);

/* ---- actual.c ---- */

IDC_CHECKED IdcStatus idc_actual_marks(IdcSetup *setup, IdcError *err);
/* One server; *server is NULL if there is none of that name. */
IDC_CHECKED IdcStatus idc_actual_server(IdcSetup *setup, const char *name, IdcServer **server,
                                        IdcError *err);
/* The foreign tables of one schema (NULL: of all), by name. */
IDC_CHECKED IdcStatus idc_actual_tables(IdcSetup *setup, const char *schema, IdcTableList *tables,
                                        IdcError *err);
/* What kind of relation holds this name: NULL if none. */
IDC_CHECKED IdcStatus idc_actual_relation(IdcSetup *setup, const char *schema, const char *name,
                                          const char **kind, IdcError *err);

/* ---- wanted.c ---- */

/* The server of a source, with the options that the file leaves to us. */
IDC_CHECKED IdcStatus idc_wanted_server(IdcSetup *setup, const IdcConfigSource *source,
                                        IdcServer *server, IdcError *err);
/*
 * The tables of a source, as the hub's catalogue would print them. The server must be there; where
 * the file leaves columns or tables to the source, it is asked (through the server `server_name`).
 */
IDC_CHECKED IdcStatus idc_wanted_tables(IdcSetup *setup, const IdcConfigSource *source,
                                        const char *server_name, IdcTableList *tables,
                                        IdcError *err);

/* ---- import.c ---- */

/*
 * What the source says about these remote tables (count 0: all of the schema). The tables come
 * under their remote names; one that the source does not have is missing in the list.
 */
IDC_CHECKED IdcStatus idc_import_tables(IdcSetup *setup, const IdcConfigSource *source,
                                        const char *server_name, const char *remote_schema,
                                        const char *const *names, size_t name_count,
                                        IdcTableList *tables, IdcError *err);
/* The remote schema that a table or source without one means. */
const char *idc_import_default_schema(const IdcConfigSource *source);
/* The type for a column of MySQL or MariaDB that loses nothing. */
const char *idc_mysql_type(IdcArena *arena, const char *data_type, const char *column_type,
                           const char *precision, const char *scale);

/* ---- knock.c ---- */

typedef enum IdcKnock {
    IDC_KNOCK_UNKNOWN,
    IDC_KNOCK_ANSWERED,
    IDC_KNOCK_NO_NAME,
    IDC_KNOCK_REFUSED,
    IDC_KNOCK_SILENT
} IdcKnock;

bool idc_hub_is_local(IdcConn *conn);
/* Connect, and with speaks_first wait for a first byte; each at most timeout_ms. */
IdcKnock idc_knock(IdcCall *call, const IdcConfigSource *source, bool speaks_first,
                   int64_t timeout_ms);
/* Before a wrapper that cannot be interrupted is used: an error if its source is silent. */
IDC_CHECKED IdcStatus idc_knock_first(IdcSetup *setup, const IdcConfigSource *source,
                                      IdcError *err);

/* ---- health.c ---- */

const char *idc_source_option(const IdcConfigOptions *options, const char *name,
                              const char *otherwise);
const char *idc_source_port(const IdcConfigSource *source);

/* What a wrapper's error means, in a sentence with advice, and a fitting SQLSTATE. */
const char *idc_health_explain(IdcArena *arena, const IdcConfigSource *source, bool hub_is_local,
                               const IdcError *err, char sqlstate[6]);
const char *idc_health_user(const IdcConfigSource *source); /* its name on the source, or "" */
typedef enum IdcTypeMatch { IDC_TYPES_FIT, IDC_TYPES_NARROW, IDC_TYPES_CLASH } IdcTypeMatch;
/* Whether values of the source's type can be read as the file's type. */
IdcTypeMatch idc_health_types(const char *wanted, const char *remote);

#endif
