/*
 * exchange.c - one request, one answer.
 */
#include "fdw/exchange.h"

#include "fdw/server_limits.h"

/* Of a memory context: whatever ends that closes the talk. */
typedef struct Exchange {
    FdwTalk *talk;
    MemoryContextCallback callback;
    const char *server, *table;
} Exchange;

static void
at_context_end(void *arg)
{
    Exchange *exchange = arg;

    if (exchange->talk != NULL)
        fdw_talk_close(exchange->talk);
}

static void
say_exchange(void *arg)
{
    const Exchange *exchange = arg;

    if (exchange->table != NULL)
        errcontext("foreign table \"%s\" on server \"%s\"", exchange->table, exchange->server);
    else
        errcontext("request to server \"%s\"", exchange->server);
}

const void *
fdw_exchange(FdwProcess *process, const FdwServer *server, IdcMessageKind request,
             const IdcText *payload, IdcMessageKind answer, const char *table, size_t *len)
{
    Exchange *exchange = palloc0(sizeof *exchange);
    ErrorContextCallback saying = { .previous = error_context_stack,
                                    .callback = say_exchange,
                                    .arg = exchange };
    FdwMessage *message;
    void *copy;

    exchange->server = server->name;
    exchange->table = table;
    exchange->callback.func = at_context_end;
    exchange->callback.arg = exchange;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, &exchange->callback);
    error_context_stack = &saying;
    fdw_talk_new(process, request, 0, &exchange->talk);
    fdw_talk_take_place(
        exchange->talk,
        idc_adapter_option_number(server->declaration, &server->options, "max_concurrent"));
    fdw_talk_send(exchange->talk, payload);
    message = fdw_talk_next(exchange->talk, true);
    if (message->kind != answer)
        fdw_talk_raise(exchange->talk, message);
    *len = message->len;
    copy = palloc(message->len + 1);
    memcpy(copy, message->bytes, message->len);
    fdw_talk_close(exchange->talk);
    error_context_stack = saying.previous;
    return copy;
}
