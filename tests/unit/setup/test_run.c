/*
 * test_run.c - setup against real servers: made, kept, altered, dropped, all or nothing.
 */
#include "servers.h"

#include <pthread.h>

static void
source_sql(const char *sql)
{
    char command[512];

    snprintf(command, sizeof command, "psql -qX -h %s/src -p %d -U postgres shop -c \"%s\"",
             servers.directory, servers.postgres_port, sql);
    assert_int_equal(system(command), 0);
}

static void
test_creates_then_keeps(void **state)
{
    Case test;
    IdcChanges changes;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    schema: shop\n    tables:\n" ORDERS);
    changes = case_setup(&test);
    assert_string_equal(
        case_story(&test, &changes),
        "create extension postgres_fdw, create schema shop, create server shop_server, "
        "create user mapping shop_server, create table shop.orders");
    assert_string_equal(case_value(&test, "SELECT sum(amount)::text FROM shop.orders"), "6.25");
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM instant.objects"), "4");
    changes = case_setup(&test);
    assert_string_equal(case_story(&test, &changes), "");
    assert_int_equal(changes.change_count, 0);
    assert_int_equal(changes.count, 5);
    case_close(&test);
}

static void
test_server_gets_defaults(void **state)
{
    Case test;

    (void) state;
    case_open(&test);
    case_config(
        &test,
        SHOP "    tables:\n" ORDERS "  far:\n    extension: postgres_fdw\n"
             "    server: {name: far, options: {host: db.example.com, dbname: x, fetch_size: 50}}\n"
             "    user_mapping: {options: {user: a, password: bbbb}}\n"
             "    tables: [{name: t, columns: [{name: a, type: int}]}]\n");
    (void) case_setup(&test);
    assert_string_equal(
        case_value(
            &test,
            "SELECT string_agg(o.option_name || '=' || o.option_value, ' ' ORDER BY o.option_name)"
            " FROM pg_foreign_server s, pg_options_to_table(srvoptions) o"
            " WHERE srvname = 'shop_server' AND o.option_name NOT IN ('host','port')"),
        "application_name=instant async_capable=true connect_timeout=5 dbname=shop "
        "fetch_size=10000 "
        "gssencmode=disable keepalives=1 keepalives_count=3 keepalives_idle=30 "
        "keepalives_interval=10 tcp_user_timeout=30000 use_remote_estimate=true");
    assert_string_equal(
        case_value(&test, "SELECT string_agg(o.option_value, ' ' ORDER BY o.option_name)"
                          " FROM pg_foreign_server s, pg_options_to_table(srvoptions) o"
                          " WHERE srvname = 'far' AND o.option_name IN ('sslmode', 'fetch_size')"),
        "50 verify-full");
    case_close(&test);
}

static void
expect_change(Case *test, const char *yaml, const char *story, const char *ddl)
{
    IdcChanges changes;

    case_config(test, yaml);
    changes = case_setup(test);
    assert_string_equal(case_story(test, &changes), story);
    if (ddl != NULL)
        assert_string_equal(changes.items[0].ddl, ddl);
    changes = case_setup(test);
    assert_string_equal(case_story(test, &changes), "");
}

