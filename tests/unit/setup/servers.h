/*
 * servers.h - what the tests of setup share: servers.sh behind a pipe, a hub database a test, YAML
 * in.
 */
#ifndef TEST_SETUP_SERVERS_H
#define TEST_SETUP_SERVERS_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "setup/setup.h"

typedef struct Servers {
    int input;    /* closing it ends the servers */
    FILE *output; /* ends when they have ended */
    char directory[128];
    int hub_port, postgres_port, mariadb_port;
    int database_count;
} Servers;

/* Not every test file uses all of these. */
#define SHARED __attribute__((unused)) static

static Servers servers;

/*
 * The script is nobody's child: a test runner that kills this program kills all that descend from
 * it, and the script must live to stop its servers.
 */
SHARED int
servers_start(void **state)
{
    int to_script[2], from_script[2];
    char line[512] = "";
    pid_t child;

    (void) state;
    if (pipe2(to_script, O_CLOEXEC) != 0 || pipe2(from_script, O_CLOEXEC) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        if (fork() == 0) {
            (void) setsid();
            dup2(to_script[0], 0);
            dup2(from_script[1], 1);
            execl("/bin/bash", "bash", TEST_SOURCE_DIR "/servers.sh", (char *) NULL);
        }
        _exit(0);
    }
    close(to_script[0]);
    close(from_script[1]);
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return -1;
    servers.input = to_script[1];
    servers.output = fdopen(from_script[0], "r");
    if (servers.output == NULL || fgets(line, sizeof line, servers.output) == NULL)
        return -1;
    return sscanf(line, "ready %127s %d %d %d", servers.directory, &servers.hub_port,
                  &servers.postgres_port, &servers.mariadb_port) == 4
               ? 0
               : -1;
}

SHARED int
servers_stop(void **state)
{
    (void) state;
    close(servers.input);
    while (fgetc(servers.output) != EOF)
        continue;
    return fclose(servers.output);
}

/* One test: a new database of the hub, a connection to it, an arena. */
typedef struct Case {
    IdcHub *hub;
    IdcConn *conn;
    IdcArena *arena;
    IdcConfig *config;
    IdcError err;
    char database[32], user[32];
} Case;

SHARED IdcHub *
case_hub(const char *database, const char *user)
{
    char port[16], host[160];
    IdcKeyword keywords[] = {
        { "host", host }, { "port", port }, { "dbname", database }, { "user", user }
    };
    IdcHubOptions options = { .kind = IDC_HUB_EXTERNAL,
                              .keywords = keywords,
                              .keyword_count = 4,
                              .application_name = "test",
                              .connect_timeout_ms = 10000,
                              .query_timeout_ms = 60000 };
    IdcHub *hub = NULL;
    IdcError err;

    snprintf(port, sizeof port, "%d", servers.hub_port);
    snprintf(host, sizeof host, "%s/hub", servers.directory);
    idc_error_init(&err);
    if (idc_hub_new(&options, NULL, &hub, &err) != IDC_OK)
        fail_msg("%s", err.message);
    return hub;
}

SHARED void
case_sql(Case *test, const char *sql)
{
    idc_error_init(&test->err);
    if (idc_conn_execute(test->conn, NULL, sql, &test->err) != IDC_OK)
        fail_msg("%s: %s", sql, test->err.message);
}

/* The one value of a query, "" for NULL or no row. */
SHARED const char *
case_value(Case *test, const char *sql)
{
    IdcTextRows rows = { 0 };

    idc_error_init(&test->err);
    if (idc_conn_query(test->conn, NULL, test->arena, sql, NULL, 0, &rows, &test->err) != IDC_OK)
        fail_msg("%s: %s", sql, test->err.message);
    return rows.row_count == 0 || rows.values[0] == NULL ? "" : rows.values[0];
}

