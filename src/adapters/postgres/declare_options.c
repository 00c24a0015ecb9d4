/*
 * declare_options.c - what servers, user mappings, tables and columns may say.
 *
 * Those of a connection have libpq's own names. An option that reads a file of this machine, or
 * lets it vouch for somebody, is for superusers.
 */
#include "adapters/postgres/postgres.h"
#include "adapters/common/declare_links.h"

#include <string.h>

enum { SERVER = IDC_OPTION_SERVER, USER = IDC_OPTION_USER, TABLE = IDC_OPTION_TABLE };
enum { COLUMN = IDC_OPTION_COLUMN, IMPORT = IDC_OPTION_IMPORT };

static const char *const sslmode_words[] = { "disable",   "allow",       "prefer", "require",
                                             "verify-ca", "verify-full", NULL };
static const char *const gssencmode_words[] = { "disable", "prefer", "require", NULL };
static const char *const binding_words[] = { "disable", "prefer", "require", NULL };
static const char *const attrs_words[] = { "any",     "read-write",     "read-only", "primary",
                                           "standby", "prefer-standby", NULL };
static const char *const balance_words[] = { "disable", "random", NULL };

static const char *const sampling_words[] = {
    "off", "auto", "random", "system", "bernoulli", NULL
};

/* clang-format off */
const IdcAdapterOption idc_postgres_options[] = {
    { .name = "host", .levels = SERVER,
      .help = "a name, an address or the folder of a unix socket; several are tried in order, with "
              "commas between" },
    { .name = "hostaddr", .levels = SERVER,
      .help = "addresses of the hosts, where their names should not be looked up" },
    { .name = "port", .levels = SERVER, .help = "one for all hosts, or as many as there are hosts" },
    { .name = "dbname", .levels = SERVER, .help = "the database; if not given, the user's name" },
    { .name = "connect_timeout", .levels = SERVER, .fallback = "10s",
      .help = "longest time to connect to one host: seconds, or a number with a unit" },
    { .name = "application_name", .levels = SERVER,
      .help = "what the source's pg_stat_activity shows; if not given, instant: and the server's "
              "name" },
    { .name = "target_session_attrs", .levels = SERVER, .type = IDC_OPTION_WORD,
      .words = attrs_words, .fallback = "any", .help = "which of the hosts will do" },
    { .name = "load_balance_hosts", .levels = SERVER, .type = IDC_OPTION_WORD,
      .words = balance_words, .fallback = "disable", .help = "in which order hosts are tried" },
    { .name = "options", .levels = SERVER, .help = "command line options for the source's session" },
    { .name = "sslmode", .levels = SERVER, .type = IDC_OPTION_WORD, .words = sslmode_words,
      .fallback = "prefer", .help = "whether the connection must be encrypted, and who must be at its other end" },
    { .name = "sslrootcert", .levels = SERVER, .is_local = true,
      .help = "file of the authorities that may vouch for the source, or system" },
    { .name = "sslcrl", .levels = SERVER, .is_local = true, .help = "file of revoked certificates" },
    { .name = "sslcrldir", .levels = SERVER, .is_local = true,
      .help = "folder of revoked certificates" },
    { .name = "sslsni", .levels = SERVER, .type = IDC_OPTION_BOOL,
      .help = "whether the host's name is sent in the clear" },
    { .name = "ssl_min_protocol_version", .levels = SERVER, .help = "TLSv1.2 or TLSv1.3" },
    { .name = "ssl_max_protocol_version", .levels = SERVER, .help = "TLSv1.2 or TLSv1.3" },
    { .name = "channel_binding", .levels = SERVER, .type = IDC_OPTION_WORD, .words = binding_words,
      .help = "whether a password is only proven to who has the certificate" },
    { .name = "gssencmode", .levels = SERVER, .type = IDC_OPTION_WORD, .words = gssencmode_words,
      .fallback = "disable", .help = "encryption by Kerberos" },
    { .name = "krbsrvname", .levels = SERVER, .help = "name of the service in Kerberos" },
    { .name = "requirepeer", .levels = SERVER,
      .help = "user of the operating system that the source must run as, over a unix socket" },
    { .name = "keepalives", .levels = SERVER, .type = IDC_OPTION_BOOL, .fallback = "true",
      .help = "whether silent connections are probed" },
    { .name = "keepalives_idle", .levels = SERVER, .type = IDC_OPTION_INTEGER, .fallback = "20",
      .max = 86400, .help = "seconds of silence before the first probe" },
    { .name = "keepalives_interval", .levels = SERVER, .type = IDC_OPTION_INTEGER, .fallback = "5",
      .max = 86400, .help = "seconds between probes" },
    { .name = "keepalives_count", .levels = SERVER, .type = IDC_OPTION_INTEGER, .fallback = "2",
      .max = 127, .help = "probes without an answer after which the connection is lost" },
    { .name = "tcp_user_timeout", .levels = SERVER, .type = IDC_OPTION_DURATION, .fallback = "30s",
      .max = 86400000, .help = "milliseconds, or a number with a unit, that what was sent may stay "
                               "unconfirmed" },
    { .name = "service", .levels = SERVER, .is_local = true,
      .help = "a section of the connection service file" },
    { .name = "sslnegotiation", .levels = SERVER, .help = "how TLS begins: postgres or direct" },
    { .name = "sslcompression", .levels = SERVER, .help = "compression by TLS: nothing has it now" },
    { .name = "sslcertmode", .levels = SERVER, .help = "whether a certificate is sent" },
    { .name = "min_protocol_version", .levels = SERVER, .help = "3.0 or 3.2" },
    { .name = "max_protocol_version", .levels = SERVER, .help = "3.0 or 3.2" },
    { .name = "require_auth", .levels = SERVER, .help = "how the source may ask who it is" },
    { .name = "gsslib", .levels = SERVER, .help = "the library for Kerberos" },
    { .name = "gssdelegation", .levels = SERVER | USER, .help = "whether Kerberos is handed on" },
    IDC_LINK_OPTIONS
    { .name = "parallel", .levels = SERVER | TABLE, .type = IDC_OPTION_INTEGER, .fallback = "1",
      .min = 1, .max = 32,
      .help = "connections that read one big table at once, in ranges of its pages" },
    { .name = "user", .levels = USER, .help = "the role; if not given, the hub's operating system user" },
    { .name = "password", .levels = USER, .is_secret = true, .help = "of the role" },
    { .name = "password_required", .levels = USER, .type = IDC_OPTION_BOOL, .is_local = true,
      .fallback = "true",
      .help = "false: this machine itself may vouch for the role: peer, a certificate, Kerberos, "
              "a password file" },
    { .name = "passfile", .levels = SERVER | USER, .is_local = true, .help = "a password file" },
    { .name = "sslcert", .levels = SERVER | USER, .is_local = true, .help = "file of the role's certificate" },
    { .name = "sslkey", .levels = SERVER | USER, .is_local = true, .help = "file of its private key" },
    { .name = "sslpassword", .levels = USER, .is_secret = true, .help = "of the private key" },
    { .name = "schema", .levels = TABLE, .help = "its schema there, if it is another one than here" },
    { .name = "table", .levels = TABLE, .help = "its name there, if it is another one than here" },
    { .name = "column", .levels = COLUMN, .help = "its name there, if it is another one than here" },
    { .name = "schema_name", .levels = TABLE, .help = "postgres_fdw's name of schema" },
    { .name = "table_name", .levels = TABLE, .help = "postgres_fdw's name of table" },
    { .name = "column_name", .levels = COLUMN, .help = "postgres_fdw's name of column" },
    { .name = "key", .levels = COLUMN, .type = IDC_OPTION_BOOL,
      .help = "part of the primary key, which names a row for UPDATE and DELETE" },
    { .name = "remote_type", .levels = COLUMN, .help = "its type there, if it is another one" },
    { .name = "collation", .levels = COLUMN, .help = "its collation there, if it has another one" },
    { .name = "same_collation", .levels = SERVER, .type = IDC_OPTION_BOOL, .fallback = "false",
      .help = "the source orders texts, and changes their case, as the hub does: then it may" },
    { .name = "extensions", .levels = SERVER,
      .help = "of postgres_fdw: no effect, functions of extensions are computed in the hub" },
    { .name = "use_remote_estimate", .levels = SERVER | TABLE, .type = IDC_OPTION_BOOL,
      .fallback = "false", .help = "of postgres_fdw: no effect, plans are made without asking" },
    { .name = "fetch_size", .levels = SERVER | TABLE, .type = IDC_OPTION_INTEGER, .min = 1,
      .max = INT32_MAX, .help = "of postgres_fdw: no effect, rows are streamed" },
    { .name = "batch_size", .levels = SERVER | TABLE, .type = IDC_OPTION_INTEGER,
      .fallback = "1000", .min = 1, .max = 10000, .help = "rows that are written by one request" },
    { .name = "truncatable", .levels = SERVER | TABLE, .type = IDC_OPTION_BOOL,
      .fallback = "true", .help = "whether TRUNCATE is passed on" },
    { .name = "keep_connections", .levels = SERVER, .type = IDC_OPTION_BOOL, .fallback = "true",
      .help = "whether connections outlive their transaction" },
    { .name = "parallel_commit", .levels = SERVER, .type = IDC_OPTION_BOOL, .fallback = "false",
      .help = "of postgres_fdw: no effect" },
    { .name = "parallel_abort", .levels = SERVER, .type = IDC_OPTION_BOOL, .fallback = "false",
      .help = "of postgres_fdw: no effect" },
    { .name = "analyze_sampling", .levels = SERVER | TABLE, .type = IDC_OPTION_WORD,
      .words = sampling_words, .fallback = "auto", .help = "how ANALYZE takes its rows" },
    { .name = "import_collate", .levels = IMPORT, .type = IDC_OPTION_BOOL, .fallback = "true",
      .help = "columns keep their collation" },
    { .name = "import_default", .levels = IMPORT, .type = IDC_OPTION_BOOL, .fallback = "false",
      .help = "columns keep their default" },
    { .name = "import_generated", .levels = IMPORT, .type = IDC_OPTION_BOOL, .fallback = "true",
      .help = "generated columns stay generated" },
    { .name = "import_not_null", .levels = IMPORT, .type = IDC_OPTION_BOOL, .fallback = "true",
      .help = "columns keep NOT NULL" },
    { .name = "import_unknown_as_text", .levels = IMPORT, .type = IDC_OPTION_BOOL,
      .fallback = "true", .help = "columns of types that are not built in become text" },
    { .name = NULL },
};
/* clang-format on */

