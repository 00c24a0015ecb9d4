/*
 * test_errors.c - files that are wrong, and the exact words about them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

/* Every report names the file c.yaml; a line each, in the order of the file. */
typedef struct WrongFile {
    const char *name;
    const char *text;
    const char *report;
} WrongFile;

static const WrongFile wrong_files[] = {
    { "typo_key",
      "sources:\n"
      "  s:\n"
      "    extnsion: postgres_fdw\n"
      "    tabels: [a]\n",
      "c.yaml:3:5: unknown key \"extnsion\" in source \"s\", did you mean \"extension\"?\n"
      "c.yaml:4:5: unknown key \"tabels\" in source \"s\", did you mean \"tables\"?\n" },
    { "typo_root",
      "source:\n"
      "  s: postgresql://h/d\n",
      "c.yaml:1:1: unknown key \"source\" in the file, did you mean \"sources\"?\n" },
    { "typo_option",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server: {options: {hots: h, port: 99999, sslmode: verify_full, use_remote_estimate: "
      "maybe, fetch_size: 0}}\n",
      "c.yaml:4:24: unknown option \"hots\" of postgres_fdw, did you mean \"host\"?\n"
      "c.yaml:4:33: option \"port\": expected a port from 1 to 65535\n"
      "c.yaml:4:46: option \"sslmode\": found \"verify_full\", did you mean \"verify-full\"?\n"
      "c.yaml:4:68: option \"use_remote_estimate\": expected true or false\n"
      "c.yaml:4:96: option \"fetch_size\": expected a whole number from 1 to 2147483647\n" },
    { "typo_server_key",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server: {nmae: x, option: {}}\n",
      "c.yaml:4:14: unknown key \"nmae\" in server, did you mean \"name\"?\n"
      "c.yaml:4:23: unknown key \"option\" in server, did you mean \"options\"?\n" },
    { "typo_wrapper",
      "sources:\n"
      "  s: {extension: postgress_fdw}\n",
      "c.yaml:2:18: unknown extension \"postgress_fdw\", did you mean \"postgres_fdw\"?\n" },
    { "typo_mysql",
      "sources:\n"
      "  s: {wrapper: mysql_fdw, server_options: {hostname: h, schema: x, reconect: true}}\n",
      "c.yaml:2:44: unknown option \"hostname\" of mysql_fdw, expected host, port, secure_auth, "
      "init_command, use_remote_estimate, reconnect, sql_mode, ssl_key, ssl_cert, ssl_ca, "
      "ssl_capath, ssl_cipher, character_set, fetch_size, username, password, dbname, database, "
      "user or schema_name\n"
      "c.yaml:2:57: unknown option \"schema\" of mysql_fdw, expected host, port, secure_auth, "
      "init_command, use_remote_estimate, reconnect, sql_mode, ssl_key, ssl_cert, ssl_ca, "
      "ssl_capath, ssl_cipher, character_set, fetch_size, username, password, dbname, database, "
      "user or schema_name\n"
      "c.yaml:2:68: unknown option \"reconect\" of mysql_fdw, did you mean \"reconnect\"?\n" },
    { "wrong_level",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {schema_name: s}\n"
      "    user_mapping: {options: {host: h}}\n",
      "c.yaml:4:22: option \"schema_name\" of postgres_fdw stands in the server's options, "
      "expected it in a table's options\n"
      "c.yaml:5:30: option \"host\" of postgres_fdw stands in the user mapping's options, expected "
      "it in the server's options\n" },
    { "no_wrapper",
      "sources:\n"
      "  s:\n"
      "    tables: [a]\n",
      "c.yaml:2:3: source \"s\" has no extension, expected extension: postgres_fdw, mysql_fdw, "
      "rest or another wrapper\n" },
    { "two_wrappers",
      "sources:\n"
      "  s: {extension: mysql_fdw, type: mysql_fdw}\n",
      "c.yaml:2:35: type: and extension: mean the same, expected one of them\n" },
    { "list_for_map",
      "sources:\n"
      "  - name: s\n",
      "c.yaml:2:3: sources: found a list, expected a mapping\n" },
    { "map_for_list",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      a: {columns: []}\n",
      "c.yaml:5:7: tables: found a mapping, expected a list\n" },
    { "text_for_map",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server: localhost\n",
      "c.yaml:4:13: server: found text, expected a mapping\n" },
    { "null_source",
      "sources:\n"
      "  s:\n",
      "c.yaml:2:3: source \"s\": found nothing, expected a mapping or a URL\n" },
    { "root_list",
      "- a\n"
      "- b\n",
      "c.yaml:1:1: the file: found a list, expected a mapping\n" },
    { "root_text", "hello\n", "c.yaml:1:1: the file: found text, expected a mapping\n" },
    { "nested_option",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options:\n"
      "      host: [a, b]\n"
      "      port:\n",
      "c.yaml:5:13: option \"host\": found a list, expected text\n"
      "c.yaml:6:7: option \"port\": found nothing, expected text\n" },
    { "column_no_type",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      - name: t\n"
      "        columns: [{name: a}, {type: integer}, integer]\n",
      "c.yaml:6:19: column \"a\" has no type, expected type: (or no columns at all, then the "
      "source is asked)\n"
      "c.yaml:6:30: a column without a name, expected name: and type:\n"
      "c.yaml:6:47: column: found text, expected a mapping\n" },
    { "column_bad_type",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      - name: t\n"
      "        columns: [{name: a, type: 'integer; drop table x'}, {name: b, type: 'int)'}, {name: "
      "a, type: text}]\n",
      "c.yaml:6:35: type: \"integer; drop table x\" is not a type, expected one such as integer or "
      "numeric(10,2)\n"
      "c.yaml:6:77: type: \"int)\" is not a type, expected one such as integer or numeric(10,2)\n"
      "c.yaml:6:86: column \"a\" is there twice, the first time at c.yaml:6:19\n" },
    { "table_no_name",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      - columns: [{name: a, type: text}]\n"
      "      -\n",
      "c.yaml:5:7: table: found nothing, expected a mapping\n"
      "c.yaml:5:9: a table without a name, expected name:\n" },
    { "empty_names",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      - name: ''\n"
      "  '': postgresql://h/d\n",
      "c.yaml:5:15: name: found an empty name\n"
      "c.yaml:6:3: found an empty key\n" },
    { "long_name",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    tables:\n"
      "      - name: tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt\n",
      "c.yaml:5:15: name: the name "
      "\"tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt\" has 64 bytes, expected "
      "at most 63 (PostgreSQL would cut it)\n" },
    { "bad_bool",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    enabled: perhaps\n",
      "c.yaml:4:14: enabled: found text, expected true or false\n" },
    { "dup_keys",
      "sources:\n"
      "  s: postgresql://h/a\n"
      "  s: postgresql://h/b\n",
      "c.yaml:3:3: found the key \"s\" twice, the first time at c.yaml:2:3\n" },
    { "dup_tables",
      "sources:\n"
      "  a: {extension: postgres_fdw, tables: [orders, orders]}\n"
      "  b: {extension: mysql_fdw, tables: [orders]}\n"
      "  c: {extension: mysql_fdw, schema: c, tables: [orders]}\n",
      "c.yaml:2:49: table \"orders\" is in schema \"public\" twice, the first time at c.yaml:2:41, "
      "expected another name or a schema: of its own\n"
      "c.yaml:3:38: table \"orders\" is in schema \"public\" twice, the first time at c.yaml:2:41, "
      "expected another name or a schema: of its own\n" },
    { "dup_servers",
      "sources:\n"
      "  a: {extension: postgres_fdw, server: {name: x}, tables: [a]}\n"
      "  b: {extension: postgres_fdw, server: {name: x}, tables: [b]}\n",
      "c.yaml:3:3: server \"x\" is there twice, the first time at c.yaml:2:3, expected another "
      "name in server:\n" },
    { "missing_variable",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    user_mapping: {options: {user: ${NO_USER}, password: \"x${NO_PASSWORD}y\"}}\n",
      "c.yaml:4:36: variable \"NO_USER\" is not set, expected it in the environment or a default "
      "(${NO_USER:-default})\n"
      "c.yaml:4:58: variable \"NO_PASSWORD\" is not set, expected it in the environment or a "
      "default (${NO_PASSWORD:-default})\n" },
    { "bad_variable",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {host: '${1A}', port: ${PORT:-${OTHER}}, dbname: 'a${b', "
      "application_name: ${}}\n",
      "c.yaml:4:28: found ${1A}, expected ${NAME} or ${NAME:-default} (or $${ for a plain ${)\n"
      "c.yaml:4:37: option \"port\": expected a port from 1 to 65535\n"
      "c.yaml:4:43: found a ${ within ${…}, expected a default without variables\n"
      "c.yaml:4:70: found ${ without }, expected ${NAME} (or $${ for a plain ${)\n"
      "c.yaml:4:96: found ${}, expected ${NAME} or ${NAME:-default} (or $${ for a plain ${)\n" },
    { "secret_value",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {port: ${PROD_DB_PASS}, sslmode: require}\n"
      "    enabled: ${PROD_DB_PASS}\n",
      "c.yaml:4:22: option \"port\": expected a port from 1 to 65535\n"
      "c.yaml:5:14: enabled: found text, expected true or false\n" },
    { "secret_url",
      "sources:\n"
      "  a: postgresql://joe:p:w/x@host/db\n"
      "  b: postgresql://joe:pass%zz@host/db\n"
      "  c: oracle://joe:pass@host/db\n"
      "  d: postgresql://joe:pass@host:port/db\n"
      "  e: postgresql://h/d?pasword=s3cret\n"
      "  f: just text\n"
      "  g: mysq://h/d\n",
      "c.yaml:2:6: url: found / before @ (a / in a password is written %2F)\n"
      "c.yaml:3:6: url: found a % that is not followed by two digits (a plain % is written %25)\n"
      "c.yaml:4:6: url: unknown scheme \"oracle\", expected postgresql, postgres, mysql, "
      "mariadb or sqlite\n"
      "c.yaml:5:6: url: the port is not a number (a :, / or @ in a password is written %3A, %2F, "
      "%40)\n"
      "c.yaml:6:6: a server of \"postgres\" has no option \"pasword\", did you mean \"password\"?\n"
      "c.yaml:7:6: source \"f\": found text, expected a mapping or a URL such as "
      "postgresql://user@host/database\n"
      "c.yaml:8:6: url: unknown scheme \"mysq\", did you mean \"mysql\"?\n" },
    { "url_wrapper",
      "sources:\n"
      "  a: {url: 'mysql://h/d', extension: postgres_fdw}\n",
      "c.yaml:2:38: extension: \"postgres_fdw\" does not fit the kind of source, "
      "expected mysql\n" },
    { "secrets_of_adapters",
      "sources:\n"
      "  a: {wrapper: instant_postgres, url: 'postgresql://h/d?pasword=s3cret'}\n"
      "  b: {wrapper: instant_postgres, url: 'postgresql://h/d?${PROD_DB_PASS}=x'}\n"
      "  c: {wrapper: instant_postgres, server_options: {connect_timeout: '${PROD_DB_PASS}'}}\n"
      "  d: {wrapper: instant_mysql, mysql: {hots: h}}\n"
      "  e: {wrapper: instant_mysql, mysql: {host: h, column: x}}\n"
      "  f: {wrapper: instant_mysql, mysql: {host: h}, tables: [{name: t, options: {pasword: "
      "x}}]}\n",
      "c.yaml:2:39: a server of \"postgres\" has no option \"pasword\", did you mean "
      "\"password\"?\n"
      "c.yaml:3:39: a server of \"postgres\" has no option \"${...}\"\n"
      "c.yaml:4:3: an option of postgres has a value that it does not take\n"
      "c.yaml:5:39: a server of \"mysql\" has no option \"hots\", did you mean \"host\"?\n"
      "c.yaml:6:48: option \"column\" belongs to a column, not to a server\n"
      "c.yaml:7:78: a table of \"mysql\" has no option \"pasword\"\n" },
    { "exact_wrapper",
      "sources:\n"
      "  a: {url: 'mysql://h/d', wrapper: postgres_fdw}\n"
      "  b: {extension: postgres_fdw, wrapper: mysqlfdw}\n"
      "  c: {sqlite: 'mysql://h/d'}\n"
      "  d: sqlite://path\n"
      "  e: sqlite:///\n"
      "  f: {rest: 'https://h', wrapper: instant_sqlite}\n",
      "c.yaml:2:36: wrapper: \"postgres_fdw\" does not fit the kind of source, expected mysql\n"
      "c.yaml:3:41: unknown extension \"mysqlfdw\", did you mean \"mysql_fdw\"?\n"
      "c.yaml:4:15: sqlite: found the URL of another kind of source\n"
      "c.yaml:5:6: url: expected the absolute path of a file: sqlite:///srv/data/shop.db\n"
      "c.yaml:6:6: url: expected the absolute path of a file: sqlite:///srv/data/shop.db\n"
      "c.yaml:7:35: wrapper: \"instant_sqlite\" does not fit the kind of source, expected "
      "instant_rest\n" },
    { "two_users",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {user: a, database: x, dbname: y}\n"
      "    user_mapping: {options: {username: b}}\n",
      "c.yaml:4:22: option \"user\" has another value at c.yaml:5:30\n"
      "c.yaml:4:44: option \"dbname\" has another value at c.yaml:4:31\n" },
    { "user_mapping",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    user_mapping: {user: joe, password: x}\n",
      "c.yaml:4:26: user: expected current_user (the user of the source goes under options:)\n"
      "c.yaml:4:31: unknown key \"password\" in user_mapping, expected options or user\n" },
    { "table_dbname",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {dbname: a}\n"
      "    tables: [{name: t, options: {dbname: b, schema_nam: x}}, {name: u, options: {dbname: "
      "a}}]\n",
      "c.yaml:5:34: option \"dbname\" of a postgres_fdw table: a server has one database, expected "
      "it in the server's options (and schema_name here)\n"
      "c.yaml:5:45: unknown option \"schema_nam\" of postgres_fdw, did you mean "
      "\"schema_name\"?\n" },
    { "import_both",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    import: all\n"
      "    tables: [a]\n",
      "c.yaml:4:13: import: stands beside tables:, expected one of them\n" },
    { "import_word",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    import: everything\n",
      "c.yaml:4:13: import: found another word, expected all or a list of schemas\n" },
    { "import_empty",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    import: []\n",
      "c.yaml:4:13: import: found an empty list, expected all or a list of schemas\n" },
    { "schema_reserved",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    schema: pg_catalog\n",
      "c.yaml:4:13: schema: \"pg_catalog\" is PostgreSQL's own, expected another name\n" },
    { "single_and_sources",
      "extension: postgres_fdw\n"
      "sources: {}\n",
      "c.yaml:1:1: \"extension\" stands beside \"sources\", expected it in one of the sources\n" },
    { "single_no_name", "extension: postgres_fdw\n",
      "c.yaml:1:1: the source has no name, expected name: in server: or beside it\n" },
    { "tables_alone", "tables: [a]\n",
      "c.yaml:1:1: source \"source\" has no extension, expected extension: postgres_fdw, "
      "mysql_fdw, rest or another wrapper\n"
      "c.yaml:1:1: the source has no name, expected name: in server: or beside it\n" },
    { "settings",
      "global_settings: {connection_timeout: soon, query_timeout: -1, retry_attempts: 1000, "
      "enable_pushdown: true, pool_size: 0}\n",
      "c.yaml:1:39: connection_timeout: expected a number of seconds from 0 to 31536000\n"
      "c.yaml:1:60: query_timeout: expected a number of seconds from 0 to 31536000\n"
      "c.yaml:1:80: retry_attempts: expected a whole number from 0 to 100\n"
      "c.yaml:1:86: unknown key \"enable_pushdown\" in global_settings, did you mean "
      "\"enable_push_down\"?\n"
      "c.yaml:1:120: pool_size: expected a whole number from 1 to 1000\n" },
    { "hub_typo", "hub: embeded\n",
      "c.yaml:1:6: hub: found another word, expected embedded, environment, a URL or a mapping, "
      "did you mean \"embedded\"?\n" },
    { "hub_typo_2", "hub: enviroment\n",
      "c.yaml:1:6: hub: found another word, expected embedded, environment, a URL or a mapping, "
      "did you mean \"environment\"?\n" },
    { "typo_root_key",
      "extenison: postgres_fdw\n"
      "server: {name: x}\n",
      "c.yaml:1:1: unknown key \"extenison\" in the file, did you mean \"extension\"?\n" },
    { "hub_option", "hub: {hostt: h, pool_size: 3}\n",
      "c.yaml:1:7: unknown option \"hostt\" of a PostgreSQL connection, did you mean \"host\"?\n" },
    { "hub_mysql", "hub: mysql://h/d\n",
      "c.yaml:1:6: hub: found the URL of another server, expected postgresql://...\n" },
    { "hub_twice",
      "hub: embedded\n"
      "postgres_config: {host: h}\n",
      "c.yaml:2:18: postgres_config: and hub: mean the same, expected one of them\n" },
    { "hub_url_and_more", "hub: {url: postgresql://h/d, host: x}\n",
      "c.yaml:1:30: hub: found an option beside url:, expected it in the URL (?name=value)\n" },
    { "merge_key",
      "sources:\n"
      "  a: &a {extension: postgres_fdw, tables: [x]}\n"
      "  b:\n"
      "    <<: *a\n"
      "    schema: b\n",
      "c.yaml:3:3: source \"b\" has no extension, expected extension: postgres_fdw, mysql_fdw, "
      "rest or another wrapper\n"
      "c.yaml:4:5: merge keys (<<) are not supported, expected the keys themselves\n" },
    { "cyclic",
      "sources: &a\n"
      "  s: *a\n",
      "c.yaml:2:7: found an alias (*name) of something that contains it\n" },
    { "no_anchor", "sources: *nothing\n",
      "c.yaml:1:11: found an alias (*name), but no anchor (&name) of that name before it\n" },
    { "tag",
      "sources: !!map {}\n"
      "version: !x 1\n",
      "c.yaml:1:16: found a YAML tag (such as !!str), expected a value without one\n"
      "c.yaml:2:13: found a YAML tag (such as !!str), expected a value without one\n" },
    { "documents",
      "version: 1\n"
      "---\n"
      "version: 2\n",
      "c.yaml:2:1: found a second document (---), expected one document in a file\n" },
    { "flow_open",
      "sources: {a: [1, 2\n"
      "b: 3\n",
      "c.yaml:3:1: this is not YAML: flow sequence without a closing bracket\n" },
    { "tab",
      "sources:\n"
      "\ts: x\n",
      "c.yaml:2:1: this is not YAML: tab character may not be used as indentation\n" },
    { "nul_escape", "version: \"a\\0b\"\n",
      "c.yaml:1:10: found the control character U+0000, expected text in UTF-8\n" },
    { "key_list",
      "? [a]\n"
      ": b\n",
      "c.yaml:1:3: found a list, expected a key of plain text\n" },
    { "key_map",
      "? {a: b}\n"
      ": b\n",
      "c.yaml:1:3: found a mapping, expected a key of plain text (is a ${VAR} not closed?)\n" },
    { "secret_shown",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {sslmode: ${PROD_DB_PASS}}\n"
      "    schema: pg_${PROD_DB_PASS}\n"
      "    tables: [{name: t, columns: [{name: a, type: 'x;${PROD_DB_PASS}'}]}, {name: "
      "\"${PROD_DB_PASS}\"}, {name: \"${PROD_DB_PASS}\"}]\n"
      "  t: '${PROD_DB_PASS}://x'\n"
      "  u: 'postgresql://h/d?${PROD_DB_PASS}=x'\n"
      "  v: {type: 'postgres_fd${NO:-w}w'}\n"
      "  w: ${PROD_DB_PASS}\n",
      "c.yaml:4:22: option \"sslmode\": found \"${PROD_DB_PASS}\", expected disable, allow, "
      "prefer, require, verify-ca or verify-full\n"
      "c.yaml:5:13: schema: \"pg_${PROD_DB_PASS}\" is PostgreSQL's own, expected another name\n"
      "c.yaml:6:50: type: \"x;${PROD_DB_PASS}\" is not a type, expected one such as integer or "
      "numeric(10,2)\n"
      "c.yaml:6:101: table \"${PROD_DB_PASS}\" is in schema \"pg_${PROD_DB_PASS}\" twice, the "
      "first time at c.yaml:6:74, expected another name or a schema: of its own\n"
      "c.yaml:7:6: url: unknown scheme \"${...}\", expected postgresql, postgres, mysql, "
      "mariadb or sqlite\n"
      "c.yaml:8:6: a server of \"postgres\" has no option \"${...}\"\n"
      "c.yaml:9:13: unknown extension \"postgres_fd${NO:-w}w\", did you mean \"postgres_fdw\"?\n"
      "c.yaml:10:6: source \"w\": found text, expected a mapping or a URL such as "
      "postgresql://user@host/database\n" },
    { "variable_unclosed",
      "sources:\n"
      "  s:\n"
      "    extension: postgres_fdw\n"
      "    server_options: {host: 'a${b', port: \"${PORT\"}\n",
      "c.yaml:4:28: found ${ without }, expected ${NAME} (or $${ for a plain ${)\n"
      "c.yaml:4:36: option \"port\": expected a port from 1 to 65535\n"
      "c.yaml:4:42: found ${ without }, expected ${NAME} (or $${ for a plain ${)\n" },
};

enum { WRONG_FILE_COUNT = sizeof wrong_files / sizeof wrong_files[0] };

static const char *
test_environment(void *host, const char *name)
{
    (void) host;
    return strcmp(name, "PROD_DB_PASS") == 0 ? "s3cret" : NULL;
}

static void
test_wrong_file(void **state)
{
    const WrongFile *wrong = *state;
    IdcConfigInput input = { .path = "c.yaml",
                             .text = wrong->text,
                             .environment = test_environment };
    IdcConfig *config = NULL;
    IdcError err;
    IdcText report;

    idc_error_init(&err);
    idc_text_init(&report, 0);
    assert_int_equal(idc_config_load(&input, &config, &report, &err), IDC_BAD_CONFIG);
    assert_null(config);
    assert_string_equal(idc_text_string(&report), wrong->report);
    assert_int_equal(strncmp(err.message, wrong->report, strlen(err.message)), 0);
    assert_string_equal(err.sqlstate, "F0000");
    assert_null(strstr(idc_text_string(&report), "s3cret"));
    idc_text_done(&report);
    /* The same without a report and without an error to fill in. */
    assert_int_equal(idc_config_load(&input, &config, NULL, NULL), IDC_BAD_CONFIG);
}

int
main(void)
{
    struct CMUnitTest tests[WRONG_FILE_COUNT];

    for (size_t i = 0; i < WRONG_FILE_COUNT; i++)
        tests[i] = (struct CMUnitTest){ wrong_files[i].name, test_wrong_file, NULL, NULL,
                                        (void *) &wrong_files[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
