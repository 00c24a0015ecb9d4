/*
 * transaction.c - the one transaction of a setup: begun, silenced, locked, committed or rolled
 * back.
 *
 * In:   a connection of the hub
 * Out:  statements run, with nothing secret in the hub's log or in our errors
 * Next: apply.c, validate_source.c and refresh.c use it
 */
#include "setup/model.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/*
 * What could write a statement's text somewhere. Only a superuser (or who was granted SET on them)
 * may change most of them; those that stay loud are found by LOUD_SQL.
 */
static const char silence_sql[] =
    "SELECT pg_catalog.set_config(s.name, w.value, true)"
    " FROM (VALUES ('log_statement', 'none'), ('log_min_error_statement', 'panic'),"
    " ('log_min_duration_statement', '-1'), ('log_min_duration_sample', '-1'),"
    " ('log_duration', 'off'), ('log_transaction_sample_rate', '0'),"
    " ('debug_print_parse', 'off'), ('debug_print_rewritten', 'off'), ('debug_print_plan', 'off'),"
    " ('log_parser_stats', 'off'), ('pg_stat_statements.track_utility', 'off'),"
    " ('pg_stat_statements.track', 'none'), ('pgaudit.log', 'none')) w(name, value)"
    " JOIN pg_catalog.pg_settings s ON s.name = w.name"
    " WHERE s.context = 'user' OR %s";

static const char loud_sql[] =
    "SELECT s.name || ' = ' || s.setting FROM pg_catalog.pg_settings s WHERE"
    " (s.name = 'log_statement' AND s.setting <> 'none')"
    " OR (s.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND s.setting <> "
    "'-1')"
    " OR (s.name = 'log_transaction_sample_rate' AND s.setting::float8 > 0)"
    " OR (s.name = 'pg_stat_statements.track_utility' AND s.setting <> 'off')"
    " OR (s.name = 'pgaudit.log' AND s.setting NOT IN ('none', ''))"
    " ORDER BY 1 LIMIT 1";

/* The lock of all setups of a database: "instant" as a number. */
static const char lock_sql[] = "SELECT pg_catalog.pg_advisory_xact_lock(6878242151)";
enum { LOCK_TIMEOUT_S = 60 };

static const char session_sql[] = "SELECT current_user, (SELECT rolsuper FROM pg_catalog.pg_roles "
                                  "WHERE rolname = current_user)::text,"
                                  " pg_catalog.current_setting('server_version_num')";

IdcStatus
idc_setup_query(IdcSetup *setup, const char *sql, const char *const *parameters,
                size_t parameter_count, IdcTextRows *rows, IdcError *err)
{
    IdcStatus status = idc_conn_query(setup->conn, setup->call, setup->arena, sql, parameters,
                                      parameter_count, rows, err);

    if (status != IDC_OK)
        idc_setup_scrub(setup->config, err);
    return status;
}

IdcStatus
idc_setup_sql(IdcSetup *setup, const char *sql, IdcError *err)
{
    IdcStatus status = idc_conn_execute(setup->conn, setup->call, sql, err);

    if (status != IDC_OK)
        idc_setup_scrub(setup->config, err);
    return status;
}

/*
 * What a failed statement holds goes to the log of a hub whose log_min_error_statement we may not
 * change. Passwords are therefore refused there as long as any setting is loud.
 */
IdcStatus
idc_setup_execute(IdcSetup *setup, const IdcStatement *statement, IdcError *err)
{
    if (statement->has_secret && setup->loud != NULL) {
        IdcStatus status =
            idc_fail(err, IDC_UNSUPPORTED,
                     "cannot send a password to the hub: its log would keep it (%s)", setup->loud);

        idc_error_set_hint(
            err,
            "connect to the hub as a superuser, or let an administrator turn this off for "
            "user \"%s\" (ALTER ROLE … SET), or make the user mapping by hand",
            setup->user);
        return status;
    }
    return idc_setup_sql(setup, statement->sql, err);
}

static IdcStatus
learn_session(IdcSetup *setup, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = idc_setup_query(setup, session_sql, NULL, 0, &rows, err);
    int64_t version;

    if (status != IDC_OK)
        return status;
    setup->user = rows.values[0];
    setup->is_superuser = idc_same_text(rows.values[1], "true");
    if (!idc_int64_parse(rows.values[2], &version))
        return idc_fail(err, IDC_QUERY_FAILED, "the hub has no version number");
    setup->version = (int) version;
    (void) snprintf(setup->scratch, sizeof setup->scratch, "_%d",
                    PQbackendPID(idc_conn_libpq(setup->conn)));
    return IDC_OK;
}

static IdcStatus
silence(IdcSetup *setup, IdcError *err)
{
    const char *allowed = "false";
    IdcTextRows rows = { 0 };
    IdcStatus status;
    char *sql;

    if (setup->is_superuser)
        allowed = "true";
    else if (setup->version >= 150000)
        allowed = "pg_catalog.has_parameter_privilege(s.name, 'SET')";
    sql = idc_arena_printf(setup->arena, silence_sql, allowed);
    if (sql == NULL)
        return idc_fail_no_memory(err);
    status = idc_setup_query(setup, sql, NULL, 0, NULL, err);
    if (status == IDC_OK)
        status = idc_setup_query(setup, loud_sql, NULL, 0, &rows, err);
    if (status == IDC_OK)
        setup->loud = rows.row_count > 0 ? rows.values[0] : NULL;
    return status;
}

