/*
 * kill.c - the end of a statement in the server that nobody here waits for any more.
 *
 * The hub must not wait for it, so it is done beside: by one more connection, for some seconds at
 * most.
 */
#include "adapters/mysql/work.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"

enum { KILL_MS = 10000, STACK_BYTES = 256 * 1024 };

typedef struct Killing {
    IdcMysqlServer *server;
    size_t host;
    unsigned long id;
} Killing;

static void
kill_connection(const Killing *killing, IdcCall *call)
{
    IdcMysqlWait wait;
    MYSQL *mysql = NULL;
    char sql[40];

    idc_call_set_timeout(call, KILL_MS);
    if (idc_mysql_connect_plain(killing->server, killing->host, call, &mysql, NULL) != IDC_OK)
        return;
    (void) snprintf(sql, sizeof sql, "KILL %lu", killing->id);
    idc_mysql_wait_begin(&wait, call, -1, NULL);
    /* It may have ended meanwhile: then there is nothing to kill. */
    if (idc_mysql_run(&wait, mysql, sql, NULL, NULL) != IDC_OK)
        idc_log(killing->server->server->log, IDC_DEBUG, "mysql: connection %lu was not killed",
                killing->id);
    mysql_close(mysql);
}

static void
end_killing(Killing *killing)
{
    IdcMysqlServer *server = killing->server;

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
idc_mysql_kill(IdcMysqlServer *server, size_t host, unsigned long id)
{
    Killing *killing = idc_calloc(1, sizeof *killing);
    pthread_attr_t attributes;
    pthread_t thread;
    bool has_begun = false;

    if (killing == NULL)
        return;
    *killing = (Killing){ server, host, id };
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

void
idc_mysql_kills_end(IdcMysqlServer *server)
{
    struct timespec until;
    int waited = 0;

    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += KILL_MS / 1000;
    pthread_mutex_lock(&server->kill_lock);
    while (server->kill_count > 0 && waited == 0)
        waited = pthread_cond_timedwait(&server->kill_ended, &server->kill_lock, &until);
    pthread_mutex_unlock(&server->kill_lock);
}
