/*
 * wanted.c - what the configuration wants of the hub, source by source.
 *
 * In:   IdcConfigSource; the hub, which knows how it prints a type or a default
 * Out:  IdcServer with the options that today's wrappers lack by default; IdcTable
 * Next: diff.c
 */
#include "setup/model.h"

#include <stdio.h>
#include <string.h>

/* ---- servers ---- */

static const char *
option_value(const IdcConfigOptions *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return options->items[i].value;
    return NULL;
}

/* One of a list, maybe with a port. */
static bool
is_local_name(const char *host, size_t len)
{
    static const char *const names[] = { "localhost", "::1", "[::1]" };

    if (len == 0 || *host == '/' || *host == '@' || strncmp(host, "127.", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t name_len = strlen(names[i]);

        if (len >= name_len && strncmp(host, names[i], name_len) == 0 &&
            (len == name_len || (host[name_len] == ':' && names[i][0] != ':')))
            return true;
    }
    return false;
}

/* host, or a list with commas: local only if all of it is. */
static bool
is_local_host(const char *host)
{
    while (host != NULL && *host != '\0') {
        size_t len = strcspn(host, ",");

        if (!is_local_name(host, len))
            return false;
        host += len + (host[len] == ',');
    }
    return true;
}

static IdcStatus
copy_options(IdcSetup *setup, const IdcConfigOptions *from, IdcOptionList *to, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < from->count; i++)
        status = idc_option_set(setup->arena, to, from->items[i].name, from->items[i].value, err);
    return status;
}

static IdcStatus
set_default(IdcSetup *setup, IdcOptionList *options, const char *name, const char *value,
            IdcError *err)
{
    if (value == NULL || idc_option_find(options, name) != NULL)
        return IDC_OK;
    return idc_option_set(setup->arena, options, name, value, err);
}

/* Without these a scan waits for ever on a source that is gone, and joins are not sent to it. */
static IdcStatus
postgres_defaults(IdcSetup *setup, const IdcConfigSource *source, IdcOptionList *options,
                  IdcError *err)
{
    int64_t timeout_s = (setup->connect_timeout_ms + 999) / 1000;
    const char *host = option_value(&source->server_options, "host");
    const char *hostaddr = option_value(&source->server_options, "hostaddr");
    /* libpq reads 1 as 2 and 0 as for ever. */
    const char *timeout =
        idc_arena_printf(setup->arena, "%lld", (long long) (timeout_s < 2 ? 2 : timeout_s));
    const struct {
        const char *name, *value;
    } defaults[] = {
        { "connect_timeout", timeout },
        { "keepalives", "1" },
        { "keepalives_idle", "30" },
        { "keepalives_interval", "10" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "30000" },
        { "gssencmode", "disable" },
        { "application_name", "instant" },
        { "use_remote_estimate", "true" },
        { "fetch_size", "10000" },
        { "async_capable", setup->version >= 140000 ? "true" : NULL },
    };
    IdcStatus status = IDC_OK;

    if (timeout == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < sizeof defaults / sizeof defaults[0]; i++)
        status = set_default(setup, options, defaults[i].name, defaults[i].value, err);
    if (status != IDC_OK || is_local_host(host != NULL ? host : hostaddr) ||
        idc_option_find(options, "sslmode") != NULL || idc_option_find(options, "service") != NULL)
        return status;
    status = idc_option_set(setup->arena, options, "sslmode", "verify-full", err);
    if (status == IDC_OK)
        status = set_default(setup, options, "sslrootcert", setup->ca_file, err);
    return status;
}

/* "auto", the default, is the locale of the hub's server: in the C locale every emoji becomes "?".
 */
static IdcStatus
mysql_defaults(IdcSetup *setup, IdcOptionList *options, IdcError *err)
{
    IdcStatus status = set_default(setup, options, "character_set", "utf8mb4", err);

    if (status == IDC_OK)
        status = set_default(setup, options, "fetch_size", "10000", err);
    /* An average that is taken at the source has as many digits as PostgreSQL would give it. */
    if (status == IDC_OK)
        status =
            set_default(setup, options, "init_command", "SET div_precision_increment = 16", err);
    if (status == IDC_OK)
        status = set_default(setup, options, "reconnect", "true", err);
    return status;
}