SHARED void
case_open(Case *test)
{
    char sql[128];

    memset(test, 0, sizeof *test);
    idc_error_init(&test->err);
    test->arena = idc_arena_new(0);
    snprintf(test->database, sizeof test->database, "case_%d", ++servers.database_count);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", test->database);
    test->hub = case_hub("postgres", "postgres");
    assert_int_equal(idc_conn_open(test->hub, NULL, &test->conn, &test->err), IDC_OK);
    case_sql(test, sql);
    idc_conn_close(test->conn);
    idc_hub_free(test->hub);
    test->hub = case_hub(test->database, "postgres");
    assert_int_equal(idc_conn_open(test->hub, NULL, &test->conn, &test->err), IDC_OK);
}

SHARED void
case_close(Case *test)
{
    idc_config_free(test->config);
    idc_conn_close(test->conn);
    idc_hub_free(test->hub);
    idc_arena_free(test->arena);
}

/* $PG and $MY in the text stand for the ports of the sources. */
SHARED void
case_config(Case *test, const char *yaml)
{
    char text[16384];
    size_t len = 0;
    IdcConfigInput input = { .text = text };
    IdcText report;

    for (const char *at = yaml; *at != '\0' && len < sizeof text - 16; at++) {
        if (strncmp(at, "$PG", 3) == 0 || strncmp(at, "$MY", 3) == 0) {
            len += (size_t) snprintf(text + len, 16, "%d",
                                     at[1] == 'P' ? servers.postgres_port : servers.mariadb_port);
            at += 2;
        } else {
            text[len++] = *at;
        }
    }
    text[len] = '\0';
    idc_config_free(test->config);
    test->config = NULL;
    idc_text_init(&report, 0);
    idc_error_init(&test->err);
    if (idc_config_load(&input, &test->config, &report, &test->err) != IDC_OK)
        fail_msg("%s\n%s", test->err.message, idc_text_string(&report));
    idc_text_done(&report);
}

SHARED IdcStatus
case_try(Case *test, const IdcSetupOptions *options, IdcChanges *changes)
{
    idc_error_init(&test->err);
    return idc_setup_run(test->conn, NULL, test->config, options, test->arena, changes, &test->err);
}

SHARED IdcChanges
case_setup(Case *test)
{
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcChanges changes = { 0 };

    if (case_try(test, &options, &changes) != IDC_OK)
        fail_msg("%s (%s)", test->err.message, test->err.hint);
    return changes;
}

/* "action kind name, …" of what was changed. */
SHARED const char *
case_story(Case *test, const IdcChanges *changes)
{
    const char *story = "";

    for (size_t i = 0; i < changes->change_count; i++)
        story = idc_arena_printf(test->arena, "%s%s%s %s %s", story, i == 0 ? "" : ", ",
                                 changes->items[i].action, changes->items[i].kind,
                                 changes->items[i].name);
    return story;
}

SHARED const IdcChange *
case_change(const IdcChanges *changes, const char *kind, const char *name)
{
    for (size_t i = 0; i < changes->count; i++)
        if (strcmp(changes->items[i].kind, kind) == 0 && strcmp(changes->items[i].name, name) == 0)
            return &changes->items[i];
    return NULL;
}

#define SHOP_SERVER                                                                                \
    "sources:\n"                                                                                   \
    "  shop:\n"                                                                                    \
    "    extension: postgres_fdw\n"                                                                \
    "    server: {name: shop_server, options: {host: 127.0.0.1, port: $PG, dbname: shop}}\n"
#define SHOP_USER "    user_mapping: {options: {user: app, password: geheim-1}}\n"
#define SHOP SHOP_SERVER SHOP_USER
#define ORDERS                                                                                     \
    "      - name: orders\n"                                                                       \
    "        columns: [{name: id, type: integer, not_null: true}, {name: amount, type: "           \
    "\"numeric(10,2)\"}, "                                                                         \
    "{name: day, type: date}]\n"                                                                   \
    "        options: {table_name: orders, schema_name: public}\n"
#define STOCK                                                                                      \
    "  stock:\n"                                                                                   \
    "    wrapper: mysql_fdw\n"                                                                     \
    "    server: {name: stock_server, options: {host: 127.0.0.1, port: $MY, database: stock}}\n"   \
    "    user_mapping: {options: {username: app, password: geheim-2}}\n"

#endif