static void
test_alters_just_what_differs(void **state)
{
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    expect_change(&test,
                  SHOP "    tables:\n      - name: orders\n"
                       "        columns: [{name: id, type: bigint, not_null: true}, {name: amount, "
                       "type: \"numeric(10,2)\"}, "
                       "{name: day, type: date}]\n"
                       "        options: {table_name: orders, schema_name: public}\n",
                  "alter table orders",
                  "ALTER FOREIGN TABLE \"public\".\"orders\" ALTER COLUMN \"id\" TYPE bigint");
    expect_change(
        &test,
        SHOP "    tables:\n      - name: orders\n        description: what was sold\n"
             "        columns: [{name: id, type: bigint}, {name: note, type: text, default: "
             "\"'-'\", description: remark}, "
             "{name: day, type: date}]\n"
             "        options: {table_name: orders, schema_name: public, fetch_size: 7}\n",
        "alter table orders",
        "ALTER FOREIGN TABLE \"public\".\"orders\" DROP COLUMN \"amount\";\n"
        "ALTER FOREIGN TABLE \"public\".\"orders\" ALTER COLUMN \"id\" DROP NOT NULL;\n"
        "ALTER FOREIGN TABLE \"public\".\"orders\" ADD COLUMN \"note\" text DEFAULT '-'::text;\n"
        "COMMENT ON COLUMN \"public\".\"orders\".\"note\" IS 'remark';\n"
        "ALTER FOREIGN TABLE \"public\".\"orders\" OPTIONS (ADD \"fetch_size\" '7');\n"
        "COMMENT ON FOREIGN TABLE \"public\".\"orders\" IS 'what was sold'");
    expect_change(&test, SHOP "    tables:\n" ORDERS, "alter table orders", NULL);
    expect_change(&test,
                  "sources:\n  shop:\n    extension: postgres_fdw\n"
                  "    server: {name: shop_server, options: {host: 127.0.0.1, port: $PG, dbname: "
                  "shop, fetch_size: 5}}\n" SHOP_USER "    tables:\n" ORDERS,
                  "alter server shop_server",
                  "ALTER SERVER \"shop_server\" OPTIONS (SET \"fetch_size\" '5')");
    case_close(&test);
}

static void
test_password_changes_only_the_mapping(void **state)
{
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test,
                SHOP_SERVER "    user_mapping: {options: {user: app, password: old-canary}}\n"
                            "    tables:\n" ORDERS);
    (void) case_setup(&test);
    expect_change(&test, SHOP "    tables:\n" ORDERS, "alter user mapping shop_server",
                  "ALTER USER MAPPING FOR CURRENT_USER SERVER \"shop_server\" OPTIONS (SET "
                  "\"password\" '********')");
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM orders"), "2");
    case_close(&test);
}

static void
test_drops_ours_only(void **state)
{
    Case test;
    IdcChanges changes;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    schema: shop\n    tables:\n" ORDERS
                            "      - name: lines\n        columns: [{name: a, type: int}]\n"
                            "        options: {schema_name: sales}\n" STOCK
                            "    schema: stock\n    tables: [items]\n");
    (void) case_setup(&test);
    case_sql(&test, "CREATE FOREIGN TABLE shop.mine (a int) SERVER shop_server; CREATE TABLE "
                    "public.own (a int)");
    case_config(&test, SHOP "    schema: shop\n    tables:\n" ORDERS);
    changes = case_setup(&test);
    assert_string_equal(
        case_story(&test, &changes),
        "drop table shop.lines, drop table stock.items, drop user mapping stock_server, "
        "drop server stock_server, drop schema stock");
    assert_string_equal(case_value(&test, "SELECT to_regclass('shop.mine')::text"), "shop.mine");
    case_close(&test);
}

static void
expect_failure(Case *test, const char *yaml, const char *words)
{
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcChanges changes = { 0 };
    const char *before = case_value(
        test, "SELECT count(*)::text || (SELECT count(*) FROM pg_foreign_server) FROM pg_class");

    case_config(test, yaml);
    assert_int_not_equal(case_try(test, &options, &changes), IDC_OK);
    if (strstr(test->err.message, words) == NULL && strstr(test->err.hint, words) == NULL)
        fail_msg("no \"%s\" in: %s (%s)", words, test->err.message, test->err.hint);
    assert_null(strstr(test->err.message, "geheim"));
    assert_true(idc_conn_is_usable(test->conn));
    assert_string_equal(
        case_value(
            test,
            "SELECT count(*)::text || (SELECT count(*) FROM pg_foreign_server) FROM pg_class"),
        before);
}

