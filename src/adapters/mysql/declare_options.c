/*
 * declare_options.c - the options of MySQL sources. Those of mysql_fdw keep their names.
 */
#include "adapters/mysql/mysql.h"
#include "adapters/common/declare_links.h"

#include <string.h>

static const char *const zero_date_words[] = { "null", "error", "text", NULL };
static const char *const ssl_mode_words[] = { "disable",   "prefer",      "require",
                                              "verify-ca", "verify-full", NULL };
static const char *const on_error_words[] = { "error", "null", NULL };
static const char *const tinyint_words[] = { "boolean", "smallint", NULL };
static const char *const time_words[] = { "time", "interval", "text", NULL };

#define SERVER_AND_TABLE (IDC_OPTION_SERVER | IDC_OPTION_TABLE)

#define TEXT(option_name, where, text)                                                             \
    {                                                                                              \
        .name = (option_name), .levels = (where), .help = (text)                                   \
    }
#define WORD(option_name, where, list, otherwise, text)                                            \
    {                                                                                              \
        .name = (option_name), .levels = (where), .type = IDC_OPTION_WORD, .words = (list),        \
        .fallback = (otherwise), .help = (text)                                                    \
    }
#define BOOL(option_name, where, otherwise, text)                                                  \
    {                                                                                              \
        .name = (option_name), .levels = (where), .type = IDC_OPTION_BOOL,                         \
        .fallback = (otherwise), .help = (text)                                                    \
    }
#define NUMBER(option_name, where, otherwise, least, most, text)                                   \
    {                                                                                              \
        .name = (option_name), .levels = (where), .type = IDC_OPTION_INTEGER,                      \
        .fallback = (otherwise), .min = (least), .max = (most), .help = (text)                     \
    }
#define SPAN(option_name, otherwise, text)                                                         \
    {                                                                                              \
        .name = (option_name), .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION,           \
        .fallback = (otherwise), .help = (text)                                                    \
    }
#define LOCAL(option_name, text)                                                                   \
    {                                                                                              \
        .name = (option_name), .levels = IDC_OPTION_SERVER, .is_local = true, .help = (text)       \
    }
/* What mysql_fdw knows and this adapter does not need: a configuration need not be changed. */
#define UNUSED_BOOL(option_name, where)                                                            \
    BOOL(option_name, where, NULL, "of mysql_fdw: accepted, and without effect here")