/* Ours: the time limit of the file, and nobody in between reads or answers. */
static IdcStatus
adapter_defaults(IdcSetup *setup, const IdcConfigSource *source, const char *tls,
                 IdcOptionList *options, IdcError *err)
{
    int64_t ms = setup->connect_timeout_ms < 1 ? 1 : setup->connect_timeout_ms;
    bool is_local = is_local_host(option_value(&source->server_options, "host")) &&
                    is_local_host(option_value(&source->server_options, "hosts")) &&
                    is_local_host(option_value(&source->server_options, "hostaddr"));
    const char *timeout = ms % 1000 == 0
                              ? idc_arena_printf(setup->arena, "%llds", (long long) (ms / 1000))
                              : idc_arena_printf(setup->arena, "%lldms", (long long) ms);
    IdcStatus status;

    if (timeout == NULL)
        return idc_fail_no_memory(err);
    status = set_default(setup, options, "connect_timeout", timeout, err);
    if (status == IDC_OK && !source->is_stand_in && !is_local &&
        idc_option_find(options, "service") == NULL && idc_option_find(options, "socket") == NULL)
        status = set_default(setup, options, tls, "verify-full", err);
    return status;
}

static bool
needs_mapping(const IdcConfigSource *source)
{
    return source->user_options.count > 0 ||
           (strcmp(source->wrapper, "file_fdw") != 0 && !idc_wrapper_is_ours(source->wrapper));
}

IdcStatus
idc_wanted_server(IdcSetup *setup, const IdcConfigSource *source, IdcServer *server, IdcError *err)
{
    IdcStatus status;

    *server = (IdcServer){ 0 };
    server->name = source->server_name;
    server->wrapper = source->wrapper;
    server->source = source->name;
    server->origin = idc_source_origin(setup, source);
    server->comment = source->description;
    server->has_mapping = needs_mapping(source);
    status = copy_options(setup, &source->server_options, &server->options, err);
    if (status == IDC_OK)
        status = copy_options(setup, &source->user_options, &server->mapping, err);
    if (status == IDC_OK && strcmp(source->wrapper, "postgres_fdw") == 0)
        status = postgres_defaults(setup, source, &server->options, err);
    if (status == IDC_OK && strcmp(source->wrapper, "mysql_fdw") == 0)
        status = mysql_defaults(setup, &server->options, err);
    if (status == IDC_OK && strcmp(source->wrapper, "instant_postgres") == 0)
        status = adapter_defaults(setup, source, "sslmode", &server->options, err);
    if (status == IDC_OK && strcmp(source->wrapper, "instant_mysql") == 0)
        status = adapter_defaults(setup, source, "ssl_mode", &server->options, err);
    if (status == IDC_OK && !setup->config->enable_push_down && idc_wrapper_is_sql(source->wrapper))
        status = set_default(setup, &server->options, "push_down", "false", err);
    return status;
}

/* ---- tables ---- */

#define SCRATCH_SCHEMA "instant_wanted"

static IdcStatus
fail_at(const IdcConfigTable *table, IdcError *err)
{
    if (table->position.line > 0)
        return idc_add_context(err, "%s:%d:%d: table \"%s\"",
                               table->position.file == NULL ? "<config>" : table->position.file,
                               table->position.line, table->position.column, table->name);
    return idc_add_context(err, "table \"%s\"", table->name);
}

/* Of PostgreSQL the hub's schema would be taken for the remote one, and mysql_fdw has no default at
 * all. */
