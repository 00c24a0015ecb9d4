/*
 * server.c - a server of the hub: where it is, and what all of its connections share.
 */
#include "adapters/mysql/work.h"

#include <stdlib.h>
#include <string.h>

enum { HOSTS_MOST = 64 };

const char *
idc_mysql_server_option(const IdcMysqlServer *server, const char *name)
{
    const char *value = idc_mysql_option(&server->server->options, name);

    if (value == NULL)
        value = idc_mysql_option(&server->server->user_options, name);
    if (value == NULL)
        value = idc_adapter_option_text(&idc_declaration_mysql, &server->server->options, name);
    return value;
}

static IdcStatus
fail_host(const char *given, IdcError *err)
{
    return idc_fail(err, IDC_BAD_CONFIG, "\"%s\" is no list of hosts such as \"db1:3306,db2\"",
                    given);
}

/* name, name:port, [address]:port; the text is ours to cut. */
static bool
read_host(char *text, unsigned port, IdcMysqlHost *host)
{
    char *end = text[0] == '[' ? strchr(text, ']') : NULL;
    char *colon = strrchr(end == NULL ? text : end, ':');
    int64_t number = port;

    if (text[0] == '[' && (end == NULL || (end[1] != '\0' && end[1] != ':')))
        return false;
    /* More than one colon and no brackets: an address of IPv6 alone. */
    if (end == NULL && colon != NULL && strchr(text, ':') != colon)
        colon = NULL;
    if (colon != NULL) {
        *colon = '\0';
        if (!idc_int64_parse(colon + 1, &number) || number < 1 || number > UINT16_MAX)
            return false;
    }
    if (end != NULL) {
        *end = '\0';
        text++;
    }
    *host = (IdcMysqlHost){ .name = text, .port = (unsigned) number };
    return text[0] != '\0';
}

static IdcStatus
read_hosts(IdcArena *arena, IdcMysqlServer *server, IdcError *err)
{
    const char *given = idc_option_value(&server->server->options, "hosts");
    int64_t port =
        idc_adapter_option_number(&idc_declaration_mysql, &server->server->options, "port");
    char *text, *rest = NULL;

    if (given == NULL)
        given = idc_mysql_server_option(server, "host");
    text = idc_arena_strdup(arena, given);
    server->hosts = idc_arena_alloc_array(arena, HOSTS_MOST, sizeof *server->hosts);
    if (text == NULL || server->hosts == NULL)
        return idc_fail_no_memory(err);
    if (server->socket != NULL) {
        server->host_count = 1;
        return IDC_OK;
    }
    for (char *host = strtok_r(text, ", ", &rest); host != NULL; host = strtok_r(NULL, ", ", &rest))
        if (server->host_count == HOSTS_MOST ||
            !read_host(host, (unsigned) port, &server->hosts[server->host_count++]))
            return fail_host(given, err);
    return server->host_count == 0 ? fail_host(given, err) : IDC_OK;
}

/* As MySQL's own programs: authorities that are named are meant to be asked. */
static IdcMysqlTls
read_tls(const IdcMysqlServer *server)
{
    static const char *const words[] = { [IDC_MYSQL_TLS_DISABLE] = "disable",
                                         [IDC_MYSQL_TLS_PREFER] = "prefer",
                                         [IDC_MYSQL_TLS_REQUIRE] = "require",
                                         [IDC_MYSQL_TLS_VERIFY_CA] = "verify-ca",
                                         [IDC_MYSQL_TLS_VERIFY_FULL] = "verify-full" };
    const char *word = idc_mysql_server_option(server, "ssl_mode");

    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], word) == 0)
            return (IdcMysqlTls) i;
    return idc_mysql_server_option(server, "ssl_ca") != NULL ||
                   idc_mysql_server_option(server, "ssl_capath") != NULL
               ? IDC_MYSQL_TLS_VERIFY_CA
               : IDC_MYSQL_TLS_PREFER;
}

IdcStatus
idc_mysql_server_new(IdcSourceServer *source, IdcError *err)
{
    IdcMysqlServer *server = idc_arena_alloc(source->arena, sizeof *server);
    IdcStatus status;

    if (server == NULL)
        return idc_fail_no_memory(err);
    server->server = source;
    (void) pthread_mutex_init(&server->kill_lock, NULL);
    (void) pthread_cond_init(&server->kill_ended, NULL);
    server->socket = idc_mysql_server_option(server, "socket");
    server->tls = read_tls(server);
    server->connect_ms =
        idc_adapter_option_number(&idc_declaration_mysql, &source->options, "connect_timeout");
    server->read_ms =
        idc_adapter_option_number(&idc_declaration_mysql, &source->options, "read_timeout");
    status = read_hosts(source->arena, server, err);
    if (status == IDC_OK)
        status = idc_mysql_tls_init(err);
    if (status == IDC_OK)
        status = idc_links_of_server(source, &idc_declaration_mysql, &idc_mysql_link_methods,
                                     server, &server->links, err);
    source->state = server;
    return status;
}

void
idc_mysql_server_free(IdcSourceServer *source)
{
    IdcMysqlServer *server = source->state;

    if (server == NULL)
        return;
    /* What is being killed has slots. */
    if (server->links != NULL)
        idc_links_close_all(server->links);
    if (!idc_mysql_kills_end(server))
        return;
    idc_links_free(server->links);
    server->links = NULL;
}