/* verify-full needs roots; libpq before 16 has no name for "those of the system". */
static IdcStatus
find_roots(IdcSetup *setup, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status;

    setup->ca_file = NULL;
    if (setup->version >= 160000) {
        setup->ca_file = "system";
        return IDC_OK;
    }
    if (!setup->is_superuser)
        return IDC_OK;
    status =
        idc_setup_query(setup,
                        "SELECT path FROM (VALUES (1, '/etc/ssl/certs/ca-certificates.crt'),"
                        " (2, '/etc/pki/tls/certs/ca-bundle.crt'), (3, '/etc/ssl/cert.pem'))"
                        " roots(nth, path) WHERE (pg_catalog.pg_stat_file(path, true)).size > 0"
                        " ORDER BY nth LIMIT 1",
                        NULL, 0, &rows, err);
    if (status == IDC_OK && rows.row_count > 0)
        setup->ca_file = rows.values[0];
    return status;
}

static IdcStatus
take_lock(IdcSetup *setup, IdcError *err)
{
    IdcStatus status;
    char *sql = idc_arena_printf(setup->arena, "SET LOCAL lock_timeout = '%ds'", LOCK_TIMEOUT_S);

    if (sql == NULL)
        return idc_fail_no_memory(err);
    status = idc_setup_sql(setup, sql, err);
    if (status == IDC_OK)
        status = idc_setup_query(setup, lock_sql, NULL, 0, NULL, err);
    if (status != IDC_OK && err != NULL && strcmp(err->sqlstate, "55P03") == 0) {
        status = idc_fail(err, IDC_TIMEOUT, "another setup of this hub has been running for %d s",
                          LOCK_TIMEOUT_S);
        idc_error_set_sqlstate(err, "55P03");
        idc_error_set_hint(
            err, "wait for it, or end it (pg_stat_activity and pg_locks of the hub show it)");
    }
    return status;
}

IdcStatus
idc_setup_begin(IdcSetup *setup, bool is_locked, IdcError *err)
{
    IdcStatus status = idc_setup_sql(setup, "BEGIN ISOLATION LEVEL READ COMMITTED", err);

    if (status == IDC_OK)
        status = learn_session(setup, err);
    if (status == IDC_OK)
        status = silence(setup, err);
    if (status == IDC_OK)
        status = find_roots(setup, err);
    if (status == IDC_OK && is_locked)
        status = take_lock(setup, err);
    return status;
}

IdcStatus
idc_setup_commit(IdcSetup *setup, IdcError *err)
{
    return idc_setup_sql(setup, "COMMIT", err);
}

void
idc_setup_rollback(IdcSetup *setup)
{
    IdcStatus status;

    if (!idc_conn_is_usable(setup->conn))
        return;
    /* A call that was cancelled cannot wait any more, and the transaction has to end all the same.
     */
    if (PQtransactionStatus(idc_conn_libpq(setup->conn)) == PQTRANS_ACTIVE)
        idc_conn_abandon(setup->conn);
    if (!idc_conn_is_usable(setup->conn) ||
        PQtransactionStatus(idc_conn_libpq(setup->conn)) == PQTRANS_IDLE)
        return;
    status = idc_conn_execute(setup->conn, NULL, "ROLLBACK", NULL);
    if (status != IDC_OK)
        idc_conn_abandon(setup->conn);
}

/* ---- secrets in errors ---- */

static void
scrub_text(char *text, size_t size, const char *secret)
{
    static const char mask[] = "********";
    size_t secret_len = strlen(secret);
    char *found = text;

    while ((found = strstr(found, secret)) != NULL) {
        size_t rest_len = strlen(found + secret_len);
        size_t before_len = (size_t) (found - text);
        size_t mask_len = sizeof mask - 1;

        if (before_len + mask_len >= size)
            mask_len = size - 1 - before_len;
        if (before_len + mask_len + rest_len >= size)
            rest_len = size - 1 - before_len - mask_len;
        memmove(found + mask_len, found + secret_len, rest_len);
        memcpy(found, mask, mask_len);
        found[mask_len + rest_len] = '\0';
        found += mask_len;
    }
}

static void
scrub_options(const IdcConfigOptions *options, IdcError *err)
{
    for (size_t i = 0; i < options->count; i++) {
        const char *value = options->items[i].value;

        /* Two letters appear in any sentence: to hide them would tell more than to leave them. */
        if (!idc_config_option_is_secret(options->items[i].name) || value == NULL ||
            strlen(value) < 3)
            continue;
        scrub_text(err->message, sizeof err->message, value);
        scrub_text(err->hint, sizeof err->hint, value);
        scrub_text(err->remote_sql, sizeof err->remote_sql, value);
    }
}

void
idc_setup_scrub(const IdcConfig *config, IdcError *err)
{
    if (err == NULL || config == NULL)
        return;
    for (size_t i = 0; i < config->source_count; i++) {
        scrub_options(&config->sources[i].server_options, err);
        scrub_options(&config->sources[i].user_options, err);
    }
}

/* ---- the list of changes ---- */

IdcStatus
idc_setup_note(IdcSetup *setup, const char *action, const char *kind, const char *name,
               const char *source, const char *ddl, IdcError *err)
{
    IdcChange *change;

    setup->changes = idc_list_grow(setup->arena, setup->changes, &setup->change_count,
                                   &setup->change_capacity, sizeof *setup->changes);
    if (setup->changes == NULL)
        return idc_fail_no_memory(err);
    change = &setup->changes[setup->change_count++];
    change->action = action;
    change->kind = kind;
    change->name = idc_arena_strdup(setup->arena, name);
    change->source = idc_arena_strdup(setup->arena, source == NULL ? "" : source);
    change->ddl = idc_arena_strdup(setup->arena, ddl == NULL ? "" : ddl);
    if (change->name == NULL || change->source == NULL || change->ddl == NULL)
        return idc_fail_no_memory(err);
    return IDC_OK;
}
