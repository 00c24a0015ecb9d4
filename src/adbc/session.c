/*
 * session.c - the calls that are under way over a connection, so that any thread can cancel them.
 */
#include <stdlib.h>

#include "adbc/driver.h"

struct AdbcSession {
    pthread_mutex_t mutex;
    InstantConnector *connector; /* NULL once the connection was released */
    int reference_count;
    AdbcOperation *first;
};

/* In the list of its session from begin to end; the session's mutex guards result, is_cancelled and
 * the links. */
struct AdbcOperation {
    AdbcSession *session;
    const void *owner;
    InstantCall *call;
    InstantResult *result;
    bool is_cancelled;
    AdbcOperation *previous, *next;
};

AdbcSession *
idc_adbc_session_new(InstantConnector *connector)
{
    AdbcSession *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    pthread_mutex_init(&session->mutex, NULL);
    session->connector = connector;
    session->reference_count = 1;
    return session;
}

void
idc_adbc_session_drop(AdbcSession *session)
{
    int left;

    if (session == NULL)
        return;
    pthread_mutex_lock(&session->mutex);
    left = --session->reference_count;
    pthread_mutex_unlock(&session->mutex);
    if (left > 0)
        return;
    pthread_mutex_destroy(&session->mutex);
    free(session);
}

void
idc_adbc_session_close(AdbcSession *session)
{
    if (session == NULL)
        return;
    pthread_mutex_lock(&session->mutex);
    session->connector = NULL;
    pthread_mutex_unlock(&session->mutex);
}

size_t
idc_adbc_session_cancel(AdbcSession *session, const void *owner)
{
    size_t count = 0;

    pthread_mutex_lock(&session->mutex);
    for (AdbcOperation *at = session->first; at != NULL; at = at->next) {
        if (owner != NULL && at->owner != owner)
            continue;
        at->is_cancelled = true;
        instant_call_cancel(at->call);
        if (at->result != NULL)
            instant_result_cancel(at->result);
        count++;
    }
    pthread_mutex_unlock(&session->mutex);
    return count;
}

AdbcOperation *
idc_adbc_operation_begin(AdbcSession *session, const void *owner)
{
    AdbcOperation *operation = calloc(1, sizeof *operation);

    if (operation == NULL)
        return NULL;
    operation->call = instant_call_new();
    if (operation->call == NULL) {
        free(operation);
        return NULL;
    }
    operation->session = session;
    operation->owner = owner;
    pthread_mutex_lock(&session->mutex);
    session->reference_count++;
    operation->next = session->first;
    if (session->first != NULL)
        session->first->previous = operation;
    session->first = operation;
    pthread_mutex_unlock(&session->mutex);
    return operation;
}

InstantCall *
idc_adbc_operation_call(AdbcOperation *operation)
{
    return operation->call;
}

InstantConnector *
idc_adbc_operation_connector(AdbcOperation *operation)
{
    InstantConnector *connector;

    pthread_mutex_lock(&operation->session->mutex);
    connector = operation->session->connector;
    pthread_mutex_unlock(&operation->session->mutex);
    return connector;
}

void
idc_adbc_operation_watch(AdbcOperation *operation, InstantResult *result)
{
    InstantResult *earlier;

    pthread_mutex_lock(&operation->session->mutex);
    earlier = operation->result;
    operation->result = result;
    if (operation->is_cancelled && result != NULL)
        instant_result_cancel(result);
    pthread_mutex_unlock(&operation->session->mutex);
    instant_result_free(earlier);
}

InstantResult *
idc_adbc_operation_result(const AdbcOperation *operation)
{
    return operation->result;
}

void
idc_adbc_operation_end(AdbcOperation *operation)
{
    AdbcSession *session;

    if (operation == NULL)
        return;
    session = operation->session;
    pthread_mutex_lock(&session->mutex);
    if (operation->previous != NULL)
        operation->previous->next = operation->next;
    else
        session->first = operation->next;
    if (operation->next != NULL)
        operation->next->previous = operation->previous;
    pthread_mutex_unlock(&session->mutex);
    instant_result_free(operation->result);
    instant_call_free(operation->call);
    free(operation);
    idc_adbc_session_drop(session);
}
