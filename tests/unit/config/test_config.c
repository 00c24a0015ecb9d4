/*
 * test_config.c - files that are right, and the model that comes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static const char *
test_environment(void *host, const char *name)
{
    static const char *const variables[][2] = {
        { "PROD_DB_USER", "joe" },
        { "PROD_DB_PASS", "a: {b} #${X}" },
        { "MYSQL_USER", "m" },
        { "MYSQL_PASS", "s3cret" },
        { "EMPTY", "" },
        { "HOST", "db.example.com" },
        { "URL", "postgresql://h/db" },
        { "YES", "true" },
        { "NEWLINE", "a\nb: c" },
    };

    (void) host;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (strcmp(variables[i][0], name) == 0)
            return variables[i][1];
    return NULL;
}

static IdcConfig *
load_input(IdcConfigInput input)
{
    IdcConfig *config = NULL;
    IdcError err;
    IdcText report;

    idc_error_init(&err);
    idc_text_init(&report, 0);
    input.environment = test_environment;
    if (idc_config_load(&input, &config, &report, &err) != IDC_OK)
        fail_msg("%s", idc_text_string(&report));
    assert_string_equal(idc_text_string(&report), "");
    idc_text_done(&report);
    return config;
}

static IdcConfig *
load(const char *text)
{
    return load_input((IdcConfigInput){ .text = text });
}

/* "name=value name=value", to compare with. */
static void
assert_options(const IdcConfigOptions *options, const char *expected)
{
    IdcText text;

    idc_text_init(&text, 0);
    for (size_t i = 0; i < options->count; i++)
        idc_text_append_format(&text, "%s%s=%s", i > 0 ? " " : "", options->items[i].name,
                               options->items[i].value);
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static const char *
option_value(const IdcConfigOptions *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return options->items[i].value;
    return "(none)";
}

static void
test_single_source(void **state)
{
    IdcConfig *config =
        load("extension: postgres_fdw\n"
             "server:\n"
             "  name: production_db\n"
             "  options: {host: prod-db.example.com, port: 5432, dbname: analytics}\n"
             "user_mapping:\n"
             "  options: {user: ${PROD_DB_USER}, password: ${PROD_DB_PASS}}\n"
             "tables:\n"
             "  - name: orders\n"
             "    columns: [{name: order_id, type: integer}, {name: amount, type: numeric}, "
             "{name: order_date, type: date}]\n"
             "    options: {table_name: orders, schema_name: sales}\n");
    const IdcConfigSource *source = config->sources;
    const IdcConfigTable *table = source->tables;

    (void) state;
    assert_int_equal(config->source_count, 1);
    assert_string_equal(source->name, "production_db");
    assert_string_equal(source->server_name, "production_db");
    assert_string_equal(source->wrapper, "postgres_fdw");
    assert_string_equal(source->schema, "public");
    assert_string_equal(source->database, "analytics");
    assert_true(source->is_enabled);
    assert_false(source->import_all);
    assert_options(&source->server_options, "host=prod-db.example.com port=5432 dbname=analytics");
    assert_options(&source->user_options, "user=joe password=a: {b} #${X}");
    assert_int_equal(source->server_options.items[1].position.line, 4);
    assert_int_equal(source->server_options.items[1].position.column, 40);
    assert_int_equal(source->table_count, 1);
    assert_string_equal(table->name, "orders");
    assert_string_equal(table->schema, "public");
    assert_string_equal(table->remote_schema, "sales");
    assert_string_equal(table->remote_name, "orders");
    assert_int_equal(table->column_count, 3);
    assert_string_equal(table->columns[1].name, "amount");
    assert_string_equal(table->columns[1].type, "numeric");
    assert_int_equal(config->pool_size, -1);
    assert_int_equal(config->connection_timeout_ms, -1);
    assert_true(config->enable_push_down);
    idc_config_free(config);
}

static void
test_mysql_source(void **state)
{
    IdcConfig *config =
        load("sources:\n"
             "  mysql_analytics:\n"
             "    extension: mysql_fdw\n"
             "    server: {name: mysql_server, options: {host: mysql.example.com, port: 3306, "
             "database: analytics}}\n"
             "    user_mapping: {options: {username: ${MYSQL_USER}, password: ${MYSQL_PASS}}}\n"
             "    tables:\n"
             "      - name: events\n"
             "        columns: [{name: event_id, type: integer}, {name: user_id, type: integer}]\n"
             "        options: {table_name: user_events}\n"
             "      - name: other\n"
             "        options: {schema_name: logs}\n");
    const IdcConfigSource *source = config->sources, *other;

    (void) state;
    assert_string_equal(source->name, "mysql_analytics");
    assert_string_equal(source->server_name, "mysql_server");
    assert_string_equal(source->database, "analytics");
    assert_string_equal(source->wrapper, "instant_mysql");
    assert_true(source->is_stand_in);
    assert_options(&source->server_options, "host=mysql.example.com port=3306 database=analytics");
    assert_options(&source->user_options, "user=m password=s3cret");
    assert_options(&source->tables[0].options, "table=user_events");
    assert_null(source->tables[0].remote_schema);
    assert_string_equal(source->tables[0].remote_name, "user_events");
    assert_options(&source->tables[1].options, "database=logs");
    assert_string_equal(source->tables[1].remote_schema, "logs");
    assert_string_equal(source->tables[1].remote_name, "other");

    /* The same, where the hub has only mysql_fdw. */
    other = source->otherwise;
    assert_non_null(other);
    assert_string_equal(other->wrapper, "mysql_fdw");
    assert_string_equal(other->name, "mysql_analytics");
    assert_string_equal(other->server_name, "mysql_server");
    assert_options(&other->server_options, "host=mysql.example.com port=3306");
    assert_options(&other->user_options, "username=m password=s3cret");
    assert_options(&other->tables[0].options, "table_name=user_events dbname=analytics");
    assert_string_equal(other->tables[0].remote_schema, "analytics");
    assert_options(&other->tables[1].options, "dbname=logs");
    idc_config_free(config);
}

/* Whatever the file calls the source, `wrapper:` has the last word. */
static void
test_exact_wrapper(void **state)
{
    IdcConfig *config = load(
        "sources:\n"
        "  a: {extension: mysql_fdw, wrapper: mysql_fdw, server_options: {host: h, database: d, "
        "fetch_size: 5}, tables: [t]}\n"
        "  b: {url: 'mysql://u@h/d', wrapper: mysql_fdw}\n"
        "  c: {schema: c, extension: postgres_fdw, wrapper: instant_postgres, server_options: "
        "{host: h, "
        "database: d, username: u, use_remote_estimate: true, fetch_size: 7},\n"
        "      tables: [{name: t, options: {schema_name: s, table_name: x}, columns: [{name: a, "
        "type: int, options: {column_name: b}}]}]}\n"
        "  d: {mysql: 'mysql://u@h/d', wrapper: instant_mysql}\n"
        "  e: {wrapper: file_fdw, server_options: {any: thing}}\n"
        "  f: {extension: postgres_fdw, server_options: {host: h}}\n"
        "  g: {mysql: {host: h, database: d, zero_date: text}}\n"
        "  h: {extension: instant_mysql, server_options: {host: h}}\n");
    const IdcConfigSource *sources = config->sources;

    (void) state;
    assert_string_equal(sources[0].wrapper, "mysql_fdw");
    assert_options(&sources[0].server_options, "host=h fetch_size=5");
    assert_options(&sources[0].tables[0].options, "dbname=d");
    assert_null(sources[0].otherwise);
    assert_string_equal(sources[1].wrapper, "mysql_fdw");
    assert_options(&sources[1].user_options, "username=u");
    assert_string_equal(sources[2].wrapper, "instant_postgres");
    assert_string_equal(option_value(&sources[2].server_options, "dbname"), "d");
    assert_options(&sources[2].user_options, "user=u");
    assert_string_equal(sources[2].tables[0].remote_schema, "s");
    assert_string_equal(sources[2].tables[0].remote_name, "x");
    assert_options(&sources[2].tables[0].columns[0].options, "column=b");
    assert_null(sources[2].otherwise);
    assert_string_equal(sources[3].wrapper, "instant_mysql");
    assert_options(&sources[3].server_options, "host=h database=d");
    assert_null(sources[3].otherwise);
    assert_string_equal(sources[4].wrapper, "file_fdw");
    assert_options(&sources[4].server_options, "any=thing");
    assert_string_equal(sources[5].wrapper, "postgres_fdw");
    assert_null(sources[5].otherwise);
    /* An option that mysql_fdw has no word for. */
    assert_string_equal(sources[6].wrapper, "instant_mysql");
    assert_null(sources[6].otherwise);
    assert_non_null(strstr(sources[6].why_alone, "\"zero_date\""));
    assert_false(sources[6].is_stand_in);
    assert_string_equal(sources[7].wrapper, "instant_mysql");
    assert_null(sources[7].otherwise);
    idc_config_free(config);
}

static void
test_second_dialect(void **state)
{
    IdcConfig *config =
        load("version: \"1.0\"\n"
             "metadata: {name: x, tags: [a, {b: c}]}\n"
             "global_settings:\n"
             "  connection_timeout: 45\n"
             "  query_timeout: 0.25\n"
             "  retry_attempts: 3\n"
             "  enable_push_down: no\n"
             "sources:\n"
             "  warehouse:\n"
             "    type: postgres_fdw\n"
             "    description: main\n"
             "    enabled: false\n"
             "    server_options: {host: \"${NOT_SET}\", port: \"${NO_PORT}\", "
             "use_remote_estimate: true, fdw_tuple_cost: 0.1, username: u, "
             "password: p}\n"
             "    user_mapping: {user: current_user}\n"
             "    tables:\n"
             "      - name: t\n"
             "        schema: marts\n"
             "        description: a table\n"
             "        columns:\n"
             "          - {name: id, type: varchar(255), not_null: true, default: 0, "
             "description: key, options: {column_name: ID}}\n"
             "  files:\n"
             "    type: file_fdw\n"
             "    server_options: {}\n"
             "    tables:\n"
             "      - name: f\n"
             "        options: {filename: \"/data/${HOST}.csv\", delimiter: \"\\t\"}\n"
             "        columns: [{name: a, type: 'numeric(5, 2)[]'}]\n");
    const IdcConfigSource *source = config->sources;
    const IdcConfigColumn *column = source->tables[0].columns;

    (void) state;
    assert_int_equal(config->connection_timeout_ms, 45000);
    assert_int_equal(config->query_timeout_ms, 250);
    assert_int_equal(config->retry_attempts, 3);
    assert_false(config->enable_push_down);
    assert_false(source->is_enabled);
    assert_string_equal(source->server_name, "warehouse");
    assert_string_equal(source->description, "main");
    assert_options(&source->server_options,
                   "host=${NOT_SET} port=${NO_PORT} use_remote_estimate=true fdw_tuple_cost=0.1");
    assert_options(&source->user_options, "user=u password=p");
    assert_string_equal(source->tables[0].schema, "marts");
    assert_string_equal(source->tables[0].description, "a table");
    assert_true(column->not_null);
    assert_string_equal(column->default_value, "0");
    assert_string_equal(column->description, "key");
    assert_options(&column->options, "column_name=ID");
    assert_options(&config->sources[1].tables[0].options,
                   "filename=/data/db.example.com.csv delimiter=\t");
    idc_config_free(config);
}

static void
test_urls(void **state)
{
    IdcConfig *config =
        load("sources:\n"
             "  a: postgresql://joe@db.example.com/shop\n"
             "  b: mysql://joe:p%40ss%2F@[::1]:3307/web\n"
             "  c: {url: 'postgres://%2Ftmp%2Fx:5433/d?sslmode=require&user=u', import: all}\n"
             "  d: {url: \"${URL}\", import: [one, two], schema: dd}\n"
             "  e: postgresql:///only\n"
             "  f: sqlite:///srv/data/a%20b.db\n"
             "  g: sqlite:////srv/data/shop.db?busy_timeout=1s\n"
             "  h: {sqlite: 'sqlite:///x.db', tables: [{name: t, options: {table_name: u}}]}\n"
             "  i: MariaDB://h\n");
    const IdcConfigSource *sources = config->sources;

    (void) state;
    assert_int_equal(config->source_count, 9);
    assert_string_equal(sources[0].wrapper, "instant_postgres");
    assert_false(sources[0].is_stand_in);
    assert_string_equal(sources[0].otherwise->wrapper, "postgres_fdw");
    assert_options(&sources[0].otherwise->server_options, "host=db.example.com dbname=shop");
    assert_options(&sources[0].server_options, "host=db.example.com dbname=shop");
    assert_options(&sources[0].user_options, "user=joe");
    assert_true(sources[0].import_all);
    assert_string_equal(sources[1].wrapper, "instant_mysql");
    assert_string_equal(sources[1].database, "web");
    assert_options(&sources[1].server_options, "host=::1 port=3307 database=web");
    assert_options(&sources[1].user_options, "user=joe password=p@ss/");
    assert_string_equal(sources[1].otherwise->wrapper, "mysql_fdw");
    assert_options(&sources[1].otherwise->server_options, "host=::1 port=3307");
    assert_options(&sources[1].otherwise->user_options, "username=joe password=p@ss/");
    assert_true(sources[1].otherwise->import_all);
    assert_options(&sources[2].server_options, "host=/tmp/x port=5433 dbname=d sslmode=require");
    assert_options(&sources[2].user_options, "user=u");
    assert_true(sources[2].import_all);
    assert_string_equal(sources[3].database, "db");
    assert_int_equal(sources[3].import_schema_count, 2);
    assert_string_equal(sources[3].import_schemas[1], "two");
    assert_string_equal(sources[3].schema, "dd");
    assert_options(&sources[4].server_options, "dbname=only");
    assert_string_equal(sources[5].wrapper, "instant_sqlite");
    assert_options(&sources[5].server_options, "path=/srv/data/a b.db");
    assert_options(&sources[6].server_options, "path=/srv/data/shop.db busy_timeout=1s");
    assert_options(&sources[7].server_options, "path=/x.db");
    assert_options(&sources[7].tables[0].options, "table=u");
    assert_string_equal(sources[7].tables[0].remote_name, "u");
    assert_string_equal(sources[8].wrapper, "instant_mysql");
    idc_config_free(config);
}

static void
test_hub(void **state)
{
    IdcConfig *config = load("hub: embedded\npool_size: 4\n");

    (void) state;
    assert_true(config->hub_is_embedded);
    assert_int_equal(config->pool_size, 4);
    assert_int_equal(config->source_count, 0);
    assert_false(config->hub_is_environment);
    idc_config_free(config);
    config = load("hub: environment\n");
    assert_true(config->hub_is_environment);
    assert_false(config->hub_is_embedded);
    assert_null(config->hub_url);
    idc_config_free(config);
    config = load("hub: postgresql://h/d\n");
    assert_string_equal(config->hub_url, "postgresql://h/d");
    idc_config_free(config);
    config = load("hub: {url: postgresql://h/d, pool_size: 3}\n");
    assert_string_equal(config->hub_url, "postgresql://h/d");
    assert_int_equal(config->pool_size, 3);
    idc_config_free(config);
    config = load("postgres_config: {host: h, port: 5432, database: d, username: u, password: p, "
                  "sslmode: verify-full, sslrootcert: /x}\n");
    assert_options(&config->hub, "host=h port=5432 dbname=d user=u password=p sslmode=verify-full "
                                 "sslrootcert=/x");
    assert_false(config->hub_is_embedded);
    idc_config_free(config);
}

static void
test_variables(void **state)
{
    IdcConfig *config =
        load("sources:\n"
             "  s:\n"
             "    type: other\n"
             "    server_options: {a: ${NOT_SET:-x, [y]: #z}, b: $${HOST}, c: ${EMPTY},"
             " d: ${EMPTY:-e}, e: 'pre-${HOST}-${HOST}', f: ${NEWLINE}, ${HOST}: g,"
             " h: $HOST, i: \"${HOST:-\\\"}\", j: 'a$$b'}\n"
             "    tables: [x]\n"
             "    # ${NOT_SET} in a comment\n");

    (void) state;
    assert_options(&config->sources[0].server_options,
                   "a=x, [y]: #z b=${HOST} c= d=e e=pre-db.example.com-db.example.com f=a\nb: c "
                   "${HOST}=g h=$HOST i=db.example.com j=a$$b");
    idc_config_free(config);
}

static void
test_aliases(void **state)
{
    IdcConfig *config =
        load("sources:\n"
             "  a:\n"
             "    type: postgres_fdw\n"
             "    schema: one\n"
             "    server_options: &o {host: h, dbname: d}\n"
             "    tables: &t [{name: x, columns: [{name: i, type: integer}]}]\n"
             "  b: {type: postgres_fdw, schema: two, server_options: *o, tables: *t}\n");

    (void) state;
    assert_options(&config->sources[1].server_options, "host=h dbname=d");
    assert_string_equal(config->sources[0].tables[0].schema, "one");
    assert_string_equal(config->sources[1].tables[0].schema, "two");
    idc_config_free(config);
}

static void
test_shapes_of_text(void **state)
{
    static const char *const empty[] = { "",    "\n", "# nothing\n\n", "---\n",
                                         "~\n", "{}", "\xEF\xBB\xBF" };
    IdcConfig *config;

    (void) state;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        config = load(empty[i]);
        assert_int_equal(config->source_count, 0);
        idc_config_free(config);
    }
    config =
        load("\xEF\xBB\xBFsources:\r\n  s:\r\n    type: x_y\r\n    description: Gr\xC3\xB6\xC3\x9F"
             "e\r\n    tables:\r\n    - t\r\n");
    assert_string_equal(config->sources[0].description, "Gr\xC3\xB6\xC3\x9F"
                                                        "e");
    idc_config_free(config);
    config = load("{\"sources\": {\"s\": {\"type\": \"x\",\n\t\"tables\": [\"t\"]}}}");
    assert_string_equal(config->sources[0].tables[0].name, "t");
    idc_config_free(config);
}

