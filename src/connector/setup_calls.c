/*
 * setup_calls.c - the public calls about sources: setup, health, tables, refresh.
 */
#include <stdio.h>
#include <string.h>

#include "connector/catalogue.h"
#include "connector/connector.h"
#include "connector/estimates.h"
#include "setup/setup.h"

#define TEXT_COLUMN(label)                                                                         \
    {                                                                                              \
        .name = label, .type_name = "text", .kind = IDC_KIND_TEXT                                  \
    }
#define BOOL_COLUMN(label)                                                                         \
    {                                                                                              \
        .name = label, .type_name = "boolean", .kind = IDC_KIND_BOOL                               \
    }
#define INT32_COLUMN(label)                                                                        \
    {                                                                                              \
        .name = label, .type_name = "integer", .kind = IDC_KIND_INT32                              \
    }
#define INT64_COLUMN(label)                                                                        \
    {                                                                                              \
        .name = label, .type_name = "bigint", .kind = IDC_KIND_INT64                               \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A call in progress: what it allocates, where it adds rows. */
typedef struct RowsCall {
    InstantConnector *connector;
    IdcCall *call;
    IdcArena *arena;
    IdcRows *rows;
} RowsCall;

static IdcStatus
rows_call_open(RowsCall *rows_call, InstantConnector *connector, InstantCall *call,
               const IdcColumnSpec *specs, size_t spec_count, IdcError *err)
{
    *rows_call =
        (RowsCall){ .connector = connector, .call = idc_call_in(call), .arena = idc_arena_new(0) };
    if (rows_call->arena == NULL)
        return idc_fail_no_memory(err);
    return idc_rows_new(specs, spec_count, &rows_call->rows, err);
}

/* Hand the rows out as a result, or drop them. */
static InstantStatus
rows_call_close(RowsCall *rows_call, IdcStatus status, InstantResult **result, IdcError *error,
                InstantError *err)
{
    if (status == IDC_OK)
        status = idc_result_wrap_rows(rows_call->connector, rows_call->rows, result, error);
    if (status != IDC_OK)
        idc_rows_free(rows_call->rows);
    idc_arena_free(rows_call->arena);
    return idc_status_out(status, error, err);
}

/* ---- setup ---- */

/* All of them, a line each. was_tried: without asking the sources first, and in vain. */
static IdcStatus
fail_unhealthy(const IdcSourceHealth *health, size_t count, bool was_tried, IdcError *err)
{
    IdcText lines;
    const IdcSourceHealth *first = NULL;
    size_t unhealthy_count = 0;

    idc_text_init(&lines, 0);
    for (size_t i = 0; i < count; i++) {
        if (health[i].is_healthy)
            continue;
        idc_text_append_format(&lines, "%ssource \"%s\": %s", first != NULL ? "\n" : "",
                               health[i].source, health[i].details);
        if (first == NULL)
            first = &health[i];
        unhealthy_count++;
    }
    if (first != NULL) {
        (void) idc_fail(err, IDC_SOURCE_FAILED, "%s", idc_text_string(&lines));
        idc_error_set_sqlstate(err, first->sqlstate[0] != '\0' ? first->sqlstate : "HV000");
        if (unhealthy_count == 1)
            idc_error_set_source(err, first->source);
        if (was_tried)
            idc_error_set_hint(err, "nothing was changed in the hub");
        else
            idc_error_set_hint(err,
                               "nothing was changed in the hub; set up without validation to go on "
                               "with %s unreachable",
                               unhealthy_count == 1 ? "this source" : "these sources");
    }
    idc_text_done(&lines);
    return first != NULL ? IDC_SOURCE_FAILED : IDC_OK;
}

static size_t
enabled_source_count(const IdcConfig *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->source_count; i++)
        count += config->sources[i].is_enabled;
    return count;
}

