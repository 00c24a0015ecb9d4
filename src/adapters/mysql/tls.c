/*
 * tls.c - whom the password goes to.
 *
 * libmariadb has one switch for "check the certificate and its name", and none for "encrypted or
 * not at all": a server (or somebody between) that does not offer TLS gets the answer to the
 * password in the clear. So the first that the server hears is an authentication method of our own,
 * which sends nothing but the user's name. When the server has answered, TLS is there or not, and
 * we go on with the server's method, or end.
 */
#include "adapters/mysql/work.h"

#include <fcntl.h>
#include <mysql/plugin_auth.h>
#include <stdio.h>
#include <string.h>

/*
 * mysql/client_plugin.h, as much of it as is used here. (That file includes one that Debian's
 * package does not have.)
 */
enum { AUTHENTICATION_PLUGIN = 2, AUTHENTICATION_INTERFACE = 0x0100 };

typedef struct AuthenticationPlugin {
    struct st_mysql_client_plugin head;
    int (*authenticate_user)(MYSQL_PLUGIN_VIO *vio, MYSQL *mysql);
} AuthenticationPlugin;

#define GATE "instant_gate"

/* What CAs Debian, Fedora and Alpine trust, where OpenSSL's own place is. */
static const char system_ca_path[] = "/etc/ssl/certs";

/* Methods that do not show the password to whoever is at the other end. */
#define BY_CHALLENGE GATE ",mysql_native_password,client_ed25519,parsec,auth_gssapi_client"
/* These encrypt it with a key that must be the server's own. */
#define BY_KEY ",caching_sha2_password,sha256_password"

static bool
may_ask_for_key(const IdcMysqlServer *server)
{
    return idc_adapter_option_bool(&idc_declaration_mysql, &server->server->options,
                                   "get_server_public_key") ||
           idc_mysql_server_option(server, "server_public_key") != NULL;
}

static int
refuse(MYSQL *mysql, const char *why)
{
    const unsigned ssl_error = 2026;

    mysql->net.last_errno = ssl_error;
    (void) snprintf(mysql->net.sqlstate, sizeof mysql->net.sqlstate, "%s", "HY000");
    (void) snprintf(mysql->net.last_error, sizeof mysql->net.last_error, "%s", why);
    return CR_ERROR;
}

static int
pass_gate(MYSQL_PLUGIN_VIO *vio, MYSQL *mysql)
{
    const IdcMysqlServer *server = NULL;
    int fd = (int) mysql_get_socket(mysql), flags = fcntl(fd, F_GETFL);
    bool is_encrypted;

    /* The library asks TLS for what is there already, of a descriptor that waits: it must not. */
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return refuse(mysql, "the socket cannot be read without waiting");
    if (vio->write_packet(vio, NULL, 0) != 0)
        return CR_ERROR;
    if (mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, GATE, &server) != 0 || server == NULL)
        return refuse(mysql, "the connection has no server");
    is_encrypted = mysql_get_ssl_cipher(mysql) != NULL;
    if (!is_encrypted && server->tls >= IDC_MYSQL_TLS_REQUIRE)
        return refuse(mysql, "TLS is required, but the server does not offer it");
    if (server->tls >= IDC_MYSQL_TLS_VERIFY_CA)
        return CR_OK;
    (void) mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                         is_encrypted || may_ask_for_key(server) ? BY_CHALLENGE BY_KEY
                                                                 : BY_CHALLENGE);
    return CR_OK;
}

static AuthenticationPlugin gate = {
    .head = { .type = AUTHENTICATION_PLUGIN,
              .interface_version = AUTHENTICATION_INTERFACE,
              .name = GATE,
              .author = "instant",
              .desc = "says who we are and nothing else",
              .version = { 1, 0, 0 },
              .license = "MIT" },
    .authenticate_user = pass_gate,
};

IdcStatus
idc_mysql_tls_init(IdcError *err)
{
    MYSQL *mysql;
    bool is_known;

    if (mysql_server_init(0, NULL, NULL) != 0 || (mysql = mysql_init(NULL)) == NULL)
        return idc_fail_no_memory(err);
    is_known = mysql_client_register_plugin(mysql, &gate.head) != NULL;
    mysql_close(mysql);
    return is_known ? IDC_OK
                    : idc_fail(err, IDC_UNSUPPORTED, "libmariadb does not take a plugin of ours");
}

static void
set_text(const IdcMysqlServer *server, MYSQL *mysql, enum mysql_option option, const char *name)
{
    const char *value = idc_mysql_server_option(server, name);

    if (value != NULL)
        (void) mysql_options(mysql, option, value);
}

static void
set_authorities(const IdcMysqlServer *server, MYSQL *mysql)
{
    set_text(server, mysql, MYSQL_OPT_SSL_CA, "ssl_ca");
    set_text(server, mysql, MYSQL_OPT_SSL_CAPATH, "ssl_capath");
    /* Without either the library would not look at the certificate, unless for its name too. */
    if (server->tls == IDC_MYSQL_TLS_VERIFY_CA &&
        idc_mysql_server_option(server, "ssl_ca") == NULL &&
        idc_mysql_server_option(server, "ssl_capath") == NULL)
        (void) mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, system_ca_path);
}

void
idc_mysql_tls_prepare(const IdcMysqlServer *server, MYSQL *mysql)
{
    my_bool yes = 1;

    set_text(server, mysql, MYSQL_SERVER_PUBLIC_KEY, "server_public_key");
    /* Whoever may read the socket's folder is on this machine. */
    if (server->socket != NULL)
        return;
    (void) mysql_optionsv(mysql, MARIADB_OPT_USERDATA, GATE, (void *) server);
    (void) mysql_options(mysql, MYSQL_DEFAULT_AUTH, GATE);
    if (server->tls == IDC_MYSQL_TLS_DISABLE)
        return;
    (void) mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (server->tls >= IDC_MYSQL_TLS_VERIFY_CA)
        set_authorities(server, mysql);
    if (server->tls == IDC_MYSQL_TLS_VERIFY_FULL)
        (void) mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    set_text(server, mysql, MYSQL_OPT_SSL_CERT, "ssl_cert");
    set_text(server, mysql, MYSQL_OPT_SSL_KEY, "ssl_key");
    set_text(server, mysql, MYSQL_OPT_SSL_CIPHER, "ssl_cipher");
    set_text(server, mysql, MARIADB_OPT_TLS_VERSION, "tls_version");
    set_text(server, mysql, MARIADB_OPT_TLS_PEER_FP, "ssl_fingerprint");
}