static void
test_refuses_what_is_not_ours(void **state)
{
    Case test;

    (void) state;
    case_open(&test);
    case_sql(&test, "CREATE TABLE public.orders (a int); CREATE EXTENSION postgres_fdw");
    expect_failure(&test, SHOP "    tables:\n" ORDERS, "the hub has a table \"orders\" already");
    case_sql(&test,
             "DROP TABLE orders; CREATE SERVER shop_server FOREIGN DATA WRAPPER postgres_fdw");
    expect_failure(&test, SHOP "    tables:\n" ORDERS,
                   "the hub has a server \"shop_server\" already");
    case_close(&test);
}

static void
test_all_or_nothing(void **state)
{
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    expect_failure(
        &test,
        SHOP "    tables:\n      - name: orders\n        columns: [{name: id, type: bigint}]\n"
             "  bad:\n    extension: postgres_fdw\n"
             "    server: {name: bad, options: {host: 127.0.0.1, port: 1, dbname: x}}\n"
             "    user_mapping: {options: {user: app, password: geheim-1}}\n    tables: [t]\n",
        "source \"bad\"");
    expect_failure(
        &test,
        SHOP "    tables:\n      - name: orders\n        columns: [{name: id, type: nonsense}]\n",
        "type \"nonsense\" does not exist");
    expect_failure(&test, SHOP "    tables: [ordres]\n", "no table \"ordres\"");
    expect_failure(
        &test,
        "sources:\n  m:\n    extension: mongo_fdw\n    server: {name: m, options: {address: x}}\n"
        "    tables: [{name: t, columns: [{name: a, type: int}]}]\n",
        "-mongo-fdw");
    assert_string_equal(case_value(&test, "SELECT count(amount)::text FROM orders"), "2");
    case_close(&test);
}

/* What the file asks for and no wrapper can do is said, and is no change. */
static void
test_notes(void **state)
{
    IdcChanges changes;
    const IdcChange *note;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS "global_settings: {enable_push_down: false}\n");
    changes = case_setup(&test);
    note = case_change(&changes, "setting", "enable_push_down");
    assert_non_null(note);
    assert_string_equal(note->action, "note");
    assert_ptr_equal(note, &changes.items[changes.change_count]);
    changes = case_setup(&test);
    assert_int_equal(changes.change_count, 0);
    assert_string_equal(changes.items[0].action, "note");
    case_close(&test);
}

static void
test_plan_changes_nothing_and_hides(void **state)
{
    IdcSetupOptions options = { .plan_only = true, .connect_timeout_ms = 5000 };
    IdcChanges changes = { 0 };
    const IdcChange *mapping;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    schema: shop\n    import: all\n" STOCK "    tables: [items]\n");
    assert_int_equal(case_try(&test, &options, &changes), IDC_OK);
    /* Two of them are the types of the text columns of MariaDB. */
    assert_int_equal(changes.change_count, 12);
    mapping = case_change(&changes, "user mapping", "shop_server");
    assert_non_null(mapping);
    assert_string_equal(mapping->ddl, "CREATE USER MAPPING FOR CURRENT_USER SERVER \"shop_server\""
                                      " OPTIONS (\"user\" 'app', \"password\" '********')");
    assert_string_equal(
        case_value(&test, "SELECT count(*)::text FROM pg_extension WHERE extname ~ 'fdw'"), "0");
    assert_string_equal(case_value(&test, "SELECT to_regclass('instant.objects')::text"), "");
    case_close(&test);
}

static void
test_asks_the_source(void **state)
{
    IdcChanges changes;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test,
                SHOP "    import: [public, sales]\n" STOCK "    schema: stock\n    import: all\n");
    changes = case_setup(&test);
    assert_string_equal(case_value(&test,
                                   "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class"
                                   " WHERE relkind = 'f'"),
                        "customers items lines orders");
    assert_string_equal(
        case_value(
            &test,
            "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) ||"
            " CASE WHEN attnotnull THEN '!' ELSE '' END, ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = 'stock.items'::regclass AND attnum > 0"),
        "id integer!, name instant.\"character varying(20)\"!, price numeric(15,2), "
        "big numeric(20,0), n bigint, "
        "made timestamp without time zone, kind instant.text, data bytea, ok smallint");
    assert_string_equal(
        case_value(&test, "SELECT name || price || big || n || kind FROM stock.items"),
        "Größe 😀1.50184467440737095516154294967295b");
    assert_string_equal(case_value(&test, "SELECT obj_description('stock.items'::regclass)"),
                        "things");
    changes = case_setup(&test);
    assert_string_equal(case_story(&test, &changes), "");
    case_close(&test);
}