static IdcStatus
ask_sources(RowsCall *rows_call, IdcSourceHealth **health, IdcError *err)
{
    InstantConnector *connector = rows_call->connector;
    IdcStatus status = idc_hub_ensure(connector->hub, rows_call->call, err);

    if (status == IDC_OK)
        status = idc_setup_validate(connector->hub, rows_call->call, connector->config,
                                    connector->connect_timeout_ms, rows_call->arena, health, err);
    return status;
}

static IdcStatus
validate_sources(RowsCall *rows_call, IdcError *err)
{
    IdcSourceHealth *health = NULL;
    IdcStatus status = ask_sources(rows_call, &health, err);

    if (status == IDC_OK)
        status =
            fail_unhealthy(health, enabled_source_count(rows_call->connector->config), false, err);
    return status;
}

/* health is one item an enabled source, in the file's order. */
static bool
is_server_unhealthy(const IdcConfig *config, const IdcSourceHealth *health, const char *server)
{
    for (size_t i = 0, nth = 0; i < config->source_count; i++) {
        if (!config->sources[i].is_enabled)
            continue;
        if (strcmp(config->sources[i].server_name, server) == 0 && !health[nth].is_healthy)
            return true;
        nth++;
    }
    return false;
}

/* A run ends at the first source that fails. If one did, all are asked what is wrong, at once. */
static IdcStatus
explain_failure(RowsCall *rows_call, IdcStatus status, IdcError *err)
{
    const IdcConfig *config = rows_call->connector->config;
    IdcSourceHealth *health = NULL;

    if (err->source[0] == '\0' || status == IDC_BAD_CONFIG || status == IDC_NO_MEMORY ||
        status == IDC_CANCELED)
        return status;
    if (ask_sources(rows_call, &health, NULL) != IDC_OK ||
        !is_server_unhealthy(config, health, err->source))
        return status;
    return fail_unhealthy(health, enabled_source_count(config), true, err);
}

static IdcStatus
run_setup(RowsCall *rows_call, const InstantOption *options, size_t option_count, IdcError *err)
{
    IdcFlag flags[] = { { "plan", false }, { "force_refresh", false }, { "validate", false } };
    InstantConnector *connector = rows_call->connector;
    IdcSetupOptions setup_options;
    IdcChanges changes = { 0 };
    IdcConn *conn = NULL;
    IdcStatus status = idc_flags_parse(options, option_count, flags, COUNT_OF(flags), err);

    if (status == IDC_OK && flags[2].value)
        status = validate_sources(rows_call, err);
    if (status == IDC_OK)
        status = idc_pool_acquire(connector->pool, rows_call->call, &conn, err);
    if (status != IDC_OK)
        return status;
    setup_options = (IdcSetupOptions){ .plan_only = flags[0].value,
                                       .force_refresh = flags[1].value,
                                       .connect_timeout_ms = connector->connect_timeout_ms };
    status = idc_setup_run(conn, rows_call->call, connector->config, &setup_options,
                           rows_call->arena, &changes, err);
    idc_pool_release(connector->pool, conn);
    if (status != IDC_OK && !flags[2].value)
        status = explain_failure(rows_call, status, err);
    for (size_t i = 0; status == IDC_OK && i < changes.count; i++) {
        const IdcChange *change = &changes.items[i];
        const char *values[] = { change->action, change->kind, change->name, change->source,
                                 change->ddl };

        status = idc_rows_add(rows_call->rows, values, err);
    }
    return status;
}

InstantStatus
instant_setup(InstantConnector *connector, const InstantOption *options, size_t option_count,
              InstantCall *call, InstantResult **result, InstantError *err)
{
    static const IdcColumnSpec specs[] = { TEXT_COLUMN("action"), TEXT_COLUMN("kind"),
                                           TEXT_COLUMN("name"), TEXT_COLUMN("source"),
                                           TEXT_COLUMN("ddl") };
    RowsCall rows_call;
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = rows_call_open(&rows_call, connector, call, specs, COUNT_OF(specs), &error);
    if (status == IDC_OK)
        status = run_setup(&rows_call, options, option_count, &error);
    return rows_call_close(&rows_call, status, result, &error, err);
}

