/*
 * test_validate.c - what is said about sources that work and about those that do not.
 */
#include "servers.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "setup/model.h"

static const IdcSourceHealth *
health_of(Case *test, const IdcSourceHealth *health, const char *source)
{
    for (size_t i = 0; i < test->config->source_count; i++)
        if (health[i].source != NULL && strcmp(health[i].source, source) == 0)
            return &health[i];
    fail_msg("nothing about \"%s\"", source);
    return NULL;
}

static IdcSourceHealth *
validate(Case *test, const char *yaml, int64_t timeout_ms)
{
    IdcSourceHealth *health = NULL;

    case_config(test, yaml);
    idc_error_init(&test->err);
    if (idc_setup_validate(test->hub, NULL, test->config, timeout_ms, test->arena, &health,
                           &test->err) != IDC_OK)
        fail_msg("%s", test->err.message);
    return health;
}

static void
expect_problem(Case *test, const IdcSourceHealth *health, const char *source, const char *words,
               const char *sqlstate)
{
    const IdcSourceHealth *found = health_of(test, health, source);

    if (found->is_healthy || strstr(found->details, words) == NULL)
        fail_msg("\"%s\" is not in what is said of \"%s\": %s", words, source, found->details);
    if (strcmp(found->sqlstate, sqlstate) != 0)
        fail_msg("%s instead of %s: %s", found->sqlstate, sqlstate, found->details);
    assert_null(strstr(found->details, "geheim"));
}

static void
expect_health(Case *test, const IdcSourceHealth *health, const char *source, const char *details)
{
    const IdcSourceHealth *found = health_of(test, health, source);

    assert_string_equal(found->details, details);
    assert_true(found->is_healthy);
    assert_string_equal(found->sqlstate, "");
}

static void
test_healthy(void **state)
{
    IdcSourceHealth *health;
    Case test;

    (void) state;
    case_open(&test);
    health =
        validate(&test,
                 SHOP "    schema: a\n    tables:\n" ORDERS "      - customers\n" STOCK
                      "    schema: b\n    import: all\n"
                      "  off:\n    enabled: false\n    extension: postgres_fdw\n"
                      "    server: {name: off, options: {host: 127.0.0.1, port: 1, dbname: x}}\n"
                      "    user_mapping: {options: {user: a}}\n    tables: [t]\n",
                 10000);
    expect_health(&test, health, "shop", "ok: 2 tables");
    expect_health(&test, health, "stock", "ok: 1 table");
    assert_null(health[2].source);
    assert_string_equal(case_value(&test, "SELECT count(*)::text FROM pg_foreign_server"), "0");
    assert_string_equal(
        case_value(&test, "SELECT count(*)::text FROM pg_extension WHERE extname ~ 'fdw'"), "0");
    case_close(&test);
}

#define POSTGRES(name, host, port, database, password, more)                                       \
    "  " name ":\n    extension: postgres_fdw\n    schema: " name "\n    server: {name: " name     \
    ", options: {host: " host ", port: " port ", dbname: " database more "}}\n"                    \
    "    user_mapping: {options: {user: app, password: " password "}}\n    tables: [orders]\n"
#define MYSQL(name, host, port, database, password)                                                \
    "  " name ":\n    wrapper: mysql_fdw\n    schema: " name "\n    server: {name: " name          \
    ", options: {host: " host ", port: " port ", database: " database "}}\n"                       \
    "    user_mapping: {options: {username: app, password: " password "}}\n    tables: [items]\n"