static IdcStatus
remote_name_defaults(IdcSetup *setup, const IdcConfigSource *source, const IdcConfigTable *config,
                     IdcOptionList *options, IdcError *err)
{
    const char *schema =
        config->remote_schema != NULL ? config->remote_schema : idc_import_default_schema(source);
    bool is_ours = idc_wrapper_is_ours(source->wrapper);
    IdcStatus status = IDC_OK;

    if (!idc_wrapper_is_postgres(source->wrapper) && strcmp(source->wrapper, "mysql_fdw") != 0)
        return IDC_OK;
    if (*schema != '\0')
        status =
            set_default(setup, options, idc_wrapper_schema_option(source->wrapper), schema, err);
    if (status == IDC_OK && !is_ours)
        status = set_default(setup, options, "table_name", config->remote_name, err);
    return status;
}

static IdcStatus
table_of_config(IdcSetup *setup, const IdcConfigSource *source, const IdcConfigTable *config,
                const char *server_name, IdcTable *table, IdcError *err)
{
    IdcStatus status;

    *table = (IdcTable){ .schema = config->schema,
                         .name = config->name,
                         .server = server_name,
                         .source = source->name,
                         .comment = config->description,
                         .config = config };
    status = copy_options(setup, &config->options, &table->options, err);
    if (status == IDC_OK)
        status = remote_name_defaults(setup, source, config, &table->options, err);
    for (size_t i = 0; status == IDC_OK && i < config->column_count; i++) {
        const IdcConfigColumn *from = &config->columns[i];
        IdcColumn *column = idc_table_add_column(setup->arena, table);

        if (column == NULL)
            return idc_fail_no_memory(err);
        *column = (IdcColumn){ .name = from->name,
                               .type = from->type,
                               .default_value = from->default_value,
                               .comment = from->description,
                               .is_not_null = from->not_null };
        status = copy_options(setup, &from->options, &column->options, err);
    }
    return status;
}

/* Make the listed tables in a scratch schema, so that the catalogue prints types and defaults its
 * way. */
static IdcStatus
make_scratch_tables(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                    const char *schema, IdcError *err)
{
    for (size_t i = 0; i < source->table_count; i++) {
        const IdcConfigTable *config = &source->tables[i];
        IdcStatement statement = { 0 };
        IdcTable table;
        char name[32];
        IdcStatus status;

        if (config->column_count == 0)
            continue;
        snprintf(name, sizeof name, "t%zu", i);
        status = table_of_config(setup, source, config, server_name, &table, err);
        if (status == IDC_OK)
            status = idc_ddl_create_table(setup->arena, &table, schema, name, &statement, err);
        if (status == IDC_OK)
            status = idc_setup_execute(setup, &statement, err);
        if (status != IDC_OK)
            return fail_at(config, err);
    }
    return IDC_OK;
}

static IdcStatus
read_scratch_tables(IdcSetup *setup, const IdcConfigSource *source, IdcTableList *scratch,
                    const char *server_name, IdcError *err)
{
    const char *schema = idc_arena_printf(setup->arena, SCRATCH_SCHEMA "%s", setup->scratch);
    const char *open =
        schema == NULL
            ? NULL
            : idc_arena_printf(setup->arena, "SAVEPOINT instant_wanted; CREATE SCHEMA %s", schema);
    IdcStatus status = open == NULL ? idc_fail_no_memory(err) : idc_setup_sql(setup, open, err);

    if (status == IDC_OK)
        status = make_scratch_tables(setup, source, server_name, schema, err);
    if (status == IDC_OK)
        status = idc_actual_tables(setup, schema, scratch, err);
    if (status == IDC_OK)
        status = idc_setup_sql(
            setup, "ROLLBACK TO SAVEPOINT instant_wanted; RELEASE SAVEPOINT instant_wanted", err);
    return status;
}

static IdcStatus
add_listed_table(IdcSetup *setup, const IdcConfigSource *source, size_t nth,
                 const IdcTableList *scratch, IdcTableList *tables, IdcError *err)
{
    const IdcConfigTable *config = &source->tables[nth];
    const IdcTable *made;
    IdcTable *table;
    char name[32];

    snprintf(name, sizeof name, "t%zu", nth);
    made = idc_table_find(scratch, NULL, name);
    table = IDC_LIST_ADD(setup->arena, tables);
    if (made == NULL || table == NULL)
        return idc_fail_no_memory(err);
    *table = *made;
    table->schema = config->schema;
    table->name = config->name;
    table->source = source->name;
    table->config = config;
    table->is_unlearned = idc_wrapper_is_sql(source->wrapper);
    return IDC_OK;
}