/* ---- health ---- */

static IdcStatus
add_health(RowsCall *rows_call, const char *component, bool is_healthy, const char *details,
           const char *sqlstate, int64_t elapsed_ms, IdcError *err)
{
    char elapsed[24];
    const char *values[] = { component, is_healthy ? "true" : "false", details, sqlstate, elapsed };

    (void) snprintf(elapsed, sizeof elapsed, "%lld", (long long) elapsed_ms);
    return idc_rows_add(rows_call->rows, values, err);
}

/* One row for the hub itself; *is_reachable says whether sources can be asked through it. */
static IdcStatus
check_hub(RowsCall *rows_call, bool *is_reachable, IdcError *err)
{
    InstantConnector *connector = rows_call->connector;
    int64_t start_ms = idc_clock_ms();
    IdcConn *conn = NULL;
    IdcError problem;
    IdcTextRows rows = { 0 };
    const char *details;
    IdcStatus status;

    idc_error_init(&problem);
    status = idc_pool_acquire(connector->pool, rows_call->call, &conn, &problem);
    if (status == IDC_OK) {
        status =
            idc_conn_query(conn, rows_call->call, rows_call->arena,
                           "SELECT current_setting('server_version')", NULL, 0, &rows, &problem);
        idc_pool_release(connector->pool, conn);
    }
    if (status == IDC_CANCELED || status == IDC_NO_MEMORY) {
        *err = problem;
        return status;
    }
    *is_reachable = status == IDC_OK;
    if (status == IDC_OK)
        details = idc_arena_printf(rows_call->arena, "ok: PostgreSQL %s", rows.values[0]);
    else
        details = idc_arena_printf(rows_call->arena, "%s%s%s", problem.message,
                                   problem.hint[0] != '\0' ? "; " : "", problem.hint);
    return add_health(rows_call, "hub", *is_reachable, details,
                      *is_reachable ? NULL : problem.sqlstate, idc_clock_ms() - start_ms, err);
}

static IdcStatus
check_sources(RowsCall *rows_call, IdcError *err)
{
    InstantConnector *connector = rows_call->connector;
    size_t count = enabled_source_count(connector->config);
    IdcSourceHealth *health = NULL;
    IdcStatus status =
        idc_setup_validate(connector->hub, rows_call->call, connector->config,
                           connector->connect_timeout_ms, rows_call->arena, &health, err);

    for (size_t i = 0; status == IDC_OK && i < count; i++)
        status =
            add_health(rows_call, health[i].source, health[i].is_healthy, health[i].details,
                       health[i].is_healthy ? NULL : health[i].sqlstate, health[i].elapsed_ms, err);
    return status;
}

InstantStatus
instant_health(InstantConnector *connector, InstantCall *call, InstantResult **result,
               InstantError *err)
{
    static const IdcColumnSpec specs[] = { TEXT_COLUMN("component"), BOOL_COLUMN("healthy"),
                                           TEXT_COLUMN("details"), TEXT_COLUMN("sqlstate"),
                                           INT64_COLUMN("elapsed_ms") };
    RowsCall rows_call;
    IdcError error;
    IdcStatus status;
    bool is_reachable = false;

    idc_error_init(&error);
    status = rows_call_open(&rows_call, connector, call, specs, COUNT_OF(specs), &error);
    if (status == IDC_OK)
        status = check_hub(&rows_call, &is_reachable, &error);
    if (status == IDC_OK && is_reachable)
        status = check_sources(&rows_call, &error);
    return rows_call_close(&rows_call, status, result, &error, err);
}

/* ---- tables ---- */

