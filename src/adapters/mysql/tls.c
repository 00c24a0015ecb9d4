/*
 * tls.c - whom the password goes to.
 *
 * libmariadb has one switch for "check the certificate and its name", and none for "encrypted or
 * not at all": a server (or somebody between) that does not offer TLS gets the answer to the
 * password in the clear. So the first that the server hears is an authentication method of our own,
 * which sends nothing but the user's name. When the server has answered, TLS is there or not, it
 * has named its method, and we go on with that, or end.
 */
#include "adapters/mysql/work.h"

#include <fcntl.h>
#include <errmsg.h>
#include <mysql/plugin_auth.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
                                   "get_server_public_key");
}

/*
 * Before 3.3.20 the library takes every file of a key for one that cannot be read (fread of one
 * item, compared with its size), and asks the server. Of later series it is not known.
 */
static bool
library_reads_keys(void)
{
    unsigned major = 0, minor = 0, patch = 0;

    return sscanf(mysql_get_client_info(), "%u.%u.%u", &major, &minor, &patch) == 3 && major == 3 &&
           minor == 3 && patch >= 20;
}

/* What cannot be read is no error to the library: it would ask the server for its key. */
static bool
has_key_file(const IdcMysqlServer *server)
{
    const char *path = idc_mysql_server_option(server, "server_public_key");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    bool is_there;

    if (fd < 0)
        return false;
    is_there = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
    (void) close(fd);
    return is_there;
}

static int
refuse(MYSQL *mysql, unsigned code, const char *why, const char *method, const char *because)
{
    mysql->net.last_errno = code;
    (void) snprintf(mysql->net.sqlstate, sizeof mysql->net.sqlstate, "%s", "HY000");
    (void) snprintf(mysql->net.last_error, sizeof mysql->net.last_error, "%s%.80s%s", why, method,
                    because);
    /* Otherwise the library would go on with the method that the server asks for. */
    mysql->net.read_pos[0] = 0;
    return CR_ERROR;
}

static int
refuse_tls(MYSQL *mysql, const char *why)
{
    return refuse(mysql, CR_SSL_CONNECTION_ERROR, why, "", "");
}

static bool
is_among(const char *list, const char *method)
{
    size_t len = strlen(method);

    for (const char *at = list; len > 0 && (at = strstr(at, method)) != NULL; at += len)
        if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
            return true;
    return false;
}

static const char *
why_not(const IdcMysqlServer *server, const char *method)
{
    if (!is_among(BY_KEY, method))
        return ", which shows it to whoever asks";
    if (idc_mysql_server_option(server, "server_public_key") == NULL)
        return ", which needs TLS";
    return library_reads_keys()
               ? ", which needs TLS or a key, and the file of server_public_key cannot be read"
               : ", which needs TLS: this version of libmariadb does not read server_public_key, "
                 "but asks the server (3.3.20 reads it)";
}

/* The server asks for the password by `method`. CR_ERROR alone means that it is not ours: then the
 * library takes the server's. */
static int
go_on(const IdcMysqlServer *server, MYSQL *mysql, const char *method, bool is_encrypted)
{
    static const char asks[] = "the server asks for the password by ";
    bool has_key = library_reads_keys() && has_key_file(server);
    bool may_encrypt = is_encrypted || may_ask_for_key(server) || has_key;
    const char *methods = may_encrypt ? BY_CHALLENGE BY_KEY : BY_CHALLENGE;

    if (server->tls >= IDC_MYSQL_TLS_VERIFY_CA)
        return CR_ERROR;
    if (*method == '\0')
        method = "mysql_old_password";
    if (!is_among(methods, method))
        return refuse(mysql, CR_PLUGIN_NOT_ALLOWED, asks, method, why_not(server, method));
    /* Where TLS was wanted the library takes it for there, and would send the password as it is. */
    if (!is_encrypted)
        mysql->options.use_ssl = 0;
    /* Should it ask by another one after that. */
    (void) mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, methods);
    return CR_ERROR;
}

static int
pass_gate(MYSQL_PLUGIN_VIO *vio, MYSQL *mysql)
{
    enum { ANOTHER_METHOD = 254 };
    const IdcMysqlServer *server = NULL;
    int fd = (int) mysql_get_socket(mysql), flags = fcntl(fd, F_GETFL), len;
    unsigned char *answer;
    bool is_encrypted, is_asked;

    /* The library asks TLS for what is there already, of a descriptor that waits: it must not. */
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return refuse_tls(mysql, "the socket cannot be read without waiting");
    if (mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, GATE, &server) != 0 || server == NULL)
        return refuse_tls(mysql, "the connection has no server");
    /* Before the first answer the library says who we are. */
    len = vio->read_packet(vio, &answer);
    is_asked = len < 0 && mysql->net.buff != NULL && mysql->net.read_pos[0] == ANOTHER_METHOD;
    if (len < 0 && !is_asked)
        return CR_ERROR;
    is_encrypted = mysql_get_ssl_cipher(mysql) != NULL;
    if (!is_encrypted && server->tls >= IDC_MYSQL_TLS_REQUIRE)
        return refuse_tls(mysql, "TLS is required, but the server does not offer it");
    if (!is_asked)
        return CR_OK_HANDSHAKE_COMPLETE; /* no password is wanted */
    return go_on(server, mysql, (const char *) mysql->net.read_pos + 1, is_encrypted);
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