static IdcStatus
add_imported(IdcSetup *setup, const IdcConfigSource *source, const IdcConfigTable *config,
             const IdcTable *imported, IdcTableList *tables, IdcError *err)
{
    IdcTable *table = IDC_LIST_ADD(setup->arena, tables);

    if (table == NULL)
        return idc_fail_no_memory(err);
    *table = *imported;
    table->source = source->name;
    table->source_decides = true;
    table->config = config;
    table->schema = config == NULL ? source->schema : config->schema;
    if (config == NULL)
        return IDC_OK;
    table->name = config->name;
    if (config->description != NULL)
        table->comment = config->description;
    /* A list of its own: two tables of the hub may show the same remote one. */
    table->options = (IdcOptionList){ 0 };
    for (size_t i = 0; i < imported->options.count; i++) {
        IdcStatus status =
            idc_option_set(setup->arena, &table->options, imported->options.items[i].name,
                           imported->options.items[i].value, err);

        if (status != IDC_OK)
            return status;
    }
    return copy_options(setup, &config->options, &table->options, err);
}

static IdcStatus
fail_missing(const IdcConfigSource *source, const IdcConfigTable *config, const char *remote_schema,
             const IdcTableList *imported, IdcError *err)
{
    const char *words[256];
    size_t count = 0;
    const char *nearest;

    for (size_t i = 0; i < imported->count && count < 256; i++)
        words[count++] = imported->items[i].name;
    nearest = idc_nearest_word(config->remote_name, words, count);
    (void) idc_fail(err, IDC_NOT_FOUND, "source \"%s\" has no table \"%s\" in \"%s\"", source->name,
                    config->remote_name, remote_schema);
    idc_error_set_source(err, source->server_name);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    else
        idc_error_set_hint(
            err, "the name's case counts, and the user of the source must be allowed to see it");
    return fail_at(config, err);
}

/* Tables without columns: ask for all those of one remote schema at once. */
static IdcStatus
add_asked_tables(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                 const char *remote_schema, IdcTableList *tables, IdcError *err)
{
    const char **names =
        idc_arena_alloc_array(setup->arena, source->table_count + 1, sizeof *names);
    size_t name_count = 0;
    IdcTableList imported = { 0 };
    IdcStatus status;

    if (names == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < source->table_count; i++) {
        const IdcConfigTable *config = &source->tables[i];
        const char *schema = config->remote_schema != NULL ? config->remote_schema
                                                           : idc_import_default_schema(source);

        if (config->column_count == 0 && strcmp(schema, remote_schema) == 0)
            names[name_count++] = config->remote_name;
    }
    status = idc_import_tables(setup, source, server_name, remote_schema, names, name_count,
                               &imported, err);
    for (size_t i = 0; status == IDC_OK && i < source->table_count; i++) {
        const IdcConfigTable *config = &source->tables[i];
        const char *schema = config->remote_schema != NULL ? config->remote_schema
                                                           : idc_import_default_schema(source);
        const IdcTable *found;

        if (config->column_count != 0 || strcmp(schema, remote_schema) != 0)
            continue;
        found = idc_table_find(&imported, NULL, config->remote_name);
        if (found == NULL)
            return fail_missing(source, config, remote_schema, &imported, err);
        status = add_imported(setup, source, config, found, tables, err);
    }
    return status;
}