static void
test_force_refresh(void **state)
{
    IdcSetupOptions options = { .force_refresh = true, .connect_timeout_ms = 5000 };
    IdcChanges changes = { 0 };
    const char *before;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    before = case_value(&test, "SELECT 'orders'::regclass::oid::text");
    assert_int_equal(case_try(&test, &options, &changes), IDC_OK);
    assert_string_equal(
        case_story(&test, &changes),
        "drop table orders, drop user mapping shop_server, drop server shop_server, "
        "create server shop_server, create user mapping shop_server, create table orders");
    assert_string_not_equal(case_value(&test, "SELECT 'orders'::regclass::oid::text"), before);
    case_sql(&test, "CREATE VIEW v AS SELECT * FROM orders");
    assert_int_not_equal(case_try(&test, &options, &changes), IDC_OK);
    assert_non_null(strstr(test.err.hint, "drop that first"));
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM v"), "2");
    case_close(&test);
}

static void
test_sources_that_change(void **state)
{
    IdcChanges changes;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    /* Another name for the server: its tables move, for a foreign table keeps its server for life.
     */
    expect_change(
        &test,
        "sources:\n  shop:\n    extension: postgres_fdw\n"
        "    server: {name: other, options: {host: 127.0.0.1, port: $PG, dbname: shop}}\n" SHOP_USER
        "    tables:\n" ORDERS,
        "create server other, create user mapping other, alter table orders, "
        "drop user mapping shop_server, drop server shop_server",
        NULL);
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM orders"), "2");
    /* Another wrapper under the same server's name: all of it is made anew. */
    expect_change(
        &test,
        "sources:\n  shop:\n    wrapper: mysql_fdw\n"
        "    server: {name: other, options: {host: 127.0.0.1, port: $MY, database: stock}}\n"
        "    user_mapping: {options: {username: app, password: geheim-2}}\n    tables: [items]\n",
        "create extension mysql_fdw, drop table orders, drop user mapping other, drop server "
        "other, "
        "create server other, create user mapping other, "
        "create type instant.\"character varying(20)\", create type instant.text, "
        "create table items",
        NULL);
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM items"), "1");
    expect_change(&test,
                  "sources:\n  shop:\n    enabled: false\n    extension: postgres_fdw\n"
                  "    server: {name: other, options: {host: x, dbname: y}}\n    tables: [a]\n",
                  "drop table items, drop user mapping other, drop server other", NULL);
    changes = case_setup(&test);
    assert_int_equal(changes.count, 0);
    case_close(&test);
}

