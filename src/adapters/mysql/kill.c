/*
 * kill.c - the end of a statement in the server that nobody here waits for any more.
 *
 * The hub must not wait for it, so it is done beside: by one more connection, for some seconds at
 * most. A server that has no room for one more is asked again. Until then the connection counts
 * among those that there may be.
 */
#include "adapters/mysql/work.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/threads.h"

enum { KILL_MS = 10000, FULL_MS = 50, STACK_BYTES = 256 * 1024 };

/* socket: a second descriptor of the connection's, or -1. */
typedef struct Killing {
    IdcMysqlServer *server;
    size_t host;
    unsigned long id;
    int slot, socket;
} Killing;

static IdcStatus
connect_beside(const Killing *killing, IdcCall *call, MYSQL **mysql)
{
    for (;;) {
        bool is_full = false;
        IdcStatus status =
            idc_mysql_connect_plain(killing->server, killing->host, call, mysql, &is_full, NULL);

        if (status == IDC_OK || !is_full)
            return status;
        if (idc_call_wait(call, -1, 0, FULL_MS, NULL) != IDC_TIMEOUT ||
            idc_call_remaining_ms(call, -1) == 0)
            return status;
    }
}

/* The server closes its end when nothing of the connection is left. */
static void
wait_for_end(const Killing *killing, IdcCall *call)
{
    char rest[4096];

    while (killing->socket >= 0 &&
           idc_call_wait(call, killing->socket, POLLIN, -1, NULL) == IDC_OK &&
           read(killing->socket, rest, sizeof rest) > 0)
        continue;
}

static void
kill_connection(const Killing *killing, IdcCall *call)
{
    IdcMysqlWait wait;
    MYSQL *mysql = NULL;
    char sql[40];

    idc_call_set_timeout(call, KILL_MS);
    if (connect_beside(killing, call, &mysql) != IDC_OK)
        return;
    (void) snprintf(sql, sizeof sql, "KILL %lu", killing->id);
    idc_mysql_wait_begin(&wait, call, -1, NULL);
    /* It may have ended meanwhile: then there is nothing to kill. */
    if (idc_mysql_run(&wait, mysql, sql, NULL, NULL) != IDC_OK)
        idc_log(killing->server->server->log, IDC_DEBUG, "mysql: connection %lu was not killed",
                killing->id);
    else
        wait_for_end(killing, call);
    mysql_close(mysql);
}

static void
end_killing(Killing *killing)
{
    IdcMysqlServer *server = killing->server;

    if (killing->socket >= 0)
        close(killing->socket);
    idc_links_give_back(server->links, killing->slot);
    idc_free(killing);
    pthread_mutex_lock(&server->kill_lock);
    server->kill_count--;
    pthread_cond_signal(&server->kill_ended);
    pthread_mutex_unlock(&server->kill_lock);
}

static void *
kill_main(void *argument)
{
    Killing *killing = argument;
    IdcCall *call = idc_call_new();

    if (call != NULL)
        kill_connection(killing, call);
    idc_call_free(call);
    end_killing(killing);
    return NULL;
}

void
idc_mysql_kill(const IdcMysqlConn *conn, int slot)
{
    IdcMysqlServer *server = conn->server;
    Killing *killing = idc_calloc(1, sizeof *killing);
    pthread_attr_t attributes;
    pthread_t thread;
    bool has_begun = false;

    if (killing == NULL) {
        idc_links_give_back(server->links, slot);
        return;
    }
    *killing =
        (Killing){ .server = server,
                   .host = conn->host,
                   .id = conn->id,
                   .slot = slot,
                   .socket = fcntl((int) mysql_get_socket(conn->mysql), F_DUPFD_CLOEXEC, 0) };
    pthread_mutex_lock(&server->kill_lock);
    server->kill_count++;
    pthread_mutex_unlock(&server->kill_lock);
    if (pthread_attr_init(&attributes) == 0) {
        has_begun = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                    pthread_create(&thread, &attributes, kill_main, killing) == 0;
        (void) pthread_attr_destroy(&attributes);
    }
    if (!has_begun)
        end_killing(killing);
}

bool
idc_mysql_kills_end(IdcMysqlServer *server)
{
    bool have_ended;

    pthread_mutex_lock(&server->kill_lock);
    have_ended =
        idc_threads_end(&server->kill_count, &server->kill_ended, &server->kill_lock, KILL_MS);
    pthread_mutex_unlock(&server->kill_lock);
    return have_ended;
}
