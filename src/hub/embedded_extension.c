/*
 * embedded_extension.c - load the extension with the server, make it in the database.
 */
#include "hub/embedded_extension.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hub/extension_files.h"
#include "hub/server_process.h"

#define OUTPUT_BYTES 4096

/* A list as the server reads it: names apart by commas, maybe in double quotes. */
static bool
is_listed(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + len, name))
        if ((at == list || strchr(", \"/", at[-1]) != NULL) && strchr(", \".", at[len]) != NULL)
            return true;
    return false;
}

static void
read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, line, size - 1) : -1;

    if (fd >= 0)
        close(fd);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

IdcStatus
idc_extension_preload(const IdcEmbedded *embedded, IdcCall *call, const IdcServerTree *tree,
                      IdcText *setting, IdcError *err)
{
    char program[PATH_MAX + 16], output[PATH_MAX], list[OUTPUT_BYTES];
    char *arguments[] = { program,
                          (char *) "-D",
                          (char *) embedded->data,
                          (char *) "-C",
                          (char *) "shared_preload_libraries",
                          NULL };
    IdcStatus status;

    (void) snprintf(program, sizeof program, "%s/postgres", tree->bin);
    (void) snprintf(output, sizeof output, "%s/tree.log", embedded->log_directory);
    (void) unlink(output);
    status = idc_server_run(embedded, call, arguments, NULL, output, err);
    read_line(output, list, sizeof list);
    (void) unlink(output);
    if (status != IDC_OK)
        return status;
    idc_text_append_format(setting, "shared_preload_libraries=%s", list);
    if (!is_listed(list, IDC_EXTENSION_NAME))
        idc_text_append_format(setting, "%s" IDC_EXTENSION_NAME, list[0] != '\0' ? ", " : "");
    return idc_text_check(setting, err);
}

/* ---- in the database ---- */

/* The server's message, without its end of line. */
static bool
run(PGconn *conn, const char *sql, char *reason, size_t size)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    (void) snprintf(reason, size, "%s", PQerrorMessage(conn));
    reason[strcspn(reason, "\n")] = '\0';
    return false;
}

/* installed: empty if it is not. has_update: a way leads from there to the version of the files. */
static bool
look(PGconn *conn, char *installed, size_t size, bool *has_update, char *reason, size_t reason_size)
{
    static const char sql[] =
        "SELECT e.extversion, EXISTS (SELECT FROM pg_catalog.pg_extension_update_paths('" //
        IDC_EXTENSION_NAME "') u WHERE u.source = e.extversion AND u.target = a.default_version"
        " AND u.source <> u.target AND u.path IS NOT NULL)"
        " FROM pg_catalog.pg_available_extensions a"
        " LEFT JOIN pg_catalog.pg_extension e ON e.extname = a.name WHERE a.name = '" //
        IDC_EXTENSION_NAME "'";
    PGresult *result = PQexec(conn, sql);
    bool is_good = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

    if (is_good) {
        (void) snprintf(installed, size, "%s", PQgetvalue(result, 0, 0));
        *has_update = PQgetvalue(result, 0, 1)[0] == 't';
    } else {
        (void) snprintf(reason, reason_size, "%s", PQerrorMessage(conn));
        reason[strcspn(reason, "\n")] = '\0';
        if (reason[0] == '\0')
            (void) snprintf(reason, reason_size, "the server does not see its files");
    }
    PQclear(result);
    return is_good;
}

static bool
create(PGconn *conn, const IdcLog *log, char *reason, size_t size)
{
    char installed[64];
    bool has_update = false;

    /* It must not wait for ever for what another session holds: the lock file is held meanwhile. */
    if (!run(conn,
             "SET client_min_messages = warning; SET search_path = pg_catalog;"
             " SET statement_timeout = '30s'",
             reason, size) ||
        !look(conn, installed, sizeof installed, &has_update, reason, size))
        return false;
    /* The schema first and by itself: it may be setup's already, and must outlive DROP EXTENSION.
     */
    if (installed[0] == '\0')
        return run(conn,
                   "CREATE SCHEMA IF NOT EXISTS instant;"
                   " CREATE EXTENSION IF NOT EXISTS " IDC_EXTENSION_NAME " SCHEMA instant",
                   reason, size);
    if (!has_update)
        return true;
    idc_log(log, IDC_INFO, "hub: updating the extension from version %s", installed);
    return run(conn, "ALTER EXTENSION " IDC_EXTENSION_NAME " UPDATE", reason, size);
}

void
idc_extension_create(const IdcEmbedded *embedded)
{
    const char *const names[] = { "host",    "port",       "dbname",          "user",
                                  "sslmode", "gssencmode", "connect_timeout", "application_name",
                                  "options", NULL };
    const char *const values[] = { embedded->socket_directory,
                                   IDC_EMBEDDED_PORT,
                                   IDC_EMBEDDED_DATABASE,
                                   IDC_EMBEDDED_USER,
                                   "disable",
                                   "disable",
                                   "10",
                                   "instant",
                                   "",
                                   NULL };
    PGconn *conn = PQconnectdbParams(names, values, 0);
    char reason[500] = "out of memory";
    bool is_good = false;

    if (conn != NULL && PQstatus(conn) == CONNECTION_OK)
        is_good = create(conn, &embedded->log, reason, sizeof reason);
    else if (conn != NULL)
        (void) snprintf(reason, sizeof reason, "%s", PQerrorMessage(conn));
    PQfinish(conn);
    if (!is_good)
        idc_log(&embedded->log, IDC_WARNING,
                "hub: the database is without the extension, or with an old one: %s", reason);
}