/* The same table of the hub, served by another wrapper: what others were granted stays. */
static void
test_another_wrapper(void **state)
{
    static const char other[] =
        "sources:\n  shop:\n    wrapper: mysql_fdw\n"
        "    server: {name: shop_server, options: {host: 127.0.0.1, port: $MY, database: stock}}\n"
        "    user_mapping: {options: {username: app, password: geheim-2}}\n"
        "    tables: [{name: orders, options: {table_name: items}, columns: [{name: id, type: "
        "int}]}]\n";
    IdcChanges changes;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    case_sql(&test, "GRANT SELECT ON orders TO PUBLIC; GRANT INSERT (id, day) ON orders TO PUBLIC;"
                    "GRANT USAGE ON FOREIGN SERVER shop_server TO PUBLIC;"
                    "CREATE VIEW seen AS SELECT * FROM orders");
    case_config(&test, other);
    assert_int_equal(case_try(&test, &(IdcSetupOptions){ 0 }, &changes), IDC_QUERY_FAILED);
    assert_non_null(strstr(test.err.message, "view seen depends on foreign table orders"));
    assert_non_null(strstr(test.err.hint, "\"wrapper: postgres_fdw\""));
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM seen"), "2");
    case_sql(&test, "DROP VIEW seen");
    changes = case_setup(&test);
    assert_string_equal(case_story(&test, &changes),
                        "create extension mysql_fdw, drop table orders, drop user mapping "
                        "shop_server, drop server shop_server, create server shop_server, create "
                        "user mapping shop_server, create table orders, grant table orders, grant "
                        "table orders, grant server shop_server");
    assert_string_equal(
        case_value(&test, "SELECT relacl::text || (SELECT attacl::text FROM pg_attribute"
                          " WHERE attrelid = c.oid AND attname = 'id') || srvacl::text"
                          " FROM pg_class c, pg_foreign_server WHERE relname = 'orders'"),
        "{postgres=arwdDxt/postgres,=r/postgres}{=a/postgres}{postgres=U/postgres,=U/postgres}");
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM orders"), "1");
    changes = case_setup(&test);
    assert_int_equal(changes.change_count, 0);
    case_close(&test);
}

#define WEB(more)                                                                                  \
    "sources:\n  web:\n    extension: mysql_fdw\n    tables: [items]\n"                            \
    "    server: {name: web, options: {host: 127.0.0.1, port: $MY, database: stock" more "}}\n"    \
    "    user_mapping: {options: {username: app, password: geheim-2}}\n"

/* This hub lacks the extension instant_fdw: mysql_fdw serves the source, and setup says so. */
static void
test_a_hub_without_ours(void **state)
{
    const IdcChange *note;
    IdcChanges changes;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, WEB(""));
    changes = case_setup(&test);
    note = case_change(&changes, "wrapper", "mysql_fdw");
    assert_non_null(note);
    assert_string_equal(note->action, "note");
    assert_string_equal(note->source, "web");
    assert_string_equal(note->ddl,
                        "source \"web\" is served by mysql_fdw instead of instant_mysql: "
                        "the hub has no extension \"instant_fdw\" with it");
    assert_string_equal(case_value(&test, "SELECT w.fdwname FROM pg_foreign_server s"
                                          " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
                                          " WHERE srvname = 'web'"),
                        "mysql_fdw");
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM items"), "1");
    changes = case_setup(&test);
    assert_int_equal(changes.change_count, 0);
    /* What mysql_fdw has no word for can be served by nothing here. */
    case_config(&test, WEB(", zero_date: text"));
    assert_int_equal(idc_setup_run(test.conn, NULL, test.config, &(IdcSetupOptions){ 0 },
                                   test.arena, &changes, &test.err),
                     IDC_NOT_FOUND);
    assert_non_null(strstr(test.err.message, "the hub has no extension \"instant_fdw\""));
    assert_non_null(strstr(test.err.hint, "unknown option \"zero_date\" of mysql_fdw"));
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM items"), "1");
    case_close(&test);
}

static void
test_names_of_any_kind(void **state)
{
    IdcChanges changes;
    Case test;

    (void) state;
    case_open(&test);
    source_sql("CREATE ROLE odd LOGIN PASSWORD 'a''b\\\\c\\\"d'; CREATE TABLE \\\"a b\\\" "
               "(\\\"select\\\" int, \\\"Größe\\\" "
               "int, \\\"a\\\"\\\"b\\\" int DEFAULT 3); GRANT ALL ON \\\"a b\\\" TO odd; INSERT "
               "INTO \\\"a b\\\" VALUES (1, 2)");
    case_config(
        &test, SHOP_SERVER
        "    schema: 'Grö\"ße'\n    description: \"it's; \\\\ DROP\"\n"
        "    user_mapping: {options: {user: odd, password: 'a''b\\c\"d'}}\n"
        "    tables:\n      - 'a b'\n"
        "      - {name: 'c\"d', columns: [{name: 'a\"b', type: integer, description: \"x'y\"}], "
        "options: {table_name: 'a b'}}\n");
    (void) case_setup(&test);
    assert_string_equal(
        case_value(&test, "SELECT \"select\" + \"Größe\" + \"a\"\"b\" FROM \"Grö\"\"ße\".\"a b\""),
        "6");
    assert_string_equal(case_value(&test, "SELECT \"a\"\"b\" FROM \"Grö\"\"ße\".\"c\"\"d\""), "3");
    changes = case_setup(&test);
    assert_string_equal(case_story(&test, &changes), "");
    source_sql("DROP TABLE \\\"a b\\\"; DROP ROLE odd");
    case_close(&test);
}