int64_t
idc_postgres_seconds(const char *text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 } };
    enum { MOST = 1000000 };
    int64_t number = 0;
    size_t i = 0;

    for (; text[i] >= '0' && text[i] <= '9' && number <= MOST; i++)
        number = 10 * number + (text[i] - '0');
    for (size_t unit = 0; i > 0 && unit < sizeof units / sizeof *units; unit++)
        if (number <= MOST && strcmp(text + i, units[unit].unit) == 0)
            return (number * units[unit].ms + 999) / 1000;
    return -1;
}

/* Names with commas between, as SQL writes them. */
static bool
is_list_of_names(const char *text)
{
    bool is_quoted = false;

    for (; *text != '\0'; text++) {
        is_quoted ^= *text == '"';
        if (!is_quoted && *text != '"' && strchr(" ,_$", *text) == NULL &&
            !(*text >= '0' && *text <= '9') && !(*text >= 'a' && *text <= 'z') &&
            !(*text >= 'A' && *text <= 'Z') && (unsigned char) *text < 0x80)
            return false;
    }
    return !is_quoted;
}

IdcStatus
idc_postgres_check(IdcOptionLevel level, const IdcOptionSet *options, IdcError *err)
{
    static const char *const twice[][2] = {
        { "schema_name", "schema" },
        { "table_name", "table" },
        { "column_name", "column" },
    };
    const char *host = idc_option_value(options, "host");
    const char *timeout = idc_option_value(options, "connect_timeout");
    const char *extensions = idc_option_value(options, "extensions");

    if (level == IDC_OPTION_SERVER && host != NULL && host[0] == '\0')
        return idc_fail(err, IDC_BAD_VALUE, "option \"host\" is empty");
    if (extensions != NULL && !is_list_of_names(extensions))
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"extensions\" must be a list of names with commas, not \"%s\"",
                        extensions);
    if (timeout != NULL && idc_postgres_seconds(timeout) < 0)
        return idc_fail(err, IDC_BAD_VALUE,
                        "option \"connect_timeout\" must be a number of seconds or a duration such "
                        "as 10s, not \"%s\"",
                        timeout);
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++)
        if (idc_option_value(options, twice[i][0]) != NULL &&
            idc_option_value(options, twice[i][1]) != NULL)
            return idc_fail(err, IDC_BAD_VALUE, "options \"%s\" and \"%s\" mean the same: give one",
                            twice[i][0], twice[i][1]);
    return IDC_OK;
}

static const char *
either(const IdcOptionSet *options, const char *name, const char *other)
{
    const char *value = idc_option_value(options, name);

    return value == NULL ? idc_option_value(options, other) : value;
}

const char *
idc_postgres_schema(const IdcRelation *scan)
{
    const char *name = either(&scan->options, "schema_name", "schema");

    return name == NULL ? "public" : name;
}

const char *
idc_postgres_table(const IdcRelation *scan)
{
    const char *name = either(&scan->options, "table_name", "table");

    return name == NULL ? scan->name : name;
}

const char *
idc_postgres_column_name(const IdcRelationColumn *column)
{
    const char *name = either(&column->options, "column_name", "column");

    return name == NULL ? column->name : name;
}