static IdcStatus
add_all_asked(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
              IdcTableList *tables, IdcError *err)
{
    const char **done = idc_arena_alloc_array(setup->arena, source->table_count + 1, sizeof *done);
    size_t done_count = 0;
    IdcStatus status = done == NULL ? idc_fail_no_memory(err) : IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < source->table_count; i++) {
        const IdcConfigTable *config = &source->tables[i];
        const char *schema = config->remote_schema != NULL ? config->remote_schema
                                                           : idc_import_default_schema(source);
        bool is_done = false;

        for (size_t k = 0; k < done_count; k++)
            is_done = is_done || strcmp(done[k], schema) == 0;
        if (config->column_count != 0 || is_done)
            continue;
        done[done_count++] = schema;
        status = add_asked_tables(setup, source, server_name, schema, tables, err);
    }
    return status;
}

/* Tables of one name that come from two sources, or from two schemas of one. */
typedef struct Clashes {
    const char *other; /* the source, or NULL: none yet */
    IdcText names;
    size_t count;
} Clashes;

static void
add_clash(Clashes *clashes, const char *other, const char *name)
{
    enum { NAMED = 10 };

    if (clashes->other == NULL)
        clashes->other = other;
    if (clashes->count++ < NAMED)
        idc_text_append_format(&clashes->names, "%s\"%s\"", clashes->count > 1 ? ", " : "", name);
    else if (clashes->count == NAMED + 1)
        idc_text_append(&clashes->names, ", …");
}

static IdcStatus
fail_clashes(const IdcConfigSource *source, const Clashes *clashes, IdcError *err)
{
    const char *plural = clashes->count == 1 ? "" : "s";

    if (strcmp(clashes->other, source->name) == 0) {
        (void) idc_fail(err, IDC_BAD_CONFIG, "table%s %s: in more than one of its schemas", plural,
                        idc_text_string(&clashes->names));
        idc_error_set_hint(err,
                           "give the second schema a source entry with a \"schema:\" of its own");
    } else {
        (void) idc_fail(err, IDC_BAD_CONFIG,
                        "table%s %s: source \"%s\" brings the same to schema "
                        "\"%s\"",
                        plural, idc_text_string(&clashes->names), clashes->other, source->schema);
        idc_error_set_hint(err, "give each source a \"schema:\" of its own");
    }
    return IDC_BAD_CONFIG;
}

static IdcStatus
add_whole_schemas(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                  IdcTableList *tables, IdcError *err)
{
    size_t count = source->import_schema_count == 0 ? 1 : source->import_schema_count;
    IdcStatus status = IDC_OK;
    Clashes clashes = { 0 };

    idc_text_init(&clashes.names, 0);
    for (size_t i = 0; status == IDC_OK && i < count; i++) {
        const char *schema = source->import_schema_count == 0 ? idc_import_default_schema(source)
                                                              : source->import_schemas[i];
        IdcTableList imported = { 0 };

        status = idc_import_tables(setup, source, server_name, schema, NULL, 0, &imported, err);
        for (size_t k = 0; status == IDC_OK && k < imported.count; k++) {
            const IdcTable *other = idc_table_find(tables, source->schema, imported.items[k].name);

            if (other != NULL)
                add_clash(&clashes, other->source, imported.items[k].name);
            else
                status = add_imported(setup, source, NULL, &imported.items[k], tables, err);
        }
    }
    if (status == IDC_OK && clashes.count > 0)
        status = fail_clashes(source, &clashes, err);
    idc_text_done(&clashes.names);
    return status;
}

IdcStatus
idc_wanted_tables(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                  IdcTableList *tables, IdcError *err)
{
    IdcTableList scratch = { 0 };
    IdcStatus status = IDC_OK;
    bool is_any_listed = false;

    for (size_t i = 0; i < source->table_count; i++)
        is_any_listed = is_any_listed || source->tables[i].column_count > 0;
    if (is_any_listed)
        status = read_scratch_tables(setup, source, &scratch, server_name, err);
    for (size_t i = 0; status == IDC_OK && i < source->table_count; i++)
        if (source->tables[i].column_count > 0)
            status = add_listed_table(setup, source, i, &scratch, tables, err);
    if (status == IDC_OK)
        status = add_all_asked(setup, source, server_name, tables, err);
    if (status == IDC_OK && source->import_all)
        status = add_whole_schemas(setup, source, server_name, tables, err);
    return status;
}