/* The path of a new file with this content; the caller unlinks and frees it. */
static char *
write_file(const char *content)
{
    char *path = strdup("/tmp/test_config.XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void
test_schema_file(void **state)
{
    static const char main_text[] =
        "sources:\n"
        "  a: postgresql://h/d\n"
        "  b: {type: mysql, server_options: {database: w}, tables: [one]}\n";
    char *path = write_file("version: 1\n"
                            "tables:\n"
                            "  - {source: a, name: x, options: {schema_name: s}}\n"
                            "sources:\n"
                            "  b: {tables: [two, {name: three}]}\n");
    IdcConfig *config = load_input((IdcConfigInput){ .text = main_text, .schema_path = path });

    (void) state;
    assert_false(config->sources[0].import_all);
    assert_int_equal(config->sources[0].table_count, 1);
    assert_string_equal(config->sources[0].tables[0].remote_schema, "s");
    assert_string_equal(config->sources[0].tables[0].position.file, path);
    assert_int_equal(config->sources[0].tables[0].position.line, 3);
    assert_int_equal(config->sources[1].table_count, 3);
    assert_string_equal(config->sources[1].tables[2].name, "three");
    assert_options(&config->sources[1].tables[2].options, "");
    assert_int_equal(config->sources[1].otherwise->table_count, 3);
    assert_options(&config->sources[1].otherwise->tables[2].options, "dbname=w");
    idc_config_free(config);
    assert_int_equal(remove(path), 0);
    free(path);
}

static void
test_file(void **state)
{
    char *path = write_file("sources:\n  a: postgresql://h/d\n");
    IdcConfig *config = load_input((IdcConfigInput){ .path = path });

    (void) state;
    assert_string_equal(config->sources[0].position.file, path);
    idc_config_free(config);
    assert_int_equal(remove(path), 0);
    free(path);
    idc_config_free(NULL);
}

static void
test_secrets_and_schema(void **state)
{
    (void) state;
    assert_true(idc_config_option_is_secret("password"));
    assert_true(idc_config_option_is_secret("SSLPassword"));
    assert_true(idc_config_option_is_secret("auth_token"));
    assert_false(idc_config_option_is_secret("host"));
    assert_false(idc_config_option_is_secret("user"));
    assert_non_null(strstr(idc_config_schema(), "https://json-schema.org/draft/2020-12/schema"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_source),  cmocka_unit_test(test_mysql_source),
        cmocka_unit_test(test_exact_wrapper),  cmocka_unit_test(test_second_dialect),
        cmocka_unit_test(test_urls),           cmocka_unit_test(test_hub),
        cmocka_unit_test(test_variables),      cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_shapes_of_text), cmocka_unit_test(test_schema_file),
        cmocka_unit_test(test_file),           cmocka_unit_test(test_secrets_and_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