static void
test_what_is_wrong(void **state)
{
    IdcSourceHealth *health;
    Case test;

    (void) state;
    case_open(&test);
    health = validate(
        &test,
        "sources:\n" POSTGRES("p_name", "no-such-host.invalid", "1", "x", "geheim-1",
                              "") POSTGRES("p_refused", "127.0.0.1", "1", "x", "geheim-1", "")
            POSTGRES("p_password", "127.0.0.1", "$PG", "shop", "geheim-9",
                     "") POSTGRES("p_database", "127.0.0.1", "$PG", "nodb", "geheim-1", "")
                POSTGRES("p_tls", "127.0.0.1", "$PG", "shop", "geheim-1", ", sslmode: require")
                    MYSQL("m_name", "no-such-host.invalid", "1", "x", "geheim-2")
                        MYSQL("m_refused", "127.0.0.1", "1", "x", "geheim-2")
                            MYSQL("m_password", "127.0.0.1", "$MY", "stock", "geheim-9")
                                MYSQL("m_database", "127.0.0.1", "$MY", "nodb", "geheim-2")
                                    POSTGRES("p_good", "127.0.0.1", "$PG", "shop", "geheim-1", ""),
        15000);
    expect_problem(&test, health, "p_name", "name not resolved", "08001");
    expect_problem(&test, health, "p_refused", "connection refused", "08001");
    expect_problem(&test, health, "p_password", "wrong user or password", "28P01");
    expect_problem(&test, health, "p_database", "unknown database \"nodb\"", "3D000");
    expect_problem(&test, health, "p_tls", "TLS", "08001");
    expect_problem(&test, health, "m_name", "name not resolved", "08001");
    expect_problem(&test, health, "m_refused", "connection refused", "08001");
    expect_problem(&test, health, "m_password", "wrong user or password", "28P01");
    expect_problem(&test, health, "m_database", "unknown database \"nodb\"", "3D000");
    expect_health(&test, health, "p_good", "ok: 1 table");
    case_close(&test);
}

static void
test_tables_and_columns(void **state)
{
    const IdcSourceHealth *shop;
    IdcSourceHealth *health;
    Case test;

    (void) state;
    case_open(&test);
    health = validate(
        &test,
        SHOP
        "    schema: a\n    tables:\n"
        "      - {name: one, columns: [{name: id, type: int}], options: {table_name: nothing}}\n"
        "      - {name: two, columns: [{name: amonut, type: numeric}, {name: note, type: integer}, "
        "{name: day, type: date}], options: {table_name: orders}}\n"
        "      - {name: three, columns: [{name: id, type: integer}], options: {table_name: "
        "customers}}\n" STOCK "    schema: b\n    tables:\n"
        "      - {name: items, columns: [{name: ID, type: integer}, {name: made, type: "
        "integer}]}\n",
        10000);
    shop = health_of(&test, health, "shop");
    assert_false(shop->is_healthy);
    assert_non_null(
        strstr(shop->details, "table \"one\": the source has no table \"nothing\" in \"public\""));
    assert_non_null(
        strstr(shop->details,
               "table \"two\": the source has no column \"amonut\", did you mean \"amount\"?"));
    assert_non_null(
        strstr(shop->details, "column \"note\" is integer in the file and text in the source"));
    assert_null(strstr(shop->details, "three"));
    assert_string_equal(shop->sqlstate, "42P01");
    expect_problem(&test, health, "stock",
                   "table \"items\": column \"made\" is integer in the file and timestamp without "
                   "time zone in the source",
                   "42804");
    health = validate(&test,
                      SHOP "    tables:\n      - {name: c, columns: [{name: id, type: integer}], "
                           "options: {table_name: customers}}\n",
                      10000);
    expect_health(&test, health, "shop",
                  "ok: 1 table (<config>:7:9: table \"c\": column \"id\" is integer in the file "
                  "and bigint in the source)");
    case_close(&test);
}

/* A listener that accepts (its backlog does) and never says a word. */
static int
silent_listener(char *port, size_t size)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t address_len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &address_len), 0);
    snprintf(port, size, "%d", ntohs(address.sin_port));
    return fd;
}