/* Two projects share a hub: what one file brought does not go because another does not know it. */
static void
test_two_files(void **state)
{
    IdcConfigInput input = { .path = "other.yaml" };
    IdcChanges changes;
    IdcText report;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    (void) case_setup(&test);
    idc_config_free(test.config);
    test.config = NULL;
    input.text = "sources:\n  b:\n    extension: postgres_fdw\n    server: {name: b, options: "
                 "{host: 127.0.0.1, dbname: y}}\n"
                 "    user_mapping: {options: {user: a}}\n    tables: [{name: t, columns: [{name: "
                 "a, type: int}]}]\n";
    idc_text_init(&report, 0);
    assert_int_equal(idc_config_load(&input, &test.config, &report, &test.err), IDC_OK);
    idc_text_done(&report);
    changes = case_setup(&test);
    assert_string_equal(case_story(&test, &changes),
                        "create server b, create user mapping b, create table t");
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM orders"), "2");
    case_close(&test);
}

/* ---- secrets ---- */

static bool
file_holds(const char *path, const char *words)
{
    FILE *file = fopen(path, "rbe");
    char line[65536];
    bool is_found = false;

    assert_non_null(file);
    while (!is_found && fgets(line, sizeof line, file) != NULL)
        is_found = strstr(line, words) != NULL;
    fclose(file);
    return is_found;
}

static void
test_passwords_stay_out_of_the_log(void **state)
{
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcSourceHealth *health = NULL;
    IdcChanges changes = { 0 };
    char log[200];
    Case test;

    (void) state;
    case_open(&test);
    case_sql(&test, "CREATE EXTENSION pg_stat_statements");
    case_config(&test,
                SHOP_SERVER "    user_mapping: {options: {user: app, password: canary-log-1}}\n"
                            "    tables:\n" ORDERS);
    (void) case_setup(&test);
    case_config(&test,
                SHOP_SERVER "    user_mapping: {options: {user: app, password: canary-log-2}}\n"
                            "    tables:\n" ORDERS);
    (void) case_setup(&test);
    assert_int_equal(
        idc_setup_validate(test.hub, NULL, test.config, 5000, test.arena, &health, &test.err),
        IDC_OK);
    assert_false(health[0].is_healthy);
    assert_null(strstr(health[0].details, "canary"));
    /* A statement that fails with the password in it. */
    case_config(&test, SHOP_SERVER "    user_mapping: {options: {user: app, password: "
                                   "canary-log-3, use_scram_passthrough: true}}\n"
                                   "    tables:\n" ORDERS);
    assert_int_not_equal(case_try(&test, &options, &changes), IDC_OK);
    assert_non_null(strstr(test.err.message, "invalid option \"use_scram_passthrough\""));
    assert_string_equal(
        case_value(
            &test,
            "SELECT count(*)::text FROM pg_stat_statements WHERE query ~ ('canary-l' || 'og')"),
        "0");
    snprintf(log, sizeof log, "%s/hub/log", servers.directory);
    assert_true(file_holds(log, "CREATE EXTENSION pg_stat_statements"));
    assert_false(file_holds(log, "canary-log"));
    case_close(&test);
}