static IdcStatus
list_tables(RowsCall *rows_call, const char *table, IdcError *err)
{
    InstantConnector *connector = rows_call->connector;
    IdcTextRows listed;
    IdcConn *conn = NULL;
    IdcStatus status = idc_pool_acquire(connector->pool, rows_call->call, &conn, err);

    if (status != IDC_OK)
        return status;
    status = idc_catalogue_list(conn, rows_call->call, rows_call->arena, table, &listed, err);
    idc_pool_release(connector->pool, conn);
    if (status == IDC_OK)
        status =
            idc_estimates_fill(connector->pool, rows_call->call, rows_call->arena, &listed, err);
    for (size_t row = 0; status == IDC_OK && row < listed.row_count; row++) {
        const char **values = &listed.values[row * listed.column_count];

        values[IDC_CATALOGUE_SOURCE] =
            idc_catalogue_source(connector->config, values[IDC_CATALOGUE_SOURCE]);
        status = idc_rows_add(rows_call->rows, values, err);
    }
    return status;
}

InstantStatus
instant_tables(InstantConnector *connector, const char *table, InstantCall *call,
               InstantResult **result, InstantError *err)
{
    static const IdcColumnSpec specs[IDC_CATALOGUE_PUBLIC_COUNT] = {
        TEXT_COLUMN("table_name"),  TEXT_COLUMN("schema_name"),     TEXT_COLUMN("source"),
        TEXT_COLUMN("server"),      TEXT_COLUMN("wrapper"),         TEXT_COLUMN("remote_schema"),
        TEXT_COLUMN("remote_name"), INT64_COLUMN("estimated_rows"), TEXT_COLUMN("table_comment"),
        TEXT_COLUMN("column_name"), INT32_COLUMN("position"),       TEXT_COLUMN("type"),
        BOOL_COLUMN("not_null"),    TEXT_COLUMN("column_default"),  TEXT_COLUMN("column_comment")
    };
    RowsCall rows_call;
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = rows_call_open(&rows_call, connector, call, specs, COUNT_OF(specs), &error);
    if (status == IDC_OK)
        status = list_tables(&rows_call, table, &error);
    return rows_call_close(&rows_call, status, result, &error, err);
}

/* ---- refresh ---- */

/* A name that the hub does not know is an error with the nearest one, before anything is refreshed.
 */
static IdcStatus
run_refresh(RowsCall *rows_call, const char *const *tables, size_t table_count, IdcError *err)
{
    InstantConnector *connector = rows_call->connector;
    IdcRefresh *refreshed = NULL;
    size_t refreshed_count = 0;
    IdcTextRows known;
    IdcConn *conn = NULL;
    IdcStatus status = idc_pool_acquire(connector->pool, rows_call->call, &conn, err);

    if (status != IDC_OK)
        return status;
    for (size_t i = 0; status == IDC_OK && i < table_count; i++)
        status =
            idc_catalogue_list(conn, rows_call->call, rows_call->arena, tables[i], &known, err);
    if (status == IDC_OK)
        status = idc_setup_refresh(conn, rows_call->call, connector->config, tables, table_count,
                                   rows_call->arena, &refreshed, &refreshed_count, err);
    idc_pool_release(connector->pool, conn);
    for (size_t i = 0; status == IDC_OK && i < refreshed_count; i++) {
        const char *values[] = { refreshed[i].table, refreshed[i].is_refreshed ? "true" : "false",
                                 refreshed[i].details };

        status = idc_rows_add(rows_call->rows, values, err);
    }
    return status;
}

InstantStatus
instant_refresh(InstantConnector *connector, const char *const *tables, size_t table_count,
                InstantCall *call, InstantResult **result, InstantError *err)
{
    static const IdcColumnSpec specs[] = { TEXT_COLUMN("table_name"), BOOL_COLUMN("refreshed"),
                                           TEXT_COLUMN("details") };
    RowsCall rows_call;
    IdcError error;
    IdcStatus status;

    idc_error_init(&error);
    status = rows_call_open(&rows_call, connector, call, specs, COUNT_OF(specs), &error);
    if (status == IDC_OK)
        status = run_refresh(&rows_call, tables, table_count, &error);
    return rows_call_close(&rows_call, status, result, &error, err);
}