static void
test_silent_source(void **state)
{
    IdcSourceHealth *health;
    int64_t started_ms;
    char port[16], yaml[2048];
    Case test;
    int fd;

    (void) state;
    case_open(&test);
    fd = silent_listener(port, sizeof port);
    snprintf(yaml, sizeof yaml,
             SHOP "    schema: s\n    tables: [orders]\n" POSTGRES("p", "127.0.0.1", "%s", "x",
                                                                   "geheim-1", "")
                 MYSQL("m", "127.0.0.1", "%s", "x", "geheim-2"),
             port, port);
    started_ms = idc_clock_ms();
    health = validate(&test, yaml, 5000);
    assert_true(idc_clock_ms() - started_ms < 11000);
    expect_problem(&test, health, "p", "no answer", "08001");
    expect_problem(&test, health, "m", "no answer", "08001");
    expect_health(&test, health, "shop", "ok: 1 table");
    close(fd);
    case_close(&test);
}

static void
test_cancelled(void **state)
{
    IdcSourceHealth *health = NULL;
    IdcCall *call = idc_call_new();
    Case test;

    (void) state;
    case_open(&test);
    case_config(&test, SHOP "    tables: [orders]\n");
    idc_call_cancel(call);
    assert_int_equal(
        idc_setup_validate(test.hub, call, test.config, 5000, test.arena, &health, &test.err),
        IDC_CANCELED);
    assert_null(health);
    idc_call_free(call);
    case_close(&test);
}

static void
test_types(void **state)
{
    static const struct {
        const char *wanted, *remote;
        IdcTypeMatch match;
    } cases[] = {
        { "integer", "integer", IDC_TYPES_FIT },
        { "integer", "smallint", IDC_TYPES_FIT },
        { "integer", "bigint", IDC_TYPES_NARROW },
        { "integer", "text", IDC_TYPES_CLASH },
        { "integer", "character varying(10)", IDC_TYPES_CLASH },
        { "numeric", "integer", IDC_TYPES_FIT },
        { "double precision", "numeric(10,2)", IDC_TYPES_FIT },
        { "integer", "numeric(10,2)", IDC_TYPES_NARROW },
        { "text", "jsonb", IDC_TYPES_FIT },
        { "jsonb", "json", IDC_TYPES_FIT },
        { "boolean", "smallint", IDC_TYPES_FIT },
        { "boolean", "bigint", IDC_TYPES_CLASH },
        { "date", "timestamp without time zone", IDC_TYPES_NARROW },
        { "timestamp with time zone", "date", IDC_TYPES_FIT },
        { "integer[]", "integer[]", IDC_TYPES_FIT },
        { "integer", "integer[]", IDC_TYPES_CLASH },
        { "time without time zone", "timestamp without time zone", IDC_TYPES_CLASH },
        { "uuid", "text", IDC_TYPES_FIT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (idc_health_types(cases[i].wanted, cases[i].remote) != cases[i].match)
            fail_msg("%s from %s", cases[i].wanted, cases[i].remote);
}

static void
test_mysql_types(void **state)
{
    IdcArena *arena = idc_arena_new(0);

    (void) state;
    assert_string_equal(idc_mysql_type(arena, "int", "int(10) unsigned", "10", "0"), "bigint");
    assert_string_equal(idc_mysql_type(arena, "bigint", "bigint(20) unsigned", "20", "0"),
                        "numeric(20,0)");
    assert_string_equal(idc_mysql_type(arena, "decimal", "decimal(15,2)", "15", "2"),
                        "numeric(15,2)");
    assert_string_equal(idc_mysql_type(arena, "varchar", "varchar(0)", NULL, NULL), "text");
    assert_string_equal(idc_mysql_type(arena, "char", "char(3)", NULL, NULL), "character(3)");
    assert_string_equal(idc_mysql_type(arena, "enum", "enum('a(5)')", NULL, NULL), "text");
    assert_string_equal(idc_mysql_type(arena, "longblob", "longblob", NULL, NULL), "bytea");
    assert_string_equal(idc_mysql_type(arena, "point", "point", NULL, NULL), "bytea");
    idc_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_tables_and_columns),
        cmocka_unit_test(test_silent_source),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_mysql_types),
    };

    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