static void
test_ordinary_user(void **state)
{
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcChanges changes = { 0 };
    char sql[256];
    Case test;

    (void) state;
    case_open(&test);
    snprintf(sql, sizeof sql,
             "CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE %s TO plain;"
             "GRANT CREATE ON SCHEMA public TO plain",
             test.database);
    case_sql(&test, sql);
    idc_conn_close(test.conn);
    idc_hub_free(test.hub);
    test.hub = case_hub(test.database, "plain");
    assert_int_equal(idc_conn_open(test.hub, NULL, &test.conn, &test.err), IDC_OK);
    expect_failure(&test, SHOP "    tables:\n" ORDERS, "an administrator of the hub has to run");
    idc_conn_close(test.conn);
    idc_hub_free(test.hub);
    test.hub = case_hub(test.database, "postgres");
    assert_int_equal(idc_conn_open(test.hub, NULL, &test.conn, &test.err), IDC_OK);
    case_sql(
        &test,
        "CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO plain");
    idc_conn_close(test.conn);
    idc_hub_free(test.hub);
    test.hub = case_hub(test.database, "plain");
    assert_int_equal(idc_conn_open(test.hub, NULL, &test.conn, &test.err), IDC_OK);
    /* This hub logs every statement, and an ordinary user may not change that. */
    expect_failure(&test, SHOP "    tables:\n" ORDERS, "its log would keep it");
    idc_conn_close(test.conn);
    idc_hub_free(test.hub);
    test.hub = case_hub(test.database, "postgres");
    assert_int_equal(idc_conn_open(test.hub, NULL, &test.conn, &test.err), IDC_OK);
    case_sql(&test, "ALTER ROLE plain SET log_statement = none; ALTER ROLE plain SET "
                    "log_min_duration_statement = -1;"
                    "ALTER ROLE plain SET pg_stat_statements.track_utility = off");
    idc_conn_close(test.conn);
    idc_hub_free(test.hub);
    test.hub = case_hub(test.database, "plain");
    assert_int_equal(idc_conn_open(test.hub, NULL, &test.conn, &test.err), IDC_OK);
    if (case_try(&test, &options, &changes) != IDC_OK)
        fail_msg("%s (%s)", test.err.message, test.err.hint);
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM orders"), "2");
    assert_int_equal(case_try(&test, &options, &changes), IDC_OK);
    assert_int_equal(changes.change_count, 0);
    case_close(&test);
}

/* ---- two at once ---- */

typedef struct Runner {
    Case *test;
    IdcStatus status;
    size_t change_count;
    char message[512];
} Runner;

static void *
run_setup(void *argument)
{
    Runner *runner = argument;
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcArena *arena = idc_arena_new(0);
    IdcChanges changes = { 0 };
    IdcConn *conn = NULL;
    IdcError err;

    idc_error_init(&err);
    runner->status = idc_conn_open(runner->test->hub, NULL, &conn, &err);
    if (runner->status == IDC_OK)
        runner->status =
            idc_setup_run(conn, NULL, runner->test->config, &options, arena, &changes, &err);
    runner->change_count = changes.change_count;
    snprintf(runner->message, sizeof runner->message, "%.500s", err.message);
    idc_conn_close(conn);
    idc_arena_free(arena);
    return NULL;
}