const IdcAdapterOption idc_mysql_options[] = {
    /* ---- where ---- */
    { .name = "host",
      .levels = IDC_OPTION_SERVER,
      .fallback = "127.0.0.1",
      .help = "name or address of the server; several with commas: they are tried in this order" },
    NUMBER("port", IDC_OPTION_SERVER, "3306", 1, 65535, "its port"),
    LOCAL("socket", "path of the server's socket on this machine, instead of host and port"),
    TEXT("hosts", IDC_OPTION_SERVER,
         "host:port,host:port …: servers of the same data, tried in this order"),
    LOCAL("option_file", "an option file; its group [client] is read"),
    LOCAL("mysql_default_file", "the same"),
    TEXT("option_group", IDC_OPTION_SERVER, "a group of the option file that is read too"),

    /* ---- as whom ---- */
    TEXT("user", IDC_OPTION_USER, "the user of the server"),
    TEXT("username", IDC_OPTION_USER, "the same"),
    { .name = "password",
      .levels = IDC_OPTION_USER,
      .is_secret = true,
      .help = "the user's password" },

    /* ---- how ---- */
    WORD("ssl_mode", IDC_OPTION_SERVER, ssl_mode_words, NULL,
         "encryption; verify-full checks the server's certificate and its name"),
    LOCAL("ssl_ca", "file of the certificate authorities that are trusted"),
    LOCAL("ssl_capath", "folder of certificate authorities"),
    LOCAL("ssl_cert", "file of the client's certificate"),
    LOCAL("ssl_key", "file of its key"),
    TEXT("ssl_cipher", IDC_OPTION_SERVER, "ciphers that may be used"),
    TEXT("ssl_fingerprint", IDC_OPTION_SERVER, "the only server certificate that is trusted"),
    TEXT("tls_version", IDC_OPTION_SERVER, "versions of TLS that may be used"),
    BOOL("get_server_public_key", IDC_OPTION_SERVER, "false",
         "ask an unencrypted server for the key that a password is encrypted with"),
    LOCAL("server_public_key", "file of that key"),
    LOCAL("plugin_dir", "folder of authentication plugins"),
    BOOL("compression", IDC_OPTION_SERVER, "false", "compress what goes over the wire"),
    SPAN("connect_timeout", "10s", "how long connecting may take, for each host"),
    SPAN("read_timeout", NULL, "how long the server may be silent"),
    TEXT("init_command", IDC_OPTION_SERVER, "a statement for each new connection"),
    TEXT("sql_mode", IDC_OPTION_SERVER, "modes of the server beside those that this adapter sets"),
    IDC_LINK_OPTIONS WORD("zero_date", SERVER_AND_TABLE | IDC_OPTION_COLUMN, zero_date_words,
                          "null", "what '0000-00-00' and other dates that are none become"),
    NUMBER("batch_size", SERVER_AND_TABLE, "1000", 1, 100000, "rows of one INSERT"),

    /* ---- tables and columns ---- */
    TEXT("database", SERVER_AND_TABLE,
         "the database of the table; of the server: of tables that name none"),
    TEXT("dbname", SERVER_AND_TABLE, "the same"),
    TEXT("table", IDC_OPTION_TABLE, "its name there, if it is another one than here"),
    TEXT("table_name", IDC_OPTION_TABLE, "the same"),
    TEXT("column", IDC_OPTION_COLUMN, "its name there, if it is another one than here"),
    TEXT("column_name", IDC_OPTION_COLUMN, "the same"),
    TEXT("remote_type", IDC_OPTION_COLUMN,
         "its type there, such as \"int(10) unsigned\": more is pushed where it is known"),
    TEXT("collation", IDC_OPTION_COLUMN, "its collation there, such as \"utf8mb4_general_ci\""),
    BOOL("key", IDC_OPTION_COLUMN, "false", "it is part of the primary key"),
    BOOL("generated", IDC_OPTION_COLUMN, "false", "the server computes it: it is never written"),

    WORD("on_error", IDC_OPTION_TABLE, on_error_words, "error",
         "what becomes of a value that does not fit its column's type"),

    /* ---- IMPORT FOREIGN SCHEMA ---- */
    WORD("tinyint1", IDC_OPTION_IMPORT, tinyint_words, "boolean", "what tinyint(1) becomes"),
    WORD("time", IDC_OPTION_IMPORT, time_words, "time", "what time becomes"),
    BOOL("import_default", IDC_OPTION_IMPORT, "false", "take over defaults of columns"),
    BOOL("import_not_null", IDC_OPTION_IMPORT, "true", "take over NOT NULL"),
    UNUSED_BOOL("import_enum_as_text", IDC_OPTION_IMPORT),
    BOOL("import_generated", IDC_OPTION_IMPORT, "true", "import generated columns too"),
    BOOL("import_views", IDC_OPTION_IMPORT, "true", "import views too"),

    /* ---- of mysql_fdw ---- */
    NUMBER("fetch_size", SERVER_AND_TABLE, NULL, 1, 1000000,
           "of mysql_fdw: accepted, and without effect here"),
    NUMBER("max_blob_size", IDC_OPTION_TABLE, NULL, 1, INT32_MAX,
           "of mysql_fdw: accepted, and without effect here"),
    TEXT("character_set", IDC_OPTION_SERVER, "of mysql_fdw: accepted, and without effect here"),
    UNUSED_BOOL("secure_auth", IDC_OPTION_SERVER),
    UNUSED_BOOL("use_remote_estimate", IDC_OPTION_SERVER),
    UNUSED_BOOL("reconnect", IDC_OPTION_SERVER),
    BOOL("truncatable", SERVER_AND_TABLE, "true", "whether TRUNCATE is passed on"),
    UNUSED_BOOL("enable_join_pushdown", SERVER_AND_TABLE),
    UNUSED_BOOL("enable_aggregate_pushdown", SERVER_AND_TABLE),
    UNUSED_BOOL("enable_order_by_pushdown", SERVER_AND_TABLE),
    UNUSED_BOOL("enable_limit_pushdown", SERVER_AND_TABLE),
    { .name = NULL },
};

const char *
idc_mysql_option(const IdcOptionSet *options, const char *name)
{
    static const char *const others[][2] = {
        { "database", "dbname" },
        { "table", "table_name" },
        { "column", "column_name" },
        { "user", "username" },
        { "option_file", "mysql_default_file" },
    };
    const char *value = idc_option_value(options, name);

    for (size_t i = 0; value == NULL && i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i][0], name) == 0)
            value = idc_option_value(options, others[i][1]);
    return value;
}

/* One way to name the server. */
static IdcStatus
check_server(const IdcOptionSet *given, IdcError *err)
{
    const char *socket = idc_option_value(given, "socket");
    const char *ssl_mode = idc_option_value(given, "ssl_mode");

    if (socket != NULL && socket[0] != '/')
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"socket\" must be an absolute path, not \"%s\"", socket);
    if (socket != NULL && idc_option_value(given, "hosts") != NULL)
        return idc_fail(err, IDC_BAD_VALUE, "options \"socket\" and \"hosts\" exclude each other");
    if (idc_option_value(given, "hosts") != NULL && idc_option_value(given, "host") != NULL)
        return idc_fail(err, IDC_BAD_VALUE, "options \"host\" and \"hosts\" exclude each other");
    if (ssl_mode != NULL && strcmp(ssl_mode, "disable") == 0 &&
        idc_option_value(given, "ssl_ca") != NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"ssl_ca\" has no effect with ssl_mode \"disable\"");
    return IDC_OK;
}

IdcStatus
idc_mysql_check(IdcOptionLevel level, const IdcOptionSet *given, IdcError *err)
{
    IdcMysqlRemote remote;
    const char *type = idc_option_value(given, "remote_type");

    if (level == IDC_OPTION_SERVER)
        return check_server(given, err);
    if (level == IDC_OPTION_COLUMN && type != NULL && !idc_mysql_remote_read(type, NULL, &remote))
        return idc_fail(err, IDC_BAD_VALUE, "option \"remote_type\": \"%s\" is no type of MySQL",
                        type);
    return IDC_OK;
}