static void
test_several_at_once(void **state)
{
    Runner runners[4];
    pthread_t threads[4];
    size_t makers = 0;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    for (size_t i = 0; i < 4; i++) {
        runners[i] = (Runner){ .test = &test };
        assert_int_equal(pthread_create(&threads[i], NULL, run_setup, &runners[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (runners[i].status != IDC_OK)
            fail_msg("%s", runners[i].message);
        makers += runners[i].change_count > 0 ? 1 : 0;
    }
    assert_int_equal(makers, 1);
    case_close(&test);
}

static void
test_waits_no_longer_than_told(void **state)
{
    IdcSetupOptions options = { .connect_timeout_ms = 5000 };
    IdcCall *call = idc_call_new();
    IdcChanges changes = { 0 };
    IdcConn *other = NULL;
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables:\n" ORDERS);
    assert_int_equal(idc_conn_open(test.hub, NULL, &other, &test.err), IDC_OK);
    assert_int_equal(
        idc_conn_execute(other, NULL, "SELECT pg_advisory_lock(6878242151)", &test.err), IDC_OK);
    idc_call_set_timeout(call, 300);
    assert_int_equal(
        idc_setup_run(test.conn, call, test.config, &options, test.arena, &changes, &test.err),
        IDC_TIMEOUT);
    assert_true(idc_conn_is_usable(test.conn));
    assert_int_equal(PQtransactionStatus(idc_conn_libpq(test.conn)), PQTRANS_IDLE);
    idc_conn_close(other);
    changes = case_setup(&test);
    assert_int_equal(changes.change_count, 4);
    idc_call_free(call);
    case_close(&test);
}

/* ---- refresh ---- */

static const IdcRefresh *
refreshed(const IdcRefresh *items, size_t count, const char *table)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].table, table) == 0)
            return &items[i];
    fail_msg("nothing about \"%s\"", table);
    return NULL;
}

static void
test_refresh(void **state)
{
    const char *names[] = { "changing", "listed", "chagning" };
    IdcRefresh *items = NULL;
    size_t count = 0;
    Case test;

    (void) state;
    case_open(&test);
    source_sql("CREATE TABLE changing (a int); GRANT ALL ON changing TO app");
    source_sql("CREATE TABLE going (a int); GRANT ALL ON going TO app");
    case_config(&test, SHOP
                "    tables: [changing, going, {name: listed, columns: [{name: id, type: int}], "
                "options: {table_name: orders}}]\n");
    (void) case_setup(&test);
    source_sql("ALTER TABLE changing ADD b text");
    source_sql("DROP TABLE going");
    assert_int_equal(idc_setup_refresh(test.conn, NULL, test.config, names, 3, test.arena, &items,
                                       &count, &test.err),
                     IDC_OK);
    assert_int_equal(count, 3);
    assert_true(refreshed(items, count, "changing")->is_refreshed);
    assert_string_equal(refreshed(items, count, "changing")->details, "changed as its source");
    assert_false(refreshed(items, count, "listed")->is_refreshed);
    assert_non_null(
        strstr(refreshed(items, count, "chagning")->details, "did you mean \"changing\"?"));
    assert_string_equal(case_value(&test, "SELECT count(b)::text FROM changing"), "0");
    assert_int_equal(idc_setup_refresh(test.conn, NULL, test.config, NULL, 0, test.arena, &items,
                                       &count, &test.err),
                     IDC_OK);
    assert_int_equal(count, 2);
    assert_string_equal(refreshed(items, count, "changing")->details, "unchanged");
    assert_false(refreshed(items, count, "going")->is_refreshed);
    source_sql("DROP TABLE changing");
    case_close(&test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates_then_keeps),
        cmocka_unit_test(test_server_gets_defaults),
        cmocka_unit_test(test_alters_just_what_differs),
        cmocka_unit_test(test_password_changes_only_the_mapping),
        cmocka_unit_test(test_drops_ours_only),
        cmocka_unit_test(test_refuses_what_is_not_ours),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_plan_changes_nothing_and_hides),
        cmocka_unit_test(test_asks_the_source),
        cmocka_unit_test(test_force_refresh),
        cmocka_unit_test(test_sources_that_change),
        cmocka_unit_test(test_another_wrapper),
        cmocka_unit_test(test_a_hub_without_ours),
        cmocka_unit_test(test_names_of_any_kind),
        cmocka_unit_test(test_two_files),
        cmocka_unit_test(test_passwords_stay_out_of_the_log),
        cmocka_unit_test(test_ordinary_user),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_waits_no_longer_than_told),
        cmocka_unit_test(test_refresh),
    };

    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
